//! Reading files: always a download, never a page.

use actix_web::http::StatusCode;
use actix_web::http::header::{CONTENT_ENCODING, CONTENT_RANGE, CONTENT_SECURITY_POLICY, ETAG, IF_NONE_MATCH, RANGE};
use actix_web::{HttpRequest, HttpResponse, get, post};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::access::actions::evidence;
use crate::access::caller;
use crate::access::{Allowed, Permission, Public, Rights};
use crate::evidence::links::Link;
use crate::evidence::store::{self, Row};
use crate::evidence::words::{Form, MediaType};
use crate::platform::db::types::{Id, Timestamp};
use crate::platform::error::{Code, Problem};
use crate::platform::export::answer::download;
use crate::platform::files::{Files, Rendition};
use crate::platform::http::list::Query;
use crate::platform::http::{Body, Check, PathId, Reply};
use crate::platform::journal::{Event, Stream};

/// What a browser may do with it, should it show it after all: nothing.
const SANDBOX: &str = "default-src 'none'; sandbox; frame-ancestors 'none'";

impl Form {
    const fn rendition(self) -> Rendition {
        match self {
            Self::Content => Rendition::Display,
            Self::Thumbnail => Rendition::Thumbnail,
        }
    }
}

/// The row of what is to be shown.
fn shown(row: Row) -> Result<Row, Problem> {
    if row.received_at.is_none() {
        return Err(Problem::new(Code::ContentAwaited));
    }
    if row.picture.is_none() {
        return Err(Problem::new(Code::NoDisplayVersion));
    }
    Ok(row)
}

/// Bytes from and to, as `Range` asks; nothing where it asks for what is not served in parts.
fn range(request: &HttpRequest, total: u64) -> Option<Result<(u64, u64), ()>> {
    let asked = request.headers().get(RANGE)?.to_str().ok()?.strip_prefix("bytes=")?;
    let (from, to) = asked.split_once('-')?;
    let last = total.checked_sub(1)?;
    let (from, to) = match (from.trim(), to.trim()) {
        ("", "") => return None,
        ("", suffix) => (total.saturating_sub(suffix.parse().ok()?), last),
        (from, "") => (from.parse().ok()?, last),
        (from, to) => (from.parse().ok()?, to.parse::<u64>().ok()?.min(last)),
    };
    Some(if from > last || from > to { Err(()) } else { Ok((from, to)) })
}

async fn send(request: &HttpRequest, files: &Files, row: &Row, rendition: Rendition) -> Result<HttpResponse, Problem> {
    let key = row.key(rendition)?;
    let gone = || Problem::new(Code::Unavailable).cause(format!("the file {key} is not in its store"));
    let (kind, mark) = match rendition {
        Rendition::Original => (row.content_type.unwrap_or(row.media_type), "original"),
        Rendition::Display => (MediaType::Jpeg, "display"),
        Rendition::Thumbnail => (MediaType::Jpeg, "thumbnail"),
    };
    let tag = format!("\"{}-{mark}\"", key.hash);
    let known = request.headers().get(IF_NONE_MATCH).and_then(|value| value.to_str().ok());
    if known.is_some_and(|known| known.split(',').any(|one| one.trim().trim_start_matches("W/") == tag)) {
        return Ok(HttpResponse::NotModified().insert_header((ETAG, tag)).finish());
    }
    let asked = match request.headers().get(RANGE) {
        None => None,
        Some(_) => range(request, files.size(key).await?.ok_or_else(gone)?),
    };
    let part = match asked {
        Some(Err(())) => {
            let total = files.size(key).await?.ok_or_else(gone)?;
            let mut refused = HttpResponse::build(StatusCode::RANGE_NOT_SATISFIABLE);
            return Ok(refused.insert_header((CONTENT_RANGE, format!("bytes */{total}"))).finish());
        }
        Some(Ok(part)) => Some(part),
        None => None,
    };
    let reading = files.read(key, part).await?.ok_or_else(gone)?;
    let name = format!("{}-{mark}.{}", row.id, kind.extension());
    let mut response = download(kind.as_str(), &name, &name);
    response
        .insert_header((CONTENT_SECURITY_POLICY, SANDBOX))
        .insert_header((CONTENT_ENCODING, "identity"))
        .insert_header((ETAG, tag))
        .insert_header(("Accept-Ranges", "bytes"));
    if part.is_some() {
        let last = (reading.first + reading.length).saturating_sub(1);
        response
            .status(StatusCode::PARTIAL_CONTENT)
            .insert_header((CONTENT_RANGE, format!("bytes {}-{last}/{}", reading.first, reading.total)));
    }
    Ok(response.no_chunking(reading.length).streaming(reading.pieces()))
}

async fn form(
    allowed: &Allowed<evidence::Read>,
    id: Id,
    form: Form,
    request: &HttpRequest,
) -> Result<HttpResponse, Problem> {
    let row = allowed.read(move |conn, rights| shown(store::seen(conn, rights, id)?)).await?;
    send(request, &allowed.app().files, &row, form.rendition()).await
}

