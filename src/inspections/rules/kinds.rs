//! The kinds of inspection and what each permits (domain reference §7), as one table.

use crate::access::{Limit, Permission, Role, policy};

crate::text_enum! {
    /// The kind of an inspection; also the source of the hazards it finds.
    pub enum InspectionKind {
        /// 日常巡查
        Patrol = "patrol",
        /// 自查
        SelfCheck = "self_check",
        /// 常规检查
        Routine = "routine",
        /// 专项检查
        Special = "special",
        /// 突击检查, 四不两直
        Unannounced = "unannounced",
        /// 双随机
        Random = "random",
        /// 交叉互查
        Peer = "peer",
        /// 督导
        Supervision = "supervision",
        /// 回头看
        LookBack = "look_back",
        /// 部门联合检查
        Joint = "joint",
        /// 委托第三方
        ThirdParty = "third_party",
    }
}

/// Whether the school knows beforehand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Announcement {
    /// Always announced.
    Always,
    /// As the planner decides; announced where nothing is said.
    Either,
    /// Never announced: the kind means that.
    Never,
}

/// Whose people start it and perform it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// The school about itself.
    School,
    /// The bureau, by people from outside the school.
    Bureau,
}

/// What one kind permits.
#[derive(Debug, Clone, Copy)]
pub struct KindRule {
    /// The kind.
    pub kind: InspectionKind,
    /// What people call it.
    pub name_zh: &'static str,
    /// Who starts it. Which roles of that side may is said by the permission table: [`InspectionKind::starters`].
    pub side: Side,
    /// Whether the school is told before the team arrives.
    pub announcement: Announcement,
    /// Fewest people of a team.
    pub min_team: usize,
}

/// Whoever comes from outside comes at least in pairs (行政处罚法 art. 42: 执法人员不得少于两人).
const PAIR: usize = 2;

const fn rule(
    kind: InspectionKind,
    name_zh: &'static str,
    side: Side,
    announcement: Announcement,
    min_team: usize,
) -> KindRule {
    KindRule { kind, name_zh, side, announcement, min_team }
}

/// A row for each kind, after the domain reference §7.
pub const RULES: &[KindRule] = &[
    rule(InspectionKind::Patrol, "日常巡查", Side::School, Announcement::Always, 1),
    rule(InspectionKind::SelfCheck, "自查", Side::School, Announcement::Always, 1),
    rule(InspectionKind::Routine, "常规检查", Side::Bureau, Announcement::Always, PAIR),
    rule(InspectionKind::Special, "专项检查", Side::Bureau, Announcement::Either, PAIR),
    rule(InspectionKind::Unannounced, "突击检查", Side::Bureau, Announcement::Never, PAIR),
    rule(InspectionKind::Random, "双随机抽查", Side::Bureau, Announcement::Either, PAIR),
    rule(InspectionKind::Peer, "交叉互查", Side::Bureau, Announcement::Always, PAIR),
    rule(InspectionKind::Supervision, "督导检查", Side::Bureau, Announcement::Either, PAIR),
    rule(InspectionKind::LookBack, "回头看", Side::Bureau, Announcement::Either, PAIR),
    rule(InspectionKind::Joint, "联合检查", Side::Bureau, Announcement::Always, PAIR),
    rule(InspectionKind::ThirdParty, "第三方检查", Side::Bureau, Announcement::Either, PAIR),
];

impl InspectionKind {
    /// What the kind permits.
    #[must_use]
    pub fn rule(self) -> KindRule {
        let found = RULES.iter().find(|rule| rule.kind == self).copied();
        // A test holds the table to one row for each kind; the strictest answer stands in for a row that is missing.
        found.unwrap_or(rule(self, self.as_str(), Side::Bureau, Announcement::Always, PAIR))
    }

