//! Industrial protocols across the perimeter.
//!
//! What was read in content and what only a port suggests are told apart in every word: an Internet scanner that opens
//! port 502 and says hello in TLS has not spoken Modbus.

use super::finding::{Severity, Stage};
use super::seen::outcome;
use super::{Context, Detector, Draft, Findings, Happening, Interest, Spec};
use crate::protocol::{Command, Side};
use crate::state::address::is_unicast;
use crate::state::connection::Connection;
use crate::state::{ConnectionState, World};

/// Registration.
pub static SPEC: Spec = Spec {
    id: "external_ics",
    title: "Industrial protocol across the perimeter",
    summary: "An industrial service is used from or at an external address. Always raised, whoever it is. Content that was read makes it critical; a connection that was answered on an industrial port without such content is said to be that service by port only.",
    techniques: &["T0883", "T0885"],
    severity: Severity::Critical,
    build: || Box::new(Model),
};

#[derive(Default)]
struct Model;

impl Detector for Model {
    fn interest(&self) -> Interest {
        Interest::COMMANDS.and(Interest::CLOSED)
    }

    fn on(&mut self, happening: &Happening<'_>, context: &mut Context<'_>, findings: &mut Findings) {
        match happening {
            Happening::Command(connection, command, side) if across(connection, context.world).is_some() => {
                let what = match &command.object {
                    Some(object) => format!("{} {object}", command.name),
                    None => command.name.to_owned(),
                };
                seen(connection, command, *side, &what, context, findings);
            }
            Happening::Closed(connection) => by_port(connection, context, findings),
            _ => {}
        }
    }
}

/// Which way a connection crosses the perimeter: `Some(true)` inwards, `Some(false)` outwards.
fn across(connection: &Connection, world: &World) -> Option<bool> {
    let [client, server] = [connection.client.ip, connection.server.ip];
    if !is_unicast(server) || !is_unicast(client) {
        return None;
    }
    match (world.is_external(client), world.is_external(server)) {
        (true, _) => Some(true),
        (false, true) => Some(false),
        (false, false) => None,
    }
}

fn ways(connection: &Connection, inwards: bool) -> (String, Stage) {
    let [client, server] = [connection.client.ip, connection.server.ip];
    if inwards {
        (format!("external {client} to {server}:{}", connection.service_port()), Stage::Foothold)
    } else {
        (format!("{client} to external {server}:{}", connection.service_port()), Stage::CommandAndControl)
    }
}

fn seen(
    connection: &Connection,
    command: &Command,
    side: Side,
    what: &str,
    context: &mut Context<'_>,
    findings: &mut Findings,
) {
    let world = &*context.world;
    let Some(inwards) = across(connection, world) else { return };
    let protocol = connection.protocol.map_or("an industrial protocol", |spec| spec.title);
    let (way, stage) = ways(connection, inwards);
    let stage = if command.action.changes_the_process() { Stage::Impact } else { stage };
    let draft = Draft::new(&SPEC, connection, context.now)
        .same(format!("{} {}", connection.server.ip, connection.service_port()))
        .stage(stage)
        .accepted(outcome(command, side).filter(|_| command.action.changes_the_process()))
        .summary(format!("{protocol} was spoken across the perimeter, from {way}: seen in content"))
        .fact("command", what);
    findings.raise(draft, world);
}

/// A connection that was answered on an industrial port, in which no industrial content was read.
fn by_port(connection: &Connection, context: &mut Context<'_>, findings: &mut Findings) {
    let answered = matches!(
        connection.state,
        ConnectionState::Established | ConnectionState::Closed | ConnectionState::Reset
    );
    let spoken = connection.protocol.is_some_and(|spec| spec.industrial);
    let Some(listed) = connection.industrial_port().filter(|_| answered && !spoken) else { return };
    let world = &*context.world;
    let Some(inwards) = across(connection, world) else { return };
    let (way, stage) = ways(connection, inwards);
    let content = match connection.protocol {
        Some(spec) => format!("the content was {}", spec.title),
        None => format!("no {} was seen in it", listed.title),
    };
    let draft = Draft::new(&SPEC, connection, context.now)
        .same(format!("{} by port", connection.service_port()))
        .stage(stage)
        .severity(if inwards { Severity::High } else { Severity::Medium })
        .summary(format!(
            "possible {} across the perimeter, by port only: a connection from {way} was answered; {content}",
            listed.title
        ))
        .fact("endpoint", format!("{}:{}", connection.server.ip, connection.service_port()));
    findings.raise(draft, world);
}
