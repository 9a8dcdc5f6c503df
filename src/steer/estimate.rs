//! How far a region is from a client, in milliseconds: distance, bias, and the steps that keep catchments few.

use crate::base::Millis;
use crate::geo::Coords;

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

/// The estimates from a point to each place with its bias: the nearest four as they are, the rest as seen from the nearest
/// place, so that they do not tell clients apart.
#[must_use]
pub fn measure(from: Coords, places: &[(Coords, i8)]) -> Vec<Measured> {
    let estimate = |seen_from: Option<usize>, at: usize| {
        let (to, bias) = places[at];
        let km = seen_from.map_or(from, |place| places[place].0).distance_km(to);
        let ms = biased(by_distance(km), bias);
        Measured { seen_from, km, ms, step: Step::of(ms) }
    };
    let mut all: Vec<Measured> = (0..places.len()).map(|at| estimate(None, at)).collect();
    let mut order: Vec<usize> = (0..places.len()).collect();
    order.sort_by(|&a, &b| all[a].ms.total_cmp(&all[b].ms));
    let farthest = order.iter().take(DISTINGUISHED).map(|&at| all[at].step).max();
    for &at in order.iter().skip(DISTINGUISHED) {
        all[at] = estimate(Some(order[0]), at);
        all[at].step = all[at].step.max(farthest.unwrap_or(all[at].step));
    }
    all
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
