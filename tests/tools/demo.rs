//! One demo for all tests, started when the first one needs it.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Arc, Mutex, OnceLock};
use std::thread;
use std::time::{Duration, Instant};

/// The demo, once it runs.
#[derive(Default)]
pub(crate) struct Demo(OnceLock<Running>);

struct Running {
    child: Mutex<Child>,
    stdin: Mutex<ChildStdin>,
    printed: Arc<Mutex<String>>,
}

impl Demo {
    fn running(&self) -> &Running {
        self.0.get_or_init(Running::start)
    }

    /// Everything it printed so far.
    pub(crate) fn printed(&self) -> String {
        self.running().printed.lock().unwrap().clone()
    }

    /// The `dig` lines it printed.
    pub(crate) fn dig_lines(&self) -> Vec<String> {
        self.printed().lines().map(str::trim).filter(|line| line.starts_with("dig ")).map(str::to_owned).collect()
    }

    /// The port it chose.
    pub(crate) fn port(&self) -> u16 {
        let line = self.dig_lines().into_iter().next().unwrap();
        line.split(" -p ").nth(1).and_then(|rest| rest.split(' ').next()).unwrap().parse().unwrap()
    }

    pub(crate) fn type_line(&self, line: &str) {
        writeln!(self.running().stdin.lock().unwrap(), "{line}").unwrap();
    }
}

impl Running {
    fn start() -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_windrose"))
            .args(["demo", "--listen", "127.0.0.1:0", "--for", "120s"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let printed = Arc::new(Mutex::new(String::new()));
        let (lines, behind) = (BufReader::new(child.stdout.take().unwrap()).lines(), Arc::clone(&printed));
        thread::spawn(move || {
            lines.map_while(Result::ok).for_each(|line| *behind.lock().unwrap() += &format!("{line}\n"));
        });
        let start = Instant::now();
        while !printed.lock().unwrap().contains("WHAT: a region") {
            assert!(start.elapsed() < Duration::from_secs(30), "the demo did not start:\n{}", printed.lock().unwrap());
            thread::sleep(Duration::from_millis(50));
        }
        let stdin = Mutex::new(child.stdin.take().unwrap());
        Self { child: Mutex::new(child), stdin, printed }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let mut child = self.child.lock().unwrap();
        let _ = child.kill();
        let _ = child.wait();
    }
}
