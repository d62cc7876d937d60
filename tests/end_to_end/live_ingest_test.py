#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A collector that is asked while sensors write to it: `spoor serve` brings what arrives into the tables by itself.

  live_ingest_test.py SPOOR SYNTHETIC_SENSOR [unittest arguments]
"""
import fcntl
import json
import os
import subprocess
import time
import unittest

from collecting import PATIENCE_S, SPOOR, World, spoor, wait_until
import machine
import suite


class Live(World):
    def catalog(self):
        try:
            return json.loads((self.collector.store / "catalog.json").read_text())
        except FileNotFoundError:
            return {"generation": 0, "next_entry": 0, "segments": [], "retired": []}

    def log_size(self):
        return int((self.collector.store / "evidence/checkpoint").read_text().splitlines()[1])

    def all_is_shown(self):
        return self.catalog()["next_entry"] == self.log_size()

    def rows(self, sql, store=None):
        done = spoor("sql", "--store", store or self.collector.store, "--json", sql, status=None)
        self.assertIn(done.returncode, (0, 1, 4), done.stderr)
        return [json.loads(line) for line in done.stdout.splitlines()]

    def somebody_is_resident(self):
        folder = os.open(self.collector.store / "ingest", os.O_RDONLY | os.O_DIRECTORY)
        try:
            fcntl.flock(folder, fcntl.LOCK_SH | fcntl.LOCK_NB)
            return False
        except BlockingIOError:
            return True
        finally:
            os.close(folder)

    def segment_files(self):
        folder = self.collector.store / "segments"
        return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


class WhileASensorShips(Live):
    def test_the_collector_brings_in_what_arrives_and_nobody_who_asks_does(self):
        self.collector.start()
        sensor = self.sensor("--scope-kind", "machine", "--events-per-second", 2000, "--seconds", 3)
        asked = 0
        while sensor.poll() is None:
            before = self.catalog()["generation"]
            events = self.rows("SELECT count(*) AS count FROM event")
            asked += 1
            self.assertEqual(len(events), 1)
            self.assertGreaterEqual(self.catalog()["generation"], before)
        self.result(sensor)
        self.assertGreater(asked, 0)
        wait_until("all is in the tables", self.all_is_shown)
        self.assertGreater(self.rows("SELECT count(*) AS count FROM event")[0]["count"], 100)
        # Another who would ingest for good sees that somebody does.
        self.assertTrue(self.somebody_is_resident())
        generation = self.catalog()["generation"]
        self.rows("SELECT 1 FROM event LIMIT 1")
        self.assertEqual(self.catalog()["generation"], generation)

    def test_sigterm_ends_it_in_order(self):
        self.collector.start()
        sensor = self.sensor("--scope-kind", "machine", "--events-per-second", 5000, "--seconds", 600)
        wait_until("rows are there", lambda: self.catalog()["generation"] > 2)
        self.assertEqual(self.collector.stop(), 0)
        sensor.kill()
        sensor.communicate()
        self.assertIn("ended;", (self.folder / "hub.log").read_text())
        catalog = self.catalog()
        named = {segment["file"] for segment in catalog["segments"]} | set(catalog["retired"])
        self.assertEqual(self.segment_files() - named, set())
        self.assert_whole()

    def test_killed_at_any_moment_the_tables_are_what_a_rebuild_makes(self):
        sensor = None
        for kill in range(4):
            generation = self.catalog()["generation"]
            self.collector.start()
            sensor = sensor or self.sensor("--scope-kind", "machine", "--events-per-second", 3000, "--seconds", 600)
            wait_until("more is in the tables", lambda: self.catalog()["generation"] > generation + kill)
            self.collector.kill()
        sensor.kill()
        sensor.communicate()
        self.assert_whole()

    def assert_whole(self):
        """The tables are what the evidence gives: as spoor verify derives them, and as a rebuild makes them."""
        everything = "SELECT (SELECT count(*) FROM event) AS event, (SELECT count(*) FROM io) AS io, " \
                     "(SELECT count(*) FROM process) AS process, (SELECT sum(hash(e)) FROM event AS e) AS hash"
        rows = self.rows(everything)
        self.assertGreater(rows[0]["event"], 100)
        verified = self.verify()
        self.assertIn(verified.returncode, (0, 4), verified.stdout + verified.stderr)  # 4: the sensor has no end
        spoor("rebuild", "--store", self.collector.store)
        self.assertEqual(self.rows(everything), rows)


@unittest.skipIf(machine.why_it_cannot_record(), machine.why_it_cannot_record())
class WhileARealSensorShips(Live):
    def test_each_command_can_be_asked_for_while_it_is_fresh(self):
        self.collector.start()
        recorder = self.add(subprocess.Popen(
            [SPOOR, "record", "--to", self.collector.url, "--keys", self.keys, "--profile", "honeypot", "--", "/bin/sh"],
            stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True))
        latencies = []
        for number in range(5):
            recorder.stdin.write(f"/bin/echo marker-{number}\n")
            recorder.stdin.flush()
            begin = time.monotonic()
            wait_until(f"command {number} is in the tables", lambda: recorder.poll() is not None or self.rows(
                f"SELECT 1 FROM exec WHERE list_contains(arguments, 'marker-{number}')"))
            self.assertIsNone(recorder.poll(), "spoor record ended")
            latencies.append(time.monotonic() - begin)
        print("from the command to its rows, s, the program that asks included:",
              " ".join(f"{latency:.2f}" for latency in latencies), "at load", os.getloadavg()[0])
        recorder.stdin.close()
        self.assertEqual(recorder.wait(PATIENCE_S), 0)
        recorder.stderr.close()
        wait_until("its end is in the tables", lambda: self.rows("SELECT 1 FROM recording WHERE closed"))
        self.assertEqual(self.collector.stop(), 0)


if __name__ == "__main__":
    suite.main()
