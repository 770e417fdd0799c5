//! What a device says about itself is not what it said before, or another device is where it was.

use std::collections::BTreeSet;
use std::time::Duration;

use hashlink::LruCache;

use super::finding::{Severity, Stage};
use super::happening::{Change, Claim};
use super::{Context, Detector, Draft, Findings, Happening, Interest, Spec};
use crate::protocol::AssetField;
use crate::state::address::{is_virtual, mac_text};
use crate::state::host::DeviceStage;
use crate::state::oui::maker;
use crate::state::{SiteAddr, SiteMac};
use crate::time::Time;

/// Registration.
pub static SPEC: Spec = Spec {
    id: "asset_change",
    title: "Asset identity changed",
    summary: "A device states another firmware, serial number, model, maker or name than before, in the same protocol. Several statements that take turns are several modules behind one address, not a change. Also a new device at the address of one of OT: what others do there as before is not told, what it does itself is a stranger's.",
    techniques: &["T0857", "T0889", "T0864"],
    severity: Severity::Medium,
    build: || Box::new(Model::default()),
};

/// A device needs longer than this to be exchanged or to start with another firmware; statements that differ within it are
/// of different modules.
const SETTLED: Duration = Duration::from_secs(20);
const MAX_DEVICES: usize = 8192;
/// Statements of one kind by one device that are remembered.
const MAX_STATED: usize = 16;

/// What a device is, in the fields that say so.
const IDENTITY: [AssetField; 6] = [
    AssetField::Vendor,
    AssetField::Model,
    AssetField::Firmware,
    AssetField::Serial,
    AssetField::Name,
    AssetField::Station,
];

/// Who, about what, in which protocol.
type Key = (SiteAddr, AssetField, String);

/// A device that was not heard for so long since another one claimed its address is no longer there: one that is says so sooner,
/// to keep its address (RFC 5227 §2.4) or because it is asked.
const GONE: Duration = Duration::from_secs(60);
/// Addresses watched at once for who has them in the end.
const MAX_CLAIMED: usize = 1024;

/// A new device claims the address of another one.
struct Claimed {
    at: Time,
    from: SiteMac,
    by: SiteMac,
}

struct Model {
    /// Everything a device stated that did not count as a change.
    stated: LruCache<Key, BTreeSet<String>>,
    claimed: LruCache<SiteAddr, Claimed>,
}

impl Default for Model {
    fn default() -> Self {
        Self { stated: LruCache::new(MAX_DEVICES), claimed: LruCache::new(MAX_CLAIMED) }
    }
}

impl Detector for Model {
    fn interest(&self) -> Interest {
        Interest::ASSET.and(Interest::ADDRESS).and(Interest::TICK)
    }

    fn on(&mut self, happening: &Happening<'_>, context: &mut Context<'_>, findings: &mut Findings) {
        match happening {
            Happening::Asset(change) => self.states(change, context, findings),
            Happening::Address(claim) => self.claims(claim, context),
            Happening::Tick => self.settle(context, findings),
            _ => {}
        }
    }
}

impl Model {
    fn states(&mut self, change: &Change<'_>, context: &Context<'_>, findings: &mut Findings) {
        // Programs come and go, and a name for one service is not the device.
        if !IDENTITY.contains(&change.field) {
            return;
        }
        let Some(old) = change.old.filter(|old| old.source == change.protocol) else { return };
        let key = (change.host, change.field, change.protocol.to_owned());
        let stated = self.stated.entry(key).or_insert_with(BTreeSet::new);
        if stated.len() < MAX_STATED {
            stated.insert(old.value.clone());
        }
        let takes_turns = stated.contains(change.new);
        if stated.len() < MAX_STATED {
            stated.insert(change.new.to_owned());
        }
        if takes_turns || context.now.since(old.at) < SETTLED {
            return;
        }
        let (what, severity) = words(change);
        let host = change.host;
        let draft = Draft::about(&SPEC, host, context.now)
            .same(format!("{what} {}", change.new))
            .stage(Stage::Impact)
            .severity(severity)
            .target(host, 0)
            .summary(format!(
                "{host} states {what} `{}` in {}; until {} it stated `{}`",
                change.new, change.protocol, old.at, old.value
            ))
            .fact("asset.before", old.value.clone())
            .fact("asset.now", change.new);
        findings.raise(draft, context.world);
    }

    /// Only of OT: elsewhere addresses are leased to one device after the other, whether the lease is seen here or not.
    fn claims(&mut self, claim: &Claim, context: &Context<'_>) {
        let world = &*context.world;
        let by = SiteMac { mac: claim.mac, segment: claim.segment };
        if self.claimed.peek(&claim.ip).is_some_and(|claimed| claimed.by != by) {
            self.claimed.remove(&claim.ip);
        }
        let Some(owner) = world.hosts.get(&claim.ip).filter(|host| host.speaks_ot) else { return };
        let Some(from) = owner.mac.filter(|mac| *mac != by) else { return };
        if is_virtual(claim.mac) || world.is_new(claim.ip) || world.stage(claim.ip) == DeviceStage::Learning {
            return;
        }
        let at = context.now;
        self.claimed.entry(claim.ip).or_insert_with(|| Claimed { at, from, by });
    }

    /// Tells who has been where another device was for long enough, and answers there. A known device that takes another's address
    /// over stands in for it.
    fn settle(&mut self, context: &Context<'_>, findings: &mut Findings) {
        let (world, now) = (&*context.world, context.now);
        let mut told = Vec::new();
        for (ip, claimed) in self.claimed.iter().filter(|(_, claimed)| now.since(claimed.at) >= GONE) {
            let has = world.hosts.get(ip).filter(|host| host.mac == Some(claimed.by));
            match has {
                Some(host) if host.heard && world.is_new(*ip) => {
                    findings.raise(successor(*ip, claimed, now), world);
                    told.push(*ip);
                }
                Some(_) if world.is_new(*ip) => {}
                _ => told.push(*ip),
            }
        }
        for ip in told {
            self.claimed.remove(&ip);
        }
    }
}

fn successor(ip: SiteAddr, claimed: &Claimed, now: Time) -> Draft {
    let [from, by] = [claimed.from, claimed.by].map(|of| (mac_text(of), maker(of.mac)));
    let severity = if from.1 == by.1 { Severity::Medium } else { Severity::High };
    let text = |(mac, maker): &(String, Option<&str>)| match maker {
        Some(maker) => format!("{mac} ({maker})"),
        None => mac.clone(),
    };
    Draft::about(&SPEC, ip, now)
        .since(claimed.at)
        .same(format!("device {}", by.0))
        .severity(severity)
        .stage(Stage::Foothold)
        .techniques(&["T0864"])
        .target(ip, 0)
        .summary(format!(
            "another device is at {ip} since {}: {}; until then it was {}, which was not heard since",
            claimed.at,
            text(&by),
            text(&from)
        ))
        .fact("mac", from.0)
        .fact("mac.new", by.0)
}

fn words(change: &Change<'_>) -> (&'static str, Severity) {
    match change.field {
        AssetField::Firmware => ("firmware", Severity::Medium),
        AssetField::Serial => ("serial number", Severity::Medium),
        AssetField::Model => ("model", Severity::Medium),
        AssetField::Vendor => ("maker", Severity::Medium),
        AssetField::Address => ("IP address", Severity::Low),
        AssetField::Id => ("id", Severity::Medium),
        AssetField::Role => ("role", Severity::Low),
        AssetField::Station => ("station name", Severity::Low),
        _ => ("name", Severity::Low),
    }
}
