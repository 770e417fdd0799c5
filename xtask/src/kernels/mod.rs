//! `cargo xtask kernels`: the oldest kernel we support and a newer one, booted without hardware help, must accept the
//! program and count what it counts here. A newer verifier accepts what an older one refuses, so this one proves little.

mod archive;
mod boot;
mod debian;

use anyhow::{Result, bail};

use crate::{command, object, toolchain};

/// Debian's suite for each kernel, and the version its kernel begins with.
const KERNELS: [(&str, &str); 2] = [("bookworm", "6.1"), ("trixie", "6.12")];
const LOADER: &str = "kernel-smoke";

/// Which kernels.
#[derive(clap::Args)]
pub struct Args {
    /// Only the kernel whose version begins with this (6.1, 6.12)
    #[arg(long)]
    only: Option<String>,
}

/// Boots each kernel and loads and runs the program in it.
///
/// # Errors
/// When a kernel refuses the program, a check fails, or nothing could be booted.
pub fn run(args: &Args) -> Result<()> {
    toolchain::ensure()?;
    let wanted = [("qemu-system-x86_64", "qemu-system-x86"), ("dpkg-deb", "dpkg"), ("apt-get", "apt")];
    if std::env::consts::ARCH != "x86_64" || !toolchain::ensure_packages(&wanted, "booting other kernels")? {
        bail!("`cargo xtask kernels` needs an x86-64 Debian-like system with qemu-system-x86");
    }
    let program = object::build("isthmus-xdp", "kernel")?;
    let loader = object::build_loader(LOADER)?;
    let initramfs = command::target_dir().join("kernels/initramfs.cpio");
    std::fs::write(&initramfs, archive::initramfs(&std::fs::read(loader)?, &std::fs::read(program)?))?;

    let kernels: Vec<_> = KERNELS
        .into_iter()
        .filter(|(_, version)| args.only.as_deref().is_none_or(|only| only == *version))
        .collect();
    let mut failed = Vec::new();
    for (suite, version) in &kernels {
        match debian::kernel(suite).and_then(|image| boot::boot(&image, &initramfs)) {
            Ok(report) => println!("{version} ({suite}): {report}"),
            Err(error) => {
                println!("{version} ({suite}): FAILED: {error:#}");
                failed.push(*version);
            }
        }
    }
    if kernels.is_empty() {
        bail!("no such kernel; there are {}", KERNELS.map(|(_, version)| version).join(" and "));
    }
    if !failed.is_empty() {
        bail!("failed on {}", failed.join(", "));
    }
    Ok(())
}
