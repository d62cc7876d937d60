# SPDX-License-Identifier: Apache-2.0
"""`spoor undo` on real files: an intrusion is told about files that are there, its script runs, and the files are
compared with what they were. Where something is not as it was left, nothing is touched."""
import json
import os
import pathlib
import re
import subprocess
import tempfile
import unittest

from spoor_program import Spoor

HOSTILE = "-x $(id)'\n\u202e;rm -rf"
START = [
    {"kind": "process", "process": "20", "uid": 0, "command": "sshd", "path": "/usr/sbin/sshd", "baseline": True},
    {"kind": "descriptor", "process": "20", "fd": 3, "object": "socket:2", "baseline": True,
     "socket": {"family": "inet", "type": "stream", "netns": 9, "local_ip": "0.0.0.0", "local_port": 22, "state": "listen"}},
    {"kind": "process", "process": "30", "uid": 0, "command": "dpkg", "path": "/usr/bin/dpkg", "baseline": True}]
ENTRY = [
    {"kind": "accept", "process": "20", "fd": 5, "object": "socket:30", "other_fd": 3, "other_object": "socket:2",
     "socket": {"family": "inet", "type": "stream", "protocol": 6, "netns": 9, "local_ip": "192.0.2.1", "local_port": 22,
                "remote_ip": "203.0.113.9", "remote_port": 4001}},
    {"kind": "fork", "process": "20", "child_process": "100"},
    {"kind": "setsid", "process": "100", "value": 100},
    {"kind": "exec", "process": "100", "path": "/usr/bin/dash", "arguments": ["sh", "-i"]}]
NEW = "O_WRONLY|O_CREAT|O_EXCL"


