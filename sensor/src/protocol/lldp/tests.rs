use super::super::testing::{assets, events, never_panics, verdict};
use super::*;

/// A controller as PROFINET describes it.
fn frame() -> Vec<u8> {
    let mut bytes = Vec::new();
    for (kind, value) in [
        (CHASSIS, &b"\x07plc-line-1"[..]),
        (2, b"\x07port-001"),
        (3, b"\0\x14"),
        (SYSTEM_NAME, b"plc"),
        (SYSTEM_DESCRIPTION, b"Siemens, SIMATIC S7, CPU 1214C"),
        (MANAGEMENT_ADDRESS, b"\x05\x01\x0a\x14\0\x07\x02\0\0\0\x01\0"),
        (ORGANISATION, b"\0\x12\xbb\x08S C-1234"),
        (END, b""),
    ] {
        let head = u16::from(kind) << 9 | value.len() as u16;
        bytes.extend(head.to_be_bytes());
        bytes.extend(value);
    }
    bytes.extend([0; 8]);
    bytes
}

#[test]
fn a_device_says_what_it_is() {
    let facts: Vec<_> = assets(&SPEC, &[(Side::Client, &frame())])
        .into_iter()
        .map(|(_, field, value)| (field, value))
        .collect();
    assert_eq!(
        facts,
        [
            (AssetField::Station, "plc-line-1".to_owned()),
            (AssetField::Name, "plc".to_owned()),
            (AssetField::System, "Siemens, SIMATIC S7, CPU 1214C".to_owned()),
            (AssetField::Address, "10.20.0.7".to_owned()),
            (AssetField::Serial, "S C-1234".to_owned()),
        ]
    );
}

#[test]
fn the_chassis_comes_first() {
    assert_eq!(verdict(&SPEC, &frame()), Verdict::Yes);
    assert_eq!(verdict(&SPEC, &frame()[13..]), Verdict::No);
}

#[test]
fn a_tlv_that_ends_early_is_malformed() {
    let bytes = &frame()[..20];
    assert!(events(&SPEC, &[(Side::Client, bytes)]).contains(&Event::Malformed(Malformed::BadLength)));
}

#[test]
fn no_bytes_panic() {
    never_panics(&SPEC);
}
