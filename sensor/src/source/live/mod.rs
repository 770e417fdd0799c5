//! Live traffic: the packet path in the kernel, its rings and its flow cache.
//!
//! In the order of a start: [`links`] says what interfaces there are, [`object`] loads the program, [`attach`] puts it
//! on them, [`clock`] learns the kernel's time. Then the [`worker`] thread, every five milliseconds: [`drain`] empties
//! the rings, [`merge`] makes one stream of them, [`handover`] passes it to the engine's thread; each second [`sweep`]
//! reads a part of the [`mapped`] cache, [`counters`] what was counted, [`control`] says that user space lives.
//! [`caps`] gives up all privilege; [`doctor`] says what is amiss.

mod attach;
pub mod caps;
pub mod clock;
pub mod control;
pub mod counters;
pub mod doctor;
mod drain;
mod handover;
mod links;
mod mapped;
mod merge;
mod netlink;
pub mod object;
mod offloads;
mod sweep;
mod worker;

use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::Context as _;
use sensor_ebpf::counters::Counter;
use sensor_ebpf::record::Ring;

pub use attach::{Attached, Mode};
pub use mapped::Mapped;
pub use object::Sizes;

use self::handover::{Batch, Handover, Stop};
use self::object::{Constants, Object};
use self::worker::Worker;
use super::policy::Limits;
use super::{Record, Source, Wish};

/// How long the engine waits for records before it looks whether it should stop.
const PATIENCE: Duration = Duration::from_millis(50);
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

/// Live traffic of some interfaces. Dropping it detaches what it attached, and nothing else.
pub struct Live {
    attached: Vec<Attached>,
    /// Until it is started.
    worker: Option<Box<Worker>>,
    thread: Option<JoinHandle<()>>,
    handover: Arc<Handover>,
    batch: Batch,
    figures: Figures,
}

impl Live {
    /// Loads the program and attaches it.
    ///
    /// # Errors
    /// What is missing or in the way, and what to do about it. Nothing stays attached then.
    pub fn open(options: &LiveOptions) -> anyhow::Result<Self> {
        refuse_realtime()?;
        let (ports, remarks) = links::resolve(&options.interfaces, &links::list()?)?;
        for remark in remarks {
            tracing::info!("{remark}");
        }
        attach::check(&ports)?;
        let mut worker = Worker::new(Object::load(options.sizes, &Constants::random()?)?, options)?;
        let (attached, links) = attach::attach(worker.object(), &ports, options.mode)?;
        worker.hold(links);
        Ok(Self {
            attached,
            worker: Some(Box::new(worker)),
            thread: None,
            handover: Arc::default(),
            batch: Batch::default(),
            figures: Figures::default(),
        })
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
        let thread = std::thread::Builder::new().name("rings".to_owned());
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

    fn apply(&mut self, wishes: &[Wish]) {
        self.handover.wish(wishes);
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
