//! Loading the object and running its program on frames (`BPF_PROG_TEST_RUN`).

use std::mem::{offset_of, size_of};

use anyhow::{Context, Result, anyhow};
use aya::maps::{Array, RingBuf};
use aya::programs::{TestRun, TestRunOptions, Xdp};
use aya::{Ebpf, EbpfLoader};
use sensor_ebpf::counters::Counter;
use sensor_ebpf::flow::Set;
use sensor_ebpf::policy::{Class, Control, PORTS_PER_CHUNK, PortKey, UNLIMITED};
use sensor_ebpf::record::Ring;
use sensor_ebpf::tables::{Cpu, MAX_CPUS};

/// What the loader decides.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// Sets in each CPU's slice of the flow cache; a power of two. A set holds two flows.
    pub sets: u32,
    /// New flows a tick, and saved up, on one CPU.
    pub new_flows: u32,
    /// Time comes from the control map instead of the kernel.
    pub test_clock: bool,
}

/// Multipliers of the flow hash: odd, and fixed so that runs compare.
const SECRETS: [u64; 5] = [
    0x9e37_79b9_7f4a_7c15,
    0xc2b2_ae3d_27d4_eb4f,
    0x1656_67b1_9e37_79f9,
    0xd6e8_feb8_6659_fd93,
    0xff51_afd7_ed55_8ccd,
];

/// Ports a plant has, so that every way through the program is taken.
const PORTS: [(PortKey, Class); 6] = [
    (PortKey::Tcp(102), Class::Industrial),
    (PortKey::Tcp(502), Class::Industrial),
    (PortKey::Tcp(3389), Class::Access),
    (PortKey::Tcp(443), Class::Access),
    (PortKey::Udp(53), Class::Control),
    (PortKey::EtherType(0x0806), Class::Control),
];

const CONTROL_WORDS: usize = size_of::<Control>() / 4;
const CPU_WORDS: usize = size_of::<Cpu>() / 8;
type Cpus = [[u64; CPU_WORDS]; MAX_CPUS];
const SET_WORDS: usize = size_of::<Set>() / 8;

/// The program in the kernel, not attached to anything.
pub struct Loaded {
    ebpf: Ebpf,
    program: &'static str,
}

impl Loaded {
    /// Loads `program` of the object and fills its tables.
    ///
    /// # Errors
    /// Without privilege, or with the verifier's last words.
    pub fn new(object: &[u8], program: &'static str, settings: Settings) -> Result<Self> {
        let cpus = aya::util::nr_cpus().map_err(|(what, error)| anyhow!("{what}: {error}"))?;
        let slices = u32::try_from(cpus)?;
        let test_clock = u32::from(settings.test_clock);
        let mut ebpf = EbpfLoader::new()
            .override_global("SECRETS", &SECRETS, true)
            .override_global("SETS", &settings.sets, true)
            .override_global("TEST_CLOCK", &test_clock, true)
            .map_max_entries("FLOWS", settings.sets * slices)
            .load(object)
            .context("the kernel refused the object's maps")?;
        let xdp: &mut Xdp =
            ebpf.program_mut(program).with_context(|| format!("no program `{program}`"))?.try_into()?;
        xdp.load().map_err(|error| {
            anyhow!("the kernel refused the program: {}", last_lines(&format!("{error:?}")))
        })?;
        let mut loaded = Self { ebpf, program };
        loaded.fill(settings, slices)?;
        Ok(loaded)
    }

    fn fill(&mut self, settings: Settings, slices: u32) -> Result<()> {
        let mut control = [0_u32; CONTROL_WORDS];
        // About half an hour at any tick rate there is: nothing goes idle here.
        control[offset_of!(Control, idle) / 4] = 1 << 20;
        for (offset, value) in [
            (offset_of!(Control, rate), settings.new_flows),
            (offset_of!(Control, burst), settings.new_flows),
        ] {
            control[offset / 4] = value;
            control[offset / 4 + 1] = value;
        }
        self.array::<[u32; CONTROL_WORDS]>(".bss.control")?.set(0, control, 0)?;

        let policies = [(Class::Unknown, 256, 8), (Class::Control, 512, 8), (Class::Access, 2048, 128)];
        let industrial = [(Class::Industrial, 2048, 128), (Class::Confirmed, 2048, UNLIMITED)];
        let mut classes = self.array::<[u16; 2]>("CLASSES")?;
        for (class, snap, budget) in policies.into_iter().chain(industrial) {
            classes.set(class as u32, [snap, budget], 0)?;
        }

        let mut ports = self.array::<[u8; PORTS_PER_CHUNK as usize]>("PORTS")?;
        for (key, class) in PORTS {
            let (chunk, at) = (key.index() / PORTS_PER_CHUNK, key.index() % PORTS_PER_CHUNK);
            let mut row = ports.get(&chunk, 0)?;
            row[at as usize] = class as u8;
            ports.set(chunk, row, 0)?;
        }

        let mut cpus = [[0_u64; CPU_WORDS]; MAX_CPUS];
        for (slice, words) in (0..slices).zip(&mut cpus) {
            for (at, value) in
                [(offset_of!(Cpu, slice), slice + 1), (offset_of!(Cpu, first), slice * settings.sets)]
            {
                let mut bytes = words[at / 8].to_ne_bytes();
                bytes[at % 8..at % 8 + 4].copy_from_slice(&value.to_ne_bytes());
                words[at / 8] = u64::from_ne_bytes(bytes);
            }
        }
        self.array::<Cpus>(".bss.cpus")?.set(0, cpus, 0)?;
        Ok(())
    }

