//! What machines do by themselves: addresses, time, backups, health checks, and the failures of every day.

use std::net::Ipv4Addr;

use super::{by_chance, speak, volume};
use crate::conversation::{Frame, HOUR, MIN, MS, SEC, ping, udp_exchange};
use crate::packet::{ARP_REPLY, ARP_REQUEST, Mac, PacketBuilder};
use crate::payload::{dhcp, ntp, s7, smb, tls};
use crate::rng::Rng;
use crate::scenario::calendar::next_time_of_day;
use crate::scenario::lines::smb_session;
use crate::scenario::plant::{Host, Place, Plant};
use crate::scenario::stage::{Scene, Stage};
use crate::scenario::talk::{Connect, Talk};

pub(super) fn enter(plant: &Plant, seed: u64, start: u64, stage: &mut Stage) {
    for host in plant.it().into_iter().chain(plant.ot()) {
        arp(plant, host, Rng::named(seed ^ 2, host.name), start, stage);
        clock(plant, host, Rng::named(seed ^ 3, host.name), start, stage);
    }
    backup(plant, seed, start, stage);
    health(plant, seed, start, stage);
    failures(plant, seed, start, stage);
}

fn arp_frame(host: &Host, to: Mac, operation: u16, target: (Mac, Ipv4Addr), at_ns: u64) -> Frame {
    let bytes = PacketBuilder::ethernet(host.mac, to)
        .vlan(host.place.vlan())
        .arp(operation, (host.mac, host.ip), target)
        .build_padded();
    Frame { at_ns, leg: host.place.leg(), bytes }
}

/// A station says unasked which address it has (RFC 5227 §2.3).
pub(in crate::scenario) fn announce(host: &Host, at_ns: u64) -> Frame {
    arp_frame(host, Mac::BROADCAST, ARP_REQUEST, (Mac::ZERO, host.ip), at_ns)
}

/// The gateway's address on a side.
fn router(place: Place) -> Ipv4Addr {
    Ipv4Addr::new(10, if place == Place::Ot { 20 } else { 10 }, 0, 1)
}

/// Asks for the gateway about every hour; a neighbour is asked, and answers, now and then.
fn arp(plant: &Plant, host: Host, mut rng: Rng, start: u64, stage: &mut Stage) {
    let neighbour = if host.place == Place::Ot { plant.wincc } else { plant.directory };
    stage.enter(start + rng.range(0, 2 * MIN), move |now, scene: &mut Scene| {
        let who = |ip| (Mac::ZERO, ip);
        scene.emit([arp_frame(&host, Mac::BROADCAST, ARP_REQUEST, who(router(host.place)), now)]);
        if host != neighbour && rng.chance(0.3) {
            let asked = now + rng.range(SEC, 5 * SEC);
            scene.emit([
                arp_frame(&host, Mac::BROADCAST, ARP_REQUEST, who(neighbour.ip), asked),
                arp_frame(&neighbour, host.mac, ARP_REPLY, (host.mac, host.ip), asked + MS / 2),
            ]);
        }
        Some(now + 50 * MIN + rng.range(0, 20 * MIN))
    });
}

/// Asks the directory server for the time every two hours; that asks the Internet.
fn clock(plant: &Plant, host: Host, mut rng: Rng, start: u64, stage: &mut Stage) {
    let server = if host == plant.directory { plant.time } else { plant.directory };
    stage.enter(start + rng.range(0, 2 * HOUR), move |now, scene: &mut Scene| {
        let delay =
            if server.place == Place::External { rng.range(15 * MS, 40 * MS) } else { rng.range(MS, 3 * MS) };
        let (from, to) = (host.side_towards(&server, ntp::PORT), server.side_towards(&host, ntp::PORT));
        scene.emit(udp_exchange(
            &from,
            &to,
            now,
            delay,
            &ntp::request(now),
            &ntp::response(now, now + delay / 2),
        ));
        Some(now + 110 * MIN + rng.range(0, 20 * MIN))
    });
}

