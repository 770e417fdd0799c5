//! DNP3 against tshark.

use std::collections::BTreeMap;

use isthmus::protocol::{Action, Direction, Status};
use isthmus::state::world::Settings;

use crate::helper::{check, replay, tshark};

#[test]
fn counts_are_those_of_the_captures_description() {
    check(
        "dnp3",
        &[
            ("dnp3_cold_restart.pcap", 0, "req 13 x1, rsp 129 x1"),
            ("dnp3_direct_operate.pcap", 0, "req 5 x1, rsp 129 x1"),
            ("dnp3_file_write.pcap", 0, "req 25 x1, req 2 x1, req 26 x1, rsp 129 x3"),
            // One frame there begins 05 05, not 05 64; it is no DNP3 and was sent twice.
            (
                "dnp3_quickdraw.pcap",
                1,
                "req 0 x13, req 1 x9, req 13 x2, req 14 x2, req 18 x4, req 2 x6, req 20 x3, req 21 x7, req 3 x5, \
                 rsp 129 x34, ntf 130 x30",
            ),
            // tshark (and with it the description) has 360 responses, 3 unsolicited ones and a confirm: it does not put
            // segments together whose number goes from 63 to 0 (frames 18, 114, 210 and 810), and appends frame 311,
            // a response of another connection, to what it kept of frame 210, where that reads as a confirm.
            (
                "dnp3_select_operate_many.pcap",
                0,
                "req 1 x97, req 3 x134, req 4 x133, rsp 129 x364, ntf 130 x4",
            ),
        ],
    );
}

#[test]
fn tshark_counts_the_same_functions() {
    for file in
        ["dnp3_cold_restart.pcap", "dnp3_direct_operate.pcap", "dnp3_file_write.pcap", "dnp3_quickdraw.pcap"]
    {
        let Some(rows) = tshark(file, "dnp3.al.func", &["dnp3.al.func"]) else { return };
        let mut theirs = BTreeMap::new();
        for code in rows.iter().flatten().flatten() {
            *theirs.entry(code.clone()).or_insert(0) += 1;
        }
        let Some(seen) = replay(file, Settings::default()) else { return };
        let ours: BTreeMap<String, u64> =
            seen.counts("dnp3").into_iter().map(|((_, code), n)| (code, n)).collect();
        assert_eq!(ours, theirs, "{file}");
    }
}

/// Some masters there ask five times with two sequence numbers before the first answer: what an answer then answers is
/// not told, but that it is the answer to a control is.
#[test]
fn controls_name_their_points_and_every_answer_to_one_is_known() {
    let Some(seen) = replay("dnp3_select_operate_many.pcap", Settings::default()) else { return };
    let points = |name: &str| {
        seen.of("dnp3")
            .filter(|c| c.direction == Direction::Request && c.name == name)
            .filter(|c| c.object.as_deref().is_some_and(|object| object.starts_with("g12v1 index ")))
            .count()
    };
    assert_eq!((points("select"), points("operate")), (134, 133));
    let mut answers = BTreeMap::new();
    for answer in seen.of("dnp3").filter(|c| c.direction == Direction::Response) {
        *answers
            .entry((answer.action, answer.object.is_some(), answer.status.clone() == Status::Ok))
            .or_insert(0) += 1;
    }
    let expected = [
        ((Action::Read, true, true), 97),
        ((Action::Write, false, true), 18),
        ((Action::Write, true, true), 249),
    ];
    assert_eq!(answers, BTreeMap::from(expected));
}

#[test]
fn restarts_and_stopped_applications_are_rules_from_the_first_packet() {
    for (file, stops) in [("dnp3_cold_restart.pcap", 1), ("dnp3_quickdraw.pcap", 2)] {
        let Some(seen) = replay(file, Settings::default()) else { return };
        let found = seen.findings.iter().filter(|finding| finding.model == "controller_state").count();
        assert_eq!(found, stops, "{file}");
    }
}

#[test]
fn a_file_that_is_written_is_named() {
    let Some(seen) = replay("dnp3_file_write.pcap", Settings::default()) else { return };
    let opened = seen.of("dnp3").find(|command| command.code == 25).unwrap();
    assert_eq!((opened.name, opened.action), ("open file to write", Action::Program));
    let expected = "file C:/temp/DNPDeviceConfiguration written to Remote Device.xml";
    assert_eq!(opened.object.as_deref(), Some(expected));
}
