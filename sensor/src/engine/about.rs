//! What services say about hosts: names for addresses, addresses of devices.

use crate::mind::Mind;
use crate::observer::Observer;
use crate::protocol::{About, Asset, Side};
use crate::state::SiteMac;
use crate::state::address::is_unicast;
use crate::state::connection::{Connection, index};
use crate::time::Time;

/// Takes in what was said in a connection about a host.
pub(super) fn learn(
    connection: &Connection,
    about: &About,
    mind: &mut Mind,
    now: Time,
    observer: &mut dyn Observer,
) {
    let protocol = connection.protocol.map_or("", |spec| spec.name);
    let segment = connection.segment;
    let site = |mind: &Mind, address| mind.world.segments.within(segment, address);
    match about {
        About::Named { address, name } => {
            let address = site(mind, *address);
            mind.world.names.note(address, name, now);
        }
        About::Called(name) => mind.world.names.note(connection.server.ip, name, now),
        About::Behind { router, station, field, value } => {
            let router = if *router == Side::Client { connection.client.ip } else { connection.server.ip };
            let said = (*field, &**value, protocol);
            if is_unicast(router) && mind.world.stations.note(router, station, said, now) {
                let asset = Asset { side: Side::Client, field: *field, value: value.clone() };
                observer.station(router, station, &asset, protocol, now);
            }
        }
        About::Has { side, address } => {
            // A device says so itself: nothing on its way changes the source.
            if let Some(mac) = connection.link.and_then(|link| link.site_macs().get(index(*side)).copied()) {
                let address = site(mind, *address);
                mind.world.prove(address, mac, now);
            }
        }
        About::Leased { mac, address } => {
            if !is_unicast(*address) {
                return;
            }
            let (address, mac) = (site(mind, *address), SiteMac { mac: *mac, segment });
            mind.world.note_lease(address, mac, now);
            // Until it uses the lease the address may still be another's.
            let whose = mind.world.owner_of(mac).unwrap_or(address);
            for (field, value) in mind.world.stated.take(mac) {
                let asset = Asset { side: Side::Client, field, value };
                if mind.learn_fact(whose, &asset, protocol, now) {
                    observer.asset(whose, &asset, protocol, now);
                }
            }
        }
        About::Stated { mac, field, value } => {
            let mac = SiteMac { mac: *mac, segment };
            mind.world.stated.note(mac, *field, value);
            let known = mind.world.device(mac);
            let asset = Asset { side: Side::Client, field: *field, value: value.clone() };
            if mind.world.hosts.get(&known).is_some_and(|host| host.mac == Some(mac))
                && mind.learn_fact(known, &asset, protocol, now)
            {
                observer.asset(known, &asset, protocol, now);
            }
        }
    }
}
