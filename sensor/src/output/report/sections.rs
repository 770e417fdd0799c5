//! Parts of an incident's page.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::escape::Safe;
use super::timeline::STAGES;
use crate::detect::finding::{Finding, Measure};
use crate::importance::Importance;
use crate::incident::facts::{Device, Facts, title};
use crate::output::json::field_name;
use crate::words::{bytes, count, second, span};

/// Writes into a page.
macro_rules! put {
    ($out:expr, $($arg:tt)*) => {{ let _never_fails = write!($out, $($arg)*); }};
}
pub(super) use put;

/// What is asked at three in the morning.
pub fn screen(out: &mut String, facts: &Facts<'_>) {
    put!(out, "<dl class=\"screen\">");
    for (n, (asked, answer)) in facts.screen.iter().enumerate() {
        let class = match n {
            1 if answer.starts_with("YES") => " class=\"alarm\"",
            3 => " class=\"cap\"",
            4 => " class=\"check\"",
            _ => "",
        };
        put!(out, "<dt>{}</dt><dd{class}>{}.</dd>", Safe(asked), Safe(answer));
    }
    put!(out, "</dl>\n");
}

/// Which stages of an intrusion were reached, and since when.
pub fn stages(out: &mut String, facts: &Facts<'_>) {
    put!(out, "<ol class=\"stages\" aria-label=\"Stages of an intrusion\">");
    for (stage, name) in STAGES {
        let first = facts.findings.iter().filter(|f| f.stage == stage).map(|f| f.first).min();
        match first {
            Some(at) => put!(
                out,
                "<li class=\"reached {}\"><b>{name}</b>since {}</li>",
                stage.name(),
                second(at).get(11..16).unwrap_or_default()
            ),
            None => put!(out, "<li><b>{name}</b>not seen</li>"),
        }
    }
    put!(out, "</ol>\n");
}

fn importance(of: Option<Importance>) -> String {
    match of {
        Some(of) => format!(
            "<span class=\"imp\" aria-hidden=\"true\"><i style=\"width:{:.0}%\"></i></span>{of}",
            of.value() / Importance::CAP * 100.0
        ),
        None => "<span class=\"more\">always news</span>".to_owned(),
    }
}

fn measure(of: &Measure) -> String {
    let digits = usize::from(of.value.fract() != 0.0 && of.value < 100.0);
    if of.unit == "bytes" { bytes(of.value as u64) } else { format!("{:.digits$} {}", of.value, of.unit) }
}

/// What happened, in order.
pub fn findings(out: &mut String, facts: &Facts<'_>) {
    put!(
        out,
        "<h2>What happened, in order</h2><div class=\"scroll\"><table><caption>Times in UTC. Importance is −log₁₀ p: 3 is one in \
         a thousand of what is usual.</caption><thead><tr><th scope=\"col\">When</th><th scope=\"col\">What</th>\
         <th scope=\"col\" class=\"num\">Times</th><th scope=\"col\">Observed, expected</th><th scope=\"col\">Importance</th>\
         <th scope=\"col\">ATT&amp;CK</th></tr></thead><tbody>\n"
    );
    let mut day = String::new();
    for finding in &facts.findings {
        row(out, finding, &mut day);
    }
    put!(out, "</tbody></table></div>\n");
    if facts.absorbed > 0 {
        put!(
            out,
            "<p class=\"note\">{} are part of these.</p>",
            count(facts.absorbed as u64, "more finding")
        );
    }
}

fn row(out: &mut String, finding: &Finding, day: &mut String) {
    let moment = second(finding.first);
    let (date, clock) = moment.split_once(' ').unwrap_or(("", &moment));
    let date_shown = if day == date { "" } else { date };
    date.clone_into(day);
    let until = if finding.last > finding.first {
        let last = second(finding.last);
        let (last_date, last_clock) = last.split_once(' ').unwrap_or(("", &last));
        format!("<br>to {}", if last_date == date { last_clock } else { &last })
    } else {
        String::new()
    };
    let more = finding.targets_total.saturating_sub(1);
    let others = if more > 0 && finding.measured_one() {
        format!(", and {}", count(more, "more target"))
    } else {
        String::new()
    };
    let outcome = match finding.accepted {
        Some(true) => " · accepted",
        Some(false) => " · refused",
        None => "",
    };
    let numbers = match (&finding.observed, &finding.expected) {
        (Some(observed), Some(expected)) => format!(
            "{}<br><span class=\"more\">{} in {}</span>",
            Safe(measure(observed)),
            if expected.value > 0.0 {
                Safe(format!("{} usual", measure(expected)))
            } else {
                Safe("none usual".to_owned())
            },
            span(std::time::Duration::from_secs_f64(observed.window_s.clamp(0.0, 1e9)))
        ),
        _ => String::new(),
    };
    put!(
        out,
        "<tr><td class=\"when\">{date_shown}{}{}{until}</td><td><span class=\"what t-{}\">{}</span> <span class=\"more\">{}, {}{outcome}</span><br>{}{others}{}</td>\
         <td class=\"num\">{}</td><td>{numbers}</td><td>{}</td><td>{}</td></tr>\n",
        if date_shown.is_empty() { "" } else { "<br>" },
        Safe(clock),
        finding.severity.name(),
        Safe(title(finding)),
        finding.severity.name(),
        finding.basis.name().replace('_', " "),
        Safe(&finding.summary),
        details(finding),
        finding.count,
        importance(finding.importance),
        Safe(finding.techniques.join(" "))
    );
}

