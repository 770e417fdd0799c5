//! From the bytes of a connection to handshake messages.
//!
//! Each side is a small state machine that reads records of any split and keeps only a handshake message not yet whole.
//! It is done after what there is to see in clear; from then on bytes cost nothing.

use super::super::bytes::Bytes;
use super::super::{Decode, Event, Input, Malformed, Side};
use super::probe::{CHANGE_CIPHER_SPEC, CLIENT_HELLO, HANDSHAKE, RECORD_HEADER, SERVER_HELLO, record};
use super::server_hello::ServerHello;
use super::{Handshake, certificate, client_hello, server_hello};

/// The longest hello or certificate waited for, in bytes. What is kept is at most that and one record.
const MAX_MESSAGE: usize = 32 << 10;
const MESSAGE_HEADER: usize = 4;
/// The length in front of a list of certificates, and of each.
const LENGTH: usize = 3;
/// Certificates of a chain that are read; further ones are counted. Chains in use have two to four.
pub(super) const MAX_CHAIN: u16 = 5;

const HELLO_REQUEST: u8 = 0;
const NEW_SESSION_TICKET: u8 = 4;
const CERTIFICATE: u8 = 11;
const TLS_1_3: u16 = 0x0304;

/// Both sides of one connection.
#[derive(Default)]
pub(super) struct Tls {
    client: Half,
    server: Half,
    /// What the client offered to resume.
    session_id: Vec<u8>,
    /// A ServerHello up to TLS 1.2: only what follows it tells whether the session is resumed.
    pending: Option<ServerHello>,
    /// The server's Certificate message, while it is being read.
    chain: Option<Chain>,
}

#[derive(Default)]
struct Half {
    /// Nothing more to see.
    done: bool,
    /// A gap lies behind: bytes that make no sense are no error of the sender.
    after_gap: bool,
    /// A record has been read.
    begun: bool,
    /// Content type and missing bytes of the record being read.
    content: u8,
    left: usize,
    /// Handshake messages from the start of the first not handled.
    message: Vec<u8>,
}

impl Half {
    fn finish(&mut self) {
        self.done = true;
        self.message = Vec::new();
    }
}

impl Decode for Tls {
    fn decode(&mut self, input: Input<'_>, out: &mut Vec<Event>) -> usize {
        if input.gap {
            self.skip_gap(input.side, out);
        }
        let mut at = 0usize;
        while !self.half(input.side).done {
            let rest = input.bytes.tail(at);
            let half = self.half(input.side);
            if half.left == 0 {
                if input.side == Side::Client && !half.begun {
                    match client_hello::version_2(rest) {
                        Some(Ok(hello)) => {
                            out.push(Event::Tls(Handshake::ClientHello(Box::new(hello))));
                            half.finish();
                            break;
                        }
                        Some(Err(_)) => break,
                        None => {}
                    }
                }
                if rest.len() < RECORD_HEADER {
                    break;
                }
                let Some((content, len)) = record(rest) else {
                    self.give_up(input.side, Malformed::BadValue, out);
                    break;
                };
                (half.content, half.left, half.begun) = (content, len, true);
                at = at.saturating_add(RECORD_HEADER);
                self.record_begins(input.side, out);
                continue;
            }
            let fragment = rest.get(..rest.len().min(half.left)).unwrap_or_default();
            if fragment.is_empty() {
                break;
            }
            half.left = half.left.saturating_sub(fragment.len());
            at = at.saturating_add(fragment.len());
            self.fragment(input.side, fragment, out);
        }
        if input.truncated {
            self.skip_gap(input.side, out);
        }
        if self.half(input.side).done || input.truncated {
            input.bytes.len()
        } else {
            at.min(input.bytes.len())
        }
    }

    fn kept(&self) -> usize {
        self.client.message.capacity().saturating_add(self.server.message.capacity())
    }
}

impl Tls {
    fn half(&mut self, side: Side) -> &mut Half {
        match side {
            Side::Client => &mut self.client,
            Side::Server => &mut self.server,
        }
    }

