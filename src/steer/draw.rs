//! Answers of one pool and family: which sets of endpoints there are, and how one is drawn (§5.5).

use std::hash::{BuildHasher, Hasher};

use foldhash::fast::FixedState;

use crate::base::{Fetch, Millis};
use crate::health::Board;
use crate::wire::{Class, Rtype};

use super::model::{AnswerFamily, Endpoint, Pool, Spread};

/// Picks one of several things by share, with one multiplication and one comparison: an alias table (Walker 1977; Vose
/// 1991). Each cell of equal width is shared by the thing of its number and at most one other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Shares(Box<[Cell]>);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Cell {
    /// The part of the cell, in 2^32nds, that is its own thing's.
    own: u32,
    /// Whose the rest is.
    other: u32,
}

impl Shares {
    /// Fetches the first of them.
    pub(super) fn fetch(&self, memory: &impl Fetch) {
        if let Some(first) = self.0.first() {
            memory.fetch(first);
        }
    }

    /// Shares in proportion to weights, of which at least one is above zero.
    #[must_use]
    pub(super) fn new(weights: &[f64]) -> Self {
        let total: f64 = weights.iter().sum();
        let whole = |at| Cell { own: 0, other: at };
        let mut cells: Vec<Cell> = (0..).take(weights.len()).map(whole).collect();
        let mut left: Vec<f64> = weights.iter().map(|weight| weight / total * weights.len() as f64).collect();
        let (mut small, mut large): (Vec<usize>, Vec<usize>) = (0..left.len()).partition(|&at| left[at] < 1.0);
        while let (Some(&less), Some(&more)) = (small.last(), large.last()) {
            small.pop();
            cells[less] = Cell { own: (left[less] * 4_294_967_296.0).round() as u32, other: cells[more].other };
            left[more] -= 1.0 - left[less];
            if left[more] < 1.0 {
                large.pop();
                small.push(more);
            }
        }
        // of what is left over each is a whole cell, but for rounding; a thing without weight is never among it
        for at in small.into_iter().filter(|&at| weights[at] <= 0.0) {
            let heaviest = (0..weights.len()).max_by(|&a, &b| weights[a].total_cmp(&weights[b])).unwrap_or(at);
            cells[at] = Cell { own: 0, other: cells[heaviest].other };
        }
        Self(cells.into())
    }

    /// The chance of each position, exactly as draws fall.
    pub(super) fn chances(&self) -> impl Iterator<Item = f64> {
        let cells = self.0.len() as u64;
        // the first draw that falls on or behind a point of the cells
        let draw = |cell: usize, part: u32| (((cell as u64) << 32) + u64::from(part)).div_ceil(cells);
        let mut draws = vec![0; self.0.len()];
        for (at, cell) in self.0.iter().enumerate() {
            let own = draw(at, cell.own) - draw(at, 0);
            draws[at] += own;
            draws[cell.other as usize] += draw(at + 1, 0) - draw(at, 0) - own;
        }
        draws.into_iter().map(|draws| draws as f64 / (1u64 << 32) as f64)
    }

    /// The position that a uniform draw falls on.
    #[must_use]
    pub(super) fn pick(&self, draw: u32) -> usize {
        if self.0.len() == 1 {
            return 0;
        }
        let point = u64::from(draw) * self.0.len() as u64;
        let at = (point >> 32) as usize;
        let cell = self.0[at];
        if (point as u32) < cell.own { at } else { cell.other as usize }
    }
}

/// What a pool answers in one family: endpoints with shares, and the sets that may be drawn.
#[derive(Clone, Debug, PartialEq)]
pub struct PoolAnswers {
    /// Endpoints by position in the pool, with their shares.
    pub endpoints: Vec<(usize, f64)>,
    /// RDATA of each of those endpoints, in the same order.
    pub rdata: Vec<Vec<u8>>,
    /// Hash of each endpoint's name, for rendezvous.
    keys: Vec<u64>,
    /// The sets, as positions in `endpoints`, in order of name.
    pub sets: Vec<Vec<usize>>,
    /// The same sets as records.
    variants: Variants,
    shares: Shares,
    /// How many endpoints an answer holds.
    count: usize,
}

