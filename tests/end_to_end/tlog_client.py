# SPDX-License-Identifier: Apache-2.0
"""A log and a reader of logs after the C2SP texts (signed-note, tlog-checkpoint, tlog-tiles, tlog-cosignature,
tlog-witness), without Spoor's code: the Python standard library, and openssl for signatures."""
import base64
import hashlib
import http.client
import os
import re
import ssl
import subprocess
import urllib.parse

from machine import PATIENCE_S  # tests/machine

WIDTH = 256
DER_PUBLIC = bytes.fromhex("302a300506032b6570032100")  # RFC 8410


def sha256(data):
    return hashlib.sha256(data).digest()


def leaf_hash(entry):
    return sha256(b"\x00" + entry)


def node_hash(left, right):
    return sha256(b"\x01" + left + right)


def split_of(count):
    return 1 << (count - 1).bit_length() - 1


def root_of(leaves):
    if not leaves:
        return sha256(b"")
    if len(leaves) == 1:
        return leaves[0]
    return node_hash(root_of(leaves[:split_of(len(leaves))]), root_of(leaves[split_of(len(leaves)):]))


def consistency(old, leaves, whole=True):
    """RFC 6962 section 2.1.2, PROOF(old, D[n])."""
    if old in (0, len(leaves)):
        return [] if whole or old == 0 else [root_of(leaves)]
    k = split_of(len(leaves))
    if old <= k:
        return consistency(old, leaves[:k], whole) + [root_of(leaves[k:])]
    return consistency(old - k, leaves[k:], False) + [root_of(leaves[:k])]


def openssl(*words, **more):
    return subprocess.run(["openssl", *words], check=True, capture_output=True, **more).stdout


def key_id(name, use, public):
    return sha256(name.encode() + b"\n" + bytes([use]) + public)[:4]


class Verifier:
    """A key as vkey text: name+hash+base64."""

    def __init__(self, text, folder):
        name, identity, encoded = text.strip().split("+", 2)
        raw = base64.b64decode(encoded)
        self.text, self.name, self.use, self.public = text.strip(), name, raw[0], raw[1:]
        self.id = key_id(name, self.use, self.public)
        assert self.id.hex() == identity, text
        self.path = os.path.join(folder, f"{self.id.hex()}.der")
        with open(self.path, "wb") as file:
            file.write(DER_PUBLIC + self.public)

    def verifies(self, message, signature):
        base = self.path + ".check"
        for ending, data in (("m", message), ("s", signature)):
            with open(base + ending, "wb") as file:
                file.write(data)
        return subprocess.run(["openssl", "pkeyutl", "-verify", "-rawin", "-pubin", "-keyform", "DER", "-inkey",
                               self.path, "-sigfile", base + "s", "-in", base + "m"], capture_output=True,
                              check=False).returncode == 0

    def lines_of(self, note):
        """What this key put under `note`: the bytes behind the key id, one element a line."""
        text, _, lines = note.rpartition(b"\n\n")
        found = []
        for line in lines.splitlines():
            dash, name, encoded = line.split(b" ")
            assert dash == "\u2014".encode(), line
            data = base64.b64decode(encoded, validate=True)
            if name == self.name.encode() and data[:4] == self.id:
                found.append(data[4:])
        return text + b"\n", found

    def opens(self, note):
        """Size and root of a checkpoint that this log's key signed."""
        text, found = self.lines_of(note)
        assert len(found) == 1 and self.verifies(text, found[0]), note
        origin, size, root = text.split(b"\n")[:3]
        assert origin == self.name.encode(), origin
        return int(size), base64.b64decode(root, validate=True)

    def cosigned(self, note):
        """Times at which this witness cosigned `note`, each checked."""
        text, found = self.lines_of(note)
        times = []
        for data in found:
            seconds = int.from_bytes(data[:8], "big")
            assert len(data) == 72 and self.verifies(b"cosignature/v1\ntime %d\n" % seconds + text, data[8:]), note
            times.append(seconds)
        return times


class Log:
    """A log of our own making, whose history can be made to branch."""

    def __init__(self, name, folder, key_file=None):
        self.name, self.folder = name, folder
        self.key_file = key_file or os.path.join(folder, f"{sha256(name.encode()).hex()[:8]}.pem")
        if not os.path.exists(self.key_file):
            openssl("genpkey", "-algorithm", "ed25519", "-out", self.key_file)
        public = openssl("pkey", "-in", self.key_file, "-pubout", "-outform", "DER")[-32:]
        self.id = key_id(name, 1, public)
        self.verifier_text = f"{name}+{self.id.hex()}+{base64.b64encode(bytes([1]) + public).decode()}"
        self.leaves = []

    def grow(self, count, branch=""):
        self.leaves += [leaf_hash(f"{branch}{len(self.leaves) + i}".encode()) for i in range(count)]
        return self

    def sign(self, text):
        path = os.path.join(self.folder, "to-sign")
        with open(path, "wb") as file:
            file.write(text)
        signature = openssl("pkeyutl", "-sign", "-rawin", "-inkey", self.key_file, "-in", path)
        return text + "\n\u2014 {} {}\n".format(self.name, base64.b64encode(self.id + signature).decode()).encode()

    def checkpoint(self, size=None, extension="", root=None):
        size = len(self.leaves) if size is None else size
        root = root_of(self.leaves[:size]) if root is None else root
        return self.sign(f"{self.name}\n{size}\n{base64.b64encode(root).decode()}\n{extension}".encode())

    def request(self, old, size=None, proof=None, checkpoint=None):
        """The body that asks a witness to go from `old` to `size`."""
        size = len(self.leaves) if size is None else size
        if proof is None:
            proof = consistency(old, self.leaves[:size]) if old <= size else []
        lines = "".join(base64.b64encode(one).decode() + "\n" for one in proof)
        return f"old {old}\n{lines}\n".encode() + (checkpoint or self.checkpoint(size))


