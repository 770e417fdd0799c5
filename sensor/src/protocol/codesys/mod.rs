//! CODESYS runtimes: version 3 (UDP 1740 to 1743, TCP 11740 to 11743) and version 2 (TCP 1200, 2455).
//!
//! ```text
//! version 3 over TCP                      version 2
//!  0             4        8                0      2 bytes magic BB BB
//! +-------------+--------+---------        +------+--------------+---------
//! | 00 01 17 e8 | length | packet …        | bbbb | length 4     | service 2 …
//! +-------------+--------+---------        +------+--------------+---------
//! ```
//!
//! Neither protocol is published. Version 3 is read as in public research (Kaspersky ICS CERT 2019, Microsoft's ics-forensics-tools) and as
//! the headers of the runtime name its services; of version 2 the frames and the login's answer are known (nmap, `codesys-v2-discover`).

mod channel;
mod datagram;
mod names;
mod services;

use super::bytes::Bytes as _;
use super::command::{Action, Direction, Function, Status};
use super::framing::{Framing, Front};
use super::input::{Input, Probe, Side, Verdict};
use super::pending::{Asked, Pending};
use super::text::Text;
use super::{Asset, AssetField, Decode, Event, Malformed, Port, Spec};
use datagram::Service;

/// Registration.
pub static SPEC: Spec = Spec {
    name: "codesys",
    title: "CODESYS",
    ports: &[
        Port::Tcp(1200),
        Port::Tcp(2455),
        Port::Tcp(11_740),
        Port::Tcp(11_741),
        Port::Tcp(11_742),
        Port::Tcp(11_743),
        Port::Udp(1740),
        Port::Udp(1741),
        Port::Udp(1742),
        Port::Udp(1743),
    ],
    industrial: true,
    probe,
    decoder: || Box::new(Decoder::default()),
    about: "Controllers of many makers that run CODESYS. Of version 3 the search for nodes (who answers tells name, model, vendor, version and \
            serial number), channels and services are read: downloads and online changes are Program, start, stop and reset of an \
            application Control, file uploads ReadProgram, logins Auth. What an encrypted channel carries is not observable. Of version 2 \
            messages are only counted, so that possible programming is not told apart from monitoring; its login answer names \
            operating system and product.",
};

const V3: u32 = 0x0001_17e8;
const V2: u16 = 0xbbbb;
const MOST: u32 = 1 << 20;
/// Of the block driver's frame.
const BLOCK_HEADER: usize = 8;

/// What one message says.
#[derive(Clone, Debug)]
struct Told {
    function: Function,
    object: Option<Text>,
    /// Of answers that say how it fared: zero is well.
    result: Option<u16>,
}

fn front(bytes: &[u8], _: bool) -> Front {
    if bytes.u8_at(0) == Some(datagram::MAGIC) {
        // No length: the datagram is the packet.
        return if datagram::read(bytes).is_some() {
            Front::Frame(bytes.len())
        } else {
            Front::Bad(Malformed::BadValue)
        };
    }
    match bytes.be16(0) {
        None => match bytes.u8_at(0) {
            None | Some(0 | 0xbb) => Front::Short,
            Some(_) => Front::Bad(Malformed::BadVersion),
        },
        Some(V2) => match (bytes.le32(2), bytes.be32(2)) {
            // Either byte order is met: that of the controller.
            (Some(little), Some(big)) => match little.min(big) {
                length @ 1..=MOST => frame(length, 6),
                _ => Front::Bad(Malformed::BadLength),
            },
            _ => Front::Short,
        },
        Some(1) => match (bytes.be32(0), bytes.le32(4)) {
            // The length counts the header.
            (Some(V3), Some(length @ 9..=MOST)) => frame(length, 0),
            (Some(V3), Some(_)) => Front::Bad(Malformed::BadLength),
            (None, _) | (Some(V3), None) => Front::Short,
            _ => Front::Bad(Malformed::BadVersion),
        },
        Some(_) => Front::Bad(Malformed::BadVersion),
    }
}

fn frame(length: u32, header: usize) -> Front {
    Front::Frame(usize::try_from(length).unwrap_or(usize::MAX).saturating_add(header))
}

/// A version 3 packet of a service whose message is known.
fn is_packet(packet: &[u8]) -> bool {
    match datagram::read(packet) {
        Some((Service::Name { .. }, payload)) => names::is_known(payload),
        Some((Service::Channel, payload)) => channel::is_known(payload),
        Some((Service::Address { .. }, _)) | None => false,
    }
}

