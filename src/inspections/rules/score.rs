//! The score of an inspection: what passed of what was judged, by weight; what does not apply counts for nothing.
//!
//! Weights are counted in thousandths and scores in hundredths, as whole numbers, so that every machine comes to the
//! same figure. A score is rounded down: nobody reaches a grade by rounding.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Outcome;
use crate::catalogue::rules::{Item, Scoring};

/// Weight of an item that names none, in thousandths.
const USUAL: i64 = 1000;

/// One item that counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Counted {
    /// Its code.
    pub code: String,
    /// Its weight in thousandths, above zero.
    pub weight: i64,
    /// Whether failing it caps the grade.
    pub veto: bool,
    /// What it came to; none until answered.
    pub result: Option<Outcome>,
}

impl Counted {
    /// An item with its result.
    #[must_use]
    pub fn of(item: &Item, result: Option<Outcome>) -> Self {
        let weight = item.weight.as_ref().and_then(serde_json::Number::as_f64);
        let weight = weight.and_then(|weight| format!("{:.0}", weight * 1000.0).parse().ok());
        Self {
            code: item.code.clone(),
            weight: weight.filter(|weight| *weight > 0).unwrap_or(USUAL),
            veto: item.veto == Some(true),
            result,
        }
    }
}

/// What a set of items came to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = InspectionScore)]
pub struct Score {
    /// From 0 to 100 with two decimals, rounded down; null where nothing was judged yet, or nothing applies.
    #[schema(required, example = 87.5)]
    pub score: Option<f64>,
    /// The grade; null where there is no score.
    #[schema(required, example = "good")]
    pub grade: Option<String>,
    /// Its name.
    #[schema(required, example = "良好")]
    pub grade_name_zh: Option<String>,
    /// Whether a failed veto keeps the grade below what the score earned.
    pub capped: bool,
    /// The failed items with a veto.
    pub vetoes: Vec<String>,
    /// Weight of what passed: the numerator.
    pub passed_weight: f64,
    /// Weight of what passed or failed: the denominator.
    pub counted_weight: f64,
    /// Items.
    pub items: usize,
    /// Items answered; the score is settled when all are.
    pub answered: usize,
}

/// The score of items under the bands of their checklist.
#[must_use]
pub fn score(scoring: &Scoring, items: &[Counted]) -> Score {
    let sum = |wanted: &[Outcome]| -> i64 {
        items
            .iter()
            .filter(|item| item.result.is_some_and(|result| wanted.contains(&result)))
            .map(|item| item.weight)
            .sum()
    };
    let (passed, counted) = (sum(&[Outcome::Pass]), sum(&[Outcome::Pass, Outcome::Fail]));
    let hundredths = (passed * 10_000).checked_div(counted);
    let failed_veto = |item: &&Counted| item.veto && item.result == Some(Outcome::Fail);
    let vetoes: Vec<String> = items.iter().filter(failed_veto).map(|item| item.code.clone()).collect();
    let earned = hundredths.and_then(|hundredths| scoring.band(hundredths));
    let cap = scoring.veto_band().filter(|_| !vetoes.is_empty());
    let start = |band: &crate::catalogue::rules::Band| band.from.as_f64().unwrap_or_default();
    let grade = match (earned, cap) {
        (Some(earned), Some(cap)) if start(cap) < start(earned) => Some(cap),
        (earned, _) => earned,
    };
    Score {
        score: hundredths.map(|hundredths| decimal(hundredths, 100)),
        grade: grade.map(|band| band.grade.clone()),
        grade_name_zh: grade.map(|band| band.name_zh.clone()),
        capped: grade.map(start) < earned.map(start),
        vetoes,
        passed_weight: decimal(passed, 1000),
        counted_weight: decimal(counted, 1000),
        items: items.len(),
        answered: items.iter().filter(|item| item.result.is_some()).count(),
    }
}

