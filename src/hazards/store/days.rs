//! Policies and calendar of a bureau, loaded when a deadline has to be computed.

use chrono::{Datelike, NaiveDate};
use chrono_tz::Tz;
use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::catalogue::builtin;
use crate::hazards::calendar::{Calendar, Year};
use crate::hazards::deadline::{self, Deadline, RECHECK_WORKING_DAYS};
use crate::hazards::policy::{self, Case, DayKind, Policy};
use crate::hazards::status::{Level, Remedy, Source};
use crate::platform::db::Conn;
use crate::platform::db::schema::{calendar_years, deadline_policies};
use crate::platform::db::types::{Doc, Id, Timestamp};
use crate::platform::error::Problem;

/// One day of a calendar year.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NamedDay {
    /// The date.
    pub date: NaiveDate,
    /// What it is, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

/// The days of a year that differ from the week.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct YearDays {
    /// Off although they may be weekdays.
    pub holidays: Vec<NamedDay>,
    /// Weekend days worked in exchange.
    pub makeup_workdays: Vec<NamedDay>,
    /// School terms, in order.
    #[serde(default)]
    pub terms: Vec<Term>,
}

/// A school term; it says when schools teach and moves no deadline.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Term {
    /// What it is called.
    #[schema(example = "2026 春季学期", min_length = 1, max_length = 100)]
    pub name: String,
    /// Its first day.
    pub from: NaiveDate,
    /// Its last day.
    pub to: NaiveDate,
}

impl YearDays {
    fn year(&self) -> Year {
        let dates = |days: &[NamedDay]| days.iter().map(|day| day.date).collect();
        Year { off: dates(&self.holidays), worked: dates(&self.makeup_workdays) }
    }
}

/// The announced calendar that comes with the program.
fn built_in() -> Calendar {
    let known = builtin::holidays();
    Calendar::new(
        known.years.iter().copied(),
        known.holidays.iter().map(|day| day.date),
        known.makeup_workdays.iter().map(|day| day.date),
    )
}

/// The named days of a built-in year; nothing where it is not announced.
#[must_use]
pub fn built_in_year(year: i32) -> Option<YearDays> {
    let known = builtin::holidays();
    let named = |date: NaiveDate, name: &String| NamedDay { date, name: Some(name.clone()) };
    let off = known.holidays.iter().filter(|day| day.date.year() == year);
    let worked = known.makeup_workdays.iter().filter(|day| day.date.year() == year);
    known.years.contains(&year).then(|| YearDays {
        holidays: off.map(|day| named(day.date, &day.name_zh)).collect(),
        makeup_workdays: worked.map(|day| named(day.date, &day.holiday_zh)).collect(),
        terms: Vec::new(),
    })
}

/// The school terms of a bureau, in order; one that is told of in two years counts once.
///
/// # Errors
/// Whatever the engine says.
pub fn terms(conn: &mut Conn, bureau_id: Id) -> Result<Vec<Term>, Problem> {
    let years: Vec<Doc> = calendar_years::table
        .filter(calendar_years::bureau_id.eq(bureau_id))
        .select(calendar_years::days)
        .load(conn)?;
    let mut terms: Vec<Term> = years.iter().flat_map(|days| days.read::<YearDays>().terms).collect();
    terms.sort_by_key(|term| (term.from, term.to));
    terms.dedup_by_key(|term| term.from);
    Ok(terms)
}

/// What deadlines of one bureau are computed from.
#[derive(Debug)]
pub struct Days {
    policies: Vec<Policy>,
    calendar: Calendar,
    zone: Tz,
}

type PolicyRow = (Id, Option<Id>, Level, Option<String>, Option<Source>, Option<Remedy>, i32, DayKind);

impl Days {
    /// Loads them: two queries.
    ///
    /// # Errors
    /// Whatever the engine says.
    pub fn of(conn: &mut Conn, bureau_id: Id, zone: Tz) -> Result<Self, Problem> {
        let rows: Vec<PolicyRow> = deadline_policies::table
            .filter(deadline_policies::bureau_id.is_null().or(deadline_policies::bureau_id.eq(bureau_id)))
            .filter(deadline_policies::active.eq(true))
            .select((
                deadline_policies::id,
                deadline_policies::bureau_id,
                deadline_policies::level,
                deadline_policies::domain,
                deadline_policies::source,
                deadline_policies::remedy,
                deadline_policies::days,
                deadline_policies::day_kind,
            ))
            .load(conn)?;
        let policy = |(id, bureau, level, domain, source, remedy, days, day_kind): PolicyRow| Policy {
            id: id.0,
            own: bureau.is_some(),
            level,
            domain,
            source,
            remedy,
            days: u32::try_from(days).unwrap_or(0),
            day_kind,
        };
        let mut calendar = built_in();
        let years: Vec<(i32, Doc)> = calendar_years::table
            .filter(calendar_years::bureau_id.eq(bureau_id))
            .select((calendar_years::year, calendar_years::days))
            .load(conn)?;
        for (number, days) in years {
            calendar.replace(number, days.read::<YearDays>().year());
        }
        Ok(Self { policies: rows.into_iter().map(policy).collect(), calendar, zone })
    }

    /// The deadline of the policy that applies, with that policy.
    ///
    /// # Errors
    /// 500 where not even a built-in policy fits: they cover every level.
    pub fn due(&self, case: Case<'_>, now: Timestamp) -> Result<(Deadline, Id), Problem> {
        let policy = policy::choose(&self.policies, case)
            .ok_or_else(|| Problem::internal(format!("no deadline policy for level {}", case.level)))?;
        Ok((deadline::by_policy(now.utc(), policy, &self.calendar, self.zone), Id(policy.id)))
    }

    /// Until when the bureau has to recheck.
    #[must_use]
    pub fn recheck_due(&self, now: Timestamp) -> Deadline {
        deadline::after(now.utc(), RECHECK_WORKING_DAYS, DayKind::Working, &self.calendar, self.zone)
    }

    /// The end of the local day that lies so many working days ahead.
    #[must_use]
    pub fn working(&self, now: Timestamp, count: u32) -> Deadline {
        deadline::after(now.utc(), count, DayKind::Working, &self.calendar, self.zone)
    }

    /// The working days of the bureau.
    #[must_use]
    pub const fn calendar(&self) -> &Calendar {
        &self.calendar
    }
}
