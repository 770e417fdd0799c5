//! `isthmus run`.

use crate::cli::RunArgs;

/// Watches interfaces until told to stop.
///
/// # Errors
/// Where nothing can be attached.
pub fn run(args: &RunArgs) -> anyhow::Result<()> {
    anyhow::bail!("{}: cannot attach", args.interfaces.join(", "))
}