    /// Bytes are missing: what was begun will not end, and the next byte is hoped to begin a record.
    fn skip_gap(&mut self, side: Side, out: &mut Vec<Event>) {
        if side == Side::Server {
            // Whether a certificate followed is not known; an echoed session id says that none was due.
            let echoed = self
                .pending
                .as_ref()
                .is_some_and(|hello| !hello.session_id.is_empty() && hello.session_id == self.session_id);
            self.settle(echoed, out);
        }
        let half = self.half(side);
        half.left = 0;
        half.message = Vec::new();
        half.after_gap = true;
        if side == Side::Server && self.chain.take().is_some() {
            // What follows the certificates is of no use, and where they end is not known.
            self.server.finish();
        }
    }

    fn give_up(&mut self, side: Side, why: Malformed, out: &mut Vec<Event>) {
        if side == Side::Server {
            self.settle(false, out);
        }
        let half = self.half(side);
        if !half.after_gap {
            out.push(Event::Malformed(why));
        }
        half.finish();
    }

    /// Emits the ServerHello that waited.
    fn settle(&mut self, resumed: bool, out: &mut Vec<Event>) {
        if let Some(hello) = self.pending.take() {
            out.push(Event::Tls(Handshake::ServerHello { version: hello.version, resumed }));
        }
    }

    fn record_begins(&mut self, side: Side, out: &mut Vec<Event>) {
        match (self.half(side).content, side) {
            (HANDSHAKE, _) => {}
            (CHANGE_CIPHER_SPEC, Side::Server) => {
                // Directly after a ServerHello it means an abbreviated handshake. Without one it belongs to the
                // compatibility mode of TLS 1.3 (RFC 8446, D.4), after a HelloRetryRequest.
                if self.pending.is_some() {
                    self.settle(true, out);
                    self.server.finish();
                }
            }
            (CHANGE_CIPHER_SPEC, Side::Client) => self.client.finish(),
            _ => {
                // An alert or encrypted data: the handshake in clear is over.
                if side == Side::Server {
                    self.settle(false, out);
                }
                self.half(side).finish();
            }
        }
    }

    fn fragment(&mut self, side: Side, fragment: &[u8], out: &mut Vec<Event>) {
        let half = self.half(side);
        if half.content != HANDSHAKE {
            return;
        }
        half.message.extend_from_slice(fragment);
        let mut buffer = std::mem::take(&mut half.message);
        let mut used = 0usize;
        while !self.half(side).done {
            match self.message(side, buffer.tail(used), out) {
                Step::Used(count) => used = used.saturating_add(count),
                Step::NeedMore | Step::Over => break,
            }
        }
        if !self.half(side).done {
            buffer.drain(..used.min(buffer.len()));
            self.half(side).message = buffer;
        }
    }

