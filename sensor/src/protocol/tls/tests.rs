use proptest::prelude::*;

use super::super::{Event, Input, Malformed, Probe, Side, Verdict};
use super::*;
use crate::source::capture::streams::streams;

fn input(side: Side, bytes: &[u8]) -> Input<'_> {
    Input { bytes, side, truncated: false, gap: false }
}

/// Gives each side's bytes in pieces of `step`, what was not consumed again, as the engine does.
fn decode(segments: &[(Side, Vec<u8>)], step: usize) -> Vec<Event> {
    let mut decoder = (SPEC.decoder)();
    let mut out = Vec::new();
    let mut waiting = [Vec::new(), Vec::new()];
    for (side, bytes) in segments {
        for piece in bytes.chunks(step) {
            let buffer = &mut waiting[*side as usize];
            buffer.extend_from_slice(piece);
            let used = decoder.decode(input(*side, buffer), &mut out);
            assert!(used <= buffer.len());
            buffer.drain(..used);
        }
    }
    out
}

fn probe(side: Side, bytes: &[u8], hinted: bool, from_start: bool) -> Verdict {
    (SPEC.probe)(Probe { bytes, side, hinted, from_start })
}

fn record(content: u8, fragment: &[u8]) -> Vec<u8> {
    [&[content, 3, 3][..], &(fragment.len() as u16).to_be_bytes(), fragment].concat()
}

fn message(kind: u8, body: &[u8]) -> Vec<u8> {
    [&[kind][..], &(body.len() as u32).to_be_bytes()[1..], body].concat()
}

fn extension(kind: u16, data: &[u8]) -> Vec<u8> {
    [&kind.to_be_bytes()[..], &(data.len() as u16).to_be_bytes(), data].concat()
}

/// Version, random, a session id of one byte, one cipher, no compression, extensions.
fn client_hello(extensions: &[Vec<u8>]) -> Vec<u8> {
    let extensions = extensions.concat();
    let mut body = [&[3, 3][..], &[7; 32], &[1, 0x51], &[0, 2, 0x13, 1], &[1, 0]].concat();
    body.extend((extensions.len() as u16).to_be_bytes());
    body.extend(extensions);
    message(1, &body)
}

fn server_hello(random: u8, session: &[u8], extensions: &[Vec<u8>]) -> Vec<u8> {
    let extensions = extensions.concat();
    let mut body = [&[3, 3][..], &[random; 32], &[session.len() as u8], session, &[0xc0, 0x2f, 0]].concat();
    body.extend((extensions.len() as u16).to_be_bytes());
    body.extend(extensions);
    message(2, &body)
}

const SERVER_NAME: &[u8] = &[0, 9, 0, 0, 6, b'P', b'l', b'c', b'.', b'd', b'e'];

fn hello(extensions: &[Vec<u8>]) -> ClientHello {
    match &decode(&[(Side::Client, record(22, &client_hello(extensions)))], usize::MAX)[..] {
        [Event::Tls(Handshake::ClientHello(hello))] => ClientHello::clone(hello),
        other => panic!("{other:?}"),
    }
}

/// The events of a server's bytes, after a ClientHello that offers session id 0x51.
fn answer(records: &[Vec<u8>]) -> Vec<Event> {
    let client = (Side::Client, record(22, &client_hello(&[])));
    decode(&[client, (Side::Server, records.concat())], usize::MAX).split_off(1)
}

const fn chosen(version: u16, resumed: bool) -> Event {
    Event::Tls(Handshake::ServerHello { version, resumed })
}

#[test]
fn a_name_in_clear_is_present_even_beside_ech() {
    let present = Sni::Present("plc.de".into());
    assert_eq!(hello(&[extension(0, SERVER_NAME)]).sni, present);
    assert_eq!(hello(&[extension(0xfe0d, &[0; 9]), extension(0, SERVER_NAME)]).sni, present);
}

#[test]
fn without_a_name_sni_is_hidden_by_ech_and_absent_otherwise() {
    assert_eq!(hello(&[]).sni, Sni::Absent);
    assert_eq!(hello(&[extension(0xfe0d, &[0; 9])]).sni, Sni::Hidden);
    assert_eq!(hello(&[extension(0xffce, &[0; 9])]).sni, Sni::Hidden);
}

#[test]
fn the_highest_version_offered_counts_and_grease_does_not() {
    assert_eq!(hello(&[]).version, 0x0303);
    assert_eq!(hello(&[extension(43, &[6, 0xfa, 0xfa, 3, 4, 3, 3])]).version, 0x0304);
}

