# SPDX-License-Identifier: Apache-2.0
"""The break-in of lab/scenarios/two-honeypots, run once: two sensors ship to a collector, a gateway watches. Every answer
of the folder's answers.json must come out of the collector's store, and nothing of the background.

  two_honeypots.py SPOOR [--folder FOLDER] [unittest arguments]     with --folder: on what a run has left there
"""
import functools
import json
import pathlib
import shutil
import subprocess
import tempfile
import unittest

from spoor_program import OPTIONS, PROGRAM, Spoor, skip_where_the_machine_cannot_record
import machine
import suite  # tests/machine, as spoor_program makes it known

ROOT = pathlib.Path(__file__).resolve().parents[2]
folder = spoor = answers = truth = None


def setUpModule():
    global folder, spoor, answers, truth
    skip_where_the_machine_cannot_record()
    if reason := machine.why_it_has_no_networks():
        raise unittest.SkipTest(reason)
    if OPTIONS[:1] == ["--folder"]:
        folder = pathlib.Path(OPTIONS[1])
    else:
        folder = pathlib.Path(tempfile.mkdtemp(prefix="spoor-two-honeypots-"))
        unittest.addModuleCleanup(shutil.rmtree, folder)
        subprocess.run([ROOT / "lab/lab", "run", "two-honeypots", "--folder", folder, "--spoor", PROGRAM],
                       check=True, timeout=machine.PATIENCE_S)
    spoor = Spoor(folder / "store")
    answers = json.loads((folder / "answers.json").read_text())
    truth = {step["step"]: step for step in json.loads((folder / "truth.json").read_text())["steps"]}


def flow_of(role):
    """The one conversation that has this role in the story."""
    flow, = (one for one in answers["flows"] if one["role"] == role)
    return flow


def tuple_of(flow):
    return tuple(flow[part] for part in ("transport", "source_ip", "source_port", "destination_ip", "destination_port"))


def session_by(role):
    """The session that was entered by the conversation of this role."""
    flow = flow_of(role)
    session, = (row for row in spoor.query("sessions") if row["entry_source_ip"] == flow["source_ip"]
                and row["entry_source_port"] == flow["source_port"] and row["entry_destination_port"] == flow["destination_port"])
    return session


@functools.cache
def executions():
    """What each process executed, last first, as (executable, euid)."""
    found = {}
    for row in spoor.sql("SELECT process_id, executable, euid FROM exec WHERE result = 0 ORDER BY wall_ns DESC"):
        found.setdefault(row["process_id"], []).append((row["executable"], row["euid"]))
    return found


@functools.cache
def processes():
    """Each process's parent and host."""
    return {row["process_id"]: row for row in spoor.sql(
        "SELECT process_id, parent_process_id, h.name AS host FROM process JOIN host AS h USING (host_id)")}


def host_of(process):
    return processes()[process]["host"]


def ancestors(process):
    """(executable, euid) of what a process and those it descends from executed, last first."""
    found = []
    while process:
        found += executions().get(process, [])
        process = processes().get(process, {}).get("parent_process_id")
    return found


def program(process):
    """What a process runs: of its own, or, as it only forked, of the one it comes from."""
    return ancestors(process)[0][0]


@functools.cache
def backward(*start):
    """The nodes of the backward graph from a file or process, as the machine-readable answer has them."""
    graph, = spoor.rows("track", *start, "--backward")
    return json.dumps(graph["nodes"])


def miner():
    """The process that calls out to the pool."""
    running, = spoor.sql("SELECT process_id FROM exec WHERE result = 0 AND executable = '/usr/local/lib/fontd'")
    return running["process_id"]


class Evidence(unittest.TestCase):
    def test_proves_with_every_seal_and_certificate(self):
        keys = folder / "keys"
        said = spoor.run("verify", "--escrow", keys / "escrow.key", "--authority", keys / "ca.crt", exit_codes=(0,))
        self.assertIn("every sensor's key checked", said)
        self.assertIn("nothing is known to be missing", said)

    def test_both_hosts_are_recorded_and_no_other(self):
        self.assertEqual({row["name"] for row in spoor.sql("SELECT name FROM host")}, {"web", "files"})

    def test_nothing_was_dropped(self):
        # Bytes beyond what the profile captures of one call are told, and no event is missing.
        self.assertEqual({row["loss_class"] for row in spoor.query("coverage")} - {"payload"}, set())

    def test_traffic_of_the_sensors_is_not_in_the_record(self):
        self.assertEqual([row for row in spoor.query("connections") if 8443 in (row["source_port"], row["destination_port"])], [])


