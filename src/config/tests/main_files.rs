//! The main file.

use std::time::Duration;

use super::*;
use crate::config::{Cookies, Host, Protocol, RateLimit, Tcp, UdpMode};

#[test]
fn defaults() {
    let (main, found) = main_of("version = 1\n");
    assert_eq!(found, [""; 0]);
    let Main { server, tls, cookies, rate_limit, admin, tcp, databases, shared, zones } = main.expect("sound");
    let listen: Vec<_> = server.listen.iter().map(ToString::to_string).collect();
    assert_eq!(listen, ["127.0.0.1:5300 (UDP and TCP)", "[::1]:5300 (UDP and TCP)"]);
    assert!(server.watch && server.host == Host::Native && tls.is_empty() && admin == Default::default());
    assert_eq!((server.zones, server.state, server.startup_wait), (None, None, None));
    assert_eq!((server.udp, server.udp_receive_buffer, server.udp_send_buffer), (UdpMode::Auto, None, None));
    assert!(!server.pin_threads);
    assert_eq!((server.nsid, cookies, rate_limit), (None, Cookies::default(), None));
    assert_eq!((tcp.idle_timeout, tcp.max_connections), (Duration::from_secs(10), 10_000));
    assert!(databases.is_empty() && shared.is_empty() && zones.is_empty());
}

#[test]
fn everything_said() {
    let text = r#"version = 1
        [server]
        listen = ["192.0.2.1:53", { address = "[::]:53", protocol = "dns" }, { address = "0.0.0.0:54" },
            { address = "[::]:853", protocol = "tls", tls = "main" }, { address = "[::]:853", protocol = "quic", tls = "main" },
            { address = "[::]:443", protocol = "https", tls = "main" }]
        zones = "z"
        state = "s"
        watch = false
        startup_wait = "2500ms"
        host = "hickory"
        udp = "plain"
        udp_receive_buffer = 8388608
        udp_send_buffer = 65536
        nsid = "0x66c3A0"
        [cookies]
        enabled = true
        secret_file = "cookies.secret"
        require = true
        [tls.main]
        cert = "c.pem"
        key = "k.pem"
        [admin]
        socket = "a.sock"
        listen = "127.0.0.1:8053"
        [geo]
        databases = ["a.mmdb", "b.mmdb"]
        [steering]
        shared = ["shared.toml"]
        [[zone]]
        name = "example.net"
        file = "n.zone"
        [[zone]]
        name = "example.org."
        file = "o.zone"
        steering = "o.toml"
    "#;
    let (main, found) = main_of(text);
    assert_eq!(found, [""; 0]);
    let main = main.expect("sound");
    assert_eq!(
        main.server.listen.iter().map(ToString::to_string).collect::<Vec<_>>(),
        [
            "192.0.2.1:53 (UDP and TCP)",
            "[::]:53 (UDP and TCP)",
            "0.0.0.0:54 (UDP and TCP)",
            "[::]:853 (TLS)",
            "[::]:853 (QUIC)",
            "[::]:443 (HTTPS)",
        ]
    );
    assert_eq!(main.server.listen[3].protocol, Protocol::Tls("main".into()));
    assert!(!main.server.watch && main.server.host == Host::Hickory);
    assert_eq!(
        (main.tls[0].name.as_str(), main.tls[0].cert.0.as_str(), main.tls[0].key.0.as_str()),
        ("main", "c.pem", "k.pem")
    );
    assert_eq!(main.admin.socket.expect("said").0, "a.sock");
    assert_eq!(main.admin.listen, Some("127.0.0.1:8053".parse().expect("socket")));
    assert_eq!(main.server.zones.expect("said").0, "z");
    assert_eq!(main.server.state.expect("said").0, "s");
    assert_eq!(main.server.udp, UdpMode::Plain);
    assert_eq!((main.server.udp_receive_buffer, main.server.udp_send_buffer), (Some(8_388_608), Some(65_536)));
    assert_eq!(main.server.nsid.as_deref(), Some(&[0x66, 0xc3, 0xa0][..]));
    assert!(main.cookies.enabled && main.cookies.require);
    assert_eq!(main.cookies.secret_file.expect("said").0, "cookies.secret");
    assert_eq!(main.server.startup_wait, Some(Duration::from_millis(2500)));
    assert_eq!(main.databases.iter().map(|(path, _)| path).collect::<Vec<_>>(), ["a.mmdb", "b.mmdb"]);
    assert_eq!(main.shared[0].0, "shared.toml");
    let zone = |at: usize| {
        (main.zones[at].name.to_string(), main.zones[at].file.0.as_str(), main.zones[at].steering.is_some())
    };
    assert_eq!([zone(0), zone(1)], [("example.net.".into(), "n.zone", false), ("example.org.".into(), "o.zone", true)]);
}

