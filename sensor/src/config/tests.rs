//! The whole configuration, as operators write it.

use super::*;
use crate::protocol::{Action, Port};
use crate::state::zone::Kind;
use crate::time::Time;

const SHIPPED: &str = include_str!("../../../deploy/isthmus.toml");

/// The shipped file with its examples switched on: `#key` is an example, `# word` is prose.
fn with_examples() -> String {
    let switch = |line: &str| match line.strip_prefix('#') {
        Some(rest) if !rest.is_empty() && !rest.starts_with(' ') => rest.to_owned(),
        _ => line.to_owned(),
    };
    SHIPPED.lines().map(switch).collect::<Vec<_>>().join("\n")
}

fn error(text: &str) -> String {
    parse("site.toml", text).unwrap_err().to_string()
}

#[test]
fn the_shipped_configuration_equals_the_defaults() {
    assert_eq!(parse("deploy/isthmus.toml", SHIPPED).unwrap(), Config::default());
}

#[test]
fn the_shipped_configuration_writes_every_key_with_its_default() {
    // Exhaustive on purpose: a new key does not compile here until somebody thought of documenting it.
    let Config {
        utc_offset: _,
        observer,
        learning,
        rdp,
        limits,
        web,
        evidence,
        retention,
        zone,
        asset,
        allow,
        conduit,
        group,
        models: _,
    } = parse("examples", &with_examples()).unwrap();
    let Observer { name: _ } = observer;
    let Learning { site_days: _, device_days: _ } = learning;
    let Rdp { admin_names: _ } = rdp;
    let Limits { alert_budget: _, hosts: _, conversations: _, connections: _ } = limits;
    let Web { listen: _ } = web;
    let EvidenceConfig { memory_mib: _, seconds: _, file_mib: _, files: _ } = evidence;
    let Retention { events_days: _, incidents_days: _ } = retention;
    let keys = [
        "utc_offset",
        "name",
        "site_days",
        "device_days",
        "admin_names",
        "alert_budget",
        "hosts",
        "conversations",
        "connections",
        "listen",
        "memory_mib",
        "seconds",
        "file_mib",
        "files",
        "events_days",
        "incidents_days",
    ];
    for key in keys {
        assert!(
            SHIPPED.lines().any(|line| line.starts_with(&format!("{key} = "))),
            "{key} is not in the shipped file"
        );
    }
    // Of the lists every optional key has an example.
    let ZoneConfig { name: _, networks, vlans, interfaces, kind } =
        zone.into_iter().find(|z| !z.vlans.is_empty()).unwrap();
    assert!(!networks.is_empty() && !vlans.is_empty() && !interfaces.is_empty() && kind.is_some());
    let (mut ip, mut mac) = (false, false);
    for Asset { name: _, ip: a, mac: b, role, criticality: _, contact } in asset {
        (ip, mac) = (ip || a.is_some(), mac || b.is_some());
        assert!(role.is_some() && contact.is_some());
    }
    assert!(ip && mac);
    let Allow { who: _, to, service, actions, schedule, until, reason: _ } =
        allow.into_iter().next().unwrap();
    assert!(
        to.is_some() && service.is_some() && !actions.is_empty() && schedule.is_some() && until.is_some()
    );
    let Conduit { from: _, to: _, services, actions } = conduit.into_iter().next().unwrap();
    assert!(!services.is_empty() && !actions.is_empty());
    let Group { redundant } = group.into_iter().next().unwrap();
    assert_eq!(redundant.len(), 2);
}

