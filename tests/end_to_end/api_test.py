# SPDX-License-Identifier: Apache-2.0
"""The HTTP API of `spoor serve` over a small store: every path of src/api/openapi.yaml is asked, and each answer is
held against its schema; every route is asked with every role.

  api_test.py SPOOR
"""
import base64
import http.client
import json
import os
import pathlib
import re
import subprocess
import tempfile
import time
import unittest
import urllib.parse

import packets_test
from api_document import Document
from spoor_program import PROGRAM, Spoor

GOLDEN = pathlib.Path(__file__).resolve().parents[1] / "golden"
CASES = {"web": "queries/report_of_a_break_in.test", "shell": "replay/shell_with_corrections.test",
         "logins": "queries/logins_and_daemons.test"}
PASSWORD = "correct horse battery"
DOCUMENT = Document()


def events_of(case):
    text = (GOLDEN / case).read_text()
    return text.split("--- events\n", 1)[1].split("--- query\n", 1)[0]


def make_store(folder):
    spoor = Spoor(folder / "store")
    for host, case in CASES.items():
        file = folder / f"{host}.jsonl"
        file.write_text(events_of(case))
        subprocess.run([PROGRAM, "import", "--store", spoor.store, "--kind", "events", "--host", host, file],
                       check=True, capture_output=True)
    return spoor


class Answer:
    def __init__(self, response):
        self.status = response.status
        self.headers = {name.lower(): value for name, value in response.getheaders()}
        self.body = response.read()

    @property
    def type(self):
        return self.headers.get("content-type", "").split(";")[0]

    def json(self):
        return json.loads(self.body)


