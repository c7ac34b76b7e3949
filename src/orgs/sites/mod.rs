//! Places in a school: campus, building, floor, room, point. The code of a place is what its QR label carries.

pub mod routes;
pub mod store;
