//! Logs and figures. Logs are JSON lines without bodies, names or tokens; figures are Prometheus text.

use prometheus::{
    Encoder, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge, Opts, Registry, TextEncoder,
};

/// The figures of this process.
pub struct Metrics {
    registry: Registry,
    requests: HistogramVec,
    answers: IntCounterVec,
    read_queue: IntGauge,
    write_queue: IntGauge,
    warnings: IntCounter,
}

/// Methods that have figures of their own.
const METHODS: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];

impl Metrics {
    /// All figures at zero.
    ///
    /// # Errors
    /// When two figures have one name.
    pub fn new() -> Result<Self, prometheus::Error> {
        let registry = Registry::new();
        let buckets = vec![0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 1.0, 5.0];
        let requests = HistogramVec::new(
            HistogramOpts::new("anxiao_request_seconds", "Time from the first byte to the answer").buckets(buckets),
            &["method", "route"],
        )?;
        let answers =
            IntCounterVec::new(Opts::new("anxiao_answers_total", "Answers by status"), &["method", "route", "status"])?;
        let read_queue = IntGauge::new("anxiao_read_queue", "Reads waiting for a lane")?;
        let write_queue = IntGauge::new("anxiao_write_queue", "Writes waiting for a lane")?;
        let warnings = IntCounter::new("anxiao_warnings_total", "Notices that the timer of deadlines made")?;
        registry.register(Box::new(warnings.clone()))?;
        registry.register(Box::new(requests.clone()))?;
        registry.register(Box::new(answers.clone()))?;
        registry.register(Box::new(read_queue.clone()))?;
        registry.register(Box::new(write_queue.clone()))?;
        Ok(Self { registry, requests, answers, read_queue, write_queue, warnings })
    }

    /// Counts one answered call; `route` is the pattern, never the path.
    pub fn request(&self, method: &str, route: &str, status: u16, seconds: f64) {
        // A method is any word a stranger likes; each new one would be kept for ever.
        let method = if METHODS.contains(&method) { method } else { "other" };
        self.requests.with_label_values(&[method, route]).observe(seconds);
        self.answers.with_label_values(&[method, route, status.to_string().as_str()]).inc();
    }

    /// Counts notices that the timer of deadlines made.
    pub fn warned(&self, notices: usize) {
        self.warnings.inc_by(u64::try_from(notices).unwrap_or(u64::MAX));
    }

    /// The figures as Prometheus reads them; the queues as they are now.
    #[must_use]
    pub fn text(&self, waiting: (usize, usize)) -> String {
        self.read_queue.set(i64::try_from(waiting.0).unwrap_or(i64::MAX));
        self.write_queue.set(i64::try_from(waiting.1).unwrap_or(i64::MAX));
        let mut out = Vec::new();
        if let Err(error) = TextEncoder::new().encode(&self.registry.gather(), &mut out) {
            tracing::error!(%error, "the figures cannot be written");
        }
        String::from_utf8_lossy(&out).into_owned()
    }
}

/// Starts logging to standard error as JSON lines; `filter` as in `info,anxiao=debug`.
pub fn init(filter: &str) {
    use tracing_subscriber::{EnvFilter, fmt, layer::SubscriberExt, util::SubscriberInitExt};
    let filter = EnvFilter::try_new(filter).unwrap_or_else(|_| EnvFilter::new("info"));
    let lines = fmt::layer().json().flatten_event(true).with_target(false).with_writer(std::io::stderr);
    // A second start in one process (tests) keeps the first.
    drop(tracing_subscriber::registry().with(filter).with(lines).try_init());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_method_nobody_knows_makes_no_new_figure() {
        let metrics = Metrics::new().unwrap();
        for method in ["GET", "FROB1", "FROB2"] {
            metrics.request(method, "unknown", 405, 0.001);
        }
        let text = metrics.text((0, 0));
        assert!(text.contains("method=\"other\"") && text.contains("method=\"GET\"") && !text.contains("FROB"));
    }
}
