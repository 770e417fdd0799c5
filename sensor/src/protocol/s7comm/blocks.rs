//! Names of program blocks in file names: `_0800001P` is OB1, passive.

use super::functions::block_type;
use crate::protocol::bytes::{Bytes, short};
use crate::protocol::text::Text;

/// The block a file name stands for; the name itself where it stands for none (`$`-files of modules, user files).
pub(super) fn file(name: &[u8]) -> Option<Text> {
    if name.is_empty() {
        return None;
    }
    let block = if name.first() == Some(&b'_') { name.get(1..).and_then(self::name) } else { None };
    Some(block.unwrap_or_else(|| short(name)))
}

/// The block of `0A00001P`: type, five digits, file system.
pub(super) fn name(name: &[u8]) -> Option<Text> {
    let kind = block_type(name.get(..2)?)?;
    let digits = name.slice(2, 5)?;
    if !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let number = digits.iter().fold(0_u32, |sum, digit| {
        sum.saturating_mul(10).saturating_add(u32::from(digit.saturating_sub(b'0')))
    });
    Some(format_args!("{kind}{number}").into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn file_names_become_block_names() {
        assert_eq!(file(b"_0800001P").as_deref(), Some("OB1"));
        assert_eq!(file(b"_0A00001P").as_deref(), Some("DB1"));
        assert_eq!(file(b"_0B00000A").as_deref(), Some("SDB0"));
        assert_eq!(file(b"_0E12345P").as_deref(), Some("FB12345"));
    }

    #[test]
    fn other_names_are_kept() {
        assert_eq!(file(b"$SYSTEM").as_deref(), Some("$SYSTEM"));
        assert_eq!(file(b"_99abcdeP").as_deref(), Some("_99abcdeP"));
        assert_eq!(file(b"_08").as_deref(), Some("_08"));
        assert_eq!(file(b""), None);
    }
}
