//! Records as the engine reads them: parsed, in order, with wall-clock times and differences instead of totals.

use sensor_ebpf::flow::FlowKey;
use sensor_ebpf::record::{Reason, Ring};

use crate::time::Time;

/// One thing the packet path reported.
#[derive(Clone, Copy, Debug)]
pub enum Record<'a> {
    /// A flow (one direction) opened, changed, ended or was swept.
    Flow(FlowEvent),
    /// A frame with payload.
    Frame(FrameEvent<'a>),
    /// New flows of one source beyond the rate limit.
    Storm(Storm),
    /// Records are missing here.
    Loss(Loss),
    /// Record time reached this second. Idle stretches may jump.
    Tick(Time),
}

/// News of one direction of a flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FlowEvent {
    /// When it was reported.
    pub at: Time,
    /// Who to whom.
    pub key: FlowKey,
    /// Why it was reported.
    pub reason: Reason,
    /// Packets since the last report.
    pub packets: u64,
    /// Bytes at the IP layer since the last report.
    pub bytes: u64,
    /// When its last packet passed.
    pub last: Time,
    /// TCP flags seen in this residency.
    pub flags: u8,
    /// TCP flags of the packet that caused the report (opened, changed).
    pub packet_flags: u8,
    /// [`sensor_ebpf::wire::Note`] bits of that packet.
    pub notes: u8,
    /// TCP sequence number of that packet (opened, changed).
    pub tcp_seq: u32,
    /// Source and destination MAC of that packet (opened, changed).
    pub macs: Option<([u8; 6], [u8; 6])>,
}

/// A frame, from its first byte, as far as it was shipped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FrameEvent<'a> {
    /// When it passed.
    pub at: Time,
    /// Who to whom.
    pub key: FlowKey,
    /// The ring it came through.
    pub ring: Ring,
    /// The shipped bytes, headers included.
    pub frame: &'a [u8],
    /// Where the transport payload begins in it.
    pub payload_at: usize,
    /// Payload bytes on the wire; more than were shipped where the frame was cut.
    pub payload_len: usize,
    /// Bytes of the frame on the wire.
    pub wire_len: u32,
    /// TCP flags.
    pub flags: u8,
    /// [`sensor_ebpf::wire::Note`] bits.
    pub notes: u8,
}

impl<'a> FrameEvent<'a> {
    /// The transport payload as far as it was shipped; Ethernet padding is not part of it.
    pub fn payload(&self) -> &'a [u8] {
        let shipped = self.frame.get(self.payload_at..).unwrap_or_default();
        shipped.get(..self.payload_len).unwrap_or(shipped)
    }

    /// Whether the wire held more payload than was shipped.
    pub fn is_cut(&self) -> bool {
        self.payload().len() < self.payload_len
    }

    /// TCP sequence and acknowledgement number of the segment, where the frame holds them.
    pub fn tcp_numbers(&self) -> Option<(u32, u32)> {
        // The header is at least 20 bytes and ends where the payload begins; its length stands in its 13th byte, which
        // cannot be found from the end. The sequence number is found by the ports in front of it.
        for header in (20..=60_usize).step_by(4) {
            let at = self.payload_at.checked_sub(header)?;
            let h = self.frame.get(at..at.checked_add(20)?)?;
            let [s0, s1, d0, d1, q0, q1, q2, q3, a0, a1, a2, a3, offset, ..] = *h else { return None };
            let ports = u16::from_be_bytes([s0, s1]) == self.key.sport
                && u16::from_be_bytes([d0, d1]) == self.key.dport;
            if ports && usize::from(offset >> 4).checked_mul(4) == Some(header) {
                let numbers = [[q0, q1, q2, q3], [a0, a1, a2, a3]];
                let [seq, acknowledged] = numbers.map(u32::from_be_bytes);
                return Some((seq, acknowledged));
            }
        }
        None
    }
}

/// New flows of one source that came too fast for the flow cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Storm {
    /// When the row was read.
    pub at: Time,
    /// The source address; `None` for the row of sources that collided.
    pub source: Option<[u64; 2]>,
    /// Whether its packets went to industrial ports.
    pub industrial: bool,
    /// Packets since the last report of this row.
    pub packets: u64,
    /// Distinct destinations in this window, estimated by linear counting.
    pub destinations: u32,
}

/// Records that did not arrive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Loss {
    /// When the loss was noticed.
    pub at: Time,
    /// The ring that had no room.
    pub ring: Ring,
    /// How many.
    pub records: u64,
}
