//! Latency of one target: smoothed, published with hysteresis, and how far it stands above its own floor.

use crate::base::{Millis, Mono};

/// Share of a new sample in the smoothed latency. Larger follows one odd probe, smaller needs minutes to see a change.
const SAMPLE_SHARE: f32 = 0.2;
/// The published latency moves when the smoothed one is off by more than this, and by more than [`MOVE_PART`] of it.
/// Smaller makes every probe a new plan.
const MOVE_MILLIS: f32 = 2.0;
/// See [`MOVE_MILLIS`].
const MOVE_PART: f32 = 0.125;
/// How fast the floor rises towards the smoothed latency: 63 % of the way in this many milliseconds (an hour). Shorter
/// hides a slowness that lasts, longer punishes a target for days after its route has changed.
const FLOOR_RISE: f32 = 3_600_000.0;
/// Steps of slowness, in milliseconds above the floor.
const LEVELS: [f32; 4] = [0.0, 10.0, 25.0, 50.0];
/// A step is left downwards only when the excess is below this part of it.
const LEAVE_PART: f32 = 0.6;
/// Consecutive probes that must agree before slowness moves.
const AGREE: i8 = 3;

/// Latency of one target, fed by its successful probes.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Latency {
    measured: Option<Measured>,
    /// Position in [`LEVELS`].
    level: usize,
    /// Consecutive probes that asked for more slowness (positive) or less (negative).
    leaning: i8,
}

/// What at least one sample made.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Measured {
    smoothed: f32,
    published: f32,
    floor: f32,
    at: Mono,
}

impl Latency {
    /// Starts from a smoothed latency and a floor measured earlier.
    #[must_use]
    pub fn resume(smoothed: Millis, floor: Millis, at: Mono) -> Self {
        let (smoothed, floor) = (smoothed.0, floor.0.min(smoothed.0));
        let mut latency =
            Self { measured: Some(Measured { smoothed, published: smoothed, floor, at }), ..Self::default() };
        latency.level = level_of(smoothed - floor);
        latency
    }

    /// Takes a sample; tells whether [`published`](Self::published) or [`slowness`](Self::slowness) changed.
    pub fn record(&mut self, sample: Millis, at: Mono) -> bool {
        let Some(measured) = &mut self.measured else {
            self.measured = Some(Measured { smoothed: sample.0, published: sample.0, floor: sample.0, at });
            return true;
        };
        let moved = measured.record(sample.0, at);
        let excess = measured.smoothed - measured.floor;
        self.lean(excess) || moved
    }

    /// The latency that plans use: holds still until the smoothed one has moved away.
    #[must_use]
    pub fn published(&self) -> Option<Millis> {
        self.measured.map(|measured| Millis(measured.published))
    }

    /// The moving average.
    #[must_use]
    pub fn smoothed(&self) -> Option<Millis> {
        self.measured.map(|measured| Millis(measured.smoothed))
    }

    /// The slowly rising minimum of the moving average.
    #[must_use]
    pub fn floor(&self) -> Option<Millis> {
        self.measured.map(|measured| Millis(measured.floor))
    }

    /// How far the moving average stands above the floor, in coarse steps.
    #[must_use]
    pub const fn slowness(&self) -> Millis {
        Millis(LEVELS[self.level])
    }

    /// Moves the level once enough probes in a row have asked for it.
    fn lean(&mut self, excess: f32) -> bool {
        let wanted = level_of(excess);
        let direction = if wanted > self.level {
            1
        } else if wanted < self.level && excess < LEAVE_PART * LEVELS[self.level] {
            -1
        } else {
            0
        };
        let agrees = direction != 0 && self.leaning.signum() == direction;
        self.leaning = if agrees { self.leaning + direction } else { direction };
        if self.leaning.abs() < AGREE {
            return false;
        }
        (self.level, self.leaning) = (wanted, 0);
        true
    }
}

