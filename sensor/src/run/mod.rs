//! `isthmus run`: the kernel's records through the engine, until somebody says stop.

pub mod orders;
mod serve;
mod session;

use std::io::IsTerminal as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Instant;

use anyhow::Result;

use crate::cli::{Format, ModeArg, RunArgs, configuration};
use crate::engine::Engine;
use crate::incident::Incidents;
use crate::mind::Mind;
use crate::output::evidence::Evidence;
use crate::output::metrics::Metrics;
use crate::output::web::Shared;
use crate::output::{Sink, json::JsonLines, text::Text};
use crate::source::Source as _;
use crate::source::live::{Live, LiveOptions, Mode, caps};
use crate::state::World;
use crate::store::Store;
use orders::Orders;
use session::Session;

/// Watches interfaces until told to stop.
///
/// # Errors
/// What is in the way of attaching, listening or keeping state, and what to do about it.
pub fn run(args: &RunArgs) -> Result<()> {
    let config = configuration(args.config.as_ref())?;
    let mut world = World::new(config.settings(), config.zones());
    world.configure(&config);
    let mut store = args.state.as_deref().map(Store::open).transpose()?;
    if let (Some(store), Some(path)) = (&mut store, &args.config) {
        store.keep_configuration(std::fs::read_to_string(path).ok().as_deref())?;
    }
    let mind = match &store {
        Some(store) => store.read(world)?,
        None => Mind::new(world, Incidents::default()),
    };
    let orders = Orders::new(args.config.clone());
    let shared = Arc::new(Shared::new(Metrics::new(&args.interfaces)?, orders));
    let mode = match args.mode {
        ModeArg::Native => Mode::Native,
        ModeArg::Auto => Mode::Auto,
        ModeArg::Generic => Mode::Generic,
    };
    let mut source = Live::open(&LiveOptions {
        interfaces: args.interfaces.clone(),
        mode,
        pin: args.pin.then(|| args.bpffs.clone()),
        ..LiveOptions::default()
    })?;
    // From here on nothing asks the kernel for anything it has not already given. Capabilities belong to threads: those
    // started from now on have none.
    caps::drop_all()?;
    // Whether it can be written has to be seen without privileges.
    let names = source.interfaces().clone();
    let open = |dir: &PathBuf| Evidence::open(dir, &config.evidence, names, &mind);
    let evidence = args.evidence.as_ref().map(open).transpose()?;
    let stop: Arc<AtomicBool> = Arc::default();
    serve::start(&config.web.listen, &shared, &stop)?;
    for attached in source.attached() {
        let how = if attached.degraded { "behind the driver (degraded)" } else { "in the driver" };
        let verb = if source.is_adopted() { "goes on attached" } else { "attached" };
        eprintln!("isthmus: {verb} to {} {how}", attached.interface);
        if attached.degraded {
            shared.metrics.set_degraded(&attached.interface);
        }
    }
    for (zone, interface) in config.unwatched(source.interfaces()) {
        eprintln!(
            "isthmus: zone `{zone}` is on {interface}, which is not watched: its addresses are not told apart there"
        );
    }
    let out = std::io::stdout();
    let sink: Box<dyn Sink> = match args.format {
        Format::Json => Box::new(JsonLines::new(out, &args.log, config.observer.name.clone())),
        Format::Text => Box::new(Text::new(out, std::io::stdout().is_terminal())),
    };
    let session = Session {
        engine: Engine::new(mind),
        store,
        evidence,
        sink,
        shared,
        config,
        saving: true,
        due: Instant::now(),
    };
    session.watch(&mut source, &stop)
}
