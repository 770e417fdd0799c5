//! When an allowance holds: hours of the week, and an end.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::time::Time;

const DAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
const MINUTE: u64 = 60;
const DAY: u64 = 86_400;

/// Minutes that local clocks are ahead of UTC; a site has one, without daylight saving.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct UtcOffset(i32);

impl UtcOffset {
    /// How far the site's clocks are ahead of UTC, in seconds.
    pub fn seconds(self) -> i32 {
        self.0.saturating_mul(60)
    }

    /// Seconds since the epoch as the site's clocks show them.
    fn local(self, at: Time) -> u64 {
        at.seconds().saturating_add_signed(i64::from(self.0).saturating_mul(60))
    }
}

impl FromStr for UtcOffset {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is no offset from UTC; write it as +02:00");
        let (sign, rest) = match text.split_at_checked(1) {
            Some(("+", rest)) => (1, rest),
            Some(("-", rest)) => (-1, rest),
            _ => return Err(wrong()),
        };
        let minutes = clock(rest).filter(|minutes| *minutes <= 14 * 60).ok_or_else(wrong)?;
        Ok(Self(i32::from(minutes).saturating_mul(sign)))
    }
}

impl<'de> Deserialize<'de> for UtcOffset {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

/// `Sun 02:00-06:00`, `Mon-Fri 06:00-18:00`, `Sat,Sun 00:00-24:00`, `22:00-04:00` (every day); several with `; `
/// between them. A window that ends before it begins runs over midnight and belongs to the day it begins on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Schedule {
    windows: Vec<Window>,
    text: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Window {
    /// A bit a day, Monday the lowest.
    days: u8,
    /// Minutes after midnight.
    from: u16,
    /// Minutes after midnight, exclusive; beyond 1440 on the next day.
    to: u16,
}

impl Window {
    fn holds(self, local: u64) -> bool {
        // The epoch was a Thursday.
        let weekday = |seconds: u64| (seconds / DAY).wrapping_add(3) % 7;
        let minute = local % DAY / MINUTE;
        let on = |day: u64, minute: u64| {
            self.days >> day & 1 == 1 && (u64::from(self.from)..u64::from(self.to)).contains(&minute)
        };
        on(weekday(local), minute)
            || on(weekday(local).wrapping_add(6) % 7, minute.saturating_add(DAY / MINUTE))
    }
}

impl Schedule {
    /// Whether it holds at `at`, by clocks that are `offset` ahead of UTC.
    pub fn holds(&self, at: Time, offset: UtcOffset) -> bool {
        self.windows.iter().any(|window| window.holds(offset.local(at)))
    }
}

/// Minutes in `hh:mm`, up to 24:00.
fn clock(text: &str) -> Option<u16> {
    let (hours, minutes) = text.split_once(':')?;
    let two = |text: &str| (text.len() == 2).then(|| text.parse::<u16>().ok()).flatten();
    let (hours, minutes) = (two(hours)?, two(minutes)?);
    (minutes < 60 && (hours < 24 || (hours == 24 && minutes == 0)))
        .then(|| hours.saturating_mul(60).saturating_add(minutes))
}

fn days(text: &str) -> Option<u8> {
    let number = |name: &str| DAYS.iter().position(|day| day.eq_ignore_ascii_case(name));
    let mut bits = 0_u8;
    for part in text.split(',') {
        let (first, last) = match part.split_once('-') {
            Some((first, last)) => (number(first)?, number(last)?),
            None => (number(part)?, number(part)?),
        };
        // Fri-Mon goes over the end of the week.
        let length = last.wrapping_add(7).wrapping_sub(first) % 7;
        for day in 0..=length {
            bits |= 1_u8.wrapping_shl(u32::try_from(first.wrapping_add(day) % 7).ok()?);
        }
    }
    Some(bits)
}

fn window(text: &str) -> Option<Window> {
    let (when, hours) = text.rsplit_once(' ').unwrap_or(("Mon-Sun", text));
    let (from, to) = hours.split_once('-')?;
    let (from, to) = (clock(from)?, clock(to)?);
    if from == to || from >= 1440 {
        return None;
    }
    let to = if to < from { to.saturating_add(1440) } else { to };
    Some(Window { days: days(when)?, from, to })
}

impl FromStr for Schedule {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let windows: Option<Vec<Window>> = text.split(';').map(|part| window(part.trim())).collect();
        let windows = windows.ok_or_else(|| {
            format!("`{text}` is no schedule; write it as `Sun 02:00-06:00` or `Mon-Fri 06:00-18:00`")
        })?;
        Ok(Self { windows, text: text.to_owned() })
    }
}

impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl<'de> Deserialize<'de> for Schedule {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

impl Serialize for Schedule {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

/// The end of an allowance: a day, which it includes, or a moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Until {
    /// To the end of this day by the site's clocks, in days since the epoch.
    Day(u64),
    /// To this moment.
    Moment(Time),
}

impl Until {
    /// Whether it is over at `at`.
    pub fn is_over(&self, at: Time, offset: UtcOffset) -> bool {
        match self {
            Self::Day(day) => offset.local(at) / DAY > *day,
            Self::Moment(moment) => at > *moment,
        }
    }
}

impl FromStr for Until {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let nanoseconds = |text: &str| {
            let moment: jiff::Timestamp = text.parse().ok()?;
            u64::try_from(moment.as_nanosecond()).ok().map(Time)
        };
        if let Ok(date) = text.parse::<jiff::civil::Date>()
            && text.len() == 10
            && let Some(midnight) = nanoseconds(&format!("{date}T00:00:00Z"))
        {
            return Ok(Self::Day(midnight.seconds() / DAY));
        }
        nanoseconds(text).map(Self::Moment).ok_or_else(|| {
            format!("`{text}` is no end; write a day as 2030-12-31 or a moment as 2030-12-31T18:00:00Z")
        })
    }
}

