//! What outlives the process: pinned maps and links, on a bpffs and in network namespaces of the test's own.

mod support;

use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use isthmus::source::live::pins::detach;
use isthmus::source::live::{Live, LiveOptions, Sizes};
use isthmus::source::{Record, Source as _};
use sensor_ebpf::counters::Counter;
use sensor_ebpf::record::Ring;
use support::{Cable, run, tcp};

/// A bpffs of its own; pins on it go with it.
struct Bpffs(PathBuf);

impl Bpffs {
    fn new(name: &str) -> Self {
        let dir = std::env::temp_dir().join(format!("isthmus-bpf-{}-{name}", std::process::id()));
        std::fs::create_dir_all(&dir).expect("directory");
        run("mount", &["-t", "bpf", "bpf", dir.to_str().expect("utf-8")]);
        Self(dir)
    }

    fn options(&self, flow_sets: u32) -> LiveOptions {
        options(&self.0, flow_sets)
    }

    /// Everything under it, but what the kernel puts there itself.
    fn content(&self) -> Vec<PathBuf> {
        let mut all = Vec::new();
        let mut rest = vec![self.0.clone()];
        while let Some(dir) = rest.pop() {
            for entry in std::fs::read_dir(dir).expect("readable").flatten() {
                if entry.path().is_dir() {
                    rest.push(entry.path());
                }
                if entry.path().extension().is_none_or(|extension| extension != "debug") {
                    all.push(entry.path());
                }
            }
        }
        all
    }
}

impl Drop for Bpffs {
    fn drop(&mut self) {
        // Nothing more can be done where it is gone already.
        let _ = Command::new("umount").arg(&self.0).output();
        let _ = std::fs::remove_dir(&self.0);
    }
}

fn options(bpffs: &Path, flow_sets: u32) -> LiveOptions {
    LiveOptions {
        interfaces: vec!["port0".to_owned()],
        sizes: Sizes { flow_sets, rings: [1 << 20; Ring::COUNT] },
        pin: Some(bpffs.to_owned()),
        ..LiveOptions::default()
    }
}

/// Packets told of, payload bytes shipped, records lost, until it is over or `time` has passed.
#[derive(Debug, Default, PartialEq, Eq)]
struct Told {
    packets: u64,
    payload: usize,
    lost: u64,
}

fn listen(live: &mut Live, time: Duration) -> Told {
    let (mut told, end) = (Told::default(), Instant::now() + time);
    while Instant::now() < end {
        let more = live.poll(&mut |record| match record {
            Record::Flow(event) => told.packets += event.packets,
            Record::Frame(event) => told.payload += event.payload().len(),
            Record::Loss(loss) => told.lost += loss.records,
            _ => {}
        });
        if !more.expect("poll") {
            break;
        }
    }
    told
}

/// Detaches nothing, reads everything.
fn finish(mut live: Live) -> (Told, [u64; Counter::COUNT]) {
    let early = listen(&mut live, Duration::from_millis(30));
    live.stop();
    let late = listen(&mut live, Duration::from_secs(5));
    let told = Told {
        packets: early.packets + late.packets,
        payload: early.payload + late.payload,
        lost: early.lost + late.lost,
    };
    (told, live.counters())
}

const CHILD: &str = "ISTHMUS_TEST_PINS_CHILD";

/// A sensor in a process of its own, in the plant's namespace.
fn sensor(cable: &Cable, bpffs: &Bpffs) -> Child {
    let net = format!("--net=/run/netns/{}", cable.plant());
    let child = Command::new("nsenter")
        .arg(net)
        .arg(std::env::current_exe().expect("this test"))
        .args(["--ignored", "--exact", "the_sensor_that_is_killed"])
        .env(CHILD, &bpffs.0)
        .stdout(std::process::Stdio::null())
        .spawn()
        .expect("nsenter");
    let attached = || cable.link().contains("prog/xdp");
    let end = Instant::now() + Duration::from_secs(20);
    while !attached() && Instant::now() < end {
        std::thread::sleep(Duration::from_millis(20));
    }
    assert!(attached(), "{}", cable.link());
    // It reads as soon as it is attached.
    std::thread::sleep(Duration::from_millis(100));
    child
}

