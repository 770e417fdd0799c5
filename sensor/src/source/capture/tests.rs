use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use super::streams::captures;
use super::*;

/// A file with these bytes, removed on drop.
struct Temporary(PathBuf);

impl Temporary {
    fn new(name: &str, bytes: &[u8]) -> Self {
        let path = std::env::temp_dir().join(format!("isthmus-capture-{}-{name}", std::process::id()));
        fs::write(&path, bytes).expect("the temporary directory is writable");
        Self(path)
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        fs::remove_file(&self.0).ok();
    }
}

type Read = (Time, u32, Vec<u8>, u32);

fn read(capture: &mut Capture) -> (Vec<Read>, Vec<CaptureError>) {
    let (mut packets, mut errors) = (Vec::new(), Vec::new());
    while let Some(next) = capture.next() {
        match next {
            Ok(packet) => {
                packets.push((packet.at, packet.interface, packet.frame.into_owned(), packet.wire_len))
            }
            Err(error) => errors.push(error),
        }
    }
    (packets, errors)
}

fn open(name: &str, bytes: &[u8]) -> (Vec<Read>, Vec<CaptureError>) {
    let file = Temporary::new(name, bytes);
    match Capture::open(&file.0) {
        Ok(mut capture) => read(&mut capture),
        Err(error) => (Vec::new(), vec![error]),
    }
}

const FRAMES: [&[u8]; 2] = [&[1; 60], &[2; 14]];

fn pcap(big_endian: bool, nanoseconds: bool, link: u32) -> Vec<u8> {
    let magic: u32 = if nanoseconds { 0xa1b2_3c4d } else { 0xa1b2_c3d4 };
    let mut words = vec![magic, if big_endian { 0x0002_0004 } else { 0x0004_0002 }, 0, 0, 65535, link];
    let mut bytes = Vec::new();
    let mut put = |words: &[u32], data: &[u8]| {
        let encode = |word: &u32| if big_endian { word.to_be_bytes() } else { word.to_le_bytes() };
        bytes.extend(words.iter().flat_map(encode));
        bytes.extend_from_slice(data);
    };
    put(&words.split_off(0), &[]);
    for (second, frame) in (7..).zip(FRAMES) {
        put(&[second, 5, frame.len() as u32, 1500], frame);
    }
    bytes
}

/// Blocks in either byte order.
struct Blocks {
    big_endian: bool,
    bytes: Vec<u8>,
}

impl Blocks {
    fn new(big_endian: bool) -> Self {
        let mut blocks = Self { big_endian, bytes: Vec::new() };
        blocks.section();
        blocks
    }

    fn section(&mut self) {
        let version = if self.big_endian { 0x0001_0000 } else { 1 };
        self.block(0x0a0d_0d0a, &[0x1a2b_3c4d, version, u32::MAX, u32::MAX], &[]);
    }

    fn interface(&mut self, link: u16, snaplen: u32, options: &[u8]) {
        let link = if self.big_endian { u32::from(link) << 16 } else { link.into() };
        self.block(1, &[link, snaplen], options);
    }

    fn enhanced(&mut self, interface: u32, ticks: u64, frame: &[u8]) {
        let len = frame.len() as u32;
        self.block(6, &[interface, (ticks >> 32) as u32, ticks as u32, len, len + 1], frame);
    }

    fn block(&mut self, kind: u32, words: &[u32], data: &[u8]) {
        let padding = data.len().next_multiple_of(4) - data.len();
        let total = (12 + words.len() * 4 + data.len() + padding) as u32;
        let encode = |word: &u32| if self.big_endian { word.to_be_bytes() } else { word.to_le_bytes() };
        let body: Vec<u8> = [&[kind, total], words].concat().iter().flat_map(encode).collect();
        self.bytes.extend(body);
        self.bytes.extend_from_slice(data);
        self.bytes.extend(std::iter::repeat_n(0, padding));
        self.bytes.extend(encode(&total));
    }

    /// An option as it stands in a block of this byte order.
    fn option(&self, code: u16, value: &[u8]) -> Vec<u8> {
        let encode = |half: u16| if self.big_endian { half.to_be_bytes() } else { half.to_le_bytes() };
        let mut option = [encode(code), encode(value.len() as u16)].concat();
        option.extend_from_slice(value);
        option.resize(option.len().next_multiple_of(4), 0);
        option
    }
}

#[test]
fn all_four_kinds_of_pcap_are_read() {
    for big_endian in [false, true] {
        for nanoseconds in [false, true] {
            let (packets, errors) = open("kinds", &pcap(big_endian, nanoseconds, 1));
            assert!(errors.is_empty(), "{errors:?}");
            let fraction = if nanoseconds { 5 } else { 5000 };
            let expected = [(7, FRAMES[0]), (8, FRAMES[1])]
                .map(|(second, frame)| (Time(second * Time::SECOND + fraction), 0, frame.to_vec(), 1500));
            assert_eq!(packets, expected, "big endian {big_endian}, nanoseconds {nanoseconds}");
        }
    }
}

