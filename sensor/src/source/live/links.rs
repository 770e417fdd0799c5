//! Network interfaces as the kernel lists them, and which of them XDP may attach to.

use std::io;

use anyhow::{Context as _, bail};

use super::netlink::{ACK, DUMP, Netlink, attributes, number, put, text};

const RTM_GETLINK: u16 = 18;
const RTM_SETLINK: u16 = 19;
const IFLA_IFNAME: u16 = 3;
const IFLA_MTU: u16 = 4;
const IFLA_LINK: u16 = 5;
const IFLA_MASTER: u16 = 10;
const IFLA_LINKINFO: u16 = 18;
const IFLA_INFO_KIND: u16 = 1;
const IFLA_XDP: u16 = 43;
const IFLA_XDP_FD: u16 = 1;
const IFLA_XDP_ATTACHED: u16 = 2;
const IFLA_XDP_FLAGS: u16 = 3;
const IFLA_XDP_PROG_ID: u16 = 4;
const IFLA_XDP_DRV_PROG_ID: u16 = 5;
const IFLA_XDP_SKB_PROG_ID: u16 = 6;
const IFLA_XDP_HW_PROG_ID: u16 = 7;
const IFLA_XDP_EXPECTED_FD: u16 = 8;
/// Bytes of `struct ifinfomsg`.
const IFINFO: usize = 16;
const IFF_UP: u32 = 1;
/// `XDP_FLAGS_REPLACE`: only if the program attached is the expected one.
const XDP_REPLACE: u32 = 1 << 4;
/// Ethernet and loopback frames begin with an Ethernet header; others do not (`ARPHRD_*`).
const WITH_ETHERNET: [u16; 2] = [1, 772];

/// One interface.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Link {
    /// Index in this network namespace.
    pub index: u32,
    /// Name.
    pub name: String,
    /// Largest packet, in bytes without the Ethernet header.
    pub mtu: u32,
    /// `ARPHRD_*`: what its frames begin with.
    pub hardware: u16,
    /// Whether it is set up to carry packets.
    pub up: bool,
    /// `bridge`, `bond`, `vlan`, `veth` …; empty for hardware.
    pub kind: String,
    /// The bridge or bond it is a port of.
    pub master: Option<u32>,
    /// The interface it stands on.
    pub lower: Option<u32>,
    /// The XDP program attached to it.
    pub program: Option<u32>,
    /// Whether that program runs in generic mode.
    pub generic: bool,
}

impl Link {
    /// Whether it is hardware, or what a virtual machine has instead.
    pub fn is_physical(&self) -> bool {
        self.kind.is_empty() && self.hardware == WITH_ETHERNET[0]
    }
}

/// All interfaces of this network namespace.
///
/// # Errors
/// When the kernel does not answer.
pub fn list() -> anyhow::Result<Vec<Link>> {
    let mut answers = None;
    // A dump that interfaces change under ends early; asked again it does not.
    for _ in 0..3 {
        match Netlink::route().and_then(|netlink| netlink.ask(RTM_GETLINK, DUMP, &[0; IFINFO])) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            other => {
                answers = Some(other);
                break;
            }
        }
    }
    let answers =
        answers.context("the list of interfaces keeps changing")?.context("cannot list interfaces")?;
    Ok(answers.iter().filter_map(|answer| read(answer)).collect())
}

fn read(answer: &[u8]) -> Option<Link> {
    let [_, _, t0, t1, i0, i1, i2, i3, f0, f1, f2, f3, ..] = *answer.first_chunk::<IFINFO>()?;
    let mut link = Link {
        index: u32::from_ne_bytes([i0, i1, i2, i3]),
        hardware: u16::from_ne_bytes([t0, t1]),
        up: u32::from_ne_bytes([f0, f1, f2, f3]) & IFF_UP != 0,
        ..Link::default()
    };
    for (kind, value) in attributes(answer.get(IFINFO..)?) {
        match kind {
            IFLA_IFNAME => link.name = text(value),
            IFLA_MTU => link.mtu = number(value)?,
            IFLA_LINK => link.lower = number(value).filter(|index| *index != 0),
            IFLA_MASTER => link.master = number(value).filter(|index| *index != 0),
            IFLA_LINKINFO => {
                let kind = attributes(value).find(|(kind, _)| *kind == IFLA_INFO_KIND);
                link.kind = kind.map(|(_, value)| text(value)).unwrap_or_default();
            }
            IFLA_XDP => {
                for (kind, value) in attributes(value) {
                    match kind {
                        IFLA_XDP_ATTACHED => link.generic = value == [2],
                        // With programs in several modes at once only the single ids are given.
                        IFLA_XDP_PROG_ID | IFLA_XDP_DRV_PROG_ID | IFLA_XDP_SKB_PROG_ID
                        | IFLA_XDP_HW_PROG_ID => {
                            link.program = number(value).filter(|id| *id != 0).or(link.program);
                        }
                        _ => {}
                    }
                }
            }
            _ => {}
        }
    }
    // A veth's lower is its peer, perhaps of another namespace.
    if !STACKED.contains(&link.kind.as_str()) {
        link.lower = None;
    }
    Some(link)
}

