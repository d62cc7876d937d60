# SPDX-License-Identifier: Apache-2.0
"""What tools/verify.py checks of the log's entries as batches (docs/formats/batch.md): that each is
one, and that every recording begins with its description, misses no batch and ends at its end. Counts
the records that sensors say they lost."""
import hashlib
import struct
import subprocess
import tempfile

from verify_checksum import xxh3_64

HEADER_BYTES = 104
CHECKSUM_BYTES = 8
BATCH_BYTES_MAX = 65535
PAYLOAD_BYTES_MAX = 4 << 20
OPEN, RECORDS, CLOSE, IMPORT_DATA, ACCOUNT, RETENTION, CARRIED, TRANSFERRED = range(1, 9)
CHUNK = struct.Struct("<QIIII")
USER_SPACE_CPU = 0xffffffff
RECORD_HEADER_BYTES, RECORD_BYTES_MAX = 56, 32768
LOSS, LOSS_BYTES, LOSS_COUNTERS, PAYLOAD_CLASS = 16, 120, struct.Struct("<7Q"), 5


class Unverified(Exception):
    """Names the bad object and says what is wrong with it."""


class Unsupported(Exception):
    """Names what is of a newer format than this verifier knows."""


def number_at(data, at, size):
    return int.from_bytes(data[at:at + size], "little")


def zstd_frame_extent(data):
    """(content size, bytes of the frame) of the zstd frame at the start (RFC 8878 section 3.1.1), or None."""
    if data[:4] != b"\x28\xb5\x2f\xfd" or len(data) < 6:
        return None
    descriptor = data[4]
    single, checksum, dictionary = descriptor >> 5 & 1, descriptor >> 2 & 1, (0, 1, 2, 4)[descriptor & 3]
    size_bytes = (single, 2, 4, 8)[descriptor >> 6]
    at = 5 + (not single) + dictionary
    content = number_at(data, at, size_bytes) + (256 if size_bytes == 2 else 0) if size_bytes else None
    at += size_bytes
    last = False
    while not last:
        if at + 3 > len(data):
            return None
        block = number_at(data, at, 3)
        last, kind, block_bytes = block & 1, block >> 1 & 3, block >> 3
        if kind == 3:
            return None
        at += 3 + (1 if kind == 1 else block_bytes)
    at += 4 * checksum
    return (content, at) if at <= len(data) else None


