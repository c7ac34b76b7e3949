//! The ledgers, as pages and as files.

use anxiao::access::Permission as P;

use crate::matrix::row::{Case, Row, get, row};
use crate::matrix::world::{ORGS, org_of};

fn page(case: &Case<'_>, ledger: &str) -> crate::matrix::row::Ask {
    get(format!("/ledgers/{ledger}?org_id={}", org_of(case.place)))
}

/// Each ledger, as page and as file.
pub fn rows() -> Vec<Row> {
    vec![
        row("GET /ledgers/hazards", &[P::HazardRead], |case| page(case, "hazards")).at(ORGS).limits_met(),
        row("GET /ledgers/problems", &[P::HazardRead], |case| page(case, "problems")).at(ORGS).limits_met(),
        row("GET /ledgers/responsibilities", &[P::HazardRead], |case| page(case, "responsibilities"))
            .at(ORGS)
            .limits_met(),
        row("GET /ledgers/rectifications", &[P::HazardRead], |case| page(case, "rectifications")).at(ORGS).limits_met(),
        row("GET /ledgers/results", &[P::HazardRead], |case| page(case, "results")).at(ORGS).limits_met(),
        row("GET /ledgers/{ledger}/export", &[P::Export], |case| {
            let ledgers = ["hazards", "problems", "responsibilities", "rectifications", "results"];
            let format = if case.number % 2 == 0 { "csv" } else { "xlsx" };
            let ledger = ledgers[case.number % ledgers.len()];
            get(format!("/ledgers/{ledger}/export?format={format}&org_id={}", org_of(case.place)))
        })
        .at(ORGS)
        .limits_met(),
    ]
}