impl<'de> Deserialize<'de> for Until {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // TOML has dates of its own: with and without quotes is the same here.
        let text = match toml::Value::deserialize(deserializer)? {
            toml::Value::String(text) => text,
            toml::Value::Datetime(moment) => moment.to_string(),
            other => other.to_string(),
        };
        text.parse().map_err(de::Error::custom)
    }
}

impl fmt::Display for Until {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Day(day) => {
                let midnight = Time::from_seconds(day.saturating_mul(DAY)).to_string();
                f.write_str(midnight.split('T').next().unwrap_or_default())
            }
            Self::Moment(moment) => write!(f, "{moment}"),
        }
    }
}

impl Serialize for Until {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Time {
        let Ok(Until::Moment(moment)) = text.parse() else { panic!("{text}") };
        moment
    }

    fn holds(schedule: &str, offset: &str, moment: &str) -> bool {
        schedule.parse::<Schedule>().unwrap().holds(at(moment), offset.parse().unwrap())
    }

    #[test]
    fn a_weekly_window_holds_from_its_first_minute_to_before_its_last() {
        // 2023-11-12 was a Sunday.
        assert!(!holds("Sun 02:00-06:00", "+00:00", "2023-11-12T01:59:59Z"));
        assert!(holds("Sun 02:00-06:00", "+00:00", "2023-11-12T02:00:00Z"));
        assert!(holds("Sun 02:00-06:00", "+00:00", "2023-11-12T05:59:59Z"));
        assert!(!holds("Sun 02:00-06:00", "+00:00", "2023-11-12T06:00:00Z"));
        assert!(!holds("Sun 02:00-06:00", "+00:00", "2023-11-13T03:00:00Z"));
    }

    #[test]
    fn ranges_and_lists_of_days_are_understood() {
        assert!(holds("Mon-Fri 06:00-18:00", "+00:00", "2023-11-17T12:00:00Z"));
        assert!(!holds("Mon-Fri 06:00-18:00", "+00:00", "2023-11-18T12:00:00Z"));
        assert!(holds("Fri-Mon 06:00-18:00", "+00:00", "2023-11-19T12:00:00Z"));
        assert!(!holds("Fri-Mon 06:00-18:00", "+00:00", "2023-11-15T12:00:00Z"));
        assert!(holds("Tue,Sat 00:00-24:00", "+00:00", "2023-11-18T23:59:59Z"));
        assert!(holds("Tue 01:00-02:00; Sat 03:00-04:00", "+00:00", "2023-11-18T03:30:00Z"));
    }

    #[test]
    fn a_window_over_midnight_belongs_to_the_day_it_begins_on() {
        assert!(holds("Sun 22:00-02:00", "+00:00", "2023-11-12T23:00:00Z"));
        assert!(holds("Sun 22:00-02:00", "+00:00", "2023-11-13T01:59:00Z"));
        assert!(!holds("Sun 22:00-02:00", "+00:00", "2023-11-12T01:00:00Z"));
        assert!(holds("22:00-02:00", "+00:00", "2023-11-15T01:00:00Z"));
    }

    #[test]
    fn clocks_ahead_of_utc_move_the_window() {
        assert!(holds("Sun 02:00-06:00", "+02:00", "2023-11-12T00:00:00Z"));
        assert!(holds("Mon 00:00-01:00", "+05:30", "2023-11-12T18:30:00Z"));
        assert!(holds("Sat 20:00-21:00", "-05:00", "2023-11-12T01:00:00Z"));
    }

    #[test]
    fn what_is_no_schedule_is_refused() {
        for text in [
            "",
            "Sun",
            "Son 02:00-06:00",
            "Sun 2:00-6:00",
            "Sun 02:00-25:00",
            "Sun 02:00-02:00",
            "24:00-01:00",
        ] {
            assert!(text.parse::<Schedule>().unwrap_err().contains("; write it as"), "{text}");
        }
        assert!("2:00".parse::<UtcOffset>().is_err() && "+15:00".parse::<UtcOffset>().is_err());
    }

    #[test]
    fn a_last_day_is_included() {
        let until: Until = "2023-11-12".parse().unwrap();
        assert!(!until.is_over(at("2023-11-12T23:59:59Z"), UtcOffset::default()));
        assert!(until.is_over(at("2023-11-13T00:00:00Z"), UtcOffset::default()));
        assert!(until.is_over(at("2023-11-12T22:00:00Z"), "+02:00".parse().unwrap()));
        assert_eq!(until.to_string(), "2023-11-12");
    }

    #[test]
    fn a_last_moment_is_the_last() {
        let until: Until = "2023-11-12T18:00:00+01:00".parse().unwrap();
        assert!(!until.is_over(at("2023-11-12T17:00:00Z"), UtcOffset::default()));
        assert!(until.is_over(at("2023-11-12T17:00:01Z"), UtcOffset::default()));
    }
}
