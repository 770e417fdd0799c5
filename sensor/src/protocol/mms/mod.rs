//! MMS (ISO 9506), the protocol of IEC 61850 servers and of ICCP, on TCP 102 like S7comm.
//!
//! TPKT and COTP carry session (ISO 8327), presentation (ISO 8823) and association control (ISO 8650) before the first MMS
//! message. After that each message stands behind `01 00 01 00` (two session headers) and one presentation element:
//!
//! ```text
//! 61 fully encoded data { 30 { 02 context, a0 { MMS PDU } } }
//! ```
//!
//! Contexts are agreed on when a connection opens; where that was not seen, MMS is recognised by the shape of its PDUs.

mod names;

use super::ber::{self, Element};
use super::bytes::{Bytes as _, printable, short, text};
use super::command::{Action, Direction, Function, Status};
use super::input::{Input, Probe, Side, Verdict};
use super::pending::{Asked, Pending};
use super::tpkt::{self, Unit};
use super::{Asset, AssetField, Decode, Event, Malformed, Spec};
use crate::protocol::text::Text;

/// Registration.
pub static SPEC: Spec = Spec {
    name: "mms",
    title: "MMS (IEC 61850, ICCP)",
    // TCP 102 is S7comm's to name where content is not seen: most who listen there are its servers.
    ports: &[],
    industrial: true,
    probe,
    decoder: || Box::new(Decoder::default()),
    about: "Reads, writes and commands of substation devices and control centres, on TCP 102 beside S7comm. All services are \
            named with their variables; errors, rejects and refused accesses are paired with their requests; writes are Write \
            (of a control object they operate a switch), start, stop, reset and kill of a program Control, domain downloads \
            Program, uploads ReadProgram; identify gives maker, model and version.",
};

/// Object identifier of MMS's abstract syntax, 1.0.9506.2.1.
const MMS_SYNTAX: &[u8] = &[0x28, 0xca, 0x22, 0x02, 0x01];
/// Session headers before data: give tokens, data transfer, both empty.
const DATA: &[u8] = &[1, 0, 1, 0];
/// Bytes in which the elements around a PDU have begun.
const ENOUGH: usize = 32;
/// Session's connect and accept.
const CONNECT: u8 = 0x0d;
const ACCEPT: u8 = 0x0e;

/// The MMS PDU in a presentation data element.
fn pdu(data: &[u8]) -> Option<Element<'_>> {
    let outer = ber::element(data).filter(|element| element.tag == 0x61)?;
    let list = ber::element(outer.content).filter(|element| element.tag == 0x30)?;
    let value = ber::elements(list.content).find(|element| element.tag == 0xa0)?;
    ber::element(value.content).filter(|element| names::is_pdu(element.tag))
}

fn probe(probe: Probe<'_>) -> Verdict {
    tpkt::probe(probe, |data| match data.u8_at(0) {
        Some(CONNECT | ACCEPT) if holds(data, MMS_SYNTAX) => Verdict::Yes,
        Some(CONNECT | ACCEPT) => Verdict::NeedMore,
        Some(_) if data.starts_with(DATA) => match pdu(data.tail(DATA.len())) {
            Some(_) => Verdict::Yes,
            // The elements around a PDU are not whole yet.
            None if data.len() < ENOUGH => Verdict::NeedMore,
            None => Verdict::No,
        },
        _ if DATA.starts_with(data) => Verdict::NeedMore,
        _ => Verdict::No,
    })
}

fn holds(bytes: &[u8], what: &[u8]) -> bool {
    bytes.windows(what.len()).any(|window| window == what)
}

/// One connection.
#[derive(Debug, Default)]
struct Decoder {
    reader: tpkt::Reader,
    session: Session,
}

#[derive(Debug, Default)]
struct Session {
    pending: Pending<(Side, u64), Asked>,
}

