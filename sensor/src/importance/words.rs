//! The numbers behind a judgement, and the same in words.

use std::borrow::Cow;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::Importance;

/// What was observed, what was expected, over how long, and how unusual that is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Explained {
    /// `-log10 p` of the observation.
    pub importance: Importance,
    /// What was observed, in `unit`.
    pub observed: f64,
    /// What the learned model expects in the same window, in `unit`; zero where nothing was ever seen.
    pub expected: f64,
    /// What is counted or measured, in the plural: "refused connections", "bytes".
    pub unit: Cow<'static, str>,
    /// Length of the window in seconds.
    pub window_s: f64,
    /// The comparison for a person: "300× its usual day".
    pub words: String,
}

impl Explained {
    /// Explains `observed` against `expected`, both in `unit` and over the same `window`.
    pub fn new(
        importance: Importance,
        observed: f64,
        expected: f64,
        unit: impl Into<Cow<'static, str>>,
        window: Duration,
    ) -> Self {
        let window_s = window.as_secs_f64();
        let words = compare(observed, expected, window_s);
        Self { importance, observed, expected, unit: unit.into(), window_s, words }
    }
}

/// The comparison in words. A ratio to less than one expected event would sound absurd ("4000× its usual minute"
/// for four failures), so below one the usual frequency is given instead.
fn compare(observed: f64, expected: f64, window_s: f64) -> String {
    let window = span(window_s);
    if !(expected > 0.0 && expected.is_finite() && observed.is_finite()) {
        return format!("{} in {}, never seen before", number(observed), article(&window));
    }
    if expected < 1.0 {
        let every = span(window_s / expected);
        return format!("{} in {}, usually one in {}", number(observed), article(&window), article(&every));
    }
    let ratio = observed / expected;
    match ratio {
        r if r >= 1e6 => format!("more than a million times its usual {window}"),
        r if r >= 9.95 => format!("{r:.0}× its usual {window}"),
        r if r >= 1.25 => format!("{r:.1}× its usual {window}"),
        r if r > 0.8 => format!("about its usual {window}"),
        r if r >= 0.01 => format!("{:.0}% of its usual {window}", r * 100.0),
        _ => format!("less than 1% of its usual {window}"),
    }
}

/// A whole number without decimals, otherwise one decimal.
fn number(value: f64) -> String {
    if value.fract() == 0.0 { format!("{value:.0}") } else { format!("{value:.1}") }
}

/// A duration as a person says it: "day", "5 minutes", "2.5 hours".
fn span(seconds: f64) -> String {
    const UNITS: [(f64, &str); 6] = [
        (365.25 * 86_400.0, "year"),
        (7.0 * 86_400.0, "week"),
        (86_400.0, "day"),
        (3_600.0, "hour"),
        (60.0, "minute"),
        (1.0, "second"),
    ];
    if seconds > 100.0 * 365.25 * 86_400.0 {
        return "century".to_owned();
    }
    let fits = |(length, _): &(f64, &str)| seconds >= *length * 0.999;
    let (length, name) = UNITS.into_iter().find(fits).unwrap_or((1.0, "second"));
    let rounded = (seconds / length * 10.0).round() / 10.0;
    if rounded == 1.0 { name.to_owned() } else { format!("{rounded} {name}s") }
}

/// "a minute", "an hour", "5 minutes".
fn article(span: &str) -> String {
    match span.as_bytes().first() {
        Some(digit) if digit.is_ascii_digit() => span.to_owned(),
        Some(b'h') => format!("an {span}"),
        _ => format!("a {span}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const DAY: f64 = 86_400.0;

    #[test]
    fn a_large_ratio_is_told_as_times_its_usual_window() {
        assert_eq!(compare(3.0e9, 1.0e7, DAY), "300× its usual day");
        assert_eq!(compare(25.0, 10.0, 60.0), "2.5× its usual minute");
        assert_eq!(compare(10.0, 10.0, 300.0), "about its usual 5 minutes");
        assert_eq!(compare(1.0, 20.0, 7.0 * DAY), "5% of its usual week");
    }

    #[test]
    fn a_rare_event_is_told_by_how_rare_it_is() {
        assert_eq!(compare(40.0, 1.0 / 120.0, 60.0), "40 in a minute, usually one in 2 hours");
        assert_eq!(compare(3.0, 0.5, 3_600.0), "3 in an hour, usually one in 2 hours");
    }

    #[test]
    fn nothing_expected_is_never_seen_before() {
        assert_eq!(compare(12.0, 0.0, 60.0), "12 in a minute, never seen before");
        assert_eq!(compare(12.0, f64::NAN, 60.0), "12 in a minute, never seen before");
    }

    #[test]
    fn the_numbers_survive_a_round_trip() {
        let told = Explained::new(Importance::from_p(1e-5), 900.0, 3.0, "bytes", Duration::from_secs(86_400));
        let json = serde_json::to_string(&told).unwrap();
        assert_eq!(serde_json::from_str::<Explained>(&json).unwrap(), told);
        assert_eq!(told.words, "300× its usual day");
    }

    proptest! {
        #[test]
        fn words_are_short_whatever_the_numbers(a in 0.0..1e300, b in 0.0..1e300, s in 0.0..1e12) {
            prop_assert!(compare(a, b, s).len() < 400);
        }
    }
}
