//! Modbus/TCP ("MODBUS Application Protocol Specification V1.1b3", "MODBUS Messaging on TCP/IP V1.0b").
//!
//! `tid` is the transaction identifier, which a response repeats; `unit` the unit identifier.

/// The port a server listens on.
pub const PORT: u16 = 502;

/// Puts the MBAP header (7 bytes) in front of a PDU.
#[must_use]
pub fn adu(tid: u16, unit: u8, pdu: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(7 + pdu.len());
    out.extend(tid.to_be_bytes());
    out.extend([0, 0]);
    out.extend((pdu.len() as u16 + 1).to_be_bytes());
    out.push(unit);
    out.extend(pdu);
    out
}

fn addressed(tid: u16, unit: u8, function: u8, address: u16, value: u16) -> Vec<u8> {
    let ([a, b], [c, d]) = (address.to_be_bytes(), value.to_be_bytes());
    adu(tid, unit, &[function, a, b, c, d])
}

/// Function 3, read `count` holding registers from `address`.
#[must_use]
pub fn read_holding(tid: u16, unit: u8, address: u16, count: u16) -> Vec<u8> {
    addressed(tid, unit, 3, address, count)
}

/// Function 1, read `count` coils from `address`.
#[must_use]
pub fn read_coils(tid: u16, unit: u8, address: u16, count: u16) -> Vec<u8> {
    addressed(tid, unit, 1, address, count)
}

/// The answer to [`read_holding`] (at most 125 registers).
#[must_use]
pub fn registers(tid: u16, unit: u8, values: &[u16]) -> Vec<u8> {
    let mut pdu = vec![3, (values.len() * 2) as u8];
    pdu.extend(values.iter().flat_map(|v| v.to_be_bytes()));
    adu(tid, unit, &pdu)
}

/// The answer to [`read_coils`], eight coils a byte.
#[must_use]
pub fn coils(tid: u16, unit: u8, bits: &[u8]) -> Vec<u8> {
    let mut pdu = vec![1, bits.len() as u8];
    pdu.extend(bits);
    adu(tid, unit, &pdu)
}

/// Function 6, write one register; the answer is the same bytes.
#[must_use]
pub fn write_register(tid: u16, unit: u8, address: u16, value: u16) -> Vec<u8> {
    addressed(tid, unit, 6, address, value)
}

/// Function 5, force one coil; the answer is the same bytes.
#[must_use]
pub fn write_coil(tid: u16, unit: u8, address: u16, on: bool) -> Vec<u8> {
    addressed(tid, unit, 5, address, if on { 0xff00 } else { 0 })
}

/// Function 16, write several registers (at most 123).
#[must_use]
pub fn write_registers(tid: u16, unit: u8, address: u16, values: &[u16]) -> Vec<u8> {
    let mut pdu = vec![16];
    pdu.extend(address.to_be_bytes());
    pdu.extend((values.len() as u16).to_be_bytes());
    pdu.push((values.len() * 2) as u8);
    pdu.extend(values.iter().flat_map(|v| v.to_be_bytes()));
    adu(tid, unit, &pdu)
}

/// The answer to [`write_registers`].
#[must_use]
pub fn registers_written(tid: u16, unit: u8, address: u16, count: u16) -> Vec<u8> {
    addressed(tid, unit, 16, address, count)
}

/// Function 43/14, read device identification, basic stream.
#[must_use]
pub fn identify(tid: u16, unit: u8) -> Vec<u8> {
    adu(tid, unit, &[0x2b, 0x0e, 0x01, 0x00])
}

/// The answer to [`identify`]: vendor, product code and revision (each below 80 bytes).
#[must_use]
pub fn identity(tid: u16, unit: u8, vendor: &str, product: &str, revision: &str) -> Vec<u8> {
    let mut pdu = vec![0x2b, 0x0e, 0x01, 0x81, 0x00, 0x00, 3];
    for (id, text) in [vendor, product, revision].into_iter().enumerate() {
        pdu.extend([id as u8, text.len() as u8]);
        pdu.extend(text.bytes());
    }
    adu(tid, unit, &pdu)
}

/// An exception response to `function` with `code` (1 illegal function, 2 illegal address, 3 illegal value …).
#[must_use]
pub fn exception(tid: u16, unit: u8, function: u8, code: u8) -> Vec<u8> {
    adu(tid, unit, &[function | 0x80, code])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_length_covers_unit_and_pdu() {
        assert_eq!(read_holding(5, 1, 0x10, 2), [0, 5, 0, 0, 0, 6, 1, 3, 0, 0x10, 0, 2]);
        assert_eq!(registers(5, 1, &[7, 8]), [0, 5, 0, 0, 0, 7, 1, 3, 4, 0, 7, 0, 8]);
        assert_eq!(exception(5, 1, 3, 2), [0, 5, 0, 0, 0, 3, 1, 0x83, 2]);
    }
}