/// The records of each set, one behind the other, so that a draw finds them with few places in memory.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Variants {
    octets: Box<[u8]>,
    /// Where each set's records end.
    ends: Box<[u32]>,
    /// How many records each set has.
    count: u16,
}

impl Variants {
    /// Sets that are equally large, at least one, each with at least one record.
    fn new(rtype: Rtype, sets: &[Vec<usize>], rdata: &[Vec<u8>]) -> Self {
        let (mut octets, mut ends) = (Vec::new(), Vec::with_capacity(sets.len()));
        for set in sets {
            set.iter().for_each(|&at| put_record(&mut octets, rtype, &rdata[at]));
            ends.push(u32::try_from(octets.len()).expect("a pool's names and addresses take less than 4 GiB"));
        }
        let count = u16::try_from(sets[0].len()).expect("at most 255 answers");
        Self { octets: octets.into(), ends: ends.into(), count }
    }

    fn get(&self, at: usize) -> Variant<'_> {
        let start = if at == 0 { 0 } else { self.ends[at - 1] };
        Variant { octets: &self.octets[start as usize..self.ends[at] as usize], count: self.count }
    }
}

fn put_record(octets: &mut Vec<u8>, rtype: Rtype, rdata: &[u8]) {
    let len = u16::try_from(rdata.len()).expect("an address, or a name of at most 255 octets");
    octets.extend_from_slice(&QUESTION);
    octets.extend_from_slice(&rtype.0.to_be_bytes());
    octets.extend_from_slice(&Class::IN.0.to_be_bytes());
    octets.extend_from_slice(&[0; 4]);
    octets.extend_from_slice(&len.to_be_bytes());
    octets.extend_from_slice(rdata);
}

/// The answer section of a set, ready but for its TTL: owners are pointers to the question's name, TTLs are zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Variant<'a> {
    octets: &'a [u8],
    count: u16,
}

impl<'a> Variant<'a> {
    /// The records.
    #[must_use]
    pub const fn octets(self) -> &'a [u8] {
        self.octets
    }

    /// How many records there are; at least one.
    #[must_use]
    pub const fn count(self) -> u16 {
        self.count
    }

    /// The octets of one record: all are equally long.
    #[must_use]
    pub fn stride(self) -> usize {
        self.octets.len() / usize::from(self.count)
    }
}

/// A compression pointer to the name of the question (RFC 1035 §4.1.4), which stands behind the header.
const QUESTION: [u8; 2] = [0xc0, 12];

/// The sets of a pool are written out up to this many; beyond it, windows of neighbours stand in, so that a large pool
/// does not need a variant for every combination.
const MAX_SETS: usize = 64;

impl PoolAnswers {
    /// The answers of a pool's usable endpoints, of which there is at least one.
    #[must_use]
    ///
    /// `any` are the endpoints that are usable in any family: latencies are compared over all of them, so that an
    /// endpoint's weight is the same in every family and `sticky` gives A and AAAA of one endpoint (§5.6).
    pub fn new(
        pool: &Pool,
        usable: &[usize],
        any: &[usize],
        family: AnswerFamily,
        options: &Options,
        board: &Board,
    ) -> Self {
        let weights = endpoint_weights(pool, usable, any, options, board);
        let total: f64 = weights.iter().sum();
        let count = if family == AnswerFamily::Cname { 1 } else { options.spread.answers.get().into() };
        let count = usable.len().min(count);
        let (sets, chances) = sets(&weights, count);
        let rdata: Vec<Vec<u8>> = usable.iter().map(|&at| rdata(&pool.endpoints[at], family)).collect();
        Self {
            endpoints: usable.iter().zip(&weights).map(|(&at, weight)| (at, weight / total)).collect(),
            keys: usable.iter().map(|&at| hash(&[pool.name.as_bytes(), pool.endpoints[at].name.as_bytes()])).collect(),
            shares: Shares::new(&chances),
            variants: Variants::new(family.rtype(), &sets, &rdata),
            rdata,
            sets,
            count,
        }
    }

