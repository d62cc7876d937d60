#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Proof bundles and evidence that goes from store to store, as a user handles them; tools/verify.py is a
second opinion on every bundle. Whoever changes a bundle and mends its SHA256SUMS is caught as well.

  prove_test.py SPOOR SYNTHETIC_SENSOR MAKE_LOG [unittest arguments]
"""
import fcntl
import hashlib
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
import unittest

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE / "../../tools")]
sys.dont_write_bytecode = True
import collecting  # noqa: E402  (real sensors and collectors; takes the first two arguments)
import machine  # noqa: E402
import suite  # noqa: E402
import verify as independent  # noqa: E402  (tools/verify.py)
import verify_bundle as bundles  # noqa: E402

SPOOR, MAKE_LOG = collecting.SPOOR, None
FLIP_EVERY = 211  # bytes
PROOF_BYTES_MAX = 3 << 10

LOGIN = [
    {"kind": "process", "process": 100, "command": "sshd", "path": "/usr/sbin/sshd", "uid": 0, "baseline": True},
    {"kind": "descriptor", "process": 100, "fd": 3, "object": "socket:60", "baseline": True,
     "socket": {"family": "inet", "type": "stream", "local_ip": "192.0.2.10", "local_port": 22, "state": "listen"}},
    {"kind": "fork", "process": 100, "child_process": 200},
    {"kind": "exec", "process": 200, "path": "/bin/sh", "arguments": ["sh", "-c", "\u001b[31mid"],
     "credentials": {"uid": 33, "gid": 33}},
    {"kind": "open", "process": 200, "path": "/etc/passwd", "object": "file:2049/12", "fd": 3, "flags": "O_WRONLY"},
    {"kind": "write", "process": 200, "fd": 3, "size_bytes": 4096},
    {"kind": "close", "process": 200, "fd": 3},
    {"kind": "exec", "process": 200, "path": "/usr/bin/su", "mode": "0104755", "arguments": ["su"],
     "credentials": {"uid": 33, "euid": 0, "gid": 33}},
    {"kind": "exit", "process": 200, "exit_code": 0},
]
LOSS = [{"kind": "process", "process": 7, "command": "sh"},
        {"kind": "loss", "boot_ns": 9000000,
         "loss": {"loss_class": "io", "count": 12, "from_boot_ns": 4000000, "reason": "ring buffer full"}},
        {"kind": "fork", "process": 7, "child_process": 8}]


def members_of(bundle):
    with tarfile.open(bundle) as archive:
        return {member.name: archive.extractfile(member).read() for member in archive}


def write_bundle(path, members):
    """A bundle that is of one piece: what somebody who knows the format would forge."""
    members = {name: data for name, data in members.items() if name != "SHA256SUMS"}
    members["SHA256SUMS"] = "".join(f"{hashlib.sha256(data).hexdigest()}  {name}\n"
                                    for name, data in members.items()).encode()
    with open(path, "wb") as file:
        for name, data in members.items():
            file.write(bundles.tar_header(name, len(data)) + data + bytes(-len(data) % 512))
        file.write(bytes(1024))


def digest_of_folder(folder):
    return {str(path): path.read_bytes() for path in sorted(pathlib.Path(folder).rglob("*")) if path.is_file()}


class Bundles(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="spoor-prove-"))
        self.addCleanup(shutil.rmtree, self.folder)
        self.store = self.folder / "store"

    def spoor(self, command, *words, store=None, status=0):
        done = subprocess.run([SPOOR, command, *(["--store", store] if store else []), *map(str, words)],
                              capture_output=True, text=True, timeout=collecting.PATIENCE_S, check=False, stdin=subprocess.DEVNULL)
        self.assertIn(done.returncode, status if isinstance(status, tuple) else (status,),
                      f"spoor {command} {words}: {done.stdout}{done.stderr}")
        return done

    def add_events(self, events, host="web-1", store=None):
        file = self.folder / f"{host}.ndjson"
        file.write_text("".join(json.dumps(event) + "\n" for event in events))
        self.spoor("import", "--host", host, file, store=store or self.store)

    def prove(self, name, *words, store=None, status=0):
        bundle = self.folder / name
        self.spoor("prove", "--out", bundle, *words, store=store or self.store, status=status)
        return bundle

    def key(self, store=None):
        return (store or self.store) / "key/log.vkey"

    def said(self, bundle, *words, status=0):
        return json.loads(self.spoor("verify", bundle, "--key", self.key(), "--json", *words, status=status).stdout)

    def expect_refused(self, bundle, named, both=True):
        """Exit code 3, one line, and what is wrong is named; the second verifier refuses as well."""
        done = self.spoor("verify", bundle, "--key", self.key(), status=3)
        self.assertIn(named, done.stderr)
        self.assertEqual(done.stderr.count("\n"), 1, done.stderr)
        if both:
            with self.assertRaises(independent.Unverified):
                bundles.verify_bundle(bundle, self.key())

    def rows(self, store, query):
        """An answer without the event ids, which are numbers of entries of one log."""
        done = self.spoor("query", *query.split(), "--json", store=store, status=(0, 1, 4))
        return [{name: value for name, value in json.loads(line).items() if not name.endswith("event_id")}
                for line in done.stdout.splitlines()]


class Proving(Bundles):
    def setUp(self):
        super().setUp()
        self.add_events(LOGIN)
        self.add_events(LOGIN[:7], host="web-2")

    def test_an_answer_is_proved_by_both(self):
        for number, words in enumerate([
                ("root_transitions",), ("writers", "path=/etc/passwd"), ("sessions",),
                ("--sql", "SELECT kind, count(*) AS n FROM event GROUP BY kind"),
                ("--sql", "SELECT s.session_id, w.* FROM sessions AS s, writers('/etc/passwd') AS w")]):
            bundle = self.prove(f"{number}.proof", *words)
            said = self.said(bundle)
            self.assertTrue(said["verified"] and said["rows_derived"] and said["whole_log"] and said["key_given"])
            self.assertEqual(said["foreign_queries"], [])
            asked = self.spoor(*(("sql", words[1]) if words[0] == "--sql" else ("query", *words)), "--json",
                               store=self.store)
            members = members_of(bundle)
            self.assertEqual(sorted(members["rows.ndjson"].decode().splitlines()), sorted(asked.stdout.splitlines()))
            self.assertGreater(said["row_count"], 0)
            manifest, excerpt = bundles.verify_bundle(bundle, self.key())
            self.assertEqual(excerpt.entry_count, said["entry_count"])
            self.assertEqual(excerpt.root.hex(), said["root_sha256"])
            self.assertEqual(manifest["made_by"], said["made_by"])

    def test_none_is_an_answer_that_can_be_proved(self):
        bundle = self.prove("a.proof", "writers", "path=/etc/passwd", "start=-1h", status=1)
        said = self.said(bundle)
        self.assertEqual((said["rows_derived"], said["row_count"], said["whole_log"]), (True, 0, True))
        self.expect_refused(self.forge(bundle, manifest_json=lambda json: json.replace(b"-1h", b"-2h")),
                            "question.sql: is not what", both=False)

    def test_a_session_is_named_by_a_process_in_it(self):
        session = json.loads(self.spoor("query", "sessions", "--json", store=self.store).stdout.splitlines()[0])
        said = self.said(self.prove("a.proof", "session_activity", f"session={session['session_id']}"))
        self.assertTrue(said["rows_derived"] and said["row_count"])

    def test_the_key_of_the_bundle_is_said_to_be_that(self):
        done = self.spoor("verify", self.prove("a.proof", "sessions"))
        self.assertIn("OUT OF THE BUNDLE ITSELF", done.stdout)
        self.assertNotIn("OUT OF", self.spoor("verify", self.folder / "a.proof", "--key", self.key()).stdout)

    def test_the_same_answer_has_the_same_bytes_but_for_its_time(self):
        first, second = (members_of(self.prove(name, "sessions")) for name in ("a.proof", "b.proof"))
        for members in (first, second):
            del members["SHA256SUMS"]
            members["manifest.json"] = {**json.loads(members["manifest.json"]), "made_wall_ns": 0}
        self.assertEqual(first, second)

    def test_no_byte_can_be_flipped(self):
        bundle = self.prove("a.proof", "sessions")
        good = bundle.read_bytes()
        flipped = self.folder / "flipped"
        for at in range(0, len(good), FLIP_EVERY):
            flipped.write_bytes(good[:at] + bytes([good[at] ^ 1]) + good[at + 1:])
            self.expect_refused(flipped, "flipped")
        for size in (0, 1, 512, len(good) // 2, len(good) - 512, len(good) - 1):
            flipped.write_bytes(good[:size])
            self.expect_refused(flipped, "flipped")
        flipped.write_bytes(good + b"\0")
        self.expect_refused(flipped, "does not end")

    def forge(self, bundle, **changes):
        """`bundle` with members changed by functions of their bytes, and SHA256SUMS mended."""
        members = members_of(bundle)
        for name, change in changes.items():
            found, = [member for member in members if member.replace("/", "_").replace(".", "_") == name]
            changed = change(members[found])
            self.assertNotEqual(changed, members[found])
            members[found] = changed
        forged = self.folder / "forged"
        write_bundle(forged, members)
        return forged

    def test_whoever_mends_the_sums_is_caught_and_named(self):
        bundle = self.prove("a.proof", "writers", "path=/etc/passwd")
        excerpt = members_of(bundle)["evidence.excerpt"]
        self.assertEqual(self.said(self.forge_nothing(bundle))["row_count"], 2)
        for named, both, changes in [
                ("rows.ndjson: row 1 does not follow", False,
                 {"rows_ndjson": lambda rows: rows.replace(b'"pid":200', b'"pid":201', 1)}),
                ("rows.ndjson: a row that follows", False,
                 {"rows_ndjson": lambda rows: rows.split(b"\n", 1)[1]}),
                ("queries/writers.sql: is not the query of that name", False,
                 {"queries_writers_sql": lambda sql: sql + b"-- \n"}),
                ("question.sql: is not what", False,
                 {"question_sql": lambda sql: sql.replace(b"passwd", b"shadow")}),
                ("question.sql: is not what", False,
                 {"manifest_json": lambda json: json.replace(b"passwd", b"shadow")}),
                ("manifest.json: other gaps", False,
                 {"manifest_json": lambda json: json.replace(b'"payload": false', b'"payload": true')}),
                ("manifest.json", True, {"manifest_json": lambda json: json[:-3]}),
                ("evidence.excerpt: entry 1: batch", True,
                 {"evidence_excerpt": lambda data: data.replace(b"SPOORBAT", b"SPOORBAD", 2)
                                                       .replace(b"SPOORBAD", b"SPOORBAT", 1)}),
                ("evidence.excerpt", True, {"evidence_excerpt": lambda data: data[:-20]}),
                ("evidence.excerpt: checkpoint: the signature", True,
                 {"evidence_excerpt": lambda data: data.replace(b"\n6\n", b"\n7\n")}),
        ]:
            with self.subTest(named):
                self.expect_refused(self.forge(bundle, **changes), named, both)
        self.assertIn(b"\n6\n", excerpt, "the checkpoint's size")

    def forge_nothing(self, bundle):
        """That a bundle written by this test, unchanged, verifies: what is refused is refused for its change."""
        forged = self.folder / "unchanged"
        write_bundle(forged, members_of(bundle))
        self.assertEqual(forged.read_bytes(), bundle.read_bytes())
        return forged

    def test_a_changed_sql_question_has_other_rows(self):
        bundle = self.prove("a.proof", "--sql", "SELECT pid FROM process WHERE pid = 200")
        self.expect_refused(self.forge(bundle, question_sql=lambda sql: sql.replace(b"200", b"100")),
                            "rows.ndjson: row 1 does not follow", both=False)
        self.expect_refused(self.forge(bundle, question_sql=lambda sql: b"COPY process TO '/tmp/x'\n"),
                            "question.sql: ", both=False)

    def test_a_question_of_others_calls_only_what_computes(self):
        bundle = self.prove("a.proof", "--sql", "SELECT count(*) FROM process")
        for question in (b"SELECT count(*) FROM enable_logging()", b"FROM force_checkpoint('memory')", b"FROM duckdb_settings()",
                         b"SELECT current_setting('temp_directory')", b"FROM read_text('/etc/hostname')", b"PRAGMA version"):
            self.expect_refused(self.forge(bundle, question_sql=lambda _, question=question: question + b"\n"),
                                "question.sql: ", both=False)
        bundle = self.prove("b.proof", "writers", "path=/etc/passwd")
        self.expect_refused(self.forge(bundle, queries_writers_sql=lambda sql: sql.replace(
            b"writers(path", b"writers(ignored := getenv('HOME'), path")), "is not the query of that name", both=False)

    def test_a_question_of_others_ends_at_its_limits(self):
        bundle = self.prove("a.proof", "--sql", "SELECT count(*) FROM process")
        endless = self.forge(bundle, question_sql=lambda _: b"SELECT count(*) FROM process, range(100000000000000)\n")
        done = self.spoor("verify", endless, "--key", self.key(), "--time-max", "1s", status=5)
        self.assertIn("limit of 1 s (--time-max)", done.stderr)
        large = self.forge(bundle, question_sql=lambda _: b"SELECT list(range) FROM process, range(1000000000)\n")
        done = self.spoor("verify", large, "--key", self.key(), "--memory-max", "100M", status=5)
        self.assertIn("more memory than the limit of ", done.stderr)

    def test_queries_of_others_are_named_to_be_read(self):
        bundle = self.prove("a.proof", "writers", "path=/etc/passwd")
        forged = self.forge(bundle, queries_writers_sql=lambda sql: sql + b"-- \n",
                            manifest_json=lambda json: json.replace(b'"spoor 0', b'"spoor 9.0'))
        self.assertEqual(self.said(forged)["foreign_queries"], ["writers"])
        more = (b"CREATE OR REPLACE MACRO _shown(x) AS x;\n", b"; DROP VIEW process;\n")
        for text in more:
            forged = self.forge(bundle, queries_writers_sql=lambda sql, text=text: sql + text,
                                manifest_json=lambda json: json.replace(b'"spoor 0', b'"spoor 9.0'))
            self.expect_refused(forged, "query writers: the store is read only: only queries ", both=False)

    def test_a_query_cannot_stand_in_for_a_table(self):
        members = members_of(self.prove("a.proof", "--sql", "SELECT pid FROM process WHERE pid = 200"))
        text = (b"-- question: q\n-- reads: exec\n-- column: pid BIGINT p\n-- limits: none\n-- source: none\n"
                b"CREATE OR REPLACE VIEW process AS SELECT 666 AS pid;\n")
        rows = {"rows.ndjson": b'{"pid":666}\n', "question.sql": b"SELECT pid FROM process WHERE pid = 666\n"}
        forged = {}
        for name, data in members.items():
            forged[name] = rows.get(name, data)
            if name == "question.sql":
                forged["queries/process.sql"] = text
        write_bundle(self.folder / "forged", forged)
        self.expect_refused(self.folder / "forged", "stands in for a table", both=False)

    def test_members_are_those_of_a_bundle(self):
        members = members_of(self.prove("a.proof", "sessions"))
        forged = self.folder / "forged"
        write_bundle(forged, {**members, "extra.txt": b"believe me"})
        self.expect_refused(forged, "extra.txt: does not belong there")
        write_bundle(forged, {name: data for name, data in members.items() if name != "gaps.ndjson"})
        self.expect_refused(forged, "evidence.excerpt: does not belong there")

    def test_another_key_or_anothers_evidence_is_refused(self):
        other = self.folder / "other"
        self.add_events(LOGIN, store=other)
        bundle = self.prove("a.proof", "sessions")
        done = self.spoor("verify", bundle, "--key", self.key(other), status=3)
        self.assertIn("is of the log", done.stderr)
        foreign = members_of(self.prove("b.proof", "sessions", store=other))["evidence.excerpt"]
        self.expect_refused(self.forge(bundle, evidence_excerpt=lambda _: foreign), "not signed by")

    def test_a_row_that_its_segment_was_made_to_say_is_not_proved(self):
        # A store whose tables and evidence differ: here the catalog of one and the log of another.
        other = self.folder / "other"
        self.add_events(LOGIN, store=other)
        self.add_events(LOGIN[:4], host="web-2", store=other)
        for name in ("segments", "catalog.json"):
            path = self.store / name
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        shutil.copytree(other / "segments", self.store / "segments", copy_function=shutil.copy2)
        shutil.copy2(other / "catalog.json", self.store / "catalog.json")
        done = self.spoor("prove", "--out", self.folder / "a.proof", "--sql", "SELECT count(*) FROM event",
                          store=self.store, status=3)
        self.assertIn("made again from the evidence, the answer is another", done.stderr)
        self.assertFalse((self.folder / "a.proof").exists())

    def test_an_open_answer_is_not_proved(self):
        self.spoor("prove", "--out", self.folder / "a.proof", "--sql", "SELECT random()", store=self.store, status=3)
        self.assertEqual(list(self.folder.glob("a.proof*")), [])

    def test_touched_entries_prove_records_and_not_rows(self):
        bundle = self.prove("a.proof", "--touched", "root_transitions")
        said = self.said(bundle, status=4)
        self.assertEqual((said["verified"], said["rows_derived"], said["scope"]), (True, False, "touched"))
        self.assertLess(said["entry_count"], said["checkpoint_size"])
        self.assertIn("NOT PROVED", self.spoor("verify", bundle, status=4).stdout)
        self.spoor("prove", "--touched", "--out", self.folder / "b.proof", "--sql", "SELECT count(*) FROM event",
                   store=self.store, status=2)

    def test_one_recording_is_enough_where_the_answer_follows_from_it(self):
        recordings = [json.loads(line)["recording_id"] for line in self.spoor(
            "sql", "--json", "SELECT recording_id FROM recording ORDER BY begin_wall_ns",
            store=self.store).stdout.splitlines()]
        said = self.said(self.prove("a.proof", "--recording", recordings[0], "root_transitions"))
        self.assertEqual((said["rows_derived"], said["whole_log"], said["entry_count"]), (True, False, 3))
        self.assertEqual([r["recording_id"] for r in said["recordings"]], recordings[:1])
        done = self.spoor("prove", "--out", self.folder / "b.proof", "--recording", recordings[1], "root_transitions",
                          store=self.store, status=2)
        self.assertIn("needs more than the recordings", done.stderr)
        done = self.spoor("prove", "--out", self.folder / "b.proof", "--max", "100", "sessions", store=self.store,
                          status=2)
        self.assertIn("above --max", done.stderr)

    def test_gaps_go_along_and_end_with_4(self):
        self.add_events(LOSS, host="web-3")
        bundle = self.prove("a.proof", "sessions", status=4)
        said = self.said(bundle, status=4)
        self.assertEqual((said["verified"], said["rows_derived"], said["gap_count"]), (True, True, 1))
        self.expect_refused(self.forge(bundle, gaps_ndjson=lambda _: b""), "gaps.ndjson: a row that follows", both=False)

    def test_what_is_recorded_of_the_terminal_stays_off_it(self):
        bundle = self.prove("a.proof", "--sql", "SELECT command_line, '\u001b[2J' AS x FROM exec WHERE result = 0")
        shown = self.spoor("verify", bundle).stdout
        self.assertNotIn("\u001b", shown)
        done = self.spoor("verify", self.forge(bundle, rows_ndjson=lambda _: b'{"a":"\x1b[31m"}\n'), status=3)
        self.assertNotIn("\u001b", done.stderr)

    def test_it_does_not_overwrite(self):
        (self.folder / "a.proof").write_text("mine")
        self.spoor("prove", "--out", self.folder / "a.proof", "sessions", store=self.store, status=2)
        self.assertEqual((self.folder / "a.proof").read_text(), "mine")

    def test_a_destination_that_cannot_take_it_is_named_and_nothing_is_left_there(self):
        away = self.folder / "away"
        away.mkdir()
        limited = ["sh", "-c", "ulimit -f 4; exec \"$0\" \"$@\"", SPOOR]  # blocks of 512 bytes or of 1024
        for words in (("prove", "--store", self.store, "sessions"), ("export", "--store", self.store)):
            done = subprocess.run([*limited, *map(str, words), "--out", str(away / "out")], capture_output=True,
                                  text=True, timeout=machine.PATIENCE_S, check=False)
            self.assertEqual(done.returncode, 5, done.stderr)
            self.assertTrue(done.stderr.startswith(f"spoor {words[0]}: "), done.stderr)
            if words[0] == "export":  # for the proof, the tables that are made again do not fit either
                self.assertIn(str(away / "out"), done.stderr)
            self.assertEqual(list(away.iterdir()), [])
            done = self.spoor(words[0], *words[3:], "--out", away / "none/out", store=self.store, status=5)
            self.assertIn(str(away / "none/out"), done.stderr)
            self.assertEqual(list(away.iterdir()), [])
            (away / "there").symlink_to(away / "nowhere")
            self.spoor(words[0], *words[3:], "--out", away / "there", store=self.store, status=2)
            self.assertEqual([path.name for path in away.iterdir()], ["there"])
            (away / "there").unlink()

    def test_the_second_verifier_says_that_it_made_no_rows(self):
        script = str(HERE / "../../tools/verify.py")
        bundle, part = self.prove("a.proof", "sessions"), self.folder / "part"
        self.spoor("export", "--out", part, store=self.store)
        for file, status in ((bundle, 4), (part, 0)):
            done = subprocess.run([sys.executable, "-B", script, file, "--key", self.key()], capture_output=True,
                                  text=True, timeout=machine.PATIENCE_S, check=False)
            self.assertEqual(done.returncode, status, done.stderr)
            self.assertEqual("NOT CHECKED" in done.stdout, status == 4)

    def test_a_proof_in_a_big_log_is_small(self):
        big = self.folder / "big"
        subprocess.run([MAKE_LOG, big, "20000", "closed"], check=True, timeout=collecting.PATIENCE_S)
        for entry in (0, 12345, 19999):
            out = self.folder / f"{entry}.evidence"
            self.spoor("export", "--entries", f"{entry}..{entry}", "--out", out, store=big)
            said = json.loads(self.spoor("verify", out, "--key", self.key(big), "--json").stdout)
            self.assertEqual((said["entry_count"], said["checkpoint_size"]), (1, 20000))
            self.assertTrue(0 < said["proof_bytes"] <= PROOF_BYTES_MAX, said["proof_bytes"])
            _, excerpt = bundles.verify_bundle(out, self.key(big))
            self.assertEqual(excerpt.proof_bytes, said["proof_bytes"])


class Moving(Bundles):
    """spoor export and spoor import --kind evidence."""

    def setUp(self):
        super().setUp()
        self.add_events(LOGIN)
        self.add_events(LOGIN[:7], host="web-2")
        self.other = self.folder / "other"

    def export(self, name, *words, store=None):
        out = self.folder / name
        self.spoor("export", "--out", out, *words, store=store or self.store)
        return out

    def take(self, file, status=0, store=None):
        return self.spoor("import", "--kind", "evidence", "--key", self.key(), file, store=store or self.other,
                          status=status).stderr

    def origins(self, store=None, status=0):
        return json.loads(self.spoor("verify", "--json", store=store or self.other, status=status).stdout)["origins"]

    def test_the_other_store_gives_the_same_answers(self):
        self.assertIn("6 added", self.take(self.export("all")))
        for query in ("sessions", "root_transitions", "writers path=/etc/passwd", "commands", "coverage"):
            self.assertEqual(self.rows(self.other, query), self.rows(self.store, query), query)
        self.assertTrue(self.rows(self.other, "root_transitions"))
        origin, = self.origins()
        self.assertEqual((origin["entry_count"], origin["checkpoint_size"]), (6, 6))
        self.assertEqual(independent.verify(self.other).size, 7, "and the account of the import")

    def test_twice_is_told_and_not_doubled(self):
        out = self.export("all")
        self.take(out)
        before = digest_of_folder(self.other / "evidence")
        self.assertIn("0 added, 6 were here already", self.take(out))
        self.assertEqual(digest_of_folder(self.other / "evidence"), before)
        # What has come since is added, and only that.
        self.add_events(LOGIN[:3], host="web-3")
        self.assertIn("3 added, 6 were here already", self.take(self.export("more")))
        self.assertEqual(self.rows(self.other, "commands"), self.rows(self.store, "commands"))
        self.assertEqual([origin["entry_count"] for origin in self.origins()].count(9), 1)
        self.assertEqual(len(self.origins()), 2)

    def test_it_goes_on_where_something_is_already(self):
        self.add_events(LOSS, host="db-1", store=self.other)
        before = self.rows(self.other, "commands")
        self.take(self.export("all"))
        self.assertEqual(len(self.rows(self.other, "sessions")), len(self.rows(self.store, "sessions")))
        for row in before:
            self.assertIn(row, self.rows(self.other, "commands"))

    def test_a_part_says_what_is_missing_and_is_whole_when_the_rest_comes(self):
        first, last, middle = (self.export(name, "--entries", entries)
                               for name, entries in (("p0", "0..0"), ("p2", "2..2"), ("p1", "1..1")))
        self.take(first)
        self.assertEqual([gap["loss_class"] for gap in self.rows(self.other, "coverage")], ["end"])
        self.take(middle)
        self.take(last)
        self.assertEqual(self.rows(self.other, "coverage"), [])
        self.assertEqual(self.rows(self.other, "root_transitions"), self.rows(self.store, "root_transitions"))
        # Out of order: a hole that is stated, and a part that comes too late is refused as a whole.
        third = self.folder / "third"
        self.take(first, store=third)
        self.take(last, store=third)
        said = json.loads(self.spoor("verify", "--json", store=third, status=4).stdout)
        self.assertEqual([r["missing_batch_count"] for r in said["recordings"]], [1])
        self.assertIn("coverage", self.spoor("query", "commands", store=third, status=4).stderr)
        before = digest_of_folder(third / "evidence")
        self.assertIn("cannot stand behind", self.take(middle, status=5, store=third))
        self.spoor("verify", store=third, status=4)
        self.take(first, store=third)  # the log goes on
        self.assertEqual(digest_of_folder(third / "evidence"), before)

    def test_ranges_are_chosen_by_recording_and_by_time(self):
        recording = json.loads(self.spoor("sql", "--json", "SELECT recording_id FROM recording ORDER BY begin_wall_ns "
                                          "DESC LIMIT 1", store=self.store).stdout)["recording_id"]
        out = self.export("one", "--recording", recording)
        self.assertEqual(bundles.verify_bundle(out, self.key())[1].entry_count, 3)
        begin = json.loads(self.spoor("sql", "--json", "SELECT min(wall_ns) AS t FROM evidence_batch WHERE "
                                      f"recording_id = '{recording}'", store=self.store).stdout)["t"]
        def at(wall_ns):
            return f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(wall_ns // 10**9))}.{wall_ns % 10**9:09}Z"
        early = self.export("early", "--until", at(begin - 1))
        self.assertEqual(bundles.verify_bundle(early, self.key())[1].entry_count, 3)
        late = self.export("late", "--from", at(begin))
        self.assertEqual(bundles.verify_bundle(late, self.key())[1].entry_count, 3)
        for words in (("--from", "now"), ("--entries", "6..9")):
            self.spoor("export", "--out", self.folder / "none", *words, store=self.store, status=1)
        for words in (("--entries", "9..6"), ("--entries", "x"), ("--recording", "0" * 32)):
            self.spoor("export", "--out", self.folder / "none", *words, store=self.store, status=2)
        self.assertFalse((self.folder / "none").exists())

    def test_what_does_not_verify_changes_nothing(self):
        out = self.export("all", "--entries", "1..4")
        self.add_events(LOSS, host="db-1", store=self.other)
        before = digest_of_folder(self.other / "evidence")
        members = members_of(out)
        excerpt = members["evidence.excerpt"]
        for at in (20, len(excerpt) // 2, len(excerpt) - 30):
            members["evidence.excerpt"] = excerpt[:at] + bytes([excerpt[at] ^ 1]) + excerpt[at + 1:]
            write_bundle(self.folder / "forged", members)
            self.take(self.folder / "forged", status=3)
        wrong_key = self.key(self.other)
        self.spoor("import", "--kind", "evidence", "--key", wrong_key, out, store=self.other, status=3)
        self.assertEqual(digest_of_folder(self.other / "evidence"), before)

    def test_a_live_writer_is_waited_out_by_nobody(self):
        self.add_events(LOSS, host="db-1", store=self.other)
        before = digest_of_folder(self.other / "evidence")
        folder = os.open(self.other / "evidence", os.O_RDONLY)
        try:
            fcntl.flock(folder, fcntl.LOCK_EX)  # as a writer does, docs/formats/evidence.md
            self.assertIn("another writer", self.take(self.export("all"), status=5))
        finally:
            os.close(folder)
        self.assertEqual(digest_of_folder(self.other / "evidence"), before)
        self.take(self.folder / "all")

    def test_the_entries_of_an_answer_can_be_imported(self):
        bundle = self.prove("a.proof", "sessions")
        # What kind it is can be told from the file.
        self.spoor("import", "--key", self.key(), bundle, store=self.other)
        self.spoor("import", "--again", bundle, store=self.other, status=2)
        self.assertEqual(self.rows(self.other, "sessions"), self.rows(self.store, "sessions"))


class FromACollector(collecting.World):
    """A collector's own account must not be mixed up with what other logs say."""

    def test_its_recordings_move_and_its_account_stays(self):
        self.collector.start()
        recording, acknowledged, _, _, _, _ = self.result(self.sensor("--batches", 50))
        self.assertGreater(acknowledged, 50)
        self.collector.stop()
        out, other = self.folder / "all.evidence", self.folder / "other"
        collecting.spoor("export", "--store", self.collector.store, "--out", out)
        done = collecting.spoor("import", "--store", other, "--kind", "evidence", out)
        self.assertRegex(done.stderr, r"\d+ entries are that log's own accounts and stay there")
        batches = {entry[16:32].hex(): entry[10] for entry in collecting.read_log(other)}
        self.assertEqual(sorted(batches.values()), [3, 8], "one recording and the account of its import")
        self.assertEqual(collecting.recordings_of([entry for entry in collecting.read_log(other) if entry[10] != 8])
                         [recording], list(range(52)))
        said = json.loads(collecting.spoor("verify", "--store", other, "--json").stdout)
        self.assertEqual([origin["entry_count"] for origin in said["origins"]], [52])
        self.assertEqual(independent.verify(str(other)).size, len(collecting.read_log(other)))
        # The log that they come from proves its answers, too.
        bundle = self.folder / "a.proof"
        # What the synthetic sensor sends are no records that anybody understands: gaps, so 4.
        collecting.spoor("prove", "--store", self.collector.store, "--out", bundle, "--sql",
                       "SELECT count(*) AS n FROM evidence_batch", status=4)
        said = json.loads(collecting.spoor("verify", bundle, "--json", status=4).stdout)
        self.assertTrue(said["rows_derived"] and said["whole_log"])
        bundles.verify_bundle(bundle, str(self.collector.store / "key/log.vkey"))


