//! What TwinCAT routers ask each other on UDP 48899 before ADS works: who is there, and a route for me, please (as Beckhoff's public
//! ADS library does it, `AdsLib.cpp`, and pyads).
//!
//! ```text
//!  0        4    8         12       18     20     24
//! +--------+----+---------+--------+------+------+----------------------------
//! | cookie | id | service | net id | port | tags | tag 2, length 2, value …           little endian
//! +--------+----+---------+--------+------+------+----------------------------
//! ```
//!
//! An answer has the highest bit of the service set. A route is asked for with a user's name and password, in the clear: the name is told.

use crate::protocol::bytes::{Bytes as _, text};
use crate::protocol::command::{Action, Direction, Function, Status};
use crate::protocol::framing::Front;
use crate::protocol::text::Text;
use crate::protocol::{Asset, AssetField, Event, Malformed, Side};

/// What every message begins with.
pub(super) const COOKIE: u32 = 0x7114_6603;
const HEADER: usize = 24;
const ANSWER: u32 = 0x8000_0000;
/// A message has a handful.
const MOST_TAGS: u32 = 64;

const SERVER_INFO: u32 = 1;

/// One message.
#[derive(Clone, Copy, Debug)]
pub(super) struct Message<'a> {
    /// Repeated by the answer.
    pub id: u32,
    /// What is asked, without the answer's bit.
    pub service: u32,
    pub answers: bool,
    net_id: [u8; 6],
    tags: Tags<'a>,
}

impl<'a> Message<'a> {
    /// The message of `frame`, whole or cut.
    pub(super) fn read(frame: &'a [u8]) -> Option<Self> {
        if frame.le32(0)? != COOKIE {
            return None;
        }
        let service = frame.le32(8)?;
        let net_id = frame.slice(12, 6)?.try_into().ok()?;
        let tags = Tags { rest: frame.tail(HEADER), left: frame.le32(20)?.min(MOST_TAGS) };
        Some(Self {
            id: frame.le32(4)?,
            service: service & !ANSWER,
            answers: service & ANSWER != 0,
            net_id,
            tags,
        })
    }

    fn tag(&self, wanted: u16) -> Option<&'a [u8]> {
        self.tags.into_iter().find(|(tag, _)| *tag == wanted).map(|(_, value)| value)
    }

    fn said(&self, tag: u16) -> Option<Box<str>> {
        self.tag(tag).map(text).filter(|text| !text.is_empty())
    }

    /// What is asked for or answered.
    pub(super) fn function(&self) -> Function {
        let (action, name) = match self.service {
            SERVER_INFO => (Action::Discover, "read server information"),
            6 => (Action::Configure, "add route"),
            0xb001 => (Action::Configure, "delete route"),
            _ => (Action::Other, "router service"),
        };
        Function::new(action, 0x1_0000 | self.service & 0xffff, format_args!("udp/{}", self.service), name)
    }

    /// The route that is asked for.
    pub(super) fn object(&self) -> Option<Text> {
        let route = self.said(12).or_else(|| self.said(5))?;
        let host = self.said(5).unwrap_or_default();
        let user = self.said(13).unwrap_or_default();
        match (self.service, self.answers) {
            (6, false) => Some(format_args!("{route} to {host} as {user}").into()),
            (0xb001, false) => Some(route.into()),
            _ => None,
        }
    }

    /// How it fared.
    pub(super) fn status(&self) -> Status {
        match self.tag(1).and_then(|value| value.le32(0)) {
            None | Some(0) => Status::Ok,
            Some(code) => Status::Refused(code, super::services::error(code)),
        }
    }

    /// Which way it goes.
    pub(super) fn direction(&self) -> Direction {
        if self.answers { Direction::Response } else { Direction::Request }
    }

    /// Tells who answered.
    pub(super) fn facts(&self, side: Side, out: &mut Vec<Event>) {
        if !self.answers || self.service != SERVER_INFO {
            return;
        }
        let mut fact = |field, value: Box<str>| out.push(Event::Asset(Asset { side, field, value }));
        let [a, b, c, d, e, f] = self.net_id;
        fact(AssetField::Vendor, "Beckhoff".into());
        fact(AssetField::Id, format!("AMS net id {a}.{b}.{c}.{d}.{e}.{f}").into());
        if let Some(name) = self.said(5) {
            fact(AssetField::Name, name);
        }
        let version = self.tag(3).and_then(|value| Some((value.u8_at(0)?, value.u8_at(1)?, value.le16(2)?)));
        if let Some((major, minor, build)) = version {
            fact(AssetField::Software, format!("TwinCAT {major}.{minor}.{build}").into());
        }
        // As Windows tells its version (OSVERSIONINFO): size, major, minor, build, platform.
        let system = self
            .tag(4)
            .and_then(|value| Some((value.le32(4)?, value.le32(8)?, value.le32(12)?, value.le32(16)?)));
        if let Some((major, minor, build, platform)) = system {
            let name = match platform {
                1 | 2 => "Windows",
                3 => "Windows CE",
                _ => "TwinCAT/BSD",
            };
            fact(AssetField::System, format!("{name} {major}.{minor}.{build}").into());
        }
    }
}

/// The tags of one message.
#[derive(Clone, Copy, Debug)]
struct Tags<'a> {
    rest: &'a [u8],
    left: u32,
}

impl<'a> Iterator for Tags<'a> {
    type Item = (u16, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        self.left = self.left.checked_sub(1)?;
        let (tag, length) = (self.rest.le16(0)?, self.rest.le16(2)?);
        let value = self.rest.get(4..)?.get(..usize::from(length))?;
        self.rest = self.rest.tail(value.len().saturating_add(4));
        Some((tag, value))
    }
}

/// What stands at the front of bytes that begin with the cookie: how long it is, its tags tell.
pub(super) fn front(bytes: &[u8]) -> Front {
    let (Some(service), Some(count)) = (bytes.le32(8), bytes.le32(20)) else { return Front::Short };
    if service & !ANSWER == 0 || service & !ANSWER > 0xffff {
        return Front::Bad(Malformed::BadValue);
    }
    if count > MOST_TAGS {
        return Front::Bad(Malformed::BadLength);
    }
    let mut at = HEADER;
    for _ in 0..count {
        let Some(length) = bytes.le16(at.saturating_add(2)) else { return Front::Short };
        at = at.saturating_add(4).saturating_add(usize::from(length));
    }
    Front::Frame(at)
}
