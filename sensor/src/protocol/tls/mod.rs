//! TLS handshakes in clear (RFC 8446, RFC 5246): who is asked for, and what certificate answers.
//!
//! ```text
//! record     content type u8 | version u16 | length u16 | fragment          (5 header bytes)
//! handshake  message type u8 | length u24 | body                            (spans records as it likes)
//! ```

mod certificate;
mod client_hello;
mod decoder;
mod fingerprint;
mod name;
mod probe;
mod server_hello;

#[cfg(test)]
mod tests;

use super::{Port, Spec};

/// One handshake message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Handshake {
    /// What the client offers.
    ClientHello(Box<ClientHello>),
    /// What the server chose.
    ServerHello {
        /// The version chosen, `supported_versions` included (0x0304 is TLS 1.3).
        version: u16,
        /// The server took up an earlier session: no certificate will follow.
        resumed: bool,
    },
    /// A certificate of the server's chain, in the order they are sent: first its own. Never seen with TLS 1.3 or resumption.
    Certificate(Box<Certificate>),
    /// The whole chain was seen.
    ChainEnd {
        /// How many certificates it has, those included that were not read.
        certificates: u16,
    },
}

/// A ClientHello.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientHello {
    /// Highest version offered, `supported_versions` included.
    pub version: u16,
    /// Server name indication.
    pub sni: Sni,
    /// First protocol offered by ALPN.
    pub alpn: Option<Box<str>>,
    /// JA3 fingerprint, 32 hex digits.
    pub ja3: Box<str>,
    /// JA4 fingerprint.
    pub ja4: Box<str>,
}

/// Whether the name asked for can be seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sni {
    /// In clear, lower case. With ECH it is the outer name: clients also send ECH without meaning it (RFC 9849, 6.2),
    /// and nobody on the path can tell.
    Present(Box<str>),
    /// Not sent.
    Absent,
    /// Encrypted (ECH or ESNI), with no name in clear.
    Hidden,
}

/// A certificate the server sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certificate {
    /// Its place in the chain; 0 is the server's own. Of long chains only the first five are read.
    pub place: u16,
    /// Subject, RFC 4514 text, at most 256 bytes.
    pub subject: Box<str>,
    /// Issuer, RFC 4514 text, at most 256 bytes.
    pub issuer: Box<str>,
    /// Seconds since 1970 from which and up to which it is valid.
    pub valid: [i64; 2],
    /// SHA-256 of its DER.
    pub sha256: [u8; 32],
    /// Issuer equals subject and its own key verifies it. Of the root at the end of a chain that is always so: only at place 0
    /// does it mean that nobody else vouches for the server.
    pub self_signed: SelfSigned,
}

/// The outcome of verifying a certificate with its own key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SelfSigned {
    /// Issuer is subject and the signature verifies with the certificate's own key.
    Yes,
    /// Somebody else signed it.
    No,
    /// Issuer is subject, but the signature cannot be checked here (unknown algorithm, cut certificate).
    NotObservable,
}

/// Registration.
pub static SPEC: Spec = Spec {
    name: "tls",
    title: "TLS",
    ports: &[Port::Tcp(443), Port::Tcp(8443)],
    industrial: false,
    probe: probe::probe,
    decoder: || Box::new(decoder::Tls::default()),
    about: "Transport Layer Security (RFC 8446, RFC 5246). Read on any port: of the ClientHello the server name, ALPN, \
            versions, JA3 and JA4; of the ServerHello the version and whether it resumes a session; up to TLS 1.2 the \
            server's chain of certificates, and whether its own is self-signed. Encrypted data is not kept.",
};
