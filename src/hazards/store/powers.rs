//! What a caller may do over single hazards, found for a whole page at once: no query per row.

use std::collections::HashSet;

use diesel::prelude::*;

use super::row::Row;
use crate::access::{Limit, Permission, Reach, Rights, Scope};
use crate::hazards::rules::{Actor, IssueReach, RectifyReach, Side, VoidReach};
use crate::orgs::rules::OrgKind;
use crate::platform::db::Conn;
use crate::platform::db::schema::{inspection_team, org_closure};
use crate::platform::db::types::Id;
use crate::platform::error::Problem;

/// The permissions that matter for single hazards.
const PERMISSIONS: [Permission; 12] = [
    Permission::HazardRead,
    Permission::HazardEdit,
    Permission::HazardIssue,
    Permission::HazardRespond,
    Permission::HazardRectify,
    Permission::HazardRecheck,
    Permission::HazardReopen,
    Permission::HazardApprove,
    Permission::HazardExtend,
    Permission::HazardRefer,
    Permission::HazardVoid,
    Permission::HazardComment,
];

/// A person's reaches, with what of the closure table and of inspection teams the rows at hand need.
#[derive(Debug)]
pub struct Powers {
    user_id: Id,
    scopes: Vec<(Permission, Scope)>,
    below: HashSet<(Id, Id)>,
    own_inspections: HashSet<Id>,
}

impl Powers {
    /// The powers of `rights` over `rows`; at most two queries however many rows there are.
    ///
    /// # Errors
    /// Whatever the engine says.
    pub fn over<'a>(
        conn: &mut Conn,
        rights: &Rights,
        rows: impl IntoIterator<Item = &'a Row> + Clone,
    ) -> Result<Self, Problem> {
        let scopes: Vec<_> = PERMISSIONS.iter().map(|permission| (*permission, rights.of(*permission))).collect();
        let reaches = || scopes.iter().flat_map(|(_, scope)| &scope.reaches);
        let clusters: HashSet<Id> =
            reaches().filter(|reach| reach.org_kind == OrgKind::Cluster).map(|reach| reach.org_id).collect();
        let by_team = reaches().any(|reach| reach.limit == Limit::GeneralOfOwnInspection || reach.limit == Limit::Own);
        let mut powers = Self {
            user_id: rights.user_id(),
            scopes: Vec::new(),
            below: HashSet::new(),
            own_inspections: HashSet::new(),
        };
        if !clusters.is_empty() {
            let orgs: HashSet<Id> = rows.clone().into_iter().map(|row| row.org_id).collect();
            let found: Vec<(Id, Id)> = org_closure::table
                .filter(org_closure::ancestor_id.eq_any(clusters))
                .filter(org_closure::descendant_id.eq_any(orgs))
                .select((org_closure::ancestor_id, org_closure::descendant_id))
                .load(conn)?;
            powers.below = found.into_iter().collect();
        }
        if by_team {
            let inspections: HashSet<Id> = rows.into_iter().filter_map(|row| row.inspection_id).collect();
            if !inspections.is_empty() {
                let found: Vec<Id> = inspection_team::table
                    .filter(inspection_team::user_id.eq(powers.user_id))
                    .filter(inspection_team::inspection_id.eq_any(inspections))
                    .select(inspection_team::inspection_id)
                    .load(conn)?;
                powers.own_inspections = found.into_iter().collect();
            }
        }
        powers.scopes = scopes;
        Ok(powers)
    }

    /// The reaches of a permission that hold for a row.
    pub(in crate::hazards) fn reaches<'a>(
        &'a self,
        permission: Permission,
        row: &'a Row,
    ) -> impl Iterator<Item = &'a Reach> {
        self.scopes
            .iter()
            .filter(move |(one, _)| *one == permission)
            .flat_map(|(_, scope)| &scope.reaches)
            .filter(|reach| reach.has_domain(&row.domain))
            .filter(|reach| match reach.org_kind {
                OrgKind::Bureau => reach.org_id == row.bureau_id,
                OrgKind::Cluster => self.below.contains(&(reach.org_id, row.org_id)),
                OrgKind::School | OrgKind::Agency => reach.org_id == row.org_id,
            })
    }

    pub(in crate::hazards) fn any(&self, permission: Permission, row: &Row) -> bool {
        self.reaches(permission, row).next().is_some()
    }

    fn of_own_inspection(&self, row: &Row) -> bool {
        row.inspection_id.is_some_and(|id| self.own_inspections.contains(&id))
    }

    /// What the person may do over this hazard.
    #[must_use]
    pub fn actor(&self, row: &Row) -> Actor {
        let limits = |permission| self.reaches(permission, row).map(|reach| reach.limit);
        let issue = limits(Permission::HazardIssue).filter_map(|limit| issue_reach(limit, self.of_own_inspection(row)));
        let rectify = limits(Permission::HazardRectify).filter_map(rectify_reach);
        let recheck = limits(Permission::HazardRecheck).filter_map(recheck_side);
        let void = limits(Permission::HazardVoid).filter_map(void_reach);
        Actor {
            user_id: self.user_id.0,
            issue: issue.max(),
            respond: self.any(Permission::HazardRespond, row),
            rectify: rectify.max(),
            recheck: recheck.max(),
            approve: self.any(Permission::HazardApprove, row),
            reopen: self.any(Permission::HazardReopen, row),
            void: void.max(),
        }
    }

    /// Whether the person sees this hazard from the school's side only.
    #[must_use]
    pub fn school_side(&self, row: &Row) -> bool {
        self.reaches(Permission::HazardRead, row).all(|reach| reach.role.is_school_side())
    }

    /// Whether the person may comment on it.
    #[must_use]
    pub fn may_comment(&self, row: &Row) -> bool {
        self.any(Permission::HazardComment, row)
    }

    /// Whether the person may show by photos what it is or what became of it: who found it, who acts on it.
    #[must_use]
    pub fn may_document(&self, row: &Row) -> bool {
        let actor = self.actor(row);
        let mine = row.reported_by == self.user_id || row.responsible_user_id == Some(self.user_id);
        let rectifies = match actor.rectify {
            Some(RectifyReach::Any) => true,
            Some(RectifyReach::Assigned) => row.responsible_user_id == Some(self.user_id),
            None => false,
        };
        (mine && self.any(Permission::HazardRead, row))
            || rectifies
            || actor.issue.is_some()
            || actor.respond
            || actor.recheck.is_some()
            || actor.approve
            || self.edit(row) != Edit::Never
    }

    /// Whether the person may change its texts, and whether also after it was issued.
    #[must_use]
    pub fn edit(&self, row: &Row) -> Edit {
        let allowed = self.reaches(Permission::HazardEdit, row).map(|reach| match reach.limit {
            Limit::Full => Edit::Always,
            Limit::Own if row.reported_by == self.user_id || self.of_own_inspection(row) => Edit::BeforeIssue,
            Limit::OwnFinding if row.source.is_schools_own() && !row.bureau_side => Edit::BeforeIssue,
            _ => Edit::Never,
        });
        allowed.max().unwrap_or(Edit::Never)
    }
}

