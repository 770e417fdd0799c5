//! What two ends of every protocol say to each other: how they open, and what goes on all day.
//!
//! Benches and fuzzers start from these, and the tests that say what a poll costs. Messages are made after the specification
//! each decoder names, or are the ones its own tests read; nothing here is judged, only told.

mod field;
mod fieldbus;
mod office;
mod siemens;
mod write;

use std::net::Ipv4Addr;

use crate::conversation::{Frame, From, MS, Options, Session, Side};
use crate::packet::{Mac, PacketBuilder};

/// What carries it, and where the server listens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Carrier {
    /// TCP.
    Tcp(u16),
    /// UDP.
    Udp(u16),
    /// Frames of this EtherType, without IP.
    Link(u16),
}

/// Who says which bytes, one message or several.
pub type Said = (From, Vec<u8>);

/// Two ends.
#[derive(Clone)]
pub struct Dialogue {
    /// Its name, as the sensor has it.
    pub protocol: &'static str,
    /// What carries it.
    pub carrier: Carrier,
    /// What is said once.
    pub opening: Vec<Said>,
    /// What is said for the n-th time after that: requests with their responses. Empty: nothing a sensor reads.
    pub poll: fn(u32) -> Vec<Said>,
}

/// Messages of a client.
fn ask(bytes: impl Into<Vec<u8>>) -> Said {
    (From::Client, bytes.into())
}

/// Messages of a server.
fn tell(bytes: impl Into<Vec<u8>>) -> Said {
    (From::Server, bytes.into())
}

/// A dialogue for every protocol, sorted by name.
#[must_use]
pub fn all() -> Vec<Dialogue> {
    let mut all: Vec<Dialogue> =
        [field::all(), fieldbus::all(), office::all(), siemens::all()].into_iter().flatten().collect();
    all.sort_by_key(|dialogue| dialogue.protocol);
    all
}

/// When dialogues begin: 2026-11-10 08:00 UTC, in nanoseconds.
pub const BEGIN: u64 = 1_794_297_600_000_000_000;
/// The time between polls, in nanoseconds.
pub const PERIOD: u64 = 50 * MS;

impl Dialogue {
    /// The messages with `polls` polls, in order.
    #[must_use]
    pub fn said(&self, polls: u32) -> Vec<Said> {
        self.opening.iter().cloned().chain((0..polls).flat_map(self.poll)).collect()
    }

    /// The same on the wire, between ends of their own, a poll each twentieth of a second.
    #[must_use]
    pub fn frames(&self, polls: u32) -> Vec<Frame> {
        let port = match self.carrier {
            Carrier::Tcp(port) | Carrier::Udp(port) => port,
            Carrier::Link(_) => 0,
        };
        let end = |number: u8, port| Side {
            mac: Mac::from_oui(0x02_00_00, u32::from(number)),
            next_hop: Mac::from_oui(0x02_00_00, u32::from(3 - number)),
            ip: Ipv4Addr::new(10, 20, 0, number).into(),
            port,
            vlan: None,
            leg: 0,
            ttl: 64,
        };
        let (client, server) = (end(1, 49_152), end(2, port));
        match self.carrier {
            Carrier::Tcp(_) => {
                let mut session = Session::new(client, server, BEGIN, (1000, 2000), Options::default());
                session.open();
                let say = |session: &mut Session, said: Vec<Said>| {
                    said.iter().for_each(|(from, bytes)| session.send_expecting_answer(*from, bytes));
                };
                say(&mut session, self.opening.clone());
                for n in 0..polls {
                    session.wait_until(BEGIN + u64::from(n + 1) * PERIOD);
                    say(&mut session, (self.poll)(n));
                }
                session.take()
            }
            Carrier::Udp(_) | Carrier::Link(_) => {
                let said = |said: Vec<Said>, at: u64| {
                    (0..)
                        .zip(said)
                        .map(move |(n, (from, bytes))| (at + n * MS, from, bytes))
                        .collect::<Vec<_>>()
                };
                let polls = (0..polls).flat_map(|n| said((self.poll)(n), BEGIN + u64::from(n + 1) * PERIOD));
                let opening = said(self.opening.clone(), BEGIN);
                let one = |(at_ns, from, bytes): (u64, From, Vec<u8>)| {
                    let (me, peer) =
                        if from == From::Client { (&client, &server) } else { (&server, &client) };
                    match self.carrier {
                        Carrier::Link(ethertype) => {
                            let frame = PacketBuilder::ethernet(me.mac, me.next_hop).ethertype(ethertype);
                            Frame { at_ns, leg: 0, bytes: frame.payload(&bytes).build_padded() }
                        }
                        _ => me.datagram(peer, at_ns, &bytes),
                    }
                };
                opening.into_iter().chain(polls).map(one).collect()
            }
        }
    }
}
