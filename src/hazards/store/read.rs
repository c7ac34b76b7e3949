//! Reading hazards through the scope of the caller.

use std::collections::{HashMap, HashSet};

use chrono::NaiveDate;
use chrono_tz::Tz;
use diesel::dsl::{exists, not, sql};
use diesel::prelude::*;
use diesel::sql_types::{Bool, Nullable};
use serde::{Deserialize, Deserializer};
use utoipa::IntoParams;

use super::people;
use super::row::{Round, Row};
use crate::access::{Limit, Permission, Reach, Rights};
use crate::hazards::deadline;
use crate::hazards::status::{Colour, Level, Source, Status};
use crate::orgs::rules::OrgKind;
use crate::platform::db::schema::{
    hazard_extensions, hazard_listings, hazard_people, hazard_rounds, hazard_suspensions, hazards, inspection_team,
    org_closure, orgs,
};
use crate::platform::db::types::{Id, Timestamp};
use crate::platform::db::{Conn, MultiBackend};
use crate::platform::error::Problem;
use crate::platform::http::list::COUNT_LIMIT;
use crate::platform::http::{List, Page};
use crate::{in_reach, keyset};

/// A condition on hazards.
pub type Condition = Box<dyn BoxableExpression<hazards::table, MultiBackend, SqlType = Nullable<Bool>>>;

/// The zones of bureaus.
pub type Zones = HashMap<Id, Tz>;

/// The zone of a name; the bureau's is checked when it is set, so another is Shanghai.
#[must_use]
pub fn zone(name: &str) -> Tz {
    name.parse().unwrap_or(chrono_tz::Asia::Shanghai)
}

/// The zones of bureaus, in one query.
///
/// # Errors
/// Whatever the engine says.
pub fn zones(conn: &mut Conn, bureaus: &[Id]) -> Result<Zones, Problem> {
    // Nearly everybody has one bureau; a list of ids is a statement that is never kept prepared.
    let found: Vec<(Id, String)> = match bureaus {
        [] => Vec::new(),
        [one] => orgs::table.find(*one).select((orgs::id, orgs::time_zone)).load(conn)?,
        many => orgs::table.filter(orgs::id.eq_any(many)).select((orgs::id, orgs::time_zone)).load(conn)?,
    };
    Ok(found.into_iter().map(|(id, name)| (id, zone(&name))).collect())
}

/// The zone of one bureau.
///
/// # Errors
/// Whatever the engine says.
pub fn zone_of(conn: &mut Conn, bureau_id: Id) -> Result<Tz, Problem> {
    let name: String = orgs::table.find(bureau_id).select(orgs::time_zone).first(conn)?;
    Ok(zone(&name))
}

/// What one reach of `hazard.read` shows.
fn seen_through(reach: &Reach, me: Id) -> Option<Condition> {
    let mine = || inspection_team::table.filter(inspection_team::user_id.eq(me)).select(inspection_team::inspection_id);
    let inside: Condition = Box::new(in_reach!(hazards, reach).nullable());
    let inside: Condition = match &reach.domains {
        Some(domains) => Box::new(inside.and(hazards::domain.eq_any(domains.clone()).nullable())),
        None => inside,
    };
    let named = || hazards::responsible_user_id.eq(me).or(hazards::reported_by.eq(me).nullable());
    Some(match reach.limit {
        Limit::Full => inside,
        Limit::NamedOrAwaiting => Box::new(
            inside.and(
                named()
                    .or(hazards::inspection_id.eq_any(mine().nullable()))
                    .or(hazards::status.eq(Status::AwaitingRecheck).nullable())
                    .or(diesel::dsl::exists(
                        hazard_people::table
                            .filter(hazard_people::hazard_id.eq(hazards::id))
                            .filter(hazard_people::user_id.eq(me)),
                    )
                    .nullable()),
            ),
        ),
        Limit::OwnReports => Box::new(
            inside.and(hazards::reported_by.eq(me).nullable().or(hazards::inspection_id.eq_any(mine().nullable()))),
        ),
        Limit::Named => Box::new(inside.and(named())),
        _ => return None,
    })
}

/// What the caller sees at all; nothing for nobody.
#[must_use]
pub fn sight(rights: &Rights) -> Option<Condition> {
    let scope = rights.of(Permission::HazardRead);
    let me = rights.user_id();
    scope.reaches.iter().filter_map(|reach| seen_through(reach, me)).reduce(|one, other| Box::new(one.or(other)))
}

