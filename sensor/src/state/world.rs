//! Everything the engine knows, bounded, each table with its evictions counted.

use std::collections::{BTreeMap, BTreeSet};

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use super::address::neighbourhood;
use super::connection::Connection;
use super::conversation::{Conversation, Ends, Key};
use super::habits::Habits;
use super::host::Host;
use super::hosts::Hosts;
use super::names::{Names, Stated};
use super::rules::Rules;
use super::segment::{SiteAddr, SiteMac};
use super::segments::Segments;
use super::sender::Behind;
use super::stations::Stations;
use super::table::{Table, Worth};
use super::zone::{Kind, Zone, Zones};
use crate::importance::budget::Budget;
use crate::importance::novelty;
use crate::protocol::Action;
use crate::time::Time;

/// How the engine learns and judges.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Take everything for ordinary, except what always is news.
    pub learn: bool,
    /// Judge every device at once.
    pub operational: bool,
    /// Days until a site is known.
    pub site_days: u32,
    /// Days until a device found later is known.
    pub device_days: u32,
    /// False alarms a day the operator accepts.
    pub alert_budget: f64,
    /// Beginnings of login names that mean administration, lower case.
    pub admin_names: Vec<String>,
    /// Most hosts remembered.
    pub max_hosts: usize,
    /// Most conversations remembered.
    pub max_conversations: usize,
    /// Most connections tracked at once.
    pub max_connections: usize,
    /// Most bytes that wait in streams and decoders, all connections together.
    pub max_stream_bytes: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            learn: false,
            operational: false,
            site_days: 14,
            device_days: 7,
            alert_budget: 1.0,
            admin_names: ["administr", "admin", "root"].map(str::to_owned).to_vec(),
            max_hosts: 65_536,
            max_conversations: 262_144,
            max_connections: 131_072,
            max_stream_bytes: 64 << 20,
        }
    }
}

/// What is known of an endpoint outside: a neighbourhood of addresses.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct External {
    /// First seen.
    pub first: Time,
    /// Last seen.
    pub last: Time,
    /// Connections.
    pub connections: u64,
    /// Hosts that went there, at most eight listed.
    pub clients: BTreeSet<SiteAddr>,
    /// It is usual to go there.
    pub taught: bool,
}

/// What is known of the site as a whole.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Site {
    /// First record ever.
    pub first: Time,
    /// Latest record.
    pub last: Time,
    /// Learning was declared over.
    pub graduated: bool,
    /// When it was: what was found before is a past that was declared benign.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub graduated_at: Option<Time>,
    /// Tests judged, for the alert budget.
    #[serde(default)]
    pub budget: Budget,
    /// Subnets that are OT by their hosts, with the reason.
    #[serde(default)]
    pub ot_subnets: BTreeMap<IpNet, String>,
    /// Subnets most of whose hosts belong to OT, though not as controllers.
    #[serde(default)]
    pub ot_neighbours: BTreeSet<IpNet>,
    /// What hosts of each role are used to.
    #[serde(default)]
    pub habits: BTreeMap<String, Habits>,
    /// ClientHellos to the outside, and those without a name to an endpoint that was new.
    #[serde(default)]
    pub hellos: [u64; 2],
}

impl Worth for External {
    fn is_known(&self) -> bool {
        self.taught
    }
}

/// Everything the engine knows.
pub struct World {
    /// How to learn and judge.
    pub settings: Settings,
    /// Zones.
    pub zones: Zones,
    /// Where addresses are unique.
    pub segments: Segments,
    /// What the operator said.
    pub rules: Rules,
    /// Devices, by any address they have.
    pub hosts: Hosts,
    /// Client, server, service.
    pub conversations: Table<Key, Conversation>,
    /// Endpoints outside, by neighbourhood.
    pub externals: Table<String, External>,
    /// Addresses seen behind a MAC that it did not prove; several make it a router's.
    pub(super) macs: Table<SiteMac, Behind>,
    /// Names of addresses, as seen on the wire.
    pub names: Names,
    /// What devices said before they had an address.
    pub stated: Stated,
    /// Devices behind routers of their protocol.
    pub stations: Stations,
    /// The site.
    pub site: Site,
    /// When a packet last passed here. Time goes on without any: that nobody was heard then says nothing about anybody.
    pub heard: Time,
}

