//! CIP requests and responses of one connection (CIP volume 1, 2-4): a request carries a service and a path, a response
//! repeats the service with its high bit and a status. Which request it answers is told by what carries it.

use super::layout::{connection_path, parts, wrapped};
use super::links::{Link, Links};
use super::path::Path;
use super::{classes, identity, pccc, services, status};
use crate::protocol::bytes::Bytes;
use crate::protocol::command::{Action, Command, Direction, Status};
use crate::protocol::input::Side;
use crate::protocol::pending::Pending;
use crate::protocol::text::Text;
use crate::protocol::{Asset, AssetField, Event, Malformed};

/// Services waiting for their response at once: each of a multiple service packet counts.
const WAITING: usize = 512;
/// Services looked at in one message; a packet of the usual 504 bytes holds far fewer.
const MOST_SERVICES: usize = 1024;
/// The bit that makes a service code a response.
const RESPONSE: u8 = 0x80;

/// What a request and its response have in common below CIP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ticket {
    /// The encapsulation session.
    pub session: u32,
    /// The CIP connection of connected messages, by the id of the direction they go in.
    pub connection: Option<u32>,
    /// Sender context, or sequence count of connected messages.
    pub number: u64,
}

/// A service that waits for its response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Key {
    ticket: Ticket,
    /// Zero, or one more than its place in a multiple service packet.
    part: u32,
    service: u8,
}

/// What was asked.
#[derive(Clone, Debug)]
struct Asked {
    name: &'static str,
    action: Action,
    class: Option<u32>,
    slot: Option<u8>,
    object: Option<Text>,
    /// Of the device that the encapsulation goes to, not of one behind it.
    direct: bool,
    /// Inside an unconnected send: only that or this is answered.
    wrapped: bool,
}

/// Where a message stands.
#[derive(Clone, Copy, Debug)]
struct Place {
    ticket: Ticket,
    part: u32,
    /// Not inside a multiple service packet.
    outermost: bool,
    slot: Option<u8>,
    direct: bool,
    wrapped: bool,
}

/// Both directions.
#[derive(Debug, Default)]
pub struct Dialogue {
    pending: Pending<Key, Asked, WAITING>,
    links: Links,
}

impl Dialogue {
    /// Forgets what waits for a response: bytes of the asking side were lost.
    pub fn forget(&mut self) {
        self.pending.forget(|_| true);
    }

    /// Bytes kept by services that wait for their response.
    pub fn kept(&self) -> usize {
        self.pending.kept()
    }

    /// One message; `cut` when bytes are missing at its end.
    pub fn message(&mut self, bytes: &[u8], cut: bool, ticket: Ticket, side: Side, out: &mut Vec<Event>) {
        let Some(service) = bytes.u8_at(0) else {
            if !cut {
                out.push(Event::Malformed(Malformed::Truncated));
            }
            return;
        };
        let mut left = MOST_SERVICES;
        if service & RESPONSE != 0 {
            self.answered(bytes, cut, ticket, side, &mut left, out);
            return;
        }
        let slot = ticket.connection.and_then(|id| self.links.slot(id));
        let direct = ticket.connection.is_none();
        let place = Place { ticket, part: 0, outermost: true, slot, direct, wrapped: false };
        self.request(bytes, cut, place, &mut left, out);
    }

