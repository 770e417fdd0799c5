use std::collections::BTreeSet;

use super::*;
use crate::config;
use crate::incident::Incidents;
use crate::mind::Mind;
use crate::state::Device;
use crate::state::SiteAddr;
use crate::state::conversation::Key;
use crate::state::world::Settings;
use crate::state::zone::Zones;

const AT: Time = Time::from_seconds(1_700_000_000);

/// Three controllers and their SCADA in one subnet, an office in another; the office reads from one controller, the SCADA
/// fetches time from outside and one attempt to reach the office failed.
fn plant(text: &str) -> World {
    let config = config::parse("site.toml", text).unwrap();
    let mut world = World::new(Settings::default(), Zones::default());
    world.configure(&config);
    let ip = |text: &str| -> SiteAddr { text.parse().unwrap() };
    for plc in ["10.20.0.10", "10.20.0.11", "10.20.0.12"] {
        world.host(ip(plc), AT).industrial("modbus", true);
    }
    world.host(ip("10.20.0.5"), AT).industrial("modbus", false);
    world.host(ip("10.20.0.5"), AT).speaks_ot = true;
    world.host(ip("10.10.0.7"), AT);
    let mut put =
        |client: &str, server: &str, port: u16, protocol: Option<&str>, taught: bool, failed: bool| {
            let key = Key {
                client: Device::first(ip(client)),
                server: Device::first(ip(server)),
                transport: Transport::Tcp as u8,
                port,
            };
            let of = world.conversations.entry(&key, Default::default);
            (of.first, of.last, of.connections) = (AT, AT, 2);
            of.failures = if failed { 2 } else { 0 };
            of.bytes = [1000, 2000];
            of.protocol = protocol.map(str::to_owned);
            of.taught = taught;
            if protocol.is_some() {
                of.usual = BTreeSet::from([Action::Read]);
                of.actions = vec![(Action::Read, 4)];
            }
        };
    put("10.20.0.5", "10.20.0.10", 502, Some("modbus"), true, false);
    put("10.10.0.7", "10.20.0.10", 502, Some("modbus"), true, false);
    put("10.10.0.7", "10.20.0.5", 445, None, true, false);
    put("10.10.0.8", "10.20.0.5", 22, None, false, false);
    put("10.20.0.5", "93.184.216.34", 443, Some("tls"), true, false);
    put("10.20.0.5", "10.10.0.7", 3389, None, false, true);
    world
}

#[test]
fn only_what_crosses_zones_is_shown_with_its_volume_and_times() {
    let world = plant("");
    let picture = Picture::of(&world);
    let pairs: Vec<String> = picture.flows.keys().map(|(from, to)| format!("{from}>{to}")).collect();
    assert_eq!(pairs, ["it>ot", "ot>external", "ot>it"]);
    let flow = &picture.flows[&("it".to_owned(), "ot".to_owned())];
    assert_eq!((flow.conversations, flow.usual, flow.bytes), (3, 2, [3000, 6000]));
    assert_eq!(picture.flows[&("ot".to_owned(), "it".to_owned())].blocked, 1);
    let text = picture.text(|ip| ip.to_string());
    assert!(
        text.contains("10.10.0.7 -> 10.20.0.10  modbus (tcp/502)  2 connections, 1.0 kB there, 2.0 kB back"),
        "{text}"
    );
    assert!(text.contains("[no conduit names this pair; not usual]"), "{text}");
}

#[test]
fn each_conversation_says_which_conduit_allows_it_or_that_none_does() {
    let conduits = "[[conduit]]\nfrom = \"it\"\nto = \"ot\"\nservices = [\"tcp/445\"]\n\
                    [[conduit]]\nfrom = \"it\"\nto = \"ot\"\nservices = [\"modbus\"]\nactions = [\"Read\"]\n";
    let world = plant(conduits);
    let picture = Picture::of(&world);
    let verdict = |service: &str| {
        picture
            .rows
            .iter()
            .find(|row| row.service() == service && row.from.name == "it")
            .map(Row::verdict)
            .unwrap()
    };
    assert_eq!(verdict("tcp/445"), "conduit 1");
    assert_eq!(verdict("modbus (tcp/502)"), "conduit 2");
    assert_eq!(verdict("tcp/22"), "NO CONDUIT ALLOWS IT");
}

#[test]
fn what_is_suggested_can_be_used_and_says_what_was_found() {
    let world = plant("");
    let text = suggest::suggest(&world, &Picture::of(&world));
    let config = config::parse("suggested.toml", &text).unwrap_or_else(|error| panic!("{error}\n{text}"));
    // The same zones come out for every host.
    let zones = config.zones();
    for (ip, _) in world.hosts.iter() {
        assert_eq!(zones.of(ip, false).name, world.zone(ip).name, "{ip}\n{text}");
    }
    // What is usual is allowed, what is not is not.
    let mut again = plant("");
    again.configure(&config);
    for row in Picture::of(&again).rows {
        let expected = if row.from.kind == Kind::Ot && row.to.kind == Kind::It {
            Crossing::Free
        } else if row.conversation.taught {
            assert!(
                matches!(row.crossing, Crossing::Allowed(_)),
                "{} {}\n{text}",
                row.service(),
                row.verdict()
            );
            continue;
        } else {
            Crossing::Violation
        };
        assert_eq!(row.crossing, expected, "{}\n{text}", row.service());
    }
    assert!(text.contains("# not usual, left out: 10.10.0.8 -> 10.20.0.5, tcp/22"), "{text}");
}

#[test]
fn configured_zones_are_suggested_as_they_are() {
    let zone =
        "[[zone]]\nname = \"cell \\\"9\\\"\"\nnetworks = [\"10.20.0.0/16\"]\nvlans = [20]\nkind = \"ot\"\n";
    let world = plant(zone);
    let text = suggest::suggest(&world, &Picture::of(&world));
    let config = config::parse("suggested.toml", &text).unwrap_or_else(|error| panic!("{error}\n{text}"));
    assert_eq!(config.zone, world.rules.config().zone);
}

#[test]
fn an_empty_state_gives_an_empty_picture_and_a_usable_configuration() {
    let mind = Mind::new(World::new(Settings::default(), Zones::default()), Incidents::default());
    let picture = Picture::of(&mind.world);
    assert_eq!(picture.text(|ip| ip.to_string()), "nothing crosses from one zone to another\n");
    config::parse("suggested.toml", &suggest::suggest(&mind.world, &picture)).unwrap();
}
