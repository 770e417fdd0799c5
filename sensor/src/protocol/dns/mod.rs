//! Names for addresses: DNS (RFC 1035), multicast DNS (RFC 6762) and LLMNR (RFC 4795), which share the message format.
//!
//! ```text
//! id u16 | flags u16 | questions u16 | answers u16 | authority u16 | additional u16 | sections
//! question   name | type u16 | class u16
//! record     name | type u16 | class u16 | ttl u32 | length u16 | data
//! ```

#[cfg(test)]
mod tests;

use std::net::IpAddr;

use super::about::About;
use super::bytes::Bytes;
use super::{Decode, Event, Input, Port, Probe, Spec, Verdict};

/// Registration.
pub static SPEC: Spec = Spec {
    name: "dns",
    title: "DNS",
    ports: &[Port::Tcp(53), Port::Udp(53), Port::Udp(5353), Port::Udp(5355)],
    industrial: false,
    probe,
    decoder: || Box::new(Dns),
    about: "Domain Name System (RFC 1035), multicast DNS (RFC 6762) and LLMNR (RFC 4795). Answers give names to addresses, \
            by which accounts call them. Over HTTPS or TLS nothing is observable.",
};

const HEADER: usize = 12;
const RESPONSE: u16 = 0x8000;
/// Operation code and the bit that must be zero.
const OPCODE: u16 = 0x7800;
const RESERVED: u16 = 0x0040;
const A: u16 = 1;
const AAAA: u16 = 28;
const INTERNET: u16 = 1;
/// Unicast-response and cache-flush bit of multicast DNS.
const MULTICAST: u16 = 0x8000;
/// Names told from one message.
const MAX_NAMES: usize = 16;
/// A name: labels of at most 63 bytes, 255 in all (RFC 1035, 2.3.4).
const MAX_NAME: usize = 255;
/// Compression pointers followed in one name.
const MAX_JUMPS: usize = 8;

/// A question or the front of a record.
struct Head {
    kind: u16,
    class: u16,
    /// Where what follows begins.
    end: usize,
}

/// Reads a name; returns it where it is wanted, and where it ends in the message.
fn name(message: &[u8], mut at: usize, mut out: Option<&mut String>) -> Option<usize> {
    let (mut end, mut jumps, mut total) = (None, 0, 0_usize);
    loop {
        let len = message.u8_at(at)?;
        match len {
            0 => return Some(end.unwrap_or(at.checked_add(1)?)),
            1..=63 => {
                let label = message.slice(at.checked_add(1)?, len.into())?;
                total = total.checked_add(label.len())?.checked_add(1)?;
                if total > MAX_NAME {
                    return None;
                }
                if let Some(out) = out.as_deref_mut() {
                    if !out.is_empty() {
                        out.push('.');
                    }
                    let printable =
                        |b: &u8| if b.is_ascii_graphic() { char::from(b.to_ascii_lowercase()) } else { '?' };
                    out.extend(label.iter().map(printable));
                }
                at = at.checked_add(1)?.checked_add(len.into())?;
            }
            0xc0.. => {
                jumps = 1_usize.checked_add(jumps)?;
                let target = usize::from(message.be16(at)? & 0x3fff);
                // Pointers lead to a prior occurrence (RFC 1035, 4.1.4), so they end.
                if jumps > MAX_JUMPS || target >= at {
                    return None;
                }
                end = end.or(at.checked_add(2));
                at = target;
            }
            _ => return None,
        }
    }
}

fn head(message: &[u8], at: usize, out: Option<&mut String>) -> Option<Head> {
    let at = name(message, at, out)?;
    let (kind, class) = (message.be16(at)?, message.be16(at.checked_add(2)?)?);
    Some(Head { kind, class, end: at.checked_add(4)? })
}

/// Whether a message is sound up to its first question or, without one, its first answer.
fn is_sound(message: &[u8]) -> Option<bool> {
    let (flags, questions, answers) = (message.be16(2)?, message.be16(4)?, message.be16(6)?);
    let counts = [questions, answers, message.be16(8)?, message.be16(10)?];
    if flags & (OPCODE | RESERVED) != 0 || counts.iter().any(|n| *n > 64) || questions | answers == 0 {
        return Some(false);
    }
    // NetBIOS names travel in the same format: 32 letters A to P stand for 16 bytes (RFC 1001, 14.1).
    let netbios = |label: &[u8]| label.iter().all(|byte| (b'A'..=b'P').contains(byte));
    if message.u8_at(HEADER)? == 32 && message.slice(13, 32).is_some_and(netbios) {
        return Some(false);
    }
    // A query has no answers but multicast DNS's known ones, a response at most its question.
    let head = head(message, HEADER, None)?;
    let class = head.class & !MULTICAST;
    Some((1..=260).contains(&head.kind) && (class == INTERNET || class == 255))
}

fn probe(probe: Probe<'_>) -> Verdict {
    let message = unframed(probe.bytes);
    match is_sound(message) {
        Some(true) => Verdict::Yes,
        Some(false) => Verdict::No,
        None if probe.hinted && message.len() < HEADER => Verdict::NeedMore,
        None => Verdict::No,
    }
}

/// Over TCP a length stands in front (RFC 1035, 4.2.2).
fn unframed(bytes: &[u8]) -> &[u8] {
    let framed = bytes.be16(0).is_some_and(|len| usize::from(len).checked_add(2) == Some(bytes.len()));
    if framed { bytes.tail(2) } else { bytes }
}

struct Dns;

impl Decode for Dns {
    fn decode(&mut self, input: Input<'_>, out: &mut Vec<Event>) -> usize {
        // What follows the last whole record is not missed: names stand in front.
        let _ = answers(unframed(input.bytes), out);
        input.bytes.len()
    }
}

/// Tells the addresses a response gives for the name asked. `None` where it ends early.
fn answers(message: &[u8], out: &mut Vec<Event>) -> Option<()> {
    let (flags, questions, answers) = (message.be16(2)?, message.be16(4)?, message.be16(6)?);
    if flags & RESPONSE == 0 || flags & 0x000f != 0 {
        return None;
    }
    let mut asked = String::new();
    let mut at = HEADER;
    for i in 0..questions.min(4) {
        at = head(message, at, (i == 0).then_some(&mut asked))?.end;
    }
    for _ in 0..usize::from(answers).min(MAX_NAMES) {
        let mut owner = String::new();
        let record = head(message, at, Some(&mut owner))?;
        let len = usize::from(message.be16(record.end.checked_add(4)?)?);
        let data_at = record.end.checked_add(6)?;
        let data = message.slice(data_at, len)?;
        at = data_at.checked_add(len)?;
        let address: Option<IpAddr> = match (record.kind, record.class & !MULTICAST) {
            (A, INTERNET) => <[u8; 4]>::try_from(data).ok().map(IpAddr::from),
            (AAAA, INTERNET) => <[u8; 16]>::try_from(data).ok().map(IpAddr::from),
            _ => None,
        };
        // The name asked for, not the last alias it leads to. Multicast DNS announces without being asked.
        let name = if asked.is_empty() { &owner } else { &asked };
        if let Some(address) = address.filter(|_| !name.is_empty()) {
            out.push(Event::About(About::Named { address, name: name.as_str().into() }));
        }
    }
    Some(())
}
