//! Zones from a seed: sixty and more that one server serves, and a few that go with a root zone of their own.

use fastrand::Rng;

use crate::names::Name;
use crate::scenes;
use crate::soup;
use crate::types;
use crate::zone::Zone;

/// Zones that one server serves together.
pub(crate) struct Universe {
    pub(crate) zones: Vec<Zone>,
    /// Their names, in lower case.
    pub(crate) origins: Vec<Name>,
}

/// All zones of a seed.
pub(crate) fn universes(seed: u64) -> Vec<Universe> {
    let mut rng = Rng::with_seed(seed);
    vec![Universe::new(many(&mut rng)), Universe::new(below_root(&mut rng))]
}

impl Universe {
    fn new(zones: Vec<Zone>) -> Self {
        let lowered = |zone: &Zone| Name(zone.origin.0.iter().map(|label| label.to_ascii_lowercase()).collect());
        Self { origins: zones.iter().map(lowered).collect(), zones }
    }
}

/// Zones of all kinds.
fn many(rng: &mut Rng) -> Vec<Zone> {
    let mut zones = Vec::new();
    for at in 0..40 {
        let origin = match at % 5 {
            0 => format!("z{at}.test."),
            1 => format!("Zone{at}.Example."),
            2 => format!("z{at}.a.b.c.test."),
            3 => format!("z{at}."),
            _ => format!("x-{at}.{}.test.", "long-label".repeat(4)),
        };
        let mut zone = Zone::new(&origin, rng);
        furnish(&mut zone, rng, at);
        zones.push(zone);
    }
    zones.extend(families(rng));
    zones.extend(crossings(rng));
    zones.extend(apexes(rng));
    zones.extend(soups(rng));
    zones
}

/// Two to four situations.
fn furnish(zone: &mut Zone, rng: &mut Rng, number: usize) {
    scenes::hosts(zone, rng, "hosts");
    // each situation comes up in several zones, whatever is drawn
    for kind in [number % 10, rng.usize(..10), rng.usize(..10)] {
        let tag = format!("s{kind}-{}", zone.lines.len());
        match kind {
            0 => scenes::wildcards(zone, rng, &tag),
            1 => scenes::leading_wildcards(zone, rng, &tag),
            2 => scenes::cuts(zone, rng, &tag),
            3 => scenes::many_servers(zone, rng, &tag),
            4 => scenes::dnames(zone, rng, &tag),
            5 => scenes::chains(zone, rng, &tag),
            6 => scenes::odd_labels(zone, rng, &tag),
            7 => scenes::big(zone, rng, &tag),
            8 => types::services(zone, rng, &tag),
            _ => scenes::wildcards(zone, rng, &tag),
        }
    }
    match number {
        3 => types::every_type(zone, rng),
        4 => types::every_text(zone),
        7 | 8 => scenes::long_chain(zone, "chain", 5 + number as u8),
        11 => scenes::wildcard_ns(zone, "wns"),
        12 => scenes::wildcard_dname(zone, "wdn"),
        13 => zone.add("*", "TXT \"at the apex\""),
        14 => zone.add("*", "CNAME ns1"),
        16 => scenes::huge(zone, "huge"),
        _ => {}
    }
}

/// Parents and children, both served here.
fn families(rng: &mut Rng) -> Vec<Zone> {
    let mut zones = Vec::new();
    for at in 0..4 {
        let origin = format!("p{at}.family.");
        let mut parent = Zone::new(&origin, rng);
        scenes::hosts(&mut parent, rng, "hosts");
        parent.subject("family");
        for child in ["c", "d"] {
            parent.add(child, &format!("NS ns.{child}"));
            parent.add(&format!("ns.{child}"), "A 192.0.2.41");
            parent.add(&format!("deep.{child}"), "TXT \"hidden by the child\"");
        }
        parent.add("c", "DS 60485 13 2 d4b7d520e7bb5f0f67674a0cceb1e3e0614b93c4f9e99b8383f6a1e4469da50a");
        parent.add("to-child", "CNAME www.c");
        parent.add("to-nothing", "CNAME nothing.c");
        parent.add("to-cut", "CNAME cut.c");
        parent.add("mx", "MX 10 www.c");
        if at % 2 == 0 {
            parent.add("*", "TXT \"of the parent\"");
        }
        zones.push(parent);
        for label in ["c", "d"] {
            let mut child = Zone::new(&format!("{label}.{origin}"), rng);
            child.subject("family");
            child.add("ns", "A 192.0.2.42");
            child.add("www", &types::record("A", rng));
            child.add("cut", "NS ns.cut");
            child.add("ns.cut", "A 192.0.2.43");
            child.add("to-parent", &format!("CNAME h0.hosts.{origin}"));
            child.add("to-sibling", &format!("CNAME www.d.{origin}"));
            child.add("up", &format!("DNAME {origin}"));
            child.name("www.c.up");
            if at % 2 == 1 {
                child.add("*", "TXT \"of the child\"");
            }
            zones.push(child);
        }
    }
    zones
}

