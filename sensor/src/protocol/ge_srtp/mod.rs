//! GE SRTP (service request transport protocol) of Series 90 and PACSystems controllers, on TCP 18245.
//!
//! ```text
//!  0      2     4      6            30    31     32       36            40         42
//! +------+-----+------+------------+-----+------+--------+-------------+----------+--------------------------
//! | kind | seq | text | …          | …   | mail | source | destination | part, of | service (50 with text)       56 bytes
//! +------+-----+------+------------+-----+------+--------+-------------+----------+--------------------------
//! kind 2 asks, 3 answers; mail c0 request, 80 request with text, d4 done, 94 done with text, d1 refused
//! ```
//!
//! SRTP is not published; the mailbox messages inside it are (GE Fanuc GFK-0529, "Series 90 PLC SNP communications"). The header is that of public
//! research (Denton and others, DFRWS 2017); a connection begins with 56 zero bytes that are answered by a one. Checked on messages that
//! KEPServerEX exchanged with a FANUC controller (Booozie-Z/Fanuc_GESRTP_Driver, `srtp packets.txt`).

mod services;

use super::bytes::Bytes as _;
use super::bytes::text;
use super::command::{Action, Direction, Function, Status};
use super::framing::{Framing, Front, find};
use super::input::{Input, Probe, Side, Verdict};
use super::pending::{Asked, Pending};
use super::{Asset, AssetField, Decode, Event, Malformed, Port, Spec};

/// Registration.
pub static SPEC: Spec = Spec {
    name: "ge-srtp",
    title: "GE SRTP",
    ports: &[Port::Tcp(18_245)],
    industrial: true,
    probe,
    decoder: || Box::new(Decoder::default()),
    about: "Memory, programs and states of GE (Emerson) controllers and FANUC robots. Services are named as the published mailbox messages \
            name them: set PLC state is Control, program load and program block writes are Program, program store is ReadProgram, memory \
            is told by area and address; type and id give the asset. What programs say is not read.",
};

const HEADER: usize = 56;
/// A request whose data follows the header.
const WITH_TEXT: u8 = 0x80;
/// Longer texts are sent in parts.
const MAX_TEXT: u16 = 8192;

fn front(bytes: &[u8], lost: bool) -> Front {
    let Some(kind) = bytes.u8_at(0) else { return Front::Short };
    match (kind, bytes.u8_at(1)) {
        // Opens a connection, and the answer.
        (0 | 1, _) if !lost => {}
        (2 | 3, None | Some(0)) => {}
        _ => return Front::Bad(Malformed::BadVersion),
    }
    let Some(header) = bytes.get(..HEADER) else { return Front::Short };
    if kind < 2 {
        let zeros = header.get(8..).is_some_and(|rest| rest.iter().all(|byte| *byte == 0));
        return if zeros { Front::Frame(HEADER) } else { Front::Bad(Malformed::BadValue) };
    }
    let Some(text) = header.le16(4).filter(|text| *text <= MAX_TEXT) else {
        return Front::Bad(Malformed::BadLength);
    };
    let mail = header.u8_at(31).unwrap_or(0);
    if !matches!(mail, 0x80 | 0x94 | 0xc0 | 0xd1 | 0xd4) || !fits(kind, mail) {
        return Front::Bad(Malformed::BadValue);
    }
    Front::Frame(HEADER.saturating_add(usize::from(text)))
}

/// Requests travel in frames that ask, answers in those that answer.
const fn fits(kind: u8, mail: u8) -> bool {
    (kind == 2) == matches!(mail, 0x80 | 0xc0)
}

