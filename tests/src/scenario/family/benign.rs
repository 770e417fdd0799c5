//! What is unusual and yet nobody's attack.

use std::net::Ipv4Addr;

use super::Plan;
use crate::conversation::{DAY, From, HOUR, MIN, SEC};
use crate::packet::Mac;
use crate::payload::{s7, tls};
use crate::rng::Rng;
use crate::scenario::calendar::next_time_of_day;
use crate::scenario::habit::{office_life, operations};
use crate::scenario::lines::{Line, print_job, s7_download, s7_open, s7_read, s7_write, script};
use crate::scenario::plant::{Host, Place};
use crate::scenario::stage::Scene;
use crate::scenario::talk::{Connect, Talk};

/// A new operator panel, told to the sensor before it was switched on.
pub(super) const PANEL: &str = r#"
[[allow]]
who = "10.20.0.9"
to = "10.20.0.0/16"
actions = ["Session", "Other", "Discover", "Read", "Write"]
reason = "new operator panel at the filler"
"#;

/// The engineer's Saturday morning.
pub(super) const WINDOW: &str = r#"
[[allow]]
who = "10.20.0.10"
to = "10.20.0.0/16"
actions = ["Session", "Other", "Discover", "Read", "ReadProgram", "Auth", "Write", "Configure", "Program", "Control"]
schedule = "Sat 06:00-10:00"
reason = "maintenance window"
"#;

/// Two SCADA servers that stand in for each other.
pub(super) const PAIR: &str = r#"
[[group]]
redundant = ["10.20.0.5", "10.20.0.7"]
"#;

pub(super) fn station(name: &'static str, mac: Mac, ip: [u8; 4], place: Place) -> Host {
    Host { name, mac, ip: Ipv4Addr::from(ip), place, ttl: 128 }
}

/// On the second day at noon everybody gets megabytes, and restarts in the hour after.
pub(super) fn patch_day(plan: &mut Plan<'_>) {
    let mut rng = plan.rng("patches");
    let noon = next_time_of_day(plan.start_ns + 12 * HOUR, 12 * HOUR);
    for host in operations::updated(plan.plant) {
        let at = noon + rng.range(0, 40 * MIN);
        plan.talk(at, operations::update(plan.plant, &host, 2e6, &mut rng));
        let back = at + 20 * MIN + rng.range(0, 20 * MIN);
        plan.join(&host, "MSFT 5.0", back, &mut rng);
    }
    // While the SCADA server restarts, the historian knocks in vain; then it polls anew.
    let down = noon + 65 * MIN;
    let (historian, wincc) = (plan.plant.historian, plan.plant.wincc);
    for n in 0..4 {
        let connect = if n < 2 { Connect::Unanswered(2) } else { Connect::Refused };
        let talk = Talk::failing(&historian, &wincc, tls::PORT, &mut rng, connect);
        plan.talk(down + n * MIN, talk);
    }
    poll_all(plan, &wincc, down + 6 * MIN, 4 * HOUR);
}

/// A client polls every S7 controller for so long, with a set point now and then.
fn poll_all(plan: &mut Plan<'_>, client: &Host, at: u64, length: u64) {
    for index in 0..plan.plant.s7.len() {
        let mut rng = plan.rng(&format!("{} {index}", client.name));
        let controller = plan.plant.s7[index];
        let lines = polling(index as u16, (length / MIN) as u32, rng.clone());
        plan.talk(at + index as u64 * SEC, Talk::new(client, &controller, s7::PORT, &mut rng, lines));
    }
}

pub(super) fn polling(index: u16, polls: u32, mut rng: Rng) -> crate::scenario::lines::Lines {
    let (mut pdu, mut left) = (1_u16, polls);
    script(s7_open(2, pdu), move || {
        left = left.checked_sub(1)?;
        pdu = pdu.wrapping_add(1).max(2);
        let mut out = s7_read(pdu, 10 + index, 32, &mut rng).to_vec();
        if rng.chance(1.0 / 100.0) {
            pdu = pdu.wrapping_add(1).max(2);
            out.extend(s7_write(pdu, 20 + index, 0, 20.0 + 60.0 * rng.unit() as f32));
        }
        out.push(Line::Wait(59 * SEC + rng.range(0, 2 * SEC)));
        Some(out)
    })
}

