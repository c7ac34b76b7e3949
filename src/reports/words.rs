//! The words of reports.

crate::text_enum! {
    /// Who points something out.
    pub enum ReportKind {
        /// A member of the school's own staff.
        Hint = "hint",
        /// An external inspector, whose findings the bureau confirms.
        Suggestion = "suggestion",
        /// Anybody, without an account.
        Public = "public",
    }
}

crate::text_enum! {
    /// Where a report stands.
    pub enum ReportStatus {
        /// Nobody has judged it.
        Waiting = "waiting",
        /// It became a hazard.
        Accepted = "accepted",
        /// It tells of a hazard known already.
        Duplicate = "duplicate",
        /// No matter of campus safety, or not so.
        OutOfScope = "out_of_scope",
        /// Handed to whoever it concerns.
        Transferred = "transferred",
    }
}

crate::text_enum! {
    /// What triage comes to.
    pub enum TriageOutcome {
        /// Somebody looks into it; it goes on waiting, and the reporter is told that much.
        Review = "review",
        /// It becomes a hazard.
        Accept = "accept",
        /// It tells of a hazard known already.
        Duplicate = "duplicate",
        /// No matter of campus safety, or not so.
        OutOfScope = "out_of_scope",
        /// Handed to whoever it concerns.
        Transferred = "transferred",
    }
}

crate::text_enum! {
    /// How far a public report has come, as its reporter is told: progress alone.
    pub enum ReportProgress {
        /// It lies with the bureau.
        Received = "received",
        /// Somebody looks into it.
        UnderReview = "under_review",
        /// It is a hazard on the books.
        Accepted = "accepted",
        /// The school is putting it right, or that is being rechecked.
        Rectifying = "rectifying",
        /// Put right and struck off.
        Rectified = "rectified",
        /// Nothing came of it.
        NotAccepted = "not_accepted",
        /// Handed to whoever it concerns.
        Transferred = "transferred",
    }
}

crate::text_enum! {
    /// Why a report cannot be triaged; all that stand in the way are named.
    pub enum TriageRefusal {
        /// Once only.
        AlreadyTriaged = "already_triaged",
        /// Nobody triages what they reported themselves.
        SamePerson = "same_person",
        /// Who put it right on the spot does not accept it as put right.
        FixedIt = "fixed_it",
    }
}
