//! The command line: what may be typed. What it does is in the files beside this one.

mod convergence;
mod doctor;
mod explain;
mod keep;
pub mod operate;
mod orders;
mod replay;
mod show;
mod status;

use std::ffi::OsString;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::config::{self, Config};
use crate::source::live::pins;

/// Passive sensor for the gateway between IT and OT networks.
#[derive(Debug, Parser)]
#[command(name = "isthmus", version, about, arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Watch interfaces of this machine (needs root to attach, gives it up afterwards).
    Run(RunArgs),
    /// Analyse capture files as if they had passed just now.
    Replay(ReplayArgs),
    /// List incidents.
    Incidents(ShowArgs),
    /// Show one incident with its account.
    Incident {
        /// Its number.
        id: u64,
        /// Write it, with the picture of the site, as one HTML file.
        #[arg(long, value_name = "F.html")]
        report: Option<PathBuf>,
        #[command(flatten)]
        show: ShowArgs,
    },
    /// List devices: addresses, roles with the reason, what they said about themselves.
    Hosts(ShowArgs),
    /// List who asks whom for what.
    Conversations(ShowArgs),
    /// Take an incident: it no longer pages unless it grows worse.
    Ack(operate::AckArgs),
    /// Allow somebody something, at once and until it is taken back; list, take back, export.
    Allow(Box<operate::AllowArgs>),
    /// Forget what a device usually does and learn it anew.
    Relearn(operate::RelearnArgs),
    /// Keep whole frames of a device as evidence for a while.
    Watch(operate::WatchArgs),
    /// Show what crosses from zone to zone, and which conduit allows it.
    Convergence(operate::ConvergenceArgs),
    /// Show how far learning is, the thresholds, the tables, what is open and what is allowed.
    Status(ShowArgs),
    /// Check a configuration file.
    Check {
        /// The file.
        config: PathBuf,
    },
    /// Detach what `run --pin` left attached, and nothing else.
    Detach(operate::DetachArgs),
    /// Say what stands between this machine and a good view, and what to do about it.
    Doctor(operate::DoctorArgs),
    /// Explain a model or protocol; without a name, list them.
    Explain {
        /// Its id.
        name: Option<String>,
    },
}

/// Text for people or JSON lines for programs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people.
    Text,
    /// One object a line, ECS field names.
    Json,
}

/// How devices without learned past are taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum StageArg {
    /// As new: only what always is news is raised.
    Learning,
    /// As known: everything is judged at once.
    Operational,
}

/// Datasets of `--log`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub enum Dataset {
    /// Connections, when they end.
    Connection,
    /// Industrial messages, one by one.
    Command,
    /// What devices say about themselves.
    Asset,
    /// Bytes that break a protocol's rules.
    Anomaly,
    /// Counts of the whole run.
    Summary,
}

/// `isthmus run`.
#[derive(Debug, Args)]
pub struct RunArgs {
    /// Configuration file.
    #[arg(long)]
    pub config: Option<PathBuf>,
    /// Interface to attach to; repeat for each leg of the gateway.
    #[arg(short = 'i', long = "interface", required = true)]
    pub interfaces: Vec<String>,
    /// Directory that keeps what is learned and found.
    #[arg(long)]
    pub state: Option<PathBuf>,
    /// How to attach.
    #[arg(long, value_enum, default_value = "native")]
    pub mode: ModeArg,
    /// Directory for packets: a pcapng for each incident, from before its trigger, and for hosts watched by hand.
    #[arg(long, value_name = "DIR")]
    pub evidence: Option<PathBuf>,
    /// Stay attached when the program ends, counting on; the next `run --pin` goes on from there.
    #[arg(long)]
    pub pin: bool,
    /// Where a bpffs is mounted, for --pin.
    #[arg(long, default_value = pins::BPFFS, value_name = "DIR")]
    pub bpffs: PathBuf,
    /// Text or JSON on standard output.
    #[arg(long, value_enum, default_value = "text")]
    pub format: Format,
    /// More datasets to write, separated by commas.
    #[arg(long, value_enum, value_delimiter = ',')]
    pub log: Vec<Dataset>,
}

/// How to attach to an interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ModeArg {
    /// In the driver, or not at all.
    Native,
    /// In the driver, else behind it, which is reported as degraded.
    Auto,
    /// Behind the driver.
    Generic,
}

