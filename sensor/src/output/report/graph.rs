//! Who talked to whom: those who act in the middle, what is outside on the left, what is inside on the right.

use std::collections::{BTreeMap, BTreeSet};

use super::canvas::{Canvas, WIDTH};
use super::escape::Safe;
use crate::incident::Incident;
use crate::incident::facts::{is_new, role};
use crate::output::convergence::{port, transport};
use crate::protocol::{Action, Port};
use crate::state::SiteAddr;
use crate::state::conversation::{Conversation, Ends};
use crate::state::zone::Kind;
use crate::state::{Device, World};
use crate::words::bytes;

const BOX: (f64, f64) = (290.0, 44.0);
const STEP: f64 = 54.0;
/// Boxes in a column; more are counted in one.
const COLUMN: usize = 14;
const TOP: f64 = 34.0;

/// What one does with another.
#[derive(Default)]
struct Tie {
    services: BTreeSet<String>,
    actions: BTreeSet<Action>,
    bytes: u64,
    access: bool,
}

impl Tie {
    fn add(&mut self, key: &Ends, of: &Conversation) {
        let service = match (&of.protocol, port(key)) {
            (Some(protocol), _) => protocol.clone(),
            (None, Some(Port::Tcp(3389))) => "tcp/3389".to_owned(),
            (None, Some(Port::Tcp(port))) => format!("tcp/{port}"),
            (None, Some(Port::Udp(port))) => format!("udp/{port}"),
            (None, _) => transport(key.transport).to_owned(),
        };
        self.access |=
            matches!(service.as_str(), "rdp" | "ssh" | "vnc" | "smb" | "winrm" | "tcp/3389" | "tcp/22");
        if self.services.len() < 4 {
            self.services.insert(service);
        }
        self.actions.extend(of.actions.iter().map(|(action, _)| *action));
        self.bytes = of.bytes.iter().fold(self.bytes, |sum, n| sum.saturating_add(*n));
    }

    /// The gravest thing: changes, then access, then reading.
    fn class(&self) -> &'static str {
        if self.actions.iter().any(|action| action.changes_the_process()) {
            "e-change"
        } else if self.access {
            "e-access"
        } else if !self.actions.is_empty() {
            "e-read"
        } else {
            "e-other"
        }
    }

    fn rank(&self) -> (u8, u64) {
        let class = match self.class() {
            "e-change" => 3,
            "e-access" => 2,
            "e-read" => 1,
            _ => 0,
        };
        (class, self.bytes)
    }

    fn words(&self) -> String {
        let services: Vec<&str> = self.services.iter().map(String::as_str).collect();
        let actions: Vec<&str> = self
            .actions
            .iter()
            .rev()
            .filter(|a| **a != Action::Session && **a != Action::Other)
            .map(|a| a.name())
            .collect();
        let actions = if actions.is_empty() { String::new() } else { format!(": {}", actions.join(", ")) };
        format!("{} · {}{actions}", bytes(self.bytes), services.join(", "))
    }
}

/// Everything the drawing shows.
struct Ties {
    ties: BTreeMap<(SiteAddr, SiteAddr), Tie>,
    /// Hosts inside and outside that never answered.
    tried: [BTreeSet<SiteAddr>; 2],
}

fn ties(incident: &Incident, world: &World) -> Ties {
    let mut all = Ties { ties: BTreeMap::new(), tried: Default::default() };
    let baseline: BTreeMap<Device, SiteAddr> =
        incident.actors.iter().map(|ip| (world.baseline(*ip), *ip)).collect();
    for (key, of) in world.conversations.iter() {
        let Some(actor) = baseline.get(&world.hosts.now(key.client)) else { continue };
        let key = world.ends(key);
        if world.zone(key.server).kind == Kind::Group || of.last < incident.first {
            continue;
        }
        let blocked = of.connections > 0 && of.failures >= of.connections;
        if blocked {
            let [inside, outside] = &mut all.tried;
            let set = if world.is_external(key.server) { outside } else { inside };
            set.insert(key.server);
        } else {
            all.ties.entry((*actor, key.server)).or_default().add(&key, of);
        }
    }
    // Who answered on one port was not only tried.
    for set in &mut all.tried {
        set.retain(|ip| !all.ties.keys().any(|(_, server)| server == ip));
    }
    all
}

struct Node {
    x: f64,
    y: f64,
}

fn place(count: usize, tallest: usize, x: f64) -> Vec<Node> {
    let room = STEP * tallest as f64;
    let used = STEP * count as f64;
    let start = TOP + (room - used) / 2.0;
    (0..count).map(|n| Node { x, y: start + STEP * n as f64 }).collect()
}

fn boxed(canvas: &mut Canvas, node: &Node, class: &str, first: &str, second: &str) {
    canvas.put(format!(
        "<rect class=\"box {class}\" x=\"{:.1}\" y=\"{:.1}\" width=\"{}\" height=\"{}\" rx=\"7\"><title>{}</title></rect>",
        node.x,
        node.y,
        BOX.0,
        BOX.1,
        Safe(format!("{first}: {second}"))
    ));
    canvas.text((node.x + 12.0, node.y + 18.0), "strong", "start", BOX.0 - 20.0, first);
    canvas.text((node.x + 12.0, node.y + 34.0), "soft small", "start", BOX.0 - 16.0, second);
}

fn edge(canvas: &mut Canvas, from: (f64, f64), to: (f64, f64), class: &str, weight: u64) {
    let bend = (to.0 - from.0) * 0.55;
    let thick = 1.5 + ((weight as f64).max(1.0).log10() - 3.0).clamp(0.0, 6.0) * 0.7;
    canvas.put(format!(
        "<path class=\"edge {class}\" stroke-width=\"{thick:.1}\" d=\"M{:.1} {:.1}C{:.1} {:.1} {:.1} {:.1} {:.1} {:.1}\"/>",
        from.0,
        from.1,
        from.0 + bend,
        from.1,
        to.0 - bend,
        to.1,
        to.0,
        to.1
    ));
}

