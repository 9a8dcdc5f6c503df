//! `/metrics`: what is counted, as OpenMetrics text. Nothing is kept for it: it is summed and read when it is asked for.

use std::fmt::{self, Debug};

use prometheus_client::collector::Collector;
use prometheus_client::encoding::text::encode;
use prometheus_client::encoding::{DescriptorEncoder, EncodeLabelSet, EncodeMetric, MetricEncoder, NoLabelSet};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::{Registry, Unit};

use crate::control::{Handle, Sums};
use crate::health::Machine;
use crate::net::BatchTimes;
use crate::probe::clock;
use crate::snapshot::Snapshot;
use crate::steer::{Assume, standings};

/// What the text is.
pub(super) const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// The text.
pub(super) fn render(handle: Handle) -> Result<String, fmt::Error> {
    let mut registry = Registry::with_prefix("windrose");
    registry.register_collector(Box::new(Collected(handle)));
    let mut text = String::new();
    encode(&mut text, &registry)?;
    Ok(text)
}

struct Collected(Handle);

impl Debug for Collected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Collected")
    }
}

impl Collector for Collected {
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let mut out = Out(encoder);
        let handle = &self.0;
        let sums = handle.control.tallies().sums();
        queries(&mut out, &sums)?;
        steered(&mut out, &sums)?;
        sockets(&mut out, handle)?;
        control(&mut out, handle)?;
        let snapshot = handle.control.published().load_full();
        targets(&mut out, handle, &snapshot)?;
        pools(&mut out, &snapshot)
    }
}

/// Writes families.
struct Out<'e>(DescriptorEncoder<'e>);

impl Out<'_> {
    fn counters<L: EncodeLabelSet>(
        &mut self,
        name: &str,
        help: &str,
        counts: impl IntoIterator<Item = (L, u64)>,
    ) -> fmt::Result {
        let mut family = self.0.encode_descriptor(name, help, None, MetricType::Counter)?;
        for (labels, count) in counts {
            ConstCounter::new(count).encode(family.encode_family(&labels)?)?;
        }
        Ok(())
    }

    fn histogram(&mut self, name: &str, help: &str, unit: &Unit, times: &BatchTimes) -> fmt::Result {
        let mut encoder = self.0.encode_descriptor(name, help, Some(unit), MetricType::Histogram)?;
        let count = times.ranges.iter().map(|(_, count)| count).sum();
        encoder.encode_histogram::<NoLabelSet>(times.seconds, count, &times.ranges, None)
    }

    fn gauges<L: EncodeLabelSet>(
        &mut self,
        name: &str,
        help: &str,
        unit: Option<&Unit>,
        values: impl IntoIterator<Item = (L, f64)>,
    ) -> fmt::Result {
        let mut family: MetricEncoder<'_> = self.0.encode_descriptor(name, help, unit, MetricType::Gauge)?;
        for (labels, value) in values {
            ConstGauge::new(value).encode(family.encode_family(&labels)?)?;
        }
        Ok(())
    }

    fn gauge(&mut self, name: &str, help: &str, unit: Option<&Unit>, value: f64) -> fmt::Result {
        ConstGauge::new(value).encode(self.0.encode_descriptor(name, help, unit, MetricType::Gauge)?)
    }

    fn counter(&mut self, name: &str, help: &str, count: u64) -> fmt::Result {
        ConstCounter::new(count).encode(self.0.encode_descriptor(name, help, None, MetricType::Counter)?)
    }
}

fn queries(out: &mut Out<'_>, sums: &Sums) -> fmt::Result {
    let counts = sums.queries.iter();
    let counts = counts.map(|(&(transport, rtype, rcode), &count)| {
        ([("transport", transport), ("type", rtype), ("rcode", rcode)], count)
    });
    out.counters("queries", "Queries answered, by transport, type and response code", counts)?;
    let zones = sums.zones.iter().map(|(zone, &count)| ([("zone", zone.as_str())], count));
    out.counters("zone_queries", "Queries answered, by the zone of the name asked", zones)?;
    out.counter("dropped", "Packets that got no response: not DNS queries", sums.dropped)?;
    out.counter("truncated", "Responses cut short by TC", sums.truncated)?;
    let over = sums.over_rate.iter().map(|(&what, &count)| ([("what", what)], count));
    out.counters("over_rate", "Responses over the rate of [rate_limit], by what became of them", over)
}

fn steered(out: &mut Out<'_>, sums: &Sums) -> fmt::Result {
    let policies = sums.policies.iter();
    let policies = policies.map(|((policy, what), &count)| ([("policy", policy.as_str()), ("answer", *what)], count));
    out.counters("steered_answers", "Answers of steered names, by policy and what it answered", policies)?;
    let pools = sums.pools.iter().map(|(pool, &count)| ([("pool", pool.as_str())], count));
    out.counters("pool_answers", "Answers of steered names, by the pool they were drawn from", pools)
}

