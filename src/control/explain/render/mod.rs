//! An explanation as a text for people: a section a question, the answer at the end.

mod layout;
mod pools;

use super::facts::{
    ClientFacts, Explanation, FoundFact, LocationFacts, NameFacts, RecordFacts, SteeringFacts, VariantFacts,
};
use layout::{Page, columns, date, moment, percent};

/// Makes a text of an explanation.
#[must_use]
pub fn render(explanation: &Explanation) -> String {
    let mut page = Page::default();
    page.section("QUERY", query(explanation));
    page.section("NAME", explanation.names.iter().flat_map(name).collect());
    if let Some(steering) = &explanation.steering {
        page.section("CLIENT", client(&steering.client));
        page.section("RULE", rules(steering));
        page.section("ESTIMATES", pools::estimates(&steering.pools));
        page.section("POOLS", pools::pools(steering, explanation.time));
        page.section("TTL", ttl(steering));
        page.section("SCOPE", scope(steering));
    }
    page.section("ANSWER", answer(explanation));
    page.finish()
}

fn query(explanation: &Explanation) -> Vec<String> {
    let query = &explanation.query;
    let mut lines = vec![format!("{} {}", query.name, query.rtype)];
    lines.push(match query.resolver_named {
        true => format!("from the resolver {}", query.resolver),
        false => format!("from {}, which stands in: no resolver was named", query.resolver),
    });
    lines.push(match &query.client_subnet {
        Some(subnet) => format!("with Client Subnet {subnet}"),
        None => "without Client Subnet".into(),
    });
    match &explanation.assumed {
        Some(assumed) => lines.push(assumed.clone()),
        None => {
            lines.push(format!("answered from snapshot {} at {}", explanation.generation, moment(explanation.time)));
        }
    }
    lines
}

fn name(name: &NameFacts) -> Vec<String> {
    let zone = match (&name.zone, name.serial) {
        (Some(zone), Some(serial)) => format!("the zone {zone} (serial {serial})"),
        _ => return vec![format!("{}: {}", name.name, name.why)],
    };
    let owner = name.owner.as_deref().unwrap_or_default();
    let found = match name.found {
        FoundFact::Exact => format!("{} is a name of {zone}", name.name),
        FoundFact::Wildcard => format!("{} is not a name of {zone}; {owner} stands for it", name.name),
        FoundFact::Delegation => format!("{} is in {zone}, at or below the delegation {owner}", name.name),
        FoundFact::Dname => format!("{} is in {zone}, below {owner}, which has a DNAME", name.name),
        FoundFact::NxDomain | FoundFact::NotServed => format!("{} would be in {zone}", name.name),
    };
    let policy = name.policy.as_ref().map(|policy| format!(" (policy {policy})")).unwrap_or_default();
    vec![found, format!("{}{policy}", name.why)]
}

fn client(client: &ClientFacts) -> Vec<String> {
    let mut lines = vec![format!("{}, by {}", client.address, client.why)];
    lines.extend(client.located_why.clone());
    lines.push(match &client.location {
        Some(location) if *location == LocationFacts::default() => {
            format!("{} is not located: no database knows it", client.located_by)
        }
        Some(location) => format!("{} is {}", client.located_by, place(location)),
        None => "a database file is not the one that was loaded, so nothing is said of the place".into(),
    });
    let several = client.databases.len() > 1;
    for database in &client.databases {
        let head = format!("{}, {}, built {}", database.path, database.kind, date(database.built));
        lines.push(match (&database.problem, &database.network, &database.says) {
            (Some(problem), ..) => format!("{head}: {problem}"),
            (None, Some(network), Some(says)) if several => format!("{head}: {network} is {}", place(says)),
            (None, Some(network), _) => format!("{head}: {network}"),
            _ => format!("{head}: lists no network that holds it"),
        });
    }
    lines
}

