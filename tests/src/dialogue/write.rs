//! Writing bytes down.

/// Bytes from hexadecimal text, blanks allowed.
///
/// # Panics
/// Where it is none: it stands in the source.
pub fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
    let pair = |pair: &[u8]| u8::from_str_radix(&String::from_utf8_lossy(pair), 16).expect("hexadecimal");
    digits.chunks(2).map(pair).collect()
}

/// A tag, a length and a content (ITU-T X.690 8.1).
pub fn ber(tag: u8, content: &[u8]) -> Vec<u8> {
    let mut out = vec![tag];
    match content.len() {
        short @ ..0x80 => out.push(short as u8),
        long => out.extend([0x82, (long >> 8) as u8, long as u8]),
    }
    out.extend(content);
    out
}

/// A number as its shortest unsigned content.
pub fn number(value: u32) -> Vec<u8> {
    let bytes = value.to_be_bytes();
    let from = bytes.iter().position(|byte| *byte != 0).unwrap_or(3);
    bytes[from..].to_vec()
}

/// What is put behind one another.
pub fn join<const N: usize>(parts: [&[u8]; N]) -> Vec<u8> {
    parts.concat()
}
