//! Industrial content from a host that never spoke any.

use super::finding::{Basis, Severity, Stage};
use super::{Context, Detector, Draft, Findings, Happening, Interest, Spec};

/// Registration.
pub static SPEC: Spec = Spec {
    id: "possible_ics",
    title: "Possible ICS protocol",
    summary: "A host that never did speaks industrial content, also on ports where it is not expected.",
    techniques: &["T0885"],
    severity: Severity::Medium,
    build: || Box::new(Model),
};

#[derive(Default)]
struct Model;

impl Detector for Model {
    fn interest(&self) -> Interest {
        Interest::IDENTIFIED
    }

    fn on(&mut self, happening: &Happening<'_>, context: &mut Context<'_>, findings: &mut Findings) {
        let Happening::Identified(connection) = happening else { return };
        let Some(protocol) = connection.protocol.filter(|spec| spec.industrial) else { return };
        let world = &*context.world;
        let (client, server) = (connection.client.ip, connection.server.ip);
        let drove = world
            .hosts
            .get(&client)
            .is_some_and(|host| host.speaks_ot || host.drives.contains_key(protocol.name));
        if drove || world.knows(connection) || !world.judges(client, server) {
            return;
        }
        let odd = connection.industrial_port().is_none_or(|listed| listed.name != protocol.name);
        let place = if odd { "an unusual port" } else { "its usual port" };
        let draft = Draft::new(&SPEC, connection, context.now)
            .basis(Basis::FirstSeen)
            .stage(Stage::Discovery)
            .severity(if odd { Severity::High } else { Severity::Medium })
            .same(protocol.name)
            .summary(format!(
                "{client} never spoke {} and does now, to {server}:{} ({place})",
                protocol.title,
                connection.service_port()
            ));
        findings.raise(draft, world);
    }
}
