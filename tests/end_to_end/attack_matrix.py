#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The attack matrix: each row attacks a record that real processes made, and says who does it, where it
is caught and what must be named. Both verifiers, `spoor verify` and tools/verify.py, must agree.

  attack_matrix.py SPOOR SYNTHETIC_SENSOR [unittest arguments]
  attack_matrix.py --table      the rows as docs/threat-model.md must have them

A row is a function with @attack above it: those in attacks_on_store.py change a copy of a collector's
store, those in the others meet a running collector, or spoil a sensor's spool.
"""
import json
import pathlib
import shutil
import signal
import subprocess
import sys
import unittest

DOCUMENT = pathlib.Path(__file__).resolve().parents[2] / "docs/threat-model.md"

if sys.argv[1:] == ["--table"]:
    sys.argv[1:] = ["", "", "--table"]  # no program is run
import attacks  # noqa: E402
import attacks_on_collector  # noqa: E402, F401  (registers its rows, in the table's order)
import attacks_on_network  # noqa: E402, F401
import attacks_by_flood  # noqa: E402, F401
import attacks_on_store  # noqa: E402, F401
import collecting  # noqa: E402
import forgery  # noqa: E402
import suite  # noqa: E402
from forgery import verify  # noqa: E402


class Matrix(unittest.TestCase):
    """One test for each row; added below."""

    @classmethod
    def setUpClass(cls):
        cls.world = collecting.World()
        cls.world.setUp()
        cls.addClassCleanup(cls.world.tearDown)
        collecting.spoor("keys", "sensor", "db-1", "--dir", cls.world.authority)
        cls.base = attacks.make_base(cls.world)
        cls.addClassCleanup(cls.base.witness.end)

    def verdict(self, store, **keys):
        """(exit code, all it said, object of --json) of `spoor verify`."""
        words = [word for name, file in keys.items() for word in (f"--{name}", file)]
        told = collecting.spoor("verify", "--store", store, *words, status=None)
        lines = collecting.spoor("verify", "--store", store, "--json", *words, status=told.returncode).stdout
        return told.returncode, told.stdout + told.stderr, json.loads(lines)

    def second_verdict(self, store, **keys):
        """(exit code, what it names or None, the log) of tools/verify.py."""
        try:
            log = verify.verify(str(store), **{"checkpoints" if name == "checkpoint" else f"{name}_file":
                                               [file] if name == "checkpoint" else file for name, file in keys.items()})
        except verify.Unverified as error:
            return 3, str(error), None
        return 0 if log.complete else 4, None, log

    def agree(self, store, exit_code, named=(), **keys):
        """Both come to this verdict and name these."""
        code, said, report = self.verdict(store, **keys)
        other_code, other_said, log = self.second_verdict(store, **keys)
        self.assertEqual((code, other_code), (exit_code, exit_code), f"{said}\n{other_said}")
        if exit_code == 3:
            for name in named:
                self.assertIn(name, said)
                self.assertIn(name, other_said)
        return report, log

    def run_on_store(self, row):
        store = self.world.folder / row.name
        shutil.copytree(self.base.store, store)
        done = row.run(attacks.StoreCase(self.world, self.base, store)) or attacks.Expected()
        # What each way of asking needs; the least that catches it is what the row says.
        authority = self.world.authority
        keys = {attacks.VERIFY: {}, attacks.VERIFY_WITH_KEY: {"key": self.base.kept_key},
                attacks.VERIFY_WITH_ESCROW: {"escrow": f"{authority}/escrow.key"},
                attacks.VERIFY_WITH_AUTHORITY: {"authority": f"{authority}/ca.crt"},
                attacks.VERIFY_WITH_CHECKPOINT: {"checkpoint": self.base.kept_checkpoint},
                # The second verifier does not ask: it is given what the witness answers.
                attacks.VERIFY_WITH_WITNESS: {"checkpoint": self.base.witness.newest_checkpoint()}}
        if keys[row.caught]:
            self.agree(store, 0)
            if row.caught == attacks.VERIFY_WITH_AUTHORITY:
                self.agree(store, 0, **keys[attacks.VERIFY_WITH_ESCROW])
        keys = keys[row.caught]
        if row.caught == attacks.VERIFY_WITH_WITNESS:
            asked = collecting.spoor("verify", "--store", store, "--ask", self.base.witness.at, status=row.exit_code)
            for name in done.named:
                self.assertIn(name, asked.stderr)
        report, log = self.agree(store, row.exit_code, done.named, **keys)
        if done.check:
            done.check(self, report, log)

    def run_on_collector(self, row):
        case = attacks.CollectorCase(self, self.world, row.name)
        self.addCleanup(case.end)
        done = row.run(case) or attacks.Expected()
        self.assertEqual(case.collector.stop(), 0)
        report, log = self.agree(case.collector.store, row.exit_code, escrow=f"{self.world.authority}/escrow.key",
                                 authority=f"{self.world.authority}/ca.crt")
        account = [(record.sensor, record.note.decode())
                   for record in forgery.ForgedLog(case.collector.store, case.entries()).records()
                   if record.verdict in (attacks.MISSING, attacks.REFUSED)]
        for sensor, note in done.recorded:
            self.assertTrue(any(sensor == who and note in what for who, what in account), (sensor, note, account))
        if done.check:
            done.check(self, report, log)


class Table(unittest.TestCase):
    def test_the_threat_model_has_exactly_these_rows(self):
        lines = [line for line in DOCUMENT.read_text().splitlines() if line.startswith("| `")]
        self.assertEqual(lines, [row.line() for row in attacks.ROWS],
                         "tests/end_to_end/attack_matrix.py --table prints the rows")


for each in attacks.ROWS:
    def test(self, row=each):
        (self.run_on_store if row.on_store else self.run_on_collector)(row)
    setattr(Matrix, "test_" + each.name.replace("-", "_"), test)

if __name__ == "__main__":
    if sys.argv[1:] == ["--table"]:
        print("\n".join(row.line() for row in attacks.ROWS))
        sys.exit(0)
    suite.main()
