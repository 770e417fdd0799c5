//! The written account of an incident: deterministic text from facts.

use super::facts::{self, Device, Facts};
use crate::detect::finding::Finding;
use crate::time::Time;

/// Title and account.
pub fn write(facts: &Facts<'_>) -> (String, Vec<String>) {
    let mut text: Vec<String> =
        facts.screen.iter().map(|(asked, answer)| format!("{asked}: {answer}.")).collect();
    text.push(String::new());
    text.extend(facts.devices.iter().map(device));
    text.push(String::new());
    text.push("What happened, in order:".to_owned());
    text.extend(facts.findings.iter().map(|finding| line(finding)));
    if facts.absorbed > 0 {
        text.push(format!("  ({} more findings are part of these.)", facts.absorbed));
    }
    if !facts.hidden.is_empty() {
        text.push(String::new());
        let hidden: Vec<&str> = facts.hidden.iter().copied().collect();
        text.push(format!("Not observable: {}.", hidden.join(", ")));
    }
    text.push(String::new());
    let techniques: Vec<String> =
        facts.techniques.iter().map(|(id, name)| format!("{id} {name}").trim_end().to_owned()).collect();
    text.push(format!("ATT&CK for ICS: {}.", techniques.join(", ")));
    (title(facts), text)
}

fn title(facts: &Facts<'_>) -> String {
    let own = &facts.findings;
    let gravest = own.iter().max_by_key(|f| (f.severity, std::cmp::Reverse(f.number)));
    let what = gravest.map_or("Unusual activity", |f| facts::title(f));
    let actor = facts.devices.first().map(|device| match &device.name {
        Some(name) => format!("{name} ({})", device.ip),
        None => device.ip.to_string(),
    });
    match (actor, own.len()) {
        (Some(actor), 0 | 1) => format!("{what} by {actor}"),
        (Some(actor), n) => format!("{what} and {} more by {actor}", n.saturating_sub(1)),
        (None, _) => what.to_owned(),
    }
}

fn device(device: &Device) -> String {
    let (role, why) = &device.role;
    let name = device.name.as_ref().map_or(String::new(), |name| format!(" ({name})"));
    let Some([first, last]) = device.seen else {
        return format!("Device {}{name}: nothing is known of it.", device.ip);
    };
    let new = if device.is_new { "a new device, " } else { "" };
    let said: Vec<&str> = device.said.iter().map(|(_, value, _)| value.as_str()).collect();
    let said = if said.is_empty() { String::new() } else { format!("; says it is {}", said.join(", ")) };
    let contact = device.contact.as_ref().map_or(String::new(), |contact| format!("; contact {contact}"));
    format!(
        "Device {}{name}: {new}{}, zone {}, first seen {}, last {}, {role} ({why}){said}{contact}.",
        device.ip,
        device.mac,
        device.zone,
        minute(first),
        minute(last)
    )
}

fn line(finding: &Finding) -> String {
    let times = if finding.count > 1 {
        format!(" ({} times until {})", finding.count, minute(finding.last))
    } else {
        String::new()
    };
    let more = finding.targets_total.saturating_sub(1);
    let others =
        if more > 0 && finding.measured_one() { format!(", and {more} more targets") } else { String::new() };
    let importance =
        finding.importance.map_or(String::new(), |importance| format!(" [importance {importance}]"));
    let facts: Vec<&str> = finding
        .facts
        .iter()
        .filter(|(name, _)| matches!(name.as_str(), "command" | "failed" | "endpoint" | "tls.subject"))
        .map(|(_, value)| value.as_str())
        .collect();
    let facts = if facts.len() > 1 { format!(" — {}", facts.join("; ")) } else { String::new() };
    format!(
        "  {}  {:<8}  {}{others}{times}{importance}{facts}",
        minute(finding.first),
        finding.severity.name(),
        finding.summary
    )
}

/// To the second: what a log is searched for.
fn minute(time: Time) -> String {
    let text = time.to_string();
    match text.split_once('.') {
        Some((seconds, _)) => format!("{seconds}Z"),
        None => text,
    }
}
