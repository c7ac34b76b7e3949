//! Recusal (回避): who must not inspect which school.
//!
//! A relation between an inspector and a school (family, former or present employer, teaching there, other) is entered
//! by the safety office or declared by the person. From then on no team for that school takes the person, and a draw
//! never sends the person there; who is on the staff of a school is recused there without any entry. An exception needs
//! a second person: one asks for an override with a reason, another approves it, and the inspection it was used for is
//! put down. Schools never learn of any of this: every journal event is the bureau's own. The decision is pure and
//! stands in [`rules`].

pub mod bodies;
pub mod routes;
pub mod rules;
pub mod store;

pub use routes::routes;
