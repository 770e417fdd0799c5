//! TriStation, the engineering protocol of Triconex safety controllers, on UDP 1502.
//!
//! ```text
//!  0      1         2      4    5     6         7       8   10    12
//! +------+---------+------+----+-----+---------+-------+---+-----+--------+------
//! | kind | channel | size | to | cid | command | count | 0 | sum | size 2 | data …      then 2 bytes of checksum
//! +------+---------+------+----+-----+---------+-------+---+-----+--------+------      little endian
//! ```
//!
//! The protocol is not published. Kinds and commands are those of public dissectors made after the TRITON malware (FireEye and
//! Nozomi, 2018), which took them from the malware itself.

mod commands;

use super::bytes::Bytes as _;
use super::command::{Action, Direction, Function, Status};
use super::input::{Input, Probe, Side, Verdict};
use super::pending::Pending;
use super::{Decode, Event, Malformed, Port, Spec};

/// Registration.
pub static SPEC: Spec = Spec {
    name: "tristation",
    title: "TriStation",
    ports: &[Port::Udp(1502)],
    industrial: true,
    probe,
    decoder: || Box::new(Decoder::default()),
    about: "Programs and modes of Triconex safety instrumented systems. The protocol is not published: what is named comes from \
            public dissectors and was not checked on a capture. Run, halt and pause are Control, downloads and allocations \
            Program, uploads ReadProgram; an answer that refuses is told with its reason.",
};

const HEADER: usize = 4;
const EXECUTE: u8 = 5;
const CHECKSUM: usize = 2;
/// A datagram's usual limit; longer messages are split.
const MOST: u16 = 1400;

/// One message.
#[derive(Clone, Copy, Debug)]
struct Message<'a> {
    kind: u8,
    body: &'a [u8],
}

fn message(bytes: &[u8], truncated: bool) -> Result<Message<'_>, Malformed> {
    let (kind, channel) = bytes.u8_at(0).zip(bytes.u8_at(1)).ok_or(Malformed::Truncated)?;
    let size = bytes.le16(2).ok_or(Malformed::Truncated)?;
    if !(1..=11).contains(&kind) || channel > 1 {
        return Err(Malformed::BadValue);
    }
    let rest = bytes.tail(HEADER);
    let whole = usize::from(size).saturating_add(CHECKSUM);
    // Only the size of commands counts: the others are six bytes long.
    if size > MOST || !truncated && rest.len() != whole {
        return Err(Malformed::BadLength);
    }
    let body = rest.get(..usize::from(size)).unwrap_or(rest);
    if kind == EXECUTE && body.len() < 10 && !truncated {
        return Err(Malformed::BadLength);
    }
    Ok(Message { kind, body })
}

/// Sizes that agree, and of a command one that is known.
fn probe(probe: Probe<'_>) -> Verdict {
    match message(probe.bytes, probe.bytes.len() >= 128) {
        Ok(Message { kind: EXECUTE, body }) => {
            let known = body.u8_at(2).is_some_and(|command| commands::known(command).is_some());
            // Elsewhere the two sizes must agree as well.
            let size = body.le16(8).map(usize::from);
            let agree = size == Some(body.len()) || size == Some(body.len().saturating_sub(10));
            if known && (probe.hinted || agree) { Verdict::Yes } else { Verdict::No }
        }
        Ok(_) if probe.hinted && probe.bytes.len() == HEADER + CHECKSUM => Verdict::Yes,
        _ => Verdict::No,
    }
}

/// A pair of ports.
#[derive(Debug, Default)]
struct Decoder {
    pending: Pending<(Side, u8), Function>,
}

impl Decode for Decoder {
    fn decode(&mut self, input: Input<'_>, out: &mut Vec<Event>) -> usize {
        match message(input.bytes, input.truncated) {
            Ok(message) => self.message(&message, input.side, out),
            Err(malformed) => out.push(Event::Malformed(malformed)),
        }
        input.bytes.len()
    }
}

