//! What an evaluation plays: families of benign weeks and of attacks, each drawn anew for every seed.
//!
//! A family is one entry of [`FAMILIES`]. Its [`Play`] goes on where [`past`] ends, so that a sensor that learned the past
//! judges it. What a sensor should say of it stands in [`Deed`]s: who, what, when, and which models should name the actor.
//! Benign families have none: whatever is raised there is a false alarm.

mod benign;
mod controllers;
mod network;
mod outside;

use std::net::Ipv4Addr;

use super::habit::{join_by_dhcp, operations, ordinary};
use super::plant::{Host, Plant};
use super::stage::{Scene, Stage};
use super::talk::Talk;
use super::{Incident, IncidentOptions};
use crate::conversation::{DAY, Frame, HOUR, MIN};
use crate::rng::Rng;

/// One thing somebody did that a sensor should tell of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deed {
    /// Who.
    pub actor: Ipv4Addr,
    /// What, for people.
    pub what: &'static str,
    /// When it began, in nanoseconds since 1970.
    pub at_ns: u64,
    /// The application bytes of the message that did it, where one message does: its frame says when, to the record.
    pub marker: Option<Vec<u8>>,
    /// Models that should name the actor for it.
    pub models: &'static [&'static str],
}

/// A family's frames and the truth about them.
pub struct Play {
    /// In order of time, ordinary life included.
    pub frames: Box<dyn Iterator<Item = Frame> + Send>,
    /// What a sensor should tell; empty where nothing happened.
    pub deeds: Vec<Deed>,
    /// How long it lasts, in nanoseconds.
    pub length_ns: u64,
}

/// A family of plays.
pub struct Family {
    /// Short name.
    pub id: &'static str,
    /// What happens, in a few words.
    pub title: &'static str,
    /// Nothing here is an incident.
    pub benign: bool,
    /// What the operator wrote into the configuration beforehand.
    pub config: &'static str,
    length_ns: u64,
    direct: fn(&mut Plan<'_>),
}

/// Every family: benign ones first.
pub const FAMILIES: &[Family] = &[
    benign("ordinary_week", "a week like those before", "", |_| {}),
    benign("patch_day", "large updates for everybody, then reboots", "", benign::patch_day),
    benign(
        "new_office_devices",
        "a new computer, a new laptop and a new printer",
        "",
        benign::office_devices,
    ),
    benign("new_hmi", "a new operator panel, announced by [[allow]]", benign::PANEL, benign::new_panel),
    benign("maintenance", "program downloads in an [[allow]] window", benign::WINDOW, benign::maintenance),
    benign("failover", "the standby SCADA server takes over ([[group]])", benign::PAIR, benign::failover),
    attack("seed_story", "the whole afternoon: RDP, scan, TLS, commands, volume", 3 * HOUR, seed_story),
    attack("slow_scan", "a new device tries one address every four minutes", 6 * HOUR, network::slow_scan),
    attack(
        "slow_scan_known",
        "an office computer tries one address every four minutes",
        6 * HOUR,
        network::slow_scan_known,
    ),
    attack("spoofed_scan", "a scan among ten spoofed sources, then a write", 3 * HOUR, network::spoofed_scan),
    attack("noise_flood", "thousands of sources make noise while one writes", 3 * HOUR, network::noise_flood),
    attack("one_write", "a new device writes once to one controller", 3 * HOUR, controllers::one_write),
    attack("few_writes", "a new device writes three times in an hour", 3 * HOUR, controllers::few_writes),
    attack(
        "stolen_engineering",
        "the engineering station writes and programs at night",
        18 * HOUR,
        controllers::stolen_engineering,
    ),
    attack("plc_stop", "a new device stops a controller, nothing else", 3 * HOUR, controllers::stop),
    attack(
        "plc_stop_known",
        "the engineering station stops a controller in the day",
        24 * HOUR,
        controllers::stop_known,
    ),
    attack("program_download", "a new device replaces a block", 3 * HOUR, controllers::download),
    attack("function_scan", "a new device tries every Modbus function", 3 * HOUR, controllers::function_scan),
    attack(
        "rdp_stolen_user",
        "an office computer uses the administrator's name",
        3 * HOUR,
        network::stolen_user,
    ),
    attack(
        "slow_upload",
        "the historian sends 24 MB out in a day, bit by bit",
        26 * HOUR,
        outside::slow_upload,
    ),
    attack("beaconing", "an office computer calls one rare host every minute", 26 * HOUR, outside::beacon),
    attack(
        "external_modbus",
        "somebody on the Internet reads and writes registers",
        3 * HOUR,
        outside::modbus,
    ),
];

const fn benign(
    id: &'static str,
    title: &'static str,
    config: &'static str,
    direct: fn(&mut Plan<'_>),
) -> Family {
    Family { id, title, benign: true, config, length_ns: 7 * DAY, direct }
}

const fn attack(id: &'static str, title: &'static str, length_ns: u64, direct: fn(&mut Plan<'_>)) -> Family {
    Family { id, title, benign: false, config: "", length_ns, direct }
}

/// The family of that id.
#[must_use]
pub fn by_id(id: &str) -> Option<&'static Family> {
    FAMILIES.iter().find(|family| family.id == id)
}

/// What the plant did in the `days` before `end_ns`: ordinary days with shifts, backups and updates.
pub fn past(plant: &Plant, seed: u64, days: u64, end_ns: u64) -> impl Iterator<Item = Frame> + Send + use<> {
    life(plant, seed, end_ns.saturating_sub(days * DAY), end_ns)
}

fn life(plant: &Plant, seed: u64, start_ns: u64, end_ns: u64) -> Stage {
    let mut stage = Stage::new(end_ns);
    ordinary(plant, seed, start_ns, &mut stage);
    operations::enter(plant, seed, start_ns, &mut stage);
    stage
}

impl Family {
    /// The play of `seed`, from `start_ns` on; `shortened` cuts benign weeks to that many days.
    #[must_use]
    pub fn play(&self, plant: &Plant, seed: u64, start_ns: u64, shortened: Option<u64>) -> Play {
        let days = shortened.filter(|_| self.benign).map(|days| days * DAY);
        let length_ns = days.map_or(self.length_ns, |days| days.min(self.length_ns));
        let stage = life(plant, seed, start_ns, start_ns + length_ns);
        let mut plan =
            Plan { plant, seed, family: self.id, start_ns, stage, others: Vec::new(), deeds: Vec::new() };
        (self.direct)(&mut plan);
        let mut frames: Box<dyn Iterator<Item = Frame> + Send> = Box::new(plan.stage);
        for other in plan.others {
            frames = Box::new(merge(frames, other));
        }
        Play { frames, deeds: plan.deeds, length_ns }
    }
}

/// What the direction of a play needs, and where it leaves what it plans.
pub(super) struct Plan<'a> {
    plant: &'a Plant,
    seed: u64,
    family: &'static str,
    start_ns: u64,
    stage: Stage,
    others: Vec<Box<dyn Iterator<Item = Frame> + Send>>,
    deeds: Vec<Deed>,
}

impl Plan<'_> {
    /// The stream of chance of one act.
    fn rng(&self, act: &str) -> Rng {
        Rng::named(self.seed, &format!("{} {act}", self.family))
    }