/// A main file without its version, and everything that is found.
const BROKEN: &[(&str, &[&str])] = &[
    (
        "[node]\n[fleet]\n[[key]]\n[zone_defaults]\n",
        &[
            "2:2: [node] is not in this version",
            "3:2: [fleet] is not in this version",
            "4:3: [[key]] is not in this version",
            "5:2: [zone_defaults] is not in this version",
        ],
    ),
    (
        "[server]\nlisten = [\"localhost:53\", 53]",
        &[
            "3:11: \"localhost:53\" is not an address with a port",
            "3:27: an element of \"listen\" must be a string or a table, not an integer",
        ],
    ),
    ("[server]\nlisten = []", &["3:10: \"listen\" is empty"]),
    ("[server]\nlisten = [\"127.0.0.1:53\", \"127.0.0.1:53\"]", &["3:27: 127.0.0.1:53 is listened on twice"]),
    ("[server]\nlisten = [\"0.0.0.0:53\", \"[::]:53\", \"[::1]:53\"]", &["3:36: [::1]:53 overlaps with [::]:53"]),
    (
        "[server]\nlisten = [{ address = \"[::]:853\", protocol = \"tls\", tls = \"main\" }]",
        &["3:59: there is no certificate \"main\""],
    ),
    (
        "[server]\nlisten = [{ address = \"[::]:853\", protocol = \"tls\" }, { address = \"[::]:53\", tls = \"a\" }]\n[tls.a]\ncert = \"a\"",
        &[
            "3:11: a listener has no \"tls\"",
            "3:78: \"tls\" does not apply to protocol = \"dns\"",
            "4:6: certificate \"a\" has no \"key\"",
            "4:6: warning: certificate \"a\" is never used",
        ],
    ),
    (
        "[server]\nlisten = [\"[::]:853\", { address = \"[::1]:853\", protocol = \"quic\", tls = \"a\" }]\n[tls.a]\ncert = \"a\"\nkey = \"\"",
        &["3:35: [::1]:853 overlaps with [::]:853", "6:7: the path is empty"],
    ),
    (
        "[server]\nlisten = [\"127.0.0.1:80\"]\n[admin]\nlisten = \"0.0.0.0:80\"\nsockt = 1",
        &[
            "5:10: 0.0.0.0:80 overlaps with the listener 127.0.0.1:80 (UDP and TCP)",
            "6:1: unknown key \"sockt\" in [admin]",
        ],
    ),
    (
        "[server]\nlisten = [{ protocol = \"dns\", port = 53 }]",
        &["3:11: a listener has no \"address\"", "3:31: unknown key \"port\" in a listener"],
    ),
    (
        "[server]\nhost = \"hickry\"\nudp = 1",
        &["3:8: \"hickry\" is not one of \"native\", \"hickory\"", "4:7: \"udp\" must be a string, not an integer"],
    ),
    (
        "[server]\npin_threads = true\nudp = \"plain\"",
        &["3:15: warning: \"pin_threads\" has no effect with udp = \"plain\""],
    ),
    (
        "[server]\npin_threads = true\nhost = \"hickory\"",
        &["3:15: warning: \"pin_threads\" has no effect with host = \"hickory\""],
    ),
    ("[server]\npin_threads = \"no\"", &["3:15: \"pin_threads\" must be true or false, not a string"]),
    ("[server]\nudp = \"fast\"", &["3:7: \"fast\" is not one of \"auto\", \"batch\", \"plain\""]),
    (
        "[server]\nwatch = 1\nzone = \"z\"",
        &["3:9: \"watch\" must be true or false, not an integer", "4:1: unknown key \"zone\" in [server]"],
    ),
    ("[server]\nnsid = \"\"", &["3:8: \"nsid\" is empty"]),
    ("[server]\nnsid = \"0x\"", &["3:8: \"nsid\" is empty"]),
    ("[server]\nnsid = \"0xfra\"", &["3:8: behind 0x, \"nsid\" must be pairs of hexadecimal digits"]),
    ("[server]\nnsid = \"a\\tb\"", &["3:8: \"nsid\" has control characters"]),
    ("[server]\nnsid = 1", &["3:8: \"nsid\" must be a string, not an integer"]),
    (
        "[cookies]\nenabled = false\nrequire = true\nsecret_fil = \"\"",
        &[
            "4:1: warning: \"require\" has no effect: cookies are not enabled",
            "5:1: unknown key \"secret_fil\" in [cookies]",
        ],
    ),
    (
        "[cookies]\nenabled = 1\nsecret_file = \"\"",
        &["3:11: \"enabled\" must be true or false, not an integer", "4:15: the path is empty"],
    ),
    ("[geo]\ndatabases = \"a.mmdb\"", &["3:13: \"databases\" must be an array of paths, not a string"]),
    ("[geo]\ndatabases = [\"a\", \"a\", \"\"]", &["3:19: \"a\" is named twice", "3:24: the path is empty"]),
    (
        "[rate_limit]\nresponses_per_second = 0\nslip = -1\nipv4_prefix = 33\nipv6_prefix = \"56\"\ndry_run = 1\ntable_size = 999",
        &[
            "3:24: \"responses_per_second\" must be from 1 to 1000000",
            "4:8: \"slip\" must be from 0 to 100",
            "5:15: \"ipv4_prefix\" must be from 8 to 32",
            "6:15: \"ipv6_prefix\" must be an integer, not a string",
            "7:11: \"dry_run\" must be true or false, not an integer",
            "8:14: \"table_size\" must be from 1000 to 100000000",
        ],
    ),
    (
        "[rate_limit]\nresponses_per_secnd = 5\nallow = [\"192.0.2.1/24\", \"::/129\", \"host\", 1]",
        &[
            "3:1: unknown key \"responses_per_secnd\" in [rate_limit]",
            "4:10: the address has bits set beyond the prefix length",
            "4:26: the prefix is longer than the address",
            "4:36: expected a network such as \"192.0.2.0/24\" or \"2001:db8::/32\"",
            "4:44: an element of \"allow\" must be a string, not an integer",
        ],
    ),
    ("[rate_limt]\nslip = 1", &["2:2: unknown key \"rate_limt\" in the file"]),
    ("[zone]\nname = \"x\"", &["2:1: \"zone\" must be an array of tables ([[zone]]), not a table"]),
    (
        "[[zone]]\nname = \"a\"\nfile = \"a\"\ndnssec = true\n[[zone]]\nname = \"A.\"\nfile = \"b\"\n[[zone]]\nname = \"a..b\"",
        &[
            "5:1: \"dnssec\" is not in this version",
            "7:8: zone A. is named twice",
            "9:1: [[zone]] has no \"file\"",
            "10:8: \"a..b\" is not a domain name: a label is empty",
        ],
    ),
];

