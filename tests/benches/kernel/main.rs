//! What the packet path costs in the kernel, as a multiple of a program that does nothing. Started by
//! `cargo xtask bench kernel`, which builds the programs to compare with.
//!
//! `BPF_PROG_TEST_RUN` calls a program in a loop on one frame in memory: no driver, no interrupts. The loop itself is
//! most of what the empty program takes, so the same program shows another ratio on another machine; nanoseconds above
//! empty, and programs of known shape beside it, say what a ratio means.

mod programs;

use std::process::ExitCode;

use anyhow::{Context as _, Result, ensure};
use isthmus::source::live::Sizes;
use isthmus_tests::measure::Rounds;
use isthmus_tests::packet::{Mac, PacketBuilder};
use sensor_ebpf::counters::Counter;

use programs::{Bench, Next, Product};

/// Rounds that count.
const ROUNDS: usize = 15;
/// Times a program is called in one measurement.
const REPEAT: u32 = 500_000;
/// Calls where each ships its payload: what the rings hold without a reader.
const SHIPPED: u32 = 10_000;
/// What a table of flows must be fed, at the rate new flows are admitted, until it is full.
const FILLING: u32 = 8;

/// Traffic, and the bits of a flow's number that vary.
const WORKLOADS: [(&str, u64); 4] =
    [("one flow", 0), ("1 Ki flows", 0x3ff), ("131 Ki random flows", 0x1_ffff), ("all new (scan)", u64::MAX)];

