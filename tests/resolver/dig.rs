//! Asks with dig.

use std::net::SocketAddr;
use std::process::Command;

/// What dig printed.
pub(crate) struct Reply {
    /// Such as `NOERROR`.
    pub(crate) status: String,
    /// RDATA of the answer section, sorted.
    pub(crate) data: Vec<String>,
    /// All of it, with runs of blanks made one.
    pub(crate) text: String,
}

/// Asks a question: name, type, and options such as `+subnet=192.0.2.0/24`.
pub(crate) fn dig(server: SocketAddr, question: &str) -> Reply {
    let port = server.port().to_string();
    let output = Command::new("dig")
        .args([&format!("@{}", server.ip()), "-p", &port, "+nocookie", "+time=5", "+tries=2", "-r"])
        .args(question.split(' '))
        .output()
        .unwrap();
    let printed = String::from_utf8(output.stdout).unwrap();
    let text: Vec<String> = printed.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
    let text = text.join("\n");
    let status = text.split_once("status: ").and_then(|(_, rest)| rest.split(',').next()).unwrap_or("none").to_owned();
    let answer = text.split_once(";; ANSWER SECTION:\n").map_or("", |(_, rest)| rest);
    let records = answer.lines().take_while(|line| !line.is_empty());
    let mut data: Vec<String> = records.filter_map(|line| Some(line.splitn(5, ' ').nth(4)?.to_owned())).collect();
    data.sort();
    Reply { status, data, text }
}
