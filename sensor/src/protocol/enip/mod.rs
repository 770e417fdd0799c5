//! EtherNet/IP encapsulation (CIP volume 2, chapter 2), on TCP and UDP, little endian:
//!
//! ```text
//!  0         2        4         8        12                20        24
//! +---------+--------+---------+--------+-----------------+---------+--------
//! | command | length | session | status | sender context  | options | data …
//! +---------+--------+---------+--------+-----------------+---------+--------
//! ```
//!
//! `SendRRData` and `SendUnitData` hold items; the CIP message is in one of them and is told under `cip`.

mod commands;
mod items;

use super::bytes::Bytes;
use super::cip::dialogue::{Dialogue, Ticket};
use super::cip::identity::Identity;
use super::command::{Command, Direction, Status};
use super::framing::{Framing, Front, find};
use super::input::{Input, Probe, Side, Verdict};
use super::{Decode, Event, Malformed, Port, Spec};
use commands::{
    LIST_IDENTITY, LIST_INTERFACES, LIST_SERVICES, NOP, REGISTER_SESSION, SEND_RR_DATA, SEND_UNIT_DATA,
    UNREGISTER_SESSION,
};
use items::Items;

/// Registration.
pub static SPEC: Spec = Spec {
    name: "enip",
    title: "EtherNet/IP",
    ports: &[Port::Tcp(44_818), Port::Udp(44_818)],
    industrial: true,
    probe,
    decoder: || Box::new(Decoder::default()),
    about: "What CIP travels in: sessions, discovery (ListIdentity tells vendor, product, revision and serial number) \
            and the packets that carry CIP messages. Those are listed on their own, as cip. CIP Security (TLS on 2221) \
            hides both.",
};

const HEADER: usize = 24;

/// What stands at the front. After lost bytes, only what carries messages or is empty as it must be begins a frame.
fn front(bytes: &[u8], lost: bool) -> Front {
    let Some(command) = bytes.le16(0) else { return Front::Short };
    if commands::name(command).is_none() || (lost && command == NOP) {
        return Front::Bad(Malformed::BadValue);
    }
    let (Some(length), Some(status), Some(options)) = (bytes.le16(2), bytes.le32(8), bytes.le32(20)) else {
        return Front::Short;
    };
    if options != 0 || !commands::is_status(status) {
        return Front::Bad(Malformed::BadValue);
    }
    let carries = matches!(command, SEND_RR_DATA | SEND_UNIT_DATA) && status == 0;
    if carries && length < 16 {
        return Front::Bad(Malformed::BadLength);
    }
    if lost && carries {
        match bytes.le32(HEADER) {
            None => return Front::Short,
            Some(0) => {}
            Some(_) => return Front::Bad(Malformed::BadValue),
        }
    }
    Front::Frame(usize::from(length).saturating_add(HEADER))
}

/// Whether the first frame is what its command asks for. `None`: too short to tell.
fn fits(bytes: &[u8]) -> Option<bool> {
    const MOST_NOPS: usize = 4;
    let mut rest = bytes;
    for _ in 0..MOST_NOPS {
        let len = match front(rest, false) {
            Front::Frame(len) => len,
            Front::Short => return None,
            Front::Bad(_) => return Some(false),
        };
        let (command, session, status) = (rest.le16(0)?, rest.le32(4)?, rest.le32(8)?);
        let data = rest.tail(HEADER);
        return Some(match command {
            // Nothing can be told from it.
            NOP => {
                if len > 512 {
                    return Some(false);
                }
                rest = rest.tail(len);
                continue;
            }
            LIST_SERVICES | LIST_IDENTITY | LIST_INTERFACES if len == HEADER => session == 0 && status == 0,
            LIST_SERVICES | LIST_IDENTITY | LIST_INTERFACES => matches!(data.le16(0)?, 0..=8),
            REGISTER_SESSION => len == HEADER.saturating_add(4) && data.le16(0)? == 1 && data.le16(2)? == 0,
            UNREGISTER_SESSION => len == HEADER && session != 0,
            SEND_RR_DATA | SEND_UNIT_DATA if status == 0 => {
                // Interface handle (CIP is zero), timeout, items, of which the first is an address.
                data.le32(0)? == 0
                    && matches!(data.le16(6)?, 1..=8)
                    && matches!((data.le16(8)?, data.le16(10)?), (0, 0) | (0x00a1, 4) | (0x8002, 8))
            }
            SEND_RR_DATA | SEND_UNIT_DATA => len == HEADER && session != 0,
            _ => false,
        });
    }
    Some(false)
}