    /// So many minutes after the start, give or take ten.
    fn about(&self, minute: u64, rng: &mut Rng) -> u64 {
        self.start_ns + minute * MIN + rng.range(0, 10 * MIN)
    }

    fn deed(
        &mut self,
        actor: &Host,
        what: &'static str,
        at_ns: u64,
        marker: Option<Vec<u8>>,
        models: &'static [&'static str],
    ) {
        self.deeds.push(Deed { actor: actor.ip, what, at_ns, marker, models });
    }

    /// The device nobody knows joins the office network; returns it, and when it may begin.
    fn stranger(&mut self, rng: &mut Rng) -> (Host, u64) {
        let (device, at) = (self.plant.stranger, self.about(3, rng));
        self.join(&device, "dhcpcd-9.4.1:Linux-6.1.21:armv7l:BCM2835", at, rng);
        (device, at + MIN + rng.range(0, 20 * MIN))
    }

    /// A station gets its address.
    fn join(&mut self, host: &Host, vendor: &str, at: u64, rng: &mut Rng) {
        let mut frames = Some(join_by_dhcp(self.plant, host, vendor, at, rng));
        self.stage.enter(at, move |_, scene: &mut Scene| {
            scene.emit(frames.take().into_iter().flatten());
            None
        });
    }

    /// A connection begins.
    fn talk(&mut self, at: u64, talk: Talk) {
        self.stage.enter(at, talk);
    }
}

/// The afternoon of [`Incident`], at its own times.
fn seed_story(plan: &mut Plan<'_>) {
    let options = IncidentOptions { background: false, ..IncidentOptions::new(plan.start_ns, plan.seed) };
    let incident = Incident::new(plan.plant, &options);
    let truth = incident.truth().clone();
    let device = plan.plant.stranger;
    let mut deed = |what, at_ns, models| plan.deed(&device, what, at_ns, None, models);
    if let Some(rdp) = &truth.rdp {
        deed("remote desktop as administrator", rdp.opened_ns, &["admin_rdp", "new_device_activity"]);
        deed("24 MB up over remote desktop", truth.start_ns + 80 * MIN, &["data_transfer"]);
    }
    if let Some(first_ns) = truth.scans.iter().map(|scan| scan.first_ns).min() {
        deed("scan on 102 and 502", first_ns, &["ics_scan"]);
    }
    deed("TLS without name, self-signed", truth.start_ns + 8 * MIN, &["tls_no_sni", "tls_self_signed"]);
    deed("failing connections outward", truth.start_ns + 33 * MIN, &["external_failures"]);
    deed("S7 and Modbus sessions", truth.start_ns + 45 * MIN, &["it_to_ics", "new_discover", "possible_ics"]);
    deed("set points changed", truth.start_ns + 95 * MIN, &["new_action"]);
    plan.others.push(Box::new(incident.into_frames()));
}

/// Two streams in order of time, as one.
fn merge(
    a: Box<dyn Iterator<Item = Frame> + Send>,
    b: Box<dyn Iterator<Item = Frame> + Send>,
) -> impl Iterator<Item = Frame> + Send {
    let (mut a, mut b) = (a.peekable(), b.peekable());
    std::iter::from_fn(move || match (a.peek(), b.peek()) {
        (Some(x), Some(y)) if y.at_ns < x.at_ns => b.next(),
        (Some(_), _) => a.next(),
        (None, _) => b.next(),
    })
}
