//! From a connection's bytes to protocol events: probing, then decoding.

use sensor_ebpf::flow::Transport;

use crate::protocol::{Event, Input, Probe, REGISTRY, Side, Verdict};
use crate::state::connection::{Connection, index, listed};

/// Bytes of one side after which content that nobody claims stays unknown.
const MAX_PROBED: usize = 2048;
/// Segments at which a connection joined in the middle is probed anew.
const MAX_ATTEMPTS: u8 = 16;

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
    let Some(stream) = connection.streams.get_mut(index(side)) else { return false };
    stream.push(seq, payload, wire_len);
    drain(connection, side, out)
}

/// Goes on after a hole was given up or a segment arrived.
pub fn drain(connection: &mut Connection, side: Side, out: &mut Vec<Event>) -> bool {
    let mut identified = false;
    if connection.protocol.is_none() {
        identified = identify(connection, side);
        if !identified {
            return false;
        }
        // What the other side said while nobody knew is decoded first if it is the client's.
        if side == Side::Server {
            decode(connection, Side::Client, out);
        }
        decode(connection, side, out);
        decode(connection, side.other(), out);
    } else {
        decode(connection, side, out);
    }
    identified
}

fn decode(connection: &mut Connection, side: Side, out: &mut Vec<Event>) {
    let Connection { decoder, streams, .. } = connection;
    let (Some(decoder), Some(stream)) = (decoder, streams.get_mut(index(side))) else { return };
    loop {
        let (bytes, gap, truncated) = stream.view();
        if bytes.is_empty() {
            return;
        }
        let before = bytes.len();
        let consumed = decoder.decode(Input { bytes, side, truncated, gap }, out);
        if consumed == 0 && !truncated {
            return;
        }
        stream.consume(consumed);
        if truncated || consumed >= before {
            return;
        }
    }
}

fn identify(connection: &mut Connection, side: Side) -> bool {
    let Some(stream) = connection.streams.get(index(side)) else { return false };
    let (bytes, ..) = stream.view();
    match probe(connection, side, bytes) {
        Found::Yes(spec) => {
            connection.protocol = Some(spec);
            connection.decoder = Some((spec.decoder)());
            connection.candidates = 0;
            return true;
        }
        Found::Undecided(candidates) if bytes.len() < MAX_PROBED => connection.candidates = candidates,
        _ => {
            // Joined in the middle, or behind a gap: the next segment may begin with a PDU.
            connection.attempts = connection.attempts.saturating_add(1);
            let again = !connection.from_start && connection.attempts < MAX_ATTEMPTS;
            connection.candidates = if again { u64::MAX } else { 0 };
            if let Some(stream) = connection.streams.get_mut(index(side)) {
                stream.discard();
            }
        }
    }
    false
}

enum Found {
    Yes(&'static crate::protocol::Spec),
    Undecided(u64),
}

fn probe(connection: &Connection, side: Side, bytes: &[u8]) -> Found {
    let hint = listed(connection.transport, connection.server.port);
    let port = connection.port();
    let mut left = connection.candidates;
    // The protocol of the port is asked first: where bytes allow two, the port decides.
    let mut order: Vec<usize> = (0..REGISTRY.len()).collect();
    order.sort_by_key(|i| !matches!((REGISTRY.get(*i), hint), (Some(a), Some(b)) if a.name == b.name));
    for i in order {
        let bit = 1_u64.checked_shl(u32::try_from(i).unwrap_or(u32::MAX)).unwrap_or(0);
        let Some(spec) = REGISTRY.get(i).filter(|_| left & bit != 0) else { continue };
        let hinted = port.is_some_and(|port| spec.ports.contains(&port));
        // EtherTypes are assigned, ports are not: what an EtherType is for, and nothing else, travels under it.
        if !hinted && (connection.link.is_some() || spec.is_link_layer()) {
            left &= !bit;
            continue;
        }
        match (spec.probe)(Probe { bytes, side, hinted, from_start: connection.from_start }) {
            Verdict::Yes => return Found::Yes(spec),
            Verdict::NeedMore => {}
            Verdict::No => left &= !bit,
        }
    }
    let known = 1_u64
        .checked_shl(u32::try_from(REGISTRY.len()).unwrap_or(u32::MAX))
        .map_or(u64::MAX, |n| n.saturating_sub(1));
    Found::Undecided(left & known)
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
        if let Found::Yes(spec) = probe(connection, side, payload) {
            connection.protocol = Some(spec);
            connection.decoder = Some((spec.decoder)());
            identified = true;
        }
    }
    if let Some(decoder) = &mut connection.decoder {
        decoder.decode(Input { bytes: payload, side, truncated: payload.len() < wire_len, gap: false }, out);
    }
    identified
}
