# SPDX-License-Identifier: Apache-2.0
"""What tools/verify.py checks of a collector's account (docs/formats/sealing.md): that the frames of
each chain follow each other, that each accepted one is an entry that no other is and, with the escrow
key, that the sensor's MAC is on it."""
import functools
import hashlib
import hmac
import json
import os
import re
import subprocess
import tempfile

import verify_ciphers as ciphers
from verify_batches import OPEN as RECORDING_OPEN
from verify_batches import Unverified, number_at

HEADER_BYTES, TAG_BYTES, FRAME_BYTES_MAX = 120, 16, 65783
OPENED, ACCEPTED, GAP, CLOSED, MISSING, REFUSED = range(1, 7)
FRAME_KIND = {OPENED: 1, ACCEPTED: 2, GAP: 3, CLOSED: 4}
KEY_TREE_HEIGHT = 40
CHAIN_FRAMES_MAX = 1 << KEY_TREE_HEIGHT
DEPTH_MAX = 16
WAITING_BYTES_MAX = 32 << 20


class Record:
    """One line of the account."""

    def __init__(self, data):
        sensor_end = 24 + data[5]
        head_end = sensor_end + number_at(data, 6, 2)
        self.verdict, self.entry = data[4], number_at(data, 8, 8)
        self.sensor = data[24:sensor_end].decode("utf-8", "replace")
        self.head, self.note = data[sensor_end:head_end], data[head_end:]
        self.fits = head_end <= len(data) and OPENED <= self.verdict <= REFUSED


def split_records(payload):
    while payload:
        size = number_at(payload, 0, 4)
        record = Record(payload[:size]) if 24 <= size <= len(payload) else None
        if record is None or not record.fits:
            raise Unverified("a record of the account does not add up")
        yield record
        payload = payload[size:]


class Frame:
    """A frame's header."""

    def __init__(self, head):
        self.header = head[:HEADER_BYTES]
        self.kind, self.size_bytes = number_at(head, 10, 2), number_at(head, 12, 4)
        self.chain, self.sequence = head[16:32].hex(), number_at(head, 32, 8)
        self.previous_sha256, self.mac = head[56:88], head[88:120]
        if len(head) < HEADER_BYTES or head[:8] != b"SPOORSEA" or number_at(head, 8, 2) != 3 \
                or self.kind not in FRAME_KIND.values() \
                or not HEADER_BYTES + TAG_BYTES <= self.size_bytes <= FRAME_BYTES_MAX:
            raise Unverified("a record of the account has no frame's header")
        self.sha256 = hashlib.sha256(self.header).digest()

    def has_mac(self, key, content):
        mac_key = ciphers.hmac_sha256(key, b"spoor seal mac v1\x01")
        return hmac.compare_digest(self.mac, ciphers.hmac_sha256(mac_key, self.header[:88] + hashlib.sha256(content).digest()))


def depth_of(value):
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return 1 + max(map(depth_of, inner), default=0) if isinstance(value, (dict, list)) else 0


class Statement:
    """What a sensor signed when it opened a chain: an open frame's description, or Unverified."""

    def __init__(self, note, sensor):
        try:
            description = json.loads(note.decode())
        except (ValueError, RecursionError):
            raise Unverified("the chain's description is no JSON object, or too deep") from None
        if not isinstance(description, dict) or depth_of(description) > DEPTH_MAX:
            raise Unverified("the chain's description is no JSON object, or too deep")
        member = {name: value for name, value in description.items() if isinstance(value, str)}
        if member.get("sensor") != sensor:
            raise Unverified("the chain was opened in the name of another sensor")
        self.sensor, self.first_key_tag = sensor, member.get("first_key_tag", "")
        self.certificate = member.get("certificate", "")
        self.names = [member.get(name, "") for name in ("host", "boot_id")]
        if member.get("interface"):
            self.names.append(member["interface"])
        signature = member.get("signature", "")
        self.signature = bytes.fromhex(signature) if re.fullmatch(r"([0-9a-f]{2}){1,256}", signature) else b""

    def check(self, chain, authority):
        """Its certificate and signature; with `authority` (PEM) also who issued the certificate."""
        serial, key = read_certificate(self.certificate, self.sensor)
        lines = ["spoor seal open v1", chain, self.first_key_tag, self.sensor, serial, *self.names]
        if any(ord(c) < 0x20 for line in lines for c in line) \
                or not is_signed(key, "".join(f"{line}\n" for line in lines).encode(), self.signature):
            raise Unverified(f"the chain's opening is not signed by {self.sensor}")
        if chain != hashlib.sha256(f"spoor chain v1\n{self.sensor}\n{self.first_key_tag}\n".encode()).hexdigest()[:32]:
            raise Unverified(f"the chain's id is not that of {self.sensor} and its first key")
        if authority and not is_issued(self.certificate, authority):
            raise Unverified(f"the chain's certificate of {self.sensor} was not issued by this authority")