/// Whether a message begins here, somewhere in a stream: off its port one with items, as a few zeros are an empty list to anybody.
fn carries(bytes: &[u8], hinted: bool) -> bool {
    let tells = matches!(bytes.le16(0), Some(SEND_RR_DATA | SEND_UNIT_DATA)) && bytes.le32(8) == Some(0);
    (hinted || tells) && fits(bytes) == Some(true)
}

fn probe(probe: Probe<'_>) -> Verdict {
    match fits(probe.bytes) {
        Some(true) if probe.from_start || carries(probe.bytes, probe.hinted) => Verdict::Yes,
        None => Verdict::NeedMore,
        Some(_) if !probe.from_start && find(probe.bytes, |at| carries(at, probe.hinted)).is_some() => {
            Verdict::Yes
        }
        Some(_) => Verdict::No,
    }
}

/// One connection, or two ends that exchange datagrams.
#[derive(Debug, Default)]
struct Decoder {
    framing: Framing,
    dialogue: Dialogue,
}

impl Decode for Decoder {
    fn decode(&mut self, input: Input<'_>, out: &mut Vec<Event>) -> usize {
        let Self { framing, dialogue } = self;
        if input.gap && input.side == Side::Client {
            dialogue.forget();
        }
        framing.read(input, out, front, |frame, cut, out| message(dialogue, frame, cut, input.side, out))
    }

    fn kept(&self) -> usize {
        self.dialogue.kept()
    }
}

/// One encapsulated message.
fn message(dialogue: &mut Dialogue, frame: &[u8], cut: bool, side: Side, out: &mut Vec<Event>) {
    let (Some(code), Some(session), Some(status)) = (frame.le16(0), frame.le32(4), frame.le32(8)) else {
        return;
    };
    let data = frame.tail(HEADER);
    let direction = match code {
        // Broadcast, so who asks is no client of anybody: a question is empty, an answer is not.
        LIST_SERVICES | LIST_IDENTITY | LIST_INTERFACES if data.is_empty() && status == 0 => {
            Direction::Request
        }
        LIST_SERVICES | LIST_IDENTITY | LIST_INTERFACES => Direction::Response,
        _ if side == Side::Client => Direction::Request,
        _ => Direction::Response,
    };
    let refused = status != 0;
    let answer = match direction {
        Direction::Response if refused => Status::Refused(status, commands::status(status)),
        Direction::Response => Status::Ok,
        _ => Status::None,
    };
    out.push(command(code, direction, answer));
    if refused {
        return;
    }
    match code {
        LIST_IDENTITY if direction == Direction::Response => {
            for item in Items::read(data).filter(|item| item.kind == items::IDENTITY) {
                // Behind protocol version and socket address.
                if let Some(identity) = Identity::read(item.data.tail(18)) {
                    identity.assets(side, out);
                }
            }
        }
        REGISTER_SESSION if !cut && data.len() != 4 => out.push(Event::Malformed(Malformed::BadLength)),
        SEND_RR_DATA | SEND_UNIT_DATA => {
            let context =
                u64::from(frame.le32(12).unwrap_or(0)) << 32 | u64::from(frame.le32(16).unwrap_or(0));
            carried(dialogue, data, cut, Ticket { session, connection: None, number: context }, side, out);
        }
        _ => {}
    }
}

/// The CIP message among the items behind interface handle and timeout.
fn carried(
    dialogue: &mut Dialogue,
    data: &[u8],
    cut: bool,
    mut ticket: Ticket,
    side: Side,
    out: &mut Vec<Event>,
) {
    let mut items = Items::read(data.tail(6));
    let mut found = false;
    for item in items.by_ref() {
        let short = cut && item.cut;
        match item.kind {
            items::CONNECTED_ADDRESS => ticket.connection = item.data.le32(0),
            // One message a packet; what else there may be are socket addresses.
            items::UNCONNECTED_DATA if !found => {
                found = true;
                dialogue.message(item.data, short, ticket, side, out);
            }
            items::CONNECTED_DATA if !found => {
                found = true;
                ticket.number = u64::from(item.data.le16(0).unwrap_or(0));
                dialogue.message(item.data.tail(2), short, ticket, side, out);
            }
            _ => {}
        }
    }
    if !cut && (!found || items.short) {
        out.push(Event::Malformed(Malformed::BadLength));
    }
}

fn command(code: u16, direction: Direction, status: Status) -> Event {
    let (text, name, action) = commands::describe(code);
    Event::Command(Command {
        action,
        direction,
        code: u32::from(code),
        code_text: text.into(),
        name,
        status,
        unit: None,
        object: None,
        protocol: None,
    })
}

#[cfg(test)]
mod tests;
