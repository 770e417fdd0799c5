//! From chunks to messages: security, reassembly, requests and their responses.

use super::binary::Cursor;
use super::frame::{HEADER, Kind, POLICIES, kind};
use super::message;
use super::services::{self, Service};
use crate::protocol::bytes::{Bytes, printable, short};
use crate::protocol::command::{Action, Command, Direction, Status};
use crate::protocol::framing::HEAD;
use crate::protocol::input::Side;
use crate::protocol::pending::Pending;
use crate::protocol::text::Text;
use crate::protocol::{Event, Malformed};

/// Messages of one side that may be in the middle of their chunks at once.
const PARTIAL: usize = 8;

/// What was asked.
#[derive(Clone, Debug)]
struct Asked {
    service: Option<&'static Service>,
    action: Action,
    object: Option<Text>,
}

/// What is known of the channel's security.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Security {
    /// It was opened before the capture began.
    #[default]
    Unknown,
    None,
    Some,
}

/// What is remembered between messages.
#[derive(Debug, Default)]
pub struct Session {
    /// The OPC UA server opened the connection (OPC 10000-6, 7.1.3): who listens, asks.
    reversed: bool,
    security: Security,
    /// Requests by who asked and request id.
    pending: Pending<(Side, u32), Asked>,
    /// Chunks of messages that have not ended, by who sends and request id.
    partial: Vec<(Side, u32, Vec<u8>)>,
}

impl Session {
    /// Of a message that only its sender tells apart.
    fn direction(&self, side: Side) -> Direction {
        if (side == Side::Client) == self.reversed { Direction::Response } else { Direction::Request }
    }

    /// Bytes of that side were lost.
    pub fn gap(&mut self, side: Side) {
        self.pending.forget(|(asker, _)| *asker == side);
        self.partial.retain(|(sender, ..)| *sender != side);
    }

    /// Bytes kept of messages that have not ended, and by requests that wait.
    pub fn kept(&self) -> usize {
        let partial: usize = self.partial.iter().map(|(.., bytes)| bytes.len()).sum();
        partial.saturating_add(self.pending.kept())
    }

    /// Takes a chunk.
    pub fn chunk(&mut self, chunk: &[u8], cut: bool, side: Side, out: &mut Vec<Event>) {
        let Some(kind) = kind(chunk) else { return };
        let body = chunk.tail(HEADER);
        match kind {
            Kind::Hello => {
                self.reversed = side == Side::Server;
                out.push(transport("HEL", "hello", Direction::Request, url(body.tail(20)), Status::None))
            }
            Kind::Acknowledge => {
                out.push(transport("ACK", "acknowledge", Direction::Response, None, Status::Ok))
            }
            Kind::ReverseHello => {
                self.reversed = side == Side::Client;
                let server = url(body);
                out.push(transport("RHE", "reverse hello", Direction::Notification, server, Status::None));
            }
            Kind::Error => {
                let code = body.le32(0).unwrap_or(0);
                let status = Status::Refused(code, services::status(code));
                out.push(transport("ERR", "error", Direction::Response, url(body.tail(4)), status));
            }
            Kind::Open => self.open(body, cut, side, out),
            Kind::Close => {
                let service = services::find(services::CLOSE_SECURE_CHANNEL).map(|(service, _)| service);
                let asked = Asked { service, action: Action::Session, object: None };
                out.push(command(services::CLOSE_SECURE_CHANNEL, &asked, Direction::Request, Status::None));
            }
            Kind::Message => {
                let (Some(request), Some(last)) = (body.le32(12), chunk.u8_at(3)) else { return };
                self.part(request, last, body.tail(16), cut, side, out);
            }
        }
    }

    /// An OPN: policy, certificates, then as a message.
    fn open(&mut self, body: &[u8], cut: bool, side: Side, out: &mut Vec<Event>) {
        let mut rest = Cursor(body.tail(4));
        let policy = rest.string();
        let ids = policy.and_then(|_| {
            rest.string()?;
            rest.string()?;
            rest.u32()?;
            rest.u32()
        });
        let (Some(policy), Some(request)) = (policy, ids) else {
            if !cut {
                out.push(Event::Malformed(Malformed::BadLength));
            }
            return;
        };
        let name = policy.rsplit(|byte| *byte == b'#').next().unwrap_or(policy);
        if policy.starts_with(POLICIES) && name == b"None" {
            self.security = Security::None;
            return self.message(request, rest.0, cut, side, out);
        }
        self.security = Security::Some;
        let service = services::find(services::OPEN_SECURE_CHANNEL).map(|(service, _)| service);
        let object = Some(format_args!("policy {}, mode not observable", printable(name)).into());
        let asked = Asked { service, action: Action::Session, object };
        let direction = self.direction(side);
        out.push(command(services::OPEN_SECURE_CHANNEL, &asked, direction, Status::None));
    }

