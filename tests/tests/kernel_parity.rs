//! The packet path in the kernel and the packet path on the host are the same: the same frames give the same records,
//! byte for byte, the same counters and the same flow cache.

use std::collections::BTreeMap;
use std::mem::offset_of;
use std::path::PathBuf;

use aya::maps::{Array, HashMap, MapData, PerCpuArray, RingBuf};
use aya::programs::{TestRun as _, TestRunOptions};
use isthmus::source::capture::Capture;
use isthmus::source::live::Sizes;
use isthmus::source::live::counters::RawStorm;
use isthmus::source::live::object::{Constants, Object, RawControl, RawCpus, put_u32};
use isthmus::source::policy::Limits;
use isthmus::source::replay::tables::Memory;
use isthmus::source::replay::{ReplayOptions, SECRETS};
use isthmus::source::storms::Row;
use isthmus_tests::packet::{Mac, PacketBuilder};
use isthmus_tests::rng::Rng;
use sensor_ebpf::counters::Counter;
use sensor_ebpf::flow::Snapshot;
use sensor_ebpf::frame::Slice;
use sensor_ebpf::observe::observe;
use sensor_ebpf::policy::{Class, Control, Endpoint, HAS_VERDICTS, HAS_WATCHED};
use sensor_ebpf::record::Header;
use sensor_ebpf::tables::Cpu;
use sensor_ebpf::wire::ipv4::mapped;
use zerocopy::FromBytes as _;

/// Few, so that flows are replaced all the time.
const SETS: u32 = 64;
const TICK_NS: u64 = 4_000_000;

/// Both hosts of the packet path, fed the same.
struct Pair {
    object: Object,
    rings: Vec<RingBuf<MapData>>,
    control: Array<MapData, RawControl>,
    verdicts: HashMap<MapData, [u64; 3], u8>,
    watch: HashMap<MapData, [u64; 2], u8>,
    cpus: Array<MapData, RawCpus>,
    storm: PerCpuArray<MapData, RawStorm>,
    memory: Memory,
    now: u64,
    records: u64,
    frames: u64,
}

impl Pair {
    fn new(limits: Limits) -> Self {
        // One CPU on both sides.
        let mut first = rustix::thread::CpuSet::new();
        first.set(0);
        rustix::thread::sched_setaffinity(None, &first).expect("CPU 0");
        let sizes = Sizes { flow_sets: SETS, ..Sizes::default() };
        let mut object =
            Object::load(sizes, &Constants { secrets: SECRETS, test_clock: true }).expect("loads");
        let rings =
            ["LIFECYCLE", "INDUSTRIAL", "ACCESS", "EVIDENCE"].map(|name| object.take(name).expect(name));
        Self {
            rings: rings.into(),
            control: object.take(".bss.control").expect(".bss.control"),
            verdicts: object.take("VERDICT").expect("VERDICT"),
            watch: object.take("WATCH").expect("WATCH"),
            cpus: object.take(".bss.cpus").expect(".bss.cpus"),
            storm: object.take("STORM").expect("STORM"),
            object,
            memory: Memory::new(&ReplayOptions {
                sets: SETS,
                tick_ns: TICK_NS,
                limits,
                ..ReplayOptions::default()
            }),
            now: 1_700_000_000_000_000_000,
            records: 0,
            frames: 0,
        }
    }

    fn tell_control(&mut self) {
        let control = &self.memory.control;
        let mut raw = RawControl::default();
        for (at, value) in [
            (offset_of!(Control, epoch), control.epoch.get()),
            (offset_of!(Control, heartbeat), control.heartbeat.get()),
            (offset_of!(Control, heartbeat_limit), control.heartbeat_limit.get()),
            (offset_of!(Control, idle), control.idle.get()),
            (offset_of!(Control, rate), control.rate[0].get()),
            (offset_of!(Control, rate) + 4, control.rate[1].get()),
            (offset_of!(Control, burst), control.burst[0].get()),
            (offset_of!(Control, burst) + 4, control.burst[1].get()),
            (offset_of!(Control, test_ktime), control.test_ktime.get() as u32),
            (offset_of!(Control, test_ktime) + 4, (control.test_ktime.get() >> 32) as u32),
            (offset_of!(Control, test_ticks), control.test_ticks.get()),
            (offset_of!(Control, asked), control.asked.get()),
        ] {
            put_u32(&mut raw, at, value);
        }
        self.control.set(0, raw, 0).expect(".bss.control");
    }

