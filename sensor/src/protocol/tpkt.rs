//! TPKT (RFC 1006 section 6) and COTP class 0 (ISO 8073, RFC 905 section 13): what S7comm travels in.
//!
//! ```text
//!  0   1   2       4    5      6
//! +---+---+-------+----+------+---------------
//! | 3 | 0 |  len  | LI | type | …               len counts from byte 0, LI from byte 5
//! +---+---+-------+----+------+---------------
//! ```
//!
//! One segment may hold several packets, one packet may span segments, and one message may span data packets: the last
//! of them has the end-of-transmission bit.

use super::bytes::Bytes;
use super::input::{Input, Probe, Side, Verdict};
use super::{Event, Malformed};

/// Version, reserved and length.
const HEADER: usize = 4;
/// The shortest packet: header and an empty data TPDU.
const SHORTEST: u16 = 7;
/// The most of one message that is put together from several data packets; S7 agrees on at most 8 KiB.
const MAX_MESSAGE: usize = 16 * 1024;

/// A transport protocol data unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tpdu<'a> {
    /// CR: asks for a connection.
    ConnectionRequest(Connection<'a>),
    /// CC: confirms it.
    ConnectionConfirm(Connection<'a>),
    /// DT: user data and whether the message ends with them.
    Data(&'a [u8], bool),
    /// Disconnect, error and what class 0 does not know.
    Other,
}

/// The variable part of a CR or CC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Connection<'a> {
    variable: &'a [u8],
}

impl<'a> Connection<'a> {
    /// The TSAP of the called end (parameter C2).
    pub fn called(&self) -> Option<&'a [u8]> {
        self.parameter(0xc2)
    }

    fn parameter(&self, wanted: u8) -> Option<&'a [u8]> {
        let mut rest = self.variable;
        loop {
            let [code, len, tail @ ..] = rest else { return None };
            let value = tail.get(..usize::from(*len))?;
            if *code == wanted {
                return Some(value);
            }
            rest = tail.get(usize::from(*len)..)?;
        }
    }

    /// RDP asks in the same way: with a cookie or token, or a negotiation request (MS-RDPBCGR 2.2.1.1), never with
    /// TSAPs. A CR without any parameter is RDP's too; S7 and MMS name the TSAP they call.
    fn is_rdp(&self) -> bool {
        self.called().is_none()
    }
}

/// What stands at the front of the bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Front<'a> {
    /// A packet and its length.
    Whole(Tpdu<'a>, usize),
    /// Its header is sound; the bytes end before it does.
    Part(Tpdu<'a>),
    /// Too short to tell.
    Short,
    /// No TPKT.
    Bad(Malformed),
}

/// Reads the packet at the front.
pub fn front(bytes: &[u8]) -> Front<'_> {
    if bytes.u8_at(0).is_some_and(|version| version != 3)
        || bytes.u8_at(1).is_some_and(|reserved| reserved != 0)
    {
        return Front::Bad(Malformed::BadVersion);
    }
    let Some(length) = bytes.be16(2) else { return Front::Short };
    if length < SHORTEST {
        return Front::Bad(Malformed::BadLength);
    }
    let len = usize::from(length);
    let Some(indicator) = bytes.u8_at(4) else { return Front::Short };
    // The header ends before the packet, has room for its fixed part, and 255 is reserved.
    let header = usize::from(indicator).saturating_add(1);
    if indicator < 2 || indicator == 255 || header.saturating_add(HEADER) > len {
        return Front::Bad(Malformed::BadLength);
    }
    match bytes.get(HEADER..len) {
        Some(whole) => {
            tpdu(whole, header).map_or(Front::Bad(Malformed::BadLength), |tpdu| Front::Whole(tpdu, len))
        }
        None => tpdu(bytes.tail(HEADER), header).map_or(Front::Short, Front::Part),
    }
}

