//! Chunks in the stream, and whether first bytes are OPC UA.

use super::binary::Cursor;
use super::services;
use crate::protocol::Malformed;
use crate::protocol::bytes::Bytes;
use crate::protocol::framing::{Front, find};
use crate::protocol::input::{Probe, Verdict};

/// Type, chunk and size.
pub const HEADER: usize = 8;
/// Chunks longer than that are nobody's: receivers agree on 64 KiB by default.
const LONGEST: u32 = 16 << 20;
/// What the names of security policies begin with.
pub const POLICIES: &[u8] = b"http://opcfoundation.org/UA/SecurityPolicy#";

/// What kind of message it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Opens the transport.
    Hello,
    /// Accepts it.
    Acknowledge,
    /// Refuses and ends it.
    Error,
    /// A server asks a client to open it.
    ReverseHello,
    /// Opens or renews a channel.
    Open,
    /// A service.
    Message,
    /// Ends the channel.
    Close,
}

/// The kind of a chunk, by its first three bytes.
pub fn kind(bytes: &[u8]) -> Option<Kind> {
    Some(match bytes.get(..3)? {
        b"HEL" => Kind::Hello,
        b"ACK" => Kind::Acknowledge,
        b"ERR" => Kind::Error,
        b"RHE" => Kind::ReverseHello,
        b"OPN" => Kind::Open,
        b"MSG" => Kind::Message,
        b"CLO" => Kind::Close,
        _ => return None,
    })
}

/// What stands at the front.
pub fn front(bytes: &[u8], _: bool) -> Front {
    if bytes.len() < 3 {
        let started = [b"HEL", b"ACK", b"ERR", b"RHE", b"OPN", b"MSG", b"CLO"]
            .iter()
            .any(|kind| kind.starts_with(bytes));
        return if started { Front::Short } else { Front::Bad(Malformed::BadVersion) };
    }
    let Some(kind) = kind(bytes) else { return Front::Bad(Malformed::BadVersion) };
    let Some(chunk) = bytes.u8_at(3) else { return Front::Short };
    if !matches!((kind, chunk), (_, b'F') | (Kind::Message, b'C' | b'A')) {
        return Front::Bad(Malformed::BadValue);
    }
    let Some(size) = bytes.le32(4) else { return Front::Short };
    let sizes = match kind {
        Kind::Hello => 32..=4128,
        Kind::Acknowledge => 28..=28,
        Kind::Error => 16..=4112,
        Kind::ReverseHello => 16..=8208,
        Kind::Open => 32..=LONGEST,
        Kind::Message | Kind::Close => 24..=LONGEST,
    };
    if !sizes.contains(&size) {
        return Front::Bad(Malformed::BadLength);
    }
    Front::Frame(usize::try_from(size).unwrap_or(usize::MAX))
}

/// Whether the first message is OPC UA for sure. `None`: too short to tell.
fn fits(bytes: &[u8], hinted: bool) -> Option<bool> {
    match front(bytes, true) {
        Front::Frame(_) => {}
        Front::Short => return None,
        Front::Bad(_) => return Some(false),
    }
    let body = bytes.tail(HEADER);
    Some(match kind(bytes)? {
        // Version zero, and buffers that hold a message.
        Kind::Hello | Kind::Acknowledge => {
            let (version, receive, send) = (body.le32(0)?, body.le32(4)?, body.le32(8)?);
            version < 16 && receive >= 1024 && send >= 1024
        }
        Kind::Error => body.le32(0)? >> 31 == 1,
        Kind::ReverseHello => hinted || body.slice(4, 4)? == b"urn:",
        Kind::Open => body.slice(8, POLICIES.len())? == POLICIES,
        Kind::Message if hinted => body.le32(0)? != 0,
        Kind::Message => known(bytes.tail(24))?,
        Kind::Close => hinted && body.le32(0)? != 0,
    })
}

/// Whether a body begins with the id of a service.
fn known(body: &[u8]) -> Option<bool> {
    let id = Cursor(body).node_id()?;
    Some(id.standard().is_some_and(|id| id == services::SERVICE_FAULT || services::find(id).is_some()))
}

/// The registered probe: on its port a sound chunk is enough.
pub fn probe(probe: Probe<'_>) -> Verdict {
    match fits(probe.bytes, probe.hinted) {
        Some(true) => Verdict::Yes,
        None if probe.bytes.len() < 2048 => Verdict::NeedMore,
        Some(false)
            if !probe.from_start
                && find(probe.bytes, |at| fits(at, probe.hinted) == Some(true)).is_some() =>
        {
            Verdict::Yes
        }
        _ => Verdict::No,
    }
}
