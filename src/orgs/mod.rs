//! Bureaus, clusters, schools, agencies, and the places inside schools.

pub mod rules;