    /// Handles the handshake message at the front of `bytes`.
    fn message(&mut self, side: Side, bytes: &[u8], out: &mut Vec<Event>) -> Step {
        if side == Side::Server
            && let Some(chain) = &mut self.chain
        {
            let step = chain.certificate(bytes, out);
            if matches!(step, Step::Over) {
                self.chain = None;
                self.server.finish();
            }
            return step;
        }
        let (Some(kind), Some(len)) = (bytes.u8_at(0), u24(bytes, 1)) else { return Step::NeedMore };
        let whole = bytes.slice(MESSAGE_HEADER, len);
        match (side, kind) {
            (Side::Client, CLIENT_HELLO) | (Side::Server, SERVER_HELLO)
                if len > MAX_MESSAGE.saturating_sub(MESSAGE_HEADER) =>
            {
                self.give_up(side, Malformed::BadLength, out);
            }
            (Side::Client, CLIENT_HELLO) => {
                let Some(body) = whole else { return Step::NeedMore };
                match client_hello::parse(body) {
                    Ok((hello, session_id)) => {
                        self.session_id = session_id;
                        out.push(Event::Tls(Handshake::ClientHello(Box::new(hello))));
                        // A second one, asked for by a HelloRetryRequest, says the same again.
                        self.client.finish();
                    }
                    Err(why) => self.give_up(side, why, out),
                }
            }
            (Side::Server, HELLO_REQUEST) if len == 0 => {}
            (Side::Server, SERVER_HELLO) if self.pending.is_none() => {
                let Some(body) = whole else { return Step::NeedMore };
                match server_hello::parse(body) {
                    Ok(hello) if hello.retry => {}
                    Ok(hello) if hello.version >= TLS_1_3 => {
                        let resumed = hello.pre_shared_key;
                        self.pending = Some(hello);
                        self.settle(resumed, out);
                        self.server.finish();
                    }
                    Ok(hello) => self.pending = Some(hello),
                    Err(why) => self.give_up(side, why, out),
                }
            }
            (Side::Server, NEW_SESSION_TICKET) => {
                // Before any certificate: the server renews the ticket of a resumed session (RFC 5077, 3.3).
                self.settle(true, out);
                self.server.finish();
            }
            (Side::Server, CERTIFICATE) => {
                self.settle(false, out);
                if len < LENGTH {
                    self.give_up(side, Malformed::BadLength, out);
                    return Step::Used(len.saturating_add(MESSAGE_HEADER));
                }
                let Some(list) = u24(bytes, MESSAGE_HEADER) else { return Step::NeedMore };
                if list.saturating_add(LENGTH) == len {
                    self.chain = Some(Chain { left: list, seen: 0 });
                } else {
                    self.give_up(side, Malformed::BadLength, out);
                }
                return Step::Used(MESSAGE_HEADER + LENGTH);
            }
            _ => {
                // No certificate will come: an anonymous or pre-shared key, or bytes that are encrypted.
                if side == Side::Server {
                    self.settle(false, out);
                }
                self.half(side).finish();
            }
        }
        Step::Used(len.saturating_add(MESSAGE_HEADER))
    }
}

/// The certificates of a Certificate message (RFC 5246, 7.4.2), one at a time: the server's own counts most, is first, and
/// does not wait for the others.
struct Chain {
    /// Bytes of the list not read yet.
    left: usize,
    /// Certificates read.
    seen: u16,
}

impl Chain {
    /// Handles the certificate at the front of `bytes`.
    fn certificate(&mut self, bytes: &[u8], out: &mut Vec<Event>) -> Step {
        if self.left == 0 {
            if self.seen > 0 {
                out.push(Event::Tls(Handshake::ChainEnd { certificates: self.seen }));
            }
            return Step::Over;
        }
        let Some(len) = u24(bytes, 0) else {
            return if self.left < LENGTH { self.broken(out) } else { Step::NeedMore };
        };
        let whole = len.saturating_add(LENGTH);
        if len == 0 || len > MAX_MESSAGE || whole > self.left {
            return self.broken(out);
        }
        let Some(der) = bytes.slice(LENGTH, len) else { return Step::NeedMore };
        if self.seen < MAX_CHAIN {
            out.push(match certificate::parse(der, self.seen) {
                Ok(certificate) => Event::Tls(Handshake::Certificate(Box::new(certificate))),
                Err(why) => Event::Malformed(why),
            });
        }
        self.left = self.left.saturating_sub(whole);
        self.seen = self.seen.saturating_add(1);
        Step::Used(whole)
    }

    fn broken(&self, out: &mut Vec<Event>) -> Step {
        out.push(Event::Malformed(Malformed::BadLength));
        Step::Over
    }
}

fn u24(bytes: &[u8], at: usize) -> Option<usize> {
    let high = usize::from(bytes.u8_at(at)?) << 16;
    Some(high | usize::from(bytes.be16(at.checked_add(1)?)?))
}

enum Step {
    /// The message had this many bytes.
    Used(usize),
    NeedMore,
    /// No message follows that is of use.
    Over,
}
