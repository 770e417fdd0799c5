//! Rings that break, and a stop.

use anyhow::anyhow;
use sensor_ebpf::flow::FlowKey;
use sensor_ebpf::record::Reason;

use super::*;
use crate::incident::Incidents;
use crate::mind::Mind;
use crate::output::metrics::Metrics;
use crate::output::text::Text;
use crate::run::orders::Orders;
use crate::source::{FlowEvent, Wish};
use crate::state::SiteAddr;
use crate::state::World;
use crate::state::address::words;
use crate::time::Time;

/// A flow, and then the rings cannot be read any more; or the end, when asked to stop.
struct Breaking {
    delivered: bool,
    stopped: AtomicBool,
}

const HOST: SiteAddr =
    SiteAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::new(10, 20, 0, 7)), crate::state::Segment::SITE);

impl Source for Breaking {
    fn poll(&mut self, sink: &mut dyn FnMut(Record<'_>)) -> Result<bool> {
        if self.stopped.load(Ordering::Relaxed) {
            return Ok(false);
        }
        if std::mem::replace(&mut self.delivered, true) {
            return Err(anyhow!("the rings cannot be read"));
        }
        let [src, dst] = [HOST, SiteAddr::from([10, 20, 0, 8])].map(words);
        let key = FlowKey { src, dst, sport: 40_000, dport: 502, ..FlowKey::default() };
        sink(Record::Flow(FlowEvent {
            at: Time::from_seconds(9),
            key,
            reason: Reason::Opened,
            packets: 1,
            bytes: 60,
            last: Time::from_seconds(9),
            flags: 2,
            packet_flags: 2,
            notes: 0,
            tcp_seq: 0,
            macs: None,
        }));
        Ok(true)
    }

    fn apply(&mut self, _: &[Wish]) {}
}

impl Watched for Breaking {
    fn figures(&self) -> Figures {
        Figures::default()
    }

    fn stop(&self) {
        self.stopped.store(true, Ordering::Relaxed);
    }
}

fn session(state: &std::path::Path) -> Session {
    let config = Config::default();
    let world = World::new(config.settings(), config.zones());
    Session {
        engine: Engine::new(Mind::new(world, Incidents::default())),
        store: Some(Store::open(state).unwrap()),
        evidence: None,
        sink: Box::new(Text::new(std::io::sink(), false)),
        shared: Arc::new(Shared::new(Metrics::new(&[]).unwrap(), Orders::new(None))),
        config,
        saving: true,
        due: std::time::Instant::now(),
    }
}

/// A directory of this test, and what a later start reads there.
fn with_state(name: &str, during: impl FnOnce(&std::path::Path)) -> World {
    let dir = std::env::temp_dir().join(format!("isthmus-session-{name}-{}", std::process::id()));
    let _left_by_a_run_that_was_killed = std::fs::remove_dir_all(&dir);
    during(&dir);
    let config = Config::default();
    let world = World::new(config.settings(), config.zones());
    let mind = Store::open_existing(&dir).unwrap().read(world).unwrap();
    std::fs::remove_dir_all(&dir).unwrap();
    mind.world
}

#[test]
fn what_came_before_the_rings_broke_is_kept() {
    let world = with_state("broken", |dir| {
        let mut source = Breaking { delivered: false, stopped: AtomicBool::new(false) };
        let said = session(dir).watch(&mut source, &AtomicBool::new(false)).unwrap_err().to_string();
        assert_eq!(said, "the rings cannot be read");
    });
    assert!(world.hosts.get(&HOST).is_some());
}

#[test]
fn a_stop_ends_the_source_first_and_is_no_failure() {
    let mut source = Breaking { delivered: true, stopped: AtomicBool::new(false) };
    with_state("stopped", |dir| session(dir).watch(&mut source, &AtomicBool::new(true)).unwrap());
    assert!(source.stopped.load(Ordering::Relaxed));
}
