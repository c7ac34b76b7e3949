//! How far a device was from the school.
//!
//! Coordinates come in two grids: WGS-84 (what a receiver measures) and GCJ-02 (what maps in mainland China are drawn
//! in, up to some hundred metres off). Two places of different grids are compared in GCJ-02: the WGS-84 one is shifted
//! by the formula in public use (`eviltransform` and others), which reproduces the official shift to within a few
//! metres. Outside the rectangle that the shift is made for, both grids are the same.

use std::f64::consts::PI;

use crate::orgs::rules::{Datum, Location};

/// Mean radius of the earth in metres (IUGG R1).
const EARTH: f64 = 6_371_008.8;
/// The ellipsoid of Krasovsky 1940, on which the shift is defined: semi-major axis in metres, eccentricity squared.
const AXIS: f64 = 6_378_245.0;
const ECCENTRICITY: f64 = 0.006_693_421_622_965_943;

/// Metres between two places along the surface, by the haversine formula; whole metres, for a phone is no better.
#[must_use]
pub fn distance_m(one: &Location, other: &Location) -> f64 {
    let (one, other) = if one.datum == other.datum { (plain(one), plain(other)) } else { (gcj02(one), gcj02(other)) };
    haversine(one, other).round()
}

const fn plain(place: &Location) -> (f64, f64) {
    (place.lat, place.lng)
}

fn haversine((lat1, lng1): (f64, f64), (lat2, lng2): (f64, f64)) -> f64 {
    let half = |degrees: f64| (degrees.to_radians() / 2.0).sin().powi(2);
    let a = (lat1.to_radians().cos() * lat2.to_radians().cos()).mul_add(half(lng2 - lng1), half(lat2 - lat1));
    2.0 * EARTH * a.clamp(0.0, 1.0).sqrt().asin()
}

/// Latitude and longitude in GCJ-02.
fn gcj02(place: &Location) -> (f64, f64) {
    let (lat, lng) = plain(place);
    let shifted = (0.8293..=55.8271).contains(&lat) && (72.004..=137.8347).contains(&lng);
    if place.datum == Datum::Gcj02 || !shifted {
        return (lat, lng);
    }
    let (x, y) = (lng - 105.0, lat - 35.0);
    let waves = |of: f64, parts: [(f64, f64); 3]| -> f64 {
        parts.iter().map(|(height, length)| height * (of / length * PI).sin()).sum::<f64>() * 2.0 / 3.0
    };
    let common = waves(x, [(20.0, 1.0 / 6.0), (20.0, 0.5), (0.0, 1.0)]);
    let north = -100.0
        + 2.0 * x
        + 3.0 * y
        + 0.2 * y * y
        + 0.1 * x * y
        + 0.2 * x.abs().sqrt()
        + common
        + waves(y, [(20.0, 1.0), (40.0, 3.0), (160.0, 12.0)])
        + waves(y, [(320.0, 30.0), (0.0, 1.0), (0.0, 1.0)]);
    let east = 300.0
        + x
        + 2.0 * y
        + 0.1 * x * x
        + 0.1 * x * y
        + 0.1 * x.abs().sqrt()
        + common
        + waves(x, [(20.0, 1.0), (40.0, 3.0), (150.0, 12.0)])
        + waves(x, [(300.0, 30.0), (0.0, 1.0), (0.0, 1.0)]);
    let radians = lat.to_radians();
    let magic = 1.0 - ECCENTRICITY * radians.sin().powi(2);
    let north = north * 180.0 / (AXIS * (1.0 - ECCENTRICITY) / (magic * magic.sqrt()) * PI);
    let east = east * 180.0 / (AXIS / magic.sqrt() * radians.cos() * PI);
    (lat + north, lng + east)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const fn at(lat: f64, lng: f64, datum: Datum) -> Location {
        Location { lat, lng, datum }
    }

    #[test]
    fn known_distances() {
        // One degree of a meridian of the sphere; Beijing to Shanghai.
        assert_eq!(distance_m(&at(35.0, 105.0, Datum::Wgs84), &at(36.0, 105.0, Datum::Wgs84)), 111_195.0);
        let far = distance_m(&at(39.9042, 116.4074, Datum::Wgs84), &at(31.2304, 121.4737, Datum::Wgs84));
        assert!((1_066_000.0..1_069_000.0).contains(&far), "{far}");
    }

    #[test]
    fn the_shift_is_the_published_one() {
        // The example of `eviltransform`: 31.1774276, 121.5272106 → 31.17530398364597, 121.531541859215.
        let (lat, lng) = gcj02(&at(31.177_427_6, 121.527_210_6, Datum::Wgs84));
        assert!((lat - 31.175_303_983_645_97).abs() < 1e-6 && (lng - 121.531_541_859_215).abs() < 1e-6, "{lat} {lng}");
        assert_eq!(gcj02(&at(48.85, 2.35, Datum::Wgs84)), (48.85, 2.35));
    }

    #[test]
    fn the_same_place_in_two_grids_is_near() {
        let school = at(36.9, 105.2, Datum::Wgs84);
        let (lat, lng) = gcj02(&school);
        assert_eq!(distance_m(&school, &at(lat, lng, Datum::Gcj02)), 0.0);
        // Compared without a shift it would be hundreds of metres away.
        assert!(distance_m(&school, &at(lat, lng, Datum::Wgs84)) > 100.0);
    }

    proptest! {
        #[test]
        fn a_distance_is_symmetric_and_at_most_half_way_round(
            lat1 in -90.0..90.0_f64, lng1 in -180.0..180.0_f64, lat2 in -90.0..90.0_f64, lng2 in -180.0..180.0_f64,
            mixed in any::<bool>(),
        ) {
            let one = at(lat1, lng1, Datum::Wgs84);
            let other = at(lat2, lng2, if mixed { Datum::Gcj02 } else { Datum::Wgs84 });
            let there = distance_m(&one, &other);
            prop_assert!((0.0..=20_015_200.0).contains(&there));
            prop_assert!((there - distance_m(&other, &one)).abs() <= 1.0);
        }
    }
}
