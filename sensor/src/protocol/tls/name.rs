//! Distinguished names as RFC 4514 text.

use std::fmt::Write;

use x509_parser::asn1_rs::{Any, BmpString, Tag};
use x509_parser::x509::{AttributeTypeAndValue, X509Name};

const MAX: usize = 256;

/// Last component first, special characters escaped, at most 256 bytes.
pub(super) fn rfc4514(name: &X509Name<'_>) -> Box<str> {
    let components: Vec<_> = name.iter_rdn().collect();
    let mut out = String::new();
    for (index, component) in components.iter().rev().enumerate() {
        for (part, attribute) in component.iter().enumerate() {
            match (index, part) {
                (0, 0) => {}
                (_, 0) => out.push(','),
                _ => out.push('+'),
            }
            push_attribute(&mut out, attribute);
        }
        if out.len() > MAX {
            break;
        }
    }
    out.truncate(out.floor_char_boundary(MAX));
    out.into()
}

fn push_attribute(out: &mut String, attribute: &AttributeTypeAndValue<'_>) {
    let oid = attribute.attr_type().to_id_string();
    // The table of RFC 4514, section 3, and the e-mail address of PKCS #9, which everybody writes by name.
    let known = match oid.as_str() {
        "2.5.4.3" => Some("CN"),
        "2.5.4.7" => Some("L"),
        "2.5.4.8" => Some("ST"),
        "2.5.4.10" => Some("O"),
        "2.5.4.11" => Some("OU"),
        "2.5.4.6" => Some("C"),
        "2.5.4.9" => Some("STREET"),
        "0.9.2342.19200300.100.1.25" => Some("DC"),
        "0.9.2342.19200300.100.1.1" => Some("UID"),
        "1.2.840.113549.1.9.1" => Some("emailAddress"),
        _ => None,
    };
    out.push_str(known.unwrap_or(&oid));
    out.push('=');
    match string(attribute.attr_value()) {
        Some(value) => push_escaped(out, &value),
        None => {
            out.push('#');
            for byte in attribute.attr_value().data.iter().take(MAX) {
                // Writing to a string cannot fail.
                write!(out, "{byte:02x}").ok();
            }
        }
    }
}

fn string(value: &Any<'_>) -> Option<String> {
    match value.tag() {
        Tag::Utf8String | Tag::PrintableString | Tag::Ia5String | Tag::NumericString | Tag::VisibleString => {
            Some(String::from_utf8_lossy(value.data).into_owned())
        }
        // In practice Latin-1 is what is found in a TeletexString.
        Tag::T61String => Some(value.data.iter().copied().map(char::from).collect()),
        Tag::BmpString => BmpString::try_from(value.clone()).ok().map(|bmp| bmp.string()),
        _ => None,
    }
}

fn push_escaped(out: &mut String, value: &str) {
    let last = value.chars().count().saturating_sub(1);
    for (at, character) in value.chars().take(MAX).enumerate() {
        match character {
            '"' | '+' | ',' | ';' | '<' | '>' | '\\' => out.extend(['\\', character]),
            '#' if at == 0 => out.push_str("\\#"),
            ' ' if at == 0 || at == last => out.push_str("\\ "),
            _ if character.is_control() => {
                let mut utf8 = [0; 4];
                for byte in character.encode_utf8(&mut utf8).bytes() {
                    write!(out, "\\{byte:02X}").ok();
                }
            }
            _ => out.push(character),
        }
    }
}

#[cfg(test)]
mod tests {
    use x509_parser::prelude::FromDer;

    use super::*;

    fn text(der: &[u8]) -> Box<str> {
        rfc4514(&X509Name::from_der(der).expect("it is a name").1)
    }

    #[test]
    fn components_are_written_last_first_and_escaped() {
        // SEQUENCE { SET { C=DE }, SET { O=" a, b" }, SET { CN="x\n" } }
        let der = [
            0x30, 0x2a, 0x31, 0x0b, 0x30, 0x09, 0x06, 0x03, 0x55, 0x04, 0x06, 0x13, 0x02, b'D', b'E', 0x31,
            0x0e, 0x30, 0x0c, 0x06, 0x03, 0x55, 0x04, 0x0a, 0x0c, 0x05, b' ', b'a', b',', b' ', b'b', 0x31,
            0x0b, 0x30, 0x09, 0x06, 0x03, 0x55, 0x04, 0x03, 0x0c, 0x02, b'x', b'\n',
        ];
        assert_eq!(&*text(&der), "CN=x\\0A,O=\\ a\\, b,C=DE");
    }

    #[test]
    fn a_value_that_is_no_string_is_written_in_hexadecimal_under_its_number() {
        // SEQUENCE { SET { 2.5.4.45 = BIT STRING 00 f0 } }
        let der = [0x30, 0x0d, 0x31, 0x0b, 0x30, 0x09, 0x06, 0x03, 0x55, 0x04, 0x2d, 0x03, 0x02, 0x00, 0xf0];
        assert_eq!(&*text(&der), "2.5.4.45=#00f0");
    }

    #[test]
    fn a_long_name_is_cut_at_a_character() {
        let mut der = vec![
            0x30, 0x82, 0x01, 0x3b, 0x31, 0x82, 0x01, 0x37, 0x30, 0x82, 0x01, 0x33, 0x06, 0x03, 0x55, 4, 3,
        ];
        der.extend([0x0c, 0x82, 0x01, 0x2a]);
        der.extend("ä".repeat(149).bytes());
        let cut = text(&der);
        assert!(cut.len() <= 256 && cut.ends_with('ä'), "{cut}");
    }
}