    /// Gives a frame to both and compares what they say of it.
    fn frame(&mut self, bytes: &[u8], name: &str) {
        // The kernel runs no program on less than an Ethernet header.
        if bytes.len() < 14 {
            return;
        }
        self.now += 1_000_000;
        self.frames += 1;
        self.memory.set(0, 0, self.now, (self.now / TICK_NS) as u32);
        self.tell_control();
        let options = TestRunOptions { data_in: Some(bytes), ..TestRunOptions::new() };
        let result = self.object.program("isthmus").expect("program").test_run(options).expect("test run");
        assert_eq!(result.return_value, 2, "every packet passes");
        observe(&Slice { bytes, wire_len: bytes.len() as u32 }, &&self.memory);

        let mut host = BTreeMap::<u8, Vec<Vec<u8>>>::new();
        self.memory.drain(|record| {
            let (header, _) = Header::read_from_prefix(record).expect("header");
            host.entry(header.ring).or_default().push(record.to_vec());
            self.records += 1;
        });
        let mut kernel = BTreeMap::<u8, Vec<Vec<u8>>>::new();
        for (ring, number) in self.rings.iter_mut().zip(0..) {
            while let Some(record) = ring.next() {
                kernel.entry(number).or_default().push(record.to_vec());
            }
        }
        assert_eq!(kernel, host, "{name}, frame {}: {bytes:02x?}", self.frames);
    }

    /// Compares what is left behind.
    fn compare_tables(&mut self, name: &str) {
        let kernel: Vec<u64> = self.cpus.get(&0, 0).expect(".bss.cpus")[0].to_vec();
        let first = offset_of!(Cpu, counters) / 8;
        for counter in Counter::ALL {
            let host = self.memory.cpus()[0].counters[counter as usize].get();
            assert_eq!(kernel[first + counter as usize], host, "{name}: {counter:?}");
        }
        for host in self.memory.storm() {
            let row = host.row;
            let kernel = self.storm.get(&row, 0).expect("STORM")[0];
            match Row::from_words(0, row, &kernel) {
                Some(kernel) => assert_eq!(kernel, host, "{name}: storm row {row}"),
                None => assert_eq!(host.now.class, 0, "{name}: storm row {row}"),
            }
        }
        let entries = 2 * SETS as usize;
        let mapped =
            isthmus::source::live::Mapped::new(self.object.flows().expect("FLOWS"), entries).expect("maps");
        let mut host: Vec<Option<Snapshot>> = vec![None; entries];
        for (at, set) in self.memory.touched(0, 0, 1) {
            for (way, entry) in set.ways.iter().enumerate() {
                host[2 * at + way] = entry.snapshot();
            }
        }
        let kernel: Vec<Option<Snapshot>> = (0..entries).map(|index| mapped.snapshot(index)).collect();
        assert_eq!(kernel, host, "{name}");
        assert!(host.iter().flatten().count() > 0, "{name}: nothing in the flow cache");
    }
}

const A: Mac = Mac([2, 0, 0, 0, 0, 1]);
const B: Mac = Mac([2, 0, 0, 0, 0, 2]);

fn base() -> PacketBuilder {
    PacketBuilder::ethernet(A, B)
}

