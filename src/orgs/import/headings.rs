//! Which column is which, by its Chinese or English heading.

use super::table::Line;
use super::{ImportReason, RowFault};

crate::text_enum! {
    /// The columns an import file may have.
    pub enum Column {
        /// 学校名称
        Name = "name",
        /// 学校标识码
        Identifier = "identifier",
        /// 办学类型
        SchoolKind = "school_kind",
        /// 上级: the name of a cluster; empty means directly under the bureau.
        Parent = "parent",
        /// 特征
        Features = "features",
        /// 学生数
        Students = "students",
        /// 教职工数
        Staff = "staff",
        /// 最高楼层
        MaxFloor = "max_floor",
        /// 地址
        Address = "address",
        /// 纬度
        Lat = "lat",
        /// 经度
        Lng = "lng",
        /// 坐标系
        Datum = "datum",
    }
}

impl Column {
    /// The heading in Chinese, as in the sample file.
    #[must_use]
    pub const fn name_zh(self) -> &'static str {
        match self {
            Self::Name => "学校名称",
            Self::Identifier => "学校标识码",
            Self::SchoolKind => "办学类型",
            Self::Parent => "上级",
            Self::Features => "特征",
            Self::Students => "学生数",
            Self::Staff => "教职工数",
            Self::MaxFloor => "最高楼层",
            Self::Address => "地址",
            Self::Lat => "纬度",
            Self::Lng => "经度",
            Self::Datum => "坐标系",
        }
    }

    const fn required(self) -> bool {
        matches!(self, Self::Name | Self::SchoolKind)
    }

    /// Reads a heading: blanks, a required-mark `*` and notes in brackets (学生数（人）) mean nothing.
    #[must_use]
    pub fn read(heading: &str) -> Option<Self> {
        let bare = bare(heading);
        Self::ALL.iter().copied().find(|column| column.as_str() == bare || column.name_zh() == bare).or(
            match bare.as_str() {
                "学校" | "名称" | "school_name" | "school" => Some(Self::Name),
                "标识码" | "学校代码" => Some(Self::Identifier),
                "学校类型" | "类型" | "办学类别" | "kind" => Some(Self::SchoolKind),
                "上级机构" | "学区" | "所属学区" | "cluster" => Some(Self::Parent),
                "学校特征" => Some(Self::Features),
                "学生人数" => Some(Self::Students),
                "教职工人数" | "教职工" => Some(Self::Staff),
                "学校地址" => Some(Self::Address),
                "latitude" => Some(Self::Lat),
                "longitude" => Some(Self::Lng),
                _ => None,
            },
        )
    }
}

fn bare(heading: &str) -> String {
    let mut depth = 0_u32;
    let mut out = String::new();
    for c in heading.chars() {
        match c {
            '(' | '（' | '[' | '【' => depth = depth.saturating_add(1),
            ')' | '）' | ']' | '】' => depth = depth.saturating_sub(1),
            '*' | '＊' => {}
            c if depth > 0 || c.is_whitespace() => {}
            c => out.extend(c.to_lowercase()),
        }
    }
    out
}

/// The heading row understood.
pub struct Headings {
    /// For each column of the sheet, what it is and how it is called there; nothing where the heading is empty.
    columns: Vec<Option<(Column, String)>>,
}

impl Headings {
    /// Reads the heading row.
    ///
    /// # Errors
    /// Every unknown, doubled or missing heading.
    pub fn read(line: &Line) -> Result<Self, Vec<RowFault>> {
        let mut faults = Vec::new();
        let mut columns: Vec<Option<(Column, String)>> = Vec::new();
        for cell in &line.cells {
            if cell.is_empty() {
                columns.push(None);
                continue;
            }
            let column = Column::read(cell);
            match column {
                None => faults.push(RowFault::cell(line.row, cell, ImportReason::UnknownHeading)),
                Some(column) if columns.iter().flatten().any(|(known, _)| *known == column) => {
                    faults.push(RowFault::cell(line.row, cell, ImportReason::DuplicateHeading));
                }
                Some(_) => {}
            }
            columns.push(column.map(|column| (column, cell.clone())));
        }
        for column in Column::ALL.iter().filter(|column| column.required()) {
            if !columns.iter().flatten().any(|(known, _)| known == column) {
                faults.push(RowFault::cell(line.row, column.name_zh(), ImportReason::MissingHeading));
            }
        }
        if faults.is_empty() { Ok(Self { columns }) } else { Err(faults) }
    }

    /// What stands in a column of the sheet, counted from 0.
    pub fn at(&self, index: usize) -> Option<Column> {
        self.columns.get(index).and_then(Option::as_ref).map(|(column, _)| *column)
    }

    /// How a column of the sheet is called there; its number where it has no heading.
    pub fn title_at(&self, index: usize) -> String {
        match self.columns.get(index).and_then(Option::as_ref) {
            Some((_, title)) => title.clone(),
            None => format!("#{}", index.saturating_add(1)),
        }
    }

    /// How a column is called in the file; its Chinese name when it is not there.
    pub fn title(&self, column: Column) -> &str {
        let found = self.columns.iter().flatten().find(|(known, _)| *known == column);
        found.map_or(column.name_zh(), |(_, title)| title.as_str())
    }
}
