//! The remote desktop session: a while of looking around, then a transfer in both directions, then looking around.

use super::truth::RdpTruth;
use super::{IncidentOptions, Plan};
use crate::conversation::{From, MIN, SEC};
use crate::payload::{rdp, tls};
use crate::rng::Rng;
use crate::scenario::lines::{Line, Lines, rdp_burst, rdp_open, script};
use crate::scenario::talk::Talk;

const USER: &str = "Administrator";
const COOKIE: &str = "Administr";

/// Bursts of interaction before and after the transfer, about 40 and 60 seconds apart.
const BEFORE: u64 = 95;
const AFTER: u64 = 18;
/// Time the transfer takes.
const TRANSFER: u64 = 70 * MIN;
/// Largest part of the transfer in one burst.
const PART: u64 = 64 * 1024;

pub(super) fn session(plan: &mut Plan<'_>) {
    let mut rng = plan.rng("desktop");
    let (opened_ns, server) = (plan.at(15), plan.plant.wincc);
    let spoken = rng.clone();
    let (mut client_bytes, mut server_bytes) = (0, 0);
    for line in lines(plan.options, spoken.clone()) {
        match line {
            Line::Say(From::Client, bytes) | Line::Ask(From::Client, bytes) => {
                client_bytes += bytes.len() as u64
            }
            Line::Say(From::Server, bytes) | Line::Ask(From::Server, bytes) => {
                server_bytes += bytes.len() as u64
            }
            Line::Wait(_) | Line::Close(_) | Line::Reset(_) => {}
        }
    }
    let talk = Talk::new(&plan.device, &server, rdp::PORT, &mut rng, lines(plan.options, spoken));
    plan.stage.enter(opened_ns, talk);
    plan.truth.rdp =
        Some(RdpTruth { server: server.ip, cookie: COOKIE, opened_ns, client_bytes, server_bytes });
}

fn lines(options: &IncidentOptions, mut rng: Rng) -> Lines {
    let first = rdp_open(USER, &mut rng);
    let (up, down) = (options.rdp_up, options.rdp_down);
    let parts = (up.max(down)).div_ceil(PART).max(1);
    // The n-th of `parts` nearly equal shares.
    let share = move |total: u64, n: u64| (total * (n + 1) / parts - total * n / parts) as usize;
    let mut step = 0;
    script(first, move || {
        let n = step;
        step += 1;
        if n < BEFORE || (BEFORE + parts..BEFORE + parts + AFTER).contains(&n) {
            let mut out =
                rdp_burst(rng.range(90, 700) as usize, rng.range(800, 9_000) as usize, &mut rng).to_vec();
            let pause = if n < BEFORE { 40 * SEC } else { 60 * SEC };
            out.push(Line::Wait(pause + rng.range(0, 2 * SEC)));
            Some(out)
        } else if n < BEFORE + parts {
            let (up, down) = (share(up, n - BEFORE), share(down, n - BEFORE));
            let mut out = Vec::new();
            if up > 0 {
                out.push(Line::Say(From::Client, tls::application_data(up, &mut rng)));
            }
            if down > 0 {
                out.push(Line::Say(From::Server, tls::application_data(down, &mut rng)));
            }
            out.push(Line::Wait(TRANSFER / parts));
            Some(out)
        } else {
            (n == BEFORE + parts + AFTER).then(|| vec![Line::Close(From::Client)])
        }
    })
}
