//! DHCP (RFC 2131, options in RFC 2132): which device has which address, and what it calls itself.
//!
//! ```text
//! op u8 | htype 1 | hlen 6 | hops | xid u32 | secs u16 | flags u16 | ciaddr | yiaddr | siaddr | giaddr     (28 bytes)
//! chaddr 16 | sname 64 | file 128 | 0x63825363 | options: code u8, length u8, value …
//! ```

#[cfg(test)]
mod tests;

use std::net::Ipv4Addr;

use super::about::About;
use super::bytes::{Bytes, text};
use super::{AssetField, Decode, Event, Input, Malformed, Port, Probe, Spec, Verdict};

/// Registration.
pub static SPEC: Spec = Spec {
    name: "dhcp",
    title: "DHCP",
    ports: &[Port::Udp(67), Port::Udp(68)],
    industrial: false,
    probe,
    decoder: || Box::new(Dhcp),
    about: "Dynamic Host Configuration Protocol (RFC 2131). Leases prove which device has which address; requests carry the \
            device's own name and its system (vendor class).",
};

const COOKIE_AT: usize = 236;
const COOKIE: u32 = 0x6382_5363;
const REQUEST: u8 = 1;
const REPLY: u8 = 2;

const PAD: u8 = 0;
const HOST_NAME: u8 = 12;
const MESSAGE_TYPE: u8 = 53;
const VENDOR_CLASS: u8 = 60;
const END: u8 = 255;

const DHCPREQUEST: u8 = 3;
const DHCPACK: u8 = 5;
const DHCPINFORM: u8 = 8;

fn probe(probe: Probe<'_>) -> Verdict {
    let ethernet = probe
        .bytes
        .first_chunk::<3>()
        .is_some_and(|[op, kind, len]| (REQUEST..=REPLY).contains(op) && *kind == 1 && *len == 6);
    if ethernet && probe.bytes.be32(COOKIE_AT) == Some(COOKIE) { Verdict::Yes } else { Verdict::No }
}

/// The value of an option. A cut message has those in front.
fn option(message: &[u8], wanted: u8) -> Option<&[u8]> {
    let mut at = COOKIE_AT.checked_add(4)?;
    loop {
        let code = message.u8_at(at)?;
        at = at.checked_add(1)?;
        match code {
            PAD => continue,
            END => return None,
            _ => {}
        }
        let len = usize::from(message.u8_at(at)?);
        at = at.checked_add(1)?;
        let value = message.slice(at, len)?;
        if code == wanted {
            return Some(value);
        }
        at = at.checked_add(len)?;
    }
}

struct Dhcp;

impl Decode for Dhcp {
    fn decode(&mut self, input: Input<'_>, out: &mut Vec<Event>) -> usize {
        if message(input.bytes, out).is_none() && !input.truncated {
            out.push(Event::Malformed(Malformed::Truncated));
        }
        input.bytes.len()
    }
}

fn message(message: &[u8], out: &mut Vec<Event>) -> Option<()> {
    let op = message.u8_at(0)?;
    let mac: [u8; 6] = message.slice(28, 6)?.try_into().ok()?;
    let (current, yours) = (message.be32(12)?, message.be32(16)?);
    let kind = option(message, MESSAGE_TYPE)?.u8_at(0)?;
    let address = match (op, kind) {
        // A client that already has its address renews it, or asks for other settings.
        (REQUEST, DHCPREQUEST | DHCPINFORM) => current,
        (REPLY, DHCPACK) => yours,
        _ => 0,
    };
    if op == REQUEST {
        for (code, field) in [(HOST_NAME, AssetField::Name), (VENDOR_CLASS, AssetField::System)] {
            if let Some(value) = option(message, code).map(text).filter(|value| !value.is_empty()) {
                out.push(Event::About(About::Stated { mac, field, value }));
            }
        }
    }
    if address != 0 {
        out.push(Event::About(About::Leased { mac, address: Ipv4Addr::from(address).into() }));
    }
    Some(())
}
