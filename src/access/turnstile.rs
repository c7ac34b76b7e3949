//! How often a stranger may call: sign-in, public reports, asking after them. Each node counts for itself; what must hold
//! over all nodes (sign-in failures of an account, reports of a bureau in a day) stands in the database.
//!
//! The memory of it is bounded: addresses that have been quiet are forgotten, and when there are still too many, all
//! callers share one measure until the crowd has passed.

use std::hash::Hash;
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use governor::clock::Clock as Watch;
use governor::middleware::NoOpMiddleware;
use governor::state::keyed::HashMapStateStore;
use governor::{Quota, RateLimiter};
use ipnet::IpNet;

use super::address::{self, Origin};
use crate::platform::clock::Clock;
use crate::platform::db::types::Id;
use crate::platform::error::{Code, Problem};

/// Most callers remembered by one measure: some ten megabytes at the worst.
const REMEMBERED: usize = 100_000;
/// After this many calls the quiet ones are forgotten.
const SWEEP: usize = 4096;

/// A public call that is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Call {
    /// Signing in, and renewing tokens.
    SignIn,
    /// Reporting something.
    Report,
    /// Asking what became of it.
    Track,
    /// Handing in what a device holds without signing in; counted with sign-ins.
    HandIn,
}

/// How often; 0 turns a limit off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Sign-ins and renewals of one address in a minute.
    pub sign_ins_per_minute: u32,
    /// Public reports of one address in an hour.
    pub reports_per_address: u32,
    /// Public reports about one school in an hour.
    pub reports_per_school: u32,
    /// Public reports in a minute, whoever sends them.
    pub reports_per_minute: u32,
    /// Questions of one address after reports in a minute.
    pub trackings_per_minute: u32,
    /// Public reports to one bureau in 24 hours, over all nodes.
    pub reports_per_day: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            sign_ins_per_minute: 30,
            reports_per_address: 20,
            reports_per_school: 60,
            reports_per_minute: 60,
            trackings_per_minute: 30,
            reports_per_day: 1000,
        }
    }
}

/// The application's clock, as the limiter reads it: time since 1970.
#[derive(Clone)]
struct Hands(Arc<dyn Clock>);

impl Watch for Hands {
    type Instant = Duration;

    fn now(&self) -> Duration {
        Duration::from_micros(u64::try_from(self.0.now().micros()).unwrap_or(0))
    }
}

type Limiter<K> = RateLimiter<K, HashMapStateStore<K>, Hands, NoOpMiddleware<Duration>>;

/// One limit, counted for each key.
struct Measure<K: Hash + Eq + Clone> {
    limiter: Option<Limiter<K>>,
    hands: Hands,
    crowd: K,
    most: usize,
    calls: AtomicUsize,
}

impl<K: Hash + Eq + Clone> Measure<K> {
    fn new(count: u32, period: Duration, hands: &Hands, crowd: K, most: usize) -> Self {
        let quota = NonZeroU32::new(count)
            .and_then(|count| Quota::with_period(period / count.get()).map(|quota| quota.allow_burst(count)));
        let limiter = quota.map(|quota| RateLimiter::hashmap_with_clock(quota, hands.clone()));
        Self { limiter, hands: hands.clone(), crowd, most, calls: AtomicUsize::new(0) }
    }

    fn admit(&self, key: K) -> Result<(), Problem> {
        let Some(limiter) = &self.limiter else { return Ok(()) };
        if self.calls.fetch_add(1, Ordering::Relaxed).is_multiple_of(SWEEP) {
            limiter.retain_recent();
        }
        let key = if limiter.len() < self.most { key } else { self.crowd.clone() };
        limiter.check_key(&key).map_err(|until| {
            let wait = until.wait_time_from(self.hands.now());
            refused(wait.as_secs().saturating_add(1))
        })
    }

    fn len(&self) -> usize {
        self.limiter.as_ref().map_or(0, RateLimiter::len)
    }
}

/// 429, to come back after so many seconds.
#[must_use]
pub fn refused(seconds: u64) -> Problem {
    Problem { retry_after: Some(u32::try_from(seconds).unwrap_or(u32::MAX)), ..Problem::new(Code::TooManyRequests) }
}

/// All the measures of a node.
pub struct Turnstile {
    /// The limits in force.
    pub limits: Limits,
    trusted: Vec<IpNet>,
    sign_ins: Measure<Origin>,
    reports: Measure<Origin>,
    trackings: Measure<Origin>,
    schools: Measure<Option<Id>>,
    all: Measure<()>,
}

