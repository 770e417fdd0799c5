//! Remote desktops, other ways in, and TLS.

use isthmus::detect::finding::{Basis, Severity};
use isthmus_tests::conversation::{From, SEC};
use isthmus_tests::payload::rdp::{
    HYBRID, RESTRICTED_ADMIN, connection_confirm, connection_request, udp_data, udp_syn, udp_syn_ack,
};
use isthmus_tests::payload::tls::{Handshake, certificate};
use isthmus_tests::rng::Rng;

use crate::site::*;

fn desktop(tape: &mut Tape, client: [u8; 4], server: [u8; 4], user: Option<&str>, flags: u8, at: u64) {
    let pairs = [(connection_request(user, flags, HYBRID), connection_confirm(HYBRID))];
    tape.talk((client, server, 3389), at, SEC, &pairs);
}

#[test]
fn an_administrators_desktop_says_what_makes_it_one() {
    let mut tape = Tape::new();
    desktop(&mut tape, OFFICE, SCADA, Some("Administrator"), RESTRICTED_ADMIN, LATER);
    let seen = after_learning(tape);
    let found = seen.one("admin_rdp");
    for reason in ["login name", "RestrictedAdmin", "it goes into zone ot", "the target is a hmi"] {
        let role_is_scada_or_hmi =
            reason == "the target is a hmi" && found.summary.contains("the target is a ");
        assert!(found.summary.contains(reason) || role_is_scada_or_hmi, "{reason}: {}", found.summary);
    }
    assert!(found.entered);
}

#[test]
fn a_desktop_between_offices_by_a_plain_user_is_nobodys_business() {
    let mut tape = Tape::new();
    desktop(&mut tape, OFFICE, [10, 10, 0, 2], Some("miller"), 0, LATER);
    assert!(after_learning(tape).of("admin_rdp").is_empty());
}

#[test]
fn a_jump_host_is_known_by_its_users() {
    let jump = [10, 10, 0, 9];
    let mut past = Tape::ordinary();
    for (n, user) in (0..).zip(["anna", "bert"]) {
        desktop(&mut past, jump, SCADA, Some(user), 0, START + 60 * SEC + n * SEC * 60);
    }
    let of = |user: Option<&str>| {
        let mut past = Tape::ordinary();
        for (n, user) in (0..).zip(["anna", "bert"]) {
            desktop(&mut past, jump, SCADA, Some(user), 0, START + 60 * SEC + n * SEC * 60);
        }
        let mut tape = Tape::new();
        desktop(&mut tape, jump, SCADA, user, 0, LATER);
        judge(learn(past), tape)
    };
    of(Some("anna")).silent();
    // Without a name in it a session says nothing about who sits there.
    of(None).silent();
    let found = of(Some("mallory"));
    assert!(found.one("admin_rdp").summary.contains("user is new"), "{:?}", found.summaries());
}

#[test]
fn the_usual_desktop_is_news_at_a_time_of_day_it_never_was() {
    let (jump, day) = ([10, 10, 0, 9], 24 * 3600 * SEC);
    let told = |hours: u64| {
        let mut past = Tape::ordinary();
        for n in 0..12 {
            desktop(&mut past, jump, SCADA, Some("anna"), 0, START + n * day + 60 * SEC);
        }
        let mut tape = Tape::new();
        desktop(&mut tape, jump, SCADA, Some("anna"), 0, START + 12 * day + hours * 3600 * SEC);
        judge(learn(past), tape)
    };
    // From eight in the morning: at ten, and on a Saturday, it is usual.
    told(2).silent();
    let night = told(19);
    assert!(night.one("admin_rdp").summary.contains("time of day"), "{:?}", night.summaries());
}

#[test]
fn a_shell_into_ot_by_a_new_pair_is_told_and_by_a_known_pair_is_not() {
    let shell = |tape: &mut Tape, at| tape.talk((OFFICE, SCADA, 22), at, SEC, &[(vec![1; 8], vec![2; 8])]);
    let mut tape = Tape::new();
    shell(&mut tape, LATER);
    let seen = after_learning(tape);
    let found = seen.one("it_to_ics");
    assert_eq!(found.severity, Severity::Medium);
    assert!(found.summary.contains("SSH (by port only)") && found.entered, "{}", found.summary);

    let (mut past, mut tape) = (Tape::ordinary(), Tape::new());
    shell(&mut past, START + 60 * SEC);
    shell(&mut tape, LATER);
    judge(learn(past), tape).silent();
}

#[test]
fn the_certificate_of_a_remote_desktop_is_not_told() {
    let mut tape = Tape::new();
    let mut rng = Rng::new(1);
    for (n, port) in (0..).zip([3389, 443]) {
        let mut session = tape.connect(STRANGER, [203, 0, 113, 9 + n as u8], port, LATER + n * SEC);
        session.open();
        let shake = Handshake::nameless(certificate::SELF_SIGNED_ECDSA);
        for (from, flight) in
            [From::Client, From::Server, From::Client, From::Server].into_iter().zip(shake.flights(&mut rng))
        {
            session.send(from, &flight);
        }
        session.close(From::Client);
        tape.add(session);
    }
    let seen = after_learning(tape);
    let found = seen.one("tls_self_signed");
    assert_eq!(found.targets.len(), 1);
    assert_eq!(found.targets[0].port, Some(443));
    assert_eq!(seen.one("tls_no_sni").severity, Severity::Medium, "a new device");
}

