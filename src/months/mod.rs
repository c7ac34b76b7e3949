//! Zero reports (零报告/月报): what each school states about each month, and who has not.
//!
//! "Nothing found" is a positive statement, checked against the ledger when it is made. A report keeps the figures of
//! its moment for ever: cumulative from January to the month, and of the month itself (`domain.md` §8.4). A month is
//! written while it runs, and as many days after as the bureau allows (none at first); then it locks, by the clock of
//! the bureau's zone and without a job. The safety office may open a locked month of one school for a while.
//!
//! * [`rules`]: months, locks, status, contradiction, figures, stock: all pure. [`store`]: reading and freezing.
//! * [`routes`]: reports, who is missing, the summary, unlocking, the days of grace.
//!
//! Figures are kept by domain, so that a reader whose membership is narrowed to domains sees only those.

mod routes;
pub mod rules;
pub mod store;

pub use routes::routes;
