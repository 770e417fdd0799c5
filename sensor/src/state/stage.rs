//! How far learning has come, and so what is judged.

use super::World;
use super::host::DeviceStage;
use super::segment::SiteAddr;
use crate::importance::budget::Family;

impl World {
    /// Whether there is anything learned to compare with.
    pub fn has_baseline(&self) -> bool {
        !self.settings.operational || self.site.graduated
    }

    /// How far learning has come for a device.
    pub fn stage(&self, ip: SiteAddr) -> DeviceStage {
        if self.settings.learn {
            return DeviceStage::Learning;
        }
        if self.settings.operational {
            return DeviceStage::Operational;
        }
        let Some(host) = self.hosts.get(&self.elder(ip)) else { return DeviceStage::Learning };
        if host.graduated {
            return DeviceStage::Operational;
        }
        let wanted = if host.newcomer || host.relearns.is_some() {
            self.settings.device_days
        } else {
            self.settings.site_days
        };
        let elapsed = self.site.last.since(host.relearns.unwrap_or(host.first)).as_secs() / 86_400;
        let active = u64::try_from(host.days.len()).unwrap_or(u64::MAX);
        let wanted = u64::from(wanted);
        if elapsed < wanted {
            DeviceStage::Learning
        } else if active.saturating_mul(3) < wanted.saturating_mul(2) {
            DeviceStage::Dynamic
        } else {
            DeviceStage::Operational
        }
    }

    /// Whether what a client does to a server is judged: as soon as either is past learning, unless somebody had the
    /// client learned anew.
    pub fn judges(&self, a: SiteAddr, b: SiteAddr) -> bool {
        if self.hosts.get(&a).is_some_and(|host| host.relearns.is_some())
            && self.stage(a) == DeviceStage::Learning
        {
            return false;
        }
        [a, b].iter().any(|ip| self.stage(*ip) != DeviceStage::Learning)
    }

    /// The p-value below which a statistical family raises.
    pub fn threshold(&self, family: Family) -> f64 {
        self.site.budget.threshold(family, self.settings.alert_budget)
    }

    /// Whether numbers of what a client does to a server are judged: statistical families still learn in the dynamic
    /// stage.
    pub fn judges_numbers(&self, a: SiteAddr, b: SiteAddr) -> bool {
        self.judges(a, b) && [a, b].iter().any(|ip| self.stage(*ip) == DeviceStage::Operational)
    }

    /// Whether what a host does outside is judged: past learning itself, or new to a site that is.
    pub fn judges_outward(&self, client: SiteAddr) -> bool {
        !self.settings.learn
            && (self.stage(client) != DeviceStage::Learning || (self.is_settled() && self.is_new(client)))
    }

    /// As [`World::judges_outward`], for numbers.
    pub fn judges_numbers_outward(&self, client: SiteAddr) -> bool {
        !self.settings.learn
            && (self.stage(client) == DeviceStage::Operational || (self.is_settled() && self.is_new(client)))
    }

    /// Whether a device came after the site's learning and is still in its first days.
    pub fn is_new(&self, ip: SiteAddr) -> bool {
        !self.settings.learn
            && self.hosts.get(&ip).is_some_and(|host| host.newcomer && !host.graduated)
            && self.stage(ip) != DeviceStage::Operational
    }

    /// Counts one judgement of a family and says whether `p` is small enough to be told.
    pub fn unusual(&mut self, family: Family, p: f64) -> bool {
        self.site.budget.unusual(family, p, self.settings.alert_budget)
    }

    /// Whether the site itself is past learning, so that a device seen now is a new one.
    pub fn is_settled(&self) -> bool {
        let age = self.site.last.since(self.site.first).as_secs() / 86_400;
        self.site.graduated || age >= u64::from(self.settings.site_days)
    }
}
