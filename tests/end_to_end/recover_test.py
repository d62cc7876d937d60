# SPDX-License-Identifier: Apache-2.0
"""`spoor recover` against the files themselves: written in every way under the real sensor, recovered at many moments,
and compared byte for byte with what the program that wrote them read back then."""
import hashlib
import json
import os
import pathlib
import stat
import subprocess
import sys
import tempfile
import unittest

from spoor_program import PROGRAM, Spoor, skip_where_the_machine_cannot_record


def setUpModule():
    skip_where_the_machine_cannot_record()


class Recover(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.scratch = tempfile.TemporaryDirectory()
        root = pathlib.Path(cls.scratch.name)
        cls.folder, cls.kept, cls.out = root / "files", root / "kept", root / "out"
        for folder in (cls.folder, cls.kept, cls.out):
            folder.mkdir()
        (cls.folder / "there-before").write_bytes(b"0123456789")
        subprocess.run(
            [PROGRAM, "record", "--to", root / "store", "--profile", "honeypot", "--", sys.executable, "-B",
             pathlib.Path(__file__).parent / "writes_in_all_ways.py", cls.folder, cls.kept],
            stdin=subprocess.DEVNULL, capture_output=True, check=True)
        cls.spoor = Spoor(root / "store")
        cls.count = 0

    @classmethod
    def tearDownClass(cls):
        cls.scratch.cleanup()

    def recover(self, what, *arguments, exit_codes=(0, 4)):
        """What is said of a file, and its bytes."""
        type(self).count += 1
        out = self.out / str(self.count)
        [told] = self.spoor.rows("recover", what, "-o", out, *arguments, exit_codes=exit_codes)
        self.assertEqual(stat.S_IMODE(out.stat().st_mode), 0o600)
        return told, out.read_bytes()

    def test_files_are_what_they_were_at_each_moment(self):
        moments = json.loads((self.kept / "moments.json").read_text())
        self.assertGreater(len(moments), 15)
        for moment in moments:
            with self.subTest(moment["label"]):
                told, got = self.recover(moment["path"], "--at", moment["at_wall_ns"], exit_codes=(0,))
                expected = (self.kept / moment["label"]).read_bytes()
                self.assertEqual(got, expected)
                self.assertTrue(told["whole"])
                self.assertEqual(told["holes"], [])
                self.assertEqual(told["sha256"], hashlib.sha256(expected).hexdigest())

    def test_without_a_time_it_is_what_is_in_the_folder(self):
        for name in ("plain", "shared", "sparse", "between", "new-name", "hard-link", "large"):
            with self.subTest(name):
                self.assertEqual(self.recover(self.folder / name, exit_codes=(0,))[1], (self.folder / name).read_bytes())

    def test_a_deleted_file_and_one_that_lost_its_name_are_still_recovered(self):
        self.assertEqual(self.recover(self.folder / "deleted")[1], (self.kept / "deleted-1").read_bytes())
        versions = self.spoor.rows("recover", self.folder / "new-name", "--list", exit_codes=(0, 4))
        self.assertEqual({version["sha256"] for version in versions if version["whole"]} &
                         {hashlib.sha256((self.kept / label).read_bytes()).hexdigest()
                          for label in ("renamed-2", "renamed-over-1")},
                         {hashlib.sha256((self.kept / label).read_bytes()).hexdigest()
                          for label in ("renamed-2", "renamed-over-1")})

    def test_what_was_in_memory_only_is_recovered_with_its_type(self):
        [[object_id]] = [list(row.values()) for row in self.spoor.sql(
            "SELECT object_id FROM object WHERE type = 'memfd' AND path LIKE '%in-memory%'")]
        told, got = self.recover(object_id)
        self.assertEqual(got, (self.kept / "memfd").read_bytes())
        self.assertIn("shell script", told["type"])

    def test_holes_are_said_with_their_range_and_reason(self):
        def holes(name):
            told, got = self.recover(self.folder / name, exit_codes=(4,))
            self.assertFalse(told["whole"])
            self.assertIsNone(told["sha256"])
            return told, got, [(hole["from_bytes"], hole["until_bytes"], hole["reason"]) for hole in told["holes"]]
        told, got, found = holes("there-before")
        self.assertEqual(found, [(0, 4, "existed_before")])
        self.assertEqual(got[4:], b"NEW")
        self.assertFalse(told["has_known_end"])
        told, got, found = holes("cut")
        self.assertEqual(found, [(1024, 3000, "cut")])
        self.assertEqual((got[:1024], got[3000:]), (b"x" * 1024, b"y" * 10))
        for name in ("copied", "sent"):
            self.assertEqual(holes(name)[2], [(0, 20, "moved")], name)
        self.assertEqual(holes("mapped")[2], [(0, 4096, "mapped")])

    def test_what_is_not_there_is_nothing(self):
        self.spoor.run("recover", self.folder / "never", exit_codes=(1,))
        self.spoor.run("recover", self.folder / "plain", "--at", "2001-01-01", exit_codes=(1,))
        self.spoor.run("recover", self.folder / "plain", "--host", "elsewhere", exit_codes=(1,))

    def test_nothing_that_is_there_is_overwritten(self):
        taken, link = self.out / "taken", self.out / "link"
        taken.write_text("mine")
        link.symlink_to(taken)
        for out in (taken, link):
            self.spoor.run("recover", self.folder / "plain", "-o", out, exit_codes=(2,))
        self.assertEqual(taken.read_text(), "mine")
        self.spoor.run("recover", exit_codes=(2,))
        self.spoor.run("recover", self.folder / "plain", "--all", exit_codes=(2,))


HOSTILE = "/tmp/$(id) \u202e;rm -rf \n.."
EVENTS = [
    {"kind": "process", "process": "20", "uid": 0, "command": "sshd", "path": "/usr/sbin/sshd", "baseline": True},
    {"kind": "descriptor", "process": "20", "fd": 3, "object": "socket:2", "baseline": True,
     "socket": {"family": "inet", "type": "stream", "netns": 9, "local_ip": "0.0.0.0", "local_port": 22, "state": "listen"}},
    {"kind": "accept", "process": "20", "fd": 5, "object": "socket:30", "other_fd": 3, "other_object": "socket:2",
     "socket": {"family": "inet", "type": "stream", "protocol": 6, "netns": 9, "local_ip": "192.0.2.1", "local_port": 22,
                "remote_ip": "203.0.113.9", "remote_port": 4001}},
    {"kind": "fork", "process": "20", "child_process": "100"},
    {"kind": "setsid", "process": "100", "value": 100},
    {"kind": "exec", "process": "100", "path": "/usr/bin/dash", "arguments": ["sh", "-i"]},
    {"kind": "open", "process": "100", "fd": 6, "path": HOSTILE, "object": "file:8/12", "flags": "O_WRONLY|O_CREAT|O_EXCL"},
    {"kind": "write", "process": "100", "fd": 6, "size_bytes": 4, "offset_bytes": 0, "payload": "evil"},
    {"kind": "open", "process": "100", "fd": 7, "path": "/x/..", "object": "file:8/13", "flags": "O_WRONLY|O_CREAT|O_EXCL"},
    {"kind": "write", "process": "100", "fd": 7, "size_bytes": 4, "offset_bytes": 0, "payload": "more"},
]


class OfAnybody(unittest.TestCase):
    def test_names_that_an_intruder_chose_stay_in_the_folder(self):
        with tempfile.TemporaryDirectory() as scratch:
            root = pathlib.Path(scratch)
            events = root / "events"
            events.write_text("".join(json.dumps(event) + "\n" for event in EVENTS))
            spoor = Spoor(root / "store")
            spoor.run("import", "--kind", "events", "--host", "h", events)
            out = root / "out"
            rows = spoor.rows("recover", "--all", "--session", 100, "-o", out, exit_codes=(0, 4))
            names = os.listdir(out)
            self.assertEqual(len(names), 2)
            self.assertEqual(len(rows), 2)
            self.assertEqual({(out / name).read_text() for name in names}, {"evil", "more"})
            for name in names:
                self.assertRegex(name, r"\A[0-9]+-[A-Za-z0-9._-]*\Z")
            self.assertEqual(stat.S_IMODE(out.stat().st_mode), 0o700)
            spoor.run("recover", "--all", "--session", 100, "-o", out, exit_codes=(5,))  # nothing is overwritten

    def test_a_file_that_was_replaced_is_not_said_to_have_the_name_too(self):
        events = [
            {"kind": "process", "process": "7", "uid": 0, "command": "sed", "baseline": True},
            {"kind": "open", "process": "7", "fd": 3, "path": "/conf", "object": "file:8/12", "flags": "O_WRONLY|O_CREAT|O_EXCL",
             "boot_ns": 10**9, "wall_ns": 1_700_000_000 * 10**9},
            {"kind": "write", "process": "7", "fd": 3, "size_bytes": 3, "offset_bytes": 0, "payload": "old"},
            {"kind": "open", "process": "7", "fd": 4, "path": "/sedX", "object": "file:8/13", "flags": "O_WRONLY|O_CREAT|O_EXCL"},
            {"kind": "write", "process": "7", "fd": 4, "size_bytes": 3, "offset_bytes": 0, "payload": "new"},
            {"kind": "rename", "process": "7", "path": "/sedX", "other_path": "/conf", "boot_ns": 2 * 10**9,
             "wall_ns": 1_700_000_001 * 10**9 - 6}]  # the wall clock was corrected meanwhile
        with tempfile.TemporaryDirectory() as scratch:
            root = pathlib.Path(scratch)
            (root / "events").write_text("".join(json.dumps(event) + "\n" for event in events))
            spoor = Spoor(root / "store")
            spoor.run("import", "--kind", "events", "--host", "h", root / "events")
            done = subprocess.run([PROGRAM, "recover", "--store", root / "store", "/conf"], capture_output=True, text=True,
                                  check=False, stdin=subprocess.DEVNULL)
            self.assertEqual((done.returncode, done.stderr), (0, ""))
            self.assertIn("written by sed[7]", done.stdout)


if __name__ == "__main__":
    unittest.main()
