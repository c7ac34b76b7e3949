//! The words of the remediation loop.

crate::text_enum! {
    /// Where a hazard stands. Overdue is not a state: it is computed.
    pub enum Status {
        /// Known, waiting to be issued (or, for a major, to be graded by the bureau).
        Registered = "registered",
        /// Handed to the school, which has not signed for it yet.
        Issued = "issued",
        /// Signed for; being put right.
        Rectifying = "rectifying",
        /// The school reports it done; somebody else has to look.
        AwaitingRecheck = "awaiting_recheck",
        /// A major that passed its recheck; a leader has to agree.
        AwaitingApproval = "awaiting_approval",
        /// Struck off (销号).
        Closed = "closed",
        /// A mistake; keeps its number.
        Void = "void",
    }
}

impl Status {
    /// Still to be done: neither closed nor void.
    #[must_use]
    pub const fn is_open(self) -> bool {
        !matches!(self, Self::Closed | Self::Void)
    }

    /// The deadline runs: issued and not reported done. A report stops the clock, a return starts it again.
    #[must_use]
    pub const fn clock_runs(self) -> bool {
        matches!(self, Self::Issued | Self::Rectifying)
    }
}

crate::text_enum! {
    /// A legal judgement, never a score: a major matches a clause.
    pub enum Level {
        /// 一般
        General = "general",
        /// 重大
        Major = "major",
    }
}

crate::text_enum! {
    /// Where a hazard came from.
    pub enum Source {
        /// The school's own systematic check.
        SelfCheck = "self_check",
        /// The school's own round.
        Patrol = "patrol",
        /// A member of the school's staff pointed it out.
        StaffHint = "staff_hint",
        /// A planned inspection of the bureau.
        Routine = "routine",
        /// A campaign on one subject.
        Special = "special",
        /// A surprise visit (四不两直).
        Unannounced = "unannounced",
        /// A random draw (双随机).
        Random = "random",
        /// Schools inspecting each other.
        Peer = "peer",
        /// A responsible supervisor's visit (督学).
        Supervision = "supervision",
        /// A look back at closed work (回头看).
        LookBack = "look_back",
        /// Several authorities together.
        Joint = "joint",
        /// A hired expert body.
        ThirdParty = "third_party",
        /// A complaint.
        Complaint = "complaint",
        /// From a higher authority.
        Superior = "superior",
        /// Handed over by another authority.
        Referral = "referral",
    }
}

impl Source {
    /// Found by the school itself: it may issue and close such general findings, by different persons.
    #[must_use]
    pub const fn is_schools_own(self) -> bool {
        matches!(self, Self::SelfCheck | Self::Patrol | Self::StaffHint)
    }
}

crate::text_enum! {
    /// What can be done to a hazard; the only way its status moves.
    pub enum Action {
        /// Hand it to the school with level and deadline (交办).
        Issue = "issue",
        /// Name who puts it right.
        Assign = "assign",
        /// Not ours: back to the issuer.
        RejectAssignment = "reject_assignment",
        /// Sign for it (签收).
        Acknowledge = "acknowledge",
        /// File the five commitments (五落实).
        FilePlan = "file_plan",
        /// The school says it is put right.
        ReportDone = "report_done",
        /// The recheck finds it put right.
        Pass = "pass",
        /// The recheck finds it not put right: next round.
        Return = "return",
        /// A leader agrees to close a major.
        Approve = "approve",
        /// The bureau changes the level.
        Regrade = "regrade",
        /// Move the deadline; the original one is kept.
        ReassignDue = "reassign_due",
        /// Declare it a mistake; it keeps its number.
        Void = "void",
        /// The look-back failed: next round.
        Reopen = "reopen",
    }
}

crate::text_enum! {
    /// How a hazard came to be closed.
    pub enum ClosedKind {
        /// Fixed during the visit (立查立改).
        OnSpot = "on_spot",
        /// Rechecked, and for a major approved.
        Rechecked = "rechecked",
    }
}

crate::text_enum! {
    /// What putting it right takes; the deadline policy tells them apart.
    pub enum Remedy {
        /// Hands and will.
        Simple = "simple",
        /// Something has to be bought.
        Purchase = "purchase",
        /// Something has to be built.
        BuildingWork = "building_work",
    }
}

crate::text_enum! {
    /// How pressing a deadline is, computed on read.
    pub enum Colour {
        /// Nothing to say yet, or the clock stands.
        None = "none",
        /// Three days before the deadline, seven for a major: to the responsible person.
        Blue = "blue",
        /// On the day: to the principal.
        Yellow = "yellow",
        /// One to seven days over: to the safety office and the lead section.
        Orange = "orange",
        /// More than seven days over, or any overdue major: to a leader.
        Red = "red",
    }
}

crate::text_enum! {
    /// A rule that stood in the way of a transition; several may at once.
    pub enum Refusal {
        /// Not from this state.
        WrongState = "wrong_state",
        /// The caller holds no right to this over this hazard.
        NotPermitted = "not_permitted",
        /// A bureau role has to do this one.
        NeedsBureau = "needs_bureau",
        /// A leader has to do this one.
        NeedsLeader = "needs_leader",
        /// Who rectified does not recheck; who rechecked does not approve; who fixed is not who recorded.
        SamePerson = "same_person",
        /// The caller is not among the recheckers, or one of them holds no right to recheck this hazard.
        NotARechecker = "not_a_rechecker",
        /// A major is rechecked by two or more.
        NeedsTwoRecheckers = "needs_two_recheckers",
        /// A major is rechecked on site.
        NeedsOnSite = "needs_on_site",
        /// A major is not reported done without a plan on file.
        PlanMissing = "plan_missing",
        /// A major names the clause it matches.
        BasisMissing = "basis_missing",
        /// The school's own check was recorded and fixed by one and the same person.
        NoSecondPerson = "no_second_person",
        /// Only a general hazard can be closed on the spot.
        NotGeneral = "not_general",
        /// There is no deadline yet: nothing to extend.
        NoDeadline = "no_deadline",
        /// More time is asked for before the deadline, not after it.
        ExtensionTooLate = "extension_too_late",
        /// Of a listed major more time is asked for at least fifteen working days ahead.
        NeedsFifteenWorkingDays = "needs_fifteen_working_days",
        /// As many extensions were granted as may be.
        ExtensionLimit = "extension_limit",
        /// A request for more time waits for its decision already.
        ExtensionPending = "extension_pending",
        /// The request was decided before.
        AlreadyDecided = "already_decided",
        /// The request lapsed: the hazard was reported done, or its deadline was set anew.
        ExtensionWithdrawn = "extension_withdrawn",
        /// The deadline in force is meanwhile no earlier than the one asked for.
        DeadlineMoved = "deadline_moved",
        /// A supervisor decides only of what that supervisor issued.
        NotTheIssuer = "not_the_issuer",
        /// Only a major.
        NotMajor = "not_major",
        /// It is under supervised listing already.
        AlreadyListed = "already_listed",
        /// It is not under supervised listing.
        NotListed = "not_listed",
        /// Not before it is closed.
        NotClosed = "not_closed",
        /// A stop of use is in force already.
        AlreadySuspended = "already_suspended",
        /// No stop of use is in force.
        NotSuspended = "not_suspended",
        /// The reply was recorded before.
        AlreadyReplied = "already_replied",
    }
}
