//! The bureau, its clusters, its schools and their places. The region code 990101 belongs to no county.

use chrono::TimeDelta;

use super::world::{School, World};
use crate::access::scope::org_ref;
use crate::access::{OrgRef, Permission};
use crate::orgs::bodies::NewOrg;
use crate::orgs::rules::SchoolKind::{
    CompleteSecondary, JuniorHigh, Kindergarten, NineYear, Offcampus, Primary, SeniorHigh, Special, TeachingPoint,
    TwelveYear, Vocational,
};
use crate::orgs::rules::{Feature, OrgKind, SchoolFields, SchoolKind, SiteKind};
use crate::orgs::sites::store::{self as sites, NewSite};
use crate::orgs::store;
use crate::platform::db::Tx;
use crate::platform::db::types::Id;
use crate::platform::error::Problem;

const BUREAU: &str = "示例区教育局（虚构）";
const REGION: &str = "990101";
/// Clusters with their supervisors.
const CLUSTERS: [(&str, &str); 3] =
    [("示例城区片区", "supervisor"), ("示例东乡片区", "supervisor2"), ("示例西乡片区", "supervisor3")];
const AGENCIES: [&str; 2] = ["示例区消防救援大队（虚构）", "示例区市场监督管理局（虚构）"];

use Feature::{Boarding, Bus, Canteen, Catered, FireControlRoom, Gas, Lab, NearWater, SpecialEquipment};

/// Name, kind, cluster, students, features.
type Plan = (&'static str, SchoolKind, usize, i32, &'static [Feature]);

/// …1 and …2 of the sign-ins are at the first two.
const SCHOOLS: [Plan; 40] = [
    ("示例第一小学", Primary, 0, 1860, &[Canteen, Gas, SpecialEquipment]),
    ("示例第二中学", JuniorHigh, 0, 2140, &[Boarding, Canteen, Lab, FireControlRoom]),
    ("示例第一中学", SeniorHigh, 0, 3260, &[Boarding, Canteen, Gas, Lab, SpecialEquipment, FireControlRoom]),
    ("示例第二小学", Primary, 0, 1420, &[Catered]),
    ("示例第三小学", Primary, 0, 1275, &[Canteen]),
    ("示例第三中学", CompleteSecondary, 0, 2890, &[Boarding, Canteen, Gas, Lab, FireControlRoom]),
    ("示例第四中学", JuniorHigh, 0, 1530, &[Canteen, Lab]),
    ("示例实验学校", NineYear, 0, 2410, &[Canteen, Lab, Bus, SpecialEquipment]),
    ("示例外国语学校", TwelveYear, 0, 3050, &[Boarding, Canteen, Gas, Lab, Bus, FireControlRoom]),
    ("示例职业技术学校", Vocational, 0, 2230, &[Boarding, Canteen, Lab, SpecialEquipment]),
    ("示例特殊教育学校", Special, 0, 146, &[Boarding, Canteen]),
    ("示例第一幼儿园", Kindergarten, 0, 420, &[Canteen, Gas]),
    ("示例第二幼儿园", Kindergarten, 0, 360, &[Canteen]),
    ("示例第三幼儿园", Kindergarten, 0, 285, &[Canteen, Bus]),
    ("示例星光培训中心", Offcampus, 0, 310, &[]),
    ("示例晨曦艺术培训中心", Offcampus, 0, 180, &[]),
    ("示例东乡中心小学", Primary, 1, 760, &[Canteen, Boarding, NearWater]),
    ("示例东乡中学", JuniorHigh, 1, 930, &[Boarding, Canteen, Lab]),
    ("示例东乡中心幼儿园", Kindergarten, 1, 210, &[Canteen]),
    ("示例东岭小学", Primary, 1, 320, &[Catered, Bus]),
    ("示例东湖小学", Primary, 1, 410, &[Canteen, NearWater]),
    ("示例东沟教学点", TeachingPoint, 1, 28, &[Catered]),
    ("示例东山教学点", TeachingPoint, 1, 19, &[Catered, NearWater]),
    ("示例东川学校", NineYear, 1, 840, &[Boarding, Canteen, Lab, Bus]),
    ("示例东关幼儿园", Kindergarten, 1, 160, &[Canteen]),
    ("示例东高级中学", SeniorHigh, 1, 1780, &[Boarding, Canteen, Lab, SpecialEquipment]),
    ("示例东塬小学", Primary, 1, 240, &[Canteen]),
    ("示例东桥幼儿园", Kindergarten, 1, 120, &[Canteen, NearWater]),
    ("示例西乡中心小学", Primary, 2, 690, &[Canteen, Boarding]),
    ("示例西乡中学", JuniorHigh, 2, 880, &[Boarding, Canteen, Lab]),
    ("示例西乡中心幼儿园", Kindergarten, 2, 190, &[Canteen, Bus]),
    ("示例西河小学", Primary, 2, 350, &[Catered, NearWater]),
    ("示例西沙教学点", TeachingPoint, 2, 22, &[Catered]),
    ("示例西梁教学点", TeachingPoint, 2, 16, &[Catered]),
    ("示例西川学校", NineYear, 2, 720, &[Boarding, Canteen, Lab]),
    ("示例西山小学", Primary, 2, 260, &[Canteen, Bus]),
    ("示例西岭中学", JuniorHigh, 2, 640, &[Boarding, Canteen, Lab]),
    ("示例西湾幼儿园", Kindergarten, 2, 130, &[Canteen]),
    ("示例西高级中学", SeniorHigh, 2, 1540, &[Boarding, Canteen, Lab, FireControlRoom]),
    ("示例西完全中学", CompleteSecondary, 2, 1360, &[Boarding, Canteen, Gas, Lab]),
];

