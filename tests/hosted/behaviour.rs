//! The cases of `tests/behaviour`, asked of a listener over UDP and TCP. What differs is listed in `differences.txt`, with
//! the reason, and nothing else may.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use libtest_mimic::Failed;
use tokio::runtime::{Builder, Runtime};
use windrose::net::hosted::{Hosted, Protocol};
use windrose::net::{Meta, Responder};

#[path = "../behaviour/adapter.rs"]
mod adapter;
#[path = "../behaviour/check.rs"]
mod check;
#[path = "../behaviour/format.rs"]
mod format;
#[path = "../behaviour/query.rs"]
mod query;
#[path = "../behaviour/sockets.rs"]
mod sockets;
#[path = "../behaviour/text.rs"]
mod text;

use format::{Case, Subject};
use query::Transport;

/// Cases that fail, as `SUBJECT::TITLE TRANSPORT`, and what is wrong with each.
type Failures = BTreeMap<String, String>;

/// The engine with the zones of a subject.
struct Zones(adapter::Setting, Vec<(String, String)>);

impl Responder for Zones {
    fn start_batch(&mut self) {}

    fn respond(&mut self, query: &[u8], meta: &Meta, out: &mut [u8]) -> Option<usize> {
        let tcp = meta.transport == windrose::net::Transport::Tcp;
        let response = adapter::ask(&self.0, &self.1, query, tcp)?;
        out.get_mut(..response.len())?.copy_from_slice(&response);
        Some(response.len())
    }
}

/// Asks every case and compares what failed with the list.
pub(crate) fn as_listed() -> Result<(), Failed> {
    let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let subjects = subjects()?;
    let found: Failures = std::thread::scope(|scope| {
        let sweeps: Vec<_> = subjects.iter().map(|subject| scope.spawn(|| sweep(subject, &runtime))).collect();
        sweeps.into_iter().flat_map(|sweep| sweep.join().unwrap()).collect()
    });
    let listed = listed(include_str!("differences.txt"))?;
    let unlisted = found.iter().filter(|(case, _)| !listed.contains(*case));
    let mut wrong: Vec<String> = unlisted.map(|(case, problem)| format!("not listed: {case}\n{problem}\n")).collect();
    wrong
        .extend(listed.iter().filter(|case| !found.contains_key(*case)).map(|case| format!("listed and good: {case}")));
    if wrong.is_empty() { Ok(()) } else { Err(wrong.join("\n").into()) }
}

fn subjects() -> Result<Vec<Subject>, Failed> {
    let mut subjects = Vec::new();
    for entry in std::fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/behaviour"))? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "txt") {
            let name = path.file_stem().unwrap().to_string_lossy().into_owned();
            let subject = format::parse(&name, &std::fs::read_to_string(&path)?);
            subjects.push(subject.map_err(|problems| format!("{name}: {problems:?}"))?);
        }
    }
    Ok(subjects)
}

/// What fails of one subject.
fn sweep(subject: &Subject, runtime: &Runtime) -> Failures {
    let address = "127.0.0.1:0".parse().unwrap();
    let responder = || Zones(subject.setting.clone(), subject.zones.clone());
    let hosted = Hosted::start(address, Protocol::Dns, runtime.handle(), responder).unwrap();
    let mut failures = Failures::new();
    for case in &subject.cases {
        for (tcp, over) in [(false, "UDP"), (true, "TCP")] {
            let other = if tcp { Transport::Udp } else { Transport::Tcp };
            if case.ask.transport == other {
                continue;
            }
            let response = ask(hosted.address(), case, tcp);
            if let Err(problem) = check::check(case, response.as_deref(), tcp) {
                let problem = format!("tests/behaviour/{}.txt:{}\n{problem}", subject.name, case.line);
                failures.insert(format!("{}::{} {over}", subject.name, case.title.replace(' ', "_")), problem);
            }
        }
    }
    runtime.block_on(hosted.stop(Duration::from_secs(1)));
    failures
}

/// Asks a case; again where a response must come and is late, as on a busy machine.
fn ask(server: SocketAddr, case: &Case, tcp: bool) -> Option<Vec<u8>> {
    let attempts = if case.expected.is_some() { 10 } else { 1 };
    (0..attempts).find_map(|_| sockets::ask(server, &case.ask.packet, tcp))
}

/// Reads the list: a reason a paragraph, its cases on indented lines.
fn listed(text: &str) -> Result<BTreeSet<String>, Failed> {
    let mut cases = BTreeSet::new();
    for line in text.lines().filter(|line| line.starts_with(' ')) {
        let (case, transports) = line.trim().split_once(' ').ok_or_else(|| format!("{line}: no transport"))?;
        for transport in transports.split_whitespace() {
            if !cases.insert(format!("{case} {transport}")) {
                return Err(format!("{line}: listed twice").into());
            }
        }
    }
    Ok(cases)
}
