//! Unusual ICS connectivity.

use super::finding::{Basis, Severity, Stage};
use super::it_to_ics::into;
use super::seen::p_new_client;
use super::{Context, Detector, Draft, Findings, Happening, Interest, Spec, remote};
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
                        "{client}, a host of zone {}, speaks {protocol} to {}:{}; it never did",
                        world.zone(client).name,
                        server.ip,
                        server.port
                    ));
                findings.raise(draft, world);
            }
            Happening::Established(connection) => {
                let Some(way) = remote::access(connection) else { return };
                if concerns(connection, world) && world.kind(connection.server.ip) == Kind::Ot {
                    let who = format!("a host of zone {}", world.zone(connection.client.ip).name);
                    let draft = into(&SPEC, connection, way, &who, context).severity(Severity::Low);
                    findings.raise(draft, world);
                }
            }
            _ => {}
        }
    }
}

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
