//! What a service's message says beyond its name.

use super::binary::Cursor;
use super::services::{self, Service};
use crate::protocol::bytes::{printable, short, text};
use crate::protocol::command::{Action, Status};
use crate::protocol::input::Side;
use crate::protocol::text::Text;
use crate::protocol::{Asset, AssetField, Event};

/// The default binary encodings of user identity tokens.
const ANONYMOUS: u32 = 321;
const USER_NAME: u32 = 324;
const CERTIFICATE: u32 = 327;

/// What a request is about, and what it does where that depends.
pub fn request(service: &Service, mut body: Cursor<'_>) -> (Action, Option<Text>) {
    let mut action = service.action;
    let object = body.request_header().and_then(|()| match service.request {
        services::OPEN_SECURE_CHANNEL => mode(body),
        services::GET_ENDPOINTS => Some(short(body.string()?)),
        services::CREATE_SESSION => Some(short(body.application_name()?)),
        services::ACTIVATE_SESSION => user(body),
        services::WRITE => {
            let (n, first) = (body.array()?, body.node_id()?);
            Some(several(format_args!("{first}"), n))
        }
        services::CALL => {
            let (n, object, method) = (body.array()?, body.node_id()?, body.node_id()?);
            if n == 1 && method.standard().is_some_and(services::is_reading_method) {
                action = Action::Read;
            }
            Some(several(format_args!("{method} of {object}"), n))
        }
        _ => None,
    });
    (action, object.filter(|object| !object.is_empty()))
}

fn several(first: std::fmt::Arguments<'_>, n: u32) -> Text {
    match n {
        0 | 1 => first.into(),
        n => format_args!("{first} and {} more", n.saturating_sub(1)).into(),
    }
}

/// Version, request type, security mode.
fn mode(mut body: Cursor<'_>) -> Option<Text> {
    body.skip(8)?;
    let mode = match body.u32()? {
        1 => "policy None, mode None",
        2 => "policy None, mode Sign",
        3 => "policy None, mode SignAndEncrypt",
        _ => "policy None, mode invalid",
    };
    Some(mode.into())
}

/// Who uses the session: behind a signature, software certificates and locales.
fn user(mut body: Cursor<'_>) -> Option<Text> {
    body.string()?;
    body.string()?;
    for _ in 0..body.array()? {
        body.string()?;
        body.string()?;
    }
    for _ in 0..body.array()? {
        body.string()?;
    }
    let (kind, token) = body.extension()?;
    let mut token = Cursor(token);
    token.string()?;
    Some(match kind.standard()? {
        ANONYMOUS => "anonymous".into(),
        USER_NAME => format_args!("user {}", printable(token.string()?)).into(),
        CERTIFICATE => "certificate".into(),
        _ => "issued token".into(),
    })
}

/// How a request fared, and what the response tells of the server.
pub fn response(id: u32, mut body: Cursor<'_>, side: Side, out: &mut Vec<Event>) -> Status {
    let Some(result) = body.response_header() else { return Status::None };
    if result >> 31 == 1 {
        return Status::Refused(result, services::status(result));
    }
    let Some(service) = services::find(id).map(|(service, _)| service) else { return Status::Ok };
    let details = body.response_details().and_then(|()| match service.request {
        services::READ => refused(&mut body, value),
        services::ADD_NODES => refused(&mut body, |body| {
            let code = body.u32()?;
            body.node_id().map(|_| code)
        }),
        services::WRITE | services::ADD_REFERENCES | services::DELETE_NODES | services::DELETE_REFERENCES => {
            refused(&mut body, Cursor::u32)
        }
        services::CALL => {
            let (n, code) = (body.array()?, body.u32()?);
            (n == 1 && code >> 31 == 1).then_some(code)
        }
        services::GET_ENDPOINTS => {
            endpoint(body, side, out);
            None
        }
        services::CREATE_SESSION => {
            body.node_id()?;
            body.node_id()?;
            body.skip(8)?;
            body.string()?;
            body.string()?;
            endpoint(body, side, out);
            None
        }
        _ => None,
    });
    details.map_or(Status::Ok, |code| Status::Refused(code, services::status(code)))
}

/// The first item's code, when every item was refused.
fn refused<'a>(body: &mut Cursor<'a>, item: impl Fn(&mut Cursor<'a>) -> Option<u32>) -> Option<u32> {
    let mut first = None;
    for _ in 0..body.array()? {
        let code = item(body).filter(|code| code >> 31 == 1)?;
        first = first.or(Some(code));
    }
    first
}

/// The status of a data value without a value (OPC 10000-6 5.2.2.17); one with a value is good enough.
fn value(body: &mut Cursor<'_>) -> Option<u32> {
    let mask = body.u8()?;
    if mask & 1 != 0 {
        return None;
    }
    let code = if mask & 2 != 0 { body.u32()? } else { 0 };
    for (bit, len) in [(4, 8), (0x10, 2), (8, 8), (0x20, 2)] {
        if mask & bit != 0 {
            body.skip(len)?;
        }
    }
    Some(code)
}

/// The first of the endpoints tells the server's name.
fn endpoint(mut body: Cursor<'_>, side: Side, out: &mut Vec<Event>) {
    let name = body
        .array()
        .filter(|n| *n > 0)
        .and_then(|_| body.string())
        .and_then(|_| body.application_name())
        .map(text)
        .filter(|name| !name.is_empty());
    if let Some(value) = name {
        out.push(Event::Asset(Asset { side, field: AssetField::Name, value }));
    }
}
