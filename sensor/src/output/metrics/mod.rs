//! Prometheus metrics: closed label sets, every known series from zero, no addresses.

mod exposition;
mod health;
mod process;
#[cfg(test)]
mod tests;

use prometheus::{IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry};
use sensor_ebpf::counters::Counter;
use sensor_ebpf::record::Ring;

use crate::detect;
use crate::detect::finding::{Finding, Severity};
use crate::engine::Engine;
use crate::incident::State;
use crate::observer::Observer;
use crate::protocol::{self, Action, Command, Malformed, Side};
use crate::source::live::Figures;
use crate::state::ConnectionState;
use crate::state::connection::Connection;
use crate::time::Time;
pub use exposition::Format;
use health::Health;

/// The series of one sensor.
pub struct Metrics {
    registry: Registry,
    /// How the sensor itself is.
    pub health: Health,
    packets: IntCounter,
    bytes: IntCounter,
    path: IntCounterVec,
    records: IntCounterVec,
    lost: IntCounterVec,
    missing: IntCounter,
    findings: IntCounterVec,
    allowed: IntCounterVec,
    commands: IntCounterVec,
    connections: IntCounterVec,
    malformed: IntCounterVec,
    incidents: IntGaugeVec,
    evictions: IntCounterVec,
    expired: IntCounterVec,
    gaps: IntCounter,
    overlaps: IntCounter,
    stream_bytes: IntGauge,
    hosts: IntGauge,
    conversations: IntGauge,
    degraded: IntGaugeVec,
}

/// The name of a packet-path counter in labels and summaries.
pub const fn counter_name(counter: Counter) -> &'static str {
    match counter {
        Counter::Packets => "packets",
        Counter::Bytes => "bytes",
        Counter::Cut => "cut",
        Counter::Bad => "bad",
        Counter::LaterFragments => "later_fragments",
        Counter::Inserted => "inserted",
        Counter::Replaced => "replaced",
        Counter::Storm => "storm",
        Counter::NoSlice => "no_slice",
        Counter::LostLifecycle => "lost_lifecycle",
        Counter::LostIndustrial => "lost_industrial",
        Counter::LostAccess => "lost_access",
        Counter::LostEvidence => "lost_evidence",
        Counter::Paused => "paused",
        Counter::Uncopied => "uncopied",
    }
}

/// The ring a counter of lost records is about.
const fn ring(counter: Counter) -> Option<Ring> {
    match counter {
        Counter::LostLifecycle => Some(Ring::Lifecycle),
        Counter::LostIndustrial => Some(Ring::Industrial),
        Counter::LostAccess => Some(Ring::Access),
        Counter::LostEvidence => Some(Ring::Evidence),
        _ => None,
    }
}

/// A counter that somebody else keeps: takes over its value, which never falls.
fn raise(counter: &IntCounter, to: u64) {
    counter.inc_by(to.saturating_sub(counter.get()));
}