#[test]
fn every_kind_of_packet_block_is_read_in_both_byte_orders() {
    for big_endian in [false, true] {
        let mut blocks = Blocks::new(big_endian);
        blocks.interface(1, 40, &[]);
        blocks.block(5, &[0, 0, 0], &[9; 8]); // interface statistics, skipped
        blocks.enhanced(0, 3_000_000, FRAMES[0]);
        blocks.block(3, &[60], &FRAMES[0][..40]);
        let drops = if big_endian { 0x0000_ffff } else { 0xffff_0000 };
        blocks.block(2, &[drops, 0, 4_000_000, 14, 14], FRAMES[1]);
        blocks.block(0x0bad, &[1], &[0; 40]); // custom, skipped
        let (packets, errors) = open("blocks", &blocks.bytes);
        assert!(errors.is_empty(), "{errors:?}");
        let three = Time::from_seconds(3);
        let expected = [
            (three, 0, FRAMES[0].to_vec(), 61),
            (three, 0, FRAMES[0][..40].to_vec(), 60),
            (Time::from_seconds(4), 0, FRAMES[1].to_vec(), 14),
        ];
        assert_eq!(packets, expected, "big endian {big_endian}");
    }
}

#[test]
fn interfaces_are_counted_through_sections_of_either_byte_order() {
    let mut bytes = Vec::new();
    for big_endian in [false, true] {
        let mut blocks = Blocks::new(big_endian);
        blocks.interface(1, 0, &[]);
        blocks.interface(1, 0, &[]);
        blocks.enhanced(1, 0, FRAMES[1]);
        bytes.extend(blocks.bytes);
    }
    let (packets, errors) = open("sections", &bytes);
    assert!(errors.is_empty(), "{errors:?}");
    assert_eq!(packets.iter().map(|packet| packet.1).collect::<Vec<_>>(), [1, 3]);
}

#[test]
fn an_interface_is_the_same_in_all_files_that_call_it_the_same_and_named_before_its_packet() {
    let file = |label: &str, names: [&str; 2]| {
        let mut blocks = Blocks::new(false);
        for name in names {
            blocks.interface(1, 0, &blocks.option(2, name.as_bytes()));
        }
        blocks.enhanced(0, 1_000_000, FRAMES[1]);
        blocks.enhanced(1, 2_000_000, FRAMES[1]);
        Temporary::new(label, &blocks.bytes)
    };
    let files = [file("names-a", ["ot3", "ot4"]), file("names-b", ["ot4", "it0"])];
    let mut merged = Merged::open(&files.each_ref().map(|file| &file.0)).unwrap();
    let name = |merged: &Merged, slot: u32| merged.interfaces().get(&(slot as u8)).cloned();
    assert_eq!((name(&merged, 0).as_deref(), name(&merged, 1).as_deref()), (Some("ot3"), Some("ot4")));
    let mut seen = Vec::new();
    while let Some(packet) = merged.next() {
        let slot = packet.unwrap().interface;
        seen.push(name(&merged, slot).unwrap());
    }
    assert_eq!(seen, ["ot3", "ot4", "ot4", "it0"]);
}

#[test]
fn more_interfaces_than_can_be_told_apart_are_one() {
    let mut blocks = Blocks::new(false);
    for n in 0..40 {
        blocks.interface(1, 0, &blocks.option(2, format!("eth{n}").as_bytes()));
        blocks.enhanced(n, u64::from(n) * 1_000_000, FRAMES[1]);
    }
    let file = Temporary::new("many", &blocks.bytes);
    let mut merged = Merged::open(&[&file.0]).unwrap();
    let mut slots = Vec::new();
    while let Some(packet) = merged.next() {
        slots.push(packet.unwrap().interface);
    }
    assert!(slots.iter().copied().eq((0..15).chain(std::iter::repeat_n(15, 25))), "{slots:?}");
    assert_eq!(merged.interfaces().len(), 16);
}

#[test]
fn the_clock_of_an_interface_is_respected() {
    for big_endian in [false, true] {
        let mut blocks = Blocks::new(big_endian);
        let offset = if big_endian { 100i64.to_be_bytes() } else { 100i64.to_le_bytes() };
        let options = [blocks.option(9, &[9]), blocks.option(14, &offset)].concat();
        blocks.interface(1, 0, &options);
        blocks.interface(1, 0, &blocks.option(9, &[0x80 | 10]));
        blocks.enhanced(0, 1_000_000_001, FRAMES[1]);
        blocks.enhanced(1, 2 * 1024 + 512, FRAMES[1]);
        let (packets, errors) = open("clock", &blocks.bytes);
        assert!(errors.is_empty(), "{errors:?}");
        let times: Vec<_> = packets.iter().map(|packet| packet.0).collect();
        assert_eq!(times, [Time(101_000_000_001), Time(2_500_000_000)]);
    }
}

