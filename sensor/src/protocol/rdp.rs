//! RDP connection request and confirm (MS-RDPBCGR 2.2.1.1, 2.2.1.2), inside TPKT and X.224.
//!
//! ```text
//! TPKT   3 | 0 | length u16                                                 (RFC 1006)
//! X.224  length of the rest u8 | code u8 | target u16 | source u16 | class  (0xe0 request, 0xd0 confirm)
//! RDP    "Cookie: mstshash=user\r\n" or a routing token                     (request only, optional)
//!        type u8 | flags u8 | 8 | 0 | value u32, little endian              (negotiation, optional)
//! ```
//!
//! S7 and MMS open with the same two outer layers; their parameters begin with 0xc0 to 0xc2, and RDP has none.

use super::bytes::{Bytes, text};
use super::{Decode, Event, Input, Malformed, Port, Probe, Side, Spec, Verdict};

/// What the two ends agreed on before encryption.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Handshake {
    /// X.224 Connection Request with RDP's extensions.
    Request {
        /// `mstshash`: a user name cut to nine characters by many clients. `None`: user not observable.
        cookie: Option<Box<str>>,
        /// `msts=`: a load balancer's token, no user.
        routing_token: bool,
        /// requestedProtocols (0 RDP, 1 TLS, 2 CredSSP, 8 CredSSP-EX …); `None` without a negotiation request.
        protocols: Option<u32>,
        /// The client asked for RestrictedAdmin mode.
        restricted_admin: bool,
    },
    /// X.224 Connection Confirm.
    Confirm {
        /// selectedProtocol; `None` without a negotiation response.
        selected: Option<u32>,
        /// failureCode, when the server refused.
        failure: Option<u32>,
    },
}

/// Registration.
pub static SPEC: Spec = Spec {
    name: "rdp",
    title: "RDP",
    ports: &[Port::Tcp(3389), Port::Udp(3389)],
    industrial: false,
    probe,
    decoder: || Box::new(Rdp::default()),
    about: "Remote Desktop Protocol (MS-RDPBCGR). Read on any port: the user named in the connection request, the \
            security protocols asked for and chosen, RestrictedAdmin, and why a server refuses. The session itself, \
            RDP's own TLS included, is not kept. Its transports over UDP (MS-RDPEUDP) are identified, and what they carry \
            counts as the session's.",
};

/// Sizes of a datagram that the ends may agree on (MS-RDPEUDP 2.2.2.5).
const MTU: std::ops::RangeInclusive<u16> = 1132..=1232;
const TPKT: usize = 4;
/// TPKT and the fixed part of X.224.
const HEADER: usize = 11;
/// The length indicator of X.224 is one byte.
const MAX: usize = TPKT + 1 + 255;
const REQUEST: u8 = 0xe0;
const CONFIRM: u8 = 0xd0;

const NEGOTIATION_REQUEST: u8 = 1;
const NEGOTIATION_RESPONSE: u8 = 2;
const NEGOTIATION_FAILURE: u8 = 3;
const RESTRICTED_ADMIN_MODE_REQUIRED: u8 = 0x01;

const COOKIE: &[u8] = b"Cookie: mstshash=";
const TOKENS: [&[u8]; 2] = [b"Cookie: msts=", b"tsv:"];

fn code(side: Side) -> u8 {
    match side {
        Side::Client => REQUEST,
        Side::Server => CONFIRM,
    }
}

/// Length of the X.224 connection TPDU these bytes begin with, TPKT included. `None`: they begin with none.
fn length(bytes: &[u8], code: u8) -> Option<Result<usize, Malformed>> {
    let (version, reserved, len) = (bytes.u8_at(0)?, bytes.u8_at(1)?, usize::from(bytes.be16(2)?));
    if (version, reserved, bytes.u8_at(5)?) != (3, 0, code) {
        return None;
    }
    let indicated = usize::from(bytes.u8_at(4)?).saturating_add(TPKT + 1);
    Some(if indicated == len && (HEADER..=MAX).contains(&len) { Ok(len) } else { Err(Malformed::BadLength) })
}

/// The datagrams that open RDP over UDP (MS-RDPEUDP 2.2.2.1, 2.2.2.5, 3.1.5.1): a SYN that acknowledges nothing, a SYN and ACK
/// in answer, both with two MTUs and filled up with zeros to a whole datagram.
fn opens_udp(bytes: &[u8], side: Side) -> bool {
    const SYN: u16 = 0x0001;
    const ACK: u16 = 0x0004;
    // What may stand beside them: no retransmission, a correlation id, a version.
    const OPTIONS: u16 = 0x0200 | 0x0800 | 0x1000;
    let mtu = |at| bytes.be16(at).is_some_and(|mtu| MTU.contains(&mtu));
    let flags = bytes.be16(6).map(|flags| flags & !OPTIONS);
    let opens = match side {
        Side::Client => flags == Some(SYN) && bytes.be32(0) == Some(u32::MAX),
        Side::Server => flags == Some(SYN | ACK) && bytes.len() >= usize::from(*MTU.start()),
    };
    opens && mtu(12) && mtu(14)
}

