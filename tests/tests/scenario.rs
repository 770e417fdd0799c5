//! The scenario is what it says: repeatable, in order, accepted by an independent dissector, and as its truth tells.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::BufWriter;
use std::path::{Path, PathBuf};
use std::process::Command;

use isthmus_tests::capture_file::{write_pcap, write_pcapng};
use isthmus_tests::conversation::{DAY, Frame};
use isthmus_tests::scenario::{Incident, IncidentOptions, Plant, Truth, ordinary_days, parse_time};

fn start() -> u64 {
    parse_time("2026-03-11T13:00:00Z").expect("a time")
}

/// The whole story with every act, and a transfer small enough for a test.
fn small_incident(seed: u64) -> Incident {
    let mut options = IncidentOptions::new(start(), seed);
    (options.rdp_up, options.rdp_down, options.stop, options.download) = (1_200_000, 3_000_000, true, true);
    Incident::new(&Plant::new(), &options)
}

fn variants() -> Vec<(&'static str, IncidentOptions)> {
    vec![
        ("full", IncidentOptions::new(start(), 1)),
        ("slow scan", IncidentOptions::slow_scan(start(), 1)),
        ("one write", IncidentOptions::one_write(start(), 1)),
        ("download and stop", IncidentOptions::download_and_stop(start(), 1)),
        ("new office computer", IncidentOptions::new_office_computer(start(), 1)),
    ]
}

/// Source, destination, protocol, source port, destination port.
type Ends = ([u8; 4], [u8; 4], u8, u16, u16);

/// The ends of an IPv4 frame; every one here has one tag and no options.
fn ends(frame: &Frame) -> Option<Ends> {
    let b = &frame.bytes;
    let address = |at: usize| [b[at], b[at + 1], b[at + 2], b[at + 3]];
    let word = |at: usize| u16::from_be_bytes([b[at], b[at + 1]]);
    (word(16) == 0x0800).then(|| (address(30), address(34), b[27], word(38), word(40)))
}

#[test]
fn the_same_seed_gives_the_same_bytes_and_another_seed_does_not() {
    let days = |seed| ordinary_days(&Plant::new(), seed, 1, start()).collect::<Vec<_>>();
    assert!(days(1) == days(1), "two runs with seed 1 differ");
    assert!(days(1) != days(2), "seeds 1 and 2 give the same day");
    let afternoon = |seed| small_incident(seed).into_frames().collect::<Vec<_>>();
    assert!(afternoon(1) == afternoon(1), "two runs with seed 1 differ");
    assert!(afternoon(1) != afternoon(2), "seeds 1 and 2 give the same afternoon");
}

#[test]
fn frames_come_in_order_of_time_and_inside_the_period() {
    for (name, options) in variants() {
        let mut last = start();
        for frame in Incident::new(&Plant::new(), &options).into_frames() {
            assert!(frame.at_ns >= last, "{name}: {} after {last}", frame.at_ns);
            last = frame.at_ns;
        }
        assert!(last < start() + Incident::LENGTH, "{name} ends at {last}");
    }
    let times: Vec<u64> = ordinary_days(&Plant::new(), 3, 2, start()).map(|f| f.at_ns).collect();
    assert!(times.is_sorted());
    assert!(times[0] >= start() - 2 * DAY && times[times.len() - 1] < start());
}

#[test]
fn every_frame_enters_on_the_leg_of_its_sender() {
    for frame in small_incident(1).into_frames() {
        let vlan = u16::from_be_bytes([frame.bytes[14], frame.bytes[15]]);
        assert_eq!(frame.leg == 1, vlan == 20, "VLAN {vlan} on leg {}", frame.leg);
        if let Some((source, destination, ..)) = ends(&frame) {
            let ot = source[..2] == [10, 20];
            assert_eq!(frame.leg == 1, ot, "from {source:?} on leg {}", frame.leg);
            // A routed frame is addressed to the gateway, whose cards are Advantech's.
            let routed = ot != (destination[..2] == [10, 20]);
            assert!(
                !routed || frame.bytes[..3] == [0x00, 0x0b, 0xab],
                "{source:?} to {destination:?} not routed"
            );
        }
    }
}

