//! The limits in `constraint`: comparisons of `.` with a number, joined by `and`.

/// The limits an expression says, both inclusive.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Limits {
    /// Least.
    pub least: Option<f64>,
    /// Greatest.
    pub most: Option<f64>,
    /// Whether a limit was strict and could not be made inclusive: only of whole numbers can it.
    pub loosened: bool,
}

/// Reads `. >= a and . <= b` in any order, strict or not, also `a <= .`; nothing for any other expression.
#[must_use]
pub fn limits(expression: &str, whole_numbers: bool) -> Option<Limits> {
    let mut found = Limits::default();
    let text = expression.trim();
    let text = text
        .strip_prefix('(')
        .and_then(|text| text.strip_suffix(')'))
        .filter(|text| !text.contains(['(', ')']))
        .unwrap_or(text);
    for part in split_and(text) {
        let part = part.trim();
        let part = part.strip_prefix('(').and_then(|part| part.strip_suffix(')')).unwrap_or(part).trim();
        let (left, sign, right) = compared(part)?;
        let (sign, number) = match (left, right) {
            (".", number) => (sign, number),
            (number, ".") => (turned(sign), number),
            _ => return None,
        };
        let number: f64 = number.parse().ok().filter(|number: &f64| number.is_finite())?;
        let whole = whole_numbers && number.fract() == 0.0;
        match sign {
            ">=" => found.least = Some(found.least.map_or(number, |least| least.max(number))),
            "<=" => found.most = Some(found.most.map_or(number, |most| most.min(number))),
            ">" => {
                let least = if whole { number + 1.0 } else { number };
                found.loosened |= !whole;
                found.least = Some(found.least.map_or(least, |known| known.max(least)));
            }
            "<" => {
                let most = if whole { number - 1.0 } else { number };
                found.loosened |= !whole;
                found.most = Some(found.most.map_or(most, |known| known.min(most)));
            }
            _ => return None,
        }
    }
    Some(found)
}

/// Parts between `and`, which stands between blanks or brackets.
fn split_and(text: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some(at) = find_and(rest) {
        let (part, after) = rest.split_at(at);
        parts.push(part);
        rest = after.get(3..).unwrap_or_default();
    }
    parts.push(rest);
    parts
}

fn find_and(text: &str) -> Option<usize> {
    let joins = |c: char| c.is_whitespace() || c == '(' || c == ')';
    text.match_indices("and").map(|(at, _)| at).find(|at| {
        let before = text.get(..*at).and_then(|before| before.chars().next_back());
        let after = text.get(at + 3..).and_then(|after| after.chars().next());
        before.is_some_and(joins) && after.is_some_and(joins)
    })
}

fn compared(part: &str) -> Option<(&str, &'static str, &str)> {
    let sign = [">=", "<=", ">", "<"].into_iter().find(|sign| part.contains(sign))?;
    let (left, right) = part.split_once(sign)?;
    Some((left.trim(), sign, right.trim()))
}

fn turned(sign: &str) -> &'static str {
    match sign {
        ">=" => "<=",
        "<=" => ">=",
        ">" => "<",
        _ => ">",
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn both(expression: &str) -> Option<(Option<f64>, Option<f64>)> {
        limits(expression, false).map(|limits| (limits.least, limits.most))
    }

    #[test]
    fn comparisons_joined_by_and_are_limits() {
        assert_eq!(both(". >= 0 and . <= 100"), Some((Some(0.0), Some(100.0))));
        assert_eq!(both(".>=0 and .<=100"), Some((Some(0.0), Some(100.0))));
        assert_eq!(both("(. >= -5.5) and (. <= 40)"), Some((Some(-5.5), Some(40.0))));
        assert_eq!(both("(.>=1 and .<=2)"), Some((Some(1.0), Some(2.0))));
        assert_eq!(both("100 >= . and 0 <= ."), Some((Some(0.0), Some(100.0))));
        assert_eq!(both(". <= 10"), Some((None, Some(10.0))));
        assert_eq!(
            limits(". > 0 and . < 10", true),
            Some(Limits { least: Some(1.0), most: Some(9.0), loosened: false })
        );
        assert_eq!(limits(". > 0", false), Some(Limits { least: Some(0.0), most: None, loosened: true }));
    }

    #[test]
    fn what_is_not_understood_is_not_guessed() {
        for expression in [
            ". >= 0 or . <= 100",
            "regex(., '[0-9]+')",
            ". >= ${other}",
            ". != 0",
            ". = 5",
            "string-length(.) < 5",
            ". >= 1e",
            "",
            ". >= today()",
            ".>=0 and",
            "not(. > 5)",
        ] {
            assert_eq!(limits(expression, false), None, "{expression}");
        }
    }

    proptest! {
        #[test]
        fn no_expression_stops_the_reader(expression in "\\PC{0,40}|[.<>=()and 0-9-]{0,30}") {
            let _ = limits(&expression, true);
        }

        #[test]
        fn limits_come_out_as_written(a in -1000_i32..1000, b in -1000_i32..1000) {
            let found = limits(&format!(". >= {a} and . <= {b}"), true).unwrap();
            prop_assert_eq!((found.least, found.most), (Some(f64::from(a)), Some(f64::from(b))));
        }
    }
}
