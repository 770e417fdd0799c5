use std::collections::BTreeMap;
use std::fs;
use std::path::{Path as FilePath, PathBuf};
use std::time::Duration;

use sensor_ebpf::flow::{FlowKey, Transport};
use sensor_ebpf::policy::{Class, Endpoint};
use sensor_ebpf::record::{Reason, Ring};
use sensor_ebpf::wire::transport::flag;

use super::*;
use crate::source::capture::Capture;
use crate::source::capture::streams::captures;
use crate::source::{FlowEvent, Loss, Storm};
use crate::time::Time;

const SECOND: u64 = Time::SECOND;
/// When the captures made here begin: no multiple of a second.
const START: u64 = 1_700_000_000 * SECOND + SECOND / 4;

/// A record that stays.
#[derive(Clone, Debug, PartialEq)]
enum Kept {
    Flow(FlowEvent),
    Frame(Time, FlowKey, Ring, Vec<u8>, usize),
    Storm(Storm),
    Loss(Loss),
    Tick(Time),
}

impl Kept {
    fn at(&self) -> Time {
        match self {
            Self::Flow(event) => event.at,
            Self::Frame(at, ..) | Self::Tick(at) => *at,
            Self::Storm(storm) => storm.at,
            Self::Loss(loss) => loss.at,
        }
    }
}

impl From<Record<'_>> for Kept {
    fn from(record: Record<'_>) -> Self {
        match record {
            Record::Flow(event) => Self::Flow(event),
            Record::Frame(frame) => {
                Self::Frame(frame.at, frame.key, frame.ring, frame.frame.to_vec(), frame.payload().len())
            }
            Record::Storm(storm) => Self::Storm(storm),
            Record::Loss(loss) => Self::Loss(loss),
            Record::Tick(at) => Self::Tick(at),
        }
    }
}

/// All records, and how it ended.
fn run(replay: &mut Replay) -> (Vec<Kept>, anyhow::Result<bool>) {
    let mut records = Vec::new();
    loop {
        match replay.poll(&mut |record| records.push(record.into())) {
            Ok(true) => {}
            end => return (records, end),
        }
    }
}

fn records(files: &[PathBuf], options: ReplayOptions) -> (Vec<Kept>, Replay) {
    let mut replay = Replay::open(files, options).unwrap();
    let (records, end) = run(&mut replay);
    assert!(matches!(end, Ok(false)), "{end:?}");
    (records, replay)
}

/// Packets and bytes by who, to whom and over which ports, whatever the interface.
fn totals(records: &[Kept]) -> BTreeMap<([u64; 4], u32, u32), (u64, u64)> {
    let mut totals = BTreeMap::new();
    for record in records {
        if let Kept::Flow(FlowEvent { key, packets, bytes, .. }) = record {
            let ports = u32::from(key.sport) << 16 | u32::from(key.dport);
            let who = [key.src[0], key.src[1], key.dst[0], key.dst[1]];
            let sum: &mut (u64, u64) = totals.entry((who, ports, key.place)).or_default();
            *sum = (sum.0 + packets, sum.1 + bytes);
        }
    }
    totals
}

fn ticks(records: &[Kept]) -> Vec<u64> {
    let second = |record: &Kept| match record {
        Kept::Tick(at) => Some(at.0),
        _ => None,
    };
    records.iter().filter_map(second).collect()
}

