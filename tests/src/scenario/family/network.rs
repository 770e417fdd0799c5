//! Attacks on the network itself: scans, noise, somebody else's name.

use std::net::Ipv4Addr;

use super::Plan;
use super::controllers::write_once;
use crate::conversation::{Frame, From, MIN, MS, SEC, Session};
use crate::packet::Mac;
use crate::payload::{modbus, rdp, s7};
use crate::rng::Rng;
use crate::scenario::lines::{Line, rdp_burst, rdp_open};
use crate::scenario::plant::{Host, Place};
use crate::scenario::stage::Scene;
use crate::scenario::talk::{Connect, Talk};

/// The OT side's stations and neighbours that do not exist, on both ports, in random order.
fn probes(plan: &Plan<'_>, count: usize, rng: &mut Rng) -> Vec<(Host, u16, Connect)> {
    let stations = plan.plant.ot();
    let mut out = Vec::new();
    for ip in (2..=240).map(|last| Ipv4Addr::new(10, 20, 1, last)) {
        let station = stations.iter().find(|host| host.ip == ip);
        for port in [s7::PORT, modbus::PORT] {
            let connect = match station {
                Some(_) if port == s7::PORT => Connect::Open,
                Some(_) => Connect::Refused,
                None => Connect::Unanswered(1),
            };
            out.push((station.copied().unwrap_or(Host { ip, ..plan.plant.wincc }), port, connect));
        }
    }
    rng.shuffle(&mut out);
    // Controllers are there to be found: a scan of a plant meets some.
    out.sort_by_key(|(_, port, connect)| (*port == modbus::PORT) || *connect != Connect::Open);
    out.truncate(count);
    rng.shuffle(&mut out);
    out
}

fn probe(source: &Host, (target, port, connect): &(Host, u16, Connect), rng: &mut Rng) -> Talk {
    match connect {
        Connect::Open => {
            Talk::new(source, target, *port, rng, Box::new([Line::Reset(From::Client)].into_iter()))
        }
        connect => Talk::failing(source, target, *port, rng, *connect),
    }
}

fn slowly(plan: &mut Plan<'_>, source: &Host, begin: u64, rng: &mut Rng) {
    let mut at = begin;
    for target in probes(plan, 72, rng) {
        plan.talk(at, probe(source, &target, rng));
        at += 3 * MIN + rng.range(0, 2 * MIN);
    }
}

pub(super) fn slow_scan(plan: &mut Plan<'_>) {
    let mut rng = plan.rng("slow");
    let (device, at) = plan.stranger(&mut rng);
    slowly(plan, &device, at, &mut rng);
    plan.deed(&device, "72 addresses tried in five hours", at, None, &["ics_scan", "new_device_activity"]);
}

pub(super) fn slow_scan_known(plan: &mut Plan<'_>) {
    let mut rng = plan.rng("slow");
    let (device, at) = (*rng.pick(&plan.plant.office), plan.about(5, &mut rng));
    slowly(plan, &device, at, &mut rng);
    plan.deed(&device, "72 addresses tried in five hours", at, None, &["ics_scan"]);
}

/// Each probe is sent by ten others too, who never existed (nmap -D); then the real one writes.
pub(super) fn spoofed_scan(plan: &mut Plan<'_>) {
    let mut rng = plan.rng("decoys");
    let (device, begin) = plan.stranger(&mut rng);
    let decoys: Vec<Host> = (0..10)
        .map(|n| Host { ip: Ipv4Addr::new(10, 10, 30 + n, rng.range(2, 250) as u8), ..device })
        .collect();
    let mut at = begin;
    for target in probes(plan, 100, &mut rng) {
        for decoy in &decoys {
            let talk = Talk::failing(decoy, &target.0, target.1, &mut rng, Connect::Unanswered(0));
            plan.talk(at + rng.range(0, 300 * MS), talk);
        }
        plan.talk(at + rng.range(0, 300 * MS), probe(&device, &target, &mut rng));
        at += SEC + rng.range(0, SEC);
    }
    plan.deed(&device, "scan among decoys", begin, None, &["ics_scan", "new_device_activity"]);
    let write_at = at + 10 * MIN;
    let marker = write_once(plan, write_at, &device, &mut rng);
    plan.deed(&device, "one value changed", write_at, Some(marker), &["new_action", "it_to_ics"]);
}

/// Twenty thousand sources that never existed knock at the plant within a minute.
pub(super) fn noise_flood(plan: &mut Plan<'_>) {
    let mut rng = plan.rng("noise");
    let (device, at) = plan.stranger(&mut rng);
    let noise = Host { mac: Mac::from_oui(0x02_0000, 7), place: Place::It, ..device };
    let targets = plan.plant.ot();
    let flood = at - at % SEC;
    let mut draw = Rng::new(rng.bits());
    let mut second = 0_u64;
    plan.stage.enter(flood, move |now, scene: &mut Scene| {
        let mut frames: Vec<Frame> = Vec::with_capacity(400);
        for n in 0..333_u64 {
            let source = Host {
                ip: Ipv4Addr::new(10, 10, draw.range(40, 250) as u8, draw.range(1, 255) as u8),
                ..noise
            };
            let target = *draw.pick(&targets);
            let port = if draw.chance(0.5) { s7::PORT } else { draw.range(1, 10_000) as u16 };
            let (a, b) = (
                source.side_towards(&target, draw.range(1024, 65_536) as u16),
                target.side_towards(&source, port),
            );
            let isn = (draw.bits() as u32, 0);
            let mut session = Session::new(a, b, now + n * 3 * MS, isn, Default::default());
            session.unanswered(0);
            frames.extend(session.take());
        }
        scene.emit(frames);
        second += 1;
        (second < 60).then_some(now + SEC)
    });
    let write_at = flood + 30 * SEC;
    let marker = write_once(plan, write_at, &device, &mut rng);
    let models = &["new_action", "it_to_ics", "new_device_activity"];
    plan.deed(&device, "one value changed in the noise", write_at, Some(marker), models);
}

/// The administrator's name from a desk where he does not sit.
pub(super) fn stolen_user(plan: &mut Plan<'_>) {
    let mut rng = plan.rng("desktop");
    let (pc, at, wincc) = (*rng.pick(&plan.plant.office), plan.about(20, &mut rng), plan.plant.wincc);
    let mut lines = rdp_open("j.keller", &mut rng);
    for _ in 0..60 {
        lines.extend(rdp_burst(rng.range(90, 700) as usize, rng.range(800, 9_000) as usize, &mut rng));
        lines.push(Line::Wait(20 * SEC + rng.range(0, 10 * SEC)));
    }
    lines.push(Line::Close(From::Client));
    plan.talk(at, Talk::new(&pc, &wincc, rdp::PORT, &mut rng, Box::new(lines.into_iter())));
    plan.deed(&pc, "remote desktop with a stolen name", at, None, &["admin_rdp"]);
}
