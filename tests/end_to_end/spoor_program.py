# SPDX-License-Identifier: Apache-2.0
"""The program under test as the scenario tests use it: run it, read its answers, skip with a reason."""
import json
import os
import pathlib
import subprocess
import sys

SKIPPED = 77  # as in CMakeLists.txt
PROGRAM = pathlib.Path(sys.argv[1]).resolve()
OPTIONS = sys.argv[2:]
del sys.argv[1:]  # the rest is unittest's


def skip_where_the_kernel_refuses():
    """Ends the test as skipped where it cannot run; anything else that goes wrong is a failure."""
    reason = None
    if os.geteuid() != 0:
        reason = "recording needs root"
    elif not os.path.exists("/sys/kernel/btf/vmlinux"):
        reason = "the kernel has no BTF"
    elif subprocess.run(["bpftool", "prog", "show"], capture_output=True, check=False).returncode != 0:
        reason = "the kernel refuses BPF"
    if reason:
        print(f"SKIPPED: {reason}")
        sys.exit(SKIPPED)


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
