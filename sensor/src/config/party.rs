//! Who is meant in allowances and conduits.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use super::Config;
use crate::state::{Segment, SiteAddr};

/// An asset's or zone's name, or a network.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Party {
    /// An asset or a zone.
    Named(String),
    /// A network or one address.
    Network(IpNet),
    /// A network or one address of the zone of this name.
    Within(IpNet, String),
}

/// One end of what is judged.
#[derive(Clone, Copy, Debug)]
pub struct Side<'a> {
    /// Its address.
    pub ip: SiteAddr,
    /// Its MAC, where it is its own and not a router's.
    pub mac: Option<[u8; 6]>,
    /// The name of its zone.
    pub zone: &'a str,
    /// It is outside the company.
    pub external: bool,
    /// It was there before learning ended, is past it, or stands in the configuration.
    pub known: bool,
}

impl Party {
    /// Whether `side` is meant. Names were checked to exist when the configuration was read.
    pub fn means(&self, side: Side<'_>, config: &Config) -> bool {
        match self {
            Self::Network(net) => net.contains(&side.ip.ip),
            Self::Within(net, zone) => net.contains(&side.ip.ip) && zone == side.zone,
            Self::Named(name) => match config.asset.iter().find(|asset| &asset.name == name) {
                Some(asset) => asset.is(side.ip, side.mac),
                None => name == side.zone,
            },
        }
    }
}

impl Party {
    /// Whether one device is meant: an asset or an address.
    pub fn is_one(&self, config: &Config) -> bool {
        match self {
            Self::Named(name) => config.asset.iter().any(|asset| &asset.name == name),
            Self::Network(_) | Self::Within(..) => self.names_one_address(),
        }
    }

    fn names_one_address(&self) -> bool {
        match self {
            Self::Network(net) | Self::Within(net, _) => net.prefix_len() == net.max_prefix_len(),
            Self::Named(_) => false,
        }
    }

    /// The one address meant, where it is no asset's.
    pub fn address(&self) -> Option<SiteAddr> {
        match self {
            _ if !self.names_one_address() => None,
            Self::Network(net) => Some(net.addr().into()),
            Self::Within(net, zone) => Some(SiteAddr::new(net.addr(), Segment::named(zone)?)),
            Self::Named(_) => None,
        }
    }
}

impl FromStr for Party {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text.parse::<IpNet>().is_ok() || text.parse::<IpAddr>().is_ok() {
            return super::network::network(text).map(Self::Network);
        }
        if let Some((net, zone)) = text.split_once('%')
            && let Ok(net) = super::network::network(net)
        {
            return Ok(Self::Within(net, zone.to_owned()));
        }
        if text.is_empty() {
            return Err("nobody is named; write an asset, a zone or a network".to_owned());
        }
        Ok(Self::Named(text.to_owned()))
    }
}

impl TryFrom<String> for Party {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl fmt::Display for Party {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (net, zone) = match self {
            Self::Named(name) => return f.write_str(name),
            Self::Network(net) => (net, None),
            Self::Within(net, zone) => (net, Some(zone)),
        };
        if self.names_one_address() {
            write!(f, "{}", net.addr())?
        } else {
            write!(f, "{net}")?
        }
        zone.map_or(Ok(()), |zone| write!(f, "%{zone}"))
    }
}

impl From<Party> for String {
    fn from(party: Party) -> Self {
        party.to_string()
    }
}
