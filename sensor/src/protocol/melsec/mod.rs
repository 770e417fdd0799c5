//! Mitsubishi controllers on Ethernet: SLMP, also known as MELSEC 3E and 4E frames (Mitsubishi SH-080956ENG), binary or in ASCII, on TCP
//! and UDP 5000 to 5008 as configured, and the frames of the maker's own tools (MELSOFT), on the same ports, UDP 5560 and TCP 5562.
//!
//! ```text
//!  0          2 | 6    3E | 4E        network, station, module 2, unit
//! +------------+------------------+--------+-------+---------+---------+------
//! | 5000, 5400 | (4E: serial, 0)  | 00 ff … | bytes | timer   | command, sub | data …       request, little endian
//! | d000, d400 | (4E: serial, 0)  | 00 ff … | bytes | end code| data …                      response
//! +------------+------------------+--------+-------+---------+---------+------
//! ```
//!
//! The subheader is written as its two bytes stand on the wire. In ASCII every field is written as hexadecimal digits, numbers the
//! usual way round. A 3E response has no number: it answers the request before it.

mod commands;
mod melsoft;
mod slmp;

use super::command::{Direction, Function, Status};
use super::framing::{Framing, Front, find};
use super::input::{Input, Probe, Side, Verdict};
use super::pending::{Asked, Pending};
use super::text::Text;
use super::{Asset, AssetField, Decode, Event, Malformed, Port, Spec};

/// Registration.
pub static SPEC: Spec = Spec {
    name: "melsec",
    title: "Mitsubishi MELSEC (SLMP)",
    ports: &[
        Port::Tcp(5001),
        Port::Tcp(5002),
        Port::Tcp(5006),
        Port::Tcp(5007),
        Port::Tcp(5008),
        Port::Tcp(5562),
        Port::Udp(5000),
        Port::Udp(5006),
        Port::Udp(5007),
        Port::Udp(5008),
        Port::Udp(5560),
    ],
    industrial: true,
    probe,
    decoder: || Box::new(Decoder::default()),
    about: "Devices (memory), files and modes of Mitsubishi controllers in 3E and 4E frames, binary and ASCII, and in frames of the maker's \
            engineering tools. Commands are named with their end codes; remote run, stop, pause, latch clear and reset are Control, \
            file writes Program, file reads ReadProgram, remote password Auth; the model name gives the asset. The tools' frames are \
            not published: what their commands do is told from captures and from SLMP commands of the same groups. 1E frames are \
            not read: their one byte of header could be anybody's.",
};

/// One message, whatever its coding.
#[derive(Clone, Debug)]
struct Message {
    /// 4E and MELSOFT frames are numbered.
    serial: Option<u16>,
    said: Said,
}

#[derive(Clone, Debug)]
enum Said {
    Request {
        function: Function,
        object: Option<Text>,
    },
    /// How it fared, and the model that an answer to "read type name" would tell.
    Response {
        end: u16,
        function: Option<Function>,
        model: Option<Box<str>>,
    },
}

fn front(bytes: &[u8], _: bool) -> Front {
    match bytes.first() {
        Some(0x50 | 0x54 | 0xd0 | 0xd4 | b'5' | b'D') => slmp::front(bytes),
        Some(0x57 | 0x5a | 0xd7 | 0xda) => melsoft::front(bytes),
        Some(_) => Front::Bad(Malformed::BadVersion),
        None => Front::Short,
    }
}

/// Whether a frame with fields in their ranges stands at the front, and, if a request, one that asks for something known.
fn begins(bytes: &[u8]) -> bool {
    matches!(front(bytes, true), Front::Frame(_)) && (slmp::begins(bytes) || melsoft::begins(bytes))
}

fn probe(probe: Probe<'_>) -> Verdict {
    match front(probe.bytes, false) {
        Front::Short => Verdict::NeedMore,
        // An answer, or four bytes, alone are too little to go by on a foreign port.
        Front::Frame(_) if begins(probe.bytes) => {
            let weak = slmp::is_answer(probe.bytes) || melsoft::is_short(probe.bytes);
            if weak && !probe.hinted { Verdict::No } else { Verdict::Yes }
        }
        _ if !probe.from_start && probe.hinted && find(probe.bytes, begins).is_some() => Verdict::Yes,
        _ => Verdict::No,
    }
}

/// One connection, or a pair of ports.
#[derive(Debug, Default)]
struct Decoder {
    framing: Framing,
    pending: Pending<(Side, Option<u16>), Asked>,
}

impl Decode for Decoder {
    fn decode(&mut self, input: Input<'_>, out: &mut Vec<Event>) -> usize {
        let Self { framing, pending } = self;
        if input.gap {
            pending.forget(|(asker, _)| *asker == input.side);
        }
        framing.read(input, out, front, |frame, cut, out| {
            match slmp::message(frame).or_else(|| melsoft::message(frame)) {
                Some(message) => tell(pending, message, input.side, out),
                None if cut => {}
                None => out.push(Event::Malformed(Malformed::BadValue)),
            }
        })
    }
}

fn tell(
    pending: &mut Pending<(Side, Option<u16>), Asked>,
    message: Message,
    side: Side,
    out: &mut Vec<Event>,
) {
    let Message { serial, said } = message;
    match said {
        Said::Request { function, object } => {
            let command = function.clone().command(Direction::Request).with_object(object.clone());
            out.push(Event::Command(command));
            pending.insert((side, serial), (function, object));
        }
        Said::Response { end, function, model } => {
            let asked = pending.take(&(side.other(), serial));
            let (function, object) =
                asked.unwrap_or_else(|| (function.unwrap_or_else(commands::unknown), None));
            let status = match end {
                0 => Status::Ok,
                code => Status::Refused(u32::from(code), commands::end(code)),
            };
            if commands::asks_type(function.code)
                && status == Status::Ok
                && let Some(model) = model.filter(|model| !model.is_empty())
            {
                let mut fact = |field, value| out.push(Event::Asset(Asset { side, field, value }));
                fact(AssetField::Vendor, "Mitsubishi Electric".into());
                fact(AssetField::Model, model);
            }
            let command = function.command(Direction::Response).with_status(status).with_object(object);
            out.push(Event::Command(command));
        }
    }
}

#[cfg(test)]
mod tests;
