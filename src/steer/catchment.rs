//! Static steering: rules and locations become, for every policy, prefix maps from client to catchment.
//!
//! A rule's `resolvers` decide which rules are open to a query, so each set of open rules that some resolver meets has a
//! map of its own, and Client Subnet scopes are taken from that one: they never overlap for one resolver.
//!
//! A special-purpose client address is seen by `networks` as it is but located as its resolver; its block is kept apart
//! in the map by a leaf that says so.

use std::borrow::Borrow;
use std::cell::LazyCell;
use std::hash::{BuildHasher, Hash};
use std::net::IpAddr;
use std::ops::Range;
use std::sync::Arc;

use foldhash::fast::FixedState;
use hashbrown::HashTable;

use crate::base::{
    CatchmentId, Fetch, IdVec, PolicyId, Prefix, PrefixIndex, PrefixMap, PrefixMapBuilder, PrefixSearch,
};
use crate::geo::{Coords, GeoCode, Location, SPECIAL_PURPOSE};

use super::estimate::{Estimates, Measured, Places};
use super::matcher::{in_asns, in_geos};
use super::model::{Order, Policy, Rule, Steering};

/// What it is filled from is the operator's, so nobody can make its keys collide.
type HashMap<K, V> = std::collections::HashMap<K, V, FixedState>;

/// Clients that a policy treats alike: same rule, same quantised estimates.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Catchment {
    /// The rule that matched.
    pub rule: usize,
    /// For each tier of the rule, the estimate to each of its pools; none for tiers that do not order by distance, and
    /// for clients without coordinates.
    pub estimates: Vec<Option<Estimates>>,
}

/// Where every client of a policy belongs. Policies with the same matchers and regions share one.
#[derive(Debug)]
pub struct CatchmentMap {
    /// What it was made from, beside locations.
    shapes: Vec<RuleShape>,
    /// Which of `open` a resolver gets.
    resolvers: PrefixIndex,
    open: Vec<OpenMap>,
    /// What the ids stand for.
    pub catchments: IdVec<CatchmentId, Catchment>,
}

/// The map of clients for one set of open rules.
#[derive(Debug)]
struct OpenMap {
    /// [`Leaf`]s.
    clients: PrefixIndex,
    /// How many catchments its leaves may be.
    catchments: usize,
    /// By number of the set of `networks` rules that the client address matched.
    as_resolver: Vec<AsResolver>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Leaf {
    Here(CatchmentId),
    /// Located as its resolver, with this set of matched `networks` rules.
    AsResolver(usize),
}

impl Leaf {
    /// Ids of catchments come first, of which there are so many.
    fn number(self, catchments: usize) -> u32 {
        match self {
            Self::Here(CatchmentId(id)) => id,
            Self::AsResolver(set) => (catchments + set) as u32, // an index holds no more than 2^23
        }
    }

    const fn of(number: u32, catchments: usize) -> Self {
        match (number as usize).checked_sub(catchments) {
            None => Self::Here(CatchmentId(number)),
            Some(set) => Self::AsResolver(set),
        }
    }
}

#[derive(Debug)]
struct AsResolver {
    /// For a resolver that has no location either.
    unlocated: CatchmentId,
    /// For a resolver that has: catchments. None: what `clients` says of the resolver itself, as no rule has `networks`
    /// and no database knows special-purpose blocks.
    located: Option<PrefixIndex>,
}

impl CatchmentMap {
    /// The catchment of a client, and the scope of what is answered to it.
    #[must_use]
    pub fn locate(&self, client: IpAddr, resolver: IpAddr) -> (CatchmentId, u8) {
        self.search(client, resolver).found()
    }

    /// Begins to [`locate`](Self::locate) a client.
    #[inline]
    #[must_use]
    pub fn search(&self, client: IpAddr, resolver: IpAddr) -> CatchmentSearch<'_> {
        let open = self.open(resolver);
        CatchmentSearch { open, client: open.clients.search(client), resolver }
    }

    /// Fetches where the search for a client begins.
    #[inline]
    pub fn fetch(&self, client: IpAddr, resolver: IpAddr, memory: &impl Fetch) {
        self.open(resolver).clients.fetch(client, memory);
    }

    #[inline]
    fn open(&self, resolver: IpAddr) -> &OpenMap {
        match &self.open[..] {
            [open] => open,
            open => &open[self.resolvers.get(resolver).0 as usize],
        }
    }

    /// Where in memory its prefixes are.
    pub fn pages(&self) -> impl Iterator<Item = Range<usize>> {
        self.open.iter().map(|map| map.clients.pages())
    }

