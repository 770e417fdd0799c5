//! Which sets of the flow cache packets met, a bit each: a sweep reads those and not the whole cache.
//!
//! A capture of a quiet week has 600 000 record-seconds; reading a tenth of the cache in each takes minutes, and finds
//! nothing in nearly all of it.

use std::cell::Cell;

/// Sets to a word.
const BITS: usize = 64;

/// A bit for each set of each CPU's slice.
#[derive(Debug)]
pub(super) struct Dirty {
    words: Vec<Cell<u64>>,
    words_per_cpu: usize,
}

impl Dirty {
    /// For `cpus` slices of `sets` sets.
    pub(super) fn new(cpus: usize, sets: usize) -> Self {
        let words_per_cpu = sets.div_ceil(BITS);
        Self { words: vec![Cell::new(0); cpus.saturating_mul(words_per_cpu)], words_per_cpu }
    }

    #[inline]
    pub(super) fn mark(&self, cpu: usize, set: usize) {
        if let Some(word) = self.words.get(cpu.saturating_mul(self.words_per_cpu).saturating_add(set / BITS))
        {
            word.set(word.get() | 1 << (set % BITS));
        }
    }

    /// The marked sets in the `part`th of `parts` parts of a slice, in order; each is unmarked.
    pub(super) fn take(&self, cpu: usize, part: usize, parts: usize) -> impl Iterator<Item = usize> {
        let bound = |part: usize| part.saturating_mul(self.words_per_cpu).checked_div(parts).unwrap_or(0);
        let (start, end) = (bound(part), bound(part.saturating_add(1)));
        let slice = cpu.saturating_mul(self.words_per_cpu);
        let words =
            self.words.get(slice.saturating_add(start)..slice.saturating_add(end)).unwrap_or_default();
        (start..).zip(words).flat_map(|(index, word)| {
            let mut left = word.take();
            std::iter::from_fn(move || {
                let bit = left.trailing_zeros() as usize;
                left &= left.wrapping_sub(1);
                (bit < BITS).then(|| index.saturating_mul(BITS).saturating_add(bit))
            })
        })
    }

    /// Unmarks all.
    pub(super) fn clear(&self) {
        self.words.iter().for_each(|word| word.set(0));
    }
}

#[cfg(test)]
mod tests {
    use super::Dirty;

    #[test]
    fn every_marked_set_is_in_exactly_one_part_and_taken_once() {
        for sets in [1, 2, 64, 640, 1024] {
            let dirty = Dirty::new(2, sets);
            let marked: Vec<usize> = (0..sets).filter(|set| set % 3 != 1).collect();
            marked.iter().for_each(|set| dirty.mark(1, *set));
            let taken = || (0..10).flat_map(|part| dirty.take(1, part, 10)).collect::<Vec<_>>();
            assert_eq!((0..10).flat_map(|part| dirty.take(0, part, 10)).count(), 0);
            assert_eq!(taken(), marked, "{sets} sets");
            assert_eq!(taken(), [0; 0]);
        }
    }
}
