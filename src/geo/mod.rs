//! Where an address is: GeoIP databases become one prefix map of [`Location`]s; the country table gives continents and
//! centroids; great-circle distance gives kilometres.
//!
//! Databases are walked once, at load. Nothing here is consulted on the query path.

mod code;
mod countries;
mod database;
mod location;
mod special;
mod walk;

pub use code::{Continent, Country, GeoCode, GeoCodeError, Subdivision};
pub use countries::{CountryInfo, all_countries, country_info};
pub use database::{Database, DatabaseError, DatabaseInfo, Fields, graft_embeddings, look_up, merge};
pub use location::{Coords, Direction, Location};
pub use special::{SPECIAL_PURPOSE, embedding, special_purpose_block};
