//! `cargo xtask test`: the tests of the host, then those that need a kernel and root.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context, Result, bail};

use crate::command::{self, cargo, is_root, program, root};
use crate::{fuzz, toolchain};

/// The packages whose tests marked `#[ignore = "needs root"]` load programs and make network namespaces.
const KERNEL_TESTS: [&str; 2] = ["isthmus-tests", "xtask"];

/// What to run.
#[derive(clap::Args)]
pub struct Args {
    /// Also run the slow families (long scenarios, large captures, many cases of each property)
    #[arg(long)]
    all: bool,
}

/// Runs both parts, then says what was left out and why.
pub fn run(args: &Args) -> Result<()> {
    toolchain::ensure()?;
    let mut skipped = Vec::new();
    if !toolchain::ensure_packages(&[("tshark", "tshark")], "tests that compare decoders with tshark")? {
        skipped.push("comparisons with tshark: not installed (`apt-get install tshark`)".to_owned());
    }
    match captures() {
        Some(path) => eprintln!("real captures: {}", path.display()),
        None => skipped
            .push("tests on real captures: none found (ISTHMUS_CAPTURES names their directory)".to_owned()),
    }
    if !args.all {
        skipped.push("slow families: run with --all".to_owned());
    }

    let mut failed = Vec::new();
    let mut part = |name: &str, result: Result<()>| {
        if let Err(error) = result {
            eprintln!("{error:#}");
            failed.push(name.to_owned());
        }
    };
    command::run(cargo().args(["build", "--workspace", "--locked"]).env_remove("AYA_BUILD_SKIP"))?;
    part(
        "host",
        command::run(with_settings(
            cargo().args(["test", "--workspace", "--locked", "--no-fail-fast"]),
            args,
        )),
    );
    match privilege() {
        Ok(sudo) => part("kernel", kernel(sudo, args)),
        Err(why) => skipped.push(format!("kernel tests: {why}")),
    }

    if args.all {
        part("fuzz", fuzz::run(&fuzz::Args { seconds: 5, if_possible: true, only: String::new() }));
    }

    for what in &skipped {
        eprintln!("skipped: {what}");
    }
    if !failed.is_empty() {
        bail!("tests failed: {}", failed.join(", "));
    }
    eprintln!("tests passed");
    Ok(())
}

/// Runs the ignored tests one at a time: they share the kernel's interfaces, maps and clock.
fn kernel(sudo: bool, args: &Args) -> Result<()> {
    let programs = test_programs()?;
    let mut failed = Vec::new();
    for TestProgram { path, package } in &programs {
        let mut test = if sudo {
            let mut test = program("sudo");
            test.arg("--preserve-env=ISTHMUS_CAPTURES,ISTHMUS_TEST_ALL,RUST_BACKTRACE").arg(path);
            test
        } else {
            program(path)
        };
        // Cargo runs tests in their package's directory, and they find fixtures from there.
        test.current_dir(package).args(["--ignored", "--test-threads=1"]);
        if command::run(with_settings(&mut test, args)).is_err() {
            failed.push(path.file_name().unwrap_or_default().to_string_lossy().into_owned());
        }
    }
    if !failed.is_empty() {
        bail!("kernel tests failed in {}", failed.join(", "));
    }
    Ok(())
}

/// A test program and the directory of its package.
#[derive(Debug, PartialEq, Eq)]
struct TestProgram {
    path: PathBuf,
    package: PathBuf,
}

/// The test programs of the packages; built as the caller, so that `target` stays theirs under sudo.
fn test_programs() -> Result<Vec<TestProgram>> {
    let mut build = cargo();
    build.arg("test").args(KERNEL_TESTS.iter().flat_map(|package| ["-p", package]));
    build.args(["--locked", "--no-run", "--message-format=json-render-diagnostics"]);
    let output = build.env_remove("AYA_BUILD_SKIP").stdin(Stdio::null()).stderr(Stdio::inherit()).output()?;
    if !output.status.success() {
        bail!("the kernel tests do not build");
    }
    programs(&String::from_utf8_lossy(&output.stdout))
}

fn programs(messages: &str) -> Result<Vec<TestProgram>> {
    let mut programs = Vec::new();
    for line in messages.lines() {
        let message: serde_json::Value =
            serde_json::from_str(line).context("cargo printed a line that is not JSON")?;
        if message["profile"]["test"] == true
            && let Some(path) = message["executable"].as_str()
        {
            let manifest = Path::new(message["manifest_path"].as_str().unwrap_or_default());
            let package =
                manifest.parent().context("cargo named no package of a test program")?.to_path_buf();
            programs.push(TestProgram { path: path.into(), package });
        }
    }
    Ok(programs)
}

/// Whether sudo is needed (`true`), or why there is no way to be root.
fn privilege() -> Result<bool, &'static str> {
    if !Path::new("/proc/sys/net/core/bpf_jit_enable").exists() {
        return Err("this kernel has no BPF compiler");
    }
    if !command::exists("ip") {
        return Err("`ip` is missing (install iproute2)");
    }
    if is_root() {
        return Ok(false);
    }
    if !command::exists("sudo") {
        return Err("not root and no sudo");
    }
    eprintln!(
        "the kernel tests load BPF programs and make network namespaces: sudo may ask for your password"
    );
    let mut ask = program("sudo");
    ask.arg("-v");
    if !std::io::IsTerminal::is_terminal(&std::io::stdin()) {
        ask.arg("-n");
    }
    match ask.status() {
        Ok(status) if status.success() => Ok(true),
        _ => Err("not root, and sudo refused"),
    }
}

/// The captures the tests look for: `ISTHMUS_CAPTURES`, or `shared/captures` beside the repository.
pub(crate) fn captures() -> Option<PathBuf> {
    let path = match std::env::var_os("ISTHMUS_CAPTURES") {
        Some(path) => PathBuf::from(path),
        None => root().parent()?.join("shared/captures"),
    };
    path.is_dir().then_some(path)
}

fn with_settings<'a>(command: &'a mut std::process::Command, args: &Args) -> &'a mut std::process::Command {
    command.env_remove("AYA_BUILD_SKIP");
    if args.all {
        command.env("ISTHMUS_TEST_ALL", "1");
    }
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_test_programs_are_taken_from_what_cargo_built() {
        let messages = r#"{"reason":"compiler-artifact","profile":{"test":false},"executable":"/t/scenario"}
{"reason":"compiler-artifact","manifest_path":"/r/tests/Cargo.toml","profile":{"test":true},"executable":"/t/kernel-1"}
{"reason":"compiler-artifact","profile":{"test":true},"executable":null}
{"reason":"build-finished","success":true}"#;
        let expected = TestProgram { path: "/t/kernel-1".into(), package: "/r/tests".into() };
        assert_eq!(programs(messages).unwrap(), [expected]);
    }
}
