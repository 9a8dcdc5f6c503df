//! The poller: rhythm, state across reloads and restarts, and what it tells.

use std::collections::HashSet;
use std::net::Ipv4Addr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::time::{Instant, timeout};

use super::check;
use super::origin::{Manner, Origin};
use crate::base::Millis;
use crate::health::{Check, CheckKind, Machine, Outcome, ProbeKey, Reason, TargetView, Verdict};
use crate::probe::target::{Probe, Running};
use crate::probe::{Change, Event, Options, Poller};

/// Long enough for anything here, however busy the machine.
const PATIENCE: Duration = Duration::from_secs(20);

/// The n-th of many targets at one port: 127.1.x.y.
fn key(n: u16, port: u16, check: &Arc<Check>) -> ProbeKey {
    let [high, low] = n.to_be_bytes();
    ProbeKey::new(Arc::clone(check), Ipv4Addr::new(127, 1, high, low).into(), port)
}

/// A probe that does what a closure says, for targets without sockets.
struct Fake(Arc<dyn Fn() -> Outcome + Send + Sync>);

impl Probe for Fake {
    fn run(&self) -> Running<'_> {
        Box::pin(async { (self.0)() })
    }
}

/// A poller whose probes end in what a closure says.
fn fake_poller(outcome: impl Fn() -> Outcome + Send + Sync + 'static) -> (Poller, UnboundedReceiver<Event>) {
    let (events, received) = unbounded_channel();
    let outcome: Arc<dyn Fn() -> Outcome + Send + Sync> = Arc::new(outcome);
    let make = Box::new(move |_: &ProbeKey| Ok(Box::new(Fake(Arc::clone(&outcome))) as Box<dyn Probe>));
    (Poller::with_probes(Handle::current(), events, Options::default(), make), received)
}

fn success() -> Outcome {
    Outcome::Success { latency: Millis(7.0), certificate_expiry: None }
}

/// Waits for the next event.
async fn next(events: &mut UnboundedReceiver<Event>) -> Change {
    timeout(PATIENCE, events.recv()).await.expect("an event in time").expect("a poller").change
}

/// A listener on every loopback address, and the times at which it accepted.
async fn listen_everywhere() -> (u16, Arc<Mutex<Vec<Instant>>>) {
    let socket = tokio::net::TcpSocket::new_v4().expect("a socket");
    socket.bind("0.0.0.0:0".parse().expect("an address")).expect("a free port");
    let listener = socket.listen(4096).expect("a listener");
    let port = listener.local_addr().expect("bound").port();
    let accepted = Arc::new(Mutex::new(Vec::new()));
    let times = Arc::clone(&accepted);
    tokio::spawn(async move {
        while listener.accept().await.is_ok() {
            times.lock().expect("whole").push(Instant::now());
        }
    });
    (port, accepted)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_targets_are_tried_at_once_and_spread_afterwards() {
    const TARGETS: u16 = 2000;
    let (port, accepted) = listen_everywhere().await;
    let (events, _received) = unbounded_channel();
    let poller = Poller::start(Handle::current(), events, Options::default());
    let interval = Duration::from_secs(2);
    let check = Arc::new(Check { interval, timeout: Duration::from_secs(2), ..check(CheckKind::Tcp) });
    let keys: Vec<_> = (0..TARGETS).map(|n| key(n, port, &check)).collect();
    let start = Instant::now();
    poller.set_targets(&keys.iter().cloned().collect());
    timeout(PATIENCE, poller.tried(&keys)).await.expect("all are tried");
    let tried_in = start.elapsed();
    assert!(poller.all_tried(&keys));
    assert!(tried_in < interval, "{tried_in:?}");
    assert!(keys.iter().all(|key| poller.view(key).verdict == Verdict::Up));

    // The rhythm stands one interval after the last first probe; then every slice of an interval holds its part.
    let from = Instant::now() + interval;
    tokio::time::sleep_until(from + interval).await;
    let mut slices = [0; 10];
    for at in accepted.lock().expect("whole").iter().filter(|at| (from..from + interval).contains(at)) {
        slices[((*at - from).as_secs_f64() / interval.as_secs_f64() * 10.0) as usize] += 1;
    }
    let even = usize::from(TARGETS) / 10;
    assert!(slices.iter().all(|count| (even / 2..even * 3 / 2).contains(count)), "{slices:?}");
    assert!(slices.iter().sum::<usize>().abs_diff(usize::from(TARGETS)) < 100, "{slices:?}");
}

#[tokio::test]
async fn equal_targets_keep_state_and_rhythm_and_vanished_ones_stop() {
    let probes = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&probes);
    let (poller, mut events) = fake_poller(move || {
        count.fetch_add(1, Ordering::SeqCst);
        success()
    });
    let equal = || Arc::new(Check { interval: Duration::from_secs(60), ..check(CheckKind::Tcp) });
    let (kept, gone) = (key(1, 80, &equal()), key(2, 80, &equal()));
    poller.set_targets(&HashSet::from([kept.clone(), gone.clone()]));
    timeout(PATIENCE, poller.tried(&[kept.clone(), gone.clone()])).await.expect("both are tried");
    let since = poller.inspect(&kept, Machine::since);
    let new = key(3, 80, &equal());
    poller.set_targets(&HashSet::from([key(1, 80, &equal()), new.clone()]));
    timeout(PATIENCE, poller.tried(&[kept.clone(), new])).await.expect("the new one is tried");
    assert_eq!(poller.inspect(&kept, Machine::since), since);
    assert_eq!(poller.view(&gone), TargetView::default());
    assert_eq!(probes.load(Ordering::SeqCst), 3);
    assert_eq!(poller.len(), 2);
    let up = Change::Verdict { from: Verdict::Unknown, to: Verdict::Up };
    assert_eq!([next(&mut events).await, next(&mut events).await, next(&mut events).await], [up; 3]);
}

