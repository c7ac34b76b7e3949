//! `anxiao serve`.

use std::sync::Arc;
use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use super::{prepare_folder, say};
use crate::access::turnstile::Turnstile;
use crate::accounts::tokens::Tokens;
use crate::app::App;
use crate::config::Config;
use crate::notices::retention::Retention;
use crate::notices::warning::{self, Warnings};
use crate::plans::due::{self, Due};
use crate::platform::clock::{Clock, SystemClock};
use crate::platform::db::{Db, in_use, migrations};
use crate::platform::files::Files;
use crate::platform::ids::{Ids, SystemIds};
use crate::platform::jobs;
use crate::platform::telemetry::{self, Metrics};
use crate::reports::{self, Compartment};
use crate::server::{self, Listen};
use crate::uploads::sweep;

/// Flags of `serve`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Load the fictional demo district first if the database is empty
    #[arg(long)]
    demo: bool,
}

/// Serves until it is told to stop.
pub fn run(config: &Config, args: &Args) -> Result<(), String> {
    telemetry::init(&config.log);
    prepare_folder(config)?;
    let _serving = in_use::serve(&config.database)?;
    migrations::run(&config.database)?;
    let ids = Arc::new(SystemIds);
    let tokens = Tokens::open(&config.signing_key_file, ids.as_ref())?;
    let compartment = Arc::new(Compartment::open(&config.contact_key_file, ids.as_ref())?);
    let metrics = Arc::new(Metrics::new().map_err(|error| error.to_string())?);
    let files = Files::open(&config.files)?;
    let epoch = super::epoch(config)?;
    let db = Db::start(&config.database, &config.db, Arc::new(SystemClock), Arc::<SystemIds>::clone(&ids), epoch)
        .map_err(|error| format!("no threads for the database: {error}"))?;
    actix_web::rt::System::new().block_on(async {
        crate::built_in::install(&db).await.map_err(|problem| problem.to_string())?;
        if args.demo {
            let today = crate::demo::today(&SystemClock);
            let loaded = crate::demo::load_if_empty(&db, &config.database, &compartment, today).await?;
            if loaded {
                say("the demo district is loaded");
            }
        }
        let demo = crate::demo::has_demo_accounts(&db).await.map_err(|problem| problem.to_string())?;
        if demo && !config.listen.ip().is_loopback() && !config.allow_demo {
            return Err(format!(
                "this database holds demo accounts with a published password: listening on {} is refused; use a \
                 loopback address, another database, or --allow-demo",
                config.listen
            ));
        }
        let keys = compartment.key_ids();
        if let Some(sentence) = reports::unopened(&db, keys).await.map_err(|problem| problem.to_string())? {
            tracing::error!(file = %config.contact_key_file.display(), "{sentence}");
            say(&format!("{}: {sentence}", config.contact_key_file.display()));
        }
        let turnstile = Turnstile::new(config.limits, config.trusted_proxies.clone(), Arc::new(SystemClock));
        let (stop, stopped) = watch::channel(false);
        let warnings = warn_by_the_clock(config, &db, ids.as_ref(), Arc::clone(&metrics), stopped);
        let sweeping = sweep_by_the_clock(&db, &files, stop.subscribe());
        let keys = (tokens, compartment);
        let app = App::new(db, Arc::new(SystemClock), ids, keys, turnstile, metrics, files.clone())
            .taking(config.evidence)
            .uploading(config.uploads)
            .exporting_in(config.data_dir.join("tmp"));
        if let Err(sentence) = files.check().await {
            // It may be back in a minute; until then evidence is answered with 503 and everything else works.
            tracing::error!("the evidence store does not work: {sentence}");
            say(&format!("the evidence store does not work: {sentence}"));
        }
        let listen = Listen { api: config.listen, metrics: Some(config.metrics_listen), workers: config.workers };
        let running = server::start(app, &listen)?;
        say(&format!("anxiao listens on http://{} (database {})", running.address, config.database));
        say(&format!("the API page is http://{}/docs", running.address));
        if demo {
            say(&format!("demo sign-ins: {}", crate::demo::SIGN_INS.join(", ")));
            say(&format!("all with the password {}", crate::demo::PASSWORD));
        }
        wait_for_the_end().await?;
        running.leave();
        stop.send_replace(true);
        tokio::time::sleep(Duration::from_millis(config.drain_ms)).await;
        running.stop().await;
        drop(tokio::time::timeout(Duration::from_secs(1), sweeping).await);
        if let Some(warnings) = warnings {
            // A page is a matter of milliseconds; what is not finished then, another run does.
            drop(tokio::time::timeout(Duration::from_secs(5), warnings).await);
        }
        Ok(())
    })
}

/// How soon after the start deadlines are looked at.
const FIRST_LOOK: Duration = Duration::from_secs(5);

/// Looks at deadlines and recurring plans every so many minutes in the background; what fails is logged and tried again
/// next time.
fn warn_by_the_clock(
    config: &Config,
    db: &Db,
    ids: &SystemIds,
    metrics: Arc<Metrics>,
    stopped: watch::Receiver<bool>,
) -> Option<tokio::task::JoinHandle<()>> {
    let between = match config.warn_every_minutes {
        0 => return None,
        minutes => Duration::from_secs(minutes * 60),
    };
    let holder = ids.next(SystemClock.now());
    let work = Warnings { db: db.clone(), clock: Arc::new(SystemClock), lease: Some(warning::lease(holder)) };
    let plans = Due { db: db.clone(), clock: Arc::new(SystemClock), lease: Some(due::lease(holder)) };
    let days = config.keep_read_notices_days;
    let retention = Retention { db: db.clone(), clock: Arc::new(SystemClock), days };
    let asked = stopped.clone();
    Some(actix_web::rt::spawn(jobs::repeat(FIRST_LOOK, between, stopped, async move || {
        match retention.run(&|| !*asked.borrow()).await {
            Ok(deleted) => tracing::info!(deleted, "notices read long ago were looked at"),
            Err(problem) => tracing::error!(%problem, "notices read long ago could not be deleted"),
        }
        match work.run(&|| !*asked.borrow()).await {
            Ok(outcome) => {
                metrics.warned(outcome.made);
                tracing::info!(notices = outcome.made, elsewhere = outcome.elsewhere, "deadlines were looked at");
            }
            Err(problem) => tracing::error!(%problem, "deadlines could not be looked at"),
        }
        match plans.run(&|| !*asked.borrow()).await {
            Ok(inspections) => tracing::info!(inspections, "recurring plans were looked at"),
            Err(problem) => tracing::error!(%problem, "recurring plans could not be looked at"),
        }
    })))
}

/// Removes uploads that nobody goes on with, a minute after the start and every hour.
fn sweep_by_the_clock(db: &Db, files: &Files, stopped: watch::Receiver<bool>) -> tokio::task::JoinHandle<()> {
    let (db, files) = (db.clone(), files.clone());
    actix_web::rt::spawn(jobs::repeat(Duration::from_secs(60), Duration::from_secs(3600), stopped, async move || {
        match sweep::sweep(&db, &files).await {
            Ok(ended) => tracing::info!(ended, "uploads were swept"),
            Err(problem) => tracing::error!(%problem, "uploads could not be swept"),
        }
    }))
}

async fn wait_for_the_end() -> Result<(), String> {
    let listen = |kind| signal(kind).map_err(|error| format!("no signals: {error}"));
    let (mut terminate, mut interrupt) = (listen(SignalKind::terminate())?, listen(SignalKind::interrupt())?);
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    Ok(())
}
