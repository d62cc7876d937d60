#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The published log as a program reads it that is not ours: third_party_client/main.go, with the notes, tiles and
proofs of golang.org/x/mod. It proves a collector's log while that runs, and finds every bit that is changed on the way.

  third_party_client_test.py SPOOR SYNTHETIC_SENSOR MAKE_LOG [unittest arguments]
"""
import base64
import http.server
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.dont_write_bytecode = True
import collecting  # noqa: E402  (takes the first two arguments)
import suite  # noqa: E402
import witness_test  # noqa: E402  (servers and witnesses as processes)
from tlog_client import Http  # noqa: E402

GOPATH = pathlib.Path("/usr/share/gocode")  # where Debian's golang-…-dev packages are
CLIENT = None


def skip_without_go():
    reason = None
    if shutil.which("go") is None:
        reason = "no go here (package golang-go)"
    elif not (GOPATH / "src/golang.org/x/mod/sumdb/tlog").exists():
        reason = "no golang.org/x/mod here (package golang-golang-x-mod-dev)"
    if reason:
        suite.skip_all(reason)


def build_client(folder):
    """From what is installed alone: no module, no network."""
    source = pathlib.Path(__file__).resolve().parent / "third_party_client/main.go"
    environment = dict(os.environ, GO111MODULE="off", GOPATH=str(GOPATH), GOCACHE=f"{folder}/cache", GOFLAGS="",
                       GOPROXY="off", CGO_ENABLED="0")
    subprocess.run(["go", "build", "-o", f"{folder}/client", source], env=environment, check=True)
    return f"{folder}/client"


class Proxy(collecting.Answering):
    """Passes the log on, with one bit of one file changed if `flips` names it: path, and where in its bytes."""

    def __init__(self, url):
        proxy, upstream = self, Http(url)
        self.flips, self.asked = {}, []

        class Pass(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                proxy.asked.append(self.path)
                status, _, body = upstream.ask("GET", self.path)
                if self.path in proxy.flips:
                    at = proxy.flips[self.path]
                    body = body[:at] + bytes([body[at] ^ 1]) + body[at + 1:]
                collecting.send_answer(self, status, body)
        super().__init__(Pass)


class Client:
    """Mixed into a world of witness_test."""

    def read(self, url, *words, key=None, status=0):
        key = (key or self.store / "key/log.vkey").read_text().strip()
        done = subprocess.run([CLIENT, *map(str, words), url, key], capture_output=True, text=True, timeout=collecting.PATIENCE_S)
        self.assertEqual(done.returncode, status, done.stdout + done.stderr)
        self.assertEqual(done.stderr.count("\n"), 1 if status else 0, done.stderr)
        return done.stderr if status else done.stdout

    def assert_finds_every_flip(self, url, *words):
        """Of every file that it reads one bit is changed, at the beginning, in the middle and at the end."""
        with Proxy(url) as proxy:
            self.read(proxy.url, *words)
            paths, proxy.asked = sorted(set(proxy.asked)), []
            for path in paths:
                body = Http(url).ask("GET", path)[2]
                places = ([body.index(line) + len(line) // 2 for line in body.splitlines() if line]
                          if path == "/checkpoint" else [0, len(body) // 2, len(body) - 1])
                for place in places:
                    proxy.flips = {path: place}
                    self.assertIn(path[1:], self.read(proxy.url, *words, status=1), (path, place))
        return paths


class ReadsACollectorsLog(Client, witness_test.WatchedWorld):
    def grow(self, batches):
        """Ships so many batches, and waits until the witness has cosigned them."""
        self.result(self.sensor("--batches", batches, "--interval-us", 0))
        witness_test.wait_until("cosigned all", lambda: self.cosigned_sizes() == [self.status()["log_size"]])

    def test_two_checkpoints_of_a_running_collector_and_every_flip_between(self):
        witness = self.witness()
        self.start(witness)
        self.grow(300)
        publication = self.add("publish", "--store", self.store, "--cosignatures", 1).start()
        older = self.folder / "older"
        older.write_bytes(Http(publication.url).ask("GET", "/checkpoint")[2])
        older_size = int(older.read_text().splitlines()[1])
        self.assertGreater(older_size, 300)
        # A witness's key is one that x/mod does not know, which must not keep it from the log.
        said = self.read(publication.url)
        self.assertIn(f"checkpoint {older_size} ", said)
        self.assertIn("signatures 1 known 1 unknown\n", said)
        self.grow(500)
        words = ["-older", older, "-witness", witness.key.text]
        said = self.read(publication.url, *words)
        size = self.status()["log_size"]
        self.assertGreater(size, 800)
        for line in (f"checkpoint {size} ", "signatures 2 known 0 unknown\n", f"extends {older_size}\n",
                     f"entries {size}\n"):
            self.assertIn(line, said)
        paths = self.assert_finds_every_flip(publication.url, *words)
        full, edge = divmod(size, 256)
        self.assertEqual(paths, sorted(
            ["/checkpoint", f"/tile/1/000.p/{full}"]
            + [f"/tile/{level}/{index:03}" for level in ("0", "entries") for index in range(full)]
            + [f"/tile/{level}/{full:03}.p/{edge}" for level in ("0", "entries") if edge]))
        # A stopped collector's files have other names on the disk.
        self.assertEqual(self.collector.stop(), 0)
        self.assertIn(f"entries {size}\n", self.read(publication.url, *words))


class ReadsALogThatSpoorMade(Client, witness_test.World):
    def test_a_log_of_three_levels(self):
        self.make(70_000)
        url = self.publish().url
        with Proxy(url) as proxy:
            self.assertIn("entries 70000\n", self.read(proxy.url))
            self.assertEqual({path for path in proxy.asked if path.startswith(("/tile/1", "/tile/2"))},
                             {"/tile/1/000", "/tile/1/001.p/17", "/tile/2/000.p/1"})
            for path, place in (("/tile/2/000.p/1", 31), ("/tile/1/000", 4000), ("/tile/0/272", 5),
                                ("/tile/entries/273.p/112", 1)):
                proxy.flips = {path: place}
                self.assertIn(path[1:], self.read(proxy.url, status=1))

    def test_an_older_checkpoint_of_another_history_is_refused(self):
        self.make(200)
        other = self.folder / "other"
        shutil.copytree(self.store, other)  # with the log's key
        self.make(100, store=other)
        fork = other / "evidence/checkpoint"
        for more, said in ((0, "has 300 entries, the log now 200"), (100, "does not extend these 300"),
                           (100, "does not extend these 300")):
            if more:
                self.make(more)
            refused = self.read(self.publish().url, "-older", fork, status=1)
            self.assertIn("older checkpoint: ", refused)
            self.assertIn(said, refused)
        self.read(self.publish(store=other).url, "-older", fork)  # by itself it is perfect

    def test_another_key_and_a_cosignature_that_is_not_there_are_refused(self):
        self.make(3)
        url = self.publish().url
        witness = self.witness()
        self.assertIn("checkpoint: 1 signatures of 2", self.read(url, "-witness", witness.key.text, status=1))
        stranger = self.folder / "stranger"
        self.make(3, store=stranger)
        self.assertIn("checkpoint: note has no verifiable signatures",
                      self.read(url, key=stranger / "key/log.vkey", status=1))
        # The log's own key with one bit changed, under a hash that fits.
        name, _, encoded = (self.store / "key/log.vkey").read_text().strip().split("+", 2)
        raw = base64.b64decode(encoded)
        changed = raw[:-1] + bytes([raw[-1] ^ 1])
        forged = self.folder / "forged.vkey"
        forged.write_text(f"{name}+{witness_test.key_id(name, 1, changed[1:]).hex()}+{base64.b64encode(changed).decode()}")
        self.assertIn("checkpoint: ", self.read(url, key=forged, status=1))


if __name__ == "__main__":
    witness_test.MAKE_LOG = os.path.abspath(sys.argv.pop(1))
    skip_without_go()
    with tempfile.TemporaryDirectory(prefix="spoor-go-") as built:
        CLIENT = build_client(built)
        suite.main()
