//! What is said in TCP conversations, line by line: the dialogues of the plant's protocols.

use super::plant::Plant;
use crate::conversation::{From, MS, SEC};
use crate::payload::s7::Range;
use crate::payload::tls::Handshake;
use crate::payload::{http, modbus, rdp, s7, smb, tls};
use crate::rng::Rng;

/// One step of a conversation.
#[derive(Clone, Debug)]
pub enum Line {
    /// Send, and have it acknowledged.
    Say(From, Vec<u8>),
    /// Send; what the peer says next carries the acknowledgement.
    Ask(From, Vec<u8>),
    /// Nobody says anything for so many nanoseconds.
    Wait(u64),
    /// Orderly end, begun by that side.
    Close(From),
    /// Abort by that side.
    Reset(From),
}

/// The lines of one conversation, made as they are needed.
pub(super) type Lines = Box<dyn Iterator<Item = Line> + Send>;

/// `first`, then what `more` gives until it gives nothing.
pub(super) fn script(first: Vec<Line>, more: impl FnMut() -> Option<Vec<Line>> + Send + 'static) -> Lines {
    Box::new(first.into_iter().chain(std::iter::from_fn(more).flatten()))
}

/// A request and its answer after `think_ns`.
pub(super) fn ask(request: Vec<u8>, think_ns: u64, answer: Vec<u8>) -> [Line; 3] {
    [Line::Ask(From::Client, request), Line::Wait(think_ns), Line::Say(From::Server, answer)]
}

/// COTP and S7 set-up of a connection of kind `tsap` (1 programming device, 2 operator panel).
pub(super) fn s7_open(tsap: u16, pdu: u16) -> Vec<Line> {
    let dst = tsap << 8 | 2;
    let mut out = Vec::new();
    out.extend(ask(s7::connect_request(1, 0x100, dst), 2 * MS, s7::connect_confirm(1, 0x44, 0x100, dst)));
    out.extend(ask(s7::setup(pdu, 480), 3 * MS, s7::setup_done(pdu, 240)));
    out
}

/// One read of `bytes` bytes of a data block, with random values.
pub(super) fn s7_read(pdu: u16, block: u16, bytes: u16, rng: &mut Rng) -> [Line; 3] {
    let values = rng.bytes(usize::from(bytes));
    ask(s7::read(pdu, &[Range { block, start: 0, bytes }]), 4 * MS, s7::values(pdu, &[&values]))
}

/// One accepted write of a REAL.
pub(super) fn s7_write(pdu: u16, block: u16, start: u16, value: f32) -> [Line; 3] {
    ask(s7::write(pdu, block, start, &value.to_be_bytes()), 5 * MS, s7::written(pdu, 0xff))
}

/// Stop, download of one function block, start: from `pdu` on. The controller asks for the parts, so the roles turn around.
pub(super) fn s7_download(pdu: u16) -> Vec<Line> {
    let block = s7::Block { kind: *b"0E", number: 42 };
    let code = s7::compiled(block, 1_100);
    let mut lines = ask(s7::stop(pdu), 30 * MS, s7::stopped(pdu)).to_vec();
    lines.push(Line::Wait(3 * SEC));
    lines.extend(ask(s7_download_request(pdu), 10 * MS, s7::download_accepted(pdu + 1)));
    let parts: Vec<&[u8]> = code.chunks(222).collect();
    for (n, part) in parts.iter().enumerate() {
        let own = 0x100 + n as u16;
        lines.push(Line::Wait(8 * MS));
        lines.push(Line::Ask(From::Server, s7::download_block(own, block)));
        lines.push(Line::Wait(5 * MS));
        lines.push(Line::Say(From::Client, s7::download_part(own, n + 1 < parts.len(), part)));
    }
    lines.push(Line::Wait(8 * MS));
    lines.push(Line::Ask(From::Server, s7::download_ended(0x1ff, block)));
    lines.push(Line::Wait(5 * MS));
    lines.push(Line::Say(From::Client, s7::download_end_seen(0x1ff)));
    lines.extend(ask(s7::insert_block(pdu + 2, block), 40 * MS, s7::service_done(pdu + 2)));
    lines.push(Line::Wait(2 * SEC));
    lines.extend(ask(s7::start(pdu + 3), 60 * MS, s7::service_done(pdu + 3)));
    lines.push(Line::Wait(SEC));
    lines
}

/// The message of [`s7_download`] that asks to replace the block.
pub(super) fn s7_download_request(pdu: u16) -> Vec<u8> {
    let block = s7::Block { kind: *b"0E", number: 42 };
    s7::download_request(pdu + 1, block, s7::compiled(block, 1_100).len() as u32, 1_100)
}

/// The upload of one function block, as a nightly backup takes it: from `pdu` on.
pub(super) fn s7_upload(pdu: u16, number: u32) -> Vec<Line> {
    let block = s7::Block { kind: *b"0C", number };
    let code = s7::compiled(block, 600);
    let mut lines =
        ask(s7::upload_start(pdu, block), 9 * MS, s7::upload_started(pdu, 7, code.len() as u32)).to_vec();
    let parts: Vec<&[u8]> = code.chunks(222).collect();
    for (n, part) in parts.iter().enumerate() {
        let own = pdu + 1 + n as u16;
        let answer = s7::upload_part(own, n + 1 < parts.len(), part);
        lines.extend(ask(s7::upload(own, 7), 6 * MS, answer));
    }
    let last = pdu + 1 + parts.len() as u16;
    lines.extend(ask(s7::upload_end(last, 7), 4 * MS, s7::upload_ended(last)));
    lines
}

