//! Lists: inspections, and answers across schools.

use chrono::{Datelike, Days, NaiveDate};
use chrono_tz::Tz;
use diesel::dsl::exists;
use diesel::prelude::*;
use serde::Deserialize;
use utoipa::IntoParams;

use super::answer_record::{AnswerRow, AnswerView, shown, with_items};
use super::record::{InspectionRow, InspectionView, views};
use super::sight::{answers_in, inspections_in};
use crate::access::scope::org_ref;
use crate::access::{Permission, Rights, Scope};
use crate::hazards::deadline::start_of_day;
use crate::inspections::rules::{Kind, Outcome, Status};
use crate::keyset;
use crate::platform::db::Conn;
use crate::platform::db::schema::{answers, inspections, org_closure};
use crate::platform::db::types::{Id, Timestamp};
use crate::platform::error::{Code, Problem};
use crate::platform::http::list::COUNT_LIMIT;
use crate::platform::http::{FieldError, List, Page};

/// Which inspections.
#[derive(Debug, Clone, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct InspectionFilter {
    /// In this status.
    pub status: Option<Status>,
    /// Of this kind.
    pub kind: Option<Kind>,
    /// Of this school.
    pub org_id: Option<Id>,
    /// Of this organisation and everything below it.
    pub under: Option<Id>,
    /// Planned for this day or later.
    pub from: Option<NaiveDate>,
    /// Planned for this day or earlier.
    pub to: Option<NaiveDate>,
}

fn known(conn: &mut Conn, scope: &Scope, ids: [Option<Id>; 2]) -> Result<(), Problem> {
    for id in ids.into_iter().flatten() {
        scope.org(conn, id)?;
    }
    Ok(())
}

/// Days within what both engines can compare.
fn days(from: Option<NaiveDate>, to: Option<NaiveDate>) -> Result<(), Problem> {
    for (name, day) in [("from", from), ("to", to)] {
        if day.is_some_and(|day| !(2000..=2100).contains(&day.year())) {
            return Err(Problem::new(Code::InvalidParameter).errors(vec![FieldError::new(
                name,
                "out_of_range",
                "须在 2000 年与 2100 年之间",
                "must be between 2000 and 2100",
            )]));
        }
    }
    Ok(())
}

/// A page of the inspections the caller may see, newest first.
///
/// # Errors
/// 404 for an organisation out of sight.
pub fn list(conn: &mut Conn, rights: &Rights, list: &List<InspectionFilter>) -> Result<Page<InspectionView>, Problem> {
    let scope = rights.of(Permission::InspectionRead);
    let filter = &list.filter;
    days(filter.from, filter.to)?;
    known(conn, &scope, [filter.org_id, filter.under])?;
    let filtered = |conn: &mut Conn| -> Result<_, Problem> {
        let mut query = inspections::table.filter(inspections_in(conn, &scope)?).into_boxed();
        if let Some(status) = filter.status {
            query = query.filter(inspections::status.eq(status));
        }
        if let Some(kind) = filter.kind {
            query = query.filter(inspections::kind.eq(kind));
        }
        if let Some(org_id) = filter.org_id {
            query = query.filter(inspections::org_id.eq(org_id));
        }
        if let Some(under) = filter.under {
            let below = org_closure::table.filter(org_closure::ancestor_id.eq(under));
            query = query.filter(inspections::org_id.eq_any(below.select(org_closure::descendant_id)));
        }
        if let Some(from) = filter.from {
            query = query.filter(inspections::planned_on.ge(from));
        }
        if let Some(to) = filter.to {
            query = query.filter(inspections::planned_on.le(to));
        }
        Ok(query)
    };
    let query = filtered(conn)?;
    let rows: Vec<InspectionRow> = keyset!(query, inspections, list).select(InspectionRow::as_select()).load(conn)?;
    let counted = if list.count {
        let found: Vec<Id> = filtered(conn)?.select(inspections::id).limit(COUNT_LIMIT + 1).load(conn)?;
        i64::try_from(found.len()).ok()
    } else {
        None
    };
    let page = list.page(rows, |row| (row.created_at, row.id))?;
    let shown = views(conn, page.data)?;
    Ok(Page { data: shown, page: page.page }.counted(counted))
}

