//! `$GENERATE`: what BIND makes of the same lines, and findings.

use super::{print, read, zone};

/// The records that a line makes, without those of the top.
fn made(line: &str) -> Vec<String> {
    let of_top = |line: &String| line.contains("SOA") || line.contains(" NS ");
    print(&zone(line)).into_iter().filter(|line| !of_top(line)).collect()
}

#[test]
fn records() {
    let table: &[(&str, &[&str])] = &[
        ("1-2 a$ A 192.0.2.$", &["a1.example. 60 A 192.0.2.1", "a2.example. 60 A 192.0.2.2"]),
        (
            "0-4/2 b${10,4,d} A 192.0.2.1",
            &["b0010.example. 60 A 192.0.2.1", "b0012.example. 60 A 192.0.2.1", "b0014.example. 60 A 192.0.2.1"],
        ),
        ("10-10 c${0,3,x}.${0,3,X}.${0,3,o} AAAA ::", &["c00a.00a.012.example. 60 AAAA ::"]),
        ("10-10 d-${0,0,n} A 192.0.2.1", &["d-a.example. 60 A 192.0.2.1"]),
        ("10-10 e-${0,1,n} A 192.0.2.1", &["e-a.example. 60 A 192.0.2.1"]),
        ("10-10 f-${0,2,n}z A 192.0.2.1", &["f-a.z.example. 60 A 192.0.2.1"]),
        ("10-10 g-${0,3,n} A 192.0.2.1", &["g-a.0.example. 60 A 192.0.2.1"]),
        ("10-10 h-${0,4,N}z A 192.0.2.1", &["h-a.0.z.example. 60 A 192.0.2.1"]),
        ("300-300 i-${0,4,N} A 192.0.2.1", &["i-c.2.1.example. 60 A 192.0.2.1"]),
        ("1-1 j$$ TXT \"x $ y\"", &[r#"j\$.example. 60 TXT "x" "1" "y""#]),
        (r#"1-1 k\$\.$ TXT "\"x $ y\" z\$""#, &[r#"k\$\.1.example. 60 TXT "x 1 y" "z$""#]),
        ("1-1 l${-1} A 192.0.2.$", &["l0.example. 60 A 192.0.2.1"]),
        ("1-1 m$ MX \"10 mail$\"", &["m1.example. 60 MX 10 mail1.example."]),
        ("1-1 $-${2}-$ MX \"$ ${3}.$\"", &["1-3-3.example. 60 MX 1 4.4.example."]),
        ("1-1 n$ 77 IN A 192.0.2.$", &["n1.example. 77 A 192.0.2.1"]),
        ("1-1 o$ IN 77 A 192.0.2.$ ; the end", &["o1.example. 77 A 192.0.2.1"]),
        ("5-5 q${+1,3} A 192.0.2.$", &["q006.example. 60 A 192.0.2.5"]),
        ("1-1 t${-5,3,d} A 192.0.2.1", &["t-04.example. 60 A 192.0.2.1"]),
        ("1-1 @ MX $ ( mail$\n )", &["example. 60 MX 1 mail1.example."]),
        ("1-2/2 u$ TYPE731 \\# 2 00${0,2,x}", &["u1.example. 60 TYPE731 \\# 2 0001"]),
        ("1-1 v$ TXT \"a b\" \"$\" ", &["v1.example. 60 TXT \"a b\" \"1\""]),
        ("2147483647-2147483647 w$ A 192.0.2.1", &["w2147483647.example. 60 A 192.0.2.1"]),
    ];
    for (line, expected) in table {
        assert_eq!(made(&format!("$GENERATE {line}")), *expected, "{line}");
    }
}

#[test]
fn the_owner_before_it_stays() {
    let lines = made("a TXT x\n$GENERATE 1-1 b$ TXT y\n TXT z\n");
    assert_eq!(lines, ["a.example. 60 TXT \"x\"", "a.example. 60 TXT \"z\"", "b1.example. 60 TXT \"y\""]);
}

#[test]
fn findings() {
    let table = [
        ("5-1 a$ A 192.0.2.1", "2:11: error: the range ends at 1 before it starts (write the smaller number first)"),
        (
            "0-1048576 a$ A 192.0.2.1",
            "2:11: error: the range makes 1048577 records; at most 1048576 are made (a step of 16 is written \
             0-1048575/16; a wildcard may do as well)",
        ),
        (
            "1-2/0 a$ A 192.0.2.1",
            "2:11: error: expected a range such as 1-254, or 0-254/2, found `1-2/0` (write it as `$GENERATE 1-254 \
             host-$ A 192.0.2.$`)",
        ),
        (
            "1-2 a${1 A 192.0.2.1",
            "2:15: error: expected ${offset,width,base}, found `${1` (it looks like ${0,3,d}; the width is at most 255, \
             the base one of d o x X n N; a dollar sign itself is \\$)",
        ),
        (
            "1-2 a$ A 192.0.2.${0,1,q}",
            "2:20: error: expected ${offset,width,base}, found `${0,1,q}` (it looks like ${0,3,d}; the width is at most \
             255, the base one of d o x X n N; a dollar sign itself is \\$)",
        ),
        (
            "254-300/2 a$ A 192.0.2.$",
            "2:26: error: iteration 2, where $ is 256: expected an IPv4 address, found `192.0.2.256` (A looks like \
             `192.0.2.1`)",
        ),
        (
            "1-3 a${-3,0,x} A 192.0.2.$",
            "2:15: error: iteration 1, where $ is 1: -2 is below zero, which only base d can write (write a greater \
             offset, or start the range at a greater number)",
        ),
        (
            "1-2 a${0,64} A 192.0.2.$",
            "2:15: error: iteration 1, where $ is 1: `a000000000000000000000000000000000000000…` is not a name: a label is \
             longer than 63 octets (write a shorter one)",
        ),
        (
            "1-2 a$ CNMAE b$",
            "2:18: error: expected a TTL, a class or a record type, found `CNMAE` (did you mean CNAME?)",
        ),
        (
            "1-2 a$ A",
            "2:19: error: expected RDATA with $ for the number, found the end of the line (write it as `$GENERATE 1-254 \
             host-$ A 192.0.2.$`)",
        ),
        (
            "1-2 a$ A \"(192.0.2.1\"",
            "2:20: error: iteration 1, where $ is 1: this parenthesis is never closed (write ) behind the last word of \
             the record)",
        ),
    ];
    for (line, expected) in table {
        let (_, errors) = read(&format!("$TTL 1\n$GENERATE {line}\n"));
        assert_eq!(errors, [format!("z:{expected}")], "{line}");
    }
}
