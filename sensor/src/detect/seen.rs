//! How probable something new was, from what its server, its client and the site are used to; and how it ended.

use super::finding::Basis;
use super::{Context, Draft, Spec};
use crate::importance::combine;
use crate::importance::novelty::{Catalogue, PitmanYor, judge};
use crate::protocol::{Command, Direction, Side, Status};
use crate::state::World;
use crate::state::connection::Connection;

/// Clients of a server are a closed group: few are ever added.
const CLIENTS: f64 = 1.0;
/// What a client uses and does grows slowly.
const DISCOUNT: f64 = 0.1;

/// Probability of this client at this server and of this service for this client, each backing off to the role and the
/// site; the smaller of both, times their number (Heard & Rubin-Delanchy 2016). 1 where nothing was learned.
pub fn p_new_client(connection: &Connection, world: &World) -> f64 {
    combine(&[p_client(connection, world), p_service(connection, world)])
}

/// As [`p_new_client`], and of this command.
fn p_of_command(connection: &Connection, command: &Command, world: &World) -> f64 {
    let p = p_command(connection, command, world);
    combine(&[p_client(connection, world), p_service(connection, world), p])
}

fn p_client(connection: &Connection, world: &World) -> f64 {
    let server = world.habits(connection.server.ip);
    let role = world.site.habits.get(world.role_name(connection.server.ip));
    let closed = PitmanYor::dirichlet(CLIENTS);
    let client = world.baseline(connection.client.ip);
    let mut chain = Vec::new();
    chain.extend(server.map(|habits| (&habits.clients, closed)));
    chain.extend(role.map(|habits| (&habits.clients, closed)));
    judge(&chain, &client).mid_p
}

fn p_service(connection: &Connection, world: &World) -> f64 {
    let process = PitmanYor::new(1.0, DISCOUNT);
    let service = World::service(connection);
    let mut chain: Vec<(&Catalogue<String>, PitmanYor)> = Vec::new();
    chain.extend(world.habits(connection.client.ip).map(|habits| (&habits.services, process)));
    chain.extend(
        world
            .site
            .habits
            .get(world.role_name(connection.client.ip))
            .map(|habits| (&habits.services, process)),
    );
    judge(&chain, &service).mid_p
}

fn p_command(connection: &Connection, command: &Command, world: &World) -> f64 {
    let process = PitmanYor::new(1.0, DISCOUNT);
    let action = command.action;
    let mut chain = Vec::new();
    chain.extend(world.habits(connection.client.ip).map(|habits| (&habits.actions, process)));
    chain.extend(
        world.site.habits.get(world.role_name(connection.client.ip)).map(|habits| (&habits.actions, process)),
    );
    judge(&chain, &action).mid_p
}

/// A finding about a command of a kind that its client never gave this server; none where it is usual, or not judged yet.
pub fn first_command(
    spec: &'static Spec,
    (connection, command, side): (&Connection, &Command, Side),
    context: &Context<'_>,
) -> Option<Draft> {
    let world = &*context.world;
    let usual = world.conversation(connection).is_some_and(|c| c.usual.contains(&command.action));
    if usual || !world.judges(connection.client.ip, connection.server.ip) {
        return None;
    }
    let draft = Draft::new(spec, connection, context.now)
        .basis(Basis::FirstSeen)
        .same(connection.protocol.map_or("", |spec| spec.name))
        .p(p_of_command(connection, command, world))
        .accepted(outcome(command, side))
        .fact("command", command.name);
    Some(draft)
}

/// Whether the server accepted what it was asked, where this message says so.
pub fn outcome(command: &Command, side: Side) -> Option<bool> {
    match (&command.status, command.direction, side) {
        (Status::Ok, Direction::Response, Side::Server) => Some(true),
        (Status::Refused(..), Direction::Response, Side::Server) => Some(false),
        _ => None,
    }
}
