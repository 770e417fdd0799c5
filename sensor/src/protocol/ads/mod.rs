//! ADS inside AMS/TCP (Beckhoff information system, "ADS/AMS specification"), on TCP 48898; what routers ask each other on UDP 48899 stands in `discovery.rs`.
//!
//! ```text
//!  0   2        6        12     14       20     22        24      26     30      34     38
//! +---+--------+--------+------+--------+------+---------+-------+------+-------+------+------
//! | 0 | length | target | port | sender | port | command | flags | data | error | id   | data …    little endian
//! +---+--------+--------+------+--------+------+---------+-------+------+-------+------+------
//!              `-- length counts from here
//! ```
//!
//! An AMS port is a service of the device: 10000 the system, 851 the first program of TwinCAT 3. Answers carry the id of
//! their request and the bit that says so.

mod discovery;
mod services;

use super::bytes::{Bytes as _, text};
use super::command::{Direction, Function, Status};
use super::framing::{Framing, Front, find};
use super::input::{Input, Probe, Side, Verdict};
use super::pending::{Asked, Pending};
use super::{Asset, AssetField, Decode, Event, Malformed, Port, Spec};

/// Registration.
pub static SPEC: Spec = Spec {
    name: "ads",
    title: "Beckhoff ADS",
    ports: &[Port::Tcp(48_898), Port::Udp(48_899)],
    industrial: true,
    probe,
    decoder: || Box::new(Decoder::default()),
    about: "Variables, files and states of Beckhoff TwinCAT controllers. All commands are named; a write-control (run, stop, \
            reset, config) is Control with its state; files, registry and processes of the system service and symbols by \
            name are told; device info gives model and version. The unit is the AMS port. On UDP 48899 TwinCAT routers find each other \
            (name, net id, versions) and add routes (Configure, with the user's name).",
};

/// AMS/TCP header and AMS header.
const TCP_HEADER: usize = 6;
const HEADER: usize = 38;
/// What follows an AMS/TCP header at least.
const LEAST: u32 = 32;
/// More than any router of a controller takes (its memory is a few megabytes).
const MOST: u32 = 16 << 20;
const RESPONSE: u16 = 0x01;
const COMMAND: u16 = 0x04;

const DEVICE_INFO: u16 = 1;
const DEVICE_NOTIFICATION: u16 = 8;

/// One message.
#[derive(Clone, Copy, Debug)]
struct Message<'a> {
    target_port: u16,
    sender_port: u16,
    command: u16,
    response: bool,
    error: u32,
    id: u32,
    data: &'a [u8],
}

fn front(bytes: &[u8], _: bool) -> Front {
    let Some(reserved) = bytes.le16(0) else { return Front::Short };
    if reserved == 0x6603 {
        return match bytes.le32(0) {
            None => Front::Short,
            Some(discovery::COOKIE) => discovery::front(bytes),
            Some(_) => Front::Bad(Malformed::BadVersion),
        };
    }
    // Two more kinds travel here between routers: they are no commands, but have the same frame.
    if reserved != 0 && !matches!(reserved, 0x1000 | 0x1001) {
        return Front::Bad(Malformed::BadVersion);
    }
    let Some(length) = bytes.le32(2) else { return Front::Short };
    if reserved != 0 {
        return if length <= 4096 { Front::Frame(whole(length)) } else { Front::Bad(Malformed::BadLength) };
    }
    if !(LEAST..=MOST).contains(&length) {
        return Front::Bad(Malformed::BadLength);
    }
    let (Some(command), Some(flags), Some(data)) = (bytes.le16(22), bytes.le16(24), bytes.le32(26)) else {
        return Front::Short;
    };
    if data.checked_add(LEAST) != Some(length) {
        return Front::Bad(Malformed::BadLength);
    }
    if flags & COMMAND == 0 || flags & 0x7e00 != 0 || command > 9 {
        return Front::Bad(Malformed::BadValue);
    }
    Front::Frame(whole(length))
}

fn whole(length: u32) -> usize {
    usize::try_from(length).unwrap_or(usize::MAX).saturating_add(TCP_HEADER)
}

fn message(frame: &[u8]) -> Option<Message<'_>> {
    if frame.le16(0)? != 0 {
        return None;
    }
    Some(Message {
        target_port: frame.le16(12)?,
        sender_port: frame.le16(20)?,
        command: frame.le16(22)?,
        response: frame.le16(24)? & RESPONSE != 0,
        error: frame.le32(30)?,
        id: frame.le32(34)?,
        data: frame.tail(HEADER),
    })
}

