# SPDX-License-Identifier: Apache-2.0
"""Run under the sensor: writes files in every way that calls can, and keeps beside each what it holds then.

writes_in_all_ways.py FOLDER KEPT: the files are in FOLDER; KEPT/NAME holds what is expected, KEPT/moments.json when.
"""
import ctypes
import json
import os
import shutil
import subprocess
import sys
import time

FOLDER, KEPT = sys.argv[1], sys.argv[2]
MOMENTS = []


def path(name):
    return os.path.join(FOLDER, name)


def leave_moment():
    """The next call is behind this one on the clock of the record, too, which is fitted to the wall clock."""
    time.sleep(0.005)


def keep(name, label, content=None):
    """What `name` holds now is what it is to be recovered as."""
    if content is None:
        with open(path(name), "rb") as file:
            content = file.read()
    with open(os.path.join(KEPT, label), "wb") as file:
        file.write(content)
    MOMENTS.append({"path": path(name), "label": label, "at_wall_ns": time.time_ns()})
    leave_moment()


def call_by_call():
    fd = os.open(path("plain"), os.O_WRONLY | os.O_CREAT | os.O_EXCL)
    os.write(fd, b"first line\n")
    keep("plain", "plain-1")
    os.pwrite(fd, b"FIRST", 0)
    keep("plain", "plain-2")
    os.lseek(fd, 100, os.SEEK_SET)
    os.write(fd, b"behind a gap")
    keep("plain", "plain-3")
    os.ftruncate(fd, 8)
    keep("plain", "plain-4")
    os.ftruncate(fd, 20)
    os.writev(fd, [b"vec", b"tors"])  # at 112: behind the end
    os.pwritev(fd, [b"at ", b"ten"], 10)
    os.close(fd)
    keep("plain", "plain-5")
    fd = os.open(path("plain"), os.O_WRONLY | os.O_APPEND)
    os.write(fd, b"appended")
    os.pwrite(fd, b"also appended", 0)  # O_APPEND wins on Linux
    os.writev(fd, [b"and", b" this"])
    os.close(fd)
    keep("plain", "plain-6")
    os.truncate(path("plain"), 30)
    keep("plain", "plain-7")


def by_many_processes():
    subprocess.run(["sh", "-c", f"echo one > {path('shared')}; echo two >> {path('shared')}"], check=True)
    keep("shared", "shared-1")
    subprocess.run(["sh", "-c", f"cat > {path('shared')}"], input=b"from a pipe\n" * 20, check=True)
    keep("shared", "shared-2")
    subprocess.run(["dd", f"of={path('shared')}", "bs=10", "seek=3", "conv=notrunc", "status=none"],
                   input=b"0123456789", check=True)
    keep("shared", "shared-3")
    subprocess.run(["dd", f"of={path('sparse')}", "bs=100", "seek=5", "status=none"], input=b"end", check=True)
    keep("sparse", "sparse-1")


def writes_between_those_of_another():
    """The ingest makes one row of the two writes of this process; another's lies between."""
    fd = os.open(path("between"), os.O_WRONLY | os.O_CREAT | os.O_EXCL)
    os.write(fd, b"aaaa")
    subprocess.run(["sh", "-c", f"printf BBBBBB >> {path('between')}"], check=True)
    os.write(fd, b"cc")
    keep("between", "between-1")
    os.ftruncate(fd, 0)
    os.pwrite(fd, b"dd", 0)
    os.close(fd)
    keep("between", "between-2")


def names():
    with open(path("old-name"), "wb", buffering=0) as file:
        file.write(b"goes with the object")
    os.rename(path("old-name"), path("new-name"))
    keep("new-name", "renamed-1")
    os.link(path("new-name"), path("hard-link"))
    with open(path("hard-link"), "ab", buffering=0) as file:
        file.write(b", through any name")
    keep("new-name", "renamed-2")
    with open(path("other"), "wb", buffering=0) as file:
        file.write(b"the one that takes the name")
    os.rename(path("other"), path("new-name"))
    keep("new-name", "renamed-over-1")
    with open(path("deleted"), "wb", buffering=0) as file:
        file.write(b"gone from the folder")
        keep("deleted", "deleted-1")
        os.unlink(path("deleted"))
        leave_moment()


def in_memory():
    fd = os.memfd_create("in-memory")
    os.write(fd, b"#!/bin/sh\nexit 0\n")
    keep_memfd = b"#!/bin/sh\nexit 0\n"
    with open(os.path.join(KEPT, "memfd"), "wb") as file:
        file.write(keep_memfd)
    os.close(fd)


def with_holes():
    """Nothing of these is kept: what must be a hole is known to the test."""
    with open(path("there-before"), "r+b", buffering=0) as file:
        file.seek(4)
        file.write(b"NEW")
    with open(path("cut"), "wb", buffering=0) as file:
        file.write(b"x" * 3000)
        file.write(b"y" * 10)
    source = os.open(path("plain"), os.O_RDONLY)
    for name, move in (("copied", lambda to: os.copy_file_range(source, to, 20, 0)),
                       ("sent", lambda to: os.sendfile(to, source, 0, 20))):
        target = os.open(path(name), os.O_WRONLY | os.O_CREAT | os.O_EXCL)
        move(target)
        os.close(target)
    libc = ctypes.CDLL(None, use_errno=True)
    libc.mmap.restype = ctypes.c_void_p
    libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_long]
    fd = os.open(path("mapped"), os.O_RDWR | os.O_CREAT | os.O_EXCL)
    os.ftruncate(fd, 4096)
    at = libc.mmap(None, 4096, 3, 1, fd, 0)
    ctypes.memmove(at, b"unseen", 6)
    os.close(fd)


def large():
    """Longer than what one call moves: in pieces that are captured whole."""
    with open(path("large"), "wb", buffering=0) as file:
        for i in range(2000):
            file.write(bytes([i % 251]) * 1000)
    shutil.copy(path("large"), os.path.join(KEPT, "large-1"))
    MOMENTS.append({"path": path("large"), "label": "large-1", "at_wall_ns": time.time_ns()})


def main():
    call_by_call()
    by_many_processes()
    writes_between_those_of_another()
    names()
    in_memory()
    with_holes()
    large()
    with open(os.path.join(KEPT, "moments.json"), "w", encoding="utf-8") as file:
        json.dump(MOMENTS, file)


if __name__ == "__main__":
    main()
