//! Networks and MACs as they are written.

use ipnet::IpNet;
use serde::{Deserialize, Deserializer, de};

use crate::state::SiteAddr;

/// `10.20.0.0/16`, or one address, which stands for itself alone.
///
/// # Errors
/// What is wrong and how to write it.
pub(super) fn network(text: &str) -> Result<IpNet, String> {
    let net = match (text.parse::<IpNet>(), text.parse::<std::net::IpAddr>()) {
        (Ok(net), _) => net,
        (_, Ok(ip)) => IpNet::from(ip),
        _ => return Err(format!("`{text}` is no network; write it as 10.20.0.0/16")),
    };
    let whole = net.trunc();
    if whole != net {
        return Err(format!("`{net}` has bits behind its prefix; write {whole}"));
    }
    Ok(net)
}

struct Network(IpNet);

impl<'de> Deserialize<'de> for Network {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        network(&String::deserialize(deserializer)?).map(Self).map_err(de::Error::custom)
    }
}

/// A list of networks, each failure at its own line.
pub(super) fn networks<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<IpNet>, D::Error> {
    Ok(Vec::<Network>::deserialize(deserializer)?.into_iter().map(|Network(net)| net).collect())
}

/// `10.20.0.5`, or `192.168.0.10%cell-3`.
pub(super) fn address<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<SiteAddr>, D::Error> {
    let text = String::deserialize(deserializer)?;
    text.parse().map(Some).map_err(|_| {
        let how = "write it as 10.20.0.5, or 192.168.0.10%cell-3 where zones reuse networks";
        de::Error::custom(format!("`{text}` is no address; {how}"))
    })
}

/// `00:11:22:33:44:55` or `00-11-22-33-44-55`, if there is one.
pub(super) fn mac<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<[u8; 6]>, D::Error> {
    let text = String::deserialize(deserializer)?;
    let bytes: Option<Vec<u8>> = text
        .split([':', '-'])
        .map(|part| if part.len() == 2 { u8::from_str_radix(part, 16).ok() } else { None })
        .collect();
    match bytes.and_then(|bytes| <[u8; 6]>::try_from(bytes).ok()) {
        Some(mac) => Ok(Some(mac)),
        None => Err(de::Error::custom(format!("`{text}` is no MAC; write it as 00:11:22:33:44:55"))),
    }
}

#[cfg(test)]
mod tests {
    use super::network;

    #[test]
    fn one_address_is_a_network_of_one() {
        assert_eq!(network("10.1.2.3"), Ok("10.1.2.3/32".parse().unwrap()));
    }

    #[test]
    fn bits_behind_the_prefix_are_refused_with_the_right_spelling() {
        assert_eq!(
            network("10.20.0.5/16"),
            Err("`10.20.0.5/16` has bits behind its prefix; write 10.20.0.0/16".into())
        );
    }
}
