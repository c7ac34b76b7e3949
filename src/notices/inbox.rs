//! A person's own notices: what is in sight, what is unread, what was read when.

use std::collections::{BTreeSet, HashMap, HashSet};

use diesel::dsl::count_star;
use diesel::prelude::*;
use serde::Deserialize;
use serde_json::json;
use utoipa::IntoParams;

use super::kind::Kind;
use crate::access::{Permission, Rights};
use crate::hazards::status::Colour;
use crate::orgs::rules::OrgKind;
use crate::platform::db::schema::{notice_recipients, notices, org_closure};
use crate::platform::db::types::{Doc, Id, Timestamp};
use crate::platform::db::{Conn, MultiBackend, Receipt, Tx};
use crate::platform::error::Problem;
use crate::platform::http::list::After;
use crate::platform::http::{List, Page};
use crate::platform::journal::{Event, Stream};

/// A notice as it was stored, with when its reader read it.
#[derive(Debug, Clone, Queryable)]
#[expect(missing_docs, reason = "the columns are named in the migration")]
pub struct Entry {
    pub id: Id,
    pub created_at: Timestamp,
    pub bureau_id: Option<Id>,
    pub org_id: Option<Id>,
    pub kind: Kind,
    pub entity: String,
    pub entity_id: Id,
    pub colour: Option<Colour>,
    pub due_at: Option<Timestamp>,
    pub payload: Doc,
    pub read_at: Option<Timestamp>,
}

const COLUMNS: (
    notices::id,
    notices::created_at,
    notices::bureau_id,
    notices::org_id,
    notices::kind,
    notices::entity,
    notices::entity_id,
    notices::colour,
    notices::due_at,
    notices::payload,
    notice_recipients::read_at,
) = (
    notices::id,
    notices::created_at,
    notices::bureau_id,
    notices::org_id,
    notices::kind,
    notices::entity,
    notices::entity_id,
    notices::colour,
    notices::due_at,
    notices::payload,
    notice_recipients::read_at,
);

/// Filters of an inbox.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Filter {
    /// Only those not read yet; `false` for those read.
    unread: Option<bool>,
    /// Of this kind.
    kind: Option<Kind>,
}

impl Filter {
    /// What waits to be read.
    const UNREAD: Self = Self { unread: Some(true), kind: None };
}

/// The record a notice is about, and where it belongs.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct About {
    entity: String,
    id: Id,
    bureau_id: Option<Id>,
    org_id: Option<Id>,
}

impl Entry {
    fn about(&self) -> About {
        About { entity: self.entity.clone(), id: self.entity_id, bureau_id: self.bureau_id, org_id: self.org_id }
    }
}

/// What of these the reader still sees. Hazards, reports, inspections and documents by the very sight of their lists; one's own
/// account always; everything else while one is anything where it belongs.
fn in_sight(conn: &mut Conn, rights: &Rights, about: &BTreeSet<Id>, all: &[About]) -> Result<HashSet<About>, Problem> {
    let hazards: Vec<Id> = about.iter().copied().collect();
    let hazards = crate::hazards::store::read::among(conn, rights, &hazards)?;
    let visits: Vec<Id> = all.iter().filter(|one| one.entity == "inspection").map(|one| one.id).collect();
    let visits = crate::inspections::store::among(conn, rights, &visits)?;
    let reports: Vec<Id> = all.iter().filter(|one| one.entity == "report").map(|one| one.id).collect();
    let reports = crate::reports::store::read::among(conn, rights, &reports)?;
    let papers: Vec<Id> = all.iter().filter(|one| one.entity == "document").map(|one| one.id).collect();
    let papers = crate::documents::store::among(conn, rights, &papers)?;
    let reaches = rights.of(Permission::NoticeRead).reaches;
    let clusters: Vec<Id> =
        reaches.iter().filter(|reach| reach.org_kind == OrgKind::Cluster).map(|reach| reach.org_id).collect();
    let elsewhere =
        |one: &&About| !matches!(one.entity.as_str(), "hazard" | "inspection" | "report" | "document" | "user");
    let below: HashSet<Id> = if clusters.is_empty() || !all.iter().any(|one| elsewhere(&one)) {
        HashSet::new()
    } else {
        let below = org_closure::table.filter(org_closure::ancestor_id.eq_any(clusters));
        below.select(org_closure::descendant_id).load(conn)?.into_iter().collect()
    };
    let seen = |one: &&About| match one.entity.as_str() {
        "hazard" => hazards.contains(&one.id),
        "inspection" => visits.contains(&one.id),
        "report" => reports.contains(&one.id),
        "document" => papers.contains(&one.id),
        "user" => one.id == rights.user_id(),
        _ => reaches.iter().any(|reach| match reach.org_kind {
            OrgKind::Bureau => one.bureau_id == Some(reach.org_id),
            OrgKind::Cluster => one.org_id.is_some_and(|org| below.contains(&org)),
            OrgKind::School | OrgKind::Agency => one.org_id == Some(reach.org_id),
        }),
    };
    Ok(all.iter().filter(seen).cloned().collect())
}

