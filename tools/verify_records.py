# SPDX-License-Identifier: Apache-2.0
"""Which events the records of a sensor become (docs/formats/batch.md, docs/formats/store.md), as far as
tools/verify_tables.py must know them to count rows."""
import struct

from verify_batches import IMPORT_DATA, LOSS, LOSS_BYTES, LOSS_COUNTERS, OPEN, RECORDS, USER_SPACE_CPU, number_at, \
    split_chunks, split_records

MASK = (1 << 64) - 1
INT64_MAX = (1 << 63) - 1
POSSIBLE_MAX = (1 << 62) - 1  # of times and counts
HEADER = struct.Struct("<QQqIIIIIHHHHI")
OBJECT = struct.Struct("<QIIIHBB")
CREDENTIALS = struct.Struct("<8I3QI")
TAIL = struct.Struct("<HHH")
CPUS_MAX, READINGS_PER_BATCH_MAX = 65536, 256
HELD_BYTES_MAX, HELD_RECORD_BYTES = 64 << 20, 56  # waiting for their turn: the record, and this for each
FORK, EXEC, EXIT, CREDENTIAL, OPENED, CLOSED, DUP, IO, PATH, PAIR, SOCKET, TERMINAL, TRANSFER, SIGNAL, PROCESS = range(1, 16)
SESSION, NAME = 17, 18
# kind: (bytes of the body with header, offsets of objects, offsets of tails that are read whatever else is there)
BODIES = {FORK: (112, (), ()), EXEC: (208, (56,), (152, 160, 168, 176, 184)), EXIT: (64, (), ()),
          CREDENTIAL: (120, (), ()), OPENED: (184, (56,), (96, 104, 112)), CLOSED: (96, (56,), ()), DUP: (96, (56,), ()),
          IO: (168, (56,), ()), PATH: (136, (56,), (96, 104, 112, 120, 128)), PAIR: (120, (56, 80), ()),
          SOCKET: (176, (56,), (168,)), TERMINAL: (96, (56,), ()), TRANSFER: (112, (56, 80), ()), SIGNAL: (72, (), ()),
          PROCESS: (208, (72,), (168, 176, 184)), SESSION: (64, (), ()), NAME: (72, (), ())}
# By number; as docs/formats/events.md calls them.
OBJECT_TYPES = (None, "file", "directory", "symlink", "character_device", "block_device", "pipe", "socket", "pty",
                "anonymous", "tty")
OBJECT_FILE, OBJECT_PIPE, OBJECT_SOCKET, OBJECT_FLAG_UNLINKED, OBJECT_FLAG_MEMFD = 1, 6, 7, 2, 4
PATH_CALLS = {16, 132, 165, 166, 188, 189, 190, 197, 198, 199, 235, 261, 280, 429, 463, 466, 76, 77, 80, 81, 82, 83, 84, 86, 87, 88, 90, 91, 92, 93, 94, 133, 161, 258, 259, 260, 263, 264, 265, 266, 268,
              316, 452}
SOCKET_CALLS = {41: "socket", 42: "connect", 43: "accept", 48: "shutdown", 49: "bind", 50: "listen", 288: "accept"}
MESSAGE_CALLS = {44, 45, 46, 47, 299, 307}
RENAME_CALLS = {82, 264, 316}
SETSID = 112
FLAG_BASELINE, FLAG_THREAD, FLAG_PAYLOAD_LEFT_OUT, FLAG_NAMED = 1, 2, 16, 32
NAMED_PATH_BYTES = 144
IO_FLAG_PEEK = 1
TAIL_WHOLE, TAIL_TRUNCATED, TAIL_SHED = 1, 2, 4
TERMINAL_KNOWN = 4
AF_INET, AF_INET6, IPPROTO_TCP, TCP_LISTEN = 2, 10, 6, 10
PLAIN = {EXIT: "exit", CREDENTIAL: "credential_change", CLOSED: "close", DUP: "dup", TERMINAL: "window_size",
         SIGNAL: "signal", EXEC: "exec", NAME: "set_name", PROCESS: "process", FORK: "fork"}


class Malformed(Exception):
    """A record that does not add up: it becomes no event."""


