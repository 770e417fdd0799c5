//! The live source on a real interface: a cable between two network namespaces of its own.

mod support;

use std::time::{Duration, Instant};

use isthmus::source::live::doctor::{Health, doctor};
use isthmus::source::live::{Live, LiveOptions, Mode, caps};
use isthmus::source::{Record, Source as _, Wish};
use sensor_ebpf::counters::Counter;
use sensor_ebpf::policy::{Class, Endpoint};
use sensor_ebpf::record::{Reason, Ring};
use sensor_ebpf::wire::ipv4::mapped;
use support::{Cable, installed, ip, options, run, tcp};

/// What arrived, in order.
#[derive(Default, Debug)]
struct Seen {
    /// Port, why, packets.
    flows: Vec<(u16, Reason, u64)>,
    /// Port, ring, payload bytes.
    frames: Vec<(u16, Ring, usize)>,
    ticks: Vec<u64>,
    lost: u64,
    backward: bool,
    last: u64,
    storms: u64,
}

impl Seen {
    fn watch(&mut self, live: &mut Live, time: Duration) {
        let end = Instant::now() + time;
        while Instant::now() < end {
            assert!(live.poll(&mut |record| self.take(&record)).expect("poll"));
        }
    }

    fn take(&mut self, record: &Record<'_>) {
        let at = match record {
            Record::Flow(event) => {
                self.flows.push((event.key.dport, event.reason, event.packets));
                event.at
            }
            Record::Frame(event) => {
                self.frames.push((event.key.dport, event.ring, event.payload().len()));
                event.at
            }
            Record::Storm(storm) => {
                self.storms += storm.packets;
                storm.at
            }
            Record::Loss(loss) => {
                self.lost += loss.records;
                loss.at
            }
            Record::Tick(at) => {
                self.ticks.push(at.seconds());
                *at
            }
        };
        self.backward |= at.0 < self.last;
        self.last = at.0;
    }
}

#[test]
#[ignore = "needs root"]
fn frames_arrive_in_order_with_ticks_and_the_interface_is_left_clean() {
    let cable = Cable::new();
    Cable::inside(&cable.plant(), || {
        let mut live = Live::open(&options(&["port0"])).expect("attach");
        assert!(!live.attached()[0].degraded);
        assert!(cable.link().contains("prog/xdp"), "{}", cable.link());
        let mut seen = Seen::default();
        cable.send(&[tcp(102, 0x02, b""), tcp(102, 0x18, &[3; 22]), tcp(8080, 0x02, b"")]);
        let wall = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("now");
        seen.watch(&mut live, Duration::from_millis(1100));
        for _ in 0..50 {
            cable.send(&[tcp(8080, 0x10, &[1; 10])]);
        }
        // A flow that goes on is told of by the sweep, which takes ten seconds to come round.
        seen.watch(&mut live, Duration::from_secs(11));
        assert!(seen.flows.starts_with(&[(102, Reason::Opened, 1), (8080, Reason::Opened, 1)]), "{seen:?}");
        assert!(seen.frames.contains(&(102, Ring::Industrial, 22)), "{seen:?}");
        let told =
            |port: u16| seen.flows.iter().filter(|flow| flow.0 == port).map(|flow| flow.2).sum::<u64>();
        assert_eq!((told(102), told(8080)), (2, 51), "{seen:?}");
        // Each CPU has its own flow cache, so there may be one report from each.
        assert!(seen.flows.iter().any(|flow| flow.0 == 8080 && flow.1 == Reason::Swept), "{seen:?}");
        assert!(seen.ticks.len() >= 11 && seen.ticks.is_sorted_by(|a, b| a < b), "{seen:?}");
        assert!(seen.ticks[0].abs_diff(wall.as_secs()) <= 2, "{seen:?}");
        assert_eq!((seen.lost, seen.backward), (0, false));
        assert_eq!(live.counters()[Counter::Packets as usize], 53);
        assert_eq!(live.losses(), isthmus::source::live::Losses::default());
        drop(live);
        assert!(!cable.link().contains("xdp"), "{}", cable.link());
    });
}

