//! `cargo xtask fuzz`: every fuzz target for a while, the decoders once for each protocol.

use std::path::Path;

use anyhow::{Context as _, Result, bail};

use crate::command::{self, cargo, root};
use crate::toolchain;

/// How long.
#[derive(clap::Args)]
pub struct Args {
    /// Seconds for each target
    #[arg(long, default_value_t = 30)]
    pub seconds: u32,
    /// Only targets and protocols whose names contain this
    #[arg(default_value = "")]
    pub only: String,
}

/// Memory of one target, in MiB, and the longest one input may take, in seconds: more is a finding.
const MEMORY: u32 = 1024;
const LONGEST: u32 = 10;

/// Installs what is missing, writes seeds, runs the targets.
///
/// # Errors
/// What a target found, and where the input is; what could not be installed or built.
pub fn run(args: &Args) -> Result<()> {
    toolchain::ensure()?;
    toolchain::ensure_fuzz()?;
    let seeds = root().join("target/fuzz/seeds");
    let mut make = cargo();
    make.args(["run", "--quiet", "--locked", "-p", "isthmus-tests", "--bin", "fuzz_seeds", "--"]).arg(&seeds);
    command::run(
        make.env("AYA_BUILD_SKIP", "1").envs(crate::test::captures().map(|dir| ("ISTHMUS_CAPTURES", dir))),
    )?;

    let mut targets: Vec<(String, Option<String>)> =
        ["captures", "frames", "records", "streams"].map(|name| (name.to_owned(), None)).to_vec();
    let decoders = seeds.join("decoder");
    let mut protocols: Vec<String> = std::fs::read_dir(&decoders)
        .with_context(|| decoders.display().to_string())?
        .map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()))
        .collect::<Result<_>>()?;
    protocols.sort();
    targets.extend(protocols.into_iter().map(|protocol| ("decoder".to_owned(), Some(protocol))));

    let mut failed = Vec::new();
    for (target, protocol) in &targets {
        let name =
            protocol.as_ref().map_or_else(|| target.clone(), |protocol| format!("{target} {protocol}"));
        if !name.contains(&args.only) {
            continue;
        }
        eprintln!("fuzz: {name}, {} s", args.seconds);
        if let Err(error) = fuzz(target, protocol.as_deref(), &seeds, args.seconds) {
            eprintln!("{error:#}");
            failed.push(name);
        }
    }
    if !failed.is_empty() {
        bail!("fuzzing found something in: {}; the inputs are in target/fuzz/artifacts", failed.join(", "));
    }
    Ok(())
}

fn fuzz(target: &str, protocol: Option<&str>, seeds: &Path, seconds: u32) -> Result<()> {
    let part =
        protocol.map_or_else(|| Path::new(target).to_owned(), |protocol| Path::new(target).join(protocol));
    let [corpus, artifacts] =
        ["corpus", "artifacts"].map(|what| root().join("target/fuzz").join(what).join(&part));
    for dir in [&corpus, &artifacts] {
        std::fs::create_dir_all(dir).with_context(|| dir.display().to_string())?;
    }
    let mut run = toolchain::nightly("cargo");
    // Without unsafe code a sanitizer finds nothing that overflow checks and panics do not.
    run.args([
        "fuzz",
        "run",
        "--fuzz-dir",
        "tests/fuzz",
        "--sanitizer",
        "none",
        "--target-dir",
        "target/fuzz/build",
    ]);
    run.arg(target).arg(&corpus).arg(seeds.join(&part)).arg("--");
    run.arg(format!("-max_total_time={seconds}")).arg(format!("-artifact_prefix={}/", artifacts.display()));
    run.arg(format!("-rss_limit_mb={MEMORY}")).arg(format!("-timeout={LONGEST}"));
    run.args(["-max_len=16384", "-print_final_stats=1", "-verbosity=0"]);
    run.current_dir(root()).env("AYA_BUILD_SKIP", "1");
    if let Some(protocol) = protocol {
        run.env("ISTHMUS_FUZZ_PROTOCOL", protocol);
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    let tools = std::iter::once(root().join("target/tools/bin"));
    run.env("PATH", std::env::join_paths(tools.chain(std::env::split_paths(&path)))?);
    command::run(&mut run)
}
