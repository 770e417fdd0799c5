//! LLDP (IEEE 802.1AB-2016, clause 8): what a device says about itself to its neighbours, unasked.
//!
//! ```text
//! TLV   type u7 | length u9 | value          until type 0; chassis, port and time to live come first
//! ```

#[cfg(test)]
mod tests;

use super::bytes::{Bytes, text};
use super::{Asset, AssetField, Decode, Event, Input, Malformed, Port, Probe, Side, Spec, Verdict};

/// Registration.
pub static SPEC: Spec = Spec {
    name: "lldp",
    title: "LLDP",
    ports: &[Port::EtherType(0x88cc)],
    industrial: false,
    probe,
    decoder: || Box::new(Lldp),
    about: "Link Layer Discovery Protocol (IEEE 802.1AB). Switches, controllers and panels name themselves: system name, \
            description, management address; with LLDP-MED maker, model, firmware and serial number.",
};

const END: u8 = 0;
const CHASSIS: u8 = 1;
const SYSTEM_NAME: u8 = 5;
const SYSTEM_DESCRIPTION: u8 = 6;
const MANAGEMENT_ADDRESS: u8 = 8;
const ORGANISATION: u8 = 127;
/// Chassis subtype 7: assigned locally; PROFINET devices put their name there.
const LOCALLY_ASSIGNED: u8 = 7;
/// TIA's organisation code, for LLDP-MED (ANSI/TIA-1057).
const MED: [u8; 3] = [0x00, 0x12, 0xbb];

/// Type, value and what follows.
fn tlv(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let head = bytes.be16(0)?;
    let len = usize::from(head & 0x1ff);
    let value = bytes.slice(2, len)?;
    Some(((head >> 9) as u8, value, bytes.tail(len.checked_add(2)?)))
}

/// The chassis comes first, with a subtype of 1 to 7.
fn probe(probe: Probe<'_>) -> Verdict {
    match tlv(probe.bytes) {
        Some((CHASSIS, [1..=7, ..], _)) => Verdict::Yes,
        _ => Verdict::No,
    }
}

struct Lldp;

impl Decode for Lldp {
    fn decode(&mut self, input: Input<'_>, out: &mut Vec<Event>) -> usize {
        let mut rest = input.bytes;
        while !rest.is_empty() {
            let Some((kind, value, after)) = tlv(rest) else {
                if !input.truncated {
                    out.push(Event::Malformed(Malformed::BadLength));
                }
                break;
            };
            if kind == END {
                break;
            }
            if let Some((field, value)) = fact(kind, value).filter(|(_, value)| !value.is_empty()) {
                out.push(asset(input.side, field, value));
            }
            rest = after;
        }
        input.bytes.len()
    }
}

const fn asset(side: Side, field: AssetField, value: Box<str>) -> Event {
    Event::Asset(Asset { side, field, value })
}

fn fact(kind: u8, value: &[u8]) -> Option<(AssetField, Box<str>)> {
    match (kind, value) {
        (CHASSIS, [LOCALLY_ASSIGNED, name @ ..]) => Some((AssetField::Station, text(name))),
        (SYSTEM_NAME, name) => Some((AssetField::Name, text(name))),
        (SYSTEM_DESCRIPTION, description) => Some((AssetField::System, text(description))),
        // Length of what follows up to the address, family 1 (IPv4) or 2 (IPv6), address.
        (MANAGEMENT_ADDRESS, [5, 1, a, b, c, d, ..]) if [*a, *b, *c, *d] != [0; 4] => {
            Some((AssetField::Address, std::net::Ipv4Addr::new(*a, *b, *c, *d).to_string().into()))
        }
        (MANAGEMENT_ADDRESS, [17, 2, rest @ ..]) => {
            let address = std::net::Ipv6Addr::from(*rest.first_chunk::<16>()?);
            Some((AssetField::Address, address.to_string().into()))
        }
        (ORGANISATION, [a, b, c, subtype, value @ ..]) if [*a, *b, *c] == MED => {
            let field = match subtype {
                6 | 7 => AssetField::Firmware,
                8 => AssetField::Serial,
                9 => AssetField::Vendor,
                10 => AssetField::Model,
                _ => return None,
            };
            Some((field, text(value)))
        }
        _ => None,
    }
}
