//! What stands between this machine and a good view: checked without changing anything.

use std::fs::read_to_string;

use rustix::thread::{CapabilitySet, capabilities};

use super::links::{self, Link};
use super::object;
use super::offloads::{Generic, XDP_BASIC, XDP_FRAGMENTS};

/// How a check went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Health {
    /// As it should be.
    Ok,
    /// It runs, but sees or does less than it could.
    Warn,
    /// `isthmus run` would refuse.
    Fail,
}

/// One line of the report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// How it went.
    pub health: Health,
    /// What was looked at, how it is, and what to do.
    pub text: String,
}

/// The oldest kernel the packet path is tested on.
const OLDEST: (u32, u32) = (6, 1);
/// A frame longer than this, in bytes with its headers, does not fit the one page that XDP gets without fragments:
/// 4096 less 256 of headroom and 320 of the kernel's own at the end.
const ONE_PAGE: u32 = 3520;

/// Looks at the machine and at the interfaces named.
pub fn doctor(interfaces: &[String]) -> Vec<Check> {
    let mut report = Report(Vec::new());
    report.kernel();
    report.privileges();
    report.interfaces(interfaces);
    report.0
}

struct Report(Vec<Check>);

impl Report {
    fn say(&mut self, health: Health, text: impl Into<String>) {
        self.0.push(Check { health, text: text.into() });
    }

    fn kernel(&mut self) {
        let release = read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
        let release = release.trim();
        match version(release) {
            Some(found) if found >= OLDEST => self.say(Health::Ok, format!("kernel {release}")),
            _ => {
                let (major, minor) = OLDEST;
                self.say(Health::Fail, format!("kernel {release}: needs {major}.{minor} or newer"));
            }
        }
        if let Err(error) = super::refuse_realtime() {
            self.say(Health::Fail, error.to_string());
        }
        if object::is_built_in() {
            self.say(Health::Ok, "kernel part: built in");
        } else {
            self.say(
                Health::Fail,
                "kernel part: missing, built with AYA_BUILD_SKIP=1; replay works, run does not",
            );
        }
        if std::path::Path::new("/sys/kernel/btf/vmlinux").exists() {
            self.say(Health::Ok, "BTF: /sys/kernel/btf/vmlinux");
        } else {
            self.say(
                Health::Warn,
                "BTF: no /sys/kernel/btf/vmlinux; run works, bpftool shows maps without types",
            );
        }
        let mounts = read_to_string("/proc/mounts").unwrap_or_default();
        if mounts.lines().any(|line| line.split(' ').nth(2) == Some("bpf")) {
            self.say(Health::Ok, "bpffs: mounted");
        } else {
            self.say(Health::Warn, "bpffs: not mounted; `--pin` needs it: mount -t bpf bpf /sys/fs/bpf");
        }
    }

    fn privileges(&mut self) {
        let held = capabilities(None).map_or(CapabilitySet::empty(), |sets| sets.effective);
        let all = held.contains(CapabilitySet::SYS_ADMIN);
        let wanted = [
            ("CAP_BPF", CapabilitySet::BPF, all),
            ("CAP_PERFMON", CapabilitySet::PERFMON, all),
            ("CAP_NET_ADMIN", CapabilitySet::NET_ADMIN, false),
        ];
        let missing: Vec<_> = wanted
            .iter()
            .filter(|(_, set, other)| !held.contains(*set) && !other)
            .map(|(name, ..)| *name)
            .collect();
        if missing.is_empty() {
            self.say(Health::Ok, "privileges: enough to load and attach; all are dropped afterwards");
        } else {
            self.say(Health::Fail, format!("privileges: {} missing; run as root", missing.join(", ")));
        }
    }

    fn interfaces(&mut self, names: &[String]) {
        let links = match links::list() {
            Ok(links) => links,
            Err(error) => return self.say(Health::Fail, format!("{error:#}")),
        };
        if names.is_empty() {
            let known = links.iter().map(|link| link.name.as_str()).collect::<Vec<_>>().join(", ");
            return self.say(
                Health::Warn,
                format!("no interface named: name those between IT and OT with -i, of {known}"),
            );
        }
        let mut ports = Vec::<Link>::new();
        for name in names {
            match links::resolve(std::slice::from_ref(name), &links) {
                Ok((found, remarks)) => {
                    for remark in remarks {
                        self.say(Health::Warn, remark);
                    }
                    ports.extend(found.into_iter().filter(|port| !ports.contains(port)).collect::<Vec<_>>());
                }
                Err(error) => self.say(Health::Fail, format!("{error:#}")),
            }
        }
        if ports.len() == 1 {
            self.say(
                Health::Warn,
                "one interface: XDP sees what comes in, so the answers that leave by another are not seen; \
                 name every leg between IT and OT",
            );
        }
        let generic = Generic::open().ok();
        for port in &ports {
            self.port(port, generic.as_ref());
        }
    }

