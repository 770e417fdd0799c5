//! `cargo xtask bench`: what it costs, beside programs that do less, measured so that a busy machine does not matter.

use anyhow::{Result, bail};

use crate::{command, object, test, toolchain};

/// What to measure.
#[derive(clap::Subcommand)]
pub enum Bench {
    /// Decoding, protocol by protocol: bytes a second, time and allocations a message, beside a copy of the same bytes
    Decode {
        /// Only protocols whose names contain this
        #[arg(default_value = "")]
        only: String,
    },
    /// The packet path in the kernel, as a multiple of a program that does nothing (as root)
    Kernel,
    /// Analysing captures: packets a second, processor time, memory, beside only reading them
    Replay,
    /// What a day of ten thousand hosts and a million conversations takes: memory, and records a second
    State,
}

/// Builds a bench in release mode and runs it.
///
/// # Errors
/// Without root where it is needed, or when something does not build or run.
pub fn run(bench: &Bench) -> Result<()> {
    if matches!(bench, Bench::Kernel) {
        toolchain::ensure()?;
    }
    match bench {
        Bench::Decode { only } => {
            let mut bench = cargo_bench("decode");
            bench.env("AYA_BUILD_SKIP", "1").envs(test::captures().map(|dir| ("ISTHMUS_CAPTURES", dir)));
            command::run(bench.args(["--", only]))
        }
        Bench::Kernel => {
            if !command::is_root() {
                bail!("`cargo xtask bench kernel` loads programs into the kernel: run it as root");
            }
            let object = object::build("isthmus-bench", "bench")?;
            let mut bench = cargo_bench("kernel");
            command::run(bench.env("ISTHMUS_BENCH_OBJECT", object))
        }
        // No kernel is touched: the BPF object is not needed.
        Bench::Replay => command::run(cargo_bench("replay").env("AYA_BUILD_SKIP", "1")),
        Bench::State => command::run(cargo_bench("state").env("AYA_BUILD_SKIP", "1")),
    }
}

fn cargo_bench(name: &str) -> std::process::Command {
    let mut cargo = command::cargo();
    cargo.args(["bench", "--quiet", "--locked", "-p", "isthmus-tests", "--bench", name]);
    cargo.env_remove("AYA_BUILD_SKIP");
    cargo
}
