//! `windrose explain`: why a client gets the answer it gets.

use std::net::IpAddr;
use std::path::Path;

use clap::Args;

use crate::base::{Now, Prefix};
use crate::config::report;
use crate::control;
use crate::control::explain::{ExplainError, Explanation, Question, explain, render};
use crate::health::{Board, TargetView, Verdict};
use crate::probe::clock;
use crate::snapshot::{Loaded, Snapshot};
use crate::steer::Pool;
use crate::wire::{Name, Rtype};

use super::client::Client;
use super::{ConfigArgs, FAILED, OK, asking};

/// What is to be explained, and by whom.
#[derive(Args, Debug)]
pub(super) struct ExplainArgs {
    #[command(flatten)]
    config: ConfigArgs,
    /// The name asked
    #[arg(value_name = "NAME")]
    name: Name,
    /// The type asked
    #[arg(value_name = "TYPE", default_value = "A", value_parser = rtype)]
    rtype: Rtype,
    /// The client, as Client Subnet carries it; without a length as much as resolvers pass on (24, IPv6 56); /0 asks for none
    #[arg(long, value_name = "ADDR[/LEN]", value_parser = Question::parse_client)]
    client: Option<Prefix>,
    /// The resolver that asks
    #[arg(long, value_name = "ADDR")]
    resolver: Option<IpAddr>,
    /// Explain the files instead of the running server: every endpoint is taken as up
    #[arg(long)]
    offline: bool,
    /// Take endpoints as down whose name ZONE/POOL/ENDPOINT this matches; * is any text, ? any character
    #[arg(long, value_name = "GLOB", requires = "offline")]
    down: Vec<String>,
    /// Print JSON, as the API does
    #[arg(long)]
    json: bool,
}

fn rtype(text: &str) -> Result<Rtype, String> {
    text.parse().map_err(|_| format!("there is no record type {text:?}"))
}

impl ExplainArgs {
    fn question(&self) -> Question {
        Question { name: self.name.clone(), rtype: self.rtype, client: self.client, resolver: self.resolver }
    }
}

/// Explains one answer.
#[allow(clippy::print_stdout, clippy::print_stderr, reason = "the command's output")]
pub(super) fn run(args: &ExplainArgs) -> u8 {
    let explained = if args.offline { offline(args) } else { online(&args.config.config, &args.question()) };
    let explained = explained.and_then(|explanation| match args.json {
        true => serde_json::to_string_pretty(&explanation).map_err(|error| error.to_string()),
        false => Ok(render(&explanation).trim_end().to_owned()),
    });
    match explained {
        Ok(text) => {
            println!("{text}");
            OK
        }
        Err(error) => {
            eprintln!("{}", error.trim_end());
            FAILED
        }
    }
}

/// Asks the running server.
fn online(config: &Path, question: &Question) -> Result<Explanation, String> {
    let mut query = vec![("name", question.name.to_string()), ("type", question.rtype.to_string())];
    query.extend(question.client.map(|client| ("client", client.to_string())));
    query.extend(question.resolver.map(|resolver| ("resolver", resolver.to_string())));
    asking(async { Client::of(config)?.get("/v1/explain", &query).await })
        .map_err(|error| format!("{error}\n(--offline explains the files instead)"))
}

/// Explains the files, as a server would right after its first probes.
fn offline(args: &ExplainArgs) -> Result<Explanation, String> {
    let loaded = match control::load(&args.config.config) {
        Ok((setup, _)) => setup.loaded,
        Err(report) => {
            let colour = std::io::IsTerminal::is_terminal(&std::io::stderr());
            return Err(report::render_all(&report.sources, &report.diagnostics, colour));
        }
    };
    let board = assumed_board(&loaded, &args.down)?;
    let snapshot = Snapshot::build(loaded, board, 0);
    explain_assumed(&snapshot, &args.question(), &args.down, clock::now()).map_err(|error| error.to_string())
}

