//! Multiple failed connections to ICS devices.

use super::finding::{Basis, Severity, Stage};
use super::{Context, Detector, Draft, Findings, Happening, Spec};
use crate::importance::counts::Prior;
use crate::state::address::is_unicast;
use crate::state::host::DeviceStage;
use crate::state::tally::WINDOW;

/// Before anything is learned: two failures an hour, worth an hour of watching. A first refused connection says nothing, a
/// hundred in a minute need no baseline.
fn prior() -> Prior {
    Prior::new(2.0, std::time::Duration::from_secs(3600))
}

/// Registration.
pub static SPEC: Spec = Spec {
    id: "ics_failures",
    title: "Multiple failed connections to ICS devices",
    summary: "A host's connections to industrial services are refused or unanswered more often than it is used to.",
    techniques: &["T0846"],
    severity: Severity::Medium,
    build: || Box::new(Model),
};

#[derive(Default)]
struct Model;

impl Detector for Model {
    fn on(&mut self, happening: &Happening<'_>, context: &mut Context<'_>, findings: &mut Findings) {
        let Happening::Failed(connection) = happening else { return };
        let (client, server, now) = (connection.client.ip, connection.server.ip, context.now);
        if !is_unicast(server) || connection.industrial_port().is_none() || context.world.is_external(server)
        {
            return;
        }
        let learning =
            context.world.stage(client) == DeviceStage::Learning && !context.world.judges(client, server);
        let tally = &mut context.world.host(client, now).ics_failures;
        let n = tally.add(now, (server, connection.server.port));
        if learning {
            return;
        }
        let (p, expected) = (tally.p(prior()), tally.expected(prior()));
        let (ends, total) = {
            let (ends, total) = tally.ends();
            (ends.collect::<Vec<_>>(), total)
        };
        let world = &mut *context.world;
        world.site.judged.record();
        if p >= world.threshold(SPEC.id) {
            return;
        }
        world.host(client, now).ics_failures.taint();
        let mut draft = Draft::about(&SPEC, client, now)
            .basis(Basis::Statistical)
            .stage(Stage::Discovery)
            .p(p)
            .summary(format!("{n} of {client}'s connections to industrial services failed within {} minutes, to {total} destinations; {expected:.1} are usual", WINDOW.as_secs() / 60))
            .measured(n as f64, expected, "failed connections", WINDOW);
        for (ip, port) in ends {
            draft = draft.target(ip, port);
        }
        findings.raise(draft.targets_total(total), world);
    }
}
