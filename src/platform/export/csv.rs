//! CSV by RFC 4180: CRLF, quotes where needed and doubled inside, UTF-8. The mark in front makes Excel and WPS read it
//! as UTF-8.

use csv::{Terminator, WriterBuilder};

use super::cell::safe;
use crate::platform::error::Problem;

/// The byte order mark that begins the file.
pub const MARK: &[u8] = b"\xEF\xBB\xBF";

/// Rows as lines. Every cell is defused.
///
/// # Errors
/// Never in practice: it writes into memory.
pub fn lines<R, C>(rows: impl IntoIterator<Item = R>) -> Result<Vec<u8>, Problem>
where
    R: IntoIterator<Item = C>,
    C: AsRef<str>,
{
    let mut writer = WriterBuilder::new().terminator(Terminator::CRLF).flexible(true).from_writer(Vec::new());
    for row in rows {
        let cells: Vec<String> = row.into_iter().map(|cell| safe(cell.as_ref())).collect();
        writer.write_record(&cells).map_err(Problem::internal)?;
    }
    writer.into_inner().map_err(|error| Problem::internal(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_commas_and_line_breaks_follow_rfc_4180() {
        let bytes = lines([["甲\"乙", "a,b", "x\r\ny", "=1"]]).unwrap();
        assert_eq!(String::from_utf8(bytes).unwrap(), "\"甲\"\"乙\",\"a,b\",\"x\ny\",'=1\r\n");
    }
}
