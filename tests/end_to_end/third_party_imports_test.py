#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Logs that others recorded, held against what other tools, or a reader that shares no code with Spoor, say of them. The
files are looked for beside the project, in ../shared/data; where that is not there, the tests are skipped.

  third_party_imports_test.py SPOOR [unittest arguments]
"""
import collections
import gzip
import json
import pathlib
import shutil
import struct
import subprocess
import sys
import tempfile
import unittest

from spoor_program import PROGRAM, Spoor

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/machine"))
import suite  # noqa: E402

DATA = ROOT.parent / "shared/data"


def setUpModule():
    if not DATA.is_dir():
        raise unittest.SkipTest("the recordings of others are not beside the project (../shared/data)")


def zeek_rows(path):
    """Records of a TSV log as dictionaries."""
    fields = []
    for line in gzip.open(path, "rt").read().splitlines():
        if line.startswith("#fields"):
            fields = line.split("\t")[1:]
        elif not line.startswith("#"):
            yield dict(zip(fields, line.split("\t")))


class ThirdPartyTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.store = Spoor(pathlib.Path(folder.name) / "store")

    def take(self, *arguments):
        done = subprocess.run([PROGRAM, "import", "--store", self.store.store, *map(str, arguments)],
                              capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stderr

    def test_flows_and_alerts_of_suricata(self):
        path = DATA / "vast-one-capture/expected.suricata.eve.json.gz"
        lines = [json.loads(line) for line in gzip.open(path, "rt")]
        self.take(path)
        flows = [line for line in lines if line["event_type"] == "flow"]
        self.assertEqual(
            sorted((row["p1"], row["p2"], row["b1"], row["b2"]) for row in self.store.sql(
                "SELECT source_packets p1, destination_packets p2, source_frame_bytes b1, destination_frame_bytes b2 "
                "FROM flow WHERE source_packets IS NOT NULL")),
            sorted((line["flow"]["pkts_toserver"], line["flow"]["pkts_toclient"], line["flow"]["bytes_toserver"],
                    line["flow"]["bytes_toclient"]) for line in flows))
        alerts = collections.Counter(line["alert"]["signature_id"] for line in lines if line["event_type"] == "alert")
        self.assertEqual({row["signature_id"]: row["n"] for row in self.store.sql(
            "SELECT signature_id, count(*) n FROM alert GROUP BY ALL")}, dict(alerts))
        self.assertEqual(self.store.sql("SELECT count(*) n FROM alert ANTI JOIN flow USING (flow_id)"), [{"n": 0}])

    def test_connections_of_zeek(self):
        path = DATA / "zeek-m57/conn.log.gz"
        rows = list(zeek_rows(path))
        self.take(path)

        def total(column):
            return sum(int(row[column]) for row in rows if row[column] != "-")
        self.assertEqual(
            self.store.sql("SELECT count(*) n, sum(source_packets)::BIGINT p, sum(source_bytes)::BIGINT b1, "
                           "sum(destination_bytes)::BIGINT b2 FROM flow"),
            [{"n": len(rows), "p": total("orig_pkts"), "b1": total("orig_bytes"), "b2": total("resp_bytes")}])

    def test_both_writers_of_zeek_give_the_same_lines(self):
        for path in sorted((DATA / "zeek-brim/tsv").glob("*.log.gz")):
            twin = DATA / "zeek-brim/json" / path.name.replace(".log.gz", ".json.gz")
            if not twin.exists():
                continue
            with self.subTest(path.name):
                said = self.take("--host", "t" + path.name, path) + self.take("--host", "j" + path.name, twin)
                self.assertEqual(said.count(" 0 malformed"), 2, said)
                # The files themselves differ: lines of tabs have six decimals, in which a precision of 2^-23 s is 0,
                # and a time of 1901 that is given in more of them.
                lines = ("SELECT line.wall_ns, regexp_replace(message, ' (precision=|xmt_time=1901)[^ ]+', '', 'g') AS message "
                         "FROM log_line line JOIN host USING (host_id) WHERE name = '{}'")
                differing = self.store.sql(f"{lines.format('t' + path.name)} EXCEPT ALL {lines.format('j' + path.name)}")
                self.assertEqual(differing[:3], [])

    def test_events_of_unified2(self):
        for name in ("snort/unified2/djcas9-unified2-current.log", "snort/unified2/djcas9-unified2-legacy.log"):
            data = (DATA / name).read_bytes()
            types, place = collections.Counter(), 0
            while place < len(data):
                kind, size = struct.unpack(">II", data[place:place + 8])
                types[kind] += 1
                place += 8 + size
            said = self.take("--host", name, DATA / name)
            self.assertIn(f"{types[7] + types[104]} alerts", said)
        self.assertEqual(self.store.sql("SELECT count(*) n FROM alert_packet ANTI JOIN alert USING (alert_id)"), [{"n": 0}])

    def test_audit_events_as_ausearch_has_them(self):
        if not shutil.which("ausearch"):
            self.skipTest("ausearch is not installed")
        so_far = 0
        for path in sorted(DATA.glob("auparse/*.log")) + sorted(DATA.glob("audit-more/otrf/*.log")):
            with self.subTest(path.name):
                text = subprocess.run(["ausearch", "-if", path, "-sc", "execve", "--raw"], capture_output=True, text=True,
                                      check=False, stdin=subprocess.DEVNULL).stdout
                execs = {line.split("msg=audit(")[1].split(")")[0] for line in text.splitlines() if "type=SYSCALL" in line}
                self.take("--host", path.name, path)
                so_far += len(execs)
                self.assertEqual(self.store.sql("SELECT count(*) n FROM exec"), [{"n": so_far}])

    def test_records_of_argus_and_nfdump_through_their_clients(self):
        path = DATA / "argus/made/ssh.pcap.argus"
        self.take("--host", "binary", path)
        self.take("--host", "text", DATA / "argus/made/ssh.pcap.ra.csv")
        sums = self.store.sql("SELECT source_port, destination_port, source_packets, destination_packets, source_frame_bytes, "
                              "count(*) n FROM flow GROUP BY ALL")
        self.assertEqual({row["n"] for row in sums}, {2}, sums)
        if shutil.which("nfdump"):
            self.take(DATA / "nfdump/made/ssh.pcap.nfcapd.202407110755")
            self.assertEqual(self.store.sql("SELECT count(*) n, sum(source_packets)::BIGINT p1, "
                                            "sum(destination_packets)::BIGINT p2 FROM flow WHERE observer = 'netflow'"),
                             [{"n": 2, "p1": 159 + 17, "p2": 47 + 20}])


if __name__ == "__main__":
    suite.main()
