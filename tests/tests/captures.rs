//! Real captures, against figures of an independent dissector (tshark 4.0). They are found by `ISTHMUS_CAPTURES` or in
//! `../shared/captures` beside the repository; without them these tests say that they skip.

#![expect(clippy::unwrap_used, reason = "a failing test shows where")]

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Command;

use isthmus::detect::finding::{Basis, Finding};
use isthmus::engine::Engine;
use isthmus::incident::Incidents;
use isthmus::mind::Mind;
use isthmus::observer::Observer;
use isthmus::protocol::{Command as Message, Direction, Side, rdp};
use isthmus::source::Source as _;
use isthmus::source::replay::{Replay, ReplayOptions};
use isthmus::state::World;
use isthmus::state::connection::Connection;
use isthmus::state::world::Settings;
use isthmus::state::zone::Zones;
use isthmus::time::Time;

fn captures() -> Option<PathBuf> {
    let beside = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/captures"));
    let dir = std::env::var_os("ISTHMUS_CAPTURES").map_or(beside, PathBuf::from);
    if dir.is_dir() {
        return Some(dir);
    }
    eprintln!("skipped: no captures in {} (set ISTHMUS_CAPTURES)", dir.display());
    None
}

#[derive(Default)]
struct Seen {
    requests: BTreeMap<String, u64>,
    refused: BTreeMap<u32, u64>,
    cookies: Vec<String>,
    protocols: Vec<u32>,
    selected: Vec<u32>,
    findings: Vec<Finding>,
}

impl Observer for Seen {
    fn command(&mut self, _: &Connection, command: &Message, _: Side, _: Time) {
        if command.direction == Direction::Request {
            *self.requests.entry(command.code_text.to_string()).or_default() += 1;
        }
        if let isthmus::protocol::Status::Refused(code, _) = command.status {
            *self.refused.entry(code).or_default() += 1;
        }
    }

    fn rdp(&mut self, _: &Connection, handshake: &rdp::Handshake, _: Time) {
        match handshake {
            rdp::Handshake::Request { cookie, protocols, .. } => {
                self.cookies.extend(cookie.iter().map(ToString::to_string));
                self.protocols.extend(*protocols);
            }
            rdp::Handshake::Confirm { selected, .. } => self.selected.extend(*selected),
        }
    }

    fn finding(&mut self, finding: &Finding) {
        self.findings.push(finding.clone());
    }
}

fn replay(file: &str, settings: Settings) -> Option<Seen> {
    let path = captures()?.join(file);
    let mut source = Replay::open(&[path], ReplayOptions::default()).unwrap();
    let mut engine = Engine::new(Mind::new(World::new(settings, Zones::default()), Incidents::default()));
    let mut seen = Seen::default();
    loop {
        let more = source.poll(&mut |record| engine.record(record, &mut seen)).unwrap();
        source.apply(&engine.take_wishes());
        if !more {
            break;
        }
    }
    engine.finish(&mut seen);
    Some(seen)
}

fn requests(file: &str, expected: &[(&str, u64)]) {
    let Some(seen) = replay(file, Settings::default()) else { return };
    let expected: BTreeMap<String, u64> = expected.iter().map(|(code, n)| ((*code).to_owned(), *n)).collect();
    assert_eq!(seen.requests, expected, "{file}");
}

#[test]
fn every_s7_request_of_snap7_is_listed() {
    requests(
        "s7_snap7_everything.pcapng",
        &[
            ("0x04", 2),
            ("0x05", 2),
            ("0x1d", 5),
            ("0x1e", 4),
            ("0x1f", 4),
            ("0x28", 3),
            ("0x29", 1),
            ("0xf0", 1),
            ("3/1", 1),
            ("3/3", 1),
            ("4/1", 6),
            ("7/1", 1),
            ("7/2", 1),
        ],
    );
}

#[test]
fn a_real_plants_s7_requests_are_counted_exactly() {
    requests("plant1_s7.pcap", &[("0x04", 4672), ("0x05", 612)]);
}

#[test]
fn a_real_plants_modbus_requests_are_counted_exactly() {
    requests("plant1_modbus.pcap", &[("1", 1519), ("15", 2115), ("16", 14), ("2", 1574), ("4", 2768)]);
}

