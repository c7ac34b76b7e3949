//! What somebody without an account may send and ask. Counted before a byte of it is read; see
//! [`crate::access::turnstile`].

use std::sync::Arc;

use actix_web::post;
use chrono::NaiveDate;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::records::check_axes;
use crate::access::Public;
use crate::hazards::body::MAX_TEXT;
use crate::platform::db::types::{Id, Timestamp};
use crate::platform::db::{Commit, Work};
use crate::platform::error::Problem;
use crate::platform::http::{Body, Check, Faults, Reply};
use crate::reports::compartment::Contact;
use crate::reports::store::public::{self as store, PublicDraft};
use crate::reports::tracking::TrackingCode;
use crate::reports::words::{ReportProgress, ReportStatus};

/// Something seen at a school. No personal data is asked for.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PublicReport {
    /// The client's own id, random, so that a repeat is recognised and gets the same code.
    pub id: Option<Id>,
    /// The school's own code (标识码), or what the QR label of a place in it carries.
    #[schema(example = "3164000001", min_length = 1, max_length = 100)]
    pub school_code: String,
    /// What is wrong, in a line.
    #[schema(max_length = 200)]
    pub title: Option<String>,
    /// What is wrong, at length.
    #[schema(example = "校门口井盖松动，学生放学必经。", min_length = 1, max_length = 4000)]
    pub description: String,
    /// One of the ten, where it is known.
    pub category: Option<String>,
    /// The second axis, where it is known.
    pub domain: Option<String>,
    /// When it was seen; now when absent.
    pub found_at: Option<Timestamp>,
    /// How to reach the reporter: sealed at once, open to designated people of the bureau alone.
    pub contact: Option<Contact>,
}

impl Check for PublicReport {
    fn check(&self, faults: &mut Faults) {
        faults.text("/school_code", &self.school_code, 1, 100);
        check_axes(self.category.as_deref(), self.domain.as_deref(), faults);
        faults.optional_text("/title", self.title.as_deref(), 200);
        faults.text("/description", &self.description, 1, MAX_TEXT);
        if let Some(contact) = &self.contact {
            contact.check(faults);
        }
    }
}

/// What the reporter keeps.
#[derive(Debug, Serialize, ToSchema)]
pub struct PublicReceipt {
    /// For asking what became of it; shown here only.
    #[schema(example = "4Z0KQ-8VTN3-XJ2RB-C6M1D-9HWEPA")]
    pub tracking_code: String,
    /// When it came in.
    pub received_at: Timestamp,
}

/// Report something, without an account
///
/// The bureau triages it; the school learns of it only as a hazard, and never who reported. At most 16 KiB; so many in
/// an hour from one address and about one school, then 429 with `Retry-After`.
#[utoipa::path(
    tag = "reports",
    request_body = PublicReport,
    responses(
        (status = 201, description = "Received", body = PublicReceipt),
        (status = 200, description = "The same report came in before", body = PublicReceipt),
        (status = 429, description = "Too many", body = crate::openapi::Problem, content_type = "application/problem+json")
    ),
    extensions(("x-permission" = json!("public")))
)]
#[post("/public/reports")]
pub async fn send(public: Public, body: Body<PublicReport>) -> Result<Reply, Problem> {
    let input = body.get()?;
    let code = input.school_code.trim().to_owned();
    let school = public.read(move |conn| store::school(conn, &code)).await?;
    public.app().turnstile.admit_about(school.0.id)?;
    let draft = PublicDraft {
        id: input.id,
        body_hash: body.hash.to_vec(),
        category: input.category.clone(),
        domain: input.domain.clone(),
        title: input.title.clone(),
        description: input.description.clone(),
        found_at: input.found_at,
        contact: input.contact.clone(),
    };
    let keys = Arc::clone(&public.app().compartment);
    let most = public.app().turnstile.limits.reports_per_day;
    public
        .write(Work::default(), move |tx| {
            let receipt_of =
                |code: TrackingCode, at| PublicReceipt { tracking_code: code.to_string(), received_at: at };
            if let Some((row, code)) = store::repeated(tx.conn, &keys, &draft)? {
                return Ok(Commit::unchanged(Reply::value(&receipt_of(code, row.created_at))?));
            }
            let (row, code, receipt) = store::send(tx, &keys, &school, &draft, most)?;
            Ok(receipt.with(Reply::made(&receipt_of(code, row.created_at))?))
        })
        .await
}

/// A tracking code. In the body, because addresses are logged.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Tracking {
    /// As it was given; case, blanks and dashes do not matter.
    #[schema(value_type = String, example = "4Z0KQ-8VTN3-XJ2RB-C6M1D-9HWEPA", max_length = 100)]
    pub tracking_code: SecretString,
}

impl Check for Tracking {
    fn check(&self, faults: &mut Faults) {
        faults.text("/tracking_code", self.tracking_code.expose_secret(), 1, 100);
    }
}

/// How far a report has come: progress alone, no words, no names, no place.
#[derive(Debug, Serialize, ToSchema)]
pub struct PublicProgress {
    /// Where the report stands.
    pub status: ReportStatus,
    /// How far it has come, or the hazard it became.
    pub progress: ReportProgress,
    /// The day of the last change, in the bureau's zone.
    #[schema(example = "2026-03-02")]
    pub updated_at: NaiveDate,
}

/// Ask what became of a report
///
/// A wrong code is 404.
#[utoipa::path(
    tag = "reports",
    request_body = Tracking,
    responses(
        (status = 200, description = "How far it has come", body = PublicProgress),
        (status = 429, description = "Too many", body = crate::openapi::Problem, content_type = "application/problem+json")
    ),
    extensions(("x-permission" = json!("public")))
)]
#[post("/public/reports/progress")]
pub async fn progress(public: Public, body: Body<Tracking>) -> Result<Reply, Problem> {
    let code = TrackingCode::parse(body.get()?.tracking_code.expose_secret()).ok_or_else(Problem::not_found)?;
    let told = public.read(move |conn| store::progress(conn, code)).await?;
    Reply::value(&PublicProgress { status: told.status, progress: told.progress, updated_at: told.day })
}
