//! The hazard ledger and the four lists: what they tell, to whom, as pages and as files.

use std::io::Cursor;

use anxiao::hazards::store::Row;
use anxiao::ledgers::kind::Ledger;
use anxiao::on_conn;
use anxiao::platform::db::Conn;
use anxiao::platform::db::schema::{
    events, hazard_extensions, hazard_listings, hazard_progress_reports, hazard_referrals, hazard_suspensions, hazards,
    users,
};
use anxiao::platform::db::types::{Doc, Id, Timestamp};
use anxiao::platform::ids::built_in;
use calamine::{Data, Reader, Xlsx};
use chrono::TimeDelta;
use diesel::prelude::*;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::district::{org, person, session, start_time, user};
use crate::support::{Engine, TestApp};

const LEDGERS: [&str; 5] = ["hazards", "problems", "responsibilities", "rectifications", "results"];

/// A file as it came: headings, then rows.
struct File {
    name: String,
    rows: Vec<Vec<String>>,
}

impl File {
    fn headings(&self) -> &[String] {
        &self.rows[0]
    }

    /// The cells under a heading.
    fn column(&self, heading: &str) -> Vec<String> {
        let at = self.headings().iter().position(|one| one == heading).unwrap_or_else(|| panic!("no {heading}"));
        self.rows[1..].iter().map(|row| row[at].clone()).collect()
    }

    fn cell(&self, heading: &str) -> String {
        self.column(heading).remove(0)
    }
}

async fn export(app: &TestApp, who: &str, path: &str) -> File {
    let answer = app.request(who, Method::GET, path).send().await.unwrap();
    assert_eq!(answer.status(), 200, "{who} {path}");
    let header = |name: &str| answer.headers()[name].to_str().unwrap().to_owned();
    assert_eq!((header("x-content-type-options"), header("cache-control")), ("nosniff".into(), "no-store".into()));
    let (media, name) = (header("content-type"), header("content-disposition"));
    let bytes = answer.bytes().await.unwrap();
    let rows = if path.contains("format=csv") {
        assert_eq!(media, "text/csv; charset=utf-8");
        let text = bytes.strip_prefix(b"\xEF\xBB\xBF").expect("a byte order mark");
        let lines = String::from_utf8(text.to_vec()).unwrap();
        assert!(lines.ends_with("\r\n"));
        let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(text);
        reader.records().map(|row| row.unwrap().iter().map(str::to_owned).collect()).collect()
    } else {
        assert_eq!(media, "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet");
        let mut book: Xlsx<_> = calamine::open_workbook_from_rs(Cursor::new(bytes.to_vec())).unwrap();
        let sheet = book.sheet_names()[0].clone();
        assert!(book.worksheet_formula(&sheet).unwrap().is_empty(), "a formula");
        let range = book.worksheet_range(&sheet).unwrap();
        let text = |cell: &Data| match cell {
            Data::String(text) => text.clone(),
            Data::Empty => String::new(),
            other => panic!("{other:?} is no text"),
        };
        range.rows().map(|row| row.iter().map(text).collect()).collect()
    };
    File { name, rows }
}

async fn both(app: &TestApp, who: &str, ledger: &str, filter: &str) -> File {
    let csv = export(app, who, &format!("/ledgers/{ledger}/export?format=csv{filter}")).await;
    let xlsx = export(app, who, &format!("/ledgers/{ledger}/export?format=xlsx&lang=zh{filter}")).await;
    assert_eq!(csv.rows, xlsx.rows, "{who} {ledger}{filter}");
    csv
}

async fn report(app: &TestApp, who: &str, school: &str, more: Value) -> String {
    let source = if who.starts_with("officer") || who == "b.officer" { "self_check" } else { "routine" };
    let mut body = json!({
        "org_id": org(school), "category": "fang", "domain": "fire", "title": "三楼东侧安全出口上锁",
        "description": "午休时段铁链锁闭，无法从内部打开。", "source": source,
    });
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    // The order of a ledger is that of registration: no two at one instant.
    app.clock.advance(TimeDelta::seconds(1));
    app.post(who, "/hazards", body).await.expect(201).id()
}

