//! HART-IP (FieldComm Group HCF_SPEC-085, TP10300), on TCP and UDP 5094: HART commands to field instruments through IP.
//!
//! ```text
//!  0   1      2    3        4          6        8
//! +---+------+----+--------+----------+--------+------
//! | 1 | type | id | status | sequence | length | body …      length counts from the front
//! +---+------+----+--------+----------+--------+------
//! ```
//!
//! A pass-through (id 3) carries a HART PDU: delimiter, address of one or five bytes, command, byte count, data, checksum. A direct PDU
//! (id 4) carries several commands to the device itself: two bytes of status, then each time command 2, byte count, data.

mod commands;
mod identity;

use super::bytes::Bytes as _;
use super::bytes::text;
use super::command::{Action, Direction, Function, Status};
use super::framing::{Framing, Front, find};
use super::input::{Input, Probe, Side, Verdict};
use super::pending::Pending;
use super::{Asset, AssetField, Decode, Event, Malformed, Port, Spec};
use identity::Address;

/// Registration.
pub static SPEC: Spec = Spec {
    name: "hart-ip",
    title: "HART-IP",
    ports: &[Port::Tcp(5094), Port::Udp(5094)],
    industrial: true,
    probe,
    decoder: || Box::new(Decoder::default()),
    about: "Commands to transmitters and valves through gateways and multiplexers, those inside direct PDUs and the extended ones too. \
            Session messages, universal and common practice HART commands are named; a device reset and self test are Control, \
            writes of tag, range, units and lock Configure. Commands of device families and makers are Other: their meaning is in \
            the device description. Who answers at the address itself tells maker, type, revision, serial number and long tag.",
};

const HEADER: usize = 8;
/// The longest message a gateway sends is far below this.
const MAX_LENGTH: u16 = 4096;
const PASS_THROUGH: u8 = 3;
const DIRECT: u8 = 4;
const AUDIT_LOG: u8 = 5;

fn front(bytes: &[u8], _: bool) -> Front {
    if bytes.u8_at(0).is_some_and(|version| !matches!(version, 1 | 2)) {
        return Front::Bad(Malformed::BadVersion);
    }
    let (Some(kind), Some(id), Some(length)) = (bytes.u8_at(1), bytes.u8_at(2), bytes.be16(6)) else {
        return Front::Short;
    };
    if kind & 0x0f > 2 && !matches!(kind & 0x0f, 3 | 15) || id > 5 {
        return Front::Bad(Malformed::BadValue);
    }
    if !(8..=MAX_LENGTH).contains(&length) {
        return Front::Bad(Malformed::BadLength);
    }
    Front::Frame(usize::from(length))
}

/// A session begins with an initiate of 13 bytes; otherwise a pass-through must hold a HART PDU.
fn begins(bytes: &[u8]) -> bool {
    if !matches!(front(bytes, true), Front::Frame(_)) {
        return false;
    }
    match (bytes.u8_at(2), bytes.be16(6)) {
        (Some(0), Some(13)) => bytes.u8_at(8).is_some_and(|master| master <= 1),
        (Some(PASS_THROUGH), Some(_)) => bytes.get(HEADER..).is_some_and(|body| hart(body).is_some()),
        _ => false,
    }
}

fn probe(probe: Probe<'_>) -> Verdict {
    match front(probe.bytes, false) {
        Front::Short => Verdict::NeedMore,
        Front::Frame(_) if begins(probe.bytes) => Verdict::Yes,
        _ if !probe.from_start && probe.hinted && find(probe.bytes, begins).is_some() => Verdict::Yes,
        _ => Verdict::No,
    }
}

/// A HART PDU.
#[derive(Clone, Copy, Debug)]
struct Pdu<'a> {
    /// Of long frames.
    address: Option<Address>,
    /// Of short frames.
    polled: Option<u8>,
    command: u16,
    data: &'a [u8],
}

