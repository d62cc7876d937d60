# SPDX-License-Identifier: Apache-2.0
"""Which events the lines of an imported file become (docs/formats/events.md), for tools/verify_tables.py. Takes no
more than is surely an event there; what is not makes the rest of the file Unclear."""
import datetime
import json
import re

from verify_notes import decode_base64
from verify_records import INT64_MAX, Event

LINE_BYTES_MAX = 1 << 20
STEP_NS = 1_000_000
TIME = re.compile(r"(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?Z")
CREDENTIALS = ("uid", "euid", "suid", "fsuid", "gid", "egid", "sgid", "fsgid", "cap_effective", "cap_permitted",
               "cap_inheritable", "user_namespace")
OBJECT_TYPES = {"file", "directory", "symlink", "character_device", "block_device", "pipe", "socket", "pty", "tty", "memfd",
                "anonymous", "unknown"}
INTERNET = {"inet", "inet6"}


class Unclear(Exception):
    """Another reader may take it otherwise."""


def number(least, greatest):
    return lambda value: isinstance(value, int) and not isinstance(value, bool) and least <= value <= greatest


def is_a(kind):
    return lambda value: isinstance(value, kind)


U16, U32, U64 = (number(0, (1 << bits) - 1) for bits in (16, 32, 64))
COUNT, I64, I32 = number(0, INT64_MAX), number(-INT64_MAX - 1, INT64_MAX), number(-(1 << 31), (1 << 31) - 1)
TEXT, BOOL, ANY = is_a(str), is_a(bool), lambda value: True


def members(**kinds):
    return lambda value: isinstance(value, dict) and all(key in kinds and kinds[key](item) for key, item in value.items())


def texts(value):
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


def flags(value):
    names = "RDONLY|WRONLY|RDWR|CREAT|EXCL|TRUNC|APPEND|DIRECTORY|CLOEXEC|NONBLOCK|NOFOLLOW|PATH|TMPFILE"
    return U64(value) or isinstance(value, str) and re.fullmatch(rf"O_({names})(\|O_({names}))*", value)


def mode(value):
    return U32(value) or isinstance(value, str) and re.fullmatch("[0-7]{1,10}", value)


LINE = members(
    kind=TEXT, host=TEXT, boot_id=TEXT, time=TEXT, boot_ns=COUNT, wall_ns=I64, begin_boot_ns=COUNT, baseline=BOOL, tid=U32,
    uid=U32, euid=U32, process=ANY, child_process=ANY, parent_process=ANY, object=ANY, other_object=ANY,
    object_pty_master=BOOL, path=TEXT, user_path=TEXT, other_path=TEXT, fd=I32, other_fd=I32, size_bytes=COUNT,
    offset_bytes=I64, flags=flags, value=U64, mode=mode, result=I64, syscall=TEXT,
    socket=members(netns=U32, family=TEXT, type=TEXT, protocol=U16, local_ip=TEXT, local_port=U16, remote_ip=TEXT,
                   remote_port=U16, unix_path=TEXT, peer_inode=U64, state=TEXT),
    terminal=members(rows=U16, columns=U16, echo=BOOL, canonical=BOOL), payload=TEXT,
    payload_base64=lambda value: isinstance(value, str) and decode_base64(value) is not None, payload_shed=BOOL,
    loss=members(loss_class=TEXT, count=U64, from_boot_ns=COUNT, reason=TEXT), command=TEXT,
    credentials=members(**{name: U64 if name.startswith("cap_") else U32 for name in CREDENTIALS}), object_uid=U32,
    object_gid=U32, interpreter=TEXT, arguments=texts, arguments_truncated=BOOL, working_directory=TEXT, session_id=U32,
    exit_code=U32)
OBJECT = members(type=TEXT, device=U32, inode=U64, generation=U32, instance=U64, path=TEXT)
PROCESS = members(pid=U32, start_boot_ns=COUNT)
PATH, PATHS = ("path",), ("path", "other_path")
NEEDS = {"fork": ("child_process",), "signal": ("child_process",), "exec": PATH, "unlink": PATH, "mkdir": PATH, "mknod": PATH,
         "rename": PATHS, "link": PATHS, "symlink": PATHS, "credential_change": ("credentials",), "dup": ("fd", "other_fd"),
         "close": ("fd",), "loss": ("loss",)}
