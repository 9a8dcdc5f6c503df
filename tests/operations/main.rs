//! A server in an operator's hands: changed while it serves, killed, started again, asked how it is.
#![allow(clippy::unwrap_used, reason = "a test that fails should fail where it stands")]
#![allow(clippy::disallowed_methods, reason = "the test reads the clock")]

mod cookies;
mod limits;
mod load;
mod server;
#[path = "../support/mod.rs"]
mod support;

use std::fs;
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU16, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use hickory_proto::op::{Message, ResponseCode};
use hickory_proto::rr::RData;
use hickory_proto::serialize::binary::BinDecodable;
use windrose::wire::Rtype;

use load::Load;
use server::{Server, Site, exists, request};
use support::{query, repository};

const MAIN: &str = "version = 1\n[server]\nlisten = [\"127.0.0.1:0\"]\nzones = \"zones\"\nstate = \"state\"\n";
const ZONE: &str = "$TTL 3600\n@ SOA ns1 hostmaster 1 7200 3600 1209600 300\n@ NS ns1\nns1 A 192.0.2.53\n\
                    www A 192.0.2.200\nplain A 192.0.2.1\n";
const STEERING: &str = "version = 1\n[pool.a]\ncheck = \"none\"\nendpoints = [{ name = \"a1\", addresses = [\"192.0.2.10\"] }]\n\
                        [name]\n\"www\" = { pool = \"a\" }\n";

fn plain_site(main: &str) -> Site {
    Site::new(&[("windrose.toml", main), ("zones/example.com.zone", ZONE), ("zones/example.com.toml", STEERING)])
}

fn long() -> bool {
    std::env::var_os("WINDROSE_LONG").is_some()
}

/// An address that nobody has, with a port below those that the system gives out by itself.
fn free() -> SocketAddr {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let first = 10_000 + (std::process::id() % 200) as u16 * 50;
    loop {
        let at = SocketAddr::from(([127, 0, 0, 1], first + NEXT.fetch_add(1, Ordering::Relaxed)));
        if UdpSocket::bind(at).is_ok() && TcpListener::bind(at).is_ok() {
            return at;
        }
    }
}

/// The response over UDP; none within a second, or where nobody listens.
fn ask(server: SocketAddr, name: &str) -> Option<Message> {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(1))).unwrap();
    socket.connect(server).unwrap();
    socket.send(&query(name, Rtype::A, None)).ok()?;
    let mut response = [0; 1500];
    let len = socket.recv(&mut response).ok()?;
    Some(Message::from_bytes(&response[..len]).unwrap())
}

/// The addresses answered.
fn answer(server: SocketAddr, name: &str) -> Vec<String> {
    let message = ask(server, name).expect("a response");
    let address = |data: &RData| if let RData::A(a) = data { Some(a.0.to_string()) } else { None };
    message.answers.iter().filter_map(|record| address(&record.data)).collect()
}

