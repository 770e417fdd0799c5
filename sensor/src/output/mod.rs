//! What leaves the sensor: one file per output.

pub mod community;
pub mod convergence;
pub mod evidence;
pub mod json;
pub mod metrics;
pub mod report;
pub mod text;
pub mod web;

use sensor_ebpf::counters::Counter;

use crate::engine::Engine;
use crate::observer::Observer;

/// An output that is told everything and may fail to write it.
pub trait Sink {
    /// The side the engine talks to.
    fn as_observer(&mut self) -> &mut dyn Observer;
    /// Passes on what was written so far.
    ///
    /// # Errors
    /// The first failure to write since the last call.
    fn check(&mut self) -> anyhow::Result<()>;
    /// Hands what was written to whoever reads it.
    ///
    /// # Errors
    /// A failure to write.
    fn flush(&mut self) -> anyhow::Result<()>;
    /// The run is over.
    ///
    /// # Errors
    /// A failure to write.
    fn summary(&mut self, engine: &Engine, counters: &[u64; Counter::COUNT]) -> anyhow::Result<()>;
}
