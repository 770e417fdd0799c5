//! CIP, the Common Industrial Protocol of ODVA: objects with attributes and services. Its messages travel in
//! [`enip`](super::enip); its implicit connections (cyclic I/O) are UDP of their own:
//!
//! ```text
//!  0    2      4     6               10        14     16    18
//! +----+------+-----+---------------+---------+------+-----+--------
//! | 2  | 8002 |  8  | connection id | sequence| 00b1 | len | data …        little endian
//! +----+------+-----+---------------+---------+------+-----+--------
//! ```

pub mod classes;
pub mod dialogue;
pub mod identity;
mod layout;
mod links;
pub mod path;
pub mod pccc;
pub mod services;
pub mod status;
pub mod vendors;

use super::bytes::Bytes;
use super::command::{Action, Command, Direction, Status};
use super::input::{Input, Probe, Side, Verdict};
use super::{Decode, Event, Malformed, Port, Spec};

/// Registration.
pub static SPEC: Spec = Spec {
    name: "cip",
    title: "CIP",
    ports: &[Port::Udp(2222)],
    industrial: true,
    probe,
    decoder: || Box::new(Decoder::default()),
    about: "The Common Industrial Protocol of Rockwell Automation, Omron, Schneider Electric and others. Its services \
            travel in EtherNet/IP connections (enip) and are listed under this name: by service and class, with path \
            or tag, slot and general status; Unconnected Send, Multiple Service Packets and PCCC are opened. Cyclic \
            I/O connections (UDP 2222) are recognised and each is listed once, not packet by packet.",
};

/// Implicit connections of each side that are listed.
const MOST_CONNECTIONS: usize = 32;
/// Item types: sequenced address, connected data.
const SEQUENCED_ADDRESS: u16 = 0x8002;
const CONNECTED_DATA: u16 = 0x00b1;

/// The id of the connection a packet belongs to.
fn connection(bytes: &[u8]) -> Result<u32, Malformed> {
    let types = (bytes.le16(0), bytes.le16(2), bytes.le16(4), bytes.le16(14));
    let (Some(id), Some(len)) = (bytes.le32(6), bytes.le16(16)) else { return Err(Malformed::Truncated) };
    if types != (Some(2), Some(SEQUENCED_ADDRESS), Some(8), Some(CONNECTED_DATA)) {
        return Err(Malformed::BadValue);
    }
    if bytes.len() < usize::from(len).saturating_add(18) {
        return Err(Malformed::BadLength);
    }
    Ok(id)
}

/// The two items and their lengths say enough on any port: the packet must end with them.
fn probe(probe: Probe<'_>) -> Verdict {
    let len = probe.bytes.le16(16).map(|len| usize::from(len).saturating_add(18));
    match connection(probe.bytes) {
        Ok(_) if probe.hinted || len == Some(probe.bytes.len()) => Verdict::Yes,
        // A cut frame has its first items still.
        Err(Malformed::BadLength) if probe.hinted => Verdict::Yes,
        _ => Verdict::No,
    }
}

/// Implicit connections between two ends.
#[derive(Debug, Default)]
struct Decoder {
    known: Vec<(Side, u32)>,
}

impl Decode for Decoder {
    fn decode(&mut self, input: Input<'_>, out: &mut Vec<Event>) -> usize {
        match connection(input.bytes) {
            Ok(id) => self.seen(input.side, id, out),
            Err(_) if input.truncated => {}
            Err(malformed) => out.push(Event::Malformed(malformed)),
        }
        input.bytes.len()
    }

    fn is_cyclic(&self) -> bool {
        true
    }
}

impl Decoder {
    fn seen(&mut self, side: Side, id: u32, out: &mut Vec<Event>) {
        let mine = self.known.iter().filter(|(whose, _)| *whose == side);
        if mine.clone().any(|(_, known)| *known == id) || mine.count() >= MOST_CONNECTIONS {
            return;
        }
        self.known.push((side, id));
        out.push(Event::Command(Command {
            action: Action::Session,
            direction: Direction::Notification,
            code: u32::from(SEQUENCED_ADDRESS),
            code_text: "0x8002".into(),
            name: "implicit i/o",
            status: Status::None,
            unit: None,
            object: Some(format_args!("connection {id:#010x}").into()),
            protocol: None,
        }));
    }
}

#[cfg(test)]
mod tests;
