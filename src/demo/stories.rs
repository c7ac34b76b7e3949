//! What becomes of hazards: every state, every way there, some in time and some too late.

use serde_json::json;

use super::measures;
use super::world::World;
use crate::hazards::status::{Level, Source};
use crate::platform::db::types::Id;
use crate::platform::error::Problem;

/// What becomes of a general hazard. What lies ahead of the date does not happen, so each is also seen half-way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Story {
    /// In time, at the first attempt.
    Closed,
    /// Sent back once.
    Returned,
    /// Sent back, and not reported again.
    ReturnedAndStuck,
    /// Closed long after the deadline.
    Late,
    /// Signed for, nothing done.
    Stuck,
    /// Not even signed for.
    Unsigned,
    /// Reported done, not rechecked.
    AwaitingRecheck,
    /// Refused by the school, issued again with more time.
    Rejected,
    /// Deadline moved.
    Moved,
    /// A mistake.
    Void,
    /// Closed, and found again at the look-back.
    Reopened,
    /// Nobody has issued it.
    Waiting,
}

/// The stories that findings get, one after the other; most end well.
const GENERAL: [Story; 22] = [
    Story::Closed,
    Story::Closed,
    Story::Returned,
    Story::Closed,
    Story::Stuck,
    Story::Closed,
    Story::Closed,
    Story::Late,
    Story::Closed,
    Story::AwaitingRecheck,
    Story::Closed,
    Story::Moved,
    Story::Closed,
    Story::Void,
    Story::Closed,
    Story::Rejected,
    Story::Closed,
    Story::Unsigned,
    Story::Closed,
    Story::Reopened,
    Story::ReturnedAndStuck,
    Story::Closed,
];

/// How far a major comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Major {
    Waiting,
    WithoutPlan,
    Rectifying,
    AwaitingRecheck,
    AwaitingApproval,
    ReturnedByLeader,
    Closed,
    Regraded,
}

const MAJORS: [Major; 6] = [
    Major::Closed,
    Major::Rectifying,
    Major::AwaitingApproval,
    Major::ReturnedByLeader,
    Major::AwaitingRecheck,
    Major::Regraded,
];

/// What an inspector notes beside the item.
#[must_use]
pub fn remark(seed: usize) -> &'static str {
    const REMARKS: [&str; 8] = [
        "现场查看不符合要求，已拍照。",
        "抽查两处，一处不合格。",
        "近一个月记录缺失。",
        "责任人说不清处置流程。",
        "设施损坏未及时报修。",
        "标识缺失，巡查未发现。",
        "与上次检查相比无改进。",
        "制度有文本，未见落实痕迹。",
    ];
    REMARKS.get(seed % REMARKS.len()).copied().unwrap_or_default()
}

/// Begins the next story with a hazard found `back` working days ago at the school of this place.
///
/// # Errors
/// Whatever the engine says.
pub fn tell(
    world: &mut World,
    hazard: Id,
    (school, back): (usize, i64),
    source: Source,
    level: Level,
) -> Result<(), Problem> {
    let number = world.told;
    world.told += 1;
    let told = Told::of(world, hazard, school, back, number, source)?;
    if level == Level::Major {
        let story = MAJORS.get(number % MAJORS.len()).copied().unwrap_or(Major::Waiting);
        told.major(world, story)
    } else {
        told.general(world, GENERAL.get(number % GENERAL.len()).copied().unwrap_or(Story::Closed))
    }
}

/// Who acts in one hazard's story, and when it begins.
pub(super) struct Told {
    hazard: Id,
    back: i64,
    number: usize,
    issuer: String,
    signer: String,
    doer: String,
    rechecker: String,
    principal: String,
    own: bool,
    /// The doer is of the staff, to whom it has to be assigned.
    assigned: bool,
}

impl Told {
    /// The people of a hazard of this source, found `back` working days ago at the school of this place.
    ///
    /// # Errors
    /// 500 where there is no school.
    pub(super) fn of(
        world: &World,
        hazard: Id,
        school: usize,
        back: i64,
        number: usize,
        source: Source,
    ) -> Result<Self, Problem> {
        let school = world.school(school)?;
        let own = source.is_schools_own();
        // The member of staff among the sign-ins has some of it to put right.
        let assigned = school.number == 1 && !own && number.is_multiple_of(3);
        let bureau = |names: [&str; 2]| names.get(number % 2).copied().unwrap_or("office").to_owned();
        Ok(Self {
            hazard,
            back,
            number,
            issuer: match source {
                _ if own => school.officer(),
                Source::Supervision => school.supervisor.to_owned(),
                _ => "office".to_owned(),
            },
            signer: school.principal(),
            doer: if assigned { "staff1".to_owned() } else { school.officer() },
            rechecker: if own { school.principal() } else { bureau(["inspector1", "inspector2"]) },
            principal: school.principal(),
            own,
            assigned,
        })
    }

