//! Outcomes, added up.

use std::collections::BTreeMap;

use super::outcome::Outcome;
use crate::scenario::family::{self, Kind};

/// What one model did.
#[derive(Clone, Debug, Default)]
pub struct ModelScore {
    /// Deeds it should have told of.
    pub expected: u64,
    /// Delays of those it told, in nanoseconds, ascending; those counted from the frame itself apart.
    pub delays: Vec<u64>,
    /// Delays counted from the frame that did it.
    pub exact: Vec<u64>,
    /// Findings in benign families.
    pub false_benign: u64,
    /// Findings about bystanders in attack families.
    pub bystanders: u64,
}

impl ModelScore {
    /// Deeds it told of.
    pub fn told(&self) -> u64 {
        self.delays.len() as u64
    }
}

/// What one family came to.
#[derive(Clone, Debug, Default)]
pub struct FamilyScore {
    /// Runs.
    pub runs: u64,
    /// Runs in which every acting host was in an incident.
    pub named: u64,
    /// Days played.
    pub days: f64,
    /// Findings nobody's deed explains.
    pub false_alarms: u64,
    /// Expectations missed, by model.
    pub missed: BTreeMap<&'static str, u64>,
}

/// All outcomes.
#[derive(Clone, Debug, Default)]
pub struct Score {
    /// By model id.
    pub models: BTreeMap<String, ModelScore>,
    /// By family id.
    pub families: BTreeMap<&'static str, FamilyScore>,
    /// Days of benign families.
    pub benign_days: f64,
    /// Days of attack families.
    pub attack_days: f64,
    /// Frames analysed.
    pub frames: u64,
    /// Examples of false alarms, a few of each model and family.
    pub examples: BTreeMap<(String, &'static str), String>,
}

impl Score {
    /// Adds an outcome.
    pub fn add(&mut self, outcome: &Outcome) {
        let kind = family::by_id(outcome.family).map(|family| family.kind);
        let benign = kind == Some(Kind::Benign);
        self.frames += outcome.frames;
        *(if benign { &mut self.benign_days } else { &mut self.attack_days }) += outcome.days;
        let family = self.families.entry(outcome.family).or_default();
        family.runs += 1;
        family.named += u64::from(outcome.all_named());
        family.days += outcome.days;
        family.false_alarms += outcome.false_alarms.len() as u64;
        for expectation in &outcome.expected {
            if kind == Some(Kind::Beyond) {
                // Of a model that was not made for it this says nothing; the family's own row does.
                if expectation.delay_ns.is_none() {
                    *family.missed.entry(expectation.model).or_default() += 1;
                }
                continue;
            }
            let model = self.models.entry(expectation.model.to_owned()).or_default();
            model.expected += 1;
            match expectation.delay_ns {
                Some(delay) => {
                    model.delays.push(delay);
                    if expectation.exact {
                        model.exact.push(delay);
                    }
                }
                None => *family.missed.entry(expectation.model).or_default() += 1,
            }
        }
        for alarm in &outcome.false_alarms {
            let model = self.models.entry(alarm.model.clone()).or_default();
            *(if benign { &mut model.false_benign } else { &mut model.bystanders }) += 1;
            self.examples
                .entry((alarm.model.clone(), outcome.family))
                .or_insert_with(|| format!("seed {}: {}", outcome.seed, alarm.summary));
        }
    }

    /// Findings a day in benign families, over all models.
    pub fn false_alarms_a_day(&self) -> f64 {
        let all: u64 = self.models.values().map(|model| model.false_benign).sum();
        all as f64 / self.benign_days.max(f64::MIN_POSITIVE)
    }

    /// Share of runs of attack families in which every acting host was in an incident.
    pub fn named(&self) -> f64 {
        let attacks = || {
            self.families
                .iter()
                .filter(|(id, _)| family::by_id(id).is_some_and(|family| family.kind == Kind::Attack))
        };
        let runs: u64 = attacks().map(|(_, score)| score.runs).sum();
        let named: u64 = attacks().map(|(_, score)| score.named).sum();
        named as f64 / (runs.max(1)) as f64
    }
}