class Event:
    """What an event brings for the number of rows. An object is (type, device, inode, generation); None: it is not
    said, and what it is follows from what came before."""
    host = boot_id = ""
    process = (0, 0)  # pid, start_boot_ns
    tid = uid = euid = result = size_bytes = wall_ns = 0
    baseline = captured = has_both_ends = listens = is_tcp = unlinked = False
    object = other = path = child = parent = credentials = None
    loss_count = None  # of a loss
    is_possible = True  # its numbers are in their range

    def __init__(self, kind):
        self.kind = kind

    def check_numbers(self, *others):
        """Sets is_possible. `others`: numbers of the event that have an upper bound and are no members here."""
        starts = (who[1] for who in (self.process, self.parent, self.child) if who)
        self.is_possible = -POSSIBLE_MAX - 1 <= self.wall_ns <= POSSIBLE_MAX and self.result >= -POSSIBLE_MAX \
            and max(self.size_bytes, self.loss_count or 0, *starts, *others) <= POSSIBLE_MAX


def object_at(record, at):
    inode, device, generation, _, _, kind, flags = OBJECT.unpack_from(record, at)
    if kind >= len(OBJECT_TYPES):
        raise Malformed
    if kind == 0:
        return None
    memfd = kind == OBJECT_FILE and flags & OBJECT_FLAG_MEMFD
    return "memfd" if memfd else OBJECT_TYPES[kind], device, inode, generation


def tail_at(record, at, body_bytes):
    """(bytes, status) that a tail points at."""
    offset, length, status = TAIL.unpack_from(record, at)
    if length and (offset < body_bytes or offset + length > len(record)):
        raise Malformed
    return record[offset:offset + length] if length else b"", status


def set_socket(event, record, at):
    """Whether both ends of an internet connection are known."""
    family, = struct.unpack_from("<H", record, at + 12)
    local_port, remote_port = struct.unpack_from("<HH", record, at + 18)
    event.is_tcp = number_at(record, at + 16, 2) == IPPROTO_TCP
    event.has_both_ends = family in (AF_INET, AF_INET6) and remote_port != 0 \
        and (local_port != 0 or any(record[at + 24:at + 40]))
    event.listens = event.kind == "descriptor" and record[at + 22] == TCP_LISTEN


def events_of(record, header, host, boot_id, wall_minus_boot_ns):
    """The events of a record (as taken by split, no LOSS)."""
    boot_ns, start, result, pid, tid, uid, euid, flags, _, kind, syscall_nr, _, _ = header
    if kind not in BODIES:
        raise Malformed
    body_bytes, objects, tails = BODIES[kind]
    if len(record) < body_bytes:
        raise Malformed
    if kind == FORK and flags & FLAG_THREAD or kind == SESSION and syscall_nr != SETSID:
        return ()
    if kind == PATH and syscall_nr not in PATH_CALLS or kind == SOCKET and syscall_nr not in SOCKET_CALLS:
        raise Malformed
    baseline = bool(flags & FLAG_BASELINE)
    event = Event(PLAIN.get(kind, ""))
    event.host, event.boot_id, event.process, event.tid = host, boot_id, (pid, start), tid
    event.uid, event.euid, event.result, event.baseline = uid, euid, result, baseline
    event.wall_ns = boot_ns + wall_minus_boot_ns
    if objects:
        event.object = object_at(record, objects[0])
        event.unlinked = record[objects[0] + 22] == OBJECT_FILE and bool(record[objects[0] + 23] & OBJECT_FLAG_UNLINKED)
    if kind == PATH and flags & FLAG_NAMED:
        body_bytes, tails = NAMED_PATH_BYTES, (*tails, 136)
        if len(record) < body_bytes:
            raise Malformed
    texts = [tail_at(record, at, body_bytes)[0] for at in tails]
    offset_bytes = 0
    if kind == IO:
        read_io(event, record, syscall_nr)
        offset_bytes, = struct.unpack_from("<q", record, 80)
    elif kind == OPENED:
        event.kind = "descriptor" if baseline else "open"
        set_path(event, texts[0])
        if number_at(record, 132, 2) != 0:
            tail_at(record, 176, body_bytes)
            set_socket(event, record, 120)
    elif kind == EXEC:
        set_path(event, texts[0])
        event.credentials = CREDENTIALS.unpack_from(record, 80) if result >= 0 else None
    elif kind == PROCESS:
        event.baseline = True
        event.credentials = CREDENTIALS.unpack_from(record, 96)
        set_path(event, texts[0])
        parent = number_at(record, 64, 4)
        event.parent = (parent, number_at(record, 56, 8)) if parent else None
    elif kind == CREDENTIAL:
        event.credentials = CREDENTIALS.unpack_from(record, 56)
    elif kind == FORK:
        event.child = number_at(record, 72, 4), number_at(record, 56, 8)
        parent = number_at(record, 80, 4)
        event.parent = (parent, number_at(record, 64, 8)) if parent else None
    elif kind == SIGNAL:
        target = number_at(record, 56, 8)
        event.child = (number_at(record, 64, 4), target) if target else None
    elif kind == PATH:
        event.kind = "rename" if syscall_nr in RENAME_CALLS else "path"
    elif kind == PAIR:
        event.other = object_at(record, 80)
        event.kind = "socketpair" if record[78] == OBJECT_SOCKET or syscall_nr == 53 else "pipe"
    elif kind == SOCKET:
        event.kind = SOCKET_CALLS[syscall_nr]
        if event.kind == "accept":
            event.other = object_at(record, 80)
        set_socket(event, record, 112)
        event.listens = event.kind == "listen"
    elif kind == SESSION:
        event.kind = "setsid"
    elif kind == TRANSFER:
        event.kind, event.size_bytes = "read", max(result, 0)
    event.check_numbers(offset_bytes)
    if kind != TRANSFER:
        return (event,)
    write = Event("write")
    write.__dict__.update(event.__dict__, kind="write", object=object_at(record, 80))
    if flags & FLAG_PAYLOAD_LEFT_OUT:
        event.captured = record[78] in (OBJECT_PIPE, OBJECT_SOCKET)
        write.captured = event.captured or record[102] in (OBJECT_FILE, OBJECT_PIPE, OBJECT_SOCKET)
    return event, write


