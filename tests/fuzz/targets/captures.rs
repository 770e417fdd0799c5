//! Any bytes as a capture file.
#![no_main]

use std::path::PathBuf;
use std::sync::OnceLock;

use isthmus::source::capture::Capture;
use libfuzzer_sys::fuzz_target;

/// Files are read through a path: one file of this process, in memory where the system has such a place.
fn path() -> &'static PathBuf {
    static PATH: OnceLock<PathBuf> = OnceLock::new();
    PATH.get_or_init(|| {
        let memory = PathBuf::from("/dev/shm");
        let dir = if memory.is_dir() { memory } else { std::env::temp_dir() };
        dir.join(format!("isthmus-fuzz-{}", std::process::id()))
    })
}

fuzz_target!(|data: &[u8]| {
    std::fs::write(path(), data).expect("a temporary file");
    if let Ok(mut capture) = Capture::open(path()) {
        let mut packets = 0_usize;
        while let Some(packet) = capture.next() {
            let Ok(packet) = packet else { continue };
            assert!(packet.frame.len() <= packet.wire_len as usize);
            packets += 1;
            // A gzipped byte may be a thousand.
            assert!(packets <= 2048 * (data.len() + 1), "more packets than bytes");
        }
    }
    let _ = std::fs::remove_file(path());
});
