//! What a run counts, and the line of JSON that it ends with.

use std::time::{Duration, Instant, UNIX_EPOCH};

use crate::answers;
use crate::cpu::Used;
use crate::histogram::Histogram;

/// What was counted. Times are nanoseconds since the start; what was sent outside of the measured time is not counted as
/// sent or lost, what came outside of it not as an answer.
pub(crate) struct Tally {
    pub(crate) start: Instant,
    /// The same by the clock of the system, since 1970.
    clock: Duration,
    from: u64,
    to: u64,
    sent: usize,
    lost: usize,
    answers: usize,
    octets: usize,
    /// Answers that were not what was asked for, over the whole run.
    wrong: usize,
    /// Datagrams that nothing waited for.
    pub(crate) unasked: usize,
    rcodes: [usize; 16],
    regions: Option<[bool; 256]>,
    waited: Histogram,
    /// The most queries that were due at once.
    pub(crate) late: usize,
}

impl Tally {
    pub(crate) fn new(regions: bool) -> Self {
        Self {
            start: Instant::now(),
            clock: UNIX_EPOCH.elapsed().unwrap_or_default(),
            from: u64::MAX,
            to: u64::MAX,
            sent: 0,
            lost: 0,
            answers: 0,
            octets: 0,
            wrong: 0,
            unasked: 0,
            rcodes: [0; 16],
            regions: regions.then_some([false; 256]),
            waited: Histogram::new(),
            late: 0,
        }
    }

    /// Nanoseconds since the start; never 0.
    pub(crate) fn now(&self) -> u64 {
        self.start.elapsed().as_nanos().max(1) as u64
    }

    /// The same of a time of the system's clock.
    pub(crate) fn time_of(&self, clock: Duration) -> u64 {
        clock.saturating_sub(self.clock).as_nanos().max(1) as u64
    }

    pub(crate) fn begin(&mut self) -> u64 {
        self.late = 0;
        self.from = self.now();
        self.from
    }

    pub(crate) fn end(&mut self) -> u64 {
        self.to = self.now();
        self.to
    }

    fn measured(&self, time: u64) -> bool {
        (self.from..self.to).contains(&time)
    }

    pub(crate) fn sent(&mut self, now: u64, many: usize) {
        self.sent += if self.measured(now) { many } else { 0 };
    }

    pub(crate) fn lose(&mut self, since: u64) {
        self.lost += usize::from(self.measured(since));
    }

    pub(crate) fn answered(&mut self, since: u64, now: u64, answer: &[u8], right: bool) {
        self.wrong += usize::from(!right);
        if let Some(regions) = &mut self.regions
            && let Some(region) = answers::region(answer)
        {
            regions[usize::from(region)] = true;
        }
        if self.measured(now) {
            self.answers += 1;
            self.octets += answer.len();
            self.rcodes[usize::from(answer.get(3).map_or(0, |flags| flags & 0x0f))] += 1;
            self.waited.add(now - since);
        }
    }

    pub(crate) fn json(&self, seconds: f64, used: &Used, own: &Used) -> String {
        let answers = self.answers.max(1) as f64;
        let total = used.run / 1e3 / answers;
        let regions = self.regions.map_or(0, |seen| seen.iter().filter(|&&seen| seen).count());
        let fields = [
            ("seconds", seconds),
            ("sent", self.sent as f64),
            ("answers", self.answers as f64),
            ("lost", self.lost as f64),
            ("wrong", self.wrong as f64),
            ("unasked", self.unasked as f64),
            ("noerror", self.rcodes[0] as f64),
            ("nxdomain", self.rcodes[3] as f64),
            ("regions", regions as f64),
            ("octets", self.octets as f64 / answers),
            ("total_us", total),
            ("user_us", total * used.user_part),
            ("server_busy", used.run / 1e9 / seconds),
            ("server_waited", used.waited / 1e9 / seconds),
            ("generator_waited", own.waited / 1e9 / seconds),
            ("generator_busy", own.run / 1e9 / seconds),
            ("late", self.late as f64),
            ("p50_us", self.waited.quantile(0.5)),
            ("p99_us", self.waited.quantile(0.99)),
            ("p999_us", self.waited.quantile(0.999)),
        ];
        let fields: Vec<_> = fields.iter().map(|(name, value)| format!("\"{name}\": {value:.4}")).collect();
        format!("{{{}}}", fields.join(", "))
    }
}
