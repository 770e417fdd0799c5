//! The loop of `run`, and what is kept however it ends.

#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::Result;
use serde_json::Value;

use crate::config::Config;
use crate::engine::Engine;
use crate::observer::Tee;
use crate::output::evidence::Evidence;
use crate::output::web::Shared;
use crate::output::{Sink, json};
use crate::run::orders::Order;
use crate::source::live::{Figures, Live};
use crate::source::{Record, Source};
use crate::store::Store;

/// How often is saved between ticks too: a second's tick is told when its records are, so that a state saved with ticks alone
/// would be more than a second old.
const EVERY: Duration = Duration::from_millis(400);
/// Of its time, one part in so many goes into those saves at most.
const SHARE: u32 = 10;

/// A source that counts, and that ends when it is told to.
pub trait Watched: Source {
    /// What was counted until the last tick.
    fn figures(&self) -> Figures;
    /// Asks it to deliver what is left and end.
    fn stop(&self);
}

impl Watched for Live {
    fn figures(&self) -> Figures {
        Self::figures(self)
    }

    fn stop(&self) {
        Self::stop(self);
    }
}

/// A running sensor.
pub struct Session {
    /// The analysis.
    pub engine: Engine,
    /// Where state is kept.
    pub store: Option<Store>,
    /// Where packets are kept.
    pub evidence: Option<Evidence>,
    /// Standard output.
    pub sink: Box<dyn Sink>,
    /// What other threads see.
    pub shared: Arc<Shared>,
    /// What it was started with, or last reloaded.
    pub config: Config,
    /// The last attempt to save went well.
    pub saving: bool,
    /// When it is saved next, if no tick comes before.
    pub due: Instant,
}

impl Session {
    /// Analyses what `source` delivers until it ends; state is saved twice a second and on every way out.
    ///
    /// # Errors
    /// What broke, after everything before it was analysed and saved.
    pub fn watch(mut self, source: &mut dyn Watched, stop: &AtomicBool) -> Result<()> {
        self.shared.ready.store(true, Ordering::Relaxed);
        let outcome = self.rounds(source, stop);
        self.shared.ready.store(false, Ordering::Relaxed);
        let closed = self.close(&source.figures());
        outcome.and(closed)
    }

    fn rounds(&mut self, source: &mut dyn Watched, stop: &AtomicBool) -> Result<()> {
        let mut stopping = false;
        loop {
            if !stopping && stop.load(Ordering::Relaxed) {
                source.stop();
                stopping = true;
            }
            let mut ticked = false;
            self.engine.mind.world.segments.name_interfaces(source.interfaces());
            let (engine, sink, shared) = (&mut self.engine, &mut self.sink, &self.shared);
            let evidence = &mut self.evidence;
            let more = source.poll(&mut |record| {
                ticked |= matches!(record, Record::Tick(_));
                let mut metrics = &shared.metrics;
                engine.record(record, &mut Tee(sink.as_observer(), &mut metrics));
                if let Some(evidence) = evidence {
                    evidence.record(&record, &engine.mind);
                }
            })?;
            source.apply(&self.engine.take_wishes());
            if let Some(evidence) = &mut self.evidence {
                source.apply(&evidence.take_wishes());
            }
            for order in self.shared.orders.take() {
                self.obey(order);
            }
            if ticked {
                self.second(&source.figures())?;
            } else if Instant::now() >= self.due {
                self.keep()?;
            }
            if !more {
                return Ok(());
            }
        }
    }

    fn obey(&mut self, order: Order) {
        match order {
            Order::Reload(config, reply) => {
                let later = crate::run::orders::needs_restart(&self.config, &config);
                let (sink, mut metrics) = (&mut self.sink, &self.shared.metrics);
                self.engine.mind.reload(&config, &mut Tee(sink.as_observer(), &mut metrics));
                if let Some(store) = &mut self.store
                    && let Err(error) = store.keep_configuration(self.shared.orders.text().as_deref())
                {
                    eprintln!(
                        "isthmus: {error:#}; commands that read the state go by the configuration before"
                    );
                }
                let observer = std::mem::take(&mut self.config.observer);
                self.config = Config { observer, ..*config };
                // Nobody waits any more where the asker has gone.
                let _ = reply.send(later);
            }
            Order::Incident(number, reply) => {
                let _ = reply.send(self.incident(number));
            }
        }
    }

    fn incident(&mut self, number: u64) -> Option<Value> {
        let mind = &mut self.engine.mind;
        mind.incidents.rewrite(number, &mind.world);
        let observer = &self.config.observer.name;
        let incident = mind.incidents.get(number)?;
        let findings = incident.findings.iter().filter_map(|number| mind.incidents.finding(*number));
        let findings: Vec<Value> = findings.map(|finding| json::finding(finding, observer)).collect();
        let mut told = json::incident(incident, "summary", observer);
        if let Some(fields) = told.as_object_mut() {
            fields.insert("findings".to_owned(), findings.into());
        }
        Some(told)
    }

    fn second(&mut self, figures: &Figures) -> Result<()> {
        self.keep()?;
        self.shared.metrics.update(&self.engine, figures);
        if let Some(evidence) = &self.evidence {
            self.shared.metrics.health.evidence(&evidence.figures());
        }
        self.shared.publish(&self.engine, &self.config.observer.name);
        Ok(())
    }

    /// Tells what was found, and saves it: what is in the state is not told again.
    fn keep(&mut self) -> Result<()> {
        self.sink.flush()?;
        let begun = Instant::now();
        self.save();
        self.due = begun.checked_add(EVERY.max(begun.elapsed().saturating_mul(SHARE))).unwrap_or(begun);
        Ok(())
    }

    /// Does what operators ordered, and saves. A disk that is full must not blind the sensor: it goes on, says so once,
    /// and tries again.
    fn save(&mut self) {
        let Some(store) = &mut self.store else { return };
        let (now, mut metrics) = (self.engine.now(), &self.shared.metrics);
        let outcome = store
            .obey(&mut self.engine.mind, now, &mut Tee(self.sink.as_observer(), &mut metrics))
            .and_then(|()| store.save(&mut self.engine.mind));
        self.shared.metrics.health.saved(outcome.is_ok(), self.engine.now());
        let before = std::mem::replace(&mut self.saving, outcome.is_ok());
        match outcome {
            Ok(()) if !before => eprintln!("isthmus: state is saved again"),
            Ok(()) => {}
            Err(error) => {
                if before {
                    eprintln!(
                        "isthmus: {error:#}; watching goes on, but nothing is kept until this is mended"
                    );
                }
                self.engine.mind.unsaved();
            }
        }
    }

    /// Tells what is open, and saves, whatever came before.
    fn close(&mut self, figures: &Figures) -> Result<()> {
        self.engine.finish(self.sink.as_observer());
        if let Some(evidence) = &mut self.evidence {
            evidence.flush(self.engine.now(), &self.engine.mind);
        }
        let saved = match &mut self.store {
            Some(store) => store.save(&mut self.engine.mind),
            None => Ok(()),
        };
        let told = self.sink.summary(&self.engine, &figures.counters);
        saved.and(told)
    }
}
