//! Who says that an address is theirs: ARP, and Neighbor Discovery of IPv6.

use std::net::{IpAddr, Ipv6Addr};

use sensor_ebpf::flow::FlowKey;

use super::Engine;
use crate::detect::Happening;
use crate::detect::happening::Claim;
use crate::protocol::bytes::Bytes as _;
use crate::source::FrameEvent;
use crate::state::address::is_unicast;
use crate::state::{SiteAddr, SiteMac};

/// EtherType of ARP.
pub(super) const ARP: u16 = 0x0806;

/// Types of Neighbor Discovery's messages (RFC 4861 §4).
const ROUTER_SOLICITATION: u8 = 133;
const ROUTER_ADVERTISEMENT: u8 = 134;
const NEIGHBOR_SOLICITATION: u8 = 135;
const NEIGHBOR_ADVERTISEMENT: u8 = 136;
/// Options that hold the MAC of the source, of the target (§4.6.1).
const SOURCE: u8 = 1;
const TARGET: u8 = 2;
/// Flags of a neighbor advertisement (§4.4).
const SOLICITED: u8 = 0x40;
const OVERRIDE: u8 = 0x20;

/// An address and the MAC it is said to be reached by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Said {
    ip: IpAddr,
    mac: [u8; 6],
    /// Nobody asked.
    gratuitous: bool,
}

/// ARP (RFC 826): the sender says its addresses. A probe (RFC 5227) asks from no address and claims none.
fn arp(payload: &[u8]) -> Option<Said> {
    let &[0, 1, 8, 0, 6, 4, _, _, a, b, c, d, e, f, w, x, y, z, ..] = payload.first_chunk::<18>()? else {
        return None;
    };
    let sender = [w, x, y, z];
    let gratuitous = payload.slice(24, 4) == Some(&sender);
    Some(Said { ip: sender.into(), mac: [a, b, c, d, e, f], gratuitous })
}

/// Neighbor Discovery (RFC 4861): solicitations and router advertisements say the MAC of their source, advertisements that of
/// their target. Who looks whether an address is free (RFC 4862 §5.4) asks from no address and claims none; an advertisement
/// that must not override is of an address that several may have (§7.2.7) or that is another's.
fn discovery(source: Ipv6Addr, message: &[u8]) -> Option<Said> {
    let (kind, code) = (message.u8_at(0)?, message.u8_at(1)?);
    let (options, wanted) = match kind {
        _ if code != 0 => return None,
        ROUTER_SOLICITATION => (8, SOURCE),
        ROUTER_ADVERTISEMENT => (16, SOURCE),
        NEIGHBOR_SOLICITATION => (24, SOURCE),
        NEIGHBOR_ADVERTISEMENT => (24, TARGET),
        _ => return None,
    };
    let mac = option(message.get(options..)?, wanted)?;
    if kind != NEIGHBOR_ADVERTISEMENT {
        return Some(Said { ip: source.into(), mac, gratuitous: false });
    }
    let flags = message.u8_at(4)?;
    let target: &[u8; 16] = message.slice(8, 16)?.first_chunk()?;
    (flags & OVERRIDE != 0).then(|| Said {
        ip: Ipv6Addr::from(*target).into(),
        mac,
        gratuitous: flags & SOLICITED == 0,
    })
}

/// The MAC in an option; lengths are in units of eight bytes, and none is empty (§4.6).
fn option(mut bytes: &[u8], wanted: u8) -> Option<[u8; 6]> {
    loop {
        let (kind, units) = (bytes.u8_at(0)?, bytes.u8_at(1)?);
        if units == 0 {
            return None;
        }
        if kind == wanted && units == 1 {
            return bytes.slice(2, 6)?.first_chunk().copied();
        }
        bytes = bytes.get(usize::from(units).checked_mul(8)?..)?;
    }
}

impl Engine {
    pub(super) fn arp(&mut self, event: &FrameEvent<'_>) {
        if let Some(said) = arp(event.payload()) {
            self.claim(said, event);
        }
    }

    pub(super) fn discovery(&mut self, event: &FrameEvent<'_>) {
        // From farther away than this link it is a forgery (RFC 4861 §7.1): routers count the hop limit down.
        let header = event.payload_at.checked_sub(40).and_then(|at| event.frame.slice(at, 40));
        let Some(&[_, _, _, _, _, _, 58, 255, ..]) = header.and_then(<[u8]>::first_chunk::<8>) else {
            return;
        };
        let IpAddr::V6(source) = crate::state::address::ip(event.key.src) else { return };
        if let Some(said) = discovery(source, event.payload()) {
            self.claim(said, event);
        }
    }