def openssl(*words, **files):
    """Runs openssl with these texts as files; their names take the place of their keys."""
    with tempfile.TemporaryDirectory() as folder:
        for name, data in files.items():
            with open(os.path.join(folder, name), "wb") as file:
                file.write(data if isinstance(data, bytes) else data.encode())
        done = subprocess.run(["openssl", *(os.path.join(folder, word) if word in files else word for word in words)],
                              capture_output=True, check=False)
    return done.stdout.decode(errors="replace") if done.returncode == 0 else None


@functools.lru_cache
def read_certificate(pem, sensor):
    """Serial number (lower-case hexadecimal) and public key (PEM) of a certificate that is this sensor's."""
    printed = openssl("x509", "-in", "certificate", "-noout", "-serial", "-subject", "-nameopt", "RFC2253", "-pubkey",
                      certificate=pem) or ""
    serial = re.search(r"^serial=([0-9A-F]+)$", printed, re.M)
    key = re.search(r"^-----BEGIN PUBLIC KEY-----$.*^-----END PUBLIC KEY-----$", printed, re.M | re.S)
    if not serial or not key or f"subject=CN={sensor},OU=sensor,O=Spoor" not in printed.splitlines():
        raise Unverified(f"the chain has no certificate of the sensor {sensor}")
    return serial[1].lower(), key[0] + "\n"


@functools.lru_cache
def is_signed(key, text, signature):
    return openssl("dgst", "-sha256", "-verify", "key", "-signature", "signature", "text", key=key, signature=signature,
                   text=text) is not None


@functools.lru_cache
def is_issued(certificate, authority):
    """By the authority's key; when, and whether it was revoked since, is not asked."""
    return openssl("verify", "-no_check_time", "-CAfile", "root", "certificate", root=authority,
                   certificate=certificate) is not None


def hosts_of(description):
    """The hosts that a recording's description names."""
    try:
        described = json.loads(description.decode())
    except (ValueError, RecursionError):
        return set()
    scopes = described.get("scopes") if isinstance(described, dict) else None
    parts = [described, *(scopes if isinstance(scopes, list) else [])]
    return {part["host"] for part in parts if isinstance(part, dict) and isinstance(part.get("host"), str)}


class ChainKeys:
    """The keys of a chain's frames from one on: leaves of a tree whose root is the chain's first key."""

    def __init__(self, first_key):
        self.coming = [(first_key, 0, KEY_TREE_HEIGHT)]  # subtrees (root, first leaf, height), the nearest last

    def key_of(self, sequence):
        """Not before the one that was asked for last."""
        if not self.coming[-1][1] <= sequence < CHAIN_FRAMES_MAX:
            raise Unverified(f"the key of frame {sequence} is not to be had")
        while sequence - self.coming[-1][1] >> self.coming[-1][2]:
            self.coming.pop()
        while self.coming[-1][2]:
            root, first, height = self.coming.pop()
            middle = first + (1 << height - 1)
            self.coming.append((ciphers.hmac_sha256(root, b"spoor seal right v1\x01"), middle, height - 1))
            if sequence < middle:
                self.coming.append((ciphers.hmac_sha256(root, b"spoor seal left v1\x01"), first, height - 1))
        return self.coming[-1][0]


