//! The BPF object by itself, outside the sensor: built, loaded with settings of one's own, and fed single frames.

mod build;
mod load;

pub use build::{build, build_loader};
pub use load::{Loaded, Settings};
