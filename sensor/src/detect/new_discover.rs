//! Commands that ask devices what they are and hold, by a client that never asked this one.

use super::finding::{Basis, Severity, Stage};
use super::seen::p_new_client;
use super::{Context, Detector, Draft, Findings, Happening, Spec};
use crate::protocol::{Action, Direction, Status};

/// Registration.
pub static SPEC: Spec = Spec {
    id: "new_discover",
    title: "Multiple new discover commands",
    summary: "Commands that ask devices what they are and hold, by a client that never asked this one.",
    techniques: &["T0888", "T0861"],
    severity: Severity::Medium,
    build: || Box::new(Model),
};

#[derive(Default)]
struct Model;

impl Detector for Model {
    fn on(&mut self, happening: &Happening<'_>, context: &mut Context<'_>, findings: &mut Findings) {
        let Happening::Command(connection, command, _) = happening else { return };
        if command.action != Action::Discover {
            return;
        }
        let world = &*context.world;
        let (client, server) = (connection.client.ip, connection.server.ip);
        let usual = world.conversation(connection).is_some_and(|c| c.usual.contains(&command.action));
        if usual || !world.judges(client, server) {
            return;
        }
        let accepted = match (&command.status, command.direction) {
            (Status::Ok, Direction::Response) => Some(true),
            (Status::Refused(..), Direction::Response) => Some(false),
            _ => None,
        };
        let protocol = connection.protocol.map_or("", |spec| spec.title);
        let draft = Draft::new(&SPEC, connection, context.now)
            .basis(Basis::FirstSeen)
            .same(connection.protocol.map_or("", |spec| spec.name))
            .stage(Stage::Discovery)
            .p(p_new_client(connection, world))
            .accepted(accepted)
            .summary(format!("{client} asked {server} by {protocol} {}, which it never did", command.name))
            .fact("command", command.name);
        findings.raise(draft, world);
    }
}
