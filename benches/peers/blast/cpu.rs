//! The CPU time of the server's processes, from /proc.

use std::fs;
use std::ops::Sub;

/// CPU time up to some moment.
#[derive(Clone, Copy, Default)]
pub(crate) struct Cpu {
    /// Nanoseconds on a CPU of the threads that live, from the scheduler.
    pub(crate) run: f64,
    /// Nanoseconds that they could have run but something else had the CPU.
    pub(crate) waited: f64,
    /// Of threads that live and that ended, in ticks of the clock.
    pub(crate) user: f64,
    pub(crate) system: f64,
}

impl Cpu {
    /// The sum over these processes; what is gone counts nothing.
    pub(crate) fn of(pids: &[u32]) -> Self {
        pids.iter().fold(Self::default(), |sum, &pid| {
            let (user, system) =
                fs::read_to_string(format!("/proc/{pid}/stat")).map_or((0.0, 0.0), |text| ticks(&text));
            let (run, waited) = scheduled(pid);
            Self { run: sum.run + run, waited: sum.waited + waited, user: sum.user + user, system: sum.system + system }
        })
    }

    /// The part of the time that was the program's own. The ticks say only how the time divides, not how much it was.
    pub(crate) fn user_part(&self) -> f64 {
        let both = self.user + self.system;
        if both > 0.0 { self.user / both } else { 0.0 }
    }
}

impl Sub for Cpu {
    type Output = Self;

    fn sub(self, before: Self) -> Self {
        Self {
            run: self.run - before.run,
            waited: self.waited - before.waited,
            user: self.user - before.user,
            system: self.system - before.system,
        }
    }
}

/// Nanoseconds on a CPU, and waiting for one, of a process's threads: the first two fields of schedstat.
fn scheduled(pid: u32) -> (f64, f64) {
    let Ok(threads) = fs::read_dir(format!("/proc/{pid}/task")) else { return (0.0, 0.0) };
    let of = |path: std::path::PathBuf| fs::read_to_string(path.join("schedstat")).ok();
    let texts = threads.filter_map(|thread| of(thread.ok()?.path()));
    texts.fold((0.0, 0.0), |(run, waited), text| {
        let mut fields = text.split_whitespace().map(|field| field.parse().unwrap_or(0.0));
        (run + fields.next().unwrap_or(0.0), waited + fields.next().unwrap_or(0.0))
    })
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
