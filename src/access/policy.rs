//! The permission table: one value, from which rights are decided, documents printed and tests generated.

use super::role::Role;

crate::text_enum! {
    /// A function of the product.
    pub enum Permission {
        /// `org.read`
        OrgRead = "org.read",
        /// `org.manage`
        OrgManage = "org.manage",
        /// `site.manage`
        SiteManage = "site.manage",
        /// `user.lookup`
        UserLookup = "user.lookup",
        /// `user.read`
        UserRead = "user.read",
        /// `user.manage`
        UserManage = "user.manage",
        /// `session.manage`
        SessionManage = "session.manage",
        /// `client.manage`
        ClientManage = "client.manage",
        /// `client.approve`
        ClientApprove = "client.approve",
        /// `catalogue.read`
        CatalogueRead = "catalogue.read",
        /// `catalogue.manage`
        CatalogueManage = "catalogue.manage",
        /// `policy.read`
        PolicyRead = "policy.read",
        /// `policy.manage`
        PolicyManage = "policy.manage",
        /// `inspection.plan`
        InspectionPlan = "inspection.plan",
        /// `inspection.perform`
        InspectionPerform = "inspection.perform",
        /// `inspection.read`
        InspectionRead = "inspection.read",
        /// `inspection.confirm`
        InspectionConfirm = "inspection.confirm",
        /// `inspection.void`
        InspectionVoid = "inspection.void",
        /// `inspection.acknowledge`
        InspectionAcknowledge = "inspection.acknowledge",
        /// `hazard.read`
        HazardRead = "hazard.read",
        /// `hazard.report`
        HazardReport = "hazard.report",
        /// `hazard.edit`
        HazardEdit = "hazard.edit",
        /// `hazard.issue`
        HazardIssue = "hazard.issue",
        /// `hazard.respond`
        HazardRespond = "hazard.respond",
        /// `hazard.rectify`
        HazardRectify = "hazard.rectify",
        /// `hazard.recheck`
        HazardRecheck = "hazard.recheck",
        /// `hazard.reopen`
        HazardReopen = "hazard.reopen",
        /// `hazard.approve`
        HazardApprove = "hazard.approve",
        /// `hazard.extend`
        HazardExtend = "hazard.extend",
        /// `hazard.void`
        HazardVoid = "hazard.void",
        /// `hazard.refer`
        HazardRefer = "hazard.refer",
        /// `hazard.comment`
        HazardComment = "hazard.comment",
        /// `sync`
        Sync = "sync",
        /// `notice.read`
        NoticeRead = "notice.read",
        /// `report.read`
        ReportRead = "report.read",
        /// `export`
        Export = "export",
        /// `pii.reveal`
        PiiReveal = "pii.reveal",
        /// `audit.read`
        AuditRead = "audit.read",
        /// `report.triage`: hints, suggestions and public reports
        ReportTriage = "report.triage",
        /// `reporter.reveal`: who reported, with reason, audited
        ReporterReveal = "reporter.reveal",
        /// `month.submit`: a school's monthly report
        MonthSubmit = "month.submit",
        /// `month.unlock`: a locked month of a school, for a while
        MonthUnlock = "month.unlock",
        /// `recusal.read`
        RecusalRead = "recusal.read",
        /// `recusal.manage`: who must not inspect which school
        RecusalManage = "recusal.manage",
        /// `recusal.override`: asking for an exception, and another person's approving it
        RecusalOverride = "recusal.override",
        /// `evidence.original`: a file as it was received, with all its metadata; journalled
        EvidenceOriginal = "evidence.original",
        /// `draw.read`
        DrawRead = "draw.read",
        /// `draw.manage`: double-random draws
        DrawManage = "draw.manage",
        /// `document.read`
        DocumentRead = "document.read",
        /// `document.issue`: notices by whom `hazard.issue` lets issue for the bureau, opinions by whom `hazard.recheck`
        /// lets recheck for it, the record by the lead of the team
        DocumentIssue = "document.issue",
        /// `document.void`
        DocumentVoid = "document.void",
    }
}

crate::text_enum! {
    /// How far a permission goes where it is not whole.
    pub enum Limit {
        /// Whole, within the scope.
        Full = "✓",
        /// assigned
        Assigned = "assigned",
        /// own staff
        OwnStaff = "own staff",
        /// own additions
        OwnAdditions = "own additions",
        /// unannounced
        Unannounced = "unannounced",
        /// self as team
        SelfAsTeam = "self as team",
        /// self_check, patrol
        SelfCheckOrPatrol = "self_check, patrol",
        /// patrol
        Patrol = "patrol",
        /// team
        Team = "team",
        /// team, and the school's history while on its team
        TeamAndHistory = "team, and the school's history while on its team",
        /// delegated
        Delegated = "delegated",
        /// named, own inspections, awaiting recheck
        NamedOrAwaiting = "named, own inspections, awaiting recheck",
        /// own reports
        OwnReports = "own reports",
        /// named
        Named = "named",
        /// as suggestion
        AsSuggestion = "as suggestion",
        /// as hint
        AsHint = "as hint",
        /// own
        Own = "own",
        /// own finding
        OwnFinding = "own finding",
        /// general
        General = "general",
        /// general of own inspection
        GeneralOfOwnInspection = "general of own inspection",
        /// own general
        OwnGeneral = "own general",
        /// school's general
        SchoolsGeneral = "school's general",
        /// issued by them
        IssuedByThem = "issued by them",
        /// issued by the school
        IssuedByTheSchool = "issued by the school",
        /// hints
        Hints = "hints",
        /// own, registered
        OwnRegistered = "own, registered",
    }
}

