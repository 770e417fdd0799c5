//! How probable something new was, from what its server is used to.

use crate::importance::novelty::PitmanYor;
use crate::state::World;
use crate::state::connection::Connection;

/// Probability that a connection to this server comes from a client it never had: the Dirichlet-process predictive
/// (Heard & Rubin-Delanchy 2016), after `served` connections by `clients` clients.
pub fn p_new_client(connection: &Connection, world: &World) -> f64 {
    let (served, clients) = world
        .hosts
        .get(&world.baseline(connection.server.ip))
        .map_or((0, 0), |host| (host.served, host.clients));
    PitmanYor::dirichlet(1.0).p_new(served, clients)
}