    /// How much memory its prefixes take.
    #[must_use]
    pub fn octets(&self) -> usize {
        let open = |map: &OpenMap| {
            let located = map.as_resolver.iter().filter_map(|set| set.located.as_ref());
            map.clients.octets() + located.map(PrefixIndex::octets).sum::<usize>()
        };
        self.resolvers.octets() + self.open.iter().map(open).sum::<usize>()
    }
}

/// A client on its way to its catchment.
#[derive(Clone, Copy, Debug)]
pub struct CatchmentSearch<'a> {
    open: &'a OpenMap,
    client: PrefixSearch<'a>,
    resolver: IpAddr,
}

impl CatchmentSearch<'_> {
    /// Fetches the next node: [`PrefixSearch::fetch`].
    #[inline]
    pub fn fetch(&self, memory: &impl Fetch) {
        self.client.fetch(memory);
    }

    /// Goes on by one node: [`PrefixSearch::step`].
    #[inline]
    pub fn step(&mut self) {
        self.client.step();
    }

    /// [`PrefixSearch::has_ended`].
    #[inline]
    #[must_use]
    pub const fn has_ended(&self) -> bool {
        self.client.has_ended()
    }

    /// The catchment, and the scope of what is answered there.
    #[inline]
    #[must_use]
    pub fn found(self) -> (CatchmentId, u8) {
        let Self { open, client, resolver } = self;
        let (leaf, scope) = client.get();
        match Leaf::of(leaf, open.catchments) {
            Leaf::Here(catchment) => (catchment, scope),
            Leaf::AsResolver(set) => (open.as_resolver(set, resolver), scope),
        }
    }
}

impl OpenMap {
    fn as_resolver(&self, set: usize, resolver: IpAddr) -> CatchmentId {
        let set = &self.as_resolver[set];
        match &set.located {
            Some(located) => CatchmentId(located.get(resolver).0),
            None => match Leaf::of(self.clients.get(resolver).0, self.catchments) {
                Leaf::Here(catchment) => catchment,
                Leaf::AsResolver(_) => set.unlocated,
            },
        }
    }
}

/// Builds the map of every policy.
#[must_use]
pub fn catchment_maps(steering: &Steering, locations: &PrefixMap<Location>) -> IdVec<PolicyId, Arc<CatchmentMap>> {
    catchment_maps_after([], steering, || Some(locations), |_| {}).expect("there are locations")
}

/// Gives every policy its map: one that was made `before`, from the same locations, where one fits, else one that is built.
/// Locations are asked for when one is to be built; without any, there are no maps. `place` is told where in memory prefixes
/// will be, before any is written.
pub fn catchment_maps_after<'m, L: Borrow<PrefixMap<Location>>>(
    before: impl IntoIterator<Item = &'m Arc<CatchmentMap>>,
    steering: &Steering,
    locations: impl FnOnce() -> Option<L>,
    place: impl Fn(Range<usize>),
) -> Option<IdVec<PolicyId, Arc<CatchmentMap>>> {
    let (locations, special) = (LazyCell::new(locations), LazyCell::new(special_purpose));
    let known = before.into_iter().map(|map| (map.shapes.clone(), Arc::clone(map)));
    let mut shared: HashMap<Vec<RuleShape>, Arc<CatchmentMap>> = known.collect();
    let build = |policy: &Policy| {
        let shapes: Vec<RuleShape> = policy.rules.iter().map(|rule| RuleShape::of(rule, steering)).collect();
        if let Some(map) = shared.get(&shapes) {
            return Some(Arc::clone(map));
        }
        let locations = locations.as_ref()?;
        let map = Arc::new(Builder::new(&shapes, &special, &place).build(locations.borrow()));
        shared.insert(shapes, Arc::clone(&map));
        Some(map)
    };
    steering.policies.iter().map(build).collect()
}

/// What of a rule decides catchments: its matchers, and where the pools of its `nearest` tiers are.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct RuleShape {
    resolvers: Option<Vec<Prefix>>,
    networks: Option<Vec<Prefix>>,
    geos: Option<Vec<GeoCode>>,
    asns: Option<Vec<u32>>,
    /// A tier that does not order by distance, or has a pool without coordinates, is none.
    tiers: Vec<Option<Vec<(Coords, i8)>>>,
}

impl RuleShape {
    fn of(rule: &Rule, steering: &Steering) -> Self {
        let place = |pool| {
            let region = &steering.regions[steering.pools[pool].region?];
            Some((region.coords?, region.bias))
        };
        let tiers = rule.tiers.iter().map(|tier| {
            let nearest = tier.order == Order::Nearest;
            nearest.then(|| tier.pools.iter().map(|&(pool, _)| place(pool)).collect()).flatten()
        });
        Self {
            resolvers: rule.resolvers.clone(),
            networks: rule.networks.clone(),
            geos: rule.geos.clone(),
            asns: rule.asns.clone(),
            tiers: tiers.collect(),
        }
    }

