//! A drawing that grows from left to right and top to bottom: SVG with the page's own colours.

use std::fmt::{Display, Write as _};

use super::escape::Safe;
use crate::time::Time;

/// Width of every drawing, in its own units; the page scales it.
pub const WIDTH: f64 = 1120.0;

/// SVG in the making.
pub struct Canvas {
    body: String,
    height: f64,
}

impl Canvas {
    /// An empty drawing of this height.
    pub fn new(height: f64) -> Self {
        Self { body: String::new(), height }
    }

    /// Puts an element. What came from the wire goes through [`Safe`] first.
    pub fn put(&mut self, element: impl Display) {
        let _never_fails = writeln!(self.body, "{element}");
    }

    /// A text, cut to `room` units.
    pub fn text(&mut self, (x, y): (f64, f64), class: &str, anchor: &str, room: f64, text: &str) {
        let cut = fit(text, room);
        let _never_fails = writeln!(
            self.body,
            "<text x=\"{x:.1}\" y=\"{y:.1}\" class=\"{class}\" text-anchor=\"{anchor}\">{}</text>",
            Safe(cut)
        );
    }

    /// The element for the page, with what it shows for who cannot see it.
    pub fn finish(self, title: &str, description: &str) -> String {
        format!(
            "<div class=\"scroll\"><svg role=\"img\" viewBox=\"0 0 {WIDTH} {:.0}\" xmlns=\"http://www.w3.org/2000/svg\">\
             <title>{}</title><desc>{}</desc>\n{}</svg></div>",
            self.height,
            Safe(title),
            Safe(description),
            self.body
        )
    }
}

/// About how wide a text is at 12 units; generous, since nobody measures fonts here.
pub fn width(text: &str) -> f64 {
    text.chars().map(|c| if c.is_ascii() { 6.4 } else { 9.0 }).sum()
}

/// As much of a text as there is room for.
pub fn fit(text: &str, room: f64) -> String {
    if width(text) <= room {
        return text.to_owned();
    }
    let mut cut = String::new();
    let mut used = 9.0;
    for c in text.chars() {
        used += if c.is_ascii() { 6.4 } else { 9.0 };
        if used > room {
            break;
        }
        cut.push(c);
    }
    cut.push('…');
    cut
}

/// Record time on the horizontal axis.
#[derive(Clone, Copy, Debug)]
pub struct Scale {
    from: f64,
    to: f64,
    left: f64,
    right: f64,
}

impl Scale {
    /// From one moment to another, at least a minute apart and with a little room on both sides.
    pub fn new(from: Time, to: Time, left: f64, right: f64) -> Self {
        let (from, to) = (from.0 as f64 / 1e9, to.0 as f64 / 1e9);
        let room = ((to - from) * 0.02).max((60.0 - (to - from)) / 2.0).max(1.0);
        Self { from: from - room, to: to + room, left, right }
    }

    /// Where a moment is.
    pub fn x(&self, at: Time) -> f64 {
        self.seconds(at.0 as f64 / 1e9)
    }

    fn seconds(&self, at: f64) -> f64 {
        let part = (at - self.from) / (self.to - self.from);
        self.left + part.clamp(0.0, 1.0) * (self.right - self.left)
    }

    /// Seconds shown.
    pub fn span_s(&self) -> f64 {
        self.to - self.from
    }

    /// Round moments, at most eleven, with their label.
    pub fn ticks(&self) -> Vec<(f64, String)> {
        const STEPS: [u32; 15] =
            [10, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 21_600, 43_200, 86_400, 172_800, 604_800];
        let span = self.span_s();
        let step = STEPS.into_iter().map(f64::from).find(|step| span / step <= 10.0).unwrap_or(span / 10.0);
        let mut ticks = Vec::new();
        let mut at = (self.from / step).ceil() * step;
        let mut day = String::new();
        while at <= self.to && ticks.len() < 16 {
            let text = Time::from_seconds(at.max(0.0) as u64).to_string();
            let (date, clock) = text.split_once('T').unwrap_or((&text, ""));
            let clock = clock.get(..if step < 60.0 { 8 } else { 5 }).unwrap_or(clock);
            let label = match (date == day, step >= 86_400.0) {
                (_, true) => date.to_owned(),
                (true, false) => clock.to_owned(),
                (false, false) => format!("{date} {clock}"),
            };
            date.clone_into(&mut day);
            ticks.push((self.seconds(at), label));
            at += step;
        }
        ticks
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_few_and_in_order() {
        for span in [0_u64, 1, 59, 600, 10_000, 86_400, 30 * 86_400, 3000 * 86_400] {
            let start = 1_700_000_123;
            let scale =
                Scale::new(Time::from_seconds(start), Time::from_seconds(start + span), 100.0, 1100.0);
            let ticks = scale.ticks();
            assert!((2..=16).contains(&ticks.len()), "{span}: {ticks:?}");
            assert!(ticks.is_sorted_by(|a, b| a.0 < b.0));
            assert!(ticks.iter().all(|(x, _)| (100.0..=1100.0).contains(x)));
        }
    }

    #[test]
    fn a_text_is_cut_to_its_room() {
        assert_eq!(fit("short", 100.0), "short");
        let cut = fit(&"x".repeat(500), 100.0);
        assert!(cut.ends_with('…') && width(&cut) <= 100.0);
        assert_eq!(fit("", 0.0), "");
    }
}
