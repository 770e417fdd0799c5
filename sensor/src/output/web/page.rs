//! A page that the engine's thread writes only when somebody asked for it.
//!
//! Devices are tens of thousands and an incident's account is long: writing all of it every second for nobody would
//! cost more than the analysis.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::Value;
use tokio::sync::Notify;

/// How long a request waits for the engine: it answers once a second.
const PATIENCE: Duration = Duration::from_secs(3);

/// An object and the word it may be selected by (an incident's state, a finding's severity).
pub(super) type Row = (&'static str, Value);

/// Rows, as they were at the engine's last answer.
#[derive(Default)]
pub(super) struct Page {
    wanted: AtomicBool,
    rows: Mutex<Option<Vec<Row>>>,
    written: Notify,
}

impl Page {
    /// From the engine's thread: writes the page if somebody waits for it.
    pub(super) fn offer(&self, rows: impl FnOnce() -> Vec<Row>) {
        if self.wanted.swap(false, Ordering::AcqRel) {
            let rows = rows();
            *self.rows.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = Some(rows);
            self.written.notify_waiters();
        }
    }

    /// A JSON array of the rows that carry `word`, or of all; `None` where the engine has never answered.
    pub(super) async fn ask(&self, word: Option<&str>) -> Option<String> {
        let written = self.written.notified();
        tokio::pin!(written);
        // Before it is asked for, so that an answer in between is not missed.
        written.as_mut().enable();
        self.wanted.store(true, Ordering::Release);
        // An engine that is late gets what it said before, however old.
        let _late = tokio::time::timeout(PATIENCE, written).await;
        let rows = self.rows.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let selected: Vec<String> = rows
            .as_ref()?
            .iter()
            .filter(|(of, _)| word.is_none_or(|word| word == *of))
            .map(|(_, value)| value.to_string())
            .collect();
        Some(format!("[{}]", selected.join(",")))
    }
}
