#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Files that overlap, as a log and what was rotated away of it do, give the rows of one file that holds all of it; what a
file says twice it says twice.

  overlap_test.py SPOOR [unittest arguments]
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

TABLES = {  # what does not say which file it was in
    "flow": "flow_id, observer, source_ip, source_port, destination_ip, destination_port, begin_wall_ns, end_wall_ns, source_packets, "
            "destination_packets, source_bytes, source_frame_bytes, state, application, community_id",
    "alert": "alert_id, signature, wall_ns, flow_id", "alert_packet": "*", "fingerprint": "*", "log_line": "*"}


def eve(number, kind, **more):
    return json.dumps({"timestamp": f"2024-01-02T03:04:{number:02}.000000+0000", "flow_id": 1000 + number // 4, "event_type": kind,
                       "src_ip": "10.0.0.1", "src_port": 4000 + number // 4, "dest_ip": "10.0.0.2", "dest_port": 80, "proto": "TCP",
                       **more})


def eve_lines():
    lines = []
    for number in range(0, 40, 4):
        lines += [eve(number, "http", http={"hostname": "a"})] * 2  # the same line twice
        lines += [eve(number + 1, "alert", packet="AAEC", alert={"gid": 1, "signature_id": 7, "signature": "a", "severity": 2})] * 2
        lines.append(eve(number + 2, "flow", app_proto="http", flow={
            "pkts_toserver": 5, "pkts_toclient": 4, "bytes_toserver": 500, "bytes_toclient": 400, "state": "closed",
            "start": f"2024-01-02T03:04:{number:02}.000000+0000", "end": f"2024-01-02T03:04:{number + 2:02}.000000+0000"}))
    return lines


def zeek_lines():
    head = ["#separator \\x09", "#set_separator\t,", "#empty_field\t(empty)", "#unset_field\t-", "#path\tconn",
            "#fields\tts\tuid\tid.orig_h\tid.orig_p\tid.resp_h\tid.resp_p\tproto\tduration\torig_bytes\tconn_state\torig_pkts\tresp_pkts",
            "#types\ttime\tstring\taddr\tport\taddr\tport\tenum\tinterval\tcount\tstring\tcount\tcount"]
    return head, [f"170416464{n}.0\tC{n}\t10.0.0.1\t{4000 + n}\t10.0.0.2\t80\ttcp\t1.0\t17\tSF\t3\t4" for n in range(9)]


def argus_lines():
    head = "StartTime,LastTime,Dur,Proto,SrcAddr,Sport,Dir,DstAddr,Dport,SrcPkts,DstPkts,SrcBytes,DstBytes,State"
    return head, [f"2024-01-02 03:04:{n:02}.000000,2024-01-02 03:04:{n + 1:02}.000000,1.0,tcp,10.0.0.1,4000,->,10.0.0.2,80,3,2,300,200,CON"
                  for n in range(0, 40, 2)]


SYSLOG = ["Jan  2 03:04:05 web sshd[7]: Failed password for root from 192.0.2.7 port 4000 ssh2"] * 3 + [
    f"Jan  2 03:04:{n:02} web cron[7]: (root) CMD (run {n})" for n in range(6, 30)]
P0F = [f"[2024/01/02 03:04:{n:02}] mod=syn|cli=10.0.0.1/{4000 + n}|srv=10.0.0.2/80|subj=cli|os=Linux 3.11 and newer|dist=0|"
       "params=none|raw_sig=4:64+0:0:1460:mss*20,7:mss,sok,ts,nop,ws:df,id+:0" for n in range(20)]
ACCESS = [f'10.0.0.1 - - [02/Jan/2024:03:04:{n:02} +0000] "GET /{n} HTTP/1.1" 200 17 "-" "curl"' for n in range(20)]
SNORT = [f"01/02-03:04:{n:02}.385525  [**] [1:2466:7] A message [**] [Classification: Bad] [Priority: 3] {{TCP}} "
         f"10.0.0.1:{4000 + n} -> 10.0.0.2:80" for n in range(20)]


def unified2(number):
    """An alert and its packet."""
    def record(kind, body):
        return struct.pack(">II", kind, len(body)) + body
    second = 1704164645 + number
    data = struct.pack("!6s6sHBBHHHBBH4s4sHHIIBBHHH", bytes(6), bytes(6), 0x800, 0x45, 0, 40, 1, 0, 64, 6, 0, bytes([10, 0, 0, 1]),
                       bytes([10, 0, 0, 2]), 4000 + number, 80, 1, 0, 0x50, 24, 1000, 0, 0)
    return record(7, struct.pack(">IIIIIIIIIIIHHBBBB", 1, number, second, 7, 2466, 1, 7, 3, 2, 0x0a000001, 0x0a000002, 4000 + number,
                                 80, 6, 0, 0, 0)) + \
        record(2, struct.pack(">IIIIIII", 1, number, second, second, 9, 1, len(data)) + data)


