//! The product's program as `isthmus run` sets it up, and the programs it is compared with.

use anyhow::{Context as _, Result};
use aya::Ebpf;
use aya::maps::{Array, Map, MapInfo, ProgramArray, RingBuf};
use aya::programs::{TestRun as _, TestRunOptions, Xdp};
use isthmus::source::Wish;
use isthmus::source::live::Sizes;
use isthmus::source::live::clock::{Clock, monotonic, ticks};
use isthmus::source::live::control::Controls;
use isthmus::source::live::counters::Counters;
use isthmus::source::live::object::{Constants, Object};
use isthmus::source::policy::Limits;
use isthmus_tests::measure::thread_cpu;
use sensor_ebpf::counters::Counter;
use sensor_ebpf::policy::{Class, Endpoint};
use sensor_ebpf::record::Ring;
use sensor_ebpf::wire::ipv4::mapped;

/// A controller the engine has found to speak Modbus.
pub const CONTROLLER: [u8; 4] = [10, 0, 0, 2];
/// Where it does.
pub const PORT: u16 = 502;

/// Nanoseconds of processor time a call takes.
fn time(program: &Xdp, frame: &[u8], repeat: u32) -> Result<f64> {
    let options = TestRunOptions { data_in: Some(frame), repeat, ..TestRunOptions::new() };
    let before = thread_cpu();
    let result = program.test_run(options)?;
    let taken = thread_cpu() - before;
    anyhow::ensure!(result.return_value == 2, "the program returned {}, not XDP_PASS", result.return_value);
    Ok(taken.as_nanos() as f64 / f64::from(repeat))
}

/// The product's program with its maps, limits, verdicts and heartbeat.
pub struct Product {
    object: Object,
    controls: Controls,
    counters: Counters,
    rings: Vec<RingBuf<aya::maps::MapData>>,
}

impl Product {
    pub fn load(sizes: Sizes) -> Result<Self> {
        let mut object = Object::load(sizes, &Constants::random()?)?;
        let clock = Clock::calibrate(object.program("ticks")?)?;
        let now = ticks(object.program("ticks")?)?;
        let mut controls = Controls::open(&mut object, &Limits::default(), clock.rate(), now)?;
        let counters = Counters::open(&mut object)?;
        let endpoint = Endpoint { address: mapped(CONTROLLER), port: PORT, transport: 1, zero: [0; 5] };
        controls.wish(&[Wish::Verdict(endpoint, Class::Confirmed)], monotonic());
        controls.step(monotonic())?;
        let rings = Ring::ALL
            .into_iter()
            .map(|ring| object.take(&ring.name().to_uppercase()))
            .collect::<Result<_>>()?;
        Ok(Self { object, controls, counters, rings })
    }

    /// What user space does all the time: says that it lives, and empties the rings.
    pub fn between(&mut self) -> Result<()> {
        let now = ticks(self.object.program("ticks")?)?;
        self.controls.beat(now)?;
        for ring in &mut self.rings {
            while ring.next().is_some() {}
        }
        Ok(())
    }

    pub fn time(&mut self, frame: &[u8], repeat: u32) -> Result<f64> {
        time(self.object.program("isthmus")?, frame, repeat)
    }

    pub fn counters(&self) -> Result<[u64; Counter::COUNT]> {
        self.counters.read()
    }

    /// Numbers that are the same on every run.
    pub fn describe(&mut self) -> Result<()> {
        let info = self.object.program("isthmus")?.info()?;
        println!(
            "\nprogram: {} translated instructions, {} bytes of machine code, {} steps of the verifier",
            info.size_translated().unwrap_or(0) / 8,
            info.size_jitted(),
            info.verified_instruction_count().unwrap_or(0),
        );
        let cpus = aya::util::nr_cpus().map_err(|(what, error)| anyhow::anyhow!("{what}: {error}"))? as u64;
        let mut all = 0;
        for id in info.map_ids()?.unwrap_or_default() {
            let map = MapInfo::from_id(id)?;
            let slots = u64::from(map.max_entries());
            let bytes = match map.map_type()? {
                aya::maps::MapType::RingBuf => slots,
                aya::maps::MapType::PerCpuArray => {
                    slots * u64::from(map.value_size().next_multiple_of(8)) * cpus
                }
                _ => slots * u64::from((map.key_size() + map.value_size()).next_multiple_of(8)),
            };
            all += bytes;
            if bytes >= 1 << 20 {
                println!(
                    "  {:12} {:6.1} MiB",
                    map.name_as_str().unwrap_or("?"),
                    bytes as f64 / f64::from(1 << 20)
                );
            }
        }
        println!("maps: {:.1} MiB in all on {cpus} CPUs", all as f64 / f64::from(1 << 20));
        Ok(())
    }
}

/// What the mutator jumps into.
pub enum Next<'a> {
    Empty,
    Parse,
    Lru,
    Product(&'a mut Product),
}

/// The programs of the bench's own object.
pub struct Bench {
    ebpf: Ebpf,
    turn: Array<aya::maps::MapData, [u64; 2]>,
    next: ProgramArray<aya::maps::MapData>,
}

impl Bench {
    pub fn load(object: &[u8]) -> Result<Self> {
        let mut ebpf = Ebpf::load(object).context("the bench's programs")?;
        for (name, program) in ebpf.programs_mut() {
            let program: &mut Xdp = program.try_into()?;
            program.load().with_context(|| format!("the bench's program {name}"))?;
        }
        let mut take =
            |name: &str| -> Result<Map> { ebpf.take_map(name).with_context(|| format!("no map {name}")) };
        let (turn, next) = (take("TURN")?.try_into()?, take("NEXT")?.try_into()?);
        Ok(Self { ebpf, turn, next })
    }

    fn program(&self, name: &str) -> Result<&Xdp> {
        Ok(self.ebpf.program(name).with_context(|| format!("no program {name}"))?.try_into()?)
    }

    pub fn time(&self, name: &str, frame: &[u8], repeat: u32) -> Result<f64> {
        time(self.program(name)?, frame, repeat)
    }

    /// Lets the mutator make as many flows as `mask` has values.
    pub fn flows(&mut self, mask: u64) -> Result<()> {
        // The number of the next frame goes on, or the flows of a scan would come again.
        let [n, _] = self.turn.get(&0, 0)?;
        Ok(self.turn.set(0, [n, mask], 0)?)
    }

    pub fn next(&mut self, next: Next<'_>) -> Result<()> {
        let name = match next {
            Next::Product(product) => {
                return Ok(self.next.set(0, product.object.program("isthmus")?.fd()?, 0)?);
            }
            Next::Empty => "empty",
            Next::Parse => "parse",
            Next::Lru => "lru",
        };
        let program: &Xdp =
            self.ebpf.program(name).with_context(|| format!("no program {name}"))?.try_into()?;
        Ok(self.next.set(0, program.fd()?, 0)?)
    }
}
