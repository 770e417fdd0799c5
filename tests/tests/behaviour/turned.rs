//! Whoever opened a connection, the one that asks in it is the actor.

use isthmus::state::SiteAddr;
use isthmus::state::conversation::Key;
use isthmus_tests::conversation::{From, SEC};
use isthmus_tests::payload::dnp3::{
    CLASSES, CONFIRM, DIRECT_OPERATE, LATCH_ON, PORT, READ, RESPONSE, UNSOLICITED, request, response,
};

use crate::site::*;

/// An outstation connects to a master, reports, is read `reads` times and then operated.
fn reports(tape: &mut Tape, outstation: [u8; 4], master: [u8; 4], reads: u8, at: u64) {
    let mut session = tape.connect(outstation, master, PORT, at);
    session.open();
    session.send(From::Client, &response(10, 0, UNSOLICITED, &[]));
    session.send(From::Server, &request(10, 0, CONFIRM, &[]));
    for sequence in 0..reads {
        session.wait(SEC);
        session.send(From::Server, &request(10, sequence & 15, READ, CLASSES));
        session.send(From::Client, &response(10, sequence & 15, RESPONSE, &[]));
    }
    session.wait(SEC);
    session.send(From::Server, &request(10, 9, DIRECT_OPERATE, LATCH_ON));
    session.send(From::Client, &response(10, 9, RESPONSE, LATCH_ON));
    session.close(From::Client);
    tape.add(session);
}

#[test]
fn a_master_that_an_outstation_connects_to_is_the_actor_of_its_commands() {
    let mut tape = Tape::new();
    reports(&mut tape, plc(1), STRANGER, 3, LATER);
    let seen = after_learning(tape);
    assert!(
        seen.findings.iter().all(|found| found.actor == SiteAddr::from(STRANGER)),
        "{:#?}",
        seen.summaries()
    );
    let operated = seen.one("new_action");
    assert!(operated.summary.contains("DNP3 direct operate"), "{}", operated.summary);
    assert_eq!((operated.targets[0].ip, operated.targets[0].port), (plc(1).into(), Some(PORT)));
}

#[test]
fn outstations_that_connect_to_their_masters_are_controllers_and_scan_nobody() {
    let masters: [[u8; 4]; 4] = [SCADA, [10, 20, 0, 6], [10, 20, 0, 7], [10, 20, 0, 8]];
    let mut past = Tape::ordinary();
    for n in 0..4 {
        reports(&mut past, plc(n + 21), SCADA, 4, START + 60 * SEC + u64::from(n) * SEC);
    }
    let world = learn(past);
    for n in 0..4 {
        let host = world.hosts.get(&plc(n + 21).into()).unwrap();
        assert!(host.speaks_ot, "it answers");
        let [client, server] = [SCADA, plc(n + 21)].map(|ip| world.baseline(ip.into()));
        let key = Key { client, server, transport: 1, port: PORT };
        assert!(
            world.conversations.get(&key).is_some_and(|known| known.taught),
            "one key, whatever port it connects from"
        );
    }
    let mut tape = Tape::new();
    for (n, master) in (0..).zip(masters) {
        reports(&mut tape, plc(21), master, 4, LATER + n * SEC);
    }
    assert!(judge(world, tape).of("ics_scan").is_empty());
}

#[test]
fn an_opc_ua_server_that_connects_in_reverse_is_asked() {
    let frame =
        |kind: &[u8; 4], body: &[u8]| [&kind[..], &(body.len() as u32 + 8).to_le_bytes(), body].concat();
    let text = |text: &str| [&(text.len() as u32).to_le_bytes()[..], text.as_bytes()].concat();
    let url = text("opc.tcp://10.20.1.1:4840");
    let reverse = frame(b"RHEF", &[text("urn:plc"), url.clone()].concat());
    let hello = frame(b"HELF", &[&[0; 4][..], &[0, 0, 1, 0].repeat(2), &[0; 8], &url].concat());
    let acknowledge = frame(b"ACKF", &[&[0; 4][..], &[0, 0, 1, 0].repeat(2), &[0; 8]].concat());
    let policy = text("http://opcfoundation.org/UA/SecurityPolicy#Basic256Sha256");
    let none = (-1_i32).to_le_bytes();
    let open =
        frame(b"OPNF", &[&[0; 4][..], &policy, &none, &none, &[1, 0, 0, 0, 1, 0, 0, 0], &[7; 40]].concat());
    let mut tape = Tape::new();
    let mut session = tape.connect(plc(1), STRANGER, 4840, LATER);
    session.open();
    for (from, bytes) in
        [(From::Client, reverse), (From::Server, hello), (From::Client, acknowledge), (From::Server, open)]
    {
        session.send(from, &bytes);
    }
    session.close(From::Client);
    tape.add(session);
    let seen = after_learning(tape);
    let found = seen.one("it_to_ics");
    assert_eq!((found.actor, found.targets[0].ip), (STRANGER.into(), plc(1).into()), "{}", found.summary);
    assert!(
        seen.findings.iter().all(|found| found.actor == SiteAddr::from(STRANGER)),
        "{:#?}",
        seen.summaries()
    );
}

#[test]
fn where_only_the_answer_was_seen_first_the_connection_is_told_from_who_asked() {
    // BACnet between equal ports: the sensor starts between a read and its answer.
    let read = [0x81, 10, 0, 17, 1, 4, 0, 5, 1, 12, 12, 0, 0x80, 0, 1, 0x19, 85];
    let answer =
        [0x81, 10, 0, 23, 1, 0, 0x30, 1, 12, 12, 0, 0x80, 0, 1, 0x19, 85, 0x3e, 0x44, 0, 0, 0, 0, 0x3f];
    let mut tape = Tape::new();
    let turns = [(From::Server, &answer[..]), (From::Client, &read), (From::Server, &answer)];
    let payloads = turns.map(|(from, bytes)| (from, bytes.to_vec()));
    tape.datagrams((SCADA, 47_808), (plc(1), 47_808), LATER, SEC, payloads);
    let told = while_learning(tape).connections;
    assert_eq!(told, [(SCADA.into(), plc(1).into(), [1, 2])]);
}