#[test]
fn the_first_alpn_protocol_is_reported() {
    let alpn = extension(16, &[0, 12, 2, b'h', b'2', 8, b'h', b't', b't', b'p', b'/', b'1', b'.', b'1']);
    assert_eq!(hello(&[alpn]).alpn.as_deref(), Some("h2"));
}

#[test]
fn a_malformed_extension_does_not_hide_those_after_it() {
    let broken = extension(16, &[0xff, 0xff, 1]);
    assert_eq!(hello(&[broken, extension(0, SERVER_NAME)]).sni, Sni::Present("plc.de".into()));
}

#[test]
fn a_client_hello_over_several_records_is_one() {
    let whole = client_hello(&[extension(0, SERVER_NAME)]);
    let records: Vec<u8> = whole.chunks(10).flat_map(|part| record(22, part)).collect();
    let once = decode(&[(Side::Client, record(22, &whole))], usize::MAX);
    assert_eq!(once.len(), 1);
    assert_eq!(decode(&[(Side::Client, records)], usize::MAX), once);
}

#[test]
fn a_server_that_goes_to_change_cipher_spec_or_a_ticket_resumes() {
    let hello = record(22, &server_hello(1, &[9], &[]));
    assert_eq!(answer(&[hello.clone(), record(20, &[1])]), [chosen(0x0303, true)]);
    assert_eq!(answer(&[hello, record(22, &message(4, &[0; 6])), record(20, &[1])]), [chosen(0x0303, true)]);
}

#[test]
fn an_echoed_session_id_is_no_resumption_when_a_certificate_follows() {
    let flight = [server_hello(1, &[0x51], &[]), message(11, &[0, 0, 0])].concat();
    assert_eq!(answer(&[record(22, &flight)]), [chosen(0x0303, false)]);
}

#[test]
fn a_key_exchange_without_certificate_is_no_resumption() {
    let flight = [server_hello(1, &[], &[]), message(12, &[0; 4])].concat();
    assert_eq!(answer(&[record(22, &flight)]), [chosen(0x0303, false)]);
}

#[test]
fn in_tls_1_3_an_accepted_pre_shared_key_is_resumption() {
    let versions = extension(43, &[3, 4]);
    assert_eq!(
        answer(&[record(22, &server_hello(1, &[0x51], std::slice::from_ref(&versions)))]),
        [chosen(0x0304, false)]
    );
    let resumed = server_hello(1, &[0x51], &[versions, extension(41, &[0, 0])]);
    assert_eq!(answer(&[record(22, &resumed), record(20, &[1])]), [chosen(0x0304, true)]);
}

#[test]
fn a_hello_retry_request_is_not_the_answer() {
    let mut retry = server_hello(1, &[], &[extension(43, &[3, 4])]);
    let random: Vec<u8> = <sha2::Sha256 as sha2::Digest>::digest("HelloRetryRequest").to_vec();
    retry[6..38].copy_from_slice(&random);
    let real = server_hello(1, &[], &[extension(43, &[3, 4])]);
    assert_eq!(answer(&[record(22, &retry), record(20, &[1]), record(22, &real)]), [chosen(0x0304, false)]);
}

#[test]
fn when_the_certificate_is_lost_an_echoed_session_id_decides() {
    for (session, resumed) in [(0x51, true), (0x52, false)] {
        let mut decoder = (SPEC.decoder)();
        let mut out = Vec::new();
        decoder.decode(input(Side::Client, &record(22, &client_hello(&[]))), &mut out);
        decoder.decode(input(Side::Server, &record(22, &server_hello(1, &[session], &[]))), &mut out);
        assert_eq!(out.len(), 1);
        let lost = Input { gap: true, ..input(Side::Server, &[0xff; 20]) };
        assert_eq!(decoder.decode(lost, &mut out), 20);
        assert_eq!(out[1..], [chosen(0x0303, resumed)]);
    }
}

#[test]
fn a_cut_frame_is_not_waited_for() {
    let mut decoder = (SPEC.decoder)();
    let mut out = Vec::new();
    let bytes = record(22, &client_hello(&[]));
    let cut = Input { truncated: true, ..input(Side::Client, &bytes[..20]) };
    assert_eq!(decoder.decode(cut, &mut out), 20);
    assert!(out.is_empty());
}

#[test]
fn application_data_is_swallowed() {
    let mut decoder = (SPEC.decoder)();
    let mut out = Vec::new();
    decoder
        .decode(input(Side::Server, &record(22, &server_hello(1, &[], &[extension(43, &[3, 4])]))), &mut out);
    assert_eq!(decoder.decode(input(Side::Server, &[0xee; 1000]), &mut out), 1000);
    assert_eq!(out, [chosen(0x0304, false)]);
}

