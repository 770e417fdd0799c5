//! How long people sit at a remote desktop, against how long they usually do.

use std::time::Duration;

use crate::importance::budget::Family;
use crate::importance::volumes::Prior;
use crate::state::World;
use crate::state::connection::Connection;

/// Nobody is told of less, however short sessions usually are.
const FLOOR: Duration = Duration::from_secs(3600);
/// Before anything is learned: a session of half an hour, give or take a factor of six. A first whole day says little.
const PRIOR: Prior = Prior { typical: 1800.0, spread: 6.0, weight: 1.0, freedom: 4.0 };

/// A session that is longer than usual.
pub struct Sitting {
    /// Seconds so far.
    pub seconds: f64,
    /// Seconds that are usual (the median).
    pub expected: f64,
    /// Sessions that were learned.
    pub support: f64,
    /// The probability of one as long.
    pub p: f64,
}

/// Judges how long a session has lasted; `over`: it ended, and counts as one judgement.
pub fn judge(connection: &Connection, over: bool, world: &mut World) -> Option<Sitting> {
    if !connection.is_sitting() || connection.lasted() < FLOOR {
        return None;
    }
    let known = world.conversation(connection).filter(|known| known.taught)?;
    let durations = known.durations.as_deref().copied().unwrap_or_default();
    let seconds = connection.lasted().as_secs_f64();
    let p = durations.p(PRIOR, seconds);
    let unusual =
        if over { world.unusual(Family::DataTransfer, p) } else { p < world.threshold(Family::DataTransfer) };
    let (expected, support) = (durations.expected(PRIOR), durations.support());
    unusual.then_some(Sitting { seconds, expected, support, p })
}

impl Sitting {
    /// The numbers in words.
    pub fn words(&self) -> String {
        let learned = format!("{:.0} sessions of this pair", self.support);
        format!(
            "it has lasted {:.1} h; of {learned} half were over after {:.0} min, {:.0} times less",
            self.seconds / 3600.0,
            self.expected / 60.0,
            self.seconds / self.expected.max(1.0)
        )
    }
}