/// Both identification lists of the `index`-th controller: two requests, `pdu` and the next.
pub(super) fn s7_identify(plant: &Plant, index: usize, pdu: u16) -> Vec<Line> {
    let who = plant.s7_identity(index);
    let mut out = Vec::new();
    for (offset, id, records) in [(0, 0x0011, who.module_records()), (1, 0x001c, who.component_records())] {
        let pdu = pdu.wrapping_add(offset);
        out.extend(ask(s7::szl_request(pdu, 0, id, 0), 8 * MS, s7::szl_response(pdu, 1, id, 0, &records)));
    }
    out
}

/// One read of holding registers with random values.
pub(super) fn modbus_read(tid: u16, unit: u8, count: u16, rng: &mut Rng) -> [Line; 3] {
    let values: Vec<u16> = (0..count).map(|_| rng.range(0, 4000) as u16).collect();
    ask(modbus::read_holding(tid, unit, 100, count), 6 * MS, modbus::registers(tid, unit, &values))
}

/// The handshake, ready for application data.
pub(super) fn tls_open(handshake: &Handshake, rng: &mut Rng) -> Vec<Line> {
    let [a, b, c, d] = handshake.flights(rng);
    let mut out = vec![Line::Ask(From::Client, a), Line::Wait(2 * MS), Line::Say(From::Server, b)];
    out.extend([Line::Wait(3 * MS), Line::Say(From::Client, c)]);
    if !d.is_empty() {
        out.extend([Line::Wait(MS), Line::Say(From::Server, d)]);
    }
    out
}

/// A TLS connection with one request of `up` and one response of `down` bytes, closed by the client.
pub(super) fn tls_visit(handshake: &Handshake, up: usize, down: usize, rng: &mut Rng) -> Lines {
    let mut out = tls_open(handshake, rng);
    out.push(Line::Ask(From::Client, tls::application_data(up, rng)));
    out.push(Line::Wait(rng.range(5 * MS, 80 * MS)));
    out.push(Line::Say(From::Server, tls::application_data(down, rng)));
    out.push(Line::Wait(rng.range(SEC, 8 * SEC)));
    out.push(Line::Say(From::Client, tls::close_notify(rng)));
    out.push(Line::Close(From::Client));
    Box::new(out.into_iter())
}

/// A page of `down` bytes from a plain web server.
pub(super) fn http_visit(host: &str, down: usize, rng: &mut Rng) -> Lines {
    let [request, wait, response] = ask(http::get(host, "/"), rng.range(2 * MS, 40 * MS), http::ok(down));
    Box::new([request, wait, response, Line::Wait(SEC), Line::Close(From::Server)].into_iter())
}

/// A print job in the printer job language.
pub(super) fn print_job(length: usize, rng: &mut Rng) -> Lines {
    let mut job = b"\x1b%-12345X@PJL JOB\r\n@PJL ENTER LANGUAGE=PCLXL\r\n".to_vec();
    job.extend(rng.bytes(length));
    Box::new([Line::Say(From::Client, job), Line::Wait(SEC), Line::Close(From::Client)].into_iter())
}

/// An SMB session that moves `up` and `down` bytes in encrypted messages of at most 16 KiB, `pause_ns` apart.
pub(super) fn smb_session(up: usize, down: usize, pause_ns: u64, mut rng: Rng) -> Lines {
    let session = rng.bits();
    let opening = ask(smb::negotiate(&mut rng), 2 * MS, smb::negotiated(&mut rng)).to_vec();
    let (mut up, mut down, mut open) = (up, down, true);
    script(opening, move || {
        if up == 0 && down == 0 {
            return std::mem::take(&mut open).then(|| vec![Line::Close(From::Client)]);
        }
        let (write, read) = (up.min(16_384), down.min(16_384));
        (up, down) = (up - write, down - read);
        let request = smb::encrypted(112 + write, session, &mut rng);
        let response = smb::encrypted(84 + read, session, &mut rng);
        let mut out = ask(request, 2 * MS, response).to_vec();
        out.push(Line::Wait(pause_ns));
        Some(out)
    })
}

/// X.224 negotiation with the user's cookie, then TLS with the server's own certificate.
pub(super) fn rdp_open(user: &str, rng: &mut Rng) -> Vec<Line> {
    let request = rdp::connection_request(Some(user), 0, rdp::TLS | rdp::HYBRID);
    let mut out = ask(request, 4 * MS, rdp::connection_confirm(rdp::HYBRID)).to_vec();
    out.extend(tls_open(&Handshake::nameless(tls::certificate::RDP_SERVER), rng));
    out
}

/// A burst of what a desktop session carries: input up, screen updates down.
pub(super) fn rdp_burst(up: usize, down: usize, rng: &mut Rng) -> [Line; 3] {
    let input = tls::application_data(up, rng);
    [
        Line::Ask(From::Client, input),
        Line::Wait(15 * MS),
        Line::Say(From::Server, tls::application_data(down, rng)),
    ]
}