#[test]
fn extra_masters_requests_are_counted_exactly() {
    requests("modbus_multi_master.pcap", &[("4", 1079), ("6", 63)]);
}

#[test]
fn a_block_download_is_listed_request_by_request() {
    requests(
        "s7_download_db1.pcap",
        &[
            ("0x1a", 1),
            ("0x1b", 3),
            ("0x1c", 1),
            ("0x28", 1),
            ("0xf0", 3),
            ("3/1", 5),
            ("3/2", 2),
            ("3/3", 1),
            ("4/1", 7),
        ],
    );
}

#[test]
fn requests_behind_bytes_that_were_not_captured_are_listed_too() {
    requests(
        "s7_step7_download.pcapng",
        &[
            ("0x1a", 1),
            ("0x1b", 1),
            ("0x1c", 1),
            ("0x28", 1),
            ("0xf0", 1),
            ("1/16", 1),
            ("3/2", 16),
            ("3/3", 24),
            ("4/2", 2),
        ],
    );
}

#[test]
fn a_function_code_scan_asks_every_code_and_is_refused_as_the_dissector_says() {
    let Some(seen) = replay("modbus_function_scan.pcap", Settings::default()) else { return };
    let codes: std::collections::BTreeSet<&str> =
        seen.requests.keys().map(|code| code.split('/').next().unwrap_or(code)).collect();
    assert_eq!(codes.len(), 128, "every function code 0 to 127: {codes:?}");
    assert_eq!(seen.refused, BTreeMap::from([(1, 104), (2, 8), (3, 18)]));
}

#[test]
fn rdp_captures_give_their_cookies_and_protocols() {
    for (file, cookies, protocols, selected) in [
        ("rdp_cookie_administr.pcap", vec!["Administr"], None, None),
        ("rdp_cookie_user_tls.pcap", vec!["AWAKECODI"; 2], Some(3), Some(2)),
        ("rdp_no_cookie.pcap", vec![], Some(0x0b), Some(8)),
        ("rdp_standard_security.pcap", vec!["A70067"], None, None),
    ] {
        let Some(seen) = replay(file, Settings::default()) else { return };
        assert_eq!(seen.cookies, cookies, "{file}");
        if protocols.is_some() {
            assert_eq!(seen.protocols.first().copied(), protocols, "{file}");
            assert_eq!(seen.selected.first().copied(), selected, "{file}");
        }
    }
}

#[test]
fn a_stop_is_a_rule_from_the_first_packet() {
    for file in ["s7_snap7_everything.pcapng", "s7_step7_stop.pcapng"] {
        let Some(seen) = replay(file, Settings::default()) else { return };
        let stops: Vec<_> = seen.findings.iter().filter(|f| f.model == "controller_state").collect();
        assert_eq!(stops.len(), 1, "{file}");
        assert_eq!(stops[0].basis, Basis::Rule, "{file}");
    }
}

#[test]
fn benign_captures_raise_nothing_while_learning() {
    for file in [
        "s7_wincc_read_write.pcapng",
        "plant1_modbus.pcap",
        "plant1_s7.pcap",
        "tls_sni_benign.pcap",
        "bulk_smb_internal.pcap",
    ] {
        let Some(seen) = replay(file, Settings::default()) else { return };
        assert!(seen.findings.is_empty(), "{file}: {:?}", seen.findings);
    }
}

#[test]
fn every_capture_is_analysed_without_a_panic_in_either_stage() {
    let Some(dir) = captures() else { return };
    for entry in std::fs::read_dir(dir).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        if name.contains(".pcap") {
            for operational in [false, true] {
                replay(&name, Settings { operational, ..Settings::default() });
            }
        }
    }
}

#[test]
fn every_capture_is_a_whole_file_for_the_dissector_too() {
    let (Some(dir), Ok(_)) = (captures(), Command::new("capinfos").arg("--version").output()) else {
        eprintln!("skipped: capinfos (tshark) is not installed");
        return;
    };
    let out = Command::new("capinfos").args(["-c", "-M"]).arg(dir.join("plant1_s7.pcap")).output().unwrap();
    assert!(String::from_utf8_lossy(&out.stdout).contains("22234"));
}
