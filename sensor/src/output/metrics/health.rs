//! How the sensor itself is: what it lost between kernel and engine, whether state is kept, whether the configuration
//! in use is the one on disk.

use prometheus::{Gauge, IntCounter, IntCounterVec, IntGauge, Opts, Registry};
use sensor_ebpf::record::Ring;

use super::raise;
use crate::output::evidence;
use crate::source::live::Losses;
use crate::time::Time;

const ODD: [&str; 3] = ["late", "hurried", "unreadable"];
const EVIDENCE: [&str; 2] = ["written", "file_full"];
const OUTCOMES: [&str; 2] = ["ok", "failed"];

/// Series about the sensor, not the plant.
pub struct Health {
    refused: IntCounterVec,
    odd: IntCounterVec,
    skipped: IntCounter,
    saves: IntCounterVec,
    saved: Gauge,
    record_time: Gauge,
    reloaded: IntGauge,
    reload_time: Gauge,
    evidence_held: IntGauge,
    evidence_files: IntGauge,
    evidence_frames: IntCounterVec,
    evidence_failures: IntCounter,
    evidence_removed: IntCounter,
}

fn seconds(time: Time) -> f64 {
    time.0 as f64 / Time::SECOND as f64
}

fn now() -> f64 {
    std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .map_or(0.0, |since| since.as_secs_f64())
}

impl Health {
    pub(super) fn new(registry: &Registry) -> anyhow::Result<Self> {
        let counter =
            |name: &str, help: &str, label: &str, values: &[&str]| -> anyhow::Result<IntCounterVec> {
                let vec = IntCounterVec::new(Opts::new(name, help), &[label])?;
                registry.register(Box::new(vec.clone()))?;
                for value in values {
                    vec.with_label_values(&[value]);
                }
                Ok(vec)
            };
        let gauge = |name: &str, help: &str| -> anyhow::Result<Gauge> {
            let gauge = Gauge::with_opts(Opts::new(name, help))?;
            registry.register(Box::new(gauge.clone()))?;
            Ok(gauge)
        };
        let single = |name: &str, help: &str| -> anyhow::Result<IntCounter> {
            let counter = IntCounter::with_opts(Opts::new(name, help))?;
            registry.register(Box::new(counter.clone()))?;
            Ok(counter)
        };
        let whole = |name: &str, help: &str| -> anyhow::Result<IntGauge> {
            let gauge = IntGauge::with_opts(Opts::new(name, help))?;
            registry.register(Box::new(gauge.clone()))?;
            Ok(gauge)
        };
        let health = Self {
            refused: counter(
                "isthmus_records_refused_total",
                "Records the engine was too slow for, by ring.",
                "ring",
                &Ring::ALL.map(Ring::name),
            )?,
            odd: counter(
                "isthmus_records_odd_total",
                "Records out of order or unreadable between rings and engine, by reason.",
                "reason",
                &ODD,
            )?,
            skipped: single(
                "isthmus_seconds_skipped_total",
                "Seconds of record time the engine was not told of because it was too slow.",
            )?,
            saves: counter(
                "isthmus_state_saves_total",
                "Attempts to save the state, by outcome.",
                "outcome",
                &OUTCOMES,
            )?,
            saved: gauge(
                "isthmus_state_saved_timestamp_seconds",
                "Record time up to which the state is on disk, in seconds since the epoch; 0: nothing yet.",
            )?,
            record_time: gauge(
                "isthmus_record_timestamp_seconds",
                "Record time the engine has reached, in seconds since the epoch; time() less this is its lag.",
            )?,
            reloaded: whole(
                "isthmus_config_last_reload_successful",
                "1 where the last attempt to load the configuration succeeded.",
            )?,
            reload_time: gauge(
                "isthmus_config_last_reload_success_timestamp_seconds",
                "When the configuration in use was loaded, in seconds since the epoch.",
            )?,
            evidence_held: whole(
                "isthmus_evidence_memory_bytes",
                "Memory used by frames kept for evidence, in bytes.",
            )?,
            evidence_files: whole("isthmus_evidence_files", "Files of evidence there are.")?,
            evidence_frames: counter(
                "isthmus_evidence_frames_total",
                "Frames of incidents and watched hosts, by what became of them.",
                "outcome",
                &EVIDENCE,
            )?,
            evidence_failures: single(
                "isthmus_evidence_write_failures_total",
                "Attempts to write evidence that the disk refused.",
            )?,
            evidence_removed: single(
                "isthmus_evidence_files_removed_total",
                "Older files of evidence that made room.",
            )?,
        };
        health.reloaded(true);
        Ok(health)
    }

    pub(super) fn update(&self, losses: &Losses, reached: Time) {
        for (ring, n) in Ring::ALL.iter().zip(losses.refused) {
            raise(&self.refused.with_label_values(&[ring.name()]), n);
        }
        for (reason, n) in ODD.iter().zip([losses.late, losses.hurried, losses.unreadable]) {
            raise(&self.odd.with_label_values(&[reason]), n);
        }
        raise(&self.skipped, losses.skipped);
        self.record_time.set(seconds(reached));
    }

    /// What evidence was kept.
    pub fn evidence(&self, figures: &evidence::Figures) {
        let gauge = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
        self.evidence_held.set(gauge(figures.held_bytes));
        self.evidence_files.set(gauge(figures.files));
        for (outcome, n) in EVIDENCE.iter().zip([figures.written, figures.full]) {
            raise(&self.evidence_frames.with_label_values(&[outcome]), n);
        }
        raise(&self.evidence_failures, figures.failed);
        raise(&self.evidence_removed, figures.removed);
    }

    /// The state as of `reached` was saved, or not.
    pub fn saved(&self, well: bool, reached: Time) {
        let [ok, failed] = OUTCOMES;
        self.saves.with_label_values(&[if well { ok } else { failed }]).inc();
        if well {
            self.saved.set(seconds(reached));
        }
    }

    /// The configuration was loaded again, or not.
    pub fn reloaded(&self, well: bool) {
        self.reloaded.set(i64::from(well));
        if well {
            self.reload_time.set(now());
        }
    }
}
