//! Waiting times, counted in steps of a sixty-fourth of their size.

/// Steps within each power of two, as a power of two.
const FINE: u32 = 6;

/// How often each waiting time was seen.
pub(crate) struct Histogram {
    counts: Vec<u64>,
    total: u64,
}

impl Histogram {
    pub(crate) fn new() -> Self {
        Self { counts: vec![0; place(u64::MAX) + 1], total: 0 }
    }

    /// Counts a time in nanoseconds.
    pub(crate) fn add(&mut self, time: u64) {
        self.counts[place(time)] += 1;
        self.total += 1;
    }

    /// The time that this part of all is not above, in µs; 0 where nothing was counted.
    pub(crate) fn quantile(&self, part: f64) -> f64 {
        let wanted = (self.total as f64 * part).ceil() as u64;
        let mut seen = 0;
        let found = self.counts.iter().position(|count| {
            seen += count;
            seen >= wanted.max(1)
        });
        found.map_or(0.0, |at| start(at) as f64 / 1e3)
    }
}

fn place(time: u64) -> usize {
    let shift = (64 - FINE - 1).saturating_sub(time.leading_zeros());
    ((u64::from(shift) << FINE) + (time >> shift)) as usize
}

/// The least time of a place: the inverse of [`place`].
fn start(place: usize) -> u64 {
    let shift = (place as u64 >> FINE).saturating_sub(1);
    (place as u64 - (shift << FINE)) << shift
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_holds_times_within_a_sixty_fourth() {
        for time in [0, 1, 63, 64, 127, 128, 1_000, 123_456, 5_000_000_000, u64::MAX] {
            let least = start(place(time));
            assert!(least <= time && time - least <= time / 64, "{time} is put with {least}");
        }
    }

    #[test]
    fn quantiles_are_of_what_was_counted() {
        let mut histogram = Histogram::new();
        assert_eq!(histogram.quantile(0.5), 0.0);
        (1..=100).for_each(|time| histogram.add(time * 1_000));
        assert!((histogram.quantile(0.5) - 50.0).abs() < 1.0);
        assert!((histogram.quantile(0.99) - 99.0).abs() < 2.0);
    }
}
