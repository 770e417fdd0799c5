//! Unusual ICS connectivity.

use super::Spec;
use super::finding::Severity;
use super::first_contact::FirstContacts;
use crate::state::World;
use crate::state::address::is_unicast;
use crate::state::connection::Connection;
use crate::state::zone::Kind;

/// Registration.
pub static SPEC: Spec = Spec {
    id: "ics_connectivity",
    title: "Unusual ICS connectivity",
    summary: "A known host of OT speaks an industrial protocol to a device it never spoke to, or gets into another host of OT by a remote shell, screen or share it never used.",
    techniques: &["T0886", "T0848"],
    severity: Severity::Medium,
    build: || Box::new(FIRST_CONTACTS),
};

const FIRST_CONTACTS: FirstContacts = FirstContacts {
    spec: &SPEC,
    concerns,
    who: |connection, world| format!("a host of zone {}", world.zone(connection.client.ip).name),
    session: Severity::Low,
};

/// A conversation that is new, by a host of OT that is not. (Strangers are `it_to_ics`, the outside is `external_ics`.)
fn concerns(connection: &Connection, world: &World) -> bool {
    let (client, server) = (connection.client.ip, connection.server.ip);
    !world.knows(connection)
        && is_unicast(server)
        && world.kind(client) == Kind::Ot
        && !world.is_new(client)
        && world.kind(server) != Kind::External
        && world.judges(client, server)
}