#[test]
fn five_ordinary_days_stay_small() {
    let (frames, bytes) =
        ordinary_days(&Plant::new(), 1, 5, start()).fold((0_u32, 0), |(n, b), f| (n + 1, b + f.bytes.len()));
    assert!((100_000..300_000).contains(&frames), "{frames} frames");
    assert!(bytes < 40_000_000, "{bytes} bytes");
}

#[test]
fn ordinary_life_never_crosses_from_it_to_controllers_nor_touches_the_stranger() {
    let plant = Plant::new();
    let stranger = plant.stranger.ip.octets();
    for frame in ordinary_days(&plant, 1, 2, start()) {
        let Some((source, destination, _, _, port)) = ends(&frame) else { continue };
        assert!(source != stranger && destination != stranger);
        assert!(!(frame.leg == 0 && [102, 502].contains(&port)), "{source:?} speaks to port {port}");
    }
}

#[test]
fn a_new_office_computer_never_enters_the_plant() {
    let options = IncidentOptions::new_office_computer(start(), 1);
    let newcomer = Plant::new().newcomer.ip.octets();
    let mut seen = 0;
    for frame in Incident::new(&Plant::new(), &options).into_frames() {
        let Some((source, destination, ..)) = ends(&frame) else { continue };
        seen += u32::from(source == newcomer);
        assert!(source != newcomer || destination[..2] != [10, 20]);
    }
    assert!(seen > 50, "only {seen} frames of the new computer");
}

#[test]
fn the_wire_agrees_with_the_truth_about_the_scan() {
    let mut options = IncidentOptions::new(start(), 5);
    (options.background, options.rdp) = (false, false);
    let incident = Incident::new(&Plant::new(), &options);
    let truth = incident.truth().clone();
    let device = truth.device_ip.octets();
    let mut tried: BTreeMap<u16, BTreeSet<[u8; 4]>> = BTreeMap::new();
    for frame in incident.into_frames() {
        if let Some((source, destination, 6, _, port)) = ends(&frame)
            && source == device
            && destination[..2] == [10, 20]
        {
            tried.entry(port).or_default().insert(destination);
        }
    }
    for scan in &truth.scans {
        assert_eq!(tried[&scan.port].len() as u32, scan.targets, "port {}", scan.port);
        assert_eq!(scan.answered + scan.refused + scan.unanswered, scan.targets);
    }
}

/// tshark's answer as lines, or `None` when it is not installed.
fn tshark(file: &Path, arguments: &[&str]) -> Option<Vec<String>> {
    let output = Command::new("tshark")
        .arg("-r")
        .arg(file)
        // After X.224, RDP is TLS; tshark would guess TPKT inside the ciphertext.
        .args(["-d", "tcp.port==3389,tls", "-d", "tcp.port==8443,tls"])
        .args([
            "-o",
            "ip.check_checksum:TRUE",
            "-o",
            "tcp.check_checksum:TRUE",
            "-o",
            "udp.check_checksum:TRUE",
        ])
        .args(arguments)
        .output();
    let Ok(output) = output else {
        println!("skipped: tshark is not installed");
        return None;
    };
    assert!(output.status.success(), "tshark: {}", String::from_utf8_lossy(&output.stderr));
    Some(String::from_utf8_lossy(&output.stdout).lines().map(str::to_owned).collect())
}

fn target(name: &str) -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join(name)
}

fn incident_file(name: &str) -> (PathBuf, Truth) {
    let path = target(name);
    let incident = small_incident(1);
    let truth = incident.truth().clone();
    let mut out = BufWriter::new(File::create(&path).expect("a file"));
    write_pcapng(&mut out, incident.into_frames()).expect("written");
    (path, truth)
}