/// Read a photo
///
/// The display version: upright, at most 2560 pixels a side, without metadata. In parts where `Range` asks for one.
#[utoipa::path(
    tag = "evidence",
    params(("id" = Id, Path, description = "Of the evidence")),
    responses((status = 200, description = "A JPEG, as an attachment", content_type = "image/jpeg")),
    extensions(("x-permission" = json!("inspection.read | hazard.read")))
)]
#[get("/evidence/{id}/content")]
pub async fn content(
    allowed: Allowed<evidence::Read>,
    id: PathId,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    form(&allowed, id.0, Form::Content, &request).await
}

/// Read a thumbnail
///
/// At most 320 pixels a side, without metadata.
#[utoipa::path(
    tag = "evidence",
    params(("id" = Id, Path, description = "Of the evidence")),
    responses((status = 200, description = "A JPEG, as an attachment", content_type = "image/jpeg")),
    extensions(("x-permission" = json!("inspection.read | hazard.read")))
)]
#[get("/evidence/{id}/thumbnail")]
pub async fn thumbnail(
    allowed: Allowed<evidence::Read>,
    id: PathId,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    form(&allowed, id.0, Form::Thumbnail, &request).await
}

/// Read the sealed original
///
/// The file as it was received, with the metadata that tell where and by what it was taken. For the bureau, and for each
/// the files one declared oneself; every reading stays in the journal.
#[utoipa::path(
    tag = "evidence",
    params(("id" = Id, Path, description = "Of the evidence")),
    responses((status = 200, description = "The file, as an attachment", content_type = "application/octet-stream")),
    extensions(("x-permission" = json!("evidence.original | inspection.read | hazard.read")))
)]
#[get("/evidence/{id}/original")]
pub async fn original(
    allowed: Allowed<evidence::Original>,
    id: PathId,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let row = allowed
        .write_unkept(move |tx, rights| {
            let row = store::seen(tx.conn, rights, id.0)?;
            let org = crate::access::scope::org_ref(tx.conn, row.org_id)?;
            let scope = rights.of(Permission::EvidenceOriginal);
            let by_right = !scope.is_of_school(org.id) && !scope.reaches_to(tx.conn, &org)?.is_empty();
            if !by_right && row.created_by != rights.user_id() {
                return Err(Problem::new(Code::Forbidden));
            }
            if row.received_at.is_none() {
                return Err(Problem::new(Code::ContentAwaited));
            }
            let event = Event::of("evidence", row.id, "original_read").at(row.bureau_id, row.org_id);
            Ok(tx.record(event.stream(Stream::Bureau))?.with(row))
        })
        .await?;
    send(&request, &allowed.app().files, &row, Rendition::Original).await
}

/// Which form a link shows.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[schema(as = EvidenceLinkToMake)]
#[serde(deny_unknown_fields)]
pub struct LinkToMake {
    /// The photo where nothing is said.
    pub form: Option<Form>,
}

impl Check for LinkToMake {}

/// A link.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = EvidenceLink)]
pub struct LinkView {
    /// Where, on this server.
    #[schema(example = "/api/v1/evidence-links?token=AZXgwAAA")]
    pub url: String,
    /// Until when it opens.
    pub expires_at: Timestamp,
}

/// Make a link to a photo
///
/// It opens for five minutes without a header, for as long as the caller's session lives and the caller may see the
/// photo.
#[utoipa::path(
    tag = "evidence",
    params(("id" = Id, Path, description = "Of the evidence")),
    request_body = LinkToMake,
    responses((status = 201, description = "The link", body = LinkView)),
    extensions(("x-permission" = json!("inspection.read | hazard.read")))
)]
#[post("/evidence/{id}/links")]
pub async fn link(allowed: Allowed<evidence::Read>, id: PathId, body: Body<LinkToMake>) -> Result<Reply, Problem> {
    let row = allowed.read(move |conn, rights| store::seen(conn, rights, id.0)).await?;
    let form = body.get()?.form.unwrap_or(Form::Content);
    let row = shown(row)?;
    let rights = allowed.rights();
    let opened = Link::of(row.id, (rights.user_id(), rights.caller.session_id), form, rights.now);
    let token = opened.seal(&allowed.app().tokens)?;
    Reply::made(&LinkView { url: format!("/api/v1/evidence-links?token={token}"), expires_at: opened.expires_at })
}

/// The token of a link.
#[derive(Debug, Clone, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Token {
    /// As the link has it.
    pub token: Option<String>,
}

/// Open a link to a photo
///
/// Without a header. What has expired, and what its person may not see any more, is not found.
#[utoipa::path(
    tag = "evidence",
    params(Token),
    responses((status = 200, description = "A JPEG, as an attachment", content_type = "image/jpeg")),
    extensions(("x-permission" = json!("public")))
)]
#[get("/evidence-links")]
pub async fn linked(public: Public, token: Query<Token>, request: HttpRequest) -> Result<HttpResponse, Problem> {
    let app = public.app();
    let now = app.clock.now();
    let opened = Link::open(&app.tokens, &token.0.token.unwrap_or_default(), now)?;
    let row = public
        .read(move |conn| {
            let caller = caller::load(conn, opened.session_id)?;
            let caller = caller.filter(|caller| caller.user_id == opened.user_id && !caller.must_change_password);
            let rights = Rights::of_caller(caller.ok_or_else(Problem::not_found)?, now);
            shown(store::seen(conn, &rights, opened.evidence_id)?)
        })
        .await?;
    send(&request, &app.files, &row, opened.form.rendition()).await
}
