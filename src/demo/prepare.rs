//! The shipped files in a folder, with the few substitutions that turn example endpoints into the demo's origins.

use std::collections::BTreeSet;
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use super::edit::{EditError, Setting, Step, set_all};
use super::sites::Site;

/// Where each file goes; the shipped configuration names the others by these ways.
const CONFIG: &str = "config/windrose.toml";
const ZONE: &str = "zones/example.com.zone";
const STEERING: &str = "zones/example.com.toml";
const CA: &str = "zones/ca.pem";
const GEO: &str = "geo/country.mmdb";

/// The files that a fresh copy of Windrose comes with.
#[derive(Clone, Copy)]
pub struct Shipped<'a> {
    /// The main configuration.
    pub config: &'a str,
    /// The zone file of example.com.
    pub zone: &'a str,
    /// Its steering file.
    pub steering: &'a str,
    /// The GeoIP database.
    pub geo: &'a [u8],
}

impl Shipped<'static> {
    /// Those that this program was built with.
    #[must_use]
    pub fn embedded() -> Self {
        Self {
            config: include_str!("../../config/windrose.toml"),
            zone: include_str!("../../zones/example.com.zone"),
            steering: include_str!("../../zones/example.com.toml"),
            geo: include_bytes!("../../geo/country.mmdb"),
        }
    }
}

/// What is put in the place of what is shipped.
#[derive(Clone, Debug)]
pub struct Settings<'a> {
    /// Where DNS is answered.
    pub listen: &'a [SocketAddr],
    /// The port of all origins.
    pub origin_port: u16,
    /// The certificate to trust, in PEM.
    pub ca_pem: &'a str,
}

/// A folder that `windrose serve` could run on.
#[derive(Clone, Debug)]
pub struct Prepared {
    /// The main configuration file.
    pub config: PathBuf,
    /// Where the prepared files differ from the shipped ones, in order.
    pub substitutions: Vec<Substitution>,
}

/// One difference from a shipped file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Substitution {
    /// The file, relative to the folder.
    pub file: &'static str,
    /// The line in the written file, counted from 1.
    pub line: usize,
    /// The pool and endpoint, the check or the table.
    pub place: String,
    /// What is written there.
    pub what: String,
}

impl fmt::Display for Substitution {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}: {}", self.file, self.line, self.place, self.what)
    }
}

/// Why the files could not be prepared.
#[derive(Debug, thiserror::Error)]
pub enum PrepareError {
    /// A substitution found no place.
    #[error("{file}: {error}")]
    Edit {
        /// The shipped file.
        file: &'static str,
        /// What is wrong.
        error: EditError,
    },
    /// A file could not be written.
    #[error("cannot write {}: {error}", path.display())]
    Write {
        /// The file or folder.
        path: PathBuf,
        /// What the system says.
        error: io::Error,
    },
}

impl Prepared {
    /// Writes the files into `folder`, which is made if missing.
    ///
    /// # Errors
    /// [`PrepareError`]; a substitution that finds no place is one, and then nothing is written.
    pub fn write(
        folder: &Path,
        shipped: &Shipped<'_>,
        sites: &[Site],
        settings: &Settings<'_>,
    ) -> Result<Self, PrepareError> {
        let (config, mut substitutions) = substitute(CONFIG, shipped.config, main_settings(settings))?;
        let (steering, more) = substitute(STEERING, shipped.steering, steering_settings(sites, settings))?;
        substitutions.extend(more);
        let files = [
            (CONFIG, config.as_bytes()),
            (ZONE, shipped.zone.as_bytes()),
            (STEERING, steering.as_bytes()),
            (CA, settings.ca_pem.as_bytes()),
            (GEO, shipped.geo),
        ];
        for (name, content) in files {
            write_file(&folder.join(name), content)?;
        }
        Ok(Self { config: folder.join(CONFIG), substitutions })
    }
}

/// A setting and the words for its place.
type Described = (String, Setting);

fn main_settings(settings: &Settings<'_>) -> Vec<Described> {
    let listen: Vec<String> = settings.listen.iter().map(|address| format!("\"{address}\"")).collect();
    let listen = described("[server]", vec!["server".into()], "listen", format!("[{}]", listen.join(", ")));
    vec![listen]
}

fn steering_settings(sites: &[Site], settings: &Settings<'_>) -> Vec<Described> {
    let checks: BTreeSet<&str> = sites.iter().map(|site| site.check.as_str()).collect();
    let trust = |check: &str| {
        described(&format!("[check.{check}]"), vec!["check".into(), check.into()], "ca_file", "\"ca.pem\"".to_owned())
    };
    let probe = |site: &Site| {
        let place = format!("[pool.{}] {}", site.pool, site.endpoint);
        let table = vec!["pool".into(), site.pool.as_str().into(), "endpoints".into(), Step::Item(site.position)];
        let value = format!("{{ address = \"{}\", port = {} }}", site.ip, settings.origin_port);
        described(&place, table, "probe", value)
    };
    checks.into_iter().map(trust).chain(sites.iter().map(probe)).collect()
}

fn described(place: &str, table: Vec<Step>, key: &'static str, value: String) -> Described {
    (place.to_owned(), Setting { table, key, value })
}

fn substitute(
    file: &'static str,
    text: &str,
    described: Vec<Described>,
) -> Result<(String, Vec<Substitution>), PrepareError> {
    let (places, settings): (Vec<_>, Vec<_>) = described.into_iter().unzip();
    let (edited, lines) = set_all(text, &settings).map_err(|error| PrepareError::Edit { file, error })?;
    let substitution = |((place, setting), line): ((String, &Setting), usize)| Substitution {
        file,
        line,
        place,
        what: format!("{} = {}", setting.key, setting.value),
    };
    let substitutions = places.into_iter().zip(&settings).zip(lines).map(substitution).collect();
    Ok((edited, substitutions))
}

fn write_file(path: &Path, content: &[u8]) -> Result<(), PrepareError> {
    let failed = |error| PrepareError::Write { path: path.to_owned(), error };
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(failed)?;
    }
    std::fs::write(path, content).map_err(failed)
}
