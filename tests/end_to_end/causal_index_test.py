#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The causal index beside a store's segments: made once, for what is new only, never believed when it is not what it
must be, and never in the way of an answer.

  causal_index_test.py SPOOR [unittest arguments]
"""
import ctypes
import json
import os
import pathlib
import shutil
import struct
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../machine"))
import suite  # noqa: E402
from machine import PATIENCE_S  # noqa: E402

SPOOR = ""
NOBODY = 65534


def events(host):
    return [{"host": host, **event} for event in (
        {"kind": "process", "process": 100, "command": "sshd", "path": "/usr/sbin/sshd", "uid": 0, "baseline": True},
        {"kind": "fork", "process": 100, "child_process": 200},
        {"kind": "exec", "process": 200, "path": "/bin/sh", "arguments": ["sh"]},
        {"kind": "open", "process": 200, "path": "/etc/cron.d/x", "object": "file:2049/12", "fd": 3,
         "flags": "O_WRONLY|O_CREAT"},
        {"kind": "write", "process": 200, "fd": 3, "size_bytes": 4096},
        {"kind": "fork", "process": 100, "child_process": 300},
        {"kind": "open", "process": 300, "path": "/etc/cron.d/x", "object": "file:2049/12", "fd": 4},
        {"kind": "read", "process": 300, "fd": 4, "size_bytes": 4096},
        {"kind": "exit", "process": 200, "exit_code": 0})]


class Xxh128(ctypes.Structure):
    _fields_ = [("low", ctypes.c_uint64), ("high", ctypes.c_uint64)]


def with_digest(file):
    """A file of the index whose digest (docs/formats/causal-index.md) is that of its bytes."""
    digest_of = ctypes.CDLL("libxxhash.so.0").XXH3_128bits
    digest_of.restype, digest_of.argtypes = Xxh128, [ctypes.c_char_p, ctypes.c_size_t]
    digest = digest_of(file[24:], len(file) - 24)
    return file[:8] + struct.pack("<QQ", digest.low, digest.high) + file[24:]


class CausalIndex(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="spoor-index-")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.folder.chmod(0o755)
        self.store = self.folder / "store"
        self.add("web-1")
        self.file_id = json.loads(self.run_spoor(
            "sql", "SELECT object_id FROM object WHERE path = '/etc/cron.d/x'", "--json").stdout)["object_id"]

    def run_spoor(self, command, *words, status=0, user=None, store=None):
        done = subprocess.run([SPOOR, command, "--store", store or self.store, *map(str, words)], capture_output=True,
                              text=True, timeout=PATIENCE_S, check=False, stdin=subprocess.DEVNULL, user=user,
                              group=user, extra_groups=[] if user else None)
        self.assertEqual(done.returncode, status, f"{command} {words}: {done.stdout}{done.stderr}")
        return done

    def add(self, host):
        file = self.folder / f"{host}.ndjson"
        file.write_text("".join(json.dumps(event) + "\n" for event in events(host)))
        self.run_spoor("import", file)

    def track(self, **how):
        return self.run_spoor("track", "--file", self.file_id, "--format", "json", **how)

    def index(self):
        """Name and i-node: a file that was written again has another."""
        return {path.name: path.stat().st_ino for path in (self.store / "index").glob("*")}

    def test_is_made_once_and_says_causes_and_effects(self):
        self.assertFalse((self.store / "index").exists())
        answer = self.track().stdout
        graph = json.loads(answer)
        self.assertEqual({node.get("pid") for node in graph["nodes"]} - {None}, {100, 200, 300})
        made = self.index()
        self.assertEqual(sorted(name.partition("-")[0] for name in made), ["flows", "nodes"])
        again = self.track()
        self.assertEqual((again.stdout, again.stderr), (answer, ""))
        self.assertEqual(self.index(), made)

    def test_a_walk_that_may_take_no_time_gives_what_it_found_and_says_so(self):
        line = 2000
        chain = [{"host": "web-3", "kind": "fork", "process": 1000 + i, "child_process": 1001 + i} for i in range(line)]
        chain.append({"host": "web-3", "kind": "open", "process": 1000 + line, "path": "/srv/last", "object": "file:2049/77", "fd": 3,
                      "flags": "O_WRONLY|O_CREAT"})
        file = self.folder / "chain.ndjson"
        file.write_text("".join(json.dumps(event) + "\n" for event in chain))
        self.run_spoor("import", file)
        ask = ("--file", "/srv/last", "--backward", "--json")
        whole = json.loads(self.run_spoor("track", *ask).stdout)
        self.assertTrue(whole["is_complete"])
        self.assertEqual(len(whole["nodes"]), line + 2)
        cut = self.run_spoor("track", *ask, "--time-max", "1ns", status=4)
        answer = json.loads(cut.stdout)
        self.assertFalse(answer["is_complete"])
        self.assertTrue(1 < len(answer["nodes"]) < line)
        self.assertIn("not all", cut.stderr)
        self.assertLessEqual({node["id"] for node in answer["nodes"]}, {node["id"] for node in whole["nodes"]})

    def test_is_made_for_new_segments_only_and_old_nodes_go(self):
        answer = self.track().stdout
        before = self.index()
        self.add("web-2")
        self.assertEqual(self.track().stdout, answer)
        after = self.index()
        self.assertEqual(sum(name.startswith("flows-") for name in after), 2)
        self.assertEqual(sum(name.startswith("nodes-") for name in after), 1)
        for name in before:
            if name.startswith("flows-"):
                self.assertEqual(after[name], before[name])

    def test_is_gone_after_a_rebuild_and_made_again(self):
        answer = self.track().stdout
        stale = self.store / "index" / ("flows-" + 64 * "0")
        stale.write_bytes(b"x")
        self.assertNotIn("index/", self.run_spoor("rebuild").stderr)
        self.assertEqual(self.index(), {})
        stale.write_bytes(b"x")
        self.assertEqual(self.track().stdout, answer)
        self.assertEqual(len(self.index()), 2)
        self.assertFalse(stale.exists())

    def damages(self, path):
        """Everything that may be wrong with a file, as a function that makes it so."""
        whole = path.read_bytes()

        def bytes_are(data):
            return lambda: path.write_bytes(data)

        yield bytes_are(b"")
        yield bytes_are(whole[:40])
        yield bytes_are(whole[:-1])
        yield bytes_are(whole + b"\0")
        for place in range(0, len(whole), max(1, len(whole) // 40)):
            yield bytes_are(whole[:place] + bytes([whole[place] ^ 0x10]) + whole[place + 1:])

        def replaced(make):
            def replace():
                path.unlink()
                make()
            return replace
        yield replaced(lambda: os.mkfifo(path))
        yield replaced(lambda: path.symlink_to("/etc/passwd"))

    def test_what_is_damaged_is_named_and_made_again(self):
        answer = self.track().stdout
        for name in self.index():
            path = self.store / "index" / name
            whole = path.read_bytes()
            for damage in self.damages(path):
                damage()
                again = self.track()
                self.assertEqual(again.stdout, answer)
                self.assertIn(f"index/{name}", again.stderr)
                self.assertIn("made again", again.stderr)
                self.assertEqual(path.read_bytes(), whole)
                self.assertFalse(path.is_symlink())

    def test_verify_finds_what_was_made_up_with_a_digest_that_fits(self):
        self.add("web-2")
        self.track()
        self.assertIn("index      3 files", self.run_spoor("verify").stdout)
        for path in sorted((self.store / "index").iterdir()):
            whole = path.read_bytes()
            self.assertEqual(with_digest(whole), whole)
            path.write_bytes(with_digest(whole[:-20] + bytes([whole[-20] ^ 1]) + whole[-19:]))
            self.assertIn(f"{path}: is not what the segments give", self.run_spoor("verify", status=3).stderr)
            path.write_bytes(whole)
        self.run_spoor("verify")

    def test_of_another_segment_is_not_believed(self):
        answer = self.track().stdout
        self.add("web-2")
        self.track()
        one, two = (self.store / "index" / name for name in self.index() if name.startswith("flows-"))
        shutil.copyfile(one, two)
        again = self.track()
        self.assertEqual(again.stdout, answer)
        self.assertIn("derived from something else", again.stderr)

    def test_a_folder_in_its_place_does_not_keep_from_answering(self):
        answer = self.track().stdout
        for make in (lambda path: path.write_text("mine"), lambda path: path.symlink_to("/tmp")):
            shutil.rmtree(self.store / "index")
            make(self.store / "index")
            self.assertEqual(self.track().stdout, answer)
            (self.store / "index").unlink()
            self.track()

    @unittest.skipIf(os.geteuid() != 0, "only root has other users")
    def test_of_somebody_elses_store_nothing_is_believed_and_nothing_written(self):
        answer = self.track().stdout
        for path in (self.store / "index").iterdir():
            path.write_bytes(b"not believed, and so not looked at")
        names = self.index()
        for path in (self.store, *self.store.rglob("*")):
            path.chmod(0o755)
        theirs = self.track(user=NOBODY)
        self.assertEqual((theirs.stdout, theirs.stderr), (answer, ""))
        for path in (self.store, *self.store.rglob("*")):
            os.chown(path, NOBODY, NOBODY)
        self.assertEqual(self.track().stdout, answer)
        self.assertEqual(self.index(), names)


if __name__ == "__main__":
    SPOOR = pathlib.Path(sys.argv.pop(1)).resolve()
    suite.main()
