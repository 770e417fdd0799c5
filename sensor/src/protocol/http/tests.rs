use super::super::testing::{assets, events, never_panics, server_verdict, verdict};
use super::*;

const REQUEST: &[u8] =
    b"GET /portal HTTP/1.1\r\nHost: PLC.plant.example:8080\r\nuser-agent: curl/8.5\r\n\r\n";

#[test]
fn a_request_and_a_response_name_software_and_server() {
    let response = &b"HTTP/1.1 200 OK\r\nServer: GoAhead-Webs\r\nX: y\r\n\r\nbody"[..];
    assert_eq!(
        assets(&SPEC, &[(Side::Client, REQUEST), (Side::Server, response)]),
        [
            (Side::Client, AssetField::Software, "curl/8.5".to_owned()),
            (Side::Server, AssetField::Software, "GoAhead-Webs".to_owned()),
        ]
    );
    let called = Event::About(About::Called("plc.plant.example".into()));
    assert!(events(&SPEC, &[(Side::Client, REQUEST)]).contains(&called));
}

#[test]
fn an_address_in_place_of_a_name_is_no_name() {
    assert_eq!(called(b"192.168.0.1:80"), None);
    assert_eq!(called(b"[fe80::1]"), None);
}

#[test]
fn request_lines_and_status_lines_are_http_and_others_are_not() {
    assert_eq!(verdict(&SPEC, REQUEST), Verdict::Yes);
    assert_eq!(verdict(&SPEC, b"GE"), Verdict::NeedMore);
    assert_eq!(verdict(&SPEC, b"GET a line of something\r\n"), Verdict::No);
    assert_eq!(verdict(&SPEC, b"POST /wsman HTTP/1.1\r\n"), Verdict::No);
    assert_eq!(verdict(&SPEC, b"POST /w"), Verdict::NeedMore);
    assert_eq!(server_verdict(&SPEC, b"HTTP/1.0 404"), Verdict::Yes);
    assert_eq!(server_verdict(&SPEC, b"RTSP/1.0 200"), Verdict::No);
}

#[test]
fn no_bytes_panic() {
    never_panics(&SPEC);
}
