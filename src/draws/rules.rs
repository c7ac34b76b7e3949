//! What may be done to a draw in which state, decided without IO.

crate::text_enum! {
    /// Where a draw stands.
    pub enum DrawStatus {
        /// The pools are frozen; seeds are being promised.
        Frozen = "frozen",
        /// All seeds are promised; they may be shown, with public entropy once that is there.
        Committed = "committed",
        /// All seeds are shown: the result is settled, and still to be computed.
        Revealed = "revealed",
        /// Drawn.
        Drawn = "drawn",
        /// The proof has been opened.
        Published = "published",
        /// Given up, with a reason; keeps its number.
        Void = "void",
    }
}

crate::text_enum! {
    /// Where the randomness comes from; settled when the pools are frozen.
    pub enum Seeding {
        /// Seeds of two officials, both promised before either is shown.
        TwoOfficials = "two_officials",
        /// One official's seed, promised before a public source, named beforehand, says what it says.
        PublicEntropy = "public_entropy",
    }
}

crate::text_enum! {
    /// What makes the strata.
    pub enum StrataBy {
        /// The kind of school.
        SchoolKind = "school_kind",
        /// Nothing: one stratum, `all`.
        None = "none",
    }
}

crate::text_enum! {
    /// A rule that stands in the way of a step.
    pub enum Refusal {
        /// The draw is void.
        Void = "void",
        /// All the seeds it takes are promised already.
        AllCommitted = "all_committed",
        /// The same person again.
        SamePerson = "same_person",
        /// The caller belongs to a school of the pool.
        BelongsToPool = "belongs_to_pool",
        /// Somebody has been recused since the pools were frozen.
        PoolOutdated = "pool_outdated",
        /// This draw takes no public entropy.
        NotPublic = "not_public",
        /// There is public entropy already.
        AlreadyRecorded = "already_recorded",
        /// Not all seeds are promised yet.
        AwaitingCommitments = "awaiting_commitments",
        /// The public entropy is not there yet.
        AwaitingEntropy = "awaiting_entropy",
        /// Not all seeds are shown yet.
        AwaitingSeeds = "awaiting_seeds",
        /// The caller has promised no seed.
        NotCommitted = "not_committed",
        /// The caller has shown the seed already.
        AlreadyRevealed = "already_revealed",
        /// It was drawn already; nothing is drawn twice.
        AlreadyDrawn = "already_drawn",
        /// It is not drawn yet.
        NotDrawn = "not_drawn",
        /// Its proof is open already.
        AlreadyPublished = "already_published",
        /// Its inspections were made already.
        AlreadyMade = "already_made",
        /// Inspections of it stand.
        HasInspections = "has_inspections",
        /// Not every drawn inspection has begun or been voided.
        NotYet = "not_yet",
    }
}

impl Refusal {
    /// In Chinese and English.
    #[must_use]
    pub const fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::Void => ("该次抽取已作废", "the draw is void"),
            Self::AllCommitted => ("所需承诺值已齐", "all seeds are promised already"),
            Self::SamePerson => ("须由另一人办理", "needs another person"),
            Self::BelongsToPool => ("本人属于抽取名单中的学校", "you belong to a school of the pool"),
            Self::PoolOutdated => {
                ("冻结后新增了回避关系，须作废后重新抽取", "somebody was recused since; void it and draw anew")
            }
            Self::NotPublic => ("该次抽取不使用公开随机源", "this draw takes no public entropy"),
            Self::AlreadyRecorded => ("公开随机源已记录", "the public entropy is recorded already"),
            Self::AwaitingCommitments => ("承诺值尚未齐", "not all seeds are promised yet"),
            Self::AwaitingEntropy => ("公开随机源尚未记录", "the public entropy is not recorded yet"),
            Self::AwaitingSeeds => ("种子尚未全部公开", "not all seeds are shown yet"),
            Self::NotCommitted => ("本人没有提交承诺值", "you have promised no seed"),
            Self::AlreadyRevealed => ("本人的种子已公开", "you have shown your seed already"),
            Self::AlreadyDrawn => ("已抽取，不得重复抽取", "it was drawn already"),
            Self::NotDrawn => ("尚未抽取", "it is not drawn yet"),
            Self::AlreadyPublished => ("已公开", "its proof is open already"),
            Self::AlreadyMade => ("抽中的检查已生成", "its inspections were made already"),
            Self::HasInspections => ("抽中检查尚未作废", "inspections of it stand"),
            Self::NotYet => ("抽中的检查尚未全部开始", "not every drawn inspection has begun"),
        }
    }
}