#[test]
fn lengths_beyond_every_hello_and_certificate_are_malformed() {
    let malformed = [Event::Malformed(Malformed::BadLength)];
    assert_eq!(decode(&[(Side::Client, record(22, &[1, 0xff, 0xff, 0xff]))], usize::MAX), malformed);
    let long = message(11, &[0, 0xff, 0xff, 0, 0xff, 0xf0, 1, 2, 3]);
    assert_eq!(decode(&[(Side::Server, record(22, &long))], usize::MAX), malformed);
}

#[test]
fn bytes_that_are_no_record_are_malformed_once() {
    let events = decode(&[(Side::Server, b"HTTP/1.1 400 Bad Request".to_vec())], 7);
    assert_eq!(events, [Event::Malformed(Malformed::BadValue)]);
}

#[test]
fn a_hello_is_recognised_on_any_port_and_a_prefix_waits() {
    let client = record(22, &client_hello(&[]));
    assert_eq!(probe(Side::Client, &client, false, true), Verdict::Yes);
    assert_eq!(probe(Side::Client, &client[..7], false, true), Verdict::NeedMore);
    assert_eq!(probe(Side::Client, &[], false, true), Verdict::NeedMore);
    assert_eq!(probe(Side::Server, &client, false, true), Verdict::No);
    assert_eq!(probe(Side::Server, &record(22, &server_hello(1, &[], &[])), false, true), Verdict::Yes);
}

#[test]
fn other_protocols_are_refused() {
    let others: [&[u8]; 5] = [
        b"GET / HTTP/1.1\r\n",
        &[3, 0, 0, 22, 0x11, 0xe0, 0, 0, 0, 1, 0, 0xc0, 1, 10], // TPKT, COTP connection request
        &[0, 1, 0, 0, 0, 6, 1, 3, 0, 0, 0, 1],                  // Modbus
        b"SSH-2.0-OpenSSH_9.2\r\n",
        &[22, 3, 1, 0xff, 0xff, 1, 0, 0, 0, 3],
    ];
    for bytes in others {
        assert_eq!(probe(Side::Client, bytes, true, true), Verdict::No, "{bytes:02x?}");
    }
}

#[test]
fn encrypted_records_joined_midway_need_a_second_one_off_the_usual_ports() {
    let data = record(23, &[9; 40]);
    assert_eq!(probe(Side::Client, &data, true, false), Verdict::Yes);
    assert_eq!(probe(Side::Client, &data, false, false), Verdict::NeedMore);
    assert_eq!(probe(Side::Client, &[data.clone(), data.clone()].concat(), false, false), Verdict::Yes);
    assert_eq!(probe(Side::Client, &[data, vec![0; 5]].concat(), false, false), Verdict::No);
}

/// Of a real capture: server address, then the events in short.
fn seen(capture: &str) -> Option<Vec<String>> {
    let mut lines = Vec::new();
    for stream in streams(capture)? {
        let mut first = [true; 2];
        let is_tls = stream.payloads.iter().any(|(side, bytes)| {
            std::mem::take(&mut first[*side as usize]) && probe(*side, bytes, false, true) == Verdict::Yes
        });
        if !is_tls {
            continue;
        }
        let events = decode(&stream.payloads, usize::MAX);
        assert_eq!(decode(&stream.payloads, 3), events, "{capture} in small pieces");
        lines.extend(events.iter().map(|event| match event {
            Event::Tls(Handshake::ClientHello(hello)) => {
                let sni = match &hello.sni {
                    Sni::Present(name) => name,
                    Sni::Absent => "absent",
                    Sni::Hidden => "hidden",
                };
                format!("{:04x} {sni} {} {}", hello.version, hello.ja3, hello.ja4)
            }
            Event::Tls(Handshake::ServerHello { version, resumed }) => {
                format!("{version:04x} resumed {resumed}")
            }
            Event::Tls(Handshake::Certificate(certificate)) => {
                let Certificate { place, subject, issuer, self_signed, .. } = &**certificate;
                format!("{place}: {subject} by {issuer}: {self_signed:?}")
            }
            Event::Tls(Handshake::ChainEnd { certificates }) => format!("{certificates} certificates"),
            other => format!("{other:?}"),
        }));
    }
    Some(lines)
}