impl Decode for Decoder {
    fn decode(&mut self, input: Input<'_>, out: &mut Vec<Event>) -> usize {
        let Self { reader, session } = self;
        if input.gap {
            session.pending.forget(|(asker, _)| *asker == input.side);
        }
        reader.read(input, out, |unit, out| {
            let Unit::Message { bytes, cut } = unit else { return };
            match bytes.u8_at(0) {
                Some(CONNECT) => out.push(opening(Direction::Request, Status::None)),
                Some(ACCEPT) => out.push(opening(Direction::Response, Status::Ok)),
                Some(_) if bytes.starts_with(DATA) => {
                    // Association control (release, abort) travels in another context.
                    if let Some(pdu) = pdu(bytes.tail(DATA.len())) {
                        session.pdu(pdu, cut, input.side, out);
                    }
                }
                // Finish, disconnect, abort, refuse.
                Some(0x09 | 0x0a | 0x0c | 0x19 | 0x1a) => {}
                _ => out.push(Event::Malformed(Malformed::BadValue)),
            }
        })
    }
}

/// Session's connect carries MMS's initiate all the way down.
fn opening(direction: Direction, status: Status) -> Event {
    let function = Function::new(Action::Session, 0x100, "initiate", "initiate");
    Event::Command(function.command(direction).with_status(status))
}

impl Session {
    fn pdu(&mut self, pdu: Element<'_>, cut: bool, side: Side, out: &mut Vec<Event>) {
        if !pdu.is_whole() && !cut {
            return out.push(Event::Malformed(Malformed::BadLength));
        }
        match pdu.tag {
            names::CONFIRMED_REQUEST => self.request(pdu.content, side, out),
            names::CONFIRMED_RESPONSE | names::CONFIRMED_ERROR => self.answer(pdu, side, out),
            names::REJECT => {
                let id = ber::element(pdu.content).filter(|e| e.tag == 0x80).and_then(|e| e.number());
                let reason = ber::elements(pdu.content).find(|e| e.tag != 0x80);
                let (kind, code) = reason.map_or((0, 0), |e| (e.tag & 0x1f, e.number().unwrap_or(0)));
                let status = Status::Refused(code32(u64::from(kind) << 8 | code & 0xff), "rejected");
                self.respond(id, status, side, out);
            }
            names::UNCONFIRMED => {
                let service = ber::element(pdu.content).map_or(0, |element| element.tag & 0x1f);
                let name = names::unconfirmed(service);
                let function =
                    Function::new(Action::Read, 0x200 | service, format_args!("unconfirmed/{service}"), name);
                let object = variable(pdu.content, 0);
                out.push(Event::Command(function.command(Direction::Notification).with_object(object)));
            }
            tag => {
                let (name, direction) = names::other(tag);
                let status = if direction == Direction::Response { Status::Ok } else { Status::None };
                let function = Function::new(Action::Session, 0x100 | tag & 0x1f, name, name);
                out.push(Event::Command(function.command(direction).with_status(status)));
            }
        }
    }

    fn request(&mut self, content: &[u8], side: Side, out: &mut Vec<Event>) {
        let mut elements = ber::elements(content);
        let id = elements.next().filter(|element| element.tag == 0x02).and_then(|element| element.number());
        // Modifiers may stand between.
        let service = elements.find(Element::is_context);
        let (Some(id), Some(service)) = (id, service) else {
            return out.push(Event::Malformed(Malformed::BadValue));
        };
        let function = function(service);
        let object = match names::number(service.tag) {
            // A name stands there, not a variable.
            26..=46 | 72..=77 => first_text(service.content, 0),
            _ => variable(service.content, 0),
        };
        out.push(Event::Command(function.clone().command(Direction::Request).with_object(object.clone())));
        self.pending.insert((side, id), (function, object));
    }

