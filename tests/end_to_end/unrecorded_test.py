#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Sensors that are stopped and started again: both verifiers say from when to when nobody recorded, and why.

  unrecorded_test.py SPOOR SYNTHETIC_SENSOR [unittest arguments]
"""
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../tools"))
sys.dont_write_bytecode = True
import collecting  # noqa: E402  (takes the first two arguments)
import machine  # noqa: E402
import suite  # noqa: E402
import verify as independent  # noqa: E402  (tools/verify.py)
from collecting import SPOOR, spoor, wait_until  # noqa: E402

VERIFY = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../tools/verify.py")


class Stating:
    """Mixed into a test: what both verifiers say of a store."""
    EXIT_CODES = (0,)

    def said(self, store):
        done = spoor("verify", "--store", store, "--json", status=None)
        self.assertIn(done.returncode, self.EXIT_CODES, done.stderr)
        line = json.loads(done.stdout)
        unrecorded = line["completeness"]["unrecorded"]
        second = [(scope[0], scope[1], before.id, after.id, before.last[1], after.first[1], before.reason)
                  for scope, before, after in independent.verify(str(store)).unrecorded.find()]
        self.assertEqual(second, [(one["host"], one["scope_kind"], one["recording_id"], one["next_recording_id"],
                                   one["from_wall_ns"], one["until_wall_ns"], one.get("reason", ""))
                                  for one in unrecorded])
        return line, unrecorded

    def lines(self, store):
        return re.findall(r"^      (?:host|…) .*$", spoor("verify", "--store", store, status=0).stdout, re.M)

    def assert_between(self, line, one, before, after):
        recordings = {recording["recording_id"]: recording for recording in line["recordings"]}
        self.assertEqual((one["recording_id"], one["next_recording_id"]), (before, after))
        self.assertEqual(one["from_wall_ns"], recordings[before]["last_wall_ns"])
        self.assertEqual(one["until_wall_ns"], recordings[after]["first_wall_ns"])


class Shipped(Stating, collecting.World):
    def setUp(self):
        super().setUp()
        self.collector.start()

    def of(self, *words, kind="machine", host="web", **more):
        return self.sensor("--scope-kind", kind, "--host", host, *words, **more)

    def run_of(self, *words, **more):
        return self.result(self.of("--batches", 3, *words, **more))[0]

    def start_of(self, *words, **more):
        """A sensor that goes on, and its recording, of which the collector has something."""
        sensor = self.of("--batches", 1 << 40, "--interval-us", 20_000, *words, **more)
        recording = sensor.stdout.readline().split()[1]
        wait_until("it came", lambda: recording in self.last_of())
        return sensor, recording

    def last_of(self):
        line = json.loads(spoor("verify", "--store", self.collector.store, "--json", "--skip-segments").stdout)
        return {recording["recording_id"]: recording["last_wall_ns"] for recording in line["recordings"]}

    def kill(self, sensor):
        sensor.kill()
        sensor.communicate()

    def test_a_stop_in_order_and_a_kill_and_what_comes_next(self):
        first = self.run_of()
        sensor, second = self.start_of()
        self.kill(sensor)
        third = self.run_of("--boot-id", "next")
        line, unrecorded = self.said(self.collector.store)
        self.assertEqual(len(unrecorded), 2)
        self.assert_between(line, unrecorded[0], first, second)
        self.assert_between(line, unrecorded[1], second, third)
        self.assertEqual([(one["has_end"], one.get("reason"), one["rebooted"]) for one in unrecorded],
                         [(True, "done", False), (False, None, True)])
        self.assertEqual([(one["host"], one["sensor"], one["next_sensor"]) for one in unrecorded],
                         [("web", "web-1", "web-1")] * 2)
        for one in unrecorded:
            clock = "wall" if one["rebooted"] else "boot"
            self.assertEqual(one["length_ns"], one[f"until_{clock}_ns"] - one[f"from_{clock}_ns"])
            self.assertGreater(one["length_ns"], 0)
        lines = self.lines(self.collector.store)
        self.assertRegex(lines[0], rf"host web: from 20\S+Z to 20\S+Z \([\d.]+ s; boot made-up\): recording {first[:12]} ended: done$")
        self.assertRegex(lines[1], r"\([\d.]+ s by its wall clock; boot made-up, then started again as next\): "
                                   rf"recording {second[:12]} had no end \(cut off\)$")
        done = subprocess.run([sys.executable, VERIFY, self.collector.store], capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn(f"recording {first} ended: done\n", done.stdout)
        self.assertIn(f", started again): recording {second} had no end\n", done.stdout)

    def test_another_sensor_of_the_host_that_goes_on_closes_it(self):
        spoor("keys", "sensor", "web-2", "--dir", self.authority)
        sensor, recording = self.start_of(keys=f"{self.authority}/sensors/web-2")
        first, second = self.run_of(), self.run_of()
        wait_until("it outlived both", lambda: self.last_of()[recording] > self.last_of()[second])
        self.kill(sensor)
        self.assertEqual(self.said(self.collector.store)[1], [])
        self.assertEqual(self.lines(self.collector.store), [])
        after = self.run_of()
        line, unrecorded = self.said(self.collector.store)
        self.assertEqual(len(unrecorded), 1)
        self.assert_between(line, unrecorded[0], recording, after)
        self.assertEqual((unrecorded[0]["sensor"], unrecorded[0]["next_sensor"]), ("web-2", "web-1"))

    def test_commands_and_other_hosts_leave_nothing_unrecorded(self):
        self.run_of(kind="tree")
        self.run_of(kind="tree")
        self.run_of(host="db")
        self.run_of(kind="cgroup")
        self.assertEqual(self.said(self.collector.store)[1], [])

    def test_many_are_summed_up_and_the_longest_is_shown(self):
        runs = [self.run_of() for _ in range(24)]
        _, unrecorded = self.said(self.collector.store)
        self.assertEqual(len(unrecorded), len(runs) - 1)
        longest = {one["recording_id"][:12] for one in sorted(unrecorded, key=lambda one: -one["length_ns"])[:20]}
        text = spoor("verify", "--store", self.collector.store).stdout
        self.assertIn(f"unrecorded {len(unrecorded)} intervals", text)
        lines = self.lines(self.collector.store)
        self.assertEqual(len(lines), 20 + 1)
        self.assertIn(f"… and {len(unrecorded) - 20} shorter ones", lines[-1])
        self.assertEqual({re.search(r"recording (\w+) ended", one)[1] for one in lines[:-1]}, longest)
        second = list(independent.verify(str(self.collector.store)).unrecorded.lines())
        self.assertEqual({re.search(r"recording (\w{12})\w+ ended", one)[1] for one in second[:-1]}, longest)
        self.assertEqual(second[-1], f"unrecorded: {len(unrecorded) - 20} shorter intervals")


class Recorded(Stating, unittest.TestCase):
    EXIT_CODES = (0, 4)  # a machine that is busy with other tests may lose records

    def setUp(self):
        if reason := machine.why_it_cannot_record():
            self.skipTest(reason)
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="spoor-unrecorded-"))
        self.addCleanup(shutil.rmtree, self.folder)
        self.store = self.folder / "store"

    def record(self, end):
        """spoor record of the machine, ended by the signal `end` once it records."""
        recorder = subprocess.Popen([SPOOR, "record", "--to", self.store, "--host", "web"], stderr=subprocess.PIPE,
                                    text=True)
        try:
            wait_until("it records", lambda: recorder.poll() is not None or self.batch_count() > 1)
        finally:
            if recorder.poll() is None:
                recorder.send_signal(end)
            _, said = recorder.communicate(timeout=collecting.PATIENCE_S)
        self.assertEqual(recorder.returncode, 0 if end == signal.SIGTERM else -end, said)

    def batch_count(self):
        """Of the newest recording, as far as the log's checkpoint covers it."""
        done = spoor("verify", "--store", self.store, "--json", status=None)
        if done.returncode not in (0, 4):
            return 0
        recordings = json.loads(done.stdout)["recordings"]
        return recordings[-1]["batch_count"] if len(recordings) > self.before else 0

    def test_a_machine_between_systemctl_stop_and_start(self):
        for self.before, end in enumerate((signal.SIGTERM, signal.SIGKILL, signal.SIGTERM)):
            self.record(end)
        line, unrecorded = self.said(self.store)
        ids = [recording["recording_id"] for recording in line["recordings"]]
        self.assertEqual(len(unrecorded), 2)
        self.assert_between(line, unrecorded[0], ids[0], ids[1])
        self.assert_between(line, unrecorded[1], ids[1], ids[2])
        self.assertEqual([(one["host"], one["scope_kind"], one["rebooted"], one.get("reason")) for one in unrecorded],
                         [("web", "machine", False, "signal SIGTERM"), ("web", "machine", False, None)])
        boot = pathlib.Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        self.assertEqual({one["boot_id"] for one in unrecorded}, {boot})


if __name__ == "__main__":
    suite.main()
