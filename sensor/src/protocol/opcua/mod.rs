//! OPC UA over TCP, binary encoding (OPC 10000-6 chapter 7).
//!
//! ```text
//!  0      3   4      8           12         16         20        24
//! +------+---+------+-----------+----------+----------+---------+----------------------
//! | type | F | size | channel   | token    | sequence | request | node id, header, body …    MSG, CLO
//! +------+---+------+-----------+----------+----------+---------+----------------------
//! type: HEL ACK ERR RHE (no channel), OPN (policy and certificates for the token), MSG, CLO
//! F: last chunk, C: more follow, A: given up
//! ```
//!
//! With a security policy other than None the channel is signed or signed and encrypted, and which is said in encrypted
//! messages only. What is signed only can still be read, and is; of the rest the service is not observable.

mod binary;
mod message;
pub mod services;

use std::borrow::Cow;

use super::bytes::{Bytes, text};
use super::command::{Action, Command, Direction, Status};
use super::framing::{Framing, Front, HEAD, find};
use super::input::{Input, Probe, Side, Verdict};
use super::pending::Pending;
use super::{Decode, Event, Malformed, Port, Spec};
use binary::Cursor;
use services::Service;

/// Registration.
pub static SPEC: Spec = Spec {
    name: "opcua",
    title: "OPC UA",
    ports: &[Port::Tcp(4840)],
    industrial: true,
    probe,
    decoder: || Box::new(Decoder::default()),
    about: "Data, methods and address spaces of controllers and SCADA servers, binary over TCP. Services are named, with \
            the nodes of writes and methods, the users of sessions and the names of servers; results are the outcome. \
            Of channels that are encrypted only their policy, and that messages pass, can be told: their services are \
            not observable. Forms over HTTPS, JSON and PubSub are not read.",
};

/// Type, chunk and size.
const HEADER: usize = 8;
/// Chunks longer than that are nobody's: receivers agree on 64 KiB by default.
const LONGEST: u32 = 16 << 20;
/// Messages of one side that may be in the middle of their chunks at once.
const PARTIAL: usize = 8;
/// The shortest names of security policies end here.
const POLICIES: &[u8] = b"http://opcfoundation.org/UA/SecurityPolicy#";

/// What kind of message it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Hello,
    Acknowledge,
    Error,
    ReverseHello,
    Open,
    Message,
    Close,
}

fn kind(bytes: &[u8]) -> Option<Kind> {
    Some(match bytes.get(..3)? {
        b"HEL" => Kind::Hello,
        b"ACK" => Kind::Acknowledge,
        b"ERR" => Kind::Error,
        b"RHE" => Kind::ReverseHello,
        b"OPN" => Kind::Open,
        b"MSG" => Kind::Message,
        b"CLO" => Kind::Close,
        _ => return None,
    })
}

/// What stands at the front.
fn front(bytes: &[u8], _: bool) -> Front {
    if bytes.len() < 3 {
        let started = [b"HEL", b"ACK", b"ERR", b"RHE", b"OPN", b"MSG", b"CLO"]
            .iter()
            .any(|kind| kind.starts_with(bytes));
        return if started { Front::Short } else { Front::Bad(Malformed::BadVersion) };
    }
    let Some(kind) = kind(bytes) else { return Front::Bad(Malformed::BadVersion) };
    let Some(chunk) = bytes.u8_at(3) else { return Front::Short };
    if !matches!((kind, chunk), (_, b'F') | (Kind::Message, b'C' | b'A')) {
        return Front::Bad(Malformed::BadValue);
    }
    let Some(size) = bytes.le32(4) else { return Front::Short };
    let sizes = match kind {
        Kind::Hello => 32..=4128,
        Kind::Acknowledge => 28..=28,
        Kind::Error => 16..=4112,
        Kind::ReverseHello => 16..=8208,
        Kind::Open => 32..=LONGEST,
        Kind::Message | Kind::Close => 24..=LONGEST,
    };
    if !sizes.contains(&size) {
        return Front::Bad(Malformed::BadLength);
    }
    Front::Frame(usize::try_from(size).unwrap_or(usize::MAX))
}

