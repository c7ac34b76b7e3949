//! Which hazards a document may tell of, and what an opinion may say of each. Pure.

use super::words::{DocumentRefusal as Refusal, RecheckResult};
use crate::hazards::status::Status;

/// What a notice needs to know of a hazard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Order {
    /// Where it stands.
    pub status: Status,
    /// A bureau role issued it.
    pub bureau_side: bool,
}

/// What keeps a hazard out of a notice: it orders what is in hand at the school, by the bureau's word.
#[must_use]
pub fn order_refusals(order: Order) -> Vec<Refusal> {
    let in_hand = matches!(order.status, Status::Issued | Status::Rectifying);
    let rules = [(!in_hand, Refusal::NotIssued), (in_hand && !order.bureau_side, Refusal::NotOfBureau)];
    rules.into_iter().filter(|(stands, _)| *stands).map(|(_, refusal)| refusal).collect()
}

/// What an opinion says of a hazard, from how its last rechecked round ended and what the issuer adds. What passed is
/// done; of what was returned the issuer may say that part of it is.
///
/// # Errors
/// `not_rechecked`; `contradicts_recheck`.
pub fn result(passed: Option<bool>, said: Option<RecheckResult>) -> Result<RecheckResult, Refusal> {
    match (passed, said) {
        (None, _) => Err(Refusal::NotRechecked),
        (Some(true), None | Some(RecheckResult::Done)) => Ok(RecheckResult::Done),
        (Some(false), None) => Ok(RecheckResult::NotDone),
        (Some(false), Some(said @ (RecheckResult::Partly | RecheckResult::NotDone))) => Ok(said),
        (Some(_), Some(_)) => Err(Refusal::ContradictsRecheck),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_notice_orders_what_is_in_hand_by_the_bureaus_word() {
        for status in Status::ALL {
            let open = matches!(status, Status::Issued | Status::Rectifying);
            assert_eq!(order_refusals(Order { status: *status, bureau_side: true }).is_empty(), open, "{status}");
            assert!(!order_refusals(Order { status: *status, bureau_side: false }).is_empty(), "{status}");
        }
    }

    #[test]
    fn an_opinion_never_says_done_of_what_did_not_pass() {
        for said in RecheckResult::ALL.iter().copied().map(Some).chain([None]) {
            assert_eq!(result(None, said), Err(Refusal::NotRechecked));
            assert_ne!(result(Some(false), said), Ok(RecheckResult::Done));
            assert!(matches!(result(Some(true), said), Ok(RecheckResult::Done) | Err(Refusal::ContradictsRecheck)));
        }
        assert_eq!(result(Some(false), Some(RecheckResult::Partly)), Ok(RecheckResult::Partly));
        assert_eq!(result(Some(false), None), Ok(RecheckResult::NotDone));
    }
}
