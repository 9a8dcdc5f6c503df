//! The query path allocates nothing: counted, for every shape of answer and for what fuzzing found worth keeping.
#![allow(unsafe_code, reason = "a counting allocator")]

#[path = "../fuzz/targets.rs"]
mod targets;

mod support;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use support::shapes::{self, Shape};
use support::{Engine, healthy, limited, repository};
use windrose::answer::{AHEAD, Counters, Transport};

struct Counting;

thread_local! {
    /// Memory taken and given back by this thread.
    static COUNTED: Cell<Counts> = const { Cell::new((0, 0)) };
}

/// Allocations and frees; a reallocation is one of each.
type Counts = (usize, usize);

// SAFETY: everything is the system allocator's; counting does not touch what it returns.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(1, 0);
        // SAFETY: the caller's promise is the one that the system allocator asks for.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        count(0, 1);
        // SAFETY: as above.
        unsafe { System.dealloc(at, layout) }
    }

    unsafe fn realloc(&self, at: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count(1, 1);
        // SAFETY: as above.
        unsafe { System.realloc(at, layout, size) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

fn count(allocations: usize, frees: usize) {
    let (before, freed) = COUNTED.get();
    COUNTED.set((before + allocations, freed + frees));
}

/// Answers a query; panics where that took memory or gave it back.
fn answer(engine: &mut Engine, name: &str, query: &[u8], transport: Transport) {
    let meta = engine.meta(transport);
    let before = COUNTED.get();
    let _ = engine.respond(query, &meta);
    let after = COUNTED.get();
    let (made, freed) = (after.0 - before.0, after.1 - before.1);
    assert_eq!((made, freed), (0, 0), "allocations and frees of {name} over {}: {query:02x?}", transport.name());
}

#[test]
fn what_is_allocated_is_counted() {
    let before = COUNTED.get();
    let mut octets = std::hint::black_box(vec![1]);
    octets.reserve_exact(100);
    drop(std::hint::black_box(octets));
    assert_eq!(COUNTED.get(), (before.0 + 2, before.1 + 2));
}

#[test]
fn answering_allocates_nothing() {
    let mut engine = shapes::engine();
    for Shape { name, query, .. } in shapes::shapes(&mut engine) {
        for transport in Transport::ALL {
            answer(&mut engine, name, &query, transport);
        }
    }
}

#[test]
fn reading_ahead_allocates_nothing() {
    let mut engine = shapes::engine();
    let shapes = shapes::shapes(&mut engine);
    let meta = engine.meta(Transport::Udp);
    for some in shapes.chunks(AHEAD) {
        let queries: Vec<_> = some.iter().map(|shape| (shape.query.clone(), meta)).collect();
        let before = COUNTED.get();
        engine.read_ahead(&queries);
        for (at, (query, meta)) in queries.iter().enumerate() {
            let _ = engine.ask_ahead(at, query, meta);
        }
        assert_eq!(COUNTED.get(), before, "allocations and frees");
    }
}

#[test]
fn limiting_rates_allocates_nothing() {
    let shapes = shapes::shapes(&mut shapes::engine());
    let mut engine = Engine::new(healthy(limited(shapes::loaded())), 1).limited();
    for Shape { name, query, .. } in shapes {
        // within the rate of one a second, over it and slipping, and over it
        (0..4).for_each(|_| answer(&mut engine, name, &query, Transport::Udp));
    }
    let Counters { rate_dropped, rate_slipped, .. } = &**engine.worker.counters;
    assert!(rate_dropped.get() > 0 && rate_slipped.get() > 0, "rates were limited");
}

#[test]
fn odd_queries_allocate_nothing() {
    let mut engine = Engine::new(targets::snapshot(), 1);
    let files = std::fs::read_dir(repository("fuzz/corpus/packet")).expect("a corpus");
    for file in files.map(|entry| entry.expect("a file").path()) {
        let query = std::fs::read(&file).expect("bytes");
        for transport in Transport::ALL {
            answer(&mut engine, &file.display().to_string(), &query, transport);
        }
    }
}
