//! What an amended answer does to the hazard of its item.

use crate::hazards::status::Status;

/// What becomes of the hazard of an item whose answer was amended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Consequence {
    /// Nothing.
    Nothing,
    /// There is a finding now and no hazard of it: one is registered.
    Register,
    /// The finding stands, or stands again: the hazard it has stays its hazard.
    Keep,
    /// The finding is taken back.
    Withdraw,
}

/// The consequence for an item that failed before or not, fails now or not, and whose newest hazard of this inspection
/// stands like this. Whatever is amended and however often, there is at most one hazard of it that is not void.
#[must_use]
pub fn consequence(failed: bool, fails: bool, hazard: Option<Status>) -> Consequence {
    let standing = hazard.filter(|status| *status != Status::Void);
    match (failed, fails, standing) {
        (_, true, Some(_)) => Consequence::Keep,
        (false, true, None) => Consequence::Register,
        // It failed and still has none: it is suggested, or was not accepted. That is not the amendment's to change.
        (true, true, None) | (false, false, _) => Consequence::Nothing,
        (true, false, _) => Consequence::Withdraw,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// What a sequence of amendments and of other people's work leaves: every hazard the item ever had.
    fn play(first: bool, steps: &[(bool, usize)]) -> Vec<Status> {
        let mut hazards: Vec<Status> = if first { vec![Status::Registered] } else { Vec::new() };
        let mut fails = first;
        for (next, moved) in steps {
            // Between two amendments somebody may issue it, close it, or declare it void.
            if let Some(last) = hazards.last_mut().filter(|last| **last != Status::Void) {
                *last = Status::ALL[*moved % Status::ALL.len()];
            }
            match consequence(fails, *next, hazards.last().copied()) {
                Consequence::Register => hazards.push(Status::Registered),
                Consequence::Withdraw => {
                    if let Some(last) = hazards.last_mut().filter(|last| **last == Status::Registered) {
                        *last = Status::Void;
                    }
                }
                Consequence::Keep | Consequence::Nothing => {}
            }
            fails = *next;
        }
        hazards
    }

    proptest! {
        #[test]
        fn however_often_it_is_amended_one_hazard_at_most_stands(
            first: bool, steps in proptest::collection::vec((any::<bool>(), 0..20_usize), 0..30)
        ) {
            let hazards = play(first, &steps);
            let standing = hazards.iter().filter(|status| **status != Status::Void).count();
            prop_assert!(standing <= 1);
            // A finding that has just come has a hazard, whatever went before.
            let fails = steps.last().map_or(first, |(fails, _)| *fails);
            let failed = steps.len().checked_sub(2).map_or(first, |at| steps[at].0);
            prop_assert!(!fails || failed && !steps.is_empty() || standing == 1);
        }
    }

    #[test]
    fn a_finding_taken_back_and_made_again_registers_again_only_where_the_first_became_void() {
        assert_eq!(consequence(false, true, None), Consequence::Register);
        assert_eq!(consequence(true, false, Some(Status::Issued)), Consequence::Withdraw);
        assert_eq!(consequence(false, true, Some(Status::Issued)), Consequence::Keep);
        assert_eq!(consequence(false, true, Some(Status::Void)), Consequence::Register);
        assert_eq!(consequence(true, true, None), Consequence::Nothing);
        assert_eq!(consequence(false, false, Some(Status::Closed)), Consequence::Nothing);
    }
}
