//! From the one user knob, `alert_budget` (false alarms a day), to the p-value below which a family raises.
//!
//! With N independent judgements a day and a threshold t, usual behaviour raises `N · t` false alarms a day at
//! most, because p-values are conservative. So `t = budget · share / N`. The shares of the families sum to 1.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{clamped, remaining};

const DAY_S: f64 = 86_400.0;

/// Models whose findings are governed by the budget. What one of them raises does not lower another's threshold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Family {
    /// Regular connections outwards.
    Beacon,
    /// Volumes of connections, and how long remote desktops last.
    DataTransfer,
    /// Failed connections outwards.
    ExternalFailures,
    /// Failed connections to industrial services.
    IcsFailures,
    /// Failed connections inside.
    InternalFailures,
    /// Malformed and refused messages.
    ProtocolAnomaly,
    /// New endpoints outside.
    RareExternal,
    /// TLS without a server's name.
    TlsNoSni,
}

impl Family {
    /// All, sorted by name.
    pub const ALL: [Self; 8] = [
        Self::Beacon,
        Self::DataTransfer,
        Self::ExternalFailures,
        Self::IcsFailures,
        Self::InternalFailures,
        Self::ProtocolAnomaly,
        Self::RareExternal,
        Self::TlsNoSni,
    ];

    /// The id of its model.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Beacon => "beacon",
            Self::DataTransfer => "data_transfer",
            Self::ExternalFailures => "external_failures",
            Self::IcsFailures => "ics_failures",
            Self::InternalFailures => "internal_failures",
            Self::ProtocolAnomaly => "protocol_anomaly",
            Self::RareExternal => "rare_external",
            Self::TlsNoSni => "tls_no_sni",
        }
    }

    /// Its part of the budget; all parts together are 1. What is nearest to the process gets most.
    pub const fn share(self) -> f64 {
        match self {
            Self::DataTransfer | Self::IcsFailures => 0.2,
            Self::InternalFailures | Self::ProtocolAnomaly => 0.15,
            Self::ExternalFailures | Self::RareExternal => 0.1,
            Self::Beacon | Self::TlsNoSni => 0.05,
        }
    }
}

/// The judgements of every family.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Budget {
    families: BTreeMap<Family, Judged>,
}

impl Budget {
    /// Counts one judgement of a family and says whether `p` is small enough to raise, with `budget` false alarms a day.
    pub fn unusual(&mut self, family: Family, p: f64, budget: f64) -> bool {
        self.judged(family, 1);
        p < self.threshold(family, budget)
    }

    /// Counts judgements of a family, those in which nothing happened included.
    pub fn judged(&mut self, family: Family, n: u64) {
        self.families.entry(family).or_default().record_many(n);
    }

    /// The p-value below which a family raises now.
    pub fn threshold(&self, family: Family, budget: f64) -> f64 {
        let new = Judged::default();
        self.families.get(&family).unwrap_or(&new).threshold(budget, family.share())
    }

    /// Judgements a day of a family, as its threshold counts them.
    pub fn per_day(&self, family: Family) -> f64 {
        self.families.get(&family).map_or(Judged::FLOOR, Judged::per_day)
    }

    /// Lets `observed` time pass.
    pub fn advance(&mut self, observed: Duration) {
        for family in Family::ALL {
            self.families.entry(family).or_default().advance(observed);
        }
    }
}

/// How many judgements a day a family makes, smoothed exponentially over observed time.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Judged {
    /// Judgements, faded.
    tests: f64,
    /// Observed days, faded alike; their ratio is the rate.
    days: f64,
}

impl Judged {
    /// Half-life of the smoothing: a week, so that weekends neither lift nor drop the threshold.
    pub const HALF_LIFE: Duration = Duration::from_secs(7 * 86_400);

    /// The least number of judgements a day assumed: a quiet plant must not lower its guard to `p < 0.1`.
    pub const FLOOR: f64 = 1000.0;

    /// Counts one judgement (one p-value compared with the threshold).
    pub fn record(&mut self) {
        self.record_many(1);
    }

    /// Counts so many judgements.
    pub fn record_many(&mut self, n: u64) {
        self.tests = (self.tests + n as f64).min(1e15);
    }

    /// Lets `observed` time pass.
    pub fn advance(&mut self, observed: Duration) {
        let kept = remaining(observed, Self::HALF_LIFE);
        self.tests *= kept;
        self.days = clamped(self.days * kept + observed.as_secs_f64() / DAY_S, 0.0, 1e6);
    }

