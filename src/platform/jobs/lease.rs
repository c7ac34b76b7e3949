//! A lease: a row that says which node does a timer's work until when. It saves the others the work; it proves nothing,
//! since clocks differ and a node may sleep past its end. What must happen once has a unique key of its own.

use chrono::TimeDelta;
use diesel::prelude::*;

use crate::on_conn;
use crate::platform::db::schema::leases;
use crate::platform::db::types::{Id, Timestamp};
use crate::platform::db::{Commit, Db, Tx, Work};
use crate::platform::error::Problem;

/// One node's claim to a timer's work.
#[derive(Debug, Clone)]
pub struct Lease {
    name: &'static str,
    holder: Id,
    span: TimeDelta,
}

/// Whether the lease is this node's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Until this instant.
    Held(Timestamp),
    /// Another node has it.
    Elsewhere,
}

impl Lease {
    /// A claim that is not taken yet; `holder` is this node for as long as it runs, `span` how long the lease stands
    /// without being renewed.
    #[must_use]
    pub const fn new(name: &'static str, holder: Id, span: TimeDelta) -> Self {
        Self { name, holder, span }
    }

    /// When what was renewed at `now` should be renewed again: at half its span.
    #[must_use]
    pub fn renew_at(&self, now: Timestamp) -> Timestamp {
        now + self.span / 2
    }

    /// Takes the lease where it is free, run out, or this node's already.
    ///
    /// # Errors
    /// Whatever the engine says.
    pub async fn take(&self, db: &Db) -> Result<Standing, Problem> {
        let lease = self.clone();
        db.write(Work::default(), move |tx| {
            let until = tx.now + lease.span;
            let mine = leases::holder.eq(lease.holder).or(leases::until.le(tx.now));
            let mut taken = diesel::update(leases::table.find(lease.name))
                .filter(mine)
                .set((leases::holder.eq(lease.holder), leases::until.eq(until)))
                .execute(tx.conn)?;
            if taken == 0 {
                let row = (leases::name.eq(lease.name), leases::holder.eq(lease.holder), leases::until.eq(until));
                taken = on_conn!(&mut *tx.conn, conn => diesel::insert_into(leases::table)
                    .values(row)
                    .on_conflict(leases::name)
                    .do_nothing()
                    .execute(conn)?);
            }
            Ok(if taken == 0 { Commit::unchanged(Standing::Elsewhere) } else { Commit::upkeep(Standing::Held(until)) })
        })
        .await
    }

    /// Renews it inside a write that is only worth doing while the lease is this node's.
    ///
    /// # Errors
    /// Whatever the engine says.
    pub fn renew(&self, tx: &mut Tx<'_>) -> Result<Standing, Problem> {
        let until = tx.now + self.span;
        let renewed = diesel::update(leases::table.find(self.name))
            .filter(leases::holder.eq(self.holder))
            .set(leases::until.eq(until))
            .execute(tx.conn)?;
        Ok(if renewed == 0 { Standing::Elsewhere } else { Standing::Held(until) })
    }

    /// Gives it back, so that the next node need not wait for its end.
    ///
    /// # Errors
    /// Whatever the engine says.
    pub async fn release(&self, db: &Db) -> Result<(), Problem> {
        let lease = self.clone();
        db.write(Work::default(), move |tx| {
            let free = diesel::update(leases::table.find(lease.name))
                .filter(leases::holder.eq(lease.holder))
                .set(leases::until.eq(tx.now))
                .execute(tx.conn)?;
            Ok(if free == 0 { Commit::unchanged(()) } else { Commit::upkeep(()) })
        })
        .await
    }
}
