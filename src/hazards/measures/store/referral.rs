//! Referral to other authorities (抄告/移送), and their replies.

use diesel::prelude::*;
use serde_json::json;

use super::{Sent, hand, kept, marked, page_of, refused, save};
use crate::access::Rights;
use crate::hazards::measures::rules::{self, REPLY_WORKING_DAYS};
use crate::hazards::measures::words::ReferralAuthority;
use crate::hazards::store::days::Days;
use crate::hazards::store::{Row, read};
use crate::platform::db::schema::hazard_referrals;
use crate::platform::db::types::{Id, Timestamp};
use crate::platform::db::{Conn, Receipt, Tx};
use crate::platform::error::Problem;
use crate::platform::http::{List, Page};

/// A referral as it is stored.
#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = hazard_referrals)]
#[expect(missing_docs, reason = "the columns are named in the migration")]
pub struct Referral {
    pub id: Id,
    pub version: i64,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    pub created_by: Id,
    pub body_hash: Option<Vec<u8>>,
    pub bureau_id: Id,
    pub org_id: Id,
    pub hazard_id: Id,
    pub authority: ReferralAuthority,
    pub authority_name: String,
    pub matter: String,
    pub referred_at: Timestamp,
    pub reply_due_at: Timestamp,
    pub replied_at: Option<Timestamp>,
    pub reply: Option<String>,
    pub reply_recorded_by: Option<Id>,
}

kept!(Referral, hazard_referrals);

/// A referral to make; its shape is checked already.
#[derive(Debug, Clone)]
pub struct Request {
    /// What kind of authority.
    pub authority: ReferralAuthority,
    /// Its name.
    pub authority_name: String,
    /// What it is asked to see to.
    pub matter: String,
    /// Until when it ought to reply; ten working days where absent.
    pub reply_due_at: Option<Timestamp>,
}

/// Refers a hazard.
///
/// # Errors
/// 409 with every rule that stood in the way; whatever the engine says.
pub fn refer(
    tx: &mut Tx<'_>,
    rights: &Rights,
    row: &Row,
    sent: Sent,
    request: Request,
) -> Result<(Row, Referral, Receipt), Problem> {
    let hand = hand(tx.conn, rights, row)?;
    let marks = rules::refer(&row.standing(), &hand).map_err(refused)?;
    let reply_due_at = if let Some(given) = request.reply_due_at {
        given
    } else {
        let zone = read::zone_of(tx.conn, row.bureau_id)?;
        Days::of(tx.conn, row.bureau_id, zone)?.working(tx.now, REPLY_WORKING_DAYS).at.into()
    };
    let made = Referral {
        id: sent.id,
        version: 1,
        created_at: tx.now,
        updated_at: tx.now,
        created_by: rights.user_id(),
        body_hash: sent.body_hash,
        bureau_id: row.bureau_id,
        org_id: row.org_id,
        hazard_id: row.id,
        authority: request.authority,
        authority_name: request.authority_name,
        matter: request.matter,
        referred_at: tx.now,
        reply_due_at,
        replied_at: None,
        reply: None,
        reply_recorded_by: None,
    };
    diesel::insert_into(hazard_referrals::table).values(&made).execute(tx.conn)?;
    let after = marked(tx, row, marks);
    let words = json!({
        "referral_id": made.id, "authority": made.authority, "authority_name": made.authority_name,
        "matter": made.matter, "reply_due_at": made.reply_due_at,
    });
    let receipt = save(tx, row, &after, "referred", words)?;
    Ok((after, made, receipt))
}

/// A referral of this hazard.
///
/// # Errors
/// 404 where there is none.
pub fn of_hazard(conn: &mut Conn, hazard_id: Id, id: Id) -> Result<Referral, Problem> {
    Ok(hazard_referrals::table
        .find(id)
        .filter(hazard_referrals::hazard_id.eq(hazard_id))
        .select(Referral::as_select())
        .first(conn)?)
}

/// Records the reply of the other authority.
///
/// # Errors
/// 409 with every rule that stood in the way; whatever the engine says.
pub fn reply(
    tx: &mut Tx<'_>,
    rights: &Rights,
    row: &Row,
    referral: Referral,
    reply: String,
    replied_at: Timestamp,
) -> Result<(Row, Referral, Receipt), Problem> {
    use hazard_referrals as r;
    let hand = hand(tx.conn, rights, row)?;
    let marks = rules::reply(&row.standing(), &hand, referral.replied_at.is_some()).map_err(refused)?;
    let made = Referral {
        version: referral.version + 1,
        updated_at: tx.now,
        replied_at: Some(replied_at),
        reply: Some(reply),
        reply_recorded_by: Some(rights.user_id()),
        ..referral
    };
    diesel::update(r::table.find(made.id))
        .set((
            r::version.eq(made.version),
            r::updated_at.eq(made.updated_at),
            r::replied_at.eq(made.replied_at),
            r::reply.eq(&made.reply),
            r::reply_recorded_by.eq(made.reply_recorded_by),
        ))
        .execute(tx.conn)?;
    let after = marked(tx, row, marks);
    let words = json!({ "referral_id": made.id, "reply": made.reply, "replied_at": made.replied_at });
    let receipt = save(tx, row, &after, "referral_replied", words)?;
    Ok((after, made, receipt))
}

/// A page of the referrals of a hazard that the caller sees.
///
/// # Errors
/// Whatever the engine says.
pub fn list<F>(conn: &mut Conn, hazard_id: Id, list: &List<F>) -> Result<Page<Referral>, Problem> {
    page_of!(conn, hazard_referrals, Referral, hazard_id, list)
}
