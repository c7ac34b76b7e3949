//! Which numbers can be answered at all. The passing range (`min`, `max`) says what is as it should be; a number
//! outside the range here is a slip of the thumb, and is refused.

use super::Item;

/// No measure of a school is beyond this, either way.
pub const GREATEST: f64 = 1e12;

/// Units that are never negative: counts, shares, masses, lengths, times.
const NEVER_NEGATIVE: &[&str] = &[
    "%",
    "％",
    "g",
    "克",
    "kg",
    "千克",
    "公斤",
    "mg",
    "t",
    "吨",
    "L",
    "升",
    "mL",
    "ml",
    "毫升",
    "m",
    "米",
    "cm",
    "厘米",
    "mm",
    "毫米",
    "km",
    "千米",
    "公里",
    "m²",
    "㎡",
    "平方米",
    "m³",
    "立方米",
    "s",
    "秒",
    "min",
    "分",
    "分钟",
    "h",
    "小时",
    "天",
    "日",
    "周",
    "月",
    "年",
    "工作日",
    "学时",
    "课时",
    "人",
    "名",
    "次",
    "个",
    "件",
    "处",
    "台",
    "套",
    "份",
    "条",
    "项",
    "间",
    "栋",
    "座",
    "辆",
    "具",
    "只",
    "元",
    "lx",
    "勒克斯",
    "dB",
    "分贝",
    "MPa",
    "兆帕",
    "kPa",
];

/// The numbers an item takes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bounds {
    /// Least, inclusive.
    pub least: f64,
    /// Greatest, inclusive.
    pub most: f64,
    /// Most decimal places; any number where nothing is said.
    pub decimals: Option<u8>,
}

/// The numbers an item takes: its own limits, else none below zero for units that are never negative (`次/月` counts as
/// `次`), else any that a school can measure.
#[must_use]
pub fn bounds(item: &Item) -> Bounds {
    let number = |number: &Option<serde_json::Number>| number.as_ref().and_then(serde_json::Number::as_f64);
    let counted = item.unit.as_deref().and_then(|unit| unit.split('/').next()).map(str::trim);
    let never_negative = counted.is_some_and(|unit| NEVER_NEGATIVE.contains(&unit))
        && ![&item.min, &item.max].iter().any(|limit| number(limit).is_some_and(|limit| limit < 0.0));
    Bounds {
        least: number(&item.value_min).unwrap_or(if never_negative { 0.0 } else { -GREATEST }),
        most: number(&item.value_max).unwrap_or(GREATEST),
        decimals: item.decimals,
    }
}

/// How many decimal places a number has, as people write it.
#[must_use]
pub fn places(number: f64) -> usize {
    let text = format!("{number}");
    text.split_once('.').map_or(0, |(_, fraction)| fraction.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::builtin;
    use crate::catalogue::rules::Response;

    #[test]
    fn every_built_in_number_can_pass_and_none_is_negative() {
        let items = builtin::catalogue().categories.iter().flat_map(|category| &category.items);
        for item in items.filter(|item| item.response == Response::Number) {
            let Bounds { least, most, .. } = bounds(item);
            assert_eq!(least, 0.0, "{} in {:?}", item.code, item.unit);
            let min = item.min.as_ref().and_then(serde_json::Number::as_f64).unwrap_or(0.0);
            assert!(least <= min && min <= most, "{}", item.code);
        }
    }

    #[test]
    fn own_limits_come_first_and_temperatures_may_be_negative() {
        let mut item =
            builtin::catalogue().categories[0].items.iter().find(|item| item.code == "fang-010").unwrap().clone();
        item.value_min = Some(10.into());
        item.value_max = Some(1000.into());
        assert_eq!(bounds(&item), Bounds { least: 10.0, most: 1000.0, decimals: None });
        item.value_min = None;
        item.unit = Some("℃".into());
        item.min = Some((-18).into());
        assert_eq!(bounds(&item).least, -GREATEST);
    }

    #[test]
    fn decimal_places_are_counted_as_written() {
        assert_eq!([places(3.0), places(3.25), places(1e-7), places(-0.5)], [0, 2, 7, 1]);
    }
}
