//! Commands that ask devices what they are and hold, by a client that never asked this one.

use super::finding::{Severity, Stage};
use super::seen::first_command;
use super::{Context, Detector, Findings, Happening, Interest, Spec};
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
        let Some(draft) = first_command(&SPEC, (connection, command, *side), context) else { return };
        let (client, server) = (connection.client.ip, connection.server.ip);
        let protocol = connection.protocol.map_or("", |spec| spec.title);
        // Who is asked by broadcast is everybody: one finding, whoever answers.
        let whom = if is_unicast(server) { server.to_string() } else { "everybody".to_owned() };
        let draft = draft
            .stage(Stage::Discovery)
            .summary(format!("{client} asked {whom} by {protocol} {}, which it never did", command.name));
        findings.raise(draft, context.world);
    }
}
