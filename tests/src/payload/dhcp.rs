//! DHCP (RFC 2131, options RFC 2132): a station that asks for an address.

use std::net::Ipv4Addr;

use crate::packet::Mac;

/// Port of the server.
pub const SERVER_PORT: u16 = 67;
/// Port of the client.
pub const CLIENT_PORT: u16 = 68;

/// Message type (option 53).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Is anybody there?
    Discover = 1,
    /// You may have this.
    Offer = 2,
    /// I take that.
    Request = 3,
    /// It is yours.
    Ack = 5,
}

/// What both ends know of one lease.
#[derive(Clone, Copy, Debug)]
pub struct Lease<'a> {
    /// Transaction.
    pub xid: u32,
    /// Hardware address of the station.
    pub mac: Mac,
    /// Its name (option 12).
    pub host_name: &'a str,
    /// The vendor class it sends (option 60).
    pub vendor_class: &'a str,
    /// The address it gets.
    pub address: Ipv4Addr,
    /// The server.
    pub server: Ipv4Addr,
    /// Its router.
    pub router: Ipv4Addr,
}

impl Lease<'_> {
    /// One message of the exchange.
    #[must_use]
    pub fn message(&self, kind: Kind) -> Vec<u8> {
        let reply = matches!(kind, Kind::Offer | Kind::Ack);
        let mut out = vec![if reply { 2 } else { 1 }, 1, 6, 0];
        out.extend(self.xid.to_be_bytes());
        out.extend([0; 8]);
        out.extend(if reply { self.address.octets() } else { [0; 4] });
        out.extend([0; 8]);
        out.extend(self.mac.0);
        out.resize(236, 0);
        out.extend([0x63, 0x82, 0x53, 0x63, 53, 1, kind as u8]);
        let mut option = |code: u8, value: &[u8]| {
            out.extend([code, value.len() as u8]);
            out.extend(value);
        };
        if reply {
            option(54, &self.server.octets());
            option(51, &28_800_u32.to_be_bytes());
            option(1, &[255, 255, 0, 0]);
            option(3, &self.router.octets());
            option(6, &self.server.octets());
        } else {
            let identifier = [&[1][..], &self.mac.0].concat();
            option(61, &identifier);
            if kind == Kind::Request {
                option(50, &self.address.octets());
                option(54, &self.server.octets());
            }
            option(12, self.host_name.as_bytes());
            option(60, self.vendor_class.as_bytes());
            option(55, &[1, 3, 6, 15, 31, 33, 43, 44, 46, 47, 119, 121, 249, 252]);
        }
        out.push(255);
        out.resize(out.len().max(300), 0);
        out
    }
}
