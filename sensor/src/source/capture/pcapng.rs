//! The block format (draft-ietf-opsawg-pcapng): sections that hold interfaces and packets.
//!
//! ```text
//! type u32 | total length u32 | body | total length u32                 (repeated; the byte order is the section's)
//! ```

use pcap_parser::{InterfaceDescriptionBlock, parse_sectionheaderblock};
use pcap_parser::{OptionCode, parse_interfacedescriptionblock_be, parse_interfacedescriptionblock_le};

use super::error::Fault;
use super::link::Link;
use super::window::Window;
use super::{Located, MAX_PACKET};
use crate::time::Time;

const SECTION: u32 = 0x0a0d_0d0a;
const INTERFACE: u32 = 1;
const OBSOLETE_PACKET: u32 = 2;
const SIMPLE_PACKET: u32 = 3;
const ENHANCED_PACKET: u32 = 6;

/// Blocks that matter here have at most a packet and options; others are skipped, whatever their length.
const MAX_BLOCK: usize = MAX_PACKET + (1 << 20);
const MAX_INTERFACES: usize = 1 << 16;
/// Characters of an interface's name that are believed: Windows calls them by 40 and more.
const MAX_NAME: usize = 128;

pub(super) struct Pcapng {
    big_endian: bool,
    /// Interfaces of all sections before this one.
    earlier: usize,
    interfaces: Vec<Interface>,
    /// Time of the latest packet, which a simple packet (it has none) takes over.
    last: Time,
}

struct Interface {
    number: u32,
    link: Option<Link>,
    /// The unsupported link type has been reported.
    reported: bool,
    snaplen: usize,
    clock: Clock,
    /// Its name, where it has one (if_name).
    name: Option<String>,
}

impl Pcapng {
    pub(super) fn open(window: &mut Window) -> Result<Self, Fault> {
        let mut pcapng = Self { big_endian: false, earlier: 0, interfaces: Vec::new(), last: Time(0) };
        let Some((SECTION, total)) = pcapng.block(window)? else {
            return Err(window.failure_or(Fault::Cut("the section header")));
        };
        pcapng.whole_block(window, SECTION, total)?;
        pcapng.section(window, total)?;
        Ok(pcapng)
    }

    pub(super) fn locate(&mut self, window: &mut Window) -> Result<Option<Located>, Fault> {
        while let Some((kind, total)) = self.block(window)? {
            match kind {
                SECTION | INTERFACE | OBSOLETE_PACKET | SIMPLE_PACKET | ENHANCED_PACKET => {
                    self.whole_block(window, kind, total)?;
                }
                _ if window.skip(total) => continue,
                _ => return Err(window.failure_or(Fault::Cut("a block"))),
            }
            match kind {
                SECTION => self.section(window, total)?,
                INTERFACE => self.interface(window, total)?,
                _ => {
                    if let Some(located) = self.packet(window, kind, total)? {
                        return Ok(Some(located));
                    }
                }
            }
        }
        Ok(None)
    }

    /// Type and total length of the next block; `None` at the end of the file.
    fn block(&mut self, window: &mut Window) -> Result<Option<(u32, usize)>, Fault> {
        if !window.want(12) {
            return match window.bytes().len() {
                0 => window.end().map(|()| None),
                _ => Err(window.failure_or(Fault::Cut("the header of a block"))),
            };
        }
        let bytes = window.bytes();
        if self.u32(bytes, 0)? == SECTION {
            self.big_endian = match bytes.get(8..12) {
                Some([0x1a, 0x2b, 0x3c, 0x4d]) => true,
                Some([0x4d, 0x3c, 0x2b, 0x1a]) => false,
                _ => return Err(Fault::Broken("a section header has no byte-order magic".into())),
            };
        }
        let (kind, total) = (self.u32(bytes, 0)?, self.u32(bytes, 4)? as usize);
        if total < 12 || total % 4 != 0 {
            return Err(Fault::Broken(format!(
                "a block claims {total} bytes; at least 12 and a multiple of 4 is allowed"
            )));
        }
        Ok(Some((kind, total)))
    }

