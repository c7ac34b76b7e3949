//! Checklists as files: out as XLSX, in as XLSX or XLSForm.

use std::sync::Arc;

use actix_web::http::header::CONTENT_ENCODING;
use actix_web::{HttpRequest, HttpResponse, get, post, web};
use serde::Deserialize;
use sha2::{Digest, Sha256};
use utoipa::IntoParams;

use crate::access::{Allowed, actions::catalogue};
use crate::catalogue::sheets::{self, SheetFault, Sheets, refusal, xlsform};
use crate::catalogue::store::{self, ImportedChecklist, Wanted};
use crate::platform::db::types::Id;
use crate::platform::error::{Code, Problem};
use crate::platform::export::answer::download;
use crate::platform::http::list::Query;
use crate::platform::http::{PathId, Reply, body};

/// Most bytes of a file as sent.
const FILE_LIMIT: usize = 4 << 20;
const XLSX: &str = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";

/// A checklist as a workbook
///
/// Five sheets: 清单 (its name), 分组, 检查项, 选项, 等级; the columns are in docs/checklists.md. Imported again it gives
/// the same checklist.
#[utoipa::path(
    tag = "catalogue",
    params(("id" = Id, Path, description = "Of the checklist")),
    responses((status = 200, description = "The workbook, as an attachment", content(
        (String = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet")
    ))),
    extensions(("x-permission" = json!("catalogue.read")))
)]
#[get("/checklists/{id}/export")]
pub async fn export(allowed: Allowed<catalogue::Read>, id: PathId) -> Result<HttpResponse, Problem> {
    let (title, revision, content, now) = allowed
        .read(move |conn, rights| {
            let row = store::readable(conn, rights, id.0)?;
            let content = store::held(conn, &row)?;
            Ok((row.title, row.revision, content, rights.now))
        })
        .await?;
    let name = format!("{title}-{revision}.xlsx");
    let name: String =
        name.chars().map(|c| if c.is_control() || "/\\:*?\"<>|".contains(c) { '_' } else { c }).collect();
    let bytes = web::block(move || sheets::write(&title, &content, now)).await.map_err(Problem::internal)??;
    let mut response = download(XLSX, &name, &format!("checklist-{revision}.xlsx"));
    response.insert_header((CONTENT_ENCODING, "identity"));
    Ok(response.body(bytes))
}

/// The query of an import.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ImportQuery {
    /// Check everything, store nothing.
    #[serde(default)]
    pub dry_run: bool,
    /// The organisation the draft is for: the bureau (default of its office) or a school.
    pub org_id: Option<Id>,
    /// Its name; that of the file where nothing is said.
    pub title: Option<String>,
    /// Category of the items that name none.
    pub category: Option<String>,
    /// Domain of the questions of an XLSForm that name none.
    pub domain: Option<String>,
}

/// Import a checklist
///
/// A workbook as the export writes it, or an XLSForm (known by its sheet `survey`), becomes a draft. All or nothing:
/// every faulty cell is named by sheet, row and column in `errors`, its pointer being `/sheet/row/column`. What a
/// checklist cannot hold is named in `remarks`, never dropped in silence.
#[utoipa::path(
    tag = "catalogue",
    params(ImportQuery),
    request_body(
        description = "The workbook as it is, at most 4 MiB",
        content((Vec<u8> = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"))
    ),
    responses((status = 201, description = "The draft, and what there is to say about it", body = ImportedChecklist),
        (status = 200, description = "With dry_run: what would become of it", body = ImportedChecklist)),
    extensions(("x-permission" = json!("catalogue.manage")))
)]
#[post("/checklists/import")]
pub async fn import(
    allowed: Allowed<catalogue::Manage>,
    query: Query<ImportQuery>,
    request: HttpRequest,
    payload: web::Payload,
) -> Result<Reply, Problem> {
    let Query(query) = query;
    let media = request.headers().get("Content-Type").and_then(|value| value.to_str().ok()).unwrap_or_default();
    if !media.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case(XLSX) {
        return Err(
            Problem::new(Code::UnsupportedMediaType).detail("请求体须为 XLSX", "the body must be an XLSX workbook")
        );
    }
    let org_id = query.org_id;
    // The whole of it before anything is answered: whether a connection outlives an answer given earlier depends on how
    // fast the file came.
    let bytes = body::read(payload.into_inner(), FILE_LIMIT).await?;
    allowed.read(move |conn, rights| store::home(conn, rights, org_id).map(drop)).await?;
    let hash: Arc<[u8]> = Arc::from(Sha256::digest(&bytes).as_slice());
    let domain = query.domain.clone();
    // Inflating takes longer than a worker may be kept.
    let (form, sheets) = web::block(move || parse(&bytes, domain.as_deref()))
        .await
        .map_err(Problem::internal)?
        .map_err(|faults| refusal(&faults))?;
    let dry_run = query.dry_run;
    let wanted = move |home| Wanted { home, title: query.title.clone(), category: query.category.clone(), form };
    if dry_run {
        return allowed
            .read(move |conn, rights| {
                let home = store::home(conn, rights, org_id)?;
                Reply::value(&store::report(conn, &wanted(home), &sheets)?)
            })
            .await;
    }
    allowed
        .write_alone(&Arc::clone(&hash), move |tx, rights| {
            let home = store::home(tx.conn, rights, org_id)?;
            if let Some(again) = tx.replay() {
                return Ok(again);
            }
            let (receipt, imported) = store::import(tx, rights, &wanted(home), &sheets, &hash)?;
            let id = imported.checklist.as_ref().map(|view| view.head.id.to_string()).unwrap_or_default();
            Ok(receipt.with(Reply::created(&format!("/checklists/{id}"), &imported)?))
        })
        .await
}

fn parse(bytes: &[u8], domain: Option<&str>) -> Result<(&'static str, Sheets), Vec<SheetFault>> {
    let book = sheets::open(bytes).map_err(|fault| vec![fault])?;
    if xlsform::is_form(&book) {
        Ok(("xlsform", xlsform::read(&book, xlsform::Asked { domain })?))
    } else {
        Ok(("xlsx", sheets::read(&book)?))
    }
}
