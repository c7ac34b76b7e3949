//! The people of the district, doing one thing after the other in the order of time.

use std::collections::BTreeMap;

use serde_json::Value;

use super::term::Term;
use crate::access::caller::{self, Caller};
use crate::access::{OrgRef, Permission, Rights};
use crate::hazards::body::TransitionBody;
use crate::hazards::store::{Row, read, transition};
use crate::platform::db::types::{Id, Timestamp};
use crate::platform::db::{Tx, Work};
use crate::platform::error::Problem;

/// A school with what stories need of it.
#[derive(Debug, Clone)]
pub struct School {
    /// The organisation.
    pub org: OrgRef,
    /// Its place in the list, from 1; its people's names end with it.
    pub number: usize,
    /// The supervisor of its cluster.
    pub supervisor: &'static str,
    /// Its places.
    pub sites: Vec<Id>,
}

impl School {
    /// User name of the principal.
    #[must_use]
    pub fn principal(&self) -> String {
        format!("principal{}", self.number)
    }

    /// User name of the safety officer.
    #[must_use]
    pub fn officer(&self) -> String {
        format!("officer{}", self.number)
    }
}

type Step = Box<dyn FnOnce(&mut World, &mut Tx<'_>) -> Result<(), Problem>>;

/// The district while its story is told.
pub struct World {
    /// The days.
    pub term: Term,
    /// The bureau.
    pub bureau: OrgRef,
    /// The schools, in the order of their numbers.
    pub schools: Vec<School>,
    /// Stories told so far; the next one follows from it.
    pub told: usize,
    people: BTreeMap<String, Caller>,
    steps: BTreeMap<(Timestamp, usize), Step>,
    planned: usize,
}

impl World {
    /// Before anybody has done anything.
    #[must_use]
    pub fn new(term: Term, bureau: OrgRef) -> Self {
        Self { term, bureau, schools: Vec::new(), told: 0, people: BTreeMap::new(), steps: BTreeMap::new(), planned: 0 }
    }

    /// Somebody who exists from now on.
    ///
    /// # Errors
    /// Whatever the engine says.
    pub fn introduce(&mut self, tx: &mut Tx<'_>, id: Id, username: &str, display_name: &str) -> Result<(), Problem> {
        let caller = Caller {
            user_id: id,
            session_id: id,
            device: None,
            username: username.to_owned(),
            display_name: display_name.to_owned(),
            must_change_password: false,
            rights_version: 1,
            memberships: caller::memberships_of(tx.conn, id)?,
        };
        self.people.insert(username.to_owned(), caller);
        Ok(())
    }

    /// How many people there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.people.len()
    }

    /// A school by its place in the list, from 0, round and round.
    ///
    /// # Errors
    /// 500 where there is none at all.
    pub fn school(&self, place: usize) -> Result<&School, Problem> {
        let place = place.checked_rem(self.schools.len()).unwrap_or(0);
        self.schools.get(place).ok_or_else(|| Problem::internal("no school"))
    }

    /// The id of somebody.
    ///
    /// # Errors
    /// 500 for a name nobody has.
    pub fn person(&self, username: &str) -> Result<Id, Problem> {
        let known = self.people.get(username).map(|caller| caller.user_id);
        known.ok_or_else(|| Problem::internal(format!("nobody is called {username}")))
    }

    /// Has somebody do something now, with that person's rights. `asking` are the permissions of the function called.
    ///
    /// # Errors
    /// Whatever `f` says, with the name of who was refused.
    pub fn has<T>(
        &self,
        tx: &mut Tx<'_>,
        username: &str,
        asking: &'static [Permission],
        f: impl FnOnce(&mut Tx<'_>, &Rights) -> Result<T, Problem>,
    ) -> Result<T, Problem> {
        let caller = self.people.get(username).cloned();
        let caller = caller.ok_or_else(|| Problem::internal(format!("nobody is called {username}")))?;
        let work = Work { actor: Some(caller.user_id), ..Work::default() };
        let now = tx.now;
        let rights = Rights::of_caller(caller, now).asking(asking);
        f(&mut tx.acting(&work, now), &rights).map_err(|problem| {
            let told: Vec<String> = problem.errors.iter().map(|e| format!("{} {}", e.pointer, e.code)).collect();
            let cause = format!("{username}: {problem} [{}]", told.join(", "));
            problem.cause(cause)
        })
    }

    /// Puts a step into the story; what would lie ahead of the date is left out.
    pub fn at(
        &mut self,
        (back, hour): (i64, u32),
        step: impl FnOnce(&mut Self, &mut Tx<'_>) -> Result<(), Problem> + 'static,
    ) {
        let spread = u32::try_from(self.planned % 60).unwrap_or(0);
        if let Some(at) = self.term.at(back, hour, spread) {
            self.planned += 1;
            self.steps.insert((at, self.planned), Box::new(step));
        }
    }

    /// Has somebody move a hazard later on. `fields` are those of the action; deadlines in it are [`Self::due`]'s.
    pub fn moves(&mut self, when: (i64, u32), username: &str, hazard: Id, fields: Value) {
        let username = username.to_owned();
        self.at(when, move |world, tx| world.moves_now(tx, &username, hazard, fields).map(drop));
    }

    fn moves_now(&self, tx: &mut Tx<'_>, username: &str, hazard: Id, fields: Value) -> Result<Row, Problem> {
        self.has(tx, username, &[Permission::HazardRead], |tx, rights| {
            let row = read::one_to_change(tx.conn, rights, hazard)?;
            let body: TransitionBody = serde_json::from_value(fields).map_err(Problem::internal)?;
            let request = body.request(tx.now)?;
            let zone = read::zone_of(tx.conn, row.bureau_id)?;
            let (row, _) = transition::transition(tx, rights, &row, request, zone).map_err(|problem| {
                let cause = format!("{} {} from {}: {problem}", body.action, row.number, row.status);
                problem.cause(cause)
            })?;
            Ok(row)
        })
    }

    /// The end of work, `days` calendar days after the `back`th working day.
    #[must_use]
    pub fn due(&self, back: i64, days: i64) -> Timestamp {
        let day = self.term.at(back, 18, 0).unwrap_or_else(|| self.term.beginning());
        day + chrono::TimeDelta::days(days)
    }

    /// Carries everything out, in the order of time.
    ///
    /// # Errors
    /// The first refusal: the story is wrong then.
    pub fn run(&mut self, tx: &mut Tx<'_>) -> Result<(), Problem> {
        let beginning = tx.now;
        while let Some(((at, _), step)) = self.steps.pop_first() {
            tx.now = at;
            step(self, tx)?;
        }
        tx.now = beginning.max(self.term.at(1, 23, 0).unwrap_or(beginning));
        Ok(())
    }
}
