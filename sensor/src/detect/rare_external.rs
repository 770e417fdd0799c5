//! Many new external endpoints.

use super::finding::{Basis, Severity, Stage};
use super::{Context, Detector, Draft, Findings, Happening, Spec};
use crate::importance::counts::Prior;
use crate::state::tally::WINDOW;
use crate::state::{ConnectionState, World};

/// Before anything is learned: three new endpoints an hour, worth an hour of watching.
fn prior() -> Prior {
    Prior::new(3.0, std::time::Duration::from_secs(3600))
}

/// Registration.
pub static SPEC: Spec = Spec {
    id: "rare_external",
    title: "Many rare external destinations",
    summary: "A host reaches external endpoints that nobody here ever reached, at a rate it is not used to.",
    techniques: &["T0869"],
    severity: Severity::Low,
    build: || Box::new(Model),
};

#[derive(Default)]
struct Model;

impl Detector for Model {
    fn on(&mut self, happening: &Happening<'_>, context: &mut Context<'_>, findings: &mut Findings) {
        let Happening::Opened(connection) = happening else { return };
        let (client, server, now) = (connection.client.ip, connection.server.ip, context.now);
        let refused = connection.state == ConnectionState::Refused;
        if refused || !context.world.is_external(server) || context.world.is_external(client) {
            return;
        }
        if context.world.externals.get(&World::external_key(server, None)).is_some() {
            return;
        }
        let judged = context.world.stage(client) != crate::state::host::DeviceStage::Learning;
        let tally = &mut context.world.host(client, now).external_new;
        let n = tally.add(now, (server, connection.server.port));
        let (p, expected) = (tally.p(prior()), tally.expected(prior()));
        let (ends, total) = {
            let (ends, total) = tally.ends();
            (ends.collect::<Vec<_>>(), total)
        };
        let world = &mut *context.world;
        if !judged {
            return;
        }
        world.site.judged.record();
        if p >= world.threshold(SPEC.id) {
            return;
        }
        world.host(client, now).external_new.taint();
        let mut draft = Draft::about(&SPEC, client, now)
            .basis(Basis::Statistical)
            .stage(Stage::CommandAndControl)
            .p(p)
            .summary(format!(
                "{client} went to {n} external endpoints new to the site within {} minutes; {expected:.1} are usual",
                WINDOW.as_secs() / 60
            ))
            .measured(n as f64, expected, "new external endpoints", WINDOW);
        for (ip, port) in ends {
            draft = draft.target(ip, port);
        }
        findings.raise(draft.targets_total(total), world);
    }
}
