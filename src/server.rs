//! Middleware order, the list of routes, start and graceful stop.

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use actix_web::dev::{ResourceDef, ServerHandle};
use actix_web::middleware::{Compress, from_fn};
use actix_web::{App as HttpApp, HttpRequest, HttpResponse, HttpServer, web};
use utoipa::OpenApi as _;
use utoipa_actix_web::AppExt;
use utoipa_actix_web::service_config::ServiceConfig;

use crate::access::gate::gate;
use crate::app::App;
use crate::platform::error::{Code, Problem};
use crate::platform::http::edge::{Edge, edge};
use crate::{
    accounts, catalogue, documents, draws, evidence, hazards, inspections, ledgers, look_backs, months, notices,
    openapi, orgs, patrols, plans, recusals, reports, service, statistics, sync, uploads,
};

/// Every route, folder by folder.
pub fn routes(config: &mut ServiceConfig<'_>) {
    config
        .service(
            utoipa_actix_web::scope("/api/v1")
                .configure(accounts::routes)
                .configure(orgs::routes)
                .configure(catalogue::routes)
                .configure(inspections::routes)
                .configure(hazards::routes)
                .configure(evidence::routes)
                .configure(recusals::routes)
                .configure(draws::routes)
                .configure(look_backs::routes)
                .configure(documents::routes)
                .configure(notices::routes)
                .configure(ledgers::routes)
                .configure(statistics::routes)
                .configure(reports::routes)
                .configure(months::routes)
                .configure(uploads::routes)
                .configure(patrols::routes)
                .configure(plans::routes)
                .configure(sync::routes)
                .configure(service::routes),
        )
        .configure(service::outside);
}

/// A server that answers.
pub struct Running {
    /// Where the API listens.
    pub address: SocketAddr,
    /// Where the figures are, if they are.
    pub metrics_address: Option<SocketAddr>,
    app: web::Data<App>,
    handle: ServerHandle,
    metrics_handle: Option<ServerHandle>,
    ended: tokio::task::JoinHandle<std::io::Result<()>>,
    ripening: tokio::task::JoinHandle<()>,
}

/// Seconds for requests in flight to finish.
const FINISH: u64 = 25;

/// How to listen.
#[derive(Debug, Clone)]
pub struct Listen {
    /// The API.
    pub api: SocketAddr,
    /// The figures; a loopback address.
    pub metrics: Option<SocketAddr>,
    /// Threads that answer.
    pub workers: usize,
}

/// Binds and begins to answer, on the runtime it is called from.
///
/// # Errors
/// One sentence for the operator: an address that is taken, a key that cannot be derived.
pub fn start(app: App, listen: &Listen) -> Result<Running, String> {
    let bind = |address: SocketAddr| {
        TcpListener::bind(address).map_err(|error| format!("cannot listen on {address}: {error}"))
    };
    let socket = bind(listen.api)?;
    let address = socket.local_addr().map_err(|error| error.to_string())?;
    let metrics_socket = listen.metrics.map(bind).transpose()?;
    let metrics_address = metrics_socket.as_ref().and_then(|socket| socket.local_addr().ok());
    let cursor_key = web::Data::new(app.tokens.cursor_key().map_err(|problem| problem.to_string())?);
    let edge_data = web::Data::new(Edge {
        ids: Arc::clone(&app.ids),
        clock: Arc::clone(&app.clock),
        metrics: Arc::clone(&app.metrics),
    });
    let app = web::Data::new(app);
    let paths = web::Data::new(service::Paths::of(openapi::document())?);
    let shared = app.clone();
    let server = HttpServer::new(move || {
        HttpApp::new()
            .app_data(shared.clone())
            .app_data(cursor_key.clone())
            .app_data(edge_data.clone())
            .app_data(paths.clone())
            .into_utoipa_app()
            .openapi(openapi::Document::openapi())
            .configure(routes)
            .split_for_parts()
            .0
            .default_service(web::to(elsewhere))
            .wrap(from_fn(gate))
            .wrap(from_fn(edge))
            .wrap(Compress::default())
    })
    .workers(listen.workers.max(1))
    .client_request_timeout(Duration::from_secs(5))
    .client_disconnect_timeout(Duration::from_secs(2))
    .keep_alive(Duration::from_secs(75))
    // A compressed answer leaves in two parts; without this the second waits 40 ms for the client's acknowledgement.
    .tcp_nodelay(true)
    .shutdown_timeout(FINISH)
    .disable_signals()
    .listen(socket)
    .map_err(|error| format!("cannot listen on {address}: {error}"))?
    .run();
    let metrics_handle = metrics_socket.map(|socket| serve_metrics(socket, app.clone())).transpose()?;
    let handle = server.handle();
    let ended = actix_web::rt::spawn(server);
    let works = app.clone();
    let ripening = actix_web::rt::spawn(async move { works.ripening.work().await });
    Ok(Running { address, metrics_address, app, handle, metrics_handle, ended, ripening })
}

fn serve_metrics(socket: TcpListener, app: web::Data<App>) -> Result<ServerHandle, String> {
    let server = HttpServer::new(move || HttpApp::new().app_data(app.clone()).service(service::metrics))
        .workers(1)
        .disable_signals()
        .listen(socket)
        .map_err(|error| format!("cannot listen for the figures: {error}"))?
        .run();
    let handle = server.handle();
    actix_web::rt::spawn(server);
    Ok(handle)
}

impl Running {
    /// Readiness goes first; requests in flight finish; then the sockets close.
    pub async fn stop(self) {
        self.app.leave();
        self.ripening.abort();
        self.handle.stop(true).await;
        if let Some(metrics) = self.metrics_handle {
            metrics.stop(false).await;
        }
        drop(self.ended.await);
    }

    /// Says that no new work should come, and goes on answering.
    pub fn leave(&self) {
        self.app.leave();
    }
}

/// What no route answers: 405 where another method would, else 404.
async fn elsewhere(request: HttpRequest, paths: web::Data<service::Paths>) -> Result<HttpResponse, Problem> {
    let methods = paths.methods(request.path());
    if methods.is_empty() || methods.iter().any(|method| *method == request.method().as_str()) {
        return Err(Problem::not_found());
    }
    Err(Problem { allow: Some(methods.join(", ")), ..Problem::new(Code::MethodNotAllowed) })
}

/// Keeps [`ResourceDef`] out of the modules that only ask for methods.
pub(crate) fn pattern(path: &str) -> ResourceDef {
    ResourceDef::new(path)
}
