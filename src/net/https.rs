//! DNS over HTTPS (RFC 8484): `/dns-query` by GET and POST, over HTTP/2 and HTTP/1.1.
//!
//! axum tells methods and paths apart, hyper reads and writes. A connection that brings no whole query for
//! `Limits::idle` is closed, whatever else it sends; a body must be whole after `Limits::query`. What a client does not
//! take is bounded by streams times what each may have waiting; one that has not taken all of it for `Limits::write` is
//! cut off.

use super::places::Pulse;
use super::server::Stop;
use super::taken::{Waiting, Watched};
use super::tcp::Visit;
use super::worker::Worker;
use super::{Meta, Responder};
use crate::wire::Header;
use axum::body::{Body, Bytes};
use axum::extract::{DefaultBodyLimit, Extension, FromRequest, RawQuery, Request};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Router, http};
use data_encoding::BASE64URL_NOPAD;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use std::fmt;
use std::future::Future;
use std::io;
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep_until, timeout};
use tokio_rustls::server::TlsStream;
use tower::ServiceExt;

/// Where queries are asked (RFC 8484 §4.1.1; the path is what most resolvers are configured with).
const PATH: &str = "/dns-query";
/// What queries and responses are (RFC 8484 §6).
const MESSAGE: &str = "application/dns-message";
/// The longest message.
const LONGEST: usize = u16::MAX as usize;
/// Requests at the same time in a connection: what RFC 9113 §6.5.2 wants at least, so that resolvers are not held up.
const STREAMS: u32 = 100;
/// Octets of headers: a GET with a query of 4,096 octets and what browsers send besides. Smaller refuses those, larger
/// is memory for each connection.
const HEADERS: usize = 1 << 14;
/// Octets of one request, and of all in a connection, that may be on their way.
const WINDOWS: (u32, u32) = (u16::MAX as u32, 1 << 17);
/// Octets of a response that may wait in a stream.
const WAITING: usize = 1 << 14;

/// Answers requests on one thread.
#[derive(Clone)]
pub(super) struct Service {
    router: Router,
    refresh: Arc<dyn Fn() + Send + Sync>,
}

impl Service {
    /// A service of its own responder: axum wants one that may move between threads, which those of streams do not.
    pub(super) fn new<R: Responder>(worker: Worker<R>) -> Self {
        let desk = Arc::new(Mutex::new(Desk { worker, out: vec![0; LONGEST].into() }));
        let (of_get, of_post, of_refresh) = (Arc::clone(&desk), Arc::clone(&desk), desk);
        let by_get = move |client: Extension<Client>, query: RawQuery| async move {
            answered(ask_by_get(&of_get, &client, query.0.as_deref()))
        };
        let by_post = move |client: Extension<Client>, request: Request| async move {
            answered(ask_by_post(&of_post, &client, request).await)
        };
        let router = Router::new().route(PATH, get(by_get).post(by_post)).layer(DefaultBodyLimit::max(LONGEST));
        Self { router, refresh: Arc::new(move || lock(&of_refresh).worker.start_batch()) }
    }

    /// Lets go of what an idle responder would keep from its last query.
    pub(super) fn refresh(&self) {
        (self.refresh)();
    }
}

/// A responder and the room that it writes to.
struct Desk<R> {
    worker: Worker<R>,
    out: Box<[u8]>,
}

/// What is known of the client of a request.
#[derive(Clone, Debug)]
struct Client {
    meta: Meta,
    pulse: Pulse,
    /// How long a body may take.
    patience: Duration,
}

/// Serves a connection to its end; an error says that the client was too slow to take what it asked for.
pub(super) async fn converse(
    stream: TlsStream<TcpStream>,
    service: &Service,
    stop: &Stop,
    visit: &Visit,
) -> io::Result<()> {
    let pulse = visit.place.pulse.clone();
    let client = Client { meta: visit.meta, pulse: pulse.clone(), patience: visit.limits.query };
    let service = service_fn(|mut request: http::Request<Incoming>| {
        request.extensions_mut().insert(client.clone());
        service.router.clone().oneshot(request)
    });
    let http = http();
    let waiting = Waiting::default();
    let stream = TokioIo::new(Watched::new(stream, &waiting));
    let mut connection = pin!(http.serve_connection(stream, service));
    let mut stop = stop.clone();
    loop {
        let idle_at = pulse.last() + visit.limits.idle;
        // looked at again before a wait that has not begun yet could be over
        let until = idle_at.min(waiting.since().unwrap_or_else(Instant::now) + visit.limits.write);
        tokio::select! {
            biased;
            () = stop.signalled() => break,
            // what is wrong is hyper's to tell the client
            _ = connection.as_mut() => return Ok(()),
            () = sleep_until(until) => {}
        }
        let now = Instant::now();
        if waiting.since().is_some_and(|since| since + visit.limits.write <= now) {
            return Err(io::ErrorKind::TimedOut.into());
        }
        if pulse.last() + visit.limits.idle <= now {
            break;
        }
    }
    connection.as_mut().graceful_shutdown();
    // over HTTP/2 the client has a word in this, and may have gone
    let _ = timeout(visit.limits.write, connection).await;
    Ok(())
}

