//! The head of the first HTTP/1 request and response (RFC 9112).

use super::about::About;
use super::bytes::text;
use super::opening::{Opening, Read, begins_with};
use super::{Asset, AssetField, Event, Port, Probe, Side, Spec, Verdict};

#[cfg(test)]
mod tests;

/// Registration.
pub static SPEC: Spec = Spec {
    name: "http",
    title: "HTTP",
    ports: &[Port::Tcp(80), Port::Tcp(8080), Port::Tcp(8000)],
    industrial: false,
    probe,
    decoder: || Opening::decoder(read),
    about: "Hypertext Transfer Protocol 1.x (RFC 9112). Identified on any port by the request line or status line; of the \
            first request the name the server is called by (Host) and the client's software (User-Agent), of the first \
            response the server's (Server).",
};

/// Methods (IANA registry, the ones in use), each with the space behind it.
const METHODS: &[&[u8]] = &[
    b"GET ",
    b"HEAD ",
    b"POST ",
    b"PUT ",
    b"DELETE ",
    b"OPTIONS ",
    b"CONNECT ",
    b"PATCH ",
    b"TRACE ",
    b"PROPFIND ",
    b"REPORT ",
    b"SUBSCRIBE ",
    b"NOTIFY ",
    b"M-SEARCH ",
];
/// WinRM is HTTP to one path.
pub(super) const WINRM: &[&[u8]] = &[b"POST /wsman"];
/// The longest request line looked for a version at its end.
const LONGEST_LINE: usize = 2000;

fn probe(probe: Probe<'_>) -> Verdict {
    let bytes = probe.bytes;
    if probe.side == Side::Server {
        return match begins_with(bytes, &[b"HTTP/1."]) {
            Some(true) => Verdict::Yes,
            Some(false) => Verdict::NeedMore,
            None => Verdict::No,
        };
    }
    match (begins_with(bytes, METHODS), begins_with(bytes, WINRM)) {
        (None, _) | (_, Some(true)) => Verdict::No,
        (Some(false), _) | (_, Some(false)) => Verdict::NeedMore,
        (Some(true), None) => match line_end(bytes) {
            Some(line) if line.ends_with(b" HTTP/1.1") || line.ends_with(b" HTTP/1.0") => Verdict::Yes,
            Some(_) => Verdict::No,
            None if bytes.len() < LONGEST_LINE && !probe.hinted => Verdict::NeedMore,
            // Cut before the line's end: the method and the port must do.
            None if probe.hinted => Verdict::Yes,
            None => Verdict::No,
        },
    }
}

fn line_end(bytes: &[u8]) -> Option<&[u8]> {
    super::opening::line(bytes)
}

/// The value of a header in the head as far as it is here.
fn header<'a>(head: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    head.split(|byte| *byte == b'\n').skip(1).find_map(|line| {
        let line = line.strip_suffix(b"\r")?;
        let (field, value) = line.split_at_checked(name.len())?;
        let value = value.strip_prefix(b":").filter(|_| field.eq_ignore_ascii_case(name))?;
        Some(value.trim_ascii())
    })
}

pub(super) fn read(side: Side, bytes: &[u8], out: &mut Vec<Event>) -> Read {
    let head = bytes.windows(4).position(|window| window == b"\r\n\r\n");
    // Headers that follow more than a few KiB of others are not waited for; `Opening` gives up then.
    let whole = head.is_some() || bytes.len() >= 2048;
    if !whole {
        return Read::More;
    }
    let head = head.and_then(|end| bytes.get(..end.saturating_add(2))).unwrap_or(bytes);
    let software = if side == Side::Client { &b"User-Agent"[..] } else { b"Server" };
    if let Some(value) = header(head, software).map(text).filter(|value| !value.is_empty()) {
        out.push(Event::Asset(Asset { side, field: AssetField::Software, value }));
    }
    if side == Side::Client
        && let Some(name) = header(head, b"Host").and_then(called)
    {
        out.push(Event::About(About::Called(name)));
    }
    Read::Done
}

/// A host name without its port; nothing where it is an address.
fn called(host: &[u8]) -> Option<Box<str>> {
    let name = host.split(|byte| *byte == b':').next().map(text)?;
    let is_name = name.contains(|c: char| c.is_ascii_alphabetic()) && !name.starts_with('[');
    is_name.then(|| name.to_lowercase().into())
}
