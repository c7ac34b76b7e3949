//! The ten categories as a bureau sees them: built in, with its own names, order and visibility over them.

use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

use crate::access::{Limit, Permission, Rights};
use crate::catalogue::builtin::{self, Category};
use crate::on_conn;
use crate::platform::db::schema::{category_overrides, orgs};
use crate::platform::db::types::{Id, Timestamp};
use crate::platform::db::{Conn, Receipt, Tx};
use crate::platform::error::{Code, Problem};
use crate::platform::http::body::Patch;
use crate::platform::http::{Check, Faults, IfMatch, Record};
use crate::platform::ids::built_in;
use crate::platform::journal::Event;

/// One of the ten work lines, as the caller's bureau has it.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = Category)]
pub struct CategoryView {
    /// Of the category; the same in every bureau.
    pub id: Id,
    /// Counts the bureau's changes; 1 where it made none.
    pub version: i64,
    /// When the bureau first changed it; the beginning of 2026 where it never did.
    pub created_at: Timestamp,
    /// When the bureau last changed it.
    pub updated_at: Timestamp,
    /// Stable pinyin code.
    #[schema(example = "fang")]
    pub code: String,
    /// The character itself.
    #[schema(example = "防")]
    pub char: String,
    /// Chinese name.
    pub name_zh: String,
    /// English name.
    pub name_en: String,
    /// What belongs to it.
    pub definition_zh: String,
    /// Place in the order.
    pub position: i32,
    /// Whether it is offered.
    pub active: bool,
}

impl Record for CategoryView {
    fn version(&self) -> i64 {
        self.version
    }
}

/// A bureau's own words for a category. `null` brings the built-in back.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CategoryChange {
    /// Chinese name, at most 50 characters.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub name_zh: Patch<String>,
    /// English name, at most 50 characters.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub name_en: Patch<String>,
    /// What belongs to it, at most 1000 characters.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub definition_zh: Patch<String>,
    /// Place in the order, 1 to 100; equal places keep the built-in order.
    #[serde(default)]
    #[schema(value_type = Option<i32>)]
    pub position: Patch<i32>,
    /// Whether it is offered.
    #[serde(default)]
    #[schema(value_type = Option<bool>)]
    pub active: Patch<bool>,
}

impl Check for CategoryChange {
    fn check(&self, faults: &mut Faults) {
        faults.optional_text("/name_zh", self.name_zh.set().map(String::as_str), 50);
        faults.optional_text("/name_en", self.name_en.set().map(String::as_str), 50);
        faults.optional_text("/definition_zh", self.definition_zh.set().map(String::as_str), 1000);
        if let Some(position) = self.position.set() {
            faults.range("/position", position, &1, &100);
        }
    }
}

#[derive(Debug, Clone, Queryable)]
struct Override {
    code: String,
    version: i64,
    created_at: Timestamp,
    updated_at: Timestamp,
    name_zh: Option<String>,
    name_en: Option<String>,
    definition_zh: Option<String>,
    position: Option<i32>,
    active: Option<bool>,
}

/// 2026-01-01, from which the built-in categories count.
const SINCE: i64 = 1_767_225_600_000_000;

fn seen(category: &Category, place: usize, own: Option<&Override>) -> CategoryView {
    let since = Timestamp::from_micros(SINCE);
    let place = i32::try_from(place).unwrap_or(i32::MAX).saturating_add(1);
    CategoryView {
        id: built_in(&format!("category/{}", category.code)),
        version: own.map_or(1, |own| own.version),
        created_at: own.map_or(since, |own| own.created_at),
        updated_at: own.map_or(since, |own| own.updated_at),
        code: category.code.clone(),
        char: category.character.clone(),
        name_zh: own.and_then(|own| own.name_zh.clone()).unwrap_or_else(|| category.name_zh.clone()),
        name_en: own.and_then(|own| own.name_en.clone()).unwrap_or_else(|| category.name_en.clone()),
        definition_zh: own.and_then(|own| own.definition_zh.clone()).unwrap_or_else(|| category.definition_zh.clone()),
        position: own.and_then(|own| own.position).unwrap_or(place),
        active: own.and_then(|own| own.active).unwrap_or(true),
    }
}

