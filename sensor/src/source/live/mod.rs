//! Live traffic: the packet path in the kernel, its rings and its flow cache.
//!
//! In the order of a start: [`links`] says what interfaces there are, [`object`] loads the program, [`attach`] puts it
//! on them, [`clock`] learns the kernel's time. Then the [`worker`] thread, every five milliseconds: [`drain`] empties
//! the rings, [`merge`] makes one stream of them, [`handover`] passes it to the engine's thread; each second [`sweep`]
//! reads a part of the [`mapped`] cache, [`counters`] what was counted, [`control`] says that user space lives.
//! [`caps`] gives up all privilege; [`pins`], [`abi`] and [`ledger`] let another process go on; [`doctor`] says what is amiss.

mod abi;
mod attach;
pub mod caps;
pub mod clock;
pub mod control;
pub mod counters;
pub mod doctor;
mod drain;
mod handover;
mod ledger;
mod links;
mod mapped;
mod merge;
mod netlink;
pub mod object;
mod offloads;
pub mod pins;
mod predecessor;
mod sweep;
mod worker;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::{Context as _, bail};
use sensor_ebpf::counters::Counter;
use sensor_ebpf::record::Ring;

pub use attach::{Attached, Mode};
pub use mapped::Mapped;
pub use object::Sizes;

use self::handover::{Batch, Handover, Stop};
use self::links::Link;
use self::object::{Constants, Object};
use self::pins::{Pinned, Pins};
use self::predecessor::Predecessor;
use self::worker::Worker;
use super::policy::Limits;
use super::{Record, Source, Wish};

/// How long the engine waits for records before it looks whether it should stop.
const PATIENCE: Duration = Duration::from_millis(50);
/// Stack of the thread that reads the rings: the counters of all CPUs are one map value, which is read onto it. What is not
/// used costs nothing.
const STACK: usize = 16 << 20;
/// Records delivered in one call at most, so that wishes are heard in time.
const DELIVERY: usize = 1 << 12;

/// What to watch, and how.
#[derive(Clone, Debug, Default)]
pub struct LiveOptions {
    /// Names of interfaces; a bridge, bond or VLAN is watched at what it stands on.
    pub interfaces: Vec<String>,
    /// Where in the kernel the program runs.
    pub mode: Mode,
    /// How large the flow cache and the rings are.
    pub sizes: Sizes,
    /// Rates and ages the packet path enforces.
    pub limits: Limits,
    /// Bytes of each ring's records that may wait for the engine; twice the ring where it is not said.
    pub room: Option<[usize; Ring::COUNT]>,
    /// A bpffs to leave everything on when this process ends, and to go on from what another left.
    pub pin: Option<PathBuf>,
}

/// What went wrong between kernel and engine, from zero.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Losses {
    /// Records that came after their time had passed; delivered, stamped with the time they came at.
    pub late: u64,
    /// Records delivered before their turn because too many waited.
    pub hurried: u64,
    /// Records that could not be read.
    pub unreadable: u64,
    /// Records the engine was too slow for, by ring.
    pub refused: [u64; Ring::COUNT],
    /// Seconds without a tick because too many waited.
    pub skipped: u64,
}

/// What was counted until a second of record time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Figures {
    /// The packet path's counters, summed over CPUs, in the order of [`Counter::ALL`].
    pub counters: [u64; Counter::COUNT],
    /// What went wrong since.
    pub losses: Losses,
}

/// Live traffic of some interfaces. Dropping it detaches what it attached, unless that is pinned, and nothing else.
pub struct Live {
    attached: Vec<Attached>,
    /// Their names by slot.
    names: BTreeMap<u8, String>,
    adopted: bool,
    /// Until it is started.
    worker: Option<Box<Worker>>,
    thread: Option<JoinHandle<()>>,
    handover: Arc<Handover>,
    batch: Batch,
    figures: Figures,
    /// Keeps other readers away as long as this lives.
    _pins: Option<Pins>,
}

impl Live {
    /// Loads the program and attaches it.
    ///
    /// # Errors
    /// What is missing or in the way, and what to do about it. Nothing stays attached then.
    pub fn open(options: &LiveOptions) -> anyhow::Result<Self> {
        refuse_realtime()?;
        let links = links::list()?;
        let (ports, remarks) = links::resolve(&options.interfaces, &links)?;
        for remark in remarks {
            tracing::info!("{remark}");
        }
        let pins =
            options.pin.as_ref().map(|bpffs| Pins::open(bpffs, &abi::abi(options.sizes))).transpose()?;
        let pinned = match &pins {
            Some(pins) => pins.links()?,
            None => refuse_own(&ports).map(|()| Vec::new())?,
        };
        attach::check(&ports, &pinned)?;
        let adopted = pins.as_ref().is_some_and(Pins::is_complete);
        let opened = Self::attach(options, &ports, pins.as_ref(), pinned, adopted);
        if let Some(pins) = &pins {
            // What other versions left has been replaced by now. Where this one fails, nothing of it stays.
            pins.clear(opened.is_err() && !adopted)?;
        }
        let (worker, attached) = opened?;
        Ok(Self {
            names: attached.iter().map(|one| (one.slot, one.interface.clone())).collect(),
            attached,
            adopted,
            worker: Some(Box::new(worker)),
            thread: None,
            handover: Arc::default(),
            batch: Batch::default(),
            figures: Figures::default(),
            _pins: pins,
        })
    }

