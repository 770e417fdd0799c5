//! The flow cache as the kernel writes it, mapped read-only: the only unsafe code of the sensor.
#![expect(unsafe_code, reason = "memory shared with the kernel can only be read through a pointer")]

use std::os::fd::AsFd;
use std::ptr::{self, NonNull};

use anyhow::Context as _;
use rustix::mm::{MapFlags, ProtFlags, mmap, munmap};
use sensor_ebpf::flow::{Entry, Snapshot};

/// Words of an entry.
const WORDS: usize = size_of::<Entry>() / 8;
/// An entry that changes this often while it is read is left to the next sweep.
const TRIES: usize = 8;

/// All slices of the flow cache.
#[derive(Debug)]
pub struct Mapped {
    start: NonNull<u64>,
    entries: usize,
}

// SAFETY: the mapping belongs to this value alone and is only read; the kernel writes it from all CPUs anyway.
unsafe impl Send for Mapped {}

impl Mapped {
    /// Maps the first `entries` entries of the array map `fd`.
    ///
    /// # Errors
    /// When the kernel refuses: the map is smaller or was not made mappable.
    pub fn new(fd: impl AsFd, entries: usize) -> anyhow::Result<Self> {
        let len = entries.checked_mul(size_of::<Entry>()).context("flow cache larger than memory")?;
        // SAFETY: a new mapping at an address of the kernel's choice touches no existing memory.
        let start = unsafe { mmap(ptr::null_mut(), len, ProtFlags::READ, MapFlags::SHARED, fd, 0) }
            .context("cannot map the flow cache")?;
        let start = NonNull::new(start.cast()).context("the flow cache was mapped at address zero")?;
        Ok(Self { start, entries })
    }

    /// How many entries there are.
    pub const fn len(&self) -> usize {
        self.entries
    }

    /// A consistent copy of an entry; `None` where nothing is, or where it changed all the time.
    pub fn snapshot(&self, index: usize) -> Option<Snapshot> {
        let mut before = self.words(index)?;
        for _ in 0..TRIES {
            let after = self.words(index)?;
            // Twice the same, and no replacement under way (from_words looks at the generation): nobody wrote between.
            if before == after {
                return Snapshot::from_words(&after);
            }
            before = after;
        }
        None
    }

    fn words(&self, index: usize) -> Option<[u64; WORDS]> {
        if index >= self.entries {
            return None;
        }
        let mut words = [0; WORDS];
        // The stamp is the last word: read first, so that a replacement begun after it changes it in the second reading.
        for (offset, word) in words.iter_mut().enumerate().rev() {
            // SAFETY: index < entries, so the word lies in the mapping, which lives as long as self; mappings are
            // page-aligned. The kernel writes aligned words, so a volatile load of one is never torn.
            *word = unsafe { self.start.as_ptr().add(index * WORDS + offset).read_volatile() };
        }
        Some(words)
    }
}

impl Drop for Mapped {
    fn drop(&mut self) {
        // SAFETY: exactly what `new` mapped; no reference into it outlives a call.
        // Nothing can be done where unmapping fails, and it fails only for arguments that are not these.
        let _ = unsafe { munmap(self.start.as_ptr().cast(), self.entries * size_of::<Entry>()) };
    }
}
