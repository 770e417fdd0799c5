//! JSON lines with ECS field names: one object a line, keys in one order.

use std::collections::BTreeSet;
use std::io::Write;
use std::net::IpAddr;

use sensor_ebpf::counters::Counter;
use serde_json::{Map, Value, json};

use super::{Sink, community};
use crate::cli::Dataset;
use crate::detect::by_id;
use crate::detect::finding::{Finding, Measure};
use crate::engine::Engine;
use crate::incident::Incident;
use crate::observer::Observer;
use crate::protocol::{Asset, AssetField, Command, Malformed, Side, Status, rdp, tls};
use crate::state::connection::{Connection, End};
use crate::state::conversation::{self, Conversation};
use crate::state::{Host, World};
use crate::time::Time;

/// The ECS version the field names follow.
const ECS: &str = "8.17.0";

/// Writes JSON lines.
pub struct JsonLines<W> {
    out: W,
    log: BTreeSet<Dataset>,
    observer: String,
    handshakes: Vec<(crate::state::connection::Pair, Value)>,
    failed: Option<std::io::Error>,
    lines: u64,
}

impl<W: Write> JsonLines<W> {
    /// Findings and incidents always, the others where they are in `log`.
    pub fn new(out: W, log: &[Dataset], observer: String) -> Self {
        Self { out, log: log.iter().copied().collect(), observer, handshakes: Vec::new(), failed: None, lines: 0 }
    }

    fn write(&mut self, value: &Value) {
        self.lines = self.lines.saturating_add(1);
        if self.failed.is_none()
            && let Err(error) = writeln!(self.out, "{value}")
        {
            self.failed = Some(error);
        }
    }

    fn wants(&self, dataset: Dataset) -> bool {
        self.log.contains(&dataset)
    }

    /// An event about a connection, its ends in the order given.
    fn about(&self, dataset: &str, at: Time, connection: &Connection, source: End, destination: End) -> Map<String, Value> {
        let mut map = base(dataset, at, &self.observer);
        map.insert("source".into(), end(source));
        map.insert("destination".into(), end(destination));
        let mut network = json!({ "transport": connection.transport_name() });
        if let Some(spec) = connection.protocol {
            put(&mut network, "protocol", spec.name);
        }
        if let Some(id) = community::id(connection) {
            put(&mut network, "community_id", id);
        }
        if let [vlan, _] = connection.vlans
            && vlan != 0
        {
            put(&mut network, "vlan", json!({ "id": vlan.to_string() }));
        }
        map.insert("network".into(), network);
        map
    }
}

fn put(value: &mut Value, key: &str, item: impl Into<Value>) {
    if let Value::Object(map) = value {
        map.insert(key.to_owned(), item.into());
    }
}

fn event(map: &mut Map<String, Value>, key: &str, item: impl Into<Value>) {
    if let Some(event) = map.get_mut("event") {
        put(event, key, item);
    }
}

fn base(dataset: &str, at: Time, observer: &str) -> Map<String, Value> {
    let mut map = Map::new();
    map.insert("@timestamp".into(), at.to_string().into());
    map.insert("ecs".into(), json!({ "version": ECS }));
    map.insert("event".into(), json!({ "dataset": format!("isthmus.{dataset}"), "kind": "event" }));
    map.insert("observer".into(), json!({ "name": observer, "product": "Isthmus", "type": "ids" }));
    map
}

fn end(end: End) -> Value {
    if end.port == 0 { json!({ "ip": end.ip }) } else { json!({ "ip": end.ip, "port": end.port }) }
}

/// The fields of a command or connection stand under `isthmus.`, where ECS wants them, and at the top, where short
/// queries look for them.
fn doubled(map: &mut Map<String, Value>, own: &Value) {
    if let Value::Object(fields) = own {
        for (key, value) in fields {
            map.insert(key.clone(), value.clone());
        }
    }
}

/// `00-11-22-33-44-55`, as ECS wants it.
fn mac(mac: [u8; 6]) -> String {
    mac.map(|byte| format!("{byte:02X}")).join("-")
}

fn measure(measure: &Measure) -> Value {
    json!({ "value": measure.value, "unit": measure.unit, "window_s": measure.window_s })
}

