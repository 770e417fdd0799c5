//! An Ethernet address.

use std::fmt;

/// A 48-bit MAC address (IEEE 802), in transmission order.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Mac(pub [u8; 6]);

impl Mac {
    /// `ff:ff:ff:ff:ff:ff`: every station.
    pub const BROADCAST: Self = Self([0xff; 6]);
    /// All zero: the unknown address of an ARP request.
    pub const ZERO: Self = Self([0; 6]);

    /// The address made of a vendor's 24-bit prefix (OUI) and a 24-bit serial; higher bits of both are dropped.
    #[must_use]
    pub const fn from_oui(oui: u32, serial: u32) -> Self {
        let (o, s) = (oui.to_be_bytes(), serial.to_be_bytes());
        Self([o[1], o[2], o[3], s[1], s[2], s[3]])
    }
}

impl fmt::Display for Mac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, e, g] = self.0;
        write!(f, "{a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{g:02x}")
    }
}

impl fmt::Debug for Mac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
