//! BACnet/IP (ANSI/ASHRAE 135, annex J) on UDP 47808: building automation.
//!
//! ```text
//!  0    1          2        4                                           NPDU: 1, control, addresses, APDU
//! +----+----------+--------+------------------------------------------
//! | 81 | function | length | NPDU, or what the function needs            forwarded: 6 bytes of the sender's address first
//! +----+----------+--------+------------------------------------------
//! ```
//!
//! Both ends use the same port, and each may ask: who does is the client of what it asks. Answers carry the invoke id of
//! their request.

mod apdu;
mod names;
mod network;
mod objects;
mod services;
mod tags;

use super::bytes::Bytes as _;
use super::command::{Action, Command, Direction, Function, Status};
use super::input::{Input, Probe, Verdict};
use super::{Decode, Event, Malformed, Port, Spec};
use apdu::Transactions;
use services::Whose;

/// Registration.
pub static SPEC: Spec = Spec {
    name: "bacnet",
    title: "BACnet/IP",
    ports: &[Port::Udp(47_808)],
    industrial: true,
    probe,
    decoder: || Box::new(Decoder::default()),
    about: "Building automation: air, heat, access, fire. All services are named, with the objects and properties they are \
            about; errors, rejects and aborts are paired with their requests. Reinitialize-device controls (with a backup it \
            reads, with a restore it writes the program), communication control and life safety operations control, a file \
            write programs, a write of program-change controls or programs. I-am and the properties of device objects give \
            instance, maker, model, firmware and name, also of devices behind routers, by network and address. What routers and broadcast managers are told to change is Configure.",
};

/// BACnet/IP for IPv4.
const TYPE: u8 = 0x81;
/// Type, function and length.
const HEADER: usize = 4;

/// What a datagram is for (BVLC function).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Bvlc {
    Result,
    WriteTable,
    ReadTable,
    TableAnswer,
    Forwarded,
    Register,
    ReadForeign,
    ForeignAnswer,
    DeleteForeign,
    /// Distribute, original unicast, original broadcast: an NPDU follows.
    Npdu,
    Secured,
}

impl Bvlc {
    const fn of(code: u8) -> Option<Self> {
        Some(match code {
            0x00 => Self::Result,
            0x01 => Self::WriteTable,
            0x02 => Self::ReadTable,
            0x03 => Self::TableAnswer,
            0x04 => Self::Forwarded,
            0x05 => Self::Register,
            0x06 => Self::ReadForeign,
            0x07 => Self::ForeignAnswer,
            0x08 => Self::DeleteForeign,
            0x09..=0x0b => Self::Npdu,
            0x0c => Self::Secured,
            _ => return None,
        })
    }

    /// How many bytes follow at least.
    const fn least(self) -> usize {
        match self {
            Self::Result | Self::Register | Self::Npdu => 2,
            Self::Forwarded => 8,
            Self::DeleteForeign => 6,
            _ => 0,
        }
    }
}

/// The function, its code, what follows and whether the length is right.
///
/// Devices go by the datagram's end and answer messages whose length is wrong (seen), so they are read all the same.
fn open(bytes: &[u8], truncated: bool) -> Result<(Bvlc, u8, &[u8], bool), Malformed> {
    let (kind, code) = bytes.u8_at(0).zip(bytes.u8_at(1)).ok_or(Malformed::Truncated)?;
    if kind != TYPE {
        return Err(Malformed::BadVersion);
    }
    let function = Bvlc::of(code).ok_or(Malformed::BadValue)?;
    let length = usize::from(bytes.be16(2).ok_or(Malformed::Truncated)?);
    let body = bytes.tail(HEADER);
    if body.len() < function.least() && !truncated {
        return Err(Malformed::BadLength);
    }
    let right = length == bytes.len() || truncated && length > bytes.len();
    Ok((function, code, body, right))
}

/// Type, a known function, version and sense of what is inside; elsewhere than on its port, the length to the byte too.
fn probe(probe: Probe<'_>) -> Verdict {
    // A probe is not told whether the frame was cut: one of that size may have been.
    let Ok((function, _, body, right)) = open(probe.bytes, probe.bytes.len() >= 128) else {
        return Verdict::No;
    };
    let inside = match function {
        Bvlc::Npdu => network::Npdu::read(body).is_ok(),
        Bvlc::Forwarded => network::Npdu::read(body.tail(6)).is_ok(),
        _ => probe.hinted && right,
    };
    if inside && (right || probe.hinted) { Verdict::Yes } else { Verdict::No }
}