impl std::fmt::Debug for Turnstile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Turnstile").field("limits", &self.limits).finish_non_exhaustive()
    }
}

impl Turnstile {
    /// With nobody remembered. `trusted` are the networks of proxies whose `X-Forwarded-For` counts.
    #[must_use]
    pub fn new(limits: Limits, trusted: Vec<IpNet>, clock: Arc<dyn Clock>) -> Self {
        let hands = Hands(clock);
        let (minute, hour) = (Duration::from_secs(60), Duration::from_secs(3600));
        let of = |count, period| Measure::new(count, period, &hands, Origin::Crowd, REMEMBERED);
        Self {
            limits,
            trusted,
            sign_ins: of(limits.sign_ins_per_minute, minute),
            reports: of(limits.reports_per_address, hour),
            trackings: of(limits.trackings_per_minute, minute),
            schools: Measure::new(limits.reports_per_school, hour, &hands, None, REMEMBERED),
            all: Measure::new(limits.reports_per_minute, minute, &hands, (), 2),
        }
    }

    /// Who calls.
    #[must_use]
    pub fn origin(&self, peer: Option<IpAddr>, forwarded: &[&str]) -> Origin {
        peer.map_or(Origin::Crowd, |peer| address::of(peer, forwarded, &self.trusted).into())
    }

    /// Counts a public call.
    ///
    /// # Errors
    /// 429 with `Retry-After`.
    pub fn admit(&self, call: Call, origin: Origin) -> Result<(), Problem> {
        match call {
            Call::SignIn | Call::HandIn => self.sign_ins.admit(origin),
            Call::Track => self.trackings.admit(origin),
            Call::Report => {
                self.reports.admit(origin)?;
                self.all.admit(())
            }
        }
    }

    /// Counts a public report about a school.
    ///
    /// # Errors
    /// 429 with `Retry-After`.
    pub fn admit_about(&self, school: Id) -> Result<(), Problem> {
        self.schools.admit(Some(school))
    }

    /// How many callers are remembered.
    #[must_use]
    pub fn remembered(&self) -> usize {
        self.sign_ins.len() + self.reports.len() + self.trackings.len() + self.schools.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::platform::clock::SetClock;

    fn clock() -> Arc<SetClock> {
        SetClock::new(chrono::DateTime::from_timestamp(1_772_000_000, 0).unwrap())
    }

    #[test]
    fn a_caller_who_asks_too_often_waits_and_others_do_not() {
        let clock = clock();
        let limits = Limits { reports_per_address: 3, ..Limits::default() };
        let turnstile = Turnstile::new(limits, Vec::new(), Arc::<SetClock>::clone(&clock));
        for _ in 0..3 {
            turnstile.admit(Call::Report, Origin::V4(1)).unwrap();
        }
        let problem = turnstile.admit(Call::Report, Origin::V4(1)).unwrap_err();
        let wait = problem.retry_after.unwrap();
        assert!((1..=1201).contains(&wait), "{wait}");
        turnstile.admit(Call::Report, Origin::V4(2)).unwrap();
        clock.advance(chrono::Duration::seconds(i64::from(wait)));
        turnstile.admit(Call::Report, Origin::V4(1)).unwrap();
    }

    #[test]
    fn quiet_callers_are_forgotten_and_a_crowd_shares_one_measure() {
        let clock = clock();
        let hands = Hands(Arc::<SetClock>::clone(&clock));
        let measure = Measure::new(2, Duration::from_secs(60), &hands, Origin::Crowd, 1000);
        let refused = (0..20_000).filter(|n| measure.admit(Origin::V6(*n)).is_err()).count();
        assert!(measure.len() <= 1001 && refused >= 18_000, "{} remembered, {refused} refused", measure.len());
        clock.advance(chrono::Duration::seconds(120));
        for _ in 0..=SWEEP {
            let _ = measure.admit(Origin::V4(7));
        }
        assert!(measure.len() <= 3, "{} remembered", measure.len());
    }

    #[test]
    fn zero_turns_a_limit_off() {
        let turnstile = Turnstile::new(Limits { sign_ins_per_minute: 0, ..Limits::default() }, Vec::new(), clock());
        assert!((0..10_000).all(|_| turnstile.admit(Call::SignIn, Origin::V4(1)).is_ok()));
        assert_eq!(turnstile.remembered(), 0);
    }
}
