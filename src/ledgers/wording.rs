//! The Chinese words of the files.

use crate::catalogue::builtin;
use crate::hazards::marks::Determination;
use crate::hazards::status::{Level, Source, Status};

/// 级别
#[must_use]
pub const fn level(level: Level) -> &'static str {
    match level {
        Level::General => "一般",
        Level::Major => "重大",
    }
}

/// 判定方式
#[must_use]
pub const fn determination(determination: Determination) -> &'static str {
    match determination {
        Determination::Direct => "直接",
        Determination::Combined => "综合",
    }
}

/// 来源
#[must_use]
pub const fn source(source: Source) -> &'static str {
    match source {
        Source::SelfCheck => "自查",
        Source::Patrol => "巡查",
        Source::StaffHint => "教职工反映",
        Source::Routine => "日常",
        Source::Special => "专项",
        Source::Unannounced => "突击",
        Source::Random => "双随机",
        Source::Peer => "互查",
        Source::Supervision => "督导",
        Source::LookBack => "回头看",
        Source::Joint => "联合检查",
        Source::ThirdParty => "第三方",
        Source::Complaint => "举报",
        Source::Superior => "上级交办",
        Source::Referral => "部门移送",
    }
}

/// 状态
#[must_use]
pub const fn status(status: Status) -> &'static str {
    match status {
        Status::Registered => "已登记",
        Status::Issued => "已交办",
        Status::Rectifying => "整改中",
        Status::AwaitingRecheck => "待复查",
        Status::AwaitingApproval => "待批准",
        Status::Closed => "已销号",
        Status::Void => "已作废",
    }
}

/// 领域; a code that is not built in stays as it is.
#[must_use]
pub fn domain(code: &str) -> String {
    builtin::domain(code).map_or_else(|| code.to_owned(), |domain| domain.name_zh.clone())
}

/// 工作线: the character itself, which no bureau renames.
#[must_use]
pub fn work_line(code: &str) -> String {
    builtin::category(code).map_or_else(|| code.to_owned(), |category| category.character.clone())
}

/// The level of authority of a listing; a word that is not known stays as it is.
#[must_use]
pub fn authority(word: &str) -> String {
    match word {
        "school" => "校级",
        "bureau" => "教育局",
        "district" | "county" => "区县级",
        "city" | "municipal" => "市级",
        "province" | "provincial" => "省级",
        "nation" | "national" => "国家级",
        other => other,
    }
    .to_owned()
}
