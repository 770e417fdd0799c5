//! Legs of the gateway that nobody watches.
//!
//! XDP sees what comes in. What a network sends is seen where its packets arrive, and that is, unless routing is
//! asymmetric, the interface this machine would itself use to reach it.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;

use super::{Health, Ports, Report};
use crate::source::live::links;

const UP: u32 = 1;
const REJECT: u32 = 0x200;

/// Where a network is reached.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Route {
    to: IpNet,
    interface: String,
}

impl Report {
    pub(super) fn routes(&mut self, ports: &Ports, networks: &[(IpNet, String)]) {
        // The files of this thread's network namespace.
        let read =
            |name: &str| std::fs::read_to_string(format!("/proc/thread-self/net/{name}")).unwrap_or_default();
        let mut routes = ipv4(&read("route"));
        routes.extend(ipv6(&read("ipv6_route")));
        let mut blind: Vec<(&str, Vec<String>)> = Vec::new();
        for (network, zone) in networks {
            match route(&routes, network) {
                None => self.say(
                    Health::Ok,
                    format!("zone {zone}: no route to {network}; fine at a mirror port or on a bridge"),
                ),
                Some(route) if is_watched(&route.interface, ports) => self.say(
                    Health::Ok,
                    format!("zone {zone}: {network} is behind {}, which is watched", route.interface),
                ),
                Some(route) => self.say(
                    Health::Warn,
                    format!(
                        "zone {zone}: {network} is behind {0}, which is not watched: what it says is not seen, and its \
                         connections look one-sided; add -i {0}",
                        route.interface
                    ),
                ),
            }
        }
        for route in &routes {
            if route.interface == "lo" || is_watched(&route.interface, ports) || is_own(&route.to) {
                continue;
            }
            match blind.iter_mut().find(|(interface, _)| *interface == route.interface) {
                Some((_, to)) => to.push(route.to.to_string()),
                None => blind.push((&route.interface, vec![route.to.to_string()])),
            }
        }
        for (interface, to) in blind {
            let more = to.len().saturating_sub(3);
            let mut listed = to.into_iter().take(3).collect::<Vec<_>>().join(", ");
            if more > 0 {
                listed.push_str(&format!(" and {more} more"));
            }
            self.say(
                Health::Warn,
                format!(
                    "{interface}: leads to {listed} and is not watched; add -i {interface} unless it is for management only"
                ),
            );
        }
    }
}

/// Whether what comes in there passes a port that is watched.
fn is_watched(interface: &str, ports: &Ports) -> bool {
    let below = links::resolve(&[interface.to_owned()], &ports.links);
    below.is_ok_and(|(below, _)| {
        below.iter().all(|port| ports.watched.iter().any(|watched| watched.index == port.index))
    })
}

/// Addresses of the machine itself, link-local and groups: no network behind them.
fn is_own(to: &IpNet) -> bool {
    match to {
        IpNet::V4(net) => net.addr().is_multicast() || net.addr().is_link_local(),
        IpNet::V6(net) => {
            net.prefix_len() == 128
                || net.addr().is_multicast()
                || net.addr().segments()[0] & 0xffc0 == 0xfe80
        }
    }
}

/// The route to a network: the longest that holds all of it.
fn route<'a>(routes: &'a [Route], network: &IpNet) -> Option<&'a Route> {
    routes.iter().filter(|route| route.to.contains(network)).max_by_key(|route| route.to.prefix_len())
}

/// Lines of /proc/net/route: `Iface Destination Gateway Flags RefCnt Use Metric Mask …`, numbers in hexadecimal and in
/// this machine's byte order.
fn ipv4(text: &str) -> Vec<Route> {
    text.lines()
        .skip(1)
        .filter_map(|line| {
            let fields: Vec<&str> = line.split_ascii_whitespace().collect();
            let number = |at: usize| u32::from_str_radix(fields.get(at)?, 16).ok();
            let flags = number(3)?;
            let address = Ipv4Addr::from(number(1)?.to_ne_bytes());
            let mask = Ipv4Addr::from(number(7)?.to_ne_bytes());
            let to = IpNet::with_netmask(IpAddr::V4(address), IpAddr::V4(mask)).ok()?;
            (flags & UP != 0 && flags & REJECT == 0)
                .then_some(Route { to, interface: (*fields.first()?).to_owned() })
        })
        .collect()
}

/// Lines of /proc/net/ipv6_route: destination, its prefix length, source, its length, gateway, metric, two counts, flags,
/// interface; numbers in hexadecimal, addresses in network order.
fn ipv6(text: &str) -> Vec<Route> {
    text.lines()
        .filter_map(|line| {
            let fields: Vec<&str> = line.split_ascii_whitespace().collect();
            let address = Ipv6Addr::from(u128::from_str_radix(fields.first()?, 16).ok()?);
            let length = u8::from_str_radix(fields.get(1)?, 16).ok()?;
            let flags = u32::from_str_radix(fields.get(8)?, 16).ok()?;
            let to = IpNet::new(IpAddr::V6(address), length).ok()?;
            (flags & UP != 0 && flags & REJECT == 0)
                .then_some(Route { to, interface: (*fields.get(9)?).to_owned() })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::live::links::Link;

    const ROUTE: &str = "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n\
                         eth0\t00000000\t010011AC\t0003\t0\t0\t0\t00000000\t0\t0\t0\n\
                         eth1.20\t0000140A\t00000000\t0001\t0\t0\t0\t0000FFFF\t0\t0\t0\n\
                         eth2\t0000150A\t00000000\t0001\t0\t0\t0\t0000FFFF\t0\t0\t0\n";

    fn net(text: &str) -> IpNet {
        text.parse().unwrap()
    }

    fn ports() -> Ports {
        let link = |index, name: &str| Link { index, name: name.to_owned(), hardware: 1, ..Link::default() };
        let vlan = Link { kind: "vlan".to_owned(), lower: Some(2), ..link(4, "eth1.20") };
        let links = vec![link(1, "eth0"), link(2, "eth1"), link(3, "eth2"), vlan];
        Ports { watched: links.iter().filter(|link| link.index < 3).cloned().collect(), links }
    }

    #[test]
    #[cfg(target_endian = "little")]
    fn routes_are_read_as_the_kernel_writes_them() {
        let routes = ipv4(ROUTE);
        let read: Vec<_> = routes.iter().map(|route| (route.to, route.interface.as_str())).collect();
        assert_eq!(
            read,
            [(net("0.0.0.0/0"), "eth0"), (net("10.20.0.0/16"), "eth1.20"), (net("10.21.0.0/16"), "eth2")]
        );
        let six = "fd000000000000000000000000000000 08 00000000000000000000000000000000 00 \
                   00000000000000000000000000000000 00000100 00000001 00000000 00000001     eth1\n";
        assert_eq!(ipv6(six), [Route { to: net("fd00::/8"), interface: "eth1".to_owned() }]);
    }

    #[test]
    #[cfg(target_endian = "little")]
    fn the_longest_route_decides_which_leg_a_zone_is_behind() {
        let routes = ipv4(ROUTE);
        let leg = |network: &str| route(&routes, &net(network)).map(|route| route.interface.as_str());
        assert_eq!(leg("10.20.3.0/24"), Some("eth1.20"));
        assert_eq!(leg("192.0.2.0/24"), Some("eth0"));
        assert_eq!(leg("fd00::/64"), None);
    }

    #[test]
    fn a_leg_is_watched_where_what_it_stands_on_is() {
        assert!(is_watched("eth1.20", &ports()));
        assert!(!is_watched("eth2", &ports()));
    }
}