    /// Runs the program `repeat` times on one frame and gives its return value and the frame afterwards.
    ///
    /// # Errors
    /// When the kernel cannot run it on such a frame.
    pub fn run(&self, frame: &[u8], repeat: u32) -> Result<(u32, Vec<u8>)> {
        let mut after = vec![0; frame.len()];
        let mut options = TestRunOptions::new();
        (options.data_in, options.repeat) = (Some(frame), repeat);
        options.data_out = Some(&mut after);
        let result = self.xdp()?.test_run(options)?;
        after.truncate(result.data_size_out as usize);
        Ok((result.return_value, after))
    }

    /// The program.
    ///
    /// # Errors
    /// Never, once loaded.
    pub fn xdp(&self) -> Result<&Xdp> {
        Ok(self.ebpf.program(self.program).context("the program is gone")?.try_into()?)
    }

    /// Instructions after translation, and those the verifier walked (0 where the kernel does not say): what the
    /// program costs to run and to load. The verifier gives up at a million.
    ///
    /// # Errors
    /// When the kernel does not describe it.
    pub fn size(&self) -> Result<(u32, u32)> {
        let info = self.xdp()?.info()?;
        Ok((info.size_translated().unwrap_or(0) / 8, info.verified_instruction_count().unwrap_or(0)))
    }

    /// A counter, over all CPUs.
    ///
    /// # Errors
    /// When the map cannot be read.
    pub fn counter(&self, counter: Counter) -> Result<u64> {
        let map = self.ebpf.map(".bss.cpus").context("no map .bss.cpus")?;
        let cpus: Cpus = Array::<_, Cpus>::try_from(map)?.get(&0, 0)?;
        let at = offset_of!(Cpu, counters) / 8 + counter as usize;
        Ok(cpus.iter().map(|words| words[at]).sum())
    }

    /// Empties a ring; how many records it held.
    ///
    /// # Errors
    /// When the ring cannot be mapped.
    pub fn drain(&mut self, ring: Ring) -> Result<u64> {
        let name = ring.name().to_uppercase();
        let mut ring = RingBuf::try_from(self.map(&name)?)?;
        let mut records = 0;
        while ring.next().is_some() {
            records += 1;
        }
        Ok(records)
    }

    /// How many entries of the flow cache are taken.
    ///
    /// # Errors
    /// When the map cannot be read.
    pub fn flows(&self) -> Result<u64> {
        let map = self.ebpf.map("FLOWS").context("no map FLOWS")?;
        let sets = Array::<_, [u64; SET_WORDS]>::try_from(map)?;
        let mut taken = 0;
        for set in sets.iter() {
            // The last word of an entry is its stamp; zero until it is first used.
            taken += set?
                .chunks(SET_WORDS / 2)
                .filter(|entry| entry.last().is_some_and(|stamp| *stamp != 0))
                .count() as u64;
        }
        Ok(taken)
    }

    fn map(&mut self, name: &str) -> Result<&mut aya::maps::Map> {
        self.ebpf.map_mut(name).with_context(|| format!("no map {name} in the object"))
    }

    fn array<V: aya::Pod>(&mut self, name: &str) -> Result<Array<&mut aya::maps::MapData, V>> {
        Ok(Array::try_from(self.map(name)?)?)
    }
}

/// The end of a verifier log, where the reason stands.
fn last_lines(log: &str) -> String {
    let log = log.replace("\\n", "\n");
    let lines: Vec<&str> = log.lines().filter(|line| !line.trim().is_empty()).collect();
    lines[lines.len().saturating_sub(12)..].join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_verifier_log_is_kept() {
        let log = (0..40).map(|n| format!("{n}: insn")).collect::<Vec<_>>().join("\\n");
        assert_eq!(last_lines(&log).lines().count(), 12);
        assert!(last_lines(&log).ends_with("39: insn"));
    }
}