    fn port(&mut self, port: &Link, generic: Option<&Generic>) {
        let name = &port.name;
        if !port.up {
            self.say(Health::Warn, format!("{name}: is down; nothing comes in (ip link set {name} up)"));
        }
        match port.program {
            Some(program) => self.say(
                Health::Fail,
                format!("{name}: XDP program {program} is attached already and will be left alone (bpftool prog show id {program})"),
            ),
            None => self.say(Health::Ok, format!("{name}: no other XDP program")),
        }
        // Kernels before 6.3 do not tell; attaching will.
        let xdp = generic.and_then(|generic| generic.xdp(port.index).ok());
        match xdp {
            Some(bits) if bits & XDP_BASIC == 0 => self.say(
                Health::Fail,
                format!(
                    "{name}: its driver has no native XDP; `--mode auto` runs slower, and without GRO there"
                ),
            ),
            Some(_) => self.say(Health::Ok, format!("{name}: native XDP")),
            None => self.say(
                Health::Warn,
                format!("{name}: this kernel does not tell whether its driver has native XDP"),
            ),
        }
        let frame = port.mtu.saturating_add(22);
        if frame > ONE_PAGE && xdp.is_some_and(|bits| bits & XDP_FRAGMENTS == 0) {
            self.say(
                Health::Warn,
                format!("{name}: MTU {} may be too large for native XDP of its driver (ip link set {name} mtu 3498)", port.mtu),
            );
        } else {
            self.say(Health::Ok, format!("{name}: MTU {}", port.mtu));
        }
        self.offloads(port, generic);
        let driver = std::fs::read_link(format!("/sys/class/net/{name}/device/driver"));
        if let Some(driver) = driver.ok().as_ref().and_then(|path| path.file_name()) {
            self.say(
                Health::Warn,
                format!(
                    "{name}: driver {}: many drivers reset their queues when XDP is attached, which can cost packets \
                     for a second; attach first in a maintenance window",
                    driver.display()
                ),
            );
        }
    }

    fn offloads(&mut self, port: &Link, generic: Option<&Generic>) {
        let name = &port.name;
        let Some(features) = generic.and_then(|generic| generic.features(port.index).ok()) else {
            return self.say(Health::Warn, format!("{name}: the kernel does not tell its offloads"));
        };
        let on = |feature: &str| features.iter().any(|on| on == feature);
        if on("rx-vlan-hw-parse") {
            self.say(
                Health::Warn,
                format!("{name}: VLAN tags may be taken off by the hardware before XDP sees them (ethtool -K {name} rxvlan off)"),
            );
        }
        if on("rx-lro") {
            self.say(
                Health::Warn,
                format!("{name}: LRO joins packets before XDP sees them, and is wrong on a gateway (ethtool -K {name} lro off)"),
            );
        }
        if !on("rx-vlan-hw-parse") && !on("rx-lro") {
            self.say(Health::Ok, format!("{name}: no offload changes packets before XDP sees them"));
        }
    }
}

fn version(release: &str) -> Option<(u32, u32)> {
    let mut parts = release.split(|c: char| !c.is_ascii_digit());
    Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_compare_as_numbers() {
        assert_eq!(version("6.1.0-18-amd64"), Some((6, 1)));
        assert!(version("6.12.9").unwrap() > OLDEST);
        assert!(version("5.15.0-100-generic").unwrap() < OLDEST);
        assert_eq!(version("odd"), None);
    }

    #[test]
    fn an_interface_that_does_not_exist_fails() {
        let checks = doctor(&["nope0".to_owned()]);
        assert!(
            checks
                .iter()
                .any(|check| check.health == Health::Fail && check.text.contains("no interface nope0"))
        );
    }

    #[test]
    fn the_loopback_is_told_to_have_no_native_xdp() {
        let checks = doctor(&["lo".to_owned()]);
        let told = checks.iter().find(|check| check.text.contains("native XDP")).expect("a line on XDP");
        assert_ne!(told.health, Health::Ok, "{told:?}");
    }
}