/// After two in the night the servers of the OT side write to the backup server of the IT side.
fn backup(plant: &Plant, seed: u64, start: u64, stage: &mut Stage) {
    for (host, median) in [(plant.wincc, 0.5e6), (plant.historian, 0.3e6)] {
        let (target, mut rng) = (plant.backup, Rng::named(seed ^ 4, host.name));
        let first = next_time_of_day(start, 2 * HOUR) + rng.range(0, 30 * MIN);
        stage.enter(first, move |now, scene: &mut Scene| {
            let up = volume(&mut rng, median, 0.2, 4e6);
            let lines = smb_session(up, 4_000, 200 * MS, Rng::new(rng.bits()));
            speak(scene, now, Talk::new(&host, &target, smb::PORT, &mut rng, lines));
            Some(next_time_of_day(now + HOUR, 2 * HOUR) + rng.range(0, 30 * MIN))
        });
    }
}

/// The directory server pings the servers of the OT side.
fn health(plant: &Plant, seed: u64, start: u64, stage: &mut Stage) {
    let (from, targets) = (plant.directory, [plant.wincc, plant.historian]);
    let (mut rng, mut sequence) = (Rng::named(seed, "health"), 0_u16);
    stage.enter(start + rng.range(0, 10 * MIN), move |now, scene: &mut Scene| {
        sequence = sequence.wrapping_add(1);
        for target in &targets {
            let (a, b) = (from.side_towards(target, 0), target.side_towards(&from, 0));
            scene.emit(ping(&a, &b, now, MS, sequence));
        }
        Some(now + 10 * MIN)
    });
}

/// Connections that fail about every three hours, because something was retired, moved or is switched off.
fn failures(plant: &Plant, seed: u64, start: u64, stage: &mut Stage) {
    let (plant, mut rng) = (plant.clone(), Rng::named(seed, "failures"));
    let retired = Host { ip: Ipv4Addr::new(10, 10, 0, 41), ..plant.files };
    let spare = Host { ip: Ipv4Addr::new(10, 20, 1, 19), ..plant.s7[0] };
    let gone = Host::external("old-supplier.example", Ipv4Addr::new(198, 18, 201, 7));
    stage.enter(start + by_chance(&mut rng, 3600.0), move |now, scene: &mut Scene| {
        let pc = *rng.pick(&plant.office);
        let (client, server, port, connect) = match rng.range(0, 10) {
            0..4 => (pc, retired, smb::PORT, Connect::Unanswered(3)),
            4..6 => (pc, plant.printer, tls::PORT, Connect::Refused),
            6..8 => (pc, gone, tls::PORT, Connect::Unanswered(4)),
            8 => (plant.wincc, plant.line_gateway, 80, Connect::Refused),
            _ => (plant.engineering, spare, s7::PORT, Connect::Unanswered(2)),
        };
        speak(scene, now, Talk::failing(&client, &server, port, &mut rng, connect));
        Some(now + by_chance(&mut rng, 3.0 * 3600.0))
    });
}

/// A station that gets its address and asks for the gateway; returns the frames, in order, from `at_ns` on.
pub(in crate::scenario) fn join_by_dhcp(
    plant: &Plant,
    host: &Host,
    vendor: &str,
    at_ns: u64,
    rng: &mut Rng,
) -> Vec<Frame> {
    let server = plant.directory;
    let lease = dhcp::Lease {
        xid: rng.bits() as u32,
        mac: host.mac,
        host_name: host.name,
        vendor_class: vendor,
        address: host.ip,
        server: server.ip,
        router: router(host.place),
    };
    let link = |from: &Host| PacketBuilder::ethernet(from.mac, Mac::BROADCAST).vlan(host.place.vlan());
    let mut out = Vec::new();
    let mut at = at_ns;
    for kind in [dhcp::Kind::Discover, dhcp::Kind::Offer, dhcp::Kind::Request, dhcp::Kind::Ack] {
        let bytes = if matches!(kind, dhcp::Kind::Offer | dhcp::Kind::Ack) {
            link(&server).ipv4(server.ip, Ipv4Addr::BROADCAST).udp(dhcp::SERVER_PORT, dhcp::CLIENT_PORT)
        } else {
            link(host)
                .ipv4(Ipv4Addr::UNSPECIFIED, Ipv4Addr::BROADCAST)
                .udp(dhcp::CLIENT_PORT, dhcp::SERVER_PORT)
        };
        let bytes = bytes.payload(&lease.message(kind)).build_padded();
        out.push(Frame { at_ns: at, leg: host.place.leg(), bytes });
        at += rng.range(MS, 30 * MS);
    }
    // RFC 5227: announce the address, then look for the router.
    out.push(announce(host, at + SEC));
    out.push(arp_frame(host, Mac::BROADCAST, ARP_REQUEST, (Mac::ZERO, router(host.place)), at + 2 * SEC));
    out
}