/// What a limit of `hazard.issue` means for a hazard.
pub(crate) fn issue_reach(limit: Limit, of_own_inspection: bool) -> Option<IssueReach> {
    match limit {
        Limit::Full => Some(IssueReach::Any),
        Limit::General => Some(IssueReach::General),
        Limit::GeneralOfOwnInspection => of_own_inspection.then_some(IssueReach::General),
        Limit::OwnGeneral => Some(IssueReach::OwnGeneral),
        _ => None,
    }
}

/// What a limit of `hazard.rectify` means for a hazard.
pub(crate) const fn rectify_reach(limit: Limit) -> Option<RectifyReach> {
    match limit {
        Limit::Full => Some(RectifyReach::Any),
        Limit::Assigned => Some(RectifyReach::Assigned),
        _ => None,
    }
}

/// What a limit of `hazard.recheck` means for a hazard.
pub(crate) const fn recheck_side(limit: Limit) -> Option<Side> {
    match limit {
        Limit::Full => Some(Side::Bureau),
        Limit::SchoolsGeneral => Some(Side::School),
        _ => None,
    }
}

/// What a limit of `hazard.void` means for a hazard.
pub(crate) const fn void_reach(limit: Limit) -> Option<VoidReach> {
    match limit {
        Limit::Full => Some(VoidReach::Any),
        Limit::OwnRegistered => Some(VoidReach::OwnRegistered),
        _ => None,
    }
}

/// When somebody may change the texts of a hazard.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Edit {
    /// Not theirs.
    Never,
    /// Before it is issued.
    BeforeIssue,
    /// The bureau: later as well.
    Always,
}
