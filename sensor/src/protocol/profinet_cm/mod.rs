//! PROFINET context management (IEC 61158-6-10): connectionless DCE/RPC (C706) with PROFINET's interfaces.
//!
//! ```text
//!  0   1      2       4      8        24         40         64    68    74      76    80
//! +---+------+-------+------+--------+----------+----------+-----+-----+-------+-----+----------------------
//! | 4 | type | flags | drep | object | interface| activity | seq | op  | bytes | part| arguments, then blocks
//! +---+------+-------+------+--------+----------+----------+-----+-----+-------+-----+----------------------
//! ```
//!
//! Requests go to UDP 34964; answers, and what follows, use any port: the interface's UUID identifies, not the port. RPC
//! headers are in the sender's byte order, blocks always in the network's.

mod blocks;
mod mapper;

use super::bytes::{Bytes as _, text};
use super::command::{Action, Direction, Function, Status};
use super::input::{Input, Probe, Side, Verdict};
use super::pending::{Asked, Pending};
use super::text::{Code, Text};
use super::{Asset, AssetField, Decode, Event, Malformed, Port, Spec};

/// Registration.
pub static SPEC: Spec = Spec {
    name: "profinet-cm",
    title: "PROFINET CM",
    ports: &[Port::Udp(34_964)],
    industrial: true,
    probe,
    decoder: || Box::new(Decoder::default()),
    about: "Sets up the relations in which PROFINET controllers drive devices, and reads and writes their records. Connect, \
            release, control, read and write are named with slot and index; a write of a record is Configure, identification \
            records are Discover; a connect names the controller; answers, identification records and the endpoint mapper's \
            annotation the device.",
};

const HEADER: usize = 80;
/// Connectionless RPC.
const VERSION: u8 = 4;
const REQUEST: u8 = 0;
const RESPONSE: u8 = 2;
const FAULT: u8 = 3;
const REJECT: u8 = 6;

/// Whose operations are called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Interface {
    /// Device, controller, supervisor, parameter server.
    Pnio,
    EndpointMapper,
}

/// One packet.
#[derive(Clone, Copy, Debug)]
struct Packet<'a> {
    kind: u8,
    little: bool,
    interface: Interface,
    /// Device and vendor in the object that is called, of PROFINET's objects.
    called: Option<(u16, u16)>,
    activity: u128,
    sequence: u32,
    operation: u16,
    /// Which part of a longer message.
    part: u16,
    body: &'a [u8],
}

/// `dea000xx-6c97-11d1-8271-…` without its first number: what all of PROFINET's UUIDs share.
const PNIO: [u8; 6] = [0x6c, 0x97, 0x11, 0xd1, 0x82, 0x71];
const PNIO_NODE: [u8; 6] = [0x00, 0xa0, 0x24, 0x42, 0xdf, 0x7d];
/// `e1af8308-5d1f-11c9-91a4-08002b14a0fa`.
const MAPPER: [u8; 16] =
    [0xe1, 0xaf, 0x83, 0x08, 0x5d, 0x1f, 0x11, 0xc9, 0x91, 0xa4, 0x08, 0x00, 0x2b, 0x14, 0xa0, 0xfa];

/// A UUID in network order: its first three numbers are in the sender's.
fn uuid(bytes: &[u8], at: usize, little: bool) -> Option<[u8; 16]> {
    let raw: [u8; 16] = bytes.slice(at, 16)?.try_into().ok()?;
    if !little {
        return Some(raw);
    }
    let [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p] = raw;
    Some([d, c, b, a, f, e, h, g, i, j, k, l, m, n, o, p])
}

fn packet(bytes: &[u8], truncated: bool) -> Result<Packet<'_>, Malformed> {
    if bytes.u8_at(0) != Some(VERSION) {
        return Err(Malformed::BadVersion);
    }
    let header = bytes.get(..HEADER).ok_or(Malformed::Truncated)?;
    let read = || {
        let little = match header.u8_at(4)? >> 4 {
            0 => false,
            1 => true,
            _ => return None,
        };
        let half = |at| if little { header.le16(at) } else { header.be16(at) };
        let word = |at| if little { header.le32(at) } else { header.be32(at) };
        let [i0, i1, i2, number, rest @ ..] = uuid(header, 24, little)?;
        let pnio = [i0, i1, i2] == [0xde, 0xa0, 0]
            && (1..=4).contains(&number)
            && rest.starts_with(&PNIO)
            && rest.ends_with(&PNIO_NODE);
        let interface = match () {
            () if pnio => Interface::Pnio,
            () if [i0, i1, i2, number] == MAPPER[..4] && rest == MAPPER[4..] => Interface::EndpointMapper,
            () => return None,
        };
        let object = uuid(header, 8, little)?;
        let called = match object {
            [0xde, 0xa0, 0, 0, rest @ ..] if rest.starts_with(&PNIO) => {
                rest.be16(8).zip(rest.be16(10)).filter(|called| *called != (0, 0))
            }
            _ => None,
        };
        let activity = u128::from_be_bytes(uuid(header, 40, little)?);
        let packet = Packet {
            kind: header.u8_at(1)?,
            little,
            interface,
            called,
            activity,
            sequence: word(64)?,
            operation: half(68)?,
            part: half(76)?,
            body: bytes.tail(HEADER),
        };
        Some((packet, usize::from(half(74)?)))
    };
    let (packet, length) = read().ok_or(Malformed::BadValue)?;
    match packet.body.get(..length) {
        Some(body) => Ok(Packet { body, ..packet }),
        None if truncated => Ok(packet),
        None => Err(Malformed::BadLength),
    }
}

