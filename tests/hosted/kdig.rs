//! Every protocol, asked by `kdig`.

use std::net::SocketAddr;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use libtest_mimic::Failed;
use windrose::net::hosted::Protocol;

use crate::lab::Lab;

pub(crate) fn tls() -> Result<(), Failed> {
    let lab = Lab::new();
    let hosted = lab.tls();
    ask_all(hosted.address(), "+tls")?;
    ask_padded(hosted.address(), "+tls")?;
    expect(hosted.address(), "+tls ns1.example.com A", &[";; TLS session (TLS1.3)"])
}

pub(crate) fn quic() -> Result<(), Failed> {
    let lab = Lab::new();
    let quic = || Protocol::Quic(Arc::clone(&lab.certificate));
    let hosted = lab.try_start("127.0.0.78:0".parse().unwrap(), quic()).unwrap();
    ask_all(hosted.address(), "+quic")?;
    ask_padded(hosted.address(), "+quic")?;
    expect(hosted.address(), "+quic ns1.example.com A", &[";; QUIC session (QUICv1)-(TLS1.3)"])?;
    // the clients' connections do not keep the address
    let address = hosted.address();
    lab.runtime.block_on(hosted.stop(Duration::from_secs(5)));
    lab.try_start(address, quic()).unwrap();
    Ok(())
}

pub(crate) fn https() -> Result<(), Failed> {
    let lab = Lab::new();
    let hosted = lab.https();
    ask_all(hosted.address(), "+https")?;
    ask_padded(hosted.address(), "+https")?;
    expect(hosted.address(), "+https ns1.example.com A", &[";; HTTP session (HTTP/2-POST)"])?;
    expect_none(hosted.address(), "+https=/elsewhere ns1.example.com A")
}

pub(crate) fn plain() -> Result<(), Failed> {
    let lab = Lab::new();
    let hosted = lab.dns();
    ask_all(hosted.address(), "+notcp")?;
    ask_all(hosted.address(), "+tcp")
}

pub(crate) fn https_get() -> Result<(), Failed> {
    let lab = Lab::new();
    let https = lab.https();
    ask_all(https.address(), "+https +https-get")?;
    expect(https.address(), "+https +https-get ns1.example.com A", &[";; HTTP session (HTTP/2-GET)"])
}

/// Static and steered names, with Client Subnet and without, and what gets nothing.
fn ask_all(server: SocketAddr, over: &str) -> Result<(), Failed> {
    for (question, parts) in [
        ("ns1.example.com A", &["status: NOERROR", "Flags: qr aa", "192.0.2.53"][..]),
        ("nothing.example.com A", &["status: NXDOMAIN", "SOA"]),
        ("example.org A +edns", &["status: REFUSED", "EDE: 20"]),
        ("www.example.com A +subnet=133.11.0.0/24", &["203.0.113.1", "CLIENT-SUBNET: 133.11.0.0/24/8"]),
        ("www.example.com A +subnet=141.20.0.0/24", &["192.0.2.1", "CLIENT-SUBNET: 141.20.0.0/24/"]),
        ("www.example.com AAAA +subnet=133.11.0.0/24", &["2001:db8:2::1", "CLIENT-SUBNET: 133.11.0.0/24/8"]),
        ("ns1.example.com A +subnet=133.11.0.0/24", &["192.0.2.53", "CLIENT-SUBNET: 133.11.0.0/24/0"]),
    ] {
        expect(server, &format!("{over} {question}"), parts)?;
    }
    expect_none(server, &format!("{over} drop.example.com A"))
}

/// Responses to padded queries are whole blocks of 468 octets (RFC 8467 §4.1).
fn ask_padded(server: SocketAddr, over: &str) -> Result<(), Failed> {
    for question in
        ["ns1.example.com A", "example.com NS", "nothing.example.com A", "www.example.com AAAA +nsid +cookie"]
    {
        expect(server, &format!("{over} +padding {question}"), &["PADDING: ", "Received 468 B"])?;
    }
    Ok(())
}

fn expect(server: SocketAddr, question: &str, parts: &[&str]) -> Result<(), Failed> {
    let printed = kdig(server, &format!("+time=10 {question}"));
    match parts.iter().find(|part| !printed.contains(**part)) {
        Some(missing) => Err(format!("{question}\nexpected {missing}, found:\n{printed}").into()),
        None => Ok(()),
    }
}

fn expect_none(server: SocketAddr, question: &str) -> Result<(), Failed> {
    let printed = kdig(server, &format!("+time=1 {question}"));
    if printed.contains("HEADER") {
        Err(format!("{question}\nexpected nothing, found:\n{printed}").into())
    } else {
        Ok(())
    }
}

fn kdig(server: SocketAddr, question: &str) -> String {
    let output = Command::new("kdig")
        .args([&format!("@{}", server.ip()), "-p", &server.port().to_string(), "+retry=0"])
        .args(question.split_whitespace())
        .output()
        .unwrap();
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}
