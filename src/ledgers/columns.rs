//! The columns of the files: headings and their order as bureaus keep these tables (domain reference §8.1, §8.2), and
//! the text of each cell. Unknown is blank; days are `YYYY-MM-DD`; money is in ten thousand yuan with two decimals.

use chrono::NaiveDate;

use super::row::HazardLedgerRow;
use super::wording::{authority, determination, domain, level, source, status, work_line};
use crate::hazards::status::Status;

/// A heading and what stands under it.
pub type Column = (&'static str, fn(&Line<'_>) -> String);

/// A row of a file.
#[derive(Debug, Clone, Copy)]
pub struct Line<'a> {
    /// 序号, from 1.
    pub serial: u64,
    /// The hazard.
    pub row: &'a HazardLedgerRow,
}

/// 隐患台账, 43 columns.
pub const HAZARDS: &[Column] = &[
    ("序号", |line| line.serial.to_string()),
    ("隐患编号", |line| line.row.number.clone()),
    ("年度/批次", |line| joined("/", [Some(line.row.year.to_string()), line.row.batch.clone()])),
    ("学校名称", |line| line.row.org_name.clone()),
    ("学校标识码", |line| text(&line.row.org_identifier)),
    ("校区/具体部位", |line| text(&line.row.site)),
    ("领域", |line| domain(&line.row.domain)),
    ("工作线(十字)", |line| work_line(&line.row.category)),
    ("隐患描述", description),
    ("整改前照片", |line| photos(line.row.before_evidence_ids.len())),
    ("依据条款", |line| text(&line.row.basis)),
    ("级别(一般/重大)", |line| level(line.row.level).to_owned()),
    ("判定方式(直接/综合)", |line| line.row.determination.map(determination).unwrap_or_default().to_owned()),
    ("风险点/风险等级", |line| text(&line.row.risk_point)),
    ("来源(自查/日常/专项/突击/双随机/督导/举报/上级交办/部门移送/第三方)", |line| {
        source(line.row.source).to_owned()
    }),
    ("检查单编号", |line| line.row.inspection_id.map(|id| id.to_string()).unwrap_or_default()),
    ("发现日期", |line| line.row.found_on.to_string()),
    ("发现人", |line| text(&line.row.found_by_name)),
    ("登记日期", |line| line.row.registered_on.to_string()),
    ("整改方式(立查立改/限期)", |line| {
        (if line.row.on_the_spot { "立查立改" } else { "限期整改" }).to_owned()
    }),
    ("整改措施", measures),
    ("整改责任人", |line| text(&line.row.responsible_name)),
    ("责任领导", |line| text(&line.row.leader_name)),
    ("牵头科室", |line| text(&line.row.lead_section)),
    ("责任督学", |line| line.row.supervisor_names.join("、")),
    ("资金(万元)", money),
    ("应急预案/临时管控", |line| {
        joined("；", [line.row.contingency.clone(), line.row.interim_controls.clone()])
    }),
    ("整改时限", |line| day(line.row.due_on)),
    ("延期次数/延期后时限", |line| {
        let after = line.row.extended_due_on.map(|day| day.to_string());
        joined("/", [Some(line.row.extensions.to_string()), after])
    }),
    ("整改完成日期", |line| day(line.row.completed_on)),
    ("整改后照片", |line| photos(line.row.after_evidence_ids.len())),
    ("自验人/日期", |line| {
        joined("/", [line.row.self_checked_by_name.clone(), line.row.self_checked_on.map(|day| day.to_string())])
    }),
    ("复查人/日期/意见", |line| {
        let names = Some(line.row.rechecker_names.join("、")).filter(|names| !names.is_empty());
        joined("/", [names, line.row.rechecked_on.map(|day| day.to_string()), line.row.recheck_opinion.clone()])
    }),
    ("退回次数", |line| line.row.returns.to_string()),
    ("验收结论", verdict),
    ("销号日期/销号人", |line| {
        joined("/", [line.row.closed_on.map(|day| day.to_string()), line.row.closed_by_name.clone()])
    }),
    ("是否逾期/逾期天数", |line| match (line.row.late, line.row.days_late) {
        (Some(true), Some(days)) => format!("是/{days}"),
        (Some(_), _) => "否".to_owned(),
        (None, _) => String::new(),
    }),
    ("是否挂牌/级别/文号", |line| match &line.row.listing {
        Some(one) => {
            let stands = one.delisted_on.map_or_else(|| "是".to_owned(), |day| format!("已于{day}摘牌"));
            format!("{stands}/{}/{}", authority(&one.authority), one.number)
        }
        None => "否".to_owned(),
    }),
    ("是否停用/恢复日期", |line| match &line.row.suspension {
        Some(one) => one.lifted_on.map_or_else(|| "是".to_owned(), |day| format!("已恢复/{day}")),
        None => "否".to_owned(),
    }),
    ("回头看日期/结果", |line| {
        let (failed, held) = (line.row.reopened_on, line.row.held_on);
        match held.filter(|held| failed.is_none_or(|failed| failed <= *held)) {
            Some(day) => format!("{day}/合格"),
            None => failed.map(|day| format!("{day}/不合格，重新整改")).unwrap_or_default(),
        }
    }),
    ("是否复发/原编号", |line| match &line.row.recurrence_of_number {
        Some(number) => format!("是/{number}"),
        None => (if line.row.recurrence { "是" } else { "否" }).to_owned(),
    }),
    ("抄告部门/回复", referrals),
    ("备注", remarks),
];

