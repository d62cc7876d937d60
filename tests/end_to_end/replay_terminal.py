# SPDX-License-Identifier: Apache-2.0
"""A terminal that is really typed on, recorded, and replayed: keys, corrections, output, a password."""
import json
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

from spoor_program import PROGRAM, Spoor, skip_where_the_machine_cannot_record
import suite  # tests/machine, as spoor_program makes it known
from machine import PATIENCE_S

# Types like a person: waits for what the screen must show before it goes on. Records itself (the
# master end) as well as the shell.
TYPIST = r"""
import fcntl, os, pty, select, struct, sys, termios, time
pid, master = pty.fork()
if pid == 0:
    os.environ.update(PS1="ready> ", TERM="xterm", HISTFILE="", PATH="/usr/bin:/bin")
    os.execv("/bin/bash", ["bash", "--norc", "--noprofile", "-i"])
fcntl.ioctl(master, termios.TIOCSWINSZ, struct.pack("HHHH", 31, 97, 0, 0))
seen = b""
def wait_for(text):
    global seen
    end = time.monotonic() + 900
    while text not in seen:
        if not select.select([master], [], [], max(0, end - time.monotonic()))[0]:
            sys.exit(f"no {text!r} on the screen: {seen!r}")
        seen += os.read(master, 4096)
    seen = seen[seen.index(text) + len(text):]
def type_keys(keys):
    for key in keys:
        os.write(master, bytes([key]))
        time.sleep(0.01)
wait_for(b"ready> ")
type_keys(b"echo one-twp\x7fo | tr a-z A-Z\r")
wait_for(b"ONE-TWO")
wait_for(b"ready> ")
type_keys(b"printf 'caf\\351\\n'\r")
wait_for(b"caf\xe9")
wait_for(b"ready> ")
type_keys(b"read -rs -p 'Password: ' secret; echo; echo length ${#secret}\r")
wait_for(b"Password: ")
time.sleep(0.2)
type_keys(b"hunter2\r")
wait_for(b"length 7")
fcntl.ioctl(master, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
wait_for(b"ready> ")
type_keys(b"exit\r")
wait_for(b"exit")
os.waitpid(pid, 0)
"""

WORK = spoor = None


def setUpModule():
    global WORK, spoor
    skip_where_the_machine_cannot_record()
    WORK = pathlib.Path(tempfile.mkdtemp(prefix="spoor-replay-"))
    unittest.addModuleCleanup(shutil.rmtree, WORK)
    typist = WORK / "typist.py"
    typist.write_text(TYPIST)
    store = WORK / "store"
    subprocess.run([PROGRAM, "record", "--to", store, "--profile", "honeypot", "--", sys.executable,
                    "-S", typist], check=True, timeout=PATIENCE_S, stdin=subprocess.DEVNULL)
    spoor = Spoor(store)


def shell():
    """The bash on the terminal."""
    rows = spoor.sql("SELECT process_id FROM exec WHERE executable LIKE '%/bash' AND result = 0 "
                     "ORDER BY boot_ns LIMIT 1")
    return rows[0]["process_id"]


def cast(version):
    file = WORK / f"v{version}.cast"
    spoor.run("replay", shell(), "--cast", file, "--cast-version", version)
    return file, [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]


class Text(unittest.TestCase):
    def test_keys_are_shown_with_their_corrections(self):
        self.assertIn("> echo one-twp[DEL]o | tr a-z A-Z", spoor.run("replay", shell(), "--text"))

    def test_output_is_shown_with_the_program_that_printed_it(self):
        lines = spoor.run("replay", shell(), "--text").splitlines()
        self.assertTrue(any(re.search(r"\] tr\[\d+\] < ONE-TWO$", line) for line in lines), lines)

    def test_what_was_typed_without_echo_is_there_and_marked(self):
        text = spoor.run("replay", shell(), "--input")
        self.assertIn("hunter2", text)
        self.assertNotIn("<", text)

    def test_programs_are_markers(self):
        self.assertIn("* exec tr a-z A-Z", spoor.run("replay", shell(), "--text"))

    def test_window_changes_are_shown(self):
        self.assertIn("* window 120 columns, 40 rows", spoor.run("replay", shell(), "--text"))


class Cast(unittest.TestCase):
    def test_version_2_has_ascending_times(self):
        _, (header, *events) = cast(2)
        self.assertEqual(header["version"], 2)
        self.assertLessEqual({event[1] for event in events}, set("oirm"))
        times = [event[0] for event in events]
        self.assertEqual(times, sorted(times))
        typed = "".join(event[2] for event in events if event[1] == "i")
        self.assertIn("echo one-twp\x7fo", typed)
        self.assertIn("120x40", [event[2] for event in events if event[1] == "r"])

    def test_version_3_has_the_same_events_with_intervals(self):
        _, (_, *absolute) = cast(2)
        _, (header, *relative) = cast(3)
        self.assertEqual(header["version"], 3)
        self.assertEqual([event[1:] for event in absolute], [event[1:] for event in relative])
        self.assertAlmostEqual(sum(event[0] for event in relative), absolute[-1][0], places=5)

    def test_bytes_that_are_not_utf8_are_kept_beside_it(self):
        file, _ = cast(2)
        raw = [json.loads(line) for line in pathlib.Path(f"{file}.raw").read_text().splitlines()]
        self.assertTrue(raw)
        self.assertEqual({"event", "code", "data_base64"}, set(raw[0]))


class Playback(unittest.TestCase):
    def test_off_a_terminal_nothing_is_played_unless_asked(self):
        self.assertNotIn("\x1b", spoor.run("replay", shell()))
        self.assertIn("ONE-TWO\r\n", spoor.run("replay", shell(), "--raw", "--speed", "1000"))

    def test_nothing_to_replay_is_an_answer(self):
        spoor.run("replay", "99999999", exit_codes=(1,))


if __name__ == "__main__":
    suite.main()
