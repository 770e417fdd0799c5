//! Connections to the outside that fail.

use super::counting::Failures;
use super::finding::{Basis, Severity, Stage};
use super::{Context, Detector, Draft, Findings, Happening, Interest, Spec};
use crate::importance::budget::Family;
use crate::importance::counts::Prior;

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
    build: || Box::new(Model(FAILURES)),
};

const FAILURES: Failures = Failures {
    spec: &SPEC,
    concerns: |connection, world| world.is_outward(connection),
    judged: |connection, world| world.judges_numbers_outward(connection.client.ip),
    family: Family::ExternalFailures,
    prior,
    tally: |host| &mut host.external_failures,
    to: "the outside",
    stage: Stage::CommandAndControl,
};

/// Counts all of them, and tells one to an industrial port at once.
struct Model(Failures);

impl Detector for Model {
    fn interest(&self) -> Interest {
        Interest::FAILED
    }

    fn on(&mut self, happening: &Happening<'_>, context: &mut Context<'_>, findings: &mut Findings) {
        let Happening::Failed(connection) = happening else { return };
        let (client, server, now) = (connection.client.ip, connection.server.ip, context.now);
        let world = &*context.world;
        if !world.is_outward(connection) {
            return;
        }
        if let Some(spec) = connection.industrial_port().filter(|_| world.judges_outward(client)) {
            let how = connection.state.name();
            let draft = Draft::new(&SPEC, connection, now)
                .basis(Basis::FirstSeen)
                .stage(Stage::CommandAndControl)
                .same(format!("port {}", connection.service_port()))
                .summary(format!(
                    "{client} tried external {server}:{} ({} by port only): {how}",
                    connection.service_port(),
                    spec.title
                ))
                .fact("failed", format!("{server}:{} {how}", connection.service_port()));
            findings.raise(draft, world);
        }
        self.0.on(happening, context, findings);
    }
}
