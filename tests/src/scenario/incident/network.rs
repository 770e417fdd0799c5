//! What the device does to the network: joins it, scans, calls out.

use std::net::Ipv4Addr;

use super::Plan;
use super::options::Scan;
use super::truth::{FailureTruth, ScanTruth, TlsTruth};
use crate::conversation::{From, MIN, MS, SEC, udp_exchange};
use crate::payload::tls::{Handshake, certificate};
use crate::payload::{dns, modbus, ntp, s7};
use crate::scenario::habit::join_by_dhcp;
use crate::scenario::lines::{Line, tls_visit};
use crate::scenario::plant::Host;
use crate::scenario::stage::Scene;
use crate::scenario::talk::{Connect, Talk};

/// DHCP, ARP, names and time.
pub(super) fn arrival(plan: &mut Plan<'_>) {
    let (mut rng, appeared) = (plan.rng("arrival"), plan.at(4));
    plan.truth.appeared_ns = appeared;
    let (device, directory) = (plan.device, plan.plant.directory);
    let vendor =
        if plan.options.office_only { "MSFT 5.0" } else { "dhcpcd-9.4.1:Linux-6.1.21:armv7l:BCM2835" };
    let mut frames = join_by_dhcp(plan.plant, &device, vendor, appeared, &mut rng);
    let (from, to) = (device.side_towards(&directory, 0), directory.side_towards(&device, 0));
    let names = [Some(plan.plant.internet[3]), None, Some(plan.plant.internet[5])];
    for (at, known) in (1..).map(|n| appeared + n * 4 * SEC).zip(names) {
        let (id, port) = (rng.bits() as u16, rng.range(49_152, 65_536) as u16);
        let (question, answer) = match known {
            Some(host) => (dns::query(id, host.name), dns::answer(id, host.name, host.ip)),
            None => (dns::query(id, "wpad.plant.example"), dns::no_such_name(id, "wpad.plant.example")),
        };
        let ends = (from.at_port(port), to.at_port(dns::PORT));
        frames.extend(udp_exchange(&ends.0, &ends.1, at, 3 * MS, &question, &answer));
    }
    let at = appeared + 20 * SEC;
    let ends = (from.at_port(ntp::PORT), to.at_port(ntp::PORT));
    frames.extend(udp_exchange(&ends.0, &ends.1, at, 2 * MS, &ntp::request(at), &ntp::response(at, at + MS)));
    let mut frames = Some(frames);
    plan.stage.enter(appeared, move |_, scene: &mut Scene| {
        scene.emit(frames.take().into_iter().flatten());
        None
    });
}

/// The addresses tried: all stations, filled up with neighbours that do not exist, never the gateway's own.
fn targets(plan: &Plan<'_>, count: u16) -> Vec<(Ipv4Addr, Option<Host>)> {
    let stations = plan.plant.ot();
    let known = stations.iter().map(|h| (h.ip, Some(*h)));
    let unknown = [1, 2, 0]
        .into_iter()
        .flat_map(|third| (2..=240).map(move |fourth| Ipv4Addr::new(10, 20, third, fourth)))
        .filter(|ip| stations.iter().all(|h| h.ip != *ip))
        .map(|ip| (ip, None));
    known.chain(unknown).take(usize::from(count).max(stations.len())).collect()
}

