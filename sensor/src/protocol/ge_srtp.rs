//! GE SRTP (service request transport protocol) of Series 90 and PACSystems controllers, on TCP 18245.
//!
//! ```text
//!  0      2     4      6            30    31     32       36            40         42
//! +------+-----+------+------------+-----+------+--------+-------------+----------+--------------------------
//! | kind | seq | text | …          | seq | mail | source | destination | part, of | service (50 with text)       56 bytes
//! +------+-----+------+------------+-----+------+--------+-------------+----------+--------------------------
//! kind 2 asks, 3 answers; mail c0 request, 80 request with text, d4 done, 94 done with text, d1 refused
//! ```
//!
//! The protocol is not published. Fields and services are those of public research (Denton and others, DFRWS 2017) and of
//! Wireshark's dissector draft, which agree; a connection begins with 56 zero bytes that are answered by a one.

use super::bytes::Bytes as _;
use super::command::{Action, Direction, Function, Status};
use super::framing::{Framing, Front, find};
use super::input::{Input, Probe, Side, Verdict};
use super::pending::Pending;
use super::{Decode, Event, Malformed, Port, Spec};

/// Registration.
pub static SPEC: Spec = Spec {
    name: "ge-srtp",
    title: "GE SRTP",
    ports: &[Port::Tcp(18_245)],
    industrial: true,
    probe,
    decoder: || Box::new(Decoder::default()),
    about: "Memory, programs and states of GE (Emerson) controllers. The protocol is not published: what is named comes from \
            public research and was not checked on a capture. Set PLC state is Control, program load and program block writes \
            are Program, program store is ReadProgram; the meaning of their data is not read.",
};

const HEADER: usize = 56;
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

/// Zeros alone are anybody's: only where this protocol is expected do they open it.
fn probe(probe: Probe<'_>) -> Verdict {
    match front(probe.bytes, false) {
        Front::Short => Verdict::NeedMore,
        Front::Frame(_) if probe.bytes.u8_at(0) < Some(2) => {
            if probe.hinted && probe.from_start {
                Verdict::Yes
            } else {
                Verdict::No
            }
        }
        Front::Frame(_) => Verdict::Yes,
        Front::Bad(_) if probe.from_start || !probe.hinted => Verdict::No,
        Front::Bad(_) => {
            let begins = |at: &[u8]| matches!(front(at, true), Front::Frame(_));
            if find(probe.bytes, begins).is_some() { Verdict::Yes } else { Verdict::No }
        }
    }
}

/// A service: what it does and its name.
const fn service(code: u8) -> (Action, &'static str) {
    match code {
        0x00 => (Action::Discover, "plc short status"),
        0x03 => (Action::Discover, "return control program name"),
        0x04 => (Action::Read, "read system memory"),
        0x05 => (Action::Read, "read task memory"),
        0x06 => (Action::ReadProgram, "read program block memory"),
        0x07 => (Action::Write, "write system memory"),
        0x08 => (Action::Write, "write task memory"),
        0x09 => (Action::Program, "write program block memory"),
        0x15 => (Action::Session, "establish datagram"),
        0x16 => (Action::Read, "update datagram"),
        0x17 => (Action::Session, "cancel datagram"),
        0x20 => (Action::Auth, "programmer logon"),
        0x21 => (Action::Auth, "change plc cpu privilege level"),
        0x22 => (Action::Configure, "set plc cpu controller id"),
        0x23 => (Action::Control, "set plc state"),
        0x24 => (Action::Configure, "set plc time and date"),
        0x25 => (Action::Read, "return plc time and date"),
        0x38 => (Action::Read, "return fault table"),
        0x39 => (Action::Configure, "clear fault table"),
        0x3f => (Action::ReadProgram, "program store"),
        0x40 => (Action::Program, "program load"),
        0x43 => (Action::Discover, "return controller type and id"),
        0x44 => (Action::Write, "toggle force system memory"),
        0x48 => (Action::Write, "write datagram"),
        _ => (Action::Other, "service request"),
    }
}

