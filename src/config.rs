//! What an operator sets: defaults, then a file, then the environment, then flags. Unknown keys are errors.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use clap::Args;
use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use crate::access::turnstile::Limits;
use crate::evidence;
use crate::platform::db::{DatabaseUrl, DbOptions};
use crate::platform::files::settings as files;
use crate::platform::uploads;
use crate::platform::uploads::arrivals::Daily;

/// Settings as given in one place; what is not given is left to the place before.
#[derive(Debug, Clone, Default, Args, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Given {
    /// Where the records are kept: `sqlite:PATH` or `postgres://USER:PASSWORD@HOST/DATABASE` [default:
    /// sqlite:DATA_DIR/anxiao.db]
    #[arg(long, global = true, env = "ANXIAO_DATABASE_URL", hide_env_values = true, value_name = "URL")]
    pub database_url: Option<String>,
    /// Folder for the SQLite file and the signing key [default: ./data]
    #[arg(long, global = true, env = "ANXIAO_DATA_DIR", value_name = "DIR")]
    pub data_dir: Option<PathBuf>,
    /// File with the keys that sign access tokens; nodes share it [default: DATA_DIR/signing-key.json]
    #[arg(long, global = true, env = "ANXIAO_SIGNING_KEY_FILE", value_name = "FILE")]
    pub signing_key_file: Option<PathBuf>,
    /// File with the key of the compartment of reporters' contacts; nodes share it [default: DATA_DIR/contact-key.json]
    #[arg(long, global = true, env = "ANXIAO_CONTACT_KEY_FILE", value_name = "FILE")]
    pub contact_key_file: Option<PathBuf>,
    /// Where photos and files are kept: a folder, or `s3://BUCKET[/PREFIX]` [default: DATA_DIR/evidence]
    #[arg(long, global = true, env = "ANXIAO_EVIDENCE_STORE", value_name = "PLACE")]
    pub evidence_store: Option<String>,
    /// Folder of uploads in progress; nodes share it [default: .parts in the store's folder; with S3 DATA_DIR/parts]
    #[arg(long, global = true, env = "ANXIAO_EVIDENCE_PARTS", value_name = "DIR")]
    pub evidence_parts: Option<PathBuf>,
    /// S3: `https://HOST[:PORT]`
    #[arg(long, global = true, env = "ANXIAO_EVIDENCE_S3_ENDPOINT", value_name = "URL")]
    pub evidence_s3_endpoint: Option<String>,
    /// S3: the region that signatures name [default: us-east-1]
    #[arg(long, global = true, env = "ANXIAO_EVIDENCE_S3_REGION", value_name = "NAME")]
    pub evidence_s3_region: Option<String>,
    /// S3: access key id
    #[arg(long, global = true, env = "ANXIAO_EVIDENCE_S3_KEY_ID", value_name = "ID")]
    pub evidence_s3_key_id: Option<String>,
    /// S3: secret access key; better in the environment or in a file than here
    #[arg(long, global = true, env = "ANXIAO_EVIDENCE_S3_SECRET", hide_env_values = true, value_name = "SECRET")]
    pub evidence_s3_secret: Option<String>,
    /// S3: file that holds the secret access key
    #[arg(long, global = true, env = "ANXIAO_EVIDENCE_S3_SECRET_FILE", value_name = "FILE")]
    pub evidence_s3_secret_file: Option<PathBuf>,
    /// S3: ENDPOINT/BUCKET/KEY rather than BUCKET.ENDPOINT/KEY [default: true]
    #[arg(long, global = true, env = "ANXIAO_EVIDENCE_S3_PATH_STYLE", num_args = 0..=1, default_missing_value = "true", value_name = "BOOL")]
    pub evidence_s3_path_style: Option<bool>,
    /// S3: file of the certificates, in PEM, to trust instead of the public ones
    #[arg(long, global = true, env = "ANXIAO_EVIDENCE_S3_CA_FILE", value_name = "FILE")]
    pub evidence_s3_ca_file: Option<PathBuf>,
    /// What is logged, as in `info` or `warn,anxiao=debug` [default: info]
    #[arg(long, global = true, env = "ANXIAO_LOG", value_name = "FILTER")]
    pub log: Option<String>,
    /// Address of the API [default: 127.0.0.1:8080]
    #[arg(long, global = true, env = "ANXIAO_LISTEN", value_name = "ADDRESS")]
    pub listen: Option<SocketAddr>,
    /// Loopback address of the figures for Prometheus [default: 127.0.0.1:9464]
    #[arg(long, global = true, env = "ANXIAO_METRICS_LISTEN", value_name = "ADDRESS")]
    pub metrics_listen: Option<SocketAddr>,
    /// Threads that answer requests [default: one for each core]
    #[arg(long, global = true, env = "ANXIAO_WORKERS", value_name = "N")]
    pub workers: Option<usize>,
    /// Threads that read from the database [default: 4]
    #[arg(long, global = true, env = "ANXIAO_READ_LANES", value_name = "N")]
    pub read_lanes: Option<usize>,
    /// Threads that write to PostgreSQL; SQLite has always one [default: 4]
    #[arg(long, global = true, env = "ANXIAO_WRITE_LANES", value_name = "N")]
    pub write_lanes: Option<usize>,
    /// Jobs that may wait for the database before a caller gets 503 [default: 1024]
    #[arg(long, global = true, env = "ANXIAO_QUEUE", value_name = "N")]
    pub queue: Option<usize>,
    /// SQLite: most writes in one commit; 1 turns group commit off [default: 256]
    #[arg(long, global = true, env = "ANXIAO_BATCH", value_name = "N")]
    pub batch: Option<usize>,
    /// Milliseconds between "not ready" and the end of listening when stopping [default: 500]
    #[arg(long, global = true, env = "ANXIAO_DRAIN_MS", value_name = "MS")]
    pub drain_ms: Option<u64>,
    /// Networks of proxies whose X-Forwarded-For is believed, as in 10.0.0.0/8,192.0.2.7/32 [default: none]
    #[arg(long, global = true, env = "ANXIAO_TRUSTED_PROXIES", value_delimiter = ',', value_name = "CIDR")]
    pub trusted_proxies: Option<Vec<IpNet>>,
    /// Sign-ins of one address in a minute; 0 for no limit [default: 30]
    #[arg(long, global = true, env = "ANXIAO_SIGN_INS_PER_MINUTE", value_name = "N")]
    pub sign_ins_per_minute: Option<u32>,
    /// Public reports of one address in an hour; 0 for no limit [default: 20]
    #[arg(long, global = true, env = "ANXIAO_REPORTS_PER_ADDRESS", value_name = "N")]
    pub reports_per_address: Option<u32>,
    /// Public reports about one school in an hour; 0 for no limit [default: 60]
    #[arg(long, global = true, env = "ANXIAO_REPORTS_PER_SCHOOL", value_name = "N")]
    pub reports_per_school: Option<u32>,
    /// Public reports in a minute, whoever sends them; 0 for no limit [default: 60]
    #[arg(long, global = true, env = "ANXIAO_REPORTS_PER_MINUTE", value_name = "N")]
    pub reports_per_minute: Option<u32>,
    /// Questions of one address after public reports in a minute; 0 for no limit [default: 30]
    #[arg(long, global = true, env = "ANXIAO_TRACKINGS_PER_MINUTE", value_name = "N")]
    pub trackings_per_minute: Option<u32>,
    /// Public reports to one bureau in 24 hours, over all nodes; 0 for no limit [default: 1000]
    #[arg(long, global = true, env = "ANXIAO_REPORTS_PER_DAY", value_name = "N")]
    pub reports_per_day: Option<u32>,
    /// Uploads of one person that may be under way [default: 20]
    #[arg(long, global = true, env = "ANXIAO_UPLOADS_PER_USER", value_name = "N")]
    pub uploads_per_user: Option<u32>,
    /// GiB of uploads of one bureau that may be under way [default: 20]
    #[arg(long, global = true, env = "ANXIAO_UPLOADS_GIB_PER_BUREAU", value_name = "N")]
    pub uploads_gib_per_bureau: Option<u64>,
    /// GiB of evidence that may arrive of one person in a day [default: 10]
    #[arg(long, global = true, env = "ANXIAO_EVIDENCE_GIB_PER_USER", value_name = "N")]
    pub evidence_gib_per_user: Option<u64>,
    /// Files of evidence that may arrive of one person in a day [default: 5000]
    #[arg(long, global = true, env = "ANXIAO_EVIDENCE_FILES_PER_USER", value_name = "N")]
    pub evidence_files_per_user: Option<u64>,
    /// Most MiB of a photo or document [default: 20]
    #[arg(long, global = true, env = "ANXIAO_EVIDENCE_PHOTO_MIB", value_name = "N")]
    pub evidence_photo_mib: Option<u64>,
    /// Most MiB of a video [default: 200]
    #[arg(long, global = true, env = "ANXIAO_EVIDENCE_VIDEO_MIB", value_name = "N")]
    pub evidence_video_mib: Option<u64>,
    /// Minutes between two looks at deadlines, each telling whom it concerns; 0 turns them off [default: 10]
    #[arg(long, global = true, env = "ANXIAO_WARN_EVERY_MINUTES", value_name = "N")]
    pub warn_every_minutes: Option<u64>,
    /// Days that a notice stays in an inbox after it was read; 0 keeps all [default: 365]
    #[arg(long, global = true, env = "ANXIAO_KEEP_READ_NOTICES_DAYS", value_name = "N")]
    pub keep_read_notices_days: Option<u32>,
    /// Let a server that holds demo accounts listen beyond loopback
    #[arg(long, global = true, env = "ANXIAO_ALLOW_DEMO", num_args = 0..=1, default_missing_value = "true", value_name = "BOOL")]
    pub allow_demo: Option<bool>,
}

