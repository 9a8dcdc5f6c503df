"""Tests of what the tables are made with: `benches/peers/run --selftest`."""

import math
import os
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

import data
import report
import servers
import setup
import steering
import works


class Statistics(unittest.TestCase):
    def test_median_and_quartiles(self):
        self.assertEqual(report.median([3, 1, 2]), 2)
        self.assertEqual(report.median([4, 1, 2, 3]), 2.5)
        self.assertEqual(report.spread([1, 2, 3, 4, 5]), (2, 4))
        self.assertEqual(report.spread([1, 2, 3, 4]), (1.75, 3.25))
        self.assertEqual(report.spread([7]), (7, 7))
        self.assertTrue(math.isnan(report.median([])))

    def test_one_value_has_no_spread(self):
        self.assertEqual(report.shown([1.0]), "1.00")
        self.assertEqual(report.shown([1.0, 2.0, 3.0]), "2.00 (1.50–2.50)")
        self.assertEqual(report.shown([math.nan]), "–")

    def test_ratios_pair_runs_of_a_round(self):
        runs = [{"round": 0, "x": 2.0}, {"round": 1, "x": 6.0}, {"round": 2, "x": 1.0}]
        others = [{"round": 1, "x": 3.0}, {"round": 0, "x": 4.0}]
        self.assertEqual(report.ratios(runs, others, report.of("x")), [0.5, 2.0])

    def test_a_table_of_one_round(self):
        run = {"work": "static", "round": 0, "lost": 0.0, "qps": 1000.0, "server_busy": 1.0}
        times = {"windrose": (3.0, 1.0), "echo": (2.0, 0.1), "gdnsd": (4.0, 2.0)}
        runs = [{**run, "server": name, "total_us": total, "user_us": user} for name, (total, user) in times.items()]
        line = report.cpu_table(runs).splitlines()[2]
        self.assertEqual(line, "| static | windrose | 3.00 | 1.00 | 1.00 | 0.50 | 0.50 | 1 | 100 | – | 0 |")


    def test_batches_are_read_from_metrics(self):
        text = "windrose_udp_batch_seconds_sum 0.25\nwindrose_udp_batch_seconds_count 1000\n"
        self.assertEqual(works.batches(text), [0.25, 1000])


class Queries(unittest.TestCase):
    def test_a_query_with_client_subnet(self):
        octets = data.message("www.geo", "A", data.ipaddress.IPv4Address("141.20.0.0"))
        self.assertEqual(octets[:12], bytes([0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 1]))
        self.assertEqual(octets[12:37], b"\x03www\x03geo\x07example\x03com\0" + bytes([0, 1, 0, 1]))
        self.assertTrue(octets.endswith(bytes.fromhex("0008" "0007" "0001" "1800" "8d1400")))

    def test_the_apex_has_no_empty_label(self):
        self.assertEqual(data.message("", "NS")[12:25], b"\x07example\x03com\0")


@unittest.skipUnless("WINDROSE" in os.environ and shutil.which("openssl"), "needs openssl, and the program in WINDROSE")
class Configurations(unittest.TestCase):
    def test_windrose_takes_all_of_them(self):
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            (folder / "plain-10k.zone").write_text(data.zone(10))
            certificate, _ = setup.certificate(folder)
            city = setup.ROOT / "geo/country.mmdb"
            scene = servers.Scene(folder, geo=True, city=city, certificate=certificate, admin=8053)
            makers = {"eight regions": lambda: steering.eight_regions(8443, 5), **works.SCALE_STEERING}
            for number, (variant, make) in enumerate(makers.items()):
                scene.steering = make()
                (server := folder / str(number)).mkdir()
                config = servers.windrose(server, scene, 5300)[-1]
                done = subprocess.run([os.environ["WINDROSE"], "check", "--config", config], capture_output=True)
                self.assertEqual(done.returncode, 0, f"{variant}: {done.stdout[-1000:]} {done.stderr[-1000:]}")
