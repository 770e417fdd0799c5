use super::super::Side;
use super::super::testing::{events, never_panics, verdict};
use super::*;

/// A response to `www.example.com` by way of an alias.
fn response() -> Vec<u8> {
    let mut message = vec![0x12, 0x34, 0x81, 0x80, 0, 1, 0, 3, 0, 0, 0, 0];
    message.extend(b"\x03WWW\x07example\x03com\0\0\x01\0\x01");
    // CNAME to cdn.example.com, then its addresses.
    message.extend(b"\xc0\x0c\0\x05\0\x01\0\0\0\x3c\0\x06\x03cdn\xc0\x10");
    message.extend(b"\xc0\x2d\0\x01\0\x01\0\0\0\x3c\0\x04\xc0\0\x02\x07");
    message.extend(b"\xc0\x2d\0\x1c\0\x01\0\0\0\x3c\0\x10\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01");
    message
}

#[test]
fn answers_name_addresses_by_what_was_asked() {
    let named = |address: &str| {
        Event::About(About::Named { address: address.parse().unwrap(), name: "www.example.com".into() })
    };
    let expected = [named("192.0.2.7"), named("2001:db8::1")];
    assert_eq!(events(&SPEC, &[(Side::Server, &response())]), expected);
    let framed = [&(response().len() as u16).to_be_bytes()[..], &response()].concat();
    assert_eq!(events(&SPEC, &[(Side::Server, &framed)]), expected, "over TCP");
}

#[test]
fn failures_and_queries_name_nothing() {
    let mut failure = response();
    failure[3] = 0x83;
    assert!(events(&SPEC, &[(Side::Server, &failure)]).is_empty());
    let mut query = response();
    query[2] = 1;
    assert!(events(&SPEC, &[(Side::Client, &query)]).is_empty());
}

#[test]
fn a_cut_answer_gives_what_is_whole() {
    let cut = response();
    let told = events(&SPEC, &[(Side::Server, &cut[..cut.len() - 3])]);
    assert_eq!(told.len(), 1);
}

#[test]
fn names_that_point_in_circles_end() {
    let mut message = vec![0, 0, 0x81, 0x80, 0, 1, 0, 1, 0, 0, 0, 0];
    message.extend(b"\xc0\x0c\0\x01\0\x01");
    assert!(events(&SPEC, &[(Side::Server, &message)]).is_empty());
    assert_eq!(verdict(&SPEC, &message), Verdict::No);
}

#[test]
fn only_sound_messages_are_dns() {
    assert_eq!(verdict(&SPEC, &response()), Verdict::Yes);
    assert_eq!(verdict(&SPEC, b"GET / HTTP/1.1\r\n\r\n"), Verdict::No);
    assert_eq!(verdict(&SPEC, &[0; 40]), Verdict::No);
}

#[test]
fn no_bytes_panic() {
    never_panics(&SPEC);
}
