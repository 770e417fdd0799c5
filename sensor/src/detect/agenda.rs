//! When to look at whom again, so that a tick costs what is due and not what is remembered.

use std::collections::BTreeSet;

use crate::time::Time;

/// Moments at which something is looked at again, at most one for each key. The key's owner keeps its moment, so that it can be
/// moved and taken off without a search; whoever forgets the owner takes it off.
pub(super) struct Agenda<K>(BTreeSet<(Time, K)>);

impl<K> Default for Agenda<K> {
    fn default() -> Self {
        Self(BTreeSet::new())
    }
}

impl<K: Ord + Copy> Agenda<K> {
    /// Looks at `key` at `at`, or never, instead of at `due`.
    pub(super) fn set(&mut self, key: K, due: &mut Option<Time>, at: Option<Time>) {
        if *due == at {
            return;
        }
        if let Some(old) = std::mem::replace(due, at) {
            self.0.remove(&(old, key));
        }
        if let Some(at) = at {
            self.0.insert((at, key));
        }
    }

    /// Who is looked at now; the owner's moment is over.
    pub(super) fn take(&mut self, now: Time) -> Option<K> {
        if self.0.first()?.0 > now {
            return None;
        }
        self.0.pop_first().map(|(_, key)| key)
    }

    /// How many wait.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_waits_once_and_is_taken_when_it_is_due() {
        let mut agenda = Agenda::default();
        let (mut a, mut b) = (None, None);
        agenda.set('a', &mut a, Some(Time(5)));
        agenda.set('b', &mut b, Some(Time(3)));
        agenda.set('a', &mut a, Some(Time(4)));
        assert_eq!(agenda.len(), 2);
        assert_eq!(agenda.take(Time(2)), None);
        assert_eq!(
            (agenda.take(Time(9)), agenda.take(Time(9)), agenda.take(Time(9))),
            (Some('b'), Some('a'), None)
        );
        agenda.set('a', &mut None, Some(Time(7)));
        agenda.set('a', &mut Some(Time(7)), None);
        assert_eq!(agenda.len(), 0);
    }
}
