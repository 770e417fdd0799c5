//! Days, hours and their names, in UTC: the plant lives in it.

use crate::conversation::{DAY, HOUR, MIN, SEC};

/// Monday to Friday.
#[must_use]
pub fn is_working_day(at_ns: u64) -> bool {
    // 1970-01-01 was a Thursday: day 4 when Sunday is 0.
    (1..=5).contains(&((at_ns / DAY + 4) % 7))
}

/// Nanoseconds since midnight.
pub(super) fn time_of_day(at_ns: u64) -> u64 {
    at_ns % DAY
}

/// The first time of day `offset_ns` (since midnight) at or after `at_ns`.
pub(super) fn next_time_of_day(at_ns: u64, offset_ns: u64) -> u64 {
    let today = at_ns - time_of_day(at_ns) + offset_ns;
    if today >= at_ns { today } else { today + DAY }
}

/// Year, month, day of a day count since 1970-01-01 (Hinnant, "chrono-Compatible Low-Level Date Algorithms").
fn civil(days: u64) -> (u64, u64, u64) {
    let z = days + 719_468;
    let (era, of_era) = (z / 146_097, z % 146_097);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    (year_of_era + era * 400 + u64::from(month <= 2), month, day)
}

/// The inverse of [`civil`], for years from 1970 on.
fn days(year: u64, month: u64, day: u64) -> u64 {
    let year = if month <= 2 { year - 1 } else { year };
    let (era, of_era) = (year / 400, year % 400);
    let of_year = (153 * (if month > 2 { month - 3 } else { month + 9 }) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

/// RFC 3339 in UTC, whole seconds.
#[must_use]
pub fn rfc3339(at_ns: u64) -> String {
    let (year, month, day) = civil(at_ns / DAY);
    let t = time_of_day(at_ns);
    let (h, m, s) = (t / HOUR, t / MIN % 60, t / SEC % 60);
    format!("{year:04}-{month:02}-{day:02}T{h:02}:{m:02}:{s:02}Z")
}

/// Nanoseconds since 1970 from Unix seconds (`1773234000`) or RFC 3339 in UTC (`2026-03-11T13:00:00Z`).
///
/// # Errors
/// One line naming the text, when it is neither or before 1970.
pub fn parse_time(text: &str) -> Result<u64, String> {
    let wrong = || format!("time {text:?}: expected Unix seconds or YYYY-MM-DDTHH:MM:SSZ");
    if let Ok(seconds) = text.parse::<u64>() {
        return seconds.checked_mul(SEC).ok_or_else(wrong);
    }
    let bytes = text.as_bytes();
    let punctuation = [(4, b'-'), (7, b'-'), (10, b'T'), (13, b':'), (16, b':'), (19, b'Z')];
    if bytes.len() != 20 || !text.is_ascii() || punctuation.iter().any(|&(at, c)| bytes[at] != c) {
        return Err(wrong());
    }
    let number = |from: usize, to: usize| text[from..to].parse::<u64>().map_err(|_| wrong());
    let (year, month, day) = (number(0, 4)?, number(5, 7)?, number(8, 10)?);
    let (h, m, s) = (number(11, 13)?, number(14, 16)?, number(17, 19)?);
    if year < 1970 || !(1..=12).contains(&month) || h > 23 || m > 59 || s > 59 || day == 0 {
        return Err(wrong());
    }
    let count = days(year, month, day);
    if civil(count) != (year, month, day) {
        return Err(wrong());
    }
    Ok(count * DAY + h * HOUR + m * MIN + s * SEC)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_back_as_written() {
        for (text, seconds) in
            [("2026-03-11T13:00:00Z", 1_773_234_000), ("2024-02-29T23:59:59Z", 1_709_251_199)]
        {
            assert_eq!(parse_time(text), Ok(seconds * SEC));
            assert_eq!(rfc3339(seconds * SEC), text);
        }
    }

    #[test]
    fn a_day_that_does_not_exist_is_refused() {
        assert!(parse_time("2025-02-29T00:00:00Z").is_err());
        assert!(parse_time("yesterday").is_err());
    }

    #[test]
    fn saturdays_are_free() {
        assert!(is_working_day(parse_time("2026-03-13T12:00:00Z").unwrap()));
        assert!(!is_working_day(parse_time("2026-03-14T12:00:00Z").unwrap()));
    }
}
