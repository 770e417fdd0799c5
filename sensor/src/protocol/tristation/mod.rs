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
//! Nozomi, 2018), which took them from the malware itself; sizes, checksums and refusals are as its published source reads them. The last
//! two bytes are a CRC-16 (polynomial 0xa001, beginning at zero) of all before them.

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
            public dissectors and the published source of the TRITON malware; no capture of it was at hand. Run, halt and pause are \
            Control, downloads and allocations Program, uploads ReadProgram; an answer that refuses is told with its reason.",
};

const HEADER: usize = 4;
const EXECUTE: u8 = 5;
/// Of a command, in front of its data.
const COMMAND_HEADER: usize = 10;
const CHECKSUM: usize = 2;
/// An answer that refuses; its first byte of data says why.
const REJECTED: u8 = 100;
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
    if size > MOST || !truncated && rest.len() != whole {
        return Err(Malformed::BadLength);
    }
    let body = rest.get(..usize::from(size)).unwrap_or(rest);
    if truncated {
        return Ok(Message { kind, body });
    }
    if kind == EXECUTE && (body.len() < COMMAND_HEADER || body.le16(8) != Some(size)) {
        return Err(Malformed::BadLength);
    }
    let covered = bytes.len().saturating_sub(CHECKSUM);
    if bytes.le16(covered) != bytes.get(..covered).map(crc) {
        return Err(Malformed::BadChecksum);
    }
    Ok(Message { kind, body })
}

/// CRC-16 with the polynomial 0xa001, beginning at zero.
fn crc(bytes: &[u8]) -> u16 {
    bytes.iter().fold(0, |crc, byte| {
        (0..8)
            .fold(crc ^ u16::from(*byte), |crc, _| if crc & 1 == 0 { crc >> 1 } else { (crc >> 1) ^ 0xa001 })
    })
}

/// Sizes and a checksum that agree, and of a command one that is known; of a cut one on its port the first two.
fn probe(probe: Probe<'_>) -> Verdict {
    let known = |body: &[u8]| body.u8_at(2).is_some_and(|command| commands::known(command).is_some());
    match message(probe.bytes, false) {
        Ok(Message { kind: EXECUTE, body }) => {
            if known(body) {
                Verdict::Yes
            } else {
                Verdict::No
            }
        }
        Ok(_) => {
            if probe.hinted {
                Verdict::Yes
            } else {
                Verdict::No
            }
        }
        Err(Malformed::BadLength) if probe.hinted && probe.bytes.len() >= 128 => {
            match message(probe.bytes, true) {
                Ok(Message { kind: EXECUTE, body }) if known(body) && body.le16(8) == probe.bytes.le16(2) => {
                    Verdict::Yes
                }
                _ => Verdict::No,
            }
        }
        Err(_) => Verdict::No,
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
        // Requests end at 99, answers begin at 100.
        if command < 100 {
            let (action, name) = commands::known(command).unwrap_or((Action::Other, "command"));
            let function = Function::new(action, u32::from(command), format_args!("{command}"), name);
            out.push(Event::Command(function.clone().command(Direction::Request)));
            self.pending.insert((side, count), function);
            return;
        }
        let status = match command {
            REJECTED => {
                let reason = message.body.u8_at(COMMAND_HEADER).unwrap_or(REJECTED);
                Status::Refused(u32::from(reason), commands::refusal(reason))
            }
            _ => Status::Ok,
        };
        let function = self.pending.take(&(side.other(), count)).unwrap_or_else(|| {
            Function::new(Action::Other, u32::from(command), format_args!("{command}"), "answer")
        });
        out.push(Event::Command(function.command(Direction::Response).with_status(status)));
    }
}

#[cfg(test)]
mod tests;