/// The settings in force.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where the records are kept.
    pub database: DatabaseUrl,
    /// Folder of the server's own files.
    pub data_dir: PathBuf,
    /// The signing keys.
    pub signing_key_file: PathBuf,
    /// The keys of reporters' contacts.
    pub contact_key_file: PathBuf,
    /// Whose X-Forwarded-For is believed.
    pub trusted_proxies: Vec<IpNet>,
    /// How often strangers may call.
    pub limits: Limits,
    /// Where photos and files are kept.
    pub files: files::Settings,
    /// How much may be arriving in pieces.
    pub uploads: uploads::Limits,
    /// How long evidence may be.
    pub evidence: evidence::Limits,
    /// The log filter.
    pub log: String,
    /// The API.
    pub listen: SocketAddr,
    /// The figures.
    pub metrics_listen: SocketAddr,
    /// Threads that answer.
    pub workers: usize,
    /// Lanes, queues and commits.
    pub db: DbOptions,
    /// Milliseconds between "not ready" and the end of listening.
    pub drain_ms: u64,
    /// Minutes between two looks at deadlines; 0 for none.
    pub warn_every_minutes: u64,
    /// Days that a notice stays after it was read; for ever where nothing is said.
    pub keep_read_notices_days: Option<u32>,
    /// Demo accounts may be served beyond loopback.
    pub allow_demo: bool,
}