#[test]
fn each_mistake_is_reported_in_its_place() {
    for (text, expected) in BROKEN {
        assert_eq!(main_of(&format!("version = 1\n{text}\n")).1, *expected, "{text}");
    }
}

#[test]
fn rate_limits() {
    let limit = |text: &str| {
        let (main, found) = main_of(&format!("version = 1\n[rate_limit]\n{text}\n"));
        assert_eq!(found, [""; 0]);
        main.expect("sound").rate_limit.expect("a limit")
    };
    let defaults = limit("");
    let numbers = |limit: &RateLimit| {
        (limit.per_second.get(), limit.slip, limit.ipv4_prefix, limit.ipv6_prefix, limit.table_size)
    };
    assert_eq!(numbers(&defaults), (200, 2, 24, 56, 131_072));
    assert!(defaults.allow.is_empty() && !defaults.dry_run);
    let said = limit(
        "responses_per_second = 50\nslip = 0\nipv4_prefix = 32\nipv6_prefix = 48\ntable_size = 4096\ndry_run = true\n\
         allow = [\"192.0.2.0/24\", \"2001:db8::1\"]",
    );
    assert_eq!(numbers(&said), (50, 0, 32, 48, 4096));
    let allow: Vec<String> = said.allow.iter().map(ToString::to_string).collect();
    assert!(said.dry_run && allow == ["192.0.2.0/24", "2001:db8::1/128"]);
}

#[test]
fn port_zero_is_a_new_port_each_time() {
    assert_eq!(main_of("version = 1\n[server]\nlisten = [\"127.0.0.1:0\", \"127.0.0.1:0\"]").1, [""; 0]);
}

#[test]
fn the_shipped_file_passes() {
    let (main, found) = main_of(include_str!("../../../config/windrose.toml"));
    assert_eq!(found, [""; 0]);
    let main = main.expect("sound");
    assert_eq!(main.server.zones.expect("said").0, "../zones");
    assert_eq!(main.databases[0].0, "../geo/country.mmdb");
}

#[test]
fn limits_of_connections() {
    let text = "version = 1\n[tcp]\nidle_timeout = \"30s\"\nquery_timeout = \"2s\"\nwrite_timeout = \"500ms\"\n\
                max_connections = 20000\nmax_connections_per_source = 16\n";
    let (main, found) = main_of(text);
    assert_eq!(found, [""; 0]);
    let tcp = Tcp {
        idle_timeout: Duration::from_secs(30),
        query_timeout: Duration::from_secs(2),
        write_timeout: Duration::from_millis(500),
        max_connections: 20_000,
        max_connections_per_source: 16,
    };
    assert_eq!(main.expect("sound").tcp, tcp);
    for (line, expected) in [
        ("idle_timeout = \"50ms\"", "3:16: idle_timeout must be 100ms at least"),
        ("query_timeout = \"2h\"", "3:17: query_timeout must be an hour at most"),
        ("write_timeout = 5", "3:17: \"write_timeout\" must be a string such as \"5s\""),
        ("max_connections = 0", "3:19: \"max_connections\" must be from 1 to 1000000"),
        ("max_connections = 10\nmax_connections_per_source = 11", "4:30: warning: one source may have more"),
        ("timeout = \"5s\"", "3:1: unknown key \"timeout\" in [tcp]"),
    ] {
        let (_, found) = main_of(&format!("version = 1\n[tcp]\n{line}\n"));
        assert!(found.len() == 1 && found[0].starts_with(expected), "{line}: {found:?}");
    }
}
