//! What an HTTP request asks, and what its response says (RFC 8484); without a socket.
//!
//! The handlers do not answer: those of axum may run on any thread, a responder only on its own. They hand the query on
//! in an [`Asked`], beside an empty response.

use super::stream::LONGEST;
use crate::wire::{HEADER_LEN, Header, Rtype};
use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{DefaultBodyLimit, FromRequest, Query, Request};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderMap, HeaderValue};
use axum::http::{Response, StatusCode};
use axum::response::IntoResponse;
use axum::routing::get;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;

/// Where HTTPS is asked (RFC 8484 §4.1.1; the path is what most resolvers are configured with).
const PATH: &str = "/dns-query";
/// The media type of a DNS message (RFC 8484 §6).
const MESSAGE: &str = "application/dns-message";

/// A query that came whole.
#[derive(Clone)]
pub(super) struct Asked(pub(super) Bytes);

/// The variable of the URI template.
#[derive(Deserialize)]
struct Template {
    dns: String,
}

/// The one path; others are not found, other methods not allowed.
pub(super) fn router() -> Router {
    Router::new().route(PATH, get(by_get).post(by_post)).layer(DefaultBodyLimit::max(LONGEST))
}

async fn by_get(Query(template): Query<Template>) -> Response<Body> {
    match URL_SAFE_NO_PAD.decode(template.dns) {
        Ok(query) => asked(query.into()),
        Err(_) => refuse(StatusCode::BAD_REQUEST, "\"dns\" must be base64url without padding"),
    }
}

async fn by_post(request: Request) -> Response<Body> {
    if !is_message(request.headers()) {
        return refuse(StatusCode::UNSUPPORTED_MEDIA_TYPE, "the content type must be application/dns-message");
    }
    match Bytes::from_request(request, &()).await {
        Ok(query) => asked(query),
        Err(rejection) => rejection.into_response(),
    }
}

fn is_message(headers: &HeaderMap) -> bool {
    let named = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    named.and_then(|named| named.split(';').next()).is_some_and(|named| named.trim().eq_ignore_ascii_case(MESSAGE))
}

fn asked(query: Bytes) -> Response<Body> {
    if !is_query(&query) {
        return refuse(StatusCode::BAD_REQUEST, "this is not a DNS query");
    }
    let mut response = Response::new(Body::empty());
    response.extensions_mut().insert(Asked(query));
    response
}

/// Whether it may be a query; what is wrong behind the header gets a DNS response.
fn is_query(message: &[u8]) -> bool {
    message.len() <= LONGEST && Header::parse(message).is_some_and(|header| !header.response)
}

fn refuse(status: StatusCode, why: &'static str) -> Response<Body> {
    (status, why).into_response()
}

/// A response with a DNS message.
pub(super) fn response(message: &[u8]) -> Response<Body> {
    let mut response = Response::new(Body::from(message.to_vec()));
    let keep = freshness(message).map_or_else(|| "no-store".to_owned(), |seconds| format!("max-age={seconds}"));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(MESSAGE));
    headers.extend(HeaderValue::try_from(keep).ok().map(|keep| (CACHE_CONTROL, keep)));
    response
}

/// A response to what the responder does not answer.
pub(super) fn no_response(_query: &[u8]) -> Response<Body> {
    refuse(StatusCode::INTERNAL_SERVER_ERROR, "this query is not answered")
}

/// Seconds that a message may be kept (RFC 8484 §5.1): the smallest TTL of the answers; where there are none, what the
/// SOA of the negative answer says (RFC 2308 §5). None where nothing says so, or the message is an error.
fn freshness(message: &[u8]) -> Option<u32> {
    let header = Header::parse(message)?;
    // NOERROR and NXDOMAIN
    if !matches!(message[3] & 0x0f, 0 | 3) || message[2] & 0x02 != 0 {
        return None;
    }
    let [questions, answers, authorities, _] = header.counts;
    let mut records = Records { message, at: HEADER_LEN };
    for _ in 0..questions {
        records.skip_name()?;
        records.take::<4>()?;
    }
    let mut smallest: Option<u32> = None;
    for _ in 0..answers {
        let (_, ttl, _) = records.next()?;
        smallest = Some(smallest.map_or(ttl, |other| other.min(ttl)));
    }
    for _ in 0..if answers == 0 { authorities } else { 0 } {
        let (rtype, ttl, rdata) = records.next()?;
        if rtype == Rtype::SOA {
            let minimum = rdata.last_chunk::<4>().map(|octets| u32::from_be_bytes(*octets))?;
            return Some(ttl.min(minimum));
        }
    }
    smallest
}

/// Reads the records of a message one after the other.
struct Records<'m> {
    message: &'m [u8],
    at: usize,
}

impl<'m> Records<'m> {
    /// Type, TTL and data of the next record.
    fn next(&mut self) -> Option<(Rtype, u32, &'m [u8])> {
        self.skip_name()?;
        let [t0, t1, _, _, s0, s1, s2, s3, l0, l1] = self.take::<10>()?;
        let length = usize::from(u16::from_be_bytes([l0, l1]));
        let rdata = self.message.get(self.at..self.at + length)?;
        self.at += length;
        Some((Rtype(u16::from_be_bytes([t0, t1])), u32::from_be_bytes([s0, s1, s2, s3]), rdata))
    }

    /// Skips a name, whose end may be a pointer (RFC 1035 §4.1.4).
    fn skip_name(&mut self) -> Option<()> {
        loop {
            match self.take::<1>()? {
                [0] => return Some(()),
                [length @ 1..=63] => self.at += usize::from(length),
                [0xc0..=0xff] => return self.take::<1>().map(drop),
                _ => return None,
            }
        }
    }

    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let octets = self.message.get(self.at..)?.first_chunk::<N>()?;
        self.at += N;
        Some(*octets)
    }
}
