//! The CPU time of the server's processes, from /proc.

use std::fs;
use std::path::PathBuf;

/// CPU time up to some moment.
#[derive(Default)]
pub(crate) struct Cpu {
    /// Of threads that live.
    threads: Vec<Thread>,
    /// Of threads that live and that ended, in ticks of the clock.
    user: f64,
    system: f64,
}

/// The first two fields of a thread's schedstat, in nanoseconds.
struct Thread {
    path: PathBuf,
    /// On a CPU.
    run: f64,
    /// Could have run, but something else had the CPU.
    waited: f64,
}

/// What was used from one moment to another.
pub(crate) struct Used {
    /// Nanoseconds on a CPU, all threads together.
    pub(crate) run: f64,
    /// The part of it that was the program's own. The ticks say only how the time divides, not how much it was.
    pub(crate) user_part: f64,
    /// Nanoseconds that the busiest thread was kept off its CPU. The others may have waited for that one.
    pub(crate) waited: f64,
}

impl Cpu {
    /// The sum over these processes; what is gone counts nothing.
    pub(crate) fn of(pids: &[u32]) -> Self {
        pids.iter().fold(Self::default(), |mut sum, &pid| {
            sum.threads.extend(threads(pid));
            let stat = fs::read_to_string(format!("/proc/{pid}/stat"));
            let (user, system) = stat.map_or((0.0, 0.0), |text| ticks(&text));
            Self { threads: sum.threads, user: sum.user + user, system: sum.system + system }
        })
    }

    /// From an earlier moment to this.
    pub(crate) fn since(&self, before: &Self) -> Used {
        let (user, system) = (self.user - before.user, self.system - before.system);
        let of = |thread: &Thread| {
            let before = before.threads.iter().find(|other| other.path == thread.path);
            before.map_or((thread.run, thread.waited), |other| (thread.run - other.run, thread.waited - other.waited))
        };
        let each = || self.threads.iter().map(of);
        Used {
            run: each().map(|(run, _)| run).sum(),
            user_part: if user + system > 0.0 { user / (user + system) } else { 0.0 },
            waited: each().max_by(|one, other| one.0.total_cmp(&other.0)).map_or(0.0, |(_, waited)| waited),
        }
    }
}

fn threads(pid: u32) -> Vec<Thread> {
    let Ok(folders) = fs::read_dir(format!("/proc/{pid}/task")) else { return Vec::new() };
    let thread = |path: PathBuf| {
        let text = fs::read_to_string(path.join("schedstat")).ok()?;
        let mut fields = text.split_whitespace().map(|field| field.parse().unwrap_or(0.0));
        Some(Thread { path, run: fields.next()?, waited: fields.next()? })
    };
    folders.filter_map(|folder| thread(folder.ok()?.path())).collect()
}

/// utime and stime: the 14th and 15th field, the 12th and 13th after the name, which may hold spaces (proc_pid_stat(5)).
fn ticks(stat: &str) -> (f64, f64) {
    let Some((_, rest)) = stat.rsplit_once(") ") else { return (0.0, 0.0) };
    let mut fields = rest.split_whitespace().skip(11).map(|field| field.parse().unwrap_or(0.0));
    (fields.next().unwrap_or(0.0), fields.next().unwrap_or(0.0))
}

#[test]
fn a_name_with_spaces_does_not_shift_the_fields() {
    let stat = "42 (a b) c) S 1 42 42 0 -1 4194560 100 0 0 0 250 31 0 0 20 0 7 0 12345 0 0";
    assert_eq!(ticks(stat), (250.0, 31.0));
}

#[test]
fn what_is_used_is_what_came_since() {
    let thread = |name: &str, run, waited| Thread { path: name.into(), run, waited };
    let before = Cpu { threads: vec![thread("a", 5.0, 1.0), thread("b", 2.0, 90.0)], user: 10.0, system: 10.0 };
    let after = Cpu {
        threads: vec![thread("b", 3.0, 99.0), thread("a", 9.0, 2.0), thread("c", 1.0, 7.0)],
        user: 11.0,
        system: 13.0,
    };
    let used = after.since(&before);
    assert_eq!((used.run, used.user_part, used.waited), (6.0, 0.25, 1.0));
}
