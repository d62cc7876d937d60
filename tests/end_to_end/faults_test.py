#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What goes wrong between sensor and collector, with real processes: kills at random times, a network
that is cut, slow or drops packets, full disks, clocks that jump, frames twice and out of order, and
a sensor that lies. Nothing acknowledged may be lost, and what was lost must be said.

  faults_test.py SPOOR SYNTHETIC_SENSOR [unittest arguments]

SPOOR_KILL_ROUNDS: how many rounds of kills (20); `make soak` runs 1000.
"""
import collections
import os
import random
import re
import shutil
import struct
import subprocess
import sys
import threading
import time
import unittest

from collecting import (PATIENCE_S, SENSOR, SPOOR, Collector, World, free_port, read_log, read_log_quietly,
                        recordings_of, spoor, wait_until)
import machine
import suite

VERDICTS = {1: "opened", 2: "accepted", 3: "gap", 4: "closed", 5: "missing", 6: "refused"}
KILL_ROUNDS = int(os.environ.get("SPOOR_KILL_ROUNDS", "20"))


def run(*words):
    done = subprocess.run([str(word) for word in words], capture_output=True, text=True)
    if done.returncode != 0:
        raise AssertionError(f"{words}: {done.stderr}")
    return done.stdout


class Listener:
    """A sensor's words as they come: its recording, and how many of its chain's frames are safe."""

    def __init__(self, process):
        self.process, self.recording, self.safe = process, None, {}
        self.began, self.acknowledged = threading.Event(), threading.Event()  # both set at its end
        self.thread = threading.Thread(target=self.listen)
        self.thread.start()

    def listen(self):
        for line in self.process.stdout:
            if found := re.match(r"recording (\w+)", line):
                self.recording = found[1]
                self.began.set()
            if found := re.match(r"safe (\w+) (\d+)$", line):
                self.safe[found[1]] = int(found[2])
                self.acknowledged.set()
        self.began.set()
        self.acknowledged.set()

    def end(self):
        self.process.wait(PATIENCE_S)
        self.thread.join()
        self.process.stdout.close()
        self.process.stderr.close()


class Kills(World):
    def test_no_acknowledged_batch_is_lost(self):
        """Sensor, collector or both are killed at random times, again and again, on one store."""
        self.collector.start()
        seed = random.randrange(1 << 32)
        choose = random.Random(seed)
        killed = collections.Counter()
        expected, safe = {}, {}  # recording -> whether it must be whole; chain -> its safe frames
        acknowledging_rounds = 0
        begin = time.monotonic()
        for number in range(KILL_ROUNDS):
            listener = Listener(self.sensor("--batches", 100, "--bytes", 300, "--interval-us", 200, "--say-acknowledged"))
            self.assertTrue(listener.began.wait(PATIENCE_S))
            # Two rounds of three have something to lose, on a slow machine too.
            if number % 3:
                self.assertTrue(listener.acknowledged.wait(PATIENCE_S))
            # No event to wait for: the moment is what is being tried.
            time.sleep(choose.uniform(0, 0.12))
            victims = choose.choice(["sensor", "collector", "both"])
            killed[victims] += 1
            if victims != "collector":
                listener.process.kill()
            if victims != "sensor":
                self.collector.kill()
                self.collector.start()
            listener.end()
            if listener.recording:
                expected[listener.recording] = victims == "collector"
            acknowledging_rounds += bool(listener.safe)
            for chain, frames in listener.safe.items():
                safe[chain] = max(safe.get(chain, 0), frames)
            self.ending = [process for process in self.ending if process is not listener.process]
        _, _, left, dropped, refused, _ = self.result(self.sensor("--batches", 10))
        self.assertEqual((left, dropped, refused), (0, 0, 0), f"seed {seed}")
        self.assertEqual(self.collector.stop(), 0)
        entries = read_log(self.collector.store)
        held = recordings_of(entries)
        for recording, whole in expected.items():
            indices = held[recording]
            self.assertEqual(indices, list(range(len(indices))), f"seed {seed}: twice, or a hole: {recording}")
            if whole:
                self.assertEqual(len(indices), 102, f"seed {seed}: {recording}")
        # What a sensor was told is safe, it never has to send again: the log holds it.
        positions = self.positions()
        for chain, frames in safe.items():
            self.assertGreaterEqual(positions.get(chain, 0), frames, f"seed {seed}: {chain}")
        self.assertGreaterEqual(acknowledging_rounds, KILL_ROUNDS * 2 // 3, "rounds that had nothing to lose")
        # A chain whose sensor was killed before its open frame was in the spool never was.
        self.assert_proved()
        print(f"{KILL_ROUNDS} rounds in {time.monotonic() - begin:.0f} s, killed: {dict(killed)}; "
              f"{sum(safe.values())} frames acknowledged, {len(entries)} entries, nothing lost", file=sys.stderr)

    def test_a_collector_killed_while_a_full_spool_is_shipped_loses_nothing(self):
        """Parcels of 4 MiB, one sent while the one before is synced: the kill hits both."""
        port = free_port()
        recording, acknowledged, left, _, _, _ = self.result(self.sensor(
            "--batches", 2500, "--bytes", 30000, "--interval-us", 0, "--last-shipping-ms", 1,
            to=[f"https://127.0.0.1:{port}"]))
        self.assertEqual((acknowledged, left), (0, 2504))
        self.collector.port = port
        self.collector.start()
        # 75 MB at 25 MB/s: time enough for the kills, however fast disk and machine are.
        listener = Listener(self.sensor("--batches", 1, "--say-acknowledged", "--last-shipping-ms", 600_000,
                                        "--bandwidth", 25_000_000))
        seed = random.randrange(1 << 32)
        choose = random.Random(seed)
        kills = 0
        while listener.process.poll() is None and kills < 12:
            time.sleep(choose.uniform(0.05, 0.3))
            self.collector.kill()
            kills += 1
            safe = dict(listener.safe)
            held = frames_of(read_log_quietly(self.collector.store))
            for chain, frames in safe.items():
                self.assertGreaterEqual(held[chain], frames, f"seed {seed}: {chain}")
            self.collector.start()
        listener.end()
        self.assertEqual(self.collector.stop(), 0)
        self.assertEqual(recordings_of(read_log(self.collector.store))[recording], list(range(2502)), f"seed {seed}")
        print(f"{kills} kills", file=sys.stderr)
        self.assertGreater(kills, 2)
        self.assert_proved()

    def positions(self):
        """chain -> the collector's next sequence, as it says itself after a restart"""
        self.collector.start()
        request = lambda chain: self.request_position(chain)
        chains = [name for name in self.chains_of_log()]
        found = {chain: request(chain) for chain in chains}
        self.collector.stop()
        return found

    def chains_of_log(self):
        chains = set()
        for entry in read_log(self.collector.store):
            for record in account_of(entry):
                chains.add(record["head"][16:32].hex())
        return chains

    def request_position(self, chain):
        status, body = self.request(self.keys, "GET", f"/v1/sensors/web-1/position?chain={chain}")
        self.assertEqual(status, 200)
        return int(re.search(r'"next_sequence":(\d+)', body)[1])


