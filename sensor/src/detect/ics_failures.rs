//! Multiple failed connections to ICS devices.

use super::Spec;
use super::counting::{Failures, judged_inside, prior_inside};
use super::finding::{Severity, Stage};
use crate::importance::budget::Family;
use crate::state::address::is_unicast;

/// Registration.
pub static SPEC: Spec = Spec {
    id: "ics_failures",
    title: "Multiple failed connections to ICS devices",
    summary: "A host's connections to industrial services are refused or unanswered more often than it is used to. Different destinations count in full; trying one again and again counts little more than once.",
    techniques: &["T0846"],
    severity: Severity::Medium,
    build: || Box::new(FAILURES),
};

const FAILURES: Failures = Failures {
    spec: &SPEC,
    concerns: |connection, world| {
        let server = connection.server.ip;
        connection.industrial_port().is_some() && is_unicast(server) && !world.is_external(server)
    },
    judged: judged_inside,
    family: Family::IcsFailures,
    prior: prior_inside,
    tally: |host| &mut host.ics_failures,
    to: "industrial services",
    stage: Stage::Discovery,
};