/// A folder of this test's own, removed on drop.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("isthmus-replay-{}-{name}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        Self(folder)
    }

    /// A pcap file with nanoseconds, each packet cut to `snap` bytes.
    fn pcap(&self, name: &str, packets: &[(u64, Vec<u8>)], snap: usize) -> PathBuf {
        let mut bytes = Vec::new();
        for word in [0xa1b2_3c4d, 0x0004_0002, 0, 0, 0x4_0000, 1_u32] {
            bytes.extend_from_slice(&word.to_le_bytes());
        }
        for (at, frame) in packets {
            let held = frame.get(..snap).unwrap_or(frame);
            for word in [at / SECOND, at % SECOND, held.len() as u64, frame.len() as u64] {
                bytes.extend_from_slice(&(word as u32).to_le_bytes());
            }
            bytes.extend_from_slice(held);
        }
        self.file(name, &bytes)
    }

    fn file(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.0.join(name);
        fs::write(&path, bytes).unwrap();
        path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // What cannot be removed stays in the folder for temporary files.
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// From 10.0.0.1 to 10.0.`host`, TCP.
fn tcp(host: u16, sport: u16, dport: u16, flags: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 8, 0];
    let [high, low] = host.to_be_bytes();
    let total = 40 + payload.len() as u16;
    frame.extend_from_slice(&[0x45, 0]);
    frame.extend_from_slice(&total.to_be_bytes());
    frame.extend_from_slice(&[0, 0, 0, 0, 64, 6, 0, 0, 10, 0, 0, 1, 10, 1, high, low]);
    frame.extend_from_slice(&sport.to_be_bytes());
    frame.extend_from_slice(&dport.to_be_bytes());
    frame.extend_from_slice(&[0, 0, 0, 1, 0, 0, 0, 1, 0x50, flags, 1, 0, 0, 0, 0, 0]);
    frame.extend_from_slice(payload);
    frame
}

/// IP packets and their bytes in a capture, counted without the packet path.
fn ip_packets(file: &FilePath) -> (u64, u64) {
    let mut capture = Capture::open(file).unwrap();
    let (mut packets, mut bytes) = (0, 0);
    while let Some(packet) = capture.next() {
        let packet = packet.unwrap();
        let half = |at: usize| {
            packet.frame.get(at..at + 2).map_or(0, |b| u64::from(u16::from_be_bytes([b[0], b[1]])))
        };
        let mut at = 12;
        while [0x8100, 0x88a8].contains(&half(at)) && at < 20 {
            at += 4;
        }
        match half(at) {
            // Zero is what segmentation offload writes.
            0x0800 if half(at + 4) == 0 => bytes += u64::from(packet.wire_len) - at as u64 - 2,
            0x0800 => bytes += half(at + 4),
            0x86dd => bytes += half(at + 6) + 40,
            _ => continue,
        }
        packets += 1;
    }
    (packets, bytes)
}

fn every_capture(mut each: impl FnMut(&FilePath)) {
    let Some(folder) = captures() else { return };
    let mut files: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|file| file.extension().is_some_and(|end| end == "pcap" || end == "pcapng"));
    files.sort();
    assert!(files.len() > 60);
    files.iter().for_each(|file| each(file));
}

#[test]
fn every_packet_of_every_capture_is_in_one_flow_event() {
    every_capture(|file| {
        let (records, replay) = records(&[file.to_owned()], ReplayOptions::default());
        let ip = |(key, sum): (&([u64; 4], u32, u32), &(u64, u64))| {
            (key.2 >> 28 != Transport::Ethernet as u32).then_some(*sum)
        };
        let sums = totals(&records);
        let seen = sums.iter().filter_map(ip).fold((0, 0), |a, b| (a.0 + b.0, a.1 + b.1));
        let counted = |counter: Counter| replay.counters()[counter as usize];
        let unread = counted(Counter::Cut) + counted(Counter::Bad) + counted(Counter::Storm);
        if unread == 0 {
            assert_eq!(seen, ip_packets(file), "{}", file.display());
        }
        let all: u64 = sums.values().map(|sum| sum.0).sum();
        assert_eq!(all + unread, counted(Counter::Packets), "{}", file.display());
        assert!(!records.iter().any(|record| matches!(record, Kept::Loss(_))), "{}", file.display());
    });
}