    fn request(&mut self, bytes: &[u8], cut: bool, place: Place, left: &mut usize, out: &mut Vec<Event>) {
        let (Some(code), Some(words)) = (bytes.u8_at(0), bytes.u8_at(1)) else {
            return truncated(cut, out);
        };
        *left = left.saturating_sub(1);
        let len = usize::from(words).saturating_mul(2);
        let data = bytes.tail(len.saturating_add(2));
        let path = Path::read(bytes.slice(2, len).unwrap_or(bytes.tail(2)));
        let (mut name, mut action) = services::service(code, path.class, path.is_tag());
        let mut object = path.text();
        let mut slot = place.slot;
        match (code, path.class) {
            (services::UNCONNECTED_SEND, Some(classes::CONNECTION_MANAGER)) => {
                object = wrapped(data).and_then(|(_, route)| Path::read(route).text());
            }
            (services::FORWARD_OPEN | services::LARGE_FORWARD_OPEN, Some(classes::CONNECTION_MANAGER)) => {
                let to = Path::read(connection_path(data, code == services::LARGE_FORWARD_OPEN));
                (object, slot) = (to.text(), to.slot);
            }
            (services::EXECUTE_PCCC, Some(classes::PCCC)) => {
                if let Some(inner) = pccc::function(data) {
                    (name, action, object) = (inner.name, inner.action, Some(inner.text));
                }
            }
            (services::MULTIPLE_SERVICE_PACKET, _) => object = None,
            _ => {}
        }
        let asked = Asked {
            name,
            action,
            class: path.class,
            slot,
            object,
            direct: place.direct && !path.is_routed(),
            wrapped: place.wrapped,
        };
        out.push(command(code, &asked, Direction::Request, Status::None));
        let unconnected_send =
            code == services::UNCONNECTED_SEND && path.class == Some(classes::CONNECTION_MANAGER);
        self.pending.insert(Key { ticket: place.ticket, part: place.part, service: code }, asked);
        if len.saturating_add(2) > bytes.len() {
            return truncated(cut, out);
        }
        if unconnected_send {
            match wrapped(data) {
                Some((inner, route)) => {
                    let route = Path::read(route);
                    let direct = place.direct && !route.is_routed();
                    let inside = Place { slot: route.slot, direct, wrapped: true, ..place };
                    if *left > 0 && place.part == 0 && !place.wrapped {
                        self.request(inner, cut, inside, left, out);
                    }
                }
                None => truncated(cut, out),
            }
        } else if code == services::MULTIPLE_SERVICE_PACKET && place.outermost {
            for (i, part) in parts(data, cut, out).enumerate() {
                if *left == 0 {
                    return;
                }
                let part_number = u32::try_from(i).unwrap_or(u32::MAX).saturating_add(1);
                let inside = Place { part: part_number, outermost: false, ..place };
                self.request(part, cut, inside, left, out);
            }
        }
    }

    /// A response that is no part of another.
    fn answered(
        &mut self,
        bytes: &[u8],
        cut: bool,
        ticket: Ticket,
        side: Side,
        left: &mut usize,
        out: &mut Vec<Event>,
    ) {
        let service = bytes.u8_at(0).unwrap_or(0) & !RESPONSE;
        let (ticket, asked) = self.asked(ticket, service);
        if asked.as_ref().is_some_and(|asked| asked.wrapped)
            && let Some(ticket) = ticket
        {
            self.pending.take(&Key { ticket, part: 0, service: services::UNCONNECTED_SEND });
        }
        self.opened(bytes, service, asked.as_ref());
        let Some(data) = response(bytes, cut, asked, side, out) else { return };
        if service != services::MULTIPLE_SERVICE_PACKET {
            return;
        }
        for (i, part) in parts(data, cut, out).enumerate() {
            *left = left.saturating_sub(1);
            let Some(service) = part.u8_at(0).filter(|_| *left > 0) else { return };
            let key = ticket.map(|ticket| Key {
                ticket,
                part: u32::try_from(i).unwrap_or(u32::MAX).saturating_add(1),
                service: service & !RESPONSE,
            });
            let asked = key.and_then(|key| self.pending.take(&key));
            response(part, cut, asked, side, out);
        }
    }

