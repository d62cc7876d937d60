# SPDX-License-Identifier: Apache-2.0
"""Hashes, keys and signed notes for tools/verify.py: the tree of RFC 6962, C2SP signed notes and
cosignatures (docs/formats/evidence.md, docs/formats/witness.md). Signatures are checked by openssl."""
import base64
import binascii
import functools
import hashlib
import os
import re
import subprocess
import tempfile

from verify_batches import Unverified

ED25519_DER_PREFIX = bytes.fromhex("302a300506032b6570032100")  # RFC 8410, before the raw public key
TIME = re.compile(r"time \d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z")


def sha256(data):
    return hashlib.sha256(data).digest()


def node(left, right):
    return sha256(b"\x01" + left + right)


def root_of(hashes):
    """Root of the tree over these subtree roots, all perfect and of one size (RFC 6962 section 2.1)."""
    if len(hashes) == 1:
        return hashes[0]
    k = 1 << (len(hashes) - 1).bit_length() - 1
    return node(root_of(hashes[:k]), root_of(hashes[k:]))


def root_of_any(leaves):
    """Root of the tree over any number of leaf hashes."""
    while len(leaves) > 1:
        # Pairs of full subtrees first; an odd one out goes up as it is, as RFC 6962 splits.
        leaves = [node(*leaves[i:i + 2]) if i + 1 < len(leaves) else leaves[i] for i in range(0, len(leaves), 2)]
    return leaves[0]


def decode_base64(text):
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None
    return data if base64.b64encode(data).decode() == text else None


LOG, WITNESS = 1, 4  # C2SP signature types


class Key:
    def __init__(self, text, use=LOG):
        parts = text.removesuffix("\n").split("+", 2)
        encoded = decode_base64(parts[2]) if len(parts) == 3 else None
        if encoded is None or len(encoded) != 33 or encoded[0] != use:
            raise Unverified("not a verifier key (name+hash+base64)")
        self.name, self.public = parts[0], encoded[1:]
        self.id = sha256(self.name.encode() + b"\n" + encoded)[:4]
        if self.id.hex() != parts[1] or not re.fullmatch(r"[!-*,-~]{1,255}", self.name):
            raise Unverified("the verifier key's hash is not that of its name and key")

    @functools.lru_cache(maxsize=4096)
    def signed(self, text, signature):
        with tempfile.TemporaryDirectory() as folder:
            names = [os.path.join(folder, name) for name in ("key", "signature", "text")]
            for name, data in zip(names, (ED25519_DER_PREFIX + self.public, signature, text)):
                with open(name, "wb") as file:
                    file.write(data)
            return subprocess.run(
                ["openssl", "pkeyutl", "-verify", "-rawin", "-pubin", "-keyform", "DER",
                 "-inkey", names[0], "-sigfile", names[1], "-in", names[2]],
                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False).returncode == 0


def open_checkpoint(path, key):
    """(size, root) of a checkpoint that `key` signed."""
    try:
        with open(path, "rb") as file:
            note = file.read(1 << 20)
    except FileNotFoundError as missing:
        raise Unverified(f"{path}: missing") from missing
    return open_note(note, path, key)


def open_note(note, path, key):
    """(size, root) of a signed checkpoint; `path` is what errors call it."""
    def bad(what):
        raise Unverified(f"{path}: {what}")
    split = note.rfind(b"\n\n")
    if split < 0 or not note.endswith(b"\n"):
        bad("not a signed note")
    text, lines = note[:split + 1], note[split + 2:-1]
    signed = 0
    for line in lines.split(b"\n"):
        match = re.fullmatch(b"\xe2\x80\x94 ([!-*,-~]{1,255}) ([A-Za-z0-9+/=]+)", line)
        data = decode_base64(match[2].decode()) if match else None
        if data is None or len(data) <= 4:
            bad("a signature line is malformed")
        if match[1] != key.name.encode() or data[:4] != key.id:
            continue
        if not key.signed(text, data[4:]):
            bad("the signature does not fit the text")
        signed += 1
    if signed != 1:
        bad(f"not signed once by {key.name}")
    try:
        body = text.decode("ascii").split("\n")
    except UnicodeDecodeError:
        bad("signed, but not a checkpoint")
    if len(body) != 5 or body[0] != key.name or not re.fullmatch(r"0|[1-9][0-9]{0,19}", body[1]) \
            or not TIME.fullmatch(body[3]):
        bad("signed, but not a checkpoint")
    root = decode_base64(body[2])
    if root is None or len(root) != 32 or int(body[1]) >= 1 << 64:
        bad("signed, but not a checkpoint")
    return int(body[1]), root


def cosigned_at(note, path, witness):
    """When `witness` cosigned the checkpoint, seconds since the Unix epoch, the last time; None if it did not."""
    split = note.rfind(b"\n\n")
    text, newest = note[:split + 1], None
    for line in note[split + 2:-1].split(b"\n"):
        _, name, encoded = line.split(b" ")
        data = decode_base64(encoded.decode())
        if name != witness.name.encode() or data[:4] != witness.id:
            continue
        seconds = int.from_bytes(data[4:12], "big")
        if len(data) != 76 or seconds >= 1 << 63 or not witness.signed(
                b"cosignature/v1\ntime %d\n" % seconds + text, data[12:]):
            raise Unverified(f"{path}: the cosignature of {witness.name} does not fit the checkpoint")
        newest = max(newest or 0, seconds)
    return newest


cached_key = functools.lru_cache(Key)