    /// Whether the matchers that look at a location match.
    fn matches(&self, location: &Location) -> bool {
        self.geos.as_ref().is_none_or(|geos| in_geos(geos, location))
            && self.asns.as_ref().is_none_or(|asns| in_asns(asns, location))
    }

    /// The places of each tier, where they count.
    fn places(&self) -> Vec<Option<Arc<Places>>> {
        self.tiers.iter().map(|tier| tier.as_deref().map(|tier| Arc::new(Places::new(tier)))).collect()
    }
}

/// What a rule's estimates are made of at a location: for each tier that of each pool, as in [`Catchment::estimates`].
#[must_use]
pub fn measured(rule: &Rule, steering: &Steering, location: &Location) -> Vec<Option<Vec<Measured>>> {
    let measure = |tier: &Option<Arc<Places>>| Some(tier.as_ref()?.measure(location.point()?));
    RuleShape::of(rule, steering).places().iter().map(measure).collect()
}

/// The special-purpose blocks, also where they are embedded in IPv6.
fn special_purpose() -> PrefixMap<bool> {
    let mut builder = PrefixMapBuilder::new(false);
    for (block, special) in SPECIAL_PURPOSE {
        builder.insert(block.parse().expect("a prefix of the table"), *special);
    }
    let mut map = builder.build();
    crate::geo::graft_embeddings(&mut map);
    map
}

/// Numbers things in the order in which they come.
#[derive(Debug)]
struct Interner<T> {
    all: Vec<T>,
    numbers: HashTable<u32>,
    hasher: FixedState,
}

impl<T: Eq + Hash> Interner<T> {
    fn new() -> Self {
        Self { all: Vec::new(), numbers: HashTable::new(), hasher: FixedState::default() }
    }

    fn number(&mut self, thing: T) -> u32 {
        let Self { all, numbers, hasher } = self;
        let hash = hasher.hash_one(&thing);
        if let Some(&number) = numbers.find(hash, |&number| all[number as usize] == thing) {
            return number;
        }
        let number = u32::try_from(all.len()).expect("fewer than 2^32 of a kind");
        all.push(thing);
        numbers.insert_unique(hash, number, |&number| hasher.hash_one(&all[number as usize]));
        number
    }
}

/// A set of rules, by index, in order.
type RuleSet = Vec<usize>;

struct Builder<'a> {
    rules: &'a [RuleShape],
    /// Told where prefixes will be.
    place: &'a dyn Fn(Range<usize>),
    /// By rule and tier.
    places: Vec<Vec<Option<Arc<Places>>>>,
    special: &'a PrefixMap<bool>,
    /// What clients may fall into.
    candidates: Interner<Catchment>,
    /// The candidate of a rule at a point.
    at: HashMap<(usize, Option<Coords>), u32>,
    /// By candidate: its id, once some client falls into it.
    ids: Vec<Option<CatchmentId>>,
    /// Candidates by id.
    picked: IdVec<CatchmentId, u32>,
}

/// The candidates that a location may fall into, by which `networks` rules match: in order, ended by the first that needs
/// none.
type Class = Vec<u32>;

impl<'a> Builder<'a> {
    fn new(rules: &'a [RuleShape], special: &'a PrefixMap<bool>, place: &'a dyn Fn(Range<usize>)) -> Self {
        Self {
            rules,
            place,
            places: rules.iter().map(RuleShape::places).collect(),
            special,
            candidates: Interner::new(),
            at: HashMap::default(),
            ids: Vec::new(),
            picked: IdVec::new(),
        }
    }

    fn build(mut self, locations: &PrefixMap<Location>) -> CatchmentMap {
        let resolvers = self.membership(|rule| rule.resolvers.as_deref());
        let networks = self.membership(|rule| rule.networks.as_deref());
        let open: Vec<OpenMap> =
            resolvers.values().iter().map(|met| self.open_map(met, &networks, locations)).collect();
        let number = |set: &RuleSet| resolvers.values().iter().position(|value| value == set).unwrap_or_default();
        let catchment = |&candidate: &u32| self.candidates.all[candidate as usize].clone();
        let catchments = self.picked.iter().map(catchment).collect();
        let resolvers = resolvers.index(|set| number(set) as u32, self.place);
        CatchmentMap { shapes: self.rules.to_vec(), resolvers, open, catchments }
    }

    /// For every address, which of the rules that have this matcher it matches.
    fn membership(&self, matcher: impl Fn(&RuleShape) -> Option<&[Prefix]>) -> PrefixMap<RuleSet> {
        let mut map = PrefixMap::constant(RuleSet::new());
        for (rule, prefixes) in self.rules.iter().enumerate().filter_map(|(at, rule)| Some((at, matcher(rule)?))) {
            let mut member = PrefixMapBuilder::new(false);
            for &prefix in prefixes {
                member.insert(prefix, true);
            }
            map = map.zip(&member.build(), |set, &member| {
                let mut set = set.clone();
                set.extend(member.then_some(rule));
                set
            });
        }
        map
    }