/// One hazard, if the caller sees it.
///
/// # Errors
/// 404 where it is absent or out of sight.
pub fn one(conn: &mut Conn, rights: &Rights, id: Id) -> Result<Row, Problem> {
    let sight = sight(rights).ok_or_else(Problem::not_found)?;
    Ok(hazards::table.filter(hazards::id.eq(id)).filter(sight).select(Row::as_select()).first(conn)?)
}

/// Ids of one statement: SQLite binds at most 32 766 values.
const IDS: usize = 1_000;

/// Which of these the caller sees.
///
/// # Errors
/// Whatever the engine says.
pub fn among(conn: &mut Conn, rights: &Rights, ids: &[Id]) -> Result<HashSet<Id>, Problem> {
    let mut seen = HashSet::new();
    for some in ids.chunks(IDS) {
        let Some(sight) = sight(rights) else { break };
        // Compared, the condition is no way to find rows: SQLite would else find the whole bureau for a few dozen ids.
        let found: Vec<Id> =
            hazards::table.filter(hazards::id.eq_any(some)).filter(sight.eq(true)).select(hazards::id).load(conn)?;
        seen.extend(found);
    }
    Ok(seen)
}

/// As [`one`], and on PostgreSQL nobody else changes it until this transaction ends.
///
/// # Errors
/// As [`one`].
pub fn one_to_change(conn: &mut Conn, rights: &Rights, id: Id) -> Result<Row, Problem> {
    if let Conn::Postgres(postgres) = conn {
        let _: Option<Id> = hazards::table.find(id).select(hazards::id).for_update().first(postgres).optional()?;
    }
    one(conn, rights, id)
}

/// Those of these hazards that the caller sees, in the order of their ids; on PostgreSQL nobody else changes them until
/// this transaction ends. Locks are taken by id, so that two such calls never wait for each other in a circle.
///
/// # Errors
/// Whatever the engine says.
pub fn some_to_change(conn: &mut Conn, rights: &Rights, ids: &[Id]) -> Result<Vec<Row>, Problem> {
    if let Conn::Postgres(postgres) = conn {
        let _: Vec<Id> = hazards::table
            .filter(hazards::id.eq_any(ids))
            .order(hazards::id)
            .select(hazards::id)
            .for_update()
            .load(postgres)?;
    }
    let Some(sight) = sight(rights) else { return Ok(Vec::new()) };
    let query = hazards::table.filter(hazards::id.eq_any(ids.to_vec())).filter(sight);
    Ok(query.order(hazards::id).select(Row::as_select()).load(conn)?)
}

/// The rounds of a hazard, oldest first.
///
/// # Errors
/// Whatever the engine says.
pub fn rounds(conn: &mut Conn, id: Id) -> Result<Vec<Round>, Problem> {
    Ok(hazard_rounds::table
        .filter(hazard_rounds::hazard_id.eq(id))
        .order(hazard_rounds::round)
        .select(Round::as_select())
        .load(conn)?)
}

/// A bound of a filter: a business day, or an instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// The whole local day belongs to the range.
    Day(NaiveDate),
    /// The instant belongs to the range.
    Instant(Timestamp),
}

impl Moment {
    fn first(self, zone: Tz) -> Timestamp {
        match self {
            Self::Day(date) => deadline::start_of_day(date, zone).into(),
            Self::Instant(at) => at,
        }
    }

    fn last(self, zone: Tz) -> Timestamp {
        match self {
            Self::Day(date) => deadline::end_of_day(date, zone).into(),
            Self::Instant(at) => at,
        }
    }
}

impl<'de> Deserialize<'de> for Moment {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        use chrono::Datelike;
        let text = String::deserialize(deserializer)?;
        let day = text.parse().ok().filter(|day: &NaiveDate| (2000..=2100).contains(&day.year()));
        day.map(Self::Day)
            .or_else(|| Timestamp::parse(&text).map(Self::Instant))
            .ok_or_else(|| serde::de::Error::custom("expected a date or an RFC 3339 time"))
    }
}