#[test]
fn records_of_every_capture_come_in_order_with_a_tick_for_each_second() {
    every_capture(|file| {
        let (records, _) = records(&[file.to_owned()], ReplayOptions::default());
        assert!(records.is_sorted_by_key(Kept::at), "{}", file.display());
        let ticks = ticks(&records);
        let (last, seconds) = ticks.split_last().unwrap();
        for pair in seconds.windows(2) {
            let steps = (pair[1] - pair[0]) / SECOND;
            assert!(steps == 1 || steps > 0 && ticks.len() > 1000, "{}: {pair:?}", file.display());
            assert_eq!(pair[0] % SECOND, 0);
        }
        let end = records.iter().map(Kept::at).max().unwrap();
        assert_eq!(*last, end.0, "{}", file.display());
    });
}

#[test]
fn spreading_frames_over_cpus_and_tiny_caches_changes_no_total() {
    every_capture(|file| {
        let files = [file.to_owned()];
        let (whole, _) = records(&files, ReplayOptions::default());
        let (spread, replay) = records(
            &files,
            ReplayOptions { cpus: 3, sets: 4, secrets: [3, 5, 7, 9, 11], ..ReplayOptions::default() },
        );
        assert_eq!(totals(&whole), totals(&spread), "{}", file.display());
        assert_eq!(replay.counters()[Counter::Storm as usize], 0, "{}", file.display());
    });
}

#[test]
fn a_capture_cut_in_two_gives_the_same_records() {
    let Some(captures) = captures() else { return };
    let folder = Folder::new("cut");
    for name in ["plant1_s7.pcap", "iot_scan_outbound.pcap", "iec104_polling.pcap"] {
        let mut capture = Capture::open(&captures.join(name)).unwrap();
        let mut packets = Vec::new();
        while let Some(packet) = capture.next() {
            let packet = packet.unwrap();
            assert_eq!(packet.frame.len(), packet.wire_len as usize, "{name} is cut short already");
            packets.push((packet.at.0, packet.frame.into_owned()));
        }
        let (one, two) = packets.split_at(packets.len() / 3);
        let parts = [folder.pcap("one", one, 1 << 18), folder.pcap("two", two, 1 << 18)];
        let (whole, _) = records(&[captures.join(name)], ReplayOptions::default());
        let (cut, _) = records(&parts, ReplayOptions::default());
        assert!(whole == cut, "{name}");
    }
}

#[test]
fn frames_cut_short_are_accounted_as_far_as_their_headers_reach() {
    let folder = Folder::new("short");
    let packets: Vec<_> =
        (0..20_u16).map(|n| (START + u64::from(n), tcp(1, 1000 + n, 502, flag::ACK, &[7; 100]))).collect();
    for (snap, flows, cut) in [(10, 0, 20), (33, 0, 20), (49, 0, 20), (50, 20, 0), (60, 20, 0), (200, 20, 0)]
    {
        let file = folder.pcap("pcap", &packets, snap);
        let (records, replay) = records(&[file], ReplayOptions::default());
        let sums = totals(&records);
        assert_eq!(sums.len(), flows, "{snap}");
        assert!(sums.values().all(|sum| *sum == (1, 140)), "{snap}");
        assert_eq!(replay.counters()[Counter::Cut as usize], cut, "{snap}");
        let frames: Vec<_> = records.iter().filter(|record| matches!(record, Kept::Frame(..))).collect();
        assert_eq!(frames.len(), flows);
        for frame in frames {
            let Kept::Frame(_, _, ring, bytes, payload) = frame else { continue };
            assert_eq!((*ring, bytes.len()), (Ring::Industrial, snap.min(154)));
            assert_eq!(*payload, snap.min(154).saturating_sub(54));
        }
    }
}

