//! The engine after a past it learned, with small tables.

use isthmus::engine::Engine;
use isthmus::incident::Incidents;
use isthmus::mind::Mind;
use isthmus::observer::{Observer as _, Silent};
use isthmus::state::SiteAddr;
use isthmus::state::World;
use isthmus::state::address::mac_text;
use isthmus::state::world::Settings;
use isthmus::state::zone::Zones;
use isthmus_tests::conversation::HOUR;
use isthmus_tests::evaluation::{Seen, analyse};
use isthmus_tests::scenario::{Plant, ordinary_days};

use super::{START, at_most, child, floods, memory, size};

/// Set in the process whose memory is measured: the flood, and how many.
const FLOOD: &str = "ISTHMUS_TEST_FLOOD";

fn limits() -> Settings {
    Settings { max_hosts: 4096, max_conversations: 8192, max_connections: 8192, ..Settings::default() }
}

/// The process that is measured. Prints resident kilobytes after half of the flood and after all of it, and what was found.
#[test]
fn is_flooded() {
    let Ok(flood) = std::env::var(FLOOD) else { return };
    let (kind, count) = flood.split_once(' ').unwrap();
    let count: u64 = count.parse().unwrap();
    at_most(256);
    let plant = Plant::new();
    let learning = Settings { learn: true, ..limits() };
    let mut engine = Engine::new(Mind::new(World::new(learning, Zones::default()), Incidents::default()));
    let past = ordinary_days(&plant, 1, 1, START).filter(|frame| frame.at_ns > START - 2 * HOUR);
    analyse(&mut engine, past, &mut Silent).unwrap();
    engine.mind.world.graduate();
    engine.mind.world.settings.learn = false;

    let mut seen = Seen::default();
    for half in 0..2 {
        analyse(&mut engine, floods::half(kind, count, half), &mut seen).unwrap();
        println!("\nresident {}", memory("VmRSS:"));
    }
    let actor = SiteAddr::from(plant.stranger.ip);
    let found = seen.findings.iter().any(|f| f.actor == actor.ip && f.model == "new_action");
    let kept = engine.mind.incidents.iter().any(|incident| incident.actors.contains(&actor));
    for incident in engine.mind.incidents.iter() {
        seen.incident(incident, "summary");
    }
    // Who floods is named too: by the device where the addresses are forged.
    let device = format!("behind {}", mac_text(plant.stranger.mac.0));
    let named = seen.findings.iter().any(|f| match kind {
        "spoofed" => f.model == "ics_scan" && f.summary.contains(&device),
        "scan" => f.model == "ics_scan" && f.actor == plant.office[3].ip,
        _ => f.model == "rare_external" && f.actor == plant.office[4].ip,
    });
    for finding in seen.findings.iter().take(20) {
        println!("told {} by {}: {}", finding.model, finding.actor, finding.summary);
    }
    let world = &engine.mind.world;
    println!("found {found}\nkept {kept}\nnamed {named}\nfindings {}", seen.findings.len());
    println!("hosts {}\nconversations {}", world.hosts.len(), world.conversations.len());
    println!("evicted {}", world.hosts.evicted() + world.conversations.evicted + engine.tallies.evicted);
    println!("incidents {}\npeak {}", engine.mind.incidents.iter().count(), memory("VmHWM:"));
}

fn flooded(kind: &str, short: u64) {
    let count = size(short);
    let text = child("engine::is_flooded", FLOOD, &format!("{kind} {count}"));
    let value = |name: &str| {
        text.lines().filter_map(|l| l.strip_prefix(name)).map(|v| v.trim().to_owned()).collect::<Vec<_>>()
    };
    let number = |name: &str| value(name)[0].parse::<u64>().unwrap();
    println!(
        "{kind} {count}: {}",
        text.lines().filter(|l| !l.is_empty()).skip(2).collect::<Vec<_>>().join(", ")
    );
    let resident: Vec<u64> = value("resident ").iter().map(|v| v.parse().unwrap()).collect();
    let [half, all] = resident[..] else { panic!("{text}") };
    assert!(number("peak ") < 200 << 10, "{kind}: {} kB resident", number("peak "));
    assert!(all < half + half / 5 + (8 << 10), "{kind}: {half} kB after half, {all} kB after all");
    assert_eq!(value("found "), ["true"], "{kind}: the real attacker was not found");
    assert_eq!(value("kept "), ["true"], "{kind}: the real attacker's incident was pushed out");
    assert_eq!(value("named "), ["true"], "{kind}: who floods was not named");
    assert!(number("evicted ") > 0, "{kind}: nothing was evicted, so nothing was tested");
    assert!(number("findings ") < 1000, "{kind}: {} findings", number("findings "));
}

#[test]
fn a_flood_of_spoofed_sources_is_bounded_and_hides_nobody() {
    flooded("spoofed", 60_000);
}

#[test]
fn a_scan_of_a_whole_network_is_bounded_and_hides_nobody() {
    flooded("scan", 60_000);
}

#[test]
fn a_flood_of_names_is_bounded_and_hides_nobody() {
    flooded("names", 30_000);
}
