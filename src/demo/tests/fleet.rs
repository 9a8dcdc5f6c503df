//! All origins of the shipped configuration at once.

use std::net::{Ipv4Addr, SocketAddr, TcpStream};

use super::client::{Seen, look, look_for, page};
use crate::demo::{Command, DemoCa, Fleet, Mode, Shipped, What, find_sites, free_dns_address, parse_script};

#[tokio::test]
async fn a_fleet_follows_a_script() {
    let ca = DemoCa::new().unwrap();
    let sites = find_sites(Shipped::embedded().steering).unwrap();
    let mut fleet = Fleet::start(sites, &ca).await.unwrap();
    let commands = parse_script("stop eu; break iad1 503; start fra1", &fleet.names()).unwrap();
    let mut turned = Vec::new();
    for command in commands {
        let Command::Turn(what, mode) = command else { panic!("{command:?}") };
        turned.push(fleet.turn(&what, mode).await.unwrap());
    }
    assert_eq!(turned, [2, 1, 1]);
    assert_eq!(fleet.mode("web-eu", "fra2"), Some(Mode::Stopped));
    assert_eq!(fleet.mode("cdn", "partner"), None);
    let expected = [
        ("127.1.0.1", page(200, "ok\n")),
        ("127.1.0.2", Seen::Refused),
        ("127.2.0.1", page(503, "503 Service Unavailable\n")),
        ("127.2.0.2", page(200, "ok\n")),
        ("127.3.0.1", page(200, "ok\n")),
        ("127.3.0.2", page(200, "ok\n")),
    ];
    let ips: Vec<_> = fleet.sites().map(|(site, _)| site.ip.to_string()).collect();
    assert_eq!(ips, expected.each_ref().map(|(ip, _)| *ip));
    for (ip, seen) in expected {
        let address = SocketAddr::new(ip.parse().unwrap(), fleet.port());
        assert_eq!(look(address, &ca).await, seen, "{ip}");
    }
    assert_eq!(fleet.turn(&What::All, Mode::Serving).await.unwrap(), 6);
    let address = SocketAddr::new(Ipv4Addr::new(127, 3, 0, 2).into(), fleet.port());
    assert_eq!(look_for(address, &ca, "/").await, page(200, "sin2 of pool web-ap, region ap, at 127.3.0.2\n"));
}

#[test]
fn a_free_address_can_be_bound() {
    let taken = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let free = free_dns_address(Ipv4Addr::LOCALHOST.into(), port).unwrap();
    assert_ne!(free.port(), port);
    assert!(TcpStream::connect(free).is_err());
    assert!(free_dns_address("192.0.2.1".parse().unwrap(), 0).is_err());
}
