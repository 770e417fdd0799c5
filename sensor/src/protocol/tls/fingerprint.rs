//! JA3 and JA4: what a ClientHello says about the software that sent it.
//!
//! JA3 as published at <https://github.com/salesforce/ja3>; JA4 (the client one only) as specified in
//! `technical_details/JA4.md` of <https://github.com/FoxIO-LLC/ja4>.

use std::fmt::Write;

use md5::{Digest, Md5};
use sha2::Sha256;

const SERVER_NAME: u16 = 0;
const ALPN: u16 = 16;

/// What the fingerprints are made of, without GREASE values, in the order sent.
#[derive(Default)]
pub(super) struct Offer {
    pub(super) legacy_version: u16,
    /// The highest of `supported_versions`.
    pub(super) highest: Option<u16>,
    pub(super) ciphers: Vec<u16>,
    pub(super) extensions: Vec<u16>,
    pub(super) groups: Vec<u16>,
    pub(super) point_formats: Vec<u8>,
    pub(super) signatures: Vec<u16>,
    /// The first protocol of ALPN.
    pub(super) alpn: Option<Vec<u8>>,
}

impl Offer {
    pub(super) fn version(&self) -> u16 {
        self.highest.unwrap_or(self.legacy_version)
    }
}

/// Values sent to keep servers tolerant (RFC 8701): 0x0a0a, 0x1a1a … 0xfafa.
pub(super) fn is_grease(value: u16) -> bool {
    let [high, low] = value.to_be_bytes();
    high == low && low & 0x0f == 0x0a
}

/// MD5 of `version,ciphers,extensions,groups,point formats` in decimal.
pub(super) fn ja3(offer: &Offer) -> Box<str> {
    let decimal = |values: &[u16]| join(values, '-', |out, value| write!(out, "{value}"));
    let formats: Vec<u16> = offer.point_formats.iter().copied().map(u16::from).collect();
    let lists = [&offer.ciphers, &offer.extensions, &offer.groups, &formats].map(|list| decimal(list));
    hex(&Md5::digest(format!("{},{}", offer.legacy_version, lists.join(","))))
}

/// `t13d1516h2_8daaf6152771_e5627efa2ab1`: counts in clear, hash of ciphers, hash of extensions and signatures.
pub(super) fn ja4(offer: &Offer, has_name: bool) -> Box<str> {
    let version = match offer.version() {
        0x0304 => "13",
        0x0303 => "12",
        0x0302 => "11",
        0x0301 => "10",
        0x0300 => "s3",
        0x0002 => "s2",
        _ => "00",
    };
    let name = if has_name { 'd' } else { 'i' };
    let (ciphers, extensions) = (offer.ciphers.len().min(99), offer.extensions.len().min(99));
    let (first, last) = alpn(offer.alpn.as_deref().unwrap_or_default());

    let hexadecimal = |values: &[u16]| join(values, ',', |out, value| write!(out, "{value:04x}"));
    let mut sorted_ciphers = offer.ciphers.clone();
    sorted_ciphers.sort_unstable();
    let mut sorted: Vec<u16> =
        offer.extensions.iter().copied().filter(|kind| ![SERVER_NAME, ALPN].contains(kind)).collect();
    sorted.sort_unstable();
    let cipher_hash = hash12(&hexadecimal(&sorted_ciphers));
    let mut what = hexadecimal(&sorted);
    if !what.is_empty() && !offer.signatures.is_empty() {
        what = format!("{what}_{}", hexadecimal(&offer.signatures));
    }
    let extension_hash = hash12(&what);
    format!("t{version}{name}{ciphers:02}{extensions:02}{first}{last}_{cipher_hash}_{extension_hash}").into()
}

/// The first and last character of the protocol's name, or of its hexadecimal form where one of them is no letter or
/// digit.
fn alpn(name: &[u8]) -> (char, char) {
    let (Some(&first), Some(&last)) = (name.first(), name.last()) else { return ('0', '0') };
    if first.is_ascii_alphanumeric() && last.is_ascii_alphanumeric() {
        return (first.into(), last.into());
    }
    let digit = |nibble: u8| char::from_digit(nibble.into(), 16).unwrap_or('0');
    (digit(first >> 4), digit(last & 0x0f))
}

