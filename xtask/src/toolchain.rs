//! What building the kernel part needs beyond a stable compiler, installed where it is missing.
//!
//! BPF is a tier 3 target: its `core` is compiled from source (a nightly compiler and `rust-src`) and it is linked by
//! bpf-linker, which must speak the LLVM version of that compiler.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::command::{self, exists, output, program, root, run};

const LINKER_VERSION: &str = "0.10.4";
const FUZZ_VERSION: &str = "0.13.2";
/// The LLVM versions this bpf-linker has a `rust-llvm-NN` feature for.
const LINKER_LLVM: std::ops::RangeInclusive<u32> = 20..=22;

/// A nightly compiler with `rust-src`, and bpf-linker. Touches no network when all is there.
pub fn ensure() -> Result<()> {
    ensure_nightly()?;
    let sysroot = nightly_sysroot()?;
    if !sysroot.join("lib/rustlib/src/rust/library/core").is_dir() {
        say("rust-src for nightly", "`core` is compiled from it for BPF");
        run(program("rustup").args(["component", "add", "rust-src", "--toolchain", "nightly"]))?;
    }
    ensure_linker()
}

/// A nightly compiler. Touches no network when it is there.
pub fn ensure_nightly() -> Result<()> {
    if !exists("rustup") {
        bail!(
            "rustup is not in PATH; the kernel part and the fuzz targets are built by a nightly compiler beside the stable one: see https://rustup.rs"
        );
    }
    if installed_toolchains()?.lines().any(|line| line.starts_with("nightly-") && !dated(line)) {
        return Ok(());
    }
    say(
        "a nightly compiler",
        "BPF has no precompiled `core`, and only nightly compiles it (-Z build-std); fuzzing needs it too",
    );
    run(program("rustup").args(["toolchain", "install", "nightly", "--profile", "minimal", "-c", "rust-src"]))
}

/// Clippy of the nightly compiler, which alone can read the BPF binary.
pub fn ensure_nightly_clippy() -> Result<()> {
    if !nightly_sysroot()?.join("bin/cargo-clippy").exists() {
        say("clippy for nightly", "it lints the BPF binary");
        run(program("rustup").args(["component", "add", "clippy", "--toolchain", "nightly"]))?;
    }
    Ok(())
}

/// A command of the nightly toolchain.
pub fn nightly(name: &str) -> std::process::Command {
    let mut command = program("rustup");
    // Set by the cargo that runs this, and meant for its own toolchain only.
    command.env_remove("RUSTUP_TOOLCHAIN").env_remove("CARGO").env_remove("RUSTC");
    command.args(["run", "nightly", name]);
    command
}

/// Installs Debian packages when this is root on a Debian-like system; else says what is missing and what for.
///
/// Returns whether every program is there now. `wanted` pairs a program with the package that holds it.
pub fn ensure_packages(wanted: &[(&str, &str)], why: &str) -> Result<bool> {
    let missing: Vec<_> = wanted.iter().filter(|(name, _)| !exists(name)).collect();
    if missing.is_empty() {
        return Ok(true);
    }
    let packages: Vec<&str> = missing.iter().map(|(_, package)| *package).collect();
    if !command::is_root() || !exists("apt-get") {
        eprintln!("skipped: {why} ({} not installed)", packages.join(", "));
        return Ok(false);
    }
    say(&packages.join(" "), why);
    let mut install = program("apt-get");
    install.args(["install", "-y", "-qq", "--no-install-recommends"]).args(&packages);
    install.env("DEBIAN_FRONTEND", "noninteractive");
    if let Err(error) = run(&mut install) {
        eprintln!("skipped: {why} ({error:#}; `apt-get update` may help)");
        return Ok(false);
    }
    Ok(true)
}

/// cargo-fuzz, which builds for libFuzzer with the nightly compiler; libFuzzer itself is compiled from C++.
pub fn ensure_fuzz() -> Result<()> {
    if !ensure_packages(&[("c++", "g++")], "libFuzzer is compiled from C++")? {
        bail!(
            "libFuzzer is compiled from C++ and there is no `c++`: install a C++ compiler (`apt-get install g++`)"
        );
    }
    let tools = root().join("target/tools");
    if tools.join("bin/cargo-fuzz").is_file() {
        return Ok(());
    }
    say(&format!("cargo-fuzz {FUZZ_VERSION} into target/tools"), "it builds and runs the fuzz targets");
    let mut install = command::cargo();
    install.args(["install", "cargo-fuzz", "--version", FUZZ_VERSION, "--locked", "--root"]).arg(tools);
    run(install.env_remove("RUSTFLAGS").env_remove("CARGO_ENCODED_RUSTFLAGS").env_remove("CARGO_TARGET_DIR"))
}

