//! Prometheus metrics: closed label sets, every known series from zero, no addresses.

use prometheus::core::Collector as _;
use prometheus::proto::MetricType;
use prometheus::{IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry};
use sensor_ebpf::counters::Counter;

use crate::detect;
use crate::detect::finding::{Finding, Severity};
use crate::engine::Engine;
use crate::incident::State;
use crate::observer::Observer;
use crate::protocol::{self, Action, Command, Malformed, Side};
use crate::state::ConnectionState;
use crate::state::connection::Connection;
use crate::time::Time;

/// The series of one sensor.
pub struct Metrics {
    registry: Registry,
    path: IntCounterVec,
    records: IntCounterVec,
    lost: IntCounterVec,
    findings: IntCounterVec,
    commands: IntCounterVec,
    connections: IntCounterVec,
    malformed: IntCounterVec,
    incidents: IntGaugeVec,
    evictions: IntCounterVec,
    hosts: IntGauge,
    conversations: IntGauge,
    degraded: IntGaugeVec,
}

/// The name of a packet-path counter in labels.
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

impl Metrics {
    /// All series, at zero.
    ///
    /// # Errors
    /// Where two series have one name: a mistake in this file.
    pub fn new(interfaces: &[String]) -> anyhow::Result<Self> {
        let registry = Registry::new();
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
            path: counter(
                "isthmus_packet_path_total",
                "What the packet path counted, by event; bytes among them.",
                &["event"],
            )?,
            records: counter("isthmus_records_total", "Records the engine took in, by kind.", &["kind"])?,
            lost: counter(
                "isthmus_records_lost_total",
                "Records lost between kernel and engine, by stage.",
                &["stage"],
            )?,
            findings: counter(
                "isthmus_findings_total",
                "Findings raised, by model and severity.",
                &["model", "severity"],
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
            hosts: gauge("isthmus_hosts", "Devices known.")?,
            conversations: gauge("isthmus_conversations", "Conversations known.")?,
            degraded: gauge_vec(
                "isthmus_interface_degraded",
                "1 where XDP runs behind the driver.",
                &["interface"],
            )?,
            registry,
        };
        metrics.start_at_zero(interfaces);
        Ok(metrics)
    }

    fn start_at_zero(&self, interfaces: &[String]) {
        for counter in Counter::ALL {
            self.path.with_label_values(&[counter_name(counter)]);
        }
        for kind in KINDS {
            self.records.with_label_values(&[kind]);
        }
        self.lost.with_label_values(&["ring"]);
        for spec in detect::REGISTRY {
            self.findings.with_label_values(&[spec.id, spec.severity.name()]);
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
        for table in ["connections", "hosts", "conversations", "externals"] {
            self.evictions.with_label_values(&[table]);
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
    pub fn update(&self, engine: &Engine, counters: &[u64; Counter::COUNT]) {
        let raise = |vec: &IntCounterVec, label: &str, to: u64| {
            let counter = vec.with_label_values(&[label]);
            counter.inc_by(to.saturating_sub(counter.get()));
        };
        for (counter, n) in Counter::ALL.iter().zip(counters) {
            raise(&self.path, counter_name(*counter), *n);
        }
        for (kind, n) in KINDS.iter().zip(engine.tallies.records) {
            raise(&self.records, kind, n);
        }
        raise(&self.lost, "ring", engine.tallies.lost);
        let world = engine.world();
        raise(&self.evictions, "connections", engine.tallies.evicted);
        raise(&self.evictions, "hosts", world.hosts.evicted);
        raise(&self.evictions, "conversations", world.conversations.evicted);
        raise(&self.evictions, "externals", world.externals.evicted);
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

    /// The exposition text: Prometheus text 0.0.4, or OpenMetrics 1.0.
    pub fn render(&self, openmetrics: bool) -> String {
        let mut text = String::new();
        for family in self.registry.gather() {
            let is_counter = family.get_field_type() == MetricType::COUNTER;
            let name = family.name();
            // OpenMetrics names a counter's family without its suffix.
            let family_name =
                if openmetrics && is_counter { name.strip_suffix("_total").unwrap_or(name) } else { name };
            let kind = if is_counter { "counter" } else { "gauge" };
            text.push_str(&format!("# HELP {family_name} {}\n# TYPE {family_name} {kind}\n", family.help()));
            for metric in family.get_metric() {
                let labels: Vec<String> = metric
                    .get_label()
                    .iter()
                    .map(|l| format!("{}=\"{}\"", l.name(), escape(l.value())))
                    .collect();
                let labels =
                    if labels.is_empty() { String::new() } else { format!("{{{}}}", labels.join(",")) };
                let value = if is_counter {
                    metric.get_counter().get_value()
                } else {
                    metric.get_gauge().get_value()
                };
                text.push_str(&format!("{name}{labels} {value}\n"));
            }
        }
        if openmetrics {
            text.push_str("# EOF\n");
        }
        text
    }

    /// How many series there are: for tests.
    pub fn families(&self) -> usize {
        self.path.desc().len().saturating_add(self.registry.gather().len())
    }
}

const KINDS: [&str; 5] = ["flow", "frame", "storm", "loss", "tick"];

fn escape(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

impl Observer for &Metrics {
    fn finding(&mut self, finding: &Finding) {
        if let Some(spec) = detect::by_id(&finding.model) {
            self.findings.with_label_values(&[spec.id, finding.severity.name()]).inc();
        }
    }

    fn command(&mut self, connection: &Connection, command: &Command, _: Side, _: Time) {
        if let Some(spec) = connection.protocol {
            self.commands.with_label_values(&[spec.name, command.action.name()]).inc();
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
