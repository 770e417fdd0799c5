//! The BPF object: its constants and map sizes before it is loaded, its policy before the first packet.

use std::collections::BTreeMap;
use std::mem::{offset_of, size_of};
use std::os::fd::{AsFd as _, BorrowedFd};
use std::path::PathBuf;

use anyhow::{Context as _, anyhow, bail};
use aya::maps::{Array, Map, MapData};
use aya::programs::Xdp;
use aya::{Ebpf, EbpfLoader};
use aya_obj::programs::XdpAttachType;
use sensor_ebpf::flow::Set;
use sensor_ebpf::policy::{Class, Control, PORTS_PER_CHUNK, PortKey};
use sensor_ebpf::record::Ring;
use sensor_ebpf::tables::{Cpu, MAX_CPUS, NO_SETS};

use crate::source::policy::{class_policy, port_classes};

/// The program as it was built; empty where it was not.
pub(super) static OBJECT: &[u8] = aya::include_bytes_aligned!(concat!(env!("OUT_DIR"), "/isthmus-xdp"));

/// Whether this build has the kernel part.
pub const fn is_built_in() -> bool {
    !OBJECT.is_empty()
}

/// A [`Cpu`] as aya copies it.
pub type RawCpu = [u64; size_of::<Cpu>() / 8];
/// All of them, as they stand in one value.
pub type RawCpus = [RawCpu; MAX_CPUS];
/// Slots by the lower 16 bits of an interface index.
type RawSlots = [u8; 1 << 16];
/// A [`Control`] as aya copies it.
pub type RawControl = [u64; size_of::<Control>() / 8];

/// How large the maps are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sizes {
    /// Sets of the flow cache on each CPU: a power of two. A set holds two flows of 64 bytes.
    pub flow_sets: u32,
    /// Bytes of each ring, in the order of [`Ring::ALL`]: powers of two of at least a page.
    pub rings: [u32; Ring::COUNT],
}

impl Default for Sizes {
    fn default() -> Self {
        // 131,072 flows and 8 MiB a CPU. A ring is also what bridges a pause of user space.
        Self { flow_sets: 1 << 16, rings: [8 << 20, 16 << 20, 8 << 20, 8 << 20] }
    }
}

/// Constants of the program.
#[derive(Clone, Copy, Debug)]
pub struct Constants {
    /// Odd multipliers of the flow hash.
    pub secrets: [u64; 5],
    /// Whether time comes from [`Control`] instead of the kernel: for tests.
    pub test_clock: bool,
}

impl Constants {
    /// Secrets nobody knows, the kernel's clock.
    ///
    /// # Errors
    /// When `/dev/urandom` cannot be read.
    pub fn random() -> anyhow::Result<Self> {
        use std::io::Read as _;
        let mut bytes = [0_u8; 40];
        std::fs::File::open("/dev/urandom")
            .and_then(|mut file| file.read_exact(&mut bytes))
            .context("/dev/urandom: no random numbers for the flow hash")?;
        let mut secrets = [0; 5];
        for (secret, chunk) in secrets.iter_mut().zip(bytes.as_chunks::<8>().0) {
            *secret = u64::from_ne_bytes(*chunk) | 1;
        }
        Ok(Self { secrets, test_clock: false })
    }
}

/// Maps that user space reads or writes. All but the scratch and the constants, which belong to the program alone.
pub const MAPS: [&str; 13] = [
    ".bss.control",
    ".bss.cpus",
    ".bss.slots",
    "ACCESS",
    "CLASSES",
    "EVIDENCE",
    "FLOWS",
    "INDUSTRIAL",
    "LIFECYCLE",
    "PORTS",
    "STORM",
    "VERDICT",
    "WATCH",
];
/// The rings among them, in the order of [`Ring::ALL`].
pub const RINGS: [&str; Ring::COUNT] = ["LIFECYCLE", "INDUSTRIAL", "ACCESS", "EVIDENCE"];
/// The programs: what is attached, and what is only run by hand.
pub const PROGRAMS: [&str; 2] = ["isthmus", "ticks"];

/// Where the programs are held.
#[derive(Debug)]
enum Programs {
    /// Loaded by this process.
    Loaded(Ebpf),
    /// Loaded by another, in the order of [`PROGRAMS`].
    Pinned(Box<[Xdp; 2]>),
}