def read_io(event, record, syscall_nr):
    direction, has_socket = record[92], record[93]
    if direction not in (1, 2):
        raise Malformed
    event.kind = (("recv", "send") if syscall_nr in MESSAGE_CALLS else ("read", "write"))[direction - 1]
    event.size_bytes = 0 if record[94] & IO_FLAG_PEEK else max(event.result, 0)
    status = number_at(record, 108, 2)
    if status in (TAIL_WHOLE, TAIL_TRUNCATED):
        tail_at(record, 104, 168)
    event.captured = status in (TAIL_WHOLE, TAIL_TRUNCATED, TAIL_SHED) or bool(number_at(record, 100, 2) & TERMINAL_KNOWN)
    if has_socket:
        set_socket(event, record, 112)


def set_path(event, text):
    """The kernel's own, where it is there: others take more to know."""
    event.path = bytes(text).split(b"\0", 1)[0] or None


class Decoder:
    """Batches of one recording of a sensor to events, in the order in which they are ingested."""

    def __init__(self, sink):
        self.sink = sink  # called with each Event
        self.hosts = None  # of the description, as it has them; None: it was not read
        self.boot_id = ""
        self.complete_until = self.next_index = self.boot_ns_max = self.wall_minus_boot_ns = 0
        self.held, self.held_bytes, self.taken = [], 0, 0
        self.next_sequence = {}  # by cpu
        self.counted = (0,) * 7
        self.sequence_missing = self.sequence_reported = self.readings = 0
        self.malformed = False

    def open(self, description):
        """`description`: dict, or None when it is none."""
        scopes = (description or {}).get("scopes")
        if not isinstance(scopes, list) or not 1 <= len(scopes) <= 64:
            return
        hosts = [scope.get("host") if isinstance(scope, dict) else None for scope in scopes]
        if all(isinstance(host, str) and 0 < len(host.encode()) <= 255 for host in hosts):
            self.hosts = hosts
            boot_id = description.get("boot_id")
            self.boot_id = boot_id if isinstance(boot_id, str) else ""

    def feed(self, batch, payload, description):
        """False: it cannot be understood. `description`: of an OPEN batch."""
        if batch.kind == IMPORT_DATA or max(batch.boot_ns, batch.complete_until_boot_ns) > POSSIBLE_MAX:
            return False
        if self.hosts is None:
            if batch.kind == OPEN:
                self.open(description)
            if self.hosts is None:
                return False
        self.boot_ns_max = max(self.boot_ns_max, batch.boot_ns)
        self.wall_minus_boot_ns = batch.wall_ns - batch.boot_ns
        if batch.index > self.next_index:
            self.lose(batch.index - self.next_index)
        self.next_index = batch.index + 1
        if batch.kind == RECORDS:
            self.take_apart(batch, payload)
        self.complete_until = max(self.complete_until, batch.complete_until_boot_ns)
        self.held.sort()
        self.emit(self.complete_until)
        if self.held_bytes + HELD_RECORD_BYTES * len(self.held) > HELD_BYTES_MAX:
            self.lose()
            self.emit(None)
        self.hold()
        self.report_malformed()
        return True

    def finish(self):
        self.held.sort()
        self.emit(None)
        self.report_unexplained()
        self.report_malformed()

    def take_apart(self, batch, payload):
        self.readings = end = 0
        for end, first, cpu, count, records in split_chunks(payload):
            self.take_chunk(batch, records, first, cpu, count)
        self.malformed = self.malformed or end != len(payload)

    def take_chunk(self, batch, records, first, cpu, count):
        if cpu != USER_SPACE_CPU:
            if len(self.next_sequence) >= CPUS_MAX and cpu not in self.next_sequence:
                self.malformed = True
                return
            due = self.next_sequence.get(cpu, 0)
            self.sequence_missing += max(first - due, 0)
            self.malformed = self.malformed or first < due
            self.next_sequence[cpu] = first + count & MASK
        rest, found = len(records), 0
        wall_minus_boot_ns = batch.wall_ns - batch.boot_ns
        for record in split_records(records):
            header = HEADER.unpack_from(record)
            self.readings += header[9] == LOSS
            if header[0] > batch.boot_ns or header[9] == LOSS and self.readings > READINGS_PER_BATCH_MAX:
                self.malformed = True
            else:
                self.taken += 1
                self.held_bytes += len(record)
                self.held.append((header[0], cpu, first + found & MASK, self.taken, header, record, wall_minus_boot_ns))
            rest -= len(record)
            found += 1
        if rest or found != count:
            self.malformed = True

    def emit(self, until):
        """Those held (sorted) with a boot_ns below `until`; None: all."""
        done = 0
        for boot_ns, _, _, _, header, record, wall_minus_boot_ns in self.held:
            if until is not None and boot_ns >= until:
                break
            done += 1
            self.held_bytes -= len(record)
            if header[9] == LOSS:
                self.read_counters(record, wall_minus_boot_ns)
                continue
            try:
                if header[11] >= len(self.hosts):
                    raise Malformed
                for event in events_of(record, header, self.hosts[header[11]], self.boot_id, wall_minus_boot_ns):
                    self.sink(event)
            except Malformed:
                self.malformed = True
        del self.held[:done]

    def hold(self):
        """A few bytes must not keep whole payloads."""
        self.held = [(*item[:5], bytes(item[5]), item[6]) for item in self.held]

    def read_counters(self, record, wall_minus_boot_ns):
        if len(record) < LOSS_BYTES:
            self.malformed = True
            return
        counts = LOSS_COUNTERS.unpack_from(record, HEADER.size)
        if any(now < before for now, before in zip(counts, self.counted)):
            self.malformed = True
            return
        self.wall_minus_boot_ns = wall_minus_boot_ns
        for now, before in zip(counts, self.counted):
            if now != before:
                self.lose(now - before)
        self.counted = counts
        self.report_unexplained()

    def report_unexplained(self):
        explained = min(self.sequence_reported + sum(self.counted[:5]), MASK)
        missing = min(self.sequence_missing, MASK)
        if missing > explained:
            self.sequence_reported += missing - explained
            self.lose(missing - explained)

    def report_malformed(self):
        if self.malformed:
            self.malformed = False
            self.lose()

    def lose(self, count=1):
        """`count`: how much; 1 stands for any number that can be."""
        for host in set(self.hosts):
            event = Event("loss")
            event.host, event.boot_id, event.loss_count = host, self.boot_id, count
            # It is of some moment from 0 to the newest.
            event.wall_ns = max(self.wall_minus_boot_ns, self.wall_minus_boot_ns + self.boot_ns_max, key=abs)
            event.check_numbers()
            self.sink(event)

