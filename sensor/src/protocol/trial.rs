//! What tests of decoders of datagrams need beside [`super::testing`].

use proptest::prelude::*;

use super::{Asset, AssetField, Command, Decode, Event, Input, Probe, Side, Spec, Verdict};

/// Feeds one datagram, frame or piece of a stream.
pub fn feed(decoder: &mut dyn Decode, side: Side, bytes: &[u8]) -> Vec<Event> {
    let mut out = Vec::new();
    let used = decoder.decode(Input { bytes, side, truncated: false, gap: false }, &mut out);
    assert_eq!(used, bytes.len(), "all of it is taken");
    out
}

/// As [`feed`], where exactly one command comes of it.
pub fn one(decoder: &mut dyn Decode, side: Side, bytes: &[u8]) -> Command {
    let events = feed(decoder, side, bytes);
    let commands: Vec<&Command> = events
        .iter()
        .filter_map(|event| if let Event::Command(command) = event { Some(command) } else { None })
        .collect();
    match commands.as_slice() {
        [command] => (*command).clone(),
        other => panic!("{other:?} in {events:?}"),
    }
}

/// The facts among events.
pub fn facts(events: &[Event]) -> Vec<(Side, AssetField, &str)> {
    events
        .iter()
        .filter_map(|event| match event {
            Event::Asset(Asset { side, field, value }) => Some((*side, *field, &**value)),
            _ => None,
        })
        .collect()
}

/// What the probe of `spec` says of first bytes of the client.
pub fn ask(spec: &Spec, bytes: &[u8], hinted: bool) -> Verdict {
    (spec.probe)(Probe { bytes, side: Side::Client, hinted, from_start: true })
}

/// Probe and decoder live through `bytes` whatever the circumstances, and take no more than they were given.
pub fn survives(spec: &Spec, bytes: &[u8]) {
    for side in [Side::Client, Side::Server] {
        for (truncated, gap) in [(false, false), (true, false), (false, true), (true, true)] {
            let mut decoder = (spec.decoder)();
            let mut out = Vec::new();
            // Twice: what the first left behind meets the second.
            for _ in 0..2 {
                let used = decoder.decode(Input { bytes, side, truncated, gap }, &mut out);
                assert!(used <= bytes.len(), "{used} of {}", bytes.len());
            }
        }
        for hinted in [true, false] {
            for from_start in [true, false] {
                (spec.probe)(Probe { bytes, side, hinted, from_start });
            }
        }
    }
}

/// Real messages with some bytes changed, cut or repeated: what random bytes never reach.
pub fn near(messages: &'static [&'static [u8]]) -> impl Strategy<Value = Vec<u8>> {
    let changes = prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6);
    (prop::sample::select(messages), changes, any::<prop::sample::Index>(), any::<bool>()).prop_map(
        |(message, changes, cut, whole)| {
            let mut bytes = message.to_vec();
            for (at, byte) in changes {
                if !bytes.is_empty() {
                    let at = at.index(bytes.len());
                    bytes[at] = byte;
                }
            }
            if !whole && !bytes.is_empty() {
                bytes.truncate(cut.index(bytes.len()));
            }
            bytes
        },
    )
}
