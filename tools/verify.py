#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Verifies a Spoor evidence log without Spoor: the Python standard library, openssl for signatures, and zstd.

Written from docs/formats/ alone, so that it is a second opinion on the program's own `spoor verify`. It
checks the log (signature, tree, tiles, entries, files that do not belong), the recordings in it
(verify_batches.py), the collector's account of what sensors sealed (verify_seals.py), and that the tables
have as many rows as the records give (verify_tables.py), not what stands in them. Of a bundle (spoor
prove, spoor export) it checks every byte, the signature and each entry's proof (verify_bundle.py); making
the rows again takes Spoor. Slow and simple on purpose.

usage: tools/verify.py STORE|BUNDLE [--key FILE] [--escrow FILE] [--authority FILE] [--checkpoint FILE]…
                       [--witness VKEYFILE]… [--skip-segments]
Takes the files verify*.py beside this one, and the programs openssl and zstd.
exit:  0 proved; 3 not, and the first bad thing is named; 4 proved, but sensors could not deliver all, or the rows
       were not checked (--skip-segments; the rows of a bundle's answer); 5 could not run
"""
import argparse
import functools
import json
import os
import re
import stat
import sys

import verify_ciphers
import verify_tables
from verify_batches import (ACCOUNT, CARRIED, IMPORT_DATA, RETENTION, TRANSFERRED, Batch, Recordings, Unsupported, Unverified,
                            read_payloads)
from verify_bundle import report_bundle
from verify_canaries import Canaries
from verify_notes import (WITNESS, Key, cached_key, cosigned_at, node, open_checkpoint, open_note, root_of, root_of_any,
                          sha256)
from verify_retention import Carried
from verify_seals import Seals
from verify_unrecorded import Unrecorded

WIDTH = 256
LEVELS = 8
ENTRY_BYTES_MAX = 65535
ATTEMPTS = 3
INCOMPLETE = 4  # exit code
UNREAD_MAX = 16  # batches whose payloads, of 4 MiB at most, are read by one run of zstd


def check_outside_views(log, key, notes, witnesses):
    """`notes`: (path, bytes, kept by a reader) of checkpoints. Each that a reader kept or one of `witnesses` cosigned
    must be a state that the proved log went through; each witness must have cosigned one. Returns (witness, size,
    seconds since the Unix epoch) of the newest of each."""
    newest = {}
    for path, note, kept in notes:
        size, root = open_note(note, path, key)
        if kept:
            check_extends(log, size, root, f"the keeper of {path}")
        for witness in witnesses:
            seconds = cosigned_at(note, path, witness)
            if seconds is not None:
                check_extends(log, size, root, f"witness {witness.name} at {seconds}")
                newest[witness] = max(newest.get(witness, (0, 0)), (size, seconds))
    for witness in witnesses:
        if witness not in newest:
            raise Unverified(f"no cosignature by witness {witness.name}")
    return [(witness, *newest[witness]) for witness in witnesses]


def check_extends(log, size, root, who):
    if size > log.size:
        raise Unverified(f"rolled back: the log has {log.size} entries, but {who} saw {size}")
    if (root_of(log.leaves[:size]) if size else sha256(b"")) != root:
        raise Unverified(f"split view: the first {size} entries have another root here than {who} saw")


def index_path(index):
    digits = str(index)
    digits = digits.rjust((len(digits) + 2) // 3 * 3, "0")
    parts = [digits[i:i + 3] for i in range(0, len(digits), 3)]
    return "/".join(["x" + part for part in parts[:-1]] + parts[-1:])


class Log:
    def __init__(self, folder, key, tables=None):
        self.folder, self.tables = folder, tables
        self.checkpoint = os.path.join(folder, "checkpoint")
        self.size, self.root = open_checkpoint(self.checkpoint, key)
        self.tail_bytes = 0
        self.recordings, self.seals, self.unrecorded = Recordings(), Seals(), Unrecorded()
        self.unread = []  # batches of recordings
        self.cosigned = []  # (witness, size, seconds), when asked for
        self.removed = []  # what retention entries say: dicts of from_entry, until_entry, policy …

    def extent(self, level):
        """Number of full tiles of a level ("entries": as level 0), and what the tile behind them holds."""
        return divmod(self.size >> 8 * (0 if level == "entries" else int(level)), WIDTH)

    def check_names(self):
        stack = [""]
        names = set()
        while stack:
            parent = stack.pop()
            for item in sorted(os.listdir(os.path.join(self.folder, parent))):
                name = os.path.join(parent, item)
                mode = os.lstat(os.path.join(self.folder, name)).st_mode
                if stat.S_ISDIR(mode):
                    if not re.fullmatch(r"tile(/(entries|[0-7])(/x\d{3})*(/\d{3}\.p)?)?", name):
                        raise Unverified(f"{name}: is not a folder of a log")
                    stack.append(name)
                elif not stat.S_ISREG(mode):
                    raise Unverified(f"{name}: is neither file nor folder")
                else:
                    names.add(name)
        for name in sorted(names):
            if re.fullmatch(r"checkpoint(\.[0-9a-f]{16})?\.tmp", name):
                self.tail_bytes += os.path.getsize(os.path.join(self.folder, name))
            elif name != "checkpoint":
                self.check_name(name, names)

    def check_name(self, name, names):
        match = re.fullmatch(r"tile/(entries|[0-7])/((?:x\d{3}/)*\d{3})(\.partial|\.p/(\d+))?", name)
        index = int(re.sub(r"\D", "", match[2])) if match else 0
        if not match or index_path(index) != match[2]:
            raise Unverified(f"{name}: is not a file of a log")
        level, base = match[1], f"tile/{match[1]}/{match[2]}"
        full, width = self.extent(level)
        if match[3] is None and index >= full:
            raise Unverified(f"{name}: is not covered by the checkpoint")
        if match[4] is not None and (index != full or width == 0 or match[4] != str(width)):
            raise Unverified(f"{name}: is not covered by the checkpoint")
        if match[3] == ".partial":
            if {base, f"{base}.p/{width}"} & names:
                raise Unverified(f"{name}: is there in another form, too")
            before = f"tile/{level}/{index_path(index - 1)}" if index else ""
            if index > full and not {before, before + ".partial"} & names:
                raise Unverified(f"{name}: continues no tile")
            size_bytes = os.path.getsize(os.path.join(self.folder, name))
            if index > full or index == full and width == 0:
                self.tail_bytes += size_bytes
            elif index == full and level != "entries":
                self.tail_bytes += max(0, size_bytes - 32 * width)
        elif match[4] is not None and base in names:
            raise Unverified(f"{name}: is there in another form, too")

    def read(self, level, index, width):
        """Name and bytes of a tile or bundle, and whether more than `width` may be in it."""
        base = f"tile/{level}/{index_path(index)}"
        whole = base if width == WIDTH else f"{base}.p/{width}"
        for name, grows in ((whole, False), (base + ".partial", width < WIDTH)):
            try:
                with open(os.path.join(self.folder, name), "rb") as file:
                    return name, file.read(WIDTH * (2 + ENTRY_BYTES_MAX) + 1), grows
            except FileNotFoundError:
                continue
        raise Unverified(f"{whole}: missing")

    def tile(self, level, index, width):
        name, data, grows = self.read(level, index, width)
        if len(data) < 32 * width or len(data) > 32 * (WIDTH if grows else width):
            raise Unverified(f"{name}: has {len(data)} bytes")
        return name, [data[i:i + 32] for i in range(0, 32 * width, 32)]

    def check_tiles(self):
        """Every tile from the top down; returns what each leaf hash must be, bundle by bundle."""
        edges, peaks = {}, []
        for level in reversed(range(LEVELS)):
            full, width = self.extent(level)
            if width == 0:
                continue
            name, hashes = self.tile(level, full, width)
            edges[level] = name, hashes
            while hashes:
                count = 1 << len(hashes).bit_length() - 1
                peaks.append(root_of(hashes[:count]))
                hashes = hashes[count:]
        root = functools.reduce(lambda right, left: node(left, right), reversed(peaks)) if peaks else sha256(b"")
        if root != self.root:
            names = ", ".join(name for name, _ in edges.values())
            raise Unverified(f"{self.checkpoint}: its root is not that of the incomplete tiles {names}")
        above = []  # hashes of the level above, all of them: a second opinion need not be small
        for level in reversed(range(LEVELS)):
            full, _ = self.extent(level)
            hashes = []
            for index in range(full):
                name, tile = self.tile(level, index, WIDTH)
                if root_of(tile) != above[index]:
                    raise Unverified(f"{name}: its hashes do not lead to the signed root")
                hashes += tile
            above = hashes + (edges[level][1] if level in edges else [])
        return above

    def find_retention(self, leaves):
        """Number of first entries that the newest retention entry says were removed; 0 if none are gone."""
        first = os.path.join(self.folder, f"tile/entries/{index_path(0)}")
        if self.size < WIDTH or os.path.exists(first) or os.path.exists(first + ".partial"):
            return 0
        for bundle in reversed(range(0, len(leaves), WIDTH)):
            wanted = leaves[bundle:bundle + WIDTH]
            try:
                name, data, _ = self.read("entries", bundle // WIDTH, len(wanted))
            except Unverified:
                continue  # named below, once it is known what may be missing
            found, at = None, 0
            for number, leaf in enumerate(wanted, bundle):
                length = int.from_bytes(data[at:at + 2], "big")
                entry = data[at + 2:at + 2 + length]
                at += 2 + length
                if entry[:8] == b"SPOORBAT" and int.from_bytes(entry[10:12], "little") == RETENTION:
                    if sha256(b"\x00" + entry) != leaf:
                        raise Unverified(f"{name}: entry {number} is not the one that was logged")
                    found = number, entry
            if found:
                return self.open_retention(*found, leaves)
        raise Unverified("tile/entries/000: missing, and no retention entry says that it was removed")

    def open_retention(self, number, entry, leaves):
        """Its payload is a zstd frame of one raw block: 12 bytes before the JSON."""
        def bad(what):
            raise Unverified(f"entry {number}: retention entry: {what}")
        frame = entry[104:-8]
        size = int.from_bytes(frame[5:9], "little")
        if frame[:5] != bytes.fromhex("28b52ffda0") or len(frame) != 12 + size \
                or int.from_bytes(frame[9:12], "little") != size << 3 | 1:
            bad("not stored as it must be")
        try:
            said = json.loads(frame[12:])
            until, removals, carried = said["removed_until_entry"], said["removals"], said["carried_count"]
            root = said["root_sha256"]
            ends = [0] + [removal["until_entry"] for removal in removals]
            follows = [removal["from_entry"] for removal in removals] == ends[:-1]
        except (ValueError, KeyError, TypeError) as error:
            bad(repr(error))
        if said.get("format") != 1 or not follows or ends[-1] != until or until % WIDTH or not 0 < until <= number - carried:
            bad("does not add up")
        if root_of_any(leaves[:until]).hex() != root:
            bad("its root is not that of the first entries")
        self.removed = removals
        carried_state = Carried([self.read_entry(at, leaves) for at in range(number - carried, number)])
        self.recordings.go_on(carried_state.recordings)
        for item in carried_state.recordings:
            if item.first_batch:
                self.unrecorded.go_on(Batch(number, item.first_batch), item.last_wall_ns)
                self.canaries.go_on(Batch(number, item.first_batch))
        self.seals.go_on(carried_state.chains, until)
        if self.tables:
            self.tables.go_on(carried_state.recordings, until)
        return until

    def read_entry(self, number, leaves):
        """One entry that is held against its leaf hash."""
        bundle = number // WIDTH
        name, data, _ = self.read("entries", bundle, min(WIDTH, len(leaves) - bundle * WIDTH))
        at = 0
        for _ in range(number % WIDTH):
            at += 2 + int.from_bytes(data[at:at + 2], "big")
        entry = data[at + 2:at + 2 + int.from_bytes(data[at:at + 2], "big")]
        if sha256(b"\x00" + entry) != leaves[number]:
            raise Unverified(f"{name}: entry {number} is not the one that was logged")
        return Batch(number, entry)

    def check_entries(self, leaves):
        removed = self.find_retention(leaves)
        for bundle in range(0, len(leaves), WIDTH):
            # What an interrupted removal left is checked as any other.
            if bundle < removed and not os.path.exists(os.path.join(self.folder, f"tile/entries/{index_path(bundle // WIDTH)}")):
                continue
            wanted = leaves[bundle:bundle + WIDTH]
            name, data, grows = self.read("entries", bundle // WIDTH, len(wanted))
            at = 0
            for number, leaf in enumerate(wanted, bundle):
                length = int.from_bytes(data[at:at + 2], "big")
                entry = data[at + 2:at + 2 + length]
                if len(data) < at + 2 + length:
                    raise Unverified(f"{name}: entry {number} is cut off")
                if sha256(b"\x00" + entry) != leaf:
                    raise Unverified(f"{name}: entry {number} is not the one that was logged")
                if number >= removed:
                    self.check_batch(Batch(number, entry))
                at += 2 + length
            if at != len(data) and not grows:
                raise Unverified(f"{name}: {len(data) - at} bytes behind its last entry")
            self.tail_bytes += len(data) - at

    def check_batch(self, batch):
        if batch.kind == RETENTION and self.tables:
            self.tables.remove(batch.number)
        if batch.kind in (RETENTION, CARRIED):
            return
        self.recordings.add(batch)
        if batch.kind <= IMPORT_DATA:
            self.unread.append(batch)
            if len(self.unread) == UNREAD_MAX:
                self.read_batches()
        if batch.kind == ACCOUNT:
            self.seals.add_account(batch)
        else:
            self.seals.add_entry(batch)
        if batch.kind not in (ACCOUNT, TRANSFERRED):
            self.unrecorded.add(batch)

    def read_batches(self):
        """What is in those that were checked since the last time."""
        read_payloads(self.unread)
        for batch in self.unread:
            self.recordings.read(batch)
            self.canaries.read(batch)
            if self.tables:
                self.tables.add(batch)
        self.unread.clear()

    def verify(self, escrow=None, authority=None):
        self.seals = Seals(escrow, authority)
        self.canaries = Canaries()
        self.check_names()
        self.leaves = self.check_tiles()
        self.check_entries(self.leaves)
        self.read_batches()
        self.recordings.finish(self.seals.has_account)
        self.seals.finish()
        self.canaries.judge(self.seals.first_keys)
        return self

    @property
    def complete(self):
        return not (self.recordings.lost_count or self.recordings.missing_count or self.seals.missing_count or self.seals.gap_count
                    or self.canaries.missed_count or self.canaries.left_chain_count)


def has_tables(store):
    return os.path.lexists(os.path.join(store, "catalog.json"))


def prove(store, key, escrow, authority, skip_segments):
    """The proved log, with the tables that were made of it."""
    attempt = 0
    while True:
        attempt += 1
        tables = verify_tables.Tables(store) if has_tables(store) and not skip_segments else None
        try:
            log = Log(os.path.join(store, "evidence"), key, tables).verify(escrow, authority)
            if tables:
                tables.check(log.size)
            return log
        except Unverified:
            # Readers ingest: then the catalog is another one, and its files are others.
            if not tables or attempt == ATTEMPTS or not tables.has_changed():
                raise


def read(path):
    with open(path, "rb") as file:
        return file.read(1 << 20)


def verify(store, key_file=None, escrow_file=None, authority_file=None, checkpoints=(), witnesses=(),
           skip_segments=False):
    """The proved log of `store`, which extends the checkpoints kept in the files `checkpoints` and was cosigned by
    the keys in the files `witnesses`; raises Unverified."""
    key = cached_key(read(key_file or os.path.join(store, "key/log.vkey")).decode("ascii"))
    escrow = verify_ciphers.read_x25519_private(read(escrow_file).decode("ascii")) if escrow_file else None
    authority = read(authority_file).decode("ascii") if authority_file else None
    log = prove(store, key, escrow, authority, skip_segments)
    kept = os.path.join(store, "witnessed")
    names = sorted(os.listdir(kept)) if os.path.isdir(kept) else []
    notes = [(path, read(path), True) for path in checkpoints]
    notes += [(path, read(path), False) for path in [log.checkpoint] + [os.path.join(kept, name) for name in names
                                                                         if name.endswith(".checkpoint")]]
    if checkpoints or witnesses:
        log.cosigned = check_outside_views(log, key, notes, [Key(read(path).decode("ascii"), WITNESS)
                                                             for path in witnesses])
    return log


def visible(text):
    """Names in a record are whoever's who wrote it: nothing of them may steer a terminal."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("store", metavar="STORE|BUNDLE")
    parser.add_argument("--key", metavar="FILE",
                        help="verifier key; default STORE/key/log.vkey, or the one in the bundle")
    parser.add_argument("--escrow", metavar="FILE", help="a collector's escrow.key: checks each sensor's seals and looks for its canaries, too")
    parser.add_argument("--authority", metavar="FILE", help="ca.crt: checks who issued the sensors' certificates, too")
    parser.add_argument("--checkpoint", metavar="FILE", action="append", default=[],
                        help="a checkpoint that a reader kept: the log must extend it")
    parser.add_argument("--witness", metavar="VKEYFILE", action="append", default=[],
                        help="a witness's key: it must have cosigned the log")
    parser.add_argument("--skip-segments", action="store_true", help="leave out the tables, and exit with 4 where there are any")
    arguments = parser.parse_args()
    try:
        if os.path.isfile(arguments.store):
            return INCOMPLETE if report_bundle(arguments.store, arguments.key) else 0
        log = verify(arguments.store, arguments.key, arguments.escrow, arguments.authority, arguments.checkpoint,
                     arguments.witness, arguments.skip_segments)
    except Unverified as error:
        print(f"verify.py: {visible(str(error))}", file=sys.stderr)
        return 3
    except (OSError, ValueError, Unsupported) as error:
        print(f"verify.py: {error}", file=sys.stderr)
        return 5
    for removal in log.removed:
        print(f"removed  entries {removal['from_entry']} to {removal['until_entry'] - 1}: "
              f"{ascii(removal.get('policy'))}, by {ascii(removal.get('by'))}")
    print(f"verified {log.size} entries, root {log.root.hex()}, "
          f"{log.tail_bytes} bytes behind the checkpoint")
    if log.tables:
        print(log.tables.report())
    elif has_tables(arguments.store):
        print("tables NOT CHECKED (--skip-segments): exit code 4")
    else:
        print("no tables: nothing was ingested yet")
    for witness, size, seconds in log.cosigned:
        print(f"witnessed {size} entries at {seconds} by {witness.name}")
    seals = log.seals
    if seals.has_account:
        print(f"{seals.sealed_count} sealed batches in {len(seals.chains)} chains, {seals.mac_count} with their key "
              f"checked; {seals.unsealed_count} batches that no sensor sealed")
    canaries = log.canaries
    if canaries.chain_count:
        print(f"canaries: {canaries.due_count} due, {canaries.recorded_count + canaries.late_count} recorded "
              f"({canaries.late_count} late), {canaries.missed_count} missing, in {canaries.chain_count} chains")
    for host, sensors in sorted(seals.shared_hosts.items()):
        print(f"several sensors say that they record the host {visible(host)}: {visible(', '.join(sensors))}")
    for line in log.unrecorded.lines():
        print(visible(line))
    if not log.complete:
        print(f"incomplete: {log.recordings.lost_count} records lost, {log.recordings.missing_count} batches and {seals.missing_count} frames missing, "
              f"{seals.gap_count} gaps told, {canaries.missed_count} canaries missing")
        return INCOMPLETE
    return INCOMPLETE if has_tables(arguments.store) and not log.tables else 0


if __name__ == "__main__":
    sys.exit(main())
