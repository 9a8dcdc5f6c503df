"""The servers: how each is configured with one thread for UDP and one for TCP, and started in the foreground.

Each function writes what its server reads into a folder and returns the command. To add a server, add one to SERVERS, the
package to setup.py, the name to works.py, and to data.py a zone if it wants one of its own.
"""

import shutil
from dataclasses import dataclass
from pathlib import Path

from data import ENDPOINTS, ORIGIN, REGIONS, STEERED, addresses

CHECK_INTERVAL = 5  # seconds, for all that check

# For what knows places by code and not by distance: continents, and countries that are nearer to another region.
CONTINENTS = dict(NA="ashburn", SA="saopaulo", EU="frankfurt", AF="johannesburg", AS="singapore", OC="sydney")
COUNTRIES = {"NA;CA": "oregon", "NA;MX": "oregon", **{f"EU;{code}": "warsaw" for code in ("PL", "UA", "RU", "SE")}}


@dataclass
class Scene:
    """What is to be served."""
    zones: Path             # the folder of zone files
    size: str = "10k"
    geo: bool = False       # with steered names, the city database and checks of the origins
    city: Path = None
    http: int = 0           # the origins' ports
    https: int = 0
    certificate: Path = None
    windrose: Path = None   # programs built here
    blast: Path = None
    answer: int = 0         # octets of the echo's answers
    steering: str = ""      # Windrose's steering file
    admin: int = 0          # Windrose's admin port

    def zone(self, kind):
        return self.zones / f"{kind}-{self.size}.zone"


def windrose(folder, scene, port):
    shutil.copy(scene.zone("plain"), folder / "zone")  # a copy, as the busy work changes it
    main = ["version = 1", "[server]", f'listen = ["127.0.0.1:{port}"]', 'state = "state"', "watch = false"]
    if scene.geo:
        main += ["[geo]", f'databases = ["{scene.city}"]']
        (folder / "steering.toml").write_text(scene.steering)
        shutil.copy(scene.certificate, folder / "origin.pem")
    if scene.admin:
        main += ["[admin]", f'listen = "127.0.0.1:{scene.admin}"']
    main += ["[[zone]]", f'name = "{ORIGIN}"', 'file = "zone"'] + ['steering = "steering.toml"'] * scene.geo
    (folder / "windrose.toml").write_text("\n".join(main) + "\n")
    return [scene.windrose, "serve", "--config", folder / "windrose.toml"]


def echo(_folder, scene, port):
    return [scene.blast, "echo", "--at", f"127.0.0.1:{port}", "--size", scene.answer]


def gdnsd(folder, scene, port):
    """With coordinates, as Windrose has them: gdnsd's "city auto mode"."""
    centers = "\n".join(f"  {name} => [ {lat}, {lon} ]" for name, (lat, lon) in REGIONS.items())
    return gdnsd_with(folder, scene, port, f"auto_dc_coords => {{\n{centers}\n }}")


def gdnsd_map(folder, scene, port):
    """With a map written by hand, which is coarser and so a little cheaper."""
    def places(continent, name):
        own = [f"{code[3:]} => [ {other}, {name} ]" for code, other in COUNTRIES.items() if code.startswith(continent)]
        second = "oregon" if name == "ashburn" else "ashburn"
        return f"  {continent} => {{ default => [ {name}, {second} ], {', '.join(own)} }}"

    lines = "\n".join(places(*item) for item in CONTINENTS.items())
    return gdnsd_with(folder, scene, port, f"map => {{\n{lines}\n }}")


def gdnsd_with(folder, scene, port, places):
    for name in ("zones", "geoip", "run", "state"):
        (folder / name).mkdir(exist_ok=True)
    shutil.copy(scene.zone("gdnsd" if scene.geo else "plain"), folder / "zones" / ORIGIN)
    listen = f"127.0.0.1:{port} => {{ udp_threads = 1, tcp_threads = 1, tcp_clients_per_thread = 1024 }}"
    config = [f"options => {{ listen => {{ {listen} }}, run_dir = {folder}/run, state_dir = {folder}/state }}"]
    if scene.geo:
        pools = "\n".join(f"  {name} => [ {', '.join(addresses(at))} ]" for at, name in enumerate(REGIONS))
        config += [
            f"service_types => {{ web => {{ plugin => http_status, port => {scene.http}, vhost => {STEERED}.{ORIGIN},"
            f" interval => {CHECK_INTERVAL}, timeout => 3 }} }}",
            f"plugins => {{ geoip => {{\n maps => {{ world => {{ geoip2_db => {scene.city},",
            f" datacenters => [ {', '.join(REGIONS)} ],\n {places}\n }} }}",
            f" resources => {{ www => {{ map => world, service_types => web, dcmap => {{\n{pools}\n }} }} }}\n}} }}",
        ]
    (folder / "config").write_text("\n".join(config) + "\n")
    return ["gdnsd", "-c", folder, "start"]


