//! Maps, programs and links that outlive the process: pinned on a bpffs, so that the kernel goes on counting while the
//! sensor is killed, restarted or upgraded.
//!
//! ```text
//! /sys/fs/bpf/isthmus/net-NAMESPACE/ABI/{FLOWS, bss_cpus, …, isthmus, ticks, link_INDEX}
//! ```
//!
//! The directory of a network namespace is locked while a process reads the rings: a ring has one consumer. Names of
//! another ABI are of another version: its links are moved to this one's program, what its
//! maps hold is read once if layouts are the same, the rest is removed.

mod detach;

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use aya::programs::Xdp;
use aya::programs::links::{FdLink, PinnedLink};
use aya::programs::xdp::XdpLink;
use rustix::fs::{FlockOperation, flock, statfs};

use super::abi::layout;
use super::ledger;
use super::links::Link;
use super::object::{MAPS, Object, PROGRAMS, explain};

pub use detach::detach;

/// Where a bpffs is usually mounted.
pub const BPFFS: &str = "/sys/fs/bpf";
/// `BPF_FS_MAGIC`.
const MAGIC: u32 = 0xcafe_4a11;
const LINK: &str = "link_";

/// The pins of this network namespace, held by this process alone.
#[derive(Debug)]
pub struct Pins {
    /// Of this namespace.
    home: PathBuf,
    /// Of this namespace and ABI.
    dir: PathBuf,
    /// Locked as long as it is open.
    _lock: File,
}

/// Maps and programs of another version with the same layouts.
#[derive(Debug)]
pub struct Left {
    dir: PathBuf,
}

impl Left {
    /// Where a thing of that name is pinned.
    pub fn path(&self, name: &str) -> PathBuf {
        pinned(&self.dir, name)
    }

    /// The name of the ledger that goes with it.
    pub fn ledger(&self) -> String {
        ledger_name(&self.dir)
    }
}

/// A link that was pinned by a process before this one.
#[derive(Debug)]
pub struct Pinned {
    /// Index of the interface.
    pub interface: u32,
    /// Whether it is of this ABI: its program writes maps this process understands.
    pub current: bool,
    /// The link.
    pub link: PinnedLink,
    /// Its program.
    program: u32,
    path: PathBuf,
}

impl Pinned {
    /// Whether it is what is attached to an interface now: an index may have been given to another since.
    pub fn is_on(&self, port: &Link) -> bool {
        self.interface == port.index && port.program == Some(self.program)
    }

    /// Detaches.
    ///
    /// # Errors
    /// When the pin cannot be removed.
    pub fn remove(self) -> anyhow::Result<()> {
        let path = self.path.display().to_string();
        drop(self.link.unpin().with_context(|| format!("{path}: cannot unpin"))?);
        Ok(())
    }

    /// Puts another program in the place of its own, without a packet in between, and unpins it.
    ///
    /// # Errors
    /// When the kernel refuses: the old program stays.
    pub fn replace(self, program: &mut Xdp) -> anyhow::Result<FdLink> {
        let link = XdpLink::try_from(FdLink::from(self.link)).context("a pinned link is none of XDP")?;
        let id = program.attach_to_link(link).map_err(|error| explain(error, "replace the program"))?;
        let link = FdLink::try_from(program.take_link(id)?).context("a pinned link is none of XDP")?;
        fs::remove_file(&self.path).with_context(|| format!("{}: cannot unpin", self.path.display()))?;
        Ok(link)
    }
}

impl Pins {
    /// Makes the directory for `abi` under `bpffs` and locks that of this network namespace.
    ///
    /// # Errors
    /// Where there is no bpffs, or another process has the lock.
    pub fn open(bpffs: &Path, abi: &str) -> anyhow::Result<Self> {
        let fits = statfs(bpffs).is_ok_and(|stat| stat.f_type as u32 == MAGIC);
        if !fits {
            bail!("{0}: no bpffs is mounted there; mount -t bpf bpf {0}", bpffs.display());
        }
        let home = home(bpffs)?;
        let make = |dir: &Path| {
            fs::create_dir_all(dir).with_context(|| format!("{}: cannot make the directory", dir.display()))
        };
        make(&home)?;
        let lock = lock(&home)?;
        let dir = home.join(abi);
        make(&dir)?;
        Ok(Self { home, dir, _lock: lock })
    }

    /// Where a thing of that name is pinned. A bpffs takes no dots.
    pub fn path(&self, name: &str) -> PathBuf {
        pinned(&self.dir, name)
    }

    /// The name of the ledger that goes with what is pinned here.
    pub fn ledger(&self) -> String {
        ledger_name(&self.dir)
    }

    /// Whether a process of this ABI pinned all there is.
    pub fn is_complete(&self) -> bool {
        MAPS.iter().chain(&PROGRAMS).all(|name| self.path(name).exists())
    }

    /// What other versions left that this one can read.
    pub fn left(&self) -> Vec<Left> {
        let fits = |dir: &PathBuf| {
            let name = dir.file_name().unwrap_or_default().to_string_lossy().into_owned();
            *dir != self.dir && name.starts_with(&layout())
        };
        let whole = |dir: &PathBuf| MAPS.iter().chain(&PROGRAMS).all(|name| pinned(dir, name).exists());
        subdirectories(&self.home).filter(|dir| fits(dir) && whole(dir)).map(|dir| Left { dir }).collect()
    }