/// Waits until something is so; panics after ten seconds.
fn eventually(server: &Server, what: &str, mut so: impl FnMut() -> bool) {
    let start = Instant::now();
    while !so() {
        assert!(start.elapsed() < Duration::from_secs(10), "{what}:\n{}", server.log());
        thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn changed_files_are_served_and_broken_ones_are_not() {
    let site = plain_site(MAIN);
    let server = site.start();
    let at = server.addresses[0];
    assert_eq!(answer(at, "new.example.com").len(), 0);
    site.write("zones/example.com.zone", format!("{ZONE}new A 192.0.2.2\n").replace(" 1 7200", " 2 7200").as_bytes());
    eventually(&server, "no new record", || answer(at, "new.example.com") == ["192.0.2.2"]);
    server.wait_for("zone example.com. changed: 2 records added, 1 removed, serial 1 -> 2", 1);

    site.write("zones/example.com.zone", format!("{ZONE}new A 192.0.2.\n").as_bytes());
    server.wait_for("zones/example.com.zone:7:7: ", 1);
    server.wait_for("the reload is refused; what was served before is served on", 1);
    assert_eq!(answer(at, "new.example.com"), ["192.0.2.2"]);

    site.write("zones/example.com.zone", ZONE.as_bytes());
    eventually(&server, "the record is still there", || answer(at, "new.example.com").is_empty());

    site.write("zones/example.com.toml", STEERING.replace("192.0.2.10", "192.0.2.11").as_bytes());
    eventually(&server, "the old address", || answer(at, "www.example.com") == ["192.0.2.11"]);
    server.wait_for("endpoint example.com/a/a1 changed", 1);

    site.write("zones/example.net.zone", ZONE.as_bytes());
    eventually(&server, "no new zone", || answer(at, "plain.example.net") == ["192.0.2.1"]);
    server.wait_for("zone example.net. added: 5 records, serial 1", 1);
    fs::remove_file(site.path("zones/example.net.zone")).unwrap();
    server.wait_for("zone example.net. removed", 1);
    assert_eq!(ask(at, "plain.example.net").unwrap().metadata.response_code, ResponseCode::Refused);
}

#[test]
fn what_cannot_be_read_is_an_error_and_not_a_zone_less() {
    let site = plain_site(MAIN);
    let server = site.start();
    let at = server.addresses[0];
    // a steering file that is there and cannot be read
    fs::remove_file(site.path("zones/example.com.toml")).unwrap();
    std::os::unix::fs::symlink("nowhere", site.path("zones/example.com.toml")).unwrap();
    let (code, body) = server.admin("POST", "/v1/reload");
    assert!(code == 422 && body.contains("example.com.toml"), "{code} {body}");
    assert_eq!(answer(at, "www.example.com"), ["192.0.2.10"]);
    fs::remove_file(site.path("zones/example.com.toml")).unwrap();
    site.write("zones/example.com.toml", STEERING.as_bytes());
    // what would never end
    let fifo = site.path("zones/example.net.zone");
    assert!(std::process::Command::new("mkfifo").arg(&fifo).status().unwrap().success());
    let (code, body) = server.admin("POST", "/v1/reload");
    assert!(code == 422 && body.contains("not a regular file"), "{code} {body}");
    fs::remove_file(fifo).unwrap();
    // a folder that is not mounted
    fs::rename(site.path("zones"), site.path("elsewhere")).unwrap();
    fs::create_dir(site.path("zones")).unwrap();
    let (code, body) = server.admin("POST", "/v1/reload");
    assert!(code == 422 && body.contains("all zones are gone"), "{code} {body}");
    assert_eq!(answer(at, "www.example.com"), ["192.0.2.10"]);
}

#[test]
fn files_are_not_watched_where_that_is_turned_off() {
    let site = plain_site(&format!("{MAIN}watch = false\n"));
    let server = site.start();
    site.write("zones/example.com.zone", format!("{ZONE}new A 192.0.2.2\n").as_bytes());
    thread::sleep(Duration::from_secs(1));
    assert_eq!(answer(server.addresses[0], "new.example.com").len(), 0);
    server.signal("HUP");
    server.wait_for("the files were loaded anew", 1);
    assert_eq!(answer(server.addresses[0], "new.example.com"), ["192.0.2.2"]);
}

#[test]
fn listeners_come_and_go_and_the_others_stay() {
    let (first, second) = (free(), free());
    let listen = |list: &str| MAIN.replace("\"127.0.0.1:0\"", list);
    let site = plain_site(&listen(&format!("\"{first}\"")));
    let server = site.start();
    assert_eq!(server.addresses, [first]);
    let mut stays = TcpStream::connect(first).unwrap();

    site.write("windrose.toml", listen(&format!("\"{first}\", \"{second}\"")).as_bytes());
    server.wait_for(&format!("listening on {second} (UDP and TCP)"), 1);
    eventually(&server, "no answer", || ask(second, "plain.example.com").is_some());

    // a port that somebody else has: nothing changes
    let taken = UdpSocket::bind("127.0.0.1:0").unwrap();
    site.write("windrose.toml", listen(&format!("\"{first}\", \"{}\"", taken.local_addr().unwrap())).as_bytes());
    server.wait_for("something else listens", 1);
    assert_eq!(answer(second, "plain.example.com"), ["192.0.2.1"]);

    // all addresses instead of one of them: the old one is in the way of the new one
    let any = format!("0.0.0.0:{}", second.port());
    site.write("windrose.toml", listen(&format!("\"{first}\", \"{any}\"")).as_bytes());
    server.wait_for(&format!("listening on {any}"), 1);
    assert_eq!(answer(second, "plain.example.com"), ["192.0.2.1"]);

    // to an address that this host does not have: what is in its way stays open
    let foreign = format!("198.51.100.7:{}", second.port());
    site.write("windrose.toml", listen(&format!("\"{first}\", \"{foreign}\"")).as_bytes());
    server.wait_for(&format!("cannot listen on {foreign}"), 1);
    assert_eq!(answer(second, "plain.example.com"), ["192.0.2.1"]);

    site.write("windrose.toml", listen(&format!("\"{first}\"")).as_bytes());
    server.wait_for(&format!("no longer listening on {any}"), 1);
    eventually(&server, "still open", || ask(second, "plain.example.com").is_none());

    // the connection of the listener that stayed has seen nothing of it
    let query = query("plain.example.com", Rtype::A, None);
    let frame = [&(query.len() as u16).to_be_bytes(), query.as_slice()].concat();
    std::io::Write::write_all(&mut stays, &frame).unwrap();
    let mut length = [0; 2];
    std::io::Read::read_exact(&mut stays, &mut length).unwrap();
    assert_eq!(server.says(&format!("listening on {first}")), 1);
}

#[test]
fn the_admin_api_says_how_it_is() {
    let port = free();
    let site = plain_site(&format!("{MAIN}[admin]\nlisten = \"{port}\"\n"));
    let mut server = site.start();
    let mode = fs::metadata(site.path("state/admin.sock")).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode, 0o660);
    (0..3).for_each(|_| assert_eq!(answer(server.addresses[0], "www.example.com"), ["192.0.2.10"]));

    let json = |path: &str| -> serde_json::Value { serde_json::from_str(&server.admin("GET", path).1).unwrap() };
    let status = json("/v1/status");
    assert_eq!((&status["zones"], &status["steered_names"], &status["queries"]), (&1.into(), &1.into(), &3.into()));
    assert_eq!(json("/v1/zones")[0]["records"], 5);
    assert_eq!(json("/v1/pools")[0]["endpoints"][0]["name"], "a1");
    assert_eq!(json("/v1/pools")[0]["answers"], 3);
    assert_eq!(json("/v1/targets")[0]["state"], "up");
    assert_eq!(json("/v1/policies")[0]["names"][0], "www.example.com.");
    assert_eq!(server.admin("GET", "/live"), (200, "alive\n".into()));
    assert_eq!(server.admin("GET", "/ready"), (200, "ready\n".into()));
    assert_eq!(server.admin("GET", "/nothing").0, 404);
    let metrics = server.admin("GET", "/metrics").1;
    for line in [
        "windrose_queries_total{transport=\"udp\",type=\"A\",rcode=\"NOERROR\"} 3",
        "windrose_pool_answers_total{pool=\"example.com/a\"} 3",
        "windrose_pool_healthy{pool=\"example.com/a\"} 1.0",
    ] {
        assert!(metrics.lines().any(|other| other == line), "{line} is not in:\n{metrics}");
    }

    // over TCP: the same, to be read only, by address
    let tcp = |method: &str, path: &str, host: &str| request(TcpStream::connect(port).unwrap(), method, path, host);
    assert_eq!(tcp("GET", "/v1/status", &port.to_string()).0, 200);
    assert_eq!(tcp("GET", "/v1/status", "attacker.example").0, 403);
    assert_eq!(tcp("POST", "/v1/reload", &port.to_string()).0, 405);

    // counts outlive reloads
    assert_eq!(server.admin("POST", "/v1/reload").0, 200);
    assert_eq!(answer(server.addresses[0], "www.example.com"), ["192.0.2.10"]);
    assert_eq!(json("/v1/pools")[0]["answers"], 4);
    site.write("zones/example.com.toml", b"version = 2\n");
    let (code, body) = server.admin("POST", "/v1/reload");
    assert!(code == 422 && body.contains("this version of Windrose reads version 1 only"), "{code} {body}");

    server.signal("TERM");
    assert_eq!(server.wait().code(), Some(0));
    assert!(!exists(&site.path("state/admin.sock")));
}

#[test]
fn the_admin_api_moves_and_comes_back() {
    let (http, other) = (free(), free());
    let main = |socket: &str, listen: SocketAddr| {
        format!("{MAIN}[admin]\nsocket = \"state/{socket}.sock\"\nlisten = \"{listen}\"\n")
    };
    let site = plain_site(&main("admin", http));
    let server = site.start();
    let status =
        |at: SocketAddr| TcpStream::connect(at).map(|stream| request(stream, "GET", "/live", "localhost").0).ok();
    assert_eq!(status(http), Some(200));
    // the socket moves, the port stays
    site.write("windrose.toml", main("other", http).as_bytes());
    server.wait_for("state/other.sock", 1);
    assert_eq!(status(http), Some(200));
    assert!(!exists(&site.path("state/admin.sock")));
    // to a port that is taken, and back again at the next reload once that is free
    let taken = TcpListener::bind(other).unwrap();
    site.write("windrose.toml", main("other", other).as_bytes());
    server.wait_for("DNS is served without it", 1);
    assert_eq!(answer(server.addresses[0], "www.example.com"), ["192.0.2.10"]);
    drop(taken);
    server.signal("HUP");
    eventually(&server, "no API", || status(other) == Some(200));
    assert_eq!(status(http), None);
}

#[test]
fn a_second_signal_ends_it_at_once() {
    let site = plain_site(MAIN);
    let mut server = site.start();
    // a client that does not read keeps the server waiting for its grace
    let mut client = TcpStream::connect(server.addresses[0]).unwrap();
    let query = query("www.example.com", Rtype::A, None);
    let frame = [&(query.len() as u16).to_be_bytes(), query.as_slice()].concat();
    let flood: Vec<u8> = frame.iter().copied().cycle().take(frame.len() * 200_000).collect();
    client.set_write_timeout(Some(Duration::from_millis(500))).unwrap();
    let _ = std::io::Write::write_all(&mut client, &flood);
    let start = Instant::now();
    server.signal("TERM");
    server.wait_for("stopping", 1);
    server.signal("TERM");
    assert_eq!(server.wait().code(), Some(1));
    assert!(start.elapsed() < Duration::from_secs(1), "{:?}", start.elapsed());
}

/// Zones, broken zones, databases, certificates and listeners change each second, and every query is answered.
#[test]
fn no_query_is_lost_while_everything_changes() {
    let (rate, time) = if long() { (20_000, Duration::from_secs(60)) } else { (4_000, Duration::from_secs(5)) };
    let (at, other, tls) = (free(), free(), free());
    let main = |more: &str| {
        let listen = format!("\"{at}\", {{ address = \"{tls}\", protocol = \"tls\", tls = \"main\" }}{more}");
        let sections = "[geo]\ndatabases = [\"geo.mmdb\"]\n[tls.main]\ncert = \"dns.pem\"\nkey = \"dns.key\"\n";
        format!("{MAIN}{sections}").replace("\"127.0.0.1:0\"", &listen)
    };
    let (one, two) = (main(""), main(&format!(", \"{other}\"")));
    let site = plain_site(&one);
    let new_certificate = || {
        let pair = rcgen::generate_simple_self_signed(["dns.example.com".to_owned()]).unwrap();
        site.write("dns.key", pair.signing_key.serialize_pem().as_bytes());
        site.write("dns.pem", pair.cert.pem().as_bytes());
    };
    let country = fs::read(repository("geo/country.mmdb")).unwrap();
    site.write("geo.mmdb", &country);
    new_certificate();
    let server = site.start();

    let load = Load::start(at, "www.example.com", rate);
    let (start, mut turns) = (Instant::now(), 0);
    while start.elapsed() < time {
        turns += 1;
        site.write("zones/example.com.zone", ZONE.replace(" 1 7200", &format!(" {turns} 7200")).as_bytes());
        site.write("zones/broken.example.zone", b"this is no zone\n");
        let (code, body) = server.admin("POST", "/v1/reload");
        assert!(code == 422 && body.contains("broken.example.zone:1:"), "{code} {body}");
        fs::remove_file(site.path("zones/broken.example.zone")).unwrap();
        site.write("geo.mmdb", &country);
        new_certificate();
        site.write("windrose.toml", if turns % 2 == 0 { &one } else { &two }.as_bytes());
        let (code, body) = server.admin("POST", "/v1/reload");
        assert_eq!(code, 200, "{body}");
        assert_eq!(ask(other, "www.example.com").is_some(), turns % 2 == 1);
        thread::sleep((Duration::from_secs(1) * turns).saturating_sub(start.elapsed()));
    }
    let outcome = load.stop();
    println!(
        "{} queries at {rate}/s for {} s, {turns} rounds of changes: {} unanswered; p50 {:?}, p99 {:?}, p99.9 {:?}, longest {:?}",
        outcome.sent,
        time.as_secs(),
        outcome.unanswered,
        outcome.quantile(0.5),
        outcome.quantile(0.99),
        outcome.quantile(0.999),
        outcome.quantile(1.0),
    );
    assert_eq!((outcome.unanswered, outcome.failed), (0, 0), "of {}:\n{}", outcome.sent, server.log());
    assert!(outcome.sent >= rate * time.as_secs() * 9 / 10);
    assert!(server.says("certificate main is another one now") >= turns as usize);
}

/// Memory after many reloads is what it was after some.
#[test]
fn memory_is_flat_over_reloads() {
    let (some, many) = if long() { (50, 500) } else { (30, 120) };
    let site = plain_site(MAIN);
    let server = site.start();
    // so many that a snapshot that is kept would show
    let many_records: String = (0..10_000).map(|n| format!("host{n} A 192.0.2.1\n")).collect();
    let _idle = TcpStream::connect(server.addresses[0]).unwrap();
    let mut reload = |n: usize| {
        let zone = format!("{}{many_records}", ZONE.replace(" 1 7200", &format!(" {n} 7200")));
        site.write("zones/example.com.zone", zone.as_bytes());
        assert_eq!(server.admin("POST", "/v1/reload").0, 200);
        assert_eq!(answer(server.addresses[0], "www.example.com"), ["192.0.2.10"]);
    };
    // threads without queries let go of a snapshot within a second, and the next reload frees it
    let settled = |reload: &mut dyn FnMut(usize), n| {
        thread::sleep(Duration::from_millis(1300));
        reload(n);
        server.resident()
    };
    (0..some).for_each(&mut reload);
    let before = settled(&mut reload, some);
    (some..many).for_each(&mut reload);
    let after = settled(&mut reload, many);
    println!("{before} KiB resident after {some} reloads, {after} KiB after {many}");
    // 8 MiB: a dozen of the snapshots
    assert!(after < before + 8192, "{before} KiB after {some} reloads, {after} KiB after {many}");
}

/// Origins over TCP: two that are always there, two that never are, and some that come and go.
struct Origins {
    stop: Arc<AtomicBool>,
    threads: Vec<thread::JoinHandle<()>>,
    port: u16,
}

impl Origins {
    fn start() -> Self {
        let steady = TcpListener::bind("127.9.0.1:0").unwrap();
        let port = steady.local_addr().unwrap().port();
        let stop = Arc::new(AtomicBool::new(false));
        let flapping = |host: u8| {
            let stop = Arc::clone(&stop);
            thread::spawn(move || {
                while !stop.load(Ordering::Relaxed) {
                    let listener = TcpListener::bind(SocketAddr::from(([127, 9, 1, host], port)));
                    thread::sleep(Duration::from_millis(40 + 7 * u64::from(host)));
                    drop(listener);
                    thread::sleep(Duration::from_millis(40 + 5 * u64::from(host)));
                }
            })
        };
        let threads = (1..=6).map(flapping).collect();
        // takes every connection, or the queue would be full some day; ends with the process
        thread::spawn(move || steady.incoming().for_each(drop));
        Self { threads, stop, port }
    }

    fn steering(&self) -> String {
        let endpoint = |name: &str, probe: &str, address: &str| {
            format!("  {{ name = \"{name}\", addresses = [\"{address}\"], probe = {{ address = \"{probe}\" }} }},\n")
        };
        let steady = endpoint("steady", "127.9.0.1", "192.0.2.10") + &endpoint("gone", "127.9.0.2", "192.0.2.20");
        let flapping = |host| endpoint(&format!("f{host}"), &format!("127.9.1.{host}"), &format!("192.0.2.10{host}"));
        let flapping: String = (1..=6).map(flapping).collect();
        let check = |name: &str, times: &str| {
            format!("[check.{name}]\nkind = \"tcp\"\nport = {}\nrecheck = \"5ms\"\n{times}\n", self.port)
        };
        let pool =
            |name: &str, endpoints: &str| format!("[pool.{name}]\ncheck = \"{name}\"\nendpoints = [\n{endpoints}]\n");
        let names = "[name]\n\"www\" = { pool = \"calm\" }\n\"other\" = { pool = \"wild\" }\n";
        let calm = check("calm", "interval = \"600ms\"\ntimeout = \"1s\"");
        let wild = check("wild", "interval = \"30ms\"\ntimeout = \"25ms\"\nfall = 1\nrise = 1");
        let pools = pool("calm", &steady) + &pool("wild", &flapping);
        format!("version = 1\n{calm}{wild}{pools}{names}")
    }
}

impl Drop for Origins {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        self.threads.drain(..).for_each(|thread| thread.join().unwrap());
    }
}

