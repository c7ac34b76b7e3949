//! Two phones and one answer: field by field, by what each had seen. Pure.

use serde_json::{Map, Value};

use crate::inspections::store::{Origin, Touched};

/// What goes with a failed item alone.
const OF_FAILURE: [&str; 6] =
    ["severity", "on_the_spot", "before_evidence_ids", "after_evidence_ids", "measures_taken", "fixed_by"];

/// A field that somebody else changed meanwhile to something else.
#[derive(Debug, Clone, PartialEq)]
pub struct Clash {
    /// Which.
    pub field: String,
    /// What the server has.
    pub server: Value,
    /// What the device says.
    pub device: Value,
}

/// What comes of it.
#[derive(Debug, Clone, PartialEq)]
pub enum Merged {
    /// The whole answer; and whether others had changed it meanwhile.
    Fields(Map<String, Value>, bool),
    /// Nothing is changed; both are kept.
    Clash(Vec<Clash>),
}

/// An answer as stored.
#[derive(Debug)]
pub struct Stored<'a> {
    /// Its fields.
    pub fields: Map<String, Value>,
    /// When each last changed.
    pub touched: &'a Touched,
}

/// Empty is empty, however it is said.
fn plain(field: &str, value: &Value) -> Value {
    match (field, value) {
        ("on_the_spot", Value::Null) => Value::Bool(false),
        (name, Value::Null) if name.ends_with("evidence_ids") => Value::Array(Vec::new()),
        (_, value) => value.clone(),
    }
}

/// Lays what a device says over what is stored. A field that another device or a request changed after `base` to another
/// value is a clash; one that a later operation of the same device changed stays.
#[must_use]
pub fn merge(stored: Stored<'_>, set: &Map<String, Value>, base: Option<i64>, from: &Origin) -> Merged {
    let base = base.unwrap_or(1);
    let Stored { mut fields, touched } = stored;
    let foreign = |name: &str| {
        touched
            .get(name)
            .filter(|touch| touch.origin.as_ref().is_none_or(|origin| origin.device != from.device))
            .is_some_and(|touch| touch.version > base)
    };
    let mut merged = touched.keys().any(|name| foreign(name));
    let mut clashes = Vec::new();
    let mut turns = false;
    for (name, new) in set {
        let new = plain(name, new);
        let old = fields.get(name).map(|old| plain(name, old));
        if old.as_ref() == Some(&new) {
            continue;
        }
        let later = touched
            .get(name)
            .and_then(|touch| touch.origin.as_ref())
            .is_some_and(|origin| origin.device == from.device && origin.seq > from.seq);
        if later {
            merged = true;
        } else if foreign(name) {
            clashes.push(Clash { field: name.clone(), server: old.unwrap_or_default(), device: new });
        } else {
            turns |= matches!(name.as_str(), "result" | "value");
            fields.insert(name.clone(), new);
        }
    }
    if !clashes.is_empty() {
        return Merged::Clash(clashes);
    }
    if turns {
        fall_away(&mut fields, set);
    }
    Merged::Fields(fields, merged)
}

/// What does not go with the new result falls away, unless the device says it.
fn fall_away(fields: &mut Map<String, Value>, set: &Map<String, Value>) {
    let mut clear = |name: &str| {
        if !set.contains_key(name) {
            let empty = plain(name, &Value::Null);
            fields.insert(name.to_owned(), empty);
        }
    };
    let result = set.get("result").and_then(Value::as_str);
    if set.get("value").is_some_and(|value| !value.is_null()) {
        clear("result");
    }
    if result == Some("na") {
        clear("value");
    } else {
        clear("reason");
    }
    if result != Some("fail") {
        OF_FAILURE.iter().for_each(|name| clear(name));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inspections::store::Touch;
    use crate::platform::ids::built_in;
    use serde_json::json;

    fn object(value: Value) -> Map<String, Value> {
        value.as_object().cloned().unwrap()
    }

    fn from(device: &str, seq: i64) -> Origin {
        Origin { device: built_in(device), seq }
    }

    fn touched(entries: &[(&str, i64, &str, i64)]) -> Touched {
        let touch = |(name, version, device, seq): &(&str, i64, &str, i64)| {
            ((*name).to_owned(), Touch { version: *version, origin: Some(from(device, *seq)) })
        };
        entries.iter().map(touch).collect()
    }

    #[test]
    fn different_fields_are_both_kept() {
        let touched = touched(&[("result", 2, "a", 1)]);
        let stored = Stored { fields: object(json!({"result": "fail", "note": null})), touched: &touched };
        let merged = merge(stored, &object(json!({"note": "铁链"})), Some(1), &from("b", 1));
        assert_eq!(merged, Merged::Fields(object(json!({"result": "fail", "note": "铁链"})), true));
    }

    #[test]
    fn the_same_field_said_differently_is_a_clash_and_said_alike_is_none() {
        let touched = touched(&[("result", 2, "a", 1)]);
        let stored = || Stored { fields: object(json!({"result": "fail"})), touched: &touched };
        let merged = merge(stored(), &object(json!({"result": "pass"})), Some(1), &from("b", 1));
        let clash = Clash { field: "result".into(), server: json!("fail"), device: json!("pass") };
        assert_eq!(merged, Merged::Clash(vec![clash]));
        assert!(matches!(
            merge(stored(), &object(json!({"result": "fail"})), Some(1), &from("b", 1)),
            Merged::Fields(_, true)
        ));
        // Whoever has seen it may change it.
        assert!(matches!(
            merge(stored(), &object(json!({"result": "pass"})), Some(2), &from("b", 1)),
            Merged::Fields(_, false)
        ));
    }

    #[test]
    fn of_one_device_the_later_operation_holds_whatever_comes_first() {
        let touched = touched(&[("result", 2, "a", 9)]);
        let stored = || Stored { fields: object(json!({"result": "fail"})), touched: &touched };
        let early = merge(stored(), &object(json!({"result": "pass"})), Some(1), &from("a", 8));
        assert_eq!(early, Merged::Fields(object(json!({"result": "fail"})), true));
        let Merged::Fields(late, false) = merge(stored(), &object(json!({"result": "pass"})), Some(1), &from("a", 10))
        else {
            panic!()
        };
        assert_eq!(late["result"], "pass");
    }

    #[test]
    fn what_goes_with_a_failure_falls_away_with_it() {
        let fields =
            object(json!({"result": "fail", "severity": "major", "measures_taken": "拆除", "on_the_spot": true}));
        let none = Touched::new();
        let merged =
            merge(Stored { fields, touched: &none }, &object(json!({"result": "pass"})), Some(1), &from("a", 1));
        let Merged::Fields(fields, false) = merged else { panic!() };
        assert_eq!((&fields["severity"], &fields["on_the_spot"]), (&Value::Null, &Value::Bool(false)));
    }
}
