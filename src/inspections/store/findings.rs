//! Submitting: every failed item becomes one hazard with the item's defaults.

use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

use super::answer_record::{AnswerRow, rows_of, with_items};
use super::record::{InspectionView, finish};
use super::rights::may;
use super::scores::scores_of;
use super::sight::Seen;
use crate::access::Rights;
use crate::catalogue::rules::{Item, Response, Severity};
use crate::catalogue::words::invalid;
use crate::evidence;
use crate::hazards;
use crate::hazards::routes::Hazard;
use crate::hazards::status::{Level, Source};
use crate::hazards::store::read::zones;
use crate::hazards::store::{NewHazard, OnSpot, register};
use crate::inspections::rules::{Action, Kind, Outcome, PhotoGap, gaps, missing};
use crate::look_backs::bodies::LookBackToHandIn;
use crate::look_backs::store as look_backs;
use crate::notices::visits as told;
use crate::platform::db::schema::{answers, inspections};
use crate::platform::db::types::{Doc, Id};
use crate::platform::db::{Conn, Receipt, Tx};
use crate::platform::error::{Code, Problem};
use crate::platform::http::{Check, Faults, FieldError};
use crate::reports::ReportView;
use crate::reports::store::suggest::{Finders, suggest, suggests};

/// A signature given on the spot.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[schema(as = InspectionSignature)]
#[serde(deny_unknown_fields)]
pub struct Signature {
    /// Who signed.
    pub name: String,
    /// As what.
    pub role: Option<String>,
    /// Claim of the picture of it.
    pub evidence_id: Option<Id>,
}

/// The end of the visit.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[schema(as = InspectionSubmit)]
#[serde(deny_unknown_fields)]
pub struct Submit {
    /// What the team concludes, at most 4000 characters.
    pub conclusion: Option<String>,
    /// Who signed on the spot, at most 20.
    pub signatures: Option<Vec<Signature>>,
    /// What was found of the hazards a look-back carries, at most 200; in the place of what was said before.
    pub look_backs: Option<Vec<LookBackToHandIn>>,
}

impl Check for Submit {
    fn check(&self, faults: &mut Faults) {
        faults.optional_text("/conclusion", self.conclusion.as_deref(), 4000);
        let signatures = self.signatures.as_deref().unwrap_or_default();
        faults.at_most("/signatures", signatures.len(), 20);
        let look_backs = self.look_backs.as_deref().unwrap_or_default();
        faults.at_most("/look_backs", look_backs.len(), 200);
        for (place, one) in look_backs.iter().enumerate() {
            let at = format!("/look_backs/{place}");
            if look_backs.iter().take(place).any(|earlier| earlier.hazard_id == one.hazard_id) {
                faults.say(&format!("{at}/hazard_id"), "duplicate", "重复", "is there already");
            }
            one.finding().check_at(faults, &at);
        }
        for (place, signature) in signatures.iter().enumerate() {
            faults.text(&format!("/signatures/{place}/name"), &signature.name, 1, 100);
            faults.optional_text(&format!("/signatures/{place}/role"), signature.role.as_deref(), 100);
        }
    }
}

/// An inspection that was handed in, and what it found.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = InspectionSubmitted)]
pub struct Submitted {
    /// The inspection.
    pub inspection: InspectionView,
    /// One hazard for each failed item, in order.
    pub hazards: Vec<Hazard>,
    /// The closed hazards that a look-back opened again.
    pub reopened: Vec<Id>,
    /// What external inspectors found, until the bureau accepts it as a hazard; what the school's staff found in its own
    /// checks, until the school does.
    pub suggestions: Vec<ReportView>,
}

