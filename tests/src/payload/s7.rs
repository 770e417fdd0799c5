//! S7comm over COTP (ISO 8073) over TPKT (RFC 1006), as the S7-300/400/1200/1500 speak it with classic clients.
//!
//! S7comm has no public specification; field layouts follow the Wireshark dissector and were compared with
//! captures of STEP 7, WinCC and libnodave. `pdu` is the PDU reference, which a response repeats.

mod program;
mod szl;

pub use program::*;
pub use szl::*;

/// The port of ISO transport over TCP.
pub const PORT: u16 = 102;

/// Puts the TPKT header in front.
fn tpkt(body: &[u8]) -> Vec<u8> {
    let mut out = vec![3, 0];
    out.extend((body.len() as u16 + 4).to_be_bytes());
    out.extend(body);
    out
}

fn cotp_connect(kind: u8, dst_ref: u16, src_ref: u16, src_tsap: u16, dst_tsap: u16) -> Vec<u8> {
    let mut body = vec![17, kind];
    body.extend(dst_ref.to_be_bytes());
    body.extend(src_ref.to_be_bytes());
    body.extend([0, 0xc0, 1, 0x0a, 0xc1, 2]);
    body.extend(src_tsap.to_be_bytes());
    body.extend([0xc2, 2]);
    body.extend(dst_tsap.to_be_bytes());
    tpkt(&body)
}

/// COTP connection request. A destination TSAP is `0x0100 * kind + 0x20 * rack + slot` (kind 1 PG, 2 OP, 3 other).
#[must_use]
pub fn connect_request(src_ref: u16, src_tsap: u16, dst_tsap: u16) -> Vec<u8> {
    cotp_connect(0xe0, 0, src_ref, src_tsap, dst_tsap)
}

/// COTP connection confirm, to the request with reference `dst_ref`.
#[must_use]
pub fn connect_confirm(dst_ref: u16, src_ref: u16, src_tsap: u16, dst_tsap: u16) -> Vec<u8> {
    cotp_connect(0xd0, dst_ref, src_ref, src_tsap, dst_tsap)
}

/// A whole message: TPKT, COTP data, S7 header of the remote operation type `rosctr`, parameters, data.
fn message(rosctr: u8, pdu: u16, parameters: &[u8], data: &[u8]) -> Vec<u8> {
    let mut body = vec![2, 0xf0, 0x80, 0x32, rosctr, 0, 0];
    body.extend(pdu.to_be_bytes());
    body.extend((parameters.len() as u16).to_be_bytes());
    body.extend((data.len() as u16).to_be_bytes());
    if rosctr == ACK_DATA {
        body.extend([0, 0]);
    }
    body.extend(parameters);
    body.extend(data);
    tpkt(&body)
}

const JOB: u8 = 1;
const ACK_DATA: u8 = 3;
const USERDATA: u8 = 7;

/// Job F0, set up communication with a PDU of at most `length` bytes.
#[must_use]
pub fn setup(pdu: u16, length: u16) -> Vec<u8> {
    let [high, low] = length.to_be_bytes();
    message(JOB, pdu, &[0xf0, 0, 0, 1, 0, 1, high, low], &[])
}

/// The answer to [`setup`].
#[must_use]
pub fn setup_done(pdu: u16, length: u16) -> Vec<u8> {
    let [high, low] = length.to_be_bytes();
    message(ACK_DATA, pdu, &[0xf0, 0, 0, 1, 0, 1, high, low], &[])
}

/// A range of bytes in a data block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Range {
    /// Number of the data block.
    pub block: u16,
    /// First byte.
    pub start: u16,
    /// Number of bytes, even, so that no padding between items is needed.
    pub bytes: u16,
}

impl Range {
    /// The S7ANY item: transport size BYTE, area DB, address in bits.
    fn item(self) -> [u8; 12] {
        let ([c, d], [e, f]) = (self.bytes.to_be_bytes(), self.block.to_be_bytes());
        let [_, x, y, z] = (u32::from(self.start) * 8).to_be_bytes();
        [0x12, 0x0a, 0x10, 0x02, c, d, e, f, 0x84, x, y, z]
    }
}