impl Metrics {
    /// All series, at zero.
    ///
    /// # Errors
    /// Where two series have one name: a mistake in this file.
    pub fn new(interfaces: &[String]) -> anyhow::Result<Self> {
        let registry = Registry::new();
        registry.register(Box::new(process::Process::new()?))?;
        let single = |name: &str, help: &str| -> anyhow::Result<IntCounter> {
            let counter = IntCounter::with_opts(Opts::new(name, help))?;
            registry.register(Box::new(counter.clone()))?;
            Ok(counter)
        };
        let counter = |name: &str, help: &str, labels: &[&str]| -> anyhow::Result<IntCounterVec> {
            let vec = IntCounterVec::new(Opts::new(name, help), labels)?;
            registry.register(Box::new(vec.clone()))?;
            Ok(vec)
        };
        let gauge_vec = |name: &str, help: &str, labels: &[&str]| -> anyhow::Result<IntGaugeVec> {
            let vec = IntGaugeVec::new(Opts::new(name, help), labels)?;
            registry.register(Box::new(vec.clone()))?;
            Ok(vec)
        };
        let gauge = |name: &str, help: &str| -> anyhow::Result<IntGauge> {
            let gauge = IntGauge::with_opts(Opts::new(name, help))?;
            registry.register(Box::new(gauge.clone()))?;
            Ok(gauge)
        };
        let build = gauge_vec("isthmus_build_info", "Version of this sensor, always 1.", &["version"])?;
        build.with_label_values(&[env!("CARGO_PKG_VERSION")]).set(1);
        let metrics = Self {
            packets: single("isthmus_packets_total", "Frames the packet path saw.")?,
            bytes: single("isthmus_bytes_total", "Bytes of frames the packet path saw, as on the wire.")?,
            path: counter(
                "isthmus_packet_path_total",
                "Frames and flow entries the packet path treated specially, by reason.",
                &["reason"],
            )?,
            records: counter("isthmus_records_total", "Records the engine took in, by kind.", &["kind"])?,
            lost: counter(
                "isthmus_records_lost_total",
                "Records a ring had no room for, by ring.",
                &["ring"],
            )?,
            missing: single(
                "isthmus_records_missing_total",
                "Records the engine missed by their sequence numbers, whatever the cause.",
            )?,
            findings: counter(
                "isthmus_findings_total",
                "Findings raised that no allowance covers, by model and severity.",
                &["model", "severity"],
            )?,
            allowed: counter(
                "isthmus_findings_allowed_total",
                "Findings that an allowance covers, by model: recorded, of no incident.",
                &["model"],
            )?,
            commands: counter(
                "isthmus_commands_total",
                "Industrial messages, by protocol and action.",
                &["protocol", "action"],
            )?,
            connections: counter(
                "isthmus_connections_total",
                "Connections ended, by how they went.",
                &["state"],
            )?,
            malformed: counter(
                "isthmus_malformed_total",
                "Protocol data that breaks its rules, by protocol.",
                &["protocol"],
            )?,
            incidents: gauge_vec(
                "isthmus_incidents_open",
                "Incidents that go on, by severity.",
                &["severity"],
            )?,
            evictions: counter(
                "isthmus_table_evictions_total",
                "Rows forgotten for lack of room, by table.",
                &["table"],
            )?,
            expired: counter(
                "isthmus_table_expired_total",
                "Rows forgotten for their age, by table.",
                &["table"],
            )?,
            gaps: single("isthmus_stream_gaps_total", "Holes in TCP streams that were not filled.")?,
            overlaps: single(
                "isthmus_stream_overlaps_total",
                "TCP segments whose bytes differ from those that came before in the same place.",
            )?,
            stream_bytes: gauge(
                "isthmus_stream_buffered_bytes",
                "Bytes that wait in TCP streams and decoders for what completes them.",
            )?,
            hosts: gauge("isthmus_hosts", "Devices known.")?,
            conversations: gauge("isthmus_conversations", "Conversations known.")?,
            degraded: gauge_vec(
                "isthmus_interface_degraded",
                "1 where XDP runs behind the driver.",
                &["interface"],
            )?,
            health: Health::new(&registry)?,
            registry,
        };
        metrics.start_at_zero(interfaces);
        Ok(metrics)
    }

    fn start_at_zero(&self, interfaces: &[String]) {
        for counter in Counter::ALL {
            match counter {
                Counter::Packets | Counter::Bytes => {}
                _ => match ring(counter) {
                    Some(ring) => drop(self.lost.with_label_values(&[ring.name()])),
                    None => drop(self.path.with_label_values(&[counter_name(counter)])),
                },
            }
        }
        for kind in KINDS {
            self.records.with_label_values(&[kind]);
        }
        for spec in detect::REGISTRY {
            for severity in Severity::ALL {
                self.findings.with_label_values(&[spec.id, severity.name()]);
                self.allowed.with_label_values(&[spec.id]);
            }
        }
        for spec in protocol::REGISTRY {
            self.malformed.with_label_values(&[spec.name]);
            for action in Action::ALL.iter().filter(|_| spec.industrial) {
                self.commands.with_label_values(&[spec.name, action.name()]);
            }
        }
        for state in ConnectionState::ALL {
            self.connections.with_label_values(&[state.name()]);
        }
        for severity in Severity::ALL {
            self.incidents.with_label_values(&[severity.name()]);
        }
        for table in EVICTING {
            self.evictions.with_label_values(&[table]);
        }
        for table in ["events", "incidents"] {
            self.expired.with_label_values(&[table]);
        }
        for interface in interfaces {
            self.degraded.with_label_values(&[interface]).set(0);
        }
    }