#[test]
fn silence_is_ticked_until_nothing_waits_any_more_and_then_jumped_over() {
    let folder = Folder::new("silence");
    for gap in [5, 999, 5000, 3 * 365 * 86400] {
        let late = START + gap * SECOND;
        let packets = [
            (START, tcp(1, 9, 80, flag::SYN, &[])),
            (START + 1, tcp(1, 9, 80, flag::ACK, &[])),
            (late, tcp(1, 9, 80, flag::ACK, &[])),
        ];
        let (records, _) = records(&[folder.pcap("pcap", &packets, 999)], ReplayOptions::default());
        let ticks = ticks(&records);
        assert_eq!(ticks.len() as u64, gap.min(1001) + 1, "{gap}");
        assert_eq!(ticks.last(), Some(&late));
        // The second packet is known long before the third, and no report moves the last packet.
        for record in &records {
            if let Kept::Flow(event) = record {
                let last = if event.at.0 == late && event.reason != Reason::Replaced { late } else { START };
                assert!(event.last.0.abs_diff(last) < 4_000_000 + 2, "{gap}: {event:?}");
            }
        }
        let before: u64 = totals(&records[..records.len() / 2]).values().map(|sum| sum.0).sum();
        // A sweep comes round in ten seconds.
        assert!(before == 2 || gap < 10, "{gap}: {before}");
        assert_eq!(totals(&records).values().map(|sum| sum.0).sum::<u64>(), 3, "{gap}");
    }
}

#[test]
fn time_that_steps_back_counts_as_the_latest_seen() {
    let folder = Folder::new("backward");
    let times = [START, START + 5 * SECOND, START + SECOND, START + 6 * SECOND, 0];
    let packets: Vec<_> = times.into_iter().map(|at| (at, tcp(1, 9, 80, flag::ACK, &[1]))).collect();
    let (records, replay) = records(&[folder.pcap("pcap", &packets, 999)], ReplayOptions::default());
    assert_eq!(replay.backward(), 2);
    assert!(records.is_sorted_by_key(Kept::at));
    assert_eq!(totals(&records).values().map(|sum| sum.0).sum::<u64>(), 5);
    assert_eq!(ticks(&records).len(), 7);
}

#[test]
fn a_broken_capture_delivers_everything_before_the_break() {
    let folder = Folder::new("broken");
    let packets: Vec<_> = (0..9).map(|n| (START + n * SECOND, tcp(1, 9, 80, flag::ACK, &[1]))).collect();
    let mut bytes = fs::read(folder.pcap("pcap", &packets, 999)).unwrap();
    bytes.truncate(bytes.len() - 3);
    let mut replay = Replay::open(&[folder.file("pcap", &bytes)], ReplayOptions::default()).unwrap();
    let (records, end) = run(&mut replay);
    let message = end.unwrap_err().to_string();
    assert!(message.contains("cut off at byte"), "{message}");
    assert_eq!(totals(&records).values().map(|sum| sum.0).sum::<u64>(), 8);
    assert_eq!(ticks(&records).last(), Some(&(START + 7 * SECOND)));
    assert!(!replay.poll(&mut |record| panic!("{record:?} after the end")).unwrap());
}

