//! What an operator would do by hand: run the demo, ask it with `dig` and `kdig`, stop a region. Without the tools these
//! tests are ignored and say so; with `WINDROSE_REQUIRE_TOOLS` set they fail.
#![allow(clippy::unwrap_used, reason = "a test that fails should fail where it stands")]
#![allow(clippy::disallowed_methods, reason = "failover is waited for by the clock")]

mod demo;

use std::process::{Command, ExitCode, Stdio};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use demo::Demo;
use libtest_mimic::{Arguments, Failed, Trial};

const DIG: (&str, &str) = ("dig", "bind9-dnsutils");
const KDIG: (&str, &str) = ("kdig", "knot-dnsutils");

fn main() -> ExitCode {
    // in order, as one of them stops what others ask for
    let arguments = Arguments { test_threads: Some(1), ..Arguments::from_args() };
    let demo = Arc::new(Demo::default());
    let trials = vec![
        trial("the_lines_that_the_demo_prints_work", DIG, &demo, printed_lines),
        trial("names_that_are_not_steered", KDIG, &demo, static_names),
        trial("dig_takes_our_cookies", DIG, &demo, dig_cookies),
        trial("kdig_takes_our_cookies", KDIG, &demo, kdig_cookies),
        trial("client_subnet_comes_back_with_a_scope", KDIG, &demo, scopes),
        trial("a_stopped_region_is_left_and_comes_back", DIG, &demo, stop_and_start),
        trial("a_command_that_is_not_understood_says_what_is", DIG, &demo, bad_command),
    ];
    libtest_mimic::run(&arguments, trials).exit_code()
}

fn trial(name: &str, (tool, package): (&str, &str), demo: &Arc<Demo>, test: fn(&Demo) -> Result<(), Failed>) -> Trial {
    let there = Command::new(tool).arg("-v").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok();
    let required = std::env::var_os("WINDROSE_REQUIRE_TOOLS").is_some();
    let demo = Arc::clone(demo);
    let needs = format!("needs {tool}: apt-get install {package}");
    let missing = needs.clone();
    let trial = Trial::test(name, move || if there { test(&demo) } else { Err(missing.into()) });
    if there { trial } else { trial.with_kind(needs).with_ignored_flag(!required) }
}

/// Runs a line as a shell would, without one.
fn run(line: &str) -> String {
    let words: Vec<&str> = line.split_whitespace().collect();
    let output = Command::new(words[0]).args(&words[1..]).output().unwrap();
    String::from_utf8(output.stdout).unwrap()
}

fn expect(found: &str, part: &str, line: &str) -> Result<(), Failed> {
    if found.contains(part) { Ok(()) } else { Err(format!("{line}\nexpected {part}, found:\n{found}").into()) }
}

/// The network of the region that each country's clients are nearest to.
fn printed_lines(demo: &Demo) -> Result<(), Failed> {
    let lines = demo.dig_lines();
    for (country, rtype, network) in [
        ("DE", "A", "192.0.2.1"),
        ("US", "A", "198.51.100.1"),
        ("JP", "A", "203.0.113.1"),
        ("BR", "A", "198.51.100.1"),
        ("ZA", "A", "192.0.2.1"),
        ("JP", "AAAA", "2001:db8:2::1"),
    ] {
        let mine = |line: &&String| line.ends_with(country) && line.contains(&format!(" {rtype} "));
        let line = lines.iter().find(mine).ok_or_else(|| format!("no line for {country} in {lines:?}"))?;
        let command = line.split('#').next().unwrap_or_default();
        expect(&run(command), network, command)?;
    }
    Ok(())
}

