//! Two devices that claim one address, and devices that shout who they are.

use std::collections::VecDeque;
use std::time::Duration;

use hashlink::LruCache;

use super::finding::{Severity, Stage};
use super::happening::Claim;
use super::{Context, Detector, Draft, Findings, Happening, Interest, Spec};
use crate::state::address::{is_virtual, mac_text};
use crate::state::{SiteAddr, SiteMac};
use crate::time::Time;

/// Registration.
pub static SPEC: Spec = Spec {
    id: "address_conflict",
    title: "Address conflict",
    summary: "Two MACs claim one address (ARP, Neighbor Discovery) in turns, as when somebody stands between two hosts or a device was given an address in use (an owner that goes on sending from its address claims it too); or one MAC announces addresses again and again. An address that changes hands once (DHCP), virtual router MACs (VRRP, HSRP, GLBP, CARP) and several addresses of one device are none.",
    techniques: &["T0830"],
    severity: Severity::High,
    build: || Box::new(Model::default()),
};

/// Claims that changed hands within [`WINDOW`] that make a conflict: there, back, and there again. A lease that moves on
/// changes hands once, a failover and its way back twice. Whoever claims the address of a device that is there has the third
/// with its next claim after that device sent something.
const CHANGES: usize = 3;
const WINDOW: Duration = Duration::from_secs(600);
/// Unasked claims of one MAC within [`STORM_WINDOW`] that make a storm: the published rate of a commercial sensor.
const STORM: usize = 60;
const STORM_WINDOW: Duration = Duration::from_secs(60);
const MAX_ADDRESSES: usize = 16_384;

/// Who holds an address.
struct Held {
    mac: [u8; 6],
    /// Who held it before it began to change hands.
    owner: [u8; 6],
    /// The newcomer's own address, once it was found.
    actor: Option<SiteAddr>,
    /// When it changed hands lately, and to whom.
    changes: VecDeque<(Time, [u8; 6])>,
}

struct Model {
    held: LruCache<((u8, [u16; 2]), SiteAddr), Held>,
    /// Unasked claims of a MAC, and the first address it claimed.
    shouts: LruCache<SiteMac, (SiteAddr, VecDeque<Time>)>,
}

impl Default for Model {
    fn default() -> Self {
        Self { held: LruCache::new(MAX_ADDRESSES), shouts: LruCache::new(MAX_ADDRESSES) }
    }
}

impl Detector for Model {
    fn interest(&self) -> Interest {
        Interest::ADDRESS
    }

    fn on(&mut self, happening: &Happening<'_>, context: &mut Context<'_>, findings: &mut Findings) {
        let Happening::Address(claim) = happening else { return };
        if is_virtual(claim.mac) {
            return;
        }
        self.shouted(claim, context, findings);
        self.claimed(claim, context, findings);
    }
}

impl Model {
    fn claimed(&mut self, claim: &Claim, context: &Context<'_>, findings: &mut Findings) {
        let now = context.now;
        // Who was known to own it before the first claim heard here is the owner, whoever speaks first.
        let world = &*context.world;
        let held = self.held.entry((claim.link, claim.ip)).or_insert_with(|| {
            let mac = world.hosts.get(&claim.ip).and_then(|host| host.mac).map_or(claim.mac, |own| own.mac);
            Held { mac, owner: mac, actor: None, changes: VecDeque::new() }
        });
        if held.mac == claim.mac {
            return;
        }
        let before = std::mem::replace(&mut held.mac, claim.mac);
        while held.changes.front().is_some_and(|(at, _)| now.since(*at) > WINDOW)
            || held.changes.len() >= 2 * CHANGES
        {
            held.changes.pop_front();
        }
        // Whoever has it again after a while is no newcomer, however long another held it.
        if held.changes.is_empty() && claim.mac != held.owner {
            (held.owner, held.actor) = (before, None);
        }
        held.changes.push_back((now, claim.mac));
        if held.changes.len() < CHANGES {
            return;
        }
        let since = held.changes.front().map_or(now, |(at, _)| *at);
        let owner = held.owner;
        let newcomer = if claim.mac == owner { before } else { claim.mac };
        let n = held.changes.len();
        let ip = claim.ip;
        // The newcomer's own address, where it ever claimed another one.
        let by = SiteMac { mac: newcomer, segment: claim.segment };
        let said = self.shouts.peek(&by).map(|(own, _)| *own).filter(|own| *own != ip);
        let known = || world.owner_of(by).filter(|own| *own != ip);
        // While it holds the address, that is the one it is known by.
        let actor = held.actor.or(said).or_else(known);
        held.actor = actor;
        let mut draft = Draft::about(&SPEC, actor.unwrap_or(ip), now)
            .since(since)
            .same(ip.to_string())
            .stage(Stage::LateralMovement)
            .target(ip, 0)
            .summary(format!(
                "{ip} is claimed by {} and by {} in turns: it changed hands {n} times within {} s",
                mac_text(owner),
                mac_text(newcomer),
                now.since(since).as_secs()
            ))
            .measured(n as f64, 1.0, "changes of hands", WINDOW)
            .fact("mac", mac_text(owner))
            .fact("mac.new", mac_text(newcomer));
        if let Some(actor) = actor {
            draft = draft.fact("actor", format!("{} was {actor} before", mac_text(newcomer)));
        }
        findings.raise(draft, context.world);
    }

    fn shouted(&mut self, claim: &Claim, context: &Context<'_>, findings: &mut Findings) {
        let now = context.now;
        let by = SiteMac { mac: claim.mac, segment: claim.segment };
        let (first, times) = self.shouts.entry(by).or_insert_with(|| (claim.ip, VecDeque::new()));
        if !claim.gratuitous {
            return;
        }
        while times.front().is_some_and(|at| now.since(*at) > STORM_WINDOW) || times.len() >= STORM {
            times.pop_front();
        }
        times.push_back(now);
        if times.len() < STORM {
            return;
        }
        let since = times.front().copied().unwrap_or(now);
        times.clear();
        let draft = Draft::about(&SPEC, *first, now)
            .since(since)
            .same(format!("storm {}", mac_text(claim.mac)))
            .severity(Severity::Medium)
            .stage(Stage::LateralMovement)
            .target(claim.ip, 0)
            .summary(format!(
                "{} announced addresses {STORM} times within {} s without being asked, {} last",
                mac_text(claim.mac),
                now.since(since).as_secs().max(1),
                claim.ip
            ))
            .measured(STORM as f64, 1.0, "unasked claims", STORM_WINDOW)
            .fact("mac", mac_text(claim.mac));
        findings.raise(draft, context.world);
    }
}
