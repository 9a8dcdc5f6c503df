//! Reads files and makes of them what queries are answered from; every mistake found is reported.

use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::answer::prepare;
use crate::base::{Diagnostic, FileId, PrefixMap, Sources, Span};
use crate::config::{self, Main, SteeringBuilder};
use crate::geo::{self, Database, Fields, Location};
use crate::net::{give_back_memory, keep_large_memory_apart, move_to_huge_pages, prefer_huge_pages};
use crate::snapshot::{Answers, Loaded, LoadedDatabase, RateLimit, Zones};
use crate::steer::{Steering, catchment_maps_after};
use crate::wire::{Name, NameRef};
use crate::zone::{self, ZoneBuilder};

use super::among::Among;
use super::certificates::{Certificates, certificates};
use super::cookies::service;
use super::files::Files;
use super::report::Report;
use super::shown::{reason, shown};

/// Everything that a configuration file leads to.
#[derive(Debug)]
pub struct Setup {
    /// Listeners, folders, options.
    pub main: Main,
    /// What queries are answered from.
    pub loaded: Arc<Loaded>,
    /// Certificates of the encrypted listeners.
    pub certificates: Certificates,
    /// The files, as they were when they were read.
    pub files: Files,
}

/// What was loaded earlier.
#[derive(Clone, Debug, Default)]
pub struct Before {
    /// What of it a new load may share.
    pub loaded: Arc<Loaded>,
    /// The files that it was made from.
    pub files: Files,
}

/// Loads a configuration file and all that it names.
///
/// # Errors
/// The report, if it has errors; else it comes with the set-up and holds warnings at most.
pub fn load(path: &Path) -> Result<(Setup, Report), Report> {
    let loaded = load_after(path, &Before::default());
    if let Ok((Setup { loaded, .. }, _)) = &loaded {
        let of_maps = loaded.maps.iter().flat_map(|map| map.pages());
        // huge pages that were short may be free by now
        of_maps.chain([loaded.answers.pages()]).for_each(move_to_huge_pages);
    }
    loaded
}

/// [Loads](load) a configuration file once more. What is made of geo databases is taken from what was loaded before, as far as
/// they and the rules are the same: it takes most of the time.
///
/// # Errors
/// As [`load`].
pub fn load_after(path: &Path, before: &Before) -> Result<(Setup, Report), Report> {
    keep_large_memory_apart();
    let mut loader = Loader::default();
    let setup = loader.setup(path, before);
    give_back_memory();
    let mut report = loader.report;
    report.put_in_order();
    match setup {
        Some(setup) if !report.has_errors() => Ok((setup, report)),
        _ => Err(report),
    }
}

/// Loads a zone file alone, without steering: the zone, if it can be served, and what there is to say. A path `-` is standard
/// input.
///
/// # Errors
/// The file cannot be read.
pub fn load_zone(origin: &Name, path: &Path) -> io::Result<(Option<Arc<zone::Zone>>, Report)> {
    let mut loader = Loader::default();
    let file = if path == Path::new("-") {
        let mut bytes = Vec::new();
        io::stdin().read_to_end(&mut bytes)?;
        loader.add(path, "<standard input>".to_owned(), bytes)
    } else {
        let bytes = loader.report.files.read(path)?;
        loader.add(path, shown(path), bytes)
    };
    let builder = loader.parse(file, origin);
    let zone = loader.finish(builder);
    loader.report.put_in_order();
    let sound = zone.filter(|_| !loader.report.has_errors());
    Ok((sound, loader.report))
}

/// A file, and the place that names it, if there is one.
type Named = (PathBuf, Option<Span>);

/// A zone file with the steering file beside it, if there is one.
struct ZoneFiles {
    name: Name,
    zone: Named,
    steering: Option<Named>,
    span: Option<Span>,
}

/// A zone whose records are read; its steered names are not declared yet.
struct ReadZone {
    builder: ZoneBuilder,
    steering: Option<Named>,
}

const EVERY_FIELD: Fields =
    Fields { country: true, subdivision: true, subdivision_names: true, coords: true, asn: true };

#[derive(Default)]
struct Loader {
    report: Report,
    /// The path of every file of the sources, whose names are for show.
    paths: Vec<PathBuf>,
}