/// A step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Promising a seed.
    Commit,
    /// Writing down the public entropy.
    Entropy,
    /// Showing the seed.
    Reveal,
    /// Drawing.
    Run,
    /// Making the drawn inspections.
    Inspect,
    /// Opening the proof by statement.
    Publish,
    /// Giving up.
    Void,
    /// Reading the proof.
    Prove,
}

/// What the decision needs to know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
pub struct Facts {
    /// Where it stands.
    pub status: DrawStatus,
    /// Where the randomness comes from.
    pub seeding: Seeding,
    /// Seeds promised.
    pub committed: usize,
    /// Seeds shown.
    pub revealed: usize,
    /// Whether the public entropy is there.
    pub entropy: bool,
    /// Whether the caller has promised one of the seeds.
    pub own: bool,
    /// Whether the caller has shown it.
    pub own_shown: bool,
    /// Whether the caller belongs to a school of the pool.
    pub belongs: bool,
    /// Whether a pair of the pool is recused that was not when it was frozen.
    pub outdated: bool,
    /// Results with an inspection.
    pub linked: usize,
    /// Of these, begun or void.
    pub begun: usize,
    /// Of these, void.
    pub void: usize,
    /// Results.
    pub results: usize,
}

impl Facts {
    /// Seeds it takes.
    #[must_use]
    pub const fn needed(&self) -> usize {
        match self.seeding {
            Seeding::TwoOfficials => 2,
            Seeding::PublicEntropy => 1,
        }
    }

    const fn drawn(&self) -> bool {
        self.results > 0
    }

    /// Whether everything may be told: opened by statement, void, or every drawn inspection begun or void.
    #[must_use]
    pub const fn open(&self) -> bool {
        let begun = self.linked == self.results && self.begun == self.results;
        self.drawn() && (matches!(self.status, DrawStatus::Published | DrawStatus::Void) || begun)
    }

    /// The status after all that has happened.
    #[must_use]
    pub const fn settled(&self) -> DrawStatus {
        if self.revealed == self.needed() {
            DrawStatus::Revealed
        } else if self.committed == self.needed() {
            DrawStatus::Committed
        } else {
            DrawStatus::Frozen
        }
    }
}