/// A whole number of parts as a decimal: exact to the last place that is shown.
fn decimal(parts: i64, of_one: i32) -> f64 {
    let (whole, rest) = (parts / i64::from(of_one), parts % i64::from(of_one));
    let float = |number: i64| i32::try_from(number).map_or(f64::from(i32::MAX), f64::from);
    (float(whole) * f64::from(of_one) + float(rest)) / f64::from(of_one)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn counted(weight: i64, result: Option<Outcome>) -> Counted {
        Counted { code: format!("a-{weight}"), weight, veto: false, result }
    }

    fn grade(score: &Score) -> &str {
        score.grade.as_deref().unwrap_or("-")
    }

    #[test]
    fn the_example_of_the_docs_comes_out() {
        let veto = Counted { veto: true, ..counted(5_000, Some(Outcome::Pass)) };
        let mut items = vec![
            veto,
            counted(2_000, Some(Outcome::Pass)),
            counted(1_000, Some(Outcome::Fail)),
            counted(3_000, Some(Outcome::Na)),
        ];
        let first = score(&Scoring::default(), &items);
        assert_eq!((first.passed_weight, first.counted_weight, first.score), (7.0, 8.0, Some(87.5)));
        assert_eq!((grade(&first), first.capped, first.answered), ("good", false, 4));
        items[0].result = Some(Outcome::Fail);
        items[2].result = Some(Outcome::Pass);
        items[1].weight = 50_000;
        let vetoed = score(&Scoring::default(), &items);
        assert_eq!((vetoed.score, grade(&vetoed), vetoed.capped), (Some(91.07), "unqualified", true));
        assert_eq!(vetoed.vetoes, ["a-5000"]);
    }

    #[test]
    fn without_a_denominator_there_is_no_score_and_no_grade() {
        for items in [vec![], vec![counted(1000, Some(Outcome::Na))], vec![counted(1000, None)]] {
            let none = score(&Scoring::default(), &items);
            assert_eq!((none.score, none.grade, none.capped), (None, None, false));
        }
    }

    #[test]
    fn nobody_reaches_a_grade_by_rounding() {
        let mut items: Vec<Counted> = (0..100_000).map(|_| counted(1, Some(Outcome::Pass))).collect();
        items.iter_mut().take(10_001).for_each(|item| item.result = Some(Outcome::Fail));
        let close = score(&Scoring::default(), &items);
        assert_eq!((close.score, grade(&close)), (Some(89.99), "good"));
    }

    fn results() -> impl Strategy<Value = Vec<Counted>> {
        let result =
            prop_oneof![Just(None), Just(Some(Outcome::Pass)), Just(Some(Outcome::Fail)), Just(Some(Outcome::Na)),];
        let one = (1_i64..=1_000_000, any::<bool>(), result);
        prop::collection::vec(one, 0..40).prop_map(|all| {
            let item = |(place, (weight, veto, result)): (usize, _)| Counted {
                code: format!("i{place}"),
                weight,
                veto,
                result,
            };
            all.into_iter().enumerate().map(item).collect()
        })
    }

    fn rank(score: &Score) -> Option<f64> {
        let scoring = Scoring::default();
        let band = scoring.bands.iter().find(|band| Some(&band.grade) == score.grade.as_ref());
        band.and_then(|band| band.from.as_f64())
    }

    proptest! {
        #[test]
        fn a_score_lies_between_nothing_and_all(items in results()) {
            let found = score(&Scoring::default(), &items);
            prop_assert!(found.score.is_none_or(|score| (0.0..=100.0).contains(&score)));
            prop_assert!(found.passed_weight <= found.counted_weight);
            prop_assert_eq!(found.score.is_some(), found.grade.is_some());
            let all_pass = items.iter().all(|item| item.result != Some(Outcome::Fail));
            prop_assert_eq!(found.score == Some(100.0), all_pass && found.score.is_some());
        }

        #[test]
        fn what_does_not_apply_changes_nothing(items in results(), weight in 1_i64..1_000_000, at in 0_usize..40) {
            let before = score(&Scoring::default(), &items);
            let mut more = items.clone();
            more.insert(at.min(items.len()), Counted { veto: true, ..counted(weight, Some(Outcome::Na)) });
            let after = score(&Scoring::default(), &more);
            prop_assert_eq!((before.score, before.grade, before.vetoes), (after.score, after.grade, after.vetoes));
        }

        #[test]
        fn passing_more_never_makes_it_worse(items in results(), at in 0_usize..40) {
            let before = score(&Scoring::default(), &items);
            let mut better = items.clone();
            let Some(item) = better.get_mut(at).filter(|item| item.result == Some(Outcome::Fail)) else { return Ok(()) };
            item.result = Some(Outcome::Pass);
            let after = score(&Scoring::default(), &better);
            prop_assert!(after.score >= before.score && rank(&after) >= rank(&before));
        }

        #[test]
        fn a_failed_veto_caps_the_grade_and_never_lifts_it(items in results()) {
            let found = score(&Scoring::default(), &items);
            if !found.vetoes.is_empty() {
                prop_assert_eq!(found.grade.as_deref(), Some("unqualified"));
            }
            let free: Vec<Counted> = items.iter().map(|item| Counted { veto: false, ..item.clone() }).collect();
            let without = score(&Scoring::default(), &free);
            prop_assert!(rank(&found) <= rank(&without) && found.score == without.score);
            prop_assert_eq!(found.capped, rank(&found) < rank(&without));
        }

        #[test]
        fn weights_mean_only_what_they_are_to_each_other(items in results(), factor in 1_i64..50) {
            let scaled: Vec<Counted> = items.iter().map(|item| Counted { weight: item.weight * factor, ..item.clone() }).collect();
            let (one, other) = (score(&Scoring::default(), &items), score(&Scoring::default(), &scaled));
            prop_assert_eq!((one.score, one.grade), (other.score, other.grade));
        }

        #[test]
        fn the_order_of_items_is_nothing_to_the_score(items in results()) {
            let mut turned = items.clone();
            turned.reverse();
            let (one, other) = (score(&Scoring::default(), &items), score(&Scoring::default(), &turned));
            prop_assert_eq!((one.score, one.grade), (other.score, other.grade));
        }
    }
}
