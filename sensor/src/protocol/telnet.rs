//! Telnet, by the option negotiation it opens with (RFC 854, RFC 855): IAC, WILL, WONT, DO or DONT, an option.

use super::opening::{Opening, Read};
use super::{Port, Probe, Spec, Verdict};

/// Registration.
pub static SPEC: Spec = Spec {
    name: "telnet",
    title: "Telnet",
    ports: &[Port::Tcp(23), Port::Tcp(2323)],
    industrial: false,
    probe,
    decoder: || Opening::decoder(|_, _, _| Read::Done),
    about: "Telnet (RFC 854). Identified by the options it negotiates first; off its ports two of them must follow each \
            other. What is typed, passwords included, is not kept.",
};

/// Options that were assigned (IANA), and the list of extended ones.
const fn is_option(byte: u8) -> bool {
    byte <= 49 || (byte >= 138 && byte <= 140) || byte == 255
}

fn probe(probe: Probe<'_>) -> Verdict {
    let wanted: usize = if probe.hinted { 3 } else { 6 };
    let fits = probe.bytes.iter().take(wanted).enumerate().all(|(at, byte)| match at.checked_rem(3) {
        Some(0) => *byte == 0xff,
        Some(1) => (251..=254).contains(byte),
        _ => is_option(*byte),
    });
    match fits {
        false => Verdict::No,
        true if probe.bytes.len() < wanted => Verdict::NeedMore,
        true => Verdict::Yes,
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{never_panics, verdict};
    use super::super::{Side, input};
    use super::*;

    #[test]
    fn negotiation_is_telnet_and_elsewhere_only_twice() {
        let bytes = [0xff, 0xfd, 0x18, 0xff, 0xfd, 0x20];
        assert_eq!(verdict(&SPEC, &bytes), Verdict::Yes);
        assert_eq!(verdict(&SPEC, &bytes[..3]), Verdict::NeedMore);
        let hinted = input::Probe { bytes: &bytes[..3], side: Side::Server, hinted: true, from_start: true };
        assert_eq!(probe(hinted), Verdict::Yes);
        assert_eq!(verdict(&SPEC, &[0xff; 6]), Verdict::No);
    }

    #[test]
    fn no_bytes_panic() {
        never_panics(&SPEC);
    }
}