/// Killed at any moment of writing its state, it starts again, and never believes what was not so.
#[test]
fn killed_while_it_saves_it_starts_again_with_what_was_so() {
    let origins = Origins::start();
    let site = Site::new(&[
        ("windrose.toml", MAIN),
        ("zones/example.com.zone", ZONE),
        ("zones/example.com.toml", &origins.steering()),
    ]);
    let rounds = if long() { 200 } else { 15 };
    let mut saved = 0;
    for round in 0..rounds {
        let mut server = site.start();
        assert_eq!(server.says("cannot be used"), 0, "round {round}:\n{}", server.log());
        let answered = answer(server.addresses[0], "www.example.com");
        assert!(answered.len() == 1 && answered[0] != "192.0.2.20", "round {round}: {answered:?}\n{}", server.log());
        thread::sleep(Duration::from_millis(20 + 13 * (round % 17)));
        server.signal("KILL");
        server.wait();
        let Ok(text) = fs::read_to_string(site.path("state/targets.json")) else { continue };
        saved += 1;
        let state: serde_json::Value = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"));
        for target in state["targets"].as_array().unwrap() {
            let verdict = target["state"]["verdict"].as_str().or(target["verdict"].as_str()).unwrap_or("");
            let wrong = match target["address"].as_str().unwrap() {
                "127.9.0.1" => "down",
                "127.9.0.2" => "up",
                _ => continue,
            };
            assert!(["up", "down", "unknown"].contains(&verdict) && verdict != wrong, "round {round}: {target}");
        }
    }
    println!("killed {rounds} times, {saved} times with a saved state");
    assert!(saved > rounds / 2);
}

