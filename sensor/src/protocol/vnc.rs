//! VNC: the versions of the Remote Framebuffer protocol (RFC 6143, 7.1.1), twelve bytes from both ends.

use super::opening::{Opening, Read};
use super::{Port, Probe, Spec, Verdict};

/// Registration.
pub static SPEC: Spec = Spec {
    name: "vnc",
    title: "VNC",
    ports: &[Port::Tcp(5900), Port::Tcp(5901), Port::Tcp(5800)],
    industrial: false,
    probe,
    decoder: || Opening::decoder(|_, _, _| Read::Done),
    about: "Virtual Network Computing, the Remote Framebuffer protocol (RFC 6143). Identified on any port by the version \
            both ends begin with; operator panels are often reached so.",
};

/// `RFB 003.008` and a line feed.
fn probe(probe: Probe<'_>) -> Verdict {
    let digit = |byte: u8| byte.is_ascii_digit();
    let fits = probe.bytes.iter().take(12).enumerate().all(|(at, byte)| match at {
        0..4 => b"RFB ".get(at) == Some(byte),
        7 => *byte == b'.',
        11 => *byte == b'\n',
        _ => digit(*byte),
    });
    match fits {
        false => Verdict::No,
        true if probe.bytes.len() < 12 => Verdict::NeedMore,
        true => Verdict::Yes,
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{never_panics, verdict};
    use super::*;

    #[test]
    fn a_version_line_is_vnc() {
        assert_eq!(verdict(&SPEC, b"RFB 003.008\n"), Verdict::Yes);
        assert_eq!(verdict(&SPEC, b"RFB 00"), Verdict::NeedMore);
        assert_eq!(verdict(&SPEC, b"RFB 003-008\n"), Verdict::No);
        assert_eq!(verdict(&SPEC, b"RFC 6143"), Verdict::No);
    }

    #[test]
    fn no_bytes_panic() {
        never_panics(&SPEC);
    }
}
