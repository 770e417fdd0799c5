//! What decoders and probes are given.

/// An end of a connection, as the engine concluded it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Side {
    /// The end that opened the connection (or is taken to have).
    Client,
    /// The end that was asked.
    Server,
}

impl Side {
    /// The other end.
    pub const fn other(self) -> Self {
        match self {
            Self::Client => Self::Server,
            Self::Server => Self::Client,
        }
    }
}

/// Contiguous bytes of one side of a connection, or one datagram.
#[derive(Clone, Copy, Debug)]
pub struct Input<'a> {
    /// What the decoder has not consumed yet, oldest first.
    pub bytes: &'a [u8],
    /// Who sent them.
    pub side: Side,
    /// The sensor has fewer bytes than were on the wire after these (cut frame): do not wait for the rest.
    pub truncated: bool,
    /// Bytes are missing before these.
    pub gap: bool,
}

/// The first bytes of one side of a connection.
#[derive(Clone, Copy, Debug)]
pub struct Probe<'a> {
    /// From the first byte seen.
    pub bytes: &'a [u8],
    /// Who sent them.
    pub side: Side,
    /// The server's port is one this protocol usually listens on. Off its ports a probe asks for more proof.
    pub hinted: bool,
    /// The connection was seen from its first packet; otherwise the bytes may start anywhere in the conversation.
    pub from_start: bool,
}

/// What a probe concludes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// These bytes are this protocol.
    Yes,
    /// They are not.
    No,
    /// They may be; ask again with more. Asked at most a few times and for at most 2 KiB.
    NeedMore,
}