    fn moves(&self, world: &mut World, (after, hour): (i64, u32), who: &str, fields: serde_json::Value) {
        world.moves((self.back - after, hour), who, self.hazard, fields);
    }

    fn issue(&self, world: &mut World, after: i64) {
        let fields = json!({"action": "issue", "level": "general", "requirement": "按期整改并举一反三"});
        self.moves(world, (after, 14), &self.issuer, fields);
    }

    fn sign(&self, world: &mut World, after: i64) -> Result<(), Problem> {
        self.moves(world, (after, 12), &self.signer, json!({"action": "acknowledge"}));
        if self.assigned {
            let fields = json!({"action": "assign", "responsible_user_id": world.person(&self.doer)?});
            self.moves(world, (after, 13), &self.signer, fields);
        }
        Ok(())
    }

    fn done(&self, world: &mut World, after: i64) -> Result<(), Problem> {
        let measures = ["更换损坏设施并登记", "完善制度并组织培训", "清理通道并落实专人巡查", "补齐记录并逐项核对"];
        let taken = measures.get(self.number % measures.len()).copied().unwrap_or_default();
        let cost = i64::try_from(self.number % 9).unwrap_or(0) * 12_500;
        let mut fields =
            json!({"action": "report_done", "measures_taken": taken, "cost_fen": cost, "evidence_ids": [self.hazard]});
        if let (Some(fields), false) = (fields.as_object_mut(), self.own) {
            fields.insert("signed_off_by".to_owned(), json!(world.person(&self.principal)?));
        }
        self.moves(world, (after, 16), &self.doer, fields);
        Ok(())
    }

    fn pass(&self, world: &mut World, after: i64) -> Result<(), Problem> {
        let fields = json!({
            "action": "pass", "opinion": "现场复查，整改到位，同意销号", "on_site": true,
            "recheckers": [world.person(&self.rechecker)?],
        });
        self.moves(world, (after, 11), &self.rechecker, fields);
        Ok(())
    }

    fn give_back(&self, world: &mut World, after: i64, who: &str) {
        let due = world.due(self.back - after, 5);
        let fields = json!({"action": "return", "reason": "整改不彻底，照片与现场不符", "due_at": due});
        self.moves(world, (after, 11), who, fields);
    }

    /// Puts the steps of a general hazard into the story.
    ///
    /// # Errors
    /// 500 for a name nobody has.
    pub(super) fn general(&self, world: &mut World, story: Story) -> Result<(), Problem> {
        if story == Story::Void {
            let fields = json!({"action": "void", "reason": "与已登记隐患重复"});
            self.moves(world, (2, 9), if self.own { &self.doer } else { "office" }, fields);
            return Ok(());
        }
        if story == Story::Waiting {
            return Ok(());
        }
        self.issue(world, if self.own { 0 } else { 1 });
        let bureau = if self.own { "office" } else { self.issuer.as_str() };
        match story {
            Story::Unsigned | Story::Waiting | Story::Void => {}
            Story::Rejected => {
                let reason = json!({"action": "reject_assignment", "reason": "该楼由物业维修，请求延长期限"});
                self.moves(world, (2, 9), &self.signer, reason);
                let again = json!({"action": "issue", "level": "general", "remedy": "purchase"});
                self.moves(world, (3, 9), &self.issuer, again);
                self.sign(world, 4)?;
                self.done(world, 6)?;
                self.pass(world, 8)?;
            }
            Story::Moved => {
                self.sign(world, 2)?;
                let due = world.due(self.back - 3, 20);
                let fields = json!({"action": "reassign_due", "due_at": due, "reason": "配件采购需要时间"});
                self.moves(world, (3, 9), bureau, fields);
                self.done(world, 10)?;
                self.pass(world, 12)?;
            }
            _ => {
                self.sign(world, 2)?;
                self.carry_on(world, story, bureau)?;
            }
        }
        Ok(())
    }

