//! TCP payloads of a capture, for tests of decoders on real traffic.

use std::net::IpAddr;
use std::path::PathBuf;

use super::Capture;
use crate::protocol::Side;

/// One TCP connection: payloads in order, without retransmissions.
pub(crate) struct Stream {
    pub(crate) server: (IpAddr, u16),
    pub(crate) payloads: Vec<(Side, Vec<u8>)>,
    client: (IpAddr, u16),
    /// Next sequence number of each side.
    next: [Option<u32>; 2],
}

/// Public captures, which are not part of the repository; `None`, said on standard error, where they are absent.
pub(crate) fn captures() -> Option<PathBuf> {
    let folder = std::env::var_os("ISTHMUS_CAPTURES").map_or_else(
        || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/captures")),
        PathBuf::from,
    );
    let found = folder.join("README.md").is_file();
    if !found {
        eprintln!("skipped: no captures in {}; set ISTHMUS_CAPTURES", folder.display());
    }
    found.then_some(folder)
}

/// The IPv4 connections of the capture called `name` in the order of their first packet.
pub(crate) fn streams(name: &str) -> Option<Vec<Stream>> {
    let mut capture = Capture::open(&captures()?.join(name)).expect("it is a capture");
    let mut streams: Vec<Stream> = Vec::new();
    while let Some(packet) = capture.next() {
        let frame = packet.expect("the capture is whole").frame.into_owned();
        if frame.get(12..14) != Some(&[8, 0]) || frame.get(23) != Some(&6) {
            continue;
        }
        let total = usize::from(u16::from_be_bytes([frame[16], frame[17]]));
        let tcp = 14 + usize::from(frame[14] & 15) * 4;
        let half = |at: usize| u16::from_be_bytes([frame[at], frame[at + 1]]);
        let address = |at: usize| IpAddr::from(<[u8; 4]>::try_from(&frame[at..at + 4]).expect("four bytes"));
        let (source, target) = ((address(26), half(tcp)), (address(30), half(tcp + 2)));
        let sequence = u32::from_be_bytes(frame[tcp + 4..tcp + 8].try_into().expect("four bytes"));
        let (syn, ack) = (frame[tcp + 13] & 2 != 0, frame[tcp + 13] & 16 != 0);
        let payload = &frame[tcp + usize::from(frame[tcp + 12] >> 4) * 4..(14 + total).min(frame.len())];
        let known = streams.iter().rposition(|s| {
            (s.client, s.server) == (source, target) || (s.server, s.client) == (source, target)
        });
        let at = match known {
            Some(at) if !syn || ack => at,
            _ => {
                let from_server = source.1 < target.1 && !syn || syn && ack;
                let (client, server) = if from_server { (target, source) } else { (source, target) };
                streams.push(Stream { server, client, payloads: Vec::new(), next: [None; 2] });
                streams.len() - 1
            }
        };
        let stream = &mut streams[at];
        let side = if source == stream.client { Side::Client } else { Side::Server };
        let next = &mut stream.next[side as usize];
        if syn {
            *next = Some(sequence.wrapping_add(1));
        }
        let repeated = next.map_or(0, |next| next.wrapping_sub(sequence) as i32).max(0) as usize;
        if payload.len() > repeated {
            stream.payloads.push((side, payload[repeated..].to_vec()));
            *next = Some(sequence.wrapping_add(payload.len() as u32));
        }
    }
    Some(streams)
}
