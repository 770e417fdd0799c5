//! Attacks that cross the perimeter.

use std::net::Ipv4Addr;

use super::Plan;
use super::controllers::converse;
use crate::conversation::{HOUR, MIN, MS, SEC};
use crate::payload::tls::Handshake;
use crate::payload::{modbus, tls};
use crate::rng::Rng;
use crate::scenario::lines::{Line, ask, modbus_read, tls_visit};
use crate::scenario::plant::Host;
use crate::scenario::stage::Scene;
use crate::scenario::talk::Talk;

/// Every half hour half a megabyte, named and encrypted like anybody's.
pub(super) fn slow_upload(plan: &mut Plan<'_>) {
    let mut rng = plan.rng("upload");
    let (historian, begin) = (plan.plant.historian, plan.about(10, &mut rng));
    let store = Host::external("sync-store.example", Ipv4Addr::new(198, 19, 77, 14));
    let end = begin + 24 * HOUR;
    plan.deed(&historian, "24 MB sent out in a day", begin, None, &["data_transfer"]);
    plan.stage.enter(begin, move |now, scene: &mut Scene| {
        let handshake = Handshake::browser("sync-store.example", true);
        let lines = tls_visit(&handshake, rng.range(400_000, 600_000) as usize, 2_000, &mut rng);
        scene.enter(now, Talk::new(&historian, &store, tls::PORT, &mut rng, lines));
        (now < end).then_some(now + 25 * MIN + rng.range(0, 10 * MIN))
    });
}

/// Every minute, give or take three seconds, a few hundred bytes.
pub(super) fn beacon(plan: &mut Plan<'_>) {
    let mut rng = plan.rng("beacon");
    let (pc, begin) = (*rng.pick(&plan.plant.office), plan.about(10, &mut rng));
    let c2 = Host::external("telemetry-cdn.example", Ipv4Addr::new(198, 19, 88, 8));
    let end = begin + 24 * HOUR;
    plan.deed(&pc, "calls home every minute", begin, None, &["beacon"]);
    plan.stage.enter(begin, move |now, scene: &mut Scene| {
        let handshake = Handshake::browser("telemetry-cdn.example", true);
        let lines = tls_visit(&handshake, 240, 300, &mut rng);
        scene.enter(now, Talk::new(&pc, &c2, tls::PORT, &mut rng, lines));
        (now < end).then_some(now + 57 * SEC + rng.range(0, 6 * SEC))
    });
}

/// A controller that was never meant to be on the Internet.
pub(super) fn modbus(plan: &mut Plan<'_>) {
    let mut rng: Rng = plan.rng("modbus");
    let somebody = Host::external("somebody", Ipv4Addr::new(198, 51, 100, 200));
    let (at, controller) = (plan.about(30, &mut rng), *rng.pick(&plan.plant.modbus));
    let mut lines = Vec::new();
    for tid in 1..20 {
        lines.extend(modbus_read(tid, 1, 24, &mut rng));
        lines.push(Line::Wait(2 * SEC));
    }
    let write = modbus::write_register(20, 1, 40, rng.range(1_000, 4_000) as u16);
    lines.extend(ask(write.clone(), 7 * MS, write.clone()));
    converse(plan, at, (&somebody, &controller, modbus::PORT), lines, &mut rng);
    plan.deed(&somebody, "registers read from the Internet", at, None, &["external_ics"]);
    plan.deed(&somebody, "a register changed from the Internet", at, Some(write), &["new_action"]);
}
