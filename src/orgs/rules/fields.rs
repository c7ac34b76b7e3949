//! What each field of an organisation or a place may hold.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Datum, Fault, Feature, Reason, SchoolKind};

/// Longest name of an organisation or a place, in characters.
pub const NAME_MAX: usize = 100;
/// Longest address, in characters.
pub const ADDRESS_MAX: usize = 200;
/// Longest code of a place (what a QR label carries), in characters.
pub const SITE_CODE_MAX: usize = 64;
/// Most students or staff of one school.
pub const COUNT_MAX: i32 = 100_000;
/// Highest floor believed.
pub const FLOOR_MAX: i32 = 200;

/// A place on earth, with the grid it is given in.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Location {
    /// Degrees north, -90 to 90.
    pub lat: f64,
    /// Degrees east, -180 to 180.
    pub lng: f64,
    /// The grid of the two numbers.
    pub datum: Datum,
}

/// What a school carries beyond what every organisation has.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SchoolFields {
    /// Kind of school; with the features it decides which checklist items apply.
    pub school_kind: SchoolKind,
    /// 学校标识码, ten digits.
    #[serde(default)]
    pub identifier: Option<String>,
    /// What the school has that brings hazards of its own; no repetitions.
    #[serde(default)]
    pub features: Vec<Feature>,
    /// Students, 0 to 100 000.
    #[serde(default)]
    pub students: Option<i32>,
    /// Staff, 0 to 100 000.
    #[serde(default)]
    pub staff: Option<i32>,
    /// Highest floor in use, 1 to 200.
    #[serde(default)]
    pub max_floor: Option<i32>,
    /// Postal address, at most 200 characters.
    #[serde(default)]
    pub address: Option<String>,
    /// Where the school lies.
    #[serde(default)]
    pub location: Option<Location>,
}

/// Characters that never belong in one line of text: controls, and the overrides that make a name read as another.
fn forbidden(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}' | '\u{2028}' | '\u{2029}' | '\u{FEFF}')
}

/// One line of text of 1 to `max` characters, without the blanks around it.
fn line(text: &str, max: usize) -> Result<String, Reason> {
    let text = text.trim();
    if text.is_empty() {
        return Err(Reason::Required);
    }
    if text.chars().any(forbidden) {
        return Err(Reason::ControlCharacter);
    }
    if text.chars().count() > max {
        return Err(Reason::TooLong { max });
    }
    Ok(text.to_owned())
}

/// A name of 1 to 100 characters; blanks around it are dropped.
///
/// # Errors
/// `required`, `control_character` or `too_long`.
pub fn name(text: &str) -> Result<String, Reason> {
    line(text, NAME_MAX)
}

/// An address of 1 to 200 characters.
///
/// # Errors
/// `required`, `control_character` or `too_long`.
pub fn address(text: &str) -> Result<String, Reason> {
    line(text, ADDRESS_MAX)
}

/// The code of a place, 1 to 64 printable ASCII characters without blanks: it has to survive a QR label and a URL.
///
/// # Errors
/// `required`, `too_long` or `bad_character`.
pub fn site_code(text: &str) -> Result<String, Reason> {
    let code = line(text, SITE_CODE_MAX)?;
    if code.chars().all(|c| c.is_ascii_graphic()) {
        Ok(code)
    } else {
        Err(Reason::BadCharacter { allowed: "ASCII (!-~)" })
    }
}

fn digits(text: &str, count: usize) -> Result<String, Reason> {
    let text = text.trim();
    if text.len() == count && text.bytes().all(|b| b.is_ascii_digit()) {
        Ok(text.to_owned())
    } else {
        Err(Reason::Digits { count })
    }
}

/// 行政区划代码 (GB/T 2260): six digits, required on a bureau since hazard numbers begin with it.
///
/// # Errors
/// `digits_expected`.
pub fn region_code(text: &str) -> Result<String, Reason> {
    digits(text, 6)
}

/// 学校标识码: ten digits. Only the form is refused; see [`identifier_doubts`] for the rest.
///
/// # Errors
/// `digits_expected`.
pub fn identifier(text: &str) -> Result<String, Reason> {
    digits(text, 10)
}

/// What looks wrong with a well-formed identifier: its first two digits name another kind of school. Codes outlive
/// reforms and mergers, so this is told and never refused.
#[must_use]
pub fn identifier_doubts(identifier: &str, kind: SchoolKind) -> Option<&'static str> {
    let expected: &[&str] = match kind {
        SchoolKind::Kindergarten => &["11"],
        SchoolKind::Primary | SchoolKind::TeachingPoint => &["21", "22"],
        SchoolKind::JuniorHigh => &["31", "32", "33"],
        SchoolKind::NineYear => &["21", "31"],
        SchoolKind::SeniorHigh | SchoolKind::CompleteSecondary | SchoolKind::TwelveYear => &["34", "35", "31"],
        SchoolKind::Vocational => &["36"],
        SchoolKind::Special => &["51"],
        SchoolKind::Offcampus => &[],
    };
    let prefix = identifier.get(..2)?;
    (!expected.is_empty() && !expected.contains(&prefix)).then_some("identifier_kind_differs")
}

/// An IANA time zone, as `Asia/Shanghai`.
///
/// # Errors
/// `unknown_value`.
pub fn time_zone(text: &str) -> Result<chrono_tz::Tz, Reason> {
    text.parse().ok().ok_or_else(|| Reason::unknown(text))
}

/// A head count, 0 to 100 000.
///
/// # Errors
/// `out_of_range`.
pub fn count(value: i32) -> Result<i32, Reason> {
    ranged(value, 0, COUNT_MAX)
}

