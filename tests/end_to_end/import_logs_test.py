#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Logs of other tools become rows: each file is of its own kind, a second import of the same bytes adds nothing, a line
that cannot be read is counted and a gap, and the tables can be made again.

  import_logs_test.py SPOOR [unittest arguments]
"""
import gzip
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

ALERT = {"timestamp": "2024-01-02T03:04:05.500000+0000", "flow_id": 77, "event_type": "alert", "src_ip": "10.0.0.2",
         "src_port": 80, "dest_ip": "10.0.0.1", "dest_port": 4000, "proto": "TCP",
         "alert": {"gid": 1, "signature_id": 2100498, "rev": 7, "signature": "id check returned root", "category": "Bad",
                   "severity": 2}, "packet": "AAEC"}
FLOW = {"timestamp": "2024-01-02T03:04:09.000000+0000", "flow_id": 77, "event_type": "flow", "src_ip": "10.0.0.1",
        "src_port": 4000, "dest_ip": "10.0.0.2", "dest_port": 80, "proto": "TCP", "app_proto": "http",
        "flow": {"pkts_toserver": 5, "pkts_toclient": 4, "bytes_toserver": 500, "bytes_toclient": 400,
                 "start": "2024-01-02T03:04:05.000001+0000", "end": "2024-01-02T03:04:06.000000+0000", "state": "closed"}}
EVE = json.dumps(ALERT) + "\n" + json.dumps(FLOW) + "\n"
ZEEK = ("#separator \\x09\n#set_separator\t,\n#empty_field\t(empty)\n#unset_field\t-\n#path\tconn\n"
        "#fields\tts\tuid\tid.orig_h\tid.orig_p\tid.resp_h\tid.resp_p\tproto\tduration\torig_bytes\tconn_state\n"
        "#types\ttime\tstring\taddr\tport\taddr\tport\tenum\tinterval\tcount\tstring\n"
        "1704164645.000001\tC1\t10.0.0.1\t4000\t10.0.0.2\t80\ttcp\t1.0\t17\tSF\n")
AUDIT = ('type=SYSCALL msg=audit(1704164645.100:7): arch=c000003e syscall=59 success=yes exit=0 a0=1 a1=2 a2=3 a3=4 '
         'items=1 ppid=100 pid=200 auid=1000 uid=1000 gid=1000 euid=0 suid=0 fsuid=0 egid=1000 sgid=1000 fsgid=1000 '
         'tty=pts0 ses=3 comm="id" exe="/usr/bin/id" key=(null)\n'
         'type=EXECVE msg=audit(1704164645.100:7): argc=2 a0="id" a1=2D75\n'
         'type=CWD msg=audit(1704164645.100:7): cwd="/root"\n'
         'type=PATH msg=audit(1704164645.100:7): item=0 name="/usr/bin/id" inode=11 dev=08:01 mode=0100755 ouid=0 ogid=0 '
         'nametype=NORMAL\n'
         'type=USER_AUTH msg=audit(1704164646.100:9): pid=5 uid=0 msg=\'op=login acct="root" exe="/usr/sbin/sshd" '
         'res=failed\'\n')
SNORT = ("11/27-13:01:46.385525  [**] [1:2466:7] A message [**] [Classification: Bad] [Priority: 3] {TCP} "
         "10.0.0.1:4000 -> 10.0.0.2:80\n")


class ImportTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.store = Spoor(self.folder / "store")

    def file(self, name, text):
        path = self.folder / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    def take(self, *arguments, exit_code=0):
        done = subprocess.run([PROGRAM, "import", "--store", self.store.store, *map(str, arguments)],
                              capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
        self.assertEqual(done.returncode, exit_code, done.stderr)
        return done.stderr

    def test_each_file_is_of_the_kind_that_it_looks_like(self):
        said = self.take("--host", "sensor", self.file("a", EVE), self.file("b.gz", gzip.compress(ZEEK.encode())),
                         self.file("c", AUDIT))
        self.assertIn("eve: 2 records, 1 flows, 1 alerts, 0 not decoded, 0 malformed", said)
        self.assertIn("zeek: 8 records, 1 flows, 0 not decoded, 0 malformed", said)
        self.assertIn("auditd: 5 records, 3 events, 1 log lines, 0 not decoded, 0 malformed", said)
        flows = self.store.sql("SELECT observer, source_ip, source_port, destination_port, source_packets, source_bytes, "
                               "source_frame_bytes, state, community_id FROM flow ORDER BY observer")
        self.assertEqual([flow["observer"] for flow in flows], ["suricata", "zeek"])
        self.assertEqual(flows[0]["source_ip"], "10.0.0.1")
        self.assertEqual((flows[0]["source_packets"], flows[0]["source_bytes"], flows[0]["source_frame_bytes"]),
                         (5, None, 500))
        self.assertEqual((flows[1]["source_packets"], flows[1]["source_bytes"]), (None, 17))
        self.assertEqual(flows[0]["community_id"], flows[1]["community_id"])

    def test_an_alert_has_the_flow_of_its_record_and_its_packet(self):
        self.take(self.file("a", EVE))
        self.assertEqual(self.store.sql(
            "SELECT signature, priority, flow.source_port AS port, octet_length(data) AS size FROM alert "
            "JOIN flow USING (flow_id) JOIN alert_packet USING (alert_id)"),
            [{"signature": "id check returned root", "priority": 2, "port": 4000, "size": 3}])

    def test_an_alert_without_a_record_of_its_flow_makes_one(self):
        self.take("--year", "2017", self.file("a", SNORT))
        self.assertEqual(self.store.sql("SELECT observer, source_ip, source_packets, confidence FROM alert "
                                        "JOIN flow USING (flow_id)"),
                         [{"observer": "snort", "source_ip": "10.0.0.1", "source_packets": None, "confidence": 1}])

    def test_the_events_of_the_audit_system_are_those_of_a_host(self):
        self.take("--host", "web1", self.file("a", AUDIT))
        self.assertEqual(self.store.sql("SELECT executable, arguments, uid, euid FROM exec"),
                         [{"executable": "/usr/bin/id", "arguments": ["id", "-u"], "uid": 1000, "euid": 0}])
        self.assertEqual(self.store.sql("SELECT parent.pid FROM process JOIN process AS parent ON "
                                        "process.parent_process_id = parent.process_id WHERE process.pid = 200"),
                         [{"pid": 100}])
        self.assertEqual(self.store.sql("SELECT loss_class, count FROM gap"), [{"loss_class": "sequence", "count": 1}])
        self.assertEqual(self.store.sql("SELECT source, program FROM log_line"),
                         [{"source": "audit USER_AUTH", "program": "sshd"}])

    def test_the_same_bytes_are_taken_once(self):
        first, again = self.file("a", EVE), self.file("copy", EVE)
        self.assertIn("have the same bytes", self.take(first, again, exit_code=2))
        self.take(first)
        self.assertIn("were imported already", self.take(again, exit_code=2))
        self.assertEqual(self.store.sql("SELECT count(*) AS n FROM alert"), [{"n": 1}])

    def test_a_line_that_cannot_be_read_is_counted_and_a_gap(self):
        said = self.take(self.file("a", "{broken\n" + EVE), "--kind", "eve")
        self.assertIn("3 records, 1 flows, 1 alerts, 0 not decoded, 1 malformed", said)
        self.assertEqual(self.store.sql("SELECT loss_class, count, from_wall_ns < until_wall_ns AS spans FROM gap"),
                         [{"loss_class": "malformed", "count": 1, "spans": True}])

    def test_times_without_a_year_ask_for_it(self):
        self.assertIn("--year", self.take(self.file("a", SNORT), exit_code=2))

    def test_the_offset_of_a_clock_is_stored_and_not_applied(self):
        self.take("--clock-offset=-2s", "--host", "ids", self.file("a", EVE))
        self.assertEqual(self.store.sql("SELECT source, other, offset_ns, samples FROM clock_offset"),
                         [{"source": "ids", "other": "UTC", "offset_ns": -2000000000, "samples": 0}])
        self.assertEqual(self.store.sql("SELECT wall_ns FROM alert"), [{"wall_ns": 1704164645500000000}])

    def test_logins_of_wtmp_and_failed_ones_of_btmp_are_told_with_who_and_from_where(self):
        def record(kind, line, user, address, second):
            return struct.pack("<HHi32s4s32s256shhiii16s20s", kind, 0, 77, line, b"1", user, b"", 0, 0, 0, 1704164645 + second,
                               0, bytes(address), b"")
        self.take("--host", "web", self.file("wtmp", record(7, b"pts/0", b"alice", [192, 0, 2, 7], 0)
                                             + record(8, b"pts/0", b"", [], 60) + record(7, b"tty1", b"root", [], 70)),
                  self.file("btmp", record(6, b"ssh:notty", b"admin", [192, 0, 2, 9], 5)),
                  self.file("btmp.1", record(7, b"tty2", b"guest", [], 80)))  # as login of shadow writes it
        self.assertEqual(self.store.sql('SELECT host, kind, "user", source_ip, terminal FROM host_log ORDER BY wall_ns'), [
            {"host": "web", "kind": "login", "user": "alice", "source_ip": "192.0.2.7", "terminal": "pts/0"},
            {"host": "web", "kind": "login_failed", "user": "admin", "source_ip": "192.0.2.9", "terminal": "ssh:notty"},
            {"host": "web", "kind": "login_ended", "user": "alice", "source_ip": "192.0.2.7", "terminal": "pts/0"},
            {"host": "web", "kind": "login", "user": "root", "source_ip": None, "terminal": "tty1"},
            {"host": "web", "kind": "login_failed", "user": "guest", "source_ip": None, "terminal": "tty2"}])
        self.assertEqual(self.store.sql("SELECT kind, source_ip, succeeded, uid, names FROM logins ORDER BY wall_ns"), [
            {"kind": "remote", "source_ip": "192.0.2.7", "succeeded": True, "uid": None, "names": ["alice"]},
            {"kind": "ssh", "source_ip": "192.0.2.9", "succeeded": False, "uid": None, "names": ["admin"]},
            {"kind": "login", "source_ip": None, "succeeded": True, "uid": 0, "names": ["root"]},
            {"kind": "login", "source_ip": None, "succeeded": False, "uid": None, "names": ["guest"]}])

    def test_the_tables_are_the_same_when_they_are_made_again(self):
        self.take("--year", "2017", self.file("a", EVE + "broken\n"), self.file("b", ZEEK), self.file("c", AUDIT),
                  self.file("d", SNORT))
        tables = ["flow", "alert", "alert_packet", "log_line", "gap", "event", "process"]
        before = {table: sorted(map(json.dumps, self.store.sql(f"SELECT * FROM {table}"))) for table in tables}
        self.store.run("rebuild")
        for table in tables:
            self.assertEqual(sorted(map(json.dumps, self.store.sql(f"SELECT * FROM {table}"))), before[table], table)
        self.store.run("verify")


if __name__ == "__main__":
    suite.main()