fn probe(probe: Probe<'_>) -> Verdict {
    match packet(probe.bytes, true) {
        Ok(packet) if packet.interface == Interface::Pnio || probe.hinted => Verdict::Yes,
        _ => Verdict::No,
    }
}

/// A pair of ports.
#[derive(Debug, Default)]
struct Decoder {
    pending: Pending<(u128, u32), Asked>,
}

impl Decode for Decoder {
    fn decode(&mut self, input: Input<'_>, out: &mut Vec<Event>) -> usize {
        match packet(input.bytes, input.truncated) {
            Ok(packet) => self.packet(&packet, input.side, out),
            Err(malformed) => out.push(Event::Malformed(malformed)),
        }
        input.bytes.len()
    }
}

impl Decoder {
    fn packet(&mut self, packet: &Packet<'_>, side: Side, out: &mut Vec<Event>) {
        // The first part says what it is; pings, acknowledgements and their like say nothing.
        if packet.part != 0 {
            return;
        }
        let key = (packet.activity, packet.sequence);
        match packet.kind {
            REQUEST => {
                let (function, object) = request(packet);
                if packet.interface == Interface::Pnio && packet.operation == blocks::CONNECT {
                    blocks::caller(blocks(packet), side, out);
                }
                out.push(Event::Command(
                    function.clone().command(Direction::Request).with_object(object.clone()),
                ));
                self.pending.insert(key, (function, object));
            }
            RESPONSE | FAULT | REJECT => {
                let asked = self.pending.take(&key);
                // Answers from another port meet no request: they say enough themselves.
                let (function, object) = asked.unwrap_or_else(|| request(packet));
                let status = match (packet.kind, packet.interface) {
                    (RESPONSE, Interface::Pnio) => self::status(packet),
                    (RESPONSE, Interface::EndpointMapper) => Status::Ok,
                    _ => {
                        let code = if packet.little { packet.body.le32(0) } else { packet.body.be32(0) };
                        Status::Refused(code.unwrap_or(0), "rpc fault")
                    }
                };
                match (&status, packet.interface) {
                    (Status::Ok, Interface::Pnio) => stated(packet, side, out),
                    (Status::Ok, Interface::EndpointMapper) if packet.operation == mapper::LOOKUP => {
                        mapper::annotation(packet.body, packet.little, side, out);
                    }
                    _ => {}
                }
                out.push(Event::Command(
                    function.command(Direction::Response).with_status(status).with_object(object),
                ));
            }
            _ => {}
        }
    }
}

/// The blocks behind a request's or an answer's arguments: five words either way.
fn blocks<'a>(packet: &Packet<'a>) -> &'a [u8] {
    packet.body.tail(20)
}

fn request(packet: &Packet<'_>) -> (Function, Option<Text>) {
    let operation = packet.operation;
    let (action, name, object) = match packet.interface {
        Interface::Pnio => blocks::operation(operation, blocks(packet)),
        Interface::EndpointMapper => {
            let name = match operation {
                2 => "endpoint map lookup",
                3 => "endpoint map",
                4 => "endpoint map lookup handle free",
                _ => "endpoint mapper",
            };
            (Action::Discover, name, None)
        }
    };
    let (code, text) = match packet.interface {
        Interface::Pnio => (u32::from(operation), Code::from(format_args!("{operation}"))),
        Interface::EndpointMapper => {
            (0x1_0000 | u32::from(operation), format_args!("epm/{operation}").into())
        }
    };
    (Function::new(action, code, text, name), object)
}

/// PNIO status: code, decode, code 1, code 2; as one number in the sender's order.
fn status(packet: &Packet<'_>) -> Status {
    let status = if packet.little { packet.body.le32(0) } else { packet.body.be32(0) };
    match status {
        None | Some(0) => Status::Ok,
        Some(status) => Status::Refused(status, blocks::error(status)),
    }
}

/// What an answer says of the device.
fn stated(packet: &Packet<'_>, side: Side, out: &mut Vec<Event>) {
    if let (blocks::CONNECT, Some((device, vendor))) = (packet.operation, packet.called) {
        let value = format!("vendor {vendor:#06x} device {device:#06x}").into();
        out.push(Event::Asset(Asset { side, field: AssetField::Id, value }));
    }
    if packet.operation == blocks::READ {
        blocks::identification(blocks(packet), side, out);
    }
}

/// A text fact, where there is text.
fn fact(field: AssetField, bytes: &[u8], side: Side, out: &mut Vec<Event>) {
    let value = text(bytes);
    if !value.is_empty() {
        out.push(Event::Asset(Asset { side, field, value }));
    }
}

#[cfg(test)]
mod tests;
