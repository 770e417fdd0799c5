//! Client, server, service: what is usual between them.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::device::Device;
use super::outflow::Outflow;
use super::segment::SiteAddr;
use super::tally::Tally;
use crate::importance::hours::Hours;
use crate::importance::volumes::Volumes;
use crate::protocol::Action;
use crate::time::Time;

/// Who asks whom for what.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Key {
    /// Who asks.
    pub client: Device,
    /// Who is asked.
    pub server: Device,
    /// Transport, as [`sensor_ebpf::flow::Transport`] numbers it.
    pub transport: u8,
    /// The server's port.
    pub port: u16,
}

/// The same by addresses, for people.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ends {
    /// Who asks.
    pub client: SiteAddr,
    /// Who is asked.
    pub server: SiteAddr,
    /// Transport, as [`sensor_ebpf::flow::Transport`] numbers it.
    pub transport: u8,
    /// The server's port.
    pub port: u16,
}

/// Names a client gave in one conversation (RDP cookies).
const MAX_USERS: usize = 32;

/// What passed between a client and a server's service.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Conversation {
    /// First seen.
    pub first: Time,
    /// Last seen.
    pub last: Time,
    /// Connections.
    pub connections: u64,
    /// Connections that failed.
    pub failures: u64,
    /// Bytes client to server, server to client.
    pub bytes: [u64; 2],
    /// Protocol by content.
    pub protocol: Option<String>,
    /// What was done, and how often.
    pub actions: Vec<(Action, u64)>,
    /// Actions that are usual here.
    pub usual: BTreeSet<Action>,
    /// The conversation itself is usual.
    pub taught: bool,
    /// Volumes of a connection, client to server and server to client.
    pub volumes: [Volumes; 2],
    /// What a host of OT sent out in it, by the day.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outflow: Option<Box<Outflow>>,
    /// Users it is usually opened by.
    pub users: BTreeSet<String>,
    /// Hours of the week at which people opened it (remote desktops).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hours: Option<Box<Hours>>,
    /// How long people sat there (remote desktops), in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub durations: Option<Box<Volumes>>,
    /// What went wrong in its messages; most conversations have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub anomalies: Option<Box<Anomalies>>,
}

/// What went wrong in a conversation's messages, and how often that is usual.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Anomalies {
    /// Messages that broke the protocol's rules.
    pub malformed: Tally,
    /// Requests the server refused.
    pub refused: Tally,
    /// Functions the server does not have that were not tried before.
    pub probed: Tally,
    /// Those functions, by code.
    #[serde(default)]
    pub functions: BTreeSet<u32>,
}

impl super::table::Worth for Conversation {
    fn is_known(&self) -> bool {
        self.taught
    }
}

impl Conversation {
    /// Counts an action.
    pub fn count(&mut self, action: Action) {
        match self.actions.iter_mut().find(|(a, _)| *a == action) {
            Some((_, n)) => *n = n.saturating_add(1),
            None => self.actions.push((action, 1)),
        }
    }

    /// A user is usual from now on.
    pub fn learn_user(&mut self, user: &str) {
        if self.users.len() < MAX_USERS {
            self.users.insert(user.to_owned());
        }
    }
}