/// A pair of addresses.
#[derive(Debug, Default)]
struct Decoder {
    transactions: Transactions,
    /// Management requests that wait for a result, by what was asked; results do not say.
    managed: super::pending::Pending<(super::Side, u16), Function>,
}

impl Decode for Decoder {
    fn decode(&mut self, input: Input<'_>, out: &mut Vec<Event>) -> usize {
        if let Err(malformed) = self.datagram(input, out) {
            out.push(Event::Malformed(malformed));
        }
        input.bytes.len()
    }
}

impl Decoder {
    fn datagram(&mut self, input: Input<'_>, out: &mut Vec<Event>) -> Result<(), Malformed> {
        let (function, code, body, right) = open(input.bytes, input.truncated)?;
        if !right {
            out.push(Event::Malformed(Malformed::BadLength));
        }
        match function {
            Bvlc::Npdu => self.npdu(body, true, input, out),
            // The sender only passes on what another device said.
            Bvlc::Forwarded => self.npdu(body.tail(6), false, input, out),
            Bvlc::Result => {
                out.push(Event::Command(self.result(body.be16(0).unwrap_or(0), input.side)));
                Ok(())
            }
            _ => {
                let (action, direction) = management(function);
                let function = Function::new(
                    action,
                    0x200 | u32::from(code),
                    format_args!("bvlc/{code}"),
                    names::bvlc(code),
                );
                let command = match (direction, code) {
                    (Direction::Response, _) => function.command(direction).with_status(Status::Ok),
                    (_, 0x05) => {
                        let ttl = body.be16(0).map(|ttl| format_args!("for {ttl} seconds").into());
                        self.managed.insert((input.side, 0x30), function.clone());
                        function.command(direction).with_object(ttl)
                    }
                    _ => {
                        self.managed.insert((input.side, u16::from(code) << 4), function.clone());
                        function.command(direction)
                    }
                };
                out.push(Event::Command(command));
                Ok(())
            }
        }
    }

    /// A refusal names what it refuses; success does not, and answers what waits.
    fn result(&mut self, code: u16, side: super::Side) -> Command {
        let asker = side.other();
        let asked = match code {
            0 => [0x30, 0x10, 0x80].iter().find_map(|code| self.managed.take(&(asker, *code))),
            // The number of a refused deletion (0x50) is not that of its function.
            0x50 => self.managed.take(&(asker, 0x80)),
            0x30 => self.managed.take(&(asker, 0x30)).or_else(|| self.managed.take(&(asker, 0x50))),
            0x40 => self.managed.take(&(asker, 0x60)),
            code => self.managed.take(&(asker, code)),
        };
        let function = asked.unwrap_or_else(|| Function::new(Action::Other, 0x200, "bvlc/0", "bvlc result"));
        let status = match code {
            0 => Status::Ok,
            code => Status::Refused(u32::from(code), names::bvlc_result(code)),
        };
        function.command(Direction::Response).with_status(status)
    }

    fn npdu(
        &mut self,
        bytes: &[u8],
        own: bool,
        input: Input<'_>,
        out: &mut Vec<Event>,
    ) -> Result<(), Malformed> {
        let npdu = network::Npdu::read(bytes)?;
        match npdu.content {
            network::Content::Message(kind, body) => {
                out.push(Event::Command(network::command(kind, body)));
                Ok(())
            }
            network::Content::Apdu(apdu) => {
                let whose = match (npdu.source, own) {
                    (Some(station), _) => Whose::Behind(input.side, station),
                    (None, true) => Whose::Sender(input.side),
                    // A broadcast manager claims that somebody else said so.
                    (None, false) => Whose::Unknown,
                };
                let envelope = apdu::Envelope { side: input.side, unit: npdu.network(), whose };
                self.transactions.apdu(apdu, envelope, out)
            }
        }
    }
}

const fn management(function: Bvlc) -> (Action, Direction) {
    match function {
        Bvlc::WriteTable | Bvlc::DeleteForeign => (Action::Configure, Direction::Request),
        // Makes the manager send all broadcasts of the building to the asker.
        Bvlc::Register => (Action::Configure, Direction::Request),
        Bvlc::ReadTable | Bvlc::ReadForeign => (Action::Discover, Direction::Request),
        Bvlc::TableAnswer | Bvlc::ForeignAnswer => (Action::Discover, Direction::Response),
        _ => (Action::Other, Direction::Notification),
    }
}

#[cfg(test)]
mod tests;
