"""Zones, queries and the places of the regions: the same for every server."""

import ipaddress
import random
import struct

ORIGIN = "example.com"
STEERED = "www.geo"
SIZES = {"10k": 10_000, "1m": 1_000_000}
QUERIES = 100_000

# Eight regions and where they are. Their endpoints are 127.1.REGION.{1..4}, counted from 1.
REGIONS = {
    "ashburn": (39.04, -77.49), "oregon": (45.84, -119.70), "saopaulo": (-23.55, -46.63), "frankfurt": (50.11, 8.68),
    "warsaw": (52.23, 21.01), "johannesburg": (-26.20, 28.05), "singapore": (1.35, 103.82), "sydney": (-33.87, 151.21),
}
ENDPOINTS = 4
TYPES = {"A": 1, "NS": 2, "SOA": 6, "MX": 15, "TXT": 16}
NXDOMAIN = 3


def addresses(region):
    """The addresses of a region, by its place in REGIONS."""
    return [f"127.1.{region + 1}.{n + 1}" for n in range(ENDPOINTS)]


def all_addresses():
    return [address for region in range(len(REGIONS)) for address in addresses(region)]


def zone(names, steered=(), serial=1):
    """A zone of so many names, and lines for the steered one."""
    lines = [
        f"$ORIGIN {ORIGIN}.", "$TTL 300",
        f"@ 3600 IN SOA ns1.{ORIGIN}. hostmaster.{ORIGIN}. {serial} 7200 1800 1209600 300",
        "@ 3600 IN NS ns1", "@ 3600 IN NS ns2", "ns1 3600 IN A 127.0.0.1", "ns2 3600 IN A 127.0.0.2",
        "@ IN MX 10 mail", "mail IN A 127.0.0.3", '@ IN TXT "v=spf1 mx -all"', "*.any IN A 127.0.0.4",
    ]
    lines += [f"h{n} IN A 127.{16 + (n >> 16)}.{n >> 8 & 255}.{n & 255}" for n in range(names)]
    return "\n".join([*lines, *steered, ""])


def write_zones(folder, sizes):
    """plain: as Windrose, NSD, BIND and PowerDNS read it; gdnsd and knot: with what their geo plugins want."""
    for size in sizes:
        for kind, steered in {
            "plain": [],
            "gdnsd": [f"{STEERED} 60 DYNA geoip!www"],
            "knot": [f"{STEERED} 60 IN A {address}" for address in addresses(0)],
        }.items():
            path = folder / f"{kind}-{size}.zone"
            if not path.exists():
                path.write_text(zone(SIZES[size], steered))


def message(name, kind="A", network=None):
    """A query in wire form with ID 0; with a network, EDNS and Client Subnet (RFC 7871)."""
    labels = b"".join(bytes([len(label)]) + label.encode() for label in f"{name}.{ORIGIN}".lstrip(".").split("."))
    question = labels + b"\0" + struct.pack(">HH", TYPES[kind], 1)
    if network is None:
        return struct.pack(">6H", 0, 0, 1, 0, 0, 0) + question
    subnet = struct.pack(">HBB", 1, 24, 0) + network.packed[:3]
    option = struct.pack(">HH", 8, len(subnet)) + subnet
    return struct.pack(">6H", 0, 0, 1, 0, 0, 1) + question + struct.pack(">BHHIH", 0, 41, 1232, 0, len(option)) + option


def client(chance):
    """A /24 of the public internet."""
    while not (address := ipaddress.IPv4Address(chance.getrandbits(24) << 8)).is_global or address.is_multicast:
        pass
    return address


def static(chance, names=10_000):
    return (f"h{chance.randrange(names)}", "A", None, 0)


def geo(chance):
    return (STEERED, "A", client(chance), 0)


def missing(chance):
    return (f"no{chance.getrandbits(40):x}", "A", None, NXDOMAIN)


def mixed(chance):
    """Four of ten steered, four static, three of twenty missing, the rest about the zone itself."""
    kind = chance.random()
    if kind < 0.40:
        return geo(chance)
    if kind < 0.80:
        return static(chance)
    return missing(chance) if kind < 0.95 else ("", chance.choice(["NS", "SOA", "MX", "TXT"]), None, 0)


MAKERS = {
    "static": static,
    "static-1m": lambda chance: static(chance, 1_000_000),
    "geo": geo,
    "nx": missing,
    "wild": lambda chance: (f"w{chance.getrandbits(40):x}.any", "A", None, 0),
    "mix": mixed,
    "names": lambda chance: (f"p{chance.randrange(1000)}.geo", "A", client(chance), 0),
}


def write_queries(folder, kind):
    """KIND.queries for the generator (see blast/queries.rs), KIND.text for dnsperf."""
    path, text = folder / f"{kind}.queries", folder / f"{kind}.text"
    if path.exists() and text.exists():
        return path
    chance = random.Random(f"windrose {kind}")
    queries = [MAKERS[kind](chance) for _ in range(QUERIES)]
    text.write_text("".join(f"{name}.{ORIGIN} {type_}\n".lstrip(".") for name, type_, _, _ in queries))
    with open(path, "wb") as file:
        for name, type_, network, rcode in queries:
            octets = message(name, type_, network)
            file.write(struct.pack(">HB", len(octets), rcode) + octets)
    return path
