//! Amendments: what was handed in is put right as a new version, with its reason and what differs.

use std::collections::HashSet;

use diesel::prelude::*;
use serde_json::{Map, Value, json};

use super::amendment_record::{
    Amended, AmendedHazard, ConclusionDifference, Difference, ItemDifference, NewAmendment, Said, view,
};
use super::answer_record::{AnswerRow, rows_of};
use super::answers::{Given, after, judged, put, says_the_same, touch, weigh};
use super::findings::finding;
use super::record::finish;
use super::rights::may;
use super::scores::scores_of;
use super::sight::Seen;
use super::versions::keep;
use crate::access::Rights;
use crate::catalogue::rules::Item;
use crate::catalogue::words::invalid;
use crate::evidence::store::arrived;
use crate::hazards::routes::views;
use crate::hazards::rules::VoidReach;
use crate::hazards::status::Status as HazardStatus;
use crate::hazards::store::by_record::{self, Withdrawn};
use crate::hazards::store::read::zone;
use crate::hazards::store::{NewHazard, Row as HazardRow, register};
use crate::inspections::rules::{Action, Consequence, Outcome, PhotoGap, consequence, gaps};
use crate::notices::visits as told;
use crate::platform::db::schema::{answers, inspection_amendments, inspections};
use crate::platform::db::types::{Doc, Id, Timestamp};
use crate::platform::db::{Receipt, Tx};
use crate::platform::error::Problem;
use crate::platform::http::FieldError;
use crate::reports::ReportView;
use crate::reports::store::suggest::{Finders, hold, suggest, suggests, take_back};