/// No test by itself: what [`sensor`] starts.
#[test]
#[ignore = "needs root"]
fn the_sensor_that_is_killed() {
    let Some(bpffs) = std::env::var_os(CHILD) else { return };
    let mut live = Live::open(&options(Path::new(&bpffs), 1 << 10)).expect("attach");
    listen(&mut live, Duration::from_secs(60));
}

#[test]
#[ignore = "needs root"]
fn the_kernel_counts_on_through_a_kill_and_who_goes_on_counts_each_packet_once() {
    let (cable, bpffs) = (Cable::new(), Bpffs::new("kill"));
    let mut child = sensor(&cable, &bpffs);
    let send = |count: usize| cable.send(&vec![tcp(502, 0x18, b"payload"); count]);
    send(10);
    Cable::inside(&cable.plant(), || {
        let said = Live::open(&bpffs.options(1 << 10)).err().expect("one reader").to_string();
        assert!(said.contains("a sensor that pins is running"), "{said}");
        let said = detach(&bpffs.0, &[]).expect_err("one reader").to_string();
        assert!(said.contains("stop it first"), "{said}");
    });
    // The sweep comes round in ten seconds, and what was told is written down each.
    std::thread::sleep(Duration::from_millis(12_500));
    child.kill().expect("kill -9");
    child.wait().expect("killed");
    assert!(cable.link().contains("prog/xdp"), "{}", cable.link());
    // Nobody is heard of any more: payload stays, counting goes on.
    std::thread::sleep(Duration::from_millis(2600));
    send(7);
    Cable::inside(&cable.plant(), || {
        let mut live = Live::open(&bpffs.options(1 << 10)).expect("goes on");
        assert!(live.is_adopted());
        // A CPU that met the flow first while nobody listened has told of it in its ring.
        let waiting = listen(&mut live, Duration::from_millis(30));
        send(3);
        let (mut told, counters) = finish(live);
        told.packets += waiting.packets;
        assert_eq!(counters[Counter::Packets as usize], 20);
        assert_eq!(counters[Counter::Paused as usize], 7);
        // The ten before were told to who was killed, the seven were never shipped.
        assert_eq!(told, Told { packets: 10, payload: 21, lost: 0 }, "{counters:?}");
        assert!(cable.link().contains("prog/xdp"), "{}", cable.link());
        assert_eq!(detach(&bpffs.0, &["port0".to_owned()]).expect("detach"), ["port0"]);
        assert!(!cable.link().contains("xdp"), "{}", cable.link());
        assert_eq!(bpffs.content(), Vec::<PathBuf>::new(), "orphans");
        assert_eq!(detach(&bpffs.0, &[]).expect("nothing to do"), Vec::<String>::new());
        let said = detach(&bpffs.0, &["port0".to_owned()]).expect_err("nothing there").to_string();
        assert!(said.contains("isthmus left nothing attached to port0"), "{said}");
    });
}

#[test]
#[ignore = "needs root"]
fn another_version_takes_the_place_of_the_old_one_without_a_gap() {
    let (cable, bpffs) = (Cable::new(), Bpffs::new("upgrade"));
    Cable::inside(&cable.plant(), || {
        let old = Live::open(&bpffs.options(1 << 10)).expect("old");
        // It is stopped before it has read these.
        cable.send(&vec![tcp(502, 0x18, b"before"); 3]);
        drop(old);
        let old = cable.link();
        assert!(old.contains("prog/xdp"), "{old}");
        // Other sizes are another ABI, as another program would be.
        let live = Live::open(&bpffs.options(1 << 11)).expect("new");
        assert!(!live.is_adopted());
        assert!(cable.link().contains("prog/xdp") && cable.link() != old, "{}", cable.link());
        cable.send(&[tcp(502, 0x18, b"payload")]);
        let (told, _) = finish(live);
        assert_eq!(told, Told { packets: 4, payload: 3 * 6 + 7, lost: 0 });
        let abis = bpffs.content().iter().filter(|path| path.ends_with("FLOWS")).count();
        assert_eq!(abis, 1, "{:?}", bpffs.content());
        assert_eq!(detach(&bpffs.0, &[]).expect("detach"), ["port0"]);
        assert_eq!(bpffs.content(), Vec::<PathBuf>::new(), "orphans");
    });
}

