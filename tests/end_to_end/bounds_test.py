#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Cheap work and numbers at the ends of their range must not make evidence unanswerable: stores made of
event text, whose questions are counted in rows, files and memory, never in seconds.

  bounds_test.py SPOOR
"""
import json
import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest

from spoor_program import PROGRAM, Spoor
import suite

HANG_SECONDS = 500  # ends a hang; nothing here comes near it
LAST = 2**63 - 1
DAY_NS = 86_400_000_000_000
NOW_NS = 1_795_293_095_000_000_000
BREAK_IN = [
    {"kind": "process", "process": "100@5", "command": "daemon", "path": "/usr/sbin/daemon",
     "arguments": ["daemon"], "uid": 33, "boot_ns": 1000, "wall_ns": NOW_NS},
    {"kind": "accept", "process": 100, "fd": 8, "object": "socket:61", "other_fd": 6, "other_object": "socket:60",
     "socket": {"family": "inet", "type": "stream", "local_ip": "192.0.2.10", "local_port": 80,
                "remote_ip": "198.51.100.23", "remote_port": 50001}, "boot_ns": 2000},
    {"kind": "recv", "process": 100, "fd": 8, "payload": "GET /", "size_bytes": 5, "boot_ns": 3000},
    {"kind": "fork", "process": 100, "child_process": 200, "boot_ns": 4000},
    {"kind": "exec", "process": 200, "path": "/bin/sh", "object": "file:11", "arguments": ["sh"], "boot_ns": 5000},
    {"kind": "open", "process": 200, "path": "/dev/pts/0", "object": "pty:5", "fd": 0, "boot_ns": 6000},
    {"kind": "read", "process": 200, "fd": 0, "payload": "id\r", "size_bytes": 3, "boot_ns": 7000},
    {"kind": "open", "process": 200, "path": "/etc/passwd", "object": "file:12", "fd": 3, "flags": "O_RDWR",
     "boot_ns": 8000},
    {"kind": "write", "process": 200, "fd": 3, "size_bytes": 100, "boot_ns": 9000},
    {"kind": "credential_change", "process": 200, "syscall": "setuid", "credentials": {"uid": 0}, "boot_ns": 10000},
    {"kind": "loss", "boot_ns": 11000, "loss": {"loss_class": "io", "count": 3, "from_boot_ns": 1500,
                                                "reason": "ring buffer full"}},
]
# One event for each number at each of its ends: all are of this one session, so that they are in every answer.
EXTREMES = [
    *({"boot_ns": boot_ns} for boot_ns in (0, 2**62, LAST)),
    *({"boot_ns": boot_ns, "wall_ns": wall_ns} for boot_ns in (12000, LAST)
      for wall_ns in (-2**63, -2**63 + DAY_NS, -1, 0, LAST - DAY_NS, LAST)),
    *({"boot_ns": 13000, "begin_boot_ns": begin} for begin in (1, LAST)),
    *({"boot_ns": 14000, "size_bytes": size} for size in (0, 2**62, LAST)),
    *({"boot_ns": 15000, "offset_bytes": offset} for offset in (-2**63, LAST)),
    *({"boot_ns": 16000, "result": result} for result in (-2**63, LAST)),
    *({"boot_ns": 17000, name: 2**64 - 1} for name in ("flags", "value")),
    *({"boot_ns": 18000, name: 2**31 - 1} for name in ("fd",)),
    *({"boot_ns": 18500, name: 2**32 - 1} for name in ("tid", "uid", "euid", "mode")),
    {"kind": "open", "path": "/big", "boot_ns": 19000, "fd": 9,
     "object": {"type": "file", "device": 2**32 - 1, "inode": 2**64 - 1, "generation": 2**32 - 1,
                "instance": 2**64 - 1}},
    {"kind": "close", "fd": 10, "other_fd": 2**31 - 1, "boot_ns": 20000},
    {"kind": "truncate", "path": "/etc/passwd", "value": 2**64 - 1, "boot_ns": 21000},
    {"kind": "chown", "path": "/etc/passwd", "value": 2**64 - 1, "boot_ns": 21500},
    {"kind": "exit", "process": f"300@{LAST}", "exit_code": 2**32 - 1, "boot_ns": 22000},
    {"kind": "fork", "child_process": f"301@{LAST}", "boot_ns": 22500},
    {"kind": "fork", "child_process": "302", "boot_ns": LAST},
    {"kind": "exec", "process": "302", "path": "/bin/true", "boot_ns": LAST, "wall_ns": LAST},
    *({"kind": "loss", "boot_ns": boot_ns,
       "loss": {"loss_class": "process", "count": 2**64 - 1, "from_boot_ns": from_boot_ns, "reason": "huge"}}
      for boot_ns in (23000, LAST) for from_boot_ns in (0, LAST)),
]


def extreme_events():
    for extreme in EXTREMES:
        event = {"kind": "write", "process": 200, "path": "/etc/passwd", "fd": 3, **extreme}
        if event["kind"] == "loss":
            del event["process"], event["path"], event["fd"]
        if "fd" in extreme and event["kind"] == "write":
            event["object"] = "file:12"
        yield event


class Bounds(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="spoor-bounds-"))
        self.addCleanup(shutil.rmtree, self.folder)

    def imported(self, name, events):
        """A store of these events."""
        text = self.folder / f"{name}.jsonl"
        with open(text, "w", encoding="utf-8") as file:
            file.writelines(json.dumps(event) + "\n" for event in events)
        store = self.folder / name
        self.run_spoor("import", "--store", store, "--kind", "events", "--host", "web", text, exit_codes=(0,))
        # The first question ingests.
        child = os.posix_spawn(PROGRAM, [str(PROGRAM), "status", "--store", str(store)], os.environ,
                               file_actions=[(os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)])
        _, status, used = os.wait4(child, 0)
        self.assertEqual(os.waitstatus_to_exitcode(status), 0)
        self.ingest_peak_bytes = used.ru_maxrss << 10
        return Spoor(store)

    def run_spoor(self, *words, exit_codes=None):
        done = subprocess.run([PROGRAM, *map(str, words)], stdin=subprocess.DEVNULL, capture_output=True, check=False,
                              timeout=HANG_SECONDS)
        if exit_codes is not None:
            self.assertIn(done.returncode, exit_codes, f"{words}: {done.stderr.decode(errors='replace')}")
        return done

    def questions(self, store):
        """Every way to ask: words behind the store."""
        session = store.sql("SELECT session_id FROM sessions")[0]["session_id"]
        values = {"process": session, "session": session, "path": "/etc/passwd", "fds": "0,3", "start": "2026-01-01",
                  "end": "2027-01-01", "time": "2026-11-21T20:31:35.00001Z", "at": "2026-11-21T20:31:35.00001Z",
                  "address": "203.0.113.66", "source": "203.0.113.66", "not_source": "203.0.113.66",
                  "destination": "203.0.113.66", "not_destination": "203.0.113.66", "port": 80, "not_port": 80,
                  "transport": "tcp", "observer": "sensor", "by": "source_ip", "alert": 1, "keys": 1,
                  "flow": store.sql("SELECT coalesce(min(flow_id), 1) AS flow_id FROM flow")[0]["flow_id"]}
        for line in self.run_spoor("query", "--list", "--json").stdout.splitlines():
            query = json.loads(line)
            needed = [f"{p['name']}={values[p['name']]}" for p in query["parameters"] if not p["optional"]]
            yield ["query", query["name"], *needed]
            for parameter in query["parameters"]:
                if parameter["optional"]:
                    yield ["query", query["name"], *needed, f"{parameter['name']}={values[parameter['name']]}"]
        for direction in ("--backward", "--forward", "--both"):
            for form in ("tree", "dot", "json"):
                yield ["track", "--process", session, direction, "--format", form]
        yield ["track", "--file", "/etc/passwd"]
        yield ["status"]
        yield ["status", "--json"]
        yield ["report", "--session", session, "--out", "-"]
        yield ["replay", session, "--text"]
        yield ["replay", session, "--raw"]
        yield ["verify"]


class NumbersAtTheEndsOfTheirRange(Bounds):
    def test_every_question_is_answered_as_without_them(self):
        plain = self.imported("plain", BREAK_IN)
        store = self.imported("extreme", [*BREAK_IN, *extreme_events()])
        for (words, plain_words) in zip(self.questions(store), self.questions(plain)):
            with self.subTest(words):
                expected = self.run_spoor(plain_words[0], "--store", plain.store, *plain_words[1:])
                done = self.run_spoor(words[0], "--store", store.store, *words[1:])
                self.assertEqual(done.returncode, expected.returncode, done.stderr.decode(errors="replace"))
        bundle = self.folder / "bundle"
        self.run_spoor("prove", "--store", store.store, "--out", bundle, "commands", exit_codes=(4,))

    def test_none_is_dropped_and_those_that_cannot_be_are_counted(self):
        events = list(extreme_events())
        store = self.imported("extreme", [*BREAK_IN, *events])
        lines = sum(event["kind"] != "loss" for event in [*BREAK_IN, *events])
        self.assertEqual(store.sql("SELECT sum(count)::BIGINT AS n FROM event")[0]["n"], lines)
        counted = store.sql("SELECT loss_class, count FROM gap WHERE loss_class = 'malformed'")
        self.assertEqual(len(counted), 1)
        self.assertGreater(counted[0]["count"], 10)
        # Ordinary ones keep their times beside them.
        self.assertEqual(store.sql("SELECT count(*) AS n FROM event WHERE wall_ns = boot_ns + "
                                   f"{NOW_NS - 1000} AND boot_ns <= 10000")[0]["n"], len(BREAK_IN) - 1)


def process(number, parent=None, **more):
    return {"kind": "fork", "process": parent, "child_process": number, **more}


class LongAndWideTrees(Bounds):
    LINKS = 11_000

    def test_an_intruder_stays_in_the_session_however_often_it_forks(self):
        last = 1000 + self.LINKS
        events = [*BREAK_IN[:4], *({"kind": "exec", "process": 200, "path": "/bin/sh", "arguments": ["sh"]},),
                  process(1001, 200), *(process(1000 + n, 999 + n) for n in range(2, self.LINKS + 1)),
                  {"kind": "exec", "process": last, "path": "/tmp/x", "arguments": ["x"]},
                  {"kind": "open", "process": last, "path": "/etc/shadow", "fd": 3, "flags": "O_WRONLY"},
                  {"kind": "write", "process": last, "fd": 3, "size_bytes": 7}]
        store = self.imported("chain", events)
        session = store.query("sessions")
        self.assertEqual([row["processes"] for row in session], [self.LINKS + 1])
        self.assertEqual(session[0]["entry_source_ip"], "198.51.100.23")
        children = store.query("children", process=session[0]["session_id"])
        self.assertEqual((len(children), max(row["depth"] for row in children)), (self.LINKS, self.LINKS))
        self.assertEqual(len(store.query("parents", process=last)), self.LINKS + 1)
        text = self.run_spoor("report", "--store", store.store, "--out", "-", exit_codes=(0,)).stdout.decode()
        self.assertIn("/etc/shadow", text)

    def test_processes_that_created_each_other_are_each_named_once(self):
        ring = [process(11 + (n + 1) % 3, 11 + n, boot_ns=0) for n in range(3)]
        store = self.imported("ring", [*BREAK_IN, *ring, *(process(100 + n, 11, boot_ns=20000 + n) for n in range(2000))])
        below = [row["pid"] for row in store.rows("query", "children", "process=11@0", exit_codes=(4,))]
        self.assertEqual(sorted(below), [12, 13, *range(100, 2100)])
        above = [row["pid"] for row in store.rows("query", "parents", "process=11@0", exit_codes=(4,))]
        self.assertEqual(sorted(above), [12, 13])
        store.run("query", "sessions", exit_codes=(4,))


class CheapWork(Bounds):
    def test_a_rename_of_a_folder_is_one_row_whatever_lies_below(self):
        files, renames = 5000, 1500
        events = [{"kind": "mkdir", "process": 7, "path": "/d0", "object": "directory:1"},
                  *({"kind": "open", "process": 7, "path": f"/d0/f{n}", "object": f"file:{n + 10}", "fd": 3}
                    for n in range(files)),
                  *({"kind": "rename", "process": 7, "path": f"/d{n}", "other_path": f"/d{n + 1}",
                     "object": "directory:1"} for n in range(renames)),
                  {"kind": "open", "process": 7, "path": f"/d{renames}/f1", "object": "file:11", "fd": 4}]
        store = self.imported("renames", events)
        rows = store.sql("SELECT count(*) AS n FROM segment.object_name")[0]["n"]
        self.assertLess(rows, 16 * len(events))
        # The folder's own names are all there, and a file is known again from its next use.
        self.assertEqual(store.sql("SELECT count(*) AS n FROM object_name WHERE path GLOB '/d*' "
                                   "AND NOT path GLOB '/d*/*'")[0]["n"], renames + 1)
        self.assertEqual(len(store.sql(f"SELECT 1 AS x FROM object_name WHERE path = '/d{renames}/f1'")), 1)
        # That names were left out is said, and nothing found there is no "no".
        self.assertGreater(store.sql("SELECT count FROM gap WHERE loss_class = 'name'")[0]["count"], 1000)
        store.run("query", "writers", f"path=/d{renames}/f2", exit_codes=(4,))
        # Names that nobody used are derived when they are asked for.
        for folder in ("d0", "d700", f"d{renames}"):
            store.run("track", "--file", f"/{folder}/f3", exit_codes=(4,))
        store.run("track", "--file", f"/d{renames}/f{files}", exit_codes=(1,))

    def test_a_fork_inherits_descriptors_without_copying_them(self):
        descriptors, forks = 5000, 1000
        events = [*({"kind": "open", "process": 7, "path": f"/f{n}", "object": f"file:{n}", "fd": n}
                    for n in range(descriptors)),
                  *(process(1000 + n, 7) for n in range(forks)),
                  *({"kind": "write", "process": 1000 + n, "fd": n, "size_bytes": 1} for n in range(forks))]
        store = self.imported("forks", events)
        self.assertLess(self.ingest_peak_bytes, 1500 << 20)
        self.assertEqual(store.sql("SELECT count(*) AS n FROM event WHERE kind = 'write' AND object_id IS NULL")[0]["n"], 0)
        written = store.query("did_process_write", process=1999, path="/f999")
        self.assertEqual([(row["fd"], row["size_bytes"]) for row in written], [(999, 1)])

    def test_ten_years_of_a_daily_event_make_few_files(self):
        days = 3650
        store = self.imported("years", [{"kind": "exec", "process": 7, "path": "/bin/true",
                                         "wall_ns": NOW_NS - (days - n) * DAY_NS} for n in range(days)])
        self.assertEqual(store.sql("SELECT count(*) AS n FROM event")[0]["n"], days)
        self.assertLess(sum(1 for _ in (store.store / "segments").rglob("*.parquet")), 300)


if __name__ == "__main__":
    suite.main()
