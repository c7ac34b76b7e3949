//! What an answer is worth: the server, not the phone, says whether an item passed.

use std::collections::HashSet;

use serde_json::Value;
use uuid::Uuid;

use crate::catalogue::rules::{Bounds, Fault, Item, Requirement, Response, Severity, bounds, places};

crate::text_enum! {
    /// The result of one item.
    pub enum Outcome {
        /// As it should be.
        Pass = "pass",
        /// Not as it should be: a hazard when submitted.
        Fail = "fail",
        /// Does not concern this school; left out of every denominator.
        Na = "na",
    }
}

crate::text_enum! {
    /// Whether the photo that an item demands is there.
    pub enum Photo {
        /// None is demanded.
        NotRequired = "not_required",
        /// Demanded; its content has not arrived.
        Awaited = "awaited",
        /// Demanded and there.
        Received = "received",
    }
}

/// An answer as it was sent.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct AnswerInput {
    /// Judgement of the inspector; decides for pass/fail items and marks a text as failed.
    pub result: Option<Outcome>,
    /// Measured number, chosen option or text.
    pub value: Option<Value>,
    /// Remark.
    pub note: Option<String>,
    /// Why it does not apply.
    pub reason: Option<String>,
    /// Claims of photos and recordings; their content may arrive later.
    pub evidence_ids: Vec<Uuid>,
    /// Put right during the visit (立查立改).
    pub on_the_spot: bool,
    /// Photos before the fix.
    pub before_evidence_ids: Vec<Uuid>,
    /// Photos after the fix.
    pub after_evidence_ids: Vec<Uuid>,
    /// How it was fixed.
    pub measures_taken: Option<String>,
    /// Who fixed it.
    pub fixed_by: Option<Uuid>,
    /// Proposed level, at least the item's own.
    pub severity: Option<Severity>,
}

/// An answer as it is kept.
#[derive(Debug, Clone, PartialEq)]
pub struct Evaluated {
    /// What the item came to.
    pub result: Outcome,
    /// The value, as sent.
    pub value: Option<Value>,
    /// Level proposed for the hazard; none unless failed.
    pub severity: Option<Severity>,
    /// Fixed on the spot: the hazard is born closed.
    pub on_the_spot: bool,
}

const MAX_NOTE: usize = 2000;
const MAX_REASON: usize = 500;
const MAX_TEXT: usize = 4000;
const MAX_EVIDENCE: usize = 50;
/// Options told in a fault.
const MAX_TOLD: usize = 20;

/// Judges an answer to an item, given by `answerer`.
///
/// # Errors
/// Every fault at once, with pointers like `/value`.
pub fn evaluate(item: &Item, input: &AnswerInput, answerer: Uuid) -> Result<Evaluated, Vec<Fault>> {
    let mut faults = Vec::new();
    lengths(input, &mut faults);
    let result = if input.result == Some(Outcome::Na) {
        not_applicable(item, input, &mut faults);
        Some(Outcome::Na)
    } else {
        if present(input.reason.as_deref()) {
            faults.push(Fault::at("/reason", "only_for_na"));
        }
        judged(item, input, &mut faults)
    };
    if let Some(result) = result {
        consequences(item, input, result, answerer, &mut faults);
    }
    match result {
        Some(result) if faults.is_empty() => Ok(Evaluated {
            result,
            value: input.value.clone().filter(|value| !value.is_null()),
            severity: (result == Outcome::Fail).then(|| input.severity.unwrap_or(item.fail_severity)),
            on_the_spot: input.on_the_spot,
        }),
        _ => Err(faults),
    }
}

/// Whether the photo an item demands is there: demanded of failed items only.
#[must_use]
pub fn photo(item: &Item, result: Option<Outcome>, received: usize) -> Photo {
    match result {
        Some(Outcome::Fail) if item.demands(Requirement::Photo) => {
            if received == 0 {
                Photo::Awaited
            } else {
                Photo::Received
            }
        }
        _ => Photo::NotRequired,
    }
}

