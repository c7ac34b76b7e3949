//! The one way in for content.

use actix_multipart::{Multipart, MultipartError};
use actix_web::HttpRequest;
use actix_web::web::{Bytes, Payload};
use futures_util::{StreamExt, TryStreamExt};
use std::time::Duration;
use tokio::time::{Instant, timeout};

use super::store::{self, Awaited, Content, EvidenceView};
use super::studio::Examined;
use crate::access::Allowed;
use crate::access::actions::Action;
use crate::platform::db::Commit;
use crate::platform::db::types::Id;
use crate::platform::error::{Code, Problem};
use crate::platform::files::{Files, Key, Rendition, Staged};
use crate::platform::http::FieldError;

/// A sender who is silent so long is cut off.
const SILENCE: Duration = Duration::from_secs(20);
/// What a sender has besides its rate.
const GRACE: Duration = Duration::from_secs(30);
/// Bytes a second below which a sender only holds a connection.
const SLOWEST: u64 = 8 * 1024;
/// The name of the field in a form.
const FIELD: &str = "file";

/// Takes the content of a piece of evidence: checked against what was declared, looked at, kept, and only then linked.
/// The same content again changes nothing and is no error.
///
/// # Errors
/// 404, 403; 422 `wrong_hash` naming both; 413, 415, 422 by what the file is; 429, 503, 507.
pub async fn received<A: Action>(allowed: &Allowed<A>, id: Id, staged: Staged) -> Result<EvidenceView, Problem> {
    let awaited = allowed.read(move |conn, rights| store::awaited(conn, rights, id)).await?;
    as_declared(&awaited, &staged)?;
    if awaited.received {
        return allowed
            .read(move |conn, rights| {
                let row = store::seen(conn, rights, id)?;
                store::view(conn, rights, row)
            })
            .await;
    }
    let files = &allowed.app().files;
    let (staged, examined) = examine(allowed, staged).await?;
    let content = keep(files, &awaited, staged, examined).await?;
    let most = allowed.app().studio.limits.a_day;
    allowed
        .write_unkept(move |tx, rights| {
            let (receipt, view) = store::link(tx, rights, id, &content, most)?;
            Ok(match receipt {
                Some(receipt) => receipt.with(view),
                None => Commit::unchanged(view),
            })
        })
        .await
}

fn as_declared(awaited: &Awaited, staged: &Staged) -> Result<(), Problem> {
    let length = i64::try_from(staged.bytes()).unwrap_or(i64::MAX);
    if staged.hash() == awaited.sha256 && length == awaited.bytes {
        return Ok(());
    }
    let said = |pointer: &str, code, declared: &str, found: &str| {
        let zh = format!("声明为 {declared}，收到的是 {found}");
        FieldError::new(pointer, code, zh, format!("{declared} was declared, {found} was received"))
    };
    let mut errors = Vec::new();
    if staged.hash() != awaited.sha256 {
        errors.push(said("/sha256", "differs", &awaited.sha256.to_string(), &staged.hash().to_string()));
    }
    if length != awaited.bytes {
        errors.push(said("/bytes", "differs", &awaited.bytes.to_string(), &length.to_string()));
    }
    Err(Problem::new(Code::WrongHash).errors(errors))
}

async fn examine<A: Action>(allowed: &Allowed<A>, staged: Staged) -> Result<(Staged, Examined), Problem> {
    // The file outlives whoever waits for it: it is read in a place, and given back when it was.
    let staged = std::sync::Arc::new(staged);
    let looked_at = std::sync::Arc::clone(&staged);
    let examined = allowed.app().studio.examine(move || looked_at.read()).await?;
    let staged =
        std::sync::Arc::try_unwrap(staged).map_err(|_shared| Problem::internal("a file is still being looked at"))?;
    Ok((staged, examined))
}

/// Files first, durable; the row comes after.
async fn keep(files: &Files, awaited: &Awaited, staged: Staged, examined: Examined) -> Result<Content, Problem> {
    let key = |rendition| Key { namespace: awaited.bureau_id, hash: awaited.sha256, rendition };
    let picture = match examined.picture {
        None => None,
        Some(picture) => {
            for (rendition, bytes) in [(Rendition::Display, picture.display), (Rendition::Thumbnail, picture.thumbnail)]
            {
                let made = files.stage(bytes).await?;
                files.put(key(rendition), made).await?;
            }
            Some((picture.width, picture.height, picture.hash))
        }
    };
    files.put(key(Rendition::Original), staged).await?;
    Ok(Content { hash: awaited.sha256, kind: examined.kind, picture })
}

/// The one file of a form, on this machine.
///
/// # Errors
/// 400 where it is no form, 422 where it has not exactly one file, 413 beyond `most`, 408 for a sender who is too slow.
pub async fn form(request: &HttpRequest, payload: Payload, files: &Files, most: u64) -> Result<Staged, Problem> {
    let mut form = Multipart::new(request.headers(), payload);
    let pace = Pace { began: Instant::now() };
    let mut found = None;
    while let Some(mut field) = pace.next(0, form.try_next()).await? {
        if field.name() != Some(FIELD) {
            return Err(field_fault("unknown_field", "未知字段", "is not a known field; the file is in `file`"));
        }
        if found.is_some() {
            return Err(field_fault("one_file", "只能有一个文件", "must be given once"));
        }
        let mut incoming = files.incoming(most).await?;
        let mut taken = 0_u64;
        while let Some(piece) = pace.next(taken, piece(&mut field)).await? {
            taken = taken.saturating_add(u64::try_from(piece.len()).unwrap_or(u64::MAX));
            incoming.write(&piece).await?;
        }
        found = Some(incoming.finish().await?);
    }
    found.ok_or_else(|| Problem::invalid(FieldError::required("/file")))
}

async fn piece(field: &mut actix_multipart::Field) -> Result<Option<Bytes>, MultipartError> {
    field.next().await.transpose()
}

fn field_fault(code: &'static str, zh: &str, en: &str) -> Problem {
    Problem::new(Code::MalformedBody).errors(vec![FieldError::new("/file", code, zh, en)])
}

struct Pace {
    began: Instant,
}

impl Pace {
    /// The next part, unless the sender is silent or slower than a rate.
    async fn next<T>(
        &self,
        taken: u64,
        part: impl Future<Output = Result<Option<T>, MultipartError>>,
    ) -> Result<Option<T>, Problem> {
        let late = || Problem::new(Code::RequestTimeout);
        let part = timeout(SILENCE, part).await.map_err(|_silent| late())?;
        if self.began.elapsed() > GRACE + Duration::from_secs(taken / SLOWEST) {
            return Err(late());
        }
        part.map_err(|error| match error {
            MultipartError::ContentTypeMissing
            | MultipartError::ContentTypeParse
            | MultipartError::ContentTypeIncompatible => Problem::new(Code::UnsupportedMediaType)
                .detail("请求体须为 multipart/form-data", "the body must be multipart/form-data"),
            other => Problem::new(Code::MalformedBody).detail("表单不完整", "the form is not whole").cause(other),
        })
    }
}
