//! The roles, on which organisations they stand, and who grants them.

use crate::orgs::rules::OrgKind;

crate::text_enum! {
    /// What somebody is in an organisation. The order is the order of the columns of the permission table.
    pub enum Role {
        /// Sees all of the district; approves what is major. 局领导
        BureauLeader = "bureau_leader",
        /// Plans, issues, grades, publishes. 安全科
        SafetyOffice = "safety_office",
        /// As the safety office, within domains. 业务科室
        SectionOfficer = "section_officer",
        /// Inspects and follows the schools given. 责任督学
        Supervisor = "supervisor",
        /// Performs inspections, reports, rechecks. 检查员
        Inspector = "inspector",
        /// Performs assigned tasks; suggests. 第三方检查员
        ExternalInspector = "external_inspector",
        /// First person responsible of a school. 校长
        Principal = "principal",
        /// Registers and rectifies. 安全专干
        SchoolSafetyOfficer = "school_safety_officer",
        /// Own tasks. 教职工
        SchoolStaff = "school_staff",
        /// Accounts and organisations; no business data. 系统管理员
        SystemAdmin = "system_admin",
        /// Sessions, locks, API clients. 安全管理员
        SecurityAdmin = "security_admin",
        /// Reads and verifies the audit log. 审计管理员
        AuditAdmin = "audit_admin",
    }
}

impl Role {
    /// The three administrators are different people and hold no business role (GB/T 22239-2019).
    #[must_use]
    pub const fn is_administrator(self) -> bool {
        matches!(self, Self::SystemAdmin | Self::SecurityAdmin | Self::AuditAdmin)
    }

    /// Whether the role belongs to a school's side.
    #[must_use]
    pub const fn is_school_side(self) -> bool {
        matches!(self, Self::Principal | Self::SchoolSafetyOfficer | Self::SchoolStaff)
    }

    /// The kinds of organisation the role stands on.
    #[must_use]
    pub const fn stands_on(self) -> &'static [OrgKind] {
        match self {
            Self::Principal | Self::SchoolSafetyOfficer | Self::SchoolStaff => &[OrgKind::School],
            Self::Supervisor => &[OrgKind::Cluster, OrgKind::School],
            _ => &[OrgKind::Bureau],
        }
    }

    /// The roles that this role may give and take away, within its reach and never to oneself. The three roles that
    /// nobody here may give come from the command line.
    #[must_use]
    pub const fn grants(self) -> &'static [Self] {
        match self {
            Self::SystemAdmin => &[
                Self::BureauLeader,
                Self::SafetyOffice,
                Self::SectionOfficer,
                Self::Supervisor,
                Self::Inspector,
                Self::ExternalInspector,
                Self::Principal,
                Self::SchoolSafetyOfficer,
                Self::SchoolStaff,
            ],
            Self::SafetyOffice => &[
                Self::SectionOfficer,
                Self::Supervisor,
                Self::Inspector,
                Self::ExternalInspector,
                Self::Principal,
                Self::SchoolSafetyOfficer,
                Self::SchoolStaff,
            ],
            Self::Principal => &[Self::SchoolSafetyOfficer, Self::SchoolStaff],
            _ => &[],
        }
    }

    /// Whether one person may hold both roles.
    #[must_use]
    pub fn goes_with(self, other: Self) -> bool {
        self == other || !(self.is_administrator() || other.is_administrator())
    }
}
