//! The kinds of inspection and what each permits (domain reference §7).

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
    /// As the bureau decides.
    Either,
    /// Never announced: the kind means that.
    Never,
}

impl InspectionKind {
    /// What people call it.
    #[must_use]
    pub const fn name_zh(self) -> &'static str {
        match self {
            Self::Patrol => "日常巡查",
            Self::SelfCheck => "自查",
            Self::Routine => "常规检查",
            Self::Special => "专项检查",
            Self::Unannounced => "突击检查",
            Self::Random => "双随机抽查",
            Self::Peer => "交叉互查",
            Self::Supervision => "督导检查",
            Self::LookBack => "回头看",
            Self::Joint => "联合检查",
            Self::ThirdParty => "第三方检查",
        }
    }

    /// Whether a school may start it about itself. The rest are the bureau's.
    #[must_use]
    pub const fn of_school(self) -> bool {
        matches!(self, Self::Patrol | Self::SelfCheck)
    }

    /// Whether the school is told before the team arrives.
    #[must_use]
    pub const fn announcement(self) -> Announcement {
        match self {
            Self::Patrol | Self::SelfCheck | Self::Routine | Self::Peer | Self::Joint => Announcement::Always,
            Self::Special | Self::Random | Self::Supervision | Self::LookBack | Self::ThirdParty => {
                Announcement::Either
            }
            Self::Unannounced => Announcement::Never,
        }
    }

    /// Whether `announced` may have this value.
    #[must_use]
    pub const fn permits(self, announced: bool) -> bool {
        match self.announcement() {
            Announcement::Always => announced,
            Announcement::Either => true,
            Announcement::Never => !announced,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::InspectionKind as Kind;

    #[test]
    fn a_school_starts_its_own_two_kinds_and_they_are_no_secret() {
        let own: Vec<Kind> = Kind::ALL.iter().copied().filter(|kind| kind.of_school()).collect();
        assert_eq!(own, [Kind::Patrol, Kind::SelfCheck]);
        assert!(own.iter().all(|kind| kind.permits(true) && !kind.permits(false)));
    }

    #[test]
    fn a_surprise_visit_is_never_announced() {
        assert!(!Kind::Unannounced.permits(true) && Kind::Unannounced.permits(false));
        assert!(Kind::ALL.iter().all(|kind| kind.permits(true) || kind.permits(false)));
    }
}