class Server:
    """`spoor serve --read-only` on a free port."""

    def __init__(self, store, *options):
        self.process = subprocess.Popen(
            [PROGRAM, "serve", "--read-only", "--store", store, "--listen", "127.0.0.1:0",
             "--time-max", "1h",  # however slow the machine is
             *options],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        line = self.process.stdout.readline()
        found = re.match(r"listening http://127\.0\.0\.1:(\d+)\n", line)
        if not found:
            self.process.kill()
            raise AssertionError(f"{line!r}: {self.process.communicate()[1]}")
        self.port = int(found[1])
        self.set_up = None
        if "--insecure-local" not in options and not (pathlib.Path(store) / "analysts/users.json").exists():
            self.set_up = re.fullmatch(r"set-up http://127\.0\.0\.1:\d+/set-up\?token=([0-9a-f]+)\n",
                                       self.process.stdout.readline())[1]

    def ask(self, method, path, body=None, headers=None, host=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=3600)
        headers = dict(headers or {})
        if host:
            headers["Host"] = host
        if method in ("POST", "PUT"):
            body = body if isinstance(body, (str, bytes)) else json.dumps(body)
        connection.request(method, path, body, headers)
        answer = Answer(connection.getresponse())
        connection.close()
        return answer

    def api(self, method, path, body=None, headers=None, **query):
        words = [(name, one) for name, value in query.items() for one in
                 (value if isinstance(value, list) else [value])]
        target = "/api/v1" + path + ("?" + urllib.parse.urlencode(words) if words else "")
        # Where nobody signs in, this is the token.
        return self.ask(method, target, body, {"X-CSRF-Token": "local"} if headers is None else headers)

    def get(self, path, **query):
        answer = self.api("GET", path, **query)
        if answer.status != 200:
            raise AssertionError(f"GET {path} {query}: {answer.status} {answer.body[:500]}")
        return answer.json()

    def first_of_stream(self, headers=None):
        """The head and the first bytes of GET /stream."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=3600)
        connection.request("GET", "/api/v1/stream", headers=headers or {})
        response = connection.getresponse()
        first = response.read1(4096) if response.status == 200 else b""
        connection.close()
        return response, first

    def end(self):
        self.process.terminate()
        _, errors = self.process.communicate(timeout=3600)
        return errors


def session_headers(answer):
    cookie = answer.headers["set-cookie"].split(";")[0]
    return {"Cookie": cookie, "X-CSRF-Token": answer.json()["csrf_token"]}


class Packets(unittest.TestCase):
    """What a capture has of a flow comes over the API as it comes on the command line."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.spoor = Spoor(self.folder / "store")
        for name, content, kind in (
                ("web.jsonl", "".join(json.dumps(event) + "\n" for event in
                                      packets_test.accepted(41, "10.0.0.1", 4000, packets_test.BEGIN)), "events"),
                ("gateway.pcap", packets_test.pcap(packets_test.http("10.0.0.1", 4000, packets_test.BEGIN)
                                                   + packets_test.http("10.0.0.9", 4009, packets_test.BEGIN)), "pcap")):
            path = self.folder / name
            path.write_bytes(content if isinstance(content, bytes) else content.encode())
            subprocess.run([PROGRAM, "import", "--store", self.spoor.store, "--kind", kind, "--host", name.split(".")[0], path],
                           check=True, capture_output=True)
        self.server = Server(self.spoor.store, "--insecure-local")
        self.addCleanup(self.server.end)

    def test_the_packets_of_a_flow_come_as_a_download_whoever_saw_the_flow(self):
        flows = self.spoor.sql("SELECT flow_id, observer FROM flow WHERE source_port = 4000")
        self.assertEqual({flow["observer"] for flow in flows}, {"sensor", "packets"})
        for flow in flows:
            out = self.folder / "flow.pcapng"
            self.spoor.run("pcap", "--flow", flow["flow_id"], "--out", out)
            self.assertTrue(self.server.get(f"/flows/{flow['flow_id']}")["has_packets"])
            answer = self.server.api("GET", f"/flows/{flow['flow_id']}/pcap")
            self.assertEqual((answer.status, answer.type), (200, "application/octet-stream"))
            self.assertIn("attachment", answer.headers["content-disposition"])
            self.assertEqual(answer.body, out.read_bytes())
            self.assertEqual(len(packets_test.pcapng_packets(answer.body)), 10)

    def test_a_flow_that_no_capture_has_says_so(self):
        path = self.folder / "other.jsonl"
        path.write_text("".join(json.dumps(event) + "\n" for event in
                                packets_test.accepted(42, "10.0.0.77", 4077, packets_test.BEGIN)))
        subprocess.run([PROGRAM, "import", "--store", self.spoor.store, "--kind", "events", "--host", "web2", path],
                       check=True, capture_output=True)
        flow = self.spoor.sql("SELECT flow_id FROM flow WHERE source_port = 4077")[0]["flow_id"]
        # The server finds by itself that there is more.
        deadline_s = time.monotonic() + 3600
        while (answer := self.server.api("GET", f"/flows/{flow}")).status == 404 and time.monotonic() < deadline_s:
            time.sleep(0.1)
        self.assertFalse(answer.json()["has_packets"])
        answer = self.server.api("GET", f"/flows/{flow}/pcap")
        self.assertEqual((answer.status, answer.type), (404, "application/problem+json"))


class WithStore(unittest.TestCase):
    options = ("--insecure-local",)

    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.spoor = make_store(pathlib.Path(cls.folder.name))
        cls.server = Server(cls.spoor.store, *cls.options)

    @classmethod
    def tearDownClass(cls):
        cls.server.end()
        cls.folder.cleanup()


class Answers(WithStore):
    """Everything is asked of a server where nobody signs in."""

    def ids(self):
        server = self.server
        process = next(one for one in server.get("/processes", limit=5000)["rows"] if one["command_line"])
        session = next(one for one in server.get("/sessions")["rows"] if one["has_replay"])
        flow = server.get("/flows")["rows"][0]
        alert = server.get("/alerts")["rows"][0]
        written = server.get("/files", where="written:true")["rows"]
        file = next(one for one in written if one["object_id"])
        event = server.get(f"/processes/{process['process_id']}/events")["rows"][0]
        return {"host_id": process["host_id"], "process_id": process["process_id"],
                "session_id": session["session_id"], "flow_id": flow["flow_id"], "alert_key": alert["alert_key"],
                "object_id": file["object_id"], "event_id": event["event_id"]}

    def examples(self):
        """(method, path): a list of (parts of the path, query, body, status)."""
        ids = self.ids()
        shell = next(one["session_id"] for one in self.server.get("/sessions", where="interactive:true")["rows"])
        versions = self.server.get(f"/files/{ids['object_id']}")["versions"]
        version = {"object_id": ids["object_id"], "version": versions[-1]["version"]}
        pin = {"subject": f"process:{ids['process_id']}", "wall_ns": None, "title": "here", "text": "they came in"}
        made = self.server.api("POST", "/pins", pin).json()
        seeds = [f"{kind}:{ids[name]}" for kind, name in
                 (("process", "process_id"), ("session", "session_id"), ("object", "object_id"), ("flow", "flow_id"),
                  ("alert", "alert_key"), ("event", "event_id"), ("host", "host_id"))]
        return {
            ("GET", "/session"): [({}, {}, None, 200)],
            ("POST", "/session"): [({}, {}, {"user": "x", "password": "y"}, 401), ({}, {}, "no", 400)],
            ("DELETE", "/session"): [({}, {}, None, 204)],
            ("POST", "/set-up"): [({}, {}, {"token": "x", "user": "y", "password": PASSWORD}, 400)],
            ("GET", "/coverage"): [({}, {}, None, 200), ({}, {"from_wall_ns": "1"}, None, 200)],
            ("GET", "/evidence"): [({}, {}, None, 200)],
            ("GET", "/overview"): [({}, {}, None, 200), ({}, {"until_wall_ns": "x"}, None, 400)],
            ("GET", "/health"): [({}, {}, None, 200)],
            ("GET", "/search"): [({}, {"q": word}, None, 200) for word in ("web", "80", "cron", "id")]
                                + [({}, {}, None, 400), ({}, {"q": "x" * 257}, None, 400)],
            ("GET", "/hosts/{host_id}"): [(ids, {}, None, 200), ({"host_id": "1"}, {}, None, 404),
                                          ({"host_id": "x"}, {}, None, 400)],
            ("GET", "/flows"): [({}, {}, None, 200), ({}, {"order": "descending", "limit": 1}, None, 200),
                                ({}, {"where": ["port:80", "-process:cron", "alert:*"]}, None, 200),
                                ({}, {"process_id": ids["process_id"], "host_id": ids["host_id"]}, None, 200),
                                ({}, {"where": "nope:1"}, None, 400), ({}, {"order": "up"}, None, 400)],
            ("GET", "/flows/counts"): [({}, {"bucket_ns": "3600000000000"}, None, 200), ({}, {}, None, 400)],
            ("GET", "/flows/groups"): [({}, {"by": by}, None, 200) for by in
                                       ("source_ip", "source_port", "destination_ip", "destination_port",
                                        "transport", "application", "process")] + [({}, {"by": "host"}, None, 400)],
            ("GET", "/flows/{flow_id}"): [(ids, {}, None, 200), ({"flow_id": "1"}, {}, None, 404)],
            ("GET", "/flows/{flow_id}/payload"): [(ids, {}, None, 200), ({"flow_id": "1"}, {}, None, 404)],
            ("GET", "/flows/{flow_id}/pcap"): [(ids, {}, None, 404)],
            ("GET", "/alerts"): [({}, {}, None, 200), ({}, {"where": ["source:spoor", "-priority:4"]}, None, 200),
                                 ({}, {"where": "nope:1"}, None, 400)],
            ("GET", "/graph"): [({}, {"seed": seed, "scope": scope}, None, 200)
                                for seed in seeds for scope in ("path", "tree")]
                               + [({}, {"seed": seeds[0], "direction": "backward", "rule_off": "helper_processes",
                                        "limit": 3}, None, 200),
                                  ({}, {"seed": seeds[0], "rule_off": "nope"}, None, 400),
                                  ({}, {"seed": "process:1"}, None, 404), ({}, {"seed": "x"}, None, 400),
                                  ({}, {"seed": seeds[0], "direction": "up"}, None, 400)],
            ("GET", "/processes"): [({}, {}, None, 200),
                                    ({}, {"where": ["user:root", f"session:{ids['session_id']}"]}, None, 200)],
            ("GET", "/processes/{process_id}"): [(ids, {}, None, 200), ({"process_id": "1"}, {}, None, 404)],
            ("GET", "/processes/{process_id}/events"): [(ids, {}, None, 200),
                                                        (ids, {"where": ["-kind:read", "failed:false"]}, None, 200),
                                                        ({"process_id": "1"}, {}, None, 404)],
            ("GET", "/files"): [({}, {}, None, 200), ({}, {"tree": f"session:{ids['session_id']}"}, None, 200),
                                ({}, {"tree": "x"}, None, 400)],
            ("GET", "/files/{object_id}"): [(ids, {}, None, 200), ({"object_id": "1"}, {}, None, 404)],
            ("GET", "/files/{object_id}/versions/{version}"): [(version, {}, None, 200),
                                                               ({**version, "version": 999}, {}, None, 404)],
            ("GET", "/files/{object_id}/versions/{version}/download"): [(version, {}, None, 200)],
            ("GET", "/sessions"): [({}, {}, None, 200), ({}, {"where": ["shell:true", "kind:*"]}, None, 200)],
            ("GET", "/replays/{subject}"): [({"subject": shell}, {}, None, 200),
                                            ({"subject": shell}, {"descriptors": "true"}, None, 404),
                                            ({"subject": shell}, {"descriptors": "yes"}, None, 400)],
            ("GET", "/replays/{subject}/cast"): [({"subject": shell}, {}, None, 200)],
            ("GET", "/replays"): [({}, {"q": "e"}, None, 200), ({}, {}, None, 400)],
            ("GET", "/questions"): [({}, {}, None, 200)],
            ("GET", "/questions/{name}/answer"): [
                ({"name": "sessions"}, {"limit": 1}, None, 200),
                ({"name": "files_written"}, {"argument": f"process={ids['process_id']}"}, None, 200),
                ({"name": "nope"}, {}, None, 404), ({"name": "parents"}, {}, None, 400)],
            ("POST", "/sql"): [({}, {}, {"sql": "SELECT * FROM process", "limit": 2, "ask_id": "a"}, 200),
                               ({}, {}, {"sql": "SELEC 1"}, 400), ({}, {}, {"sql": "SELECT 1", "limit": 0}, 400),
                               ({}, {}, {"sql": "COPY process TO 'x'"}, 400), ({}, {}, {}, 400)],
            ("DELETE", "/asks/{ask_id}"): [({"ask_id": "a"}, {}, None, 204)],
            ("GET", "/schema"): [({}, {}, None, 200)],
            ("GET", "/report"): [({}, {}, None, 200), ({}, {"session": ids["session_id"]}, None, 200)],
            ("GET", "/pins"): [({}, {}, None, 200)],
            ("POST", "/pins"): [({}, {}, pin, 201), ({}, {}, {**pin, "title": 1}, 400)],
            ("PUT", "/pins/{pin_id}"): [(made, {}, {**pin, "revision": 1}, 200), (made, {}, {**pin, "revision": 1}, 409),
                                        ({"pin_id": "999"}, {}, {**pin, "revision": 1}, 404)],
            ("DELETE", "/pins/{pin_id}"): [(made, {}, None, 204)],
        }

    def check(self, operation, answer, place):
        content_type, schema = DOCUMENT.response(operation, answer.status)
        self.assertEqual(answer.headers.get("x-content-type-options"), "nosniff", place)
        self.assertIn("frame-ancestors 'none'", answer.headers.get("content-security-policy", ""), place)
        if schema is None:
            self.assertEqual(answer.body, b"", place)
            return
        self.assertEqual(answer.type, content_type, place)
        if content_type.endswith("json"):
            self.assertEqual(DOCUMENT.faults(schema, answer.json())[:10], [], place)

    def test_every_path_answers_as_the_document_says(self):
        examples = self.examples()
        for method, path, operation in DOCUMENT.operations():
            if path == "/stream":
                continue  # has no end: the test below
            for parts, query, body, status in examples[method, path]:
                asked = re.sub(r"\{(\w+)\}", lambda name: urllib.parse.quote(str(parts[name[1]]), safe=""), path)
                place = f"{method} {asked} {query} {body}"
                with self.subTest(place):
                    answer = self.server.api(method, asked, body, **query)
                    self.assertEqual(answer.status, status, f"{place}: {answer.body[:300]}")
                    self.check(operation, answer, place)

    def test_stream_begins_with_an_id_to_go_on_from(self):
        response, first = self.server.first_of_stream()
        self.assertEqual(response.getheader("Content-Type"), "text/event-stream")
        self.assertRegex(first.decode(), r"(?m)^id: [0-9a-f]+-\d+$")
        _, again = self.server.first_of_stream({"Last-Event-ID": "of-another-run"})
        self.assertIn("event: stored", again.decode())

    def test_unknown_parameters_and_paths_are_refused(self):
        for path in ("/alerts?nope=1", "/alerts?limit=1&limit=2", "/alerts?limit=x", "/alerts?limit=5001",
                     "/alerts?cursor=1"):
            answer = self.server.ask("GET", "/api/v1" + path)
            self.assertEqual((answer.status, answer.type), (400, "application/problem+json"), path)
        self.assertEqual(self.server.ask("GET", "/api/v1/nope").status, 404)
        self.assertEqual(self.server.ask("POST", "/api/v1/alerts", "{}").status, 405)
        self.assertEqual(self.server.ask("POST", "/api/v1/sql", "x" * (170 << 10)).status, 413)

    def test_pages_of_a_list_are_the_list(self):
        for path in ("/flows", "/processes", "/sessions", "/alerts", "/files"):
            whole = self.server.get(path, limit=5000)["rows"]
            self.assertGreater(len(whole), 2, path)
            pages, cursor = [], None
            while True:
                page = self.server.get(path, limit=2, **({"cursor": cursor} if cursor else {}))
                pages += page["rows"]
                cursor = page["next_cursor"]
                if cursor is None:
                    break
            self.assertEqual(pages, whole, path)
        for path in ("/flows", "/processes"):
            whole = self.server.get(path, limit=5000)["rows"]
            self.assertEqual(self.server.get(path, limit=5000, order="descending")["rows"], whole[::-1], path)

    def test_a_question_has_the_rows_of_the_command_line(self):
        told = self.server.get("/questions/sessions/answer")
        names = [column["name"] for column in told["columns"]]
        rows = [{name: cell for name, cell in zip(names, row)} for row in told["rows"]]
        wanted = [{name: str(cell) if isinstance(cell, int) and not isinstance(cell, bool) else cell
                   for name, cell in row.items()} for row in self.spoor.query("sessions")]
        self.assertEqual(rows, wanted)

    def test_a_replay_has_the_lines_of_the_command_line(self):
        session = next(one for one in self.server.get("/sessions", where="interactive:true")["rows"])
        lines = self.server.get(f"/replays/{session['session_id']}")["lines"]
        text = self.spoor.run("replay", session["session_id"], "--text", exit_codes=(0, 4))
        for line in lines:
            if line["kind"] == "typed":
                self.assertIn(f"> {'(not echoed) ' if line['echo_off'] else ''}{line['keys']}\n", text)
            elif line["kind"] == "printed":
                self.assertIn(f"< {line['text']}\n", text)
        self.assertEqual(len([one for one in lines if one["kind"] == "printed"]), text.count("] < "))

    def test_bytes_of_a_file_are_those_that_were_written(self):
        for file in self.server.get("/files", where="written:true")["rows"]:
            if not file["object_id"]:
                continue
            for version in self.server.get(f"/files/{file['object_id']}")["versions"]:
                path = f"/files/{file['object_id']}/versions/{version['version']}"
                whole = self.server.api("GET", path + "/download")
                self.assertEqual(len(whole.body), version["size_bytes"])
                self.assertTrue(whole.headers["content-disposition"].startswith("attachment"))
                for piece in self.server.get(path)["pieces"]:
                    data = base64.b64decode(piece["data_base64"])
                    offset = piece["offset_bytes"]
                    self.assertEqual(whole.body[offset:offset + len(data)], data)

    def test_evidence_is_verified_soon(self):
        state = self.server.get("/evidence")
        while state["state"] == "checking":
            state = self.server.get("/evidence")
        self.assertEqual((state["state"], state["detail"]), ("verified", ""))

    def test_a_page_of_another_name_gets_nothing(self):
        for host in ("attacker.example", f"attacker.example:{self.server.port}", "127.0.0.1.attacker.example"):
            self.assertEqual(self.server.ask("GET", "/api/v1/sessions", host=host).status, 403)
        self.assertEqual(self.server.ask("GET", "/api/v1/sessions", host="localhost:1").status, 200)

    def test_a_change_needs_the_token_of_its_session(self):
        for headers in ({}, {"X-CSRF-Token": "local"}):
            # Where nobody signs in, a page of another origin must not change anything either.
            answer = self.server.api("POST", "/pins", {"subject": None, "wall_ns": None, "title": "", "text": ""},
                                     {**headers, "Origin": "http://attacker.example"})
            self.assertEqual(answer.status, 403)

    def test_without_built_pages_the_server_says_how_to_get_them(self):
        server = Server(self.spoor.store, "--insecure-local", "--ui", self.folder.name)
        answer = server.ask("GET", "/flows/today")
        self.assertEqual((answer.status, answer.type), (200, "text/html"))
        self.assertIn(b"make web", answer.body)
        server.end()

    def test_pages_are_served_from_their_folder_and_nothing_else(self):
        ui = pathlib.Path(self.folder.name) / "ui"
        (ui / "assets").mkdir(parents=True)
        (ui / "index.html").write_text("<p>page")
        (ui / "assets/a-1.js").write_text("1")
        (ui / "assets/a-1.js.gz").write_bytes(b"packed")
        server = Server(self.spoor.store, "--insecure-local", "--ui", ui)
        self.assertEqual(server.ask("GET", "/alerts").body, b"<p>page")
        script = server.ask("GET", "/assets/a-1.js", headers={"Accept-Encoding": "gzip"})
        self.assertEqual((script.body, script.headers["content-encoding"]), (b"packed", "gzip"))
        self.assertIn("immutable", script.headers["cache-control"])
        self.assertEqual(server.ask("GET", "/assets/none.js").status, 404)
        for path in ("/../store/catalog.json", "/%2e%2e/store/catalog.json", "/assets/%2e%2e/%2e%2e/web.jsonl"):
            self.assertNotIn(b"kind", server.ask("GET", path).body, path)
        server.end()


class Roles(WithStore):
    """A server with analysts."""
    options = ()

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.made = cls.server.api("POST", "/set-up", {"token": cls.server.set_up, "user": "ada", "password": PASSWORD})
        cls.headers = {"nobody": {}, "admin": session_headers(cls.made)}
        cls.again = cls.server.api("POST", "/set-up",
                                   {"token": cls.server.set_up, "user": "eve", "password": PASSWORD})
        # Here, before one of the tests makes this address wait.
        for role in ("viewer", "analyst", "viewer2"):
            cls.command("add", role, "--role", role.rstrip("2"), secret=PASSWORD)
            cls.headers[role] = session_headers(cls.server.api("POST", "/session",
                                                               {"user": role, "password": PASSWORD}))

    @classmethod
    def command(cls, what, *arguments, secret=""):
        return subprocess.run([PROGRAM, "analyst", what, "--store", cls.spoor.store, *arguments], input=secret + "\n",
                              text=True, check=True, capture_output=True).stdout

    def test_set_up_works_once(self):
        self.assertEqual(self.made.status, 200)
        self.assertIn("HttpOnly", self.made.headers["set-cookie"])
        self.assertIn("SameSite=Strict", self.made.headers["set-cookie"])
        self.assertEqual(self.again.status, 400)

    def test_every_route_has_a_decision_for_every_role(self):
        open_to_all = {("GET", "/session"), ("POST", "/session"), ("POST", "/set-up")}
        of_analysts = {("POST", "/sql"), ("POST", "/pins"), ("PUT", "/pins/{pin_id}"), ("DELETE", "/pins/{pin_id}"),
                       ("GET", "/flows/{flow_id}/pcap"), ("GET", "/files/{object_id}/versions/{version}/download")}
        for method, path, _ in DOCUMENT.operations():
            if (method, path) == ("DELETE", "/session"):
                continue  # ends the session: the test below
            for role in ("nobody", "viewer", "analyst", "admin"):
                headers = self.headers[role]
                with self.subTest(f"{method} {path} as {role}"):
                    asked = re.sub(r"\{\w+\}", "1", path)
                    if path == "/stream":
                        status = self.server.first_of_stream(headers)[0].status
                    else:
                        status = self.server.api(method, asked, "" if method in ("POST", "PUT") else None,
                                                 headers).status
                    if (method, path) in open_to_all:
                        self.assertIn(status, (200, 400, 429))
                    elif role == "nobody":
                        self.assertEqual(status, 401)
                    elif role == "viewer" and (method, path) in of_analysts:
                        self.assertEqual(status, 403)
                    else:
                        self.assertIn(status, (200, 204, 400, 404))

    def test_a_change_needs_the_token_of_its_session(self):
        body = {"subject": None, "wall_ns": None, "title": "t", "text": ""}
        good = self.headers["analyst"]
        self.assertEqual(self.server.api("POST", "/pins", body, {"Cookie": good["Cookie"]}).status, 403)
        self.assertEqual(self.server.api("POST", "/pins", body, {**good, "X-CSRF-Token": "x"}).status, 403)
        other = self.headers["admin"]["X-CSRF-Token"]
        self.assertEqual(self.server.api("POST", "/pins", body, {**good, "X-CSRF-Token": other}).status, 403)
        self.assertEqual(self.server.api("POST", "/pins", body, good).status, 201)

    def test_a_token_acts_as_its_analyst(self):
        token = self.command("token", "analyst").strip()
        headers = {"Authorization": f"Bearer {token}"}
        self.assertEqual(self.server.api("POST", "/sql", {"sql": "SELECT 1"}, headers).status, 200)
        self.assertEqual(self.server.api("GET", "/sessions", None, {"Authorization": "Bearer x"}).status, 401)

    def test_signing_out_ends_the_session(self):
        headers = self.headers["viewer2"]
        self.assertEqual(self.server.api("GET", "/sessions", None, headers).status, 200)
        self.assertEqual(self.server.api("DELETE", "/session", None, headers).status, 204)
        self.assertEqual(self.server.api("GET", "/sessions", None, headers).status, 401)

    def test_guessing_passwords_becomes_slow(self):
        self.command("add", "guessed", "--role", "viewer", secret=PASSWORD)
        statuses = [self.server.api("POST", "/session", {"user": "guessed", "password": "x"}).status for _ in range(8)]
        self.assertEqual(statuses[0], 401)
        self.assertEqual(statuses[-1], 429)
        # Who is in stays in.
        self.assertEqual(self.server.api("GET", "/sessions", None, self.headers["viewer"]).status, 200)

    def test_what_analysts_look_at_is_in_the_audit_trail(self):
        self.server.api("GET", "/alerts", None, self.headers["viewer"], where="source:spoor")
        lines = [json.loads(line) for line in
                 (pathlib.Path(self.spoor.store) / "analysts/audit.jsonl").read_text().splitlines()]
        self.assertTrue(any(line["user"] == "viewer" and line["target"].startswith("/api/v1/alerts?where=")
                            and line["status"] == 200 for line in lines))
        self.assertFalse(any(PASSWORD in json.dumps(line) for line in lines))

    def test_the_store_still_verifies(self):
        self.spoor.run("verify")


class Refusals(unittest.TestCase):
    def test_strangers_are_not_served_without_sign_in_or_tls(self):
        for options in (["--listen", "0.0.0.0:0", "--insecure-local"], ["--listen", "0.0.0.0:0"]):
            with tempfile.TemporaryDirectory() as folder:
                spoor = make_store(pathlib.Path(folder))
                done = subprocess.run([PROGRAM, "serve", "--read-only", "--store", spoor.store, *options],
                                      capture_output=True, text=True, check=False, timeout=3600)
                self.assertEqual(done.returncode, 2, done.stderr)
                self.assertIn("other machines", done.stderr)


if __name__ == "__main__":
    os.umask(0o077)
    unittest.main(verbosity=2)
