#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The systemd units as they are installed: accepted by systemd, sandboxed, and not too tight for what they
run; the read side may read the evidence and nothing else.

usage: systemd_test.py SPOOR BUILD_FOLDER  (run by CTest)
"""
import json
import os
import pathlib
import re
import shutil
import stat
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../machine"))
sys.dont_write_bytecode = True
import machine  # noqa: E402
import suite  # noqa: E402
from machine import PATIENCE_S  # noqa: E402

SPOOR, BUILD = "", ""
ROOT = pathlib.Path(__file__).resolve().parents[2]
UNITS = ("spoor-collector", "spoor-log", "spoor-watch", "spoor-witness", "spoor-sensor")
# `systemd-analyze security`: 0 is nothing exposed, 10 everything. A sensor sees the whole machine.
EXPOSURE_MAX = {"spoor-collector": 1.5, "spoor-log": 1.6, "spoor-watch": 1.2, "spoor-witness": 1.5, "spoor-sensor": 4.9}
NEEDS_SYSTEMD = unittest.skipUnless(shutil.which("systemd-analyze"), "no systemd-analyze here")
NEEDS_ROOT = unittest.skipUnless(os.geteuid() == 0 and shutil.which("setpriv"), "needs root and setpriv")


def run(*words, status=0, **more):
    done = subprocess.run([*map(str, words)], capture_output=True, text=True, errors="replace", timeout=PATIENCE_S, check=False, **more)
    if status is not None and done.returncode != status:
        raise AssertionError(f"{words}: {done.returncode}\n{done.stdout}{done.stderr}")
    return done


class Systemd(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.holder = tempfile.TemporaryDirectory(prefix="spoor-units-")
        cls.folder = pathlib.Path(cls.holder.name)
        cls.prefix = cls.folder / "usr"
        run("cmake", "--install", f"{BUILD}/packaging/systemd", "--prefix", cls.prefix)
        os.makedirs(cls.prefix / "bin")
        os.symlink(SPOOR, cls.prefix / "bin/spoor")  # as the whole installation would put it there
        cls.units = {name: cls.prefix / f"lib/systemd/system/{name}.service" for name in UNITS}

    @classmethod
    def tearDownClass(cls):
        cls.holder.cleanup()

    def setting(self, unit, name):
        return [line.split("=", 1)[1] for line in self.units[unit].read_text().splitlines() if line.startswith(f"{name}=")]

    def test_installed_units_name_the_installed_program(self):
        for name in UNITS:
            command, = self.setting(name, "ExecStart")
            self.assertTrue(command.startswith(f"{self.prefix}/bin/spoor "), command)
        self.assertTrue((self.prefix / "lib/sysusers.d/spoor.conf").is_file())
        self.assertTrue((self.prefix / "lib/tmpfiles.d/spoor.conf").is_file())

    def test_their_commands_exist_with_these_options(self):
        commands = run(SPOOR, "--help").stdout
        for name in UNITS:
            words = self.setting(name, "ExecStart")[0].split()
            self.assertRegex(commands, re.compile(rf"^  {words[1]} ", re.MULTILINE))
            said = run(SPOOR, words[1], "--help").stdout
            for option in (word for word in words if word.startswith("--")):
                self.assertIn(option, said, f"spoor {words[1]}")

    @NEEDS_SYSTEMD
    def test_systemd_accepts_them(self):
        for name, path in self.units.items():
            # Environment files and users are of an installed machine.
            done = run("systemd-analyze", "verify", "--man=no", "--recursive-errors=no", path, status=None)
            about_us = [line for line in (done.stdout + done.stderr).splitlines() if name in line]
            self.assertEqual((done.returncode, about_us), (0, []))

    @NEEDS_SYSTEMD
    def test_they_are_sandboxed(self):
        for name, path in self.units.items():
            done = run("systemd-analyze", "security", "--offline=true", "--no-pager",
                       f"--threshold={int(EXPOSURE_MAX[name] * 10)}", path, status=None)
            overall = re.search(r"Overall exposure level for .*: ([0-9.]+)", done.stdout)
            self.assertIsNotNone(overall, done.stderr)
            self.assertLessEqual(float(overall[1]), EXPOSURE_MAX[name], f"{name}\n{done.stdout}")
            self.assertEqual(done.returncode, 0, name)

    def test_nothing_that_holds_keys_is_swapped_or_dumped(self):
        for name in ("spoor-collector", "spoor-watch", "spoor-witness", "spoor-sensor"):
            self.assertEqual((self.setting(name, "LimitCORE"), self.setting(name, "MemorySwapMax")), (["0"], ["0"]))

    @NEEDS_ROOT
    def test_the_read_side_reads_the_evidence_and_no_key(self):
        # The collector's umask, group and folder; ids that nobody has.
        store = self.folder / "store"
        store.mkdir()
        os.chmod(self.folder, 0o755)
        os.chown(store, 61001, 61001)
        os.chmod(store, int(self.setting("spoor-collector", "StateDirectoryMode")[0], 8))
        umask = int(self.setting("spoor-collector", "UMask")[0], 8)
        events = self.folder / "events.jsonl"
        events.write_text('{"kind":"process","process":"100@5","time":"2026-11-21T20:31:35Z"}\n')
        os.chmod(events, 0o644)
        writer = ("setpriv", "--reuid=61001", "--regid=61001", "--clear-groups", "--bounding-set=-all", "--inh-caps=-all")
        run(*writer, SPOOR, "import", "--store", store, events, preexec_fn=lambda: os.umask(umask))
        # spoor-log: a user of its own, in the collector's group.
        reader = ("setpriv", "--reuid=61002", "--regid=61002", "--groups=61001", "--bounding-set=-all", "--inh-caps=-all")
        stranger = ("setpriv", "--reuid=61003", "--regid=61003", "--clear-groups")
        files = [path for path in (store / "evidence").rglob("*") if path.is_file()]
        self.assertGreater(len(files), 2)
        for path in files:
            run(*reader, "cat", path)
            run(*reader, "sh", "-c", f"echo x >> '{path}'", status=2)
            run(*stranger, "cat", path, status=1)
            self.assertEqual(stat.S_IMODE(path.stat().st_mode) & 0o027, 0, path)
        run(*reader, "rm", "-f", files[0], status=1)
        for name in ("log.pem", "log.vkey"):
            run(*reader, "cat", store / "key" / name, status=1)
        # spoor-watch is such a one, with its own copy of the public key.
        copy = self.folder / "log.vkey"
        shutil.copy(store / "key/log.vkey", copy)
        os.chmod(copy, 0o644)
        run(*reader, SPOOR, "watch", "--store", store, "--once", status=5)
        run(*reader, SPOOR, "watch", "--store", store, "--key", copy, "--once")
        self.assertEqual(stat.S_IMODE((store / "key").stat().st_mode), 0o700)

    @NEEDS_ROOT
    def test_the_sensors_capabilities_attach_what_all_of_root_attaches(self):
        if reason := machine.why_it_cannot_record():
            self.skipTest(reason)
        kept = self.setting("spoor-sensor", "CapabilityBoundingSet")[0].split()
        bounding = "-all," + ",".join("+" + name.removeprefix("CAP_").lower() for name in kept)
        coverage = []
        for before in ((), ("setpriv", f"--bounding-set={bounding}", "--inh-caps=-all")):
            store = self.folder / f"recorded-{len(coverage)}"
            done = run(*before, SPOOR, "record", "--to", store, "--for", "200ms", status=None)
            self.assertEqual(done.returncode, 0, done.stderr)
            row, = run(SPOOR, "sql", "--store", store, "--json", "SELECT description FROM recording").stdout.splitlines()
            coverage.append(json.loads(json.loads(row)["description"])["coverage"])
        self.assertGreater(len(coverage[0]["attached"]), 5)
        self.assertEqual(coverage[0], coverage[1])


if __name__ == "__main__":
    SPOOR, BUILD = sys.argv[1:3]
    del sys.argv[1:3]  # the rest is unittest's
    suite.main()