fn main() -> ExitCode {
    // Cargo asks every bench for its list of tests; this one has none.
    if std::env::args().any(|argument| argument == "--list") {
        return ExitCode::SUCCESS;
    }
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<()> {
    let path = std::env::var_os("ISTHMUS_BENCH_OBJECT")
        .context("start this with `cargo xtask bench kernel`, which builds what it needs")?;
    stay_on_one_cpu()?;
    let mut product = Product::load(Sizes::default())?;
    let mut bench = Bench::load(&std::fs::read(&path)?)?;
    println!("Linux {}, {}", rustix::system::uname().release().to_string_lossy(), cpu_model());
    println!(
        "median of {ROUNDS} rounds of {REPEAT} calls, thread processor time; ratios are taken within a round\n"
    );

    println!("{:28} {:>8} {:>9} {:>22}", "one flow, TCP in a VLAN", "ns", "x empty", "spread of the ratio");
    let frame = acknowledgement();
    let names = ["empty", "parse", "lru", "isthmus"];
    let rounds = Rounds::take(ROUNDS, names.len(), |variant| {
        product.between()?;
        match names[variant] {
            "isthmus" => product.time(&frame, REPEAT),
            name => bench.time(name, &frame, REPEAT),
        }
    })?;
    for (at, name) in names.into_iter().enumerate() {
        let ratio = |row: &[f64]| row[at] / row[0];
        println!(
            "{:28} {:8.1} {:8.2}x {:>13.2} to {:.2}",
            describe(name),
            rounds.median(|row| row[at]),
            rounds.median(ratio),
            rounds.quantile(0.0, ratio),
            rounds.quantile(1.0, ratio),
        );
    }

    println!(
        "\nThe same with a frame that is another flow each time. What makes it so, and the jump from there into"
    );
    println!("the program, is measured with the empty program behind it and taken off.");
    println!(
        "{:22} {:>8} {:>8} {:>8} {:>9} {:>9} {:>9} {:>7} {:>8} {:>7}",
        "", "parse ns", "lru ns", "ours ns", "parse", "lru", "ours", "known", "admitted", "storm"
    );
    for (name, mask) in WORKLOADS {
        workload(name, mask, &frame, &mut product, &mut bench)?;
    }

    shipped(&mut product, &mut bench)?;
    product.describe()
}

/// One line of the table of many flows.
fn workload(name: &str, mask: u64, frame: &[u8], product: &mut Product, bench: &mut Bench) -> Result<()> {
    // Flows enter at the rate `isthmus run` admits them, so a large table takes as long to fill as it would there.
    bench.next(Next::Product(product))?;
    for _ in 0..if mask == 0x1_ffff { FILLING * 20 } else { 1 } {
        product.between()?;
        bench.flows(mask)?;
        bench.time("mutate", frame, REPEAT)?;
    }
    let before = product.counters()?;
    let rounds = Rounds::take(ROUNDS, 5, |variant| {
        product.between()?;
        if variant == 0 {
            return bench.time("empty", frame, REPEAT);
        }
        bench.next(match variant {
            1 => Next::Empty,
            2 => Next::Parse,
            3 => Next::Lru,
            _ => Next::Product(product),
        })?;
        bench.time("mutate", frame, REPEAT)
    })?;
    let counted = product.counters()?;
    let delta = |counter: Counter| (counted[counter as usize] - before[counter as usize]) as f64;
    let packets = delta(Counter::Packets);
    ensure!(packets == f64::from(REPEAT) * (ROUNDS + 1) as f64, "{name}: the program saw {packets} packets");
    let above = |row: &[f64], at: usize| row[at] - row[1];
    let ns = |at: usize| rounds.median(|row| row[0] + above(row, at));
    let ratio = |at: usize| rounds.median(|row| (row[0] + above(row, at)) / row[0]);
    let share = |n: f64| format!("{:.1} %", 100.0 * n / packets);
    let (admitted, storm) = (delta(Counter::Inserted), delta(Counter::Storm));
    println!(
        "{name:22} {:8.1} {:8.1} {:8.1} {:8.2}x {:8.2}x {:8.2}x {:>7} {:>8} {:>7}",
        ns(2),
        ns(3),
        ns(4),
        ratio(2),
        ratio(3),
        ratio(4),
        share(packets - admitted - storm),
        share(admitted),
        share(storm),
    );
    Ok(())
}

/// A flow of which each packet leaves the kernel: Modbus, confirmed by the engine.
fn shipped(product: &mut Product, bench: &mut Bench) -> Result<()> {
    let frame = PacketBuilder::ethernet(Mac([2, 0, 0, 0, 0, 1]), Mac([2, 0, 0, 0, 0, 2]))
        .vlan(20)
        .ipv4([10, 0, 0, 1], programs::CONTROLLER)
        .tcp(40_000, programs::PORT)
        .flags(0x18)
        .payload(&[0, 1, 0, 0, 0, 6, 1, 3, 0, 0, 0, 10])
        .build();
    let before = product.counters()?;
    let rounds = Rounds::take(ROUNDS, 2, |variant| {
        product.between()?;
        if variant == 0 { bench.time("empty", &frame, SHIPPED) } else { product.time(&frame, SHIPPED) }
    })?;
    let lost =
        product.counters()?[Counter::LostIndustrial as usize] - before[Counter::LostIndustrial as usize];
    ensure!(lost == 0, "{lost} records did not fit: the ring is smaller than the bench takes it for");
    println!(
        "\nA confirmed Modbus flow, every packet shipped: {:.1} ns above empty",
        rounds.median(|row| row[1] - row[0]),
    );
    Ok(())
}

/// 128 bytes of TCP in a VLAN, of no known port, with nothing new in it.
fn acknowledgement() -> Vec<u8> {
    PacketBuilder::ethernet(Mac([2, 0, 0, 0, 0, 1]), Mac([2, 0, 0, 0, 0, 2]))
        .vlan(20)
        .ipv4([10, 0, 0, 1], [10, 0, 0, 2])
        .tcp(40_000, 40_001)
        .flags(0x10)
        .payload(&[7; 70])
        .build()
}

fn describe(name: &str) -> &'static str {
    match name {
        "empty" => "empty",
        "parse" => "parse: ports found",
        "lru" => "lru: parse, kernel LRU hash",
        _ => "isthmus",
    }
}

fn stay_on_one_cpu() -> Result<()> {
    let mut cpus = rustix::thread::CpuSet::new();
    cpus.set(rustix::thread::sched_getcpu());
    rustix::thread::sched_setaffinity(None, &cpus).context("cannot stay on one CPU")
}

fn cpu_model() -> String {
    let info = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = info.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    model.map_or_else(|| "unknown processor".to_owned(), |(_, name)| name.to_owned())
}