async fn act(app: &TestApp, who: &str, id: &str, body: Value) -> Value {
    app.post(who, &format!("/hazards/{id}/transitions"), body).await.expect(200).body
}

fn at(text: &str) -> Timestamp {
    Timestamp::parse(text).unwrap()
}

/// What accompanies a hazard beside its state, put there as the actions on it would.
fn measures(conn: &mut Conn, id: Id) {
    let now = Timestamp::from(start_time());
    let common = |name: &str| built_in(&format!("ledger {name}"));
    diesel::insert_into(hazard_extensions::table)
        .values((
            (hazard_extensions::id.eq(common("extension")), hazard_extensions::version.eq(1_i64)),
            (hazard_extensions::created_at.eq(now), hazard_extensions::updated_at.eq(now)),
            (hazard_extensions::created_by.eq(user("principal1")), hazard_extensions::bureau_id.eq(org("a"))),
            (hazard_extensions::org_id.eq(org("a.s1")), hazard_extensions::hazard_id.eq(id)),
            (hazard_extensions::serial.eq(1), hazard_extensions::reason.eq("材料未到")),
            (hazard_extensions::interim_controls.eq("专人值守"), hazard_extensions::status.eq("granted")),
            hazard_extensions::due_before.eq(at("2026-03-20T23:59:00+08:00")),
            hazard_extensions::due_at.eq(at("2026-03-31T23:59:00+08:00")),
            hazard_extensions::decide_by.eq(at("2026-03-20T23:59:00+08:00")),
        ))
        .execute(conn)
        .unwrap();
    diesel::insert_into(hazard_listings::table)
        .values((
            (hazard_listings::id.eq(common("listing")), hazard_listings::version.eq(1_i64)),
            (hazard_listings::created_at.eq(now), hazard_listings::updated_at.eq(now)),
            (hazard_listings::created_by.eq(user("leader")), hazard_listings::bureau_id.eq(org("a"))),
            (hazard_listings::org_id.eq(org("a.s1")), hazard_listings::hazard_id.eq(id)),
            (hazard_listings::authority.eq("city"), hazard_listings::number.eq("安督〔2026〕3号")),
            (hazard_listings::demand.eq("限期整改"), hazard_listings::listed_at.eq(now)),
        ))
        .execute(conn)
        .unwrap();
    diesel::insert_into(hazard_progress_reports::table)
        .values((
            (hazard_progress_reports::id.eq(common("progress")), hazard_progress_reports::version.eq(1_i64)),
            (hazard_progress_reports::created_at.eq(now), hazard_progress_reports::updated_at.eq(now)),
            hazard_progress_reports::created_by.eq(user("officer1")),
            (hazard_progress_reports::bureau_id.eq(org("a")), hazard_progress_reports::org_id.eq(org("a.s1"))),
            (hazard_progress_reports::hazard_id.eq(id), hazard_progress_reports::progress.eq("已拆除一半")),
            (hazard_progress_reports::percent.eq(60), hazard_progress_reports::difficulties.eq("推杠锁缺货")),
            hazard_progress_reports::evidence_ids.eq(Doc(json!([]))),
        ))
        .execute(conn)
        .unwrap();
    diesel::insert_into(hazard_suspensions::table)
        .values((
            (hazard_suspensions::id.eq(common("suspension")), hazard_suspensions::version.eq(1_i64)),
            (hazard_suspensions::created_at.eq(now), hazard_suspensions::updated_at.eq(now)),
            (hazard_suspensions::created_by.eq(user("office")), hazard_suspensions::bureau_id.eq(org("a"))),
            (hazard_suspensions::org_id.eq(org("a.s1")), hazard_suspensions::hazard_id.eq(id)),
            (hazard_suspensions::scope.eq("三楼东侧"), hazard_suspensions::reason.eq("无疏散通道")),
            (hazard_suspensions::since.eq(now), hazard_suspensions::lifted_at.eq(at("2026-03-05T01:00:00+08:00"))),
        ))
        .execute(conn)
        .unwrap();
    diesel::insert_into(hazard_referrals::table)
        .values((
            (hazard_referrals::id.eq(common("referral")), hazard_referrals::version.eq(1_i64)),
            (hazard_referrals::created_at.eq(now), hazard_referrals::updated_at.eq(now)),
            (hazard_referrals::created_by.eq(user("office")), hazard_referrals::bureau_id.eq(org("a"))),
            (hazard_referrals::org_id.eq(org("a.s1")), hazard_referrals::hazard_id.eq(id)),
            (hazard_referrals::authority.eq("fire"), hazard_referrals::authority_name.eq("甲区消防大队")),
            (hazard_referrals::matter.eq("消防通道"), hazard_referrals::referred_at.eq(now)),
            (hazard_referrals::reply_due_at.eq(now), hazard_referrals::reply.eq("已现场指导")),
            hazard_referrals::replied_at.eq(now),
        ))
        .execute(conn)
        .unwrap();
    let marks = json!({"extensions": 1, "listed": true, "determination": "direct"});
    diesel::update(hazards::table.find(id)).set(hazards::marks.eq(Doc(marks))).execute(conn).unwrap();
    diesel::update(users::table.find(user("officer1"))).set(users::phone.eq("13800138000")).execute(conn).unwrap();
}

