//! S7comm, the protocol of S7-300, S7-400 and their clones, inside TPKT and COTP.
//!
//! ```text
//!  0    1      2      4     6       8      10
//! +----+------+------+-----+-------+------+----------------------+------------+--------
//! | 32 | kind | 0  0 | ref | param | data | class, code (2 and 3) | parameters | data …
//! +----+------+------+-----+-------+------+----------------------+------------+--------
//! kind: 1 job, 2 acknowledgement, 3 acknowledgement with data, 7 user data
//! ```
//!
//! Jobs go both ways: for a download the controller asks the engineering station for the blocks it was offered.

mod blocks;
pub mod functions;
mod szl;
mod user_data;

use crate::protocol::text::Text;
use functions::Function;

use super::bytes::{Bytes, short};
use super::command::{Action, Command, Direction, Status};
use super::input::{Input, Probe, Side, Verdict};
use super::pending::Pending;
use super::tpkt::{self, Unit};
use super::{Decode, Event, Malformed, Port, Spec};

/// Registration.
pub static SPEC: Spec = Spec {
    name: "s7comm",
    title: "S7comm",
    ports: &[Port::Tcp(102)],
    industrial: true,
    probe,
    decoder: || Box::new(Decoder::default()),
    about: "Variables, programs and modes of Siemens S7-300 and S7-400 controllers. Jobs, program invocations, block \
            transfers with their blocks, user data functions and system status lists (identity) are named.",
};

const PROTOCOL: u8 = 0x32;
const READ: u8 = 0x04;
const WRITE: u8 = 0x05;
const REQUEST_DOWNLOAD: u8 = 0x1a;
const START_UPLOAD: u8 = 0x1d;
const UPLOAD: u8 = 0x1e;
const END_UPLOAD: u8 = 0x1f;
const PROGRAM_INVOCATION: u8 = 0x28;
const STOP: u8 = 0x29;
const SETUP: u8 = 0xf0;

/// What kind of message it is (ROSCTR).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Job,
    /// With or without data.
    Ack,
    UserData,
}

/// A message cut into its parts.
#[derive(Clone, Copy, Debug)]
struct Message<'a> {
    kind: Kind,
    reference: u16,
    /// Error class and code, of acknowledgements.
    error: u16,
    parameters: &'a [u8],
    data: &'a [u8],
}

/// Cuts a message; of one that the sensor has not whole, as much as there is.
fn message(bytes: &[u8], cut: bool) -> Result<Message<'_>, Malformed> {
    if bytes.u8_at(0) != Some(PROTOCOL) {
        return Err(Malformed::BadVersion);
    }
    let (kind, start): (_, usize) = match bytes.u8_at(1).ok_or(Malformed::Truncated)? {
        1 => (Kind::Job, 10),
        2 | 3 => (Kind::Ack, 12),
        7 => (Kind::UserData, 10),
        _ => return Err(Malformed::BadValue),
    };
    let fields = bytes.be16(4).zip(bytes.be16(6)).zip(bytes.be16(8)).filter(|_| bytes.len() >= start);
    let ((reference, parameters), data) = fields.ok_or(Malformed::Truncated)?;
    let data_at = start.saturating_add(usize::from(parameters));
    let end = data_at.saturating_add(usize::from(data));
    if end > bytes.len() && !cut {
        return Err(Malformed::BadLength);
    }
    let part =
        |from: usize, to: usize| bytes.get(from.min(bytes.len())..to.min(bytes.len())).unwrap_or_default();
    Ok(Message {
        kind,
        reference,
        error: if kind == Kind::Ack { bytes.be16(10).unwrap_or(0) } else { 0 },
        parameters: part(start, data_at),
        data: part(data_at, end),
    })
}

fn probe(probe: Probe<'_>) -> Verdict {
    tpkt::probe(probe, |data| match (data.u8_at(0), data.u8_at(1), data.be16(2)) {
        (Some(PROTOCOL), Some(1 | 2 | 3 | 7), Some(0)) => Verdict::Yes,
        (Some(PROTOCOL), None, _) | (Some(PROTOCOL), Some(1 | 2 | 3 | 7), None) => Verdict::NeedMore,
        _ => Verdict::No,
    })
}

/// A request that waits for its answer.
#[derive(Clone, Debug)]
struct Asked {
    function: Function,
    object: Option<Text>,
}

/// One connection.
#[derive(Debug, Default)]
struct Decoder {
    reader: tpkt::Reader,
    session: Session,
}

/// What is remembered between messages.
#[derive(Debug, Default)]
struct Session {
    /// Jobs by who asked and reference.
    jobs: Pending<(Side, u16), Asked>,
    user_data: user_data::State,
    /// The TSAP asked for, as text: what kind of partner it takes the client for.
    tsap: Option<Text>,
    /// The block an upload is about, which only its first job names.
    uploading: Option<Text>,
}

