use proptest::prelude::*;

use super::*;
use crate::source::capture::streams::{captures, streams};

/// An X.224 connection TPDU of that code in TPKT.
fn tpdu(code: u8, variable: &[u8]) -> Vec<u8> {
    let len = (HEADER + variable.len()) as u16;
    [&[3, 0][..], &len.to_be_bytes(), &[(len - 5) as u8, code, 0, 0, 0, 0, 0], variable].concat()
}

/// Gives one side's bytes in pieces of `step`, what was not consumed again.
fn decode(side: Side, bytes: &[u8], step: usize) -> Vec<Event> {
    let (mut decoder, mut out, mut waiting) = ((SPEC.decoder)(), Vec::new(), Vec::new());
    for piece in bytes.chunks(step) {
        waiting.extend_from_slice(piece);
        let used = decoder.decode(Input { bytes: &waiting, side, truncated: false, gap: false }, &mut out);
        assert!(used <= waiting.len());
        waiting.drain(..used);
    }
    out
}

fn client(variable: &[u8]) -> Vec<Event> {
    decode(Side::Client, &tpdu(REQUEST, variable), usize::MAX)
}

fn requested(cookie: Option<&str>, token: bool, protocols: Option<u32>, admin: bool) -> [Event; 1] {
    let cookie = cookie.map(Into::into);
    [Event::Rdp(Handshake::Request { cookie, routing_token: token, protocols, restricted_admin: admin })]
}

fn verdict(side: Side, bytes: &[u8], hinted: bool) -> Verdict {
    probe(Probe { bytes, side, hinted, from_start: true })
}

#[test]
fn the_user_is_read_from_the_cookie() {
    assert_eq!(client(b"Cookie: mstshash=Administr\r\n"), requested(Some("Administr"), false, None, false));
    let both = b"Cookie: mstshash=eva\r\n\x01\x00\x08\x00\x03\x00\x00\x00";
    assert_eq!(client(both), requested(Some("eva"), false, Some(3), false));
}

#[test]
fn a_routing_token_is_no_user() {
    assert_eq!(client(b"Cookie: msts=3640205228.15629.0000\r\n"), requested(None, true, None, false));
    assert_eq!(client(b"tsv://MS Terminal Services Plugin.1.Pool\r\n"), requested(None, true, None, false));
}

#[test]
fn restricted_admin_is_a_flag_of_the_negotiation_request() {
    assert_eq!(client(&[1, 1, 8, 0, 11, 0, 0, 0]), requested(None, false, Some(11), true));
    // Correlation information (flag 8) follows; RestrictedAdmin is not asked for.
    let correlated = [&[1, 8, 8, 0, 11, 0, 0, 0][..], &[6, 0, 36, 0], &[9; 32]].concat();
    assert_eq!(client(&correlated), requested(None, false, Some(11), false));
}

#[test]
fn a_protocol_value_that_looks_like_a_line_end_is_no_line_end() {
    assert_eq!(client(&[1, 0, 8, 0, 0x0d, 0x0a, 0, 0]), requested(None, false, Some(0x0a0d), false));
}

#[test]
fn a_request_without_anything_names_nobody() {
    assert_eq!(client(&[]), requested(None, false, None, false));
}

#[test]
fn a_confirm_tells_the_protocol_or_the_failure() {
    let confirmed = |variable: &[u8]| decode(Side::Server, &tpdu(CONFIRM, variable), usize::MAX);
    let event = |selected, failure| [Event::Rdp(Handshake::Confirm { selected, failure })];
    assert_eq!(confirmed(&[2, 0x1f, 8, 0, 2, 0, 0, 0]), event(Some(2), None));
    assert_eq!(confirmed(&[3, 0, 8, 0, 5, 0, 0, 0]), event(None, Some(5)));
    assert_eq!(confirmed(&[]), event(None, None));
}

