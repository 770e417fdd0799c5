//! Frames on interfaces, at their own pace or faster.

use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use clap::Args;
use isthmus_tests::conversation::Frame;
use isthmus_tests::wire::Interface;

/// Where and how fast.
#[derive(Args)]
pub struct Stage {
    /// Interface frames of the IT side are sent on.
    #[arg(long)]
    leg0: String,
    /// Interface frames of the OT side are sent on; the same as --leg0 when not given.
    #[arg(long)]
    leg1: Option<String>,
    /// How many times faster than real time.
    #[arg(long, default_value_t = 180.0)]
    speed: f64,
    /// Stop after so many seconds of wall-clock time, whatever is left.
    #[arg(long, default_value_t = 600)]
    max_seconds: u64,
}

/// Frames due within this time are sent together: pacing by the frame would cost a sleep each.
const SLOT: Duration = Duration::from_millis(2);
/// Frames handed to the kernel at once at most.
const BATCH: usize = 256;

/// Sends the frames, the first at the moment `start_ns` stands for, and prints a summary.
pub fn play(stage: &Stage, start_ns: u64, frames: impl Iterator<Item = Frame>) -> Result<()> {
    if !(stage.speed.is_finite() && stage.speed > 0.0) {
        bail!("--speed {}: a positive number is needed", stage.speed);
    }
    let first = Interface::open(&stage.leg0)?;
    let second = stage.leg1.as_deref().map(Interface::open).transpose()?;
    let limit = Duration::from_secs(stage.max_seconds);
    let begun = Instant::now();
    let due = |at_ns: u64| Duration::from_nanos((at_ns.saturating_sub(start_ns) as f64 / stage.speed) as u64);

    let mut batch: Vec<Vec<u8>> = Vec::with_capacity(BATCH);
    let mut batch_leg = 0;
    let (mut count, mut bytes, mut latest, mut cut) = ([0_u64; 2], 0_u64, Duration::ZERO, false);
    let flush = |batch: &mut Vec<Vec<u8>>, leg: u8| {
        let interface = if leg == 0 { &first } else { second.as_ref().unwrap_or(&first) };
        let sent = interface.send(batch);
        batch.clear();
        sent
    };
    for frame in frames {
        let due = due(frame.at_ns);
        let elapsed = begun.elapsed();
        if elapsed > limit {
            cut = true;
            break;
        }
        let early = due.saturating_sub(elapsed) > SLOT;
        // One leg after the other: a reply must not overtake its request.
        if early || frame.leg != batch_leg || batch.len() == BATCH {
            flush(&mut batch, batch_leg)?;
            batch_leg = frame.leg;
        }
        if early {
            std::thread::sleep(due.saturating_sub(begun.elapsed()).min(limit));
        }
        latest = latest.max(begun.elapsed().saturating_sub(due));
        count[usize::from(frame.leg.min(1))] += 1;
        bytes += frame.bytes.len() as u64;
        batch.push(frame.bytes);
    }
    flush(&mut batch, batch_leg)?;

    let elapsed = begun.elapsed().as_secs_f64();
    let total = count[0] + count[1];
    println!(
        "played {total} frames ({} on leg 0, {} on leg 1), {bytes} bytes in {elapsed:.1} s, {:.0} frames/s, at most {:.1} ms late{}",
        count[0],
        count[1],
        total as f64 / elapsed.max(1e-9),
        latest.as_secs_f64() * 1e3,
        if cut { ", cut short by --max-seconds" } else { "" },
    );
    Ok(())
}
