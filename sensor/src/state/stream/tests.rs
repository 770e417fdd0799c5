use proptest::prelude::*;

use super::*;

/// Pushes and keeps, as a decoder that consumes nothing.
fn push(stream: &mut Stream, seq: u32, bytes: &[u8]) -> bool {
    cut(stream, seq, bytes, bytes.len())
}

fn cut(stream: &mut Stream, seq: u32, bytes: &[u8], wire_len: usize) -> bool {
    let (pushed, conflict) = stream.push(seq, bytes, wire_len);
    if let Pushed::Direct(bytes) = pushed {
        stream.keep(bytes, 0);
    }
    conflict
}

fn bytes(stream: &Stream) -> &[u8] {
    stream.view().0
}

#[test]
fn segments_out_of_order_and_repeated_give_each_byte_once() {
    let mut stream = Stream::default();
    for (seq, bytes) in [(100, &b"abc"[..]), (106, b"ghi"), (100, b"abc"), (103, b"def"), (105, b"fghij")] {
        assert!(!push(&mut stream, seq, bytes));
    }
    assert_eq!(stream.view(), (&b"abcdefghij"[..], false, false));
}

#[test]
fn a_segment_in_front_of_all_that_was_seen_is_put_there() {
    let mut stream = Stream::default();
    push(&mut stream, 104, b"efgh");
    push(&mut stream, 100, b"abcd");
    push(&mut stream, 108, b"i");
    assert_eq!(bytes(&stream), b"abcdefghi");
}

#[test]
fn a_hole_that_stays_is_a_gap() {
    let mut stream = Stream::default();
    push(&mut stream, u32::MAX - 1, b"ab");
    push(&mut stream, 4, b"later");
    assert_eq!(bytes(&stream), b"ab");
    stream.skip_hole();
    assert_eq!(stream.view(), (&b"later"[..], true, false));
    assert_eq!(stream.gaps(), 1);
}

#[test]
fn what_was_given_up_is_read_when_it_comes_after_all() {
    let mut stream = Stream::default();
    push(&mut stream, 0, b"ab");
    push(&mut stream, 6, b"gh");
    stream.skip_hole();
    stream.consume(2);
    push(&mut stream, 2, b"cdef");
    assert_eq!(stream.view(), (&b"cdef"[..], true, false));
}

#[test]
fn bytes_behind_a_cut_frame_stand_behind_a_gap() {
    let mut stream = Stream::default();
    cut(&mut stream, 0, b"ab", 10);
    assert_eq!(stream.view(), (&b"ab"[..], false, true));
    cut(&mut stream, 10, b"cd", 2);
    assert_eq!(stream.view(), (&b"cd"[..], true, false));
}

#[test]
fn a_cut_frame_behind_a_hole_is_read_before_what_follows_it() {
    let mut stream = Stream::default();
    push(&mut stream, 0, b"a");
    push(&mut stream, 12, b"x");
    cut(&mut stream, 2, b"c", 10);
    push(&mut stream, 1, b"b");
    assert_eq!(stream.view(), (&b"abc"[..], false, true));
    stream.consume(3);
    assert_eq!(stream.view(), (&b"x"[..], true, false));
}

#[test]
fn first_bytes_win_and_others_in_their_place_are_a_conflict() {
    let mut stream = Stream::default();
    stream.remember_from_now();
    push(&mut stream, 0, b"stop");
    assert!(push(&mut stream, 2, b"OPit"), "not yet consumed");
    assert_eq!(bytes(&stream), b"stopit");
    stream.consume(6);
    assert!(push(&mut stream, 0, b"read"), "consumed");
    assert!(!push(&mut stream, 0, b"stopit"), "a repetition");
    assert!(push(&mut stream, 4, b"IT now"), "partly new");
    assert_eq!(bytes(&stream), b" now");
}

#[test]
fn first_bytes_win_behind_a_hole_too() {
    let mut stream = Stream::default();
    push(&mut stream, 0, b"a");
    assert!(!push(&mut stream, 4, b"ef"));
    assert!(push(&mut stream, 2, b"cdEFgh"));
    assert!(!push(&mut stream, 2, b"cdef"));
    push(&mut stream, 1, b"b");
    assert_eq!(bytes(&stream), b"abcdefgh");
}

#[test]
fn a_keep_alive_with_any_byte_is_no_conflict() {
    let mut stream = Stream::default();
    stream.remember_from_now();
    push(&mut stream, 0, b"ab");
    stream.consume(2);
    assert!(!push(&mut stream, 1, b"\0"));
    assert_eq!(bytes(&stream), b"");
}

#[test]
fn a_forged_segment_far_away_does_not_deafen_the_stream() {
    let mut stream = Stream::default();
    push(&mut stream, 0, b"ab");
    push(&mut stream, 0x4000_0000, b"forged");
    push(&mut stream, 2, b"cd");
    assert_eq!(stream.view(), (&b"abcd"[..], false, false));
    assert!(!stream.has_hole());
}

