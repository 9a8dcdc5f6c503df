//! What the server answers, as data: `behaviour/*.txt` hold zones, queries and the responses that the RFCs ask for.
//!
//! Each case is a test of its own, `FILE::TITLE` with `_` for blanks. Each file is a test too, `data::FILE`: every line
//! is understood, every query can be sent, and the check accepts the expected response and no other.
//! `behaviour/README.md` describes the format; `behaviour/adapter.rs` alone knows the server.
//!
//! With `WINDROSE_BEHAVIOUR_SERVER=ADDRESS:PORT` the cases are asked over UDP and TCP of a server that serves the zones
//! of one file (`cargo test --test behaviour wildcard::`).

use std::collections::HashSet;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use libtest_mimic::{Arguments, Failed, Trial};

#[path = "behaviour/adapter.rs"]
mod adapter;
#[path = "behaviour/canned.rs"]
mod canned;
#[path = "behaviour/check.rs"]
mod check;
#[path = "behaviour/format.rs"]
mod format;
#[path = "behaviour/query.rs"]
mod query;
#[path = "behaviour/sockets.rs"]
mod sockets;
#[path = "behaviour/text.rs"]
mod text;

use format::{Case, Subject};
use query::Transport;

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let mut trials = vec![
        Trial::test("data::mistakes_are_found", mistakes_are_found),
        Trial::test("data::shapes_are_many", shapes_are_many),
    ];
    for path in files() {
        trials.extend(trials_of(&path));
    }
    libtest_mimic::run(&arguments, trials).exit_code()
}

/// The data files in order of name.
fn files() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/behaviour");
    let entries = std::fs::read_dir(folder).expect("the folder with the data");
    let mut files: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "txt"));
    files.sort();
    files
}

fn trials_of(path: &Path) -> Vec<Trial> {
    let name = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
    let file = format!("tests/behaviour/{name}.txt");
    let data = format!("data::{name}");
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(problem) => return vec![Trial::test(data, move || Err(format!("{file}: {problem}").into()))],
    };
    match format::parse(&name, &text) {
        Ok(subject) => {
            let subject = Arc::new(subject);
            let cases = (0..subject.cases.len()).map(|at| trial_of(&subject, at));
            let whole = Arc::clone(&subject);
            cases.chain([Trial::test(data, move || data_is_sound(&whole, &file))]).collect()
        }
        Err(problems) => {
            let lines: Vec<String> =
                problems.iter().map(|(line, problem)| format!("{file}:{line}: {problem}")).collect();
            vec![Trial::test(data, move || Err(lines.join("\n").into()))]
        }
    }
}

fn trial_of(subject: &Arc<Subject>, at: usize) -> Trial {
    let subject = Arc::clone(subject);
    let name = format!("{}::{}", subject.name, subject.cases[at].title.replace(' ', "_"));
    Trial::test(name, move || ask_and_check(&subject, &subject.cases[at]))
}

fn ask_and_check(subject: &Subject, case: &Case) -> Result<(), Failed> {
    let transports: &[bool] = match case.ask.transport {
        Transport::Both => &[false, true],
        Transport::Udp => &[false],
        Transport::Tcp => &[true],
    };
    for &tcp in transports {
        let response = ask(subject, &case.ask.packet, tcp)?;
        let over = if tcp { "TCP" } else { "UDP" };
        check::check(case, response.as_deref(), tcp)
            .map_err(|problem| format!("tests/behaviour/{}.txt:{} over {over}\n{problem}", subject.name, case.line))?;
    }
    Ok(())
}

fn ask(subject: &Subject, packet: &[u8], tcp: bool) -> Result<Option<Vec<u8>>, Failed> {
    let Ok(server) = std::env::var("WINDROSE_BEHAVIOUR_SERVER") else {
        return Ok(adapter::ask(&subject.setting, &subject.zones, packet, tcp));
    };
    let server: SocketAddr = server.parse().map_err(|_| "WINDROSE_BEHAVIOUR_SERVER is no ADDRESS:PORT")?;
    Ok(sockets::ask(server, packet, tcp))
}

/// Every query that is not malformed on purpose can be read, and the check knows the expected response from any other.
fn data_is_sound(subject: &Subject, file: &str) -> Result<(), Failed> {
    let mut problems = Vec::new();
    for case in &subject.cases {
        let malformed = case.expected.as_ref().is_none_or(|expected| expected.rcode == 1 || expected.rcode == 4);
        let decoded = hickory_proto::op::Message::from_vec(&case.ask.packet);
        let readable = if malformed { Ok(()) } else { decoded.map(drop).map_err(|problem| problem.to_string()) };
        let sound = readable.and_then(|()| canned::prove(case));
        problems.extend(sound.err().map(|problem| format!("{file}:{}: {problem}", case.line)));
    }
    if problems.is_empty() { Ok(()) } else { Err(problems.join("\n").into()) }
}

/// How many cases differ from all others of the same zones in shape: what is asked besides the name, and code, flags, types of
/// records and options of the response.
#[allow(clippy::print_stdout, reason = "the figure")]
fn shapes_are_many() -> Result<(), Failed> {
    let mut shapes = HashSet::new();
    for path in files() {
        let subject = format::parse("", &std::fs::read_to_string(&path)?).map_err(|_| "see the test of the file")?;
        for case in &subject.cases {
            let name = case.ask.question().map_or(0, |question| question.len() - 4);
            let asked = (case.ask.packet.get(2..12), case.ask.packet.get(12 + name..), case.ask.transport as u8);
            let answered = case.expected.as_ref().map(|response| {
                let types =
                    |section: &Vec<_>| section.iter().map(|record: &format::Record| record.rtype).collect::<Vec<_>>();
                let sections = response.sections.iter().map(|section| section.as_ref().map(types)).collect::<Vec<_>>();
                format!("{} {:?} {sections:?} {:?}", response.rcode, response.flags, response.opt)
            });
            shapes.insert(format!("{path:?} {asked:?} {answered:?}"));
        }
    }
    println!("{} shapes of question and response", shapes.len());
    if shapes.len() < 400 { Err(format!("only {} cases differ in shape", shapes.len()).into()) } else { Ok(()) }
}

/// A mistake is reported at its line, and none hides another.
fn mistakes_are_found() -> Result<(), Failed> {
    let file = "zone example.com\n| @ A 192.0.2.1\nexpect NOERROR\n\ncase no citation\nask a A\n\
        case a title   RFC 1035 §1\nask example.com TYPEX\nexpect NOERROR +aa\nanswer x 1 A 1.2.3\n\
        case b   RFC 1035 §1\nask example.com A +rd\nexpect NOERROR\n";
    let lines: Vec<usize> =
        format::parse("mistakes", file).err().unwrap_or_default().iter().map(|(line, _)| *line).collect();
    let expected = [3, 5, 6, 7, 8, 9, 10, 11];
    if lines == expected { Ok(()) } else { Err(format!("lines {lines:?} instead of {expected:?}").into()) }
}