class Chain:
    def __init__(self, sensor, frame, key):
        self.sensor, self.keys = sensor, key and ChainKeys(key)
        self.next_sequence, self.last_sha256 = 1, frame and frame.sha256
        self.closed = False


class Seals:
    """Follows the account through the log. `escrow`: raw X25519 private key, or None; `authority`: its
    certificate in PEM, or None."""

    def __init__(self, escrow=None, authority=None):
        self.escrow, self.authority = escrow, authority
        self.has_account = False
        self.chains = {}
        self.first_keys = {}      # with the escrow key: of each chain the first key and when it was opened
        self.waiting = {}         # entries that no record names yet, in their order
        self.waiting_bytes = self.unsealed_count = 0
        self.hosts = {}           # by name: the sensors whose recordings say that they are of it
        self.first_unsealed = {}  # recording -> its first batch without a seal
        self.removed_until = 0
        self.sealed_count = self.mac_count = self.missing_count = self.gap_count = self.refused_count = 0

    @property
    def shared_hosts(self):
        return {host: sorted(sensors) for host, sensors in self.hosts.items() if len(sensors) > 1}

    def go_on(self, carried, removed_until):
        """Before the first entry of a log whose beginning was removed: verify_retention.CarriedChain."""
        self.removed_until = removed_until
        for item in carried:
            self.has_account = True
            chain = self.chains[item.chain] = Chain(item.sensor, None, None)
            chain.next_sequence, chain.last_sha256, chain.closed = item.next_sequence, item.last_sha256, item.closed
            if self.escrow and not item.closed:
                clear = self.unlock(item.open_frame, f"chain {item.chain}")
                key = clear[:32]
                self.check_statement(clear[32:], item.sensor, item.chain, key)
                self.first_keys[item.chain] = key, number_at(item.open_frame, 40, 8)
                chain.keys = ChainKeys(key)

    def add_entry(self, batch):
        self.waiting[batch.number] = batch
        self.waiting_bytes += len(batch.entry)
        while self.waiting_bytes > WAITING_BYTES_MAX:
            self.leave_unsealed(next(iter(self.waiting)))

    def leave_unsealed(self, number):
        batch = self.waiting.pop(number)
        self.waiting_bytes -= len(batch.entry)
        self.unsealed_count += 1
        self.first_unsealed.setdefault(batch.recording, (batch.number, batch.index))

    def add_account(self, batch):
        self.has_account = True
        try:
            for record in split_records(batch.payload()):
                self.add_record(record)
        except Unverified as error:
            raise Unverified(f"entry {batch.number}: {error}") from None

    def finish(self):
        for number in list(self.waiting):
            self.leave_unsealed(number)
        for recording, (number, index) in self.first_unsealed.items():
            if recording in self.chains:
                raise Unverified(f"entry {number}: batch {index} of recording {recording} has no seal, "
                                 "unlike others of it")

    def add_record(self, record):
        if record.verdict == REFUSED:
            self.refused_count += 1
            return
        frame = Frame(record.head)
        if record.verdict == OPENED:
            self.open(record, frame)
            return
        chain = self.chains.get(frame.chain)
        if chain is None or chain.sensor != record.sensor:
            raise Unverified(f"chain {frame.chain} of {record.sensor} was never opened")
        where = f"chain {frame.chain}: frame {frame.sequence}"
        if frame.sequence < chain.next_sequence:
            raise Unverified(f"{where} comes again")
        if chain.closed:
            raise Unverified(f"{where} follows the chain's end")
        if record.verdict == MISSING:
            self.skip(chain, frame, where)
            return
        if frame.sequence != chain.next_sequence or frame.previous_sha256 != chain.last_sha256:
            raise Unverified(f"{where} does not follow frame {chain.next_sequence - 1}")
        if frame.kind != FRAME_KIND[record.verdict]:
            raise Unverified(f"{where} is not of the kind that the account says")
        self.check_content(chain, frame, record, where)
        chain.next_sequence, chain.last_sha256 = frame.sequence + 1, frame.sha256
        chain.closed = record.verdict == CLOSED

    def skip(self, chain, frame, where):
        if frame.sequence >= CHAIN_FRAMES_MAX:
            raise Unverified(f"{where} would leave a gap of more frames than there can be")
        self.missing_count += frame.sequence - chain.next_sequence
        chain.next_sequence, chain.last_sha256 = frame.sequence, frame.previous_sha256

    def open(self, record, frame):
        where = f"chain {frame.chain}"
        if frame.chain in self.chains:
            raise Unverified(f"{where} is opened again")
        if frame.kind != FRAME_KIND[OPENED] or frame.sequence != 0 or frame.previous_sha256 != bytes(32) \
                or frame.size_bytes != len(record.head) or record.head[-TAG_BYTES:] != bytes(TAG_BYTES):
            raise Unverified(f"{where}: frame {frame.sequence} does not open a chain")
        key = self.first_key(record, frame, where) if self.escrow else None
        self.check_statement(record.note, record.sensor, frame.chain, key)
        if key:
            self.first_keys[frame.chain] = key, number_at(record.head, 40, 8)
        self.chains[frame.chain] = Chain(record.sensor, frame, key)

    def check_statement(self, description, sensor, chain, key):
        """What the sensor signed when it opened the chain; `key`: the first one, or None."""
        try:
            statement = Statement(description, sensor)
            if key and statement.first_key_tag != ciphers.hmac_sha256(key, b"spoor seal tag v1\x01").hex():
                raise Unverified("the chain's first key is not the one that was signed")
            statement.check(chain, self.authority)
        except Unverified as error:
            raise Unverified(f"chain {chain} of {sensor}: {error}") from None

    def unlock(self, head, where):
        """The first key and the description behind it."""
        content = head[HEADER_BYTES:-TAG_BYTES]
        ephemeral = content[:32]
        secret = ciphers.x25519(self.escrow, ephemeral)
        lock = ciphers.hmac_sha256(secret, b"spoor seal escrow v1" + ephemeral + ciphers.x25519_public(self.escrow)
                                   + head[16:32] + b"\x01")
        clear = ciphers.gcm_decrypt(lock, ephemeral, content[32:])
        if clear is None:
            raise Unverified(f"{where}: its first key is not locked for this escrow key")
        return clear

    def first_key(self, record, frame, where):
        content = record.head[HEADER_BYTES:-TAG_BYTES]
        clear = self.unlock(record.head, where)
        if not frame.has_mac(ChainKeys(clear[:32]).key_of(0), content) or clear[32:] != record.note:
            raise Unverified(f"{where}: the sensor's seal on frame 0 does not belong to what is stored")
        return clear[:32]

    def check_content(self, chain, frame, record, where):
        content = record.note
        if record.verdict == ACCEPTED and record.entry < self.removed_until:
            return  # the account of the last removed entries may stand behind them
        if record.verdict == ACCEPTED:
            batch = self.waiting.pop(record.entry, None)
            if batch is None:
                raise Unverified(f"{where} is said to be entry {record.entry}, which is not there or has a seal")
            if batch.recording != frame.chain:
                raise Unverified(f"{where} is entry {record.entry}, of a recording of another chain")
            if batch.kind == RECORDING_OPEN:
                for host in hosts_of(batch.payload()):
                    self.hosts.setdefault(host, set()).add(record.sensor)
            content = batch.entry
            self.waiting_bytes -= len(content)
            self.sealed_count += 1
        if frame.size_bytes != HEADER_BYTES + len(content) + TAG_BYTES:
            raise Unverified(f"{where} had another size than what is stored")
        if record.verdict == GAP:
            self.gap_count += 1
        if chain.keys:
            if not frame.has_mac(chain.keys.key_of(frame.sequence), content):
                raise Unverified(f"{where}: the sensor's seal does not belong to what is stored")
            self.mac_count += record.verdict == ACCEPTED
