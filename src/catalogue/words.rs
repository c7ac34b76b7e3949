//! Faults of the pure rules in words, for answers.

use super::rules::Fault;
use crate::platform::error::{Code, Problem};
use crate::platform::http::FieldError;

/// Every code of a [`Fault`], with its sentence in Chinese and English.
const WORDS: &[(&str, &str, &str)] = &[
    ("required", "必填", "is required"),
    ("too_many", "数量过多", "has too many entries"),
    ("too_few", "至少两项", "needs at least two entries"),
    ("too_long", "文字过长", "is too long"),
    ("duplicate", "重复", "is there already"),
    ("unknown_value", "不是可用的取值", "is not one of the accepted values"),
    ("invalid_format", "格式不正确", "has the wrong format"),
    ("control_character", "不得含控制字符", "must not contain control characters"),
    ("out_of_range", "数值超出范围", "is out of range"),
    ("not_for_this_response", "此答题方式不含该字段", "does not belong to this kind of response"),
    ("below_min", "上限不得小于下限", "must not be below the minimum"),
    ("no_passing_option", "至少一个选项为合格", "needs at least one option that passes"),
    ("only_for_na", "只有不适用时才填写", "belongs to `na` only"),
    ("na_not_allowed", "该项不得填不适用", "may not be answered `na`"),
    ("not_with_na", "不适用时不填", "does not go with `na`"),
    ("not_a_number", "应为数字", "must be a number"),
    ("not_an_option", "不是可选项", "is not one of the options"),
    ("not_a_text", "应为文字", "must be a text"),
    ("only_for_fail", "只有不合格时才填写", "belongs to a failed item only"),
    ("below_default", "不得低于该项的默认级别", "must not be below the item's own level"),
    ("only_on_the_spot", "只有立查立改时才填写", "belongs to a fix on the spot only"),
    ("general_only", "重大隐患不得按立查立改办理", "is for general hazards only"),
    ("same_person", "整改人与检查人不得为同一人", "must be somebody else than who answered"),
    ("same_as_before", "不得与整改前为同一张照片", "must not be the photo of before"),
    ("not_published", "检查清单未发布或已停用", "is not published"),
    (
        "conflicting_items",
        "所选清单中有编号相同而内容不同的检查项",
        "has an item whose code means something else in another checklist",
    ),
    ("no_items", "所选清单没有适用于该校的检查项", "has no item that applies to this school"),
    ("not_a_school", "只能检查学校", "must be a school"),
    ("not_eligible", "该人员不能参加此次检查", "cannot perform this inspection"),
    ("not_on_team", "须为检查组成员", "must be one of the team"),
    ("not_for_this_kind", "此类检查不适用", "does not fit this kind of inspection"),
    ("team_too_small", "此类检查不得少于两人", "needs at least two people"),
    ("not_uuid_v4", "不打招呼的检查须用 UUIDv4 编号", "must be a UUIDv4 for an inspection that is not announced"),
    (
        "uuid_v4",
        "UUIDv4 留给不打招呼的检查，请用 UUIDv7",
        "must not be a UUIDv4, which is for what is hidden; use a UUIDv7",
    ),
    ("unknown_item", "本次检查没有此项", "is not an item of this inspection"),
    ("no_lowest_band", "须有一个等级从0分起", "needs a band that begins at 0"),
    ("unknown_section", "清单没有该分组", "is not a section of the checklist"),
    ("never_applies", "没有学校适用该项", "fits no school at all"),
    ("never_passes", "合格范围在可填范围之外", "lies outside what can be answered"),
    ("reserved_code", "此种编号留给其他学校的补充项", "is a code kept for the items of another school"),
    ("below_limit", "低于可填下限", "is below what can be answered"),
    ("above_limit", "高于可填上限", "is above what can be answered"),
    ("too_many_decimals", "小数位过多", "has too many decimal places"),
    ("note_required", "不合格须写明情况", "needs a note because the item failed"),
    ("photo_required", "不合格须附照片", "needs a photo because the item failed"),
    ("photo_not_received", "照片尚未上传", "has a photo that has not arrived"),
    ("differs_from_path", "与路径不一致", "differs from the path"),
];

impl From<Fault> for FieldError {
    fn from(fault: Fault) -> Self {
        if let Some(said) = fault.said {
            let (zh, en) = *said;
            return Self::new(fault.pointer, fault.code, zh, en);
        }
        let words = WORDS.iter().find(|(code, _, _)| *code == fault.code);
        let (zh, en) = words.map_or(("不符合要求", "is not valid"), |(_, zh, en)| (*zh, *en));
        Self::new(fault.pointer, fault.code, zh, en)
    }
}

/// 422 with all faults.
#[must_use]
pub fn invalid(faults: Vec<Fault>) -> Problem {
    Problem::new(Code::ValidationFailed).errors(faults.into_iter().map(FieldError::from).collect())
}
