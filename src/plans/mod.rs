//! Plans: which schools are inspected by whom, once within a period (大排查大整治) or again and again (日巡查、月自查).
//!
//! A plan names kinds, checklists, schools, people and a period. Active, it makes the inspections: all at once, or, for
//! a recurring plan, one for each school and occurrence when its day has come. The bureau keeps plans of all kinds, a
//! school its own patrols and self-checks. Schools see no plan of the bureau, only the inspections that come of it.
//!
//! * [`rules`]: which days are occurrences, what has become of one, who goes where. Pure.
//! * [`store`]: plans with their schools, what a caller sees of them, and the making of inspections.
//! * [`due`]: the timer. It makes inspections and nothing else: done, late and missed are computed from time on read.

pub mod bodies;
pub mod due;
mod routes;
pub mod rules;
pub mod store;

pub use routes::routes;
