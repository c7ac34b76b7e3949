//! The grant table as pure functions over roles. Whether the organisation lies in the granter's reach is the scope's
//! question and is asked in the store.

use crate::access::role::Role;
use crate::orgs::rules::OrgKind;

/// Roles the safety office gives; all school roles among them.
const BY_SAFETY_OFFICE: &[Role] = &[
    Role::SectionOfficer,
    Role::Supervisor,
    Role::Inspector,
    Role::ExternalInspector,
    Role::Principal,
    Role::SchoolSafetyOfficer,
    Role::SchoolStaff,
];

/// Roles a principal gives, in the own school only.
const BY_PRINCIPAL: &[Role] = &[Role::SchoolSafetyOfficer, Role::SchoolStaff];

/// Whether a holder of `granter` may give `role` to another person in an organisation within that membership's reach.
/// Nobody gives anything to themselves; the store checks that by person.
#[must_use]
pub fn may_grant(granter: Role, role: Role) -> bool {
    match granter {
        Role::SystemAdmin => !matches!(role, Role::SecurityAdmin | Role::AuditAdmin),
        Role::SafetyOffice => BY_SAFETY_OFFICE.contains(&role),
        Role::Principal => BY_PRINCIPAL.contains(&role),
        _ => false,
    }
}

/// Whether somebody who holds `granters` over all of a person's organisations may disable that person or reset the
/// password: only when every role held is one they may give. A person without roles is looked after by the system
/// administrator alone.
#[must_use]
pub fn may_look_after(granters: &[Role], held: &[Role]) -> bool {
    if held.is_empty() {
        return granters.contains(&Role::SystemAdmin);
    }
    held.iter().all(|role| granters.iter().any(|granter| may_grant(*granter, *role)))
}

/// Whether a role may stand beside the ones a person already holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Combination {
    /// Nothing stands against it.
    Fine,
    /// Two different administrators in one person.
    TwoAdministrators,
    /// An administrator who would do business, or the other way round.
    AdministratorInBusiness,
}

/// No account holds two of the three administrators, nor one of them beside a business role.
#[must_use]
pub fn combination(held: &[Role], new: Role) -> Combination {
    for role in held {
        match (is_administrator(*role), is_administrator(new)) {
            (true, true) if *role != new => return Combination::TwoAdministrators,
            (true, false) | (false, true) => return Combination::AdministratorInBusiness,
            _ => {}
        }
    }
    Combination::Fine
}

/// Whether the role is held in an organisation of this kind.
#[must_use]
pub const fn sits_on(role: Role, kind: OrgKind) -> bool {
    match role {
        Role::Supervisor => matches!(kind, OrgKind::Cluster | OrgKind::School),
        Role::Principal | Role::SchoolSafetyOfficer | Role::SchoolStaff => matches!(kind, OrgKind::School),
        _ => matches!(kind, OrgKind::Bureau),
    }
}

const fn is_administrator(role: Role) -> bool {
    matches!(role, Role::SystemAdmin | Role::SecurityAdmin | Role::AuditAdmin)
}

/// Whether the role is only given for named domains.
#[must_use]
pub const fn needs_domains(role: Role) -> bool {
    matches!(role, Role::SectionOfficer)
}

/// Whether domains may narrow the role at all; they narrow business rights only.
#[must_use]
pub const fn takes_domains(role: Role) -> bool {
    !is_administrator(role)
}

/// Whether the role is only given for a limited time.
#[must_use]
pub const fn needs_end(role: Role) -> bool {
    matches!(role, Role::ExternalInspector)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given_by(granter: Role) -> Vec<&'static str> {
        Role::ALL.iter().filter(|role| may_grant(granter, **role)).map(|role| role.as_str()).collect()
    }

    #[test]
    fn the_grant_table_is_the_one_of_the_design() {
        let office = [
            "section_officer",
            "supervisor",
            "inspector",
            "external_inspector",
            "principal",
            "school_safety_officer",
            "school_staff",
        ];
        let admin = [&["bureau_leader", "safety_office"][..], &office, &["system_admin"]].concat();
        assert_eq!(given_by(Role::SystemAdmin), admin);
        assert_eq!(given_by(Role::SafetyOffice), office);
        assert_eq!(given_by(Role::Principal), ["school_safety_officer", "school_staff"]);
        let granters = [Role::SystemAdmin, Role::SafetyOffice, Role::Principal];
        for other in Role::ALL.iter().filter(|role| !granters.contains(role)) {
            assert!(given_by(*other).is_empty(), "{other}");
        }
    }

    #[test]
    fn nobody_looks_after_more_than_they_may_give() {
        assert!(may_look_after(&[Role::Principal], &[Role::SchoolStaff]));
        assert!(!may_look_after(&[Role::Principal], &[Role::SchoolStaff, Role::Inspector]));
        assert!(!may_look_after(&[Role::SystemAdmin], &[Role::AuditAdmin]));
        assert!(!may_look_after(&[Role::SafetyOffice], &[]));
        assert!(may_look_after(&[Role::SystemAdmin], &[]));
    }

    #[test]
    fn administrators_stand_alone() {
        let admins = [Role::SystemAdmin, Role::SecurityAdmin, Role::AuditAdmin];
        for held in Role::ALL {
            for new in Role::ALL {
                let expected = match (admins.contains(held), admins.contains(new)) {
                    (true, true) if held != new => Combination::TwoAdministrators,
                    (true, false) | (false, true) => Combination::AdministratorInBusiness,
                    _ => Combination::Fine,
                };
                assert_eq!(combination(&[*held], *new), expected, "{held} {new}");
            }
        }
    }

    #[test]
    fn school_roles_sit_on_schools_and_supervisors_on_clusters_too() {
        assert!(sits_on(Role::Principal, OrgKind::School));
        assert!(!sits_on(Role::Principal, OrgKind::Cluster));
        assert!(sits_on(Role::Supervisor, OrgKind::Cluster));
        assert!(!sits_on(Role::Supervisor, OrgKind::Bureau));
        assert!(Role::ALL.iter().all(|role| !sits_on(*role, OrgKind::Agency)));
    }
}