#[test]
fn what_is_wrong_is_said_with_line_and_advice() {
    let zone = "[[zone]]\nname = \"a\"\nnetworks = [\"10.0.0.0/8\"]\n";
    let allow = "[[allow]]\nreason = \"x\"\n";
    let cases = [
        (
            "[learning]\nsite_days = 3\nsite_dais = 4\n",
            "site.toml:3: unknown key `site_dais`; correct or remove it (known here: site_days",
        ),
        ("colour = 1\n", "site.toml:1: unknown key `colour`;"),
        (
            "[[zone]]\nname = \"ot\"\nnetworks = [\n \"10.0.0.0/8\",\n \"10.1\"]\n",
            "site.toml:5: `10.1` is no network; write it as",
        ),
        (
            "[[zone]]\nname = \"ot\"\nnetworks = [\"10.20.0.5/16\"]\n",
            "site.toml:3: `10.20.0.5/16` has bits behind its prefix; write 10.20.0.0/16",
        ),
        (
            &format!("{zone}[[zone]]\nname = \"b\"\nnetworks = [\n\"11.0.0.0/8\",\n\"10.20.0.0/16\"]\n"),
            "site.toml:8: 10.20.0.0/16 of zone `b` overlaps 10.0.0.0/8 of zone `a`;",
        ),
        (&format!("{zone}{zone}"), "site.toml:5: zone `a` is there twice;"),
        ("[[zone]]\nname = \"ot\"\n", "site.toml:1: the key `networks` is missing; add it"),
        (
            "[[zone]]\nname = \"ot\"\nnetworks = [\"10.0.0.0/8\"]\nkind = \"dmz\"\n",
            "site.toml:4: unknown word `dmz`; use ",
        ),
        (
            "[[zone]]\nname = \"ot\"\nnetworks = [\"10.0.0.0/8\"]\nvlans = [10, 5000]\n",
            "site.toml:4: a VLAN id is 1 to 4094;",
        ),
        ("[[asset]]\nname = \"a\"\n", "site.toml:1: asset `a` needs `ip` or `mac`"),
        (
            "[[asset]]\nname = \"a\"\nmac = \"00:11:22:33:44\"\n",
            "site.toml:3: `00:11:22:33:44` is no MAC; write it as",
        ),
        (
            "[[asset]]\nname = \"a\"\nip = \"10.0.0.1\"\nrole = \"boss\"\n",
            "site.toml:4: unknown word `boss`; use ",
        ),
        (
            "[[asset]]\nname = \"a\"\nip = \"10.0.0.1\"\n[[asset]]\nname = \"b\"\nip = \"10.0.0.1\"\n",
            "site.toml:6: assets `a` and `b` are one device;",
        ),
        (
            &format!("{allow}who = \"nessus\"\n"),
            "site.toml:3: `nessus` is no asset, zone or network; define it",
        ),
        (
            &format!("{allow}who = \"10.0.0.1\"\nactions = [\"Discover\", \"Reed\"]\n"),
            "site.toml:4: unknown word `Reed`; use ",
        ),
        (
            &format!("{allow}who = \"10.0.0.1\"\nschedule = \"Sunday\"\n"),
            "site.toml:4: `Sunday` is no schedule; write it as",
        ),
        (
            &format!("{allow}who = \"10.0.0.1\"\nservice = \"gopher\"\n"),
            "site.toml:4: `gopher` is no service; write",
        ),
        (
            &format!("{allow}who = \"10.0.0.1\"\nuntil = \"tomorrow\"\n"),
            "site.toml:4: `tomorrow` is no end; write",
        ),
        ("[[allow]]\nwho = \"10.0.0.1\"\nreason = \"\"\n", "site.toml:3: an allowance has no reason;"),
        ("[[conduit]]\nfrom = \"it\"\nto = \"cell9\"\n", "site.toml:3: `cell9` is no zone; define it"),
        ("[[group]]\nredundant = [\"10.0.0.1\"]\n", "site.toml:2: a redundant group needs two members"),
        ("[web]\nlisten = \"9843\"\n", "site.toml:2: `9843` is no address and port; write it as"),
        ("[limits]\nalert_budget = 0\n", "site.toml:2: alert_budget is 0; give"),
        (
            "[models.admin_rpd]\nx = 1\n",
            "site.toml:1: there is no model `admin_rpd`; `isthmus explain` lists them",
        ),
        ("[web\n", "site.toml:1: "),
    ];
    for (text, expected) in cases {
        let said = error(text);
        assert!(said.starts_with(expected), "for\n{text}\nexpected {expected}\ngot      {said}");
        assert!(!said.contains('\n') && said.contains("; "), "{said}");
    }
}

#[test]
fn a_file_that_is_not_there_is_named() {
    let said = load(Path::new("nowhere/site.toml")).unwrap_err().to_string();
    assert!(said.starts_with("nowhere/site.toml: cannot read the configuration: "), "{said}");
}

#[test]
fn cells_may_reuse_networks_on_vlans_of_their_own() {
    let cell = |name: &str, vlan: u16| {
        format!("[[zone]]\nname = \"{name}\"\nnetworks = [\"10.0.0.0/24\"]\nvlans = [{vlan}]\n")
    };
    assert!(parse("site.toml", &format!("{}{}", cell("a", 10), cell("b", 11))).is_ok());
    assert!(error(&format!("{}{}", cell("a", 10), cell("b", 10))).contains("overlaps"));
    let port = |name: &str| cell(name, 10) + &format!("interfaces = [\"ot-{name}\"]\n");
    assert!(parse("site.toml", &format!("{}{}", port("a"), port("b"))).is_ok());
    assert!(error(&format!("{}{}", port("a"), cell("b", 10))).contains("overlaps"));
}

/// Two cells that reuse a network, and a zone that has its own.
const CELLS: &str = "[[zone]]\nname = \"cell 3\"\nnetworks = [\"192.168.0.0/24\"]\nvlans = [33]\nkind = \"ot\"\n\
    [[zone]]\nname = \"cell 4\"\nnetworks = [\"192.168.0.0/25\"]\nvlans = [34]\nkind = \"ot\"\n\
    [[zone]]\nname = \"office\"\nnetworks = [\"10.10.0.0/16\"]\nvlans = [10]\n";