fn assert_clean(path: &Path) {
    let Some(malformed) = tshark(path, &["-Y", "_ws.malformed || _ws.expert.severity == error"]) else {
        return;
    };
    assert!(malformed.is_empty(), "{malformed:#?}");
    let checksums = "ip.checksum.status == 0 || tcp.checksum.status == 0 || udp.checksum.status == 0";
    assert_eq!(tshark(path, &["-Y", checksums]), Some(Vec::new()));
}

#[test]
fn a_dissector_finds_nothing_wrong_with_an_ordinary_day() {
    let path = target("ordinary.pcap");
    let mut out = BufWriter::new(File::create(&path).expect("a file"));
    write_pcap(&mut out, ordinary_days(&Plant::new(), 1, 1, start())).expect("written");
    drop(out);
    assert_clean(&path);
}

#[test]
fn a_dissector_finds_nothing_wrong_with_the_incident() {
    assert_clean(&incident_file("clean.pcapng").0);
}

#[test]
fn a_dissector_counts_what_the_truth_says() {
    let (path, truth) = incident_file("counted.pcapng");
    let count = |filter: String| tshark(&path, &["-Y", &filter]).map(|lines| lines.len() as u32);
    let device = truth.device_ip;
    for (ip, account) in &truth.controllers {
        let to = format!("ip.src == {device} && ip.dst == {ip} &&");
        let filters = match account.port {
            102 => [
                ("s7comm.data.userdata.szl_id", account.discovers),
                ("s7comm.param.func == 0x04", account.reads),
                ("s7comm.param.func == 0x05", account.writes),
                ("s7comm.param.func == 0x29", account.stops),
                ("s7comm.param.func == 0x1a", account.downloads),
                ("s7comm.param.func == 0xf0", account.sessions),
            ],
            _ => [
                ("modbus.func_code == 43", account.discovers),
                ("modbus.func_code == 3", account.reads),
                ("modbus.func_code == 6", account.writes),
                ("modbus.func_code == 5", 0),
                ("modbus.func_code == 16", 0),
                ("modbus.exception_code", 0),
            ],
        };
        for (filter, expected) in filters {
            let Some(found) = count(format!("{to} {filter}")) else { return };
            assert_eq!(found, expected, "{ip}: {filter}");
        }
    }
    for host in &truth.tls {
        let hello = format!("ip.src == {device} && ip.dst == {} && tls.handshake.type == 1", host.ip);
        assert_eq!(count(hello.clone()), Some(host.connections), "{}", host.ip);
        assert_eq!(count(format!("{hello} && tls.handshake.extensions_server_name")), Some(0), "{}", host.ip);
        let certificate = format!("ip.src == {} && tls.handshake.type == 11", host.ip);
        assert_eq!(count(certificate), Some(host.connections), "{}", host.ip);
    }
    let rdp = truth.rdp.expect("a desktop session");
    for (from, to, expected) in
        [(device, rdp.server, rdp.client_bytes), (rdp.server, device, rdp.server_bytes)]
    {
        let filter = format!("ip.src == {from} && ip.dst == {to} && tcp.port == 3389");
        let lengths = tshark(&path, &["-Y", &filter, "-T", "fields", "-e", "tcp.len"]).expect("tshark");
        assert_eq!(lengths.iter().map(|l| l.parse::<u64>().expect("a length")).sum::<u64>(), expected);
    }
    let cookie = tshark(
        &path,
        &["-d", "tcp.port==3389,tpkt", "-Y", "rdp.rt_cookie", "-T", "fields", "-e", "rdp.rt_cookie"],
    );
    let cookie = cookie.expect("tshark").join("\n");
    assert!(cookie.contains("mstshash=Administr") && !cookie.contains("Administrator"), "{cookie}");
}