#[test]
fn what_follows_the_handshake_is_swallowed() {
    for (side, code) in [(Side::Client, REQUEST), (Side::Server, CONFIRM)] {
        let bytes = [tpdu(code, &[]), vec![0x16, 3, 1, 0, 9, 0xff, 0xff]].concat();
        assert_eq!(decode(side, &bytes, usize::MAX).len(), 1);
        assert_eq!(decode(side, &bytes, 1).len(), 1);
    }
}

#[test]
fn lengths_that_contradict_are_malformed() {
    let mut bytes = tpdu(REQUEST, &[]);
    bytes[4] = 9;
    assert_eq!(decode(Side::Client, &bytes, usize::MAX), [Event::Malformed(Malformed::BadLength)]);
    assert_eq!(client(&[1, 0, 9, 0, 0, 0, 0, 0]), [Event::Malformed(Malformed::BadLength)]);
    assert_eq!(client(&[1, 0, 8, 0, 0]), [Event::Malformed(Malformed::Truncated)]);
    assert_eq!(client(&[1, 0, 8, 0, 0, 0, 0, 0, 0]), requested(None, false, Some(0), false));
    assert_eq!(
        client(b"Cookie: mstshash=a\r\n\x02\0\x08\0\0\0\0\0"),
        [Event::Malformed(Malformed::BadValue)]
    );
}

#[test]
fn after_a_gap_or_in_a_cut_frame_nothing_is_waited_for() {
    let bytes = tpdu(REQUEST, b"Cookie: mstshash=eva\r\n");
    for (truncated, gap, given) in [(true, false, &bytes[..20]), (false, true, &bytes[..])] {
        let (mut decoder, mut out) = ((SPEC.decoder)(), Vec::new());
        let used = decoder.decode(Input { bytes: given, side: Side::Client, truncated, gap }, &mut out);
        assert_eq!((used, out.len()), (given.len(), 0));
    }
}

#[test]
fn a_request_is_recognised_on_any_port_and_a_prefix_waits() {
    let bytes = tpdu(REQUEST, b"Cookie: mstshash=admin\r\n");
    assert_eq!(verdict(Side::Client, &bytes, false), Verdict::Yes);
    for len in 0..HEADER + COOKIE.len() {
        assert_eq!(verdict(Side::Client, &bytes[..len], false), Verdict::NeedMore, "{len} bytes");
    }
    assert_eq!(verdict(Side::Server, &tpdu(CONFIRM, &[2, 0, 8, 0, 1, 0, 0, 0]), false), Verdict::Yes);
    assert_eq!(verdict(Side::Server, &bytes, true), Verdict::No);
}

#[test]
fn the_datagram_that_opens_rdp_over_udp_is_recognised_and_says_nothing() {
    let mut datagram = vec![0; 1232];
    datagram[..16].copy_from_slice(&[0xff, 0xff, 0xff, 0xff, 0, 64, 0, 1, 1, 2, 3, 4, 4, 0xd0, 4, 0xd0]);
    assert_eq!(verdict(Side::Client, &datagram, false), Verdict::Yes);
    let (mut decoder, mut out) = ((SPEC.decoder)(), Vec::new());
    let input = Input { bytes: &datagram, side: Side::Client, truncated: false, gap: false };
    assert_eq!((decoder.decode(input, &mut out), out.len()), (1232, 0));
    // The answer of MS-RDPEUDP 4.1.2.
    datagram[..16].copy_from_slice(&[0, 0, 0, 0x42, 4, 0, 0, 5, 0, 0, 0, 0x42, 4, 0xd0, 4, 0xd0]);
    assert_eq!(verdict(Side::Client, &datagram, false), Verdict::No, "an answer");
    assert_eq!(verdict(Side::Server, &datagram, false), Verdict::Yes);
    assert_eq!(verdict(Side::Server, &datagram[..400], false), Verdict::No, "not filled up");
    datagram[7] = 4;
    assert_eq!(verdict(Side::Server, &datagram, false), Verdict::No, "no SYN");
}