/// Frames with everything the packet path reads in them.
fn by_hand() -> Vec<Vec<u8>> {
    let v6 = |n: u16| std::net::Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, n);
    let hello = b"\x03\x00\x00\x16\x11\xe0\x00\x00\x00\x01\x00\xc1\x02\x01\x00\xc2\x02\x01\x02\xc0\x01\x0a";
    let tcp = |flags: u8, payload: &[u8]| {
        base().ipv4([10, 0, 0, 1], [10, 0, 0, 2]).tcp(40_000, 102).flags(flags).payload(payload).build()
    };
    let mut frames = vec![
        tcp(0x02, b""),
        tcp(0x12, b""),
        tcp(0x10, b""),
        tcp(0x18, hello),
        tcp(0x11, b""),
        tcp(0x02, b""),
        tcp(0x14, b""),
        base()
            .vlan(20)
            .ipv4([10, 0, 0, 1], [10, 0, 0, 2])
            .tcp(40_001, 502)
            .flags(0x18)
            .payload(&[7; 12])
            .build(),
        base()
            .tag(0x88a8, 100)
            .vlan(20)
            .ipv4([10, 0, 0, 1], [10, 0, 0, 3])
            .udp(1, 2)
            .payload(&[1; 300])
            .build(),
        base().tag(0x8100, 0).ipv4([10, 0, 0, 1], [10, 0, 0, 4]).udp(53, 40_000).payload(&[1; 30]).build(),
        base()
            .tag(0x88a8, 1)
            .vlan(2)
            .vlan(3)
            .ipv4([10, 0, 0, 1], [10, 0, 0, 4])
            .udp(5, 6)
            .payload(b"x")
            .build(),
        base().arp(1, (A, [10, 0, 0, 1].into()), (B, [10, 0, 0, 2].into())).build(),
        base().ipv4([10, 0, 0, 1], [10, 0, 0, 5]).ip_options(&[1; 8]).tcp(9, 102).payload(hello).build(),
        base().ipv4([10, 0, 0, 1], [10, 0, 0, 5]).fragment(7, 0, true).udp(9, 10).payload(&[3; 64]).build(),
        base()
            .ipv4([10, 0, 0, 1], [10, 0, 0, 5])
            .fragment(7, 72, false)
            .protocol(17)
            .payload(&[3; 64])
            .build(),
        base().ipv4([10, 0, 0, 1], [10, 0, 0, 6]).icmp(8, 0, [0, 1, 0, 1]).payload(&[9; 40]).build(),
        base().ipv4([10, 0, 0, 1], [10, 0, 0, 6]).protocol(47).payload(&[9; 40]).build(),
        base().ipv6(v6(1), v6(2)).tcp(40_000, 4840).flags(0x18).payload(&[5; 200]).build(),
        base().ipv6(v6(1), v6(2)).icmp(135, 0, [0; 4]).payload(&[5; 20]).build(),
        base().ethertype(0x8892).payload(&[8; 44]).build(),
        base().ethertype(0x0026).payload(&[0x42; 38]).build(),
        base().ipv4([10, 0, 0, 1], [10, 0, 0, 7]).tcp(40_000, 3389).flags(0x18).payload(&[6; 8900]).build(),
        base().ipv4([10, 0, 0, 1], [10, 0, 0, 7]).tcp(40_000, 102).flags(0x18).payload(&[6; 3000]).build(),
    ];
    // Hop-by-hop, destination options, routing, authentication, fragment: alone, chained, too long, lying.
    for (protocol, len) in [(0_u8, 0_u8), (60, 1), (43, 2), (51, 4), (44, 0), (0, 31), (60, 255), (51, 255)] {
        let mut bytes = vec![6, len];
        bytes.resize((usize::from(len) + 1) * 8, 0);
        for chain in 1..=5 {
            let mut packet = base().ipv6(v6(1), v6(3));
            for _ in 0..chain {
                packet = packet.extension(protocol, &bytes);
            }
            frames.push(packet.tcp(1, 102).flags(0x18).payload(hello).build());
        }
    }
    let mut fragment = [6, 0, 0, 1, 0, 0, 0, 9];
    frames.push(base().ipv6(v6(1), v6(4)).extension(44, &fragment).tcp(1, 2).payload(b"x").build());
    fragment[3] = 0x40;
    frames.push(base().ipv6(v6(1), v6(4)).extension(44, &fragment).payload(&[1; 64]).build());
    frames
}

