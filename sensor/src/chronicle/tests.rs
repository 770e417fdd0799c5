use sensor_ebpf::flow::FlowKey;

use super::*;
use crate::protocol::REGISTRY;
use crate::state::SiteAddr;
use crate::state::address::words;
use crate::state::segments::Segments;

fn connection(client: u8, port: u16, at: u64) -> Connection {
    let ip = |d| words(SiteAddr::from([10, 0, 0, d]));
    let key = FlowKey { src: ip(client), dst: ip(200), sport: 50_000, dport: port, place: 1 << 28 };
    let mut connection = Connection::new(&key, Time::from_seconds(at), 0x02, &Segments::default());
    connection.protocol = REGISTRY.iter().copied().find(|spec| spec.name == "modbus");
    connection
}

#[test]
fn a_connection_is_one_row_however_often_it_is_told_of() {
    let mut log = Chronicle::default();
    let mut of = connection(1, 502, 1000);
    log.closed(&of, true);
    of.opened = Time::from_seconds(2000);
    log.closed(&of, true);
    log.closed(&connection(2, 502, 1000), false);
    assert_eq!(log.events().count(), 2, "usual ones have no row");
}

#[test]
fn a_noisy_client_fills_its_own_share_only_and_the_rest_is_counted() {
    let mut log = Chronicle::default();
    for n in 0..10_000 {
        log.closed(&connection(1, 502, n), true);
    }
    log.closed(&connection(2, 502, 1), true);
    assert_eq!(log.events().filter(|e| e.client == SiteAddr::from([10, 0, 0, 1])).count(), 2048);
    assert_eq!(log.events().filter(|e| e.client == SiteAddr::from([10, 0, 0, 2])).count(), 1);
    assert_eq!(log.evicted, 10_000 - 2048);
}

#[test]
fn failures_are_counted_by_span_and_port_and_a_port_scan_is_bounded() {
    let mut log = Chronicle::default();
    for _ in 0..3 {
        log.failed(&connection(1, 502, 1000), Towards::Industrial);
    }
    log.failed(&connection(1, 502, 1300), Towards::Industrial);
    let counts: Vec<u64> = log.failures().map(|f| f.n).collect();
    assert_eq!(counts, [3, 1]);
    for port in 1..=20_000 {
        log.failed(&connection(1, port, 1000), Towards::Inside);
    }
    assert!(log.len() <= 2049, "{}", log.len());
    assert_eq!(log.failures().map(|f| f.n).sum::<u64>(), 20_004);
}

#[test]
fn what_is_too_old_goes_whatever_came_before_it_and_is_counted() {
    let mut log = Chronicle::default();
    let mut long = connection(1, 502, 0);
    log.closed(&long, true);
    log.closed(&connection(2, 502, 10), true);
    log.failed(&connection(3, 502, 20), Towards::Industrial);
    // The first goes on: it is not as old as those that came after it.
    (long.opened, long.last) = (Time::from_seconds(30), Time::from_seconds(5000));
    log.closed(&long, true);
    log.take_changes();
    log.expire(Time::from_seconds(1000));
    let left: Vec<u64> = log.rows().map(|(number, _)| *number).collect();
    assert_eq!((left, log.expired, log.evicted), (vec![4], 3, 0));
    assert_eq!(log.take_changes(), Changes::Some(BTreeSet::from([1, 2, 3])), "also in the state");
    assert_eq!((log.clients.len(), log.ends), (1, 0), "shares are given back");
    // A span that is gone is not written to.
    log.failed(&connection(3, 502, 20), Towards::Industrial);
    assert_eq!(log.failures().map(|f| f.n).sum::<u64>(), 1);
}

#[test]
fn the_oldest_goes_first_and_its_client_gets_its_share_back() {
    let mut log = Chronicle::default();
    for n in 0..MAX_ENTRIES as u64 + 10 {
        log.closed(&connection((n / 1000) as u8, 502, n), true);
    }
    assert_eq!(log.len(), MAX_ENTRIES);
    assert!(log.get(10).is_none() && log.get(11).is_some());
    assert_eq!(log.clients.values().sum::<u64>(), MAX_ENTRIES as u64);
}
