//! Protocols of which only what each side says first is read: banners, greetings, the head of a request.

use super::{Decode, Event, Input, Side};

/// Bytes of one side after which what is sought will not come.
const MAX: usize = 4096;

/// What a reader makes of the first bytes of a side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Read {
    /// Everything sought was found, or never will be.
    Done,
    /// So many bytes are read and of no further use, more than none; what follows is to be read too.
    Used(usize),
    /// More bytes are needed.
    More,
}

/// Reads the first bytes of `side` and says what it found; cut frames are read as far as they go.
pub type Reader = fn(side: Side, bytes: &[u8], out: &mut Vec<Event>) -> Read;

/// Both sides of one connection.
pub struct Opening {
    read: Reader,
    done: [bool; 2],
}

impl Opening {
    /// A decoder that reads with `read`.
    pub fn decoder(read: Reader) -> Box<dyn Decode> {
        Box::new(Self { read, done: [false; 2] })
    }
}

impl Decode for Opening {
    fn decode(&mut self, input: Input<'_>, out: &mut Vec<Event>) -> usize {
        let [client, server] = &mut self.done;
        let done = if input.side == Side::Client { client } else { server };
        // What came first lies behind the gap.
        *done |= input.gap;
        let mut at = 0_usize;
        while !*done {
            let rest = input.bytes.get(at..).unwrap_or_default();
            match (self.read)(input.side, rest, out) {
                Read::Used(n) if n > 0 && n <= rest.len() => at = at.saturating_add(n),
                Read::More if !input.truncated && rest.len() < MAX => return at,
                _ => *done = true,
            }
        }
        input.bytes.len()
    }
}

/// The first line without its end (CR LF, or LF alone); `None` while there is no end.
pub fn line(bytes: &[u8]) -> Option<&[u8]> {
    let end = bytes.iter().position(|byte| *byte == b'\n')?;
    let line = bytes.get(..end)?;
    Some(line.strip_suffix(b"\r").unwrap_or(line))
}

/// How far `bytes` agree with one of `texts`: `Some(true)` begins with it, `Some(false)` may still, `None` does not.
pub fn begins_with(bytes: &[u8], texts: &[&[u8]]) -> Option<bool> {
    if texts.iter().any(|text| bytes.starts_with(text)) {
        return Some(true);
    }
    texts.iter().any(|text| text.starts_with(bytes)).then_some(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_after_the_opening_costs_nothing() {
        let mut decoder = Opening::decoder(|_, bytes, _| match line(bytes) {
            Some(_) => Read::Done,
            None => Read::More,
        });
        let mut out = Vec::new();
        let mut feed = |bytes: &[u8]| {
            decoder.decode(Input { bytes, side: Side::Client, truncated: false, gap: false }, &mut out)
        };
        assert_eq!(feed(b"SSH-2.0"), 0);
        assert_eq!(feed(b"SSH-2.0-x\r\n"), 11);
        assert_eq!(feed(b"anything"), 8);
    }

    #[test]
    fn a_side_that_never_gets_to_the_point_is_given_up() {
        let mut decoder = Opening::decoder(|_, _, _| Read::More);
        let bytes = vec![0; MAX];
        let input = Input { bytes: &bytes, side: Side::Server, truncated: false, gap: false };
        assert_eq!(decoder.decode(input, &mut Vec::new()), MAX);
    }
}
