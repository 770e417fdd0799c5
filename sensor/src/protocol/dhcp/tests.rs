use super::super::Side;
use super::super::testing::{events, never_panics, verdict};
use super::*;

const MAC: [u8; 6] = [0, 0x1b, 0x1b, 1, 2, 3];

fn packet(op: u8, current: [u8; 4], yours: [u8; 4], options: &[u8]) -> Vec<u8> {
    let mut bytes = vec![op, 1, 6, 0, 1, 2, 3, 4, 0, 0, 0, 0];
    bytes.extend(current);
    bytes.extend(yours);
    bytes.extend([0; 8]);
    bytes.extend(MAC);
    bytes.resize(COOKIE_AT, 0);
    bytes.extend(COOKIE.to_be_bytes());
    bytes.extend(options);
    bytes.push(END);
    bytes
}

#[test]
fn a_request_says_who_asks_and_an_acknowledgement_what_it_got() {
    let request = packet(1, [0; 4], [0; 4], b"\x35\x01\x03\0\x0c\x03ES1\x3c\x08MSFT 5.0");
    let reply = packet(2, [0; 4], [10, 0, 0, 7], b"\x35\x01\x05");
    assert_eq!(
        events(&SPEC, &[(Side::Client, &request), (Side::Server, &reply)]),
        [
            Event::About(About::Stated { mac: MAC, field: AssetField::Name, value: "ES1".into() }),
            Event::About(About::Stated { mac: MAC, field: AssetField::System, value: "MSFT 5.0".into() }),
            Event::About(About::Leased { mac: MAC, address: Ipv4Addr::new(10, 0, 0, 7).into() }),
        ]
    );
}

#[test]
fn a_renewal_tells_the_address_that_is_in_use() {
    let renewal = packet(1, [10, 0, 0, 9], [0; 4], b"\x35\x01\x03");
    let leased = About::Leased { mac: MAC, address: Ipv4Addr::new(10, 0, 0, 9).into() };
    assert_eq!(events(&SPEC, &[(Side::Client, &renewal)]), [Event::About(leased)]);
}

#[test]
fn an_offer_is_no_lease() {
    let offer = packet(2, [0; 4], [10, 0, 0, 7], b"\x35\x01\x02");
    assert!(events(&SPEC, &[(Side::Server, &offer)]).is_empty());
}

#[test]
fn the_cookie_decides() {
    let mut bytes = packet(1, [0; 4], [0; 4], b"\x35\x01\x01");
    assert_eq!(verdict(&SPEC, &bytes), Verdict::Yes);
    bytes[COOKIE_AT] = 0;
    assert_eq!(verdict(&SPEC, &bytes), Verdict::No);
}

#[test]
fn no_bytes_panic() {
    never_panics(&SPEC);
}
