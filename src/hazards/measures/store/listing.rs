//! Supervised listing of a major (挂牌督办), and taking it off the list (摘牌).

use chrono::Datelike;
use diesel::prelude::*;
use serde_json::json;

use super::{Sent, hand, kept, marked, page_of, refused, save};
use crate::access::Rights;
use crate::documents::number;
use crate::documents::store::code_text;
use crate::hazards::deadline::local_date;
use crate::hazards::marks::Marks;
use crate::hazards::measures::rules;
use crate::hazards::measures::words::ListingAuthority;
use crate::hazards::store::register::take_numbers;
use crate::hazards::store::{Row, read};
use crate::notices::{Kind, measures as told};
use crate::platform::db::schema::hazard_listings;
use crate::platform::db::types::{Id, Timestamp};
use crate::platform::db::{Conn, Receipt, Tx};
use crate::platform::error::Problem;
use crate::platform::http::{List, Page};

/// The series of a bureau's own document numbers of listings, in the table of serials.
const SERIES: &str = "listing";
/// What follows the bureau's code in them.
const MARK: &str = "督";

/// A listing as it is stored.
#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = hazard_listings)]
#[expect(missing_docs, reason = "the columns are named in the migration")]
pub struct Listing {
    pub id: Id,
    pub version: i64,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    pub created_by: Id,
    pub body_hash: Option<Vec<u8>>,
    pub bureau_id: Id,
    pub org_id: Id,
    pub hazard_id: Id,
    pub authority: ListingAuthority,
    pub number: String,
    pub demand: String,
    pub listed_at: Timestamp,
    pub delisted_at: Option<Timestamp>,
    pub delisted_by: Option<Id>,
    pub opinion: Option<String>,
}

kept!(Listing, hazard_listings);

/// A listing to make; its shape is checked already.
#[derive(Debug, Clone)]
pub struct Request {
    /// Who lists it.
    pub authority: ListingAuthority,
    /// What is demanded.
    pub demand: String,
    /// The document number of another authority; the bureau's own next one where absent.
    pub number: Option<String>,
}

/// Puts a major under supervised listing. The number is taken last, after every row is locked.
///
/// # Errors
/// 409 with every rule that stood in the way, or `number_taken`; whatever the engine says.
pub fn list_major(
    tx: &mut Tx<'_>,
    rights: &Rights,
    row: &Row,
    sent: Sent,
    request: Request,
) -> Result<(Row, Listing, Receipt), Problem> {
    let hand = hand(tx.conn, rights, row)?;
    let marks = rules::list(&row.standing(), &hand).map_err(refused)?;
    let after = marked(tx, row, Marks { listed_at: Some(tx.now), ..marks });
    let number = match request.number {
        Some(number) => number,
        None => next_number(tx, row.bureau_id)?,
    };
    let made = Listing {
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
        number,
        demand: request.demand,
        listed_at: tx.now,
        delisted_at: None,
        delisted_by: None,
        opinion: None,
    };
    let words = json!({
        "listing_id": made.id, "authority": made.authority, "document_number": made.number, "demand": made.demand,
    });
    let receipt = save(tx, row, &after, "listed", words)?;
    told::school_told(tx, Kind::HazardListed, &after)?;
    diesel::insert_into(hazard_listings::table).values(&made).execute(tx.conn)?;
    Ok((after, made, receipt))
}

/// `校安督〔2026〕3号`: the bureau's code (see [`number`]) with 督, the local year between tortoise-shell brackets (U+3014, U+3015), and a serial that is gap-free per
/// bureau and year. One that was typed in as another authority's number is stepped over.
fn next_number(tx: &mut Tx<'_>, bureau_id: Id) -> Result<String, Problem> {
    let zone = read::zone_of(tx.conn, bureau_id)?;
    let year = local_date(tx.now.utc(), zone).year();
    let code = code_text(tx.conn, bureau_id)?;
    loop {
        let serial = take_numbers(tx, bureau_id, SERIES, year, 1)?;
        let number = number::format(&code, MARK, year, serial);
        let taken = hazard_listings::table
            .filter(hazard_listings::bureau_id.eq(bureau_id))
            .filter(hazard_listings::number.eq(&number))
            .select(hazard_listings::id)
            .first::<Id>(tx.conn)
            .optional()?;
        if taken.is_none() {
            return Ok(number);
        }
    }
}

/// Takes a hazard off the list, after acceptance.
///
/// # Errors
/// 409 with every rule that stood in the way; whatever the engine says.
pub fn delist(
    tx: &mut Tx<'_>,
    rights: &Rights,
    row: &Row,
    opinion: String,
) -> Result<(Row, Listing, Receipt), Problem> {
    use hazard_listings as l;
    let hand = hand(tx.conn, rights, row)?;
    let marks = rules::delist(&row.standing(), &hand).map_err(refused)?;
    let standing: Listing = l::table
        .filter(l::hazard_id.eq(row.id))
        .filter(l::delisted_at.is_null())
        .order(l::created_at.desc())
        .select(Listing::as_select())
        .first(tx.conn)
        .optional()?
        .ok_or_else(|| Problem::internal("a listed hazard without its listing"))?;
    let made = Listing {
        version: standing.version + 1,
        updated_at: tx.now,
        delisted_at: Some(tx.now),
        delisted_by: Some(rights.user_id()),
        opinion: Some(opinion),
        ..standing
    };
    diesel::update(l::table.find(made.id))
        .set((
            l::version.eq(made.version),
            l::updated_at.eq(made.updated_at),
            l::delisted_at.eq(made.delisted_at),
            l::delisted_by.eq(made.delisted_by),
            l::opinion.eq(&made.opinion),
        ))
        .execute(tx.conn)?;
    let after = marked(tx, row, marks);
    let words = json!({ "listing_id": made.id, "document_number": made.number, "opinion": made.opinion });
    let receipt = save(tx, row, &after, "delisted", words)?;
    told::school_told(tx, Kind::HazardDelisted, &after)?;
    Ok((after, made, receipt))
}

/// A page of the listings of a hazard that the caller sees.
///
/// # Errors
/// Whatever the engine says.
pub fn list<F>(conn: &mut Conn, hazard_id: Id, list: &List<F>) -> Result<Page<Listing>, Problem> {
    page_of!(conn, hazard_listings, Listing, hazard_id, list)
}
