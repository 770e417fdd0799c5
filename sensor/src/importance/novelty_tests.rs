//! Tests of the Pitman–Yor family: closed forms, back-off, bounded memory, simulation.

use super::*;
use crate::importance::draw::{Draw, assert_conservative};
use proptest::prelude::*;

fn table(counts: &[(u32, u64)]) -> Catalogue<u32> {
    let mut table = Catalogue::new(1000);
    for &(key, count) in counts {
        (0..count).for_each(|_| {
            table.learn(&key);
        });
    }
    table
}

fn close(got: f64, want: f64) {
    assert!((got - want).abs() < 1e-12, "got {got}, want {want}");
}

#[test]
fn predictive_probabilities_have_their_closed_forms() {
    close(PitmanYor::dirichlet(1.0).p_new(99, 3), 0.01);
    close(PitmanYor::dirichlet(1.0).p_seen(99, 50), 0.5);
    close(PitmanYor::new(1.0, 0.5).p_new(99, 18), 0.1);
    close(PitmanYor::new(1.0, 0.5).p_seen(99, 1), 0.005);
    close(PitmanYor::new(1.0, 0.5).p_new(0, 0), 1.0);
}

#[test]
fn a_stranger_to_a_steady_server_is_as_unusual_as_the_server_is_steady() {
    let server = table(&[(1, 6000), (2, 3999)]);
    let judged = judge(&[(&server, PitmanYor::dirichlet(1.0))], &77);
    close(judged.p, 1e-4);
    close(judged.mid_p, 0.5e-4);
    close(judge(&[(&server, PitmanYor::dirichlet(1.0))], &1).p, 1.0);
}

#[test]
fn ties_count_in_full_in_the_conservative_form_and_by_half_in_the_mid_form() {
    let server = table(&[(1, 90), (2, 3), (3, 3), (4, 3)]);
    let judged = judge(&[(&server, PitmanYor::dirichlet(1.0))], &3);
    close(judged.probability, 0.03);
    close(judged.p, 0.01 + 0.09);
    close(judged.mid_p, 0.01 + 0.045);
}

#[test]
fn with_nothing_learned_nothing_is_unusual() {
    let empty = Catalogue::<u32>::new(8);
    let process = PitmanYor::dirichlet(1.0);
    close(judge(&[(&empty, process), (&empty, process)], &5).p, 1.0);
    close(judge::<u32>(&[], &5).p, 1.0);
}

#[test]
fn what_the_site_knows_is_less_unusual_than_what_nobody_knows() {
    let process = PitmanYor::dirichlet(1.0);
    let server = table(&[(1, 99)]);
    let site = table(&[(1, 5), (2, 4)]);
    let chain = [(&server, process), (&site, process)];
    let (known, stranger) = (judge(&chain, &2), judge(&chain, &3));
    // P(2) = 1/100 · 4/10, P(nobody's) = 1/100 · 1/10.
    close(known.probability, 0.004);
    close(known.p, 0.005);
    close(stranger.p, 0.001);
}

#[test]
fn an_empty_server_is_judged_by_its_site() {
    let process = PitmanYor::dirichlet(1.0);
    let (empty, site) = (Catalogue::new(8), table(&[(1, 80), (2, 19)]));
    for key in [1, 2, 3] {
        let chained = judge(&[(&empty, process), (&site, process)], &key);
        assert_eq!(chained, judge(&[(&site, process)], &key));
    }
}

#[test]
fn probabilities_over_a_chain_sum_to_one() {
    let process = PitmanYor::new(2.0, 0.4);
    let (a, b) = (table(&[(1, 7), (2, 1)]), table(&[(2, 3), (3, 5), (9, 1)]));
    let chain = [(&a, process), (&b, process)];
    let sum: f64 = [1, 2, 3, 9, 1000].iter().map(|key| judge(&chain, key).probability).sum();
    close(sum, 1.0);
}

#[test]
fn a_wider_level_counts_members_that_know_the_category() {
    let (mut a, mut b, mut site) = (Catalogue::new(8), Catalogue::new(8), Catalogue::new(8));
    (0..10).for_each(|_| learn(&mut [&mut a, &mut site], &1u32));
    learn(&mut [&mut b, &mut site], &1u32);
    assert_eq!((a.count(&1), b.count(&1), site.count(&1)), (10, 1, 2));
}

#[test]
fn a_flood_of_categories_is_bounded_counted_and_makes_the_new_less_surprising() {
    let mut server = Catalogue::new(16);
    (0..100).for_each(|_| {
        server.learn(&0u32);
    });
    let process = PitmanYor::dirichlet(1.0);
    let before = judge(&[(&server, process)], &u32::MAX).p;
    (1..=1000).for_each(|key| {
        server.learn(&key);
    });
    assert_eq!(server.categories(), 16);
    assert_eq!(server.evictions(), 1000 - 15);
    assert_eq!(server.count(&0), 100, "an established category survives");
    let after = judge(&[(&server, process)], &u32::MAX).p;
    assert!(after > 0.8 && before < 0.01, "{before} then {after}");
}

#[test]
fn the_discount_is_recovered_from_singletons() {
    let process = PitmanYor::new(5.0, 0.6);
    let mut draw = Draw::seeded(4);
    let mut table = Catalogue::new(100_000);
    // Chinese restaurant: seat each observation by the predictive probabilities.
    let mut seen: Vec<u32> = Vec::new();
    for n in 0..20_000u64 {
        let key = next(&mut draw, process, n, &table, &seen);
        table.learn(&key);
        seen.push(key);
    }
    let estimated = PitmanYor::new(5.0, 0.0).estimated(table.singletons(), table.categories());
    assert!((estimated.discount - 0.6).abs() < 0.05, "{estimated:?}");
}

