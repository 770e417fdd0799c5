//! How IT and OT are joined: zones and what crosses between them.

use std::collections::BTreeMap;

use super::canvas::{Canvas, WIDTH};
use super::escape::Safe;
use crate::output::convergence::{Flow, Picture};
use crate::state::zone::Kind;
use crate::words::{bytes, count};

const BOX: (f64, f64) = (200.0, 84.0);
const STEP: f64 = 170.0;
const TOP: f64 = 84.0;
/// Zones drawn in a column; the table lists all.
const COLUMN: usize = 8;

const fn column(kind: Kind) -> usize {
    match kind {
        Kind::External => 0,
        Kind::Ot => 2,
        _ => 1,
    }
}

const fn class(flow: &Flow) -> &'static str {
    if flow.violations > 0 {
        "e-change"
    } else if flow.conversations > flow.usual.saturating_add(flow.blocked) {
        "e-access"
    } else {
        "e-ok"
    }
}

/// A point on a cubic curve.
fn on_curve(points: [(f64, f64); 4], t: f64) -> (f64, f64) {
    let weights = [(1.0 - t).powi(3), 3.0 * t * (1.0 - t).powi(2), 3.0 * t * t * (1.0 - t), t.powi(3)];
    points.iter().zip(weights).fold((0.0, 0.0), |sum, (point, w)| (sum.0 + point.0 * w, sum.1 + point.1 * w))
}

/// The drawing; nothing where nothing crosses.
pub fn draw(picture: &Picture<'_>) -> Option<String> {
    if picture.flows.is_empty() {
        return None;
    }
    let mut columns: [Vec<&String>; 3] = Default::default();
    for (name, (kind, _)) in &picture.zones {
        if let Some(column) = columns.get_mut(column(*kind))
            && column.len() < COLUMN
        {
            column.push(name);
        }
    }
    let tallest = columns.iter().map(Vec::len).max().unwrap_or(1);
    let bottom = TOP + STEP * tallest as f64 - (STEP - BOX.1);
    let across = |(from, to): &(String, String)| {
        let kinds = [from, to].map(|name| picture.zones.get(name).map_or(1, |(kind, _)| column(*kind)));
        kinds.contains(&0) && kinds.contains(&2)
    };
    let height = bottom + if picture.flows.keys().any(across) { 130.0 } else { 60.0 };
    let mut spots: BTreeMap<&str, (f64, f64)> = BTreeMap::new();
    for (n, names) in columns.iter().enumerate() {
        let x = 20.0 + (WIDTH - 40.0 - BOX.0) / 2.0 * n as f64;
        let start = TOP + STEP * (tallest.saturating_sub(names.len())) as f64 / 2.0;
        for (row, name) in names.iter().enumerate() {
            spots.insert(name, (x, start + STEP * row as f64));
        }
    }
    let mut canvas = Canvas::new(height);
    for (n, name) in ["Outside", "IT", "OT"].into_iter().enumerate() {
        let x = 20.0 + (WIDTH - 40.0 - BOX.0) / 2.0 * n as f64;
        canvas.text((x + BOX.0 / 2.0, 22.0), "soft", "middle", BOX.0, name);
    }
    let mut labels = Vec::new();
    for ((from, to), flow) in &picture.flows {
        let (Some(a), Some(b)) = (spots.get(from.as_str()), spots.get(to.as_str())) else { continue };
        // The two directions of a pair run beside each other.
        let down = from > to;
        let points = route(*a, *b, down, bottom);
        let total = flow.bytes.iter().fold(0_u64, |sum, n| sum.saturating_add(*n));
        arrow(&mut canvas, points, class(flow), total, &format!("{from} to {to}"));
        let mut services: Vec<(&String, &u64)> = flow.services.iter().collect();
        services.sort_by_key(|(name, n)| (std::cmp::Reverse(**n), *name));
        let names: Vec<&str> = services.iter().take(3).map(|(name, _)| name.as_str()).collect();
        let text = format!("{}, {}", count(flow.conversations, "conversation"), bytes(total));
        labels.push((on_curve(points, 0.5), down, text, names.join(", ")));
    }
    for ((x, y), down, first, second) in labels {
        let (a, b) = if down { (y + 22.0, y + 37.0) } else { (y - 27.0, y - 12.0) };
        canvas.text((x, a), "strong small", "middle", 300.0, &first);
        canvas.text((x, b), "soft small", "middle", 250.0, &second);
    }
    for (name, (x, y)) in &spots {
        let Some((_, devices)) = picture.zones.get(*name) else { continue };
        canvas.put(format!(
            "<rect class=\"box\" x=\"{x:.1}\" y=\"{y:.1}\" width=\"{}\" height=\"{}\" rx=\"9\"/>",
            BOX.0, BOX.1
        ));
        canvas.text((x + BOX.0 / 2.0, y + 38.0), "strong", "middle", BOX.0 - 16.0, name);
        canvas.text((x + BOX.0 / 2.0, y + 57.0), "soft small", "middle", BOX.0, &count(*devices, "device"));
    }
    let description: Vec<String> = picture
        .flows
        .iter()
        .map(|((from, to), flow)| format!("{from} to {to}: {}", count(flow.conversations, "conversation")))
        .collect();
    Some(canvas.finish("What crosses from zone to zone", &description.join("; ")))
}

