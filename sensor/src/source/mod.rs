//! Where records come from: the kernel's rings, or capture files through the same packet path.

pub mod capture;
pub mod live;
pub mod policy;
pub mod record;
pub mod replay;
pub mod residency;
pub mod storms;

use std::collections::BTreeMap;
use std::time::Duration;

use sensor_ebpf::policy::{Class, Endpoint};

pub use record::{FlowEvent, FrameEvent, Loss, Record, Storm};

/// A stream of records in time order, with a [`Record::Tick`] for each second of record time.
pub trait Source {
    /// Delivers what has come since the last call, in order. `Ok(false)`: there will be no more.
    ///
    /// # Errors
    /// What broke, where, and what to do; records before the break were delivered.
    fn poll(&mut self, sink: &mut dyn FnMut(Record<'_>)) -> anyhow::Result<bool>;

    /// Names of interfaces by their slot in a flow's key, as far as they are known: all of which records were delivered.
    fn interfaces(&self) -> &BTreeMap<u8, String> {
        static NONE: BTreeMap<u8, String> = BTreeMap::new();
        &NONE
    }

    /// Takes what the engine wants to see more or less of; effective within some 10 ms of record time, and within a
    /// tenth of a second where much is wished.
    fn apply(&mut self, wishes: &[Wish]);
}

/// What the engine asks of the packet path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wish {
    /// Treat flows of this end as this class, whatever its port.
    Verdict(Endpoint, Class),
    /// Ship whole frames of this address for a while.
    Watch([u64; 2], Duration),
}
