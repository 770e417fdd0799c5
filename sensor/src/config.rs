//! Configuration: TOML, every key with a default, unknown keys refused with their line.

use std::path::Path;

use ipnet::IpNet;
use serde::Deserialize;

use crate::state::world::Settings;
use crate::state::zone::{Kind, Zone, Zones};

/// Why a configuration cannot be used: one line, with file and line.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ConfigError(String);

/// Everything an operator may set.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// What this sensor is called in its outputs.
    pub observer: Observer,
    /// Parts of the plant.
    pub zone: Vec<ZoneConfig>,
    /// Devices the operator knows.
    pub asset: Vec<Asset>,
    /// How long to learn.
    pub learning: Learning,
    /// What marks an administrator.
    pub rdp: Rdp,
    /// How much may be raised and kept.
    pub limits: Limits,
    /// Where metrics are served.
    pub web: Web,
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

/// A part of the plant.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ZoneConfig {
    /// Its name in findings and accounts.
    pub name: String,
    /// Its networks.
    pub networks: Vec<toml::Spanned<String>>,
    /// What it is for; without it a name that contains `ot` or `industrial` means OT, anything else IT.
    pub kind: Option<Kind>,
}

/// A device the operator knows.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Asset {
    /// The name used in accounts.
    pub name: String,
    /// Its address.
    pub ip: Option<std::net::IpAddr>,
    /// Its MAC, `00:11:22:33:44:55`.
    pub mac: Option<String>,
    /// `controller`, `hmi`, `scada`, `engineering`, `historian`, `server`, `it`.
    pub role: Option<String>,
    /// `low`, `medium`, `high`.
    pub criticality: Option<String>,
    /// Whom to call.
    pub contact: Option<String>,
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
    let text = std::fs::read_to_string(path)
        .map_err(|error| ConfigError(format!("{name}: cannot read the configuration: {error}")))?;
    parse(&name, &text)
}

/// Reads a configuration's text; `name` is where it came from.
///
/// # Errors
/// As [`load`].
pub fn parse(name: &str, text: &str) -> Result<Config, ConfigError> {
    let config: Config = toml::from_str(text).map_err(|error| {
        let line = error.span().map_or(1, |span| line_of(text, span.start));
        let what = error.message().trim_end().replace('\n', " ");
        let hint = if what.starts_with("unknown field") { "; correct or remove it" } else { "" };
        ConfigError(format!("{name}:{line}: {what}{hint}"))
    })?;
    check(name, text, &config)?;
    Ok(config)
}

fn line_of(text: &str, at: usize) -> usize {
    text.get(..at).unwrap_or(text).matches('\n').count().saturating_add(1)
}

fn check(name: &str, text: &str, config: &Config) -> Result<(), ConfigError> {
    let mut seen: Vec<(IpNet, &str)> = Vec::new();
    for zone in &config.zone {
        for network in &zone.networks {
            let line = line_of(text, network.span().start);
            let net: IpNet = network.get_ref().parse().map_err(|_| {
                ConfigError(format!("{name}:{line}: `{}` is no network; write it as 10.20.0.0/16", network.get_ref()))
            })?;
            if net.trunc() != net {
                let whole = net.trunc();
                return Err(ConfigError(format!("{name}:{line}: `{net}` has bits behind its prefix; write {whole}")));
            }
            if let Some((other, theirs)) = seen.iter().find(|(other, theirs)| other == &net && *theirs != zone.name) {
                return Err(ConfigError(format!(
                    "{name}:{line}: network {net} is in zone `{}` and, as {other}, in zone `{theirs}`; keep one",
                    zone.name
                )));
            }
            seen.push((net, &zone.name));
        }
    }
    if !config.web.listen.is_empty() && config.web.listen.parse::<std::net::SocketAddr>().is_err() {
        let line = text.lines().position(|line| line.trim_start().starts_with("listen")).map_or(1, |n| n.saturating_add(1));
        return Err(ConfigError(format!("{name}:{line}: `{}` is no address and port, such as 127.0.0.1:9843", config.web.listen)));
    }
    Ok(())
}

impl Config {
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

    /// The configured zones.
    pub fn zones(&self) -> Zones {
        let mut zones = Vec::new();
        for zone in &self.zone {
            let name = zone.name.to_lowercase();
            let kind = zone.kind.unwrap_or(if name.contains("ot") || name.contains("industrial") { Kind::Ot } else { Kind::It });
            for net in zone.networks.iter().filter_map(|net| net.get_ref().parse::<IpNet>().ok()) {
                zones.push((net, Zone { name: zone.name.clone(), kind }));
            }
        }
        Zones::new(zones)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shipped_configuration_equals_the_defaults() {
        let text = include_str!("../../deploy/isthmus.toml");
        assert_eq!(parse("deploy/isthmus.toml", text).unwrap(), Config::default());
    }

    #[test]
    fn an_unknown_key_is_named_with_file_and_line() {
        let error = parse("site.toml", "[learning]\nsite_days = 3\nsite_dais = 4\n").unwrap_err().to_string();
        assert!(error.starts_with("site.toml:3:") && error.contains("site_dais"), "{error}");
    }

    #[test]
    fn a_bad_network_is_named_with_its_line() {
        let error = parse("site.toml", "[[zone]]\nname = \"ot\"\nnetworks = [\n \"10.0.0.0/8\",\n \"10.1\"]\n").unwrap_err();
        assert!(error.to_string().starts_with("site.toml:5: `10.1` is no network"), "{error}");
    }

    #[test]
    fn one_network_in_two_zones_is_refused() {
        let text = "[[zone]]\nname=\"a\"\nnetworks=[\"10.0.0.0/8\"]\n[[zone]]\nname=\"b\"\nnetworks=[\"10.0.0.0/8\"]\n";
        assert!(parse("site.toml", text).unwrap_err().to_string().starts_with("site.toml:6: network 10.0.0.0/8"));
    }
}
