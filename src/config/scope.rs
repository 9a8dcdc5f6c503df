//! What is defined where, and who uses it: shared things and those of one zone.

use std::collections::{BTreeMap, BTreeSet};

use super::checks::CheckRef;
use super::suggest::did_you_mean;
use super::table::{Log, Text};
use super::values::thing_name_fault;
use crate::base::{Diagnostic, PolicyId, PoolId, RegionId, Span};

/// Regions, checks, pools and policies that see each other.
#[derive(Debug, Default)]
pub(super) struct Scope {
    /// `shared`, or the zone without its dot: the first part of full names.
    pub(super) label: String,
    pub(super) regions: Things<RegionId>,
    pub(super) checks: Things<CheckRef>,
    pub(super) pools: Things<PoolId>,
    pub(super) policies: Things<PolicyId>,
    /// Whether an error was found in its files; then what seems unused may be misspelt.
    pub(super) faulty: bool,
}

/// Things of one kind by name.
#[derive(Debug)]
pub(super) struct Things<I> {
    things: BTreeMap<String, Thing<I>>,
    /// Names of definitions that were refused: what refers to them is not blamed again.
    refused: BTreeSet<String>,
}

/// Something with a name.
#[derive(Clone, Copy, Debug)]
pub(super) struct Thing<I> {
    pub(super) id: I,
    /// Where its name is.
    span: Span,
    /// Whether its definition is free of errors; otherwise nothing more is concluded from it.
    pub(super) sound: bool,
    used: bool,
}

impl<I> Default for Things<I> {
    fn default() -> Self {
        Self { things: BTreeMap::new(), refused: BTreeSet::new() }
    }
}

impl<I: Copy> Things<I> {
    /// Adds a thing whose name was found to be free.
    pub(super) fn define(&mut self, name: &Text, id: I, sound: bool) {
        self.things.insert(name.text.clone(), Thing { id, span: name.span, sound, used: false });
    }

    /// Notes a name whose definition was refused.
    pub(super) fn refuse(&mut self, name: &str) {
        self.refused.insert(name.to_owned());
    }

    /// Reports things that nothing refers to.
    pub(super) fn report_unused(&self, kind: &str, diagnostics: &mut Vec<Diagnostic>) {
        for (name, thing) in self.things.iter().filter(|(_, thing)| !thing.used) {
            let error = Diagnostic::error(thing.span, format!("{kind} \"{name}\" is never used"));
            diagnostics.push(error.hint("take it out, or refer to it"));
        }
    }
}

/// What names are made of.
pub(super) const NAME_HINT: &str = "letters, digits, dashes and dots make good names";

/// Whether a thing may be defined: its name is fit and not taken. Reports why not.
pub(super) fn is_free<I>(log: &mut Log<'_>, kind: &str, name: &Text, own: &mut Things<I>, shared: &Things<I>) -> bool {
    let fault = thing_name_fault(&name.text);
    let free = !own.things.contains_key(&name.text) && !shared.things.contains_key(&name.text);
    if let Some(fault) = fault {
        log.error_with(name.span, fault, NAME_HINT);
    } else if !free {
        taken(log, kind, name);
    }
    if fault.is_some() || !free {
        own.refused.insert(name.text.clone());
        return false;
    }
    true
}

/// Reports that a shared thing has this name.
pub(super) fn taken(log: &mut Log<'_>, kind: &str, name: &Text) {
    let message = format!("there is a shared {kind} \"{}\" already", name.text);
    log.error_with(name.span, message, "shared things cannot be redefined: give this one another name");
}

/// The thing that a reference names, which counts as used from now on. Reports a reference to nothing.
pub(super) fn resolve<I: Copy>(
    log: &mut Log<'_>,
    kind: &str,
    wanted: &Text,
    own: &mut Things<I>,
    shared: &mut Things<I>,
) -> Option<Thing<I>> {
    if own.refused.contains(&wanted.text) || shared.refused.contains(&wanted.text) {
        return None;
    }
    if let Some(thing) = own.things.get_mut(&wanted.text).or_else(|| shared.things.get_mut(&wanted.text)) {
        thing.used = true;
        return Some(*thing);
    }
    if !log.torn && !log.hides {
        let mut error = Diagnostic::error(wanted.span, format!("there is no {kind} \"{}\"", wanted.text));
        let known = own.things.keys().chain(shared.things.keys()).map(String::as_str);
        error.hint =
            did_you_mean(&wanted.text, known).or_else(|| Some(format!("define it as [{kind}.{}]", wanted.text)));
        log.diagnostics.push(error);
    }
    None
}
