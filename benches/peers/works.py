"""The works: what is asked of which servers, and how one run of each goes."""

import json
import math
import re
import shutil
import socket
import subprocess
import threading
import time
import urllib.request
from dataclasses import dataclass, replace
from pathlib import Path

import data
import steering
from processes import OTHER_CPU, SERVER_CPU, family, on_cpu, pss_mib, stat_fields, used
from servers import CHECK_INTERVAL, SERVERS, Scene

EVERY = ["windrose", "echo", "gdnsd", "nsd", "knot", "bind", "pdns"]
STEERING = ["windrose", "echo", "gdnsd", "gdnsd-map", "knot"]
RATE = 50_000
CONNECTIONS, IN_FLIGHT = 64, 16
# Seconds that a run over TCP takes at least: 64 connections at once overflow the listen queue of some servers, and what is
# dropped from it is tried again after one second.
CONNECTED = 3


@dataclass
class Work:
    """One work. `variants` are configurations or circumstances of it, by name."""
    how: str                        # load, tcp, start, paced or scale: the function and the table
    queries: str
    servers: list
    size: str = "10k"
    geo: bool = False
    variants: tuple = ("",)


WORKS = {
    "static": Work("load", "static", EVERY),
    "geo": Work("load", "geo", STEERING, geo=True),
    "nx": Work("load", "nx", EVERY),
    "wild": Work("load", "wild", EVERY),
    "mix": Work("load", "mix", STEERING, geo=True),
    "static-1m": Work("load", "static-1m", EVERY, size="1m"),
    "tcp": Work("tcp", "static", [name for name in EVERY if name != "echo"]),
    "start": Work("start", "geo", ["windrose", "gdnsd"], geo=True),
    "paced": Work("paced", "mix", ["windrose"], geo=True, variants=("quiet", "busy")),
    "scale": Work("scale", "geo", ["windrose"], geo=True, variants=(
        "3 regions, 10 endpoints", "3 regions, 10,000 endpoints", "200 regions, 10,000 endpoints",
        "1 policy, 1,000 names", "1,000 policies, 1,000 names")),
}
# Each scale variant and the one it is compared with.
SCALE_BASES = {variant: WORKS["scale"].variants[0 if "regions" in variant else 3] for variant in WORKS["scale"].variants}
SCALE_STEERING = dict(zip(SCALE_BASES, (
    lambda: steering.sized(3, 10), lambda: steering.sized(3, 10_000), lambda: steering.sized(200, 10_000),
    lambda: steering.thousand_names(1), lambda: steering.thousand_names(1000)), strict=True))


class Wrong(Exception):
    """A server that does not do the work; it is not measured."""


