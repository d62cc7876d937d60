# SPDX-License-Identifier: Apache-2.0
"""The break-in of lab/scenarios/web-intrusion, run once under the sensor: every expected answer of its
expected.json must come out of the program, and nothing of what is unrelated."""
import json
import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest

from spoor_program import OPTIONS, PROGRAM, Spoor, skip_where_the_machine_cannot_record
import suite  # tests/machine, as spoor_program makes it known
from machine import PATIENCE_S

ROOT = pathlib.Path(__file__).resolve().parents[2]
EXPECTED = json.loads((ROOT / "lab/scenarios/web-intrusion/expected.json").read_text())
WORK = spoor = truth = None


def setUpModule():
    global WORK, spoor, truth
    skip_where_the_machine_cannot_record()
    WORK = pathlib.Path(tempfile.mkdtemp(prefix="spoor-end-to-end-"))
    unittest.addModuleCleanup(shutil.rmtree, WORK)
    subprocess.run([ROOT / "lab/lab", "run", "web-intrusion", "--store", WORK / "store", "--spoor",
                    PROGRAM, "--truth", WORK / "truth.json", *OPTIONS], check=True, timeout=PATIENCE_S)
    spoor = Spoor(WORK / "store")
    facts = json.loads((WORK / "truth.json").read_text())
    truth = {step["step"]: step for step in facts["steps"]}


def intrusion():
    """The session that the attacker came in by."""
    found = [row for row in spoor.query("sessions")
             if row["entry_source_ip"] == EXPECTED["entry"]["source_ip"] and row["interactive"]]
    assert len(found) == 1, f"{len(found)} interactive sessions of the attacker"
    return found[0]


def touched():
    """What was done to each name, whichever file bore it."""
    files = {}
    for row in spoor.query("files_touched", session=intrusion()["session_id"]):
        seen = files.setdefault(row["path"], row)
        seen.update({way: True for way, value in row.items() if value is True})
    return files


def backward():
    """The nodes of the backward graph from the planted file."""
    graph, = spoor.rows("track", "--file", EXPECTED["persistence"]["path"], "--backward")
    return graph["nodes"]


class Entry(unittest.TestCase):
    def test_session_names_the_connection_that_carried_the_exploit(self):
        session = intrusion()
        self.assertEqual(session["entry_source_port"], truth["exploit"]["source_port"])
        self.assertEqual(session["entry_destination_port"], EXPECTED["entry"]["destination_port"])
        self.assertEqual(session["daemon"], EXPECTED["entry"]["daemon"])

    def test_shell_from_a_daemon_is_reported(self):
        rows = spoor.query("shells_from_daemons")
        session = intrusion()["session_id"]
        self.assertIn((33, session), [(row["uid"], row["session_id"]) for row in rows])

    def test_payload_of_the_entry_shows_the_injection(self):
        rows = spoor.query("session_entry_payload", session=intrusion()["session_id"])
        text = "".join(row["text"] or "" for row in rows)
        self.assertIn("GET /cgi-bin/status.cgi?host=127.0.0.1%2080%3B%20bash", text)


class Processes(unittest.TestCase):
    def test_chain_leads_from_the_page_to_the_writer_of_the_cron_file(self):
        writers = spoor.query("writers", path=EXPECTED["persistence"]["path"])
        self.assertEqual(len({row["process_id"] for row in writers}), 1)
        writer = writers[0]["process_id"]
        ids = [writer] + [row["process_id"] for row in spoor.query("parents", process=writer)]
        executed = spoor.sql("SELECT executable, command_line, euid FROM exec WHERE result = 0 AND "
                             f"process_id IN ({','.join(map(str, ids))}) ORDER BY boot_ns")
        chain = iter(executed)
        for link in EXPECTED["chain"]:
            self.assertTrue(
                any(row["executable"] == link["executable"] and link["argument"] in row["command_line"]
                    and row["euid"] == link["euid"] for row in chain),
                f"{link} is not in its place in {json.dumps(executed, indent=1)}")

    def test_programs_of_the_intruder_are_known(self):
        rows = spoor.query("commands", session=intrusion()["session_id"])
        executed = {row["executable"] for row in rows}
        self.assertLessEqual(set(EXPECTED["executed"]), executed)

    def test_tool_is_known_to_be_built_here(self):
        rows = spoor.query("programs_built", session=intrusion()["session_id"])
        self.assertIn(truth["build"]["file"], [row["path"] for row in rows])

    def test_root_came_from_the_setuid_helper(self):
        session = intrusion()["session_id"]
        rows = [row for row in spoor.query("root_transitions") if row["session_id"] == session]
        expected = EXPECTED["root_transition"]
        self.assertIn(expected, [{key: row[key] for key in expected} for row in rows])
        self.assertEqual({row["executable"] for row in rows if row["cause"] == "setuid_exec"}, {expected["executable"]})
        refused = EXPECTED["failed_root_transition"]["executable"]
        self.assertIn(refused, [row["executable"] for row in rows if row["cause"] == "setuid_program"])
        self.assertNotIn("unexplained", [row["cause"] for row in rows])