fn http() -> auto::Builder<Local> {
    let mut http = auto::Builder::new(Local);
    // the time that headers may take is that of an idle connection, which runs beside
    http.http1().header_read_timeout(None).max_buf_size(HEADERS);
    http.http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(STREAMS)
        .max_header_list_size(HEADERS as u32)
        .initial_stream_window_size(WINDOWS.0)
        .initial_connection_window_size(WINDOWS.1)
        .max_send_buf_size(WAITING);
    http
}

/// Runs hyper's tasks on the thread of the connection.
#[derive(Clone, Copy)]
struct Local;

impl<F: Future<Output = ()> + 'static> hyper::rt::Executor<F> for Local {
    fn execute(&self, task: F) {
        tokio::task::spawn_local(task);
    }
}

/// Why a request gets no DNS message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Refusal {
    NoQuery,
    NotBase64,
    NotDns,
    Unanswered,
    TooLong,
    MediaType,
    TooSlow,
    Body,
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let (status, why) = match self {
            Self::NoQuery => (StatusCode::BAD_REQUEST, "the query is missing: GET /dns-query?dns=BASE64URL\n"),
            Self::NotBase64 => (StatusCode::BAD_REQUEST, "\"dns\" is not base64url without padding\n"),
            Self::NotDns => (StatusCode::BAD_REQUEST, "that is no DNS query\n"),
            Self::Unanswered => (StatusCode::INTERNAL_SERVER_ERROR, "this query is not answered\n"),
            Self::TooLong => (StatusCode::PAYLOAD_TOO_LARGE, "a DNS message has 65535 octets at most\n"),
            Self::MediaType => {
                (StatusCode::UNSUPPORTED_MEDIA_TYPE, "the content type must be application/dns-message\n")
            }
            Self::TooSlow => (StatusCode::REQUEST_TIMEOUT, "the body took too long\n"),
            Self::Body => (StatusCode::BAD_REQUEST, "the body cannot be read\n"),
        };
        (status, why).into_response()
    }
}

fn answered(asked: Result<Vec<u8>, Refusal>) -> Response {
    let message = match asked {
        Ok(message) => message,
        Err(refusal) => return refusal.into_response(),
    };
    let age = format!("max-age={}", super::freshness::of(&message));
    ([(CONTENT_TYPE, MESSAGE.to_owned()), (CACHE_CONTROL, age)], Body::from(message)).into_response()
}

/// RFC 8484 §4.1.1: the query as base64url in the variable `dns`.
fn ask_by_get<R: Responder>(desk: &Mutex<Desk<R>>, client: &Client, query: Option<&str>) -> Result<Vec<u8>, Refusal> {
    let mut variables = query.unwrap_or_default().split('&');
    let text = variables.find_map(|variable| variable.strip_prefix("dns=")).ok_or(Refusal::NoQuery)?;
    let message = BASE64URL_NOPAD.decode(text.as_bytes()).map_err(|_| Refusal::NotBase64)?;
    ask(desk, client, &message)
}

/// The query as the body.
async fn ask_by_post<R: Responder>(
    desk: &Mutex<Desk<R>>,
    client: &Client,
    request: Request,
) -> Result<Vec<u8>, Refusal> {
    if !is_message(request.headers()) {
        return Err(Refusal::MediaType);
    }
    let body = timeout(client.patience, Bytes::from_request(request, &())).await.map_err(|_| Refusal::TooSlow)?;
    let body = body.map_err(|error| match error.into_response().status() {
        StatusCode::PAYLOAD_TOO_LARGE => Refusal::TooLong,
        _ => Refusal::Body,
    })?;
    ask(desk, client, &body)
}

/// Whether the body is a DNS message; the type has no parameters, and those that are there mean nothing.
fn is_message(headers: &HeaderMap) -> bool {
    let value = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    value.split(';').next().is_some_and(|kind| kind.trim().eq_ignore_ascii_case(MESSAGE))
}

fn ask<R: Responder>(desk: &Mutex<Desk<R>>, client: &Client, query: &[u8]) -> Result<Vec<u8>, Refusal> {
    client.pulse.touch(Instant::now());
    let mut desk = lock(desk);
    let Desk { worker, out } = &mut *desk;
    worker.start_batch();
    // what other transports leave unanswered has a status here
    worker.respond(query, &client.meta, out).map(<[u8]>::to_vec).ok_or_else(|| match Header::parse(query) {
        Some(header) if !header.response => Refusal::Unanswered,
        _ => Refusal::NotDns,
    })
}

/// A desk where something panicked serves on: what it holds is written anew for each query.
fn lock<R>(desk: &Mutex<Desk<R>>) -> std::sync::MutexGuard<'_, Desk<R>> {
    desk.lock().unwrap_or_else(PoisonError::into_inner)
}

impl fmt::Debug for Service {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Service").finish_non_exhaustive()
    }
}