#[test]
#[ignore = "needs root"]
fn a_foreign_program_is_refused_and_stays() {
    let cable = Cable::new();
    Cable::inside(&cable.plant(), || {
        let first = Live::open(&options(&["port0"])).expect("attach");
        let before = cable.link();
        let said = Live::open(&options(&["port0"])).err().expect("refused").to_string();
        assert!(said.contains("interface port0: XDP program ") && said.contains("left alone"), "{said}");
        assert_eq!(cable.link(), before);
        drop(first);
        assert!(Live::open(&options(&["port0"])).is_ok(), "free again");
    });
}

#[test]
#[ignore = "needs root"]
fn a_bridge_is_watched_at_its_port_and_only_once() {
    let cable = Cable::new();
    ip(&["-n", &cable.plant(), "link", "add", "br0", "type", "bridge"]);
    ip(&["-n", &cable.plant(), "link", "set", "port0", "master", "br0"]);
    Cable::inside(&cable.plant(), || {
        let mut live = Live::open(&options(&["br0", "port0"])).expect("attach");
        let names: Vec<_> = live.attached().iter().map(|attached| attached.interface.as_str()).collect();
        assert_eq!(names, ["port0"]);
        cable.send(&[tcp(502, 0x02, b"")]);
        let mut seen = Seen::default();
        seen.watch(&mut live, Duration::from_millis(100));
        assert_eq!(seen.flows, [(502, Reason::Opened, 1)]);
        let said = Live::open(&options(&["nope0"])).err().expect("refused").to_string();
        assert!(said.contains("no interface nope0") && said.contains("port0"), "{said}");
    });
}

#[test]
#[ignore = "needs root"]
fn generic_mode_is_used_only_where_asked_for_and_says_so() {
    let cable = Cable::new();
    ip(&["-n", &cable.plant(), "link", "set", "lo", "up"]);
    Cable::inside(&cable.plant(), || {
        let said = format!("{:#}", Live::open(&options(&["lo"])).err().expect("no native XDP on a loopback"));
        assert!(said.contains("interface lo: native XDP refused"), "{said}");
        let auto = Live::open(&LiveOptions { mode: Mode::Auto, ..options(&["lo", "port0"]) }).expect("auto");
        let degraded: Vec<_> = auto.attached().iter().map(|attached| attached.degraded).collect();
        assert_eq!(degraded, [true, false]);
    });
}

#[test]
#[ignore = "needs root"]
fn all_goes_on_without_any_capability() {
    let cable = Cable::new();
    let (sent, arrived) = (std::sync::mpsc::channel(), std::sync::mpsc::channel());
    std::thread::scope(|scope| {
        let plant = cable.plant();
        scope.spawn(move || {
            Cable::inside(&plant, || {
                let mut live = Live::open(&options(&["port0"])).expect("attach");
                caps::drop_all().expect("drop");
                let status = std::fs::read_to_string("/proc/thread-self/status").expect("status");
                let zero = |name: &str| {
                    status.lines().any(|line| line.starts_with(name) && line.ends_with("0000000000000000"))
                };
                assert!(["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"].into_iter().all(zero), "{status}");
                let endpoint =
                    Endpoint { address: mapped([10, 1, 0, 2]), port: 9999, transport: 1, zero: [0; 5] };
                live.apply(&[
                    Wish::Verdict(endpoint, Class::Confirmed),
                    Wish::Watch(mapped([10, 1, 0, 1]), Duration::from_millis(600)),
                ]);
                let mut seen = Seen::default();
                seen.watch(&mut live, Duration::from_millis(200));
                sent.0.send(()).expect("channel");
                seen.watch(&mut live, Duration::from_millis(300));
                // Confirmed by the verdict, and once more as evidence.
                assert_eq!(
                    seen.frames,
                    [(9999, Ring::Industrial, 50), (9999, Ring::Evidence, 50)],
                    "{seen:?}"
                );
                seen.watch(&mut live, Duration::from_millis(300));
                sent.0.send(()).expect("channel");
                seen.watch(&mut live, Duration::from_millis(1200));
                // The watch is over by then; the verdict is not.
                assert_eq!(seen.frames.get(2..), Some(&[(9999, Ring::Industrial, 50)][..]), "{seen:?}");
                assert!(!seen.ticks.is_empty(), "{seen:?}");
                assert_eq!(live.counters()[Counter::Packets as usize], 2);
                drop(live);
                arrived.0.send(()).expect("channel");
            });
        });
        for () in sent.1.iter().take(2) {
            cable.send(&[tcp(9999, 0x18, &[8; 50])]);
        }
        arrived.1.recv().expect("worker");
        assert!(!cable.link().contains("xdp"), "{}", cable.link());
    });
}

