#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Segments against the evidence they claim to come from: whoever edits a segment edits the catalog
too, so that the two agree; `spoor verify` derives the rows again and names the first that differs.

usage: segments_test.py SPOOR LIBDUCKDB  (run by CTest)
"""
import ctypes
import hashlib
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../machine"))
import suite  # noqa: E402
from machine import PATIENCE_S  # noqa: E402

SPOOR, DUCKDB = "", ""
EVENTS = """{"kind":"process","process":"100@5","time":"2026-11-21T20:31:35Z"}
{"kind":"fork","process":"100@5","child_process":"200"}
{"kind":"exec","process":"200","path":"/bin/sh","object":"file:2049/11","arguments":["sh","-c","id"],"credentials":{"uid":33,"gid":33}}
{"kind":"open","process":"200","path":"/etc/passwd","object":"file:2049/12","fd":3,"flags":"O_RDONLY"}
{"kind":"read","process":"200","fd":3,"size_bytes":4096}
{"kind":"exit","process":"200","exit_code":0}
"""


def spoor(*words):
    return subprocess.run([SPOOR, *map(str, words)], capture_output=True, text=True, timeout=PATIENCE_S, check=False)


def duckdb(sql):
    """Runs statements in a DuckDB of the attacker's own."""
    library = ctypes.CDLL(DUCKDB)
    database, connection = ctypes.c_void_p(), ctypes.c_void_p()
    assert library.duckdb_open(None, ctypes.byref(database)) == 0
    assert library.duckdb_connect(database, ctypes.byref(connection)) == 0
    failed = library.duckdb_query(connection, sql.encode(), None)
    library.duckdb_disconnect(ctypes.byref(connection))
    library.duckdb_close(ctypes.byref(database))
    assert failed == 0, sql


class SegmentsTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="spoor-segments-")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.store = self.folder / "store"
        for name in ("one", "two"):
            events = self.folder / f"{name}.jsonl"
            events.write_text(EVENTS.replace("/etc/passwd", f"/etc/{name}"))
            done = spoor("import", "--store", self.store, "--host", name, events)
            self.assertEqual(done.returncode, 0, done.stderr)
        done = spoor("query", "--store", self.store, "active_processes")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.proved()

    def verify(self, *words):
        return spoor("verify", "--store", self.store, *words)

    def proved(self):
        done = self.verify()
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("all as the evidence gives them", done.stdout)
        return done

    def refused(self, *named):
        done = self.verify()
        self.assertEqual(done.returncode, 3, done.stdout + done.stderr)
        for name in named:
            self.assertIn(str(name), done.stderr)
        self.assertEqual(done.stderr.count("\n"), 1, "one line")
        # Whoever does not ask is told so.
        skipped = self.verify("--skip-segments")
        self.assertEqual(skipped.returncode, 0, skipped.stderr)
        self.assertIn("not checked", skipped.stdout)
        self.assertEqual(json.loads(self.verify("--skip-segments", "--json").stdout)["segments"],
                         {"checked": False})

    def catalog(self, change):
        """Changes the catalog, and makes it agree with every file it names."""
        path = self.store / "catalog.json"
        catalog = json.loads(path.read_text())
        change(catalog)
        for segment in catalog["segments"]:
            file = self.store / "segments" / segment["file"]
            data = file.read_bytes()
            segment.update(size_bytes=len(data), sha256=hashlib.sha256(data).hexdigest(),
                           mtime_ns=file.stat().st_mtime_ns)
        path.write_text(json.dumps(catalog))

    def segment(self, table):
        catalog = json.loads((self.store / "catalog.json").read_text())
        return self.store / "segments" / next(s["file"] for s in catalog["segments"] if s["table"] == table)

    def rewrite(self, table, select):
        """Replaces the first segment of `table` by `select` from it, catalog and all."""
        file = self.segment(table)
        duckdb(f"COPY (SELECT {select}) TO '{file}.new' (FORMAT parquet)".replace(
            "$", f"read_parquet('{file}')"))
        os.replace(f"{file}.new", file)
        self.catalog(lambda catalog: None)
        return file

    def test_a_changed_value_is_found_though_the_catalog_agrees(self):
        before = spoor("sql", "--store", self.store, "SELECT count(*) FROM event WHERE uid = 4711 LIMIT 1")
        self.assertEqual(before.returncode, 0, before.stderr)
        file = self.rewrite("event", "* REPLACE (CASE kind WHEN 'exec' THEN 4711 ELSE uid END AS uid) FROM $")
        # The lie is what an analyst is told …
        after = spoor("sql", "--store", self.store, "SELECT uid FROM event WHERE uid = 4711 LIMIT 1")
        self.assertIn("4711", after.stdout)
        # … and verify names file and row.
        self.refused(file, "4711", "where the evidence gives")
        self.assertEqual(spoor("rebuild", "--store", self.store).returncode, 0)
        self.proved()

    def test_every_table_is_looked_at(self):
        catalog = json.loads((self.store / "catalog.json").read_text())
        for table in sorted({segment["table"] for segment in catalog["segments"]}):
            file = self.rewrite(table, "* FROM $ OFFSET 1")
            self.refused(file, "lacks a row")
            self.assertEqual(spoor("rebuild", "--store", self.store).returncode, 0)

    def test_a_row_too_many_is_found(self):
        file = self.rewrite("process", "* FROM $ UNION ALL (FROM $ LIMIT 1)")
        self.refused(file, "a row that the evidence does not give")

    def test_columns_that_changed_names_are_found(self):
        file = self.rewrite("event", "* REPLACE (euid AS uid, uid + 1 AS euid) FROM $")
        self.refused(file)

    def test_another_file_format_of_the_same_rows_is_accepted_and_said(self):
        self.rewrite("event", "* FROM $")
        segments = json.loads(self.verify("--json").stdout)["segments"]
        self.assertEqual(segments["same_bytes_count"], segments["segment_count"] - 1)
        self.proved()

    def test_a_segment_that_the_catalog_leaves_out_is_found(self):
        self.catalog(lambda catalog: catalog["segments"].remove(
            next(s for s in catalog["segments"] if s["table"] == "exec")))
        self.refused("catalog.json", "table exec")

    def test_a_recording_that_the_catalog_leaves_out_is_found(self):
        def forget(catalog):
            gone = catalog["recordings"].pop()["recording_id"]
            catalog["segments"] = [s for s in catalog["segments"] if s["recording_id"] != gone]
        self.catalog(forget)
        self.refused("catalog.json", "leaves out recording")

    def test_a_recording_that_the_catalog_makes_up_is_found(self):
        self.catalog(lambda catalog: catalog["recordings"].append(
            dict(catalog["recordings"][0], recording_id="ab" * 16)))
        self.refused("catalog.json")

    def test_a_recording_that_the_catalog_cuts_short_is_found(self):
        def shorten(catalog):
            catalog["recordings"][0]["last_entry"] -= 1
        self.catalog(shorten)
        self.refused("catalog.json")

    def test_a_segment_that_the_catalog_makes_up_is_found(self):
        def add(catalog):
            segment = dict(next(s for s in catalog["segments"] if s["table"] == "exec"), first_entry=1)
            copy = segment["file"].rsplit("-", 1)[0] + "-9999.parquet"
            shutil.copy2(self.store / "segments" / segment["file"], self.store / "segments" / copy)
            catalog["segments"].append(dict(segment, file=copy))
        self.catalog(add)
        self.refused("no such rows")

    def test_what_is_not_ingested_yet_is_said(self):
        events = self.folder / "three.jsonl"
        events.write_text(EVENTS)
        catalog = (self.store / "catalog.json").read_bytes()
        self.assertEqual(spoor("import", "--store", self.store, "--host", "three", events).returncode, 0)
        (self.store / "catalog.json").write_bytes(catalog)
        self.assertIn("are not ingested yet", self.proved().stdout)

    def test_an_import_cut_by_retention_says_so_once(self):
        events = self.folder / "long.jsonl"
        line = '{"kind":"fork","process":"100@5","child_process":"%d","boot_ns":%d}\n'
        events.write_text("".join(line % (200 + i % 30000, 10_000 + i) for i in range(600_000)))
        self.assertEqual(spoor("import", "--store", self.store, "--host", "long", events).returncode, 0)
        done = spoor("retain", "--store", self.store, "--keep-bytes", "1000")
        self.assertIn("removed entries 0 to", done.stdout, done.stderr)
        self.proved()
        # Beside the row of the log as a whole, which belongs to no recording.
        gaps = spoor("sql", "--store", self.store, "--json",
                     "SELECT loss_class, host_id, from_boot_ns FROM gap WHERE recording_id <> repeat('0', 32)").stdout
        # Of which host and time the lines were that are gone is not known.
        self.assertEqual([json.loads(line) for line in gaps.splitlines()],
                         [{"loss_class": "retention", "host_id": None, "from_boot_ns": 0}])

    def test_nothing_is_left_where_it_was_derived(self):
        scratch = self.folder / "scratch"
        scratch.mkdir()
        done = subprocess.run([SPOOR, "verify", "--store", self.store], env=dict(os.environ, TMPDIR=str(scratch)),
                              capture_output=True, check=False, timeout=PATIENCE_S)
        self.assertEqual(done.returncode, 0)
        self.assertEqual(list(scratch.iterdir()), [])
        done = subprocess.run([SPOOR, "verify", "--store", self.store], env=dict(os.environ, TMPDIR="/nowhere"),
                              capture_output=True, check=False, timeout=PATIENCE_S, text=True)
        self.assertEqual(done.returncode, 5)
        self.assertIn("/nowhere", done.stderr)


if __name__ == "__main__":
    SPOOR, DUCKDB = sys.argv[1:3]
    del sys.argv[1:3]  # the rest is unittest's
    suite.main()