/// Facts that the sentence does not hold, a line a name.
fn details(finding: &Finding) -> String {
    let mut by_name: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (name, value) in &finding.facts {
        by_name.entry(name).or_default().push(value);
    }
    by_name
        .retain(|_, values| values.len() > 1 || values.iter().any(|value| !finding.summary.contains(value)));
    let mut text = String::new();
    for (name, values) in by_name {
        put!(text, "<br><span class=\"more\">{}: {}</span>", Safe(name), Safe(values.join(", ")));
    }
    text
}

/// Who acts, or is acted upon.
pub fn devices(out: &mut String, heading: &str, devices: &[Device]) {
    if devices.is_empty() {
        return;
    }
    put!(out, "<h2>{}</h2><div class=\"devices\">\n", Safe(heading));
    for device in devices {
        let class = if device.is_new { " new" } else { "" };
        put!(out, "<section class=\"device{class}\"><h3>");
        match &device.name {
            Some(name) => put!(out, "{} <span class=\"note\">{}</span>", Safe(name), device.ip),
            None => put!(out, "{}", device.ip),
        }
        put!(out, "</h3><dl>");
        let mut fact = |name: &str, value: &str| {
            put!(out, "<dt>{}</dt><dd>{}</dd>", Safe(name), Safe(value));
        };
        if device.is_new {
            fact("New", "it came after learning had ended");
        }
        fact("Link", &device.mac);
        fact("Zone", &device.zone);
        let seems = if device.is_new && device.role.0 != "host" { "behaves like " } else { "" };
        fact("Role", &format!("{seems}{} ({})", device.role.0.replace('_', " "), device.role.1));
        match device.seen {
            Some([first, last]) => {
                fact(
                    "Seen",
                    &format!("{} to {} UTC, {}", second(first), second(last), span(last.since(first))),
                );
            }
            None => fact("Seen", "nothing is known of it"),
        }
        fact("Learning", device.stage);
        if let Some(criticality) = device.criticality {
            fact("Criticality", criticality.name());
        }
        for (field, value, source) in &device.said {
            fact(field_name(*field), &format!("{value} (by {source})"));
        }
        if let Some(contact) = &device.contact {
            fact("Contact", contact);
        }
        put!(out, "</dl></section>\n");
    }
    put!(out, "</div>\n");
}

/// What could not be seen, and techniques.
pub fn limits(out: &mut String, facts: &Facts<'_>) {
    put!(out, "<div class=\"two\"><div><h2>Not observable</h2>");
    if facts.hidden.is_empty() {
        put!(out, "<p class=\"note\">Everything these findings rest on was seen.</p>");
    } else {
        let hidden: Vec<&str> = facts.hidden.iter().copied().collect();
        put!(out, "<p>{}.</p>", Safe(hidden.join(", ")));
    }
    put!(out, "</div><div><h2>Related</h2>");
    if facts.incident.related.is_empty() {
        put!(out, "<p class=\"note\">No other incident shares a target.</p>");
    } else {
        let related: Vec<String> = facts.incident.related.iter().map(|n| format!("incident {n}")).collect();
        let share = if related.len() == 1 { "shares" } else { "share" };
        put!(out, "<p>{} {share} a target.</p>", Safe(related.join(", ")));
    }
    put!(out, "</div></div><h2>ATT&amp;CK for ICS</h2><ul class=\"tech\">");
    for (id, name) in &facts.techniques {
        put!(out, "<li><b>{}</b> {}</li>", Safe(id), Safe(name));
    }
    put!(out, "</ul>\n");
}
