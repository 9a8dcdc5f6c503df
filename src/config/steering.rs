//! Collects shared files and steering files into one [`Steering`], with ids dense over all of them.

use std::collections::HashMap;
use std::sync::Arc;

use crate::base::{Diagnostic, FileId, PolicyId, PoolId, RegionId, Sources, Span, TargetId};
use crate::geo::{Coords, Fields};
use crate::health::{Check, ProbeKey};
use crate::steer::{PolicyKind, Region, Steering, Target};
use crate::wire::{Name, NameRef};

use super::table::{At, Context, Table, Value, document};
use super::values::did_you_mean;
use super::zone_view::ZoneView;
use super::{check, name, policy, pool};

/// Reads a certificate file by the path written, or says why it cannot.
pub type ReadPem<'a> = dyn FnMut(&str) -> Result<Vec<u8>, String> + 'a;

/// Takes file after file; shared ones first.
#[derive(Debug, Default)]
pub struct SteeringBuilder {
    pub(super) steering: Steering,
    shared: Scope,
    /// Targets by what is probed, so that equal ones are one.
    targets: HashMap<ProbeKey, TargetId>,
    /// What of the locations the rules need, and where.
    pub(super) needs: Vec<(Need, Span)>,
    /// Targets of CNAME endpoints: they must lie outside of what is served.
    pub(super) cname_targets: Vec<(Name, Span)>,
    /// Zones that have a steering file.
    origins: Vec<Name>,
}

/// A field of locations that a rule uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Need {
    Country,
    Subdivision,
    Asn,
}

/// What one file defines, by name.
#[derive(Clone, Debug, Default)]
pub(super) struct Scope {
    /// `ZONE`, or `shared`.
    pub(super) prefix: String,
    pub(super) regions: Names<RegionId>,
    pub(super) checks: Names<DefinedCheck>,
    pub(super) pools: Names<PoolId>,
    pub(super) policies: Names<(PolicyId, PolicyKind)>,
}

/// A check as defined: with the port that its probes go to if an endpoint says nothing else.
#[derive(Clone, Debug)]
pub(super) struct DefinedCheck {
    pub(super) check: Arc<Check>,
    pub(super) port: u16,
}

/// Things of one kind by name.
#[derive(Clone, Debug)]
pub(super) struct Names<T>(Vec<Named<T>>);

#[derive(Clone, Debug)]
struct Named<T> {
    name: At<String>,
    /// None: it is defined, but wrongly; that was reported.
    thing: Option<T>,
    used: bool,
}

impl<T> Default for Names<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T: Clone> Names<T> {
    pub(super) fn define(&mut self, name: At<String>, thing: Option<T>) {
        self.0.push(Named { name, thing, used: false });
    }

    fn has(&self, name: &str) -> bool {
        self.0.iter().any(|named| named.name.value == name)
    }

    fn take(&mut self, name: &str) -> Option<Option<T>> {
        let named = self.0.iter_mut().find(|named| named.name.value == name)?;
        named.used = true;
        Some(named.thing.clone())
    }

    fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|named| named.name.value.as_str())
    }

    fn warn_unused(&self, what: &str, found: &mut Vec<Diagnostic>) {
        for named in self.0.iter().filter(|named| !named.used) {
            let message = format!("the {what} \"{}\" is not used", named.name.value);
            found.push(Diagnostic::warning(named.name.span, message).hint("remove it, or refer to it"));
        }
    }
}

/// Looks a reference up, in the file's own scope and then in the shared one; what is not there is reported.
pub(super) fn resolve<T: Clone>(
    context: &mut Context<'_>,
    what: &str,
    name: &At<String>,
    own: &mut Names<T>,
    shared: &mut Names<T>,
) -> Option<T> {
    if let Some(found) = own.take(&name.value).or_else(|| shared.take(&name.value)) {
        return found;
    }
    let hint = did_you_mean(&name.value, own.names().chain(shared.names()));
    let hint = hint.unwrap_or_else(|| format!("define it as [{what}.{}]", name.value));
    context.error(name.span, format!("there is no {what} \"{}\"", name.value), hint);
    None
}

/// One file at work: the builder, its own scope, its zone.
pub(super) struct Work<'a> {
    pub(super) builder: &'a mut SteeringBuilder,
    pub(super) scope: Scope,
    pub(super) read_pem: &'a mut ReadPem<'a>,
}

