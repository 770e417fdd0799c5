//! Small connections to one rare endpoint outside, as regular as a clock.

use std::time::Duration;

use hashlink::LruCache;

use super::finding::{Basis, Severity, Stage};
use super::{Context, Detector, Draft, Findings, Happening, Interest, Spec};
use crate::importance::beacon::{Intervals, MAX_INTERVALS, MIN_INTERVALS};
use crate::importance::budget::Family;
use crate::state::SiteAddr;
use crate::state::connection::Connection;
use crate::state::{ConnectionState, World};
use crate::time::Time;

/// Registration.
pub static SPEC: Spec = Spec {
    id: "beacon",
    title: "Beaconing",
    summary: "A host opens small connections to one external endpoint that hardly anybody else here reaches, at intervals more regular than chance allows. Names (DNS) and clocks (NTP) are asked regularly by design and are left out.",
    techniques: &["T0869"],
    severity: Severity::Medium,
    build: || Box::new(Model::default()),
};

/// An endpoint that more hosts go to is not rare.
const RARE_CLIENTS: usize = 2;
/// Bytes of a connection, both ways, beyond which it carries more than a sign of life.
const SMALL: u64 = 64 * 1024;
/// Connections opened at once are one beat.
const MERGE: Duration = Duration::from_secs(2);
/// Regularity below which a small p only says that the process is no Poisson process.
const SCORE: f64 = 0.8;
/// Shorter periods are polling, retries and keep-alives.
const SHORTEST_S: f64 = 10.0;
const MAX_PAIRS: usize = 8192;

/// A pair's beats.
struct Pair {
    beats: Intervals,
    since: Time,
    connections: u64,
    /// Connections that were large.
    large: u64,
    /// Beats at which it is judged next: when the ring has turned over, so that no interval is judged twice.
    due: u64,
}

struct Model {
    pairs: LruCache<(SiteAddr, SiteAddr, u16), Pair>,
}

impl Default for Model {
    fn default() -> Self {
        Self { pairs: LruCache::new(MAX_PAIRS) }
    }
}

impl Detector for Model {
    fn interest(&self) -> Interest {
        Interest::OPENED.and(Interest::CLOSED)
    }

    fn on(&mut self, happening: &Happening<'_>, context: &mut Context<'_>, findings: &mut Findings) {
        match happening {
            Happening::Opened(connection) if concerns(connection, context.world) => {
                self.opened(connection, context, findings);
            }
            Happening::Closed(connection) => {
                let bytes = connection.legs.iter().fold(0_u64, |sum, leg| sum.saturating_add(leg.bytes));
                if bytes > SMALL && connection.state != ConnectionState::Refused {
                    let key = (connection.client.ip, connection.server.ip, connection.server.port);
                    if let Some(pair) = self.pairs.peek_mut(&key) {
                        pair.large = pair.large.saturating_add(1);
                    }
                }
            }
            _ => {}
        }
    }
}

fn concerns(connection: &Connection, world: &World) -> bool {
    let (client, server) = (connection.client.ip, connection.server.ip);
    // Asking for names and the time is regular by design.
    if matches!(connection.server.port, 53 | 123 | 853) || !world.is_external(server) {
        return false;
    }
    let external = world.externals.get(&World::external_key(server));
    let rare = external.is_none_or(|external| {
        !external.taught
            && external.clients.len() <= RARE_CLIENTS
            && (external.clients.len() < RARE_CLIENTS || external.clients.contains(&client))
    });
    rare && !world.is_external(client) && world.judges_numbers_outward(client)
}

impl Model {
    fn opened(&mut self, connection: &Connection, context: &mut Context<'_>, findings: &mut Findings) {
        let now = context.now;
        let (client, server) = (connection.client.ip, connection.server.ip);
        let pair = self.pairs.entry((client, server, connection.server.port)).or_insert_with(|| Pair {
            beats: Intervals::new(MERGE),
            since: now,
            connections: 0,
            large: 0,
            due: MIN_INTERVALS as u64,
        });
        pair.beats.arrive(now);
        pair.connections = pair.connections.saturating_add(1);
        if pair.connections <= pair.due || pair.large.saturating_mul(2) > pair.connections {
            return;
        }
        let Some(beat) = pair.beats.judge() else { return };
        pair.due = pair.connections.saturating_add(MAX_INTERVALS as u64);
        let (n, since) = (pair.connections, pair.since);
        let world = &mut *context.world;
        if !world.unusual(Family::Beacon, beat.p) || beat.score < SCORE || beat.period_s < SHORTEST_S {
            return;
        }
        let (hours, period) = (now.since(since), beat.period_s);
        let draft = Draft::new(&SPEC, connection, now)
            .since(since)
            .basis(Basis::Statistical)
            .stage(Stage::CommandAndControl)
            .same(format!("{server}:{}", connection.server.port))
            .p(beat.p)
            .summary(format!(
                "{client} opened {n} small connections to {server}:{}, one each {period:.0} s give or take {:.1} s; hardly anybody else here goes there",
                connection.server.port, beat.jitter_s
            ))
            // Arrivals by chance would scatter by 0.69 of the median interval (the median deviation of an exponential).
            .measured(beat.jitter_s, period * 0.69, "seconds of scatter between connections", hours)
            .fact("endpoint", format!("{server}:{}", connection.server.port));
        findings.raise(draft, world);
    }
}
