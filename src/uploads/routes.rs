//! HTTP of tus 1.0. Its PATCH needs no If-Match: Upload-Offset says what the client has seen.

use actix_web::http::StatusCode;
use actix_web::http::header::LOCATION;
use actix_web::{HttpMessage, HttpRequest, HttpResponse, HttpResponseBuilder, delete, head, options, patch, post, web};
use utoipa_actix_web::service_config::ServiceConfig;

use super::piece::{self, Piece};
use super::sweep;
use crate::access::allowed::Public;
use crate::access::{Allowed, actions::evidence};
use crate::evidence::store;
use crate::platform::db::types::Id;
use crate::platform::error::{Code, Problem};
use crate::platform::http::body::Settled;
use crate::platform::http::{FieldError, PathId};
use crate::platform::uploads::arrivals;
use crate::platform::uploads::headers::{self, Tus};
use crate::platform::uploads::store::{self as rows, Plan, Upload};

/// Uploads in pieces.
pub fn routes(config: &mut ServiceConfig<'_>) {
    config.service(terms).service(begin).service(progress).service(add).service(end);
}

/// Read what of tus is spoken
///
/// tus 1.0.0 with creation, creation-with-upload, checksum (sha256, sha1), expiration and termination.
#[utoipa::path(
    tag = "evidence",
    responses((status = 200, description = "`Tus-Version`, `Tus-Extension`, `Tus-Max-Size`, `Tus-Checksum-Algorithm`")),
    extensions(("x-permission" = json!("public")))
)]
#[options("/uploads")]
pub async fn terms(public: Public, _tus: Tus) -> HttpResponse {
    HttpResponse::Ok()
        .insert_header(("Tus-Extension", headers::EXTENSIONS))
        .insert_header(("Tus-Checksum-Algorithm", headers::ALGORITHMS))
        .insert_header(("Tus-Max-Size", public.app().studio.limits.video.to_string()))
        .finish()
}

/// Begin an upload
///
/// `Upload-Metadata` names the declared evidence as `evidence_id`; `Upload-Length` is its declared length. The body may be
/// the first piece (`application/offset+octet-stream`). One person has one upload for a piece of evidence: beginning again
/// gives the same while nothing of it has come, and a new one in its place after that.
#[utoipa::path(
    tag = "evidence",
    params(
        ("Tus-Resumable" = String, Header, description = "1.0.0"),
        ("Upload-Length" = u64, Header, description = "Bytes of the whole, as declared"),
        ("Upload-Metadata" = String, Header, description = "`evidence_id` and its value in Base64; others are kept as they are"),
        ("Upload-Checksum" = Option<String>, Header, description = "Of the body, where there is one")
    ),
    request_body(description = "The first piece, or nothing", content((Vec<u8> = "application/offset+octet-stream"))),
    responses(
        (status = 201, description = "Begun: `Location`, `Upload-Offset`, `Upload-Expires`"),
        (status = 412, description = "Another version of tus", body = crate::openapi::Problem, content_type = "application/problem+json"),
        (status = 429, description = "Too much is under way", body = crate::openapi::Problem, content_type = "application/problem+json"),
        (status = 460, description = "The checksum does not match", body = crate::openapi::Problem, content_type = "application/problem+json")
    ),
    extensions(("x-permission" = json!(
        "inspection.perform | hazard.report | hazard.respond | hazard.rectify | hazard.recheck"
    )))
)]
#[post("/uploads")]
pub async fn begin(
    allowed: Allowed<evidence::Send>,
    tus: Tus,
    request: HttpRequest,
    body: web::Payload,
) -> Result<HttpResponse, Problem> {
    let (upload, replaced) = begun(&allowed, &tus).await.inspect_err(|_refused| unread(&request))?;
    if let Some(replaced) = replaced {
        sweep::remove(&allowed.app().files, replaced).await?;
    }
    let place = format!("/api/v1/uploads/{}", upload.id);
    let upload = if tus.brings_a_piece() { piece::add(allowed, upload, first(&tus, body)?).await? } else { upload };
    let mut answer = state(StatusCode::CREATED, &upload);
    Ok(answer.insert_header((LOCATION, place)).finish())
}

