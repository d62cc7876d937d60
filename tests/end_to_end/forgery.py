# SPDX-License-Identifier: Apache-2.0
"""What an attacker can make who has read docs/formats/ and holds some of the keys: batches, frames,
chains, accounts, and a whole log signed anew. The tests of attacks use it; nothing else must."""
import base64
import ctypes
import hashlib
import json
import os
import pathlib
import shutil
import struct
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "tools"))
sys.dont_write_bytecode = True
import verify  # noqa: E402
import verify_ciphers as ciphers  # noqa: E402
from verify_batches import Batch  # noqa: E402
from verify_seals import ChainKeys, split_records  # noqa: E402

XXHASH = ctypes.CDLL("libxxhash.so.0")  # the program links it, too
XXHASH.XXH3_64bits.restype = ctypes.c_uint64
NO_ENTRY = (1 << 64) - 1
RECORDING_OPEN, RECORDS, RECORDING_CLOSE, IMPORT_DATA, ACCOUNT = range(1, 6)
FRAME_OPEN, FRAME_BATCH, FRAME_GAP, FRAME_CLOSE = 1, 2, 3, 4


def flip(data, at):
    """`data` with one bit changed in byte `at`."""
    changed = bytearray(data)
    changed[at] ^= 1 << at % 8
    return bytes(changed)


# ---------------------------------------------------------------------- batches (docs/formats/batch.md)


def zstd_frame(payload):
    """Of raw blocks: what zstd makes of noise."""
    frame = b"\x28\xb5\x2f\xfd\xa0" + struct.pack("<I", len(payload))
    blocks = [payload[i:i + 65536] for i in range(0, len(payload), 65536)] or [b""]
    for i, block in enumerate(blocks):
        frame += struct.pack("<I", len(block) << 3 | (i == len(blocks) - 1))[:3] + block
    return frame


class ForgedBatch:
    """An entry that can be changed and encoded again, with its checksum right."""

    def __init__(self, entry):
        self.header, self.stored = bytearray(entry[:104]), entry[104:-8]
        self.records = None  # of an account
        if self.kind == ACCOUNT:
            self.records = [ForgedRecord(record) for record in split_records(Batch(0, entry).payload())]

    @classmethod
    def make(cls, kind, recording, index, previous_sha256=bytes(32), payload=b"{}", stored=None, boot_ns=1):
        header = struct.pack("<8sHHI16sQQqQ32sII", b"SPOORBAT", 1, kind, len(payload), recording, index, boot_ns,
                             time.time_ns(), boot_ns, previous_sha256, 0, 0)
        made = cls.__new__(cls)
        made.header, made.stored, made.records = bytearray(header), stored or zstd_frame(payload), None
        return made

    kind = property(lambda self: struct.unpack_from("<H", self.header, 10)[0])
    recording = property(lambda self: bytes(self.header[16:32]))
    index = property(lambda self: struct.unpack_from("<Q", self.header, 32)[0])

    def set_payload(self, payload):
        self.stored = zstd_frame(payload)
        struct.pack_into("<I", self.header, 12, len(payload))

    def entry(self):
        struct.pack_into("<I", self.header, 96, len(self.stored))
        data = bytes(self.header) + self.stored
        return data + XXHASH.XXH3_64bits(data, ctypes.c_size_t(len(data))).to_bytes(8, "little")

    def sha256(self):
        return verify.sha256(self.entry())


class ForgedRecord:
    """A line of the account. `batch`: the entry that it names, wherever that goes."""

    def __init__(self, record):
        self.verdict, self.sensor, self.head, self.note = record.verdict, record.sensor, record.head, record.note
        self.entry, self.batch = record.entry, None

    def encode(self):
        name = self.sensor.encode()
        size = 24 + len(name) + len(self.head) + len(self.note)
        return struct.pack("<IBBHQq", size, self.verdict, len(name), len(self.head), self.entry,
                           time.time_ns()) + name + self.head + self.note


# ------------------------------------------------------------------- frames (docs/formats/sealing.md)


