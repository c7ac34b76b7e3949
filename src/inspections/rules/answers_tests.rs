//! Tests of answers; each name is a rule.

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::catalogue::builtin;

const ANSWERER: Uuid = Uuid::from_u128(1);
const FIXER: Uuid = Uuid::from_u128(2);

fn item(code: &str) -> &'static Item {
    builtin::catalogue().categories.iter().flat_map(|c| &c.items).find(|i| i.code == code).unwrap()
}

fn with_value(value: Value) -> AnswerInput {
    AnswerInput { value: Some(value), ..AnswerInput::default() }
}

fn with_result(result: Outcome) -> AnswerInput {
    AnswerInput { result: Some(result), ..AnswerInput::default() }
}

fn result(code: &str, input: &AnswerInput) -> Outcome {
    evaluate(item(code), input, ANSWERER).unwrap().result
}

fn faults(code: &str, input: &AnswerInput) -> Vec<(String, &'static str)> {
    evaluate(item(code), input, ANSWERER).unwrap_err().into_iter().map(|f| (f.pointer, f.code)).collect()
}

fn on_the_spot() -> AnswerInput {
    AnswerInput {
        on_the_spot: true,
        before_evidence_ids: vec![Uuid::from_u128(10)],
        after_evidence_ids: vec![Uuid::from_u128(11)],
        measures_taken: Some("当场清走杂物".into()),
        fixed_by: Some(FIXER),
        ..with_result(Outcome::Fail)
    }
}

#[test]
fn limits_are_inclusive() {
    assert_eq!(result("fang-010", &with_value(json!(125))), Outcome::Pass);
    assert_eq!(result("fang-010", &with_value(json!(124.9))), Outcome::Fail);
    assert_eq!(result("jiao-006", &with_value(json!(120))), Outcome::Pass);
    assert_eq!(result("jiao-006", &with_value(json!(121))), Outcome::Fail);
    assert_eq!(result("jiao-006", &with_value(json!(0))), Outcome::Fail);
}

#[test]
fn the_result_sent_with_a_number_is_not_believed() {
    let input = AnswerInput { result: Some(Outcome::Pass), ..with_value(json!(10)) };
    assert_eq!(result("fang-010", &input), Outcome::Fail);
}

#[test]
fn a_slip_of_the_thumb_is_refused_with_item_field_and_limit() {
    let refused = evaluate(item("fang-010"), &with_value(json!(-5)), ANSWERER).unwrap_err();
    assert_eq!((refused[0].pointer.as_str(), refused[0].code), ("/value", "below_limit"));
    let words = refused[0].said.as_ref().unwrap();
    assert!(words.0.contains("fang-010") && words.0.contains("value") && words.0.contains("0g"), "{words:?}");
    let mut limited = item("jiao-006").clone();
    limited.value_max = Some(3600.into());
    limited.decimals = Some(1);
    let codes = |value: Value| {
        let refused = evaluate(&limited, &with_value(value), ANSWERER).unwrap_err();
        refused.into_iter().map(|fault| fault.code).collect::<Vec<_>>()
    };
    assert_eq!(codes(json!(3601)), ["above_limit"]);
    assert_eq!(codes(json!(3600.05)), ["above_limit", "too_many_decimals"]);
    assert_eq!(evaluate(&limited, &with_value(json!(3600)), ANSWERER).unwrap().result, Outcome::Fail);
    let wrong = evaluate(item("fang-007"), &with_value(json!("open")), ANSWERER).unwrap_err();
    assert!(wrong[0].said.as_ref().unwrap().1.contains("in_use"));
}

#[test]
fn the_option_decides_a_choice() {
    assert_eq!(result("fang-007", &with_value(json!("closed"))), Outcome::Pass);
    assert_eq!(result("fang-007", &with_value(json!("in_use"))), Outcome::Fail);
    assert_eq!(faults("fang-007", &with_value(json!("open"))), [("/value".into(), "not_an_option")]);
}

#[test]
fn a_text_passes_unless_marked() {
    assert_eq!(result("cha-015", &with_value(json!("已互查"))), Outcome::Pass);
    let marked = AnswerInput { result: Some(Outcome::Fail), ..with_value(json!("没有")) };
    assert_eq!(result("cha-015", &marked), Outcome::Fail);
    assert_eq!(faults("cha-015", &with_value(json!("  "))), [("/value".into(), "required")]);
    assert_eq!(faults("cha-015", &with_result(Outcome::Pass)), [("/value".into(), "required")]);
}

#[test]
fn wrong_types_are_faults() {
    assert_eq!(faults("fang-010", &with_value(json!("125"))), [("/value".into(), "not_a_number")]);
    assert_eq!(faults("cha-015", &with_value(json!(3))), [("/value".into(), "not_a_text")]);
    assert_eq!(
        faults("fang-003", &with_value(json!(true))),
        [("/value".into(), "not_for_this_response"), ("/result".into(), "required")]
    );
}

