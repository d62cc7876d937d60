#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Retention × export × prove × verify × import × rebuild: each way in which a store can have lost its beginning to a
policy (a test of STORES), and everything that is done with evidence then. What is left is exported, proved, imported
and derived as if nothing was missing; what is gone is said to be gone, with exit code 4. Both verifiers look at all.

  retention_matrix_test.py SPOOR SYNTHETIC_SENSOR MAKE_LOG [unittest arguments]
"""
import json
import os
import pathlib
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE / "../../tools")]
sys.dont_write_bytecode = True
import collecting  # noqa: E402  (takes the first two arguments)
from collecting import spoor  # noqa: E402
import suite  # noqa: E402
import verify as independent  # noqa: E402  (tools/verify.py)
import verify_bundle as bundles  # noqa: E402

MAKE_LOG = None
BUNDLE = 256
TABLES = ("host", "recording", "process", "event", "object", "io", "gap", "evidence_batch")
EVENTS = [{"kind": "process", "process": 100, "command": "sshd", "path": "/usr/sbin/sshd", "uid": 0, "baseline": True},
          {"kind": "fork", "process": 100, "child_process": 200},
          {"kind": "exec", "process": 200, "path": "/bin/sh", "arguments": ["sh"]},
          {"kind": "open", "process": 200, "path": "/etc/passwd", "object": "file:2049/12", "fd": 3, "flags": "O_WRONLY"},
          {"kind": "write", "process": 200, "fd": 3, "size_bytes": 4096},
          {"kind": "exit", "process": 200, "exit_code": 0}]


def make_log(store, count, mode):
    subprocess.run([MAKE_LOG, store, str(count), mode], check=True, timeout=collecting.PATIENCE_S)


def lines(text):
    return [json.loads(line) for line in text.splitlines()]


def digest_of_log(store):
    return {str(path): path.read_bytes() for path in sorted((store / "evidence").rglob("*")) if path.is_file()}


class Matrix(collecting.World):
    """A store of events of hosts: some before all else, recordings of a made-up host across the bundles, some amid and
    after them, and a recording that does not end."""

    def setUp(self):
        super().setUp()
        self.store = self.folder / "store"
        self.files = 0

    def out(self, name):
        self.files += 1
        return self.folder / f"{self.files}-{name}"

    def add_events(self, store, prefix, count):
        """`count` recordings of a host each."""
        names = []
        for number in range(count):
            file = self.folder / f"{prefix}-{number}.ndjson"
            file.write_text("".join(json.dumps({**event, "host": f"{prefix}-{number}",
                                                "boot_ns": 10**9 + at * 10**6 + number}) + "\n"
                                    for at, event in enumerate(EVENTS)))
            names.append(file)
        spoor("import", "--store", store, *names)

    def fill(self, store, is_open=True):
        self.add_events(store, "before", 3)  # entries 0 to 8
        make_log(store, 501, "events")  # 9 to 509
        self.add_events(store, "amid", 2)  # 510 to 515: the second bundle ends in the first
        make_log(store, 251, "events")  # 516 to 766
        self.add_events(store, "after", 5)  # 767 to 781: the third bundle ends behind the first's description
        if is_open:
            make_log(store, 100, "open")
        spoor("query", "--store", store, "coverage", status=None)

    # What is asked of a store, in the words of this test.

    def sql(self, store, text):
        return lines(spoor("sql", "--store", store, "--json", text, status=None).stdout)

    def tables(self, store):
        return {name: self.sql(store, f"SELECT * FROM {name} ORDER BY ALL") for name in TABLES}

    def proved(self, store, status=0):
        """What spoor verify says; the second verifier says the same."""
        said = json.loads(spoor("verify", "--store", store, "--json", status=status).stdout)
        log = independent.verify(str(store))
        self.assertEqual((said["entry_count"], said["root_sha256"]), (log.size, log.root.hex()))
        self.assertEqual(said["removals"], log.removed)
        self.assertEqual(log.complete, status == 0)
        return said

    def cut_of(self, said):
        return said["removals"][-1]["until_entry"] if said["removals"] else 0

    def bundle_said(self, store, bundle, status=0):
        """The same of a bundle."""
        said = json.loads(spoor("verify", bundle, "--key", store / "key/log.vkey", "--json", status=status).stdout)
        _, excerpt = bundles.verify_bundle(bundle, str(store / "key/log.vkey"))
        self.assertEqual((said["entry_count"], said["root_sha256"]), (excerpt.entry_count, excerpt.root.hex()))
        return said

    # The columns of the matrix.

    def check_everything(self, store, status=0, before=None, status_of_both=None):
        """`before`: a file of spoor export --store `store` of all, made before anything was removed. `status_of_both`: what
        spoor verify says of a store that took in `before` and what is left."""
        said = self.proved(store, status)
        cut = self.cut_of(said)
        self.check_rebuild(store)
        whole = self.check_export(store, said, cut, status)
        self.check_choices(store, said, cut)
        self.check_prove(store, said, cut)
        self.check_import(store, whole, before, cut, status, status if status_of_both is None else status_of_both)
        self.assertEqual(self.cut_of(self.proved(store, status)), cut)
        return cut

    def check_rebuild(self, store):
        rows = self.tables(store)
        spoor("rebuild", "--store", store)
        again = self.tables(store)
        for name in TABLES:
            self.assertEqual(rows[name], again[name], name)

    def check_export(self, store, said, cut, status):
        out = self.out("whole")
        done = spoor("export", "--store", store, "--out", out)
        self.assertEqual("were removed from the evidence by policy" in done.stderr, cut != 0, done.stderr)
        bundle = self.bundle_said(store, out)
        self.assertEqual((bundle["entry_count"], bundle["whole_log"], bundle["removed_until_entry"]),
                         (said["entry_count"] - cut, True, cut))
        if status == 0:
            self.assertEqual({item["missing_batch_count"] for item in bundle["recordings"]} - {0}, set())
        text = spoor("verify", out, "--key", store / "key/log.vkey").stdout
        self.assertIn("all that was left of it" if cut else "all that it had", text)
        return out

    def check_choices(self, store, said, cut):
        """Parts of the log by recording, by number, by time."""
        size = said["entry_count"]
        for recording in said["recordings"][:2] + said["recordings"][-2:]:
            is_cut = recording["first_entry"] < cut
            out = self.out("recording")
            spoor("export", "--store", store, "--recording", recording["recording_id"], "--out", out,
                  status=4 if is_cut else 0)
            if recording["last_entry"] < cut:
                self.assertFalse(out.exists())
                continue
            found, = (item for item in self.bundle_said(store, out)["recordings"]
                      if item["recording_id"] == recording["recording_id"])
            self.assertEqual((found["batch_count"], found["missing_batch_count"]),
                             (recording["batch_count"], recording["missing_batch_count"]))
        missing = spoor("export", "--store", store, "--recording", "f" * 32, "--out", self.out("none"),
                        status=4 if cut else 2)
        self.assertIn("no entry of that is left" if cut else "no recording", missing.stderr)
        for first, last, status in ((0, 0, 4 if cut else 0), (max(cut, 1) - 1, cut, 4 if cut else 0), (cut, cut, 0),
                                    (size - 1, size - 1, 0), (size, size + 5, 1)):
            out = self.out("entries")
            spoor("export", "--store", store, "--entries", f"{first}..{last}", "--out", out, status=status)
            written = range(max(first, cut), min(last + 1, size))
            self.assertEqual(out.exists(), bool(written), (first, last))
            if written:
                self.assertEqual(self.bundle_said(store, out)["entry_count"], len(written))
        out = self.out("time")
        spoor("export", "--store", store, "--until", "now", "--out", out, status=4 if cut else 0)
        self.bundle_said(store, out)
        out = self.out("late")
        done = spoor("export", "--store", store, "--from", "now", "--out", out, status=None)
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertFalse(out.exists())

    def check_prove(self, store, said, cut):
        """Questions whose rows lie before, across and behind the cut."""
        hosts = [row["name"] for row in self.sql(store, "SELECT name FROM host ORDER BY name")]
        for host in ("before-0", "made-up", "after-4", *hosts[:1]):
            for words in (("--sql", "SELECT kind, count(*) AS n FROM event JOIN host USING (host_id) WHERE host.name = "
                                    f"'{host}' GROUP BY ALL"),
                          ("--sql", f"SELECT event_id, boot_ns FROM event JOIN host USING (host_id) WHERE host.name = '{host}'")):
                self.check_proof(store, words, cut)
        self.check_proof(store, ("writers", "path=/etc/passwd"), cut)
        self.check_proof(store, ("--sql", "SELECT table_name FROM information_schema.tables WHERE false"), cut)
        for recording in said["recordings"][:2] + said["recordings"][-2:]:
            words = ("--recording", recording["recording_id"], "--sql",
                     f"SELECT count(*) AS n FROM evidence_batch WHERE recording_id = '{recording['recording_id']}'")
            if recording["last_entry"] >= cut:
                self.check_proof(store, words, cut)
                continue
            out = self.out("gone")
            done = spoor("prove", "--store", store, "--out", out, *words, status=4)
            self.assertIn("in what is left of the evidence", done.stderr)
            self.assertFalse(out.exists())
        if self.sql(store, "SELECT 1 AS one FROM event LIMIT 1"):
            out = self.out("touched")
            spoor("prove", "--store", store, "--touched", "--out", out, "--sql",
                  "SELECT event_id FROM event ORDER BY event_id LIMIT 3", status=None)
            self.assertFalse(self.bundle_said(store, out, status=4)["rows_derived"])

    def check_proof(self, store, words, cut):
        out = self.out("proof")
        done = spoor("prove", "--store", store, "--out", out, *words, status=None)
        self.assertIn(done.returncode, (0, 1, 4), done.stderr)
        # That the answer is none is an answer: the proof of it is whole.
        gaps = 4 if done.returncode == 4 else 0
        checked = spoor("verify", out, "--key", store / "key/log.vkey", "--json", status=None)
        self.assertIn(checked.returncode, (gaps, 4), checked.stderr)
        proof = json.loads(checked.stdout)
        self.assertTrue(proof["verified"] and proof["rows_derived"])
        if done.returncode != 4:
            self.assertEqual(proof["row_count"] == 0, done.returncode == 1)
        if "--recording" not in words:
            self.assertEqual((proof["whole_log"], proof["removed_until_entry"]), (True, cut))
        bundles.verify_bundle(out, str(store / "key/log.vkey"))

    def take(self, store, file, of, status=0):
        return spoor("import", "--store", store, "--kind", "evidence", "--key", of / "key/log.vkey", file,
                     status=status).stderr

    def check_import(self, store, whole, before, cut, status, status_of_both):
        # Into an empty store: what can be asked of the one can be asked of the other.
        other = self.out("empty")
        self.take(other, whole, store)
        said = json.loads(spoor("verify", "--store", other, "--json", status=None).stdout)
        self.assertTrue(said["verified"])
        self.assertEqual(independent.verify(str(other)).root.hex(), said["root_sha256"])
        counts = "SELECT host.name, kind, count(*) AS n FROM event JOIN host USING (host_id) GROUP BY ALL ORDER BY ALL"
        self.assertEqual(self.sql(other, counts), self.sql(store, counts))
        self.check_rebuild(other)
        # Again: nothing is doubled.
        log = digest_of_log(other)
        self.assertIn(" 0 added", self.take(other, whole, store))
        self.assertEqual(digest_of_log(other), log)
        # Into the store that it comes from.
        log = digest_of_log(store)
        self.assertIn(" 0 added", self.take(store, whole, store))
        if before is not None:
            done = self.take(store, before, store, status=4 if cut else 0)
            self.assertIn(" 0 added", done)
            self.assertEqual("stay removed" in done, cut != 0, done)
        self.assertEqual(digest_of_log(store), log)
        # Into a store that has a part of it: of the end, and of all that there was before.
        part = self.out("part")
        first = self.out("first")
        size = json.loads(spoor("verify", "--store", store, "--json", status=None).stdout)["entry_count"]
        spoor("export", "--store", store, "--entries", f"{cut}..{cut + (size - cut) // 3}", "--out", first)
        self.take(part, first, store)
        self.take(part, whole, store)
        self.assertTrue(json.loads(spoor("verify", "--store", part, "--json", status=None).stdout)["verified"])
        if before is not None:
            had = self.out("had")
            self.take(had, before, store)
            count, = self.sql(had, "SELECT count(*) AS n FROM evidence_batch")
            self.take(had, whole, store)
            # More only where something was added since.
            after, = self.sql(had, "SELECT count(*) AS n FROM evidence_batch")
            (self.assertEqual if status_of_both == status else self.assertGreater)(after["n"], count["n"])
            self.proved(had, status_of_both)

    # The rows of the matrix.

    def retain(self, store, *words):
        return spoor("retain", "--store", store, *words)

    def entry_bytes(self, store):
        return json.loads(spoor("verify", "--store", store, "--json").stdout)["entry_bytes"]

    def export_before(self, store):
        out = self.out("before")
        spoor("export", "--store", store, "--out", out)
        return out

    def test_nothing_was_removed(self):
        self.fill(self.store)
        before = self.export_before(self.store)
        self.assertEqual(self.check_everything(self.store, before=before), 0)

    def test_some_were_removed_by_size(self):
        self.fill(self.store)
        before = self.export_before(self.store)
        events = self.sql(self.store, "SELECT event_id, kind FROM event JOIN host USING (host_id) "
                                      "WHERE host.name LIKE 'after-%' ORDER BY ALL")
        self.retain(self.store, "--keep-bytes", self.entry_bytes(self.store) * 2 // 3)
        cut = self.check_everything(self.store, before=before)
        self.assertIn(cut, (BUNDLE, 2 * BUNDLE))
        # What came behind the cut is answered as before.
        self.assertEqual(self.sql(self.store, "SELECT event_id, kind FROM event JOIN host USING (host_id) "
                                              "WHERE host.name LIKE 'after-%' ORDER BY ALL"), events)
        # The recording that was cut says so, and so does the log of all that is gone as a whole. Of which host it was is
        # known of a sensor's recording, in which the first bundle ends, and not of an imported file, in which the second does.
        gaps = self.sql(self.store, "SELECT host_id, until_wall_ns FROM gap WHERE loss_class = 'retention' "
                                    "ORDER BY host_id NULLS FIRST")
        self.assertEqual([gap["host_id"] is None for gap in gaps], [True, cut == 2 * BUNDLE])
        # "Nothing found" is said only of times that can be looked at.
        asked = spoor("query", "--store", self.store, "writers", "path=/nowhere", status=4)
        self.assertIn("were removed from the evidence by policy", asked.stderr)
        spoor("query", "--store", self.store, "writers", "path=/nowhere",
              f"start={self.moment(gaps[0]['until_wall_ns'] + 1)}", status=None)

    def test_some_were_removed_by_age(self):
        self.fill(self.store)
        before = self.export_before(self.store)
        end = json.loads(spoor("verify", "--store", self.store, "--json").stdout)["recordings"][3]["last_wall_ns"]
        self.retain(self.store, "--keep", f"{time.time_ns() - end}ns")
        self.assertGreaterEqual(self.check_everything(self.store, before=before), BUNDLE)

    def test_all_but_an_open_recording_was_removed(self):
        self.fill(self.store)
        before = self.export_before(self.store)
        self.retain(self.store, "--keep", "0", "--remove-everything")
        self.assertEqual(self.check_everything(self.store, before=before), 3 * BUNDLE)

    def test_it_was_removed_twice(self):
        self.fill(self.store, is_open=False)
        first = self.export_before(self.store)
        self.retain(self.store, "--keep-bytes", self.entry_bytes(self.store) * 2 // 3)
        make_log(self.store, 400, "events")
        self.retain(self.store, "--keep-bytes", "20K")
        # What came between and went again is in neither.
        self.assertGreaterEqual(self.check_everything(self.store, before=first, status_of_both=4), 3 * BUNDLE)

    def test_an_import_was_removed_in_part(self):
        """The store that is cut has it from another, with an account of that."""
        origin = self.folder / "origin"
        self.fill(origin)
        spoor("import", "--store", self.store, "--kind", "evidence", self.export_before(origin))
        before = self.export_before(self.store)
        self.retain(self.store, "--keep-bytes", self.entry_bytes(self.store) // 2)
        self.assertGreaterEqual(self.check_everything(self.store, before=before), BUNDLE)
        # And what is left of it goes on to a third.
        self.take(self.store, self.out_of(origin), origin, status=4)

    def out_of(self, store):
        out = self.out("again")
        spoor("export", "--store", store, "--out", out)
        return out

    def test_an_import_came_from_a_store_that_was_cut(self):
        origin = self.folder / "origin"
        self.fill(origin)
        self.retain(origin, "--keep-bytes", self.entry_bytes(origin) * 2 // 3)
        spoor("import", "--store", self.store, "--kind", "evidence", self.export_before(origin))
        # It has a hole, and says so, whether more of it goes or not.
        self.assertEqual(self.check_everything(self.store, status=4), 0)
        made_up = "SELECT count(*) AS n FROM event JOIN host USING (host_id) WHERE host.name = 'made-up'"
        self.assertEqual(self.sql(self.store, made_up), self.sql(origin, made_up))
        self.assertGreater(self.sql(origin, made_up)[0]["n"], 0)

    def test_the_cut_goes_through_the_account_of_an_import(self):
        origin = self.folder / "origin"
        make_log(origin, 400, "interleaved")
        recording = json.loads(spoor("verify", "--store", origin, "--json").stdout)["recordings"][0]["recording_id"]
        out = self.out("one")
        spoor("export", "--store", origin, "--recording", recording, "--out", out)
        make_log(self.store, 2 * BUNDLE - 400 - 1, "closed")
        self.take(self.store, out, origin)
        account = [entry[16:32] for entry in collecting.read_log(self.store) if entry[10] == 8]
        self.assertGreater(len(account), 2, "the account has a batch on either side of the cut")
        self.retain(self.store, "--keep", "0", "--remove-everything")
        said = self.proved(self.store)
        self.assertEqual((self.cut_of(said), said["origins"]), (2 * BUNDLE, []))
        self.check_rebuild(self.store)
        self.check_export(self.store, said, 2 * BUNDLE, 0)
        self.take(self.store, out, origin, status=4)

    def collect(self):
        self.collector.start()
        self.result(self.sensor("--batches", 300, "--interval-us", 0))
        self.result(self.sensor("--batches", 300, "--interval-us", 0))
        self.collector.stop()
        return self.collector.store

    def test_a_collectors_store_was_cut(self):
        store = self.collect()
        before = self.export_before(store)
        self.retain(store, "--keep-bytes", self.entry_bytes(store) // 2)
        self.assert_proved(store)
        self.assertGreaterEqual(self.check_everything(store, before=before), BUNDLE)
        # More is collected and more is removed.
        self.collector.start()
        self.result(self.sensor("--batches", 300, "--interval-us", 0))
        self.collector.stop()
        self.retain(store, "--keep-bytes", self.entry_bytes(store) // 3)
        # The beginning of what was collected since is in neither.
        self.check_everything(store, before=before, status_of_both=4)
        self.assert_proved(store)

    def test_parts_of_a_collectors_store_verify(self):
        store = self.collect()
        recording = json.loads(spoor("verify", "--store", store, "--json").stdout)["recordings"][1]
        for words in (("--entries", "5..300"), ("--from", self.moment(recording["first_wall_ns"]))):
            out = self.out("part")
            spoor("export", "--store", store, *words, "--out", out)
            self.bundle_said(store, out)

    @staticmethod
    def moment(wall_ns):
        return f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(wall_ns // 10**9))}.{wall_ns % 10**9:09}Z"


if __name__ == "__main__":
    MAKE_LOG = os.path.abspath(sys.argv.pop(1))
    suite.main()
