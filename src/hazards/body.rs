//! The body of a transition: what each action must carry, with every fault named at once.
//!
//! One flat shape for all actions, because a client fills in a form; [`TransitionBody::request`] turns it into the
//! action's own request. The offline push reads the same shape.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::marks::Determination;
use super::rules::{Plan, Rechecker, Request};
use super::status::{Action, Level, Remedy};
use crate::platform::db::types::{Id, Timestamp};
use crate::platform::error::Problem;
use crate::platform::http::{Check, Faults, FieldError};

/// Longest text of an opinion, a reason or measures, in characters.
pub const MAX_TEXT: usize = 4000;
/// Longest code or clause, in characters.
pub const MAX_LINE: usize = 500;
/// Most money of one hazard, in fen: a hundred million yuan.
pub const MAX_FEN: i64 = 10_000_000_000;
/// Most claims of evidence in one action.
pub const MAX_EVIDENCE: usize = 100;
/// Most people named as recheckers.
pub const MAX_RECHECKERS: usize = 20;

/// An action with its fields. Fields of another action are refused.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TransitionBody {
    /// What to do.
    pub action: Action,
    /// `issue`, `regrade`: the level decided.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub level: Option<Level>,
    /// `issue` (else by policy), `file_plan`, `return`, `reassign_due`, `reopen`: a deadline in the future.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due_at: Option<Timestamp>,
    /// `issue`: who has to see to it; the school when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub responsible_org_id: Option<Id>,
    /// `issue`, `regrade`: the clause; a major needs one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub basis: Option<String>,
    /// `issue`, `regrade` to major: how it was judged to be one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub determination: Option<Determination>,
    /// `issue`: what is demanded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requirement: Option<String>,
    /// `issue`: a code of the bureau's own list of sections.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lead_section: Option<String>,
    /// `issue`: what putting it right takes, for the policy; simple when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remedy: Option<Remedy>,
    /// `assign`, `file_plan`: who puts it right.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub responsible_user_id: Option<Id>,
    /// `file_plan`: who in the school's lead answers for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub leader_user_id: Option<Id>,
    /// `file_plan`: what will be done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub measures: Option<String>,
    /// `file_plan`: what it may cost, in fen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub budget_fen: Option<i64>,
    /// `file_plan`: what happens if it goes wrong meanwhile.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contingency: Option<String>,
    /// `report_done`: what was done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub measures_taken: Option<String>,
    /// `report_done`: what it cost, in fen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost_fen: Option<i64>,
    /// `report_done` (needed, may be empty), `pass`: claims of evidence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evidence_ids: Option<Vec<Id>>,
    /// `report_done`: the principal who signs it off.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signed_off_by: Option<Id>,
    /// `pass`, `approve`: the opinion.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub opinion: Option<String>,
    /// `pass`: who rechecked, the caller among them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recheckers: Option<Vec<Id>>,
    /// `pass`: the recheckers were there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_site: Option<bool>,
    /// `reject_assignment`, `return`, `regrade`, `reassign_due`, `void`, `reopen`: why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// Everything is checked by [`TransitionBody::request`], which knows the hour.
impl Check for TransitionBody {}

impl TransitionBody {
    /// The action's request; recheckers come without their rights, which the store looks up.
    ///
    /// # Errors
    /// Every fault at once: what is missing, empty, too long, in the past, or belongs to another action.
    pub fn request(&self, now: Timestamp) -> Result<Request, Problem> {
        let mut form = Form { body: self.clone(), now, faults: Faults::default() };
        let request = form.read(self.action);
        form.refuse_the_rest();
        form.faults.finish()?;
        request.ok_or_else(|| Problem::internal("a body without faults and without a request"))
    }
}

/// Takes fields out of the body one by one; what is left at the end belongs to another action.
struct Form {
    body: TransitionBody,
    now: Timestamp,
    faults: Faults,
}

