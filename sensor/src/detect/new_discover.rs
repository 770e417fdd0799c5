//! Commands that ask devices what they are and hold, by a client that never asked this one.

use super::finding::{Basis, Severity, Stage};
use super::seen::{outcome, p_of_command};
use super::{Context, Detector, Draft, Findings, Happening, Interest, Spec};
use crate::protocol::Action;
use crate::state::address::is_unicast;

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
    fn interest(&self) -> Interest {
        Interest::NONE.commands(&[Action::Discover])
    }

    fn on(&mut self, happening: &Happening<'_>, context: &mut Context<'_>, findings: &mut Findings) {
        let Happening::Command(connection, command, side) = happening else { return };
        let world = &*context.world;
        let (client, server) = (connection.client.ip, connection.server.ip);
        let usual = world.conversation(connection).is_some_and(|c| c.usual.contains(&command.action));
        if usual || !world.judges(client, server) {
            return;
        }
        let protocol = connection.protocol.map_or("", |spec| spec.title);
        // Who is asked by broadcast is everybody: one finding, whoever answers.
        let whom = if is_unicast(server) { server.to_string() } else { "everybody".to_owned() };
        let draft = Draft::new(&SPEC, connection, context.now)
            .basis(Basis::FirstSeen)
            .same(connection.protocol.map_or("", |spec| spec.name))
            .stage(Stage::Discovery)
            .p(p_of_command(connection, command, world))
            .accepted(outcome(command, *side))
            .summary(format!("{client} asked {whom} by {protocol} {}, which it never did", command.name))
            .fact("command", command.name);
        findings.raise(draft, world);
    }
}
