//! What changed since it was last stored, in bounded memory.

use std::collections::BTreeSet;

/// Rows changed or forgotten since they were last stored. Until somebody asks for the first time, and where a flood changes more than
/// a table holds, it is all of them: where there is no state to keep, knowing which would cost every record something and
/// nobody would ever ask.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Changes<K> {
    /// So many that the table is best written anew.
    #[default]
    All,
    /// These.
    Some(BTreeSet<K>),
}

impl<K: Ord> Changes<K> {
    /// A row changed, or was forgotten; `most`: rows the table holds.
    pub fn note(&mut self, key: K, most: usize) {
        if let Self::Some(keys) = self {
            keys.insert(key);
            if keys.len() > most {
                *self = Self::All;
            }
        }
    }

    /// Every row changed.
    pub fn note_all(&mut self) {
        *self = Self::All;
    }

    /// What changed since the last call.
    pub fn take(&mut self) -> Self {
        std::mem::replace(self, Self::Some(BTreeSet::new()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_changes_than_rows_are_all_rows() {
        let mut changes = Changes::default();
        assert_eq!(changes.take(), Changes::All, "nothing was ever stored");
        for key in 0..3 {
            changes.note(key, 3);
        }
        assert_eq!(changes.clone().take(), Changes::Some(BTreeSet::from([0, 1, 2])));
        changes.note(3, 3);
        changes.note(4, 3);
        assert_eq!(changes.take(), Changes::All);
        assert_eq!(changes, Changes::Some(BTreeSet::new()));
    }
}
