//! NTP client and server packets (RFC 5905).

/// The port of NTP, on both ends.
pub const PORT: u16 = 123;

/// Seconds from 1900 to 1970.
const ERA: u64 = 2_208_988_800;

fn timestamp(unix_ns: u64) -> [u8; 8] {
    let seconds = (unix_ns / 1_000_000_000 + ERA) & 0xffff_ffff;
    let fraction = ((unix_ns % 1_000_000_000) << 32) / 1_000_000_000;
    (seconds << 32 | fraction).to_be_bytes()
}

/// A client's request, sent at `unix_ns`.
#[must_use]
pub fn request(unix_ns: u64) -> Vec<u8> {
    let mut out = vec![0x23, 0, 6, 0xe9];
    out.extend([0; 36]);
    out.extend(timestamp(unix_ns));
    out
}

/// A stratum-2 server's response to the request sent at `asked_ns`, received and answered at `unix_ns`.
#[must_use]
pub fn response(asked_ns: u64, unix_ns: u64) -> Vec<u8> {
    let mut out = vec![0x24, 2, 6, 0xe9, 0, 0, 0x02, 0x1a, 0, 0, 0x03, 0x40, 192, 0, 2, 123];
    out.extend(timestamp(unix_ns.saturating_sub(40_000_000_000)));
    out.extend(timestamp(asked_ns));
    out.extend(timestamp(unix_ns));
    out.extend(timestamp(unix_ns + 20_000));
    out
}
