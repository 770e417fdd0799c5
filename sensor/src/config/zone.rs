//! `[[zone]]`: a part of the plant.

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use crate::state::zone::{Kind, Zone};

/// A part of the plant: networks, and where cells reuse them the VLANs or interfaces they are meant on. Then each zone is a
/// segment ([`crate::state::segment`]): its addresses name devices of their own.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ZoneConfig {
    /// Its name in findings, accounts, allowances and conduits.
    pub name: String,
    /// Its networks.
    #[serde(deserialize_with = "super::network::networks")]
    pub networks: Vec<IpNet>,
    /// VLAN ids (1–4094) its addresses are meant on; empty: any.
    #[serde(default)]
    pub vlans: Vec<u16>,
    /// Interfaces its addresses are meant on; empty: any.
    #[serde(default)]
    pub interfaces: Vec<String>,
    /// What it is for; without it the name decides.
    pub kind: Option<KindConfig>,
}

/// What a zone may be said to be for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum KindConfig {
    /// Controllers and what drives them.
    Ot,
    /// The rest of the company.
    It,
    /// Not the company.
    External,
}

impl From<KindConfig> for Kind {
    fn from(kind: KindConfig) -> Self {
        match kind {
            KindConfig::Ot => Self::Ot,
            KindConfig::It => Self::It,
            KindConfig::External => Self::External,
        }
    }
}

/// Words in a zone's name that tell it is driven by controllers.
const OT_WORDS: [&str; 6] = ["ot", "ics", "industrial", "plc", "plcs", "scada"];

impl ZoneConfig {
    /// As configured; without that OT where a word of the name says so, external where it is `external` or `internet`,
    /// else IT. Whole words only: `remote` and `robots-office` are not OT.
    pub fn kind(&self) -> Kind {
        if let Some(kind) = self.kind {
            return kind.into();
        }
        let name = self.name.to_lowercase();
        let mut words = name.split(|c: char| !c.is_ascii_alphabetic());
        match () {
            () if name == "external" || name == "internet" => Kind::External,
            () if words.any(|word| OT_WORDS.contains(&word)) => Kind::Ot,
            () => Kind::It,
        }
    }

    /// What the engine keeps of it.
    pub(super) fn zone(&self) -> Zone {
        Zone { name: self.name.clone(), kind: self.kind() }
    }

    /// Whether some frame could belong to both: one VLAN and one interface (or any) in common.
    pub(super) fn shares_a_link(&self, other: &Self) -> bool {
        fn meet<T: PartialEq>(a: &[T], b: &[T]) -> bool {
            a.is_empty() || b.is_empty() || a.iter().any(|one| b.contains(one))
        }
        meet(&self.vlans, &other.vlans) && meet(&self.interfaces, &other.interfaces)
    }

    /// A network of another zone that has addresses of this one.
    pub(super) fn overlaps(&self, other: &Self) -> bool {
        let overlap = |a: &IpNet, b: &IpNet| a.contains(b) || b.contains(a);
        self.networks.iter().any(|net| other.networks.iter().any(|theirs| overlap(net, theirs)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(name: &str) -> Kind {
        let (networks, vlans, interfaces) = (Vec::new(), Vec::new(), Vec::new());
        ZoneConfig { name: name.to_owned(), networks, vlans, interfaces, kind: None }.kind()
    }

    #[test]
    fn whole_words_of_the_name_tell_the_kind() {
        assert_eq!(kind("ot"), Kind::Ot);
        assert_eq!(kind("Industrial"), Kind::Ot);
        assert_eq!(kind("line1-ot"), Kind::Ot);
        assert_eq!(kind("remote"), Kind::It);
        assert_eq!(kind("Computing"), Kind::It);
        assert_eq!(kind("internet"), Kind::External);
    }
}