#[test]
fn bare_x224_is_rdp_on_its_port_only() {
    assert_eq!(verdict(Side::Client, &tpdu(REQUEST, &[]), true), Verdict::Yes);
    assert_eq!(verdict(Side::Client, &tpdu(REQUEST, &[]), false), Verdict::No);
}

#[test]
fn cotp_of_s7_and_mms_is_refused_even_on_the_port() {
    let s7 = [0xc0, 1, 10, 0xc1, 2, 1, 0, 0xc2, 2, 1, 2];
    let mms = [0xc1, 2, 0, 1, 0xc2, 2, 0, 1, 0xc0, 1, 0x0d];
    for variable in [s7, mms] {
        assert_eq!(verdict(Side::Client, &tpdu(REQUEST, &variable), true), Verdict::No);
        assert_eq!(verdict(Side::Server, &tpdu(CONFIRM, &variable), true), Verdict::No);
    }
}

/// Of a real capture: the server's port and the events of every connection recognised as RDP.
fn seen(capture: &str) -> Vec<(u16, Event)> {
    let mut events = Vec::new();
    for stream in streams(capture).unwrap_or_default() {
        let mut decoder = (SPEC.decoder)();
        let mut out = Vec::new();
        let Some((side, bytes)) = stream.payloads.first() else { continue };
        if verdict(*side, bytes, false) != Verdict::Yes {
            continue;
        }
        for (side, bytes) in &stream.payloads {
            let used = decoder.decode(Input { bytes, side: *side, truncated: false, gap: false }, &mut out);
            assert_eq!(used, bytes.len(), "{capture}");
        }
        events.extend(out.into_iter().map(|event| (stream.server.1, event)));
    }
    events
}

#[test]
fn real_sessions_are_read_as_tshark_reads_them() {
    if captures().is_none() {
        return;
    }
    let confirm = |selected| Event::Rdp(Handshake::Confirm { selected, failure: None });
    let session = |port, [request]: [Event; 1], selected| vec![(port, request), (port, confirm(selected))];
    let codi = || session(3389, requested(Some("AWAKECODI"), false, Some(3), false), Some(2));
    let [scanner] = requested(Some("admin"), false, Some(1), false);
    let cases = [
        ("rdp_cookie_administr.pcap", session(3389, requested(Some("Administr"), false, None, false), None)),
        ("rdp_cookie_user_tls.pcap", [codi(), codi()].concat()),
        ("rdp_no_cookie.pcap", session(3389, requested(None, false, Some(11), false), Some(8))),
        ("rdp_standard_security.pcap", session(3389, requested(Some("A70067"), false, None, false), None)),
        ("modbus_external_502.pcap", vec![(502, scanner)]),
    ];
    for (capture, expected) in cases {
        assert_eq!(seen(capture), expected, "{capture}");
    }
}

#[test]
fn no_other_capture_holds_rdp() {
    let Some(folder) = captures() else { return };
    for file in folder.read_dir().expect("it is a folder") {
        let name = file.expect("it can be listed").file_name().into_string().expect("names are ASCII");
        if name != "README.md" && !name.starts_with("rdp_") && name != "modbus_external_502.pcap" {
            assert_eq!(seen(&name), [], "{name}");
        }
    }
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic_and_splitting_does_not_matter(
        is_client in any::<bool>(),
        step in 1usize..40,
        valid in any::<bool>(),
        bytes in proptest::collection::vec(any::<u8>(), 0..60),
        kind in 0u8..5,
    ) {
        let (side, code) = if is_client { (Side::Client, REQUEST) } else { (Side::Server, CONFIRM) };
        let bytes = if valid { tpdu(code, &[&[kind][..], &bytes].concat()) } else { bytes };
        verdict(side, &bytes, valid);
        let whole = decode(side, &bytes, usize::MAX);
        prop_assert_eq!(decode(side, &bytes, step), whole);
    }
}
