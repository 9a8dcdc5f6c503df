//! Reads files and makes of them what queries are answered from; every mistake found is reported.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::base::{Diagnostic, FileId, PrefixMap, Sources, Span};
use crate::config::{self, Main, SteeringBuilder};
use crate::geo::{self, Database, Fields, Location};
use crate::snapshot::{Loaded, LoadedDatabase, Zones};
use crate::steer::{Steering, catchment_maps};
use crate::wire::{Name, NameRef};
use crate::zone::{self, ZoneBuilder};

use super::certificates::{Certificates, certificates};
use super::files::Files;

/// What a run of loading found: the files it read, and everything to say about them.
#[derive(Debug, Default)]
pub struct Report {
    /// What diagnostics point into.
    pub sources: Sources,
    /// Errors and warnings, in the order found.
    pub diagnostics: Vec<Diagnostic>,
    /// Every file that was read or looked for.
    pub files: Files,
}

impl Report {
    /// Whether anything forbids serving.
    #[must_use]
    pub fn has_errors(&self) -> bool {
        self.diagnostics.iter().any(Diagnostic::is_error)
    }

    /// Every diagnostic on a line of its own.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        self.diagnostics.iter().map(|diagnostic| self.sources.one_line(diagnostic)).collect()
    }

    fn error(&mut self, span: Option<Span>, message: String, hint: &str) {
        let place = |span| Diagnostic::error(span, message.clone());
        let diagnostic = span.map_or_else(|| Diagnostic::error_nowhere(message.clone()), place);
        self.diagnostics.push(diagnostic.hint(hint));
    }
}

/// Everything that a configuration file leads to.
#[derive(Debug)]
pub struct Setup {
    /// Listeners, folders, options.
    pub main: Main,
    /// What queries are answered from.
    pub loaded: Arc<Loaded>,
    /// Certificates of the encrypted listeners.
    pub certificates: Certificates,
}

/// Loads a configuration file and all that it names.
///
/// # Errors
/// The report, if it has errors; else it comes with the set-up and holds warnings at most.
pub fn load(path: &Path) -> Result<(Setup, Report), Report> {
    let mut loader = Loader { report: Report::default() };
    match loader.setup(path) {
        Some(setup) if !loader.report.has_errors() => Ok((setup, loader.report)),
        _ => Err(loader.report),
    }
}

/// A zone file with the steering file beside it, if there is one.
struct ZoneFiles {
    name: Name,
    zone: PathBuf,
    steering: Option<PathBuf>,
    span: Option<Span>,
}

/// A zone whose records are read; its steered names are not declared yet.
struct ReadZone {
    builder: ZoneBuilder,
    steering: Option<(PathBuf, Option<Span>)>,
}

struct Loader {
    report: Report,
}

impl Loader {
    fn setup(&mut self, path: &Path) -> Option<Setup> {
        let file = self.read(path, None)?;
        let main = config::main_file(&self.report.sources, file, &mut self.report.diagnostics)?;
        let folder = path.parent().unwrap_or(Path::new(""));
        let certificates = certificates(&main, folder, &mut self.report);
        let (databases, fields, locations) = self.databases(&main, folder);
        let zones = self.zones(&main, folder);
        let (zones, steering) = self.steer(&main, folder, zones, fields);
        if self.report.has_errors() {
            return None;
        }
        let maps = catchment_maps(&steering, &locations);
        let loaded = Loaded { zones: Zones::new(zones), steering, maps, databases };
        Some(Setup { main, loaded: Arc::new(loaded), certificates })
    }

    /// Reads a file into the sources; what fails is reported at the place that named it.
    fn read(&mut self, path: &Path, span: Option<Span>) -> Option<FileId> {
        match self.report.files.read(path) {
            Ok(bytes) => Some(self.report.sources.add(path.display().to_string(), bytes)),
            Err(error) => {
                let message = format!("cannot read {}: {error}", path.display());
                let hint = match span {
                    Some(_) => "relative paths start at the file that holds them",
                    None => "name another file, or see that it can be read",
                };
                self.report.error(span, message, hint);
                None
            }
        }
    }

    fn databases(&mut self, main: &Main, folder: &Path) -> (Vec<LoadedDatabase>, Fields, PrefixMap<Location>) {
        let (mut databases, mut maps) = (Vec::new(), Vec::new());
        for (name, span) in &main.databases {
            let path = folder.join(name);
            match read_database(&path, &mut self.report.files) {
                Ok((digest, Database { info, locations })) => {
                    databases.push(LoadedDatabase { path, digest, info });
                    maps.push(locations);
                }
                Err(error) => {
                    let message = format!("cannot use the database {}: {error}", path.display());
                    self.report.error(Some(*span), message, "a GeoIP database in MaxMind's format (.mmdb) is needed");
                }
            }
        }
        let fields = databases.iter().fold(Fields::default(), |fields, database| fields | database.info.fields);
        (databases, fields, geo::merge(maps))
    }

