//! What the models that count have in common: one more event of a host, against how many are usual for it.

use std::net::IpAddr;

use super::Draft;
use crate::importance::budget::Family;
use crate::importance::counts::Prior;
use crate::state::tally::{Tally, WINDOW};
use crate::state::{Host, World};
use crate::time::Time;

/// A count that is more than usual.
pub struct Count {
    /// Events in the window.
    pub n: u64,
    /// What they weigh: different ends in full, repetitions damped ([`Tally::weight`]).
    pub weight: u64,
    /// The probability of at least that much.
    pub p: f64,
    /// What is usual in a window.
    pub expected: f64,
    ends: Vec<(IpAddr, u16)>,
    /// Different ends.
    pub total: u64,
}

/// Counts one event of `client` towards `end`, and judges it if `judged` says so.
pub fn count(
    world: &mut World,
    now: Time,
    client: IpAddr,
    end: (IpAddr, u16),
    (family, prior, judged): (Family, Prior, bool),
    tally: fn(&mut Host) -> &mut Tally,
) -> Option<Count> {
    let counted = tally(world.host(client, now));
    let n = counted.add(now, end);
    if !judged {
        return None;
    }
    let (p, expected, weight) = (counted.p(prior), counted.expected(prior), counted.weight());
    if !world.unusual(family, p) {
        return None;
    }
    let counted = tally(world.host(client, now));
    counted.taint();
    let (ends, total) = counted.ends();
    Some(Count { n, weight, p, expected, ends: ends.collect(), total })
}

impl Count {
    /// The numbers and ends, for the finding.
    pub fn tell(&self, draft: Draft, unit: &str) -> Draft {
        let draft = draft.p(self.p).measured(self.weight as f64, self.expected, unit, WINDOW);
        let draft = self.ends.iter().fold(draft, |draft, (ip, port)| draft.target(*ip, *port));
        draft.targets_total(self.total)
    }

    /// "12 times", or what repetitions count for.
    pub fn words(&self) -> String {
        let minutes = WINDOW.as_secs() / 60;
        let ends = if self.total == 1 {
            "one destination".to_owned()
        } else {
            format!("{} destinations", self.total)
        };
        let damped = if self.weight < self.n {
            format!(" (repetitions damped: {})", self.weight)
        } else {
            String::new()
        };
        format!("within {minutes} minutes, to {ends}{damped}; {:.1} are usual", self.expected)
    }
}
