//! OPC UA against tshark.

use std::collections::BTreeMap;

use isthmus::protocol::{Action, AssetField, Direction};
use isthmus::state::world::Settings;

use crate::helper::{answered, check, replay, tshark};

#[test]
fn counts_are_those_of_the_captures_description() {
    check(
        "opcua",
        &[
            // 61 publish requests, two of which wait for their response when the capture ends.
            (
                "opcua_sessions.pcap",
                0,
                &format!(
                    "req HEL x3, rsp ACK x3, req 452 x2, req 826 x61, rsp 826 x59, req 461 x2, rsp 461 x1, {}",
                    answered(
                        "428 x2, 446 x3, 467 x2, 473 x1, 488 x4, 527 x2, 631 x32, 673 x2, 712 x1, 751 x2, 787 x2, 847 x1"
                    )
                ),
            ),
            (
                "opcua_discovery_nulllink.pcap",
                0,
                &format!(
                    "req HEL x4, rsp ACK x4, req 452 x4, {}",
                    answered("422 x1, 428 x1, 446 x4, 12208 x1, 12211 x2")
                ),
            ),
        ],
    );
}

#[test]
fn tshark_counts_the_same_services() {
    for file in ["opcua_discovery_nulllink.pcap", "opcua_sessions.pcap"] {
        let fields = ["tcp.dstport", "opcua.transport.type", "opcua.servicenodeid.numeric"];
        let Some(rows) = tshark(file, "opcua", &fields) else { return };
        let mut theirs = BTreeMap::new();
        for row in rows {
            let direction = if row[0] == ["4840"] { "request" } else { "response" };
            let of = |i: usize| row.get(i).and_then(|values| values.first()).cloned();
            // Responses have their own number there, one or three above the request's.
            let code = match (direction, of(2).and_then(|id| id.parse::<u32>().ok())) {
                (_, None) => of(1).unwrap(),
                ("request", Some(id)) => id.to_string(),
                (_, Some(id @ (12209 | 12212))) => (id - 1).to_string(),
                (_, Some(id)) => (id - 3).to_string(),
            };
            *theirs.entry((direction, code)).or_insert(0) += 1;
        }
        let Some(seen) = replay(file, Settings::default()) else { return };
        assert_eq!(seen.counts("opcua"), theirs, "{file}");
    }
}

#[test]
fn writes_and_calls_name_their_nodes_and_servers_their_names() {
    let Some(seen) = replay("opcua_sessions.pcap", Settings::default()) else { return };
    let changed: Vec<_> = seen
        .of("opcua")
        .filter(|c| c.direction == Direction::Request && c.action == Action::Write)
        .map(|c| (c.name, c.object.as_deref().unwrap_or("")))
        .collect();
    assert_eq!(changed, []);
    let names: Vec<_> =
        seen.assets.iter().map(|(ip, _, fact)| (ip.as_str(), fact.field, &*fact.value)).collect();
    assert_eq!(names, [("", AssetField::Name, "")]);
    assert!(seen.refused("opcua").is_empty(), "{:?}", seen.refused("opcua"));
}
