//! `cargo xtask fuzz`: every fuzz target for a while, the decoders once for each protocol, as many at once as there are cores.

use std::collections::VecDeque;
use std::fs::{File, create_dir_all, read_dir};
use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};

use crate::command::{self, cargo, root};
use crate::toolchain;

/// How long.
#[derive(clap::Args)]
pub struct Args {
    /// Seconds for each target
    #[arg(long, default_value_t = 30)]
    pub seconds: u32,
    /// Where the tools cannot be had, say so and succeed
    #[arg(long)]
    pub if_possible: bool,
    /// Only targets and protocols whose names contain this
    #[arg(default_value = "")]
    pub only: String,
}

/// Memory of one target, in MiB, and the longest one input may take, in seconds: more is a finding.
const MEMORY: u32 = 1024;
const LONGEST: u32 = 10;
/// What a decoder is fed at most, in bytes.
const INPUT: u32 = 16_384;
/// How much longer than it was told a target may take to end.
const GRACE: Duration = Duration::from_secs(60);
/// Lines of a failed target's log that are shown.
const SHOWN: usize = 40;

/// Installs what is missing, writes seeds, builds the targets, runs them.
///
/// # Errors
/// What a target found, and where the input is; what could not be installed or built.
pub fn run(args: &Args) -> Result<()> {
    if let Err(error) = toolchain::ensure_nightly().and_then(|()| toolchain::ensure_fuzz()) {
        if !args.if_possible {
            return Err(error);
        }
        eprintln!("skipped: fuzzing ({error:#})");
        return Ok(());
    }
    let seeds = root().join("target/fuzz/seeds");
    let mut make = cargo();
    make.args(["run", "--quiet", "--locked", "-p", "isthmus-tests", "--bin", "fuzz_seeds", "--"]).arg(&seeds);
    command::run(
        make.env("AYA_BUILD_SKIP", "1").envs(crate::test::captures().map(|dir| ("ISTHMUS_CAPTURES", dir))),
    )?;
    let programs = build()?;

    let mut waiting = targets(&seeds)?;
    waiting.retain(|target| target.name().contains(&args.only));
    if waiting.is_empty() {
        bail!(
            "no fuzz target is called like `{}`: `decoder` and every protocol, captures, frames, records, streams",
            args.only
        );
    }
    let cores = std::thread::available_parallelism().map_or(1, NonZero::get);
    eprintln!("fuzz: {} targets, {} s each, {cores} at once", waiting.len(), args.seconds);
    let (waiting, done) = (Mutex::new(waiting), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..cores {
            scope.spawn(|| {
                loop {
                    let next = waiting.lock().unwrap_or_else(std::sync::PoisonError::into_inner).pop_front();
                    let Some(target) = next else { break };
                    let end = target.fuzz(&programs, &seeds, args.seconds);
                    eprintln!("{}", line(&target, &end));
                    done.lock().unwrap_or_else(std::sync::PoisonError::into_inner).push((target, end));
                }
            });
        }
    });
    let mut done = done.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
    done.sort_by_key(|(target, _)| target.name());
    println!("{:28} {:>12} {:>9} {:>9} {:>8}", "target", "inputs", "a second", "edges", "MiB");
    done.iter().for_each(|(target, end)| println!("{}", line(target, end)));
    let failed: Vec<String> =
        done.iter().filter(|(_, end)| end.is_err()).map(|(target, _)| target.name()).collect();
    for (_, end) in &done {
        if let Err(error) = end {
            eprintln!("{error:#}");
        }
    }
    if !failed.is_empty() {
        bail!("fuzzing found something in: {}; the inputs are in target/fuzz/artifacts", failed.join(", "));
    }
    Ok(())
}

/// Builds all targets once and says where the programs are.
fn build() -> Result<PathBuf> {
    let mut build = toolchain::nightly("cargo");
    // Without unsafe code a sanitizer finds nothing that overflow checks and panics do not.
    build.args(["fuzz", "build", "--fuzz-dir", "tests/fuzz", "--sanitizer", "none"]);
    // The build is a good part of a run of half a minute each.
    build.args(["--codegen-units", "16", "--target-dir", "target/fuzz/build"]);
    build.current_dir(root()).env("AYA_BUILD_SKIP", "1");
    let path = std::env::var_os("PATH").unwrap_or_default();
    let tools = std::iter::once(root().join("target/tools/bin"));
    build.env("PATH", std::env::join_paths(tools.chain(std::env::split_paths(&path)))?);
    command::run(&mut build)?;
    Ok(root().join("target/fuzz/build").join(toolchain::host()?).join("release"))
}

/// A fuzz target, of a protocol where there is one for each.
#[derive(Debug, PartialEq, Eq)]
struct Target {
    program: &'static str,
    protocol: Option<String>,
}

/// All of them, the decoders by the folders of their seeds.
fn targets(seeds: &Path) -> Result<VecDeque<Target>> {
    let decoders = seeds.join("decoder");
    let mut protocols: Vec<String> = read_dir(&decoders)
        .with_context(|| decoders.display().to_string())?
        .map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()))
        .collect::<Result<_>>()?;
    protocols.sort();
    let whole =
        ["captures", "frames", "records", "streams"].map(|program| Target { program, protocol: None });
    let decoders =
        protocols.into_iter().map(|protocol| Target { program: "decoder", protocol: Some(protocol) });
    Ok(whole.into_iter().chain(decoders).collect())
}