impl Decoder {
    fn message(&mut self, message: &Message<'_>, side: Side, out: &mut Vec<Event>) {
        if message.kind != EXECUTE {
            let (name, direction, status) = commands::session(message.kind);
            let code = 0x100 | u32::from(message.kind);
            let function =
                Function::new(Action::Session, code, format_args!("session/{}", message.kind), name);
            return out.push(Event::Command(function.command(direction).with_status(status)));
        }
        let (Some(command), Some(count)) = (message.body.u8_at(2), message.body.u8_at(3)) else { return };
        // Requests end at 99, answers begin at 100, refusals at 200.
        if command < 100 {
            let (action, name) = commands::known(command).unwrap_or((Action::Other, "command"));
            let function = Function::new(action, u32::from(command), format_args!("{command}"), name);
            out.push(Event::Command(function.clone().command(Direction::Request)));
            self.pending.insert((side, count), function);
            return;
        }
        let status = match command {
            100 | 200.. => Status::Refused(u32::from(command), commands::refusal(command)),
            _ => Status::Ok,
        };
        let function = self.pending.take(&(side.other(), count)).unwrap_or_else(|| {
            Function::new(Action::Other, u32::from(command), format_args!("{command}"), "answer")
        });
        out.push(Event::Command(function.command(Direction::Response).with_status(status)));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::protocol::testing::{STRANGERS, ask, commands, feed, hex, survives};

    const CONNECT: &str = "01 00 0000 ffff";
    const HALT: &str = "05 00 0a00 00 00 15 01 0000 2000 0a00 abcd";
    const HALTED: &str = "05 00 0a00 01 00 6e 01 0000 8000 0a00 abcd";
    const KEY: &str = "05 00 0a00 01 00 d4 01 0000 8000 0a00 abcd";

    #[test]
    fn a_halt_controls_and_the_key_may_refuse_it() {
        let mut decoder = Decoder::default();
        let events = feed(&mut decoder, Side::Client, &hex(HALT), &[]);
        assert_eq!(
            (commands(&events)[0].action, commands(&events)[0].name),
            (Action::Control, "halt program")
        );
        let events = feed(&mut decoder, Side::Server, &hex(HALTED), &[]);
        assert_eq!(
            (commands(&events)[0].name, commands(&events)[0].status.clone()),
            ("halt program", Status::Ok)
        );
        feed(&mut decoder, Side::Client, &hex(HALT), &[]);
        let events = feed(&mut decoder, Side::Server, &hex(KEY), &[]);
        assert_eq!(commands(&events)[0].status, Status::Refused(212, "key setting prohibits this operation"));
    }

    #[test]
    fn sizes_must_agree_and_strangers_are_refused() {
        for hinted in [true, false] {
            assert_eq!(ask(&SPEC, &hex(HALT), hinted), Verdict::Yes);
        }
        assert_eq!(
            (ask(&SPEC, &hex(CONNECT), true), ask(&SPEC, &hex(CONNECT), false)),
            (Verdict::Yes, Verdict::No)
        );
        assert_eq!(ask(&SPEC, &hex(&HALT.replace("0a00", "0b00")), true), Verdict::No);
        let events = feed(&mut Decoder::default(), Side::Client, &hex(HALT)[..12], &[]);
        assert_eq!(events, [Event::Malformed(Malformed::BadLength)]);
        for stranger in STRANGERS {
            assert_ne!(ask(&SPEC, stranger, true), Verdict::Yes, "{stranger:x?}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_survived(bytes: Vec<u8>, at in any::<prop::sample::Index>(), byte: u8) {
            survives(&SPEC, &bytes)?;
            for text in [CONNECT, HALT, KEY] {
                let mut near = hex(text);
                let at = at.index(near.len());
                near[at] = byte;
                survives(&SPEC, &near)?;
            }
        }
    }
}