    fn attach(
        options: &LiveOptions,
        ports: &[Link],
        pins: Option<&Pins>,
        pinned: Vec<Pinned>,
        adopted: bool,
    ) -> anyhow::Result<(Worker, Vec<Attached>)> {
        let object = match pins {
            Some(pins) if adopted => {
                let mut object = Object::adopt(|name| pins.path(name))?;
                // What ports are worth may have changed since.
                object.fill_policy()?;
                object
            }
            _ => {
                let mut object = Object::load(options.sizes, &Constants::random()?)?;
                if let Some(pins) = pins {
                    // Of a process that was killed before it was done.
                    pins.clear_object()?;
                    pins.keep_object(&mut object)?;
                }
                object
            }
        };
        let mut worker = Worker::new(object, options, pins.map(Pins::ledger), adopted)?;
        let (attached, links) = attach::attach(worker.object(), ports, options.mode, pins, pinned)?;
        worker.hold(links);
        for left in pins.map(Pins::left).unwrap_or_default() {
            match Predecessor::open(&left) {
                Ok(predecessor) => worker.inherit(predecessor)?,
                Err(error) => tracing::warn!("what another version had not told cannot be read: {error:#}"),
            }
        }
        Ok((worker, attached))
    }

    /// Whether it goes on with what another process had attached.
    pub const fn is_adopted(&self) -> bool {
        self.adopted
    }

    /// The interfaces and how they are watched.
    pub fn attached(&self) -> &[Attached] {
        &self.attached
    }

    /// What the packet path counted until the last tick, summed over CPUs, in the order of [`Counter::ALL`].
    pub const fn counters(&self) -> [u64; Counter::COUNT] {
        self.figures.counters
    }

    /// What went wrong between kernel and engine until the last tick.
    pub const fn losses(&self) -> Losses {
        self.figures.losses
    }

    /// Both.
    pub const fn figures(&self) -> Figures {
        self.figures
    }

    /// Detaches; what the kernel has told by then is still delivered, then [`Source::poll`] says that it is over.
    pub fn stop(&self) {
        self.handover.stop(Stop::Finish);
    }

    /// Starts the thread that reads the rings. Capabilities belong to threads: it has those of the caller.
    fn start(&mut self) -> anyhow::Result<()> {
        let Some(worker) = self.worker.take() else { return Ok(()) };
        let handover = Arc::clone(&self.handover);
        let thread = std::thread::Builder::new().name("rings".to_owned()).stack_size(STACK);
        self.thread = Some(thread.spawn(move || worker.run(&handover)).context("cannot start a thread")?);
        Ok(())
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        self.handover.stop(Stop::Abandon);
        if let Some(thread) = self.thread.take() {
            // How it ended was told by `poll`.
            let _ = thread.join();
        }
    }
}

impl Source for Live {
    /// Delivers what has come, up to the next tick; waits a moment where nothing has. `Ok(false)` after [`Live::stop`].
    fn poll(&mut self, sink: &mut dyn FnMut(Record<'_>)) -> anyhow::Result<bool> {
        self.start()?;
        if self.batch.is_empty() && !self.handover.take(&mut self.batch, PATIENCE)? {
            return Ok(false);
        }
        if let Some(figures) = self.batch.deliver(DELIVERY, sink) {
            self.figures = *figures;
        }
        Ok(true)
    }

    fn interfaces(&self) -> &BTreeMap<u8, String> {
        &self.names
    }

    fn apply(&mut self, wishes: &[Wish]) {
        self.handover.wish(wishes);
    }
}

/// What an earlier sensor left is no foreign program, and is not left to fate either.
fn refuse_own(ports: &[Link]) -> anyhow::Result<()> {
    let own = pins::interfaces(Path::new(pins::BPFFS));
    match ports.iter().find(|port| port.program.is_some() && own.contains(&port.index)) {
        Some(port) => bail!(
            "interface {}: `isthmus run --pin` left itself attached there; go on with --pin, or `isthmus detach` first",
            port.name
        ),
        None => Ok(()),
    }
}

/// Under PREEMPT_RT packets of one CPU can interrupt each other, which per-CPU state does not survive.
fn refuse_realtime() -> anyhow::Result<()> {
    let version = std::fs::read_to_string("/proc/sys/kernel/version").context("/proc/sys/kernel/version")?;
    anyhow::ensure!(
        !version.contains("PREEMPT_RT"),
        "this kernel is PREEMPT_RT, on which isthmus is not tested; boot an ordinary one"
    );
    Ok(())
}
