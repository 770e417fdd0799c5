//! What an evaluation plays: families of benign weeks and of attacks, each drawn anew for every seed.
//!
//! A family is one entry of [`FAMILIES`]. Its [`Play`] goes on where [`past`] ends, so that a sensor that learned the past
//! judges it. What a sensor should say of it stands in [`Deed`]s: who, what, when, and which models should name the actor.
//! In benign families whatever else is raised is a false alarm, also about those who did it.

mod benign;
mod controllers;
mod disturbance;
mod network;
mod outside;
mod patient;
mod replaced;

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
    pub frames: Frames,
    /// What a sensor should tell; empty where nothing happened.
    pub deeds: Vec<Deed>,
    /// How long it lasts, in nanoseconds.
    pub length_ns: u64,
}

/// What a family is to a sensor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Nothing here is an incident.
    Benign,
    /// Whoever acts must be in one.
    Attack,
    /// An attack that the sensor is not made to see: played so that nobody has to guess.
    Beyond,
}

/// Frames in order of time.
type Frames = Box<dyn Iterator<Item = Frame> + Send>;
/// Whether a frame is not sent after all.
type Mute = Box<dyn Fn(&Frame) -> bool + Send>;
/// What a sensor sees of frames.
type Lens = Box<dyn FnOnce(Frames) -> Frames>;

/// A family of plays.
pub struct Family {
    /// Short name.
    pub id: &'static str,
    /// What happens, in a few words.
    pub title: &'static str,
    /// What it is.
    pub kind: Kind,
    /// What the operator wrote into the configuration beforehand.
    pub config: &'static str,
    length_ns: u64,
    direct: fn(&mut Plan<'_>),
    /// Who is where, where that is not as in the past.
    cast: Option<fn(&Plant, u64) -> Plant>,
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
    benign("poor_mirror", "the mirror loses, repeats and swaps frames", "", disturbance::poor_mirror),
    benign("blind", "the mirror is off for ten minutes, and for a night", "", disturbance::blind),
    benign("clock_steps", "the sensor's clock is set forward, then back", "", disturbance::clock_steps),
    benign("new_leases", "everybody in the office gets a colleague's address", "", disturbance::new_leases)
        .cast(disturbance::recast),
    benign("repair", "a controller is off for two hours", "", disturbance::repair),
    benign(
        "controller_replaced",
        "a controller's address leads to a spare of the same make",
        "",
        replaced::replaced,
    )
    .cast(replaced::spare),
    benign("cloud", "three people move their files to a new provider", "", disturbance::cloud),
    benign("monitoring", "a new server checks others, some checks fail", "", disturbance::monitoring),
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
    attack("poor_story", "the whole afternoon through a poor mirror", 3 * HOUR, patient::poor_story),
    attack(
        "lazy_beacon",
        "one rare host every ten minutes, give or take half",
        50 * HOUR,
        patient::lazy_beacon,
    ),
    attack("night_desktop", "the usual remote desktop, by night", 18 * HOUR, patient::night_desktop),
    attack("pivot", "desktop to the engineering station, program from there", 3 * HOUR, patient::pivot),
    attack("odd_port", "a new device speaks Modbus on port 8502", 3 * HOUR, patient::odd_port),
    attack("stolen_address", "a new device claims a server's address", 3 * HOUR, patient::stolen_address),
    attack(
        "impersonated_controller",
        "a new device answers in a controller's place, then writes",
        3 * HOUR,
        replaced::impersonated,
    )
    .cast(replaced::impostor),
    Family {
        kind: Kind::Beyond,
        ..attack(
            "set_points",
            "the SCADA server writes other values than ever",
            3 * HOUR,
            patient::set_points,
        )
    },
    Family {
        kind: Kind::Beyond,
        ..attack("nightly_leak", "the historian sends 2 MB out each night", 4 * DAY, patient::nightly_leak)
    },
];

const fn benign(
    id: &'static str,
    title: &'static str,
    config: &'static str,
    direct: fn(&mut Plan<'_>),
) -> Family {
    Family { id, title, kind: Kind::Benign, config, length_ns: 7 * DAY, direct, cast: None }
}

const fn attack(id: &'static str, title: &'static str, length_ns: u64, direct: fn(&mut Plan<'_>)) -> Family {
    Family { id, title, kind: Kind::Attack, config: "", length_ns, direct, cast: None }
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
    const fn cast(mut self, cast: fn(&Plant, u64) -> Plant) -> Self {
        self.cast = Some(cast);
        self
    }

    /// The play of `seed`, from `start_ns` on; `shortened` cuts benign weeks to that many days.
    #[must_use]
    pub fn play(&self, plant: &Plant, seed: u64, start_ns: u64, shortened: Option<u64>) -> Play {
        let days = shortened.filter(|_| self.kind == Kind::Benign).map(|days| days * DAY);
        let length_ns = days.map_or(self.length_ns, |days| days.min(self.length_ns));
        let cast = self.cast.map(|cast| cast(plant, seed));
        let plant = cast.as_ref().unwrap_or(plant);
        let end_ns = start_ns + length_ns;
        let mut plan = Plan {
            plant,
            seed,
            family: self.id,
            start_ns,
            end_ns,
            stage: life(plant, seed, start_ns, end_ns),
            mute: None,
            others: Vec::new(),
            lens: None,
            deeds: Vec::new(),
        };
        (self.direct)(&mut plan);
        let mut frames: Frames = match plan.mute {
            Some(mute) => Box::new(plan.stage.filter(move |frame| !mute(frame))),
            None => Box::new(plan.stage),
        };
        for other in plan.others {
            frames = Box::new(merge(frames, other));
        }
        if let Some(lens) = plan.lens {
            frames = lens(frames);
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
    end_ns: u64,
    stage: Stage,
    /// Frames of the stage that are not sent after all.
    mute: Option<Mute>,
    /// More frames.
    others: Vec<Frames>,
    /// How the sensor sees all of it, where that is not as it is.
    lens: Option<Lens>,
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
fn merge(a: Frames, b: Frames) -> impl Iterator<Item = Frame> + Send {
    let (mut a, mut b) = (a.peekable(), b.peekable());
    std::iter::from_fn(move || match (a.peek(), b.peek()) {
        (Some(x), Some(y)) if y.at_ns < x.at_ns => b.next(),
        (Some(_), _) => a.next(),
        (None, _) => b.next(),
    })
}
