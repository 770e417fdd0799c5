//! `isthmus convergence`.

use anyhow::Result;
use std::io::Write as _;

use super::operate::ConvergenceArgs;
use super::{Format, show};
use crate::output::convergence::{Picture, suggest};
use crate::output::json;

/// Shows what crosses from zone to zone, or suggests a configuration for it.
///
/// # Errors
/// No state there.
pub fn convergence(args: &ConvergenceArgs) -> Result<()> {
    let mut out = std::io::stdout().lock();
    let (mind, observer) = show::open(&args.show)?;
    let picture = Picture::of(&mind.world);
    if args.suggest_config {
        write!(out, "{}", suggest::suggest(&mind.world, &picture))?;
        return Ok(());
    }
    match args.show.format {
        Format::Json => {
            for row in &picture.rows {
                writeln!(out, "{}", json::crossing(row, &mind.world, &observer))?;
            }
        }
        Format::Text => write!(out, "{}", picture.text(|ip| mind.world.called(ip)))?,
    }
    Ok(())
}
