//! `respond` by the shape of the answer, on the shipped configuration with everything up.

#[path = "../tests/support/mod.rs"]
mod support;

use criterion::{Criterion, criterion_group, criterion_main};
use support::{Engine, healthy, query, shipped};
use windrose::answer::Transport;
use windrose::wire::Rtype;

fn respond(criterion: &mut Criterion) {
    let mut engine = Engine::new(healthy(shipped()), 1);
    let germany = Some(([53, 0, 1, 0].into(), 24));
    let shapes = [
        ("static", query("ns1.example.com", Rtype::A, None)),
        ("static, several records", query("example.com", Rtype::NS, None)),
        ("wildcard", query("any.wild.example.com", Rtype::A, None)),
        ("no such name", query("nothing.example.com", Rtype::A, None)),
        ("steered", query("www.example.com", Rtype::A, None)),
        ("steered, client subnet", query("www.example.com", Rtype::A, germany)),
    ];
    let mut group = criterion.benchmark_group("respond");
    for (name, query) in shapes {
        let answer = engine.message(&query);
        assert!(!answer.answers.is_empty() || name == "no such name", "{name} is not answered");
        group.bench_function(name, |bencher| bencher.iter(|| engine.ask(&query, Transport::Udp).map(<[u8]>::len)));
    }
    group.finish();
    limited(criterion);
}

/// What asking the table of rates costs: compare with "static" above.
fn limited(criterion: &mut Criterion) {
    let loaded = support::limited(support::load(&support::repository("config/windrose.toml")));
    let mut engine = Engine::new(healthy(loaded), 1).limited();
    let query = query("ns1.example.com", Rtype::A, None);
    let mut group = criterion.benchmark_group("rate limit");
    group.bench_function("static, within the rate", |bencher| {
        bencher.iter(|| {
            engine.now.mono.0 += 1000;
            engine.ask(&query, Transport::Udp).map(<[u8]>::len)
        });
    });
    group.bench_function("static, over the rate", |bencher| {
        bencher.iter(|| engine.ask(&query, Transport::Udp).map(<[u8]>::len));
    });
    group.finish();
}

criterion_group!(benches, respond);
criterion_main!(benches);
