//! Who talks to whom, whichever way it is looked at.

use std::hash::{Hash, Hasher};

use sensor_ebpf::flow::{FlowKey, Transport};

use super::address::{ip, mac};
use super::segment::{Segment, SiteAddr, SiteMac};
use super::segments::Segments;

/// One end of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct End {
    /// Address.
    pub ip: SiteAddr,
    /// Port; zero without ports.
    pub port: u16,
}

impl Hash for End {
    fn hash<H: Hasher>(&self, state: &mut H) {
        super::address::hash(self.ip, self.port, state);
    }
}

/// A connection whichever way it is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Pair {
    low: End,
    high: End,
    transport: u8,
    /// What tells streams between two MACs apart; zero where ports do.
    stream: u16,
}

impl Pair {
    /// Both directions of a flow give the same pair, whatever interface and VLAN they were seen on: on a router the
    /// request enters on one and the reply on another. Where addresses are unique in segments only, those tell.
    pub fn of(key: &FlowKey, segments: &Segments) -> Self {
        let (a, b) = ends(key, segments);
        Self::between(a, b, key.transport(), Link::of(key, segments).map_or(0, |link| link.stream))
    }

    pub(super) fn between(a: End, b: End, transport: Transport, stream: u16) -> Self {
        let (low, high) = if a <= b { (a, b) } else { (b, a) };
        Self { low, high, transport: transport as u8, stream }
    }
}

/// What takes the place of addresses and ports where frames carry no IP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Link {
    /// MACs of client and server (of a flow's key: source and destination).
    pub macs: [[u8; 6]; 2],
    /// Where they were seen.
    pub segment: Segment,
    /// The payload's first two bytes: PROFINET's FrameID, the APPID of GOOSE and SV.
    pub stream: u16,
}

impl Link {
    /// Of a flow without IP.
    pub fn of(key: &FlowKey, segments: &Segments) -> Option<Self> {
        let link = key.transport() == Transport::Ethernet;
        link.then(|| Self {
            macs: [mac(key.src), mac(key.dst)],
            segment: segments.of_link(key),
            stream: key.sport,
        })
    }

    /// Its MACs, each in its segment.
    pub fn site_macs(&self) -> [SiteMac; 2] {
        self.macs.map(|mac| SiteMac { mac, segment: self.segment })
    }

    /// Its ends as the MACs alone tell them, whatever IP the devices have.
    pub(super) fn ends(&self, ethertype: u16) -> (End, End) {
        let [a, b] = self.site_macs().map(|mac| End { ip: mac.addr(), port: ethertype });
        (a, b)
    }
}

/// Source and destination of a flow. Without IP: addresses made of the MACs, the EtherType for both ports.
pub fn ends(key: &FlowKey, segments: &Segments) -> (End, End) {
    if let Some(link) = Link::of(key, segments) {
        return link.ends(key.dport);
    }
    let [source, destination] = [key.src, key.dst].map(|words| segments.of(key, ip(words)));
    (End { ip: source, port: key.sport }, End { ip: destination, port: key.dport })
}
