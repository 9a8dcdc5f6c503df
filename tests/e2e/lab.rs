//! Real HTTPS origins in three regions, the real server in front of them, and clients that ask it.
#![allow(clippy::unwrap_used, reason = "a test that fails should fail where it stands")]

use std::io::{BufRead, BufReader};
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use hickory_proto::op::{Message, ResponseCode};
use hickory_proto::rr::RData;
use hickory_proto::serialize::binary::BinDecodable;
use windrose::demo::{DemoCa, Fleet, Mode, Prepared, Settings, Shipped, What, find_sites};
use windrose::wire::Rtype;

use crate::support::query;

/// Clients of three countries, and the region nearest to each.
pub(crate) const CLIENTS: [(&str, u8, &str); 3] =
    [("53.0.1.0", 24, "eu"), ("8.8.8.0", 24, "us"), ("133.11.0.0", 24, "ap")];

pub(crate) const HOST: &str = "www.example.com";

/// Short, so that a test takes seconds; the bounds below follow from them.
const CHECK: &str = "interval = \"500ms\"\ntimeout = \"300ms\"\nfall = 2\nrise = 2\nrecheck = \"100ms\"\n";
/// §5.8: interval + fall × t + (fall − 1) × recheck + 100 ms, t = 0 for refused and TLS, the timeout for a hang.
pub(crate) const BOUND_REFUSED: Duration = Duration::from_millis(500 + 100 + 100);
pub(crate) const BOUND_HANG: Duration = Duration::from_millis(500 + 2 * 300 + 100 + 100);
/// Two successes, an interval apart, and the phase of the first.
pub(crate) const BOUND_RISE: Duration = Duration::from_millis(2 * 500 + 100);
/// What a test machine with other work may add: publishing, scheduling, the query itself.
pub(crate) const SLACK: Duration = Duration::from_millis(300);

const ZONE: &str = "$TTL 3600\n@ SOA ns1 hostmaster 1 7200 3600 1209600 300\n@ NS ns1\nns1 A 192.0.2.53\n\
                    www A 192.0.2.200\nwww AAAA 2001:db8::200\n";

pub(crate) struct Lab {
    runtime: tokio::runtime::Runtime,
    pub(crate) origins: Fleet,
    server: Child,
    pub(crate) address: SocketAddr,
    log: Arc<Mutex<String>>,
    folder: tempfile::TempDir,
}

/// Steering of three pools with two endpoints each; `policy` adds keys to the policy.
fn steering(policy: &str) -> String {
    let mut text = format!(
        "version = 1\n[region]\neu = {{ lat = 50.11, lon = 8.68 }}\nus = {{ lat = 39.04, lon = -77.49 }}\n\
         ap = {{ lat = 1.35, lon = 103.82 }}\n[check.web]\nkind = \"https\"\nhost = \"{HOST}\"\npath = \"/healthz\"\n{CHECK}"
    );
    for (region, v4, v6) in
        [("eu", "192.0.2", "2001:db8:1"), ("us", "198.51.100", "2001:db8:2"), ("ap", "203.0.113", "2001:db8:3")]
    {
        text += &format!("[pool.{region}]\nregion = \"{region}\"\ncheck = \"web\"\nendpoints = [\n");
        for host in [1, 2] {
            text += &format!("{{ name = \"{region}{host}\", addresses = [\"{v4}.{host}\", \"{v6}::{host}\"] }},\n");
        }
        text += "]\n";
    }
    text + &format!(
        "[policy.web]\nrules = [{{ nearest = [\"eu\", \"us\", \"ap\"] }}]\n{policy}\n\
         [name]\n\"www\" = {{ policy = \"web\", ttl = {{ max = \"300s\", min = \"30s\" }} }}\n"
    )
}