/// Hands an inspection in.
///
/// # Errors
/// 422 with a pointer `/answers/{item_code}` for each item without an answer, and with `/answers/{item_code}/note` or
/// `/answers/{item_code}/evidence_ids` for what a failed one lacks; where the bureau wants it so, also for each whose
/// photos have not been received; and with `/look_backs/{hazard_id}` for each hazard a look-back says nothing of; 409 by the rules.
pub fn submit(tx: &mut Tx<'_>, rights: &Rights, seen: &Seen, body: &Submit) -> Result<(Receipt, Submitted), Problem> {
    let rows = rows_of(tx.conn, seen.row.id)?;
    let open = missing(rows.iter().map(|row| (row.item_code.as_str(), row.result)));
    let mut faults: Vec<FieldError> = open.into_iter().map(Into::into).collect();
    faults.extend(photos(tx.conn, seen.row.bureau_id, &rows)?);
    let handed = body.look_backs.as_deref().unwrap_or_default();
    let (carried, without) = look_backs::said(tx.conn, seen, handed)?;
    faults.extend(without);
    faults.extend(look_backs::late(handed, tx.now));
    if !faults.is_empty() {
        return Err(Problem::new(Code::ValidationFailed).errors(faults));
    }
    let failed: Vec<AnswerRow> = rows.into_iter().filter(|row| row.result == Some(Outcome::Fail)).collect();
    let failed = with_items(tx.conn, failed)?;
    let lacking = gaps(failed.iter().map(|(row, item)| (item, row.carried())), PhotoGap::default());
    if !lacking.is_empty() {
        return Err(invalid(lacking));
    }
    let status = may(tx.conn, rights, seen, Action::Submit)?;
    let mut found = Vec::with_capacity(failed.len());
    let (mut suggested, mut finders) = (Vec::new(), Finders::default());
    for (row, item) in &failed {
        let hazard = finding(tx.new_id(), (seen.row.kind, seen.row.id), row, item, rights.user_id())?;
        let finder = (&mut finders, hazard.reported_by);
        let at = (seen.row.kind.of_school(), hazard.found_at);
        if let Some(kind) = suggests(tx.conn, finder, &seen.org, &hazard.domain, at)? {
            suggested.push((hazard, kind));
            continue;
        }
        diesel::update(answers::table.find(row.id))
            .set((answers::hazard_id.eq(hazard.id), answers::version.eq(answers::version + 1)))
            .execute(tx.conn)?;
        found.push(hazard);
    }
    let concluded = look_backs::conclude(tx, rights, seen, carried)?;
    let score = scores_of(tx.conn, seen.row.id)?;
    // Entities first, then counters and the number: the order of locks is the same everywhere.
    diesel::update(inspections::table.find(seen.row.id))
        .set((
            inspections::version.eq(seen.row.version + 1),
            inspections::updated_at.eq(tx.now),
            inspections::status.eq(status),
            inspections::submitted_at.eq(tx.now),
            inspections::submitted_by.eq(rights.user_id()),
            inspections::score.eq(score.as_ref().map(Doc::of)),
            inspections::conclusion.eq(body.conclusion.as_deref().map(str::trim)),
            inspections::signatures.eq(body.signatures.as_ref().map(Doc::of)),
            inspections::revision.eq(1),
        ))
        .execute(tx.conn)?;
    let suggestions = suggested.into_iter().map(|(found, kind)| Ok(suggest(tx, &seen.org, found, kind)?.into()));
    let suggestions = suggestions.collect::<Result<_, Problem>>()?;
    let ids: Vec<Id> = found.iter().map(|hazard| hazard.id).collect();
    let (rows, _) = register(tx, &seen.org, found)?;
    let zones = zones(tx.conn, &[seen.row.bureau_id])?;
    let hazards = hazards::routes::views(tx.conn, rights, rows, &zones, tx.now)?;
    let payload = json!({"status": status, "failed": failed.len(), "hazards": ids, "look_backs": concluded.outcomes,
        "reopened": concluded.reopened});
    told::submitted(tx, seen)?;
    let (receipt, inspection) = finish(tx, seen, "submitted", payload)?;
    Ok((receipt, Submitted { inspection, hazards, reopened: concluded.reopened, suggestions }))
}

/// The items whose photos are missing, where the bureau does not hand them in so; what is closed on the spot is
/// closed by this.
fn photos(conn: &mut Conn, bureau_id: Id, rows: &[AnswerRow]) -> Result<Vec<FieldError>, Problem> {
    if rows.iter().all(|row| row.evidence_gaps == 0) {
        return Ok(Vec::new());
    }
    let policy = evidence::store::policy(conn, bureau_id)?.gaps;
    let stands = |row: &&AnswerRow| {
        row.evidence_gaps > 0 && (policy.blocks_submission() || (policy.blocks_closing() && row.on_the_spot))
    };
    Ok(rows.iter().filter(stands).map(|row| evidence::store::missing(&format!("/answers/{}", row.item_code))).collect())
}

const fn level(severity: Severity) -> Level {
    match severity {
        Severity::General => Level::General,
        Severity::Major => Level::Major,
    }
}