class Http:
    def __init__(self, url, cafile=None):
        parts = urllib.parse.urlsplit(url)
        self.address = parts.hostname, parts.port
        self.tls = ssl.create_default_context(cafile=cafile) if parts.scheme == "https" else None

    def ask(self, method, path, body=None, headers=None):
        """(status, headers, body)"""
        connection = (http.client.HTTPSConnection(*self.address, timeout=PATIENCE_S, context=self.tls) if self.tls
                      else http.client.HTTPConnection(*self.address, timeout=PATIENCE_S))
        try:
            connection.request(method, path, body, headers or {})
            answer = connection.getresponse()
            return answer.status, answer.headers, answer.read()
        finally:
            connection.close()

    def add_checkpoint(self, body):
        return self.ask("POST", "/add-checkpoint", body)


def index_path(index):
    digits = str(index)
    digits = digits.rjust((len(digits) + 2) // 3 * 3, "0")
    parts = [digits[i:i + 3] for i in range(0, len(digits), 3)]
    return "/".join(["x" + part for part in parts[:-1]] + parts[-1:])


class Reader:
    """Reads a log over HTTP and believes nothing that the signed root does not prove."""

    def __init__(self, url, verifier, cafile=None):
        self.http, self.verifier, self.tiles = Http(url, cafile), verifier, {}
        self.note = self.get("/checkpoint", "text/plain; charset=utf-8", immutable=False)
        self.size, self.root = verifier.opens(self.note)

    def get(self, path, content_type, immutable=True):
        status, headers, body = self.http.ask("GET", path)
        assert status == 200, (path, status, body)
        assert headers["Content-Type"] == content_type, (path, headers["Content-Type"])
        assert ("immutable" in headers["Cache-Control"]) == immutable, (path, headers["Cache-Control"])
        return body

    def path(self, level, index):
        """The name of the widest form that the checkpoint calls for, and its width."""
        count = self.size >> 8 * (0 if level == "entries" else level)
        width = min(WIDTH, count - index * WIDTH)
        assert width > 0, (level, index)
        return f"/tile/{level}/{index_path(index)}" + ("" if width == WIDTH else f".p/{width}"), width

    def tile(self, level, index):
        if (level, index) not in self.tiles:
            path, width = self.path(level, index)
            data = self.get(path, "application/octet-stream")
            assert len(data) == 32 * width, path
            self.tiles[level, index] = [data[i:i + 32] for i in range(0, len(data), 32)]
        return self.tiles[level, index]

    def range_root(self, begin, end):
        """Root over the entries [begin, end): perfect, or up to the end of a tree."""
        count = end - begin
        if count & (count - 1):
            middle = begin + split_of(count)
            return node_hash(self.range_root(begin, middle), self.range_root(middle, end))
        height = count.bit_length() - 1
        level, rest = divmod(height, 8)
        first = begin >> 8 * level
        tile = self.tile(level, first // WIDTH)
        return root_of(tile[first % WIDTH:first % WIDTH + (1 << rest)])

    def root_at(self, size):
        return self.range_root(0, size) if size else sha256(b"")

    def check_tree(self):
        assert self.root_at(self.size) == self.root

    def entries(self, bundle):
        path, width = self.path("entries", bundle)
        data, found = self.get(path, "application/octet-stream"), []
        while data:
            length = int.from_bytes(data[:2], "big")
            found.append(data[2:2 + length])
            data = data[2 + length:]
        assert len(found) == width, path
        return found

    def check_inclusion(self, index):
        """Fetches entry `index` and its audit path, and walks up to the signed root (RFC 6962 section 2.1.1)."""
        entry = self.entries(index // WIDTH)[index % WIDTH]

        def climb(begin, end):
            if end - begin == 1:
                return leaf_hash(entry)
            middle = begin + split_of(end - begin)
            if index < middle:
                return node_hash(climb(begin, middle), self.range_root(middle, end))
            return node_hash(self.range_root(begin, middle), climb(middle, end))
        assert climb(0, self.size) == self.root, index
        return entry


def origin_path(name):
    return f"/{sha256(name.encode()).hex()}/checkpoint"


def size_of(body):
    assert re.fullmatch(rb"(0|[1-9][0-9]*)\n", body), body
    return int(body)