class Conversations(unittest.TestCase):
    def test_each_has_its_process_on_each_recorded_host(self):
        found = {}
        for row in spoor.query("connections"):
            found.setdefault((host_of(row["process_id"]), tuple_of(row)), []).append(row["process_id"])
        for flow in answers["flows"]:
            for end in flow["ends"]:
                with self.subTest(role=flow["role"], host=end["host"], flow=tuple_of(flow)):
                    processes = found.get((end["host"], tuple_of(flow)), [])
                    self.assertTrue(processes, "no such flow")
                    self.assertEqual({program(process) for process in processes}, {end["executable"]})

    def test_there_is_none_between_the_hosts_and_others_that_did_not_happen(self):
        known = {tuple_of(flow) for flow in answers["flows"]}
        addresses = set(answers["addresses"].values())
        for row in spoor.query("connections"):
            ends = {row["source_ip"], row["destination_ip"]}
            if len(ends) == 2 and ends <= addresses:
                self.assertIn(tuple_of(row), known)


@functools.cache
def joined():
    """A store with what the sensors and the gateway saw."""
    copy = folder / "joined"
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(folder / "store", copy)
    files = [folder / name for name in ("gateway.pcap", "eve.json", "p0f.log") if (folder / name).exists()]
    subprocess.run([PROGRAM, "import", "--store", copy, "--host", "gateway", *files], check=True, timeout=machine.PATIENCE_S,
                   stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return Spoor(copy)


class Network(unittest.TestCase):
    def test_packets_of_each_conversation_have_the_process_of_each_recorded_end(self):
        found = {}
        for row in joined().sql("SELECT f.transport, f.source_ip, f.source_port, f.destination_ip, f.destination_port, fp.process_id, "
                                "fp.confidence FROM flow AS f JOIN flow_process AS fp ON fp.flow_id = f.flow_id WHERE f.observer = 'packets'"):
            found.setdefault((host_of(row["process_id"]), tuple_of(row)), []).append(row)
        for flow in answers["flows"]:
            for end in flow["ends"]:
                with self.subTest(role=flow["role"], host=end["host"], flow=tuple_of(flow)):
                    rows = found.get((end["host"], tuple_of(flow)), [])
                    self.assertEqual({program(row["process_id"]) for row in rows}, {end["executable"]})

    def test_every_alert_is_on_a_flow_that_packets_tell_of_too(self):
        alerts = joined().sql("SELECT a.alert_id, a.signature, a.reason, bool_or(p.flow_id IS NOT NULL) AS seen FROM alert AS a "
                              "LEFT JOIN flow AS f ON f.flow_id = a.flow_id LEFT JOIN flow AS p ON p.connection_id = f.connection_id "
                              "AND p.observer = 'packets' GROUP BY ALL")
        self.assertTrue(alerts)
        self.assertEqual([alert for alert in alerts if not alert["seen"]], [])

    def test_hosts_that_were_recorded_make_the_chain(self):
        stones = [tuple_of(stone) for stone in joined().query("stepping_stones")]
        self.assertIn(tuple_of(flow_of("next_host")), stones)


class Entry(unittest.TestCase):
    def test_session_on_the_first_host_was_entered_by_the_exploit(self):
        session = session_by("exploit")
        self.assertEqual((session["daemon"], session["uid"]), ("/usr/sbin/fcgiwrap", 33))
        self.assertTrue(session["interactive"])

    def test_database_that_the_page_asked_is_nobodys_entry(self):
        self.assertNotIn(6379, [row["entry_destination_port"] for row in spoor.query("sessions")])

    def test_most_suspicious_session_is_the_exploits(self):
        self.assertEqual(spoor.query("suspicious_sessions")[0]["session_id"], session_by("exploit")["session_id"])

    def test_session_on_the_next_host_came_from_the_first(self):
        session = session_by("next_host")
        self.assertEqual((session["kind"], session["daemon"]), ("ssh", "/usr/sbin/sshd"))
        self.assertTrue(session["interactive"])

    def test_root_was_gained_by_helper_and_sudo(self):
        for role, program in (("exploit", "/usr/local/bin/site-backup"), ("next_host", "/usr/bin/sudo")):
            with self.subTest(role=role):
                session = session_by(role)["session_id"]
                gained = {row["executable"] for row in spoor.query("root_transitions")
                          if row["session_id"] == session and row["cause"] == "setuid_exec"}
                self.assertEqual(gained, {program})

    def test_stolen_key_was_read_in_the_session(self):
        rows = {row["path"]: row for row in spoor.query("files_touched", session=session_by("exploit")["session_id"])}
        self.assertIn(answers["stolen"]["path"], rows)
        self.assertTrue(rows[answers["stolen"]["path"]]["read"])


class Planted(unittest.TestCase):
    def test_writers_are_the_intruders(self):
        processes = {row["process_id"] for row in spoor.query("session_processes", session=session_by("next_host")["session_id"])}
        for planted in answers["planted"]:
            with self.subTest(path=planted["path"]):
                writers = spoor.query("writers", path=planted["path"])
                self.assertEqual(len({row["process_id"] for row in writers}), 1)
                self.assertIn(writers[0]["process_id"], processes)
                self.assertEqual(writers[0]["euid"], planted["euid"])
                self.assertEqual(program(writers[0]["process_id"]), planted["writer"])

    def test_scheduled_start_is_persistence(self):
        rows = spoor.query("persistence", session=session_by("next_host")["session_id"])
        self.assertIn("/etc/cron.d/fontconfig-cache", [row["path"] for row in rows])

    def test_program_that_calls_out_descends_from_the_login(self):
        seen = iter(ancestors(miner()))
        for link in answers["chain"]:
            if "role" in link:
                break
            with self.subTest(link=link):
                self.assertTrue(any(executable == link["executable"] and euid == link["euid"] for executable, euid in seen))


class Backward(unittest.TestCase):
    def leads_to(self, graph, *flows):
        for flow in flows:
            self.assertTrue(f"{flow['source_ip']}:{flow['source_port']}" in graph, f"{flow} is not in the graph")

    def test_program_leads_to_the_login_on_its_host(self):
        for start in (("--file", "/usr/local/lib/fontd"), ("--process", miner())):
            with self.subTest(start=start):
                self.leads_to(backward(*start), flow_of("next_host"), flow_of("fetch_miner"))

    def test_tool_of_the_first_host_leads_to_the_exploit(self):
        graph = backward("--file", "/tmp/.font-unix/rootme")
        self.leads_to(graph, flow_of("exploit"), flow_of("reverse_shell"), flow_of("fetch_tool"))
        self.assertTrue("status.cgi" in graph)

    def test_holds_nothing_of_the_background(self):
        for start in (("--process", miner()), *(("--file", path) for path in (
                "/usr/local/lib/fontd", "/etc/cron.d/fontconfig-cache", "/tmp/.font-unix/rootme"))):
            for unrelated in answers["background"]["addresses"] + answers["background"]["texts"]:
                with self.subTest(start=start):
                    self.assertFalse(unrelated in backward(*start), f"{unrelated} is in the graph")


class Network(unittest.TestCase):
    """What the gateway's observers wrote, before Spoor reads it: the lab itself must be right."""

    def test_suricata_raised_the_alerts_of_the_story_and_no_other(self):
        events = [json.loads(line) for line in (folder / "eve.json").read_text().splitlines()]
        raised = {(event["alert"]["signature_id"], frozenset(((event["src_ip"], event["src_port"]), (event["dest_ip"], event["dest_port"]))))
                  for event in events if event["event_type"] == "alert"}
        expected = {(alert["signature_id"], frozenset(((alert["flow"]["source_ip"], alert["flow"]["source_port"]),
                                                       (alert["flow"]["destination_ip"], alert["flow"]["destination_port"]))))
                    for alert in answers["alerts"]}
        self.assertEqual(raised, expected)

    def test_p0f_knows_the_intruders_system(self):
        for system in answers["operating_systems"]:
            lines = [line for line in (folder / "p0f.log").read_text().splitlines()
                     if f"cli={system['ip']}/" in line and "mod=syn|" in line and "subj=cli" in line]
            self.assertTrue(lines)
            for line in lines:
                self.assertIn(f"|os={system['os']}", line)

    def test_argus_saw_every_conversation(self):
        done = subprocess.run(["ra", "-X", "-n", "-r", folder / "argus.out", "-c", ",", "-s", "proto,saddr,sport,daddr,dport", "-", "ip"],
                              check=True, capture_output=True, text=True)
        seen = {frozenset(((source, port), (to, to_port))) for transport, source, port, to, to_port in
                (line.split(",") for line in done.stdout.splitlines()) if transport in ("tcp", "udp")}
        for flow in answers["flows"]:
            self.assertIn(frozenset(((flow["source_ip"], str(flow["source_port"])), (flow["destination_ip"], str(flow["destination_port"])))),
                          seen, flow["role"])


if __name__ == "__main__":
    suite.main()
