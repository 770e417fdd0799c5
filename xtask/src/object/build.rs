//! Building the BPF object, and programs that must run where there is nothing but a kernel.

use std::path::PathBuf;

use anyhow::{Result, ensure};

use crate::{command, toolchain};

/// Builds a BPF binary of `sensor-ebpf` as aya-build does for the sensor, into `target/kernels`.
///
/// # Errors
/// When it does not compile.
pub fn build(binary: &str, features: &str) -> Result<PathBuf> {
    let target_dir = command::target_dir().join("kernels");
    let mut cargo = toolchain::nightly("cargo");
    cargo.args(["build", "--release", "--locked", "--quiet", "-p", "sensor-ebpf", "--bin", binary]);
    cargo.args([
        "--features",
        features,
        "--target",
        "bpfel-unknown-none",
        "-Zbuild-std=core",
        "--target-dir",
    ]);
    let flags =
        format!("--cfg=bpf_target_arch=\"{}\"\x1f-Cdebuginfo=2\x1f-Clink-arg=--btf", std::env::consts::ARCH);
    command::run(cargo.arg(&target_dir).env("CARGO_ENCODED_RUSTFLAGS", flags))?;
    let object = target_dir.join("bpfel-unknown-none/release").join(binary);
    ensure!(object.is_file(), "{} was not built", object.display());
    Ok(object)
}

/// Builds a binary of this package without shared libraries, into `target/kernels`.
///
/// # Errors
/// When it does not compile, or the C library's static half is missing.
pub fn build_loader(binary: &str) -> Result<PathBuf> {
    let target = format!("{}-unknown-linux-gnu", std::env::consts::ARCH);
    let target_dir = command::target_dir().join("kernels");
    let mut cargo = command::cargo();
    // A target named explicitly keeps the flag away from build scripts and macros, which are shared libraries.
    cargo.args(["build", "--release", "--locked", "--quiet", "-p", "xtask", "--bin", binary]);
    cargo.args(["--target", &target, "--target-dir"]).arg(&target_dir);
    command::run(cargo.env("CARGO_ENCODED_RUSTFLAGS", "-Ctarget-feature=+crt-static"))?;
    Ok(target_dir.join(target).join("release").join(binary))
}