/// A major from its report to its closing, with everything on the way.
pub async fn a_major(app: &TestApp) -> String {
    let place = format!("/orgs/{}/sites", org("a.s1"));
    let building = app.post("office", &place, json!({"kind": "building", "name": "教学楼A"})).await.expect(201).id();
    let floor = json!({"kind": "floor", "name": "三层", "parent_id": building});
    let floor = app.post("office", &place, floor).await.expect(201).id();
    let photo = built_in("ledger photo");
    let id = report(app, "inspector1", "a.s1", json!({"site_id": floor, "evidence_ids": [photo]})).await;
    let issue = json!({
        "action": "issue", "level": "major", "basis": "判定指南第五条", "requirement": "拆除铁链", "lead_section": "安全科",
    });
    act(app, "office", &id, issue).await;
    act(app, "principal1", &id, json!({"action": "acknowledge"})).await;
    let plan = json!({
        "action": "file_plan", "measures": "更换推杠锁", "responsible_user_id": user("officer1"),
        "leader_user_id": user("principal1"), "budget_fen": 1_230_000, "due_at": "2026-03-31T23:59:00+08:00",
        "contingency": "专人看守",
    });
    act(app, "officer1", &id, plan).await;
    measures(&mut app.connect(), id.parse().unwrap());
    id
}

pub async fn close(app: &TestApp, id: &str) {
    let done = json!({
        "action": "report_done", "measures_taken": "已更换", "cost_fen": 32_000, "evidence_ids": [built_in("after")],
        "signed_off_by": user("principal1"),
    });
    act(app, "officer1", id, done).await;
    let recheckers = json!([user("inspector1"), user("inspector2")]);
    let pass = json!({"action": "pass", "opinion": "整改到位", "recheckers": recheckers, "on_site": true});
    act(app, "inspector1", id, pass).await;
    act(app, "leader", id, json!({"action": "approve", "opinion": "同意销号"})).await;
}

/// Many hazards like one, registered a second apart.
fn many(app: &TestApp, like: &str, count: i64, description: Option<&str>) {
    let mut conn = app.connect();
    let like: Row = hazards::table.find(like.parse::<Id>().unwrap()).select(Row::as_select()).first(&mut conn).unwrap();
    let rows: Vec<Row> = (0..count)
        .map(|n| {
            let mut row = like.clone();
            row.id = built_in(&format!("ledger hazard {n}"));
            row.number = format!("640104-2025-{n:06}");
            row.created_at = row.created_at - TimeDelta::seconds(count - n);
            row.body_hash = None;
            if let Some(description) = description {
                row.description = description.to_owned();
            }
            row
        })
        .collect();
    for some in rows.chunks(200) {
        on_conn!(&mut conn, conn => { diesel::insert_into(hazards::table).values(some).execute(conn).unwrap(); });
    }
}

