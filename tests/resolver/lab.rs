//! Two Windroses, one of them with the delegated zone, and unbound in front, each with its files in one folder.

use std::fmt::Write;
use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::LazyLock;

use crate::process::{Process, free};

/// How many records the large RRset has: far more than a datagram holds.
pub(crate) const LARGE: usize = 60;

/// Started when it is first asked for.
pub(crate) struct Lab(LazyLock<Running>);

impl Default for Lab {
    fn default() -> Self {
        Self(LazyLock::new(Running::start))
    }
}

/// The servers; they end when it is dropped.
struct Running {
    parent: SocketAddr,
    resolver: SocketAddr,
    #[allow(dead_code, reason = "held, so that they run")]
    processes: [Process; 3],
    #[allow(dead_code, reason = "held, so that the folder stays")]
    folder: tempfile::TempDir,
}

impl Lab {
    /// Where unbound is asked.
    pub(crate) fn resolver(&self) -> SocketAddr {
        self.0.resolver
    }

    /// Where the parent zone's server is asked.
    pub(crate) fn parent(&self) -> SocketAddr {
        self.0.parent
    }
}

impl Running {
    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let at = folder.path();
        let [parent, child, resolver] = [free(), free(), free()];
        let zones = [("home.example.net", home()), ("other.example.org", OTHER.to_owned())];
        let processes = [
            windrose(at, "parent", parent, &zones),
            windrose(at, "child", child, &[("child.home.example.net", CHILD.to_owned())]),
            unbound(at, resolver, parent, child),
        ];
        let running = Self { parent, resolver, processes, folder };
        for (process, address, zone) in [(0, parent, HOME_NAME), (1, child, CHILD_NAME), (2, resolver, HOME_NAME)] {
            running.processes[process].wait_until_it_answers(address, zone);
        }
        running
    }
}

const HOME_NAME: &[u8] = b"\x04home\x07example\x03net\0";
const CHILD_NAME: &[u8] = b"\x05child\x04home\x07example\x03net\0";

fn windrose(at: &Path, name: &str, address: SocketAddr, zones: &[(&str, String)]) -> Process {
    let folder = at.join(name);
    fs::create_dir_all(folder.join("zones")).unwrap();
    for (zone, text) in zones {
        fs::write(folder.join(format!("zones/{zone}.zone")), text).unwrap();
    }
    if name == "parent" {
        fs::write(folder.join("zones/home.example.net.toml"), steering()).unwrap();
    }
    let config = format!(
        "version = 1\n[server]\nlisten = [\"{address}\"]\nzones = \"zones\"\nstate = \"state\"\nwatch = false\n"
    );
    fs::write(folder.join("windrose.toml"), config).unwrap();
    Process::windrose(&folder.join("windrose.toml"))
}

/// Unbound asks nobody but the two: all that is asked is in stub zones, and it cannot leave the loopback address.
fn unbound(at: &Path, address: SocketAddr, parent: SocketAddr, child: SocketAddr) -> Process {
    let stub = |zone: &str, server: SocketAddr| {
        format!("stub-zone:\n  name: \"{zone}\"\n  stub-addr: {}@{}\n", server.ip(), server.port())
    };
    let stubs =
        stub("home.example.net", parent) + &stub("other.example.org", parent) + &stub("child.home.example.net", child);
    let options = "do-not-query-localhost: no\n  do-ip6: no\n  outgoing-interface: 127.0.0.1\n  username: \"\"\n  chroot: \"\"\n  \
         pidfile: \"\"\n  use-syslog: no\n  logfile: \"\"\n  num-threads: 1\n  module-config: \"subnetcache iterator\"\n  \
         send-client-subnet: 127.0.0.1\n  client-subnet-zone: \"home.example.net\"\n  client-subnet-always-forward: yes\n  \
         max-client-subnet-ipv4: 24\n  max-client-subnet-ipv6: 48\n  access-control: 127.0.0.0/8 allow\n  \
         qname-minimisation: yes\n  qname-minimisation-strict: yes\n  use-caps-for-id: yes\n  minimal-responses: no\n  \
         harden-glue: yes\n  harden-below-nxdomain: yes\n  harden-referral-path: yes\n  harden-short-bufsize: yes\n  \
         harden-large-queries: yes\n  harden-dnssec-stripped: yes\n";
    let config = format!(
        "server:\n  directory: \"{}\"\n  interface: {}@{}\n  {options}remote-control:\n  control-enable: no\n{stubs}",
        at.display(),
        address.ip(),
        address.port()
    );
    fs::write(at.join("unbound.conf"), config).unwrap();
    Process::start("unbound", &["-dd", "-c", &at.join("unbound.conf").display().to_string()])
}

