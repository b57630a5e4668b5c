//! Wrong tokens, counted for each address that they come from.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How long wrong tokens are counted together.
const WINDOW: Duration = Duration::from_secs(60);
/// How many addresses are counted at once; who has more of them than that is not held up by a count for each.
const MOST_ADDRESSES: usize = 4096;

/// The wrong tokens of this minute. Right ones are never held up, so that nobody shuts out others who come through the
/// same proxy; what is bounded is what wrong ones cost.
#[derive(Debug)]
pub(super) struct Failures {
    most: u32,
    minute: Mutex<Minute>,
}

#[derive(Debug)]
struct Minute {
    since: Instant,
    counts: HashMap<IpAddr, u32>,
}

impl Failures {
    /// Lets so many wrong tokens a minute be told that they are wrong.
    pub fn new(most: u32) -> Failures {
        Failures {
            most,
            minute: Mutex::new(Minute {
                since: Instant::now(),
                counts: HashMap::new(),
            }),
        }
    }

    /// Counts a wrong token; the seconds to wait if there have been too many.
    pub fn count(&self, from: IpAddr, now: Instant) -> Option<u64> {
        let mut minute = self.minute.lock().unwrap_or_else(PoisonError::into_inner);
        let passed = now.saturating_duration_since(minute.since);
        if passed >= WINDOW {
            (minute.since, minute.counts) = (now, HashMap::new());
        }
        let known = minute.counts.len();
        let from = network(from);
        let count = match minute.counts.get_mut(&from) {
            Some(count) => count,
            None if known >= MOST_ADDRESSES => return None,
            None => minute.counts.entry(from).or_default(),
        };
        *count = count.saturating_add(1);
        let left = WINDOW.saturating_sub(now.saturating_duration_since(minute.since));
        (minute.counts.get(&from) > Some(&self.most)).then_some(left.as_secs() + 1)
    }
}

/// Who has an IPv6 address has 2^64 of them.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => IpAddr::V4(address),
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() >> 64 << 64)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wrong_tokens_are_counted_for_each_address_and_minute() {
        let failures = Failures::new(2);
        let now = Instant::now();
        let (ada, bob) = (IpAddr::from([10, 0, 0, 1]), IpAddr::from([10, 0, 0, 2]));
        assert_eq!(failures.count(ada, now), None);
        assert_eq!(failures.count(ada, now), None);
        assert!(failures.count(ada, now).is_some_and(|wait| (1..=61).contains(&wait)));
        assert_eq!(failures.count(bob, now), None);
        let later = now + WINDOW + Duration::from_secs(1);
        assert_eq!(failures.count(ada, later), None);
    }

    #[test]
    fn the_addresses_of_one_network_are_counted_together() {
        let failures = Failures::new(1);
        let now = Instant::now();
        let address = |text: &str| text.parse::<IpAddr>().unwrap();
        assert_eq!(failures.count(address("2001:db8::1"), now), None);
        assert!(failures.count(address("2001:db8::2"), now).is_some());
        assert_eq!(failures.count(address("2001:db8:0:1::1"), now), None);
        assert_eq!(failures.count(address("10.0.0.1"), now), None);
        assert!(failures.count(address("::ffff:10.0.0.1"), now).is_some());
    }

    #[test]
    fn memory_is_bounded() {
        let failures = Failures::new(1);
        let now = Instant::now();
        for number in 0..100_000u32 {
            failures.count(IpAddr::from(number.to_be_bytes()), now);
        }
        assert_eq!(failures.minute.lock().unwrap().counts.len(), MOST_ADDRESSES);
    }
}
