//! Attacks that talk to controllers.

use super::Plan;
use crate::conversation::{From, HOUR, MIN, MS, SEC};
use crate::payload::{modbus, s7};
use crate::rng::Rng;
use crate::scenario::calendar::next_time_of_day;
use crate::scenario::lines::{
    Line, ask, modbus_read, s7_download, s7_download_request, s7_identify, s7_open, s7_write,
};
use crate::scenario::plant::Host;
use crate::scenario::talk::Talk;

/// Brings a whole conversation on stage, closed by the client.
pub(super) fn converse(
    plan: &mut Plan<'_>,
    at: u64,
    ends: (&Host, &Host, u16),
    mut lines: Vec<Line>,
    rng: &mut Rng,
) {
    lines.push(Line::Close(From::Client));
    let (client, server, port) = ends;
    plan.talk(at, Talk::new(client, server, port, rng, Box::new(lines.into_iter())));
}

/// A value that no other message of the play carries, so that its frame can be found.
pub(super) fn odd_value(rng: &mut Rng) -> f32 {
    90.0 + rng.unit() as f32
}

/// One write to one S7 controller in a conversation of its own; the deed is the caller's to tell.
pub(super) fn write_once(plan: &mut Plan<'_>, at: u64, actor: &Host, rng: &mut Rng) -> Vec<u8> {
    let index = rng.range(0, plan.plant.s7.len() as u64) as usize;
    let (value, block) = (odd_value(rng), 20 + index as u16);
    let mut lines = s7_open(1, 1);
    lines.push(Line::Wait(SEC));
    lines.extend(s7_write(2, block, 4, value));
    lines.push(Line::Wait(SEC));
    let controller = plan.plant.s7[index];
    converse(plan, at, (actor, &controller, s7::PORT), lines, rng);
    s7::write(2, block, 4, &value.to_be_bytes())
}

pub(super) fn one_write(plan: &mut Plan<'_>) {
    let mut rng = plan.rng("write");
    let (device, at) = plan.stranger(&mut rng);
    let marker = write_once(plan, at, &device, &mut rng);
    let models = &["new_action", "it_to_ics", "new_device_activity"];
    plan.deed(&device, "one value changed", at, Some(marker), models);
}

pub(super) fn few_writes(plan: &mut Plan<'_>) {
    let mut rng = plan.rng("writes");
    let (device, at) = plan.stranger(&mut rng);
    let controller = *rng.pick(&plan.plant.modbus);
    let value = rng.range(1_000, 4_000) as u16;
    let first = modbus::write_register(2, 1, 40, value);
    let mut lines = modbus_read(1, 1, 24, &mut rng).to_vec();
    for tid in 2..5 {
        let write = modbus::write_register(tid, 1, 40, value);
        lines.push(Line::Wait(SEC));
        lines.extend(ask(write.clone(), 7 * MS, write));
        lines.push(Line::Wait(20 * MIN + rng.range(0, 5 * MIN)));
    }
    converse(plan, at, (&device, &controller, modbus::PORT), lines, &mut rng);
    let models = &["new_action", "it_to_ics", "new_device_activity"];
    plan.deed(&device, "three registers changed", at, Some(first), models);
}

/// A known station, a known pair: what is new are the hour, the commands and the targets.
pub(super) fn stolen_engineering(plan: &mut Plan<'_>) {
    let mut rng = plan.rng("night");
    let engineering = plan.plant.engineering;
    let night = next_time_of_day(plan.start_ns, HOUR) + rng.range(0, HOUR);
    let marker = write_once(plan, night, &engineering, &mut rng);
    plan.deed(&engineering, "values changed by night", night, Some(marker), &["new_action"]);
    let index = rng.range(0, plan.plant.s7.len() as u64) as usize;
    let (at, controller) = (night + 20 * MIN, plan.plant.s7[index]);
    let mut lines = s7_open(1, 1);
    lines.extend(s7_identify(plan.plant, index, 2));
    lines.extend(s7_download(0x20));
    converse(plan, at, (&engineering, &controller, s7::PORT), lines, &mut rng);
    let marker = s7_download_request(0x20);
    plan.deed(&engineering, "program replaced by night", at, Some(marker), &["reprogram"]);
    let (at, controller) = (night + 40 * MIN, *rng.pick(&plan.plant.modbus));
    let write = modbus::write_register(7, 1, 41, rng.range(1_000, 4_000) as u16);
    let lines = ask(write.clone(), 7 * MS, write.clone()).to_vec();
    converse(plan, at, (&engineering, &controller, modbus::PORT), lines, &mut rng);
    plan.deed(&engineering, "registers changed by night", at, Some(write), &["new_action"]);
}

fn stop_by(plan: &mut Plan<'_>, actor: &Host, at: u64, rng: &mut Rng, models: &'static [&'static str]) {
    let controller = *rng.pick(&plan.plant.s7);
    let mut lines = s7_open(1, 1);
    lines.push(Line::Wait(rng.range(MS, SEC)));
    lines.extend(ask(s7::stop(0x21), 30 * MS, s7::stopped(0x21)));
    lines.push(Line::Wait(SEC));
    converse(plan, at, (actor, &controller, s7::PORT), lines, rng);
    plan.deed(actor, "controller stopped", at, Some(s7::stop(0x21)), models);
}

pub(super) fn stop(plan: &mut Plan<'_>) {
    let mut rng = plan.rng("stop");
    let (device, at) = plan.stranger(&mut rng);
    stop_by(plan, &device, at, &mut rng, &["controller_state", "it_to_ics", "new_device_activity"]);
}

pub(super) fn stop_known(plan: &mut Plan<'_>) {
    let mut rng = plan.rng("stop");
    let at = next_time_of_day(plan.start_ns, 10 * HOUR) + rng.range(0, 2 * HOUR);
    let engineering = plan.plant.engineering;
    stop_by(plan, &engineering, at, &mut rng, &["controller_state"]);
}

pub(super) fn download(plan: &mut Plan<'_>) {
    let mut rng = plan.rng("download");
    let (device, at) = plan.stranger(&mut rng);
    let controller = *rng.pick(&plan.plant.s7);
    let mut lines = s7_open(1, 1);
    lines.extend(s7_download(0x20));
    converse(plan, at, (&device, &controller, s7::PORT), lines, &mut rng);
    let models = &["reprogram", "it_to_ics", "new_device_activity"];
    plan.deed(&device, "program replaced", at, Some(s7_download_request(0x20)), models);
}

/// Every function code from 1 to 127, most of them refused.
pub(super) fn function_scan(plan: &mut Plan<'_>) {
    let mut rng = plan.rng("functions");
    let (device, at) = plan.stranger(&mut rng);
    let controller = *rng.pick(&plan.plant.modbus);
    let mut lines = Vec::new();
    for function in 1..128_u8 {
        let tid = u16::from(function);
        lines.extend(ask(
            modbus::adu(tid, 1, &[function, 0, 0, 0, 1]),
            4 * MS,
            modbus::exception(tid, 1, function, 1),
        ));
        lines.push(Line::Wait(rng.range(100 * MS, 500 * MS)));
    }
    converse(plan, at, (&device, &controller, modbus::PORT), lines, &mut rng);
    let models = &["protocol_anomaly", "it_to_ics", "new_device_activity"];
    plan.deed(&device, "every function code tried", at, None, models);
}
