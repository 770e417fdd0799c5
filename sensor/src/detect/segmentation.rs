//! Segmentation violation.

use super::finding::{Severity, Stage};
use super::{Context, Detector, Draft, Findings, Happening, Interest, Spec};
use crate::config::Crossing;
use crate::state::ConnectionState;
use crate::state::connection::{Connection, listed};
use crate::state::rules::Act;

/// Registration.
pub static SPEC: Spec = Spec {
    id: "segmentation",
    title: "Segmentation violation",
    summary: "A conversation between two zones that no conduit allows (IEC 62443-3-2, zones and conduits). Only pairs of zones that some [[conduit]] names are constrained. What was refused or never answered weighs less: something else already enforces the rule.",
    techniques: &["T0886"],
    severity: Severity::High,
    build: || Box::new(Model),
};

struct Model;

/// How far a conversation got.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Reach {
    /// The server answered; content may still tell which protocol it is.
    Answered,
    /// Nothing more will be learned about it.
    Settled,
    /// The server refused, or never said anything.
    Blocked,
}

impl Detector for Model {
    fn interest(&self) -> Interest {
        Interest::ESTABLISHED
            .and(Interest::FAILED)
            .and(Interest::IDENTIFIED)
            .and(Interest::CLOSED)
            .and(Interest::COMMANDS)
    }

    fn on(&mut self, happening: &Happening<'_>, context: &mut Context<'_>, findings: &mut Findings) {
        let world = &*context.world;
        if !world.rules.constrains_anything() {
            return;
        }
        let (connection, action, reach) = match happening {
            Happening::Established(connection) => (*connection, None, Reach::Answered),
            Happening::Identified(connection) => (*connection, None, Reach::Settled),
            Happening::Failed(connection) => (*connection, None, Reach::Blocked),
            // Commands come thousands a second, and few conduits care which.
            Happening::Command(connection, command, _) if world.rules.conduits_name_actions() => {
                (*connection, Some(command.action), Reach::Settled)
            }
            // Told already, or identified and told then.
            Happening::Closed(connection) if has_failed(connection) || connection.protocol.is_some() => {
                return;
            }
            Happening::Closed(connection) => {
                let [_, server] = &connection.legs;
                (*connection, None, if server.packets > 0 { Reach::Settled } else { Reach::Blocked })
            }
            _ => return,
        };
        let mut act = Act::of(connection, action, context.now);
        if reach == Reach::Blocked && act.protocol.is_none() {
            // Nothing was said: whoever may speak the port's usual protocol may have meant to.
            act.protocol = listed(connection.transport, connection.service_port()).map(|spec| spec.name);
        }
        if world.crossing(&act) != Crossing::Violation {
            return;
        }
        let (from, to) = (world.zone(connection.client.ip).name, world.zone(connection.server.ip).name);
        if reach == Reach::Answered
            && act.protocol.is_none()
            && world.rules.conduits_name_protocols(&from, &to)
        {
            return;
        }
        findings.raise(draft(connection, action, reach, (&from, &to), context), world);
    }
}

fn has_failed(connection: &Connection) -> bool {
    matches!(connection.state, ConnectionState::Refused | ConnectionState::Unanswered)
}

