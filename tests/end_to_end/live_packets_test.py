#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Packets are recorded while they pass, beside what the host's processes do: flows, packets and processes of them.

  live_packets_test.py SPOOR [unittest arguments]
"""
import json
import os
import pathlib
import re
import struct
import subprocess
import sys
import tempfile
import unittest

ARGUMENTS = sys.argv[1:]
from spoor_program import PROGRAM, Spoor, skip_where_the_machine_cannot_record  # noqa: E402

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "machine"))
import machine  # noqa: E402
import suite  # noqa: E402

# A conversation over TCP and a question over UDP, between two processes of the loopback of a network of its own.
TALK = """
import os, socket
server = socket.create_server(("127.0.0.1", 7000))
if os.fork() == 0:
    client = socket.create_connection(("127.0.0.1", 7000))
    client.sendall(b"GET / HTTP/1.1\\r\\nHost: here\\r\\n\\r\\n")
    while client.recv(65536): pass
    client.close()
    os._exit(0)
connection, _ = server.accept()
connection.recv(4096)
connection.sendall(b"HTTP/1.1 200 OK\\r\\n\\r\\n" + b"x" * 1000)
connection.close()
os.wait()
asker = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
asker.sendto(b"who", ("127.0.0.1", 7001))
"""
# More than the buffer holds, while nobody takes it away.
FLOOD = """
import os, signal, socket
recorder = os.getppid()
sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
os.kill(recorder, signal.SIGSTOP)
for _ in range(3000): sender.sendto(bytes(1400), ("127.0.0.1", 7001))
os.kill(recorder, signal.SIGCONT)
"""
IN_NETWORK = ["unshare", "--net", "--", "sh", "-c", 'ip link set lo up && exec "$@"', "sh"]
OF_ITS_OWN = "SPOOR_TEST_HAS_A_NETWORK_OF_ITS_OWN"


def setUpModule():
    skip_where_the_machine_cannot_record()
    if reason := machine.why_it_has_no_networks():
        raise unittest.SkipTest(reason)
    if OF_ITS_OWN not in os.environ:
        raise AssertionError("no network was made")


def packets_in(data):
    """How many packets a pcapng has, and their comments."""
    at, count, comments = 0, 0, set()
    while at < len(data):
        kind, size = struct.unpack_from("<II", data, at)
        if kind == 6:
            captured, = struct.unpack_from("<I", data, at + 20)
            count += 1
            comments.add(data[at + 28 + (captured + 3) // 4 * 4:at + size - 4])
        at += size
    return count, comments


class LivePacketsTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.store = Spoor(self.folder / "store")

    def record(self, *arguments, script=TALK, exit_code=0):
        done = subprocess.run([PROGRAM, "record", "--to", self.store.store, "--host", "web", *arguments, "--",
                               sys.executable, "-c", script],
                              capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
        self.assertEqual(done.returncode, exit_code, done.stderr)
        return done.stderr

    def test_a_recorded_command_and_its_packets_tell_of_the_same_connections(self):
        said = self.record("--packets", "lo")
        self.assertRegex(said, r"packets of lo: \d+ packets; the kernel dropped none")
        self.assertIn("nothing was lost", said)
        flows = self.store.sql("SELECT flow_id, transport, source_port, destination_port, source_bytes, destination_bytes, state, application, "
                               "source_packets, destination_packets FROM flow WHERE observer = 'packets' AND transport IN ('tcp', 'udp') "
                               "ORDER BY transport")
        self.assertEqual([(flow["transport"], flow["destination_port"], flow["source_bytes"], flow["destination_bytes"], flow["state"])
                          for flow in flows], [("tcp", 7000, 30, 1019, "SF"), ("udp", 7001, 3, 0, "S0")])
        self.assertEqual(flows[0]["application"], "http")
        # Both processes of the connection, as the sensor saw their sockets.
        owners = self.store.sql("SELECT fp.process_id, fp.confidence >= 0.9 AS sure, p.pid FROM flow AS f JOIN flow_process AS fp USING (flow_id) "
                                "JOIN process AS p ON p.process_id = fp.process_id WHERE f.observer = 'packets' AND f.transport = 'tcp'")
        self.assertEqual((len({owner["pid"] for owner in owners}), {owner["sure"] for owner in owners}), (2, {True}))
        joined = self.store.sql("SELECT count(DISTINCT connection_id) AS connections, count(DISTINCT observer) AS observers FROM flow "
                                "WHERE transport = 'tcp'")
        self.assertEqual(joined, [{"connections": 1, "observers": 2}])
        out = self.folder / "flow.pcapng"
        self.store.run("pcap", "--flow", flows[0]["flow_id"], "--out", out)
        count, comments = packets_in(out.read_bytes())
        self.assertEqual(count, flows[0]["source_packets"] + flows[0]["destination_packets"])
        self.assertTrue(all(b"process " in comment for comment in comments))
        self.assertEqual(self.store.sql("SELECT loss_class FROM gap"), [])
        self.store.run("verify")
        # What is sealed is all that is needed.
        tables = ["flow", "flow_process", "gap", "recording"]
        before = {table: sorted(map(json.dumps, self.store.sql(f"SELECT * FROM {table}"))) for table in tables}
        self.store.run("rebuild")
        for table in tables:
            self.assertEqual(sorted(map(json.dumps, self.store.sql(f"SELECT * FROM {table}"))), before[table], table)

    def test_what_the_kernel_dropped_is_said_and_a_gap(self):
        said = self.record("--packets", "lo", "--packets-buffer", "64K", script=FLOOD)
        lost = re.search(r"packets of lo: (\d+) packets; LOST: (\d+)", said)
        self.assertTrue(lost, said)
        gaps = self.store.sql("SELECT loss_class, sum(count)::BIGINT AS count FROM gap WHERE loss_class = 'packet' GROUP BY ALL")
        self.assertEqual(gaps, [{"loss_class": "packet", "count": int(lost[2])}])
        self.store.rows("query", "flows", exit_codes=(4,))  # answered, and something is missing
        # The verifier that shares no code with the program takes such stores, too.
        tool = pathlib.Path(__file__).resolve().parents[2] / "tools/verify.py"
        done = subprocess.run([sys.executable, "-B", tool, self.store.store], capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_a_filter_and_a_snapshot_length_hold(self):
        self.record("--packets", "lo", "--packets-filter", "udp", "--packets-snaplen", "64")
        self.assertEqual(self.store.sql("SELECT transport FROM flow WHERE observer = 'packets'"), [{"transport": "udp"}])
        described, = self.store.sql("SELECT description FROM recording WHERE kind = 'import'")
        captured = json.loads(described["description"])["captured"]
        self.assertEqual((captured["interface"], captured["filter"], captured["snapshot_bytes"]), ("lo", "udp", 64))

    def test_time_outs_are_policy_and_stay_with_the_recording(self):
        # Nothing for longer than the time-out, which is longer than a busy machine needs for the talk.
        script = TALK + "\nimport time\ntime.sleep(3)\nasker.sendto(b'again', ('127.0.0.1', 7001))\n"
        self.record("--packets", "lo", "--flow-idle", "2s", script=script)
        count = [{"n": 2}]
        self.assertEqual(self.store.sql("SELECT count(*) AS n FROM flow WHERE observer = 'packets' AND transport = 'udp'"), count)
        self.store.run("rebuild")
        self.assertEqual(self.store.sql("SELECT count(*) AS n FROM flow WHERE observer = 'packets' AND transport = 'udp'"), count)
        flow, *_ = self.store.sql("SELECT flow_id FROM flow WHERE observer = 'packets' AND transport = 'udp' ORDER BY begin_wall_ns")
        out = self.folder / "flow.pcapng"
        self.store.run("pcap", "--flow", flow["flow_id"], "--out", out)
        self.assertGreaterEqual(packets_in(out.read_bytes())[0], 1)

    def test_packets_go_to_a_collector_without_those_that_ship_them(self):
        authority = self.folder / "authority"
        for words in (["init"], ["collector", "hub", "--address", "127.0.0.1"], ["sensor", "web"]):
            subprocess.run([PROGRAM, "keys", *words, "--dir", authority], check=True, capture_output=True)
        serve = subprocess.Popen([PROGRAM, "serve", "--listen", "127.0.0.1:0", "--store", self.store.store, "--keys",
                                  authority / "collectors/hub", "--authority", authority],
                                 stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        self.addCleanup(serve.stdout.close)
        self.addCleanup(serve.wait)
        self.addCleanup(serve.terminate)
        url = re.match(r"listening (https://\S+)", serve.stdout.readline())[1]
        keys = authority / "sensors/web"
        done = subprocess.run([PROGRAM, "record", "--to", url, "--keys", keys, "--host", "web", "--packets", "lo", "--",
                               sys.executable, "-c", TALK], capture_output=True, text=True, check=True, stdin=subprocess.DEVNULL)
        self.assertRegex(done.stderr, r"packets of lo: \d+ packets, and \d+ of the connection to the collector, left out")
        port = int(url.rsplit(":", 1)[1])
        flows = self.store.sql("SELECT destination_port, observer FROM flow WHERE observer = 'packets' AND transport = 'tcp'")
        self.assertEqual([flow["destination_port"] for flow in flows], [7000])
        self.assertEqual(self.store.sql(f"SELECT count(*) AS n FROM flow WHERE {port} IN (source_port, destination_port)"), [{"n": 0}])
        self.assertEqual(self.store.sql("SELECT count(*) AS n FROM flow JOIN flow_process USING (flow_id) WHERE observer = 'packets' "
                                        "AND transport = 'tcp'"), [{"n": 2}])
        serve.terminate()
        self.assertEqual(serve.wait(machine.PATIENCE_S), 0)
        self.store.run("verify", "--escrow", authority / "escrow.key")

    def test_what_cannot_be_captured_is_said_before_anything_is_written(self):
        self.assertIn("there is no such interface", self.record("--packets", "nosuch0", exit_code=5))
        self.assertIn("filter 'port of call'", self.record("--packets", "lo", "--packets-filter", "port of call", exit_code=2))
        self.assertFalse(self.store.store.exists())


if __name__ == "__main__":
    if OF_ITS_OWN not in os.environ and not machine.why_it_has_no_networks():
        os.environ[OF_ITS_OWN] = "1"
        # Nobody else's packets are in it.
        os.execvp(IN_NETWORK[0], [*IN_NETWORK, sys.executable, "-B", __file__, *ARGUMENTS])
    suite.main()