    /// Brings the whole block into the window.
    fn whole_block(&self, window: &mut Window, kind: u32, total: usize) -> Result<(), Fault> {
        let (inside, least) = match kind {
            SECTION => ("a section header", 28),
            INTERFACE => ("an interface description", 20),
            SIMPLE_PACKET => ("a packet", 16),
            _ => ("a packet", 32),
        };
        if total < least || total > MAX_BLOCK {
            return Err(Fault::Broken(format!(
                "{inside} claims {total} bytes; {least} to {MAX_BLOCK} can be"
            )));
        }
        if !window.want(total) {
            return Err(window.failure_or(Fault::Cut(inside)));
        }
        let again = self.u32(window.bytes(), total.saturating_sub(4))?;
        if again as usize != total {
            return Err(Fault::Broken(format!(
                "{inside} is {total} bytes long in its head and {again} in its tail"
            )));
        }
        Ok(())
    }

    fn section(&mut self, window: &mut Window, total: usize) -> Result<(), Fault> {
        let version = match parse_sectionheaderblock(window.bytes()) {
            Ok((_, section)) => section.major_version,
            Err(_) => return Err(Fault::Broken("a section header cannot be understood".into())),
        };
        if version != 1 {
            return Err(Fault::Broken(format!("a section has version {version}, not 1")));
        }
        self.earlier = self.earlier.saturating_add(self.interfaces.len());
        self.interfaces.clear();
        window.take(total);
        Ok(())
    }

    fn interface(&mut self, window: &mut Window, total: usize) -> Result<(), Fault> {
        let parse = match self.big_endian {
            true => parse_interfacedescriptionblock_be,
            false => parse_interfacedescriptionblock_le,
        };
        let number = self.earlier.saturating_add(self.interfaces.len());
        if number >= MAX_INTERFACES {
            return Err(Fault::Broken(format!("more than {MAX_INTERFACES} interfaces")));
        }
        let Ok((_, block)) = parse(window.bytes()) else {
            return Err(Fault::Broken("an interface description cannot be understood".into()));
        };
        let interface = Interface {
            number: block.linktype.0.cast_unsigned(),
            link: Link::from_number(block.linktype.0.cast_unsigned()),
            reported: false,
            snaplen: if block.snaplen == 0 { usize::MAX } else { block.snaplen as usize },
            clock: Clock::new(&block, self.big_endian).ok_or_else(|| {
                Fault::Broken("the timestamp resolution (if_tsresol) is out of range".into())
            })?,
            name: name(&block),
        };
        self.interfaces.push(interface);
        window.take(total);
        Ok(())
    }

    /// The packet in the block at the front of the window, which is taken; `None` when its interface is not understood.
    fn packet(&mut self, window: &mut Window, kind: u32, total: usize) -> Result<Option<Located>, Fault> {
        let bytes = window.bytes();
        let first = self.u32(bytes, 8)?;
        // An obsolete packet block differs in its interface field only: 16 bits and a drop count.
        let id = match (kind, self.big_endian) {
            (SIMPLE_PACKET, _) => 0,
            (OBSOLETE_PACKET, true) => first >> 16,
            (OBSOLETE_PACKET, false) => first & 0xffff,
            _ => first,
        };
        let (ticks, captured, wire_len) = if kind == SIMPLE_PACKET {
            (None, None, first)
        } else {
            let ticks = u64::from(self.u32(bytes, 12)?) << 32 | u64::from(self.u32(bytes, 16)?);
            (Some(ticks), Some(self.u32(bytes, 20)? as usize), self.u32(bytes, 24)?)
        };
        let Some(interface) = self.interfaces.get_mut(id as usize) else {
            return Err(Fault::Broken(format!(
                "a packet is of interface {id}, which the section does not describe"
            )));
        };
        let (header, room) = match kind {
            SIMPLE_PACKET => (12, total.saturating_sub(16)),
            _ => (28, total.saturating_sub(32)),
        };
        let len = captured.unwrap_or_else(|| room.min(interface.snaplen).min(wire_len as usize));
        if len > room || len > MAX_PACKET {
            return Err(Fault::Broken(format!(
                "a packet claims {len} bytes in a block with room for {room}"
            )));
        }
        let Some(link) = interface.link else {
            let unsupported = Fault::LinkType(interface.number);
            let first_time = !std::mem::replace(&mut interface.reported, true);
            window.take(total);
            return if first_time { Err(unsupported) } else { Ok(None) };
        };
        let at = ticks.map_or(self.last, |ticks| interface.clock.time(ticks));
        self.last = at;
        let start = window.take(total).saturating_add(header);
        let interface = u32::try_from(self.earlier).unwrap_or(u32::MAX).saturating_add(id);
        let wire_len = wire_len.max(u32::try_from(len).unwrap_or(u32::MAX));
        Ok(Some(Located { at, interface, link, start, len, wire_len }))
    }

