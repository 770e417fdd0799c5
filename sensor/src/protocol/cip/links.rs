//! CIP connections (transport class 3): each direction has an id of its own, and a slot may be where they lead.

/// CIP connections known at once.
const CONNECTIONS: usize = 64;

/// A connection: its ids towards target and originator, and the slot it leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Link {
    /// The id of what goes to the target.
    pub target: u32,
    /// The id of what comes back.
    pub originator: u32,
    /// The module behind the device.
    pub slot: Option<u8>,
}

/// The connections of one encapsulation; the oldest is forgotten first.
#[derive(Debug, Default)]
pub struct Links(Vec<Link>);

impl Links {
    /// The slot to which a connection leads, by the id of its requests.
    pub fn slot(&self, target: u32) -> Option<u8> {
        self.0.iter().find(|link| link.target == target)?.slot
    }

    /// The id of the requests that responses with this id answer.
    pub fn target(&self, originator: u32) -> Option<u32> {
        self.0.iter().find(|link| link.originator == originator).map(|link| link.target)
    }

    /// Learns a connection; what was known of either id is forgotten.
    pub fn insert(&mut self, link: Link) {
        self.0.retain(|known| known.originator != link.originator && known.target != link.target);
        if self.0.len() >= CONNECTIONS {
            self.0.remove(0);
        }
        self.0.push(link);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_that_is_used_again_means_its_latest_connection() {
        let mut links = Links::default();
        links.insert(Link { target: 1, originator: 2, slot: Some(0) });
        links.insert(Link { target: 3, originator: 2, slot: Some(4) });
        assert_eq!((links.target(2), links.slot(1), links.slot(3)), (Some(3), None, Some(4)));
    }

    #[test]
    fn the_oldest_of_too_many_is_forgotten() {
        let mut links = Links::default();
        for id in 0..=64 {
            links.insert(Link { target: id, originator: 1000 + id, slot: None });
        }
        assert_eq!((links.target(1000), links.target(1064)), (None, Some(64)));
    }
}
