//! A controller's program or firmware is changed.

use std::time::Duration;

use super::finding::{Severity, Stage};
use super::{Context, Detector, Draft, Findings, Happening, Spec};
use crate::protocol::{Action, Direction, Status};

/// Stop and start within this time belong to the download.
const AROUND: Duration = Duration::from_secs(600);

/// Registration.
pub static SPEC: Spec = Spec {
    id: "reprogram",
    title: "Uncommon ICS reprogram",
    summary: "Program blocks, logic or firmware are written to a controller, activated or deleted. Always raised. The stop and start around a download are part of it.",
    techniques: &["T0843", "T0889", "T0845"],
    severity: Severity::Critical,
    build: || Box::new(Model),
};

#[derive(Default)]
struct Model;

impl Detector for Model {
    fn on(&mut self, happening: &Happening<'_>, context: &mut Context<'_>, findings: &mut Findings) {
        let Happening::Command(connection, command, _) = happening else { return };
        if command.action != Action::Program {
            return;
        }
        let world = &*context.world;
        let (client, server) = (connection.client.ip, connection.server.ip);
        let accepted = match (&command.status, command.direction) {
            (Status::Ok, Direction::Response) => Some(true),
            (Status::Refused(..), Direction::Response) => Some(false),
            _ => None,
        };
        let what = match &command.object {
            Some(object) => format!("{} {object}", command.name),
            None => command.name.to_owned(),
        };
        let draft = Draft::new(&SPEC, connection, context.now)
            .stage(Stage::Impact)
            .accepted(accepted)
            .summary(format!("{client} changed the program of controller {server}: {what}"))
            .fact("command", what);
        let number = findings.raise(draft, world);
        let since = crate::time::Time(context.now.0.saturating_sub(AROUND.as_nanos() as u64));
        findings.absorb(client, &["controller_state"], number, since);
    }
}