fn tpdu(bytes: &[u8], header: usize) -> Option<Tpdu<'_>> {
    let connection = || Some(Connection { variable: bytes.get(7..header)? });
    Some(match bytes.u8_at(1)? >> 4 {
        0xe => Tpdu::ConnectionRequest(connection()?),
        0xd => Tpdu::ConnectionConfirm(connection()?),
        0xf => Tpdu::Data(bytes.get(header..)?, bytes.u8_at(2)? & 0x80 != 0),
        _ => Tpdu::Other,
    })
}

/// A whole message of the layer above, or a connection request or confirm.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit<'a> {
    /// CR or CC.
    Connection(Connection<'a>),
    /// User data; `cut` when the sensor does not have all of them.
    Message {
        /// The bytes.
        bytes: &'a [u8],
        /// Whether more were on the wire.
        cut: bool,
    },
}

/// The units of both sides of one connection.
#[derive(Debug, Default)]
pub struct Reader {
    client: Half,
    server: Half,
}

/// One side.
#[derive(Debug, Default)]
struct Half {
    /// Bytes were lost before what comes next.
    lost: bool,
    /// Data packets of a message that has not ended.
    parts: Vec<u8>,
}

impl Reader {
    /// Memory kept for messages that have not ended, in bytes.
    pub fn kept(&self) -> usize {
        self.client.parts.capacity().saturating_add(self.server.parts.capacity())
    }