#[test]
fn zones_that_reuse_a_network_are_segments_and_others_are_none() {
    let config = parse("site.toml", CELLS).unwrap();
    let names: Vec<&str> = config.segments().iter().map(|reach| reach.segment.name()).collect();
    assert_eq!(names, ["cell 3", "cell 4"]);
    let zones = config.zones();
    let zone = |text: &str| zones.configured_zone(text.parse().unwrap()).map(|zone| zone.name.as_str());
    assert_eq!(zone("192.168.0.10%cell 4"), Some("cell 4"));
    assert_eq!(zone("fe80::1%cell 3"), Some("cell 3"), "whatever address it has");
    assert_eq!((zone("10.10.0.9"), zone("192.168.0.10")), (Some("office"), None));
}

#[test]
fn a_device_of_a_reused_network_is_named_with_its_zone() {
    let asset = |ip: &str| format!("{CELLS}[[asset]]\nname = \"press\"\nip = \"{ip}\"\n");
    let said = error(&asset("192.168.0.10"));
    assert!(
        said.contains("zones `cell 3`, `cell 4` have a 192.168.0.10 each; say whose, as 192.168.0.10%cell 3"),
        "{said}"
    );
    assert!(error(&asset("192.168.0.200%cell 4")).contains("zone `cell 4` has no 192.168.0.200"));
    assert!(error(&asset("10.10.0.9%office")).contains("there is one 10.10.0.9 only"));
    let allow = |who: &str| format!("{CELLS}[[allow]]\nwho = \"{who}\"\nreason = \"x\"\n");
    assert!(error(&allow("192.168.0.10")).contains("say whose"));
    assert!(error(&allow("192.168.0.10%cell 5")).contains("`cell 5` is no zone"));
    for good in ["192.168.0.10%cell 4", "192.168.0.0/28%cell 3", "192.168.0.0/24"] {
        let config = parse("site.toml", &allow(good)).unwrap();
        assert_eq!(config.allow[0].who.to_string(), good);
    }
    let config = parse("site.toml", &asset("192.168.0.10%cell 4")).unwrap();
    let is = |ip: &str| config.asset[0].is(ip.parse().unwrap(), None);
    assert!(is("192.168.0.10%cell 4") && !is("192.168.0.10%cell 3"));
}

#[test]
fn zones_reach_the_engine_with_their_kind() {
    let config = parse("site.toml", "[[zone]]\nname = \"cell-ot\"\nnetworks = [\"10.20.0.0/16\"]\n").unwrap();
    let zone = config.zones().of("10.20.3.4".parse().unwrap(), false);
    assert_eq!((zone.name.as_str(), zone.kind), ("cell-ot", Kind::Ot));
}

const SITE: &str = r#"
[[zone]]
name = "office"
networks = ["10.10.0.0/16"]
[[zone]]
name = "ot"
networks = ["10.20.0.0/16"]
[[asset]]
name = "nessus"
ip = "10.10.0.9"
[[allow]]
who = "nessus"
to = "ot"
schedule = "Sun 02:00-06:00"
until = 2023-12-31
reason = "weekly scan"
[[allow]]
who = "10.10.0.7"
service = "modbus"
actions = ["Write"]
reason = "set points"
[[conduit]]
from = "office"
to = "ot"
services = ["rdp", "tcp/22"]
"#;

/// Sunday 2023-11-12, 03:00 UTC.
const SUNDAY: Time = Time::from_seconds(1_699_758_000);

fn deed(ip: &str, action: Option<Action>, at: Time) -> Deed<'static> {
    let side =
        |ip: &str, zone| Side { ip: ip.parse().unwrap(), mac: None, zone, external: false, known: true };
    let port = Some(Port::Tcp(502));
    let to = Some(side("10.20.0.1", "ot"));
    Deed { who: side(ip, "office"), to, protocol: Some("modbus"), port, action, at }
}

fn allowance<'a>(config: &'a Config, deed: &Deed<'_>) -> Option<&'a Allow> {
    config.allow.iter().find(|allow| allow.covers(deed, config))
}

#[test]
fn an_allowance_without_actions_covers_all_but_what_changes_the_process() {
    let config = parse("site.toml", SITE).unwrap();
    let covered =
        |action| allowance(&config, &deed("10.10.0.9", action, SUNDAY)).map(|allow| allow.reason.as_str());
    assert_eq!(covered(None), Some("weekly scan"));
    assert_eq!(covered(Some(Action::Discover)), Some("weekly scan"));
    for action in [Action::Write, Action::Configure, Action::Program, Action::Control] {
        assert_eq!(covered(Some(action)), None, "{action:?}");
    }
}

