//! What requests about people carry, and what answers show.

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::rules::{self, Phone};
use crate::access::Role;
use crate::access::caller::Membership;
use crate::orgs::bodies::{add, kept};
use crate::platform::db::types::{Id, Timestamp};
use crate::platform::http::{Check, Faults, FieldError, Patch, Record};

/// Most memberships given at once.
const MOST_MEMBERSHIPS: usize = 20;
/// Most domains of a membership.
const MOST_DOMAINS: usize = 50;

/// A user, as far as the caller may see.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct UserView {
    /// Of the user.
    pub id: Id,
    /// Counts its changes, those of its memberships included.
    pub version: i64,
    /// When the account was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
    /// For signing in.
    #[schema(example = "zhang.san")]
    pub username: String,
    /// For people to read.
    #[schema(example = "张三")]
    pub display_name: String,
    /// Masked; null where there is none or where the caller's side does not see it.
    #[schema(required, example = "138****8000")]
    pub phone: Option<String>,
    /// Whether the account is closed.
    pub disabled: bool,
    /// Until then only the own account is open.
    pub must_change_password: bool,
    /// Those the caller may see, ended ones left out.
    pub memberships: Vec<Membership>,
}

impl Record for UserView {
    fn version(&self) -> i64 {
        self.version
    }
}

/// A new user, with the one-time password that is shown here and never again.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct CreatedUser {
    /// The user.
    #[serde(flatten)]
    pub user: UserView,
    /// To be changed at the first sign-in; absent when the call is repeated.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "ABCD-EFGH-JKLM-NPQR")]
    pub one_time_password: Option<String>,
}

impl Record for CreatedUser {
    fn version(&self) -> i64 {
        self.user.version
    }
}

/// A password that is shown once.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct OneTimePassword {
    /// To be changed at the next sign-in.
    #[schema(example = "ABCD-EFGH-JKLM-NPQR")]
    pub one_time_password: String,
}

/// Somebody who can be named.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct NamedPerson {
    /// Of the user.
    pub id: Id,
    /// For people to read.
    pub display_name: String,
    /// What the person is there.
    pub role: Role,
    /// Where.
    pub org_id: Id,
    /// The name of that organisation.
    pub org_name: String,
}

/// A membership just given.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct MembershipView {
    /// The user.
    pub user_id: Id,
    /// Memberships do not change; they end.
    pub version: i64,
    /// When it was given.
    pub created_at: Timestamp,
    /// The same.
    pub updated_at: Timestamp,
    /// What, where, until when.
    #[serde(flatten)]
    pub membership: Membership,
}

impl Record for MembershipView {
    fn version(&self) -> i64 {
        self.version
    }
}

/// A role in an organisation, to be given.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewMembership {
    /// Where.
    pub org_id: Id,
    /// What.
    pub role: Role,
    /// Narrows business rights to these domains; required for `section_officer`, refused for administrators.
    pub domains: Option<Vec<String>>,
    /// From when; now where it is not given.
    pub valid_from: Option<Timestamp>,
    /// Until when; required for `external_inspector`.
    pub valid_to: Option<Timestamp>,
}

impl NewMembership {
    fn judge(&self, at: &str, faults: &mut Faults) {
        let pointer = |field: &str| format!("{at}/{field}");
        match &self.domains {
            None if rules::needs_domains(self.role) => faults.add(FieldError::required(pointer("domains"))),
            None => {}
            Some(_) if !rules::takes_domains(self.role) => faults.say(
                &pointer("domains"),
                "domains_not_allowed",
                "管理员角色不能限定领域",
                "administrators are not narrowed to domains",
            ),
            Some(domains) if domains.is_empty() => faults.add(FieldError::required(pointer("domains"))),
            Some(domains) => {
                faults.at_most(&pointer("domains"), domains.len(), MOST_DOMAINS);
                for (index, domain) in domains.iter().enumerate().take(MOST_DOMAINS) {
                    if crate::catalogue::builtin::domain(domain).is_none() {
                        faults.add(FieldError::unknown_value(pointer(&format!("domains/{index}"))));
                    }
                }
            }
        }
        if self.valid_to.is_none() && rules::needs_end(self.role) {
            faults.add(FieldError::required(pointer("valid_to")));
        }
        if let (Some(from), Some(to)) = (self.valid_from, self.valid_to)
            && to <= from
        {
            faults.say(&pointer("valid_to"), "not_after_valid_from", "须晚于生效时间", "must be after valid_from");
        }
    }
}