/// The finding of an item that failed in an inspection handed in before, as submitting it made it.
///
/// # Errors
/// 404 where there is no such answer.
pub fn finding_of(conn: &mut Conn, inspection_id: Id, item_code: &str, id: Id) -> Result<NewHazard, Problem> {
    let (kind, submitter): (Kind, Option<Id>) =
        inspections::table.find(inspection_id).select((inspections::kind, inspections::submitted_by)).first(conn)?;
    let row: AnswerRow = answers::table
        .filter(answers::inspection_id.eq(inspection_id))
        .filter(answers::item_code.eq(item_code))
        .select(AnswerRow::as_select())
        .first(conn)?;
    let submitter = submitter.or(row.answered_by).ok_or_else(Problem::not_found)?;
    let (row, item) = with_items(conn, vec![row])?.pop().ok_or_else(Problem::not_found)?;
    finding(id, (kind, inspection_id), &row, &item, submitter)
}

/// What the hazards of an inspection have as their source.
///
/// # Errors
/// 404 where there is none.
pub fn source_of(conn: &mut Conn, inspection_id: Id) -> Result<Option<Source>, Problem> {
    let kind: Kind = inspections::table.find(inspection_id).select(inspections::kind).first(conn)?;
    Ok(Source::parse(kind.as_str()))
}

/// Puts the hazard that a failed item became beside its answer.
///
/// # Errors
/// Whatever the engine says.
pub fn link(conn: &mut Conn, inspection_id: Id, item_code: &str, hazard_id: Id) -> Result<(), Problem> {
    diesel::update(
        answers::table.filter(answers::inspection_id.eq(inspection_id)).filter(answers::item_code.eq(item_code)),
    )
    .set((answers::hazard_id.eq(hazard_id), answers::version.eq(answers::version + 1)))
    .execute(conn)?;
    Ok(())
}

/// The hazard of a failed item, with the item's defaults.
pub(super) fn finding(
    id: Id,
    (kind, inspection_id): (Kind, Id),
    row: &AnswerRow,
    item: &Item,
    submitter: Id,
) -> Result<NewHazard, Problem> {
    let source = Source::parse(kind.as_str()).ok_or_else(|| Problem::internal("a kind that is no source"))?;
    let on_spot = match (row.on_the_spot, row.fixed_by) {
        (true, Some(fixed_by)) => Some(OnSpot {
            measures_taken: row.measures_taken.clone().unwrap_or_default(),
            fixed_by,
            after_evidence_ids: row.after_evidence_ids.clone(),
        }),
        _ => None,
    };
    let evidence = if on_spot.is_some() { &row.before_evidence_ids } else { &row.evidence_ids };
    Ok(NewHazard {
        id,
        body_hash: None,
        category: row.category.clone(),
        domain: row.domain.clone(),
        title: item.title_zh.clone(),
        description: description(row, item),
        site_id: row.site_id,
        basis: Some(item.basis_zh.clone()).filter(|basis| !basis.trim().is_empty()),
        source,
        default_level: level(item.fail_severity),
        proposed_level: row.severity.map(level),
        by_school: kind.of_school(),
        escalate: item.escalate,
        found_at: row.answered_at.unwrap_or(row.updated_at),
        reported_by: row.answered_by.unwrap_or(submitter),
        inspection_id: Some(inspection_id),
        item_code: Some(row.item_code.clone()),
        evidence_ids: evidence.clone(),
        recurrence_of: None,
        on_spot,
    })
}

/// What is wrong, at length: the inspector's note, else the measured value beside its limits, else what was written.
fn description(row: &AnswerRow, item: &Item) -> String {
    let value = row.value.as_ref().map(|doc| match doc.0.as_str() {
        Some(text) => text.to_owned(),
        None => doc.0.to_string(),
    });
    let unit = item.unit.as_deref().unwrap_or_default();
    let found = match (item.response, value) {
        (Response::Number, Some(value)) => {
            let limit = |name: &str, limit: &Option<serde_json::Number>| {
                limit.as_ref().map(|limit| format!("，{name}{limit}{unit}")).unwrap_or_default()
            };
            format!("实测{value}{unit}{}{}", limit("不少于", &item.min), limit("不超过", &item.max))
        }
        (Response::Choice, Some(value)) => {
            let options = item.options.as_deref().unwrap_or_default();
            options.iter().find(|option| option.value == value).map_or(value, |option| option.label_zh.clone())
        }
        (Response::Text, Some(value)) => value,
        _ => String::new(),
    };
    match (row.note.as_deref().map(str::trim).unwrap_or_default(), found.as_str()) {
        ("", "") => format!("{}：不合格", item.title_zh),
        ("", found) => found.to_owned(),
        (note, "") => note.to_owned(),
        (note, found) => format!("{found}。{note}"),
    }
}