class RealRecording(Bundles):
    def setUp(self):
        if reason := machine.why_it_cannot_record():
            self.skipTest(reason)
        super().setUp()

    def test_what_the_kernel_saw_is_proved(self):
        done = subprocess.run([SPOOR, "record", "--to", self.store, "--", "/bin/sh", "-c",
                               f"echo x > {self.folder}/written; cat {self.folder}/written > /dev/null"],
                              capture_output=True, text=True, timeout=collecting.PATIENCE_S, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        bundle = self.prove("a.proof", "writers", f"path={self.folder}/written", status=(0, 4))
        said = self.said(bundle, status=(0, 4))
        self.assertTrue(said["rows_derived"] and said["row_count"] >= 1)
        bundles.verify_bundle(bundle, self.key())
        other = self.folder / "other"
        out = self.folder / "all"
        self.spoor("export", "--out", out, store=self.store)
        self.spoor("import", "--kind", "evidence", out, store=other)
        self.assertEqual(self.rows(other, f"writers path={self.folder}/written"),
                         self.rows(self.store, f"writers path={self.folder}/written"))


    def test_a_recorder_that_goes_on_is_no_hindrance(self):
        recorder = subprocess.Popen([SPOOR, "record", "--to", self.store, "--", "/bin/sh", "-c",
                                     "while :; do /bin/true; done"], stderr=subprocess.PIPE, text=True)
        try:
            collecting.wait_until("there are programs", lambda: recorder.poll() is not None or self.has_programs())
            self.assertIsNone(recorder.poll(), "spoor record ended")
            bundle = self.prove("a.proof", "--sql", "SELECT count(*) AS n FROM exec", status=(0, 4))
        finally:
            recorder.terminate()
            recorder.communicate(timeout=collecting.PATIENCE_S)
        said = self.said(bundle, status=4)
        self.assertTrue(said["rows_derived"])
        self.assertEqual([recording["closed"] for recording in said["recordings"]], [False])
        self.assertIn("NO END", self.spoor("verify", bundle, status=4).stdout)

    def has_programs(self):
        done = subprocess.run([SPOOR, "sql", "--store", self.store, "SELECT 1 FROM exec LIMIT 1"],
                              capture_output=True, timeout=collecting.PATIENCE_S, check=False)
        return done.returncode == 0


if __name__ == "__main__":
    MAKE_LOG = os.path.abspath(sys.argv.pop(1))
    suite.main()
