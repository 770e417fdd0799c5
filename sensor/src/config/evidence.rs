//! `[evidence]`: how much of the packets is kept, in memory and as files.

use std::ops::RangeInclusive;

use serde::Deserialize;

/// Bounds of what `--evidence` keeps.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct EvidenceConfig {
    /// Memory for frames of the last minutes, in MiB.
    pub memory_mib: u32,
    /// How far back a file begins at most, in seconds.
    pub seconds: u32,
    /// Size of one file, in MiB.
    pub file_mib: u32,
    /// Files kept; the oldest makes room.
    pub files: u32,
}

impl Default for EvidenceConfig {
    fn default() -> Self {
        Self { memory_mib: 64, seconds: 600, file_mib: 16, files: 256 }
    }
}

impl EvidenceConfig {
    /// Keys, what they are set to, and what they may be set to.
    pub(super) fn ranges(&self) -> [(&'static str, u32, RangeInclusive<u32>); 4] {
        [
            ("memory_mib", self.memory_mib, 1..=65_536),
            ("seconds", self.seconds, 1..=86_400),
            ("file_mib", self.file_mib, 1..=4096),
            ("files", self.files, 1..=100_000),
        ]
    }
}