    /// A set drawn by share.
    #[must_use]
    pub fn draw(&self, draw: u32) -> &[usize] {
        &self.sets[self.shares.pick(draw)]
    }

    /// The records of the same set.
    #[must_use]
    pub fn variant(&self, draw: u32) -> Variant<'_> {
        self.variants.get(self.shares.pick(draw))
    }

    /// The records of the set that rendezvous gives a client; none where a set of several is chosen out of more.
    #[must_use]
    pub fn rendezvous_variant(&self, client: u64) -> Option<Variant<'_>> {
        if self.count == self.endpoints.len() {
            return Some(self.variants.get(0));
        }
        let mut first = None;
        if self.count == 1 {
            self.rendezvous(client, |at| first = Some(self.variants.get(at))); // a set for each endpoint, in their order
        }
        first
    }

    /// The chance of each set.
    pub fn chances(&self) -> impl Iterator<Item = f64> {
        self.shares.chances()
    }

    /// Visits the endpoints that rendezvous gives a client: the same ones as long as they are usable, whatever comes and
    /// goes beside them.
    pub fn rendezvous(&self, client: u64, mut visit: impl FnMut(usize)) {
        if self.count == self.endpoints.len() {
            return (0..self.count).for_each(visit);
        }
        // the count is small, and nothing may be allocated here: find the next lowest score each time
        let score = |at: usize| (rendezvous_score(client, self.keys[at], self.endpoints[at].1), at);
        let mut floor = None;
        for _ in 0..self.count {
            let above = (0..self.endpoints.len()).map(score).filter(|score| floor.is_none_or(|floor| *score > floor));
            let Some(next) = above.min_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1))) else { return };
            visit(next.1);
            floor = Some(next);
        }
    }
}

/// What of a policy shapes a pool's answers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Options {
    /// How many endpoints, among other things.
    pub spread: Spread,
    /// Whether slower endpoints get less.
    pub latency_weight: bool,
}

/// Weight × latency factor (§5.5).
fn endpoint_weights(pool: &Pool, usable: &[usize], any: &[usize], options: &Options, board: &Board) -> Vec<f64> {
    let factors = latency_factors(pool, usable, any, options.latency_weight, board);
    usable.iter().zip(factors).map(|(&at, factor)| f64::from(pool.endpoints[at].weight) * factor).collect()
}

/// By how much each usable endpoint's weight is reduced for its latency, compared over all that are usable in `any` family.
pub fn latency_factors<'a>(
    pool: &'a Pool,
    usable: &'a [usize],
    any: &[usize],
    latency_weight: bool,
    board: &'a Board,
) -> impl Iterator<Item = f64> + use<'a> {
    let latency = |at: usize| slowest(&pool.endpoints[at], board);
    let fastest = any.iter().filter_map(|&at| latency(at)).map(|ms| ms.0).min_by(f32::total_cmp);
    usable.iter().map(move |&at| match (latency(at), fastest) {
        (Some(Millis(own)), Some(fastest)) if latency_weight => latency_factor(own, fastest),
        _ => 1.0,
    })
}

/// (fastest + 5)/(own + 5), clipped to [0.25, 1], in eighths. Latencies come with hysteresis, so eighths do not flicker.
fn latency_factor(own: f32, fastest: f32) -> f64 {
    let factor = f64::from((fastest + 5.0) / (own + 5.0)).clamp(0.25, 1.0);
    (factor * 8.0).round() / 8.0
}

/// The latency of an endpoint's slowest usable target.
fn slowest(endpoint: &Endpoint, board: &Board) -> Option<Millis> {
    let views = endpoint.targets().map(|target| &board.targets[target]);
    let up = views.filter(|view| view.verdict == crate::health::Verdict::Up);
    up.filter_map(|view| view.latency).max_by(|a, b| a.0.total_cmp(&b.0))
}

fn rdata(endpoint: &Endpoint, family: AnswerFamily) -> Vec<u8> {
    let bytes = match family {
        AnswerFamily::V4 => endpoint.v4.map(|(addr, _)| addr.octets().to_vec()),
        AnswerFamily::V6 => endpoint.v6.map(|(addr, _)| addr.octets().to_vec()),
        AnswerFamily::Cname => endpoint.cname.as_ref().map(|(name, _)| name.as_ref().as_wire().to_vec()),
    };
    bytes.expect("a usable endpoint has the family")
}

