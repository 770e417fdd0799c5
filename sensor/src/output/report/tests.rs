use super::*;
use crate::config;
use crate::detect::finding::{Basis, Finding, Severity, Stage, Target};
use crate::importance::Importance;
use crate::incident::Incidents;
use crate::observer::Silent;
use crate::protocol::{Action, AssetField};
use crate::state::conversation::Key;
use crate::state::host::Fact;
use crate::state::world::Settings;
use crate::state::zone::Zones;
use crate::state::{Device, World};
use crate::time::Time;

const AT: Time = Time::from_seconds(1_700_000_000);
/// What an intruder may put into any name the wire carries.
const HOSTILE: &str = "\"><script src=//evil.example/x.js></script><img onerror=alert(1)>'&\u{202e}\u{0}";

fn finding(number: u64, model: &str) -> Finding {
    Finding {
        number,
        model: model.to_owned(),
        first: AT,
        at: AT,
        last: Time::from_seconds(1_700_000_000 + number * 600),
        count: 3,
        basis: Basis::FirstSeen,
        severity: Severity::High,
        importance: Some(Importance::from(number as f64)),
        stage: Stage::Impact,
        device_stage: "learning".to_owned(),
        actor: "10.10.0.66".parse().unwrap(),
        actor_port: None,
        device: None,
        actor_mac: None,
        actor_zone: "it".to_owned(),
        targets: vec![Target { ip: "10.20.0.10".parse().unwrap(), port: Some(502) }],
        targets_total: 1,
        target_zone: "ot".to_owned(),
        transport: "tcp".to_owned(),
        protocol: Some("modbus".to_owned()),
        summary: format!("summary {HOSTILE}"),
        observed: None,
        expected: None,
        techniques: vec!["T0855".to_owned()],
        facts: vec![("rdp.cookie".to_owned(), HOSTILE.to_owned()), (HOSTILE.to_owned(), HOSTILE.to_owned())],
        actions: vec![Action::Write],
        actor_name: Some(HOSTILE.to_owned()),
        target_name: None,
        allowed: None,
        accepted: Some(true),
        absorbed_by: None,
        entered: false,
        same: String::new(),
        incident: None,
    }
}

fn mind() -> Mind {
    // An asset may be called anything, too.
    let name = serde_json::Value::from("wincc <b>&</b>").to_string();
    let text = format!(
        "[[asset]]\nname = {name}\nip = \"10.20.0.10\"\nrole = \"scada\"\ncontact = \"shift <lead>\"\n"
    );
    let config = config::parse("site.toml", &text).unwrap();
    let mut world = World::new(Settings::default(), Zones::default());
    world.configure(&config);
    (world.site.first, world.site.last) = (AT, AT);
    let actor = "10.10.0.66".parse().unwrap();
    let host = world.host(actor, AT);
    host.facts.insert(
        AssetField::Name,
        vec![Fact { value: HOSTILE.to_owned(), source: HOSTILE.to_owned(), at: AT }],
    );
    let server = "10.20.0.10".parse().unwrap();
    world.host(server, AT).industrial(HOSTILE, true);
    for (server, port) in [(server, 502), ("203.0.113.9".parse().unwrap(), 443)] {
        let key = Key { client: Device::first(actor), server: Device::first(server), transport: 6, port };
        let of = world.conversations.entry(&key, Default::default);
        (of.first, of.last, of.connections, of.bytes) = (AT, AT, 1, [2_000_000, 30]);
        of.protocol = Some(HOSTILE.to_owned());
        of.actions = vec![(Action::Write, 1)];
    }
    let mut incidents = Incidents::default();
    for (number, model) in [(1, "new_action"), (2, "no_such_model_<b>")] {
        incidents.add(finding(number, model), &world, &mut Silent);
    }
    Mind::new(world, incidents)
}

/// Everything between `<` and `>`: names of elements with their attributes.
fn tags(page: &str) -> Vec<&str> {
    page.split('<').skip(1).map(|rest| rest.split('>').next().unwrap_or_default()).collect()
}

#[test]
fn nothing_from_the_wire_becomes_markup() {
    let page = page(&mind(), HOSTILE, None);
    assert!(page.contains("&lt;script src=//evil.example"), "it is shown");
    assert!(!page.contains("<script") && !page.contains("<img") && !page.contains("<b>&"));
    assert!(!page.contains('\u{202e}') && !page.contains('\0'));
    for tag in tags(&page) {
        assert!(!tag.contains("onerror"), "{tag}");
        assert_eq!(tag.matches('"').count() % 2, 0, "an attribute was left: {tag}");
    }
}

#[test]
fn the_page_needs_nothing_else_and_runs_nothing() {
    let page = page(&mind(), "gw-1", None);
    for tag in tags(&page) {
        let attribute =
            |name: &str| tag.split(name).nth(1).map(|rest| rest.trim_start_matches('"').to_owned());
        assert!(attribute("src=").is_none(), "{tag}");
        assert!(attribute("href=").is_none_or(|to| to.starts_with('#')), "{tag}");
    }
    assert!(!page.contains("url(") && !page.contains("@import"));
    assert!(page.contains("default-src 'none'"));
}

#[test]
fn every_element_that_opens_closes_and_drawings_have_titles() {
    let page = page(&mind(), "gw-1", None);
    let body = page.split("<body>").nth(1).and_then(|rest| rest.split("</body>").next()).unwrap();
    let mut open: Vec<&str> = Vec::new();
    for tag in tags(body) {
        let name = tag.trim_start_matches('/').split([' ', '\n', '/']).next().unwrap_or_default();
        if matches!(name, "br" | "meta") || tag.ends_with('/') {
            continue;
        }
        if tag.starts_with('/') {
            assert_eq!(open.pop(), Some(name), "at {tag}");
        } else {
            open.push(name);
        }
    }
    assert!(open.is_empty(), "{open:?}");
    assert_eq!(page.matches("<svg role=\"img\"").count(), page.matches("<desc>").count());
    assert!(page.matches("<svg").count() >= 3);
}

#[test]
fn the_first_screen_is_the_same_as_in_text() {
    let mind = mind();
    let page = page(&mind, "gw-1", Some(1));
    let facts = mind.incidents.facts(mind.incidents.get(1).unwrap(), &mind.world);
    let account = &mind.incidents.get(1).unwrap().account;
    for ((asked, answer), line) in facts.screen.iter().zip(account) {
        assert_eq!(line, &format!("{asked}: {answer}."));
        assert!(page.contains(&Safe(answer).to_string()), "{answer}");
    }
    assert!(
        account[1]
            .starts_with("Was the process touched: YES: wincc <b>&</b> (10.20.0.10) accepted written values")
    );
    assert!(account[2].contains("contact shift <lead>"));
    assert!(account[4].contains("Leave controllers connected"));
}

#[test]
fn the_same_state_gives_the_same_bytes() {
    assert_eq!(page(&mind(), "gw-1", None), page(&mind(), "gw-1", None));
}

#[test]
fn an_empty_state_gives_a_page_that_says_so() {
    let mind = Mind::new(World::new(Settings::default(), Zones::default()), Incidents::default());
    let page = page(&mind, "gw-1", None);
    assert!(page.contains("No incident") && page.contains("Nothing crosses from one zone to another"));
}
