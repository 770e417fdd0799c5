//! Where an address is unique.
//!
//! Most sites number their devices once: one segment, [`Segment::SITE`], holds all addresses. Where cells reuse a network, each
//! zone that has it is a segment of its own, and an address names a device only together with it.

use std::cmp::Ordering;
use std::fmt;
use std::net::{AddrParseError, IpAddr, Ipv4Addr};
use std::str::FromStr;
use std::sync::OnceLock;

use serde::{Deserialize, Serialize};

use super::address::of_mac;

/// Segments of one program, whose names are kept for good: many more than zones reuse networks behind one gateway.
const MAX: usize = 256;
/// Their names, by number. They come from the configuration, and from the state where that was written by another one; never
/// from the wire.
static NAMES: [OnceLock<String>; MAX] = [const { OnceLock::new() }; MAX];

/// A part of the network within which addresses are unique: a number, so that an address stays small. Ordered by name, which no
/// order of reading changes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Segment(u8);

impl Segment {
    /// Everywhere that no other segment is.
    pub const SITE: Self = Self(0);

    /// The segment of this name; `None` where there are too many, or the name is empty.
    pub fn named(name: &str) -> Option<Self> {
        if name.is_empty() {
            return None;
        }
        let mut rows = (0..=u8::MAX).zip(&NAMES).skip(1);
        rows.find(|(_, row)| row.get_or_init(|| name.to_owned()) == name).map(|(number, _)| Self(number))
    }

    /// Its name: that of the zone whose addresses it holds; empty for [`Segment::SITE`].
    pub fn name(self) -> &'static str {
        NAMES.get(usize::from(self.0)).and_then(OnceLock::get).map_or("", String::as_str)
    }

    pub(super) const fn number(self) -> u8 {
        self.0
    }
}

impl Ord for Segment {
    fn cmp(&self, other: &Self) -> Ordering {
        if self == other { Ordering::Equal } else { self.name().cmp(other.name()) }
    }
}

impl PartialOrd for Segment {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// An address that names one place of the site: the address, and the segment it is unique in.
///
/// As text `10.0.0.5`, or `192.168.0.10%cell-3` as scoped addresses are written (RFC 4007 §11).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct SiteAddr {
    /// The address, as packets carry it.
    pub ip: IpAddr,
    /// Where it is unique.
    pub segment: Segment,
}

impl SiteAddr {
    /// The address in this segment.
    pub const fn new(ip: IpAddr, segment: Segment) -> Self {
        Self { ip, segment }
    }

    /// Whether it is of IPv4.
    pub const fn is_ipv4(self) -> bool {
        self.ip.is_ipv4()
    }
}

impl std::hash::Hash for SiteAddr {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        super::address::hash(*self, 0, state);
    }
}

impl From<IpAddr> for SiteAddr {
    fn from(ip: IpAddr) -> Self {
        Self { ip, segment: Segment::SITE }
    }
}

impl From<Ipv4Addr> for SiteAddr {
    fn from(ip: Ipv4Addr) -> Self {
        IpAddr::from(ip).into()
    }
}

impl From<[u8; 4]> for SiteAddr {
    fn from(ip: [u8; 4]) -> Self {
        IpAddr::from(ip).into()
    }
}

impl From<SiteAddr> for IpAddr {
    fn from(addr: SiteAddr) -> Self {
        addr.ip
    }
}

impl fmt::Display for SiteAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.ip.fmt(f)?;
        match self.segment {
            Segment::SITE => Ok(()),
            segment => write!(f, "%{}", segment.name()),
        }
    }
}

/// No address of the site.
#[derive(Debug, thiserror::Error)]
pub enum NoAddress {
    /// What it begins with is no address.
    #[error(transparent)]
    Address(#[from] AddrParseError),
    /// There are too many segments, or the name of this one is empty.
    #[error("no segment is called `{0}`, and no more can be")]
    Segment(String),
}

impl FromStr for SiteAddr {
    type Err = NoAddress;

    fn from_str(text: &str) -> Result<Self, NoAddress> {
        let Some((ip, name)) = text.split_once('%') else { return Ok(text.parse::<IpAddr>()?.into()) };
        let segment = Segment::named(name).ok_or_else(|| NoAddress::Segment(name.to_owned()))?;
        Ok(Self { ip: ip.parse()?, segment })
    }
}

impl TryFrom<String> for SiteAddr {
    type Error = NoAddress;

    fn try_from(text: String) -> Result<Self, NoAddress> {
        text.parse()
    }
}

impl From<SiteAddr> for String {
    fn from(addr: SiteAddr) -> Self {
        addr.to_string()
    }
}

/// A MAC, and the segment it was seen in. Machines built alike may have the same one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(from = "Stored", into = "Stored")]
pub struct SiteMac {
    /// The MAC, as frames carry it.
    pub mac: [u8; 6],
    /// Where it was seen.
    pub segment: Segment,
}

impl SiteMac {
    /// The address that stands for it ([`of_mac`]).
    pub fn addr(self) -> SiteAddr {
        SiteAddr::new(of_mac(self.mac), self.segment)
    }
}

impl From<[u8; 6]> for SiteMac {
    fn from(mac: [u8; 6]) -> Self {
        Self { mac, segment: Segment::SITE }
    }
}

impl From<SiteMac> for [u8; 6] {
    fn from(of: SiteMac) -> Self {
        of.mac
    }
}

/// As it is stored: alone where its segment is the site.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Stored {
    Alone([u8; 6]),
    In([u8; 6], String),
}

impl From<SiteMac> for Stored {
    fn from(SiteMac { mac, segment }: SiteMac) -> Self {
        match segment {
            Segment::SITE => Self::Alone(mac),
            segment => Self::In(mac, segment.name().to_owned()),
        }
    }
}

impl From<Stored> for SiteMac {
    fn from(stored: Stored) -> Self {
        match stored {
            Stored::Alone(mac) => mac.into(),
            Stored::In(mac, name) => Self { mac, segment: Segment::named(&name).unwrap_or_default() },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_read_as_it_was_written() {
        for text in ["10.0.0.5", "192.168.0.10%cell 3", "fe80::21b:1bff:fe1e:102%line-2"] {
            let addr: SiteAddr = text.parse().unwrap();
            assert_eq!(addr.to_string(), text);
            let stored = serde_json::to_string(&addr).unwrap();
            assert_eq!(stored, format!("\"{text}\""));
            assert_eq!(serde_json::from_str::<SiteAddr>(&stored).unwrap(), addr);
        }
        assert!("10.0.0".parse::<SiteAddr>().is_err() && "10.0.0.5%".parse::<SiteAddr>().is_err());
    }

    #[test]
    fn segments_are_ordered_by_name_whichever_was_heard_of_first() {
        let [b, a] = ["order-b", "order-a"].map(|name| Segment::named(name).unwrap());
        assert!(Segment::SITE < a && a < b);
        assert_eq!(Segment::named("order-b"), Some(b));
        assert_eq!((a.name(), Segment::SITE.name()), ("order-a", ""));
    }

    #[test]
    fn a_mac_is_stored_as_before_where_there_are_no_segments() {
        let site = SiteMac::from([1, 2, 3, 4, 5, 6]);
        let cell = SiteMac { segment: Segment::named("cell 3").unwrap(), ..site };
        for (mac, text) in [(site, "[1,2,3,4,5,6]"), (cell, r#"[[1,2,3,4,5,6],"cell 3"]"#)] {
            assert_eq!(serde_json::to_string(&mac).unwrap(), text);
            assert_eq!(serde_json::from_str::<SiteMac>(text).unwrap(), mac);
        }
    }
}
