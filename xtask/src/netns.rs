//! Two network namespaces joined by virtual cables, with nothing else in them: a gateway's ports and the plant's side.
//!
//! Both ends of every cable are in namespaces of our own, so that nothing of the machine's network is touched. They
//! carry this process's id in their names and are deleted at drop, at Ctrl-C, and by the next run after a `kill -9`.

use std::fs::File;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, anyhow, bail};
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

use crate::cleanup;
use crate::command::{self, program};

const PREFIX: &str = "isthmus-";
/// Where iproute2 keeps its namespaces.
const DIRECTORY: &str = "/run/netns";

/// A network namespace, deleted at drop.
#[derive(Debug)]
pub struct Namespace {
    name: String,
}

impl Namespace {
    /// Makes an empty namespace named after this process and `role`. Nothing in it speaks unless told to: IPv6, which
    /// would announce itself on every interface, is off.
    ///
    /// # Errors
    /// Without root, or when the kernel refuses.
    pub fn new(role: &str) -> Result<Self> {
        remove_stale();
        let namespace = Self { name: format!("{PREFIX}{}-{role}", std::process::id()) };
        cleanup::remember_namespace(&namespace.name);
        command::output(program("ip").args(["netns", "add", &namespace.name]))
            .context("cannot make a network namespace (root is needed)")?;
        namespace.within(|| {
            // /proc/sys/net shows the namespace of the thread that opens it; no ipv6 where the kernel has none.
            let switch = Path::new("/proc/sys/net/ipv6/conf");
            for which in ["all", "default"] {
                let file = switch.join(which).join("disable_ipv6");
                if file.exists() {
                    std::fs::write(&file, "1").with_context(|| format!("cannot write {}", file.display()))?;
                }
            }
            Ok(())
        })?;
        Ok(namespace)
    }

    /// Its name, as `ip netns` shows it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// A program that will run inside.
    pub fn command(&self, name: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = program("ip");
        command.args(["netns", "exec", &self.name]).arg(name);
        command
    }

    /// Runs `work` on a thread of its own inside; sockets it opens stay inside.
    ///
    /// # Errors
    /// Those of `work`, or when the namespace cannot be entered.
    pub fn within<T: Send>(&self, work: impl FnOnce() -> Result<T> + Send) -> Result<T> {
        let path = Path::new(DIRECTORY).join(&self.name);
        let file = File::open(&path).with_context(|| format!("cannot open {}", path.display()))?;
        std::thread::scope(|scope| {
            let thread = scope.spawn(move || {
                move_into_link_name_space(std::os::fd::AsFd::as_fd(&file), Some(LinkNameSpaceType::Network))
                    .context("cannot enter the network namespace")?;
                work()
            });
            thread.join().map_err(|_| anyhow!("work inside a network namespace panicked"))?
        })
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        cleanup::delete_namespace(&self.name);
    }
}

/// Lays a cable: a veth pair, one end in each namespace, both up and without addresses or ARP.
///
/// # Errors
/// When the kernel has no veth, or a name is taken.
pub fn cable(here: (&Namespace, &str), there: (&Namespace, &str)) -> Result<()> {
    let (near, far) = (here.0.name(), there.0.name());
    ip(&["-n", near, "link", "add", here.1, "type", "veth", "peer", "name", there.1, "netns", far])
        .context("cannot make a veth pair")?;
    for (namespace, interface) in [(near, here.1), (far, there.1)] {
        ip(&["-n", namespace, "link", "set", interface, "arp", "off", "up"])?;
    }
    Ok(())
}

/// A gateway with an IT and an OT port, and the namespace its neighbours send from.
#[derive(Debug)]
pub struct Gateway {
    /// Holds `it0` and `ot0`, where a sensor listens.
    pub sensor: Namespace,
    /// Holds [`Gateway::IT`] and [`Gateway::OT`], the other ends.
    pub plant: Namespace,
}

impl Gateway {
    /// The end of the IT cable in `plant`; frames sent into it arrive at `it0`.
    pub const IT: &str = "it-lan";
    /// The end of the OT cable in `plant`; frames sent into it arrive at `ot0`.
    pub const OT: &str = "ot-lan";

