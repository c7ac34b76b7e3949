//! Content that arrives in pieces: each person's own uploads, of evidence that may still be sent.

use anxiao::platform::db::schema::uploads;
use anxiao::platform::db::types::{Id, Timestamp};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chrono::TimeDelta;
use diesel::prelude::*;

use super::evidence::{SENDS, looks_on, set_evidence};
use crate::evidence::photo;
use crate::matrix::row::{Ask, Case, Row, row};
use crate::matrix::world::{ABSENT, SCHOOLS, bureau, of, org_of};
use crate::support::district::{self, user};

fn headers() -> Vec<(&'static str, String)> {
    vec![("tus-resumable", "1.0.0".to_owned())]
}

/// An upload of which nothing has come: the caller's own, and somebody else's where the caller's bureau is not.
fn set_upload(case: &mut Case<'_>) -> Ask {
    let evidence = set_evidence(case, false);
    let id: Id = of(&format!("upload {}", case.number), case.place);
    if case.place != ABSENT {
        let now = Timestamp::from(district::start_time());
        let at_home = case.who.starts_with("b.") == (bureau(case.place) == "b");
        let owner = user(if at_home { case.who } else { "newcomer" });
        diesel::delete(uploads::table.filter(uploads::evidence_id.eq(evidence))).execute(case.conn).unwrap();
        diesel::insert_into(uploads::table)
            .values((
                (uploads::id.eq(id), uploads::created_at.eq(now), uploads::updated_at.eq(now)),
                (uploads::expires_at.eq(now + TimeDelta::days(1)), uploads::evidence_id.eq(evidence)),
                (uploads::user_id.eq(owner), uploads::bureau_id.eq(org_of(bureau(case.place)))),
                (uploads::length.eq(i64::try_from(photo().len()).unwrap()), uploads::received.eq(0_i64)),
                (uploads::done.eq(false), uploads::metadata.eq("")),
            ))
            .execute(case.conn)
            .unwrap();
    }
    Ask { path: format!("/uploads/{id}"), headers: headers(), ..Ask::default() }
}

pub fn rows() -> Vec<Row> {
    vec![
        row("POST /uploads", SENDS, |case| {
            let evidence = set_evidence(case, false);
            let mut headers = headers();
            headers.push(("upload-length", photo().len().to_string()));
            headers.push(("upload-metadata", format!("evidence_id {}", STANDARD.encode(evidence.to_string()))));
            Ask { path: "/uploads".into(), headers, ..Ask::default() }
        })
        .at(SCHOOLS)
        .limits_met()
        .but(looks_on),
        row("HEAD /uploads/{id}", SENDS, set_upload).at(SCHOOLS).limits_met().but(looks_on),
        row("PATCH /uploads/{id}", SENDS, |case| {
            let mut ask = set_upload(case);
            ask.headers.push(("upload-offset", "0".to_owned()));
            Ask { form: Some(("application/offset+octet-stream".into(), photo())), ..ask }
        })
        .at(SCHOOLS)
        .limits_met()
        .but(looks_on),
        // Ending one's own upload asks no more than whose it is.
        row("DELETE /uploads/{id}", SENDS, set_upload)
            .at(SCHOOLS)
            .seen(|_, home, place| place != ABSENT && bureau(home) == bureau(place))
            .limits_met(),
    ]
}
