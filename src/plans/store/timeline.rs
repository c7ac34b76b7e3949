//! The days of a plan: schedules, pauses, terms and working days, loaded once for any number of schools.

use chrono::{DateTime, Days, NaiveDate, Utc};
use chrono_tz::Tz;
use diesel::prelude::*;
use serde::Deserialize;

use super::changes::zone_of;
use super::record::PlanRow;
use crate::hazards::deadline::local_date;
use crate::hazards::store::days::{self, Days as Calendar};
use crate::plans::rules::{Occurrence, PlanStatus, Recurrence, Schedule, Window};
use crate::platform::db::Conn;
use crate::platform::db::schema::{plan_pauses, plan_schedules};
use crate::platform::db::types::{Doc, Timestamp};
use crate::platform::error::Problem;

/// How far back the occurrence may lie whose days are not over: a school year.
const LONGEST: Days = Days::new(400);

/// What the occurrences of one plan are computed from.
#[derive(Debug)]
pub struct Timeline {
    /// In which days begin and end.
    pub zone: Tz,
    once: Option<Occurrence>,
    segments: Vec<(NaiveDate, Recurrence)>,
    pauses: Vec<(DateTime<Utc>, Option<DateTime<Utc>>)>,
    terms: Vec<(NaiveDate, NaiveDate)>,
    calendar: Calendar,
    from: Option<NaiveDate>,
    to: Option<NaiveDate>,
    ended_at: Option<DateTime<Utc>>,
}

impl Timeline {
    /// Of a plan, in a fixed number of statements.
    ///
    /// # Errors
    /// Whatever the engine says; 500 for a schedule that cannot be read.
    pub fn of(conn: &mut Conn, row: &PlanRow) -> Result<Self, Problem> {
        let zone = zone_of(conn, row.org_id)?;
        let schedules: Vec<(NaiveDate, Doc)> = plan_schedules::table
            .filter(plan_schedules::plan_id.eq(row.id))
            .order(plan_schedules::from_on)
            .select((plan_schedules::from_on, plan_schedules::recurrence))
            .load(conn)?;
        let segments = schedules
            .into_iter()
            .map(|(from, doc)| Ok((from, Recurrence::deserialize(&doc.0).map_err(Problem::internal)?)))
            .collect::<Result<_, Problem>>()?;
        let pauses: Vec<(Timestamp, Option<Timestamp>)> = plan_pauses::table
            .filter(plan_pauses::plan_id.eq(row.id))
            .select((plan_pauses::from_at, plan_pauses::to_at))
            .load(conn)?;
        let terms = days::terms(conn, row.bureau_id)?;
        let until = row.to_on.unwrap_or(row.from_on);
        Ok(Self {
            zone,
            once: (!row.recurring).then_some(Occurrence { on: row.from_on, until }),
            segments,
            pauses: pauses.into_iter().map(|(from, to)| (from.utc(), to.map(Timestamp::utc))).collect(),
            terms: terms.into_iter().map(|term| (term.from, term.to)).collect(),
            calendar: Calendar::of(conn, row.bureau_id, zone)?,
            from: row.activated_at.map(|at| local_date(at.utc(), zone).max(row.from_on)),
            to: row.to_on,
            ended_at: row.ended_at.filter(|_| row.status == PlanStatus::Ended).map(Timestamp::utc),
        })
    }

    /// The occurrences whose day lies within these days; of a plan that happens once, that one.
    #[must_use]
    pub fn occurrences(&self, from: NaiveDate, to: NaiveDate) -> Vec<Occurrence> {
        if let Some(once) = self.once {
            return if once.on <= to && once.until >= from { vec![once] } else { Vec::new() };
        }
        // Nothing recurs before the plan is in force.
        let Some(first) = self.from else { return Vec::new() };
        let schedule = Schedule {
            segments: &self.segments,
            from: first,
            to: self.to,
            terms: &self.terms,
            calendar: self.calendar.calendar(),
        };
        let mut all = schedule.occurrences(from, to);
        all.retain(|one| self.ended_at.is_none_or(|end| self.window(*one).opens <= end));
        all
    }

    /// The instants of an occurrence.
    #[must_use]
    pub fn window(&self, occurrence: Occurrence) -> Window {
        Window::of(occurrence, self.zone)
    }

    /// Whether the plan was paused when the day began; what happens once is asked whatever the pauses.
    #[must_use]
    pub fn is_paused(&self, window: Window) -> bool {
        self.once.is_none() && window.is_paused(&self.pauses)
    }

    /// The latest occurrence that has begun; of a plan that happens once, that one.
    #[must_use]
    pub fn latest(&self, now: Timestamp) -> Option<Occurrence> {
        let today = local_date(now.utc(), self.zone);
        self.once.or_else(|| self.occurrences(today - LONGEST, today).pop())
    }

    /// The occurrences that have begun, are not over and not skipped.
    #[must_use]
    pub fn current(&self, now: Timestamp) -> Vec<Occurrence> {
        let today = local_date(now.utc(), self.zone);
        let mut all = self.occurrences(today - LONGEST, today);
        all.retain(|one| one.until >= today && !self.is_paused(self.window(*one)));
        all
    }
}
