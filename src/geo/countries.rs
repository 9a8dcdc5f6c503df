//! The country table: continent, name, population-weighted centroid and internet users of every ISO 3166-1 country.
//!
//! Derived from GeoNames and World Bank data, both CC BY 4.0; see `geo/SOURCES.md`.

use std::sync::LazyLock;

use super::code::{Continent, Country};
use super::location::Coords;

/// What the table says of a country.
#[derive(Clone, Debug, PartialEq)]
pub struct CountryInfo {
    /// Its code.
    pub country: Country,
    /// Where it is.
    pub continent: Continent,
    /// Its English name.
    pub name: &'static str,
    /// Where its people are on average; none for places without people.
    pub centroid: Option<Coords>,
    /// How many of them use the internet; 0 where unknown.
    pub internet_users: u64,
}

static TABLE: LazyLock<Vec<CountryInfo>> = LazyLock::new(|| {
    let mut table: Vec<CountryInfo> = include_str!("../../geo/countries.csv").lines().skip(1).filter_map(row).collect();
    table.sort_by_key(|info| info.country);
    table
});

/// `country,continent,name,lat,lon,internet_users`; the name may be quoted.
fn row(line: &'static str) -> Option<CountryInfo> {
    let (head, internet_users) = line.rsplit_once(',')?;
    let (head, lon) = head.rsplit_once(',')?;
    let (head, lat) = head.rsplit_once(',')?;
    let mut head = head.splitn(3, ',');
    let (country, continent, name) = (head.next()?, head.next()?, head.next()?);
    Some(CountryInfo {
        country: Country::new(country)?,
        continent: continent.parse().ok()?,
        name: name.trim_matches('"'),
        centroid: lat.parse().ok().zip(lon.parse().ok()).and_then(|(lat, lon)| Coords::new(lat, lon)),
        internet_users: internet_users.parse().unwrap_or(0),
    })
}

/// Every country, in order of code.
#[must_use]
pub fn all_countries() -> &'static [CountryInfo] {
    &TABLE
}

/// What is known of a country; none if there is no such code.
#[must_use]
pub fn country_info(country: Country) -> Option<&'static CountryInfo> {
    TABLE.binary_search_by_key(&country, |info| info.country).ok().map(|at| &TABLE[at])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_is_read() {
        let rows = include_str!("../../geo/countries.csv").lines().count() - 1;
        assert_eq!(all_countries().len(), rows);
        let germany = country_info(Country::new("de").expect("letters")).expect("a country");
        assert_eq!((germany.continent, germany.name), (Continent::Europe, "Germany"));
        assert!(germany.centroid.is_some());
    }
}