fn arrow(canvas: &mut Canvas, points: [(f64, f64); 4], class: &str, total: u64, title: &str) {
    let thick = 1.5 + ((total as f64).max(1.0).log10() - 3.0).clamp(0.0, 7.0) * 0.9;
    let [p, q, r, tip] = points;
    // The line ends where its head begins.
    let length = ((tip.0 - r.0).powi(2) + (tip.1 - r.1).powi(2)).sqrt().max(1.0);
    let (ux, uy) = ((tip.0 - r.0) / length, (tip.1 - r.1) / length);
    let (long, wide) = (8.0 + thick * 1.6, 4.0 + thick);
    let neck = (tip.0 - ux * long, tip.1 - uy * long);
    canvas.put(format!(
        "<path class=\"edge {class}\" stroke-width=\"{thick:.1}\" d=\"M{:.1} {:.1}C{:.1} {:.1} {:.1} {:.1} {:.1} {:.1}\"><title>{}</title></path>\
         <path class=\"head {class}\" d=\"M{:.1} {:.1}L{:.1} {:.1}L{:.1} {:.1}z\"/>",
        p.0, p.1, q.0, q.1, r.0 - ux * long, r.1 - uy * long, neck.0, neck.1,
        Safe(title),
        tip.0, tip.1,
        neck.0 - uy * wide, neck.1 + ux * wide,
        neck.0 + uy * wide, neck.1 - ux * wide
    ));
}

/// From one box to another: sideways between neighbours, round the outside where a column lies between or none does.
fn route(a: (f64, f64), b: (f64, f64), down: bool, bottom: f64) -> [(f64, f64); 4] {
    let right = b.0 > a.0;
    let distance = (b.0 - a.0).abs();
    if distance < 1.0 {
        let (x, bow) = (a.0 + BOX.0, if down { 110.0 } else { 60.0 });
        let (from, to) = (a.1 + BOX.1 * 0.6, b.1 + BOX.1 * 0.4);
        return [(x, from), (x + bow, from), (x + bow, to), (x, to)];
    }
    if distance > WIDTH / 2.0 {
        let (y, from, to) =
            if down { (bottom + 76.0, a.1 + BOX.1, b.1 + BOX.1) } else { (TOP - 78.0, a.1, b.1) };
        let (x1, x2) = (a.0 + BOX.0 / 2.0, b.0 + BOX.0 / 2.0);
        return [(x1, from), (x1, y), (x2, y), (x2, to)];
    }
    let (from, to) = if right { (a.0 + BOX.0, b.0) } else { (a.0, b.0 + BOX.0) };
    let bend = (to - from) * 0.4;
    let shift = if down { 0.72 } else { 0.28 };
    let sag = if down { 30.0 } else { -30.0 };
    let (y1, y2) = (a.1 + BOX.1 * shift, b.1 + BOX.1 * shift);
    [(from, y1), (from + bend, y1 + sag), (to - bend, y2 + sag), (to, y2)]
}
