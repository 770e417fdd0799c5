//! Orders over a mind that was shown connections.

use sensor_ebpf::flow::FlowKey;

use super::*;
use crate::config::{self, Allow};
use crate::detect::Happening;
use crate::detect::finding::Finding;
use crate::incident::{Incident, Incidents, State};
use crate::observer::Silent;
use crate::protocol::{self, Action, Command, Direction, Side, Status};
use crate::state::SiteAddr;
use crate::state::World;
use crate::state::address::words;
use crate::state::connection::Connection;
use crate::state::segments::Segments;
use crate::state::world::Settings;
use crate::state::zone::Zones;
use crate::store::Store;

/// Sunday 2023-11-12, 03:00 UTC.
const SUNDAY: Time = Time::from_seconds(1_699_758_000);
const INTRUDER: &str = "10.10.0.66";
const PLC: &str = "10.20.0.10";

/// A directory that is gone when the test is.
struct Scratch(std::path::PathBuf);

impl Scratch {
    fn new() -> Self {
        static NEXT: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
        let n = NEXT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        Self(std::env::temp_dir().join(format!("isthmus-order-{}-{n}", std::process::id())))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _nothing_depends_on_it = std::fs::remove_dir_all(&self.0);
    }
}

fn ip(text: &str) -> SiteAddr {
    text.parse().unwrap()
}

/// A site past learning that knows three hosts, one of them a controller.
fn site(config: &str) -> Mind {
    let config = config::parse("site.toml", config).unwrap();
    let mut world = World::new(Settings::default(), Zones::default());
    world.configure(&config);
    let long_ago = Time::from_seconds(1_690_000_000);
    (world.site.first, world.site.last) = (long_ago, long_ago);
    for known in ["10.10.0.9", INTRUDER, PLC, "10.20.0.5"] {
        world.host(ip(known), long_ago);
    }
    world.host(ip(PLC), long_ago).industrial("modbus", true);
    world.graduate();
    world.site.last = SUNDAY;
    Mind::new(world, Incidents::default())
}

fn connection(client: &str, server: &str, at: Time) -> Connection {
    const TCP: u32 = 1 << 28;
    let key =
        FlowKey { src: words(ip(client)), dst: words(ip(server)), sport: 50_000, dport: 502, place: TCP };
    let mut connection = Connection::new(&key, at, 0x02, &Segments::default());
    connection.protocol = protocol::REGISTRY.iter().copied().find(|spec| spec.name == "modbus");
    connection.spoke = [true; 2];
    connection
}

fn command(action: Action) -> Command {
    Command {
        action,
        direction: Direction::Request,
        code: 6,
        code_text: "6".into(),
        name: "a command",
        status: Status::None,
        unit: None,
        object: None,
        protocol: None,
    }
}

/// `client` does `action` to `server`; what was raised.
fn act(mind: &mut Mind, client: &str, server: &str, action: Action, at: Time) -> Told {
    let mut told = Told::default();
    mind.advance(at);
    let (connection, command) = (connection(client, server, at), command(action));
    mind.world.host(ip(client), at);
    mind.happen(&Happening::Command(&connection, &command, Side::Client), at);
    mind.learn_command(&connection, &command, at);
    mind.settle(&mut told);
    told
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

    fn incident(&mut self, incident: &Incident, event: &'static str) {
        self.incidents.push((incident.number, event));
    }
}

fn order(what: What) -> Order {
    Order { what, by: Some("op".to_owned()), at: SUNDAY, note: Some("mine".to_owned()) }
}

fn allow(text: &str) -> What {
    What::Allow(Box::new(toml::from_str::<Allow>(&format!("reason = \"asked for\"\n{text}")).unwrap()))
}

fn later(seconds: u64) -> Time {
    SUNDAY.plus(std::time::Duration::from_secs(seconds))
}

fn states(mind: &Mind) -> Vec<State> {
    mind.incidents.iter().map(|incident| incident.state).collect()
}

#[test]
fn what_nobody_allowed_is_an_incident() {
    let mut mind = site("");
    let told = act(&mut mind, INTRUDER, PLC, Action::Write, SUNDAY);
    assert!(told.findings.iter().any(|f| f.model == "it_to_ics"));
    assert!(told.findings.iter().any(|f| f.model == "new_action"));
    assert!(told.findings.iter().all(|f| f.incident == Some(1) && f.allowed.is_none()));
    assert_eq!(states(&mind), [State::Open]);
}

