//! TCP (RFC 9293), UDP (RFC 768), ICMP (RFC 792, RFC 4443): ports, flags and where the payload begins.

use super::{Note, Packet, Unreadable};
use crate::flow::{Transport, one_port};
use crate::frame::{Frame, Header};

const TCP: u8 = 6;
const UDP: u8 = 17;
const ICMP: u8 = 1;
const ICMPV6: u8 = 58;

/// TCP flag bits, as in the header's 14th byte.
pub mod flag {
    /// No more data from the sender.
    pub const FIN: u8 = 0x01;
    /// Synchronise sequence numbers.
    pub const SYN: u8 = 0x02;
    /// Reset the connection.
    pub const RST: u8 = 0x04;
    /// Acknowledgement number is valid.
    pub const ACK: u8 = 0x10;
}

pub(super) struct Segment {
    pub transport: Transport,
    /// Source and destination port as they stand in a packet.
    pub ports: u32,
    /// TCP sequence number as it stands in a packet.
    pub seq: u32,
    pub flags: u8,
    pub at: usize,
    pub len: u32,
}

#[inline(always)]
pub(super) fn parse<F: Frame>(frame: &F, packet: &Packet) -> Result<Segment, Unreadable> {
    let transport = match packet.protocol {
        TCP => Transport::Tcp,
        UDP => Transport::Udp,
        ICMP => Transport::Icmp,
        ICMPV6 => Transport::Icmpv6,
        _ => Transport::Other,
    };
    let bare = Segment { transport, ports: 0, seq: 0, flags: 0, at: packet.at, len: packet.rest };
    if packet.notes & Note::LATER_FRAGMENT != 0 {
        return Ok(bare);
    }
    match transport {
        Transport::Tcp => {
            let h = frame.header::<16>(packet.at).ok_or(Unreadable::Cut)?;
            let header = usize::from(h.byte::<12>() >> 4) << 2;
            if header < 20 || packet.rest < header as u32 {
                return Err(Unreadable::Bad);
            }
            Ok(Segment {
                ports: h.ne32::<0>(),
                seq: h.ne32::<4>(),
                flags: h.byte::<13>(),
                at: packet.at.wrapping_add(header),
                len: packet.rest.wrapping_sub(header as u32),
                ..bare
            })
        }
        Transport::Udp => {
            let h = frame.header::<8>(packet.at).ok_or(Unreadable::Cut)?;
            Ok(Segment {
                ports: h.ne32::<0>(),
                at: packet.at.wrapping_add(8),
                len: packet.rest.saturating_sub(8),
                ..bare
            })
        }
        Transport::Icmp | Transport::Icmpv6 => {
            let h = frame.header::<4>(packet.at).ok_or(Unreadable::Cut)?;
            // Type and code tell an unreachable from a ping; they stand where ports would.
            Ok(Segment { ports: one_port(h.be16::<0>()), ..bare })
        }
        // The protocol number stands where a port would.
        _ => Ok(Segment { ports: one_port(u16::from(packet.protocol)), ..bare }),
    }
}
