//! What operators say to a sensor and see of it, on the plant scenario.

use std::collections::BTreeSet;
use std::path::PathBuf;

use isthmus::config::{self, Config};
use isthmus::detect::finding::Finding;
use isthmus::engine::Engine;
use isthmus::incident::{Incident as Found, Incidents, State};
use isthmus::mind::Mind;
use isthmus::observer::{Observer, Silent};
use isthmus::order::{Order, What};
use isthmus::output::convergence::{Picture, suggest};
use isthmus::output::report;
use isthmus::source::Record;
use isthmus::state::SiteAddr;
use isthmus::state::World;
use isthmus::store::Store;
use isthmus_tests::conversation::{DAY, Frame};
use isthmus_tests::evaluation::analyse;
use isthmus_tests::scenario::{Incident, IncidentOptions, Plant, ordinary_days, parse_time};

const INTRUDER: &str = "10.10.7.66";

fn start() -> u64 {
    parse_time("2026-03-11T13:00:00Z").expect("a time")
}

fn past() -> impl Iterator<Item = Frame> {
    ordinary_days(&Plant::new(), 1, 1, start()).collect::<Vec<_>>().into_iter()
}

fn attack() -> impl Iterator<Item = Frame> {
    let mut options = IncidentOptions::new(start(), 1);
    (options.rdp_up, options.rdp_down, options.stop) = (1_200_000, 3_000_000, true);
    Incident::new(&Plant::new(), &options).into_frames()
}

fn ip(text: &str) -> SiteAddr {
    text.parse().expect("an address")
}

#[derive(Default)]
struct Told {
    findings: Vec<Finding>,
    incidents: Vec<(u64, &'static str)>,
}

impl Observer for Told {
    fn finding(&mut self, finding: &Finding) {
        self.findings.push(finding.clone());
    }