/// Whether the first message is OPC UA for sure. `None`: too short to tell.
fn fits(bytes: &[u8], hinted: bool) -> Option<bool> {
    match front(bytes, true) {
        Front::Frame(_) => {}
        Front::Short => return None,
        Front::Bad(_) => return Some(false),
    }
    let body = bytes.tail(HEADER);
    Some(match kind(bytes)? {
        // Version zero, and buffers that hold a message.
        Kind::Hello | Kind::Acknowledge => {
            let (version, receive, send) = (body.le32(0)?, body.le32(4)?, body.le32(8)?);
            version < 16 && receive >= 1024 && send >= 1024
        }
        Kind::Error => body.le32(0)? >> 31 == 1,
        Kind::ReverseHello => hinted || body.slice(4, 4)? == b"urn:",
        Kind::Open => body.slice(8, POLICIES.len())? == POLICIES,
        Kind::Message if hinted => body.le32(0)? != 0,
        Kind::Message => known(bytes.tail(24))?,
        Kind::Close => hinted && body.le32(0)? != 0,
    })
}

/// Whether a body begins with the id of a service.
fn known(body: &[u8]) -> Option<bool> {
    let id = Cursor(body).node_id()?;
    Some(id.standard().is_some_and(|id| id == services::SERVICE_FAULT || services::find(id).is_some()))
}

fn probe(probe: Probe<'_>) -> Verdict {
    match fits(probe.bytes, probe.hinted) {
        Some(true) => Verdict::Yes,
        None if probe.bytes.len() < 2048 => Verdict::NeedMore,
        Some(false)
            if !probe.from_start
                && find(probe.bytes, |at| fits(at, probe.hinted) == Some(true)).is_some() =>
        {
            Verdict::Yes
        }
        _ => Verdict::No,
    }
}

/// What was asked.
#[derive(Clone, Debug)]
struct Asked {
    service: Option<&'static Service>,
    action: Action,
    object: Option<Box<str>>,
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

/// One connection.
#[derive(Debug, Default)]
struct Decoder {
    framing: Framing,
    session: Session,
}

#[derive(Debug, Default)]
struct Session {
    security: Security,
    /// Requests by who asked and request id.
    pending: Pending<(Side, u32), Asked>,
    /// Chunks of messages that have not ended, by who sends and request id.
    partial: Vec<(Side, u32, Vec<u8>)>,
}

impl Decode for Decoder {
    fn decode(&mut self, input: Input<'_>, out: &mut Vec<Event>) -> usize {
        let Self { framing, session } = self;
        if input.gap {
            session.pending.forget(|(asker, _)| *asker == input.side);
            session.partial.retain(|(sender, ..)| *sender != input.side);
        }
        framing.read(input, out, front, |chunk, cut, out| session.chunk(chunk, cut, input.side, out))
    }
}

impl Session {
    fn chunk(&mut self, chunk: &[u8], cut: bool, side: Side, out: &mut Vec<Event>) {
        let Some(kind) = kind(chunk) else { return };
        let body = chunk.tail(HEADER);
        match kind {
            Kind::Hello => {
                out.push(transport("HEL", "hello", Direction::Request, url(body.tail(20)), Status::None))
            }
            Kind::Acknowledge => {
                out.push(transport("ACK", "acknowledge", Direction::Response, None, Status::Ok))
            }
            Kind::ReverseHello => {
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
        let object = Some(format!("policy {}, mode not observable", text(name)).into());
        let asked = Asked { service, action: Action::Session, object };
        let direction = if side == Side::Client { Direction::Request } else { Direction::Response };
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
            _ if self.security != Security::None => self.hidden(request, side, out),
            (service, None) => {
                let direction = if side == Side::Client { Direction::Request } else { Direction::Response };
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

    /// A message whose content is encrypted.
    fn hidden(&mut self, request: u32, side: Side, out: &mut Vec<Event>) {
        let asked = self.pending.take(&(side.other(), request));
        let direction = match (asked, side) {
            (Some(_), _) => Direction::Response,
            (None, Side::Client) => Direction::Request,
            (None, Side::Server) => Direction::Notification,
        };
        if direction == Direction::Request {
            self.pending
                .insert((side, request), Asked { service: None, action: Action::Other, object: None });
        }
        let mut event =
            transport("MSG", "encrypted message, service not observable", direction, None, Status::None);
        if let Event::Command(command) = &mut event {
            command.action = Action::Other;
        }
        out.push(event);
    }
}

/// A string of printable text.
fn url(bytes: &[u8]) -> Option<Box<str>> {
    Cursor(bytes).string().map(text).filter(|url| !url.is_empty())
}

/// A message of the transport, which has no service.
fn transport(
    code_text: &'static str,
    name: &'static str,
    direction: Direction,
    object: Option<Box<str>>,
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
        Some(service) => (Cow::Borrowed(service.text), service.name),
        None if id == services::SERVICE_FAULT => (Cow::Borrowed("397"), "service fault"),
        None => (Cow::Owned(id.to_string()), "unknown service"),
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

#[cfg(test)]
mod tests;