impl Work<'_> {
    /// The full name of a thing of this file.
    pub(super) fn full_name(&self, name: &str) -> String {
        format!("{}/{name}", self.scope.prefix)
    }

    pub(super) fn region(&mut self, context: &mut Context<'_>, name: &At<String>) -> Option<RegionId> {
        resolve(context, "region", name, &mut self.scope.regions, &mut self.builder.shared.regions)
    }

    pub(super) fn check(&mut self, context: &mut Context<'_>, name: &At<String>) -> Option<DefinedCheck> {
        resolve(context, "check", name, &mut self.scope.checks, &mut self.builder.shared.checks)
    }

    pub(super) fn pool(&mut self, context: &mut Context<'_>, name: &At<String>) -> Option<PoolId> {
        resolve(context, "pool", name, &mut self.scope.pools, &mut self.builder.shared.pools)
    }

    pub(super) fn policy(&mut self, context: &mut Context<'_>, name: &At<String>) -> Option<(PolicyId, PolicyKind)> {
        resolve(context, "policy", name, &mut self.scope.policies, &mut self.builder.shared.policies)
    }

    /// The target of a probe key, shared with all equal ones; without a key a target of its own.
    pub(super) fn target(&mut self, key: Option<ProbeKey>, endpoint: &str) -> TargetId {
        let targets = &mut self.builder.steering.targets;
        let mut fresh = |key| targets.push(Target { key, endpoints: Vec::new() });
        let id = match key {
            None => fresh(None),
            Some(key) => *self.builder.targets.entry(key).or_insert_with_key(|key| fresh(Some(key.clone()))),
        };
        let endpoints = &mut self.builder.steering.targets[id].endpoints;
        if !endpoints.iter().any(|known| known == endpoint) {
            endpoints.push(endpoint.to_owned());
        }
        id
    }

    /// Everything but names, in order of what refers to what.
    fn sections(&mut self, context: &mut Context<'_>, table: &mut Table<'_, '_>) {
        for (name, value) in named(context, table, "region") {
            self.fresh(context, &name, "region", |scope| scope.regions.has(&name.value));
            let region = region(context, &name.value, value).map(|region| self.builder.steering.regions.push(region));
            self.scope.regions.define(name, region);
        }
        for (name, value) in named(context, table, "check") {
            self.fresh(context, &name, "check", |scope| scope.checks.has(&name.value));
            if name.value == "none" {
                context.error(name.span, "the name \"none\" is taken", "check = \"none\" means that nothing is probed");
            }
            let check = check::lower(context, &name.value, value, self.read_pem);
            self.scope.checks.define(name, check);
        }
        for (name, value) in named(context, table, "pool") {
            self.fresh(context, &name, "pool", |scope| scope.pools.has(&name.value));
            let pool = pool::lower(context, self, &name, value);
            self.scope.pools.define(name, pool);
        }
        for (name, value) in named(context, table, "policy") {
            self.fresh(context, &name, "policy", |scope| scope.policies.has(&name.value));
            let policy = policy::lower(context, self, &name, value);
            self.scope.policies.define(name, policy);
        }
    }

    /// Refuses what a shared file defines already.
    fn fresh(&self, context: &mut Context<'_>, name: &At<String>, what: &str, shared_has: impl Fn(&Scope) -> bool) {
        if shared_has(&self.builder.shared) {
            let message = format!("the {what} \"{}\" is defined in a shared file", name.value);
            context.error(name.span, message, "choose another name; shared things cannot be redefined");
        }
    }
}

/// The tables of a section, by name.
fn named<'v, 'i>(
    context: &mut Context<'_>,
    table: &mut Table<'v, 'i>,
    section: &'static str,
) -> Vec<(At<String>, &'v Value<'i>)> {
    table.section(context, section).map(|section| section.entries(context)).unwrap_or_default()
}

/// `{ lat, lon, bias }`.
fn region(context: &mut Context<'_>, name: &str, value: &Value<'_>) -> Option<Region> {
    let mut table = context.table(value, format!("the region \"{name}\""))?;
    let lat = table.get("lat").and_then(|value| context.number(value));
    let lon = table.get("lon").and_then(|value| context.number(value));
    let bias = table.get("bias").and_then(|value| context.integer(value, -99..=99));
    let whole = table.span;
    table.finish(context);
    let coords = match (lat, lon) {
        (Some(lat), Some(lon)) => {
            let coords = Coords::new(lat.value, lon.value);
            if coords.is_none() {
                context.error(lat.span, "no such place on earth", "lat is from -90 to 90, lon from -180 to 180");
            }
            coords
        }
        (None, None) => None,
        _ => {
            context.error(whole, format!("the region \"{name}\" has only one of lat and lon"), "give both");
            None
        }
    };
    Some(Region { name: name.to_owned(), coords, bias: bias.map_or(0, |bias| bias.value as i8) })
}