#[test]
fn real_handshakes_are_read_as_other_tools_read_them() {
    // JA3 as tshark gives it; names and whether the signature verifies as openssl does; the JA4 of
    // tls_selfsigned_nosni as Suricata expects it (suricata-verify, ja4-tls).
    let cases: [(&str, &[&str]); 8] = [
        (
            "tls_c2_nosni.pcap",
            &["0301 absent 49ed2ef3f1321e5f044f1e71b0e6fdd5 t10i070600_c50f5591e341_c39ab67fec8e"],
        ),
        (
            "tls_selfsigned_nosni.pcap",
            &[
                "0303 absent 308b0bd904abbef5e0034a1ff7a78920 t12i1810s1_27d4652c4487_06a4338d0495",
                "0303 resumed false",
                "0: CN=SELKS,O=Stamus,L=Paris,ST=IDF,C=FR by CN=SELKS,O=Stamus,L=Paris,ST=IDF,C=FR: Yes",
                "1 certificates",
            ],
        ),
        (
            "tls_selfsigned_internal.pcap",
            &[
                "0303 absent ccc4531e0fdf771be227dc8cba58b91e t12i550500_3970cc3bc6d2_31498302a1f1",
                "0303 resumed false",
                "0: CN=x230 by CN=x230: Yes",
                "1 certificates",
            ],
        ),
        (
            "tls_selfsigned_nulllink.pcap",
            &[
                "0300 absent 03e697d7655911e630ee3ee8e2a02ba4 ts3i230000_6a57a6f57151_000000000000",
                "0300 resumed false",
                "0: CN=molochftw by CN=molochftw: Yes",
                "1 certificates",
            ],
        ),
        (
            "tls_sni_benign.pcap",
            &[
                "0301 ssl.gstatic.com 62351d5ea3cd4f21f697965b10a9bbbe t10d360600_b06c425f59b5_eb0e26099a3f",
                "0301 resumed false",
                "0: CN=*.gstatic.com,O=Google Inc,L=Mountain View,ST=California,C=US by CN=Google Internet Authority,O=Google \
                 Inc,C=US: No",
                "1: CN=Google Internet Authority,O=Google Inc,C=US by OU=Equifax Secure Certificate Authority,O=Equifax,C=US: \
                 No",
                "2 certificates",
            ],
        ),
        (
            "tls_nosni_valid_cert.pcap",
            &[
                "0303 absent c1a36e1a870786cc75edddc0009eaf3a t12i740500_c43983326036_3eafcbe19126",
                "0303 resumed false",
                "0: CN=*.google.com,O=Google Inc,L=Mountain View,ST=California,C=US by CN=Google Internet Authority \
                 G2,O=Google Inc,C=US: No",
                "1: CN=Google Internet Authority G2,O=Google Inc,C=US by CN=GeoTrust Global CA,O=GeoTrust Inc.,C=US: No",
                "2: CN=GeoTrust Global CA,O=GeoTrust Inc.,C=US by OU=Equifax Secure Certificate Authority,O=Equifax,C=US: No",
                "3 certificates",
            ],
        ),
        (
            "modbus_external_502.pcap",
            &["0303 absent c3a6cf0bf2e690ac8e1ecf6081f17a50 t12i160600_8cdfa2d4673b_09407521b4f3"],
        ),
        ("rdp_no_cookie.pcap", &[]),
    ];
    for (capture, expected) in cases {
        let Some(lines) = seen(capture) else { return };
        assert_eq!(lines, expected, "{capture}");
    }
}

#[test]
fn a_client_hello_in_ssl_2_framing_has_no_name() {
    let Some(lines) = seen("tls_glupteba_nosni.pcap") else { return };
    assert_eq!(lines.len(), 4, "{lines:?}");
    assert!(lines[0].starts_with("0301 absent "), "{lines:?}");
    assert_eq!(lines[2], "0: CN=xn--j1ahhq.xn--p1ai by CN=R3,O=Let's Encrypt,C=US: No");
}

#[test]
fn a_browser_with_encrypted_sni_hides_four_of_seven_names() {
    let Some(lines) = seen("tls_nosni_browser.pcap") else { return };
    let count = |what: &str| lines.iter().filter(|line| line.contains(what)).count();
    assert_eq!((count(" t13"), count(" hidden "), count(" absent ")), (7, 4, 0));
    assert_eq!((count("resumed true"), count("resumed false")), (2, 5));
}

#[test]
fn a_certificate_changed_by_one_bit_is_not_its_own_signer() {
    let Some(streams) = streams("tls_selfsigned_nosni.pcap") else { return };
    let mut payloads = streams.into_iter().next().expect("there is one").payloads;
    let (_, flight) = payloads.iter_mut().find(|(side, _)| *side == Side::Server).expect("the server speaks");
    let serial = flight.windows(4).position(|w| w == [0xa0, 3, 2, 1]).expect("a version 3 certificate") + 9;
    flight[serial] ^= 1;
    let events = decode(&payloads, usize::MAX);
    let [.., Event::Tls(Handshake::Certificate(certificate)), _] = &events[..] else { panic!("{events:?}") };
    assert_eq!(certificate.self_signed, SelfSigned::No);
}