    /// A chunk of a message.
    fn part(&mut self, request: u32, last: u8, body: &[u8], cut: bool, side: Side, out: &mut Vec<Event>) {
        let begun = self.partial.iter().position(|(sender, id, _)| (*sender, *id) == (side, request));
        match (last, begun) {
            (b'A', begun) => {
                if let Some(at) = begun {
                    self.partial.swap_remove(at);
                }
                self.aborted(request, body, side, out);
            }
            (b'C', None) => {
                if self.partial.len() >= PARTIAL {
                    self.partial.remove(0);
                }
                self.partial.push((side, request, body.get(..HEAD).unwrap_or(body).to_vec()));
            }
            (b'C', Some(at)) => self.append(at, body),
            (_, None) => self.message(request, body, cut, side, out),
            (_, Some(at)) => {
                self.append(at, body);
                let (.., whole) = self.partial.swap_remove(at);
                // A long one has its head only.
                let cut = cut || whole.len() >= HEAD;
                self.message(request, &whole, cut, side, out);
            }
        }
    }

    fn append(&mut self, at: usize, body: &[u8]) {
        if let Some((.., whole)) = self.partial.get_mut(at) {
            let room = HEAD.saturating_sub(whole.len());
            whole.extend(body.iter().take(room));
        }
    }

    /// The sender gave up: an error and a reason, where they can be read.
    fn aborted(&mut self, request: u32, body: &[u8], side: Side, out: &mut Vec<Event>) {
        let code = body.le32(0).filter(|code| code >> 31 == 1 && self.security != Security::Some);
        match self.pending.take(&(side.other(), request)) {
            Some(asked) => {
                let code = code.unwrap_or(0x8000_0000);
                let status = Status::Refused(code, services::status(code));
                let id = asked.service.map_or(0, |service| service.request);
                out.push(command(id, &asked, Direction::Response, status));
            }
            None => {
                out.push(transport("MSG", "message given up", Direction::Notification, None, Status::None))
            }
        }
    }

    /// A whole message, or its head.
    fn message(&mut self, request: u32, bytes: &[u8], cut: bool, side: Side, out: &mut Vec<Event>) {
        let mut body = Cursor(bytes);
        let id = body.node_id();
        let service = id.and_then(|id| id.standard());
        let found = service.and_then(services::find);
        match (service, found) {
            (Some(_), Some((service, true))) => {
                let (action, object) = message::request(service, body);
                let asked = Asked { service: Some(service), action, object };
                out.push(command(service.request, &asked, Direction::Request, Status::None));
                self.pending.insert((side, request), asked);
            }
            (Some(id), Some((service, false))) => self.answer(request, id, Some(service), body, side, out),
            (Some(id @ services::SERVICE_FAULT), None) => self.answer(request, id, None, body, side, out),
            _ if self.security != Security::None => self.hidden(side, out),
            (service, None) => {
                let direction = self.direction(side);
                let asked = Asked { service: None, action: Action::Other, object: None };
                out.push(command(service.unwrap_or(0), &asked, direction, Status::None));
                if id.is_none() && !cut {
                    out.push(Event::Malformed(Malformed::BadValue));
                }
            }
            (None, Some(_)) => {}
        }
    }

    fn answer(
        &mut self,
        request: u32,
        id: u32,
        service: Option<&'static Service>,
        body: Cursor<'_>,
        side: Side,
        out: &mut Vec<Event>,
    ) {
        let asked = self
            .pending
            .take(&(side.other(), request))
            .filter(|asked| service.is_none() || asked.service.map(|asked| asked.response) == Some(id));
        let asked = asked.unwrap_or_else(|| Asked {
            service,
            action: service.map_or(Action::Other, |service| service.action),
            object: None,
        });
        let status = message::response(id, body, side, out);
        out.push(command(
            asked.service.map_or(id, |service| service.request),
            &asked,
            Direction::Response,
            status,
        ));
    }

    /// A message whose content is encrypted, with it the id that pairs it. Servers send nothing but responses.
    fn hidden(&self, side: Side, out: &mut Vec<Event>) {
        let direction = self.direction(side);
        let mut event =
            transport("MSG", "encrypted message, service not observable", direction, None, Status::None);
        if let Event::Command(command) = &mut event {
            command.action = Action::Other;
        }
        out.push(event);
    }
}

/// A string of printable text.
fn url(bytes: &[u8]) -> Option<Text> {
    Cursor(bytes).string().map(short).filter(|url| !url.is_empty())
}

/// A message of the transport, which has no service.
fn transport(
    code_text: &'static str,
    name: &'static str,
    direction: Direction,
    object: Option<Text>,
    status: Status,
) -> Event {
    Event::Command(Command {
        action: Action::Session,
        direction,
        // The three letters, as the number they are on the wire.
        code: code_text.bytes().rev().fold(0, |code, letter| code << 8 | u32::from(letter)),
        code_text: code_text.into(),
        name,
        status,
        unit: None,
        object,
        protocol: None,
    })
}

fn command(id: u32, asked: &Asked, direction: Direction, status: Status) -> Event {
    let (code_text, name) = match asked.service {
        Some(service) => (service.text.into(), service.name),
        None if id == services::SERVICE_FAULT => ("397".into(), "service fault"),
        None => (format_args!("{id}").into(), "unknown service"),
    };
    Event::Command(Command {
        action: asked.action,
        direction,
        code: id,
        code_text,
        name,
        status,
        unit: None,
        object: asked.object.clone(),
        protocol: None,
    })
}
