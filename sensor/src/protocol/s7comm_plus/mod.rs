//! S7comm-plus, the protocol of S7-1200 and S7-1500, inside TPKT and COTP.
//!
//! ```text
//!  0    1         2     4                                          4+len
//! +----+---------+-----+------------------------------------------+----------------+
//! | 72 | version | len | [integrity, version 3: 20 and 32 bytes]  | 72 version 0 0 |   trailer: the message ends here
//! +----+---------+-----+------------------------------------------+----------------+
//!  opcode 1, 0 0, function 2, 0 0, sequence 2, then
//!    request:  session 4, flags 1, arguments …
//!    response: flags 1, return value, results …
//! ```
//!
//! A message longer than a packet goes on in packets without an opcode; all but the last lack the trailer. With TIA Portal
//! V17 and later everything after "start tls" is TLS inside COTP: nothing more is observable, and that is said once.

mod functions;

use crate::protocol::text::{Code, Text};
use functions::Row;

use super::bytes::{Bytes, short, text};
use super::command::{Action, Command, Direction, Status};
use super::input::{Input, Probe, Side, Verdict};
use super::pending::Pending;
use super::tpkt::{self, Unit};
use super::{Asset, AssetField, Decode, Event, Malformed, Port, Spec};

/// Registration.
pub static SPEC: Spec = Spec {
    name: "s7comm-plus",
    title: "S7comm-plus",
    ports: &[Port::Tcp(102)],
    industrial: true,
    probe,
    decoder: || Box::new(Decoder::default()),
    about: "Variables, programs and modes of Siemens S7-1200 and S7-1500 controllers. Functions are named, and what \
            they act on where it decides what they mean (program blocks, operating state, the own session). Arguments \
            behind TLS are not observable.",
};

const PROTOCOL: u8 = 0x72;
const HEADER: usize = 4;
const SYSTEM_EVENT: u8 = 0xfe;
const REQUEST: u8 = 0x31;
const RESPONSE: u8 = 0x32;
const NOTIFICATION: u8 = 0x33;

fn probe(probe: Probe<'_>) -> Verdict {
    tpkt::probe(probe, |data| {
        let opcode_at = if data.u8_at(1) == Some(3) { HEADER + 33 } else { HEADER };
        match (data.u8_at(0), data.u8_at(1), data.u8_at(opcode_at)) {
            (Some(PROTOCOL), Some(1..=3), Some(REQUEST | RESPONSE | NOTIFICATION)) => Verdict::Yes,
            (Some(PROTOCOL), Some(1..=3) | None, None) => Verdict::NeedMore,
            _ => Verdict::No,
        }
    })
}

/// A packet: its content from the opcode on, and whether the message ends with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Packet<'a> {
    version: u8,
    content: &'a [u8],
    ends: bool,
}

fn packet(bytes: &[u8], cut: bool) -> Result<Packet<'_>, Malformed> {
    let version = bytes.u8_at(1).ok_or(Malformed::Truncated)?;
    if bytes.u8_at(0) != Some(PROTOCOL) || !matches!(version, 1..=3 | SYSTEM_EVENT) {
        return Err(Malformed::BadVersion);
    }
    let len = usize::from(bytes.be16(2).ok_or(Malformed::Truncated)?);
    let content = match bytes.slice(HEADER, len) {
        Some(content) => content,
        None if cut => bytes.tail(HEADER),
        None => return Err(Malformed::BadLength),
    };
    let ends = bytes.tail(HEADER.saturating_add(len)).first() == Some(&PROTOCOL);
    Ok(Packet { version, content, ends })
}