/// The faults of submitting with items unanswered: one pointer `/answers/{item_code}` for each.
#[must_use]
pub fn missing<'a>(answers: impl IntoIterator<Item = (&'a str, Option<Outcome>)>) -> Vec<Fault> {
    answers
        .into_iter()
        .filter(|(_, result)| result.is_none())
        .map(|(code, _)| Fault::at(format!("/answers/{code}"), "required"))
        .collect()
}

fn present(text: Option<&str>) -> bool {
    text.is_some_and(|text| !text.trim().is_empty())
}

fn lengths(input: &AnswerInput, faults: &mut Vec<Fault>) {
    let texts = [
        ("/note", &input.note, MAX_NOTE),
        ("/reason", &input.reason, MAX_REASON),
        ("/measures_taken", &input.measures_taken, MAX_NOTE),
    ];
    for (at, text, most) in texts {
        if let Some(text) = text {
            text_faults(at, text, most, faults);
        }
    }
    let lists = [
        ("/evidence_ids", &input.evidence_ids),
        ("/before_evidence_ids", &input.before_evidence_ids),
        ("/after_evidence_ids", &input.after_evidence_ids),
    ];
    for (at, ids) in lists {
        if ids.len() > MAX_EVIDENCE {
            faults.push(Fault::at(at, "too_many"));
        }
        if ids.iter().collect::<HashSet<_>>().len() < ids.len() {
            faults.push(Fault::at(at, "duplicate"));
        }
    }
}

fn text_faults(at: &str, text: &str, most: usize, faults: &mut Vec<Fault>) {
    if text.chars().count() > most {
        faults.push(Fault::at(at, "too_long"));
    }
    if text.chars().any(|c| c.is_control() && c != '\n' && c != '\t') {
        faults.push(Fault::at(at, "control_character"));
    }
}

fn not_applicable(item: &Item, input: &AnswerInput, faults: &mut Vec<Fault>) {
    if !item.allow_na {
        faults.push(Fault::at("/result", "na_not_allowed"));
    }
    if !present(input.reason.as_deref()) {
        faults.push(Fault::at("/reason", "required"));
    }
    if input.value.as_ref().is_some_and(|value| !value.is_null()) {
        faults.push(Fault::at("/value", "not_with_na"));
    }
}

/// The result of an item that applies: from the judgement, or derived from the value. A result sent along with a
/// number or a choice is not believed; the limits are the server's.
fn judged(item: &Item, input: &AnswerInput, faults: &mut Vec<Fault>) -> Option<Outcome> {
    let value = input.value.as_ref().filter(|value| !value.is_null());
    if item.response == Response::PassFail {
        if value.is_some() {
            faults.push(Fault::at("/value", "not_for_this_response"));
        }
        if input.result.is_none() {
            faults.push(Fault::at("/result", "required"));
        }
        return input.result;
    }
    let Some(value) = value else {
        faults.push(Fault::at("/value", "required"));
        return None;
    };
    match item.response {
        Response::PassFail => None,
        Response::Number => {
            let Some(number) = value.as_f64().filter(|number| number.is_finite()) else {
                faults.push(Fault::at("/value", "not_a_number"));
                return None;
            };
            if !accepted(item, number, faults) {
                return None;
            }
            let limit = |number: &Option<serde_json::Number>| number.as_ref().and_then(serde_json::Number::as_f64);
            let within =
                limit(&item.min).is_none_or(|min| number >= min) && limit(&item.max).is_none_or(|max| number <= max);
            Some(if within { Outcome::Pass } else { Outcome::Fail })
        }
        Response::Choice => {
            let chosen = value.as_str().and_then(|value| {
                item.options.as_deref().unwrap_or_default().iter().find(|option| option.value == value)
            });
            if chosen.is_none() {
                let options: Vec<&str> =
                    item.options.iter().flatten().map(|option| option.value.as_str()).take(MAX_TOLD).collect();
                let (name, options) = (name(item), options.join(", "));
                faults.push(Fault::at("/value", "not_an_option").saying(
                    format!("{name}的 value 只能为：{options}"),
                    format!("value of {name} must be one of: {options}"),
                ));
            }
            chosen.map(|option| if option.fail { Outcome::Fail } else { Outcome::Pass })
        }
        Response::Text => {
            let Some(text) = value.as_str() else {
                faults.push(Fault::at("/value", "not_a_text"));
                return None;
            };
            text_faults("/value", text, MAX_TEXT, faults);
            if text.trim().is_empty() {
                faults.push(Fault::at("/value", "required"));
            }
            Some(input.result.unwrap_or(Outcome::Pass))
        }
    }
}

