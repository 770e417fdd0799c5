//! Anomalous IT to ICS connection.

use super::finding::{Basis, Severity, Stage};
use super::seen::p_new_client;
use super::{Context, Detector, Draft, Findings, Happening, Interest, Spec, remote};
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
    build: || Box::new(Model),
};

#[derive(Default)]
struct Model;

impl Detector for Model {
    fn interest(&self) -> Interest {
        Interest::COMMANDS.and(Interest::ESTABLISHED)
    }

    fn on(&mut self, happening: &Happening<'_>, context: &mut Context<'_>, findings: &mut Findings) {
        let world = &*context.world;
        match happening {
            Happening::Command(connection, ..) if concerns(connection, world) => {
                let (client, server) = (connection.client.ip, connection.server);
                let protocol = connection.protocol.map_or("", |spec| spec.title);
                let draft = Draft::new(&SPEC, connection, context.now)
                    .basis(Basis::FirstSeen)
                    .same(connection.protocol.map_or("", |spec| spec.name))
                    .stage(Stage::LateralMovement)
                    .p(p_new_client(connection, world))
                    .summary(format!(
                        "{client}, {}, speaks {protocol} to {}:{}; it never did",
                        who(connection, world),
                        server.ip,
                        server.port
                    ));
                findings.raise(draft, world);
            }
            Happening::Established(connection) => {
                let Some((way, seen)) = remote::access(connection) else { return };
                if concerns(connection, world) && world.kind(connection.server.ip) == Kind::Ot {
                    let who = who(connection, world);
                    let draft = into(&SPEC, connection, (way, seen), &who, context);
                    findings.raise(draft, world);
                }
            }
            _ => {}
        }
    }
}

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

/// A finding about a session into a host of OT.
pub(super) fn into(
    spec: &'static Spec,
    connection: &Connection,
    (way, seen): (&str, bool),
    who: &str,
    context: &Context<'_>,
) -> Draft {
    let (client, server) = (connection.client.ip, connection.server);
    let how = if seen { "" } else { " (by port only)" };
    Draft::new(spec, connection, context.now)
        .basis(Basis::FirstSeen)
        .same(format!("{} {way}", server.ip))
        .stage(Stage::LateralMovement)
        .severity(Severity::Medium)
        .p(p_new_client(connection, context.world))
        .entered()
        .summary(format!(
            "{client}, {who}, opened {way}{how} to {}:{} of OT; it never did",
            server.ip, server.port
        ))
        .fact("remote_access", way)
}
