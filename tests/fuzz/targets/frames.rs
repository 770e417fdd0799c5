//! Any frame through the packet path that the kernel runs, and what it tells through the engine.
//!
//! The input is a list of frames, a length of two bytes, little endian, in front of each. Time goes on a millisecond a frame.
#![no_main]

use isthmus::engine::Engine;
use isthmus::incident::Incidents;
use isthmus::mind::Mind;
use isthmus::observer::Silent;
use isthmus::source::residency::{Clock, Residency};
use isthmus::source::replay::ReplayOptions;
use isthmus::source::replay::tables::Memory;
use isthmus::state::World;
use isthmus::state::world::Settings;
use isthmus::state::zone::Zones;
use libfuzzer_sys::fuzz_target;
use sensor_ebpf::frame::Slice;
use sensor_ebpf::observe::observe;

const SETS: u32 = 16;
const MS: u64 = 1_000_000;

fuzz_target!(|data: &[u8]| {
    let memory = Memory::new(&ReplayOptions { sets: SETS, ..ReplayOptions::default() });
    let mut residency = Residency::new(1, 2 * SETS as usize);
    let clock = Clock { offset_ns: 0, tick_ns: 4 * MS };
    let settings = Settings { operational: true, max_hosts: 64, max_connections: 64, ..Settings::default() };
    let mut engine = Engine::new(Mind::new(World::new(settings, Zones::default()), Incidents::default()));
    let (mut rest, mut now) = (data, 1_700_000_000_000 * MS);
    while let [low, high, tail @ ..] = rest {
        let len = usize::from(u16::from_le_bytes([*low, *high])).min(tail.len());
        let (bytes, after) = tail.split_at(len);
        rest = after;
        now += MS;
        memory.set(0, 0, now, (now / (4 * MS)) as u32);
        observe(&Slice { bytes, wire_len: bytes.len() as u32 }, &&memory);
        memory.drain(|raw| residency.read(raw, &clock, &mut |record| engine.record(record, &mut Silent)));
    }
    engine.finish(&mut Silent);
    assert_eq!(residency.unreadable, 0);
});