/// The highest floor, 1 to 200.
///
/// # Errors
/// `out_of_range`.
pub fn max_floor(value: i32) -> Result<i32, Reason> {
    ranged(value, 1, FLOOR_MAX)
}

fn ranged(value: i32, min: i32, max: i32) -> Result<i32, Reason> {
    if (min..=max).contains(&value) {
        Ok(value)
    } else {
        Err(Reason::OutOfRange { min: i64::from(min), max: i64::from(max) })
    }
}

impl Location {
    /// The refused coordinates, as `(latitude, longitude)`.
    #[must_use]
    pub fn refused(lat: f64, lng: f64) -> (Option<Reason>, Option<Reason>) {
        // NaN lies in no range, so it is refused too.
        let lat = (!(-90.0..=90.0).contains(&lat)).then_some(Reason::OutOfRange { min: -90, max: 90 });
        let lng = (!(-180.0..=180.0).contains(&lng)).then_some(Reason::OutOfRange { min: -180, max: 180 });
        (lat, lng)
    }
}

/// Checks and tidies the school part of a body: text trimmed, features sorted without repetitions.
///
/// # Errors
/// Every refused field at once, pointers beginning with `/school`.
pub fn check_school(given: &SchoolFields) -> Result<SchoolFields, Vec<Fault>> {
    let mut faults = Vec::new();
    let mut keep = |pointer, reason: Option<Reason>| faults.extend(reason.map(|reason| Fault { pointer, reason }));
    let mut school = given.clone();
    school.features.sort_unstable();
    school.features.dedup();
    if let Some(text) = &given.identifier {
        match identifier(text) {
            Ok(text) => school.identifier = Some(text),
            Err(reason) => keep("/school/identifier", Some(reason)),
        }
    }
    if let Some(text) = &given.address {
        match address(text) {
            Ok(text) => school.address = Some(text),
            Err(reason) => keep("/school/address", Some(reason)),
        }
    }
    keep("/school/students", given.students.and_then(|n| count(n).err()));
    keep("/school/staff", given.staff.and_then(|n| count(n).err()));
    keep("/school/max_floor", given.max_floor.and_then(|n| max_floor(n).err()));
    if let Some(place) = given.location {
        let (lat, lng) = Location::refused(place.lat, place.lng);
        keep("/school/location/lat", lat);
        keep("/school/location/lng", lng);
    }
    if faults.is_empty() { Ok(school) } else { Err(faults) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn school() -> SchoolFields {
        SchoolFields {
            school_kind: SchoolKind::Primary,
            identifier: None,
            features: vec![],
            students: None,
            staff: None,
            max_floor: None,
            address: None,
            location: None,
        }
    }

    #[test]
    fn names_are_one_line_of_one_to_a_hundred_characters() {
        assert_eq!(name("  第一小学 ").as_deref(), Ok("第一小学"));
        assert_eq!(name(&"学".repeat(100)).map(|n| n.chars().count()), Ok(100));
        assert_eq!(name(&"学".repeat(101)), Err(Reason::TooLong { max: 100 }));
        assert_eq!(name(" \u{3000} "), Err(Reason::Required));
        for bad in ["a\0b", "a\nb", "a\u{202E}b"] {
            assert_eq!(name(bad), Err(Reason::ControlCharacter), "{bad:?}");
        }
    }

    #[test]
    fn codes_are_digits_of_the_right_number() {
        assert!(region_code("640104").is_ok());
        for bad in ["", "64010", "6401045", "64010a", "６４０１０４"] {
            assert_eq!(region_code(bad), Err(Reason::Digits { count: 6 }), "{bad}");
        }
        assert!(identifier("2164000123").is_ok());
        assert!(identifier("216400012").is_err());
    }

    #[test]
    fn a_strange_identifier_is_doubted_not_refused() {
        assert_eq!(identifier_doubts("1164000123", SchoolKind::Primary), Some("identifier_kind_differs"));
        assert_eq!(identifier_doubts("2164000123", SchoolKind::Primary), None);
        assert_eq!(identifier_doubts("9964000123", SchoolKind::Offcampus), None);
    }

    #[test]
    fn every_fault_of_a_school_is_told_at_once() {
        let bad = SchoolFields {
            identifier: Some("12".into()),
            students: Some(100_001),
            staff: Some(-1),
            max_floor: Some(0),
            address: Some("\n".into()),
            location: Some(Location { lat: f64::NAN, lng: 180.1, datum: Datum::Wgs84 }),
            ..school()
        };
        let pointers: Vec<_> = check_school(&bad).unwrap_err().into_iter().map(|f| f.pointer).collect();
        assert_eq!(
            pointers,
            [
                "/school/identifier",
                "/school/address",
                "/school/students",
                "/school/staff",
                "/school/max_floor",
                "/school/location/lat",
                "/school/location/lng"
            ]
        );
    }

    #[test]
    fn a_good_school_is_tidied() {
        let given = SchoolFields {
            features: vec![Feature::Lab, Feature::Canteen, Feature::Lab],
            address: Some(" 文化街1号 ".into()),
            students: Some(0),
            max_floor: Some(5),
            ..school()
        };
        let kept = check_school(&given).unwrap();
        assert_eq!(kept.features, [Feature::Canteen, Feature::Lab]);
        assert_eq!(kept.address.as_deref(), Some("文化街1号"));
    }

    #[test]
    fn time_zones_come_from_the_table_of_zones() {
        assert!(time_zone("Asia/Shanghai").is_ok());
        assert!(time_zone("Mars/Base").is_err());
    }
}
