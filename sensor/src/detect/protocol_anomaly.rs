//! Messages that break their protocol's rules, and requests that devices keep refusing.

use std::time::Duration;

use hashlink::LruCache;

use super::finding::{Basis, Severity, Stage};
use super::{Context, Detector, Draft, Findings, Happening, Interest, Spec};
use crate::importance::budget::Family;
use crate::importance::counts::Prior;
use crate::protocol::{Direction, Side, Status};
use crate::state::SiteAddr;
use crate::state::connection::Connection;
use crate::state::conversation::Conversation;
use crate::state::tally::{Tally, WINDOW};

/// Registration.
pub static SPEC: Spec = Spec {
    id: "protocol_anomaly",
    title: "Malformed or refused industrial messages",
    summary: "A client sends an industrial service malformed messages, tries functions one after the other, or is refused far more often than this conversation is used to.",
    techniques: &["T0846", "T0814"],
    severity: Severity::Medium,
    build: || Box::new(Model::default()),
};

/// Before anything is learned: a refusal now and then (a register that is not there) is ordinary, worth an hour of
/// watching; bytes that break the rules and functions a device does not know are much rarer.
fn prior(kind: Kind) -> Prior {
    let (events, hours) = match kind {
        Kind::Refused => (1.0, 1),
        Kind::Malformed => (0.5, 6),
        Kind::Probed => (0.5, 24),
    };
    Prior::new(events, Duration::from_secs(hours * 3600))
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Malformed,
    Refused,
    Probed,
}

/// Below this nothing is unusual: a client that finds out what a new device can do is refused a few times too.
const fn floor(kind: Kind) -> u64 {
    match kind {
        Kind::Malformed | Kind::Probed => 5,
        Kind::Refused => 8,
    }
}

/// Functions a server does not have that are remembered of a conversation, and conversations in which that is probing.
const MAX_FUNCTIONS: usize = 256;
const MAX_PAIRS: usize = 8192;

struct Model {
    /// Whether a client was told of as probing a server.
    probing: LruCache<(SiteAddr, SiteAddr, u16), bool>,
}

impl Default for Model {
    fn default() -> Self {
        Self { probing: LruCache::new(MAX_PAIRS) }
    }
}

impl Detector for Model {
    fn interest(&self) -> Interest {
        Interest::COMMANDS.and(Interest::MALFORMED)
    }

    fn on(&mut self, happening: &Happening<'_>, context: &mut Context<'_>, findings: &mut Findings) {
        match happening {
            Happening::Malformed(connection, malformed, side)
                if connection.protocol.is_some_and(|spec| spec.industrial) =>
            {
                let who = if *side == Side::Client { "client" } else { "server" };
                let (what, sort) = (format!("{malformed} from the {who}"), *malformed as u16);
                judge(Kind::Malformed, sort, connection, what, context, findings);
            }
            Happening::Command(connection, command, Side::Server)
                if command.direction == Direction::Response =>
            {
                let Status::Refused(_, why) = &command.status else { return };
                let key = (connection.client.ip, connection.server.ip, connection.service_port());
                let probing = self.probing.entry(key).or_insert(false);
                let new = is_unknown(why) && is_new(connection, command.code, context);
                let what = || format!("{} ({}): {why}", command.name, command.code_text);
                let code = command.code as u16;
                if new {
                    *probing |= judge(Kind::Probed, code, connection, what(), context, findings);
                }
                // Trying functions is being refused many times: one finding says it.
                if !*probing {
                    judge(Kind::Refused, code, connection, what(), context, findings);
                }
            }
            _ => {}
        }
    }
}

/// Whether a refusal says that the device does not have the function, rather than that it does not want this now.
fn is_unknown(why: &str) -> bool {
    const WORDS: [&str; 8] = [
        "illegal function",
        "service not supported",
        "function code not supported",
        "not implemented",
        "unrecognized",
        "unknown pccc function",
        "unknown type identification",
        "unsupported",
    ];
    let why = why.to_ascii_lowercase();
    WORDS.iter().any(|word| why.contains(word))
}

/// Whether the function was not tried in this conversation before.
fn is_new(connection: &Connection, code: u32, context: &mut Context<'_>) -> bool {
    let (key, now) = (context.world.key(connection), context.now);
    let conversation =
        context.world.conversations.entry(&key, || Conversation { first: now, ..Conversation::default() });
    let functions = &mut conversation.anomalies.get_or_insert_default().functions;
    functions.len() < MAX_FUNCTIONS && functions.insert(code)
}

fn tally(conversation: &mut Conversation, kind: Kind) -> &mut Tally {
    let anomalies = conversation.anomalies.get_or_insert_default();
    match kind {
        Kind::Malformed => &mut anomalies.malformed,
        Kind::Refused => &mut anomalies.refused,
        Kind::Probed => &mut anomalies.probed,
    }
}

/// Counts one more, of one `sort`, and raises it where that is more than usual; says whether it did.
fn judge(
    kind: Kind,
    sort: u16,
    connection: &Connection,
    what: String,
    context: &mut Context<'_>,
    findings: &mut Findings,
) -> bool {
    let now = context.now;
    let (client, server) = (connection.client.ip, connection.server.ip);
    let judged = context.world.judges_numbers(client, server);
    let world = &mut *context.world;
    let key = world.key(connection);
    let conversation =
        world.conversations.entry(&key, || Conversation { first: now, ..Conversation::default() });
    let tally = tally(conversation, kind);
    // The same again and again is one thing told often: what differs counts in full.
    let (n, ended) = tally.add(now, (server, sort));
    let (weight, p, expected) = (tally.weight(), tally.p(prior(kind)), tally.expected(prior(kind)));
    let enough = if kind == Kind::Malformed { n } else { weight };
    if judged {
        world.site.budget.judged(Family::ProtocolAnomaly, ended);
    }
    if !judged || p >= world.threshold(Family::ProtocolAnomaly) || enough < floor(kind) {
        return false;
    }
    if let Some(conversation) = world.conversations.get_mut(&key) {
        self::tally(conversation, kind).taint();
    }
    let protocol = connection.protocol.map_or("industrial", |spec| spec.title);
    let minutes = WINDOW.as_secs() / 60;
    let port = connection.service_port();
    let (same, unit, words) = match kind {
        Kind::Malformed => (
            "malformed",
            "malformed messages",
            format!(
                "{n} malformed {protocol} messages between {client} and {server}:{port} within {minutes} minutes"
            ),
        ),
        Kind::Refused => (
            "refused",
            "refused requests",
            format!("{server}:{port} refused {n} {protocol} requests of {client} within {minutes} minutes"),
        ),
        Kind::Probed => (
            "probed",
            "refused functions",
            format!(
                "{client} tried {n} {protocol} functions that {server}:{port} does not have, within {minutes} minutes, none of which it had tried before: it looks for what the device can do"
            ),
        ),
    };
    let draft = Draft::new(&SPEC, connection, now)
        .basis(Basis::Statistical)
        .stage(Stage::Discovery)
        .same(format!("{server} {same}"))
        .p(p)
        .summary(format!("{words}; {expected:.2} are usual"))
        .measured(n as f64, expected, unit, WINDOW)
        .fact("latest", what);
    findings.raise(draft, world);
    true
}
