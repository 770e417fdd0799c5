//! From what happened to what is unusual: one file per model.
//!
//! A model is one file here and two lines below: its `mod` and its entry in [`REGISTRY`]. The file holds its [`Spec`]
//! and a [`Detector`] that is told what happens and raises findings. Detectors judge before the world learns.

mod agenda;
pub mod attack;
mod counting;
pub mod draft;
pub mod finding;
pub mod findings;
mod first_contact;
pub mod happening;
mod remote;
mod seen;
pub mod settings;
mod sitting;

use crate::state::World;
use crate::time::Time;
pub use draft::Draft;
use finding::Severity;
pub use findings::Findings;
pub use happening::{Happening, Interest};
pub use settings::Settings;

/// What detectors may look at.
pub struct Context<'a> {
    /// Record time.
    pub now: Time,
    /// Everything known so far, without what is judged.
    pub world: &'a mut World,
}

/// Finds one kind of unusual thing.
pub trait Detector: Send {
    /// What it wants to be told; it is never told anything else.
    fn interest(&self) -> Interest {
        Interest::ALL
    }

    /// Takes what the operator set of it; most models have nothing to be set.
    ///
    /// # Errors
    /// One line that names the table and the key.
    fn configure(&mut self, settings: Settings<'_>) -> Result<(), String> {
        settings.none()
    }

    /// Judges what happened.
    fn on(&mut self, happening: &Happening<'_>, context: &mut Context<'_>, findings: &mut Findings);
}

/// A model, for people and machines.
pub struct Spec {
    /// `rule.id`.
    pub id: &'static str,
    /// `rule.name`.
    pub title: &'static str,
    /// What it fires on and why that matters, in a few sentences.
    pub summary: &'static str,
    /// ATT&CK for ICS technique ids, primary first.
    pub techniques: &'static [&'static str],
    /// Usual severity.
    pub severity: Severity,
    /// A detector for a new engine.
    pub build: fn() -> Box<dyn Detector>,
}

pub mod address_conflict;
pub mod admin_rdp;
pub mod asset_change;
pub mod beacon;
pub mod controller_state;
pub mod data_transfer;
pub mod external_failures;
pub mod external_ics;
pub mod ics_connectivity;
pub mod ics_failures;
pub mod ics_scan;
pub mod internal_failures;
pub mod it_to_ics;
pub mod new_action;
pub mod new_device_activity;
pub mod new_discover;
pub mod possible_ics;
pub mod protocol_anomaly;
pub mod rare_external;
pub mod reprogram;
pub mod segmentation;
pub mod silent_device;
pub mod stream_source;
pub mod tls_no_sni;
pub mod tls_self_signed;

/// Every model, sorted by id.
pub const REGISTRY: &[&Spec] = &[
    &address_conflict::SPEC,
    &admin_rdp::SPEC,
    &asset_change::SPEC,
    &beacon::SPEC,
    &controller_state::SPEC,
    &data_transfer::SPEC,
    &external_failures::SPEC,
    &external_ics::SPEC,
    &ics_connectivity::SPEC,
    &ics_failures::SPEC,
    &ics_scan::SPEC,
    &internal_failures::SPEC,
    &it_to_ics::SPEC,
    &new_action::SPEC,
    &new_device_activity::SPEC,
    &new_discover::SPEC,
    &possible_ics::SPEC,
    &protocol_anomaly::SPEC,
    &rare_external::SPEC,
    &reprogram::SPEC,
    &segmentation::SPEC,
    &silent_device::SPEC,
    &stream_source::SPEC,
    &tls_no_sni::SPEC,
    &tls_self_signed::SPEC,
];

/// The model of that id.
pub fn by_id(id: &str) -> Option<&'static Spec> {
    REGISTRY.iter().copied().find(|spec| spec.id == id)
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_registry_is_sorted_by_id() {
        assert!(super::REGISTRY.is_sorted_by_key(|spec| spec.id));
    }
}