def split_frames(data):
    frames = []
    while data:
        size = struct.unpack_from("<I", data, 12)[0]
        frames.append(data[:size])
        data = data[size:]
    return frames


def public_escrow_key(pem_file):
    der = subprocess.run(["openssl", "pkey", "-pubin", "-in", pem_file, "-outform", "DER"], capture_output=True,
                         check=True).stdout
    return der[-32:]


def first_key(open_frame, escrow_private):
    """K_0, for whoever holds the escrow key."""
    content = open_frame[120:-16]
    lock = escrow_lock(ciphers.x25519(escrow_private, content[:32]), content[:32],
                       ciphers.x25519_public(escrow_private), open_frame[16:32])
    return ciphers.gcm_decrypt(lock, content[:32], content[32:])[:32]


def escrow_lock(secret, ephemeral, escrow_public, chain):
    return ciphers.hmac_sha256(secret, b"spoor seal escrow v1" + ephemeral + escrow_public + chain + b"\x01")


def seal(key, kind, chain, sequence, previous_sha256, content):
    """A frame as the holder of `key` seals it."""
    size = 120 + len(content) + 16
    head = struct.pack("<8sHHI16sQQq32s", b"SPOORSEA", 3, kind, size, chain, sequence, 1, time.time_ns(),
                       previous_sha256)
    mac_key = ciphers.hmac_sha256(key, b"spoor seal mac v1\x01")
    head += ciphers.hmac_sha256(mac_key, head + hashlib.sha256(content).digest())
    if kind == FRAME_OPEN:
        return head + content + bytes(16)
    return head + ciphers.gcm_encrypt(ciphers.hmac_sha256(key, b"spoor seal cipher v1\x01"), head, content)


def header_sha256(frame):
    return verify.sha256(frame[:120])


def tag_of(first):
    return ciphers.hmac_sha256(first, b"spoor seal tag v1\x01").hex()


def chain_of(sensor, first):
    return hashlib.sha256(f"spoor chain v1\n{sensor}\n{tag_of(first)}\n".encode()).digest()[:16]


def describe_chain(sensor, chain, first, identity, more=""):
    """Signed with the identity's key, whoever that is."""
    certificate = (identity / "identity.crt").read_text()
    serial = subprocess.run(["openssl", "x509", "-noout", "-serial"], input=certificate, capture_output=True, text=True,
                            check=True).stdout.strip().removeprefix("serial=").lower()
    tag = tag_of(first)
    lines = ["spoor seal open v1", chain.hex(), tag, sensor, serial, "h", "b"]
    signature = subprocess.run(["openssl", "dgst", "-sha256", "-sign", identity / "identity.key"], capture_output=True,
                               input="".join(f"{line}\n" for line in lines).encode(), check=True).stdout
    description = json.dumps({"format": 1, "sensor": sensor, "certificate_serial": serial, "host": "h", "boot_id": "b",
                              "first_key_tag": tag, "certificate": certificate, "signature": signature.hex()})
    return (description[:-1] + more + "}").encode()


class ForgedChain:
    """A chain as the holder of an identity (a folder) makes it, who may lie. `more`: of its description; `chain`: its
    id, which is not its own."""

    def __init__(self, sensor, escrow_public, identity, more="", chain=None):
        first, self.last_batch = os.urandom(32), None
        self.keys = ChainKeys(first)
        self.chain = self.recording = chain or chain_of(sensor, first)
        own = os.urandom(32)
        ephemeral = ciphers.x25519_public(own)
        lock = escrow_lock(ciphers.x25519(own, escrow_public), ephemeral, escrow_public, self.chain)
        self.description = describe_chain(sensor, self.chain, first, pathlib.Path(identity), more)
        self.frames, self.lost_count = [], 0  # as if so many had been sealed before the next one
        self.add(FRAME_OPEN, ephemeral + ciphers.gcm_encrypt(lock, ephemeral, first + self.description))

    @property
    def key(self):
        """Today's: of the frame that comes next."""
        return self.keys.key_of(len(self.frames) + self.lost_count)

    def add(self, kind, content):
        """Seals the next frame."""
        previous = header_sha256(self.frames[-1]) if self.frames else bytes(32)
        sequence = len(self.frames) + self.lost_count
        self.frames.append(seal(self.key, kind, self.chain, sequence, previous, content))
        return self.frames[-1]

    def add_batch(self, **lies):
        """Seals the recording's next batch, or one that is otherwise."""
        last = self.last_batch
        true = {"kind": IMPORT_DATA if last else RECORDING_OPEN, "recording": self.recording,
                "index": last.index + 1 if last else 0, "previous_sha256": last.sha256() if last else bytes(32)}
        self.last_batch = ForgedBatch.make(**{**true, **lies})
        return self.add(FRAME_BATCH, self.last_batch.entry())