/// The sets of `count` out of all, each with its chance.
fn sets(weights: &[f64], count: usize) -> (Vec<Vec<usize>>, Vec<f64>) {
    let all = weights.len();
    if count == 1 {
        return ((0..all).map(|at| vec![at]).collect(), weights.to_vec());
    }
    if combinations(all, count).is_none_or(|sets| sets > MAX_SETS) {
        let window = |start: usize| {
            let mut window: Vec<usize> = (start..start + count).map(|at| at % all).collect();
            window.sort_unstable();
            window
        };
        let windows: Vec<Vec<usize>> = (0..all).map(window).collect();
        let chances = windows.iter().map(|window| window.iter().map(|&at| weights[at]).sum()).collect();
        return (windows, chances);
    }
    let mut sets = Vec::new();
    choose(all, count, 0, &mut Vec::new(), &mut sets);
    let chances = sets.iter().map(|set| chance(weights, set)).collect();
    (sets, chances)
}

fn combinations(all: usize, count: usize) -> Option<usize> {
    (0..count.min(all - count)).try_fold(1usize, |sets, at| Some(sets.checked_mul(all - at)? / (at + 1)))
}

fn choose(all: usize, count: usize, from: usize, chosen: &mut Vec<usize>, sets: &mut Vec<Vec<usize>>) {
    if chosen.len() == count {
        sets.push(chosen.clone());
        return;
    }
    for at in from..all - (count - chosen.len()) + 1 {
        chosen.push(at);
        choose(all, count, at + 1, chosen, sets);
        chosen.pop();
    }
}

/// The chance that drawing by share without replacement gives exactly this set.
///
/// Drawing so is the order in which exponential clocks with the weights as rates ring. With v uniform on (0, 1) as the
/// last ring outside the set being still to come, the chance is an integral over when the set's last clock has rung and
/// no other has: ∫ P(all of the set rang by t) d(first of the others rings at t). It is smooth, so a few hundred points
/// give far more digits than a share is rounded to.
fn chance(weights: &[f64], set: &[usize]) -> f64 {
    let others: f64 = (0..weights.len()).filter(|at| !set.contains(at)).map(|at| weights[at]).sum();
    if others == 0.0 {
        return 1.0;
    }
    // u = exp(−others·t) is uniform: P(rang by t) = 1 − u^(weight/others)
    let rang = |u: f64| set.iter().map(|&at| 1.0 - u.powf(weights[at] / others)).product::<f64>();
    const POINTS: usize = 512;
    (0..POINTS).map(|at| rang((at as f64 + 0.5) / POINTS as f64)).sum::<f64>() / POINTS as f64
}

/// A fixed hash of some texts: the same on every node and after every restart, as stickiness must be.
#[must_use]
pub(super) fn hash(parts: &[&[u8]]) -> u64 {
    let mut hasher = FixedState::with_seed(0).build_hasher();
    for part in parts {
        hasher.write(part);
        hasher.write_usize(part.len());
    }
    hasher.finish()
}

