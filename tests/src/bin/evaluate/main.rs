//! Measures what the models tell: scenario families over many seeds, and real captures.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::{Context as _, Result, bail};
use clap::Parser;
use isthmus_tests::evaluation::captures::{self, Bench, Past};
use isthmus_tests::evaluation::{Learned, Method, Score, judge, report};
use isthmus_tests::scenario::family::{self, FAMILIES, Family};
use isthmus_tests::scenario::parse_time;

#[derive(Parser)]
#[command(
    name = "evaluate",
    about = "Recall, false alarms and delay of every model, over scenarios and captures"
)]
struct Cli {
    /// Seeds to play.
    #[arg(long, default_value_t = 20)]
    seeds: u64,
    /// Two seeds, less past, shorter benign weeks: a look, not a measurement.
    #[arg(long)]
    quick: bool,
    /// Only this family; may be repeated.
    #[arg(long)]
    family: Vec<String>,
    /// Show every finding of every capture instead.
    #[arg(long)]
    dump: bool,
    /// Write the report there too.
    #[arg(long)]
    out: Option<PathBuf>,
    /// The date to put into the report.
    #[arg(long, default_value = "")]
    date: String,
}

/// A Wednesday, one o'clock in the afternoon.
const START: &str = "2026-03-11T13:00:00Z";

fn main() -> ExitCode {
    match run(&Cli::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("evaluate: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(cli: &Cli) -> Result<()> {
    let scratch = std::env::temp_dir().join(format!("isthmus-evaluate-{}", std::process::id()));
    let outcome = if cli.dump { dump(&scratch) } else { evaluate(cli, &scratch) };
    if scratch.exists() {
        std::fs::remove_dir_all(&scratch)
            .with_context(|| format!("{}: cannot be removed", scratch.display()))?;
    }
    outcome
}

fn evaluate(cli: &Cli, scratch: &Path) -> Result<()> {
    let start_ns = parse_time(START).map_err(anyhow::Error::msg)?;
    let seeds = if cli.quick { cli.seeds.min(2) } else { cli.seeds };
    let method = if cli.quick {
        Method { days: 6, start_ns, shortened: Some(2) }
    } else {
        Method { days: 15, start_ns, shortened: None }
    };
    let mut chosen: Vec<&Family> = FAMILIES.iter().collect();
    if !cli.family.is_empty() {
        if let Some(unknown) = cli.family.iter().find(|id| family::by_id(id).is_none()) {
            let known: Vec<&str> = FAMILIES.iter().map(|family| family.id).collect();
            bail!("there is no family {unknown:?}; there are {}", known.join(", "));
        }
        chosen.retain(|family| cli.family.iter().any(|id| id == family.id));
    }
    let (score, findings) = play(&chosen, seeds, method, scratch)?;
    let mut text = preamble(cli, seeds, method, &score, findings);
    text.push_str(&report::families(&score));
    if let (Some(directory), true) = (captures::directory(), cli.family.is_empty()) {
        text.push_str(&report::captures(&Bench::new(directory, scratch)?)?);
    }
    print!("{text}");
    if let Some(out) = &cli.out {
        std::fs::write(out, &text).with_context(|| format!("{}: cannot be written", out.display()))?;
    }
    Ok(())
}

/// Plays every family to every seed, on as many threads as there are processors; the order of adding up is fixed.
fn play(chosen: &[&Family], seeds: u64, method: Method, scratch: &Path) -> Result<(Score, usize)> {
    let next = AtomicU64::new(1);
    let done = Mutex::new(Vec::new());
    let workers = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..workers)
            .map(|_| {
                scope.spawn(|| -> Result<()> {
                    loop {
                        let seed = next.fetch_add(1, Ordering::Relaxed);
                        if seed > seeds {
                            return Ok(());
                        }
                        let learned = Learned::learn(seed, method, scratch)?;
                        let outcomes = chosen
                            .iter()
                            .map(|family| judge(family, &learned))
                            .collect::<Result<Vec<_>>>()?;
                        eprintln!(
                            "seed {seed}: {} families, {} frames learned",
                            outcomes.len(),
                            learned.frames
                        );
                        let mut done = done.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
                        done.push((seed, learned.findings, outcomes));
                    }
                })
            })
            .collect();
        for worker in workers {
            worker.join().map_err(|_| anyhow::anyhow!("a worker panicked"))??;
        }
        anyhow::Ok(())
    })?;
    let mut done = done.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
    done.sort_by_key(|(seed, ..)| *seed);
    let mut score = Score::default();
    let mut findings = 0;
    for (_, learning, outcomes) in &done {
        findings += learning;
        outcomes.iter().for_each(|outcome| score.add(outcome));
    }
    Ok((score, findings))
}

fn preamble(cli: &Cli, seeds: u64, method: Method, score: &Score, findings: usize) -> String {
    format!(
        "# Evaluation\n\n\
         Made by `cargo xtask evaluate`{}: {seeds} seeds, {} days of benign past each, then every family from what was learned, with\n\
         the configuration a family says and otherwise defaults (`alert_budget` 1). {:.0} benign days and {:.0} days with attacks\n\
         were judged. The scenarios are made by this repository and know nothing of the models; the captures are not.\n\n\
         | | measured | wanted |\n|---|---:|---:|\n\
         | findings while learning the past | {findings} | 0 |\n\
         | findings a day in benign families | {:.2} | at most 1 |\n\
         | attack runs with every actor in an incident | {:.1} % | at least 95 % |\n\n",
        if cli.date.is_empty() { String::new() } else { format!(" on {}", cli.date) },
        method.days,
        score.benign_days,
        score.attack_days,
        score.false_alarms_a_day(),
        100.0 * score.named(),
    )
}

/// Everything every capture raises, for who writes the rows.
fn dump(scratch: &Path) -> Result<()> {
    let directory = captures::directory().context("no captures: set ISTHMUS_CAPTURES")?;
    let mut files: Vec<String> = std::fs::read_dir(&directory)?
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|name| name.contains(".pcap"))
        .collect();
    files.sort();
    let bench = Bench::new(directory, scratch)?;
    for file in files {
        for past in Past::ALL {
            let mut counts = std::collections::BTreeMap::<(String, &str), u64>::new();
            for f in bench.findings(&file, past)? {
                *counts.entry((f.model, f.basis.name())).or_default() += 1;
            }
            let list: Vec<String> =
                counts.iter().map(|((model, basis), n)| format!("{model}/{basis}×{n}")).collect();
            println!("{file} | {} | {}", past.name(), list.join(" "));
        }
    }
    Ok(())
}
