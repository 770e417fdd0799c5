//! What the models of new industrial conversations have in common: somebody speaks to a device, or gets into a host of OT,
//! and never did. They differ in who that is.

use super::finding::{Basis, Severity, Stage};
use super::seen::p_new_client;
use super::{Context, Detector, Draft, Findings, Happening, Interest, Spec, remote};
use crate::state::World;
use crate::state::connection::Connection;
use crate::state::zone::Kind;

/// A model of first contacts.
pub struct FirstContacts {
    /// The model; its severity is for industrial content.
    pub spec: &'static Spec,
    /// Whether a conversation is its.
    pub concerns: fn(&Connection, &World) -> bool,
    /// What the client is, for people.
    pub who: fn(&Connection, &World) -> String,
    /// How bad a remote session is.
    pub session: Severity,
}

impl Detector for FirstContacts {
    fn interest(&self) -> Interest {
        Interest::COMMANDS.and(Interest::ESTABLISHED)
    }

    fn on(&mut self, happening: &Happening<'_>, context: &mut Context<'_>, findings: &mut Findings) {
        let world = &*context.world;
        let draft = match happening {
            Happening::Command(connection, ..) if (self.concerns)(connection, world) => {
                speaks(self.spec, connection, &(self.who)(connection, world), context)
            }
            Happening::Established(connection) => {
                let Some(way) = remote::access(connection) else { return };
                if world.kind(connection.server.ip) != Kind::Ot || !(self.concerns)(connection, world) {
                    return;
                }
                let who = (self.who)(connection, world);
                enters(self.spec, connection, way, &who, context).severity(self.session)
            }
            _ => return,
        };
        findings.raise(draft, world);
    }
}

fn speaks(spec: &'static Spec, connection: &Connection, who: &str, context: &Context<'_>) -> Draft {
    let (client, server) = (connection.client.ip, connection.server);
    let (name, title) = connection.protocol.map_or(("", ""), |protocol| (protocol.name, protocol.title));
    Draft::new(spec, connection, context.now)
        .basis(Basis::FirstSeen)
        .same(name)
        .stage(Stage::LateralMovement)
        .p(p_new_client(connection, context.world))
        .summary(format!(
            "{client}, {who}, speaks {title} to {}:{}; it never did",
            server.ip,
            connection.service_port()
        ))
}

fn enters(
    spec: &'static Spec,
    connection: &Connection,
    (way, seen): (&str, bool),
    who: &str,
    context: &Context<'_>,
) -> Draft {
    let (client, server) = (connection.client.ip, connection.server);
    let how = if seen { "" } else { " (by port only)" };
    Draft::new(spec, connection, context.now)
        .basis(Basis::FirstSeen)
        .same(format!("{} {way}", server.ip))
        .stage(Stage::LateralMovement)
        .p(p_new_client(connection, context.world))
        .entered()
        .summary(format!(
            "{client}, {who}, opened {way}{how} to {}:{} of OT; it never did",
            server.ip,
            connection.service_port()
        ))
        .fact("remote_access", way)
}
