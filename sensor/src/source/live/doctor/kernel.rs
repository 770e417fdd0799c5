//! The kernel, what this process may do with it, and how much memory it takes.

use std::fs::read_to_string;

use rustix::thread::{CapabilitySet, capabilities};
use sensor_ebpf::flow::Set;

use super::{Health, Report};
use crate::source::live::object::{self, Sizes};
use crate::source::live::refuse_realtime;

/// The oldest kernel the packet path is tested on.
const OLDEST: (u32, u32) = (6, 1);
/// Bytes of the maps whose size is fixed, about: ports, slots, verdicts, storm rows and scratch of each CPU.
const FIXED: u64 = 2 << 20;

impl Report {
    pub(super) fn kernel(&mut self) {
        let release = read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
        let release = release.trim();
        match version(release) {
            Some(found) if found >= OLDEST => self.say(Health::Ok, format!("kernel {release}")),
            _ => {
                let (major, minor) = OLDEST;
                self.say(Health::Fail, format!("kernel {release}: needs {major}.{minor} or newer"));
            }
        }
        if let Err(error) = refuse_realtime() {
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
        if read_to_string("/proc/sys/net/core/bpf_jit_enable").is_ok_and(|on| on.trim() == "0") {
            self.say(
                Health::Warn,
                "BPF JIT: off, each packet costs several times as much (sysctl -w net.core.bpf_jit_enable=1)",
            );
        }
        let mounts = read_to_string("/proc/mounts").unwrap_or_default();
        if mounts.lines().any(|line| line.split(' ').nth(2) == Some("bpf")) {
            self.say(Health::Ok, "bpffs: mounted");
        } else {
            self.say(Health::Warn, "bpffs: not mounted; `--pin` needs it: mount -t bpf bpf /sys/fs/bpf");
        }
    }

    pub(super) fn privileges(&mut self) {
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

    pub(super) fn memory(&mut self) {
        let sizes = Sizes::default();
        let cpus = aya::util::online_cpus().map_or(1, |cpus| cpus.len() as u64);
        let cache = u64::from(sizes.flow_sets).saturating_mul(size_of::<Set>() as u64).saturating_mul(cpus);
        let rings = sizes.rings.iter().map(|ring| u64::from(*ring)).fold(0, u64::saturating_add);
        let maps = cache.saturating_add(rings).saturating_add(FIXED);
        let meminfo = read_to_string("/proc/meminfo").unwrap_or_default();
        let free = available(&meminfo);
        let mib = |bytes: u64| bytes >> 20;
        let need = format!("{} MiB of maps ({cpus} CPUs), and as much for records that wait", mib(maps));
        match free {
            Some(free) if maps.saturating_mul(2) > free => self.say(
                Health::Fail,
                format!(
                    "memory: {need}, of {} MiB available; free some, or take a larger machine",
                    mib(free)
                ),
            ),
            Some(free) => self.say(Health::Ok, format!("memory: {need}, of {} MiB available", mib(free))),
            None => self
                .say(Health::Warn, format!("memory: {need}; /proc/meminfo does not tell what is available")),
        }
    }
}

/// `MemAvailable`, in bytes.
fn available(meminfo: &str) -> Option<u64> {
    let line = meminfo.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()?.checked_mul(1024)
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
    fn available_memory_is_read_in_bytes() {
        assert_eq!(available("MemTotal: 9 kB\nMemAvailable:    2048 kB\n"), Some(2 << 20));
        assert_eq!(available("MemTotal: 9 kB\n"), None);
    }
}
