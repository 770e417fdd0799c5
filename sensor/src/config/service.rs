//! A service in allowances and conduits: a protocol by its content, or a port.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::protocol::{Port, REGISTRY, carries};

/// `modbus`, `tcp/502`, `udp/161`, `ethertype/0x8892`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Service {
    /// A protocol by its name in `network.protocol`, on whatever port.
    Protocol(&'static str),
    /// A port, whatever is spoken there.
    Port(Port),
}

impl Service {
    /// Whether a connection to `port` on which `protocol` was recognised is this service.
    pub fn is(&self, protocol: Option<&str>, port: Option<Port>) -> bool {
        match self {
            Self::Protocol(name) => protocol.is_some_and(|spoken| spoken == *name || carries(spoken, name)),
            Self::Port(this) => port == Some(*this),
        }
    }
}

impl FromStr for Service {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let port = |number: &str| number.parse::<u16>().ok().filter(|port| *port != 0);
        // Below 0x600 the field is a length (IEEE 802.3).
        let ethertype = |number: &str| {
            u16::from_str_radix(number.strip_prefix("0x")?, 16).ok().filter(|number| *number >= 0x600)
        };
        match text.split_once('/') {
            Some(("tcp", number)) if let Some(port) = port(number) => Ok(Self::Port(Port::Tcp(port))),
            Some(("udp", number)) if let Some(port) = port(number) => Ok(Self::Port(Port::Udp(port))),
            Some(("ethertype", number)) if let Some(number) = ethertype(number) => {
                Ok(Self::Port(Port::EtherType(number)))
            }
            _ => match REGISTRY.iter().find(|spec| spec.name == text) {
                Some(spec) => Ok(Self::Protocol(spec.name)),
                None => {
                    let known: Vec<&str> = REGISTRY.iter().map(|spec| spec.name).collect();
                    Err(format!(
                        "`{text}` is no service; write tcp/PORT, udp/PORT, ethertype/0xNUMBER or one of {}",
                        known.join(", ")
                    ))
                }
            },
        }
    }
}

impl<'de> Deserialize<'de> for Service {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

impl fmt::Display for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Protocol(name) => f.write_str(name),
            Self::Port(port) => port.fmt(f),
        }
    }
}

impl Serialize for Service {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_protocol_is_meant_on_any_port_and_a_port_whatever_is_spoken() {
        let modbus: Service = "modbus".parse().unwrap();
        assert!(modbus.is(Some("modbus"), Some(Port::Tcp(5020))));
        assert!(!modbus.is(None, Some(Port::Tcp(502))));
        let port: Service = "udp/161".parse().unwrap();
        assert!(port.is(None, Some(Port::Udp(161))));
        assert!(!port.is(None, Some(Port::Tcp(161))));
        let link: Service = "ethertype/0x8892".parse().unwrap();
        assert!(link.is(None, Some(Port::EtherType(0x8892))));
        assert_eq!(link.to_string(), "ethertype/0x8892");
    }

    #[test]
    fn what_travels_in_a_protocol_is_meant_by_its_own_name_too() {
        let cip: Service = "cip".parse().unwrap();
        assert!(cip.is(Some("enip"), Some(Port::Tcp(44_818))));
        let enip: Service = "enip".parse().unwrap();
        assert!(!enip.is(Some("cip"), Some(Port::Udp(2222))));
    }

    #[test]
    fn what_is_no_service_is_refused_with_what_would_be() {
        for text in ["tcp/0", "tcp/65536", "ethertype/0x05ff", "ethertype/2048", "sctp/1", "502", "modbusss"]
        {
            assert!(text.parse::<Service>().unwrap_err().contains("; write tcp/PORT"), "{text}");
        }
    }
}
