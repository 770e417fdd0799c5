//! From a connection's bytes to protocol events: probing, then decoding.

use sensor_ebpf::flow::Transport;

use crate::protocol::{Event, Input, Malformed, Probe, REGISTRY, Side, Spec, Verdict};
use crate::state::connection::{Connection, index, listed};
use crate::state::stream::{Pushed, Stream};

/// Candidates are bits.
const _: () = assert!(REGISTRY.len() <= 64);

/// Bytes of one side after which content that nobody claims stays unknown.
const MAX_PROBED: usize = 2048;
/// Segments at which a connection joined in the middle is probed anew.
const MAX_ATTEMPTS: u8 = 16;
/// Overlaps with other bytes that one connection tells of.
const MAX_OVERLAPS: u8 = 16;

/// Takes in one segment or datagram of `side`; pushes what it tells to `out`. Returns whether the protocol became known.
pub fn feed(
    connection: &mut Connection,
    side: Side,
    seq: Option<u32>,
    payload: &[u8],
    wire_len: usize,
    out: &mut Vec<Event>,
) -> bool {
    if payload.is_empty() && wire_len == 0 {
        return false;
    }
    if connection.transport != Transport::Tcp {
        return datagram(connection, side, payload, wire_len, out);
    }
    let Some(seq) = seq else { return false };
    if connection.protocol.is_none() && connection.candidates == 0 {
        return false;
    }
    let Connection { streams, decoder, overlaps, .. } = connection;
    let Some(stream) = streams.get_mut(index(side)) else { return false };
    let (pushed, overlaps_differ) = stream.push(seq, payload, wire_len);
    if overlaps_differ && *overlaps < MAX_OVERLAPS {
        *overlaps = overlaps.saturating_add(1);
        out.push(Event::Malformed(Malformed::Overlap));
    }
    match (pushed, decoder) {
        (Pushed::Direct(bytes), Some(decoder)) => {
            let mut done = 0_usize;
            let mut gap = stream.is_behind_gap();
            while let Some(rest) = bytes.get(done..).filter(|rest| !rest.is_empty()) {
                let consumed = decoder.decode(Input { bytes: rest, side, truncated: false, gap }, out);
                if consumed == 0 {
                    break;
                }
                (done, gap) = (done.saturating_add(consumed), false);
            }
            stream.keep(bytes, done);
            false
        }
        (Pushed::Direct(bytes), None) => {
            stream.keep(bytes, 0);
            drain(connection, side, out)
        }
        (Pushed::Taken, _) => drain(connection, side, out),
    }
}

/// Goes on after a hole was given up or a segment arrived.
pub fn drain(connection: &mut Connection, side: Side, out: &mut Vec<Event>) -> bool {
    if connection.protocol.is_some() {
        decode(connection, side, out);
        return false;
    }
    if !identify(connection, side) {
        return false;
    }
    // What the other side said while nobody knew is decoded first if it is the client's.
    decode(connection, Side::Client, out);
    decode(connection, Side::Server, out);
    true
}

fn decode(connection: &mut Connection, side: Side, out: &mut Vec<Event>) {
    let Connection { decoder, streams, .. } = connection;
    let (Some(decoder), Some(stream)) = (decoder, streams.get_mut(index(side))) else { return };
    loop {
        let (bytes, gap, truncated) = stream.view();
        if bytes.is_empty() && !truncated {
            return;
        }
        let consumed = decoder.decode(Input { bytes, side, truncated, gap }, out);
        if consumed == 0 && !truncated {
            return;
        }
        // Behind a cut frame more may wait.
        stream.consume(consumed);
    }
}

fn identify(connection: &mut Connection, side: Side) -> bool {
    let Some(stream) = connection.streams.get(index(side)) else { return false };
    let (bytes, gap, _) = stream.view();
    if bytes.is_empty() {
        return false;
    }
    match probe(connection, side, bytes, connection.from_start && !gap) {
        Found::Yes(spec) => {
            connection.protocol = Some(spec);
            connection.decoder = Some((spec.decoder)());
            connection.candidates = 0;
            if spec.industrial {
                connection.streams.iter_mut().for_each(Stream::remember_from_now);
            }
            return true;
        }
        Found::Undecided(candidates) if candidates != 0 && bytes.len() < MAX_PROBED => {
            connection.candidates = candidates;
        }
        Found::Undecided(_) => {
            // Joined in the middle, or behind a gap: the next segment may begin with a PDU.
            connection.attempts = connection.attempts.saturating_add(1);
            let again = !connection.from_start && connection.attempts < MAX_ATTEMPTS;
            connection.candidates = if again { u64::MAX } else { 0 };
            if again {
                if let Some(stream) = connection.streams.get_mut(index(side)) {
                    stream.discard();
                }
            } else {
                // Nobody will read them again.
                connection.streams.iter_mut().for_each(Stream::release);
            }
        }
    }
    false
}

