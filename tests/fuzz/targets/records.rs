//! Any bytes in place of the kernel's records, through the engine.
//!
//! The input is a list of records, a length of two bytes, little endian, in front of each.
#![no_main]

use isthmus::engine::Engine;
use isthmus::incident::Incidents;
use isthmus::mind::Mind;
use isthmus::observer::Silent;
use isthmus::source::residency::{Clock, Residency};
use isthmus::state::World;
use isthmus::state::world::Settings;
use isthmus::state::zone::Zones;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let mut residency = Residency::new(2, 16);
    let clock = Clock { offset_ns: 1_700_000_000_000_000_000, tick_ns: 4_000_000 };
    let settings = Settings { operational: true, max_hosts: 64, max_connections: 64, ..Settings::default() };
    let mut engine = Engine::new(Mind::new(World::new(settings, Zones::default()), Incidents::default()));
    let mut rest = data;
    while let [low, high, tail @ ..] = rest {
        let len = usize::from(u16::from_le_bytes([*low, *high])).min(tail.len());
        let (raw, after) = tail.split_at(len);
        rest = after;
        residency.read(raw, &clock, &mut |record| engine.record(record, &mut Silent));
    }
    engine.finish(&mut Silent);
});