NEEDS_ONE = {"open", "read", "write"}
KINDS = set(NEEDS) | NEEDS_ONE | {
    "exit", "chmod", "chown", "truncate", "chdir", "pipe", "socketpair", "socket", "bind", "listen", "connect", "accept",
    "send", "recv", "shutdown", "window_size", "setsid", "set_attribute", "mount", "set_name", "process", "descriptor"}


def once(pairs):
    result = dict(pairs)
    if len(result) != len(pairs):
        raise Unclear
    return result


def other_number(text):
    if text in ("NaN", "Infinity", "-Infinity"):
        raise ValueError("a number that JSON has not")
    raise Unclear


def parse_json(data):
    """Of JSON that all readers take alike; ValueError when it surely is none."""
    if b"\0" in data or data.startswith(b"\xef\xbb\xbf") or re.search(rb"\\u[dD][89a-fA-F]|[0-9]{300}", data):
        raise Unclear
    try:
        return json.loads(data.decode("utf-8"), object_pairs_hook=once, parse_constant=other_number,
                          parse_float=other_number)
    except RecursionError as error:
        raise Unclear from error


def parse_process(value):
    """(pid, start_boot_ns or None)"""
    if isinstance(value, str):
        match = re.fullmatch(r"([0-9]{1,10})(?:@([0-9]{1,20}))?", value)
        value = {"pid": int(match[1])} | ({"start_boot_ns": int(match[2])} if match[2] else {}) if match else None
    elif not isinstance(value, dict):
        value = {"pid": value}
    if not PROCESS(value):
        raise Unclear
    return value.get("pid", 0), value.get("start_boot_ns")


def parse_object(value):
    """As Event.object: what is known by its name only, or not said, is None."""
    if isinstance(value, str):
        match = re.fullmatch(r"([a-z_]+):(?:([0-9]{1,10})/)?([0-9]{1,20})(?:\.([0-9]{1,10}))?(?:#([0-9]{1,20}))?", value)
        if not match:
            if value.startswith("path:"):
                return None
            raise Unclear
        value = {"type": match[1]} | {key: int(text) for key, text in zip(("device", "inode", "generation", "instance"),
                                                                          match.groups()[1:]) if text}
    if not OBJECT(value) or value.get("type") not in OBJECT_TYPES or "path" in value:
        raise Unclear
    return value["type"], value.get("device", 0), value.get("inode", 0), value.get("generation", 0)


def parse_time(text):
    match = TIME.fullmatch(text)
    try:
        if not match or not "1970" <= match[1] <= "2261":
            raise Unclear
        at = datetime.datetime(*map(int, match.groups()[:6]), tzinfo=datetime.timezone.utc)
    except ValueError as error:
        raise Unclear from error
    return int(at.timestamp()) * 10**9 + int((match[7] or "0").ljust(9, "0"))


def has(said, key):
    """Whether this is there: text that is not empty, a descriptor."""
    value = said.get(key)
    return value not in (None, "") and not (isinstance(value, int) and value < 0)