fn ensure_linker() -> Result<()> {
    let tools = root().join("target/tools");
    let version = output(nightly("rustc").arg("-vV"))?;
    let llvm = llvm_major(&version).context("`rustc -vV` of nightly names no LLVM version")?;
    if linker_fits(&tools, llvm) {
        return Ok(());
    }
    if !LINKER_LLVM.contains(&llvm) {
        bail!(
            "the nightly compiler uses LLVM {llvm}, bpf-linker {LINKER_VERSION} knows {} to {}: \
             install an older nightly, or a newer bpf-linker (xtask/src/toolchain.rs)",
            LINKER_LLVM.start(),
            LINKER_LLVM.end()
        );
    }
    say(
        &format!("bpf-linker {LINKER_VERSION} into target/tools"),
        "it links the BPF object with nightly's LLVM",
    );
    let mut install = command::cargo();
    install.args([
        "install",
        "bpf-linker",
        "--version",
        LINKER_VERSION,
        "--locked",
        "--force",
        "--no-default-features",
    ]);
    install.args(["--features", &format!("rust-llvm-{llvm}"), "--root"]).arg(tools);
    // A build started from here must not inherit flags meant for this workspace.
    run(install.env_remove("RUSTFLAGS").env_remove("CARGO_ENCODED_RUSTFLAGS").env_remove("CARGO_TARGET_DIR"))
}

/// cargo's own record of the installation names the version and the LLVM it was built for.
fn linker_fits(tools: &Path, llvm: u32) -> bool {
    let Ok(record) = std::fs::read_to_string(tools.join(".crates2.json")) else { return false };
    tools.join("bin/bpf-linker").is_file() && record_names(&record, llvm)
}

fn record_names(record: &str, llvm: u32) -> bool {
    let Ok(record) = serde_json::from_str::<serde_json::Value>(record) else { return false };
    let Some(installs) = record["installs"].as_object() else { return false };
    installs.iter().any(|(name, install)| {
        name.starts_with(&format!("bpf-linker {LINKER_VERSION} "))
            && install["features"]
                .as_array()
                .is_some_and(|all| all.iter().any(|f| *f == format!("rust-llvm-{llvm}")))
    })
}

/// The platform nightly builds for by itself: `x86_64-unknown-linux-gnu`.
pub fn host() -> Result<String> {
    let version = output(nightly("rustc").arg("-vV"))?;
    let host = version.lines().find_map(|line| line.strip_prefix("host: "));
    Ok(host.context("`rustc -vV` of nightly names no host")?.trim().to_owned())
}

fn llvm_major(version: &str) -> Option<u32> {
    version
        .lines()
        .find_map(|line| line.strip_prefix("LLVM version: "))?
        .split('.')
        .next()?
        .trim()
        .parse()
        .ok()
}

fn installed_toolchains() -> Result<String> {
    output(program("rustup").args(["toolchain", "list"]))
}

/// `nightly-2026-05-20-…` is somebody's pinned one, not the channel.
fn dated(toolchain: &str) -> bool {
    toolchain.strip_prefix("nightly-").is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
}

fn nightly_sysroot() -> Result<PathBuf> {
    Ok(PathBuf::from(output(nightly("rustc").args(["--print", "sysroot"]))?.trim()))
}

fn say(what: &str, why: &str) {
    eprintln!("installing {what}: {why}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_llvm_version_is_read_from_rustc() {
        assert_eq!(llvm_major("release: 1.97.0-nightly\nLLVM version: 22.1.4\n"), Some(22));
        assert_eq!(llvm_major("release: 1.97.0-nightly\n"), None);
    }

    #[test]
    fn a_linker_of_another_llvm_or_version_is_replaced() {
        let record = r#"{"installs":{"bpf-linker 0.10.4 (registry+x)":{"features":["rust-llvm-22"]}}}"#;
        assert!(record_names(record, 22));
        assert!(!record_names(record, 21));
        assert!(!record_names(&record.replace("0.10.4", "0.9.0"), 22));
        assert!(!record_names("not json", 22));
    }

    #[test]
    fn a_dated_nightly_is_not_the_channel() {
        assert!(dated("nightly-2026-05-20-x86_64-unknown-linux-gnu"));
        assert!(!dated("nightly-x86_64-unknown-linux-gnu"));
    }
}
