//! Routes, and the server at a glance.

use std::collections::BTreeMap;

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router, middleware};
use serde::{Deserialize, Serialize};

use crate::control::Handle;
use crate::health::Verdict;
use crate::probe::clock;

use super::things::{Database, database, policies, pools, targets, zones};
use super::{explain, guard, metrics, ready};

/// Paths that may be read.
pub const ROUTES: [&str; 10] = [
    "/v1/status",
    "/v1/zones",
    "/v1/pools",
    "/v1/targets",
    "/v1/policies",
    "/v1/explain",
    "/live",
    "/ready",
    "/metrics",
    "/",
];

/// The server at a glance.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Status {
    /// Of the program.
    pub version: String,
    /// When it was started, in seconds since 1970.
    pub started: u64,
    /// Seconds since then.
    pub uptime: u64,
    /// What is answered from.
    pub snapshot: SnapshotStatus,
    /// How reloads went.
    pub reloads: Reloads,
    /// Where queries are answered: address and protocol.
    pub listeners: Vec<String>,
    /// How many zones are served.
    pub zones: usize,
    /// How many names are steered.
    pub steered_names: usize,
    /// How many policies there are.
    pub policies: usize,
    /// How many targets are in which state.
    pub targets: Targets,
    /// Queries answered since the start.
    pub queries: u64,
    /// Responses over the rate of `[rate_limit]`: `dropped`, `slipped`, and `sent` by a dry run.
    #[serde(default)]
    pub over_rate: BTreeMap<String, u64>,
    /// The geo databases.
    pub databases: Vec<Database>,
}

/// What is answered from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SnapshotStatus {
    /// Rises by one with each.
    pub generation: u64,
    /// Seconds since it was published.
    pub age: f64,
    /// Milliseconds that its building took.
    pub build_ms: f64,
}

/// How reloads went.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Reloads {
    /// Taken since the start.
    pub taken: u64,
    /// Refused since the start, for errors in the files.
    pub refused: u64,
    /// When the last one was, in seconds since 1970.
    pub last: Option<u64>,
    /// Whether it was taken. If not, what is served is not what the files say.
    pub last_taken: Option<bool>,
    /// The first error of the last one, if it was refused.
    pub error: Option<String>,
}

/// How many targets are in which state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Targets {
    /// Answer as expected, or are not probed.
    pub up: usize,
    /// Do not.
    pub down: usize,
    /// Not known yet.
    pub unknown: usize,
}

/// What may be read, for HTTP over TCP.
pub(super) fn readable(handle: Handle) -> Router {
    routes().layer(middleware::from_fn(guard::guard)).with_state(handle)
}

/// Everything, for the Unix socket.
pub(super) fn writable(handle: Handle) -> Router {
    routes().route("/v1/reload", post(reload)).with_state(handle)
}

fn routes() -> Router<Handle> {
    Router::new()
        .route("/", get(index))
        .route("/v1/status", get(|State(handle): State<Handle>| gather(handle, status)))
        .route("/v1/zones", get(|State(handle): State<Handle>| gather(handle, zones)))
        .route("/v1/pools", get(|State(handle): State<Handle>| gather(handle, pools)))
        .route("/v1/targets", get(|State(handle): State<Handle>| gather(handle, targets)))
        .route("/v1/policies", get(|State(handle): State<Handle>| gather(handle, policies)))
        .route("/v1/explain", get(explain::answer))
        .route("/live", get(|| async { "alive\n" }))
        .route("/ready", get(answer_ready))
        .route("/metrics", get(answer_metrics))
        .fallback(|| async { (StatusCode::NOT_FOUND, "no such path; / lists them\n") })
}

/// Gathers something where it delays neither probes nor verdicts.
async fn gather<T: Serialize + Send + 'static>(handle: Handle, what: fn(&Handle) -> T) -> Response {
    match tokio::task::spawn_blocking(move || what(&handle)).await {
        Ok(gathered) => Json(gathered).into_response(),
        Err(panic) => (StatusCode::INTERNAL_SERVER_ERROR, format!("{panic}\n")).into_response(),
    }
}

async fn index() -> String {
    ROUTES.iter().map(|route| format!("{route}\n")).collect()
}

async fn answer_ready(State(handle): State<Handle>) -> Response {
    match ready::ready(&handle).await {
        Ok(()) => "ready\n".into_response(),
        Err(why) => (StatusCode::SERVICE_UNAVAILABLE, format!("{why}\n")).into_response(),
    }
}

async fn answer_metrics(State(handle): State<Handle>) -> Response {
    let rendered = tokio::task::spawn_blocking(|| metrics::render(handle)).await;
    match rendered.unwrap_or(Err(std::fmt::Error)) {
        Ok(text) => ([(header::CONTENT_TYPE, metrics::CONTENT_TYPE)], text).into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, format!("{error}\n")).into_response(),
    }
}

/// 200 where the new files are served, 422 where they have errors.
async fn reload(State(handle): State<Handle>) -> Response {
    match handle.reload("asked for over the admin API").await {
        Some(reloaded) if reloaded.taken => Json(reloaded).into_response(),
        Some(reloaded) => (StatusCode::UNPROCESSABLE_ENTITY, Json(reloaded)).into_response(),
        None => (StatusCode::SERVICE_UNAVAILABLE, "the server is stopping\n").into_response(),
    }
}

fn status(handle: &Handle) -> Status {
    let now = clock::now();
    let snapshot = handle.control.published().load_full();
    let built = handle.control.built();
    let history = handle.serving.history();
    let sums = handle.control.tallies().sums();
    let mut targets = Targets::default();
    for view in &snapshot.board.targets {
        match view.verdict {
            Verdict::Up => targets.up += 1,
            Verdict::Down => targets.down += 1,
            Verdict::Unknown => targets.unknown += 1,
        }
    }
    Status {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        started: handle.serving.started.wall,
        uptime: now.mono.since(handle.serving.started.mono).as_secs(),
        snapshot: SnapshotStatus {
            generation: snapshot.generation,
            age: now.mono.since(built.at).as_secs_f64(),
            build_ms: built.took.as_secs_f64() * 1000.0,
        },
        reloads: Reloads {
            taken: history.taken,
            refused: history.refused,
            last: history.last.map(|(at, _)| at.wall),
            last_taken: history.last.map(|(_, taken)| taken),
            error: history.error,
        },
        listeners: handle.serving.listeners().iter().map(|(what, at)| format!("{at} ({})", what.protocol)).collect(),
        zones: snapshot.loaded.zones.iter().count(),
        steered_names: snapshot.loaded.steering.names.len(),
        policies: snapshot.loaded.steering.policies.len(),
        targets,
        queries: sums.queries.values().sum(),
        over_rate: sums.over_rate.into_iter().map(|(what, count)| (what.to_owned(), count)).collect(),
        databases: snapshot.loaded.databases.iter().map(database).collect(),
    }
}
