//! What people do: the web, files, paper, a dashboard of the plant, and the administrator's remote desktop.

use std::net::Ipv4Addr;

use super::{by_chance, look_up, speak, volume};
use crate::conversation::{From, HOUR, MIN, SEC};
use crate::payload::tls::Handshake;
use crate::payload::{http, rdp, smb, tls};
use crate::rng::Rng;
use crate::scenario::calendar::{is_working_day, next_time_of_day, time_of_day};
use crate::scenario::lines::{
    Line, Lines, http_visit, print_job, rdp_burst, rdp_open, script, smb_session, tls_visit,
};
use crate::scenario::plant::{Host, Plant};
use crate::scenario::stage::{Scene, Stage};
use crate::scenario::talk::Talk;

pub(super) fn enter(plant: &Plant, seed: u64, start: u64, stage: &mut Stage) {
    for pc in &plant.office {
        let mut rng = Rng::named(seed, pc.name);
        let due = start + by_chance(&mut rng, 600.0);
        office_life(plant, *pc, rng, due, stage);
    }
    for pc in &plant.office[..2] {
        dashboard(plant, *pc, Rng::named(seed ^ 1, pc.name), start, stage);
    }
    administrator(plant, Rng::named(seed, "administrator"), start, stage);
}

/// An office computer, used from about half past seven to half past five on working days.
pub(in crate::scenario) fn office_life(plant: &Plant, pc: Host, mut rng: Rng, due: u64, stage: &mut Stage) {
    let plant = plant.clone();
    let begin = 7 * HOUR + rng.range(0, HOUR);
    stage.enter(due, move |now, scene: &mut Scene| {
        if !is_working_day(now) || !(begin..begin + 10 * HOUR).contains(&time_of_day(now)) {
            return Some(next_time_of_day(now, begin) + by_chance(&mut rng, 300.0));
        }
        act(&plant, &pc, now, scene, &mut rng);
        Some(now + by_chance(&mut rng, 1_080.0))
    });
}

fn act(plant: &Plant, pc: &Host, now: u64, scene: &mut Scene, rng: &mut Rng) {
    match rng.range(0, 100) {
        0..80 => {
            let now = if rng.chance(0.05) { long_tail(plant, pc, now, scene, rng) } else { now };
            // Popular places are visited more often: the first of the list most.
            let index = (rng.unit() * rng.unit() * plant.internet.len() as f64) as usize;
            let site = plant.internet[index];
            let now = if rng.chance(0.7) { look_up(scene, plant, pc, &site, now, rng) } else { now };
            web(pc, &site, now, scene, rng);
        }
        80..88 => {
            let lines = http_visit("intranet", volume(rng, 3_000.0, 0.8, 40_000.0), rng);
            speak(scene, now, Talk::new(pc, &plant.intranet, http::PORT, rng, lines));
        }
        88..97 => {
            let (up, down) = (volume(rng, 1_500.0, 1.0, 100_000.0), volume(rng, 4_000.0, 1.0, 100_000.0));
            let lines = smb_session(up, down, 40_000_000, Rng::new(rng.bits()));
            speak(scene, now, Talk::new(pc, &plant.files, smb::PORT, rng, lines));
        }
        _ => {
            let lines = print_job(volume(rng, 8_000.0, 0.8, 100_000.0), rng);
            speak(scene, now, Talk::new(pc, &plant.printer, 9100, rng, lines));
        }
    }
}

fn web(pc: &Host, site: &Host, now: u64, scene: &mut Scene, rng: &mut Rng) {
    let handshake = Handshake::browser(site.name, rng.chance(0.7));
    let (up, down) = (volume(rng, 600.0, 0.7, 20_000.0), volume(rng, 2_800.0, 0.8, 150_000.0));
    let lines = tls_visit(&handshake, up, down, rng);
    speak(scene, now, Talk::new(pc, site, tls::PORT, rng, lines));
}

/// Somewhere nobody of the site goes often. Everybody does that sometimes.
fn long_tail(plant: &Plant, pc: &Host, now: u64, scene: &mut Scene, rng: &mut Rng) -> u64 {
    const NAMES: [&str; 8] = [
        "recipes.example",
        "railway.example",
        "handball.example",
        "museum.example",
        "garden.example",
        "tyres.example",
        "dentist.example",
        "school.example",
    ];
    let index = rng.range(0, NAMES.len() as u64) as usize;
    let site =
        Host::external(NAMES[index], Ipv4Addr::new(198, 18, 150 + 5 * index as u8, rng.range(1, 4) as u8));
    let now = look_up(scene, plant, pc, &site, now, rng);
    web(pc, &site, now, scene, rng);
    now
}

/// The production planner's view into the OT side, every quarter of an hour at work.
fn dashboard(plant: &Plant, pc: Host, mut rng: Rng, start: u64, stage: &mut Stage) {
    let historian = plant.historian;
    stage.enter(start + rng.range(0, 15 * MIN), move |now, scene: &mut Scene| {
        if !is_working_day(now) || !(8 * HOUR..17 * HOUR).contains(&time_of_day(now)) {
            return Some(next_time_of_day(now, 8 * HOUR) + by_chance(&mut rng, 120.0));
        }
        let handshake = Handshake::browser("historian.plant.example", false);
        let lines = tls_visit(&handshake, 500, volume(&mut rng, 6_000.0, 0.4, 40_000.0), &mut rng);
        speak(scene, now, Talk::new(&pc, &historian, tls::PORT, &mut rng, lines));
        Some(now + 14 * MIN + by_chance(&mut rng, 60.0))
    });
}

/// The administrator's remote desktop on the SCADA server: most working days, at nine or at half past one.
fn administrator(plant: &Plant, mut rng: Rng, start: u64, stage: &mut Stage) {
    let (jump, wincc) = (plant.jump, plant.wincc);
    for (hour, share) in [(9 * HOUR, 0.8), (13 * HOUR + 30 * MIN, 0.4)] {
        let mut rng = Rng::new(rng.bits());
        let first = next_time_of_day(start, hour) + rng.range(0, 20 * MIN);
        stage.enter(first, move |now, scene: &mut Scene| {
            if is_working_day(now) && rng.chance(share) {
                let lines = desktop("j.keller", Rng::new(rng.bits()));
                speak(scene, now, Talk::new(&jump, &wincc, rdp::PORT, &mut rng, lines));
            }
            Some(next_time_of_day(now + HOUR, hour) + rng.range(0, 20 * MIN))
        });
    }
}

/// A remote desktop session of that user.
pub(in crate::scenario) fn desktop(user: &str, mut rng: Rng) -> Lines {
    let first = rdp_open(user, &mut rng);
    let mut bursts = volume(&mut rng, 90.0, 0.4, 250.0);
    let mut open = true;
    script(first, move || {
        if bursts == 0 {
            return std::mem::take(&mut open).then(|| vec![Line::Close(From::Client)]);
        }
        bursts -= 1;
        let (up, down) = (volume(&mut rng, 180.0, 0.6, 4_000.0), volume(&mut rng, 3_500.0, 0.9, 60_000.0));
        let mut out = rdp_burst(up, down, &mut rng).to_vec();
        out.push(Line::Wait(SEC + by_chance(&mut rng, 15.0)));
        Some(out)
    })
}
