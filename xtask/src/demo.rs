//! `cargo xtask demo`: five ordinary days, then three hours of an intruder, through a real kernel.
//!
//! Two network namespaces stand for a gateway and the plant around it. The sensor learns the ordinary days from a capture,
//! attaches in native mode to both legs, and the incident is played at speed. Without root the same goes by replay.

use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, Result, bail};

use crate::build;
use crate::cleanup::Running;
use crate::command::{self, is_root, output, program, target_dir};
use crate::netns::Gateway;
use crate::toolchain;

/// How much faster than life the incident is played: three hours in half a minute.
const SPEED: &str = "360";
/// SYNs without answer are known ten seconds after the last of them; the sweep of the flow cache takes as long.
const AFTERMATH: Duration = Duration::from_secs(12);

/// Runs the demonstration and removes what it made.
///
/// # Errors
/// What could not be built, attached or played.
pub fn run() -> Result<()> {
    toolchain::ensure()?;
    build::release(&["-p", "isthmus"])?;
    build::release(&["-p", "isthmus-tests", "--bin", "scenario"])?;
    let bin = target_dir().join("release");
    let dir = target_dir().join("demo");
    if dir.exists() {
        std::fs::remove_dir_all(&dir)?;
    }
    std::fs::create_dir_all(&dir)?;
    let demo = Demo { isthmus: bin.join("isthmus"), scenario: bin.join("scenario"), dir };
    demo.learn()?;
    if is_root() { demo.live() } else { demo.replay() }
}

struct Demo {
    isthmus: PathBuf,
    scenario: PathBuf,
    dir: PathBuf,
}

impl Demo {
    fn state(&self) -> PathBuf {
        self.dir.join("state")
    }

    /// Five ordinary days that end now, taken for benign.
    fn learn(&self) -> Result<()> {
        let now =
            SystemTime::now().duration_since(UNIX_EPOCH).context("the clock stands before 1970")?.as_secs();
        let days = self.dir.join("days.pcap");
        say("five ordinary days of the plant, to learn from");
        command::run(
            program(&self.scenario)
                .args(["ordinary", "--days", "5", "--seed", "1", "--end", &now.to_string(), "--out"])
                .arg(&days),
        )?;
        let learned = output(
            program(&self.isthmus).args(["replay", "--learn", "--state"]).arg(self.state()).arg(&days),
        )?;
        println!("{}", learned.trim());
        if !learned.contains("0 findings") {
            bail!("the ordinary days raised findings");
        }
        Ok(())
    }

    fn live(&self) -> Result<()> {
        let gateway = Gateway::new()?;
        say("isthmus run on both legs of a gateway: XDP in native mode");
        let config = self.dir.join("demo.toml");
        std::fs::write(&config, "[observer]\nname = \"demo\"\n")?;
        let mut sensor = Running::start(
            gateway
                .sensor
                .command(&self.isthmus)
                .args(["run", "-i", "it0", "-i", "ot0", "--config"])
                .arg(&config)
                .arg("--state")
                .arg(self.state())
                .stdout(std::process::Stdio::piped()),
        )?;
        let lines = sensor.stdout().context("the sensor has no output")?;
        let shown = std::thread::spawn(move || {
            for line in BufReader::new(lines).lines().map_while(Result::ok) {
                println!("{line}");
            }
        });
        let get = |path: &str| http_get(&gateway, path);
        let deadline = Instant::now() + Duration::from_secs(20);
        while !get("/-/ready").is_ok_and(|answer| answer.contains("is ready")) {
            if sensor.ended().is_some() || Instant::now() > deadline {
                bail!("the sensor did not start; what it said stands above");
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        let before = get("/metrics")?;
        say("three hours of an intruder, played in half a minute");
        let played = output(
            gateway
                .plant
                .command(&self.scenario)
                .args(["play", "--leg0", Gateway::IT, "--leg1", Gateway::OT, "--seed", "1", "--speed", SPEED])
                .args(["--max-seconds", "90"]),
        )?;
        std::thread::sleep(AFTERMATH);
        let after = get("/metrics")?;
        sensor.stop();
        shown.join().map_err(|_| anyhow::anyhow!("showing the findings failed"))?;
        say("what it was");
        println!("{}", played.trim());
        say("the incident, as `isthmus incident 1` tells it");
        self.incident()?;
        say("metrics that moved");
        for line in
            after.lines().filter(|line| !line.starts_with('#') && !before.contains(&format!("{line}\n")))
        {
            println!("{line}");
        }
        Ok(())
    }

    fn replay(&self) -> Result<()> {
        say("not root, so no kernel: the same by replay");
        let incident = self.dir.join("incident.pcap");
        command::run(
            program(&self.scenario)
                .args(["incident", "--seed", "1", "--start"])
                .arg(now_text()?)
                .arg("--out")
                .arg(&incident),
        )?;
        command::run(program(&self.isthmus).args(["replay", "--state"]).arg(self.state()).arg(&incident))
    }

    fn incident(&self) -> Result<()> {
        command::run(program(&self.isthmus).args(["incident", "1", "--state"]).arg(self.state()))
    }
}

fn now_text() -> Result<String> {
    Ok(SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs().to_string())
}

/// One request over plain HTTP, from inside the gateway's namespace.
fn http_get(gateway: &Gateway, path: &str) -> Result<String> {
    use std::io::{Read as _, Write as _};
    gateway.sensor.within(|| {
        let mut stream = std::net::TcpStream::connect("127.0.0.1:9843")?;
        stream.set_read_timeout(Some(Duration::from_secs(5)))?;
        write!(stream, "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        Ok(answer)
    })
}

fn say(what: &str) {
    println!("\n== {what}");
}
