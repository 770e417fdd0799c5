//! What user space tells the packet path: what a port is worth, how much payload to ship, how fast flows may come.
//!
//! No port number stands in this crate: the tables are filled from the engine's protocol registry.

use core::cell::Cell;

use crate::record::Ring;

/// How much the engine wants to see of a flow. Higher wins where a flow's two ports differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Class {
    /// Nothing known: a little payload, because content identifies a protocol on any port.
    Unknown = 0,
    /// Nothing more to learn: counters only.
    Quiet = 1,
    /// Address and name traffic (ARP, DHCP, DNS, LLDP).
    Control = 2,
    /// Remote access and encryption: the handshake.
    Access = 3,
    /// An industrial port, not confirmed by content.
    Industrial = 4,
    /// Industrial by content: all of it.
    Confirmed = 5,
    /// Process data below IP, thousands of frames a second: a budget that each epoch renews.
    Stream = 6,
}

impl Class {
    /// How many there are, rounded up to a power of two so that an index can be masked.
    pub const SLOTS: usize = 8;

    /// The class of that number; unknown numbers are [`Class::Unknown`].
    #[inline(always)]
    pub const fn from_u8(n: u8) -> Self {
        match n {
            1 => Self::Quiet,
            2 => Self::Control,
            3 => Self::Access,
            4 => Self::Industrial,
            5 => Self::Confirmed,
            6 => Self::Stream,
            _ => Self::Unknown,
        }
    }

    /// Whether flows of this class draw on the industrial bucket, which a flood of others cannot empty.
    #[inline(always)]
    pub const fn is_industrial(self) -> bool {
        matches!(self, Self::Industrial | Self::Confirmed | Self::Stream)
    }

    /// The ring its payload travels in.
    #[inline(always)]
    pub const fn ring(self) -> Ring {
        if self.is_industrial() { Ring::Industrial } else { Ring::Access }
    }
}

/// Unit of [`ClassPolicy::budget`]: bytes of payload.
pub const BUDGET_UNIT: u32 = 64;
/// A budget that never ends.
pub const UNLIMITED: u16 = u16::MAX;

/// How payload of one class is shipped.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, zerocopy::IntoBytes, zerocopy::FromBytes, zerocopy::Immutable,
)]
#[repr(C)]
pub struct ClassPolicy {
    /// Most bytes of one frame that are shipped, headers included.
    pub snap: u16,
    /// Payload one direction of a flow may ship, in [`BUDGET_UNIT`]s; [`UNLIMITED`] for all.
    pub budget: u16,
}

/// Index space of the port table: TCP ports, UDP ports, EtherTypes, types and codes of ICMPv6.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PortKey {
    /// A TCP port.
    Tcp(u16),
    /// A UDP port.
    Udp(u16),
    /// An EtherType.
    EtherType(u16),
    /// Type and code of ICMPv6, the type above. Of these only listed ones are shipped at all.
    Icmpv6(u16),
}

impl PortKey {
    /// Entries in the table.
    pub const SPACE: u32 = 4 << 16;

    /// Where its class stands in the table.
    #[inline(always)]
    pub const fn index(self) -> u32 {
        match self {
            Self::Tcp(port) => port as u32,
            Self::Udp(port) => (1 << 16) | port as u32,
            Self::EtherType(number) => (2 << 16) | number as u32,
            Self::Icmpv6(kind) => (3 << 16) | kind as u32,
        }
    }
}

/// Classes stand 64 to a map value, because array maps round values up to eight bytes.
pub const PORTS_PER_CHUNK: u32 = 64;

/// 64 neighbouring rows of the port table.
#[derive(Clone, Debug)]
#[repr(transparent)]
pub struct PortChunk(pub [u8; PORTS_PER_CHUNK as usize]);

/// What user space changes while the program runs. One value, read by every packet.
#[derive(Clone, Debug, Default)]
#[repr(C)]
pub struct Control {
    /// Counts changes of verdicts and watch list; an entry whose stamp differs asks again.
    pub epoch: Cell<u32>,
    /// Ticks when user space was last alive.
    pub heartbeat: Cell<u32>,
    /// Ticks without a heartbeat after which payload is no longer shipped; zero: never stop.
    pub heartbeat_limit: Cell<u32>,
    /// Ticks without a packet after which a flow is a new one.
    pub idle: Cell<u32>,
    /// New flows a tick allowed on one CPU: industrial, others.
    pub rate: [Cell<u32>; 2],
    /// New flows one CPU may save up: industrial, others.
    pub burst: [Cell<u32>; 2],
    /// Test clock: nanoseconds, in place of the kernel's where the program was loaded for tests.
    pub test_ktime: Cell<u64>,
    /// Test clock: ticks.
    pub test_ticks: Cell<u32>,
    /// [`HAS_VERDICTS`], [`HAS_WATCHED`]: tables worth asking.
    pub asked: Cell<u32>,
}

/// Bit of [`Control::asked`]: the verdict table has rows.
pub const HAS_VERDICTS: u32 = 1;
/// Bit of [`Control::asked`]: the watch list has rows.
pub const HAS_WATCHED: u32 = 2;

/// One end of a connection, the key of the verdict table.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, zerocopy::IntoBytes, zerocopy::FromBytes, zerocopy::Immutable,
)]
#[repr(C)]
pub struct Endpoint {
    /// Address, v4-mapped where IPv4; native words of network-order bytes.
    pub address: [u64; 2],
    /// Transport port.
    pub port: u16,
    /// [`crate::flow::Transport`].
    pub transport: u8,
    /// Zero.
    pub zero: [u8; 5],
}
