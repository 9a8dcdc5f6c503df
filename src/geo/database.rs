//! GeoIP databases in MaxMind's format, read whole and walked once.
//!
//! Two schemas are known: MaxMind's nested one (`country.iso_code`, `location.latitude`, `subdivisions[].iso_code`,
//! `autonomous_system_number`) and the flat one of ip-location-db (`country_code`, `latitude`, `longitude`,
//! `autonomous_system_number`).

use std::fmt;
use std::net::IpAddr;
use std::ops::BitOr;

use serde::de::Visitor;
use serde::{Deserialize, Deserializer};

use super::code::{Country, Subdivision};
use super::countries::country_info;
use super::location::{Coords, Location};
use super::special::{EMBEDDINGS, embedding};
use super::walk::{Walked, walk};
use crate::base::{Prefix, PrefixMap};

/// One database, walked.
#[derive(Clone, Debug)]
pub struct Database {
    /// Every network's location.
    pub locations: PrefixMap<Location>,
    /// What it says of itself.
    pub info: DatabaseInfo,
}

/// What a database says of itself, and what was found in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DatabaseInfo {
    /// Its type, such as `GeoLite2-City`.
    pub kind: String,
    /// When it was built, in seconds since 1970.
    pub built: u64,
    /// How many networks it lists.
    pub networks: u64,
    /// Which fields at least one of its records has.
    pub fields: Fields,
}

/// Which fields databases supply.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Fields {
    /// Countries, and so continents.
    pub country: bool,
    /// Subdivisions, with ISO 3166-2 codes.
    pub subdivision: bool,
    /// Subdivisions, by name only: rules cannot use these.
    pub subdivision_names: bool,
    /// Coordinates of their own.
    pub coords: bool,
    /// Autonomous systems.
    pub asn: bool,
}

impl BitOr for Fields {
    type Output = Self;
    fn bitor(self, other: Self) -> Self {
        Self {
            country: self.country | other.country,
            subdivision: self.subdivision | other.subdivision,
            subdivision_names: self.subdivision_names | other.subdivision_names,
            coords: self.coords | other.coords,
            asn: self.asn | other.asn,
        }
    }
}

/// Why a database cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum DatabaseError {
    /// Not the format, or damaged.
    #[error("not a usable MaxMind DB file: {0}")]
    Format(#[from] maxminddb::MaxMindDbError),
    /// No record has any field that is known.
    #[error("a database of type {0:?} has neither countries, coordinates nor autonomous systems")]
    NothingUsable(String),
}

impl Database {
    /// Walks a database.
    ///
    /// # Errors
    /// [`DatabaseError`]; a damaged file is found here and not while serving.
    pub fn read(bytes: &[u8]) -> Result<Self, DatabaseError> {
        let reader = maxminddb::Reader::from_source(bytes)?;
        let Walked { locations, fields, networks } = walk(&reader, bytes)?;
        let metadata = reader.metadata();
        if !(fields.country || fields.coords || fields.asn) {
            return Err(DatabaseError::NothingUsable(metadata.database_type.clone()));
        }
        let info = DatabaseInfo { kind: metadata.database_type.clone(), built: metadata.build_epoch, networks, fields };
        Ok(Self { locations, info })
    }
}

/// What a database says of one address, and the network it says it of: as [`Database::read`] and [`merge`] would.
///
/// # Errors
/// [`DatabaseError`], as when it is walked.
pub fn look_up(bytes: &[u8], addr: IpAddr) -> Result<Option<(Prefix, Location)>, DatabaseError> {
    let reader = maxminddb::Reader::from_source(bytes)?;
    let addr = embedding(addr).map_or(addr, |(v4, _)| v4.into());
    let known = match addr {
        IpAddr::V4(_) => true,
        // the format keeps IPv4 at ::/96, and may show it at Teredo's prefix too: neither is what the address means
        IpAddr::V6(v6) => {
            reader.metadata().ip_version == 6 && v6.to_bits() >> 32 != 0 && v6.to_bits() >> 96 != 0x2001_0000
        }
    };
    if !known {
        return Ok(None);
    }
    let found = reader.lookup(addr)?;
    let Some(record) = found.decode::<Record<'_>>()? else { return Ok(None) };
    let network = found.network()?;
    Ok(Some((Prefix::around(network.ip(), network.prefix()), record.location())))
}

/// Several databases as one: a later one fills what the earlier lack, if countries agree. IPv6 addresses that carry an
/// IPv4 address are located by it.
#[must_use]
pub fn merge(databases: Vec<PrefixMap<Location>>) -> PrefixMap<Location> {
    let mut databases = databases.into_iter();
    let first = databases.next().unwrap_or_else(|| PrefixMap::constant(Location::default()));
    let mut merged = databases.fold(first, |merged, next| merged.zip(&next, Location::or));
    graft_embeddings(&mut merged);
    merged
}

/// Makes what a map says of IPv4 addresses hold for the IPv6 addresses that carry them.
pub fn graft_embeddings<T>(map: &mut PrefixMap<T>) {
    for embedding in EMBEDDINGS {
        map.graft_v4(embedding.prefix.parse().expect("a prefix of the table"));
    }
}

