//! Who looks after whom, and what a membership must carry. Which role gives which, stands on which kind of
//! organisation and goes with which other is said once, in [`Role`].

use crate::access::Role;

/// Whether somebody may disable a person or reset the password: only when every role the person holds is one they may
/// give there. `held` lists each role with the roles the granter holds over its organisation. A person without roles
/// is looked after by the system administrator alone.
#[must_use]
pub fn may_look_after(granters: &[Role], held: &[(Role, Vec<Role>)]) -> bool {
    if held.is_empty() {
        return granters.contains(&Role::SystemAdmin);
    }
    held.iter().all(|(role, over)| over.iter().any(|granter| granter.grants().contains(role)))
}

/// Whether a role may stand beside the ones a person already holds.
#[must_use]
pub fn goes_with_all(held: &[Role], new: Role) -> bool {
    held.iter().all(|role| role.goes_with(new))
}

/// Whether the role is only given for named domains.
#[must_use]
pub const fn needs_domains(role: Role) -> bool {
    matches!(role, Role::SectionOfficer)
}

/// Whether domains may narrow the role at all; they narrow business rights only.
#[must_use]
pub const fn takes_domains(role: Role) -> bool {
    !role.is_administrator()
}

/// Whether the role is only given for a limited time.
#[must_use]
pub const fn needs_end(role: Role) -> bool {
    matches!(role, Role::ExternalInspector)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_looks_after_more_than_they_may_give() {
        let over = |granter: Role, roles: &[Role]| {
            let held: Vec<_> = roles.iter().map(|role| (*role, vec![granter])).collect();
            may_look_after(&[granter], &held)
        };
        assert!(over(Role::Principal, &[Role::SchoolStaff]));
        assert!(!over(Role::Principal, &[Role::SchoolStaff, Role::Inspector]));
        assert!(!over(Role::Principal, &[Role::Principal]));
        assert!(!over(Role::SystemAdmin, &[Role::AuditAdmin]));
        assert!(!over(Role::SafetyOffice, &[]));
        assert!(over(Role::SystemAdmin, &[]));
    }

    #[test]
    fn a_role_outside_the_granters_reach_is_not_looked_after() {
        let held = [(Role::SchoolStaff, vec![Role::Principal]), (Role::SchoolStaff, vec![])];
        assert!(!may_look_after(&[Role::Principal], &held));
    }

    #[test]
    fn administrators_stand_alone() {
        for held in Role::ALL {
            for new in Role::ALL {
                let alone = held.is_administrator() || new.is_administrator();
                assert_eq!(goes_with_all(&[*held], *new), !alone || held == new, "{held} {new}");
            }
        }
    }
}
