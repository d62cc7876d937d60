#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Sensors and collectors as real processes on loopback: enrolment, roles, revocation, and that
nothing acknowledged is lost whatever is killed, cut or full.

  shipping_test.py SPOOR SYNTHETIC_SENSOR [unittest arguments]
"""
import json
import os
import random
import re
import shutil
import socket
import ssl
import struct
import subprocess
import time
import unittest

from collecting import (PATIENCE_S, Collector, Relay, World, free_port, read_log, read_log_quietly, recordings_of, spoor,
                        wait_until)
import machine
import suite


class Enrolment(World):
    def test_a_sensor_enrols_with_a_token_once_and_ships(self):
        self.collector.start()
        token = spoor("keys", "enrol-token", "db-1", "--dir", self.authority).stdout.strip()
        keys = str(self.folder / "db-1")
        spoor("keys", "enrol", "--to", self.collector.url, "--keys", keys, input=token)
        self.assertEqual(os.stat(f"{keys}/identity.key").st_mode & 0o777, 0o600)
        self.assertFalse(os.path.exists(f"{keys}/escrow.key"))
        again = spoor("keys", "enrol", "--to", self.collector.url, "--keys", keys + "-2", status=3, input=token)
        self.assertIn("used before", again.stderr)
        recording, acknowledged, left, dropped, _, _ = self.result(self.sensor("--batches", 20, keys=keys))
        self.assertEqual((acknowledged, left, dropped), (24, 0, 0))  # with open and close, of recording and chain
        self.assertEqual(recordings_of(read_log(self.collector.store))[recording], list(range(22)))

    def test_a_token_comes_from_a_file_or_standard_input_and_never_from_arguments(self):
        self.collector.start()

        def token(name):
            return spoor("keys", "enrol-token", name, "--dir", self.authority).stdout.strip()

        def enrol(name, *words, **more):
            return spoor("keys", "enrol", *words, "--to", self.collector.url, "--keys", self.folder / name, **more)
        secret = token("db-1")
        refused = enrol("db-1", secret, status=2)  # everybody on the host would read it in /proc
        self.assertRegex(refused.stderr, r"^[^\n]*--token-file FILE[^\n]*\n$")
        self.assertNotIn(secret.split(":")[2], refused.stderr + refused.stdout)
        file = self.folder / "token"
        file.write_text(secret + "\n")
        enrol("db-1", "--token-file", file)
        enrol("db-2", "-", input=token("db-2") + "\n")
        enrol("db-3", "--token-file", "-", input=token("db-3"))
        for name in ("db-1", "db-2", "db-3"):
            self.assertTrue((self.folder / name / "identity.crt").exists(), name)
        self.assertIn("no token there", enrol("db-4", input="\n", status=2).stderr)
        self.assertIn("nowhere", enrol("db-4", "--token-file", self.folder / "nowhere", status=5).stderr)
        self.assertEqual(enrol("db-4", "--token-file", file, status=3).returncode, 3)  # used

    def test_another_authority_is_not_believed(self):
        self.collector.start()
        other = str(self.folder / "other")
        spoor("keys", "init", "--dir", other)
        token = spoor("keys", "enrol-token", "db-1", "--dir", other).stdout.strip()
        done = spoor("keys", "enrol", "--to", self.collector.url, "--keys", self.folder / "db-1", status=3, input=token)
        self.assertIn("not the authority", done.stderr)
        self.assertNotIn(token.split(":")[2], done.stderr + done.stdout)

    def test_each_role_may_do_its_own_only(self):
        self.collector.start()
        spoor("keys", "analyst", "ann", "--dir", self.authority)
        analyst = f"{self.authority}/analysts/ann"
        position = "/v1/sensors/web-1/position?chain=" + "0" * 32
        self.assertEqual(self.request(None, "GET", position)[0], 401)
        self.assertEqual(self.request(self.keys, "GET", position)[0], 404)
        self.assertEqual(self.request(self.keys, "GET", position.replace("web-1", "db-1"))[0], 403)
        self.assertEqual(self.request(self.keys, "GET", "/v1/status")[0], 403)
        self.assertEqual(self.request(analyst, "GET", "/v1/status")[0], 200)
        self.assertEqual(self.request(analyst, "POST", "/v1/sensors/ann/batches/0", b"x")[0], 403)
        self.assertEqual(self.request(self.keys, "POST", "/v1/sensors/web-1/batches/0", b"noise")[0], 400)
        self.assertEqual(self.request(self.keys, "GET", "/v1/sensors/web-1/../../x")[0], 404)

    def test_older_tls_is_refused(self):
        self.collector.start()
        with self.assertRaises(ssl.SSLError):
            self.request(self.keys, "GET", "/v1/ca", tls=ssl.TLSVersion.TLSv1_2)

    def test_a_revoked_sensor_is_shut_out_without_a_restart(self):
        self.collector.start()
        position = "/v1/sensors/web-1/position?chain=" + "0" * 32
        self.assertEqual(self.request(self.keys, "GET", position)[0], 404)
        spoor("keys", "revoke", "web-1", "--dir", self.authority)
        status, answer = self.request(self.keys, "GET", position)
        self.assertEqual(status, 401)
        self.assertIn("revoked", answer)

    def test_a_rotated_sensor_goes_on_and_its_old_key_does_not(self):
        self.collector.start()
        old = str(self.folder / "old")
        shutil.copytree(self.keys, old)
        spoor("keys", "sensor", "web-1", "--dir", self.authority)
        spoor("keys", "revoke", "web-1", "--older", "--dir", self.authority)
        self.assertEqual(self.request(old, "GET", "/v1/sensors/web-1/position?chain=" + "0" * 32)[0], 401)
        self.assertEqual(self.result(self.sensor("--batches", 5))[1:3], (9, 0))

    def test_every_truncated_or_flipped_frame_is_refused_and_named(self):
        self.collector.start()
        # Nothing is shipped (no such collector); the frames stay in the spool for us to spoil.
        self.result(self.sensor("--batches", 1, "--last-shipping-ms", 1, to=[f"https://127.0.0.1:{free_port()}"]))
        data = (self.folder / "authority/sensors/web-1/spool/000000000000.frames").read_bytes()
        frames = []
        while data:
            size = struct.unpack("<I", data[12:16])[0]
            frames.append(data[:size])
            data = data[size:]
        self.assertEqual(len(frames), 5)
        post = lambda sequence, body: self.request(self.keys, "POST", f"/v1/sensors/web-1/batches/{sequence}", body)
        self.assertEqual(post(1, frames[1])[0], 404)  # before its chain is open
        self.assertEqual(post(0, frames[0])[0], 200)
        self.assertEqual(post(2, frames[2])[0], 409)  # out of order
        flipped = bytearray(frames[1])
        flipped[200] ^= 1
        status, answer = post(1, bytes(flipped))
        self.assertEqual(status, 422)
        self.assertIn("not sealed with the key of its place", answer)
        self.assertEqual(post(1, frames[1][:-1])[0], 400)
        self.assertEqual(post(1, frames[1] + frames[2])[0], 200)
        self.assertEqual(post(1, frames[1])[0], 200)  # again: the same, taken once
        again = bytearray(frames[1])
        again[60] ^= 1
        status, answer = post(1, bytes(again))
        self.assertEqual(status, 422)
        self.assertIn("sealed anew or forged", answer)
        spoor("keys", "sensor", "db-1", "--dir", self.authority)
        other = self.request(f"{self.authority}/sensors/db-1", "POST", "/v1/sensors/db-1/batches/3", frames[3])
        self.assertEqual(other[0], 422)
        self.assertIn("the chain is web-1's", other[1])
        self.assertEqual(post(3, frames[3] + frames[4])[0], 200)
        self.assertEqual(sum(map(len, recordings_of(read_log(self.collector.store)).values())), 3)


class Shipping(World):
    def test_nothing_acknowledged_is_lost_when_either_side_is_killed(self):
        self.collector.start()
        seed = random.randrange(1 << 32)
        choose = random.Random(seed)
        expected = []
        for round_number in range(20):
            sensor = self.sensor("--batches", 300, "--interval-us", 500)
            recording = re.search(r"recording (\w+)", sensor.stdout.readline())[1]
            expected.append(recording)
            # No event to wait for: the moment is what is being tried.
            time.sleep(choose.uniform(0.01, 0.2))
            if round_number % 2:
                self.collector.kill()
                self.collector.start()
            if round_number % 3 == 0:
                sensor.kill()
            sensor.wait(PATIENCE_S)
            sensor.stdout.close()
            sensor.stderr.close()
        last, _, left, dropped, refused, _ = self.result(self.sensor("--batches", 10))
        self.assertEqual((left, dropped, refused), (0, 0, 0), f"seed {seed}")
        self.assertEqual(self.collector.stop(), 0)
        held = recordings_of(read_log(self.collector.store))
        for round_number, recording in enumerate(expected):
            indices = held[recording]
            # Each batch once, in order; all of them unless the sensor itself was killed.
            self.assertEqual(indices, list(range(len(indices))), f"seed {seed} round {round_number}")
            if round_number % 3:
                self.assertEqual(len(indices), 302, f"seed {seed} round {round_number}")
        self.assertEqual(held[last], list(range(12)))
        self.assert_proved()

    def test_the_spool_is_unreadable_and_bounded_and_says_what_it_dropped(self):
        self.collector.start()
        port = self.collector.port
        self.collector.stop()
        recording, acknowledged, left, dropped, _, err = self.result(
            self.sensor("--batches", 200, "--bytes", 20000, "--interval-us", 0, "--spool-max", 1 << 20,
                        "--last-shipping-ms", 1))
        self.assertEqual(acknowledged, 0)
        self.assertGreater(dropped, 100)
        self.assertLessEqual(sum(os.path.getsize(f"{self.keys}/spool/{name}")
                                 for name in os.listdir(f"{self.keys}/spool") if name.endswith(".frames")), 1 << 20)
        for name in os.listdir(f"{self.keys}/spool"):
            self.assertNotIn(b"SPOORBAT", (self.folder / "authority/sensors/web-1/spool" / name).read_bytes())
        self.collector.port = port
        self.collector.start()
        self.result(self.sensor("--batches", 1))
        held = recordings_of(read_log(self.collector.store))[recording]
        self.assertEqual(len(held) + dropped, 202)
        self.collector.stop()
        done = self.verify()
        self.assertEqual(done.returncode, 4, done.stderr)  # proved, and not complete
        self.assertIn(f"MISSING    {dropped} batches", done.stdout)
        holes = json.loads(spoor("verify", "--store", self.collector.store, "--json", status=4).stdout)["completeness"]["holes"]
        self.assertEqual({hole["sensor"] for hole in holes}, {"web-1"})
        told = sum(hole["count"] for hole in holes if hole["kind"] == "sensor_dropped")
        gone = [hole for hole in holes if hole["kind"] == "batches_missing"]
        self.assertEqual((told, sum(hole["count"] for hole in gone)), (dropped, dropped))
        self.assertEqual([index for hole in gone
                          for index in range(hole["first_batch_index"], hole["last_batch_index"] + 1)],
                         sorted(set(range(202)) - set(held)))
        self.assertIn("INCOMPLETE", done.stdout)
        self.assertIn("sensor web-1", done.stdout)

    def test_segments_of_a_recording_that_goes_on_are_checked_too(self):
        self.collector.start()
        sensor = self.sensor("--batches", 400, "--interval-us", 10_000)
        wait_until("some came", lambda: os.path.exists(f"{self.collector.store}/evidence/checkpoint")
                   and len(read_log_quietly(self.collector.store)) > 20)
        spoor("query", "--store", self.collector.store, "coverage", status=None)
        done = spoor("verify", "--store", self.collector.store, "--json")
        segments = json.loads(done.stdout)["segments"]
        self.assertTrue(segments["checked"])
        self.assertEqual((segments["provisional_count"], segments["same_bytes_count"]), (1, segments["segment_count"]))
        self.assertGreater(segments["row_count"], 20)
        self.result(sensor)
        self.collector.stop()
        # Closed since, and perhaps not ingested to its end: as far as it was, the rows are right.
        ended = json.loads(spoor("verify", "--store", self.collector.store, "--json").stdout)["segments"]
        self.assertTrue(ended["checked"])
        self.assertGreaterEqual(ended["row_count"], segments["row_count"])
        spoor("query", "--store", self.collector.store, "coverage", status=None)
        segments = json.loads(spoor("verify", "--store", self.collector.store, "--json").stdout)["segments"]
        self.assertEqual(segments["provisional_count"], 0)

    def test_a_second_collector_takes_over(self):
        spoor("keys", "collector", "spare", "--dir", self.authority, "--address", "127.0.0.1")
        spare = self.add(Collector(self, "spare")).start()
        self.collector.start()
        sensor = self.sensor("--batches", 3000, "--interval-us", 1000, to=[self.collector.url, spare.url])
        recording = re.search(r"recording (\w+)", sensor.stdout.readline())[1]
        wait_until("the first collector holds some", lambda: os.path.exists(f"{self.collector.store}/evidence/checkpoint")
                   and recordings_of(read_log_quietly(self.collector.store))[recording])
        self.collector.kill()
        _, err = sensor.communicate(timeout=PATIENCE_S)
        self.assertEqual(sensor.returncode, 0, err)
        first = recordings_of(read_log_quietly(self.collector.store))[recording]
        second = recordings_of(read_log(spare.store))[recording]
        self.assertEqual(sorted(set(first) | set(second)), list(range(3002)))
        self.assertNotEqual(second, [])

    def test_a_connection_cut_in_the_middle_of_a_batch_is_taken_up_again(self):
        self.collector.start()
        relay = CuttingRelay(self.collector.port, cut_every_bytes=150_000)
        recording, _, left, dropped, _, err = self.result(
            self.sensor("--batches", 100, "--bytes", 20000, to=[f"https://127.0.0.1:{relay.port}"]))
        self.assertGreater(relay.cut_count, 5)
        self.assertEqual((left, dropped), (0, 0), err)
        self.assertEqual(recordings_of(read_log(self.collector.store))[recording], list(range(102)))
        relay.close()

    def test_the_bandwidth_limit_holds(self):
        self.collector.start()
        begin = time.monotonic()
        recording, _, left, _, _, _ = self.result(
            self.sensor("--batches", 50, "--bytes", 20000, "--interval-us", 0, "--bandwidth", 500_000))
        self.assertEqual(left, 0)
        # Of a million bytes all but the last parcel; a machine that is slow only takes longer.
        self.assertGreater(time.monotonic() - begin, 1.5)

    def test_a_full_disk_at_the_collector_stops_cleanly_and_resumes(self):
        if reason := machine.why_it_mounts_no_tmpfs():
            self.skipTest(reason)
        mount = str(self.folder / "small")
        os.mkdir(mount)
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=3m", "none", mount], check=True)
        try:
            collector = self.add(Collector(self, "hub", store=f"{mount}/store")).start()
            sensor = self.sensor("--batches", 300, "--bytes", 20000, "--interval-us", 0, to=[collector.url])
            log = sensor.stderr
            line = ""
            while "503" not in line:
                line = log.readline()
                self.assertNotEqual(line, "", "the sensor ended before the disk was full")
            self.assertEqual(subprocess.run(["mount", "-o", "remount,size=64m", mount]).returncode, 0)
            recording, _, left, dropped, _, _ = self.result(sensor)
            self.assertEqual((left, dropped), (0, 0))
            self.assertEqual(collector.stop(), 0)
            self.assertEqual(recordings_of(read_log(collector.store))[recording], list(range(302)))
            self.assert_proved(collector.store)
        finally:
            for process in self.ending:
                if isinstance(process, Collector):
                    process.end()
            subprocess.run(["umount", mount], check=True)


    def test_a_sensor_over_its_quota_waits_goes_on_when_there_is_room_and_loses_nothing(self):
        spoor("keys", "analyst", "ann", "--dir", self.authority)
        status = lambda: json.loads(self.request(f"{self.authority}/analysts/ann", "GET", "/v1/status")[1])
        # 194 bytes a second, once 16 MiB are used up: a frame of this sensor in a few seconds.
        self.collector.options = ("--sensor-bytes-per-day", "16M")
        self.collector.start()
        sensor = self.sensor("--batches", 30_000, "--bytes", 500, "--interval-us", 0, "--last-shipping-ms", 600_000)
        line = ""
        while "429: over the quota of 16777216 bytes a day" not in line:
            line = sensor.stderr.readline()
            self.assertNotEqual(line, "", "the sensor ended before its quota did")
        at_refusal = status()
        self.assertEqual(at_refusal["over_quota"], ["web-1"])
        wait_until("more is taken when there is room", lambda: status()["frames_taken"] > at_refusal["frames_taken"])
        self.assertLess(status()["frames_taken"], 30_000)
        self.assertEqual(self.collector.stop(), 0)
        self.collector.options = ("--sensor-bytes-per-day", "1G")
        self.collector.start()
        recording, _, left, dropped, refused, err = self.result(sensor)
        self.assertEqual((left, dropped, refused), (0, 0, 0), err)
        self.assertEqual(status()["over_quota"], [])
        self.assertEqual(self.collector.stop(), 0)
        self.assertEqual(recordings_of(read_log(self.collector.store))[recording], list(range(30_002)))
        self.assert_proved()


class CuttingRelay(Relay):
    """Cuts each connection after so many bytes from the client."""

    def __init__(self, to_port, cut_every_bytes):
        super().__init__(to_port)
        self.cut_every_bytes, self.cut_count = cut_every_bytes, 0

    def change(self, connection, offset, piece):
        if offset < self.cut_every_bytes:
            return piece
        self.cut_count += 1
        return b""


if __name__ == "__main__":
    suite.main()
