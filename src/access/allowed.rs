//! [`Allowed<Action>`]: the only thing from which a handler obtains the database.
//!
//! It must be the first argument of a handler: it settles 403 at once, before any body is read.

use std::future::{Ready, ready};
use std::marker::PhantomData;
use std::sync::Arc;

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpMessage, HttpRequest, web};

use super::actions::Action;
use super::caller::Caller;
use super::policy::Permission;
use super::scope::Scope;
use crate::app::App;
use crate::platform::db::types::{Id, Timestamp};
use crate::platform::db::{Commit, Conn, Tx, Work};
use crate::platform::error::{Code, Problem};
use crate::platform::http::body::Settled;
use crate::platform::http::idempotency::{self, RepeatKey};
use crate::platform::http::{FieldError, Reply};

/// Proof of being `super`: only this module opens the database of an [`App`].
#[derive(Debug)]
pub struct DoorKey(());

/// What a caller may do, handed to every read and write beside the connection.
#[derive(Debug, Clone)]
pub struct Rights {
    /// Who asks.
    pub caller: Arc<Caller>,
    /// The instant at which rights were judged.
    pub now: Timestamp,
    any_of: &'static [Permission],
}

impl Rights {
    /// The scope of the action's first permission.
    #[must_use]
    pub fn scope(&self) -> Scope {
        self.any_of.first().map_or_else(
            || Scope { user_id: self.caller.user_id, reaches: Vec::new(), own_schools: Vec::new() },
            |permission| self.of(*permission),
        )
    }

    /// The scope of another permission of the same caller.
    #[must_use]
    pub fn of(&self, permission: Permission) -> Scope {
        self.caller.scope(permission, self.now)
    }

    /// Who asks.
    #[must_use]
    pub fn user_id(&self) -> Id {
        self.caller.user_id
    }

    /// Rights of a person outside a request: commands and the demo district, which call the same functions.
    #[must_use]
    pub fn of_caller(caller: Caller, now: Timestamp) -> Self {
        Self { caller: Arc::new(caller), now, any_of: &[] }
    }

    /// The same person using a function that asks for these permissions; [`Self::scope`] is that of the first.
    #[must_use]
    pub fn asking(self, any_of: &'static [Permission]) -> Self {
        Self { any_of, ..self }
    }
}

/// A caller who may use the function `A` somewhere. Where exactly is the scope's business.
pub struct Allowed<A> {
    app: web::Data<App>,
    rights: Rights,
    repeat: Result<Option<(String, String, String)>, Problem>,
    action: PhantomData<A>,
}

impl<A> std::fmt::Debug for Allowed<A> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Allowed").field("caller", &self.rights.caller.user_id).finish_non_exhaustive()
    }
}

impl<A: Action> Allowed<A> {
    /// The caller's rights.
    #[must_use]
    pub const fn rights(&self) -> &Rights {
        &self.rights
    }

    /// The application, for what is not the database.
    #[must_use]
    pub fn app(&self) -> &App {
        &self.app
    }

    /// Reads.
    ///
    /// # Errors
    /// 503 when the queue is full or the engine is away; whatever `f` says.
    pub async fn read<T, F>(&self, mut f: F) -> Result<T, Problem>
    where
        T: Send + 'static,
        F: FnMut(&mut Conn, &Rights) -> Result<T, Problem> + Send + 'static,
    {
        let rights = self.rights.clone();
        self.app.db(&DoorKey(())).read(move |conn| f(conn, &rights)).await
    }

