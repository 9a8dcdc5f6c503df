//! Re-reads the geo databases. What they say counts only where a file is still the one that the snapshot was made from.

use std::fs;
use std::net::IpAddr;

use super::facts::{DatabaseFacts, LocationFacts};
use super::rounded;
use crate::control::load::digest;
use crate::geo::{self, Location};
use crate::snapshot::{LoadedDatabase, Snapshot};

/// The databases of a snapshot, read anew.
#[derive(Debug)]
pub struct Databases {
    /// Each with its bytes, or why there are none.
    files: Vec<(LoadedDatabase, Result<Vec<u8>, String>)>,
}

impl Databases {
    /// Reads the files.
    #[must_use]
    pub fn read(snapshot: &Snapshot) -> Self {
        let read = |database: &LoadedDatabase| (database.clone(), read_unchanged(database));
        Self { files: snapshot.loaded.databases.iter().map(read).collect() }
    }

    /// Where an address is, by all of them together; none where one cannot be asked any more.
    pub(super) fn locate(&self, addr: IpAddr) -> (Option<Location>, Vec<DatabaseFacts>) {
        let mut location = Some(Location::default());
        let mut facts = Vec::with_capacity(self.files.len());
        for (database, bytes) in &self.files {
            let found = bytes.as_ref().map_err(Clone::clone);
            let found = found.and_then(|bytes| geo::look_up(bytes, addr).map_err(|error| error.to_string()));
            let own = found.as_ref().ok().map(|found| found.map(|(_, location)| location).unwrap_or_default());
            location = location.zip(own).map(|(before, own)| before.or(&own));
            let (problem, found) = match found {
                Ok(found) => (None, found),
                Err(problem) => (Some(problem), None),
            };
            facts.push(DatabaseFacts {
                path: database.path.display().to_string(),
                kind: database.info.kind.clone(),
                built: database.info.built,
                sha256: database.digest.clone(),
                problem,
                network: found.map(|(network, _)| network.to_string()),
                says: found.map(|(_, location)| LocationFacts::of(&location)),
            });
        }
        (location, facts)
    }
}

fn read_unchanged(database: &LoadedDatabase) -> Result<Vec<u8>, String> {
    let bytes = fs::read(&database.path).map_err(|error| format!("the file cannot be read: {error}"))?;
    if digest(&bytes) == database.digest { Ok(bytes) } else { Err("the file has changed since it was loaded".into()) }
}

impl LocationFacts {
    pub(super) fn of(location: &Location) -> Self {
        let point = location.point();
        Self {
            continent: location.continent().map(|continent| continent.to_string()),
            country: location.country.map(|country| country.to_string()),
            subdivision: location.subdivision.map(|subdivision| subdivision.to_string()),
            latitude: point.map(|point| rounded(point.lat(), 4)),
            longitude: point.map(|point| rounded(point.lon(), 4)),
            centroid: point.is_some() && location.coords.is_none(),
            asn: location.asn,
        }
    }

    /// As a rule would name it: `EU-DE`.
    pub(super) fn code(&self) -> Option<String> {
        let country = self.country.as_ref()?;
        let parts = [self.continent.as_ref(), Some(country), self.subdivision.as_ref()];
        Some(parts.into_iter().flatten().map(String::as_str).collect::<Vec<_>>().join("-"))
    }
}
