//! Multiple failed internal connections.

use super::counting::count;
use super::finding::{Basis, Severity, Stage};
use super::{Context, Detector, Draft, Findings, Happening, Interest, Spec};
use crate::importance::budget::Family;
use crate::importance::counts::Prior;
use crate::state::address::is_unicast;

/// Before anything is learned: two failures an hour, worth an hour of watching. A first refused connection says nothing, a
/// hundred in a minute need no baseline.
fn prior() -> Prior {
    Prior::new(2.0, std::time::Duration::from_secs(3600))
}

/// Registration.
pub static SPEC: Spec = Spec {
    id: "internal_failures",
    title: "Multiple failed internal connections",
    summary: "A host's connections to other hosts inside are refused or unanswered more often than it is used to. Different destinations and ports count in full; trying one again and again counts little more than once.",
    techniques: &["T0846"],
    severity: Severity::Medium,
    build: || Box::new(Model),
};

#[derive(Default)]
struct Model;

impl Detector for Model {
    fn interest(&self) -> Interest {
        Interest::FAILED
    }

    fn on(&mut self, happening: &Happening<'_>, context: &mut Context<'_>, findings: &mut Findings) {
        let Happening::Failed(connection) = happening else { return };
        let (client, server, now) = (connection.client.ip, connection.server.ip, context.now);
        let world = &mut *context.world;
        if !is_unicast(server) || connection.industrial_port().is_some() || world.is_external(server) {
            return;
        }
        let judged = world.judges_numbers(client, server) || world.judges_numbers_outward(client);
        let judge = (Family::InternalFailures, prior(), judged);
        let end = (server, connection.server.port);
        let Some(count) = count(world, now, client, end, judge, |host| &mut host.failures) else { return };
        let draft =
            Draft::about(&SPEC, client, now).basis(Basis::Statistical).stage(Stage::Discovery).summary(
                format!("{} of {client}'s connections to local hosts failed {}", count.n, count.words()),
            );
        findings.raise(count.tell(draft, "failed connections"), world);
    }
}
