//! Another device at the address of one that was learned.

use isthmus::detect::finding::Severity;
use isthmus::state::SiteAddr;
use isthmus_tests::conversation::{From, Options, SEC, Session, Side};
use isthmus_tests::packet::Mac;

use crate::identity::{known, lease};
use crate::site::*;

/// A spare of the controllers' make, and a device of another one.
const SPARE: Mac = Mac([0x02, 0, 0, 0xcc, 0, 1]);
const MIN: u64 = 60 * SEC;

pub type Who = ([u8; 4], Mac);

pub fn of(ip: [u8; 4]) -> Who {
    (ip, mac(ip))
}

/// Reads and one write, a read each ten seconds.
pub fn works(tape: &mut Tape, client: Who, server: Who, at: u64, reads: u16) {
    let side = |(ip, mac): Who, (_, next_hop): Who, port| Side {
        mac,
        next_hop,
        ip: ip.into(),
        port,
        vlan: None,
        leg: 0,
        ttl: 64,
    };
    let port = 42_000 + (at / SEC % 10_000) as u16;
    let (client, server) = (side(client, server, port), side(server, client, 502));
    let mut session = Session::new(client, server, at, (1000, 2000), Options::default());
    session.open();
    for (request, answer) in (0..reads).map(read).chain([write(900)]) {
        session.wait(10 * SEC);
        session.send_expecting_answer(From::Client, &request);
        session.send(From::Server, &answer);
    }
    session.close(From::Client);
    tape.add(session);
}

/// Another device has the first controller's address, and the SCADA server asks it as it asked the former.
fn replaced(by: Mac) -> Tape {
    let mut tape = Tape::new();
    for n in 0..3 {
        tape.claim(plc(1), by, true, LATER + n * SEC);
    }
    works(&mut tape, of(SCADA), (plc(1), by), LATER + 10 * SEC, 60);
    tape
}

#[test]
fn a_controller_that_was_replaced_is_told_once_and_who_asks_it_goes_on_as_before() {
    let seen = judge(learn(known()), replaced(SPARE));
    assert_eq!(seen.models(), ["asset_change"], "{:#?}", seen.summaries());
    let found = seen.one("asset_change");
    assert_eq!((found.actor, found.actor_mac), (SiteAddr::from(plc(1)), Some(SPARE.0)));
    assert!(found.at.0 < LATER + 3 * MIN, "{:?}", found.at);
}

#[test]
fn a_device_in_a_controllers_place_is_a_stranger_in_all_it_does_itself() {
    let mut tape = replaced(SPARE);
    works(&mut tape, (plc(1), SPARE), of(plc(2)), LATER + 5 * MIN, 2);
    let seen = judge(learn(known()), tape);
    for model in ["new_action", "new_device_activity"] {
        assert_eq!(seen.one(model).actor_mac, Some(SPARE.0), "{:#?}", seen.summaries());
    }
    assert!(seen.findings.iter().all(|found| found.actor == SiteAddr::from(plc(1))));
    assert!(seen.incidents.iter().any(|incident| incident.actors.contains(&plc(1).into())));
}

#[test]
fn who_never_wrote_to_the_former_device_is_news_to_its_successor() {
    let mut tape = replaced(SPARE);
    works(&mut tape, of(OFFICE), (plc(1), SPARE), LATER + 5 * MIN, 2);
    let seen = judge(learn(known()), tape);
    assert_eq!(seen.one("new_action").actor, SiteAddr::from(OFFICE), "{:#?}", seen.summaries());
}

#[test]
fn the_successor_of_a_successor_is_asked_as_the_first_was() {
    let third = Mac([0x02, 0, 0, 0xcc, 0, 2]);
    let mut tape = replaced(SPARE);
    tape.claim(plc(1), third, true, LATER + 20 * MIN);
    works(&mut tape, of(SCADA), (plc(1), third), LATER + 21 * MIN, 12);
    let seen = judge(learn(known()), tape);
    assert_eq!(seen.models(), ["asset_change"], "{:#?}", seen.summaries());
}

#[test]
fn a_lease_hands_on_nothing_of_what_others_did_at_the_address() {
    let mut tape = Tape::new();
    lease(&mut tape, plc(1), SPARE, LATER);
    tape.claim(plc(1), SPARE, true, LATER + SEC);
    works(&mut tape, of(SCADA), (plc(1), SPARE), LATER + 10 * SEC, 12);
    let seen = judge(learn(known()), tape);
    assert_eq!(seen.one("new_action").actor, SiteAddr::from(SCADA), "{:#?}", seen.summaries());
    assert!(seen.of("asset_change").is_empty());
}

#[test]
fn an_address_whose_owner_is_back_within_a_minute_was_not_handed_on() {
    let mut tape = Tape::new();
    tape.claim(plc(1), SPARE, true, LATER);
    tape.claim(plc(1), mac(plc(1)), false, LATER + 20 * SEC);
    works(&mut tape, of(SCADA), of(plc(1)), LATER + 30 * SEC, 60);
    judge(learn(known()), tape).silent();
}

#[test]
fn an_address_that_a_known_device_takes_over_is_a_failover() {
    // Two servers share a third address, as clusters without a MAC of their own do.
    let (floating, standby) = ([10, 20, 0, 20], [10, 20, 0, 6]);
    let mut past = known();
    for (n, ip) in (0..).zip([SCADA, standby]) {
        past.claim(ip, mac(ip), false, START + n * SEC);
    }
    past.claim(floating, mac(SCADA), false, START + 5 * SEC);
    works(&mut past, of(OFFICE), (floating, mac(SCADA)), START + 10 * SEC, 6);
    let mut tape = Tape::new();
    tape.claim(floating, mac(standby), true, LATER);
    works(&mut tape, of(OFFICE), (floating, mac(standby)), LATER + 10 * SEC, 30);
    judge(learn(past), tape).silent();
}

#[test]
fn a_successor_of_another_make_weighs_more() {
    let siemens = Mac([0x28, 0x63, 0x36, 0, 0, 1]);
    let raspberry = Mac([0xdc, 0xa6, 0x32, 0, 0, 1]);
    let past = || {
        let mut past = known();
        past.claim(plc(1), siemens, false, START + 10 * SEC);
        works(&mut past, of(SCADA), (plc(1), siemens), START + 20 * SEC, 12);
        past
    };
    for (by, severity) in [(Mac([0x28, 0x63, 0x36, 0, 0, 2]), Severity::Medium), (raspberry, Severity::High)]
    {
        let seen = judge(learn(past()), replaced(by));
        assert_eq!(seen.one("asset_change").severity, severity, "{:#?}", seen.summaries());
    }
}

#[test]
fn who_claims_every_controllers_address_makes_no_news_of_who_asks_them() {
    let mut tape = Tape::new();
    for n in 1..=4 {
        for again in 0..3 {
            tape.claim(plc(n), SPARE, false, LATER + (u64::from(n) + 20 * again) * SEC);
        }
    }
    for n in 1..=4 {
        works(&mut tape, of(SCADA), (plc(n), SPARE), LATER + 70 * SEC + u64::from(n) * SEC, 30);
    }
    let seen = judge(learn(known()), tape);
    let by_scada: Vec<_> =
        seen.findings.iter().filter(|found| found.actor == SiteAddr::from(SCADA)).collect();
    assert!(by_scada.is_empty(), "{by_scada:#?}");
    assert_eq!(seen.of("asset_change").len(), 3, "{:#?}", seen.summaries());
}
