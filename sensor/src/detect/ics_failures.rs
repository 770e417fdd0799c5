//! Multiple failed connections to ICS devices.

use super::counting::{Failures, prior_inside};
use super::finding::{Severity, Stage};
use super::{Context, Detector, Findings, Happening, Interest, Spec};
use crate::importance::budget::Family;
use crate::state::address::is_unicast;

/// Registration.
pub static SPEC: Spec = Spec {
    id: "ics_failures",
    title: "Multiple failed connections to ICS devices",
    summary: "A host's connections to industrial services are refused or unanswered more often than it is used to. Different destinations count in full; trying one again and again counts little more than once.",
    techniques: &["T0846"],
    severity: Severity::Medium,
    build: || Box::new(Model),
};

const FAILURES: Failures = Failures {
    spec: &SPEC,
    family: Family::IcsFailures,
    prior: prior_inside,
    tally: |host| &mut host.ics_failures,
    to: "industrial services",
    stage: Stage::Discovery,
};

#[derive(Default)]
struct Model;

impl Detector for Model {
    fn interest(&self) -> Interest {
        Interest::FAILED
    }

    fn on(&mut self, happening: &Happening<'_>, context: &mut Context<'_>, findings: &mut Findings) {
        let Happening::Failed(connection) = happening else { return };
        let (client, server) = (connection.client.ip, connection.server.ip);
        let world = &*context.world;
        if !is_unicast(server) || connection.industrial_port().is_none() || world.is_external(server) {
            return;
        }
        let judged = world.judges_numbers(client, server) || world.judges_numbers_outward(client);
        FAILURES.failed(connection, judged, context, findings);
    }
}
