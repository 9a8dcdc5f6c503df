//! Servers in processes of their own: found where Debian installs them, waited for, and ended by their id.
#![allow(dead_code, reason = "each test binary uses its own part")]
#![allow(clippy::unwrap_used, reason = "a test that fails should fail where it stands")]
#![allow(clippy::disallowed_methods, reason = "the test reads the clock")]

use std::io::{BufRead, BufReader, Read};
use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

/// How long a server may take to start, or to end, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);

/// A command, also where only root's PATH leads.
pub(crate) fn tool(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let beside = ["/usr/sbin", "/usr/local/sbin"].map(PathBuf::from);
    std::env::split_paths(&path).chain(beside).map(|folder| folder.join(name)).find(|file| file.is_file())
}

/// An address that nobody has, with a port below those that the system gives out by itself.
pub(crate) fn free() -> SocketAddr {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let first = 20_000 + (std::process::id() % 200) as u16 * 50;
    loop {
        let at = SocketAddr::from(([127, 0, 0, 1], first + NEXT.fetch_add(1, Ordering::Relaxed)));
        if UdpSocket::bind(at).is_ok() && TcpListener::bind(at).is_ok() {
            return at;
        }
    }
}

/// A server that runs until it is dropped.
pub(crate) struct Process {
    name: &'static str,
    child: Child,
    log: Arc<Mutex<String>>,
}

impl Process {
    /// Starts a tool that is installed.
    pub(crate) fn start(name: &'static str, arguments: &[&str]) -> Self {
        let file = tool(name).unwrap_or_else(|| panic!("{name} is not installed"));
        Self::spawn(name, Command::new(file).args(arguments))
    }

    /// Starts Windrose with a main file.
    pub(crate) fn windrose(config: &Path) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_windrose"));
        Self::spawn("windrose", command.args(["serve", "--config"]).arg(config).env_remove("RUST_LOG"))
    }

    fn spawn(name: &'static str, command: &mut Command) -> Self {
        let spawned = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
        let mut child = spawned.unwrap_or_else(|error| panic!("{name}: {error}"));
        let log = Arc::default();
        follow(child.stdout.take().unwrap(), &log);
        follow(child.stderr.take().unwrap(), &log);
        Self { name, child, log }
    }

    /// What it has written so far.
    pub(crate) fn log(&self) -> String {
        self.log.lock().unwrap().clone()
    }

    /// Waits until it answers for a zone's SOA (the name as octets), with recursion desired; panics where it does not.
    pub(crate) fn wait_until_it_answers(&self, address: SocketAddr, zone: &[u8]) {
        let query = [&[0, 1, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0], zone, &[0, 6, 0, 1]].concat();
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        socket.connect(address).unwrap();
        socket.set_read_timeout(Some(Duration::from_millis(100))).unwrap();
        let (start, mut response) = (Instant::now(), [0; 1500]);
        loop {
            let answered = socket.send(&query).and_then(|_| socket.recv(&mut response)).is_ok();
            if answered && response[3] & 0xf == 0 && response[7] > 0 {
                return;
            }
            assert!(start.elapsed() < PATIENCE, "{} does not answer for {zone:02x?}:\n{}", self.name, self.log());
            thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Process {
    /// Asks it to end, so that it ends its own children; by force where it does not.
    fn drop(&mut self) {
        let asked = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status();
        let start = Instant::now();
        while asked.as_ref().is_ok_and(ExitStatus::success) && start.elapsed() < PATIENCE {
            if !matches!(self.child.try_wait(), Ok(None)) {
                return;
            }
            thread::sleep(Duration::from_millis(5));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Gathers what a process writes.
fn follow(output: impl Read + Send + 'static, log: &Arc<Mutex<String>>) {
    let log = Arc::clone(log);
    thread::spawn(move || {
        let lines = BufReader::new(output).lines().map_while(Result::ok);
        lines.for_each(|line| *log.lock().unwrap() += &format!("{line}\n"));
    });
}