fn hazards_among(all: &[About]) -> BTreeSet<Id> {
    all.iter().filter(|one| one.entity == "hazard").map(|one| one.id).collect()
}

/// Those of `entries` that are in sight.
fn visible(conn: &mut Conn, rights: &Rights, mut entries: Vec<Entry>) -> Result<Vec<Entry>, Problem> {
    let all: Vec<About> = entries.iter().map(Entry::about).collect();
    let seen = in_sight(conn, rights, &hazards_among(&all), &all)?;
    entries.retain(|entry| seen.contains(&entry.about()));
    Ok(entries)
}

macro_rules! narrowed {
    ($query:expr, $filter:expr) => {{
        let mut query = $query;
        match $filter.unread {
            Some(true) => query = query.filter(notice_recipients::read_at.is_null()),
            Some(false) => query = query.filter(notice_recipients::read_at.is_not_null()),
            None => {}
        }
        if let Some(kind) = $filter.kind {
            query = query.filter(notices::kind.eq(kind));
        }
        query
    }};
}

/// Rows looked at in one go: what is out of sight is rare, so that one go nearly always fills a page.
const LOOK: i64 = 201;

/// A page of what the caller was told and still sees.
///
/// # Errors
/// Whatever the engine says.
pub fn list(conn: &mut Conn, rights: &Rights, list: &List<Filter>) -> Result<Page<Entry>, Problem> {
    let wanted = usize::try_from(list.fetch()).unwrap_or(0);
    let mut found: Vec<Entry> = Vec::new();
    let mut after = list.after();
    loop {
        let rows = some(conn, rights.user_id(), list, after)?;
        let ended = i64::try_from(rows.len()).unwrap_or(0) < LOOK;
        after = rows.last().map(|last| (last.created_at, last.id));
        found.extend(visible(conn, rights, rows)?);
        if ended || found.len() >= wanted {
            break;
        }
    }
    found.truncate(wanted);
    let counted = if list.count { Some(count(conn, rights, &list.filter)?) } else { None };
    Ok(list.page(found, |entry| (entry.created_at, entry.id))?.counted(counted))
}

fn some(conn: &mut Conn, me: Id, list: &List<Filter>, after: After) -> Result<Vec<Entry>, Problem> {
    use notice_recipients as r;
    let mut query = narrowed!(
        r::table
            .inner_join(notices::table.on(notices::id.eq(r::notice_id)))
            .filter(r::user_id.eq(me))
            .select(COLUMNS)
            .limit(LOOK)
            .into_boxed::<MultiBackend>(),
        list.filter
    );
    if let Some((at, id)) = after {
        query = if list.ascending {
            query.filter(r::created_at.ge(at)).filter(r::created_at.gt(at).or(r::notice_id.gt(id)))
        } else {
            query.filter(r::created_at.le(at)).filter(r::created_at.lt(at).or(r::notice_id.lt(id)))
        };
    }
    Ok(if list.ascending {
        query.order((r::created_at.asc(), r::notice_id.asc())).load(conn)?
    } else {
        query.order((r::created_at.desc(), r::notice_id.desc())).load(conn)?
    })
}

type Group = (String, Id, Option<Id>, Option<Id>, i64);

/// How many notices of a filter are in sight.
fn count(conn: &mut Conn, rights: &Rights, filter: &Filter) -> Result<i64, Problem> {
    use notice_recipients as r;
    let columns = (notices::entity, notices::entity_id, notices::bureau_id, notices::org_id);
    let groups: Vec<Group> = narrowed!(
        r::table
            .inner_join(notices::table.on(notices::id.eq(r::notice_id)))
            .filter(r::user_id.eq(rights.user_id()))
            .group_by(columns)
            .select((notices::entity, notices::entity_id, notices::bureau_id, notices::org_id, count_star()))
            .into_boxed::<MultiBackend>(),
        filter
    )
    .load(conn)?;
    let counts: HashMap<About, i64> = groups
        .into_iter()
        .map(|(entity, id, bureau_id, org_id, count)| (About { entity, id, bureau_id, org_id }, count))
        .collect();
    let all: Vec<About> = counts.keys().cloned().collect();
    let seen = in_sight(conn, rights, &hazards_among(&all), &all)?;
    Ok(counts.iter().filter(|(about, _)| seen.contains(about)).map(|(_, count)| count).sum())
}