#[test]
fn an_interface_that_is_not_understood_is_reported_once_and_skipped() {
    let mut blocks = Blocks::new(false);
    blocks.interface(189, 0, &[]);
    blocks.interface(1, 0, &[]);
    for interface in [0, 1, 0, 1] {
        blocks.enhanced(interface, 0, FRAMES[1]);
    }
    let (packets, errors) = open("usb", &blocks.bytes);
    assert_eq!(packets.len(), 2);
    assert!(matches!(errors[..], [CaptureError::LinkType { number: 189, .. }]), "{errors:?}");
}

#[test]
fn an_unsupported_link_type_is_named_on_opening() {
    let (packets, errors) = open("wlan", &pcap(false, false, 105));
    assert!(packets.is_empty());
    assert!(errors[0].to_string().contains("link type 105 is not supported"), "{}", errors[0]);
}

#[test]
fn garbage_and_nothing_are_refused_with_one_clear_line() {
    let (_, errors) = open("garbage", b"GET / HTTP/1.1\r\n");
    assert!(errors[0].to_string().contains("is no capture: it begins with 47 45 54 20"), "{}", errors[0]);
    let (_, errors) = open("empty", b"");
    assert!(matches!(errors[..], [CaptureError::Empty { .. }]), "{errors:?}");
    let missing = Capture::open(Path::new("/nonexistent.pcap")).err().expect("there is no such file");
    let whole = format!("{:#}", anyhow::Error::from(missing));
    assert!(whole.contains("/nonexistent.pcap: cannot be opened"), "{whole}");
    assert_eq!(whole.matches("os error 2").count(), 1, "{whole}");
    assert!(matches!(Capture::open(Path::new("/")), Err(CaptureError::Open { .. })));
}

#[test]
fn a_packet_longer_than_any_is_a_break_and_not_an_allocation() {
    let mut bytes = pcap(false, false, 1);
    let second = 24 + 16 + 60;
    bytes[second + 8..second + 12].copy_from_slice(&u32::MAX.to_le_bytes());
    let (packets, errors) = open("long", &bytes);
    assert_eq!(packets.len(), 1);
    assert!(matches!(errors[..], [CaptureError::Broken { offset: 100, .. }]), "{errors:?}");
}

#[test]
fn a_block_whose_lengths_differ_is_a_break() {
    let mut blocks = Blocks::new(false);
    blocks.interface(1, 0, &[]);
    blocks.enhanced(0, 0, FRAMES[1]);
    let end = blocks.bytes.len();
    blocks.enhanced(0, 0, FRAMES[1]);
    *blocks.bytes.last_mut().expect("there are bytes") = 1;
    let (packets, errors) = open("tail", &blocks.bytes);
    assert_eq!(packets.len(), 1);
    assert!(
        matches!(errors[..], [CaptureError::Broken { offset, .. }] if offset == end as u64),
        "{errors:?}"
    );
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).expect("writing to memory");
    encoder.finish().expect("writing to memory")
}

#[test]
fn a_gzipped_capture_of_several_members_is_read() {
    let bytes = pcap(false, false, 1);
    let (head, tail) = bytes.split_at(50);
    let members = [gzip(head), gzip(tail)].concat();
    let (packets, errors) = open("gzip", &members);
    assert!(errors.is_empty(), "{errors:?}");
    assert_eq!(packets, open("plain", &bytes).0);
}

#[test]
fn a_cut_gzip_file_yields_what_was_decompressed_and_one_error() {
    let whole = gzip(&pcap(false, false, 1));
    for len in 0..whole.len() {
        let (packets, errors) = open("gzip-cut", &whole[..len]);
        assert!(packets.len() <= 2);
        assert_eq!(errors.len(), 1, "cut to {len}: {errors:?}");
    }
}

#[test]
fn a_pcap_cut_at_any_byte_yields_the_packets_before_and_one_error() {
    let bytes = pcap(true, false, 1);
    let whole = open("cut", &bytes).0;
    for len in 0..bytes.len() {
        let (packets, errors) = open("cut", &bytes[..len]);
        assert_eq!(packets, whole[..usize::from(len >= 100)], "cut to {len}");
        assert_eq!(errors.len(), usize::from(![24, 100].contains(&len)), "cut to {len}: {errors:?}");
    }
}

