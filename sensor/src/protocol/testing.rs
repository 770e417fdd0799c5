//! What the decoders' tests share.

use proptest::prelude::*;

use super::*;

/// Feeds `bytes` in pieces that end at the `cuts`, as the engine does: what is left comes again.
pub fn feed(decoder: &mut dyn Decode, side: Side, bytes: &[u8], cuts: &[usize]) -> Vec<Event> {
    let (mut out, mut from) = (Vec::new(), 0);
    for to in cuts.iter().copied().chain([bytes.len()]) {
        let input = Input { bytes: &bytes[from.min(to)..to], side, truncated: false, gap: false };
        let used = decoder.decode(input, &mut out);
        assert!(used <= input.bytes.len());
        from += used;
    }
    out
}

/// The commands among events.
pub fn commands(events: &[Event]) -> Vec<&Command> {
    let commands = events.iter().map(|event| match event {
        Event::Command(command) => Some(command),
        _ => None,
    });
    commands.flatten().collect()
}

/// The facts among events.
pub fn facts(events: &[Event]) -> Vec<(AssetField, &str)> {
    let facts = events.iter().map(|event| match event {
        Event::Asset(asset) => Some((asset.field, &*asset.value)),
        _ => None,
    });
    facts.flatten().collect()
}

/// Bytes as hexadecimal text, blanks allowed.
pub fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
    digits.chunks(2).map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
}

/// Decodes and probes in every mood: nothing may panic, nothing more than given may be consumed.
pub fn survives(spec: &Spec, bytes: &[u8]) -> Result<(), TestCaseError> {
    for side in [Side::Client, Side::Server] {
        let mut decoder = (spec.decoder)();
        for (truncated, gap) in [(false, false), (false, true), (true, false), (true, true)] {
            let used = decoder.decode(Input { bytes, side, truncated, gap }, &mut Vec::new());
            prop_assert!(used <= bytes.len());
        }
        for (hinted, from_start) in [(false, false), (false, true), (true, false), (true, true)] {
            (spec.probe)(Probe { bytes, side, hinted, from_start });
        }
    }
    Ok(())
}

/// However a stream is cut into segments, its events are the same.
pub fn same_however_cut(
    spec: &Spec,
    bytes: &[u8],
    cuts: &[prop::sample::Index],
) -> Result<(), TestCaseError> {
    let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
    cuts.sort_unstable();
    for side in [Side::Client, Side::Server] {
        let whole = feed(&mut *(spec.decoder)(), side, bytes, &[]);
        prop_assert_eq!(whole, feed(&mut *(spec.decoder)(), side, bytes, &cuts));
    }
    Ok(())
}

/// As [`same_however_cut`], for messages of the protocol with other bytes among them.
pub fn same_among_garbage(
    spec: &Spec,
    messages: &[Vec<u8>],
    parts: &[(prop::sample::Index, Vec<u8>)],
    cuts: &[prop::sample::Index],
) -> Result<(), TestCaseError> {
    let bytes: Vec<u8> = parts
        .iter()
        .flat_map(|(which, garbage)| [&messages[which.index(messages.len())][..], garbage].concat())
        .collect();
    same_however_cut(spec, &bytes, cuts)
}

/// What a probe says of the first client bytes of a connection.
pub fn ask(spec: &Spec, bytes: &[u8], hinted: bool) -> Verdict {
    (spec.probe)(Probe { bytes, side: Side::Client, hinted, from_start: true })
}

/// The first bytes of protocols that turn up on anybody's port.
pub const STRANGERS: &[&[u8]] = &[
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\x00\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f",
    b"GET / HTTP/1.1\r\nHost: 10.0.0.1\r\nUser-Agent: zgrab\r\n\r\n",
    b"SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u3\r\n",
    b"\x03\x00\x00\x2f\x2a\xe0\x00\x00\x00\x00\x00Cookie: mstshash=admin\r\n\x01\x00\x08\x00\x03\x00\x00\x00",
    b"\x03\x00\x00\x16\x11\xe0\x00\x00\x00\x01\x00\xc1\x02\x01\x00\xc2\x02\x01\x02\xc0\x01\x0a",
    b"\x05\x00\x0b\x03\x10\x00\x00\x00\x48\x00\x00\x00\x7f\x00\x00\x00\xd0\x16\xd0\x16\x00\x00\x00\x00",
    b"\x80\x00\x00\x28\x72\xfe\x1d\x13\x00\x00\x00\x00\x00\x00\x00\x02\x00\x01\x86\xa0\x00\x01\x97\x7c",
    b"MGLNDD_192.168.10.111_44818\n",
    b"\x00\x01\x00\x00\x00\x06\x01\x03\x00\x00\x00\x02",
    b"\x00\x00\x00\x54\xffSMB\x72\x00\x00\x00\x00\x18\x01\x28\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00",
    b"\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00",
];

/// What a probe says of a client's first bytes, off the protocol's ports.
pub fn verdict(spec: &Spec, bytes: &[u8]) -> Verdict {
    ask(spec, bytes, false)
}

/// What a probe says of a server's first bytes, off the protocol's ports.
pub fn server_verdict(spec: &Spec, bytes: &[u8]) -> Verdict {
    (spec.probe)(Probe { bytes, side: Side::Server, hinted: false, from_start: true })
}

/// Everything decoded from what is said in turn.
pub fn events(spec: &Spec, said: &[(Side, &[u8])]) -> Vec<Event> {
    let mut decoder = (spec.decoder)();
    let mut out = Vec::new();
    for (side, bytes) in said {
        decoder.decode(Input { bytes, side: *side, truncated: false, gap: false }, &mut out);
    }
    out
}

/// The facts among [`events`], and whose they are.
pub fn assets(spec: &Spec, said: &[(Side, &[u8])]) -> Vec<(Side, AssetField, String)> {
    events(spec, said)
        .into_iter()
        .filter_map(|event| match event {
            Event::Asset(asset) => Some((asset.side, asset.field, asset.value.to_string())),
            _ => None,
        })
        .collect()
}

/// Random bytes behind the beginnings of small protocols, in every mood.
pub fn never_panics(spec: &'static Spec) {
    let starts: [&[u8]; 7] =
        [b"", b"SSH-", b"220 ", b"\0\0\0\x80\xfeSMB", b"\x01\x01\x06\0", b"\x02\x07\x04", b"\xff\xfb\x01"];
    let bytes = (0..starts.len(), proptest::collection::vec(any::<u8>(), 0..300));
    proptest!(ProptestConfig::with_cases(64), |((start, rest) in bytes)| {
        survives(spec, &[starts[start], &rest].concat())?;
    });
    for stranger in STRANGERS {
        survives(spec, stranger).unwrap();
    }
}
