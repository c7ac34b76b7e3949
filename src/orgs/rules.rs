//! What an organisation and a place may be, and where it may sit. Pure.

mod fault;
mod fields;
mod words;

pub use fault::{Fault, Reason};
pub use fields::{
    COUNT_MAX, Location, SchoolFields, address, check_school, count, identifier, identifier_doubts, max_floor, name,
    region_code, site_code, time_zone,
};
pub use words::{Datum, Feature, OrgKind, SchoolKind, SiteKind};

impl OrgKind {
    /// Whether an organisation of this kind may sit directly under one of `parent`.
    ///
    /// A bureau is a root: it has no parent and is made by the command line only, so this is never true for it.
    #[must_use]
    pub const fn may_sit_under(self, parent: Self) -> bool {
        match self {
            Self::Bureau => false,
            Self::Cluster | Self::Agency => matches!(parent, Self::Bureau),
            Self::School => matches!(parent, Self::Bureau | Self::Cluster),
        }
    }
}

impl SiteKind {
    /// Whether a place of this kind may sit inside one of `parent`: any wider kind will do, since a small school has
    /// rooms without a campus record. A site without a parent lies directly in the school, whatever its kind.
    #[must_use]
    pub fn may_sit_in(self, parent: Self) -> bool {
        self.rank() > parent.rank()
    }

    const fn rank(self) -> u8 {
        match self {
            Self::Campus => 0,
            Self::Building => 1,
            Self::Floor => 2,
            Self::Room => 3,
            Self::Point => 4,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_four_lawful_nestings_exist() {
        let mut pairs = Vec::new();
        for child in OrgKind::ALL {
            for parent in OrgKind::ALL {
                if child.may_sit_under(*parent) {
                    pairs.push((child.as_str(), parent.as_str()));
                }
            }
        }
        assert_eq!(pairs, [("cluster", "bureau"), ("school", "bureau"), ("school", "cluster"), ("agency", "bureau")]);
    }

    #[test]
    fn a_place_sits_in_any_wider_place_and_never_in_its_own_kind() {
        assert!(SiteKind::Point.may_sit_in(SiteKind::Campus));
        assert!(SiteKind::Room.may_sit_in(SiteKind::Building));
        assert!(!SiteKind::Building.may_sit_in(SiteKind::Building));
        assert!(!SiteKind::Campus.may_sit_in(SiteKind::Room));
    }

    #[test]
    fn chinese_names_lead_back_to_the_same_word() {
        for kind in SchoolKind::ALL {
            assert_eq!(SchoolKind::read(kind.name_zh()), Some(*kind));
            assert_eq!(SchoolKind::read(kind.as_str()), Some(*kind));
        }
        for feature in Feature::ALL {
            assert_eq!(Feature::read(feature.name_zh()), Some(*feature));
            assert_eq!(Feature::read(feature.as_str()), Some(*feature));
        }
    }
}
