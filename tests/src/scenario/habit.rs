//! The ordinary life of the plant: one habit a function, each with its own stream of chance.

mod background;
mod industrial;
mod office;
pub(super) mod operations;

pub(super) use background::{announce, join_by_dhcp};
pub(super) use office::{desktop, office_life};

use super::plant::{Host, Plant};
use super::stage::{Scene, Stage};
use super::talk::Talk;
use crate::conversation::{DAY, Frame, SEC};
use crate::rng::Rng;

/// `days` ordinary days of the plant that end at `end_ns`.
pub fn ordinary_days(plant: &Plant, seed: u64, days: u64, end_ns: u64) -> impl Iterator<Item = Frame> {
    let start_ns = end_ns.saturating_sub(days * DAY);
    let mut stage = Stage::new(end_ns);
    ordinary(plant, seed, start_ns, &mut stage);
    stage
}

/// Brings the ordinary life on stage, from `start_ns` to the end of the stage.
pub fn ordinary(plant: &Plant, seed: u64, start_ns: u64, stage: &mut Stage) {
    // Other days are other days, also with the same seed.
    let seed = seed ^ (start_ns / SEC).rotate_left(20);
    industrial::enter(plant, seed, start_ns, stage);
    office::enter(plant, seed, start_ns, stage);
    background::enter(plant, seed, start_ns, stage);
}

/// Nanoseconds until the next of events that come by chance, `mean_s` seconds apart in the mean; at least 1 s.
fn by_chance(rng: &mut Rng, mean_s: f64) -> u64 {
    SEC + (rng.exponential(mean_s) * SEC as f64) as u64
}

/// A log-normal number of bytes, at most `most`.
fn volume(rng: &mut Rng, median: f64, sigma: f64, most: f64) -> usize {
    rng.log_normal(median, sigma).clamp(60.0, most) as usize
}

/// Lets a connection begin now.
fn speak(scene: &mut Scene, now_ns: u64, talk: Talk) {
    scene.enter(now_ns, talk);
}

/// A name lookup at the directory server, answered with the host's address; returns when it is done.
fn look_up(scene: &mut Scene, plant: &Plant, client: &Host, name: &Host, now_ns: u64, rng: &mut Rng) -> u64 {
    use crate::conversation::{MS, udp_exchange};
    use crate::payload::dns;
    let id = rng.bits() as u16;
    let delay = rng.range(MS, 25 * MS);
    let from = client.side_towards(&plant.directory, rng.range(49_152, 65_536) as u16);
    let to = plant.directory.side_towards(client, dns::PORT);
    let (question, answer) = (dns::query(id, name.name), dns::answer(id, name.name, name.ip));
    scene.emit(udp_exchange(&from, &to, now_ns, delay, &question, &answer));
    now_ns + delay + MS
}