/// One column of those acted upon: the gravest ties first, what is too many summed up.
struct Column {
    shown: Vec<(SiteAddr, String)>,
    more: usize,
    tried: usize,
}

impl Column {
    fn of(all: &Ties, world: &World, incident: &Incident, outside: bool) -> Self {
        let mut by_server: BTreeMap<SiteAddr, ((u8, u64), Vec<String>)> = BTreeMap::new();
        for ((_, server), tie) in &all.ties {
            if world.is_external(*server) != outside || incident.actors.contains(server) {
                continue;
            }
            let entry = by_server.entry(*server).or_default();
            entry.0 = entry.0.max(tie.rank());
            entry.1.push(tie.words());
        }
        let mut ordered: Vec<_> = by_server.into_iter().collect();
        ordered.sort_by_key(|(ip, (rank, _))| (std::cmp::Reverse(*rank), *ip));
        let more = ordered.len().saturating_sub(COLUMN);
        ordered.truncate(COLUMN);
        // Within what is shown, neighbours by address stand together.
        ordered.sort_by_key(|(ip, _)| (world.zone(*ip).name, *ip));
        let tried = all.tried.get(usize::from(outside)).map_or(0, BTreeSet::len);
        Self {
            shown: ordered.into_iter().map(|(ip, (_, words))| (ip, words.join("; "))).collect(),
            more,
            tried,
        }
    }

    fn len(&self) -> usize {
        self.shown
            .len()
            .saturating_add(usize::from(self.more > 0))
            .saturating_add(usize::from(self.tried > 0))
    }
}

/// The drawing; nothing where nobody was reached or tried.
pub fn draw(incident: &Incident, world: &World) -> Option<String> {
    let all = ties(incident, world);
    let columns = [Column::of(&all, world, incident, true), Column::of(&all, world, incident, false)];
    let tallest =
        columns.iter().map(Column::len).chain([incident.actors.len().min(COLUMN)]).max().unwrap_or(0);
    if columns.iter().all(|column| column.len() == 0) {
        return None;
    }
    let mut canvas = Canvas::new(TOP + STEP * tallest as f64 + 6.0);
    let (left, middle, right) = (4.0, (WIDTH - BOX.0) / 2.0, WIDTH - BOX.0 - 4.0);
    for (x, name) in [(left, "Outside"), (middle, "Acting"), (right, "Inside")] {
        canvas.text((x + 2.0, 18.0), "soft", "start", BOX.0, name);
    }
    let actors: Vec<SiteAddr> = incident.actors.iter().copied().take(COLUMN).collect();
    let spots: BTreeMap<SiteAddr, Node> =
        actors.iter().copied().zip(place(actors.len(), tallest, middle)).collect();
    for (column, x, outside) in [(&columns[0], left, true), (&columns[1], right, false)] {
        let nodes = place(column.len(), tallest, x);
        let near = if outside { x + BOX.0 } else { x };
        for ((ip, words), node) in column.shown.iter().zip(&nodes) {
            for ((actor, _), tie) in all.ties.iter().filter(|((_, server), _)| server == ip) {
                let Some(from) = spots.get(actor) else { continue };
                let start = (if outside { from.x } else { from.x + BOX.0 }, from.y + BOX.1 / 2.0);
                edge(&mut canvas, start, (near, node.y + BOX.1 / 2.0), tie.class(), tie.bytes);
            }
            let name = world.called(*ip);
            let name = match role(*ip, world) {
                Some(role) if !outside => format!("{name} · {role}"),
                _ => name,
            };
            boxed(&mut canvas, node, "", &name, words);
        }
        let mut rest = nodes.iter().skip(column.shown.len());
        let summed = [
            (column.more, "further hosts", "less was done with them", "e-other"),
            (column.tried, "hosts tried", "refused, or never answered", "e-tried"),
        ];
        for (n, what, how, class) in summed.into_iter().filter(|(n, ..)| *n > 0) {
            let Some(node) = rest.next() else { break };
            for from in spots.values().take(1) {
                let start = (if outside { from.x } else { from.x + BOX.0 }, from.y + BOX.1 / 2.0);
                edge(&mut canvas, start, (near, node.y + BOX.1 / 2.0), class, 1);
            }
            boxed(&mut canvas, node, "", &format!("{n} {what}"), how);
        }
    }
    for ((actor, server), tie) in &all.ties {
        if let (Some(from), Some(to)) = (spots.get(actor), spots.get(server)) {
            let (a, b) = ((from.x + BOX.0 * 0.8, from.y + BOX.1), (to.x + BOX.0 * 0.8, to.y));
            edge(&mut canvas, a, b, tie.class(), tie.bytes);
        }
    }
    for ip in &actors {
        let Some(node) = spots.get(ip) else { continue };
        let (class, what) = if is_new(*ip, world) { ("actor new", "new device, ") } else { ("actor", "") };
        let role = role(*ip, world).map_or(String::new(), |role| format!("{role}, "));
        let second = format!("{what}{role}zone {}", world.zone(*ip).name);
        boxed(&mut canvas, node, class, &world.called(*ip), &second);
    }
    let description = format!(
        "{} acting devices; {} hosts inside and {} outside were reached, {} and {} were only tried",
        incident.actors.len(),
        columns[1].shown.len().saturating_add(columns[1].more),
        columns[0].shown.len().saturating_add(columns[0].more),
        columns[1].tried,
        columns[0].tried
    );
    Some(canvas.finish("Who talked to whom", &description))
}
