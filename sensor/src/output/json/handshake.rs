//! What RDP and TLS said at the opening of a connection, kept until its line is written.

use serde_json::{Value, json};

use super::line::Line;
use crate::protocol::{rdp, tls};

/// Fields by path.
#[derive(Default)]
pub(super) struct Handshake(Vec<(&'static str, Value)>);

impl Handshake {
    fn note(&mut self, path: &'static str, value: impl Into<Value>) {
        let value = value.into();
        match self.0.iter_mut().find(|(known, _)| *known == path) {
            Some((_, known)) => *known = value,
            None => self.0.push((path, value)),
        }
    }

    /// Adds to an array.
    fn add(&mut self, path: &'static str, value: Value) {
        match self.0.iter_mut().find(|(known, _)| *known == path) {
            Some((_, Value::Array(values))) => values.push(value),
            _ => self.note(path, vec![value]),
        }
    }

    fn note_some(&mut self, path: &'static str, value: Option<impl Into<Value>>) {
        if let Some(value) = value {
            self.note(path, value);
        }
    }

    /// Takes in one message of RDP's opening.
    pub(super) fn rdp(&mut self, handshake: &rdp::Handshake) {
        match handshake {
            rdp::Handshake::Request { cookie, protocols, restricted_admin, .. } => {
                self.note_some("rdp.cookie", cookie.as_deref());
                self.note_some("rdp.protocols", *protocols);
                self.note("rdp.restricted_admin", *restricted_admin);
            }
            rdp::Handshake::Confirm { selected, failure } => {
                self.note_some("rdp.selected", *selected);
                self.note_some("rdp.failure", *failure);
            }
        }
    }

    /// Takes in one message of TLS's opening.
    pub(super) fn tls(&mut self, handshake: &tls::Handshake) {
        if self.0.iter().all(|(path, _)| *path != "isthmus.self_signed") {
            self.note("isthmus.self_signed", "not_observable");
        }
        match handshake {
            tls::Handshake::ClientHello(hello) => {
                self.note("tls.client.ja3", hello.ja3.as_ref());
                self.note("isthmus.ja4", hello.ja4.as_ref());
                let sni = match &hello.sni {
                    tls::Sni::Present(name) => {
                        self.note("tls.client.server_name", name.as_ref());
                        "present"
                    }
                    tls::Sni::Absent => "absent",
                    tls::Sni::Hidden => "hidden",
                };
                self.note("isthmus.sni", sni);
                self.note_some("isthmus.alpn", hello.alpn.as_deref());
                self.note_some("tls.version", version(hello.version));
            }
            tls::Handshake::ServerHello { version: chosen, resumed } => {
                self.note_some("tls.version", version(*chosen));
                self.note("tls.resumed", *resumed);
            }
            tls::Handshake::Certificate(certificate) => {
                let self_signed = match certificate.self_signed {
                    tls::SelfSigned::Yes => "yes",
                    tls::SelfSigned::No => "no",
                    tls::SelfSigned::NotObservable => "not_observable",
                };
                let sha256 = hex(&certificate.sha256);
                if certificate.place == 0 {
                    self.note("isthmus.self_signed", self_signed);
                    self.note("tls.server.subject", certificate.subject.as_ref());
                    self.note("tls.server.issuer", certificate.issuer.as_ref());
                    self.note("tls.server.hash.sha256", sha256.as_str());
                    let [from, to] = certificate.valid.map(date);
                    self.note_some("tls.server.not_before", from);
                    self.note_some("tls.server.not_after", to);
                }
                self.add(
                    "isthmus.certificates",
                    json!({
                        "subject": certificate.subject.as_ref(),
                        "issuer": certificate.issuer.as_ref(),
                        "self_signed": self_signed,
                        "sha256": sha256,
                    }),
                );
            }
            tls::Handshake::ChainEnd { certificates } => {
                self.note("isthmus.certificates_total", *certificates);
            }
        }
    }

    /// Writes what was noted.
    pub(super) fn tell(self, line: &mut Line) {
        for (path, value) in self.0 {
            line.set(path, value);
        }
    }
}

/// Hexadecimal in upper case, as ECS wants fingerprints of certificates.
fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02X}")).collect()
}

/// RFC 3339, of seconds since 1970.
fn date(seconds: i64) -> Option<String> {
    jiff::Timestamp::from_second(seconds).ok().map(|time| time.to_string())
}

/// `tls.version` by its number on the wire (RFC 8446, 4.2.1); `None` for numbers no specification gives.
const fn version(code: u16) -> Option<&'static str> {
    Some(match code {
        0x0300 => "3.0",
        0x0301 => "1.0",
        0x0302 => "1.1",
        0x0303 => "1.2",
        0x0304 => "1.3",
        _ => return None,
    })
}