/// An origin that was down before a restart is avoided from the first answer on.
#[test]
fn a_restart_remembers() {
    let steady = TcpListener::bind("127.9.2.1:0").unwrap();
    let port = steady.local_addr().unwrap().port();
    let steering = format!(
        "version = 1\n[check.c]\nkind = \"tcp\"\nport = {port}\ninterval = \"300ms\"\ntimeout = \"200ms\"\n[pool.a]\ncheck = \"c\"\nendpoints = [\n\
         {{ name = \"up\", addresses = [\"192.0.2.10\"], probe = {{ address = \"127.9.2.1\" }} }},\n\
         {{ name = \"down\", addresses = [\"192.0.2.20\"], probe = {{ address = \"127.9.2.2\" }} }},\n]\n[name]\n\"www\" = {{ pool = \"a\" }}\n"
    );
    let site =
        Site::new(&[("windrose.toml", MAIN), ("zones/example.com.zone", ZONE), ("zones/example.com.toml", &steering)]);
    let mut server = site.start();
    (0..20).for_each(|_| assert_eq!(answer(server.addresses[0], "www.example.com"), ["192.0.2.10"]));
    server.signal("TERM");
    assert_eq!(server.wait().code(), Some(0));
    let start = Instant::now();
    let server = site.start();
    let first = answer(server.addresses[0], "www.example.com");
    println!("first answer {:?} after the start", start.elapsed());
    assert_eq!(first, ["192.0.2.10"]);
    (0..20).for_each(|_| assert_eq!(answer(server.addresses[0], "www.example.com"), ["192.0.2.10"]));
}