/// A finding as one object.
pub fn finding(finding: &Finding, observer: &str) -> Value {
    let mut map = base("finding", finding.at, observer);
    event(&mut map, "kind", "alert");
    event(&mut map, "id", format!("finding-{}", finding.number));
    event(&mut map, "action", finding.model.as_str());
    event(&mut map, "severity", finding.severity.score());
    event(&mut map, "start", finding.first.to_string());
    let spec = by_id(&finding.model);
    map.insert("rule".into(), json!({ "id": finding.model, "name": spec.map_or(finding.model.as_str(), |s| s.title) }));
    map.insert("threat".into(), json!({ "framework": "MITRE ATT&CK for ICS", "technique": { "id": finding.techniques } }));
    let mut source = json!({ "ip": finding.actor });
    if let Some(port) = finding.actor_port {
        put(&mut source, "port", port);
    }
    if let Some(address) = finding.actor_mac {
        put(&mut source, "mac", mac(address));
    }
    map.insert("source".into(), source);
    if let Some(target) = finding.targets.first() {
        let mut destination = json!({ "ip": target.ip });
        if let Some(port) = target.port {
            put(&mut destination, "port", port);
        }
        map.insert("destination".into(), destination);
    }
    let mut network = json!({ "transport": finding.transport });
    if let Some(protocol) = &finding.protocol {
        put(&mut network, "protocol", protocol.as_str());
    }
    map.insert("network".into(), network);
    let mut own = json!({
        "actor": { "id": finding.actor },
        "basis": finding.basis.name(),
        "count": finding.count,
        "destination": { "zone": finding.target_zone },
        "device_stage": finding.device_stage,
        "incident_stage": finding.stage.name(),
        "source": { "zone": finding.actor_zone },
        "summary": finding.summary,
        "targets": finding.targets.iter().map(|t| match t.port {
            Some(port) => json!({ "ip": t.ip, "port": port }),
            None => json!({ "ip": t.ip }),
        }).collect::<Vec<_>>(),
        "targets_total": finding.targets_total,
    });
    if let Some(importance) = finding.importance {
        put(&mut own, "importance", importance.value());
    }
    if let Some(observed) = &finding.observed {
        put(&mut own, "observed", measure(observed));
    }
    if let Some(expected) = &finding.expected {
        put(&mut own, "expected", measure(expected));
    }
    if let Some(accepted) = finding.accepted {
        put(&mut own, "accepted", accepted);
    }
    if let Some(number) = finding.absorbed_by {
        put(&mut own, "absorbed_by", format!("finding-{number}"));
    }
    if let Some(number) = finding.incident {
        put(&mut own, "incident", json!({ "id": number }));
    }
    map.insert("isthmus".into(), own);
    for (name, value) in &finding.facts {
        if name == "rdp.cookie" && value != "not observable" {
            map.insert("rdp".into(), json!({ "cookie": value }));
        }
    }
    Value::Object(map)
}

/// An incident as one object; `action` is why it is told.
pub fn incident(incident: &Incident, action: &str, observer: &str) -> Value {
    let mut map = base("incident", incident.last, observer);
    event(&mut map, "kind", "alert");
    event(&mut map, "id", format!("incident-{}", incident.number));
    event(&mut map, "action", action);
    event(&mut map, "severity", incident.severity.score());
    event(&mut map, "start", incident.first.to_string());
    if let Some(actor) = incident.actors.first() {
        map.insert("source".into(), json!({ "ip": actor }));
    }
    let mut own = json!({
        "account": incident.account,
        "actor": { "id": incident.actors.first() },
        "actors": incident.actors,
        "findings": incident.findings.iter().map(|n| format!("finding-{n}")).collect::<Vec<_>>(),
        "incident": {
            "id": incident.number,
            "related": incident.related,
            "stages": incident.stages.iter().map(|s| s.name()).collect::<Vec<_>>(),
            "state": incident.state.name(),
        },
        "summary": incident.title,
    });
    if let Some(importance) = incident.importance {
        put(&mut own, "importance", importance.value());
    }
    if let Some(stage) = incident.stages.last() {
        put(&mut own, "incident_stage", stage.name());
    }
    map.insert("isthmus".into(), own);
    Value::Object(map)
}

/// A device as one object.
pub fn host(ip: IpAddr, host: &Host, world: &World, observer: &str) -> Value {
    let mut map = base("asset", host.last, observer);
    event(&mut map, "kind", "state");
    let mut asset = json!({ "ip": ip });
    if let Some(address) = host.mac {
        put(&mut asset, "mac", mac(address));
    }
    map.insert("host".into(), asset);
    let (role, why) = host.role();
    let facts: Map<String, Value> = host
        .facts
        .iter()
        .map(|(field, fact)| {
            (field_name(*field).to_owned(), json!({ "value": fact.value, "source": fact.source, "at": fact.at.to_string() }))
        })
        .collect();
    map.insert(
        "isthmus".into(),
        json!({
            "facts": facts, "first_seen": host.first.to_string(), "role": role, "role_reason": why,
            "via": host.via.map(mac), "zone": world.zone(ip).name, "device_stage": world.stage(ip).name(),
        }),
    );
    Value::Object(map)
}

