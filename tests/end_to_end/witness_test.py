#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Witnesses, the log over HTTP, and what they find, as real processes on loopback: split views, stores put back
to an older state, a witness killed at any moment, strangers who send anything.

  witness_test.py SPOOR SYNTHETIC_SENSOR MAKE_LOG [unittest arguments]
"""
import base64
import http.server
import json
import os
import pathlib
import random
import re
import shutil
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../tools"))
sys.dont_write_bytecode = True
import collecting  # noqa: E402  (takes the first two arguments)
import machine  # noqa: E402
import suite  # noqa: E402
import verify as independent  # noqa: E402  (tools/verify.py)
from tlog_client import Http, Log, Reader, Verifier, key_id, origin_path, size_of  # noqa: E402

MAKE_LOG = None
spoor, wait_until, free_port = collecting.spoor, collecting.wait_until, collecting.free_port


class Server(collecting.Collector):
    """A spoor subcommand that listens, at one port for its whole life."""

    def __init__(self, folder, *words):
        self.folder, self.words, self.port, self.process = folder, list(map(str, words)), 0, None
        self.log = folder / f"server-{len(os.listdir(folder))}.log"
        self.log.touch()
        self.said = ""

    def start(self):
        with open(self.log, "a") as log:
            self.process = subprocess.Popen(
                [collecting.SPOOR, *self.words, "--listen", f"127.0.0.1:{self.port}"], stdout=subprocess.PIPE,
                stderr=log, text=True)
        self.said = ""
        while not (found := re.search(r"^listening (https?)://127\.0\.0\.1:(\d+)$", self.said, re.M)):
            line = self.process.stdout.readline()
            if not line:
                self.kill()
                raise AssertionError(f"{self.words}: {self.said} {self.log.read_text()}")
            self.said += line
        self.scheme, self.port = found[1], int(found[2])
        return self

    @property
    def url(self):
        return f"{self.scheme}://127.0.0.1:{self.port}"


class World(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="spoor-witness-"))
        self.store = self.folder / "store"
        self.ending = []
        self.addCleanup(shutil.rmtree, self.folder)
        self.addCleanup(lambda: [server.end() for server in self.ending])

    def add(self, *words):
        server = Server(self.folder, *words)
        self.ending.append(server)
        return server

    def make(self, entries, mode="closed", store=None):
        made = subprocess.run([MAKE_LOG, store or self.store, str(entries), mode], timeout=collecting.PATIENCE_S, check=False)
        self.assertEqual(made.returncode, 0 if mode == "closed" else -9)

    def key_of(self, path):
        return Verifier(pathlib.Path(path).read_text(), self.folder)

    def publish(self, *words, store=None):
        return self.add("publish", "--store", store or self.store, *words).start()

    def witness(self, *logs, state="w1"):
        """A running witness; its key is in the file `.key_file`."""
        logs = logs or [self.store / "key/log.vkey"]
        server = self.add("witness", "--state", self.folder / state, "--name", f"witness.example/{state}",
                          *[word for log in logs for word in ("--log", log)]).start()
        server.key_file = self.folder / f"{state}.vkey"
        server.key_file.write_text(re.search(r"^witness (.*)$", server.said, re.M)[1] + "\n")
        server.key = self.key_of(server.key_file)
        server.at = f"{server.url}={server.key_file}"
        return server

    def send_noises(self, server):
        for noise in noises():
            with socket.create_connection(("127.0.0.1", server.port), timeout=collecting.PATIENCE_S) as stranger:
                try:
                    stranger.sendall(noise)
                    stranger.shutdown(socket.SHUT_WR)
                    while stranger.recv(65536):
                        pass
                except OSError:
                    pass
            self.assertIsNone(server.process.poll(), noise[:60])

    def verify(self, *words, status=0, store=None):
        return spoor("verify", "--store", store or self.store, *words, status=status)


class Publishing(World):
    def test_a_client_of_the_standard_reads_and_proves_a_log(self):
        self.make(70_000)  # two full tile levels, as in the text of tlog-tiles
        reader = Reader(self.publish().url, self.key_of(self.store / "key/log.vkey"))
        self.assertEqual(reader.size, 70_000)
        reader.check_tree()
        self.assertEqual(reader.path(0, 273), ("/tile/0/273.p/112", 112))
        self.assertEqual(reader.path(2, 0), ("/tile/2/000.p/1", 1))
        for index in (0, 255, 256, 65_535, 65_536, 69_999):
            self.assertEqual(reader.check_inclusion(index)[:8], b"SPOORBAT")
        self.assertEqual(reader.root_at(70_000).hex(), json.loads(self.verify("--json").stdout)["root_sha256"])

    def test_every_width_up_to_the_checkpoint_is_served_and_none_above(self):
        for mode in ("closed", "killed"):  # a killed writer's files are those of a live one
            shutil.rmtree(self.store, ignore_errors=True)
            self.make(600, mode)
            server = self.publish()
            reader = Reader(server.url, self.key_of(self.store / "key/log.vkey"))
            self.assertEqual(reader.size, 600 if mode == "closed" else 301)
            reader.check_tree()
            full, edge = divmod(reader.size, 256)
            whole = reader.get("/tile/0/000", "application/octet-stream")
            for width in (1, 2, 255):
                self.assertEqual(reader.get(f"/tile/0/000.p/{width}", "application/octet-stream"), whole[:32 * width])
            for width in range(1, edge + 1):
                data = reader.get(f"/tile/0/{full:03}.p/{width}", "application/octet-stream")
                self.assertEqual(len(data), 32 * width)
                reader.get(f"/tile/entries/{full:03}.p/{width}", "application/octet-stream")
            for path in (f"/tile/0/{full:03}", f"/tile/0/{full:03}.p/{edge + 1}", f"/tile/entries/{full:03}",
                         f"/tile/entries/{full:03}.p/{edge + 1}", "/tile/1/000", "/tile/1/000.p/3", "/tile/2/000.p/1"):
                self.assertEqual(reader.http.ask("GET", path)[0], 404, path)
            reader.check_inclusion(reader.size - 1)
            server.stop()

    def test_hashes_only_proves_the_tree_and_tells_no_entry(self):
        self.make(300)
        reader = Reader(self.publish("--hashes-only").url, self.key_of(self.store / "key/log.vkey"))
        reader.check_tree()
        for path in ("/tile/entries/000", "/tile/entries/001.p/44"):
            self.assertEqual(reader.http.ask("GET", path)[0], 404)

    def test_needs_nothing_but_to_read_the_log(self):
        """As another user, in the group that the store's setgid bit shares evidence/ with."""
        if os.geteuid() != 0:
            self.skipTest("needs root to become another user")
        self.folder.chmod(0o711)
        self.store.mkdir()
        os.chown(self.store, -1, 65534)
        self.store.chmod(0o2750)
        self.make(300)
        server = self.start_as_nobody("publish", "--store", self.store)
        reader = Reader(server.url, self.key_of(self.store / "key/log.vkey"))
        reader.check_tree()
        reader.check_inclusion(299)

    def test_says_that_it_may_not_read_the_log(self):
        if os.geteuid() != 0:
            self.skipTest("needs root to become another user")
        self.folder.chmod(0o711)
        self.make(300)  # for its owner alone, without the setgid bit
        with self.assertRaisesRegex(AssertionError, r"spoor publish: .*/evidence/checkpoint: cannot .*Permission denied"):
            self.start_as_nobody("publish", "--store", self.store)

    def start_as_nobody(self, *words):
        server = self.add(*words)
        spawn = subprocess.Popen
        subprocess.Popen = lambda *words, **more: spawn(*words, user=65534, group=65534, extra_groups=[], **more)
        try:
            return server.start()
        finally:
            subprocess.Popen = spawn

    def test_https_with_a_certificate(self):
        self.make(300)
        certificate, key = self.folder / "crt.pem", self.folder / "key.pem"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ed25519", "-nodes", "-keyout", key, "-out", certificate,
                        "-subj", "/CN=log", "-addext", "subjectAltName=IP:127.0.0.1"], check=True, capture_output=True)
        server = self.publish("--certificate", certificate, "--private-key", key)
        reader = Reader(server.url, self.key_of(self.store / "key/log.vkey"), cafile=certificate)
        reader.check_tree()
        reader.check_inclusion(0)
        with self.assertRaises((OSError, AssertionError)):  # plain HTTP to it is no way in
            Http(server.url.replace("https", "http")).ask("GET", "/checkpoint")
        reader.get("/tile/0/000", "application/octet-stream")

    def test_strangers_get_no_other_file_and_stop_nothing(self):
        self.make(300)
        server = self.publish()
        http = Http(server.url)
        secret = (self.store / "key/log.pem").read_bytes()
        for path in ("/", "/key/log.pem", "/../key/log.pem", "/tile/../../key/log.pem", "/tile/0/../../../key/log.pem",
                     "/%2e%2e/key/log.pem", "/tile/0/%2e%2e/%2e%2e/%2e%2e/key/log.pem", "/tile/entries/..%2f..",
                     "//etc/passwd", "/tile/0/000.partial", "/tile/0/000%00", "/checkpoint.tmp", "/checkpoint/",
                     "/tile/0/0", "/tile/00/000", "/tile/8/000", "/tile/-1/000", "/tile/0/x000/001", "/tile/0/000.p/0",
                     "/tile/0/000.p/256", "/tile/0/000.p/01", "/tile/0/x999/x999/x999/x999/x999/x999/x999/999"):
            status, _, body = http.ask("GET", path)
            self.assertEqual(status, 404, path)
            self.assertNotIn(secret[30:60], body)
        self.assertEqual(http.ask("HEAD", "/tile/0/000")[1]["Content-Length"], "8192")
        self.assertEqual(http.ask("POST", "/checkpoint", b"x")[0], 405)
        self.assertEqual(http.ask("DELETE", "/checkpoint")[0], 405)
        self.assertEqual(http.ask("GET", "/checkpoint", headers={"Range": "bytes=0-,0-,0-"})[0], 416)
        self.assertIn(http.ask("GET", "/" + "a" * 9000)[0], (404, 414))
        self.send_noises(server)
        Reader(server.url, self.key_of(self.store / "key/log.vkey")).check_tree()

    def test_slow_strangers_are_cut_off(self):
        self.make(3)
        server = self.publish()
        slow = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(40)]  # more than are served at once
        stop = threading.Event()

        def trickle():
            while not stop.wait(0.5):
                for one in slow:
                    try:
                        one.send(b"G")
                    except OSError:
                        pass
        thread = threading.Thread(target=trickle)
        thread.start()
        try:
            # They trickle on until it is answered, and until all of them are cut off.
            self.assertEqual(Http(server.url).ask("GET", "/checkpoint")[0], 200)
            wait_until("all are cut off", lambda: all(map(collecting.has_ended, slow)))
        finally:
            stop.set()
            thread.join()
            for one in slow:
                one.close()