def capture(packets):
    out = struct.pack("<IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, 65535, 1)
    for micros, data in packets:
        out += struct.pack("<IIII", micros // 1_000_000, micros % 1_000_000, len(data), len(data)) + data
    return out


def request(number):
    """Packets of a conversation over UDP, a question and an answer."""
    def frame(source, source_port, destination, destination_port):
        return struct.pack("!12sHBBHHHBBH4s4sHHHH", bytes(12), 0x800, 0x45, 0, 28 + 4, 1, 0, 64, 17, 0, bytes([10, 0, 0, source]),
                           bytes([10, 0, 0, destination]), source_port, destination_port, 12, 0) + b"data"
    begin = 1_700_000_000_000_000 + number * 1000
    return [(begin, frame(1, 4000 + number, 2, 53)), (begin + 500, frame(2, 53, 1, 4000 + number))]


class OverlapTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def rows(self, name, contents):
        """The tables of a store with files of these contents."""
        store = Spoor(self.folder / name)
        paths = []
        for number, content in enumerate(contents):
            paths.append(self.folder / f"{name}.{number}")
            paths[-1].write_bytes(content if isinstance(content, bytes) else content.encode())
        done = subprocess.run([PROGRAM, "import", "--store", store.store, "--year", "2024", *paths], capture_output=True, text=True,
                              check=False, stdin=subprocess.DEVNULL)
        self.assertEqual(done.returncode, 0, done.stderr)
        return {table: sorted(map(json.dumps, store.sql(f"SELECT {columns} FROM {table}"))) for table, columns in TABLES.items()}

    def check(self, whole, parts, table, count):
        """That `parts`, in either order and with `whole` or without, say what `whole` says."""
        expected = self.rows("whole", [whole])
        self.assertEqual(len(expected[table]), count)
        for name, contents in (("reversed", list(reversed(parts))), ("all", [*parts, whole])):
            found = self.rows(name, contents)
            for each in TABLES:
                self.assertEqual(found[each], expected[each], f"{name}: {each}")

    @staticmethod
    def text(lines):
        return "".join(line + "\n" for line in lines)

    def check_lines(self, lines, table, count, cut=(12, 7)):
        self.check(self.text(lines), [self.text(lines[:cut[0]]), self.text(lines[cut[1]:])], table, count)

    def test_suricata(self):
        self.check_lines(eve_lines(), "log_line", 20, cut=(20, 10))
        self.assertEqual(len(self.rows("counted", [self.text(eve_lines())])["alert"]), 20)

    def test_zeek(self):
        head, lines = zeek_lines()
        self.check(self.text(head + lines), [self.text(head + lines[:6]), self.text(head + lines[3:])], "flow", 9)

    def test_records_of_one_flow_that_two_files_have_count_once(self):
        head, lines = argus_lines()
        rows = self.rows("argus", [self.text([head] + lines[:6]), self.text([head] + lines[:15])])
        self.assertEqual(rows, self.rows("whole", [self.text([head] + lines[:15])]))
        self.assertEqual(json.loads(rows["flow"][0])["source_packets"], 45)

    def test_syslog_with_lines_that_are_the_same(self):
        self.check_lines(SYSLOG, "log_line", 27)

    def test_p0f(self):
        self.check_lines(P0F, "fingerprint", 20)

    def test_access_log(self):
        self.check_lines(ACCESS, "log_line", 20)

    def test_snort(self):
        self.check_lines(SNORT, "alert", 20)

    def test_unified2_with_packets(self):
        records = [unified2(number) for number in range(8)]
        self.check(b"".join(records), [b"".join(records[:5]), b"".join(records[2:])], "alert_packet", 8)

    def test_captures(self):
        conversations = [request(number) for number in range(20)]
        packets = sum(conversations, [])
        self.check(capture(packets), [capture(packets[:24]), capture(packets[16:])], "flow", 20)

    def test_a_conversation_of_which_a_capture_has_less(self):
        packets = request(1)
        rows = self.rows("cut", [capture(packets), capture(packets[:1])])
        self.assertEqual(rows, self.rows("whole", [capture(packets)]))


if __name__ == "__main__":
    suite.main()
