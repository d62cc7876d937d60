# SPDX-License-Identifier: Apache-2.0
"""How many rows the events of a recording give in each table (docs/formats/store.md, "How many rows"), for
tools/verify_tables.py."""
import collections

EINPROGRESS = 115
TABLES = ("host", "process", "exec", "credential_change", "event", "event_by_object", "object", "object_name", "socket",
          "flow", "flow_process", "io", "terminal", "gap")
IO_KINDS = {"read", "write", "send", "recv"}
SHOW_NAMES = {"open", "descriptor", "exec", "process", "mkdir", "mknod", "symlink"}
WITHOUT_NAMES = {"socket", "memfd", "anonymous", "unknown"}


class User:
    """Who the threads of a process are, as it was told last."""

    def __init__(self):
        self.main = self.credentials = None
        self.threads = {}
        self.exited = False
        self.unsure = False  # what was known of it may have been forgotten at its end

    def changes(self, event):
        """Follows the user; whether the event is a change of credentials."""
        now = event.uid, event.euid
        if event.tid in (0, event.process[0]):
            before = self.main
        elif event.tid in self.threads:
            before = self.threads[event.tid]
        else:
            known = self.main not in (None, now) and now not in self.threads.values()
            before = self.main if known else None
        told = event.credentials if event.credentials and event.result >= 0 else None
        if event.baseline or event.kind == "process":
            changed = False
        elif told and event.kind == "exec":
            changed = before not in (None, told[:2]) or bool(self.credentials) and (
                self.credentials[4:6] != told[4:6] or told[8] & ~self.credentials[8] != 0)
        elif told and event.kind == "credential_change":
            changed = self.credentials != told if self.credentials else before != told[:2]
        else:
            changed = before not in (None, now)
        after = told[:2] if told else now
        self.credentials = told or self.credentials
        if event.kind == "exec" and event.result >= 0:
            self.main, self.threads = after, {}
        elif event.tid in (0, event.process[0]):
            self.main = after
        else:
            self.threads[event.tid] = after
        return changed


class Rows:
    """How many rows each table must have for the events of one recording."""

    def __init__(self):
        self.event_count = 0
        self.unclear = False  # there may be more
        self.least = collections.Counter()
        self.most = collections.Counter()  # of tables with an upper bound
        self.hosts, self.processes = set(), set()
        # Hashes take less room than what they are of; should two be alike, a lower bound is lower.
        self.objects, self.names = set(), set()
        self.sockets, self.talking, self.listening = set(), set(), set()
        self.merged, self.merged_with_object = set(), set()
        self.users = {}

    def count(self, table, least=1, most=1):
        self.least[table] += least
        self.most[table] += most

    def take(self, event):
        self.event_count += 1
        # Numbers that cannot be, and folders with too much below them, become a gap each, for each flush.
        if not event.is_possible:
            self.count("gap", 0)
        if event.kind == "rename":
            self.count("gap", 0)
        if event.kind == "loss":
            if event.loss_count:
                self.count("gap")
                if event.host:
                    self.hosts.add((event.host, event.boot_id))
            return
        boot = event.host, event.boot_id
        self.hosts.add(boot)
        process = (*boot, *event.process)
        if event.kind in IO_KINDS:
            self.take_io(process, event)
        else:
            self.count("event")
        if event.kind == "exec":
            self.count("exec")
        elif event.kind == "window_size":
            self.count("terminal")
        self.follow_user(process, event)
        self.processes.add(process)
        if event.parent and event.kind == "process":
            self.processes.add((*boot, *event.parent))
        if event.child and event.result >= 0 and event.kind in ("fork", "signal"):
            self.processes.add((*boot, *event.child))
        if event.object:
            self.note_object(boot, event)
        if event.other:
            key = hash((*boot, *event.other))
            self.objects.add(key)
            if event.kind == "socketpair" and event.object and event.other[0] == "socket":
                self.sockets.add(key)

    def take_io(self, process, event):
        """Calls in a row may be one row; never those that differ in these."""
        self.most["event"] += 1
        failure = 0 if event.size_bytes > 0 else event.result if event.result < 0 else 1
        key = *process, event.kind, event.tid, event.uid, event.euid, failure
        self.merged.add(hash(key))
        if event.object:
            self.merged_with_object.add(hash((*key, *event.object)))
        if event.size_bytes > 0 and event.captured:
            self.count("io", int(bool(event.object)))

    def follow_user(self, process, event):
        user = self.users.get(process)
        if user is None:
            user = self.users[process] = User()
        user.unsure = user.unsure or user.exited
        changed = user.changes(event)
        if changed or user.unsure:
            self.count("credential_change", int(changed and not user.unsure))
        if event.kind == "exit":
            user.exited = True
        if event.kind != "fork" or event.result < 0 or not event.child or event.child == event.process:
            return
        child = self.users.setdefault((*process[:2], *event.child), User())
        child.unsure = child.unsure or child.exited or user.unsure or user.exited
        child.main = child.main or (event.uid, event.euid)
        child.credentials = child.credentials or user.credentials

    def note_object(self, boot, event):
        key = hash((*boot, *event.object))
        self.objects.add(key)
        done = event.result >= 0
        if event.object[0] == "socket":
            self.sockets.add(key)
            if event.listens:
                self.listening.add(key)
            elif event.has_both_ends and event.kind != "bind" and (
                    done or event.result == -EINPROGRESS) and (event.is_tcp or event.size_bytes > 0):
                self.talking.add(key)
        path = event.path
        if done and path and not event.unlinked and event.kind in SHOW_NAMES and event.object[0] not in WITHOUT_NAMES and path[:1] == b"/" \
                and not path.endswith(b"/ptmx") and path != b"/dev/tty":
            self.names.add(hash((*boot, path)))

    def bounds(self, is_one_flush):
        """(least, most or None) by table."""
        least = self.least + collections.Counter({
            "event": max(len(self.merged), len(self.merged_with_object)), "host": len(self.hosts),
            "process": len(self.processes), "object": len(self.objects), "object_name": len(self.names),
            "socket": len(self.sockets), "flow": len(self.talking - self.listening),
            "flow_process": len(self.talking - self.listening)})
        most = collections.Counter(self.most, host=len(self.hosts))
        if is_one_flush:
            most["process"] = len(self.processes)
        least["event_by_object"], most["event_by_object"] = least["event"], most["event"]
        for table in ("object", "object_name", "socket", "flow", "flow_process", *(() if is_one_flush else ("process",))):
            most[table] = None
        return {table: (least[table], None if self.unclear else most[table]) for table in TABLES}
