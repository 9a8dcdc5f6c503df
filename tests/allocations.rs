//! The query path allocates nothing: counted, for every shape of answer.
#![allow(unsafe_code, reason = "a counting allocator")]

mod support;

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering};

use support::{Engine, healthy, limited, load, query, repository};
use windrose::answer::{Counters, Transport};
use windrose::wire::Rtype;

struct Counting;

static ALLOCATIONS: AtomicUsize = AtomicUsize::new(0);

// SAFETY: everything is the system allocator's; counting does not touch what it returns.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        // SAFETY: the caller's promise is the one that the system allocator asks for.
        unsafe { System.alloc(layout) }
    }
    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        // SAFETY: as above.
        unsafe { System.dealloc(at, layout) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

/// A query for A with options of EDNS.
fn with_options(name: &str, options: &[u8]) -> Vec<u8> {
    let mut query = query(name, Rtype::A, None);
    query[11] = 1;
    query.extend([0, 0, 41, 4, 208, 0, 0, 0, 0, 0, options.len() as u8]);
    query.extend(options);
    query
}

#[test]
fn answering_allocates_nothing() {
    let mut engine = Engine::new(healthy(limited(load(&repository("config/windrose.toml")))), 1).limited();
    let client = Some(([141, 20, 0, 0].into(), 24));
    let queries = [
        query("ns1.example.com", Rtype::A, None),
        query("example.com", Rtype::NS, None),
        query("any.wild.example.com", Rtype::A, client),
        query("nothing.example.com", Rtype::A, client),
        query("docs.example.com", Rtype::AAAA, client),
        query("www.example.com", Rtype::A, client),
        query("static.example.com", Rtype::A, client),
        query("host.lab.example.com", Rtype::A, None),
        query("example.net", Rtype::A, client),
        with_options("www.example.com", &[0, 3, 0, 0, 0, 11, 0, 0, 0, 12, 0, 0]),
        with_options("www.example.com", &[0, 10, 0, 8, 1, 2, 3, 4, 5, 6, 7, 8]),
        with_options("nothing.example.com", &[[0, 10, 0, 24].as_slice(), &[1; 24]].concat()),
        with_options("www.example.com", &[0, 10, 0, 1, 1]),
        vec![0; 40],
    ];
    for query in &queries {
        let before = ALLOCATIONS.load(Ordering::Relaxed);
        // within the rate of one a second, over it and slipping, over it, and unlimited
        for transport in [Transport::Udp, Transport::Udp, Transport::Udp, Transport::Tcp] {
            let _ = engine.ask(query, transport);
        }
        let made = ALLOCATIONS.load(Ordering::Relaxed) - before;
        assert_eq!(made, 0, "{made} allocations for {query:02x?}");
    }
    let Counters { rate_dropped, rate_slipped, .. } = &**engine.worker.counters;
    assert!(rate_dropped.get() > 0 && rate_slipped.get() > 0, "rates were limited");
}