def noises():
    choose = random.Random(1)
    yield b""
    yield b"\x16\x03\x01" + choose.randbytes(400)
    yield choose.randbytes(20_000)
    yield b"GET /checkpoint HTTP/1.1\r\n" + b"X-A: b\r\n" * 50_000
    yield b"GET /checkpoint HTTP/1.1\r\nX: " + b"a" * 1_000_000
    yield b"GET /checkpoint HTTP/1.1\r\nRange: bytes=" + b"0-," * 2_500 + b"0-\r\n\r\n"
    yield b"POST /add-checkpoint HTTP/1.1\r\nContent-Length: 99999999999999999999\r\n\r\n" + b"a" * 100_000
    yield b"POST /add-checkpoint HTTP/1.1\r\nContent-Length: 10000000\r\n\r\n" + b"a" * 1_000_000
    yield b"POST /add-checkpoint HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n" + b"ffff\r\n" + b"a" * 100_000
    yield b"POST /add-checkpoint HTTP/1.1\r\nContent-Length: 30\r\nContent-Encoding: gzip\r\n\r\n" + b"\x1f\x8b" * 15
    yield b"POST /add-checkpoint HTTP/1.1\r\nContent-Length: 50\r\n\r\nold 0\n"
    yield b"\r\n" * 30_000


