#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""An intruder names everything that can be named so that a terminal would obey, turn text around or hide
some of it. Every reading subcommand in every format is run on that store, and every mistake is made with such
words: what it prints is harmless, its messages are bounded, and its JSON still holds the values.

  hostile_text_test.py SPOOR [unittest arguments]
"""
import base64
import http.server
import itertools
import json
import os
import pathlib
import pty
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import unittest

from spoor_program import PROGRAM

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "machine"))
import suite  # noqa: E402

# Control characters (C0, DEL, C1), what turns text around, what has no width, tags, line separators.
HARMFUL = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f"
                     "\u2028-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\U0001bca0-\U0001bca3"
                     "\U0001d173-\U0001d17a\U000e0000-\U000e0fff]")
ERROR_LINE_CHARACTERS_MAX = 2000
# Clipboard, title, C1 CSI, override, isolate, zero width, joiner, mark, tag, annotation, separators.
EVIL = ("\x1b]52;c;QUJD\x07\x1b]0;t\x07\x1b[2J\x9b31m\u202eexe\u2066\u200b\u2060\ufeff\U000e0041\ufff9\u2028\u2029"
        "\x7f\x00\r\n\t\\\"'`=,;")
# A name without what no path and no host can have, and one for the places that a NUL would end.
NAME = EVIL.replace("\x00", "").replace("/", "")
FORMULA = "=cmd|'/C calc'!A0"
HOST = "web" + NAME
LONG = "\x1b[31m" + "\u202e€" * 20000


def process(pid):
    return f"{pid}@{pid}000"


EVENTS = [
    {"kind": "process", "process": process(1), "command": "init" + NAME, "path": "/sbin/init" + NAME, "baseline": True,
     "arguments": ["init", EVIL]},
    {"kind": "process", "process": process(100), "parent_process": process(1), "command": "sshd" + NAME,
     "path": "/usr/sbin/sshd", "uid": 0, "baseline": True},
    {"kind": "descriptor", "process": process(100), "fd": 3, "object": "socket:60", "baseline": True,
     "socket": {"family": "inet", "type": "stream", "protocol": 6, "local_ip": "192.0.2.10", "local_port": 22,
                "state": "listen"}},
    {"kind": "accept", "process": process(100), "fd": 4, "object": "socket:61", "other_fd": 3, "other_object": "socket:60",
     "socket": {"family": "inet", "type": "stream" + NAME, "protocol": 6, "local_ip": "192.0.2.10", "local_port": 22,
                "remote_ip": "198.51.100.7" + NAME, "remote_port": 4444, "state": "established" + NAME}},
    {"kind": "recv", "process": process(100), "fd": 4, "object": "socket:61", "size_bytes": 60,
     "payload": "GET /%1b%5d52 " + EVIL},
    {"kind": "fork", "process": process(100), "child_process": process(200)},
    {"kind": "descriptor", "process": process(200), "fd": 0, "object": "pty:24/3#1", "path": "/dev/pts/3" + NAME,
     "baseline": True},
    {"kind": "descriptor", "process": process(200), "fd": 1, "object": "pty:24/3#1", "path": "/dev/pts/3" + NAME,
     "baseline": True},
    {"kind": "setsid", "process": process(200), "value": 200},
    {"kind": "exec", "process": process(200), "path": "/bin/bash", "user_path": "./" + NAME, "object": "file:2049/5",
     "command": "bash", "arguments": ["-bash", EVIL, FORMULA, "\u202e"], "working_directory": "/home/" + NAME,
     "interpreter": "/lib/" + NAME, "credentials": {"uid": 33, "gid": 33}},
    {"kind": "exec", "process": process(200), "path": "/run/spoor-canary/" + "0123456789abcdef" * 2, "result": -2,
     "command": "bash", "arguments": []},
    {"kind": "read", "process": process(200), "fd": 0, "object": "pty:24/3#1", "size_bytes": 30, "payload": "id" + EVIL + "\n",
     "terminal": {"rows": 24, "columns": 80, "echo": True, "canonical": True}},
    {"kind": "write", "process": process(200), "fd": 1, "object": "pty:24/3#1", "size_bytes": 60,
     "payload_base64": base64.b64encode(b"\xff\xc0\xaf\xed\xa0\x80" + EVIL.encode() + b"\r\n").decode(),
     "terminal": {"rows": 24, "columns": 80, "echo": True, "canonical": True}},
    {"kind": "fork", "process": process(200), "child_process": process(201)},
    {"kind": "exec", "process": process(201), "path": "/tmp/" + NAME, "user_path": FORMULA, "object": "file:2049/6",
     "command": NAME[:15], "mode": "0104755", "arguments": [FORMULA, EVIL], "credentials": {"uid": 33, "euid": 0, "gid": 33}},
    {"kind": "open", "process": process(201), "path": "/etc/cron.d/" + NAME, "user_path": "../" + NAME,
     "object": "file:2049/12", "fd": 5, "flags": "O_WRONLY|O_CREAT|O_TRUNC"},
    {"kind": "write", "process": process(201), "fd": 5, "object": "file:2049/12", "size_bytes": 20, "payload": EVIL},
    {"kind": "rename", "process": process(201), "path": "/etc/cron.d/" + NAME, "other_path": "/etc/cron.d/z" + NAME,
     "object": "file:2049/12"},
    {"kind": "unlink", "process": process(201), "path": "/var/log/" + NAME, "object": "file:2049/13"},
    {"kind": "socket", "process": process(201), "fd": 6, "object": "socket:70",
     "socket": {"family": "unix", "type": "stream"}},
    {"kind": "connect", "process": process(201), "fd": 6, "object": "socket:70",
     "socket": {"family": "unix", "type": "stream", "unix_path": "@" + NAME}},
    {"kind": "connect", "process": process(201), "fd": 7, "object": "socket:71",
     "socket": {"family": "inet", "type": "stream", "protocol": 6, "local_ip": "192.0.2.10", "local_port": 5,
                "remote_ip": "203.0.113.9", "remote_port": 443}},
    {"kind": "connect", "process": process(201), "fd": 8, "object": "socket:72",
     "socket": {"family": "inet" + NAME, "type": "stream", "protocol": 6, "remote_ip": "203.0.113.9", "remote_port": 80}},
    {"kind": "credential_change", "process": process(201), "credentials": {"uid": 0, "gid": 0}, "syscall": "setuid" + NAME},
    # Another process of the same pid: "200" is ambiguous.
    {"kind": "exit", "process": process(200), "exit_code": 0},
    {"kind": "fork", "process": process(201), "child_process": "200@900000000"},
    {"kind": "exec", "process": "200@900000000", "path": "/bin/sh", "arguments": ["sh", EVIL, LONG[:4000]],
     "object": "file:2049/7", "command": "sh"},
    {"kind": "loss", "loss": {"loss_class": "io", "count": 12, "from_boot_ns": 1, "reason": "full " + LONG[:3000] + EVIL}},
    {"kind": "loss", "loss": {"loss_class": EVIL, "count": 1, "from_boot_ns": 1}},
    {"kind": "exit", "process": process(201), "exit_code": 0},
]


class Answer:
    def __init__(self, words, code, out, error):
        self.words, self.code, self.out, self.error = words, code, out, error


def run(*words, env=None, stdin=b""):
    done = subprocess.run([PROGRAM, *words], input=stdin, capture_output=True, check=False,
                          env={**os.environ, **(env or {})})
    return Answer(words, done.returncode, done.stdout, done.stderr)


def on_terminal(*words):
    """The same with a terminal as stdout and stderr."""
    leader, follower = pty.openpty()
    child = subprocess.Popen([PROGRAM, *words], stdin=subprocess.DEVNULL, stdout=follower, stderr=follower)
    os.close(follower)
    out = b""
    while True:
        try:
            part = os.read(leader, 65536)
        except OSError:  # EIO: nobody has the other side open
            break
        if not part:
            break
        out += part
    os.close(leader)
    return Answer(words, child.wait(), out, b"")


class HostileText(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="spoor-hostile-text-"))
        # Neither UTF-8 nor harmless, and a pattern.
        cls.store = os.fsencode(cls.folder) + b"/\xff[*]\x1b]52;c;QQ\x07\xe2\x80\xae"
        events = os.fsencode(cls.folder) + b"/\xff\x1b[31m.ndjson"
        boot_ns = 1_000_000_000
        lines = []
        for number, event in enumerate(EVENTS):
            event = {"host": HOST, "boot_id": "0a0b0c0d-0000-4000-8000-000000000001", "boot_ns": boot_ns + number * 1_000_000,
                     "wall_ns": 1_795_293_095_000_000_000 + number * 1_000_000, **event}
            lines.append(json.dumps(event))
        pathlib.Path(os.fsdecode(events)).write_text("\n".join(lines) + "\n")
        cls.imported = run("import", "--store", cls.store, events)

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.folder)

    def assert_harmless(self, answer, csv=False, colours=False):
        self.assertGreaterEqual(answer.code, 0, f"{answer.words}: ended by a signal: {answer.error[-500:]}")
        for name, data in (("stdout", answer.out), ("stderr", answer.error)):
            try:
                text = data.decode()
            except UnicodeDecodeError as error:
                self.fail(f"{answer.words}: {name} is not UTF-8: {error}: {data[max(0, error.start - 40):error.start + 20]}")
            if csv or colours:
                text = text.replace("\r\n", "\n")
            if colours:
                text = re.sub(r"\x1b\[[0-9;]*m|\r\x1b\[K", "", text)
            found = HARMFUL.search(text)
            if found:
                self.fail(f"{answer.words}: {name} has {found[0]!r}: {text[max(0, found.start() - 80):found.end() + 20]!r}")
        for line in answer.error.decode().split("\n"):
            self.assertLessEqual(len(line), ERROR_LINE_CHARACTERS_MAX, f"{answer.words}: {line[:200]}")

    def ask(self, command, *words, codes=(0, 1, 4), csv=False):
        answer = run(command, "--store", self.store, *words)
        self.assert_harmless(answer, csv)
        self.assertIn(answer.code, codes, f"{answer.words}: {answer.error.decode()}")
        return answer

    def rows(self, *words):
        return [json.loads(line) for line in self.ask(*words, "--json").out.decode().splitlines()]

    def queries(self):
        return [json.loads(line) for line in run("query", "--list", "--json").out.decode().splitlines()]

    def arguments(self, query):
        """One argument for each parameter that must be given, and for those that choose much."""
        good = {"process": str(self.process_id), "session": str(self.process_id), "path": "*", "start": "beginning", "end": "open",
                "time": "2026-11-21T20:31:35.010000000Z", "fd": "5", "fds": "0,1,5", "by": "source_ip", "flow": 1}
        return [f"{parameter['name']}={good[parameter['name']]}" for parameter in query["parameters"]
                if not parameter["optional"]]

    @property
    def process_id(self):
        return self.rows("sql", "SELECT process_id FROM process WHERE pid = 200 ORDER BY start_boot_ns")[0]["process_id"]

    # ---- what is asked

    def test_an_import_says_what_it_did(self):
        self.assert_harmless(self.imported)
        self.assertEqual(self.imported.code, 0, self.imported.error)

    def test_the_library_answers_in_every_format(self):
        for query in self.queries():
            words = [query["name"], *self.arguments(query)]
            for form in ((), ("--json",), ("--csv",)):
                answer = self.ask("query", *words, *form, csv=form == ("--csv",))
                if form == ("--json",):
                    for line in answer.out.decode().splitlines():
                        json.loads(line)
            self.assert_harmless(run("query", query["name"], "--help"))

    def test_tables_answer_in_every_format(self):
        tables = [row["name"] for row in self.rows("sql", "SHOW TABLES")]
        self.assertIn("exec", tables)
        for table, form in itertools.product(tables, ((), ("--json",), ("--csv",))):
            self.ask("sql", f"SELECT * FROM {table}", *form, csv=form == ("--csv",))

    def test_json_holds_the_values(self):
        self.assertEqual([row["name"] for row in self.rows("sql", "SELECT name FROM host")], [HOST])
        paths = {row["path"] for row in self.rows("sql", "SELECT path FROM event WHERE path IS NOT NULL")}
        self.assertIn("/etc/cron.d/" + NAME, paths)
        executed = self.rows("sql", "SELECT user_path, executable, command_line FROM exec ORDER BY event_id")
        self.assertIn("./" + NAME, [row["user_path"] for row in executed])
        self.assertIn("/tmp/" + NAME, [row["executable"] for row in executed])
        self.assertTrue(any(EVIL.replace("\x00", "")[:20] in (row["command_line"] or "") for row in executed), executed)
        sockets = self.rows("sql", "SELECT unix_path, remote_ip FROM socket")
        self.assertIn("@" + NAME, [row["unix_path"] for row in sockets])
        self.assertIn("198.51.100.7" + NAME, [row["remote_ip"] for row in sockets])
        self.assertTrue(self.rows("sql", "SELECT reason FROM gap")[0]["reason"].endswith(EVIL))
        status = json.loads(self.ask("status", "--json").out)
        self.assertEqual(status["hosts"][0]["name"], HOST)
        self.assertIn("\\xFF[*]\x1b]52;c;QQ\x07\u202e", status["store"])
        graph = json.loads(self.ask("track", "--process", str(self.process_id), "--format", "json").out)
        self.assertEqual(graph["gaps"][0]["host"], HOST)

    def test_csv_is_one_line_for_a_row_and_no_formula(self):
        out = self.ask("sql", "--csv", "SELECT user_path, -1 AS number FROM exec WHERE user_path IS NOT NULL ORDER BY event_id",
                       csv=True).out.decode()
        lines = out.split("\r\n")
        self.assertEqual(lines[0], "user_path,number")
        self.assertEqual(len(lines), 4, lines)
        self.assertEqual(lines[2], "'" + FORMULA + ",-1")
        for begin in ("=", "+", "-", "@", "\t", "\r", "\uff1d"):
            out = self.ask("sql", "--csv", f"SELECT chr({ord(begin)}) || '1' AS x", csv=True).out.decode()
            self.assertTrue(out.split("\r\n")[1].startswith("'"), out)

    def test_status_coverage_and_watch(self):
        self.ask("status")
        self.ask("query", "coverage")
        for form in ((), ("--json",)):
            self.ask("watch", "--once", *form)

    def test_graphs_in_every_format(self):
        formats = ["tree", "dot", "json"] + (["svg"] if shutil.which("dot") else [])
        starts = [("--process", str(self.process_id)), ("--file", "/etc/cron.d/" + NAME), ("--flow", "203.0.113.9:443")]
        for start, form in itertools.product(starts, formats):
            answer = self.ask("track", *start, "--format", form, "--no-rules")
            self.assertNotEqual(answer.out, b"", (start, form))
            file = self.folder / "graph"
            self.ask("track", *start, "--format", form, "--out", file)
            self.assertIsNone(HARMFUL.search(file.read_text()), (start, form))
        self.ask("track", "--file", "/etc/cron.d/" + NAME, "--why", "203.0.113.9:443")
        self.ask("track", "--file", "/etc/cron.d/" + NAME, "--why", "/no" + NAME)
        self.ask("track", "--file", "/nowhere/" + NAME)

    def test_replays_and_reports(self):
        pid = str(self.process_id)
        for form in ("--text", "--input"):
            self.assertIn(b"id", self.ask("replay", pid, form).out)
        for version in ("2", "3"):
            cast = self.folder / "session.cast"
            self.ask("replay", pid, "--cast", cast, "--cast-version", version)
            text = cast.read_text()
            self.assertIsNone(HARMFUL.search(text))
            self.assertTrue(any(EVIL.replace("\n", "\r\n")[:8] in json.loads(line)[2] for line in text.splitlines()[1:]), text)
        for choice in ((), ("--process", pid)):
            for form in ((), ("--json",)):
                out = self.folder / "story"
                self.ask("report", *choice, *form)
                self.ask("report", *choice, *form, "--out", out)
                if out.exists():
                    self.assertIsNone(HARMFUL.search(out.read_text()))

    def test_evidence_and_bundles(self):
        for form in ((), ("--json",), ("--quiet",)):
            self.ask("verify", *form, codes=(0, 4))
        bundle = os.fsencode(self.folder) + b"/\x1b[31m\xff.spoorproof"
        self.ask("prove", "--out", bundle, "commands", codes=(0, 4))
        sql = os.fsencode(self.folder) + b"/\x9b\xff2.spoorproof"
        self.ask("prove", "--out", sql, "--sql", f"SELECT '{NAME.replace(chr(39), '')}' AS \"a\u202e\", path FROM event")
        for file, form in itertools.product((bundle, sql), ((), ("--json",), ("--quiet",))):
            answer = run("verify", file, *form)
            self.assert_harmless(answer)
            self.assertIn(answer.code, (0, 4), answer.error)
        whole = os.fsencode(self.folder) + b"/\x1b[2J\xff.evidence"
        self.ask("export", "--out", whole)
        other = os.fsencode(self.folder) + b"/\xffother"
        answer = run("import", "--store", other, "--kind", "evidence", whole)
        self.assert_harmless(answer)
        self.assertEqual(answer.code, 0, answer.error)
        self.ask("export", "--out", os.fsencode(self.folder) + b"/none", "--until", "beginning")

    def test_a_terminal_gets_no_more(self):
        for words in (("status",), ("query", "commands"), ("query", "coverage"), ("sql", "FROM exec"), ("sql", "--json", "FROM exec"),
                      ("track", "--file", "/etc/cron.d/" + NAME), ("report",), ("track", "--process", "200"), ("undo", "--process", "200"),
                      ("undo", "--process", "200", "--json"),
                      ("replay", str(self.process_id), "--text")):
            answer = on_terminal(words[0], "--store", self.store, *words[1:])
            self.assert_harmless(answer, colours=True)
            self.assertNotEqual(answer.out, b"", words)

    # ---- what goes wrong

    def test_an_ambiguous_process_is_described_harmlessly(self):
        for words in (("query", "children", "process=200"), ("track", "--process", "200"), ("replay", "200"),
                      ("report", "--process", "200")):
            answer = self.ask(*words, codes=(2,))
            self.assertIn(b"matches 2", answer.error)
            self.assertEqual(answer.error.count(b"\n"), 1)

    def test_wrong_words_are_told_in_one_line_that_names_them(self):
        word = "oops" + NAME
        mistakes = [(word,), ("--" + word,), ("query", "--" + word), ("query", word), ("query", "children", word),
                    ("query", "children", "process=" + word), ("query", "children", word + "=1"),
                    ("query", "writers", "path=x", "start=" + word), ("query", "writers", "path=x", "end=oops" + LONG),
                    ("sql", "SELECT oops" + NAME), ("sql", "SELECT CAST('oops" + NAME.replace("'", "") + "' AS INTEGER)"),
                    ("sql", "SELECT 1", word), ("sql", "SELECT oops" + LONG), ("track", "--process", word), ("track", "--flow", word),
                    ("track", "--format", word, "--process", "1"), ("track", "--process", "1", "--from", word),
                    ("track", "--no-rule", word, "--process", "1"), ("track", "--limit", word), ("replay", word),
                    ("replay", "1", "--speed", word), ("replay", "1", "--idle-max", word), ("report", "--session", word),
                    ("report", word), ("status", word), ("verify", word), ("verify", "--" + word), ("prove", "--out", "x", word),
                    ("prove", "--out", "x", "--max", word, "commands"), ("export", "--out", "x", "--entries", word),
                    ("export", "--out", "x", "--from", word), ("export", "--out", "x", "--recording", word),
                    ("import", "--kind", word, "x"), ("watch", "--silence", word), ("manual", word), ("rebuild", word),
                    ("retain", "--keep", word), ("keys", word), ("keys", "list", word), ("cosign", "--witness", word),
                    ("publish", "--listen", word), ("witness", word), ("record", "--for", word, "--", "true"), ("serve", "--" + word)]
        for words in mistakes:
            # As bytes where it is, and with a byte that is no UTF-8 too.
            for suffix in (b"", b"\xff"):
                given = [os.fsencode(w) + (suffix if "oops" in w else b"") for w in words]
                takes_store = words[0] not in (word, "--" + word, "manual", "keys", "witness", "record", "serve")
                given[1:1] = [b"--store", self.store] if takes_store else []
                answer = run(*given)
                self.assert_harmless(answer)
                self.assertEqual(answer.code, 2, f"{given}: {answer.error}")
                self.assertEqual(answer.out, b"", given)
                self.assertEqual(answer.error.count(b"\n"), 1, f"{given}: {answer.error.decode()}")
                # The parser of SQL names the character that it stumbles over, or none.
                named = rb"oops|syntax error at or near |Invalid unicode" if words[0] == "sql" else b"oops"
                self.assertRegex(answer.error, named, f"{given}: {answer.error.decode()}")

    def test_what_is_not_there_is_told_in_one_line(self):
        nowhere = os.fsencode(self.folder) + b"/\x1b[31m\xe2\x80\xaenowhere\xff"
        for words in (("status",), ("query", "commands"), ("sql", "SELECT 1"), ("report",), ("replay", "1"), ("verify",),
                      ("track", "--process", "1"), ("export", "--out", "x"), ("watch", "--once"), ("import", nowhere),
                      ("prove", "--out", nowhere + b"/x", "commands"), ("verify", "--key", nowhere), ("rebuild",)):
            answer = run(words[0], "--store", nowhere, *words[1:])
            self.assert_harmless(answer)
            self.assertGreater(answer.code, 0, words)
            self.assertIn(b"nowhere", answer.error, words)

    def test_bad_input_is_told_harmlessly(self):
        bad = {
            "key": json.dumps({"kind": "exit", "process": "1", EVIL: 1}),
            "raw": '{"kind":"exit","process":"1","a\x1b]52;c;QUJD\x07\u202e":1}',
            "kind": json.dumps({"kind": EVIL + LONG, "process": "1"}),
            "value": json.dumps({"kind": "exit", "process": EVIL}),
            "object": json.dumps({"kind": "open", "process": "1", "path": "/x", "object": EVIL, "fd": 1}),
            "flags": json.dumps({"kind": "open", "process": "1", "path": "/x", "object": "file:1", "fd": 1, "flags": EVIL}),
            "socket": json.dumps({"kind": "connect", "process": "1", "object": "socket:1", "socket": {EVIL: 1}}),
            "loss": json.dumps({"kind": "loss", "loss": {"loss_class": "io", "count": EVIL, "from_boot_ns": 1}}),
            "torn": '{"kind":"exit\x9b31m',
        }
        for name, line in bad.items():
            file = self.folder / f"{name}\x1b]0;x\x07\u202e.ndjson"
            file.write_text(line + "\n")
            answer = self.ask("import", "--kind", "events", file, codes=(2,))
            self.assertEqual(answer.error.count(b"\n"), 1, answer.error)
        for kind, content in (("evidence", EVIL), ("events", "\x1b]52;c;x\x07")):
            file = self.folder / "bad\x9b31m"
            file.write_text(content)
            self.assert_harmless(run("import", "--store", self.store, "--kind", kind, file))
            self.assert_harmless(run("verify", file))
            self.assert_harmless(run("verify", "--store", self.store, "--key", file))

    def test_files_of_a_foreign_store_are_named_harmlessly(self):
        other = self.folder / "foreign"
        shutil.copytree(os.fsdecode(self.store), other)
        (other / "evidence" / NAME.replace("/", "")).write_text("x")
        answer = run("verify", "--store", other)
        self.assert_harmless(answer)
        self.assertEqual(answer.code, 3, answer.error)
        catalog = json.loads((other / "catalog.json").read_text())
        for key, value in (("file", "event/" + NAME), ("table", NAME), ("recording_id", NAME), ("day", NAME)):
            changed = json.loads(json.dumps(catalog))
            changed["segments"][0][key] = value
            (other / "catalog.json").write_text(json.dumps(changed))
            for words in (("status",), ("query", "commands"), ("verify", "--json"), ("sql", "FROM event")):
                self.assert_harmless(run(words[0], "--store", other, *words[1:]))
        (other / "catalog.json").write_text('{"' + EVIL)
        self.assert_harmless(run("status", "--store", other))

    def test_answers_over_http_are_told_harmlessly(self):
        class Hostile(http.server.BaseHTTPRequestHandler):
            def answer(self):
                body = ("no\x1b]52;c;QUJD\x07\u202e\r\n" + LONG).encode() + b"\xff\x9b"
                self.send_response_only(400, "B\x1b[31mad")
                self.send_header("Content-Length", str(len(body)))
                self.send_header("Location", "\x1b[2J")
                self.end_headers()
                self.wfile.write(body)
            do_GET = do_POST = answer

            def log_message(self, *_):
                pass
        server = http.server.HTTPServer(("127.0.0.1", 0), Hostile)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            log_key = os.fsdecode(self.store) + "/key/log.vkey"
            key = self.witness_key(log_key)
            at = f"http://127.0.0.1:{server.server_address[1]}={key}"
            for words in (("cosign", "--witness", at), ("verify", "--ask", at)):
                answer = run(words[0], "--store", self.store, *words[1:])
                self.assert_harmless(answer)
                self.assertGreater(answer.code, 1, answer.error)
        finally:
            server.shutdown()
            server.server_close()

    def witness_key(self, log_key):
        witness = subprocess.Popen([PROGRAM, "witness", "--state", self.folder / "witness", "--name", "witness.example/w",
                                    "--log", log_key, "--listen", "127.0.0.1:0"], stdout=subprocess.PIPE,
                                   stderr=subprocess.DEVNULL, text=True)
        with witness.stdout:
            said = next(line for line in witness.stdout if line.startswith("witness "))
        witness.terminate()
        witness.wait()
        file = self.folder / "witness.vkey"
        file.write_text(said.removeprefix("witness "))
        return file

    # ---- what belongs to it

    def test_help_and_manuals_say_nothing_of_this_environment(self):
        there = {"SPOOR_STORE": "/secret" + NAME, "SPOOR_KEYS": "/secret" + NAME}
        pages = re.findall(r"spoor\\-(\S+) \(1\)", run("manual").out.decode())
        self.assertIn("track", pages)
        for page in [*pages, ""]:
            words = ["manual", *([page.replace("\\", "")] if page else [])]
            with_environment = run(*words, env=there)
            self.assert_harmless(with_environment)
            self.assertEqual(with_environment.out, run(*words).out, words)
            self.assertNotIn(b"secret", run(*words[1:], "--help", env=there).out)
        self.assert_harmless(run("completion", env=there))
        self.assertIn(b"/secret", run("status", env=there).error, "the variable is still read")

    def test_canaries_are_no_commands(self):
        self.assertEqual(len(self.rows("sql", "SELECT * FROM exec WHERE executable LIKE '/run/spoor-canary/%'")), 1)
        for query in ("commands", "files_touched", f"session_activity session={self.process_id}"):
            self.assertNotIn(b"spoor-canary", self.ask("query", *query.split()).out, query)

    def test_times_are_taken_as_they_are_printed(self):
        printed = self.ask("query", "commands").out.decode().splitlines()[1].split()[0]
        self.assertRegex(printed, r"^2026-11-21T\d\d:\d\d:\d\d\.\d{9}Z$")
        number = self.rows("query", "commands")[0]["wall_ns"]
        for text in (printed, str(number)):
            self.assertEqual(len(self.rows("query", "writers", "path=*", f"start={text}")), 2)
            self.ask("track", "--process", str(self.process_id), "--from", text, "--until", "open")
        self.assertEqual(self.rows("sql", f"SELECT wall_time('{printed}') AS t, wall_time('open') AS o"),
                         [{"t": number, "o": 2**63 - 1}])
        self.assertIn(b"wall_time(", run("sql", "--help").out)
        open_end = self.ask("sql", "SELECT 9223372036854775807 AS until_wall_ns, -9223372036854775807 AS from_wall_ns").out.decode()
        self.assertRegex(open_end.splitlines()[1], r"^open +beginning$")


if __name__ == "__main__":
    suite.main()