/// Amends an inspection that was handed in.
///
/// # Errors
/// 404 for ids out of sight; 422 with every fault, and where nothing differs; 409 by the rules.
pub fn amend(
    tx: &mut Tx<'_>,
    rights: &Rights,
    seen: &Seen,
    new: &NewAmendment,
    hash: &[u8],
) -> Result<(Receipt, Amended), Problem> {
    hold(tx.conn, seen.row.id)?;
    let given = judged(tx, rights, seen, &new.answers, |index| format!("/answers/{index}"))?;
    let trimmed = |text: Option<String>| text.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
    let conclusion = trimmed(new.conclusion.apply(seen.row.conclusion.clone()));
    let by = rights.user_id();
    let claiming: Vec<&str> = new.answers.iter().filter_map(|body| body.item_code.as_deref()).collect();
    let there = arrived(tx.conn, seen.row.id, &claiming)?;
    let none = HashSet::new();
    let with_after = |(row, item, body, evaluated): Given<'_>| {
        let mut after = after(&row, body, &evaluated, by, tx.now);
        weigh(&mut after, &item, there.get(&row.item_code).unwrap_or(&none));
        touch(&row, &mut after, None);
        (row, after, item)
    };
    let mut changes: Vec<(AnswerRow, AnswerRow, Item)> = given.into_iter().map(with_after).collect();
    changes.retain(|(old, new, _)| !says_the_same(old, new));
    let failing = changes.iter().filter(|(_, new, _)| new.result == Some(Outcome::Fail));
    let lacking = gaps(failing.map(|(_, new, item)| (item, new.carried())), PhotoGap::default());
    if !lacking.is_empty() {
        return Err(invalid(lacking));
    }
    let status = may(tx.conn, rights, seen, Action::Amend)?;
    if changes.is_empty() && conclusion == seen.row.conclusion {
        let nothing = ("/answers", "nothing_changed", "与现有记录没有差异", "differs in nothing from the record");
        return Err(Problem::invalid(FieldError::new(nothing.0, nothing.1, nothing.2, nothing.3)));
    }
    let id = new.id.unwrap_or_else(|| tx.new_id());
    let number = seen.version_number();
    let rows = rows_of(tx.conn, seen.row.id)?;
    keep(tx, seen, number, &rows)?;
    let reason = new.reason.trim();
    let reason_told = format!("检查记录修正：{reason}");
    let mut work = Work { seen, rights, id, reason: reason_told, finders: Finders::default() };
    let done = work.follow(tx, changes)?;
    let difference = Difference {
        answers: done.answers,
        conclusion: (conclusion != seen.row.conclusion)
            .then(|| ConclusionDifference { from: seen.row.conclusion.clone(), to: conclusion.clone() }),
    };
    diesel::insert_into(inspection_amendments::table)
        .values((
            inspection_amendments::id.eq(id),
            inspection_amendments::created_at.eq(tx.now),
            inspection_amendments::created_by.eq(by),
            inspection_amendments::body_hash.eq(hash.to_vec()),
            inspection_amendments::inspection_id.eq(seen.row.id),
            inspection_amendments::number.eq(number + 1),
            inspection_amendments::reason.eq(reason),
            inspection_amendments::difference.eq(Doc::of(&difference)),
        ))
        .execute(tx.conn)?;
    // Acknowledgement, answer to it and confirmation belong to the version before, and are kept with it.
    diesel::update(inspections::table.find(seen.row.id))
        .set((
            inspections::version.eq(seen.row.version + 1),
            inspections::updated_at.eq(tx.now),
            inspections::status.eq(status),
            inspections::revision.eq(number + 1),
            inspections::conclusion.eq(conclusion),
            inspections::acknowledgement.eq(None::<Doc>),
            inspections::objection_reply.eq(None::<Doc>),
            inspections::confirmed_at.eq(None::<Timestamp>),
            inspections::confirmed_by.eq(None::<Id>),
        ))
        .execute(tx.conn)?;
    let score = scores_of(tx.conn, seen.row.id)?;
    diesel::update(inspections::table.find(seen.row.id))
        .set(inspections::score.eq(score.as_ref().map(Doc::of)))
        .execute(tx.conn)?;
    // The new version waits for its own signature and its own confirmation.
    told::submitted(tx, seen)?;
    let zones = crate::hazards::store::read::zones(tx.conn, &[seen.row.bureau_id])?;
    let hazards = views(tx.conn, rights, done.registered, &zones, tx.now)?;
    let items: Vec<&str> = difference.answers.iter().map(|one| one.item_code.as_str()).collect();
    let payload = json!({
        "status": status, "from": seen.row.status, "amendment_id": id, "revision": number + 1, "reason": reason,
        "items": items, "hazards": hazards.iter().map(|hazard| hazard.id).collect::<Vec<_>>(),
    });
    let (receipt, inspection) = finish(tx, seen, "amended", payload)?;
    let stored = (id, tx.now, by, seen.row.id, number + 1, reason.to_owned(), Doc::of(&difference));
    Ok((receipt, Amended { amendment: view(stored), inspection, hazards, suggestions: done.suggestions }))
}

/// What one amendment does to hazards.
struct Work<'a> {
    seen: &'a Seen,
    rights: &'a Rights,
    id: Id,
    reason: String,
    finders: Finders,
}

#[derive(Default)]
struct Done {
    answers: Vec<ItemDifference>,
    registered: Vec<HazardRow>,
    suggestions: Vec<ReportView>,
}