#[test]
fn an_office_host_without_a_server_name_is_the_budgets_matter() {
    let mut tape = Tape::new();
    let mut session = tape.connect(OFFICE, [203, 0, 113, 9], 443, LATER);
    session.open();
    let hello = Handshake::nameless(certificate::CA_LEAF).flights(&mut Rng::new(1));
    session.send(From::Client, &hello[0]);
    tape.add(session);
    // One of one hello seen: nothing says that it is rare.
    after_learning(tape).silent();
}

/// A session whose TCP connection and whose transport over UDP send `mb` megabytes to the server each.
fn desktop_over_udp(tape: &mut Tape, mb: usize, at: u64) {
    let mut session = tape.connect(OFFICE, SCADA, 3389, at);
    session.open();
    session.send(From::Client, &connection_request(Some("anna"), 0, HYBRID));
    session.send(From::Server, &connection_confirm(HYBRID));
    session.wait(60 * SEC);
    session.send(From::Client, &vec![7; mb * 1_000_000]);
    session.close(From::Client);
    tape.add(session);
    let opening = [(From::Client, udp_syn(7)), (From::Server, udp_syn_ack(7, 9))];
    let data = (0..mb * 1000).map(|n| (From::Client, udp_data(9, 8 + n as u32, 1000)));
    tape.datagrams(
        (OFFICE, 55_000),
        (SCADA, 3389),
        at + SEC,
        20 * SEC / (mb as u64 * 1000),
        opening.into_iter().chain(data),
    );
}

#[test]
fn what_a_desktops_udp_transport_carries_is_its_sessions_volume() {
    let mut tape = Tape::new();
    desktop_over_udp(&mut tape, 6, LATER);
    let seen = after_learning(tape);
    let found = seen.one("data_transfer");
    // Each of the two is below what is judged.
    assert!(
        found.summary.contains("12.") && found.summary.contains("over UDP included"),
        "{}",
        found.summary
    );
    assert_eq!((found.actor, found.targets[0].port), (OFFICE.into(), Some(3389)));
    let session = found.facts.iter().find(|(key, _)| key == "direction");
    assert_eq!(session.map(|(_, value)| value.as_str()), Some("up"));
}

#[test]
fn what_a_desktops_udp_transport_usually_carries_is_usual() {
    let mut past = Tape::ordinary();
    for n in 0..8 {
        desktop_over_udp(&mut past, 6, START + 60 * SEC + n * 300 * SEC);
    }
    let mut tape = Tape::new();
    desktop_over_udp(&mut tape, 6, LATER);
    let seen = judge(learn(past), tape);
    assert!(seen.of("data_transfer").is_empty(), "{:#?}", seen.summaries());
}

/// A desktop at which somebody sits for `minutes`, doing something every four.
fn sit(tape: &mut Tape, (client, server): ([u8; 4], [u8; 4]), minutes: u64, at: u64) {
    let mut session = tape.connect(client, server, 3389, at);
    session.open();
    session.send_expecting_answer(From::Client, &connection_request(Some("anna"), 0, HYBRID));
    session.send(From::Server, &connection_confirm(HYBRID));
    for _ in 0..minutes / 4 {
        session.wait(240 * SEC);
        session.send_expecting_answer(From::Client, &[1; 40]);
        session.send(From::Server, &[2; 400]);
    }
    session.close(From::Client);
    tape.add(session);
}

#[test]
fn a_desktop_that_is_sat_at_far_longer_than_usual_is_told_in_numbers() {
    let (jump, day) = ([10, 10, 0, 9], 24 * 3600 * SEC);
    let told = |minutes: u64| {
        let mut past = Tape::ordinary();
        for n in 0..20 {
            sit(&mut past, (jump, SCADA), 8 + 4 * (n % 3), START + n * day + 60 * SEC);
        }
        let mut tape = Tape::new();
        sit(&mut tape, (jump, SCADA), minutes, START + 20 * day + 60 * SEC);
        judge(learn(past), tape)
    };
    told(20).silent();
    // Two hours, once, are no news after weeks of quarters of an hour.
    told(100).silent();
    let long = told(600);
    let found = long.one("admin_rdp");
    assert_eq!((found.basis, found.severity), (Basis::Statistical, Severity::Medium));
    let (observed, expected) = (found.observed.as_ref().unwrap(), found.expected.as_ref().unwrap());
    assert!(
        observed.value >= 3600.0 && observed.unit == "seconds" && (600.0..1800.0).contains(&expected.value)
    );
    assert!(found.summary.contains("20 sessions of this pair"), "{}", found.summary);
    // Told while it goes on.
    assert!(found.at < found.first.plus(std::time::Duration::from_secs(9 * 3600)));
}

#[test]
fn a_first_session_of_a_whole_day_says_little_about_its_length() {
    let jump = [10, 10, 0, 9];
    let mut past = Tape::ordinary();
    sit(&mut past, (jump, SCADA), 12, START + 60 * SEC);
    let mut tape = Tape::new();
    sit(&mut tape, (jump, SCADA), 600, LATER);
    judge(learn(past), tape).silent();
}
