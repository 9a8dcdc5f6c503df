//! Static steering: rules and locations become, for every policy, prefix maps from client to catchment.
//!
//! A rule's `resolvers` decide which rules are open to a query, so each set of open rules that some resolver meets has a
//! map of its own, and Client Subnet scopes are taken from that one: they never overlap for one resolver.
//!
//! A special-purpose client address is seen by `networks` as it is but located as its resolver; its block is kept apart
//! in the map by a leaf that says so.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;

use crate::base::{CatchmentId, IdVec, PolicyId, Prefix, PrefixMap, PrefixMapBuilder};
use crate::geo::{Coords, GeoCode, Location, SPECIAL_PURPOSE};

use super::estimate::{Measured, Step, measure};
use super::matcher::{in_asns, in_geos};
use super::model::{Order, Policy, Rule, Steering};

/// Clients that a policy treats alike: same rule, same quantised estimates.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Catchment {
    /// The rule that matched.
    pub rule: usize,
    /// For each tier of the rule, the estimate to each of its pools; none for tiers that do not order by distance, and
    /// for clients without coordinates.
    pub estimates: Vec<Option<Vec<Step>>>,
}

/// Where every client of a policy belongs. Policies with the same matchers and regions share one.
#[derive(Debug)]
pub struct CatchmentMap {
    /// Which of `open` a resolver gets.
    resolvers: PrefixMap<usize>,
    open: Vec<OpenMap>,
    /// What the ids stand for.
    pub catchments: IdVec<CatchmentId, Catchment>,
}

/// The map of clients for one set of open rules.
#[derive(Debug)]
struct OpenMap {
    clients: PrefixMap<Leaf>,
    /// By number of the set of `networks` rules that the client address matched.
    as_resolver: Vec<AsResolver>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Leaf {
    Here(CatchmentId),
    /// Located as its resolver, with this set of matched `networks` rules.
    AsResolver(usize),
}

#[derive(Debug)]
struct AsResolver {
    /// For a resolver that has no location either.
    unlocated: CatchmentId,
    /// For a resolver that has. None: what `clients` says of the resolver itself, as no rule has `networks` and no database
    /// knows special-purpose blocks.
    located: Option<PrefixMap<CatchmentId>>,
}

impl CatchmentMap {
    /// The catchment of a client, and the scope of what is answered to it.
    #[must_use]
    pub fn locate(&self, client: IpAddr, resolver: IpAddr) -> (CatchmentId, u8) {
        let open = &self.open[*self.resolvers.get(resolver).0];
        match open.clients.get(client) {
            (&Leaf::Here(catchment), scope) => (catchment, scope),
            (&Leaf::AsResolver(set), scope) => (open.as_resolver(set, resolver), scope),
        }
    }

