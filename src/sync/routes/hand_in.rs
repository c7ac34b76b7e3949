//! Handing in without a sign-in.

use std::sync::Arc;

use actix_web::http::header::AUTHORIZATION;
use actix_web::{FromRequest, HttpMessage, HttpRequest, post, web};
use diesel::prelude::*;

use super::push::{Push, Pushed, Raw, answer, credential_key, prepared};
use crate::access::caller::of_user;
use crate::access::{Permission, Public, Rights};
use crate::app::App;
use crate::platform::db::Work;
use crate::platform::db::schema::sync_devices;
use crate::platform::db::types::Id;
use crate::platform::error::{Code, Problem};
use crate::platform::http::body::Settled;
use crate::platform::http::problem::Language;
use crate::platform::http::{FieldError, Reply};
use crate::sync::batch;
use crate::sync::op::Operation;
use crate::sync::receipt;

/// A device's credential, verified before anything is read.
#[derive(Debug)]
pub struct Device {
    id: Id,
    hash: Vec<u8>,
}

impl FromRequest for Device {
    type Error = Problem;
    type Future = std::future::Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut actix_web::dev::Payload) -> Self::Future {
        std::future::ready(credited(request))
    }
}

fn credited(request: &HttpRequest) -> Result<Device, Problem> {
    let refused = || Problem::new(Code::Unauthenticated);
    let app = request.app_data::<web::Data<App>>().ok_or_else(|| Problem::internal("no application"))?;
    let header = request.headers().get(AUTHORIZATION).and_then(|value| value.to_str().ok()).ok_or_else(refused)?;
    let (scheme, credential) = header.split_once(' ').ok_or_else(refused)?;
    if !scheme.eq_ignore_ascii_case("device") {
        return Err(refused());
    }
    let id = credential_key(app)?.device(credential)?;
    request.extensions_mut().insert(Settled);
    Ok(Device { id, hash: receipt::hash(credential) })
}

/// Hand in without signing in
///
/// For a device whose person can no longer sign in, with `Authorization: Device` and the credential of its first push.
/// Everything is kept for people to see; nothing is done and nothing can be read.
#[utoipa::path(
    tag = "sync",
    request_body = Push,
    responses(
        (status = 200, description = "Stored", body = Pushed),
        (status = 401, description = "No credential of a device", body = crate::openapi::Problem, content_type = "application/problem+json"),
        (status = 429, description = "Too many", body = crate::openapi::Problem, content_type = "application/problem+json")
    ),
    extensions(("x-permission" = json!("public")))
)]
#[post("/sync/hand-in")]
pub async fn hand_in(device: Device, public: Public, body: Raw, request: HttpRequest) -> Result<Reply, Problem> {
    type Row = (Id, String, Vec<u8>);
    let Device { id, hash } = device;
    let (user, name, disabled) = public
        .read(move |conn| {
            let row: Option<Row> = sync_devices::table
                .find(id)
                .select((sync_devices::user_id, sync_devices::device_id, sync_devices::credential_hash))
                .first(conn)
                .optional()?;
            let (user, name, _) = row
                .filter(|(_, _, stored)| bool::from(subtle::ConstantTimeEq::ct_eq(stored.as_slice(), hash.as_slice())))
                .ok_or_else(|| Problem::new(Code::Unauthenticated))?;
            Ok((user, name, of_user(conn, user)?.1))
        })
        .await?;
    let handed = body.0?;
    if handed.device_id != name {
        return Err(Problem::invalid(FieldError::unknown_value("/device_id")));
    }
    let reason = if disabled { Code::AccountDisabled } else { Code::NeedsSignIn };
    let prepared = Arc::new(prepared(public.app(), handed, Language::of(&request), Some(reason))?);
    let mut stored = Vec::new();
    for portion in batch::portions(&prepared.ops) {
        let shared = Arc::clone(&prepared);
        let work = Work { actor: Some(user), ..Work::default() };
        let part = public
            .write(work, move |tx| {
                let (caller, _) = of_user(tx.conn, user)?;
                let rights = Rights::of_caller(caller, tx.now).asking(&[Permission::Sync]);
                let ops: Vec<&Operation> = portion.iter().filter_map(|place| shared.ops.get(*place)).collect();
                batch::store(tx, &rights, &shared.handing, &ops)
            })
            .await?;
        stored.push(part);
    }
    answer(public.app(), &prepared, stored)
}
