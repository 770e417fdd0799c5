//! Text for people.

use std::io::Write;
use std::net::IpAddr;

use sensor_ebpf::counters::Counter;

use super::Sink;
use crate::detect::by_id;
use crate::detect::finding::{Basis, Finding, Severity};
use crate::engine::Engine;
use crate::incident::Incident;
use crate::observer::Observer;
use crate::state::conversation::{self, Conversation};
use crate::state::{Host, World};
use crate::time::Time;

/// Writes text.
pub struct Text<W> {
    out: W,
    color: bool,
    failed: Option<std::io::Error>,
    no_baseline: u64,
}

impl<W: Write> Text<W> {
    /// With colour only where a terminal shows it and `NO_COLOR` is not set.
    pub fn new(out: W, terminal: bool) -> Self {
        let color = terminal && std::env::var_os("NO_COLOR").is_none();
        Self { out, color, failed: None, no_baseline: 0 }
    }

    fn write(&mut self, text: &str) {
        if self.failed.is_none()
            && let Err(error) = self.out.write_all(text.as_bytes()).and_then(|()| self.out.flush())
        {
            self.failed = Some(error);
        }
    }
}

fn second(time: Time) -> String {
    let text = time.to_string();
    text.split_once('.').map_or(text.clone(), |(seconds, _)| seconds.replace('T', " "))
}

fn paint(text: &str, severity: Severity, color: bool) -> String {
    let code = match severity {
        Severity::Critical => "1;31",
        Severity::High => "31",
        Severity::Medium => "33",
        _ => "36",
    };
    if color { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
}

/// A finding in two lines.
pub fn finding(finding: &Finding, color: bool) -> String {
    let title = by_id(&finding.model).map_or(finding.model.as_str(), |spec| spec.title);
    let importance =
        finding.importance.map_or(String::new(), |importance| format!(", importance {importance}"));
    format!(
        "{}  {}  {title} [{}, {}{importance}]\n    {}\n",
        second(finding.at),
        paint(&format!("{:<8}", finding.severity.name()), finding.severity, color),
        finding.model,
        finding.basis.name(),
        finding.summary
    )
}

/// An incident whole.
pub fn incident(incident: &Incident) -> String {
    let mut text = format!(
        "\nIncident {}: {}\n{}, {}, {} to {}\n\n",
        incident.number,
        incident.title,
        incident.severity.name(),
        incident.state.name(),
        second(incident.first),
        second(incident.last)
    );
    for line in &incident.account {
        text.push_str(line);
        text.push('\n');
    }
    text
}

/// An incident in one line.
pub fn incident_line(incident: &Incident) -> String {
    format!(
        "{:>4}  {:<8}  {:<12}  {}  {} findings  {}",
        incident.number,
        incident.severity.name(),
        incident.state.name(),
        second(incident.last),
        incident.findings.len(),
        incident.title
    )
}

/// A device in one line.
pub fn host(ip: IpAddr, host: &Host, world: &World) -> String {
    let (role, why) = host.role();
    let facts: Vec<&str> = host.facts.values().map(|fact| fact.value.as_str()).collect();
    let facts = if facts.is_empty() { String::new() } else { format!("  {}", facts.join(", ")) };
    format!("{:<39}  {:<10}  {role} ({why}){facts}", ip.to_string(), world.zone(ip).name)
}

/// A conversation in one line.
pub fn conversation(key: &conversation::Key, conversation: &Conversation) -> String {
    let actions: Vec<String> =
        conversation.actions.iter().map(|(action, n)| format!("{} {n}", action.name())).collect();
    let [up, down] = conversation.bytes;
    format!(
        "{} -> {}:{}  {}  {} connections, {} failed, {up} bytes up, {down} down  {}",
        key.client,
        key.server,
        key.port,
        conversation.protocol.as_deref().unwrap_or("-"),
        conversation.connections,
        conversation.failures,
        actions.join(", ")
    )
}

impl<W: Write> Observer for Text<W> {
    fn finding(&mut self, of: &Finding) {
        if of.basis == Basis::NoBaseline {
            self.no_baseline = self.no_baseline.saturating_add(1);
        }
        let text = finding(of, self.color);
        self.write(&text);
    }

    fn incident(&mut self, of: &Incident, what: &'static str) {
        let text = match what {
            "summary" => incident(of),
            _ => format!("{}  incident {} {what}: {}\n", second(of.last), of.number, of.title),
        };
        self.write(&text);
    }
}

impl<W: Write> Sink for Text<W> {
    fn as_observer(&mut self) -> &mut dyn Observer {
        self
    }

    fn check(&mut self) -> anyhow::Result<()> {
        match self.failed.take() {
            Some(error) => Err(anyhow::Error::new(error).context("cannot write the output")),
            None => Ok(()),
        }
    }

    fn flush(&mut self) -> anyhow::Result<()> {
        self.check()
    }

    fn summary(&mut self, engine: &Engine, counters: &[u64; Counter::COUNT]) -> anyhow::Result<()> {
        let [packets, bytes, ..] = counters;
        let findings = engine.mind.incidents.findings().count();
        let incidents = engine.mind.incidents.iter().count();
        let mut text = format!(
            "\n{packets} packets, {bytes} bytes, {} hosts, {} conversations; {findings} findings, {incidents} incidents\n",
            engine.world().hosts.len(),
            engine.world().conversations.len()
        );
        if self.no_baseline > 0 {
            text.push_str(&format!(
                "{} of the findings only look new: nothing was learned to compare with, so they make no incident\n",
                self.no_baseline
            ));
        }
        for (counter, n) in Counter::ALL.iter().zip(counters) {
            let lost = matches!(
                counter,
                Counter::LostLifecycle
                    | Counter::LostIndustrial
                    | Counter::LostAccess
                    | Counter::LostEvidence
                    | Counter::Storm
                    | Counter::NoSlice
            );
            if lost && *n > 0 {
                text.push_str(&format!("not analysed: {n} ({})\n", super::metrics::counter_name(*counter)));
            }
        }
        self.write(&text);
        self.check()
    }
}