/// A Certificate message.
fn chain(certificates: &[&[u8]]) -> Vec<u8> {
    let sized = |bytes: &[u8]| [&(bytes.len() as u32).to_be_bytes()[1..], bytes].concat();
    message(11, &sized(&certificates.iter().flat_map(|der| sized(der)).collect::<Vec<u8>>()))
}

#[test]
fn what_a_chain_holds_beside_certificates_that_can_be_read_is_told_and_counted() {
    let flight = [server_hello(1, &[], &[]), chain(&[&[0x30, 0][..]; 7])].concat();
    let events = answer(&[record(22, &flight)]);
    let malformed = events.iter().filter(|event| **event == Event::Malformed(Malformed::BadValue));
    assert_eq!(malformed.count(), usize::from(super::decoder::MAX_CHAIN));
    assert_eq!(events.last(), Some(&Event::Tls(Handshake::ChainEnd { certificates: 7 })));
}

#[test]
fn a_chain_whose_lengths_contradict_each_other_is_malformed_once() {
    let broken = Event::Malformed(Malformed::BadLength);
    for body in
        [&[0, 0, 2, 1, 1][..], &[0, 0, 4, 0, 0, 2, 1], &[0, 0, 3, 0, 0, 0], &[0, 0, 9, 0, 0, 6, 1], &[1, 1]]
    {
        let flight = [server_hello(1, &[], &[]), message(11, body), message(14, &[])].concat();
        assert_eq!(answer(&[record(22, &flight)]), [chosen(0x0303, false), broken.clone()], "{body:?}");
    }
}

#[test]
fn a_gap_in_a_chain_ends_it_and_leaves_what_was_read() {
    let Some(streams) = streams("tls_nosni_valid_cert.pcap") else { return };
    let payloads = streams.into_iter().next().expect("there is one").payloads;
    let (_, flight) = payloads.iter().find(|(side, _)| *side == Side::Server).expect("the server speaks");
    let mut decoder = (SPEC.decoder)();
    let mut out = Vec::new();
    let mut kept = input(Side::Server, flight);
    kept.truncated = true;
    decoder.decode(kept, &mut out);
    assert!(
        matches!(out.last(), Some(Event::Tls(Handshake::Certificate(_) | Handshake::ServerHello { .. }))),
        "{out:?}"
    );
    let told = out.len();
    let lost = Input { gap: true, ..input(Side::Server, &[0x16; 90]) };
    assert_eq!(decoder.decode(lost, &mut out), 90);
    assert!(out[told..].iter().all(|event| !matches!(event, Event::Tls(_))), "{out:?}");
}

fn arbitrary_side() -> impl Strategy<Value = Side> {
    prop_oneof![Just(Side::Client), Just(Side::Server)]
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(
        inputs in proptest::collection::vec(
            (arbitrary_side(), any::<bool>(), any::<bool>(), proptest::collection::vec(any::<u8>(), 0..80)), 0..6),
    ) {
        let mut decoder = (SPEC.decoder)();
        let mut out = Vec::new();
        for (side, truncated, gap, mut bytes) in inputs {
            probe(side, &bytes, gap, truncated);
            let used = decoder.decode(Input { bytes: &bytes, side, truncated, gap }, &mut out);
            prop_assert!(used <= bytes.len());
            bytes.splice(0..bytes.len().min(3), [22, 3, 1, 0, 60]);
            let used = decoder.decode(Input { bytes: &bytes, side, truncated, gap }, &mut out);
            prop_assert!(used <= bytes.len());
        }
    }

    #[test]
    fn how_bytes_are_split_does_not_matter(
        step in 1usize..200,
        flips in proptest::collection::vec((0usize..400, any::<u8>()), 0..4),
    ) {
        let mut client = record(22, &client_hello(&[extension(0, SERVER_NAME), extension(43, &[2, 3, 4])]));
        let mut server = [record(22, &server_hello(1, &[0x51], &[])), record(22, &message(11, &[0, 0, 9, 0, 0, 6, 0x30, 4, 2, 0, 2, 0]))].concat();
        for (at, value) in flips {
            let (client_len, server_len) = (client.len(), server.len());
            client[at % client_len] = value;
            server[at % server_len] = value;
        }
        let segments = [(Side::Client, client), (Side::Server, server)];
        prop_assert_eq!(decode(&segments, step), decode(&segments, usize::MAX));
    }
}
