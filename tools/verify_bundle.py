# SPDX-License-Identifier: Apache-2.0
"""What tools/verify.py checks of a bundle (spoor prove, spoor export; docs/formats/proof-bundle.md):
every byte, the signature, and each entry's proof."""
import hashlib
import json
import re

from verify_batches import Unverified
from verify_notes import cached_key, node, open_note, sha256

BLOCK = 512
SUMS = "SHA256SUMS"
PROOF_HASHES_MAX = 128


def tar_header(name, size):
    """The one header that a member of this name and size can have."""
    def octal(value, digits):
        return f"{value:0{digits}o}".encode() + b"\0"
    fields = [name.encode().ljust(100, b"\0"), octal(0o644, 7), octal(0, 7), octal(0, 7), octal(size, 11),
              octal(0, 11), b" " * 8, b"0", bytes(100), b"ustar\0" b"00", bytes(64), octal(0, 7), octal(0, 7)]
    header = b"".join(fields).ljust(BLOCK, b"\0")
    return header[:148] + f"{sum(header):06o}".encode() + b"\0 " + header[156:]


class Bundle:
    """A canonical ustar archive: offset, size and SHA-256 of each member, all bytes accounted for."""

    def __init__(self, path):
        self.path = path
        self.members = {}
        with open(path, "rb") as file:
            while SUMS not in self.members:
                self.read_member(file)
            if file.read(2 * BLOCK + 1) != bytes(2 * BLOCK):
                self.bad("does not end behind SHA256SUMS")
        *names, _ = self.members
        wanted = "".join(f"{self.members[name][2]}  {name}\n" for name in names)
        if self.read(SUMS) != wanted.encode():
            lines = self.read(SUMS).decode(errors="replace").split("\n")
            wrong = [name for name, line in zip(names, lines) if line != f"{self.members[name][2]}  {name}"]
            self.bad(f"{(wrong or [SUMS])[0]}: is not what SHA256SUMS says")

    def bad(self, what):
        raise Unverified(f"{self.path}: {what}")

    def read_member(self, file):
        header = file.read(BLOCK)
        name = re.fullmatch(rb"([A-Za-z0-9_.-][A-Za-z0-9_./-]{0,98})\0+", header[:100])
        size = re.fullmatch(rb"([0-7]{11})\0", header[124:136])
        if not name or not size or header != tar_header(name[1].decode(), int(size[1], 8)):
            self.bad("a header is damaged, or this is no bundle")
        name, size = name[1].decode(), int(size[1], 8)
        if name in self.members:
            self.bad(f"{name}: is there twice")
        offset, digest, rest = file.tell(), hashlib.sha256(), size
        while rest:
            part = file.read(min(rest, 1 << 20))
            if not part:
                self.bad(f"cut off inside {name}")
            digest.update(part)
            rest -= len(part)
        padding = -size % BLOCK
        if file.read(padding) != bytes(padding):
            self.bad(f"bytes that are no zeros behind {name}")
        self.members[name] = offset, size, digest.hexdigest()

    def read(self, name):
        offset, size, _ = self.members[name]
        with open(self.path, "rb") as file:
            file.seek(offset)
            return file.read(size)

    def check_members(self):
        manifest = json.loads(self.read("manifest.json"))
        if manifest.get("format") != "spoor bundle" or manifest.get("version") != 1:
            self.bad("manifest.json: not that of a bundle of version 1")
        names = list(self.members)
        queries = [name for name in names if re.fullmatch(r"queries/[a-z0-9_]+\.sql", name)]
        answer = ["question.sql", *queries, "rows.ndjson", "gaps.ndjson"] if manifest["answer"] else []
        if names != ["README.txt", "manifest.json", "log.vkey", *answer, "evidence.excerpt", SUMS]:
            self.bad("has other members than it must have")
        return manifest


class Excerpt:
    """Entries with what leads from them to a signed checkpoint, read once from front to back."""

    def __init__(self, bundle, key):
        self.bundle, self.key = bundle, key
        self.entry_count = self.proof_bytes = 0
        offset, self.rest, _ = bundle.members["evidence.excerpt"]
        with open(bundle.path, "rb") as self.file:
            self.file.seek(offset)
            self.verify()

    def take(self, count):
        if count > self.rest:
            self.bundle.bad("evidence.excerpt: is cut off")
        self.rest -= count
        return self.file.read(count)

    def number(self, size):
        return int.from_bytes(self.take(size), "big")

    def verify(self):
        if self.take(12) != b"SPOOREXC\0\1\0\0":
            self.bundle.bad("evidence.excerpt: is not one of version 1")
        note = self.take(self.number(4))
        self.size, self.root = open_note(note, f"{self.bundle.path}: evidence.excerpt", self.key)
        free_from = 0
        for _ in range(self.number(8)):
            begin, count = self.number(8), self.number(8)
            if count == 0 or begin < free_from or begin + count > self.size:
                self.bundle.bad(f"evidence.excerpt: range of {count} entries from {begin} is out of order")
            free_from = begin + count + 1  # a range that goes on from the last one is part of it
            self.verify_range(begin, begin + count)
        if self.rest:
            self.bundle.bad("evidence.excerpt: bytes behind its last range")

    def verify_range(self, begin, end):
        proof = [self.take(32) for _ in range(min(self.number(2), PROOF_HASHES_MAX + 1))]
        self.proof_bytes += 32 * len(proof)
        proof.reverse()

        def root(first, last):
            """Of the subtree over [first, last): its entries, or the next hash of the proof."""
            if last <= begin or end <= first:
                if not proof:
                    self.bundle.bad(f"evidence.excerpt: the proof of entry {begin} is too short")
                return proof.pop()
            if last - first == 1:
                self.entry_count += 1
                return sha256(b"\0" + self.take(self.number(2)))
            middle = first + (1 << (last - first - 1).bit_length() - 1)
            return node(root(first, middle), root(middle, last))

        if root(0, self.size) != self.root or proof:
            self.bundle.bad(f"evidence.excerpt: entries {begin} to {end - 1} are not in the signed log")


def verify_bundle(path, key_file=None):
    """(manifest, excerpt) of a bundle all of whose entries are proved; raises Unverified."""
    bundle = Bundle(path)
    try:
        manifest = bundle.check_members()
        key = cached_key(bundle.read("log.vkey").decode("ascii"))
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise Unverified(f"{path}: manifest.json or log.vkey: {error!r}") from error
    if key_file is not None:
        with open(key_file, encoding="ascii") as file:
            given = cached_key(file.read())
        if (given.name, given.public) != (key.name, key.public):
            bundle.bad(f"is of the log {key.name} (key {key.id.hex()}), not of {given.name} (key {given.id.hex()})")
    return manifest, Excerpt(bundle, key)


def report_bundle(path, key_file):
    """Says what was proved; returns whether there are rows, which were not made again."""
    manifest, excerpt = verify_bundle(path, key_file)
    print(f"verified {excerpt.entry_count} entries of a log of {excerpt.size}, root {excerpt.root.hex()}")
    if key_file is None:
        print("the key is out of the bundle itself: this proves that it is of one piece, not whose it is")
    if manifest["answer"]:
        print("the rows were NOT CHECKED: `spoor verify` makes them again. Exit code 4")
    return bool(manifest["answer"])
