# SPDX-License-Identifier: Apache-2.0
"""`spoor record -- COMMAND` beside `strace -f COMMAND`: what strace sees, Spoor has to have."""
import collections
import http.server
import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import threading
import unittest

from spoor_program import PROGRAM, Spoor, skip_where_the_machine_cannot_record
import suite  # tests/machine, as spoor_program makes it known
from machine import PATIENCE_S

# A shell with a pipe, a compiler (vfork, temporary files), a failing and a working client, an interpreter.
COMMAND = """
printf 'int main(void) { return 0; }\\n' > one.c
gcc -o one one.c && ./one
ls / | sort > names
curl -s -o page http://127.0.0.1:{port}/
curl -s http://127.0.0.1:1/ || true
cat missing 2>/dev/null || true
python3 -S -c 'import os; os.fork() or os._exit(0); os.wait(); open("made", "w").write("x")'
"""
TEMPORARY = re.compile(r"/cc[A-Za-z0-9]{6}\b")  # gcc's names differ from run to run
WORK = spoor = trace = None


class Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"a page\n")

    def log_message(self, *_):
        pass


def setUpModule():
    global WORK, spoor, trace
    skip_where_the_machine_cannot_record()
    WORK = pathlib.Path(tempfile.mkdtemp(prefix="spoor-strace-"))
    unittest.addModuleCleanup(shutil.rmtree, WORK)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Page)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    unittest.addModuleCleanup(server.server_close)
    unittest.addModuleCleanup(server.shutdown)
    command = ["/bin/sh", "-c", COMMAND.replace("{port}", str(server.server_port))]
    environment = {"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "HOME": "/nonexistent"}
    folder = WORK / "folder"  # the same for both, so that the paths are

    def run(*prefix):
        folder.mkdir()
        subprocess.run([*prefix, *command], check=True, cwd=folder, env=environment, timeout=PATIENCE_S,
                       stdin=subprocess.DEVNULL)
        shutil.rmtree(folder)

    # -ff: a file for each process, so that no line is cut in two by another process.
    run("strace", "-ff", "-y", "-qq", "-s", "4096", "-o", WORK / "trace", "-e", "signal=none", "-e",
        "trace=execve,openat,open,creat,connect,exit_group")
    trace = "".join(f"{path.suffix[1:]} {line}" for path in WORK.glob("trace.*")
                    for line in path.read_text().splitlines(keepends=True))
    run(PROGRAM, "record", "--to", WORK / "store", "--")
    spoor = Spoor(WORK / "store")


class Comparison(unittest.TestCase):
    def assert_nothing_missing(self, wanted, found):
        self.assertTrue(wanted, "strace saw nothing")
        missing = collections.Counter(wanted) - collections.Counter(found)
        self.assertFalse(missing, "strace saw these and Spoor did not")

    def test_no_process_is_missing(self):
        seen = set(re.findall(r"^(\d+) ", trace, flags=re.MULTILINE))
        rows = spoor.sql("SELECT count(*) AS n FROM process")
        self.assertGreaterEqual(rows[0]["n"], len(seen))

    def test_no_executed_program_is_missing(self):
        wanted = [os.path.realpath(path) for path in
                  re.findall(r'^\d+ +execve\("([^"]+)".* = 0$', trace, flags=re.MULTILINE)
                  if not path.startswith("./")]
        found = [row["executable"] for row in
                 spoor.sql("SELECT executable FROM exec WHERE result = 0")]
        self.assert_nothing_missing(wanted, found)

    def test_no_refused_program_is_missing(self):
        pattern = r'^\d+ +execve\("([^"]+)".* = -1 ENOENT'
        wanted = re.findall(pattern, trace, flags=re.MULTILINE)
        rows = spoor.sql("SELECT coalesce(user_path, executable) AS path FROM exec WHERE result = -2")
        self.assertEqual(collections.Counter(wanted) - collections.Counter(r["path"] for r in rows),
                         collections.Counter())

    def test_no_opened_file_is_missing(self):
        pattern = r"^\d+ +(?:openat|open|creat)\(.* = \d+<([^>]+)>$"
        wanted = [TEMPORARY.sub("/ccXXXXXX", path) for path in
                  re.findall(pattern, trace, flags=re.MULTILINE)]
        found = [TEMPORARY.sub("/ccXXXXXX", row["path"] or "") for row in
                 spoor.sql("SELECT path FROM event WHERE kind = 'open' AND result >= 0 AND NOT baseline")]
        self.assert_nothing_missing(wanted, found)

    def test_no_failed_open_is_missing(self):
        pattern = r"^\d+ +openat\(.*, \"([^\"]+)\".* = -1 ENOENT"
        wanted = re.findall(pattern, trace, flags=re.MULTILINE)
        rows = spoor.sql("SELECT path FROM event WHERE kind = 'open' AND result = -2")
        # Spoor names the file from the root; strace has what the program passed.
        found = [row["path"] for row in rows]
        for path in set(wanted):
            self.assertTrue(any(name.endswith(os.path.normpath(path).lstrip("./")) for name in found),
                            path)
        self.assertGreaterEqual(len(found), len(wanted))

    def test_no_connection_is_missing(self):
        pattern = (r"^\d+ +connect\(.*sin_port=htons\((\d+)\), sin_addr=inet_addr\(\"([\d.]+)\"\)")
        wanted = [(address, int(port)) for port, address in
                  re.findall(pattern, trace, flags=re.MULTILINE)]
        rows = spoor.sql("SELECT s.remote_ip, s.remote_port FROM event AS e JOIN socket AS s "
                         "ON s.object_id = e.object_id WHERE e.kind = 'connect'")
        self.assert_nothing_missing(wanted, [(row["remote_ip"], row["remote_port"]) for row in rows])


if __name__ == "__main__":
    suite.main()
