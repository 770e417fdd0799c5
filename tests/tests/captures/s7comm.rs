//! S7comm against tshark.

use std::collections::BTreeMap;

use isthmus::state::world::Settings;

use crate::helper::{answered, check, replay, tshark};

const FILES: [&str; 12] = [
    "plant1_s7.pcap",
    "s7_blocklist_onlineview.pcap",
    "s7_download_db1.pcap",
    "s7_ident_probe.pcap",
    "s7_libnodave_rw.pcap",
    "s7_read_plc_status.pcap",
    "s7_set_time.pcap",
    "s7_snap7_everything.pcapng",
    "s7_step7_download.pcapng",
    "s7_step7_stop.pcapng",
    "s7_tia_goonline.pcapng",
    "s7_wincc_read_write.pcapng",
];

#[test]
fn counts_are_those_of_the_captures_description() {
    check(
        "s7comm",
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
                    "0x04 x2, 0x05 x2, 0x1d x5, 0x1e x4, 0x1f x4, 0x28 x3, 0x29 x1, 0xf0 x1, 3/1 x1, 3/3 x1, 4/1 x6, \
                     7/1 x1, 7/2 x1",
                ),
            ),
            // Requests stand there behind bytes that were not captured.
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

#[test]
fn tshark_counts_the_same_jobs_and_their_answers() {
    for file in FILES {
        let fields = ["s7comm.header.rosctr", "s7comm.param.func"];
        let Some(rows) = tshark(file, "s7comm.param.func", &fields) else { return };
        let Some(seen) = replay(file, Settings::default()) else { return };
        let mut theirs = BTreeMap::new();
        for row in rows {
            for (rosctr, code) in row[0].iter().zip(&row[1]) {
                let direction = if rosctr == "1" { "request" } else { "response" };
                *theirs.entry((direction, code.clone())).or_insert(0_u64) += 1;
            }
        }
        let mut ours: BTreeMap<_, _> =
            seen.counts("s7comm").into_iter().filter(|((_, code), _)| code.starts_with("0x")).collect();
        // Uploads are refused by an acknowledgement without parameters (ROSCTR 2). tshark shows no function for it; here it
        // has that of the request it answers.
        let refused = match file {
            "s7_ident_probe.pcap" => 4,
            "s7_snap7_everything.pcapng" => 1,
            _ => 0,
        };
        if let Some(uploads) = ours.get_mut(&("response", "0x1d".to_owned())) {
            *uploads -= refused;
        }
        ours.retain(|_, n| *n > 0);
        assert_eq!(ours, theirs, "{file}");
    }
}