/// A request that waits for its answer.
type Asked = (u16, &'static str, Action, Option<Text>);

/// One connection.
#[derive(Debug, Default)]
struct Decoder {
    reader: tpkt::Reader,
    session: Session,
}

/// What is remembered between messages.
#[derive(Debug, Default)]
struct Session {
    pending: Pending<(Side, u16), Asked>,
    /// The TSAP that was called: `SIMATIC-ROOT-ES` for engineering, `SIMATIC-ROOT-HMI` for operation.
    called: Option<Text>,
    client: Half,
    server: Half,
}

/// One side.
#[derive(Clone, Copy, Debug, Default)]
struct Half {
    /// The next packet goes on with a message.
    continues: bool,
    /// Its messages are TLS, and this was said.
    tls: bool,
}

impl Decode for Decoder {
    fn decode(&mut self, input: Input<'_>, out: &mut Vec<Event>) -> usize {
        let Self { reader, session } = self;
        if input.gap {
            session.pending.forget(|(asker, _)| *asker == input.side);
            session.half(input.side).continues = false;
        }
        reader.read(input, out, |unit, out| match unit {
            Unit::Connection(connection) => {
                if input.side == Side::Client {
                    session.called = connection.called().map(short);
                }
            }
            Unit::Message { bytes, cut } => session.message(bytes, cut, input.side, out),
        })
    }

    fn kept(&self) -> usize {
        self.reader.kept()
    }
}

impl Session {
    const fn half(&mut self, side: Side) -> &mut Half {
        match side {
            Side::Client => &mut self.client,
            Side::Server => &mut self.server,
        }
    }

    fn message(&mut self, bytes: &[u8], cut: bool, side: Side, out: &mut Vec<Event>) {
        let half = self.half(side);
        if half.tls {
            return;
        }
        if matches!(bytes, [0x14..=0x17, 3, 0..=4, ..]) {
            *half = Half { continues: false, tls: true };
            let direction = if side == Side::Client { Direction::Request } else { Direction::Response };
            out.push(command(
                direction,
                0x05b3,
                "0x05b3".into(),
                "tls, functions not observable",
                Action::Session,
            ));
            return;
        }
        let packet = match packet(bytes, cut) {
            Ok(packet) => packet,
            Err(malformed) => return out.push(Event::Malformed(malformed)),
        };
        if packet.version == SYSTEM_EVENT {
            let code = u32::from(SYSTEM_EVENT);
            return out.push(command(
                Direction::Notification,
                code,
                "0xfe".into(),
                "system event",
                Action::Other,
            ));
        }
        let continues = half.continues;
        half.continues = !packet.ends && !cut;
        if continues {
            return;
        }
        // Version 3 puts a digest before the opcode, its length first.
        let content = match packet.content {
            [0x20, rest @ ..] if packet.version == 3 => rest.tail(0x20),
            content => content,
        };
        match (content.u8_at(0), content.be16(3), content.be16(7)) {
            (Some(REQUEST), Some(function), Some(sequence)) => {
                self.request(function, sequence, content, side, out)
            }
            (Some(RESPONSE), Some(function), Some(sequence)) => {
                self.response(function, sequence, content, side, out)
            }
            (Some(NOTIFICATION), ..) => {
                out.push(command(Direction::Notification, 0x33, "0x33".into(), "notification", Action::Read));
            }
            (Some(REQUEST | RESPONSE) | None, ..) => out.push(Event::Malformed(Malformed::Truncated)),
            // After lost packets a message may go on here.
            (Some(_), ..) => {}
        }
    }

    fn request(&mut self, function: u16, sequence: u16, content: &[u8], side: Side, out: &mut Vec<Event>) {
        let session = content.be32(9).unwrap_or(0);
        let row = functions::row(function);
        let (name, action) = row.map_or(UNKNOWN, |row| functions::intent(row, session, content.tail(14)));
        let object = match row {
            Some((functions::CREATE_OBJECT, ..)) if action == Action::Session => self.called.clone(),
            _ => None,
        };
        let object = object.or_else(|| type_name(content));
        let mut event =
            command(Direction::Request, u32::from(function), code_text(function, row), name, action);
        if let Event::Command(command) = &mut event {
            command.object.clone_from(&object);
        }
        out.push(event);
        self.pending.insert((side, sequence), (function, name, action, object));
    }

    fn response(&mut self, function: u16, sequence: u16, content: &[u8], side: Side, out: &mut Vec<Event>) {
        let row = functions::row(function);
        let asked = self.pending.take(&(side.other(), sequence)).filter(|asked| asked.0 == function);
        let (name, action) = row.map_or(UNKNOWN, |row| (row.2, row.3));
        let (_, name, action, object) = asked.unwrap_or((function, name, action, None));
        if function == functions::CREATE_OBJECT {
            identity(content, side, out);
        }
        let mut event =
            command(Direction::Response, u32::from(function), code_text(function, row), name, action);
        if let Event::Command(command) = &mut event {
            command.status = status(content);
            command.object = object;
        }
        out.push(event);
    }
}

const UNKNOWN: (&str, Action) = ("unknown function", Action::Other);

fn code_text(function: u16, row: Option<&Row>) -> Code {
    row.map_or_else(|| format_args!("{function:#06x}").into(), |row| row.1.into())
}

/// A return value with its highest bit is an error, numbered in the lowest 16.
fn status(content: &[u8]) -> Status {
    match functions::variable_length(content.tail(10)) {
        Some((value, _)) if value >> 63 == 1 => {
            Status::Refused(u32::try_from(value & 0xffff).unwrap_or(0), "error")
        }
        Some(_) => Status::Ok,
        None => Status::None,
    }
}

/// The name of the first object in a message: attribute 233, a string of up to 127 bytes.
fn type_name(content: &[u8]) -> Option<Text> {
    string(content, &[0xa3, 0x81, 0x69, 0x00, 0x15]).map(short).filter(|name| !name.is_empty())
}

/// `1;6ES7 211-1BE31-0XB0 ;V3.0` in attribute 319 of a session: order number and firmware of the controller.
fn identity(content: &[u8], side: Side, out: &mut Vec<Event>) {
    let Some(version) = string(content, &[0x82, 0x3f, 0x00, 0x15]) else { return };
    let mut parts = version.split(|byte| *byte == b';').skip(1);
    let (Some(model), Some(firmware)) = (parts.next(), parts.next()) else { return };
    for (field, value) in
        [(AssetField::Vendor, &b"Siemens"[..]), (AssetField::Model, model), (AssetField::Firmware, firmware)]
    {
        let value = text(value);
        if !value.is_empty() {
            out.push(Event::Asset(Asset { side, field, value }));
        }
    }
}

/// The string after the first occurrence of a tag: a length byte below 128 and as many bytes.
fn string<'a>(content: &'a [u8], tag: &[u8]) -> Option<&'a [u8]> {
    const SEARCHED: usize = 512;
    let searched = content.get(..SEARCHED).unwrap_or(content);
    let at = searched.windows(tag.len()).position(|window| window == tag)?.saturating_add(tag.len());
    let len = content.u8_at(at).filter(|len| *len < 0x80)?;
    content.slice(at.saturating_add(1), usize::from(len))
}

fn command(direction: Direction, code: u32, code_text: Code, name: &'static str, action: Action) -> Event {
    let (status, unit, object, protocol) = (Status::None, None, None, None);
    Event::Command(Command { action, direction, code, code_text, name, status, unit, object, protocol })
}

#[cfg(test)]
mod tests;
