//! A device in its first days acts.

use std::collections::VecDeque;
use std::time::Duration;

use sensor_ebpf::wire::transport::flag;

use super::finding::{Basis, Severity, Stage};
use super::{Context, Detector, Draft, Findings, Happening, Interest, Spec};
use crate::state::SiteAddr;
use crate::state::connection::Connection;
use crate::state::zone::Kind;
use crate::time::Time;

/// Registration.
pub static SPEC: Spec = Spec {
    id: "new_device_activity",
    title: "Unusual activity from new device",
    summary: "A device that appeared after the site was learned reaches OT, opens a remote desktop or speaks an industrial protocol.",
    techniques: &["T0864"],
    severity: Severity::Medium,
    build: || Box::new(Model::default()),
};

/// So many new devices within [`TOGETHER`] are no devices: forged addresses, or a network that was moved.
const FLOOD: usize = 20;
const TOGETHER: Duration = Duration::from_secs(600);

#[derive(Default)]
struct Model {
    /// When new devices acted lately, and the first of a flood.
    lately: VecDeque<(Time, SiteAddr)>,
    flood: Option<(Time, SiteAddr, u64)>,
}

impl Model {
    /// Whether so many act that one finding tells of all of them.
    fn floods(&mut self, client: SiteAddr, now: Time) -> Option<(SiteAddr, u64)> {
        while self.lately.front().is_some_and(|(at, _)| now.since(*at) > TOGETHER) {
            self.lately.pop_front();
        }
        if self.lately.iter().any(|(_, ip)| *ip == client) {
            return None;
        }
        if self.lately.len() < FLOOD {
            self.lately.push_back((now, client));
            return None;
        }
        // It goes on for as long as they come.
        self.lately.pop_front();
        self.lately.push_back((now, client));
        let over = self.flood.is_none_or(|(last, ..)| now.since(last) > TOGETHER);
        if over {
            self.flood = Some((now, client, 0));
        }
        let (last, first, n) = self.flood.as_mut()?;
        (*last, *n) = (now, n.saturating_add(1));
        Some((*first, *n))
    }
}

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
        if let Some((first, n)) = self.floods(client, context.now) {
            let draft = Draft::about(&SPEC, first, context.now)
                .same("flood")
                .basis(Basis::FirstSeen)
                .stage(Stage::Foothold)
                .target(connection.server.ip, connection.service_port())
                .summary(format!(
                    "{n} addresses never seen before reached for OT within minutes, {first} the first of them: forged, or a network that was moved; each alone is not told"
                ))
                .measured(n as f64, 0.0, "new addresses", TOGETHER);
            findings.raise(draft, context.world);
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
                connection.service_port()
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