/// One connection.
#[derive(Debug, Default)]
struct Decoder {
    framing: Framing,
    pending: Pending<(Side, u8), Function>,
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

fn message(pending: &mut Pending<(Side, u8), Function>, frame: &[u8], side: Side, out: &mut Vec<Event>) {
    let (Some(kind), Some(sequence), Some(mail)) = (frame.u8_at(0), frame.u8_at(30), frame.u8_at(31)) else {
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
        let Some(code) = frame.u8_at(if mail == 0x80 { 50 } else { 42 }) else { return };
        let (action, name) = service(code);
        let function = Function::new(action, u32::from(code), format_args!("0x{code:02x}"), name);
        out.push(Event::Command(function.clone().command(Direction::Request)));
        pending.insert((side, sequence), function);
        return;
    }
    let asked = pending.take(&(side.other(), sequence));
    let function = asked.unwrap_or_else(|| Function::new(Action::Other, 0xff, "?", "service request"));
    let status = match (mail, frame.u8_at(42), frame.u8_at(43)) {
        (0xd1, Some(major), Some(minor)) => Status::Refused(u32::from(major) << 8 | u32::from(minor), "nack"),
        _ => Status::Ok,
    };
    out.push(Event::Command(function.command(Direction::Response).with_status(status)));
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::protocol::testing::{STRANGERS, ask, commands, feed, same_however_cut, survives};

    fn frame(kind: u8, sequence: u8, mail: u8, at_42: &[u8]) -> Vec<u8> {
        let mut frame = vec![0; HEADER];
        (frame[0], frame[2], frame[30], frame[31]) = (kind, sequence, sequence, mail);
        frame[42..42 + at_42.len()].copy_from_slice(at_42);
        frame
    }

    #[test]
    fn a_changed_state_controls_and_may_be_refused() {
        let mut decoder = Decoder::default();
        let bytes = [vec![0; HEADER], frame(2, 6, 0xc0, &[0x23, 1])].concat();
        let events = feed(&mut decoder, Side::Client, &bytes, &[]);
        let told: Vec<_> = commands(&events).iter().map(|c| (c.action, c.name)).collect();
        assert_eq!(told, [(Action::Session, "initialize"), (Action::Control, "set plc state")]);
        let events = feed(&mut decoder, Side::Server, &frame(3, 6, 0xd1, &[5, 0xf1]), &[]);
        let refused = commands(&events)[0];
        assert_eq!(
            (refused.name, refused.status.clone()),
            ("set plc state", Status::Refused(0x05f1, "nack"))
        );
    }

    #[test]
    fn a_program_load_comes_with_text() {
        let mut load = frame(2, 7, 0x80, &[4, 0, 0, 0, 0, 0, 1, 1, 0x40]);
        load[4] = 4;
        load.extend([1, 2, 3, 4]);
        let events = feed(&mut Decoder::default(), Side::Client, &load, &[]);
        assert_eq!(commands(&events)[0].action, Action::Program);
    }

    #[test]
    fn zeros_open_it_on_its_port_only_and_strangers_are_refused() {
        assert_eq!(ask(&SPEC, &[0; HEADER], true), Verdict::Yes);
        assert_eq!(ask(&SPEC, &[0; HEADER], false), Verdict::No);
        assert_eq!(ask(&SPEC, &frame(2, 1, 0xc0, &[4]), false), Verdict::Yes);
        for stranger in STRANGERS {
            assert_ne!(ask(&SPEC, stranger, true), Verdict::Yes, "{stranger:x?}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_survived(bytes: Vec<u8>, at in 0..HEADER, byte: u8) {
            survives(&SPEC, &bytes)?;
            let mut near = frame(2, 7, 0x80, &[4, 0, 0, 0, 0, 0, 1, 1, 0x40]);
            near[at] = byte;
            near.extend(bytes);
            survives(&SPEC, &near)?;
        }

        #[test]
        fn the_events_do_not_depend_on_the_segments(cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..6)) {
            let bytes = [vec![0; HEADER], frame(2, 6, 0xc0, &[4]), frame(2, 7, 0xc0, &[0x43])].concat();
            same_however_cut(&SPEC, &bytes, &cuts)?;
        }
    }
}