/// Removes the program with descriptor `program` from an interface, and no other.
///
/// # Errors
/// When another is attached by now.
pub fn detach(interface: u32, program: i32, flags: u32) -> io::Result<()> {
    let mut body = vec![0; 4];
    body.extend_from_slice(&interface.to_ne_bytes());
    body.resize(IFINFO, 0);
    let mut xdp = Vec::new();
    put(&mut xdp, IFLA_XDP_FD, &(-1_i32).to_ne_bytes());
    put(&mut xdp, IFLA_XDP_EXPECTED_FD, &program.to_ne_bytes());
    put(&mut xdp, IFLA_XDP_FLAGS, &(flags | XDP_REPLACE).to_ne_bytes());
    put(&mut body, IFLA_XDP | 0x8000, &xdp);
    Netlink::route()?.ask(RTM_SETLINK, ACK, &body)?;
    Ok(())
}

/// Kinds that stand on one other interface and get its frames.
const STACKED: [&str; 6] = ["vlan", "macvlan", "macvtap", "ipvlan", "ipvtap", "macsec"];
/// Kinds that have ports.
const MASTERS: [&str; 3] = ["bridge", "bond", "team"];

/// The interfaces to attach to for `names`: each once, a bridge, bond or VLAN replaced by what it stands on, because
/// on both at once each packet would count twice. Returns remarks on what was replaced.
///
/// # Errors
/// For a name that does not exist or that XDP cannot watch.
pub fn resolve(names: &[String], links: &[Link]) -> anyhow::Result<(Vec<Link>, Vec<String>)> {
    let (mut found, mut remarks) = (Vec::<Link>::new(), Vec::new());
    for name in names {
        let Some(link) = links.iter().find(|link| link.name == *name) else {
            let known = links.iter().map(|link| link.name.as_str()).collect::<Vec<_>>().join(", ");
            bail!("no interface {name}; there are {known}");
        };
        let mut ports = Vec::new();
        descend(link, links, 0, &mut ports)?;
        if ports.first().is_none_or(|port| port.index != link.index) {
            let names = ports.iter().map(|port| port.name.as_str()).collect::<Vec<_>>().join(", ");
            remarks
                .push(format!("{name} is a {}: watching {names} instead, with all their VLANs", link.kind));
        }
        for port in ports {
            if !found.iter().any(|known| known.index == port.index) {
                found.push(port.clone());
            }
        }
    }
    Ok((found, remarks))
}

fn descend<'a>(
    link: &'a Link,
    links: &'a [Link],
    depth: u32,
    ports: &mut Vec<&'a Link>,
) -> anyhow::Result<()> {
    let name = &link.name;
    if depth > 4 {
        bail!("interface {name} stands on more than four others; name the physical one");
    }
    if MASTERS.contains(&link.kind.as_str()) {
        let before = ports.len();
        for port in links.iter().filter(|port| port.master == Some(link.index)) {
            descend(port, links, depth.saturating_add(1), ports)?;
        }
        if ports.len() == before {
            bail!("interface {name} is a {} without ports; nothing would be seen", link.kind);
        }
        return Ok(());
    }
    if STACKED.contains(&link.kind.as_str()) {
        let lower = links.iter().find(|lower| link.lower == Some(lower.index));
        let Some(lower) = lower else {
            bail!(
                "interface {name} is a {} on an interface of another namespace; run isthmus there",
                link.kind
            );
        };
        if link.kind != "vlan" {
            bail!("interface {name} is a {} on {}; name {} instead", link.kind, lower.name, lower.name);
        }
        return descend(lower, links, depth.saturating_add(1), ports);
    }
    if !WITH_ETHERNET.contains(&link.hardware) {
        bail!(
            "interface {name} carries no Ethernet frames (hardware type {}); isthmus cannot watch it",
            link.hardware
        );
    }
    ports.push(link);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn link(index: u32, name: &str, kind: &str, master: u32, lower: u32) -> Link {
        let some = |n: u32| (n != 0).then_some(n);
        let (name, kind) = (name.to_owned(), kind.to_owned());
        Link { index, name, kind, master: some(master), lower: some(lower), hardware: 1, ..Link::default() }
    }

    fn plant() -> Vec<Link> {
        vec![
            link(2, "eth0", "", 4, 0),
            link(3, "eth1", "", 4, 0),
            link(4, "bond0", "bond", 5, 0),
            link(5, "br0", "bridge", 0, 0),
            link(6, "bond0.20", "vlan", 0, 4),
            link(7, "mv0", "macvlan", 0, 2),
            link(8, "br1", "bridge", 0, 0),
            Link { hardware: 65534, ..link(9, "wg0", "wireguard", 0, 0) },
        ]
    }

    fn names(names: &[&str]) -> anyhow::Result<Vec<String>> {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        Ok(resolve(&names, &plant())?.0.into_iter().map(|link| link.name).collect())
    }

    #[test]
    fn an_upper_and_its_lower_are_one() {
        assert_eq!(names(&["eth0", "br0", "bond0.20"]).unwrap(), ["eth0", "eth1"]);
    }

    #[test]
    fn a_bridge_is_watched_at_its_ports_and_said_so() {
        let (_, remarks) = resolve(&["br0".to_owned()], &plant()).unwrap();
        assert_eq!(remarks, ["br0 is a bridge: watching eth0, eth1 instead, with all their VLANs"]);
    }

    #[test]
    fn what_cannot_be_watched_is_refused_with_what_to_do() {
        let said = |name: &str| names(&[name]).unwrap_err().to_string();
        assert!(said("mv0").contains("name eth0 instead"));
        assert!(said("br1").contains("without ports"));
        assert!(said("wg0").contains("no Ethernet frames"));
        assert!(said("nope").starts_with("no interface nope; there are eth0, eth1"));
    }

    #[test]
    fn the_loopback_of_this_namespace_is_listed() {
        let links = list().unwrap();
        assert!(links.iter().any(|link| link.name == "lo" && link.hardware == 772), "{links:?}");
    }
}