/// The loaded object with its maps filled, not attached to anything by itself.
#[derive(Debug)]
pub struct Object {
    programs: Programs,
    maps: BTreeMap<&'static str, Map>,
    /// CPUs that have a slice of the flow cache.
    pub slices: u32,
    /// Sizes it was loaded with.
    pub sizes: Sizes,
}

impl Object {
    /// Loads the object: creates the maps, lets the verifier judge the programs, fills in ports and classes.
    ///
    /// # Errors
    /// When the program was built without its kernel part, privileges are missing, or the kernel refuses.
    pub fn load(sizes: Sizes, constants: &Constants) -> anyhow::Result<Self> {
        if !is_built_in() {
            bail!(
                "this isthmus was built without its kernel part (AYA_BUILD_SKIP=1): it can only replay captures"
            );
        }
        if !sizes.flow_sets.is_power_of_two() {
            bail!("flow_sets = {}: must be a power of two", sizes.flow_sets);
        }
        let cpus = aya::util::online_cpus().map_err(|(path, error)| anyhow!("{path}: {error}"))?;
        let slices = u32::try_from(cpus.len()).context("too many CPUs")?;
        let all_sets = sizes
            .flow_sets
            .checked_mul(slices)
            .filter(|sets| *sets <= u32::MAX / size_of::<Set>() as u32)
            .ok_or_else(|| anyhow!("flow_sets = {} on {slices} CPUs: more than 4 GiB", sizes.flow_sets))?;
        let test_clock = u32::from(constants.test_clock);
        let mut loader = EbpfLoader::new();
        loader
            .override_global("SECRETS", &constants.secrets, true)
            .override_global("SETS", &sizes.flow_sets, true)
            .override_global("TEST_CLOCK", &test_clock, true)
            .map_max_entries("FLOWS", all_sets);
        for (name, bytes) in RINGS.into_iter().zip(sizes.rings) {
            loader.map_max_entries(name, bytes);
        }
        let mut ebpf = loader.load(OBJECT).map_err(|error| explain(error, "load the BPF maps"))?;
        let mut maps = BTreeMap::new();
        for name in MAPS {
            let map = ebpf.take_map(name).ok_or_else(|| anyhow!("the BPF object has no map {name}"))?;
            maps.insert(name, map);
        }
        let mut object = Self { programs: Programs::Loaded(ebpf), maps, slices, sizes };
        for name in PROGRAMS {
            object.program(name)?.load().map_err(|error| explain(error, "load the XDP program"))?;
        }
        object.give_slices(&cpus)?;
        object.fill_policy()?;
        Ok(object)
    }

    /// Takes over what another process loaded with the same layout and pinned: `path` says where things are.
    ///
    /// # Errors
    /// When something is not there or not what it should be.
    pub fn adopt(path: impl Fn(&str) -> PathBuf) -> anyhow::Result<Self> {
        let mut maps = BTreeMap::new();
        for name in MAPS {
            let path = path(name);
            let map = MapData::from_pin(&path).map_err(|error| explain(error, "open what was pinned"))?;
            maps.insert(name, Map::from_map_data(map).with_context(|| path.display().to_string())?);
        }
        let program = |name: &str| {
            Xdp::from_pin(path(name), XdpAttachType::Interface)
                .map_err(|error| explain(error, "open what was pinned"))
        };
        let [first, second] = PROGRAMS;
        let programs = Programs::Pinned(Box::new([program(first)?, program(second)?]));
        let entries = |name: &str| -> anyhow::Result<u32> {
            let map = maps.get(name).ok_or_else(|| anyhow!("no map {name} is pinned"))?;
            let (Map::Array(data) | Map::RingBuf(data)) = map else {
                bail!("BPF map {name} is of another type")
            };
            Ok(data.info().with_context(|| format!("BPF map {name}"))?.max_entries())
        };
        let all_sets = entries("FLOWS")?;
        let [a, b, c, d] = RINGS;
        let rings = [entries(a)?, entries(b)?, entries(c)?, entries(d)?];
        let sizes = Sizes { flow_sets: 0, rings };
        let mut object = Self { programs, maps, slices: 0, sizes };
        let cpus: Array<&mut MapData, RawCpus> = object.map(".bss.cpus")?;
        let cpus = cpus.get(&0, 0).context("BPF map .bss.cpus")?;
        // Slices are counted from one.
        let slices = cpus.iter().map(|cpu| get_u32(cpu, offset_of!(Cpu, slice)));
        object.slices = slices.max().unwrap_or(0);
        object.sizes.flow_sets = all_sets.checked_div(object.slices).unwrap_or(0);
        Ok(object)
    }

