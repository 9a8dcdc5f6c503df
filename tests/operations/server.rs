//! The real server in a folder of its own, to be changed, killed and started again.
#![allow(clippy::unwrap_used, reason = "a test that fails should fail where it stands")]
#![allow(clippy::disallowed_methods, reason = "the test reads the clock")]

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::SocketAddr;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

/// A folder with a configuration.
pub(crate) struct Site {
    folder: tempfile::TempDir,
}

/// A server that runs with it.
pub(crate) struct Server {
    child: Child,
    log: Arc<Mutex<String>>,
    socket: PathBuf,
    /// Where it listens, in order.
    pub(crate) addresses: Vec<SocketAddr>,
}

impl Site {
    /// A folder with these files.
    pub(crate) fn new(files: &[(&str, &str)]) -> Self {
        let site = Self { folder: tempfile::tempdir().unwrap() };
        fs::create_dir(site.path("zones")).unwrap();
        files.iter().for_each(|(name, text)| site.write(name, text.as_bytes()));
        site
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Replaces a file whole, as editors and `mv` do.
    pub(crate) fn write(&self, name: &str, content: &[u8]) {
        let beside = self.path(".beside");
        fs::write(&beside, content).unwrap();
        fs::rename(beside, self.path(name)).unwrap();
    }

    /// Starts the server and waits until it listens.
    pub(crate) fn start(&self) -> Server {
        let server = self.try_start();
        server.unwrap_or_else(|log| panic!("the server did not start:\n{log}"))
    }

    fn try_start(&self) -> Result<Server, String> {
        // WINDROSE_BIN: another build, such as the release build for figures
        let binary = std::env::var_os("WINDROSE_BIN").unwrap_or(env!("CARGO_BIN_EXE_windrose").into());
        let mut child = Command::new(binary)
            .args(["serve", "--config"])
            .arg(self.path("windrose.toml"))
            .env_remove("RUST_LOG")
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let log = follow(child.stderr.take().unwrap());
        let start = Instant::now();
        loop {
            let text = log.lock().unwrap().clone();
            // the admin API is the last to be opened
            if text.contains("admin API at ") {
                let socket = self.path("state/admin.sock");
                return Ok(Server { child, log, socket, addresses: addresses(&text) });
            }
            if child.try_wait().unwrap().is_some() || start.elapsed() > Duration::from_secs(20) {
                let _ = child.kill();
                return Err(text);
            }
            thread::sleep(Duration::from_millis(2));
        }
    }
}

/// Gathers what a process writes.
fn follow(output: impl Read + Send + 'static) -> Arc<Mutex<String>> {
    let log = Arc::new(Mutex::new(String::new()));
    let gathered = Arc::clone(&log);
    thread::spawn(move || {
        let lines = BufReader::new(output).lines().map_while(Result::ok);
        lines.for_each(|line| *gathered.lock().unwrap() += &format!("{line}\n"));
    });
    log
}

/// The addresses of lines such as `listening on 127.0.0.1:5300 (UDP and TCP)`.
fn addresses(log: &str) -> Vec<SocketAddr> {
    let address = |line: &str| line.split_once(" listening on ")?.1.split(' ').next()?.parse().ok();
    log.lines().filter(|line| !line.contains("no longer")).filter_map(address).collect()
}

impl Server {
    pub(crate) fn log(&self) -> String {
        self.log.lock().unwrap().clone()
    }

    /// How often the log says something.
    pub(crate) fn says(&self, text: &str) -> usize {
        self.log().matches(text).count()
    }

    /// Waits until the log says something for the n-th time; panics after ten seconds.
    pub(crate) fn wait_for(&self, text: &str, times: usize) {
        let start = Instant::now();
        while self.says(text) < times {
            assert!(start.elapsed() < Duration::from_secs(10), "{times} × \"{text}\" is not in:\n{}", self.log());
            thread::sleep(Duration::from_millis(10));
        }
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Resident memory in KiB.
    pub(crate) fn resident(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.id())).unwrap();
        let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse().unwrap()
    }

    /// Sends a signal by name.
    pub(crate) fn signal(&self, name: &str) {
        let sent = Command::new("sh").args(["-c", &format!("kill -{name} {}", self.id())]).status().unwrap();
        assert!(sent.success());
    }

    /// Waits for its end; panics after ten seconds.
    pub(crate) fn wait(&mut self) -> ExitStatus {
        let start = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(start.elapsed() < Duration::from_secs(10), "it does not end:\n{}", self.log());
            thread::sleep(Duration::from_millis(2));
        }
    }

    /// A request over the admin socket: status code and body.
    pub(crate) fn admin(&self, method: &str, path: &str) -> (u16, String) {
        let stream = UnixStream::connect(&self.socket).unwrap();
        request(stream, method, path, "localhost")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// One HTTP request over a connection: status code and body.
pub(crate) fn request(mut stream: impl Read + Write, method: &str, path: &str, host: &str) -> (u16, String) {
    write!(stream, "{method} {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
        .unwrap();
    let mut response = String::new();
    stream.read_to_string(&mut response).unwrap();
    let (head, body) = response.split_once("\r\n\r\n").unwrap();
    (head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned())
}

/// Whether a file is there.
pub(crate) fn exists(path: &Path) -> bool {
    path.exists()
}
