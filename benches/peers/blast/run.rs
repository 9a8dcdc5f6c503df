//! A run: warm up, measure, wait for what is still on its way, sum up.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use crate::batch::{BATCH, Batch, sleep_until_readable, wake_on_time};
use crate::cpu::Cpu;
use crate::lane::Lane;
use crate::queries::Queries;
use crate::tally::Tally;

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

/// A query without an answer for this long is lost.
const PATIENCE: u64 = 200_000_000;
/// With a rate: the time from one batch to the next. At 50,000 queries a second five go out together.
const BEAT: Duration = Duration::from_micros(100);

/// Runs, and returns the line of JSON.
pub(crate) fn run(plan: &Plan, queries: &Queries) -> io::Result<String> {
    wake_on_time();
    let mut lanes =
        (0..plan.lanes.max(1)).map(|_| Lane::new(plan.to, plan.rate > 0.0)).collect::<io::Result<Vec<_>>>()?;
    let mut tally = Tally::new(plan.regions);
    let mut driver = Driver { plan, queries, batch: Batch::new(false), asked: 0, turn: 0 };
    driver.drive(&mut lanes, &mut tally, plan.warm)?;
    let (begin, before) = (tally.begin(), Cpu::of(&plan.pids));
    let own = Cpu::of(&[std::process::id()]);
    driver.drive(&mut lanes, &mut tally, plan.warm + plan.measured)?;
    let (time, used) = (tally.end() - begin, Cpu::of(&plan.pids).since(&before));
    let own = Cpu::of(&[std::process::id()]).since(&own);
    driver.drain(&mut lanes, &mut tally)?;
    Ok(tally.json(time as f64 / 1e9, &used, &own))
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
            lane.give_up(tally.now().saturating_sub(PATIENCE), tally);
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
        lanes[self.turn].give_up(tally.now().saturating_sub(PATIENCE), tally);
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
        lanes.iter_mut().for_each(|lane| lane.give_up(u64::MAX, tally));
        Ok(())
    }
}
