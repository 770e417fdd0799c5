//! HTTP/1.1 over clear TCP (RFC 9112).

/// The port of HTTP.
pub const PORT: u16 = 80;

/// A GET request of a browser.
#[must_use]
pub fn get(host: &str, path: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: Mozilla/5.0\r\nAccept: */*\r\n\r\n")
        .into_bytes()
}

/// A response with `length` bytes of text.
#[must_use]
pub fn ok(length: usize) -> Vec<u8> {
    let head = format!("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: {length}\r\n\r\n");
    let mut out = head.into_bytes();
    out.extend(b"The quick brown fox jumps over the lazy dog.\n".iter().cycle().take(length));
    out
}
