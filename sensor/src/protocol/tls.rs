//! TLS handshakes in clear (RFC 8446, RFC 5246): who is asked for, and what certificate answers.

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
    /// The server's own certificate, the first of its chain. Never seen with TLS 1.3 or resumption.
    Certificate(Box<Certificate>),
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
    /// In clear.
    Present(Box<str>),
    /// Not sent.
    Absent,
    /// Encrypted (ECH or ESNI).
    Hidden,
}

/// A server certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certificate {
    /// Subject, RFC 4514 text, at most 256 bytes.
    pub subject: Box<str>,
    /// Issuer, RFC 4514 text, at most 256 bytes.
    pub issuer: Box<str>,
    /// Issuer equals subject and its own key verifies it.
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
pub static SPEC: super::Spec = super::Spec {
    name: "tls", title: "tls", ports: &[], industrial: false,
    probe: |_| super::Verdict::No, decoder: || Box::new(Nothing), about: "",
};
struct Nothing;
impl super::Decode for Nothing {
    fn decode(&mut self, input: super::Input<'_>, _out: &mut Vec<super::Event>) -> usize { input.bytes.len() }
}
