//! A controller's program or firmware is changed, or read out.

use std::time::Duration;

use hashlink::LruCache;

use super::finding::{Basis, Severity, Stage};
use super::seen::outcome;
use super::{Context, Detector, Draft, Findings, Happening, Interest, Spec};
use crate::protocol::Action;
use crate::state::SiteAddr;
use crate::time::Time;

/// Stop and start within this time belong to the download.
const AROUND: Duration = Duration::from_secs(600);
const MAX_DOWNLOADS: usize = 4096;

/// Registration.
pub static SPEC: Spec = Spec {
    id: "reprogram",
    title: "Uncommon ICS reprogram",
    summary: "Program blocks, logic or firmware are written to a controller, activated or deleted. Always raised; refused weighs less. The stop and start around a download are part of it. Reading a program out, as backups do, is low, and raised only by who never did it.",
    techniques: &["T0843", "T0889", "T0845"],
    severity: Severity::Critical,
    build: || Box::new(Model { downloads: LruCache::new(MAX_DOWNLOADS) }),
};

struct Model {
    /// The latest download of a client to a controller, and its finding.
    downloads: LruCache<(SiteAddr, SiteAddr), (Time, u64)>,
}

impl Detector for Model {
    fn interest(&self) -> Interest {
        Interest::NONE.commands(&[Action::Program, Action::ReadProgram, Action::Control])
    }

    fn on(&mut self, happening: &Happening<'_>, context: &mut Context<'_>, findings: &mut Findings) {
        let Happening::Command(connection, command, side) = happening else { return };
        let (world, now) = (&*context.world, context.now);
        let (client, server) = (connection.client.ip, connection.server.ip);
        let pair = (client, server);
        let since = now.before(AROUND);
        let part_of = |findings: &mut Findings, number| {
            findings.absorb_at(client, &["controller_state"], number, since, server);
        };
        if command.action == Action::Control {
            // The start behind a download.
            if let Some((at, number)) = self.downloads.peek(&pair).filter(|(at, _)| now.since(*at) < AROUND) {
                let _ = at;
                part_of(findings, *number);
            }
            return;
        }
        let what = match &command.object {
            Some(object) => format!("{} {object}", command.name),
            None => command.name.to_owned(),
        };
        let accepted = outcome(command, *side);
        let draft = Draft::new(&SPEC, connection, now).accepted(accepted).fact("command", what.clone());
        if command.action == Action::ReadProgram {
            let usual = world.conversation(connection).is_some_and(|c| c.usual.contains(&command.action));
            if !usual && world.judges(client, server) {
                let draft = draft
                    .same(format!("{server} read"))
                    .basis(Basis::FirstSeen)
                    .stage(Stage::Collection)
                    .severity(Severity::Low)
                    .techniques(&["T0845"])
                    .summary(format!(
                        "{client} read the program of controller {server}, which it never did: {what}"
                    ));
                findings.raise(draft, world);
            }
            return;
        }
        let draft = draft
            .same(format!("{server} write"))
            .stage(Stage::Impact)
            .techniques(&["T0843", "T0889"])
            .summary(format!("{client} changed the program of controller {server}: {what}"));
        let draft = if accepted == Some(false) { draft.severity(Severity::High) } else { draft };
        let number = findings.raise(draft, world);
        self.downloads.insert(pair, (now, number));
        part_of(findings, number);
    }
}