    fn answer(&mut self, pdu: Element<'_>, side: Side, out: &mut Vec<Event>) {
        let mut elements = ber::elements(pdu.content);
        // The invoke id is an integer in responses and a context value in errors.
        let id = elements.next().filter(|e| matches!(e.tag, 0x02 | 0x80)).and_then(|e| e.number());
        let body = elements.last();
        if pdu.tag == names::CONFIRMED_ERROR {
            let class = body.and_then(|error| {
                // Service error, its class, its code.
                let class = ber::element(error.content).filter(|class| class.tag == 0xa0)?;
                let code = ber::element(class.content)?;
                Some((code.tag & 0x1f, code.number()?))
            });
            let (class, code) = class.unwrap_or((12, 0));
            let status =
                Status::Refused(code32(u64::from(class) << 8 | code & 0xff), names::error(class, code));
            return self.respond(id, status, side, out);
        }
        let Some(service) = body else { return self.respond(id, Status::Ok, side, out) };
        let status = match names::number(service.tag) {
            4 | 5 => access(service.content),
            _ => Status::Ok,
        };
        if names::number(service.tag) == 2 {
            for (tag, field) in
                [(0x80, AssetField::Vendor), (0x81, AssetField::Model), (0x82, AssetField::Firmware)]
            {
                let value = ber::elements(service.content).find(|element| element.tag == tag);
                if let Some(value) = value.map(|value| text(value.content)).filter(|value| !value.is_empty())
                {
                    out.push(Event::Asset(Asset { side, field, value }));
                }
            }
        }
        let function = function(service);
        let asked = id.and_then(|id| self.pending.take(&(side.other(), id)));
        let object = asked.filter(|(asked, _)| asked.code == function.code).and_then(|(_, object)| object);
        out.push(Event::Command(
            function.command(Direction::Response).with_status(status).with_object(object),
        ));
    }

    /// Answers a request by its number alone.
    fn respond(&mut self, id: Option<u64>, status: Status, side: Side, out: &mut Vec<Event>) {
        let asked = id.and_then(|id| self.pending.take(&(side.other(), id)));
        let (function, object) =
            asked.unwrap_or_else(|| (Function::new(Action::Other, 0xff, "?", "confirmed service"), None));
        out.push(Event::Command(
            function.command(Direction::Response).with_status(status).with_object(object),
        ));
    }
}

fn code32(code: u64) -> u32 {
    u32::try_from(code).unwrap_or(u32::MAX)
}

fn function(service: Element<'_>) -> Function {
    let number = names::number(service.tag);
    let (action, name) = names::service(number);
    Function::new(action, number, format_args!("{number}"), name)
}

/// Groups inside groups that are looked into.
const MAX_DEPTH: u8 = 8;

/// The first variable named: `domain/item`, or an item of the device itself.
fn variable(content: &[u8], depth: u8) -> Option<Text> {
    if depth > MAX_DEPTH {
        return None;
    }
    let mut plain = None;
    for element in ber::elements(content) {
        if element.tag == 0xa1 {
            let mut names = ber::elements(element.content);
            if let (
                Some(Element { tag: 0x1a, content: domain, .. }),
                Some(Element { tag: 0x1a, content: item, .. }),
            ) = (names.next(), names.next())
            {
                return Some(format_args!("{}/{}", printable(domain), printable(item)).into());
            }
        }
        if element.tag == 0x80 && depth > 0 && plain.is_none() && is_name(element.content) {
            plain = Some(short(element.content));
        }
        if element.is_constructed()
            && let Some(found) = variable(element.content, depth.saturating_add(1))
        {
            return Some(found);
        }
    }
    plain
}

/// The first text: the name of a domain, program or file.
fn first_text(content: &[u8], depth: u8) -> Option<Text> {
    if depth == 0 && is_name(content) {
        return Some(short(content));
    }
    if depth > MAX_DEPTH {
        return None;
    }
    ber::elements(content).find_map(|element| {
        if element.is_constructed() {
            first_text(element.content, depth.saturating_add(1))
        } else {
            is_name(element.content).then(|| short(element.content))
        }
    })
}

fn is_name(bytes: &[u8]) -> bool {
    bytes.len() > 1 && bytes.iter().all(|byte| (b' '..=b'~').contains(byte))
}

/// How reads and writes fared, variable by variable: refused where none was accepted.
fn access(content: &[u8]) -> Status {
    // A read answers with a group of results behind what was asked; a write with the results alone.
    let grouped = ber::elements(content).find(|element| element.tag == 0xa1);
    let results = grouped.map_or(content, |group| group.content);
    let mut refused = None;
    for result in ber::elements(results) {
        if result.tag != 0x80 {
            return Status::Ok;
        }
        refused = refused.or(result.number());
    }
    refused.map_or(Status::Ok, |code| Status::Refused(code32(code), names::access_error(code)))
}

#[cfg(test)]
mod tests;