fn items(function: u8, ranges: &[Range]) -> Vec<u8> {
    let mut parameters = vec![function, ranges.len() as u8];
    parameters.extend(ranges.iter().flat_map(|r| r.item()));
    parameters
}

/// Return code, transport size BYTE/WORD (length in bits) and the bytes of one item.
fn item_data(code: u8, bytes: &[u8]) -> Vec<u8> {
    let mut out = vec![code, 4];
    out.extend((bytes.len() as u16 * 8).to_be_bytes());
    out.extend(bytes);
    out
}

/// Job 04, read variables.
#[must_use]
pub fn read(pdu: u16, ranges: &[Range]) -> Vec<u8> {
    message(JOB, pdu, &items(4, ranges), &[])
}

/// The answer to [`read`], one slice an item.
#[must_use]
pub fn values(pdu: u16, items: &[&[u8]]) -> Vec<u8> {
    let data: Vec<u8> = items.iter().flat_map(|bytes| item_data(0xff, bytes)).collect();
    message(ACK_DATA, pdu, &[4, items.len() as u8], &data)
}

/// Job 05, write the bytes to the data block.
#[must_use]
pub fn write(pdu: u16, block: u16, start: u16, bytes: &[u8]) -> Vec<u8> {
    let range = Range { block, start, bytes: bytes.len() as u16 };
    message(JOB, pdu, &items(5, &[range]), &item_data(0, bytes))
}

/// The answer to [`write()`]: `code` 0xff accepted, 0x03 access denied, 0x05 no such address, 0x0a no such object.
#[must_use]
pub fn written(pdu: u16, code: u8) -> Vec<u8> {
    message(ACK_DATA, pdu, &[5, 1], &[code])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(text: &str) -> Vec<u8> {
        (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
    }

    // The expected bytes are what STEP 7 and real controllers sent.

    #[test]
    fn the_handshake_is_that_of_a_real_client() {
        assert_eq!(connect_request(1, 0x100, 0x101), hex("0300001611e00000000100c0010ac1020100c2020101"));
        assert_eq!(setup(0x200, 480), hex("0300001902f08032010000020000080000f0000001000101e0"));
        assert_eq!(setup_done(0x200, 240), hex("0300001b02f080320300000200000800000000f0000001000100f0"));
    }

    #[test]
    fn a_system_status_request_is_that_of_a_real_client() {
        assert_eq!(
            szl_request(0x100, 0, 0x11, 0),
            hex("0300002102f080320700000100000800080001120411440100ff09000400110000")
        );
    }

    #[test]
    fn a_stop_is_that_of_a_real_client() {
        let wire = hex("0300002102f0803201000035000010000029000000000009505f50524f4752414d");
        assert_eq!(stop(0x3500), wire);
        assert_eq!(stopped(0x3500), hex("0300001402f08032030000350000010000000029"));
    }

    #[test]
    fn a_download_is_that_of_a_real_client() {
        let block = Block { kind: *b"0A", number: 1 };
        let request = "0300003102f080320100000e00002000001a00010000000000095f30413030303031500d31303030353030303030343030";
        assert_eq!(download_request(0x0e00, block, 500, 400), hex(request));
        let ask = hex("0300002302f080320100000100001200001b00000000000000095f3041303030303150");
        assert_eq!(download_block(1 << 8, block), ask);
        let insert = "0300002b02f080320100000f00001a000028000000000000fd000a01003041303030303150055f494e5345";
        assert_eq!(insert_block(0x0f00, block), hex(insert));
    }

    #[test]
    fn an_upload_is_that_of_a_real_client() {
        let block = Block { kind: *b"0B", number: 0 };
        let start = "0300002302f080320100000800001200001d00000000000000095f3042303030303041";
        assert_eq!(upload_start(0x0800, block), hex(start));
        let started = "0300002302f0803203000008000010000000001d000100000000070730303030323136";
        assert_eq!(upload_started(0x0800, 7, 216), hex(started));
        assert_eq!(upload(0x0900, 7), hex("0300001902f080320100000900000800001e00000000000007"));
        assert_eq!(upload_end(0x0a00, 7), hex("0300001902f080320100000a00000800001f00000000000007"));
        assert_eq!(upload_ended(0x0a00), hex("0300001402f080320300000a000001000000001f"));
    }
}