/// Both schemas at once.
#[derive(Default, Deserialize)]
pub(super) struct Record<'a> {
    #[serde(borrow)]
    country: Option<NestedCountry<'a>>,
    country_code: Option<&'a str>,
    location: Option<NestedPoint>,
    latitude: Option<Degrees>,
    longitude: Option<Degrees>,
    #[serde(default, borrow)]
    subdivisions: Vec<NestedCountry<'a>>,
    state1: Option<&'a str>,
    autonomous_system_number: Option<u32>,
}

#[derive(Default, Deserialize)]
struct NestedCountry<'a> {
    iso_code: Option<&'a str>,
}

#[derive(Default, Deserialize)]
struct NestedPoint {
    latitude: Option<Degrees>,
    longitude: Option<Degrees>,
}

/// An angle, which databases store as a float or as a double.
#[derive(Clone, Copy)]
struct Degrees(f64);

impl<'de> Deserialize<'de> for Degrees {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Float;
        impl Visitor<'_> for Float {
            type Value = Degrees;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a float or a double")
            }
            fn visit_f64<E>(self, value: f64) -> Result<Degrees, E> {
                Ok(Degrees(value))
            }
            fn visit_f32<E>(self, value: f32) -> Result<Degrees, E> {
                Ok(Degrees(value.into()))
            }
        }
        deserializer.deserialize_any(Float)
    }
}

impl Record<'_> {
    pub(super) fn location(&self) -> Location {
        let nested = self.country.as_ref().and_then(|country| country.iso_code);
        let country = nested.or(self.country_code).and_then(Country::new);
        Location {
            country: country.filter(|&country| country_info(country).is_some()),
            subdivision: self.subdivisions.first().and_then(|sub| sub.iso_code).and_then(Subdivision::new),
            coords: self.point().and_then(|(lat, lon)| Coords::new(lat, lon)),
            asn: self.autonomous_system_number,
        }
    }

    fn point(&self) -> Option<(f64, f64)> {
        let nested = self.location.as_ref().and_then(|point| point.latitude.zip(point.longitude));
        nested.or_else(|| self.latitude.zip(self.longitude)).map(|(lat, lon)| (lat.0, lon.0))
    }

    pub(super) fn fields(&self) -> Fields {
        let location = self.location();
        let unnamed = self.subdivisions.iter().any(|sub| sub.iso_code.is_none());
        Fields {
            country: location.country.is_some(),
            subdivision: location.subdivision.is_some(),
            subdivision_names: unnamed || self.state1.is_some_and(|name| !name.is_empty()),
            coords: location.coords.is_some(),
            asn: location.asn.is_some(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shipped() -> Database {
        Database::read(include_bytes!("../../geo/country.mmdb")).expect("the shipped database is sound")
    }

    #[test]
    fn the_shipped_database_places_well_known_networks() {
        let database = shipped();
        let country = |addr: &str| {
            let addr: IpAddr = addr.parse().expect("an address");
            database.locations.get(addr).0.country.map(|country| country.to_string())
        };
        assert_eq!(country("193.0.6.139").as_deref(), Some("NL")); // RIPE NCC
        assert_eq!(country("2001:67c:2e8::1").as_deref(), Some("NL"));
        assert_eq!(country("133.11.0.1").as_deref(), Some("JP")); // University of Tokyo
        assert_eq!(country("10.0.0.1"), None);
        assert!(database.info.fields.country && !database.info.fields.coords && !database.info.fields.asn);
        assert!(database.info.networks > 100_000 && database.info.built > 1_700_000_000);
    }

    #[test]
    fn embedded_addresses_are_located_by_the_ipv4_inside() {
        let merged = merge(vec![shipped().locations]);
        let get = |addr: &str| merged.get(addr.parse().expect("an address"));
        let (plain, len) = get("133.11.0.1");
        assert_eq!(get("::ffff:133.11.0.1"), (plain, 96 + len));
        assert_eq!(get("64:ff9b::133.11.0.1"), (plain, 96 + len));
        assert_eq!(get("2002:850b:0001::1"), (plain, 16 + len));
    }

    #[test]
    fn a_look_up_says_what_the_walked_database_says() {
        let bytes = include_bytes!("../../geo/country.mmdb");
        let merged = merge(vec![shipped().locations]);
        let mut random = fastrand::Rng::with_seed(1);
        for round in 0..60_000 {
            let bits = random.u128(..);
            let addr = match round % 6 {
                0 => IpAddr::from((bits as u32).to_be_bytes()),
                1 => IpAddr::from(((bits >> 96) | 0x64_ff9b << 96).to_be_bytes()),
                2 => IpAddr::from((bits >> 16 | 0x2002 << 112).to_be_bytes()),
                3 => IpAddr::from((bits >> 16 | 0x2a02 << 112).to_be_bytes()),
                4 => IpAddr::from((bits >> 32 | 0x2001_0000 << 96).to_be_bytes()),
                _ => IpAddr::from((bits >> 96 | u128::from(random.bool()) << 32).to_be_bytes()),
            };
            let found = look_up(bytes, addr).expect("a sound database");
            assert_eq!(found.map(|(_, location)| location).unwrap_or_default(), *merged.get(addr).0, "{addr}");
        }
    }

    #[test]
    fn what_is_no_database_is_refused() {
        assert!(Database::read(b"").is_err());
        assert!(Database::read(b"country,code").is_err());
        let whole = include_bytes!("../../geo/country.mmdb");
        assert!(Database::read(&whole[whole.len() / 2..]).is_err());
    }
}