fn static_names(demo: &Demo) -> Result<(), Failed> {
    for (question, part) in [
        ("example.com SOA", "status: NOERROR"),
        ("example.com NS +tcp", "2001:db8::53"),
        ("nothing.example.com A", "status: NXDOMAIN"),
        ("any.wild.example.com A +tcp", "192.0.2.81"),
        ("_sip._tcp.example.com SRV", "5060 mail.example.com."),
        ("host.lab.example.com A", "ns.lab.example.com."),
        ("docs.example.com A", "www.example.com."),
        ("static.example.com A", "d1.cdn.example.net."),
        ("example.org A +edns", "status: REFUSED"),
    ] {
        let line = format!("kdig @127.0.0.1 -p {} {question}", demo.port());
        expect(&run(&line), part, &line)?;
    }
    Ok(())
}

/// `dig` says "(good)" where its own cookie came back with a server's.
fn dig_cookies(demo: &Demo) -> Result<(), Failed> {
    let line = format!("dig @127.0.0.1 -p {} ns1.example.com A +cookie=2464c4abcf10c957", demo.port());
    let found = run(&line);
    expect(&found, "; COOKIE: 2464c4abcf10c957", &line)?;
    expect(&found, "(good)", &line)?;
    let cookie = found.split("; COOKIE: ").nth(1).and_then(|rest| rest.split(' ').next()).unwrap_or_default();
    let again = format!("dig @127.0.0.1 -p {} example.com NS +tcp +cookie={cookie}", demo.port());
    expect(&run(&again), &format!("; COOKIE: {cookie} (good)"), &again)
}

/// The whole cookie, learned by the first query, is taken by the second and comes back as it is.
fn kdig_cookies(demo: &Demo) -> Result<(), Failed> {
    let line = |cookie: &str| format!("kdig @127.0.0.1 -p {} www.example.com A +cookie={cookie}", demo.port());
    let learned = |found: &str| found.split("COOKIE: ").nth(1)?.split_whitespace().next().map(str::to_owned);
    let first = line("2464c4abcf10c957");
    let found = run(&first);
    let cookie = learned(&found).filter(|cookie| cookie.len() == 48);
    let cookie = cookie.ok_or_else(|| format!("{first}\nno server cookie in:\n{found}"))?;
    let second = line(&cookie);
    let found = run(&second);
    expect(&found, "status: NOERROR", &second)?;
    if learned(&found) == Some(cookie) { Ok(()) } else { Err(format!("{second}\nanother cookie in:\n{found}").into()) }
}

fn scopes(demo: &Demo) -> Result<(), Failed> {
    for (name, scope) in [("www.example.com", "133.11.0.0/24/8"), ("ns1.example.com", "133.11.0.0/24/0")] {
        let line = format!("kdig @127.0.0.1 -p {} {name} A +subnet=133.11.0.0/24", demo.port());
        expect(&run(&line), scope, &line)?;
    }
    Ok(())
}

/// Longer than the bound of the shipped check for a refusal (5.6 s) and for two good probes.
const PATIENCE: Duration = Duration::from_secs(15);

fn stop_and_start(demo: &Demo) -> Result<(), Failed> {
    let line = format!("dig @127.0.0.1 -p {} www.example.com A +subnet=141.20.0.0/24 +short", demo.port());
    for (command, network) in [("stop eu", "198.51.100.1"), ("start eu", "192.0.2.1")] {
        demo.type_line(command);
        let start = Instant::now();
        let mut found = String::new();
        while start.elapsed() < PATIENCE {
            found = run(&line);
            if found.contains(network) {
                break;
            }
            thread::sleep(Duration::from_millis(200));
        }
        expect(&found, network, &format!("{command}, then {line}"))?;
    }
    Ok(())
}

fn bad_command(demo: &Demo) -> Result<(), Failed> {
    demo.type_line("stop uk");
    let start = Instant::now();
    while start.elapsed() < PATIENCE {
        if demo.printed().contains("there is no region or endpoint \"uk\"") {
            return expect(&demo.printed(), "eu, us, ap", "stop uk");
        }
        thread::sleep(Duration::from_millis(50));
    }
    Err(format!("no word of it in:\n{}", demo.printed()).into())
}
