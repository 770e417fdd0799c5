//! What survives a restart: SQLite in WAL mode, one file in the state directory.
//!
//! Rows are written in one transaction, so that `kill -9` loses at most what came since the last one and corrupts
//! nothing. Bodies are JSON: columns that nobody queries would only make migrations.
//!
//! One process owns the state: a running sensor. Whoever else has something to say appends an [`Order`] to the journal
//! and writes nothing else, so that neither side can undo the other's writes. The owner carries out what is new in the journal
//! before each save and notes in the same transaction how far it got; who only reads carries out what is outstanding on its
//! own copy, and so sees at once what the owner will.

mod rows;
pub mod unfinished;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use rows::{forget, put};
use rusqlite::{Connection, OptionalExtension as _, Transaction, TransactionBehavior, params};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::detect::finding::Finding;
use crate::incident::{Incident, Incidents};
use crate::mind::Mind;
use crate::observer::{Observer, Silent};
use crate::order::Order;
use crate::state::Device;
use crate::state::SiteAddr;
use crate::state::World;
use crate::state::conversation;
use crate::state::world::Site;
use crate::time::Time;

/// Raised when what the rows hold changes in a way an older program cannot read.
const VERSION: u32 = 4;

/// What leads from each version to the next, from an empty file on. Never changed, only added to.
const MIGRATIONS: [&str; VERSION as usize] = [
    "
    CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, body TEXT NOT NULL);
    CREATE TABLE IF NOT EXISTS host (key TEXT PRIMARY KEY, body TEXT NOT NULL);
    CREATE TABLE IF NOT EXISTS conversation (key TEXT PRIMARY KEY, body TEXT NOT NULL);
    CREATE TABLE IF NOT EXISTS external (key TEXT PRIMARY KEY, body TEXT NOT NULL);
    CREATE TABLE IF NOT EXISTS finding (key INTEGER PRIMARY KEY, body TEXT NOT NULL);
    CREATE TABLE IF NOT EXISTS incident (key INTEGER PRIMARY KEY, body TEXT NOT NULL);
    ",
    // Numbers of orders are never given twice, also after old ones are cleared away.
    "
    CREATE TABLE operator (key INTEGER PRIMARY KEY AUTOINCREMENT, body TEXT NOT NULL);
    CREATE TABLE event (key INTEGER PRIMARY KEY AUTOINCREMENT, body TEXT NOT NULL);
    ",
    // Rows stay as they are: a device may have other addresses than the one it is called by, which an older program would
    // take for other devices.
    "",
    "
    CREATE TABLE station (key TEXT PRIMARY KEY, body TEXT NOT NULL);
    ",
];

