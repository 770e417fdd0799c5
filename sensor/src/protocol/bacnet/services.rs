//! What requests are about, and what answers say of a device.

use std::fmt::Write as _;

use arrayvec::ArrayVec;

use super::names;
use super::network::Station;
use super::objects::{DEVICE, Object, PROGRAM, WILDCARD, property, property_name, vendor};
use super::tags::{ENUMERATED, OBJECT, TEXT, Tag, UNSIGNED, number, string, tag, tags};
use crate::protocol::command::Action;
use crate::protocol::text::Text;
use crate::protocol::{About, Asset, AssetField, Event, Side};

const READ_PROPERTY: u8 = 12;
const READ_PROPERTY_MULTIPLE: u8 = 14;
/// Objects and properties named in one command.
const MAX_NAMED: usize = 4;
/// Objects and properties looked at in one message.
const MOST: usize = 64;

/// A request read as far as it decides what it does: action, name and what it is about.
pub(super) fn request(service: u8, body: &[u8]) -> (Action, &'static str, Option<Text>) {
    let (action, name) = names::confirmed(service);
    let context = |wanted: u8| {
        tags(body).find_map(|tag| match tag {
            Tag::Context(n, content) if n == wanted => number(content),
            _ => None,
        })
    };
    match service {
        6 | 7 => {
            // File access names its file as an application value.
            let file = tags(body).find_map(|tag| match tag {
                Tag::Application(OBJECT, content) => Object::read(content),
                _ => None,
            });
            (action, name, file.map(|file| format_args!("{file}").into()))
        }
        READ_PROPERTY => {
            let asked = Accesses::read(body);
            // Anybody's device object: who are you?
            let discovers =
                asked.first().is_some_and(|a| a.object.kind == DEVICE && a.object.instance == WILDCARD);
            (if discovers { Action::Discover } else { action }, name, say(&asked))
        }
        READ_PROPERTY_MULTIPLE | 5 | 26 | 28 | 8 | 9 => (action, name, say(&Accesses::read(body))),
        15 | 16 => {
            let written = Accesses::read(body);
            let change = written
                .iter()
                .filter(|a| a.object.kind == PROGRAM && a.property == Some(property::PROGRAM_CHANGE))
                .filter_map(|a| Some((a.object, names::program_change(a.value?))))
                .max_by_key(|(_, (action, _))| *action);
            match change {
                Some((object, (action, what))) => {
                    (action, name, Some(format_args!("{object} program-change {what}").into()))
                }
                None => (action, name, say(&written)),
            }
        }
        17 => {
            let state = context(1).map(names::communication);
            (action, name, state.map(Into::into))
        }
        20 => match context(0).map(names::reinitialized) {
            Some((action, state)) => (action, name, Some(state.into())),
            None => (action, name, None),
        },
        _ => (action, name, None),
    }
}

/// An object and one of its properties, with the number written to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Access {
    object: Object,
    property: Option<u32>,
    value: Option<u32>,
}

struct Accesses;

impl Accesses {
    /// Objects and properties of reads and writes, single or multiple.
    ///
    /// An object is a context value of four bytes, number 0 (1 where a process stands before it). In the single form its
    /// property is number 1 and the value stands in group 3; in the multiple form a group 1 holds properties as number 0
    /// and values in groups 2.
    fn read(body: &[u8]) -> ArrayVec<Access, MOST> {
        let mut accesses = ArrayVec::<Access, MOST>::new();
        let (mut depth, mut object) = (0_u8, None);
        for tag in tags(body) {
            match tag {
                Tag::Context(n @ (0 | 1), content)
                    if depth == 0 && content.len() == 4 && (n == 0 || object.is_none()) =>
                {
                    object = Object::read(content);
                    if let Some(object) = object {
                        accesses.push(Access { object, property: None, value: None });
                    }
                }
                // Inside the group of an object each property is one access; so is the one of the single form.
                Tag::Context(n, content) if (depth == 0 && n == 1) || (depth == 1 && n == 0) => {
                    let (Some(object), Some(property)) = (object, number(content)) else { continue };
                    match accesses.last_mut() {
                        Some(last) if last.object == object && last.property.is_none() => {
                            last.property = Some(property);
                        }
                        _ => accesses.push(Access { object, property: Some(property), value: None }),
                    }
                }
                Tag::Application(ENUMERATED | UNSIGNED, content) if depth > 0 => {
                    if let Some(last) = accesses.last_mut()
                        && last.value.is_none()
                    {
                        last.value = number(content);
                    }
                }
                Tag::Open(_) => depth = depth.saturating_add(1),
                Tag::Close(_) => depth = depth.saturating_sub(1),
                _ => {}
            }
            if accesses.is_full() {
                break;
            }
        }
        accesses
    }
}