class WitnessProtocol(World):
    def setUp(self):
        super().setUp()
        self.log = Log("log.example/one", str(self.folder))
        self.key_file = self.folder / "one.vkey"
        self.key_file.write_text(self.log.verifier_text)
        self.server = self.witness(self.key_file)
        self.http = Http(self.server.url)

    def expect(self, status, body, said=b""):
        answer = self.http.add_checkpoint(body)
        self.assertEqual(answer[0], status, answer[2])
        self.assertIn(said, answer[2])
        return answer

    def cosign(self, old, size=None, **more):
        body = self.log.request(old, size, **more)
        before = int(time.time())
        _, _, lines = self.expect(200, body)
        note = body.split(b"\n\n", 1)[1] + lines
        times = self.server.key.cosigned(note)
        self.assertEqual(len(times), 1)
        self.assertTrue(before <= times[0] <= time.time(), times)
        return note

    def test_cosigns_each_tree_that_extends_the_last(self):
        self.assertEqual(self.http.ask("GET", origin_path("log.example/one"))[0], 404)
        sizes = [1, 2, 3, 7, 8, 300, 300, 511, 512, 513]
        for old, size in zip([0] + sizes, sizes):
            self.log.grow(size - len(self.log.leaves))
            note = self.cosign(old)
            _, _, latest = self.http.ask("GET", origin_path("log.example/one"))
            self.assertEqual(latest, note)
        self.log.grow(5)
        self.cosign(513, checkpoint=self.log.checkpoint(extension="lines of\nits own\n"))

    def test_refuses_as_the_protocol_says(self):
        log = self.log.grow(100)
        stranger = Log("log.example/two", str(self.folder)).grow(10)
        self.expect(404, stranger.request(0))
        forger = Log("log.example/one", str(self.folder), str(self.folder / "forged.pem")).grow(10)
        self.expect(403, forger.request(0))
        for body in (b"", b"old 0\n", b"old 00\n\n", b"old -1\n\n", b"old 0\nAAAA\n\n", b"old x\n\n", b"new 0\n\n",
                     b"old 18446744073709551616\n\n", b"old 0\n\nno note", b"old 0\n" * 3, os.urandom(3000)):
            self.expect(400, body)
        self.expect(400, b"old x\n\n" + log.checkpoint())
        self.expect(400, log.request(0, proof=[bytes(32)] * 64), b"63")
        self.expect(400, log.request(101), b"old size")
        self.expect(422, log.request(0, proof=[bytes(32)]))
        self.cosign(0, 60)
        status, headers, body = self.expect(409, log.request(0))
        self.assertEqual((headers["Content-Type"], size_of(body)), ("text/x.tlog.size", 60))
        self.assertEqual(size_of(self.expect(409, log.request(59))[2]), 60)
        self.expect(422, log.request(60, proof=[]))
        proof = log.request(60)
        self.expect(400, proof.replace(b"old 60\n", b"old 060\n"))
        self.expect(422, log.request(60, proof=[bytes(32)] * 63))
        older = log.request(50, 55)
        self.assertEqual(size_of(self.expect(409, older)[2]), 60)
        self.cosign(60, 100)
        self.assertEqual(self.http.ask("POST", "/other", b"x")[0], 404)
        self.assertEqual(self.http.ask("GET", "/add-checkpoint")[0], 404)
        self.assertEqual(self.http.ask("PUT", "/add-checkpoint", b"x")[0], 405)
        self.assertEqual(self.http.add_checkpoint(b"x" * 100_000)[0], 413)

    def test_never_cosigns_a_second_history(self):
        self.log.grow(40)
        fork = Log("log.example/one", str(self.folder)).grow(40)
        self.log.grow(20)
        fork.grow(60, "other")
        self.cosign(0)
        self.assertEqual(size_of(self.expect(409, fork.request(0))[2]), 60)
        self.expect(422, fork.request(60))
        self.expect(409, fork.request(60, 60), b"split view")
        conflict = next((self.folder / "w1/logs").glob("*.conflict")).read_bytes()
        self.assertEqual(conflict, fork.checkpoint(60))
        self.assertIn("SPLIT VIEW", self.server.log.read_text())
        self.cosign(60, self.log.grow(5) and 65)

    def test_strangers_stop_nothing(self):
        self.send_noises(self.server)
        self.log.grow(3)
        self.cosign(0)

    def test_killed_at_any_moment_it_never_cosigns_two_histories(self):
        seed = random.randrange(1 << 32)
        choose = random.Random(seed)
        common = 10
        branches = [Log("log.example/one", str(self.folder)).grow(common).grow(400, branch) for branch in ("", "other")]
        requests = {}  # signing with openssl is slow, so each is made once

        def request(branch, old, size):
            if (branch, old, size) not in requests:
                requests[branch, old, size] = branches[branch].request(old, size)
            return requests[branch, old, size]
        got, size, rounds = [], 0, 0
        while rounds < 40 or len(got) < 20 and rounds < 400:  # where the machine is slow, more of them say nothing
            rounds += 1
            ending = threading.Timer(choose.uniform(0.0, 0.08), self.server.process.kill)
            ending.start()
            try:
                while size < 300:
                    branch = choose.randrange(2)
                    new = min(300, size + choose.randrange(1, 4))
                    status, _, body = Http(self.server.url).add_checkpoint(request(branch, size, new))
                    if status == 200:
                        got.append((branch, new))
                        size = new
                    elif status == 409:
                        known = size_of(body) if body[:1].isdigit() else size
                        self.assertGreaterEqual(known, size, f"seed {seed}: it forgot what it had cosigned")
                        size = known
                    else:
                        self.assertEqual(status, 422)
            except (OSError, AssertionError) as error:
                if isinstance(error, AssertionError):
                    raise
            except Exception as error:  # http.client, when the answer is cut off
                self.assertIn("http.client", type(error).__module__)
            ending.join()
            self.server.process.wait()
            self.server.process.stdout.close()
            self.server.start()
        self.assertGreaterEqual(len(got), 20, f"seed {seed}")
        self.assertEqual(len({branch for branch, new in got if new > common}), 1, f"seed {seed}: two histories")
        self.assertEqual([new for _, new in got], sorted(new for _, new in got), f"seed {seed}")
        print(f"killed {rounds} times, {len(got)} cosignatures, seed {seed}", file=sys.stderr)

    def test_what_it_cosigned_is_on_disk_before_it_says_so(self):
        """No kill can show what a power cut does; the order of the system calls does."""
        if reason := machine.why_strace_cannot_attach():
            self.skipTest(reason)
        trace = self.folder / "trace"
        follow = subprocess.Popen(["strace", "-f", "-y", "-o", trace, "-e", "trace=fsync,rename,sendto",
                                   "-p", str(self.server.process.pid)], stderr=subprocess.PIPE, text=True)
        self.assertIn("attached", follow.stderr.readline())
        try:
            self.log.grow(5)
            self.cosign(0)
        finally:
            follow.terminate()
            follow.wait()
            follow.stderr.close()
        calls = re.findall(r" (fsync|rename|sendto)\((.*)", trace.read_text())
        state = next(path for path in (self.folder / "w1/logs").iterdir())
        said = next(i for i, (call, words) in enumerate(calls) if call == "sendto")
        named = next(i for i, (call, words) in enumerate(calls) if call == "rename" and f'"{state}")' in words)
        synced = [i for i, (call, words) in enumerate(calls[:said]) if call == "fsync"]
        self.assertTrue(any(i < named and str(state) in calls[i][1] for i in synced), calls)
        self.assertTrue(any(i > named and f"<{state.parent}>" in calls[i][1] for i in synced), calls)

    def test_state_that_was_changed_or_shared_is_refused(self):
        self.log.grow(9)
        self.cosign(0)
        second = subprocess.run([collecting.SPOOR, "witness", "--state", self.folder / "w1", "--log", self.key_file,
                                 "--listen", "127.0.0.1:0"], capture_output=True, text=True, timeout=collecting.PATIENCE_S)
        self.assertEqual((second.returncode, "another witness" in second.stderr), (5, True), second.stderr)
        self.assertEqual(self.server.stop(), 0)
        self.assertEqual(os.stat(self.folder / "w1/key/witness.pem").st_mode & 0o777, 0o600)
        state = next((self.folder / "w1/logs").iterdir())
        state.write_bytes(state.read_bytes().replace(b"\n9\n", b"\n8\n"))
        with self.assertRaisesRegex(AssertionError, "cannot be trusted"):
            self.server.start()
        os.remove(self.folder / "w1/key/witness.pem")
        with self.assertRaisesRegex(AssertionError, "private key is missing"):
            self.server.start()


