//! Steering files: shared ones first, then one a zone, into one [`Steering`].

use std::collections::HashSet;

use super::build::Built;
use super::checks::{self, CheckRef, ReadPem};
use super::demands::check_demands;
use super::main_file::RESERVED_ZONE_KEYS;
use super::names::names;
use super::policies::{self, RawPolicy};
use super::pools::{self, RawPool};
use super::scope::{Scope, Things, is_free, taken};
use super::table::{Entry, Log, Table, Text, with_root};
use super::zone_view::ZoneView;
use crate::base::{Diagnostic, FileId, Sources, Span};
use crate::geo::Fields;
use crate::steer::Steering;
use crate::wire::{Name, NameRef};

/// Gathers steering files. Shared files come first; references between them may go either way.
#[derive(Debug)]
pub struct SteeringBuilder {
    built: Built,
    shared: Scope,
    /// Pools and policies of shared files, whose references are still to be looked up.
    pending: Definitions,
    zones: Vec<Scope>,
}

/// Pools and policies as written.
#[derive(Debug, Default)]
struct Definitions {
    pools: Vec<RawPool>,
    policies: Vec<RawPolicy>,
    /// Kind and name of all of these.
    names: HashSet<(&'static str, String)>,
    /// The file, for findings that its references lead to.
    file: Option<FileId>,
    /// Whether a file did not parse.
    torn: bool,
}

impl Default for SteeringBuilder {
    fn default() -> Self {
        Self::new()
    }
}

impl SteeringBuilder {
    /// Nothing yet.
    #[must_use]
    pub fn new() -> Self {
        let shared = Scope { label: "shared".into(), ..Scope::default() };
        Self { built: Built::default(), shared, pending: Definitions::default(), zones: Vec::new() }
    }

    /// Adds a file of `[steering] shared`, before any zone's. `read_pem` reads a `ca_file` that starts at this file.
    pub fn shared(
        &mut self,
        sources: &Sources,
        file: FileId,
        read_pem: &mut dyn FnMut(&str) -> Result<Vec<u8>, String>,
        diagnostics: &mut Vec<Diagnostic>,
    ) {
        let before = diagnostics.len();
        let (own, none) = (&mut self.shared, Scope::default());
        let (built, pending) = (&mut self.built, &mut self.pending);
        let read = with_root(sources, file, diagnostics, |log, mut root| {
            definitions(log, &mut root, own, &none, built, read_pem, pending);
            for (key, shown) in [("name", "[name]"), ("zone", "[zone]")] {
                if let Some(entry) = root.entry(key) {
                    log.error_with(
                        entry.span,
                        format!("a shared file has no {shown}"),
                        "it belongs into the file beside a zone file",
                    );
                }
            }
            root.close(log);
            Some(())
        });
        self.pending.torn |= read.is_none();
        self.shared.faulty |= any_error(&diagnostics[before..]);
    }

    /// Adds the steering file of one zone.
    pub fn zone(
        &mut self,
        sources: &Sources,
        file: FileId,
        zone: &dyn ZoneView,
        read_pem: &mut dyn FnMut(&str) -> Result<Vec<u8>, String>,
        diagnostics: &mut Vec<Diagnostic>,
    ) {
        self.link_shared(diagnostics);
        let before = diagnostics.len();
        let mut own = Scope { label: zone_label(zone.origin()), ..Scope::default() };
        let (built, shared, torn) = (&mut self.built, &mut self.shared, self.pending.torn);
        with_root(sources, file, diagnostics, |log, mut root| {
            log.torn |= torn;
            let mut found = Definitions::default();
            definitions(log, &mut root, &mut own, shared, built, read_pem, &mut found);
            link(log, found, &mut own, shared, built);
            if let Some(Entry { value, span, .. }) = root.entry("zone")
                && let Some(table) = value.table_at(log, "[zone]", span)
            {
                refuse_reserved(log, table);
            }
            if let Some(entry) = root.entry("name") {
                names(log, entry, zone, &mut own, shared, built);
            }
            root.close(log);
            Some(())
        });
        own.faulty = any_error(&diagnostics[before..]);
        self.shared.faulty |= own.faulty;
        self.zones.push(own);
    }