/// Makes the bureau, as the command line does.
///
/// # Errors
/// Whatever the engine says.
pub fn bureau(tx: &mut Tx<'_>) -> Result<OrgRef, Problem> {
    let (row, _) = store::create_bureau(tx, BUREAU, REGION, "Asia/Shanghai")?;
    org_ref(tx.conn, row.id)
}

fn org(
    tx: &mut Tx<'_>,
    world: &World,
    kind: OrgKind,
    parent_id: Id,
    name: &str,
    school: Option<SchoolFields>,
) -> Result<OrgRef, Problem> {
    let id = tx.new_id();
    let new = NewOrg {
        id: Some(id),
        kind,
        parent_id: Some(parent_id),
        name: name.to_owned(),
        region_code: None,
        time_zone: None,
        school,
    };
    world.has(tx, "office", &[Permission::OrgManage], |tx, rights| store::create(tx, rights, &new, &[]))?;
    tx.now = tx.now + TimeDelta::minutes(1);
    org_ref(tx.conn, id)
}

/// Makes clusters, agencies, schools and sites, as the safety office does.
///
/// # Errors
/// Whatever the engine says.
pub fn all(tx: &mut Tx<'_>, world: &mut World) -> Result<(), Problem> {
    let mut clusters = Vec::new();
    for (name, _) in CLUSTERS {
        clusters.push(org(tx, world, OrgKind::Cluster, world.bureau.id, name, None)?);
    }
    for name in AGENCIES {
        org(tx, world, OrgKind::Agency, world.bureau.id, name, None)?;
    }
    for (index, (name, kind, cluster, students, features)) in SCHOOLS.into_iter().enumerate() {
        let number = index + 1;
        let parent = clusters.get(cluster).map_or(world.bureau.id, |cluster| cluster.id);
        let fields = SchoolFields {
            school_kind: kind,
            identifier: Some(format!("{}990101{number:02}", prefix(kind))),
            features: features.to_vec(),
            students: Some(students),
            staff: Some(students / 14 + 4),
            max_floor: Some(if students < 200 { 2 } else { 4 }),
            address: Some(format!("示例区示例路{number}号（虚构）")),
            location: None,
        };
        let made = org(tx, world, OrgKind::School, parent, name, Some(fields))?;
        let sites = places(tx, world, &made, number, features)?;
        let supervisor = CLUSTERS.get(cluster).map_or("supervisor", |(_, supervisor)| supervisor);
        world.schools.push(School { org: made, number, supervisor, sites });
    }
    Ok(())
}

const fn prefix(kind: SchoolKind) -> &'static str {
    match kind {
        Kindergarten => "11",
        Primary | NineYear => "21",
        TeachingPoint => "22",
        JuniorHigh => "31",
        SeniorHigh | CompleteSecondary | TwelveYear => "34",
        Vocational => "36",
        Special => "51",
        Offcampus => "71",
    }
}

fn places(
    tx: &mut Tx<'_>,
    world: &World,
    school: &OrgRef,
    number: usize,
    features: &[Feature],
) -> Result<Vec<Id>, Problem> {
    let has = |feature| features.contains(&feature);
    let mut plan = vec![
        ("教学楼", SiteKind::Building, None),
        ("教学楼一层", SiteKind::Floor, Some(0)),
        ("一层东侧楼梯间", SiteKind::Point, Some(1)),
        ("校门口", SiteKind::Point, None),
    ];
    if has(Canteen) || has(Catered) {
        plan.push(("食堂", SiteKind::Building, None));
    }
    if has(Boarding) {
        plan.push(("学生宿舍楼", SiteKind::Building, None));
    }
    if has(Lab) {
        plan.push(("理化实验室", SiteKind::Room, Some(1)));
    }
    if has(FireControlRoom) {
        plan.push(("消防控制室", SiteKind::Room, Some(1)));
    }
    let mut made: Vec<Id> = Vec::new();
    for (at, (name, kind, parent)) in plan.into_iter().enumerate() {
        let id = tx.new_id();
        let parent_id = parent.and_then(|parent: usize| made.get(parent).copied());
        let code = Some(format!("DEMO-{number:02}-{}", at + 1));
        let new = NewSite { id: Some(id), parent_id, kind, name: name.to_owned(), code };
        world.has(tx, "office", &[Permission::SiteManage], |tx, rights| {
            sites::create(tx, rights, school.id, &[], || Ok(new))
        })?;
        made.push(id);
    }
    Ok(made)
}
