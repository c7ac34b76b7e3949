//! Fetching.

use std::collections::BTreeMap;
use std::sync::Arc;

use actix_web::post;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::push::credential_key;
use crate::access::{Allowed, actions::sync};
use crate::app::App;
use crate::platform::db::types::{Doc, Id, Timestamp};
use crate::platform::error::{Code, Problem};
use crate::platform::http::{Body, Check, Faults, Reply};
use crate::platform::journal::{epoch, readers};
use crate::sync::batch::same_epoch;
use crate::sync::device;
use crate::sync::pull::collections::Collection;
use crate::sync::pull::cursor::{Cursor, SealKey};
use crate::sync::pull::page::{self, Page, State};

const DEFAULT_LIMIT: i64 = 200;
const MAX_LIMIT: i64 = 500;
const MAX_HASHES: usize = 1000;

/// What a phone asks for.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Pull {
    /// Of the last answer; null begins anew.
    #[serde(default)]
    pub cursor: Option<String>,
    /// Which rows; all where nothing is said. Settled with the first call.
    #[serde(default)]
    pub collections: Option<Vec<Collection>>,
    /// About how many rows; what belongs to a row comes with it.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 500, default = 200)]
    pub limit: Option<i64>,
    /// With the first call: the device's own name, for its credential.
    #[serde(default)]
    #[schema(example = "phone-7", min_length = 1, max_length = 100)]
    pub device_id: Option<String>,
    /// What the phone has by its content already.
    #[serde(default)]
    pub have: Option<Have>,
}

/// Contents that need not be sent.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Have {
    /// `hash` of checklists: those come without items.
    #[serde(default)]
    pub checklists: Vec<String>,
}

impl Check for Pull {
    fn check(&self, faults: &mut Faults) {
        if let Some(limit) = self.limit {
            faults.range("/limit", &limit, &1, &MAX_LIMIT);
        }
        if let Some(device_id) = &self.device_id {
            device::named(faults, device_id);
        }
        if self.cursor.is_some() {
            for (at, given) in [("/collections", self.collections.is_some()), ("/device_id", self.device_id.is_some())]
            {
                if given {
                    faults.say(at, "only_at_first", "仅在首次拉取时可用", "goes with the first call alone");
                }
            }
        }
        if let Some(some) = &self.collections {
            if some.is_empty() {
                faults.say("/collections", "required", "至少一项", "must name one");
            }
            faults.at_most("/collections", some.len(), Collection::ALL.len());
        }
        faults.at_most("/have/checklists", self.have.as_ref().map_or(0, |have| have.checklists.len()), MAX_HASHES);
    }
}

/// A row that is new or changed.
#[derive(Debug, Serialize, ToSchema)]
pub struct Change {
    /// Of which collection.
    pub c: Collection,
    /// Of the record.
    pub id: Id,
    /// Its version.
    pub v: i64,
    /// The whole row, as lists show it.
    #[schema(value_type = Object)]
    pub row: Value,
}

/// A record that is to be forgotten.
#[derive(Debug, Serialize, ToSchema)]
pub struct Gone {
    /// Of which collection.
    pub c: Collection,
    /// Of the record.
    pub id: Id,
}

/// A sum over a collection.
#[derive(Debug, Serialize, ToSchema)]
pub struct Sum {
    /// How many rows.
    n: usize,
    /// The exclusive or over the first eight bytes of SHA-256 of `collection:id:version`, in hex.
    #[schema(example = "9f86d081884c7d65")]
    x: String,
}

/// What a phone takes over, rows that go first.
#[derive(Debug, Serialize, ToSchema)]
pub struct Pulled {
    /// The epoch in force.
    pub epoch: Id,
    /// The server's clock.
    pub server_time: Timestamp,
    /// For the next call; to be kept together with the rows.
    pub cursor: String,
    /// Whether there is more at once.
    pub has_more: bool,
    /// Rows that are new or changed.
    pub changes: Vec<Change>,
    /// What no longer exists.
    pub tombstones: Vec<Gone>,
    /// What is no longer in sight.
    pub revoked: Vec<Gone>,
    /// Of each collection, where everything is told and nothing under way; else empty.
    #[schema(value_type = std::collections::HashMap<String, Sum>)]
    pub checksums: BTreeMap<&'static str, Value>,
    /// With the first call of a device.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub device_credential: Option<String>,
}

fn seal_key(app: &App) -> Result<SealKey, Problem> {
    app.tokens.derived("sync cursor", &[]).map(SealKey)
}