#[test]
fn what_is_allowed_is_recorded_with_the_reason_and_is_no_incident() {
    let mut mind = site("[[allow]]\nwho = \"10.10.0.66\"\nactions = [\"Write\"]\nreason = \"set points\"\n");
    let told = act(&mut mind, INTRUDER, PLC, Action::Write, SUNDAY);
    assert!(!told.findings.is_empty());
    for finding in &told.findings {
        assert_eq!(finding.allowed.as_ref().map(|by| by.reason.as_str()), Some("set points"));
        assert_eq!(finding.incident, None);
    }
    assert!(states(&mind).is_empty() && told.incidents.is_empty());
}

#[test]
fn a_scanners_allowance_covers_reading_and_never_writing() {
    let scanner = "[[asset]]\nname = \"nessus\"\nip = \"10.10.0.66\"\nrole = \"scanner\"\n\
                   [[allow]]\nwho = \"nessus\"\nreason = \"weekly scan\"\n";
    let mut mind = site(scanner);
    for action in [Action::Session, Action::Discover, Action::Read] {
        assert!(act(&mut mind, INTRUDER, PLC, action, SUNDAY).findings.iter().all(|f| f.allowed.is_some()));
    }
    assert!(states(&mind).is_empty());
    for (n, action) in
        [Action::Write, Action::Configure, Action::Program, Action::Control].into_iter().enumerate()
    {
        let told = act(&mut mind, INTRUDER, PLC, action, later(n as u64));
        assert_eq!(states(&mind), [State::Open], "{action:?}");
        assert!(n > 0 || told.findings.iter().all(|f| f.allowed.is_none()));
    }
}

#[test]
fn what_is_allowed_teaches_nothing_and_is_news_when_it_is_undone() {
    let mut mind = site("");
    mind.obey(1, &order(allow("who = \"10.10.0.66\"")), SUNDAY, &mut Silent);
    act(&mut mind, INTRUDER, PLC, Action::Read, SUNDAY);
    assert!(states(&mind).is_empty());
    mind.obey(2, &order(What::Undo(1)), later(60), &mut Silent);
    let told = act(&mut mind, INTRUDER, PLC, Action::Read, later(61));
    assert!(told.findings.iter().any(|f| f.model == "it_to_ics" && f.allowed.is_none()));
    assert_eq!(states(&mind), [State::Open]);
}

#[test]
fn allowing_all_of_an_open_incident_closes_it_and_undoing_brings_the_next_one() {
    let mut mind = site("");
    act(&mut mind, INTRUDER, PLC, Action::Read, SUNDAY);
    assert_eq!(states(&mind), [State::Open]);
    let mut told = Told::default();
    mind.obey(1, &order(allow("who = \"10.10.0.66\"\nto = \"10.20.0.0/16\"")), later(5), &mut told);
    assert_eq!(states(&mind), [State::Closed]);
    assert_eq!(told.incidents, [(1, "closed")]);
    assert_eq!(mind.incidents.get(1).and_then(|i| i.allowed.clone()).map(|by| by.number), Some(Some(1)));
    let told = act(&mut mind, INTRUDER, PLC, Action::Read, later(10));
    assert!(told.findings.iter().all(|f| f.allowed.is_some() && f.incident.is_none()));
    mind.obey(2, &order(What::Undo(1)), later(20), &mut Silent);
    act(&mut mind, INTRUDER, PLC, Action::Read, later(30));
    assert_eq!(states(&mind), [State::Closed, State::Open]);
}

#[test]
fn allowing_a_part_of_an_incident_leaves_the_rest_open_and_no_graver_than_it_is() {
    let mut mind = site("");
    act(&mut mind, INTRUDER, PLC, Action::Read, SUNDAY);
    act(&mut mind, INTRUDER, "10.20.0.11", Action::Discover, later(1));
    let before = mind.incidents.get(1).unwrap().findings.len();
    let mut told = Told::default();
    mind.obey(1, &order(allow("who = \"10.10.0.66\"\nto = \"10.20.0.11\"")), later(5), &mut told);
    let after = mind.incidents.get(1).unwrap();
    assert_eq!(after.state, State::Open);
    assert!(after.findings.len() < before && !after.findings.is_empty());
    assert_eq!(told.incidents, [(1, "eased")]);
}

