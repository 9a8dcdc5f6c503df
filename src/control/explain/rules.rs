//! Which rule matched, and why the earlier ones did not.

use std::fmt::Display;

use super::facts::{LocationFacts, RuleFacts};
use super::steering::Case;
use super::{ExplainError, must};
use crate::geo::Location;
use crate::steer::{Matcher, Rule};

/// The rules up to the one that matched. Where the location is known, they are matched once more, and must come to what the
/// catchment says.
pub(super) fn facts(case: &Case<'_>, location: Option<&Location>) -> Result<Vec<RuleFacts>, ExplainError> {
    let matched = case.catchment().rule;
    let mut facts = Vec::with_capacity(matched + 1);
    for (at, rule) in case.policy().rules.iter().enumerate().take(matched + 1) {
        let by_address = rule.mismatch_by_address(case.client.addr, case.resolver);
        let mismatch = by_address.or_else(|| location.and_then(|location| rule.mismatch_by_location(location)));
        // without a location an earlier rule is one that its geos or asns kept out, as nothing else did
        let unknown = location.is_none() && (rule.geos.is_some() || rule.asns.is_some());
        must(mismatch.is_none() == (at == matched) || unknown, || {
            format!("rule {} matched, but rule {} is seen as {mismatch:?}", matched + 1, at + 1)
        })?;
        let why = match mismatch {
            Some(matcher) => mismatched(case, matcher, location),
            None if at < matched => "its places or networks are not the client's, by the catchment".into(),
            None => matches(case, rule, location),
        };
        facts.push(RuleFacts { number: at + 1, matchers: matchers(rule), matched: at == matched, why });
    }
    Ok(facts)
}

fn mismatched(case: &Case<'_>, matcher: Matcher, location: Option<&Location>) -> String {
    let location = location.map(LocationFacts::of).unwrap_or_default();
    match matcher {
        Matcher::Resolvers => format!("the resolver {} is in none of these networks", case.resolver),
        Matcher::Networks => format!("the client address {} is in none of these networks", case.client.addr),
        Matcher::Geos => match location.code() {
            Some(code) => format!("the client is in {code}"),
            None => "no country is known of the client".into(),
        },
        Matcher::Asns => match location.asn {
            Some(asn) => format!("the client is in AS{asn}"),
            None => "no autonomous system is known of the client".into(),
        },
    }
}

fn matches(case: &Case<'_>, rule: &Rule, location: Option<&Location>) -> String {
    let location = location.map(LocationFacts::of).unwrap_or_default();
    let resolver = rule.resolvers.is_some().then(|| format!("the resolver is {}", case.resolver));
    let network = rule.networks.is_some().then(|| format!("the client address is {}", case.client.addr));
    let geo = rule.geos.as_ref().and_then(|_| location.code()).map(|code| format!("the client is in {code}"));
    let asn = rule.asns.as_ref().and(location.asn).map(|asn| format!("the client is in AS{asn}"));
    let all: Vec<String> = [resolver, network, geo, asn].into_iter().flatten().collect();
    match all.is_empty() {
        true if is_open(rule) => "it matches everyone".into(),
        true => "by the catchment".into(),
        false => all.join(", "),
    }
}

const fn is_open(rule: &Rule) -> bool {
    rule.resolvers.is_none() && rule.networks.is_none() && rule.geos.is_none() && rule.asns.is_none()
}

/// What a rule names, as config writes it.
fn matchers(rule: &Rule) -> String {
    let parts = [
        rule.resolvers.as_deref().map(|all| list("resolvers", all)),
        rule.networks.as_deref().map(|all| list("networks", all)),
        rule.geos.as_deref().map(|all| list("geos", all)),
        rule.asns.as_deref().map(|all| list("asns", all)),
    ];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    if parts.is_empty() { "everyone".into() } else { parts.join(", ") }
}

/// How many values of a matcher are shown.
const SHOWN: usize = 6;

fn list(key: &str, values: &[impl Display]) -> String {
    let shown: Vec<String> = values.iter().take(SHOWN).map(ToString::to_string).collect();
    let more = values.len().saturating_sub(SHOWN);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("{key} = {}{more}", shown.join(" "))
}
