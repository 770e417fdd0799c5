//! Findings and incidents.

use serde_json::{Value, json};

use super::line::{Kind, Line, mac};
use crate::detect::by_id;
use crate::detect::finding::{Finding, Measure};
use crate::incident::Incident;
use crate::output::community;
use crate::state::address::mac_of;
use crate::state::rules::Allowance;
use crate::state::{Segment, SiteAddr};

fn measure(measure: &Measure) -> Value {
    json!({ "value": measure.value, "unit": measure.unit, "window_s": measure.window_s })
}

/// What a fact says when its content could not be seen; then the field is left out.
const NOT_OBSERVABLE: &str = "not observable";

/// Where a fact of a finding stands. Facts that have a fixed field stand there, the rest under `isthmus.facts.`.
fn place(fact: &str) -> Option<&'static str> {
    Some(match fact {
        "rdp.cookie" => "rdp.cookie",
        "rdp.protocols" => "rdp.protocols",
        "rdp.restricted_admin" => "rdp.restricted_admin",
        "tls.client.server_name" => "tls.client.server_name",
        "tls.client.ja3" => "tls.client.ja3",
        "tls.version" => "tls.version",
        "tls.subject" => "tls.server.subject",
        "tls.issuer" => "tls.server.issuer",
        "ja4" => "isthmus.ja4",
        "sni" => "isthmus.sni",
        "self_signed" => "isthmus.self_signed",
        _ => return None,
    })
}

/// A finding as one object.
pub fn finding(finding: &Finding, observer: &str) -> Value {
    let mut line = Line::new("finding", Kind::Alert, finding.at, observer);
    line.set("event.id", format!("finding-{}", finding.number));
    line.set("event.action", finding.model.as_str());
    line.set("event.severity", finding.severity.score());
    line.set("event.start", finding.first.to_string());
    line.set("event.end", finding.last.to_string());
    line.set("rule.id", finding.model.as_str());
    line.set("rule.name", by_id(&finding.model).map_or(finding.model.as_str(), |spec| spec.title));
    line.set("threat.framework", "MITRE ATT&CK for ICS");
    line.set("threat.technique.id", finding.techniques.clone());
    let link = finding.is_link_layer();
    line.set_some("source.mac", finding.actor_mac.map(mac));
    if link {
        line.link_end("source", finding.actor);
    } else {
        line.end("source", finding.actor, finding.actor_port);
    }
    match finding.targets.first() {
        Some(target) if link => line.link_end("destination", target.ip),
        Some(target) => line.end("destination", target.ip, target.port),
        None => {}
    }
    line.set("network.transport", finding.transport.as_str());
    line.set_some("network.protocol", finding.protocol.as_deref());
    line.set_some("network.community_id", connection_id(finding));
    line.set("isthmus.actor.id", finding.actor.to_string());
    line.set("isthmus.basis", finding.basis.name());
    line.set("isthmus.count", finding.count);
    line.set("isthmus.device_stage", finding.device_stage.as_str());
    line.set("isthmus.incident_stage", finding.stage.name());
    line.set("isthmus.source.zone", finding.actor_zone.as_str());
    line.set("isthmus.destination.zone", finding.target_zone.as_str());
    line.set("isthmus.summary", finding.summary.as_str());
    let targets = finding.targets.iter().map(|target| match (target.port, mac_of(target.ip)) {
        (_, Some(address)) if link => json!({ "mac": mac(address) }),
        (Some(port), _) if !link => end(target.ip, json!({ "ip": target.ip.ip, "port": port })),
        _ => end(target.ip, json!({ "ip": target.ip.ip })),
    });
    line.set("isthmus.targets", targets.collect::<Vec<_>>());
    line.set("isthmus.targets_total", finding.targets_total);
    line.set_some("isthmus.importance", finding.importance.map(|importance| importance.value()));
    line.set_some("isthmus.observed", finding.observed.as_ref().map(measure));
    line.set_some("isthmus.expected", finding.expected.as_ref().map(measure));
    line.set_some("isthmus.accepted", finding.accepted);
    line.set("isthmus.actions", finding.actions.iter().map(|action| action.name()).collect::<Vec<_>>());
    line.set_some("isthmus.source.asset", finding.actor_name.as_deref());
    line.set_some("isthmus.destination.asset", finding.target_name.as_deref());
    allowed(finding.allowed.as_ref(), &mut line);
    line.set_some("isthmus.absorbed_by", finding.absorbed_by.map(|number| format!("finding-{number}")));
    line.set_some("isthmus.incident.id", finding.incident);
    facts(finding, &mut line);
    line.into_value()
}

