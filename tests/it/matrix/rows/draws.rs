//! Recusals and draws.

use anxiao::access::{Permission as P, Role};
use anxiao::draws::algorithm::{commitment, draw, hex, sha256_hex};
use anxiao::draws::rules::{DrawStatus, Seeding};
use anxiao::draws::store::Seen;
use anxiao::platform::db::Conn;
use anxiao::platform::db::schema::{draw_commitments, draw_results, draws, recusal_overrides, recusals};
use anxiao::platform::db::types::{Doc, Id, Timestamp};
use diesel::prelude::*;
use serde_json::{Value, json};

use crate::matrix::row::{Expect, Row, get, row, send};
use crate::matrix::world::{
    ABSENT, BUREAUS, ORGS, Place, SCHOOLS, bureau, of, org_of, person, set_checklist, set_inspection, within,
};
use crate::support::district::{start_time, user};

/// A recusal of the inspector whom others look after.
pub fn new_recusal(id: Id, place: Place) -> Value {
    json!({"id": id, "inspector_id": person(bureau(place)), "org_id": org_of(place), "relation": "family"})
}

/// A draw of one school.
pub fn new_draw(id: Id, place: Place) -> Value {
    let who = if bureau(place) == "b" { ["b.leader", "b.inspector"] } else { ["leader", "office"] };
    json!({
        "id": id, "title": "抽查", "reason": "每月一次",
        "objects": {"org_ids": [org_of(place)], "quotas": [{"count": 1}]},
        "inspectors": {"user_ids": who.map(user), "per_object": 2},
        "inspection": {
            "kind": "random", "checklist_ids": [of("checklist", bureau(place))], "planned_from": "2026-03-05",
            "planned_to": "2026-03-20",
        },
    })
}

fn pair(n: u8) -> ([u8; 32], [u8; 32], String) {
    let (seed, salt) = ([n; 32], [n + 100; 32]);
    (seed, salt, commitment(&seed, &salt))
}

/// The draw of a bureau, also where a school of it is named.
fn draw_of(place: Place) -> Id {
    of("draw", if place == ABSENT { ABSENT } else { bureau(place) })
}

/// Puts a draw into a state: the seeds of these people promised, so many of them shown, the result drawn or not.
fn set_draw(conn: &mut Conn, place: Place, status: DrawStatus, seeding: Seeding, people: &[Id], shown: usize) {
    let (id, now) = (draw_of(place), Timestamp::from(start_time()));
    diesel::delete(draw_results::table.filter(draw_results::draw_id.eq(id))).execute(conn).unwrap();
    diesel::delete(draw_commitments::table.filter(draw_commitments::draw_id.eq(id))).execute(conn).unwrap();
    diesel::update(draws::table.find(id))
        .set((draws::status.eq(status), draws::seeding.eq(seeding), draws::entropy.eq(None::<Doc>)))
        .execute(conn)
        .unwrap();
    if place == ABSENT {
        return;
    }
    for (n, who) in (0_u8..).zip(people) {
        let (seed, salt, promise) = pair(n);
        let seen = usize::from(n) < shown;
        diesel::insert_into(draw_commitments::table)
            .values((
                (draw_commitments::draw_id.eq(id), draw_commitments::position.eq(i32::from(n) + 1)),
                (draw_commitments::official.eq(*who), draw_commitments::committed_at.eq(now)),
                (draw_commitments::commitment.eq(promise), draw_commitments::revealed_at.eq(seen.then_some(now))),
                draw_commitments::seed.eq(seen.then(|| hex(&seed))),
                draw_commitments::salt.eq(seen.then(|| hex(&salt))),
            ))
            .execute(conn)
            .unwrap();
    }
    if !matches!(status, DrawStatus::Drawn | DrawStatus::Published) {
        return;
    }
    diesel::update(draws::table.find(id))
        .set((draws::drawn_at.eq(now), draws::drawn_by.eq(user("office"))))
        .execute(conn)
        .unwrap();
    let mut proof = Seen::load(conn, id).unwrap().proof();
    proof.results = draw(&proof.pool, &proof.material().unwrap()).unwrap();
    diesel::update(draws::table.find(id))
        .set(draws::result_sha256.eq(sha256_hex(proof.text().as_bytes())))
        .execute(conn)
        .unwrap();
    for pick in &proof.results {
        diesel::insert_into(draw_results::table)
            .values((
                (draw_results::draw_id.eq(id), draw_results::position.eq(i32::try_from(pick.position).unwrap())),
                (draw_results::stratum.eq(&pick.stratum), draw_results::org_id.eq(pick.school.parse::<Id>().unwrap())),
                draw_results::team.eq(Doc::of(&pick.team)),
            ))
            .execute(conn)
            .unwrap();
    }
}

fn other(who: &str) -> Id {
    user(if who == "leader" { "office" } else { "leader" })
}

fn drawn(place: Place, rest: &str) -> String {
    format!("/draws/{}{rest}", draw_of(place))
}

fn recusal(place: Place, rest: &str) -> String {
    format!("/recusals/{}{rest}", of("recusal", place))
}

/// Whoever reads them all; the others only their own, and this one is somebody else's.
fn officers(role: Role, home: Place, place: Place) -> bool {
    matches!(role, Role::BureauLeader | Role::SafetyOffice | Role::SectionOfficer) && within(home, place)
}

fn set_recusal(conn: &mut Conn, place: Place) {
    let id = of("recusal", place);
    diesel::update(recusals::table.find(id)).set(recusals::ended_at.eq(None::<Timestamp>)).execute(conn).unwrap();
    diesel::delete(recusal_overrides::table.filter(recusal_overrides::recusal_id.eq(id))).execute(conn).unwrap();
}

