//! Zones of names at random: whatever may meet does, sooner or later.

use fastrand::Rng;

use crate::types::record;
use crate::zone::Zone;

/// The labels of a soup: few, so that names meet.
const LABELS: [&str; 4] = ["a", "b", "c", "*"];

/// Names of few labels, with kinds and targets at random.
pub(crate) fn soup(zone: &mut Zone, rng: &mut Rng, others: &[String]) {
    zone.subject("soup");
    let mut owners: Vec<String> = (0..30).map(|_| soup_name(rng, 4)).collect();
    owners.sort_by_key(|owner| owner.matches('.').count()); // a DNAME comes before what it would hide
    owners.dedup();
    let (mut hidden, mut cut) = (Vec::new(), Vec::new());
    let mut seen: Vec<String> = Vec::new();
    for owner in owners {
        let below = |above: &[String]| above.iter().any(|above| owner.ends_with(above));
        let wild = owner.starts_with('*');
        // what wildcards below a cut do for glue is not settled
        if below(&hidden) || wild && below(&cut) || seen.contains(&owner) {
            continue;
        }
        match rng.u8(..10) {
            0 | 1 => zone.add(&owner, &format!("CNAME {}", soup_target(rng, others))),
            2 if !wild => {
                zone.add(&owner, &format!("DNAME {}", soup_target(rng, others)));
                hidden.push(format!(".{owner}"));
            }
            3 | 4 if !wild => {
                (0..rng.u8(1..3)).for_each(|_| zone.add(&owner, &format!("NS {}", soup_target(rng, &[]))));
                cut.push(format!(".{owner}"));
            }
            5 => zone.add(&owner, &format!("MX 0 {}", soup_target(rng, others))),
            6 => {
                zone.add(&owner, &record("AAAA", rng));
                zone.add(&owner, &record("TXT", rng));
            }
            _ => zone.add(&owner, &record("A", rng)),
        }
        seen.push(owner);
    }
    (0..20).for_each(|_| zone.name(&soup_name(rng, 5)));
}

fn soup_name(rng: &mut Rng, most: usize) -> String {
    let labels: Vec<&str> = (0..rng.usize(1..=most)).map(|_| LABELS[rng.usize(..LABELS.len())]).collect();
    labels.join(".")
}

/// A name in the soup, or in one of those beside it.
fn soup_target(rng: &mut Rng, others: &[String]) -> String {
    let name = soup_name(rng, 3);
    match rng.u8(..4) {
        0 if !others.is_empty() => format!("{name}.{}", others[rng.usize(..others.len())]),
        _ => name,
    }
}
