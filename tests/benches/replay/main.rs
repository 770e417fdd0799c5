//! What analysing a capture costs: packets a second and processor time per million packets, beside only reading the
//! file. Started by `cargo xtask bench replay`.
//!
//! The captures are made here, from seeds, so that how many flows and packets are in them is known; a sensor that is
//! fast and miscounts is none. Each measurement is a process of its own, because memory is told as a process's peak.

mod traffic;

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::Instant;

use anyhow::{Context as _, Result, bail, ensure};
use isthmus::engine::Engine;
use isthmus::incident::Incidents;
use isthmus::mind::Mind;
use isthmus::observer::Silent;
use isthmus::source::capture::Capture;
use isthmus::source::replay::{Replay, ReplayOptions};
use isthmus::source::{Record, Source as _};
use isthmus::state::World;
use isthmus::state::world::Settings;
use isthmus::state::zone::Zones;
use isthmus_tests::measure::{Rounds, process_cpu};

/// Rounds that count.
const ROUNDS: usize = 5;
/// What is done with a capture, from little to all.
const STEPS: [(&str, &str); 3] = [
    ("read", "read the file only"),
    ("flows", "packet path: flows, payload"),
    ("engine", "engine: all of it"),
];

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|a| !a.starts_with("--")).collect();
    // Cargo asks every bench for its list of tests; this one has none.
    if std::env::args().any(|argument| argument == "--list") {
        return ExitCode::SUCCESS;
    }
    let done = match arguments.as_slice() {
        [step, file] => once(step, Path::new(file)),
        _ => bench(),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// A folder for captures, removed on drop.
struct Folder(PathBuf);

impl Drop for Folder {
    fn drop(&mut self) {
        // What cannot be removed stays in the folder for temporary files.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn bench() -> Result<()> {
    let folder = Folder(std::env::temp_dir().join(format!("isthmus-bench-{}", std::process::id())));
    std::fs::create_dir_all(&folder.0)?;
    println!("median of {ROUNDS} rounds, processor time of a process of one thread\n");
    for (name, make) in traffic::ALL {
        let file = folder.0.join("capture.pcap");
        let truth = make(&file)?;
        let size = std::fs::metadata(&file)?.len();
        println!(
            "{name}: {} packets, {} one-way flows, {:.0} MB",
            truth.packets,
            truth.flows.len(),
            size as f64 / 1e6
        );
        check(&file, &truth)?;
        let mut rss = [0; STEPS.len()];
        let rounds = Rounds::take(ROUNDS, STEPS.len(), |step| -> Result<f64> {
            let (cpu, peak) = apart(STEPS[step].0, &file)?;
            rss[step] = rss[step].max(peak);
            Ok(cpu)
        })?;
        let packets = truth.packets as f64;
        println!(
            "  {:32} {:>10} {:>14} {:>9} {:>9}",
            "", "Mpackets/s", "CPU s/Mpacket", "x reading", "peak MB"
        );
        for (at, (_, what)) in STEPS.iter().enumerate() {
            let seconds = rounds.median(|row| row[at]);
            println!(
                "  {what:32} {:10.2} {:14.3} {:8.1}x {:9.0}",
                packets / seconds / 1e6,
                seconds / packets * 1e6,
                rounds.median(|row| row[at] / row[0]),
                rss[at] as f64 / 1e3,
            );
        }
        println!();
    }
    Ok(())
}

/// Every flow is found, no other is, and every packet is in one of them.
fn check(file: &Path, truth: &traffic::Truth) -> Result<()> {
    let mut replay = Replay::open(&[file.to_owned()], ReplayOptions::default())?;
    let (mut flows, mut packets) = (std::collections::HashSet::new(), 0);
    let mut take = |record: Record<'_>| {
        if let Record::Flow(event) = record {
            flows.insert(traffic::flow(&event.key));
            packets += event.packets;
        }
    };
    while replay.poll(&mut take)? {}
    ensure!(packets == truth.packets, "{packets} packets told of {}", truth.packets);
    ensure!(flows == truth.flows, "{} flows found, {} are there", flows.len(), truth.flows.len());
    Ok(())
}

/// Processor seconds and peak memory in kB of a process that takes one step.
fn apart(step: &str, file: &Path) -> Result<(f64, u64)> {
    let output = Command::new(std::env::current_exe()?).arg(step).arg(file).output()?;
    let text = String::from_utf8_lossy(&output.stdout);
    let mut words = text.split_whitespace();
    let (Some(cpu), Some(peak)) = (words.next(), words.next()) else {
        bail!("{step}: {}", String::from_utf8_lossy(&output.stderr).trim());
    };
    Ok((cpu.parse()?, peak.parse()?))
}

/// Takes one step and says what it took.
fn once(step: &str, file: &Path) -> Result<()> {
    let begin = Instant::now();
    match step {
        "read" => {
            let mut capture = Capture::open(file)?;
            let mut bytes = 0_u64;
            while let Some(packet) = capture.next() {
                bytes = bytes.wrapping_add(u64::from(packet?.wire_len));
            }
            ensure!(bytes != 0, "nothing in the capture");
        }
        "flows" => {
            let mut replay = Replay::open(&[file.to_owned()], ReplayOptions::default())?;
            let mut events = 0_u64;
            while replay.poll(&mut |_| events = events.wrapping_add(1))? {}
            ensure!(events != 0, "no records");
        }
        "engine" => {
            let world = World::new(Settings::default(), Zones::default());
            let mut engine = Engine::new(Mind::new(world, Incidents::default()));
            let mut replay = Replay::open(&[file.to_owned()], ReplayOptions::default())?;
            loop {
                let more = replay.poll(&mut |record| engine.record(record, &mut Silent))?;
                replay.apply(&engine.take_wishes());
                if !more {
                    break;
                }
            }
            engine.finish(&mut Silent);
        }
        other => bail!("no step `{other}`"),
    }
    let wall = begin.elapsed();
    let status = std::fs::read_to_string("/proc/self/status").context("/proc/self/status")?;
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or_default();
    let peak = peak.split_whitespace().next().context("no VmHWM in /proc/self/status")?;
    println!("{} {peak} {}", process_cpu().as_secs_f64(), wall.as_secs_f64());
    Ok(())
}
