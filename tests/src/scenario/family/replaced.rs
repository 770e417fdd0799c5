//! Another device at a controller's address: put there by those who run the plant, or by somebody who wants to be taken for it.

use super::Plan;
use super::benign::polling;
use super::controllers::{converse, odd_value};
use crate::conversation::{MIN, SEC};
use crate::packet::Mac;
use crate::payload::s7;
use crate::rng::Rng;
use crate::scenario::habit::announce;
use crate::scenario::lines::{Line, s7_open, s7_write};
use crate::scenario::plant::{Host, Plant};
use crate::scenario::stage::{Scene, Stage};
use crate::scenario::talk::{Connect, Talk};

/// Which of the S7 controllers it is.
const INDEX: usize = 3;

/// A spare of the same make stands in its place.
pub(super) fn spare(plant: &Plant, _: u64) -> Plant {
    let mut plant = plant.clone();
    plant.s7[INDEX].mac = Mac::from_oui(0x28_6336, 0x5b_7a31);
    plant.serials[INDEX] = "S C-P3N40177252";
    plant
}

/// Somebody's own device stands in its place.
pub(super) fn impostor(plant: &Plant, _: u64) -> Plant {
    let mut plant = plant.clone();
    plant.s7[INDEX].mac = plant.stranger.mac;
    plant
}

/// The controller is off for so long, then another device has its address, and the SCADA server asks it as it asked the former.
/// Returns when that device is there.
fn exchange(plan: &mut Plan<'_>, off_for: u64, rng: &mut Rng) -> (Host, u64) {
    let (wincc, controller) = (plan.plant.wincc, plan.plant.s7[INDEX]);
    let on = plan.start_ns + off_for + rng.range(0, 10 * MIN);
    let of = [controller.ip.octets(), wincc.ip.octets()];
    let mac = controller.mac.0;
    plan.mute = Some(Box::new(move |frame| {
        let ends = [frame.bytes.get(30..34), frame.bytes.get(34..38)];
        let concerned = ends.contains(&Some(&of[0])) || frame.bytes.get(6..12) == Some(&mac);
        // The connection that stood before the exchange does not come back.
        let old = ends.contains(&Some(&of[0])) && ends.contains(&Some(&of[1]));
        old || (concerned && frame.at_ns < on)
    }));
    let mut again = Stage::new(plan.end_ns);
    let mut at = plan.start_ns + 10 * SEC;
    while at < on {
        again.enter(at, Talk::failing(&wincc, &controller, s7::PORT, rng, Connect::Unanswered(2)));
        at += 59 * SEC + rng.range(0, 2 * SEC);
    }
    again.enter(on, move |now, scene: &mut Scene| {
        scene.emit((0..3).map(|n| announce(&controller, now + n * SEC)));
        None
    });
    let polls = (plan.end_ns - on) / MIN;
    let lines = polling(INDEX as u16, polls as u32, Rng::new(rng.bits()));
    again.enter(on + 20 * SEC, Talk::new(&wincc, &controller, s7::PORT, rng, lines));
    plan.others.push(Box::new(again));
    (controller, on)
}

/// Its power supply burnt a controller; a spare is put in after some forty minutes and works like the former. That its address
/// leads to another device is told.
pub(super) fn replaced(plan: &mut Plan<'_>) {
    let mut rng = plan.rng("replaced");
    let (controller, on) = exchange(plan, 40 * MIN, &mut rng);
    plan.deed(&controller, "another device at its address", on, None, &["asset_change"]);
}

/// Somebody unplugs a controller, answers in its place, and an hour later writes to its neighbour.
pub(super) fn impersonated(plan: &mut Plan<'_>) {
    let mut rng = plan.rng("impostor");
    let (device, on) = exchange(plan, 5 * MIN, &mut rng);
    plan.deed(&device, "a controller's address taken", on, None, &["asset_change"]);
    let at = on + 60 * MIN + rng.range(0, 10 * MIN);
    let (controller, value) = (plan.plant.s7[0], odd_value(&mut rng));
    let mut lines = s7_open(1, 1);
    lines.push(Line::Wait(SEC));
    lines.extend(s7_write(2, 20, 4, value));
    lines.push(Line::Wait(SEC));
    converse(plan, at, (&device, &controller, s7::PORT), lines, &mut rng);
    let marker = s7::write(2, 20, 4, &value.to_be_bytes());
    let models = &["new_action", "it_to_ics", "new_device_activity", "possible_ics"];
    plan.deed(&device, "a neighbour's value changed", at, Some(marker), models);
}
