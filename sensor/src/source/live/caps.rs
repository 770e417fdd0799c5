//! Giving up every privilege once the program is attached: all the rest works on descriptors already held.

use anyhow::Context as _;
use rustix::thread::{
    CapabilitySet, CapabilitySets, capabilities, clear_ambient_capability_set,
    remove_capability_from_bounding_set, set_capabilities, set_no_new_privs,
};

/// Drops all capabilities of the calling thread for good, and of every thread it starts from then on.
///
/// Capabilities belong to threads: call this before any other is started, or on each.
///
/// # Errors
/// When the kernel refuses or something is left.
pub fn drop_all() -> anyhow::Result<()> {
    let held = capabilities(None).context("cannot read capabilities")?;
    clear_ambient_capability_set().context("cannot clear ambient capabilities")?;
    if held.effective.contains(CapabilitySet::SETPCAP) {
        for number in 0..64 {
            // The kernel refuses the first number it does not know.
            if remove_capability_from_bounding_set(CapabilitySet::from_bits_retain(1 << number)).is_err() {
                break;
            }
        }
    }
    // Without SETPCAP the bounding set stays; this keeps a program that would be started from gaining any of it.
    set_no_new_privs(true).context("cannot give up new privileges")?;
    let none = CapabilitySet::empty();
    set_capabilities(None, CapabilitySets { effective: none, permitted: none, inheritable: none })
        .context("cannot drop capabilities")?;
    let left = capabilities(None).context("cannot read capabilities")?;
    anyhow::ensure!(
        left.effective.is_empty() && left.permitted.is_empty() && left.inheritable.is_empty(),
        "capabilities are left after dropping them: {left:?}"
    );
    Ok(())
}
