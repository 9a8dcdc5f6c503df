//! What GeoIP says of an address.

use std::hash::{Hash, Hasher};

use super::code::{Continent, Country, Subdivision};
use super::countries::country_info;

/// A point on the globe in degrees.
#[derive(Clone, Copy, Debug)]
pub struct Coords {
    lat: f32,
    lon: f32,
}

/// Mean radius of the earth (IUGG).
const EARTH_KM: f64 = 6371.0088;

impl Coords {
    /// A point; none unless −90 ≤ latitude ≤ 90 and −180 ≤ longitude ≤ 180.
    #[must_use]
    pub fn new(lat: f64, lon: f64) -> Option<Self> {
        let valid = lat.abs() <= 90.0 && lon.abs() <= 180.0;
        // + 0.0 turns −0 into 0, so that equal points have equal bits
        valid.then_some(Self { lat: lat as f32 + 0.0, lon: lon as f32 + 0.0 })
    }

    /// Degrees north.
    #[must_use]
    pub fn lat(self) -> f64 {
        self.lat.into()
    }

    /// Degrees east.
    #[must_use]
    pub fn lon(self) -> f64 {
        self.lon.into()
    }

    /// Great-circle distance in kilometres (haversine).
    #[must_use]
    pub fn distance_km(self, other: Self) -> f64 {
        let (lat1, lat2) = (self.lat().to_radians(), other.lat().to_radians());
        let half = |difference: f64| (difference / 2.0).sin().powi(2);
        let h = half(lat2 - lat1) + lat1.cos() * lat2.cos() * half((other.lon() - self.lon()).to_radians());
        2.0 * EARTH_KM * h.sqrt().min(1.0).asin()
    }

    /// The point as a vector from the earth's centre, for many distances.
    #[must_use]
    pub fn direction(self) -> Direction {
        let ((lat_sin, lat_cos), (lon_sin, lon_cos)) =
            (self.lat().to_radians().sin_cos(), self.lon().to_radians().sin_cos());
        Direction([lat_cos * lon_cos, lat_cos * lon_sin, lat_sin])
    }

    const fn bits(self) -> (u32, u32) {
        (self.lat.to_bits(), self.lon.to_bits())
    }
}

/// A point as a vector of length one.
#[derive(Clone, Copy, Debug)]
pub struct Direction([f64; 3]);

impl Direction {
    /// Great-circle distance in kilometres.
    #[must_use]
    pub fn distance_km(self, other: Self) -> f64 {
        2.0 * EARTH_KM * self.half_chord(other).min(1.0).asin()
    }

    /// No more than [`distance_km`](Self::distance_km), and found sooner: straight through the earth.
    #[must_use]
    pub fn chord_km(self, other: Self) -> f64 {
        2.0 * EARTH_KM * self.half_chord(other)
    }

    fn half_chord(self, other: Self) -> f64 {
        let Self([x, y, z]) = self;
        let Self([u, v, w]) = other;
        ((x - u).powi(2) + (y - v).powi(2) + (z - w).powi(2)).sqrt() / 2.0
    }
}

impl PartialEq for Coords {
    fn eq(&self, other: &Self) -> bool {
        self.bits() == other.bits()
    }
}

impl Eq for Coords {}

impl Hash for Coords {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.bits().hash(state);
    }
}

/// What is known of the place of an address; nothing at all for most special-purpose ones.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Location {
    /// The country.
    pub country: Option<Country>,
    /// The subdivision of that country.
    pub subdivision: Option<Subdivision>,
    /// The database's own coordinates, not yet the country's centroid.
    pub coords: Option<Coords>,
    /// The autonomous system.
    pub asn: Option<u32>,
}

impl Location {
    /// The continent, by the country table.
    #[must_use]
    pub fn continent(&self) -> Option<Continent> {
        self.country.and_then(country_info).map(|info| info.continent)
    }

    /// The record's coordinates, else the country's centroid.
    #[must_use]
    pub fn point(&self) -> Option<Coords> {
        self.coords.or_else(|| self.country.and_then(country_info).and_then(|info| info.centroid))
    }

    /// What this one lacks, filled from another if they do not disagree about the country.
    #[must_use]
    pub fn or(&self, other: &Self) -> Self {
        if self.country.is_some() && other.country.is_some() && self.country != other.country {
            return Self { asn: self.asn.or(other.asn), ..*self };
        }
        Self {
            country: self.country.or(other.country),
            subdivision: self.subdivision.or(other.subdivision),
            coords: self.coords.or(other.coords),
            asn: self.asn.or(other.asn),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances() {
        let frankfurt = Coords::new(50.11, 8.68).expect("a point");
        let ashburn = Coords::new(39.04, -77.49).expect("a point");
        let km = frankfurt.distance_km(ashburn);
        assert!((6500.0..6600.0).contains(&km), "{km}");
        assert_eq!(frankfurt.distance_km(frankfurt), 0.0);
        assert!(Coords::new(90.5, 0.0).is_none() && Coords::new(f64::NAN, 0.0).is_none());
        let antipodes = Coords::new(-50.11, -171.32).expect("a point");
        assert!((20000.0..20020.0).contains(&frankfurt.distance_km(antipodes)));
        for other in [frankfurt, ashburn, antipodes] {
            let (by_vector, by_angle) =
                (frankfurt.direction().distance_km(other.direction()), frankfurt.distance_km(other));
            assert!((by_vector - by_angle).abs() < 0.01, "{by_vector} and not {by_angle}");
            assert!(frankfurt.direction().chord_km(other.direction()) <= by_vector);
        }
    }

    #[test]
    fn another_database_fills_what_is_missing_if_countries_agree() {
        let country = |code| Country::new(code);
        let de = Location { country: country("DE"), ..Location::default() };
        let berlin = Location { country: country("DE"), coords: Coords::new(52.5, 13.4), ..Location::default() };
        let paris = Location {
            country: country("FR"),
            coords: Coords::new(48.9, 2.3),
            asn: Some(64500),
            ..Location::default()
        };
        assert_eq!(de.or(&berlin).coords, berlin.coords);
        assert_eq!(de.or(&paris), Location { asn: Some(64500), ..de });
        assert_eq!(Location::default().or(&paris), paris);
    }
}