/// Somebody starts work with a new computer, somebody brings a laptop for two days, a printer is set up.
pub(super) fn office_devices(plan: &mut Plan<'_>) {
    let (newcomer, printer) = (
        plan.plant.newcomer,
        station("printer2", Mac::from_oui(0x3c_d92b, 0x2a_0410), [10, 10, 4, 10], Place::It),
    );
    let laptop = station("laptop", Mac::from_oui(0x8c_1645, 0x2a_0177), [10, 10, 2, 177], Place::It);
    let mut rng = plan.rng("devices");
    for (host, vendor) in [(newcomer, "MSFT 5.0"), (laptop, "MSFT 5.0")] {
        let at = next_time_of_day(plan.start_ns, 8 * HOUR) + rng.range(0, HOUR);
        plan.join(&host, vendor, at, &mut rng);
        office_life(plan.plant, host, Rng::new(rng.bits()), at + 2 * MIN, &mut plan.stage);
    }
    let at = next_time_of_day(plan.start_ns, 9 * HOUR) + rng.range(0, HOUR);
    plan.join(&printer, "HP LaserJet", at, &mut rng);
    let office = plan.plant.office;
    plan.stage.enter(at + HOUR, move |now, scene: &mut Scene| {
        let pc = *rng.pick(&office);
        let lines = print_job(rng.range(4_000, 60_000) as usize, &mut rng);
        scene.enter(now, Talk::new(&pc, &printer, 9100, &mut rng, lines));
        Some(now + HOUR + rng.range(0, 2 * HOUR))
    });
}

/// A panel beside the filler reads and sets two controllers from now on.
pub(super) fn new_panel(plan: &mut Plan<'_>) {
    let panel = station("hmi-filler", Mac::from_oui(0x28_6336, 0x5b_0009), [10, 20, 0, 9], Place::Ot);
    let mut rng = plan.rng("panel");
    let at = next_time_of_day(plan.start_ns, 10 * HOUR) + rng.range(0, HOUR);
    plan.join(&panel, "SIMATIC", at, &mut rng);
    for index in 1..3 {
        let controller = plan.plant.s7[index];
        let lines = polling(index as u16, 6 * 24 * 60, Rng::new(rng.bits()));
        plan.talk(at + 5 * MIN, Talk::new(&panel, &controller, s7::PORT, &mut rng, lines));
    }
}

/// On Saturday, inside the window, the engineer replaces blocks in two controllers.
pub(super) fn maintenance(plan: &mut Plan<'_>) {
    let mut rng = plan.rng("maintenance");
    let mut saturday = next_time_of_day(plan.start_ns, 6 * HOUR);
    while crate::scenario::is_working_day(saturday) {
        saturday += DAY;
    }
    for index in [0, 3] {
        let at = saturday + 20 * MIN + rng.range(0, 2 * HOUR);
        let mut lines = s7_open(1, 1);
        lines.extend(s7_download(2));
        lines.push(Line::Close(From::Client));
        let (engineering, controller) = (plan.plant.engineering, plan.plant.s7[index]);
        let lines = Box::new(lines.into_iter());
        plan.talk(at, Talk::new(&engineering, &controller, s7::PORT, &mut rng, lines));
    }
}

/// The second SCADA server, silent until now but for its clock, polls everything for a night.
pub(super) fn failover(plan: &mut Plan<'_>) {
    let standby = station("wincc2", Mac::from_oui(0xf8_bc12, 0x5b_0007), [10, 20, 0, 7], Place::Ot);
    let mut rng = plan.rng("failover");
    let at = next_time_of_day(plan.start_ns, 21 * HOUR) + rng.range(0, HOUR);
    poll_all(plan, &standby, at, 9 * HOUR);
}
