//! SLMP, also known as MELSEC 3E and 4E frames (Mitsubishi SH-080956ENG), binary, on TCP and UDP 5000 to 5008 as configured.
//!
//! ```text
//!  0          2 | 6    3E | 4E        network, station, module 2, unit
//! +------------+------------------+--------+-------+---------+---------+------
//! | 5000, 5400 | (4E: serial, 0)  | 00 ff … | bytes | timer   | command, sub | data …       request, little endian
//! | d000, d400 | (4E: serial, 0)  | 00 ff … | bytes | end code| data …                      response
//! +------------+------------------+--------+-------+---------+---------+------
//! ```
//!
//! The subheader is written as its two bytes stand on the wire. A 3E response has no number: it answers the request before it.

mod commands;

use super::bytes::{Bytes as _, text};
use super::command::{Direction, Status};
use super::framing::{Framing, Front, find};
use super::input::{Input, Probe, Side, Verdict};
use super::pending::{Asked, Pending};
use super::{Asset, AssetField, Decode, Event, Malformed, Port, Spec};

/// Registration.
pub static SPEC: Spec = Spec {
    name: "melsec",
    title: "Mitsubishi MELSEC (SLMP)",
    ports: &[
        Port::Tcp(5001),
        Port::Tcp(5002),
        Port::Tcp(5006),
        Port::Tcp(5007),
        Port::Udp(5000),
        Port::Udp(5006),
        Port::Udp(5007),
    ],
    industrial: true,
    probe,
    decoder: || Box::new(Decoder::default()),
    about: "Devices (memory), files and modes of Mitsubishi controllers in binary 3E and 4E frames. Commands are named with their \
            end codes; remote run, stop, pause, latch clear and reset are Control, file writes Program, file reads \
            ReadProgram, remote password Auth; the model name gives the asset. ASCII frames and the engineering tool's own \
            protocol are not read. Frames follow the published reference; no capture of it was at hand.",
};

/// Network 0 to 239 or own, station 255 or a number, module of multi-CPU systems.
const ACCESS_ROUTE: usize = 5;
const MOST: u16 = 4096;

/// Where things stand in a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Head {
    response: bool,
    /// 4E frames are numbered.
    serial: Option<u16>,
    /// Where the length stands.
    length_at: usize,
}

fn head(bytes: &[u8]) -> Option<Head> {
    let (response, numbered) = match bytes.be16(0)? {
        0x5000 => (false, false),
        0xd000 => (true, false),
        0x5400 => (false, true),
        0xd400 => (true, true),
        _ => return None,
    };
    let serial = if numbered { Some(bytes.le16(2)?) } else { None };
    let route = if numbered { 6 } else { 2 };
    Some(Head { response, serial, length_at: route + ACCESS_ROUTE })
}

fn front(bytes: &[u8], _: bool) -> Front {
    match bytes.get(..2) {
        None if bytes.u8_at(0).is_none_or(|b| matches!(b, 0x50 | 0x54 | 0xd0 | 0xd4)) => return Front::Short,
        None => return Front::Bad(Malformed::BadVersion),
        Some([0x50 | 0x54 | 0xd0 | 0xd4, 0]) => {}
        Some(_) => return Front::Bad(Malformed::BadVersion),
    }
    let Some(head) = head(bytes) else { return Front::Short };
    let Some(length) = bytes.le16(head.length_at) else { return Front::Short };
    let least = if head.response { 2 } else { 6 };
    if !(least..=MOST).contains(&length) {
        return Front::Bad(Malformed::BadLength);
    }
    Front::Frame(head.length_at.saturating_add(2).saturating_add(usize::from(length)))
}

/// A frame with an access route that exists, and, of a request, a command that is known.
fn begins(bytes: &[u8]) -> bool {
    let Front::Frame(_) = front(bytes, true) else { return false };
    let Some(head) = head(bytes) else { return false };
    let route = bytes.slice(head.length_at.saturating_sub(ACCESS_ROUTE), ACCESS_ROUTE);
    let sound = matches!(route, Some([network, station, _, 0x03, _]) if *network <= 239 && (*station <= 120 || *station >= 125));
    if !sound || head.serial.is_some() && bytes.le16(4) != Some(0) {
        return false;
    }
    head.response
        || bytes.le16(head.length_at.saturating_add(4)).is_some_and(|code| commands::known(code).is_some())
}

fn probe(probe: Probe<'_>) -> Verdict {
    match front(probe.bytes, false) {
        Front::Short => Verdict::NeedMore,
        // An answer alone is too little to go by on a foreign port.
        Front::Frame(_) if begins(probe.bytes) => match head(probe.bytes) {
            Some(head) if head.response && !probe.hinted => Verdict::No,
            _ => Verdict::Yes,
        },
        _ if !probe.from_start && probe.hinted && find(probe.bytes, begins).is_some() => Verdict::Yes,
        _ => Verdict::No,
    }
}

/// One connection, or a pair of ports.
#[derive(Debug, Default)]
struct Decoder {
    framing: Framing,
    pending: Pending<(Side, Option<u16>), Asked>,
}

impl Decode for Decoder {
    fn decode(&mut self, input: Input<'_>, out: &mut Vec<Event>) -> usize {
        let Self { framing, pending } = self;
        if input.gap {
            pending.forget(|(asker, _)| *asker == input.side);
        }
        framing.read(input, out, front, |frame, _, out| message(pending, frame, input.side, out))
    }
}

fn message(
    pending: &mut Pending<(Side, Option<u16>), Asked>,
    frame: &[u8],
    side: Side,
    out: &mut Vec<Event>,
) {
    let Some(head) = head(frame) else { return };
    let body = frame.tail(head.length_at.saturating_add(2));
    if !head.response {
        let Some((code, sub)) = body.le16(2).zip(body.le16(4)) else { return };
        let (function, object) = commands::request(code, sub, body.tail(6));
        let command = function.clone().command(Direction::Request).with_object(object.clone());
        out.push(Event::Command(command));
        pending.insert((side, head.serial), (function, object));
        return;
    }
    let asked = pending.take(&(side.other(), head.serial));
    let (function, object) = asked.unwrap_or_else(|| (commands::unknown(), None));
    let status = match body.le16(0).unwrap_or(0) {
        0 => Status::Ok,
        code => Status::Refused(u32::from(code), commands::end(code)),
    };
    if function.code == commands::READ_TYPE && status == Status::Ok {
        let model = body.slice(2, 16).map(text).unwrap_or_default();
        if !model.is_empty() {
            out.push(Event::Asset(Asset { side, field: AssetField::Model, value: model }));
        }
    }
    out.push(Event::Command(function.command(Direction::Response).with_status(status).with_object(object)));
}

#[cfg(test)]
mod tests;
