//! Certificates (RFC 5246, 7.4.2; RFC 5280).

use sha2::{Digest as _, Sha256};
use x509_parser::certificate::X509Certificate;
use x509_parser::error::X509Error;
use x509_parser::prelude::FromDer;
use x509_parser::public_key::PublicKey;

use super::super::Malformed;
use super::name::rfc4514;
use super::{Certificate, SelfSigned};

/// RSA moduli, in bits, whose signatures can be verified here.
const RSA_BITS: std::ops::RangeInclusive<usize> = 2048..=8192;

/// Reads one certificate, the one at `place` in its chain.
pub(super) fn parse(der: &[u8], place: u16) -> Result<Certificate, Malformed> {
    let (_, certificate) = X509Certificate::from_der(der).map_err(|_| Malformed::BadValue)?;
    let validity = certificate.validity();
    Ok(Certificate {
        place,
        subject: rfc4514(certificate.subject()),
        issuer: rfc4514(certificate.issuer()),
        valid: [validity.not_before.timestamp(), validity.not_after.timestamp()],
        sha256: Sha256::digest(der).into(),
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
