//! Read SZL: the system status list, from which a controller tells who it is.

use super::{USERDATA, message};

/// Userdata group 4 sub 1, read list `id` at `index`; `sequence` is 0 in the first request.
#[must_use]
pub fn szl_request(pdu: u16, sequence: u8, id: u16, index: u16) -> Vec<u8> {
    let ([a, b], [c, d]) = (id.to_be_bytes(), index.to_be_bytes());
    message(USERDATA, pdu, &[0, 1, 0x12, 4, 0x11, 0x44, 1, sequence], &[0xff, 9, 0, 4, a, b, c, d])
}

/// The answer to [`szl_request`] with `records`, all of one length.
///
/// # Panics
/// When the records differ in length.
#[must_use]
pub fn szl_response(pdu: u16, sequence: u8, id: u16, index: u16, records: &[Vec<u8>]) -> Vec<u8> {
    let length = records.first().map_or(0, Vec::len);
    assert!(records.iter().all(|r| r.len() == length), "records of list {id:#06x} differ in length");
    let mut list = Vec::new();
    for word in [id, index, length as u16, records.len() as u16] {
        list.extend(word.to_be_bytes());
    }
    list.extend(records.iter().flatten());
    let mut data = vec![0xff, 9];
    data.extend((list.len() as u16).to_be_bytes());
    data.extend(list);
    message(USERDATA, pdu, &[0, 1, 0x12, 8, 0x12, 0x84, 1, sequence, 0, 0, 0, 0], &data)
}

/// What a controller answers to the two identification lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Identity {
    /// Order number ("MLFB"), as in `6ES7 315-2EH14-0AB0`.
    pub order_number: &'static str,
    /// Firmware version.
    pub firmware: [u8; 3],
    /// Name of the automation system.
    pub system: &'static str,
    /// Name of the module.
    pub module: &'static str,
    /// Serial number of the module.
    pub serial: &'static str,
}

fn padded(text: &str, length: usize, fill: u8) -> impl Iterator<Item = u8> + '_ {
    text.bytes().chain(std::iter::repeat(fill)).take(length)
}

impl Identity {
    /// Records of list 0x0011, module identification: module, hardware, firmware.
    #[must_use]
    pub fn module_records(&self) -> Vec<Vec<u8>> {
        let [major, minor, patch] = self.firmware;
        let record = |index: u16, versions: [u8; 6]| {
            let mut out = index.to_be_bytes().to_vec();
            out.extend(padded(self.order_number, 20, b' '));
            out.extend(versions);
            out
        };
        vec![
            record(1, [0, 0xc0, 0, 4, 0, 1]),
            record(6, [0, 0xc0, 0, 4, 0, 1]),
            record(7, [0, 0xc0, b'V', major, minor, patch]),
        ]
    }

    /// Records of list 0x001C, component identification.
    #[must_use]
    pub fn component_records(&self) -> Vec<Vec<u8>> {
        let texts = [
            (1, self.system),
            (2, self.module),
            (3, ""),
            (4, "Original Siemens Equipment"),
            (5, self.serial),
            (7, self.module),
        ];
        texts
            .into_iter()
            .map(|(index, text): (u16, &str)| {
                let mut out = index.to_be_bytes().to_vec();
                out.extend(padded(text, 32, 0));
                out
            })
            .collect()
    }
}