#[test]
fn a_wish_takes_effect_with_the_next_packet_where_none_was_granted_just_before() {
    let folder = Folder::new("wish");
    // Ten packets a second; unknown to the packet path, so that the first 16 KiB are shipped.
    let packets: Vec<_> =
        (0..100).map(|n| (START + n * SECOND / 10, tcp(1, 9, 9999, flag::ACK, &[1; 600]))).collect();
    let file = folder.pcap("pcap", &packets, 999);
    let mut replay = Replay::open(&[file], ReplayOptions::default()).unwrap();
    let (mut frames, mut evidence) = (Vec::new(), Vec::new());
    let wanted = START + 5 * SECOND;
    let mut asked = false;
    loop {
        let mut address = None;
        let more = replay.poll(&mut |record| match record {
            Record::Frame(frame) if frame.ring == Ring::Evidence => evidence.push(frame.at.0),
            Record::Frame(frame) => frames.push((frame.at.0, frame.ring)),
            Record::Tick(at) if at.0 >= wanted && !asked => address = Some([0, 0]),
            Record::Flow(_) | Record::Storm(_) | Record::Loss(_) | Record::Tick(_) => {}
        });
        if address.is_some() {
            asked = true;
            let source = sensor_ebpf::wire::ipv4::mapped([10, 0, 0, 1]);
            let end = Endpoint {
                address: sensor_ebpf::wire::ipv4::mapped([10, 1, 0, 1]),
                port: 9999,
                transport: Transport::Tcp as u8,
                zero: [0; 5],
            };
            replay.apply(&[
                Wish::Verdict(end, Class::Confirmed),
                Wish::Watch(source, Duration::from_millis(1000)),
            ]);
        }
        if !more.unwrap() {
            break;
        }
    }
    // Asked at the tick 5.75 s after the start.
    let asked = START + 5 * SECOND + 3 * SECOND / 4;
    let (early, late): (Vec<_>, Vec<_>) = frames.into_iter().partition(|(at, _)| *at < asked);
    assert!(early.len() < 30 && early.iter().all(|(_, ring)| *ring == Ring::Access), "{early:?}");
    assert_eq!(late.first(), Some(&(asked + SECOND / 20, Ring::Industrial)));
    assert_eq!(late.len(), 42, "{late:?}");
    assert!(late.iter().all(|(_, ring)| *ring == Ring::Industrial));
    let (first, last) = (evidence.first().unwrap(), evidence.last().unwrap());
    assert!((asked..asked + SECOND / 5).contains(first));
    assert!((first + SECOND - SECOND / 5..first + SECOND + SECOND / 5).contains(last));
}

#[test]
fn new_flows_beyond_the_limit_become_storm_rows() {
    let folder = Folder::new("storm");
    let packets: Vec<_> = (0..30_000_u64)
        .map(|n| (START + n * 1000, tcp(n as u16, 1000, 102 + (n % 2) as u16 * 900, flag::SYN, &[])))
        .collect();
    let limits = Limits { rate: [1000; 2], burst: [2000; 2], ..Limits::default() };
    let (records, replay) =
        records(&[folder.pcap("pcap", &packets, 999)], ReplayOptions { limits, ..ReplayOptions::default() });
    let told: u64 =
        records.iter().map(|record| if let Kept::Storm(storm) = record { storm.packets } else { 0 }).sum();
    let counted = |counter: Counter| replay.counters()[counter as usize];
    assert_eq!(told, counted(Counter::Storm));
    assert_eq!(told + counted(Counter::Inserted), 30_000);
    assert!((4000..4200).contains(&counted(Counter::Inserted)), "{}", counted(Counter::Inserted));
    let source = Some(sensor_ebpf::wire::ipv4::mapped([10, 0, 0, 1]));
    let told_of = |storm: &Storm| storm.source == source && storm.industrial && storm.destinations > 500;
    assert!(records.iter().any(|record| matches!(record, Kept::Storm(storm) if told_of(storm))));
}