/// Tries every address on both ports, in random order.
pub(super) fn scan(plan: &mut Plan<'_>, scan: Scan) {
    let mut rng = plan.rng("scan");
    let begin = plan.at(25);
    let targets = targets(plan, scan.addresses);
    let mut probes: Vec<_> = targets.iter().flat_map(|t| [(*t, s7::PORT), (*t, modbus::PORT)]).collect();
    rng.shuffle(&mut probes);
    let step = scan.duration_ns / probes.len() as u64;
    let blank = |port| ScanTruth {
        port,
        targets: targets.len() as u32,
        answered: 0,
        refused: 0,
        unanswered: 0,
        first_ns: u64::MAX,
        last_ns: 0,
    };
    let mut accounts = [blank(s7::PORT), blank(modbus::PORT)];
    for (index, ((ip, station), port)) in (0..).zip(probes) {
        let at = begin + index * step + rng.range(0, step / 2 + 1);
        let serves = match port {
            s7::PORT => plan.plant.s7.iter().any(|h| h.ip == ip),
            _ => plan.plant.modbus.iter().any(|h| h.ip == ip),
        };
        let account = &mut accounts[usize::from(port == modbus::PORT)];
        account.first_ns = account.first_ns.min(at);
        account.last_ns = account.last_ns.max(at);
        let target = station.unwrap_or(Host { ip, ..plan.plant.wincc });
        let talk = if serves {
            account.answered += 1;
            let lines = Box::new([Line::Reset(From::Client)].into_iter());
            Talk::new(&plan.device, &target, port, &mut rng, lines)
        } else if station.is_some() {
            account.refused += 1;
            Talk::failing(&plan.device, &target, port, &mut rng, Connect::Refused)
        } else {
            account.unanswered += 1;
            Talk::failing(&plan.device, &target, port, &mut rng, Connect::Unanswered(1))
        };
        plan.stage.enter(at, talk);
    }
    plan.truth.scans.extend(accounts);
}

/// Rare external hosts: where, which certificate, how often.
const NAMELESS: [(Ipv4Addr, u16, &[u8], u32); 5] = [
    (Ipv4Addr::new(203, 0, 113, 45), 443, certificate::SELF_SIGNED_RSA, 14),
    (Ipv4Addr::new(198, 51, 100, 77), 443, certificate::SELF_SIGNED_ECDSA, 6),
    (Ipv4Addr::new(192, 0, 2, 131), 8443, certificate::SELF_SIGNED_RSA, 3),
    (Ipv4Addr::new(198, 19, 44, 9), 443, certificate::SELF_SIGNED_ECDSA, 2),
    (Ipv4Addr::new(198, 19, 160, 23), 443, certificate::CA_LEAF, 2),
];

/// TLS without server name: the first host about every twelve minutes, the others now and then.
pub(super) fn nameless_tls(plan: &mut Plan<'_>) {
    let mut rng = plan.rng("tls");
    for (ip, port, own, connections) in NAMELESS {
        let host = Host::external("nameless", ip);
        let mut handshake = Handshake::nameless(own);
        let self_signed = own != certificate::CA_LEAF;
        if !self_signed {
            handshake.chain.push(certificate::CA_ISSUING);
        }
        let period = 165 * MIN / u64::from(connections);
        for n in 0..u64::from(connections) {
            let at = plan.at(8) + n * period + rng.range(0, MIN);
            let (up, down) = (rng.range(250, 900) as usize, rng.range(300, 4_000) as usize);
            let lines = tls_visit(&handshake, up, down, &mut rng);
            let talk = Talk::new(&plan.device, &host, port, &mut rng, lines);
            plan.stage.enter(at, talk);
        }
        plan.truth.tls.push(TlsTruth { ip, port, connections, self_signed });
    }
}

/// External ports that are closed or silent, several times each.
pub(super) fn external_failures(plan: &mut Plan<'_>) {
    let mut rng = plan.rng("external failures");
    for index in 0..12_u8 {
        let port = if index < 6 { modbus::PORT } else { 443 };
        let ip = match index % 3 {
            0 => Ipv4Addr::new(203, 0, 113, 100 + index),
            1 => Ipv4Addr::new(198, 51, 100, 150 + index),
            _ => Ipv4Addr::new(198, 19, 200 + index, 5),
        };
        let host = Host::external("failing", ip);
        let refuses = index % 2 == 0;
        let attempts = rng.range(2, 5);
        for n in 0..attempts {
            let at = plan.at(33) + n * MIN + rng.range(0, MIN);
            let connect = if refuses { Connect::Refused } else { Connect::Unanswered(3) };
            let talk = Talk::failing(&plan.device, &host, port, &mut rng, connect);
            plan.stage.enter(at, talk);
        }
        let (refused, unanswered) = if refuses { (attempts as u32, 0) } else { (0, attempts as u32) };
        plan.truth.failures.push(FailureTruth { ip, port, refused, unanswered });
    }
}
