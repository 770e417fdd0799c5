//! A device is learned anew: what it usually did is forgotten, what is known of it as a thing stays.

use super::World;
use super::conversation::Key;
use super::device::Device;
use super::host::Host;
use super::segment::SiteAddr;
use crate::importance::volumes::Volumes;
use crate::time::Time;

/// What was forgotten of a device.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Forgotten {
    /// Days of activity.
    pub days: usize,
    /// Conversations it opened that were usual.
    pub conversations: usize,
    /// Kinds of action that were usual in them.
    pub actions: usize,
    /// Users it usually logged in as.
    pub users: usize,
    /// Conversations opened to it whose usual volume was known.
    pub served: usize,
}

impl World {
    /// Forgets what `ip` usually did and has it learned anew for [`device_days`](super::world::Settings::device_days).
    ///
    /// Who usually comes to it stays known: those clients were learned too, and are not what changed. Of a redundant group
    /// the common baseline is forgotten. `None` where nothing is known of the device.
    pub fn relearn(&mut self, ip: SiteAddr, now: Time) -> Option<Forgotten> {
        self.hosts.get(&ip)?;
        let baseline = self.baseline(ip);
        let names = self.hosts.of(baseline).map(|host| host.names.clone()).unwrap_or_default();
        let own = |device| device == baseline || names.contains(&device);
        let formers: Vec<Device> = self.formers(self.first_member(ip)).collect();
        let mut forgotten = Forgotten::default();
        let keys: Vec<Key> = self
            .conversations
            .iter()
            .map(|(key, _)| *key)
            .filter(|key| own(key.client) || own(key.server) || formers.contains(&key.server))
            .collect();
        for key in keys {
            let known = self.conversations.entry(&key, Default::default);
            let volumes = known.volumes != <[Volumes; 2]>::default();
            known.volumes = Default::default();
            if own(key.client) {
                forgotten.conversations = forgotten.conversations.saturating_add(usize::from(known.taught));
                forgotten.actions = forgotten.actions.saturating_add(known.usual.len());
                forgotten.users = forgotten.users.saturating_add(known.users.len());
                known.taught = false;
                known.outflow.iter_mut().for_each(|outflow| outflow.relearn());
                known.usual.clear();
                known.users.clear();
            } else {
                forgotten.served = forgotten.served.saturating_add(usize::from(volumes));
            }
        }
        let members = self.members(ip);
        for member in members {
            if self.hosts.get(&member).is_none() {
                continue;
            }
            let host = self.hosts.entry(&member, Host::default);
            forgotten.days = forgotten.days.max(host.days.len());
            host.days.clear();
            host.graduated = false;
            host.relearns = Some(now);
            host.failures = Default::default();
            host.ics_failures = Default::default();
            host.external_failures = Default::default();
            host.external_new = Default::default();
            host.outflow.iter_mut().for_each(|outflow| outflow.relearn());
        }
        Some(forgotten)
    }
}
