#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A file that grows is followed: through rotation and truncation, after a kill, until it is told to end.

  follow_test.py SPOOR [unittest arguments]
"""
import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time
import unittest

from spoor_program import PROGRAM, Spoor

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "machine"))
import suite  # noqa: E402

HANGS_AFTER_S = 300


def line(number):
    return json.dumps({"timestamp": f"2024-01-02T03:04:{number:02}.000000+0000", "flow_id": number, "event_type": "http",
                       "src_ip": "10.0.0.1", "src_port": 4000 + number, "dest_ip": "10.0.0.2", "dest_port": 80}) + "\n"


class FollowTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.store = Spoor(self.folder / "store")
        self.log = self.folder / "eve.json"

    def append(self, text, log=None):
        with open(log or self.log, "a", encoding="utf-8") as file:
            file.write(text)

    def follow(self, *arguments):
        done = subprocess.Popen([PROGRAM, "import", "--store", self.store.store, "--follow", self.log, *arguments],
                                stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        self.addCleanup(done.stderr.close)
        self.addCleanup(done.wait)
        self.addCleanup(done.kill)
        return done

    def evidence_bytes(self):
        """All that was sealed so far, as an import's data."""
        if not (self.store.store / "evidence" / "checkpoint").exists():
            return 0
        rows = self.store.rows("sql", "SELECT sum(payload_bytes) AS n FROM evidence_batch WHERE kind = 'import_data'",
                               exit_codes=(0, 1, 4))
        return rows[0]["n"] or 0

    def wait_for(self, size):
        begin = time.monotonic()
        while self.evidence_bytes() < size:
            self.assertLess(time.monotonic() - begin, HANGS_AFTER_S, "it does not take what came")
            time.sleep(0.05)

    def end(self, follower, exit_code=0):
        follower.send_signal(signal.SIGTERM)
        said = follower.communicate(timeout=HANGS_AFTER_S)[1]
        self.assertEqual(follower.returncode, exit_code, said)
        return said

    def ports(self):
        return sorted(json.loads(row["message"])["src_port"] - 4000
                      for row in self.store.sql("SELECT message FROM log_line"))

    def test_takes_what_is_appended_and_ends_in_order(self):
        self.append(line(1))
        follower = self.follow("--host", "ids")
        self.wait_for(len(line(1)))
        self.append(line(2) + line(3)[:20])
        self.wait_for(len(line(1)) * 2)
        said = self.end(follower)
        self.assertIn("eve: 2 records, 2 log lines, 0 not decoded, 0 malformed", said)
        self.assertEqual(self.ports(), [1, 2])
        # What was half a line is taken by the next run, whole.
        self.append(line(3)[20:])
        follower = self.follow("--host", "ids")
        self.wait_for(len(line(1)) * 3)
        self.end(follower)
        self.assertEqual(self.ports(), [1, 2, 3])
        self.assertEqual(self.evidence_bytes(), self.log.stat().st_size)
        self.store.run("verify")

    def test_goes_on_after_a_rotation(self):
        self.append(line(1))
        follower = self.follow()
        self.wait_for(len(line(1)))
        os.rename(self.log, self.folder / "eve.json.1")
        self.append(line(2), self.folder / "eve.json.1")  # who writes has it open
        self.append(line(3))
        self.wait_for(len(line(1)) * 3)
        said = self.end(follower)
        self.assertEqual(said.count("eve:"), 2, said)
        self.assertEqual(self.ports(), [1, 2, 3])

    def test_goes_on_after_the_file_was_emptied(self):
        self.append(line(1) + line(2))
        follower = self.follow()
        self.wait_for(len(line(1)) * 2)
        self.log.write_text("", encoding="utf-8")
        self.append(line(3))
        self.wait_for(len(line(1)) * 3)
        self.end(follower)
        self.assertEqual(self.ports(), [1, 2, 3])

    def test_goes_on_after_a_kill_and_a_rotation_meanwhile(self):
        self.append(line(1))
        follower = self.follow()
        self.wait_for(len(line(1)))
        follower.send_signal(signal.SIGKILL)
        follower.wait()
        self.append(line(2))
        os.rename(self.log, self.folder / "eve.json.1")
        self.append(line(3))
        follower = self.follow()
        self.wait_for(len(line(1)) * 3)
        self.end(follower)
        self.assertEqual(self.ports(), [1, 2, 3])
        self.assertEqual(self.evidence_bytes(), 3 * len(line(1)), "nothing was taken twice")
        self.assertEqual(self.store.sql("SELECT count(*) AS n FROM gap"), [{"n": 0}])

    def test_waits_for_a_file_that_is_not_there_and_keeps_the_names_of_columns(self):
        self.log = self.folder / "conn.log"
        follower = self.follow()
        head = "#separator \\x09\n#unset_field\t-\n#path\tdns\n#fields\tts\tquery\n#types\ttime\tstring\n"
        self.append(head + "1704164645.0\ta\n")
        self.wait_for(self.log.stat().st_size)
        follower.send_signal(signal.SIGKILL)
        follower.wait()
        self.append("1704164646.0\tb\n")
        follower = self.follow()
        self.wait_for(self.log.stat().st_size + len(head))
        said = self.end(follower)
        self.assertIn("0 malformed", said)
        self.assertEqual(self.store.sql("SELECT count(DISTINCT wall_ns) AS n FROM log_line WHERE source = 'zeek dns'"), [{"n": 2}])
        self.store.run("rebuild")
        self.assertEqual(self.store.sql("SELECT count(*) AS n FROM log_line"), [{"n": 2}])

    def test_refuses_what_cannot_be_told(self):
        self.append("what is this?\n" * 1000)
        follower = self.follow()
        said = follower.communicate(timeout=HANGS_AFTER_S)[1]
        self.assertEqual(follower.returncode, 2, said)
        self.assertIn("say --kind", said)


if __name__ == "__main__":
    suite.main()
