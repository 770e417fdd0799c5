//! ClientHello (RFC 8446, 4.1.2) and its extensions.

use tls_parser::{
    TlsExtension, parse_tls_client_hello_extension, parse_tls_extension_unknown,
    parse_tls_handshake_client_hello,
};

use super::super::Malformed;
use super::super::bytes::Bytes;
use super::fingerprint::{Offer, is_grease, ja3, ja4};
use super::{ClientHello, Sni};

const SERVER_NAME: u16 = 0;
/// Encrypted ClientHello (RFC 9849) and the drafts of encrypted SNI before it.
const ENCRYPTED: [u16; 2] = [0xfe0d, 0xffce];
/// A DNS name has at most 255 bytes.
const MAX_NAME: usize = 255;
const VERSION_2_HEADER: usize = 11;

/// A ClientHello, and the session id it offers.
pub(super) fn parse(body: &[u8]) -> Result<(ClientHello, Vec<u8>), Malformed> {
    let (_, hello) = parse_tls_handshake_client_hello(body).map_err(|_| Malformed::Truncated)?;
    let mut offer = Offer { legacy_version: hello.version.0, ..Offer::default() };
    offer.ciphers.extend(hello.ciphers.iter().map(|cipher| cipher.0).filter(|cipher| !is_grease(*cipher)));
    let mut name = None;
    let mut rest = hello.ext.unwrap_or_default();
    // Each extension is framed first and understood second: one that is malformed must not hide those after it.
    while let Ok((after, TlsExtension::Unknown(kind, _))) = parse_tls_extension_unknown(rest) {
        let whole = rest.get(..rest.len().saturating_sub(after.len())).unwrap_or_default();
        rest = after;
        if is_grease(kind.0) {
            continue;
        }
        offer.extensions.push(kind.0);
        match parse_tls_client_hello_extension(whole) {
            Ok((_, TlsExtension::SNI(names))) => name = name.or(names.first().map(|(_, name)| *name)),
            Ok((_, TlsExtension::ALPN(names))) => offer.alpn = names.first().map(|name| name.to_vec()),
            Ok((_, TlsExtension::EllipticCurves(groups))) => {
                offer.groups =
                    groups.iter().map(|group| group.0).filter(|group| !is_grease(*group)).collect();
            }
            Ok((_, TlsExtension::EcPointFormats(formats))) => offer.point_formats = formats.to_vec(),
            Ok((_, TlsExtension::SignatureAlgorithms(algorithms))) => {
                offer.signatures =
                    algorithms.into_iter().filter(|algorithm| !is_grease(*algorithm)).collect();
            }
            Ok((_, TlsExtension::SupportedVersions(versions))) => {
                offer.highest =
                    versions.iter().map(|version| version.0).filter(|version| !is_grease(*version)).max();
            }
            _ => {}
        }
    }
    if !rest.is_empty() {
        return Err(Malformed::BadLength);
    }
    let sni = match name.filter(|name| !name.is_empty()) {
        Some(name) => Sni::Present(text(name)),
        None if offer.extensions.iter().any(|kind| ENCRYPTED.contains(kind)) => Sni::Hidden,
        None => Sni::Absent,
    };
    let has_name = offer.extensions.contains(&SERVER_NAME);
    let hello = ClientHello {
        version: offer.version(),
        sni,
        alpn: offer.alpn.as_deref().map(text),
        ja3: ja3(&offer),
        ja4: ja4(&offer, has_name),
    };
    Ok((hello, session_id(body)))
}

/// A ClientHello in the framing of SSL 2.0, as clients sent that still spoke it (RFC 5246, E.2).
///
/// ```text
/// 0x80 | length u15 | type 1 | version u16 | ciphers, session id, challenge: lengths u16, then contents
/// ```
///
/// `None`: these bytes are none. `Some(Err(n))`: they may be, but `n` bytes are needed to tell.
pub(super) fn version_2(bytes: &[u8]) -> Option<Result<ClientHello, usize>> {
    let framed =
        [(0, 0x80), (2, 1), (3, 3)].iter().all(|(at, value)| bytes.u8_at(*at).is_none_or(|b| b == *value));
    if !framed || bytes.u8_at(4).is_some_and(|minor| minor > 3) {
        return None;
    }
    if bytes.len() < VERSION_2_HEADER {
        return Some(Err(VERSION_2_HEADER));
    }
    let len = usize::from(bytes.u8_at(1)?).checked_add(2)?;
    let (ciphers, session, challenge) = (bytes.be16(5)?, bytes.be16(7)?, bytes.be16(9)?);
    let sum = [ciphers, session, challenge].iter().map(|len| usize::from(*len)).sum::<usize>();
    // Only a client that knows TLS sends this, and it has no SSL 2.0 session to take up.
    if ciphers == 0 || ciphers % 3 != 0 || session != 0 || sum.checked_add(VERSION_2_HEADER)? != len {
        return None;
    }
    let Some(suites) = bytes.get(..len).and_then(|whole| whole.slice(VERSION_2_HEADER, ciphers.into()))
    else {
        return Some(Err(len));
    };
    // Suites that begin with anything but zero are SSL 2.0's own.
    let tls =
        suites.chunks_exact(3).filter(|suite| suite.first() == Some(&0)).filter_map(|suite| suite.be16(1));
    let offer = Offer { legacy_version: bytes.be16(3)?, ciphers: tls.collect(), ..Offer::default() };
    let (ja3, ja4) = (ja3(&offer), ja4(&offer, false));
    Some(Ok(ClientHello { version: offer.version(), sni: Sni::Absent, alpn: None, ja3, ja4 }))
}

/// legacy_session_id: a length at 34 (after version and random), then at most 32 bytes.
fn session_id(body: &[u8]) -> Vec<u8> {
    let len = body.get(34).copied().map_or(0, usize::from).min(32);
    body.get(35..len.saturating_add(35)).unwrap_or_default().to_vec()
}

/// Names are compared: lower case, printable.
fn text(bytes: &[u8]) -> Box<str> {
    let printable =
        |byte: &u8| if byte.is_ascii_graphic() { char::from(byte.to_ascii_lowercase()) } else { '.' };
    bytes.iter().take(MAX_NAME).map(printable).collect()
}
