//! Commands that show what is stored.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

use super::{Format, ShowArgs, configuration};
use crate::config::{self, Config};
use crate::mind::Mind;
use crate::output::text;
use crate::output::{json, report};
use crate::state::World;
use crate::store::Store;

/// What is stored, with every order carried out, and the observer's name.
pub(super) fn open(show: &ShowArgs) -> Result<(Mind, String)> {
    let store = Store::open_existing(&show.state)?;
    let (mind, config) = read(&store, show.config.as_ref())?;
    Ok((mind, config.observer.name))
}

/// What is stored, and the configuration that is given, or the one the state was last written with.
pub(super) fn read(store: &Store, path: Option<&PathBuf>) -> Result<(Mind, Config)> {
    let config = match (path, store.configuration()?) {
        (None, Some(text)) => config::parse("the configuration kept in the state", &text)?,
        (path, _) => configuration(path)?,
    };
    let mut world = World::new(config.settings(), config.zones());
    world.configure(&config);
    Ok((store.read(world)?, config))
}

/// `isthmus incidents`.
///
/// # Errors
/// No state there.
pub fn incidents(show: &ShowArgs) -> Result<()> {
    let mut out = std::io::stdout().lock();
    let (mind, observer) = open(show)?;
    for incident in mind.incidents.iter() {
        match show.format {
            Format::Json => writeln!(out, "{}", json::incident(incident, "summary", &observer))?,
            Format::Text => writeln!(out, "{}", text::incident_line(incident))?,
        }
    }
    Ok(())
}

/// `isthmus incident ID`.
///
/// # Errors
/// No such incident.
pub fn incident(id: u64, page: Option<&Path>, show: &ShowArgs) -> Result<()> {
    let mut out = std::io::stdout().lock();
    let (mut mind, observer) = open(show)?;
    mind.incidents.rewrite(id, &mind.world);
    if let (Some(page), true) = (page, mind.incidents.get(id).is_some()) {
        report::write(page, &mind, &observer, Some(id))?;
    }
    let incidents = &mind.incidents;
    let incident =
        incidents.get(id).with_context(|| format!("no incident {id}; `isthmus incidents` lists them"))?;
    match show.format {
        Format::Json => {
            writeln!(out, "{}", json::incident(incident, "summary", &observer))?;
            for finding in incident.findings.iter().filter_map(|n| incidents.finding(*n)) {
                writeln!(out, "{}", json::finding(finding, &observer))?;
            }
        }
        Format::Text => write!(out, "{}", text::incident(incident))?,
    }
    Ok(())
}

/// `isthmus hosts`.
///
/// # Errors
/// No state there.
pub fn hosts(show: &ShowArgs) -> Result<()> {
    let mut out = std::io::stdout().lock();
    let (Mind { world, .. }, observer) = open(show)?;
    let (devices, forged) = world.devices();
    for (ip, host) in devices {
        match show.format {
            Format::Json => writeln!(out, "{}", json::host(ip, host, &world, &observer))?,
            Format::Text => writeln!(out, "{}", text::host(ip, host, &world))?,
        }
    }
    for ((sender, mac), n) in forged {
        match show.format {
            Format::Json => writeln!(out, "{}", json::forged(sender, mac, n, &world, &observer))?,
            Format::Text => writeln!(out, "{}", text::forged(sender, mac, n))?,
        }
    }
    Ok(())
}

/// `isthmus conversations`.
///
/// # Errors
/// No state there.
pub fn conversations(show: &ShowArgs) -> Result<()> {
    let mut out = std::io::stdout().lock();
    let (Mind { world, .. }, observer) = open(show)?;
    let mut rows: Vec<_> = world.talks().collect();
    rows.sort_by_key(|(key, _)| *key);
    for (key, conversation) in &rows {
        match show.format {
            Format::Json => writeln!(out, "{}", json::conversation(key, conversation, &observer))?,
            Format::Text => writeln!(out, "{}", text::conversation(key, conversation))?,
        }
    }
    Ok(())
}
