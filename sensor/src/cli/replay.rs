//! `isthmus replay`.

use std::io::{IsTerminal as _, Write as _};
use std::path::PathBuf;

use anyhow::Result;

use super::keep::Keep;
use super::{Format, ReplayArgs, StageArg, configuration};
use crate::engine::Engine;
use crate::incident::Incidents;
use crate::mind::Mind;
use crate::output::evidence::Evidence;
use crate::output::{Sink, json::JsonLines, report, text::Text};
use crate::source::Source as _;
use crate::source::replay::{Replay, ReplayOptions};
use crate::state::World;
use crate::store::Store;
use crate::store::unfinished::Input;

/// Analyses capture files.
///
/// # Errors
/// A file that cannot be read, after everything before the break was analysed.
pub fn replay(args: &ReplayArgs) -> Result<()> {
    let config = configuration(args.config.as_ref())?;
    let mut settings = config.settings();
    settings.learn = args.learn;
    settings.operational = args.stage == StageArg::Operational;
    let mut world = World::new(settings, config.zones());
    world.configure(&config);
    let mut store = args.state.as_deref().map(Store::open).transpose()?;
    if let (Some(store), Some(path)) = (&mut store, &args.config) {
        store.keep_configuration(std::fs::read_to_string(path).ok().as_deref())?;
    }
    let mind = match &store {
        Some(store) => store.read(world)?,
        None => Mind::new(world, Incidents::default()),
    };
    let mut source = Replay::open(&args.files, ReplayOptions::default())?;
    let input = Input::new(&args.files, args.learn, args.stage == StageArg::Operational);
    let mut keep = match (store, &args.state) {
        (Some(store), Some(dir)) => Some(Keep::new(store, dir, input)?),
        _ => None,
    };
    let open = |dir: &PathBuf| Evidence::open(dir, &config.evidence, source.interfaces().clone(), &mind);
    let mut evidence = args.evidence.as_ref().map(open).transpose()?;
    let mut engine = Engine::new(mind);
    let out = std::io::BufWriter::with_capacity(1 << 16, std::io::stdout().lock());
    let mut sink: Box<dyn Sink> = match args.format {
        Format::Json => Box::new(JsonLines::new(out, &args.log, config.observer.name.clone())),
        Format::Text => Box::new(Text::new(out, std::io::stdout().is_terminal())),
    };
    let bar = progress(source.progress().1);
    let outcome = loop {
        let mut kept = Ok(());
        engine.mind.world.segments.name_interfaces(source.interfaces());
        let more = source.poll(&mut |record| {
            if keep.as_mut().is_some_and(|keep| keep.is_known(&record)) {
                return;
            }
            engine.record(record, sink.as_observer());
            if let Some(evidence) = &mut evidence {
                evidence.record(&record, &engine.mind);
            }
            if let Some(keep) = &mut keep
                && let Some(at) = keep.is_due(&record)
                && kept.is_ok()
            {
                // What is in the state is not told again: it must have been told before.
                kept = sink.flush().and_then(|()| keep.save(&mut engine.mind, at));
            }
        });
        kept?;
        source.apply(&engine.take_wishes());
        if let Some(evidence) = &mut evidence {
            source.apply(&evidence.take_wishes());
        }
        bar.set_position(source.progress().0);
        sink.check()?;
        match more {
            Ok(true) => {}
            Ok(false) => break Ok(()),
            Err(error) => break Err(error),
        }
    };
    bar.finish_and_clear();
    engine.finish(sink.as_observer());
    if let Some(evidence) = &mut evidence {
        evidence.flush(engine.now(), &engine.mind);
        evidence.check()?;
    }
    sink.summary(&engine, &source.counters())?;
    if args.learn {
        engine.mind.world.graduate();
    }
    if let Some(keep) = keep {
        keep.finish(&mut engine.mind)?;
    }
    if let Some(path) = &args.report {
        report::write(path, &engine.mind, &config.observer.name, None)?;
    }
    std::io::stdout().flush()?;
    outcome
}

fn progress(total: u64) -> indicatif::ProgressBar {
    if !std::io::stderr().is_terminal() || total < 64 << 20 {
        return indicatif::ProgressBar::hidden();
    }
    let bar = indicatif::ProgressBar::new(total);
    if let Ok(style) =
        indicatif::ProgressStyle::with_template("{bar:40} {bytes}/{total_bytes} {bytes_per_sec}, {eta} left")
    {
        bar.set_style(style);
    }
    bar
}
