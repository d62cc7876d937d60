#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Power cuts: what SIGKILL cannot show, because the kernel still writes what a killed program wrote.

Writers run under strace, which records every change to the store's files and every sync. From that the
test makes the disk as a power cut at any moment may leave it: what was synced is there; of what was not,
names and bytes are lost, kept, torn, zeroed or reordered by lot. Each such disk must verify with both
verifiers, hold everything that was acknowledged before the cut, and take new entries.

usage: power_loss_test.py SPOOR MAKE_LOG [CUTS [SEED]]  (run by CTest)
"""
import json
import os
import pathlib
import random
import re
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../machine"))
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../tools"))
sys.dont_write_bytecode = True
import machine  # noqa: E402
import suite  # noqa: E402
import verify as independent  # noqa: E402  (tools/verify.py)
from machine import PATIENCE_S  # noqa: E402

CALLS = ("openat,openat2,mkdir,mkdirat,write,ftruncate,fsync,fdatasync,syncfs,rename,renameat,renameat2,unlink,unlinkat,"
         "rmdir")


def plain(text):
    """A string as strace -xx writes it, as bytes."""
    return bytes.fromhex(text.replace("\\x", "")) if text.startswith("\\x") else text.encode()


class Disk:
    """What is on disk for sure, and what may be: changes to names and to bytes that no sync has covered."""

    def __init__(self, root):
        self.root = root
        self.names = {root: "folder"}  # as programs see them: path -> "folder" or a file's number
        self.sure_names = dict(self.names)
        self.files = {}       # number -> bytes as programs see them
        self.sure_files = {}  # number -> bytes on disk
        self.pending = []     # changes to names: (folders, kind, path, other)

    def change(self, kind, path, other=None, file=None):
        self.apply(self.names, kind, path, other, file)
        folders = {os.path.dirname(path)} | ({os.path.dirname(other)} if other else set())
        self.pending.append((folders, kind, path, other, file))

    @staticmethod
    def apply(names, kind, path, other, file):
        if kind == "make":
            names[path] = file
        elif kind == "remove":
            names.pop(path, None)
        elif path in names:  # a rename; of a folder nobody does
            names[other] = names.pop(path)

    def open(self, path, flags):
        if path not in self.names and "O_CREAT" in flags:
            number = len(self.files)
            self.files[number] = self.sure_files[number] = b""
            self.change("make", path, file=number)
        elif "O_TRUNC" in flags:
            self.files[self.names[path]] = b""

    def write(self, path, data):
        self.files[self.names[path]] += data

    def sync(self, path):
        what = self.names[path]
        if what != "folder":
            self.sure_files[what] = self.files[what]
            return
        left = []
        wanted = {path}
        for folders, *change in reversed(self.pending):
            if folders & wanted or change[0] == "make" and change[1] in wanted:
                wanted |= folders  # no file system has a name in a folder that it has not
                left.append(change)
        self.pending = [item for item in self.pending if item[1:] not in [tuple(change) for change in left]]
        for change in reversed(left):
            self.apply(self.sure_names, *change)

    def sync_all(self):
        self.sure_names, self.pending = dict(self.names), []
        self.sure_files = dict(self.files)

    def after_cut(self, choose):
        """One of the states that a cut now may leave: path -> bytes, or None for a folder."""
        names = dict(self.sure_names)
        mode = choose.choice(("none", "all", "first", "any"))
        count = choose.randrange(len(self.pending) + 1)
        for i, (_, *change) in enumerate(self.pending):
            # No file system has a name in a folder that it has not.
            possible = os.path.dirname(change[2] or change[1]) in names
            if possible and (mode == "all" or mode == "first" and i < count or
                             mode == "any" and choose.random() < 0.5):
                self.apply(names, *change)
        state = {}
        for path in sorted(names):
            if path != self.root and os.path.dirname(path) not in names:
                continue  # its folder is lost
            state[path] = None if names[path] == "folder" else self.bytes_after_cut(names[path], choose)
        return state

    def bytes_after_cut(self, number, choose):
        sure, seen = self.sure_files[number], self.files[number]
        if sure == seen:
            return sure
        if not seen.startswith(sure):  # truncated or written anew
            return choose.choice((sure, seen))
        added = seen[len(sure):]
        cut = choose.randrange(len(added) + 1)
        return sure + choose.choice((b"", added, added[:cut], added[:cut] + bytes(len(added) - cut)))


def changes_of(trace, root):
    """(call, arguments) for what happened below `root`, and ("acknowledged", entries)."""
    for line in trace.read_text().splitlines():
        line = re.sub(r"^\d+ +", "", line)
        if not re.search(r"\) += \d", line) or (call := re.match(r"(\w+)\((.*)\) += \d+", line)) is None:
            continue
        name, rest = call[1], call[2]
        strings = [plain(found).decode("latin-1") for found in re.findall(r'"([^"]*)"', rest)]
        # A name goes with the folder in front of it, unless it is absolute.
        paths = [os.path.join(plain(folder).decode("latin-1"), plain(found).decode("latin-1"))
                 for folder, found in re.findall(r'(?:AT_FDCWD|\d+)<([^>]*)>, "([^"]*)"', rest)] or strings
        opened = re.match(r"\d+<([^>]*)>", rest)
        path = plain(opened[1]).decode() if opened else ""
        if name == "write" and rest.startswith("1<"):
            if strings[0].startswith("acknowledged"):
                yield "acknowledged", [int(strings[0].split()[1])]
        elif name in ("openat", "openat2"):
            if paths[0].startswith(root) and ("O_CREAT" in rest or "O_TRUNC" in rest):
                yield "open", [paths[0], rest]
        elif name == "write" and path.startswith(root):
            yield "write", [path, strings[0].encode("latin-1")]
        elif name == "ftruncate" and path.startswith(root):
            yield "ftruncate", [path, int(rest.rsplit(",", 1)[1])]
        elif name == "syncfs":
            yield "syncfs", []
        elif name in ("fsync", "fdatasync") and path.startswith(root):
            yield "sync", [path]
        elif (changed := re.match("(mkdir|rename|unlink|rmdir)", name)) and paths[0].startswith(root):
            yield "rmdir" if "AT_REMOVEDIR" in rest else changed[1], paths


def replay(disk, name, words):
    if name == "open":
        disk.open(*words)
    elif name == "write":
        disk.write(*words)
    elif name == "ftruncate":
        file = disk.names[words[0]]
        disk.files[file] = disk.files[file][:words[1]]
    elif name == "sync":
        disk.sync(words[0])
    elif name == "syncfs":
        disk.sync_all()
    elif name == "mkdir":
        disk.change("make", words[0], file="folder")
    elif name == "rename":
        disk.change("rename", *words)
    elif name in ("unlink", "rmdir"):
        disk.change("remove", words[0])


def leaves_of(store):
    """All leaf hashes of a closed log."""
    tiles = pathlib.Path(store, "evidence/tile/0")
    paths = sorted((path for path in tiles.rglob("*") if path.is_file()), key=lambda path: str(path.relative_to(tiles)))
    return b"".join(path.read_bytes() for path in paths)


class Test:
    def __init__(self, spoor, make_log, folder):
        self.spoor, self.make_log, self.folder = spoor, make_log, pathlib.Path(folder)
        self.store = self.folder / "store"

    def run(self, *words):
        done = subprocess.run([*map(str, words)], capture_output=True, text=True, timeout=PATIENCE_S, check=False)
        return done.returncode, done.stdout, done.stderr

    def record(self):
        """The changes of all writers, one after the other."""
        changes = []
        for writer in ((self.make_log, self.store, "300", "acknowledging"),
                       (self.make_log, self.store, "700", "acknowledging"),
                       (self.spoor, "retain", "--store", self.store, "--keep-bytes", "20K"),
                       (self.make_log, self.store, "200", "acknowledging")):
            trace = self.folder / "trace"
            done = subprocess.run(["strace", "-f", "-y", "-xx", "-s", "1000000", "-o", trace, "-e", f"trace={CALLS}",
                                   *map(str, writer)], capture_output=True, check=False, timeout=PATIENCE_S)
            assert done.returncode in (0, 5), done.stderr  # what these records mean nobody reads
            changes += changes_of(trace, str(self.store))
        # Derived data is not what is tried here.
        return [change for change in changes if not (change[1] and isinstance(change[1][0], str) and
                                                     re.search("/(segments|catalog|ingest)", change[1][0]))]

    def try_cut(self, state, acknowledged, what):
        cut = self.folder / "cut"
        shutil.rmtree(cut, ignore_errors=True)
        for path, data in state.items():
            target = cut / os.path.relpath(path, self.store)
            if data is None:
                target.mkdir(parents=True)
            else:
                target.write_bytes(data)
        for key in (cut / "key").glob("*.pem"):
            key.chmod(0o600)
        status, out, err = self.run(self.spoor, "verify", "--store", cut, "--skip-segments", "--json")
        assert status == 0, f"{what}: {err}"
        said = json.loads(out)
        assert said["entry_count"] >= acknowledged, f"{what}: {said['entry_count']} of {acknowledged} acknowledged"
        assert independent.verify(str(cut)).root.hex() == said["root_sha256"], what
        # The next writer sets aside what is behind the checkpoint, and goes on.
        status, _, err = self.run(self.make_log, cut, "3", "closed")
        assert status == 0, f"{what}: {err}"
        status, _, err = self.run(self.spoor, "verify", "--store", cut, "--skip-segments")
        assert status == 0, f"{what}, continued: {err}"
        assert independent.verify(str(cut)).size == said["entry_count"] + 3, what
        assert leaves_of(cut)[:32 * acknowledged] == self.leaves[:32 * acknowledged], f"{what}: other entries"


def main():
    spoor, make_log = sys.argv[1:3]
    cuts = int(sys.argv[3]) if len(sys.argv) > 3 else 60
    seed = int(sys.argv[4]) if len(sys.argv) > 4 else random.randrange(1 << 32)
    if reason := machine.why_it_has_no_strace():
        suite.skip_all(reason)
    choose = random.Random(seed)
    with tempfile.TemporaryDirectory(prefix="spoor-power-") as folder:
        test = Test(spoor, make_log, folder)
        changes = test.record()
        test.leaves = leaves_of(test.store)
        first = next(i for i, (name, _) in enumerate(changes) if name == "acknowledged")
        moments = sorted(choose.sample(range(first, len(changes)), min(cuts, len(changes) - first)))
        disk, acknowledged = Disk(str(test.store)), 0
        for i, (name, words) in enumerate(changes):
            if name == "acknowledged":
                acknowledged = words[0]
            else:
                replay(disk, name, words)
            if i in moments:
                what = f"seed {seed}, cut after change {i} of {len(changes)} ({name} {str(words[:1])[:120]})"
                test.try_cut(disk.after_cut(choose), acknowledged, what)
        # The recording itself was complete: the model ends where the disk does.
        for path, file in disk.names.items():
            if file != "folder" and "/evidence/" in path:
                assert pathlib.Path(path).read_bytes() == disk.files[file], f"the model went wrong at {path}"
    print(f"{len(moments)} power cuts over {len(changes)} changes, seed {seed}: nothing acknowledged was lost")
    return 0


if __name__ == "__main__":
    sys.exit(main())