fn say(accesses: &[Access]) -> Option<Text> {
    let mut said = Text::default();
    for (i, access) in accesses.iter().take(MAX_NAMED).enumerate() {
        let comma = if i == 0 { "" } else { ", " };
        // Writing to a text cannot fail.
        let _ = match access.property {
            Some(property) => write!(said, "{comma}{} {}", access.object, property_name(property)),
            None => write!(said, "{comma}{}", access.object),
        };
    }
    if let Some(more) = accesses.len().checked_sub(MAX_NAMED).filter(|more| *more > 0) {
        let _ = write!(said, " and {more} more");
    }
    (!said.is_empty()).then_some(said)
}

/// What an unconfirmed service is about.
pub(super) fn unconfirmed(service: u8, body: &[u8]) -> Option<Text> {
    let first = || tag(body).map(|(tag, _)| tag);
    match service {
        0 => match first()? {
            Tag::Application(OBJECT, content) => Some(format_args!("{}", Object::read(content)?).into()),
            _ => None,
        },
        // A range of instances; without one everybody is asked.
        8 => {
            let mut limits = tags(body).filter_map(|tag| match tag {
                Tag::Context(0 | 1, content) => number(content),
                _ => None,
            });
            match (limits.next(), limits.next()) {
                (Some(low), Some(high)) => Some(format_args!("device {low} to {high}").into()),
                _ => None,
            }
        }
        2 | 3 | 11 => tags(body).find_map(|tag| match tag {
            Tag::Context(1 | 2, content) if content.len() == 4 => {
                Some(format_args!("{}", Object::read(content)?).into())
            }
            _ => None,
        }),
        _ => None,
    }
}

/// Whom a statement is about.
#[derive(Clone, Copy, Debug)]
pub(super) enum Whose {
    /// The sender of the datagram.
    Sender(Side),
    /// A station behind the sender, which is a router.
    Behind(Side, Station),
    /// Whose datagram the sender passed on.
    Unknown,
}

/// What I-am states: instance, then largest message, segmentation, maker.
pub(super) fn i_am(body: &[u8], whose: Whose, out: &mut Vec<Event>) {
    let mut values = tags(body);
    let Some(Tag::Application(OBJECT, object)) = values.next() else { return };
    let maker = match (values.next(), values.next(), values.next()) {
        (
            Some(Tag::Application(UNSIGNED, _)),
            Some(Tag::Application(ENUMERATED, _)),
            Some(Tag::Application(UNSIGNED, maker)),
        ) => number(maker),
        _ => None,
    };
    if let Some(object) = Object::read(object).filter(|o| o.kind == DEVICE && o.instance != WILDCARD) {
        fact(AssetField::Id, &object.to_string(), whose, out);
    }
    if let Some(maker) = maker.and_then(vendor) {
        fact(AssetField::Vendor, maker, whose, out);
    }
}

/// What answers to reads of a device object state.
pub(super) fn answer(service: u8, body: &[u8], whose: Whose, out: &mut Vec<Event>) {
    if !matches!(service, READ_PROPERTY | READ_PROPERTY_MULTIPLE) {
        return;
    }
    let (mut depth, mut device, mut property) = (0_u8, false, None);
    for tag in tags(body) {
        match tag {
            Tag::Context(0, content) if depth == 0 => {
                device = Object::read(content).is_some_and(|object| object.kind == DEVICE);
            }
            // Number 1 of the single form, number 2 inside the group of an object.
            Tag::Context(1, content) if depth == 0 => property = number(content),
            Tag::Context(2, content) if depth == 1 => property = number(content),
            Tag::Application(TEXT, content) if device && depth > 0 => {
                if let (Some(field), Some(value)) = (property.and_then(field), string(content)) {
                    fact(field, &value, whose, out);
                }
            }
            Tag::Open(_) => depth = depth.saturating_add(1),
            Tag::Close(_) => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
}

const fn field(property: u32) -> Option<AssetField> {
    Some(match property {
        property::MODEL_NAME => AssetField::Model,
        property::FIRMWARE_REVISION => AssetField::Firmware,
        property::OBJECT_NAME => AssetField::Name,
        property::VENDOR_NAME => AssetField::Vendor,
        property::SERIAL_NUMBER => AssetField::Serial,
        _ => return None,
    })
}

fn fact(field: AssetField, value: &str, whose: Whose, out: &mut Vec<Event>) {
    if value.is_empty() {
        return;
    }
    match whose {
        Whose::Sender(side) => out.push(Event::Asset(Asset { side, field, value: value.into() })),
        Whose::Behind(router, station) => {
            if let Some(station) = station.name() {
                let (station, value) = (station.into(), value.into());
                out.push(Event::About(About::Behind { router, station, field, value }));
            }
        }
        Whose::Unknown => {}
    }
}
