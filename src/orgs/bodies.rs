//! What requests about organisations carry, and what answers show.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::rules::{self, Fault, Feature, Location, OrgKind, Reason, SchoolFields, SchoolKind};
use super::store::OrgRow;
use crate::platform::db::types::{Id, Timestamp};
use crate::platform::http::{Check, Faults, FieldError, Patch, Record};

/// An organisation.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct OrgView {
    /// Of the organisation.
    pub id: Id,
    /// Counts its changes.
    pub version: i64,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
    /// What it is.
    pub kind: OrgKind,
    /// Directly above; null for a bureau.
    #[schema(required)]
    pub parent_id: Option<Id>,
    /// The bureau it belongs to; itself for a bureau.
    pub bureau_id: Id,
    /// Its name, unique in the bureau.
    #[schema(example = "第一小学")]
    pub name: String,
    /// 行政区划代码; on bureaus only.
    #[schema(required, example = "640104")]
    pub region_code: Option<String>,
    /// The zone of its business days.
    #[schema(example = "Asia/Shanghai")]
    pub time_zone: String,
    /// What a school carries beyond; null for other kinds.
    #[schema(required)]
    pub school: Option<SchoolFields>,
    /// What looks odd but is not refused: `identifier_kind_differs`.
    pub warnings: Vec<String>,
}

impl Record for OrgView {
    fn version(&self) -> i64 {
        self.version
    }
}

impl From<OrgRow> for OrgView {
    fn from(row: OrgRow) -> Self {
        let school = row.school();
        let doubt = school.as_ref().and_then(|school| {
            school.identifier.as_deref().and_then(|code| rules::identifier_doubts(code, school.school_kind))
        });
        Self {
            id: row.id,
            version: row.version,
            created_at: row.created_at,
            updated_at: row.updated_at,
            kind: row.kind,
            parent_id: row.parent_id,
            bureau_id: row.bureau_id,
            name: row.name,
            region_code: row.region_code,
            time_zone: row.time_zone,
            school,
            warnings: doubt.into_iter().map(str::to_owned).collect(),
        }
    }
}

/// A new organisation below a bureau. Bureaus themselves are made on the command line.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewOrg {
    /// Made by the client, so that a repeated call makes nothing twice.
    pub id: Option<Id>,
    /// `cluster`, `school` or `agency`.
    pub kind: OrgKind,
    /// Directly above: a bureau, or a cluster for a school.
    pub parent_id: Option<Id>,
    /// 1 to 100 characters, unique in the bureau.
    #[schema(example = "第一小学")]
    pub name: String,
    /// Only on bureaus.
    pub region_code: Option<String>,
    /// The parent's where it is not given.
    #[schema(example = "Asia/Shanghai")]
    pub time_zone: Option<String>,
    /// Required on a school, refused on others.
    pub school: Option<SchoolFields>,
}

impl Check for NewOrg {
    fn check(&self, faults: &mut Faults) {
        add(faults, "/name", rules::name(&self.name));
        if self.kind == OrgKind::Bureau {
            faults.say("/kind", "command_line_only", "局只能由命令行创建", "bureaus are made on the command line");
        } else if self.parent_id.is_none() {
            faults.add(FieldError::required("/parent_id"));
        }
        if self.region_code.is_some() {
            faults.add(only_bureaus("/region_code"));
        }
        if let Some(zone) = &self.time_zone {
            add(faults, "/time_zone", rules::time_zone(zone));
        }
        match (&self.school, self.kind) {
            (Some(school), OrgKind::School) => add_all(faults, rules::check_school(school).err()),
            (None, OrgKind::School) => faults.add(FieldError::required("/school")),
            (Some(_), _) => faults.add(told("/school", &Reason::OnlyForSchools)),
            (None, _) => {}
        }
    }
}