impl Lab {
    /// Starts origins and server; returns once the server answers.
    pub(crate) fn new(policy: &str) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let (ca, steering) = (DemoCa::new().unwrap(), steering(policy));
        let sites = find_sites(&steering).unwrap();
        let origins = runtime.block_on(Fleet::start(sites.clone(), &ca)).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let shipped = Shipped { zone: ZONE, steering: &steering, ..Shipped::embedded() };
        let listen = ["127.0.0.1:0".parse().unwrap()];
        let settings = Settings { listen: &listen, origin_port: origins.port(), ca_pem: &ca.pem() };
        let prepared = Prepared::write(folder.path(), &shipped, &sites, &settings).unwrap();
        let (server, address, log) = serve(&prepared.config);
        Self { runtime, origins, server, address, log, folder }
    }

    /// Lets a region, an endpoint or all (`"all"`) behave so.
    pub(crate) fn set(&mut self, what: &str, mode: Mode) {
        let what = match what {
            "all" => What::All,
            "eu" | "us" | "ap" => What::Region(what.into()),
            _ => What::Endpoint(what.into()),
        };
        assert!(self.runtime.block_on(self.origins.turn(&what, mode)).unwrap() > 0);
    }

    pub(crate) fn log(&self) -> String {
        self.log.lock().unwrap().clone()
    }

    /// Changes the zone file and tells the server.
    pub(crate) fn rezone(&self, change: impl Fn(&str) -> String) {
        let path = self.folder.path().join("zones/example.com.zone");
        std::fs::write(&path, change(&std::fs::read_to_string(&path).unwrap())).unwrap();
        let sent = Command::new("sh").args(["-c", &format!("kill -HUP {}", self.server.id())]).status().unwrap();
        assert!(sent.success());
    }

    /// Waits until the log says something; panics after ten seconds.
    pub(crate) fn wait_for_log(&self, text: &str) {
        let start = Instant::now();
        while !self.log().contains(text) {
            assert!(start.elapsed() < Duration::from_secs(10), "no word of \"{text}\" in:\n{}", self.log());
            thread::sleep(Duration::from_millis(20));
        }
    }

    /// The response to a client's question.
    pub(crate) fn ask(&self, client: &str, source: u8, rtype: Rtype) -> Message {
        ask(&UdpSocket::bind("127.0.0.1:0").unwrap(), self.address, client, source, rtype).unwrap()
    }

    /// Waits until the German client's answers come from a region; panics after ten seconds.
    pub(crate) fn wait_for(&self, region: &str) {
        let start = Instant::now();
        while regions(&self.ask("53.0.1.0", 24, Rtype::A)).first() != Some(&region) {
            assert!(start.elapsed() < Duration::from_secs(10), "no answer from {region}; log:\n{}", self.log());
            thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

/// Starts the server and waits for the line that names its address.
fn serve(config: &Path) -> (Child, SocketAddr, Arc<Mutex<String>>) {
    let mut server = Command::new(env!("CARGO_BIN_EXE_windrose"))
        .args(["serve", "--config"])
        .arg(config)
        .env_remove("RUST_LOG")
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(server.stderr.take().unwrap()).lines().map_while(Result::ok);
    let log = Arc::new(Mutex::new(String::new()));
    let mut address = None;
    for line in lines.by_ref() {
        *log.lock().unwrap() += &format!("{line}\n");
        if let Some((_, rest)) = line.split_once("listening on ") {
            address = rest.split(' ').next().and_then(|address| address.parse().ok());
            break;
        }
    }
    let address = address.unwrap_or_else(|| panic!("the server did not start:\n{}", log.lock().unwrap()));
    let behind = Arc::clone(&log);
    thread::spawn(move || lines.for_each(|line| *behind.lock().unwrap() += &format!("{line}\n")));
    (server, address, log)
}

/// Asks over UDP; an error is a loss.
pub(crate) fn ask(
    socket: &UdpSocket,
    server: SocketAddr,
    client: &str,
    source: u8,
    rtype: Rtype,
) -> Result<Message, String> {
    let query = query("www.example.com", rtype, Some((client.parse().unwrap(), source)));
    socket.set_read_timeout(Some(Duration::from_secs(1))).unwrap();
    socket.send_to(&query, server).map_err(|error| error.to_string())?;
    let mut response = [0; 1500];
    let (len, _) = socket.recv_from(&mut response).map_err(|error| format!("no response: {error}"))?;
    Message::from_bytes(&response[..len]).map_err(|error| error.to_string())
}

pub(crate) fn addresses(message: &Message) -> Vec<IpAddr> {
    let address = |data: &RData| match data {
        RData::A(a) => Some(IpAddr::V4(a.0)),
        RData::AAAA(aaaa) => Some(IpAddr::V6(aaaa.0)),
        _ => None,
    };
    message.answers.iter().filter_map(|record| address(&record.data)).collect()
}

/// The region of each address answered.
pub(crate) fn regions(message: &Message) -> Vec<&'static str> {
    let region = |addr: IpAddr| match addr {
        IpAddr::V4(v4) => match v4.octets()[0] {
            192 if v4.octets()[3] >= 200 => "last resort",
            192 => "eu",
            198 => "us",
            _ => "ap",
        },
        IpAddr::V6(v6) => ["last resort", "eu", "us", "ap"][usize::from(v6.segments()[2]).min(3)],
    };
    addresses(message).into_iter().map(region).collect()
}

/// What one query of a stream came to.
pub(crate) struct Sample {
    pub(crate) at: Instant,
    pub(crate) client: usize,
    /// The region, or what went wrong.
    pub(crate) answer: Result<&'static str, String>,
}

/// Every client asks 50 times a second, A and AAAA in turn, until the stream is stopped.
pub(crate) struct Stream {
    stop: Arc<std::sync::atomic::AtomicBool>,
    thread: JoinHandle<Vec<Sample>>,
}

impl Stream {
    pub(crate) fn start(server: SocketAddr) -> Self {
        let stop = Arc::new(std::sync::atomic::AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let thread = thread::spawn(move || {
            let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
            let (mut samples, start) = (Vec::new(), Instant::now());
            for round in 0u32.. {
                if stopped.load(std::sync::atomic::Ordering::Relaxed) {
                    break;
                }
                let rtype = if round % 2 == 0 { Rtype::A } else { Rtype::AAAA };
                for (client, (addr, source, _)) in CLIENTS.into_iter().enumerate() {
                    let at = Instant::now();
                    let answer = ask(&socket, server, addr, source, rtype).and_then(|message| verdict(&message));
                    samples.push(Sample { at, client, answer });
                }
                thread::sleep(
                    (start + Duration::from_millis(20) * (round + 1)).saturating_duration_since(Instant::now()),
                );
            }
            samples
        });
        Self { stop, thread }
    }

    pub(crate) fn stop(self) -> Vec<Sample> {
        self.stop.store(true, std::sync::atomic::Ordering::Relaxed);
        self.thread.join().unwrap()
    }
}

fn verdict(message: &Message) -> Result<&'static str, String> {
    if message.metadata.response_code != ResponseCode::NoError {
        return Err(message.metadata.response_code.to_string());
    }
    regions(message).first().copied().ok_or_else(|| "an empty answer".to_owned())
}
