//! Attacks that take their time, or the usual ways.

use std::net::Ipv4Addr;

use super::controllers::{converse, odd_value, write_once};
use super::disturbance::poorly;
use super::{Plan, seed_story};
use crate::conversation::{DAY, Frame, HOUR, MIN, MS, SEC};
use crate::packet::{ARP_REPLY, PacketBuilder};
use crate::payload::tls::Handshake;
use crate::payload::{modbus, rdp, s7, tls};
use crate::scenario::calendar::next_time_of_day;
use crate::scenario::habit::desktop;
use crate::scenario::lines::{
    Line, ask, modbus_read, s7_download, s7_download_request, s7_open, s7_write, tls_visit,
};
use crate::scenario::plant::Host;
use crate::scenario::stage::Scene;
use crate::scenario::talk::Talk;

/// The whole afternoon, through a mirror that loses, repeats and swaps frames.
pub(super) fn poor_story(plan: &mut Plan<'_>) {
    seed_story(plan);
    let rng = plan.rng("mirror");
    plan.lens = Some(Box::new(|frames| poorly(frames, rng)));
}

/// Every ten minutes, give or take half of it.
pub(super) fn lazy_beacon(plan: &mut Plan<'_>) {
    let mut rng = plan.rng("beacon");
    let (pc, begin) = (*rng.pick(&plan.plant.office), plan.about(10, &mut rng));
    let c2 = Host::external("metrics-edge.example", Ipv4Addr::new(198, 19, 91, 30));
    let end = begin + 2 * DAY;
    plan.deed(&pc, "calls home irregularly", begin, None, &["beacon"]);
    plan.stage.enter(begin, move |now, scene: &mut Scene| {
        let lines = tls_visit(&Handshake::browser("metrics-edge.example", true), 240, 300, &mut rng);
        scene.enter(now, Talk::new(&pc, &c2, tls::PORT, &mut rng, lines));
        (now < end).then_some(now + 5 * MIN + rng.range(0, 10 * MIN))
    });
}

/// Two megabytes each night, by the host and at the hour of its backup.
pub(super) fn nightly_leak(plan: &mut Plan<'_>) {
    let mut rng = plan.rng("leak");
    let historian = plan.plant.historian;
    let store = Host::external("archive.example", Ipv4Addr::new(198, 19, 70, 9));
    let begin = next_time_of_day(plan.start_ns, 2 * HOUR) + rng.range(0, 30 * MIN);
    plan.deed(&historian, "2 MB sent out each night", begin, None, &["data_transfer"]);
    plan.stage.enter(begin, move |now, scene: &mut Scene| {
        let handshake = Handshake::browser("archive.example", true);
        let lines = tls_visit(&handshake, rng.range(1_800_000, 2_200_000) as usize, 2_000, &mut rng);
        scene.enter(now, Talk::new(&historian, &store, tls::PORT, &mut rng, lines));
        Some(now + DAY)
    });
}

/// The administrator's own computer and name, at three in the night.
pub(super) fn night_desktop(plan: &mut Plan<'_>) {
    let mut rng = plan.rng("desktop");
    let (jump, wincc) = (plan.plant.jump, plan.plant.wincc);
    let at = next_time_of_day(plan.start_ns, 3 * HOUR) + rng.range(0, 30 * MIN);
    let lines = desktop("j.keller", crate::rng::Rng::new(rng.bits()));
    plan.talk(at, Talk::new(&jump, &wincc, rdp::PORT, &mut rng, lines));
    plan.deed(&jump, "the usual remote desktop by night", at, None, &["admin_rdp"]);
}

/// Into the engineering station by remote desktop, and from there into a controller, as the station may.
pub(super) fn pivot(plan: &mut Plan<'_>) {
    let mut rng = plan.rng("pivot");
    let (device, at) = plan.stranger(&mut rng);
    let engineering = plan.plant.engineering;
    let lines = desktop("Administrator", crate::rng::Rng::new(rng.bits()));
    plan.talk(at, Talk::new(&device, &engineering, rdp::PORT, &mut rng, lines));
    plan.deed(
        &device,
        "remote desktop to the engineering station",
        at,
        None,
        &["admin_rdp", "new_device_activity"],
    );
    let (at, controller) = (at + 10 * MIN, *rng.pick(&plan.plant.s7));
    let mut lines = s7_open(1, 1);
    lines.extend(s7_download(0x20));
    converse(plan, at, (&engineering, &controller, s7::PORT), lines, &mut rng);
    plan.deed(
        &engineering,
        "program replaced from there",
        at,
        Some(s7_download_request(0x20)),
        &["reprogram"],
    );
}

/// Modbus on a port that is nobody's.
pub(super) fn odd_port(plan: &mut Plan<'_>) {
    let mut rng = plan.rng("port");
    let (device, at) = plan.stranger(&mut rng);
    let controller = *rng.pick(&plan.plant.modbus);
    let mut lines = Vec::new();
    for tid in 1..6 {
        lines.extend(modbus_read(tid, 1, 24, &mut rng));
        lines.push(Line::Wait(2 * SEC));
    }
    let write = modbus::write_register(6, 1, 40, rng.range(1_000, 4_000) as u16);
    lines.extend(ask(write.clone(), 7 * MS, write.clone()));
    converse(plan, at, (&device, &controller, 8_502), lines, &mut rng);
    plan.deed(&device, "Modbus on port 8502", at, None, &["possible_ics", "new_device_activity"]);
    plan.deed(&device, "a register changed on port 8502", at, Some(write), &["new_action", "it_to_ics"]);
}

/// The device says every two seconds that the directory server's address is its own; then it writes to a controller.
pub(super) fn stolen_address(plan: &mut Plan<'_>) {
    let mut rng = plan.rng("address");
    let (device, begin) = plan.stranger(&mut rng);
    let (directory, victims, end) = (plan.plant.directory, plan.plant.office, begin + 40 * MIN);
    plan.deed(&device, "another's address claimed", begin, None, &["address_conflict"]);
    plan.stage.enter(begin, move |now, scene: &mut Scene| {
        scene.emit(victims.iter().take(3).map(|victim| {
            Frame {
                at_ns: now,
                leg: victim.place.leg(),
                bytes: PacketBuilder::ethernet(device.mac, victim.mac)
                    .vlan(victim.place.vlan())
                    .arp(ARP_REPLY, (device.mac, directory.ip), (victim.mac, victim.ip))
                    .build_padded(),
            }
        }));
        (now < end).then_some(now + 2 * SEC)
    });
    let at = end + 5 * MIN;
    let marker = write_once(plan, at, &device, &mut rng);
    plan.deed(&device, "one value changed", at, Some(marker), &["new_action"]);
}

/// The SCADA server sets other values than ever, with the commands it always uses.
pub(super) fn set_points(plan: &mut Plan<'_>) {
    let mut rng = plan.rng("values");
    let (at, wincc) = (plan.about(30, &mut rng), plan.plant.wincc);
    let mut lines = s7_open(2, 1);
    for pdu in 2..8 {
        lines.extend(s7_write(pdu, 20, 0, odd_value(&mut rng)));
        lines.push(Line::Wait(30 * SEC));
    }
    let controller = plan.plant.s7[0];
    converse(plan, at, (&wincc, &controller, s7::PORT), lines, &mut rng);
    plan.deed(&wincc, "set points out of range", at, None, &["new_action"]);
}
