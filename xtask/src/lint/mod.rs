//! `cargo xtask lint`: what a reviewer should not have to say.

mod files;
mod registry;

use anyhow::{Result, bail};

use crate::{command, toolchain};

type Check = (&'static str, fn() -> Result<()>);

/// Runs every check, then fails naming those that failed.
pub fn run() -> Result<()> {
    toolchain::ensure()?;
    let checks: [Check; 7] = [
        ("format", format),
        ("registries", || report(registry::check(&command::root()))),
        ("files", || report(files::check())),
        ("clippy", clippy),
        ("clippy of the BPF binary", clippy_bpf),
        ("documentation", documentation),
        ("dependencies", dependencies),
    ];
    let mut failed = Vec::new();
    for (name, check) in checks {
        eprintln!("== {name}");
        if let Err(error) = check() {
            eprintln!("{error:#}");
            failed.push(name);
        }
    }
    if !failed.is_empty() {
        bail!("lint failed: {}", failed.join(", "));
    }
    eprintln!("lint passed");
    Ok(())
}

fn report(faults: Result<Vec<String>>) -> Result<()> {
    let faults = faults?;
    if faults.is_empty() { Ok(()) } else { bail!("{}", faults.join("\n")) }
}

fn format() -> Result<()> {
    command::run(command::cargo().args(["fmt", "--all", "--check"]))
}

fn clippy() -> Result<()> {
    let mut clippy = command::cargo();
    clippy.args(["clippy", "--workspace", "--all-targets", "--locked", "--", "-D", "warnings"]);
    command::run(clippy.env("AYA_BUILD_SKIP", "1"))
}

/// The kernel part as aya-build compiles it: the same target and the same `cfg`.
fn clippy_bpf() -> Result<()> {
    toolchain::ensure_nightly_clippy()?;
    let mut clippy = toolchain::nightly("cargo");
    clippy.args(["clippy", "-p", "sensor-ebpf", "--bins", "--features", "bench", "--locked"]);
    clippy.args(["--target", "bpfel-unknown-none", "-Zbuild-std=core", "--", "-D", "warnings"]);
    clippy.env("CARGO_ENCODED_RUSTFLAGS", format!("--cfg=bpf_target_arch=\"{}\"", std::env::consts::ARCH));
    command::run(&mut clippy)
}

/// Read by those who work here, so private items are part of it, and links to them hold.
fn documentation() -> Result<()> {
    let mut doc = command::cargo();
    doc.args(["doc", "--workspace", "--no-deps", "--document-private-items", "--locked", "--quiet"]);
    let flags = "-D warnings -A rustdoc::private_intra_doc_links";
    command::run(doc.env("AYA_BUILD_SKIP", "1").env("RUSTDOCFLAGS", flags))
}

fn dependencies() -> Result<()> {
    if !command::exists("cargo-deny") {
        eprintln!(
            "skipped: licences and sources of dependencies (`cargo install cargo-deny --locked` checks them)"
        );
        return Ok(());
    }
    command::run(command::cargo().args(["deny", "--offline", "check", "bans", "licenses", "sources"]))
}
