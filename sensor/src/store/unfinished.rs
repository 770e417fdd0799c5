//! Replays into the state that were cut off, so that the next one of the same files goes on instead of learning them twice.

use std::path::{Path, PathBuf};

use anyhow::Result;
use serde::{Deserialize, Serialize};

use super::Store;
use super::rows::put;
use crate::mind::Mind;
use crate::time::Time;

/// Cut-off replays remembered; the oldest goes first.
const MAX: usize = 16;

/// What a replay reads, and how it takes it. Two of the same are one replay that goes on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Input {
    /// The files, by their full names, in the order of these.
    files: Vec<PathBuf>,
    /// They are the benign past.
    learn: bool,
    /// Every device is judged at once.
    operational: bool,
}

impl Input {
    /// These files, whatever their order.
    pub fn new(files: &[PathBuf], learn: bool, operational: bool) -> Self {
        let full = |file: &PathBuf| std::fs::canonicalize(file).unwrap_or_else(|_| file.clone());
        let mut files: Vec<PathBuf> = files.iter().map(full).collect();
        files.sort();
        Self { files, learn, operational }
    }

    /// The files, for a sentence.
    pub fn names(&self) -> String {
        let names: Vec<String> = self.files.iter().map(|file| file.display().to_string()).collect();
        names.join(" ")
    }
}

/// A replay that has not come to its end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unfinished {
    /// What it reads.
    pub input: Input,
    /// The tick up to which everything is in the state.
    pub until: Time,
}

impl Store {
    /// Replays that were cut off and can be gone on with: their files are still there.
    ///
    /// # Errors
    /// Where the row cannot be read.
    pub fn unfinished(&self) -> Result<Vec<Unfinished>> {
        let mut all: Vec<Unfinished> = self.meta("replays")?.unwrap_or_default();
        all.retain(|one| one.input.files.iter().all(|file| Path::exists(file)));
        Ok(all)
    }

    /// [`Store::save`] of a replay that goes on (`until` that tick), or that is over (`None`): both or neither.
    ///
    /// # Errors
    /// As [`Store::save`].
    pub fn save_replay(&mut self, mind: &mut Mind, input: &Input, until: Option<Time>) -> Result<()> {
        let mut all = self.unfinished()?;
        all.retain(|one| one.input != *input);
        all.extend(until.map(|until| Unfinished { input: input.clone(), until }));
        let all = all.get(all.len().saturating_sub(MAX)..).unwrap_or_default();
        self.save_with(mind, |transaction| put(transaction, "meta", "replays", &all))
    }
}
