//! Short texts about messages, without memory of their own.
//!
//! Commands come thousands a second and each says what it is about. What a poll is about is short, so it is written where
//! the command stands; only what is longer than usual is allocated.

use std::borrow::Cow;
use std::fmt::{self, Write as _};

use arrayvec::ArrayString;

/// A text of a command: a constant, up to `N` bytes in place, or longer and on the heap.
#[derive(Clone)]
pub enum Text<const N: usize = 52> {
    /// From the specification.
    Static(&'static str),
    /// As long as usual.
    Short(ArrayString<N>),
    /// Longer.
    Long(Box<str>),
}

/// A function code as the field writes it: `0x29`, `90/0x41`, `pccc 0x0f/0xaa`.
pub type Code = Text<20>;

// What a command weighs is copied with it: a cache line for what it is about, half of one for its code.
const _: () = assert!(size_of::<Text>() == 64 && size_of::<Code>() == 32);

impl<const N: usize> Text<N> {
    /// The text.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Static(text) => text,
            Self::Short(text) => text,
            Self::Long(text) => text,
        }
    }

    /// A copy of a text that is no constant.
    pub fn copy(text: &str) -> Self {
        ArrayString::from(text).map_or_else(|_| Self::Long(text.into()), Self::Short)
    }
}

/// What `format_args!` says: written in place where it fits.
impl<const N: usize> From<fmt::Arguments<'_>> for Text<N> {
    fn from(arguments: fmt::Arguments<'_>) -> Self {
        if let Some(text) = arguments.as_str() {
            return Self::Static(text);
        }
        let mut text = Self::default();
        // Writing to a text cannot fail; what is written may, and then ends there.
        let _ = text.write_fmt(arguments);
        text
    }
}

impl<const N: usize> fmt::Write for Text<N> {
    fn write_str(&mut self, more: &str) -> fmt::Result {
        let mut short = match self {
            Self::Short(short) => *short,
            Self::Static(text) => ArrayString::from(text).unwrap_or_default(),
            Self::Long(_) => ArrayString::new(),
        };
        let fits = short.len() == self.len() && short.try_push_str(more).is_ok();
        *self = if fits { Self::Short(short) } else { Self::Long([self.as_str(), more].concat().into()) };
        Ok(())
    }
}

impl<const N: usize> From<&'static str> for Text<N> {
    fn from(text: &'static str) -> Self {
        Self::Static(text)
    }
}

impl<const N: usize> From<Box<str>> for Text<N> {
    fn from(text: Box<str>) -> Self {
        if text.len() > N { Self::Long(text) } else { Self::copy(&text) }
    }
}

impl<const N: usize> From<String> for Text<N> {
    fn from(text: String) -> Self {
        if text.len() > N { Self::Long(text.into()) } else { Self::copy(&text) }
    }
}

impl<const N: usize> From<Cow<'static, str>> for Text<N> {
    fn from(text: Cow<'static, str>) -> Self {
        match text {
            Cow::Borrowed(text) => text.into(),
            Cow::Owned(text) => text.into(),
        }
    }
}

impl<const N: usize> std::ops::Deref for Text<N> {
    type Target = str;

    fn deref(&self) -> &str {
        self.as_str()
    }
}

impl<const N: usize> Default for Text<N> {
    fn default() -> Self {
        Self::Static("")
    }
}

impl<const N: usize> fmt::Display for Text<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self)
    }
}

impl<const N: usize> fmt::Debug for Text<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

/// Wherever it stands.
impl<const N: usize> PartialEq for Text<N> {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

impl<const N: usize> Eq for Text<N> {}

impl<const N: usize> PartialEq<str> for Text<N> {
    fn eq(&self, other: &str) -> bool {
        self.as_str() == other
    }
}

impl<const N: usize> PartialEq<&str> for Text<N> {
    fn eq(&self, other: &&str) -> bool {
        self.as_str() == *other
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_fits_stands_in_place_and_what_does_not_is_whole_all_the_same() {
        for len in [0, 1, 51, 52, 53, 500] {
            let expected = "x".repeat(len);
            for text in [
                Text::<52>::from(expected.clone()),
                Text::from(Box::<str>::from(&*expected)),
                Text::copy(&expected),
                Text::from(format_args!("{expected}")),
                Text::from(Cow::Owned(expected.clone())),
            ] {
                assert_eq!(text, *expected);
                assert_eq!(matches!(text, Text::Long(_)), len > 52, "{len}");
            }
        }
    }

    #[test]
    fn a_text_grows_out_of_its_place_and_keeps_what_it_had() {
        let (mut text, mut expected) = (Text::<52>::from("object"), "object".to_owned());
        for n in 0..40 {
            write!(text, " {n}").unwrap();
            write!(expected, " {n}").unwrap();
            assert_eq!(text, *expected);
        }
    }

    #[test]
    fn a_constant_is_not_copied() {
        assert!(matches!(Code::from(format_args!("0x29")), Text::Static("0x29")));
        assert_eq!(Code::from("0x29"), Code::copy("0x29"));
    }
}