    /// The request that a response with this ticket answers, and its ticket: a connected response has the id of the
    /// other direction, which a forward open told or the first response tells.
    fn asked(&mut self, ticket: Ticket, service: u8) -> (Option<Ticket>, Option<Asked>) {
        let Some(originator) = ticket.connection else {
            let asked = self.pending.take(&Key { ticket, part: 0, service });
            if asked.is_some() || ticket.number != 0 {
                return (Some(ticket), asked);
            }
            // Servers that do not repeat the context leave it zero: then the oldest such request is meant.
            let found = self.pending.take_by(|key| {
                key.part == 0
                    && key.service == service
                    && key.ticket.session == ticket.session
                    && key.ticket.connection.is_none()
            });
            return found.map_or((None, None), |(key, asked)| (Some(key.ticket), Some(asked)));
        };
        if let Some(target) = self.links.target(originator) {
            let ticket = Ticket { connection: Some(target), ..ticket };
            if let Some(asked) = self.pending.take(&Key { ticket, part: 0, service }) {
                return (Some(ticket), Some(asked));
            }
        }
        let found = self.pending.take_by(|key| {
            key.part == 0
                && key.service == service
                && key.ticket.number == ticket.number
                && key.ticket.session == ticket.session
                && key.ticket.connection.is_some()
        });
        let Some((key, asked)) = found else { return (None, None) };
        if let Some(target) = key.ticket.connection {
            self.links.insert(Link { target, originator, slot: asked.slot });
        }
        (Some(key.ticket), Some(asked))
    }

    /// A forward open that succeeded names the connection's ids: towards the target, towards the originator.
    fn opened(&mut self, bytes: &[u8], service: u8, asked: Option<&Asked>) {
        let Some(asked) = asked.filter(|asked| {
            matches!(service, services::FORWARD_OPEN | services::LARGE_FORWARD_OPEN)
                && asked.class == Some(classes::CONNECTION_MANAGER)
        }) else {
            return;
        };
        if bytes.u8_at(2) == Some(0)
            && let (Some(target), Some(originator)) = (bytes.le32(4), bytes.le32(8))
        {
            self.links.insert(Link { target, originator, slot: asked.slot });
        }
    }
}

/// Tells a response; returns its data.
fn response<'a>(
    bytes: &'a [u8],
    cut: bool,
    asked: Option<Asked>,
    side: Side,
    out: &mut Vec<Event>,
) -> Option<&'a [u8]> {
    let (Some(service), Some(general), Some(words)) = (bytes.u8_at(0), bytes.u8_at(2), bytes.u8_at(3)) else {
        truncated(cut, out);
        return None;
    };
    let service = service & !RESPONSE;
    let data = bytes.tail(usize::from(words).saturating_mul(2).saturating_add(4));
    let mut asked = asked.unwrap_or_else(|| {
        let (name, action) = services::service(service, None, false);
        Asked { name, action, class: None, slot: None, object: None, direct: false, wrapped: false }
    });
    let mut status = status::status(general);
    match (service, asked.class) {
        _ if status != Status::Ok => {}
        (services::GET_ATTRIBUTES_ALL, Some(classes::IDENTITY)) => {
            if let Some(identity) = identity::Identity::read(data) {
                if asked.direct {
                    identity.assets(side, out);
                }
                asked.object = Some(identity.text());
            }
        }
        (services::EXECUTE_PCCC, Some(classes::PCCC)) => {
            status = pccc::status(data).unwrap_or(status);
            if asked.direct
                && asked.name == pccc::STATUS
                && status == Status::Ok
                && let Some(value) = pccc::stated(data)
            {
                out.push(Event::Asset(Asset { side, field: AssetField::Model, value }));
            }
        }
        _ => {}
    }
    out.push(command(service, &asked, Direction::Response, status));
    Some(data)
}

fn truncated(cut: bool, out: &mut Vec<Event>) {
    if !cut {
        out.push(Event::Malformed(Malformed::Truncated));
    }
}

fn command(code: u8, asked: &Asked, direction: Direction, status: Status) -> Event {
    Event::Command(Command {
        action: asked.action,
        direction,
        code: u32::from(code),
        code_text: services::code_text(code).into(),
        name: asked.name,
        status,
        unit: asked.slot.map(u32::from),
        object: asked.object.clone(),
        protocol: Some(super::SPEC.name),
    })
}
