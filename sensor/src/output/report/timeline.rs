//! What happened when: findings in lanes by stage, and below, on the same axis, failed external connections against
//! importance.

use std::collections::BTreeMap;

use super::canvas::{Canvas, Scale, WIDTH, width};
use super::escape::Safe;
use crate::chronicle::{Chronicle, SPAN_S, Towards};
use crate::detect::finding::{Finding, Stage};
use crate::importance::Importance;
use crate::incident::facts::{Facts, title};
use crate::time::Time;
use crate::words::second;

const LEFT: f64 = 172.0;
const RIGHT: f64 = WIDTH - 50.0;
const ROW: f64 = 21.0;
/// Rows of one lane; further findings of it are counted.
const ROWS: usize = 8;
/// Height of the lower part.
const LOWER: f64 = 130.0;
/// Bars at most; more spans are summed.
const BARS: f64 = 130.0;

/// Stages in the order of an intrusion.
pub const STAGES: [(Stage, &str); 6] = [
    (Stage::Foothold, "Foothold"),
    (Stage::Discovery, "Discovery"),
    (Stage::LateralMovement, "Lateral movement"),
    (Stage::CommandAndControl, "Command and control"),
    (Stage::Collection, "Collection"),
    (Stage::Impact, "Impact"),
];

/// A finding in its lane.
struct Bar<'a> {
    finding: &'a Finding,
    from: f64,
    to: f64,
    label: String,
    at: Place,
}

/// Where a bar's label stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Inside,
    Left,
    Right,
}

/// What a bar is called: its model, and the protocol where one model may stand there for several.
fn name(finding: &Finding) -> String {
    let industrial = crate::protocol::REGISTRY
        .iter()
        .find(|spec| Some(spec.name) == finding.protocol.as_deref())
        .filter(|spec| spec.industrial);
    industrial
        .map_or_else(|| title(finding).to_owned(), |spec| format!("{} · {}", title(finding), spec.title))
}

/// Bars of one lane in rows, and how many findings had no row.
type Lane<'a> = (Vec<Vec<Bar<'a>>>, usize);

/// Bars of one lane in rows, so that neither bars nor labels overlap; and how many had no row.
fn rows<'a>(findings: &[&'a Finding], scale: &Scale) -> Lane<'a> {
    let mut rows: Vec<(f64, Vec<Bar<'a>>)> = Vec::new();
    let mut left_over = 0_usize;
    for finding in findings {
        let from = scale.x(finding.first);
        let to = scale.x(finding.last).max(from + 7.0);
        let label = name(finding);
        let wide = width(&label) * 0.92 + 12.0;
        let at = if to - from > wide {
            Place::Inside
        } else if to + wide > WIDTH && from - wide > LEFT {
            Place::Left
        } else {
            Place::Right
        };
        let start = if at == Place::Left { from - wide } else { from };
        let end = if at == Place::Right { to + wide } else { to };
        let bar = Bar { finding, from, to, label, at };
        let room = rows.len() < ROWS;
        match rows.iter_mut().find(|(used, _)| *used + 6.0 <= start) {
            Some((used, row)) => {
                *used = end;
                row.push(bar);
            }
            None if room => rows.push((end, vec![bar])),
            None => left_over = left_over.saturating_add(1),
        }
    }
    (rows.into_iter().map(|(_, row)| row).collect(), left_over)
}