fn hart(body: &[u8]) -> Option<Pdu<'_>> {
    let delimiter = body.u8_at(0)?;
    // Frame types 1 burst, 2 from the master, 6 from the instrument; physical layer bits and expansion bytes zero here.
    if !matches!(delimiter & 0x07, 1 | 2 | 6) || delimiter & 0x78 != 0 {
        return None;
    }
    let (at, address, polled) = if delimiter & 0x80 != 0 {
        (6, Some(identity::address(body)?), None)
    } else {
        (2, None, Some(body.u8_at(1)? & 0x3f))
    };
    let (command, count) = (body.u8_at(at)?, body.u8_at(at.checked_add(1)?)?);
    let data = body.slice(at.checked_add(2)?, usize::from(count))?;
    Some(Pdu { address, polled, command: u16::from(command), data })
}

/// What is remembered of a request.
#[derive(Clone, Debug)]
struct Asked {
    function: Function,
    /// Of the device at the address itself, not of an instrument behind it.
    own: bool,
}

/// Requests by who asked, sequence number and place in a direct PDU.
type Requests = Pending<(Side, u16, u16), Asked>;

/// One connection, or a pair of ports.
#[derive(Debug, Default)]
struct Decoder {
    framing: Framing,
    session: Session,
}

#[derive(Debug, Default)]
struct Session {
    pending: Requests,
    /// The address of the server itself, as its answer to polling address 0 told.
    own: Option<Address>,
}

impl Decode for Decoder {
    fn decode(&mut self, input: Input<'_>, out: &mut Vec<Event>) -> usize {
        let Self { framing, session } = self;
        if input.gap {
            session.pending.forget(|(asker, ..)| *asker == input.side);
        }
        framing.read(input, out, front, |frame, cut, out| session.message(frame, cut, input.side, out))
    }
}

/// What all commands of one message share.
#[derive(Clone, Copy, Debug)]
struct Head {
    side: Side,
    direction: Direction,
    sequence: u16,
    /// The header refuses.
    refused: Option<(u8, &'static str)>,
}

/// One command of a message.
#[derive(Clone, Copy, Debug)]
struct Part<'a> {
    /// Among the commands of a direct PDU.
    place: u16,
    command: u16,
    data: &'a [u8],
    /// Bytes of status in front of an answer's values.
    status: usize,
    own: bool,
    address: Option<Address>,
}

impl Session {
    fn message(&mut self, frame: &[u8], cut: bool, side: Side, out: &mut Vec<Event>) {
        let header = frame.u8_at(1).zip(frame.u8_at(2)).zip(frame.u8_at(3)).zip(frame.be16(4));
        let Some((((kind, id), status), sequence)) = header else { return };
        let kind = kind & 0x0f;
        let direction = match kind {
            0 => Direction::Request,
            1 | 3 | 15 => Direction::Response,
            _ => Direction::Notification,
        };
        let refused = match (direction, kind) {
            (Direction::Response, 3 | 15) => {
                Some((status, commands::session_error(status).unwrap_or("error")))
            }
            (Direction::Response, _) => commands::session_error(status).map(|name| (status, name)),
            _ => None,
        };
        let head = Head { side, direction, sequence, refused };
        let body = frame.tail(HEADER);
        match id {
            PASS_THROUGH => match hart(body) {
                Some(pdu) => {
                    let own = pdu.polled == Some(0) || pdu.address.is_some() && pdu.address == self.own;
                    let Pdu { address, command, data, .. } = pdu;
                    self.command(head, Part { place: 0, command, data, status: 2, own, address }, out);
                }
                None if refused.is_some() => self.refusal(head, out),
                None if cut => {}
                None => out.push(Event::Malformed(Malformed::BadValue)),
            },
            DIRECT => self.direct(head, body, cut, out),
            _ => {
                let function = session(id);
                if direction == Direction::Request {
                    self.pending
                        .insert((side, sequence, 0), Asked { function: function.clone(), own: false });
                } else {
                    self.pending.take(&(side.other(), sequence, 0));
                }
                out.push(Event::Command(function.command(direction).with_status(status_of(head, None))));
            }
        }
    }

