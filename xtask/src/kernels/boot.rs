//! One boot on an interpreted processor, because nested hardware help is rarely there. It takes about ten seconds, most
//! of them the verifier's; its timing says nothing about speed.

use std::io::Read as _;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::cleanup::Running;
use crate::command::program;

/// Loading a large program twice takes most of a minute on an older kernel.
const LIMIT: Duration = Duration::from_secs(120);
/// What the loader writes in front of its verdict.
pub const VERDICT: &str = "kernel-smoke: ";

/// Boots, and gives what the loader reported. An emulated boot hangs now and then: it is tried twice.
pub fn boot(kernel: &Path, initramfs: &Path) -> Result<String> {
    let mut console = String::new();
    for _ in 0..2 {
        console = once(kernel, initramfs)?;
        if let Some(verdict) = verdict(&console) {
            return verdict;
        }
    }
    bail!("no verdict within {} s, twice; the console ended with:\n{}", LIMIT.as_secs(), tail(&console))
}

fn once(kernel: &Path, initramfs: &Path) -> Result<String> {
    let mut qemu = program("qemu-system-x86_64");
    // Not microvm: without a reference clock kernels hang now and then while they calibrate the processor's.
    qemu.args(["-machine", "q35", "-accel", "tcg", "-cpu", "max"]);
    qemu.args(["-smp", "2", "-m", "768", "-nodefaults", "-no-reboot", "-nographic", "-serial", "stdio"]);
    qemu.arg("-kernel").arg(kernel).arg("-initrd").arg(initramfs);
    qemu.args(["-append", "console=ttyS0 panic=-1 quiet mitigations=off reboot=t"]);
    qemu.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::inherit());
    let mut running = Running::start(&mut qemu)?;
    let mut console = running.stdout().context("qemu has no console")?;
    let reader = std::thread::spawn(move || {
        let mut text = Vec::new();
        // What arrived before an error is still worth reading.
        let _ = console.read_to_end(&mut text);
        String::from_utf8_lossy(&text).into_owned()
    });
    running.wait(LIMIT);
    Ok(reader.join().unwrap_or_default())
}

/// The loader's verdict: `ok` and what it counted, or what failed.
fn verdict(console: &str) -> Option<Result<String>> {
    let verdict = console.split(VERDICT).nth(1)?.trim();
    Some(match verdict.strip_prefix("ok ") {
        Some(report) => Ok(report.lines().next().unwrap_or_default().trim().to_owned()),
        None => Err(anyhow::anyhow!("{}", tail(verdict))),
    })
}

fn tail(text: &str) -> String {
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(15)..].join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_verdict_is_found_among_kernel_messages() {
        let console =
            "[    1.2] booting\r\nkernel-smoke: ok Linux 6.1, 9 frames\r\n[    2.0] reboot: Power down\r\n";
        assert_eq!(verdict(console).unwrap().unwrap(), "Linux 6.1, 9 frames");
        let console = "kernel-smoke: failed: R8 unbounded memory access\r\n";
        assert!(verdict(console).unwrap().unwrap_err().to_string().contains("R8 unbounded"));
        assert!(verdict("[    1.2] panic").is_none());
    }
}