impl Check for NewMembership {
    fn check(&self, faults: &mut Faults) {
        self.judge("", faults);
    }
}

/// A new user.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewUser {
    /// Made by the client, so that a repeated call makes nobody twice.
    pub id: Option<Id>,
    /// 3 to 64 of `a-z 0-9 . _ -`.
    #[schema(example = "zhang.san")]
    pub username: String,
    /// 1 to 100 characters.
    #[schema(example = "张三")]
    pub display_name: String,
    /// A mainland mobile number, or a landline with area code.
    #[schema(example = "13800138000")]
    pub phone: Option<String>,
    /// At least one, each of a role the caller may give.
    pub memberships: Vec<NewMembership>,
}

impl Check for NewUser {
    fn check(&self, faults: &mut Faults) {
        add(faults, "/username", rules::username(&self.username));
        add(faults, "/display_name", rules::display_name(&self.display_name));
        if let Some(phone) = &self.phone {
            add(faults, "/phone", Phone::parse(phone));
        }
        if self.memberships.is_empty() {
            faults.add(FieldError::required("/memberships"));
        }
        faults.at_most("/memberships", self.memberships.len(), MOST_MEMBERSHIPS);
        let mut before: Vec<&NewMembership> = Vec::new();
        for (index, membership) in self.memberships.iter().enumerate().take(MOST_MEMBERSHIPS) {
            let at = format!("/memberships/{index}");
            membership.judge(&at, faults);
            let held: Vec<Role> = before.iter().map(|one| one.role).collect();
            if !rules::goes_with_all(&held, membership.role) {
                faults.add(incompatible(&format!("{at}/role")));
            }
            if before.iter().any(|one| one.role == membership.role && one.org_id == membership.org_id) {
                faults.say(&at, "already_member", "角色重复", "is given twice");
            }
            before.push(membership);
        }
    }
}

/// Changes to a user; absent fields stay.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UserPatch {
    /// 1 to 100 characters.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub display_name: Patch<String>,
    /// Null takes it away.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub phone: Patch<String>,
}

impl Check for UserPatch {
    fn check(&self, faults: &mut Faults) {
        kept(faults, "/display_name", &self.display_name);
        if let Some(name) = self.display_name.set() {
            add(faults, "/display_name", rules::display_name(name));
        }
        if let Some(phone) = self.phone.set() {
            add(faults, "/phone", Phone::parse(phone));
        }
    }
}

/// Two roles that no one person holds.
#[must_use]
pub fn incompatible(pointer: &str) -> FieldError {
    FieldError::new(
        pointer,
        "roles_incompatible",
        "管理员角色不能与其他角色由同一人担任",
        "an administrator holds no other role",
    )
}

/// The query of the list of users.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct UserFilter {
    /// Part of the name, or the beginning of the user name.
    pub q: Option<String>,
    /// Only holders of this role.
    pub role: Option<Role>,
    /// Only members of exactly this organisation.
    pub org_id: Option<Id>,
    /// Only closed accounts, or only open ones.
    pub disabled: Option<bool>,
}

/// The query for naming people.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct LookupFilter {
    /// Part of the name.
    pub q: Option<String>,
    /// Only holders of this role.
    pub role: Option<Role>,
    /// Only members of exactly this organisation.
    pub org_id: Option<Id>,
}