impl Form {
    /// Every field is read before the first missing one ends it, so that all faults are named.
    fn read(&mut self, action: Action) -> Option<Request> {
        Some(match action {
            Action::Issue => {
                let (level, due_at) = (self.body.level.take(), self.due());
                let (basis, requirement) = (self.line("/basis", |b| &mut b.basis), self.requirement());
                let lead_section = self.line("/lead_section", |b| &mut b.lead_section);
                let (responsible_org_id, remedy) = (self.body.responsible_org_id.take(), self.body.remedy.take());
                let determination = self.determination(level);
                let level = self.needed("/level", level)?;
                Request::Issue {
                    level,
                    determination,
                    due_at: due_at.map(Timestamp::utc),
                    responsible_org_id: responsible_org_id.map(|id| id.0),
                    basis,
                    requirement,
                    lead_section,
                    remedy,
                }
            }
            Action::Assign => {
                let person = self.body.responsible_user_id.take();
                Request::Assign { responsible_user_id: self.needed("/responsible_user_id", person)?.0 }
            }
            Action::RejectAssignment => Request::RejectAssignment { reason: self.reason()? },
            Action::Acknowledge => Request::Acknowledge,
            Action::FilePlan => Request::FilePlan(self.plan()?),
            Action::ReportDone => {
                let measures_taken = self.text("/measures_taken", |b| &mut b.measures_taken);
                let (cost_fen, evidence) = (self.body.cost_fen.take(), self.body.evidence_ids.take());
                self.check_fen("/cost_fen", cost_fen);
                let evidence_ids = self.needed("/evidence_ids", evidence);
                self.check_evidence(evidence_ids.as_deref());
                let signed_off_by = self.body.signed_off_by.take();
                Request::ReportDone {
                    measures_taken: measures_taken?,
                    cost_fen,
                    evidence_ids: plain(evidence_ids?),
                    signed_off_by: signed_off_by.map(|id| id.0),
                }
            }
            Action::Pass => {
                let opinion = self.text("/opinion", |b| &mut b.opinion);
                let (people, on_site) = (self.body.recheckers.take(), self.body.on_site.take());
                let recheckers = self.needed("/recheckers", people);
                self.check_recheckers(recheckers.as_deref());
                let on_site = self.needed("/on_site", on_site);
                let evidence_ids = self.body.evidence_ids.take().unwrap_or_default();
                self.check_evidence(Some(&evidence_ids));
                let named = |user_id: Id| Rechecker { user_id: user_id.0, side: None };
                Request::Pass {
                    opinion: opinion?,
                    recheckers: recheckers?.into_iter().map(named).collect(),
                    on_site: on_site?,
                    evidence_ids: plain(evidence_ids),
                }
            }
            Action::Return => {
                let (reason, due_at) = (self.reason(), self.needed_due());
                Request::Return { reason: reason?, due_at: due_at?.utc() }
            }
            Action::Approve => Request::Approve { opinion: self.text("/opinion", |b| &mut b.opinion)? },
            Action::Regrade => {
                let (level, reason) = (self.body.level.take(), self.reason());
                let determination = self.determination(level);
                let (level, basis) = (self.needed("/level", level), self.line("/basis", |b| &mut b.basis));
                Request::Regrade { level: level?, basis, determination, reason: reason? }
            }
            Action::ReassignDue => {
                let (reason, due_at) = (self.reason(), self.needed_due());
                Request::ReassignDue { reason: reason?, due_at: due_at?.utc() }
            }
            Action::Void => Request::Void { reason: self.reason()? },
            Action::Reopen => {
                let (reason, due_at) = (self.reason(), self.needed_due());
                Request::Reopen { reason: reason?, due_at: due_at?.utc() }
            }
        })
    }

    fn plan(&mut self) -> Option<Plan> {
        let measures = self.text("/measures", |b| &mut b.measures);
        let contingency = self.text("/contingency", |b| &mut b.contingency);
        let (person, leader) = (self.body.responsible_user_id.take(), self.body.leader_user_id.take());
        let responsible_user_id = self.needed("/responsible_user_id", person);
        let leader_user_id = self.needed("/leader_user_id", leader);
        let budget = self.body.budget_fen.take();
        self.check_fen("/budget_fen", budget);
        let budget_fen = self.needed("/budget_fen", budget);
        let due_at = self.needed_due();
        Some(Plan {
            measures: measures?,
            responsible_user_id: responsible_user_id?.0,
            leader_user_id: leader_user_id?.0,
            budget_fen: budget_fen?,
            due_at: due_at?.utc(),
            contingency: contingency?,
        })
    }

    fn needed<T>(&mut self, pointer: &str, value: Option<T>) -> Option<T> {
        if value.is_none() {
            self.faults.add(FieldError::required(pointer));
        }
        value
    }

    fn reason(&mut self) -> Option<String> {
        self.text("/reason", |b| &mut b.reason)
    }

