//! Ids in paths. What is no id names no record: 404, the same bytes.

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};

use crate::platform::db::types::Id;
use crate::platform::error::Problem;

/// `{id}` of the path.
#[derive(Debug, Clone, Copy)]
pub struct PathId(pub Id);

/// `{id}` and a second id of the path, in the order they are written.
#[derive(Debug, Clone, Copy)]
pub struct PathIds(pub Id, pub Id);

fn segment(request: &HttpRequest, index: usize) -> Result<Id, Problem> {
    let (_, text) = request.match_info().iter().nth(index).ok_or_else(Problem::not_found)?;
    text.parse().map_err(|error| Problem::not_found().cause(error))
}

impl FromRequest for PathId {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;
    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(segment(request, 0).map(Self))
    }
}

impl FromRequest for PathIds {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;
    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(segment(request, 0).and_then(|first| Ok(Self(first, segment(request, 1)?))))
    }
}
