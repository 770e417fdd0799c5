use super::super::testing::{assets, never_panics, verdict};
use super::*;

fn framed(message: &[u8]) -> Vec<u8> {
    let [_, a, b, c] = u32::try_from(message.len()).unwrap_or_default().to_be_bytes();
    [&[0, a, b, c], message].concat()
}

/// An SMB2 header (MS-SMB2 2.2.1.2) of that command.
fn header(command: u16, response: bool) -> Vec<u8> {
    let mut header = vec![0; 64];
    header[..4].copy_from_slice(b"\xfeSMB");
    header[12..14].copy_from_slice(&command.to_le_bytes());
    header[16] = u8::from(response);
    header
}

fn wide(name: &str) -> Vec<u8> {
    name.bytes().flat_map(|byte| [byte, 0]).collect()
}

#[test]
fn the_dialect_is_told() {
    let mut response = header(0, true);
    response.extend([65, 0, 1, 0, 0x11, 3]);
    let said = framed(&response);
    assert_eq!(
        assets(&SPEC, &[(Side::Server, &said)]),
        [(Side::Server, AssetField::Protocol, "SMB 3.1.1".to_owned())]
    );
}

#[test]
fn ntlm_names_both_hosts_and_the_servers_windows() {
    let name = wide("WINCC01");
    let mut challenge = b"NTLMSSP\0\x02\0\0\0".to_vec();
    challenge.resize(56, 0);
    challenge[20..24].copy_from_slice(&0x0200_0000_u32.to_le_bytes());
    let info = [&[2, 0, 2, 0, b'D', 0, 1, 0, name.len() as u8, 0][..], &name, &[0; 4]].concat();
    challenge[40] = info.len() as u8;
    challenge[44] = 56;
    challenge[48..52].copy_from_slice(&[10, 0, 0x63, 0x45]);
    challenge.extend(info);
    let response = framed(&[header(1, true), challenge].concat());

    let mut answer = b"NTLMSSP\0\x03\0\0\0".to_vec();
    answer.resize(64, 0);
    let station = wide("ROGUE");
    answer[44] = station.len() as u8;
    answer[48] = 64;
    answer.extend(station);
    let request = framed(&[header(1, false), answer].concat());
    assert_eq!(
        assets(&SPEC, &[(Side::Server, &response), (Side::Client, &request)]),
        [
            (Side::Server, AssetField::Name, "WINCC01".to_owned()),
            (Side::Server, AssetField::System, "Windows 10.0.17763".to_owned()),
            (Side::Client, AssetField::Name, "ROGUE".to_owned()),
        ]
    );
}

#[test]
fn smb_is_known_by_its_magic_behind_a_session_header() {
    assert_eq!(verdict(&SPEC, b"\0\0\0\x80\xfeSMB"), Verdict::Yes);
    assert_eq!(verdict(&SPEC, b"\0\0\0\x80\xffSM"), Verdict::NeedMore);
    assert_eq!(verdict(&SPEC, b"\0\0\0\x80\xfeSMX"), Verdict::No);
    assert_eq!(verdict(&SPEC, b"\x81\0\0\x44"), Verdict::No, "off its port");
}

#[test]
fn no_bytes_panic() {
    never_panics(&SPEC);
}