#[test]
fn an_allowance_ends_when_it_says() {
    let mut mind = site("");
    mind.obey(
        1,
        &order(allow("who = \"10.10.0.66\"\nuntil = \"2023-11-12T03:10:00Z\"")),
        SUNDAY,
        &mut Silent,
    );
    assert!(
        act(&mut mind, INTRUDER, PLC, Action::Read, later(600)).findings.iter().all(|f| f.allowed.is_some())
    );
    assert!(states(&mind).is_empty());
    act(&mut mind, INTRUDER, PLC, Action::Read, later(601));
    assert_eq!(states(&mind), [State::Open]);
}

#[test]
fn maintenance_holds_in_its_hours_by_the_sites_clocks_and_not_for_strangers() {
    let hours = "utc_offset = \"+01:00\"\n[[allow]]\nwho = \"it\"\nactions = [\"Write\"]\n\
                 schedule = \"Sun 04:00-05:00\"\nreason = \"patches\"\n";
    let mut mind = site(hours);
    act(&mut mind, INTRUDER, PLC, Action::Write, SUNDAY);
    assert!(states(&mind).is_empty(), "04:00 on the site's clocks");
    // Nobody saw this one before: no allowance for a whole zone means it.
    act(&mut mind, "10.10.0.99", PLC, Action::Write, later(5));
    assert_eq!(states(&mind), [State::Open]);
    act(&mut mind, INTRUDER, PLC, Action::Write, later(3600));
    assert_eq!(states(&mind), [State::Open, State::Open], "05:00 on the site's clocks");
}

#[test]
fn an_acknowledged_incident_stays_so_until_it_grows_worse() {
    let mut mind = site("");
    act(&mut mind, INTRUDER, PLC, Action::Discover, SUNDAY);
    mind.obey(1, &order(What::Acknowledge(1)), later(5), &mut Silent);
    assert_eq!(states(&mind), [State::Acknowledged]);
    assert_eq!(
        mind.incidents.get(1).and_then(|i| i.taken.clone()).and_then(|t| t.note),
        Some("mine".to_owned())
    );
    act(&mut mind, INTRUDER, PLC, Action::Discover, later(10));
    assert_eq!(states(&mind), [State::Acknowledged]);
    act(&mut mind, INTRUDER, PLC, Action::Control, later(20));
    assert_eq!(states(&mind), [State::Open]);
}

#[test]
fn a_device_that_is_learned_anew_is_not_judged_until_it_is_known_again() {
    let mut mind = site("");
    mind.obey(1, &order(What::Relearn(ip("10.10.0.9"))), SUNDAY, &mut Silent);
    act(&mut mind, "10.10.0.9", PLC, Action::Read, later(60));
    assert!(states(&mind).is_empty());
    // What always is news still is.
    act(&mut mind, "10.10.0.9", PLC, Action::Control, later(61));
    assert_eq!(states(&mind), [State::Open]);
    let week = 8 * 86_400;
    for day in 0..8 {
        mind.world.host(ip("10.10.0.9"), later(day * 86_400));
    }
    let told = act(&mut mind, "10.10.0.9", PLC, Action::Write, later(week));
    assert!(told.findings.iter().any(|f| f.model == "new_action"));
}

#[test]
fn a_failover_in_a_redundant_group_raises_nothing() {
    let pair = "[[group]]\nredundant = [\"10.20.0.5\", \"10.20.0.6\"]\n";
    for (config, quiet) in [(pair, true), ("", false)] {
        let mut mind = site(config);
        let known = connection("10.20.0.5", PLC, SUNDAY);
        let key = mind.world.key(&known);
        let conversation = mind.world.conversations.entry(&key, Default::default);
        conversation.taught = true;
        conversation.usual.extend([Action::Read, Action::Write]);
        assert!(act(&mut mind, "10.20.0.5", PLC, Action::Write, SUNDAY).findings.is_empty());
        let told = act(&mut mind, "10.20.0.6", PLC, Action::Write, later(5));
        assert_eq!(told.findings.is_empty(), quiet, "{:?}", told.findings);
    }
}

#[test]
fn a_named_engineering_station_programs_at_less_alarm_and_an_unnamed_one_does_not() {
    let named = "[[asset]]\nname = \"es1\"\nip = \"10.10.0.66\"\nrole = \"engineering\"\n";
    let severity = |config: &str| {
        let told = act(&mut site(config), INTRUDER, PLC, Action::Program, SUNDAY);
        told.findings.iter().find(|f| f.model == "reprogram").map(|f| (f.severity, f.actor_name.clone()))
    };
    let (with, without) = (severity(named).unwrap(), severity("").unwrap());
    assert!(with.0 < without.0);
    assert_eq!((with.1.as_deref(), without.1), (Some("es1"), None));
}

