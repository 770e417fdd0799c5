//! Modbus/TCP (Modbus Messaging on TCP/IP Implementation Guide V1.0b, Modbus Application Protocol V1.1b3).
//!
//! ```text
//!  0           2           4           6      7      8
//! +-----------+-----------+-----------+------+------+--------
//! | transaction | protocol 0 | length  | unit | code | data …
//! +-----------+-----------+-----------+------+------+--------
//!                                      `-- length counts from here
//! ```
//!
//! A response repeats transaction, unit and code; with the code's high bit set it is an exception. The function below
//! the code (diagnostic sub-function, MEI type, UMAS) is often in the request only, so responses look for theirs.

pub mod functions;
mod identity;
mod shape;
pub mod umas;

use functions::Function;
use shape::Shape;

use super::bytes::Bytes;
use super::command::{Command, Direction, Status};
use super::input::{Input, Probe, Side, Verdict};
use super::pending::Pending;
use super::{Decode, Event, Malformed, Port, Spec};

/// Registration.
pub static SPEC: Spec = Spec {
    name: "modbus",
    title: "Modbus/TCP",
    ports: &[Port::Tcp(502)],
    industrial: true,
    probe,
    decoder: || Box::new(Decoder::new()),
    about: "Registers and coils of controllers, and through function 90 (UMAS) the programs of Schneider controllers. \
            All public function codes, diagnostic sub-functions, exceptions, device identification (43/14) and UMAS \
            functions are named.",
};

/// Transaction, protocol and length.
const PREFIX: usize = 6;
/// The longest length field the specification allows: unit and a PDU of 253 bytes.
const MAX_LENGTH: u16 = 254;
/// The longest for UMAS, whose ends agree on frames of up to 1 KiB.
const MAX_UMAS_LENGTH: u16 = 1100;

/// One message, from its unit identifier on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Adu<'a> {
    transaction: u16,
    unit: u8,
    /// Function code and data.
    pdu: &'a [u8],
    /// Bytes of the whole message on the wire.
    len: usize,
}

/// What stands at the front of the bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Front<'a> {
    Whole(Adu<'a>),
    /// The header is sound; the bytes end before the message does.
    Part(Adu<'a>),
    /// Too short to tell.
    Short,
    Bad(Malformed),
}

fn front(bytes: &[u8]) -> Front<'_> {
    if bytes.be16(2).is_some_and(|protocol| protocol != 0) {
        return Front::Bad(Malformed::BadVersion);
    }
    let (Some(transaction), Some(length)) = (bytes.be16(0), bytes.be16(4)) else { return Front::Short };
    if !(2..=MAX_UMAS_LENGTH).contains(&length) {
        return Front::Bad(Malformed::BadLength);
    }
    let (Some(unit), Some(code)) = (bytes.u8_at(6), bytes.u8_at(7)) else { return Front::Short };
    if length > MAX_LENGTH && code & 0x7f != umas::FUNCTION {
        return Front::Bad(Malformed::BadLength);
    }
    let len = PREFIX.saturating_add(usize::from(length));
    match bytes.slice(7, usize::from(length).saturating_sub(1)) {
        Some(pdu) => Front::Whole(Adu { transaction, unit, pdu, len }),
        None => Front::Part(Adu { transaction, unit, pdu: bytes.tail(7), len }),
    }
}

/// Whether all bytes are messages whose data have the shape their functions ask for, the last perhaps cut.
///
/// `None` when the first is not whole yet.
fn all_fit(mut bytes: &[u8], side: Side) -> Option<bool> {
    let mut proven = false;
    loop {
        match front(bytes) {
            Front::Whole(adu) if shape::of(adu.pdu, side) == Shape::Fits => proven = true,
            Front::Whole(_) | Front::Bad(_) => return Some(false),
            Front::Part(_) | Front::Short => return proven.then_some(true),
        }
        bytes = bytes.tail(adu_len(bytes));
    }
}

fn adu_len(bytes: &[u8]) -> usize {
    bytes.be16(4).map_or(bytes.len(), |length| PREFIX.saturating_add(usize::from(length)))
}

/// On port 502 a sound header is enough: TLS, HTTP, TPKT (RDP) and RPC all have other bytes where the protocol
/// identifier must be zero. Elsewhere every message must have the shape of its function too.
fn probe(probe: Probe<'_>) -> Verdict {
    let fits = match front(probe.bytes) {
        Front::Bad(_) => Some(false),
        Front::Short => None,
        Front::Whole(_) | Front::Part(_) if probe.hinted => Some(true),
        Front::Whole(_) | Front::Part(_) => all_fit(probe.bytes, probe.side),
    };
    match fits {
        Some(true) => Verdict::Yes,
        None => Verdict::NeedMore,
        Some(false) if probe.from_start => Verdict::No,
        Some(false) if resume(probe.bytes, probe.side).is_some() => Verdict::Yes,
        Some(false) => Verdict::No,
    }
}

