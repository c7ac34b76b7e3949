//! The database behind two doors: [`Db::read`] and [`Db::write`].
//!
//! Named threads, the lanes, own one connection each and take jobs from one bounded queue. SQLite has one write lane
//! that commits in groups; PostgreSQL has several. Nothing else in the program opens a connection, the command line
//! apart.

mod conn;
pub mod constraint;
mod doors;
mod group;
pub mod in_use;
mod lanes;
pub mod migrations;
pub mod schema;
pub mod types;
mod url;
mod write;

pub use conn::{Conn, MultiBackend, Purpose, word};
pub use doors::{Db, DbOptions, StatementLog};
pub use url::DatabaseUrl;
pub use write::{Commit, Receipt, Tx, Work};
