//! States that older versions wrote are brought up to date, with everything learned and found in them.
//!
//! Each file under `states/` is the dump of a state: of one day it was learned that a host writes to a controller, and on a second
//! one it stopped and reprogrammed others. The program of the second version wrote `v2.sql` itself; `v1.sql` is the same in the
//! tables and fields of the first.

#![expect(clippy::unwrap_used, reason = "a failing test shows where")]

use std::path::PathBuf;

use isthmus::engine::Engine;
use isthmus::incident::State;
use isthmus::mind::Mind;
use isthmus::observer::Silent;
use isthmus::order::{Order, What};
use isthmus::state::World;
use isthmus::state::world::Settings;
use isthmus::state::zone::Zones;
use isthmus::store::Store;
use isthmus_tests::evaluation::analyse;
use isthmus_tests::scenario::{Incident, IncidentOptions, Plant, parse_time};

const STATES: [(u32, &str); 2] = [(1, include_str!("states/v1.sql")), (2, include_str!("states/v2.sql"))];

fn file(version: u32, dump: &str) -> PathBuf {
    let dir = std::env::temp_dir().join(format!("isthmus-older-{version}-{}", std::process::id()));
    let _there_may_be_none = std::fs::remove_dir_all(&dir);
    std::fs::create_dir_all(&dir).unwrap();
    let db = rusqlite::Connection::open(dir.join("isthmus.db")).unwrap();
    db.execute_batch(dump).unwrap();
    // A dump does not tell it.
    db.pragma_update(None, "user_version", version).unwrap();
    dir
}

fn read(store: &Store) -> Mind {
    store.read(World::new(Settings::default(), Zones::default())).unwrap()
}

#[test]
fn a_state_of_every_older_version_is_gone_on_with() {
    let plant = Plant::new();
    let writer = std::net::IpAddr::from(plant.stranger.ip).into();
    for (version, dump) in STATES {
        let dir = file(version, dump);
        let mut store = Store::open(&dir).unwrap();
        let mind = read(&store);
        assert_eq!(mind.world.hosts.len(), 7, "version {version}");
        assert_eq!(mind.world.conversations.len(), 7, "version {version}");
        assert!(mind.world.site.graduated, "version {version}");
        let host = mind.world.hosts.get(&writer).unwrap();
        assert!(host.graduated && !host.drives.is_empty(), "version {version}: what was learned is gone");
        let found: Vec<(String, usize)> =
            mind.incidents.findings().map(|finding| (finding.model.clone(), finding.targets.len())).collect();
        assert!(found.iter().any(|(model, _)| model == "reprogram"), "version {version}: {found:?}");
        let incidents = mind.incidents.iter().count();
        assert_eq!(incidents, 1, "version {version}");

        // It is written on in the present form, and what only the present form has works.
        let mut engine = Engine::new(mind);
        let options = IncidentOptions {
            background: false,
            ..IncidentOptions::one_write(parse_time("2026-03-13T13:00:00Z").unwrap(), 1)
        };
        analyse(&mut engine, Incident::new(&plant, &options).into_frames(), &mut Silent).unwrap();
        let order = Order { what: What::Acknowledge(1), by: None, at: engine.now(), note: None };
        assert_eq!(store.order(&order).unwrap(), 1, "version {version}");
        let now = engine.now();
        store.obey(&mut engine.mind, now, &mut Silent).unwrap();
        store.save(&mut engine.mind).unwrap();
        drop(store);
        let mind = read(&Store::open(&dir).unwrap());
        assert_eq!(mind.world.hosts.len(), engine.mind.world.hosts.len(), "version {version}");
        assert!(mind.incidents.get(1).is_some_and(|one| one.state != State::Open), "version {version}");
        std::fs::remove_dir_all(&dir).unwrap();
    }
}
