#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The tables as tools/verify.py looks at them: it counts from the records what `spoor` made of them, whatever they
are, and finds tables that were hidden, moved or counted otherwise; a broken Parquet file is one clear error.

usage: tables_test.py SPOOR  (run by CTest)
"""
import json
import pathlib
import random
import struct
import subprocess
import sys
import tempfile
import unittest

HERE = pathlib.Path(__file__).resolve()
sys.path.insert(0, str(HERE.parents[1] / "end_to_end"))
sys.path.insert(0, str(HERE.parents[1] / "machine"))
sys.dont_write_bytecode = True
import forgery  # noqa: E402
import suite  # noqa: E402
import verify_parquet  # noqa: E402
from forgery import verify  # noqa: E402
from machine import PATIENCE_S  # noqa: E402
import verify_rows  # noqa: E402
from verify_batches import decompress  # noqa: E402

SPOOR = ""
RECORDS = 2
SEEDS = 80
BEYOND = 1 << 62  # what no number can be
# One line or more for each table.
EVENTS = """{"kind":"process","process":"1@5","path":"/sbin/init","time":"2026-11-21T20:31:35Z"}
{"kind":"fork","process":"1@5","child_process":"200"}
{"kind":"exec","process":"200","path":"/bin/sh","object":"file:2049/11","mode":"0104755","credentials":{"uid":33,"euid":0}}
{"kind":"credential_change","process":"200","credentials":{"uid":0},"syscall":"setuid"}
{"kind":"open","process":"200","path":"/etc/passwd","object":"file:2049/12","fd":3,"flags":"O_RDONLY"}
{"kind":"read","process":"200","fd":3,"object":"file:2049/12","size_bytes":5,"payload":"root:"}
{"kind":"window_size","process":"200","object":"pty:24/3","terminal":{"rows":24,"columns":80}}
{"kind":"connect","process":"200","fd":4,"object":"socket:9","socket":{"family":"inet","type":"stream","local_ip":"10.0.0.1","local_port":5,"remote_ip":"10.0.0.2","remote_port":80}}
{"kind":"loss","loss":{"loss_class":"io","count":3}}
{"kind":"exit","process":"200","exit_code":0}
"""


def spoor(*words):
    return subprocess.run([SPOOR, *map(str, words)], capture_output=True, text=True, timeout=PATIENCE_S, check=False)


class Store(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="spoor-tables-")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.store = self.folder / "store"

    def import_events(self, text, host):
        events = self.folder / f"{host}.jsonl"
        events.write_text(text)
        done = spoor("import", "--store", self.store, "--host", host, events)
        self.assertEqual(done.returncode, 0, done.stderr)

    def ingest(self):
        done = spoor("sql", "--store", self.store, "SELECT 1")
        self.assertEqual(done.returncode, 0, done.stderr)

    def proved(self):
        """By both; the recordings as the second one counted them."""
        done = spoor("verify", "--store", self.store)
        log = verify.verify(str(self.store))
        self.assertEqual(done.returncode, 0 if log.complete else 4, done.stdout + done.stderr)
        return log.tables.recordings

    def refused(self, *named):
        done = spoor("verify", "--store", self.store)
        self.assertEqual(done.returncode, 3, done.stdout + done.stderr)
        with self.assertRaises(verify.Unverified) as caught:
            verify.verify(str(self.store))
        for name in named:
            self.assertIn(str(name), done.stderr)
            self.assertIn(str(name), str(caught.exception))

    def catalog(self):
        return json.loads((self.store / "catalog.json").read_text())

    def write_catalog(self, catalog):
        (self.store / "catalog.json").write_text(json.dumps(catalog))


class HiddenTables(Store):
    def setUp(self):
        super().setUp()
        for host in ("one", "two"):
            self.import_events(EVENTS.replace("root:", host), host)
        self.ingest()
        self.assertFalse(any(recording.rows.unclear for recording in self.proved().values()))

    def test_every_table_of_either_recording_is_missed(self):
        catalog = self.catalog()
        self.assertEqual({segment["table"] for segment in catalog["segments"]},
                         {*verify_rows.TABLES, "recording", "evidence_batch"})
        for segment in catalog["segments"]:
            self.write_catalog(dict(catalog, segments=[s for s in catalog["segments"] if s is not segment]))
            self.refused("table " + segment["table"], segment["recording_id"])
        self.write_catalog(catalog)
        self.proved()

    def test_a_table_that_another_ones_file_stands_in_for_is_missed(self):
        # The sums are right again: the file of the one is named for the other, as it is or as a copy.
        catalog = self.catalog()
        one, two = (s for s in catalog["segments"] if s["table"] == "exec")
        original = {key: one[key] for key in ("file", "sha256", "size_bytes", "mtime_ns")}
        one.update({key: two[key] for key in original})
        self.write_catalog(catalog)
        self.refused()
        name = original["file"].replace(".parquet", "9.parquet")  # as of a later flush
        copy = self.store / "segments" / name
        self.assertFalse(copy.exists())
        copy.write_bytes((self.store / "segments" / two["file"]).read_bytes())
        one.update(file=name, mtime_ns=copy.stat().st_mtime_ns)
        self.write_catalog(catalog)
        self.refused(name)

    def test_a_row_count_that_is_not_the_files_is_named(self):
        for table in ("exec", "object"):
            catalog = self.catalog()
            segment = next(s for s in catalog["segments"] if s["table"] == table)
            segment["row_count"] += 1
            self.write_catalog(catalog)
            self.refused(segment["file"], f"says {segment['row_count']} rows")
            segment["row_count"] -= 1
            self.write_catalog(catalog)

    def test_what_the_catalog_says_of_recordings_is_held_against_the_log(self):
        whole = self.catalog()
        name = whole["recordings"][0]["recording_id"]
        for key, value in (("last_entry", 0), ("first_entry", 1), ("event_count", 3), ("provisional", True)):
            catalog = self.catalog()
            catalog["recordings"][0][key] = value
            self.write_catalog(catalog)
            self.refused(name)
            self.write_catalog(whole)
        catalog = self.catalog()
        catalog["recordings"].pop(0)
        catalog["segments"] = [s for s in catalog["segments"] if s["recording_id"] != name]
        self.write_catalog(catalog)
        self.refused(f"leaves out recording {name}")

    def test_a_catalog_that_is_none_is_one_error(self):
        text = (self.store / "catalog.json").read_text()
        for changed in ("", "[", "[" * 5000, "null", "[]", '{"version":1}', text.replace('"row_count": ', '"row_count": -'),
                        text.replace('"file": "', '"file": "../'), text.replace('"file": "', '"file": 7,"f": "'),
                        text.replace('"segments": [', '"segments": [7,'), "\udcff"):
            (self.store / "catalog.json").write_bytes(changed.encode(errors="surrogateescape"))
            with self.assertRaises(verify.Unverified, msg=changed[:60]):
                verify.verify(str(self.store))
        # One that comes later is no lie.
        (self.store / "catalog.json").write_text(text.replace('"version": 1', '"version": 2'))
        self.assertEqual(spoor("verify", "--store", self.store).returncode, 5)
        with self.assertRaises(verify.Unsupported):
            verify.verify(str(self.store))

    def test_tables_of_an_earlier_schema_are_not_called_forged(self):
        catalog = self.catalog()
        del catalog["schema_version"]
        self.write_catalog(catalog)
        self.assertEqual(spoor("verify", "--store", self.store).returncode, 5)
        with self.assertRaises(verify.Unsupported):
            verify.verify(str(self.store))

    def test_tables_can_be_left_out(self):
        catalog = self.catalog()
        catalog["segments"].pop()
        self.write_catalog(catalog)
        done = subprocess.run([sys.executable, "-B", verify.__file__, self.store, "--skip-segments"], capture_output=True,
                              text=True, check=False)
        self.assertEqual(done.returncode, 4, done.stderr)
        self.assertIn("NOT CHECKED", done.stdout)

    def test_a_broken_file_is_one_clear_error(self):
        for table in ("host", "exec", "socket"):
            segment = next(s for s in self.catalog()["segments"] if s["table"] == table)
            genuine = (self.store / "segments" / segment["file"]).read_bytes()
            file = self.folder / "broken.parquet"
            footer = len(genuine) - 8 - int.from_bytes(genuine[-8:-4], "little")
            changed = [genuine[:end] for end in range(len(genuine))]
            changed += [forgery.flip(genuine, at) for at in range(footer, len(genuine))]
            changed += [genuine[:at] + b"\xff" + genuine[at + 1:] for at in range(footer, len(genuine))]
            refused = 0
            for data in changed:
                file.write_bytes(data)
                try:
                    verify_parquet.read_footer(file)
                except verify.Unverified as error:
                    refused += 1
                    self.assertIn(str(file), str(error))
            self.assertGreater(refused, len(genuine))

    def test_a_footer_made_to_exhaust_its_reader_is_refused(self):
        file = self.folder / "hostile.parquet"
        for footer in (b"\x1c" * 100000, b"\x19\xfc" + b"\xff" * 8 + b"\x7f", b"\x19" * 100000, b"\x18" + b"\xff" * 9 + b"\x01",
                       b"\x16" + b"\x80" * 1000, bytes(4 << 20) + b"\0"):
            file.write_bytes(b"PAR1" + footer + len(footer).to_bytes(4, "little") + b"PAR1")
            with self.assertRaises(verify.Unverified):
                verify_parquet.read_footer(file)


class RandomRecords:
    """A recording whose records are anything that an intruder's sensor may seal."""

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.boot_ns, self.sequences, self.counts = 1000, {}, [0] * 7
        self.hosts = [f"h{self.random.randrange(4)}" for _ in range(self.random.randint(1, 3))]
        self.hostile = self.random.random() < 0.5

    def pick(self, *values):
        return self.random.choice(values)

    def rarely(self):
        return self.hostile and self.random.random() < 0.05

    def object(self):
        kind = self.random.randrange(11) if not self.rarely() else self.random.randrange(256)
        return struct.pack("<QIIIHBB", self.random.randrange(4), self.pick(1, 2), self.pick(0, 1), 0, self.pick(0o100755, 0o104755),
                           kind, self.pick(0, 1, 4))

    def socket(self):
        return struct.pack("<QIHHHHHBB16s16s", 0, 1, self.pick(0, 1, 2, 10), self.pick(1, 2), self.pick(0, 6, 17),
                           self.pick(0, 22, 80), self.pick(0, 80), self.pick(0, 1, 10), 0, self.pick(bytes(16), b"\x0a" * 16),
                           self.pick(bytes(16), b"\x0b" * 16))

    def credentials(self):
        users, groups = (self.pick((0,), (33,), (33,), (33, 0, 33, 0)) for _ in range(2))
        return struct.pack("<8I3QI4x", *(users * 4)[:4], *(groups * 4)[:4], self.pick(0, 0, 1, 3), 0, 0, 1)

    def tail(self, body_bytes):
        """Where bytes are; those are added behind the body."""
        text = self.pick(b"", b"", b"/bin/sh", b"/etc/passwd", b"etc", b"/dev/ptmx", b"/dev/tty", b"/x (deleted)", b"/a\0b")
        at = body_bytes + len(self.tails)
        self.tails += text
        if self.rarely():
            at = self.random.randrange(self.pick(body_bytes, 400, 65536))
        return struct.pack("<HHHH", at, len(text), self.pick(0, 1, 1, 2, 3, 4), 0)

    def body(self, kind):
        tail, number = self.tail, self.random.randrange
        key = number(4)
        if kind == 1:
            return struct.pack("<QQIIIIQ16s", key, 1, self.pick(1, 2, 3), 1, number(3), 1, 0, b"sh")
        if kind == 2:
            return self.object() + self.credentials() + bytes(8) + b"".join(tail(208) for _ in range(5)) + bytes(16)
        if kind == 4:
            return self.credentials()
        if kind == 5:
            return self.object() + struct.pack("<iIIi", number(5), 0, 0, -100) + tail(184) + tail(184) + tail(184) + \
                self.socket() + tail(184)
        if kind in (6, 7):
            return self.object() + struct.pack("<iiII", number(5), number(5), self.pick(0, 4), 0)
        if kind == 8:
            direction = self.pick(1, 2) if not self.rarely() else 3
            return self.object() + struct.pack("<qiBBHHHHH", self.pick(-1, 0), number(5), direction, self.pick(0, 1), 0, 24, 80,
                                               self.pick(0, 4), 0) + tail(168) + self.socket()
        if kind == 9:
            return self.object() + struct.pack("<QiI", 0, self.pick(-1, 3), 0) + b"".join(tail(136) for _ in range(5))
        if kind == 10:
            return self.object() + self.object() + struct.pack("<iiII", number(5), number(5), 0, 0)
        if kind == 11:
            return self.object() + self.object() + struct.pack("<ii", number(5), 0) + self.socket() + tail(176)
        if kind == 12:
            return self.object() + struct.pack("<iIHHHH", number(5), 0, 24, 80, 4, 0)
        if kind == 13:
            return self.object() + self.object() + struct.pack("<ii", number(5), number(5))
        if kind == 14:
            return struct.pack("<Qii", number(3), number(4), 9)
        if kind == 15:
            return struct.pack("<QII", 1, number(3), 1) + self.object() + self.credentials() + struct.pack("<HHHH", 24, 80, 4, 0) + \
                tail(208) + tail(208) + tail(208) + bytes(16)
        if kind == 16:
            for _ in range(self.pick(0, 1)):
                self.counts[number(7)] += number(4) - (1 if self.rarely() else 0)
            return struct.pack("<7QQ", *(max(count, 0) for count in self.counts), 0)
        return bytes(8)

    def record(self):
        self.tails = b""
        kind = self.random.choices(range(1, 18), [4, 6, 1, 6, 6, 3, 2, 12, 6, 2, 8, 1, 3, 2, 3, 2, 2])[0]
        body = self.body(kind)
        if self.rarely():
            kind = self.random.randrange(20)
        if self.rarely():
            body = body[:8 * self.random.randrange(len(body) // 8 + 1)]
        calls = {9: (82, 83, 87, 90, 88), 11: (41, 42, 43, 48, 49, 50, 288), 8: (0, 1, 44, 45), 17: (112, 109), 10: (22, 53)}
        call = self.pick(*calls.get(kind, (105, 436)))
        if self.rarely():
            call = self.random.randrange(500)
        content = body + self.tails
        content += bytes(-len(content) % 8)
        boot_ns = self.boot_ns + self.random.randrange(100)
        scope = self.random.randrange(len(self.hosts)) if not self.rarely() else 9
        return struct.pack("<QQqIIIIIHHHHI", boot_ns, self.pick(1, 2), self.pick(0, 0, 5, -1, -115), self.pick(1, 2, 3),
                           self.pick(1, 1, 2, 7), self.pick(0, 33, 33), self.pick(0, 33, 33), self.pick(0, 0, 0, 0, 1, 2),
                           56 + len(content), kind, call, scope, 0) + content

    def chunk(self):
        cpu = self.pick(0, 1, 65537, 0xffffffff)
        records = [self.record() for _ in range(self.random.randrange(12))]
        first = self.sequences.get(cpu, 0) + (self.random.randrange(-1, 3) if self.rarely() else 0)
        first = max(first, 0)
        self.sequences[cpu] = first + len(records)
        data = b"".join(records)
        if self.rarely():
            data = data[:self.random.randrange(len(data) + 1)]
        return struct.pack("<QIIII", first, cpu, len(data), len(records) + (1 if self.rarely() else 0), 0) + data

    def entries(self, closed=True):
        recording, last = self.random.randbytes(16), bytes(32)
        scopes = [{"host": host} for host in self.hosts] if self.random.random() > 0.1 else [{"host": ""}]
        payloads = [(forgery.RECORDING_OPEN, json.dumps({"boot_id": "b", "profile": "honeypot", "scopes": scopes}).encode())]
        for _ in range(self.random.randint(1, 6)):
            payloads.append((RECORDS, b"".join(self.chunk() for _ in range(self.random.randrange(5)))))
        if closed:
            payloads.append((forgery.RECORDING_CLOSE, b"{}"))
        for index, (kind, payload) in enumerate(payloads):
            batch = forgery.ForgedBatch.make(kind, recording, index, last, payload)
            # Records of later than this, and late ones, are among them.
            struct.pack_into("<Q", batch.header, 40, self.boot_ns + self.pick(90, 100, 200))
            struct.pack_into("<Q", batch.header, 56, self.boot_ns + self.pick(-50, 0, 50))
            self.boot_ns += self.random.randrange(100)
            last = batch.sha256()
            yield batch.entry()


class EveryRecord(Store):
    def test_rows_are_counted_as_ingest_makes_them(self):
        self.import_events(EVENTS, "first")
        entries = [entry for seed in range(SEEDS) for entry in RandomRecords(seed).entries()]
        entries += RandomRecords(1000).entries(closed=False)
        forgery.write_log(self.store, entries)
        (self.store / "catalog.json").unlink(missing_ok=True)
        self.ingest()
        recordings = self.proved()
        self.assertEqual(len(recordings), SEEDS + 1)
        # Not only the exact rules are tried: each table has rows that a bound is about.
        counted = {table: 0 for table in verify_rows.TABLES}
        for recording in recordings.values():
            for table, (least, _) in recording.rows.bounds(True).items():
                counted[table] += least
        self.assertEqual([table for table, count in counted.items() if count == 0], [])

    def expect_gaps(self, loss_class, count):
        self.ingest()
        done = spoor("sql", "--store", self.store, "--json",
                     f"SELECT count(*) AS n FROM gap WHERE loss_class = '{loss_class}'")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(json.loads(done.stdout)["n"], count)
        self.proved()

    def test_each_number_of_a_line_that_cannot_be_makes_a_gap(self):
        loss = {"kind": "loss", "loss": {"loss_class": "io", "count": 0}}
        cases = [{"boot_ns": BEYOND}, {"wall_ns": BEYOND}, {"wall_ns": -BEYOND - 1}, {"begin_boot_ns": BEYOND},
                 {"process": f"1@{BEYOND}"}, {"kind": "process", "parent_process": f"2@{BEYOND}"},
                 {"kind": "fork", "child_process": f"2@{BEYOND}"}, {"kind": "read", "fd": 3, "size_bytes": BEYOND},
                 {"kind": "read", "fd": 3, "offset_bytes": BEYOND}, {"result": -BEYOND}, {**loss, "wall_ns": BEYOND},
                 {"kind": "loss", "loss": {"loss_class": "io", "count": BEYOND}},
                 {"kind": "loss", "loss": {"loss_class": "io", "count": 0, "from_boot_ns": BEYOND}}]
        # A host each: for each of them there is a row.
        lines = [{"kind": "exit", "process": "1@5", "boot_ns": 10, "wall_ns": 20, "host": f"h{i}"} | case
                 for i, case in enumerate(cases)]
        for line in lines:
            if line["kind"] == "loss":
                del line["process"]
        self.import_events("".join(json.dumps(line) + "\n" for line in lines), "any")
        self.expect_gaps("malformed", len(cases))

    def seal(self, hosts, records):
        """A log of one recording with these records: (kind, system call, start, result, scope, what follows the header)."""
        description = json.dumps({"boot_id": "b", "scopes": [{"host": host} for host in hosts]}).encode()
        payloads = [(forgery.RECORDING_OPEN, description)]
        for first in range(0, len(records), 200):
            data = b""
            for kind, call, start, result, scope, body in records[first:first + 200]:
                body += bytes(-len(body) % 8)
                data += struct.pack("<QQqIIIIIHHHHI", 1, start, result, 1, 1, 0, 0, 0, 56 + len(body), kind, call, scope, 0) + body
            count = len(records[first:first + 200])
            payloads.append((RECORDS, struct.pack("<QIIII", first, 1, len(data), count, 0) + data))
        last, entries = bytes(32), []
        for index, (kind, payload) in enumerate([*payloads, (forgery.RECORDING_CLOSE, b"{}")]):
            batch = forgery.ForgedBatch.make(kind, bytes(16), index, last, payload, boot_ns=2)
            last = batch.sha256()
            entries.append(batch.entry())
        self.import_events(EVENTS, "first")  # for its keys
        forgery.write_log(self.store, entries)
        (self.store / "catalog.json").unlink(missing_ok=True)

    def test_each_number_of_a_record_that_cannot_be_makes_a_gap(self):
        exit_body, file = bytes(8), struct.pack("<QIIIHBB", 7, 1, 0, 0, 0o100644, 1, 0)
        cases = [(3, 0, BEYOND, 0, exit_body), (3, 0, 1, -BEYOND, exit_body),
                 (1, 0, 1, 0, struct.pack("<QQIIIIQ16s", BEYOND, 1, 2, 2, 1, 1, 0, b"sh")),
                 (1, 0, 1, 0, struct.pack("<QQIIIIQ16s", 1, BEYOND, 2, 2, 9, 1, 0, b"sh")),
                 (8, 0, 1, 5, file + struct.pack("<qiB", BEYOND, 3, 1).ljust(88, b"\0")),
                 (8, 0, 1, BEYOND, file + struct.pack("<qiB", 0, 3, 1).ljust(88, b"\0")),
                 (14, 0, 1, 0, struct.pack("<Qii", BEYOND, 2, 9)),
                 (15, 0, 1, 0, struct.pack("<QII", BEYOND, 9, 1) + file + bytes(120))]
        self.seal([f"h{i}" for i in range(len(cases))],
                  [(kind, call, start, result, scope, body) for scope, (kind, call, start, result, body) in enumerate(cases)])
        self.expect_gaps("malformed", len(cases))

    def test_a_folder_renamed_by_a_record_may_have_too_much_below_it(self):
        def tails(body_bytes, *all_texts):
            behind, said = b"", b""
            for text in all_texts:
                said += struct.pack("<HHHH", body_bytes + len(behind), len(text), 1 if text else 0, 0)
                behind += text
            return said, behind

        records = []
        for i in range(500):
            said, behind = tails(184, b"/d/%d" % i, b"", b"")
            body = struct.pack("<QIIIHBB", i + 1, 1, 0, 0, 0o100644, 1, 0) + struct.pack("<iIIi", 3, 0, 0, -100) + said
            records.append((5, 257, 1, 3, 0, body.ljust(128, b"\0") + behind))
        for i in range(16):
            said, behind = tails(136, b"", (b"/d", b"/e")[i % 2], b"", (b"/e", b"/d")[i % 2], b"")
            records.append((9, 82, 1, 0, 0, bytes(24) + struct.pack("<QiI", 0, -1, 0) + said + behind))
        self.seal(["h"], records)
        self.expect_gaps("name", 1)

    def test_records_lost_are_counted_of_a_recording_without_an_end(self):
        self.import_events(EVENTS, "first")
        loss = struct.pack("<QQqIIIIIHHHHI7QQ", *[0] * 8, 120, 16, 0xffff, 0, 0, 0, 2, 0, 0, 1, 5, 0, 0)
        loss = struct.pack("<QIIII", 0, 0xffffffff, len(loss), 1, 0) + loss
        opening = forgery.ForgedBatch.make(forgery.RECORDING_OPEN, bytes(16), 0, payload=b'{"scopes":[{"host":"h"}]}')
        records = forgery.ForgedBatch.make(RECORDS, bytes(16), 1, opening.sha256(), loss)
        forgery.write_log(self.store, [opening.entry(), records.entry()])
        self.assertEqual(spoor("verify", "--store", self.store, "--skip-segments").returncode, 4)
        log = verify.verify(str(self.store), skip_segments=True)
        self.assertEqual((log.complete, log.recordings.lost_count), (False, 3))  # five without their payload only

    def test_a_payload_that_is_larger_than_it_says_is_not_read_on(self):
        bomb = b"\x28\xb5\x2f\xfd\xa0" + struct.pack("<I", 5) + (struct.pack("<I", (1 << 17) << 3 | 2)[:3] + b"x") * 16000 + struct.pack("<I", 1)[:3]
        self.assertIsNone(decompress(bomb, 5))
        self.assertEqual(decompress(forgery.zstd_frame(b"hello") * 2, 10), b"hellohello")

    def test_a_recording_in_several_flushes(self):
        # Four rows for each line: of event, exec, credential_change and object_name. A flush is a million.
        lines = ['{"kind":"exec","process":"1@5","path":"/bin/p%d","object":"file:1/%d","credentials":{"uid":%d},"boot_ns":%d}'
                 % (i, i % 999, i % 2, i + 10) for i in range(260_000)]
        # Who a process was that ended is forgotten with the flush: not so is what it does afterwards.
        lines.insert(0, '{"kind":"exec","process":"7@1","path":"/bin/sh","credentials":{"uid":5},"boot_ns":1}')
        lines.insert(1, '{"kind":"exit","process":"7@1","boot_ns":2}')
        lines += ['{"kind":"setsid","process":"7@1","uid":6}', '{"kind":"setsid","process":"7@1","uid":7}']
        self.import_events("\n".join(lines) + "\n", "long")
        self.ingest()
        self.proved()
        whole = self.catalog()
        parts = [segment for segment in whole["segments"] if segment["table"] == "exec"]
        self.assertGreater(len(parts), 1)
        self.write_catalog(dict(whole, segments=[segment for segment in whole["segments"] if segment is not parts[0]]))
        self.refused("table exec")
        # A whole flush, or the end: of the batches is known which are whose.
        for last in (parts[0]["last_entry"], parts[-1]["last_entry"]):
            self.write_catalog(dict(whole, segments=[segment for segment in whole["segments"] if segment["last_entry"] != last]))
            with self.assertRaises(verify.Unverified) as caught:
                verify.verify(str(self.store))
            self.assertIn("has no tables of entries", str(caught.exception))


if __name__ == "__main__":
    SPOOR = sys.argv[1]
    del sys.argv[1:2]  # the rest is unittest's
    suite.main()
