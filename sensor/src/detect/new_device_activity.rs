//! A device in its first days acts.

use sensor_ebpf::wire::transport::flag;

use super::finding::{Basis, Severity, Stage};
use super::{Context, Detector, Draft, Findings, Happening, Interest, Spec};
use crate::state::connection::Connection;
use crate::state::zone::Kind;

/// Registration.
pub static SPEC: Spec = Spec {
    id: "new_device_activity",
    title: "Unusual activity from new device",
    summary: "A device that appeared after the site was learned reaches OT, opens a remote desktop or speaks an industrial protocol.",
    techniques: &["T0864"],
    severity: Severity::Medium,
    build: || Box::new(Model),
};

#[derive(Default)]
struct Model;

impl Detector for Model {
    fn interest(&self) -> Interest {
        Interest::COMMANDS
            .and(Interest::OPENED)
            .and(Interest::FAILED)
            .and(Interest::CLOSED)
            .and(Interest::RDP)
    }

    fn on(&mut self, happening: &Happening<'_>, context: &mut Context<'_>, findings: &mut Findings) {
        let (connection, what): (&Connection, &str) = match happening {
            Happening::Rdp(connection, _) => (connection, "opened a remote desktop"),
            Happening::Command(connection, ..) => (connection, "spoke an industrial protocol"),
            Happening::Opened(connection) | Happening::Failed(connection) | Happening::Closed(connection)
                if connection.industrial_port().is_some() =>
            {
                (connection, "tried an industrial service")
            }
            Happening::Opened(connection) | Happening::Closed(connection) => (connection, "reached into OT"),
            _ => return,
        };
        let world = &*context.world;
        let client = connection.client.ip;
        let Some(host) = world.hosts.get(&client).filter(|host| host.newcomer && !host.graduated) else {
            return;
        };
        // Anybody can write any source into a SYN. A device answers ARP, acknowledges, or goes on to speak.
        let speaks = matches!(happening, Happening::Rdp(..) | Happening::Command(..));
        let [client_leg, _] = &connection.legs;
        if !speaks && host.mac.is_none() && client_leg.flags & flag::ACK == 0 {
            return;
        }
        let into_ot = world.kind(connection.server.ip) == Kind::Ot && world.kind(client) != Kind::Ot;
        let industrial =
            connection.industrial_port().is_some() || matches!(happening, Happening::Command(..));
        let settled = world.stage(client) == crate::state::host::DeviceStage::Operational;
        if settled
            || world.is_external(client)
            || !(into_ot || industrial || matches!(happening, Happening::Rdp(..)))
        {
            return;
        }
        let age = context.now.since(host.first).as_secs();
        let draft = Draft::new(&SPEC, connection, context.now)
            .since(host.first)
            .same("new")
            .once()
            .basis(Basis::FirstSeen)
            .stage(Stage::Foothold)
            .summary(format!(
                "{client}, first seen {} before, {what} at {}:{}",
                span(age),
                connection.server.ip,
                connection.server.port
            ))
            .fact("first_seen", host.first.to_string());
        findings.raise(draft, world);
    }
}

fn span(seconds: u64) -> String {
    match seconds {
        0..=119 => format!("{seconds} s"),
        120..=7199 => format!("{} min", seconds / 60),
        7200..=172_799 => format!("{} h", seconds / 3600),
        _ => format!("{} days", seconds / 86_400),
    }
}
