//! What devices say about themselves.

use isthmus::incident::Incidents;
use isthmus::output::{json, text};
use isthmus::protocol::AssetField;
use isthmus::state::SiteAddr;
use isthmus::state::world::Settings;
use isthmus::store::Store;
use isthmus_tests::conversation::{From, SEC};

use crate::site::*;

const BACNET: u16 = 47_808;
/// The router between BACnet/IP and the MS/TP line of a floor.
const ROUTER: [u8; 4] = [10, 20, 0, 40];

/// A datagram with an APDU of this station of network 2001 in it, or of the sender itself.
fn datagram(station: Option<u8>, apdu: &[u8]) -> Vec<u8> {
    let npdu = match station {
        // Version, a source is given: network, length, address.
        Some(station) => vec![1, 8, 7, 0xd1, 1, station],
        None => vec![1, 0],
    };
    let mut out = vec![0x81, 0x0a, 0, (4 + npdu.len() + apdu.len()) as u8];
    out.extend(npdu);
    out.extend(apdu);
    out
}

/// I-am of that device, made by Siemens.
fn i_am(device: u8) -> Vec<u8> {
    vec![0x10, 0, 0xc4, 2, 0, 0, device, 0x22, 1, 0xe0, 0x91, 3, 0x21, 7]
}

fn said(payloads: Vec<Vec<u8>>) -> isthmus::state::World {
    let mut tape = Tape::new();
    let payloads = payloads.into_iter().map(|bytes| (From::Client, bytes));
    tape.datagrams((ROUTER, BACNET), (SCADA, BACNET), START, SEC, payloads);
    let path = tape.file();
    let (world, ..) = replay(world(Settings::default()), Incidents::default(), std::slice::from_ref(&path));
    std::fs::remove_file(path).unwrap();
    world
}

#[test]
fn a_station_behind_a_bacnet_router_is_known_by_its_network_and_address_and_stays_known() {
    let read =
        [&[0x30, 9, 12, 12, 2, 0, 0, 17, 0x19, 70, 0x3e, 0x75, 8, 0][..], b"TC-1000", &[0x3f]].concat();
    let world = said(vec![
        datagram(Some(17), &i_am(17)),
        datagram(Some(18), &i_am(18)),
        datagram(Some(17), &read),
        datagram(None, &i_am(1)),
    ]);
    let dir = std::env::temp_dir().join(format!("isthmus-stations-{}", std::process::id()));
    let mut store = Store::open(&dir).unwrap();
    let mut mind = isthmus::mind::Mind::new(world, Incidents::default());
    store.save(&mut mind).unwrap();
    drop(store);
    let again =
        Store::open(&dir).unwrap().read(isthmus::state::World::new(Settings::default(), Default::default()));
    std::fs::remove_dir_all(&dir).unwrap();
    let world = again.unwrap().world;
    let router = SiteAddr::from(ROUTER);
    let host = world.hosts.get(&router).unwrap();
    let own = &host.facts[&AssetField::Id];
    assert_eq!(own.iter().map(|fact| fact.value.as_str()).collect::<Vec<_>>(), ["device 1"], "its own");
    let line = text::host(router, host, &world);
    assert!(line.contains("behind    2001:17  vendor Siemens, model TC-1000, id device 17"), "{line}");
    assert!(line.contains("behind    2001:18  vendor Siemens, id device 18"), "{line}");
    let behind = &json::host(router, host, &world, "test")["isthmus"]["behind"];
    assert_eq!(behind[0]["station"], "2001:17");
    assert_eq!(behind[0]["facts"]["model"]["value"], "TC-1000");
    assert_eq!(behind[0]["facts"]["model"]["source"], "bacnet");
}

#[test]
fn a_host_that_is_several_bacnet_devices_has_all_their_ids() {
    let world = said(vec![datagram(None, &i_am(1)), datagram(None, &i_am(2)), datagram(None, &i_am(1))]);
    let ids = &world.hosts.get(&SiteAddr::from(ROUTER)).unwrap().facts[&AssetField::Id];
    assert_eq!(ids.iter().map(|fact| fact.value.as_str()).collect::<Vec<_>>(), ["device 1", "device 2"]);
}
