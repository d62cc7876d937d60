# SPDX-License-Identifier: Apache-2.0
"""What a log says of its own removed beginning, for tools/verify.py (docs/formats/evidence.md, Removed ranges):
how recordings and chains stood there."""
from verify_batches import CARRIED, Unverified, number_at

HEAD_BYTES, RECORDING_BYTES, CHAIN_BYTES = 8, 96, 64
RECORDING, CHAIN = 1, 2
CLOSED, IS_ACCOUNT = 1, 2


class CarriedRecording:
    def __init__(self, flags, fixed, first_batch):
        self.first_batch = first_batch  # as it was logged: its description; nothing when it was too large, or an account's
        self.recording = fixed[:16].hex()
        self.batch_count, self.missing_count = number_at(fixed, 32, 8), number_at(fixed, 40, 8)
        self.last_wall_ns = int.from_bytes(fixed[56:64], "little", signed=True)
        self.last_sha256 = fixed[64:96]
        self.is_account, self.closed = bool(flags & IS_ACCOUNT), bool(flags & CLOSED)


class CarriedChain:
    def __init__(self, flags, fixed, name, blob):
        self.chain = fixed[:16].hex()
        self.next_sequence, self.last_sha256 = number_at(fixed, 16, 8), fixed[32:64]
        self.sensor, self.open_frame = name.decode("utf-8", "replace"), blob
        self.closed = bool(flags & CLOSED)


class Carried:
    """The items of these batches, in order."""

    def __init__(self, batches):
        self.recordings, self.chains = [], []
        for batch in batches:
            if batch.kind != CARRIED:
                raise Unverified(f"entry {batch.number}: holds no carried state, though the retention entry says so")
            payload = batch.payload()
            while payload:
                size = number_at(payload, 0, 4)
                if not HEAD_BYTES <= size <= len(payload) or not self.add(payload[:size]):
                    raise Unverified(f"entry {batch.number}: its carried state does not add up")
                payload = payload[size:]

    def add(self, item):
        kind, flags, name_bytes = item[4], item[5], number_at(item, 6, 2)
        fixed_bytes = {RECORDING: RECORDING_BYTES, CHAIN: CHAIN_BYTES}.get(kind)
        if fixed_bytes is None or len(item) < HEAD_BYTES + fixed_bytes + name_bytes:
            return False
        fixed, rest = item[HEAD_BYTES:HEAD_BYTES + fixed_bytes], item[HEAD_BYTES + fixed_bytes:]
        if kind == RECORDING:
            self.recordings.append(CarriedRecording(flags, fixed, rest[name_bytes:]))
        else:
            self.chains.append(CarriedChain(flags, fixed, rest[:name_bytes], rest[name_bytes:]))
        return True
