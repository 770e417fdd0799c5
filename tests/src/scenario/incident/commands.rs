//! What the device says to controllers.

use super::Plan;
use super::options::Commands;
use crate::conversation::{From, MIN, MS, SEC};
use crate::payload::{modbus, s7};
use crate::scenario::lines::{Line, ask, modbus_read, s7_download, s7_identify, s7_open, s7_read, s7_write};
use crate::scenario::talk::Talk;

/// A controller refuses Modbus 43/14 when it does not know the function.
const WITHOUT_IDENTITY: usize = 3;

pub(super) fn all(plan: &mut Plan<'_>) {
    match plan.options.commands {
        Commands::None => {}
        Commands::OneWrite => one_write(plan),
        Commands::Sessions => {
            (0..plan.plant.s7.len()).for_each(|index| s7_session(plan, index));
            (0..plan.plant.modbus.len()).for_each(|index| modbus_session(plan, index));
        }
    }
    if plan.options.download {
        download(plan, 3);
    }
    if plan.options.stop {
        stop(plan, 4);
    }
}

/// Brings a whole S7 conversation on stage and counts it.
fn enter_s7(plan: &mut Plan<'_>, at: u64, index: usize, mut lines: Vec<Line>) {
    let mut rng = plan.rng(&format!("s7 {index} {at}"));
    lines.push(Line::Close(From::Client));
    let talk =
        Talk::new(&plan.device, &plan.plant.s7[index], s7::PORT, &mut rng, Box::new(lines.into_iter()));
    plan.stage.enter(at, talk);
    plan.truth.controller(&plan.plant.s7[index], s7::PORT).sessions += 1;
}

fn one_write(plan: &mut Plan<'_>) {
    let mut lines = s7_open(1, 1);
    lines.push(Line::Wait(SEC));
    lines.extend(s7_write(2, 21, 4, 93.5));
    lines.push(Line::Wait(SEC));
    enter_s7(plan, plan.at(45), 1, lines);
    plan.truth.controller(&plan.plant.s7[1], s7::PORT).writes += 1;
}

fn s7_session(plan: &mut Plan<'_>, index: usize) {
    let mut rng = plan.rng(&format!("s7 values {index}"));
    let begin = plan.at(45) + index as u64 * 4 * MIN;
    let mut lines = s7_open(1, 1);
    lines.extend(s7_identify(plan.plant, index, 2));
    let reads = (plan.at(165) - begin) / (25 * SEC);
    let mut writes = 0;
    let mut pdu = 4;
    for n in 0..reads {
        lines.push(Line::Wait(24 * SEC + rng.range(0, SEC)));
        lines.extend(s7_read(pdu, 1 + (n % 40) as u16, 64, &mut rng));
        pdu += 1;
        // Set points of the oven and the filler, an hour into the session.
        if (1..=2).contains(&index) && [120, 135, 150].contains(&n) {
            lines.push(Line::Wait(2 * SEC));
            lines.extend(s7_write(pdu, 20 + index as u16, 0, 40.0 + 30.0 * rng.unit() as f32));
            pdu += 1;
            writes += 1;
        }
    }
    enter_s7(plan, begin, index, lines);
    let account = plan.truth.controller(&plan.plant.s7[index], s7::PORT);
    account.discovers += 2;
    account.reads += reads as u32;
    account.writes += writes;
}

fn modbus_session(plan: &mut Plan<'_>, index: usize) {
    let mut rng = plan.rng(&format!("modbus {index}"));
    let begin = plan.at(55) + index as u64 * 3 * MIN;
    let answer = if index == WITHOUT_IDENTITY {
        modbus::exception(1, 1, 0x2b, 1)
    } else {
        modbus::identity(1, 1, "Schneider Electric", "TM221CE16R", "V1.6")
    };
    let mut lines = ask(modbus::identify(1, 1), 6 * MS, answer).to_vec();
    let reads = (plan.at(165) - begin) / (30 * SEC);
    let mut tid = 2;
    let mut writes = 0;
    for n in 0..reads {
        lines.push(Line::Wait(29 * SEC + rng.range(0, SEC)));
        lines.extend(modbus_read(tid, 1, 24, &mut rng));
        tid += 1;
        if index < 2 && [90, 140].contains(&n) {
            lines.push(Line::Wait(SEC));
            let write = modbus::write_register(tid, 1, 40, 0);
            lines.extend(ask(write.clone(), 7 * MS, write));
            tid += 1;
            writes += 1;
        }
    }
    lines.push(Line::Close(From::Client));
    let controller = plan.plant.modbus[index];
    let talk = Talk::new(&plan.device, &controller, modbus::PORT, &mut rng, Box::new(lines.into_iter()));
    plan.stage.enter(begin, talk);
    let account = plan.truth.controller(&controller, modbus::PORT);
    account.sessions += 1;
    account.discovers += 1;
    account.reads += reads as u32;
    account.writes += writes;
}

fn stop(plan: &mut Plan<'_>, index: usize) {
    let mut lines = s7_open(1, 1);
    lines.extend(ask(s7::stop(2), 30 * MS, s7::stopped(2)));
    lines.push(Line::Wait(SEC));
    enter_s7(plan, plan.at(140), index, lines);
    plan.truth.controller(&plan.plant.s7[index], s7::PORT).stops += 1;
}

/// Stop, download of one function block, start.
fn download(plan: &mut Plan<'_>, index: usize) {
    let mut lines = s7_open(1, 1);
    lines.extend(s7_download(2));
    enter_s7(plan, plan.at(130), index, lines);
    let account = plan.truth.controller(&plan.plant.s7[index], s7::PORT);
    account.stops += 1;
    account.downloads += 1;
    account.starts += 1;
}
