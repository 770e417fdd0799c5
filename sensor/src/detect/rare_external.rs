//! Many new external endpoints.

use super::counting::count;
use super::finding::{Basis, Severity, Stage};
use super::{Context, Detector, Draft, Findings, Happening, Interest, Spec};
use crate::importance::budget::Family;
use crate::importance::counts::Prior;
use crate::state::World;

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
    fn interest(&self) -> Interest {
        Interest::OPENED
    }

    fn on(&mut self, happening: &Happening<'_>, context: &mut Context<'_>, findings: &mut Findings) {
        let Happening::Opened(connection) = happening else { return };
        let (client, server, now) = (connection.client.ip, connection.server.ip, context.now);
        let world = &mut *context.world;
        if !world.is_external(server)
            || world.is_external(client)
            || world.externals.get(&World::external_key(server)).is_some()
        {
            return;
        }
        let judge = (Family::RareExternal, prior(), world.judges_numbers_outward(client));
        let end = (server, connection.server.port);
        let Some(count) = count(world, now, client, end, judge, |host| &mut host.external_new) else {
            return;
        };
        let draft = Draft::about(&SPEC, client, now)
            .basis(Basis::Statistical)
            .stage(Stage::CommandAndControl)
            .summary(format!(
                "{client} went to {} external endpoints new to the site {}",
                count.n,
                count.words()
            ));
        findings.raise(count.tell(draft, "new external endpoints"), world);
    }
}
