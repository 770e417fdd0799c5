//! `isthmus run --state` on a cable with traffic, killed: the next one attaches again and goes on from what the state holds, which
//! is at most a second old.

use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use isthmus::state::World;
use isthmus::state::world::Settings;
use isthmus::store::Store;
use isthmus_tests::rng::Rng;
use isthmus_tests::scenario::{Incident, IncidentOptions, Plant};
use isthmus_tests::wire::Interface;

use super::support::Cable;
use super::{as_isthmus, empty, kills, left, world};

/// Two saves a second, and a machine that is busy with other tests.
const LOST_AT_MOST: Duration = Duration::from_millis(1500);

fn now_ns() -> u64 {
    u64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos()).unwrap()
}

/// Sends the story over and over, at about ten thousand frames a second, until told to stop.
fn traffic(stop: &AtomicBool) {
    let far = Interface::open("far0").unwrap();
    let mut seed = 1;
    while !stop.load(Ordering::Relaxed) {
        let mut frames =
            Incident::new(&Plant::new(), &IncidentOptions::new(now_ns(), seed)).into_frames().peekable();
        while frames.peek().is_some() && !stop.load(Ordering::Relaxed) {
            let batch: Vec<Vec<u8>> = frames.by_ref().take(50).map(|frame| frame.bytes).collect();
            far.send(&batch).unwrap();
            std::thread::sleep(Duration::from_millis(5));
        }
        seed += 1;
    }
}

/// Up to when the state knows: the site's clock goes by seconds, hosts' by packets.
fn known(world: &World) -> u64 {
    world.hosts.iter().map(|(_, host)| host.last.0).max().unwrap_or(0)
}

fn known_in(state: &Path) -> u64 {
    let read = || Store::open_existing(state).ok()?.read(world(Settings::default())).ok();
    read().map_or(0, |mind| known(&mind.world))
}

fn turns(cable: &Cable, dir: &Path, kills: u64) {
    let (state, config) = (dir.join("state"), dir.join("site.toml"));
    std::fs::write(&config, "[web]\nlisten = \"\"\n").unwrap();
    let arguments =
        ["run", "-i", "port0", "--config", config.to_str().unwrap(), "--state", state.to_str().unwrap()];
    let mut rng = Rng::new(13);
    let (mut hosts, mut worst) = (0, Duration::ZERO);
    for turn in 1..=kills {
        let mut command = Command::new("nsenter");
        command.arg(format!("--net=/run/netns/{}", cable.plant())).arg(std::env::current_exe().unwrap());
        let mut child =
            as_isthmus(&mut command, &arguments).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let (before, begun) = (known_in(&state), Instant::now());
        while known_in(&state) <= before {
            assert!(begun.elapsed() < Duration::from_secs(30), "turn {turn}: no save in half a minute");
            assert!(child.try_wait().unwrap().is_none(), "turn {turn}: it ended by itself");
            std::thread::sleep(Duration::from_millis(20));
        }
        std::thread::sleep(Duration::from_micros(rng.range(0, 1_500_000)));
        child.kill().unwrap();
        let killed = now_ns();
        child.wait().unwrap();
        let mind = left(&state, Settings::default(), turn);
        let lost = Duration::from_nanos(killed.saturating_sub(known(&mind.world)));
        worst = worst.max(lost);
        assert!(lost <= LOST_AT_MOST, "kill {turn}: {lost:?} were lost");
        assert!(
            mind.world.hosts.len() >= hosts,
            "kill {turn}: {hosts} hosts became {}",
            mind.world.hosts.len()
        );
        hosts = mind.world.hosts.len();
    }
    println!("{kills} kills: {hosts} hosts, at most {worst:?} lost");
    assert!(hosts > 10, "only {hosts} hosts were ever learned");
}

#[test]
#[ignore = "needs root"]
fn a_killed_sensor_loses_at_most_a_second_and_the_next_one_goes_on() {
    let dir = empty("killed-live");
    let cable = Cable::new();
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let player = scope.spawn(|| Cable::inside(&cable.office(), || traffic(&stop)));
        // The player must end whatever comes of the turns.
        let outcome = std::panic::catch_unwind(|| turns(&cable, &dir, kills(3, 100)));
        stop.store(true, Ordering::Relaxed);
        player.join().unwrap();
        if let Err(panic) = outcome {
            std::panic::resume_unwind(panic);
        }
    });
    assert!(!cable.link().contains("xdp"), "nothing stays attached: {}", cable.link());
    std::fs::remove_dir_all(&dir).unwrap();
}