fn lanes(canvas: &mut Canvas, lanes: &[(&str, Lane<'_>)]) -> f64 {
    let mut y = 8.0;
    for (name, (rows, left_over)) in lanes {
        let height = ROW * rows.len().max(1) as f64 + 10.0;
        canvas.put(format!(
            "<rect class=\"lane\" x=\"{LEFT}\" y=\"{y:.1}\" width=\"{:.1}\" height=\"{height:.1}\" rx=\"4\"/>",
            RIGHT - LEFT
        ));
        let class = if rows.is_empty() { "soft" } else { "strong" };
        canvas.text((LEFT - 12.0, y + height / 2.0 + 4.0), class, "end", LEFT - 12.0, name);
        if *left_over > 0 {
            let more = format!("and {left_over} more");
            canvas.text((RIGHT - 8.0, y + height - 6.0), "soft small", "end", 120.0, &more);
        }
        for (n, row) in rows.iter().enumerate() {
            let top = y + 6.0 + ROW * n as f64;
            for bar in row {
                draw(canvas, bar, top);
            }
        }
        y += height + 6.0;
    }
    y
}

fn draw(canvas: &mut Canvas, bar: &Bar<'_>, top: f64) {
    let of = bar.finding;
    canvas.put(format!(
        "<rect class=\"s-{}\" x=\"{:.1}\" y=\"{top:.1}\" width=\"{:.1}\" height=\"16\" rx=\"3\"><title>{}</title></rect>",
        of.severity.name(),
        bar.from,
        bar.to - bar.from,
        Safe(format!("{} to {}, {}: {}", second(of.first), second(of.last), of.severity.name(), of.summary))
    ));
    let (x, class, anchor, room) = match bar.at {
        Place::Inside => (bar.from + 6.0, "small inside", "start", bar.to - bar.from + 40.0),
        Place::Left => (bar.from - 5.0, "small", "end", bar.from - LEFT),
        Place::Right => (bar.to + 5.0, "small", "start", (WIDTH - bar.to - 5.0) * 1.1),
    };
    canvas.text((x, top + 12.0), class, anchor, room, &bar.label);
}

/// Failed external connections by span, summed where there would be too many bars; and the length of a bar in seconds.
fn failures(facts: &Facts<'_>, chronicle: &Chronicle, span_s: f64) -> (BTreeMap<u64, u64>, u64) {
    let wanted = (span_s / BARS / SPAN_S as f64).ceil().max(1.0);
    let length = SPAN_S.saturating_mul(wanted as u64);
    let mut bars: BTreeMap<u64, u64> = BTreeMap::new();
    let ours = |client| facts.incident.actors.contains(&client);
    for of in chronicle.failures().filter(|of| of.towards == Towards::External && ours(of.client)) {
        let start = of.start.seconds().checked_div(length).unwrap_or(0).saturating_mul(length);
        let n = bars.entry(start).or_default();
        *n = n.saturating_add(of.n);
    }
    (bars, length)
}

fn lower(
    canvas: &mut Canvas,
    facts: &Facts<'_>,
    scale: &Scale,
    (bars, length): (&BTreeMap<u64, u64>, u64),
    top: f64,
) {
    let bottom = top + LOWER;
    let up = |part: f64| bottom - part.clamp(0.0, 1.0) * (LOWER - 14.0);
    let most = bars.values().copied().max().unwrap_or(0);
    canvas.put(format!("<path class=\"axis\" d=\"M{LEFT} {top:.1}V{bottom:.1}H{RIGHT}V{top:.1}\"/>"));
    canvas.text((LEFT - 12.0, top + 14.0), "soft", "end", LEFT, "Failed external");
    canvas.text(
        (LEFT - 12.0, top + 30.0),
        "soft",
        "end",
        LEFT,
        &format!("connections / {} min", length / 60),
    );
    if most > 0 {
        canvas.text((LEFT - 12.0, up(1.0) + 44.0), "small", "end", LEFT, &format!("most {most}"));
    }
    for (start, n) in bars {
        let x = scale.x(Time::from_seconds(*start));
        let wide = (scale.x(Time::from_seconds(start.saturating_add(length))) - x - 1.0).max(2.0);
        let y = up(*n as f64 / most.max(1) as f64);
        canvas.put(format!(
            "<rect class=\"bar\" x=\"{x:.1}\" y=\"{y:.1}\" width=\"{wide:.1}\" height=\"{:.1}\"><title>{n} failed from {}</title></rect>",
            bottom - y,
            second(Time::from_seconds(*start))
        ));
    }
    for value in [0.0, 4.0, 8.0, 12.0] {
        let y = up(value / Importance::CAP);
        canvas.text((RIGHT + 8.0, y + 4.0), "soft small", "start", 40.0, &format!("{value:.0}"));
        canvas.put(format!("<path class=\"axis\" stroke-dasharray=\"2 4\" d=\"M{LEFT} {y:.1}H{RIGHT}\"/>"));
    }
    // The highest so far: an incident does not become less important by going on.
    let steps: Vec<(Time, f64)> = facts
        .incident
        .history
        .steps
        .iter()
        .filter_map(|step| Some((step.at.max(facts.incident.first), step.importance?.value())))
        .collect();
    let mut path = format!("M{LEFT:.1} {bottom:.1}");
    let mut highest = 0.0_f64;
    for (at, value) in &steps {
        highest = highest.max(*value);
        path.push_str(&format!("H{:.1}V{:.1}", scale.x(*at), up(highest / Importance::CAP)));
    }
    if !steps.is_empty() {
        canvas.put(format!("<path class=\"step\" d=\"{path}H{:.1}\"/>", scale.x(facts.incident.last)));
    }
    // What is always news has no probability: it stands on the upper edge.
    for finding in facts.findings.iter().filter(|f| f.importance.is_none()) {
        let x = scale.x(finding.at);
        canvas.put(format!(
            "<path class=\"s-{}\" d=\"M{x:.1} {:.1}l5 6l-5 6l-5 -6z\"><title>{}</title></path>",
            finding.severity.name(),
            top - 2.0,
            Safe(format!("always news: {}", title(finding)))
        ));
    }
    for (at, value) in &steps {
        canvas.put(format!(
            "<circle class=\"dot\" cx=\"{:.1}\" cy=\"{:.1}\" r=\"3.5\"><title>importance {value:.1} at {}</title></circle>",
            scale.x(*at),
            up(value / Importance::CAP),
            second(*at)
        ));
    }
}

/// The drawing.
pub fn draw_timeline(facts: &Facts<'_>, chronicle: &Chronicle) -> String {
    let scale = Scale::new(facts.incident.first, facts.incident.last, LEFT, RIGHT);
    let of_stage = |stage| -> Vec<&Finding> {
        facts.findings.iter().copied().filter(|finding| finding.stage == stage).collect()
    };
    let in_lanes: Vec<_> =
        STAGES.iter().map(|(stage, name)| (*name, rows(&of_stage(*stage), &scale))).collect();
    let upper: f64 =
        in_lanes.iter().map(|(_, (rows, _))| ROW * rows.len().max(1) as f64 + 16.0).sum::<f64>() + 8.0;
    let (bars, length) = failures(facts, chronicle, scale.span_s());
    let height = upper + 12.0 + LOWER + 30.0;
    let mut canvas = Canvas::new(height);
    for (x, label) in scale.ticks() {
        canvas.put(format!("<path class=\"axis\" d=\"M{x:.1} 8V{:.1}\"/>", height - 26.0));
        canvas.text((x, height - 8.0), "soft small", "middle", 130.0, &label);
    }
    lanes(&mut canvas, &in_lanes);
    lower(&mut canvas, facts, &scale, (&bars, length), upper + 12.0);
    let failed: u64 = bars.values().sum();
    let description = format!(
        "{} findings from {} to {} UTC in lanes by stage of intrusion; {failed} failed external connections; highest importance {}",
        facts.findings.len(),
        second(facts.incident.first),
        second(facts.incident.last),
        facts.incident.importance.map_or("none".to_owned(), |importance| importance.to_string())
    );
    canvas.finish("What happened, when", &description)
}
