//! The report: one HTML file that needs nothing else, online or off, on paper or on a screen, in light or dark.
//!
//! It holds no script, and its own policy forbids any: whatever the wire carried can be shown, never run.

mod canvas;
mod escape;
mod graph;
mod sections;
mod site;
mod tables;
#[cfg(test)]
mod tests;
mod timeline;

use std::fmt::Write as _;
use std::path::Path;

use anyhow::{Context as _, Result};

use super::convergence::{Picture, Row};
use crate::incident::Incident;
use crate::mind::Mind;
use crate::words::{bytes, count, second, span};
use escape::Safe;
use sections::put;

const STYLE: &str = include_str!("style.css");

/// The page of every incident, or of one, and the picture of the site.
pub fn page(mind: &Mind, observer: &str, only: Option<u64>) -> String {
    let mut incidents: Vec<&Incident> =
        mind.incidents.iter().filter(|of| only.is_none_or(|only| of.number == only)).collect();
    incidents.sort_by_key(|of| (std::cmp::Reverse(of.severity), of.number));
    let title = match incidents.as_slice() {
        [one] => format!("Incident {}: {}", one.number, one.title),
        many => format!("{} at {observer}", count(many.len() as u64, "incident")),
    };
    let mut out = String::with_capacity(1 << 16);
    put!(
        out,
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n\
         <meta name=\"referrer\" content=\"no-referrer\">\n<title>{}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n\
         <a class=\"skip\" href=\"#main\">To the content</a>\n\
         <header class=\"top\"><b>Isthmus</b><span>Sensor {}</span><span>Records from {} to {} UTC</span></header>\n\
         <main id=\"main\">\n",
        Safe(&title),
        Safe(observer),
        second(mind.world.site.first),
        second(mind.world.site.last)
    );
    if incidents.len() > 1 {
        contents(&mut out, &incidents);
    }
    if incidents.is_empty() {
        put!(
            out,
            "<article><h1>No incident</h1><p>Nothing was found that belongs together and needs somebody.</p></article>\n"
        );
    }
    for incident in incidents {
        article(&mut out, mind, incident);
    }
    convergence(&mut out, mind);
    put!(
        out,
        "</main>\n<footer><p>Written by Isthmus {} from what passed its interfaces. “Seen” means content, “possible” means ports and \
         numbers. This file loads nothing and runs nothing.</p></footer>\n</body>\n</html>\n",
        env!("CARGO_PKG_VERSION")
    );
    out
}

fn contents(out: &mut String, incidents: &[&Incident]) {
    put!(out, "<article><h1>{}</h1><ol>", count(incidents.len() as u64, "incident"));
    for of in incidents {
        put!(
            out,
            "<li><span class=\"sev {0}\">{0}</span> <a href=\"#incident-{1}\">Incident {1}: {2}</a>, {3}, {4} to {5}</li>",
            of.severity.name(),
            of.number,
            Safe(&of.title),
            of.state.name(),
            second(of.first),
            second(of.last)
        );
    }
    put!(out, "</ol></article>\n");
}

fn article(out: &mut String, mind: &Mind, incident: &Incident) {
    let (world, chronicle) = (&mind.world, &mind.chronicle);
    let facts = mind.incidents.facts(incident, world);
    put!(
        out,
        "<article id=\"incident-{}\">\n<p class=\"kicker\">Incident {}</p>\n<h1>{}</h1>\n<ul class=\"badges\">\
         <li class=\"sev {3}\">{3}</li><li>{4}</li><li>{5} to {6} UTC</li><li>{7}</li>",
        incident.number,
        incident.number,
        Safe(&incident.title),
        incident.severity.name(),
        incident.state.name(),
        second(incident.first),
        second(incident.last),
        span(incident.last.since(incident.first)),
    );
    put!(out, "<li>{}</li>", count(incident.findings.len() as u64, "finding"));
    if let Some(importance) = incident.importance {
        put!(out, "<li>importance {importance}</li>");
    }
    put!(out, "</ul>\n");
    sections::screen(out, &facts);
    sections::stages(out, &facts);
    put!(
        out,
        "<h2>When</h2><figure>{}<figcaption>Findings by stage of intrusion, coloured by severity. Below, on the same axis: failed \
         connections to the outside (bars), importance of what was found (dots, right axis), the highest so far (line), and what is always news (diamonds).</figcaption></figure>\n",
        timeline::draw_timeline(&facts, chronicle)
    );
    sections::findings(out, &facts);
    sections::devices(out, "Who acts", &facts.devices);
    sections::devices(out, "Who was acted upon", &facts.assets);
    if let Some(drawing) = graph::draw(incident, world) {
        put!(
            out,
            "<h2>Who talked to whom</h2><figure>{drawing}<ul class=\"key\"><li><i style=\"color:var(--change)\"></i>changed the process</li>\
             <li><i style=\"color:var(--access)\"></i>remote access</li><li><i style=\"color:var(--read)\"></i>industrial, read only</li>\
             <li><i style=\"color:var(--other)\"></i>other</li><li><i class=\"dash\" style=\"color:var(--other)\"></i>only tried</li></ul></figure>\n"
        );
    }
    tables::transfers(out, &facts, world);
    tables::scanning(out, &facts, chronicle, world);
    tables::log(out, &facts, chronicle, world);
    sections::limits(out, &facts);
    put!(out, "</article>\n");
}