/// 问题清单
pub const PROBLEMS: &[Column] = &[
    ("序号", |line| line.serial.to_string()),
    ("学校", |line| line.row.org_name.clone()),
    ("问题", description),
    ("领域", |line| domain(&line.row.domain)),
    ("级别", |line| level(line.row.level).to_owned()),
    ("来源", |line| source(line.row.source).to_owned()),
    ("发现日期", |line| line.row.found_on.to_string()),
    ("依据", |line| text(&line.row.basis)),
];

/// 责任清单
pub const RESPONSIBILITIES: &[Column] = &[
    ("序号", |line| line.serial.to_string()),
    ("问题", problem),
    ("责任领导", |line| text(&line.row.leader_name)),
    ("责任科室", |line| text(&line.row.lead_section)),
    ("责任人", |line| text(&line.row.responsible_name)),
    ("配合单位", |line| line.row.cooperating().join("、")),
    ("承诺", |line| {
        let until = line.row.committed_until().map(|day| format!("{day}前完成"));
        joined("；", [line.row.planned_measures.clone(), until])
    }),
    ("电话(脱敏)", |line| text(&line.row.more.phone)),
];

/// 整改清单
pub const RECTIFICATIONS: &[Column] = &[
    ("序号", |line| line.serial.to_string()),
    ("问题", problem),
    ("整改目标", |line| text(&line.row.requirement)),
    ("措施", measures),
    ("资金(万元)", money),
    ("时限", |line| day(line.row.deadline())),
    ("进度%", |line| line.row.more.progress.as_ref().map(|one| one.percent.to_string()).unwrap_or_default()),
    ("状态", |line| status(line.row.status).to_owned()),
    ("存在困难", |line| {
        line.row.more.progress.as_ref().and_then(|one| one.difficulties.clone()).unwrap_or_default()
    }),
];