    /// How many nodes the maps have: 8 bytes each.
    #[must_use]
    pub fn node_count(&self) -> usize {
        let open = |map: &OpenMap| {
            let located = map.as_resolver.iter().filter_map(|set| set.located.as_ref());
            map.clients.node_count() + located.map(PrefixMap::node_count).sum::<usize>()
        };
        self.open.iter().map(open).sum()
    }
}

impl OpenMap {
    fn as_resolver(&self, set: usize, resolver: IpAddr) -> CatchmentId {
        let set = &self.as_resolver[set];
        match &set.located {
            Some(located) => *located.get(resolver).0,
            None => match self.clients.get(resolver).0 {
                Leaf::Here(catchment) => *catchment,
                Leaf::AsResolver(_) => set.unlocated,
            },
        }
    }
}

/// Builds the map of every policy.
#[must_use]
pub fn catchment_maps(steering: &Steering, locations: &PrefixMap<Location>) -> IdVec<PolicyId, Arc<CatchmentMap>> {
    let special = special_purpose();
    let mut shared: HashMap<Vec<RuleShape>, Arc<CatchmentMap>> = HashMap::new();
    let build = |policy: &Policy| {
        let shapes: Vec<RuleShape> = policy.rules.iter().map(|rule| RuleShape::of(rule, steering)).collect();
        let map = shared.entry(shapes).or_insert_with_key(|shapes| {
            Arc::new(Builder { rules: shapes, special: &special, catchments: Interner::default() }.build(locations))
        });
        Arc::clone(map)
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

    fn catchment(&self, rule: usize, location: &Location) -> Catchment {
        let steps = |estimates: Vec<Measured>| estimates.iter().map(|estimate| estimate.step).collect();
        let tiers = self.measure(location).into_iter().map(|tier| tier.map(steps));
        Catchment { rule, estimates: tiers.collect() }
    }

    /// The estimates of each tier from a location.
    fn measure(&self, location: &Location) -> Vec<Option<Vec<Measured>>> {
        let point = location.point();
        let tier =
            |places: &Option<Vec<(Coords, i8)>>| point.zip(places.as_deref()).map(|(at, places)| measure(at, places));
        self.tiers.iter().map(tier).collect()
    }
}

/// What a rule's estimates are made of at a location: for each tier that of each pool, as in [`Catchment::estimates`].
#[must_use]
pub fn measured(rule: &Rule, steering: &Steering, location: &Location) -> Vec<Option<Vec<Measured>>> {
    RuleShape::of(rule, steering).measure(location)
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

/// Numbers catchments.
#[derive(Default)]
struct Interner {
    ids: HashMap<Catchment, CatchmentId>,
    catchments: IdVec<CatchmentId, Catchment>,
}

impl Interner {
    fn id(&mut self, catchment: &Catchment) -> CatchmentId {
        if let Some(&id) = self.ids.get(catchment) {
            return id;
        }
        let id = self.catchments.push(catchment.clone());
        self.ids.insert(catchment.clone(), id);
        id
    }
}

/// A set of rules, by index, in order.
type RuleSet = Vec<usize>;

struct Builder<'a> {
    rules: &'a [RuleShape],
    special: &'a PrefixMap<bool>,
    catchments: Interner,
}

impl Builder<'_> {
    fn build(mut self, locations: &PrefixMap<Location>) -> CatchmentMap {
        let resolvers = self.membership(|rule| rule.resolvers.as_deref());
        let networks = self.membership(|rule| rule.networks.as_deref());
        let open: Vec<OpenMap> =
            resolvers.values().iter().map(|met| self.open_map(met, &networks, locations)).collect();
        let number = |set: &RuleSet| resolvers.values().iter().position(|value| value == set).unwrap_or_default();
        CatchmentMap { resolvers: resolvers.map(number), open, catchments: self.catchments.catchments }
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
        let classes = locations.map(|location| self.class(met, location));
        let nowhere = self.class(met, &Location::default());
        let sets = networks.values();
        let number = |set: &RuleSet| sets.iter().position(|value| value == set).unwrap_or_default();
        let kinds = networks.zip(self.special, |set, &special| (number(set), special));
        let only: Vec<Option<CatchmentId>> = sets.iter().map(|set| self.only(&classes, &nowhere, set)).collect();
        let clients = classes.zip(&kinds, |class, &(set, special)| match only[set] {
            Some(catchment) => Leaf::Here(catchment),
            None if special => Leaf::AsResolver(set),
            None => Leaf::Here(self.pick(class, &sets[set])),
        });
        // a resolver in such a block is located if a database knows it: only in ECS does the block itself say nothing
        let placed = classes.zip(self.special, |class, &special| special && *class != nowhere);
        let plain = sets.len() == 1 && !placed.values().contains(&true);
        let as_resolver = sets.iter().map(|set| {
            let unlocated = self.pick(&nowhere, set);
            let located = (!plain).then(|| classes.map(|class| self.pick(class, set)));
            AsResolver { unlocated, located }
        });
        OpenMap { as_resolver: as_resolver.collect(), clients }
    }

    /// The one catchment that every location falls into with this set of matched rules, if it is one: then special-purpose
    /// blocks need not be kept apart.
    fn only(
        &mut self,
        classes: &PrefixMap<Vec<Catchment>>,
        nowhere: &[Catchment],
        set: &RuleSet,
    ) -> Option<CatchmentId> {
        let first = self.pick(nowhere, set);
        classes.values().iter().all(|class| self.pick(class, set) == first).then_some(first)
    }

    /// The catchments that a location may fall into, by which `networks` rules match: candidates in order, ended by the
    /// first that needs none.
    fn class(&self, met: &RuleSet, location: &Location) -> Vec<Catchment> {
        let mut candidates = Vec::new();
        for (at, rule) in self.rules.iter().enumerate() {
            let open = rule.resolvers.is_none() || met.contains(&at);
            if open && rule.matches(location) {
                candidates.push(rule.catchment(at, location));
                if rule.networks.is_none() {
                    break;
                }
            }
        }
        candidates
    }

    fn pick(&mut self, class: &[Catchment], matched: &RuleSet) -> CatchmentId {
        let fits =
            |catchment: &&Catchment| self.rules[catchment.rule].networks.is_none() || matched.contains(&catchment.rule);
        let catchment = class.iter().find(fits).expect("the last rule of a policy matches everyone");
        self.catchments.id(catchment)
    }
}
