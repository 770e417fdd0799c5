//! One line in the making: an object whose fields are set by path.

use sensor_ebpf::flow::Transport;
use serde_json::{Map, Value};
use sha1::{Digest as _, Sha1};

use crate::output::community;
use crate::state::SiteAddr;
use crate::state::address::mac_of;
use crate::state::connection::{Connection, End, Link};
use crate::time::Time;

/// The ECS version the field names follow.
const ECS: &str = "8.17.0";

/// What `event.kind` says (ECS).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Something happened.
    Event,
    /// Somebody should look.
    Alert,
    /// Numbers.
    Metric,
    /// How something stands.
    State,
}

impl Kind {
    const fn name(self) -> &'static str {
        match self {
            Self::Event => "event",
            Self::Alert => "alert",
            Self::Metric => "metric",
            Self::State => "state",
        }
    }
}

/// An object with nested fields; its keys come out sorted, whatever the order they were set in.
pub(super) struct Line(Value);

impl Line {
    /// A line of `isthmus.DATASET` with the fields that every line has, but its id.
    pub(super) fn new(dataset: &str, kind: Kind, at: Time, observer: &str) -> Self {
        let mut line = Self(Value::Object(Map::new()));
        line.set("@timestamp", at.to_string());
        line.set("ecs.version", ECS);
        line.set("event.dataset", format!("isthmus.{dataset}"));
        line.set("event.kind", kind.name());
        line.set("observer.name", observer);
        line.set("observer.product", "Isthmus");
        line.set("observer.type", "ids");
        line
    }

    /// Sets the field at `path`, `a.b.c`; what is there already is replaced.
    pub(super) fn set(&mut self, path: &str, value: impl Into<Value>) {
        let mut at = &mut self.0;
        for key in path.split('.') {
            if !at.is_object() {
                *at = Value::Object(Map::new());
            }
            let Value::Object(map) = at else { return };
            at = map.entry(key).or_insert(Value::Null);
        }
        *at = value.into();
    }

    /// As [`Line::set`], where there is something to set.
    pub(super) fn set_some(&mut self, path: &str, value: Option<impl Into<Value>>) {
        if let Some(value) = value {
            self.set(path, value);
        }
    }

    /// A field of commands and connections: under `isthmus.`, where ECS wants it, and at the top, where short queries
    /// look for it.
    pub(super) fn set_twice(&mut self, path: &str, value: impl Into<Value>) {
        let value = value.into();
        self.set(&format!("isthmus.{path}"), value.clone());
        self.set(path, value);
    }

    /// Address and port of one end, as `source` or `destination`. Port zero is no port.
    pub(super) fn end(&mut self, which: &str, ip: SiteAddr, port: Option<u16>) {
        self.address(which, ip);
        self.set_some(&format!("{which}.port"), port.filter(|port| *port != 0));
    }

    /// An address as ECS has it, and where it is unique only there, its segment.
    fn address(&mut self, which: &str, addr: SiteAddr) {
        self.set(&format!("{which}.ip"), addr.ip.to_string());
        let segment = Some(addr.segment.name()).filter(|name| !name.is_empty());
        self.set_some(&format!("isthmus.{which}.segment"), segment);
    }

    /// One end of what passed without IP: an address made of a MAC is written as that MAC, any other is the device's.
    pub(super) fn link_end(&mut self, which: &str, ip: SiteAddr) {
        match mac_of(ip) {
            Some(address) => self.set(&format!("{which}.mac"), mac(address)),
            None => self.address(which, ip),
        }
    }

    /// What every line about a connection says of it, its ends in the order given.
    pub(super) fn connection(&mut self, connection: &Connection, source: End, destination: End) {
        // Without ports other things stand in their place (an ICMP type, a protocol's number).
        let ports = matches!(connection.transport, Transport::Tcp | Transport::Udp);
        match connection.link {
            None => {
                self.end("source", source.ip, ports.then_some(source.port));
                self.end("destination", destination.ip, ports.then_some(destination.port));
            }
            Some(Link { macs, .. }) => {
                let [client, server] = macs;
                let [from, to] =
                    if source == connection.client { [client, server] } else { [server, client] };
                for (which, mac, end) in [("source", from, source), ("destination", to, destination)] {
                    self.link_end(which, end.ip);
                    self.set(&format!("{which}.mac"), self::mac(mac));
                }
            }
        }
        self.set("network.transport", connection.transport_name());
        self.set_some("network.protocol", connection.protocol.map(|spec| spec.name));
        self.set_some("network.community_id", community::id(connection));
        // As ECS has it: the outer tag is the VLAN, a second one stands apart.
        let [outer, inner] = connection.vlans.map(|vlan| (vlan != 0).then(|| vlan.to_string()));
        self.set_some("network.vlan.id", outer);
        self.set_some("network.inner.vlan.id", inner);
    }

    /// Gives a line without `event.id` one that the same line gets again whenever the same input is read: a hash of
    /// what it says and of `ordinal`, which tells apart equal lines of one moment.
    pub(super) fn identify(&mut self, ordinal: u64) {
        if self.0.pointer("/event/id").is_some() {
            return;
        }
        let digest =
            Sha1::new().chain_update(self.0.to_string()).chain_update(ordinal.to_be_bytes()).finalize();
        let id: String = digest.iter().take(10).map(|byte| format!("{byte:02x}")).collect();
        self.set("event.id", id);
    }

    /// The finished object.
    pub(super) fn into_value(self) -> Value {
        self.0
    }
}

/// `00-11-22-33-44-55`, as ECS wants it.
pub(in crate::output) fn mac(mac: impl Into<[u8; 6]>) -> String {
    mac.into().map(|byte| format!("{byte:02X}")).join("-")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn fields_nest_by_their_path() {
        let mut line = Line(json!({}));
        line.set("a.b", 1);
        line.set("a.c.d", "x");
        line.set_some("a.e", None::<u64>);
        assert_eq!(line.into_value(), json!({ "a": { "b": 1, "c": { "d": "x" } } }));
    }

    #[test]
    fn the_same_line_has_the_same_id_and_its_twin_another() {
        let id = |ordinal| {
            let mut line = Line::new("command", Kind::Event, Time(1), "gw");
            line.identify(ordinal);
            line.into_value().pointer("/event/id").cloned().unwrap()
        };
        assert_eq!(id(0), id(0));
        assert_ne!(id(0), id(1));
    }

    #[test]
    fn an_id_that_was_given_is_kept() {
        let mut line = Line::new("finding", Kind::Alert, Time(1), "gw");
        line.set("event.id", "finding-1");
        line.identify(0);
        assert_eq!(line.into_value().pointer("/event/id"), Some(&json!("finding-1")));
    }
}
