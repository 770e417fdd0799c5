//! What Prometheus sees.

use super::*;
use crate::incident::Incidents;
use crate::mind::Mind;
use crate::state::World;
use crate::state::world::Settings;
use crate::state::zone::Zones;

fn metrics() -> Metrics {
    Metrics::new(&["eth0".to_owned()]).unwrap()
}

#[test]
fn every_known_series_is_there_before_anything_happens() {
    let text = metrics().render(Format::Text);
    let mut expected = vec![
        format!("isthmus_build_info{{version=\"{}\"}} 1", env!("CARGO_PKG_VERSION")),
        "isthmus_packets_total 0".to_owned(),
        "isthmus_bytes_total 0".to_owned(),
        "isthmus_records_missing_total 0".to_owned(),
        "isthmus_packet_path_total{reason=\"storm\"} 0".to_owned(),
        "isthmus_records_total{kind=\"tick\"} 0".to_owned(),
        "isthmus_malformed_total{protocol=\"modbus\"} 0".to_owned(),
        "isthmus_commands_total{action=\"Program\",protocol=\"s7comm\"} 0".to_owned(),
        "isthmus_connections_total{state=\"one_sided\"} 0".to_owned(),
        "isthmus_table_evictions_total{table=\"hosts\"} 0".to_owned(),
        "isthmus_interface_degraded{interface=\"eth0\"} 0".to_owned(),
        "isthmus_hosts 0".to_owned(),
        "isthmus_conversations 0".to_owned(),
    ];
    expected
        .extend(Ring::ALL.map(|ring| format!("isthmus_records_lost_total{{ring=\"{}\"}} 0", ring.name())));
    for severity in Severity::ALL {
        expected.push(format!("isthmus_incidents_open{{severity=\"{}\"}} 0", severity.name()));
        for spec in detect::REGISTRY {
            expected.push(format!("isthmus_findings_allowed_total{{model=\"{}\"}} 0", spec.id));
            let severity = severity.name();
            expected
                .push(format!("isthmus_findings_total{{model=\"{}\",severity=\"{severity}\"}} 0", spec.id));
        }
    }
    for line in expected {
        assert!(text.lines().any(|have| have == line), "{line} is missing in\n{text}");
    }
    assert!(!text.contains("reason=\"packets\"") && !text.contains("reason=\"lost_"), "counted twice");
}

#[test]
fn both_formats_hold_the_same_series() {
    let metrics = metrics();
    let series = |format| {
        let text = metrics.render(format);
        let lines: Vec<String> = text
            .lines()
            .filter(|l| !l.starts_with('#') && !l.starts_with("process_"))
            .map(str::to_owned)
            .collect();
        lines
    };
    assert_eq!(series(Format::Text), series(Format::OpenMetrics));
    assert!(metrics.render(Format::OpenMetrics).ends_with("\n# EOF\n"));
}

#[test]
fn the_packet_paths_counters_are_taken_over_and_never_fall() {
    let metrics = metrics();
    let engine =
        Engine::new(Mind::new(World::new(Settings::default(), Zones::default()), Incidents::default()));
    let mut figures = Figures::default();
    let counters = &mut figures.counters;
    counters[Counter::Packets as usize] = 10;
    counters[Counter::LostAccess as usize] = 4;
    counters[Counter::Cut as usize] = 2;
    figures.losses.refused = [0, 3, 0, 0];
    metrics.update(&engine, &figures);
    metrics.update(&engine, &Figures::default());
    let text = metrics.render(Format::Text);
    for line in [
        "isthmus_packets_total 10",
        "isthmus_records_lost_total{ring=\"access\"} 4",
        "isthmus_packet_path_total{reason=\"cut\"} 2",
        "isthmus_records_refused_total{ring=\"industrial\"} 3",
    ] {
        assert!(text.lines().any(|have| have == line), "{line} is missing in\n{text}");
    }
}

/// Words of `text` that begin with `isthmus_`, as far as a series' name may go.
fn names(text: &str) -> Vec<&str> {
    let words = text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
    words.filter(|word| word.starts_with("isthmus_")).collect()
}

#[test]
fn the_shipped_rules_ask_only_for_series_there_are() {
    let rules = include_str!("../../../../deploy/prometheus/isthmus.rules.yml");
    let text = metrics().render(Format::Text);
    let known = names(&text);
    // Names the rules record themselves have colons around.
    let recorded = ["isthmus_records_missing", "isthmus_record_lag"];
    let asked: Vec<&str> = names(rules).into_iter().filter(|name| !recorded.contains(name)).collect();
    assert!(asked.len() > 10, "{asked:?}");
    for name in asked {
        assert!(known.contains(&name), "no series {name}");
    }
}

#[test]
fn what_is_allowed_is_counted_apart() {
    let metrics = metrics();
    let world = World::new(Settings::default(), Zones::default());
    let mut findings = detect::Findings::new(0);
    let host = crate::state::SiteAddr::from([10, 20, 0, 5]);
    findings.raise(detect::Draft::about(&detect::new_action::SPEC, host, crate::time::Time(1)), &world);
    let mut finding = findings.take().0.remove(0);
    let mut observer = &metrics;
    observer.finding(&finding);
    finding.allowed =
        Some(crate::state::rules::Allowance { number: Some(1), reason: "maintenance".to_owned() });
    observer.finding(&finding);
    let text = metrics.render(Format::Text);
    for line in [
        "isthmus_findings_total{model=\"new_action\",severity=\"high\"} 1",
        "isthmus_findings_allowed_total{model=\"new_action\"} 1",
    ] {
        assert!(text.lines().any(|have| have == line), "{line} is missing in\n{text}");
    }
}
