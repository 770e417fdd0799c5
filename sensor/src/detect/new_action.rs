//! Writes and changes of configuration by a client that never did that to this device.

use super::finding::{Basis, Severity, Stage};
use super::seen::{outcome, p_of_command};
use super::{Context, Detector, Draft, Findings, Happening, Interest, Spec};
use crate::protocol::Action;

/// Registration.
pub static SPEC: Spec = Spec {
    id: "new_action",
    title: "Multiple new action commands",
    summary: "Writes and changes of configuration by a client that never did that to this device. One the device refused weighs less than one it accepted.",
    techniques: &["T0855", "T0836"],
    severity: Severity::High,
    build: || Box::new(Model),
};

#[derive(Default)]
struct Model;

impl Detector for Model {
    fn interest(&self) -> Interest {
        Interest::NONE.commands(&[Action::Write, Action::Configure])
    }

    fn on(&mut self, happening: &Happening<'_>, context: &mut Context<'_>, findings: &mut Findings) {
        let Happening::Command(connection, command, side) = happening else { return };
        let world = &*context.world;
        let (client, server) = (connection.client.ip, connection.server.ip);
        let usual = world.conversation(connection).is_some_and(|c| c.usual.contains(&command.action));
        if usual || !world.judges(client, server) {
            return;
        }
        let accepted = outcome(command, *side);
        let protocol = connection.protocol.map_or("", |spec| spec.title);
        let draft = Draft::new(&SPEC, connection, context.now)
            .basis(Basis::FirstSeen)
            .same(connection.protocol.map_or("", |spec| spec.name))
            .stage(Stage::Impact)
            .p(p_of_command(connection, command, world))
            .accepted(accepted)
            .summary(format!(
                "{client} changed values of {server} by {protocol} {}, which it never did",
                command.name
            ))
            .fact("command", command.name);
        let draft = if accepted == Some(false) { draft.severity(Severity::Medium) } else { draft };
        findings.raise(draft, world);
    }
}