/// A target, with its segment where its address is unique only there.
fn end(addr: SiteAddr, mut target: Value) -> Value {
    if addr.segment != Segment::SITE {
        target["segment"] = addr.segment.name().into();
    }
    target
}

/// The flow a finding is about, where it is about one.
fn connection_id(finding: &Finding) -> Option<String> {
    let [target] = finding.targets.as_slice() else { return None };
    if finding.targets_total != 1 {
        return None;
    }
    community::of_ports(
        &finding.transport,
        (finding.actor.ip, finding.actor_port?),
        (target.ip.ip, target.port?),
    )
}

/// Why it does not page.
fn allowed(by: Option<&Allowance>, line: &mut Line) {
    if let Some(by) = by {
        line.set("isthmus.allowed.reason", by.reason.as_str());
        line.set_some("isthmus.allowed.number", by.number);
    }
}

/// A fact that was noted several times becomes an array, in the order noted.
fn facts(finding: &Finding, line: &mut Line) {
    let mut told: Vec<&str> = Vec::new();
    for (name, _) in &finding.facts {
        if told.contains(&name.as_str()) {
            continue;
        }
        told.push(name);
        let values: Vec<&str> = finding
            .facts
            .iter()
            .filter(|(other, _)| other == name)
            .map(|(_, value)| value.as_str())
            .collect();
        let value = match values.as_slice() {
            [one] => Value::from(*one),
            many => Value::from(many),
        };
        match place(name) {
            Some(_) if values == [NOT_OBSERVABLE] => {}
            Some(path) => line.set(path, value),
            None => line.set(&format!("isthmus.facts.{name}"), value),
        }
    }
}

/// An incident as one object; `action` is why it is told.
pub fn incident(incident: &Incident, action: &str, observer: &str) -> Value {
    let mut line = Line::new("incident", Kind::Alert, incident.last, observer);
    line.set("event.id", format!("incident-{}", incident.number));
    line.set("event.action", action);
    line.set("event.severity", incident.severity.score());
    line.set("event.start", incident.first.to_string());
    line.set("event.end", incident.last.to_string());
    if let Some(actor) = incident.actors.first() {
        line.end("source", *actor, None);
        line.set("isthmus.actor.id", actor.to_string());
    }
    line.set("isthmus.account", incident.account.clone());
    // What is asked at three in the morning stands first in the account.
    line.set("isthmus.first_screen", incident.account.iter().take(5).cloned().collect::<Vec<_>>());
    if let Some(taken) = &incident.taken {
        line.set_some("isthmus.acknowledged.by", taken.by.as_deref());
        line.set("isthmus.acknowledged.at", taken.at.to_string());
        line.set_some("isthmus.acknowledged.note", taken.note.as_deref());
    }
    allowed(incident.allowed.as_ref(), &mut line);
    line.set("isthmus.actors", incident.actors.iter().map(ToString::to_string).collect::<Vec<_>>());
    line.set(
        "isthmus.findings",
        incident.findings.iter().map(|n| format!("finding-{n}")).collect::<Vec<_>>(),
    );
    line.set("isthmus.incident.id", incident.number);
    line.set("isthmus.incident.related", incident.related.clone());
    line.set("isthmus.incident.stages", incident.stages.iter().map(|stage| stage.name()).collect::<Vec<_>>());
    line.set("isthmus.incident.state", incident.state.name());
    line.set("isthmus.summary", incident.title.as_str());
    line.set_some("isthmus.importance", incident.importance.map(|importance| importance.value()));
    line.set_some("isthmus.incident_stage", incident.stages.last().map(|stage| stage.name()));
    line.into_value()
}
