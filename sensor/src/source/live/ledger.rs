//! What was told of each flow, written down each second, so that who goes on after a `kill -9` counts each packet once.
//!
//! A file in memory (`/run`): like pinned maps it survives the process and not the machine.

use std::fs::{self, File, OpenOptions};
use std::os::unix::fs::{FileExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use anyhow::Context as _;

use crate::source::residency::Residency;

/// Where ledgers are kept.
pub const RUN: &str = "/run/isthmus";
/// Bytes in front: a word of what it is, the number of the flow cache it is about.
const HEAD: usize = 16;
const MAGIC: &[u8; 12] = b"isthmus-led1";

/// A ledger of one flow cache.
#[derive(Debug)]
pub struct Ledger {
    file: File,
    path: PathBuf,
    /// Told once where it cannot be written.
    complained: bool,
}

impl Ledger {
    /// Opens the ledger `name` of the flow cache the kernel calls `map`, and lets `residency` go on from it. `Ok((_, false))`:
    /// there was none of that cache; it begins empty.
    ///
    /// # Errors
    /// Where it cannot be made.
    pub fn open(dir: &Path, name: &str, map: u32, residency: &mut Residency) -> anyhow::Result<(Self, bool)> {
        fs::create_dir_all(dir).with_context(|| format!("{}: cannot make the directory", dir.display()))?;
        let path = dir.join(name);
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(&path)
            .with_context(|| format!("{}: cannot open", path.display()))?;
        let head = [MAGIC.as_slice(), &map.to_ne_bytes()].concat();
        let image = fs::read(&path).with_context(|| format!("{}: cannot read", path.display()))?;
        let known = image.strip_prefix(head.as_slice()).is_some_and(|rest| residency.restore(rest));
        if !known {
            file.set_len(0)
                .and_then(|()| file.set_len((HEAD + residency.ledger_len()) as u64))
                .and_then(|()| file.write_all_at(&head, 0))
                .with_context(|| format!("{}: cannot write", path.display()))?;
        }
        Ok((Self { file, path, complained: false }, known))
    }

    /// Writes down what changed.
    pub fn write(&mut self, residency: &mut Residency) {
        let file = &self.file;
        let done = residency.write(|at, bytes| file.write_all_at(bytes, at.saturating_add(HEAD) as u64));
        if let Err(error) = done
            && !std::mem::replace(&mut self.complained, true)
        {
            let path = self.path.display();
            tracing::warn!(
                "{path}: cannot write: {error}; after a crash, volumes of flows then open start anew"
            );
        }
    }
}

/// Removes the ledger `name`, where there is one.
pub fn forget(dir: &Path, name: &str) {
    // Where there is none nothing is to be done, and one too many does no harm: it names its map.
    let _ = fs::remove_file(dir.join(name)).and_then(|()| fs::remove_dir(dir));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ledger_is_gone_on_from_only_for_the_same_flow_cache() {
        let dir = std::env::temp_dir().join(format!("isthmus-ledger-{}", std::process::id()));
        let open = |map| Ledger::open(&dir, "x", map, &mut Residency::new(1, 8)).unwrap().1;
        assert!(!open(7));
        assert!(open(7));
        assert!(!open(8));
        fs::write(dir.join("x"), b"garbage").unwrap();
        assert!(!open(8));
        assert!(open(8));
        forget(&dir, "x");
        assert!(!dir.exists());
    }
}