impl Decode for Decoder {
    fn decode(&mut self, input: Input<'_>, out: &mut Vec<Event>) -> usize {
        let Self { reader, session } = self;
        if input.gap {
            session.jobs.forget(|(asker, _)| *asker == input.side);
            session.user_data.gap(input.side);
        }
        reader.read(input, out, |unit, out| match unit {
            Unit::Connection(connection) => {
                if input.side == Side::Client {
                    session.tsap = connection.called().and_then(partner);
                }
            }
            Unit::Message { bytes, cut } => match message(bytes, cut) {
                Ok(message) => session.message(&message, input.side, out),
                Err(malformed) => out.push(Event::Malformed(malformed)),
            },
        })
    }

    fn kept(&self) -> usize {
        self.reader.kept()
    }
}

impl Session {
    fn message(&mut self, message: &Message<'_>, side: Side, out: &mut Vec<Event>) {
        match message.kind {
            Kind::Job => {
                let asked = self.job(message.parameters);
                out.push(command(&asked.function, Direction::Request, Status::None, asked.object.clone()));
                self.jobs.insert((side, message.reference), asked);
            }
            Kind::Ack => {
                let code = message.parameters.u8_at(0);
                let asked = self.jobs.take(&(side.other(), message.reference));
                // A refusal without parameters does not say what it refuses.
                let asked = asked
                    .filter(|asked| code.is_none_or(|code| asked.function.code == u32::from(code)))
                    .unwrap_or_else(|| Asked { function: functions::job(code.unwrap_or(0)), object: None });
                let status = status(message);
                out.push(command(&asked.function, Direction::Response, status, asked.object));
            }
            Kind::UserData => self.user_data.message(message, side, out),
        }
    }

    fn job(&mut self, parameters: &[u8]) -> Asked {
        let code = parameters.u8_at(0).unwrap_or(0);
        let mut function = functions::job(code);
        let object = match code {
            REQUEST_DOWNLOAD..=START_UPLOAD => {
                let object = named(parameters, 8).and_then(blocks::file);
                if code == START_UPLOAD {
                    self.uploading.clone_from(&object);
                }
                object
            }
            UPLOAD | END_UPLOAD => self.uploading.clone(),
            PROGRAM_INVOCATION => {
                let (service, argument) = service(parameters);
                (function.name, function.action) = functions::program_invocation(service, argument);
                invoked(service, argument, function.action)
            }
            STOP => named(parameters, 6).map(short),
            SETUP => self.tsap.clone(),
            _ => None,
        };
        Asked { function, object }
    }
}

/// A length byte at `at` and as many bytes.
fn named(parameters: &[u8], at: usize) -> Option<&[u8]> {
    parameters.slice(at.saturating_add(1), usize::from(parameters.u8_at(at)?))
}

/// Service name and argument block of a program invocation.
fn service(parameters: &[u8]) -> (&[u8], &[u8]) {
    let len = usize::from(parameters.be16(8).unwrap_or(0));
    let argument = parameters.slice(10, len).unwrap_or_default();
    (named(parameters, len.saturating_add(10)).unwrap_or_default(), argument)
}

/// The service and, where it is about blocks, the first of them: `_INSE DB1`.
fn invoked(service: &[u8], argument: &[u8], action: Action) -> Option<Text> {
    let name = short(service);
    let block = if action == Action::Program { argument.slice(2, 8).and_then(blocks::name) } else { None };
    match block {
        _ if name.is_empty() => None,
        Some(block) => Some(format_args!("{name} {block}").into()),
        None => Some(name),
    }
}

/// Whom a TSAP of two bytes addresses: kind of connection, rack and slot.
fn partner(tsap: &[u8]) -> Option<Text> {
    let [kind, place] = tsap else { return None };
    let kind = match kind {
        1 => "PG",
        2 => "OP",
        3 => "S7 basic",
        _ => return None,
    };
    Some(format_args!("{kind} rack {} slot {}", place >> 5, place & 0x1f).into())
}

/// The header's error, else that of the items: refused when none was accepted.
fn status(message: &Message<'_>) -> Status {
    if message.error != 0 {
        return Status::Refused(u32::from(message.error), functions::error(message.error));
    }
    let items = usize::from(message.parameters.u8_at(1).unwrap_or(0));
    let codes = match message.parameters.u8_at(0) {
        // A written item answers with its return code alone.
        Some(WRITE) => message.data.get(..items).unwrap_or(message.data),
        // A read item brings its values along: the next code stands behind them.
        Some(READ) if items == 1 => message.data.get(..1).unwrap_or_default(),
        _ => return Status::Ok,
    };
    match codes.first() {
        Some(code) if codes.iter().all(|code| *code != functions::SUCCESS) => {
            Status::Refused(u32::from(*code), functions::item_error(*code))
        }
        _ => Status::Ok,
    }
}

fn command(function: &Function, direction: Direction, status: Status, object: Option<Text>) -> Event {
    Event::Command(Command {
        action: function.action,
        direction,
        code: function.code,
        code_text: function.text.clone(),
        name: function.name,
        status,
        unit: None,
        object,
        protocol: None,
    })
}

#[cfg(test)]
mod tests;
