//! Frames in a stream, for protocols whose header tells a frame's length: whole frames, cut frames, and finding the
//! next one after lost bytes.

use super::bytes::Bytes;
use super::input::{Input, Side};
use super::{Event, Malformed};

/// The most of one frame that is waited for and handed on; of a longer one its head is, and the rest is passed over.
pub const HEAD: usize = 16 * 1024;

/// What stands at the front of the bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Front {
    /// A frame of this many bytes, whether all of them are there or not.
    Frame(usize),
    /// Too short to tell.
    Short,
    /// No frame begins here.
    Bad(Malformed),
}

/// Both sides of one connection.
#[derive(Clone, Copy, Debug, Default)]
pub struct Framing {
    client: Half,
    server: Half,
}

#[derive(Clone, Copy, Debug, Default)]
struct Half {
    /// Where the next frame begins is not known: bytes were lost or made no sense.
    lost: bool,
    /// Bytes of a long frame still to come.
    skip: usize,
}

impl Framing {
    /// Gives each frame of `input` to `each`, with whether bytes are missing at its end, and returns how many bytes are
    /// done with, as [`super::Decode::decode`] does.
    ///
    /// `front` is asked what stands at the front of bytes, and told whether it must find a frame after lost bytes (it
    /// may then ask for more proof). What is no frame is malformed once; then the next frame is searched.
    pub fn read(
        &mut self,
        input: Input<'_>,
        out: &mut Vec<Event>,
        front: impl Fn(&[u8], bool) -> Front,
        mut each: impl FnMut(&[u8], bool, &mut Vec<Event>),
    ) -> usize {
        let half = match input.side {
            Side::Client => &mut self.client,
            Side::Server => &mut self.server,
        };
        if input.gap {
            *half = Half { lost: true, skip: 0 };
        }
        let mut done: usize = 0;
        loop {
            let rest = input.bytes.tail(done);
            let passed = half.skip.min(rest.len());
            half.skip = half.skip.saturating_sub(passed);
            done = done.saturating_add(passed);
            let rest = rest.tail(passed);
            if rest.is_empty() {
                // Behind a cut nothing of it will come.
                half.skip = if input.truncated { 0 } else { half.skip };
                return done;
            }
            match front(rest, half.lost) {
                Front::Frame(len) => {
                    let len = len.max(1);
                    match rest.get(..len.min(HEAD)) {
                        Some(head) => {
                            half.lost = false;
                            each(head, len > HEAD, out);
                            half.skip = len.saturating_sub(head.len());
                            done = done.saturating_add(head.len());
                        }
                        None if input.truncated => {
                            each(rest, true, out);
                            return input.bytes.len();
                        }
                        None => return done,
                    }
                }
                Front::Short if input.truncated => return input.bytes.len(),
                Front::Short => return done,
                Front::Bad(malformed) => {
                    if !half.lost {
                        out.push(Event::Malformed(malformed));
                    }
                    half.lost = true;
                    done = done.saturating_add(1);
                }
            }
        }
    }
}

/// Where in the first bytes a frame begins: for probes of connections joined in the middle.
pub fn find(bytes: &[u8], begins: impl Fn(&[u8]) -> bool) -> Option<usize> {
    const SEARCHED: usize = 600;
    (0..bytes.len().min(SEARCHED)).find(|at| begins(bytes.tail(*at)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A frame: 0xfe, its length, that many bytes.
    fn toy(bytes: &[u8], _: bool) -> Front {
        match (bytes.u8_at(0), bytes.u8_at(1)) {
            (Some(0xfe), Some(len)) => Front::Frame(usize::from(len) + 2),
            (Some(0xfe), None) => Front::Short,
            _ => Front::Bad(Malformed::BadVersion),
        }
    }

    fn read(
        framing: &mut Framing,
        bytes: &[u8],
        truncated: bool,
        gap: bool,
    ) -> (Vec<(Vec<u8>, bool)>, usize, usize) {
        let (mut out, mut frames) = (Vec::new(), Vec::new());
        let input = Input { bytes, side: Side::Client, truncated, gap };
        let done = framing.read(input, &mut out, toy, |frame, cut, _| frames.push((frame.to_vec(), cut)));
        (frames, out.len(), done)
    }

    #[test]
    fn whole_frames_are_given_and_a_part_waits() {
        let bytes = [0xfe, 1, 7, 0xfe, 0, 0xfe, 2, 1];
        let expected = vec![(vec![0xfe, 1, 7], false), (vec![0xfe, 0], false)];
        assert_eq!(read(&mut Framing::default(), &bytes, false, false), (expected, 0, 5));
    }

    #[test]
    fn a_cut_frame_is_given_as_far_as_it_goes() {
        assert_eq!(
            read(&mut Framing::default(), &[0xfe, 9, 7], true, false),
            (vec![(vec![0xfe, 9, 7], true)], 0, 3)
        );
    }

    #[test]
    fn garbage_is_malformed_once_and_the_next_frame_is_found() {
        let (frames, malformed, done) = read(&mut Framing::default(), &[1, 2, 3, 0xfe, 0], false, false);
        assert_eq!((frames, malformed, done), (vec![(vec![0xfe, 0], false)], 1, 5));
    }

    #[test]
    fn after_a_gap_nothing_is_malformed() {
        let (frames, malformed, _) = read(&mut Framing::default(), &[1, 0xfe, 0], false, true);
        assert_eq!((frames, malformed), (vec![(vec![0xfe, 0], false)], 0));
    }

    #[test]
    fn of_a_long_frame_the_head_is_given_and_the_rest_passed_over() {
        let long = |bytes: &[u8], _| if bytes.len() < 2 { Front::Short } else { Front::Frame(HEAD + 100) };
        let mut framing = Framing::default();
        let bytes = vec![1; HEAD + 60];
        let mut frames = Vec::new();
        let mut feed = |bytes: &[u8]| {
            let input = Input { bytes, side: Side::Server, truncated: false, gap: false };
            framing.read(input, &mut Vec::new(), long, |frame, cut, _| frames.push((frame.len(), cut)))
        };
        assert_eq!(feed(&bytes), HEAD + 60);
        assert_eq!(feed(&[1; 41]), 40);
        assert_eq!(frames, [(HEAD, true)]);
    }

    #[test]
    fn behind_a_cut_nothing_is_passed_over() {
        let long = |bytes: &[u8], _| {
            if bytes.u8_at(0) == Some(1) { Front::Frame(HEAD + 100) } else { Front::Frame(1) }
        };
        let (mut framing, mut frames) = (Framing::default(), 0);
        let mut feed = |bytes: &[u8], truncated| {
            let input = Input { bytes, side: Side::Client, truncated, gap: false };
            framing.read(input, &mut Vec::new(), long, |_, _, _| frames += 1);
        };
        feed(&vec![1; HEAD + 60], true);
        feed(&[0, 0], false);
        assert_eq!(frames, 3);
    }
}
