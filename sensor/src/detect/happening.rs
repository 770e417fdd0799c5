//! What detectors are told, and who wants to be told what.

use crate::protocol::{Action, AssetField, Command, Malformed, Side, rdp, tls};
use crate::source::Storm;
use crate::state::connection::Connection;
use crate::state::{Segment, SiteAddr};

/// Something a detector may judge.
pub enum Happening<'a> {
    /// A connection has its first packet.
    Opened(&'a Connection),
    /// A connection was refused, or nobody answered.
    Failed(&'a Connection),
    /// Content said which protocol it is.
    Identified(&'a Connection),
    /// A message of an industrial protocol, and who sent it.
    Command(&'a Connection, &'a Command, Side),
    /// RDP's opening.
    Rdp(&'a Connection, &'a rdp::Handshake),
    /// TLS's opening.
    Tls(&'a Connection, &'a tls::Handshake),
    /// A remote desktop goes on, told once a minute.
    Lasts(&'a Connection),
    /// A connection's volume grew, or it ended.
    Volume(&'a Connection),
    /// New flows too fast for the flow cache.
    Storm(&'a Storm),
    /// A connection ended, in order or not.
    Closed(&'a Connection),
    /// Bytes broke the rules of the connection's protocol, and who sent them.
    Malformed(&'a Connection, Malformed, Side),
    /// A device said something about itself that it did not say before.
    Asset(&'a Change<'a>),
    /// A device claims an address (ARP), or has it back from who claimed it.
    Address(&'a Claim),
    /// Both ends agreed on a connection, or both talk.
    Established(&'a Connection),
    /// Records were lost: what is missing now proves nothing.
    Loss,
    /// A second passed.
    Tick,
}

/// A fact about a device that is new.
#[derive(Clone, Copy, Debug)]
pub struct Change<'a> {
    /// The device.
    pub host: SiteAddr,
    /// What the fact is about.
    pub field: AssetField,
    /// What it said before, and when it last said so; `None`: nothing.
    pub old: Option<&'a crate::state::host::Fact>,
    /// What it says now.
    pub new: &'a str,
    /// The protocol it said it in.
    pub protocol: &'a str,
}

/// Somebody says that an address is theirs (RFC 826, RFC 5227), or sends from one that another had claimed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Claim {
    /// The address.
    pub ip: SiteAddr,
    /// Whose it is said to be.
    pub mac: [u8; 6],
    /// The link it was said on: interface slot and VLAN ids. Addresses are unique per link only.
    pub link: (u8, [u16; 2]),
    /// The segment that link is in.
    pub segment: Segment,
    /// Said without being asked: sender and target address are the same.
    pub gratuitous: bool,
}

/// What of [`Happening`] a detector wants to be told. Commands come thousands a second: most models want few of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Interest(u32);

/// Lists of [`Interest`]: the kinds of happening, then commands by their action.
pub(crate) const LISTS: usize = KINDS + Action::ALL.len();
const KINDS: usize = 15;

impl Interest {
    /// Everything.
    pub const ALL: Self = Self(u32::MAX);
    /// Nothing yet.
    pub const NONE: Self = Self(0);
    /// [`Happening::Opened`].
    pub const OPENED: Self = Self(1 << 0);
    /// [`Happening::Failed`].
    pub const FAILED: Self = Self(1 << 1);
    /// [`Happening::Identified`].
    pub const IDENTIFIED: Self = Self(1 << 2);
    /// [`Happening::Rdp`].
    pub const RDP: Self = Self(1 << 3);
    /// [`Happening::Tls`].
    pub const TLS: Self = Self(1 << 4);
    /// [`Happening::Volume`].
    pub const VOLUME: Self = Self(1 << 5);
    /// [`Happening::Storm`].
    pub const STORM: Self = Self(1 << 6);
    /// [`Happening::Closed`].
    pub const CLOSED: Self = Self(1 << 7);
    /// [`Happening::Malformed`].
    pub const MALFORMED: Self = Self(1 << 8);
    /// [`Happening::Asset`].
    pub const ASSET: Self = Self(1 << 9);
    /// [`Happening::Address`].
    pub const ADDRESS: Self = Self(1 << 10);
    /// [`Happening::Loss`].
    pub const LOSS: Self = Self(1 << 11);
    /// [`Happening::Tick`].
    pub const TICK: Self = Self(1 << 12);
    /// [`Happening::Established`].
    pub const ESTABLISHED: Self = Self(1 << 13);
    /// [`Happening::Lasts`].
    pub const LASTS: Self = Self(1 << 14);
    /// [`Happening::Command`], whatever it does.
    pub const COMMANDS: Self = Self(u32::MAX << KINDS);

    /// This and that.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// This and commands that do one of these.
    #[must_use]
    pub const fn commands(self, actions: &[Action]) -> Self {
        let mut bits = self.0;
        let mut left = actions;
        while let [action, rest @ ..] = left {
            bits |= 1 << (KINDS + *action as usize);
            left = rest;
        }
        Self(bits)
    }

    pub(crate) const fn wants(self, list: usize) -> bool {
        list < LISTS && self.0 & (1 << list) != 0
    }
}

impl Happening<'_> {
    /// Which list of detectors is told.
    pub(crate) fn list(&self) -> usize {
        match self {
            Self::Opened(..) => 0,
            Self::Failed(..) => 1,
            Self::Identified(..) => 2,
            Self::Rdp(..) => 3,
            Self::Tls(..) => 4,
            Self::Volume(..) => 5,
            Self::Storm(..) => 6,
            Self::Closed(..) => 7,
            Self::Malformed(..) => 8,
            Self::Asset(..) => 9,
            Self::Address(..) => 10,
            Self::Loss => 11,
            Self::Tick => 12,
            Self::Established(..) => 13,
            Self::Lasts(..) => 14,
            Self::Command(_, command, _) => KINDS.saturating_add(command.action as usize),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_model_is_told_of_the_actions_it_names_and_of_no_others() {
        let interest = Interest::TICK.commands(&[Action::Write]);
        assert!(interest.wants(12) && interest.wants(KINDS + Action::Write as usize));
        assert!(!interest.wants(0) && !interest.wants(KINDS + Action::Read as usize));
        assert!((0..LISTS).all(|list| Interest::ALL.wants(list)) && !Interest::ALL.wants(LISTS));
        assert!(Action::ALL.iter().all(|action| Interest::COMMANDS.wants(KINDS + *action as usize)));
    }
}