#[test]
fn not_applicable_needs_permission_and_a_reason() {
    let reasoned = AnswerInput { reason: Some("无校车".into()), ..with_result(Outcome::Na) };
    assert_eq!(result("fang-003", &reasoned), Outcome::Na);
    assert_eq!(faults("fang-003", &with_result(Outcome::Na)), [("/reason".into(), "required")]);
    assert_eq!(faults("fang-007", &reasoned), [("/result".into(), "na_not_allowed")]);
    let reason_only = AnswerInput { result: Some(Outcome::Pass), ..reasoned };
    assert_eq!(faults("fang-003", &reason_only), [("/reason".into(), "only_for_na")]);
}

#[test]
fn the_level_may_be_raised_and_never_lowered() {
    let raised = AnswerInput { severity: Some(Severity::Major), ..with_result(Outcome::Fail) };
    assert_eq!(evaluate(item("fang-003"), &raised, ANSWERER).unwrap().severity, Some(Severity::Major));
    let lowered = AnswerInput { severity: Some(Severity::General), ..raised.clone() };
    assert_eq!(faults("fang-001", &lowered), [("/severity".into(), "below_default")]);
    let passed = AnswerInput { result: Some(Outcome::Pass), ..raised };
    assert_eq!(faults("fang-003", &passed), [("/severity".into(), "only_for_fail")]);
}

#[test]
fn a_fix_on_the_spot_is_general_complete_and_by_somebody_else() {
    assert!(evaluate(item("fang-003"), &on_the_spot(), ANSWERER).unwrap().on_the_spot);
    assert_eq!(faults("fang-001", &on_the_spot()), [("/on_the_spot".into(), "general_only")]);
    let own = AnswerInput { fixed_by: Some(ANSWERER), ..on_the_spot() };
    assert_eq!(faults("fang-003", &own), [("/fixed_by".into(), "same_person")]);
    let bare = AnswerInput { on_the_spot: true, ..with_result(Outcome::Fail) };
    let places: Vec<String> = faults("fang-003", &bare).into_iter().map(|(at, _)| at).collect();
    assert_eq!(places, ["/measures_taken", "/fixed_by", "/before_evidence_ids", "/after_evidence_ids"]);
    let passed = AnswerInput { result: Some(Outcome::Pass), ..on_the_spot() };
    assert_eq!(faults("fang-003", &passed), [("/on_the_spot".into(), "only_for_fail")]);
    let stray = AnswerInput { fixed_by: Some(FIXER), ..with_result(Outcome::Pass) };
    assert_eq!(faults("fang-003", &stray), [("/fixed_by".into(), "only_on_the_spot")]);
}

#[test]
fn a_photo_is_awaited_only_of_a_failed_item_that_demands_one() {
    assert_eq!(photo(item("fang-003"), Some(Outcome::Fail), 0), Photo::Awaited);
    assert_eq!(photo(item("fang-003"), Some(Outcome::Fail), 1), Photo::Received);
    assert_eq!(photo(item("fang-003"), Some(Outcome::Pass), 0), Photo::NotRequired);
    assert_eq!(photo(item("cha-001"), Some(Outcome::Fail), 0), Photo::NotRequired);
}

#[test]
fn what_is_missing_is_named_by_pointer() {
    let answers = [("fang-001", Some(Outcome::Pass)), ("fang-002", None), ("fang-003", None)];
    let places: Vec<String> = missing(answers).into_iter().map(|fault| fault.pointer).collect();
    assert_eq!(places, ["/answers/fang-002", "/answers/fang-003"]);
}

proptest! {
    #[test]
    fn a_number_passes_exactly_within_its_limits(value in prop_oneof![any::<f64>(), -10.0..200.0f64], min in 0..50i32, span in 0..100i32) {
        let item = Item { min: Some(min.into()), max: Some((min + span).into()), ..item("fang-010").clone() };
        let outcome = evaluate(&item, &with_value(json!(value)), ANSWERER);
        // What is measured in this unit is never less than nothing, and nothing is more than a billion times a thousand.
        if (0.0..=1e12).contains(&value) {
            let inside = value >= f64::from(min) && value <= f64::from(min + span);
            prop_assert_eq!(outcome.unwrap().result == Outcome::Pass, inside);
        } else {
            prop_assert!(outcome.is_err());
        }
    }

    #[test]
    fn a_kept_answer_never_lowers_the_level_nor_fixes_a_major(
        index in 0..151usize, result in 0..3usize, major: bool, spot: bool, raise: bool
    ) {
        let item = builtin::catalogue().categories.iter().flat_map(|c| &c.items).nth(index).unwrap();
        let item = Item { fail_severity: if major { Severity::Major } else { Severity::General }, ..item.clone() };
        let mut input = if spot { on_the_spot() } else { AnswerInput::default() };
        input.result = Some(Outcome::ALL[result]);
        input.severity = raise.then_some(Severity::Major);
        input.reason = (result == 2).then(|| "无".into());
        if let Ok(kept) = evaluate(&item, &input, ANSWERER) {
            prop_assert_eq!(kept.severity.is_some(), kept.result == Outcome::Fail);
            prop_assert!(kept.severity.is_none_or(|level| level >= item.fail_severity));
            prop_assert!(!(kept.on_the_spot && kept.severity != Some(Severity::General)));
            prop_assert!(kept.result != Outcome::Na || item.allow_na);
        }
    }
}
