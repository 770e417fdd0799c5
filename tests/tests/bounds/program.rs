//! The program as an analyst uses it who is handed one capture: everybody is judged, nothing was learned.

use std::ffi::OsString;
use std::io::BufWriter;
use std::path::Path;

use isthmus_tests::capture_file::write_pcap;
use isthmus_tests::scenario::Plant;

use super::{at_most, child, floods, size};

/// Set in the process that is the program: the capture.
const CAPTURE: &str = "ISTHMUS_TEST_FLOOD_CAPTURE";
/// What its tables hold together at most, with the default limits, in MiB.
const BOUND_MIB: u64 = 768;

/// The program, in a process that may not have more memory.
#[test]
fn is_isthmus() {
    let Some(capture) = std::env::var_os(CAPTURE) else { return };
    at_most(BOUND_MIB);
    let arguments = ["isthmus", "replay", "--stage", "operational", "--format", "json"].map(OsString::from);
    let code = isthmus::cli::main_with(arguments.into_iter().chain([capture]));
    std::process::exit(i32::from(code != std::process::ExitCode::SUCCESS));
}

fn flooded(kind: &str, short: u64) {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("flood-{kind}.pcap"));
    let mut out = BufWriter::new(std::fs::File::create(&path).unwrap());
    let count = size(short);
    write_pcap(&mut out, floods::half(kind, count, 0).chain(floods::half(kind, count, 1))).unwrap();
    drop(out);
    let text = child("program::is_isthmus", CAPTURE, path.to_str().unwrap());
    std::fs::remove_file(&path).unwrap();
    // The attacker's write stands there with who, whom and what.
    let attacker = format!("\"ip\":\"{}\"", Plant::new().stranger.ip);
    let findings: Vec<&str> = text.lines().filter(|line| line.contains("isthmus.finding")).collect();
    let written = findings.iter().any(|line| line.contains(&attacker) && line.contains("\"new_action\""));
    assert!(written, "{kind}: the real attacker is not among {} findings", findings.len());
    assert!(findings.len() < 5000, "{kind}: {} findings", findings.len());
}

#[test]
fn a_capture_of_spoofed_sources_is_bounded_and_hides_nobody() {
    flooded("spoofed", 40_000);
}

#[test]
fn a_capture_of_a_network_scan_is_bounded_and_hides_nobody() {
    flooded("scan", 40_000);
}

#[test]
fn a_capture_of_names_is_bounded_and_hides_nobody() {
    flooded("names", 20_000);
}
