//! The server's certificate (RFC 5246, 7.4.2; RFC 5280).

use x509_parser::certificate::X509Certificate;
use x509_parser::error::X509Error;
use x509_parser::prelude::FromDer;
use x509_parser::public_key::PublicKey;

use super::super::Malformed;
use super::super::bytes::Bytes;
use super::decoder::MAX_MESSAGE;
use super::name::rfc4514;
use super::{Certificate, SelfSigned};

/// RSA moduli, in bits, whose signatures can be verified here.
const RSA_BITS: std::ops::RangeInclusive<usize> = 2048..=8192;

/// The first certificate of a Certificate message, whether or not those after it have arrived.
///
/// `Ok(None)`: there is none. `Err(None)`: it has not all arrived.
pub(super) fn first(body: &[u8]) -> Result<Option<&[u8]>, Option<Malformed>> {
    let list = u24(body, 0).ok_or(None)?;
    if list == 0 {
        return Ok(None);
    }
    let len = u24(body, 3).ok_or(None)?;
    if len == 0 || len.saturating_add(3) > list || len > MAX_MESSAGE {
        return Err(Some(Malformed::BadLength));
    }
    body.slice(6, len).map(Some).ok_or(None)
}

fn u24(bytes: &[u8], at: usize) -> Option<usize> {
    let high = usize::from(bytes.u8_at(at)?) << 16;
    Some(high | usize::from(bytes.be16(at.checked_add(1)?)?))
}

pub(super) fn parse(der: &[u8]) -> Result<Certificate, Malformed> {
    let (_, certificate) = X509Certificate::from_der(der).map_err(|_| Malformed::BadValue)?;
    Ok(Certificate {
        subject: rfc4514(certificate.subject()),
        issuer: rfc4514(certificate.issuer()),
        self_signed: self_signed(&certificate),
    })
}

fn self_signed(certificate: &X509Certificate<'_>) -> SelfSigned {
    if certificate.issuer().as_raw() != certificate.subject().as_raw() {
        return SelfSigned::No;
    }
    match certificate.verify_signature(None) {
        Ok(()) => SelfSigned::Yes,
        Err(X509Error::SignatureVerificationError) if key_is_usable(certificate) => SelfSigned::No,
        Err(_) => SelfSigned::NotObservable,
    }
}

/// A failed verification says nothing where the verifier refuses the key itself.
fn key_is_usable(certificate: &X509Certificate<'_>) -> bool {
    match certificate.public_key().parsed() {
        Ok(PublicKey::RSA(key)) => {
            let zeros = key.modulus.iter().take_while(|byte| **byte == 0).count();
            RSA_BITS.contains(&key.modulus.len().saturating_sub(zeros).saturating_mul(8))
        }
        Ok(PublicKey::EC(_) | PublicKey::Unknown(_)) => true,
        _ => false,
    }
}
