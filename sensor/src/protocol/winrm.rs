//! Windows Remote Management (MS-WSMV): WS-Management over HTTP, to one path.

use super::opening::{Opening, begins_with};
use super::{Port, Probe, Side, Spec, Verdict, http};

/// Registration.
pub static SPEC: Spec = Spec {
    name: "winrm",
    title: "WinRM",
    ports: &[Port::Tcp(5985)],
    industrial: false,
    probe,
    decoder: || Opening::decoder(http::read),
    about: "Windows Remote Management (MS-WSMV), by the path /wsman its HTTP requests go to. Over HTTPS (5986) it cannot be \
            told from other TLS.",
};

fn probe(probe: Probe<'_>) -> Verdict {
    if probe.side == Side::Server {
        // A response alone is any HTTP; the request tells.
        return Verdict::No;
    }
    match begins_with(probe.bytes, http::WINRM) {
        Some(true) => Verdict::Yes,
        Some(false) => Verdict::NeedMore,
        None => Verdict::No,
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{assets, never_panics, verdict};
    use super::super::{AssetField, Side};
    use super::*;

    #[test]
    fn requests_to_wsman_are_winrm() {
        let request = &b"POST /wsman HTTP/1.1\r\nUser-Agent: Microsoft WinRM Client\r\nHost: srv\r\n\r\n"[..];
        assert_eq!(verdict(&SPEC, request), Verdict::Yes);
        assert_eq!(verdict(&SPEC, b"POST /login HTTP/1.1\r\n"), Verdict::No);
        assert_eq!(
            assets(&SPEC, &[(Side::Client, request)]),
            [(Side::Client, AssetField::Software, "Microsoft WinRM Client".to_owned())]
        );
    }

    #[test]
    fn no_bytes_panic() {
        never_panics(&SPEC);
    }
}
