//! Sums over what a phone should hold, by which it sees whether it does.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::collections::{Collection, Part, Sight};
use super::page::Page;
use crate::platform::db::Conn;
use crate::platform::db::types::Id;
use crate::platform::error::Problem;
use crate::platform::journal::is_behind;

/// Sums over the whole view, where nothing is left to tell and nothing under way that would make them differ. One who
/// asks again and again while nothing happens is told the same again, and the view is not read for it.
///
/// # Errors
/// Whatever the engine says.
pub fn check(conn: &mut Conn, sight: &Sight<'_>, page: &mut Page) -> Result<(), Problem> {
    let kept = page.state.sums.take();
    if page.has_more {
        return Ok(());
    }
    if let Some(sums) = kept.filter(|_| page.is_empty()) {
        if !is_behind(conn, page.state.place)? {
            page.checksums = told(&sums);
        }
        page.state.sums = Some(sums);
        return Ok(());
    }
    if is_behind(conn, page.state.place)? {
        return Ok(());
    }
    let mut sums = BTreeMap::new();
    for collection in page.state.collections.clone() {
        let rows = sight.ids(conn, collection, Part::All, None, i64::MAX)?;
        sums.insert(collection, checksum(collection, &rows));
    }
    // What others wrote while the view was read may be part of the sums.
    if !is_behind(conn, page.state.place)? {
        page.checksums = told(&sums);
        page.state.sums = Some(sums);
    }
    Ok(())
}

fn told(sums: &BTreeMap<Collection, Value>) -> BTreeMap<&'static str, Value> {
    sums.iter().map(|(collection, sum)| (collection.as_str(), sum.clone())).collect()
}

/// The number of rows, and the exclusive or over the first eight bytes of SHA-256 of `collection:id:version`, in hex.
#[must_use]
pub fn checksum(collection: Collection, rows: &[(Id, i64)]) -> Value {
    let mut x = [0_u8; 8];
    for (id, version) in rows {
        let hash = Sha256::digest(format!("{collection}:{id}:{version}").as_bytes());
        for (byte, other) in x.iter_mut().zip(hash.iter()) {
            *byte ^= other;
        }
    }
    let x: String = x.iter().map(|byte| format!("{byte:02x}")).collect();
    json!({"n": rows.len(), "x": x})
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::platform::ids::built_in;

    #[test]
    fn a_checksum_does_not_depend_on_the_order_and_moves_with_a_version() {
        let (a, b) = ((built_in("a"), 1), (built_in("b"), 2));
        assert_eq!(checksum(Collection::Sites, &[a, b]), checksum(Collection::Sites, &[b, a]));
        assert_ne!(checksum(Collection::Sites, &[a, b]), checksum(Collection::Sites, &[(a.0, 2), b]));
        assert_eq!(checksum(Collection::Sites, &[])["x"], "0000000000000000");
    }
}