#[test]
fn an_allowance_covers_who_when_and_what_it_names_only() {
    let config = parse("site.toml", SITE).unwrap();
    let covered = |ip, action, at| allowance(&config, &deed(ip, action, at)).is_some();
    assert!(!covered("10.10.0.8", Some(Action::Discover), SUNDAY), "another host");
    assert!(
        !covered("10.10.0.9", Some(Action::Discover), Time::from_seconds(SUNDAY.seconds() + 86_400)),
        "on Monday"
    );
    assert!(
        !covered("10.10.0.9", Some(Action::Discover), Time::from_seconds(SUNDAY.seconds() + 8 * 7 * 86_400)),
        "next year"
    );
    assert!(covered("10.10.0.7", Some(Action::Write), SUNDAY));
    assert!(!covered("10.10.0.7", Some(Action::Read), SUNDAY), "an action that is not named");
    assert!(!covered("10.10.0.7", None, SUNDAY), "content that said nothing");
}

#[test]
fn a_conduit_constrains_only_the_pair_of_zones_it_names() {
    let config = parse("site.toml", SITE).unwrap();
    let modbus = deed("10.10.0.1", None, SUNDAY);
    assert_eq!(config.crossing(&modbus), Crossing::Violation);
    assert_eq!(config.crossing(&Deed { port: Some(Port::Tcp(22)), ..modbus }), Crossing::Allowed(1));
    assert_eq!(
        config.crossing(&Deed { who: modbus.to.unwrap(), to: Some(modbus.who), ..modbus }),
        Crossing::Free
    );
}

#[test]
fn an_allowance_can_be_exported_and_read_again() {
    let config = parse("site.toml", SITE).unwrap();
    for allow in &config.allow {
        let text = toml::to_string(allow).unwrap();
        assert_eq!(&toml::from_str::<Allow>(&text).unwrap(), allow, "{text}");
    }
}

#[test]
fn a_model_reads_its_own_settings() {
    #[derive(Debug, Default, PartialEq, Deserialize)]
    #[serde(deny_unknown_fields, default)]
    struct Scan {
        hosts: u32,
    }
    let config = parse("site.toml", "[models.ics_scan]\nhosts = 5\n").unwrap();
    assert_eq!(config.model::<Scan>("ics_scan"), Ok(Scan { hosts: 5 }));
    assert_eq!(config.model::<Scan>("beacon"), Ok(Scan::default()));
    let said = error("[models.ics_scan]\nhostz = 5\n");
    assert!(said.starts_with("site.toml:1: [models.ics_scan]: unknown key `hostz`;"), "{said}");
    let said = error("[models.ics_scan]\nhosts = 1\n");
    assert!(said.starts_with("site.toml:1: [models.ics_scan]: hosts must be"), "{said}");
    let said = error("[models.new_action]\nx = 1\n");
    assert!(said.starts_with("site.toml:1: [models.new_action]: unknown key `x`"), "{said}");
}

#[test]
fn opening_a_connection_is_part_of_every_named_action() {
    let config = parse("site.toml", SITE).unwrap();
    assert!(allowance(&config, &deed("10.10.0.7", Some(Action::Session), SUNDAY)).is_some());
}

#[test]
fn an_allowance_without_a_target_means_nobody_outside() {
    let config = parse("site.toml", "[[allow]]\nwho = \"10.10.0.9\"\nreason = \"x\"\n").unwrap();
    let inside = deed("10.10.0.9", Some(Action::Read), SUNDAY);
    let to = inside.to.map(|to| Side { external: true, ..to });
    assert!(allowance(&config, &inside).is_some());
    assert!(allowance(&config, &Deed { to: None, ..inside }).is_some(), "nobody in particular is known");
    assert!(allowance(&config, &Deed { to, ..inside }).is_none());
}

#[test]
fn maintenance_covers_neither_strangers_nor_what_is_outside() {
    let site =
        "[[allow]]\nwho = \"it\"\nto = \"0.0.0.0/0\"\nschedule = \"Sun 02:00-06:00\"\nreason = \"patches\"\n";
    let config = parse("site.toml", site).unwrap();
    let mut deed = deed("10.10.0.9", Some(Action::Read), SUNDAY);
    deed.who.zone = "it";
    assert!(allowance(&config, &deed).is_some());
    let stranger = Side { known: false, ..deed.who };
    assert!(allowance(&config, &Deed { who: stranger, ..deed }).is_none());
    let outside = deed.to.map(|to| Side { external: true, ..to });
    assert!(allowance(&config, &Deed { to: outside, ..deed }).is_none());
    // Who names one device knows it.
    let config = parse("site.toml", &site.replace("\"it\"", "\"10.10.0.9\"")).unwrap();
    assert!(allowance(&config, &Deed { who: stranger, ..deed }).is_some());
}