#[test]
#[ignore = "needs root"]
fn a_flood_of_new_flows_is_a_storm_and_nothing_is_lost_unsaid() {
    let cable = Cable::new();
    Cable::inside(&cable.plant(), || {
        let mut asked = options(&["port0"]);
        asked.limits.rate = [1000; 2];
        asked.limits.burst = [1000; 2];
        let mut live = Live::open(&asked).expect("attach");
        let frames: Vec<Vec<u8>> = (1..=20_000).map(|port| tcp(port, 0x02, b"")).collect();
        let mut seen = Seen::default();
        cable.send(&frames);
        seen.watch(&mut live, Duration::from_millis(2200));
        let count = |counter: Counter| live.counters()[counter as usize];
        assert_eq!(count(Counter::Packets), 20_000);
        assert!(count(Counter::Storm) > 10_000, "{:?}", live.counters());
        assert_eq!(count(Counter::Storm) + count(Counter::Inserted), 20_000);
        assert_eq!(seen.storms, count(Counter::Storm));
        assert_eq!(seen.lost, count(Counter::LostLifecycle));
        assert!(!seen.backward);
    });
}

#[test]
#[ignore = "needs root"]
fn an_engine_that_stands_still_stops_neither_rings_nor_heartbeat() {
    let cable = Cable::new();
    Cable::inside(&cable.plant(), || {
        let mut live =
            Live::open(&LiveOptions { room: Some([64 << 10; Ring::COUNT]), ..options(&["port0"]) })
                .expect("attach");
        let mut seen = Seen::default();
        seen.watch(&mut live, Duration::from_millis(20));
        // Longer than user space may be silent, and more records than may wait.
        for round in 0..30_u16 {
            let frames: Vec<_> =
                (1..=500_u16).map(|port| tcp(round * 500 + port, 0x18, b"payload")).collect();
            cable.send(&frames);
            std::thread::sleep(Duration::from_millis(100));
        }
        seen.watch(&mut live, Duration::from_millis(1500));
        let count = |counter: Counter| live.counters()[counter as usize];
        assert_eq!(count(Counter::Packets), 15_000);
        assert_eq!((count(Counter::LostLifecycle), count(Counter::Paused)), (0, 0));
        let refused = live.losses().refused;
        assert!(refused[Ring::Lifecycle as usize] > 10_000, "{refused:?}");
        assert!(seen.ticks.len() >= 4 && !seen.backward, "{seen:?}");
        // Each CPU's next record tells the engine what is missing.
        let before = seen.lost;
        for port in 40_000..40_400 {
            cable.send(&[tcp(port, 0x02, b"")]);
        }
        seen.watch(&mut live, Duration::from_millis(300));
        assert!(seen.lost > before && seen.lost <= refused.iter().sum(), "{} of {refused:?}", seen.lost);
    });
}

#[test]
#[ignore = "needs root"]
fn the_doctor_sees_what_ethtool_and_attaching_change() {
    if !installed("ethtool") {
        return;
    }
    let cable = Cable::new();
    Cable::inside(&cable.plant(), || {
        let said = || -> Vec<(Health, String)> {
            doctor(&["port0".to_owned()], &[]).into_iter().map(|check| (check.health, check.text)).collect()
        };
        let is = |report: &[(Health, String)], health: Health, part: &str| {
            assert!(
                report.iter().any(|(h, text)| *h == health && text.contains(part)),
                "{part}: {report:#?}"
            );
        };
        run("ethtool", &["-K", "port0", "rxvlan", "on"]);
        let before = said();
        is(&before, Health::Warn, "port0: VLAN tags may be taken off");
        is(&before, Health::Ok, "port0: native XDP");
        is(&before, Health::Ok, "port0: no other XDP program");
        is(&before, Health::Warn, "one interface");
        assert!(before.iter().all(|(health, _)| *health != Health::Fail), "{before:#?}");
        run("ethtool", &["-K", "port0", "rxvlan", "off"]);
        let live = Live::open(&options(&["port0"])).expect("attach");
        let after = said();
        is(&after, Health::Ok, "port0: no offload changes packets");
        is(&after, Health::Fail, "port0: XDP program ");
        drop(live);
    });
}
