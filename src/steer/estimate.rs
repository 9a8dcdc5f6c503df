//! How far a region is from a client, in milliseconds: distance, bias, and the steps that keep catchments few.

use std::sync::{Arc, LazyLock, OnceLock};

use crate::base::Millis;
use crate::geo::{Coords, Direction};

/// Round trip that distance alone does not explain: access network, last hops, a handshake's worth of queueing.
const BASE_MS: f64 = 11.0;

/// Milliseconds a kilometre of great circle, cable detours included.
const MS_PER_KM: f64 = 15.0 / 1000.0;

/// Estimated round trip over a distance, before bias.
#[must_use]
pub fn by_distance(km: f64) -> f64 {
    BASE_MS + MS_PER_KM * km
}

/// An estimate with a region's bias: b ≥ 0 multiplies by (1 − b/100), b < 0 divides by (1 + b/100).
#[must_use]
pub fn biased(ms: f64, bias: i8) -> f64 {
    let fraction = f64::from(bias) / 100.0;
    if bias >= 0 { ms * (1.0 - fraction) } else { ms / (1.0 + fraction) }
}

/// An estimate to one place of several, with what it was made of.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Measured {
    /// The place that the distance is taken from; none for the client's own.
    pub seen_from: Option<usize>,
    /// Great-circle distance.
    pub km: f64,
    /// By distance and bias.
    pub ms: f64,
    /// What counts: no less than that of a nearer place.
    pub step: Step,
}

/// How many pools' distances tell catchments apart. More would split catchments by differences that only show when four
/// pools are down at once; fewer would send the clients of two failed regions to one place.
const DISTINGUISHED: usize = 4;

/// The places of a tier's pools with their biases, made ready for estimates from very many points.
#[derive(Debug)]
pub struct Places {
    places: Box<[Place]>,
    /// The step to each place as seen from each that is nearest to somebody.
    seen: Box<[OnceLock<Box<[Step]>>]>,
}

#[derive(Clone, Copy, Debug)]
struct Place {
    coords: Coords,
    direction: Direction,
    bias: i8,
}

impl PartialEq for Places {
    fn eq(&self, other: &Self) -> bool {
        let key = |place: &Place| (place.coords, place.bias);
        self.places.iter().map(key).eq(other.places.iter().map(key))
    }
}

impl Eq for Places {}

impl Place {
    fn estimate(&self, from: Direction) -> (f64, f64) {
        let km = from.distance_km(self.direction);
        (km, biased(by_distance(km), self.bias))
    }
}

impl Places {
    /// These places.
    #[must_use]
    pub fn new(places: &[(Coords, i8)]) -> Self {
        let place = |&(coords, bias): &(Coords, i8)| Place { coords, direction: coords.direction(), bias };
        Self { places: places.iter().map(place).collect(), seen: places.iter().map(|_| OnceLock::new()).collect() }
    }

    /// The steps to all places as seen from one.
    fn seen(&self, from: u32) -> &[Step] {
        let from = from as usize;
        let step = |to: &Place| Step::of(to.estimate(self.places[from].direction).1);
        self.seen[from].get_or_init(|| self.places.iter().map(step).collect())
    }

    /// The nearest places by estimate, nearest first; of equals the first. At most as many as are distinguished.
    fn nearest(&self, from: Direction) -> impl Iterator<Item = (usize, f64)> + Clone {
        let mut nearest = [(usize::MAX, f64::INFINITY); DISTINGUISHED];
        for (at, place) in self.places.iter().enumerate() {
            let farthest = nearest[DISTINGUISHED - 1].1;
            let at_least = biased(by_distance(from.chord_km(place.direction) - 1.0), place.bias);
            if at_least >= farthest {
                continue; // spares the arc sine of most
            }
            let (_, ms) = place.estimate(from);
            let rank = nearest.partition_point(|&(_, other)| other <= ms);
            if rank < DISTINGUISHED {
                nearest[rank..].rotate_right(1);
                nearest[rank] = (at, ms);
            }
        }
        nearest.into_iter().filter(|&(at, _)| at != usize::MAX)
    }

    /// What the estimates from a point are made of: the nearest four as they are, the rest as seen from the nearest
    /// place, so that they do not tell clients apart.
    #[must_use]
    pub fn measure(self: &Arc<Self>, from: Coords) -> Vec<Measured> {
        let estimates = self.estimates(from);
        let (from, near) = (from.direction(), self.nearest(from.direction()));
        let first = near.clone().next();
        let measured = |at: usize| {
            let seen_from = if near.clone().any(|(near, _)| near == at) { None } else { first.map(|(first, _)| first) };
            let (km, ms) = self.places[at].estimate(seen_from.map_or(from, |place| self.places[place].direction));
            Measured { seen_from, km, ms, step: estimates.step(at) }
        };
        (0..self.places.len()).map(measured).collect()
    }

