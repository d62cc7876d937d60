#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`spoor retain`: what a policy removes leaves its proof; ended at any system call, the store verifies
and the next run completes the removal; what is missing without such an entry is still named.

usage: retention_test.py SPOOR MAKE_LOG  (run by CTest)
"""
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../machine"))
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../tools"))
sys.dont_write_bytecode = True
import machine  # noqa: E402
import suite  # noqa: E402
import verify as independent  # noqa: E402  (tools/verify.py)
from machine import PATIENCE_S  # noqa: E402

SPOOR, MAKE_LOG = "", ""


def spoor(*words, status=0, before=()):
    done = subprocess.run([*before, SPOOR, *map(str, words)], capture_output=True, text=True, timeout=PATIENCE_S, check=False)
    if status is not None and done.returncode != status:
        raise AssertionError(f"spoor {words}: {done.returncode}\n{done.stdout}{done.stderr}")
    return done


class RetentionTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="spoor-retention-")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.store = self.folder / "store"

    def make(self, *counts):
        for count in counts:
            made = subprocess.run([MAKE_LOG, self.store, str(count), "closed"], timeout=PATIENCE_S, check=False)
            self.assertEqual(made.returncode, 0)

    def bundles(self):
        """Numbers of the whole bundles that are there."""
        entries = self.store / "evidence/tile/entries"
        return sorted(int(re.sub(r"\D", "", str(path.relative_to(entries))))
                      for path in entries.rglob("*") if re.fullmatch(r"(x\d{3}/)*\d{3}", str(path.relative_to(entries))) and path.is_file())

    def proved(self, size=None):
        """Both verifiers agree; returns what spoor says."""
        said = json.loads(spoor("verify", "--store", self.store, "--json").stdout)
        log = independent.verify(str(self.store))
        self.assertEqual((said["entry_count"], said["root_sha256"]), (log.size, log.root.hex()))
        self.assertEqual(said["removals"], log.removed)
        if size is not None:
            self.assertEqual(log.size, size)
        return said

    def refused(self, named):
        self.assertIn(named, spoor("verify", "--store", self.store, status=3).stderr)
        with self.assertRaises(independent.Unverified) as caught:
            independent.verify(str(self.store))
        self.assertIn(named, str(caught.exception))

    def retain(self, *words, status=0):
        return spoor("retain", "--store", self.store, *words, status=status)

    def test_what_is_old_goes_and_its_proof_stays(self):
        self.make(300, 300)
        root_before = json.loads(spoor("verify", "--store", self.store, "--json").stdout)
        tiles_before = {path: path.read_bytes() for path in (self.store / "evidence/tile/0").glob("00?")}
        time.sleep(1.1)  # the policy below is about age
        self.make(100)
        planned = json.loads(self.retain("--keep", "1s", "--dry-run", "--json").stdout)
        self.assertEqual((planned["remove_until_entry"], planned["removed_bytes"]), (512, 0))
        self.assertEqual(self.bundles(), [0, 1])
        self.proved(700)
        self.assertIn("removed entries 0 to 511", self.retain("--keep", "1s").stdout)
        self.assertEqual(self.bundles(), [])
        said = self.proved(702)  # one entry carries over, one states it
        removal, = said["removals"]
        self.assertEqual((removal["from_entry"], removal["until_entry"], removal["policy"]), (0, 512, "keep 1s"))
        self.assertEqual(removal["bundle_bytes"], planned["bundle_bytes"])
        self.assertIn("root", removal["by"])
        for path, data in tiles_before.items():
            self.assertEqual(path.read_bytes(), data)
        # The tree that an old checkpoint signed is still the first part of this one.
        leaves = [data[i:i + 32] for path in sorted((self.store / "evidence/tile/0").rglob("*")) if path.is_file()
                  for data in [path.read_bytes()] for i in range(0, len(data), 32)]
        self.assertEqual(independent.root_of_any(leaves[:root_before["entry_count"]]).hex(), root_before["root_sha256"])
        text = spoor("verify", "--store", self.store).stdout
        self.assertIn("entries 0 to 511 by policy", text)
        self.assertIn("keep 1s", text)
        # The cut goes through the second recording: what is left of it is followed from there.
        self.assertEqual([r["batch_count"] for r in said["recordings"]], [300, 100])
        self.make(50)
        self.proved(752)
        spoor("rebuild", "--store", self.store)
        self.proved(752)

    def test_again_and_again(self):
        for round_number in range(1, 5):
            self.make(400)
            self.retain("--keep-bytes", "30K")
            said = self.proved()
            self.assertLess(said["entry_bytes"], 30 << 10)
            ends = [removal["until_entry"] for removal in said["removals"]]
            self.assertEqual(ends, sorted(set(ends)))
            self.assertEqual([removal["from_entry"] for removal in said["removals"]], [0, *ends[:-1]])
        self.assertGreater(len(said["removals"]), 2)
        self.assertIn("nothing to remove", self.retain("--keep-bytes", "30K").stdout)

    def test_ended_at_any_system_call_it_verifies_and_the_next_run_completes_it(self):
        if reason := machine.why_it_has_no_strace():
            self.skipTest(reason)
        self.make(700, 300)
        calls = "unlink,unlinkat,rename,renameat,renameat2,fsync,fdatasync,write,rmdir,mkdir,mkdirat"
        intact = self.folder / "intact"
        shutil.copytree(self.store, intact)
        trace = self.folder / "trace"
        spoor("retain", "--store", self.store, "--keep-bytes", "1K",
              before=("strace", "-f", "-o", trace, "-e", f"trace={calls}"))
        # From the first byte of the log that is written to the last bundle that is removed.
        lines = [line for line in trace.read_text().splitlines() if re.match(r"\d+ +(" + calls.replace(",", "|") + r")\(", line)]
        names = [re.match(r"\d+ +(\w+)\(", line)[1] for line in lines]
        first = next(i for i, line in enumerate(lines) if "SPOORBAT" in line)
        last = max(i for i, line in enumerate(lines) if re.search(r'unlink(at)?\(.*"(.*/)?\d{3}"(, 0)?\) += 0', line))
        states = set()
        counts = {}
        for i, name in enumerate(names[:last + 2]):
            counts[name] = counts.get(name, 0) + 1
            if i < first:
                continue
            shutil.rmtree(self.store)
            shutil.copytree(intact, self.store)
            killed = spoor("retain", "--store", self.store, "--keep-bytes", "1K", status=None,
                           before=("strace", "-f", "-o", "/dev/null", "-e",
                                   f"inject={name}:signal=KILL:when={counts[name]}"))
            self.assertNotEqual(killed.returncode, 0, name)
            said = json.loads(spoor("verify", "--store", self.store, "--json").stdout)
            log = independent.verify(str(self.store))
            self.assertEqual(said["root_sha256"], log.root.hex())
            states.add((log.size > 1000, len(self.bundles())))
            self.retain("--keep-bytes", "1K")
            self.assertEqual(self.bundles(), [], f"after {name} {counts[name]}")
            self.assertEqual(self.proved()["removals"][-1]["until_entry"], 768)
        # Before the entry, with it and all bundles, and with every number of them left.
        self.assertLessEqual({(False, 3), (True, 3), (True, 2), (True, 1), (True, 0)}, states)

    def test_what_is_missing_without_such_an_entry_is_named(self):
        self.make(300, 300)
        os.remove(self.store / "evidence/tile/entries/000")
        self.refused("tile/entries/000")
        os.remove(self.store / "evidence/tile/entries/001")
        self.refused("tile/entries/000")

    def test_more_missing_than_the_entry_says_is_named(self):
        self.make(300)
        self.retain("--keep-bytes", "1K")
        self.make(500)
        self.proved()
        os.remove(self.store / "evidence/tile/entries/002")
        self.refused("tile/entries/002")

    def test_a_changed_hash_of_what_is_gone_is_found(self):
        self.make(300, 300)
        self.retain("--keep-bytes", "1K")
        tile = self.store / "evidence/tile/0/000"
        data = bytearray(tile.read_bytes())
        data[77] ^= 1
        tile.write_bytes(data)
        self.refused("tile/0/000")

    def test_what_an_interrupted_removal_left_is_checked_too(self):
        self.make(300, 300)
        left = (self.store / "evidence/tile/entries/001").read_bytes()
        self.retain("--keep-bytes", "1K")
        bundle = self.store / "evidence/tile/entries/001"
        bundle.write_bytes(left)
        self.proved()
        bundle.write_bytes(left[:500] + b"?" + left[501:])
        self.refused("tile/entries/001")

    def test_that_nothing_is_to_be_kept_must_be_said_twice(self):
        self.make(300)
        for words in (("--keep", "0"), ("--keep", "0s"), ("--keep-bytes", "0"), ("--keep", "30d", "--keep-bytes", "0K")):
            self.assertIn("--remove-everything", self.retain(*words, status=2).stderr)
        self.assertEqual(self.bundles(), [0])
        self.retain("--keep", "0", "--dry-run")
        self.assertEqual(self.bundles(), [0])
        self.retain("--keep", "0", "--remove-everything")
        self.assertEqual(self.bundles(), [])
        self.proved(302)

    def test_a_policy_must_be_said_and_understood(self):
        self.make(3)
        self.assertIn("--keep", self.retain(status=2).stderr)
        self.retain("--keep", "soon", status=2)
        self.retain("--keep-bytes", "1X", status=2)
        self.assertIn("nothing to remove", self.retain("--keep", "1d").stdout)
        self.assertIn("no store there", spoor("retain", "--store", self.folder / "none", "--keep", "1d", status=5).stderr)
        self.proved(3)


if __name__ == "__main__":
    SPOOR, MAKE_LOG = sys.argv[1:3]
    del sys.argv[1:3]  # the rest is unittest's
    suite.main()
