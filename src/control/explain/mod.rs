//! "Why did this client get that answer?"
//!
//! [`explain`] describes one query against one snapshot: the names met (`names`), the client and the rule (`client`,
//! `rules`), every pool and endpoint with its reason (`pools`), TTL and scope (`holding`), and the answer. There is no
//! second engine: reasons come from the functions of [`steer`](crate::steer) that plans are built with, the answer from
//! [`respond`](crate::answer::respond), and where anything computed here differs from what the plan holds or the response
//! says, there is no explanation but [`ExplainError::Differs`].
//!
//! What databases say is read anew from their files (`databases`) and counts only while a file is still the one that was
//! loaded; rule, estimates and answer come from the snapshot.
//!
//! [`Explanation`] is plain data, which JSON carries (`facts`); [`render`] makes of it a text for people.

mod ask;
mod client;
mod databases;
mod facts;
mod holding;
mod names;
mod pools;
mod probes;
mod render;
mod rules;
mod steering;
mod variants;

pub use databases::Databases;
pub use facts::*;
pub use probes::{ProbeFacts, ProbeRun};
pub use render::render;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::base::{Millis, Now, ParsePrefixError, Prefix};
use crate::health::ProbeKey;
use crate::snapshot::Snapshot;
use crate::wire::{Name, Rtype};

/// What is to be explained.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// The name asked.
    pub name: Name,
    /// The type asked.
    pub rtype: Rtype,
    /// Client Subnet; of length 0 it says that the client wants none. None: the query has no such option.
    pub client: Option<Prefix>,
    /// Who asks; where none is named, an address stands in that says nothing of a place.
    pub resolver: Option<IpAddr>,
}

/// Why nothing can be explained.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ExplainError {
    /// A type that no zone answers.
    #[error("{0} is answered with a refusal whatever the name is: there is nothing to explain")]
    Type(Rtype),
    /// The response cannot be read.
    #[error("the response cannot be read: {0}")]
    Unreadable(String),
    /// The engine does something else than what would be explained. A fault of this program, never of its user.
    #[error("what decides and what answers differ, which is a bug: {0}")]
    Differs(String),
}

/// How much of a client's address resolvers pass on, as a rule (RFC 7871 §11.1).
const USUAL_SOURCE: (u8, u8) = (24, 56);

impl Question {
    /// The client as a command line names it: `ADDRESS/LENGTH`, or an address, of which as much is taken as resolvers pass
    /// on. Bits beyond the length are cleared, as resolvers do.
    ///
    /// # Errors
    /// [`ParsePrefixError`].
    pub fn parse_client(text: &str) -> Result<Prefix, ParsePrefixError> {
        let (addr, len) = text.split_once('/').map_or((text, None), |(addr, len)| (addr, Some(len)));
        let addr: IpAddr = addr.parse().map_err(|_| ParsePrefixError::Syntax)?;
        let (width, usual) = if addr.is_ipv4() { (32, USUAL_SOURCE.0) } else { (128, USUAL_SOURCE.1) };
        let len = match len {
            None => usual,
            Some(len) => len.parse().map_err(|_| ParsePrefixError::Syntax)?,
        };
        if len > width { Err(ParsePrefixError::TooLong) } else { Ok(Prefix::around(addr, len)) }
    }

    /// Who asks: the resolver named, else the loopback address of the client's family.
    fn resolver(&self) -> IpAddr {
        let v6 = self.client.is_some_and(|client| client.addr().is_ipv6());
        let nobody = if v6 { Ipv6Addr::LOCALHOST.into() } else { Ipv4Addr::LOCALHOST.into() };
        self.resolver.map_or(nobody, |resolver| resolver.to_canonical())
    }
}

/// Explains what a query is answered with.
///
/// `probes` says what is known of a target by now.
///
/// # Errors
/// [`ExplainError`].
pub fn explain(
    snapshot: &Snapshot,
    question: &Question,
    now: Now,
    probes: &dyn Fn(&ProbeKey) -> Option<ProbeFacts>,
) -> Result<Explanation, ExplainError> {
    explain_with(snapshot, &Databases::read(snapshot), question, now, probes)
}

/// The same with databases that were read before, for whoever has many questions.
///
/// # Errors
/// [`ExplainError`].
pub fn explain_with(
    snapshot: &Snapshot,
    databases: &Databases,
    question: &Question,
    now: Now,
    probes: &dyn Fn(&ProbeKey) -> Option<ProbeFacts>,
) -> Result<Explanation, ExplainError> {
    if matches!(question.rtype, Rtype::AXFR | Rtype::IXFR) {
        return Err(ExplainError::Type(question.rtype));
    }
    let resolver = question.resolver();
    let response = ask::ask(snapshot, question, resolver, now)?;
    let chain = names::chain(snapshot, question);
    names::verify(&chain, &response)?;
    let mut answer = response.facts()?;
    let steering = match names::steered(&chain) {
        Some(met) => {
            let case = steering::Case::new(snapshot, question, resolver, now, met, probes);
            variants::verify(&case, &response)?;
            answer.variants = variants::facts(&case);
            Some(steering::facts(&case, databases)?)
        }
        None => None,
    };
    Ok(Explanation {
        generation: snapshot.generation,
        time: now.wall,
        assumed: None,
        query: QueryFacts {
            name: question.name.to_string(),
            rtype: question.rtype.to_string(),
            resolver,
            resolver_named: question.resolver.is_some(),
            client_subnet: question.client.map(|client| client.to_string()),
        },
        names: names::facts(snapshot, &chain, question.rtype),
        steering,
        answer,
    })
}

/// Fails loudly where something is not as the engine has it.
fn must(holds: bool, what: impl FnOnce() -> String) -> Result<(), ExplainError> {
    if holds { Ok(()) } else { Err(ExplainError::Differs(what())) }
}

/// With so many digits behind the point: what is shown should not pretend to be more exact than it is.
fn rounded(number: f64, digits: i32) -> f64 {
    let scale = 10f64.powi(digits);
    (number * scale).round() / scale
}

fn millis(ms: Millis) -> f64 {
    rounded(ms.0.into(), 3)
}