    /// Pins maps and programs; `path` says where.
    ///
    /// # Errors
    /// When something is there already, or the kernel refuses.
    pub fn pin(&mut self, path: impl Fn(&str) -> PathBuf) -> anyhow::Result<()> {
        for (name, map) in &self.maps {
            let path = path(name);
            map.pin(&path).with_context(|| format!("{}: cannot pin", path.display()))?;
        }
        for name in PROGRAMS {
            let path = path(name);
            self.program(name)?.pin(&path).with_context(|| format!("{}: cannot pin", path.display()))?;
        }
        Ok(())
    }

    /// One of the two programs: `isthmus` or `ticks`.
    ///
    /// # Errors
    /// When the object lacks it, which would be a broken build.
    pub fn program(&mut self, name: &str) -> anyhow::Result<&mut Xdp> {
        let missing = || anyhow!("the BPF object has no program {name}");
        match &mut self.programs {
            Programs::Loaded(ebpf) => Ok(ebpf.program_mut(name).ok_or_else(missing)?.try_into()?),
            Programs::Pinned(programs) => {
                let at = PROGRAMS.iter().position(|known| *known == name).ok_or_else(missing)?;
                programs.get_mut(at).ok_or_else(missing)
            }
        }
    }

    /// Takes a map out of the object.
    ///
    /// # Errors
    /// When the object lacks it or it is of another type, which would be a broken build.
    pub fn take<M>(&mut self, name: &str) -> anyhow::Result<M>
    where
        M: TryFrom<aya::maps::Map>,
        M::Error: std::error::Error + Send + Sync + 'static,
    {
        let map = self.maps.remove(name).ok_or_else(|| anyhow!("the BPF object has no map {name}"))?;
        M::try_from(map).with_context(|| format!("BPF map {name}"))
    }

