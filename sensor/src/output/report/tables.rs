//! Tables of an incident's page: transfers, scanning, the event log.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use super::escape::Safe;
use super::sections::put;
use crate::chronicle::{Chronicle, Event, Towards};
use crate::incident::facts::Facts;
use crate::output::convergence::{port, transport};
use crate::protocol::Port;
use crate::state::SiteAddr;
use crate::state::{Device, World};
use crate::words::{bytes, count, second, span};

/// Rows of a table that stand open; more are behind a fold, beyond [`MAX_ROWS`] they are counted.
const OPEN_ROWS: usize = 40;
/// Rows written at all.
const MAX_ROWS: usize = 500;

/// Hosts listed of one row of failed connections.
const MAX_ENDS: usize = 4096;

/// Failed connections of one client to one port.
#[derive(Default)]
struct Sum {
    n: u64,
    refused: u64,
    ends: BTreeSet<SiteAddr>,
}

fn table(out: &mut String, caption: &str, heads: &[(&str, bool)], rows: &[Vec<String>]) {
    put!(out, "<div class=\"scroll\"><table><caption>{}</caption><thead><tr>", Safe(caption));
    for (head, number) in heads {
        put!(out, "<th scope=\"col\"{}>{}</th>", if *number { " class=\"num\"" } else { "" }, Safe(head));
    }
    put!(out, "</tr></thead><tbody>\n");
    for row in rows {
        put!(out, "<tr>");
        for (cell, (_, number)) in row.iter().zip(heads) {
            put!(out, "<td{}>{}</td>", if *number { " class=\"num\"" } else { "" }, Safe(cell));
        }
        put!(out, "</tr>\n");
    }
    put!(out, "</tbody></table></div>\n");
}

/// A table whose first rows stand open and whose further ones are behind a fold.
pub fn folded(out: &mut String, caption: &str, heads: &[(&str, bool)], rows: &[Vec<String>]) {
    let (open, rest) = rows.split_at(rows.len().min(OPEN_ROWS));
    table(out, caption, heads, open);
    if rest.is_empty() {
        return;
    }
    let shown = rest.get(..rest.len().min(MAX_ROWS)).unwrap_or_default();
    put!(out, "<details><summary>{} more</summary>\n", rest.len());
    table(out, "", heads, shown);
    let left_out = rest.len().saturating_sub(shown.len());
    if left_out > 0 {
        put!(
            out,
            "<p class=\"note\">{left_out} more are left out here; `isthmus conversations` lists all.</p>"
        );
    }
    put!(out, "</details>\n");
}

/// What was carried, the largest first.
pub fn transfers(out: &mut String, facts: &Facts<'_>, world: &World) {
    const FLOOR: u64 = 100_000;
    let actors: BTreeSet<Device> = facts.incident.actors.iter().map(|ip| world.baseline(*ip)).collect();
    let mut rows: Vec<(u64, Vec<String>)> = world
        .conversations
        .iter()
        .filter(|(key, of)| actors.contains(&world.hosts.now(key.client)) && of.last >= facts.incident.first)
        .filter_map(|(key, of)| {
            let key = &world.ends(key);
            let [up, down] = of.bytes;
            let total = up.saturating_add(down);
            let service = match port(key) {
                Some(Port::Tcp(port)) => format!("tcp/{port}"),
                Some(Port::Udp(port)) => format!("udp/{port}"),
                _ => transport(key.transport).to_owned(),
            };
            let service =
                of.protocol.as_ref().map_or(service.clone(), |protocol| format!("{protocol} ({service})"));
            let usual = if of.taught { "usual" } else { "not usual" };
            (total >= FLOOR).then(|| {
                (
                    total,
                    vec![
                        world.called(key.client),
                        world.called(key.server),
                        service,
                        bytes(up),
                        bytes(down),
                        of.connections.to_string(),
                        usual.to_owned(),
                    ],
                )
            })
        })
        .collect();
    rows.sort_by(|a, b| b.0.cmp(&a.0).then_with(|| a.1.cmp(&b.1)));
    put!(out, "<h2>Transfers</h2>\n");
    if rows.is_empty() {
        put!(out, "<p class=\"note\">No conversation carried more than {}.</p>\n", bytes(FLOOR));
        return;
    }
    let rows: Vec<Vec<String>> = rows.into_iter().map(|(_, row)| row).take(MAX_ROWS).collect();
    let heads = [
        ("From", false),
        ("To", false),
        ("Service", false),
        ("There", true),
        ("Back", true),
        ("Connections", true),
        ("", false),
    ];
    folded(
        out,
        &format!("Conversations of more than {}, all their traffic since they were first seen", bytes(FLOOR)),
        &heads,
        &rows,
    );
}

