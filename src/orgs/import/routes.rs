//! HTTP of the import.

use std::sync::Arc;

use actix_web::{HttpRequest, post, web};
use serde::Deserialize;
use sha2::{Digest, Sha256};
use utoipa::IntoParams;

use super::store::{self, ImportReport};
use super::{FileFormat, parse};
use crate::access::{Allowed, OrgRef, Rights, actions::org};
use crate::orgs::store::whole_bureaus;
use crate::platform::db::Conn;
use crate::platform::db::types::Id;
use crate::platform::error::{Code, Problem};
use crate::platform::http::list::Query;
use crate::platform::http::{FieldError, Reply, body};

/// Most bytes of a file as sent.
const FILE_LIMIT: usize = 16 << 20;

/// The query of an import.
#[derive(Debug, Clone, Copy, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ImportQuery {
    /// Check everything, store nothing.
    #[serde(default)]
    pub dry_run: bool,
    /// Which bureau the schools belong to; needed only by those who manage several.
    pub bureau_id: Option<Id>,
}

/// Import schools
///
/// A CSV (UTF-8 or GB18030; comma, semicolon or tab) or an XLSX of at most 20 000 schools, with the columns 学校名称,
/// 学校标识码, 办学类型, 上级, 特征, 学生数, 教职工数, 最高楼层, 地址, 纬度, 经度, 坐标系 (or `name, identifier,
/// school_kind, parent, features, students, staff, max_floor, address, lat, lng, datum`); only name and kind are
/// required. All or nothing: every bad row is named by row and column in `errors`, its pointer being `/row/column`.
#[utoipa::path(
    tag = "organisations",
    params(ImportQuery),
    request_body(
        description = "The file as it is",
        content(
            (String = "text/csv", example = "学校名称,办学类型\n第一小学,小学\n"),
            (Vec<u8> = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet")
        )
    ),
    responses((status = 200, description = "All schools stored, or with dry_run none", body = ImportReport)),
    extensions(("x-permission" = json!("org.manage")))
)]
#[post("/orgs/import")]
pub async fn import(
    allowed: Allowed<org::Manage>,
    query: Query<ImportQuery>,
    request: HttpRequest,
    payload: web::Payload,
) -> Result<Reply, Problem> {
    let Query(query) = query;
    let media = request.headers().get("Content-Type").and_then(|value| value.to_str().ok()).unwrap_or_default();
    let format = FileFormat::from_hint(media).ok_or_else(|| {
        Problem::new(Code::UnsupportedMediaType)
            .detail("请求体须为 text/csv 或 XLSX", "the body must be text/csv or an XLSX workbook")
    })?;
    let bureau = allowed.read(move |conn, rights| bureau(conn, rights, query.bureau_id)).await?;
    let bytes = body::read(payload.into_inner(), FILE_LIMIT).await?;
    let hash: Arc<[u8]> = Arc::from(Sha256::digest(&bytes).as_slice());
    // Inflating and decoding take longer than a worker may be kept.
    let rows = web::block(move || parse(&bytes, format))
        .await
        .map_err(Problem::internal)?
        .map_err(|faults| store::refusal(&faults))?;
    if query.dry_run {
        return allowed
            .read(move |conn, _| {
                store::placed(conn, &bureau, &rows)?;
                Reply::value(&store::report(&bureau, &rows, true))
            })
            .await;
    }
    allowed
        .write_alone(&hash, move |tx, rights| {
            let bureau = self::bureau(tx.conn, rights, Some(bureau.id))?;
            if let Some(again) = tx.replay() {
                return Ok(again);
            }
            store::store(tx, &bureau, &rows)
        })
        .await
}

/// The bureau whose schools are imported: the one asked for, or the only one managed as a whole.
fn bureau(conn: &mut Conn, rights: &Rights, asked: Option<Id>) -> Result<OrgRef, Problem> {
    let scope = rights.scope();
    let managed = whole_bureaus(&scope);
    let id = match (asked, managed.as_slice()) {
        (Some(id), _) if managed.contains(&id) => id,
        (Some(_), _) | (None, []) => return Err(Problem::not_found()),
        (None, [id]) => *id,
        (None, _) => {
            return Err(Problem::new(Code::InvalidParameter).errors(vec![FieldError::required("bureau_id")]));
        }
    };
    scope.org(conn, id)
}
