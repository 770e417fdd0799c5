//! Writes and changes of configuration by a client that never did that to this device.

use super::finding::{Severity, Stage};
use super::seen::{first_command, outcome};
use super::{Context, Detector, Findings, Happening, Interest, Spec};
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
        let Some(draft) = first_command(&SPEC, (connection, command, *side), context) else { return };
        let (client, server) = (connection.client.ip, connection.server.ip);
        let protocol = connection.protocol.map_or("", |spec| spec.title);
        let draft = draft.stage(Stage::Impact).summary(format!(
            "{client} changed values of {server} by {protocol} {}, which it never did",
            command.name
        ));
        let refused = outcome(command, *side) == Some(false);
        let draft = if refused { draft.severity(Severity::Medium) } else { draft };
        findings.raise(draft, context.world);
    }
}
