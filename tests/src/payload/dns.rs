//! DNS questions and answers (RFC 1035): one name, type A.

use std::net::Ipv4Addr;

/// The port of DNS.
pub const PORT: u16 = 53;

fn message(id: u16, flags: u16, answers: u16, name: &str) -> Vec<u8> {
    let mut out = Vec::new();
    for word in [id, flags, 1, answers, 0, 0] {
        out.extend(word.to_be_bytes());
    }
    for label in name.split('.') {
        out.push(label.len() as u8);
        out.extend(label.bytes());
    }
    out.extend([0, 0, 1, 0, 1]);
    out
}

/// A recursive query for the addresses of `name` (labels below 64 bytes, no final dot).
#[must_use]
pub fn query(id: u16, name: &str) -> Vec<u8> {
    message(id, 0x0100, 0, name)
}

/// The answer with one address, valid for five minutes.
#[must_use]
pub fn answer(id: u16, name: &str, address: Ipv4Addr) -> Vec<u8> {
    let mut out = message(id, 0x8180, 1, name);
    out.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 1, 44, 0, 4]);
    out.extend(address.octets());
    out
}

/// The answer that there is no such name.
#[must_use]
pub fn no_such_name(id: u16, name: &str) -> Vec<u8> {
    message(id, 0x8183, 0, name)
}
