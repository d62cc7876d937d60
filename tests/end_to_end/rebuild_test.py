#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`spoor rebuild`: what it leaves alone, and what questions are answered meanwhile. Ended at any system call, the
store gives the old answers or the new ones, which are the same.

  rebuild_test.py SPOOR [unittest arguments]
"""
import fcntl
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../machine"))
import suite  # noqa: E402
from machine import PATIENCE_S  # noqa: E402

SPOOR = ""
EVENTS = [{"kind": "process", "process": 100, "command": "sshd", "path": "/usr/sbin/sshd"},
          {"kind": "fork", "process": 100, "child_process": 200},
          {"kind": "exec", "process": 200, "path": "/bin/sh", "arguments": ["sh"]},
          {"kind": "open", "process": 200, "path": "/etc/passwd", "object": "file:2049/12", "fd": 3},
          {"kind": "write", "process": 200, "fd": 3, "size_bytes": 4096}]
QUESTION = "SELECT kind, count(*) AS n FROM event GROUP BY ALL ORDER BY ALL"


class Rebuild(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="spoor-rebuild-")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.store = self.folder / "store"
        self.add("web-1")

    def run_spoor(self, *words, status=0, before=()):
        done = subprocess.run([*before, SPOOR, *map(str, words)], capture_output=True, text=True, timeout=PATIENCE_S,
                              check=False, stdin=subprocess.DEVNULL)
        if status is not None:
            self.assertEqual(done.returncode, status, f"{words}: {done.stdout}{done.stderr}")
        return done

    def add(self, host):
        file = self.folder / f"{host}.ndjson"
        file.write_text("".join(json.dumps({**event, "host": host}) + "\n" for event in EVENTS))
        self.run_spoor("import", "--store", self.store, file)

    def rebuild(self, status=0):
        return self.run_spoor("rebuild", "--store", self.store, status=status)

    def answer(self, store=None):
        return self.run_spoor("sql", "--store", store or self.store, "--json", QUESTION).stdout

    def segments(self):
        return sorted(str(path.relative_to(self.store)) for path in (self.store / "segments").rglob("*") if path.is_file())

    def named(self):
        catalog = json.loads((self.store / "catalog.json").read_text())
        return sorted("segments/" + segment["file"] for segment in catalog["segments"])

    def test_a_folder_that_is_no_store_is_refused_and_left_as_it_is(self):
        away = self.folder / "away"
        for name in ("segments/event/photo.jpg", "index/mine", "catalog.json"):
            (away / name).parent.mkdir(parents=True, exist_ok=True)
            (away / name).write_text("mine")
        before = {path: path.read_bytes() for path in away.rglob("*") if path.is_file()}
        self.assertIn("no store there", self.run_spoor("rebuild", "--store", away, status=5).stderr)
        # Neither with a key, nor with the key and a log of nobody.
        (away / "key").mkdir()
        shutil.copy(self.store / "key/log.vkey", away / "key/log.vkey")
        self.run_spoor("rebuild", "--store", away, status=5)
        (away / "evidence").mkdir()
        self.assertNotEqual(self.run_spoor("rebuild", "--store", away, status=None).returncode, 0)
        for path, data in before.items():
            self.assertEqual(path.read_bytes(), data)

    def test_what_spoor_did_not_make_stays_and_is_named(self):
        outside = self.folder / "outside"
        outside.mkdir()
        (outside / "precious").write_text("mine")
        strangers = ("segments/notes.txt", "segments/event/web.parquet", "segments/mine/0123456789ab-g1-0.parquet",
                     "index/graph.bin", "segments/event/0123456789ab-g1-0.parquet.bak")
        for name in strangers:
            (self.store / name).parent.mkdir(parents=True, exist_ok=True)
            (self.store / name).write_text("mine")
        (self.store / "segments/link").symlink_to(outside)
        left = "segments/event/0123456789ab-g1-0.parquet"  # as a run that was killed leaves it
        (self.store / left).write_text("half")
        half = left + ".0123456789abcdef.tmp"
        (self.store / half).write_text("half")
        said = self.rebuild().stderr
        for name in (*strangers, "segments/link"):
            self.assertTrue(os.path.lexists(self.store / name), name)
            self.assertIn(name, said)
        self.assertEqual(said.count("it stays"), len(strangers) + 1, said)
        self.assertEqual((outside / "precious").read_text(), "mine")
        self.assertFalse((self.store / left).exists() or (self.store / half).exists())
        self.assertNotIn(left + ":", said)

    def test_no_link_in_place_of_a_folder_is_followed(self):
        answer = self.answer()
        for name in ("segments", "index"):
            outside = self.folder / f"outside-{name}"
            if (self.store / name).exists():
                (self.store / name).rename(outside)
            else:
                outside.mkdir()
            (outside / "precious").write_text("mine")
            before = sorted(outside.rglob("*"))
            (self.store / name).symlink_to(outside)
            self.assertIn("symbolic link", self.rebuild(status=5).stderr)
            self.assertEqual(sorted(outside.rglob("*")), before)
            (self.store / name).unlink()
            if name == "segments":
                outside.rename(self.store / name)
        self.assertEqual(self.answer(), answer)

    def test_tables_that_are_damaged_or_gone_are_made_again(self):
        answer, rows = self.answer(), self.named()
        for spoil in (lambda: (self.store / "catalog.json").write_text("{"),
                      lambda: (self.store / "catalog.json").unlink(),
                      lambda: (self.store / self.named()[0]).write_text("no table"),
                      lambda: shutil.rmtree(self.store / "segments")):
            spoil()
            self.rebuild()
            self.assertEqual(self.answer(), answer)
            self.assertEqual(len(self.named()), len(rows))
            self.run_spoor("verify", "--store", self.store)
            self.assertLessEqual(set(self.named()), set(self.segments()))

    def test_old_segments_go_with_the_next_ingest(self):
        old = self.named()
        self.rebuild()
        self.assertLessEqual(set(old), set(self.segments()), "a question may have them open")
        self.add("web-2")
        self.assertFalse(set(old) & set(self.segments()))
        self.rebuild()
        self.rebuild()
        self.assertLessEqual(len(self.segments()), 2 * len(self.named()))

    def test_questions_are_answered_meanwhile_from_what_was_there(self):
        answer = self.answer()
        file = self.folder / "more.ndjson"
        file.write_text("".join(json.dumps(event) + "\n" for event in EVENTS))
        # A rebuild that goes on: it has both locks.
        locks = [os.open(self.store / "ingest.lock", os.O_RDWR), os.open(self.store / "segments", os.O_RDONLY)]
        try:
            for lock in locks:
                fcntl.flock(lock, fcntl.LOCK_EX)
            importing = subprocess.Popen([SPOOR, "import", "--store", self.store, "--again", file],
                                         stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
            # It told that the evidence is there, and waits to ingest.
            self.assertIn("bytes of evidence", importing.stderr.readline())
            asked = self.run_spoor("sql", "--store", self.store, "--json", QUESTION, status=None)
            self.assertEqual(asked.stdout, answer)
            self.assertIn("not shown", asked.stderr)
            self.assertIn("rebuild", asked.stderr)
        finally:
            for lock in locks:
                os.close(lock)
        importing.communicate(timeout=PATIENCE_S)
        self.assertEqual(importing.returncode, 0)
        self.assertNotEqual(self.answer(), answer)

    def test_ended_at_any_system_call_it_leaves_the_old_answers_or_the_new_ones(self):
        strace = shutil.which("strace")
        self.assertIsNotNone(strace, "this test needs strace (tools/packages.txt)")
        calls = "unlink,unlinkat,rename,renameat,fsync,fdatasync,flock,mkdir,mkdirat"
        intact = self.folder / "intact"
        shutil.copytree(self.store, intact, copy_function=shutil.copy2)
        answer = self.answer()
        trace = self.folder / "trace"
        self.run_spoor("rebuild", "--store", self.store, before=[strace, "-f", "-o", str(trace), "-e", f"trace={calls}"])
        made = [line[1] for line in re.finditer(r"^\d+\s+(\w+)\(", trace.read_text(), re.MULTILINE)]
        self.assertIn("rename", "".join(made))
        counts = {}
        moments = []
        for name in made:
            counts[name] = counts.get(name, 0) + 1
            moments.append((name, counts[name]))
        step = max(1, len(moments) // 24)  # the last ones are those of the catalog
        for name, number in {*moments[::step], *moments[-8:]}:
            shutil.rmtree(self.store)
            shutil.copytree(intact, self.store, copy_function=shutil.copy2)
            self.run_spoor("rebuild", "--store", self.store, status=None, before=[
                strace, "-f", "-o", "/dev/null", "-e", f"trace={name}", "-e", f"inject={name}:signal=KILL:when={number}"])
            self.assertEqual(self.answer(), answer, f"{name} {number}")
            self.run_spoor("verify", "--store", self.store)
            self.rebuild()
            self.assertEqual(self.answer(), answer, f"after {name} {number}")


if __name__ == "__main__":
    SPOOR = os.path.abspath(sys.argv.pop(1))
    suite.main()