impl Loader {
    fn setup(&mut self, path: &Path, before: &Before) -> Option<Setup> {
        let file = self.read(path, None)?;
        let main = config::main_file(&self.report.sources, file, &mut self.report.diagnostics)?;
        let folder = path.parent().unwrap_or(Path::new(""));
        let certificates = certificates(&main, folder, &mut self.report);
        let service = service(&main, folder, &mut self.report, &mut self.paths);
        let (databases, geo) = self.databases(&main, folder, before);
        let zones = self.zones(&main, folder);
        if zones.is_empty() && !self.report.has_errors() {
            let hint = "name a folder of zone files in [server] zones, or write a [[zone]]";
            self.report.diagnostics.push(Diagnostic::warning(Span::start_of(file), "no zone is served").hint(hint));
        }
        // what a database that cannot be used would supply is not known
        let known = databases.iter().fold(Fields::default(), |fields, database| fields | database.info.fields);
        let fields = if databases.len() == main.databases.len() { known } else { EVERY_FIELD };
        let (zones, steering) = self.steer(&main, folder, zones, fields);
        if self.report.has_errors() {
            return None;
        }
        let same_places = digests(&databases).eq(digests(&before.loaded.databases));
        let maps_before = before.loaded.maps.iter().filter(|_| same_places);
        let locations = || self.locations(&main, &databases, geo);
        let maps = catchment_maps_after(maps_before, &steering, locations, prefer_huge_pages)?;
        let rate_limit = main.rate_limit.clone().map(RateLimit::new);
        let (zones, answers) = (Zones::new(zones), Answers::default());
        let mut loaded = Loaded { zones, steering, maps, answers, databases, service, rate_limit };
        loaded.answers = prepare(&loaded, prefer_huge_pages); // pages are then huge from the first
        Some(Setup { main, loaded: Arc::new(loaded), certificates, files: self.report.files.clone() })
    }

    /// Reads a file into the sources; what fails is reported at the place that named it.
    fn read(&mut self, path: &Path, span: Option<Span>) -> Option<FileId> {
        match self.report.files.read(path) {
            Ok(bytes) => Some(self.add(path, shown(path), bytes)),
            Err(error) => {
                let message = format!("cannot read {}: {}", shown(path), reason(&error));
                let hint = match span {
                    Some(_) => "relative paths start at the file that holds them",
                    None => "name the main file with --config FILE",
                };
                self.report.error(span, message, hint);
                None
            }
        }
    }

    fn add(&mut self, path: &Path, name: String, bytes: Vec<u8>) -> FileId {
        self.paths.push(path.to_owned());
        self.report.sources.add(name, bytes)
    }

    fn databases(
        &mut self,
        main: &Main,
        folder: &Path,
        before: &Before,
    ) -> (Vec<LoadedDatabase>, Vec<Option<PrefixMap<Location>>>) {
        let (mut databases, mut geo) = (Vec::new(), Vec::new());
        for (name, span) in &main.databases {
            let path = folder.join(name);
            let known = before.loaded.databases.iter().find(|known| known.path == path);
            if let Some(known) = known.filter(|_| self.report.files.keep(&path, &before.files)) {
                databases.push(known.clone());
                geo.push(None);
                continue;
            }
            match read_database(&path, &mut self.report.files) {
                Ok((database, locations)) => {
                    databases.push(database);
                    geo.push(Some(locations));
                }
                Err(error) => self.unusable(&path, *span, &error),
            }
        }
        (databases, geo)
    }

    fn unusable(&mut self, path: &Path, span: Span, error: &str) {
        let message = format!("cannot use the database {}: {error}", shown(path));
        self.report.error(Some(span), message, "a GeoIP database in MaxMind's format (.mmdb) is needed");
    }