impl Measured {
    /// Takes a sample; tells whether the published latency moved.
    fn record(&mut self, sample: f32, at: Mono) -> bool {
        let elapsed = at.since(self.at).as_secs_f32() * 1e3;
        self.at = at;
        self.smoothed += (sample - self.smoothed) * SAMPLE_SHARE;
        self.floor += (self.smoothed - self.floor).max(0.0) * (elapsed / FLOOR_RISE).min(1.0);
        self.floor = self.floor.min(self.smoothed);
        let moved = (self.smoothed - self.published).abs() > MOVE_MILLIS.max(MOVE_PART * self.smoothed);
        if moved {
            self.published = self.smoothed;
        }
        moved
    }
}

/// The highest level that an excess reaches.
fn level_of(excess: f32) -> usize {
    LEVELS.iter().rposition(|&level| excess >= level).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Feeds the same sample some times, five seconds apart; returns how often something changed.
    fn feed(latency: &mut Latency, clock: &mut u64, sample: f32, times: usize) -> usize {
        (0..times)
            .filter(|_| {
                *clock += 5000;
                latency.record(Millis(sample), Mono(*clock))
            })
            .count()
    }

    #[test]
    fn small_noise_publishes_once() {
        let (mut latency, mut clock) = (Latency::default(), 0);
        let changes: usize = (0..500).map(|n| feed(&mut latency, &mut clock, 20.0 + (n % 5) as f32 * 0.8, 1)).sum();
        assert_eq!(changes, 1);
        assert_eq!(latency.published(), Some(Millis(20.0)));
        assert_eq!(latency.slowness(), Millis(0.0));
    }

    #[test]
    fn published_follows_a_real_change() {
        let (mut latency, mut clock) = (Latency::default(), 0);
        feed(&mut latency, &mut clock, 20.0, 10);
        assert!(feed(&mut latency, &mut clock, 100.0, 60) < 20);
        let published = latency.published().expect("measured").0;
        assert!((87.0..=100.0).contains(&published), "{published}");
    }

    #[test]
    fn one_odd_probe_is_no_slowness() {
        let (mut latency, mut clock) = (Latency::default(), 0);
        feed(&mut latency, &mut clock, 20.0, 10);
        feed(&mut latency, &mut clock, 90.0, 1);
        feed(&mut latency, &mut clock, 20.0, 10);
        assert_eq!(latency.slowness(), Millis(0.0));
    }

    #[test]
    fn slowness_rises_in_steps_and_falls_with_hysteresis() {
        let (mut latency, mut clock) = (Latency::default(), 0);
        feed(&mut latency, &mut clock, 20.0, 10);
        feed(&mut latency, &mut clock, 48.0, 40);
        assert_eq!(latency.slowness(), Millis(25.0));
        feed(&mut latency, &mut clock, 39.0, 40);
        assert_eq!(latency.slowness(), Millis(25.0), "18 above the floor is not below 60 % of 25");
        feed(&mut latency, &mut clock, 32.0, 40);
        assert_eq!(latency.slowness(), Millis(10.0));
        feed(&mut latency, &mut clock, 21.0, 40);
        assert_eq!(latency.slowness(), Millis(0.0));
    }

    #[test]
    fn the_floor_forgets_in_hours() {
        let (mut latency, mut clock) = (Latency::default(), 0);
        feed(&mut latency, &mut clock, 20.0, 10);
        feed(&mut latency, &mut clock, 90.0, 60);
        assert_eq!(latency.slowness(), Millis(50.0));
        feed(&mut latency, &mut clock, 90.0, 6 * 720);
        assert_eq!(latency.slowness(), Millis(0.0));
    }

    #[test]
    fn resumes_where_it_was() {
        let latency = Latency::resume(Millis(60.0), Millis(30.0), Mono(5));
        assert_eq!((latency.published(), latency.slowness()), (Some(Millis(60.0)), Millis(25.0)));
    }
}
