//! Reports: counters kept in the write transaction, and the summary read from them.

pub mod counters;