class Auditing(World):
    """Two readers, one store; each attack is found and named, by Spoor and by the second opinion."""

    def assert_both(self, said, words, store=None, independently=None):
        done = self.verify(*words, status=3, store=store)
        self.assertIn(said, done.stderr)
        self.assertEqual(done.stderr.count("\n"), 1, "one line")
        if independently is None:
            return
        with self.assertRaises(independent.Unverified) as caught:
            independent.verify(str(store or self.store), **independently)
        self.assertIn(said, str(caught.exception))

    def test_a_split_view_is_refused_and_named(self):
        self.make(200)
        other = self.folder / "other"
        shutil.copytree(self.store, other)  # with the log's key
        self.make(100)
        self.make(150, store=other)
        witness = self.witness()
        spoor("cosign", "--store", self.store, "--witness", witness.at)
        refused = spoor("cosign", "--store", other, "--witness", witness.at, status=3)
        self.assertIn("split view: the first 300 entries", refused.stderr)
        kept = self.folder / "kept"
        shutil.copy(self.store / "evidence/checkpoint", kept)
        self.verify("--checkpoint", kept)
        self.assert_both("split view: the first 300 entries", ["--checkpoint", kept], other,
                         {"checkpoints": [str(kept)]})
        self.assert_both("split view", ["--ask", witness.at], other)
        # Both stores by themselves are perfect, which is why it takes others.
        self.verify(store=other)
        shutil.copytree(self.store / "witnessed", other / "witnessed")
        self.assert_both("split view", ["--witness", witness.key_file], other, {"witnesses": [str(witness.key_file)]})

    def test_a_store_put_back_is_found_through_a_witness(self):
        self.make(200)
        witness = self.witness()
        spoor("cosign", "--store", self.store, "--witness", witness.at)
        old = self.folder / "old"
        shutil.copytree(self.store, old)
        kept = self.folder / "kept"
        self.make(100)
        shutil.copy(self.store / "evidence/checkpoint", kept)
        spoor("cosign", "--store", self.store, "--witness", witness.at)
        shutil.rmtree(self.store)
        shutil.move(old, self.store)
        self.verify("--witness", witness.key_file)  # put back as a whole: it fits together
        independent.verify(str(self.store), witnesses=[str(witness.key_file)])
        said = self.verify("--ask", witness.at, status=3).stderr
        for word in ("rolled back", "200 entries", "300 entries", "witness.example/w1 at 20"):
            self.assertIn(word, said)
        self.assertIn("rolled back", spoor("cosign", "--store", self.store, "--witness", witness.at, status=3).stderr)
        self.assert_both("rolled back: the log has 200 entries", ["--checkpoint", kept], None,
                         {"checkpoints": [str(kept)]})
        stdin = spoor("verify", "--store", self.store, "--checkpoint", "-", status=3, input=kept.read_text())
        self.assertIn("rolled back", stdin.stderr)

    def test_what_witnesses_say_is_in_the_statement(self):
        self.make(300)
        one, two = self.witness(), self.witness(state="w2")
        spoor("cosign", "--store", self.store, "--witness", one.at)
        said = self.verify("--witness", one.key_file).stdout
        self.assertRegex(said, r"witnessed  300 entries at 20\S+Z by witness\.example/w1 \(key [0-9a-f]{8}\)\n")
        self.assertIn("not checked", self.verify().stdout)
        line = json.loads(self.verify("--witness", one.key_file, "--ask", two.at, "--checkpoint",
                                      self.store / "evidence/checkpoint", "--json").stdout)
        self.assertEqual([(w["name"], w["entry_count"], w["asked"]) for w in line["witnesses"]],
                         [("witness.example/w1", 300, False), ("witness.example/w2", 300, True)])
        self.assertEqual(line["checkpoints"][0]["entry_count"], 300)
        self.assertEqual(line["unchecked_cosigned_count"], 0)
        log = independent.verify(str(self.store), witnesses=[str(one.key_file)])
        self.assertEqual([size for _, size, _ in log.cosigned], [300])
        self.assert_both("no cosignature by witness", ["--witness", two.key_file], None,
                         {"witnesses": [str(two.key_file)]})
        # A cosignature that was tampered with is worse than none.
        kept = next((self.store / "witnessed").iterdir())
        text = kept.read_text()
        dash = text.rindex(" ") + 30
        kept.write_text(text[:dash] + ("A" if text[dash] != "A" else "B") + text[dash + 1:])
        self.assert_both("does not fit the checkpoint", ["--witness", one.key_file], None,
                         {"witnesses": [str(one.key_file)]})

    def test_a_witness_that_lies_is_not_believed_and_harms_nothing(self):
        self.make(300)
        witness = self.witness()
        spoor("cosign", "--store", self.store, "--witness", witness.at)
        kept = next((self.store / "witnessed").iterdir())
        honest = kept.read_bytes()
        line = honest[honest.rindex(b"\xe2\x80\x94"):]
        text = {"Content-Type": "text/plain"}
        size = {"Content-Type": "text/x.tlog.size"}
        other = Log("witness.example/w1", str(self.folder))
        for status, headers, body, code in (
                (200, text, b"", 5), (200, text, b"noise\n", 5), (200, text, os.urandom(5000), 5),
                (200, text, b"\n" + line, 5), (200, text, line[:-1], 5), (200, text, line[:40] + line[41:], 5),
                (200, text, line.replace(b"w1", b"w2"), 5), (200, text, other.checkpoint(0).split(b"\n\n")[1], 5),
                (200, text, b"a" * 3_000_000, 5), (200, text, line * 200, 5), (302, {"Location": "/x"}, b"", 5),
                (409, size, b"", 5), (409, size, b"1e3\n", 5), (409, size, b"5\n", 5), (409, text, b"x", 3),
                (409, size, b"99999\n", 3), (422, text, b"", 3), (500, text, b"", 5)):
            with Canned(status, headers, body) as lying:
                done = spoor("cosign", "--store", self.store, "--witness", f"{lying.url}={witness.key_file}", status=code)
                self.assertEqual(done.stderr.count("\n"), 1, done.stderr)
                self.assertIn("127.0.0.1" if "witness witness" not in done.stderr else "witness.example/w1", done.stderr)
            self.assertEqual(kept.read_bytes(), honest)
        # An answer that was right once: cosigned, but not now.
        with Canned(200, text, line) as lying:
            spoor("cosign", "--store", self.store, "--witness", f"{lying.url}={witness.key_file}")

    def test_removing_old_entries_by_policy_is_neither_a_split_nor_a_roll_back(self):
        self.make(1000)
        witness = self.witness()
        spoor("cosign", "--store", self.store, "--witness", witness.at)
        kept = self.folder / "kept"
        shutil.copy(self.store / "evidence/checkpoint", kept)
        removed = json.loads(spoor("retain", "--store", self.store, "--keep-bytes", 30_000, "--json").stdout)
        self.assertGreaterEqual(removed["remove_until_entry"], 256)
        self.verify("--checkpoint", kept, "--witness", witness.key_file, "--ask", witness.at)
        reader = Reader(self.publish().url, self.key_of(self.store / "key/log.vkey"))
        reader.check_tree()
        self.assertEqual(reader.http.ask("GET", "/tile/entries/000")[0], 404)
        reader.check_inclusion(reader.size - 1)
        with open(kept, "rb") as file:
            size, root = reader.verifier.opens(file.read())
        self.assertEqual(reader.root_at(size), root)

    def test_usage_and_absence_have_their_own_exit_codes(self):
        self.make(3)
        witness = self.witness()
        self.verify("--ask", f"http://127.0.0.1:{free_port()}={witness.key_file}", status=5)
        self.verify("--ask", "witness.example", status=2)
        self.verify("--ask", f"{witness.url}={self.store}/key/log.vkey", status=2)
        self.verify("--witness", self.store / "key/log.vkey", status=2)
        self.verify("--checkpoint", self.folder / "none", status=5)
        other = self.folder / "other"
        self.make(3, store=other)
        self.assertIn("not signed by",
                      self.verify("--checkpoint", other / "evidence/checkpoint", status=3).stderr)
        unknown = spoor("cosign", "--store", other, "--witness", witness.at, status=5)
        self.assertIn("does not know this log", unknown.stderr)
        # The same name, another key: somebody's forgery of the log.
        forged = self.folder / "forged"
        self.make(3, store=forged)
        text = (self.store / "key/log.vkey").read_text().split("+")[0]
        shutil.rmtree(forged / "evidence")
        os.remove(forged / "key/log.vkey")
        public = subprocess.run(["openssl", "pkey", "-in", forged / "key/log.pem", "-pubout", "-outform", "DER"],
                                check=True, capture_output=True).stdout[-32:]
        (forged / "key/log.vkey").write_text(
            f"{text}+{key_id(text, 1, public).hex()}+{base64.b64encode(bytes([1]) + public).decode()}\n")
        self.make(3, store=forged)
        self.assertIn("under another key", self.verify("--ask", witness.at, status=3, store=forged).stderr)


