#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Power cuts on a real ext4: a log is written to a file-system image, and at a random moment the file
system is shut down as if the power went (EXT4_IOC_SHUTDOWN without flushing its journal). After the
journal's recovery everything acknowledged is there, verifies, and the log goes on.

usage: file_system_cut_test.py SPOOR MAKE_LOG [CUTS [SEED]]  (run by CTest)
"""
import fcntl
import json
import os
import pathlib
import random
import shutil
import struct
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../machine"))
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../tools"))
sys.dont_write_bytecode = True
import suite  # noqa: E402
import verify as independent  # noqa: E402  (tools/verify.py)
from machine import PATIENCE_S  # noqa: E402

EXT4_IOC_SHUTDOWN = 0x8004587D
WITHOUT_FLUSHING = 2
ALONE = "SPOOR_TEST_IN_ITS_OWN_MOUNT_NAMESPACE"


def run(*words, may_fail=False):
    done = subprocess.run([*map(str, words)], capture_output=True, text=True, timeout=PATIENCE_S, check=False)
    assert may_fail or done.returncode == 0, f"{words}: {done.stderr.strip()}"
    return done


class Image:
    """An ext4 in a file, mounted."""

    def __init__(self, folder):
        self.image, self.top = folder / "image", folder / "mounted"
        self.top.mkdir()
        with open(self.image, "wb") as file:
            file.truncate(64 << 20)
        run("mkfs.ext4", "-q", self.image)

    def __enter__(self):
        run("mount", "-o", "loop", self.image, self.top)
        return self

    def __exit__(self, *_):
        run("umount", self.top)

    def cut_power(self):
        fd = os.open(self.top, os.O_RDONLY)
        try:
            fcntl.ioctl(fd, EXT4_IOC_SHUTDOWN, struct.pack("I", WITHOUT_FLUSHING))
        finally:
            os.close(fd)


def why_power_cannot_be_cut(folder):
    """Tried once, on an ext4 that holds nothing; None when it works. What fails after that is a failure."""
    (folder / "probe").mkdir()
    try:
        with Image(folder / "probe") as image:
            image.cut_power()
    except (AssertionError, OSError) as error:
        return f"an ext4 cannot be mounted and cut off here: {error}"
    return None


def write_until_cut(make_log, image, checkpoints):
    """How many entries were acknowledged before the power went, `checkpoints` acknowledgements in."""
    writer = subprocess.Popen([make_log, image.top / "store", "1000000", "acknowledging"], stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL, text=True)
    acknowledged = 0
    try:
        for _ in range(checkpoints):
            acknowledged = int(writer.stdout.readline().split()[1])
        image.cut_power()
        # What it says from here on it may have known before; what comes after an error it does not say.
        for line in writer.stdout:
            acknowledged = int(line.split()[1])
        status = writer.wait(PATIENCE_S)
    finally:
        if writer.poll() is None:
            writer.kill()
            writer.wait()
        writer.stdout.close()
    assert status == 5, f"the writer did not notice: {status}"
    return acknowledged


def check(spoor, make_log, store, acknowledged, what):
    said = run(spoor, "verify", "--store", store, "--json", may_fail=True)
    assert said.returncode == 0, f"{what}: {said.stderr}"
    size = json.loads(said.stdout)["entry_count"]
    assert size >= acknowledged, f"{what}: {size} of {acknowledged} acknowledged"
    assert independent.verify(str(store)).size == size, what
    continued = run(make_log, store, "3", "closed", may_fail=True)
    assert continued.returncode == 0, f"{what}: {continued.stderr}"
    assert independent.verify(str(store)).size == size + 3, what


def main():
    spoor, make_log = sys.argv[1:3]
    cuts = int(sys.argv[3]) if len(sys.argv) > 3 else 12
    seed = int(sys.argv[4]) if len(sys.argv) > 4 else random.randrange(1 << 32)
    choose = random.Random(seed)
    if os.geteuid() != 0 or shutil.which("mkfs.ext4") is None:
        suite.skip_all("needs root and mkfs.ext4")
    # Whoever else makes a mount namespace meanwhile copies the mounts that it sees, and a file system
    # that is mounted anywhere is not mounted anew here: it stays cut off.
    if ALONE not in os.environ:
        os.execvpe("unshare", ["unshare", "--mount", sys.executable, "-B", *sys.argv], {**os.environ, ALONE: "1"})
    acknowledged = 0
    with tempfile.TemporaryDirectory(prefix="spoor-cut-") as folder:
        if reason := why_power_cannot_be_cut(pathlib.Path(folder)):
            suite.skip_all(reason)
        image = Image(pathlib.Path(folder))
        for i in range(cuts):
            with image:
                acknowledged = write_until_cut(make_log, image, choose.randrange(1, 120))
            with image:
                check(spoor, make_log, image.top / "store", acknowledged, f"seed {seed}, cut {i}")
    print(f"{cuts} power cuts on ext4, seed {seed}: {acknowledged} entries acknowledged in the end, none lost")
    return 0


if __name__ == "__main__":
    sys.exit(main())
