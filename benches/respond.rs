//! `respond` alone, by the shape of the answer, with everything up.

#[path = "../tests/support/mod.rs"]
mod support;

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use support::shapes::{self, Shape};
use support::{Engine, healthy, limited};
use windrose::answer::Transport;

fn respond(criterion: &mut Criterion) {
    let mut engine = shapes::engine();
    let mut group = criterion.benchmark_group("respond");
    for Shape { name, query, transport, .. } in shapes::shapes(&mut engine) {
        let meta = engine.meta(transport);
        group.bench_function(name, |bencher| bencher.iter(|| engine.respond(black_box(&query), &meta)));
    }
    group.finish();
}

/// What asking the table of rates costs: compare with "static" above.
fn rate_limit(criterion: &mut Criterion) {
    let shapes = shapes::shapes(&mut shapes::engine());
    let Shape { query, .. } = shapes.first().expect("static");
    let mut engine = Engine::new(healthy(limited(shapes::loaded())), 1).limited();
    let meta = engine.meta(Transport::Udp);
    let mut group = criterion.benchmark_group("rate limit");
    group.bench_function("static, within the rate", |bencher| {
        bencher.iter(|| {
            engine.now.mono.0 += 1000;
            engine.respond(black_box(query), &meta)
        });
    });
    group.bench_function("static, over the rate", |bencher| {
        bencher.iter(|| engine.respond(black_box(query), &meta));
    });
    group.finish();
}

criterion_group!(benches, respond, rate_limit);
criterion_main!(benches);
