//! What is known: devices and conversations.

use serde_json::{Map, Value, json};

use super::line::{Kind, Line, mac};
use crate::config::Crossing;
use crate::output::convergence::{self, Row};
use crate::protocol::AssetField;
use crate::state::conversation::{Conversation, Ends};
use crate::state::host::{Address, Fact};
use crate::state::oui;
use crate::state::{Host, World};
use crate::state::{SiteAddr, SiteMac};

/// A device as one object.
pub fn host(ip: SiteAddr, host: &Host, world: &World, observer: &str) -> Value {
    let mut line = Line::new("asset", Kind::State, host.last, observer);
    line.set("event.id", format!("host-{ip}"));
    line.set("host.ip", ip.ip.to_string());
    line.set_some("isthmus.segment", Some(ip.segment.name()).filter(|name| !name.is_empty()));
    line.set_some("host.mac", host.mac.map(mac));
    line.set_some("isthmus.mac_maker", host.mac.and_then(oui::maker));
    let (role, why) = world.role(ip);
    let object =
        |fact: &Fact| json!({ "value": fact.value, "source": fact.source, "at": fact.at.to_string() });
    let facts: Map<String, Value> = host
        .facts
        .iter()
        .filter_map(|(field, facts)| {
            let best = host.fact(*field)?;
            let mut fact = object(best);
            let others: Vec<Value> = facts.iter().filter(|other| *other != best).map(object).collect();
            if !others.is_empty() {
                fact["others"] = others.into();
            }
            Some((field_name(*field).to_owned(), fact))
        })
        .collect();
    line.set("isthmus.facts", facts);
    line.set("isthmus.first_seen", host.first.to_string());
    if let Some(asset) = world.asset(ip) {
        line.set("host.name", asset.name.as_str());
        line.set("isthmus.asset.name", asset.name.as_str());
        line.set("isthmus.asset.criticality", asset.criticality.name());
        line.set_some("isthmus.asset.contact", asset.contact.as_deref());
    }
    line.set("isthmus.role", role);
    line.set("isthmus.role_reason", why);
    line.set_some("isthmus.via", host.via.map(mac));
    line.set("isthmus.zone", world.zone(ip).name);
    line.set("isthmus.zone_reason", world.zone_reason(ip));
    let macs: Vec<Value> = host
        .macs
        .iter()
        .map(|(of, first, last)| json!({ "mac": mac(*of), "first": first.to_string(), "last": last.to_string() }))
        .collect();
    line.set("isthmus.macs", macs);
    let address = |of: &Address| json!({ "ip": of.ip.ip, "first": of.first.to_string(), "last": of.last.to_string(), "gone": of.gone });
    line.set("isthmus.addresses", host.addresses.iter().map(address).collect::<Vec<_>>());
    let behind: Vec<Value> = world
        .stations
        .behind(ip)
        .map(|(station, facts)| {
            let facts: Map<String, Value> =
                facts.iter().map(|(field, fact)| (field_name(*field).to_owned(), object(fact))).collect();
            json!({ "station": station, "facts": facts })
        })
        .collect();
    if !behind.is_empty() {
        line.set("isthmus.behind", behind);
    }
    line.set("isthmus.device_stage", world.stage(ip).name());
    line.into_value()
}

/// So many addresses are forged by one device: one object for all of them.
pub fn forged(sender: SiteAddr, of: SiteMac, n: u64, world: &World, observer: &str) -> Value {
    let mut line = Line::new("asset", Kind::State, world.site.last, observer);
    line.set("event.id", format!("forged-{}", mac(of)));
    line.end("source", sender, None);
    line.set("source.mac", mac(of));
    line.set("isthmus.forged_addresses", n);
    line.into_value()
}

/// A conversation as one object.
pub fn conversation(key: &Ends, conversation: &Conversation, observer: &str) -> Value {
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

/// A conversation between two zones as one object.
pub fn crossing(row: &Row<'_>, world: &World, observer: &str) -> Value {
    let of = row.conversation;
    let mut line = Line::new("convergence", Kind::State, of.last, observer);
    let (key, [up, down]) = (row.key, of.bytes);
    line.set("event.id", format!("convergence-{}-{}-{}-{}", key.client, key.server, key.transport, key.port));
    line.set("event.start", of.first.to_string());
    line.set("event.end", of.last.to_string());
    line.end("source", key.client, None);
    line.end("destination", key.server, Some(key.port));
    line.set("network.transport", convergence::transport(key.transport));
    line.set_some("network.protocol", of.protocol.as_deref());
    line.set("isthmus.source.zone", row.from.name.as_str());
    line.set("isthmus.destination.zone", row.to.name.as_str());
    line.set_some("isthmus.source.asset", world.asset(key.client).map(|asset| asset.name.as_str()));
    line.set_some("isthmus.destination.asset", world.asset(key.server).map(|asset| asset.name.as_str()));
    line.set("isthmus.client_bytes", up);
    line.set("isthmus.server_bytes", down);
    line.set("isthmus.connections", of.connections);
    line.set("isthmus.failures", of.failures);
    line.set("isthmus.first_seen", of.first.to_string());
    line.set("isthmus.usual", of.taught);
    let (verdict, number) = match row.crossing {
        Crossing::Free => ("unconstrained", None),
        Crossing::Allowed(number) => ("allowed", Some(number)),
        Crossing::Violation => ("violation", None),
    };
    line.set("isthmus.conduit.verdict", verdict);
    line.set_some("isthmus.conduit.number", number);
    line.into_value()
}

/// The word for what a device states about itself.
pub(in crate::output) const fn field_name(field: AssetField) -> &'static str {
    match field {
        AssetField::Vendor => "vendor",
        AssetField::Model => "model",
        AssetField::Firmware => "firmware",
        AssetField::Serial => "serial",
        AssetField::Name => "name",
        AssetField::Address => "address",
        AssetField::Id => "id",
        AssetField::Role => "role",
        AssetField::Station => "station",
        AssetField::System => "system",
        AssetField::Software => "software",
        AssetField::Protocol => "protocol",
    }
}