/// Whether a sound command stands at the front: lengths that agree, a known command, its flag, and two ends.
fn begins(bytes: &[u8]) -> bool {
    let ends = bytes.slice(6, 6).zip(bytes.slice(14, 6));
    bytes.le16(0) == Some(0)
        && matches!(front(bytes, true), Front::Frame(_))
        && ends.is_some_and(|(a, b)| a != [0; 6] && b != [0; 6])
}

fn probe(probe: Probe<'_>) -> Verdict {
    match front(probe.bytes, false) {
        // Four bytes and a service that nobody else begins with.
        Front::Frame(_) if probe.bytes.le32(0) == Some(discovery::COOKIE) => Verdict::Yes,
        Front::Frame(_) if begins(probe.bytes) => Verdict::Yes,
        Front::Short => Verdict::NeedMore,
        Front::Frame(_) | Front::Bad(_) if !probe.from_start && find(probe.bytes, begins).is_some() => {
            Verdict::Yes
        }
        Front::Frame(_) | Front::Bad(_) => Verdict::No,
    }
}

/// One connection; routers send requests both ways on it.
#[derive(Debug, Default)]
struct Decoder {
    framing: Framing,
    session: Session,
}

#[derive(Debug, Default)]
struct Session {
    pending: Pending<(Side, u32, u16), Asked>,
}

impl Decode for Decoder {
    fn decode(&mut self, input: Input<'_>, out: &mut Vec<Event>) -> usize {
        let Self { framing, session } = self;
        if input.gap {
            session.pending.forget(|(asker, ..)| *asker == input.side);
        }
        framing.read(input, out, front, |frame, _, out| {
            if let Some(message) = discovery::Message::read(frame) {
                session.router(&message, input.side, out);
            } else if let Some(message) = message(frame) {
                session.message(&message, input.side, out);
            }
        })
    }
}

impl Session {
    /// What routers ask each other.
    fn router(&mut self, message: &discovery::Message<'_>, side: Side, out: &mut Vec<Event>) {
        let (mut function, mut object) = (message.function(), message.object());
        let key = |side| (side, message.id, u16::try_from(message.service).unwrap_or(u16::MAX));
        if !message.answers {
            self.pending.insert(key(side), (function.clone(), object.clone()));
        } else if let Some(asked) = self.pending.take(&key(side.other())) {
            (function, object) = asked;
        }
        let status = if message.answers { message.status() } else { Status::None };
        message.facts(side, out);
        let command = function.command(message.direction()).with_status(status).with_object(object);
        out.push(Event::Command(command));
    }

    fn message(&mut self, message: &Message<'_>, side: Side, out: &mut Vec<Event>) {
        if !message.response {
            let (function, object) = services::request(message.command, message.target_port, message.data);
            let notifies = message.command == DEVICE_NOTIFICATION;
            let direction = if notifies { Direction::Notification } else { Direction::Request };
            let command = function.clone().command(direction).with_object(object.clone());
            out.push(Event::Command(command.with_unit(Some(u32::from(message.target_port)))));
            if !notifies {
                self.pending.insert((side, message.id, message.command), (function, object));
            }
            return;
        }
        let asked = self.pending.take(&(side.other(), message.id, message.command));
        let (function, object) = asked.unwrap_or_else(|| {
            let (action, name) = services::command(message.command);
            (Function::new(action, u32::from(message.command), message.command.to_string(), name), None)
        });
        let status = match (message.error, message.data.le32(0)) {
            (0, None | Some(0)) => Status::Ok,
            (0, Some(result)) => Status::Refused(result, services::error(result)),
            (error, _) => Status::Refused(error, services::error(error)),
        };
        if message.command == DEVICE_INFO && status == Status::Ok {
            device_info(message.data, message.sender_port, side, out);
        }
        let command = function.command(Direction::Response).with_status(status).with_object(object);
        out.push(Event::Command(command.with_unit(Some(u32::from(message.sender_port)))));
    }
}

/// Result, major and minor version, build, name of 16 bytes. The system service answers for the device, every other AMS port for the
/// program behind it.
fn device_info(data: &[u8], port: u16, side: Side, out: &mut Vec<Event>) {
    let (Some(major), Some(minor), Some(build)) = (data.u8_at(4), data.u8_at(5), data.le16(6)) else {
        return;
    };
    let name = data.slice(8, 16).map(text).unwrap_or_default();
    let mut fact = |field, value: Box<str>| out.push(Event::Asset(Asset { side, field, value }));
    if port != services::SYSTEM {
        if !name.is_empty() {
            fact(AssetField::Software, format!("{name} {major}.{minor}.{build}").into());
        }
        return;
    }
    fact(AssetField::Firmware, format!("{major}.{minor}.{build}").into());
    if !name.is_empty() {
        fact(AssetField::Model, name);
    }
}

#[cfg(test)]
mod tests;
