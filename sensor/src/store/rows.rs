//! Tables of the state file, row by row.

use anyhow::Result;
use rusqlite::{Transaction, params};
use serde::Serialize;

use crate::state::Device;
use crate::state::changes::Changes;
use crate::state::conversation;

/// What a row is found by.
pub(super) trait Key {
    /// As it stands in the table.
    fn text(&self) -> Result<String>;
}

impl Key for Device {
    fn text(&self) -> Result<String> {
        Ok(self.to_string())
    }
}

impl Key for String {
    fn text(&self) -> Result<String> {
        Ok(self.clone())
    }
}

impl Key for u64 {
    fn text(&self) -> Result<String> {
        Ok(self.to_string())
    }
}

impl Key for conversation::Key {
    fn text(&self) -> Result<String> {
        Ok(serde_json::to_string(self)?)
    }
}

/// Brings a table up to date: changed rows are written, forgotten ones deleted; where all changed it is written anew.
pub(super) fn write<'a, K, V, I>(
    db: &Transaction<'_>,
    table: &str,
    changes: Changes<K>,
    get: impl Fn(&K) -> Option<&'a V>,
    all: impl FnOnce() -> I,
) -> Result<()>
where
    K: Key + Ord + 'a,
    V: Serialize + 'a,
    I: Iterator<Item = (&'a K, &'a V)>,
{
    match changes {
        Changes::Some(keys) => {
            for key in keys {
                let text = key.text()?;
                match get(&key) {
                    Some(row) => put(db, table, &text, row)?,
                    None => forget(db, table, &text)?,
                }
            }
        }
        Changes::All => {
            db.execute(&format!("DELETE FROM {table}"), [])?;
            for (key, row) in all() {
                put(db, table, &key.text()?, row)?;
            }
        }
    }
    Ok(())
}

/// Deletes one row.
pub(super) fn forget(db: &Transaction<'_>, table: &str, key: &str) -> Result<()> {
    db.prepare_cached(&format!("DELETE FROM {table} WHERE key = ?1"))?.execute(params![key])?;
    Ok(())
}

/// Writes one row, as the latest.
pub(super) fn put(db: &Transaction<'_>, table: &str, key: &str, body: &impl Serialize) -> Result<()> {
    let mut statement =
        db.prepare_cached(&format!("INSERT OR REPLACE INTO {table} (key, body) VALUES (?1, ?2)"))?;
    statement.execute(params![key, serde_json::to_string(body)?])?;
    Ok(())
}
