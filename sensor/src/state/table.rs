//! Bounded tables that forget strangers before they forget who was learned.

use std::hash::Hash;

use hashlink::LruCache;

use super::changes::Changes;

/// What a row is worth when there is no room for all.
pub trait Worth {
    /// It was learned, so that forgetting it would undo learning: it goes after all others.
    fn is_known(&self) -> bool;
}

/// A bounded table. What was used longest ago is forgotten first, and of that what nobody learned: a flood of forged sources fills
/// the place of strangers and no other. (A segmented LRU, Karedla, Love and Wherry 1994, with worth instead of a second use.)
pub struct Table<K, V> {
    /// Strangers, and who is not yet known to be known.
    rows: LruCache<K, V>,
    /// Who was worth keeping when the table was full; at most three quarters of it.
    known: LruCache<K, V>,
    capacity: usize,
    /// Rows forgotten for lack of room.
    pub evicted: u64,
    changes: Changes<K>,
}

impl<K: Hash + Eq + Ord + Clone, V: Worth> Table<K, V> {
    /// A table of at most `capacity` rows.
    pub fn new(capacity: usize) -> Self {
        Self {
            rows: LruCache::new_unbounded(),
            known: LruCache::new_unbounded(),
            capacity: capacity.max(1),
            evicted: 0,
            changes: Changes::default(),
        }
    }

    /// The row of `key`, not counted as use.
    pub fn get(&self, key: &K) -> Option<&V> {
        self.rows.peek(key).or_else(|| self.known.peek(key))
    }

    /// The row of `key` to change, not counted as use.
    pub fn get_mut(&mut self, key: &K) -> Option<&mut V> {
        let row = match self.rows.peek_mut(key) {
            Some(row) => row,
            None => self.known.peek_mut(key)?,
        };
        self.changes.note(key.clone(), self.capacity);
        Some(row)
    }

    /// The row of `key`, made if there is none; counted as use and as changed.
    pub fn entry(&mut self, key: &K, make: impl FnOnce() -> V) -> &mut V {
        self.changes.note(key.clone(), self.capacity);
        // While nobody had to go there is one half, and no room to be made: one look is enough.
        let simple = self.known.is_empty() && self.rows.len() < self.capacity;
        if !simple && self.rows.peek(key).is_none() {
            if self.known.peek(key).is_some() {
                return self.known.entry(key.clone()).or_insert_with(make);
            }
            self.make_room(key);
        }
        self.rows.entry(key.clone()).or_insert_with(make)
    }

    /// Makes room for the row of `key`, where it needs any; returns what had to go.
    pub(super) fn make_room(&mut self, key: &K) -> Option<(K, V)> {
        if self.len() < self.capacity || self.get(key).is_some() { None } else { self.forget_one() }
    }

    /// Makes room for one row.
    fn forget_one(&mut self) -> Option<(K, V)> {
        let most_known = (self.capacity / 4).saturating_mul(3);
        let forgotten = loop {
            let Some((key, row)) = self.rows.remove_lru() else { break self.known.remove_lru() };
            if !row.is_known() {
                break Some((key, row));
            }
            self.known.insert(key, row);
            if self.known.len() > most_known {
                break self.known.remove_lru();
            }
        };
        if let Some((key, _)) = &forgotten {
            self.evicted = self.evicted.saturating_add(1);
            // What is forgotten here is forgotten in the state too.
            self.changes.note(key.clone(), self.capacity);
        }
        forgotten
    }

    /// Puts a stored row back.
    pub fn restore(&mut self, key: K, value: V) {
        if self.len() >= self.capacity {
            self.forget_one();
        }
        self.rows.insert(key, value);
    }

    /// Rows, least recently used first; those kept for their worth before all others.
    pub fn iter(&self) -> impl Iterator<Item = (&K, &V)> {
        self.known.iter().chain(self.rows.iter())
    }

    /// Rows to change, none of them counted as use.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = (&K, &mut V)> {
        self.known.iter_mut().chain(self.rows.iter_mut())
    }

    /// How many rows there are.
    pub fn len(&self) -> usize {
        self.rows.len().saturating_add(self.known.len())
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Forgets a row.
    pub fn remove(&mut self, key: &K) -> Option<V> {
        let row = self.rows.remove(key).or_else(|| self.known.remove(key));
        if row.is_some() {
            self.changes.note(key.clone(), self.capacity);
        }
        row
    }

    /// The most rows it holds.
    pub const fn capacity(&self) -> usize {
        self.capacity
    }

    /// Rows changed or forgotten since the last call.
    pub fn take_changes(&mut self) -> Changes<K> {
        self.changes.take()
    }

    /// Every row counts as changed.
    pub fn touch_all(&mut self) {
        self.changes.note_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Row(bool);

    impl Worth for Row {
        fn is_known(&self) -> bool {
            self.0
        }
    }

    #[test]
    fn a_flood_of_strangers_forgets_strangers() {
        let mut table = Table::new(8);
        for key in 0..4 {
            table.entry(&key, || Row(true));
        }
        for key in 4..10_000 {
            table.entry(&key, || Row(false));
        }
        assert_eq!(table.len(), 8);
        assert_eq!(table.evicted, 10_000 - 8);
        assert!((0..4).all(|key| table.get(&key).is_some()));
    }

    #[test]
    fn a_table_full_of_the_known_leaves_room_for_strangers() {
        let mut table = Table::new(8);
        for key in 0..100 {
            table.entry(&key, || Row(true));
        }
        for key in 100..104 {
            table.entry(&key, || Row(false));
        }
        assert_eq!(table.len(), 8);
        assert!((102..104).all(|key| table.get(&key).is_some()));
        assert!(table.get(&99).is_some() && table.get(&0).is_none());
    }
}
