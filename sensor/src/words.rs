//! Numbers and moments as people read them, the same in text and in the report.

use crate::time::Time;

/// To the second, in UTC: what a log is searched for.
pub fn second(time: Time) -> String {
    let text = time.to_string();
    text.split_once('.').map_or(text.clone(), |(seconds, _)| seconds.replace('T', " "))
}

/// `1.4 MB`, in powers of a thousand, as network people count.
pub fn bytes(n: u64) -> String {
    const UNITS: [&str; 5] = ["kB", "MB", "GB", "TB", "PB"];
    if n < 1000 {
        return format!("{n} B");
    }
    let mut value = n as f64 / 1000.0;
    let mut unit = "kB";
    for next in UNITS.into_iter().skip(1) {
        if value < 999.95 {
            break;
        }
        value /= 1000.0;
        unit = next;
    }
    if value < 9.95 { format!("{value:.1} {unit}") } else { format!("{value:.0} {unit}") }
}

/// `2 h 5 min`: a length of time in its two largest units.
pub fn span(of: std::time::Duration) -> String {
    let seconds = of.as_secs();
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3600 % 24, seconds / 60 % 60);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds} s"),
        (0, 0, minutes) => two((minutes, "min"), (seconds % 60, "s")),
        (0, hours, minutes) => two((hours, "h"), (minutes, "min")),
        (days, hours, _) => two((days, "d"), (hours, "h")),
    }
}

fn two((large, of_large): (u64, &str), (small, of_small): (u64, &str)) -> String {
    if small == 0 { format!("{large} {of_large}") } else { format!("{large} {of_large} {small} {of_small}") }
}

/// `1 connection`, `3 connections`: for nouns whose plural is made with an s.
pub fn count(n: u64, noun: &str) -> String {
    if n == 1 { format!("1 {noun}") } else { format!("{n} {noun}s") }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn sizes_are_told_with_two_or_three_digits() {
        let told = [0, 999, 1000, 1449, 99_960, 999_949, 999_950, 12_000_000_000].map(bytes);
        assert_eq!(told, ["0 B", "999 B", "1.0 kB", "1.4 kB", "100 kB", "1000 kB", "1.0 MB", "12 GB"]);
        assert_eq!(bytes(u64::MAX), "18447 PB");
    }

    #[test]
    fn spans_are_told_in_two_units() {
        let told = [0, 59, 600, 61, 3660, 90_000].map(|s| span(Duration::from_secs(s)));
        assert_eq!(told, ["0 s", "59 s", "10 min", "1 min 1 s", "1 h 1 min", "1 d 1 h"]);
    }
}