    /// Makes both, with `lo` up in `sensor` so that its web pages can be asked for.
    ///
    /// # Errors
    /// Without root, or when the kernel refuses.
    pub fn new() -> Result<Self> {
        if !command::is_root() {
            bail!("network namespaces need root");
        }
        let gateway = Self { sensor: Namespace::new("sensor")?, plant: Namespace::new("plant")? };
        cable((&gateway.sensor, "it0"), (&gateway.plant, Self::IT))?;
        cable((&gateway.sensor, "ot0"), (&gateway.plant, Self::OT))?;
        ip(&["-n", gateway.sensor.name(), "link", "set", "lo", "up"])?;
        Ok(gateway)
    }
}

/// Deletes namespaces of runs that were killed, and ends what still runs in them.
fn remove_stale() {
    let Ok(entries) = std::fs::read_dir(DIRECTORY) else { return };
    for entry in entries.flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        if owner(&name).is_some_and(|pid| !Path::new("/proc").join(pid.to_string()).exists()) {
            eprintln!("removing {name}, left by a run that was killed");
            for pid in
                command::output(program("ip").args(["netns", "pids", &name])).unwrap_or_default().lines()
            {
                let _ = program("kill").arg(pid.trim()).status();
            }
            cleanup::delete_namespace(&name);
        }
    }
}

/// The process that made a namespace of that name, when one of ours did.
fn owner(name: &str) -> Option<u32> {
    name.strip_prefix(PREFIX)?.split_once('-')?.0.parse().ok()
}

fn ip(arguments: &[&str]) -> Result<()> {
    command::output(program("ip").args(arguments)).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn namespaces_here() -> String {
        command::output(program("ip").args(["netns", "list"])).unwrap()
    }

    #[test]
    #[ignore = "needs root"]
    fn a_gateway_has_live_silent_cables_and_leaves_nothing() {
        let gateway = Gateway::new().unwrap();
        let (sensor, plant) = (gateway.sensor.name().to_owned(), gateway.plant.name().to_owned());
        std::thread::sleep(std::time::Duration::from_millis(300));
        let links = command::output(program("ip").args(["-n", &sensor, "-s", "-j", "link"])).unwrap();
        let links: serde_json::Value = serde_json::from_str(&links).unwrap();
        for name in ["it0", "ot0"] {
            let link = links.as_array().unwrap().iter().find(|link| link["ifname"] == name).unwrap();
            assert_eq!(link["operstate"], "UP", "{name}");
            assert_eq!(link["stats64"]["rx"]["packets"], 0, "something spoke to {name}");
        }
        assert!(namespaces_here().contains(&plant));
        drop(gateway);
        let left = namespaces_here();
        assert!(!left.contains(&sensor) && !left.contains(&plant), "{left}");
    }

    #[test]
    #[ignore = "needs root"]
    fn what_a_killed_run_left_is_removed() {
        // No process has this id: it is above the largest the kernel gives (2^22).
        let stale = "isthmus-4194999-sensor";
        command::output(program("ip").args(["netns", "add", stale])).unwrap();
        remove_stale();
        assert!(!namespaces_here().contains(stale));
    }

    #[test]
    #[ignore = "needs root"]
    fn work_within_a_namespace_sees_its_interfaces_only() {
        let namespace = Namespace::new("within").unwrap();
        let seen = namespace.within(|| Ok(std::fs::read_to_string("/proc/thread-self/net/dev")?)).unwrap();
        let names: Vec<&str> = seen.lines().filter_map(|line| Some(line.split_once(':')?.0.trim())).collect();
        assert_eq!(names, ["lo"]);
    }

    #[test]
    fn only_our_namespaces_have_an_owner() {
        assert_eq!(owner("isthmus-123-sensor"), Some(123));
        assert_eq!(owner("isthmus-x-sensor"), None);
        assert_eq!(owner("other-123-sensor"), None);
    }
}
