//! Configuration: TOML, every key with a default, unknown keys refused with their line.
//!
//! Each file here holds one kind of entry; [`check`] holds what one entry alone cannot tell. `deploy/isthmus.toml`
//! documents every key.

pub mod allow;
pub mod asset;
mod check;
mod error;
pub mod evidence;
mod network;
pub mod party;
mod place;
pub mod retention;
pub mod schedule;
pub mod service;
#[cfg(test)]
mod tests;
pub mod zone;

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::detect;
use crate::state::Segment;
use crate::state::segments::Reach;
use crate::state::world::Settings;
use crate::state::zone::{Area, Zones};

pub use allow::{Allow, Conduit, Crossing, Deed};
pub use asset::{Asset, Criticality, Role};
pub use error::ConfigError;
pub use evidence::EvidenceConfig;
pub use party::{Party, Side};
pub use retention::Retention;
pub use schedule::{Schedule, Until, UtcOffset};
pub use service::Service;
pub use zone::{KindConfig, ZoneConfig};

/// Everything an operator may set.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// How far the site's clocks are ahead of UTC, for schedules.
    pub utc_offset: UtcOffset,
    /// What this sensor is called in its outputs.
    pub observer: Observer,
    /// How long to learn.
    pub learning: Learning,
    /// What marks an administrator.
    pub rdp: Rdp,
    /// How much may be raised and kept.
    pub limits: Limits,
    /// Where metrics are served.
    pub web: Web,
    /// How much of the packets is kept.
    pub evidence: EvidenceConfig,
    /// For how long what happened is kept.
    pub retention: Retention,
    /// Parts of the plant.
    pub zone: Vec<ZoneConfig>,
    /// Devices the operator knows.
    pub asset: Vec<Asset>,
    /// Exceptions.
    pub allow: Vec<Allow>,
    /// What may cross between zones.
    pub conduit: Vec<Conduit>,
    /// Devices that stand in for each other.
    pub group: Vec<Group>,
    /// Settings of single models by [`detect::Spec::id`]; the model reads its own with [`Config::model`].
    pub models: BTreeMap<String, toml::Table>,
}

/// The sensor itself.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Observer {
    /// `observer.name`.
    pub name: String,
}

impl Default for Observer {
    fn default() -> Self {
        Self { name: "isthmus".to_owned() }
    }
}

/// Devices of which one stands in for another: they share one baseline.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Group {
    /// Assets or addresses, two at least.
    pub redundant: Vec<Party>,
}

/// How long things are taken for ordinary.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Learning {
    /// Days until a new site is judged.
    pub site_days: u32,
    /// Days until a device found later is judged.
    pub device_days: u32,
}

impl Default for Learning {
    fn default() -> Self {
        Self { site_days: 14, device_days: 7 }
    }
}

/// What marks an administrator's remote desktop.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Rdp {
    /// Beginnings of login names; clients cut names to nine characters.
    pub admin_names: Vec<String>,
}

impl Default for Rdp {
    fn default() -> Self {
        Self { admin_names: Settings::default().admin_names }
    }
}

/// Bounds.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// False alarms a day that statistical models may raise together.
    pub alert_budget: f64,
    /// Devices remembered.
    pub hosts: usize,
    /// Conversations remembered.
    pub conversations: usize,
    /// Connections tracked at once.
    pub connections: usize,
}

impl Default for Limits {
    fn default() -> Self {
        let settings = Settings::default();
        Self {
            alert_budget: settings.alert_budget,
            hosts: settings.max_hosts,
            conversations: settings.max_conversations,
            connections: settings.max_connections,
        }
    }
}

/// Where metrics are served.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Web {
    /// Address and port; empty serves nothing.
    pub listen: String,
}

impl Default for Web {
    fn default() -> Self {
        Self { listen: "127.0.0.1:9843".to_owned() }
    }
}