type Cell = Option<Limit>;
const NO: Cell = None;
const YES: Cell = Some(Limit::Full);
const fn only(limit: Limit) -> Cell {
    Some(limit)
}

/// A row for each permission; the columns are [`Role::ALL`] in order. Evidence goes with the record it belongs to.
#[rustfmt::skip]
pub const TABLE: &[(Permission, [Cell; 12])] = &[
    (Permission::OrgRead, [YES, YES, YES, YES, YES, only(Limit::Assigned), YES, YES, YES, YES, YES, YES]),
    (Permission::OrgManage, [NO, YES, NO, NO, NO, NO, NO, NO, NO, YES, NO, NO]),
    (Permission::SiteManage, [NO, YES, NO, NO, NO, NO, YES, YES, NO, NO, NO, NO]),
    (Permission::UserLookup, [YES, YES, YES, YES, YES, NO, YES, YES, NO, YES, YES, YES]),
    (Permission::UserRead, [YES, YES, NO, NO, NO, NO, YES, NO, NO, YES, YES, YES]),
    (Permission::UserManage, [NO, YES, NO, NO, NO, NO, only(Limit::OwnStaff), NO, NO, YES, NO, NO]),
    (Permission::SessionManage, [NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, YES, NO]),
    (Permission::ClientManage, [NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, YES, NO]),
    (Permission::ClientApprove, [YES, YES, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO]),
    (Permission::CatalogueRead, [YES, YES, YES, YES, YES, YES, YES, YES, YES, NO, NO, NO]),
    (Permission::CatalogueManage, [NO, YES, NO, NO, NO, NO, only(Limit::OwnAdditions), only(Limit::OwnAdditions), NO, NO, NO, NO]),
    (Permission::PolicyRead, [YES, YES, YES, YES, YES, NO, YES, YES, NO, NO, NO, NO]),
    (Permission::PolicyManage, [NO, YES, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO]),
    (Permission::InspectionPlan, [only(Limit::Unannounced), YES, YES, YES, only(Limit::SelfAsTeam), NO, only(Limit::SelfCheckOrPatrol), only(Limit::SelfCheckOrPatrol), only(Limit::Patrol), NO, NO, NO]),
    (Permission::InspectionPerform, [only(Limit::Team), only(Limit::Team), only(Limit::Team), only(Limit::Team), only(Limit::Team), only(Limit::Team), only(Limit::Team), only(Limit::Team), only(Limit::Team), NO, NO, NO]),
    (Permission::InspectionRead, [YES, YES, YES, YES, only(Limit::TeamAndHistory), only(Limit::Team), YES, YES, only(Limit::Team), NO, NO, NO]),
    (Permission::InspectionConfirm, [YES, YES, YES, NO, NO, NO, NO, NO, NO, NO, NO, NO]),
    (Permission::InspectionVoid, [YES, YES, YES, NO, NO, NO, NO, NO, NO, NO, NO, NO]),
    (Permission::InspectionAcknowledge, [NO, NO, NO, NO, NO, NO, YES, only(Limit::Delegated), NO, NO, NO, NO]),
    (Permission::HazardRead, [YES, YES, YES, YES, only(Limit::NamedOrAwaiting), only(Limit::OwnReports), YES, YES, only(Limit::Named), NO, NO, NO]),
    (Permission::HazardReport, [YES, YES, YES, YES, YES, only(Limit::AsSuggestion), YES, YES, only(Limit::AsHint), NO, NO, NO]),
    (Permission::HazardEdit, [NO, YES, YES, YES, only(Limit::Own), NO, only(Limit::OwnFinding), only(Limit::OwnFinding), NO, NO, NO, NO]),
    (Permission::HazardIssue, [YES, YES, YES, only(Limit::General), only(Limit::GeneralOfOwnInspection), NO, only(Limit::OwnGeneral), only(Limit::OwnGeneral), NO, NO, NO, NO]),
    (Permission::HazardRespond, [NO, NO, NO, NO, NO, NO, YES, YES, NO, NO, NO, NO]),
    (Permission::HazardRectify, [NO, NO, NO, NO, NO, NO, YES, YES, only(Limit::Assigned), NO, NO, NO]),
    (Permission::HazardRecheck, [NO, YES, YES, YES, YES, NO, only(Limit::SchoolsGeneral), only(Limit::SchoolsGeneral), NO, NO, NO, NO]),
    (Permission::HazardReopen, [YES, YES, YES, YES, NO, NO, NO, NO, NO, NO, NO, NO]),
    (Permission::HazardApprove, [YES, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO]),
    (Permission::HazardExtend, [YES, YES, YES, only(Limit::IssuedByThem), NO, NO, only(Limit::IssuedByTheSchool), NO, NO, NO, NO, NO]),
    (Permission::HazardVoid, [NO, YES, YES, NO, NO, NO, only(Limit::OwnRegistered), only(Limit::OwnRegistered), NO, NO, NO, NO]),
    (Permission::HazardRefer, [YES, YES, YES, NO, NO, NO, NO, NO, NO, NO, NO, NO]),
    (Permission::HazardComment, [YES, YES, YES, YES, YES, NO, YES, YES, only(Limit::Named), NO, NO, NO]),
    (Permission::Sync, [YES, YES, YES, YES, YES, YES, YES, YES, YES, NO, NO, NO]),
    (Permission::NoticeRead, [only(Limit::Own), only(Limit::Own), only(Limit::Own), only(Limit::Own), only(Limit::Own), only(Limit::Own), only(Limit::Own), only(Limit::Own), only(Limit::Own), only(Limit::Own), only(Limit::Own), only(Limit::Own)]),
    (Permission::ReportRead, [YES, YES, YES, YES, NO, NO, YES, YES, NO, NO, NO, NO]),
    (Permission::Export, [YES, YES, YES, YES, NO, NO, YES, YES, NO, NO, NO, NO]),
    (Permission::PiiReveal, [YES, YES, NO, NO, NO, NO, only(Limit::OwnStaff), NO, NO, YES, NO, NO]),
    (Permission::AuditRead, [NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, YES]),
    (Permission::ReportTriage, [YES, YES, YES, YES, NO, NO, only(Limit::Hints), only(Limit::Hints), NO, NO, NO, NO]),
    (Permission::ReporterReveal, [YES, YES, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO]),
    (Permission::MonthSubmit, [NO, NO, NO, NO, NO, NO, YES, YES, NO, NO, NO, NO]),
    (Permission::MonthUnlock, [NO, YES, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO]),
    (Permission::RecusalRead, [YES, YES, YES, only(Limit::Own), only(Limit::Own), only(Limit::Own), NO, NO, NO, NO, NO, NO]),
    (Permission::RecusalManage, [NO, YES, only(Limit::Own), only(Limit::Own), only(Limit::Own), only(Limit::Own), NO, NO, NO, NO, NO, NO]),
    (Permission::RecusalOverride, [YES, YES, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO]),
    (Permission::EvidenceOriginal, [YES, YES, YES, YES, NO, NO, NO, NO, NO, NO, NO, NO]),
    (Permission::DrawRead, [YES, YES, YES, NO, NO, NO, NO, NO, NO, NO, NO, NO]),
    (Permission::DrawManage, [YES, YES, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO]),
    (Permission::DocumentRead, [YES, YES, YES, YES, only(Limit::Team), only(Limit::Team), YES, YES, NO, NO, NO, NO]),
    (Permission::DocumentIssue, [YES, YES, YES, only(Limit::General), only(Limit::GeneralOfOwnInspection), only(Limit::Team), NO, NO, NO, NO, NO, NO]),
    (Permission::DocumentVoid, [YES, YES, YES, only(Limit::Own), only(Limit::Own), only(Limit::Own), NO, NO, NO, NO, NO, NO]),
];

