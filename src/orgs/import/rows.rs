//! Lines of cells become school rows; every fault is told, none stops the reading.

use std::collections::HashMap;

use super::headings::Headings;
use super::table::{Line, Table};
use super::{Column, ImportReason, MAX_FAULTS, RowFault};
use crate::orgs::rules::{self, Datum, Feature, Location, Reason, SchoolFields, SchoolKind};

/// One school of an import file.
#[derive(Debug, Clone, PartialEq)]
pub struct SchoolRow {
    /// Row as a spreadsheet shows it, from 1.
    pub row: u32,
    /// Name of the school.
    pub name: String,
    /// Name of the cluster it sits under; nothing means directly under the bureau.
    pub parent: Option<String>,
    /// Everything else.
    pub school: SchoolFields,
}

/// Reads all lines.
///
/// # Errors
/// All faults in order of rows, at most [`MAX_FAULTS`] and then `more_faults`.
pub fn read(table: Table) -> Result<Vec<SchoolRow>, Vec<RowFault>> {
    let headings = Headings::read(&table.heading)?;
    let mut faults = Faults { headings: &headings, list: Vec::new(), cut: false };
    for (row, index, reason) in table.refused {
        faults.push(RowFault::cell(row, &headings.title_at(index), reason));
    }
    let mut rows = Vec::with_capacity(table.lines.len());
    let mut names = HashMap::new();
    let mut identifiers = HashMap::new();
    for line in &table.lines {
        let Some(row) = school(line, &mut faults) else { continue };
        if let Some(first_row) = names.insert(row.name.clone(), row.row) {
            faults.add(row.row, Column::Name, ImportReason::Duplicate { first_row });
            names.insert(row.name.clone(), first_row);
        }
        if let Some(identifier) = &row.school.identifier
            && let Some(first_row) = identifiers.insert(identifier.clone(), row.row)
        {
            faults.add(row.row, Column::Identifier, ImportReason::Duplicate { first_row });
            identifiers.insert(identifier.clone(), first_row);
        }
        rows.push(row);
    }
    let (mut list, cut) = (faults.list, faults.cut);
    if list.is_empty() {
        return Ok(rows);
    }
    list.sort_by_key(|fault| fault.row);
    if cut {
        list.push(RowFault::file(ImportReason::MoreFaults));
    }
    Err(list)
}

struct Faults<'a> {
    headings: &'a Headings,
    list: Vec<RowFault>,
    cut: bool,
}

impl Faults<'_> {
    fn push(&mut self, fault: RowFault) {
        if self.list.len() < MAX_FAULTS {
            self.list.push(fault);
        } else {
            self.cut = true;
        }
    }

    fn add(&mut self, row: u32, column: Column, reason: ImportReason) {
        self.push(RowFault::cell(row, self.headings.title(column), reason));
    }

    /// Takes the value, or notes why not.
    fn take<T>(&mut self, row: u32, column: Column, value: Option<Result<T, Reason>>) -> Option<T> {
        match value? {
            Ok(value) => Some(value),
            Err(reason) => {
                self.add(row, column, ImportReason::Field(reason));
                None
            }
        }
    }
}