/// 成果清单
pub const RESULTS: &[Column] = &[
    ("序号", |line| line.serial.to_string()),
    ("问题", problem),
    ("完成时间", |line| day(line.row.completed_on)),
    ("成效", |line| joined("；", [line.row.measures_taken.clone(), line.row.recheck_opinion.clone()])),
    ("前后对比", |line| {
        let (before, after) = (line.row.before_evidence_ids.len(), line.row.after_evidence_ids.len());
        if before + after == 0 { String::new() } else { format!("前{before}张/后{after}张") }
    }),
    ("长效机制(制度文件)", |_| String::new()),
    ("验收人", |line| line.row.accepted_by().join("、")),
    ("复发情况", |line| match line.row.more.recurred.as_slice() {
        [] => "未复发".to_owned(),
        numbers => format!("已复发：{}", numbers.join("、")),
    }),
];

fn text(value: &Option<String>) -> String {
    value.clone().unwrap_or_default()
}

fn day(value: Option<NaiveDate>) -> String {
    value.map(|day| day.to_string()).unwrap_or_default()
}

/// What is known of several parts, between separators.
fn joined<const N: usize>(separator: &str, parts: [Option<String>; N]) -> String {
    parts.into_iter().flatten().collect::<Vec<_>>().join(separator)
}

fn photos(count: usize) -> String {
    if count == 0 { String::new() } else { format!("{count}张") }
}

/// The school and what is wrong: three of the lists have no column for the school.
fn problem(line: &Line<'_>) -> String {
    format!("{}：{}", line.row.org_name, line.row.title)
}

fn description(line: &Line<'_>) -> String {
    let row = line.row;
    if row.title == row.description { row.title.clone() } else { format!("{}：{}", row.title, row.description) }
}

fn measures(line: &Line<'_>) -> String {
    text(if line.row.measures_taken.is_some() { &line.row.measures_taken } else { &line.row.planned_measures })
}

/// What was spent, else what was planned.
fn money(line: &Line<'_>) -> String {
    line.row.cost_fen.or(line.row.budget_fen).map(ten_thousands).unwrap_or_default()
}

/// Fen as ten thousand yuan with two decimals, half up.
fn ten_thousands(fen: i64) -> String {
    let hundredths = fen.saturating_add(5_000).div_euclid(10_000);
    format!("{}.{:02}", hundredths / 100, hundredths % 100)
}

fn verdict(line: &Line<'_>) -> String {
    let word = match line.row.recheck_outcome.as_deref() {
        Some("passed") => Some("合格".to_owned()),
        Some("returned") => Some("不合格，退回整改".to_owned()),
        Some(other) => Some(other.to_owned()),
        None => None,
    };
    joined("；", [word, line.row.approval_opinion.clone()])
}

fn referrals(line: &Line<'_>) -> String {
    let one = |referral: &super::row::LedgerReferral| {
        let reply = match (&referral.reply, referral.replied_on) {
            (Some(reply), _) => reply.clone(),
            (None, Some(day)) => format!("{day}已回复"),
            (None, None) => "待回复".to_owned(),
        };
        format!("{}/{reply}", referral.authority_name)
    };
    line.row.referrals.iter().map(one).collect::<Vec<_>>().join("；")
}

fn remarks(line: &Line<'_>) -> String {
    let row = line.row;
    let void = (row.status == Status::Void).then(|| match &row.void_reason {
        Some(reason) => format!("作废：{reason}"),
        None => "作废".to_owned(),
    });
    joined("；", [void, row.requirement.as_ref().map(|text| format!("整改要求：{text}"))])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn money_is_in_ten_thousand_yuan_with_two_decimals() {
        for (fen, text) in [(0, "0.00"), (1_000_000, "1.00"), (32_000, "0.03"), (5_000, "0.01"), (4_999, "0.00")] {
            assert_eq!(ten_thousands(fen), text);
        }
        assert_eq!(ten_thousands(123_456_789), "123.46");
    }

    #[test]
    fn the_ledger_has_its_forty_three_columns() {
        assert_eq!(HAZARDS.len(), 43);
        assert_eq!((PROBLEMS.len(), RESPONSIBILITIES.len(), RECTIFICATIONS.len(), RESULTS.len()), (8, 8, 9, 8));
    }
}
