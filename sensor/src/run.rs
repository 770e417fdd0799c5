//! `isthmus run`: the kernel's records through the engine, until somebody says stop.

use std::io::IsTerminal as _;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Context as _, Result};

use crate::cli::{Format, ModeArg, RunArgs, configuration};
use crate::engine::Engine;
use crate::incident::Incidents;
use crate::mind::Mind;
use crate::observer::Tee;
use crate::output::metrics::Metrics;
use crate::output::web::{self, Shared};
use crate::output::{Sink, json::JsonLines, text::Text};
use crate::source::live::{Live, LiveOptions, Mode, caps};
use crate::source::{Record, Source as _};
use crate::state::World;
use crate::store::Store;

/// Set by SIGINT and SIGTERM.
type Stop = Arc<AtomicBool>;

/// Watches interfaces until told to stop.
///
/// # Errors
/// What is in the way of attaching, listening or keeping state, and what to do about it.
pub fn run(args: &RunArgs) -> Result<()> {
    let config = configuration(args.config.as_ref())?;
    let mut world = World::new(config.settings(), config.zones());
    world.configure(&config);
    let mut store = args.state.as_deref().map(Store::open).transpose()?;
    let mind = match &store {
        Some(store) => store.read(world)?,
        None => Mind::new(world, Incidents::default()),
    };
    let mut engine = Engine::new(mind);
    let shared = Arc::new(Shared::new(Metrics::new(&args.interfaces)?));
    let mode = match args.mode {
        ModeArg::Native => Mode::Native,
        ModeArg::Auto => Mode::Auto,
        ModeArg::Generic => Mode::Generic,
    };
    let mut source =
        Live::open(&LiveOptions { interfaces: args.interfaces.clone(), mode, ..LiveOptions::default() })?;
    // From here on nothing asks the kernel for anything it has not already given.
    caps::drop_all()?;
    // Capabilities belong to threads: those started now have none.
    let stop: Stop = Arc::default();
    serve(&config.web.listen, &shared, &stop)?;
    for attached in source.attached() {
        let how = if attached.degraded { "behind the driver (degraded)" } else { "in the driver" };
        eprintln!("isthmus: attached to {} {how}", attached.interface);
        if attached.degraded {
            shared.metrics.set_degraded(&attached.interface);
        }
    }
    let out = std::io::stdout();
    let mut sink: Box<dyn Sink> = match args.format {
        Format::Json => Box::new(JsonLines::new(out, &args.log, config.observer.name.clone())),
        Format::Text => Box::new(Text::new(out, std::io::stdout().is_terminal())),
    };
    shared.ready.store(true, Ordering::Relaxed);
    while !stop.load(Ordering::Relaxed) {
        let mut ticked = false;
        source.poll(&mut |record| {
            ticked |= matches!(record, Record::Tick(_));
            let mut metrics = &shared.metrics;
            engine.record(record, &mut Tee(sink.as_observer(), &mut metrics));
        })?;
        source.apply(&engine.take_wishes());
        if ticked {
            if let Some(store) = &store {
                let (now, mut metrics) = (engine.now(), &shared.metrics);
                store.obey(&mut engine.mind, now, &mut Tee(sink.as_observer(), &mut metrics))?;
            }
            sink.flush()?;
            shared.metrics.update(&engine, &source.counters());
            shared.publish(&engine, &config.observer.name);
            if let Some(store) = &mut store {
                store.save(&mut engine.mind)?;
            }
        }
    }
    shared.ready.store(false, Ordering::Relaxed);
    // Dropping the source detaches; what it shipped before that is still analysed by the next start's first sweep.
    let counters = source.counters();
    drop(source);
    engine.finish(sink.as_observer());
    sink.summary(&engine, &counters)?;
    if let Some(store) = &mut store {
        store.save(&mut engine.mind)?;
    }
    Ok(())
}

/// Starts the thread that serves HTTP and waits for signals; an address that cannot be listened on fails here.
fn serve(listen: &str, shared: &Arc<Shared>, stop: &Stop) -> Result<()> {
    let address: Option<SocketAddr> = match listen {
        "" => None,
        text => Some(text.parse().with_context(|| format!("`{text}` under [web] is no address and port"))?),
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let listener = address.map(|address| runtime.block_on(web::bind(address))).transpose()?;
    let (shared, stop) = (Arc::clone(shared), Arc::clone(stop));
    std::thread::Builder::new().name("web".to_owned()).spawn(move || {
        runtime.block_on(async move {
            if let Some(listener) = listener {
                tokio::spawn(web::serve(listener, shared));
            }
            wait_for_signal().await;
            stop.store(true, Ordering::Relaxed);
            // A second signal ends the program at once, as users expect who press Ctrl-C twice.
            wait_for_signal().await;
            std::process::exit(1);
        });
    })?;
    // The handlers are in place before anything is attached.
    std::thread::sleep(Duration::from_millis(1));
    Ok(())
}

async fn wait_for_signal() {
    use tokio::signal::unix::{SignalKind, signal};
    match signal(SignalKind::terminate()) {
        Ok(mut terminate) => {
            tokio::select! {
                _ = tokio::signal::ctrl_c() => {}
                _ = terminate.recv() => {}
            }
        }
        Err(_) => {
            let _ignored_because_there_is_nothing_else_to_wait_for = tokio::signal::ctrl_c().await;
        }
    }
}
