//! The transport function (IEEE 1815 clause 8): fragments in segments, each with a bit for the first, a bit for the last
//! and a sequence number. Bounded: of a fragment beyond what the standard allows, the head is kept.

use std::borrow::Cow;

use crate::protocol::Malformed;

/// The most of a fragment that is kept; the standard's outstations send at most 2048 bytes.
const MOST: usize = 4096;
/// Links (source, destination) of one side that may be in the middle of a fragment at once.
const CHANNELS: usize = 8;

const FINAL: u8 = 0x80;
const FIRST: u8 = 0x40;

/// A fragment in the making.
#[derive(Debug)]
struct Partial {
    channel: (u16, u16),
    sequence: u8,
    bytes: Vec<u8>,
}

/// The fragments that one side is sending.
#[derive(Debug, Default)]
pub struct Reassembly {
    partial: Vec<Partial>,
}

impl Reassembly {
    /// Bytes were lost: what was begun will not end.
    pub fn forget(&mut self) {
        self.partial.clear();
    }

    /// Bytes kept.
    pub fn kept(&self) -> usize {
        self.partial.iter().map(|partial| partial.bytes.len()).sum()
    }

    /// Takes a segment; returns the fragment that it ends. With `cut`, what there is must do.
    ///
    /// # Errors
    /// [`Malformed::BadValue`] when the segment is not the next of a fragment that was begun.
    pub fn segment<'a>(
        &mut self,
        channel: (u16, u16),
        control: u8,
        bytes: &'a [u8],
        cut: bool,
    ) -> Result<Option<Cow<'a, [u8]>>, Malformed> {
        let at = self.partial.iter().position(|partial| partial.channel == channel);
        let ends = control & FINAL != 0 || cut;
        if control & FIRST != 0 {
            if let Some(at) = at {
                self.partial.swap_remove(at);
            }
            if ends {
                return Ok(Some(Cow::Borrowed(bytes)));
            }
            if self.partial.len() >= CHANNELS {
                self.partial.remove(0);
            }
            self.partial.push(Partial { channel, sequence: control & 0x3f, bytes: bytes.to_vec() });
            return Ok(None);
        }
        // The beginning may have been before what was captured: nothing to complain of.
        let Some(at) = at else { return Ok(None) };
        let Some(partial) = self.partial.get_mut(at) else { return Ok(None) };
        let next = partial.sequence.wrapping_add(1) & 0x3f;
        if control & 0x3f != next {
            self.partial.swap_remove(at);
            return Err(Malformed::BadValue);
        }
        partial.sequence = next;
        let room = MOST.saturating_sub(partial.bytes.len());
        partial.bytes.extend(bytes.iter().take(room));
        if !ends {
            return Ok(None);
        }
        Ok(Some(Cow::Owned(self.partial.swap_remove(at).bytes)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn segments_become_a_fragment_and_links_do_not_mix() {
        let mut reassembly = Reassembly::default();
        assert_eq!(reassembly.segment((1, 2), FIRST | 5, &[1], false), Ok(None));
        assert_eq!(reassembly.segment((3, 2), FIRST | FINAL, &[9], false), Ok(Some(Cow::Borrowed(&[9][..]))));
        assert_eq!(reassembly.segment((1, 2), 6, &[2], false), Ok(None));
        assert_eq!(
            reassembly.segment((1, 2), FINAL | 7, &[3], false),
            Ok(Some(Cow::Borrowed(&[1, 2, 3][..])))
        );
    }

    #[test]
    fn a_segment_out_of_turn_ends_its_fragment() {
        let mut reassembly = Reassembly::default();
        assert_eq!(reassembly.segment((1, 2), FIRST | 5, &[1], false), Ok(None));
        assert_eq!(reassembly.segment((1, 2), 7, &[2], false), Err(Malformed::BadValue));
        assert_eq!(reassembly.segment((1, 2), FINAL | 8, &[3], false), Ok(None));
    }

    #[test]
    fn a_fragment_that_does_not_end_is_bounded() {
        let mut reassembly = Reassembly::default();
        assert_eq!(reassembly.segment((1, 2), FIRST, &[0; 249], false), Ok(None));
        for i in 1..63 {
            assert_eq!(reassembly.segment((1, 2), i, &[0; 249], false), Ok(None));
        }
        let whole = reassembly.segment((1, 2), FINAL | 63, &[0; 249], false).unwrap().unwrap();
        assert_eq!(whole.len(), MOST);
    }
}