    /// What all databases say, of which those that were not read yet are read now.
    fn locations(
        &mut self,
        main: &Main,
        databases: &[LoadedDatabase],
        read: Vec<Option<PrefixMap<Location>>>,
    ) -> Option<PrefixMap<Location>> {
        let mut maps = Vec::new();
        for ((database, (_, span)), read) in databases.iter().zip(&main.databases).zip(read) {
            let now = || match read_database(&database.path, &mut Files::default()) {
                Ok((now, _)) if now.digest != database.digest => Err("it is being changed".to_owned()),
                now => now.map(|(_, locations)| locations),
            };
            match read.map_or_else(now, Ok) {
                Ok(locations) => maps.push(locations),
                Err(error) => {
                    self.unusable(&database.path, *span, &error);
                    return None;
                }
            }
        }
        Some(geo::merge(maps))
    }

    fn zones(&mut self, main: &Main, folder: &Path) -> Vec<ReadZone> {
        let mut zones: Vec<ReadZone> = Vec::new();
        for files in self.zone_files(main, folder) {
            let twice = zones.iter().any(|zone| *zone.builder.origin() == files.name);
            if twice {
                let message = format!("the zone {} is there twice: {} is the second", files.name, shown(&files.zone.0));
                self.report.error(files.span, message, "remove one of the files, or the [[zone]] entry");
            }
            zones.extend(self.zone(files));
        }
        zones
    }

    /// The `*.zone` files of the zones folder in order of name, then the `[[zone]]` entries.
    fn zone_files(&mut self, main: &Main, folder: &Path) -> Vec<ZoneFiles> {
        let mut files = Vec::new();
        if let Some((zones, span)) = &main.server.zones {
            self.folder_files(&folder.join(zones), Some(*span), &mut files);
        }
        for entry in &main.zones {
            files.push(ZoneFiles {
                name: entry.name.clone(),
                zone: (folder.join(&entry.file.0), Some(entry.file.1)),
                steering: entry.steering.as_ref().map(|(steering, span)| (folder.join(steering), Some(*span))),
                span: Some(entry.span),
            });
        }
        files
    }

    fn folder_files(&mut self, folder: &Path, span: Option<Span>, files: &mut Vec<ZoneFiles>) {
        let paths = match self.report.files.folder(folder) {
            Ok(paths) => paths,
            Err(error) => {
                let message = format!("cannot read the zones folder {}: {}", shown(folder), reason(&error));
                return self.report.error(span, message, "create it, or name another in [server] zones");
            }
        };
        for path in &paths {
            match path.extension().and_then(|extension| extension.to_str()) {
                Some("zone") => files.extend(self.folder_zone(path, &paths, span)),
                Some("toml") if !paths.contains(&path.with_extension("zone")) => {
                    let message = format!("{} has no zone file beside it", shown(path));
                    let hint = format!("{} is expected", shown(&path.with_extension("zone")));
                    self.report.error(span, message, &hint);
                }
                _ => {}
            }
        }
    }

    /// `listed` is the folder: a steering file that is listed and cannot be read is an error, not a zone without steering.
    fn folder_zone(&mut self, path: &Path, listed: &[PathBuf], span: Option<Span>) -> Option<ZoneFiles> {
        let stem = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
        match stem.parse() {
            Ok(name) => {
                let steering = Some(path.with_extension("toml")).filter(|steering| listed.contains(steering));
                let steering = steering.map(|steering| (steering, span));
                Some(ZoneFiles { name, zone: (path.to_owned(), span), steering, span })
            }
            Err(error) => {
                let message = format!("{}: the file's stem is not a zone name: {error}", shown(path));
                self.report.error(span, message, "name the zone by a [[zone]] entry instead");
                None
            }
        }
    }

    fn zone(&mut self, files: ZoneFiles) -> Option<ReadZone> {
        let file = self.read(&files.zone.0, files.zone.1)?;
        Some(ReadZone { builder: self.parse(file, &files.name), steering: files.steering })
    }

    /// Reads a zone from a file and those that it includes.
    fn parse(&mut self, file: FileId, origin: &Name) -> ZoneBuilder {
        let Report { sources, diagnostics, files: read, .. } = &mut self.report;
        let paths = &mut self.paths;
        let mut include = |sources: &mut Sources, name: &str, from: FileId| {
            let path = paths[from.0 as usize].parent().unwrap_or(Path::new("")).join(name);
            let bytes =
                read.read(&path).map_err(|error| format!("cannot read {}: {}", shown(&path), reason(&error)))?;
            let file = sources.add(shown(&path), bytes);
            paths.push(path);
            Ok(file)
        };
        let (builder, found) = zone::parse(sources, file, origin, &mut include);
        diagnostics.extend(found);
        builder
    }