/// Weighted rendezvous: the lowest score wins, with a chance in proportion to the share (Schindelhauer and Schomaker 2005,
/// "Weighted distributed hash tables").
#[must_use]
pub(super) fn rendezvous_score(client: u64, key: u64, share: f64) -> f64 {
    let mut mixed = client ^ key.rotate_left(32);
    // SplitMix64's finaliser: every bit of both keys reaches every bit of the result
    mixed = (mixed ^ mixed >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^= mixed >> 31;
    let uniform = ((mixed >> 11) as f64 + 0.5) / (1u64 << 53) as f64;
    -uniform.ln() / share
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// By definition: over every order of drawing.
    fn exact(weights: &[f64], set: &[usize]) -> f64 {
        fn go(weights: &[f64], left: &[usize], rest: f64) -> f64 {
            if left.is_empty() {
                return 1.0;
            }
            let step = |&at: &usize| {
                let left: Vec<usize> = left.iter().copied().filter(|&other| other != at).collect();
                weights[at] / rest * go(weights, &left, rest - weights[at])
            };
            left.iter().map(step).sum()
        }
        go(weights, set, weights.iter().sum())
    }

    proptest! {
        #[test]
        fn chances_are_those_of_drawing_without_replacement(weights in prop::collection::vec(1.0f64..8.0, 2..6), count in 1usize..5) {
            let count = count.min(weights.len());
            let (sets, chances) = sets(&weights, count);
            let total: f64 = chances.iter().sum();
            for (set, chance) in sets.iter().zip(&chances) {
                let exact = exact(&weights, set);
                prop_assert!((chance / total - exact).abs() < 2e-3, "{:?}: {} and not {}", set, chance / total, exact);
            }
        }

        #[test]
        fn shares_are_kept(weights in prop::collection::vec(0.1f64..10.0, 1..6)) {
            let shares = Shares::new(&weights);
            let total: f64 = weights.iter().sum();
            let mut drawn = vec![0; weights.len()];
            for at in 0..10_000u32 {
                drawn[shares.pick(at.wrapping_mul(429_497))] += 1;
            }
            for (drawn, weight) in drawn.iter().zip(&weights) {
                prop_assert!((f64::from(*drawn) / 1e4 - weight / total).abs() < 0.01);
            }
        }

        #[test]
        fn chances_are_exact(weights in prop::collection::vec(prop_oneof![Just(0.0), 0.001f64..10.0], 1..40)) {
            prop_assume!(weights.iter().any(|&weight| weight > 0.0));
            let shares = Shares::new(&weights);
            let total: f64 = weights.iter().sum();
            prop_assert_eq!(shares.chances().sum::<f64>(), 1.0);
            for (chance, weight) in shares.chances().zip(&weights) {
                prop_assert!((chance - weight / total).abs() < 1e-8, "{} and not {}", chance, weight / total);
                prop_assert!(*weight > 0.0 || chance == 0.0);
            }
            // the draws on both sides of every border that the chances tell of
            let cells = shares.0.len() as u64;
            for (at, cell) in shares.0.iter().enumerate() {
                let border = (((at as u64) << 32) + u64::from(cell.own)).div_ceil(cells);
                let start = ((at as u64) << 32).div_ceil(cells);
                if border > start {
                    prop_assert_eq!(shares.pick((border - 1) as u32), at);
                    prop_assert_eq!(shares.pick(start as u32), at);
                }
                if border < ((at as u64 + 1) << 32).div_ceil(cells) {
                    prop_assert_eq!(shares.pick(border as u32), cell.other as usize);
                }
            }
        }
    }

    #[test]
    fn large_pools_use_windows() {
        let (windows, chances) = sets(&[1.0; 12], 3);
        assert_eq!(windows.len(), 12);
        assert_eq!((windows[11].as_slice(), chances[11]), (&[0, 1, 11][..], 3.0));
        assert_eq!(sets(&[1.0; 8], 3).0.len(), 56);
        assert_eq!(sets(&[1.0; 64], 63).0.len(), 64);
    }

    #[test]
    fn rendezvous_follows_shares_and_moves_only_who_must() {
        let owner = |client: u64, shares: &[(u64, f64)]| {
            let score = |&(key, share): &(u64, f64)| rendezvous_score(client, hash(&[&key.to_be_bytes()]), share);
            shares.iter().min_by(|a, b| score(a).total_cmp(&score(b))).map(|&(key, _)| key)
        };
        let (mut first, mut moved) = (0, 0);
        for client in 0..20_000u64 {
            let client = hash(&[&client.to_be_bytes()]);
            let before = owner(client, &[(1, 0.5), (2, 0.25), (3, 0.25)]);
            let after = owner(client, &[(1, 0.5), (2, 0.25)]);
            first += u32::from(before == Some(1));
            moved += u32::from(before != after && before != Some(3));
        }
        assert!((9_600..10_400).contains(&first), "{first}");
        assert_eq!(moved, 0, "only clients of the endpoint that left may move");
    }
}
