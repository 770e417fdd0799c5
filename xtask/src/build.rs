//! `cargo xtask build`: the release binary with its kernel part inside.

use anyhow::Result;

use crate::{command, toolchain};

/// Builds `target/release/isthmus`.
pub fn run() -> Result<()> {
    toolchain::ensure()?;
    release(&["-p", "isthmus"])?;
    println!("{}", command::target_dir().join("release/isthmus").display());
    Ok(())
}

/// Builds the given packages or targets in release mode, kernel part included.
pub fn release(what: &[&str]) -> Result<()> {
    command::run(
        command::cargo().args(["build", "--release", "--locked"]).args(what).env_remove("AYA_BUILD_SKIP"),
    )
}
