//! `cargo xtask`: what a developer types. `cargo xtask --help` lists it.

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use xtask::{bench, build, demo, evaluate, fuzz, kernels, lint, test};

#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", about = "Builds, tests and shows Isthmus")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Build the release binary, kernel part included, installing what the build needs
    Build,
    /// Show what Isthmus does: a plant, an intruder, a real kernel, one incident
    Demo,
    /// Measure what every model tells, and misses, over scenarios and real captures
    Evaluate(evaluate::Args),
    /// Run the tests: those of the host, then, as root, those of the kernel
    Test(test::Args),
    /// Check format, lints, documentation and the rules of this repository
    Lint,
    /// Run the fuzz targets for a while, the decoders once for each protocol
    Fuzz(fuzz::Args),
    /// Measure what it costs
    #[command(subcommand)]
    Bench(bench::Bench),
    /// Boot other kernels in an emulator and load and run the BPF program in them
    Kernels(kernels::Args),
}

fn main() -> ExitCode {
    let result = match Cli::parse().command {
        Command::Build => build::run(),
        Command::Demo => demo::run(),
        Command::Evaluate(args) => evaluate::run(&args),
        Command::Test(args) => test::run(&args),
        Command::Lint => lint::run(),
        Command::Fuzz(args) => fuzz::run(&args),
        Command::Bench(bench) => bench::run(&bench),
        Command::Kernels(args) => kernels::run(&args),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
