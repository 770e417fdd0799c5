use super::World;
use super::host::DeviceStage;
use super::segment::{Segment, SiteAddr, SiteMac};
use super::world::Settings;
use super::zone::Zones;
use crate::time::Time;

const OWNER: SiteMac = SiteMac { mac: [0, 0x1b, 0x1b, 0, 0, 1], segment: Segment::SITE };
const OTHER: SiteMac = SiteMac { mac: [0, 0x1b, 0x1b, 0, 0, 2], segment: Segment::SITE };
const THIRD: SiteMac = SiteMac { mac: [0, 0x1b, 0x1b, 0, 0, 3], segment: Segment::SITE };
const ROUTER: SiteMac = SiteMac { mac: [0, 0x1b, 0x1b, 0, 0, 0xfe], segment: Segment::SITE };

fn ip(last: u8) -> SiteAddr {
    SiteAddr::from([10, 20, 0, last])
}

const fn at(seconds: u64) -> Time {
    Time::from_seconds(1_700_000_000 + seconds)
}

fn world() -> World {
    World::new(Settings::default(), Zones::default())
}

/// A site that is past learning and knows `ip(1)`, whose packets came from `mac`, which it proved to own where `proven`.
fn site(mac: SiteMac, proven: bool) -> World {
    let mut world = world();
    world.note_packet(ip(1), mac, at(0));
    if proven {
        world.prove(ip(1), mac, at(1));
    }
    world.host(ip(1), at(1)).industrial("modbus", true);
    world.graduate();
    world
}

fn is_trusted(world: &World, of: SiteAddr) -> bool {
    let host = world.hosts.get(&of);
    world.stage(of) == DeviceStage::Operational && host.is_some_and(|host| host.serves.contains_key("modbus"))
}

#[test]
fn a_device_known_by_its_mac_is_the_same_once_it_has_an_address() {
    let mut world = world();
    world.note_link(OWNER, at(0));
    world.host(OWNER.addr(), at(0)).industrial("profinet-dcp", true);
    assert_eq!(world.device(OWNER), OWNER.addr());
    world.prove(ip(1), OWNER, at(5));
    assert_eq!((world.device(OWNER), world.hosts.len()), (ip(1), 1));
    let host = world.hosts.get(&ip(1)).unwrap();
    assert_eq!((host.first, host.serves.len(), host.mac), (at(0), 1, Some(OWNER)));
    assert!(std::ptr::eq(host, world.hosts.get(&OWNER.addr()).unwrap()));
}

#[test]
fn a_device_known_by_its_mac_and_by_its_address_becomes_one_when_it_proves_it() {
    let mut world = world();
    world.note_link(OWNER, at(0));
    world.note_packet(ip(1), OWNER, at(1));
    assert_eq!(world.hosts.len(), 2);
    let [by_mac, by_ip] = [OWNER.addr(), ip(1)].map(|ip| world.who(ip));
    world.prove(ip(1), OWNER, at(2));
    assert_eq!((world.hosts.len(), world.who(ip(1))), (1, by_ip));
    assert_eq!((world.hosts.now(by_mac), world.hosts.get(&ip(1)).unwrap().first), (by_ip, at(0)));
    assert_eq!(world.hosts.get(&ip(1)).unwrap().names, [by_mac]);
}

#[test]
fn what_was_learned_follows_a_device_to_its_next_lease() {
    let mut world = site(OWNER, true);
    world.note_lease(ip(7), OWNER, at(100));
    // It is seen on this link: that it was offered an address does not yet say that it uses it.
    assert!(!is_trusted(&world, ip(7)) && world.hosts.get(&ip(7)).is_none());
    world.note_packet(ip(7), OWNER, at(101));
    assert!(is_trusted(&world, ip(7)));
    assert_eq!((world.device(OWNER), world.hosts.len()), (ip(7), 1));
}

#[test]
fn who_is_given_the_old_address_of_a_device_has_nothing_of_it() {
    let mut world = site(OWNER, true);
    world.note_lease(ip(7), OWNER, at(100));
    world.note_packet(ip(7), OWNER, at(101));
    world.note_lease(ip(1), OTHER, at(200));
    assert!(!is_trusted(&world, ip(1)) && world.is_new(ip(1)));
    assert!(is_trusted(&world, ip(7)));
    assert_ne!(world.who(ip(1)), world.who(ip(7)));
    // Nor has the one after that.
    world.note_lease(ip(1), THIRD, at(300));
    assert!(world.is_new(ip(1)) && world.hosts.len() == 3);
}

