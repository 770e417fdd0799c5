//! A TCP connection (RFC 9293) as seen by an observer: right numbers, right order, a plausible clock.

use super::{Frame, MS, SEC, Side, US};
use crate::packet::tcp::{ACK, FIN, PSH, RST, SYN};

/// Which end sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum From {
    /// The end that opened the connection.
    Client,
    /// The end that accepted it.
    Server,
}

/// What differs between networks.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Largest segment payload in bytes, announced by both ends.
    pub mss: u16,
    /// Round-trip time in nanoseconds.
    pub rtt_ns: u64,
    /// Distance between segments sent back to back, in nanoseconds.
    pub spacing_ns: u64,
    /// A receiver acknowledges each `ack_every`-th full segment of a burst, and always the last.
    pub ack_every: u32,
}

impl Default for Options {
    /// A wired local network.
    fn default() -> Self {
        Self { mss: 1460, rtt_ns: 600 * US, spacing_ns: 15 * US, ack_every: 2 }
    }
}

/// One connection; every method appends frames and moves its clock on.
///
/// The clock never goes back: [`Session::now`] is the time of the last frame. Frames are taken out with
/// [`Session::take`], as often as the caller likes.
#[derive(Debug)]
pub struct Session {
    client: Side,
    server: Side,
    options: Options,
    now: u64,
    client_next: u32,
    server_next: u32,
    frames: Vec<Frame>,
}

impl Session {
    /// A connection not yet opened; `isn` are the initial sequence numbers of client and server.
    #[must_use]
    pub fn new(client: Side, server: Side, at_ns: u64, isn: (u32, u32), options: Options) -> Self {
        let (client_next, server_next) = isn;
        Self { client, server, options, now: at_ns, client_next, server_next, frames: Vec::new() }
    }

    /// Time of the last frame, or where [`Session::wait_until`] has moved it.
    #[must_use]
    pub fn now(&self) -> u64 {
        self.now
    }

    /// Moves the clock on to `at_ns`; a time already past changes nothing.
    pub fn wait_until(&mut self, at_ns: u64) {
        self.now = self.now.max(at_ns);
    }

    /// Moves the clock on by `ns`.
    pub fn wait(&mut self, ns: u64) {
        self.now += ns;
    }

    /// The frames made since the last call.
    pub fn take(&mut self) -> Vec<Frame> {
        std::mem::take(&mut self.frames)
    }

    fn emit(&mut self, from: From, flags: u8, options: &[u8], payload: &[u8]) {
        let (source, target, seq, ack) = match from {
            From::Client => (&self.client, &self.server, self.client_next, self.server_next),
            From::Server => (&self.server, &self.client, self.server_next, self.client_next),
        };
        let ack = if flags & ACK == 0 { 0 } else { ack };
        let bytes = source
            .packet_to(target)
            .tcp(source.port, target.port)
            .flags(flags)
            .seq(seq)
            .ack(ack)
            .window(if flags & RST == 0 { 64240 } else { 0 })
            .tcp_options(options)
            .payload(payload)
            .build_padded();
        self.frames.push(Frame { at_ns: self.now, leg: source.leg, bytes });
        let phantom = u32::from(flags & SYN != 0) + u32::from(flags & FIN != 0);
        let next = match from {
            From::Client => &mut self.client_next,
            From::Server => &mut self.server_next,
        };
        *next = next.wrapping_add(payload.len() as u32).wrapping_add(phantom);
    }

    fn syn_options(&self) -> [u8; 8] {
        let [high, low] = self.options.mss.to_be_bytes();
        // Maximum segment size, then SACK permitted, padded.
        [2, 4, high, low, 1, 1, 4, 2]
    }

    fn half(&self) -> u64 {
        self.options.rtt_ns / 2
    }

    /// SYN, SYN-ACK, ACK.
    pub fn open(&mut self) {
        let options = self.syn_options();
        self.emit(From::Client, SYN, &options, &[]);
        self.wait(self.options.rtt_ns);
        self.emit(From::Server, SYN | ACK, &options, &[]);
        self.wait(self.half().max(1));
        self.emit(From::Client, ACK, &[], &[]);
    }

    /// SYN, and the server's RST.
    pub fn refused(&mut self) {
        let options = self.syn_options();
        self.emit(From::Client, SYN, &options, &[]);
        self.wait(self.options.rtt_ns);
        self.server_next = 0;
        self.emit(From::Server, RST | ACK, &[], &[]);
    }

    /// SYN and `retries` copies after 1, 2, 4 … seconds; nobody answers.
    pub fn unanswered(&mut self, retries: u32) {
        let options = self.syn_options();
        let first = self.client_next;
        for attempt in 0..=retries {
            self.client_next = first;
            self.emit(From::Client, SYN, &options, &[]);
            if attempt < retries {
                self.wait(SEC << attempt.min(6));
            }
        }
    }

