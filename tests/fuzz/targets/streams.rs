//! Segments of one stream in any order, repeated, overlapping, cut: what comes out must be the stream.
//!
//! Every byte of the stream is its own sequence number, so bytes in order count upwards, and no overlap differs.
//! The input is a list of actions of four bytes: what to do, where, how long.
#![no_main]

use isthmus::state::stream::{Pushed, Stream};
use libfuzzer_sys::fuzz_target;

fn counts_upwards(bytes: &[u8]) {
    assert!(bytes.windows(2).all(|pair| pair[1] == pair[0].wrapping_add(1)), "{bytes:?}");
}

fuzz_target!(|data: &[u8]| {
    let mut stream = Stream::default();
    stream.remember_from_now();
    // Near the end of the sequence space, so that it wraps.
    let base = u32::MAX - 500;
    // A SYN may have said where it begins, or something else.
    if let Some([1, where_, ..]) = data.first_chunk::<4>() {
        stream.begin(base.wrapping_add(u32::from(*where_) << 4));
    }
    for action in data.chunks_exact(4) {
        let (at, len) = (u32::from(action[1]) << 4, usize::from(u16::from_le_bytes([action[2], action[3]])) % 3000);
        match action[0] % 8 {
            0 => stream.skip_hole(),
            1 => stream.discard(),
            2 => stream.release(),
            3 => {
                let (bytes, ..) = stream.view();
                counts_upwards(bytes);
                stream.consume(len);
            }
            kind => {
                let seq = base.wrapping_add(at);
                let payload: Vec<u8> = (0..len).map(|i| seq.wrapping_add(i as u32) as u8).collect();
                let wire_len = if kind == 4 { len + 100 } else { len };
                let (pushed, conflict) = stream.push(seq, &payload, wire_len);
                assert!(!conflict, "the same bytes differ");
                if let Pushed::Direct(bytes) = pushed {
                    counts_upwards(bytes);
                    stream.keep(bytes, usize::from(action[1]) % (bytes.len() + 1));
                }
            }
        }
        counts_upwards(stream.view().0);
        assert!(stream.kept() <= 512 << 10, "{} bytes", stream.kept());
    }
});
