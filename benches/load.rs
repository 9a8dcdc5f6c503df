//! How long loading takes and what it costs in memory: a zone of a million records, and geo databases named by
//! `WINDROSE_GEO` (paths with `:` between; default: the shipped one). Prints one line each.
#![allow(clippy::disallowed_methods, reason = "a measurement reads the clock")]
#![allow(clippy::print_stdout, reason = "its output")]

use std::fmt::Write;
use std::time::Instant;

use windrose::base::{FileId, PolicyId, Sources};
use windrose::geo::{Database, merge};
use windrose::steer::catchment_maps;
use windrose::zone;

const NAMES: usize = 500_000;

fn main() {
    // cargo's `--test` mode only asks whether it runs
    let names = if std::env::args().any(|arg| arg == "--test") { 1_000 } else { NAMES };
    load_zone(names);
    load_geo();
}

/// Resident and peak memory in MiB.
fn memory() -> (f64, f64) {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let field = |name: &str| {
        let line = status.lines().find(|line| line.starts_with(name));
        line.and_then(|line| line.split_whitespace().nth(1)?.parse::<f64>().ok()).unwrap_or(f64::NAN) / 1024.0
    };
    (field("VmRSS:"), field("VmHWM:"))
}

fn load_zone(names: usize) {
    let mut text = String::from("$TTL 3600\n@ SOA ns1 hostmaster 1 7200 3600 1209600 300\n@ NS ns1\nns1 A 192.0.2.1\n");
    for at in 0..names {
        writeln!(text, "host{at:06} A 192.0.{}.{}\n  TXT \"record number {at}\"", at / 256 % 256, at % 256)
            .expect("a string takes all");
    }
    let bytes = text.len();
    let (before, _) = memory();
    let start = Instant::now();
    let mut sources = Sources::default();
    let file = sources.add("million.zone", text.into_bytes());
    let origin = "example.com".parse().expect("a name");
    let mut no_includes = |_: &mut Sources, _: &str, _: FileId| Err(String::from("no includes here"));
    let (builder, found) = zone::parse(&mut sources, file, &origin, &mut no_includes);
    let parsed = start.elapsed();
    assert!(found.is_empty(), "{}", sources.one_line(&found[0]));
    let (zone, _) = builder.finish().expect("a sound zone");
    let finished = start.elapsed();
    drop(sources);
    let (resident, peak) = memory();
    println!(
        "zone of {} records, {:.1} MiB of text: parsed in {:.2} s, ready in {:.2} s; {:.0} MiB more resident, peak {peak:.0} MiB",
        zone.record_count(),
        bytes as f64 / 1048576.0,
        parsed.as_secs_f64(),
        finished.as_secs_f64(),
        resident - before,
    );
}

fn load_geo() {
    let shipped = concat!(env!("CARGO_MANIFEST_DIR"), "/geo/country.mmdb");
    let paths = std::env::var("WINDROSE_GEO").unwrap_or_else(|_| shipped.into());
    let config = concat!(env!("CARGO_MANIFEST_DIR"), "/config/windrose.toml");
    let loaded = windrose::control::load(config.as_ref()).map(|(setup, _)| setup.loaded).expect("the shipped files");
    let start = Instant::now();
    let (mut networks, mut databases) = (0, Vec::new());
    for path in paths.split(':') {
        let database = Database::read(&std::fs::read(path).expect("a file")).expect("a database");
        networks += database.info.networks;
        databases.push(database.locations);
    }
    let locations = merge(databases);
    let walked = start.elapsed();
    let maps = catchment_maps(&loaded.steering, &locations);
    let folded = start.elapsed();
    let (_, peak) = memory();
    drop(locations);
    let (resident, _) = memory();
    let first = &maps[PolicyId(0)];
    println!(
        "geo, {networks} networks: walked in {:.2} s, catchments of {} policies ready in {:.2} s ({:.1} MiB and {} \
         catchments in the first); {resident:.0} MiB resident, peak {peak:.0} MiB",
        walked.as_secs_f64(),
        maps.len(),
        folded.as_secs_f64(),
        first.octets() as f64 / 1048576.0,
        first.catchments.len(),
    );
}
