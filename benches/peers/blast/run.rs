//! A run: warm up, measure, wait for what is still on its way, sum up.

use std::io;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use crate::answers;
use crate::batch::{BATCH, Batch, sleep_until_readable, ticks_a_second, wake_on_time};
use crate::cpu::Cpu;
use crate::histogram::Histogram;
use crate::lane::Lane;
use crate::queries::Queries;

/// What to do.
pub(crate) struct Plan {
    pub(crate) to: SocketAddr,
    pub(crate) warm: Duration,
    pub(crate) measured: Duration,
    /// Sockets.
    pub(crate) lanes: usize,
    /// Queries on their way at a time and socket, where there is no rate.
    pub(crate) window: usize,
    /// Queries a second over all sockets; 0: as fast as answers come.
    pub(crate) rate: f64,
    /// Look for regions in the answers.
    pub(crate) regions: bool,
    /// The server's processes.
    pub(crate) pids: Vec<u32>,
}

/// Without any answer for this long, a socket's queries are lost and it begins anew.
const PATIENCE: u64 = 200_000_000;
/// With a rate: the time from one batch to the next. At 50,000 queries a second five go out together.
const BEAT: Duration = Duration::from_micros(100);

/// Runs, and returns the line of JSON.
pub(crate) fn run(plan: &Plan, queries: &Queries) -> io::Result<String> {
    wake_on_time();
    let mut lanes = (0..plan.lanes.max(1)).map(|_| Lane::new(plan.to)).collect::<io::Result<Vec<_>>>()?;
    let mut tally = Tally::new(plan);
    let mut driver = Driver { plan, queries, batch: Batch::new(false), asked: 0, turn: 0 };
    driver.drive(&mut lanes, &mut tally, plan.warm)?;
    let (begin, before) = (tally.begin(), Cpu::of(&plan.pids));
    let own = Cpu::of(&[std::process::id()]);
    driver.drive(&mut lanes, &mut tally, plan.warm + plan.measured)?;
    let (time, used) = (tally.end() - begin, Cpu::of(&plan.pids) - before);
    let own = Cpu::of(&[std::process::id()]) - own;
    driver.drain(&mut lanes, &mut tally)?;
    Ok(tally.json(time as f64 / 1e9, used, own))
}

struct Driver<'p> {
    plan: &'p Plan,
    queries: &'p Queries,
    batch: Batch,
    /// Queries sent since the start.
    asked: usize,
    /// The lane that sends next, where there is a rate.
    turn: usize,
}

impl Driver<'_> {
    /// Sends and receives until so long after the start.
    fn drive(&mut self, lanes: &mut [Lane], tally: &mut Tally, until: Duration) -> io::Result<()> {
        while tally.start.elapsed() < until {
            let came = self.receive(lanes, tally)?;
            let went = if self.plan.rate > 0.0 { self.send_due(lanes, tally)? } else { self.fill(lanes, tally)? };
            if came + went == 0 && self.plan.rate > 0.0 {
                sleep_until_readable(lanes.iter().map(|lane| &lane.socket), BEAT);
            }
        }
        Ok(())
    }

    fn receive(&mut self, lanes: &mut [Lane], tally: &mut Tally) -> io::Result<usize> {
        let mut came = 0;
        for lane in lanes.iter_mut().filter(|lane| lane.open > 0) {
            came += lane.receive(&mut self.batch, self.queries, tally)?;
        }
        Ok(came)
    }

    /// Fills every window that a quarter of has come back of; smaller batches would cost the server more than it is asked.
    fn fill(&mut self, lanes: &mut [Lane], tally: &mut Tally) -> io::Result<usize> {
        let (before, window) = (self.asked, self.plan.window);
        for lane in lanes {
            if lane.open > 0 && tally.now().saturating_sub(lane.moved) > PATIENCE {
                lane.give_up(tally);
            }
            if lane.open + (window / 4).clamp(1, BATCH) <= window {
                let room = window - lane.open;
                self.asked += lane.send(&mut self.batch, self.queries, self.asked, room, tally)?;
            }
        }
        Ok(self.asked - before)
    }

    /// Sends what the clock says is due, from one lane after the other.
    fn send_due(&mut self, lanes: &mut [Lane], tally: &mut Tally) -> io::Result<usize> {
        let beats = tally.start.elapsed().as_nanos() / BEAT.as_nanos();
        let due = (beats as f64 * BEAT.as_secs_f64() * self.plan.rate) as usize;
        let many = due.saturating_sub(self.asked);
        if many == 0 {
            return Ok(0);
        }
        tally.late = tally.late.max(many);
        self.turn = (self.turn + 1) % lanes.len();
        let sent = lanes[self.turn].send(&mut self.batch, self.queries, self.asked, many, tally)?;
        self.asked += sent;
        Ok(sent)
    }

    /// Waits for what is still on its way; what does not come is lost.
    fn drain(&mut self, lanes: &mut [Lane], tally: &mut Tally) -> io::Result<()> {
        let end = tally.now() + PATIENCE;
        while lanes.iter().any(|lane| lane.open > 0) && tally.now() < end {
            if self.receive(lanes, tally)? == 0 {
                sleep_until_readable(lanes.iter().map(|lane| &lane.socket), BEAT);
            }
        }
        lanes.iter_mut().for_each(|lane| lane.give_up(tally));
        Ok(())
    }
}

/// What was counted. Times are nanoseconds since the start; what was sent outside of the measured time is not counted as
/// sent or lost, what came outside of it not as an answer.
pub(crate) struct Tally {
    start: Instant,
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
    late: usize,
}

impl Tally {
    fn new(plan: &Plan) -> Self {
        Self {
            start: Instant::now(),
            from: u64::MAX,
            to: u64::MAX,
            sent: 0,
            lost: 0,
            answers: 0,
            octets: 0,
            wrong: 0,
            unasked: 0,
            rcodes: [0; 16],
            regions: plan.regions.then_some([false; 256]),
            waited: Histogram::new(),
            late: 0,
        }
    }

    /// Nanoseconds since the start; never 0.
    pub(crate) fn now(&self) -> u64 {
        self.start.elapsed().as_nanos().max(1) as u64
    }

    fn begin(&mut self) -> u64 {
        self.late = 0;
        self.from = self.now();
        self.from
    }

    fn end(&mut self) -> u64 {
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

    fn json(&self, seconds: f64, used: Cpu, own: Cpu) -> String {
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
            ("user_us", total * used.user_part()),
            ("server_busy", used.run / 1e9 / seconds),
            ("generator_busy", own.run / 1e9 / seconds),
            ("user_ticks", used.user / ticks_a_second()),
            ("late", self.late as f64),
            ("p50_us", self.waited.quantile(0.5)),
            ("p99_us", self.waited.quantile(0.99)),
            ("p999_us", self.waited.quantile(0.999)),
        ];
        let fields: Vec<_> = fields.iter().map(|(name, value)| format!("\"{name}\": {value:.4}")).collect();
        format!("{{{}}}", fields.join(", "))
    }
}
