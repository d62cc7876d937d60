#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A collector whose oldest evidence a policy removed: chains go on across the cut, nothing old is taken
again, and what is left of the recordings is read and said to be cut.

  retention_test.py SPOOR SYNTHETIC_SENSOR [unittest arguments]
"""
import json
import struct
import subprocess
import unittest

import collecting
from collecting import World, free_port, spoor, wait_until
import suite
from forgery import verify


class Retention(World):

    def frames_of(self, name):
        """The frames of a whole chain, as they lie in the spool of a sensor that reaches nobody."""
        spoor("keys", "sensor", name, "--dir", self.authority)
        keys = f"{self.authority}/sensors/{name}"
        self.result(self.sensor("--batches", 1, "--last-shipping-ms", 1, keys=keys,
                                to=[f"https://127.0.0.1:{free_port()}"]))
        data = (self.folder / f"authority/sensors/{name}/spool/000000000000.frames").read_bytes()
        frames = []
        while data:
            size = struct.unpack("<I", data[12:16])[0]
            frames.append(data[:size])
            data = data[size:]
        self.assertEqual(len(frames), 5)  # open; open, records and close of the recording; close
        return frames

    def post(self, name, sequence, body):
        return self.request(f"{self.authority}/sensors/{name}", "POST", f"/v1/sensors/{name}/batches/{sequence}", body)

    def test_chains_go_on_across_the_cut_and_nothing_old_is_taken_again(self):
        ended, going = self.frames_of("ended-1"), self.frames_of("going-1")
        self.collector.start()
        self.assertEqual(self.post("ended-1", 0, b"".join(ended))[0], 200)
        self.assertEqual(self.post("going-1", 0, b"".join(going[:3]))[0], 200)
        self.result(self.sensor("--batches", 400, "--interval-us", 0))
        # A collector that runs holds the log.
        busy = spoor("retain", "--store", self.collector.store, "--keep-bytes", 1000, status=5)
        self.assertIn("another writer", busy.stderr)
        self.collector.stop()
        self.assert_proved()

        done = spoor("retain", "--store", self.collector.store, "--keep-bytes", 1000)
        self.assertIn("removed entries 0 to", done.stdout)
        self.assert_proved()
        self.collector.start()
        self.assertEqual(self.post("going-1", 3, going[4])[0], 400)  # not its number
        for name, sequence, frame in (("ended-1", 0, ended[0]), ("ended-1", 2, ended[2]), ("going-1", 1, going[1])):
            status, answer = self.post(name, sequence, frame)
            self.assertEqual(status, 422, f"{name} {sequence}: {answer}")
            self.assertIn("before the evidence of its time was removed", answer)
        position = self.request(f"{self.authority}/sensors/going-1", "GET",
                                f"/v1/sensors/going-1/position?chain={going[0][16:32].hex()}")
        self.assertEqual(json.loads(position[1])["next_sequence"], 3)
        self.assertEqual(self.post("going-1", 3, going[3] + going[4])[0], 200)
        self.collector.stop()
        self.assert_proved()
        said = json.loads(spoor("verify", "--store", self.collector.store, "--json").stdout)
        self.assertTrue(said["completeness"]["complete"])
        self.assertEqual(said["completeness"]["holes"], [])
        self.assertEqual(said["removals"][0]["from_entry"], 0)
        # Removed once more, and nothing of it is forgotten.
        self.collector.start()
        self.result(self.sensor("--batches", 400, "--interval-us", 0))
        self.collector.stop()
        spoor("retain", "--store", self.collector.store, "--keep-bytes", 1000)
        self.assert_proved()
        self.collector.start()
        self.assertEqual(self.post("ended-1", 0, ended[0])[0], 422)
        self.assertEqual(self.post("going-1", 4, going[4])[0], 422)
        self.collector.stop()
        self.assert_proved()

    def test_a_running_collector_keeps_to_its_policy(self):
        log = self.folder / "hub.log"
        spawn = self.collector.spawn
        self.collector.spawn = lambda keys, out: subprocess.Popen(
            [collecting.SPOOR, "serve", "--listen", f"127.0.0.1:{self.collector.port}", "--store", self.collector.store,
             "--keys", keys, "--keep", "2s"], stdout=subprocess.PIPE, stderr=out, text=True)
        self.collector.start()
        going = self.sensor("--batches", 3000, "--interval-us", 2000)  # six seconds
        wait_until("something was removed", lambda: "retention: removed entries 0 to" in log.read_text())
        recording, _, left, dropped, refused, _ = self.result(going)
        self.assertEqual((left, dropped, refused), (0, 0, 0))
        self.collector.stop()
        self.assert_proved()
        said = json.loads(spoor("verify", "--store", self.collector.store, "--json").stdout)
        self.assertGreaterEqual(len(said["removals"]), 1)
        self.assertEqual({removal["policy"] for removal in said["removals"]}, {"keep 2s"})
        self.assertIn("spoor serve", said["removals"][0]["by"])
        followed, = (item for item in said["recordings"] if item["recording_id"] == recording)
        self.assertEqual((followed["batch_count"], followed["missing_batch_count"], followed["closed"]), (3002, 0, True))
        self.collector.spawn = spawn
        self.collector.start()
        self.assertEqual(self.collector.stop(), 0)

    def test_what_is_left_of_a_recording_is_read_and_said_to_be_cut(self):
        self.collector.start()
        recording = self.result(self.sensor("--batches", 700, "--interval-us", 0))[0]
        self.collector.stop()
        store = self.collector.store
        spoor("query", "--store", store, "coverage", status=None)
        before = json.loads(spoor("verify", "--store", store, "--json").stdout)["segments"]["row_count"]
        catalog = (store / "catalog.json").read_text()
        spoor("retain", "--store", store, "--keep-bytes", "30K")
        # As it is before the next ingest, when a collector removed it: files that are retired are still there.
        after = (store / "catalog.json").read_text()
        (store / "catalog.json").write_text(catalog)
        self.assertEqual(verify.verify(str(store)).tables.gone_count, 1)
        (store / "catalog.json").write_text(after)
        gaps = [json.loads(line) for line in spoor(
            "sql", "--store", store, "--json",
            f"SELECT * FROM gap WHERE recording_id = '{recording}' AND loss_class = 'retention'", status=None).stdout.splitlines()]
        self.assertEqual(len(gaps), 1)
        self.assertIn("by policy", gaps[0]["reason"])
        self.assertLess(gaps[0]["from_boot_ns"], gaps[0]["until_boot_ns"])
        said = json.loads(spoor("verify", "--store", store, "--json").stdout)["segments"]
        self.assertEqual(said["removed_recording_count"], 0)
        # The second verifier counts as much, though it knows the beginning from what was carried over only.
        tables = verify.verify(str(store)).tables
        self.assertEqual((tables.gone_count, tables.recordings[recording].rows.unclear), (0, False))
        catalog = json.loads((store / "catalog.json").read_text())
        shown = [segment for segment in catalog["segments"] if segment["table"] != "gap"]
        (store / "catalog.json").write_text(json.dumps(dict(catalog, segments=shown)))
        with self.assertRaisesRegex(verify.Unverified, "table gap has 0 rows"):
            verify.verify(str(store))
        (store / "catalog.json").write_text(json.dumps(catalog))
        self.assertLess(said["row_count"], before)
        spoor("rebuild", "--store", store)
        self.assertEqual(json.loads(spoor("verify", "--store", store, "--json").stdout)["segments"]["row_count"],
                         said["row_count"])


if __name__ == "__main__":
    suite.main()
