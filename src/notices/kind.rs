//! What a notice tells, and its words.

use serde_json::Value;

use crate::hazards::status::Colour;
use crate::platform::http::problem::Language;

macro_rules! kinds {
    ($($(#[$meta:meta])* $variant:ident = $word:literal, $zh:literal, $en:literal;)+) => {
        crate::text_enum! {
            /// What a notice tells.
            pub enum Kind { $($(#[$meta])* $variant = $word),+ }
        }

        impl Kind {
            /// Chinese and English. `{number}` and `{due_on}` are taken from the payload, `{colour}` from the notice.
            const fn words(self) -> (&'static str, &'static str) {
                match self { $(Self::$variant => ($zh, $en)),+ }
            }
        }
    };
}

kinds! {
    /// A major, or what asks for the bureau at once, was registered.
    HazardEscalated = "hazard_escalated",
        "隐患 {number} 已登记，请教育局立即处理", "Hazard {number} is registered and asks for the bureau at once";
    /// A hazard was handed to the school.
    HazardIssued = "hazard_issued",
        "隐患 {number} 已交办，请签收{due_on}", "Hazard {number} is issued to you, please acknowledge{due_on}";
    /// Somebody was named to put it right.
    HazardAssigned = "hazard_assigned",
        "隐患 {number} 由您负责整改{due_on}", "You are named to put hazard {number} right{due_on}";
    /// The school says that it is not its own.
    HazardRejected = "hazard_rejected",
        "学校退回了隐患 {number} 的交办", "The school has turned hazard {number} back to its issuer";
    /// The school reports it done.
    HazardReportedDone = "hazard_reported_done",
        "隐患 {number} 已上报整改完成，请复查", "Hazard {number} is reported done, please recheck";
    /// Somebody was named as one of the recheckers.
    RecheckNamed = "recheck_named",
        "您被列为隐患 {number} 的复查人", "You are named as a rechecker of hazard {number}";
    /// The recheck or the leader sent it back.
    HazardReturned = "hazard_returned",
        "隐患 {number} 未通过，已退回继续整改{due_on}", "Hazard {number} did not pass and is back for rectification{due_on}";
    /// The look-back failed.
    HazardReopened = "hazard_reopened",
        "隐患 {number} 回头看未通过，重新整改{due_on}", "Hazard {number} failed its look-back and is open again{due_on}";
    /// A major that passed its recheck waits for a leader.
    HazardAwaitingApproval = "hazard_awaiting_approval",
        "重大隐患 {number} 复查通过，待局领导批准销号", "Major hazard {number} passed its recheck and waits for a leader's approval";
    /// It was struck off.
    HazardClosed = "hazard_closed",
        "隐患 {number} 已销号", "Hazard {number} is closed";
    /// The bureau changed its level.
    HazardRegraded = "hazard_regraded",
        "隐患 {number} 的等级已调整{due_on}", "The level of hazard {number} was changed{due_on}";
    /// Its deadline was moved.
    HazardDueReassigned = "hazard_due_reassigned",
        "隐患 {number} 的整改期限已调整{due_on}", "The deadline of hazard {number} was moved{due_on}";
    /// It was declared a mistake.
    HazardVoided = "hazard_voided",
        "隐患 {number} 已作废", "Hazard {number} is void";
    /// The school asks for more time.
    ExtensionRequested = "extension_requested",
        "学校为隐患 {number} 申请延期，请审批", "The school asks for more time for hazard {number}, please decide";
    /// More time was given or refused; the payload's `granted` says which.
    ExtensionDecided = "extension_decided",
        "隐患 {number} 的延期申请已有决定{due_on}", "The request for more time for hazard {number} is decided{due_on}";
    /// A major was put under supervised listing.
    HazardListed = "hazard_listed",
        "重大隐患 {number} 已挂牌督办", "Major hazard {number} is under supervised listing";
    /// The listing ended.
    HazardDelisted = "hazard_delisted",
        "重大隐患 {number} 已摘牌", "The supervised listing of hazard {number} has ended";
    /// A stop of use was ordered.
    UseStopped = "use_stopped",
        "隐患 {number}：已责令停用", "A stop of use was ordered for hazard {number}";
    /// A stop of use was lifted.
    UseResumed = "use_resumed",
        "隐患 {number}：停用已解除", "The stop of use for hazard {number} was lifted";
    /// It was referred to another authority.
    HazardReferred = "hazard_referred",
        "隐患 {number} 已抄告其他部门", "Hazard {number} was referred to another authority";
    /// The other authority replied.
    ReferralReplied = "referral_replied",
        "隐患 {number} 的抄告已有回复", "The referral of hazard {number} has its reply";
    /// The deadline comes near or has passed; the colour says how pressing it is.
    Warning = "warning",
        "{colour}隐患 {number}{due_on}", "{colour}Hazard {number}{due_on}";
    /// The bureau has not rechecked in time.
    RecheckOverdue = "recheck_overdue",
        "隐患 {number} 复查已超期{due_on}", "The recheck of hazard {number} is overdue{due_on}";
    /// The plan of a major was not filed in time.
    PlanOverdue = "plan_overdue",
        "重大隐患 {number} 未按期提交整改方案{due_on}", "The plan for major hazard {number} was not filed in time{due_on}";
    /// The other authority has not replied in time.
    ReferralOverdue = "referral_overdue",
        "隐患 {number} 的抄告逾期未回复{due_on}", "The referral of hazard {number} has no reply in time{due_on}";
    /// The quarterly progress of a major is missing.
    ProgressOverdue = "progress_overdue",
        "重大隐患 {number} 未按季度报告进展{due_on}", "The quarterly progress of major hazard {number} is overdue{due_on}";
    /// Somebody was put on the team of an inspection. Says neither where nor when: who may know reads it there.
    InspectionAssigned = "inspection_assigned",
        "您被列入一次检查的检查组", "You are on the team of an inspection";
    /// The team has arrived at the school.
    InspectionStarted = "inspection_started",
        "检查组已到校，检查开始", "A team has arrived and begins its inspection";
    /// The record of an inspection waits for the school's signature.
    SignatureDue = "signature_due",
        "检查记录已提交，请签收或提出异议", "The record of an inspection waits for your signature or objection";
    /// An inspection was handed in and waits to be confirmed.
    InspectionSubmitted = "inspection_submitted",
        "检查已提交，请确认", "An inspection was handed in, please confirm";
    /// The school has signed.
    InspectionSigned = "inspection_signed",
        "学校已签收检查记录", "The school has signed the record of an inspection";
    /// The school has signed with an objection.
    InspectionObjected = "inspection_objected",
        "学校对检查记录提出异议", "The school objects to the record of an inspection";
    /// The bureau has answered the school's objection; the payload's `decision` says how.
    ObjectionAnswered = "objection_answered",
        "对检查记录的异议已有答复", "The objection to the record of an inspection has its answer";
    /// The record that found a hazard was amended and does not find it any more; the hazard stands.
    FindingWithdrawn = "finding_withdrawn",
        "隐患 {number} 的检查记录已修正，不再认定该问题；隐患是否作废由交办单位决定", "The record that found hazard {number} was amended and finds it no more; whoever issued it decides what becomes of it";
    /// The record was amended again and finds it after all.
    FindingRestored = "finding_restored",
        "隐患 {number} 的检查记录再次修正，问题仍然成立", "The record that found hazard {number} was amended again: the finding stands";
    /// That the school would not sign was recorded.
    SignatureRefused = "signature_refused",
        "学校拒绝签收检查记录，已记录在案", "That the school would not sign was recorded";
    /// The bureau has confirmed an inspection.
    InspectionConfirmed = "inspection_confirmed",
        "检查结果已经教育局确认", "The bureau has confirmed an inspection";
    /// An inspection is void.
    InspectionVoided = "inspection_voided",
        "一次检查已作废", "An inspection is void";
    /// A document was issued to the school.
    DocumentIssued = "document_issued",
        "文书 {number} 已出具，请查收", "Document {number} was issued to you";
    /// A document was declared void.
    DocumentVoided = "document_voided",
        "文书 {number} 已作废", "Document {number} is void";
    /// An exception of a recusal waits for a second person.
    OverrideAsked = "override_asked",
        "一项回避例外申请待另一人批准", "An exception of a recusal waits for a second person";
    /// An exception of a recusal was approved.
    OverrideApproved = "override_approved",
        "您申请的回避例外已获批准", "The exception of a recusal that you asked for was approved";
    /// Something was pointed out and waits for triage.
    ReportFiled = "report_filed",
        "收到新的线索或举报，请研判", "Something was pointed out and waits for triage";
    /// What the reader pointed out was triaged; the payload's `status` says what came of it.
    ReportTriaged = "report_triaged",
        "您提交的线索已有处理结果", "What you pointed out was triaged";
    /// The account was closed.
    AccountDisabled = "account_disabled",
        "您的账号曾被停用", "Your account was disabled";
    /// The account was opened again.
    AccountEnabled = "account_enabled",
        "您的账号已重新启用", "Your account was enabled again";
    /// The password was replaced.
    PasswordReset = "password_reset",
        "您的密码已被管理员重置", "Your password was reset by an administrator";
}

impl Kind {
    /// The line an inbox shows, from what the notice keeps.
    #[must_use]
    pub fn title(self, colour: Option<Colour>, payload: &Value, language: Language) -> String {
        let (zh, en) = self.words();
        let word = |name: &str| payload.get(name).and_then(Value::as_str);
        let due = word("due_on").map_or_else(String::new, |day| format!("{}{day}", language.pick("，期限 ", ", due ")));
        let colour = colour.map_or("", |colour| {
            let (zh, en) = shade(colour);
            language.pick(zh, en)
        });
        language
            .pick(zh, en)
            .replace("{number}", word("number").unwrap_or(""))
            .replace("{due_on}", &due)
            .replace("{colour}", colour)
    }
}

const fn shade(colour: Colour) -> (&'static str, &'static str) {
    match colour {
        Colour::None => ("", ""),
        Colour::Blue => ("【蓝色】即将到期：", "Blue, due soon: "),
        Colour::Yellow => ("【黄色】今日到期：", "Yellow, due today: "),
        Colour::Orange => ("【橙色】已逾期：", "Orange, overdue: "),
        Colour::Red => ("【红色】严重逾期：", "Red, long overdue: "),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_kind_reads_in_both_languages_with_nothing_left_open() {
        let payload = json!({"number": "640104-2026-000001", "due_on": "2026-03-09"});
        for kind in Kind::ALL {
            for language in [Language::Zh, Language::En] {
                let title = kind.title(Some(Colour::Orange), &payload, language);
                assert!(!title.is_empty() && !title.contains(['{', '}']), "{kind}: {title}");
            }
        }
        assert_eq!(
            Kind::Warning.title(Some(Colour::Yellow), &payload, Language::Zh),
            "【黄色】今日到期：隐患 640104-2026-000001，期限 2026-03-09"
        );
        assert_eq!(
            Kind::HazardIssued.title(None, &json!({"number": "1"}), Language::En),
            "Hazard 1 is issued to you, please acknowledge"
        );
    }
}