    /// Lowers the steering files, declares steered names in their zones, and finishes the zones.
    fn steer(
        &mut self,
        main: &Main,
        folder: &Path,
        mut zones: Vec<ReadZone>,
        fields: Fields,
    ) -> (Vec<Arc<zone::Zone>>, Steering) {
        let mut steering = SteeringBuilder::new();
        for (name, span) in &main.shared {
            let path = folder.join(name);
            if let Some(file) = self.read(&path, Some(*span)) {
                let Report { sources, diagnostics, files, .. } = &mut self.report;
                let mut read_pem = pem_reader(&path, files);
                steering.shared(sources, file, &mut read_pem, diagnostics);
            }
        }
        let mut steered = Vec::new(); // the zone, owner and place of each name
        for (number, zone) in zones.iter().enumerate() {
            let Some((path, span)) = &zone.steering else { continue };
            if let Some(file) = self.read(path, *span) {
                let Report { sources, diagnostics, files, .. } = &mut self.report;
                let mut read_pem = pem_reader(path, files);
                steering.zone(sources, file, &zone.builder, &mut read_pem, diagnostics);
                steered.extend((steered.len()..steering.name_count()).map(|at| (number, steering.name_span(at))));
            }
        }
        let served = |name: NameRef<'_>| zones.iter().any(|zone| name.is_within(zone.builder.origin().as_ref()));
        steering.check_cname_targets(served, &mut self.report.diagnostics);
        let steering = steering.finish(fields, !main.databases.is_empty(), &mut self.report.diagnostics);
        for (at, (name, &(number, _))) in steering.names.iter().zip(&steered).enumerate() {
            zones[number].builder.steer(&name.owner, u32::try_from(at).expect("fewer than 2^32 names"));
        }
        let builders: Vec<&ZoneBuilder> = zones.iter().map(|zone| &zone.builder).collect();
        let among = Among::new(&builders);
        let found = steering
            .names
            .iter()
            .zip(&steered)
            .filter_map(|(name, &(number, span))| among.check(&name.owner, number, span));
        self.report.diagnostics.extend(found);
        (self.report.zones, self.report.steered_names) = (zones.len(), steered.len());
        let finished = zones.into_iter().filter_map(|zone| self.finish(zone.builder)).collect();
        (finished, steering)
    }

    fn finish(&mut self, builder: ZoneBuilder) -> Option<Arc<zone::Zone>> {
        match builder.finish() {
            Ok((zone, warnings)) => {
                self.report.diagnostics.extend(warnings);
                Some(Arc::new(zone))
            }
            Err(errors) => {
                self.report.diagnostics.extend(errors);
                None
            }
        }
    }
}

fn read_database(path: &Path, files: &mut Files) -> Result<(LoadedDatabase, PrefixMap<Location>), String> {
    let bytes = files.read(path).map_err(|error| reason(&error))?;
    let Database { info, locations } = Database::read(&bytes).map_err(|error| error.to_string())?;
    Ok((LoadedDatabase { path: path.to_owned(), digest: digest(&bytes), info }, locations))
}

fn digests(databases: &[LoadedDatabase]) -> impl Iterator<Item = &str> {
    databases.iter().map(|database| &*database.digest)
}

/// SHA-256 in hexadecimal, as `sha256sum` prints it.
pub(super) fn digest(bytes: &[u8]) -> String {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, bytes);
    digest.as_ref().iter().fold(String::with_capacity(64), |text, octet| text + &format!("{octet:02x}"))
}

/// Reads PEM files named by a steering file, relative to it.
fn pem_reader<'f>(file: &Path, files: &'f mut Files) -> impl FnMut(&str) -> Result<Vec<u8>, String> + use<'f> {
    let folder = file.parent().unwrap_or(Path::new("")).to_owned();
    move |name| {
        let path = folder.join(name);
        files.read(&path).map_err(|error| format!("cannot read {}: {}", shown(&path), reason(&error)))
    }
}
