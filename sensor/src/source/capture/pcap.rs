//! The classic format (draft-ietf-opsawg-pcap): one header, then records.
//!
//! ```text
//! magic u32 | version u16 u16 | zone i32 | sigfigs u32 | snaplen u32 | link type u32
//! seconds u32 | micro- or nanoseconds u32 | captured u32 | on the wire u32 | captured bytes      (repeated)
//! ```

use pcap_parser::nom::{Err, IResult, Needed};
use pcap_parser::{
    LegacyPcapBlock, PcapError, parse_pcap_frame, parse_pcap_frame_be, parse_pcap_frame_modified,
    parse_pcap_header,
};

use super::error::Fault;
use super::link::Link;
use super::window::Window;
use super::{Located, MAX_PACKET};
use crate::time::Time;

type Parse = fn(&[u8]) -> IResult<&[u8], LegacyPcapBlock<'_>, PcapError<&[u8]>>;

const FILE_HEADER: usize = 24;

pub(super) struct Pcap {
    parse: Parse,
    /// Bytes before a record's packet: 16, or 24 in Kuznetzov's variant.
    header: usize,
    /// Nanoseconds in a unit of the second timestamp field.
    nanoseconds: u64,
    link: Link,
}

impl Pcap {
    pub(super) fn open(window: &mut Window) -> Result<Self, Fault> {
        if !window.want(FILE_HEADER) {
            return Err(window.failure_or(Fault::Cut("the file header")));
        }
        let Ok((_, header)) = parse_pcap_header(window.bytes()) else {
            return Err(Fault::Broken("the file header cannot be understood".into()));
        };
        let (parse, record): (Parse, usize) = if header.is_modified_format() {
            (parse_pcap_frame_modified, 24)
        } else if header.is_bigendian() {
            (parse_pcap_frame_be, 16)
        } else {
            (parse_pcap_frame, 16)
        };
        // The upper half says how long the frame check sequence is.
        let number = header.network.0.cast_unsigned() & 0xffff;
        let link = Link::from_number(number).ok_or(Fault::LinkType(number))?;
        window.take(FILE_HEADER);
        Ok(Self {
            parse,
            header: record,
            nanoseconds: if header.is_nanosecond_precision() { 1 } else { 1000 },
            link,
        })
    }

    #[inline]
    pub(super) fn locate(&self, window: &mut Window) -> Result<Option<Located>, Fault> {
        loop {
            let held = window.bytes().len();
            let missing = match (self.parse)(window.bytes()) {
                Ok((_, record)) => {
                    let len = record.data.len();
                    if len > MAX_PACKET {
                        return Err(too_long(record.caplen as usize));
                    }
                    let fraction = u64::from(record.ts_usec).saturating_mul(self.nanoseconds);
                    let at = Time(Time::from_seconds(record.ts_sec.into()).0.saturating_add(fraction));
                    let wire_len = record.origlen.max(record.caplen);
                    let start = window.take(self.header.saturating_add(len)).saturating_add(self.header);
                    return Ok(Some(Located { at, interface: 0, link: self.link, start, len, wire_len }));
                }
                Err(Err::Incomplete(Needed::Size(missing))) => missing.get(),
                Err(_) => return Err(Fault::Broken("a record cannot be understood".into())),
            };
            let whole = held.saturating_add(missing);
            if whole > MAX_PACKET.saturating_add(self.header) {
                return Err(too_long(whole.saturating_sub(self.header)));
            }
            if !window.want(whole) {
                return match window.bytes().len() {
                    0 => window.end().map(|()| None),
                    len if len < self.header => Err(window.failure_or(Fault::Cut("the header of a packet"))),
                    _ => Err(window.failure_or(Fault::Cut("a packet"))),
                };
            }
        }
    }
}

#[cold]
fn too_long(len: usize) -> Fault {
    Fault::Broken(format!("a packet claims {len} bytes, more than the {MAX_PACKET} a packet can have"))
}