    /// Writes, and keeps the answer for an `Idempotency-Key`. `body_hash` is the hash of the body, empty without one.
    /// `f` calls `tx.replay()` once it knows that the caller sees what the request is about.
    ///
    /// # Errors
    /// 422 for a key used with another body; 503, 507; whatever `f` says.
    pub async fn write<F>(&self, body_hash: &Arc<[u8]>, f: F) -> Result<Reply, Problem>
    where
        F: FnMut(&mut Tx<'_>, &Rights) -> Result<Commit<Reply>, Problem> + Send + 'static,
    {
        self.keep(self.work(), body_hash, f).await
    }

    async fn keep<F>(&self, mut work: Work, body_hash: &Arc<[u8]>, mut f: F) -> Result<Reply, Problem>
    where
        F: FnMut(&mut Tx<'_>, &Rights) -> Result<Commit<Reply>, Problem> + Send + 'static,
    {
        let rights = self.rights.clone();
        work.repeat = self.repeat.clone()?.map(|(method, path, key)| RepeatKey {
            user_id: rights.user_id(),
            method,
            path,
            key,
            body_hash: Arc::clone(body_hash),
        });
        let door = DoorKey(());
        let done = self.app.db(&door).write(work, move |tx| idempotency::once(tx, |tx| f(tx, &rights))).await;
        self.app.ripening.stir();
        done
    }

    /// Writes without keeping the answer: it holds a secret, or is no POST.
    ///
    /// # Errors
    /// 503, 507; whatever `f` says.
    pub async fn write_unkept<T, F>(&self, mut f: F) -> Result<T, Problem>
    where
        T: Send + 'static,
        F: FnMut(&mut Tx<'_>, &Rights) -> Result<Commit<T>, Problem> + Send + 'static,
    {
        let rights = self.rights.clone();
        let done = self.app.db(&DoorKey(())).write(self.work(), move |tx| f(tx, &rights)).await;
        self.app.ripening.stir();
        done
    }

    /// As [`Self::write`], in a commit of its own: imports.
    ///
    /// # Errors
    /// As [`Self::write`].
    pub async fn write_alone<F>(&self, body_hash: &Arc<[u8]>, f: F) -> Result<Reply, Problem>
    where
        F: FnMut(&mut Tx<'_>, &Rights) -> Result<Commit<Reply>, Problem> + Send + 'static,
    {
        self.keep(Work { alone: true, ..self.work() }, body_hash, f).await
    }

    fn work(&self) -> Work {
        Work {
            actor: Some(self.rights.user_id()),
            device: self.rights.caller.device.clone(),
            repeat: None,
            alone: false,
        }
    }
}

impl<A: Action> FromRequest for Allowed<A> {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(settle(request))
    }
}

fn settle<A: Action>(request: &HttpRequest) -> Result<Allowed<A>, Problem> {
    let app = request.app_data::<web::Data<App>>().cloned().ok_or_else(|| Problem::internal("no application"))?;
    let caller =
        request.extensions().get::<Arc<Caller>>().cloned().ok_or_else(|| Problem::new(Code::Unauthenticated))?;
    let now = app.clock.now();
    if caller.must_change_password && !A::WITH_ONE_TIME_PASSWORD {
        return Err(Problem::new(Code::PasswordChangeRequired));
    }
    if !A::ANY_OF.is_empty() && !A::ANY_OF.iter().any(|permission| caller.may(*permission, now)) {
        return Err(Problem::new(Code::Forbidden));
    }
    request.extensions_mut().insert(Settled);
    let rights = Rights { caller, now, any_of: A::ANY_OF };
    Ok(Allowed { app, rights, repeat: repeat_key(request), action: PhantomData })
}

/// Method, path with its query, and key of a POST that may be repeated.
fn repeat_key(request: &HttpRequest) -> Result<Option<(String, String, String)>, Problem> {
    let Some(header) = request.headers().get("Idempotency-Key") else {
        return Ok(None);
    };
    if request.method() != actix_web::http::Method::POST {
        return Ok(None);
    }
    let key = header.to_str().ok().filter(|key| !key.is_empty() && key.len() <= 255);
    let key = key.ok_or_else(|| {
        Problem::new(Code::InvalidParameter).errors(vec![FieldError::new(
            "Idempotency-Key",
            "invalid_format",
            "须为 1 至 255 个可见字符",
            "must be 1 to 255 visible characters",
        )])
    })?;
    let path = request.uri().path_and_query().map_or_else(|| request.path().to_owned(), ToString::to_string);
    Ok(Some((request.method().to_string(), path, key.to_owned())))
}

/// A call that needs no sign-in: signing in itself.
pub struct Public {
    app: web::Data<App>,
}

impl std::fmt::Debug for Public {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Public")
    }
}

impl Public {
    /// The application, for what is not the database.
    #[must_use]
    pub fn app(&self) -> &App {
        &self.app
    }

    /// Reads.
    ///
    /// # Errors
    /// 503; whatever `f` says.
    pub async fn read<T, F>(&self, f: F) -> Result<T, Problem>
    where
        T: Send + 'static,
        F: FnMut(&mut Conn) -> Result<T, Problem> + Send + 'static,
    {
        self.app.db(&DoorKey(())).read(f).await
    }

    /// Writes.
    ///
    /// # Errors
    /// 503, 507; whatever `f` says.
    pub async fn write<T, F>(&self, work: Work, f: F) -> Result<T, Problem>
    where
        T: Send + 'static,
        F: FnMut(&mut Tx<'_>) -> Result<Commit<T>, Problem> + Send + 'static,
    {
        self.app.db(&DoorKey(())).write(work, f).await
    }
}

impl FromRequest for Public {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        request.extensions_mut().insert(Settled);
        let app = request.app_data::<web::Data<App>>().cloned();
        ready(app.map(|app| Self { app }).ok_or_else(|| Problem::internal("no application")))
    }
}

pub(super) const fn door() -> DoorKey {
    DoorKey(())
}