    /// Every link pinned in this namespace.
    ///
    /// # Errors
    /// When the kernel does not give one.
    pub fn links(&self) -> anyhow::Result<Vec<Pinned>> {
        let mut all = Vec::new();
        for dir in subdirectories(&self.home) {
            for (interface, path) in pinned_links(&dir) {
                all.push(open_link(interface, path, dir == self.dir)?);
            }
        }
        // Of this ABI first: where an upgrade was broken off, an interface may have both.
        all.sort_by_key(|pin| (pin.interface, pin.current));
        Ok(all)
    }

    /// Pins a link.
    ///
    /// # Errors
    /// When the kernel refuses; it is detached then.
    pub fn keep(&self, interface: u32, link: FdLink) -> anyhow::Result<FdLink> {
        let path = self.path(&format!("{LINK}{interface}"));
        // One that is there is of an interface that is gone.
        remove(&path)?;
        let pinned = link.pin(&path).with_context(|| format!("{}: cannot pin", path.display()))?;
        Ok(pinned.into())
    }

    /// Pins what was loaded.
    ///
    /// # Errors
    /// When the kernel refuses.
    pub fn keep_object(&self, object: &mut Object) -> anyhow::Result<()> {
        object.pin(|name| self.path(name))
    }

    /// Removes maps and programs of this ABI, and no link.
    ///
    /// # Errors
    /// When something cannot be removed.
    pub fn clear_object(&self) -> anyhow::Result<()> {
        MAPS.iter().chain(&PROGRAMS).try_for_each(|name| remove(&self.path(name)))
    }

    /// Removes what is left of other versions, and of this one where `all`.
    ///
    /// # Errors
    /// When something cannot be removed.
    pub fn clear(&self, all: bool) -> anyhow::Result<()> {
        for dir in subdirectories(&self.home).filter(|dir| all || *dir != self.dir) {
            for (_, path) in pinned_links(&dir) {
                remove(&path)?;
            }
            clear_maps(&dir)?;
        }
        Ok(())
    }
}

/// Where a thing of that name is pinned in `dir`: on a bpffs names have no dots.
fn pinned(dir: &Path, name: &str) -> PathBuf {
    dir.join(name.trim_start_matches('.').replace('.', "_"))
}

fn open_link(interface: u32, path: PathBuf, current: bool) -> anyhow::Result<Pinned> {
    let link = PinnedLink::from_pin(&path).map_err(|error| explain(error, "open a pinned link"))?;
    let link = FdLink::from(link);
    let program = link.info().with_context(|| path.display().to_string())?.program_id();
    drop(link);
    let link = PinnedLink::from_pin(&path).map_err(|error| explain(error, "open a pinned link"))?;
    Ok(Pinned { interface, current, link, program, path })
}

/// Interfaces of this namespace that carry a pinned link, by index.
pub fn interfaces(bpffs: &Path) -> Vec<u32> {
    let Ok(home) = home(bpffs) else { return Vec::new() };
    subdirectories(&home).flat_map(|dir| pinned_links(&dir)).map(|(interface, _)| interface).collect()
}

/// The directory of this thread's network namespace.
fn home(bpffs: &Path) -> anyhow::Result<PathBuf> {
    let space = fs::metadata("/proc/thread-self/ns/net").context("/proc/thread-self/ns/net")?.ino();
    Ok(bpffs.join("isthmus").join(format!("net-{space}")))
}

fn lock(home: &Path) -> anyhow::Result<File> {
    let file = File::open(home).with_context(|| home.display().to_string())?;
    match flock(&file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(file),
        Err(rustix::io::Errno::WOULDBLOCK) => bail!(
            "a sensor that pins is running in this network namespace, and the rings have one reader; stop it first \
             (systemctl stop isthmus)"
        ),
        Err(error) => Err(error).with_context(|| format!("{}: cannot lock", home.display())),
    }
}

/// Of the namespace and the ABI, as the directory.
fn ledger_name(dir: &Path) -> String {
    let mut names = dir.iter().rev().take(2).map(|part| part.to_string_lossy());
    let (abi, home) = (names.next().unwrap_or_default(), names.next().unwrap_or_default());
    format!("{home}-{abi}")
}

fn subdirectories(home: &Path) -> impl Iterator<Item = PathBuf> {
    let mut all: Vec<PathBuf> =
        fs::read_dir(home).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
    all.sort();
    all.into_iter().filter(|path| path.is_dir())
}

fn pinned_links(dir: &Path) -> Vec<(u32, PathBuf)> {
    let mut all: Vec<(u32, PathBuf)> = fs::read_dir(dir)
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| {
            let index = entry.file_name().to_str()?.strip_prefix(LINK)?.parse().ok()?;
            Some((index, entry.path()))
        })
        .collect();
    all.sort();
    all
}

/// Removes maps and programs by their names, and the directory if nothing else is in it.
fn clear_maps(dir: &Path) -> anyhow::Result<()> {
    for name in MAPS.iter().chain(&PROGRAMS) {
        remove(&pinned(dir, name))?;
    }
    ledger::forget(Path::new(ledger::RUN), &ledger_name(dir));
    match fs::remove_dir(dir) {
        Err(error) if error.kind() == io::ErrorKind::DirectoryNotEmpty => {
            bail!("{}: holds what is not isthmus's; it is left alone", dir.display())
        }
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("{}: cannot remove", dir.display()))
        }
        _ => Ok(()),
    }
}

fn remove(path: &Path) -> anyhow::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("{}: cannot unpin", path.display()))
        }
        _ => Ok(()),
    }
}