/// How many notices in sight wait to be read.
///
/// # Errors
/// Whatever the engine says.
pub fn unread(conn: &mut Conn, rights: &Rights) -> Result<i64, Problem> {
    count(conn, rights, &Filter::UNREAD)
}

/// Notices of the caller by their ids.
///
/// # Errors
/// 404 where one is absent, somebody else's, or about what is out of sight.
pub fn these(conn: &mut Conn, rights: &Rights, ids: &[Id]) -> Result<Vec<Entry>, Problem> {
    use notice_recipients as r;
    let wanted: BTreeSet<Id> = ids.iter().copied().collect();
    let entries: Vec<Entry> = r::table
        .inner_join(notices::table.on(notices::id.eq(r::notice_id)))
        .filter(r::user_id.eq(rights.user_id()))
        .filter(r::notice_id.eq_any(&wanted))
        .select(COLUMNS)
        .load(conn)?;
    let entries = visible(conn, rights, entries)?;
    if entries.len() == wanted.len() { Ok(entries) } else { Err(Problem::not_found()) }
}

/// What is to be marked as read.
#[derive(Debug, Clone)]
pub enum Marked {
    /// These.
    These(Vec<Id>),
    /// All in sight up to this instant.
    Until(Timestamp),
}

/// Notices marked in one statement: SQLite binds at most 32 766 values.
const MARKS: usize = 2_000;

/// What waits in sight and was told until an instant. What is out of sight nobody has read: it stays unread for the day
/// on which it comes back.
fn unread_until(conn: &mut Conn, rights: &Rights, at: Timestamp) -> Result<Vec<Id>, Problem> {
    use notice_recipients as r;
    type Told = (Id, (String, Id, Option<Id>, Option<Id>));
    let told: Vec<Told> = r::table
        .inner_join(notices::table.on(notices::id.eq(r::notice_id)))
        .filter(r::user_id.eq(rights.user_id()))
        .filter(r::read_at.is_null())
        .filter(r::created_at.le(at))
        .select((notices::id, (notices::entity, notices::entity_id, notices::bureau_id, notices::org_id)))
        .load(conn)?;
    let about = |(entity, id, bureau_id, org_id)| About { entity, id, bureau_id, org_id };
    let told: Vec<(Id, About)> = told.into_iter().map(|(notice, of)| (notice, about(of))).collect();
    let all: HashSet<About> = told.iter().map(|(_, about)| about.clone()).collect();
    let all: Vec<About> = all.into_iter().collect();
    let seen = in_sight(conn, rights, &hazards_among(&all), &all)?;
    Ok(told.into_iter().filter(|(_, about)| seen.contains(about)).map(|(notice, _)| notice).collect())
}

/// Marks the caller's own notices as read; the first time counts. Gives how many were unread, and the journal entry
/// where there were any: that somebody was told, and when it was read, may be asked for later.
///
/// # Errors
/// Whatever the engine says.
pub fn mark(tx: &mut Tx<'_>, rights: &Rights, marked: &Marked) -> Result<(usize, Option<Receipt>), Problem> {
    use notice_recipients as r;
    let me = rights.user_id();
    let (ids, payload) = match marked {
        Marked::These(ids) => (ids.clone(), json!({ "notice_ids": ids })),
        Marked::Until(at) => (unread_until(tx.conn, rights, *at)?, json!({ "until": at })),
    };
    let mut count = 0;
    for some in ids.chunks(MARKS) {
        count += diesel::update(r::table)
            .filter(r::user_id.eq(me))
            .filter(r::read_at.is_null())
            .filter(r::notice_id.eq_any(some))
            .set(r::read_at.eq(tx.now))
            .execute(tx.conn)?;
    }
    if count == 0 {
        return Ok((0, None));
    }
    let event = Event::of("user", me, "notices_read").stream(Stream::Accounts).with(payload);
    Ok((count, Some(tx.record(event)?)))
}
