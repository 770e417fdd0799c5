//! The application layer (clause 20.1): requests, and answers that find theirs.

use super::names;
use super::services::{self, Whose};
use super::tags::{ENUMERATED, Tag, number, tags};
use crate::protocol::bytes::Bytes as _;
use crate::protocol::command::{Action, Direction, Function, Status};
use crate::protocol::pending::{Asked, Pending};
use crate::protocol::{Event, Malformed, Side};

/// What is known of an APDU from outside.
#[derive(Clone, Copy, Debug)]
pub(super) struct Envelope {
    pub side: Side,
    /// The network of the station behind a router.
    pub unit: Option<u32>,
    /// Whom what is said of a device is about.
    pub whose: Whose,
}

/// Confirmed requests that wait for their answer.
#[derive(Debug, Default)]
pub(super) struct Transactions {
    /// By who asked, invoke id and network.
    pending: Pending<(Side, u8, Option<u32>), Asked>,
}

const SEGMENTED: u8 = 0x08;

impl Transactions {
    /// Takes in one APDU.
    pub fn apdu(&mut self, bytes: &[u8], envelope: Envelope, out: &mut Vec<Event>) -> Result<(), Malformed> {
        let first = bytes.u8_at(0).ok_or(Malformed::Truncated)?;
        match first >> 4 {
            0 => self.request(first, bytes, envelope, out),
            1 => Self::unconfirmed(bytes, envelope, out),
            2 => {
                let (invoke, service) = bytes.u8_at(1).zip(bytes.u8_at(2)).ok_or(Malformed::Truncated)?;
                self.answer(invoke, Some(service), Status::Ok, envelope, out);
                Ok(())
            }
            3 => self.complex(first, bytes, envelope, out),
            // Acknowledges a segment.
            4 => Ok(()),
            5 => {
                let (invoke, service) = bytes.u8_at(1).zip(bytes.u8_at(2)).ok_or(Malformed::Truncated)?;
                self.answer(invoke, Some(service), error(bytes.tail(3)), envelope, out);
                Ok(())
            }
            kind @ (6 | 7) => {
                let (invoke, reason) = bytes.u8_at(1).zip(bytes.u8_at(2)).ok_or(Malformed::Truncated)?;
                let status = if kind == 6 {
                    Status::Refused(u32::from(reason), names::reject(reason))
                } else {
                    Status::Refused(u32::from(reason), names::abort(reason))
                };
                // The bit says that the answering end aborts; without it the asking end gives up.
                let envelope = match (kind, first & 1) {
                    (7, 0) => Envelope { side: envelope.side.other(), ..envelope },
                    _ => envelope,
                };
                self.answer(invoke, None, status, envelope, out);
                Ok(())
            }
            _ => Err(Malformed::BadValue),
        }
    }

    fn request(
        &mut self,
        first: u8,
        bytes: &[u8],
        envelope: Envelope,
        out: &mut Vec<Event>,
    ) -> Result<(), Malformed> {
        let invoke = bytes.u8_at(2).ok_or(Malformed::Truncated)?;
        let Some(at) = begin(first, bytes, 3)? else { return Ok(()) };
        let service = bytes.u8_at(at).ok_or(Malformed::Truncated)?;
        let body = bytes.tail(at.saturating_add(1));
        let (action, name, object) = services::request(service, body);
        let function = Function::new(action, u32::from(service), format_args!("{service}"), name);
        let direction =
            if names::is_notification(service) { Direction::Notification } else { Direction::Request };
        let command =
            function.clone().command(direction).with_unit(envelope.unit).with_object(object.clone());
        out.push(Event::Command(command));
        self.pending.insert((envelope.side, invoke, envelope.unit), (function, object));
        Ok(())
    }

    fn unconfirmed(bytes: &[u8], envelope: Envelope, out: &mut Vec<Event>) -> Result<(), Malformed> {
        let service = bytes.u8_at(1).ok_or(Malformed::Truncated)?;
        let body = bytes.tail(2);
        let (action, asks, name) = names::unconfirmed(service);
        let direction = if asks { Direction::Request } else { Direction::Notification };
        let code = 0x100 | u32::from(service);
        let function = Function::new(action, code, format_args!("unconfirmed/{service}"), name);
        let object = services::unconfirmed(service, body);
        out.push(Event::Command(function.command(direction).with_unit(envelope.unit).with_object(object)));
        if service == 0 {
            services::i_am(body, envelope.whose, out);
        }
        Ok(())
    }

    fn complex(
        &mut self,
        first: u8,
        bytes: &[u8],
        envelope: Envelope,
        out: &mut Vec<Event>,
    ) -> Result<(), Malformed> {
        let invoke = bytes.u8_at(1).ok_or(Malformed::Truncated)?;
        let Some(at) = begin(first, bytes, 2)? else { return Ok(()) };
        let service = bytes.u8_at(at).ok_or(Malformed::Truncated)?;
        self.answer(invoke, Some(service), Status::Ok, envelope, out);
        services::answer(service, bytes.tail(at.saturating_add(1)), envelope.whose, out);
        Ok(())
    }

    fn answer(
        &mut self,
        invoke: u8,
        service: Option<u8>,
        status: Status,
        envelope: Envelope,
        out: &mut Vec<Event>,
    ) {
        let asked = self
            .pending
            .take(&(envelope.side.other(), invoke, envelope.unit))
            .filter(|(asked, _)| service.is_none_or(|service| asked.code == u32::from(service)));
        let (function, object) = asked.unwrap_or_else(|| match service {
            Some(service) => {
                let (action, name) = names::confirmed(service);
                (Function::new(action, u32::from(service), format_args!("{service}"), name), None)
            }
            None => (Function::new(Action::Other, u32::from(u8::MAX), "?", "confirmed service"), None),
        });
        let command = function.command(Direction::Response).with_status(status);
        out.push(Event::Command(command.with_unit(envelope.unit).with_object(object)));
    }
}

/// Where the service stands, `None` in any segment but the first: what continues was told already.
fn begin(first: u8, bytes: &[u8], at: usize) -> Result<Option<usize>, Malformed> {
    if first & SEGMENTED == 0 {
        return Ok(Some(at));
    }
    let sequence = bytes.u8_at(at).ok_or(Malformed::Truncated)?;
    // Sequence number and window size stand before the service.
    Ok((sequence == 0).then(|| at.saturating_add(2)))
}

/// Class and code; some services wrap them in a group.
fn error(body: &[u8]) -> Status {
    let numbers: Vec<u32> = tags(body)
        .filter_map(|tag| match tag {
            Tag::Application(ENUMERATED, content) => number(content),
            _ => None,
        })
        .take(2)
        .collect();
    match numbers.as_slice() {
        [class, code] => Status::Refused(class << 16 | code, names::error(*code)),
        _ => Status::Refused(0, "other"),
    }
}
