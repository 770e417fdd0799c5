//! Frames into streams: what waits behind a hole, what all of it may cost, what it turns out to say.

use std::time::Duration;

use sensor_ebpf::flow::Transport;
use sensor_ebpf::wire::Note;
use sensor_ebpf::wire::transport::flag;

use super::Engine;
use super::neighbours::ARP;
use crate::decode;
use crate::observer::{Gap, Observer};
use crate::protocol::{Event, Malformed, Side};
use crate::source::FrameEvent;
use crate::state::connection::{Pair, index};

/// How long a segment that others overtook may be late. Retransmission takes from 0.2 s (RFC 6298 asks for 1 s, stacks wait
/// less) and twice that when it fails once.
const LATE: Duration = Duration::from_secs(3);
/// Gaps that one connection tells of.
const MAX_TOLD: u32 = 16;
/// Streams with holes that are waited for; further ones are given up at once.
const MAX_HOLES: usize = 65_536;

impl Engine {
    pub(super) fn frame(&mut self, event: &FrameEvent<'_>, observer: &mut dyn Observer) {
        match event.key.transport() {
            Transport::Ethernet if event.key.dport == ARP => return self.arp(event),
            Transport::Icmpv6 => return self.discovery(event),
            Transport::Ethernet | Transport::Tcp | Transport::Udp => {}
            _ => return,
        }
        if event.ring == sensor_ebpf::record::Ring::Evidence || event.notes & Note::LATER_FRAGMENT != 0 {
            return;
        }
        let now = self.now;
        let pair = Pair::of(&event.key, &self.mind.world.segments);
        let Some(connection) = self.connections.get_mut(&pair) else { return };
        let side = connection.side(&event.key);
        // Which addresses a device has may have been learned meanwhile.
        connection.name_ends(|mac| self.mind.world.device(mac));
        if let Some(spoke) = connection.spoke.get_mut(index(side)) {
            *spoke = true;
        }
        let tcp = if event.key.transport() == Transport::Tcp { event.tcp_numbers() } else { None };
        let mut events = std::mem::take(&mut self.events);
        // Data in a SYN (RFC 7413) stand behind its own number.
        let syn = u32::from(event.flags & flag::SYN != 0);
        let seq = tcp.map(|(seq, _)| seq.wrapping_add(syn));
        if let (false, Some((_, acknowledged))) = (connection.heard, tcp) {
            let other = connection.streams.get(index(side.other()));
            if other.is_some_and(|stream| stream.is_seen_by(acknowledged)) {
                self.mind.hear(connection);
            }
        }
        let identified = decode::feed(connection, side, seq, event.payload(), event.payload_len, &mut events);
        if identified {
            Self::identified(connection, (side, &events), &mut self.mind, &mut self.wishes, now);
            if connection.is_desktop() {
                self.desktops.note(connection);
            }
        }
        let overlaps = events.iter().filter(|event| matches!(event, Event::Malformed(Malformed::Overlap)));
        self.tallies.overlaps = self.tallies.overlaps.saturating_add(overlaps.count() as u64);
        Self::tell(connection, side, &events, &mut self.mind, now, observer);
        events.clear();
        self.events = events;
        if let Some((_, acknowledged)) = tcp {
            let other = connection.streams.get(index(side.other()));
            if other.is_some_and(|stream| stream.is_hole_acknowledged(acknowledged)) {
                self.skip_hole(pair, side.other(), observer);
            }
        }
        self.watch(pair, observer);
    }

    /// After a connection's streams changed: notes a hole that appeared or was filled, and what is kept now.
    fn watch(&mut self, pair: Pair, observer: &mut dyn Observer) {
        let due = self.now.plus(LATE);
        let Some(connection) = self.connections.peek_mut(&pair) else { return };
        let gaps = connection.streams.iter().map(|stream| stream.gaps()).fold(0, u32::saturating_add);
        let more = gaps.saturating_sub(connection.gaps);
        if more > 0 {
            self.tallies.gaps = self.tallies.gaps.saturating_add(more.into());
            connection.gaps = gaps;
            if gaps <= MAX_TOLD {
                let lost = self.last_loss.is_some_and(|lost| self.now.since(lost) <= LATE);
                let gap = if lost { Gap::Sensor } else { Gap::Network };
                observer.gap(connection, gap, self.now);
            }
        }
        if !connection.streams.iter().any(|stream| stream.has_hole()) {
            connection.hole_due = None;
        } else if connection.hole_due.is_none() {
            connection.hole_due = Some(due);
            self.holes.push_back((due, pair));
        }
        let kept = connection.kept();
        if kept != connection.hoarded {
            connection.hoarded = kept;
            self.hoard.note(pair, kept);
            while let Some(victim) = self.hoard.excess() {
                if let Some(connection) = self.connections.peek_mut(&victim) {
                    connection.release();
                }
            }
        }
        if self.holes.len() > MAX_HOLES {
            self.give_up_hole(observer);
        }
    }

    /// The hole that is waited for longest will not be filled.
    pub(super) fn give_up_hole(&mut self, observer: &mut dyn Observer) {
        let Some((due, pair)) = self.holes.pop_front() else { return };
        let Some(connection) = self.connections.peek_mut(&pair) else { return };
        // It was filled meanwhile; another one waits for its own turn.
        if connection.hole_due != Some(due) {
            return;
        }
        connection.hole_due = None;
        for side in [Side::Client, Side::Server] {
            self.skip_hole(pair, side, observer);
        }
        self.watch(pair, observer);
    }

    /// The stream goes on behind its hole.
    fn skip_hole(&mut self, pair: Pair, side: Side, observer: &mut dyn Observer) {
        let now = self.now;
        let Some(connection) = self.connections.peek_mut(&pair) else { return };
        let Some(stream) = connection.streams.get_mut(index(side)).filter(|stream| stream.has_hole()) else {
            return;
        };
        stream.skip_hole();
        let mut events = Vec::new();
        if decode::drain(connection, side, &mut events) {
            Self::identified(connection, (side, &events), &mut self.mind, &mut self.wishes, now);
        }
        Self::tell(connection, side, &events, &mut self.mind, now, observer);
    }

    /// Gives up all holes: the input is over.
    pub(super) fn give_up_holes(&mut self, observer: &mut dyn Observer) {
        while !self.holes.is_empty() {
            self.give_up_hole(observer);
        }
    }

    /// Bytes that streams and decoders keep, all together.
    pub fn kept(&self) -> usize {
        self.hoard.bytes()
    }

    /// Connections that had to give back what they kept, because all kept too much.
    pub fn hoards_evicted(&self) -> u64 {
        self.hoard.evicted
    }
}