impl Given {
    /// Settings of a TOML file.
    ///
    /// # Errors
    /// One sentence that names the file and the key.
    pub fn from_file(path: &Path) -> Result<Self, String> {
        let text = std::fs::read_to_string(path)
            .map_err(|error| format!("the config file {} cannot be read: {error}", path.display()))?;
        toml::from_str(&text)
            .map_err(|error| format!("the config file {} is not valid: {}", path.display(), error.message()))
    }

    /// `self` over `below`.
    #[must_use]
    pub fn over(self, below: Self) -> Self {
        Self {
            database_url: self.database_url.or(below.database_url),
            data_dir: self.data_dir.or(below.data_dir),
            signing_key_file: self.signing_key_file.or(below.signing_key_file),
            contact_key_file: self.contact_key_file.or(below.contact_key_file),
            evidence_store: self.evidence_store.or(below.evidence_store),
            evidence_parts: self.evidence_parts.or(below.evidence_parts),
            evidence_s3_endpoint: self.evidence_s3_endpoint.or(below.evidence_s3_endpoint),
            evidence_s3_region: self.evidence_s3_region.or(below.evidence_s3_region),
            evidence_s3_key_id: self.evidence_s3_key_id.or(below.evidence_s3_key_id),
            evidence_s3_secret: self.evidence_s3_secret.or(below.evidence_s3_secret),
            evidence_s3_secret_file: self.evidence_s3_secret_file.or(below.evidence_s3_secret_file),
            evidence_s3_path_style: self.evidence_s3_path_style.or(below.evidence_s3_path_style),
            evidence_s3_ca_file: self.evidence_s3_ca_file.or(below.evidence_s3_ca_file),
            trusted_proxies: self.trusted_proxies.or(below.trusted_proxies),
            sign_ins_per_minute: self.sign_ins_per_minute.or(below.sign_ins_per_minute),
            reports_per_address: self.reports_per_address.or(below.reports_per_address),
            reports_per_school: self.reports_per_school.or(below.reports_per_school),
            reports_per_minute: self.reports_per_minute.or(below.reports_per_minute),
            trackings_per_minute: self.trackings_per_minute.or(below.trackings_per_minute),
            reports_per_day: self.reports_per_day.or(below.reports_per_day),
            uploads_per_user: self.uploads_per_user.or(below.uploads_per_user),
            uploads_gib_per_bureau: self.uploads_gib_per_bureau.or(below.uploads_gib_per_bureau),
            evidence_gib_per_user: self.evidence_gib_per_user.or(below.evidence_gib_per_user),
            evidence_files_per_user: self.evidence_files_per_user.or(below.evidence_files_per_user),
            evidence_photo_mib: self.evidence_photo_mib.or(below.evidence_photo_mib),
            evidence_video_mib: self.evidence_video_mib.or(below.evidence_video_mib),
            log: self.log.or(below.log),
            listen: self.listen.or(below.listen),
            metrics_listen: self.metrics_listen.or(below.metrics_listen),
            workers: self.workers.or(below.workers),
            read_lanes: self.read_lanes.or(below.read_lanes),
            write_lanes: self.write_lanes.or(below.write_lanes),
            queue: self.queue.or(below.queue),
            batch: self.batch.or(below.batch),
            drain_ms: self.drain_ms.or(below.drain_ms),
            warn_every_minutes: self.warn_every_minutes.or(below.warn_every_minutes),
            keep_read_notices_days: self.keep_read_notices_days.or(below.keep_read_notices_days),
            allow_demo: self.allow_demo.or(below.allow_demo),
        }
    }

