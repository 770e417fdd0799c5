//! What the models that count have in common: one more event of a host, against how many are usual for it.

use super::finding::{Basis, Stage};
use super::{Context, Detector, Draft, Findings, Happening, Interest, Spec};
use crate::importance::budget::Family;
use crate::importance::counts::Prior;
use crate::state::SiteAddr;
use crate::state::connection::Connection;
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
    ends: Vec<(SiteAddr, u16)>,
    /// Different ends.
    pub total: u64,
}

/// Counts one event of `client` towards `end`, and judges it if `judged` says so.
pub fn count(
    world: &mut World,
    now: Time,
    client: SiteAddr,
    end: (SiteAddr, u16),
    (family, prior, judged): (Family, Prior, bool),
    tally: fn(&mut Host) -> &mut Tally,
) -> Option<Count> {
    let counted = tally(world.host(client, now));
    let (n, ended) = counted.add(now, end);
    if !judged {
        return None;
    }
    let (p, expected, weight) = (counted.p(prior), counted.expected(prior), counted.weight());
    // A window is one judgement, however many events it is looked at for: only the last look counts, and a quiet one is one too.
    world.site.budget.judged(family, ended);
    if p >= world.threshold(family) {
        return None;
    }
    let counted = tally(world.host(client, now));
    counted.taint();
    let (ends, total) = counted.ends();
    Some(Count { n, weight, p, expected, ends: ends.collect(), total })
}

/// A model of failed connections.
pub struct Failures {
    /// The model.
    pub spec: &'static Spec,
    /// Which connections are its.
    pub concerns: fn(&Connection, &World) -> bool,
    /// Whether they are judged, or only counted.
    pub judged: fn(&Connection, &World) -> bool,
    /// Its part of the alert budget.
    pub family: Family,
    /// What is usual before anything is learned.
    pub prior: fn() -> Prior,
    /// Where the hosts keep their count.
    pub tally: fn(&mut Host) -> &mut Tally,
    /// Where they went, for people.
    pub to: &'static str,
    /// The stage of an incident.
    pub stage: Stage,
}

impl Detector for Failures {
    fn interest(&self) -> Interest {
        Interest::FAILED
    }

    fn on(&mut self, happening: &Happening<'_>, context: &mut Context<'_>, findings: &mut Findings) {
        let Happening::Failed(connection) = happening else { return };
        let world = &mut *context.world;
        if !(self.concerns)(connection, world) {
            return;
        }
        let (client, server, now) = (connection.client.ip, connection.server, context.now);
        if connection.stealthy {
            // No count is needed: nobody's software does that.
            let draft = Draft::new(self.spec, connection, now).stage(self.stage).same("stealth").summary(format!(
                "{client} looks for open ports at {}:{} by a TCP segment with neither SYN nor ACK, which no stack sends; it was refused",
                server.ip, server.port
            ));
            findings.raise(draft, world);
        }
        let judge = (self.family, (self.prior)(), (self.judged)(connection, world));
        let Some(count) = count(world, now, client, (server.ip, server.port), judge, self.tally) else {
            return;
        };
        let draft = Draft::about(self.spec, client, now).basis(Basis::Statistical).stage(self.stage).summary(
            format!("{} of {client}'s connections to {} failed {}", count.n, self.to, count.words()),
        );
        findings.raise(count.tell(draft, "failed connections"), world);
    }
}

/// Whether failures inside are judged: one end is known well enough, or a new device is at a site that is.
pub fn judged_inside(connection: &Connection, world: &World) -> bool {
    world.judges_numbers(connection.client.ip, connection.server.ip)
        || world.judges_numbers_outward(connection.client.ip)
}

/// What is usual inside before anything is learned: two failures an hour, worth an hour of watching. A first refused
/// connection says nothing, a hundred in a minute need no baseline.
pub fn prior_inside() -> Prior {
    Prior::new(2.0, std::time::Duration::from_secs(3600))
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

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::state::world::Settings;
    use crate::state::zone::Zones;

    /// Splitmix64: this test needs chance, the engine has none.
    struct Chance(u64);

    impl Chance {
        fn unit(&mut self) -> f64 {
            self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut z = self.0;
            z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            ((z ^ (z >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
        }

        fn wait(&mut self, mean_s: f64) -> f64 {
            -mean_s * (1.0 - self.unit()).ln()
        }
    }

    fn prior() -> Prior {
        Prior::new(2.0, Duration::from_secs(3600))
    }

    /// Findings a day of hosts that fail now and then, each at its own rate, between the `from`th day and the `to`th. Findings
    /// of one host fold within a day, as they do in the engine.
    fn findings_a_day(hosts: u8, (from, to): (u64, u64), budget: f64, seed: u64) -> f64 {
        let mut world = World::new(
            Settings { operational: true, alert_budget: budget, ..Settings::default() },
            Zones::default(),
        );
        let mut chance = Chance(seed);
        let day = 86_400.0;
        // (next failure, mean seconds between failures) of each host.
        let mut clocks: Vec<(f64, f64)> =
            (0..hosts).map(|n| (chance.wait(600.0), 300.0 * 1.5_f64.powi(i32::from(n % 12)))).collect();
        let mut told = vec![f64::NEG_INFINITY; usize::from(hosts)];
        let (mut findings, mut last) = (0_u32, 0.0);
        loop {
            let (who, at) = clocks
                .iter()
                .enumerate()
                .min_by(|a, b| a.1.0.total_cmp(&b.1.0))
                .map(|(who, (at, _))| (who, *at))
                .unwrap();
            if at >= to as f64 * day {
                return f64::from(findings) / (to - from) as f64;
            }
            world.site.budget.advance(Duration::from_secs_f64(at - last));
            last = at;
            let client = SiteAddr::from([10, 0, 0, who as u8]);
            let end = (SiteAddr::from([10, 1, 0, (chance.unit() * 250.0) as u8]), 445);
            let judged = at >= from as f64 * day;
            let now = Time((at * 1e9) as u64 + 1);
            let found =
                count(&mut world, now, client, end, (Family::InternalFailures, prior(), judged), |host| {
                    &mut host.failures
                });
            if found.is_some() && at - told[who] >= day {
                told[who] = at;
                findings += 1;
            }
            let mean = clocks[who].1;
            clocks[who].0 = at + chance.wait(mean);
        }
    }

    #[test]
    fn ordinary_failures_stay_within_the_familys_part_of_the_budget() {
        let budget = 1.0;
        let rate: f64 = (1..=4).map(|seed| findings_a_day(40, (14, 60), budget, seed)).sum::<f64>() / 4.0;
        let part = budget * Family::InternalFailures.share();
        assert!(rate <= 1.1 * part, "{rate} a day, {part} are allowed");
    }

    #[test]
    fn a_larger_budget_tells_more() {
        let few = findings_a_day(40, (14, 60), 0.1, 1);
        let many = findings_a_day(40, (14, 60), 200.0, 1);
        assert!(few < many, "{few} and {many}");
    }
}
