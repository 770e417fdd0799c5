//! SSH's identification strings (RFC 4253, 4.2): `SSH-2.0-OpenSSH_9.6 comment`, from both ends, before anything else.

use super::bytes::text;
use super::opening::{Opening, Read, begins_with, line};
use super::{Asset, AssetField, Event, Port, Probe, Side, Spec, Verdict};

/// Registration.
pub static SPEC: Spec = Spec {
    name: "ssh",
    title: "SSH",
    ports: &[Port::Tcp(22)],
    industrial: false,
    probe,
    decoder: || Opening::decoder(read),
    about: "Secure Shell (RFC 4253). Identified on any port by its first line, which names the software of either end.",
};

fn probe(probe: Probe<'_>) -> Verdict {
    match begins_with(probe.bytes, &[b"SSH-2.0-", b"SSH-1."]) {
        Some(true) => Verdict::Yes,
        Some(false) => Verdict::NeedMore,
        None => Verdict::No,
    }
}

/// A server may send other lines first.
fn read(side: Side, bytes: &[u8], out: &mut Vec<Event>) -> Read {
    let Some(first) = line(bytes) else { return Read::More };
    if !first.starts_with(b"SSH-") {
        let end = bytes.iter().position(|byte| *byte == b'\n').unwrap_or_default();
        return Read::Used(end.saturating_add(1));
    }
    // SSH - protoversion - softwareversion; the software's name may hold further dashes.
    let software = first.splitn(3, |byte| *byte == b'-').nth(2).map(text);
    if let Some(value) = software.filter(|value| !value.is_empty()) {
        out.push(Event::Asset(Asset { side, field: AssetField::Software, value }));
    }
    Read::Done
}

#[cfg(test)]
mod tests {
    use super::super::testing::{assets, never_panics, verdict};
    use super::*;

    #[test]
    fn both_ends_name_their_software() {
        let server = (Side::Server, &b"hello\r\nSSH-2.0-dropbear_2019.78\r\n"[..]);
        let client = (Side::Client, &b"SSH-2.0-OpenSSH_9.6 Debian-2\r\n\0\0\x04"[..]);
        assert_eq!(
            assets(&SPEC, &[server, client]),
            [
                (Side::Server, AssetField::Software, "dropbear_2019.78".to_owned()),
                (Side::Client, AssetField::Software, "OpenSSH_9.6 Debian-2".to_owned()),
            ]
        );
    }

    #[test]
    fn only_its_first_line_is_ssh() {
        assert_eq!(verdict(&SPEC, b"SSH-2.0-x"), Verdict::Yes);
        assert_eq!(verdict(&SPEC, b"SS"), Verdict::NeedMore);
        assert_eq!(verdict(&SPEC, b"SSL-2.0-x"), Verdict::No);
    }

    #[test]
    fn no_bytes_panic() {
        never_panics(&SPEC);
    }
}
