//! JSON lines with ECS field names: one object a line, keys in one order.
//!
//! The same input gives the same bytes: also `event.id` is made of what is said, never of chance or a clock.

mod alert;
mod handshake;
mod inventory;
mod line;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::io::Write;

use hashlink::LruCache;
use sensor_ebpf::counters::Counter;
use serde_json::{Map, Value};

use super::Sink;
use crate::cli::Dataset;
use crate::detect::finding::{Basis, Finding};
use crate::engine::Engine;
use crate::incident::Incident;
use crate::observer::{Gap, Observer};
use crate::protocol::{Asset, Command, Malformed, Side, Spec, Status, by_name, rdp, tls};
use crate::state::SiteAddr;
use crate::state::address::mac_of;
use crate::state::connection::{Connection, Pair};
use crate::time::Time;
pub use alert::{finding, incident};
use handshake::Handshake;
pub(super) use inventory::field_name;
pub use inventory::{conversation, crossing, forged, host};
pub(super) use line::mac;
use line::{Kind, Line};

/// Handshakes kept until their connection ends; the one used longest ago goes first.
const MAX_HANDSHAKES: usize = 4096;

/// Writes JSON lines.
pub struct JsonLines<W> {
    out: W,
    log: BTreeSet<Dataset>,
    observer: String,
    handshakes: LruCache<Pair, Handshake>,
    /// The moment of the last line about a single event, and how many there were before it.
    moment: (Time, u64),
    failed: Option<std::io::Error>,
}

impl<W: Write> JsonLines<W> {
    /// Findings and incidents always, the others where they are in `log`.
    pub fn new(out: W, log: &[Dataset], observer: String) -> Self {
        let handshakes = LruCache::new(MAX_HANDSHAKES);
        Self {
            out,
            log: log.iter().copied().collect(),
            observer,
            handshakes,
            moment: Default::default(),
            failed: None,
        }
    }

    fn write(&mut self, value: &Value) {
        if self.failed.is_none()
            && let Err(error) = writeln!(self.out, "{value}")
        {
            self.failed = Some(error);
        }
    }

    /// Writes a line about one event of time `at`.
    fn write_event(&mut self, mut line: Line, at: Time) {
        self.moment = match self.moment {
            (last, ordinal) if last == at => (at, ordinal.saturating_add(1)),
            _ => (at, 0),
        };
        line.identify(self.moment.1);
        self.write(&line.into_value());
    }

    fn wants(&self, dataset: Dataset) -> bool {
        self.log.contains(&dataset)
    }

    /// Something is wrong with what a connection carries.
    fn anomaly(&mut self, connection: &Connection, what: &str, gap: Option<Gap>, at: Time) {
        if !self.wants(Dataset::Anomaly) {
            return;
        }
        let mut line = Line::new("anomaly", Kind::Event, at, &self.observer);
        line.connection(connection, connection.client, connection.server);
        line.set("event.action", what);
        line.set("isthmus.anomaly", what);
        line.set_some("isthmus.gap", gap.map(Gap::name));
        self.write_event(line, at);
    }

    /// A device, or one behind it, stated something.
    fn stated(
        &mut self,
        host: SiteAddr,
        station: Option<&str>,
        asset: &Asset,
        protocol: &'static str,
        at: Time,
    ) {
        if !self.wants(Dataset::Asset) {
            return;
        }
        let field = inventory::field_name(asset.field);
        let mut line = Line::new("asset", Kind::Event, at, &self.observer);
        line.set("event.action", field);
        match mac_of(host).filter(|_| by_name(protocol).is_some_and(Spec::is_link_layer)) {
            Some(address) => {
                line.set("host.mac", line::mac(address));
                line.set("source.mac", line::mac(address));
            }
            None => {
                line.set("host.ip", host.ip.to_string());
                line.end("source", host, None);
            }
        }
        line.set("network.protocol", protocol);
        line.set("isthmus.field", field);
        line.set("isthmus.value", asset.value.as_ref());
        line.set_some("isthmus.station", station);
        self.write_event(line, at);
    }

    fn handshake(&mut self, connection: &Connection) -> &mut Handshake {
        self.handshakes.entry(connection.pair()).or_insert_with(Handshake::default)
    }
}

impl<W: Write> Observer for JsonLines<W> {
    fn finding(&mut self, of: &Finding) {
        self.write(&finding(of, &self.observer));
    }

    fn incident(&mut self, of: &Incident, what: &'static str) {
        self.write(&incident(of, what, &self.observer));
    }

