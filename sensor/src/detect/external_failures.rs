//! Connections to the outside that fail.

use super::finding::{Basis, Severity, Stage};
use super::{Context, Detector, Draft, Findings, Happening, Spec};
use crate::importance::counts::Prior;
use crate::state::tally::WINDOW;

/// Before anything is learned: the Internet fails often, four times an hour, worth an hour of watching.
fn prior() -> Prior {
    Prior::new(4.0, std::time::Duration::from_secs(3600))
}

/// Registration.
pub static SPEC: Spec = Spec {
    id: "external_failures",
    title: "Failed external connections",
    summary: "Connections to external hosts are refused or unanswered more often than this host is used to; one to an industrial port is enough. A failed connection to port 502 is Modbus by port only: nobody saw Modbus.",
    techniques: &["T0885"],
    severity: Severity::Medium,
    build: || Box::new(Model),
};

#[derive(Default)]
struct Model;

impl Detector for Model {
    fn on(&mut self, happening: &Happening<'_>, context: &mut Context<'_>, findings: &mut Findings) {
        let Happening::Failed(connection) = happening else { return };
        let (client, server, now) = (connection.client.ip, connection.server.ip, context.now);
        if !context.world.is_external(server) || context.world.is_external(client) {
            return;
        }
        let judged = context.world.stage(client) != crate::state::host::DeviceStage::Learning
            || context.world.is_settled();
        let tally = &mut context.world.host(client, now).external_failures;
        let n = tally.add(now, (server, connection.server.port));
        if !judged {
            return;
        }
        let (p, expected) = (tally.p(prior()), tally.expected(prior()));
        let (ends, total) = {
            let (ends, total) = tally.ends();
            (ends.collect::<Vec<_>>(), total)
        };
        let world = &mut *context.world;
        let how = connection.state.name();
        if let Some(spec) = connection.industrial_port() {
            let draft = Draft::new(&SPEC, connection, now)
                .basis(Basis::FirstSeen)
                .stage(Stage::CommandAndControl)
                .same(format!("port {}", connection.server.port))
                .summary(format!(
                    "{client} tried external {server}:{} ({} by port only): {how}",
                    connection.server.port, spec.title
                ))
                .fact("failed", format!("{server}:{} {how}", connection.server.port));
            findings.raise(draft, world);
        }
        world.site.judged.record();
        if p >= world.threshold(SPEC.id) {
            return;
        }
        world.host(client, now).external_failures.taint();
        let mut draft = Draft::about(&SPEC, client, now)
            .basis(Basis::Statistical)
            .stage(Stage::CommandAndControl)
            .p(p)
            .summary(format!(
                "{n} of {client}'s connections to the outside failed within {} minutes, to {total} destinations; {expected:.1} are usual",
                WINDOW.as_secs() / 60
            ))
            .measured(n as f64, expected, "failed connections", WINDOW);
        for (ip, port) in ends {
            draft = draft.target(ip, port);
        }
        findings.raise(draft.targets_total(total), world);
    }
}
