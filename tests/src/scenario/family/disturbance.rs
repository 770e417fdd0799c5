//! What breaks, moves or is badly seen, and is nobody's attack.

use std::net::Ipv4Addr;

use super::benign::{polling, station};
use super::{Frames, Plan};
use crate::conversation::{DAY, Frame, From, HOUR, MIN, MS, SEC};
use crate::packet::Mac;
use crate::payload::tls::Handshake;
use crate::payload::{http, s7, smb, tls};
use crate::rng::Rng;
use crate::scenario::calendar::{is_working_day, next_time_of_day, time_of_day};
use crate::scenario::lines::{Line, http_visit, tls_visit};
use crate::scenario::plant::{Host, Place, Plant};
use crate::scenario::stage::{Scene, Stage};
use crate::scenario::talk::{Connect, Talk};

/// One frame in a hundred is lost, one in two hundred comes twice, one in a hundred after the next one.
pub(super) fn poor_mirror(plan: &mut Plan<'_>) {
    let rng = plan.rng("mirror");
    plan.lens = Some(Box::new(|frames| poorly(frames, rng)));
}

/// Frames as a cheap switch mirrors them.
pub(super) fn poorly(frames: Frames, mut rng: Rng) -> Frames {
    let mut frames = frames.peekable();
    let mut waiting: Option<Frame> = None;
    Box::new(std::iter::from_fn(move || {
        if let Some(frame) = waiting.take() {
            return Some(frame);
        }
        loop {
            let mut frame = frames.next()?;
            match rng.range(0, 200) {
                0..2 => continue,
                2 => waiting = Some(frame.clone()),
                3..5 if frames.peek().is_some_and(|next| next.at_ns - frame.at_ns < MS) => {
                    let mut next = frames.next()?;
                    std::mem::swap(&mut next.at_ns, &mut frame.at_ns);
                    waiting = Some(frame);
                    return Some(next);
                }
                _ => {}
            }
            return Some(frame);
        }
    }))
}

/// Somebody else needs the mirror port: ten minutes at noon, and a night.
pub(super) fn blind(plan: &mut Plan<'_>) {
    let noon = next_time_of_day(plan.start_ns + 12 * HOUR, 12 * HOUR);
    let night = noon + 2 * DAY + 10 * HOUR;
    plan.lens = Some(Box::new(move |frames| {
        Box::new(frames.filter(move |frame| {
            !(noon..noon + 10 * MIN).contains(&frame.at_ns)
                && !(night..night + 8 * HOUR).contains(&frame.at_ns)
        }))
    }));
}

/// The sensor's clock is set an hour forward, and two days later twenty minutes back.
pub(super) fn clock_steps(plan: &mut Plan<'_>) {
    let (forward, back) = (plan.start_ns + DAY, plan.start_ns + 3 * DAY);
    plan.lens = Some(Box::new(move |frames| {
        Box::new(frames.map(move |mut frame| {
            frame.at_ns += match frame.at_ns {
                at if at >= back => 40 * MIN,
                at if at >= forward => HOUR,
                _ => 0,
            };
            frame
        }))
    }));
}

/// Everybody in the office is given the address a colleague had.
pub(super) fn recast(plant: &Plant, seed: u64) -> Plant {
    let mut plant = plant.clone();
    let mut addresses = plant.office.map(|pc| pc.ip);
    // Nobody keeps an address, whatever the seed.
    let turn = 1 + Rng::named(seed, "leases").range(0, addresses.len() as u64 - 1) as usize;
    addresses.rotate_left(turn);
    for (pc, ip) in plant.office.iter_mut().zip(addresses) {
        pc.ip = ip;
    }
    plant
}

pub(super) fn new_leases(plan: &mut Plan<'_>) {
    let mut rng = plan.rng("leases");
    for pc in plan.plant.office {
        plan.join(&pc, "MSFT 5.0", plan.start_ns + rng.range(0, MIN), &mut rng);
    }
}