def decompress(frames, size):
    """What these frames hold, by the program zstd (Python 3.11 has none); None when it is not of this size."""
    with tempfile.TemporaryFile() as file:
        file.write(frames)
        file.seek(0)
        with subprocess.Popen(["zstd", "-dcq"], stdin=file, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as zstd:
            content = zstd.stdout.read(size + 1)  # a frame can hold far more than it says
            if len(content) > size:
                zstd.kill()
        return content if zstd.returncode == 0 and len(content) == size else None


class Batch:
    """The header of one entry, checked; raises Unverified."""

    def __init__(self, number, entry):
        def bad(what):
            raise Unverified(f"entry {number}: batch: {what}")
        self.number, self.entry = number, entry
        if not HEADER_BYTES + CHECKSUM_BYTES <= len(entry) <= BATCH_BYTES_MAX:
            bad(f"{len(entry)} bytes")
        if entry[:8] != b"SPOORBAT":
            bad("no batch begins here")
        if number_at(entry, 8, 2) != 1:
            raise Unsupported(f"entry {number}: batch: format version {number_at(entry, 8, 2)}, this verifier reads 1")
        if xxh3_64(entry[:-CHECKSUM_BYTES]) != number_at(entry, len(entry) - CHECKSUM_BYTES, CHECKSUM_BYTES):
            bad("checksum does not match")
        self.kind = number_at(entry, 10, 2)
        self.payload_bytes = number_at(entry, 12, 4)
        self.recording = entry[16:32].hex()
        self.index, self.boot_ns, self.complete_until_boot_ns = (number_at(entry, at, 8) for at in (32, 40, 56))
        self.wall_ns = int.from_bytes(entry[48:56], "little", signed=True)
        self.previous_sha256 = entry[64:96]
        self.stored = entry[HEADER_BYTES:-CHECKSUM_BYTES]
        self.content = None  # the payload, while it is kept
        if not OPEN <= self.kind <= TRANSFERRED:
            raise Unsupported(f"entry {number}: batch: unknown kind {self.kind}")
        if self.payload_bytes > PAYLOAD_BYTES_MAX or number_at(entry, 100, 4) != 0 \
                or number_at(entry, 96, 4) != len(self.stored) \
                or zstd_frame_extent(self.stored) != (self.payload_bytes, len(self.stored)):
            bad("its lengths do not fit")

    def payload(self):
        if self.content is not None:
            return self.content
        content = decompress(self.stored, self.payload_bytes)
        if content is None:
            raise Unverified(f"entry {self.number}: batch: payload does not decompress")
        return content


def read_payloads(batches):
    """Lets payload() of these answer without a program for each."""
    content = decompress(b"".join(batch.stored for batch in batches), sum(batch.payload_bytes for batch in batches))
    if content is not None:
        at = 0
        for batch in batches:
            batch.content = content[at:at + batch.payload_bytes]
            at += batch.payload_bytes


def split_chunks(payload):
    """(end in the payload, first_sequence, cpu, count, records) of each; what is behind the last is none."""
    at, payload = 0, memoryview(payload)
    while len(payload) - at >= CHUNK.size:
        first, cpu, size_bytes, count, _ = CHUNK.unpack_from(payload, at)
        if size_bytes > len(payload) - at - CHUNK.size:
            break
        begin, at = at + CHUNK.size, at + CHUNK.size + size_bytes
        yield at, first, cpu, count, payload[begin:at]


def split_records(records):
    at = 0
    while at + RECORD_HEADER_BYTES <= len(records):
        size_bytes = number_at(records, at + 44, 2)
        if size_bytes < RECORD_HEADER_BYTES or size_bytes % 8 or size_bytes > min(RECORD_BYTES_MAX, len(records) - at):
            break
        yield records[at:at + size_bytes]
        at += size_bytes


class Recording:
    def __init__(self, is_account):
        self.is_account = is_account
        self.batch_count = self.missing_count = 0
        self.last_sha256 = bytes(32)
        self.closed = False
        self.lost = (0,) * 7  # records by class, as the sensor counted last

    @property
    def lost_count(self):
        """Records that are there without their payload are none."""
        return sum(self.lost) - self.lost[PAYLOAD_CLASS]


class Recordings:
    """Follows the recordings through the log."""

    def __init__(self):
        self.by_id = {}
        self.first_gap = None

    def add(self, batch):
        def bad(what):
            return Unverified(f"entry {batch.number}: batch {batch.index} of recording {batch.recording} {what}")
        is_account = batch.kind in (ACCOUNT, TRANSFERRED)
        recording = self.by_id.setdefault(batch.recording, Recording(is_account))
        if is_account != recording.is_account:
            raise bad("is of another kind than the rest")
        due = recording.batch_count + recording.missing_count
        if batch.index < due or batch.index > due and is_account:
            raise bad(f"where batch {due} is due")
        if batch.index > due:
            self.first_gap = self.first_gap or bad(f"where batch {due} is due")
            recording.missing_count += batch.index - due
        elif batch.previous_sha256 != recording.last_sha256:
            raise bad("does not carry the SHA-256 of the batch before it")
        if recording.closed:
            raise bad("follows the recording's end")
        if not is_account and (batch.kind == OPEN) != (batch.index == 0):
            raise bad("must describe the recording" if batch.index == 0 else "describes the recording again")
        recording.batch_count += 1
        recording.last_sha256 = hashlib.sha256(batch.entry).digest()
        recording.closed = batch.kind == CLOSE

    def read(self, batch):
        """What the records of a batch say was lost."""
        recording = self.by_id[batch.recording]
        for _, _, cpu, _, records in split_chunks(batch.payload()) if batch.kind == RECORDS else ():
            for record in split_records(records) if cpu == USER_SPACE_CPU else ():
                if len(record) >= LOSS_BYTES and number_at(record, 46, 2) == LOSS:
                    recording.lost = tuple(map(max, recording.lost, LOSS_COUNTERS.unpack_from(record, RECORD_HEADER_BYTES)))

    def go_on(self, carried):
        """Before the first entry of a log whose beginning was removed: verify_retention.CarriedRecording."""
        for item in carried:
            recording = self.by_id[item.recording] = Recording(item.is_account)
            recording.batch_count, recording.missing_count = item.batch_count, item.missing_count
            recording.last_sha256, recording.closed = item.last_sha256, item.closed

    def finish(self, has_account):
        """Batches may be missing only where a collector, or an import, kept account of what it took."""
        if self.first_gap and not any(recording.is_account for recording in self.by_id.values()) and not has_account:
            raise self.first_gap

    @property
    def lost_count(self):
        return sum(recording.lost_count for recording in self.by_id.values())

    @property
    def missing_count(self):
        return sum(recording.missing_count for recording in self.by_id.values())