/// Orders kept in the journal, for who asks later what was typed.
const MAX_ORDERS: u64 = 10_000;

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
        let mut db =
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
        if version < VERSION {
            migrate(&mut db)
                .with_context(|| format!("{}: cannot bring the state up to date", path.display()))?;
        }
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

    /// What is stored, in a world made by `world`, with every order carried out; what that changes is told to nobody.
    ///
    /// # Errors
    /// Where a row cannot be read, naming it.
    pub fn read(&self, mut world: World) -> Result<Mind> {
        // What changes from here on is not as it is stored.
        world.hosts.take_changes();
        world.conversations.take_changes();
        world.externals.take_changes();
        world.stations.rows.take_changes();
        let mut incidents = self.load(&mut world)?;
        incidents.take_changes();
        let mut mind = Mind::new(world, incidents);
        mind.obeyed = self.meta("obeyed")?.unwrap_or(0);
        mind.watched = self.meta("watched")?.unwrap_or_default();
        mind.chronicle.take_changes();
        self.each("event", |key, entry| {
            if let Ok(number) = key.parse() {
                mind.chronicle.restore(number, entry);
            }
        })?;
        // The configuration may allow what it did not when this was written.
        mind.review(&mut Silent);
        let now = mind.world.site.last;
        for (number, order) in self.orders(mind.obeyed)? {
            mind.obey(number, &order, now, &mut Silent);
        }
        Ok(mind)
    }

    /// Appends an order to the journal; returns its number.
    ///
    /// # Errors
    /// Where the disk refuses.
    pub fn order(&self, order: &Order) -> Result<u64> {
        self.db
            .execute("INSERT INTO operator (body) VALUES (?1)", params![serde_json::to_string(order)?])
            .with_context(|| format!("{}: cannot write the order", self.path.display()))?;
        Ok(u64::try_from(self.db.last_insert_rowid()).unwrap_or(0))
    }

    /// Orders behind number `after`, oldest first.
    ///
    /// # Errors
    /// Where a row cannot be read, naming it.
    pub fn orders(&self, after: u64) -> Result<Vec<(u64, Order)>> {
        let mut statement =
            self.db.prepare_cached("SELECT key, body FROM operator WHERE key > ?1 ORDER BY key")?;
        let mut rows = statement.query(params![i64::try_from(after).unwrap_or(i64::MAX)])?;
        let mut orders = Vec::new();
        while let Some(row) = rows.next()? {
            let number = u64::try_from(row.get::<_, i64>(0)?).unwrap_or(0);
            let body: String = row.get(1)?;
            let order =
                serde_json::from_str(&body).with_context(|| self.broken("operator", &number.to_string()))?;
            orders.push((number, order));
        }
        Ok(orders)
    }

    /// Carries out what operators typed since the last call. The next [`Store::save`] keeps what came of it.
    ///
    /// # Errors
    /// Where the journal cannot be read.
    pub fn obey(&self, mind: &mut Mind, now: Time, observer: &mut dyn Observer) -> Result<()> {
        for (number, order) in self.orders(mind.obeyed)? {
            mind.obey(number, &order, now, observer);
        }
        Ok(())
    }

    /// The number of the latest order the state's owner carried out.
    ///
    /// # Errors
    /// Where the state cannot be read.
    pub fn obeyed(&self) -> Result<u64> {
        Ok(self.meta("obeyed")?.unwrap_or(0))
    }

    fn meta<T: DeserializeOwned>(&self, key: &str) -> Result<Option<T>> {
        let body: Option<String> = self
            .db
            .query_row("SELECT body FROM meta WHERE key = ?1", params![key], |row| row.get(0))
            .optional()?;
        body.map(|body| serde_json::from_str(&body).with_context(|| self.broken("meta", key))).transpose()
    }

    /// Puts everything stored into `world`; returns findings and incidents.
    fn load(&self, world: &mut World) -> Result<Incidents> {
        world.rules.restore(self.meta("allowed")?.unwrap_or_default());
        if let Some(site) = self.meta::<Site>("site")? {
            world.site = site;
        }
        for prefix in self.meta::<Vec<SiteAddr>>("local")?.unwrap_or_default() {
            world.zones.note_local(prefix);
        }
        // In order of last use, so that the least recently used rows are again the first to go.
        self.each("host", |key, host| {
            if let Ok(device) = key.parse::<Device>() {
                world.restore_host(device, host);
            }
        })?;
        self.each("conversation", |key, conversation| {
            if let Ok(key) = serde_json::from_str::<conversation::Key>(key) {
                world.conversations.restore(key, conversation);
            }
        })?;
        self.each("external", |key, external| world.externals.restore(key.to_owned(), external))?;
        self.each("station", |key, station| world.stations.rows.restore(key.to_owned(), station))?;
        let mut findings: Vec<Finding> = Vec::new();
        self.each("finding", |_, finding| findings.push(finding))?;
        let mut incidents: Vec<Incident> = Vec::new();
        self.each("incident", |_, incident| incidents.push(incident))?;
        Ok(Incidents::restore(findings, incidents))
    }

    /// Keeps the text of the configuration the owner runs with, or that there is none: whoever reads the state without
    /// naming a configuration sees the same zones and names.
    ///
    /// # Errors
    /// Where the disk refuses.
    pub fn keep_configuration(&mut self, text: Option<&str>) -> Result<()> {
        let transaction = self.db.transaction_with_behavior(TransactionBehavior::Immediate)?;
        match text {
            Some(text) => put(&transaction, "meta", "configuration", &text)?,
            None => forget(&transaction, "meta", "configuration")?,
        }
        Ok(transaction.commit()?)
    }

    /// What [`Store::keep_configuration`] kept.
    ///
    /// # Errors
    /// Where the row cannot be read.
    pub fn configuration(&self) -> Result<Option<String>> {
        self.meta("configuration")
    }

    /// How full the owner's tables were when it last saved.
    ///
    /// # Errors
    /// Where the row cannot be read.
    pub fn tables(&self) -> Result<Tables> {
        Ok(self.meta("tables")?.unwrap_or_default())
    }

    /// Writes what changed since the last call, all or nothing.
    ///
    /// # Errors
    /// Where the disk refuses; the next call then writes everything.
    pub fn save(&mut self, mind: &mut Mind) -> Result<()> {
        self.save_with(mind, |_| Ok(()))
    }

    /// [`Store::save`], with what `also` writes in the same transaction.
    fn save_with(
        &mut self,
        mind: &mut Mind,
        also: impl FnOnce(&Transaction<'_>) -> Result<()>,
    ) -> Result<()> {
        let saved = self
            .write(mind, also)
            .with_context(|| format!("{}: cannot write the state", self.path.display()));
        if saved.is_err() {
            mind.unsaved();
        }
        saved
    }

    fn write(&mut self, mind: &mut Mind, also: impl FnOnce(&Transaction<'_>) -> Result<()>) -> Result<()> {
        // From the start as a writer: somebody may append an order between a first read and a first write.
        let transaction = self.db.transaction_with_behavior(TransactionBehavior::Immediate)?;
        put(&transaction, "meta", "site", &mind.world.site)?;
        put(&transaction, "meta", "local", &mind.world.zones.local().collect::<Vec<_>>())?;
        put(&transaction, "meta", "obeyed", &mind.obeyed)?;
        put(&transaction, "meta", "watched", &mind.watched)?;
        put(&transaction, "meta", "allowed", mind.world.rules.typed())?;
        put(&transaction, "meta", "tables", &Tables::of(mind))?;
        transaction
            .prepare_cached("DELETE FROM operator WHERE key <= ?1")?
            .execute(params![i64::try_from(mind.obeyed.saturating_sub(MAX_ORDERS)).unwrap_or(i64::MAX)])?;
        let world = &mut mind.world;
        let changes = world.hosts.take_changes();
        let hosts = world.hosts.rows();
        rows::write(&transaction, "host", changes, |device| hosts.get(device), || hosts.iter())?;
        let changes = world.conversations.take_changes();
        let conversations = &world.conversations;
        rows::write(
            &transaction,
            "conversation",
            changes,
            |k| conversations.get(k),
            || conversations.iter(),
        )?;
        let changes = world.externals.take_changes();
        let externals = &world.externals;
        rows::write(&transaction, "external", changes, |k| externals.get(k), || externals.iter())?;
        let changes = world.stations.rows.take_changes();
        let stations = &world.stations.rows;
        rows::write(&transaction, "station", changes, |k| stations.get(k), || stations.iter())?;
        let changes = mind.chronicle.take_changes();
        let chronicle = &mind.chronicle;
        rows::write(&transaction, "event", changes, |n| chronicle.get(*n), || chronicle.rows())?;
        let (findings, incidents) = mind.incidents.take_changes();
        let all = &mind.incidents;
        let numbered = || all.findings().map(|finding| (&finding.number, finding));
        rows::write(&transaction, "finding", findings, |n| all.finding(*n), numbered)?;
        let numbered = || all.iter().map(|incident| (&incident.number, incident));
        rows::write(&transaction, "incident", incidents, |n| all.get(*n), numbered)?;
        also(&transaction)?;
        Ok(transaction.commit()?)
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

/// Brings an older state, or an empty file, up to date: all or nothing.
fn migrate(db: &mut Connection) -> Result<()> {
    let transaction = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
    // Another process may have done it while this one waited.
    let version: u32 = transaction.pragma_query_value(None, "user_version", |row| row.get(0))?;
    for step in MIGRATIONS.iter().skip(version as usize) {
        transaction.execute_batch(step)?;
    }
    transaction.pragma_update(None, "user_version", VERSION)?;
    Ok(transaction.commit()?)
}

/// How full the tables are, for who asks without being the sensor.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tables(pub BTreeMap<String, Fill>);

/// How full a table is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fill {
    /// Rows in it.
    pub rows: usize,
    /// The most it holds.
    pub capacity: usize,
    /// Rows forgotten for lack of room since the sensor was started.
    pub evicted: u64,
    /// Rows forgotten for their age since then; of most tables none is.
    #[serde(default)]
    pub expired: u64,
}

impl Tables {
    fn of(mind: &Mind) -> Self {
        let (world, events) = (&mind.world, &mind.chronicle);
        let fill = |rows, capacity, evicted| Fill { rows, capacity, evicted, expired: 0 };
        let (hosts, conversations, externals) = (&world.hosts, &world.conversations, &world.externals);
        Self(BTreeMap::from([
            (
                "conversations".to_owned(),
                fill(conversations.len(), conversations.capacity(), conversations.evicted),
            ),
            (
                "events".to_owned(),
                Fill { expired: events.expired, ..fill(events.len(), events.capacity(), events.evicted) },
            ),
            ("externals".to_owned(), fill(externals.len(), externals.capacity(), externals.evicted)),
            ("hosts".to_owned(), fill(hosts.len(), hosts.capacity(), hosts.evicted())),
        ]))
    }
}
