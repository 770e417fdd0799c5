//! MMS against tshark.

use std::collections::BTreeMap;

use isthmus::state::world::Settings;

use crate::helper::{check, replay, tshark};

#[test]
fn port_102_is_not_always_s7() {
    let Some(seen) = replay("mms_goose_mixed.pcap", Settings::default()) else { return };
    assert_eq!(seen.of("s7comm").chain(seen.of("s7comm-plus")).count(), 0);
    assert!(!seen.connections.contains_key("s7comm"));
}

#[test]
fn an_association_is_told_with_what_was_refused() {
    // tshark names the 8 messages of the association it saw from its first packet. The 27 reports are of associations
    // joined in the middle, in which it does not know that context 3 is MMS ("PRES" there): one information report in
    // each presentation element whose data begin with a3.
    check(
        "mms",
        &[(
            "mms_goose_mixed.pcap",
            0,
            "req initiate x1, rsp initiate x1, req 4 x1, rsp 4 x1, req 6 x1, rsp 6 x1, req conclude x1, rsp conclude x1, \
             ntf unconfirmed/0 x27",
        )],
    );
    let Some(seen) = replay("mms_goose_mixed.pcap", Settings::default()) else { return };
    assert_eq!(seen.refused("mms"), BTreeMap::from([(10, 1), (0x702, 1)]));
    let Some(rows) = tshark("mms_goose_mixed.pcap", "mms", &["frame.number"]) else { return };
    assert_eq!(rows.len(), 8);
}