def frames_of(entries):
    """chain -> how many of its frames the account says were taken, those that are no batches too"""
    return collections.Counter(record["head"][16:32].hex() for entry in entries for record in account_of(entry)
                               if record["verdict"] in ("opened", "accepted", "gap", "closed"))


def account_of(entry):
    """The collector's records in an entry (docs/formats/sealing.md); none in others. Only accounts that zstd left
    as they were can be read without it, so the whole entry goes through the zstd program."""
    if struct.unpack("<H", entry[10:12])[0] != 5:
        return []
    payload = subprocess.run(["zstd", "-dcq"], input=entry[104:-8], stdout=subprocess.PIPE, check=True).stdout
    records = []
    while payload:
        size, verdict, name_length, head_length = struct.unpack("<IBBH", payload[:8])
        head = payload[24 + name_length:24 + name_length + head_length]
        records.append({"verdict": VERDICTS[verdict], "head": head,
                        "received_wall_ns": struct.unpack("<q", payload[16:24])[0],
                        "note": payload[24 + name_length + head_length:size].decode()})
        payload = payload[size:]
    return records


class Network(World):
    """The sensor in a network of its own, whose only way out is a cable that the test holds."""

    def setUp(self):
        if reason := machine.why_it_has_no_networks():
            self.skipTest(reason)
        self.space = f"spoor-test-{os.getpid()}"
        self.outer, self.inner = f"sp{os.getpid()}o", f"sp{os.getpid()}i"
        self.subnet = f"10.{random.randrange(64, 128)}.{random.randrange(256)}"
        run("ip", "netns", "add", self.space)
        self.addCleanup(subprocess.run, ["ip", "netns", "del", self.space])
        run("ip", "link", "add", self.outer, "type", "veth", "peer", "name", self.inner, "netns", self.space)
        self.addCleanup(subprocess.run, ["ip", "link", "del", self.outer], capture_output=True)
        run("ip", "address", "add", f"{self.subnet}.1/24", "dev", self.outer)
        run("ip", "link", "set", self.outer, "up")
        run("ip", "-n", self.space, "address", "add", f"{self.subnet}.2/24", "dev", self.inner)
        run("ip", "-n", self.space, "link", "set", self.inner, "up")
        super().setUp()
        spoor("keys", "collector", "far", "--dir", self.authority, "--address", f"{self.subnet}.1")
        self.collector = self.add(Far(self, "far")).start()

    def far_sensor(self, *words):
        return self.add(subprocess.Popen(
            ["ip", "netns", "exec", self.space, SENSOR, "--to", self.collector.url, "--keys", self.keys,
             *map(str, words)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True))

    def held_so_far(self, recording):
        return len(recordings_of(read_log_quietly(self.collector.store))[recording])

    def assert_all_arrives(self, sensor, recording, count):
        out, err = sensor.communicate(timeout=PATIENCE_S)
        self.assertEqual(sensor.returncode, 0, err)
        self.assertRegex(out, r"left 0 dropped 0 refused 0", err)
        self.assertEqual(self.collector.stop(), 0)
        self.assertEqual(recordings_of(read_log(self.collector.store))[recording], list(range(count)))
        self.assert_proved()

    def test_a_cut_in_the_middle_of_a_batch_loses_nothing(self):
        sensor = self.far_sensor("--batches", 600, "--bytes", 30000, "--interval-us", 3000)
        recording = re.search(r"recording (\w+)", sensor.stdout.readline())[1]
        for cut in range(3):
            wait_until("something arrives", lambda: self.held_so_far(recording) > 60 * cut + 5)
            run("ip", "link", "set", self.outer, "down")
            time.sleep(0.4)  # how long the cut is
            run("ip", "link", "set", self.outer, "up")
        self.assert_all_arrives(sensor, recording, 602)

    def test_a_collector_that_restarts_during_a_cut_is_found_again(self):
        sensor = self.far_sensor("--batches", 400, "--bytes", 30000, "--interval-us", 3000)
        recording = re.search(r"recording (\w+)", sensor.stdout.readline())[1]
        wait_until("something arrives", lambda: self.held_so_far(recording) > 5)
        run("ip", "link", "set", self.outer, "down")
        self.collector.kill()
        self.collector.start()
        run("ip", "link", "set", self.outer, "up")
        self.assert_all_arrives(sensor, recording, 402)

    def test_a_link_that_stays_dead_sends_it_to_the_second_collector(self):
        run("ip", "-n", self.space, "link", "set", "lo", "up")
        spoor("keys", "collector", "spare", "--dir", self.authority, "--address", "127.0.0.1")
        spare = self.add(Spare(self, "spare")).start()
        sensor = self.far_sensor("--batches", 300, "--bytes", 30000, "--interval-us", 3000, "--to", spare.url,
                                 "--last-shipping-ms", 600_000)
        recording = re.search(r"recording (\w+)", sensor.stdout.readline())[1]
        wait_until("something arrives", lambda: self.held_so_far(recording) > 5)
        run("ip", "link", "set", self.outer, "down")  # and nothing says so to TCP
        out, err = sensor.communicate(timeout=PATIENCE_S)
        self.assertEqual(sensor.returncode, 0, err)
        self.assertRegex(out, r"left 0 dropped 0 refused 0", err)
        self.assertEqual((self.collector.stop(), spare.stop()), (0, 0))
        first = recordings_of(read_log(self.collector.store))[recording]
        second = recordings_of(read_log(spare.store))[recording]
        self.assertEqual(sorted(set(first) | set(second)), list(range(302)))
        self.assertGreater(len(second), 100)

    def test_a_slow_link_that_drops_packets_loses_nothing(self):
        if reason := machine.why_it_shapes_no_traffic():
            self.skipTest(reason)
        # A queue of a few packets at 16 Mbit/s: TCP finds out by losing them.
        run("tc", "-n", self.space, "qdisc", "add", "dev", self.inner, "root", "tbf", "rate", "16mbit", "burst", "4kb",
            "limit", "12kb")
        # GSO makes packets larger than the bucket.
        subprocess.run(["ip", "netns", "exec", self.space, "ip", "link", "set", self.inner, "gso_max_segs", "1"])
        sensor = self.far_sensor("--batches", 150, "--bytes", 30000, "--interval-us", 0)
        recording = re.search(r"recording (\w+)", sensor.stdout.readline())[1]
        self.assert_all_arrives(sensor, recording, 152)
        dropped = int(re.search(r"dropped (\d+)", run("tc", "-n", self.space, "-s", "qdisc", "show", "dev", self.inner))[1])
        self.assertGreater(dropped, 0, "the link lost nothing, so nothing was tried")


class Far(Collector):
    """A collector at the near end of the cable."""

    def spawn(self, keys, log):
        self.address = f"{self.world.subnet}.1"
        return subprocess.Popen(
            [SPOOR, "serve", "--listen", f"{self.address}:{self.port}", "--store", self.store, "--keys", keys],
            stdout=subprocess.PIPE, stderr=log, text=True)

    def start(self):
        with open(self.world.folder / f"{self.name}.log", "a") as log:
            self.process = self.spawn(f"{self.world.authority}/collectors/{self.name}", log)
        self.port = int(re.match(r"listening https://[\d.]+:(\d+)", self.process.stdout.readline())[1])
        return self

    @property
    def url(self):
        return f"https://{self.address}:{self.port}"


class Spare(Collector):
    """A collector on the sensor's side of the cable."""

    def spawn(self, keys, log):
        return subprocess.Popen(
            ["ip", "netns", "exec", self.world.space, SPOOR, "serve", "--listen", "127.0.0.1:0", "--store", self.store,
             "--keys", keys], stdout=subprocess.PIPE, stderr=log, text=True)


class FullDisk(World):
    def test_a_full_disk_under_the_spool_is_counted_and_said(self):
        if reason := machine.why_it_mounts_no_tmpfs():
            self.skipTest(reason)
        spool = f"{self.keys}/spool"
        os.mkdir(spool)
        run("mount", "-t", "tmpfs", "-o", "size=2m", "none", spool)
        try:
            nowhere = f"https://127.0.0.1:{free_port()}"
            recording, acknowledged, left, dropped, _, _ = self.result(
                self.sensor("--batches", 200, "--bytes", 20000, "--interval-us", 0, "--last-shipping-ms", 1,
                            to=[nowhere]))
            self.assertEqual(acknowledged, 0)
            self.assertGreater(dropped, 90)  # 4 MB into 2 MB
            self.collector.start()
            # A new chain begins when some of the old one is shipped and there is room again.
            later, _, left, dropped_later, _, _ = self.result(self.sensor("--batches", 20, "--bytes", 1000))
            self.assertEqual((left, dropped_later), (0, 0))
            self.assertEqual(self.collector.stop(), 0)
            held = recordings_of(read_log(self.collector.store))
            self.assertEqual(len(held[recording]) + dropped, 202)
            self.assertEqual(held[later], list(range(22)))
            done = self.verify()
            self.assertEqual(done.returncode, 4, done.stderr)  # proved, and not complete
            self.assertIn("MISSING", done.stdout)
        finally:
            subprocess.run(["umount", spool], check=True)


class Clocks(World):
    def test_a_wall_clock_that_jumps_by_years_changes_nothing_but_what_it_says(self):
        self.collector.start()
        before_ns = time.time_ns()
        recording, _, left, dropped, refused, _ = self.result(self.sensor("--batches", 50, "--wall-jump-s", 3600))
        self.assertEqual((left, dropped, refused), (0, 0, 0))
        self.assertEqual(self.collector.stop(), 0)
        entries = read_log(self.collector.store)
        self.assertEqual(recordings_of(entries)[recording], list(range(52)))
        self.assert_proved()
        accounts = [record for entry in entries for record in account_of(entry)]
        told = [struct.unpack("<q", record["head"][48:56])[0] for record in accounts]
        boot = [struct.unpack("<Q", record["head"][40:48])[0] for record in accounts]
        self.assertGreater(max(told) - min(told), 365 * 86400 * 10**9)
        # The order, and the collector's own time beside it, do not depend on it.
        self.assertEqual(boot, sorted(boot))
        for record in accounts:
            self.assertTrue(before_ns <= record["received_wall_ns"] <= time.time_ns())


class Delivery(World):
    def frames_of(self, *words):
        """What a sensor that reaches nobody leaves in its spool."""
        self.result(self.sensor(*words, "--last-shipping-ms", 1, to=[f"https://127.0.0.1:{free_port()}"]))
        data = b"".join(path.read_bytes() for path in sorted((self.folder / "authority/sensors/web-1/spool").glob("*.frames")))
        frames = []
        while data:
            size = struct.unpack("<I", data[12:16])[0]
            frames.append(data[:size])
            data = data[size:]
        return frames

    def post(self, sequence, body, query=""):
        return self.request(self.keys, "POST", f"/v1/sensors/web-1/batches/{sequence}{query}", body)

    def test_frames_in_any_order_and_twice_are_taken_once_and_in_order(self):
        self.collector.start()
        frames = self.frames_of("--batches", 20)
        seed = random.randrange(1 << 32)
        choose = random.Random(seed)
        missing = set(range(len(frames)))
        seen = collections.Counter()
        while missing:
            first = choose.randrange(len(frames))
            end = min(len(frames), first + choose.randrange(1, 4))
            query = choose.choice(["", "?pipelined=1"])
            status, answer = self.post(first, b"".join(frames[first:end]), query)
            self.assertIn(status, (200, 202, 404, 409), f"seed {seed}: {answer}")
            seen[status] += 1
            if status == 200 and not query:
                next_sequence = int(re.search(r'"next_sequence":(\d+)', answer)[1])
                missing -= set(range(next_sequence))
        self.assertGreater(seen[409], 0, f"seed {seed}")
        self.assertEqual(self.collector.stop(), 0)
        held = recordings_of(read_log(self.collector.store))
        self.assertEqual(list(held.values()), [list(range(22))], f"seed {seed}")
        self.assert_proved()

    def test_many_connections_that_send_the_same_at_once_are_one_sensor(self):
        self.collector.start()
        frames = self.frames_of("--batches", 30)
        self.assertEqual(self.post(0, frames[0])[0], 200)
        answers = []
        senders = [threading.Thread(target=lambda: answers.append(self.post(1, b"".join(frames[1:]))[0]))
                   for _ in range(8)]
        for sender in senders:
            sender.start()
        for sender in senders:
            sender.join()
        self.assertEqual(answers, [200] * 8)
        self.assertEqual(self.collector.stop(), 0)
        self.assertEqual(list(recordings_of(read_log(self.collector.store)).values()), [list(range(32))])

    def test_a_claim_that_frames_were_lost_is_on_record_and_a_wild_one_is_refused(self):
        self.collector.start()
        frames = self.frames_of("--batches", 5)
        self.assertEqual(self.post(0, frames[0])[0], 200)
        wild = bytearray(frames[3])
        wild[32:40] = struct.pack("<Q", 1 << 40)
        status, answer = self.post(1 << 40, bytes(wild), "?after_gap=1")
        self.assertEqual(status, 422, answer)
        self.assertIn("more frames than there can be", answer)
        self.assertEqual(self.post(3, frames[3], "?after_gap=1")[0], 200)
        status, answer = self.post(1, frames[1])  # now it cannot come any more
        self.assertEqual(status, 422)
        self.assertIn("given up as missing", answer)
        self.assertEqual(self.collector.stop(), 0)
        accounts = [record for entry in read_log(self.collector.store) for record in account_of(entry)]
        self.assertIn("frames 1 to 2 were not delivered here", [record["note"] for record in accounts])
        self.assertEqual(self.verify().returncode, 4)

    def test_a_sensor_that_poses_as_the_collectors_account_is_refused_and_named(self):
        self.collector.start()
        recording, _, left, _, refused, err = self.result(self.sensor("--batches", 3, "--lie"))
        self.assertEqual((left, refused), (0, 1))
        self.assertIn("poses as a collector's account", err)
        self.assertEqual(self.collector.stop(), 0)
        entries = read_log(self.collector.store)
        self.assertEqual(recordings_of(entries)[recording], [0, 1, 2, 3, 5])  # the lie is 4
        refusals = [record["note"] for entry in entries for record in account_of(entry) if record["verdict"] == "refused"]
        self.assertEqual(len(refusals), 1)
        self.assertEqual(self.verify().returncode, 4)
        # The collector itself is none the worse.
        self.collector.start()
        self.assertEqual(self.result(self.sensor("--batches", 3))[2:5], (0, 0, 0))


if __name__ == "__main__":
    suite.main()
