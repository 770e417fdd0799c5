//! A slow engine, a flood, an end.

use super::*;
use sensor_ebpf::record::{FlowRecord, FrameRecord, KIND_FLOW, KIND_FRAME};
use zerocopy::IntoBytes as _;

fn teller(limit: usize) -> Teller {
    Teller::new(Residency::new(1, 16), [limit; Ring::COUNT])
}

fn frame(ring: Ring, seq: u32, len: u16) -> Vec<u8> {
    let header = Header { seq, kind: KIND_FRAME, ring: ring as u8, ..Header::default() };
    let record = FrameRecord { header, cap_len: len, ..FrameRecord::default() };
    [record.as_bytes(), &vec![seq as u8; usize::from(len)]].concat()
}

fn flow(seq: u32, packets: u32, reason: Reason) -> Vec<u8> {
    let header = Header { seq, kind: KIND_FLOW, reason: reason as u8, generation: 2, ..Header::default() };
    FlowRecord { header, packets, ..FlowRecord::default() }.as_bytes().to_vec()
}

/// What arrives, one word each.
fn taken(handover: &Handover) -> Vec<String> {
    let mut batch = Batch::default();
    assert!(handover.take(&mut batch, Duration::ZERO).unwrap());
    let mut out = Vec::new();
    while !batch.is_empty() {
        batch.deliver(1, &mut |record| {
            out.push(match record {
                Record::Flow(event) => format!("flow {}", event.packets),
                Record::Frame(event) => format!("{} {:?}", event.ring.name(), event.frame),
                Record::Storm(storm) => format!("storm {}", storm.packets),
                Record::Loss(loss) => format!("lost {} {}", loss.ring.name(), loss.records),
                Record::Tick(at) => format!("tick {}", at.seconds()),
            });
        });
    }
    out
}

#[test]
fn records_arrive_whole_and_in_order_over_several_rounds() {
    let (handover, mut teller) = (Handover::default(), teller(1 << 20));
    let clock = Clock::default();
    teller.tell(&flow(0, 1, Reason::Opened), &clock);
    teller.tell(&frame(Ring::Industrial, 0, 2), &clock);
    handover.publish(&mut teller, &mut Vec::new());
    teller.tell(&frame(Ring::Industrial, 1, 3), &clock);
    teller.second(Time::from_seconds(7), Figures::default());
    handover.publish(&mut teller, &mut Vec::new());
    assert_eq!(taken(&handover), ["flow 1", "industrial [0, 0]", "industrial [1, 1, 1]", "tick 7"]);
}

#[test]
fn a_delivery_ends_with_the_second_so_that_state_is_saved_each() {
    let (handover, mut teller) = (Handover::default(), teller(1 << 20));
    for second in 1..=2 {
        teller.second(Time::from_seconds(second), Figures::default());
    }
    handover.publish(&mut teller, &mut Vec::new());
    let mut batch = Batch::default();
    handover.take(&mut batch, Duration::ZERO).unwrap();
    let mut ticks = 0;
    assert!(batch.deliver(100, &mut |_| ticks += 1).is_some());
    assert_eq!((ticks, batch.is_empty()), (1, false));
}

#[test]
fn an_engine_that_is_too_slow_costs_records_that_are_counted_and_healed() {
    let (handover, mut teller) = (Handover::default(), teller(2 * Batch::cost(0)));
    let clock = Clock::default();
    for (seq, packets) in (0..).zip([1, 2, 3, 4]) {
        teller.tell(&flow(seq, packets, Reason::Changed), &clock);
        handover.publish(&mut teller, &mut Vec::new());
    }
    assert_eq!(teller.losses().refused, [2, 0, 0, 0]);
    assert_eq!(taken(&handover), ["flow 1", "flow 1"]);
    handover.publish(&mut teller, &mut Vec::new());
    teller.tell(&flow(4, 9, Reason::Changed), &clock);
    handover.publish(&mut teller, &mut Vec::new());
    // The engine hears that two are missing, and what they told comes with the next.
    assert_eq!(taken(&handover), ["lost lifecycle 2", "flow 7"]);
}

#[test]
fn a_flood_in_one_ring_leaves_room_for_the_others() {
    let (handover, mut teller) = (Handover::default(), teller(1000));
    let clock = Clock::default();
    for seq in 0..100 {
        teller.tell(&frame(Ring::Access, seq, 200), &clock);
    }
    teller.tell(&frame(Ring::Industrial, 0, 1), &clock);
    handover.publish(&mut teller, &mut Vec::new());
    let [_, industrial, access, _] = teller.losses().refused;
    assert_eq!(industrial, 0);
    assert!(access > 90);
    assert!(taken(&handover).contains(&"industrial [0]".to_owned()));
}

#[test]
fn what_a_sweep_read_is_no_loss_when_there_is_no_room() {
    let mut teller = teller(0);
    teller.tell(&flow(0, 5, Reason::Swept), &Clock::default());
    assert_eq!(teller.losses().refused, [0; Ring::COUNT]);
    assert!(teller.residency.is_news(0, 0, 2, 5), "the next sweep tells it");
}

#[test]
fn seconds_are_bounded_while_nobody_takes_them() {
    let (handover, mut teller) = (Handover::default(), teller(0));
    for second in 0..MAX_SECONDS as u64 + 9 {
        teller.second(Time::from_seconds(second), Figures::default());
        handover.publish(&mut teller, &mut Vec::new());
    }
    assert_eq!(teller.losses().skipped, 9);
}

#[test]
fn the_end_comes_after_the_last_record_and_its_error_once() {
    let (handover, mut teller) = (Handover::default(), teller(1 << 20));
    teller.tell(&flow(0, 1, Reason::Opened), &Clock::default());
    handover.publish(&mut teller, &mut Vec::new());
    handover.close(Err(anyhow::anyhow!("broken")));
    assert_eq!(taken(&handover), ["flow 1"]);
    let mut batch = Batch::default();
    assert_eq!(handover.take(&mut batch, Duration::ZERO).unwrap_err().to_string(), "broken");
    assert!(!handover.take(&mut batch, Duration::ZERO).unwrap());
}