    /// An interface runs behind its driver.
    pub fn set_degraded(&self, interface: &str) {
        self.degraded.with_label_values(&[interface]).set(1);
    }

    /// Takes over what engine and packet path counted themselves.
    pub fn update(&self, engine: &Engine, figures: &Figures) {
        self.health.update(&figures.losses, engine.now());
        for (counter, n) in Counter::ALL.iter().zip(&figures.counters) {
            match counter {
                Counter::Packets => raise(&self.packets, *n),
                Counter::Bytes => raise(&self.bytes, *n),
                _ => match ring(*counter) {
                    Some(ring) => raise(&self.lost.with_label_values(&[ring.name()]), *n),
                    None => raise(&self.path.with_label_values(&[counter_name(*counter)]), *n),
                },
            }
        }
        for (kind, n) in KINDS.iter().zip(engine.tallies.records) {
            raise(&self.records.with_label_values(&[kind]), n);
        }
        raise(&self.missing, engine.tallies.lost);
        let world = engine.world();
        let evictions: [u64; EVICTING.len()] = [
            engine.tallies.evicted,
            world.conversations.evicted,
            engine.desktops_evicted(),
            engine.mind.chronicle.evicted,
            world.externals.evicted,
            world.hosts.evicted(),
            engine.mind.incidents.evicted,
            world.names.evicted,
            world.stations.evicted(),
            engine.hoards_evicted(),
        ];
        for (table, n) in EVICTING.iter().zip(evictions) {
            raise(&self.evictions.with_label_values(&[table]), n);
        }
        let expired =
            [("events", engine.mind.chronicle.expired), ("incidents", engine.mind.incidents.expired)];
        for (table, n) in expired {
            raise(&self.expired.with_label_values(&[table]), n);
        }
        raise(&self.gaps, engine.tallies.gaps);
        raise(&self.overlaps, engine.tallies.overlaps);
        self.stream_bytes.set(i64::try_from(engine.kept()).unwrap_or(i64::MAX));
        self.hosts.set(i64::try_from(world.hosts.len()).unwrap_or(i64::MAX));
        self.conversations.set(i64::try_from(world.conversations.len()).unwrap_or(i64::MAX));
        for severity in Severity::ALL {
            let open = engine
                .mind
                .incidents
                .iter()
                .filter(|i| i.severity == severity && i.state == State::Open)
                .count();
            self.incidents.with_label_values(&[severity.name()]).set(i64::try_from(open).unwrap_or(i64::MAX));
        }
    }

    /// The exposition text.
    pub fn render(&self, format: Format) -> String {
        exposition::write(&self.registry.gather(), format)
    }
}

/// Tables that forget for lack of room.
const EVICTING: [&str; 10] = [
    "connections",
    "conversations",
    "desktops",
    "events",
    "externals",
    "hosts",
    "incidents",
    "names",
    "stations",
    "streams",
];
const KINDS: [&str; 5] = ["flow", "frame", "storm", "loss", "tick"];

impl Observer for &Metrics {
    fn finding(&mut self, finding: &Finding) {
        let Some(spec) = detect::by_id(&finding.model) else { return };
        // Whoever alerts on findings does not want what was allowed.
        if finding.allowed.is_some() {
            self.allowed.with_label_values(&[spec.id]).inc();
        } else {
            self.findings.with_label_values(&[spec.id, finding.severity.name()]).inc();
        }
    }

    fn command(&mut self, connection: &Connection, command: &Command, _: Side, _: Time) {
        if let Some(name) = command.protocol.or_else(|| connection.protocol.map(|spec| spec.name)) {
            self.commands.with_label_values(&[name, command.action.name()]).inc();
        }
    }

    fn connection(&mut self, connection: &Connection, _: Time) {
        self.connections.with_label_values(&[connection.state.name()]).inc();
    }

    fn malformed(&mut self, connection: &Connection, _: Malformed, _: Time) {
        if let Some(spec) = connection.protocol {
            self.malformed.with_label_values(&[spec.name]).inc();
        }
    }
}