class Objects(unittest.TestCase):
    def test_files_are_read_written_created_and_deleted(self):
        files = touched()
        for way in ("read", "written", "created", "deleted"):
            for path in EXPECTED["files"][way]:
                with self.subTest(way=way, path=path):
                    self.assertIn(path, files)
                    self.assertTrue(files[path][way], files[path])
        for path in EXPECTED["files"]["truncated"]:
            self.assertTrue(files[path]["written"])

    def test_files_of_the_upkeep_are_not_the_intruders(self):
        for path in touched():
            for text in EXPECTED["unrelated"]["texts"]:
                self.assertNotIn(text, path)

    def test_connections_lead_out_to_the_attacker(self):
        rows = spoor.query("connections", session=intrusion()["session_id"])
        out = {(row["destination_ip"], row["destination_port"]): row
               for row in rows if row["direction"] == "outbound"}
        for flow in EXPECTED["flows_out"]:
            self.assertIn((flow["destination_ip"], flow["destination_port"]), out)
        archive = out[("203.0.113.66", 4444)]
        self.assertEqual(archive["source_bytes"], truth["exfiltration"]["size_bytes"])
        self.assertEqual(archive["source_port"], truth["exfiltration"]["peer_port"])

    def test_cron_file_is_persistence(self):
        rows = spoor.query("persistence", session=intrusion()["session_id"])
        self.assertEqual([(row["path"], row["means"]) for row in rows if not row["deleted"]],
                         [(EXPECTED["persistence"]["path"], "scheduled job")])


class BackwardGraph(unittest.TestCase):
    def test_reaches_the_attackers_connection_through_the_right_processes(self):
        text = json.dumps(backward())
        self.assertIn(f"203.0.113.66:{truth['exploit']['source_port']}", text)
        for wanted in ("nginx", "fcgiwrap", "status.cgi", "pty.spawn", "rootme", "site-backup"):
            self.assertIn(wanted, text)

    def test_holds_the_three_connections_that_the_file_depends_on_and_no_other(self):
        entry = f"203.0.113.66:{truth['exploit']['source_port']} → 192.0.2.10:80"
        labels = {node["label"] for node in backward() if node.get("is_network_flow")}
        self.assertIn(entry, labels)
        flows = {("203.0.113.66", int(label.rpartition(":")[2])) for label in labels
                 if "203.0.113.66" in label}
        self.assertEqual(len(labels), len(flows))
        self.assertEqual(flows, {tuple(flow) for flow in EXPECTED["backward"]["flows"]})

    def test_holds_only_programs_that_had_a_part_in_it(self):
        # From the baseline, who started the host is known by its key only: it is not in scope.
        programs = {re.sub(r"^x86_64-linux-gnu-", "", os.path.basename(node["executable"]))
                    for node in backward() if node["type"] == "process" and node["executable"]}
        self.assertLessEqual(programs, set(EXPECTED["backward"]["programs"]))

    def test_holds_nothing_unrelated(self):
        text = json.dumps(backward())
        for unrelated in EXPECTED["unrelated"]["addresses"] + EXPECTED["unrelated"]["texts"]:
            self.assertNotIn(unrelated, text)


class Replay(unittest.TestCase):
    def text(self):
        terminals = spoor.query("terminals", session=intrusion()["session_id"])
        shells = [row["shell_process_id"] for row in terminals if row["shell_process_id"]]
        self.assertEqual(len(shells), 1)
        return spoor.run("replay", shells[0], "--text")

    def test_shows_what_was_printed(self):
        text = self.text()
        for printed in EXPECTED["typed"]["printed"]:
            self.assertIn(printed, text)

    def test_shows_keys_with_their_corrections(self):
        typed = "".join(row["data"] for row in self.input())
        for keys in EXPECTED["typed"]["keys"]:
            self.assertIn(keys, typed)

    def test_shows_what_was_typed_without_echo(self):
        self.assertIn(EXPECTED["typed"]["hidden"], self.text())

    def input(self):
        terminals = spoor.query("terminals", session=intrusion()["session_id"])
        shell = next(row["shell_process_id"] for row in terminals if row["shell_process_id"])
        cast = WORK / "session.cast"
        spoor.run("replay", shell, "--cast", cast)
        lines = [json.loads(line) for line in cast.read_text().splitlines()]
        self.assertEqual((lines[0]["width"], lines[0]["height"]),
                         (EXPECTED["typed"]["columns"], EXPECTED["typed"]["rows"]))
        return [{"data": line[2]} for line in lines[1:] if line[1] == "i"]


class Evidence(unittest.TestCase):
    def test_verifies(self):
        spoor.run("verify", exit_codes=(0,))

    def test_one_changed_byte_is_found(self):
        copy = WORK / "changed"
        shutil.copytree(spoor.store, copy)
        entries = [path for path in (copy / "evidence").rglob("*") if path.is_file()]
        largest = max(entries, key=lambda path: path.stat().st_size)
        with open(largest, "r+b") as file:
            file.seek(largest.stat().st_size // 2)
            byte = file.read(1)[0]
            file.seek(-1, os.SEEK_CUR)
            file.write(bytes([byte ^ 1]))
        Spoor(copy).run("verify", exit_codes=(3,))
        shutil.rmtree(copy)

    def test_answers_are_the_same_after_a_rebuild(self):
        copy = WORK / "rebuilt"
        shutil.copytree(spoor.store, copy)
        again = Spoor(copy)
        again.run("rebuild")
        for name in ("sessions", "root_transitions", "files_touched", "connections"):
            self.assertEqual(spoor.query(name), again.query(name), name)
        shutil.rmtree(copy)

    def test_nothing_was_dropped(self):
        # Bytes beyond what the profile captures of one call are told, and no event is missing.
        self.assertEqual({row["loss_class"] for row in spoor.query("coverage")} - {"payload"}, set())


if __name__ == "__main__":
    suite.main()
