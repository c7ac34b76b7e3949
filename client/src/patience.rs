//! How long to wait before trying again: longer each time, never all phones at once, never less than the server asks.

use std::time::Duration;

/// Waits between tries.
#[derive(Debug, Clone)]
pub struct Patience {
    least: Duration,
    most: Duration,
    failures: u32,
}

impl Default for Patience {
    fn default() -> Self {
        Self::new(Duration::from_secs(1), Duration::from_secs(300))
    }
}

impl Patience {
    /// From `least` after the first failure, doubling up to `most`.
    #[must_use]
    pub const fn new(least: Duration, most: Duration) -> Self {
        Self { least, most, failures: 0 }
    }

    /// It worked: begin anew.
    pub const fn calm(&mut self) {
        self.failures = 0;
    }

    /// How long to wait now: anything up to the doubled time (a thousand phones that lost the same network come back
    /// spread over it), and at least what the server asked for. `chance` is random.
    #[must_use]
    pub fn wait(&mut self, asked: Option<Duration>, chance: u64) -> Duration {
        let top = self.least.saturating_mul(2_u32.saturating_pow(self.failures.min(16))).min(self.most);
        self.failures = self.failures.saturating_add(1);
        let millis = u64::try_from(top.as_millis()).unwrap_or(u64::MAX);
        let jitter = Duration::from_millis(chance % millis.saturating_add(1));
        match asked {
            Some(asked) => asked + jitter.min(self.least),
            None => jitter,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_are_spread_and_never_undercut_the_server() {
        let mut patience = Patience::new(Duration::from_secs(1), Duration::from_secs(60));
        let longest: Vec<u64> = (0..8).map(|_| patience.wait(None, u64::MAX - 1).as_secs()).collect();
        assert!(longest.iter().all(|wait| *wait <= 60));
        let mut patience = Patience::new(Duration::from_secs(1), Duration::from_secs(60));
        for tries in 0..10 {
            let top = (1_u64 << tries).min(60) * 1000;
            assert_eq!(patience.clone().wait(None, top), Duration::from_millis(top));
            assert_eq!(patience.wait(None, top + 1), Duration::ZERO);
        }
        assert!(patience.wait(Some(Duration::from_secs(30)), 12_345) >= Duration::from_secs(30));
        patience.calm();
        assert!(patience.wait(None, 999).as_millis() <= 1000);
    }
}
