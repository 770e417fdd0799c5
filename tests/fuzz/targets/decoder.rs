//! A decoder and its probe on anything both ends could say. `ISTHMUS_FUZZ_PROTOCOL` names the protocol.
//!
//! The input is a list of segments: flags (1 server, 2 cut, 4 behind a gap, 8 usual port), a length of two bytes, little
//! endian, and so many bytes.
#![no_main]

use std::sync::OnceLock;

use isthmus::protocol::{Input, Probe, Side, Spec, by_name};
use libfuzzer_sys::fuzz_target;

fn spec() -> &'static Spec {
    static SPEC: OnceLock<&'static Spec> = OnceLock::new();
    SPEC.get_or_init(|| {
        let name = std::env::var("ISTHMUS_FUZZ_PROTOCOL").unwrap_or_else(|_| "modbus".to_owned());
        by_name(&name).unwrap_or_else(|| panic!("no protocol `{name}`"))
    })
}

/// What waits for more, on one side: as much as a stream keeps.
const MOST: usize = 64 << 10;

fuzz_target!(|data: &[u8]| {
    let spec = spec();
    let mut decoder = (spec.decoder)();
    let mut waiting = [Vec::new(), Vec::new()];
    let mut rest = data;
    while let [flags, low, high, tail @ ..] = rest {
        let len = usize::from(u16::from_le_bytes([*low, *high])).min(tail.len());
        let (bytes, after) = tail.split_at(len);
        rest = after;
        let (side, index) = if flags & 1 == 0 { (Side::Client, 0) } else { (Side::Server, 1) };
        let (truncated, gap) = (flags & 2 != 0, flags & 4 != 0);
        (spec.probe)(Probe { bytes, side, hinted: flags & 8 != 0, from_start: !gap });
        let buffer: &mut Vec<u8> = &mut waiting[index];
        if gap || buffer.len() + bytes.len() > MOST {
            buffer.clear();
        }
        buffer.extend_from_slice(bytes);
        let mut out = Vec::new();
        let used = decoder.decode(Input { bytes: buffer, side, truncated, gap }, &mut out);
        assert!(used <= buffer.len(), "{} consumed {used} of {}", spec.name, buffer.len());
        // Every byte may be a message, and a message may say a few things; more would be a loop.
        assert!(out.len() <= 64 + 64 * buffer.len(), "{} events from {} bytes", out.len(), buffer.len());
        assert!(decoder.kept() <= 1 << 20, "{} keeps {} bytes", spec.name, decoder.kept());
        buffer.drain(..used);
        if truncated {
            buffer.clear();
        }
    }
});