    /// Gives each unit in `input` to `each` and returns how many bytes are done with, as [`super::Decode::decode`] does.
    pub fn read(
        &mut self,
        input: Input<'_>,
        out: &mut Vec<Event>,
        mut each: impl FnMut(Unit<'_>, &mut Vec<Event>),
    ) -> usize {
        let half = match input.side {
            Side::Client => &mut self.client,
            Side::Server => &mut self.server,
        };
        if input.gap {
            half.lost = true;
            half.parts.clear();
        }
        let mut done = 0;
        loop {
            let rest = input.bytes.tail(done);
            match front(rest) {
                Front::Whole(tpdu, len) => {
                    half.lost = false;
                    half.unit(tpdu, false, out, &mut each);
                    done = done.saturating_add(len);
                }
                Front::Part(tpdu) if input.truncated => {
                    half.unit(tpdu, true, out, &mut each);
                    return input.bytes.len();
                }
                Front::Short if input.truncated => return input.bytes.len(),
                Front::Part(_) | Front::Short => return done,
                Front::Bad(_) if half.lost => match resume(rest) {
                    Some(at) => done = done.saturating_add(at),
                    None => return input.bytes.len(),
                },
                Front::Bad(malformed) => {
                    half.parts.clear();
                    out.push(Event::Malformed(malformed));
                    return input.bytes.len();
                }
            }
        }
    }
}

impl Half {
    fn unit(
        &mut self,
        tpdu: Tpdu<'_>,
        cut: bool,
        out: &mut Vec<Event>,
        each: &mut impl FnMut(Unit<'_>, &mut Vec<Event>),
    ) {
        match tpdu {
            Tpdu::ConnectionRequest(connection) | Tpdu::ConnectionConfirm(connection) => {
                self.parts.clear();
                each(Unit::Connection(connection), out);
            }
            Tpdu::Data(bytes, end) if self.parts.is_empty() && (end || cut) => {
                if !bytes.is_empty() {
                    each(Unit::Message { bytes, cut }, out);
                }
            }
            Tpdu::Data(bytes, end) => {
                let room = MAX_MESSAGE.saturating_sub(self.parts.len());
                let cut = cut || bytes.len() > room;
                self.parts.extend_from_slice(bytes.get(..room).unwrap_or(bytes));
                if end || cut {
                    each(Unit::Message { bytes: &self.parts, cut }, out);
                    self.parts = Vec::new();
                }
            }
            Tpdu::Other => {}
        }
    }
}

/// Where, after lost bytes, a data packet begins: `03 00 len len 02 F0`.
fn resume(bytes: &[u8]) -> Option<usize> {
    let starts = |at: &usize| matches!(bytes.tail(*at), [3, 0, _, _, 2, 0xf0, ..]);
    (0..bytes.len()).filter(starts).find(|at| !matches!(front(bytes.tail(*at)), Front::Bad(_)))
}

/// Looks for the first user data and asks `is` about them. CR and CC alone do not tell who travels in them.
pub fn probe(probe: Probe<'_>, is: fn(&[u8]) -> Verdict) -> Verdict {
    let mut rest = probe.bytes;
    loop {
        let (tpdu, len) = match front(rest) {
            Front::Whole(tpdu, len) => (tpdu, len),
            Front::Part(tpdu) => (tpdu, rest.len()),
            Front::Short => return Verdict::NeedMore,
            Front::Bad(_) if probe.from_start => return Verdict::No,
            Front::Bad(_) => match resume(rest) {
                Some(at) if at > 0 => {
                    rest = rest.tail(at);
                    continue;
                }
                _ => return Verdict::No,
            },
        };
        match tpdu {
            Tpdu::ConnectionRequest(connection) if connection.is_rdp() => return Verdict::No,
            Tpdu::Data(data, _) if !data.is_empty() => return is(data),
            _ => rest = rest.tail(len),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CR: &[u8] = &[3, 0, 0, 0x16, 0x11, 0xe0, 0, 0, 0, 7, 0, 0xc1, 2, 1, 0, 0xc2, 2, 1, 2, 0xc0, 1, 10];

    fn messages(bytes: &[u8], gap: bool) -> (Vec<Vec<u8>>, Vec<Event>, usize) {
        let (mut seen, mut out) = (Vec::new(), Vec::new());
        let input = Input { bytes, side: Side::Client, truncated: false, gap };
        let done = Reader::default().read(input, &mut out, |unit, _| {
            if let Unit::Message { bytes, .. } = unit {
                seen.push(bytes.to_vec());
            }
        });
        (seen, out, done)
    }

    #[test]
    fn a_connection_request_names_the_tsap_it_calls() {
        let Front::Whole(Tpdu::ConnectionRequest(connection), 22) = front(CR) else { panic!() };
        assert_eq!(connection.called(), Some(&[1, 2][..]));
        assert!(!connection.is_rdp());
    }

    #[test]
    fn rdp_calls_no_tsap() {
        let negotiation = [3, 0, 0, 19, 14, 0xe0, 0, 0, 0, 0, 0, 1, 0, 8, 0, 3, 0, 0, 0];
        let Front::Whole(Tpdu::ConnectionRequest(connection), _) = front(&negotiation) else { panic!() };
        assert!(connection.is_rdp());
    }

    #[test]
    fn a_message_in_two_data_packets_is_put_together() {
        let bytes = [3, 0, 0, 9, 2, 0xf0, 0, 1, 2, 3, 0, 0, 8, 2, 0xf0, 0x80, 3];
        assert_eq!(messages(&bytes, false), (vec![vec![1, 2, 3]], vec![], bytes.len()));
    }

    #[test]
    fn a_packet_that_is_not_whole_waits() {
        let bytes = [3, 0, 0, 8, 2, 0xf0, 0x80, 1, 3, 0, 0, 9, 2, 0xf0];
        assert_eq!(messages(&bytes, false), (vec![vec![1]], vec![], 8));
    }

    #[test]
    fn after_a_gap_the_next_data_packet_is_found_without_a_complaint() {
        let bytes = [9, 9, 9, 3, 0, 0, 8, 2, 0xf0, 0x80, 1];
        assert_eq!(messages(&bytes, true), (vec![vec![1]], vec![], bytes.len()));
        assert_eq!(messages(&bytes, false).1, [Event::Malformed(Malformed::BadVersion)]);
    }

    #[test]
    fn impossible_lengths_are_malformed() {
        assert_eq!(front(&[3, 0, 0, 6, 2, 0xf0]), Front::Bad(Malformed::BadLength));
        assert_eq!(front(&[3, 0, 0, 7, 9, 0xf0, 0x80]), Front::Bad(Malformed::BadLength));
        assert_eq!(front(&[3, 0, 0, 7, 0, 0xf0, 0x80]), Front::Bad(Malformed::BadLength));
    }
}