/// The numbers of every hazard that a list gives, oldest first.
async fn listed(app: &TestApp, who: &str, path: &str, filter: &str) -> Vec<String> {
    let (mut all, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = app.get(who, &format!("{path}?limit=3&sort=created_at{filter}{cursor}")).await.expect(200);
        all.extend(page.rows().iter().map(|row| row["number"].as_str().unwrap().to_owned()));
        match page.body["page"]["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return all,
        }
    }
}

both_engines! {
    async fn a_ledger_row_of_a_major_is_complete(app) {
        let id = a_major(app).await;
        let early = app.get("office", "/ledgers/rectifications").await.expect(200).rows().remove(0);
        assert_eq!((&early["percent"], &early["difficulties"]), (&json!(60), &json!("推杠锁缺货")));
        let answers = app.get("office", "/ledgers/responsibilities").await.expect(200).rows().remove(0);
        assert_eq!(answers["phone_masked"], "138****8000");
        assert_eq!((&answers["cooperating"], &answers["committed_until"]), (&json!(["甲区消防大队"]), &json!("2026-03-31")));
        let answers = both(app, "office", "responsibilities", "").await;
        assert_eq!(answers.rows[1], ["1", "甲区第一小学：三楼东侧安全出口上锁", "测试 principal1", "安全科", "测试 officer1", "甲区消防大队", "更换推杠锁；2026-03-31前完成", "138****8000"]);
        let works = both(app, "office", "rectifications", "").await;
        assert_eq!(works.rows[1], ["1", "甲区第一小学：三楼东侧安全出口上锁", "拆除铁链", "更换推杠锁", "1.23", "2026-03-31", "60", "整改中", "推杠锁缺货"]);
        close(app, &id).await;
        let file = both(app, "office", "hazards", "").await;
        let ours: Vec<(&str, &str)> = vec![
            ("序号", "1"), ("隐患编号", "640104-2026-000001"), ("年度/批次", "2026"), ("学校名称", "甲区第一小学"),
            ("校区/具体部位", "教学楼A/三层"), ("工作线(十字)", "防"),
            ("隐患描述", "三楼东侧安全出口上锁：午休时段铁链锁闭，无法从内部打开。"), ("整改前照片", "1张"),
            ("依据条款", "判定指南第五条"), ("级别(一般/重大)", "重大"), ("判定方式(直接/综合)", "直接"), ("风险点/风险等级", ""),
            ("发现日期", "2026-03-02"), ("发现人", "测试 inspector1"), ("登记日期", "2026-03-02"),
            ("整改方式(立查立改/限期)", "限期整改"), ("整改措施", "已更换"), ("整改责任人", "测试 officer1"),
            ("责任领导", "测试 principal1"), ("牵头科室", "安全科"), ("责任督学", "测试 supervisor"), ("资金(万元)", "0.03"),
            ("应急预案/临时管控", "专人看守；专人值守"), ("整改时限", "2026-03-20"), ("延期次数/延期后时限", "1/2026-03-31"),
            ("整改完成日期", "2026-03-02"), ("整改后照片", "1张"), ("自验人/日期", "测试 principal1/2026-03-02"),
            ("复查人/日期/意见", "测试 inspector1、测试 inspector2/2026-03-02/整改到位"), ("退回次数", "0"),
            ("验收结论", "合格；同意销号"), ("销号日期/销号人", "2026-03-02/测试 leader"), ("是否逾期/逾期天数", "否"),
            ("是否挂牌/级别/文号", "是/市级/安督〔2026〕3号"), ("是否停用/恢复日期", "已恢复/2026-03-05"), ("回头看日期/结果", ""),
            ("是否复发/原编号", "否"), ("抄告部门/回复", "甲区消防大队/已现场指导"), ("备注", "整改要求：拆除铁链"),
        ];
        for (heading, text) in ours {
            assert_eq!(file.cell(heading), text, "{heading}");
        }
        let row = app.get("office", "/ledgers/hazards").await.expect(200).rows().remove(0);
        assert_eq!((&row["budget_fen"], &row["cost_fen"]), (&json!(1_230_000), &json!(32_000)));
        assert_eq!(row["supervisor_names"], json!(["测试 supervisor"]));
        assert_eq!((&row["late"], &row["days_late"], &row["risk_point"]), (&json!(false), &Value::Null, &Value::Null));
        let results = both(app, "office", "results", "").await;
        assert_eq!(results.rows[1], ["1", "甲区第一小学：三楼东侧安全出口上锁", "2026-03-02", "已更换；整改到位", "前1张/后1张", "", "测试 inspector1、测试 inspector2、测试 leader", "未复发"]);
        // It comes back: the old row tells by which number, the new one of which; and the look-back is told too.
        app.clock.advance(TimeDelta::days(1));
        report(app, "inspector1", "a.s1", json!({"recurrence_of": id})).await;
        assert_eq!(both(app, "office", "results", "").await.cell("复发情况"), "已复发：640104-2026-000002");
        assert_eq!(both(app, "office", "hazards", "").await.column("是否复发/原编号"), ["否", "是/640104-2026-000001"]);
        act(app, "office", &id, json!({"action": "reopen", "reason": "又上锁", "due_at": "2026-03-04T12:00:00+08:00"})).await;
        app.clock.advance(TimeDelta::days(5));
        let file = both(app, "office", "hazards", "").await;
        assert_eq!(file.cell("回头看日期/结果"), "2026-03-03/不合格，重新整改");
        assert_eq!(file.cell("是否逾期/逾期天数"), "是/4");
    }

    async fn headings_and_their_order_never_move_even_over_nothing(app) {
        let wanted: [&str; 5] = [
            "序号 隐患编号 年度/批次 学校名称 学校标识码 校区/具体部位 领域 工作线(十字) 隐患描述 整改前照片 依据条款 级别(一般/重大) 判定方式(直接/综合) 风险点/风险等级 来源(自查/日常/专项/突击/双随机/督导/举报/上级交办/部门移送/第三方) 检查单编号 发现日期 发现人 登记日期 整改方式(立查立改/限期) 整改措施 整改责任人 责任领导 牵头科室 责任督学 资金(万元) 应急预案/临时管控 整改时限 延期次数/延期后时限 整改完成日期 整改后照片 自验人/日期 复查人/日期/意见 退回次数 验收结论 销号日期/销号人 是否逾期/逾期天数 是否挂牌/级别/文号 是否停用/恢复日期 回头看日期/结果 是否复发/原编号 抄告部门/回复 备注",
            "序号 学校 问题 领域 级别 来源 发现日期 依据",
            "序号 问题 责任领导 责任科室 责任人 配合单位 承诺 电话(脱敏)",
            "序号 问题 整改目标 措施 资金(万元) 时限 进度% 状态 存在困难",
            "序号 问题 完成时间 成效 前后对比 长效机制(制度文件) 验收人 复发情况",
        ];
        for (ledger, headings) in LEDGERS.into_iter().zip(wanted) {
            let file = both(app, "b.office", ledger, "").await;
            assert_eq!(file.rows.len(), 1, "{ledger} holds nothing");
            assert_eq!(file.headings().join(" "), headings);
            let name = Ledger::parse(ledger).unwrap().name_zh();
            let encoded: String = name.bytes().map(|byte| format!("%{byte:02X}")).collect();
            let wanted = format!("attachment; filename=\"{ledger}-2026-03-02.csv\"; filename*=UTF-8''{encoded}-2026-03-02.csv");
            assert_eq!(file.name.replace("%2D", "-"), wanted);
        }
    }

    async fn no_text_becomes_a_formula_and_none_is_lost(app) {
        let texts = [
            "=cmd|' /C calc'!A0", "+1", "-1+1", "@SUM(A1)", "＝1+1", "＋1", "－1", "＠a", " =1", "他说\"好\",然后\n第二行",
            "𠮷野家 龘 〇 ·—", "逗号,分号;",
        ];
        for text in texts {
            report(app, "inspector1", "a.s1", json!({"title": text, "description": "x", "basis": text})).await;
        }
        let file = both(app, "office", "problems", "").await;
        let cells = file.column("依据");
        for (text, cell) in texts.iter().zip(&cells) {
            let danger = text.trim_start().starts_with(['=', '+', '-', '@', '＝', '＋', '－', '＠']);
            assert_eq!(*cell, if danger { format!("'{text}") } else { (*text).to_owned() });
        }
        assert_eq!(cells.len(), texts.len());
        assert!(file.column("问题")[0].ends_with("=cmd|' /C calc'!A0：x"));
    }

    async fn a_file_holds_what_the_list_holds(app) {
        for (who, school, domain) in [
            ("inspector1", "a.s1", "fire"), ("inspector1", "a.s2", "food"), ("officer1", "a.s1", "gas"),
            ("officer2", "a.s2", "fire"), ("b.officer", "b.s1", "fire"), ("office", "a.s1", "food"), ("office", "a.s2", "gas"),
        ] {
            report(app, who, school, json!({"domain": domain})).await;
        }
        for who in ["leader", "office", "section.fire", "supervisor", "principal1", "officer2", "b.leader"] {
            for filter in ["", "&domain=fire", "&source=self_check", "&from=2026-03-03", "&q=铁链"] {
                let numbers = listed(app, who, "/hazards", filter).await;
                assert_eq!(both(app, who, "hazards", filter).await.column("隐患编号"), numbers, "{who}{filter}");
                assert_eq!(listed(app, who, "/ledgers/hazards", filter).await, numbers, "{who}{filter}");
            }
        }
        for name in ["inspector1", "external1", "staff1"] {
            app.get(name, "/ledgers/hazards/export?format=csv").await.expect(403);
            assert_eq!(listed(app, name, "/ledgers/problems", "").await, listed(app, name, "/hazards", "").await, "{name}");
        }
    }

    async fn a_file_never_reaches_further_than_the_right_to_export(app) {
        let mut conn = app.connect();
        let now = Timestamp::from(start_time() - TimeDelta::days(30));
        // Inspects in the whole bureau, keeps the ledger of one school.
        person(&mut conn, "both", anxiao::access::Role::Inspector, "a", None, now);
        diesel::update(anxiao::platform::db::schema::memberships::table)
            .filter(anxiao::platform::db::schema::memberships::user_id.eq(user("officer2")))
            .set(anxiao::platform::db::schema::memberships::user_id.eq(user("both")))
            .execute(&mut conn)
            .unwrap();
        report(app, "both", "a.s1", json!({"source": "routine"})).await;
        report(app, "inspector1", "a.s2", json!({})).await;
        assert_eq!(listed(app, "both", "/hazards", "").await.len(), 2);
        assert_eq!(both(app, "both", "hazards", "").await.column("学校名称"), ["甲区第二中学"]);
        app.get("both", &format!("/ledgers/hazards/export?format=csv&org_id={}", org("a.s1"))).await.expect(404);
        let _ = session("both");
    }

    async fn each_list_keeps_its_own_hazards(app) {
        let void = report(app, "inspector1", "a.s1", json!({})).await;
        act(app, "office", &void, json!({"action": "void", "reason": "重复登记"})).await;
        report(app, "inspector1", "a.s1", json!({})).await;
        let issued = report(app, "inspector1", "a.s1", json!({})).await;
        act(app, "office", &issued, json!({"action": "issue", "level": "general"})).await;
        let closed = a_major(app).await;
        close(app, &closed).await;
        let number = |n: usize| format!("640104-2026-{n:06}");
        for (ledger, numbers) in LEDGERS.into_iter().zip([vec![1, 2, 3, 4], vec![2, 3, 4], vec![2, 3], vec![3], vec![4]]) {
            let wanted: Vec<String> = numbers.iter().map(|n| number(*n)).collect();
            assert_eq!(listed(app, "office", &format!("/ledgers/{ledger}"), "").await, wanted, "{ledger}");
            assert_eq!(both(app, "office", ledger, "").await.column("序号").len(), wanted.len(), "{ledger}");
        }
        assert_eq!(both(app, "office", "hazards", "&status=void").await.cell("备注"), "作废：重复登记");
    }

    async fn a_school_never_reads_who_found_what_is_not_its_own(app) {
        report(app, "inspector1", "a.s1", json!({})).await;
        report(app, "officer1", "a.s1", json!({})).await;
        assert_eq!(both(app, "principal1", "hazards", "").await.column("发现人"), ["", "测试 officer1"]);
        assert_eq!(both(app, "office", "hazards", "").await.column("发现人"), ["测试 inspector1", "测试 officer1"]);
        let rows = app.get("principal1", "/ledgers/hazards?sort=created_at").await.expect(200).rows();
        assert_eq!((&rows[0]["found_by_name"], &rows[1]["found_by_name"]), (&Value::Null, &json!("测试 officer1")));
    }

    async fn a_page_takes_the_same_few_queries_whatever_its_size(app) {
        let id = a_major(app).await;
        close(app, &id).await;
        many(app, &id, 120, None);
        for who in ["office", "supervisor", "inspector1", "principal1"] {
            for ledger in LEDGERS {
                app.get(who, &format!("/ledgers/{ledger}?limit=100")).await.expect(200);
                let mut counts = Vec::new();
                for limit in [2, 100] {
                    app.take_statements();
                    app.get(who, &format!("/ledgers/{ledger}?limit={limit}")).await.expect(200);
                    // A connection to PostgreSQL asks once for the names of its types.
                    let statements = app.take_statements().into_iter().filter(|sql| !sql.contains("pg_type"));
                    counts.push(statements.count() - usize::from(app.engine == Engine::Postgres));
                }
                assert_eq!(counts[0], counts[1], "{ledger} of {who}");
                assert!(counts[0] <= 19, "{ledger} of {who}: {}", counts[0]);
            }
        }
        app.take_statements();
        let file = export(app, "office", "/ledgers/hazards/export?format=csv").await;
        assert_eq!(file.rows.len(), 122);
        let statements = app.take_statements();
        assert!(statements.len() <= 28, "{}: {statements:#?}", statements.len());
    }

    async fn a_long_ledger_is_whole_and_in_order(app) {
        let id = report(app, "inspector1", "a.s1", json!({})).await;
        many(app, &id, 1203, None);
        let file = both(app, "office", "hazards", "").await;
        let serials: Vec<String> = (1..=1204).map(|n: i32| n.to_string()).collect();
        assert_eq!(file.column("序号"), serials);
        let numbers = file.column("隐患编号");
        assert!(numbers[..1203].is_sorted() && numbers[1203] == "640104-2026-000001");
    }

    async fn each_file_is_recorded_before_its_first_byte(app) {
        report(app, "inspector1", "a.s1", json!({})).await;
        export(app, "office", "/ledgers/problems/export?format=csv&domain=fire&q=出口").await;
        app.get("office", &format!("/ledgers/problems/export?format=csv&org_id={}", org("b.s1"))).await.expect(404);
        let mut conn = app.connect();
        let told: Vec<(String, Option<Id>, String)> = events::table
            .filter(events::entity.eq("export"))
            .order(events::seq)
            .select((events::action, events::actor, events::payload))
            .load(&mut conn)
            .unwrap();
        assert_eq!(told.len(), 2, "{told:?}");
        let begun: Value = serde_json::from_str(&told[0].2).unwrap();
        assert_eq!(begun, json!({"ledger": "problems", "format": "csv", "filter": {"domain": "fire", "q": true}}));
        assert_eq!((told[0].0.as_str(), told[0].1), ("begin", Some(user("office"))));
        assert_eq!((told[1].0.as_str(), told[1].2.as_str()), ("finish", "{\"rows\":1}"));
    }

    async fn what_is_no_file_is_refused(app) {
        for (query, status, code) in [
            ("hazards/export", 400, "invalid_parameter"), ("hazards/export?format=pdf", 400, "invalid_parameter"),
            ("hazards/export?format=csv&lang=en", 400, "invalid_parameter"),
            ("hazards/export?format=csv&colour=red", 400, "unknown_parameter"),
            ("hazards/export?format=csv&limit=5", 400, "unknown_parameter"),
            ("secrets/export?format=csv", 404, "not_found"), ("secrets", 404, "not_found"),
        ] {
            let answer = app.get("office", &format!("/ledgers/{query}")).await;
            assert_eq!((answer.status, answer.code()), (status, code), "{query}: {}", answer.text);
        }
    }

    async fn few_run_at_once_and_one_that_breaks_off_does_not_look_whole(app) {
        let id = report(app, "inspector1", "a.s1", json!({})).await;
        many(app, &id, 4000, Some(&"长".repeat(4000)));
        let begin = async |who: &str| {
            app.request(who, Method::GET, "/ledgers/hazards/export?format=csv").send().await.unwrap()
        };
        let mut slow = begin("office").await;
        let _second = begin("office").await;
        let third = begin("office").await;
        assert_eq!((third.status().as_u16(), third.headers()["retry-after"].to_str().unwrap()), (503, "10"));
        let _third = begin("leader").await;
        let _fourth = begin("leader").await;
        assert_eq!(begin("supervisor").await.status(), 503);
        // Others go on meanwhile: a slow reader holds no lane.
        app.get("officer1", "/hazards?limit=1").await.expect(200);
        assert!(slow.chunk().await.unwrap().is_some());
        app.clock.advance(TimeDelta::minutes(31));
        let end = loop {
            match slow.chunk().await {
                Ok(Some(_)) => {}
                end => break end,
            }
        };
        assert!(end.is_err(), "it ended neatly");
    }

    async fn accounts_that_are_closed_supervise_nothing(app) {
        report(app, "inspector1", "a.s1", json!({})).await;
        let names = async || app.get("office", "/ledgers/hazards").await.expect(200).rows()[0]["supervisor_names"].clone();
        assert_eq!(names().await, json!(["测试 supervisor"]));
        app.post("sysadmin", &format!("/users/{}/disable", user("supervisor")), json!({})).await.expect(200);
        assert_eq!(names().await, json!([]));
    }

    async fn the_deadline_of_a_later_round_is_not_that_of_the_first(app) {
        let id = report(app, "inspector1", "a.s1", json!({})).await;
        act(app, "office", &id, json!({"action": "issue", "level": "general"})).await;
        act(app, "officer1", &id, json!({"action": "acknowledge"})).await;
        let ask = json!({"reason": "缺货", "interim_controls": "专人值守", "due_at": "2026-03-16T12:00:00+08:00"});
        let asked = app.post("officer1", &format!("/hazards/{id}/extensions"), ask).await.expect(201).id();
        let grant = json!({"approve": true, "opinion": "同意"});
        app.post("office", &format!("/hazards/{id}/extensions/{asked}/decision"), grant.clone()).await.expect(200);
        let row = async || app.get("office", "/ledgers/hazards").await.expect(200).rows()[0].clone();
        let days = |row: &Value| (row["due_on"].clone(), row["extended_due_on"].clone(), row["original_due_on"].clone(), row["extensions"].clone());
        assert_eq!(days(&row().await), (json!("2026-03-09"), json!("2026-03-16"), json!("2026-03-09"), json!(1)));
        app.clock.advance(TimeDelta::hours(1));
        act(app, "officer1", &id, json!({"action": "report_done", "measures_taken": "已拆除", "evidence_ids": []})).await;
        app.clock.advance(TimeDelta::hours(1));
        act(app, "inspector1", &id, json!({"action": "return", "reason": "仍可反锁", "due_at": "2026-03-25T12:00:00+08:00"})).await;
        assert_eq!(days(&row().await), (json!("2026-03-25"), json!(null), json!("2026-03-09"), json!(1)), "the second round");
        app.clock.advance(TimeDelta::hours(1));
        let ask = json!({"reason": "缺货", "interim_controls": "专人值守", "due_at": "2026-03-30T12:00:00+08:00"});
        let asked = app.post("officer1", &format!("/hazards/{id}/extensions"), ask).await.expect(201).id();
        app.post("office", &format!("/hazards/{id}/extensions/{asked}/decision"), grant).await.expect(200);
        assert_eq!(days(&row().await), (json!("2026-03-25"), json!("2026-03-30"), json!("2026-03-09"), json!(2)));
    }
}
