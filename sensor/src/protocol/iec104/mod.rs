//! IEC 60870-5-104: telecontrol over TCP.
//!
//! ```text
//!  0    1     2                  6      7     8       9      10     12    15
//! +----+-----+------------------+------+-----+-------+------+------+-----+---------
//! | 68 | len | control (4)      | type | vsq | cause | orig | addr | ioa | element …     len counts from control
//! +----+-----+------------------+------+-----+-------+------+------+-----+---------
//! control: I …0 …0 (data), S 01 (acknowledgement), U 07 0b 13 23 43 83 (start, stop, test)
//! vsq: sequence of elements, number of objects; cause: test, negative, cause
//! ```

mod types;

use super::bytes::Bytes;
use super::command::{Action, Command, Direction, Status};
use super::framing::{Framing, Front, find};
use super::input::{Input, Probe, Side, Verdict};
use super::text::Text;
use super::{Decode, Event, Malformed, Port, Spec};

/// Registration.
pub static SPEC: Spec = Spec {
    name: "iec104",
    title: "IEC 60870-5-104",
    ports: &[Port::Tcp(2404)],
    industrial: true,
    probe,
    decoder: || Box::new(Decoder::default()),
    about: "Telecontrol of substations and pipelines. Every type is named, with cause, common address (as unit) and \
            object address; commands say select or execute; negative confirmations and unknown type, cause or address \
            are refusals. IEC 62351-3 (TLS, usually on 19998) hides all of it.",
};

const START: u8 = 0x68;
/// Start and length.
const PREFIX: usize = 2;
/// Start, length and control.
const APCI: usize = 6;
/// Type, qualifier, cause, originator, common address.
const ASDU: usize = 6;
const NEGATIVE: u8 = 0x40;

/// What a frame is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    /// Data.
    I,
    /// Acknowledgement.
    S,
    /// Start, stop and test, by its control octet.
    U(u8),
}

/// The format, from the four control octets. `None`: no such format.
fn format(control: u32) -> Option<Format> {
    match control.to_be_bytes() {
        [first, _, third, _] if first & 1 == 0 && third & 1 == 0 => Some(Format::I),
        [1, 0, third, _] if third & 1 == 0 => Some(Format::S),
        [first @ (0x07 | 0x0b | 0x13 | 0x23 | 0x43 | 0x83), 0, 0, 0] => Some(Format::U(first)),
        _ => None,
    }
}

/// What stands at the front. After lost bytes a frame must be sound up to its cause.
fn front(bytes: &[u8], lost: bool) -> Front {
    if bytes.u8_at(0) != Some(START) {
        return Front::Bad(Malformed::BadVersion);
    }
    let Some(len) = bytes.u8_at(1) else { return Front::Short };
    if !(4..=253).contains(&len) {
        return Front::Bad(Malformed::BadLength);
    }
    let Some(control) = bytes.be32(2) else { return Front::Short };
    let len = usize::from(len).saturating_add(PREFIX);
    match format(control) {
        None => return Front::Bad(Malformed::BadValue),
        Some(Format::S | Format::U(_)) if len != APCI => return Front::Bad(Malformed::BadLength),
        Some(Format::I) if len < APCI.saturating_add(ASDU) => return Front::Bad(Malformed::BadLength),
        Some(Format::I) if lost => {
            let (Some(id), Some(cause)) = (bytes.u8_at(6), bytes.u8_at(8)) else { return Front::Short };
            if types::find(id).is_none() || types::cause(cause & 0x3f).is_none() {
                return Front::Bad(Malformed::BadValue);
            }
        }
        Some(_) => {}
    }
    Front::Frame(len)
}

/// Whether all bytes are frames whose data have the length their types ask for, the last perhaps cut; how many are data
/// or start, stop and test. `None`: the first is not whole yet.
fn all_fit(mut bytes: &[u8]) -> Option<Result<usize, ()>> {
    const ENOUGH: usize = 8;
    let (mut whole, mut proof) = (0_usize, 0_usize);
    while whole < ENOUGH {
        match front(bytes, true) {
            Front::Frame(len) => match bytes.get(..len) {
                Some(frame) => {
                    if frame.len() > APCI && !fits(frame) {
                        return Some(Err(()));
                    }
                    whole = whole.saturating_add(1);
                    if frame.u8_at(2) != Some(1) {
                        proof = proof.saturating_add(1);
                    }
                    bytes = bytes.tail(len);
                }
                None => return (whole > 0).then_some(Ok(proof)),
            },
            Front::Short => return (whole > 0).then_some(Ok(proof)),
            Front::Bad(_) if bytes.is_empty() => return (whole > 0).then_some(Ok(proof)),
            Front::Bad(_) => return Some(Err(())),
        }
    }
    Some(Ok(proof))
}

/// Whether the objects of a data frame are as many and as long as they say.
fn fits(frame: &[u8]) -> bool {
    let (Some(id), Some(qualifier)) = (frame.u8_at(6), frame.u8_at(7)) else { return false };
    let objects = frame.len().saturating_sub(APCI).saturating_sub(ASDU);
    let count = usize::from(qualifier & 0x7f);
    match types::find(id).map(types::Type::size) {
        Some(Some(size)) if qualifier & 0x80 == 0 => objects == count.saturating_mul(size.saturating_add(3)),
        Some(Some(size)) => objects == count.saturating_mul(size).saturating_add(3),
        Some(None) => objects >= 3,
        None => false,
    }
}