/// Every rule in the way of a step; none where it may be taken.
#[must_use]
pub fn refusals(step: Step, facts: &Facts) -> Vec<Refusal> {
    let void = facts.status == DrawStatus::Void;
    let waiting = facts.committed < facts.needed();
    let public = facts.seeding == Seeding::PublicEntropy;
    let rules: &[(bool, Refusal)] = &match step {
        Step::Commit => vec![
            (void, Refusal::Void),
            (!waiting, Refusal::AllCommitted),
            (facts.own, Refusal::SamePerson),
            (facts.belongs, Refusal::BelongsToPool),
            (facts.outdated, Refusal::PoolOutdated),
        ],
        Step::Entropy => vec![
            (void, Refusal::Void),
            (!public, Refusal::NotPublic),
            (public && waiting, Refusal::AwaitingCommitments),
            (facts.entropy, Refusal::AlreadyRecorded),
            (facts.own, Refusal::SamePerson),
        ],
        Step::Reveal => vec![
            (void, Refusal::Void),
            (waiting, Refusal::AwaitingCommitments),
            (!facts.own, Refusal::NotCommitted),
            (public && !facts.entropy, Refusal::AwaitingEntropy),
            (facts.own_shown, Refusal::AlreadyRevealed),
        ],
        Step::Run => vec![
            (void, Refusal::Void),
            (facts.drawn() && !void, Refusal::AlreadyDrawn),
            (waiting, Refusal::AwaitingCommitments),
            (facts.revealed < facts.needed(), Refusal::AwaitingSeeds),
            (facts.belongs, Refusal::BelongsToPool),
        ],
        Step::Inspect => vec![
            (void, Refusal::Void),
            (!facts.drawn(), Refusal::NotDrawn),
            (facts.status == DrawStatus::Published, Refusal::AlreadyPublished),
            (facts.belongs, Refusal::BelongsToPool),
            (facts.linked > 0, Refusal::AlreadyMade),
        ],
        Step::Publish => vec![
            (void, Refusal::Void),
            (!facts.drawn(), Refusal::NotDrawn),
            (facts.status == DrawStatus::Published, Refusal::AlreadyPublished),
            (facts.belongs, Refusal::BelongsToPool),
            (facts.begun < facts.linked, Refusal::NotYet),
        ],
        Step::Void => vec![
            (void, Refusal::Void),
            (facts.status == DrawStatus::Published, Refusal::AlreadyPublished),
            (facts.void < facts.linked, Refusal::HasInspections),
        ],
        Step::Prove => vec![(!facts.drawn(), Refusal::NotDrawn), (!facts.open(), Refusal::NotYet)],
    };
    rules.iter().filter(|(stands, _)| *stands).map(|(_, refusal)| *refusal).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Facts = Facts {
        status: DrawStatus::Frozen,
        seeding: Seeding::TwoOfficials,
        committed: 0,
        revealed: 0,
        entropy: false,
        own: false,
        own_shown: false,
        belongs: false,
        outdated: false,
        linked: 0,
        begun: 0,
        void: 0,
        results: 0,
    };

    #[test]
    fn no_seed_is_shown_before_all_are_promised() {
        let one = Facts { committed: 1, own: true, ..START };
        assert_eq!(refusals(Step::Reveal, &one), [Refusal::AwaitingCommitments]);
        assert_eq!(refusals(Step::Commit, &one), [Refusal::SamePerson]);
        assert!(refusals(Step::Reveal, &Facts { committed: 2, ..one }).is_empty());
        let public = Facts { seeding: Seeding::PublicEntropy, ..one };
        assert_eq!(refusals(Step::Reveal, &public), [Refusal::AwaitingEntropy]);
        assert_eq!(refusals(Step::Entropy, &public), [Refusal::SamePerson]);
        assert!(refusals(Step::Entropy, &Facts { own: false, ..public }).is_empty());
    }

    #[test]
    fn a_draw_runs_once_and_with_all_seeds() {
        let ready = Facts { status: DrawStatus::Revealed, committed: 2, revealed: 2, ..START };
        assert!(refusals(Step::Run, &ready).is_empty());
        assert_eq!(refusals(Step::Run, &Facts { revealed: 1, ..ready }), [Refusal::AwaitingSeeds]);
        assert_eq!(refusals(Step::Run, &Facts { results: 3, ..ready }), [Refusal::AlreadyDrawn]);
        assert_eq!(refusals(Step::Run, &Facts { belongs: true, ..ready }), [Refusal::BelongsToPool]);
    }

    #[test]
    fn inspections_are_made_once_of_what_was_drawn_and_not_told() {
        let drawn = Facts { status: DrawStatus::Drawn, committed: 2, revealed: 2, results: 3, ..START };
        assert!(refusals(Step::Inspect, &drawn).is_empty());
        assert_eq!(refusals(Step::Inspect, &Facts { linked: 3, ..drawn }), [Refusal::AlreadyMade]);
        assert_eq!(refusals(Step::Inspect, &Facts { belongs: true, ..drawn }), [Refusal::BelongsToPool]);
        let published = Facts { status: DrawStatus::Published, ..drawn };
        assert_eq!(refusals(Step::Inspect, &published), [Refusal::AlreadyPublished]);
        assert_eq!(refusals(Step::Inspect, &Facts { results: 0, ..drawn }), [Refusal::NotDrawn]);
    }

    #[test]
    fn the_proof_waits_for_every_drawn_inspection() {
        let drawn = Facts { status: DrawStatus::Drawn, committed: 2, revealed: 2, results: 3, linked: 3, ..START };
        assert_eq!(refusals(Step::Prove, &Facts { begun: 2, ..drawn }), [Refusal::NotYet]);
        assert!(refusals(Step::Prove, &Facts { begun: 3, ..drawn }).is_empty());
        assert_eq!(refusals(Step::Publish, &Facts { begun: 2, ..drawn }), [Refusal::NotYet]);
        let unlinked = Facts { linked: 0, ..drawn };
        assert_eq!(refusals(Step::Prove, &unlinked), [Refusal::NotYet]);
        assert!(refusals(Step::Publish, &unlinked).is_empty());
        assert!(refusals(Step::Prove, &Facts { status: DrawStatus::Published, ..unlinked }).is_empty());
        assert_eq!(refusals(Step::Prove, &START), [Refusal::NotDrawn, Refusal::NotYet]);
    }
}