/// Every byte of the headers once with each of these values: hostile lengths, versions, offsets, types.
fn hostile(frame: &[u8]) -> impl Iterator<Item = Vec<u8>> + '_ {
    (0..frame.len().min(100)).flat_map(move |at| {
        [0, 1, 4, 5, 0x0f, 0x20, 0x45, 0x60, 0x7f, 0x80, 0xf0, 0xff].into_iter().map(move |value| {
            let mut bytes = frame.to_vec();
            bytes[at] = value;
            bytes
        })
    })
}

#[test]
#[ignore = "needs root"]
fn kernel_and_host_agree_on_handmade_truncated_and_hostile_frames() {
    let mut pair = Pair::new(Limits { rate: [1; 2], burst: [500, 300], ..Limits::default() });
    for round in 0..3 {
        for frame in by_hand() {
            pair.frame(&frame, "by hand");
        }
        pair.now += round * 700 * 1_000_000_000;
    }
    for frame in by_hand() {
        for end in 14..frame.len().min(160) {
            pair.frame(&frame[..end], "cut");
        }
        for frame in hostile(&frame) {
            pair.frame(&frame, "hostile");
        }
    }
    for n in 0..2000_u16 {
        let [high, low] = n.to_be_bytes();
        let source = [10, 9, 9, low % 5];
        let port = if n % 3 == 0 { 502 } else { 8080 };
        pair.frame(&base().ipv4(source, [10, 8, high, low]).tcp(n, port).flags(2).build(), "flood");
    }
    pair.compare_tables("by hand");
    let count = |counter: Counter| pair.memory.cpus()[0].counters[counter as usize].get();
    for counter in [Counter::Cut, Counter::Bad, Counter::LaterFragments, Counter::Replaced, Counter::Storm] {
        assert!(count(counter) > 0, "{counter:?} was never met");
    }
    println!("{} frames, {} records, equal", pair.frames, pair.records);
}

#[test]
#[ignore = "needs root"]
fn kernel_and_host_agree_on_random_frames() {
    let mut pair = Pair::new(Limits { rate: [2000; 2], burst: [50; 2], ..Limits::default() });
    let mut rng = Rng::new(0x157_4b05);
    let starts = by_hand();
    for _ in 0..30_000 {
        let mut frame = if rng.chance(0.3) { Vec::new() } else { rng.pick(&starts).clone() };
        if frame.is_empty() {
            let len = rng.range(14, 400) as usize;
            frame = rng.bytes(len);
        }
        for _ in 0..rng.range(0, 4) {
            let at = rng.range(0, frame.len().min(120) as u64 - 1) as usize;
            frame[at] = rng.bits() as u8;
        }
        let end = if rng.chance(0.2) { rng.range(14, frame.len() as u64 + 1) as usize } else { frame.len() };
        pair.frame(&frame[..end], "random");
    }
    pair.compare_tables("random");
    println!("{} frames, {} records, equal", pair.frames, pair.records);
}