    /// Reports CNAME pools that point into a zone served here (§5.10).
    pub fn check_cname_targets(&self, served: impl Fn(NameRef<'_>) -> bool, diagnostics: &mut Vec<Diagnostic>) {
        for (target, span) in self.built.cname_targets.iter().filter(|(target, _)| served(target.as_ref())) {
            let error = Diagnostic::error(*span, format!("{target} is in a zone that is served here"));
            diagnostics.push(error.hint("a cname points elsewhere; use a pool of its addresses instead"));
        }
    }

    /// How many names are steered so far.
    #[must_use]
    pub fn name_count(&self) -> usize {
        self.built.steering.names.len()
    }

    /// Where a steered name is written.
    #[must_use]
    pub fn name_span(&self, at: usize) -> Span {
        self.built.name_spans[at]
    }

    /// The names that CNAME pools point at.
    pub fn cname_targets(&self) -> impl Iterator<Item = &Name> {
        self.built.cname_targets.iter().map(|(target, _)| target)
    }

    /// Ends it: checks what rules need of the databases, and reports what nothing uses.
    pub fn finish(mut self, fields: Fields, have_database: bool, diagnostics: &mut Vec<Diagnostic>) -> Steering {
        self.link_shared(diagnostics);
        let mut found = Vec::new();
        check_demands(&self.built.demands, fields, have_database, &mut found);
        for scope in self.zones.iter().chain([&self.shared]).filter(|scope| !scope.faulty) {
            scope.regions.report_unused("region", &mut found);
            scope.checks.report_unused("check", &mut found);
            scope.pools.report_unused("pool", &mut found);
            scope.policies.report_unused("policy", &mut found);
        }
        found.sort_by_key(|finding| finding.span.map(|span| (span.file, span.start)));
        diagnostics.extend(found);
        self.built.steering
    }

    /// Looks up the references of the shared files, once all are there.
    fn link_shared(&mut self, diagnostics: &mut Vec<Diagnostic>) {
        let pending = std::mem::take(&mut self.pending);
        self.pending.torn = pending.torn;
        let Some(file) = pending.file else { return };
        let before = diagnostics.len();
        let mut log = Log { file, torn: pending.torn, hides: false, diagnostics };
        link(&mut log, pending, &mut self.shared, &mut Scope::default(), &mut self.built);
        diagnostics[before..].sort_by_key(|finding| finding.span.map(|span| (span.file, span.start)));
        self.shared.faulty |= any_error(&diagnostics[before..]);
    }
}

fn any_error(diagnostics: &[Diagnostic]) -> bool {
    diagnostics.iter().any(Diagnostic::is_error)
}

/// A zone as the first part of full names: without the dot at its end, but for the root.
fn zone_label(origin: NameRef<'_>) -> String {
    let text = origin.to_string();
    text.strip_suffix('.').filter(|text| !text.is_empty()).unwrap_or(&text).to_ascii_lowercase()
}

fn refuse_reserved(log: &mut Log<'_>, mut table: Table<'_>) {
    for key in RESERVED_ZONE_KEYS {
        table.refuse(log, key, &format!("\"{key}\""));
    }
    table.close(log);
}

/// Reads everything that is defined by name; regions and checks at once, as they refer to nothing.
fn definitions(
    log: &mut Log<'_>,
    root: &mut Table<'_>,
    own: &mut Scope,
    shared: &Scope,
    built: &mut Built,
    read_pem: &mut ReadPem<'_>,
    found: &mut Definitions,
) {
    log.hides = misspelt_section(root);
    found.file = Some(log.file);
    found.torn |= log.torn || log.hides;
    for (name, table) in things(log, root, "region", &mut own.regions) {
        region(log, &name, table, own, shared, built);
    }
    for (name, table) in things(log, root, "check", &mut own.checks) {
        check(log, &name, table, own, shared, built, read_pem);
    }
    for (name, table) in things(log, root, "pool", &mut own.pools) {
        let raw = pools::pool(log, name.clone(), table, built);
        if is_free(log, "pool", &name, &mut own.pools, &shared.pools) && is_first(log, "pool", &name, &mut found.names)
        {
            found.pools.push(raw);
        }
    }
    for (name, table) in things(log, root, "policy", &mut own.policies) {
        let raw = policies::policy(log, name.clone(), table, built);
        if is_free(log, "policy", &name, &mut own.policies, &shared.policies)
            && is_first(log, "policy", &name, &mut found.names)
        {
            found.policies.push(raw);
        }
    }
}

/// Whether a section has a name that nobody asks for: what it defines seems to be missing.
fn misspelt_section(root: &Table<'_>) -> bool {
    let known = ["version", "region", "check", "pool", "policy", "zone", "name"];
    root.entries().iter().any(|entry| entry.value.is_table() && !known.contains(&entry.key))
}

/// Reports a thing that another shared file defines too.
fn is_first(log: &mut Log<'_>, kind: &'static str, name: &Text, names: &mut HashSet<(&'static str, String)>) -> bool {
    let first = names.insert((kind, name.text.clone()));
    if !first {
        taken(log, kind, name);
    }
    first
}

/// The tables of a section by name, in the order written.
fn things<'t, I: Copy>(
    log: &mut Log<'_>,
    root: &mut Table<'t>,
    kind: &'static str,
    own: &mut Things<I>,
) -> Vec<(Text, Table<'t>)> {
    let Some(Entry { value, span, .. }) = root.entry(kind) else { return Vec::new() };
    let Some(section) = value.table_at(log, format!("[{kind}]"), span) else { return Vec::new() };
    let mut things = Vec::new();
    for Entry { key, span, value } in section.entries() {
        if value.is_array_of_tables() {
            let message = format!("{kind} \"{key}\" is a list of tables");
            log.error_with(span, message, format!("write [{kind}.{key}], with one bracket on each side"));
            own.refuse(key);
            continue;
        }
        match value.table_at(log, format!("{kind} \"{key}\""), span) {
            Some(table) => things.push((Text { text: key.to_owned(), span }, table)),
            None => own.refuse(key),
        }
    }
    things
}

fn region(log: &mut Log<'_>, name: &Text, table: Table<'_>, own: &mut Scope, shared: &Scope, built: &mut Built) {
    let errors = log.errors();
    let region = checks::region(log, &name.text, table);
    if is_free(log, "region", name, &mut own.regions, &shared.regions) {
        let id = built.steering.regions.push(region);
        own.regions.define(name, id, log.errors() == errors && !log.torn);
    }
}

fn check(
    log: &mut Log<'_>,
    name: &Text,
    table: Table<'_>,
    own: &mut Scope,
    shared: &Scope,
    built: &mut Built,
    read_pem: &mut ReadPem<'_>,
) {
    let errors = log.errors();
    let (check, port) = checks::check(log, table, read_pem);
    let named = checks::is_not_none(log, &name.text, name.span);
    if named && is_free(log, "check", name, &mut own.checks, &shared.checks) {
        let sound = log.errors() == errors && !log.torn;
        own.checks.define(name, CheckRef { index: built.checks.intern(check), port }, sound);
    }
}

/// Looks up references: pools first, then the policies that name them.
fn link(log: &mut Log<'_>, found: Definitions, own: &mut Scope, shared: &mut Scope, built: &mut Built) {
    for pool in found.pools {
        pools::build(log, pool, own, shared, built);
    }
    for policy in found.policies {
        policies::build(log, policy, own, shared, built);
    }
}