/// A conversation as one object.
pub fn conversation(key: &conversation::Key, conversation: &Conversation, observer: &str) -> Value {
    let mut map = base("conversation", conversation.last, observer);
    event(&mut map, "kind", "state");
    map.insert("source".into(), json!({ "ip": key.client }));
    map.insert("destination".into(), json!({ "ip": key.server, "port": key.port }));
    let mut network = json!({});
    if let Some(protocol) = &conversation.protocol {
        put(&mut network, "protocol", protocol.as_str());
    }
    map.insert("network".into(), network);
    let actions: Map<String, Value> =
        conversation.actions.iter().map(|(action, n)| (action.name().to_owned(), (*n).into())).collect();
    let [up, down] = conversation.bytes;
    map.insert(
        "isthmus".into(),
        json!({
            "actions": actions, "client_bytes": up, "connections": conversation.connections, "failures": conversation.failures,
            "first_seen": conversation.first.to_string(), "server_bytes": down, "usual": conversation.taught,
        }),
    );
    Value::Object(map)
}

const fn field_name(field: AssetField) -> &'static str {
    match field {
        AssetField::Vendor => "vendor",
        AssetField::Model => "model",
        AssetField::Firmware => "firmware",
        AssetField::Serial => "serial",
        AssetField::Name => "name",
    }
}

impl<W: Write> Observer for JsonLines<W> {
    fn finding(&mut self, of: &Finding) {
        let value = finding(of, &self.observer);
        self.write(&value);
    }

    fn incident(&mut self, of: &Incident, what: &'static str) {
        let value = incident(of, what, &self.observer);
        self.write(&value);
    }

    fn command(&mut self, connection: &Connection, command: &Command, sender: Side, at: Time) {
        if !self.wants(Dataset::Command) {
            return;
        }
        let (from, to) = match sender {
            Side::Client => (connection.client, connection.server),
            Side::Server => (connection.server, connection.client),
        };
        let mut map = self.about("command", at, connection, from, to);
        event(&mut map, "action", command.name);
        let status = match &command.status {
            Status::None => Value::Null,
            Status::Ok => "ok".into(),
            Status::Refused(code, name) => format!("refused: {name} ({code:#x})").into(),
        };
        let mut own = json!({
            "action": command.action.name(),
            "direction": command.direction.name(),
            "function": { "code": command.code_text, "name": command.name, "number": command.code },
        });
        if !status.is_null() {
            put(&mut own, "status", status);
        }
        if let Some(unit) = command.unit {
            put(&mut own, "unit", unit);
        }
        if let Some(object) = &command.object {
            put(&mut own, "object", object.as_ref());
        }
        doubled(&mut map, &own);
        map.insert("isthmus".into(), own);
        self.write(&Value::Object(map));
    }

    fn rdp(&mut self, connection: &Connection, handshake: &rdp::Handshake, _at: Time) {
        if !self.wants(Dataset::Connection) {
            return;
        }
        let mut value = self.note(connection);
        let mut rdp = value.get("rdp").cloned().unwrap_or_else(|| json!({}));
        match handshake {
            rdp::Handshake::Request { cookie, protocols, restricted_admin, .. } => {
                if let Some(cookie) = cookie {
                    put(&mut rdp, "cookie", cookie.as_ref());
                }
                if let Some(protocols) = protocols {
                    put(&mut rdp, "protocols", *protocols);
                }
                put(&mut rdp, "restricted_admin", *restricted_admin);
            }
            rdp::Handshake::Confirm { selected, failure } => {
                put(&mut rdp, "selected", *selected);
                put(&mut rdp, "failure", *failure);
            }
        }
        put(&mut value, "rdp", rdp);
        self.keep(connection, value);
    }

    fn tls(&mut self, connection: &Connection, handshake: &tls::Handshake, _at: Time) {
        if !self.wants(Dataset::Connection) {
            return;
        }
        let mut value = self.note(connection);
        let mut tls = value.get("tls").cloned().unwrap_or_else(|| json!({}));
        let mut own = value.get("isthmus").cloned().unwrap_or_else(|| json!({ "self_signed": "not_observable" }));
        match handshake {
            tls::Handshake::ClientHello(hello) => {
                let mut client = json!({ "ja3": hello.ja3 });
                let sni = match &hello.sni {
                    tls::Sni::Present(name) => {
                        put(&mut client, "server_name", name.as_ref());
                        "present"
                    }
                    tls::Sni::Absent => "absent",
                    tls::Sni::Hidden => "hidden",
                };
                put(&mut own, "sni", sni);
                put(&mut own, "ja4", hello.ja4.as_ref());
                put(&mut tls, "client", client);
                put(&mut tls, "version", version(hello.version));
            }
            tls::Handshake::ServerHello { version: chosen, resumed } => {
                put(&mut tls, "version", version(*chosen));
                put(&mut tls, "resumed", *resumed);
            }
            tls::Handshake::Certificate(certificate) => {
                let word = match certificate.self_signed {
                    tls::SelfSigned::Yes => "yes",
                    tls::SelfSigned::No => "no",
                    tls::SelfSigned::NotObservable => "not_observable",
                };
                put(&mut own, "self_signed", word);
                put(&mut tls, "server", json!({ "subject": certificate.subject, "issuer": certificate.issuer }));
            }
        }
        put(&mut value, "tls", tls);
        put(&mut value, "isthmus", own);
        self.keep(connection, value);
    }