impl World {
    /// An empty world.
    pub fn new(settings: Settings, zones: Zones) -> Self {
        Self {
            hosts: Hosts::new(settings.max_hosts),
            conversations: Table::new(settings.max_conversations),
            externals: Table::new(65_536),
            macs: Table::new(65_536),
            names: Names::default(),
            stated: Stated::default(),
            stations: Stations::default(),
            settings,
            zones,
            segments: Segments::default(),
            rules: Rules::default(),
            site: Site::default(),
            heard: Time::default(),
        }
    }

    /// The zone of an address.
    pub fn zone(&self, ip: SiteAddr) -> Zone {
        self.zones.of(ip, self.is_ot_by_content(ip))
    }

    /// What the zone of an address is for.
    pub fn kind(&self, ip: SiteAddr) -> Kind {
        self.zones.kind(ip, self.is_ot_by_content(ip))
    }

    /// Whether an address is outside.
    pub fn is_external(&self, ip: SiteAddr) -> bool {
        self.kind(ip) == Kind::External
    }

    /// Whether somebody inside went outside.
    pub fn is_outward(&self, connection: &Connection) -> bool {
        self.is_external(connection.server.ip) && !self.is_external(connection.client.ip)
    }

    /// The key of a connection's conversation; members of a redundant group share one. What was learned before two names
    /// turned out to be one device is found under the former name; what is usual towards an address, also where another device
    /// has it by now.
    pub fn key(&self, connection: &Connection) -> Key {
        let (transport, port) = (connection.transport as u8, connection.service_port());
        let (client, server) = (self.baseline(connection.client.ip), self.baseline(connection.server.ip));
        let key = Key { client, server, transport, port };
        let names = |device| self.hosts.of(device).map_or(&[][..], |host| &host.names);
        let known_before = self.hosts.knows_former_names();
        let (clients, servers) =
            if known_before { (names(client), names(server)) } else { (&[][..], &[][..]) };
        let mut formers = self.formers(self.first_member(connection.server.ip)).peekable();
        if (clients.is_empty() && servers.is_empty() && formers.peek().is_none())
            || self.conversations.get(&key).is_some()
        {
            return key;
        }
        let clients = || clients.iter().chain([&client]).copied();
        let servers = servers.iter().copied().chain([server]).chain(formers);
        let pairs = servers.flat_map(|server| clients().map(move |client| (client, server)));
        let mut former = pairs.map(|(client, server)| Key { client, server, ..key });
        former.find(|key| self.conversations.get(key).is_some()).unwrap_or(key)
    }

    /// A conversation's ends by the addresses they have now.
    pub fn ends(&self, key: &Key) -> Ends {
        let [client, server] = [key.client, key.server].map(|device| self.hosts.address(device));
        Ends { client, server, transport: key.transport, port: key.port }
    }

    /// Every conversation, least recently used first.
    pub fn talks(&self) -> impl Iterator<Item = (Ends, &Conversation)> {
        self.conversations.iter().map(|(key, of)| (self.ends(key), of))
    }

    /// What is known of a connection's conversation.
    pub fn conversation(&self, connection: &Connection) -> Option<&Conversation> {
        self.conversations.get(&self.key(connection))
    }

    /// Whether the conversation is usual.
    pub fn knows(&self, connection: &Connection) -> bool {
        self.conversation(connection).is_some_and(|c| c.taught)
    }