    /// The settings in force.
    ///
    /// # Errors
    /// One sentence that names what is wrong.
    pub fn settle(self) -> Result<Config, String> {
        let data_dir = self.data_dir.unwrap_or_else(|| PathBuf::from("./data"));
        let url = self.database_url.unwrap_or_else(|| format!("sqlite:{}", data_dir.join("anxiao.db").display()));
        let metrics_listen = self.metrics_listen.unwrap_or_else(|| SocketAddr::from(([127, 0, 0, 1], 9464)));
        if !metrics_listen.ip().is_loopback() {
            return Err(format!("metrics_listen {metrics_listen} is not a loopback address"));
        }
        let cores = std::thread::available_parallelism().map_or(2, std::num::NonZero::get);
        let defaults = DbOptions::default();
        let usual = Limits::default();
        let at_least_one = |name: &str, given: Option<usize>, default: usize| match given {
            Some(0) => Err(format!("{name} must be at least 1")),
            Some(number) => Ok(number),
            None => Ok(default),
        };
        let mib = |name: &str, given: Option<u64>, default: u64| match given.unwrap_or(default) {
            number @ 1..=4096 => Ok(number << 20),
            _ => Err(format!("{name} must be from 1 to 4096")),
        };
        let files = files::Given {
            store: self.evidence_store,
            parts: self.evidence_parts,
            endpoint: self.evidence_s3_endpoint,
            region: self.evidence_s3_region,
            key_id: self.evidence_s3_key_id,
            secret: self.evidence_s3_secret,
            secret_file: self.evidence_s3_secret_file,
            path_style: self.evidence_s3_path_style,
            ca_file: self.evidence_s3_ca_file,
        };
        Ok(Config {
            files: files.settle(&data_dir)?,
            uploads: uploads::Limits {
                per_user: match self.uploads_per_user {
                    Some(0) => return Err("uploads_per_user must be at least 1".into()),
                    given => given.unwrap_or(uploads::Limits::default().per_user),
                },
                per_bureau: match self.uploads_gib_per_bureau {
                    None => uploads::Limits::default().per_bureau,
                    Some(number @ 1..=1_048_576) => number << 30,
                    Some(_) => return Err("uploads_gib_per_bureau must be from 1 to 1048576".into()),
                },
                ..uploads::Limits::default()
            },
            evidence: evidence::Limits {
                photo: mib("evidence_photo_mib", self.evidence_photo_mib, 20)?,
                video: mib("evidence_video_mib", self.evidence_video_mib, 200)?,
                a_day: Daily {
                    bytes: match self.evidence_gib_per_user {
                        None => Daily::default().bytes,
                        Some(number @ 1..=1_048_576) => number << 30,
                        Some(_) => return Err("evidence_gib_per_user must be from 1 to 1048576".into()),
                    },
                    files: match self.evidence_files_per_user {
                        Some(0) => return Err("evidence_files_per_user must be at least 1".into()),
                        given => given.unwrap_or(Daily::default().files),
                    },
                },
            },
            database: DatabaseUrl::parse(&url)?,
            signing_key_file: self.signing_key_file.unwrap_or_else(|| data_dir.join("signing-key.json")),
            contact_key_file: self.contact_key_file.unwrap_or_else(|| data_dir.join("contact-key.json")),
            data_dir,
            trusted_proxies: self.trusted_proxies.unwrap_or_default(),
            limits: Limits {
                sign_ins_per_minute: self.sign_ins_per_minute.unwrap_or(usual.sign_ins_per_minute),
                reports_per_address: self.reports_per_address.unwrap_or(usual.reports_per_address),
                reports_per_school: self.reports_per_school.unwrap_or(usual.reports_per_school),
                reports_per_minute: self.reports_per_minute.unwrap_or(usual.reports_per_minute),
                trackings_per_minute: self.trackings_per_minute.unwrap_or(usual.trackings_per_minute),
                reports_per_day: self.reports_per_day.unwrap_or(usual.reports_per_day),
            },
            log: self.log.unwrap_or_else(|| "info".to_owned()),
            listen: self.listen.unwrap_or_else(|| SocketAddr::from(([127, 0, 0, 1], 8080))),
            metrics_listen,
            workers: at_least_one("workers", self.workers, cores)?,
            db: DbOptions {
                read_lanes: at_least_one("read_lanes", self.read_lanes, defaults.read_lanes)?,
                write_lanes: at_least_one("write_lanes", self.write_lanes, defaults.write_lanes)?,
                queue: at_least_one("queue", self.queue, defaults.queue)?,
                batch_jobs: at_least_one("batch", self.batch, defaults.batch_jobs)?,
                batch_ms: defaults.batch_ms,
                statements: None,
            },
            drain_ms: self.drain_ms.unwrap_or(500),
            warn_every_minutes: match self.warn_every_minutes {
                Some(minutes) if minutes > 1440 => return Err("warn_every_minutes must be at most 1440, a day".into()),
                given => given.unwrap_or(10),
            },
            keep_read_notices_days: match self.keep_read_notices_days {
                Some(days) if days > 36_500 => return Err("keep_read_notices_days must be at most 36500".into()),
                given => Some(given.unwrap_or(365)).filter(|days| *days > 0),
            },
            allow_demo: self.allow_demo.unwrap_or(false),
        })
    }
}

