//! Reading and writing monthly reports; everything read goes through the scope of the caller.

pub mod ledger;
pub mod overview;
pub mod reports;
pub mod submit;
pub mod terms;
pub mod view;

use diesel::prelude::*;
use diesel::sql_types::Bool;

use crate::platform::db::MultiBackend;
use crate::platform::db::schema::org_closure;
use crate::platform::db::types::Id;

/// A condition on a table.
type Condition<T> = Box<dyn BoxableExpression<T, MultiBackend, SqlType = Bool>>;

#[diesel::dsl::auto_type]
fn below(ancestor: Id) -> _ {
    org_closure::table.filter(org_closure::ancestor_id.eq(ancestor)).select(org_closure::descendant_id)
}

/// The rows of a table with `bureau_id` and `org_id` that a scope reaches, of one bureau's part where `under` is said.
/// Nothing where it reaches nowhere: then there are no rows. Only whole reaches count: a limit that nobody has thought
/// of here opens nothing.
macro_rules! reached {
    ($table:ident, $scope:expr, $under:expr) => {{
        let reaches = $scope.reaches.iter().filter(|reach| reach.limit == $crate::access::Limit::Full);
        let all = reaches
            .map(|reach| -> $crate::months::store::Condition<$table::table> { $crate::in_reach!($table, reach) })
            .reduce(|one, other| Box::new(one.or(other)));
        let under: Option<Id> = $under;
        all.map(|all| -> $crate::months::store::Condition<$table::table> {
            match under {
                Some(id) => Box::new(all.and($table::org_id.eq_any($crate::months::store::below(id)))),
                None => all,
            }
        })
    }};
}

/// As `reached!`, for a table with `domain`: each reach only in its domains.
macro_rules! reached_in_domains {
    ($table:ident, $scope:expr, $under:expr) => {{
        let reaches = $scope.reaches.iter().filter(|reach| reach.limit == $crate::access::Limit::Full);
        let all = reaches
            .map(|reach| -> $crate::months::store::Condition<$table::table> {
                let inside = $crate::in_reach!($table, reach);
                match &reach.domains {
                    Some(domains) => Box::new(inside.and($table::domain.eq_any(domains.clone()))),
                    None => inside,
                }
            })
            .reduce(|one, other| Box::new(one.or(other)));
        let under: Option<Id> = $under;
        all.map(|all| -> $crate::months::store::Condition<$table::table> {
            match under {
                Some(id) => Box::new(all.and($table::org_id.eq_any($crate::months::store::below(id)))),
                None => all,
            }
        })
    }};
}
use {reached, reached_in_domains};