    fn command(&mut self, connection: &Connection, command: &Command, sender: Side, at: Time) {
        if !self.wants(Dataset::Command) {
            return;
        }
        let (from, to) = match sender {
            Side::Client => (connection.client, connection.server),
            Side::Server => (connection.server, connection.client),
        };
        let mut line = Line::new("command", Kind::Event, at, &self.observer);
        line.connection(connection, from, to);
        line.set_some("network.protocol", command.protocol);
        line.set("event.action", command.name);
        line.set_twice("function.code", command.code_text.as_str());
        line.set_twice("function.name", command.name);
        line.set_twice("function.number", command.code);
        line.set_twice("action", command.action.name());
        line.set_twice("direction", command.direction.name());
        match &command.status {
            Status::None => {}
            Status::Ok => line.set_twice("status", "ok"),
            Status::Refused(code, name) => line.set_twice("status", format!("refused: {name} ({code:#x})")),
        }
        if let Some(unit) = command.unit {
            line.set_twice("unit", unit);
        }
        if let Some(object) = &command.object {
            line.set_twice("object", object.as_str());
        }
        self.write_event(line, at);
    }

    fn rdp(&mut self, connection: &Connection, handshake: &rdp::Handshake, _: Time) {
        if self.wants(Dataset::Connection) {
            self.handshake(connection).rdp(handshake);
        }
    }

    fn tls(&mut self, connection: &Connection, handshake: &tls::Handshake, _: Time) {
        if self.wants(Dataset::Connection) {
            self.handshake(connection).tls(handshake);
        }
    }

    fn connection(&mut self, connection: &Connection, at: Time) {
        if !self.wants(Dataset::Connection) {
            return;
        }
        let mut line = Line::new("connection", Kind::Event, at, &self.observer);
        line.connection(connection, connection.client, connection.server);
        line.set("event.start", connection.opened.to_string());
        line.set("event.end", connection.last.to_string());
        line.set("event.action", connection.state.name());
        let [client, server] = connection.legs;
        line.set_twice("state", connection.state.name());
        line.set_twice("client_bytes", client.bytes);
        line.set_twice("client_packets", client.packets);
        line.set_twice("server_bytes", server.bytes);
        line.set_twice("server_packets", server.packets);
        // Of what it carried, so many pieces were not seen.
        line.set_some("isthmus.gaps", Some(connection.gaps).filter(|gaps| *gaps > 0));
        if let Some(handshake) = self.handshakes.remove(&connection.pair()) {
            handshake.tell(&mut line);
        }
        self.write_event(line, at);
    }

    fn asset(&mut self, host: SiteAddr, asset: &Asset, protocol: &'static str, at: Time) {
        self.stated(host, None, asset, protocol, at);
    }

    fn station(&mut self, router: SiteAddr, station: &str, asset: &Asset, protocol: &'static str, at: Time) {
        self.stated(router, Some(station), asset, protocol, at);
    }

    fn gap(&mut self, connection: &Connection, gap: Gap, at: Time) {
        self.anomaly(connection, "gap", Some(gap), at);
    }

    fn malformed(&mut self, connection: &Connection, malformed: Malformed, at: Time) {
        self.anomaly(connection, &malformed.to_string(), None, at);
    }
}

impl<W: Write> Sink for JsonLines<W> {
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
        if let Err(error) = self.out.flush() {
            self.failed.get_or_insert(error);
        }
        self.check()
    }

    fn summary(&mut self, engine: &Engine, counters: &[u64; Counter::COUNT]) -> anyhow::Result<()> {
        if self.wants(Dataset::Summary) {
            let mut line = Line::new("summary", Kind::Metric, engine.now(), &self.observer);
            line.set("event.action", "summary");
            let path: Map<String, Value> = Counter::ALL
                .iter()
                .zip(counters)
                .map(|(counter, n)| (super::metrics::counter_name(*counter).to_owned(), (*n).into()))
                .collect();
            let (world, incidents) = (engine.world(), &engine.mind.incidents);
            let no_baseline = incidents.findings().filter(|f| f.basis == Basis::NoBaseline).count();
            line.set("isthmus.packet_path", path);
            line.set("isthmus.hosts", world.hosts.len());
            line.set("isthmus.conversations", world.conversations.len());
            line.set("isthmus.findings", incidents.findings().count());
            line.set("isthmus.findings_no_baseline", no_baseline);
            line.set("isthmus.incidents", incidents.iter().count());
            line.set("isthmus.records_lost", engine.tallies.lost);
            self.write_event(line, engine.now());
        }
        self.flush()
    }
}