/// Reads a configuration file.
///
/// # Errors
/// One line with file, line, what is wrong and what to do.
pub fn load(path: &Path) -> Result<Config, ConfigError> {
    let name = path.display().to_string();
    let text = std::fs::read_to_string(path).map_err(|error| ConfigError {
        file: name.clone(),
        line: None,
        what: format!("cannot read the configuration: {error}; correct the path or its permissions"),
    })?;
    parse(&name, &text)
}

/// Reads a configuration's text; `name` is where it came from.
///
/// # Errors
/// As [`load`].
pub fn parse(name: &str, text: &str) -> Result<Config, ConfigError> {
    let config: Config = toml::from_str(text).map_err(|error| ConfigError::from_toml(name, text, &error))?;
    if let Some(id) = config.models.keys().find(|id| detect::by_id(id).is_none()) {
        let line = place::model_line(text, id);
        let what = format!("there is no model `{id}`; `isthmus explain` lists them");
        return Err(ConfigError { file: name.to_owned(), line: Some(line), what });
    }
    detect::settings::check(&config).map_err(|(id, what)| ConfigError {
        file: name.to_owned(),
        line: Some(place::model_line(text, id)),
        what,
    })?;
    check::check(&config).map_err(|problem| ConfigError {
        file: name.to_owned(),
        line: Some(place::line(text, &problem.path)),
        what: problem.what,
    })?;
    Ok(config)
}

impl Config {
    /// The settings of model `id` as its own type, whose defaults stand for what is not written.
    ///
    /// # Errors
    /// One line that names the model's table and the key: the type's own refusal.
    pub fn model<T: DeserializeOwned + Default>(&self, id: &str) -> Result<T, String> {
        let Some(table) = self.models.get(id) else { return Ok(T::default()) };
        let settings = table.clone().try_into();
        settings
            .map_err(|error: toml::de::Error| format!("[models.{id}]: {}", error::advise(error.message())))
    }

    /// What the engine goes by.
    pub fn settings(&self) -> Settings {
        Settings {
            site_days: self.learning.site_days,
            device_days: self.learning.device_days,
            alert_budget: self.limits.alert_budget,
            admin_names: self.rdp.admin_names.iter().map(|name| name.to_lowercase()).collect(),
            max_hosts: self.limits.hosts,
            max_conversations: self.limits.conversations,
            max_connections: self.limits.connections,
            ..Settings::default()
        }
    }

    /// Zones that reuse networks on interfaces of other names than these, each with the interface.
    pub fn unwatched<'a>(
        &'a self,
        names: &'a BTreeMap<u8, String>,
    ) -> impl Iterator<Item = (&'a str, &'a str)> {
        let zones = self.zone.iter().filter(|zone| self.reuses(zone));
        zones
            .flat_map(|zone| zone.interfaces.iter().map(|interface| (&*zone.name, &**interface)))
            .filter(|(_, interface)| names.values().all(|name| name != interface))
    }

    /// Whether another zone has addresses of this one.
    fn reuses(&self, zone: &ZoneConfig) -> bool {
        self.zone.iter().any(|other| other.name != zone.name && other.overlaps(zone))
    }

    /// The segment a zone is: its own where another zone reuses its networks.
    fn segment(&self, zone: &ZoneConfig) -> Segment {
        let name = Some(&zone.name).filter(|_| self.reuses(zone));
        name.and_then(|name| Segment::named(name)).unwrap_or_default()
    }

    /// The configured zones.
    pub fn zones(&self) -> Zones {
        let area = |zone: &ZoneConfig| Area {
            zone: zone.zone(),
            networks: zone.networks.clone(),
            segment: self.segment(zone),
        };
        Zones::new(self.zone.iter().map(area).collect())
    }

    /// Zones that reuse networks, each a segment.
    pub fn segments(&self) -> Vec<Reach> {
        let reach = |zone: &ZoneConfig| Reach {
            segment: self.segment(zone),
            networks: zone.networks.clone(),
            vlans: zone.vlans.clone(),
            interfaces: zone.interfaces.clone(),
        };
        self.zone.iter().map(reach).filter(|reach| reach.segment != Segment::SITE).collect()
    }
}
