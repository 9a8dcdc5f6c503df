//! What HTTP over TCP is asked, and by whom: a page of another site that is open in a browser of this machine could
//! otherwise read it, by a name of its own that it lets point to 127.0.0.1 (DNS rebinding).

use std::net::IpAddr;

use axum::extract::Request;
use axum::http::header::{HOST, ORIGIN};
use axum::http::{HeaderMap, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

/// Lets through what only reads, names this server by address, and comes from no other site's page.
pub(super) async fn guard(request: Request, next: Next) -> Response {
    match refusal(request.method(), request.headers()) {
        Some((status, why)) => (status, format!("{why}\n")).into_response(),
        None => next.run(request).await,
    }
}

fn refusal(method: &Method, headers: &HeaderMap) -> Option<(StatusCode, &'static str)> {
    if !matches!(*method, Method::GET | Method::HEAD) {
        return Some((StatusCode::METHOD_NOT_ALLOWED, "over TCP the API is read only; use the Unix socket"));
    }
    let text = |name| headers.get(name).map(|value: &axum::http::HeaderValue| value.to_str().unwrap_or_default());
    let Some(host) = text(HOST).filter(|host| is_address(host)) else {
        return Some((StatusCode::FORBIDDEN, "name the server by its IP address or as localhost"));
    };
    let foreign = |origin: &str| origin.strip_prefix("http://") != Some(host);
    if text(ORIGIN).is_some_and(foreign) {
        return Some((StatusCode::FORBIDDEN, "requests of other sites are not answered"));
    }
    None
}

/// Whether a Host header is an IP address or `localhost`, with or without a port.
fn is_address(host: &str) -> bool {
    let (name, port) = match host.rsplit_once(':') {
        Some((name, port)) if !port.ends_with(']') => (name, port),
        _ => (host, "0"),
    };
    let name = name.strip_prefix('[').and_then(|name| name.strip_suffix(']')).unwrap_or(name);
    port.parse::<u16>().is_ok() && (name == "localhost" || name.parse::<IpAddr>().is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(method: Method, headers: &[(&'static str, &'static str)]) -> Option<u16> {
        let headers =
            headers.iter().map(|&(name, value)| (name.parse().expect("a name"), value.parse().expect("a value")));
        refusal(&method, &headers.collect()).map(|(status, _)| status.as_u16())
    }

    #[test]
    fn only_reads_by_address_of_no_other_site_pass() {
        for host in ["127.0.0.1:8053", "localhost:8053", "localhost", "[::1]:8053", "[::1]", "192.0.2.1"] {
            assert_eq!(status(Method::GET, &[("host", host)]), None, "{host}");
        }
        for host in ["rebound.example:8053", "", "localhost.example", "127.0.0.1.example:80", "127.0.0.1:x"] {
            assert_eq!(status(Method::GET, &[("host", host)]), Some(403), "{host}");
        }
        assert_eq!(status(Method::GET, &[]), Some(403));
        let ours = ("host", "127.0.0.1:8053");
        assert_eq!(status(Method::POST, &[ours]), Some(405));
        assert_eq!(status(Method::GET, &[ours, ("origin", "http://127.0.0.1:8053")]), None);
        for origin in ["http://example.com", "null", "https://127.0.0.1:8053", "http://127.0.0.1:80"] {
            assert_eq!(status(Method::GET, &[ours, ("origin", origin)]), Some(403), "{origin}");
        }
    }
}