class Bench:
    """The scratch folder, the programs, the processes started."""

    def __init__(self, folder, started, scene, seconds):
        self.folder, self.started, self.scene, self.seconds = folder, started, scene, seconds
        self.origin = None
        self.answers = {}  # octets of Windrose's answers by work, which the echo's then have

    def run(self, name, variant, server):
        """One run; its figures."""
        work = WORKS[name]
        if work.geo:
            self.origins()
        scene = replace(self.scene, size=work.size, geo=work.geo, answer=round(self.answers.get(name, 64)))
        if variant in SCALE_STEERING:
            scene.steering = SCALE_STEERING[variant]()
        elif work.geo:
            scene.steering = steering.eight_regions(scene.https, 1 if work.how == "paced" else CHECK_INTERVAL)
        queries = "names" if "names" in variant else work.queries
        scene.admin = free_port() if work.how == "paced" else 0
        figures = getattr(self, work.how)(server, scene, queries, variant)
        if server == "windrose" and "octets" in figures:
            self.answers[name] = figures["octets"]
        return figures

    def origins(self):
        if self.origin is None:
            self.scene.http, self.scene.https = free_port(), free_port()
            scene, program = self.scene, Path(__file__).with_name("origin.py")
            command = ["python3", "-B", program, scene.http, scene.https, scene.certificate,
                       scene.certificate.with_suffix(".key")]
            self.origin = self.started.start(command, OTHER_CPU, self.folder / "origin.log", first=False, stdin=subprocess.PIPE)
            wait_for(lambda: connects("127.1.1.1", self.scene.https), 10, "the origins did not start; see origin.log")

    # --- one function for each `how` ---

    def load(self, server, scene, queries, _variant):
        with Running(self, server, scene, queries) as running:
            return running.figures | self.blast(running, queries, self.seconds)

    scale = load

    def tcp(self, server, scene, queries, _variant):
        """dnsperf over connections that stay. Threads may end meanwhile, so the time is that of the whole process."""
        with Running(self, server, scene, queries) as running:
            command = ["dnsperf", "-m", "tcp", "-s", "127.0.0.1", "-p", running.port, "-l", max(self.seconds, CONNECTED), "-T", 1,
                       "-d", self.folder / f"{queries}.text", "-c", CONNECTIONS, "-q", CONNECTIONS * IN_FLIGHT]
            user, system = used(running.pids)
            said = self.command(command)
            user, system = (after - before for after, before in zip(used(running.pids), (user, system)))
        number = lambda what: float(re.search(what + r":\s+([0-9.]+)", said).group(1))
        answers, seconds = number("Queries completed"), number(r"Run time \(s\)")
        if answers < CONNECTIONS * IN_FLIGHT:
            raise Wrong(f"only {answers:.0f} answers over TCP: dnsperf, or the server, did not get to run")
        return running.figures | {
            "answers": answers, "lost": number("Queries lost"), "qps": answers / seconds,
            "total_us": (user + system) / answers, "user_us": user / answers,
            "server_busy": (user + system) / 1e6 / seconds,
            "wrong": answers - float(re.search(r"NOERROR (\d+)", said).group(1)),
        }

    def start(self, server, scene, queries, _variant):
        """Once to learn the verdicts, once more to measure: with what the first left in its folder."""
        with Running(self, server, scene, queries):
            time.sleep(1)
        with Running(self, server, scene, queries, again=True) as running:
            return running.figures

    def paced(self, server, scene, queries, variant):
        """A fixed rate, on its own or with everything happening that can."""
        seconds = self.seconds if self.seconds <= 1 else max(12, self.seconds)
        with Running(self, server, scene, queries) as running:
            before = batches(metrics(scene))
            if variant == "quiet":
                figures = self.blast(running, queries, seconds, "--rate", RATE)
            else:
                with Turmoil(self, running, scene) as turmoil:
                    figures = self.blast(running, queries, seconds, "--rate", RATE)
                changes = (running.folder / "log").read_text(errors="replace").count(" -> ")
                figures |= {"changes": changes, "scrapes": turmoil.scrapes, "reloads": turmoil.reloads}
            took, number = (after - first for after, first in zip(batches(metrics(scene)), before))
            return running.figures | figures | {"batch_us": took / number * 1e6 if number else math.nan}

    def blast(self, running, queries, seconds, *more):
        """The generator against a running server."""
        command = [self.scene.blast, "load", "--to", f"127.0.0.1:{running.port}", "--seconds", seconds,
                   "--queries", self.folder / f"{queries}.queries", *more]
        figures = json.loads(self.command(command + [word for pid in running.pids for word in ("--pid", pid)]))
        figures["qps"] = figures["answers"] / figures["seconds"]
        if running.server != "echo" and figures["wrong"]:
            raise Wrong(f"{figures['wrong']:.0f} wrong answers under load")
        return figures

    def command(self, command):
        """Runs a generator beside the server's CPU; what it said."""
        done = subprocess.run([str(word) for word in command], capture_output=True, text=True, preexec_fn=on_cpu(OTHER_CPU))
        if done.returncode != 0:
            raise Wrong(f"{command[0]}: {done.stderr.strip()}")
        return done.stdout