fn join(
    values: &[u16],
    separator: char,
    mut put: impl FnMut(&mut String, u16) -> std::fmt::Result,
) -> String {
    let mut out = String::with_capacity(values.len().saturating_mul(6));
    for value in values {
        if !out.is_empty() {
            out.push(separator);
        }
        // Writing to a string cannot fail.
        put(&mut out, *value).ok();
    }
    out
}

/// The first 12 digits of SHA-256; zeros for nothing, as the specification asks.
fn hash12(text: &str) -> Box<str> {
    if text.is_empty() {
        return "000000000000".into();
    }
    hex(Sha256::digest(text).get(..6).unwrap_or_default())
}

fn hex(bytes: &[u8]) -> Box<str> {
    bytes
        .iter()
        .flat_map(|byte| [byte >> 4, byte & 0x0f])
        .filter_map(|n| char::from_digit(n.into(), 16))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ja4_of_the_specifications_example() {
        // Lists and result as in JA4.md.
        let offer = Offer {
            legacy_version: 0x0303,
            highest: Some(0x0304),
            ciphers: vec![
                0x1301, 0x1302, 0x1303, 0xc02b, 0xc02f, 0xc02c, 0xc030, 0xcca9, 0xcca8, 0xc013, 0xc014,
                0x009c, 0x009d, 0x002f, 0x0035,
            ],
            extensions: vec![
                0x001b, 0x0000, 0x0033, 0x0010, 0x4469, 0x0017, 0x002d, 0x000d, 0x0005, 0x0023, 0x0012,
                0x002b, 0xff01, 0x000b, 0x000a, 0x0015,
            ],
            signatures: vec![0x0403, 0x0804, 0x0401, 0x0503, 0x0805, 0x0501, 0x0806, 0x0601],
            alpn: Some(b"h2".to_vec()),
            ..Offer::default()
        };
        assert_eq!(&*ja4(&offer, true), "t13d1516h2_8daaf6152771_e5627efa2ab1");
        let unsigned = Offer { signatures: Vec::new(), ..offer };
        assert!(ja4(&unsigned, true).ends_with("_6d807ffa2a79"));
    }

    #[test]
    fn ja4_of_nothing_has_zeros_and_not_the_hash_of_nothing() {
        let offer = Offer { legacy_version: 0x0301, ..Offer::default() };
        assert_eq!(&*ja4(&offer, false), "t10i000000_000000000000_000000000000");
    }

    #[test]
    fn ja3_of_its_authors_example() {
        // The example of the JA3 README.
        let offer = Offer {
            legacy_version: 769,
            ciphers: vec![47, 53, 5, 10, 49161, 49162, 49171, 49172, 50, 56, 19, 4],
            extensions: vec![0, 10, 11],
            groups: vec![23, 24, 25],
            point_formats: vec![0],
            ..Offer::default()
        };
        assert_eq!(&*ja3(&offer), "ada70206e40642a3e4461f35503241d5");
        let bare = Offer {
            legacy_version: 769,
            ciphers: vec![4, 5, 10, 9, 100, 98, 3, 6, 19, 18, 99],
            ..Offer::default()
        };
        assert_eq!(&*ja3(&bare), "de350869b8c85de67a350c8d186f11e6");
    }

    #[test]
    fn alpn_ends_are_taken_as_the_specification_lists_them() {
        let cases: [(&[u8], &str); 7] = [
            (b"http/1.1", "h1"),
            (b"x", "xx"),
            (&[0xab], "ab"),
            (&[0xab, 0xcd], "ad"),
            (&[0x30, 0xab], "3b"),
            (&[0x30, 0x31, 0xab, 0xcd], "3d"),
            (&[0x30, 0xab, 0xcd, 0x31], "01"),
        ];
        for (name, expected) in cases {
            let (first, last) = alpn(name);
            assert_eq!(format!("{first}{last}"), expected, "{name:02x?}");
        }
    }

    #[test]
    fn grease_is_told_from_values_that_look_alike() {
        assert!([0x0a0a, 0x7a7a, 0xfafa].into_iter().all(is_grease));
        assert!(![0x0a1a, 0x1301, 0x0b0b].into_iter().any(is_grease));
    }
}
