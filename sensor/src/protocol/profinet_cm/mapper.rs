//! What an endpoint mapper's answer says of a PROFINET device (C706 `ept_lookup`; annotation as in IEC 61158-6-10).
//!
//! ```text
//!  0        20      24    28       32       36       52      56       60       64
//! +--------+-------+-----+--------+--------+--------+-------+--------+--------+------------ … 128
//! | handle | count | max | offset | actual | object | tower | offset | length | annotation
//! +--------+-------+-----+--------+--------+--------+-------+--------+--------+------------
//!
//! S7-1500                   6ES7 516-3AN01-0AB0      4 V  2  1  0
//! `-- device type 25        `-- order id 20      hw 5 `   `-- software 9
//! ```

use super::fact;
use crate::protocol::bytes::{Bytes as _, text};
use crate::protocol::{Asset, AssetField, Event, Side};

/// The operation that tells entries one by one.
pub(super) const LOOKUP: u16 = 2;
const ANNOTATION_AT: usize = 64;
const ANNOTATION: u32 = 64;

/// Tells what the first entry's annotation says.
pub(super) fn annotation(body: &[u8], little: bool, side: Side, out: &mut Vec<Event>) -> Option<()> {
    let word = |at| if little { body.le32(at) } else { body.be32(at) };
    if word(20)? == 0 || word(32)? == 0 || word(60)? != ANNOTATION {
        return None;
    }
    let annotation = body.slice(ANNOTATION_AT, usize::try_from(ANNOTATION).ok()?)?;
    // Blanks stand where one field ends and the next begins; what has none there is another text.
    if [25, 46, 52].iter().any(|at| annotation.u8_at(*at) != Some(b' ')) {
        return None;
    }
    fact(AssetField::System, annotation.slice(0, 25)?, side, out);
    fact(AssetField::Model, annotation.slice(26, 20)?, side, out);
    let prefix = text(annotation.slice(53, 1)?);
    let number = |at| text(annotation.slice(at, 3)?).parse::<u16>().ok();
    let value = format!("{prefix}{}.{}.{}", number(54)?, number(57)?, number(60)?).into();
    out.push(Event::Asset(Asset { side, field: AssetField::Firmware, value }));
    Some(())
}