/// Where, in bytes that may start inside a message, messages begin that fit to the end.
fn resume(bytes: &[u8], side: Side) -> Option<usize> {
    (0..bytes.len().min(PREFIX.saturating_add(usize::from(MAX_LENGTH))))
        .find(|at| all_fit(bytes.tail(*at), side) == Some(true))
}

/// Responses find their requests by this.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Key {
    transaction: u16,
    unit: u8,
    code: u8,
}

/// One connection.
#[derive(Debug)]
struct Decoder {
    pending: Pending<Key, Function>,
    /// Bytes were lost before what each side (client, server) sends next.
    lost: [bool; 2],
}

impl Decoder {
    const fn new() -> Self {
        Self { pending: Pending::new(), lost: [false; 2] }
    }

    const fn lost(&mut self, side: Side) -> &mut bool {
        let [client, server] = &mut self.lost;
        match side {
            Side::Client => client,
            Side::Server => server,
        }
    }

    fn message(&mut self, adu: Adu<'_>, side: Side, cut: bool, out: &mut Vec<Event>) {
        let Some(code) = adu.pdu.u8_at(0) else { return };
        let key = Key { transaction: adu.transaction, unit: adu.unit, code: code & 0x7f };
        match side {
            Side::Client => {
                let function = requested(adu.pdu);
                out.push(command(adu.unit, function.clone(), Direction::Request, Status::None));
                self.pending.insert(key, function);
            }
            Side::Server => {
                let function = self.pending.take(&key).unwrap_or_else(|| answered(adu.pdu));
                identity::assets(adu.pdu, function.code, out);
                let mut event = command(adu.unit, function, Direction::Response, status(adu.pdu));
                if let Event::Command(command) = &mut event {
                    command.object = identity::server_id(adu.pdu);
                }
                out.push(event);
            }
        }
        if !cut && shape::of(adu.pdu, side) == Shape::Broken {
            out.push(Event::Malformed(Malformed::BadLength));
        }
    }
}

impl Decode for Decoder {
    fn decode(&mut self, input: Input<'_>, out: &mut Vec<Event>) -> usize {
        if input.gap {
            *self.lost(input.side) = true;
            if input.side == Side::Client {
                self.pending.forget(|_| true);
            }
        }
        let mut done = 0;
        if *self.lost(input.side) {
            match front(input.bytes) {
                Front::Whole(_) | Front::Part(_) => {}
                Front::Short if !input.truncated => return 0,
                Front::Short => return input.bytes.len(),
                Front::Bad(_) => match resume(input.bytes, input.side) {
                    Some(at) => done = at,
                    None => return input.bytes.len(),
                },
            }
            *self.lost(input.side) = false;
        }
        loop {
            let rest = input.bytes.tail(done);
            match front(rest) {
                Front::Whole(adu) => {
                    self.message(adu, input.side, false, out);
                    done = done.saturating_add(adu.len);
                }
                Front::Part(adu) if input.truncated => {
                    self.message(adu, input.side, true, out);
                    return input.bytes.len();
                }
                Front::Short if input.truncated => return input.bytes.len(),
                Front::Part(_) | Front::Short => return done,
                Front::Bad(malformed) => {
                    out.push(Event::Malformed(malformed));
                    return input.bytes.len();
                }
            }
        }
    }
}

/// What a request asks for.
fn requested(pdu: &[u8]) -> Function {
    match (pdu.u8_at(0), pdu.u8_at(1), pdu.u8_at(2)) {
        (Some(umas::FUNCTION), _, Some(function)) => umas::function(function),
        (Some(code @ 0x80..), ..) => functions::plain(code),
        (Some(_), ..) => answered(pdu),
        (None, ..) => functions::plain(0),
    }
}

/// What a response alone says it answers.
fn answered(pdu: &[u8]) -> Function {
    match (pdu.u8_at(0), pdu.u8_at(1)) {
        (Some(8), Some(_)) => pdu.be16(1).map_or_else(|| functions::plain(8), functions::diagnostics),
        (Some(43), Some(mei)) => functions::encapsulated(mei),
        // An exception answers the code without its high bit; what stands behind it is no sub-code.
        (Some(code), _) => functions::plain(code & 0x7f),
        (None, _) => functions::plain(0),
    }
}

/// How the request fared. "Acknowledge" is an exception only in form: the server accepted and is still at work.
fn status(pdu: &[u8]) -> Status {
    match (pdu.u8_at(0), pdu.u8_at(1)) {
        (Some(umas::FUNCTION), _) => umas::status(pdu),
        (Some(code), Some(functions::ACKNOWLEDGE)) if code & 0x80 != 0 => Status::Ok,
        (Some(code), Some(exception)) if code & 0x80 != 0 => {
            Status::Refused(u32::from(exception), functions::exception(exception))
        }
        _ => Status::Ok,
    }
}

fn command(unit: u8, function: Function, direction: Direction, status: Status) -> Event {
    Event::Command(Command {
        action: function.action,
        direction,
        code: function.code,
        code_text: function.text,
        name: function.name,
        status,
        unit: Some(u32::from(unit)),
        object: None,
        protocol: None,
    })
}

#[cfg(test)]
mod tests;