fn probe(probe: Probe<'_>) -> Verdict {
    let bytes = probe.bytes;
    if opens_udp(bytes, probe.side) {
        return Verdict::Yes;
    }
    let begins = [(0, 3), (1, 0), (2, 0), (5, code(probe.side))];
    if !begins.iter().all(|(at, value)| bytes.u8_at(*at).is_none_or(|byte| byte == *value)) {
        return Verdict::No;
    }
    if bytes.len() < 6 {
        return Verdict::NeedMore;
    }
    let Some(Ok(len)) = length(bytes, code(probe.side)) else { return Verdict::No };
    let variable = bytes.get(..bytes.len().min(len)).unwrap_or_default().tail(HEADER);
    let negotiations: &[u8] = match probe.side {
        Side::Client => &[NEGOTIATION_REQUEST],
        Side::Server => &[NEGOTIATION_RESPONSE, NEGOTIATION_FAILURE],
    };
    let words = [COOKIE, TOKENS[0], TOKENS[1]];
    let word = |word: &&[u8]| probe.side == Side::Client && variable.starts_with(word);
    let negotiation = variable.u8_at(0).is_some_and(|kind| negotiations.contains(&kind));
    if words.iter().any(word) || negotiation && variable.slice(2, 2) == Some(&[8, 0]) {
        return Verdict::Yes;
    }
    // Nothing but X.224: what old clients send, but also what anything else over it may send.
    if len == HEADER {
        return if probe.hinted { Verdict::Yes } else { Verdict::No };
    }
    let may_become = |word: &&[u8]| probe.side == Side::Client && word.starts_with(variable);
    let incomplete = bytes.len() < len && (words.iter().any(may_become) || negotiation && variable.len() < 4);
    if incomplete || variable.is_empty() { Verdict::NeedMore } else { Verdict::No }
}

/// Negotiation structure: type, flags, value.
fn negotiation(bytes: &[u8]) -> Result<Option<(u8, u8, u32)>, Malformed> {
    if bytes.is_empty() {
        return Ok(None);
    }
    let (Some(kind), Some(flags), Some(len), Some(value)) =
        (bytes.u8_at(0), bytes.u8_at(1), bytes.le16(2), bytes.le32(4))
    else {
        return Err(Malformed::Truncated);
    };
    if len == 8 { Ok(Some((kind, flags, value))) } else { Err(Malformed::BadLength) }
}

/// The variable part of a connection request.
fn request(variable: &[u8]) -> Result<Handshake, Malformed> {
    let has_line = variable.first().is_some_and(|byte| *byte != NEGOTIATION_REQUEST);
    let (line, rest) = match variable.windows(2).position(|pair| pair == b"\r\n") {
        Some(end) if has_line => {
            (variable.get(..end).unwrap_or_default(), variable.tail(end.saturating_add(2)))
        }
        None if has_line => (variable, &[][..]),
        _ => (&[][..], variable),
    };
    let cookie = line.strip_prefix(COOKIE).map(text).filter(|user| !user.is_empty());
    let routing_token = TOKENS.iter().any(|token| line.starts_with(token));
    let (protocols, restricted_admin) = match negotiation(rest)? {
        None => (None, false),
        Some((NEGOTIATION_REQUEST, flags, value)) => {
            (Some(value), flags & RESTRICTED_ADMIN_MODE_REQUIRED != 0)
        }
        Some(_) => return Err(Malformed::BadValue),
    };
    Ok(Handshake::Request { cookie, routing_token, protocols, restricted_admin })
}

/// The variable part of a connection confirm.
fn confirm(variable: &[u8]) -> Result<Handshake, Malformed> {
    match negotiation(variable)? {
        None => Ok(Handshake::Confirm { selected: None, failure: None }),
        Some((NEGOTIATION_RESPONSE, _, value)) => {
            Ok(Handshake::Confirm { selected: Some(value), failure: None })
        }
        Some((NEGOTIATION_FAILURE, _, value)) => {
            Ok(Handshake::Confirm { selected: None, failure: Some(value) })
        }
        Some(_) => Err(Malformed::BadValue),
    }
}

/// Each side says one thing in clear; then come TLS, CredSSP or RDP's own encryption.
#[derive(Default)]
struct Rdp {
    client_done: bool,
    server_done: bool,
}

impl Decode for Rdp {
    fn decode(&mut self, input: Input<'_>, out: &mut Vec<Event>) -> usize {
        let done = match input.side {
            Side::Client => &mut self.client_done,
            Side::Server => &mut self.server_done,
        };
        // A gap here hides the handshake: it was what came first.
        if *done || input.gap || opens_udp(input.bytes, input.side) {
            *done = true;
            return input.bytes.len();
        }
        if input.bytes.len() < 6 && !input.truncated {
            return 0;
        }
        match length(input.bytes, code(input.side)) {
            Some(Ok(len)) => {
                let parse = if input.side == Side::Client { request } else { confirm };
                match input.bytes.slice(HEADER, len.saturating_sub(HEADER)) {
                    Some(variable) => out.push(parse(variable).map_or_else(Event::Malformed, Event::Rdp)),
                    None if input.truncated => {}
                    None => return 0,
                }
            }
            Some(Err(why)) => out.push(Event::Malformed(why)),
            None => {}
        }
        *done = true;
        input.bytes.len()
    }
}

#[cfg(test)]
mod tests;
