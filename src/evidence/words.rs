//! The words of evidence.

use serde::Serialize;

crate::text_enum! {
    /// What a file is, by its media type.
    pub enum MediaType {
        /// A photo, shown.
        Jpeg = "image/jpeg",
        /// A picture, shown.
        Png = "image/png",
        /// A picture, shown.
        Webp = "image/webp",
        /// A photo of newer phones; stored, not decoded.
        Heic = "image/heic",
        /// A video; stored, not decoded.
        Mp4 = "video/mp4",
        /// A document; stored, not decoded.
        Pdf = "application/pdf",
    }
}

impl MediaType {
    /// Whether a display version is made of it.
    #[must_use]
    pub const fn is_shown(self) -> bool {
        matches!(self, Self::Jpeg | Self::Png | Self::Webp)
    }

    /// The end of a file's name.
    #[must_use]
    pub const fn extension(self) -> &'static str {
        match self {
            Self::Jpeg => "jpg",
            Self::Png => "png",
            Self::Webp => "webp",
            Self::Heic => "heic",
            Self::Mp4 => "mp4",
            Self::Pdf => "pdf",
        }
    }
}

crate::text_enum! {
    /// What of a hazard a photo shows.
    pub enum EvidenceRole {
        /// As it was found.
        Before = "before",
        /// As it was put right, and as it was rechecked.
        After = "after",
    }
}

crate::text_enum! {
    /// How far evidence has come.
    pub enum EvidenceState {
        /// Claimed; nobody has declared it for this target.
        Awaited = "awaited",
        /// Declared; its content has not arrived.
        Declared = "declared",
        /// Its content is here.
        Received = "received",
    }
}

crate::text_enum! {
    /// Where the same picture was used before.
    pub enum Reuse {
        /// It shows the state before the same hazard was put right, or after where it now shows before.
        BeforeAsAfter = "before_as_after",
        /// It was shown in an earlier round of the same hazard already, and returned.
        EarlierRound = "earlier_round",
        /// It shows another hazard or another item.
        OtherRecord = "other_record",
    }
}

crate::text_enum! {
    /// What comes of missing photos.
    pub enum GapPolicy {
        /// They are shown, nothing more.
        Show = "show",
        /// An inspection is not handed in before they are there.
        BlockSubmission = "block_submission",
        /// A hazard is not closed before they are there.
        BlockClosing = "block_closing",
        /// Both.
        BlockBoth = "block_both",
    }
}

impl GapPolicy {
    /// Whether an inspection with gaps stays with its team.
    #[must_use]
    pub const fn blocks_submission(self) -> bool {
        matches!(self, Self::BlockSubmission | Self::BlockBoth)
    }

    /// Whether a hazard with gaps stays open.
    #[must_use]
    pub const fn blocks_closing(self) -> bool {
        matches!(self, Self::BlockClosing | Self::BlockBoth)
    }
}

crate::text_enum! {
    /// Which form of evidence is read.
    pub enum Form {
        /// Encoded anew, upright, without metadata.
        Content = "content",
        /// The same, small.
        Thumbnail = "thumbnail",
    }
}

/// Why a file is refused, with the words for people.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum Fault {
    /// Nothing in it.
    Empty,
    /// A drawing that may hold scripts.
    Svg,
    /// A page.
    Html,
    /// None of the types that are kept.
    Unknown,
    /// It begins as one type and is another as well.
    Polyglot,
    /// It ends before its end.
    Truncated,
    /// It begins as its type and cannot be read as such.
    Undecodable,
    /// More picture than is decoded.
    TooManyPixels,
    /// Longer than files of its type may be.
    TooLarge,
    /// It took too long to decode.
    TooSlow,
}

impl Fault {
    /// The code, and the words in Chinese and English.
    #[must_use]
    pub const fn words(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Self::Empty => ("empty", "文件为空", "is empty"),
            Self::Svg => ("svg", "不接受 SVG", "is SVG, which is not taken"),
            Self::Html => ("html", "不接受网页", "is a page, which is not taken"),
            Self::Unknown => (
                "unknown_type",
                "只接受 JPEG、PNG、WebP、HEIC、MP4、PDF",
                "must be JPEG, PNG, WebP, HEIC, MP4 or PDF by its content",
            ),
            Self::Polyglot => ("polyglot", "文件内含另一种类型的内容", "holds another type of file as well"),
            Self::Truncated => ("truncated", "文件不完整", "ends before its end"),
            Self::Undecodable => ("undecodable", "文件已损坏，无法读取", "cannot be decoded"),
            Self::TooManyPixels => (
                "too_many_pixels",
                "图片不得超过 5000 万像素，边长不得超过 12000 像素",
                "must have at most 50 megapixels and 12 000 pixels a side",
            ),
            Self::TooLarge => ("too_large", "文件超过该类型的大小限制", "is larger than files of its type may be"),
            Self::TooSlow => ("too_slow", "解码超时", "took too long to decode"),
        }
    }
}