/// Filters of the list of hazards; days are those of the bureau's zone, both ends belong to the range.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Filter {
    /// Where it stands.
    status: Option<Status>,
    /// One of the ten.
    category: Option<String>,
    /// The second axis.
    domain: Option<String>,
    /// General or major.
    level: Option<Level>,
    /// Where it came from.
    source: Option<Source>,
    /// Of this organisation.
    #[param(value_type = Option<String>, format = Uuid)]
    pub(super) org_id: Option<Id>,
    /// Of this organisation and all below it.
    #[param(value_type = Option<String>, format = Uuid)]
    pub(super) under: Option<Id>,
    /// Past its deadline and not reported done; `false` for all others.
    overdue: Option<bool>,
    /// Due on this day (or at this instant) or before.
    #[param(value_type = Option<String>, example = "2026-03-31")]
    due_before: Option<Moment>,
    /// Due on this day (or at this instant) or after.
    #[param(value_type = Option<String>, example = "2026-03-01")]
    due_after: Option<Moment>,
    /// Registered on this day (or at this instant) or after.
    #[param(value_type = Option<String>, example = "2026-03-01")]
    from: Option<Moment>,
    /// Registered on this day (or at this instant) or before.
    #[param(value_type = Option<String>, example = "2026-03-31")]
    to: Option<Moment>,
    /// Found by this inspection.
    #[param(value_type = Option<String>, format = Uuid)]
    inspection_id: Option<Id>,
    /// Text in number, title or description.
    q: Option<String>,
    /// How pressing it is now.
    warning: Option<Colour>,
    /// Put right by this person.
    #[param(value_type = Option<String>, format = Uuid)]
    responsible_user_id: Option<Id>,
    /// An earlier hazard come back, by somebody's word.
    recurrence: Option<bool>,
    /// Under supervised listing.
    listed: Option<bool>,
    /// A stop of use is in force.
    suspended: Option<bool>,
    /// More time is asked for and nothing decided.
    extension_pending: Option<bool>,
}

/// The zone in which the days of a filter are meant: that of the first bureau of the caller.
///
/// # Errors
/// Whatever the engine says.
pub fn zones_of(conn: &mut Conn, rights: &Rights) -> Result<Zones, Problem> {
    zones(conn, &rights.of(Permission::HazardRead).bureaus())
}

/// Every id in a filter names something in sight, or the answer is 404. Gives the filter with `under` a school, which
/// has nothing below it, turned into `org_id`.
pub(super) fn check_ids(conn: &mut Conn, rights: &Rights, filter: &Filter) -> Result<Filter, Problem> {
    let mut filter = filter.clone();
    let scope = rights.of(Permission::HazardRead);
    if let Some(org) = filter.org_id {
        scope.org(conn, org)?;
    }
    if let Some(under) = filter.under {
        let leaf = matches!(scope.org(conn, under)?.kind, OrgKind::School | OrgKind::Agency);
        if leaf && filter.org_id.is_none() {
            (filter.org_id, filter.under) = (filter.under, None);
        }
    }
    if let Some(person) = filter.responsible_user_id {
        people::must_be_known(conn, rights, person)?;
    }
    if let Some(inspection) = filter.inspection_id {
        crate::inspections::store::seen(conn, rights, inspection)?;
    }
    Ok(filter)
}

/// A page of what the caller sees.
///
/// # Errors
/// 404 where a filter names what is out of sight; whatever the engine says.
pub fn list(
    conn: &mut Conn,
    rights: &Rights,
    list: &List<Filter>,
    zone: Tz,
    now: Timestamp,
) -> Result<Page<Row>, Problem> {
    let filter = check_ids(conn, rights, &list.filter)?;
    let Some(filtered) = filtered(rights, &filter, zone, now) else {
        return list.page(Vec::new(), |row: &Row| (row.created_at, row.id));
    };
    let query = hazards::table.filter(filtered).select(Row::as_select()).into_boxed::<MultiBackend>();
    let rows: Vec<Row> = keyset!(query, hazards, list).load(conn)?;
    let counted = match (list.count, self::filtered(rights, &filter, zone, now)) {
        (true, Some(filtered)) => {
            let some: Vec<Id> =
                hazards::table.filter(filtered).select(hazards::id).limit(COUNT_LIMIT + 1).load(conn)?;
            i64::try_from(some.len()).ok()
        }
        _ => None,
    };
    Ok(list.page(rows, |row| (row.created_at, row.id))?.counted(counted))
}