/// The row, and the id of the upload whose place it takes.
async fn begun(allowed: &Allowed<evidence::Send>, tus: &Tus) -> Result<(Upload, Option<Id>), Problem> {
    let (metadata, pairs) = tus.metadata()?;
    let evidence_id = pairs.get("evidence_id").and_then(|value| std::str::from_utf8(value).ok()?.parse::<Id>().ok());
    let evidence_id = evidence_id.ok_or_else(|| {
        Problem::new(Code::InvalidParameter).errors(vec![FieldError::new(
            "Upload-Metadata",
            "required",
            "须含 evidence_id（Base64）",
            "must hold evidence_id in base64",
        )])
    })?;
    let (app_limits, sizes) = (allowed.app().uploads, allowed.app().studio.limits);
    let said = tus.clone();
    allowed
        .write_unkept(move |tx, rights| {
            let awaited = store::awaited(tx.conn, rights, evidence_id)?;
            said.version()?;
            let length = said.needed("Upload-Length")?;
            let most = sizes.of(awaited.media_type);
            if length > most {
                return Err(Problem::new(Code::BodyTooLarge)
                    .detail(format!("文件不得超过 {most} 字节"), format!("the file must not exceed {most} bytes")));
            }
            if i64::try_from(length).ok() != Some(awaited.bytes) {
                let declared = awaited.bytes;
                return Err(Problem::new(Code::WrongHash).errors(vec![FieldError::new(
                    "Upload-Length",
                    "differs",
                    format!("声明为 {declared} 字节"),
                    format!("{declared} bytes were declared"),
                )]));
            }
            if !awaited.received {
                let more = rows::under_way(tx.conn, rights.user_id(), evidence_id, tx.now)?;
                arrivals::room(tx.conn, rights.user_id(), tx.now, awaited.bytes.saturating_add(more), sizes.a_day)?;
            }
            let plan = Plan {
                evidence_id,
                user_id: rights.user_id(),
                bureau_id: awaited.bureau_id,
                length: awaited.bytes,
                metadata: metadata.clone(),
            };
            rows::begin(tx, &plan, &app_limits)
        })
        .await
}

fn first(tus: &Tus, body: web::Payload) -> Result<Piece, Problem> {
    Ok(Piece { at: 0, length: tus.body_length(), checksum: tus.checksum()?, body: body.into_inner() })
}

/// Read how far an upload is
///
/// An upload of which every byte has come, and which could not be kept then, is kept now: the whole length is told only of
/// what has been received for good.
#[utoipa::path(
    tag = "evidence",
    params(("id" = Id, Path, description = "The upload"), ("Tus-Resumable" = String, Header, description = "1.0.0")),
    responses(
        (status = 200, description = "`Upload-Offset`, `Upload-Length`, `Upload-Metadata`, `Upload-Expires`"),
        (status = 410, description = "Begin a new one", body = crate::openapi::Problem, content_type = "application/problem+json"),
        (status = 412, description = "Another version of tus", body = crate::openapi::Problem, content_type = "application/problem+json"),
        (status = 422, description = "It is whole, and not what was declared", body = crate::openapi::Problem, content_type = "application/problem+json"),
        (status = 423, description = "It is being kept", body = crate::openapi::Problem, content_type = "application/problem+json")
    ),
    extensions(("x-permission" = json!(
        "inspection.perform | hazard.report | hazard.respond | hazard.rectify | hazard.recheck"
    )))
)]
#[head("/uploads/{id}")]
pub async fn progress(allowed: Allowed<evidence::Send>, id: PathId, tus: Tus) -> Result<HttpResponse, Problem> {
    let mut upload = piece::own(&allowed, id.0).await?;
    tus.version()?;
    upload =
        if upload.is_whole() { piece::finish(allowed, upload).await? } else { piece::here(&allowed, upload).await? };
    let mut answer = state(StatusCode::OK, &upload);
    answer.insert_header(("Upload-Length", upload.length.to_string()));
    if !upload.metadata.is_empty() {
        answer.insert_header(("Upload-Metadata", upload.metadata));
    }
    Ok(answer.finish())
}

