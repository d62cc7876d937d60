#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Captures become flows, come back as packets, and are joined with the sockets and records of other observers.

  packets_test.py SPOOR [unittest arguments]
"""
import json
import pathlib
import struct
import subprocess
import sys
import tempfile
import unittest

from spoor_program import PROGRAM, Spoor

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "machine"))
import suite  # noqa: E402

SECOND = 1_000_000_000
BEGIN = 1_700_000_000 * SECOND
SERVER = "10.0.0.2"
FIN, SYN, PUSH, ACK = 1, 2, 8, 16


def address(text):
    return bytes(map(int, text.split(".")))


def frame(source, destination, protocol, inside):
    head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(inside), 1, 0, 64, protocol, 0)
    return bytes(12) + b"\x08\x00" + head + address(source) + address(destination) + inside


def tcp(source, source_port, destination, destination_port, flags, sequence=0, data=b""):
    return frame(source, destination, 6, struct.pack("!HHIIBBHHH", source_port, destination_port, sequence, 0, 0x50, flags,
                                                     1000, 0, 0) + data)


def udp(source, source_port, destination, destination_port, data):
    return frame(source, destination, 17, struct.pack("!HHHH", source_port, destination_port, 8 + len(data), 0) + data)


def http(client, port, begin, sequence_begin=0):
    """Packets of one request, with their times; ten of them."""
    steps = [(True, SYN, 0, b""), (False, SYN | ACK, 0, b""), (True, ACK, 1, b""), (True, PUSH | ACK, 1, b"GET / HTTP/1.1\r\n\r\n"),
             (False, ACK, 1, b""), (False, PUSH | ACK, 1, b"HTTP/1.1 200 OK\r\n\r\nhello"), (True, ACK, 19, b""),
             (True, FIN | ACK, 19, b""), (False, FIN | ACK, 25, b""), (True, ACK, 20, b"")]
    packets = []
    for number, (there, flags, sequence, data) in enumerate(steps):
        ends = (client, port, SERVER, 80) if there else (SERVER, 80, client, port)
        packets.append((begin + number * 1_000_000, tcp(*ends, flags, sequence_begin + sequence, data)))
    return packets


def pcap(packets):
    """A capture with times in ns."""
    out = struct.pack("<IHHiIII", 0xa1b23c4d, 2, 4, 0, 0, 65535, 1)
    for wall_ns, data in packets:
        out += struct.pack("<IIII", wall_ns // SECOND, wall_ns % SECOND, len(data), len(data)) + data
    return out


def pcapng_packets(data):
    """(wall_ns, bytes, comment) of each packet."""
    at, packets = 0, []
    while at < len(data):
        kind, size = struct.unpack_from("<II", data, at)
        if kind == 6:
            _, high, low, captured, _ = struct.unpack_from("<IIIII", data, at + 8)
            after = at + 28 + (captured + 3) // 4 * 4
            comment = b""
            if after < at + size - 4:
                code, length = struct.unpack_from("<HH", data, after)
                comment = data[after + 4:after + 4 + length] if code == 1 else b""
            packets.append((high << 32 | low, data[at + 28:at + 28 + captured], comment.decode()))
        at += size
    return packets


def accepted(number, client, port, wall_ns):
    """Events of a server that takes one connection."""
    socket = {"netns": 9, "family": "inet", "type": "stream", "protocol": 6, "local_ip": SERVER, "local_port": 80,
              "remote_ip": client, "remote_port": port}
    return [{"kind": "accept", "process": "700", "object": f"socket:{number}", "fd": number, "wall_ns": wall_ns, "uid": 33,
             "socket": socket},
            {"kind": "recv", "process": "700", "fd": number, "wall_ns": wall_ns + 1_000_000, "size_bytes": 18},
            {"kind": "send", "process": "700", "fd": number, "wall_ns": wall_ns + 2_000_000, "size_bytes": 24}]


def eve(client, port, wall_ns, signature=None):
    """A line of Suricata, which may be an alert on what the server sent."""
    time = f"2023-11-14T22:13:{20 + (wall_ns - BEGIN) // SECOND:02}.{(wall_ns % SECOND) // 1000:06}+0000"
    line = {"timestamp": time, "flow_id": port, "proto": "TCP", "src_ip": client, "src_port": port, "dest_ip": SERVER, "dest_port": 80}
    if signature:
        line.update({"event_type": "alert", "src_ip": SERVER, "src_port": 80, "dest_ip": client, "dest_port": port,
                     "alert": {"gid": 1, "signature_id": 7, "signature": signature, "severity": 1}})
    else:
        line.update({"event_type": "flow", "flow": {"pkts_toserver": 6, "pkts_toclient": 4, "bytes_toserver": 400, "bytes_toclient": 300,
                                                    "start": time, "end": time, "state": "closed"}})
    return json.dumps(line) + "\n"


def sebek(counter, wall_s, pid, command, data, kind=0, parent=90, fd=0, inode=5):
    """A packet of Sebek 3."""
    record = struct.pack("!IHHIIIIIIII12sI", 0xd0d0d0d0, 3, kind, counter, wall_s, counter, parent, pid, 500, fd, inode,
                         command.encode(), len(data)) + data
    return udp(SERVER, 1101, "10.0.0.9", 1101, record)


class PacketsTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.store = Spoor(self.folder / "store")

    def take(self, name, content, *arguments, exit_code=0):
        path = self.folder / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        done = subprocess.run([PROGRAM, "import", "--store", self.store.store, *arguments, path],
                              capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
        self.assertEqual(done.returncode, exit_code, done.stderr)
        return done.stderr

    def take_events(self, events, host="web"):
        self.take(f"{host}.ndjson", "".join(json.dumps(event) + "\n" for event in events), "--host", host)

    def packets_of(self, flow):
        out = self.folder / "flow.pcapng"
        self.store.run("pcap", "--flow", flow, "--out", out)
        return pcapng_packets(out.read_bytes())

    def test_a_capture_becomes_flows(self):
        query = udp("10.0.0.7", 5353, "10.0.0.3", 53, b"\x12\x34\x01\x00\x00\x01" + bytes(6) + b"\x01a\x00\x00\x01\x00\x01")
        said = self.take("a.pcap", pcap(http("10.0.0.1", 4000, BEGIN) + [(BEGIN + SECOND, query), (BEGIN + SECOND, bytes(30))]),
                         "--host", "gateway")
        self.assertIn("12 packets, 2 flows, 1 not decoded, 0 malformed", said)
        flows = self.store.sql("SELECT observer, source_ip, source_port, transport, source_packets, destination_packets, source_bytes, "
                               "destination_bytes, state, application, source_tcp_flags, source_retransmitted_bytes FROM flow "
                               "ORDER BY transport")
        self.assertEqual(flows[0], {"observer": "packets", "source_ip": "10.0.0.1", "source_port": 4000, "transport": "tcp",
                                    "source_packets": 6, "destination_packets": 4, "source_bytes": 18, "destination_bytes": 24,
                                    "state": "SF", "application": "http", "source_tcp_flags": FIN | SYN | PUSH | ACK,
                                    "source_retransmitted_bytes": 0})
        self.assertEqual((flows[1]["transport"], flows[1]["source_packets"], flows[1]["destination_packets"]), ("udp", 1, 0))

    def test_the_packets_of_a_flow_come_back(self):
        wanted = http("10.0.0.1", 4000, BEGIN)
        others = http("10.0.0.1", 4001, BEGIN + 500_000)
        self.take("a.pcap", pcap(sorted(wanted + others)))
        packets = self.packets_of("10.0.0.1:4000")
        self.assertEqual([packet[:2] for packet in packets], wanted)

    def test_a_capture_in_several_files_gives_one_connection_whose_counts_add_up(self):
        whole = http("10.0.0.1", 4000, BEGIN)
        question = [(BEGIN + 2_000_000, udp("10.0.0.7", 5353, "10.0.0.3", 53, b"ask")), (BEGIN + 7_500_000, udp("10.0.0.3", 53, "10.0.0.7", 5353, b"told"))]
        packets = sorted(whole + question)
        cuts = [packets[:4], packets[4:8], packets[8:]]
        for number, part in enumerate(cuts[:2]):
            self.take(f"ring.pcap{number}", pcap(part), "--host", "gateway")
        self.take("ring.pcap2", pcap(cuts[2]), "--host", "gateway")
        self.take_events(accepted(5, "10.0.0.1", 4000, BEGIN + 2_000_000))
        self.assertEqual(self.store.sql("SELECT transport, count(DISTINCT connection_id) AS connections, count(*) AS flows FROM flow "
                                        "WHERE observer = 'packets' GROUP BY transport ORDER BY transport"),
                         [{"transport": "tcp", "connections": 1, "flows": 3}, {"transport": "udp", "connections": 1, "flows": 2}])
        totals = self.store.sql("SELECT transport, source_ip, source_packets, destination_packets, source_bytes, destination_bytes, "
                                "end_wall_ns FROM _connection_best WHERE observer = 'packets' ORDER BY transport")
        self.assertEqual([tuple(total.values()) for total in totals],
                         [("tcp", "10.0.0.1", 6, 4, 18, 24, whole[-1][0]), ("udp", "10.0.0.7", 1, 1, 3, 4, question[-1][0])])
        # Asked for any of the parts, all packets come back, and each part has the process.
        self.assertEqual([packet[:2] for packet in self.packets_of("10.0.0.1:4000")], whole)
        self.assertEqual(self.store.sql("SELECT count(*) AS n FROM flow JOIN flow_process USING (flow_id) WHERE observer = 'packets' "
                                        "AND transport = 'tcp'"), [{"n": 3}])

    def test_a_conversation_that_was_captured_twice_at_once_is_one_connection_and_counts_once(self):
        packets = http("10.0.0.1", 4000, BEGIN)
        self.take("inside.pcap", pcap(packets), "--host", "gateway")
        self.take("outside.pcap", pcap([(at + 20_000, data) for at, data in packets]), "--host", "gateway")
        self.assertEqual(self.store.sql("SELECT source_packets, destination_packets, source_bytes FROM _connection_best"),
                         [{"source_packets": 6, "destination_packets": 4, "source_bytes": 18}])

    def test_a_conversation_before_and_after_its_addresses_were_translated_is_one(self):
        inside, outside = http("10.9.0.5", 4000, BEGIN), http("10.0.0.254", 1024, BEGIN + 50_000)
        later = http("10.0.0.254", 1024, BEGIN + 100 * SECOND, 9000)  # the port again, of somebody else
        self.take("inside.pcap", pcap(inside), "--host", "gateway")
        self.take("outside.pcap", pcap(outside + later), "--host", "edge")
        self.take_events(accepted(5, "10.0.0.254", 1024, BEGIN + 2_000_000))
        connections = "SELECT count(DISTINCT connection_id) AS n FROM flow WHERE begin_wall_ns < " + str(BEGIN + 50 * SECOND)
        self.assertEqual(self.store.sql(connections), [{"n": 2}])
        self.take("conntrack.log", "[1700000000.000100]\t    [NEW] tcp      6 120 SYN_SENT src=10.9.0.5 dst=10.0.0.2 sport=4000 dport=80 "
                  "[UNREPLIED] src=10.0.0.2 dst=10.0.0.254 sport=80 dport=1024\n", "--host", "gateway")
        self.assertEqual(self.store.sql(connections), [{"n": 1}])
        self.assertEqual(self.store.sql("SELECT count(DISTINCT connection_id) AS n FROM flow"), [{"n": 2}])
        owners = self.store.sql("SELECT f.source_ip, p.pid, fp.confidence, fp.reason FROM flow AS f JOIN flow_process AS fp USING (flow_id) "
                                "JOIN process AS p ON p.process_id = fp.process_id WHERE f.observer = 'packets' ORDER BY f.source_ip")
        self.assertEqual([(owner["source_ip"], owner["pid"]) for owner in owners], [("10.0.0.254", 700), ("10.9.0.5", 700)])
        self.assertNotIn("translated", owners[0]["reason"])
        self.assertIn("connection tracking says were translated", owners[1]["reason"])
        self.assertLess(owners[1]["confidence"], owners[0]["confidence"])
        # Counted once, as it was before.
        self.assertEqual(self.store.sql("SELECT source_ip, source_packets FROM _connection_best ORDER BY source_ip"),
                         [{"source_ip": "10.0.0.254", "source_packets": 6}, {"source_ip": "10.9.0.5", "source_packets": 6}])

    DATABASE = ("[mtu]\nlabel = Ethernet\nsig = 1500\n[tcp:request]\nlabel = s:unix:Linux:3.11 and newer\n"
                "sig   = *:64:0:*:mss*20,10:mss,sok,ts,nop,ws:df,id+:0\n[tcp:response]\nlabel = s:win:Windows:7 or 8\n"
                "sig   = *:128:0:*:8192,0:mss:df,id+:0\n")

    @staticmethod
    def handshake():
        """Packets of a client and a server that show which systems they are."""
        def segment(source, source_port, destination, destination_port, hops, flags, window, options):
            body = struct.pack("!HHIIBBHHH", source_port, destination_port, 1, 2 if flags & ACK else 0, 5 + len(options) // 4 << 4,
                               flags, window, 0, 0) + options
            head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(body), 7, 0x4000, hops, 6, 0)
            return bytes(12) + b"\x08\x00" + head + address(source) + address(destination) + body
        asks = struct.pack("!BBHBBBBIIBBBB", 2, 4, 1460, 4, 2, 8, 10, 9, 0, 1, 3, 3, 10)
        return [(BEGIN, segment("10.0.0.1", 4000, SERVER, 80, 60, SYN, 29200, asks)),
                (BEGIN + 1_000_000, segment(SERVER, 80, "10.0.0.1", 4000, 128, SYN | ACK, 8192, struct.pack("!BBH", 2, 4, 1460)))]

    def test_syns_tell_systems_by_a_database_that_is_kept_with_the_capture(self):
        database = self.folder / "p0f.fp"
        database.write_text(self.DATABASE)
        said = self.take("a.pcap", pcap(self.handshake()), "--fingerprints", database)
        self.assertIn("2 packets, 1 flows, 2 fingerprints, 0 not decoded", said)
        database.unlink()
        told = [{"ip": "10.0.0.1", "os": "Linux 3.11 and newer", "method": "p0f.fp syn", "wall_ns": BEGIN},
                {"ip": SERVER, "os": "Windows 7 or 8", "method": "p0f.fp syn+ack", "wall_ns": BEGIN + 1_000_000}]
        for _ in range(2):
            self.assertEqual(self.store.sql("SELECT ip, os, method, wall_ns FROM fingerprint ORDER BY ip"), told)
            self.assertEqual(self.store.sql("SELECT count(*) AS n, count(DISTINCT flow_id) AS flows FROM fingerprint JOIN flow USING (flow_id) "
                                            "WHERE observer = 'packets' AND source_packets = 1"), [{"n": 2, "flows": 1}])
            self.store.run("rebuild")

    def test_without_a_database_no_system_is_told_and_that_is_said(self):
        self.take("a.pcap", pcap(self.handshake()), "--fingerprints", self.folder / "none.fp", exit_code=5)
        (self.folder / "empty.fp").write_text("")
        said = self.take("b.pcap", pcap(self.handshake()), "--fingerprints", self.folder / "empty.fp")
        self.assertIn("no systems are told by their SYNs", said)
        self.assertEqual(self.store.sql("SELECT * FROM fingerprint"), [])
        (self.folder / "bad.fp").write_text("[tcp:request]\nlabel = s:unix:A:b\nsig = nonsense\n")
        self.assertIn("line 3 cannot be read", self.take("c.pcap", pcap(http("10.0.0.1", 4000, BEGIN)), "--fingerprints",
                                                         self.folder / "bad.fp", exit_code=2))

    def test_a_cut_capture_is_read_as_far_as_it_goes_and_a_gap(self):
        said = self.take("a.pcap", pcap(http("10.0.0.1", 4000, BEGIN))[:-3])
        self.assertIn("9 packets, 1 flows, 0 not decoded, 1 malformed", said)
        self.assertEqual(self.store.sql("SELECT loss_class, count FROM gap"), [{"loss_class": "malformed", "count": 1}])

    def test_rows_are_the_same_when_they_are_made_again(self):
        self.take("a.pcap", pcap(http("10.0.0.1", 4000, BEGIN)))
        self.take_events(accepted(5, "10.0.0.1", 4000, BEGIN + 2_000_000))
        tables = ["flow", "flow_process"]
        before = {table: sorted(map(json.dumps, self.store.sql(f"SELECT * FROM {table}"))) for table in tables}
        self.store.run("rebuild")
        for table in tables:
            self.assertEqual(sorted(map(json.dumps, self.store.sql(f"SELECT * FROM {table}"))), before[table], table)
        self.take("b.pcap", pcap(http("10.0.0.1", 4000, BEGIN)), exit_code=2)

    def fill(self, ahead_ns=0):
        """Five connections as packets, Suricata and the server's sensor saw them; the first two clocks go `ahead_ns`."""
        ports = range(4000, 4005)
        seen = [(port, BEGIN + (port - 4000) * SECOND) for port in ports]
        # What comes late is joined, too: the sensor's events come last.
        self.take("a.pcap", pcap([packet for port, at in seen for packet in http("10.0.0.1", port, at + ahead_ns)]), "--host", "gateway")
        self.take("eve.json", "".join(eve("10.0.0.1", port, at + ahead_ns) for port, at in seen)
                  + eve("10.0.0.1", 4003, BEGIN + 3 * SECOND + ahead_ns, "id check returned root"), "--host", "gateway")
        self.take_events([event for port, at in seen for event in accepted(port - 3990, "10.0.0.1", port, at + 2_000_000)])

    def check_join(self):
        self.assertEqual(self.store.sql("SELECT count(DISTINCT connection_id) AS connections, count(*) AS flows FROM flow"),
                         [{"connections": 5, "flows": 15}])
        self.assertEqual(self.store.sql("SELECT f.observer, count(*) AS n, min(fp.confidence) >= 0.9 AS sure, count(DISTINCT f.flow_id) AS flows "
                                        "FROM flow AS f JOIN flow_process AS fp ON fp.flow_id = f.flow_id JOIN process AS p ON "
                                        "p.process_id = fp.process_id WHERE p.pid = 700 AND fp.fd = f.source_port + f.destination_port - 4070 "
                                        "GROUP BY f.observer ORDER BY f.observer"),
                         [{"observer": observer, "n": 5, "sure": True, "flows": 5} for observer in ("packets", "sensor", "suricata")])
        alerts = self.store.query("alerts")
        self.assertEqual([(alert["signature"], alert["pid"], alert["source_port"], alert["confidence"] >= 0.9) for alert in alerts],
                         [("id check returned root", 700, 4003, True)])
        story = self.store.query("flow_story", flow=alerts[0]["flow_id"])
        self.assertEqual(sorted(fact["kind"] for fact in story), ["alert", "flow", "flow", "flow", "process"])

    def test_observers_of_one_connection_are_joined_with_its_process(self):
        self.fill()
        self.check_join()
        self.assertEqual(self.store.query("alert_process")[0]["uid"], 33)
        comments = {packet[2] for packet in self.packets_of("10.0.0.1:4002")}
        self.assertEqual(len(comments), 1)
        self.assertIn("process 700", comments.pop())

    def test_clocks_that_disagree_are_measured_and_joined_over(self):
        self.fill(ahead_ns=30 * SECOND)
        self.check_join()
        offsets = self.store.sql("SELECT source, other, offset_ns, uncertainty_ns, samples FROM clock_offset WHERE 'web sensor' IN (source, other) "
                                 "AND 'gateway packets' IN (source, other)")
        self.assertEqual(len(offsets), 1)
        self.assertEqual(offsets[0]["samples"], 5)
        self.assertLess(abs(abs(offsets[0]["offset_ns"]) - 30 * SECOND), SECOND // 100)
        self.assertLess(offsets[0]["uncertainty_ns"], SECOND // 100)

    def test_one_pair_of_ends_used_again_is_another_connection(self):
        self.take("a.pcap", pcap(http("10.0.0.1", 4000, BEGIN) + http("10.0.0.1", 4000, BEGIN + SECOND, 5000)))
        self.take_events(accepted(5, "10.0.0.1", 4000, BEGIN + 2_000_000) + accepted(6, "10.0.0.1", 4000, BEGIN + SECOND + 2_000_000))
        self.assertEqual(self.store.sql("SELECT fd FROM flow JOIN flow_process USING (flow_id) WHERE observer = 'packets' ORDER BY flow.begin_wall_ns"),
                         [{"fd": 5}, {"fd": 6}])

    def test_a_flow_of_nobody_says_why(self):
        self.take("a.pcap", pcap(http("10.0.0.1", 4000, BEGIN)))
        self.take_events(accepted(5, "10.0.0.1", 4001, BEGIN))
        reasons = {flow["reason"] for flow in self.store.query("flows", observer="packets")}
        self.assertEqual(len(reasons), 1)
        self.assertIn("no socket with its ends", reasons.pop())

    def test_a_capture_of_sebek_tells_what_was_typed_by_whom_and_what_is_missing(self):
        second = BEGIN // SECOND
        socket = address("10.0.0.1") + struct.pack("!H", 4000) + address(SERVER) + struct.pack("!HHB", 80, 5, 6)
        typed = [sebek(1, second, 100, "bash", b"", inode=0), sebek(3, second + 1, 100, "bash", b"d"), sebek(2, second + 1, 100, "bash", b"i"),
                 sebek(3, second + 1, 100, "bash", b"d"), sebek(4, second + 1, 100, "bash", b"\r"),
                 sebek(5, second + 2, 100, "bash", b"/etc/motd", kind=3, fd=3, inode=7), sebek(6, second + 2, 100, "bash", b"motd", fd=3, inode=7),
                 sebek(9, second + 3, 200, "httpd", socket, kind=2, fd=4, inode=9)]
        self.take("a.pcap", pcap([(BEGIN + number, packet) for number, packet in enumerate(typed)] + http("10.0.0.1", 4000, BEGIN + 3 * SECOND)),
                  "--host", "gateway")
        keys = self.store.rows("query", "keystrokes", exit_codes=(4,))  # answered, and something is missing
        self.assertEqual([(row["host"], row["pid"], row["uid"], row["command"], row["edited"]) for row in keys],
                         [(SERVER, 100, 500, "bash", ["id"])])
        self.assertEqual(self.store.rows("query", "keystrokes", "keys=1", exit_codes=(4,))[0]["edited"], ["id"])
        self.assertEqual(self.store.sql("SELECT loss_class, count FROM gap"), [{"loss_class": "sequence", "count": 2}])
        self.assertEqual(self.store.sql("SELECT p.pid, p.name, q.pid AS parent FROM process AS p JOIN process AS q "
                                        "ON q.process_id = p.parent_process_id ORDER BY p.pid"),
                         [{"pid": 100, "name": "bash", "parent": 90}, {"pid": 200, "name": "httpd", "parent": 90}])
        self.assertEqual(self.store.sql("SELECT o.path FROM event AS e JOIN object AS o USING (object_id) WHERE e.kind = 'read' AND e.fd = 3"),
                         [{"path": "/etc/motd"}])
        # What the packets show of the connection has its process by the record of its socket.
        self.assertEqual(self.store.sql("SELECT p.pid FROM flow AS f JOIN flow_process AS fp USING (flow_id) JOIN process AS p USING (process_id) "
                                        "WHERE f.observer = 'packets' AND f.source_port = 4000"), [{"pid": 200}])

    def test_two_recorded_hosts_make_a_stepping_stone(self):
        connects = {"kind": "connect", "process": "800", "object": "socket:3", "fd": 3, "wall_ns": BEGIN,
                    "socket": {"netns": 4, "family": "inet", "type": "stream", "protocol": 6, "local_ip": "10.0.0.1", "local_port": 4000,
                               "remote_ip": SERVER, "remote_port": 80}}
        self.take_events([connects], host="first")
        self.take_events(accepted(5, "10.0.0.1", 4000, BEGIN + 1_000_000), host="second")
        stones = self.store.query("stepping_stones")
        self.assertEqual([(stone["source_host"], stone["destination_host"]) for stone in stones], [("first", "second")])


if __name__ == "__main__":
    suite.main()
