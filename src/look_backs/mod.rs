//! Look-backs (回头看): closed hazards are visited again, so that what was put right stays right.
//!
//! A bureau draws a share of what was closed some time ago by its policy, or names hazards; each school gets one
//! inspection of kind `look_back` that carries its hazards. Nobody who put one of them right or rechecked it goes. The
//! team says of each whether it held; handing in reopens what failed, through the table that decides every transition.
//! A closing is looked back at once.
//!
//! * [`rules`] — which are drawn: pure.
//! * `store` — policy, pool, making, what the team says.

pub mod bodies;
mod routes;
pub mod rules;
pub mod store;

pub use routes::routes;
