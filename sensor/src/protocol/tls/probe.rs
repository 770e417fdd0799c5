//! Whether bytes are TLS, by their records.

use super::super::bytes::Bytes;
use super::super::{Probe, Side, Verdict};
use super::client_hello;

pub(super) const ALERT: u8 = 21;
pub(super) const HANDSHAKE: u8 = 22;
pub(super) const CHANGE_CIPHER_SPEC: u8 = 20;
pub(super) const APPLICATION_DATA: u8 = 23;
const HEARTBEAT: u8 = 24;
pub(super) const CLIENT_HELLO: u8 = 1;
pub(super) const SERVER_HELLO: u8 = 2;

pub(super) const RECORD_HEADER: usize = 5;
/// 2^14 of plaintext and what encryption may add (RFC 5246, 6.2.3).
const MAX_FRAGMENT: u16 = 0x4000 + 2048;

/// Content type and fragment length, where these bytes begin with a record header.
pub(super) fn record(bytes: &[u8]) -> Option<(u8, usize)> {
    let (content, major, minor, len) = (bytes.u8_at(0)?, bytes.u8_at(1)?, bytes.u8_at(2)?, bytes.be16(3)?);
    let valid = (CHANGE_CIPHER_SPEC..=HEARTBEAT).contains(&content)
        && major == 3
        && minor <= 4
        && len <= MAX_FRAGMENT;
    valid.then_some((content, len.into()))
}

pub(super) fn probe(probe: Probe<'_>) -> Verdict {
    let bytes = probe.bytes;
    if probe.side == Side::Client && probe.from_start {
        match client_hello::version_2(bytes) {
            Some(Ok(_)) => return Verdict::Yes,
            Some(Err(_)) => return Verdict::NeedMore,
            None => {}
        }
    }
    // 20 to 24, then version 3.0 to 3.4: nothing else begins so, but two bytes prove little.
    let begins = |at: usize, valid: fn(u8) -> bool| bytes.u8_at(at).is_none_or(valid);
    if !begins(0, |content| (CHANGE_CIPHER_SPEC..=HEARTBEAT).contains(&content))
        || !begins(1, |major| major == 3)
        || !begins(2, |minor| minor <= 4)
    {
        return Verdict::No;
    }
    if bytes.len() < RECORD_HEADER {
        return Verdict::NeedMore;
    }
    match record(bytes) {
        None => Verdict::No,
        Some((HANDSHAKE, len)) if len >= 4 => hello(probe),
        Some((ALERT, 2)) if probe.hinted => Verdict::Yes,
        Some((APPLICATION_DATA, len)) if !probe.from_start => midstream(probe, len),
        Some(_) => Verdict::No,
    }
}

/// A hello: type, a length whose first byte is zero, a version.
fn hello(probe: Probe<'_>) -> Verdict {
    let bytes = probe.bytes;
    let expected = match probe.side {
        Side::Client => CLIENT_HELLO,
        Side::Server => SERVER_HELLO,
    };
    let valid = [(5, expected), (6, 0), (9, 3)]
        .iter()
        .all(|(at, value)| bytes.u8_at(*at).is_none_or(|b| b == *value));
    match valid {
        false => Verdict::No,
        true if bytes.len() < 10 => Verdict::NeedMore,
        true => Verdict::Yes,
    }
}

/// Encrypted records: off a usual port one alone could be chance, so another must follow.
fn midstream(probe: Probe<'_>, len: usize) -> Verdict {
    let next = probe.bytes.tail(RECORD_HEADER.saturating_add(len));
    match record(next) {
        Some(_) => Verdict::Yes,
        None if next.len() >= RECORD_HEADER => Verdict::No,
        None if probe.hinted => Verdict::Yes,
        None => Verdict::NeedMore,
    }
}
