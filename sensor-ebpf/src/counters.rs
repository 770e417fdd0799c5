//! Everything the packet path counts, each from zero, by CPU.

/// What is counted. Discriminants index [`crate::tables::Cpu::counters`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Counter {
    /// Frames seen.
    Packets,
    /// Bytes of frames seen, as on the wire.
    Bytes,
    /// Frames too short for their headers: passed, not accounted.
    Cut,
    /// Headers that contradict themselves: passed, not accounted.
    Bad,
    /// Fragments after the first: accounted without ports.
    LaterFragments,
    /// Entries made in the flow cache.
    Inserted,
    /// Older entries that made room, each reported.
    Replaced,
    /// Packets of new flows beyond the rate limit: counted in the storm table only.
    Storm,
    /// Packets on a CPU that has no slice of the flow cache.
    NoSlice,
    /// Records the lifecycle ring had no room for.
    LostLifecycle,
    /// Records the industrial ring had no room for.
    LostIndustrial,
    /// Records the access ring had no room for.
    LostAccess,
    /// Records the evidence ring had no room for.
    LostEvidence,
    /// Payload not shipped because user space has not been heard of for too long.
    Paused,
    /// Payload not shipped because the frame could not be copied.
    Uncopied,
}

impl Counter {
    /// How many there are.
    pub const COUNT: usize = 15;

    /// All, in index order.
    pub const ALL: [Self; Self::COUNT] = [
        Self::Packets,
        Self::Bytes,
        Self::Cut,
        Self::Bad,
        Self::LaterFragments,
        Self::Inserted,
        Self::Replaced,
        Self::Storm,
        Self::NoSlice,
        Self::LostLifecycle,
        Self::LostIndustrial,
        Self::LostAccess,
        Self::LostEvidence,
        Self::Paused,
        Self::Uncopied,
    ];
}

#[cfg(test)]
mod tests {
    use super::Counter;

    #[test]
    fn every_counter_is_listed_at_its_index() {
        for (index, counter) in Counter::ALL.iter().enumerate() {
            assert_eq!(index, *counter as usize);
        }
    }
}