    /// What people call it.
    #[must_use]
    pub fn name_zh(self) -> &'static str {
        self.rule().name_zh
    }

    /// Whether a school may start it about itself. The rest are the bureau's.
    #[must_use]
    pub const fn of_school(self) -> bool {
        matches!(self, Self::Patrol | Self::SelfCheck)
    }

    /// Whether `announced` may have this value.
    #[must_use]
    pub fn permits(self, announced: bool) -> bool {
        match self.rule().announcement {
            Announcement::Always => announced,
            Announcement::Either => true,
            Announcement::Never => !announced,
        }
    }

    /// `announced` where nothing is said.
    #[must_use]
    pub fn announced_by_default(self) -> bool {
        self.rule().announcement != Announcement::Never
    }

    /// Whether a right to plan with this limit is a right to start this kind. What depends on the caller (the own
    /// team) is judged beside it.
    #[must_use]
    pub fn within(self, limit: Limit) -> bool {
        match limit {
            Limit::Full => true,
            Limit::Unannounced => self == Self::Unannounced,
            Limit::SelfAsTeam => !self.of_school(),
            Limit::SelfCheckOrPatrol => self.of_school(),
            Limit::Patrol => self == Self::Patrol,
            _ => false,
        }
    }

    /// The roles that may start it, by the permission table.
    pub fn starters(self) -> impl Iterator<Item = Role> {
        let may =
            move |role: &Role| policy::cell(*role, Permission::InspectionPlan).is_some_and(|limit| self.within(limit));
        Role::ALL.iter().copied().filter(may)
    }
}

/// The table as Markdown, for `docs/secrecy.md`.
#[must_use]
pub fn markdown() -> String {
    let mut out = String::from("| kind | | started by | announced | fewest on the team |\n|---|---|---|---|---|\n");
    for rule in RULES {
        let announced = match rule.announcement {
            Announcement::Always => "always",
            Announcement::Either => "unless `announced=false`",
            Announcement::Never => "never",
        };
        let starters: Vec<&str> = rule.kind.starters().map(Role::as_str).collect();
        let (kind, name) = (rule.kind.as_str(), rule.name_zh);
        out.push_str(&format!("| `{kind}` | {name} | {} | {announced} | {} |\n", starters.join(", "), rule.min_team));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_one_rule_in_the_order_of_the_contract() {
        let kinds: Vec<InspectionKind> = RULES.iter().map(|rule| rule.kind).collect();
        assert_eq!(kinds, InspectionKind::ALL);
        for rule in RULES {
            assert_eq!(rule.side == Side::School, rule.kind.of_school(), "{}", rule.kind);
            // Who comes from outside never comes alone.
            assert_eq!(rule.min_team, if rule.side == Side::Bureau { 2 } else { 1 }, "{}", rule.kind);
            assert!(rule.kind.permits(rule.kind.announced_by_default()), "{}", rule.kind);
        }
    }

    #[test]
    fn what_a_school_starts_itself_and_what_peers_do_is_no_secret() {
        let hidden: Vec<InspectionKind> =
            InspectionKind::ALL.iter().copied().filter(|kind| kind.permits(false)).collect();
        assert_eq!(
            hidden,
            [
                InspectionKind::Special,
                InspectionKind::Unannounced,
                InspectionKind::Random,
                InspectionKind::Supervision,
                InspectionKind::LookBack,
                InspectionKind::ThirdParty,
            ]
        );
        assert!(!InspectionKind::Unannounced.permits(true));
    }

    #[test]
    fn leaders_start_surprise_visits_and_schools_their_own_checks() {
        let of = |role: Role| -> Vec<InspectionKind> {
            InspectionKind::ALL.iter().copied().filter(|kind| kind.starters().any(|one| one == role)).collect()
        };
        assert_eq!(of(Role::BureauLeader), [InspectionKind::Unannounced]);
        assert_eq!(of(Role::Principal), [InspectionKind::Patrol, InspectionKind::SelfCheck]);
        assert_eq!(of(Role::SchoolStaff), [InspectionKind::Patrol]);
        assert!(of(Role::ExternalInspector).is_empty() && of(Role::SystemAdmin).is_empty());
    }

    #[test]
    fn the_page_on_secrecy_holds_the_table() {
        let page = include_str!("../../../docs/secrecy.md");
        assert!(page.contains(&markdown()), "docs/secrecy.md differs from:\n{}", markdown());
    }
}