/// An item as a fault names it.
fn name(item: &Item) -> String {
    format!("{}“{}”", item.code, item.title_zh)
}

/// Whether a number is one the item takes at all. A slip of the thumb is refused, with the limit; a number that is
/// merely not good enough is a failed item.
fn accepted(item: &Item, number: f64, faults: &mut Vec<Fault>) -> bool {
    let Bounds { least, most, decimals } = bounds(item);
    let (name, unit) = (name(item), item.unit.as_deref().unwrap_or_default());
    let before = faults.len();
    if number < least {
        faults.push(Fault::at("/value", "below_limit").saying(
            format!("{name}的 value 不得小于 {least}{unit}"),
            format!("value of {name} must be at least {least}{unit}"),
        ));
    }
    if number > most {
        faults.push(Fault::at("/value", "above_limit").saying(
            format!("{name}的 value 不得大于 {most}{unit}"),
            format!("value of {name} must be at most {most}{unit}"),
        ));
    }
    if let Some(decimals) = decimals
        && places(number) > usize::from(decimals)
    {
        faults.push(Fault::at("/value", "too_many_decimals").saying(
            format!("{name}的 value 最多 {decimals} 位小数"),
            format!("value of {name} must have at most {decimals} decimal places"),
        ));
    }
    faults.len() == before
}

/// What only a failed item may carry, and the rules of a fix on the spot (hazards: general only, two persons).
fn consequences(item: &Item, input: &AnswerInput, result: Outcome, answerer: Uuid, faults: &mut Vec<Fault>) {
    let failed = result == Outcome::Fail;
    if let Some(severity) = input.severity {
        if !failed {
            faults.push(Fault::at("/severity", "only_for_fail"));
        } else if severity < item.fail_severity {
            faults.push(Fault::at("/severity", "below_default"));
        }
    }
    if !input.on_the_spot {
        let carried = [
            ("/before_evidence_ids", !input.before_evidence_ids.is_empty()),
            ("/after_evidence_ids", !input.after_evidence_ids.is_empty()),
            ("/measures_taken", input.measures_taken.is_some()),
            ("/fixed_by", input.fixed_by.is_some()),
        ];
        for (at, present) in carried {
            if present {
                faults.push(Fault::at(at, "only_on_the_spot"));
            }
        }
        return;
    }
    if !failed {
        faults.push(Fault::at("/on_the_spot", "only_for_fail"));
        return;
    }
    if input.severity.unwrap_or(item.fail_severity).max(item.fail_severity) == Severity::Major {
        faults.push(Fault::at("/on_the_spot", "general_only"));
    }
    if !present(input.measures_taken.as_deref()) {
        faults.push(Fault::at("/measures_taken", "required"));
    }
    match input.fixed_by {
        None => faults.push(Fault::at("/fixed_by", "required")),
        Some(fixer) if fixer == answerer => faults.push(Fault::at("/fixed_by", "same_person")),
        Some(_) => {}
    }
    if input.before_evidence_ids.is_empty() {
        faults.push(Fault::at("/before_evidence_ids", "required"));
    }
    if input.after_evidence_ids.iter().any(|id| input.before_evidence_ids.contains(id)) {
        faults.push(Fault::at("/after_evidence_ids", "same_as_before"));
    }
    if input.after_evidence_ids.is_empty() {
        faults.push(Fault::at("/after_evidence_ids", "required"));
    }
}

#[cfg(test)]
#[path = "answers_tests.rs"]
mod tests;