/// Changes to an organisation; absent fields stay. The kind never changes.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OrgPatch {
    /// 1 to 100 characters.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub name: Patch<String>,
    /// Another organisation of the same bureau: moves a school from cluster to cluster.
    #[serde(default)]
    #[schema(value_type = Option<Id>)]
    pub parent_id: Patch<Id>,
    /// On bureaus only; later hazard numbers begin with the new one.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub region_code: Patch<String>,
    /// An IANA zone.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub time_zone: Patch<String>,
    /// On schools only.
    pub school: Option<SchoolPatch>,
}

/// Changes to what a school carries; `null` clears a field.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SchoolPatch {
    /// Cannot be cleared.
    #[serde(default)]
    #[schema(value_type = Option<SchoolKind>)]
    pub school_kind: Patch<SchoolKind>,
    /// 学校标识码.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub identifier: Patch<String>,
    /// The whole list anew.
    #[serde(default)]
    #[schema(value_type = Option<Vec<Feature>>)]
    pub features: Patch<Vec<Feature>>,
    /// 0 to 100 000.
    #[serde(default)]
    #[schema(value_type = Option<i32>)]
    pub students: Patch<i32>,
    /// 0 to 100 000.
    #[serde(default)]
    #[schema(value_type = Option<i32>)]
    pub staff: Patch<i32>,
    /// 1 to 200.
    #[serde(default)]
    #[schema(value_type = Option<i32>)]
    pub max_floor: Patch<i32>,
    /// At most 200 characters.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub address: Patch<String>,
    /// The whole location anew.
    #[serde(default)]
    #[schema(value_type = Option<Location>)]
    pub location: Patch<Location>,
}

impl Check for OrgPatch {
    fn check(&self, faults: &mut Faults) {
        kept(faults, "/name", &self.name);
        kept(faults, "/parent_id", &self.parent_id);
        kept(faults, "/time_zone", &self.time_zone);
        kept(faults, "/region_code", &self.region_code);
        if let Some(name) = self.name.set() {
            add(faults, "/name", rules::name(name));
        }
        if let Some(zone) = self.time_zone.set() {
            add(faults, "/time_zone", rules::time_zone(zone));
        }
        if let Some(code) = self.region_code.set() {
            add(faults, "/region_code", rules::region_code(code));
        }
        if let Some(school) = &self.school {
            kept(faults, "/school/school_kind", &school.school_kind);
        }
    }
}

impl SchoolPatch {
    /// The school after the patch, checked as a whole.
    ///
    /// # Errors
    /// Every refused field.
    pub fn apply(&self, old: SchoolFields) -> Result<SchoolFields, Vec<Fault>> {
        rules::check_school(&SchoolFields {
            school_kind: self.school_kind.set().copied().unwrap_or(old.school_kind),
            identifier: self.identifier.apply(old.identifier),
            features: self.features.apply(Some(old.features)).unwrap_or_default(),
            students: self.students.apply(old.students),
            staff: self.staff.apply(old.staff),
            max_floor: self.max_floor.apply(old.max_floor),
            address: self.address.apply(old.address),
            location: self.location.apply(old.location),
        })
    }
}

/// A fault in the words of its reason.
#[must_use]
pub fn told(pointer: &str, reason: &Reason) -> FieldError {
    FieldError::new(pointer, reason.code(), reason.zh(), reason.en())
}

/// A field that only a bureau has.
#[must_use]
pub fn only_bureaus(pointer: &str) -> FieldError {
    FieldError::new(pointer, "only_for_bureaus", "只有局才有此项", "only a bureau has this")
}

/// Notes a refused value.
pub fn add<T>(faults: &mut Faults, pointer: &str, outcome: Result<T, Reason>) {
    if let Err(reason) = outcome {
        faults.add(told(pointer, &reason));
    }
}

/// Notes all refused values.
pub fn add_all(faults: &mut Faults, found: Option<Vec<Fault>>) {
    for fault in found.into_iter().flatten() {
        faults.add(told(fault.pointer, &fault.reason));
    }
}

/// A field that may be changed but not cleared.
pub fn kept<T>(faults: &mut Faults, pointer: &str, field: &Patch<T>) {
    if matches!(field, Patch::Clear) {
        faults.add(FieldError::required(pointer));
    }
}