    /// The estimates from a point.
    #[must_use]
    pub fn estimates(self: &Arc<Self>, from: Coords) -> Estimates {
        let near = self.nearest(from.direction());
        let mut estimates =
            Estimates { places: Arc::clone(self), near: [UNUSED; DISTINGUISHED], row: 0, least: Step(0) };
        for (slot, (at, ms)) in estimates.near.iter_mut().zip(near.clone()) {
            *slot = (u32::try_from(at).expect("fewer than 2^32 pools"), Step::of(ms));
        }
        if self.places.len() > DISTINGUISHED {
            estimates.row = estimates.near[0].0;
            estimates.least = estimates.near.iter().map(|&(_, step)| step).max().unwrap_or(Step(0));
            // what the rest of the row says too need not be told apart
            let (row, least) = (self.seen(estimates.row), estimates.least);
            for slot in &mut estimates.near {
                if slot.1 == row[slot.0 as usize].max(least) {
                    *slot = UNUSED;
                }
            }
        }
        estimates.near.sort_unstable();
        estimates
    }
}

/// The steps from a client to each pool of a tier.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Estimates {
    /// The nearest pools, in the order written.
    near: [(u32, Step); DISTINGUISHED],
    /// The nearest place: from it the rest are seen.
    row: u32,
    /// No step of the rest is below that of a nearer one.
    least: Step,
    places: Arc<Places>,
}

const UNUSED: (u32, Step) = (u32::MAX, Step(u16::MAX));

impl std::hash::Hash for Estimates {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        (self.near, self.row, self.least).hash(state); // those of one tier have the same places
    }
}

impl Estimates {
    /// The step to a pool, by its position in the tier.
    #[must_use]
    pub fn step(&self, at: usize) -> Step {
        let near = self.near.iter().find(|&&(near, _)| near as usize == at);
        near.map_or_else(|| self.places.seen(self.row)[at].max(self.least), |&(_, step)| step)
    }
}

/// A quantised estimate. Clients whose estimates fall into the same steps are one catchment.
///
/// Wider steps would make fewer catchments and wider ECS scopes but put the border between two regions in the wrong
/// place; 1/8 octave is 9 %, less than what distance says about milliseconds anyway.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Step(u16);

/// Steps below this estimate are `FINEST` wide; above it, an eighth of an octave, which is more.
const KNEE_MS: f64 = 22.0;
const FINEST_MS: f64 = 2.0;
const LINEAR_STEPS: f64 = KNEE_MS / FINEST_MS;

impl Step {
    /// The step an estimate falls into.
    #[must_use]
    pub fn of(ms: f64) -> Self {
        let step = if ms < KNEE_MS { ms / FINEST_MS } else { LINEAR_STEPS + 8.0 * (ms / KNEE_MS).log2() };
        Self(step as u16) // saturates, and is 0 for what is not a number
    }

    /// The estimate that stands for the whole step: its middle.
    #[must_use]
    pub fn millis(self) -> Millis {
        // plans ask for very many
        static FIRST: LazyLock<[Millis; 128]> =
            LazyLock::new(|| std::array::from_fn(|step| Step(step as u16).middle()));
        FIRST.get(usize::from(self.0)).copied().unwrap_or_else(|| self.middle())
    }

    fn middle(self) -> Millis {
        let middle = f64::from(self.0) + 0.5;
        let ms =
            if middle < LINEAR_STEPS { middle * FINEST_MS } else { KNEE_MS * ((middle - LINEAR_STEPS) / 8.0).exp2() };
        Millis(ms as f32)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_blueprints_numbers() {
        let frankfurt = Coords::new(50.11, 8.68).expect("a point");
        let singapore = Coords::new(1.35, 103.82).expect("a point");
        assert_eq!(by_distance(0.0), 11.0);
        let ms = by_distance(frankfurt.distance_km(singapore)); // about 10,300 km
        assert!((164.0..167.0).contains(&ms), "{ms}");
        assert_eq!(biased(100.0, 10), 90.0);
        assert_eq!(biased(100.0, -50), 200.0);
        assert_eq!(biased(100.0, 0), 100.0);
    }

    proptest! {
        #[test]
        fn a_step_stands_for_what_falls_into_it(ms in 0.0f64..2000.0) {
            let step = Step::of(ms);
            let middle = f64::from(step.millis().0);
            prop_assert!((middle - ms).abs() <= (ms * 0.05).max(1.01), "{} became {}", ms, middle);
            prop_assert_eq!(Step::of(middle), step);
        }

        #[test]
        fn steps_keep_order(a in 0.0f64..2000.0, b in 0.0f64..2000.0) {
            if a <= b {
                prop_assert!(Step::of(a) <= Step::of(b));
            }
        }
    }
}
