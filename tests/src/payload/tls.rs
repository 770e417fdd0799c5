//! TLS 1.2 (RFC 5246) and 1.3 (RFC 8446): handshakes as an observer sees them.
//!
//! Keys and ciphertext are random bytes, which nobody on the path can tell from real ones. Certificates are real:
//! their signatures verify, or deliberately do not.

mod hello;

pub use hello::{ClientHello, client_hello};

use crate::rng::Rng;

/// The port of HTTP over TLS.
pub const PORT: u16 = 443;

/// Certificates in DER. They were made for this package; their private keys were thrown away.
pub mod certificate {
    /// RSA-2048, `C=AU, O=Internet Widgits Pty Ltd, CN=localhost`, signed by its own key.
    pub const SELF_SIGNED_RSA: &[u8] = include_bytes!("certificates/self_signed_rsa.der");
    /// P-256, `CN=cdn-sync`, signed by its own key.
    pub const SELF_SIGNED_ECDSA: &[u8] = include_bytes!("certificates/self_signed_ecdsa.der");
    /// P-256, `CN=cdn-sync`, names itself as issuer but was signed by another key: self-issued, not self-signed.
    pub const SELF_ISSUED_ECDSA: &[u8] = include_bytes!("certificates/self_issued_ecdsa.der");
    /// RSA-2048, `CN=WINCC01`, signed by its own key, as remote desktop servers make them.
    pub const RDP_SERVER: &[u8] = include_bytes!("certificates/rdp_server.der");
    /// P-256, `CN=*.example`, signed by [`CA_ISSUING`].
    pub const CA_LEAF: &[u8] = include_bytes!("certificates/ca_leaf.der");
    /// P-256, `CN=Example Issuing CA 1`, signed by a root that servers do not send.
    pub const CA_ISSUING: &[u8] = include_bytes!("certificates/ca_issuing.der");
}

/// What the client asks for and the server presents.
#[derive(Clone, Debug)]
pub struct Handshake {
    /// Server name indication, if any.
    pub sni: Option<String>,
    /// Application protocols offered.
    pub alpn: Vec<&'static str>,
    /// TLS 1.3 instead of 1.2; then nobody sees the certificates.
    pub tls13: bool,
    /// The server's certificates, its own first.
    pub chain: Vec<&'static [u8]>,
}

impl Handshake {
    /// A browser at a server with a certificate of the public CA.
    #[must_use]
    pub fn browser(sni: &str, tls13: bool) -> Self {
        Self {
            sni: Some(sni.to_owned()),
            alpn: vec!["h2", "http/1.1"],
            tls13,
            chain: vec![certificate::CA_LEAF, certificate::CA_ISSUING],
        }
    }

    /// A program that names nobody, at a server with one self-signed certificate; TLS 1.2.
    #[must_use]
    pub fn nameless(own_certificate: &'static [u8]) -> Self {
        Self { sni: None, alpn: Vec::new(), tls13: false, chain: vec![own_certificate] }
    }

    /// The four flights of the handshake: client, server, client, server (the last one empty in TLS 1.3).
    pub fn flights(&self, rng: &mut Rng) -> [Vec<u8>; 4] {
        let hello = ClientHello { sni: self.sni.as_deref(), alpn: &self.alpn, tls13: self.tls13 };
        let session_id = rng.bytes(32);
        let first = client_hello(&hello, &session_id, rng);
        if self.tls13 {
            let mut second = hello::server_hello_13(&session_id, rng);
            second.extend(change_cipher_spec());
            // EncryptedExtensions, Certificate, CertificateVerify, Finished: one opaque record each.
            let certificates: usize = self.chain.iter().map(|c| c.len() + 5).sum();
            for length in [36, certificates + 25, 96, 53] {
                second.extend(record(23, &rng.bytes(length)));
            }
            let mut third = change_cipher_spec();
            third.extend(record(23, &rng.bytes(53)));
            return [first, second, third, Vec::new()];
        }
        let rsa = self.chain.first().is_some_and(|c| c.len() > 600);
        let mut second = hello::server_hello_12(if rsa { 0xc02f } else { 0xc02b }, rng);
        second.extend(record(22, &handshake(11, &certificate_list(&self.chain))));
        second.extend(record(22, &handshake(12, &key_exchange(rsa, rng))));
        second.extend(record(22, &handshake(14, &[])));
        let mut third = record(22, &handshake(16, &vector8(&rng.bytes(32))));
        third.extend(change_cipher_spec());
        third.extend(record(22, &rng.bytes(40)));
        let mut fourth = change_cipher_spec();
        fourth.extend(record(22, &rng.bytes(40)));
        [first, second, third, fourth]
    }
}

/// Application data of `length` bytes in records of at most 16 KiB, encrypted (here: random), with 24 bytes of
/// overhead each.
pub fn application_data(length: usize, rng: &mut Rng) -> Vec<u8> {
    let mut out = Vec::with_capacity(length + 64);
    let mut left = length;
    while left > 0 {
        let part = left.min(16_384);
        out.extend(record(23, &rng.bytes(part + 24)));
        left -= part;
    }
    out
}

/// An encrypted alert, as both ends send before they close.
pub fn close_notify(rng: &mut Rng) -> Vec<u8> {
    record(21, &rng.bytes(26))
}

/// A record of type `kind` (20 change cipher spec, 21 alert, 22 handshake, 23 application data).
#[must_use]
pub fn record(kind: u8, body: &[u8]) -> Vec<u8> {
    let mut out = vec![kind, 3, 3];
    out.extend((body.len() as u16).to_be_bytes());
    out.extend(body);
    out
}

fn change_cipher_spec() -> Vec<u8> {
    record(20, &[1])
}

fn handshake(kind: u8, body: &[u8]) -> Vec<u8> {
    let mut out = vec![kind];
    out.extend(&(body.len() as u32).to_be_bytes()[1..]);
    out.extend(body);
    out
}

fn vector8(body: &[u8]) -> Vec<u8> {
    let mut out = vec![body.len() as u8];
    out.extend(body);
    out
}

fn vector16(body: &[u8]) -> Vec<u8> {
    let mut out = (body.len() as u16).to_be_bytes().to_vec();
    out.extend(body);
    out
}

fn certificate_list(chain: &[&[u8]]) -> Vec<u8> {
    let vector24 = |body: &[u8]| [&(body.len() as u32).to_be_bytes()[1..], body].concat();
    let entries: Vec<u8> = chain.iter().flat_map(|c| vector24(c)).collect();
    vector24(&entries)
}

/// Ephemeral x25519 parameters, signed with RSA-PSS or ECDSA.
fn key_exchange(rsa: bool, rng: &mut Rng) -> Vec<u8> {
    let mut out = vec![3, 0, 29];
    out.extend(vector8(&rng.bytes(32)));
    if rsa {
        out.extend([8, 4]);
        out.extend(vector16(&rng.bytes(256)));
        return out;
    }
    // A DER sequence of two integers, positive and in their shortest form.
    let mut signature = vec![0x30, 68];
    for _ in 0..2 {
        let mut integer = rng.bytes(32);
        integer[0] = 1 + integer[0] % 127;
        signature.extend([2, 32]);
        signature.extend(integer);
    }
    out.extend([4, 3]);
    out.extend(vector16(&signature));
    out
}
