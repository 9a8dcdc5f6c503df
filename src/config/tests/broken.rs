//! Mistakes in steering files: each edit of a sound file, and all that is said about it.

use super::*;

const SOUND: &str = r#"version = 1
[region]
eu = { lat = 50.11, lon = 8.68 }
us = { lat = 39.04, lon = -77.49 }
[check.web]
kind = "https"
host = "www.example.com"
[pool.a]
region = "eu"
check = "web"
endpoints = [{ name = "a1", addresses = ["192.0.2.1", "2001:db8::1"] }]
[pool.b]
region = "us"
check = "web"
endpoints = [{ name = "b1", addresses = ["192.0.2.2", "2001:db8::2"] }]
[pool.c]
check = "none"
endpoints = [{ name = "c1", cname = "cdn.example.net." }]
[policy.p]
rules = [{ geos = ["AF"], pools = ["a"] }, { nearest = ["a", "b"] }]
[policy.q]
rules = [{ pools = ["c"] }]
[name]
"www" = { policy = "p" }
"static" = { policy = "q" }
"#;

/// What to replace in [`SOUND`], by what, and everything that is found then.
const EDITS: &[(&str, &str, &[&str])] = &[
    // the file as a whole
    ("version = 1\n", "", &["1:1: the file has no \"version\""]),
    ("version = 1", "version = 2", &["1:11: this version of Windrose reads version 1 only"]),
    ("version = 1", "version = \"1\"", &["1:11: \"version\" must be the integer 1, not a string"]),
    ("[name]", "[names]", &["23:2: unknown key \"names\" in the file"]),
    ("version = 1", "version = 1\nfleet = {}", &["2:1: unknown key \"fleet\" in the file"]),
    (
        "[name]",
        "[zone]\ndnssec = true\nnotifi = 1\n[name]",
        &["24:1: \"dnssec\" is not in this version", "25:1: unknown key \"notifi\" in [zone]"],
    ),
    // syntax: nothing is said that only follows from it
    ("region = \"eu\"", "region = eu", &["9:10: a string must be quoted"]),
    ("region = \"eu\"", "region =", &["9:9: a value is missing"]),
    ("kind = \"https\"", "kind = \"https\"\nkind = \"http\"", &["7:1: this key is already there"]),
    // regions
    ("lat = 50.11, ", "", &["3:1: region \"eu\" has only one of \"lat\" and \"lon\""]),
    ("lat = 50.11", "lat = 90.5", &["3:14: \"lat\" must be from -90 to 90"]),
    ("lon = 8.68", "lon = nan", &["3:27: \"lon\" must be from -180 to 180"]),
    ("lon = 8.68", "lon = 8.68, bias = 100", &["3:40: \"bias\" must be from -99 to 99"]),
    ("lon = 8.68", "lon = 8.68, bais = 10", &["3:33: unknown key \"bais\" in region \"eu\""]),
    ("eu = { lat = 50.11, lon = 8.68 }", "eu = 50", &["3:6: \"eu\" must be a table, not an integer"]),
    // checks
    ("kind = \"https\"\n", "", &["5:8: check \"web\" has no \"kind\""]),
    ("kind = \"https\"", "kind = \"htps\"", &["6:8: \"htps\" is not one of \"https\", \"http\", \"tcp\", \"none\""]),
    ("host = \"www.example.com\"\n", "", &["5:8: check \"web\" has no \"host\""]),
    ("\"www.example.com\"", "\"192.0.2.1\"", &["7:8: the host must be a DNS name, not an address"]),
    ("\"www.example.com\"", "\"[2001:db8::1]\"", &["7:8: the host must be a DNS name, not an address"]),
    ("\"www.example.com\"", "\"127.1\"", &["7:8: the host must be a DNS name, not an address"]),
    ("\"www.example.com\"", "\"0x7f000001\"", &["7:8: the host must be a DNS name, not an address"]),
    ("\"www.example.com\"", "\"https://www.example.com\"", &["7:8: the host must be a DNS name alone"]),
    ("\"www.example.com\"", "\"www..example\"", &["7:8: the host is not a DNS name"]),
    ("\"www.example.com\"", "\"bücher.example\"", &["7:8: the host must be written in ASCII"]),
    (
        "kind = \"https\"",
        "kind = \"tcp\"",
        &["5:8: check \"web\" has no \"port\"", "7:1: warning: \"host\" does not apply to kind = \"tcp\""],
    ),
    ("[pool.a]", "port = 0\n[pool.a]", &["8:8: \"port\" must be from 1 to 65535"]),
    ("[pool.a]", "path = \"healthz\"\n[pool.a]", &["8:8: the path must start with \"/\""]),
    ("[pool.a]", "path = \"/a b\"\n[pool.a]", &["8:8: the path has characters that a request cannot carry"]),
    ("[pool.a]", "ca_file = \"no.pem\"\n[pool.a]", &["8:11: cannot read no.pem: no such file"]),
    ("[pool.a]", "ca_file = \"key.pem\"\n[pool.a]", &["8:11: key.pem holds no certificate"]),
    (
        "[pool.a]",
        "expect_status = [\"2xx\", \"20x\", \"299-200\", 204]\n[pool.a]",
        &[
            "8:25: \"20x\" is not an HTTP status",
            "8:32: \"299-200\" is not an HTTP status",
            "8:43: an element of \"expect_status\" must be a string such as \"204\" or \"2xx\", not an integer",
        ],
    ),
    ("[pool.a]", "expect_status = []\n[pool.a]", &["8:17: \"expect_status\" is empty"]),
    ("[pool.a]", "expect_body = \"\"\n[pool.a]", &["8:15: the text to expect must have from 1 to 65536 bytes"]),
    ("[pool.a]", "interval = 5\n[pool.a]", &["8:12: \"interval\" must be a string such as \"5s\", not an integer"]),
    (
        "[pool.a]",
        "interval = \"5\"\n[pool.a]",
        &["8:12: a duration needs a unit: \"ms\", \"s\", \"m\" or \"h\", such as \"5s\""],
    ),
    (
        "[pool.a]",
        "interval = \"2.5s\"\n[pool.a]",
        &["8:12: a duration is a whole number and a unit, such as \"5s\" or \"500ms\""],
    ),
    ("[pool.a]", "interval = \"0s\"\n[pool.a]", &["8:12: this duration must be longer than zero"]),
    ("[pool.a]", "recheck = \"99999999999999999999h\"\n[pool.a]", &["8:11: the duration is longer than ten years"]),
    ("[pool.a]", "timeout = \"10s\"\n[pool.a]", &["8:11: the timeout of 10s is not shorter than 2 intervals of 5s"]),
    ("[pool.a]", "rise = 0\n[pool.a]", &["8:8: \"rise\" must be from 1 to 1000000"]),
    ("[pool.a]", "[check.none]\nkind = \"none\"\n[pool.a]", &["8:8: \"none\" is the check that probes nothing"]),
    // pools and endpoints
    ("region = \"eu\"", "region = \"ue\"", &["9:10: there is no region \"ue\""]),
    ("region = \"eu\"\n", "", &["19:57: pool \"a\" has no region"]),
    ("eu = { lat = 50.11, lon = 8.68 }", "eu = {}", &["20:57: pool \"a\" is in a region without coordinates"]),
    ("region = \"eu\"\ncheck = \"web\"\n", "region = \"eu\"\n", &["8:7: pool \"a\" has no \"check\""]),
    ("region = \"eu\"\ncheck = \"web\"\n", "region = \"eu\"\ncheck = \"wbe\"\n", &["10:9: there is no check \"wbe\""]),
    ("[pool.b]", "min_healthy = 0.0\n[pool.b]", &["12:15: \"min_healthy\" as a float must be above 0 and at most 1"]),
    ("[pool.b]", "min_healthy = 0\n[pool.b]", &["12:15: \"min_healthy\" must be from 1 to 4294967295"]),
    (
        "[pool.b]",
        "min_healthy = \"half\"\n[pool.b]",
        &["12:15: \"min_healthy\" must be a float or an integer, not a string"],
    ),
    (
        "endpoints = [{ name = \"a1\", addresses = [\"192.0.2.1\", \"2001:db8::1\"] }]",
        "endpoints = []",
        &["11:13: \"endpoints\" is empty"],
    ),
    ("name = \"a1\", ", "", &["11:14: an endpoint has no \"name\""]),
    ("\"a1\"", "\"a/1\"", &["11:23: a name must not contain \"/\", blanks or control characters"]),
    ("\"a1\",", "\"a1\", weight = 65536,", &["11:38: \"weight\" must be from 1 to 65535"]),
    ("\"a1\",", "\"a1\", weight = 0.5,", &["11:38: \"weight\" must be an integer, not a float"]),
    ("\"192.0.2.1\"", "\"192.0.2.256\"", &["11:42: \"192.0.2.256\" is not an IP address"]),
    ("\"192.0.2.1\"", "\"0.0.0.0\"", &["11:42: 0.0.0.0 is not the address of a host"]),
    ("\"192.0.2.1\"", "\"192.0.2.1\", \"192.0.2.9\"", &["11:55: a second IPv4 address"]),
    (
        "\"2001:db8::1\"] }]",
        "\"2001:db8::1\"] }, { name = \"a1\", addresses = [\"192.0.2.1\"] }]",
        &["11:82: there is an endpoint \"a1\" already", "11:101: 192.0.2.1 is already an address of endpoint \"a1\""],
    ),
    (
        "addresses = [\"192.0.2.1\", \"2001:db8::1\"]",
        "cname = \"x.example.net.\", addresses = [\"192.0.2.1\"]",
        &["11:29: endpoint \"a1\" has both \"addresses\" and \"cname\""],
    ),
    (
        ", addresses = [\"192.0.2.1\", \"2001:db8::1\"]",
        "",
        &["11:14: endpoint \"a1\" has neither \"addresses\" nor \"cname\""],
    ),
    (
        "\"2001:db8::1\"] }]",
        "\"2001:db8::1\"] }, { name = \"x\", cname = \"x.example.net.\" }]",
        &["11:87: a pool has either addresses or a cname, not both"],
    ),
    ("\"a1\",", "\"a1\", probe = { port = 80 },", &["11:37: \"probe\" has no \"address\""]),
    (
        "\"c1\",",
        "\"c1\", probe = { address = \"10.0.0.1\" },",
        &["18:37: warning: \"probe\" does not apply: the pool's check probes nothing"],
    ),
    ("check = \"none\"", "check = \"web\"", &["18:23: endpoint \"c1\" has no address to probe"]),
    ("\"cdn.example.net.\"", "\"cdn.example.net\"", &["18:37: \"cdn.example.net\" has no dot at its end"]),
    ("\"cdn.example.net.\"", "\"cdn..net.\"", &["18:37: \"cdn..net.\" is not a domain name: a label is empty"]),
    // policies
    ("rules = [{ pools = [\"c\"] }]", "rules = []", &["22:9: \"rules\" is empty"]),
    (
        "rules = [{ pools = [\"c\"] }]",
        "rules = [{ geos = [\"AF\"], pools = [\"c\"] }]",
        &["22:10: the last rule must match everyone"],
    ),
    ("{ geos = [\"AF\"], pools = [\"a\"] }", "{ pools = [\"a\"] }", &["20:29: this rule can never match"]),
    ("geos = [\"AF\"], ", "geo = [\"AF\"], ", &["20:12: unknown key \"geo\" in a rule"]),
    ("geos = [\"AF\"], ", "geos = [\"DE\"], ", &["20:20: there is no continent \"DE\" (AF, AN, AS, EU, NA, OC, SA)"]),
    ("geos = [\"AF\"], ", "geos = [\"EU-JP\"], ", &["20:20: JP is not in EU; it is in AS"]),
    ("geos = [\"AF\"], ", "geos = [\"NA-US-CA\"], ", &["20:20: NA-US-CA needs a database with subdivisions"]),
    ("geos = [\"AF\"], ", "asns = [64500], ", &["20:19: \"asns\" needs a database with autonomous systems"]),
    (
        "geos = [\"AF\"], ",
        "asns = [\"AS64500\"], ",
        &[
            "20:20: an element of \"asns\" must be an integer, not a string",
            "20:19: \"asns\" needs a database with autonomous systems",
        ],
    ),
    (
        "geos = [\"AF\"], ",
        "networks = [\"192.0.2.1/24\", \"x\"], ",
        &[
            "20:24: the address has bits set beyond the prefix length",
            "20:40: expected a network such as \"192.0.2.0/24\" or \"2001:db8::/32\"",
        ],
    ),
    ("geos = [\"AF\"], ", "resolvers = [], ", &["20:24: \"resolvers\" is empty"]),
    ("pools = [\"a\"] }", "pools = [\"a\", \"a\"] }", &["20:41: pool \"a\" is in this rule twice"]),
    (
        "pools = [\"a\"] }",
        "try = [{ pools = [\"a\"] }, { weighted = { b = 1, a = 1 } }] }",
        &["20:75: pool \"a\" is in this rule twice"],
    ),
    ("pools = [\"a\"] }", "weighted = { a = 0 } }", &["20:44: \"a\" must be from 1 to 65535"]),
    ("pools = [\"a\"] }", "weighted = { a = 0.5 } }", &["20:44: \"a\" must be an integer, not a float"]),
    (
        "pools = [\"a\"] }",
        "try = [{ try = [] }] }",
        &[
            "20:34: an element of \"try\" needs one of \"pools\", \"nearest\" and \"weighted\"",
            "20:36: unknown key \"try\" in an element of \"try\"",
        ],
    ),
    (
        "pools = [\"a\"] }",
        "pools = [\"a\"], nearest = [\"b\"] }",
        &["20:42: a rule has exactly one of \"pools\", \"nearest\", \"weighted\" and \"try\""],
    ),
    (", pools = [\"a\"] }", " }", &["20:10: a rule needs one of \"pools\", \"nearest\", \"weighted\" and \"try\""]),
    ("pools = [\"a\"] }", "pools = [\"aa\"] }", &["20:36: there is no pool \"aa\""]),
    (
        "pools = [\"a\"] }",
        "pools = [\"c\"] }",
        &["20:57: pools \"c\" and \"a\" differ: one has addresses, one a cname"],
    ),
    (
        "[policy.q]",
        "spread = { within = 10, answers = 0 }\n[policy.q]",
        &[
            "21:21: \"within\" must be a string such as \"5s\", not an integer",
            "21:35: \"answers\" must be from 1 to 255",
        ],
    ),
    ("[policy.q]", "sticky = \"yes\"\n[policy.q]", &["21:10: \"sticky\" must be true or false, not a string"]),
    (
        "[policy.q]",
        "when_all_down = \"lastresort\"\n[policy.q]",
        &["21:17: \"lastresort\" is not one of \"last_resort\", \"all\", \"nodata\", \"servfail\""],
    ),
    ("[policy.q]", "ecs = \"always\"\n[policy.q]", &["21:7: \"always\" is not one of \"prefer\", \"ignore\""]),
    (
        "[policy.q]",
        "when_all_down = \"nodata\"\n[policy.q]",
        &[
            "21:17: warning: \"nodata\" where clients are answered differently: resolvers cache it for all their clients",
        ],
    ),
    // names
    ("policy = \"p\" }", "policy = \"pp\" }", &["24:20: there is no policy \"pp\""]),
    ("policy = \"p\" }", "policy = \"p\", pool = \"a\" }", &["24:25: name \"www\" has both a policy and a pool"]),
    ("policy = \"p\" }", "ttl = \"60s\" }", &["24:1: name \"www\" has neither a policy nor a pool"]),
    (
        "policy = \"p\" }",
        "policy = \"p\", ttl = 60 }",
        &["24:31: \"ttl\" must be a string such as \"60s\", or { max, min }, not an integer"],
    ),
    ("policy = \"p\" }", "policy = \"p\", ttl = \"500ms\" }", &["24:31: a TTL is counted in whole seconds"]),
    ("policy = \"p\" }", "policy = \"p\", ttl = { max = \"60s\" } }", &["24:31: \"ttl\" has no \"min\""]),
    (
        "policy = \"p\" }",
        "policy = \"p\", ttl = { max = \"30s\", min = \"1m\" } }",
        &["24:39: \"max\" is shorter than \"min\""],
    ),
    ("\"www\" =", "\"www.example.org.\" =", &["24:1: www.example.org. is not in zone example.com."]),
    ("\"www\" =", "\"a..b\" =", &["24:1: \"a..b\" is not a domain name: a label is empty"]),
    (
        "\"www\" =",
        "\"WWW.example.com.\" = { policy = \"p\" }\n\"www\" =",
        &["25:1: www.example.com. is steered already"],
    ),
    ("\"www\" =", "\"x.sub\" =", &["24:1: x.sub.example.com. is delegated to other servers"]),
    ("\"www\" =", "\"ns1\" =", &["24:1: ns1.example.com. is the target of an NS record"]),
    (
        "\"www\" =",
        "\"alias\" =",
        &["24:1: alias.example.com. has a CNAME in the zone file, so it cannot have addresses"],
    ),
    ("\"static\" =", "\"@\" =", &["25:1: the apex cannot be a CNAME"]),
    ("\"static\" =", "\"text\" =", &["25:1: text.example.com. has TXT records, so it cannot be a CNAME"]),
    (
        "[name]",
        "when_all_down = \"last_resort\"\n[name]\n\"none\" = { policy = \"q\" }",
        &["25:1: none.example.com. has no static CNAME record, which when_all_down = \"last_resort\" answers"],
    ),
    ("[policy.q]", "when_all_down = \"last_resort\"\n[policy.q]\n#", &[]),
    // families
    (
        "[\"192.0.2.2\", \"2001:db8::2\"]",
        "[\"192.0.2.2\"]",
        &["20:62: warning: pool \"b\" has no IPv6 address, but others of policy \"p\" do"],
    ),
    // what nothing uses
    ("\"static\" = { policy = \"q\" }", "", &["21:9: policy \"q\" is never used"]),
    ("[pool.a]", "[check.old]\nkind = \"none\"\n[pool.a]", &["8:8: check \"old\" is never used"]),
    ("[pool.a]", "[region.old]\n[pool.a]", &["8:9: region \"old\" is never used"]),
    (
        "[policy.p]",
        "[pool.old]\ncheck = \"none\"\nendpoints = [{ name = \"x\", addresses = [\"192.0.2.9\"] }]\n[policy.p]",
        &["19:7: pool \"old\" is never used"],
    ),
];