/// What was read.
struct Read {
    epoch: Id,
    page: Page,
    /// The state has moved although nothing is told.
    moved: bool,
}

/// Fetch what changed
///
/// Whole rows through the same sight as every list, in the commit order of the journal; what goes out of sight is
/// `revoked`, what comes into sight is given. The same cursor may be asked again. The first load comes in the order in
/// which a phone needs it.
#[utoipa::path(
    tag = "sync",
    request_body = Pull,
    responses((status = 200, description = "What changed", body = Pulled)),
    extensions(("x-permission" = json!("sync")))
)]
#[post("/sync/pull")]
pub async fn pull(allowed: Allowed<sync::Use>, body: Body<Pull>) -> Result<Reply, Problem> {
    let asked = body.get()?.clone();
    let app = allowed.app();
    let (seal, user) = (seal_key(app)?, allowed.rights().user_id());
    let cursor = asked.cursor.as_deref().map(|cursor| seal.open(user, cursor)).transpose()?;
    let limit = usize::try_from(asked.limit.unwrap_or(DEFAULT_LIMIT)).unwrap_or(1);
    let collections = asked.collections.clone().unwrap_or_else(|| Collection::ALL.to_vec());
    let read = allowed
        .read(move |conn, rights| {
            let epoch = epoch::current(conn)?.id;
            let (from, state) = match cursor {
                None => (None, page::begin(conn, rights.now, collections.clone())?),
                Some(cursor) => {
                    same_epoch(epoch, Some(cursor.epoch))?;
                    let (view, state) = readers::state(conn, cursor.view, cursor.mark).map_err(forgotten)?;
                    if view.user_id != rights.user_id() || view.epoch_id != epoch {
                        return Err(Problem::new(Code::InvalidCursor));
                    }
                    (Some((cursor.view, cursor.mark)), state.read::<State>())
                }
            };
            let page = page::fill(conn, rights, from, state.clone(), limit)?;
            Ok(Read { epoch, moved: page.state != state, page })
        })
        .await?;
    let Read { epoch, page, moved } = read;
    let mut device_credential = None;
    let cursor = match (cursor, asked.cursor) {
        (Some(at), Some(same)) if page.is_empty() && !page.has_more => {
            if moved {
                let state = Doc::of(&page.state);
                allowed.write_unkept(move |tx, _| readers::skip(tx, at.view, at.mark, &state)).await?;
            }
            same
        }
        (at, _) => {
            let step = Arc::new(readers::Step {
                user_id: user,
                epoch_id: epoch,
                from: at.map(|at| (at.view, at.mark)),
                state: Doc::of(&page.state),
                given: page.given(),
                taken: page.taken(),
            });
            let key = credential_key(app)?;
            let name = asked.device_id.clone();
            let ((view, mark), credential) = allowed
                .write_unkept(move |tx, rights| {
                    let mut credential = None;
                    if let Some(name) = &name {
                        // Its entry in the journal, if it is new, is committed with the reader's step.
                        let (device, _registered) = device::locked_or_new(tx, &rights.caller, name, &key)?;
                        credential = Some(key.credential(device.id)?);
                    }
                    Ok(readers::advance(tx, &step)?.map(|place| (place, credential)))
                })
                .await?;
            device_credential = credential;
            seal.seal(user, Cursor { epoch, view, mark }, app.ids.as_ref())?
        }
    };
    let have = asked.have.unwrap_or_default().checklists;
    let gone = |list: Vec<(Collection, Id)>| list.into_iter().map(|(c, id)| Gone { c, id }).collect();
    Reply::value(&Pulled {
        epoch,
        server_time: app.clock.now(),
        cursor,
        has_more: page.has_more,
        changes: page
            .changes
            .into_iter()
            .map(|(c, id, v, row)| Change { c, id, v, row: without(row, c, &have) })
            .collect(),
        tombstones: gone(page.tombstones),
        revoked: gone(page.revoked),
        checksums: page.checksums,
        device_credential,
    })
}

/// A reader that was forgotten begins anew.
fn forgotten(problem: Problem) -> Problem {
    if problem.code == Code::NotFound { Problem::new(Code::InvalidCursor) } else { problem }
}

/// A checklist whose content the phone has comes without its items.
fn without(mut row: Value, collection: Collection, have: &[String]) -> Value {
    if collection == Collection::Checklists
        && let Some(object) = row.as_object_mut()
    {
        let known = object.get("hash").and_then(Value::as_str).is_some_and(|hash| have.iter().any(|one| one == hash));
        if known {
            object.insert("items".into(), Value::Null);
        }
    }
    row
}