fn probe(probe: Probe<'_>) -> Verdict {
    let yes = |yes| if yes { Verdict::Yes } else { Verdict::No };
    match front(probe.bytes, false) {
        Front::Frame(_) if probe.bytes.be16(0) == Some(V2) => yes(probe.hinted),
        Front::Frame(_) if probe.bytes.u8_at(0) == Some(datagram::MAGIC) => yes(is_packet(probe.bytes)),
        Front::Frame(_) => match probe.bytes.u8_at(BLOCK_HEADER) {
            Some(first) => yes(first == datagram::MAGIC),
            None => Verdict::NeedMore,
        },
        Front::Short => Verdict::NeedMore,
        Front::Bad(_) => Verdict::No,
    }
}

/// One connection, or a pair of ports.
#[derive(Debug, Default)]
struct Decoder {
    framing: Framing,
    session: Session,
}

#[derive(Debug, Default)]
struct Session {
    /// By who asks, channel and function.
    pending: Pending<(Side, u16, u32), Asked>,
}

impl Decode for Decoder {
    fn decode(&mut self, input: Input<'_>, out: &mut Vec<Event>) -> usize {
        let Self { framing, session } = self;
        if input.gap {
            session.pending.forget(|(asker, ..)| *asker == input.side);
        }
        framing.read(input, out, front, |frame, cut, out| match frame.be16(0) {
            Some(V2) => version_2(frame, input.side, out),
            _ => {
                let packet =
                    if frame.u8_at(0) == Some(datagram::MAGIC) { frame } else { frame.tail(BLOCK_HEADER) };
                match datagram::read(packet) {
                    Some((service, payload)) => session.packet(service, payload, input.side, out),
                    None if cut => {}
                    None => out.push(Event::Malformed(Malformed::BadValue)),
                }
            }
        })
    }
}

impl Session {
    fn packet(&mut self, service: Service, payload: &[u8], side: Side, out: &mut Vec<Event>) {
        let (channel, answers, told) = match service {
            Service::Channel => match channel::read(payload) {
                Some(channel::Message { channel, answers, told }) => (channel, answers, told),
                None => return,
            },
            Service::Name { answers } => {
                if answers {
                    names::facts(payload, side, out);
                }
                match names::read(payload) {
                    Some(told) => (0, answers, told),
                    None => return,
                }
            }
            Service::Address { answers } => {
                let function = Function::new(Action::Session, 1, "address", "address service");
                (0, answers, Told { function, object: None, result: None })
            }
        };
        let Told { function, mut object, result } = told;
        if !answers {
            let command = function.clone().command(Direction::Request).with_object(object.clone());
            out.push(Event::Command(command));
            return self.pending.insert((side, channel, function.code), (function, object));
        }
        if let Some((_, asked)) = self.pending.take(&(side.other(), channel, function.code)) {
            object = asked;
        }
        let status = match result {
            Some(0) => Status::Ok,
            Some(code) => Status::Refused(u32::from(code), "error"),
            None => Status::None,
        };
        let command = function.command(Direction::Response).with_status(status).with_object(object);
        out.push(Event::Command(command));
    }
}

/// A message of version 2: that it was sent is all that is known.
fn version_2(frame: &[u8], side: Side, out: &mut Vec<Event>) {
    let function = Function::new(Action::Other, 2, "v2", "possible codesys v2 message");
    let direction = if side == Side::Client { Direction::Request } else { Direction::Response };
    out.push(Event::Command(function.command(direction)));
    if side == Side::Server {
        facts(frame, out);
    }
}

/// The login's answer names operating system, its version and the product, 32 bytes each from byte 64 on (nmap).
fn facts(frame: &[u8], out: &mut Vec<Event>) {
    let field = |at| {
        let bytes = frame.slice(at, 32)?;
        let end = bytes.iter().position(|byte| *byte == 0)?;
        let text = bytes
            .get(..end)
            .filter(|text| text.len() > 2 && text.iter().all(|b| (b' '..=b'~').contains(b)))?;
        Some(super::bytes::text(text))
    };
    if let (Some(system), Some(version), Some(product)) = (field(64), field(96), field(128)) {
        let mut fact = |field, value| out.push(Event::Asset(Asset { side: Side::Server, field, value }));
        fact(AssetField::Firmware, format!("{system} {version}").into());
        fact(AssetField::Model, product);
    }
}

#[cfg(test)]
mod tests;
