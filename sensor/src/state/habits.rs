//! What a host is used to, as categories: who comes to it, which services it uses, what it does in them.

use serde::{Deserialize, Serialize};

use super::device::Device;
use crate::importance::novelty::Catalogue;
use crate::protocol::Action;

/// Clients remembered of a server; of a whole role more.
const CLIENTS: usize = 32;
/// Services remembered.
const SERVICES: usize = 16;

/// Categories observed once a session, for the probability of a new one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Habits {
    /// Clients that came.
    pub clients: Catalogue<Device>,
    /// Services that were used.
    pub services: Catalogue<String>,
    /// What was done in them.
    pub actions: Catalogue<Action>,
}

impl Default for Habits {
    fn default() -> Self {
        Self::of_at_most(CLIENTS, SERVICES)
    }
}

impl Habits {
    /// Tables of these sizes.
    pub fn of_at_most(clients: usize, services: usize) -> Self {
        Self {
            clients: Catalogue::new(clients),
            services: Catalogue::new(services),
            actions: Catalogue::new(Action::ALL.len()),
        }
    }

    /// The tables of a whole role.
    pub fn of_a_role() -> Self {
        Self::of_at_most(CLIENTS * 16, SERVICES * 16)
    }
}
