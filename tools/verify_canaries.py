# SPDX-License-Identifier: Apache-2.0
"""What tools/verify.py says of canaries (docs/formats/sealing.md, Canaries): with the escrow key it looks whether the
calls that the sensor of each chain has made at times and with names that follow from the chain's first key are in the
record."""
import json
import re
import struct

import verify_ciphers as ciphers
from verify_batches import CLOSE, OPEN, RECORDS, USER_SPACE_CPU, number_at, split_chunks, split_records

FOLDER = b"/run/spoor-canary/"
GRACE_NS, END_GRACE_NS = 10 * 10**9, 10**9
INTERVAL_MS = range(200, 3_600_001)
DRAWS_OF_CHAIN, DRAWS_OF_BATCH = 1 << 20, 16
# By kind of record: bytes of its body, where in it the tail of the path is, and the call.
CALLS = {5: (184, 104, 1), 11: (176, 168, 2), 2: (208, 160, 4)}
CALL_NAMES = {1: "open", 2: "connect", 4: "exec"}
ALL_CALLS = sum(CALL_NAMES)


def interval_ns(description):
    """How far apart the canaries are that a recording's description promises; 0: none."""
    try:
        policy = json.loads(description.decode()).get("policy")
        value = policy.get("canary_interval_ms")
    except (ValueError, RecursionError, AttributeError):
        return 0
    return value * 10**6 if type(value) is int and value in INTERVAL_MS else 0  # a bool is an int, too


def sightings(payload):
    """(token, call, boot_ns) of what may be canaries."""
    if FOLDER not in payload:
        return
    for _, _, cpu, _, records in split_chunks(payload):
        for record in split_records(records) if cpu != USER_SPACE_CPU else ():
            body_bytes, at, call = CALLS.get(number_at(record, 46, 2), (0, 0, 0))
            if not call or len(record) < body_bytes:
                continue
            offset, length = struct.unpack_from("<HH", record, at)
            path = bytes(record[offset:offset + length]).split(b"\0")[0]
            if offset + length <= len(record) and path.startswith(FOLDER) \
                    and re.fullmatch(rb"[0-9a-f]{32}", path[len(FOLDER):]):
                yield path[len(FOLDER):].decode(), call, number_at(record, 0, 8)


class Watched:
    """A recording whose sensor makes canaries, as far as it was read."""

    def __init__(self, description, carried=False):
        self.interval_ns = interval_ns(description)
        self.asked_from, self.carried = 0, carried
        self.batch_count = self.boot_ns = self.asked_until = 0
        self.seen = {}  # token -> calls, and the latest of them

    def add(self, batch):
        if self.carried:
            self.asked_from, self.carried = batch.boot_ns, False
        self.batch_count += 1
        self.boot_ns = max(self.boot_ns, batch.boot_ns)
        grace_ns = END_GRACE_NS if batch.kind == CLOSE else GRACE_NS
        self.asked_until = max(self.asked_until, min(batch.complete_until_boot_ns, batch.boot_ns) - grace_ns)
        for token, call, boot_ns in sightings(batch.payload()) if batch.kind == RECORDS else ():
            calls, last = self.seen.get(token, (0, 0))
            self.seen[token] = calls | call, max(last, boot_ns)

    def canaries(self, first_key, opened_boot_ns):
        """(number, token, when it is due) of each until the last batch, then None where there are too many."""
        key = ciphers.hmac_sha256(first_key, b"spoor seal canary v1\x01")
        due, number = opened_boot_ns, 0
        for number in range(DRAWS_OF_CHAIN + DRAWS_OF_BATCH * self.batch_count):
            drawn = ciphers.hmac_sha256(key, struct.pack("<Q", number))
            due += self.interval_ns // 2 + number_at(drawn, 16, 8) % self.interval_ns
            if due > self.boot_ns:
                return
            yield number, drawn[:16].hex(), due
        yield None


class Canaries:
    def __init__(self):
        self.recordings = {}
        self.chain_count = self.recorded_count = self.late_count = self.missed_count = self.left_chain_count = 0

    @property
    def due_count(self):
        return self.recorded_count + self.late_count + self.missed_count

    def go_on(self, first_batch):
        """Of a recording whose beginning was removed."""
        self.keep(first_batch.recording, Watched(first_batch.payload(), carried=True))

    def keep(self, recording, watched):
        if watched.interval_ns:
            self.recordings.setdefault(recording, watched)

    def read(self, batch):
        if batch.kind == OPEN:
            self.keep(batch.recording, Watched(batch.payload()))
        if batch.recording in self.recordings:
            self.recordings[batch.recording].add(batch)

    def judge(self, first_keys):
        """`first_keys`: of each chain its first key and when it was opened. Its recording goes by its id."""
        for recording, (first_key, opened_boot_ns) in first_keys.items():
            watched = self.recordings.get(recording)
            if watched is None:
                continue
            self.chain_count += 1
            for canary in watched.canaries(first_key, opened_boot_ns):
                if canary is None:
                    self.left_chain_count += 1
                    break
                _, token, due = canary
                calls, last = watched.seen.get(token, (0, 0))
                if due < watched.asked_from:
                    continue
                if calls == ALL_CALLS:
                    late = last > due + GRACE_NS
                    self.late_count += late
                    self.recorded_count += not late
                elif due <= watched.asked_until:
                    self.missed_count += 1