    fn open_map(&mut self, met: &RuleSet, networks: &PrefixMap<RuleSet>, locations: &PrefixMap<Location>) -> OpenMap {
        let classes = self.classes(met, locations);
        let sets = networks.values();
        let number = |set: &RuleSet| sets.iter().position(|value| value == set).unwrap_or_default();
        let kinds = networks.zip(self.special, |set, &special| (number(set), special));
        let only: Vec<Option<CatchmentId>> = sets.iter().map(|set| self.only(&classes, set)).collect();
        let clients = locations.zip_numbers(&kinds, |location, kind| match kinds.values()[kind] {
            (set, _) if let Some(catchment) = only[set] => Leaf::Here(catchment),
            (set, true) => Leaf::AsResolver(set),
            (set, false) => Leaf::Here(self.pick(classes.of(location), &sets[set])),
        });
        // a resolver in such a block is located if a database knows it: only in Client Subnet does the block say nothing
        let places_special = locations.any_among(self.special, |location| classes.numbers[location] != classes.nowhere);
        let plain = sets.len() == 1 && !places_special;
        let as_resolver = sets.iter().map(|set| {
            let unlocated = self.pick(&classes.all[classes.nowhere as usize], set);
            AsResolver { unlocated, located: (!plain).then(|| self.located(&classes, set, locations)) }
        });
        let as_resolver = as_resolver.collect();
        let catchments = self.picked.len();
        OpenMap { as_resolver, clients: clients.index(|leaf| leaf.number(catchments), self.place), catchments }
    }

    fn classes(&mut self, met: &RuleSet, locations: &PrefixMap<Location>) -> Classes {
        let mut known = Interner::new();
        let nowhere = known.number(self.class(met, &Location::default()));
        let numbers = locations.values().iter().map(|location| known.number(self.class(met, location))).collect();
        Classes { numbers, nowhere, all: known.all }
    }

    /// The catchments of resolvers with a set of matched rules.
    fn located(&mut self, classes: &Classes, set: &RuleSet, locations: &PrefixMap<Location>) -> PrefixIndex {
        let picked = locations.map_numbers(|location| self.pick(classes.of(location), set));
        picked.index(|&CatchmentId(id)| id, self.place)
    }

    /// The one catchment that every location falls into with this set of matched rules, if it is one: then special-purpose
    /// blocks need not be kept apart.
    fn only(&mut self, classes: &Classes, set: &RuleSet) -> Option<CatchmentId> {
        let first = self.pick(&classes.all[classes.nowhere as usize], set);
        classes.all.iter().all(|class| self.pick(class, set) == first).then_some(first)
    }

    fn class(&mut self, met: &RuleSet, location: &Location) -> Class {
        let mut candidates = Vec::new();
        for (at, rule) in self.rules.iter().enumerate() {
            let open = rule.resolvers.is_none() || met.contains(&at);
            if open && rule.matches(location) {
                candidates.push(self.candidate(at, location.point()));
                if rule.networks.is_none() {
                    break;
                }
            }
        }
        candidates
    }

    fn candidate(&mut self, rule: usize, point: Option<Coords>) -> u32 {
        let Self { places, candidates, at, .. } = self;
        *at.entry((rule, point)).or_insert_with(|| {
            let tier = |tier: &Option<Arc<Places>>| Some(tier.as_ref()?.estimates(point?));
            candidates.number(Catchment { rule, estimates: places[rule].iter().map(tier).collect() })
        })
    }

    fn pick(&mut self, class: &Class, matched: &RuleSet) -> CatchmentId {
        let rule = |candidate: u32| self.candidates.all[candidate as usize].rule;
        let fits = |&&candidate: &&u32| {
            let rule = rule(candidate);
            self.rules[rule].networks.is_none() || matched.contains(&rule)
        };
        let &candidate = class.iter().find(fits).expect("the last rule of a policy matches everyone");
        if self.ids.len() <= candidate as usize {
            self.ids.resize(self.candidates.all.len(), None);
        }
        *self.ids[candidate as usize].get_or_insert_with(|| self.picked.push(candidate))
    }
}

/// The classes of locations.
struct Classes {
    /// By position in the map's values.
    numbers: Vec<u32>,
    /// Where nothing is known.
    nowhere: u32,
    all: Vec<Class>,
}

impl Classes {
    fn of(&self, location: usize) -> &Class {
        &self.all[self.numbers[location] as usize]
    }
}