/// What a target did in its time.
#[derive(Debug, PartialEq, Eq)]
struct Stats {
    inputs: u64,
    a_second: u64,
    /// Edges of the program that were taken.
    edges: u64,
    /// Peak memory, in MiB.
    peak: u64,
}

impl Stats {
    /// From what libFuzzer prints at its end, and in its last line before.
    fn read(log: &str) -> Option<Self> {
        let stat = |name: &str| {
            let line = log.lines().rev().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
            line.trim().parse().ok()
        };
        let edges = log.lines().rev().find_map(|line| {
            let (_, behind) = line.split_once("cov: ")?;
            behind.split_whitespace().next()?.parse().ok()
        });
        Some(Self {
            inputs: stat("stat::number_of_executed_units")?,
            a_second: stat("stat::average_exec_per_sec")?,
            edges: edges.unwrap_or(0),
            peak: stat("stat::peak_rss_mb")?,
        })
    }
}

fn line(target: &Target, end: &Result<Stats>) -> String {
    match end {
        Ok(Stats { inputs, a_second, edges, peak }) => {
            format!("{:28} {inputs:12} {a_second:9} {edges:9} {peak:8}", target.name())
        }
        Err(_) => format!("{:28} found something", target.name()),
    }
}

impl Target {
    fn name(&self) -> String {
        self.protocol
            .as_ref()
            .map_or_else(|| self.program.to_owned(), |protocol| format!("{} {protocol}", self.program))
    }

    /// Its place in a folder of all targets.
    fn part(&self) -> PathBuf {
        self.protocol
            .as_ref()
            .map_or_else(|| self.program.into(), |protocol| Path::new(self.program).join(protocol))
    }

    fn fuzz(&self, programs: &Path, seeds: &Path, seconds: u32) -> Result<Stats> {
        let [corpus, artifacts, logs] = ["corpus", "artifacts", "logs"]
            .map(|what| root().join("target/fuzz").join(what).join(self.part()));
        for dir in [&corpus, &artifacts, &logs] {
            create_dir_all(dir).with_context(|| dir.display().to_string())?;
        }
        let log = logs.join("log");
        let mut run = command::program(programs.join(self.program));
        run.arg(&corpus).arg(seeds.join(self.part()));
        run.arg(format!("-max_total_time={seconds}"))
            .arg(format!("-artifact_prefix={}/", artifacts.display()));
        run.arg(format!("-rss_limit_mb={MEMORY}")).arg(format!("-timeout={LONGEST}"));
        run.arg(format!("-max_len={INPUT}")).arg("-print_final_stats=1");
        run.envs(self.protocol.as_ref().map(|protocol| ("ISTHMUS_FUZZ_PROTOCOL", protocol)));
        run.stdout(std::process::Stdio::null()).stderr(File::create(&log)?);
        let mut child = run.spawn().with_context(|| format!("cannot start {}", self.name()))?;
        let wait = Duration::from_secs(u64::from(seconds)).saturating_add(GRACE);
        let status = command::wait_at_most(&mut child, wait)?;
        // What a program printed before it died need not be text.
        let said = String::from_utf8_lossy(&std::fs::read(&log)?).into_owned();
        match (status, Stats::read(&said)) {
            (Some(status), Some(stats)) if status.success() => Ok(stats),
            (Some(status), _) => bail!("{} ({status}):\n{}", self.name(), last(&said)),
            (None, _) => bail!("{} did not end by itself:\n{}", self.name(), last(&said)),
        }
    }
}

/// The last lines of a log, without those that only tell of progress.
fn last(log: &str) -> String {
    let told: Vec<&str> = log.lines().filter(|line| !line.starts_with('#')).collect();
    told.get(told.len().saturating_sub(SHOWN)..).unwrap_or_default().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOG: &str = "#2\tINITED cov: 117 ft: 118 corp: 1/1b exec/s: 0 rss: 40Mb\n\
        #4096\tDONE   cov: 230 ft: 500 corp: 70/2kb lim: 4096 exec/s: 819 rss: 45Mb\n\
        Done 4096 runs in 5 second(s)\n\
        stat::number_of_executed_units: 4096\nstat::average_exec_per_sec:     819\n\
        stat::new_units_added:          70\nstat::slowest_unit_time_sec:    0\nstat::peak_rss_mb:              45\n";

    #[test]
    fn what_a_target_did_is_read_from_its_last_lines() {
        let expected = Stats { inputs: 4096, a_second: 819, edges: 230, peak: 45 };
        assert_eq!(Stats::read(LOG), Some(expected));
        assert_eq!(Stats::read("thread panicked"), None);
    }

    #[test]
    fn of_a_failure_everything_but_progress_is_shown() {
        assert_eq!(last("#2\tINITED\nthread panicked\n#3\tNEW\n==1== ERROR"), "thread panicked\n==1== ERROR");
    }
}