    /// The name of an interface of this section, counted as [`Located::interface`] is.
    pub(super) fn name(&self, interface: u32) -> Option<&str> {
        let at = usize::try_from(interface).ok()?.checked_sub(self.earlier)?;
        self.interfaces.get(at)?.name.as_deref()
    }

    fn u32(&self, bytes: &[u8], at: usize) -> Result<u32, Fault> {
        let Some(field) = bytes.get(at..).and_then(|rest| rest.first_chunk()).copied() else {
            return Err(Fault::Cut("a block"));
        };
        Ok(if self.big_endian { u32::from_be_bytes(field) } else { u32::from_le_bytes(field) })
    }
}

/// The name an interface was captured under (if_name), as far as it is one a device could have.
fn name(block: &InterfaceDescriptionBlock<'_>) -> Option<String> {
    let option = block.options.iter().find(|option| option.code == OptionCode::IfName)?.as_bytes().ok()?;
    let name = std::str::from_utf8(option).ok()?.trim_end_matches('\0');
    Some(name).filter(|name| !name.is_empty() && name.len() <= MAX_NAME).map(str::to_owned)
}

/// How an interface counts time.
struct Clock {
    /// Ticks in a second.
    rate: u128,
    /// Seconds between the epoch and tick zero.
    offset: i64,
}

impl Clock {
    /// Read here and not by pcap-parser, which refuses binary resolutions and reads offsets in little endian only.
    fn new(block: &InterfaceDescriptionBlock<'_>, big_endian: bool) -> Option<Self> {
        let option = |code| block.options.iter().find(|option| option.code == code)?.as_bytes().ok();
        let resolution = option(OptionCode::IfTsresol).and_then(|value| value.first()).copied().unwrap_or(6);
        let exponent = u32::from(resolution & 0x7f);
        let rate = if resolution & 0x80 == 0 {
            10u128.checked_pow(exponent)?
        } else {
            1u128.checked_shl(exponent)?
        };
        let offset = option(OptionCode::IfTsoffset).and_then(|value| value.first_chunk()).copied().map_or(
            0,
            |value| {
                if big_endian { i64::from_be_bytes(value) } else { i64::from_le_bytes(value) }
            },
        );
        Some(Self { rate, offset })
    }

    fn time(&self, ticks: u64) -> Time {
        let nanoseconds = match self.rate {
            1_000_000 => ticks.saturating_mul(1000),
            1_000_000_000 => ticks,
            // 64 bits times 30 bits fit; the rate is at least one.
            rate => {
                let wide = u128::from(ticks).saturating_mul(u128::from(Time::SECOND));
                u64::try_from(wide.checked_div(rate).unwrap_or(0)).unwrap_or(u64::MAX)
            }
        };
        let offset = self.offset.unsigned_abs().saturating_mul(Time::SECOND);
        Time(if self.offset < 0 {
            nanoseconds.saturating_sub(offset)
        } else {
            nanoseconds.saturating_add(offset)
        })
    }
}