pub fn rows() -> Vec<Row> {
    use DrawStatus::{Committed, Drawn, Frozen, Published, Revealed};
    const TWO: Seeding = Seeding::TwoOfficials;
    vec![
        row("GET /recusals", &[P::RecusalRead], |case| get(format!("/recusals?org_id={}", org_of(case.place))))
            .at(ORGS)
            .limits_met(),
        row("POST /recusals", &[P::RecusalManage], |case| {
            let mut body = new_recusal(of(&format!("recusal {}", case.number), case.place), case.place);
            if case.who != "office" && case.who != "b.office" {
                body["inspector_id"] = json!(user(case.who));
            }
            send("/recusals".into(), body)
        })
        .at(SCHOOLS)
        .limits_met(),
        row("POST /recusals/{id}/end", &[P::RecusalManage], |case| {
            set_recusal(case.conn, case.place);
            send(recusal(case.place, "/end"), json!({"reason": "已调离"}))
        })
        .at(SCHOOLS)
        .seen(officers)
        .but(|role, home, place| {
            let section = role == Role::SectionOfficer && place != ABSENT && within(home, place);
            section.then_some(Expect::Beyond)
        }),
        row("POST /recusals/{id}/override", &[P::RecusalOverride], |case| {
            set_recusal(case.conn, case.place);
            set_inspection(case.conn, case.place, "planned", "");
            send(
                recusal(case.place, "/override"),
                json!({"reason": "人手不足", "inspection_id": of("inspection", case.place)}),
            )
        })
        .at(SCHOOLS),
        row("POST /recusals/{id}/override/{override_id}/approve", &[P::RecusalOverride], |case| {
            set_recusal(case.conn, case.place);
            let (id, now) = (of("override", case.place), Timestamp::from(start_time()));
            if case.place != ABSENT {
                diesel::insert_into(recusal_overrides::table)
                    .values((
                        (recusal_overrides::id.eq(id), recusal_overrides::version.eq(1_i64)),
                        (recusal_overrides::created_at.eq(now), recusal_overrides::updated_at.eq(now)),
                        (recusal_overrides::created_by.eq(user("sysadmin")), recusal_overrides::reason.eq("人手不足")),
                        recusal_overrides::recusal_id.eq(of("recusal", case.place)),
                    ))
                    .execute(case.conn)
                    .unwrap();
            }
            send(recusal(case.place, &format!("/override/{id}/approve")), json!({}))
        })
        .at(SCHOOLS),
        row("GET /draws", &[P::DrawRead], |_| get("/draws".into())),
        row("POST /draws", &[P::DrawManage], |case| {
            set_checklist(case.conn, bureau(case.place), "published");
            send("/draws".into(), new_draw(of(&format!("draw {}", case.number), case.place), case.place))
        })
        .at(SCHOOLS),
        row("GET /draws/{id}", &[P::DrawRead], |case| get(drawn(case.place, ""))).at(BUREAUS),
        row("GET /draws/{id}/proof", &[P::DrawRead], |case| {
            set_draw(case.conn, case.place, Published, TWO, &[user("office"), user("leader")], 2);
            get(drawn(case.place, "/proof"))
        })
        .at(BUREAUS),
        row("POST /draws/{id}/commitments", &[P::DrawManage], |case| {
            set_draw(case.conn, case.place, Frozen, TWO, &[], 0);
            let promise = sha256_hex(case.number.to_string().as_bytes());
            send(drawn(case.place, "/commitments"), json!({"commitment": promise}))
        })
        .at(BUREAUS),
        row("POST /draws/{id}/entropy", &[P::DrawManage], |case| {
            set_draw(case.conn, case.place, Committed, Seeding::PublicEntropy, &[other(case.who)], 0);
            send(drawn(case.place, "/entropy"), json!({"source": "双色球", "text": "02 09 14"}))
        })
        .at(BUREAUS),
        row("POST /draws/{id}/seeds", &[P::DrawManage], |case| {
            set_draw(case.conn, case.place, Committed, TWO, &[user(case.who), other(case.who)], 0);
            let (seed, salt, _) = pair(0);
            send(drawn(case.place, "/seeds"), json!({"seed": hex(&seed), "salt": hex(&salt)}))
        })
        .at(BUREAUS),
        row("POST /draws/{id}/run", &[P::DrawManage], |case| {
            set_draw(case.conn, case.place, Revealed, TWO, &[user("office"), user("leader")], 2);
            send(drawn(case.place, "/run"), json!({}))
        })
        .at(BUREAUS),
        row("POST /draws/{id}/inspections", &[P::DrawManage], |case| {
            set_draw(case.conn, case.place, Drawn, TWO, &[user("office"), user("leader")], 2);
            set_checklist(case.conn, bureau(case.place), "published");
            let lists = [of("checklist", bureau(case.place))];
            send(drawn(case.place, "/inspections"), json!({"planned_on": "2026-03-10", "checklist_ids": lists}))
        })
        .at(BUREAUS)
        .but(|role, home, place| {
            // A leader plans surprise visits alone.
            (role == Role::BureauLeader && home == place).then_some(Expect::Beyond)
        }),
        row("POST /draws/{id}/publish", &[P::DrawManage], |case| {
            set_draw(case.conn, case.place, Drawn, TWO, &[user("office"), user("leader")], 2);
            send(drawn(case.place, "/publish"), json!({"statement": "均已开始"}))
        })
        .at(BUREAUS),
        row("POST /draws/{id}/void", &[P::DrawManage], |case| {
            set_draw(case.conn, case.place, Frozen, TWO, &[], 0);
            send(drawn(case.place, "/void"), json!({"reason": "名单有误"}))
        })
        .at(BUREAUS),
    ]
}
