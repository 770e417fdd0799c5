//! Makes the plant's ordinary days and its bad afternoon as capture files, or plays them on interfaces.

mod play;

use std::fs::File;
use std::io::BufWriter;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use clap::{Args, Parser, Subcommand, ValueEnum};
use isthmus_tests::capture_file::{write_pcap, write_pcapng};
use isthmus_tests::conversation::Frame;
use isthmus_tests::scenario::{Incident, IncidentOptions, Plant, ordinary_days, parse_time};

/// A Wednesday afternoon.
const DEFAULT_START: &str = "2026-03-11T13:00:00Z";

#[derive(Parser)]
#[command(
    version,
    about = "The plant scenario: ordinary days and one incident, as capture files or on interfaces"
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Write ordinary days.
    Ordinary {
        /// How many days.
        #[arg(long, default_value_t = 5)]
        days: u64,
        /// Seed of everything left to chance.
        #[arg(long, default_value_t = 1)]
        seed: u64,
        /// When they end: Unix seconds or RFC 3339 in UTC. The incident begins there by default.
        #[arg(long, default_value = DEFAULT_START, value_parser = parse_time)]
        end: u64,
        /// The file: `.pcapng` with an interface for each leg, anything else pcap.
        #[arg(long)]
        out: PathBuf,
    },
    /// Write the incident, and say on standard output what is in it.
    Incident {
        #[command(flatten)]
        story: Story,
        /// The file: `.pcapng` with an interface for each leg, anything else pcap.
        #[arg(long)]
        out: PathBuf,
    },
    /// Send the incident on interfaces (needs CAP_NET_RAW).
    Play {
        #[command(flatten)]
        story: Story,
        #[command(flatten)]
        stage: play::Stage,
    },
}

#[derive(Args)]
struct Story {
    /// Which story.
    #[arg(long, value_enum, default_value_t = Variant::Full)]
    variant: Variant,
    /// When it begins: Unix seconds or RFC 3339 in UTC.
    #[arg(long, default_value = DEFAULT_START, value_parser = parse_time)]
    start: u64,
    /// Seed of everything left to chance.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Bytes the remote desktop session uploads.
    #[arg(long)]
    rdp_up: Option<u64>,
    /// Bytes the remote desktop session downloads.
    #[arg(long)]
    rdp_down: Option<u64>,
    /// Also stop a controller.
    #[arg(long)]
    with_stop: bool,
    /// Also replace a block of a controller's program.
    #[arg(long)]
    with_download: bool,
    /// Leave the ordinary life out.
    #[arg(long)]
    alone: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum Variant {
    /// The whole afternoon.
    Full,
    /// Only a scan, one attempt in half a minute.
    SlowScan,
    /// Only one write to one controller.
    OneWrite,
    /// A program download and a stop.
    DownloadAndStop,
    /// A new office computer: no incident.
    NewOfficeComputer,
}

impl Story {
    fn plan(&self) -> Incident {
        let make = match self.variant {
            Variant::Full => IncidentOptions::new,
            Variant::SlowScan => IncidentOptions::slow_scan,
            Variant::OneWrite => IncidentOptions::one_write,
            Variant::DownloadAndStop => IncidentOptions::download_and_stop,
            Variant::NewOfficeComputer => IncidentOptions::new_office_computer,
        };
        let mut options = make(self.start, self.seed);
        options.background = !self.alone;
        options.stop |= self.with_stop;
        options.download |= self.with_download;
        options.rdp_up = self.rdp_up.unwrap_or(options.rdp_up);
        options.rdp_down = self.rdp_down.unwrap_or(options.rdp_down);
        Incident::new(&Plant::new(), &options)
    }
}

fn write(path: &Path, frames: impl Iterator<Item = Frame>) -> Result<()> {
    let mut out =
        BufWriter::new(File::create(path).with_context(|| format!("{}: cannot be written", path.display()))?);
    let count = if path.extension().is_some_and(|e| e == "pcapng") {
        write_pcapng(&mut out, frames)
    } else {
        write_pcap(&mut out, frames)
    };
    let count = count.and_then(|n| out.into_inner().map(|_| n).map_err(std::io::IntoInnerError::into_error));
    let count = count.with_context(|| format!("{}: writing failed", path.display()))?;
    println!("{}: {count} frames", path.display());
    Ok(())
}

fn main() -> ExitCode {
    match run(Cli::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("scenario: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(cli: Cli) -> Result<()> {
    match cli.command {
        Command::Ordinary { days, seed, end, out } => {
            if days == 0 || days > 366 {
                bail!("--days {days}: between 1 and 366 can be made");
            }
            write(&out, ordinary_days(&Plant::new(), seed, days, end))
        }
        Command::Incident { story, out } => {
            let incident = story.plan();
            print!("{}", incident.truth());
            write(&out, incident.into_frames())
        }
        Command::Play { story, stage } => {
            let incident = story.plan();
            print!("{}", incident.truth());
            play::play(&stage, incident.truth().start_ns, incident.into_frames())
        }
    }
}