/// A controller is off for two hours while somebody changes its power supply. The SCADA server asks for it each minute.
pub(super) fn repair(plan: &mut Plan<'_>) {
    let mut rng = plan.rng("repair");
    let (wincc, controller) = (plan.plant.wincc, plan.plant.s7[3]);
    let off = next_time_of_day(plan.start_ns, 10 * HOUR) + rng.range(0, HOUR);
    let on = off + 2 * HOUR;
    let of = [controller.ip.octets(), wincc.ip.octets()];
    plan.mute = Some(Box::new(move |frame| {
        let ends = [frame.bytes.get(30..34), frame.bytes.get(34..38)];
        let concerned = ends.contains(&Some(&of[0]));
        let old = concerned && ends.contains(&Some(&of[1]));
        frame.at_ns >= off && (old || (concerned && frame.at_ns < on))
    }));
    let mut again = Stage::new(plan.end_ns);
    let mut at = off + 10 * SEC;
    while at < on {
        again.enter(at, Talk::failing(&wincc, &controller, s7::PORT, &mut rng, Connect::Unanswered(2)));
        at += 59 * SEC + rng.range(0, 2 * SEC);
    }
    let lines = polling(3, 7 * 24 * 60, Rng::new(rng.bits()));
    again.enter(on, Talk::new(&wincc, &controller, s7::PORT, &mut rng, lines));
    plan.others.push(Box::new(again));
}

/// Three people begin to keep their files at a new provider: some twenty megabytes each, then a little all day.
pub(super) fn cloud(plan: &mut Plan<'_>) {
    let mut rng = plan.rng("cloud");
    let provider = Host::external("drive.example", Ipv4Addr::new(198, 19, 60, 12));
    for pc in [plan.plant.office[2], plan.plant.office[5], plan.plant.office[7]] {
        let mut rng = Rng::new(rng.bits());
        let at = next_time_of_day(plan.start_ns, 9 * HOUR) + rng.range(0, 3 * HOUR);
        let mut first = true;
        plan.stage.enter(at, move |now, scene: &mut Scene| {
            if !is_working_day(now) || !(8 * HOUR..17 * HOUR).contains(&time_of_day(now)) {
                return Some(next_time_of_day(now, 8 * HOUR) + rng.range(0, HOUR));
            }
            let most = if std::mem::take(&mut first) { 20_000_000 } else { 400_000 };
            let up = rng.range(most / 2, most) as usize;
            let lines = tls_visit(&Handshake::browser("drive.example", true), up, 20_000, &mut rng);
            scene.enter(now, Talk::new(&pc, &provider, tls::PORT, &mut rng, lines));
            Some(now + 20 * MIN + rng.range(0, 40 * MIN))
        });
    }
}

/// A new server looks every five minutes whether the servers of the IT side are well; two checks are set up wrongly.
pub(super) fn monitoring(plan: &mut Plan<'_>) {
    let mut rng = plan.rng("monitoring");
    let monitor = station("monitor", Mac::from_oui(0x00_5056, 0x2a_0050), [10, 10, 0, 50], Place::It);
    let at = next_time_of_day(plan.start_ns, 10 * HOUR) + rng.range(0, HOUR);
    plan.join(&monitor, "MSFT 5.0", at, &mut rng);
    let plant = plan.plant.clone();
    plan.stage.enter(at + 5 * MIN, move |now, scene: &mut Scene| {
        for (n, server) in [plant.directory, plant.files, plant.backup, plant.intranet].iter().enumerate() {
            let due = now + n as u64 * SEC;
            let mut check = |port, connect| {
                let talk = match connect {
                    Connect::Open if port == http::PORT => Talk::new(
                        &monitor,
                        server,
                        port,
                        &mut rng,
                        http_visit(server.name, 400, &mut Rng::new(due)),
                    ),
                    Connect::Open => {
                        let lines = Box::new([Line::Wait(MS), Line::Close(From::Client)].into_iter());
                        Talk::new(&monitor, server, port, &mut rng, lines)
                    }
                    failing => Talk::failing(&monitor, server, port, &mut rng, failing),
                };
                scene.enter(due, talk);
            };
            check(if n == 3 { http::PORT } else { smb::PORT }, Connect::Open);
            if n < 2 {
                check(tls::PORT, Connect::Refused);
            }
        }
        Some(now + 5 * MIN)
    });
}
