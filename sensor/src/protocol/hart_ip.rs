//! HART-IP (FieldComm Group HCF_SPEC-085), on TCP and UDP 5094: HART commands to field instruments through IP.
//!
//! ```text
//!  0   1      2    3        4          6        8
//! +---+------+----+--------+----------+--------+------
//! | 1 | type | id | status | sequence | length | body …      length counts from the front
//! +---+------+----+--------+----------+--------+------
//! ```
//!
//! A pass-through carries a HART PDU: delimiter, address of one or five bytes, command, byte count, data, checksum.

use super::bytes::Bytes as _;
use super::command::{Action, Direction, Function, Status};
use super::framing::{Framing, Front, find};
use super::input::{Input, Probe, Side, Verdict};
use super::pending::Pending;
use super::{Decode, Event, Malformed, Port, Spec};

/// Registration.
pub static SPEC: Spec = Spec {
    name: "hart-ip",
    title: "HART-IP",
    ports: &[Port::Tcp(5094), Port::Udp(5094)],
    industrial: true,
    probe,
    decoder: || Box::new(Decoder::default()),
    about: "Commands to transmitters and valves through gateways and multiplexers. Session messages and universal HART commands \
            are named; a master reset and self test are Control, writes of tag, range, units and lock Configure. Commands of \
            device families and makers (from 128 on) are Other: their meaning is in the device description. Header and \
            commands follow the published protocol; no capture of it was at hand.",
};

const HEADER: usize = 8;
/// The longest message a gateway sends is far below this.
const MAX_LENGTH: u16 = 4096;
const PASS_THROUGH: u8 = 3;

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

/// Command of a HART PDU and its data.
fn hart(body: &[u8]) -> Option<(u8, &[u8])> {
    let delimiter = body.u8_at(0)?;
    // Frame types 1 burst, 2 from the master, 6 from the instrument; physical layer bits and expansion bytes zero here.
    if !matches!(delimiter & 0x07, 1 | 2 | 6) || delimiter & 0x78 != 0 {
        return None;
    }
    let at = if delimiter & 0x80 != 0 { 6 } else { 2 };
    let (command, count) = (body.u8_at(at)?, body.u8_at(at.checked_add(1)?)?);
    let data = body.slice(at.checked_add(2)?, usize::from(count))?;
    Some((command, data))
}

fn function(command: u8) -> Function {
    let (action, name) = match command {
        0 => (Action::Discover, "read unique identifier"),
        1..=3 => (Action::Read, "read variables"),
        6 => (Action::Configure, "write polling address"),
        7 => (Action::Read, "read loop configuration"),
        8 | 9 | 33 | 50 => (Action::Read, "read dynamic variables"),
        11 | 21 | 73 => (Action::Discover, "find device"),
        12 | 13 | 14 | 15 | 16 | 20 => (Action::Discover, "read device information"),
        17..=19 | 22 => (Action::Configure, "write device information"),
        34 => (Action::Configure, "write damping value"),
        35 => (Action::Configure, "write range values"),
        36 | 37 => (Action::Configure, "set range value"),
        38 => (Action::Configure, "reset configuration changed flag"),
        40 => (Action::Write, "enter or exit fixed current mode"),
        41 => (Action::Control, "perform self test"),
        42 => (Action::Control, "perform master reset"),
        43 | 45 | 46 => (Action::Configure, "trim"),
        44 => (Action::Configure, "write units"),
        48 => (Action::Read, "read additional status"),
        47 | 49 | 51 | 52 => (Action::Configure, "write variable assignment"),
        53..=56 => (Action::Configure, "write sensor information"),
        71 => (Action::Configure, "lock device"),
        74 | 75 | 76 | 77 | 84 => (Action::Discover, "read i/o system"),
        79 => (Action::Write, "write device variable"),
        _ => (Action::Other, "hart command"),
    };
    Function::new(action, u32::from(command), command.to_string(), name)
}

