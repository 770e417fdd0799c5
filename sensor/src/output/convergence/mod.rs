//! How far IT and OT have grown together: every conversation that crosses zones, and which conduit allows it.

pub mod suggest;

use std::collections::BTreeMap;
use std::fmt::Write as _;

use sensor_ebpf::flow::Transport;

use crate::config::Crossing;
use crate::protocol::{Action, Port};
use crate::state::SiteAddr;
use crate::state::World;
use crate::state::conversation::{Conversation, Ends};
use crate::state::rules::Act;
use crate::state::zone::{Kind, Zone};
use crate::time::Time;
use crate::words::{bytes, second};

/// A conversation between two zones.
pub struct Row<'a> {
    /// Who asks whom for what.
    pub key: Ends,
    /// The zone that asks.
    pub from: Zone,
    /// The zone that is asked.
    pub to: Zone,
    /// What passed.
    pub conversation: &'a Conversation,
    /// What conduits say about all that was done in it.
    pub crossing: Crossing,
}

/// The name of a transport as the flow key numbers it.
pub fn transport(number: u8) -> &'static str {
    match number {
        n if n == Transport::Tcp as u8 => "tcp",
        n if n == Transport::Udp as u8 => "udp",
        n if n == Transport::Icmp as u8 => "icmp",
        n if n == Transport::Icmpv6 as u8 => "ipv6-icmp",
        n if n == Transport::Ethernet as u8 => "ethernet",
        _ => "ip",
    }
}

/// The port a conversation's server listens on, where its transport has ports.
pub fn port(key: &Ends) -> Option<Port> {
    match transport(key.transport) {
        "tcp" => Some(Port::Tcp(key.port)),
        "udp" => Some(Port::Udp(key.port)),
        _ => None,
    }
}

impl Row<'_> {
    /// `modbus (tcp/502)`, or the port alone where content did not say.
    pub fn service(&self) -> String {
        let port = match port(&self.key) {
            Some(Port::Tcp(port)) => format!("tcp/{port}"),
            Some(Port::Udp(port)) => format!("udp/{port}"),
            _ => transport(self.key.transport).to_owned(),
        };
        match &self.conversation.protocol {
            Some(protocol) => format!("{protocol} ({port})"),
            None => port,
        }
    }

    /// What conduits say, in words.
    pub fn verdict(&self) -> String {
        match self.crossing {
            Crossing::Free => "no conduit names this pair".to_owned(),
            Crossing::Allowed(number) => format!("conduit {number}"),
            Crossing::Violation => "NO CONDUIT ALLOWS IT".to_owned(),
        }
    }

    /// Nothing of it ever succeeded.
    pub fn is_blocked(&self) -> bool {
        self.conversation.connections > 0 && self.conversation.failures >= self.conversation.connections
    }
}

/// What crosses from one zone to another, summed up.
#[derive(Clone, Debug)]
pub struct Flow {
    /// The kinds of the two zones.
    pub kinds: (Kind, Kind),
    /// Conversations.
    pub conversations: u64,
    /// Conversations of which nothing ever succeeded.
    pub blocked: u64,
    /// Conversations that no conduit allows, where one names the pair.
    pub violations: u64,
    /// Conversations that are usual.
    pub usual: u64,
    /// Distinct hosts that ask and that are asked, by address.
    pub ends: [std::collections::BTreeSet<SiteAddr>; 2],
    /// Bytes with the direction, against it.
    pub bytes: [u64; 2],
    /// First and last seen.
    pub seen: [Time; 2],
    /// Services by bytes of both directions.
    pub services: BTreeMap<String, u64>,
}

/// The whole picture.
pub struct Picture<'a> {
    /// Conversations between zones, by zone pair (those with OT first), then by volume.
    pub rows: Vec<Row<'a>>,
    /// The same summed up by zone pair.
    pub flows: BTreeMap<(String, String), Flow>,
    /// Zones with their kind and known devices.
    pub zones: BTreeMap<String, (Kind, u64)>,
}

/// Whether neither zone is OT: what crosses into or out of it is why somebody asks, and stands first.
fn beside_ot(kinds: [Kind; 2]) -> bool {
    !kinds.contains(&Kind::Ot)
}

/// What conduits say about everything that was done in a conversation: the worst of it.
fn crossing(world: &World, key: &Ends, of: &Conversation) -> Crossing {
    let act = |action: Option<Action>| Act {
        who: key.client,
        to: Some(key.server),
        protocol: of.protocol.as_deref(),
        port: port(key),
        action,
        at: of.last,
    };
    let mut verdict = world.crossing(&act(None));
    for (action, _) in &of.actions {
        let next = world.crossing(&act(Some(*action)));
        if next == Crossing::Violation {
            return next;
        }
        verdict = if verdict == Crossing::Violation { verdict } else { next };
    }
    verdict
}