#[test]
fn the_file_that_is_edited_is_sound() {
    assert_eq!(steer(SOUND).1, [""; 0]);
}

#[test]
fn each_mistake_is_reported_in_its_place() {
    let mut wrong = String::new();
    for (from, to, expected) in EDITS {
        assert!(SOUND.contains(from), "{from:?} is not there to be edited");
        let found = steer(&SOUND.replacen(from, to, 1)).1;
        if found != *expected {
            wrong += &format!("{from:?} -> {to:?}\n  expected {expected:#?}\n  found {found:#?}\n");
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn all_mistakes_of_a_file_are_reported_in_order() {
    let text = SOUND
        .replace("kind = \"https\"", "kind = \"htps\"")
        .replace("lat = 50.11", "lat = 500")
        .replace("\"192.0.2.2\"", "\"192.0.2\"")
        .replace("[\"AF\"]", "[\"XX\", 7]")
        .replace("policy = \"q\"", "polcy = \"q\"");
    assert_eq!(
        steer(&text).1,
        [
            "3:14: \"lat\" must be from -90 to 90",
            "6:8: \"htps\" is not one of \"https\", \"http\", \"tcp\", \"none\"",
            "15:42: \"192.0.2\" is not an IP address",
            "20:20: there is no continent \"XX\" (AF, AN, AS, EU, NA, OC, SA)",
            "20:26: an element of \"geos\" must be a string, not an integer",
            "25:14: unknown key \"polcy\" in name \"static\"",
        ]
    );
}

#[test]
fn a_syntax_error_hides_no_other_mistake_and_invents_none() {
    let text = SOUND.replace("region = \"eu\"", "region = ").replace("[\"AF\"]", "[\"XX\"]");
    assert_eq!(
        steer(&text).1,
        ["9:10: a value is missing", "20:20: there is no continent \"XX\" (AF, AN, AS, EU, NA, OC, SA)",]
    );
    let header = SOUND.replace("[pool.a]", "[pool.a");
    assert!(
        steer(&header).1.iter().all(|line| line.starts_with("8:") || line.starts_with("9:")),
        "{:?}",
        steer(&header).1
    );
}

#[test]
fn hints_name_what_was_meant() {
    let hint = |from: &str, to: &str| {
        let (mut sources, mut found) = (Sources::default(), Vec::new());
        let file = sources.add("zone.toml", SOUND.replacen(from, to, 1).into_bytes());
        SteeringBuilder::new().zone(&sources, file, &example_zone(), &mut read_pem, &mut found);
        found.remove(0).hint.expect("a hint")
    };
    assert_eq!(hint("host =", "hots ="), "did you mean \"host\"?");
    assert_eq!(hint("region = \"eu\"", "region = \"ue\""), "did you mean \"eu\"?");
    assert_eq!(hint("kind = \"https\"", "kind = \"htps\""), "did you mean \"https\"?");
    assert_eq!(hint("geos = ", "geo = "), "did you mean \"geos\"?");
    assert_eq!(hint("region = \"eu\"", "region = \"moon\""), "known here: \"eu\", \"us\"");
    assert_eq!(hint("region = \"eu\"", "region = eu"), "write \"eu\"");
}

#[test]
fn a_file_that_is_not_utf8() {
    let (mut sources, mut found) = (Sources::default(), Vec::new());
    let file = sources.add("zone.toml", b"version = 1\n# caf\xe9\n".to_vec());
    SteeringBuilder::new().zone(&sources, file, &example_zone(), &mut read_pem, &mut found);
    assert_eq!(lines(&sources, &found), ["2:6: the file is not UTF-8"]);
}

#[test]
fn what_databases_must_supply() {
    let with = |fields: Option<Fields>, geos: &str| steer_with(&[], &SOUND.replace("\"AF\"", geos), fields).1;
    let named = Fields { subdivision_names: true, ..COUNTRIES };
    assert_eq!(
        with(Some(named), "\"NA-US-CA\""),
        ["20:20: warning: NA-US-CA matches nobody: subdivisions are known by name only"]
    );
    assert_eq!(with(Some(Fields { subdivision: true, ..COUNTRIES }), "\"NA-US-CA\""), [""; 0]);
    assert_eq!(
        with(None, "\"AF\""),
        [
            "20:19: \"geos\" needs a database with countries",
            "20:56: warning: \"nearest\" keeps the order written: no database says where clients are",
        ]
    );
}

#[test]
fn shared_things_cannot_be_redefined() {
    let shared = "version = 1\n[region]\neu = {}\n[check.web]\nkind = \"none\"\n[pool.a]\ncheck = \"none\"\n\
        endpoints = [{ name = \"x\", addresses = [\"192.0.2.7\"] }]\n[policy.p]\nrules = [{ pools = [\"a\"] }]\n";
    let found = steer_with(&[shared], SOUND, Some(COUNTRIES)).1;
    assert_eq!(
        found[..4],
        [
            "3:1: there is a shared region \"eu\" already",
            "5:8: there is a shared check \"web\" already",
            "8:7: there is a shared pool \"a\" already",
            "19:9: there is a shared policy \"p\" already",
        ]
    );
    let found = steer_with(&[shared, shared], "version = 1\n", Some(COUNTRIES)).1;
    assert_eq!(
        found,
        [
            "shared1.toml:3:1: there is a shared region \"eu\" already",
            "shared1.toml:4:8: there is a shared check \"web\" already",
            "shared1.toml:6:7: there is a shared pool \"a\" already",
            "shared1.toml:9:9: there is a shared policy \"p\" already",
        ]
    );
}

#[test]
fn a_shared_file_has_no_names() {
    let found = steer_with(&["version = 1\n[name]\n\"www\" = { policy = \"p\" }\n"], SOUND, Some(COUNTRIES)).1;
    assert_eq!(found, ["shared0.toml:2:2: a shared file has no [name]"]);
}

#[test]
fn a_cname_into_a_zone_served_here() {
    let (mut sources, mut found, mut builder) = (Sources::default(), Vec::new(), SteeringBuilder::new());
    let file = sources.add("zone.toml", SOUND.as_bytes().to_vec());
    builder.zone(&sources, file, &example_zone(), &mut read_pem, &mut found);
    let net: Name = "example.net".parse().expect("a name");
    builder.check_cname_targets(|name| name.is_within(net.as_ref()), &mut found);
    assert_eq!(lines(&sources, &found), ["18:37: cdn.example.net. is in a zone that is served here"]);
}
