# SPDX-License-Identifier: Apache-2.0
"""How a suite of Python's unittest ends, so that CTest can tell a skip from a pass: exit code 0 when all passed, 1 when
something failed, 77 when nothing failed and something was skipped; for each skip a line `SKIPPED test: reason`."""
import sys
import unittest

SKIPPED = 77  # as in CMakeLists.txt


def main():
    result = unittest.main(verbosity=2, exit=False).result
    for test, reason in result.skipped:
        print(f"SKIPPED {test.id()}: {reason}")
    if result.testsRun == 0 and not result.skipped:
        print("no test was run")
        sys.exit(1)
    if not result.wasSuccessful():
        sys.exit(1)
    sys.exit(SKIPPED if result.skipped else 0)


def skip_all(reason):
    """Ends a suite that is one test."""
    print(f"SKIPPED {reason}")
    sys.exit(SKIPPED)
