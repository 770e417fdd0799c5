//! FTP's greeting and first command (RFC 959, 4.2; RFC 4217).

use super::bytes::text;
use super::opening::{Opening, Read, begins_with, line};
use super::{Asset, AssetField, Event, Port, Probe, Side, Spec, Verdict};

/// Registration.
pub static SPEC: Spec = Spec {
    name: "ftp",
    title: "FTP",
    ports: &[Port::Tcp(21)],
    industrial: false,
    probe,
    decoder: || Opening::decoder(read),
    about: "File Transfer Protocol (RFC 959). Identified by the greeting and the first command; the greeting names the \
            server's software. Names and passwords are not kept.",
};

/// What clients say first. `USER` is POP's first word too, whose servers greet with `+OK`.
const FIRST: &[&[u8]] = &[b"USER ", b"AUTH TLS\r", b"AUTH SSL\r", b"FEAT\r", b"SYST\r", b"HOST "];

fn probe(probe: Probe<'_>) -> Verdict {
    let bytes = probe.bytes;
    if probe.side == Side::Client {
        return match begins_with(bytes, FIRST) {
            Some(true) if probe.hinted => Verdict::Yes,
            // Off its port the server must have greeted too, or do so.
            Some(_) => Verdict::NeedMore,
            None => Verdict::No,
        };
    }
    match begins_with(bytes, &[b"220 ", b"220-"]) {
        None => Verdict::No,
        Some(false) => Verdict::NeedMore,
        // Mail servers greet with the same number.
        Some(true) if holds(bytes, b"SMTP") => Verdict::No,
        Some(true) if probe.hinted || holds(bytes, b"FTP") => Verdict::Yes,
        Some(true) => Verdict::NeedMore,
    }
}

fn holds(bytes: &[u8], word: &[u8]) -> bool {
    bytes.windows(word.len()).any(|window| window.eq_ignore_ascii_case(word))
}

fn read(side: Side, bytes: &[u8], out: &mut Vec<Event>) -> Read {
    if side == Side::Client {
        return Read::Done;
    }
    let Some(greeting) = line(bytes) else { return Read::More };
    let value = text(greeting.get(4..).unwrap_or_default());
    if greeting.starts_with(b"220") && !value.is_empty() {
        out.push(Event::Asset(Asset { side, field: AssetField::Software, value }));
    }
    Read::Done
}

#[cfg(test)]
mod tests {
    use super::super::testing::{assets, never_panics, server_verdict, verdict};
    use super::*;

    #[test]
    fn the_greeting_names_the_software() {
        let greeting = &b"220 ProFTPD 1.3.5 Server (S7-1500)\r\n"[..];
        assert_eq!(server_verdict(&SPEC, greeting), Verdict::Yes);
        assert_eq!(
            assets(&SPEC, &[(Side::Server, greeting)]),
            [(Side::Server, AssetField::Software, "ProFTPD 1.3.5 Server (S7-1500)".to_owned())]
        );
    }

    #[test]
    fn mail_is_no_ftp() {
        assert_eq!(server_verdict(&SPEC, b"220 mx.example.com ESMTP Postfix\r\n"), Verdict::No);
        assert_eq!(verdict(&SPEC, b"EHLO x\r\n"), Verdict::No);
        assert_eq!(server_verdict(&SPEC, b"220 plc\r\n"), Verdict::NeedMore);
    }

    #[test]
    fn no_bytes_panic() {
        never_panics(&SPEC);
    }
}
