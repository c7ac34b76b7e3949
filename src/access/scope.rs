//! How far one permission reaches for one caller. Every read goes through a [`Scope`].

use diesel::prelude::*;

use super::policy::Limit;
use super::role::Role;
use crate::orgs::rules::OrgKind;
use crate::platform::db::Conn;
use crate::platform::db::schema::{org_closure, orgs};
use crate::platform::db::types::Id;
use crate::platform::error::Problem;

/// One membership's part of a scope: an organisation and everything below it.
#[derive(Debug, Clone)]
pub struct Reach {
    /// The role it comes from.
    pub role: Role,
    /// The organisation.
    pub org_id: Id,
    /// Its kind.
    pub org_kind: OrgKind,
    /// Its bureau.
    pub bureau_id: Id,
    /// Only these domains; all where nothing is said.
    pub domains: Option<Vec<String>>,
    /// How far within.
    pub limit: Limit,
}

impl Reach {
    /// Whether the reach holds for a domain.
    #[must_use]
    pub fn has_domain(&self, domain: &str) -> bool {
        self.domains.as_ref().is_none_or(|domains| domains.iter().any(|one| one == domain))
    }
}

/// The union of reaches; empty reaches nothing.
#[derive(Debug, Clone)]
pub struct Scope {
    /// The caller.
    pub user_id: Id,
    /// Where.
    pub reaches: Vec<Reach>,
    /// The schools the caller belongs to, or soon will, as somebody of the school's own side. What such a school must
    /// not learn yet is hidden from its people whatever else they are, so this stands beside every permission.
    pub own_schools: Vec<Id>,
}

/// An organisation known to be in scope, with what rows need of it.
#[derive(Debug, Clone, Queryable)]
pub struct OrgRef {
    /// Of the organisation.
    pub id: Id,
    /// Its bureau.
    pub bureau_id: Id,
    /// Its kind.
    pub kind: OrgKind,
    /// Its name.
    pub name: String,
    /// The zone of its business days.
    pub time_zone: String,
    /// Directly above.
    pub parent_id: Option<Id>,
}

/// The columns of [`OrgRef`].
pub const ORG_REF: (orgs::id, orgs::bureau_id, orgs::kind, orgs::name, orgs::time_zone, orgs::parent_id) =
    (orgs::id, orgs::bureau_id, orgs::kind, orgs::name, orgs::time_zone, orgs::parent_id);

/// An organisation, whoever asks. For what the program itself needs; callers' questions go through [`Scope::org`].
///
/// # Errors
/// 404 where there is none.
pub fn org_ref(conn: &mut Conn, org_id: Id) -> Result<OrgRef, Problem> {
    Ok(orgs::table.find(org_id).select(ORG_REF).first(conn)?)
}

impl Scope {
    /// The organisation, if it is in scope.
    ///
    /// # Errors
    /// 404 where it is absent or out of sight.
    pub fn org(&self, conn: &mut Conn, org_id: Id) -> Result<OrgRef, Problem> {
        let org = org_ref(conn, org_id)?;
        if self.reaches_to(conn, &org)?.is_empty() { Err(Problem::not_found()) } else { Ok(org) }
    }

    /// The reaches that hold for `org`.
    ///
    /// # Errors
    /// Whatever the engine says.
    pub fn reaches_to(&self, conn: &mut Conn, org: &OrgRef) -> Result<Vec<&Reach>, Problem> {
        let mut found = Vec::new();
        for reach in &self.reaches {
            let inside = reach.org_id == org.id
                || (reach.org_kind == OrgKind::Bureau && reach.org_id == org.bureau_id)
                || (reach.org_kind == OrgKind::Cluster && is_below(conn, reach.org_id, org.id)?);
            if inside {
                found.push(reach);
            }
        }
        Ok(found)
    }

    /// The reaches that hold for `org` and `domain`.
    ///
    /// # Errors
    /// Whatever the engine says.
    pub fn reaches_to_domain(&self, conn: &mut Conn, org: &OrgRef, domain: &str) -> Result<Vec<&Reach>, Problem> {
        let mut found = self.reaches_to(conn, org)?;
        found.retain(|reach| reach.has_domain(domain));
        Ok(found)
    }

    /// Whether the caller is somebody of this school.
    #[must_use]
    pub fn is_of_school(&self, org_id: Id) -> bool {
        self.own_schools.contains(&org_id)
    }

    /// The bureaus the scope touches, each once.
    #[must_use]
    pub fn bureaus(&self) -> Vec<Id> {
        let mut ids: Vec<Id> = self.reaches.iter().map(|reach| reach.bureau_id).collect();
        ids.sort_unstable();
        ids.dedup();
        ids
    }

    /// The bureau of a caller who acts for the bureau itself, for things that belong to it as a whole.
    #[must_use]
    pub fn own_bureau(&self) -> Option<Id> {
        self.reaches.first().map(|reach| reach.bureau_id)
    }
}

/// Whether `descendant` is `ancestor` or below it.
///
/// # Errors
/// Whatever the engine says.
pub fn is_below(conn: &mut Conn, ancestor: Id, descendant: Id) -> Result<bool, Problem> {
    let found: Option<i32> =
        org_closure::table.find((ancestor, descendant)).select(org_closure::depth).first(conn).optional()?;
    Ok(found.is_some())
}

/// The condition that a row lies in a reach, for any table with `bureau_id` and `org_id`:
/// `in_reach!(hazards, reach)` is a boxed boolean expression. Bureaus compare `bureau_id`, so that lists walk the
/// index that begins with it; clusters ask the closure table; all others compare `org_id`.
#[macro_export]
macro_rules! in_reach {
    ($table:ident, $reach:expr) => {{
        use diesel::prelude::*;
        use $crate::orgs::rules::OrgKind;
        use $crate::platform::db::schema::org_closure;
        let reach: &$crate::access::Reach = $reach;
        let condition: Box<
            dyn diesel::BoxableExpression<
                    $table::table,
                    $crate::platform::db::MultiBackend,
                    SqlType = diesel::sql_types::Bool,
                >,
        > = match reach.org_kind {
            OrgKind::Bureau => Box::new($table::bureau_id.eq(reach.org_id)),
            OrgKind::Cluster => Box::new($table::org_id.eq_any(
                org_closure::table.filter(org_closure::ancestor_id.eq(reach.org_id)).select(org_closure::descendant_id),
            )),
            OrgKind::School | OrgKind::Agency => Box::new($table::org_id.eq(reach.org_id)),
        };
        condition
    }};
}