/// Reads one line. Gives a row only when the two required values stand; faults of the others are noted either way, so
/// that a doubled name is still seen beside them.
fn school(line: &Line, faults: &mut Faults<'_>) -> Option<SchoolRow> {
    let mut cells: HashMap<Column, &str> = HashMap::new();
    for (index, text) in line.cells.iter().enumerate().filter(|(_, text)| !text.is_empty()) {
        match faults.headings.at(index) {
            Some(column) => {
                cells.insert(column, text.as_str());
            }
            None => {
                let title = faults.headings.title_at(index);
                faults.push(RowFault::cell(line.row, &title, ImportReason::ValueWithoutHeading));
            }
        }
    }
    let row = line.row;
    let cell = |column| cells.get(&column).copied();
    let required = |column| Some(cell(column).ok_or(Reason::Required));

    let name = faults.take(row, Column::Name, required(Column::Name).map(|text| text.and_then(rules::name)));
    let kind = |text: &str| SchoolKind::read(text).ok_or_else(|| Reason::unknown(text));
    let school_kind =
        faults.take(row, Column::SchoolKind, required(Column::SchoolKind).map(|text| text.and_then(kind)));
    let identifier = faults.take(row, Column::Identifier, cell(Column::Identifier).map(rules::identifier));
    let parent = faults.take(row, Column::Parent, cell(Column::Parent).map(rules::name));
    let features = faults.take(row, Column::Features, cell(Column::Features).map(features)).unwrap_or_default();
    let head_count = |text: &str| whole(text).and_then(rules::count);
    let students = faults.take(row, Column::Students, cell(Column::Students).map(head_count));
    let staff = faults.take(row, Column::Staff, cell(Column::Staff).map(head_count));
    let floor = |text: &str| whole(text).and_then(rules::max_floor);
    let max_floor = faults.take(row, Column::MaxFloor, cell(Column::MaxFloor).map(floor));
    let address = faults.take(row, Column::Address, cell(Column::Address).map(rules::address));
    let location = location(row, &cell, faults);
    let school =
        SchoolFields { school_kind: school_kind?, identifier, features, students, staff, max_floor, address, location };
    Some(SchoolRow { row, name: name?, parent, school })
}

/// A whole number as spreadsheets write it: `1200`, `1200.0`.
fn whole(text: &str) -> Result<i32, Reason> {
    let digits = text.strip_suffix(".0").unwrap_or(text);
    match digits.parse::<i64>() {
        Ok(number) => i32::try_from(number).ok().ok_or(Reason::OutOfRange { min: 0, max: i64::from(rules::COUNT_MAX) }),
        Err(_) => Err(Reason::NotAnInteger),
    }
}

fn number(text: &str) -> Result<f64, Reason> {
    text.parse::<f64>().ok().filter(|number| number.is_finite()).ok_or(Reason::NotANumber)
}

/// Features separated as people separate them; 无 and `-` mean none.
fn features(text: &str) -> Result<Vec<Feature>, Reason> {
    let mut found = Vec::new();
    for word in text.split(['、', ',', ';', '|', '，', '；']).map(str::trim).filter(|word| !word.is_empty()) {
        if matches!(word, "无" | "-" | "—" | "none") {
            continue;
        }
        found.push(Feature::read(word).ok_or_else(|| Reason::unknown(word))?);
    }
    found.sort_unstable();
    found.dedup();
    Ok(found)
}

/// The three columns of a location stand together or not at all: a datum is never guessed.
fn location<'a>(row: u32, cell: &impl Fn(Column) -> Option<&'a str>, faults: &mut Faults<'_>) -> Option<Location> {
    let columns = [Column::Lat, Column::Lng, Column::Datum];
    if columns.iter().all(|column| cell(*column).is_none()) {
        return None;
    }
    for column in columns.into_iter().filter(|column| cell(*column).is_none()) {
        faults.add(row, column, ImportReason::Field(Reason::Required));
    }
    let read_datum = |text: &str| Datum::read(text).ok_or_else(|| Reason::unknown(text));
    let lat = faults.take(row, Column::Lat, cell(Column::Lat).map(number));
    let lng = faults.take(row, Column::Lng, cell(Column::Lng).map(number));
    let datum = faults.take(row, Column::Datum, cell(Column::Datum).map(read_datum));
    let (lat_fault, lng_fault) = Location::refused(lat.unwrap_or_default(), lng.unwrap_or_default());
    faults.take::<()>(row, Column::Lat, lat_fault.clone().map(Err));
    faults.take::<()>(row, Column::Lng, lng_fault.clone().map(Err));
    (lat_fault.is_none() && lng_fault.is_none()).then_some(())?;
    Some(Location { lat: lat?, lng: lng?, datum: datum? })
}