fn draft(
    connection: &Connection,
    action: Option<crate::protocol::Action>,
    reach: Reach,
    (from, to): (&str, &str),
    context: &Context<'_>,
) -> Draft {
    let (client, server) = (connection.client.ip, connection.server);
    let port = format!("{}/{}", connection.transport_name(), connection.service_port());
    let service = connection.protocol.map_or_else(|| port.clone(), |spec| format!("{} ({port})", spec.title));
    let doing = action.map_or(String::new(), |action| format!(" to do {}", action.name()));
    let blocked = reach == Reach::Blocked;
    let (what, severity, same) = if blocked {
        ("tried to reach and was not answered by", Severity::Low, "blocked")
    } else {
        ("reaches", SPEC.severity, "passed")
    };
    Draft::new(&SPEC, connection, context.now)
        .same(format!("{to}:{same}"))
        .stage(Stage::LateralMovement)
        .severity(severity)
        .summary(format!(
            "{client} of zone {from} {what} {} of zone {to} by {service}{doing}; no conduit allows it",
            server.ip
        ))
        .fact("conduit", format!("{from} -> {to}"))
        .fact("service", service)
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use sensor_ebpf::flow::FlowKey;

    use super::*;
    use crate::config;
    use crate::detect::finding::Finding;
    use crate::incident::Incidents;
    use crate::mind::Mind;
    use crate::observer::Observer;
    use crate::protocol::REGISTRY;
    use crate::state::World;
    use crate::state::address::words;
    use crate::state::connection::Leg;
    use crate::state::segments::Segments;
    use crate::state::world::Settings;
    use crate::time::Time;

    const SITE: &str = "[[zone]]\nname = \"office\"\nnetworks = [\"10.10.0.0/16\"]\n\
                        [[zone]]\nname = \"ot\"\nnetworks = [\"10.20.0.0/16\"]\n";
    const CONDUIT: &str = "[[conduit]]\nfrom = \"office\"\nto = \"ot\"\n";
    const NOW: Time = Time::from_seconds(1_700_000_000);

    #[derive(Default)]
    struct Told(Vec<Finding>);

    impl Observer for Told {
        fn finding(&mut self, finding: &Finding) {
            self.0.extend((finding.model == SPEC.id).then(|| finding.clone()));
        }
    }

    fn mind(conduits: &str) -> Mind {
        let config = config::parse("site.toml", &format!("{SITE}{conduits}")).unwrap();
        let mut world = World::new(Settings::default(), config.zones());
        world.configure(&config);
        Mind::new(world, Incidents::default())
    }

    fn connection(from: &str, to: &str, port: u16) -> Connection {
        let ip = |text: &str| words(text.parse::<IpAddr>().unwrap());
        let key = FlowKey { src: ip(from), dst: ip(to), sport: 50_000, dport: port, place: 1 << 28 };
        let mut connection = Connection::new(&key, NOW, 0x02, &Segments::default());
        connection.legs = [Leg { packets: 3, bytes: 300, flags: 0x12 }; 2];
        connection
    }

    fn told(mind: &mut Mind, happening: &Happening<'_>) -> Vec<Severity> {
        let mut told = Told::default();
        mind.happen(happening, NOW);
        mind.settle(&mut told);
        told.0.iter().map(|finding| finding.severity).collect()
    }

    #[test]
    fn what_no_conduit_allows_is_a_violation_where_one_names_the_pair() {
        let ssh = connection("10.10.0.5", "10.20.0.1", 22);
        let back = connection("10.20.0.1", "10.10.0.5", 22);
        let conduit = format!("{CONDUIT}services = [\"tcp/3389\"]\n");
        assert_eq!(told(&mut mind(&conduit), &Happening::Established(&ssh)), [Severity::High]);
        assert!(
            told(&mut mind(&conduit), &Happening::Established(&back)).is_empty(),
            "the other way is not named"
        );
        assert!(told(&mut mind(""), &Happening::Established(&ssh)).is_empty(), "no conduit, no constraint");
        let rdp = connection("10.10.0.5", "10.20.0.1", 3389);
        assert!(told(&mut mind(&conduit), &Happening::Established(&rdp)).is_empty());
    }

    #[test]
    fn an_attempt_that_was_blocked_weighs_less() {
        let conduit = format!("{CONDUIT}services = [\"tcp/3389\"]\n");
        let ssh = connection("10.10.0.5", "10.20.0.1", 22);
        assert_eq!(told(&mut mind(&conduit), &Happening::Failed(&ssh)), [Severity::Low]);
    }

    #[test]
    fn a_protocol_is_judged_by_content_and_not_before() {
        let conduit = format!("{CONDUIT}services = [\"modbus\"]\n");
        let mut mind = mind(&conduit);
        let mut odd = connection("10.10.0.5", "10.20.0.1", 1502);
        assert!(told(&mut mind, &Happening::Established(&odd)).is_empty(), "it may yet be Modbus");
        odd.protocol = REGISTRY.iter().copied().find(|spec| spec.name == "modbus");
        assert!(told(&mut mind, &Happening::Identified(&odd)).is_empty());
        odd.protocol = REGISTRY.iter().copied().find(|spec| spec.name == "s7comm");
        assert_eq!(told(&mut mind, &Happening::Identified(&odd)), [Severity::High]);
        let mute = connection("10.10.0.6", "10.20.0.1", 1502);
        assert_eq!(told(&mut mind, &Happening::Closed(&mute)), [Severity::High], "it never was");
    }

    #[test]
    fn a_flood_of_ports_is_one_finding() {
        let conduit = format!("{CONDUIT}services = []\n");
        let mut mind = mind(&conduit);
        let n: usize = (1..200)
            .map(|port| {
                told(&mut mind, &Happening::Established(&connection("10.10.0.5", "10.20.0.1", port))).len()
            })
            .sum();
        assert_eq!(n, 1);
    }
}
