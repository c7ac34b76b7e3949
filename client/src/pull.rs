//! Fetching: page after page into the local store.

use serde::Deserialize;
use serde_json::json;

use crate::http::{Request, Transport, Trouble};
use crate::local::{Local, Page};
use crate::outbox::Outbox;
use crate::push::not_taken;

/// Rows asked for at once.
pub const PAGE: usize = 200;

/// What a pull brought.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Pulled {
    /// Pages.
    pub pages: usize,
    /// Rows, new and changed.
    pub changes: usize,
    /// Rows that went.
    pub gone: usize,
    /// Whether the server sent checksums at the end, and they were those of the store.
    pub agreed: Option<bool>,
    /// What this device may hand in with when its user no longer can; keep it.
    pub device_credential: Option<String>,
}

#[derive(Deserialize)]
struct Answer {
    epoch: String,
    #[serde(flatten)]
    page: Page,
    #[serde(default)]
    device_credential: Option<String>,
}

/// Fetches one page. `true` when there is more.
///
/// # Errors
/// Whatever stood in the way. After [`Trouble::EpochChanged`] and after a cursor the server does not take any more the
/// store begins anew with the next call.
pub fn pull_page(
    local: &mut Local,
    outbox: &mut Outbox,
    transport: &mut dyn Transport,
    token: &str,
    pulled: &mut Pulled,
) -> Result<bool, Trouble> {
    let body = match local.cursor() {
        Some(cursor) => json!({"cursor": cursor, "limit": PAGE}),
        None => json!({"cursor": null, "limit": PAGE, "device_id": outbox.device_id()}),
    };
    let response = transport.send(&Request::json("POST", "/api/v1/sync/pull", token, &body))?;
    if response.status != 200 {
        let trouble = not_taken(outbox, &response);
        let stale = matches!(&trouble, Trouble::Refused { status: 400, code, .. } if code == "invalid_cursor");
        if stale || trouble == Trouble::EpochChanged {
            local.begin_anew()?;
        }
        return Err(trouble);
    }
    let answer: Answer = response.parse()?;
    if outbox.epoch().is_some_and(|known| known != answer.epoch) {
        outbox.enter_epoch(&answer.epoch)?;
        if local.cursor().is_some() {
            local.begin_anew()?;
            return Err(Trouble::EpochChanged);
        }
    }
    outbox.enter_epoch(&answer.epoch)?;
    let more = answer.page.has_more;
    let checksums = answer.page.checksums.clone();
    pulled.pages += 1;
    pulled.changes += answer.page.changes.len();
    pulled.gone += answer.page.tombstones.len() + answer.page.revoked.len();
    pulled.device_credential = answer.device_credential.or(pulled.device_credential.take());
    local.apply(answer.page)?;
    if !more && !checksums.is_empty() {
        pulled.agreed = Some(local.agrees(&checksums));
    }
    Ok(more)
}

/// Fetches until there is no more. Where the checksums do not agree, everything is fetched once anew.
///
/// # Errors
/// The first trouble that beginning anew does not cure.
pub fn pull_all(
    local: &mut Local,
    outbox: &mut Outbox,
    transport: &mut dyn Transport,
    token: &str,
) -> Result<Pulled, Trouble> {
    let mut pulled = Pulled::default();
    let mut begun_anew = false;
    loop {
        match pull_page(local, outbox, transport, token, &mut pulled) {
            Ok(true) => {}
            Ok(false) if pulled.agreed == Some(false) && !begun_anew => {
                begun_anew = true;
                pulled.agreed = None;
                local.begin_anew()?;
            }
            Ok(false) => return Ok(pulled),
            Err(trouble) if local.cursor().is_none() && !begun_anew => match trouble {
                Trouble::EpochChanged | Trouble::Refused { .. } => begun_anew = true,
                other => return Err(other),
            },
            Err(trouble) => return Err(trouble),
        }
    }
}