/// `isthmus replay`.
#[derive(Debug, Args)]
pub struct ReplayArgs {
    /// Capture files (pcap, pcapng, gzip); merged by time.
    #[arg(required = true)]
    pub files: Vec<PathBuf>,
    /// Configuration file.
    #[arg(long)]
    pub config: Option<PathBuf>,
    /// Directory that keeps what is learned and found, saved on the way: the same replay again goes on where one was cut off.
    /// Without it nothing is kept.
    #[arg(long)]
    pub state: Option<PathBuf>,
    /// Take the files for benign past: learn, and declare learning over at their end.
    #[arg(long)]
    pub learn: bool,
    /// How devices without learned past are taken.
    #[arg(long, value_enum, default_value = "learning")]
    pub stage: StageArg,
    /// Write the incidents and the picture of the site as one HTML file.
    #[arg(long, value_name = "F.html")]
    pub report: Option<PathBuf>,
    /// Directory for packets: a pcapng for each incident, from before its trigger.
    #[arg(long, value_name = "DIR")]
    pub evidence: Option<PathBuf>,
    /// Text or JSON.
    #[arg(long, value_enum, default_value = "text")]
    pub format: Format,
    /// More datasets to write, separated by commas.
    #[arg(long, value_enum, value_delimiter = ',')]
    pub log: Vec<Dataset>,
}

/// Commands that show what is stored.
#[derive(Debug, Args)]
pub struct ShowArgs {
    /// Directory that keeps what is learned and found.
    #[arg(long, default_value = "/var/lib/isthmus")]
    pub state: PathBuf,
    /// Configuration file (for zones).
    #[arg(long)]
    pub config: Option<PathBuf>,
    /// Text or JSON.
    #[arg(long, value_enum, default_value = "text")]
    pub format: Format,
}

/// Runs what was typed. 0 fine, 1 failed, 2 usage or bad configuration.
pub fn main() -> ExitCode {
    main_with(std::env::args_os())
}

/// [`main`], of arguments that somebody else typed; the first is the program's name.
pub fn main_with(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    // clap itself exits with 2 on wrong usage and 0 on --help.
    let outcome = match Cli::parse_from(arguments).command {
        Command::Run(args) => crate::run::run(&args),
        Command::Replay(args) => replay::replay(&args),
        Command::Incidents(show) => show::incidents(&show),
        Command::Incident { id, report, show } => show::incident(id, report.as_deref(), &show),
        Command::Hosts(show) => show::hosts(&show),
        Command::Conversations(show) => show::conversations(&show),
        Command::Ack(args) => orders::acknowledge(&args),
        Command::Allow(args) => orders::allow(&args),
        Command::Relearn(args) => orders::relearn(&args),
        Command::Watch(args) => orders::watch(&args),
        Command::Convergence(args) => convergence::convergence(&args),
        Command::Status(show) => status::status(&show),
        Command::Check { config } => check(&config),
        Command::Detach(args) => detach(&args),
        Command::Doctor(args) => doctor::doctor_command(&args),
        Command::Explain { name } => explain::explain(name.as_deref()),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("isthmus: {error:#}");
            if error.is::<config::ConfigError>() { ExitCode::from(2) } else { ExitCode::FAILURE }
        }
    }
}

/// `isthmus check`.
fn check(path: &Path) -> anyhow::Result<()> {
    let config = config::load(path)?;
    writeln!(std::io::stdout(), "fine: {} zones, {} assets", config.zone.len(), config.asset.len())?;
    Ok(())
}

/// `isthmus detach`.
fn detach(args: &operate::DetachArgs) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    match pins::detach(&args.bpffs, &args.interfaces)?.as_slice() {
        [] => writeln!(out, "nothing is attached by isthmus in this network namespace")?,
        names => writeln!(out, "detached from {}", names.join(", "))?,
    }
    Ok(())
}

/// Somebody closed our standard output (`| head`): not our failure.
fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error
        .chain()
        .filter_map(|cause| cause.downcast_ref::<std::io::Error>())
        .any(|io| io.kind() == std::io::ErrorKind::BrokenPipe)
}

/// The configuration named, or the defaults.
///
/// # Errors
/// As [`config::load`].
pub fn configuration(path: Option<&PathBuf>) -> anyhow::Result<Config> {
    Ok(match path {
        Some(path) => config::load(path)?,
        None => Config::default(),
    })
}