/// What was tried in vain: scanning in sum, and failed connections by where they went.
pub fn scanning(out: &mut String, facts: &Facts<'_>, chronicle: &Chronicle, world: &World) {
    let mut by: BTreeMap<(SiteAddr, Towards, u16), Sum> = BTreeMap::new();
    for of in chronicle.failures().filter(|of| facts.incident.actors.contains(&of.client)) {
        let sum = by.entry((of.client, of.towards, of.port)).or_default();
        sum.n = sum.n.saturating_add(of.n);
        sum.refused = sum.refused.saturating_add(of.refused);
        if sum.ends.len() < MAX_ENDS {
            sum.ends.extend(&of.ends);
        }
    }
    put!(out, "<h2>Scanning and failed connections</h2>\n");
    for finding in facts.findings.iter().filter(|f| f.model == "ics_scan") {
        put!(
            out,
            "<p>{} From {} to {} UTC, {} in all.</p>\n",
            Safe(format!("{}.", finding.summary)),
            second(finding.first),
            second(finding.last),
            count(finding.targets_total, "destination")
        );
    }
    if by.is_empty() {
        put!(out, "<p class=\"note\">No failed connection was seen.</p>\n");
        return;
    }
    let mut ordered: Vec<_> = by.into_iter().collect();
    ordered.sort_by_key(|(key, sum)| (std::cmp::Reverse(sum.n), *key));
    let rows: Vec<Vec<String>> = ordered
        .into_iter()
        .map(|((client, towards, port), Sum { n, refused, ends })| {
            let towards = match towards {
                Towards::External => "outside",
                Towards::Industrial => "industrial services inside",
                Towards::Inside => "other services inside",
            };
            let port = if port == 0 { "many".to_owned() } else { port.to_string() };
            let ends = ends.len() as u64;
            vec![
                world.called(client),
                towards.to_owned(),
                port,
                n.to_string(),
                refused.to_string(),
                n.saturating_sub(refused).to_string(),
                ends.to_string(),
            ]
        })
        .collect();
    let heads = [
        ("From", false),
        ("To", false),
        ("Port", true),
        ("Failed", true),
        ("Refused", true),
        ("Unanswered", true),
        ("Hosts, at least", true),
    ];
    folded(out, "Failed connections of who acts, by where they went", &heads, &rows);
}

/// The event log: industrial and access connections of who acts.
pub fn log(out: &mut String, facts: &Facts<'_>, chronicle: &Chronicle, world: &World) {
    let ours =
        |event: &&Event| facts.incident.actors.contains(&event.client) && event.last >= facts.incident.first;
    let mut events: Vec<&Event> =
        chronicle.events().filter(ours).filter(|event| event.industrial || event.protocol != "tls").collect();
    events.sort_by_key(|event| (event.opened, event.client, event.server, event.port));
    put!(out, "<h2>Industrial and access connections</h2>\n");
    if events.is_empty() {
        put!(out, "<p class=\"note\">None was seen.</p>\n");
        return;
    }
    let rows: Vec<Vec<String>> = events
        .into_iter()
        .map(|event| {
            let actions: Vec<String> = event
                .actions
                .iter()
                .rev()
                .map(|(action, [n, refused])| match refused {
                    0 => format!("{} {n}", action.name()),
                    refused => format!("{} {n} ({refused} refused)", action.name()),
                })
                .collect();
            let user = event.user.as_ref().map(|user| format!("user {user}"));
            let [up, down] = event.bytes;
            vec![
                second(event.opened),
                span(event.last.since(event.opened)),
                world.called(event.client),
                format!("{}:{}", world.called(event.server), event.port),
                event.protocol.clone(),
                event.state.replace('_', " "),
                actions.into_iter().chain(user).collect::<Vec<_>>().join(", "),
                bytes(up),
                bytes(down),
            ]
        })
        .collect();
    let heads = [
        ("Opened (UTC)", false),
        ("Lasted", false),
        ("From", false),
        ("To", false),
        ("Protocol", false),
        ("State", false),
        ("What was asked", false),
        ("There", true),
        ("Back", true),
    ];
    folded(out, "Connections that were not usual, with the kinds of message they carried", &heads, &rows);
}
