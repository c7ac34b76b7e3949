//! Content of evidence that arrives in pieces: tus 1.0 under `/uploads`.
//!
//! An upload is begun for evidence that was declared, and says so in its metadata. [`routes`]: the calls. [`piece`]: a
//! piece is written, and the whole handed over to [`crate::evidence`]. [`sweep`]: what nobody goes on with. The protocol
//! itself is in [`crate::platform::uploads`].

pub mod piece;
pub mod routes;
pub mod sweep;

pub use routes::routes;