/// Zones that lead into one another.
fn crossings(rng: &mut Rng) -> Vec<Zone> {
    let mut zones: Vec<Zone> = (0..4).map(|at| Zone::new(&format!("cross{at}.test."), rng)).collect();
    for (at, zone) in zones.iter_mut().enumerate() {
        let next = format!("cross{}.test.", (at + 1) % 4);
        scenes::hosts(zone, rng, "hosts");
        zone.subject("crossing");
        zone.add("www", &types::record("A", rng));
        zone.add("cut", "NS ns.cut");
        zone.add("ns.cut", "A 192.0.2.44");
        zone.add("*.wild", &types::record("A", rng));
        for (label, target) in
            [("c", "www"), ("n", "nothing"), ("e", "hosts"), ("r", "x.cut"), ("w", "x.wild"), ("a", "c")]
        {
            zone.add(label, &format!("CNAME {target}.{next}"));
        }
        zone.add("loop", &format!("CNAME loop.{next}"));
        zone.add("apex", &format!("CNAME {next}"));
        zone.add("*.wc", &format!("CNAME www.{next}"));
        zone.add("d", &format!("DNAME {next}"));
        zone.add("dd", &format!("DNAME d.{next}"));
        zone.add("mx", &format!("MX 10 www.{next}"));
        zone.add("sub", &format!("NS www.{next}"));
        for name in ["www.d", "nothing.d", "x.cut.d", "c.d", "www.dd", "x.wild.d", "x.wc", "x.wc.d", "loop.d", "x.sub"]
        {
            zone.name(name);
        }
    }
    zones
}

/// Zones of names at random that lead into one another, one of them below another.
fn soups(rng: &mut Rng) -> Vec<Zone> {
    let mut origins: Vec<String> = (0..15).map(|at| format!("soup{at}.test.")).collect();
    origins.push("sub.soup0.test.".to_owned());
    let furnished = |origin: &String| {
        let mut zone = Zone::new(origin, rng);
        soup::soup(&mut zone, rng, &origins);
        zone
    };
    origins.iter().map(furnished).collect()
}

/// Zones of an apex, some with what is rare there.
fn apexes(rng: &mut Rng) -> Vec<Zone> {
    let mut zones = Vec::new();
    for at in 0..5 {
        let mut zone = Zone::bare(&format!("apex{at}.test."), rng);
        zone.subject("apex-only");
        zone.add("@", "NS ns.elsewhere.invalid.");
        match at {
            0 => {}
            1 => zone.add("@", "A 192.0.2.51"),
            2 => zone.add("@", "NS @"),
            3 => {
                zone.add("@", "DNAME apex4.test.");
                zone.add("@", "TXT \"beside DNAME\"");
                zone.name("www");
                zone.name("deep.www");
            }
            _ => {
                zone.add("@", "MX 0 @");
                zone.add("@", "A 192.0.2.52");
                zone.add("*", "A 192.0.2.54");
                zone.add("www", "A 192.0.2.53");
            }
        }
        zones.push(zone);
    }
    zones
}

/// A root zone, a zone below it, and one at a distance.
fn below_root(rng: &mut Rng) -> Vec<Zone> {
    let mut root = Zone::bare(".", rng);
    root.subject("root");
    root.add("@", "NS a.root");
    root.add("a.root", "A 192.0.2.61");
    root.add("tld", "NS ns.tld");
    root.add("ns.tld", "A 192.0.2.62");
    root.add("other", "NS ns.other");
    root.add("other", "DS 1 13 2 d4b7d520e7bb5f0f67674a0cceb1e3e0614b93c4f9e99b8383f6a1e4469da50a");
    root.add("ns.other", "A 192.0.2.63");
    root.add("far.away", "NS ns1.far.away");
    root.add("*.wild", "TXT wild");
    root.add("d", "DNAME tld");
    root.add("c", "CNAME www.tld");
    root.add("c2", "CNAME nothing");
    root.name("www.d");
    root.name("ns.d");
    let mut tld = Zone::new("tld.", rng);
    tld.subject("below-root");
    scenes::hosts(&mut tld, rng, "hosts");
    scenes::cuts(&mut tld, rng, "cuts");
    tld.add("www", "A 192.0.2.64");
    tld.add("up", "DNAME .");
    tld.name("c.up");
    tld.name("a.root.up");
    let mut far = Zone::new("far.away.", rng);
    far.subject("below-root");
    scenes::chains(&mut far, rng, "chains");
    vec![root, tld, far]
}
