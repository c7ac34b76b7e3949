//! From a fault of the rules, with a pointer like `/items/3/options/1/value`, back to the cell it came from.

use std::collections::HashMap;

use super::SheetFault;
use crate::catalogue::rules::Fault;

/// A row of a sheet.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Spot {
    /// The sheet.
    pub sheet: String,
    /// Row as a spreadsheet shows it, from 1.
    pub row: u32,
}

/// Where an item stands.
#[derive(Debug, Clone, Default)]
pub struct ItemOrigin {
    /// Its own row.
    pub spot: Spot,
    /// The rows of its options.
    pub options: Vec<Spot>,
}

/// Where the parts of a checklist stand in the workbook.
#[derive(Debug, Clone, Default)]
pub struct Origins {
    /// Of each item.
    pub items: Vec<ItemOrigin>,
    /// Of each section.
    pub sections: Vec<Spot>,
    /// Of each band.
    pub bands: Vec<Spot>,
    /// Headings by sheet and field, as they stand in the file.
    pub headings: HashMap<(String, String), String>,
    /// Sheet and row for what stands nowhere.
    pub otherwise: Spot,
}

impl Origins {
    /// The fault at its cell.
    #[must_use]
    pub fn locate(&self, fault: Fault) -> SheetFault {
        let parts: Vec<&str> = fault.pointer.split('/').skip(1).collect();
        let place = |at: usize| parts.get(at).and_then(|part| part.parse::<usize>().ok());
        let field = |at: usize| parts.get(at).copied().unwrap_or_default();
        let (spot, field) = match field(0) {
            "items" => {
                let item = place(1).and_then(|place| self.items.get(place));
                let option = place(3).filter(|_| field(2) == "options");
                let option = option.and_then(|option| item.and_then(|item| item.options.get(option)));
                match option {
                    Some(option) => (Some(option), field(4)),
                    None => (item.map(|item| &item.spot), field(2)),
                }
            }
            "sections" => (place(1).and_then(|place| self.sections.get(place)), field(2)),
            "scoring" => match place(2) {
                Some(band) => (self.bands.get(band), field(3)),
                None => (self.bands.first(), if field(1) == "veto_grade" { "veto" } else { field(2) }),
            },
            other => (None, other),
        };
        let spot = spot.unwrap_or(&self.otherwise);
        let field = field.to_owned();
        let heading = self.headings.get(&(spot.sheet.clone(), field.clone())).cloned().unwrap_or(field);
        SheetFault::of(fault, &spot.sheet, spot.row, &heading)
    }
}
