# SPDX-License-Identifier: Apache-2.0
"""The program under test as the scenario tests use it: run it and read its answers."""
import json
import os
import pathlib
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../machine"))
import machine  # noqa: E402

PROGRAM = pathlib.Path(sys.argv[1]).resolve()
OPTIONS = sys.argv[2:]
del sys.argv[1:]  # the rest is unittest's


def skip_where_the_machine_cannot_record():
    """To be called by setUpModule. Whatever goes wrong where it can is a failure."""
    if reason := machine.why_it_cannot_record():
        raise unittest.SkipTest(reason)


class Spoor:
    """Commands on one store."""

    def __init__(self, store):
        self.store = pathlib.Path(store)

    def run(self, command, *arguments, exit_codes=(0,)):
        """Runs a reading command and returns what it printed; any other exit code is a failure."""
        done = subprocess.run([PROGRAM, command, "--store", self.store, *map(str, arguments)],
                              stdin=subprocess.DEVNULL, capture_output=True, check=False)
        if done.returncode not in exit_codes:
            raise AssertionError(f"spoor {command} {' '.join(map(str, arguments))}: exit code "
                                 f"{done.returncode}: {done.stderr.decode(errors='replace')}")
        return done.stdout.decode(errors="replace")

    def rows(self, command, *arguments, exit_codes=(0, 1)):
        """The answer of a command that knows --json, as a list of objects."""
        text = self.run(command, *arguments, "--json", exit_codes=exit_codes)
        return [json.loads(line) for line in text.splitlines()]

    def query(self, name, **parameters):
        return self.rows("query", name, *(f"{key}={value}" for key, value in parameters.items()))

    def sql(self, text):
        return self.rows("sql", text)
