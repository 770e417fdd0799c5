//! Where services that carry others have them.

use crate::protocol::bytes::Bytes;
use crate::protocol::{Event, Malformed};

/// The request inside an unconnected send, and its route: time tick, ticks, size, request, pad, route size, reserved.
pub fn wrapped(data: &[u8]) -> Option<(&[u8], &[u8])> {
    let len = usize::from(data.le16(2)?);
    let inner = data.get(4..).map(|rest| rest.get(..len).unwrap_or(rest))?;
    let at = len.saturating_add(len & 1).saturating_add(4);
    let route = data.u8_at(at).map(|words| usize::from(words).saturating_mul(2));
    let route = route.and_then(|len| data.slice(at.saturating_add(2), len)).unwrap_or_default();
    Some((inner, route))
}

/// The connection path of a forward open; the large one has longer network parameters.
pub fn connection_path(data: &[u8], large: bool) -> &[u8] {
    let at: usize = if large { 39 } else { 35 };
    let len = data.u8_at(at).map_or(0, |words| usize::from(words).saturating_mul(2));
    data.slice(at.saturating_add(1), len).unwrap_or_default()
}

/// The parts of a multiple service packet: a count, as many rising offsets from it, the messages. What is not so is
/// malformed, and only the parts before it are given: parts that overlap would make much of few bytes.
pub fn parts<'a>(
    data: &'a [u8],
    cut: bool,
    out: &mut Vec<Event>,
) -> impl Iterator<Item = &'a [u8]> + use<'a> {
    let count = usize::from(data.le16(0).unwrap_or(0));
    let first = count.saturating_mul(2).saturating_add(2);
    let offset = move |i: usize| {
        let at = data.le16(i.saturating_mul(2).saturating_add(2)).map(usize::from)?;
        (i < count && at >= first && at < data.len()).then_some(at)
    };
    let sound = (0..count)
        .take_while(|i| offset(*i).is_some_and(|at| *i == 0 || offset(i.saturating_sub(1)) < Some(at)))
        .count();
    if (sound < count || data.len() < 2) && !cut {
        out.push(Event::Malformed(Malformed::BadLength));
    }
    (0..sound).map_while(move |i| {
        let next = i.saturating_add(1);
        let end = if next < sound { offset(next)? } else { data.len() };
        data.get(offset(i)?..end)
    })
}
