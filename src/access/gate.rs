//! Sign-in, before any body is read: every call under `/api/v1` but the public ones needs a token that still counts.
//!
//! A verified token is remembered by its hash until it expires, and the caller's memberships with it. Both are
//! forgotten as soon as rights change: on SQLite by a counter in this process, on PostgreSQL, where other nodes write
//! too, by reading the version of the session's rights at each call.

use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, PoisonError};

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::AUTHORIZATION;
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage, web};
use lru::LruCache;
use sha2::{Digest, Sha256};

use super::allowed::door;
use super::caller::{self, Caller};
use super::turnstile::Call;
use crate::accounts::tokens::Claims;
use crate::app::App;
use crate::platform::db::types::Id;
use crate::platform::error::{Code, Problem};
use crate::platform::http::body::Most;
use crate::platform::http::list::CallerId;

/// Calls that need no sign-in, and what they are counted as.
pub const PUBLIC: &[(&str, &str, Option<Call>)] = &[
    ("POST", "/api/v1/auth/login", Some(Call::SignIn)),
    ("POST", "/api/v1/auth/refresh", Some(Call::SignIn)),
    ("POST", "/api/v1/public/reports", Some(Call::Report)),
    ("POST", "/api/v1/public/reports/progress", Some(Call::Track)),
    ("GET", "/api/v1/evidence-links", None),
    ("OPTIONS", "/api/v1/uploads", None),
    ("POST", "/api/v1/sync/hand-in", Some(Call::HandIn)),
    ("GET", "/api/v1/meta", None),
    ("GET", "/api/v1/openapi.json", None),
];

/// Most bytes of what somebody without an account sends about a school.
const PUBLIC_BODY: usize = 16 << 10;

/// What is remembered of tokens and callers.
pub struct Remembered {
    tokens: Mutex<LruCache<[u8; 32], Claims>>,
    callers: Mutex<LruCache<Id, (u64, Arc<Caller>)>>,
}

const REMEMBERED: NonZeroUsize = NonZeroUsize::new(16_384).unwrap();

impl Default for Remembered {
    fn default() -> Self {
        Self { tokens: Mutex::new(LruCache::new(REMEMBERED)), callers: Mutex::new(LruCache::new(REMEMBERED)) }
    }
}

/// The middleware.
///
/// # Errors
/// Never: every failure has become an answer.
pub async fn gate<B: MessageBody + 'static>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let path = request.path();
    let public = PUBLIC.iter().find(|(method, public, _)| *public == path && *method == request.method().as_str());
    if let Some((_, _, Some(call))) = public {
        if let Err(problem) = count(&request, *call) {
            return Ok(request.error_response(problem));
        }
    } else if public.is_none() && path.starts_with("/api/") {
        match sign_in(&request).await {
            Ok(caller) => {
                request.extensions_mut().insert(CallerId(caller.user_id));
                request.extensions_mut().insert(caller);
            }
            Err(problem) => return Ok(request.error_response(problem)),
        }
    }
    next.call(request).await.map(ServiceResponse::map_into_boxed_body)
}

/// Counts a public call before anything of it is read.
fn count(request: &ServiceRequest, call: Call) -> Result<(), Problem> {
    let app = request.app_data::<web::Data<App>>().ok_or_else(|| Problem::internal("no application"))?;
    let forwarded: Vec<&str> = request.headers().get_all(FORWARDED).filter_map(|value| value.to_str().ok()).collect();
    let origin = app.turnstile.origin(request.peer_addr().map(|peer| peer.ip()), &forwarded);
    if matches!(call, Call::Report | Call::Track) {
        request.extensions_mut().insert(Most(PUBLIC_BODY));
    }
    app.turnstile.admit(call, origin)
}

/// What proxies say of whom they speak for.
const FORWARDED: &str = "x-forwarded-for";

async fn sign_in(request: &ServiceRequest) -> Result<Arc<Caller>, Problem> {
    let refused = || Problem::new(Code::Unauthenticated);
    let app = request.app_data::<web::Data<App>>().cloned().ok_or_else(|| Problem::internal("no application"))?;
    let mut headers = request.headers().get_all(AUTHORIZATION);
    let (header, second) = (headers.next(), headers.next());
    let header = header.filter(|_| second.is_none()).ok_or_else(refused)?;
    let (scheme, token) = header.to_str().ok().and_then(|text| text.split_once(' ')).ok_or_else(refused)?;
    if !scheme.eq_ignore_ascii_case("bearer") || token.len() > 2048 {
        return Err(refused());
    }
    let claims = claims(&app, token)?;
    remembered_caller(&app, claims).await
}

fn claims(app: &App, token: &str) -> Result<Claims, Problem> {
    let hash: [u8; 32] = Sha256::digest(token.as_bytes()).into();
    let known = lock(&app.remembered.tokens).get(&hash).cloned();
    let claims = match known {
        Some(claims) => claims,
        None => {
            let claims = app.tokens.verify(token)?;
            lock(&app.remembered.tokens).put(hash, claims.clone());
            claims
        }
    };
    if claims.exp <= app.clock.now().utc().timestamp() {
        return Err(Problem::new(Code::Unauthenticated));
    }
    Ok(claims)
}

async fn remembered_caller(app: &App, claims: Claims) -> Result<Arc<Caller>, Problem> {
    let refused = || Problem::new(Code::Unauthenticated);
    let session_id = claims.sid;
    // Taken before reading: a change that commits meanwhile leaves an entry that is already stale.
    let epoch = app.db(&door()).rights_epoch();
    let known = lock(&app.remembered.callers).get(&session_id).cloned().filter(|(at, _)| *at == epoch);
    if let Some((_, caller)) = known {
        if app.db(&door()).is_sqlite() {
            return Ok(caller);
        }
        let version = app.db(&door()).read(move |conn| caller::rights_version(conn, session_id)).await?;
        match version {
            Some(version) if version == caller.rights_version => return Ok(caller),
            Some(_) => {}
            None => return Err(refused()),
        }
    }
    let caller = app.db(&door()).read(move |conn| caller::load(conn, session_id)).await?.ok_or_else(refused)?;
    if caller.user_id != claims.sub {
        return Err(refused());
    }
    let caller = Arc::new(caller);
    lock(&app.remembered.callers).put(session_id, (epoch, Arc::clone(&caller)));
    Ok(caller)
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
