#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`spoor verify` as a user runs it, and tools/verify.py as a second opinion on every damaged store.

usage: verify_test.py SPOOR MAKE_LOG  (both programs; run by CTest)
"""
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../machine"))
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../tools"))
sys.dont_write_bytecode = True
import machine  # noqa: E402
import suite  # noqa: E402
import verify as independent  # noqa: E402  (tools/verify.py)
from machine import PATIENCE_S  # noqa: E402

SPOOR, MAKE_LOG = "", ""
ENTRIES = 300  # full tiles and incomplete ones, bundles of both kinds, two tile levels


def spoor_verify(store, *arguments):
    return subprocess.run([SPOOR, "verify", "--store", store, *arguments],
                          capture_output=True, text=True, timeout=PATIENCE_S, check=False)


class VerifyTest(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory(prefix="spoor-verify-")
        self.addCleanup(self.folder.cleanup)
        self.store = os.path.join(self.folder.name, "store")

    def make(self, entries=ENTRIES, mode="closed", store=None):
        made = subprocess.run([MAKE_LOG, store or self.store, str(entries), mode], timeout=PATIENCE_S, check=False)
        self.assertEqual(made.returncode, 0 if mode == "closed" else -9)

    def files(self):
        evidence = os.path.join(self.store, "evidence")
        return sorted(os.path.relpath(os.path.join(parent, name), evidence)
                      for parent, _, names in os.walk(evidence) for name in names)

    def path(self, name):
        return os.path.join(self.store, "evidence", name)

    def expect_unverified(self, named, what):
        """Both verifiers refuse, and both name the object."""
        run = spoor_verify(self.store)
        self.assertEqual(run.returncode, 3, f"{what}: {run.stdout}{run.stderr}")
        self.assertIn(named, run.stderr, what)
        self.assertEqual(run.stderr.count("\n"), 1, "one line")
        with self.assertRaises(independent.Unverified, msg=what) as caught:
            independent.verify(self.store)
        self.assertIn(named, str(caught.exception), what)

    def test_both_prove_an_intact_store(self):
        for entries in (2, 256, 257, ENTRIES):
            shutil.rmtree(self.store, ignore_errors=True)
            self.make(entries)
            run = spoor_verify(self.store)
            self.assertEqual(run.returncode, 0, run.stderr)
            log = independent.verify(self.store)
            self.assertEqual(log.size, entries)
            self.assertEqual(log.tail_bytes, 0)
            said = json.loads(spoor_verify(self.store, "--json").stdout)
            self.assertEqual(said["entry_count"], entries)
            self.assertEqual(said["root_sha256"], log.root.hex())
            self.assertEqual([r["closed"] for r in said["recordings"]], [True])
            self.assertIn(log.root.hex(), run.stdout)
            self.assertEqual(spoor_verify(self.store, "-q").stdout, "")

    def test_both_prove_a_killed_writers_store_up_to_its_checkpoint(self):
        self.make(2 * ENTRIES, "killed")
        log = independent.verify(self.store)
        run = spoor_verify(self.store, "--json")
        self.assertEqual(run.returncode, 0, run.stderr)
        said = json.loads(run.stdout)
        self.assertEqual(said["entry_count"], ENTRIES + 1)
        self.assertEqual(said["unauthenticated_bytes"], log.tail_bytes)
        self.assertFalse(said["recordings"][0]["closed"])
        self.assertFalse(said["log_closed"])
        # The next writer sets the tail aside and goes on.
        self.make(5)
        said_again = json.loads(spoor_verify(self.store, "--json").stdout)
        self.assertEqual(said_again["set_aside_bytes"], log.tail_bytes)
        self.assertEqual(said_again["entry_count"], ENTRIES + 1 + 5)
        self.assertEqual(independent.verify(self.store).tail_bytes, 0)

    def test_both_find_flipped_bytes(self):
        self.make()
        for name in self.files():
            with open(self.path(name), "rb") as file:
                data = bytearray(file.read())
            step = max(1, len(data) // 25)
            for at in [*range(0, len(data), step), len(data) - 1]:
                data[at] ^= 1 << at % 8
                with open(self.path(name), "wb") as file:
                    file.write(data)
                # An incomplete tile is named together with the other ones by the second opinion.
                self.expect_unverified(name, f"{name} byte {at}")
                data[at] ^= 1 << at % 8
            with open(self.path(name), "wb") as file:
                file.write(data)
        self.assertEqual(spoor_verify(self.store).returncode, 0)

    def test_second_opinion_finds_every_flipped_byte(self):
        self.make()
        for name in self.files():
            with open(self.path(name), "rb") as file:
                data = bytearray(file.read())
            for at in range(0, len(data), 1 if len(data) < 2000 else 23):
                data[at] ^= 1 << at % 8
                with open(self.path(name), "wb") as file:
                    file.write(data)
                with self.assertRaises(independent.Unverified, msg=f"{name} byte {at}"):
                    independent.verify(self.store)
                data[at] ^= 1 << at % 8
            with open(self.path(name), "wb") as file:
                file.write(data)
        independent.verify(self.store)

    def test_both_find_truncated_grown_and_removed_files(self):
        self.make()
        for name in self.files():
            with open(self.path(name), "rb") as file:
                data = file.read()
            for changed in (data[:0], data[:1], data[:len(data) // 2], data[:-1], data + b"\0", None):
                os.remove(self.path(name))
                if changed is not None:
                    with open(self.path(name), "wb") as file:
                        file.write(changed)
                self.expect_unverified(name, f"{name} as {None if changed is None else len(changed)} bytes")
                with open(self.path(name), "wb") as file:
                    file.write(data)

    def test_both_find_files_that_do_not_belong(self):
        self.make()
        for name in ("notes", "tile/0/001", "tile/entries/000.partial", "tile/0/001.p/43", "tile/2/000",
                     "tile/0/009.partial", "tile/1/000.p/2"):
            os.makedirs(os.path.dirname(self.path(name)), exist_ok=True)
            with open(self.path(name), "wb") as file:
                file.write(b"x")
            self.expect_unverified(name, f"added {name}")
            os.remove(self.path(name))

    def test_both_find_swapped_files_and_foreign_checkpoints(self):
        self.make()
        other = os.path.join(self.folder.name, "other")
        self.make(store=other)
        names = self.files()
        for one, two in zip(names, names[1:]):
            os.rename(self.path(one), self.path("swap"))
            os.rename(self.path(two), self.path(one))
            os.rename(self.path("swap"), self.path(two))
            self.expect_unverified("", f"swapped {one} and {two}")
            os.rename(self.path(one), self.path("swap"))
            os.rename(self.path(two), self.path(one))
            os.rename(self.path("swap"), self.path(two))
        shutil.copy(os.path.join(other, "evidence/checkpoint"), self.path("checkpoint"))
        self.expect_unverified("checkpoint", "another log's checkpoint")

    def test_both_find_a_rolled_back_checkpoint(self):
        self.make(10)
        with open(self.path("checkpoint"), "rb") as file:
            old = file.read()
        self.make(290)
        with open(self.path("checkpoint"), "wb") as file:
            file.write(old)
        self.expect_unverified("", "rolled back to 10 entries")

    @staticmethod
    def traced_paths(line):
        """The paths of a call: a name goes with the folder in front of it, unless it is absolute."""
        return [os.path.join(*found) for found in re.findall(r'(?:(?:AT_FDCWD|\d+)<(.*?)>, |\()"(.*?)"', line)]

    def test_what_a_checkpoint_covers_is_on_disk_before_it(self):
        """No kill can show what a power cut does; the order of the system calls does."""
        if reason := machine.why_it_has_no_strace():
            self.skipTest(reason)
        trace = os.path.join(self.folder.name, "trace")
        calls = "openat,openat2,mkdir,mkdirat,write,fsync,fdatasync,syncfs,rename,renameat,renameat2"
        run = subprocess.run(["strace", "-y", "-s", "0", "-o", trace, "-e", f"trace={calls}", MAKE_LOG,
                              self.store, str(ENTRIES), "closed"], timeout=PATIENCE_S, check=False)
        self.assertEqual(run.returncode, 0)
        evidence = os.path.join(self.store, "evidence")
        dirty, published = set(), []  # files written and folders with new names, not yet synced
        with open(trace, encoding="utf-8") as lines:
            for line in lines:
                if wrote := re.match(r"write\(\d+<(.*?)>", line):
                    dirty.add(wrote[1])
                elif re.match(r"(mkdir|open)\w*\(.* = [0-9]", line):
                    if "mkdir" in line or "O_CREAT" in line:
                        dirty.add(os.path.dirname(self.traced_paths(line)[0]))
                elif synced := re.match(r"f(?:data)?sync\(\d+<(.*?)>", line):
                    dirty.discard(synced[1])
                elif "syncfs(" in line:
                    dirty.clear()
                elif re.match(r"rename\w*\(", line):
                    if self.traced_paths(line)[1] == os.path.join(evidence, "checkpoint"):
                        published.append({path for path in dirty if path.startswith(evidence)})
        # That the folder has the temporary file's name is not promised; the fsync after does that.
        self.assertEqual([unsynced - {evidence} for unsynced in published], [set(), set()])

    def test_a_copy_of_the_key_decides(self):
        self.make(3)
        other = os.path.join(self.folder.name, "other")
        self.make(3, store=other)
        key = os.path.join(self.folder.name, "copy.vkey")
        shutil.copy(os.path.join(self.store, "key/log.vkey"), key)
        self.assertEqual(spoor_verify(self.store, "--key", key).returncode, 0)
        shutil.rmtree(self.store)
        shutil.move(other, self.store)
        self.assertEqual(spoor_verify(self.store).returncode, 0)
        self.assertEqual(spoor_verify(self.store, "--key", key).returncode, 3)

    def spoil_own_key(self):
        """Ways in which a store's own key file can be of no use; the copy is good."""
        path = os.path.join(self.store, "key/log.vkey")
        with open(path, encoding="ascii") as file:
            good = file.read()
        os.remove(path)
        yield "missing"
        for name, text in (("empty", ""), ("damaged", good[:-9] + "AAAAAAA=\n"), ("no key", "believe me\n"),
                           ("binary", "\0" * 64), ("huge", "x" * (1 << 20))):
            with open(path, "w", encoding="ascii") as file:
                file.write(text)
            yield name
        os.remove(path)
        os.mkfifo(path)
        yield "a FIFO"
        os.remove(path)
        os.mkdir(path)
        yield "a folder"
        os.rmdir(path)
        os.symlink("/dev/zero", path)
        yield "a link"
        os.remove(path)

    def test_the_key_given_decides_whatever_became_of_the_stores_own(self):
        self.make(300)
        subprocess.run([SPOOR, "query", "--store", self.store, "coverage"], capture_output=True, check=False, timeout=PATIENCE_S)
        other = os.path.join(self.folder.name, "other")
        self.make(3, store=other)
        key = os.path.join(self.folder.name, "copy.vkey")
        shutil.copy(os.path.join(self.store, "key/log.vkey"), key)
        other_key = os.path.join(other, "key/log.vkey")
        for way in self.spoil_own_key():
            with self.subTest(way):
                run = spoor_verify(self.store, "--key", key)
                self.assertEqual(run.returncode, 0, run.stderr)
                self.assertIn("all as the evidence gives them", run.stdout)
                self.assertEqual(spoor_verify(self.store, "--key", other_key).returncode, 3)
                # Without it nothing is known to be wrong with the evidence: it cannot be judged.
                run = spoor_verify(self.store)
                self.assertEqual(run.returncode, 5, run.stderr)
                self.assertIn("key/log.vkey", run.stderr)
                self.assertIn("cannot be judged by its own key", run.stderr)
        # Another key in its place is that of another log: its signature is not there.
        shutil.copy(other_key, os.path.join(self.store, "key/log.vkey"))
        self.assertEqual(spoor_verify(self.store).returncode, 3)
        self.assertEqual(spoor_verify(self.store, "--key", key).returncode, 0)

    def test_a_key_given_that_is_none_is_a_mistake_of_the_command_line(self):
        self.make(3)
        for text in ("", "believe me\n", "x" * (1 << 20)):
            path = os.path.join(self.folder.name, "given.vkey")
            with open(path, "w", encoding="ascii") as file:
                file.write(text)
            run = spoor_verify(self.store, "--key", path)
            self.assertEqual(run.returncode, 2, run.stderr)
            self.assertIn("given.vkey", run.stderr)
        self.assertEqual(spoor_verify(self.store, "--key", os.path.join(self.folder.name, "none")).returncode, 5)

    def test_the_second_verifier_says_by_its_exit_code_that_it_did_not_look_at_the_tables(self):
        script = os.path.join(os.path.dirname(os.path.abspath(independent.__file__)), "verify.py")

        def run(*words):
            return subprocess.run([sys.executable, "-B", script, self.store, *words], capture_output=True, text=True,
                                  check=False, timeout=PATIENCE_S)

        self.make(300)
        self.assertEqual(run("--skip-segments").returncode, 0, "there are no tables yet")
        subprocess.run([SPOOR, "query", "--store", self.store, "coverage"], capture_output=True, check=False, timeout=PATIENCE_S)
        self.assertEqual(run().returncode, 0, run().stderr)
        skipped = run("--skip-segments")
        self.assertEqual(skipped.returncode, 4)
        self.assertIn("NOT CHECKED", skipped.stdout)

    def test_says_when_there_is_nothing_to_verify(self):
        run = spoor_verify(self.store)
        self.assertEqual(run.returncode, 5)
        self.assertIn("no store there", run.stderr)
        self.make(3)
        shutil.rmtree(os.path.join(self.store, "evidence"))
        self.assertEqual(spoor_verify(self.store).returncode, 3)
        self.make_again_without_key()

    def make_again_without_key(self):
        shutil.rmtree(self.store)
        self.make(3)
        os.remove(os.path.join(self.store, "key/log.vkey"))
        run = spoor_verify(self.store)
        self.assertEqual(run.returncode, 5)
        self.assertIn("--key", run.stderr)
        self.assertEqual(subprocess.run([SPOOR, "verify", "--nonsense"], capture_output=True,
                                        check=False).returncode, 2)


if __name__ == "__main__":
    SPOOR, MAKE_LOG = sys.argv[1:3]
    del sys.argv[1:3]  # the rest is unittest's
    suite.main()
