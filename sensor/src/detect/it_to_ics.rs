//! Anomalous IT to ICS connection.

use super::Spec;
use super::finding::Severity;
use super::first_contact::FirstContacts;
use crate::state::World;
use crate::state::address::is_unicast;
use crate::state::connection::Connection;
use crate::state::zone::Kind;

/// Registration.
pub static SPEC: Spec = Spec {
    id: "it_to_ics",
    title: "Anomalous IT to ICS connection",
    summary: "A host outside the OT zones, or one nobody knows, speaks an industrial protocol to a device of the plant (raised on content, not on a port), or gets into a host of OT by a remote shell, screen or share it never used.",
    techniques: &["T0886"],
    severity: Severity::High,
    build: || Box::new(FIRST_CONTACTS),
};

const FIRST_CONTACTS: FirstContacts = FirstContacts { spec: &SPEC, concerns, who, session: Severity::Medium };

/// A conversation that is new, by somebody who does not belong to OT.
fn concerns(connection: &Connection, world: &World) -> bool {
    let (client, server) = (connection.client.ip, connection.server.ip);
    !world.knows(connection)
        && (world.kind(client) == Kind::It || (world.kind(client) == Kind::Ot && world.is_new(client)))
        && world.kind(server) != Kind::External
        && (is_unicast(server) || world.kind(client) == Kind::It)
        && world.judges(client, server)
}

fn who(connection: &Connection, world: &World) -> String {
    let zone = world.zone(connection.client.ip).name;
    if world.is_new(connection.client.ip) {
        format!("a new device in zone {zone}")
    } else {
        format!("a host of zone {zone}")
    }
}