/// The ten, in the bureau's order.
///
/// # Errors
/// Whatever the engine says.
pub fn categories(conn: &mut Conn, bureau_id: Option<Id>) -> Result<Vec<CategoryView>, Problem> {
    let own: Vec<Override> = match bureau_id {
        None => Vec::new(),
        Some(bureau_id) => category_overrides::table
            .filter(category_overrides::bureau_id.eq(bureau_id))
            .select((
                category_overrides::code,
                category_overrides::version,
                category_overrides::created_at,
                category_overrides::updated_at,
                category_overrides::name_zh,
                category_overrides::name_en,
                category_overrides::definition_zh,
                category_overrides::position,
                category_overrides::active,
            ))
            .load(conn)?,
    };
    let known = builtin::catalogue().categories.iter().enumerate();
    let mut views: Vec<CategoryView> = known
        .map(|(place, category)| seen(category, place, own.iter().find(|own| own.code == category.code)))
        .collect();
    // Stable: equal positions keep the built-in order.
    views.sort_by_key(|view| view.position);
    Ok(views)
}

/// One category as the bureau has it.
///
/// # Errors
/// 404 for an unknown code.
pub fn category(conn: &mut Conn, bureau_id: Option<Id>, code: &str) -> Result<CategoryView, Problem> {
    let found = categories(conn, bureau_id)?.into_iter().find(|view| view.code == code);
    found.ok_or_else(Problem::not_found)
}

/// Changes the caller's bureau's own words for a category.
///
/// # Errors
/// 404 for an unknown code, 403 for who keeps no catalogue of a bureau, 428 and 412 by `if_match`.
pub fn change_category(
    tx: &mut Tx<'_>,
    rights: &Rights,
    code: &str,
    if_match: &IfMatch,
    change: impl FnOnce() -> Result<CategoryChange, Problem>,
) -> Result<(Receipt, CategoryView), Problem> {
    let scope = rights.of(Permission::CatalogueManage);
    let reach = scope.reaches.iter().find(|reach| reach.limit == Limit::Full);
    let bureau_id = reach.ok_or_else(|| Problem::new(Code::Forbidden))?.bureau_id;
    // The bureau's row stands for all its overrides, also for those that are not there yet.
    if let Conn::Postgres(pg) = &mut *tx.conn {
        orgs::table.find(bureau_id).select(orgs::id).for_update().first::<Id>(pg)?;
    }
    let old = category(tx.conn, Some(bureau_id), code)?;
    if_match.check(old.version, || serde_json::to_value(&old).unwrap_or_default())?;
    let change = change()?;
    let own: Option<Override> = category_overrides::table
        .find((bureau_id, code))
        .select((
            category_overrides::code,
            category_overrides::version,
            category_overrides::created_at,
            category_overrides::updated_at,
            category_overrides::name_zh,
            category_overrides::name_en,
            category_overrides::definition_zh,
            category_overrides::position,
            category_overrides::active,
        ))
        .first(tx.conn)
        .optional()?;
    let values = (
        category_overrides::version.eq(old.version + 1),
        category_overrides::updated_at.eq(tx.now),
        category_overrides::name_zh.eq(change.name_zh.apply(own.as_ref().and_then(|own| own.name_zh.clone()))),
        category_overrides::name_en.eq(change.name_en.apply(own.as_ref().and_then(|own| own.name_en.clone()))),
        category_overrides::definition_zh
            .eq(change.definition_zh.apply(own.as_ref().and_then(|own| own.definition_zh.clone()))),
        category_overrides::position.eq(change.position.apply(own.as_ref().and_then(|own| own.position))),
        category_overrides::active.eq(change.active.apply(own.as_ref().and_then(|own| own.active))),
    );
    let key = (
        category_overrides::bureau_id.eq(bureau_id),
        category_overrides::code.eq(code),
        category_overrides::created_at.eq(tx.now),
    );
    on_conn!(&mut *tx.conn, conn => {
        diesel::insert_into(category_overrides::table)
            .values((key, values.clone()))
            .on_conflict((category_overrides::bureau_id, category_overrides::code))
            .do_update()
            .set(values)
            .execute(conn)?
    });
    let view = category(tx.conn, Some(bureau_id), code)?;
    let event = Event::of("category", view.id, "changed").at(bureau_id, bureau_id).with(json!({"code": code}));
    Ok((tx.record(event)?, view))
}