#[test]
#[ignore = "needs root"]
fn who_goes_on_may_watch_other_interfaces() {
    let (cable, bpffs) = (Cable::new(), Bpffs::new("legs"));
    let add = ["-n", &cable.plant(), "link", "add", "port1", "type", "veth", "peer", "name", "far1"];
    run("ip", &add);
    for end in ["port1", "far1"] {
        run("ip", &["-n", &cable.plant(), "link", "set", end, "up"]);
    }
    Cable::inside(&cable.plant(), || {
        let open = |names: &[&str]| {
            let interfaces = names.iter().map(|name| (*name).to_owned()).collect();
            let live = Live::open(&LiveOptions { interfaces, ..bpffs.options(1 << 10) }).expect("attach");
            let slots: Vec<_> =
                live.attached().iter().map(|at| (at.interface.clone(), at.slot, at.degraded)).collect();
            (live.is_adopted(), slots)
        };
        let port = |n: u8| (format!("port{n}"), n, false);
        assert_eq!(open(&["port0"]), (false, vec![port(0)]));
        // Whatever the order, a leg keeps the slot that stands in the flow cache.
        assert_eq!(open(&["port1", "port0"]), (true, vec![port(1), port(0)]));
        assert_eq!(open(&["port1"]), (true, vec![port(1)]));
        assert!(!cable.link().contains("xdp"), "{}", cable.link());
        let said = detach(&bpffs.0, &["port0".to_owned()]).expect_err("not there any more").to_string();
        assert!(said.contains("nothing attached to port0"), "{said}");
        assert_eq!(detach(&bpffs.0, &["port1".to_owned()]).expect("detach"), ["port1"]);
        assert_eq!(bpffs.content(), Vec::<PathBuf>::new(), "orphans");
    });
}

#[test]
#[ignore = "needs root"]
fn detaching_leaves_alone_what_others_attached() {
    let (cable, bpffs) = (Cable::new(), Bpffs::new("foreign"));
    Cable::inside(&cable.plant(), || {
        let foreign = Live::open(&LiveOptions { pin: None, ..bpffs.options(1 << 10) }).expect("foreign");
        let before = cable.link();
        assert_eq!(detach(&bpffs.0, &[]).expect("nothing to do"), Vec::<String>::new());
        let said = Live::open(&bpffs.options(1 << 10)).err().expect("refused").to_string();
        assert!(said.contains("left alone"), "{said}");
        assert_eq!(cable.link(), before);
        drop(foreign);
        // One whose interface was detached behind its back attaches anew.
        drop(Live::open(&bpffs.options(1 << 10)).expect("attach"));
        std::fs::remove_file(
            bpffs.content().iter().find(|path| path.display().to_string().contains("link_")).expect("link"),
        )
        .expect("unpin");
        while cable.link().contains("xdp") {
            std::thread::sleep(Duration::from_millis(5));
        }
        let live = Live::open(&bpffs.options(1 << 10)).expect("attach anew");
        assert!(live.is_adopted() && cable.link().contains("prog/xdp"));
        drop(live);
        assert_eq!(detach(&bpffs.0, &[]).expect("detach"), ["port0"]);
        assert_eq!(bpffs.content(), Vec::<PathBuf>::new(), "orphans");
    });
}

#[test]
#[ignore = "needs root"]
fn a_start_that_fails_leaves_nothing_pinned() {
    let (cable, bpffs) = (Cable::new(), Bpffs::new("failed"));
    run("ip", &["-n", &cable.plant(), "link", "set", "lo", "up"]);
    Cable::inside(&cable.plant(), || {
        let interfaces = vec!["port0".to_owned(), "lo".to_owned()];
        let said = Live::open(&LiveOptions { interfaces, ..bpffs.options(1 << 10) }).err().expect("refused");
        assert!(format!("{said:#}").contains("interface lo: native XDP refused"), "{said:#}");
        assert!(!cable.link().contains("xdp"), "{}", cable.link());
        assert!(!bpffs.content().iter().any(|path| path.is_file()), "{:?}", bpffs.content());
        let said = Live::open(&LiveOptions { pin: Some("/tmp".into()), ..bpffs.options(1 << 10) });
        assert!(
            said.err()
                .expect("refused")
                .to_string()
                .contains("no bpffs is mounted there; mount -t bpf bpf /tmp")
        );
    });
}
