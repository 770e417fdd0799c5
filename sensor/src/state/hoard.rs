//! What all connections keep of their streams, bounded in all: each stream has bounds of its own, but an attacker chooses how
//! many streams there are.

use hashlink::LruCache;

use super::connection::Pair;

/// Bytes kept, by connection, the one that changed longest ago first.
pub struct Hoard {
    limit: usize,
    bytes: usize,
    rows: LruCache<Pair, usize>,
    /// Connections that had to give back what they kept.
    pub evicted: u64,
}

impl Hoard {
    /// At most `limit` bytes of at most `connections` connections.
    pub fn new(limit: usize, connections: usize) -> Self {
        Self { limit, bytes: 0, rows: LruCache::new(connections.max(1)), evicted: 0 }
    }

    /// Bytes kept now.
    pub const fn bytes(&self) -> usize {
        self.bytes
    }

    /// A connection keeps so many bytes now; none when it is over.
    pub fn note(&mut self, pair: Pair, bytes: usize) {
        let before = self.rows.remove(&pair).unwrap_or_default();
        self.bytes = self.bytes.saturating_sub(before).saturating_add(bytes);
        if bytes > 0 {
            self.rows.insert(pair, bytes);
        }
    }

    /// The connection that must give back what it keeps, while there is too much.
    pub fn excess(&mut self) -> Option<Pair> {
        if self.bytes <= self.limit {
            return None;
        }
        let (pair, bytes) = self.rows.remove_lru()?;
        self.bytes = self.bytes.saturating_sub(bytes);
        self.evicted = self.evicted.saturating_add(1);
        Some(pair)
    }
}

#[cfg(test)]
mod tests {
    use sensor_ebpf::flow::FlowKey;

    use super::*;
    use crate::state::segments::Segments;

    #[test]
    fn the_connection_that_changed_longest_ago_gives_way() {
        let pair = |sport| Pair::of(&FlowKey { sport, ..FlowKey::default() }, &Segments::default());
        let mut hoard = Hoard::new(100, 10);
        hoard.note(pair(1), 60);
        hoard.note(pair(2), 30);
        hoard.note(pair(1), 50);
        assert_eq!((hoard.bytes(), hoard.excess()), (80, None));
        hoard.note(pair(3), 40);
        assert_eq!(hoard.excess(), Some(pair(2)));
        assert_eq!((hoard.bytes(), hoard.excess(), hoard.evicted), (90, None, 1));
        hoard.note(pair(1), 0);
        assert_eq!(hoard.bytes(), 40);
    }
}
