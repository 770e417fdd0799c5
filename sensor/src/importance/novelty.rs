//! New and rare things: the Pitman–Yor family.
//!
//! Which client comes to a server, which service a pair uses, which command a client sends: categories of
//! unknown number. After `n` observations of `k` categories, category `j` seen `n_j` times, a Pitman–Yor process
//! with strength `θ` and discount `d` predicts
//! `P(j) = (n_j - d) / (n + θ)` and `P(new) = (θ + d k) / (n + θ)`; `d = 0` is the Dirichlet process
//! (Pitman & Yor 1997; Heard & Rubin-Delanchy 2016, "Network-wide anomaly detection via the Dirichlet process";
//! Sanna Passino & Heard 2019, "Modelling dynamic network evolution as a Pitman–Yor process").
//!
//! **Back-off**: the probability of the new is spread over what the wider group knows (server, its role, the
//! site), as in the hierarchical process with one table a category (Teh 2006, interpolated Kneser–Ney). Hence a
//! wider level counts *members of the group that know the category*, not observations: see [`learn`].
//!
//! **p-value**: the total probability of all categories no more probable than the one observed (both papers);
//! what nobody ever saw is one lump of probability and the most unusual of all. The conservative form counts
//! ties in full, the mid form by half (Lancaster 1952; Rubin-Delanchy, Heard & Lawson 2019). Use the
//! conservative one for thresholds, the mid one for ordering.
//!
//! **Minimum support**: none needed. With nothing learned `P(new)` is 1 and importance 0.
//!
//! Observations should be exchangeable: conversations or sessions, not packets.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::clamped;

/// Strength and discount of a Pitman–Yor process.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct PitmanYor {
    strength: f64,
    discount: f64,
}

impl PitmanYor {
    /// A process with `strength` θ (how many observations "new" is worth, at least 0.001) and `discount` d in
    /// `[0, 0.99]` (0 for closed groups such as the clients of a controller; 0.3 to 0.8 where the number of
    /// categories grows as a power of time, such as external endpoints).
    pub fn new(strength: f64, discount: f64) -> Self {
        Self { strength: clamped(strength, 1e-3, 1e9), discount: clamped(discount, 0.0, 0.99) }
    }

    /// A Dirichlet process: discount 0.
    pub fn dirichlet(strength: f64) -> Self {
        Self::new(strength, 0.0)
    }

    /// The same strength with the discount estimated as singletons / categories, which converges to d (Sanna
    /// Passino & Heard 2019, §3). Ten imagined categories of the present discount steady small samples.
    pub fn estimated(self, singletons: usize, categories: usize) -> Self {
        let ratio = (singletons as f64 + 10.0 * self.discount) / (categories as f64 + 10.0);
        Self::new(self.strength, ratio)
    }

    /// The probability that the next observation is a category not among the `k` seen in `n` observations.
    pub fn p_new(self, n: u64, k: u64) -> f64 {
        let n = n as f64;
        clamped((self.strength + self.discount * (k as f64).min(n)) / (n + self.strength), 0.0, 1.0)
    }

    /// The probability that the next observation is one given category, seen `n_j` times in `n` observations.
    pub fn p_seen(self, n: u64, n_j: u64) -> f64 {
        let n = n as f64;
        clamped(((n_j as f64).min(n) - self.discount) / (n + self.strength), 0.0, 1.0)
    }
}

/// The p-value of observing a category, in both forms.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Judgement {
    /// The probability of the category itself under the chain; for one never seen anywhere, of anything new.
    pub probability: f64,
    /// Conservative p-value: everything no more probable than this category.
    pub p: f64,
    /// Mid p-value: ties, this category among them, count by half.
    pub mid_p: f64,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Entry<K> {
    key: K,
    count: u64,
    /// The observation number at which it was last seen: the order of eviction among equals.
    last: u64,
}

/// A bounded table of categories and how often each was observed.
///
/// When it is full the least observed category makes room, the longest unseen among equals. Evictions are
/// counted, and what was evicted keeps its share in the probability of the new: a flood of categories makes new
/// ones less surprising, never more.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Catalogue<K> {
    /// Sorted by key.
    entries: Vec<Entry<K>>,
    capacity: usize,
    total: u64,
    evicted: u64,
    /// Where the table was ever full: what was observed once, in the order of eviction, each with its `last`. An entry with
    /// another one was observed again since.
    #[serde(skip, default = "Option::default")]
    once: Option<VecDeque<(u64, K)>>,
}

/// What follows from the rest is not compared.
impl<K: PartialEq> PartialEq for Catalogue<K> {
    fn eq(&self, other: &Self) -> bool {
        let numbers = |of: &Self| (of.capacity, of.total, of.evicted);
        numbers(self) == numbers(other) && self.entries == other.entries
    }
}

impl<K: Ord + Clone> Catalogue<K> {
    /// An empty table for at most `capacity` categories (at least one).
    pub fn new(capacity: usize) -> Self {
        Self { entries: Vec::new(), capacity: capacity.max(1), total: 0, evicted: 0, once: None }
    }