    /// Judgements a day, at least [`Judged::FLOOR`]. Less than an hour of observation counts as an hour, so
    /// that a burst at start-up does not blind the family.
    pub fn per_day(&self) -> f64 {
        clamped(self.tests / self.days.max(1.0 / 24.0), Self::FLOOR, f64::MAX)
    }

    /// The p-value below which a finding is raised: `budget · share / N`.
    ///
    /// `budget` is in false alarms a day, `share` the family's part of it in `[0, 1]`. A budget or share that is
    /// negative or NaN raises nothing: the threshold is 0.
    pub fn threshold(&self, budget: f64, share: f64) -> f64 {
        clamped(clamped(budget, 0.0, f64::MAX) * clamped(share, 0.0, 1.0) / self.per_day(), 0.0, 1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::importance::draw::Draw;
    use proptest::prelude::*;

    fn days(judged: &mut Judged, days: u32, tests_a_day: u32) {
        for _ in 0..days * 24 {
            for _ in 0..tests_a_day / 24 {
                judged.record();
            }
            judged.advance(Duration::from_secs(3600));
        }
    }

    #[test]
    fn a_quiet_plant_is_judged_as_if_it_made_a_thousand_tests() {
        let mut judged = Judged::default();
        assert_eq!(judged.threshold(1.0, 0.2), 0.2 / 1000.0);
        days(&mut judged, 3, 24);
        assert_eq!(judged.threshold(1.0, 1.0), 1e-3);
    }

    #[test]
    fn the_rate_is_learned_and_follows_a_change() {
        let mut judged = Judged::default();
        days(&mut judged, 14, 24_000);
        assert!((judged.per_day() / 24_000.0 - 1.0).abs() < 0.01, "{}", judged.per_day());
        days(&mut judged, 60, 4_800);
        assert!((judged.per_day() / 4_800.0 - 1.0).abs() < 0.02, "{}", judged.per_day());
    }

    #[test]
    fn usual_behaviour_raises_about_the_budget() {
        let mut judged = Judged::default();
        let mut draw = Draw::seeded(11);
        days(&mut judged, 14, 24_000);
        let mut alarms = 0;
        for _ in 0..100 * 24 {
            for _ in 0..1000 {
                alarms += u32::from(draw.uniform() < judged.threshold(2.0, 0.5));
                judged.record();
            }
            judged.advance(Duration::from_secs(3600));
        }
        // One a day for 100 days: Poisson with standard deviation 10.
        assert!((70..=130).contains(&alarms), "{alarms}");
    }

    #[test]
    fn the_families_share_the_budget_and_do_not_disturb_each_other() {
        let sum: f64 = Family::ALL.iter().map(|family| family.share()).sum();
        assert!((sum - 1.0).abs() < 1e-12, "{sum}");
        assert!(Family::ALL.is_sorted_by_key(|family| family.name()));
        assert!(Family::ALL.iter().all(|family| crate::detect::by_id(family.name()).is_some()));
        let mut budget = Budget::default();
        for _ in 0..100_000 {
            assert!(!budget.unusual(Family::IcsFailures, 1.0, 1.0));
        }
        budget.advance(Duration::from_secs(86_400));
        assert!(budget.threshold(Family::IcsFailures, 1.0) < 1e-5);
        assert_eq!(budget.threshold(Family::DataTransfer, 1.0), 0.2 / 1000.0);
        let text = serde_json::to_string(&budget).unwrap();
        let read: Budget = serde_json::from_str(&text).unwrap();
        assert!(
            (read.per_day(Family::IcsFailures) / budget.per_day(Family::IcsFailures) - 1.0).abs() < 1e-12
        );
    }

    #[test]
    fn a_senseless_budget_raises_nothing() {
        let judged = Judged::default();
        assert_eq!(judged.threshold(f64::NAN, 1.0), 0.0);
        assert_eq!(judged.threshold(-3.0, 1.0), 0.0);
        assert_eq!(judged.threshold(f64::INFINITY, 1.0), 1.0);
    }

    proptest! {
        #[test]
        fn a_threshold_is_a_probability(budget in any::<f64>(), share in any::<f64>(), s in any::<u64>(), n in 0u32..50) {
            let mut judged = Judged::default();
            (0..n).for_each(|_| judged.record());
            judged.advance(Duration::from_secs(s));
            let t = judged.threshold(budget, share);
            prop_assert!((0.0..=1.0).contains(&t));
        }
    }
}
