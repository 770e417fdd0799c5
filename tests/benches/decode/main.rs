//! What decoding costs, protocol by protocol: bytes a second, time and allocations a message, beside a copy of the same bytes.
//! Started by `cargo xtask bench decode [NAME]`.
//!
//! Payload is taken out of frames beforehand. What is measured is what the engine does with it: a connection is made, its
//! content recognised, its segments put in order and decoded into events that are thrown away. Beside it stands the whole
//! engine, from the packet path's records to the last model. Variants take turns within a round, and ratios are those of a
//! round: the machine is used by others too.

mod case;

use std::process::ExitCode;

use anyhow::{Context as _, Result};
use isthmus::protocol::REGISTRY;
use isthmus_tests::measure::{Rounds, thread_cpu};

use case::Case;

/// Rounds that count.
const ROUNDS: usize = 15;
/// One variant runs at least so long in each round, in seconds.
const LEAST: f64 = 0.003;
/// Variants of a case: copy, decode, engine.
const VARIANTS: usize = 3;

fn main() -> ExitCode {
    // Cargo asks every bench for its list of tests; this one has none.
    if std::env::args().any(|argument| argument == "--list") {
        return ExitCode::SUCCESS;
    }
    let only = std::env::args().skip(1).find(|argument| !argument.starts_with("--"));
    match bench(only.as_deref().unwrap_or_default()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn bench(only: &str) -> Result<()> {
    let mut cases = case::made()?;
    match std::env::var_os("ISTHMUS_CAPTURES") {
        Some(directory) => cases.extend(case::captured(directory.as_ref())?),
        None => println!("no captures (ISTHMUS_CAPTURES names their directory): made messages only\n"),
    }
    cases.retain(|case| case.protocol.contains(only));
    cases.sort_by_key(|case| (case.protocol, case.source));
    let missing: Vec<&str> = REGISTRY
        .iter()
        .map(|spec| spec.name)
        .filter(|name| {
            name.contains(only) && !cases.iter().any(|c| c.protocol == *name && c.source == "captured")
        })
        .collect();

    // How often each variant is repeated to take long enough, found by trying.
    let mut times = Vec::new();
    for case in &mut cases {
        case.count()?;
        for variant in 0..VARIANTS {
            let mut n = 1_u32;
            while once(case, variant, n) < LEAST && n < 1 << 16 {
                n *= 2;
            }
            times.push(n);
        }
    }
    let variants = times.len();
    let rounds = Rounds::take(ROUNDS, variants, |at| -> Result<f64> {
        let case = cases.get(at / VARIANTS).context("no such case")?;
        Ok(once(case, at % VARIANTS, times[at]) / f64::from(times[at]))
    })?;

    println!(
        "median of {ROUNDS} rounds, processor time of one thread; a message is a command, or a segment where none is told\n"
    );
    println!(
        "{:13} {:9} {:>8} {:>9} {:>9} {:>8} {:>9} {:>8} {:>7} {:>10}",
        "protocol",
        "from",
        "kB",
        "segments",
        "commands",
        "MB/s",
        "ns/mess.",
        "alloc/m.",
        "x copy",
        "engine ns"
    );
    for (n, case) in cases.iter().enumerate() {
        let (copy, decode, engine) = (n * VARIANTS, n * VARIANTS + 1, n * VARIANTS + 2);
        let messages = case.messages() as f64;
        let whole = if case.records.is_empty() {
            "-".to_owned()
        } else {
            format!("{:.1}", rounds.median(|row| row[engine]) / messages * 1e9)
        };
        println!(
            "{:13} {:9} {:8.1} {:9} {:9} {:8.0} {:9.1} {:8.3} {:7.1} {whole:>11}",
            case.protocol,
            case.source,
            case.bytes as f64 / 1e3,
            case.segments,
            case.commands,
            case.bytes as f64 / rounds.median(|row| row[decode]) / 1e6,
            rounds.median(|row| row[decode]) / messages * 1e9,
            case.allocations as f64 / messages,
            rounds.median(|row| row[decode] / row[copy]),
        );
    }
    for source in ["made", "captured"] {
        let (mut commands, mut seconds) = (0, 0.0);
        for (n, case) in cases.iter().enumerate() {
            if case.source == source && case.commands > 0 && !case.records.is_empty() {
                commands += case.commands;
                seconds += rounds.median(|row| row[n * VARIANTS + 2]);
            }
        }
        if commands > 0 {
            println!("{source}: {:.0} commands a second through the whole engine", commands as f64 / seconds);
        }
    }
    if !missing.is_empty() {
        println!("not in any capture at hand: {}", missing.join(", "));
    }
    Ok(())
}

/// Seconds that `times` passes of a variant take.
fn once(case: &Case, variant: usize, times: u32) -> f64 {
    let begun = thread_cpu();
    for _ in 0..times {
        match variant {
            0 => case.copy(),
            1 => case.decode(),
            _ => case.engine(),
        }
    }
    (thread_cpu() - begun).as_secs_f64()
}