const APEX: &str = "$TTL 3600\n@ SOA ns1 hostmaster 1 7200 3600 1209600 300\n@ NS ns1\nns1 A 127.0.0.1\n";

fn home() -> String {
    let mut text = format!("{APEX}{HOME}");
    for at in 0..LARGE {
        writeln!(text, "large TXT \"{at} {}\"", "t".repeat(90)).unwrap();
    }
    text
}

const HOME: &str = r#"
@               NS     ns2
ns2             A      127.0.0.1
@               MX     10 mail
mail            A      192.0.2.25
www             A      192.0.2.80
www             A      192.0.2.81
www             AAAA   2001:db8::80
www             TXT    "one" "two"
_sip._tcp       SRV    0 5 5060 www
odd\.label      TXT    "odd"
unknown         TYPE65280 \# 4 01020304
a.b.ent         A      192.0.2.82
*.wild          A      192.0.2.83
exact.wild      TXT    "exact"
*.alias-wild    CNAME  www
moved           DNAME  other.example.org.
first           CNAME  second
second          CNAME  www.other.example.org.
dangling        CNAME  nothing
child           NS     ns.child
ns.child        A      127.0.0.1
to-child        CNAME  www.child
geo             TXT    "beside"
to-geo          CNAME  geo
"#;

const OTHER: &str =
    "$TTL 3600\n@ SOA ns1 hostmaster 1 7200 3600 1209600 300\n@ NS ns1\nns1 A 127.0.0.1\nwww A 192.0.2.90\n";

const CHILD: &str = "$TTL 3600\n@ SOA ns hostmaster 1 7200 3600 1209600 300\n@ NS ns\nns A 127.0.0.1\nwww A 192.0.2.100\n\
                     back CNAME www.home.example.net.\n";

/// Three networks, and all others; nothing is probed.
fn steering() -> String {
    let mut text = "version = 1\n".to_owned();
    for at in 1..=4 {
        let endpoint = format!("{{ name = \"e\", addresses = [\"198.51.100.{at}\"] }}");
        writeln!(text, "[pool.p{at}]\ncheck = \"none\"\nendpoints = [{endpoint}]").unwrap();
    }
    for (pool, network) in [("many-a", "203.0.113"), ("many-b", "192.0.2")] {
        let endpoints = (1..=16).map(|at| format!("{{ name = \"e{at}\", addresses = [\"{network}.{at}\"] }}"));
        let endpoints = endpoints.collect::<Vec<_>>().join(", ");
        writeln!(text, "[pool.{pool}]\ncheck = \"none\"\nendpoints = [{endpoints}]").unwrap();
    }
    text + RULES
}

const RULES: &str = r#"
[policy.geo]
rules = [
  { networks = ["5.1.0.0/16"], pools = ["p1"] },
  { networks = ["6.2.0.0/16"], pools = ["p2"] },
  { networks = ["7.3.0.0/16"], pools = ["p3"] },
  { pools = ["p4"] },
]

[policy.drawn]
rules = [
  { networks = ["5.1.0.0/16"], pools = ["many-a"] },
  { pools = ["many-b"] },
]

[name]
"geo" = { policy = "geo", ttl = "300s" }
"*.steered-wild" = { policy = "geo", ttl = "300s" }
"a.steered-ent" = { policy = "geo", ttl = "300s" }
"drawn" = { policy = "drawn", ttl = "300s" }
"#;