#[test]
fn orders_and_what_the_owner_saves_do_not_undo_each_other() {
    let dir = Scratch::new();
    let mut owner = Store::open(&dir.0).unwrap();
    let mut mind = site("");
    act(&mut mind, INTRUDER, PLC, Action::Write, SUNDAY);
    owner.save(&mut mind).unwrap();
    // Somebody else types while the owner goes on.
    let other = Store::open_existing(&dir.0).unwrap();
    let empty = || World::new(Settings::default(), Zones::default());
    assert_eq!(other.order(&order(What::Acknowledge(1))).unwrap(), 1);
    assert_eq!(states(&other.read(empty()).unwrap()), [State::Acknowledged], "the reader sees it at once");
    act(&mut mind, INTRUDER, "10.20.0.11", Action::Read, later(2));
    owner.save(&mut mind).unwrap();
    owner.obey(&mut mind, later(3), &mut Silent).unwrap();
    assert_eq!(states(&mind), [State::Acknowledged]);
    // Obeyed but not yet saved: a crash here repeats the order on what was saved before.
    let again = Store::open(&dir.0).unwrap().read(empty()).unwrap();
    assert_eq!(states(&again), [State::Acknowledged]);
    owner.save(&mut mind).unwrap();
    let other = Store::open_existing(&dir.0).unwrap().read(empty()).unwrap();
    assert_eq!(states(&other), [State::Acknowledged]);
    assert_eq!(other.incidents.findings().count(), mind.incidents.findings().count());
    assert_eq!(other.obeyed, 1);
}

#[test]
fn allowances_survive_a_restart_and_keep_their_numbers() {
    let dir = Scratch::new();
    let mut store = Store::open(&dir.0).unwrap();
    let mut mind = site("");
    let number = store.order(&order(allow("who = \"10.10.0.66\"\nschedule = \"Sun 02:00-06:00\""))).unwrap();
    store.obey(&mut mind, SUNDAY, &mut Silent).unwrap();
    store.save(&mut mind).unwrap();
    let store = Store::open(&dir.0).unwrap();
    let read = store.read(World::new(Settings::default(), Zones::default())).unwrap();
    assert_eq!(read.world.rules.typed(), mind.world.rules.typed());
    assert_eq!(read.world.rules.typed().keys().copied().collect::<Vec<_>>(), [number]);
}

#[test]
fn a_state_of_the_first_version_is_brought_up_to_date() {
    let dir = Scratch::new();
    let mut store = Store::open(&dir.0).unwrap();
    let mut mind = site("");
    act(&mut mind, INTRUDER, PLC, Action::Write, SUNDAY);
    store.save(&mut mind).unwrap();
    drop(store);
    let db = rusqlite::Connection::open(dir.0.join("isthmus.db")).unwrap();
    db.execute_batch("DROP TABLE operator; DROP TABLE event; DROP TABLE station; DELETE FROM meta WHERE key IN ('obeyed', 'allowed', 'tables'); PRAGMA user_version = 1")
        .unwrap();
    drop(db);
    let store = Store::open(&dir.0).unwrap();
    let read = store.read(World::new(Settings::default(), Zones::default())).unwrap();
    assert_eq!(states(&read), [State::Open]);
    assert_eq!(store.order(&order(What::Acknowledge(1))).unwrap(), 1);
}

#[test]
fn what_the_engine_forgets_the_state_forgets() {
    let dir = Scratch::new();
    let mut store = Store::open(&dir.0).unwrap();
    let settings = Settings { max_hosts: 4, ..Settings::default() };
    let mut mind = Mind::new(World::new(settings, Zones::default()), Incidents::default());
    for n in 0..20_u8 {
        mind.world.host(SiteAddr::from([10, 0, 0, n]), SUNDAY);
        store.save(&mut mind).unwrap();
    }
    let read = store.read(World::new(Settings::default(), Zones::default())).unwrap();
    assert_eq!(read.world.hosts.len(), 4);
    assert_eq!(store.tables().unwrap().0.get("hosts").map(|fill| fill.evicted), Some(16));
}