fn sockets(out: &mut Out<'_>, handle: &Handle) -> fmt::Result {
    let counts = handle.serving.sockets.counts();
    out.gauge("tcp_connections", "Connections open, over TCP, TLS and HTTPS", None, counts.tcp_open as f64)?;
    out.counter("tcp_evicted", "Idle connections that gave way to new ones", counts.tcp_evicted)?;
    out.counter("tcp_refused", "Connections refused or not accepted", counts.tcp_refused)?;
    out.counter("tcp_cut", "Connections whose client was too slow to ask or to read", counts.tcp_cut)?;
    out.counter("listeners_lost", "Listeners that stopped serving for a fault", counts.listeners_lost)?;
    out.counter("udp_ignored", "Datagrams not looked at: too long, or from port 0", counts.udp_ignored)?;
    out.counter("udp_unsent", "Responses that the kernel did not take", counts.udp_unsent)?;
    let overflowed = "Datagrams that the kernel dropped as a socket's receive buffer was full";
    out.counter("udp_overflowed", overflowed, counts.udp_overflowed)?;
    let took = "From when a batch of datagrams is there until its responses are sent, one batch of many timed";
    out.histogram("udp_batch", took, &Unit::Seconds, &handle.serving.sockets.batch_times())?;
    out.counter("panics", "Queries that were not answered for a fault of the program", counts.panics)
}

fn control(out: &mut Out<'_>, handle: &Handle) -> fmt::Result {
    let (now, built) = (clock::now(), handle.control.built());
    let history = handle.serving.history();
    let reloads = [([("result", "taken")], history.taken), ([("result", "refused")], history.refused)];
    let generation = handle.control.published().load().generation;
    out.counters("reloads", "Reloads, by whether the new files are served", reloads)?;
    let last = history.last.is_none_or(|(_, taken)| taken);
    out.gauge(
        "reload_ok",
        "1 while what is served is what the files said at the last reload",
        None,
        f64::from(u8::from(last)),
    )?;
    out.counter("snapshots", "Snapshots published", generation)?;
    let age = now.mono.since(built.at).as_secs_f64();
    out.gauge("snapshot_age", "Since the newest snapshot was published", Some(&Unit::Seconds), age)?;
    out.gauge("snapshot_build", "What building it took", Some(&Unit::Seconds), built.took.as_secs_f64())?;
    out.counter("probe_troubles", "Probes that met this node's own trouble", handle.control.poller().troubles())?;
    out.gauge("start_time", "When the server was started", Some(&Unit::Seconds), handle.serving.started.wall as f64)
}

/// What is known of one target.
struct Target {
    labels: [(&'static str, String); 2],
    up: f64,
    latency: Option<f64>,
    failures: u32,
    expiry: Option<u64>,
}

type Labels<'a> = [(&'static str, &'a str); 2];

impl Target {
    fn labels(&self) -> Labels<'_> {
        let [(target, probed), (endpoints, names)] = &self.labels;
        [(target, probed), (endpoints, names)]
    }
}

fn targets(out: &mut Out<'_>, handle: &Handle, snapshot: &Snapshot) -> fmt::Result {
    let probed = snapshot.loaded.steering.targets.iter().filter_map(|target| Some((target, target.key.as_ref()?)));
    let read = |(target, key): (&crate::steer::Target, _)| {
        let labels = [("target", format!("{key}")), ("endpoints", target.endpoints.join(" "))];
        handle.control.poller().inspect(key, |machine: &Machine| Target {
            labels,
            up: match machine.verdict() {
                crate::health::Verdict::Up => 1.0,
                crate::health::Verdict::Down => 0.0,
                crate::health::Verdict::Unknown => 0.5,
            },
            latency: machine.view().latency.map(|latency| f64::from(latency.0) / 1000.0),
            failures: machine.failures(),
            expiry: machine.certificate_expiry(),
        })
    };
    let targets: Vec<Target> = probed.filter_map(read).collect();
    let each = |value: fn(&Target) -> Option<f64>| -> Vec<(Labels<'_>, f64)> {
        targets.iter().filter_map(|target| Some((target.labels(), value(target)?))).collect()
    };
    out.gauges("target_up", "Verdicts: 1 up, 0 down, 0.5 unknown", None, each(|target| Some(target.up)))?;
    let latency = "Latency of a target's probes, smoothed";
    out.gauges("target_latency", latency, Some(&Unit::Seconds), each(|target| target.latency))?;
    let failures = "How many probes of a target have failed in a row";
    out.gauges("target_failures", failures, None, each(|target| Some(f64::from(target.failures))))?;
    let expiry = "When a target's certificate expires, since 1970";
    out.gauges(
        "target_certificate_expiry",
        expiry,
        Some(&Unit::Seconds),
        each(|target| target.expiry.map(|at| at as f64)),
    )
}

fn pools(out: &mut Out<'_>, snapshot: &Snapshot) -> fmt::Result {
    let steering = &snapshot.loaded.steering;
    let standings = standings(steering, &snapshot.board, Assume::Board);
    let healthy = steering.pools.iter().zip(&standings);
    let healthy =
        healthy.map(|(pool, standing)| ([("pool", pool.name.as_str())], f64::from(u8::from(standing.healthy))));
    out.gauges("pool_healthy", "1 where a pool reaches min_healthy in every family it has", None, healthy)
}