impl Work<'_> {
    fn follow(&mut self, tx: &mut Tx<'_>, changes: Vec<(AnswerRow, AnswerRow, Item)>) -> Result<Done, Problem> {
        let found = by_record::found_by(tx.conn, self.seen.row.id)?;
        let of_item =
            |code: &str| found.iter().rev().find(|(item, _)| item.as_deref() == Some(code)).map(|(_, id)| *id);
        let ids: Vec<Id> = changes.iter().filter_map(|(old, _, _)| of_item(&old.item_code)).collect();
        // Those that exist first, the new ones last: the order of locks is the same everywhere.
        let held = by_record::held(tx.conn, &ids)?;
        let mut done = Done::default();
        let (mut fresh, mut suggested) = (Vec::new(), Vec::new());
        for (old, mut new, item) in changes {
            let hazard = of_item(&old.item_code).and_then(|id| held.iter().find(|row| row.id == id));
            let (failed, fails) = (old.result == Some(Outcome::Fail), new.result == Some(Outcome::Fail));
            let what = match consequence(failed, fails, hazard.map(|row| row.status)) {
                Consequence::Nothing => None,
                Consequence::Keep => self.keep(tx, hazard)?,
                Consequence::Withdraw => self.withdraw(tx, hazard, &new)?,
                Consequence::Register => {
                    let (kind, inspection) = (self.seen.row.kind, self.seen.row.id);
                    let finding = finding(tx.new_id(), (kind, inspection), &new, &item, self.rights.user_id())?;
                    self.found(tx, finding, &mut fresh, &mut suggested)?
                }
            };
            new.hazard_id = match what {
                Some((AmendedHazard::Voided, _)) | None if !fails => None,
                Some((_, id)) => Some(id),
                None => new.hazard_id,
            };
            put(tx.conn, &new)?;
            diesel::update(answers::table.find(new.id)).set(answers::hazard_id.eq(new.hazard_id)).execute(tx.conn)?;
            done.answers.push(ItemDifference {
                item_code: old.item_code.clone(),
                domain: old.domain.clone(),
                from: Said::of(&old),
                to: Said::of(&new),
                hazard: what.map(|(what, _)| what),
                hazard_id: what.map(|(_, id)| id),
            });
        }
        for (finding, kind) in suggested {
            done.suggestions.push(suggest(tx, &self.seen.org, finding, kind)?.into());
        }
        done.registered = register(tx, &self.seen.org, fresh)?.0;
        Ok(done)
    }

    fn link(&self) -> Map<String, Value> {
        let mut link = Map::new();
        link.insert("inspection_id".to_owned(), json!(self.seen.row.id));
        link.insert("amendment_id".to_owned(), json!(self.id));
        link
    }

    fn keep(&self, tx: &mut Tx<'_>, hazard: Option<&HazardRow>) -> Result<Option<(AmendedHazard, Id)>, Problem> {
        let Some(row) = hazard else { return Ok(None) };
        by_record::restore(tx, row, (&self.reason, &self.link()), zone(&self.seen.org.time_zone))?;
        Ok(Some((AmendedHazard::Kept, row.id)))
    }

    /// A hazard nobody has issued is void with the amendment; who only suggests takes back suggestions alone.
    fn withdraw(
        &mut self,
        tx: &mut Tx<'_>,
        hazard: Option<&HazardRow>,
        answer: &AnswerRow,
    ) -> Result<Option<(AmendedHazard, Id)>, Problem> {
        take_back(tx, self.seen.row.id, &answer.item_code, &self.reason)?;
        let Some(row) = hazard.filter(|row| row.status != HazardStatus::Void) else { return Ok(None) };
        let of_school = self.seen.row.kind.of_school();
        let by = self.rights.user_id();
        let finder = (&mut self.finders, by);
        let suggests = suggests(tx.conn, finder, &self.seen.org, &row.domain, (of_school, tx.now))?.is_some();
        let reach = if of_school { VoidReach::OwnRegistered } else { VoidReach::Any };
        let zone = zone(&self.seen.org.time_zone);
        let may_void = (!suggests).then_some(reach);
        let what = match by_record::withdraw(tx, by, row, (&self.reason, &self.link()), may_void, zone)? {
            Withdrawn::Voided => AmendedHazard::Voided,
            Withdrawn::Marked => AmendedHazard::Marked,
        };
        Ok(Some((what, row.id)))
    }

    fn found(
        &mut self,
        tx: &mut Tx<'_>,
        finding: NewHazard,
        fresh: &mut Vec<NewHazard>,
        suggested: &mut Vec<(NewHazard, crate::reports::words::ReportKind)>,
    ) -> Result<Option<(AmendedHazard, Id)>, Problem> {
        let of_school = self.seen.row.kind.of_school();
        let at = (of_school, finding.found_at);
        let finder = (&mut self.finders, finding.reported_by);
        match suggests(tx.conn, finder, &self.seen.org, &finding.domain, at)? {
            Some(kind) => {
                suggested.push((finding, kind));
                Ok(None)
            }
            None => {
                let id = finding.id;
                fresh.push(finding);
                Ok(Some((AmendedHazard::Registered, id)))
            }
        }
    }
}