# ------------------------------------------------------------------ the log (docs/formats/evidence.md)


def sign_checkpoint(pem_file, origin, key_id, size, root):
    text = f"{origin}\n{size}\n{base64.b64encode(root).decode()}\n" \
           f"time {time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime())}.000000000Z\n"
    file = pathlib.Path(pem_file).with_suffix(".signing")
    file.write_text(text)
    signature = subprocess.run(["openssl", "pkeyutl", "-sign", "-rawin", "-inkey", pem_file, "-in", file],
                               capture_output=True, check=True).stdout
    file.unlink()
    return f"{text}\n\u2014 {origin} {base64.b64encode(key_id + signature).decode()}\n"


def write_log(store, entries):
    """Writes the evidence of `store` anew, closed and signed with its own key."""
    evidence = pathlib.Path(store) / "evidence"
    shutil.rmtree(evidence)
    key = verify.Key((evidence.parent / "key/log.vkey").read_text())

    def put(level, index, width, data):
        name = evidence / "tile" / str(level) / verify.index_path(index)
        name = name if width == 256 else pathlib.Path(f"{name}.p") / str(width)
        name.parent.mkdir(parents=True, exist_ok=True)
        name.write_bytes(data)

    hashes = [verify.sha256(b"\0" + entry) for entry in entries]
    root = verify.root_of(hashes)
    for first in range(0, len(entries), 256):
        part = entries[first:first + 256]
        put("entries", first // 256, len(part), b"".join(struct.pack(">H", len(e)) + e for e in part))
    level = 0
    while hashes:
        for first in range(0, len(hashes), 256):
            part = hashes[first:first + 256]
            put(level, first // 256, len(part), b"".join(part))
        hashes = [verify.root_of(hashes[i:i + 256]) for i in range(0, len(hashes) // 256 * 256, 256)]
        level += 1
    (evidence / "checkpoint").write_text(
        sign_checkpoint(evidence.parent / "key/log.pem", key.name, key.id, len(entries), root))


class ForgedLog:
    """A log that its operator changes and signs anew."""

    def __init__(self, store, entries):
        self.store = store
        self.batches = [ForgedBatch(entry) for entry in entries]
        for record in self.records():
            if record.entry != NO_ENTRY:
                record.batch = self.batches[record.entry]

    def records(self):
        return [record for batch in self.batches for record in batch.records or []]

    def record_of(self, batch):
        return next(record for record in self.records() if record.batch is batch)

    def drop_records(self, condition):
        for batch in self.batches:
            if batch.records is not None:
                batch.records = [record for record in batch.records if not condition(record)]

    def of(self, recording):
        return [batch for batch in self.batches if batch.recording == recording]

    def link(self, recording):
        """Makes each batch carry the digest of the one before it, as if nothing had happened."""
        last = bytes(32)
        for batch in self.of(recording):
            batch.header[64:96] = last
            last = batch.sha256()

    def write(self):
        place = {id(batch): number for number, batch in enumerate(self.batches)}
        for record in self.records():
            if record.batch is not None:
                record.entry = place.get(id(record.batch), record.entry)
        for batch in self.batches:
            if batch.records is not None:
                batch.set_payload(b"".join(record.encode() for record in batch.records))
        for recording in {batch.recording for batch in self.batches if batch.records is not None}:
            self.link(recording)
        write_log(self.store, [batch.entry() for batch in self.batches])
