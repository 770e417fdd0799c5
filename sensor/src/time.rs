//! Record time: the only clock the engine knows.
//!
//! Live, it is the kernel's clock mapped to wall time once per second; in replay, the capture's own stamps.

use std::fmt;
use std::time::Duration;

/// Nanoseconds since 1970-01-01T00:00:00Z. Arithmetic saturates: capture files hold any number.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
#[serde(transparent)]
pub struct Time(pub u64);

impl Time {
    /// One second, in the unit of [`Time`].
    pub const SECOND: u64 = 1_000_000_000;

    /// Whole seconds since the epoch.
    pub const fn seconds(self) -> u64 {
        self.0 / Self::SECOND
    }

    /// The instant `seconds` after the epoch.
    pub const fn from_seconds(seconds: u64) -> Self {
        Self(seconds.saturating_mul(Self::SECOND))
    }

    /// How long after `earlier` this is; zero where the clock ran backward.
    pub const fn since(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }

    /// This instant, `duration` later.
    pub fn plus(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)))
    }

    /// This instant, `duration` earlier.
    pub fn before(self, duration: Duration) -> Self {
        Self(self.0.saturating_sub(u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)))
    }
}

impl fmt::Display for Time {
    /// RFC 3339 in UTC with nanoseconds, as `@timestamp` carries it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_nanosecond(i128::from(self.0)) {
            Ok(timestamp) => write!(f, "{timestamp:.9}"),
            Err(_) => write!(f, "{} ns", self.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_prints_as_rfc3339_with_nanoseconds() {
        assert_eq!(Time(1_700_000_000_000_000_001).to_string(), "2023-11-14T22:13:20.000000001Z");
    }

    #[test]
    fn backward_time_counts_as_zero() {
        assert_eq!(Time(5).since(Time(9)), Duration::ZERO);
    }
}