/// Add a piece
///
/// `Upload-Offset` must be where the upload is. What arrived of a piece that broke off is kept, to the byte, unless it has
/// an `Upload-Checksum`: then it counts as a whole or not at all. A piece must come at 1 KiB a second at least; there is no
/// limit of time. The piece that makes the file whole answers once the file is received for good, with the problems of
/// `POST /evidence/{id}/content`.
#[utoipa::path(
    tag = "evidence",
    params(
        ("id" = Id, Path, description = "The upload"),
        ("Tus-Resumable" = String, Header, description = "1.0.0"),
        ("Upload-Offset" = u64, Header, description = "Where the piece begins"),
        ("Upload-Checksum" = Option<String>, Header, description = "`sha256` or `sha1`, and the digest of the piece in Base64")
    ),
    request_body(description = "The piece", content((Vec<u8> = "application/offset+octet-stream"))),
    responses(
        (status = 204, description = "Kept: `Upload-Offset`, `Upload-Expires`"),
        (status = 409, description = "The upload is elsewhere; `current.offset` says where", body = crate::openapi::Problem, content_type = "application/problem+json"),
        (status = 410, description = "Begin a new one", body = crate::openapi::Problem, content_type = "application/problem+json"),
        (status = 412, description = "Another version of tus", body = crate::openapi::Problem, content_type = "application/problem+json"),
        (status = 423, description = "Another request is writing it", body = crate::openapi::Problem, content_type = "application/problem+json"),
        (status = 460, description = "The checksum does not match", body = crate::openapi::Problem, content_type = "application/problem+json")
    ),
    extensions(("x-permission" = json!(
        "inspection.perform | hazard.report | hazard.respond | hazard.rectify | hazard.recheck"
    )))
)]
#[patch("/uploads/{id}")]
pub async fn add(
    allowed: Allowed<evidence::Send>,
    id: PathId,
    tus: Tus,
    request: HttpRequest,
    body: web::Payload,
) -> Result<HttpResponse, Problem> {
    let wanted = async {
        let upload = piece::own(&allowed, id.0).await?;
        tus.version()?;
        if !tus.brings_a_piece() {
            return Err(Problem::new(Code::UnsupportedMediaType)
                .detail(format!("请求体须为 {}", headers::PIECE), format!("the body must be {}", headers::PIECE)));
        }
        Ok((upload, Piece { at: tus.needed("Upload-Offset")?, ..first(&tus, body)? }))
    };
    let (upload, piece) = wanted.await.inspect_err(|_refused| unread(&request))?;
    let upload = piece::add(allowed, upload, piece).await?;
    Ok(state(StatusCode::NO_CONTENT, &upload).finish())
}

/// What is refused before its body is read closes the connection, whether the body was there already or not: a difference
/// would be a matter of time.
fn unread(request: &HttpRequest) {
    request.extensions_mut().remove::<Settled>();
}

/// End an upload
///
/// What has come of it is removed. Evidence that was received stays.
#[utoipa::path(
    tag = "evidence",
    params(("id" = Id, Path, description = "The upload"), ("Tus-Resumable" = String, Header, description = "1.0.0")),
    responses(
        (status = 204, description = "Ended"),
        (status = 410, description = "It had expired", body = crate::openapi::Problem, content_type = "application/problem+json"),
        (status = 412, description = "Another version of tus", body = crate::openapi::Problem, content_type = "application/problem+json")
    ),
    extensions(("x-permission" = json!(
        "inspection.perform | hazard.report | hazard.respond | hazard.rectify | hazard.recheck"
    )))
)]
#[delete("/uploads/{id}")]
pub async fn end(allowed: Allowed<evidence::Send>, id: PathId, tus: Tus) -> Result<HttpResponse, Problem> {
    let id = id.0;
    allowed
        .write_unkept(move |tx, rights| {
            rows::find(tx.conn, id, rights.user_id(), tx.now)?;
            tus.version()?;
            rows::close(tx, id)
        })
        .await?;
    sweep::remove(&allowed.app().files, id).await?;
    Ok(HttpResponse::NoContent().finish())
}

fn state(status: StatusCode, upload: &Upload) -> HttpResponseBuilder {
    let mut answer = HttpResponse::build(status);
    answer
        .insert_header(("Upload-Offset", upload.received.to_string()))
        .insert_header(("Upload-Expires", headers::date(upload.expires_at)));
    answer
}
