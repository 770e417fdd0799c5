//! What a device is called inside.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::num::ParseIntError;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::segment::{NoAddress, Segment, SiteAddr};

/// A device, by the first address it was known by: an IP, or what stands for its MAC ([`of_mac`](super::address::of_mac)). It
/// keeps this name whatever addresses it has later, so that everything learned under it stays where it is. Never shown to
/// people: an address that was handed on names two devices.
///
/// As text `10.0.0.5`; of later devices that began with the same address `10.0.0.5~1`, in a segment `192.168.0.10~1%cell-3`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Device {
    pub(super) name: SiteAddr,
    pub(super) nth: u16,
}

impl Device {
    /// The first device known by an address.
    pub const fn first(name: SiteAddr) -> Self {
        Self { name, nth: 0 }
    }

    /// Whether it was the first to be known by its name.
    pub(super) const fn is_first(self) -> bool {
        self.nth == 0
    }

    /// The next one that begins with the same address.
    pub(super) const fn next(self) -> Self {
        Self { name: self.name, nth: self.nth.saturating_add(1) }
    }
}

impl Hash for Device {
    fn hash<H: Hasher>(&self, state: &mut H) {
        super::address::hash(self.name, self.nth, state);
    }
}

impl fmt::Display for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.nth, self.name.segment) {
            (0, _) => self.name.fmt(f),
            (nth, Segment::SITE) => write!(f, "{}~{nth}", self.name.ip),
            (nth, segment) => write!(f, "{}~{nth}%{}", self.name.ip, segment.name()),
        }
    }
}

/// No name of a device.
#[derive(Debug, thiserror::Error)]
pub enum NoDevice {
    /// What it begins with is no address.
    #[error(transparent)]
    Address(#[from] NoAddress),
    /// What follows is no number.
    #[error(transparent)]
    Number(#[from] ParseIntError),
}

impl FromStr for Device {
    type Err = NoDevice;

    fn from_str(text: &str) -> Result<Self, NoDevice> {
        // What follows the number is a segment's name, which may hold anything.
        let (address, segment) = text.split_once('%').map_or((text, ""), |(address, name)| (address, name));
        let (ip, nth) = address.split_once('~').unwrap_or((address, "0"));
        let name = if segment.is_empty() { ip.parse()? } else { format!("{ip}%{segment}").parse()? };
        Ok(Self { name, nth: nth.parse()? })
    }
}

impl TryFrom<String> for Device {
    type Error = NoDevice;

    fn try_from(text: String) -> Result<Self, NoDevice> {
        text.parse()
    }
}

impl From<Device> for String {
    fn from(device: Device) -> Self {
        device.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_a_device_is_read_as_it_was_written() {
        for text in
            ["10.0.0.5", "10.0.0.5~2", "fe80::21b:1bff:fe1e:102", "10.0.0.5%cell~1", "10.0.0.5~2%cell~1"]
        {
            let device: Device = text.parse().unwrap();
            assert_eq!(device.to_string(), text);
            assert_eq!(
                serde_json::from_str::<Device>(&serde_json::to_string(&device).unwrap()).unwrap(),
                device
            );
        }
        assert!("10.0.0".parse::<Device>().is_err() && "10.0.0.5~x".parse::<Device>().is_err());
    }
}