class Running:
    """A server that has been started, and has answered right."""

    def __init__(self, bench, server, scene, queries, again=False):
        self.bench, self.server, self.queries = bench, server, queries
        self.folder = bench.folder / "servers" / server
        if not again:
            shutil.rmtree(self.folder, ignore_errors=True)
            self.folder.mkdir(parents=True)
        self.port = free_port()
        self.command = SERVERS[server](self.folder, scene, self.port)
        self.steered = scene.geo and queries == "geo" and "check.web" in scene.steering

    def __enter__(self):
        begin = time.monotonic()
        self.process = self.bench.started.start(self.command, SERVER_CPU, self.folder / "log", cwd=self.folder)
        try:
            self.first_answer(begin + 120)
            took = (time.monotonic() - begin) * 1000
            self.pids = family(self.process.pid)
            self.figures = {"start_ms": took, "pss_mib": pss_mib(self.pids)}
            if self.server != "echo":
                self.check()
        except BaseException:
            self.bench.started.stop(self.process)
            raise
        return self

    def __exit__(self, *_):
        self.bench.started.stop(self.process)

    def first_answer(self, end):
        """Asks the first query of the work each millisecond until there is an answer."""
        with open(self.bench.folder / f"{self.queries}.queries", "rb") as file:
            length = int.from_bytes(file.read(2), "big")
            query = file.read(1 + length)[1:]
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
            asking.connect(("127.0.0.1", self.port))
            asking.settimeout(0.001)
            while time.monotonic() < end:
                try:
                    asking.send(query)
                    if asking.recv(2048)[2] & 0x80:
                        return
                except TimeoutError:
                    pass
                except ConnectionRefusedError:
                    time.sleep(0.001)
                if self.process.poll() is not None:
                    raise Wrong(f"ended at once: {self.last_words()}")
        raise Wrong(f"no answer: {self.last_words()}")

    def check(self):
        """A tenth of a second with few queries at a time: every answer must be right, steered ones differ by client."""
        command = [self.bench.scene.blast, "load", "--to", f"127.0.0.1:{self.port}", "--warm", 0, "--seconds", 0.1,
                   "--queries", self.bench.folder / f"{self.queries}.queries", "--lanes", 1, "--window", 8, "--regions"]
        seen = json.loads(self.bench.command(command))
        if seen["wrong"] or seen["lost"] or not seen["answers"]:
            raise Wrong(f"{seen['answers']:.0f} answers, {seen['wrong']:.0f} wrong, {seen['lost']:.0f} lost")
        if self.steered and seen["regions"] < 7:
            raise Wrong(f"answers came from {seen['regions']:.0f} regions; clients all over the world want 7 at least")

    def last_words(self):
        return (self.folder / "log").read_text(errors="replace")[-500:].strip()


class Turmoil(threading.Thread):
    """Each second a verdict changes and the metrics are read; every five seconds a changed zone is loaded."""

    def __init__(self, bench, running, scene):
        super().__init__()
        self.bench, self.running, self.scene = bench, running, scene
        self.done, self.scrapes, self.reloads, self.error = threading.Event(), 0, 0, None

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, kind, *_):
        self.done.set()
        self.join()
        self.say("up")
        if self.error and kind is None:
            raise Wrong(f"while busy: {self.error}")

    def run(self):
        second = 0
        try:
            while not self.done.wait(1 if second else 0):
                self.say("up" if second % 2 else "down")
                self.scrapes += len(metrics(self.scene)) > 0
                if second % 5 == 0:
                    self.reload(second)
                second += 1
        except (OSError, Wrong) as error:
            self.error = error

    def say(self, word):
        self.bench.origin.stdin.write(f"{word} 127.1.4.1\n".encode())
        self.bench.origin.stdin.flush()

    def reload(self, serial):
        (self.running.folder / "zone").write_text(data.zone(data.SIZES["10k"], serial=2 + serial))
        done = subprocess.run([self.running.command[0], "reload", "--config", self.running.folder / "windrose.toml"],
                              capture_output=True, text=True)
        if done.returncode != 0:
            raise Wrong(done.stdout + done.stderr)
        self.reloads += 1


def metrics(scene):
    """What a scrape reads."""
    with urllib.request.urlopen(f"http://127.0.0.1:{scene.admin}/metrics", timeout=5) as got:
        return got.read().decode()


def batches(text):
    """The seconds of the batches that were timed, and how many there were."""
    return [float(re.search(rf"^windrose_udp_batch_seconds_{what} (\S+)$", text, re.M).group(1)) for what in ("sum", "count")]


def free_port():
    """A port that nothing has, over UDP and TCP."""
    while True:
        with socket.socket() as tcp, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
            tcp.bind(("127.0.0.1", 0))
            try:
                udp.bind(tcp.getsockname())
                return tcp.getsockname()[1]
            except OSError:
                pass


def connects(address, port):
    with socket.socket() as one:
        return one.connect_ex((address, port)) == 0


def wait_for(true, seconds, otherwise):
    end = time.monotonic() + seconds
    while not true():
        if time.monotonic() > end:
            raise Wrong(otherwise)
        time.sleep(0.05)