/// Explains with a board that no probe made, and says so.
fn explain_assumed(
    snapshot: &Snapshot,
    question: &Question,
    down: &[String],
    now: Now,
) -> Result<Explanation, ExplainError> {
    let mut explanation = explain(snapshot, question, now, &|_| None)?;
    let assumed = "from the files, with every endpoint taken as up";
    explanation.assumed = Some(match down {
        [] => assumed.into(),
        down => format!("{assumed} but {}", down.join(" ")),
    });
    Ok(explanation)
}

/// A board on which everything is up but what the globs name.
fn assumed_board(loaded: &Loaded, down: &[String]) -> Result<Board, String> {
    let steering = &loaded.steering;
    let mut board = Board { targets: steering.targets.iter().map(|_| TargetView::unprobed()).collect() };
    for glob in down {
        let mut any = false;
        for pool in &steering.pools {
            for (name, targets) in endpoints(pool) {
                if matches(glob, &name) {
                    any = true;
                    targets.for_each(|target| board.targets[target].verdict = Verdict::Down);
                }
            }
        }
        if !any {
            return Err(no_match(glob, steering.pools.iter().flat_map(endpoints).map(|(name, _)| name)));
        }
    }
    Ok(board)
}

/// Full names of a pool's endpoints, with what judges them.
fn endpoints(pool: &Pool) -> impl Iterator<Item = (String, impl Iterator<Item = crate::base::TargetId>)> {
    pool.endpoints.iter().map(|endpoint| (format!("{}/{}", pool.name, endpoint.name), endpoint.targets()))
}

/// Says what a glob may have meant: the three names most like it.
fn no_match(glob: &str, names: impl Iterator<Item = String>) -> String {
    let mut names: Vec<(f64, String)> = names.map(|name| (strsim::jaro_winkler(glob, &name), name)).collect();
    names.sort_by(|a, b| b.0.total_cmp(&a.0).then_with(|| a.1.cmp(&b.1)));
    let near: Vec<String> = names.into_iter().take(3).map(|(_, name)| name).collect();
    let near = if near.is_empty() { "there are no endpoints".into() } else { format!("near it: {}", near.join(", ")) };
    format!("no endpoint's name ZONE/POOL/ENDPOINT is matched by --down {glob} ({near})")
}

/// Whether a glob matches a whole text: `*` stands for any run of characters, `?` for one.
fn matches(glob: &str, text: &str) -> bool {
    let mut rest = text.chars();
    let mut glob = glob.chars();
    match glob.next() {
        None => text.is_empty(),
        Some('*') => std::iter::once(text)
            .chain(std::iter::from_fn(|| rest.next().map(|_| rest.as_str())))
            .any(|rest| matches(glob.as_str(), rest)),
        Some(wanted) => {
            rest.next().is_some_and(|own| wanted == '?' || wanted == own) && matches(glob.as_str(), rest.as_str())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn globs() {
        for (glob, yes, no) in [
            ("example.com/web-eu/fra1", "example.com/web-eu/fra1", "example.com/web-eu/fra11"),
            ("*/web-eu/*", "example.com/web-eu/fra1", "example.com/web-us/iad1"),
            ("*fra?", "example.com/web-eu/fra2", "example.com/web-eu/fra"),
            ("*", "", "x"),
            ("", "", "x"),
            ("a*b*c", "a/bb/c", "a/c"),
        ] {
            assert!(matches(glob, yes), "{glob} {yes}");
            assert!(glob == "*" || !matches(glob, no), "{glob} {no}");
        }
    }

    #[test]
    fn a_glob_that_matches_nothing_names_what_it_may_mean() {
        let names = ["example.com/web-eu/fra1", "example.com/web-us/iad1"].map(str::to_owned);
        let said = no_match("example.com/web-eu/far1", names.into_iter());
        assert!(said.contains("near it: example.com/web-eu/fra1"), "{said}");
    }
}
