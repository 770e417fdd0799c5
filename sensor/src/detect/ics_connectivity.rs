//! Unusual ICS connectivity.

use super::finding::{Basis, Severity, Stage};
use super::seen::p_new_client;
use super::{Context, Detector, Draft, Findings, Happening, Spec};
use crate::state::zone::Kind;

/// Registration.
pub static SPEC: Spec = Spec {
    id: "ics_connectivity",
    title: "Unusual ICS connectivity",
    summary: "Two hosts of OT speak an industrial protocol to each other that never did.",
    techniques: &["T0886", "T0848"],
    severity: Severity::Medium,
    build: || Box::new(Model),
};

#[derive(Default)]
struct Model;

impl Detector for Model {
    fn on(&mut self, happening: &Happening<'_>, context: &mut Context<'_>, findings: &mut Findings) {
        let Happening::Command(connection, ..) = happening else { return };
        let world = &*context.world;
        let (client, server) = (connection.client.ip, connection.server.ip);
        let (zone, from, to) = {
            let zone = world.zone(client);
            let kind = zone.kind;
            (zone, kind, world.zone(server).kind)
        };
        if from != Kind::Ot || to != Kind::Ot || world.knows(connection) || !world.judges(client, server) {
            return;
        }
        let protocol = connection.protocol.map_or("", |spec| spec.title);
        let who = format!("a host of zone {}", zone.name);
        let draft = Draft::new(&SPEC, connection, context.now)
            .basis(Basis::FirstSeen)
            .same(connection.protocol.map_or("", |spec| spec.name))
            .stage(Stage::LateralMovement)
            .p(p_new_client(connection, world))
            .summary(format!(
                "{client}, {who}, speaks {protocol} to {server}:{}; it never did",
                connection.server.port
            ));
        findings.raise(draft, world);
    }
}