/// As in `in EU-DE, at 51.2 N 10.4 E (the centre of the country)`.
fn place(location: &LocationFacts) -> String {
    let mut parts: Vec<String> = location.code().map(|code| format!("in {code}")).into_iter().collect();
    if let (Some(lat), Some(lon)) = (location.latitude, location.longitude) {
        let (north, east) = (if lat < 0.0 { 'S' } else { 'N' }, if lon < 0.0 { 'W' } else { 'E' });
        let centre = if location.centroid { " (the centre of the country)" } else { "" };
        parts.push(format!("at {:.2} {north} {:.2} {east}{centre}", lat.abs(), lon.abs()));
    }
    parts.extend(location.asn.map(|asn| format!("in AS{asn}")));
    if parts.is_empty() { "of no known place".into() } else { parts.join(", ") }
}

fn rules(steering: &SteeringFacts) -> Vec<String> {
    let total = steering.rules.len() + steering.later_rules;
    let mut lines = vec![format!("rule {} of {total} of the policy {} decides", steering.rules.len(), steering.policy)];
    let row = |rule: &super::RuleFacts| {
        let word = if rule.matched { "match" } else { "no" };
        vec![rule.number.to_string(), word.into(), rule.matchers.clone(), rule.why.clone()]
    };
    lines.extend(columns(steering.rules.iter().map(row).collect(), &[0]));
    lines
}

fn ttl(steering: &SteeringFacts) -> Vec<String> {
    let ttl = &steering.ttl;
    let range = if ttl.max == ttl.min { String::new() } else { format!(" (max {} s, min {} s)", ttl.max, ttl.min) };
    let mut lines = vec![format!("{} s{range}", ttl.seconds), ttl.why.clone()];
    lines.extend(ttl.unsettled.iter().cloned());
    lines
}

fn scope(steering: &SteeringFacts) -> Vec<String> {
    let scope = &steering.scope;
    match (scope.length, &scope.network) {
        (Some(length), Some(network)) => vec![format!("{length}: good for {network}"), scope.why.clone()],
        (Some(length), None) => vec![format!("{length}: {}", scope.why)],
        (None, _) => vec![format!("none: {}", scope.why)],
    }
}

fn answer(explanation: &Explanation) -> Vec<String> {
    let answer = &explanation.answer;
    let authority = if answer.authoritative { ", authoritative" } else { "" };
    let scope = answer.scope.map(|scope| format!(", scope {scope}")).unwrap_or_default();
    let mut lines = vec![format!("{}{authority}{scope}", answer.rcode)];
    lines.extend(answer.errors.iter().map(|error| format!("Extended DNS Error {error}")));
    let row = |record: &RecordFacts| {
        let section = if record.section == "answer" { String::new() } else { record.section.clone() };
        vec![record.name.clone(), record.ttl.to_string(), record.rtype.clone(), record.data.clone(), section]
    };
    lines.extend(columns(answer.records.iter().map(row).collect(), &[1]));
    lines.extend(variants(explanation, &answer.variants));
    lines
}

/// How many variants are shown.
const SHOWN: usize = 16;

fn variants(explanation: &Explanation, variants: &[VariantFacts]) -> Vec<String> {
    let sticky = explanation.steering.as_ref().and_then(|steering| steering.sticky.as_ref());
    if let Some(sticky) = sticky {
        return vec![format!(
            "always this answer for {}: {} of {}",
            sticky.network,
            sticky.endpoints.join(" "),
            sticky.pool
        )];
    }
    match variants {
        [] => return Vec::new(),
        [only] => return vec![format!("always this answer: {} of {}", only.endpoints.join(" "), only.pool)],
        _ => {}
    }
    let mut lines = vec![format!("one of {} answers, drawn anew for each query:", variants.len())];
    let row = |variant: &VariantFacts| {
        let names = format!("{} of {}", variant.endpoints.join(" "), variant.pool);
        vec![percent(variant.chance), variant.data.join(" "), names]
    };
    lines.extend(columns(variants.iter().take(SHOWN).map(row).collect(), &[0]));
    if variants.len() > SHOWN {
        let rest: f64 = variants[SHOWN..].iter().map(|variant| variant.chance).sum();
        lines.push(format!("{} more, {} together", variants.len() - SHOWN, percent(rest)));
    }
    lines
}
