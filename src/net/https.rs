//! One connection of DNS over HTTPS (RFC 8484): HTTP/2, or HTTP/1.1 where the client knows nothing else.
//!
//! What a request asks is said by [`doh`]; what a responder answers goes back with how long it may be kept. The limits
//! are those of every connection. HTTP adds bounds of its own: what a client may have under way at once, and how large
//! its headers may be.

use super::tcp::Guest;
use super::{Responder, doh};
use axum::Router;
use axum::body::Body;
use axum::http::{Request, Response, StatusCode};
use axum::response::IntoResponse;
use hyper::body::Incoming;
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use hyper_util::server::graceful::GracefulConnection;
use std::cell::Cell;
use std::convert::Infallible;
use std::io;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};
use tokio_rustls::server::TlsStream;
use tower::ServiceExt;

/// Requests under way at once, each connection. A response waits until the client takes it: so many are kept at most.
const STREAMS: u32 = 32;
/// Octets of a request's headers. A query by GET is among them, and few are longer than 512 octets.
const HEADERS: u32 = 16 << 10;
/// Headers of a request over HTTP/1.1.
const MAX_HEADERS: usize = 64;
/// Octets of bodies that may be on their way, each connection.
const WINDOW: u32 = 1 << 17;

/// Serves a connection to its end.
pub(super) async fn converse<R: Responder>(stream: TlsStream<TcpStream>, guest: &Rc<Guest<R>>) {
    let pulse = Rc::new(Pulse { asked: Cell::new(Instant::now()), stuck: Cell::new(None) });
    let is_http2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
    let io = TokioIo::new(Watched { stream, pulse: Rc::clone(&pulse) });
    let host = Rc::new(Host { guest: Rc::clone(guest), router: doh::router(), pulse: Rc::clone(&pulse) });
    let service = service_fn(move |request| {
        let host = Rc::clone(&host);
        async move { Ok::<_, Infallible>(host.answer(request).await) }
    });
    if is_http2 {
        let mut http = http2::Builder::new(Here);
        http.max_concurrent_streams(STREAMS)
            .max_header_list_size(HEADERS)
            .initial_stream_window_size(WINDOW / 2)
            .initial_connection_window_size(WINDOW)
            .max_send_buf_size(1 << 16);
        watch(http.serve_connection(io, service), guest, &pulse).await;
    } else {
        let mut http = http1::Builder::new();
        http.max_buf_size(HEADERS as usize).max_headers(MAX_HEADERS);
        watch(http.serve_connection(io, service), guest, &pulse).await;
    }
}

/// Lets a connection go on until it ends, is idle, does not take its responses, or the server stops.
async fn watch<R: Responder>(connection: impl GracefulConnection, guest: &Guest<R>, pulse: &Pulse) {
    let mut connection = pin!(connection);
    let mut stop = guest.desk.stop.clone();
    let limits = &guest.limits;
    loop {
        let idle_at = pulse.asked.get() + limits.idle_timeout;
        let look_at = idle_at.min(Instant::now() + limits.write_timeout);
        tokio::select! {
            biased;
            _ = connection.as_mut() => return,
            () = stop.signalled() => break,
            () = tokio::time::sleep_until(look_at) => {}
        }
        let now = Instant::now();
        if pulse.stuck.get().is_some_and(|since| now >= since + limits.write_timeout) {
            return;
        }
        if now >= pulse.asked.get() + limits.idle_timeout {
            break;
        }
    }
    connection.as_mut().graceful_shutdown();
    let _ = timeout(limits.write_timeout, connection).await;
}

/// What happens on a connection, as far as time is concerned.
struct Pulse {
    /// When a whole query last came, or the connection began.
    asked: Cell<Instant>,
    /// Since when the client has not taken all that was written.
    stuck: Cell<Option<Instant>>,
}

/// Answers the requests of a connection.
struct Host<R> {
    guest: Rc<Guest<R>>,
    router: Router,
    pulse: Rc<Pulse>,
}

impl<R: Responder> Host<R> {
    async fn answer(&self, request: Request<Incoming>) -> Response<Body> {
        let reading = self.router.clone().oneshot(request.map(Body::new));
        let mut response = match timeout(self.guest.limits.read_timeout, reading).await {
            Ok(Ok(response)) => response,
            Err(_) => StatusCode::REQUEST_TIMEOUT.into_response(),
        };
        match response.extensions_mut().remove() {
            Some(doh::Asked(query)) => self.respond(&query),
            None => response,
        }
    }

    fn respond(&self, query: &[u8]) -> Response<Body> {
        let now = Instant::now();
        self.pulse.asked.set(now);
        self.guest.place.touch(now);
        let desk = &self.guest.desk;
        let (mut worker, mut scratch) = (desk.worker.borrow_mut(), desk.scratch.borrow_mut());
        worker.start_batch();
        match worker.respond(query, &self.guest.meta, &mut scratch.0) {
            Some(response) => doh::response(response),
            None => doh::no_response(query),
        }
    }
}

/// Runs the tasks of a connection on its own thread.
#[derive(Clone, Copy)]
struct Here;

impl<F: Future + 'static> hyper::rt::Executor<F> for Here {
    fn execute(&self, task: F) {
        tokio::task::spawn_local(async {
            task.await;
        });
    }
}

/// Notes how long the client leaves written octets untaken.
struct Watched<S> {
    stream: S,
    pulse: Rc<Pulse>,
}

impl<S> Watched<S> {
    fn note<T>(&self, poll: Poll<T>) -> Poll<T> {
        if poll.is_pending() && self.pulse.stuck.get().is_none() {
            self.pulse.stuck.set(Some(Instant::now()));
        }
        poll
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Watched<S> {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, into)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Watched<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, from: &[u8]) -> Poll<io::Result<usize>> {
        let poll = Pin::new(&mut self.stream).poll_write(context, from);
        self.note(poll)
    }

    /// Only where all is flushed the client has taken it all.
    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let poll = Pin::new(&mut self.stream).poll_flush(context);
        let flushed = ready!(self.note(poll));
        self.pulse.stuck.set(None);
        Poll::Ready(flushed)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let poll = Pin::new(&mut self.stream).poll_shutdown(context);
        self.note(poll)
    }
}
