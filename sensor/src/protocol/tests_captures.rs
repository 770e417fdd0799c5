//! The decoders on real captures, counted against an independent tool's figures.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::path::PathBuf;

use pcap_parser::{Block, PcapBlockOwned, PcapError, create_reader};

use super::bytes::Bytes;
use super::*;

/// Direction and code text of every command, with how often it was seen.
type Counts = BTreeMap<(&'static str, String), usize>;

fn directory() -> Option<PathBuf> {
    let dir = std::env::var_os("ISTHMUS_CAPTURES").map_or_else(
        || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/captures")),
        PathBuf::from,
    );
    if dir.is_dir() {
        return Some(dir);
    }
    println!("skipped: no captures in {} (set ISTHMUS_CAPTURES)", dir.display());
    None
}

fn frames(path: &std::path::Path) -> Vec<Vec<u8>> {
    let file = std::fs::File::open(path).expect("capture opens");
    let mut reader = create_reader(1 << 16, file).expect("capture header");
    let mut frames = Vec::new();
    loop {
        match reader.next() {
            Ok((used, block)) => {
                match block {
                    PcapBlockOwned::Legacy(block) => frames.push(block.data.to_vec()),
                    PcapBlockOwned::NG(Block::EnhancedPacket(block)) => {
                        frames.push(block.data[..block.caplen as usize].to_vec());
                    }
                    _ => {}
                }
                reader.consume(used);
            }
            Err(PcapError::Eof) => return frames,
            Err(PcapError::Incomplete(_)) => reader.refill().expect("capture reads"),
            Err(error) => panic!("{}: {error:?}", path.display()),
        }
    }
}

/// Address and port of one end.
type End = (Ipv4Addr, u16);

/// Source, destination, sequence number, SYN flag and payload of a TCP segment in IPv4.
fn segment(frame: &[u8]) -> Option<(End, End, u32, bool, &[u8])> {
    if frame.be16(12)? != 0x0800 {
        return None;
    }
    let ip = frame.tail(14);
    let (header, total) = (usize::from(ip.u8_at(0)? & 0xf) * 4, usize::from(ip.be16(2)?));
    let tcp = ip.get(header..total).filter(|_| ip[9] == 6)?;
    let address = |at| ip.be32(at).map(Ipv4Addr::from);
    Some((
        (address(12)?, tcp.be16(0)?),
        (address(16)?, tcp.be16(2)?),
        tcp.be32(4)?,
        tcp[13] & 2 != 0,
        tcp.tail(usize::from(tcp[12] >> 4) * 4),
    ))
}

/// One side of a connection: the next sequence number and what is not consumed.
#[derive(Default)]
struct Half {
    next: Option<u32>,
    bytes: Vec<u8>,
}

/// All events of the connections to `port`, streams put in order as far as the captures need it.
fn events(dir: &std::path::Path, name: &str, spec: &Spec, port: u16) -> Vec<(Side, Event)> {
    let mut connections: BTreeMap<_, (Box<dyn Decode>, Half, Half)> = BTreeMap::new();
    let mut all = Vec::new();
    for frame in frames(&dir.join(name)) {
        let Some((from, to, seq, syn, payload)) = segment(&frame) else { continue };
        let (side, key) = match (from.1 == port, to.1 == port) {
            (_, true) => (Side::Client, (from, to)),
            (true, false) => (Side::Server, (to, from)),
            _ => continue,
        };
        let (decoder, client, server) =
            connections.entry(key).or_insert_with(|| ((spec.decoder)(), Half::default(), Half::default()));
        let half = if side == Side::Client { client } else { server };
        if syn {
            (half.next, half.bytes) = (Some(seq.wrapping_add(1)), Vec::new());
        }
        let next = half.next.unwrap_or(seq);
        let ahead = seq.wrapping_sub(next) as i32;
        let Some(fresh) =
            payload.get(ahead.min(0).unsigned_abs() as usize..).filter(|fresh| !fresh.is_empty())
        else {
            continue;
        };
        let gap = ahead > 0 || half.next.is_none();
        if gap {
            half.bytes.clear();
        }
        half.bytes.extend_from_slice(fresh);
        half.next = Some(seq.wrapping_add(payload.len() as u32));
        let mut out = Vec::new();
        let used = decoder.decode(Input { bytes: &half.bytes, side, truncated: false, gap }, &mut out);
        half.bytes.drain(..used);
        all.extend(out.into_iter().map(|event| (side, event)));
    }
    all
}

fn commands(events: &[(Side, Event)]) -> impl Iterator<Item = &Command> {
    events
        .iter()
        .filter_map(|(_, event)| if let Event::Command(command) = event { Some(command) } else { None })
}

fn counts(events: &[(Side, Event)]) -> Counts {
    let mut counts = Counts::new();
    for command in commands(events) {
        *counts.entry((command.direction.name(), command.code_text.to_string())).or_default() += 1;
    }
    counts
}

/// `req 3 x2, rsp 3 x2` as counts.
fn figures(text: &str) -> Counts {
    text.split(", ")
        .map(|part| {
            let [direction, code, times] = part.split(' ').collect::<Vec<_>>()[..] else { panic!("{part}") };
            let direction = match direction {
                "req" => "request",
                "rsp" => "response",
                "ntf" => "notification",
                other => panic!("{other}"),
            };
            ((direction, code.to_string()), times[1..].parse().expect("a count"))
        })
        .collect()
}

/// Captures with how many malformed messages and how many of each command they hold.
fn check(spec: &Spec, port: u16, cases: &[(&str, usize, &str)]) {
    let Some(dir) = directory() else { return };
    for (name, malformed, expected) in cases {
        let events = events(&dir, name, spec, port);
        assert_eq!(counts(&events), figures(expected), "{name}");
        let seen = events.iter().filter(|(_, event)| matches!(event, Event::Malformed(_))).count();
        assert_eq!(seen, *malformed, "{name}");
    }
}

/// As many of each function code as requested, answered alike.
fn answered(requests: &str) -> String {
    requests.split(", ").map(|part| format!("req {part}, rsp {part}")).collect::<Vec<_>>().join(", ")
}

#[test]
fn modbus_counts_are_those_of_tshark() {
    check(
        &modbus::SPEC,
        502,
        &[
            (
                "modbus_all_fc.pcap",
                0,
                &answered(
                    "1 x2, 15 x1, 16 x1, 17 x1, 2 x2, 20 x1, 21 x1, 22 x2, 23 x2, 24 x1, 3 x3, 4 x2, 43/14 x1, 5 x1, 6 x1, \
                 7 x1, 8/0x02 x1",
                ),
            ),
            ("modbus_multi_master.pcap", 0, "req 4 x1079, req 6 x63, rsp 4 x1053, rsp 6 x63"),
            (
                "plant1_modbus.pcap",
                0,
                "req 1 x1519, req 15 x2115, req 16 x14, req 2 x1574, req 4 x2768, rsp 1 x1519, rsp 15 x2113, rsp 16 x14, \
             rsp 2 x1572, rsp 4 x2768",
            ),
            // The tool under test there sends bytes beyond what its functions hold.
            (
                "modbus_quickdraw_part1.pcap",
                17,
                "req 1 x2, req 17 x2, req 3 x1, req 43/14 x2, req 5 x2, req 6 x1, req 8/0x01 x3, req 8/0x04 x3, \
             req 8/0x0a x2, rsp 1 x12, rsp 17 x2, rsp 3 x1, rsp 42 x1, rsp 5 x2, rsp 6 x1, rsp 8/0x01 x3, \
             rsp 8/0x04 x3, rsp 8/0x0a x2",
            ),
            (
                "modbus_umas.pcap",
                0,
                &answered(
                    "90/0x01 x2, 90/0x02 x2, 90/0x03 x2, 90/0x04 x7, 90/0x0a x2, 90/0x10 x1, 90/0x12 x2, 90/0x20 x12, \
                 90/0x33 x1, 90/0x34 x53, 90/0x35 x1, 90/0x50 x2, 90/0x58 x3",
                ),
            ),
        ],
    );
}

#[test]
fn a_function_scan_is_every_code_and_its_exceptions() {
    let Some(dir) = directory() else { return };
    let events = events(&dir, "modbus_function_scan.pcap", &modbus::SPEC, 502);
    let codes: std::collections::BTreeSet<_> = commands(&events)
        .filter(|command| command.direction == Direction::Request)
        .map(|command| if command.code > 0xff { command.code >> 8 } else { command.code })
        .collect();
    assert!((0..128).all(|code| codes.contains(&code)), "{codes:?}");
    let refused =
        |code| commands(&events).filter(|c| matches!(c.status, Status::Refused(c, _) if c == code)).count();
    assert_eq!([1, 2, 3].map(refused), [104, 8, 18]);
}

#[test]
fn s7comm_counts_are_those_of_tshark() {
    check(
        &s7comm::SPEC,
        102,
        &[
            ("plant1_s7.pcap", 0, &answered("0x04 x4672, 0x05 x612")),
            ("s7_blocklist_onlineview.pcap", 0, &answered("0xf0 x5, 3/1 x8, 3/2 x7, 3/3 x4, 4/1 x11")),
            (
                "s7_download_db1.pcap",
                0,
                &answered("0x1a x1, 0x1b x3, 0x1c x1, 0x28 x1, 0xf0 x3, 3/1 x5, 3/2 x2, 3/3 x1, 4/1 x7"),
            ),
            ("s7_ident_probe.pcap", 0, &answered("0x04 x1, 0x1d x4, 0xf0 x1, 4/1 x5")),
            ("s7_libnodave_rw.pcap", 0, &answered("0x04 x3, 0x05 x4, 0xf0 x1")),
            ("s7_read_plc_status.pcap", 0, &answered("0xf0 x1, 4/1 x68, 4/2 x2, 7/1 x1")),
            ("s7_set_time.pcap", 0, &answered("0xf0 x1, 4/1 x6, 7/1 x5, 7/2 x1")),
            (
                "s7_snap7_everything.pcapng",
                0,
                &answered(
                    "0x04 x2, 0x05 x2, 0x1d x5, 0x1e x4, 0x1f x4, 0x28 x3, 0x29 x1, 0xf0 x1, 3/1 x1, 3/3 x1, 4/1 x6, 7/1 x1, \
                 7/2 x1",
                ),
            ),
            (
                "s7_step7_download.pcapng",
                0,
                &answered("0x1a x1, 0x1b x1, 0x1c x1, 0x28 x1, 0xf0 x1, 1/16 x1, 3/2 x16, 3/3 x24, 4/2 x2"),
            ),
            ("s7_step7_stop.pcapng", 0, "req 0x29 x1, rsp 0x29 x1, ntf 0/0 x1, ntf 4/3 x1"),
            (
                "s7_tia_goonline.pcapng",
                0,
                &answered("0xf0 x1, 1/16 x7, 3/1 x7, 3/2 x14, 3/3 x4, 4/1 x186, 4/2 x5"),
            ),
            (
                "s7_wincc_read_write.pcapng",
                0,
                &answered("0x04 x38, 0x05 x36, 0xf0 x1, 4/1 x1, 4/19 x2, 4/2 x4"),
            ),
        ],
    );
}

/// Requests and responses as read off the packets: tshark does not know S7comm-plus.
#[test]
fn s7comm_plus_downloads_a_block_where_the_capture_does() {
    check(
        &s7comm_plus::SPEC,
        102,
        &[
            ("s7plus_hmi.pcap", 0, &answered("0x04ca x1, 0x0542 x2, 0x054c x9")),
            (
                "s7plus_upload_ob1.pcap",
                0,
                &answered(
                    "0x04bb x2, 0x04ca x2, 0x04d4 x1, 0x0524 x2, 0x0542 x1, 0x054c x22, 0x0556 x2, 0x0560 x2, 0x0586 x9",
                ),
            ),
        ],
    );
    let Some(dir) = directory() else { return };
    let events = events(&dir, "s7plus_upload_ob1.pcap", &s7comm_plus::SPEC, 102);
    let programs: Vec<_> = commands(&events)
        .filter(|command| command.action == Action::Program)
        .map(|command| (command.direction, command.object.as_deref()))
        .collect();
    assert_eq!(programs, [(Direction::Request, Some("Main")), (Direction::Response, Some("Main"))]);
}

/// What each industrial probe says of the first client bytes of every connection to `port`.
fn claimed(dir: &std::path::Path, name: &str, port: u16, from_start: bool) -> BTreeMap<&'static str, usize> {
    let mut first = BTreeMap::new();
    for frame in frames(&dir.join(name)) {
        if let Some((from, to, _, _, payload)) = segment(&frame)
            && to.1 == port
            && !payload.is_empty()
        {
            first.entry((from, to)).or_insert_with(Vec::new).extend_from_slice(payload);
        }
    }
    let mut claims = BTreeMap::new();
    for bytes in first.values() {
        let bytes = &bytes[..bytes.len().min(2048)];
        for spec in [&modbus::SPEC, &s7comm::SPEC, &s7comm_plus::SPEC] {
            if (spec.probe)(Probe { bytes, side: Side::Client, hinted: true, from_start }) == Verdict::Yes {
                *claims.entry(spec.name).or_insert(0) += 1;
            }
        }
    }
    claims
}

#[test]
fn probes_claim_their_own_connections_only() {
    let Some(dir) = directory() else { return };
    for (name, port, from_start, expected) in [
        // One Modbus session and six scanners that speak TLS, HTTP, RDP, RPC …
        ("modbus_external_502.pcap", 502, true, Some(("modbus", 1))),
        ("plant1_modbus.pcap", 502, false, Some(("modbus", 14))),
        ("plant1_s7.pcap", 102, false, Some(("s7comm", 14))),
        ("s7_libnodave_rw.pcap", 102, true, Some(("s7comm", 1))),
        ("s7plus_hmi.pcap", 102, true, Some(("s7comm-plus", 1))),
        ("mms_goose_mixed.pcap", 102, false, None),
        ("profinet_s7_misc.pcap", 102, true, None),
        ("rdp_cookie_user_tls.pcap", 3389, true, None),
        ("rdp_standard_security.pcap", 3389, true, None),
        ("tls_sni_benign.pcap", 443, true, None),
        ("plant1_enip.pcap", 44818, false, None),
        ("dnp3_select_operate_many.pcap", 20000, false, None),
    ] {
        assert_eq!(claimed(&dir, name, port, from_start), expected.into_iter().collect(), "{name}");
    }
}
