//! What is known: devices and conversations.

use std::net::IpAddr;

use serde_json::{Map, Value, json};

use super::line::{Kind, Line, mac};
use crate::protocol::AssetField;
use crate::state::conversation::{self, Conversation};
use crate::state::{Host, World};

/// A device as one object.
pub fn host(ip: IpAddr, host: &Host, world: &World, observer: &str) -> Value {
    let mut line = Line::new("asset", Kind::State, host.last, observer);
    line.set("event.id", format!("host-{ip}"));
    line.set("host.ip", ip.to_string());
    line.set_some("host.mac", host.mac.map(mac));
    let (role, why) = host.role();
    let facts: Map<String, Value> = host
        .facts
        .iter()
        .map(|(field, fact)| {
            let fact = json!({ "value": fact.value, "source": fact.source, "at": fact.at.to_string() });
            (field_name(*field).to_owned(), fact)
        })
        .collect();
    line.set("isthmus.facts", facts);
    line.set("isthmus.first_seen", host.first.to_string());
    line.set("isthmus.role", role);
    line.set("isthmus.role_reason", why);
    line.set_some("isthmus.via", host.via.map(mac));
    line.set("isthmus.zone", world.zone(ip).name);
    line.set("isthmus.device_stage", world.stage(ip).name());
    line.into_value()
}

/// A conversation as one object.
pub fn conversation(key: &conversation::Key, conversation: &Conversation, observer: &str) -> Value {
    let mut line = Line::new("conversation", Kind::State, conversation.last, observer);
    line.set(
        "event.id",
        format!("conversation-{}-{}-{}-{}", key.client, key.server, key.transport, key.port),
    );
    line.end("source", key.client, None);
    line.end("destination", key.server, Some(key.port));
    line.set_some("network.protocol", conversation.protocol.as_deref());
    let actions: Map<String, Value> =
        conversation.actions.iter().map(|(action, n)| (action.name().to_owned(), (*n).into())).collect();
    let [up, down] = conversation.bytes;
    line.set("isthmus.actions", actions);
    line.set("isthmus.client_bytes", up);
    line.set("isthmus.server_bytes", down);
    line.set("isthmus.connections", conversation.connections);
    line.set("isthmus.failures", conversation.failures);
    line.set("isthmus.first_seen", conversation.first.to_string());
    line.set("isthmus.usual", conversation.taught);
    line.into_value()
}

/// The word for what a device states about itself.
pub(super) const fn field_name(field: AssetField) -> &'static str {
    match field {
        AssetField::Vendor => "vendor",
        AssetField::Model => "model",
        AssetField::Firmware => "firmware",
        AssetField::Serial => "serial",
        AssetField::Name => "name",
    }
}
