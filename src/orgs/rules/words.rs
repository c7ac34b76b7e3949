//! The enumerations of organisations and places.

crate::text_enum! {
    /// What an organisation is.
    pub enum OrgKind {
        /// The county education bureau: root of a tree, one tenant.
        Bureau = "bureau",
        /// A township or area grouping of schools below the bureau.
        Cluster = "cluster",
        /// A school, kindergarten or training centre.
        School = "school",
        /// Another department the bureau refers hazards to.
        Agency = "agency",
    }
}

crate::text_enum! {
    /// What kind of school it is; decides, with the features, which checklist items apply.
    pub enum SchoolKind {
        /// 幼儿园
        Kindergarten = "kindergarten",
        /// 小学
        Primary = "primary",
        /// 教学点
        TeachingPoint = "teaching_point",
        /// 初级中学
        JuniorHigh = "junior_high",
        /// 高级中学
        SeniorHigh = "senior_high",
        /// 完全中学
        CompleteSecondary = "complete_secondary",
        /// 九年一贯制学校
        NineYear = "nine_year",
        /// 十二年一贯制学校
        TwelveYear = "twelve_year",
        /// 中等职业学校
        Vocational = "vocational",
        /// 特殊教育学校
        Special = "special",
        /// 校外培训机构
        Offcampus = "offcampus",
    }
}

crate::text_enum! {
    /// What a school has that brings hazards of its own.
    pub enum Feature {
        /// 自营食堂
        Canteen = "canteen",
        /// 配餐
        Catered = "catered",
        /// 寄宿
        Boarding = "boarding",
        /// 校车
        Bus = "bus",
        /// 实验室
        Lab = "lab",
        /// 使用燃气
        Gas = "gas",
        /// 特种设备
        SpecialEquipment = "special_equipment",
        /// 消防控制室
        FireControlRoom = "fire_control_room",
        /// 临近水域
        NearWater = "near_water",
    }
}

crate::text_enum! {
    /// What a place in a school is, from wide to narrow.
    pub enum SiteKind {
        /// 校区
        Campus = "campus",
        /// 楼栋
        Building = "building",
        /// 楼层
        Floor = "floor",
        /// 房间
        Room = "room",
        /// 点位
        Point = "point",
    }
}

crate::text_enum! {
    /// The grid a coordinate is given in. The two differ by up to some hundred metres in China, so it is never guessed.
    pub enum Datum {
        /// As satellites give it.
        Wgs84 = "wgs84",
        /// The shifted grid of Chinese maps (高德, 腾讯).
        Gcj02 = "gcj02",
    }
}

impl SchoolKind {
    /// The Chinese name, as in the catalogue.
    #[must_use]
    pub const fn name_zh(self) -> &'static str {
        match self {
            Self::Kindergarten => "幼儿园",
            Self::Primary => "小学",
            Self::TeachingPoint => "教学点",
            Self::JuniorHigh => "初级中学",
            Self::SeniorHigh => "高级中学",
            Self::CompleteSecondary => "完全中学",
            Self::NineYear => "九年一贯制学校",
            Self::TwelveYear => "十二年一贯制学校",
            Self::Vocational => "中等职业学校",
            Self::Special => "特殊教育学校",
            Self::Offcampus => "校外培训机构",
        }
    }

    /// Reads a code, the Chinese name, or one of the short forms people write in tables.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        let short = match text {
            "初中" => Some(Self::JuniorHigh),
            "高中" | "普通高中" => Some(Self::SeniorHigh),
            "九年一贯制" => Some(Self::NineYear),
            "十二年一贯制" => Some(Self::TwelveYear),
            "中职" | "职业高中" => Some(Self::Vocational),
            "特殊教育" => Some(Self::Special),
            _ => None,
        };
        short
            .or_else(|| Self::parse(&text.to_ascii_lowercase()))
            .or_else(|| Self::ALL.iter().copied().find(|kind| kind.name_zh() == text))
    }
}

impl Feature {
    /// The Chinese name, as in the catalogue.
    #[must_use]
    pub const fn name_zh(self) -> &'static str {
        match self {
            Self::Canteen => "自营食堂",
            Self::Catered => "配餐",
            Self::Boarding => "寄宿",
            Self::Bus => "校车",
            Self::Lab => "实验室",
            Self::Gas => "使用燃气",
            Self::SpecialEquipment => "特种设备",
            Self::FireControlRoom => "消防控制室",
            Self::NearWater => "临近水域",
        }
    }

    /// Reads a code, the Chinese name, or one of the short forms people write in tables.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        let short = match text {
            "食堂" => Some(Self::Canteen),
            "住宿" => Some(Self::Boarding),
            "燃气" => Some(Self::Gas),
            _ => None,
        };
        short
            .or_else(|| Self::parse(&text.to_ascii_lowercase()))
            .or_else(|| Self::ALL.iter().copied().find(|feature| feature.name_zh() == text))
    }
}

impl Datum {
    /// Reads a code or the names found in tables (`WGS-84`, `火星坐标` …).
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        match text.to_ascii_lowercase().replace(['-', ' ', '_'], "").as_str() {
            "wgs84" => Some(Self::Wgs84),
            "gcj02" | "火星坐标" | "火星坐标系" | "国测局坐标" => Some(Self::Gcj02),
            _ => None,
        }
    }
}