class Canned(collecting.Answering):
    """A server that answers everything alike, but a GET with 404."""

    def __init__(self, status, headers, body):
        class Answer(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                self.rfile.read(int(self.headers["Content-Length"]))
                collecting.send_answer(self, status, body, headers)

            def do_GET(self):
                collecting.send_answer(self, 404, b"")
        super().__init__(Answer)


class WatchedCollector(collecting.Collector):
    witnesses = ()

    def spawn(self, keys, log):
        return subprocess.Popen(
            [collecting.SPOOR, "serve", "--listen", f"127.0.0.1:{self.port}", "--store", self.store, "--keys", keys,
             "--origin", "log.example/hub", "--authority", self.world.authority, *[word for at in self.witnesses for word in ("--witness", at)]],
            stdout=subprocess.PIPE, stderr=log, text=True)


class WatchedWorld(collecting.World):
    """A collector that asks witnesses."""

    def setUp(self):
        super().setUp()
        spoor("keys", "analyst", "ann", "--dir", self.authority)
        self.collector = self.add(WatchedCollector(self, "hub"))
        self.store = self.collector.store
        self.collector.start()
        self.result(self.sensor("--batches", 2))  # makes the log, whose key the witnesses must know
        self.collector.stop()
        self.servers = []
        self.addCleanup(lambda: [server.end() for server in self.servers])

    key_of = World.key_of
    witness = World.witness

    def tearDown(self):
        for server in self.servers:
            server.end()
        super().tearDown()

    def add(self, process, *words):
        if isinstance(process, str):
            server = Server(self.folder, process, *words)
            self.servers.append(server)
            return server
        return super().add(process)

    def status(self):
        context = ssl.create_default_context(cafile=f"{self.authority}/ca.crt")
        context.load_cert_chain(f"{self.authority}/analysts/ann/identity.crt", f"{self.authority}/analysts/ann/identity.key")
        http = Http(self.collector.url)
        http.tls = context
        return json.loads(http.ask("GET", "/v1/status")[2])

    def start(self, *witnesses):
        self.collector.witnesses = [one if isinstance(one, str) else one.at for one in witnesses]
        self.collector.start()

    def cosigned_sizes(self):
        return [one["cosigned_size"] for one in self.status()["witnesses"]]


class Collecting(WatchedWorld):
    """Two witnesses that come and go."""

    def test_cosignatures_come_by_themselves_and_a_quorum_is_published(self):
        one, two = self.witness(), self.witness(state="w2")
        self.start(one, two)
        self.result(self.sensor("--batches", 300, "--interval-us", 2000))
        wait_until("both cosigned all", lambda: self.cosigned_sizes() == [self.status()["log_size"]] * 2)
        publication = self.add("publish", "--store", self.store, "--cosignatures", 2).start()
        log_key = self.key_of(self.store / "key/log.vkey")
        self.assertEqual(log_key.name, "log.example/hub")
        reader = Reader(publication.url, log_key)
        reader.check_tree()
        for witness in (one, two):
            self.assertEqual(len(witness.key.cosigned(reader.note)), 1)
        # An idle log is neither signed nor shown again, however often one that is away is asked meanwhile.
        self.assertEqual(self.collector.stop(), 0)
        self.start(one, two, f"http://127.0.0.1:{collecting.free_port()}={one.key_file}")
        wait_until("both cosigned all", lambda: self.cosigned_sizes()[:2] == [self.status()["log_size"]] * 2)
        before, checkpoint = self.status(), (self.store / "evidence/checkpoint").read_bytes()
        asked = before["witnesses"][2]["failure_count"]
        wait_until("the one that is away is asked", lambda: self.status()["witnesses"][2]["failure_count"] >= asked + 2)
        self.assertEqual([w["cosigned_count"] for w in self.status()["witnesses"]], [1, 1, 0])
        self.assertEqual((self.store / "evidence/checkpoint").read_bytes(), checkpoint)
        self.assertEqual(self.status()["checkpoints"], before["checkpoints"])
        self.assertEqual(self.collector.stop(), 0)
        done = spoor("verify", "--store", self.store, "--witness", one.key_file, "--ask", two.at, "--json")
        self.assertEqual({w["entry_count"] for w in json.loads(done.stdout)["witnesses"]}, {reader.size})
        independent.verify(str(self.store), witnesses=[str(one.key_file), str(two.key_file)])

    def test_a_witness_that_is_away_or_hangs_delays_nothing(self):
        one = self.witness()
        hanging = socket.create_server(("127.0.0.1", 0))
        one.stop()
        self.start(one, f"http://127.0.0.1:{hanging.getsockname()[1]}={one.key_file}")
        recording, acknowledged, left, dropped, _, _ = self.result(self.sensor("--batches", 200))
        self.assertEqual((left, dropped), (0, 0))
        # Who waits for a witness makes a checkpoint per answer, or per failure to answer.
        status = self.status()
        self.assertGreater(status["checkpoints"], status["witnesses"][1]["failure_count"] + 1)
        wait_until("the failure is counted", lambda: self.status()["witnesses"][0]["failure_count"] > 0)
        self.assertEqual(self.status()["witnesses"][0]["cosigned_count"], 0)
        one.start()
        wait_until("it cosigns again", lambda: self.cosigned_sizes()[0] == self.status()["log_size"])
        self.assertEqual(self.status()["witnesses"][0]["failure"], "")
        self.assertEqual(self.collector.stop(), 0)  # though one still hangs
        hanging.close()

    def test_a_collector_put_back_is_told_by_its_witness(self):
        one = self.witness()
        self.start(one)
        old = self.folder / "old"
        self.collector.stop()
        shutil.copytree(self.store, old)
        self.collector.start()
        self.result(self.sensor("--batches", 20))
        self.assertEqual(self.collector.stop(), 0)
        shutil.rmtree(self.store)
        shutil.copytree(old, self.store)
        self.collector.start()
        wait_until("the witness refuses", lambda: self.status()["witnesses"][0]["refusal_count"] > 0)
        self.assertIn("rolled back", self.status()["witnesses"][0]["failure"])
        self.assertIn("rolled back", (self.folder / "hub.log").read_text())

    def test_what_is_acknowledged_under_load_is_under_a_signed_checkpoint_by_then(self):
        self.start()
        batches, batch_bytes = 8000, 4000
        sensor = self.sensor("--batches", batches, "--interval-us", 500, "--bytes", batch_bytes, "--say-acknowledged")
        path, times = self.store / "evidence/checkpoint", []
        for line in sensor.stdout:
            if found := re.match(r"safe \w+ (\d+)$", line):
                self.assertGreaterEqual(int(path.read_text().split("\n")[1]), int(found[1]))
                times.append(time.monotonic())
        self.assertEqual(sensor.wait(collecting.PATIENCE_S), 0, sensor.stderr.read())
        # However slow the machine is: one for each parcel, which has at most 4 MiB.
        self.assertGreaterEqual(len(times), batches * batch_bytes // (4 << 20))
        gaps = sorted(b - a for a, b in zip(times, times[1:]))
        print(f"{len(times)} acknowledgements, apart p50 {gaps[len(gaps) // 2] * 1e3:.1f} ms, "
              f"p99 {gaps[len(gaps) * 99 // 100] * 1e3:.1f} ms, max {gaps[-1] * 1e3:.1f} ms", file=sys.stderr)


if __name__ == "__main__":
    MAKE_LOG = os.path.abspath(sys.argv.pop(1))
    suite.main()