#[test]
fn a_pcapng_cut_at_any_byte_yields_the_packets_before_and_one_error() {
    let mut blocks = Blocks::new(false);
    blocks.interface(1, 0, &[]);
    let header = blocks.bytes.len();
    let ends = FRAMES.map(|frame| {
        blocks.enhanced(0, 1, frame);
        blocks.bytes.len()
    });
    // The interface description begins at 28: a file that ends there has no packets and is whole.
    let without_interface = open("ng-cut", &blocks.bytes[..28]);
    assert!(without_interface.0.is_empty() && without_interface.1.is_empty());
    for len in 29..blocks.bytes.len() {
        let (packets, errors) = open("ng-cut", &blocks.bytes[..len]);
        assert_eq!(packets.len(), ends.iter().filter(|end| **end <= len).count(), "cut to {len}");
        assert_eq!(
            errors.len(),
            usize::from(len != header && !ends.contains(&len)),
            "cut to {len}: {errors:?}"
        );
    }
}

#[test]
fn merging_goes_by_time_and_on_ties_by_the_order_of_the_files() {
    let file = |name: &str, frames: &[(u64, u8)]| {
        let mut blocks = Blocks::new(false);
        blocks.interface(1, 0, &[]);
        frames.iter().for_each(|(at, mark)| blocks.enhanced(0, *at, &[*mark; 14]));
        Temporary::new(name, &blocks.bytes)
    };
    let files = [
        file("merge-1", &[(5, 1), (7, 2), (7, 3)]),
        file("merge-2", &[(5, 4), (6, 5), (7, 6), (1, 7), (9, 8)]),
        file("merge-3", &[]),
    ];
    let mut merged = Merged::open(&files.each_ref().map(|file| &file.0)).expect("they open");
    let mut marks = Vec::new();
    while let Some(packet) = merged.next() {
        marks.push(packet.expect("the files are whole").frame[0]);
    }
    assert_eq!(marks, [1, 4, 5, 2, 3, 6, 7, 8]);
    let (read, total) = merged.progress();
    assert_eq!(read, total);
}

#[test]
fn a_break_in_one_file_does_not_end_the_others() {
    let whole = Temporary::new("break-whole", &pcap(false, false, 1));
    let cut = Temporary::new("break-cut", &pcap(false, false, 1)[..110]);
    let mut merged = Merged::open(&[&cut.0, &whole.0]).expect("they open");
    let (mut packets, mut errors) = (0, 0);
    while let Some(packet) = merged.next() {
        *(if packet.is_ok() { &mut packets } else { &mut errors }) += 1;
    }
    assert_eq!((packets, errors), (3, 1));
}

#[test]
fn real_captures_have_the_packets_their_readme_counts() {
    let Some(folder) = captures() else { return };
    let readme = fs::read_to_string(folder.join("README.md")).expect("it is there");
    let mut files = 0;
    for row in readme.lines().filter(|row| row.starts_with("| `")) {
        let columns: Vec<_> = row.split(" | ").collect();
        let name = columns[0].trim_matches(['|', ' ', '`']);
        let count: usize = columns[3].parse().expect("the packets column is a number");
        let mut capture = Capture::open(&folder.join(name)).expect("it is a capture");
        let (packets, errors) = read(&mut capture);
        assert!(errors.is_empty(), "{name}: {errors:?}");
        assert_eq!(packets.len(), count, "{name}");
        assert_eq!(capture.progress().0, capture.progress().1, "{name}");
        files += 1;
    }
    assert_eq!(files, 70);
}

#[test]
fn a_real_capture_reads_the_same_gzipped_and_from_every_cut() {
    let Some(folder) = captures() else { return };
    for name in ["profinet_dcp_set_ip.pcap", "s7_step7_stop.pcapng"] {
        let bytes = fs::read(folder.join(name)).expect("it is there");
        let (whole, errors) = open("real", &bytes);
        assert!(errors.is_empty() && !whole.is_empty());
        assert_eq!(open("real", &gzip(&bytes)).0, whole);
        for len in 0..bytes.len() {
            let (packets, errors) = open("real", &bytes[..len]);
            assert_eq!(packets, whole[..packets.len()], "{name} cut to {len}");
            assert!(errors.len() <= 1, "{name} cut to {len}: {errors:?}");
        }
    }
}

proptest::proptest! {
    #[test]
    fn no_bytes_make_the_reader_panic(
        kind in 0usize..3,
        flips in proptest::collection::vec((0usize..400, proptest::num::u8::ANY), 0..8),
    ) {
        let mut blocks = Blocks::new(kind == 1);
        blocks.interface(113, 64, &blocks.option(9, &[6]));
        FRAMES.iter().for_each(|frame| blocks.enhanced(0, 1, frame));
        let mut bytes = if kind == 2 { pcap(false, true, 276) } else { blocks.bytes };
        for (at, value) in flips {
            let len = bytes.len();
            bytes[at % len] = value;
        }
        let (packets, errors) = open(&format!("fuzz-{kind}"), &bytes);
        proptest::prop_assert!(packets.len() <= 40 && errors.len() <= 40);
    }
}