class Lines:
    """The bytes of an imported file to events, in their order."""

    def __init__(self, default_host, sink):
        self.default_host, self.sink, self.rest = default_host, sink, b""
        self.wall_minus_boot_ns, self.starts, self.users = {}, {}, {}
        self.last_boot_ns = 0

    def feed(self, data):
        *lines, self.rest = (self.rest + bytes(data)).split(b"\n")
        for line in [*lines, self.rest]:
            if len(line) > LINE_BYTES_MAX:
                raise Unclear
        for line in lines:
            self.read(line)

    def finish(self):
        self.read(self.rest)

    def read(self, line):
        if not line.strip(b" \t\r\n"):
            return
        try:
            said = parse_json(line)
        except ValueError as error:
            raise Unclear from error
        if not LINE(said) or said.get("kind") not in KINDS:
            raise Unclear
        kind = said["kind"]
        event = Event(kind)
        if not all(has(said, key) for key in NEEDS.get(kind, ())) or kind != "loss" and "process" not in said \
                or kind in NEEDS_ONE and not any(has(said, key) for key in ("fd", "path", "object")) \
                or "payload" in said and "payload_base64" in said:
            raise Unclear
        event.host, event.boot_id = said.get("host") or self.default_host, said.get("boot_id", "")
        event.result, event.size_bytes = said.get("result", 0), said.get("size_bytes", 0)
        event.baseline = said.get("baseline", False)
        event.captured = bool(
            {"payload", "payload_base64", "terminal"} & said.keys() or said.get("payload_shed"))
        event.object = parse_object(said["object"]) if "object" in said else None
        event.other = parse_object(said["other_object"]) if "other_object" in said else None
        event.path = said["path"].encode() if "path" in said else None
        if "credentials" in said:
            event.credentials = parse_credentials(said["credentials"])
        if "socket" in said:
            socket = said["socket"]
            event.has_both_ends = socket.get("family") in INTERNET and bool(
                socket.get("local_ip") and socket.get("remote_ip") and socket.get("remote_port"))
            event.is_tcp = socket.get("protocol", 0) == 6 or not socket.get("protocol") and socket.get("type") == "stream"
            event.listens = kind == "descriptor" and socket.get("state") == "listen"
        event.listens = event.listens or kind == "listen"
        boot_ns = self.fill_times(event, said)
        if kind == "loss":
            event.loss_count = said["loss"].get("count", 0)
        else:
            self.fill_processes(event, said, boot_ns)
            self.fill_user(event, said)
        loss = said.get("loss", {})
        event.check_numbers(boot_ns, said.get("begin_boot_ns", 0), said.get("offset_bytes", 0), loss.get("count", 0),
                            loss.get("from_boot_ns", 0))
        self.sink(event)

    def fill_times(self, event, said):
        difference = self.wall_minus_boot_ns.get(event.host, 0)
        boot_ns, wall_ns = said.get("boot_ns"), parse_time(said["time"]) if "time" in said else said.get("wall_ns")
        if boot_ns is not None and wall_ns is not None:
            self.wall_minus_boot_ns[event.host] = wall_ns - boot_ns
        elif wall_ns is not None:
            boot_ns = max(wall_ns - difference, 0)
        else:
            boot_ns = self.last_boot_ns + STEP_NS if boot_ns is None else boot_ns
            wall_ns = boot_ns + difference
        if not COUNT(boot_ns) or not I64(wall_ns) or not I64(wall_ns - boot_ns) or "time" in said and "wall_ns" in said:
            raise Unclear
        self.last_boot_ns, event.wall_ns = boot_ns, wall_ns
        return boot_ns

    def fill_processes(self, event, said, boot_ns):
        def complete(name, start_of_new=None):
            pid, start = parse_process(said[name])
            start = start_of_new if start is None else start
            if start is None:
                start = self.starts.get((event.host, pid), 0)
            self.starts[event.host, pid] = start
            return pid, start
        event.process = complete("process")
        if "child_process" in said:
            event.child = complete("child_process", boot_ns if event.kind == "fork" else None)
        if "parent_process" in said:
            event.parent = complete("parent_process")
        event.tid = said.get("tid", event.process[0])

    def fill_user(self, event, said):
        uid, euid = self.users.get((event.host, event.process[0]), (0, 0))
        if event.credentials and event.result >= 0:
            uid, euid = event.credentials[:2]
        if "uid" in said:
            uid = euid = said["uid"]
        event.uid, event.euid = uid, said.get("euid", euid)
        self.users[event.host, event.process[0]] = event.uid, event.euid
        if event.kind == "fork":
            self.users[event.host, event.child[0]] = event.uid, event.euid


def parse_credentials(said):
    ids = {name: said.get(name) for name in CREDENTIALS}
    for name, other in (("uid", None), ("euid", "uid"), ("suid", "euid"), ("fsuid", "euid"), ("gid", None),
                        ("egid", "gid"), ("sgid", "egid"), ("fsgid", "egid")):
        if ids[name] is None:
            ids[name] = ids[other] if other else 0
    return tuple(value or 0 for value in ids.values())
