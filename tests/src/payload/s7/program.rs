//! What changes a controller: stop, start, and the download of a block, in which the controller asks for the parts.

use super::{ACK_DATA, JOB, message};

/// A block of the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Block {
    /// Two ASCII digits: `08` OB, `0A` DB, `0B` SDB, `0C` FC, `0E` FB.
    pub kind: [u8; 2],
    /// Its number, below 100 000.
    pub number: u32,
}

impl Block {
    /// The nine-byte file name `_`, kind, five digits, `P` for the passive (not yet linked) file system.
    fn file_name(self) -> Vec<u8> {
        let mut out = vec![b'_'];
        out.extend(self.kind);
        out.extend(format!("{:05}P", self.number).bytes());
        out
    }

    /// Function, status, unused bytes, and the file name with its length.
    fn parameters(self, function: u8, status: u8) -> Vec<u8> {
        let mut out = vec![function, status, 0, 0, 0, 0, 0, 0, 9];
        out.extend(self.file_name());
        out
    }
}

/// Job 29, PLC stop.
#[must_use]
pub fn stop(pdu: u16) -> Vec<u8> {
    let mut parameters = vec![0x29, 0, 0, 0, 0, 0, 9];
    parameters.extend(b"P_PROGRAM");
    message(JOB, pdu, &parameters, &[])
}

/// The answer to [`stop`].
#[must_use]
pub fn stopped(pdu: u16) -> Vec<u8> {
    message(ACK_DATA, pdu, &[0x29], &[])
}

fn service(pdu: u16, arguments: &[u8], name: &[u8]) -> Vec<u8> {
    let mut parameters = vec![0x28, 0, 0, 0, 0, 0, 0, 0xfd];
    parameters.extend((arguments.len() as u16).to_be_bytes());
    parameters.extend(arguments);
    parameters.push(name.len() as u8);
    parameters.extend(name);
    message(JOB, pdu, &parameters, &[])
}

/// Job 28, program invocation `P_PROGRAM`: warm start.
#[must_use]
pub fn start(pdu: u16) -> Vec<u8> {
    service(pdu, &[], b"P_PROGRAM")
}

/// Job 28, program invocation `_INSE`: link the downloaded block into the running program.
#[must_use]
pub fn insert_block(pdu: u16, block: Block) -> Vec<u8> {
    let mut arguments = vec![1, 0];
    arguments.extend(&block.file_name()[1..]);
    service(pdu, &arguments, b"_INSE")
}

/// The answer to [`start`] and [`insert_block`].
#[must_use]
pub fn service_done(pdu: u16) -> Vec<u8> {
    message(ACK_DATA, pdu, &[0x28], &[])
}

/// Job 1A, request download of a block of `load` bytes in load memory and `work` bytes of code.
#[must_use]
pub fn download_request(pdu: u16, block: Block, load: u32, work: u32) -> Vec<u8> {
    let mut parameters = block.parameters(0x1a, 0);
    parameters[2] = 1;
    parameters.push(13);
    parameters.extend(format!("1{load:06}{work:06}").bytes());
    message(JOB, pdu, &parameters, &[])
}

/// The answer to [`download_request`].
#[must_use]
pub fn download_accepted(pdu: u16) -> Vec<u8> {
    message(ACK_DATA, pdu, &[0x1a], &[])
}

/// Job 1B, sent by the *controller*: give me the next part.
#[must_use]
pub fn download_block(pdu: u16, block: Block) -> Vec<u8> {
    message(JOB, pdu, &block.parameters(0x1b, 0), &[])
}

/// The client's answer to [`download_block`] with a part of at most 222 bytes; `more` unless it is the last.
#[must_use]
pub fn download_part(pdu: u16, more: bool, part: &[u8]) -> Vec<u8> {
    let mut data = (part.len() as u16).to_be_bytes().to_vec();
    data.extend([0, 0xfb]);
    data.extend(part);
    message(ACK_DATA, pdu, &[0x1b, u8::from(more)], &data)
}

/// Job 1C, sent by the *controller*: the download has ended.
#[must_use]
pub fn download_ended(pdu: u16, block: Block) -> Vec<u8> {
    message(JOB, pdu, &block.parameters(0x1c, 0), &[])
}

/// The client's answer to [`download_ended`].
#[must_use]
pub fn download_end_seen(pdu: u16) -> Vec<u8> {
    message(ACK_DATA, pdu, &[0x1c], &[])
}

/// Job 1D, start the upload of a block from the active file system.
#[must_use]
pub fn upload_start(pdu: u16, block: Block) -> Vec<u8> {
    let mut parameters = block.parameters(0x1d, 0);
    if let Some(file_system) = parameters.last_mut() {
        *file_system = b'A';
    }
    message(JOB, pdu, &parameters, &[])
}

/// The answer to [`upload_start`]: the upload's number, and the block's length.
#[must_use]
pub fn upload_started(pdu: u16, upload: u8, length: u32) -> Vec<u8> {
    let mut parameters = vec![0x1d, 0, 1, 0, 0, 0, 0, upload, 7];
    parameters.extend(format!("{length:07}").bytes());
    message(ACK_DATA, pdu, &parameters, &[])
}

/// Job 1E, give me the next part.
#[must_use]
pub fn upload(pdu: u16, upload: u8) -> Vec<u8> {
    message(JOB, pdu, &[0x1e, 0, 0, 0, 0, 0, 0, upload], &[])
}

/// The answer to [`upload()`] with a part of at most 222 bytes; `more` unless it is the last.
#[must_use]
pub fn upload_part(pdu: u16, more: bool, part: &[u8]) -> Vec<u8> {
    let mut data = (part.len() as u16).to_be_bytes().to_vec();
    data.extend([0, 0xfb]);
    data.extend(part);
    message(ACK_DATA, pdu, &[0x1e, u8::from(more)], &data)
}

/// Job 1F, the upload has ended.
#[must_use]
pub fn upload_end(pdu: u16, upload: u8) -> Vec<u8> {
    message(JOB, pdu, &[0x1f, 0, 0, 0, 0, 0, 0, upload], &[])
}

/// The answer to [`upload_end`].
#[must_use]
pub fn upload_ended(pdu: u16) -> Vec<u8> {
    message(ACK_DATA, pdu, &[0x1f], &[])
}

/// A plausible block in the format of the MC7 compiler: header `70 70`, kind, number, `code` zero bytes, footer.
#[must_use]
pub fn compiled(block: Block, code: u16) -> Vec<u8> {
    let mut out = vec![0x70, 0x70, 1, 1, 5, 0x0a];
    out.extend((block.number as u16).to_be_bytes());
    out.extend((u32::from(code) + 36 + 36).to_be_bytes());
    out.extend([0; 4]);
    out.extend([0x02, 0x91, 0x47, 0x60, 0x2b, 0xb5, 0x02, 0x91, 0x47, 0x60, 0x2b, 0xb5]);
    out.extend([0, 0, 0, 0, 0, 0]);
    out.extend(code.to_be_bytes());
    out.extend(std::iter::repeat_n(0, usize::from(code)));
    out.extend([0; 36]);
    out
}