impl Config {
    /// The settings as a config file, without secrets.
    #[must_use]
    pub fn print(&self) -> String {
        let s3 = self.files.place.bucket();
        let given = Given {
            evidence_store: Some(self.files.place.print()),
            evidence_parts: Some(self.files.parts.clone()),
            evidence_s3_endpoint: s3.map(|place| place.endpoint.clone()),
            evidence_s3_region: s3.map(|place| place.region.clone()),
            evidence_s3_key_id: s3.map(|place| place.key_id.clone()),
            evidence_s3_secret: None,
            evidence_s3_secret_file: None,
            evidence_s3_path_style: s3.map(|place| place.path_style),
            evidence_s3_ca_file: s3.and_then(|place| place.ca_file.clone()),
            database_url: Some(self.database.to_string()),
            data_dir: Some(self.data_dir.clone()),
            signing_key_file: Some(self.signing_key_file.clone()),
            contact_key_file: Some(self.contact_key_file.clone()),
            trusted_proxies: Some(self.trusted_proxies.clone()),
            sign_ins_per_minute: Some(self.limits.sign_ins_per_minute),
            reports_per_address: Some(self.limits.reports_per_address),
            reports_per_school: Some(self.limits.reports_per_school),
            reports_per_minute: Some(self.limits.reports_per_minute),
            trackings_per_minute: Some(self.limits.trackings_per_minute),
            reports_per_day: Some(self.limits.reports_per_day),
            uploads_per_user: Some(self.uploads.per_user),
            uploads_gib_per_bureau: Some(self.uploads.per_bureau >> 30),
            evidence_gib_per_user: Some(self.evidence.a_day.bytes >> 30),
            evidence_files_per_user: Some(self.evidence.a_day.files),
            evidence_photo_mib: Some(self.evidence.photo >> 20),
            evidence_video_mib: Some(self.evidence.video >> 20),
            log: Some(self.log.clone()),
            listen: Some(self.listen),
            metrics_listen: Some(self.metrics_listen),
            workers: Some(self.workers),
            read_lanes: Some(self.db.read_lanes),
            write_lanes: Some(self.db.write_lanes),
            queue: Some(self.db.queue),
            batch: Some(self.db.batch_jobs),
            drain_ms: Some(self.drain_ms),
            warn_every_minutes: Some(self.warn_every_minutes),
            keep_read_notices_days: Some(self.keep_read_notices_days.unwrap_or(0)),
            allow_demo: Some(self.allow_demo),
        };
        toml::to_string(&given).unwrap_or_default()
    }
}