enum Found {
    Yes(&'static Spec),
    Undecided(u64),
}

fn probe(connection: &Connection, side: Side, bytes: &[u8], from_start: bool) -> Found {
    let hint = listed(connection.transport, connection.server.port).map(|spec| spec.name);
    let port = connection.port();
    let mut left = 0_u64;
    // The protocol of the port is asked first: where bytes allow two, the port decides.
    let of_the_port = REGISTRY.iter().enumerate().filter(|(_, spec)| hint == Some(spec.name));
    let others = REGISTRY.iter().enumerate().filter(|(_, spec)| hint != Some(spec.name));
    for (i, spec) in of_the_port.chain(others) {
        let bit = 1_u64.checked_shl(u32::try_from(i).unwrap_or(u32::MAX)).unwrap_or(0);
        let hinted = port.is_some_and(|port| spec.ports.contains(&port));
        // EtherTypes are assigned, ports are not: what an EtherType is for, and nothing else, travels under it.
        let excluded = !hinted && (connection.link.is_some() || spec.is_link_layer());
        if excluded || connection.candidates & bit == 0 {
            continue;
        }
        match (spec.probe)(Probe { bytes, side, hinted, from_start }) {
            Verdict::Yes => return Found::Yes(spec),
            Verdict::NeedMore => left |= bit,
            Verdict::No => {}
        }
    }
    Found::Undecided(left)
}

fn datagram(
    connection: &mut Connection,
    side: Side,
    payload: &[u8],
    wire_len: usize,
    out: &mut Vec<Event>,
) -> bool {
    let mut identified = false;
    if connection.protocol.is_none() && connection.attempts < MAX_ATTEMPTS {
        connection.candidates = u64::MAX;
        connection.attempts = connection.attempts.saturating_add(1);
        if let Found::Yes(spec) = probe(connection, side, payload, true) {
            connection.protocol = Some(spec);
            connection.decoder = Some((spec.decoder)());
            identified = true;
        }
    }
    if let Some(decoder) = &mut connection.decoder {
        let truncated = payload.len() < wire_len;
        let used = decoder.decode(Input { bytes: payload, side, truncated, gap: false }, out);
        // What a decoder waits for does not come with another datagram.
        if used < payload.len() && !truncated {
            out.push(Event::Malformed(Malformed::Truncated));
        }
    }
    identified
}

#[cfg(test)]
mod tests {
    use sensor_ebpf::flow::FlowKey;

    use super::*;
    use crate::protocol::testing::{commands, hex};
    use crate::state::address::words;
    use crate::state::segments::Segments;
    use crate::time::Time;

    /// A UDP connection to port 20000.
    fn to_dnp3() -> Connection {
        let [src, dst] = [[10, 0, 0, 5], [10, 0, 0, 7]].map(|ip| words(std::net::IpAddr::from(ip)));
        let place = (Transport::Udp as u32) << 28;
        Connection::new(
            &FlowKey { src, dst, sport: 40_000, dport: 20_000, place },
            Time(1),
            0,
            &Segments::default(),
        )
    }

    #[test]
    fn a_datagram_that_ends_too_early_is_malformed_and_leaves_nothing_to_the_next() {
        let mut connection = to_dnp3();
        let restart = hex("056408c40a000100fc42 c0c00d9c86");
        let mut out = Vec::new();
        assert!(feed(&mut connection, Side::Client, None, &restart, restart.len(), &mut out));
        feed(&mut connection, Side::Client, None, &restart[..12], 12, &mut out);
        feed(&mut connection, Side::Client, None, &restart, restart.len(), &mut out);
        assert_eq!(commands(&out).len(), 2, "{out:?}");
        assert_eq!(out.iter().filter(|event| **event == Event::Malformed(Malformed::Truncated)).count(), 1);
    }
}
