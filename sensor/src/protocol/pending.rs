//! Requests that wait for their response: a bounded table of one connection.

use crate::protocol::text::Text;

/// How many requests of one connection may wait at once, unless a protocol says so. Real masters keep a handful open.
const CAPACITY: usize = 64;

/// What is remembered of a request: its function and what it is about.
pub type Asked = (super::Function, Option<Text>);

/// Requests by key. When it is full the oldest is forgotten: its response then stands for itself.
#[derive(Debug)]
pub struct Pending<K, V, const N: usize = CAPACITY> {
    waiting: Vec<(K, V)>,
}

impl<K: PartialEq, V, const N: usize> Pending<K, V, N> {
    /// An empty table, without memory of its own until the first request.
    pub const fn new() -> Self {
        Self { waiting: Vec::new() }
    }

    /// Remembers a request; one with the same key that was never answered is replaced.
    pub fn insert(&mut self, key: K, value: V) {
        self.take(&key);
        if self.waiting.len() >= N {
            self.waiting.remove(0);
        }
        self.waiting.push((key, value));
    }

    /// Takes the request that a response answers.
    pub fn take(&mut self, key: &K) -> Option<V> {
        let at = self.waiting.iter().position(|(waiting, _)| waiting == key)?;
        Some(self.waiting.remove(at).1)
    }

    /// Takes the oldest request with such a key, and tells its key: for responses that repeat a part of it only.
    pub fn take_by(&mut self, wanted: impl Fn(&K) -> bool) -> Option<(K, V)> {
        let at = self.waiting.iter().position(|(key, _)| wanted(key))?;
        Some(self.waiting.remove(at))
    }

    /// About how many bytes the waiting keep with their texts: nothing while as few wait as usual.
    pub fn kept(&self) -> usize {
        const USUAL: usize = 16;
        const TEXT: usize = 96;
        let lots = self.waiting.len() / USUAL;
        lots.saturating_mul(USUAL).saturating_mul(size_of::<(K, V)>().saturating_add(TEXT))
    }

    /// Forgets the requests with such a key: after lost bytes of the asking side it may have been used again.
    pub fn forget(&mut self, gone: impl Fn(&K) -> bool) {
        self.waiting.retain(|(key, _)| !gone(key));
    }
}

impl<K: PartialEq, V, const N: usize> Default for Pending<K, V, N> {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_response_takes_its_request_once() {
        let mut pending = Pending::<_, _>::new();
        pending.insert(7_u16, "read");
        assert_eq!(pending.take(&7), Some("read"));
        assert_eq!(pending.take(&7), None);
    }

    #[test]
    fn only_more_than_usual_counts_as_kept() {
        let mut pending = Pending::<u32, u32>::default();
        (0..15).for_each(|key| pending.insert(key, key));
        assert_eq!(pending.kept(), 0);
        pending.insert(15, 15);
        assert!(pending.kept() >= 16 * 8);
    }

    #[test]
    fn a_full_table_forgets_the_oldest() {
        let mut pending = Pending::<_, _>::new();
        for key in 0..=CAPACITY {
            pending.insert(key, key);
        }
        assert_eq!(pending.waiting.len(), CAPACITY);
        assert_eq!(pending.take(&0), None);
        assert_eq!(pending.take(&CAPACITY), Some(CAPACITY));
    }
}
