//! Where detectors put what they found: the same again is counted, not repeated.

use std::collections::BTreeSet;
use std::time::Duration;

use hashlink::LruCache;

use super::draft::{Draft, MAX_REACH};
use super::finding::{Basis, Finding, Stage, Target};
use crate::config::Role;
use crate::protocol::Action;
use crate::state::SiteAddr;
use crate::state::address::mac_text;
use crate::state::rules::{Act, Allowance, named_port};
use crate::state::{Device, World};
use crate::time::Time;

/// The same finding within this time is more of the same.
const FOLD: Duration = Duration::from_secs(86_400);
/// Findings remembered to fold into.
const MAX_OPEN: usize = 16_384;
/// Different targets of one finding that are told apart; beyond them its total says "at least".
const MAX_APART: usize = 128;

/// What a *named* engineering station may do at less alarm; an inferred one gets no such credit.
const ENGINEERING: &[&str] = &["controller_state", "new_action", "reprogram"];

/// What is the same finding: model, actor, whatever the model adds, and the allowance that covers it. What is allowed and
/// what is not are never one finding.
type Same = (&'static str, SiteAddr, String, Option<Allowance>);

/// A finding that more of the same is folded into.
struct Open {
    number: u64,
    last: Time,
    targets: BTreeSet<Target>,
}

/// The allowance that covers all of a draft.
fn covered(finding: &Finding, reach: &[Target], action: Option<Action>, world: &World) -> Option<Allowance> {
    if !world.rules.allows_anything() {
        return None;
    }
    let act = |to, port: Option<u16>| Act {
        who: finding.actor,
        to,
        protocol: finding.protocol.as_deref(),
        port: port.and_then(|port| named_port(&finding.transport, port)),
        action,
        at: finding.at,
    };
    let ends_known = !reach.is_empty() && reach.len() <= MAX_REACH;
    let mut by = if ends_known { None } else { Some(world.allowance(&act(None, None))?) };
    for target in reach {
        by = Some(world.allowance(&act(Some(target.ip), target.port))?);
    }
    by
}

/// Findings that are part of another.
#[derive(Clone, Debug)]
pub struct Absorbed {
    /// Of whom.
    pub actor: SiteAddr,
    /// Of these models.
    pub models: Vec<&'static str>,
    /// The finding they are part of.
    pub number: u64,
    /// Not older than this.
    pub since: Time,
    /// Only about this target.
    pub target: Option<SiteAddr>,
}

/// Findings raised, waiting to be taken.
pub struct Findings {
    open: LruCache<Same, Open>,
    next: u64,
    /// What is being judged does this.
    doing: Option<Action>,
    raised: Vec<Finding>,
    folded: Vec<(u64, Finding)>,
    absorbed: Vec<Absorbed>,
    entered: Vec<u64>,
}

impl Findings {
    /// Numbers go on behind `last`.
    pub fn new(last: u64) -> Self {
        Self {
            open: LruCache::new(MAX_OPEN),
            next: last.saturating_add(1),
            doing: None,
            raised: Vec::new(),
            folded: Vec::new(),
            absorbed: Vec::new(),
            entered: Vec::new(),
        }
    }

    /// What is judged from now on does this, where content or its absence says so.
    pub fn doing(&mut self, action: Option<Action>) {
        self.doing = action;
    }

    /// These findings are over: more of the same is a new one.
    pub fn forget(&mut self, numbers: &[u64]) {
        let numbers: BTreeSet<u64> = numbers.iter().copied().collect();
        let keys: Vec<Same> = self
            .open
            .iter()
            .filter(|(_, open)| numbers.contains(&open.number))
            .map(|(key, _)| key.clone())
            .collect();
        for key in keys {
            self.open.remove(&key);
        }
    }

    /// Raises a finding, or counts it as more of one that was. Returns its number.
    pub fn raise(&mut self, draft: Draft, world: &World) -> u64 {
        let Draft { same, once, spec, mut finding, reach } = draft;
        finding.say_macs();
        // Under however many addresses somebody sends that are not its own, it is one who acts.
        if let Some((sender, mac)) = world.sender(finding.actor) {
            let forged = std::mem::replace(&mut finding.actor, sender);
            finding.facts.push(("forged".to_owned(), format!("{forged}, by {}", mac_text(mac))));
        }
        finding.device =
            Some(world.who(finding.actor)).filter(|device| *device != Device::first(finding.actor));
        if finding.basis == Basis::FirstSeen && !world.has_baseline() {
            finding.basis = Basis::NoBaseline;
            finding.importance = None;
        }
        // Looking around is what a scanner is there for, whether it gets as far as a connection or further.
        let action = match self.doing {
            Some(Action::Session) if finding.stage == Stage::Discovery => Some(Action::Discover),
            other => other,
        };
        finding.actions.extend(action);
        finding.allowed = covered(&finding, &reach, action, world);
        let actor = world.asset(finding.actor);
        if ENGINEERING.contains(&spec.id) && actor.is_some_and(|asset| asset.role == Some(Role::Engineering))
        {
            finding.severity = finding.severity.lower();
        }
        let key = (spec.id, finding.actor, same, finding.allowed.clone());
        finding.same.clone_from(&key.2);
        if let Some(open) = self.open.get_mut(&key)
            && finding.at.since(open.last) < FOLD
        {
            open.last = finding.at;
            let number = open.number;
            if !once {
                for target in &finding.targets {
                    if open.targets.len() < MAX_APART {
                        open.targets.insert(target.clone());
                    }
                }
                finding.targets_total = finding.targets_total.max(open.targets.len() as u64);
                self.folded.push((number, finding));
            }
            return number;
        }
        let number = self.next;
        self.next = self.next.saturating_add(1);
        finding.number = number;
        finding.actor_zone = world.zone(finding.actor).name;
        finding.device_stage = world.stage(finding.actor).name().to_owned();
        finding.actor_name = actor.map(|asset| asset.name.clone());
        if let Some(host) = world.hosts.get(&finding.actor) {
            finding.actor_mac = host.mac.map(Into::into);
        }
        if let Some(target) = finding.targets.first() {
            finding.target_zone = world.zone(target.ip).name;
            finding.target_name = world.asset(target.ip).map(|asset| asset.name.clone());
        }
        let targets = finding.targets.iter().cloned().collect();
        self.open.insert(key, Open { number, last: finding.at, targets });
        self.raised.push(finding);
        number
    }

    /// The session of a finding that was raised stands: its target is a place to go on from.
    pub fn enter(&mut self, model: &'static str, actor: SiteAddr, same: &str, now: Time) {
        // What is allowed leads nowhere that is not.
        let open = self.open.peek(&(model, actor, same.to_owned(), None));
        self.entered.extend(open.filter(|open| now.since(open.last) < FOLD).map(|open| open.number));
    }

    /// A finding of an earlier run: more of the same is still folded into it.
    pub fn remember(&mut self, finding: &Finding) {
        let Some(spec) = super::by_id(&finding.model) else { return };
        let key = (spec.id, finding.actor, finding.same.clone(), finding.allowed.clone());
        let targets = finding.targets.iter().cloned().collect();
        self.open.insert(key, Open { number: finding.number, last: finding.last, targets });
    }

    /// Findings of these models by `actor` since `since` are part of finding `number`.
    pub fn absorb(&mut self, actor: SiteAddr, models: &[&'static str], number: u64, since: Time) {
        self.absorbed.push(Absorbed { actor, models: models.to_vec(), number, since, target: None });
    }

    /// As [`Findings::absorb`], only of findings about this target and no other.
    pub fn absorb_at(
        &mut self,
        actor: SiteAddr,
        models: &[&'static str],
        number: u64,
        since: Time,
        target: SiteAddr,
    ) {
        self.absorbed.push(Absorbed { actor, models: models.to_vec(), number, since, target: Some(target) });
    }

    /// What was raised since the last call: new ones, more of old ones, and what absorbs what.
    pub fn take(&mut self) -> (Vec<Finding>, Vec<(u64, Finding)>, Vec<Absorbed>) {
        (
            std::mem::take(&mut self.raised),
            std::mem::take(&mut self.folded),
            std::mem::take(&mut self.absorbed),
        )
    }

    /// Findings whose session stands since the last call.
    pub fn take_entered(&mut self) -> Vec<u64> {
        std::mem::take(&mut self.entered)
    }

    /// Whether anything waits to be taken.
    pub fn is_empty(&self) -> bool {
        self.raised.is_empty()
            && self.folded.is_empty()
            && self.absorbed.is_empty()
            && self.entered.is_empty()
    }
}
