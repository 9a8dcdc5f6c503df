//! DNS over HTTPS, request by request: HTTP/1.1 written by hand and HTTP/2 by hyper.

use std::time::Duration;

use data_encoding::BASE64URL_NOPAD;
use hickory_proto::op::{Message, ResponseCode};
use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper::client::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use windrose::net::Limits;
use windrose::wire::Rtype;

use crate::lab::{HOST, Lab, Served, connect};
use crate::support::query;

/// A response over HTTP/1.1.
struct Response {
    status: u16,
    head: String,
    body: Vec<u8>,
}

impl Response {
    fn header(&self, name: &str) -> Option<&str> {
        let line = self.head.lines().find_map(|line| line.split_once(": ").filter(|(key, _)| *key == name));
        line.map(|(_, value)| value)
    }

    fn message(&self) -> Message {
        assert_eq!((self.status, self.header("content-type")), (200, Some("application/dns-message")));
        Message::from_vec(&self.body).unwrap()
    }
}

/// Sends octets on a connection of its own and reads to its end.
fn send(lab: &Lab, to: &Served, request: &[u8]) -> Response {
    lab.runtime.block_on(async {
        let trusted = vec![lab.pair.der()];
        let mut stream = connect(to.address(), trusted, &["http/1.1"], rustls::DEFAULT_VERSIONS).await.unwrap();
        stream.write_all(request).await.unwrap();
        let mut octets = Vec::new();
        let read = tokio::time::timeout(Duration::from_secs(10), stream.read_to_end(&mut octets)).await;
        read.expect("a response in time").unwrap();
        let end = octets.windows(4).position(|window| window == b"\r\n\r\n").expect("a head");
        let head = String::from_utf8(octets[..end].to_vec()).unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        Response { status, head, body: octets[end + 4..].to_vec() }
    })
}

fn get(lab: &Lab, to: &Served, path: &str) -> Response {
    send(lab, to, format!("GET {path} HTTP/1.1\r\nHost: {HOST}\r\nConnection: close\r\n\r\n").as_bytes())
}

fn path(query: &[u8]) -> String {
    format!("/dns-query?dns={}", BASE64URL_NOPAD.encode(query))
}

fn post(lab: &Lab, to: &Served, kind: &str, body: &[u8]) -> Response {
    let length = body.len();
    let head = format!(
        "POST /dns-query HTTP/1.1\r\nHost: {HOST}\r\nConnection: close\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\n\r\n"
    );
    send(lab, to, &[head.as_bytes(), body].concat())
}

const MESSAGE: &str = "application/dns-message";

pub(crate) fn both_ways() {
    let lab = Lab::new();
    let https = lab.https();
    let query = query("ns1.example.com", Rtype::A, None);
    let answer = get(&lab, &https, &path(&query)).message();
    assert_eq!(answer.answers.len(), 1);
    assert_eq!(post(&lab, &https, MESSAGE, &query).message(), answer);
    // other variables, in any order, are others' affair
    assert_eq!(get(&lab, &https, &path(&query).replace('?', "?ct&")).message(), answer);
    // HTTP/2: many requests in one connection
    lab.runtime.block_on(async {
        let stream = connect(https.address(), vec![lab.pair.der()], &["h2"], rustls::DEFAULT_VERSIONS).await.unwrap();
        let (sender, connection) = http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
        tokio::spawn(connection);
        let requests = (0..300).map(|n| {
            let (mut sender, query) = (sender.clone(), query.clone());
            let by_get = hyper::Request::get(format!("https://{HOST}{}", path(&query)));
            let by_post = hyper::Request::post(format!("https://{HOST}/dns-query")).header("content-type", MESSAGE);
            let request = match n % 2 {
                0 => by_get.body(Full::<Bytes>::default()),
                _ => by_post.body(Full::from(query)),
            };
            tokio::spawn(async move {
                let response = sender.send_request(request.unwrap()).await.unwrap();
                assert_eq!(response.headers()["content-type"], MESSAGE);
                response.into_body().collect().await.unwrap().to_bytes()
            })
        });
        for response in requests.collect::<Vec<_>>() {
            assert_eq!(Message::from_vec(&response.await.unwrap()).unwrap(), answer);
        }
    });
}

pub(crate) fn cached() {
    let lab = Lab::new();
    let https = lab.https();
    for (name, rtype) in [("ns1.example.com", Rtype::A), ("www.example.com", Rtype::A), ("example.com", Rtype::MX)] {
        let response = get(&lab, &https, &path(&query(name, rtype, None)));
        let least = response.message().answers.iter().map(|record| record.ttl).min().expect("an answer");
        assert_eq!(response.header("cache-control"), Some(&*format!("max-age={least}")), "{name}");
    }
    for name in ["nothing.example.com", "ns1.example.com"] {
        let response = get(&lab, &https, &path(&query(name, Rtype::TXT, None)));
        let message = response.message();
        let soa = &message.authorities[0];
        assert_eq!(soa.record_type().to_string(), "SOA", "{name}");
        assert_eq!(response.header("cache-control"), Some(&*format!("max-age={}", soa.ttl)), "{name}");
    }
    let refused = post(&lab, &https, MESSAGE, &query("example.org", Rtype::A, None));
    assert_eq!(refused.message().response_code, ResponseCode::Refused);
    assert_eq!(refused.header("cache-control"), Some("max-age=0"));
}

pub(crate) fn errors() {
    let lab = Lab::new();
    let https = lab.https();
    let query = query("ns1.example.com", Rtype::A, None);
    for path in [
        "/dns-query",
        "/dns-query?dns",
        "/dns-query?name=a",
        "/dns-query?dns=A",
        "/dns-query?dns=a+b/",
        "/dns-query?dns=AAAA",
    ] {
        assert_eq!(get(&lab, &https, path).status, 400, "{path}");
    }
    assert_eq!(get(&lab, &https, &format!("{}=", path(&query))).status, 400, "padding");
    for path in ["/", "/dns-query/", "/elsewhere?dns=AAAA"] {
        assert_eq!(get(&lab, &https, path).status, 404, "{path}");
    }
    let put = format!("PUT /dns-query HTTP/1.1\r\nHost: {HOST}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
    let put = send(&lab, &https, put.as_bytes());
    assert_eq!((put.status, put.header("allow")), (405, Some("GET,HEAD,POST")));
    assert_eq!(post(&lab, &https, "application/json", &query).status, 415);
    assert_eq!(post(&lab, &https, MESSAGE, &vec![0; 65_536]).status, 413);
    assert_eq!(post(&lab, &https, MESSAGE, b"").status, 400);
    // a response is no query
    let response = [&query[..2], &[0x80], &query[3..]].concat();
    assert_eq!(post(&lab, &https, MESSAGE, &response).status, 400);
    assert_eq!(get(&lab, &https, &format!("/dns-query?dns={}", "A".repeat(20_000))).status, 431);
    // what can be answered with a DNS message is
    let short = post(&lab, &https, MESSAGE, &query[..query.len() - 2]).message();
    assert_eq!(short.response_code, ResponseCode::FormErr);
    assert_eq!(post(&lab, &https, "Application/DNS-Message; x=y", &query).status, 200);
}

pub(crate) fn slow_body() {
    let lab = Lab::new();
    let https = lab.limited_https(Limits { query: Duration::from_millis(200), ..Limits::default() });
    let head = format!(
        "POST /dns-query HTTP/1.1\r\nHost: {HOST}\r\nConnection: close\r\nContent-Type: {MESSAGE}\r\nContent-Length: 50\r\n\r\n12"
    );
    assert_eq!(send(&lab, &https, head.as_bytes()).status, 408);
}
