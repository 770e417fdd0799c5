//! Hundreds of protocols that are not industrial, none of which may be taken for one: the test captures of nDPI
//! (<https://github.com/ntop/nDPI>, `tests/cfgs/default/pcap`), found by `ISTHMUS_LOOKALIKES`.

use std::collections::BTreeSet;
use std::path::Path;

use isthmus::engine::Engine;
use isthmus::incident::Incidents;
use isthmus::mind::Mind;
use isthmus::protocol::by_name;
use isthmus::source::Source as _;
use isthmus::source::replay::{Replay, ReplayOptions};
use isthmus::state::World;
use isthmus::state::world::Settings;
use isthmus::state::zone::Zones;

use crate::helper::Seen;

/// The captures of industrial protocols among them, and what is found in each.
const INDUSTRIAL: &[(&str, &str)] = &[
    ("IEC104.pcap", "iec104"),
    ("bacnet.pcap", "bacnet"),
    ("beckhoff_ads.pcapng", "ads"),
    ("cip_io.pcap", "cip"),
    ("dcerpc.pcap", "profinet-cm"),
    ("dnp3.pcap", "dnp3"),
    ("ethernetIP.pcap", "enip"),
    ("fins.pcap", "fins"),
    ("hart_ip.pcap", "hart-ip"),
    ("iec60780-5-104.pcap", "iec104"),
    ("iso9506-1-mms.pcap", "mms"),
    ("modbus.pcap", "modbus"),
    ("opc-ua.pcap", "opcua"),
    ("profinet-io-le.pcap", "profinet-cm"),
    ("s7comm-plus.pcap", "s7comm-plus"),
    ("s7comm.pcap", "s7comm"),
    ("umas.pcap", "modbus"),
];

/// Industrial protocols found in a capture; a broken one is read as far as it goes.
fn industrial(path: &Path) -> BTreeSet<&'static str> {
    let Ok(mut source) = Replay::open(&[path.to_owned()], ReplayOptions::default()) else {
        return BTreeSet::new();
    };
    let mut engine =
        Engine::new(Mind::new(World::new(Settings::default(), Zones::default()), Incidents::default()));
    let mut seen = Seen::default();
    while let Ok(true) = source.poll(&mut |record| engine.record(record, &mut seen)) {
        source.apply(&engine.take_wishes());
    }
    engine.finish(&mut seen);
    seen.connections.into_keys().filter(|name| by_name(name).is_some_and(|spec| spec.industrial)).collect()
}

#[test]
fn what_is_not_industrial_is_not_called_so() {
    let Some(dir) = std::env::var_os("ISTHMUS_LOOKALIKES") else {
        eprintln!("skipped: set ISTHMUS_LOOKALIKES to nDPI's tests/cfgs/default/pcap");
        return;
    };
    let mut files: Vec<_> = std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|kind| kind == "pcap" || kind == "pcapng"));
    files.sort();
    assert!(files.len() > 400, "{} captures", files.len());
    let mut wrong = Vec::new();
    for path in files {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let expected = INDUSTRIAL.iter().filter(|row| row.0 == name).map(|row| row.1).collect();
        let found = industrial(&path);
        if found != expected {
            wrong.push(format!("{name}: {found:?}, not {expected:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
