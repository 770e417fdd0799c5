//! Multiple failed internal connections.

use super::Spec;
use super::counting::{Failures, judged_inside, prior_inside};
use super::finding::{Severity, Stage};
use crate::importance::budget::Family;
use crate::state::address::is_unicast;

/// Registration.
pub static SPEC: Spec = Spec {
    id: "internal_failures",
    title: "Multiple failed internal connections",
    summary: "A host's connections to other hosts inside are refused or unanswered more often than it is used to. Different destinations and ports count in full; trying one again and again counts little more than once. A TCP segment with neither SYN nor ACK, which no stack sends, is told when it is refused: somebody looks for open ports.",
    techniques: &["T0846"],
    severity: Severity::Medium,
    build: || Box::new(FAILURES),
};

const FAILURES: Failures = Failures {
    spec: &SPEC,
    concerns: |connection, world| {
        let server = connection.server.ip;
        connection.industrial_port().is_none() && is_unicast(server) && !world.is_external(server)
    },
    judged: judged_inside,
    family: Family::InternalFailures,
    prior: prior_inside,
    tally: |host| &mut host.failures,
    to: "local hosts",
    stage: Stage::Discovery,
};