/// Which answers.
#[derive(Debug, Clone, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct AnswerFilter {
    /// To this item.
    pub item_code: Option<String>,
    /// With this result.
    pub result: Option<Outcome>,
    /// Of this school.
    pub org_id: Option<Id>,
    /// Of this organisation and everything below it.
    pub under: Option<Id>,
    /// Counting for this category.
    pub category: Option<String>,
    /// Counting for this domain.
    pub domain: Option<String>,
    /// Of this inspection.
    pub inspection_id: Option<Id>,
    /// Answered on this day or later, in the bureau's zone.
    pub from: Option<NaiveDate>,
    /// Answered on this day or earlier, in the bureau's zone.
    pub to: Option<NaiveDate>,
}

/// A page of answers across all schools the caller may see, newest inspection first. Those of void inspections do not
/// count.
///
/// # Errors
/// 404 for an organisation or inspection out of sight.
pub fn answers_across(
    conn: &mut Conn,
    rights: &Rights,
    list: &List<AnswerFilter>,
) -> Result<Page<AnswerView>, Problem> {
    let scope = rights.of(Permission::InspectionRead);
    let filter = &list.filter;
    days(filter.from, filter.to)?;
    known(conn, &scope, [filter.org_id, filter.under])?;
    if let Some(id) = filter.inspection_id {
        super::seen(conn, rights, id)?;
    }
    let zone = match scope.own_bureau() {
        Some(bureau) if filter.from.is_some() || filter.to.is_some() => org_ref(conn, bureau)?.time_zone,
        _ => String::new(),
    };
    let zone: Tz = zone.parse().unwrap_or(chrono_tz::Asia::Shanghai);
    let filtered = |conn: &mut Conn| -> Result<_, Problem> {
        let counts = inspections::table
            .filter(inspections::id.eq(answers::inspection_id))
            .filter(inspections::status.ne(Status::Void));
        let mut query = answers::table.filter(answers_in(conn, &scope)?).filter(exists(counts)).into_boxed();
        if let Some(code) = &filter.item_code {
            query = query.filter(answers::item_code.eq(code.clone()));
        }
        if let Some(result) = filter.result {
            query = query.filter(answers::result.eq(result));
        }
        if let Some(org_id) = filter.org_id {
            query = query.filter(answers::org_id.eq(org_id));
        }
        if let Some(under) = filter.under {
            let below = org_closure::table.filter(org_closure::ancestor_id.eq(under));
            query = query.filter(answers::org_id.eq_any(below.select(org_closure::descendant_id)));
        }
        if let Some(category) = &filter.category {
            query = query.filter(answers::category.eq(category.clone()));
        }
        if let Some(domain) = &filter.domain {
            query = query.filter(answers::domain.eq(domain.clone()));
        }
        if let Some(id) = filter.inspection_id {
            query = query.filter(answers::inspection_id.eq(id));
        }
        if let Some(from) = filter.from {
            query = query.filter(answers::answered_at.ge(Timestamp::from(start_of_day(from, zone))));
        }
        if let Some(to) = filter.to {
            let after = to.checked_add_days(Days::new(1)).unwrap_or(to);
            query = query.filter(answers::answered_at.lt(Timestamp::from(start_of_day(after, zone))));
        }
        Ok(query)
    };
    let query = filtered(conn)?;
    let rows: Vec<AnswerRow> = keyset!(query, answers, list).select(AnswerRow::as_select()).load(conn)?;
    let counted = if list.count {
        let found: Vec<Id> = filtered(conn)?.select(answers::id).limit(COUNT_LIMIT + 1).load(conn)?;
        i64::try_from(found.len()).ok()
    } else {
        None
    };
    let page = list.page(rows, |row| (row.created_at, row.id))?;
    let data = with_items(conn, page.data)?.into_iter().map(|(row, item)| shown(row, item)).collect();
    Ok(Page { data, page: page.page }.counted(counted))
}
