//! Basic encoding rules of ASN.1 (ITU-T X.690), as far as the protocols here use them: tags of any size, definite lengths.

use super::bytes::Bytes as _;

/// One element: its tag as on the wire, its content and what stands behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Element<'a> {
    /// Identifier octets as one number: `0x61`, `0xa1`, `0xbf4d`.
    pub tag: u32,
    /// The content; shorter than [`Element::len`] where the bytes end before it does.
    pub content: &'a [u8],
    /// Bytes of the content, as its length octets say.
    pub len: usize,
    /// Bytes behind it.
    pub rest: &'a [u8],
}

impl Element<'_> {
    /// Whether all of it is there.
    pub const fn is_whole(&self) -> bool {
        self.content.len() == self.len
    }

    /// The first identifier octet.
    const fn first(&self) -> u32 {
        match self.tag {
            0..=0xff => self.tag,
            0x100..=0xffff => self.tag >> 8,
            0x1_0000..=0xff_ffff => self.tag >> 16,
            _ => self.tag >> 24,
        }
    }

    /// Whether the protocol gives the tag its meaning, by its place.
    pub const fn is_context(&self) -> bool {
        self.first() & 0xc0 == 0x80
    }

    /// Whether elements stand inside.
    pub const fn is_constructed(&self) -> bool {
        self.first() & 0x20 != 0
    }

    /// The content as an unsigned number: INTEGER, ENUMERATED, BOOLEAN of at most eight octets.
    pub fn number(&self) -> Option<u64> {
        if self.content.is_empty() || self.content.len() > 9 {
            return None;
        }
        let mut number = 0_u64;
        for (at, octet) in self.content.iter().enumerate() {
            // A leading zero only keeps the number positive.
            if at == 0 && self.content.len() == 9 && *octet != 0 {
                return None;
            }
            number = number << 8 | u64::from(*octet);
        }
        Some(number)
    }
}

/// The element at the front. `None`: the header is not whole, or of a form these protocols do not use.
pub fn element(bytes: &[u8]) -> Option<Element<'_>> {
    let first = bytes.u8_at(0)?;
    let (mut tag, mut at) = (u32::from(first), 1_usize);
    if first & 0x1f == 0x1f {
        loop {
            let octet = bytes.u8_at(at)?;
            at = at.checked_add(1)?;
            if at > 4 {
                return None;
            }
            tag = tag << 8 | u32::from(octet);
            if octet & 0x80 == 0 {
                break;
            }
        }
    }
    let short = bytes.u8_at(at)?;
    at = at.checked_add(1)?;
    let len = match short {
        0..=0x7f => usize::from(short),
        0x81..=0x84 => {
            let octets = bytes.slice(at, usize::from(short & 0x7f))?;
            at = at.checked_add(octets.len())?;
            octets.iter().fold(0_usize, |len, octet| len << 8 | usize::from(*octet))
        }
        // Indefinite, or longer than anything that is sent.
        _ => return None,
    };
    let body = bytes.tail(at);
    let content = body.get(..len).unwrap_or(body);
    Some(Element { tag, content, len, rest: body.tail(content.len()) })
}

/// The elements of a constructed content, up to the first that cannot be read.
pub fn elements(bytes: &[u8]) -> impl Iterator<Item = Element<'_>> {
    let mut rest = bytes;
    std::iter::from_fn(move || {
        let element = element(rest).filter(|_| !rest.is_empty())?;
        rest = element.rest;
        Some(element)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_and_lengths_of_every_form_are_read() {
        let short = element(&[0x85, 2, 1, 2, 9]).unwrap();
        assert_eq!((short.tag, short.number(), short.rest), (0x85, Some(258), &[9][..]));
        let long = element(&[0xbf, 0x4d, 0x81, 1, 7]).unwrap();
        assert_eq!((long.tag, long.content), (0xbf4d, &[7][..]));
        let cut = element(&[0x61, 0x82, 1, 0, 5]).unwrap();
        assert!(!cut.is_whole());
        assert_eq!((cut.len, cut.content), (256, &[5][..]));
        assert_eq!(element(&[0x30, 0x80, 0, 0]), None);
    }

    #[test]
    fn elements_end_where_they_cannot_be_read() {
        let tags: Vec<u32> = elements(&[0x80, 0, 0x81, 1, 5, 0x1f]).map(|e| e.tag).collect();
        assert_eq!(tags, [0x80, 0x81]);
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_survived(bytes: Vec<u8>) {
            for element in elements(&bytes) {
                element.number();
            }
        }
    }
}
