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
            // 226 MSG where tshark (and the description) has 225: the acknowledgement of frame 26 was captured before it,
            // so tshark takes that for a retransmission and misses the create session response (461) it is part of.
            // Two of 61 publish requests wait for their response when the capture ends.
            (
                "opcua_sessions.pcap",
                0,
                &format!(
                    "req HEL x3, rsp ACK x3, req 452 x2, req 826 x61, rsp 826 x59, {}",
                    answered(
                        "428 x2, 446 x3, 461 x2, 467 x2, 473 x1, 488 x4, 527 x2, 631 x32, 673 x2, 712 x1, 751 x2, 787 x2, 847 x1"
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
        // See above.
        if file == "opcua_sessions.pcap" {
            *theirs.entry(("response", "461".to_owned())).or_insert(0) += 1;
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
    assert_eq!(
        changed,
        [("write", "ns=1;s=the.answer"), ("write", "ns=1;s=the.answer"), ("call", "ns=1;i=62541 of i=85")]
    );
    let names: Vec<_> =
        seen.assets.iter().map(|(ip, _, fact)| (ip.as_str(), fact.field, &*fact.value)).collect();
    assert_eq!(
        names,
        [
            ("192.168.11.34", AssetField::Name, "Softing OPC UA Gateway"),
            ("192.168.224.102", AssetField::Name, "open62541-based OPC UA Application"),
        ]
    );
    // Unknown nodes: a call, two writes, two reads of nothing else. Existing nodes: two that were to be added. No
    // subscription: ten publish requests.
    assert_eq!(
        seen.refused("opcua"),
        BTreeMap::from([(0x8034_0000, 5), (0x805e_0000, 2), (0x8079_0000, 10)])
    );
}
