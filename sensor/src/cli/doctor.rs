//! `isthmus doctor`.

use std::io::Write as _;

use anyhow::{Result, bail};

use super::configuration;
use super::operate::DoctorArgs;
use crate::source::live::doctor::{Health, doctor};
use crate::state::zone::Kind;

/// Says what stands between this machine and a good view.
///
/// # Errors
/// Something that `run` would refuse, or a configuration that cannot be used.
pub fn doctor_command(args: &DoctorArgs) -> Result<()> {
    let config = configuration(args.config.as_ref())?;
    let inside = config.zone.iter().filter(|zone| zone.kind() != Kind::External);
    let networks: Vec<_> =
        inside.flat_map(|zone| zone.networks.iter().map(|net| (*net, zone.name.clone()))).collect();
    let checks = doctor(&args.interfaces, &networks);
    let mut out = std::io::stdout().lock();
    for check in &checks {
        writeln!(out, "{:<4}  {}", check.health.to_string(), check.text)?;
    }
    let count = |health: Health| checks.iter().filter(|check| check.health == health).count();
    let (problems, warnings) = (count(Health::Fail), count(Health::Warn));
    if problems > 0 {
        bail!("{problems} of {} checks failed: `isthmus run` would refuse; see FAIL above", checks.len());
    }
    writeln!(out, "\nfine: {} checks, {warnings} warnings", checks.len())?;
    Ok(())
}