/// Zeros alone are anybody's: only where this protocol is expected do they open it, elsewhere what follows decides.
fn probe(probe: Probe<'_>) -> Verdict {
    match front(probe.bytes, false) {
        Front::Short => Verdict::NeedMore,
        Front::Frame(_) if probe.bytes.u8_at(0) < Some(2) => match (probe.from_start, probe.hinted) {
            (true, true) => Verdict::Yes,
            (true, false) => match front(probe.bytes.tail(HEADER), true) {
                Front::Short => Verdict::NeedMore,
                Front::Frame(_) => Verdict::Yes,
                Front::Bad(_) => Verdict::No,
            },
            (false, _) => Verdict::No,
        },
        Front::Frame(_) => Verdict::Yes,
        Front::Bad(_) if probe.from_start || !probe.hinted => Verdict::No,
        Front::Bad(_) => {
            let begins = |at: &[u8]| matches!(front(at, true), Front::Frame(_));
            if find(probe.bytes, begins).is_some() { Verdict::Yes } else { Verdict::No }
        }
    }
}

/// One connection.
#[derive(Debug, Default)]
struct Decoder {
    framing: Framing,
    pending: Requests,
}

/// Requests by who asked and sequence number.
type Requests = Pending<(Side, u16), Asked>;

impl Decode for Decoder {
    fn decode(&mut self, input: Input<'_>, out: &mut Vec<Event>) -> usize {
        let Self { framing, pending } = self;
        if input.gap {
            pending.forget(|(asker, _)| *asker == input.side);
        }
        framing.read(input, out, front, |frame, _, out| message(pending, frame, input.side, out))
    }
}

fn message(pending: &mut Requests, frame: &[u8], side: Side, out: &mut Vec<Event>) {
    let (Some(kind), Some(sequence), Some(mail)) = (frame.u8_at(0), frame.le16(2), frame.u8_at(31)) else {
        return;
    };
    if kind < 2 {
        let function = Function::new(
            Action::Session,
            0x100 | u32::from(kind),
            format_args!("init/{kind}"),
            "initialize",
        );
        let command = match kind {
            0 => function.command(Direction::Request),
            _ => function.command(Direction::Response).with_status(Status::Ok),
        };
        return out.push(Event::Command(command));
    }
    if kind == 2 {
        let request = frame.tail(if mail == WITH_TEXT { 50 } else { 42 });
        let Some(code) = request.u8_at(0) else { return };
        let (action, name) = services::service(code);
        let function = Function::new(action, u32::from(code), format_args!("0x{code:02x}"), name);
        let object = services::object(code, request);
        let command = function.clone().command(Direction::Request).with_object(object.clone());
        out.push(Event::Command(command));
        return pending.insert((side, sequence), (function, object));
    }
    let asked = pending.take(&(side.other(), sequence));
    let unknown = || (Function::new(Action::Other, 0xff, "?", "service request"), None);
    let (function, object) = asked.unwrap_or_else(unknown);
    let status = match (mail, frame.u8_at(42), frame.u8_at(43)) {
        (0xd1, Some(major), Some(minor)) => {
            Status::Refused(u32::from(major) << 8 | u32::from(minor), services::refusal(major, minor))
        }
        _ => Status::Ok,
    };
    if function.code == services::TYPE_AND_ID && status == Status::Ok {
        // Short answers stand in the header, longer ones behind it.
        identified(frame.tail(if mail == 0x94 { HEADER } else { 44 }), side, out);
    }
    out.push(Event::Command(function.command(Direction::Response).with_status(status).with_object(object)));
}

/// Controller id 8, major and minor type, number of programs, spare, main program 8 (GFK-0529, "return controller type and id").
fn identified(data: &[u8], side: Side, out: &mut Vec<Event>) -> Option<()> {
    let (name, major, minor) = (text(data.slice(0, 8)?), data.u8_at(8)?, data.u8_at(9)?);
    let mut fact = |field, value: Box<str>| out.push(Event::Asset(Asset { side, field, value }));
    let model = services::model(major, minor);
    fact(AssetField::Vendor, "GE Fanuc".into());
    fact(AssetField::Model, model);
    if !name.is_empty() {
        fact(AssetField::Name, name);
    }
    Some(())
}

#[cfg(test)]
mod tests;
