//! The five ledgers.

use super::columns::{self, Column};
use crate::hazards::store::walk::Kept;

crate::text_enum! {
    /// A reading of the hazards.
    pub enum Ledger {
        /// 隐患台账: every hazard ever numbered, void ones as well, because numbers stay.
        Hazards = "hazards",
        /// 问题清单: all but void ones.
        Problems = "problems",
        /// 责任清单: open ones.
        Responsibilities = "responsibilities",
        /// 整改清单: open ones that were issued.
        Rectifications = "rectifications",
        /// 成果清单: closed ones.
        Results = "results",
    }
}

impl Ledger {
    /// What people call it.
    #[must_use]
    pub const fn name_zh(self) -> &'static str {
        match self {
            Self::Hazards => "隐患台账",
            Self::Problems => "问题清单",
            Self::Responsibilities => "责任清单",
            Self::Rectifications => "整改清单",
            Self::Results => "成果清单",
        }
    }

    /// Which hazards it keeps.
    #[must_use]
    pub const fn kept(self) -> Kept {
        match self {
            Self::Hazards => Kept::All,
            Self::Problems => Kept::NotVoid,
            Self::Responsibilities => Kept::Open,
            Self::Rectifications => Kept::InHand,
            Self::Results => Kept::Closed,
        }
    }

    /// Its columns in a file.
    #[must_use]
    pub const fn columns(self) -> &'static [Column] {
        match self {
            Self::Hazards => columns::HAZARDS,
            Self::Problems => columns::PROBLEMS,
            Self::Responsibilities => columns::RESPONSIBILITIES,
            Self::Rectifications => columns::RECTIFICATIONS,
            Self::Results => columns::RESULTS,
        }
    }
}

crate::text_enum! {
    /// What a file is.
    pub enum Format {
        /// RFC 4180, UTF-8 with a byte order mark.
        Csv = "csv",
        /// Office Open XML, one sheet of texts.
        Xlsx = "xlsx",
    }
}

impl Format {
    /// The media type.
    #[must_use]
    pub const fn media(self) -> &'static str {
        match self {
            Self::Csv => "text/csv; charset=utf-8",
            Self::Xlsx => "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        }
    }
}