    /// The flow cache's descriptor, for mapping.
    ///
    /// # Errors
    /// When the object lacks it, which would be a broken build.
    pub fn flows(&self) -> anyhow::Result<BorrowedFd<'_>> {
        Ok(self.flow_map()?.fd().as_fd())
    }

    /// The kernel's number for the flow cache, never given twice while the machine runs.
    ///
    /// # Errors
    /// As above.
    pub fn flows_id(&self) -> anyhow::Result<u32> {
        Ok(self.flow_map()?.info().context("BPF map FLOWS")?.id())
    }

    fn flow_map(&self) -> anyhow::Result<&MapData> {
        match self.maps.get("FLOWS") {
            Some(Map::Array(data)) => Ok(data),
            _ => bail!("the BPF object has no array map FLOWS"),
        }
    }

    /// The slot frames of an interface carry.
    ///
    /// # Errors
    /// When the kernel refuses.
    pub fn slot(&mut self, interface: u32) -> anyhow::Result<u32> {
        let slots: Array<&mut MapData, RawSlots> = self.map(".bss.slots")?;
        let all = slots.get(&0, 0).context("BPF map .bss.slots")?;
        Ok(all.get((interface & 0xffff) as usize).copied().unwrap_or(0).into())
    }

    /// Makes frames of an interface carry `slot`.
    ///
    /// # Errors
    /// When the kernel refuses the update.
    pub fn set_slot(&mut self, interface: u32, slot: u32) -> anyhow::Result<()> {
        let mut slots: Array<&mut MapData, RawSlots> = self.map(".bss.slots")?;
        let mut all = slots.get(&0, 0).context("BPF map .bss.slots")?;
        if let Some(entry) = all.get_mut((interface & 0xffff) as usize) {
            *entry = u8::try_from(slot).context("more interfaces than a flow key can tell apart")?;
        }
        slots.set(0, all, 0).context("BPF map .bss.slots")
    }

    fn map<'a, M>(&'a mut self, name: &str) -> anyhow::Result<M>
    where
        M: TryFrom<&'a mut aya::maps::Map>,
        M::Error: std::error::Error + Send + Sync + 'static,
    {
        let map = self.maps.get_mut(name).ok_or_else(|| anyhow!("the BPF object has no map {name}"))?;
        M::try_from(map).with_context(|| format!("BPF map {name}"))
    }

    /// CPUs that are online now get a slice. One that comes later is counted as without.
    fn give_slices(&mut self, online: &[u32]) -> anyhow::Result<()> {
        let mut all: RawCpus = [[0; size_of::<Cpu>() / 8]; MAX_CPUS];
        for raw in &mut all {
            put_u32(raw, offset_of!(Cpu, first), NO_SETS);
        }
        for (slice, cpu) in (0_u32..).zip(online) {
            let raw = all.get_mut(*cpu as usize).ok_or_else(|| {
                anyhow!("CPU {cpu}: isthmus tells {MAX_CPUS} CPUs apart; this machine has more")
            })?;
            put_u32(raw, offset_of!(Cpu, slice), slice.saturating_add(1));
            put_u32(raw, offset_of!(Cpu, first), slice.saturating_mul(self.sizes.flow_sets));
        }
        let mut map: Array<&mut MapData, RawCpus> = self.map(".bss.cpus")?;
        map.set(0, all, 0).context("BPF map .bss.cpus")
    }

    /// Says what ports and classes are worth.
    ///
    /// # Errors
    /// When the kernel refuses.
    pub fn fill_policy(&mut self) -> anyhow::Result<()> {
        const CHUNK: usize = PORTS_PER_CHUNK as usize;
        let mut chunks = vec![[0_u8; CHUNK]; PortKey::SPACE as usize / CHUNK];
        for (key, class) in port_classes() {
            let index = key.index() as usize;
            if let Some(row) = chunks.get_mut(index / CHUNK).and_then(|chunk| chunk.get_mut(index % CHUNK)) {
                *row = class as u8;
            }
        }
        let mut ports: Array<&mut MapData, [u8; CHUNK]> = self.map("PORTS")?;
        for (index, chunk) in
            (0_u32..).zip(&chunks).filter(|(_, chunk)| chunk.iter().any(|class| *class != 0))
        {
            ports.set(index, chunk, 0).context("BPF map PORTS")?;
        }
        let mut classes: Array<&mut MapData, [u16; 2]> = self.map("CLASSES")?;
        for index in 0..Class::SLOTS as u8 {
            let policy = class_policy(Class::from_u8(index));
            classes.set(u32::from(index), [policy.snap, policy.budget], 0).context("BPF map CLASSES")?;
        }
        Ok(())
    }
}

/// Writes a 32-bit field of a map value seen as words; an offset beyond it writes nothing.
pub fn put_u32(words: &mut [u64], offset: usize, value: u32) {
    if let Some(word) = words.get_mut(offset / 8) {
        let mut bytes = word.to_ne_bytes();
        let at = offset % 8;
        if let Some(field) = bytes.get_mut(at..at + 4) {
            field.copy_from_slice(&value.to_ne_bytes());
        }
        *word = u64::from_ne_bytes(bytes);
    }
}

/// Reads a 32-bit field of a map value seen as words; zero beyond it.
pub fn get_u32(words: &[u64], offset: usize) -> u32 {
    let word = words.get(offset / 8).copied().unwrap_or(0).to_ne_bytes();
    word.get(offset % 8..).and_then(|field| field.first_chunk()).map_or(0, |field| u32::from_ne_bytes(*field))
}

/// The kernel's error numbers in words of what to do.
pub fn explain<E: std::error::Error + Send + Sync + 'static>(error: E, what: &str) -> anyhow::Error {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(&error);
    let mut denied = false;
    while let Some(at) = cause {
        // EPERM is about privileges; what the verifier refuses is EACCES.
        denied |= at.downcast_ref::<std::io::Error>().is_some_and(|io| io.raw_os_error() == Some(1));
        cause = at.source();
    }
    if denied {
        return anyhow!(
            "cannot {what}: permission denied; run as root or with CAP_BPF, CAP_PERFMON and CAP_NET_ADMIN"
        );
    }
    anyhow::Error::new(error).context(format!("cannot {what}; `isthmus doctor` says what this kernel lacks"))
}