/// One connection, or a pair of ports.
#[derive(Debug, Default)]
struct Decoder {
    framing: Framing,
    pending: Pending<(Side, u16), Function>,
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

fn message(pending: &mut Pending<(Side, u16), Function>, frame: &[u8], side: Side, out: &mut Vec<Event>) {
    let header = frame.u8_at(1).zip(frame.u8_at(2)).zip(frame.u8_at(3)).zip(frame.be16(4));
    let Some((((kind, id), status), sequence)) = header else { return };
    let body = frame.tail(HEADER);
    let session = |name| Function::new(Action::Session, 0x100 | u32::from(id), format!("session/{id}"), name);
    let function = match id {
        0 => session("session initiate"),
        1 => session("session close"),
        2 => session("keep alive"),
        PASS_THROUGH => match hart(body) {
            Some((command, _)) => function(command),
            None => return out.push(Event::Malformed(Malformed::BadValue)),
        },
        _ => Function::new(Action::Other, 0x100 | u32::from(id), format!("session/{id}"), "message"),
    };
    let direction = match kind & 0x0f {
        0 => Direction::Request,
        1 | 3 | 15 => Direction::Response,
        _ => Direction::Notification,
    };
    let outcome = match (direction, kind & 0x0f, status) {
        (Direction::Response, 3 | 15, code) => Status::Refused(u32::from(code), "error"),
        (Direction::Response, _, 0) => Status::Ok,
        // Below 16 the header's status warns; the answer is there all the same.
        (Direction::Response, _, code @ 1..=15) => Status::Refused(u32::from(code), "session error"),
        (Direction::Response, ..) => Status::Ok,
        _ => Status::None,
    };
    let outcome = match (outcome, id, hart(body)) {
        // The instrument's own response code: its first byte, where the highest bit says that it is no such code.
        (Status::Ok, PASS_THROUGH, Some((_, [code @ 1..=0x7f, ..])))
            if !matches!(code, 8 | 14 | 24..=27 | 30) =>
        {
            Status::Refused(u32::from(*code), response_code(*code))
        }
        (outcome, ..) => outcome,
    };
    let asked = (direction == Direction::Response).then(|| pending.take(&(side.other(), sequence))).flatten();
    if direction == Direction::Request {
        pending.insert((side, sequence), function.clone());
    }
    out.push(Event::Command(asked.unwrap_or(function).command(direction).with_status(outcome)));
}

const fn response_code(code: u8) -> &'static str {
    match code {
        2 => "invalid selection",
        3 => "parameter too large",
        4 => "parameter too small",
        5 => "too few data bytes",
        7 => "in write protect mode",
        16 => "access restricted",
        32 => "busy",
        64 => "command not implemented",
        _ => "command error",
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::protocol::testing::{STRANGERS, ask, commands, feed, hex, same_however_cut, survives};

    const INITIATE: &str = "01 00 00 00 0001 000d 01 00007530";
    const IDENTIFIER: &str = "01 00 03 00 0002 000d 02 80 00 00 82";
    const RESET: &str = "01 00 03 00 0003 0011 82 a6 06 bc 61 4e 2a 00 f1";
    const RESET_PROTECTED: &str = "01 01 03 00 0003 0013 86 a6 06 bc 61 4e 2a 02 07 00 f1";

    #[test]
    fn a_master_reset_controls_and_may_be_protected() {
        let mut decoder = Decoder::default();
        let events = feed(&mut decoder, Side::Client, &hex(&[INITIATE, IDENTIFIER, RESET].concat()), &[]);
        let told: Vec<_> = commands(&events).iter().map(|c| (c.action, c.name)).collect();
        let expected = [
            (Action::Session, "session initiate"),
            (Action::Discover, "read unique identifier"),
            (Action::Control, "perform master reset"),
        ];
        assert_eq!(told, expected);
        let events = feed(&mut decoder, Side::Server, &hex(RESET_PROTECTED), &[]);
        assert_eq!(commands(&events)[0].status, Status::Refused(7, "in write protect mode"));
    }

    #[test]
    fn strangers_are_refused() {
        for stranger in STRANGERS {
            assert_ne!(ask(&SPEC, stranger, true), Verdict::Yes, "{stranger:x?}");
        }
        assert_eq!(ask(&SPEC, &hex(INITIATE), false), Verdict::Yes);
        let mut long = hex(INITIATE);
        long[6] = 0x20;
        assert_eq!(
            feed(&mut Decoder::default(), Side::Client, &long, &[])[0],
            Event::Malformed(Malformed::BadLength)
        );
    }

    proptest! {
        #[test]
        fn any_bytes_are_survived(bytes: Vec<u8>, at in any::<prop::sample::Index>(), byte: u8) {
            survives(&SPEC, &bytes)?;
            let mut near = hex(&[INITIATE, RESET, RESET_PROTECTED].concat());
            let at = at.index(near.len());
            near[at] = byte;
            survives(&SPEC, &near)?;
        }

        #[test]
        fn the_events_do_not_depend_on_the_segments(cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..6)) {
            same_however_cut(&SPEC, &hex(&[INITIATE, IDENTIFIER, RESET].concat()), &cuts)?;
        }
    }
}
