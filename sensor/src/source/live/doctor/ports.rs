//! One interface: what is on it, what its driver can, what its hardware does before XDP.

use std::path::Path;

use super::{Health, Report};
use crate::source::live::links::Link;
use crate::source::live::offloads::{Generic, XDP_BASIC, XDP_FRAGMENTS};
use crate::source::live::pins;

/// A frame longer than this, in bytes with its headers, does not fit the one page that XDP gets without fragments:
/// 4096 less 256 of headroom and 320 of the kernel's own at the end.
const ONE_PAGE: u32 = 3520;

impl Report {
    pub(super) fn port(&mut self, port: &Link, generic: Option<&Generic>) {
        let name = &port.name;
        if !port.up {
            self.say(Health::Warn, format!("{name}: is down; nothing comes in (ip link set {name} up)"));
        }
        match port.program {
            Some(_) if pins::interfaces(Path::new(pins::BPFFS)).contains(&port.index) => self.say(
                Health::Ok,
                format!(
                    "{name}: isthmus is attached already, and pinned: `run --pin` goes on with it, `isthmus detach` \
                     removes it"
                ),
            ),
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
        if on("rx-gro-hw") {
            self.say(
                Health::Warn,
                format!("{name}: the hardware joins packets before XDP sees them (ethtool -K {name} rx-gro-hw off)"),
            );
        }
        if on("rx-lro") {
            self.say(
                Health::Warn,
                format!("{name}: LRO joins packets before XDP sees them, and is wrong on a gateway (ethtool -K {name} lro off)"),
            );
        }
        if !["rx-vlan-hw-parse", "rx-gro-hw", "rx-lro"].into_iter().any(on) {
            self.say(Health::Ok, format!("{name}: no offload changes packets before XDP sees them"));
        }
    }
}