    /// The host behind an address, made at first sight.
    pub fn host(&mut self, ip: SiteAddr, now: Time) -> &mut Host {
        let device = self.hosts.device(&ip);
        if self.hosts.rows().get(&device).is_none() {
            let host = self.at_first_sight(ip, now);
            self.hosts.enter(device, || host);
        }
        let host = self.hosts.enter(device, Host::default);
        host.active(now);
        host
    }

    /// A device of a redundant group is as well known as the group.
    pub(super) fn at_first_sight(&self, ip: SiteAddr, now: Time) -> Host {
        // Whoever had the address before is no elder.
        let elder =
            Some(self.elder(ip)).filter(|elder| *elder != ip).and_then(|elder| self.hosts.get(&elder));
        let newcomer = elder.map_or_else(|| self.is_settled(), |elder| elder.newcomer);
        Host {
            first: now,
            newcomer,
            graduated: elder.is_some_and(|elder| elder.graduated),
            speaks_ot: elder.is_some_and(|elder| elder.speaks_ot),
            ..Host::default()
        }
    }

    /// The network an outside endpoint is known by. Not a name: whoever answers a client's queries chooses those, and could
    /// make a place nobody ever went to a known one.
    pub fn external_key(ip: SiteAddr) -> String {
        neighbourhood(ip).to_string()
    }

    /// How far the plant's clocks are ahead of UTC, in seconds.
    pub fn utc_offset(&self) -> i32 {
        self.rules.config().utc_offset.seconds()
    }

    /// The service of a connection: its protocol by content, or its port.
    pub fn service(connection: &Connection) -> String {
        match connection.protocol {
            Some(spec) => spec.name.to_owned(),
            None => format!("{}/{}", connection.transport_name(), connection.service_port()),
        }
    }

    /// What a host is used to; members of a redundant group share it.
    pub fn habits(&self, ip: SiteAddr) -> Option<&Habits> {
        self.hosts.of(self.baseline(ip)).map(|host| &host.habits)
    }

    /// A session was ordinary: its client is usual for the server and its service for the client, and for their roles
    /// where it was new to them.
    pub fn learn_session(&mut self, connection: &Connection, now: Time) {
        let [client, server] = [connection.client.ip, connection.server.ip];
        let roles = [client, server].map(|ip| self.role_name(ip));
        self.host(server, now);
        let [client, server] = [client, server].map(|ip| self.baseline(ip));
        let service = Self::service(connection);
        let role =
            |site: &mut Site, name: &str, learn: &mut dyn FnMut(&mut Habits)| match site.habits.get_mut(name)
            {
                Some(habits) => learn(habits),
                None => learn(site.habits.entry(name.to_owned()).or_insert_with(Habits::of_a_role)),
            };
        if let Some(host) = self.hosts.of_mut(server) {
            let own = &mut host.habits.clients;
            role(&mut self.site, roles[1], &mut |all| novelty::learn(&mut [own, &mut all.clients], &client));
        }
        if let Some(host) = self.hosts.of_mut(client) {
            let own = &mut host.habits.services;
            role(&mut self.site, roles[0], &mut |all| {
                novelty::learn(&mut [own, &mut all.services], &service)
            });
        }
    }

    /// What a client does in an industrial session became usual.
    pub fn learn_action(&mut self, client: SiteAddr, action: Action) {
        let role = self.role_name(client);
        let client = self.baseline(client);
        let Some(host) = self.hosts.of_mut(client) else { return };
        let all = self.site.habits.entry(role.to_owned()).or_insert_with(Habits::of_a_role);
        novelty::learn(&mut [&mut host.habits.actions, &mut all.actions], &action);
    }

    /// Learning is over for everything known now.
    pub fn graduate(&mut self) {
        self.infer_subnets();
        self.site.graduated = true;
        // The site's clock goes by whole seconds.
        self.site.graduated_at = Some(self.site.last.plus(std::time::Duration::from_secs(1)));
        for host in self.hosts.iter_mut() {
            host.graduated = true;
            host.newcomer = false;
            host.speaks_ot |= !host.serves.is_empty();
        }
        self.hosts.touch_all();
    }
}