/// A draw from the predictive distribution: new with its probability, otherwise proportional to `n_j - d` (an
/// earlier observation at random, accepted with probability `1 - d / n_j`).
fn next(draw: &mut Draw, process: PitmanYor, n: u64, table: &Catalogue<u32>, seen: &[u32]) -> u32 {
    if draw.uniform() < process.p_new(n, table.categories() as u64) {
        return u32::try_from(table.categories()).unwrap();
    }
    loop {
        let key = seen[(draw.uniform() * seen.len() as f64) as usize];
        if draw.uniform() < 1.0 - process.discount / table.count(&key) as f64 {
            return key;
        }
    }
}

#[test]
fn p_values_are_conservative_on_data_from_the_model() {
    for (process, seed) in [(PitmanYor::dirichlet(2.0), 5), (PitmanYor::new(1.0, 0.4), 6)] {
        let mut draw = Draw::seeded(seed);
        let (mut table, mut seen) = (Catalogue::new(10_000), Vec::new());
        assert_conservative(60_000, || {
            if seen.len() == 400 {
                (table, seen) = (Catalogue::new(10_000), Vec::new());
            }
            let key = next(&mut draw, process, seen.len() as u64, &table, &seen);
            let p = judge(&[(&table, process)], &key).p;
            table.learn(&key);
            seen.push(key);
            p
        });
    }
}

#[test]
fn p_values_are_conservative_along_a_chain() {
    let process = PitmanYor::new(1.5, 0.2);
    let mut draw = Draw::seeded(7);
    let fresh = || (vec![Catalogue::new(1000); 4], Catalogue::new(1000), 0u32);
    let (mut servers, mut site, mut named) = fresh();
    let mut turn = 0usize;
    assert_conservative(60_000, || {
        turn += 1;
        if turn.is_multiple_of(800) {
            (servers, site, named) = fresh();
        }
        let server = &mut servers[turn % 4];
        // Draw by inversion from the chain's own predictive distribution; the remainder is a new name.
        let mut u = draw.uniform();
        let chain = [(&*server, process), (&site, process)];
        let drawn = (0..named).find(|key| {
            u -= judge(&chain, key).probability;
            u < 0.0
        });
        let key = drawn.unwrap_or(named);
        named = named.max(key + 1);
        let p = judge(&chain, &key).p;
        learn(&mut [server, &mut site], &key);
        p
    });
}

proptest! {
    #[test]
    fn extreme_input_gives_a_probability(
        strength in any::<f64>(), discount in any::<f64>(), n in any::<u64>(), k in any::<u64>(),
        keys in prop::collection::vec(0u8..40, 0..200), capacity in 0usize..20, key in 0u8..40
    ) {
        let process = PitmanYor::new(strength, discount);
        prop_assert!((0.0..=1.0).contains(&process.p_new(n, k)));
        prop_assert!((0.0..=1.0).contains(&process.p_seen(n, k)));
        let (mut a, mut b) = (Catalogue::new(capacity), Catalogue::new(capacity));
        keys.iter().for_each(|key| learn(&mut [&mut a, &mut b], key));
        prop_assert!(a.categories() <= capacity.max(1));
        let judged = judge(&[(&a, process), (&b, process)], &key);
        prop_assert!(judged.p > 0.0 && judged.p <= 1.0 && judged.mid_p <= judged.p);
        prop_assert!(judged.probability <= judged.p * (1.0 + 1e-9));
    }

    #[test]
    fn the_least_observed_makes_room_and_among_equals_the_longest_unseen(
        keys in prop::collection::vec(0u8..24, 0..400), capacity in 1usize..12, stored_at in 0usize..400
    ) {
        let mut table = Catalogue::new(capacity);
        // By key: how often, and when last.
        let mut plain = std::collections::BTreeMap::<u8, (u64, usize)>::new();
        for (now, key) in keys.iter().enumerate() {
            if now == stored_at {
                let stored = serde_json::to_string(&table).unwrap();
                let restored = serde_json::from_str(&stored).unwrap();
                prop_assert_eq!(&table, &restored);
                table = restored;
            }
            table.learn(key);
            if !plain.contains_key(key) && plain.len() == capacity {
                let least = plain.iter().min_by_key(|(_, seen)| **seen).map(|(key, _)| *key);
                plain.remove(&least.unwrap());
            }
            let (count, last) = plain.entry(*key).or_default();
            (*count, *last) = (*count + 1, now);
            prop_assert!((0..24).all(|key| table.count(&key) == plain.get(&key).map_or(0, |(n, _)| *n)));
        }
    }

    #[test]
    fn a_category_seen_more_often_is_never_more_unusual(counts in prop::collection::vec(1u64..50, 2..12)) {
        let pairs: Vec<_> = counts.iter().enumerate().map(|(key, n)| (key as u32, *n)).collect();
        let server = table(&pairs);
        let chain = [(&server, PitmanYor::new(1.0, 0.3))];
        for (i, n) in &pairs {
            for (j, m) in &pairs {
                if n <= m {
                    prop_assert!(judge(&chain, i).p <= judge(&chain, j).p + 1e-12);
                }
            }
        }
    }
}
