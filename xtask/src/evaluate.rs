//! `cargo xtask evaluate`: what every model tells, and misses, over scenario families and real captures.

use anyhow::{Context as _, Result};

use crate::command::{self, cargo, output, program, root, target_dir};

/// What to measure.
#[derive(clap::Args)]
pub struct Args {
    /// Seeds to play
    #[arg(long, default_value_t = 20)]
    seeds: u64,
    /// Two seeds and shorter weeks, printed and not written down
    #[arg(long)]
    quick: bool,
    /// Only this family, printed and not written down; may be repeated
    #[arg(long)]
    family: Vec<String>,
}

/// Measures, prints, and writes `docs/evaluation.md` when everything was measured.
pub fn run(args: &Args) -> Result<()> {
    // No kernel is touched: the BPF object is not needed.
    command::run(
        cargo()
            .args(["build", "--release", "--locked", "-p", "isthmus-tests", "--bin", "evaluate"])
            .env("AYA_BUILD_SKIP", "1"),
    )?;
    let mut evaluate = program(target_dir().join("release/evaluate"));
    evaluate.args(["--seeds", &args.seeds.to_string()]);
    if args.quick {
        evaluate.arg("--quick");
    }
    for family in &args.family {
        evaluate.args(["--family", family]);
    }
    if !args.quick && args.family.is_empty() {
        let date = output(program("date").args(["-u", "+%Y-%m-%d"]))?;
        let out = root().join("docs/evaluation.md");
        std::fs::create_dir_all(root().join("docs")).context("docs: cannot be made")?;
        evaluate.args(["--date", date.trim(), "--out"]).arg(out);
    }
    command::run(&mut evaluate)
}
