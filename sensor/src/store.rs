//! What survives a restart: SQLite in WAL mode, one file in the state directory.
//!
//! Rows are written in one transaction, so that `kill -9` loses at most what came since the last one and corrupts
//! nothing. Bodies are JSON: columns that nobody queries would only make migrations.

use std::net::IpAddr;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use rusqlite::{Connection, OptionalExtension as _, params};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::detect::finding::Finding;
use crate::incident::{Incident, Incidents};
use crate::mind::Mind;
use crate::state::World;
use crate::state::conversation;
use crate::state::world::Site;

/// Raised when what the rows hold changes in a way an older program cannot read.
const VERSION: u32 = 1;

const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, body TEXT NOT NULL);
    CREATE TABLE IF NOT EXISTS host (key TEXT PRIMARY KEY, body TEXT NOT NULL);
    CREATE TABLE IF NOT EXISTS conversation (key TEXT PRIMARY KEY, body TEXT NOT NULL);
    CREATE TABLE IF NOT EXISTS external (key TEXT PRIMARY KEY, body TEXT NOT NULL);
    CREATE TABLE IF NOT EXISTS finding (key INTEGER PRIMARY KEY, body TEXT NOT NULL);
    CREATE TABLE IF NOT EXISTS incident (key INTEGER PRIMARY KEY, body TEXT NOT NULL);
";

/// The state file.
pub struct Store {
    db: Connection,
    path: PathBuf,
}

impl Store {
    /// Opens the state in `dir`, made if there is none.
    ///
    /// # Errors
    /// Where the directory cannot be made or written, or another version wrote the file.
    pub fn open(dir: &Path) -> Result<Self> {
        std::fs::create_dir_all(dir).with_context(|| {
            format!("{}: cannot make the state directory; choose another with --state", dir.display())
        })?;
        let path = dir.join("isthmus.db");
        let db =
            Connection::open(&path).with_context(|| format!("{}: cannot open the state", path.display()))?;
        db.pragma_update(None, "journal_mode", "WAL").with_context(|| {
            format!("{}: no state of Isthmus; move it away or choose another with --state", path.display())
        })?;
        db.pragma_update(None, "synchronous", "NORMAL")?;
        db.busy_timeout(std::time::Duration::from_secs(5))?;
        let version: u32 = db.pragma_query_value(None, "user_version", |row| row.get(0))?;
        anyhow::ensure!(
            version <= VERSION,
            "{}: written by a newer Isthmus (schema {version}, this one knows {VERSION}); upgrade or choose another --state",
            path.display()
        );
        db.execute_batch(SCHEMA)?;
        db.pragma_update(None, "user_version", VERSION)?;
        Ok(Self { db, path })
    }

    /// Opens the state for reading; there must be one.
    ///
    /// # Errors
    /// Where there is no state.
    pub fn open_existing(dir: &Path) -> Result<Self> {
        let path = dir.join("isthmus.db");
        anyhow::ensure!(
            path.exists(),
            "{}: no state there; `isthmus run --state` or `replay --state` makes one",
            dir.display()
        );
        Self::open(dir)
    }

    /// Puts everything stored into `world`; returns findings and incidents.
    ///
    /// # Errors
    /// Where a row cannot be read, naming it.
    pub fn load(&self, world: &mut World) -> Result<Incidents> {
        let site: Option<String> =
            self.db.query_row("SELECT body FROM meta WHERE key = 'site'", [], |row| row.get(0)).optional()?;
        if let Some(site) = site {
            world.site = serde_json::from_str::<Site>(&site).with_context(|| self.broken("meta", "site"))?;
        }
        let local: Option<String> = self
            .db
            .query_row("SELECT body FROM meta WHERE key = 'local'", [], |row| row.get(0))
            .optional()?;
        for prefix in
            local.iter().flat_map(|text| serde_json::from_str::<Vec<IpAddr>>(text).unwrap_or_default())
        {
            world.zones.note_local(prefix);
        }
        // In order of last use, so that the least recently used rows are again the first to go.
        self.each("host", |key, host| {
            if let Ok(ip) = key.parse::<IpAddr>() {
                world.hosts.restore(ip, host);
            }
        })?;
        self.each("conversation", |key, conversation| {
            if let Ok(key) = serde_json::from_str::<conversation::Key>(key) {
                world.conversations.restore(key, conversation);
            }
        })?;
        self.each("external", |key, external| world.externals.restore(key.to_owned(), external))?;
        let mut findings: Vec<Finding> = Vec::new();
        self.each("finding", |_, finding| findings.push(finding))?;
        let mut incidents: Vec<Incident> = Vec::new();
        self.each("incident", |_, incident| incidents.push(incident))?;
        Ok(Incidents::restore(findings, incidents))
    }

    /// Writes what changed since the last call, all or nothing.
    ///
    /// # Errors
    /// Where the disk refuses.
    pub fn save(&mut self, mind: &mut Mind) -> Result<()> {
        let path = self.path.display().to_string();
        let transaction = self.db.transaction().with_context(|| format!("{path}: cannot write the state"))?;
        put(&transaction, "meta", "site", &mind.world.site)?;
        put(&transaction, "meta", "local", &mind.world.zones.local().collect::<Vec<_>>())?;
        for ip in mind.world.hosts.take_dirty() {
            if let Some(host) = mind.world.hosts.get(&ip) {
                put(&transaction, "host", &ip.to_string(), host)?;
            }
        }
        for key in mind.world.conversations.take_dirty() {
            if let Some(conversation) = mind.world.conversations.get(&key) {
                put(&transaction, "conversation", &serde_json::to_string(&key)?, conversation)?;
            }
        }
        for key in mind.world.externals.take_dirty() {
            if let Some(external) = mind.world.externals.get(&key) {
                put(&transaction, "external", &key, external)?;
            }
        }
        if mind.incidents.take_dirty() {
            for finding in mind.incidents.findings() {
                put(&transaction, "finding", &finding.number.to_string(), finding)?;
            }
            for incident in mind.incidents.iter() {
                put(&transaction, "incident", &incident.number.to_string(), incident)?;
            }
        }
        transaction.commit().with_context(|| format!("{path}: cannot write the state"))
    }

    fn each<T: DeserializeOwned>(&self, table: &str, mut take: impl FnMut(&str, T)) -> Result<()> {
        let mut statement = self.db.prepare(&format!("SELECT key, body FROM {table} ORDER BY rowid"))?;
        let mut rows = statement.query(params![])?;
        while let Some(row) = rows.next()? {
            let key: String = match row.get_ref(0)? {
                rusqlite::types::ValueRef::Integer(n) => n.to_string(),
                other => other.as_str()?.to_owned(),
            };
            let body: String = row.get(1)?;
            take(&key, serde_json::from_str(&body).with_context(|| self.broken(table, &key))?);
        }
        Ok(())
    }

    fn broken(&self, table: &str, key: &str) -> String {
        format!("{}: {table} {key} cannot be read; move the file away and learn again", self.path.display())
    }
}

fn put(db: &rusqlite::Transaction<'_>, table: &str, key: &str, body: &impl Serialize) -> Result<()> {
    let mut statement =
        db.prepare_cached(&format!("INSERT OR REPLACE INTO {table} (key, body) VALUES (?1, ?2)"))?;
    statement.execute(params![key, serde_json::to_string(body)?])?;
    Ok(())
}