impl SteeringBuilder {
    /// Nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self { shared: Scope { prefix: "shared".into(), ..Scope::default() }, ..Self::default() }
    }

    /// Takes a shared file: regions, checks, pools and policies for every zone.
    pub fn shared(&mut self, sources: &Sources, file: FileId, read_pem: &mut ReadPem<'_>, found: &mut Vec<Diagnostic>) {
        document(sources, file, found, |context, mut table| {
            let mut read_pem = |path: &str| read_pem(path);
            let scope = Scope { prefix: "shared".into(), ..Scope::default() };
            let mut work = Work { builder: self, scope, read_pem: &mut read_pem };
            work.sections(context, &mut table);
            let scope = work.scope;
            if table.get("name").is_some() {
                context.error(
                    table.key_span(context, "name"),
                    "a shared file has no names",
                    "names belong into a zone's steering file",
                );
            }
            table.finish(context);
            self.shared.regions.0.extend(scope.regions.0);
            self.shared.checks.0.extend(scope.checks.0);
            self.shared.pools.0.extend(scope.pools.0);
            self.shared.policies.0.extend(scope.policies.0);
            Some(())
        });
    }

    /// Takes the steering file of a zone.
    pub fn zone(
        &mut self,
        sources: &Sources,
        file: FileId,
        zone: &dyn ZoneView,
        read_pem: &mut ReadPem<'_>,
        found: &mut Vec<Diagnostic>,
    ) {
        self.origins.push(zone.origin().to_name());
        document(sources, file, found, |context, mut table| {
            let mut read_pem = |path: &str| read_pem(path);
            let prefix = zone.origin().to_string().trim_end_matches('.').to_owned();
            let scope = Scope { prefix, ..Scope::default() };
            let mut work = Work { builder: self, scope, read_pem: &mut read_pem };
            work.sections(context, &mut table);
            for (name, value) in named(context, &mut table, "name") {
                name::lower(context, &mut work, zone, &name, value);
            }
            if let Some(mut section) = table.section(context, "zone") {
                section.refuse(context, &["dnssec", "transfer", "update", "primaries", "notify"]);
                section.finish(context);
            }
            let scope = work.scope;
            table.finish(context);
            scope.warn_unused(context.found);
            Some(())
        });
    }

    /// Checks what needs all files, and returns the whole. `served` are the names of all zones.
    pub fn finish(self, fields: Fields, served: &[NameRef<'_>], found: &mut Vec<Diagnostic>) -> Steering {
        self.shared.warn_unused(found);
        for &(need, span) in &self.needs {
            check_need(need, span, fields, found);
        }
        for (target, span) in &self.cname_targets {
            if let Some(zone) = served.iter().find(|zone| target.as_ref().is_within(**zone)) {
                let message = format!("the CNAME target {target} is in the zone {zone}, which is served here");
                found.push(Diagnostic::error(*span, message).hint("a cname endpoint leads to another operator's name"));
            }
        }
        self.steering
    }
}

impl Scope {
    fn warn_unused(&self, found: &mut Vec<Diagnostic>) {
        self.regions.warn_unused("region", found);
        self.checks.warn_unused("check", found);
        self.pools.warn_unused("pool", found);
        self.policies.warn_unused("policy", found);
    }
}

fn check_need(need: Need, span: Span, fields: Fields, found: &mut Vec<Diagnostic>) {
    let (there, what) = match need {
        Need::Country => (fields.country, "countries"),
        Need::Subdivision => (fields.subdivision, "subdivision codes"),
        Need::Asn => (fields.asn, "autonomous systems"),
    };
    if there {
        return;
    }
    if need == Need::Subdivision && fields.subdivision_names {
        let message = "the loaded databases have names of subdivisions but no ISO 3166-2 codes, so this never matches";
        found.push(Diagnostic::warning(span, message).hint("use a database with codes, such as GeoLite2-City"));
        return;
    }
    let message = format!("no loaded database supplies {what}");
    found.push(Diagnostic::error(span, message).hint("name one in [geo] databases of windrose.toml"));
}
