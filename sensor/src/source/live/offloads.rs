//! What an interface can do and does by itself, asked through generic netlink.

use std::io;

use super::netlink::{Netlink, attributes, put, text};

const CONTROL_FAMILY: u16 = 0x10;
const CTRL_CMD_GETFAMILY: u8 = 3;
const CTRL_ATTR_FAMILY_ID: u16 = 1;
const CTRL_ATTR_FAMILY_NAME: u16 = 2;
/// Bytes of `struct genlmsghdr`.
const GENERIC_HEADER: usize = 4;
const NESTED: u16 = 0x8000;

const ETHTOOL_MSG_FEATURES_GET: u8 = 11;
const ETHTOOL_A_FEATURES_HEADER: u16 = 1;
const ETHTOOL_A_HEADER_DEV_INDEX: u16 = 1;
const ETHTOOL_A_FEATURES_ACTIVE: u16 = 4;
const ETHTOOL_A_BITSET_BITS: u16 = 3;
const ETHTOOL_A_BITSET_BIT_NAME: u16 = 2;

const NETDEV_CMD_DEV_GET: u8 = 1;
const NETDEV_A_DEV_IFINDEX: u16 = 1;
const NETDEV_A_DEV_XDP_FEATURES: u16 = 3;

/// `NETDEV_XDP_ACT_BASIC`: native XDP.
pub const XDP_BASIC: u64 = 1;
/// `NETDEV_XDP_ACT_RX_SG`: native XDP with frames in several buffers.
pub const XDP_FRAGMENTS: u64 = 32;

/// Generic netlink, with the kernel's families by name.
pub struct Generic {
    netlink: Netlink,
}

impl Generic {
    /// Opens a socket.
    ///
    /// # Errors
    /// When the kernel gives none.
    pub fn open() -> io::Result<Self> {
        Ok(Self { netlink: Netlink::generic()? })
    }

    fn ask(&self, family: &str, command: u8, body: &[u8]) -> io::Result<Vec<Vec<u8>>> {
        let mut name = message(CTRL_CMD_GETFAMILY);
        put(&mut name, CTRL_ATTR_FAMILY_NAME, format!("{family}\0").as_bytes());
        let answers = self.netlink.ask(CONTROL_FAMILY, 0, &name)?;
        let id = answers
            .iter()
            .flat_map(|answer| values(answer))
            .find(|(kind, _)| *kind == CTRL_ATTR_FAMILY_ID)
            .and_then(|(_, value)| value.first_chunk::<2>().map(|id| u16::from_ne_bytes(*id)))
            .ok_or(io::ErrorKind::NotFound)?;
        let mut request = message(command);
        request.extend_from_slice(body);
        self.netlink.ask(id, 0, &request)
    }

    /// Names of the features that are on, as `ethtool -k` knows them to the kernel.
    ///
    /// # Errors
    /// When the kernel does not tell.
    pub fn features(&self, interface: u32) -> io::Result<Vec<String>> {
        let (mut header, mut body) = (Vec::new(), Vec::new());
        put(&mut header, ETHTOOL_A_HEADER_DEV_INDEX, &interface.to_ne_bytes());
        put(&mut body, ETHTOOL_A_FEATURES_HEADER | NESTED, &header);
        let answers = self.ask("ethtool", ETHTOOL_MSG_FEATURES_GET, &body)?;
        let bits = answers
            .iter()
            .flat_map(|answer| values(answer))
            .filter(|(kind, _)| *kind == ETHTOOL_A_FEATURES_ACTIVE)
            .flat_map(|(_, set)| attributes(set))
            .filter(|(kind, _)| *kind == ETHTOOL_A_BITSET_BITS)
            .flat_map(|(_, bits)| attributes(bits));
        // The set is sent without a mask: what is listed is on.
        let names = bits.filter_map(|(_, bit)| {
            attributes(bit).find(|(kind, _)| *kind == ETHTOOL_A_BITSET_BIT_NAME).map(|(_, name)| text(name))
        });
        Ok(names.collect())
    }

    /// `NETDEV_XDP_ACT_*` bits of the driver. Kernels before 6.3 do not tell.
    ///
    /// # Errors
    /// When the kernel does not tell.
    pub fn xdp(&self, interface: u32) -> io::Result<u64> {
        let mut body = Vec::new();
        put(&mut body, NETDEV_A_DEV_IFINDEX, &interface.to_ne_bytes());
        let answers = self.ask("netdev", NETDEV_CMD_DEV_GET, &body)?;
        answers
            .iter()
            .flat_map(|answer| values(answer))
            .find(|(kind, _)| *kind == NETDEV_A_DEV_XDP_FEATURES)
            .and_then(|(_, value)| value.first_chunk::<8>().map(|bits| u64::from_ne_bytes(*bits)))
            .ok_or_else(|| io::ErrorKind::NotFound.into())
    }
}

fn message(command: u8) -> Vec<u8> {
    vec![command, 1, 0, 0]
}

fn values(answer: &[u8]) -> impl Iterator<Item = (u16, &[u8])> {
    attributes(answer.get(GENERIC_HEADER..).unwrap_or_default())
}