/// What `role` may do of `permission`; nothing where it may not.
#[must_use]
pub fn cell(role: Role, permission: Permission) -> Option<Limit> {
    let column = Role::ALL.iter().position(|one| *one == role)?;
    let (_, cells) = TABLE.iter().find(|(one, _)| *one == permission)?;
    cells.get(column).copied().flatten()
}

/// The table as Markdown, for `docs/permissions.md`.
#[must_use]
pub fn markdown() -> String {
    let mut out = String::from("| permission |");
    for role in Role::ALL {
        out.push_str(&format!(" {role} |"));
    }
    out.push_str("\n|---|");
    out.push_str(&"---|".repeat(Role::ALL.len()));
    out.push('\n');
    for (permission, cells) in TABLE {
        out.push_str(&format!("| `{permission}` |"));
        for cell in cells {
            out.push_str(&format!(" {} |", cell.map_or("", Limit::as_str)));
        }
        out.push('\n');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_permission_has_one_row() {
        for permission in Permission::ALL {
            assert_eq!(TABLE.iter().filter(|(one, _)| one == permission).count(), 1, "{permission}");
        }
    }

    #[test]
    fn administrators_hold_no_business_right() {
        for (permission, _) in TABLE {
            let business = [
                "inspection.",
                "hazard.",
                "report.",
                "reporter.",
                "month.",
                "recusal.",
                "draw.",
                "document.",
                "evidence.",
                "export",
                "sync",
                "catalogue.",
                "policy.",
            ];
            if business.iter().any(|start| permission.as_str().starts_with(start)) {
                for role in Role::ALL.iter().filter(|role| role.is_administrator()) {
                    assert_eq!(cell(*role, *permission), None, "{role} {permission}");
                }
            }
        }
    }
}
