//! The words of documents.

crate::text_enum! {
    /// What kind of document.
    pub enum DocumentType {
        /// 现场检查记录: what an inspection saw, by the lead of its team.
        OnSiteRecord = "on_site_record",
        /// 整改通知书: what has to be put right until when.
        RectificationNotice = "rectification_notice",
        /// 复查意见书: what the recheck found.
        RecheckOpinion = "recheck_opinion",
    }
}

impl DocumentType {
    /// Its name on paper.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::OnSiteRecord => "现场检查记录",
            Self::RectificationNotice => "整改通知书",
            Self::RecheckOpinion => "复查意见书",
        }
    }

    /// The character that follows the bureau's code in its numbers.
    #[must_use]
    pub const fn mark(self) -> &'static str {
        match self {
            Self::OnSiteRecord => "检",
            Self::RectificationNotice => "改",
            Self::RecheckOpinion => "复",
        }
    }

    /// Its series in the table of serials.
    #[must_use]
    pub const fn series(self) -> &'static str {
        match self {
            Self::OnSiteRecord => "document:on_site_record",
            Self::RectificationNotice => "document:rectification_notice",
            Self::RecheckOpinion => "document:recheck_opinion",
        }
    }
}

crate::text_enum! {
    /// What a recheck found of one hazard.
    pub enum RecheckResult {
        /// 已整改
        Done = "done",
        /// 部分整改
        Partly = "partly",
        /// 未整改
        NotDone = "not_done",
    }
}

impl RecheckResult {
    /// On paper.
    #[must_use]
    pub const fn name_zh(self) -> &'static str {
        match self {
            Self::Done => "已整改",
            Self::Partly => "部分整改",
            Self::NotDone => "未整改",
        }
    }
}

crate::text_enum! {
    /// A rule that stands in the way of a document.
    pub enum DocumentRefusal {
        /// The inspection was not handed in, or is void.
        NotSubmitted = "not_submitted",
        /// Only the lead of the team issues the record.
        NotLead = "not_lead",
        /// A school's own check has no document of the bureau.
        SchoolsOwn = "schools_own",
        /// No hazard of the inspection is in hand at the school by an order of the bureau.
        NothingToOrder = "nothing_to_order",
        /// The hazard is not in hand at the school by an order.
        NotIssued = "not_issued",
        /// The order is the school's own.
        NotOfBureau = "not_of_bureau",
        /// Nothing was rechecked.
        NotRechecked = "not_rechecked",
        /// A recheck that passed leaves nothing partly done, and one that did not leaves something.
        ContradictsRecheck = "contradicts_recheck",
        /// A document of this type tells of it already and stands.
        AlreadyIssued = "already_issued",
        /// The document was replaced by another already.
        Superseded = "superseded",
        /// The document is void already.
        AlreadyVoid = "already_void",
    }
}

impl DocumentRefusal {
    /// In Chinese and English.
    #[must_use]
    pub const fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::NotSubmitted => ("检查尚未提交或已作废", "the inspection is not handed in, or void"),
            Self::NotLead => ("须由检查组组长出具", "only the lead of the team issues it"),
            Self::SchoolsOwn => ("学校自查不出具文书", "a school's own check has no document of the bureau"),
            Self::NothingToOrder => ("没有已交办的隐患", "no hazard of it is in hand by an order of the bureau"),
            Self::NotIssued => ("隐患未交办或已办结", "the hazard is not in hand by an order"),
            Self::NotOfBureau => ("该隐患由学校自行交办", "the order is the school's own"),
            Self::NotRechecked => ("尚未复查", "nothing was rechecked"),
            Self::ContradictsRecheck => ("与复查结果不符", "contradicts what the recheck found"),
            Self::AlreadyIssued => ("已出具同类文书", "a document of this type tells of it already"),
            Self::Superseded => ("该文书已被替代", "the document was replaced already"),
            Self::AlreadyVoid => ("该文书已作废", "the document is void already"),
        }
    }
}
