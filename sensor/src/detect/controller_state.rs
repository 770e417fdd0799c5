//! A controller is stopped, started or restarted.

use super::finding::{Severity, Stage};
use super::seen::outcome;
use super::{Context, Detector, Draft, Findings, Happening, Interest, Spec};
use crate::protocol::{Action, Direction, Side};

/// Registration.
pub static SPEC: Spec = Spec {
    id: "controller_state",
    title: "Controller stopped or restarted",
    summary: "Somebody told a controller to stop, start, restart or reset. Always raised, whoever it is; a refused command weighs less than an accepted one.",
    techniques: &["T0858", "T0816"],
    severity: Severity::Critical,
    build: || Box::new(Model),
};

#[derive(Default)]
struct Model;

impl Detector for Model {
    fn interest(&self) -> Interest {
        Interest::NONE.commands(&[Action::Control])
    }

    fn on(&mut self, happening: &Happening<'_>, context: &mut Context<'_>, findings: &mut Findings) {
        let Happening::Command(connection, command, side) = happening else { return };
        let world = &*context.world;
        let (client, server) = (connection.client.ip, connection.server.ip);
        let accepted = outcome(command, *side);
        let told = match (accepted, command.direction, side) {
            (Some(true), ..) => "accepted",
            (Some(false), ..) => "refused",
            (None, Direction::Request, Side::Client) => "sent",
            (None, Direction::Notification, _) => "sent unasked",
            _ => return,
        };
        let what = match &command.object {
            Some(object) => format!("{} ({object})", command.name),
            None => command.name.to_owned(),
        };
        let draft = Draft::new(&SPEC, connection, context.now)
            .stage(Stage::Impact)
            .accepted(accepted)
            .summary(format!("{client} sent {what} to controller {server}"))
            .fact("command", format!("{what}: {told}"));
        let draft = if accepted == Some(false) { draft.severity(Severity::High) } else { draft };
        findings.raise(draft, world);
    }
}
