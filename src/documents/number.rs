//! The number of a document: `某教安检〔2026〕12号`.
//!
//! The bureau's code (机关代字) with the character of the type, the local year between tortoise-shell brackets (U+3014,
//! U+3015; GB/T 9704), a serial without gaps per bureau, type and year. The code is the bureau's to choose; a new one
//! does not begin the series anew.

/// The code of a bureau that has chosen none.
pub const DEFAULT_CODE: &str = "校安";

/// Writes a number.
#[must_use]
pub fn format(code: &str, mark: &str, year: i32, serial: i64) -> String {
    format!("{code}{mark}\u{3014}{year}\u{3015}{serial}号")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_year_stands_between_tortoise_shell_brackets() {
        assert_eq!(format("某教安", "检", 2026, 12), "某教安检〔2026〕12号");
        assert!(format(DEFAULT_CODE, "改", 2026, 1).contains('\u{3014}'));
    }
}