class Undo(unittest.TestCase):
    def setUp(self):
        self.scratch = tempfile.TemporaryDirectory()
        self.work = pathlib.Path(self.scratch.name).resolve()
        self.root = self.work / "root"
        self.root.mkdir()
        self.before, self.during = [], []

    def tearDown(self):
        self.scratch.cleanup()

    def put(self, path, text):
        """A file that the host has; its object."""
        file = self.root / path.lstrip("/")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        return f"file:8/{file.stat().st_ino}"

    def write(self, process, path, obj, text, flags, offset=0, events=None):
        events = self.during if events is None else events
        events.append({"kind": "open", "process": process, "fd": 6, "path": path, "object": obj, "flags": flags})
        events.append({"kind": "write", "process": process, "fd": 6, "size_bytes": len(text), "offset_bytes": offset,
                       "payload": text})
        events.append({"kind": "close", "process": process, "fd": 6})

    def call(self, kind, path, obj, **more):
        self.during.append({"kind": kind, "process": "100", "path": path, "object": obj, **more})

    def plan(self):
        """The script, what its --contents are, and the changes by path."""
        events = self.work / "events"
        # Nothing that was done may be newer than the files themselves.
        lines = START + self.before + ENTRY + self.during
        lines[0] = {**lines[0], "time": "2100-01-01T00:00:00Z"}
        events.write_text("".join(json.dumps(event) + "\n" for event in lines))
        self.spoor = Spoor(self.work / "store")
        self.spoor.run("import", "--kind", "events", "--host", "h", events)
        self.script, self.contents = self.work / "undo.sh", self.work / "contents"
        self.spoor.run("undo", "--session", 100, "--own", "--script", self.script, "--contents", self.contents)
        [told] = self.spoor.rows("undo", "--session", 100, "--own")
        return {change["path"]: change for change in told["changes"] if change["what"] != "process"}

    def run_script(self, *arguments):
        done = subprocess.run(["sh", self.script, "--root", self.root, "--contents", self.contents, *arguments],
                              capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL, cwd=self.work)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return done.stdout

    def files(self):
        return {str(path.relative_to(self.root)): path.read_text() if path.is_file() else None
                for path in self.root.rglob("*")}

    def intrude(self):
        """Everything that can be undone; what the host had before."""
        (self.root / "etc/cron.d").mkdir(parents=True)
        (self.root / "tmp").mkdir()
        self.put("/etc/keys", "mine\nevil\n")
        self.write("100", "/etc/keys", f"file:8/{(self.root / 'etc/keys').stat().st_ino}", "evil\n",
                   "O_WRONLY|O_CREAT|O_APPEND|FOUND", 5)
        self.write("100", "/etc/cron.d/job", self.put("/etc/cron.d/job", "bad\n"), "bad\n", NEW)
        conf = self.put("/etc/conf", "worse\n")
        self.write("30", "/etc/conf", conf, "good\n", NEW, events=self.before)
        self.write("100", "/etc/conf", conf, "worse\n", "O_WRONLY|O_TRUNC")
        self.write("30", "/etc/motd", "file:8/999999991", "hello\n", NEW, events=self.before)
        motd = self.put("/etc/motd", "owned\n")
        self.write("100", "/etc/motd.new", motd, "owned\n", NEW)
        self.call("rename", "/etc/motd.new", motd, other_path="/etc/motd", other_object="file:8/999999991")
        self.write("30", "/etc/issue", "file:8/999999992", "issue\n", NEW, events=self.before)
        self.call("unlink", "/etc/issue", "file:8/999999992")
        tool = self.put("/etc/.tool", "tool\n")
        self.call("rename", "/etc/tool", tool, other_path="/etc/.tool")
        (self.root / "tmp/d").mkdir()
        self.call("mkdir", "/tmp/d", f"directory:8/{(self.root / 'tmp/d').stat().st_ino}")
        name = f"/tmp/d/{HOSTILE}"
        self.write("100", name, self.put(name, "x"), "x", NEW)
        (self.root / "tmp/d/link").symlink_to("/etc/shadow")
        self.call("symlink", "/tmp/d/link", f"symlink:8/{(self.root / 'tmp/d/link').lstat().st_ino}",
                  other_path="/etc/shadow")
        return {"etc": None, "etc/cron.d": None, "tmp": None, "etc/keys": "mine\n", "etc/conf": "good\n",
                "etc/motd": "hello\n", "etc/issue": "issue\n", "etc/tool": "tool\n"}

    def test_a_script_that_is_applied_leaves_the_files_as_they_were(self):
        expected = self.intrude()
        self.plan()
        left = self.files()
        dry = self.run_script()
        self.assertEqual(self.files(), left, "a dry run changes nothing")
        self.assertIn("nothing was changed", dry)
        told = self.run_script("--apply", "--kept", "kept")
        self.assertEqual(self.files(), expected, told)
        # Nothing is lost, and nothing is done twice.
        self.assertIn("bad\n", {path.read_text() for path in (self.work / "kept").iterdir() if path.is_file()})
        again = self.run_script("--apply", "--kept", "kept2")
        self.assertEqual(self.files(), expected, again)
        self.assertRegex(again, r"\n0 actions")

    def test_a_script_is_ascii_and_has_names_as_words_only(self):
        self.intrude()
        self.plan()
        text = self.script.read_bytes()
        self.assertTrue(re.fullmatch(rb"[\n -~]*", text))
        for line in text.decode().splitlines():
            if "$(id)" in line:
                self.assertTrue(line.startswith("#"), line)
        subprocess.run(["sh", "-n", self.script], check=True)
        self.assertEqual(self.script.stat().st_mode & 0o777, 0o600)

    def test_what_is_not_as_it_was_left_is_left_alone(self):
        self.intrude()
        self.plan()
        (self.root / "etc/cron.d/job").write_text("mended\n")  # another content
        os.replace(self.put("/etc/other", "owned\n") and self.root / "etc/other", self.root / "etc/motd")  # another file
        (self.root / "etc/issue").symlink_to("/etc/passwd")  # something has the name
        (self.root / "etc/keys").write_text("mine\nevil\nlater\n")  # appended to
        os.rename(self.root / "tmp", self.root / "elsewhere")
        (self.root / "tmp").symlink_to("elsewhere")  # a folder above is a link
        for content in self.contents.iterdir():
            if content.read_text() == "good\n":
                content.write_text("forged\n")
        told = self.run_script("--apply", "--kept", "kept")
        files = self.files()
        self.assertEqual(files["etc/cron.d/job"], "mended\n")
        self.assertEqual(files["etc/motd"], "owned\n")
        self.assertEqual(files["etc/keys"], "mine\nevil\nlater\n")
        self.assertEqual(files["etc/conf"], "worse\n")
        self.assertTrue((self.root / "etc/issue").is_symlink())
        self.assertTrue((self.root / "elsewhere/d/link").is_symlink())
        for reason in ("it holds something else|its size is another", "another file has its name", "something has its name",
                       "a folder above it is a link", "is something else"):
            self.assertRegex(told, reason)

    def test_what_others_changed_later_is_never_undone_by_itself(self):
        conf = self.put("/etc/conf", "bad\nfixed\n")
        self.write("100", "/etc/conf", conf, "bad\n", NEW)
        self.write("30", "/etc/conf", conf, "fixed\n", "O_WRONLY|O_APPEND", 4)
        self.write("100", "/etc/other", "file:8/77", "bad\n", NEW)
        self.during.append({"kind": "rename", "process": "30", "path": "/etc/other.new", "other_path": "/etc/other",
                            "object": "file:8/78", "other_object": "file:8/77"})
        changes = self.plan()
        for path in ("/etc/conf", "/etc/other"):
            self.assertFalse(changes[path]["certain"])
            self.assertEqual(changes[path]["later"][0]["process"], "dpkg[30]")
        self.assertNotRegex(self.script.read_text(), r"(?m)^path='/etc/(conf|other)'")
        self.run_script("--apply", "--kept", "kept")
        self.assertEqual((self.root / "etc/conf").read_text(), "bad\nfixed\n")

    def test_what_the_record_does_not_know_is_not_done(self):
        self.call("unlink", "/etc/never-read", "file:8/70")
        self.write("100", "/etc/part", self.put("/etc/part", "0BAD4"), "BAD", "O_WRONLY", 1)
        self.call("chmod", "/etc/mode", "file:8/71", value=0o777)
        self.write("100", "/etc/no-number", "path:/etc/no-number", "x", "O_WRONLY|O_CREAT|O_TRUNC")
        changes = self.plan()
        for path in ("/etc/never-read", "/etc/part", "/etc/mode", "/etc/no-number"):
            self.assertFalse(changes[path]["certain"], path)
            self.assertTrue(changes[path]["doubts"], path)
        self.assertIn("0 actions", self.run_script())

    def test_what_others_did_because_of_it_is_told_and_not_undone_by_itself(self):
        self.write("100", "/etc/cron.d/job", self.put("/etc/cron.d/job", "bad\n"), "bad\n", NEW)
        self.during += [
            {"kind": "open", "process": "30", "fd": 9, "path": "/etc/cron.d/job", "flags": "O_RDONLY"},
            {"kind": "read", "process": "30", "fd": 9, "size_bytes": 4, "offset_bytes": 0, "payload": "bad\n"}]
        self.write("30", "/etc/planted", self.put("/etc/planted", "y"), "y", NEW)
        own = self.plan()
        self.assertNotIn("/etc/planted", own)
        [told] = self.spoor.rows("undo", "--session", 100)
        [planted] = [change for change in told["changes"] if change["path"] == "/etc/planted"]
        self.assertFalse(planted["own"] or planted["certain"])
        [told] = self.spoor.rows("undo", "--flow", "203.0.113.9:4001")
        self.assertEqual([(change["own"], change["certain"]) for change in told["changes"]
                          if change["path"] == "/etc/cron.d/job"], [(True, True)])


if __name__ == "__main__":
    unittest.main()