/// How far IT and OT have grown together.
fn convergence(out: &mut String, mind: &Mind) {
    let picture = Picture::of(&mind.world);
    put!(
        out,
        "<section class=\"site\"><p class=\"kicker\">The site</p><h1>How IT, OT and the outside are joined</h1>\n"
    );
    let Some(drawing) = site::draw(&picture) else {
        put!(out, "<p class=\"note\">Nothing crosses from one zone to another.</p></section>\n");
        return;
    };
    put!(
        out,
        "<figure>{drawing}<ul class=\"key\"><li><i style=\"color:var(--ok)\"></i>all of it usual</li>\
         <li><i style=\"color:var(--access)\"></i>some of it not usual</li>\
         <li><i style=\"color:var(--change)\"></i>some of it allowed by no conduit</li></ul></figure>\n"
    );
    let flows: Vec<Vec<String>> = picture
        .flows
        .iter()
        .map(|((from, to), flow)| {
            let [asking, asked] = &flow.ends;
            let [up, down] = flow.bytes.map(bytes);
            let mut services: Vec<(&String, &u64)> = flow.services.iter().collect();
            services.sort_by_key(|(name, n)| (std::cmp::Reverse(**n), *name));
            let more = services.len().saturating_sub(5);
            let mut names: Vec<String> = services.into_iter().take(5).map(|(name, _)| name.clone()).collect();
            if more > 0 {
                names.push(format!("{more} more"));
            }
            vec![
                format!("{from} → {to}"),
                flow.conversations.to_string(),
                format!("{} → {}", asking.len(), asked.len()),
                names.join(", "),
                up,
                down,
                flow.usual.to_string(),
                flow.violations.to_string(),
                format!("{} to {}", second(flow.seen[0]), second(flow.seen[1])),
            ]
        })
        .collect();
    let heads = [
        ("Zones", false),
        ("Conversations", true),
        ("Hosts", true),
        ("Services by volume", false),
        ("There", true),
        ("Back", true),
        ("Usual", true),
        ("No conduit", true),
        ("Seen (UTC)", false),
    ];
    put!(out, "<h2>By pair of zones</h2>");
    tables::folded(out, "What crosses, summed up", &heads, &flows);
    crossings(out, mind, &picture);
    put!(out, "</section>\n");
}

/// Conversations between OT and the rest, one by one: those somebody should look at first.
fn crossings(out: &mut String, mind: &Mind, picture: &Picture<'_>) {
    use crate::config::Crossing;
    use crate::state::zone::Kind;
    let mut rows: Vec<&Row<'_>> =
        picture.rows.iter().filter(|row| row.from.kind == Kind::Ot || row.to.kind == Kind::Ot).collect();
    rows.sort_by_key(|row| {
        let total = row.conversation.bytes.iter().fold(0_u64, |sum, n| sum.saturating_add(*n));
        let look = (row.crossing != Crossing::Violation, row.is_blocked(), row.conversation.taught);
        (look, std::cmp::Reverse(total), row.key)
    });
    let cells: Vec<Vec<String>> = rows
        .into_iter()
        .map(|row| {
            let of = row.conversation;
            let [up, down] = of.bytes.map(bytes);
            vec![
                format!("{} ({})", mind.world.called(row.key.client), row.from.name),
                format!("{} ({})", mind.world.called(row.key.server), row.to.name),
                row.service(),
                up,
                down,
                format!(
                    "{}{}",
                    of.connections,
                    if of.failures > 0 { format!(", {} failed", of.failures) } else { String::new() }
                ),
                row.verdict(),
                if of.taught { "usual" } else { "not usual" }.to_owned(),
            ]
        })
        .collect();
    let heads = [
        ("From", false),
        ("To", false),
        ("Service", false),
        ("There", true),
        ("Back", true),
        ("Connections", true),
        ("Conduit", false),
        ("", false),
    ];
    put!(out, "<h2>Conversations between OT and the rest</h2>");
    tables::folded(
        out,
        "What no conduit allows first, then what is not usual, then by volume",
        &heads,
        &cells,
    );
}

/// Writes the page, all or nothing.
///
/// # Errors
/// Where the file cannot be written.
pub fn write(path: &Path, mind: &Mind, observer: &str, only: Option<u64>) -> Result<()> {
    let beside = path.with_extension("html.new");
    let told = || format!("{}: cannot write the report; choose another place with --report", path.display());
    std::fs::write(&beside, page(mind, observer, only)).with_context(told)?;
    std::fs::rename(&beside, path).with_context(told)
}
