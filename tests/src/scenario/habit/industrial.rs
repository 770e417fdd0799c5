//! What the process needs: polls, an operator's set points, the historian, the engineer's look.

use super::{by_chance, speak, volume};
use crate::conversation::{From, HOUR, MIN, SEC};
use crate::payload::tls::Handshake;
use crate::payload::{modbus, s7, tls};
use crate::rng::Rng;
use crate::scenario::calendar::{is_working_day, next_time_of_day, time_of_day};
use crate::scenario::lines::{
    Line, Lines, ask, modbus_read, s7_identify, s7_open, s7_read, s7_write, script, tls_visit,
};
use crate::scenario::plant::Plant;
use crate::scenario::stage::{Scene, Stage};
use crate::scenario::talk::Talk;

/// Distance between polls of one controller, in nanoseconds: a second in the field, thinned here.
const S7_POLL: u64 = 60 * SEC;
const MODBUS_POLL: u64 = 75 * SEC;

pub(super) fn enter(plant: &Plant, seed: u64, start: u64, stage: &mut Stage) {
    for (index, controller) in plant.s7.iter().enumerate() {
        let mut rng = Rng::named(seed, controller.name);
        let due = start + rng.range(0, S7_POLL);
        let lines = s7_polling(index as u16, rng.clone());
        stage.enter(due, Talk::new(&plant.wincc, controller, s7::PORT, &mut rng, lines));
    }
    for controller in &plant.modbus {
        let mut rng = Rng::named(seed, controller.name);
        let due = start + rng.range(0, MODBUS_POLL);
        let lines = modbus_polling(rng.clone());
        stage.enter(due, Talk::new(&plant.line_gateway, controller, modbus::PORT, &mut rng, lines));
    }
    historian(plant, seed, start, stage);
    engineer(plant, seed, start, stage);
}

/// Reads the same data block for ever; in the day an operator changes a set point now and then.
fn s7_polling(index: u16, mut rng: Rng) -> Lines {
    let mut pdu = 0x100_u16;
    script(s7_open(2, pdu), move || {
        pdu = pdu.wrapping_add(1).max(1);
        let mut out = s7_read(pdu, 10 + index, 32, &mut rng).to_vec();
        if rng.chance(1.0 / 200.0) {
            pdu = pdu.wrapping_add(1).max(1);
            out.push(Line::Wait(SEC));
            out.extend(s7_write(
                pdu,
                20 + index,
                4 * rng.range(0, 4) as u16,
                20.0 + 60.0 * rng.unit() as f32,
            ));
        }
        out.push(Line::Wait(S7_POLL - SEC + rng.range(0, 2 * SEC)));
        Some(out)
    })
}

fn modbus_polling(mut rng: Rng) -> Lines {
    let mut tid = 0_u16;
    script(Vec::new(), move || {
        tid = tid.wrapping_add(1);
        let mut out = modbus_read(tid, 1, 12, &mut rng).to_vec();
        if rng.chance(1.0 / 300.0) {
            tid = tid.wrapping_add(1);
            let write = modbus::write_register(tid, 1, 40, rng.range(100, 900) as u16);
            out.push(Line::Wait(SEC));
            out.extend(ask(write.clone(), 7_000_000, write));
        }
        out.push(Line::Wait(MODBUS_POLL - SEC + rng.range(0, 2 * SEC)));
        Some(out)
    })
}

/// Fetches from the SCADA server every ten minutes.
fn historian(plant: &Plant, seed: u64, start: u64, stage: &mut Stage) {
    let (plant, mut rng) = (plant.clone(), Rng::named(seed, "historian"));
    stage.enter(start + rng.range(0, 10 * MIN), move |now, scene: &mut Scene| {
        let handshake = Handshake::browser("wincc.plant.example", false);
        let lines = tls_visit(&handshake, 300, volume(&mut rng, 4_000.0, 0.3, 20_000.0), &mut rng);
        speak(scene, now, Talk::new(&plant.historian, &plant.wincc, tls::PORT, &mut rng, lines));
        Some(now + 10 * MIN)
    });
}

/// On working days the engineer looks into a controller a few times: identification and reads.
fn engineer(plant: &Plant, seed: u64, start: u64, stage: &mut Stage) {
    let (plant, mut rng) = (plant.clone(), Rng::named(seed, "engineer"));
    stage.enter(start + by_chance(&mut rng, 7200.0), move |now, scene: &mut Scene| {
        if !is_working_day(now) || !(7 * HOUR..17 * HOUR).contains(&time_of_day(now)) {
            return Some(next_time_of_day(now, 7 * HOUR) + by_chance(&mut rng, 7200.0));
        }
        let index = rng.range(0, plant.s7.len() as u64) as usize;
        let mut lines = s7_open(1, 1);
        lines.extend(s7_identify(&plant, index, 2));
        for pdu in 4..4 + rng.range(5, 20) {
            lines.push(Line::Wait(by_chance(&mut rng, 10.0)));
            lines.extend(s7_read(pdu as u16, 10 + index as u16, 64, &mut rng));
        }
        lines.push(Line::Close(From::Client));
        let lines = Box::new(lines.into_iter());
        speak(scene, now, Talk::new(&plant.engineering, &plant.s7[index], s7::PORT, &mut rng, lines));
        Some(now + by_chance(&mut rng, 3.0 * 3600.0))
    });
}