    /// From the signature on.
    fn carry_on(&self, world: &mut World, story: Story, bureau: &str) -> Result<(), Problem> {
        let slow = i64::try_from(self.number % 3).unwrap_or(0);
        match story {
            Story::Stuck => {}
            Story::AwaitingRecheck => self.done(world, 3)?,
            Story::Late => {
                self.done(world, 13)?;
                self.pass(world, 15)?;
            }
            Story::Returned | Story::ReturnedAndStuck => {
                self.done(world, 3)?;
                self.give_back(world, 5, &self.rechecker);
                if story == Story::Returned {
                    self.done(world, 7)?;
                    self.pass(world, 9)?;
                }
            }
            _ => {
                self.done(world, 3)?;
                self.pass(world, 4 + slow)?;
                if story == Story::Reopened {
                    let due = world.due(self.back - 10, 7);
                    let fields = json!({"action": "reopen", "reason": "回头看发现问题反弹", "due_at": due});
                    self.moves(world, (10, 9), bureau, fields);
                }
            }
        }
        Ok(())
    }

    /// Puts the steps of a major into the story.
    ///
    /// # Errors
    /// 500 for a name nobody has.
    pub(super) fn major(&self, world: &mut World, story: Major) -> Result<(), Problem> {
        if story == Major::Waiting {
            return Ok(());
        }
        let basis = "教育系统重大事故隐患判定指南（示例引用）";
        let fields = json!({"action": "issue", "level": "major", "basis": basis, "lead_section": "safety"});
        self.moves(world, (1, 9), "office", fields);
        if story == Major::WithoutPlan {
            return Ok(());
        }
        self.sign(world, 1)?;
        if story == Major::Regraded {
            let fields = json!({"action": "regrade", "level": "general", "reason": "经复核不属于判定指南所列情形"});
            self.moves(world, (3, 9), "office", fields);
            self.done(world, 5)?;
            return self.pass(world, 7);
        }
        let plan = json!({
            "action": "file_plan", "measures": "停用相关区域，委托有资质单位整改，整改期间专人值守",
            "responsible_user_id": world.person(&self.doer)?, "leader_user_id": world.person(&self.principal)?,
            "budget_fen": 4_800_000, "due_at": world.due(self.back - 3, 12),
            "contingency": "发现险情立即疏散师生并报告教育局",
        });
        self.moves(world, (3, 10), &self.principal, plan);
        if story == Major::Rectifying {
            return Ok(());
        }
        self.done(world, 8)?;
        if story == Major::AwaitingRecheck {
            return Ok(());
        }
        let both = [world.person("inspector1")?, world.person("inspector2")?];
        let fields = json!({
            "action": "pass", "opinion": "两人现场复查，隐患已消除", "on_site": true, "recheckers": both,
        });
        self.moves(world, (10, 11), "inspector1", fields);
        match story {
            Major::ReturnedByLeader => self.give_back(world, 12, "leader"),
            Major::Closed => {
                let fields = json!({"action": "approve", "opinion": "同意销号，纳入回头看"});
                self.moves(world, (12, 11), "leader", fields);
            }
            _ => {}
        }
        Ok(())
    }

    /// More time asked for and not decided, more time given, a referral without a reply: one of each.
    pub(super) fn accompany_general(&self, world: &mut World, story: Story, back: i64) {
        let asked = (self.back - 1, 16);
        match (story, back) {
            (Story::Stuck, ..10) => {
                let due = world.due(self.back - 1, 21);
                measures::more_time(world, asked, self.principal.clone(), self.hazard, due, None);
            }
            (Story::Stuck, _) => {
                let (due, decided) = (world.due(self.back - 1, 45), Some(((self.back - 1, 17), "leader")));
                measures::more_time(world, asked, self.principal.clone(), self.hazard, due, decided);
            }
            (Story::Unsigned, ..10) => measures::refer(world, (self.back - 1, 15), self.hazard),
            _ => {}
        }
    }

    /// One that has long been overdue is listed and out of use, and has reported once.
    pub(super) fn accompany_major(&self, world: &mut World, story: Major, back: i64) {
        if story == Major::Rectifying && back > 20 {
            measures::stop_use(world, (self.back - 1, 15), self.hazard);
            measures::list(world, (self.back - 4, 10), self.hazard);
            measures::report_progress(world, (self.back - 9, 16), self.principal.clone(), self.hazard, 40);
        }
    }
}
