"""Windrose's steering files for the works."""

from data import REGIONS, STEERED, addresses


def eight_regions(https_port, interval):
    """Eight regions of four endpoints with HTTPS checks, the nearest first; an answer holds all four, as gdnsd's does."""
    names = list(REGIONS)
    lines = ["version = 1", "[region]"]
    lines += [f"{name} = {{ lat = {lat}, lon = {lon} }}" for name, (lat, lon) in REGIONS.items()]
    lines += ["[check.web]", 'kind = "https"', f'host = "{STEERED}.example.com"', f"port = {https_port}",
              'ca_file = "origin.pem"', f'interval = "{interval}s"', 'timeout = "900ms"', "fall = 1", "rise = 1"]
    for at, name in enumerate(names):
        lines += [f"[pool.{name}]", f'region = "{name}"', 'check = "web"',
                  f"endpoints = [{endpoints(addresses(at))}]"]
    lines += ["[policy.web]", f"rules = [{{ nearest = {names} }}]".replace("'", '"'), "spread = { answers = 4 }",
              "[name]", f'"{STEERED}" = {{ policy = "web", ttl = "60s" }}']
    return "\n".join(lines) + "\n"


def endpoints(of):
    return ", ".join(f'{{ name = "e{n}", addresses = ["{address}"] }}' for n, address in enumerate(of))


def pools(regions, total):
    """Regions spread over the globe, and so many unchecked endpoints in as many pools."""
    lines = ["version = 1", "[region]"]
    lines += [f"r{n} = {{ lat = {(n * 37) % 130 - 60}, lon = {(n * 83) % 360 - 180} }}" for n in range(regions)]
    for n in range(regions):
        mine = [f"127.{2 + e // 65536}.{e // 256 % 256}.{e % 256}" for e in range(n, total, regions)]
        lines += [f"[pool.p{n}]", f'region = "r{n}"', 'check = "none"', f"endpoints = [{endpoints(mine)}]"]
    return lines


def sized(regions, total):
    """One steered name."""
    return "\n".join([*pools(regions, total), "[policy.web]", rules(range(regions)),
                      "[name]", f'"{STEERED}" = {{ policy = "web", ttl = "60s" }}']) + "\n"


def thousand_names(policies):
    """A thousand steered names p0.geo…, sharing so many policies that have eight different sets of rules."""
    lines = pools(8, 32)
    for n in range(policies):
        left_out = n % 8  # the first policy of eight leaves out none, so that every pool is used
        lines += [f"[policy.w{n}]", rules(pool for pool in range(8) if pool != left_out or pool == 0)]
    lines += ["[name]", *(f'"p{n}.geo" = {{ policy = "w{n % policies}", ttl = "60s" }}' for n in range(1000))]
    return "\n".join(lines) + "\n"


def rules(of):
    return "rules = [{ nearest = [" + ", ".join(f'"p{n}"' for n in of) + "] }]"