#[test]
#[ignore = "needs root"]
fn kernel_and_host_agree_on_verdicts_watches_and_a_silent_reader() {
    let mut pair = Pair::new(Limits::default());
    let server = Endpoint { address: mapped([10, 0, 0, 2]), port: 9999, transport: 1, zero: [0; 5] };
    let key: [u64; 3] = zerocopy::transmute!(server);
    let frame =
        base().ipv4([10, 0, 0, 1], [10, 0, 0, 2]).tcp(40_000, 9999).flags(0x18).payload(&[7; 1000]).build();
    for _ in 0..20 {
        pair.frame(&frame, "unknown");
    }
    let before = pair.records;
    pair.memory.verdicts.insert(server, Class::Confirmed);
    pair.verdicts.insert(key, Class::Confirmed as u8, 0).expect("VERDICT");
    pair.memory.control.asked.set(HAS_VERDICTS);
    pair.memory.control.epoch.set(1);
    for _ in 0..20 {
        pair.frame(&frame, "confirmed");
    }
    assert!(pair.records >= before + 19, "a confirmed flow ships all its payload");
    let before = pair.records;
    pair.memory.watched.insert(mapped([10, 0, 0, 1]));
    pair.watch.insert(mapped([10, 0, 0, 1]), 1, 0).expect("WATCH");
    pair.memory.control.asked.set(HAS_VERDICTS | HAS_WATCHED);
    pair.memory.control.epoch.set(2);
    for _ in 0..20 {
        pair.frame(&frame, "watched");
    }
    assert!(pair.records >= before + 39, "a watched flow ships each frame twice");
    let before = pair.records;
    pair.memory.control.heartbeat_limit.set(500);
    for _ in 0..20 {
        pair.frame(&frame, "paused");
    }
    assert_eq!(pair.records, before, "nobody reads: nothing is shipped");
    pair.compare_tables("policy");
}

#[test]
#[ignore = "needs root"]
fn kernel_and_host_agree_on_every_capture() {
    let folder = std::env::var_os("ISTHMUS_CAPTURES").map_or_else(
        || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/captures")),
        PathBuf::from,
    );
    let Ok(listing) = std::fs::read_dir(&folder) else {
        println!("skipped: no captures (set ISTHMUS_CAPTURES)");
        return;
    };
    let mut paths: Vec<PathBuf> = listing.filter_map(|entry| Some(entry.ok()?.path())).collect();
    paths.sort();
    let mut pair = Pair::new(Limits::default());
    for path in paths {
        let Ok(mut capture) = Capture::open(&path) else { continue };
        let name = path.display().to_string();
        while let Some(packet) = capture.next() {
            if let Ok(packet) = packet {
                pair.frame(&packet.frame, &name);
            }
        }
    }
    pair.compare_tables("captures");
    assert!(pair.frames > 10_000, "only {} frames", pair.frames);
    println!("{} frames, {} records, equal", pair.frames, pair.records);
}

/// Not a bench, but enough to see a packet path twice as slow as yesterday's.
#[test]
#[ignore = "needs root"]
fn an_established_flow_costs_less_than_60_ns_over_an_empty_program() {
    let mut pair = Pair::new(Limits::default());
    let frame = base()
        .vlan(20)
        .ipv4([10, 0, 0, 1], [10, 0, 0, 2])
        .tcp(40_000, 40_001)
        .flags(0x10)
        .payload(&[7; 60])
        .build();
    pair.memory.set(0, 0, pair.now, 1);
    pair.tell_control();
    let mut best = [u128::MAX; 2];
    for _ in 0..9 {
        for (name, best) in ["ticks", "isthmus"].into_iter().zip(&mut best) {
            let options = TestRunOptions { data_in: Some(&frame), repeat: 300_000, ..TestRunOptions::new() };
            let result = pair.object.program(name).expect(name).test_run(options).expect("test run");
            *best = result.duration.as_nanos().min(*best);
        }
    }
    println!("empty {} ns, isthmus {} ns", best[0], best[1]);
    assert!(best[1] < 60 + best[0], "empty {} ns, isthmus {} ns", best[0], best[1]);
}

/// Kernels give up at a million; 6.1 needs more steps than later ones.
#[test]
#[ignore = "needs root"]
fn the_verifier_needs_less_than_a_quarter_of_its_steps() {
    let mut object = Object::load(Sizes::default(), &Constants::random().expect("secrets")).expect("loads");
    let info = object.program("isthmus").expect("program").info().expect("info");
    let steps = info.verified_instruction_count().expect("a kernel that counts");
    println!("{steps} steps, {:?} translated bytes", info.size_translated());
    assert!(steps < 250_000, "{steps}");
}