    /// Its owner sends from an address that another device had claimed: as good as a claim.
    pub(super) fn took_back(&mut self, ip: SiteAddr, SiteMac { mac, segment }: SiteMac, key: &FlowKey) {
        let claim = Claim { ip, mac, link: (key.slot(), key.vlans()), segment, gratuitous: false };
        self.mind.happen(&Happening::Address(&claim), self.now);
    }

    fn claim(&mut self, said: Said, event: &FrameEvent<'_>) {
        let Said { ip, mac, gratuitous } = said;
        if !is_unicast(ip) || mac == [0; 6] {
            return;
        }
        let link = (event.key.slot(), event.key.vlans());
        let segments = &self.mind.world.segments;
        let (ip, segment) = (segments.of(&event.key, ip), segments.of_link(&event.key));
        let claim = Claim { ip, mac, link, segment, gratuitous };
        self.mind.happen(&Happening::Address(&claim), self.now);
        // Neighbours believe what is said. It proves something only where the MAC says it itself.
        if event.frame.slice(6, 6) == Some(&mac) {
            self.mind.world.prove(ip, SiteMac { mac, segment }, self.now);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const MAC: [u8; 6] = [0, 0x1b, 0x21, 1, 2, 3];

    fn v6(text: &str) -> Ipv6Addr {
        text.parse().unwrap()
    }

    /// A neighbor message about `target` with one option.
    fn neighbor(kind: u8, flags: u8, target: Ipv6Addr, option: u8) -> Vec<u8> {
        let mut bytes = vec![kind, 0, 0, 0, flags, 0, 0, 0];
        bytes.extend(target.octets());
        bytes.extend([option, 1]);
        bytes.extend(MAC);
        bytes
    }

    #[test]
    fn who_asks_for_a_neighbour_says_where_it_is() {
        let asks = neighbor(135, 0, v6("fe80::2"), SOURCE);
        let said = Said { ip: v6("fe80::1").into(), mac: MAC, gratuitous: false };
        assert_eq!(discovery(v6("fe80::1"), &asks), Some(said));
        // Whether an address is free is asked without a source, and so without its MAC.
        assert_eq!(discovery(v6("::"), &asks[..24]), None);
    }

    #[test]
    fn who_advertises_says_the_targets_mac_unless_others_may_have_it_too() {
        let of = |flags| discovery(v6("fe80::9"), &neighbor(136, flags, v6("2001:db8::5"), TARGET));
        let said = |gratuitous| Some(Said { ip: v6("2001:db8::5").into(), mac: MAC, gratuitous });
        assert_eq!((of(0x60), of(0x20)), (said(false), said(true)));
        assert_eq!(of(0x40), None);
    }

    #[test]
    fn routers_say_their_mac_behind_other_options() {
        let mut bytes = vec![134, 0, 0, 0, 64, 0, 7, 8, 0, 0, 0, 0, 0, 0, 0, 0];
        bytes.extend([5, 1, 0, 0, 0, 0, 5, 0xdc, SOURCE, 1]);
        bytes.extend(MAC);
        assert_eq!(discovery(v6("fe80::1"), &bytes).map(|said| said.mac), Some(MAC));
        bytes[17] = 0;
        assert_eq!(discovery(v6("fe80::1"), &bytes), None);
    }

    #[test]
    fn an_arp_probe_claims_nothing_and_an_announcement_was_not_asked_for() {
        let mut frame = vec![0, 1, 8, 0, 6, 4, 0, 1];
        frame.extend(MAC);
        frame.extend([10, 0, 0, 5, 0, 0, 0, 0, 0, 0, 10, 0, 0, 5]);
        let said = arp(&frame).unwrap();
        assert_eq!((said.ip, said.gratuitous), (IpAddr::from([10, 0, 0, 5]), true));
        frame[14..18].fill(0);
        assert!(!is_unicast(arp(&frame).unwrap().ip));
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..128), kind in 130..140_u8) {
            let _ = arp(&bytes);
            let mut message = bytes;
            if let Some(first) = message.first_mut() {
                *first = kind;
            }
            let _ = discovery(v6("fe80::1"), &message);
        }
    }
}
