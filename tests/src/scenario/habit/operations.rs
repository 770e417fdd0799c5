//! What the plant's own people do beyond the ordinary days: shifts, nightly backups of programs, weekly updates.

use super::volume;
use crate::conversation::{From, HOUR, MIN, MS, SEC};
use crate::payload::{http, modbus, s7};
use crate::rng::Rng;
use crate::scenario::calendar::{is_working_day, next_time_of_day};
use crate::scenario::lines::{Line, ask, modbus_read, s7_identify, s7_open, s7_upload, s7_write};
use crate::scenario::plant::{Host, Plant};
use crate::scenario::stage::{Scene, Stage};
use crate::scenario::talk::Talk;

/// The port of the update service.
pub(in crate::scenario) const UPDATES: u16 = 8530;

/// Brings operations on stage, from `start` on.
pub(in crate::scenario) fn enter(plant: &Plant, seed: u64, start: u64, stage: &mut Stage) {
    shifts(plant, seed, start, stage);
    program_backup(plant, seed, start, stage);
    updates(plant, seed, start, stage);
}

/// At six, fourteen and twenty-two the new shift sets what it wants: a few values in each controller.
fn shifts(plant: &Plant, seed: u64, start: u64, stage: &mut Stage) {
    for hour in [6, 14, 22] {
        let (plant, mut rng) = (plant.clone(), Rng::named(seed, &format!("shift {hour}")));
        let first = next_time_of_day(start, hour * HOUR) + rng.range(0, 10 * MIN);
        stage.enter(first, move |now, scene: &mut Scene| {
            for (index, controller) in (0_u16..).zip(&plant.s7) {
                let mut lines = s7_open(2, 1);
                for n in 0..rng.range(1, 4) as u16 {
                    lines.push(Line::Wait(rng.range(2 * SEC, 20 * SEC)));
                    lines.extend(s7_write(2 + n, 20 + index, 4 * n, 20.0 + 60.0 * rng.unit() as f32));
                }
                lines.push(Line::Close(From::Client));
                let lines = Box::new(lines.into_iter());
                let at = now + u64::from(index) * MIN;
                scene.enter(at, Talk::new(&plant.wincc, controller, s7::PORT, &mut rng, lines));
            }
            Some(next_time_of_day(now + HOUR, hour * HOUR) + rng.range(0, 10 * MIN))
        });
    }
}

/// At three in the night the engineering station reads every controller's program back, as it does every night.
fn program_backup(plant: &Plant, seed: u64, start: u64, stage: &mut Stage) {
    let (plant, mut rng) = (plant.clone(), Rng::named(seed, "program backup"));
    let first = next_time_of_day(start, 3 * HOUR) + rng.range(0, 5 * MIN);
    stage.enter(first, move |now, scene: &mut Scene| {
        let mut at = now;
        for (index, controller) in plant.s7.iter().enumerate() {
            let mut lines = s7_open(1, 1);
            lines.extend(s7_identify(&plant, index, 2));
            for number in 1..=6 {
                lines.push(Line::Wait(rng.range(MS, 50 * MS)));
                lines.extend(s7_upload(16 * number as u16, number));
            }
            lines.push(Line::Close(From::Client));
            let lines = Box::new(lines.into_iter());
            scene.enter(at, Talk::new(&plant.engineering, controller, s7::PORT, &mut rng, lines));
            at += MIN;
        }
        for controller in &plant.modbus {
            let mut lines = ask(
                modbus::identify(1, 1),
                6 * MS,
                modbus::identity(1, 1, "Schneider Electric", "TM221CE16R", "V1.6"),
            )
            .to_vec();
            for tid in 2..22 {
                lines.push(Line::Wait(rng.range(MS, 50 * MS)));
                lines.extend(modbus_read(tid, 1, 100, &mut rng));
            }
            lines.push(Line::Close(From::Client));
            let lines = Box::new(lines.into_iter());
            scene.enter(at, Talk::new(&plant.engineering, controller, modbus::PORT, &mut rng, lines));
            at += MIN;
        }
        Some(next_time_of_day(now + HOUR, 3 * HOUR) + rng.range(0, 5 * MIN))
    });
}

/// Stations that fetch updates from the file server.
pub(in crate::scenario) fn updated(plant: &Plant) -> Vec<Host> {
    let mut out = plant.office.to_vec();
    out.extend([plant.jump, plant.wincc, plant.historian, plant.engineering]);
    out
}

/// One download of updates of about `median` bytes.
pub(in crate::scenario) fn update(plant: &Plant, host: &Host, median: f64, rng: &mut Rng) -> Talk {
    let down = volume(rng, median, 0.4, 20e6);
    let [request, wait, response] =
        ask(http::get("updates", "/selfupdate"), rng.range(2 * MS, 40 * MS), http::ok(down));
    let lines = Box::new([request, wait, response, Line::Wait(SEC), Line::Close(From::Server)].into_iter());
    Talk::new(host, &plant.files, UPDATES, rng, lines)
}

/// Every working day at noon each of them asks, and mostly gets little.
fn updates(plant: &Plant, seed: u64, start: u64, stage: &mut Stage) {
    let (plant, mut rng) = (plant.clone(), Rng::named(seed, "updates"));
    let first = next_time_of_day(start, 12 * HOUR);
    stage.enter(first, move |now, scene: &mut Scene| {
        if is_working_day(now) {
            for host in updated(&plant) {
                let at = now + rng.range(0, 30 * MIN);
                scene.enter(at, update(&plant, &host, 20_000.0, &mut rng));
            }
        }
        Some(next_time_of_day(now + HOUR, 12 * HOUR))
    });
}