impl<'a> Picture<'a> {
    /// What `world` knows.
    pub fn of(world: &'a World) -> Self {
        let mut zones: BTreeMap<String, (Kind, u64)> = BTreeMap::new();
        for (ip, _) in world.hosts.iter() {
            let zone = world.zone(ip);
            if zone.kind != Kind::Group {
                let entry = zones.entry(zone.name).or_insert((zone.kind, 0));
                entry.1 = entry.1.saturating_add(1);
            }
        }
        let mut rows: Vec<Row<'a>> = world
            .talks()
            .filter_map(|(key, conversation)| {
                let (from, to) = (world.zone(key.client), world.zone(key.server));
                let crosses = from.name != to.name && from.kind != Kind::Group && to.kind != Kind::Group;
                crosses.then(|| {
                    let crossing = crossing(world, &key, conversation);
                    Row { key, from, to, conversation, crossing }
                })
            })
            .collect();
        let total = |row: &Row<'_>| row.conversation.bytes.iter().fold(0_u64, |a, b| a.saturating_add(*b));
        rows.sort_by(|a, b| {
            let pair = |row: &Row<'_>| {
                (beside_ot([row.from.kind, row.to.kind]), row.from.name.clone(), row.to.name.clone())
            };
            (pair(a), std::cmp::Reverse(total(a)), a.key).cmp(&(pair(b), std::cmp::Reverse(total(b)), b.key))
        });
        let mut flows: BTreeMap<(String, String), Flow> = BTreeMap::new();
        for row in &rows {
            zones.entry(row.from.name.clone()).or_insert((row.from.kind, 0));
            zones.entry(row.to.name.clone()).or_insert((row.to.kind, 0));
            let flow = flows.entry((row.from.name.clone(), row.to.name.clone())).or_insert_with(|| Flow {
                kinds: (row.from.kind, row.to.kind),
                conversations: 0,
                blocked: 0,
                violations: 0,
                usual: 0,
                ends: Default::default(),
                bytes: [0; 2],
                seen: [row.conversation.first, row.conversation.last],
                services: BTreeMap::new(),
            });
            flow.add(row);
        }
        Self { rows, flows, zones }
    }

    /// For people.
    pub fn text(&self, name: impl Fn(SiteAddr) -> String) -> String {
        let mut text = String::new();
        if self.flows.is_empty() {
            text.push_str("nothing crosses from one zone to another\n");
        }
        let mut flows: Vec<_> = self.flows.iter().collect();
        flows.sort_by_key(|(pair, flow)| (beside_ot([flow.kinds.0, flow.kinds.1]), *pair));
        for ((from, to), flow) in flows {
            let [up, down] = flow.bytes.map(bytes);
            let [asking, asked] = &flow.ends;
            let mut notes = vec![format!("{} usual", flow.usual)];
            if flow.blocked > 0 {
                notes.push(format!("{} never succeeded", flow.blocked));
            }
            if flow.violations > 0 {
                notes.push(format!("{} that no conduit allows", flow.violations));
            }
            let _never_fails = writeln!(
                text,
                "{from} -> {to}: {} conversations of {} hosts with {}, {up} there, {down} back, {} to {} ({})",
                flow.conversations,
                asking.len(),
                asked.len(),
                second(flow.seen[0]),
                second(flow.seen[1]),
                notes.join(", ")
            );
            for row in self.rows.iter().filter(|row| &row.from.name == from && &row.to.name == to) {
                let of = row.conversation;
                let [up, down] = of.bytes.map(bytes);
                let failed =
                    if of.failures > 0 { format!(", {} failed", of.failures) } else { String::new() };
                let _never_fails = writeln!(
                    text,
                    "  {} -> {}  {}  {} connections{failed}, {up} there, {down} back, {} to {}  [{}{}]",
                    name(row.key.client),
                    name(row.key.server),
                    row.service(),
                    of.connections,
                    second(of.first),
                    second(of.last),
                    row.verdict(),
                    if of.taught { "" } else { "; not usual" }
                );
            }
        }
        text
    }
}

impl Flow {
    fn add(&mut self, row: &Row<'_>) {
        let of = row.conversation;
        let count = |n: &mut u64, yes: bool| *n = n.saturating_add(u64::from(yes));
        count(&mut self.conversations, true);
        count(&mut self.blocked, row.is_blocked());
        count(&mut self.violations, row.crossing == Crossing::Violation);
        count(&mut self.usual, of.taught);
        let [asking, asked] = &mut self.ends;
        asking.insert(row.key.client);
        asked.insert(row.key.server);
        let (mut sum, [up, down]) = (0_u64, of.bytes);
        for (total, n) in self.bytes.iter_mut().zip([up, down]) {
            *total = total.saturating_add(n);
            sum = sum.saturating_add(n);
        }
        let [first, last] = &mut self.seen;
        (*first, *last) = ((*first).min(of.first), (*last).max(of.last));
        let service = self.services.entry(row.service()).or_default();
        *service = service.saturating_add(sum);
    }
}

#[cfg(test)]
mod tests;