    fn zones(&mut self, main: &Main, folder: &Path) -> Vec<ReadZone> {
        let mut zones: Vec<ReadZone> = Vec::new();
        for files in self.zone_files(main, folder) {
            let twice = zones.iter().any(|zone| *zone.builder.origin() == files.name);
            if twice {
                let message = format!("the zone {} is there twice: {} is the second", files.name, files.zone.display());
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
                zone: folder.join(&entry.file.0),
                steering: entry.steering.as_ref().map(|(steering, _)| folder.join(steering)),
                span: Some(entry.span),
            });
        }
        files
    }

    fn folder_files(&mut self, folder: &Path, span: Option<Span>, files: &mut Vec<ZoneFiles>) {
        let paths = match self.report.files.folder(folder) {
            Ok(paths) => paths,
            Err(error) => {
                let message = format!("cannot read the zones folder {}: {error}", folder.display());
                return self.report.error(span, message, "create it, or name another in [server] zones");
            }
        };
        for path in &paths {
            match path.extension().and_then(|extension| extension.to_str()) {
                Some("zone") => files.extend(self.folder_zone(path)),
                Some("toml") if !path.with_extension("zone").exists() => {
                    let message = format!("{} has no zone file beside it", path.display());
                    let hint = format!("{} is expected", path.with_extension("zone").display());
                    self.report.error(span, message, &hint);
                }
                _ => {}
            }
        }
    }

    fn folder_zone(&mut self, path: &Path) -> Option<ZoneFiles> {
        let stem = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
        match stem.parse() {
            Ok(name) => {
                let steering = Some(path.with_extension("toml")).filter(|steering| steering.exists());
                Some(ZoneFiles { name, zone: path.to_owned(), steering, span: None })
            }
            Err(error) => {
                let message = format!("{}: the file's stem is not a zone name: {error}", path.display());
                self.report.error(None, message, "name the zone by a [[zone]] entry instead");
                None
            }
        }
    }

    fn zone(&mut self, files: ZoneFiles) -> Option<ReadZone> {
        let file = self.read(&files.zone, files.span)?;
        let Report { sources, diagnostics, files: read } = &mut self.report;
        let mut include = |sources: &mut Sources, name: &str, from: FileId| {
            let path = Path::new(&sources.get(from).name).parent().unwrap_or(Path::new("")).join(name);
            let bytes = read.read(&path).map_err(|error| format!("cannot read {}: {error}", path.display()))?;
            Ok(sources.add(path.display().to_string(), bytes))
        };
        let (builder, found) = zone::parse(sources, file, &files.name, &mut include);
        diagnostics.extend(found);
        Some(ReadZone { builder, steering: files.steering.map(|path| (path, files.span)) })
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
                let Report { sources, diagnostics, files } = &mut self.report;
                let mut read_pem = pem_reader(&path, files);
                steering.shared(sources, file, &mut read_pem, diagnostics);
            }
        }
        let mut steered = Vec::new(); // which names are whose
        for (number, zone) in zones.iter().enumerate() {
            let Some((path, span)) = &zone.steering else { continue };
            if let Some(file) = self.read(path, *span) {
                let Report { sources, diagnostics, files } = &mut self.report;
                let mut read_pem = pem_reader(path, files);
                let before = steering.name_count();
                steering.zone(sources, file, &zone.builder, &mut read_pem, diagnostics);
                steered.push((number, before..steering.name_count(), file));
            }
        }
        let served = |name: NameRef<'_>| zones.iter().any(|zone| name.is_within(zone.builder.origin().as_ref()));
        steering.check_cname_targets(served, &mut self.report.diagnostics);
        let steering = steering.finish(fields, !main.databases.is_empty(), &mut self.report.diagnostics);
        for (number, names, file) in steered {
            for at in names {
                self.check_among(&steering.names[at].owner, number, &zones, file);
                let owner = &steering.names[at].owner;
                zones[number].builder.steer(owner, u32::try_from(at).expect("fewer than 2^32 names"));
            }
        }
        let finished = zones.into_iter().filter_map(|zone| self.finish(zone.builder)).collect();
        (finished, steering)
    }

    /// Checks a steered name against the other zones that are served: it must not lie in one of them, nor be the target
    /// of an NS record of theirs.
    fn check_among(&mut self, owner: &Name, own: usize, zones: &[ReadZone], file: FileId) {
        let owner = owner.as_ref();
        let mut refuse = |message: String, hint: &str| self.report.error(Some(Span::start_of(file)), message, hint);
        for (_, other) in zones.iter().enumerate().filter(|&(number, _)| number != own) {
            let origin = other.builder.origin().as_ref();
            if owner.is_within(origin) && origin.is_within(zones[own].builder.origin().as_ref()) {
                refuse(
                    format!("{owner} lies in the zone {origin}, which is served here"),
                    "steer it in that zone's file",
                );
            }
            if other.builder.ns_targets().any(|(target, _)| target == owner) {
                let message = format!("{owner} is the target of an NS record of the zone {origin}");
                refuse(message, "the addresses of name servers cannot be steered");
            }
        }
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

/// A geo database with the digest of its file.
fn read_database(path: &Path, files: &mut Files) -> Result<(String, Database), String> {
    let bytes = files.read(path).map_err(|error| error.to_string())?;
    let database = Database::read(&bytes).map_err(|error| error.to_string())?;
    Ok((digest(&bytes), database))
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
        files.read(&path).map_err(|error| format!("cannot read {}: {error}", path.display()))
    }
}