    /// Commands to the device itself.
    fn direct(&mut self, head: Head, body: &[u8], cut: bool, out: &mut Vec<Event>) {
        const STATUS: usize = 2;
        /// A message of the greatest length holds as many commands without data.
        const MOST: u16 = 1400;
        let mut rest = body.tail(STATUS);
        if rest.is_empty() {
            return self.refusal(head, out);
        }
        for place in 0..MOST {
            if rest.is_empty() {
                return;
            }
            let found = rest.be16(0).zip(rest.u8_at(2));
            let found =
                found.and_then(|(command, count)| Some((command, rest.slice(3, usize::from(count))?)));
            let Some((command, data)) = found else {
                if !cut {
                    out.push(Event::Malformed(Malformed::BadLength));
                }
                return;
            };
            // An answer's device status stands once, in front: only the response code precedes its values.
            self.command(head, Part { place, command, data, status: 1, own: true, address: None }, out);
            rest = rest.tail(data.len().saturating_add(3));
        }
    }

    fn command(&mut self, head: Head, part: Part<'_>, out: &mut Vec<Event>) {
        let Part { place, mut command, data, mut own, address, .. } = part;
        let Head { side, direction, sequence, .. } = head;
        let answers = direction == Direction::Response;
        let values = if direction == Direction::Request { data } else { data.tail(part.status) };
        if command == commands::EXTENDED
            && let Some(extended) = values.be16(0)
        {
            command = extended;
        }
        let mut function = commands::function(command);
        if direction == Direction::Request {
            self.pending.insert((side, sequence, place), Asked { function: function.clone(), own });
        } else if answers && let Some(asked) = self.pending.take(&(side.other(), sequence, place)) {
            (function, own) = (asked.function, own || asked.own);
        }
        let status = status_of(head, data.u8_at(0).filter(|_| answers));
        if answers && status == Status::Ok && own {
            if command == commands::IDENTIFIER && values.len() >= 12 {
                self.own = identity::identified(values, side, out).or(self.own);
            } else if command == commands::LONG_TAG {
                let value = text(values);
                if !value.is_empty() {
                    out.push(Event::Asset(Asset { side, field: AssetField::Name, value }));
                }
            }
        }
        let object = address.filter(|_| !own).map(identity::written);
        out.push(Event::Command(function.command(direction).with_status(status).with_object(object)));
    }

    /// An answer whose header refuses, without a command in it.
    fn refusal(&mut self, head: Head, out: &mut Vec<Event>) {
        let asked = self.pending.take(&(head.side.other(), head.sequence, 0));
        let function = asked.map_or_else(|| session(PASS_THROUGH), |asked| asked.function);
        out.push(Event::Command(function.command(head.direction).with_status(status_of(head, None))));
    }
}

/// A message of the session itself.
fn session(id: u8) -> Function {
    let (action, name) = match id {
        0 => (Action::Session, "session initiate"),
        1 => (Action::Session, "session close"),
        2 => (Action::Session, "keep alive"),
        PASS_THROUGH => (Action::Other, "pass-through"),
        DIRECT => (Action::Other, "direct pdu"),
        AUDIT_LOG => (Action::Read, "read audit log"),
        _ => (Action::Other, "message"),
    };
    Function::new(action, 0x100 | u32::from(id), format_args!("session/{id}"), name)
}

/// What came of it: the header first, then the instrument's own response code.
fn status_of(head: Head, code: Option<u8>) -> Status {
    match (head.direction, head.refused) {
        (Direction::Response, Some((code, name))) => Status::Refused(u32::from(code), name),
        (Direction::Response, None) => code.map_or(Status::Ok, commands::outcome),
        _ => Status::None,
    }
}

#[cfg(test)]
mod tests;