#[test]
fn who_takes_an_address_is_a_stranger_and_its_owner_stays_who_it_is() {
    let mut world = site(OWNER, true);
    for n in 0..5 {
        world.prove(ip(1), OTHER, at(100 + 10 * n));
        assert!(!is_trusted(&world, ip(1)) && world.is_new(ip(1)));
        world.prove(ip(1), OWNER, at(105 + 10 * n));
        assert!(is_trusted(&world, ip(1)));
    }
    assert_eq!(world.hosts.len(), 2);
    // A packet is as good, once the MAC has proved the address.
    world.prove(ip(1), OTHER, at(200));
    world.note_packet(ip(1), OWNER, at(201));
    assert!(is_trusted(&world, ip(1)));
    world.note_packet(ip(1), OTHER, at(202));
    assert!(!is_trusted(&world, ip(1)));
}

#[test]
fn a_packet_proves_nothing_for_a_mac_that_never_spoke_for_the_address() {
    let mut world = site(OWNER, true);
    world.prove(ip(66), OTHER, at(10));
    world.note_packet(ip(1), OTHER, at(11));
    assert_eq!(world.hosts.get(&ip(1)).unwrap().mac, Some(OWNER));
    assert_ne!(world.who(ip(1)), world.who(ip(66)));
}

#[test]
fn a_learned_host_behind_a_router_is_not_given_to_who_claims_its_address_here() {
    let mut world = site(ROUTER, false);
    // One forged packet does not make it the way the host was learned on.
    world.note_packet(ip(1), OTHER, at(10));
    world.prove(ip(1), OTHER, at(11));
    assert!(!is_trusted(&world, ip(1)));
    world.note_packet(ip(1), ROUTER, at(12));
    assert!(is_trusted(&world, ip(1)));
    // A lease names MACs of its own choice: it neither takes nor gives.
    world.note_lease(ip(1), THIRD, at(13));
    assert!(is_trusted(&world, ip(1)) && world.hosts.get(&ip(1)).unwrap().mac.is_none());
}

#[test]
fn a_learned_host_whose_packets_came_from_a_mac_is_that_macs_when_it_proves_so() {
    let mut world = site(OWNER, false);
    world.prove(ip(1), OWNER, at(10));
    assert!(is_trusted(&world, ip(1)));
    assert_eq!(world.hosts.get(&ip(1)).unwrap().mac, Some(OWNER));
}

#[test]
fn two_addresses_on_one_device_are_one_device() {
    let mut world = site(OWNER, true);
    world.prove(ip(2), OWNER, at(10));
    assert!(is_trusted(&world, ip(2)) && world.hosts.len() == 1);
    // It goes on being known by the first.
    for n in 0..4 {
        world.prove(ip(2), OWNER, at(20 + n));
        world.note_packet(ip(1), OWNER, at(21 + n));
        assert_eq!(world.device(OWNER), ip(1));
    }
    // Unless that is no longer used.
    world.note_packet(ip(2), OWNER, at(10_000));
    assert_eq!(world.device(OWNER), ip(2));
}

#[test]
fn who_answers_for_many_addresses_is_not_all_of_them() {
    let mut world = world();
    for n in 1..=9 {
        world.note_packet(ip(n), ROUTER, at(u64::from(n)));
    }
    for n in 1..=9 {
        world.prove(ip(n), ROUTER, at(100 + u64::from(n)));
    }
    assert_eq!(world.hosts.len(), 9);
    // And with an owner's trust at stake the address is nobody's.
    let mut world = site(OWNER, true);
    for n in 2..=9 {
        world.prove(ip(n), OTHER, at(u64::from(n)));
    }
    world.prove(ip(1), OTHER, at(20));
    assert!(!is_trusted(&world, ip(1)));
    world.prove(ip(1), OWNER, at(30));
    assert!(is_trusted(&world, ip(1)));
}

#[test]
fn what_is_forgotten_leaves_no_way_to_what_others_were_trusted_with() {
    let settings = Settings { max_hosts: 8, ..Settings::default() };
    let mut world = World::new(settings, Zones::default());
    world.prove(ip(1), OWNER, at(0));
    world.host(ip(1), at(0)).industrial("modbus", true);
    world.graduate();
    world.prove(ip(1), OTHER, at(10));
    for n in 100..120 {
        world.note_packet(ip(n), ROUTER, at(u64::from(n)));
    }
    // The stranger was forgotten, its address is still not the owner's.
    assert!(world.hosts.get(&OTHER.addr()).is_none());
    world.note_packet(ip(1), OTHER, at(200));
    assert!(!is_trusted(&world, ip(1)));
    world.prove(ip(1), OWNER, at(201));
    assert!(is_trusted(&world, ip(1)));
}

