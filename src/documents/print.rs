//! The page of a document, for A4. Everything in it is text that is escaped; the one style sheet is named by its hash, and
//! nothing else may load or run.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chrono_tz::Tz;
use maud::{DOCTYPE, Markup, PreEscaped, html};
use sha2::{Digest, Sha256};

use super::content::{Content, Head, NoticePaper, Opinion, Record, Signed, Visit};
use super::store::{AfterIssue, DocumentView};
use crate::hazards::status::Level;
use crate::inspections::rules::{AcknowledgementOutcome, Outcome};
use crate::platform::db::types::Timestamp;

const STYLE: &str = include_str!("print.css");

/// What the page may do: nothing but wear its own style.
#[must_use]
pub fn policy() -> String {
    let hash = STANDARD.encode(Sha256::digest(STYLE.as_bytes()));
    format!(
        "default-src 'none'; style-src 'sha256-{hash}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; \
         sandbox"
    )
}

/// The page; times in the bureau's zone.
#[must_use]
pub fn page(document: &DocumentView, zone: Tz) -> String {
    let (head, title) = (document.content.head(), document.summary.r#type.title());
    let summary = &document.summary;
    let body = match &document.content {
        Content::OnSiteRecord(record) => on_site_record(record, zone),
        Content::RectificationNotice(notice) => rectification_notice(notice),
        Content::RecheckOpinion(opinion) => recheck_opinion(opinion),
    };
    let page = html! {
        (DOCTYPE)
        html lang="zh-CN" {
            head {
                meta charset="utf-8";
                title { (head.number) " " (title) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                @if let Some(at) = summary.voided_at {
                    div.void {
                        strong { "作废" }
                        p { "作废时间：" (moment(at, zone)) }
                        p { "作废原因：" (summary.void_reason.as_deref().unwrap_or_default()) }
                    }
                }
                @if summary.superseded_by.is_some() { p.gone { "本文书已被新的文书替代。" } }
                p.issuer { (head.issuer) }
                h1 { (title) }
                p.number { (head.number) }
                @if let Some(number) = &head.supersedes { p { "本文书替代 " (number) "。" } }
                (body)
                @if let Some(later) = &document.after_issue { (after_issue(later, zone)) }
                p.hash { "内容校验值 SHA-256：" (summary.content_sha256) }
            }
        }
    };
    page.into_string()
}

fn moment(at: Timestamp, zone: Tz) -> String {
    at.utc().with_timezone(&zone).format("%Y-%m-%d %H:%M").to_string()
}

fn or_line(text: Option<&str>) -> Markup {
    html! { @match text { Some(text) => (text), None => span.line {} } }
}

fn unit(head: &Head, rest: &Markup) -> Markup {
    let unit = &head.unit;
    html! {
        table.facts { tbody {
            tr { th { "被检查单位" } td { (unit.name) } }
            tr { th { "统一社会信用代码" } td { (or_line(unit.credit_code.as_deref())) } }
            @if let Some(identifier) = &unit.identifier { tr { th { "学校标识码" } td { (identifier) } } }
            tr { th { "地址" } td { (or_line(unit.address.as_deref())) } }
            tr { th { "主要负责人" } td { (or_line(unit.principal.as_deref())) } }
            tr { th { "联系电话" } td { (or_line(unit.principal_phone.as_deref())) } }
            (rest)
        } }
    }
}

fn about(visit: Option<&Visit>) -> Markup {
    html! {
        @if let Some(visit) = visit {
            tr { th { "检查" } td { (visit.kind.name_zh()) "：" (visit.title) } }
            @if let Some(on) = visit.on { tr { th { "检查日期" } td { (on) } } }
        }
    }
}

const fn result(outcome: Option<Outcome>) -> &'static str {
    match outcome {
        Some(Outcome::Pass) => "合格",
        Some(Outcome::Fail) => "不合格",
        Some(Outcome::Na) => "不适用",
        None => "",
    }
}

fn on_site_record(record: &Record, zone: Tz) -> Markup {
    let time = |at: Option<Timestamp>| at.map(|at| moment(at, zone));
    let rest = html! {
        (about(Some(&record.visit)))
        tr { th { "检查时间" } td {
            (or_line(time(record.started_at).as_deref())) " 至 " (or_line(time(record.ended_at).as_deref()))
        } }
        tr { th { "检查地点" } td { (or_line(record.place.as_deref())) } }
        tr { th { "检查清单" } td { (record.checklists.join("、")) } }
    };
    html! {
        (unit(&record.head, &rest))
        h2 { "检查人员" }
        table {
            thead { tr { th { "姓名" } th { "证件号" } th { "签名" } } }
            tbody { @for one in &record.inspectors {
                tr { td { (one.name) @if one.lead { "（组长）" } } td { (or_line(one.certificate.as_deref())) } td {} }
            } }
        }
        h2 { "检查项目（" (record.items.len()) " 项）" }
        table {
            thead { tr { th { "编号" } th { "检查内容" } th { "结果" } } }
            tbody { @for item in &record.items {
                tr { td { (item.code) } td { (item.title) } td { (result(item.result)) } }
            } }
        }
        h2 { "发现的问题（" (record.findings.len()) " 项）" }
        @if record.findings.is_empty() { p { "未发现问题。" } } @else {
            table {
                thead { tr { th { "序号" } th { "问题" } th { "地点" } th { "依据" } th { "现场处理" } } }
                tbody { @for (place, found) in record.findings.iter().enumerate() {
                    tr {
                        td { (place + 1) }
                        td { p { (found.title) "：" (found.description) }
                            @if let Some(number) = &found.hazard_number { p { "隐患编号 " (number) } } }
                        td { (found.place.as_deref().unwrap_or_default()) }
                        td { (found.basis.as_deref().unwrap_or_default()) }
                        td { (found.handled.as_deref().unwrap_or_default()) }
                    }
                } }
            }
        }
        h2 { "现场处理情况" } p { (or_line(record.handling.as_deref())) }
        h2 { "检查结论" } p { (or_line(record.conclusion.as_deref())) }
        h2 { "被检查单位意见" } (signed(record.signed.as_ref(), zone))
        @if !record.signatures.is_empty() { p { "现场签名：" (record.signatures.join("、")) } }
        div.sign {
            p { "检查人员签名：" span.line {} } p { "被检查单位负责人签名：" span.line {} }
            p { "日期：" span.line {} } p { "日期：" span.line {} }
        }
        (seal(&record.head))
    }
}

/// What is no part of the document and stands below it.
fn after_issue(later: &AfterIssue, zone: Tz) -> Markup {
    html! {
        @if let Some(given) = &later.signed { h2 { "本文书出具后的签收情况" } (signed(Some(given), zone)) }
        @if let Some(at) = later.amended_at { p.gone { "检查记录已于 " (moment(at, zone)) " 修正，以修正后的记录为准。" } }
    }
}

fn signed(signed: Option<&Signed>, zone: Tz) -> Markup {
    let Some(signed) = signed else { return html! { p { span.line {} } } };
    let at = signed.at.map(|at| moment(at, zone)).unwrap_or_default();
    let by = signed.by.as_deref().unwrap_or_default();
    html! {
        @match signed.outcome {
            AcknowledgementOutcome::Signed => p { "已签收：" (by) "，" (at) },
            AcknowledgementOutcome::Objected => p { "签收并提出异议：" (by) "，" (at) },
            AcknowledgementOutcome::Refused => {
                p { "拒绝签收，由 " (by) " 记录：" (at) }
                p { "拒签理由：" (signed.reason.as_deref().unwrap_or_default()) }
                p { "见证人：" (signed.witness.as_deref().unwrap_or_default()) }
            }
        }
        @if let Some(statement) = &signed.statement { p { "意见：" (statement) } }
    }
}

fn rectification_notice(notice: &NoticePaper) -> Markup {
    html! {
        (unit(&notice.head, &about(notice.visit.as_ref())))
        p { (notice.head.unit.name) "：" }
        p { "经查，你单位存在下列问题，现责令按期整改：" }
        table {
            thead { tr { th { "序号" } th { "问题" } th { "依据" } th { "整改要求" } th { "整改期限" } } }
            tbody { @for (place, one) in notice.problems.iter().enumerate() {
                tr {
                    td { (place + 1) }
                    td {
                        p { @if one.level == Level::Major { "【重大隐患】" } (one.title) "：" (one.description) }
                        @if let Some(at) = &one.place { p { "地点：" (at) } }
                        p { "隐患编号 " (one.hazard_number)
                            @if let Some(day) = one.ordered_on { "，" (day) " 交办" } }
                    }
                    td { (one.basis.as_deref().unwrap_or_default()) }
                    td { (one.requirement.as_deref().unwrap_or_default()) }
                    td {
                        @if let Some(day) = one.due_on { p { (day) " 前完成整改" } }
                        @if let Some(day) = one.plan_due_on { p { (day) " 前报送整改方案" } }
                    }
                }
            } }
        }
        h2 { "整改期间的防范措施" } p { (or_line(notice.interim_measures.as_deref())) }
        h2 { "逾期不改的后果" } p { (notice.consequences) }
        h2 { "联系方式" } p { (or_line(notice.contact.as_deref())) }
        p { "本通知书一式 " (notice.copies) " 份。" }
        (seal(&notice.head))
        (receipt())
    }
}

fn recheck_opinion(opinion: &Opinion) -> Markup {
    let notices = opinion.notices.join("、");
    html! {
        (unit(&opinion.head, &about(opinion.visit.as_ref())))
        p { (opinion.head.unit.name) "：" }
        p { @if notices.is_empty() { "经复查，意见如下：" } @else { "对 " (notices) " 要求整改的问题，经复查，意见如下：" } }
        table {
            thead { tr { th { "序号" } th { "问题" } th { "复查" } th { "结果" } th { "意见及进一步要求" } } }
            tbody { @for (place, one) in opinion.results.iter().enumerate() {
                tr {
                    td { (place + 1) }
                    td { p { (one.title) } p { "隐患编号 " (one.hazard_number) } }
                    td {
                        @if let Some(day) = one.rechecked_on { p { (day) } }
                        p { (one.recheckers.join("、")) }
                        p { "第 " (one.round) " 轮" }
                    }
                    td { (one.result.name_zh()) }
                    td {
                        @if let Some(text) = &one.opinion { p { (text) } }
                        @if let Some(text) = &one.demand { p { "要求：" (text) } }
                        @if let Some(day) = one.due_on { p { (day) " 前完成整改" } }
                    }
                }
            } }
        }
        h2 { "联系方式" } p { (or_line(opinion.contact.as_deref())) }
        (seal(&opinion.head))
        div.sign { p { "复查人员签名：" span.line {} } p { "日期：" span.line {} } }
        (receipt())
    }
}

fn seal(head: &Head) -> Markup {
    html! { div.seal { p { (head.issuer) "（印章）" } p { "签发人：" (head.issued_by) } p { (head.issued_on) } } }
}

fn receipt() -> Markup {
    html! { div.sign { p { "收件人签名：" span.line {} } p { "签收时间：" span.line {} } } }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::documents::content::Unit;
    use crate::documents::store::DocumentSummary;
    use crate::documents::words::DocumentType;
    use crate::platform::db::types::Id;

    const EVIL: &str = "<script>alert(1)</script>\"'&";

    fn notice() -> DocumentView {
        let id = Id(uuid::Uuid::nil());
        let at = Timestamp::from_micros(0);
        let head = Head {
            number: "某教安改〔2026〕1号".into(),
            issuer: EVIL.into(),
            issued_on: "2026-03-02".parse().unwrap(),
            issued_by: EVIL.into(),
            supersedes: Some(EVIL.into()),
            unit: Unit {
                name: EVIL.into(),
                identifier: Some(EVIL.into()),
                credit_code: None,
                address: Some(EVIL.into()),
                principal: Some(EVIL.into()),
                principal_phone: None,
            },
        };
        let paper = NoticePaper {
            head,
            visit: None,
            problems: Vec::new(),
            interim_measures: Some(EVIL.into()),
            consequences: EVIL.into(),
            contact: Some(EVIL.into()),
            copies: 2,
        };
        let summary = DocumentSummary {
            id,
            version: 2,
            created_at: at,
            updated_at: at,
            bureau_id: id,
            org_id: id,
            r#type: DocumentType::RectificationNotice,
            number: "某教安改〔2026〕1号".into(),
            inspection_id: None,
            hazard_id: Some(id),
            hazard_ids: Vec::new(),
            issued_by: id,
            content_sha256: "0".repeat(64),
            supersedes: None,
            superseded_by: None,
            voided_at: Some(at),
            voided_by: Some(id),
            void_reason: Some(EVIL.into()),
        };
        DocumentView { summary, content: Content::RectificationNotice(paper), after_issue: None }
    }

    #[test]
    fn nothing_that_people_write_becomes_markup() {
        let page = page(&notice(), chrono_tz::Asia::Shanghai);
        assert!(!page.contains("<script") && page.matches("&lt;script&gt;").count() >= 9, "{page}");
        assert!(page.contains("作废原因：&lt;script"));
    }

    #[test]
    fn the_policy_names_the_very_style_of_the_page() {
        let page = page(&notice(), chrono_tz::Asia::Shanghai);
        let style = page.split_once("<style>").and_then(|(_, rest)| rest.split_once("</style>")).unwrap().0;
        let hash = STANDARD.encode(Sha256::digest(style.as_bytes()));
        assert!(policy().contains(&format!("'sha256-{hash}'")) && !policy().contains("unsafe"));
    }
}
