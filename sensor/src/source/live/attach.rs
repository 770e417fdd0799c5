//! Attaching to interfaces, and to nothing that is somebody else's.

use std::collections::BTreeMap;
use std::os::fd::{AsFd as _, AsRawFd as _};

use anyhow::{Context as _, anyhow, bail};
use aya::programs::links::FdLink;
use aya::programs::{Xdp, XdpMode};

use super::links::{self, Link};
use super::object::Object;
use super::pins::{Pinned, Pins};

/// Where in the kernel the program runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// In the driver, or not at all.
    #[default]
    Native,
    /// In the driver where it can, else behind it.
    Auto,
    /// Behind the driver: slower, and GRO is off on that interface.
    Generic,
}

impl std::str::FromStr for Mode {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "native" => Ok(Self::Native),
            "auto" => Ok(Self::Auto),
            "generic" => Ok(Self::Generic),
            _ => Err(format!("mode {text}: must be native, auto or generic")),
        }
    }
}

/// Interfaces have four bits in a flow's key.
const MAX_INTERFACES: usize = 16;
/// `XDP_FLAGS_SKB_MODE`, `XDP_FLAGS_DRV_MODE`.
const FLAGS: [u32; 2] = [1 << 1, 1 << 2];

/// An interface the program is attached to.
#[derive(Clone, Debug)]
pub struct Attached {
    /// Name of the interface.
    pub interface: String,
    /// What a flow's key calls it.
    pub slot: u8,
    /// Whether the program runs in generic mode: slower than it should be, and the interface without GRO.
    pub degraded: bool,
}

/// Refuses what cannot go well, before anything is loaded.
///
/// # Errors
/// For too many interfaces, two that the kernel part could not tell apart, or one with an XDP program on it.
pub fn check(ports: &[Link], pinned: &[Pinned]) -> anyhow::Result<()> {
    if ports.is_empty() {
        bail!("no interface to watch; name at least one with -i");
    }
    if ports.len() > MAX_INTERFACES {
        bail!("{} interfaces to watch; at most {MAX_INTERFACES} are possible", ports.len());
    }
    for (at, port) in ports.iter().enumerate() {
        if let Some(twin) = ports.iter().take(at).find(|twin| twin.index & 0xffff == port.index & 0xffff) {
            bail!(
                "interfaces {} and {} have indexes that differ by 65536; re-create one",
                twin.name,
                port.name
            );
        }
        if pinned.iter().any(|pin| pin.is_on(port)) {
            continue;
        }
        if let Some(program) = port.program {
            bail!(
                "interface {}: XDP program {program} is attached there already and is left alone; \
                 remove it or watch another interface (`bpftool prog show id {program}` names it)",
                port.name
            );
        }
    }
    Ok(())
}

/// Attaches to all ports or to none. Dropping a link that is not pinned detaches.
///
/// # Errors
/// When one refuses; what was attached so far is detached again.
pub fn attach(
    object: &mut Object,
    ports: &[Link],
    mode: Mode,
    pins: Option<&Pins>,
    pinned: Vec<Pinned>,
) -> anyhow::Result<(Vec<Attached>, Vec<FdLink>)> {
    let (mut all, mut held) = (Vec::with_capacity(ports.len()), Vec::with_capacity(ports.len()));
    let mut pinned: BTreeMap<u32, Pinned> = pinned.into_iter().map(|pin| (pin.interface, pin)).collect();
    let mut slots: Vec<u32> = (0..MAX_INTERFACES as u32).collect();
    let mut known = Vec::new();
    for port in ports {
        // What goes on with the maps it had goes on with the slot it had.
        let pin = pinned.remove(&port.index).filter(|pin| pin.is_on(port));
        let slot = match &pin {
            Some(pin) if pin.current => Some(object.slot(port.index)?),
            _ => None,
        };
        slots.retain(|free| Some(*free) != slot);
        known.push((pin, slot));
    }
    // Interfaces that are no longer asked for, and links that no longer are on any.
    for pin in pinned.into_values() {
        pin.remove()?;
    }
    let mut slots = slots.into_iter();
    for (port, (pin, slot)) in ports.iter().zip(known) {
        let slot = slot.or_else(|| slots.next()).context("no interface slot is left")?;
        object.set_slot(port.index, slot)?;
        let program = object.program("isthmus")?;
        let (link, degraded) = match pin {
            Some(pin) if pin.current => {
                held.push(pin.link.into());
                all.push(attached(port, slot, port.generic));
                continue;
            }
            Some(pin) => (pin.replace(program)?, port.generic),
            None => fresh(program, port, mode)?,
        };
        held.push(match pins {
            Some(pins) => pins.keep(port.index, link)?,
            None => link,
        });
        all.push(attached(port, slot, degraded));
    }
    Ok((all, held))
}

fn attached(port: &Link, slot: u32, degraded: bool) -> Attached {
    Attached { interface: port.name.clone(), slot: slot as u8, degraded }
}

fn fresh(program: &mut Xdp, port: &Link, mode: Mode) -> anyhow::Result<(FdLink, bool)> {
    Ok(match mode {
        Mode::Native => (one(program, port, XdpMode::Driver).map_err(|error| refused(error, port))?, false),
        Mode::Generic => (one(program, port, XdpMode::Skb)?, true),
        Mode::Auto => match one(program, port, XdpMode::Driver) {
            Ok(link) => (link, false),
            Err(error) => {
                let link = one(program, port, XdpMode::Skb)?;
                tracing::warn!(
                    "interface {}: generic mode, slower and without GRO, because: {error:#}",
                    port.name
                );
                (link, true)
            }
        },
    })
}

fn refused(error: anyhow::Error, port: &Link) -> anyhow::Error {
    error.context(format!(
        "interface {}: native XDP refused; `isthmus doctor -i {}` looks for the cause, `--mode auto` permits generic mode",
        port.name, port.name
    ))
}

/// Attaches by a BPF link: it vanishes with its descriptor, whatever becomes of this process.
fn one(program: &mut Xdp, port: &Link, mode: XdpMode) -> anyhow::Result<FdLink> {
    let name = &port.name;
    let id =
        program.attach_to_if_index(port.index, mode).with_context(|| format!("cannot attach to {name}"))?;
    let link = program.take_link(id)?;
    if let Ok(link) = FdLink::try_from(link) {
        return Ok(link);
    }
    // aya falls back to netlink, whose programs outlive the process.
    let fd = program.fd()?.as_fd().as_raw_fd();
    for flags in FLAGS {
        if links::detach(port.index, fd, flags).is_ok() {
            break;
        }
    }
    Err(anyhow!("interface {name}: the kernel gives no BPF link there; isthmus does not attach without one"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_foreign_program_is_named_and_left_alone() {
        let port = Link { name: "eth0".to_owned(), index: 2, program: Some(77), ..Link::default() };
        let said = check(&[port], &[]).unwrap_err().to_string();
        assert!(said.starts_with("interface eth0: XDP program 77 is attached there already"), "{said}");
    }

    #[test]
    fn interfaces_the_kernel_part_cannot_tell_apart_are_refused() {
        let port = |index| Link { name: format!("if{index}"), index, ..Link::default() };
        assert!(check(&[port(2), port(3)], &[]).is_ok());
        assert!(check(&[port(2), port(2 + 65536)], &[]).is_err());
        assert!(check(&(2..19).map(port).collect::<Vec<_>>(), &[]).is_err());
        assert!(check(&[], &[]).is_err());
    }
}