    /// Observes a category once. True when the table did not hold it.
    pub fn learn(&mut self, key: &K) -> bool {
        self.total = self.total.saturating_add(1);
        let last = self.total;
        match self.find(key) {
            Ok(at) => {
                if let Some(entry) = self.entries.get_mut(at) {
                    entry.count = entry.count.saturating_add(1);
                    entry.last = last;
                }
                false
            }
            Err(mut at) => {
                while self.entries.len() >= self.capacity.max(1) {
                    let before = self.evict().is_some_and(|gone| gone < at);
                    at = at.saturating_sub(usize::from(before));
                }
                self.entries.insert(at, Entry { key: key.clone(), count: 1, last });
                if let Some(once) = &mut self.once {
                    once.push_back((last, key.clone()));
                }
                true
            }
        }
    }

    fn find(&self, key: &K) -> Result<usize, usize> {
        self.entries.binary_search_by(|entry| entry.key.cmp(key))
    }

    /// Makes room for one; returns where it stood.
    fn evict(&mut self) -> Option<usize> {
        let at = self.next_once().or_else(|| self.least())?;
        self.entries.remove(at);
        self.evicted = self.evicted.saturating_add(1);
        Some(at)
    }

    /// Of what was observed once, the longest unseen: a full table is told of new categories all the time, and to look at all
    /// of it for each would cost more than all else.
    fn next_once(&mut self) -> Option<usize> {
        let mut once = self.once.take().unwrap_or_else(|| {
            let once = self.entries.iter().filter(|entry| entry.count == 1);
            let mut once: Vec<_> = once.map(|entry| (entry.last, entry.key.clone())).collect();
            once.sort_unstable_by_key(|(last, _)| *last);
            once.into()
        });
        let next = std::iter::from_fn(|| once.pop_front()).find_map(|(last, key)| {
            self.find(&key).ok().filter(|at| self.entries.get(*at).is_some_and(|entry| entry.last == last))
        });
        self.once = Some(once);
        next
    }

    fn least(&self) -> Option<usize> {
        let least = self.entries.iter().enumerate().min_by_key(|(_, entry)| (entry.count, entry.last));
        least.map(|(at, _)| at)
    }

    /// How often the category was observed; 0 when unknown or evicted.
    pub fn count(&self, key: &K) -> u64 {
        self.find(key).ok().and_then(|at| self.entries.get(at)).map_or(0, |entry| entry.count)
    }

    /// Observations in all, those of evicted categories included.
    pub fn total(&self) -> u64 {
        self.total
    }

    /// Categories held.
    pub fn categories(&self) -> usize {
        self.entries.len()
    }

    /// Categories observed exactly once, for [`PitmanYor::estimated`].
    pub fn singletons(&self) -> usize {
        self.entries.iter().filter(|entry| entry.count == 1).count()
    }

    /// Categories evicted so far.
    pub fn evictions(&self) -> u64 {
        self.evicted
    }

    /// The probability given here to the category itself, before any back-off.
    fn own(&self, process: PitmanYor, key: &K) -> f64 {
        match self.count(key) {
            0 => 0.0,
            count => process.p_seen(self.total, count),
        }
    }

    /// The probability left for what this table does not hold: the complement of all its own.
    fn left(&self, process: PitmanYor) -> f64 {
        let held = self.entries.iter().fold(0u64, |sum, entry| sum.saturating_add(entry.count));
        let gone = self.total.saturating_sub(held) as f64;
        let new = process.strength + process.discount * self.entries.len() as f64;
        clamped((new + gone) / (self.total as f64 + process.strength), 0.0, 1.0)
    }
}

/// Observes a category along a back-off chain, narrowest first: a wider level learns it only when the narrower
/// one did not hold it.
pub fn learn<K: Ord + Clone>(chain: &mut [&mut Catalogue<K>], key: &K) {
    for level in chain {
        if !level.learn(key) {
            break;
        }
    }
}

/// Judges a category along a back-off chain of tables, narrowest first, each with its process.
///
/// An empty chain knows nothing: p is 1.
pub fn judge<K: Ord + Clone>(chain: &[(&Catalogue<K>, PitmanYor)], key: &K) -> Judgement {
    // For each level: its probability of backing off that far, times what is left to spread there.
    let mut reach = 1.0;
    let mut levels = Vec::with_capacity(chain.len());
    for &(level, process) in chain {
        levels.push((level, process, reach));
        reach *= level.left(process);
    }
    let nobody = reach;
    let probability =
        |key: &K| levels.iter().map(|(level, process, reach)| reach * level.own(*process, key)).sum::<f64>();

    let own = probability(key);
    let (mut below, mut equal) = (0.0, 0.0);
    // Relative slack: equal counts give equal probabilities up to rounding.
    let (low, high) = (own * (1.0 - 1e-9), own * (1.0 + 1e-9));
    if own > 0.0 {
        below = nobody;
        for (depth, (level, _, _)) in levels.iter().enumerate() {
            let narrower = levels.get(..depth).unwrap_or(&[]);
            for entry in &level.entries {
                if narrower.iter().any(|(level, _, _)| level.count(&entry.key) > 0) {
                    continue;
                }
                match probability(&entry.key) {
                    p if p < low => below += p,
                    p if p <= high => equal += p,
                    _ => {}
                }
            }
        }
    } else {
        equal = nobody;
    }
    Judgement {
        probability: if own > 0.0 { own.min(1.0) } else { nobody },
        p: clamped(below + equal, f64::MIN_POSITIVE, 1.0),
        mid_p: clamped(below + equal / 2.0, f64::MIN_POSITIVE, 1.0),
    }
}

#[cfg(test)]
#[path = "novelty_tests.rs"]
mod tests;