#[test]
fn a_stream_that_has_moved_on_unseen_is_followed() {
    let mut stream = Stream::default();
    push(&mut stream, 0, b"ab");
    push(&mut stream, 0x4000_0000, b"lost");
    push(&mut stream, 0x4000_0004, b"found");
    assert_eq!(stream.view(), (&b"found"[..], true, false));
}

#[test]
fn a_stream_whose_hole_was_acknowledged_knows_that_it_will_stay() {
    let mut stream = Stream::default();
    push(&mut stream, 0, b"ab");
    assert!(!stream.is_hole_acknowledged(4));
    push(&mut stream, 4, b"ef");
    assert!(!stream.is_hole_acknowledged(2));
    assert!(stream.is_hole_acknowledged(4));
}

#[test]
fn a_stream_that_nobody_reads_stays_bounded() {
    let mut stream = Stream::default();
    for i in 0..1000_u32 {
        push(&mut stream, i * 2000, &[7; 1000]);
        assert!(stream.kept() < 256 << 10, "{}", stream.kept());
    }
    for i in 2000..4000_u32 {
        push(&mut stream, i * 1000, &[7; 1000]);
        assert!(stream.kept() < 256 << 10, "{}", stream.kept());
    }
    stream.release();
    assert_eq!(stream.kept(), 0);
}

#[test]
fn bytes_in_order_are_handed_on_without_a_copy() {
    let mut stream = Stream::default();
    let payload = b"abcd";
    assert_eq!(stream.push(0, payload, 4), (Pushed::Direct(&payload[..]), false));
    stream.keep(payload, 3);
    assert_eq!(bytes(&stream), b"d");
    assert_eq!(stream.push(4, b"ef", 2).0, Pushed::Taken);
    assert_eq!(bytes(&stream), b"def");
}

/// Found by the `streams` fuzz target.
#[test]
fn what_was_remembered_before_bytes_were_discarded_is_not_compared_with_what_stands_behind_them() {
    let mut stream = Stream::default();
    stream.remember_from_now();
    let payload = b"abcdefgh";
    let (Pushed::Direct(bytes), false) = stream.push(0, payload, 8) else { panic!("in order") };
    stream.keep(bytes, 3);
    stream.discard();
    assert!(!push(&mut stream, 0, payload));
}

#[test]
fn a_first_segment_that_comes_second_waits_for_its_place_where_a_syn_told_it() {
    let mut stream = Stream::default();
    stream.begin(100);
    push(&mut stream, 104, b"efgh");
    assert_eq!((bytes(&stream), stream.has_hole()), (&b""[..], true));
    push(&mut stream, 100, b"abcd");
    assert_eq!(stream.view(), (&b"abcdefgh"[..], false, false));
    assert_eq!(stream.gaps(), 0);
}

#[test]
fn a_first_segment_that_never_comes_is_a_gap() {
    let mut stream = Stream::default();
    stream.begin(100);
    push(&mut stream, 104, b"efgh");
    stream.skip_hole();
    assert_eq!(stream.view(), (&b"efgh"[..], true, false));
}

#[test]
fn a_syn_that_the_first_segment_contradicts_is_not_believed() {
    let mut stream = Stream::default();
    stream.begin(0x7000_0000);
    push(&mut stream, 100, b"ab");
    assert_eq!(stream.view(), (&b"ab"[..], true, false));
    stream.begin(50);
    push(&mut stream, 102, b"c");
    assert_eq!(bytes(&stream), b"abc");
}

proptest! {
    /// Every byte is its own sequence number, so bytes in order count upwards, whatever a SYN said and in whatever order they come.
    #[test]
    fn bytes_in_order_count_upwards_wherever_a_syn_said_that_they_begin(
        first in any::<u8>(),
        begun in any::<bool>(),
        far in any::<bool>(),
        segments in prop::collection::vec((any::<u8>(), 1..200_usize), 1..30),
    ) {
        let mut stream = Stream::default();
        let base = u32::MAX - 500;
        if begun {
            stream.begin(base.wrapping_add(u32::from(first) << 3).wrapping_add(if far { 1 << 30 } else { 0 }));
        }
        for (at, len) in segments {
            let seq = base.wrapping_add(u32::from(at) << 3);
            let payload: Vec<u8> = (0..len).map(|i| seq.wrapping_add(i as u32) as u8).collect();
            prop_assert!(!push(&mut stream, seq, &payload));
            let in_order = bytes(&stream).windows(2).all(|pair| pair[1] == pair[0].wrapping_add(1));
            prop_assert!(in_order, "{:?}", bytes(&stream));
        }
        while stream.has_hole() {
            stream.skip_hole();
        }
        prop_assert_eq!(stream.view().0.windows(2).filter(|pair| pair[1] != pair[0].wrapping_add(1)).count(), 0);
    }
}
