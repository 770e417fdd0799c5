//! TCP (RFC 9293), UDP (RFC 768), ICMP (RFC 792, RFC 4443): ports, flags and where the payload begins.

use super::{Note, Packet, Unreadable};
use crate::flow::Transport;
use crate::frame::Frame;

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
    pub sport: u16,
    pub dport: u16,
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
    let bare = Segment { transport, sport: 0, dport: 0, flags: 0, at: packet.at, len: packet.rest };
    if packet.notes & Note::LATER_FRAGMENT != 0 {
        return Ok(bare);
    }
    match transport {
        Transport::Tcp => {
            let h: [u8; 16] = frame.read(packet.at).ok_or(Unreadable::Cut)?;
            let header = usize::from(h[12] >> 4) << 2;
            if header < 20 || packet.rest < header as u32 {
                return Err(Unreadable::Bad);
            }
            Ok(Segment {
                sport: u16::from_be_bytes([h[0], h[1]]),
                dport: u16::from_be_bytes([h[2], h[3]]),
                flags: h[13],
                at: packet.at.wrapping_add(header),
                len: packet.rest.wrapping_sub(header as u32),
                ..bare
            })
        }
        Transport::Udp => {
            let h: [u8; 8] = frame.read(packet.at).ok_or(Unreadable::Cut)?;
            Ok(Segment {
                sport: u16::from_be_bytes([h[0], h[1]]),
                dport: u16::from_be_bytes([h[2], h[3]]),
                at: packet.at.wrapping_add(8),
                len: packet.rest.saturating_sub(8),
                ..bare
            })
        }
        Transport::Icmp | Transport::Icmpv6 => {
            let h: [u8; 4] = frame.read(packet.at).ok_or(Unreadable::Cut)?;
            // Type and code tell an unreachable from a ping; they stand where ports would.
            Ok(Segment { dport: u16::from_be_bytes([h[0], h[1]]), ..bare })
        }
        // The protocol number stands where a port would.
        _ => Ok(Segment { dport: u16::from(packet.protocol), ..bare }),
    }
}
