//! What is wrong with a file, a row or a cell.

use crate::orgs::rules::Reason;

/// Why a file, row or cell is refused.
#[derive(Debug, Clone, PartialEq)]
pub enum ImportReason {
    /// The value of the cell breaks a rule of its field.
    Field(Reason),
    /// The file has no heading row, or nothing below it.
    EmptyFile,
    /// The file is not what its type says, or is damaged.
    Unreadable,
    /// The old `.xls` form, or a workbook with a password.
    UnsupportedWorkbook,
    /// Neither UTF-8 nor GB18030.
    Encoding,
    /// Larger than allowed after inflating, or packed too tightly to be a spreadsheet of schools.
    TooLarge,
    /// More rows than allowed.
    TooManyRows {
        /// The most rows allowed.
        max: usize,
    },
    /// A column heading that means nothing here.
    UnknownHeading,
    /// The same column twice.
    DuplicateHeading,
    /// A column that must be there.
    MissingHeading,
    /// A value in a column without heading.
    ValueWithoutHeading,
    /// A formula error such as `#REF!`.
    CellError,
    /// The same value stands in an earlier row.
    Duplicate {
        /// The earlier row.
        first_row: u32,
    },
    /// The cluster named is not one of the bureau's. Found when the rows meet the database.
    UnknownParent,
    /// The value already belongs to an organisation of the bureau. Found when the rows meet the database.
    AlreadyThere,
    /// The list of faults was cut here.
    MoreFaults,
}

impl ImportReason {
    /// The stable, language-free code.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Field(reason) => reason.code(),
            Self::EmptyFile => "empty_file",
            Self::Unreadable => "unreadable_file",
            Self::UnsupportedWorkbook => "unsupported_workbook",
            Self::Encoding => "unknown_encoding",
            Self::TooLarge => "file_too_large",
            Self::TooManyRows { .. } => "too_many_rows",
            Self::UnknownHeading => "unknown_heading",
            Self::DuplicateHeading => "duplicate_heading",
            Self::MissingHeading => "missing_heading",
            Self::ValueWithoutHeading => "value_without_heading",
            Self::CellError => "cell_error",
            Self::Duplicate { .. } => "duplicate",
            Self::UnknownParent => "unknown_parent",
            Self::AlreadyThere => "already_there",
            Self::MoreFaults => "more_faults",
        }
    }

    fn zh(&self) -> String {
        match self {
            Self::Field(reason) => reason.zh(),
            Self::EmptyFile => "文件没有标题行或没有数据".to_owned(),
            Self::Unreadable => "文件无法读取".to_owned(),
            Self::UnsupportedWorkbook => "不支持旧版.xls或加密的工作簿，请另存为.xlsx".to_owned(),
            Self::Encoding => "编码既不是UTF-8也不是GB18030".to_owned(),
            Self::TooLarge => "文件过大或压缩比异常".to_owned(),
            Self::TooManyRows { max } => format!("最多{max}行"),
            Self::UnknownHeading => "不认识的列标题".to_owned(),
            Self::DuplicateHeading => "列标题重复".to_owned(),
            Self::MissingHeading => "缺少必需的列".to_owned(),
            Self::ValueWithoutHeading => "此单元格所在的列没有标题".to_owned(),
            Self::CellError => "单元格是公式错误".to_owned(),
            Self::Duplicate { first_row } => format!("与第{first_row}行重复"),
            Self::UnknownParent => "本区没有这个上级".to_owned(),
            Self::AlreadyThere => "系统中已存在".to_owned(),
            Self::MoreFaults => "还有更多错误未列出".to_owned(),
        }
    }

    fn en(&self) -> String {
        match self {
            Self::Field(reason) => reason.en(),
            Self::EmptyFile => "the file has no heading row or no data".to_owned(),
            Self::Unreadable => "the file cannot be read".to_owned(),
            Self::UnsupportedWorkbook => {
                "old .xls files and workbooks with a password are not read; save as .xlsx".to_owned()
            }
            Self::Encoding => "the text is neither UTF-8 nor GB18030".to_owned(),
            Self::TooLarge => "the file is too large or packed too tightly".to_owned(),
            Self::TooManyRows { max } => format!("at most {max} rows"),
            Self::UnknownHeading => "unknown column heading".to_owned(),
            Self::DuplicateHeading => "this column stands there twice".to_owned(),
            Self::MissingHeading => "this column must be there".to_owned(),
            Self::ValueWithoutHeading => "a value in a column without heading".to_owned(),
            Self::CellError => "the cell holds a formula error".to_owned(),
            Self::Duplicate { first_row } => format!("the same as in row {first_row}"),
            Self::UnknownParent => "the bureau has no such cluster".to_owned(),
            Self::AlreadyThere => "already in the system".to_owned(),
            Self::MoreFaults => "more faults follow that are not listed".to_owned(),
        }
    }
}

/// One fault of an import file.
#[derive(Debug, Clone, PartialEq)]
pub struct RowFault {
    /// Row as a spreadsheet shows it, from 1; nothing when the whole file is meant.
    pub row: Option<u32>,
    /// Heading of the column as it stands in the file, or its Chinese name when the column is missing.
    pub column: Option<String>,
    /// Why.
    pub reason: ImportReason,
}

impl RowFault {
    /// A fault of the whole file.
    #[must_use]
    pub const fn file(reason: ImportReason) -> Self {
        Self { row: None, column: None, reason }
    }

    /// A fault of one cell.
    #[must_use]
    pub fn cell(row: u32, column: &str, reason: ImportReason) -> Self {
        let column = column.chars().filter(|c| !c.is_control()).take(40).collect();
        Self { row: Some(row), column: Some(column), reason }
    }

    /// The whole sentence in Chinese, row and column included.
    #[must_use]
    pub fn zh(&self) -> String {
        let reason = self.reason.zh();
        match (self.row, &self.column) {
            (Some(row), Some(column)) => format!("第{row}行“{column}”：{reason}"),
            (Some(row), None) => format!("第{row}行：{reason}"),
            (None, Some(column)) => format!("“{column}”：{reason}"),
            (None, None) => reason,
        }
    }

    /// The whole sentence in English, row and column included.
    #[must_use]
    pub fn en(&self) -> String {
        let reason = self.reason.en();
        match (self.row, &self.column) {
            (Some(row), Some(column)) => format!("row {row}, \"{column}\": {reason}"),
            (Some(row), None) => format!("row {row}: {reason}"),
            (None, Some(column)) => format!("\"{column}\": {reason}"),
            (None, None) => reason,
        }
    }
}
