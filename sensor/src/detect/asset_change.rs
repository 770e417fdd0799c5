//! What a device says about itself is not what it said before.

use std::collections::BTreeSet;
use std::time::Duration;

use hashlink::LruCache;

use super::finding::{Severity, Stage};
use super::happening::Change;
use super::{Context, Detector, Draft, Findings, Happening, Interest, Spec};
use crate::protocol::AssetField;
use crate::state::SiteAddr;

/// Registration.
pub static SPEC: Spec = Spec {
    id: "asset_change",
    title: "Asset identity changed",
    summary: "A device states another firmware, serial number, model, maker or name than before, in the same protocol. Several statements that take turns are several modules behind one address, not a change.",
    techniques: &["T0857", "T0889"],
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

struct Model {
    /// Everything a device stated that did not count as a change.
    stated: LruCache<Key, BTreeSet<String>>,
}

impl Default for Model {
    fn default() -> Self {
        Self { stated: LruCache::new(MAX_DEVICES) }
    }
}

impl Detector for Model {
    fn interest(&self) -> Interest {
        Interest::ASSET
    }

    fn on(&mut self, happening: &Happening<'_>, context: &mut Context<'_>, findings: &mut Findings) {
        let Happening::Asset(change) = happening else { return };
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