    /// Only a major is judged to be one.
    fn determination(&mut self, level: Option<Level>) -> Option<Determination> {
        let determination = self.body.determination.take()?;
        if level != Some(Level::Major) {
            self.faults.say("/determination", "only_for_major", "仅用于重大隐患", "is for a major only");
        }
        Some(determination)
    }

    fn requirement(&mut self) -> Option<String> {
        let text = self.body.requirement.take();
        self.check_text("/requirement", text, MAX_TEXT)
    }

    fn text(&mut self, pointer: &str, field: fn(&mut TransitionBody) -> &mut Option<String>) -> Option<String> {
        let text = field(&mut self.body).take();
        let text = self.needed(pointer, text);
        self.check_text(pointer, text, MAX_TEXT)
    }

    fn line(&mut self, pointer: &str, field: fn(&mut TransitionBody) -> &mut Option<String>) -> Option<String> {
        let text = field(&mut self.body).take();
        self.check_text(pointer, text, MAX_LINE)
    }

    fn check_text(&mut self, pointer: &str, text: Option<String>, most: usize) -> Option<String> {
        self.faults.optional_text(pointer, text.as_deref(), most);
        text
    }

    fn due(&mut self) -> Option<Timestamp> {
        let due_at = self.body.due_at.take()?;
        if due_at <= self.now {
            self.faults.say("/due_at", "in_the_past", "须晚于现在", "must lie in the future");
        }
        Some(due_at)
    }

    fn needed_due(&mut self) -> Option<Timestamp> {
        let due_at = self.due();
        self.needed("/due_at", due_at)
    }

    fn check_fen(&mut self, pointer: &str, fen: Option<i64>) {
        if let Some(fen) = fen {
            self.faults.range(pointer, &fen, &0, &MAX_FEN);
        }
    }

    fn check_evidence(&mut self, ids: Option<&[Id]>) {
        self.faults.at_most("/evidence_ids", ids.map_or(0, <[Id]>::len), MAX_EVIDENCE);
    }

    fn check_recheckers(&mut self, people: Option<&[Id]>) {
        let Some(people) = people else { return };
        if people.is_empty() {
            self.faults.add(FieldError::required("/recheckers"));
        }
        self.faults.at_most("/recheckers", people.len(), MAX_RECHECKERS);
        let mut seen = BTreeSet::new();
        for (at, person) in people.iter().enumerate() {
            if !seen.insert(person) {
                self.faults.say(&format!("/recheckers/{at}"), "repeated", "重复", "is named twice");
            }
        }
    }

    /// What nobody took belongs to another action: silence would let a client believe it counted.
    fn refuse_the_rest(&mut self) {
        let Ok(serde_json::Value::Object(fields)) = serde_json::to_value(&self.body) else { return };
        for name in fields.keys().filter(|name| *name != "action") {
            let pointer = format!("/{name}");
            self.faults.say(&pointer, "not_of_this_action", "不属于此操作", "does not belong to this action");
        }
    }
}

/// Ids as the pure rules know them.
fn plain(ids: Vec<Id>) -> Vec<Uuid> {
    ids.into_iter().map(|id| id.0).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(text: &str) -> Vec<(String, &'static str)> {
        let body: TransitionBody = serde_json::from_str(text).unwrap();
        let now = Timestamp::parse("2026-03-01T00:00:00Z").unwrap();
        let problem = body.request(now).unwrap_err();
        problem.errors.into_iter().map(|fault| (fault.pointer, fault.code)).collect()
    }

    #[test]
    fn every_missing_and_wrong_field_is_named_at_once() {
        assert_eq!(
            faults(r#"{"action":"return","due_at":"2026-02-01T00:00:00Z","reason":"  ","opinion":"x"}"#),
            [
                ("/reason".to_owned(), "required"),
                ("/due_at".to_owned(), "in_the_past"),
                ("/opinion".to_owned(), "not_of_this_action")
            ]
        );
        assert_eq!(faults(r#"{"action":"file_plan"}"#).len(), 6);
    }

    #[test]
    fn a_full_body_becomes_its_request() {
        let body: TransitionBody = serde_json::from_str(
            r#"{"action":"pass","opinion":"ok","on_site":true,"recheckers":["00000000-0000-0000-0000-000000000001"]}"#,
        )
        .unwrap();
        let request = body.request(Timestamp::from_micros(0)).unwrap();
        assert_eq!(request.action(), Action::Pass);
    }
}
