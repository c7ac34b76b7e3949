//! Where a call comes from: the peer's address, or behind trusted proxies the right-most address they did not add
//! themselves. What a stranger writes into `X-Forwarded-For` further to the left is never believed.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use ipnet::IpNet;

/// Who is counted as one caller: an IPv4 address, or a /64 of IPv6, which is what one household or school is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Origin {
    /// One address.
    V4(u32),
    /// The first 64 bits.
    V6(u64),
    /// Nobody knows: more callers than are remembered, or no peer at all. All of them together are one.
    Crowd,
}

impl From<IpAddr> for Origin {
    fn from(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V4(v4) => Self::V4(v4.to_bits()),
            IpAddr::V6(v6) => Self::V6(u64::try_from(v6.to_bits() >> 64).unwrap_or(0)),
        }
    }
}

/// The address of the caller. `forwarded` are the values of `X-Forwarded-For` in their order.
#[must_use]
pub fn of(peer: IpAddr, forwarded: &[&str], trusted: &[IpNet]) -> IpAddr {
    let trusts = |address: IpAddr| trusted.iter().any(|net| net.contains(&address.to_canonical()));
    let mut nearest = peer;
    let named: Vec<&str> = forwarded.iter().flat_map(|value| value.split(',')).collect();
    for word in named.iter().rev() {
        if !trusts(nearest) {
            break;
        }
        // What is no address was not written by a proxy we know: the last one that was stands for it.
        let Some(address) = parse(word.trim()) else { break };
        nearest = address;
    }
    nearest
}

/// `1.2.3.4`, `1.2.3.4:5`, `2001:db8::1`, `[2001:db8::1]`, `[2001:db8::1]:5`.
fn parse(word: &str) -> Option<IpAddr> {
    let bare = word.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    word.parse::<IpAddr>()
        .ok()
        .or_else(|| word.parse::<SocketAddr>().ok().map(|address| address.ip()))
        .or_else(|| bare?.parse::<Ipv6Addr>().ok().map(IpAddr::V6))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn nets(texts: &[&str]) -> Vec<IpNet> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn the_right_most_untrusted_address_is_the_caller() {
        let trusted = nets(&["10.0.0.0/8", "::1/128"]);
        assert_eq!(of(ip("10.0.0.1"), &["6.6.6.6, 1.2.3.4, 10.0.0.2"], &trusted), ip("1.2.3.4"));
        assert_eq!(of(ip("10.0.0.1"), &["6.6.6.6", "1.2.3.4:99"], &trusted), ip("1.2.3.4"));
        assert_eq!(of(ip("::1"), &["[2001:db8::7]:443"], &trusted), ip("2001:db8::7"));
        assert_eq!(of(ip("10.0.0.1"), &["1.2.3.4, unknown"], &trusted), ip("10.0.0.1"));
        assert_eq!(of(ip("10.0.0.1"), &[], &trusted), ip("10.0.0.1"));
    }

    #[test]
    fn a_network_of_ipv6_is_one_caller_and_a_mapped_address_is_ipv4() {
        assert_eq!(Origin::from(ip("2001:db8:0:1::1")), Origin::from(ip("2001:db8:0:1:ffff::2")));
        assert_ne!(Origin::from(ip("2001:db8:0:1::1")), Origin::from(ip("2001:db8:0:2::1")));
        assert_eq!(Origin::from(ip("::ffff:1.2.3.4")), Origin::from(ip("1.2.3.4")));
    }

    proptest! {
        #[test]
        fn a_stranger_cannot_choose_its_address(peer: [u8; 4], header in ".{0,60}") {
            prop_assume!(peer[0] != 10);
            let trusted = nets(&["10.0.0.0/8"]);
            prop_assert_eq!(of(peer.into(), &[&header], &trusted), IpAddr::from(peer));
        }

        #[test]
        fn what_stands_left_of_the_caller_changes_nothing(caller: [u8; 4], left in ".{0,60}") {
            prop_assume!(caller[0] != 10);
            let trusted = nets(&["10.0.0.0/8"]);
            let header = format!("{left}, {}, 10.0.0.9", IpAddr::from(caller));
            prop_assert_eq!(of(ip("10.0.0.1"), &[&header], &trusted), IpAddr::from(caller));
        }
    }
}
