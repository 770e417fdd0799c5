//! What the models of new industrial conversations have in common: somebody speaks to a device, or gets into a host of OT,
//! and never did. They differ in who that is.

use super::finding::{Basis, Severity, Stage};
use super::seen::p_new_client;
use super::{Context, Draft, Findings, Happening, Interest, Spec, remote};
use crate::state::World;
use crate::state::connection::Connection;
use crate::state::zone::Kind;

/// What they want to be told.
pub const INTEREST: Interest = Interest::COMMANDS.and(Interest::ESTABLISHED);

/// Whose first contacts a model tells.
pub struct Whose {
    /// Whether a conversation is the model's.
    pub concerns: fn(&Connection, &World) -> bool,
    /// What its client is, for people.
    pub who: fn(&Connection, &World) -> String,
    /// How bad a remote session is; the model's own severity is for industrial content.
    pub session: Severity,
}

/// Judges what happened.
pub fn judge(
    spec: &'static Spec,
    whose: &Whose,
    happening: &Happening<'_>,
    context: &Context<'_>,
    findings: &mut Findings,
) {
    let world = &*context.world;
    let draft = match happening {
        Happening::Command(connection, ..) if (whose.concerns)(connection, world) => {
            speaks(spec, connection, &(whose.who)(connection, world), context)
        }
        Happening::Established(connection) => {
            let Some(way) = remote::access(connection) else { return };
            if world.kind(connection.server.ip) != Kind::Ot || !(whose.concerns)(connection, world) {
                return;
            }
            enters(spec, connection, way, &(whose.who)(connection, world), context).severity(whose.session)
        }
        _ => return,
    };
    findings.raise(draft, world);
}

fn speaks(spec: &'static Spec, connection: &Connection, who: &str, context: &Context<'_>) -> Draft {
    let (client, server) = (connection.client.ip, connection.server);
    let (name, title) = connection.protocol.map_or(("", ""), |protocol| (protocol.name, protocol.title));
    Draft::new(spec, connection, context.now)
        .basis(Basis::FirstSeen)
        .same(name)
        .stage(Stage::LateralMovement)
        .p(p_new_client(connection, context.world))
        .summary(format!("{client}, {who}, speaks {title} to {}:{}; it never did", server.ip, server.port))
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
            server.ip, server.port
        ))
        .fact("remote_access", way)
}
