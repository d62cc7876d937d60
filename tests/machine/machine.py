# SPDX-License-Identifier: Apache-2.0
"""What tests ask of the machine before they run. Each why_… tries the thing itself, without Spoor, and
returns why it does not work here, in words to skip with, or None. probes.hpp asks the same for tests in C++.
A refusal by Spoor is a failure of the test, never a reason to skip it."""
import ctypes
import errno
import functools
import os
import platform
import shutil
import subprocess
import tempfile

# How long a test waits for what must come: a guard against a hang, which no machine is too slow for.
PATIENCE_S = 900
BPF_CALL_NR = {"x86_64": 321, "aarch64": 280}
BPF_MAP_CREATE, BPF_PROG_LOAD = 0, 5
BPF_MAP_TYPE_RINGBUF, BPF_PROG_TYPE_RAW_TRACEPOINT = 27, 17
RETURN_0 = bytes.fromhex("b700000000000000" "9500000000000000")  # r0 = 0; exit
ATTRIBUTES_BYTES = 128


def refusal(*words):
    """Runs a command; what it said when it failed, or None."""
    done = subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace",
                          timeout=PATIENCE_S, check=False)
    return None if done.returncode == 0 else done.stderr.strip() or f"{words[0]} ended with {done.returncode}"


def bpf(command, *fields):
    """The system call; the error's text, or None."""
    libc = ctypes.CDLL(None, use_errno=True)
    attributes = b"".join(value.to_bytes(size, "little") for size, value in fields).ljust(ATTRIBUTES_BYTES, b"\0")
    fd = libc.syscall(BPF_CALL_NR[platform.machine()], command, attributes, ATTRIBUTES_BYTES)
    if fd < 0:
        return os.strerror(ctypes.get_errno())
    os.close(fd)
    return None


@functools.cache
def why_it_cannot_record():
    """Root, kernel BTF, and a kernel that takes a ring buffer and a tracing program from us."""
    if os.geteuid() != 0:
        return "recording needs root"
    if not os.access("/sys/kernel/btf/vmlinux", os.R_OK):
        return "the kernel has no BTF"
    if why := bpf(BPF_MAP_CREATE, (4, BPF_MAP_TYPE_RINGBUF), (4, 0), (4, 0), (4, 64 << 10)):
        return f"the kernel refuses a BPF ring buffer: {why}"
    code, licence = ctypes.create_string_buffer(RETURN_0), ctypes.create_string_buffer(b"GPL")
    if why := bpf(BPF_PROG_LOAD, (4, BPF_PROG_TYPE_RAW_TRACEPOINT), (4, 2), (8, ctypes.addressof(code)),
                  (8, ctypes.addressof(licence))):
        return f"the kernel refuses a BPF tracing program: {why}"
    return None


@functools.cache
def why_it_has_no_strace():
    if shutil.which("strace") is None:
        return "strace is not installed"
    if why := refusal("strace", "-f", "-o", "/dev/null", "true"):
        return f"strace may not trace a process here: {why}"
    return None


@functools.cache
def why_strace_cannot_attach():
    """To a process that runs already and is not strace's child."""
    if why := why_it_has_no_strace():
        return why
    with subprocess.Popen(["sleep", "infinity"]) as sleeping:
        try:
            follow = subprocess.Popen(["strace", "-o", "/dev/null", "-p", str(sleeping.pid)], stderr=subprocess.PIPE,
                                      text=True)
            said = follow.stderr.readline().strip()
            follow.terminate()
            follow.communicate()
        finally:
            sleeping.kill()
    return None if "attached" in said else f"strace may not attach to a process here: {said}"


@functools.cache
def why_it_mounts_no_tmpfs():
    if os.geteuid() != 0:
        return "mounting a small tmpfs needs root"
    with tempfile.TemporaryDirectory(prefix="spoor-probe-") as folder:
        why = refusal("unshare", "--mount", "mount", "-t", "tmpfs", "-o", "size=1m", "none", folder)
    return f"a tmpfs cannot be mounted here: {why}" if why else None


@functools.cache
def why_it_has_no_networks():
    """Network namespaces with a name, and cables between them."""
    if os.geteuid() != 0:
        return "making network namespaces needs root"
    if shutil.which("ip") is None:
        return "ip is not installed (package iproute2)"
    if why := refusal("unshare", "--net", "ip", "link", "add", "probe0", "type", "veth", "peer", "name", "probe1"):
        return f"a network with a cable cannot be made here: {why}"
    return None


@functools.cache
def why_it_shapes_no_traffic():
    if why := why_it_has_no_networks():
        return why
    if why := refusal("unshare", "--net", "tc", "qdisc", "add", "dev", "lo", "root", "tbf", "rate", "16mbit", "burst",
                      "4kb", "limit", "12kb"):
        return f"the kernel has no tbf: {why}"
    return None


def make_cgroup(name):
    """(a new cgroup of this name, None), or (None, why there is none)."""
    if os.geteuid() != 0:
        return None, "making a cgroup needs root"
    with open("/proc/self/mounts", encoding="utf-8") as mounts:
        roots = [line.split()[1] for line in mounts if line.split()[2] == "cgroup2"]
    if not roots:
        return None, "no cgroup v2 is mounted"
    folder = os.path.join(roots[0], name)
    try:
        os.mkdir(folder)
    except OSError as error:
        if error.errno in (errno.EROFS, errno.EACCES, errno.EPERM):
            return None, f"a cgroup cannot be made here: {error}"
        raise
    return folder, None
