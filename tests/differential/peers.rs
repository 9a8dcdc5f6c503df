//! The three servers, each in a process of its own with the same zones.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;

use crate::generate::Universe;
use crate::process::{Process, free};
use crate::zone::Zone;

/// Which server; the order of all arrays of three.
pub(crate) const SERVERS: [&str; 3] = ["windrose", "nsd", "knot"];

/// The servers of one universe; they end when it is dropped.
pub(crate) struct Peers {
    pub(crate) addresses: [SocketAddr; 3],
    #[allow(dead_code, reason = "held, so that they run")]
    processes: [Process; 3],
    #[allow(dead_code, reason = "held, so that the folder stays")]
    folder: tempfile::TempDir,
}

impl Peers {
    /// Writes the zones and starts the servers.
    pub(crate) fn start(universe: &Universe) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let at = folder.path();
        fs::create_dir(at.join("zones")).unwrap();
        for (number, zone) in universe.zones.iter().enumerate() {
            fs::write(at.join(format!("zones/{number}.txt")), zone.text()).unwrap();
        }
        let addresses = [free(), free(), free()];
        let processes =
            [windrose(at, universe, addresses[0]), nsd(at, universe, addresses[1]), knot(at, universe, addresses[2])];
        let peers = Self { addresses, processes, folder };
        for (process, address) in peers.processes.iter().zip(addresses) {
            let wait = |zone: &Zone| process.wait_until_it_answers(address, &zone.origin.wire());
            universe.zones.iter().for_each(wait);
        }
        peers
    }
}

/// A line for each zone, from its name and file.
fn each(universe: &Universe, line: impl Fn(&str, &str) -> String) -> String {
    let zones = universe.zones.iter().enumerate();
    zones.map(|(number, zone)| line(&zone.origin.to_string(), &format!("zones/{number}.txt"))).collect()
}

fn windrose(at: &Path, universe: &Universe, address: SocketAddr) -> Process {
    let zones = each(universe, |name, file| format!("[[zone]]\nname = \"{name}\"\nfile = \"{file}\"\n"));
    let config = format!("version = 1\n[server]\nlisten = [\"{address}\"]\nstate = \"state\"\nwatch = false\n{zones}");
    fs::write(at.join("windrose.toml"), config).unwrap();
    Process::windrose(&at.join("windrose.toml"))
}

fn nsd(at: &Path, universe: &Universe, address: SocketAddr) -> Process {
    let folder = at.display();
    let zones = each(universe, |name, file| format!("zone:\n  name: \"{name}\"\n  zonefile: \"{file}\"\n"));
    let config = format!(
        "server:\n  ip-address: {}@{}\n  username: \"\"\n  chroot: \"\"\n  zonesdir: \"{folder}\"\n  database: \"\"\n  \
         pidfile: \"{folder}/nsd.pid\"\n  xfrdfile: \"{folder}/xfrd.state\"\n  zonelistfile: \"{folder}/zone.list\"\n  \
         xfrdir: \"{folder}\"\n  server-count: 1\n  tcp-count: 100\n  tcp-query-count: 0\n  rrl-ratelimit: 0\n  \
         rrl-whitelist-ratelimit: 0\n  minimal-responses: no\n  refuse-any: no\n  round-robin: no\n  ipv4-edns-size: 1232\n  \
         zonefiles-check: no\n  answer-cookie: no\nremote-control:\n  control-enable: no\n{zones}",
        address.ip(),
        address.port()
    );
    fs::write(at.join("nsd.conf"), config).unwrap();
    Process::start("nsd", &["-d", "-c", &format!("{folder}/nsd.conf")])
}

fn knot(at: &Path, universe: &Universe, address: SocketAddr) -> Process {
    let folder = at.display();
    let zones = each(universe, |name, file| format!("  - domain: \"{name}\"\n    file: \"{file}\"\n"));
    let config = format!(
        "server:\n  rundir: \"{folder}\"\n  listen: {}@{}\n  udp-workers: 1\n  tcp-workers: 1\n  background-workers: 1\n  \
         udp-max-payload: 1232\n  answer-rotation: off\n  nsid: \"\"\n  identity: \"\"\n  version: \"\"\n\
         database:\n  storage: \"{folder}/knot\"\n  journal-db-max-size: 1M\n  kasp-db-max-size: 5M\n  timer-db-max-size: 1M\n\
         log:\n  - target: stderr\n    any: warning\n\
         template:\n  - id: default\n    storage: \"{folder}\"\n    journal-content: none\n    zonefile-load: whole\n    \
         zonefile-sync: -1\n    semantic-checks: off\nzone:\n{zones}",
        address.ip(),
        address.port()
    );
    fs::write(at.join("knot.conf"), config).unwrap();
    Process::start("knotd", &["-c", &format!("{folder}/knot.conf")])
}
