//! Codes of places: continents, ISO 3166-1 countries, ISO 3166-2 subdivisions, and how config writes them.

use std::fmt;
use std::str::FromStr;

use super::countries::country_info;

/// A continent, as GeoIP databases divide the world.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Continent {
    /// Africa.
    Africa,
    /// Antarctica.
    Antarctica,
    /// Asia.
    Asia,
    /// Europe.
    Europe,
    /// North America.
    NorthAmerica,
    /// Oceania.
    Oceania,
    /// South America.
    SouthAmerica,
}

const CONTINENTS: [(&str, Continent); 7] = [
    ("AF", Continent::Africa),
    ("AN", Continent::Antarctica),
    ("AS", Continent::Asia),
    ("EU", Continent::Europe),
    ("NA", Continent::NorthAmerica),
    ("OC", Continent::Oceania),
    ("SA", Continent::SouthAmerica),
];

/// An ISO 3166-1 alpha-2 code, in capitals. Not every pair of letters is a country: see [`country_info`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Country([u8; 2]);

/// The part of an ISO 3166-2 code behind the hyphen: one to three letters or digits, in capitals.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Subdivision([u8; 3]);

/// A place as a rule names it: `EU`, `EU-DE`, `NA-US-CA`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct GeoCode {
    /// The continent.
    pub continent: Continent,
    /// The country, if one is named.
    pub country: Option<Country>,
    /// The subdivision of that country, if one is named.
    pub subdivision: Option<Subdivision>,
}

/// Why a text is no place.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GeoCodeError {
    /// Not `CONTINENT[-COUNTRY[-SUBDIVISION]]`.
    #[error(
        "a place is written CONTINENT, CONTINENT-COUNTRY or CONTINENT-COUNTRY-SUBDIVISION, such as \"EU\", \"EU-DE\" or \"NA-US-CA\""
    )]
    Syntax,
    /// No such continent.
    #[error("there is no continent \"{0}\" (AF, AN, AS, EU, NA, OC, SA)")]
    UnknownContinent(String),
    /// No such country.
    #[error("there is no country \"{0}\" in ISO 3166-1")]
    UnknownCountry(String),
    /// The country is on another continent.
    #[error("{country} is not in {given}; it is in {right}")]
    WrongContinent {
        /// The country.
        country: Country,
        /// The continent written.
        given: Continent,
        /// The continent it is in.
        right: Continent,
    },
}

impl FromStr for Continent {
    type Err = GeoCodeError;
    fn from_str(text: &str) -> Result<Self, GeoCodeError> {
        let found = CONTINENTS.iter().find(|(code, _)| *code == text);
        found.map(|&(_, continent)| continent).ok_or_else(|| GeoCodeError::UnknownContinent(text.to_owned()))
    }
}

impl fmt::Display for Continent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let code = CONTINENTS.iter().find(|(_, continent)| continent == self).map_or("", |(code, _)| code);
        f.write_str(code)
    }
}

impl Country {
    /// The code of two ASCII letters in any case.
    #[must_use]
    pub fn new(text: &str) -> Option<Self> {
        let code: [u8; 2] = text.as_bytes().try_into().ok()?;
        code.iter().all(u8::is_ascii_alphabetic).then(|| Self(code.map(|letter| letter.to_ascii_uppercase())))
    }
}

impl fmt::Display for Country {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", char::from(self.0[0]), char::from(self.0[1]))
    }
}

impl Subdivision {
    /// The code of one to three ASCII letters or digits in any case.
    #[must_use]
    pub fn new(text: &str) -> Option<Self> {
        let mut code = [0; 3];
        code.get_mut(..text.len()).filter(|_| !text.is_empty())?.copy_from_slice(text.as_bytes());
        code.make_ascii_uppercase();
        text.bytes().all(|byte| byte.is_ascii_alphanumeric()).then_some(Self(code))
    }
}

impl fmt::Display for Subdivision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().filter(|&&byte| byte != 0).try_for_each(|&byte| write!(f, "{}", char::from(byte)))
    }
}

impl FromStr for GeoCode {
    type Err = GeoCodeError;

    /// `CONTINENT[-COUNTRY[-SUBDIVISION]]`, in capitals; the country must be in the table and on that continent.
    fn from_str(text: &str) -> Result<Self, GeoCodeError> {
        let mut parts = text.split('-');
        let continent: Continent = parts.next().unwrap_or_default().parse()?;
        let country = parts.next().map(|code| known_country(code, continent)).transpose()?;
        let subdivision = parts.next().map(|code| Subdivision::new(code).ok_or(GeoCodeError::Syntax)).transpose()?;
        if parts.next().is_some() || text.bytes().any(|byte| byte.is_ascii_lowercase()) {
            return Err(GeoCodeError::Syntax);
        }
        Ok(Self { continent, country, subdivision })
    }
}

fn known_country(code: &str, given: Continent) -> Result<Country, GeoCodeError> {
    let country = Country::new(code).ok_or(GeoCodeError::Syntax)?;
    let info = country_info(country).ok_or_else(|| GeoCodeError::UnknownCountry(code.to_owned()))?;
    if info.continent == given {
        Ok(country)
    } else {
        Err(GeoCodeError::WrongContinent { country, given, right: info.continent })
    }
}

impl fmt::Display for GeoCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.continent)?;
        if let Some(country) = self.country {
            write!(f, "-{country}")?;
        }
        if let Some(subdivision) = self.subdivision {
            write!(f, "-{subdivision}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes() {
        for good in ["EU", "EU-DE", "NA-US-CA", "AF", "OC-AU-NSW"] {
            assert_eq!(good.parse::<GeoCode>().expect("a code").to_string(), good);
        }
        let error = |text: &str| text.parse::<GeoCode>().expect_err(text).to_string();
        assert_eq!(error("EU-JP"), "JP is not in EU; it is in AS");
        assert_eq!(error("EU-XX"), "there is no country \"XX\" in ISO 3166-1");
        assert!(error("DE").starts_with("there is no continent \"DE\""));
        for bad in ["eu-de", "EU-DE-", "EU-DE-BYXX", "EU-DE-BY-X", "EU-D", "EU-"] {
            assert!(bad.parse::<GeoCode>().is_err(), "{bad}");
        }
    }
}
