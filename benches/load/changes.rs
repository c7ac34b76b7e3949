//! What happened while a phone was away.

use std::sync::Arc;

use anxiao::platform::clock::SystemClock;
use anxiao::platform::db::schema::hazards;
use anxiao::platform::db::types::Id;
use anxiao::platform::db::{DatabaseUrl, Db, DbOptions, Work};
use anxiao::platform::ids::SeededIds;
use anxiao::platform::journal::Event;
use anyhow::{Result, anyhow};
use diesel::prelude::*;

use crate::district::{District, Kind};
use crate::fill::CHUNK;

/// Changes the latest `count` hazards, each with its journal entry.
pub fn change(url: &DatabaseUrl, district: &District, count: u64) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    let options = DbOptions { read_lanes: 1, write_lanes: 1, ..DbOptions::default() };
    let db = Db::start(url, &options, Arc::new(SystemClock), Arc::new(SeededIds::new(2)), 1)?;
    let numbers: Vec<u64> = (district.hazards.saturating_sub(count)..district.hazards).collect();
    let district = Arc::new(district.clone());
    for chunk in numbers.chunks(CHUNK) {
        let (chunk, district) = (chunk.to_vec(), Arc::clone(&district));
        let changed = db.write(Work::default(), move |tx| {
            let ids: Vec<Id> = chunk.iter().map(|n| district.hazard(*n)).collect();
            diesel::update(hazards::table.filter(hazards::id.eq_any(ids)))
                .set((hazards::version.eq(hazards::version + 1), hazards::updated_at.eq(tx.now)))
                .execute(tx.conn)?;
            let mut receipt = tx.record(Event::of("org", district.bureau, "filled"))?;
            for n in &chunk {
                let school = district.id(Kind::School, district.school_of(*n));
                receipt = tx.record(Event::of("hazard", district.hazard(*n), "edit").at(district.bureau, school))?;
            }
            Ok(receipt.with(()))
        });
        runtime.block_on(changed).map_err(|problem| anyhow!("{problem}"))?;
    }
    Ok(())
}