/// Names that the environment may set beside those of [`Given`].
const OTHER_NAMES: &[&str] = &["ANXIAO_CONFIG"];

/// A misspelt variable is an error, not silence.
///
/// # Errors
/// One sentence that names the variable.
pub fn refuse_unknown_environment(known: &[String], names: impl Iterator<Item = String>) -> Result<(), String> {
    for name in names.filter(|name| name.starts_with("ANXIAO_")) {
        if !known.contains(&name) && !OTHER_NAMES.contains(&name.as_str()) {
            return Err(format!("the environment variable {name} is not known"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_win_over_files_and_unknown_keys_are_errors() {
        let file: Given = toml::from_str("listen = \"127.0.0.1:1\"\nlog = \"warn\"").unwrap();
        let flags = Given { listen: Some("127.0.0.1:2".parse().unwrap()), ..Given::default() };
        let config = flags.over(file).settle().unwrap();
        assert_eq!((config.listen.port(), config.log.as_str()), (2, "warn"));
        assert!(toml::from_str::<Given>("listn = \"127.0.0.1:1\"").is_err());
    }

    #[test]
    fn figures_stay_on_loopback_and_print_shows_no_password() {
        let given = Given { metrics_listen: Some("0.0.0.0:1".parse().unwrap()), ..Given::default() };
        assert!(given.settle().is_err());
        let given = Given { database_url: Some("postgres://u:geheim@h/d".into()), ..Given::default() };
        assert!(!given.settle().unwrap().print().contains("geheim"));
    }

    #[test]
    fn a_misspelt_variable_is_named() {
        let names = ["ANXIAO_LISTN".to_owned()].into_iter();
        assert!(refuse_unknown_environment(&["ANXIAO_LISTEN".into()], names).unwrap_err().contains("ANXIAO_LISTN"));
    }
}
