//! What belongs to one file: whose frames, and what is said at which.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use super::file::Capture;
use super::memory::{Kept, Memory};
use crate::detect::by_id;
use crate::detect::finding::Finding;
use crate::incident::Incident;
use crate::mind::Mind;
use crate::state::{SiteAddr, SiteMac};
use crate::time::Time;

/// Hosts of one incident, at most; scans have more targets, whose frames the scanner's are.
const MAX_HOSTS: usize = 1024;
/// Bytes of a comment.
const MAX_COMMENT: usize = 1000;

/// Whose frames are wanted: those of an actor, and those between two of all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hosts {
    /// Who acts.
    pub actors: BTreeSet<SiteAddr>,
    /// Whom it is done to.
    pub targets: BTreeSet<SiteAddr>,
    /// All of this address, in whatever segment.
    pub anywhere: Option<IpAddr>,
}

impl Hosts {
    fn of(incident: &Incident, findings: &[&Finding]) -> Self {
        let mut hosts = Self::default();
        hosts.actors.extend(incident.actors.iter().take(MAX_HOSTS).copied());
        for finding in findings {
            // What it says below IP, it says by its MAC.
            if let Some(mac) = finding.actor_mac
                && hosts.actors.len() < MAX_HOSTS
            {
                hosts.actors.insert(SiteMac { mac, segment: finding.actor.segment }.addr());
            }
            for target in &finding.targets {
                if hosts.targets.len() < MAX_HOSTS {
                    hosts.targets.insert(target.ip);
                }
            }
        }
        hosts
    }

    fn want(&self, kept: &Kept) -> bool {
        let [a, b] = &kept.ends;
        let known = |end| self.actors.contains(end) || self.targets.contains(end);
        let acts = |end: &SiteAddr| self.actors.contains(end) || self.anywhere == Some(end.ip);
        acts(a) || acts(b) || (known(a) && known(b))
    }
}

/// One file, and how far it is.
#[derive(Debug)]
pub struct Case {
    /// The file.
    pub capture: Capture,
    /// Whose frames are in it.
    pub hosts: Hosts,
    /// When its hosts were last put on the watch list.
    pub watched: Option<Time>,
    /// A failure was told.
    pub complained: bool,
    /// Findings up to this number stand in it.
    pub told: u64,
    /// Frames before this one were looked at when the file was written before.
    from: u64,
    /// Comments whose frame had been written, or was none.
    pending: Vec<String>,
    begun: bool,
}

impl Case {
    /// That goes on after the finding `told` and from frame number `from`.
    pub fn new(capture: Capture, told: u64, from: u64) -> Self {
        Self {
            capture,
            hosts: Hosts::default(),
            watched: None,
            complained: false,
            told,
            from,
            pending: Vec::new(),
            begun: false,
        }
    }

    /// Whose frames an incident wants by now, and comments for new findings, by the number of the frame.
    pub fn follow(
        &mut self,
        incident: &Incident,
        mind: &Mind,
        memory: &Memory,
    ) -> (Hosts, BTreeMap<u64, Vec<String>>) {
        let findings: Vec<&Finding> =
            incident.findings.iter().filter_map(|number| mind.incidents.finding(*number)).collect();
        let hosts = Hosts::of(incident, &findings);
        let mut comments = BTreeMap::<u64, Vec<String>>::new();
        let told = self.told;
        for finding in findings.into_iter().filter(|finding| finding.number > told) {
            self.told = self.told.max(finding.number);
            let text = comment(incident.number, finding);
            match trigger(finding, memory) {
                Some(id) => comments.entry(id).or_default().push(text),
                None => self.pending.push(text),
            }
        }
        (hosts, comments)
    }

    /// Adds what `hosts` want: of frames from number `unseen` on, and of older ones where they were not wanted before.
    pub fn collect(
        &mut self,
        hosts: Hosts,
        mut comments: BTreeMap<u64, Vec<String>>,
        memory: &Memory,
        names: &BTreeMap<u8, String>,
        unseen: u64,
    ) {
        let begun = std::mem::replace(&mut self.begun, true);
        let changed = !begun || hosts != self.hosts;
        let first = if changed { self.from } else { unseen };
        let wanted = memory.from(first).filter(|kept| {
            let seen = begun && kept.id < unseen;
            hosts.want(kept) && !(seen && self.hosts.want(kept))
        });
        let mut wanted: Vec<Kept> = wanted.copied().collect();
        if !begun {
            // The past gets half of the file, and of the past the latest.
            let (mut room, mut from) = (self.capture.room() / 2, wanted.len());
            for kept in wanted.iter().rev() {
                let cost = Capture::cost(kept);
                if cost > room {
                    break;
                }
                room = room.saturating_sub(cost);
                from = from.saturating_sub(1);
            }
            wanted.drain(..from.min(wanted.len()));
        }
        for kept in &wanted {
            let mut texts = comments.remove(&kept.id).unwrap_or_default();
            texts.append(&mut self.pending);
            self.capture.add(kept, memory, names, &texts);
        }
        // Their frames are in the file, or no more in memory.
        self.pending.extend(comments.into_values().flatten());
        self.hosts = hosts;
    }
}

/// The frame a finding was raised at: the actor's last until then.
fn trigger(finding: &Finding, memory: &Memory) -> Option<u64> {
    let until = memory.from(0).take_while(|kept| kept.at <= finding.at.0);
    until.filter(|kept| kept.ends.contains(&finding.actor)).last().map(|kept| kept.id)
}

fn comment(incident: u64, finding: &Finding) -> String {
    let title = by_id(&finding.model).map_or(finding.model.as_str(), |spec| spec.title);
    plain(&format!(
        "Incident {incident}, finding {} at {}: {title} ({}, {}): {}",
        finding.number,
        finding.at,
        finding.model,
        finding.severity.name(),
        finding.summary
    ))
}

/// One line of bounded length: names in it may have come from the wire.
pub fn plain(text: &str) -> String {
    let mut plain = String::new();
    for c in text.chars() {
        if plain.len() >= MAX_COMMENT {
            plain.push('…');
            break;
        }
        plain.push(if c.is_control() { ' ' } else { c });
    }
    plain
}

#[cfg(test)]
mod tests {
    use sensor_ebpf::flow::FlowKey;
    use sensor_ebpf::record::Ring;

    use super::*;
    use crate::source::FrameEvent;

    #[test]
    fn frames_of_an_actors_twin_in_another_cell_are_wanted_only_by_address() {
        let mut memory = Memory::new(1 << 16, u64::MAX);
        let cells = ["10.0.0.1%case-3", "10.0.0.1%case-4"].map(|text| text.parse::<SiteAddr>().unwrap());
        for actor in cells {
            let frame = FrameEvent {
                at: Time(1),
                key: FlowKey::default(),
                ring: Ring::Access,
                frame: &[0; 60],
                payload_at: 0,
                payload_len: 0,
                wire_len: 60,
                flags: 0,
                notes: 0,
            };
            memory.keep(&frame, [actor, SiteAddr::from([10, 0, 0, 2])]);
        }
        let count = |hosts: &Hosts| memory.from(0).filter(|kept| hosts.want(kept)).count();
        let of_one = Hosts { actors: BTreeSet::from([cells[0]]), ..Hosts::default() };
        let of_address = Hosts { anywhere: Some(cells[0].ip), ..Hosts::default() };
        assert_eq!((count(&of_one), count(&of_address)), (1, 2));
    }
}
