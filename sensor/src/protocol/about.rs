//! What address and name services say about hosts that are not the ends of the connection.

use std::net::IpAddr;

use super::{AssetField, Side};

/// Something said about a host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum About {
    /// A name that stands for an address (DNS, mDNS, LLMNR).
    Named {
        /// The address.
        address: IpAddr,
        /// The name that was asked for, lower case.
        name: Box<str>,
    },
    /// The client calls the server so (HTTP's Host).
    Called(Box<str>),
    /// One end of a connection without IP has an address (PROFINET DCP).
    Has {
        /// Whose it is.
        side: Side,
        /// Its address.
        address: IpAddr,
    },
    /// A device behind a router of its protocol said something about itself (BACnet).
    Behind {
        /// The router.
        router: Side,
        /// The device, as its protocol names it.
        station: Box<str>,
        /// What it is about.
        field: AssetField,
        /// The statement.
        value: Box<str>,
    },
    /// An address belongs to a device from now on (DHCP).
    Leased {
        /// The device.
        mac: [u8; 6],
        /// Its address.
        address: IpAddr,
    },
    /// A device said something about itself before it had an address (DHCP).
    Stated {
        /// The device.
        mac: [u8; 6],
        /// What it is about.
        field: AssetField,
        /// The statement.
        value: Box<str>,
    },
}
