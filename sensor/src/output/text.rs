//! Text for people.

use std::io::Write;

use sensor_ebpf::counters::Counter;

use super::Sink;
use crate::detect::by_id;
use crate::detect::finding::{Basis, Finding, Severity};
use crate::engine::Engine;
use crate::incident::Incident;
use crate::observer::Observer;
use crate::state::address::mac_text;
use crate::state::conversation::{Conversation, Ends};
use crate::state::{Host, World, oui};
use crate::state::{SiteAddr, SiteMac};
use crate::words::second;

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
    let allowed = finding.allowed.as_ref().map_or(String::new(), |by| format!(", allowed: {}", by.reason));
    format!(
        "{}  {}  {title} [{}, {}{importance}{allowed}]\n    {}\n",
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

/// A device in one line, and below it what it said about itself: in which protocol and when.
pub fn host(ip: SiteAddr, host: &Host, world: &World) -> String {
    let (role, why) = world.role(ip);
    let zone = format!("{} ({})", world.zone(ip).name, world.zone_reason(ip));
    let statements = host.facts.iter().flat_map(|(field, facts)| facts.iter().map(move |fact| (field, fact)));
    let statements = statements.map(|(field, fact)| {
        let name = super::json::field_name(*field);
        format!("\n    {name:<9} {}  ({}, {})", fact.value, fact.source, second(fact.at))
    });
    // The usual device has one address and one MAC, and both stand in its line.
    let several = host.addresses.len() > 1 || host.addresses.iter().any(|address| address.gone);
    let addresses = host.addresses.iter().filter(|_| several).map(|address| {
        let until = if address.gone { "another device's since" } else { "last used" };
        let (first, last) = (second(address.first), second(address.last));
        format!("\n    {:<9} {}  (since {first}, {until} {last})", "address", address.ip)
    });
    let macs = host.macs.iter().filter(|_| host.macs.len() > 1).map(|(mac, first, last)| {
        format!("\n    {:<9} {}  ({} to {})", "mac", mac_text(*mac), second(*first), second(*last))
    });
    let behind = world.stations.behind(ip).map(|(station, facts)| {
        let facts: Vec<String> = facts
            .iter()
            .map(|(field, fact)| format!("{} {}", super::json::field_name(*field), fact.value))
            .collect();
        format!("\n    {:<9} {station}  {}", "behind", facts.join(", "))
    });
    let mac = host.mac.map_or(String::new(), |mac| {
        let maker = oui::maker(mac).map_or(String::new(), |maker| format!(" ({maker})"));
        format!("  {}{maker}", super::json::mac(mac))
    });
    let asset = world.asset(ip).map_or(String::new(), |asset| {
        let contact = asset.contact.as_ref().map_or(String::new(), |contact| format!(", contact {contact}"));
        format!("  {} ({} criticality{contact})", asset.name, asset.criticality.name())
    });
    format!(
        "{:<39}  {zone:<10}  {role} ({why}){asset}{mac}{}",
        ip.to_string(),
        addresses.chain(macs).chain(statements).chain(behind).collect::<String>()
    )
}

/// So many addresses are forged by one device.
pub fn forged(sender: SiteAddr, mac: SiteMac, n: u64) -> String {
    let mac = mac_text(mac);
    format!(
        "{n} more addresses behind {mac}, from which nobody ever answered, are taken for forgeries of {sender}"
    )
}

/// A conversation in one line.
pub fn conversation(key: &Ends, conversation: &Conversation) -> String {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::detect::finding::Stage;
    use crate::importance::Importance;
    use crate::incident::State;

    use crate::time::Time;

    const AT: Time = Time(1_700_000_000_123_456_789);

    fn a_finding(basis: Basis) -> Finding {
        Finding {
            number: 1,
            basis,
            severity: Severity::High,
            importance: Some(Importance::from(4.25)),
            stage: Stage::Discovery,
            device_stage: "operational".to_owned(),
            actor_zone: "it".to_owned(),
            target_zone: "ot".to_owned(),
            summary: "10.10.0.5 asked 40 hosts on 102 and 502".to_owned(),
            ..Finding::about(&crate::detect::ics_scan::SPEC, "10.10.0.5".parse().unwrap(), AT)
        }
    }

    fn an_incident() -> Incident {
        Incident {
            number: 3,
            state: State::Open,
            first: AT,
            last: AT,
            actors: Vec::new(),
            findings: vec![1],
            severity: Severity::High,
            importance: None,
            history: Default::default(),
            stages: Vec::new(),
            related: Vec::new(),
            taken: None,
            allowed: None,
            title: "ICS scan by 10.10.0.5".to_owned(),
            account: vec!["What: ICS scan.".to_owned(), String::new(), "Device 10.10.0.5.".to_owned()],
        }
    }

    #[test]
    fn a_finding_is_two_lines_with_time_severity_basis_importance_and_summary() {
        assert_eq!(
            finding(&a_finding(Basis::Statistical), false),
            "2023-11-14 22:13:20  high      ICS scan [ics_scan, statistical, importance 4.2]\n    \
             10.10.0.5 asked 40 hosts on 102 and 502\n"
        );
    }

    #[test]
    fn color_changes_nothing_but_color() {
        let plain = finding(&a_finding(Basis::Rule), false);
        let colored = finding(&a_finding(Basis::Rule), true);
        assert!(!plain.contains('\x1b'));
        assert_eq!(colored.replace("\x1b[31m", "").replace("\x1b[0m", ""), plain);
    }

    #[test]
    fn what_is_no_terminal_gets_no_color() {
        assert!(!Text::new(Vec::new(), false).color);
    }

    #[test]
    fn an_incident_is_its_title_state_times_and_account() {
        assert_eq!(
            incident(&an_incident()),
            "\nIncident 3: ICS scan by 10.10.0.5\nhigh, open, 2023-11-14 22:13:20 to 2023-11-14 22:13:20\n\n\
             What: ICS scan.\n\nDevice 10.10.0.5.\n"
        );
    }

    #[test]
    fn news_of_an_incident_is_one_line_and_its_end_the_whole_of_it() {
        let mut out = Vec::new();
        let mut text = Text::new(&mut out, false);
        text.incident(&an_incident(), "opened");
        text.incident(&an_incident(), "summary");
        let written = String::from_utf8(out).unwrap();
        assert!(
            written
                .starts_with("2023-11-14 22:13:20  incident 3 opened: ICS scan by 10.10.0.5\n\nIncident 3: ")
        );
    }

    #[test]
    fn a_failure_to_write_is_told_once_asked() {
        struct Full;
        impl Write for Full {
            fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
                Err(std::io::ErrorKind::StorageFull.into())
            }
            fn flush(&mut self) -> std::io::Result<()> {
                Ok(())
            }
        }
        let mut text = Text::new(Full, false);
        text.finding(&a_finding(Basis::Rule));
        assert!(text.check().unwrap_err().to_string().starts_with("cannot write the output"));
    }
}
