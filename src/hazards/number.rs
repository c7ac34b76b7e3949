//! The number of a hazard: `640104-2026-000123`.
//!
//! The bureau's region code, the local year of registration, a serial that is gap-free per bureau and year. A void
//! hazard keeps its number and no number is given twice.

/// Writes a number. A serial beyond 999999 simply grows longer.
#[must_use]
pub fn format(region_code: &str, year: i32, serial: i64) -> String {
    format!("{region_code}-{year}-{serial:06}")
}

#[cfg(test)]
mod tests {
    use super::format;

    #[test]
    fn the_serial_is_padded_to_six_digits_and_may_outgrow_them() {
        assert_eq!(format("640104", 2026, 123), "640104-2026-000123");
        assert_eq!(format("640104", 2026, 1_234_567), "640104-2026-1234567");
    }
}