#[tokio::test]
async fn a_target_falls_and_rises_in_time_and_tells() {
    let healthy = Arc::new(AtomicBool::new(true));
    let answer = Arc::clone(&healthy);
    let (poller, mut events) =
        fake_poller(move || if answer.load(Ordering::SeqCst) { success() } else { Outcome::Failure(Reason::Refused) });
    let check = Arc::new(Check { interval: Duration::from_millis(200), ..check(CheckKind::Tcp) });
    let key = key(1, 80, &check);
    poller.set_targets(&HashSet::from([key.clone()]));
    assert_eq!(next(&mut events).await, Change::Verdict { from: Verdict::Unknown, to: Verdict::Up });
    healthy.store(false, Ordering::SeqCst);
    let broke = Instant::now();
    assert_eq!(next(&mut events).await, Change::Unsettled);
    assert_eq!(next(&mut events).await, Change::Verdict { from: Verdict::Up, to: Verdict::Down });
    let bound = check.interval + check.recheck + Duration::from_millis(100);
    assert!(broke.elapsed() <= bound, "{:?}", broke.elapsed());
    assert_eq!(poller.inspect(&key, |machine| machine.reason().cloned()), Some(Some(Reason::Refused)));
    healthy.store(true, Ordering::SeqCst);
    assert_eq!(next(&mut events).await, Change::Verdict { from: Verdict::Down, to: Verdict::Up });
}

#[tokio::test]
async fn a_probe_that_panics_is_trouble_of_the_node() {
    let calm = Arc::new(AtomicBool::new(false));
    let answer = Arc::clone(&calm);
    let (poller, mut events) = fake_poller(move || {
        assert!(answer.load(Ordering::SeqCst), "a probe that panics");
        success()
    });
    let check = Arc::new(Check { interval: Duration::from_millis(20), ..check(CheckKind::Tcp) });
    let key = key(1, 80, &check);
    poller.set_targets(&HashSet::from([key.clone()]));
    timeout(PATIENCE, poller.tried(std::slice::from_ref(&key))).await.expect("tried");
    assert_eq!(poller.view(&key).verdict, Verdict::Unknown);
    assert!(poller.troubles() >= 1);
    calm.store(true, Ordering::SeqCst);
    assert_eq!(next(&mut events).await, Change::Verdict { from: Verdict::Unknown, to: Verdict::Up });
}

#[tokio::test]
async fn what_was_exported_is_restored() {
    let (poller, mut events) = fake_poller(|| Outcome::Failure(Reason::Status(503)));
    let key = key(1, 443, &Arc::new(check(CheckKind::Tcp)));
    poller.set_targets(&HashSet::from([key.clone()]));
    next(&mut events).await;
    let json = serde_json::to_string(&poller.export()).expect("plain data");
    drop(poller);

    let (poller, _events) = fake_poller(|| Outcome::OwnTrouble("too many open files".into()));
    poller.restore(serde_json::from_str::<Vec<_>>(&json).expect("what was written"));
    poller.set_targets(&HashSet::from([key.clone()]));
    assert!(poller.all_tried(std::slice::from_ref(&key)));
    assert_eq!(poller.view(&key).verdict, Verdict::Down);
    assert!(poller.view(&key).last_failure.is_some());
    assert_eq!(poller.inspect(&key, |machine| machine.reason().cloned()), Some(Some(Reason::Status(503))));
}

#[tokio::test]
async fn a_check_of_kind_none_is_up_and_never_probed() {
    let (poller, _events) = fake_poller(|| unreachable!("not probed"));
    let key = key(1, 0, &Arc::new(check(CheckKind::None)));
    poller.set_targets(&HashSet::from([key.clone()]));
    assert_eq!(poller.view(&key), TargetView::unprobed());
    assert!(poller.all_tried(&[key]) && poller.is_empty());
}

#[tokio::test]
async fn a_dropped_poller_probes_no_more() {
    let origin = Origin::plain(Manner::Hang).await;
    let (events, mut received) = unbounded_channel();
    let poller = Poller::start(Handle::current(), events, Options::default());
    let check = Arc::new(Check { interval: Duration::from_millis(10), ..check(CheckKind::Tcp) });
    poller.set_targets(&HashSet::from([ProbeKey::new(check, origin.addr.ip(), origin.addr.port())]));
    next(&mut received).await;
    drop(poller);
    let closed = async { while received.recv().await.is_some() {} };
    timeout(PATIENCE, closed).await.expect("its tasks are gone");
}