def nsd(folder, scene, port):
    (folder / "nsd.conf").write_text(f"""
server:
    ip-address: 127.0.0.1@{port}
    server-count: 1
    reuseport: no
    username: ""
    chroot: ""
    database: ""
    pidfile: "{folder}/pid"
    zonelistfile: "{folder}/zones"
    xfrdfile: "{folder}/transfers"
    xfrdir: "{folder}"
    zonesdir: "{folder}"
    rrl-ratelimit: 0
    minimal-responses: yes
    tcp-count: 1000
remote-control:
    control-enable: no
zone:
    name: {ORIGIN}
    zonefile: "{scene.zone("plain")}"
""")
    return ["nsd", "-d", "-c", folder / "nsd.conf"]


def knot(folder, scene, port):
    module = f"""mod-geoip:
  - id: steered
    config-file: {folder}/geo.yaml
    ttl: 60
    mode: geodb
    geodb-file: {scene.city}
    geodb-key: [ continent/code, country/iso_code ]
""" if scene.geo else ""
    if scene.geo:
        write_knot_geo(folder / "geo.yaml")
    (folder / "knot.conf").write_text(f"""
server:
    rundir: {folder}
    listen: 127.0.0.1@{port}
    udp-workers: 1
    tcp-workers: 1
    background-workers: 1
    edns-client-subnet: on
    tcp-max-clients: 1000
log:
  - target: stderr
    any: warning
database:
    storage: {folder}/db
{module}zone:
  - domain: {ORIGIN}
    file: {scene.zone("knot" if scene.geo else "plain")}
    zonefile-sync: -1
    zonefile-load: whole
{"    module: mod-geoip/steered" if scene.geo else ""}
""")
    return ["knotd", "-c", folder / "knot.conf"]


def write_knot_geo(path):
    places = {**{f"{code};*": name for code, name in CONTINENTS.items()}, **COUNTRIES}
    order = list(REGIONS)
    lines = [f"{STEERED}.{ORIGIN}:"]
    for code, name in places.items():
        lines += [f'  - geo: "{code}"', f"    A: [ {', '.join(addresses(order.index(name)))} ]"]
    path.write_text("\n".join(lines) + "\n")


def bind(folder, scene, port):
    (folder / "named.conf").write_text(f"""
options {{
    directory "{folder}"; pid-file "{folder}/pid"; session-keyfile "{folder}/session.key";
    listen-on port {port} {{ 127.0.0.1; }}; listen-on-v6 {{ none; }};
    recursion no; minimal-responses yes; notify no; dnssec-validation no; allow-query {{ any; }};
    empty-zones-enable no; tcp-clients 1000;
}};
controls {{ }};
logging {{ category default {{ default_stderr; }}; category queries {{ null; }}; }};
zone "{ORIGIN}" {{ type primary; file "{scene.zone("plain")}"; }};
""")
    return ["named", "-g", "-n", "1", "-c", folder / "named.conf"]


def pdns(folder, scene, port):
    (folder / "named.conf").write_text(f'zone "{ORIGIN}" {{ type master; file "{scene.zone("plain")}"; }};\n')
    (folder / "pdns.conf").write_text(f"""
daemon=no
guardian=no
local-address=127.0.0.1
local-port={port}
socket-dir={folder}
receiver-threads=1
distributor-threads=1
max-tcp-connections=1000
max-tcp-connections-per-client=0
loglevel=3
launch=bind
bind-config={folder}/named.conf
bind-check-interval=0
""")
    return ["pdns_server", f"--config-dir={folder}"]


SERVERS = {f.__name__.replace("_", "-"): f for f in (windrose, echo, gdnsd, gdnsd_map, nsd, knot, bind, pdns)}
assert ENDPOINTS == 4  # steering.py asks for four answers