/// On its port sound frames are enough. Elsewhere one must be data, or a start, stop or test.
fn probe(probe: Probe<'_>) -> Verdict {
    let enough = |bytes: &[u8]| match all_fit(bytes) {
        Some(Ok(proof)) => Some(proof > 0 || probe.hinted),
        Some(Err(())) => Some(false),
        None => None,
    };
    match enough(probe.bytes) {
        Some(true) => Verdict::Yes,
        None => Verdict::NeedMore,
        Some(false) if !probe.from_start && find(probe.bytes, |at| enough(at) == Some(true)).is_some() => {
            Verdict::Yes
        }
        Some(false) => Verdict::No,
    }
}

/// One connection.
#[derive(Debug, Default)]
struct Decoder {
    framing: Framing,
}

impl Decode for Decoder {
    fn decode(&mut self, input: Input<'_>, out: &mut Vec<Event>) -> usize {
        self.framing.read(input, out, front, |frame, cut, out| {
            match frame.be32(2).and_then(format) {
                Some(Format::I) => asdu(frame, cut, input.side, out),
                Some(Format::S) => out.push(control(1, "S", "acknowledgement", Direction::Notification)),
                Some(Format::U(octet)) => out.push(unnumbered(octet)),
                None => {}
            };
        })
    }
}

fn unnumbered(octet: u8) -> Event {
    let (text, name, direction) = match octet {
        0x07 => ("U/0x07", "startdt act", Direction::Request),
        0x0b => ("U/0x0b", "startdt con", Direction::Response),
        0x13 => ("U/0x13", "stopdt act", Direction::Request),
        0x23 => ("U/0x23", "stopdt con", Direction::Response),
        0x43 => ("U/0x43", "testfr act", Direction::Request),
        _ => ("U/0x83", "testfr con", Direction::Response),
    };
    control(octet, text, name, direction)
}

fn control(code: u8, text: &'static str, name: &'static str, direction: Direction) -> Event {
    Event::Command(Command {
        action: Action::Session,
        direction,
        code: u32::from(code),
        code_text: text.into(),
        name,
        status: if direction == Direction::Response { Status::Ok } else { Status::None },
        unit: None,
        object: None,
        protocol: None,
    })
}

/// The data of an I frame.
fn asdu(frame: &[u8], cut: bool, side: Side, out: &mut Vec<Event>) {
    let (Some(id), Some(cause_octet)) = (frame.u8_at(6), frame.u8_at(8)) else { return };
    let cause = cause_octet & 0x3f;
    let row = types::find(id);
    let cause_name = types::cause(cause);
    let (direction, status) = match cause {
        6 | 8 => (Direction::Request, Status::None),
        // A read is answered by the object's own type.
        5 if id == 102 => (Direction::Request, Status::None),
        7 | 9 if cause_octet & NEGATIVE != 0 => {
            (Direction::Response, Status::Refused(u32::from(cause), "negative confirmation"))
        }
        7 | 9 => (Direction::Response, Status::Ok),
        44..=47 => (Direction::Response, Status::Refused(u32::from(cause), cause_name.unwrap_or("unknown"))),
        13..=16 if side == Side::Client => (Direction::Request, Status::None),
        13..=16 => (Direction::Response, Status::Ok),
        _ => (Direction::Notification, Status::None),
    };
    let action = match row.map_or(Action::Other, |row| row.action) {
        // What the controlled station sends of a file is read from it.
        Action::Program if side == Side::Server => Action::Read,
        // The end of what was asked and confirmed before.
        _ if cause == 10 => Action::Session,
        action => action,
    };
    let object = if direction == Direction::Notification { None } else { object(id, frame.tail(12)) };
    out.push(Event::Command(Command {
        action,
        direction,
        code: u32::from(id) << 8 | u32::from(cause),
        code_text: format_args!("{id}/{cause}").into(),
        name: row.map_or("unknown type", |row| row.name),
        status,
        unit: frame.le16(10).map(u32::from),
        object,
        protocol: None,
    }));
    if row.is_none() || cause_name.is_none() {
        out.push(Event::Malformed(Malformed::BadValue));
    } else if !cut && !fits(frame) {
        out.push(Event::Malformed(Malformed::BadLength));
    }
}

/// The first object's address, and of a command what it wants: `ioa 13 execute on`.
fn object(id: u8, bytes: &[u8]) -> Option<Text> {
    let address = u32::from(bytes.le16(0)?) | u32::from(bytes.u8_at(2)?) << 16;
    // The qualifier stands behind the value.
    let (at, kind) = match id {
        45 | 58 => (3, 1),
        46 | 59 => (3, 2),
        47 | 60 => (3, 3),
        48 | 49 | 61 | 62 => (5, 0),
        50 | 63 => (7, 0),
        _ => return Some(format_args!("ioa {address}").into()),
    };
    let qualifier = bytes.u8_at(at)?;
    let step = if qualifier & 0x80 != 0 { "select" } else { "execute" };
    let state = match (kind, qualifier & 3) {
        (1, 0 | 2) => " off",
        (1, _) => " on",
        (2, 1) => " off",
        (2, 2) => " on",
        (3, 1) => " lower",
        (3, 2) => " higher",
        (2 | 3, _) => " not permitted",
        _ => "",
    };
    Some(format_args!("ioa {address} {step}{state}").into())
}

#[cfg(test)]
mod tests;
