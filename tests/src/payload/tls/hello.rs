//! ClientHello and ServerHello.

use super::{handshake, record, vector8, vector16};
use crate::rng::Rng;

/// What distinguishes one client from another here.
#[derive(Clone, Copy, Debug)]
pub struct ClientHello<'a> {
    /// Server name indication (RFC 6066 §3).
    pub sni: Option<&'a str>,
    /// Application protocols offered (RFC 7301); none leaves the extension out.
    pub alpn: &'a [&'a str],
    /// Offer TLS 1.3 too.
    pub tls13: bool,
}

fn extension(kind: u16, body: &[u8]) -> Vec<u8> {
    let mut out = kind.to_be_bytes().to_vec();
    out.extend(vector16(body));
    out
}

fn key_share(rng: &mut Rng) -> Vec<u8> {
    let mut out = vec![0, 29];
    out.extend(vector16(&rng.bytes(32)));
    out
}

/// The record with the ClientHello; `session_id` of at most 32 bytes is sent with TLS 1.3 only (middlebox mode).
pub fn client_hello(hello: &ClientHello<'_>, session_id: &[u8], rng: &mut Rng) -> Vec<u8> {
    let mut body = vec![3, 3];
    body.extend(rng.bytes(32));
    body.extend(vector8(if hello.tls13 { session_id } else { &[] }));
    let mut ciphers: Vec<u16> = if hello.tls13 { vec![0x1301, 0x1302, 0x1303] } else { Vec::new() };
    ciphers.extend([0xc02b, 0xc02f, 0xc02c, 0xc030, 0xcca9, 0xcca8, 0x009c, 0x009d]);
    body.extend(vector16(&ciphers.iter().flat_map(|c| c.to_be_bytes()).collect::<Vec<_>>()));
    body.extend([1, 0]);

    let mut extensions = Vec::new();
    if let Some(name) = hello.sni {
        let entry = [&[0][..], &vector16(name.as_bytes())].concat();
        extensions.extend(extension(0, &vector16(&entry)));
    }
    extensions.extend(extension(23, &[]));
    extensions.extend(extension(0xff01, &[0]));
    extensions.extend(extension(10, &vector16(&[0, 29, 0, 23, 0, 24])));
    extensions.extend(extension(11, &vector8(&[0])));
    if !hello.alpn.is_empty() {
        let names: Vec<u8> = hello.alpn.iter().flat_map(|name| vector8(name.as_bytes())).collect();
        extensions.extend(extension(16, &vector16(&names)));
    }
    extensions.extend(extension(13, &vector16(&[4, 3, 8, 4, 4, 1, 5, 3, 8, 5, 5, 1, 8, 6, 6, 1])));
    if hello.tls13 {
        extensions.extend(extension(51, &vector16(&key_share(rng))));
        extensions.extend(extension(45, &vector8(&[1])));
        extensions.extend(extension(43, &vector8(&[3, 4, 3, 3])));
    }
    body.extend(vector16(&extensions));
    let mut out = record(22, &handshake(1, &body));
    // RFC 8446 §5.1: the first record may say 3.1, and clients do.
    out[2] = 1;
    out
}

/// TLS 1.2 ServerHello that chose `cipher`, with a session identifier and no resumption ticket.
pub(super) fn server_hello_12(cipher: u16, rng: &mut Rng) -> Vec<u8> {
    let mut body = vec![3, 3];
    body.extend(rng.bytes(32));
    body.extend(vector8(&rng.bytes(32)));
    body.extend(cipher.to_be_bytes());
    body.push(0);
    let extensions = [extension(0xff01, &[0]), extension(11, &vector8(&[0])), extension(23, &[])].concat();
    body.extend(vector16(&extensions));
    record(22, &handshake(2, &body))
}

/// TLS 1.3 ServerHello: echoes the session identifier, chose AES-128-GCM and x25519.
pub(super) fn server_hello_13(session_id: &[u8], rng: &mut Rng) -> Vec<u8> {
    let mut body = vec![3, 3];
    body.extend(rng.bytes(32));
    body.extend(vector8(session_id));
    body.extend([0x13, 1, 0]);
    let share = extension(51, &key_share(rng));
    body.extend(vector16(&[extension(43, &[3, 4]), share].concat()));
    record(22, &handshake(2, &body))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hello(sni: Option<&str>) -> Vec<u8> {
        client_hello(&ClientHello { sni, alpn: &[], tls13: true }, &[7; 32], &mut Rng::new(1))
    }

    #[test]
    fn the_name_is_there_only_when_asked_for() {
        let name = b"update.example";
        let contains = |bytes: Vec<u8>| bytes.windows(name.len()).any(|w| w == name);
        assert!(contains(hello(Some("update.example"))));
        assert!(!contains(hello(None)));
    }

    #[test]
    fn record_and_handshake_lengths_agree() {
        let bytes = hello(None);
        assert_eq!(usize::from(u16::from_be_bytes([bytes[3], bytes[4]])) + 5, bytes.len());
        assert_eq!(usize::from(u16::from_be_bytes([bytes[7], bytes[8]])) + 9, bytes.len());
    }
}
