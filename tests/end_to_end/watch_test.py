#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`spoor watch` beside a collector: what becomes of sensors that are blinded, held up, killed or stopped.

  watch_test.py SPOOR SYNTHETIC_SENSOR [unittest arguments]
"""
import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import threading
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../tools"))
sys.dont_write_bytecode = True
import collecting  # noqa: E402  (takes the first two arguments)
import machine  # noqa: E402
import suite  # noqa: E402
import verify as independent  # noqa: E402  (tools/verify.py)
from collecting import SPOOR, spoor, wait_until  # noqa: E402


class Watcher:
    """spoor watch, and what it printed."""

    def __init__(self, test, *words):
        self.lines = []
        self.process = subprocess.Popen([SPOOR, "watch", "--store", test.collector.store, "--json", *words],
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        test.addCleanup(self.end)
        self.said_first = self.process.stderr.readline()  # it looks from now on
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()

    def read(self):
        for line in self.process.stdout:
            self.lines.append(json.loads(line))

    def state(self, alarm, sensor="web-1"):
        """Of the last line about it: True (on), False (over), None (nothing was said)."""
        said = [line for line in self.lines if (line["alarm"], line["sensor"]) == (alarm, sensor)]
        return not said[-1]["over"] if said else None

    def wait(self, alarm, on, sensor="web-1"):
        wait_until(f"{alarm} is {on}", lambda: self.state(alarm, sensor) == on or self.process.poll() is not None)
        if self.process.poll() is not None:
            raise AssertionError(self.process.stderr.read())
        return [line for line in self.lines if line["alarm"] == alarm][-1]

    def end(self):
        self.process.terminate()
        self.process.wait(collecting.PATIENCE_S)
        self.reader.join()
        self.process.stdout.close()
        self.process.stderr.close()


class Watching(collecting.World):
    def setUp(self):
        super().setUp()
        self.collector.start()
        self.escrow = f"{self.authority}/escrow.key"

    def once(self, *words):
        done = spoor("watch", "--store", self.collector.store, "--once", *words, status=None)
        self.assertIn(done.returncode, (0, 4), done.stderr)
        self.assertEqual(done.returncode, 4 if done.stdout else 0)
        return done.stdout

    def going(self):
        """A sensor that goes on, of which the collector has something."""
        sensor = self.sensor("--batches", 1 << 40, "--interval-us", 20_000)
        recording = sensor.stdout.readline().split()[1]
        wait_until("it came", lambda: recording in collecting.recordings_of(
            collecting.read_log_quietly(self.collector.store)))
        return sensor


class Silence(Watching):
    def test_a_sensor_that_is_held_up_is_silent_and_is_back(self):
        sensor = self.going()
        self.assertEqual(self.once("--silence", "1h"), "")
        watcher = Watcher(self, "--silence", "3s")
        self.assertIn("watches 1 chains of 1 sensors", watcher.said_first)
        sensor.send_signal(signal.SIGSTOP)
        said = watcher.wait("silent", True)
        self.assertGreater(said["wall_ns"] - said["since_wall_ns"], 3_000_000_000)
        self.assertRegex(self.once("--silence", "3s"), r"^20\S+Z ALARM web-1 \(host synthetic\): silent since 20\S+Z\n$")
        sensor.send_signal(signal.SIGCONT)
        watcher.wait("silent", False)
        # A slow machine may have held it up before, too: each end of a silence is that of the silence before it.
        lines = [line for line in watcher.lines if line["alarm"] == "silent"]
        self.assertEqual([line["over"] for line in lines], [False, True] * (len(lines) // 2))
        for began, ended in zip(lines[::2], lines[1::2]):
            self.assertEqual(ended["since_wall_ns"], began["since_wall_ns"])
        self.assertIn(said, lines)

    def test_a_sensor_that_is_killed_is_silent_until_it_is_started_again(self):
        sensor = self.going()
        watcher = Watcher(self, "--silence", "3s")
        sensor.kill()
        watcher.wait("silent", True)
        self.assertIn("silent", self.once("--silence", "3s"))
        self.assertEqual(self.once("--silence", "3s", "--ignore", "web-1"), "")
        self.going()
        watcher.wait("silent", False)

    def test_one_that_ends_in_order_is_said_to_with_its_reason(self):
        self.result(self.sensor("--batches", 3))
        watcher = Watcher(self, "--silence", "3s")
        self.assertEqual(watcher.wait("ended", True)["reason"], "done")
        self.assertRegex(self.once("--silence", "3s"), r"ended at 20\S+Z \(done\), and no other began\n$")
        self.going()
        watcher.wait("ended", False)

    def test_a_log_that_was_changed_is_not_watched(self):
        self.result(self.sensor("--batches", 3))
        self.collector.stop()
        checkpoint = self.collector.store / "evidence/checkpoint"
        checkpoint.write_text(checkpoint.read_text().replace("\n", "\n1", 1))
        self.assertEqual(spoor("watch", "--store", self.collector.store, "--once", status=3).stdout, "")
        spoor("watch", "--store", self.folder / "none", "--once", status=5)


class Canaries(Watching):
    """The real sensor, on a cgroup of this test's own."""

    def setUp(self):
        super().setUp()
        if reason := machine.why_it_cannot_record():
            self.skipTest(reason)
        cgroup, reason = machine.make_cgroup(f"spoor-watch-{os.getpid()}")
        if reason:
            self.skipTest(reason)
        self.cgroup = pathlib.Path(cgroup)
        self.addCleanup(self.remove_cgroup)
        self.policy = self.folder / "policy.yaml"
        self.policy.write_text("canary_interval_ms: 500\n")

    def remove_cgroup(self):
        def removed():
            try:
                self.cgroup.rmdir()
            except FileNotFoundError:
                pass
            except OSError:  # a canary is in it
                return False
            return True
        wait_until("the cgroup is empty", removed)

    def record(self):
        recorder = self.add(subprocess.Popen(
            [SPOOR, "record", "--to", self.collector.url, "--keys", self.keys, "--scope", f"cgroup:{self.cgroup}=web",
             "--policy", self.policy], stderr=subprocess.PIPE, text=True))
        before = self.canaries()["recorded_count"]
        wait_until("canaries are recorded", lambda: recorder.poll() is not None
                   or self.canaries()["recorded_count"] >= before + 5)
        self.assertIsNone(recorder.poll(), "spoor record ended")
        return recorder

    def stop(self, recorder):
        recorder.terminate()
        _, said = recorder.communicate(timeout=collecting.PATIENCE_S)
        self.assertEqual(recorder.returncode, 0, said)

    def canaries(self):
        if not (self.collector.store / "evidence/checkpoint").exists():
            return {"recorded_count": 0}
        done = spoor("verify", "--store", self.collector.store, "--escrow", self.escrow, "--json", "--skip-segments",
                     status=None)
        self.assertIn(done.returncode, (0, 4), done.stderr)
        return json.loads(done.stdout)["completeness"]["canaries"]

    def said(self, *words):
        """Exit code and text. A machine that is busy with other tests may lose records: 4."""
        done = spoor("verify", "--store", self.collector.store, "--skip-segments", *words, status=None)
        return done.returncode, done.stdout

    def test_undisturbed_they_are_recorded(self):
        recorder = self.record()
        self.assertEqual(self.once("--escrow", self.escrow, "--silence", "1h"), "")
        _, text = self.said("--escrow", self.escrow)
        found = re.search(r"^canaries   (\d+) due, (\d+) recorded.*, in 1 chains$", text, re.M)
        self.assertEqual(found[1], found[2])
        self.assertGreaterEqual(int(found[1]), 5)
        self.assertNotIn("canaries", self.said()[1])
        recorder.kill()

    def test_a_sensor_whose_cgroup_was_exchanged_is_blind(self):
        recorder = self.record()
        watcher = Watcher(self, "--silence", "1h", "--escrow", self.escrow)
        self.assertIsNone(watcher.state("canary_missing"))
        self.remove_cgroup()
        self.cgroup.mkdir()  # another one under the same path: what is in it the kernel half does not know
        said = watcher.wait("canary_missing", True)
        self.assertEqual((said["calls"], said["host"]), (["open", "connect", "exec"], "web"))
        self.assertRegex(self.once("--escrow", self.escrow, "--silence", "1h"),
                         r"ALARM web-1 \(host web\): canary \d+ of chain \w{12}, due 20\S+Z, is not in the record: "
                         r"open, connect, exec\n$")
        self.assertEqual(self.once("--silence", "1h"), "")  # without the key nobody can tell
        self.stop(recorder)
        code, text = self.said("--escrow", self.escrow)
        self.assertEqual(code, 4)
        missing = self.canaries()
        self.assertEqual(missing["missed_count"], len(missing["missed"]))
        self.assertIn(said["number"], [one["number"] for one in missing["missed"]])
        self.assertRegex(text, rf"canaries   \d+ due, \d+ recorded.*, {missing['missed_count']} MISSING, in 1 chains")
        self.assertRegex(text, r"sensor web-1 \(host web\): canary \d+ of chain \w+, due 20\S+Z: no open, connect, exec of it")
        self.assertRegex(text, "INCOMPLETE")
        log = independent.verify(str(self.collector.store), escrow_file=self.escrow)
        self.assertFalse(log.complete)
        self.assertEqual([(said.due_count, said.recorded_count, said.late_count, said.missed_count)
                          for said in (log.canaries,)],
                         [tuple(missing[name] for name in ("due_count", "recorded_count", "late_count", "missed_count"))])
        # A sensor that sees again.
        self.stop(self.record())
        self.assertEqual(watcher.wait("canary_missing", False)["chain_id"], said["chain_id"])


if __name__ == "__main__":
    suite.main()
