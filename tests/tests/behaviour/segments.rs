//! Cells built alike: the same addresses, and even the same MACs, in two VLANs.

use isthmus::detect::finding::Finding;
use isthmus::incident::Incidents;
use isthmus::mind::Mind;
use isthmus::state::world::Settings;
use isthmus::state::{Kind, SiteAddr, World};
use isthmus::store::Store;
use isthmus_tests::conversation::SEC;
use isthmus_tests::packet::Mac;

use crate::site::*;

const CELLS: &str = r#"
[[zone]]
name = "cell 3"
networks = ["10.20.0.0/16"]
vlans = [33]
kind = "ot"
[[zone]]
name = "cell 4"
networks = ["10.20.0.0/16"]
vlans = [34]
kind = "ot"
"#;

fn cell(ip: [u8; 4], cell: u8) -> SiteAddr {
    format!("{}%cell {cell}", SiteAddr::from(ip)).parse().unwrap()
}

/// SCADA of cell 3 reads and writes, that of cell 4 reads only. Every device says its address.
fn past() -> Tape {
    let mut three = Tape::new();
    let mut four = Tape::new();
    for n in 1..=3 {
        let mut pairs: Vec<_> = (0..60).map(read).collect();
        four.talk((SCADA, plc(n), 502), START, SEC, &pairs);
        pairs.push(write(9));
        three.talk((SCADA, plc(n), 502), START, SEC, &pairs);
        for tape in [&mut three, &mut four] {
            tape.claim(plc(n), mac(plc(n)), false, START + 10 * SEC);
            tape.claim(SCADA, mac(SCADA), true, START + 10 * SEC);
        }
    }
    three.tagged(33).and(four.tagged(34))
}

fn plant() -> World {
    learn_with(CELLS, past()).0
}

fn writes(at: u64) -> Tape {
    let mut tape = Tape::new();
    tape.talk((SCADA, plc(1), 502), at, SEC, &[read(1), write(2)]);
    tape
}

#[test]
fn what_is_usual_in_one_cell_is_not_in_its_twin() {
    let seen = judge(plant(), writes(LATER).tagged(33));
    seen.silent();
    let seen = judge(plant(), writes(LATER).tagged(34));
    let found = seen.one("new_action");
    assert_eq!((found.actor, found.targets[0].ip), (cell(SCADA, 4), cell(plc(1), 4)));
    assert_eq!((found.actor_zone.as_str(), found.target_zone.as_str()), ("cell 4", "cell 4"));
    assert!(found.summary.contains("10.20.1.1%cell 4"), "{}", found.summary);
}

#[test]
fn twins_are_devices_of_their_own_and_conversations_at_the_same_ports_are_two() {
    let (world, seen) = learn_with(CELLS, past());
    for n in [3, 4] {
        let host = world.hosts.get(&cell(plc(1), n)).unwrap();
        assert_eq!(host.mac.map(|own| own.mac), Some(mac(plc(1)).0));
        assert!(host.serves.contains_key("modbus"));
        assert_eq!(
            (world.kind(cell(plc(1), n)), world.zone(cell(SCADA, n)).name),
            (Kind::Ot, format!("cell {n}"))
        );
        let own = seen.connections.iter().filter(|(client, ..)| *client == cell(SCADA, n)).count();
        assert_eq!(own, 3, "cell {n}");
    }
    assert!(world.hosts.get(&plc(1).into()).is_none());
    seen.silent();
}

#[test]
fn twins_are_told_apart_after_a_restart() {
    let dir = std::env::temp_dir().join(format!("isthmus-segments-{}", std::process::id()));
    let mut mind = Mind::new(plant(), Incidents::default());
    Store::open(&dir).unwrap().save(&mut mind).unwrap();
    let mut empty = world(Settings::default());
    empty.configure(&isthmus::config::parse("test.toml", CELLS).unwrap());
    let again = Store::open(&dir).unwrap().read(empty).unwrap().world;
    std::fs::remove_dir_all(&dir).unwrap();
    assert_eq!(again.hosts.len(), 8, "SCADA and three controllers in each");
    let seen = judge(again, writes(LATER).tagged(33).and(writes(LATER).tagged(34)));
    assert_eq!(seen.one("new_action").actor, cell(SCADA, 4));
}

#[test]
fn a_device_that_is_replaced_in_one_cell_does_not_claim_its_twins_address() {
    let other = Mac([0x02, 9, 9, 9, 9, 9]);
    let mut four = Tape::new();
    let mut three = Tape::new();
    for n in 0..6 {
        four.claim(plc(1), other, false, LATER + 20 * n * SEC);
        three.claim(plc(1), mac(plc(1)), false, LATER + (20 * n + 10) * SEC);
    }
    let (world, _, seen) = judge_on(plant(), Incidents::default(), three.tagged(33).and(four.tagged(34)));
    assert_eq!(seen.of("address_conflict"), [] as [&Finding; 0]);
    let mac_in = |n| world.hosts.get(&cell(plc(1), n)).and_then(|host| host.mac).map(|own| own.mac);
    assert_eq!((mac_in(3), mac_in(4)), (Some(mac(plc(1)).0), Some(other.0)));
}

#[test]
fn two_intruders_in_two_cells_are_two_incidents() {
    let intruder = [10, 20, 0, 66];
    let mut tape = Tape::new();
    for n in 1..=3 {
        tape.talk((intruder, plc(n), 502), LATER + u64::from(n) * SEC, SEC, &[read(1), write(2)]);
    }
    let mut twin = Tape::new();
    for n in 1..=3 {
        twin.talk((intruder, plc(n), 502), LATER + u64::from(n) * SEC, SEC, &[read(1), write(2)]);
    }
    let seen = judge(plant(), tape.tagged(33).and(twin.tagged(34)));
    let mut actors: Vec<_> = seen.incidents.iter().map(|incident| incident.actors.clone()).collect();
    actors.sort();
    assert_eq!(actors, [vec![cell(intruder, 3)], vec![cell(intruder, 4)]]);
}

#[test]
fn an_exception_for_a_device_of_one_cell_is_none_for_its_twin() {
    let allow = |n: u8| {
        format!(
            "{CELLS}[[allow]]\nwho = \"10.20.0.5%cell {n}\"\nactions = [\"Write\"]\nreason = \"recipes\"\n"
        )
    };
    let judged = |n| {
        let (mut world, _) = learn_with(CELLS, past());
        world.configure(&isthmus::config::parse("test.toml", &allow(n)).unwrap());
        let seen = judge(world, writes(LATER).tagged(34));
        seen.one("new_action").allowed.is_some()
    };
    assert_eq!((judged(3), judged(4)), (false, true));
}

#[test]
fn a_host_beyond_the_cells_is_one_host_wherever_it_passes() {
    let mut tape = past();
    for vlan in [33, 34] {
        let mut office = Tape::new();
        office.poll(OFFICE, plc(2), START + 100 * SEC, 5);
        tape = tape.and(office.tagged(vlan));
    }
    let (world, _) = learn_with(CELLS, tape);
    let office: Vec<_> =
        world.hosts.iter().filter(|(addr, _)| addr.ip == SiteAddr::from(OFFICE).ip).collect();
    assert_eq!(office.len(), 1);
    assert_eq!(office[0].1.drives_controllers.len(), 2, "one in each cell");
}
