//! Where files of evidence are, and how many at most.

use std::collections::VecDeque;
use std::fs;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use anyhow::{Context as _, Result};

/// A directory with a bounded number of files; the oldest makes room.
#[derive(Debug)]
pub struct Directory {
    dir: PathBuf,
    /// Oldest first.
    files: VecDeque<PathBuf>,
    most: usize,
    /// Files that made room.
    pub removed: u64,
}

impl Directory {
    /// Makes it if there is none. Packets hold what the plant says: others may not read them.
    ///
    /// # Errors
    /// Where it cannot be made or read.
    pub fn open(dir: &Path, most: usize) -> Result<Self> {
        let context =
            || format!("{}: cannot keep evidence there; choose another with --evidence", dir.display());
        fs::DirBuilder::new().recursive(true).mode(0o700).create(dir).with_context(context)?;
        let probe = dir.join("incident-0.pcapng.tmp");
        fs::write(&probe, b"").and_then(|()| fs::remove_file(&probe)).with_context(context)?;
        let mut files: Vec<(SystemTime, PathBuf)> = Vec::new();
        for entry in fs::read_dir(dir).with_context(context)?.flatten() {
            let name = entry.file_name();
            let name = name.to_string_lossy();
            if is_ours(&name, ".pcapng.tmp") {
                // Of a process that was killed.
                fs::remove_file(entry.path()).with_context(context)?;
            } else if is_ours(&name, ".pcapng") {
                let changed = entry.metadata().and_then(|is| is.modified()).unwrap_or(SystemTime::UNIX_EPOCH);
                files.push((changed, entry.path()));
            }
        }
        files.sort();
        let files = files.into_iter().map(|(_, path)| path).collect();
        Ok(Self { dir: dir.to_owned(), files, most: most.max(1), removed: 0 })
    }

    /// Where a file of that name is.
    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.join(format!("{name}.pcapng"))
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.files.len()
    }

    /// A file is about to appear: it is the youngest, and the oldest may have to go.
    pub fn begin(&mut self, path: &Path) {
        self.files.retain(|known| known != path);
        while self.files.len() >= self.most
            && let Some(oldest) = self.files.pop_front()
        {
            match fs::remove_file(&oldest) {
                Ok(()) => self.removed = self.removed.saturating_add(1),
                Err(error) => tracing::warn!("{}: cannot remove: {error}", oldest.display()),
            }
        }
        self.files.push_back(path.to_owned());
    }
}

/// Other files of that directory are nobody's business.
fn is_ours(name: &str, end: &str) -> bool {
    name.strip_suffix(end).is_some_and(|stem| stem.starts_with("incident-") || stem.starts_with("watch-"))
}