pub(super) fn filtered(rights: &Rights, filter: &Filter, zone: Tz, now: Timestamp) -> Option<Condition> {
    let mut all = sight(rights)?;
    macro_rules! and {
        ($condition:expr) => {
            all = Box::new(all.and($condition))
        };
    }
    if let Some(status) = filter.status {
        and!(hazards::status.eq(status).nullable());
    }
    if let Some(category) = &filter.category {
        and!(hazards::category.eq(category.clone()).nullable());
    }
    if let Some(domain) = &filter.domain {
        and!(hazards::domain.eq(domain.clone()).nullable());
    }
    if let Some(level) = filter.level {
        and!(hazards::level.eq(level).nullable());
    }
    if let Some(source) = filter.source {
        and!(hazards::source.eq(source).nullable());
    }
    if let Some(org) = filter.org_id {
        and!(hazards::org_id.eq(org).nullable());
    }
    if let Some(org) = filter.under {
        let below = org_closure::table.filter(org_closure::ancestor_id.eq(org)).select(org_closure::descendant_id);
        and!(hazards::org_id.eq_any(below).nullable());
    }
    if let Some(inspection) = filter.inspection_id {
        and!(hazards::inspection_id.eq(inspection));
    }
    if let Some(from) = filter.from {
        and!(hazards::created_at.ge(from.first(zone)).nullable());
    }
    if let Some(to) = filter.to {
        and!(hazards::created_at.le(to.last(zone)).nullable());
    }
    if let Some(after) = filter.due_after {
        and!(hazards::due_at.ge(after.first(zone)));
    }
    if let Some(before) = filter.due_before {
        and!(hazards::due_at.le(before.last(zone)));
    }
    // As literals: bound values would not let SQLite use the partial index `hazards_by_bureau_open`.
    let clock_runs = || sql::<Nullable<Bool>>("hazards.status IN ('issued', 'rectifying')");
    match filter.overdue {
        Some(true) => and!(clock_runs().and(hazards::due_at.lt(now))),
        Some(false) => {
            and!(
                sql::<Nullable<Bool>>("hazards.status NOT IN ('issued', 'rectifying')")
                    .or(hazards::due_at.is_null().nullable())
                    .or(hazards::due_at.ge(now))
            )
        }
        None => {}
    }
    if let Some(text) = &filter.q {
        let escaped = text.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_");
        let like = format!("%{escaped}%");
        and!(
            hazards::title
                .like(like.clone())
                .escape('\\')
                .or(hazards::number.like(like.clone()).escape('\\'))
                .or(hazards::description.like(like).escape('\\'))
                .nullable()
        );
    }
    if let Some(colour) = filter.warning {
        and!(shines(colour, zone, now));
    }
    if let Some(person) = filter.responsible_user_id {
        and!(hazards::responsible_user_id.eq(person));
    }
    if let Some(recurs) = filter.recurrence {
        and!(hazards::recurrence_of.is_not_null().eq(recurs).nullable());
    }
    // The rows beside the hazard say what its marks say, and they have an index.
    macro_rules! stands {
        ($asked:expr, $table:ident, $open:expr) => {
            if let Some(asked) = $asked {
                let rows = $table::table.filter($table::hazard_id.eq(hazards::id)).filter($open);
                if asked {
                    and!(exists(rows).nullable());
                } else {
                    and!(not(exists(rows)).nullable());
                }
            }
        };
    }
    stands!(filter.listed, hazard_listings, hazard_listings::delisted_at.is_null());
    stands!(filter.suspended, hazard_suspensions, hazard_suspensions::lifted_at.is_null());
    stands!(filter.extension_pending, hazard_extensions, hazard_extensions::status.eq("pending"));
    Some(all)
}

/// What shows this colour now: the same bounds by which a single record is coloured.
fn shines(colour: Colour, zone: Tz, now: Timestamp) -> Condition {
    let within = |level: Level| -> Condition {
        let of_level: Condition = Box::new(hazards::level.eq(level).nullable());
        let Some((from, until)) = deadline::due_range(colour, level, now.utc(), zone) else {
            return Box::new(of_level.and(sql::<Nullable<Bool>>("1 = 0")));
        };
        let from: Condition = match from {
            Some(from) => Box::new(hazards::due_at.ge(Timestamp::from(from))),
            None => Box::new(hazards::due_at.is_not_null().nullable()),
        };
        let until: Condition = match until {
            Some(until) => Box::new(hazards::due_at.lt(Timestamp::from(until))),
            None => Box::new(hazards::due_at.is_not_null().nullable()),
        };
        Box::new(of_level.and(from).and(until))
    };
    let ranges = within(Level::General).or(within(Level::Major));
    if colour == Colour::None {
        return Box::new(
            sql::<Nullable<Bool>>("hazards.status NOT IN ('issued', 'rectifying')")
                .or(hazards::due_at.is_null().nullable())
                .or(ranges),
        );
    }
    Box::new(sql::<Nullable<Bool>>("hazards.status IN ('issued', 'rectifying')").and(ranges))
}
