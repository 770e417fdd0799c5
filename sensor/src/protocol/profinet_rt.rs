//! PROFINET real time (IEC 61158-6-10): cyclic process data, alarms and clocks under EtherType 0x8892.

use super::bytes::Bytes as _;
use super::input::{Input, Probe, Verdict};
use super::profinet_dcp::{ETHERTYPE, FRAME_IDS};
use super::{Decode, Event, Port, Spec};

/// Registration.
pub static SPEC: Spec = Spec {
    name: "profinet-rt",
    title: "PROFINET RT",
    ports: &[Port::EtherType(ETHERTYPE)],
    industrial: true,
    probe,
    decoder: || Box::new(Decoder),
    about: "Process data of PROFINET, hundreds of times a second. Identified and counted, not decoded: what the bytes mean is \
            in the project only. Frames are shipped within the budget of process data.",
};

/// FrameIDs that are neither reserved nor DCP: clocks (0x0020–0x0081, 0xff00–0xff43), classes 3 to 1 (0x0100–0xfbff), alarms
/// (0xfc01, 0xfe01), fragments (0xff80–0xff8f).
const fn is_real_time(frame_id: u16) -> bool {
    matches!(frame_id, 0x0020..=0x0081 | 0x0100..=0xfbff | 0xfc01 | 0xfe01 | 0xff00..=0xff43 | 0xff80..=0xff8f)
}

fn probe(probe: Probe<'_>) -> Verdict {
    let frame_id = probe.bytes.be16(0).filter(|frame_id| !FRAME_IDS.contains(frame_id));
    match frame_id {
        Some(frame_id) if probe.hinted && is_real_time(frame_id) => Verdict::Yes,
        _ => Verdict::No,
    }
}

struct Decoder;

impl Decode for Decoder {
    fn decode(&mut self, input: Input<'_>, _: &mut Vec<Event>) -> usize {
        input.bytes.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::trial::ask;

    #[test]
    fn cyclic_data_alarms_and_clocks_are_real_time_and_dcp_is_not() {
        for frame_id in [0xc000_u16, 0xc002, 0x8000, 0xfe01, 0xff02] {
            assert_eq!(ask(&SPEC, &frame_id.to_be_bytes(), true), Verdict::Yes, "{frame_id:#x}");
            assert_eq!(ask(&SPEC, &frame_id.to_be_bytes(), false), Verdict::No);
        }
        for frame_id in [0xfefe_u16, 0, 0xfd00] {
            assert_eq!(ask(&SPEC, &frame_id.to_be_bytes(), true), Verdict::No, "{frame_id:#x}");
        }
    }
}