    fn incident(&mut self, incident: &Found, event: &'static str) {
        self.incidents.push((incident.number, event));
    }
}

/// A directory that is gone when the test is.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Self {
        let dir = std::env::temp_dir().join(format!("isthmus-operate-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&dir).expect("a scratch directory");
        Self(dir)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _nothing_depends_on_it = std::fs::remove_dir_all(&self.0);
    }
}

fn world(config: &Config, learn: bool) -> World {
    let mut settings = config.settings();
    settings.learn = learn;
    let mut world = World::new(settings, config.zones());
    world.configure(config);
    world
}

/// A sensor that learned a benign day under `config`, and what it was told meanwhile.
fn learned(config: &Config) -> (Mind, Told) {
    let mut engine = Engine::new(Mind::new(world(config, true), Incidents::default()));
    let mut told = Told::default();
    analyse(&mut engine, past(), &mut told).expect("frames from memory");
    engine.finish(&mut told);
    engine.mind.world.graduate();
    engine.mind.world.settings.learn = false;
    (engine.mind, told)
}

/// The same, handed on by the state as from one run to the next.
fn handed_on(mut mind: Mind, config: &Config, dir: &Scratch) -> (Mind, Store) {
    let mut store = Store::open(&dir.0).expect("a state");
    store.save(&mut mind).expect("saved");
    let mind = store.read(world(config, false)).expect("read");
    (mind, store)
}

#[test]
fn suggested_conduits_allow_the_past_they_were_made_from_and_not_the_attack() {
    let (mind, _) = learned(&Config::default());
    let text = suggest::suggest(&mind.world, &Picture::of(&mind.world));
    let config = config::parse("suggested.toml", &text).unwrap_or_else(|error| panic!("{error}\n{text}"));
    assert!(!config.conduit.is_empty() && !config.zone.is_empty(), "{text}");
    let (mind, told) = learned(&config);
    let violations: Vec<&Finding> = told.findings.iter().filter(|f| f.model == "segmentation").collect();
    assert!(violations.is_empty(), "{violations:#?}\n{text}");
    let dir = Scratch::new("suggest");
    let (mind, _store) = handed_on(mind, &config, &dir);
    let mut engine = Engine::new(mind);
    let mut told = Told::default();
    analyse(&mut engine, attack(), &mut told).expect("frames from memory");
    let actors: BTreeSet<SiteAddr> =
        told.findings.iter().filter(|f| f.model == "segmentation").map(|f| f.actor).collect();
    assert!(actors.contains(&ip(INTRUDER)), "{actors:?}");
}

#[test]
fn allowing_somebody_to_read_keeps_what_changes_the_process() {
    let config = Config::default();
    let dir = Scratch::new("allow");
    let (mind, store) = handed_on(learned(&config).0, &config, &dir);
    let mut engine = Engine::new(mind);
    let allow = toml_allow(&format!("who = \"{INTRUDER}\"\nreason = \"a test of the site\"\n"));
    let order = Order { what: What::Allow(Box::new(allow)), by: None, at: engine.now(), note: None };
    store.order(&order).expect("written");
    store.obey(&mut engine.mind, isthmus::time::Time(start()), &mut Silent).expect("obeyed");
    let mut told = Told::default();
    analyse(&mut engine, attack(), &mut told).expect("frames from memory");
    let by_intruder = |f: &&Finding| f.actor == ip(INTRUDER);
    let (quiet, loud): (Vec<&Finding>, Vec<&Finding>) =
        told.findings.iter().filter(by_intruder).partition(|f| f.allowed.is_some());
    let models = |findings: &[&Finding]| findings.iter().map(|f| f.model.clone()).collect::<BTreeSet<_>>();
    assert!(models(&quiet).contains("ics_scan"), "{:?}", models(&quiet));
    assert!(models(&quiet).contains("admin_rdp"), "{:?}", models(&quiet));
    assert!(models(&loud).contains("controller_state"), "{:?}", models(&loud));
    assert!(models(&loud).contains("new_action"), "{:?}", models(&loud));
    // An allowance without a target means nobody outside.
    assert!(quiet.iter().all(|f| !f.model.contains("external")), "{:?}", models(&quiet));
    assert!(quiet.iter().all(|f| f.incident.is_none()));
    assert!(
        told.findings
            .iter()
            .filter(|f| f.allowed.is_some())
            .all(|f| !f.actions.iter().any(|a| a.changes_the_process()))
    );
}

fn toml_allow(text: &str) -> isthmus::config::Allow {
    let config = config::parse("typed", &format!("[[allow]]\n{text}")).expect("an allowance");
    config.allow.into_iter().next().expect("one")
}

#[test]
fn what_is_older_than_the_operator_wants_is_forgotten_also_in_the_state_and_no_number_is_given_twice() {
    let config = config::parse("site.toml", "[retention]\nevents_days = 30\nincidents_days = 100\n")
        .expect("a configuration");
    let dir = Scratch::new("retention");
    let (mind, mut store) = handed_on(learned(&config).0, &config, &dir);
    let mut engine = Engine::new(mind);
    analyse(&mut engine, attack(), &mut Told::default()).expect("frames from memory");
    store.save(&mut engine.mind).expect("saved");
    let last = engine.mind.incidents.last_finding();
    let counts = |mind: &Mind| (mind.chronicle.len(), mind.incidents.iter().count());
    let (events, incidents) = counts(&engine.mind);
    assert!(events > 0 && incidents > 1, "{events} events, {incidents} incidents");

    let later = |days: u64| isthmus::time::Time(start() + days * DAY);
    for (days, wanted) in [(2, (events, incidents)), (29, (events, incidents)), (60, (0, incidents))] {
        engine.record(Record::Tick(later(days)), &mut Silent);
        assert_eq!(counts(&engine.mind), wanted, "after {days} days");
    }
    engine.record(Record::Tick(later(120)), &mut Silent);
    // The latest stay, for their numbers.
    assert!(engine.mind.incidents.iter().count() <= 2 && engine.mind.incidents.last_finding() == last);
    assert_eq!(engine.mind.chronicle.expired, events as u64);
    assert!(engine.mind.incidents.expired as usize >= incidents - 2);
    store.save(&mut engine.mind).expect("saved");
    let read = Store::open(&dir.0).and_then(|store| store.read(world(&config, false))).expect("read");
    assert_eq!(counts(&read), counts(&engine.mind));
    assert_eq!(read.incidents.findings().count(), engine.mind.incidents.findings().count());
    let fill = store.tables().expect("a row").0.get("events").copied().expect("events");
    assert_eq!((fill.rows, fill.expired), (0, events as u64));
}

#[test]
fn the_report_of_the_story_shows_all_of_it_and_is_the_same_after_a_restart() {
    let text = "[[asset]]\nname = \"wincc\"\nip = \"10.20.0.5\"\nrole = \"scada\"\ncriticality = \"high\"\ncontact = \"shift lead, 4711\"\n";
    let config = config::parse("site.toml", text).expect("a configuration");
    let dir = Scratch::new("report");
    let (mind, mut store) = handed_on(learned(&config).0, &config, &dir);
    let mut engine = Engine::new(mind);
    let mut told = Told::default();
    analyse(&mut engine, attack(), &mut told).expect("frames from memory");
    engine.finish(&mut told);
    let theirs = engine
        .mind
        .incidents
        .iter()
        .find(|incident| incident.actors.first() == Some(&ip(INTRUDER)))
        .map(|incident| incident.number)
        .expect("the intruder's incident");
    let page = report::page(&engine.mind, "gw-1", Some(theirs));
    for shown in [
        "YES: ",
        "accepted a stop, start or restart",
        "wincc (10.20.0.5)",
        "shift lead, 4711",
        "ICS scan",
        "user Administr",
        "Leave controllers connected",
        "What happened, in order",
        "Who talked to whom",
        "Remote Services",
        "How IT, OT and the outside are joined",
    ] {
        assert!(page.contains(shown), "{shown}");
    }
    assert!(page.len() < 2_000_000, "{} bytes", page.len());
    store.save(&mut engine.mind).expect("saved");
    let mut read = store.read(world(&config, false)).expect("read");
    read.incidents.rewrite(theirs, &read.world);
    let again = report::page(&read, "gw-1", Some(theirs));
    // Line by line, so that a difference is told.
    for (n, (before, after)) in page.lines().zip(again.lines()).enumerate() {
        assert_eq!(before, after, "line {n}");
    }
}

#[test]
fn an_incident_that_was_taken_stays_with_who_took_it_across_a_restart() {
    let config = Config::default();
    let dir = Scratch::new("ack");
    let (mind, mut store) = handed_on(learned(&config).0, &config, &dir);
    let mut engine = Engine::new(mind);
    analyse(&mut engine, attack(), &mut Silent).expect("frames from memory");
    store.save(&mut engine.mind).expect("saved");
    let note = Some("with the shift lead".to_owned());
    store
        .order(&Order { what: What::Acknowledge(1), by: Some("kim".to_owned()), at: engine.now(), note })
        .expect("written");
    let read = store.read(world(&config, false)).expect("read");
    let incident = read.incidents.get(1).expect("an incident");
    assert_eq!(incident.state, State::Acknowledged);
    assert!(
        incident
            .account
            .iter()
            .any(|line| line.contains("taken by kim") && line.contains("with the shift lead"))
    );
}