#[test]
fn process_data_below_ip_are_shipped_within_a_budget_that_is_renewed() {
    let folder = Folder::new("stream");
    // Sampled values a thousand times a second for 35 s, and beside them two other streams of the same MACs.
    let frame = |ethertype: u16, stream: u16, len: usize| {
        let mut frame = vec![1, 0x0c, 0xcd, 4, 0, 1, 0, 1, 2, 3, 4, 5];
        frame.extend(ethertype.to_be_bytes());
        frame.extend(stream.to_be_bytes());
        frame.resize(len, 0);
        frame
    };
    let mut packets: Vec<_> =
        (0..35_000_u64).map(|n| (START + n * SECOND / 1000, frame(0x88ba, 0x4000, 142))).collect();
    for second in 0..35 {
        packets.push((START + second * SECOND + 1, frame(0x88b8, 0x3001, 200)));
        packets.push((START + second * SECOND + 2, frame(0x8892, 0xfefd, 60)));
    }
    packets.sort_by_key(|(at, _)| *at);
    let (records, _) = records(&[folder.pcap("pcap", &packets, 999)], ReplayOptions::default());
    let shipped = |ethertype: u16| {
        let of = |record: &&Kept| matches!(record, Kept::Frame(_, key, ..) if key.dport == ethertype);
        records.iter().filter(of).count()
    };
    // 64 KiB of 128 bytes at once, and again in each of three renewals.
    assert_eq!(shipped(0x88ba), 4 * 512);
    // What is slow is read whole, and a set beside cyclic data too.
    assert_eq!((shipped(0x88b8), shipped(0x8892)), (35, 35));
    let counted: u64 = records
        .iter()
        .map(|record| match record {
            Kept::Flow(event) if event.key.dport == 0x88ba => event.packets,
            _ => 0,
        })
        .sum();
    assert_eq!(counted, 35_000);
}

/// Packets by source and whether industrial.
type Told = BTreeMap<(Option<[u64; 2]>, bool), u64>;

/// What the storm rows of a long storm told, and what was counted.
fn long_storm(name: &str, frame: impl Fn(u64) -> Vec<u8>) -> (Told, u64) {
    let folder = Folder::new(name);
    // Half a minute: several windows of the rows, which are no multiple of a second long.
    let packets: Vec<_> = (0..60_000_u64).map(|n| (START + n * SECOND / 2000, frame(n))).collect();
    let limits = Limits { rate: [100; 2], burst: [100; 2], ..Limits::default() };
    let file = folder.pcap("pcap", &packets, 999);
    let (records, replay) = records(&[file], ReplayOptions { limits, ..ReplayOptions::default() });
    let mut told = Told::new();
    for record in &records {
        if let Kept::Storm(storm) = record {
            *told.entry((storm.source, storm.industrial)).or_default() += storm.packets;
        }
    }
    (told, replay.counters()[Counter::Storm as usize])
}

#[test]
fn no_packet_of_a_long_storm_is_lost_where_its_window_changes() {
    let (told, counted) = long_storm("windows", |n| tcp(n as u16, 1000, 1002, flag::SYN, &[]));
    assert!(counted > 50_000, "{counted}");
    assert_eq!(told.values().sum::<u64>(), counted);
}

#[test]
fn no_packet_is_lost_where_a_row_passes_to_another_source() {
    // More sources than rows, a hundred at a time: rows change hands whenever a window does.
    let (told, counted) = long_storm("rows", |n| {
        let mut frame = tcp(n as u16, 1000, 1002, flag::SYN, &[]);
        frame[28] = (n / 5000) as u8;
        frame[29] = (n % 100) as u8;
        frame
    });
    assert!(told.len() > 500, "{} sources", told.len());
    assert_eq!(told.values().sum::<u64>(), counted);
}

#[test]
fn sources_that_collide_are_told_apart_by_what_they_look_for() {
    // A thousand sources at once on 256 rows, every third in search of controllers.
    let (told, counted) = long_storm("others", |n| {
        let mut frame = tcp(n as u16, 1000, if n % 3 == 0 { 502 } else { 1002 }, flag::SYN, &[]);
        frame[28] = (n % 10) as u8;
        frame[29] = (n / 10 % 100) as u8;
        frame
    });
    let others = |industrial: bool| told.get(&(None, industrial)).copied().unwrap_or(0);
    assert!(others(true) > 5000 && others(false) > 5000, "{} {}", others(true), others(false));
    let industrial: u64 = told.iter().filter(|((_, industrial), _)| *industrial).map(|(_, n)| n).sum();
    // A third, less what the bucket of industrial flows, as large as the other, admitted.
    assert!((counted / 4..counted / 3).contains(&industrial), "{industrial} of {counted}");
    assert_eq!(told.values().sum::<u64>(), counted);
}