#[test]
fn groups_and_nobody_own_nothing() {
    let mut world = world();
    for mac in [[0; 6], [0xff; 6], [1, 0, 0x5e, 0, 0, 1]] {
        let mac = SiteMac::from(mac);
        world.prove(ip(1), mac, at(0));
        world.note_link(mac, at(0));
        world.note_packet(ip(1), mac, at(0));
    }
    world.prove(SiteAddr::from([224, 0, 0, 1]), OWNER, at(0));
    assert!(world.hosts.is_empty());
}

/// The devices as a state file gives them back.
fn restored(world: &World, old: bool) -> World {
    let mut again = self::world();
    for (device, host) in world.hosts.rows().iter() {
        let mut row = serde_json::to_value(host).unwrap();
        if old {
            row.as_object_mut()
                .unwrap()
                .retain(|key, _| !["addresses", "carrier", "names"].contains(&key.as_str()));
        }
        again.hosts.restore(device.to_string().parse().unwrap(), serde_json::from_value(row).unwrap());
    }
    again
}

#[test]
fn addresses_lead_to_the_same_devices_after_a_restart() {
    let mut world = site(OWNER, true);
    world.note_link(THIRD, at(5));
    world.note_packet(ip(3), THIRD, at(6));
    world.prove(ip(3), THIRD, at(7));
    world.prove(ip(7), OWNER, at(10));
    world.prove(ip(1), OTHER, at(20));
    let again = restored(&world, false);
    let known = [1, 3, 7].map(ip).into_iter().chain([OWNER, OTHER, THIRD].map(SiteMac::addr));
    for known in known {
        assert_eq!(again.who(known), world.who(known), "{known}");
    }
    let merged = world.hosts.get(&ip(3)).unwrap().names[0];
    assert_eq!(again.hosts.now(merged), world.who(ip(3)));
}

#[test]
fn devices_of_an_older_state_are_found_by_the_macs_they_proved() {
    let mut again = restored(&site(OWNER, true), true);
    assert_eq!((again.device(OWNER), again.who(OWNER.addr())), (ip(1), again.who(ip(1))));
    again.prove(ip(7), OWNER, at(100));
    again.prove(ip(1), OTHER, at(101));
    assert!(is_trusted(&again, ip(7)) && !is_trusted(&again, ip(1)));
}

#[test]
fn a_device_that_lost_its_only_address_is_called_by_its_mac() {
    let mut world = site(OWNER, true);
    world.prove(ip(1), OTHER, at(10));
    assert_eq!((world.device(OWNER), world.device(OTHER)), (OWNER.addr(), ip(1)));
    assert!(is_trusted(&world, OWNER.addr()));
    let host = world.hosts.get(&ip(1)).unwrap();
    assert_eq!(host.macs.iter().map(|(mac, ..)| *mac).collect::<Vec<_>>(), [OWNER.mac, OTHER.mac]);
}

#[test]
fn who_had_an_address_before_is_known_also_after_a_restart() {
    let mut world = site(OWNER, true);
    let owner = world.who(ip(1));
    world.prove(ip(1), OTHER, at(10));
    let other = world.who(ip(1));
    world.prove(ip(1), THIRD, at(20));
    for world in [&world, &restored(&world, false)] {
        assert_eq!(world.formers(ip(1)).collect::<Vec<_>>(), [other, owner]);
    }
    // Who has it back is who it was.
    world.prove(ip(1), OWNER, at(30));
    assert_eq!(world.formers(ip(1)).count(), 0);
}

#[test]
fn a_leased_address_had_nobody_before() {
    let mut world = site(OWNER, true);
    world.note_lease(ip(1), OTHER, at(10));
    world.prove(ip(1), OTHER, at(11));
    assert_eq!(world.formers(ip(1)).count(), 0);
}

#[test]
fn an_owner_has_its_address_back_by_a_packet_once() {
    let mut world = site(OWNER, true);
    assert!(!world.note_packet(ip(1), OWNER, at(5)));
    world.prove(ip(1), OTHER, at(10));
    assert!(world.note_packet(ip(1), OWNER, at(11)));
    assert!(!world.note_packet(ip(1), OWNER, at(12)));
    // A lease that is used for the first time is none that is taken back.
    world.note_lease(ip(7), OWNER, at(20));
    assert!(!world.note_packet(ip(7), OWNER, at(21)));
}
