//! Findings without an inspection: complaints, orders from above, what somebody saw in passing. One for each story, so
//! that every state is there on any date.

use super::stories::{Major, Story, Told, remark};
use super::world::World;
use crate::access::Permission;
use crate::hazards::status::{Level, Source};
use crate::hazards::store::report::{self, Report};
use crate::platform::db::Tx;
use crate::platform::db::types::Id;
use crate::platform::error::Problem;

/// Who reports, of which source, in which category and domain, what.
type Finding = (&'static str, Source, &'static str, &'static str, &'static str);

const FINDINGS: [Finding; 8] = [
    ("office", Source::Complaint, "fang", "traffic", "校门口上下学时段车辆乱停"),
    ("office", Source::Superior, "fang", "food", "食堂留样记录不完整"),
    ("inspector1", Source::Special, "ji", "fire", "走廊应急照明不亮"),
    ("office", Source::Referral, "fang", "building", "围墙局部开裂"),
    ("inspector2", Source::Special, "qiang", "security", "门卫室防护器材缺失"),
    ("office", Source::Complaint, "cha", "surroundings", "校园周边流动摊贩占道"),
    ("section.fire", Source::Special, "fang", "fire", "疏散通道堆放杂物"),
    ("office", Source::Superior, "jiao", "drowning", "防溺水警示牌损坏"),
];

/// Puts them into the story.
pub fn report_all(world: &mut World) {
    let general = [
        (Story::Closed, 40),
        (Story::Returned, 37),
        (Story::Late, 33),
        (Story::Reopened, 30),
        (Story::Stuck, 27),
        (Story::ReturnedAndStuck, 24),
        (Story::Unsigned, 21),
        (Story::Moved, 18),
        (Story::Rejected, 15),
        (Story::AwaitingRecheck, 6),
        (Story::Void, 9),
        (Story::Stuck, 4),
        (Story::Unsigned, 2),
        (Story::Waiting, 3),
        (Story::Waiting, 1),
    ];
    let major = [
        (Major::Closed, 45),
        (Major::Rectifying, 36),
        (Major::ReturnedByLeader, 26),
        (Major::Regraded, 23),
        (Major::AwaitingApproval, 17),
        (Major::AwaitingRecheck, 12),
        (Major::WithoutPlan, 14),
        (Major::Rectifying, 5),
        (Major::Waiting, 2),
    ];
    for (number, (story, back)) in general.into_iter().enumerate() {
        begin(world, number, back, Level::General, move |told, world| {
            told.general(world, story)?;
            told.accompany_general(world, story, back);
            Ok(())
        });
    }
    for (number, (story, back)) in major.into_iter().enumerate() {
        begin(world, number + general.len(), back, Level::Major, move |told, world| {
            told.major(world, story)?;
            told.accompany_major(world, story, back);
            Ok(())
        });
    }
}

fn begin(
    world: &mut World,
    number: usize,
    back: i64,
    level: Level,
    story: impl FnOnce(&Told, &mut World) -> Result<(), Problem> + 'static,
) {
    world.at((back, 8), move |world, tx| {
        // The two schools of the sign-ins have something to do.
        let school = if number % 3 == 2 { number * 11 } else { number % 3 };
        let source = FINDINGS.get(number % FINDINGS.len()).map_or(Source::Superior, |finding| finding.1);
        let hazard = found(world, tx, number, school, level)?;
        let told = Told::of(world, hazard, school, back, number, source)?;
        story(&told, world)
    });
}

fn found(world: &World, tx: &mut Tx<'_>, number: usize, school: usize, level: Level) -> Result<Id, Problem> {
    let school = world.school(school)?;
    let (reporter, source, category, domain, title) =
        FINDINGS.get(number % FINDINGS.len()).copied().ok_or_else(|| Problem::internal("no finding"))?;
    let id = tx.new_id();
    let report = Report {
        id: Some(id),
        body_hash: None,
        category: category.to_owned(),
        domain: domain.to_owned(),
        title: title.to_owned(),
        description: format!("{title}。{}（虚构）", remark(number)),
        site_id: school.sites.get(number % school.sites.len().max(1)).copied(),
        level: Some(level),
        basis: None,
        source,
        found_at: None,
        evidence_ids: vec![tx.new_id()],
        recurrence_of: None,
    };
    world.has(tx, reporter, &[Permission::HazardReport], |tx, rights| {
        let org = report::school(tx.conn, rights, school.org.id)?;
        report::report(tx, rights, &org, report).map(|_| id)
    })
}
