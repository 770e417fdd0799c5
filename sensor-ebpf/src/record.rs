//! What crosses to user space: fixed headers, native byte order, no padding, then frame bytes where there are any.
//!
//! Counters are cumulative per residency (cpu, entry, generation), so that merging them is idempotent and heals loss.
//! `seq` counts per CPU and ring and advances also when a record was lost: a jump is a loss of known size.

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

use crate::flow::FlowKey;

/// A way out of the kernel. Rings are apart so that a flood in one cannot blind another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Ring {
    /// Flows opened, changed, replaced.
    Lifecycle = 0,
    /// Payload of industrial flows.
    Industrial = 1,
    /// Payload of everything else.
    Access = 2,
    /// Whole frames of watched hosts.
    Evidence = 3,
}

impl Ring {
    /// How many there are.
    pub const COUNT: usize = 4;
    /// All, in index order.
    pub const ALL: [Self; Self::COUNT] = [Self::Lifecycle, Self::Industrial, Self::Access, Self::Evidence];

    /// The name in metrics and messages.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Lifecycle => "lifecycle",
            Self::Industrial => "industrial",
            Self::Access => "access",
            Self::Evidence => "evidence",
        }
    }
}

/// [`Header::kind`]: a [`FlowRecord`].
pub const KIND_FLOW: u8 = 1;
/// [`Header::kind`]: a [`FrameRecord`] and the frame's bytes.
pub const KIND_FRAME: u8 = 2;

/// Why a [`FlowRecord`] was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Reason {
    /// First packet of this residency.
    Opened = 1,
    /// A TCP flag (SYN, FIN, RST) was seen for the first time.
    Changed = 2,
    /// The residency ended: another flow, or a new connection of the same, takes the place.
    Replaced = 3,
    /// User space read the entry.
    Swept = 4,
}

impl Reason {
    /// The reason of that number.
    pub const fn from_u8(n: u8) -> Option<Self> {
        Some(match n {
            1 => Self::Opened,
            2 => Self::Changed,
            3 => Self::Replaced,
            4 => Self::Swept,
            _ => return None,
        })
    }
}

/// In front of every record.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Header {
    /// Monotonic nanoseconds (`CLOCK_MONOTONIC` live, capture time in replay).
    pub ktime: u64,
    /// Counts records of this CPU and ring, lost ones included.
    pub seq: u32,
    /// Coarse clock at the same moment.
    pub ticks: u32,
    /// The entry's place in the slice of its CPU.
    pub entry: u32,
    /// Which tenant of that place.
    pub generation: u16,
    /// Slice of the flow cache, one per CPU.
    pub cpu: u16,
    /// [`KIND_FLOW`] or [`KIND_FRAME`].
    pub kind: u8,
    /// [`Ring`].
    pub ring: u8,
    /// [`Reason`] of a flow record; zero otherwise.
    pub reason: u8,
    /// Zero.
    pub zero: u8,
    /// TCP sequence number of the packet that caused the record, in network order; zero where there is none. Beside a SYN
    /// it says where its direction begins.
    pub tcp_seq: u32,
}

/// A flow, one direction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct FlowRecord {
    /// Common header.
    pub header: Header,
    /// Who to whom.
    pub key: FlowKey,
    /// Bytes at the IP layer in this residency.
    pub bytes: u64,
    /// Packets in this residency.
    pub packets: u32,
    /// Ticks at the last packet.
    pub last: u32,
    /// TCP flags seen in this residency.
    pub flags: u8,
    /// TCP flags of the packet that caused the record.
    pub packet_flags: u8,
    /// [`crate::policy::Class`].
    pub class: u8,
    /// [`crate::wire::Note`] bits of the packet that caused the record.
    pub notes: u8,
    /// Source and destination MAC of the packet that caused the record; zero on replaced and swept ones.
    pub macs: [u8; 12],
}

/// A frame; `cap_len` bytes from its start follow.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct FrameRecord {
    /// Common header.
    pub header: Header,
    /// Who to whom.
    pub key: FlowKey,
    /// Bytes on the wire.
    pub wire_len: u32,
    /// Payload bytes above the transport header, on the wire.
    pub payload_len: u32,
    /// Where the payload begins in the frame.
    pub payload_at: u16,
    /// Bytes of the frame that follow.
    pub cap_len: u16,
    /// TCP flags.
    pub flags: u8,
    /// [`crate::policy::Class`] it was shipped as.
    pub class: u8,
    /// [`crate::wire::Note`] bits.
    pub notes: u8,
    /// Zero.
    pub zero: u8,
}

/// Most bytes of a frame in one record: 2048 of payload and room for headers.
pub const MAX_CAP: usize = 2048 + 128;
/// Largest record.
pub const MAX_RECORD: usize = size_of::<FrameRecord>() + MAX_CAP;