    fn connection(&mut self, connection: &Connection, at: Time) {
        if !self.wants(Dataset::Connection) {
            return;
        }
        let mut map = self.about("connection", at, connection, connection.client, connection.server);
        event(&mut map, "start", connection.opened.to_string());
        event(&mut map, "end", connection.last.to_string());
        event(&mut map, "action", connection.state.name());
        let [client, server] = connection.legs;
        let mut own = json!({
            "client_bytes": client.bytes, "client_packets": client.packets,
            "server_bytes": server.bytes, "server_packets": server.packets,
            "state": connection.state.name(),
        });
        doubled(&mut map, &own);
        if let Value::Object(notes) = self.note(connection) {
            for (key, value) in notes {
                match (key.as_str(), value) {
                    ("isthmus", Value::Object(more)) => more.into_iter().for_each(|(k, v)| put(&mut own, &k, v)),
                    (_, value) => {
                        map.insert(key, value);
                    }
                }
            }
        }
        let id = connection.pair();
        self.handshakes.retain(|(pair, _)| *pair != id);
        map.insert("isthmus".into(), own);
        self.write(&Value::Object(map));
    }

    fn asset(&mut self, host: IpAddr, asset: &Asset, protocol: &'static str, at: Time) {
        if !self.wants(Dataset::Asset) {
            return;
        }
        let mut map = base("asset", at, &self.observer);
        event(&mut map, "action", field_name(asset.field));
        map.insert("host".into(), json!({ "ip": host }));
        map.insert("network".into(), json!({ "protocol": protocol }));
        map.insert("isthmus".into(), json!({ "field": field_name(asset.field), "value": asset.value }));
        self.write(&Value::Object(map));
    }

    fn malformed(&mut self, connection: &Connection, malformed: Malformed, at: Time) {
        if !self.wants(Dataset::Anomaly) {
            return;
        }
        let mut map = self.about("anomaly", at, connection, connection.client, connection.server);
        event(&mut map, "action", malformed.to_string());
        map.insert("isthmus".into(), json!({ "anomaly": malformed.to_string() }));
        self.write(&Value::Object(map));
    }
}

/// Handshakes kept until their connection ends.
const MAX_HANDSHAKES: usize = 4096;

impl<W> JsonLines<W> {
    fn note(&self, connection: &Connection) -> Value {
        let id = connection.pair();
        self.handshakes.iter().rev().find(|(pair, _)| *pair == id).map_or_else(|| json!({}), |(_, value)| value.clone())
    }

    fn keep(&mut self, connection: &Connection, value: Value) {
        let id = connection.pair();
        self.handshakes.retain(|(pair, _)| *pair != id);
        if self.handshakes.len() >= MAX_HANDSHAKES {
            self.handshakes.remove(0);
        }
        self.handshakes.push((id, value));
    }
}

const fn version(code: u16) -> &'static str {
    match code {
        0x0300 => "3.0",
        0x0301 => "1.0",
        0x0302 => "1.1",
        0x0303 => "1.2",
        0x0304 => "1.3",
        _ => "unknown",
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
            let mut map = base("summary", engine.now(), &self.observer);
            event(&mut map, "kind", "metric");
            let path: Map<String, Value> = Counter::ALL
                .iter()
                .zip(counters)
                .map(|(counter, n)| (super::metrics::counter_name(*counter).to_owned(), (*n).into()))
                .collect();
            let findings = engine.mind.incidents.findings();
            let (mut all, mut no_baseline) = (0_u64, 0_u64);
            for finding in findings {
                all = all.saturating_add(1);
                if finding.basis == crate::detect::finding::Basis::NoBaseline {
                    no_baseline = no_baseline.saturating_add(1);
                }
            }
            map.insert(
                "isthmus".into(),
                json!({
                    "packet_path": path, "hosts": engine.world().hosts.len(), "conversations": engine.world().conversations.len(),
                    "findings": all, "findings_no_baseline": no_baseline, "incidents": engine.mind.incidents.iter().count(),
                    "records_lost": engine.tallies.lost,
                }),
            );
            self.write(&Value::Object(map));
        }
        self.flush()
    }
}