    /// Sends `bytes` in segments of at most the MSS; the receiver acknowledges on the way and at the end.
    pub fn send(&mut self, from: From, bytes: &[u8]) {
        let peer = match from {
            From::Client => From::Server,
            From::Server => From::Client,
        };
        let mut owed = 0;
        let count = bytes.chunks(usize::from(self.options.mss)).len();
        for (at, segment) in bytes.chunks(usize::from(self.options.mss)).enumerate() {
            let last = at + 1 == count;
            self.wait(self.options.spacing_ns);
            self.emit(from, if last { PSH | ACK } else { ACK }, &[], segment);
            owed += 1;
            if last {
                // What the peer's application answers at once would carry the acknowledgement; most do not.
                self.wait(self.half().max(1));
            }
            if last || owed >= self.options.ack_every {
                owed = 0;
                self.wait(self.options.spacing_ns.min(MS));
                self.emit(peer, ACK, &[], &[]);
            }
        }
    }

    /// As [`Session::send`], without the last acknowledgement: the peer's answer will carry it.
    pub fn send_expecting_answer(&mut self, from: From, bytes: &[u8]) {
        let before = self.frames.len();
        self.send(from, bytes);
        if self.frames.len() > before {
            self.frames.pop();
        }
    }

    /// FIN, FIN-ACK, ACK, begun by `from`.
    pub fn close(&mut self, from: From) {
        let peer = match from {
            From::Client => From::Server,
            From::Server => From::Client,
        };
        self.wait(self.options.spacing_ns);
        self.emit(from, FIN | ACK, &[], &[]);
        self.wait(self.options.rtt_ns);
        self.emit(peer, FIN | ACK, &[], &[]);
        self.wait(self.half().max(1));
        self.emit(from, ACK, &[], &[]);
    }

    /// RST by `from`.
    pub fn reset(&mut self, from: From) {
        self.wait(self.options.spacing_ns);
        self.emit(from, RST | ACK, &[], &[]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packet::Mac;

    fn side(last: u8, port: u16, leg: u8) -> Side {
        let ip = [10, 0, leg, last].into();
        Side { mac: Mac([2, 0, 0, 0, leg, last]), next_hop: Mac([2; 6]), ip, port, vlan: None, leg, ttl: 64 }
    }

    fn session() -> Session {
        let isn = (u32::MAX - 10, 7);
        Session::new(side(1, 50000, 0), side(2, 102, 1), SEC, isn, Options { mss: 100, ..Options::default() })
    }

    /// (leg, seq, ack, flags, payload length) of an untagged frame.
    fn fields(frame: &Frame) -> (u8, u32, u32, u8, usize) {
        let b = &frame.bytes;
        let word = |at: usize| u32::from_be_bytes([b[at], b[at + 1], b[at + 2], b[at + 3]]);
        let header = usize::from(b[46] >> 4) * 4;
        let total = usize::from(u16::from_be_bytes([b[16], b[17]]));
        (frame.leg, word(38), word(42), b[47], total - 20 - header)
    }

    #[test]
    fn numbers_wrap_and_every_byte_is_acknowledged_once() {
        let mut s = session();
        s.open();
        s.send(From::Client, &[1; 250]);
        s.close(From::Server);
        let frames = s.take();
        let data: usize = frames.iter().map(fields).filter(|f| f.0 == 0).map(|f| f.4).sum();
        assert_eq!(data, 250);
        let last_ack = frames.iter().map(fields).rfind(|f| f.0 == 1).unwrap().2;
        // SYN and FIN count one each, from 4294967285 on: past the end of the number space.
        assert_eq!(last_ack, (u32::MAX - 10).wrapping_add(252));
        assert!(frames.is_sorted_by_key(|f| f.at_ns));
    }

    #[test]
    fn a_refusal_acknowledges_the_syn() {
        let mut s = session();
        s.refused();
        let reply = fields(&s.take()[1]);
        assert_eq!((reply.0, reply.2, reply.3), (1, (u32::MAX - 10).wrapping_add(1), RST | ACK));
    }

    #[test]
    fn an_unanswered_syn_is_repeated_with_the_same_number() {
        let mut s = session();
        s.unanswered(2);
        let frames = s.take();
        assert_eq!(
            frames.iter().map(|f| (f.at_ns / SEC, fields(f).1)).collect::<Vec<_>>(),
            [(1, u32::MAX - 10), (2, u32::MAX - 10), (4, u32::MAX - 10)]
        );
    }

    #[test]
    fn a_carried_acknowledgement_leaves_no_pure_one() {
        let mut s = session();
        s.open();
        s.take();
        s.send_expecting_answer(From::Client, b"ask");
        s.send(From::Server, b"answer");
        assert_eq!(s.take().iter().map(|f| fields(f).4).collect::<Vec<_>>(), [3, 6, 0]);
    }
}
