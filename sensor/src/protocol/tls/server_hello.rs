//! ServerHello (RFC 8446, 4.1.3).

use tls_parser::{TlsExtension, parse_tls_extension_unknown, parse_tls_handshake_server_hello};

use super::super::Malformed;
use super::super::bytes::Bytes;

const PRE_SHARED_KEY: u16 = 41;
const SUPPORTED_VERSIONS: u16 = 43;

/// SHA-256 of `HelloRetryRequest`: the random of a ServerHello that asks for another ClientHello.
const RETRY: [u8; 32] = [
    0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c, 0x02, 0x1e, 0x65, 0xb8, 0x91, 0xc2,
    0xa2, 0x11, 0x16, 0x7a, 0xbb, 0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c,
];

pub(super) struct ServerHello {
    pub(super) version: u16,
    pub(super) session_id: Vec<u8>,
    /// The server accepted a pre-shared key: resumption in TLS 1.3.
    pub(super) pre_shared_key: bool,
    /// A HelloRetryRequest: the real ServerHello comes later.
    pub(super) retry: bool,
}

pub(super) fn parse(body: &[u8]) -> Result<ServerHello, Malformed> {
    let (_, hello) = parse_tls_handshake_server_hello(body).map_err(|_| match body.be16(0) {
        Some(version) if version >> 8 != 3 || version > 0x0303 => Malformed::BadVersion,
        _ => Malformed::Truncated,
    })?;
    let mut server = ServerHello {
        version: hello.version.0,
        session_id: hello.session_id.unwrap_or_default().to_vec(),
        pre_shared_key: false,
        retry: hello.random == RETRY,
    };
    let mut rest = hello.ext.unwrap_or_default();
    while let Ok((after, TlsExtension::Unknown(kind, data))) = parse_tls_extension_unknown(rest) {
        rest = after;
        match kind.0 {
            PRE_SHARED_KEY => server.pre_shared_key = true,
            SUPPORTED_VERSIONS => server.version = data.be16(0).unwrap_or(server.version),
            _ => {}
        }
    }
    if rest.is_empty() { Ok(server) } else { Err(Malformed::BadLength) }
}
