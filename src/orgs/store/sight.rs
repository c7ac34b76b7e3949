//! Which organisations a caller sees.

use diesel::prelude::*;
use diesel::sql_types::{Bool, Text};
use serde::Deserialize;
use utoipa::IntoParams;

use super::OrgRow;
use crate::access::{Limit, Reach, Scope};
use crate::orgs::rules::{OrgKind, SchoolKind};
use crate::platform::db::schema::{inspection_team, inspections, org_closure, orgs};
use crate::platform::db::types::Id;
use crate::platform::db::{Conn, MultiBackend};
use crate::platform::error::Problem;
use crate::platform::http::List;
use crate::platform::http::list::COUNT_LIMIT;

diesel::define_sql_function! {
    /// Letters lowered, so that both engines compare alike.
    fn lower(text: Text) -> Text;
}

/// The query of the list of organisations.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct OrgFilter {
    /// Only this kind.
    pub kind: Option<OrgKind>,
    /// Only what lies below this organisation.
    pub under: Option<Id>,
    /// Only schools of this kind.
    pub school_kind: Option<SchoolKind>,
    /// Part of the name, or the beginning of the identifier.
    pub q: Option<String>,
}

/// A condition on organisations.
pub type Condition = Box<dyn BoxableExpression<orgs::table, MultiBackend, SqlType = Bool>>;

/// The organisations of one reach. An external inspector sees those of the inspections given to it.
fn within(reach: &Reach, user_id: Id) -> Condition {
    if reach.limit == Limit::Assigned {
        let given = inspection_team::table.filter(inspection_team::user_id.eq(user_id));
        let given = inspections::table
            .filter(inspections::id.eq_any(given.select(inspection_team::inspection_id)))
            .select(inspections::org_id);
        return Box::new(orgs::bureau_id.eq(reach.bureau_id).and(orgs::id.eq_any(given)));
    }
    match reach.org_kind {
        OrgKind::Bureau => Box::new(orgs::bureau_id.eq(reach.org_id)),
        OrgKind::Cluster => Box::new(orgs::id.eq_any(below(reach.org_id))),
        OrgKind::School | OrgKind::Agency => Box::new(orgs::id.eq(reach.org_id)),
    }
}

#[diesel::dsl::auto_type]
fn below(ancestor: Id) -> _ {
    org_closure::table.filter(org_closure::ancestor_id.eq(ancestor)).select(org_closure::descendant_id)
}

/// The condition of a whole scope; nothing for a scope that reaches nowhere.
#[must_use]
pub fn in_scope(scope: &Scope) -> Option<Condition> {
    let mut conditions = scope.reaches.iter().map(|reach| within(reach, scope.user_id));
    let first = conditions.next()?;
    Some(conditions.fold(first, |all, one| Box::new(all.or(one))))
}

/// The organisation, if the scope sees it.
///
/// # Errors
/// 404 where it is absent or out of sight.
pub fn visible(conn: &mut Conn, scope: &Scope, id: Id) -> Result<OrgRow, Problem> {
    let condition = in_scope(scope).ok_or_else(Problem::not_found)?;
    Ok(orgs::table.find(id).filter(condition).select(OrgRow::as_select()).first(conn)?)
}

type Boxed<'a> = orgs::BoxedQuery<'a, MultiBackend>;

fn filtered<'a>(scope: &Scope, filter: &OrgFilter) -> Option<Boxed<'a>> {
    let mut query = orgs::table.filter(in_scope(scope)?).into_boxed();
    if let Some(kind) = filter.kind {
        query = query.filter(orgs::kind.eq(kind));
    }
    if let Some(kind) = filter.school_kind {
        query = query.filter(orgs::school_kind.eq(kind));
    }
    if let Some(under) = filter.under {
        query = query.filter(orgs::id.eq_any(below(under))).filter(orgs::id.ne(under));
    }
    if let Some(words) = filter.q.as_deref().map(str::trim).filter(|words| !words.is_empty()) {
        let words = literal(&words.to_lowercase());
        let named = lower(orgs::name).like(format!("%{words}%")).escape('\\');
        let coded = orgs::identifier.like(format!("{words}%")).escape('\\');
        query = query.filter(named.nullable().or(coded));
    }
    Some(query)
}

/// Text for LIKE in which nothing is a wildcard.
#[must_use]
pub fn literal(text: &str) -> String {
    text.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_")
}

/// One page, one row more to know whether there is a next.
///
/// # Errors
/// 404 for an `under` out of sight.
pub fn list(conn: &mut Conn, scope: &Scope, list: &List<OrgFilter>) -> Result<Vec<OrgRow>, Problem> {
    if let Some(under) = list.filter.under {
        visible(conn, scope, under)?;
    }
    let Some(query) = filtered(scope, &list.filter) else { return Ok(Vec::new()) };
    Ok(crate::keyset!(query.select(OrgRow::as_select()), orgs, list).load(conn)?)
}

/// How many rows the whole list has, counted no further than the limit of counts; nothing where nobody asked.
///
/// # Errors
/// Whatever the engine says.
pub fn counted(conn: &mut Conn, scope: &Scope, list: &List<OrgFilter>) -> Result<Option<i64>, Problem> {
    if !list.count {
        return Ok(None);
    }
    let Some(query) = filtered(scope, &list.filter) else { return Ok(Some(0)) };
    let ids: Vec<Id> = query.select(orgs::id).limit(COUNT_LIMIT + 1).load(conn)?;
    Ok(Some(i64::try_from(ids.len()).unwrap_or(i64::MAX)))
}
